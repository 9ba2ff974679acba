//! Finds out what a file looks like: from pieces of its text to a [`Layout`].
//!
//! What the data does not prove is asked for: a [`DetectError`] names the column, shows two values and
//! the flag that settles it. A wrong guess is worse than a question.

mod assign;
mod content;
mod findings;
mod forms;
mod spans;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::preset::Preset;
use super::{Layout, Role, SpanStyle, TimeStyle, Zone};
use crate::outcome::Finding;
use crate::record::Side;

/// Bytes of a block that are looked at; a file gives some blocks.
pub const BLOCK: usize = 128 * 1024;

/// Pieces of a file's text: its head, and blocks from further on.
#[derive(Debug, Clone, Default)]
pub struct Sample<'a> {
    /// From the first byte.
    pub head: &'a [u8],
    /// From later places, in order; each may begin and end within a line.
    pub later: Vec<&'a [u8]>,
    /// Whether `head` is the whole text.
    pub whole: bool,
}

impl<'a> Sample<'a> {
    /// Head, middle and tail of a text.
    #[must_use]
    pub fn of(text: &'a [u8]) -> Self {
        if text.len() <= 3 * BLOCK {
            return Self { head: text, later: Vec::new(), whole: true };
        }
        let middle = text.len() / 2;
        let later = vec![&text[middle..middle + BLOCK], &text[text.len() - BLOCK..]];
        Self { head: &text[..BLOCK], later, whole: false }
    }
}

/// Whether the day or the month stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `dmy`.
    DayFirst,
    /// `mdy`.
    MonthFirst,
}

/// What a file's owner, or the other file, says of it.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Whose file; names the flags (`--theirs-date-order`).
    pub side: Option<Side>,
    /// The file's name, for messages.
    pub file: String,
    /// `date-order`.
    pub date_order: Option<DateOrder>,
    /// `zone`.
    pub zone: Option<Zone>,
    /// `decimal`.
    pub decimal: Option<char>,
    /// `delimiter`.
    pub delimiter: Option<char>,
    /// `columns`: roles from the left, or `role=column` pairs.
    pub columns: Option<String>,
    /// `duration-unit`.
    pub duration_unit: Option<SpanStyle>,
    /// What the other file proves.
    pub other: Option<Evidence>,
}

/// What a file proves to its counterpart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Days of its records since 1970, first and last.
    pub days: Option<[i64; 2]>,
    /// Last eight digits of callers.
    pub callers: BTreeSet<u64>,
    /// Last eight digits of callees.
    pub callees: BTreeSet<u64>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Detected {
    /// The layout.
    pub layout: Layout,
    /// What is not the plain generic form.
    pub findings: Vec<Finding>,
    /// What it proves to the other file.
    pub evidence: Evidence,
}

/// Why a file's look could not be settled. Every message names the file and what settles it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// Nothing in it.
    #[error("{file}: there is no line in it")]
    Empty {
        /// Which file.
        file: String,
    },
    /// No rows of at least four fields.
    #[error(
        "{file}: no table found: lines such as `{example}` do not fall into at least four columns by comma, semicolon, \
         bar or tab; name the sign with {flag}"
    )]
    NoTable {
        /// Which file.
        file: String,
        /// A line of it.
        example: String,
        /// The flag.
        flag: String,
    },
    /// Columns that are needed and were not found.
    #[error(
        "{file}: no column was found for {missing}. The columns are: {columns}. Name them from the left with {flag} \
         (for example `{flag} caller,callee,start,duration,-,amount`) or by pairs (`{flag} caller=2,callee=3`)"
    )]
    Missing {
        /// Which file.
        file: String,
        /// What is missing, in words.
        missing: String,
        /// What there is, with two values each.
        columns: String,
        /// The flag.
        flag: String,
    },
    /// A column that can be read in two ways.
    #[error(
        "{file}: column {column} can be read in two ways, {readings}: its values are `{}` and `{}`. Say which with {flag}", .values[0], .values[1])]
    Ambiguous {
        /// Which file.
        file: String,
        /// The column's name, or its number.
        column: String,
        /// The ways.
        readings: String,
        /// Two of its values.
        values: Box<[String; 2]>,
        /// The flag with its values.
        flag: String,
    },
    /// A column whose values contradict what it is said or found to be.
    #[error("{file}: column {column} {problem}: its values are `{}` and `{}`. {remedy}", .values[0], .values[1])]
    Contradiction {
        /// Which file.
        file: String,
        /// The column's name, or its number.
        column: String,
        /// What does not fit.
        problem: String,
        /// Two of its values.
        values: Box<[String; 2]>,
        /// What to do.
        remedy: String,
    },
    /// A format that was asked for and does not fit.
    #[error(
        "{file}: it is no file of format `{preset}`: {reason}. Leave the format out to have it found, or name the columns with {flag}"
    )]
    OtherFormat {
        /// Which file.
        file: String,
        /// The format.
        preset: String,
        /// Why not.
        reason: String,
        /// The flag.
        flag: String,
    },
    /// A flag whose value is none.
    #[error("{flag} {value}: {reason}")]
    Flag {
        /// The flag.
        flag: String,
        /// Its value.
        value: String,
        /// What it takes.
        reason: String,
    },
}

