//! A length of time as people give it: `240 business minutes`, `3 working days` (contract section 1).

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// No deadline is longer: ten years.
const LONGEST_DAYS: u64 = 3_650;

/// What counts towards a deadline (tickets.md 4.1 and 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Every second.
    Elapsed,
    /// Time within the windows of a calendar.
    BusinessMinutes,
    /// Days on which it is worked; due at the close of one.
    WorkingDays,
    /// Days; due at the end of one.
    CalendarDays,
}

/// A length of time on a basis; never zero, never more than ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    unit: Unit,
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Seconds,
    BusinessMinutes,
    WorkingDays,
    CalendarDays,
    CalendarMonths,
}

/// The text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Not a count and a unit.
    #[error(
        "`{0}` is no length of time; write it as `240 business minutes`, `3 working days`, `15 calendar days`, \
         `1 calendar month`, `24 hours` or `10 minutes`"
    )]
    NotASpan(String),
    /// Days of which kind?
    #[error("`{0}`: write working days or calendar days; 24 hours are hours")]
    WhichDays(String),
    /// Nothing at all.
    #[error("a deadline of zero has passed when it begins; give at least one")]
    Zero,
    /// More than ten years.
    #[error("{0} is more than ten years; no deadline is that long")]
    TooLong(String),
}

impl Span {
    fn of(unit: Unit, count: u64) -> Result<Self, SpanError> {
        let longest = match unit {
            Unit::Seconds => LONGEST_DAYS * 86_400,
            Unit::BusinessMinutes => LONGEST_DAYS * 1_440,
            Unit::WorkingDays | Unit::CalendarDays => LONGEST_DAYS,
            Unit::CalendarMonths => LONGEST_DAYS / 31,
        };
        let span = Self { unit, count };
        match count {
            0 => Err(SpanError::Zero),
            _ if count > longest => Err(SpanError::TooLong(span.to_string())),
            _ => Ok(span),
        }
    }

    /// Seconds on the wall clock.
    ///
    /// # Errors
    /// When zero or more than ten years, as for all of these.
    pub fn seconds(count: u64) -> Result<Self, SpanError> {
        Self::of(Unit::Seconds, count)
    }

    /// Minutes within windows.
    ///
    /// # Errors
    /// When zero or more than ten years.
    pub fn business_minutes(count: u64) -> Result<Self, SpanError> {
        Self::of(Unit::BusinessMinutes, count)
    }

    /// Working days.
    ///
    /// # Errors
    /// When zero or more than ten years.
    pub fn working_days(count: u64) -> Result<Self, SpanError> {
        Self::of(Unit::WorkingDays, count)
    }

    /// Calendar days.
    ///
    /// # Errors
    /// When zero or more than ten years.
    pub fn calendar_days(count: u64) -> Result<Self, SpanError> {
        Self::of(Unit::CalendarDays, count)
    }

    /// Calendar months.
    ///
    /// # Errors
    /// When zero or more than ten years.
    pub fn calendar_months(count: u64) -> Result<Self, SpanError> {
        Self::of(Unit::CalendarMonths, count)
    }

    /// What counts towards it.
    #[must_use]
    pub const fn basis(self) -> Basis {
        match self.unit {
            Unit::Seconds => Basis::Elapsed,
            Unit::BusinessMinutes => Basis::BusinessMinutes,
            Unit::WorkingDays => Basis::WorkingDays,
            Unit::CalendarDays | Unit::CalendarMonths => Basis::CalendarDays,
        }
    }

    pub(crate) const fn unit(self) -> Unit {
        self.unit
    }

    pub(crate) const fn count(self) -> u64 {
        self.count
    }

    /// Its length, where that does not depend on a calendar's days.
    #[must_use]
    pub fn length(self) -> Option<TimeDelta> {
        let count = i64::try_from(self.count).ok()?;
        match self.unit {
            Unit::Seconds => TimeDelta::try_seconds(count),
            Unit::BusinessMinutes => TimeDelta::try_minutes(count),
            Unit::WorkingDays | Unit::CalendarDays | Unit::CalendarMonths => None,
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let shown = || text.chars().take(60).collect::<String>().escape_debug().to_string();
        let wrong = || SpanError::NotASpan(shown());
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (count, unit) = trimmed.split_at(digits);
        if count.is_empty() {
            return Err(wrong());
        }
        let count: u64 = count.parse().map_err(|_| SpanError::TooLong(shown()))?;
        let unit: String = unit.to_lowercase().replace(['_', '-'], " ");
        let unit: Vec<&str> = unit.split_whitespace().collect();
        let seconds = |each: u64| count.checked_mul(each).ok_or_else(|| SpanError::TooLong(shown()));
        match unit.as_slice() {
            ["s" | "sec" | "second" | "seconds"] => Self::seconds(count),
            ["min" | "mins" | "minute" | "minutes"] => Self::seconds(seconds(60)?),
            ["h" | "hour" | "hours"] => Self::seconds(seconds(3_600)?),
            ["elapsed", "minute" | "minutes"] => Self::seconds(seconds(60)?),
            ["elapsed", "hour" | "hours"] => Self::seconds(seconds(3_600)?),
            ["business", "min" | "minute" | "minutes"] => Self::business_minutes(count),
            ["business", "h" | "hour" | "hours"] => Self::business_minutes(seconds(60)?),
            ["working" | "business", "day" | "days"] => Self::working_days(count),
            ["calendar", "day" | "days"] => Self::calendar_days(count),
            ["calendar", "month" | "months"] => Self::calendar_months(count),
            ["d" | "day" | "days"] => Err(SpanError::WhichDays(shown())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match (self.unit, self.count) {
            (Unit::Seconds, seconds) if seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
            (Unit::Seconds, seconds) if seconds % 60 == 0 => (seconds / 60, "minute"),
            (Unit::Seconds, seconds) => (seconds, "second"),
            (Unit::BusinessMinutes, minutes) => (minutes, "business minute"),
            (Unit::WorkingDays, days) => (days, "working day"),
            (Unit::CalendarDays, days) => (days, "calendar day"),
            (Unit::CalendarMonths, months) => (months, "calendar month"),
        };
        f.pad(&format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_span_is_read_as_it_is_written() {
        for text in [
            "240 business minutes",
            "1 business minute",
            "3 working days",
            "15 calendar days",
            "1 calendar month",
            "24 hours",
            "10 minutes",
            "90 seconds",
        ] {
            assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("2 business hours".parse::<Span>(), Span::business_minutes(120));
        assert_eq!(" 3_working-Days ".replace('_', " ").parse::<Span>(), Span::working_days(3));
        assert_eq!("24h".parse::<Span>(), "24 hours".parse::<Span>());
    }

    #[test]
    fn what_is_no_span_is_refused_with_what_mends_it() {
        for text in ["", "soon", "-3 hours", "3", "3 moons", "1.5 hours"] {
            assert!(matches!(text.parse::<Span>(), Err(SpanError::NotASpan(_))), "{text}");
        }
        assert!(matches!("3 days".parse::<Span>(), Err(SpanError::WhichDays(_))));
        assert_eq!("0 hours".parse::<Span>(), Err(SpanError::Zero));
        for text in ["99999999999999999999 hours", "9999999999999999999 hours", "4000 working days"] {
            assert!(matches!(text.parse::<Span>(), Err(SpanError::TooLong(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}") {
            if let Ok(span) = text.parse::<Span>() {
                prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
            }
        }
    }
}
