//! Deadlines of the monthly report (R81, tickets.md 7.4).

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::DueError;
use crate::calendar::Calendar;
use crate::zone::days_later;

/// No search for a working day goes further back.
const SEARCH_BACK: u64 = 400;

/// When something of a month is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MonthlyDue {
    /// When the report is made by itself: the first of the month, 00:00.
    pub generated_at: DateTime<Utc>,
    /// The last working day on or before the day asked for.
    pub date: NaiveDate,
    /// Its close.
    pub due: DateTime<Utc>,
    /// No working day lies between the first and the day asked for (in October the 5th lies within the
    /// National Day holidays): the last one is in the month before, so the people's part of the task is due
    /// before the report is made.
    pub before_generation: bool,
    /// A day on the way has no official word yet.
    pub provisional: bool,
}

/// The last working day on or before a date; `None` when none lies within 400 days before it.
#[must_use]
pub fn last_working_day_by(calendar: &Calendar, date: NaiveDate) -> Option<NaiveDate> {
    let back = |days| date.checked_sub_days(chrono::Days::new(days));
    (0..SEARCH_BACK).filter_map(back).find(|date| calendar.is_working_day(*date))
}

/// When what is due by a day of a month has to be done: the close of the last working day on or before it
/// (R81: the summary by the 5th, the improvement plan by the 10th).
///
/// # Errors
/// When the day is not one of 1 to 28, or no working day comes before it.
pub fn monthly_due(calendar: &Calendar, year: i32, month: u32, by_day: u32) -> Result<MonthlyDue, DueError> {
    let by = NaiveDate::from_ymd_opt(year, month, by_day).filter(|_| (1..=28).contains(&by_day));
    let (Some(by), Some(first)) = (by, NaiveDate::from_ymd_opt(year, month, 1)) else {
        return Err(DueError::DayOfMonth(by_day));
    };
    let generated_at = calendar.zone().day_begins(first);
    let never = || DueError::NeverOpens { calendar: calendar.name().to_owned(), from: generated_at };
    let date = last_working_day_by(calendar, by).ok_or_else(never)?;
    let due = calendar.open_until(date).ok_or_else(never)?;
    let days = (0..SEARCH_BACK).map(|later| days_later(date, later)).take_while(|day| *day <= by);
    let provisional = days.into_iter().any(|day| calendar.day(day).provisional);
    Ok(MonthlyDue { generated_at, date, due, before_generation: due < generated_at, provisional })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::official::cn_office;

    #[test]
    fn reports_are_due_on_the_last_working_day_by_the_5th_and_the_10th() {
        let expected = [
            // January: the 4th is a worked Sunday, the 5th a Monday; the 10th is a Saturday.
            (1, "2026-01-05", "2026-01-09"),
            (2, "2026-02-05", "2026-02-10"),
            (3, "2026-03-05", "2026-03-10"),
            // April: 4 to 6 are closed.
            (4, "2026-04-03", "2026-04-10"),
            // May: 1 to 5 are closed; the 9th is a worked Saturday, the 10th a Sunday.
            (5, "2026-04-30", "2026-05-09"),
            (6, "2026-06-05", "2026-06-10"),
            (7, "2026-07-03", "2026-07-10"),
            (8, "2026-08-05", "2026-08-10"),
            (9, "2026-09-04", "2026-09-10"),
            // October: 1 to 7 are closed; the 10th is a worked Saturday.
            (10, "2026-09-30", "2026-10-10"),
            (11, "2026-11-05", "2026-11-10"),
            (12, "2026-12-04", "2026-12-10"),
        ];
        let calendar = cn_office();
        for (month, summary, plan) in expected {
            for (day, date) in [(5, summary), (10, plan)] {
                let due = monthly_due(&calendar, 2026, month, day).expect("an office opens");
                assert_eq!(due.date.to_string(), date, "month {month}, day {day}");
                assert_eq!(calendar.zone().local(due.due).to_string(), format!("{date} 18:00:00"));
                assert_eq!(due.before_generation, matches!((month, day), (5 | 10, 5)), "month {month}");
                assert!(!due.provisional);
            }
        }
        assert!(monthly_due(&calendar, 2027, 2, 5).expect("an office opens").provisional);
    }

    #[test]
    fn a_day_that_not_every_month_has_is_refused() {
        for day in [0, 29, 31, 400] {
            assert_eq!(monthly_due(&cn_office(), 2026, 3, day), Err(DueError::DayOfMonth(day)));
        }
    }
}
