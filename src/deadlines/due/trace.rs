//! Why a deadline is due when it is: steps that people can follow (tickets.md 7.2, rule 6).

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::calendar::{Day, Origin, Override, Status, Window};

/// More windows than this are told as a sum.
const MOST_WINDOWS: usize = 120;

/// The override that gave a day its windows, or took them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// Why: the feast's name.
    pub reason: String,
    /// Where it stands.
    pub source: String,
    /// How sure it is.
    pub status: Status,
}

/// One step from the start to the due time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The clock starts.
    Started {
        /// When.
        at: DateTime<Utc>,
    },
    /// It starts outside the windows and moves to the next opening.
    Waited {
        /// From when.
        from: DateTime<Utc>,
        /// To the opening.
        to: DateTime<Utc>,
    },
    /// Dates that the weekday would open are closed.
    Closed {
        /// First date.
        first: NaiveDate,
        /// Last date.
        last: NaiveDate,
        /// By which word.
        by: Cited,
    },
    /// Time within a window counts.
    Window {
        /// The date on the clocks.
        date: NaiveDate,
        /// The window.
        window: Window,
        /// From when.
        from: DateTime<Utc>,
        /// To when.
        to: DateTime<Utc>,
        /// How much it counts.
        seconds: i64,
        /// The override that opened the date, if one did.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Cited>,
        /// No official word of this date is known yet.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        provisional: bool,
    },
    /// More windows, not told one by one.
    Further {
        /// How many.
        windows: usize,
        /// From when.
        from: DateTime<Utc>,
        /// To when.
        to: DateTime<Utc>,
        /// How much they count.
        seconds: i64,
    },
    /// Time on the wall clock counts.
    Elapsed {
        /// From when.
        from: DateTime<Utc>,
        /// To when.
        to: DateTime<Utc>,
        /// How much it counts.
        seconds: i64,
    },
    /// A day counts.
    Day {
        /// Which.
        date: NaiveDate,
        /// The how-manieth.
        count: u64,
        /// When it ends: its close, or midnight.
        ends: DateTime<Utc>,
        /// The override that opened it, if one did.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Cited>,
        /// No official word of this date is known yet.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        provisional: bool,
    },
    /// The clock stood.
    Paused {
        /// From when.
        from: DateTime<Utc>,
        /// To when.
        to: DateTime<Utc>,
        /// How much it gave back: what of it fell into counted time before the due time.
        returned_seconds: i64,
    },
    /// It was told to be due then.
    Stated {
        /// When.
        at: DateTime<Utc>,
    },
    /// It is due.
    Due {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Steps as they are found.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    steps: Vec<(DateTime<Utc>, Step)>,
    windows: usize,
}

impl Trace {
    pub(crate) fn add(&mut self, at: DateTime<Utc>, step: Step) {
        if let Step::Window { from, to, seconds, .. } = &step {
            self.windows += 1;
            if self.windows > MOST_WINDOWS {
                self.add_further(*from, *to, *seconds);
                return;
            }
        }
        self.steps.push((at, step));
    }

    fn add_further(&mut self, since: DateTime<Utc>, until: DateTime<Utc>, more: i64) {
        let last = self.steps.iter_mut().rev().find_map(|(_, step)| match step {
            Step::Further { windows, to, seconds, .. } => Some((windows, to, seconds)),
            _ => None,
        });
        match last {
            Some((windows, to, seconds)) => {
                *windows += 1;
                *to = until;
                *seconds += more;
            }
            None => {
                let step = Step::Further { windows: 1, from: since, to: until, seconds: more };
                self.steps.push((since, step));
            }
        }
    }

    /// Notes that an override closed a date that its weekday opens; dates in a row are one step.
    pub(crate) fn add_closed(&mut self, at: DateTime<Utc>, date: NaiveDate, by: &Override) {
        let by = Cited::of(by);
        if let Some((_, Step::Closed { last, by: known, .. })) = self.steps.last_mut()
            && *known == by
        {
            *last = (*last).max(date);
            return;
        }
        if self.windows <= MOST_WINDOWS {
            self.steps.push((at, Step::Closed { first: date, last: date, by }));
        }
    }

    /// In the order of time, closed with the due time.
    pub(crate) fn ended(mut self, due: DateTime<Utc>) -> Vec<Step> {
        self.steps.sort_by_key(|(at, _)| *at);
        let mut steps: Vec<Step> = self.steps.into_iter().map(|(_, step)| step).collect();
        steps.push(Step::Due { at: due });
        steps
    }
}

impl Cited {
    pub(crate) fn of(this: &Override) -> Self {
        Self { reason: this.reason.clone(), source: this.source.clone(), status: this.status }
    }

    /// Of a day that an override opened.
    pub(crate) fn of_day(day: &Day<'_>) -> Option<Self> {
        match day.origin {
            Origin::Weekday => None,
            Origin::Override(this) => Some(Self::of(this)),
        }
    }
}
