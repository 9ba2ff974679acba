//! A month on the clocks of the operator's offices, and when its report is due (R81).

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use linesman_deadlines::due::{MonthlyDue, monthly_due};
use linesman_process::statistics::Period;

use crate::ticket::clocks::office;

/// The summary is due by this day of the next month (R81).
const SUMMARY_BY: u32 = 5;
/// The improvement plan by this one (R81).
const PLAN_BY: u32 = 10;

/// A month, as `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: NaiveDate,
}

/// The text names no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no month; one looks like 2026-10")]
pub struct NotAMonth(pub String);

impl std::str::FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotAMonth(text.chars().filter(|sign| !sign.is_control()).take(40).collect());
        let (year, month) = text.split_once('-').ok_or_else(refuse)?;
        let is_form = year.len() == 4 && month.len() == 2;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_form || !digits(year) || !digits(month) {
            return Err(refuse());
        }
        let year: i32 = year.parse().map_err(|_| refuse())?;
        let month: u32 = month.parse().map_err(|_| refuse())?;
        // Before 1970 and in the last year there are no tickets, and no month beside them either.
        let first = NaiveDate::from_ymd_opt(year, month, 1).filter(|_| (1970..9999).contains(&year));
        first.map(|first| Self { first }).ok_or_else(refuse)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.first.format("%Y-%m").to_string())
    }
}

impl Month {
    /// The month in which an instant lies, on the offices' clocks.
    #[must_use]
    pub fn of(at: DateTime<Utc>) -> Self {
        let date = office().map_or_else(|| at.date_naive(), |calendar| calendar.date(at));
        Self { first: date.with_day(1).unwrap_or(date) }
    }

    /// The one before.
    #[must_use]
    pub fn before(self) -> Self {
        let last = self.first.pred_opt().unwrap_or(self.first);
        Self { first: last.with_day(1).unwrap_or(last) }
    }

    /// The one after.
    #[must_use]
    pub fn after(self) -> Self {
        let next = self.first.checked_add_months(chrono::Months::new(1));
        Self { first: next.unwrap_or(self.first) }
    }

    /// From its first instant to that of the next.
    #[must_use]
    pub fn period(self) -> Period {
        let begins = |date: NaiveDate| match office() {
            Some(calendar) => calendar.zone().day_begins(date),
            None => date.and_time(chrono::NaiveTime::MIN).and_utc(),
        };
        Period { from: begins(self.first), to: begins(self.after().first) }
    }

    /// When its summary and its improvement plan are due (R81); `None` where no calendar says.
    #[must_use]
    pub fn due(self) -> Option<(MonthlyDue, MonthlyDue)> {
        let (calendar, next) = (office()?, self.after().first);
        let due = |by| monthly_due(calendar, next.year(), next.month(), by).ok();
        Some((due(SUMMARY_BY)?, due(PLAN_BY)?))
    }

    /// Whether it is over at an instant.
    #[must_use]
    pub fn is_over(self, now: DateTime<Utc>) -> bool {
        self.period().to <= now
    }
}
