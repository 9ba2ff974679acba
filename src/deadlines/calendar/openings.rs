//! The walk over open stretches of time, in the order in which they come.
//!
//! Within a stretch of one offset from UTC the clocks run on, so dates and windows follow each other; where
//! the clocks are set forward or back a new stretch begins. An instant is open when the clocks on the wall
//! show a time within a window of the date they show, and nothing else decides.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Calendar, Day, Window};
use crate::zone::{Piece, days_later};

/// No search goes further: a deadline that is not found within ten years is a mistake in the calendar.
pub const SEARCH_DAYS: i64 = 3_660;

/// What the walk meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening<'c> {
    /// A date begins on the clocks (or comes again after they were set back over midnight).
    Day(Day<'c>),
    /// It is open from one instant to another, half open.
    Window {
        /// The date on the clocks.
        date: NaiveDate,
        /// The window that is open.
        window: Window,
        /// From when, cut to where the walk began.
        from: DateTime<Utc>,
        /// To when.
        to: DateTime<Utc>,
    },
}

/// The walk; see [`Calendar::openings`]. It ends after ten years at most.
#[derive(Debug)]
pub struct Openings<'c> {
    calendar: &'c Calendar,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    last_chance: Option<NaiveDate>,
    piece: Option<Piece>,
    date: NaiveDate,
    /// Windows of `date` that come next; `None` before the date was told.
    next: Option<usize>,
}

impl<'c> Openings<'c> {
    pub(super) fn new(calendar: &'c Calendar, from: DateTime<Utc>) -> Self {
        let until = from.checked_add_signed(TimeDelta::days(SEARCH_DAYS)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let piece = calendar.zone().pieces(from, until).next();
        let date = piece.map_or(NaiveDate::MAX, |piece| piece.date(from));
        Self { calendar, from, until, last_chance: calendar.last_chance(), piece, date, next: None }
    }

    /// Leaves for the next date, or for the next stretch of one offset where this one ends before.
    fn go_on(&mut self, piece: Piece) {
        let tomorrow = days_later(self.date, 1);
        self.next = None;
        if tomorrow > self.date && piece.clip(tomorrow, 0, 1440).is_some() {
            self.date = tomorrow;
            return;
        }
        self.piece = self.calendar.zone().pieces(piece.to, self.until).next();
        if let Some(next) = self.piece {
            self.date = next.date(next.from);
        }
    }
}

impl<'c> Iterator for Openings<'c> {
    type Item = Opening<'c>;

    fn next(&mut self) -> Option<Opening<'c>> {
        loop {
            let piece = self.piece?;
            if self.last_chance.is_some_and(|last| self.date > last) || self.begins_after_the_end(piece) {
                self.piece = None;
                return None;
            }
            let day = self.calendar.day(self.date);
            let Some(next) = self.next else {
                self.next = Some(0);
                return Some(Opening::Day(day));
            };
            let Some(window) = day.windows.get(next) else {
                self.go_on(piece);
                continue;
            };
            self.next = Some(next + 1);
            let Some((from, to)) = piece.clip(self.date, window.opens(), window.closes()) else { continue };
            let from = from.max(self.from);
            if from < to && from < self.until {
                return Some(Opening::Window { date: self.date, window: *window, from, to });
            }
        }
    }
}

impl Openings<'_> {
    fn begins_after_the_end(&self, piece: Piece) -> bool {
        piece.clip(self.date, 0, 1440).is_none_or(|(from, _)| from >= self.until)
    }
}

impl Calendar {
    /// The first open instant at or after `at`; `None` when none comes within ten years.
    #[must_use]
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.openings(at).find_map(|opening| match opening {
            Opening::Window { from, .. } => Some(from),
            Opening::Day(_) => None,
        })
    }
}
