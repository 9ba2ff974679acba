//! From a file's text to records.
//!
//! The text is UTF-8 with one record a line (or a quoted field over several); what is packed, of
//! another encoding, a workbook or JSON has been brought to that before. [`Layout`] says what stands
//! where and how it is written.

mod assemble;
pub mod detect;
mod field;
mod fuzz;
pub mod preset;
pub mod rows;
mod scan;
pub mod words;

pub use fuzz::{fuzz_detect, fuzz_rows};
pub use rows::{LayoutError, RowReader};

use serde::{Deserialize, Serialize};

use crate::record::{Names, Record};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing that matters.
    Ignored,
    /// The call's identity.
    CallId,
    /// Calling party.
    Caller,
    /// Called party.
    Callee,
    /// When the call began (INVITE), date and time.
    Start,
    /// The date of `start`, where it stands apart from the time of day.
    StartDate,
    /// The time of day of `start`.
    StartTimeOfDay,
    /// When it was answered; empty or 0 when it was not.
    Answer,
    /// When it ended.
    End,
    /// Conversation, answer to end.
    Talk,
    /// From start to end, ringing included.
    Total,
    /// From start to answer.
    Ring,
    /// Charged seconds, after increments.
    Billed,
    /// Price of a minute.
    Rate,
    /// Charged.
    Amount,
    /// ISO 4217.
    Currency,
    /// Gateway or trunk.
    Gateway,
    /// Account.
    Account,
    /// Answered or not, in the system's words or as SIP code.
    Disposition,
    /// Kind of record (BroadWorks `type`; interim ones must not be billed).
    RecordKind,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeStyle {
    /// `2026-04-03T00:00:03.123+08:00`, also with a space, slashes, no fraction, no zone.
    YearFirst,
    /// `03.04.2026 00:00:03`, also with slashes or hyphens.
    DayFirst,
    /// `04/03/2026 12:00:03 AM`, also with 24 hours.
    MonthFirst,
    /// `20260403000003.123`.
    Compact,
    /// Seconds since 1970, with or without a fraction.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Microseconds since 1970.
    EpochMicros,
    /// Days since 1899-12-30, as spreadsheets count.
    SpreadsheetDays,
}

/// How a duration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanStyle {
    /// Seconds, with or without a fraction.
    Seconds,
    /// `m:ss` or `h:mm:ss`, or counts that name their units (`1m 2s`, `62 sec`, `1分02秒`).
    Colons,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Minutes with decimals.
    Minutes,
}

/// The zone of times that do not name theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Not known: read as if UTC; pairing finds the offset.
    Unknown,
    /// Fixed, in seconds east of UTC.
    Fixed(i32),
    /// A place of the tz database, with its summer time.
    Named(String),
}

/// What a file looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Preset that it came from, or `generic`.
    pub preset: String,
    /// Between fields.
    pub delimiter: char,
    /// Lines before the first record.
    pub header_lines: u32,
    /// What each column holds.
    pub columns: Vec<Role>,
    /// Names of the columns as the file has them, empty without a header.
    pub header: Vec<String>,
    /// How times are written.
    pub time: TimeStyle,
    /// Zone of times that name none.
    pub zone: Zone,
    /// How durations are written, by column; only those of `Talk`, `Total`, `Ring`, `Billed` count.
    pub spans: Vec<SpanStyle>,
    /// Decimal sign of numbers.
    pub decimal: char,
    /// Thousands separator, if numbers have one.
    pub thousands: Option<char>,
    /// Whether what is charged is written as a negative amount.
    #[serde(default)]
    pub credits: bool,
    /// Words of `Disposition` that mean answered; empty: decided by the conversation alone.
    pub answered: Vec<String>,
    /// Words of `RecordKind` whose records are interim.
    pub interim: Vec<String>,
    /// Words of `RecordKind` whose records are no calls and are left out, counted.
    pub skipped: Vec<String>,
}

/// A line that is no record, kept with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Line in the file, from 1.
    pub line: u64,
    /// Column, from 1, where one is to blame.
    pub column: Option<u32>,
    /// What was wrong and what was expected.
    pub reason: String,
    /// The same in Simplified Chinese; empty where nobody has said it.
    #[serde(default)]
    pub reason_zh: String,
    /// The line, shortened.
    pub text: String,
    /// The amount, where it could be read all the same.
    pub amount: Option<crate::Money>,
    /// The conversation in milliseconds, where it could be read.
    pub talk_ms: Option<u32>,
}

/// What a piece of text came to.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Records, in the order of the text.
    pub records: Vec<Record>,
    /// Lines that are none, by their line within this piece; at most [`rows::MOST_REJECTIONS`].
    pub rejections: Vec<Rejection>,
    /// Rows that are none, kept in `rejections` or not.
    pub rejected: u64,
    /// Amounts of all of them, as far as they could be read.
    pub rejected_amount: crate::Money,
    /// Conversations of all of them in milliseconds, as far as they could be read.
    pub rejected_talk_ms: u64,
    /// Lines in this piece: one for each record, rejection and skipped record, and those below.
    pub lines: u64,
    /// Lines before the first record.
    pub header: u64,
    /// Lines without anything in them.
    pub blank: u64,
    /// Lines that carry on the row before, inside a quoted field.
    pub continued: u64,
    /// Records of the file's own that are no calls (BroadWorks `Start`), left out.
    pub skipped: u64,
    /// Names that the records of this piece refer to.
    pub names: Names,
}
