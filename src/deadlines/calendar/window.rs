//! Windows of a day and of a week: when the doors are open (tickets.md 7.2, rules 1 and 2).

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// Minutes of a day, on the clocks' face.
pub const DAY_MINUTES: u16 = 24 * 60;
/// No day has more windows.
const MOST_WINDOWS: usize = 24;

/// A window of a day, half open: `09:00-12:00` holds 09:00 and does not hold 12:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    opens: u16,
    closes: u16,
}

/// A text is no window, or windows do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not `HH:MM-HH:MM`.
    #[error("`{0}` is no window; write it as 09:00-12:00, up to 24:00")]
    NotAWindow(String),
    /// Ends at or before its begin.
    #[error(
        "`{0}` ends before it begins; a window that passes midnight is two: one up to 24:00, one from 00:00 on the next day"
    )]
    Backwards(String),
    /// Two share a minute.
    #[error("the windows {0} and {1} overlap; join them or move one")]
    Overlap(Window, Window),
    /// More than anybody means.
    #[error("{0} windows on one day; at most {MOST_WINDOWS} are kept")]
    TooMany(usize),
}

impl Window {
    /// The whole day.
    pub const WHOLE_DAY: Self = Self { opens: 0, closes: DAY_MINUTES };

    /// From and to these minutes since midnight.
    ///
    /// # Errors
    /// When it does not end after its begin, or not on the same day.
    pub fn new(opens: u16, closes: u16) -> Result<Self, WindowError> {
        let window = Self { opens, closes };
        match opens < closes && closes <= DAY_MINUTES {
            true => Ok(window),
            false => Err(WindowError::Backwards(window.to_string())),
        }
    }

    /// Minutes since midnight at which it opens.
    #[must_use]
    pub const fn opens(self) -> u16 {
        self.opens
    }

    /// Minutes since midnight at which it closes; 1440 is the day's end.
    #[must_use]
    pub const fn closes(self) -> u16 {
        self.closes
    }

    /// Its length on a day without a change of the clocks.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.closes - self.opens
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let shown = || text.chars().take(40).collect::<String>().escape_debug().to_string();
        let wrong = || WindowError::NotAWindow(shown());
        let (opens, closes) = text.split_once(['-', '–']).ok_or_else(wrong)?;
        let minutes = |part: &str| clock_face(part.trim()).ok_or_else(wrong);
        let (opens, closes) = (minutes(opens)?, minutes(closes)?);
        Self::new(opens, closes).map_err(|_| WindowError::Backwards(shown()))
    }
}

/// Minutes since midnight of `HH:MM`.
fn clock_face(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || minutes.len() != 2 || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (self.opens, self.closes);
        f.pad(&format!("{:02}:{:02}-{:02}:{:02}", a / 60, a % 60, b / 60, b % 60))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

/// Windows in order, when they go together.
///
/// # Errors
/// When two share a minute, or there are too many.
pub fn in_order(mut windows: Vec<Window>) -> Result<Vec<Window>, WindowError> {
    if windows.len() > MOST_WINDOWS {
        return Err(WindowError::TooMany(windows.len()));
    }
    windows.sort_unstable();
    for pair in windows.windows(2) {
        if let [first, second] = pair
            && second.opens < first.closes
        {
            return Err(WindowError::Overlap(*first, *second));
        }
    }
    Ok(windows)
}

/// The windows of the seven weekdays, those of a day in order and apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Week {
    days: [Vec<Window>; 7],
}

impl Week {
    /// The same windows on each of these weekdays.
    ///
    /// # Errors
    /// When the windows do not go together.
    pub fn of(weekdays: &[Weekday], windows: &[Window]) -> Result<Self, WindowError> {
        let mut week = Self::default();
        for weekday in weekdays {
            week.set(*weekday, windows.to_vec())?;
        }
        Ok(week)
    }

    /// Sets the windows of a weekday.
    ///
    /// # Errors
    /// When they do not go together; then nothing changes.
    pub fn set(&mut self, weekday: Weekday, windows: Vec<Window>) -> Result<(), WindowError> {
        let windows = in_order(windows)?;
        if let Some(day) = self.days.get_mut(weekday.num_days_from_monday() as usize) {
            *day = windows;
        }
        Ok(())
    }

    /// The windows of a weekday.
    #[must_use]
    pub fn on(&self, weekday: Weekday) -> &[Window] {
        self.days.get(weekday.num_days_from_monday() as usize).map_or(&[], Vec::as_slice)
    }

    /// The windows that a date has by its weekday.
    #[must_use]
    pub fn of_date(&self, date: NaiveDate) -> &[Window] {
        self.on(date.weekday())
    }

    /// The first weekday's windows, from Monday on, that has any: an ordinary working day.
    #[must_use]
    pub fn ordinary(&self) -> &[Window] {
        self.days.iter().find(|windows| !windows.is_empty()).map_or(&[], Vec::as_slice)
    }

    /// Whether no weekday opens.
    #[must_use]
    pub fn never_opens(&self) -> bool {
        self.days.iter().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_as_it_is_written() {
        for text in ["09:00-12:00", "00:00-24:00", "13:30-18:00", "00:00-00:01"] {
            assert_eq!(text.parse::<Window>().map(|window| window.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("9:00 – 12:00".parse::<Window>(), Window::new(540, 720));
    }

    #[test]
    fn what_is_no_window_is_refused_in_words() {
        for text in
            ["", "09:00", "9-12", "09:00-24:01", "25:00-26:00", "09:60-10:00", "0x:00-10:00", "-", "一-二"]
        {
            assert!(matches!(text.parse::<Window>(), Err(WindowError::NotAWindow(_))), "{text}");
        }
        let night = "22:00-06:00".parse::<Window>().expect_err("past midnight");
        assert!(night.to_string().contains("up to 24:00"), "{night}");
    }

    #[test]
    fn windows_of_a_day_are_put_in_order_and_may_touch_but_not_overlap() {
        let window = |text: &str| text.parse::<Window>().expect("a window");
        let (morning, noon, late) = (window("09:00-12:00"), window("12:00-13:00"), window("12:59-18:00"));
        assert_eq!(in_order(vec![noon, morning]), Ok(vec![morning, noon]));
        assert_eq!(in_order(vec![late, morning, noon]), Err(WindowError::Overlap(noon, late)));
        assert_eq!(in_order(vec![morning; 25]), Err(WindowError::TooMany(25)));
    }
}
