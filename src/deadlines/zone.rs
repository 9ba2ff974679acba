//! A time zone: between which instants which offset from UTC holds, and back from local time.
//!
//! The one file that speaks to the zone database, which is compiled in: the same answer on every machine.

use std::fmt;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// No offset, with room for a change of it, is larger.
const FARTHEST: TimeDelta = TimeDelta::hours(50);

/// A zone of the IANA database, such as `Asia/Shanghai`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A stretch of time with one offset from UTC, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub east: TimeDelta,
}

/// What a local time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    /// One instant.
    Once(DateTime<Utc>),
    /// The clocks are set back: they show it twice.
    Twice(DateTime<Utc>, DateTime<Utc>),
    /// The clocks are set forward over it; the instant at which they are.
    Never(DateTime<Utc>),
}

impl Local {
    /// The first instant at which the clocks show it, or have passed it.
    #[must_use]
    pub const fn earliest(self) -> DateTime<Utc> {
        match self {
            Self::Once(at) | Self::Twice(at, _) | Self::Never(at) => at,
        }
    }
}

/// There is no such zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone; name one of the IANA database, such as Asia/Shanghai or Europe/Berlin")]
pub struct NoSuchZone(pub String);

impl Zone {
    /// The zone of this name.
    ///
    /// # Errors
    /// When the database does not have it.
    pub fn named(name: &str) -> Result<Self, NoSuchZone> {
        let shown = || NoSuchZone(name.chars().take(60).collect::<String>().escape_debug().to_string());
        let zone = TimeZone::get(name).map_err(|_| shown())?;
        let name = zone.iana_name().ok_or_else(shown)?.to_owned();
        Ok(Self { name, zone })
    }

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// Its name in the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clocks on the wall show at an instant.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let naive = at.naive_utc();
        naive.checked_add_signed(self.east(at)).unwrap_or(naive)
    }

    /// When the clocks on the wall show a local time.
    #[must_use]
    pub fn instant(&self, local: NaiveDateTime) -> Local {
        let as_utc = local.and_utc();
        let mut seen: Option<DateTime<Utc>> = None;
        for piece in self.pieces(earlier(as_utc), later(as_utc)) {
            let Some(at) = as_utc.checked_sub_signed(piece.east) else { continue };
            if at >= piece.from && at < piece.to {
                match seen {
                    None => seen = Some(at),
                    Some(first) => return Local::Twice(first, at),
                }
            } else if at < piece.from && seen.is_none() {
                return Local::Never(piece.from);
            }
        }
        seen.map_or(Local::Never(as_utc), Local::Once)
    }

    /// When a date begins, and with it the day before ends: its 24:00.
    #[must_use]
    pub fn day_begins(&self, date: NaiveDate) -> DateTime<Utc> {
        self.instant(date.and_time(NaiveTime::MIN)).earliest()
    }

    /// The instants of a date at which the clocks show at least `from` and less than `to`, in minutes since
    /// midnight: one span, none where the clocks are set forward over it, two where they are set back in it.
    pub(crate) fn spans(&self, date: NaiveDate, from: u16, to: u16) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let midnight = date.and_time(NaiveTime::MIN).and_utc();
        self.pieces(earlier(midnight), later(midnight))
            .filter_map(|piece| piece.clip(date, from, to))
            .collect()
    }

    /// Stretches of one offset that cover the time between two instants, in order.
    pub(crate) fn pieces(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = Piece> + use<'_> {
        let mut changes = self.zone.following(to_jiff(from));
        let mut at = from;
        std::iter::from_fn(move || {
            if at >= until {
                return None;
            }
            let east = self.east(at);
            let change = changes.next().and_then(|change| from_jiff(change.timestamp()));
            let to = change.unwrap_or(DateTime::<Utc>::MAX_UTC).max(at);
            let piece = Piece { from: at, to, east };
            at = to;
            Some(piece)
        })
    }

    fn east(&self, at: DateTime<Utc>) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.zone.to_offset(to_jiff(at)).seconds()))
    }
}

