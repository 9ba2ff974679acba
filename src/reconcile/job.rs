//! What is asked of a run, and what it gives back.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use linesman_cdr::Money;
use linesman_cdr::format::{Layout, Rejection};
use linesman_cdr::outcome::Outcome;
use linesman_cdr::rating::{Offsets, moment};
use linesman_cdr::record::{Names, Side};

/// One file of records, and what its owner knows of it.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// Where it stands.
    pub path: PathBuf,
    /// Preset by name, or a TOML file with one; none: found out.
    pub format: Option<String>,
    /// Answers to what cannot be proved, by the flag that gives them (`date-order` = `dmy`).
    pub hints: Vec<(String, String)>,
}

/// One reconciliation.
#[derive(Debug, Clone)]
pub struct Job {
    /// Our records.
    pub ours: Input,
    /// Theirs.
    pub theirs: Input,
    /// The rate deck.
    pub rates: PathBuf,
    /// The contract; none: the deck alone.
    pub contract: Option<PathBuf>,
    /// Threads.
    pub threads: usize,
    /// Bound of memory, in bytes.
    pub memory: u64,
    /// Where temporary files may be; none: the system's place.
    pub temporary: Option<PathBuf>,
    /// Whether to hash large inputs too; it costs as much as a third of the run, and is for what is kept.
    pub hash: bool,
    /// Only calls that begin from the first moment on and before the second, in milliseconds since 1970,
    /// as reconciled: a call of both sides counts by our moment. The others are counted apart; none: all.
    pub period: Option<[i64; 2]>,
    /// Whether to sum up all calls by destination, day and gateway, for a report.
    pub sums: bool,
}

/// The period from one moment to another, as people write them (`2026-04-01`, `2026-04-01T08:00:00+08:00`;
/// UTC where no zone stands); an end that is not given is open.
///
/// # Errors
/// Which of the two, and a sentence that says how it is written.
pub fn period(from: Option<&str>, to: Option<&str>) -> Result<Option<[i64; 2]>, (&'static str, String)> {
    let read = |name, text: Option<&str>| match text {
        None => Ok(None),
        Some(text) => moment(text, &Offsets::UTC).map(Some).map_err(|why| (name, why)),
    };
    let (first, last) = (read("from", from)?, read("to", to)?);
    match (first, last) {
        (None, None) => Ok(None),
        (Some(first), Some(last)) if first >= last => {
            Err(("to", "the end of the period is not after its beginning".to_owned()))
        }
        _ => Ok(Some([first.unwrap_or(i64::MIN), last.unwrap_or(i64::MAX)])),
    }
}

/// What a file was found to be.
#[derive(Debug, Clone, serde::Serialize)]
pub struct InputFacts {
    /// Name of the file, without its folder.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal; empty where [`Job::hash`] did not ask for it.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What it looks like.
    pub layout: Layout,
    /// What its lines came to.
    pub tally: Tally,
    /// First and last time in it, milliseconds since 1970, as reconciled.
    pub period_ms: Option<[i64; 2]>,
}

/// What the lines of a file came to, in count, conversation and money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Records.
    pub records: u64,
    /// Those that give an amount.
    pub priced: u64,
    /// Their conversation, in milliseconds.
    pub talk_ms: u64,
    /// Their amounts.
    pub amount: Money,
    /// Lines that are no records.
    pub rejected: u64,
    /// Their conversation, where it could be read.
    pub rejected_talk_ms: u64,
    /// Their amounts, where they could be read.
    pub rejected_amount: Money,
    /// Records of the file's own that are no calls.
    pub skipped: u64,
    /// Lines of the header, empty ones, and those that carry on a quoted field.
    pub bare: u64,
    /// Records outside the job's period, of those above.
    pub outside: u64,
    /// Their conversation, in milliseconds.
    pub outside_talk_ms: u64,
    /// Their amounts.
    pub outside_amount: Money,
}

/// What came of a run.
pub struct Finished {
    /// The answer.
    pub outcome: Outcome,
    /// Both files, by [`Side::index`].
    pub inputs: [InputFacts; 2],
    /// SHA-256 of the deck and, where there is one, of the contract.
    pub rates_sha256: String,
    /// As above.
    pub contract_sha256: Option<String>,
    /// The deck.
    pub deck: linesman_cdr::rating::Deck,
    /// The contract in force.
    pub contract: linesman_cdr::rating::Contract,
    /// Names that records refer to, by [`Side::index`].
    pub names: [Names; 2],
    /// Rejected lines, by [`Side::index`]; at most [`KEPT_REJECTIONS`] of each, all are counted.
    pub rejections: [Vec<Rejection>; 2],
    /// Calls that differ, at most [`KEPT_DETAILS`]; all of them went to the job's detail sink.
    pub details: Vec<linesman_cdr::outcome::CallDetail>,
    /// How many calls differ.
    pub detail_count: u64,
    /// Sums over all calls, where [`Job::sums`] asked for them.
    pub sums: Option<crate::sums::Breakdown>,
    /// The period that was asked for, as in [`Job::period`].
    pub period: Option<[i64; 2]>,
    /// The lines of both files.
    pub texts: crate::lines::Texts,
}

/// Rejected lines that are kept with their text.
pub const KEPT_REJECTIONS: usize = 100_000;
/// Differing calls that are kept in memory.
pub const KEPT_DETAILS: usize = 1_000_000;

/// Where a run is; read by another thread while it works.
///
/// ```
/// use std::sync::atomic::Ordering;
///
/// let progress = linesman_reconcile::Progress::default();
/// assert!(!progress.is_cancelled());
/// progress.cancel.store(true, Ordering::Relaxed);
/// assert!(progress.is_cancelled());
/// ```
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of both files read.
    pub read: AtomicU64,
    /// Bytes of both files together.
    pub of: AtomicU64,
    /// Partitions paired, in both passes together.
    pub paired: AtomicU64,
    /// Partitions to pair.
    pub partitions: AtomicU64,
    /// Set to make it stop; its temporary files are removed.
    pub cancel: AtomicBool,
}

impl Progress {
    /// Whether it shall stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// Gives the line of a record back as it stands in the file, for examples and reports.
pub trait Lines {
    /// The fields of the line that begins at `place`, in the order of the layout's columns.
    fn fields(&self, side: Side, place: u64) -> Option<Vec<String>>;
}

#[cfg(test)]
mod tests {
    use super::period;

    #[test]
    fn a_period_has_both_ends_one_or_none() {
        assert_eq!(period(None, None), Ok(None));
        assert_eq!(period(Some("1970-01-02"), None), Ok(Some([86_400_000, i64::MAX])));
        assert_eq!(period(Some("1970-01-01T08:00:00+08:00"), Some("1970-01-02")), Ok(Some([0, 86_400_000])));
        assert_eq!(period(Some("May"), None).map_err(|(name, _)| name), Err("from"));
        assert_eq!(period(Some("2026-04-02"), Some("2026-04-01")).map_err(|(name, _)| name), Err("to"));
    }
}
