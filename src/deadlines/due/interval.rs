//! Pauses: intervals in which a clock stands (tickets.md 7.2, rule 5).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// From one instant to a later one, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Interval {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// It ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the interval ends at {to}, which is not after its begin at {from}; swap the two")]
pub struct Backwards {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Interval {
    /// Between two instants.
    ///
    /// # Errors
    /// When it does not end after its begin.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, Backwards> {
        match from < to {
            true => Ok(Self { from, to }),
            false => Err(Backwards { from, to }),
        }
    }

    /// Its begin.
    #[must_use]
    pub const fn from(self) -> DateTime<Utc> {
        self.from
    }

    /// Its end, which it does not hold.
    #[must_use]
    pub const fn to(self) -> DateTime<Utc> {
        self.to
    }

    /// Its length.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        self.to - self.from
    }

    /// The part of it within another.
    #[must_use]
    pub fn within(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to)).ok()
    }
}

/// Intervals in order, those that touch or overlap joined.
#[must_use]
pub fn joined(intervals: &[Interval]) -> Vec<Interval> {
    let mut sorted = intervals.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(sorted.len());
    for next in sorted {
        match joined.last_mut() {
            Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
            _ => joined.push(next),
        }
    }
    joined
}

/// What pauses, in order and apart, leave of an interval: the parts that run.
pub(crate) fn running(whole: Interval, pauses: &[Interval]) -> Vec<Interval> {
    let mut parts = Vec::new();
    let mut from = whole.from;
    // Pauses in order: those that end before the interval are passed over at once.
    let first = pauses.partition_point(|pause| pause.to <= whole.from);
    for pause in pauses.iter().skip(first).take_while(|pause| pause.from < whole.to) {
        parts.extend(Interval::new(from, pause.from.min(whole.to)).ok());
        from = from.max(pause.to);
    }
    parts.extend(Interval::new(from, whole.to).ok());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(from: i64, to: i64) -> Interval {
        let at = |second| DateTime::from_timestamp(second, 0).expect("an instant");
        Interval::new(at(from), at(to)).expect("forwards")
    }

    #[test]
    fn an_interval_that_does_not_end_after_its_begin_is_refused() {
        let at = DateTime::from_timestamp(0, 0).expect("an instant");
        assert!(Interval::new(at, at).is_err());
    }

    proptest! {
        #[test]
        fn the_running_parts_and_the_pauses_make_up_the_whole(
            whole in (0_i64..60, 1_i64..60), pauses in proptest::collection::vec((0_i64..120, 1_i64..40), 0..6)
        ) {
            let whole = interval(whole.0, whole.0 + whole.1);
            let pauses: Vec<Interval> = pauses.iter().map(|(from, len)| interval(*from, from + len)).collect();
            let parts = running(whole, &joined(&pauses));
            for second in 0..200 {
                let second = interval(second, second + 1);
                let holds = |list: &[Interval]| list.iter().any(|one| second.within(*one).is_some());
                let expected = second.within(whole).is_some() && !holds(&pauses);
                prop_assert_eq!(holds(&parts), expected, "{:?}", second);
            }
        }
    }
}
