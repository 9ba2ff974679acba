//! When is it due (tickets.md 7.2): the four bases, pauses, and the trace that explains the answer.
//!
//! | basis | due |
//! | --- | --- |
//! | elapsed | start and length added, in UTC; pauses move it by their length |
//! | business minutes | when so much time within windows has passed; a pause returns what of it fell into windows |
//! | working days | at the close of the n-th working day after the day of the start |
//! | calendar days, months | at 24:00 of the n-th day, or of the same day of the n-th month |
//!
//! Of working days a pause returns its time within windows, spent in windows after the close; of calendar days
//! its whole length. So a pause over one whole working day gives one more working day, and two hours of pause
//! give two hours of the next.

pub mod interval;
pub mod report;
pub mod span;
pub mod trace;
pub(crate) mod walk;
pub mod words;

use chrono::{DateTime, Datelike, Months, TimeDelta, Utc};
use serde::Serialize;

pub use interval::{Backwards, Interval, joined};
pub use report::{MonthlyDue, last_working_day_by, monthly_due};
pub use span::{Basis, Span, SpanError};
pub use trace::{Cited, Step};

use crate::calendar::{Calendar, Override, OverrideKind};
use crate::zone::days_later;
use span::Unit;
use trace::Trace;
use walk::{Counts, Walk};

/// When something is due, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// When.
    pub due: DateTime<Utc>,
    /// A day on the way has no official word yet: recompute it when the notice is there (rule 7).
    pub provisional: bool,
    /// Step by step.
    pub trace: Vec<Step>,
}

/// Why there is no due time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DueError {
    /// Outside the years that are answered for.
    #[error("{0} is outside the years 1900 to 2400; check the date")]
    Start(DateTime<Utc>),
    /// No window comes.
    #[error(
        "calendar `{calendar}` does not open long enough within ten years of {from}; give it windows, or take a \
         closing override back"
    )]
    NeverOpens {
        /// The calendar.
        calendar: String,
        /// Where the search began.
        from: DateTime<Utc>,
    },
    /// A pause without end.
    #[error("the pauses last too long for any due time; end the pause")]
    NeverResumes,
    /// The month has no such day.
    #[error("day {0} of a month is not one of 1 to 28; every month has those")]
    DayOfMonth(u32),
}

/// When something that starts at `start` and takes `span` is due on a calendar, given pauses.
///
/// ```
/// use linesman_deadlines::{Span, calendar::official, due};
///
/// // A Friday before a make-up Saturday (vector V8 of tickets.md 7.4): due on the Saturday, 14:00 local.
/// let answer = due(
///     &official::cn_office(),
///     "2026-02-13T17:30:00+08:00".parse()?,
///     "240 business minutes".parse()?,
///     &[],
/// )?;
/// assert_eq!(answer.due.to_rfc3339(), "2026-02-14T06:00:00+00:00");
/// assert!(!answer.provisional);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the calendar does not open, the pauses never end, or the start is out of any range.
pub fn due(
    calendar: &Calendar,
    start: DateTime<Utc>,
    span: Span,
    pauses: &[Interval],
) -> Result<Due, DueError> {
    if !(1900..=2400).contains(&start.year()) {
        return Err(DueError::Start(start));
    }
    let pauses = &joined(pauses);
    let mut trace = Trace::default();
    trace.add(start, Step::Started { at: start });
    match span.unit() {
        Unit::Seconds | Unit::BusinessMinutes => {
            let counts = counts(span.basis());
            let length = span.length().unwrap_or(TimeDelta::MAX);
            let walk = Walk { calendar, counts, pauses };
            let end = walk.forward(start, length, &mut trace)?;
            walk.tell_pauses(start, end.at, &mut trace);
            Ok(Due { due: end.at, provisional: end.provisional, trace: trace.ended(end.at) })
        }
        Unit::WorkingDays => working_days(calendar, start, span.count(), pauses, trace),
        Unit::CalendarDays => {
            let date = days_later(calendar.date(start), span.count());
            until_midnight_of(calendar, start, date, span.count(), pauses, trace)
        }
        Unit::CalendarMonths => {
            let months = Months::new(u32::try_from(span.count()).unwrap_or(u32::MAX));
            let date = calendar.date(start).checked_add_months(months).ok_or(DueError::Start(start))?;
            until_midnight_of(calendar, start, date, span.count(), pauses, trace)
        }
    }
}