impl DetectError {
    /// Whether more of the file, or the other file, may settle it.
    #[must_use]
    pub const fn is_open_question(&self) -> bool {
        matches!(self, Self::Ambiguous { .. } | Self::Missing { .. })
    }
}

impl Hints {
    /// From the flags' names (without `--ours-`) and values; a flag of another matter is left alone.
    ///
    /// # Errors
    ///
    /// [`DetectError::Flag`] for a value that is none.
    pub fn read(side: Option<Side>, file: &str, flags: &[(String, String)]) -> Result<Self, DetectError> {
        let mut hints = Self { side, file: file.to_owned(), ..Self::default() };
        for (name, value) in flags {
            let name =
                name.trim_start_matches("--").trim_start_matches("ours-").trim_start_matches("theirs-");
            let value = if name == "delimiter" { value.as_str() } else { value.trim() };
            let wrong = |reason: &str| DetectError::Flag {
                flag: flag(side, name),
                value: value.to_owned(),
                reason: reason.to_owned(),
            };
            match name {
                "date-order" => {
                    hints.date_order = Some(match value.to_lowercase().as_str() {
                        "dmy" => DateOrder::DayFirst,
                        "mdy" => DateOrder::MonthFirst,
                        _ => return Err(wrong("write dmy (day first) or mdy (month first)")),
                    });
                }
                "zone" => {
                    let zone = zone(value).ok_or_else(|| {
                        wrong("write UTC, an offset such as +08:00, or a place such as Asia/Shanghai")
                    })?;
                    hints.zone = Some(zone);
                }
                "decimal" => {
                    hints.decimal = Some(match value {
                        "." | "point" | "dot" => '.',
                        "," | "comma" => ',',
                        _ => return Err(wrong("write . or ,")),
                    });
                }
                "delimiter" => {
                    hints.delimiter = Some(
                        delimiter(value)
                            .ok_or_else(|| wrong("write one sign, or comma, semicolon, bar or tab"))?,
                    );
                }
                "columns" => hints.columns = Some(value.to_owned()),
                "duration-unit" => {
                    hints.duration_unit = Some(match value.to_lowercase().as_str() {
                        "s" | "sec" | "second" | "seconds" => SpanStyle::Seconds,
                        "ms" | "millis" | "milliseconds" => SpanStyle::Millis,
                        "us" | "micros" | "microseconds" => SpanStyle::Micros,
                        "min" | "minute" | "minutes" => SpanStyle::Minutes,
                        "colons" | "m:ss" | "h:mm:ss" | "hh:mm:ss" => SpanStyle::Colons,
                        _ => return Err(wrong("write seconds, ms, us, minutes or h:mm:ss")),
                    });
                }
                _ => {}
            }
        }
        Ok(hints)
    }

    /// A flag of this side, as it is written on the command line.
    #[must_use]
    pub fn flag(&self, name: &str) -> String {
        flag(self.side, name)
    }
}

fn flag(side: Option<Side>, name: &str) -> String {
    match side {
        Some(Side::Theirs) => format!("--theirs-{name}"),
        _ => format!("--ours-{name}"),
    }
}

fn delimiter(text: &str) -> Option<char> {
    Some(match text.to_lowercase().as_str() {
        "comma" => ',',
        "semicolon" => ';',
        "bar" | "pipe" => '|',
        "tab" | "\\t" => '\t',
        _ => {
            let mut signs = text.chars();
            let first = signs.next()?;
            return (signs.next().is_none()
                && first.is_ascii()
                && !first.is_ascii_alphanumeric()
                && first != '"')
                .then_some(first);
        }
    })
}

/// The zone that a text names: `UTC`, `+08:00`, `Asia/Shanghai`.
#[must_use]
pub fn zone(text: &str) -> Option<Zone> {
    let text = text.trim();
    if let Some(east) = super::words::zone_named(text) {
        return Some(Zone::Fixed(east));
    }
    jiff::tz::TimeZone::get(text).ok()?;
    Some(Zone::Named(text.to_owned()))
}

