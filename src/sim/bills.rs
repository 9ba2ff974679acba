//! The bills of the demo: our records of last month's calls over a carrier, the carrier's own, the agreed rate deck,
//! put where the daemon watches for them, as a person or another program would.
//!
//! Deliberately absent: no comparison, no cause, no amount. What deviates is put into the carrier's file; the
//! daemon is told nothing of it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime, Utc};
use linesman_cdr::generate::{Injection, Plan, write};
use linesman_cdr::outcome::CauseKind;
use linesman_cdr::record::Side;

/// Whose bill it is: the carrier of the links and trunks that the story breaks first.
pub const PARTY: &str = "North Carrier";
/// Calls of the month.
const CALLS: u64 = 4_000;
/// Their clock is ahead by this, and in this zone, which is no error.
const THEIR_CLOCK_MS: i64 = 3_000;
const THEIR_ZONE: &str = "+08:00";

/// Where bills are put, and of which month.
#[derive(Debug, Clone)]
pub struct Bills {
    folder: PathBuf,
    seed: u64,
    month: NaiveDate,
}

impl Bills {
    /// Into a watched folder; of the month before this moment.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path, seed: u64, now: DateTime<Utc>) -> io::Result<Self> {
        fs::create_dir_all(folder.join(PARTY))?;
        let first = now.date_naive().with_day(1).unwrap_or(NaiveDate::MIN);
        let month = first.checked_sub_months(Months::new(1)).unwrap_or(first);
        Ok(Self { folder: folder.join(PARTY), seed, month })
    }

    /// The month, as `2026-10`.
    #[must_use]
    pub fn month(&self) -> String {
        self.month.format("%Y-%m").to_string()
    }

    /// Puts a bill there: as the carrier sent it first, or as corrected afterwards.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn put(&self, corrected: bool) -> io::Result<()> {
        let plan = self.plan(corrected);
        let (rates, _) = plan.agreement().map_err(io::Error::other)?;
        // Taken up once it has its name: what a copying program has not finished is left alone.
        let begun = |name: &str| self.folder.join(format!("{name}.part"));
        let create = |name: &str| Ok::<_, io::Error>(BufWriter::new(File::create(begun(name))?));
        let files = ["ours.csv", "theirs.csv", "rates.csv"];
        let [mut ours, mut theirs, mut deck] = [create(files[0])?, create(files[1])?, create(files[2])?];
        write(&plan, &mut ours, &mut theirs).map_err(io::Error::other)?;
        deck.write_all(rates.as_bytes())?;
        for mut file in [ours, theirs, deck] {
            file.flush()?;
        }
        files.iter().try_for_each(|name| fs::rename(begun(name), self.folder.join(name)))
    }

    fn plan(&self, corrected: bool) -> Plan {
        let next = self.month.checked_add_months(Months::new(1)).unwrap_or(self.month);
        let mut plan = Plan::new(self.seed, CALLS);
        plan.begin_ms = self.month.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        plan.days = u32::try_from((next - self.month).num_days()).unwrap_or(30);
        plan.theirs.clock_offset_ms = THEIR_CLOCK_MS;
        plan.theirs.zone = THEIR_ZONE.to_owned();
        if !corrected {
            let minutes = Injection::new(CauseKind::Increment, Side::Theirs).prefix("8613");
            plan.causes = vec![
                Injection { used: Some("60/60".to_owned()), ..minutes },
                Injection { share_ppm: 10_000, ..Injection::new(CauseKind::MissingRecords, Side::Theirs) },
            ];
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrected_bill_is_of_the_same_calls_and_of_the_whole_month_before() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-22T01:00:00Z".parse().unwrap();
        let bills = Bills::new(folder.path(), 7, now).unwrap();
        assert_eq!(bills.month(), "2026-10");
        let read = |name: &str| fs::read_to_string(folder.path().join(PARTY).join(name)).unwrap();
        bills.put(false).unwrap();
        let first = ["ours.csv", "theirs.csv", "rates.csv"].map(read);
        bills.put(true).unwrap();
        let second = ["ours.csv", "theirs.csv", "rates.csv"].map(read);
        assert_eq!((&first[0], &first[2]), (&second[0], &second[2]), "our records and the deck stay");
        assert!(first[1].lines().count() < second[1].lines().count(), "what was missing is there");
        assert!(first[0].contains("2026-10-01T") && first[0].contains("2026-10-31T"), "the whole month");
        assert_eq!(fs::read_dir(folder.path().join(PARTY)).unwrap().count(), 3, "nothing unfinished is left");
    }
}
