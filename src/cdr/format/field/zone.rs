//! From a local time to UTC.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

use crate::format::Zone;

/// Around a change of the clock every time is looked up.
const WARY_MS: i64 = 26 * 3_600_000;

/// A zone that remembers between which changes of the clock it is.
#[derive(Debug, Clone)]
pub enum Clock {
    /// Always the same, in milliseconds east of UTC.
    Fixed(i64),
    /// A place.
    Named(Place),
}

/// A place with summer time.
#[derive(Debug, Clone)]
pub struct Place {
    zone: TimeZone,
    /// Local milliseconds from and to which `east` holds.
    from: i64,
    to: i64,
    east: i64,
}

impl Clock {
    /// The clock of a zone; `None` when no such place is known.
    #[must_use]
    pub fn of(zone: &Zone) -> Option<Self> {
        match zone {
            Zone::Unknown => Some(Self::Fixed(0)),
            Zone::Fixed(seconds) => Some(Self::Fixed(i64::from(*seconds) * 1000)),
            Zone::Named(name) => {
                let zone = TimeZone::get(name).ok()?;
                Some(Self::Named(Place { zone, from: 0, to: 0, east: 0 }))
            }
        }
    }

    /// UTC of a local time, both in milliseconds since 1970. Of a time that the clock shows twice it is the
    /// first; one that it never shows is read as if the clock had not been changed yet.
    #[inline]
    pub fn utc(&mut self, local_ms: i64) -> i64 {
        match self {
            Self::Fixed(east) => local_ms - *east,
            Self::Named(place) if place.from <= local_ms && local_ms < place.to => local_ms - place.east,
            Self::Named(place) => place.look_up(local_ms),
        }
    }
}

impl Place {
    #[cold]
    fn look_up(&mut self, local_ms: i64) -> i64 {
        let epoch = civil::date(1970, 1, 1).at(0, 0, 0, 0);
        let Ok(local) = epoch.checked_add(SignedDuration::from_millis(local_ms)) else { return local_ms };
        let Ok(moment) = self.zone.to_ambiguous_timestamp(local).compatible() else { return local_ms };
        let utc_ms = moment.as_millisecond();
        let east = local_ms - utc_ms;
        let edge =
            |change: Option<Timestamp>, none: i64| change.map_or(none, |at| at.as_millisecond() + east);
        let before = self.zone.preceding(moment).next().map(|change| change.timestamp());
        let after = self.zone.following(moment).next().map(|change| change.timestamp());
        let (from, to) = (edge(before, i64::MIN / 2) + WARY_MS, edge(after, i64::MAX / 2) - WARY_MS);
        if from <= local_ms && local_ms < to {
            (self.from, self.to, self.east) = (from, to, east);
        }
        utc_ms
    }
}