/// Finds out what a file looks like.
///
/// # Errors
///
/// [`DetectError`] when the data does not prove it and no hint says so.
pub fn detect(sample: &Sample<'_>, hints: &Hints, preset: Option<&Preset>) -> Result<Detected, DetectError> {
    let known = Preset::all();
    let table = table::Table::read(sample, hints, preset, &known)?;
    let assigned = assign::assign(&table, hints, preset, &known)?;
    let mut layout = Layout {
        preset: assigned.preset.map_or_else(|| "generic".to_owned(), |preset| preset.name.clone()),
        delimiter: table.delimiter,
        header_lines: table.header_lines,
        columns: assigned.roles,
        header: table.header.clone(),
        time: TimeStyle::YearFirst,
        zone: Zone::Unknown,
        spans: vec![SpanStyle::Seconds; table.width],
        decimal: '.',
        thousands: None,
        credits: false,
        answered: assigned.preset.map(|preset| preset.answered.clone()).unwrap_or_default(),
        interim: assigned.preset.map(|preset| preset.interim.clone()).unwrap_or_default(),
        skipped: assigned.preset.map(|preset| preset.skipped.clone()).unwrap_or_default(),
    };
    forms::settle(&table, hints, assigned.preset, &mut layout)?;
    spans::settle(&table, hints, assigned.preset, &mut layout)?;
    assign::require(&table, hints, &layout)?;
    Ok(Detected {
        findings: findings::of(&table, hints, &layout),
        evidence: findings::evidence(&table, &layout),
        layout,
    })
}

/// Whether one file's callers are the other's callees and the reverse: then one of them names its columns
/// wrongly, and nobody can tell from the numbers which.
#[must_use]
pub fn crossed(ours: &Detected, theirs: &Detected, hints: &Hints) -> Option<DetectError> {
    let (ours, found) = (&ours.evidence, theirs);
    let theirs = &found.evidence;
    let both = |left: &BTreeSet<u64>, right: &BTreeSet<u64>| left.intersection(right).count();
    let straight = both(&ours.callers, &theirs.callers) + both(&ours.callees, &theirs.callees);
    let callers = both(&ours.callees, &theirs.callers);
    let callees = both(&ours.callers, &theirs.callees);
    let most_of = |count: usize, all: usize| count >= 20 && count * 2 >= all;
    let is_crossed = most_of(callers, theirs.callers.len().min(ours.callees.len()))
        && most_of(callees, theirs.callees.len().min(ours.callers.len()))
        && straight * 20 < callers + callees;
    if !is_crossed || hints.columns.is_some() {
        return None;
    }
    let place = |role: Role| found.layout.columns.iter().position(|known| *known == role).map(|at| at + 1);
    let (caller, callee) = (place(Role::Caller)?, place(Role::Callee)?);
    let name = |column: usize| match found.layout.header.get(column - 1).filter(|name| !name.is_empty()) {
        Some(name) => format!("`{name}`"),
        None => column.to_string(),
    };
    let example =
        |numbers: &BTreeSet<u64>| numbers.first().map_or_else(String::new, |tail| format!("…{tail:08}"));
    let flag = hints.flag("columns");
    Some(DetectError::Contradiction {
        file: hints.file.clone(),
        column: name(caller),
        problem: format!(
            "is taken for the calling number and {} for the called one, but in the other file it is the reverse",
            name(callee)
        ),
        values: Box::new([example(&theirs.callers), example(&theirs.callees)]),
        remedy: format!(
            "If this file is the wrong one, say {flag} caller={callee},callee={caller}, else the like for the other file"
        ),
    })
}

/// For fuzzing: any bytes, with no hint, give an answer or a question, never a panic.
pub fn fuzz(bytes: &[u8]) {
    let hints = Hints { file: "fuzz".to_owned(), ..Hints::default() };
    drop(detect(&Sample::of(bytes), &hints, None));
    let (left, right) = bytes.split_at(bytes.len() / 2);
    drop(detect(&Sample { head: left, later: vec![right], whole: false }, &hints, None));
    if let Ok(text) = std::str::from_utf8(left) {
        drop(Preset::read("fuzz", text));
        drop(super::words::heading(text));
    }
}

/// What a role is called in messages.
pub(super) const fn spoken(role: Role) -> &'static str {
    match role {
        Role::Ignored => "nothing",
        Role::CallId => "the call's identity",
        Role::Caller => "the calling number (caller)",
        Role::Callee => "the called number (callee)",
        Role::Start => "the start time",
        Role::StartDate => "the date",
        Role::StartTimeOfDay => "the time of day",
        Role::Answer => "the answer time",
        Role::End => "the end time",
        Role::Talk => "the conversation's length (duration)",
        Role::Total => "the length with ringing (total)",
        Role::Ring => "the ringing's length",
        Role::Billed => "the charged length (billed)",
        Role::Rate => "the price of a minute (rate)",
        Role::Amount => "the amount",
        Role::Currency => "the currency",
        Role::Gateway => "the gateway",
        Role::Account => "the account",
        Role::Disposition => "the disposition",
        Role::RecordKind => "the record kind",
    }
}
