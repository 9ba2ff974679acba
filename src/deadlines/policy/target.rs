//! How long a policy gives, and when it warns.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::due::{Basis, Span};

/// What a policy gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// So long.
    Within(Span),
    /// Up to the last working day on or before a day of the month (R81).
    ByDayOfMonth(u32),
    /// Whatever was stated when it started: a letter's date, a carrier's time, an order's deadline.
    Stated,
}

impl Target {
    /// What counts towards it.
    #[must_use]
    pub const fn basis(self) -> Basis {
        match self {
            Self::Within(span) => span.basis(),
            Self::ByDayOfMonth(_) => Basis::CalendarDays,
            Self::Stated => Basis::Elapsed,
        }
    }
}

/// When to warn before the due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reminder {
    /// When so many per cent of the time are used.
    Share(u8),
    /// So long before the end, in the time that counts.
    Before(Span),
    /// When the n-th calendar day after the start begins.
    OnDay(u32),
}

impl Reminder {
    /// The length that it leaves.
    pub(crate) fn leaves(self) -> Option<TimeDelta> {
        match self {
            Self::Before(span) => span.length(),
            Self::Share(_) | Self::OnDay(_) => None,
        }
    }
}

/// The text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Of a target.
    #[error(
        "`{0}` is no target; write a length of time, `stated`, or `last working day by day 5` (day 1 to 28)"
    )]
    Target(String),
    /// Of a reminder.
    #[error("`{0}` is no reminder; write `80 %`, `2 hours before` or `day 7`")]
    Reminder(String),
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect::<String>().escape_debug().to_string()
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::Target(shown(text));
        if text.trim() == "stated" {
            return Ok(Self::Stated);
        }
        if let Some(day) = text.trim().strip_prefix("last working day by day ") {
            let day = day.parse().ok().filter(|day| (1..=28).contains(day));
            return day.map(Self::ByDayOfMonth).ok_or_else(wrong);
        }
        text.parse().map(Self::Within).map_err(|_| wrong())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(span) => span.fmt(f),
            Self::ByDayOfMonth(day) => write!(f, "last working day by day {day}"),
            Self::Stated => f.write_str("stated"),
        }
    }
}

impl FromStr for Reminder {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::Reminder(shown(text));
        let text = text.trim();
        if let Some(share) = text.strip_suffix('%') {
            let share = share.trim().parse().ok().filter(|share| (1..=99).contains(share));
            return share.map(Self::Share).ok_or_else(wrong);
        }
        if let Some(span) = text.strip_suffix(" before") {
            let span: Option<Span> = span.parse().ok();
            return span.filter(|span| span.length().is_some()).map(Self::Before).ok_or_else(wrong);
        }
        let day = text.strip_prefix("day ").and_then(|day| day.parse().ok());
        day.filter(|day| (1..=3_650).contains(day)).map(Self::OnDay).ok_or_else(wrong)
    }
}

impl fmt::Display for Reminder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{share} %"),
            Self::Before(span) => write!(f, "{span} before"),
            Self::OnDay(day) => write!(f, "day {day}"),
        }
    }
}

macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl TryFrom<String> for $name {
            type Error = TargetError;

            fn try_from(text: String) -> Result<Self, TargetError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(this: $name) -> Self {
                this.to_string()
            }
        }
    )+};
}

as_text!(Target, Reminder);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_reminders_are_read_as_they_are_written() {
        for text in ["24 hours", "3 working days", "stated", "last working day by day 5"] {
            assert_eq!(text.parse::<Target>().map(|target| target.to_string()), Ok(text.to_owned()));
        }
        for text in ["80 %", "2 hours before", "60 business minutes before", "day 7"] {
            assert_eq!(text.parse::<Reminder>().map(|reminder| reminder.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "soon", "last working day by day 31", "last working day by day 0", "0 hours"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
        for text in ["", "0 %", "100 %", "300 %", "3 working days before", "day", "day 0", "before"] {
            assert!(text.parse::<Reminder>().is_err(), "{text}");
        }
    }
}
