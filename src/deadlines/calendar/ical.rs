//! Import of a holiday feed in iCalendar (RFC 5545): all-day events become overrides.
//!
//! Feeds hold what their makers like: make-up workdays beside holidays, and days that nobody takes off. An
//! event is a make-up workday when a category or its summary says so, in words that can be set; events named
//! in `leave_out` are passed over. Whatever is not taken is listed with its line and the reason, so that
//! nothing of a feed goes missing in silence. Total and bounded: any bytes are read without a panic.

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::overrides::{Override, OverrideKind, Status};
use crate::zone::days_later;

/// Bytes beyond are not read.
pub const LONGEST_FEED: usize = 8 * 1024 * 1024;
/// Events beyond are not read.
const MOST_EVENTS: usize = 10_000;
/// No event is longer.
const LONGEST_EVENT_DAYS: i64 = 400;
/// No reason is longer, in characters.
const LONGEST_REASON: usize = 200;

/// How a feed tells make-up workdays from holidays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedRules {
    /// An event with one of these categories is worked; compared without regard to case.
    pub workday_categories: Vec<String>,
    /// An event whose summary holds one of these is worked; compared without regard to case.
    pub workday_words: Vec<String>,
    /// An event whose summary holds one of these is left out: a day of the feed that is no day off here.
    pub leave_out: Vec<String>,
    /// How sure the feed is.
    pub status: Status,
}

impl Default for FeedRules {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            workday_categories: words(&["workday", "make-up workday", "补班", "班"]),
            workday_words: words(&["班", "workday", "working day"]),
            leave_out: Vec::new(),
            status: Status::Official,
        }
    }
}

/// Something of a feed that did not become an override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// Line, from 1.
    pub line: usize,
    /// Its summary, as far as known.
    pub summary: String,
    /// Why.
    pub why: Why,
}

/// Why something was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It has a time of day.
    #[error("it has a time of day; only all-day events are taken")]
    NotAllDay,
    /// Its first day is missing or no date.
    #[error("it has no DTSTART that is a date")]
    NoStart,
    /// Its end cannot be read, or comes before its begin.
    #[error("its end cannot be read or comes before its begin")]
    BadEnd,
    /// It is longer than any holiday.
    #[error("it lasts more than 400 days")]
    TooLong,
    /// It repeats; only its first time was taken.
    #[error("it repeats by a rule; only its first time is taken, import the years one by one")]
    Repeats,
    /// It is cancelled.
    #[error("it is cancelled")]
    Cancelled,
    /// It was asked to be left out.
    #[error("it is left out by the rules of the feed")]
    LeftOut,
    /// The feed ends within it.
    #[error("the feed ends before the event does")]
    CutOff,
    /// The feed is too large; the rest was not read.
    #[error("the feed is too large; nothing from here on was read")]
    TooLarge,
}

/// What a feed brought.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Imported {
    /// To be added by [`super::Calendar::add_own`], or shown first.
    pub overrides: Vec<Override>,
    /// What was passed over.
    pub passed: Vec<Passed>,
}

/// Reads a feed; `source` is written into the overrides.
#[must_use]
pub fn read(feed: &[u8], source: &str, rules: &FeedRules) -> Imported {
    let mut imported = Imported::default();
    let whole = feed.get(..LONGEST_FEED).unwrap_or(feed);
    let mut reader = Reader { open: None, nested: 0, events: 0 };
    let mut last_line = 1;
    for (number, line) in unfolded(whole) {
        last_line = number;
        let Some((name, parameters, value)) = property(&line) else { continue };
        match (name.as_str(), value.to_ascii_uppercase().as_str()) {
            ("BEGIN", "VEVENT") => {
                if reader.open.is_some() {
                    reader.nested += 1;
                    continue;
                }
                reader.events += 1;
                if reader.events > MOST_EVENTS {
                    break;
                }
                reader.open = Some(Event { line: number, ..Event::default() });
            }
            ("BEGIN", _) if reader.open.is_some() => reader.nested += 1,
            ("END", _) if reader.nested > 0 => reader.nested -= 1,
            ("END", "VEVENT") => {
                if let Some(event) = reader.open.take() {
                    event.close(source, rules, &mut imported);
                }
            }
            (name, _) => {
                if let Some(event) = reader.open.as_mut().filter(|_| reader.nested == 0) {
                    event.take(name, &parameters, &value);
                }
            }
        }
    }
    if reader.events > MOST_EVENTS || feed.len() > LONGEST_FEED {
        imported.passed.push(Passed { line: last_line, summary: String::new(), why: Why::TooLarge });
    } else if let Some(event) = reader.open {
        imported.passed.push(Passed { line: event.line, summary: event.summary, why: Why::CutOff });
    }
    imported
}

struct Reader {
    open: Option<Event>,
    /// Components within the event, such as an alarm: their properties are not the event's.
    nested: usize,
    events: usize,
}

#[derive(Debug, Default)]
struct Event {
    line: usize,
    summary: String,
    categories: Vec<String>,
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
    days: Option<i64>,
    bad_end: bool,
    timed: bool,
    repeats: bool,
    cancelled: bool,
}

