//! Counting time: forward until a budget is spent, and between two instants.

use chrono::{DateTime, TimeDelta, Utc};

use super::interval::{Interval, running};
use super::trace::{Cited, Step, Trace};
use super::{DueError, closed_by_override};
use crate::calendar::{Calendar, Opening};

/// Which time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// All of it.
    Everything,
    /// That within windows.
    Windows,
}

/// A calendar with pauses, which are in order and apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk<'w> {
    pub calendar: &'w Calendar,
    pub counts: Counts,
    pub pauses: &'w [Interval],
}

/// Where a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub at: DateTime<Utc>,
    pub provisional: bool,
}

impl Walk<'_> {
    /// When `budget` is spent, counted from `from`. A budget that is spent at the end of a window ends there,
    /// not at the next opening (rule 2).
    pub(crate) fn forward(
        &self,
        from: DateTime<Utc>,
        budget: TimeDelta,
        trace: &mut Trace,
    ) -> Result<End, DueError> {
        match self.counts {
            Counts::Everything => self.forward_on_the_wall(from, budget, trace),
            Counts::Windows => self.forward_in_windows(from, budget, trace),
        }
    }

    fn forward_on_the_wall(
        &self,
        from: DateTime<Utc>,
        budget: TimeDelta,
        trace: &mut Trace,
    ) -> Result<End, DueError> {
        let mut left = budget;
        // At most as far as the longest span and all pauses together.
        let farthest = self.pauses.last().map_or(from, |pause| pause.to().max(from));
        let until = farthest.checked_add_signed(budget).ok_or(DueError::NeverResumes)?;
        let Ok(whole) = Interval::new(from, until) else { return Ok(End { at: from, provisional: false }) };
        for part in running(whole, self.pauses) {
            let used = part.length().min(left);
            left -= used;
            let to = part.from() + used;
            trace.add(part.from(), Step::Elapsed { from: part.from(), to, seconds: used.num_seconds() });
            if left <= TimeDelta::zero() {
                return Ok(End { at: to, provisional: false });
            }
        }
        Err(DueError::NeverResumes)
    }

    fn forward_in_windows(
        &self,
        start: DateTime<Utc>,
        budget: TimeDelta,
        trace: &mut Trace,
    ) -> Result<End, DueError> {
        let mut left = budget;
        let mut provisional = false;
        let mut day = None;
        let mut opened = false;
        for opening in self.calendar.openings(start) {
            let (date, window, from, to) = match opening {
                Opening::Day(next) => {
                    provisional |= next.provisional;
                    if let Some(closed) = closed_by_override(self.calendar, &next) {
                        let begins = self.calendar.zone().day_begins(next.date).max(start);
                        trace.add_closed(begins, next.date, closed);
                    }
                    day = Some(next);
                    continue;
                }
                Opening::Window { date, window, from, to } => (date, window, from, to),
            };
            if !opened && from > start {
                trace.add(start, Step::Waited { from: start, to: from });
            }
            opened = true;
            let Ok(whole) = Interval::new(from, to) else { continue };
            for part in running(whole, self.pauses) {
                let used = part.length().min(left);
                left -= used;
                let end = part.from() + used;
                let step = Step::Window {
                    date,
                    window,
                    from: part.from(),
                    to: end,
                    seconds: used.num_seconds(),
                    by: day.as_ref().and_then(Cited::of_day),
                    provisional: day.is_some_and(|day| day.provisional),
                };
                trace.add(part.from(), step);
                if left <= TimeDelta::zero() {
                    return Ok(End { at: end, provisional });
                }
            }
        }
        Err(DueError::NeverOpens { calendar: self.calendar.name().to_owned(), from: start })
    }

    /// How much counts between two instants, pauses left out; of more than ten years the first ten.
    pub(crate) fn counted(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let length = |from, to| {
            let whole = Interval::new(from, to).ok();
            let parts = whole.map(|whole| running(whole, self.pauses)).unwrap_or_default();
            parts.into_iter().map(Interval::length).sum::<TimeDelta>()
        };
        if self.counts == Counts::Everything {
            return length(from, to);
        }
        let mut counted = TimeDelta::zero();
        for opening in self.calendar.openings(from) {
            let (opens, closes) = match opening {
                Opening::Window { from, to, .. } => (from, to),
                Opening::Day(day) if self.calendar.zone().day_begins(day.date) >= to => break,
                Opening::Day(_) => continue,
            };
            if opens >= to {
                break;
            }
            counted += length(opens, closes.min(to));
        }
        counted
    }

    /// Notes each pause before the due time and what it gave back.
    pub(crate) fn tell_pauses(&self, start: DateTime<Utc>, due: DateTime<Utc>, trace: &mut Trace) {
        let all = Walk { pauses: &[], ..*self };
        let whole = Interval::new(start, due).ok();
        for pause in self.pauses.iter().filter_map(|pause| pause.within(whole?)) {
            let (from, to) = (pause.from(), pause.to());
            let returned_seconds = all.counted(from, to).num_seconds();
            trace.add(from, Step::Paused { from, to, returned_seconds });
        }
    }
}