impl Piece {
    /// The part of this stretch in which the clocks show a window of a date.
    pub(crate) fn clip(&self, date: NaiveDate, from: u16, to: u16) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let midnight = date.and_time(NaiveTime::MIN).and_utc().checked_sub_signed(self.east)?;
        let opens = midnight.checked_add_signed(TimeDelta::minutes(i64::from(from)))?.max(self.from);
        let closes = midnight.checked_add_signed(TimeDelta::minutes(i64::from(to)))?.min(self.to);
        (opens < closes).then_some((opens, closes))
    }

    /// The date that the clocks show at an instant within.
    pub(crate) fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        at.naive_utc().checked_add_signed(self.east).unwrap_or(at.naive_utc()).date()
    }
}

/// The date so many days later; the same at the end of all dates.
pub(crate) fn days_later(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn earlier(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_sub_signed(FARTHEST).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn later(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_add_signed(FARTHEST).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Beyond the database's last year its last offset holds.
fn to_jiff(at: DateTime<Utc>) -> Timestamp {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let seconds = at.timestamp().clamp(first, last);
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or(0).min(999_999_999);
    Timestamp::new(seconds, nanos).unwrap_or(Timestamp::MAX)
}

fn from_jiff(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.as_second(), u32::try_from(at.subsec_nanosecond()).unwrap_or(0))
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl TryFrom<String> for Zone {
    type Error = NoSuchZone;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::named(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().expect("a local time")
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_local_time_is_shown_once_twice_or_never() {
        let berlin = Zone::named("Europe/Berlin").expect("Berlin");
        let cases = [
            ("2026-03-02T10:00:00", Local::Once(utc("2026-03-02T09:00:00Z"))),
            ("2026-03-29T02:30:00", Local::Never(utc("2026-03-29T01:00:00Z"))),
            ("2026-10-25T02:30:00", Local::Twice(utc("2026-10-25T00:30:00Z"), utc("2026-10-25T01:30:00Z"))),
        ];
        for (text, means) in cases {
            assert_eq!(berlin.instant(local(text)), means, "{text}");
        }
        assert_eq!(berlin.local(utc("2026-10-25T01:30:00Z")), local("2026-10-25T02:30:00"));
    }

    #[test]
    fn a_day_that_the_clocks_leave_out_has_no_instant() {
        let apia = Zone::named("Pacific/Apia").expect("Apia");
        let skipped = NaiveDate::from_ymd_opt(2011, 12, 30).expect("a date");
        assert!(apia.spans(skipped, 0, 1440).is_empty());
        assert_eq!(apia.day_begins(skipped), apia.day_begins(days_later(skipped, 1)));
    }

    #[test]
    fn a_day_on_which_clocks_are_set_back_by_half_an_hour_is_half_an_hour_longer() {
        let lord_howe = Zone::named("Australia/Lord_Howe").expect("Lord Howe");
        let day = NaiveDate::from_ymd_opt(2026, 4, 5).expect("a date");
        let spans = lord_howe.spans(day, 0, 1440);
        let length: TimeDelta = spans.iter().map(|(from, to)| *to - *from).sum();
        assert_eq!(length, TimeDelta::minutes(24 * 60 + 30));
        let shown_twice = lord_howe.spans(day, 100, 110);
        assert_eq!(shown_twice.len(), 2, "{shown_twice:?}");
    }

    #[test]
    fn what_is_no_zone_is_refused_by_its_name() {
        let error = Zone::named("Asia/Shangai").expect_err("misspelt");
        assert!(error.to_string().contains("Asia/Shangai"), "{error}");
        assert!(Zone::named("").is_err());
    }

    #[test]
    fn the_ends_of_time_are_answered_too() {
        let berlin = Zone::named("Europe/Berlin").expect("Berlin");
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let shown = berlin.local(at);
            let _ = berlin.instant(shown);
            let _ = berlin.day_begins(shown.date());
        }
    }
}