/// What counts on a basis, once the days are turned into a length.
pub(crate) const fn counts(basis: Basis) -> Counts {
    match basis {
        Basis::Elapsed | Basis::CalendarDays => Counts::Everything,
        Basis::BusinessMinutes | Basis::WorkingDays => Counts::Windows,
    }
}

fn working_days(
    calendar: &Calendar,
    start: DateTime<Utc>,
    count: u64,
    pauses: &[Interval],
    mut trace: Trace,
) -> Result<Due, DueError> {
    let never = || DueError::NeverOpens { calendar: calendar.name().to_owned(), from: start };
    let mut date = calendar.date(start);
    let mut provisional = false;
    let mut counted = 0;
    let mut close = start;
    for _ in 0..crate::calendar::openings::SEARCH_DAYS {
        date = days_later(date, 1);
        let day = calendar.day(date);
        provisional |= day.provisional;
        let Some(ends) = calendar.open_until(date) else {
            if let Some(closed) = closed_by_override(calendar, &day) {
                trace.add_closed(calendar.zone().day_begins(date), date, closed);
            }
            continue;
        };
        counted += 1;
        let (by, provisional) = (Cited::of_day(&day), day.provisional);
        trace.add(ends, Step::Day { date, count: counted, ends, by, provisional });
        if counted == count {
            close = ends;
            break;
        }
    }
    if counted < count {
        return Err(never());
    }
    let due = returned_after(calendar, Counts::Windows, start, close, pauses, &mut trace)?;
    Ok(Due { due: due.at, provisional: provisional || due.provisional, trace: trace.ended(due.at) })
}

fn until_midnight_of(
    calendar: &Calendar,
    start: DateTime<Utc>,
    date: chrono::NaiveDate,
    count: u64,
    pauses: &[Interval],
    mut trace: Trace,
) -> Result<Due, DueError> {
    let midnight = calendar.zone().day_begins(days_later(date, 1));
    trace.add(midnight, Step::Day { date, count, ends: midnight, by: None, provisional: false });
    let due = returned_after(calendar, Counts::Everything, start, midnight, pauses, &mut trace)?;
    Ok(Due { due: due.at, provisional: false, trace: trace.ended(due.at) })
}

/// Counts what the pauses took before `nominal` once more after it.
fn returned_after(
    calendar: &Calendar,
    counts: Counts,
    start: DateTime<Utc>,
    nominal: DateTime<Utc>,
    pauses: &[Interval],
    trace: &mut Trace,
) -> Result<walk::End, DueError> {
    let all = Walk { calendar, counts, pauses: &[] };
    let mut lost = TimeDelta::zero();
    let whole = Interval::new(start, nominal).ok();
    for pause in pauses.iter().filter_map(|pause| pause.within(whole?)) {
        lost += all.counted(pause.from(), pause.to());
    }
    let walk = Walk { calendar, counts, pauses };
    let end = match lost > TimeDelta::zero() {
        true => walk.forward(nominal, lost, trace)?,
        false => walk::End { at: nominal, provisional: false },
    };
    walk.tell_pauses(start, end.at, trace);
    Ok(end)
}

/// The override that closes a day which its weekday opens.
pub(crate) fn closed_by_override<'c>(
    calendar: &Calendar,
    day: &crate::calendar::Day<'c>,
) -> Option<&'c Override> {
    match day.origin {
        crate::calendar::Origin::Override(this)
            if this.kind == OverrideKind::Closed && !calendar.week().of_date(day.date).is_empty() =>
        {
            Some(this)
        }
        _ => None,
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod vector_tests;