impl Event {
    fn take(&mut self, name: &str, parameters: &str, value: &str) {
        match name {
            "SUMMARY" if self.summary.is_empty() => self.summary = words(value),
            "CATEGORIES" => self.categories.extend(value.split(',').map(|category| words(category.trim()))),
            "DTSTART" => {
                self.timed |= has_time(parameters, value);
                self.start = date(value);
            }
            "DTEND" => {
                self.end = date(value);
                self.bad_end |= self.end.is_none();
            }
            "DURATION" => {
                self.days = whole_days(value);
                self.bad_end |= self.days.is_none();
            }
            "RRULE" | "RDATE" => self.repeats = true,
            "STATUS" => self.cancelled |= value.eq_ignore_ascii_case("CANCELLED"),
            _ => {}
        }
    }

    fn close(self, source: &str, rules: &FeedRules, imported: &mut Imported) {
        let mut pass = |why| {
            let passed = Passed { line: self.line, summary: self.summary.clone(), why };
            imported.passed.push(passed);
        };
        let holds = |list: &[String]| {
            let summary = self.summary.to_lowercase();
            list.iter().any(|word| !word.is_empty() && summary.contains(&word.to_lowercase()))
        };
        if self.cancelled {
            return pass(Why::Cancelled);
        }
        if holds(&rules.leave_out) {
            return pass(Why::LeftOut);
        }
        if self.timed {
            return pass(Why::NotAllDay);
        }
        let Some(start) = self.start else { return pass(Why::NoStart) };
        // DTEND is the first day after; without an end the event takes one day (RFC 5545 section 3.6.1).
        let days = match (self.end, self.days) {
            (Some(end), _) => end.signed_duration_since(start).num_days().max(i64::from(end == start)),
            (None, days) => days.unwrap_or(1),
        };
        if self.bad_end || days < 1 {
            return pass(Why::BadEnd);
        }
        if days > LONGEST_EVENT_DAYS {
            return pass(Why::TooLong);
        }
        if self.repeats {
            pass(Why::Repeats);
        }
        let in_category = |category: &String| {
            rules.workday_categories.iter().any(|known| known.to_lowercase() == category.to_lowercase())
        };
        let worked = self.categories.iter().any(in_category) || holds(&rules.workday_words);
        let kind = if worked { OverrideKind::Open } else { OverrideKind::Closed };
        for day in 0..days.unsigned_abs() {
            imported.overrides.push(Override {
                date: days_later(start, day),
                kind,
                windows: None,
                reason: self.summary.clone(),
                source: source.to_owned(),
                status: rules.status,
            });
        }
    }
}

/// Lines with their continuations joined (RFC 5545 section 3.1), each with the number of its first. Bytes are
/// joined before they become text: a line may be folded within a character.
struct Unfolded<'t, L: Iterator<Item = &'t [u8]>> {
    lines: std::iter::Peekable<std::iter::Enumerate<L>>,
}

fn unfolded(feed: &[u8]) -> impl Iterator<Item = (usize, String)> + '_ {
    let feed = feed.strip_prefix("\u{feff}".as_bytes()).unwrap_or(feed);
    Unfolded { lines: feed.split(|byte| *byte == b'\n').enumerate().peekable() }
}

impl<'t, L: Iterator<Item = &'t [u8]>> Iterator for Unfolded<'t, L> {
    type Item = (usize, String);

    fn next(&mut self) -> Option<Self::Item> {
        let without_return = |line: &'t [u8]| line.strip_suffix(b"\r").unwrap_or(line);
        let (number, first) = self.lines.next()?;
        let mut line = without_return(first).to_vec();
        while let Some((_, more)) =
            self.lines.next_if(|(_, next)| next.starts_with(b" ") || next.starts_with(b"\t"))
        {
            line.extend_from_slice(without_return(more.get(1..).unwrap_or_default()));
        }
        Some((number + 1, String::from_utf8_lossy(&line).into_owned()))
    }
}

/// Name, parameters and value of a line; a colon in quotes belongs to a parameter.
fn property(line: &str) -> Option<(String, String, String)> {
    let mut quoted = false;
    let colon = line.find(|c: char| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((name.trim().to_ascii_uppercase(), parameters.to_ascii_uppercase(), value.trim().to_owned()))
}

fn has_time(parameters: &str, value: &str) -> bool {
    parameters.contains("VALUE=DATE-TIME") || value.contains(['T', 't'])
}

/// `20260215`, or the date of `20260215T000000Z`.
fn date(value: &str) -> Option<NaiveDate> {
    let digits = value.get(..8)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date = NaiveDate::parse_from_str(digits, "%Y%m%d").ok()?;
    (1970..=2200).contains(&chrono::Datelike::year(&date)).then_some(date)
}

/// Days of `P3D` or `P1W`.
fn whole_days(value: &str) -> Option<i64> {
    let rest = value.trim_start_matches('+').strip_prefix(['P', 'p'])?;
    let count = |unit: char| rest.strip_suffix([unit, unit.to_ascii_lowercase()])?.parse::<u16>().ok();
    let days = count('D').map(i64::from).or_else(|| count('W').map(|weeks| i64::from(weeks) * 7))?;
    Some(TimeDelta::days(days).num_days())
}

/// Text with its escapes taken back and nothing that a terminal would obey.
fn words(value: &str) -> String {
    let mut text = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\\' => match characters.next() {
                Some('n' | 'N') | None => ' ',
                Some(escaped) => escaped,
            },
            other => other,
        };
        text.push(if plain.is_control() { ' ' } else { plain });
    }
    text.trim().chars().take(LONGEST_REASON).collect()
}

#[cfg(test)]
#[path = "ical_tests.rs"]
mod tests;
