//! The records of one file beside what is known of the file, and what time a capture covers.

use crate::record::{ABSENT_32, Record, flag};

/// One record with what its row says beyond it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledCall {
    /// The record; its time as the file has it.
    pub record: Record,
    /// Its line in the user's file.
    pub line: u64,
    /// The call's identity as it is written.
    pub call_id: Option<String>,
    /// The codec as it is written, where the file has such a column.
    pub codec: Option<String>,
    /// Gateway or trunk by name.
    pub gateway: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
}

/// How long a record says that the conversation was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// In milliseconds.
    pub(super) ms: i64,
    /// By how much it may stand above the truth through rounding alone.
    pub(super) slack_ms: i64,
}

/// Increments that seconds are rounded up to, the largest first.
const INCREMENTS_S: [u32; 4] = [60, 30, 15, 6];

impl BilledCall {
    /// When it was answered by its own clock, where it says so.
    #[must_use]
    pub fn answer_ms(&self) -> Option<i64> {
        let record = &self.record;
        if record.is(flag::FROM_ANSWER) {
            return Some(record.start_ms);
        }
        let told = record.ring_ms != ABSENT_32 && !record.is(flag::MAY_RING);
        told.then(|| record.start_ms.saturating_add(i64::from(record.ring_ms)))
    }

    /// Whether it says that the call was answered.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        !self.record.is(flag::ATTEMPT)
    }

    /// The conversation that it states; none where its only length may hold ringing.
    pub(super) fn length(&self, says_talk: bool) -> Option<Length> {
        let record = &self.record;
        if !self.is_answered() {
            return Some(Length { ms: 0, slack_ms: 0 });
        }
        if says_talk && !record.is(flag::MAY_RING) {
            // Whole seconds may have been rounded up.
            return Some(Length { ms: i64::from(record.talk_ms), slack_ms: 1_000 });
        }
        if record.billed_s == ABSENT_32 {
            return None;
        }
        let block =
            INCREMENTS_S.into_iter().find(|block| record.billed_s.is_multiple_of(*block)).unwrap_or(1);
        Some(Length { ms: i64::from(record.billed_s) * 1_000, slack_ms: i64::from(block) * 1_000 })
    }
}

/// The records of one file.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// Records, in any order.
    pub records: &'a [BilledCall],
    /// Whether its times are UTC for sure.
    pub zone_known: bool,
    /// Whether it has conversations, or times that give them; else only what was charged.
    pub says_talk: bool,
    /// First beginning and last end of a call in the whole file, as it has the time.
    pub span_ms: Option<[i64; 2]>,
    /// Lines that are no records: a call may stand in one of them.
    pub rejected: &'a [String],
    /// Whether these are all of them.
    pub rejected_whole: bool,
}

/// What the listener saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// When it listened, milliseconds since 1970, in order, not touching.
    pub spans: Vec<[i64; 2]>,
    /// Whether every call of that time is told; where only some are kept, none is missing.
    pub holds_all: bool,
}

impl Capture {
    /// From spans in any order; what touches or overlaps becomes one.
    #[must_use]
    pub fn of(mut spans: Vec<[i64; 2]>) -> Self {
        spans.sort_unstable();
        let mut joined: Vec<[i64; 2]> = Vec::new();
        for [from, to] in spans {
            match joined.last_mut() {
                Some(last) if from <= last[1] => last[1] = last[1].max(to),
                _ => joined.push([from, to]),
            }
        }
        Self { spans: joined, holds_all: true }
    }

    /// Whether it listened the whole time between two moments.
    #[must_use]
    pub fn covers(&self, from_ms: i64, to_ms: i64) -> bool {
        self.spans.iter().any(|[first, last]| *first <= from_ms && to_ms <= *last)
    }
}

/// From when on a difference is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Furthest that the times of one call lie apart once the clocks are set.
    pub tolerance_ms: i64,
    /// By how much seconds may differ.
    pub seconds_ms: i64,
    /// Voice of the callee that begins later than this after the answer.
    pub late_ms: i64,
    /// Neither party heard for so long before the billed end: pauses and hold are shorter.
    pub silence_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tolerance_ms: 5_000, seconds_ms: 2_000, late_ms: 5_000, silence_ms: 30_000 }
    }
}
