//! What was learned about two files: how numbers and moments of one side become those of the other.
//!
//! Only values and their use; the learning itself is in [`super::learn()`].

use serde::{Deserialize, Serialize};

use super::number::{NumberRule, Party, Rewriter};
use super::period::{Coverage, Period};
use crate::outcome::Finding;
use crate::record::{Names, Record, Side, flag};

/// What is known of two files before anything is learned.
#[derive(Debug, Clone)]
pub struct LearnContext<'a> {
    /// Ours, theirs.
    pub sides: [SideContext<'a>; 2],
    /// Prefixes of the deck's rows, digits: they decide which form of a number is the deck's.
    pub deck_prefixes: &'a [String],
    /// Clock offset set by the user: theirs minus ours after zones; none: it is learned.
    pub clock_offset_ms: Option<i64>,
    /// Tolerance set by the user; none: it is learned.
    pub tolerance_ms: Option<i64>,
}

/// What is known of one file.
#[derive(Debug, Clone)]
pub struct SideContext<'a> {
    /// Names that its records refer to.
    pub names: &'a Names,
    /// Whether its times are UTC for sure: they name a zone, are epochs, or the zone was set.
    pub zone_known: bool,
    /// First and last moments of the whole file.
    pub coverage: Coverage,
}

/// Which moment of a call a side's time is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBasis {
    /// The file's time as it is.
    #[default]
    Start,
    /// The file's time and its ring time.
    Answer,
    /// The file's time, its ring time and its conversation.
    End,
}

/// A stretch of one side's own clock with a constant offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// First moment, in the side's own time; `i64::MIN` for the beginning.
    pub from_ms: i64,
    /// First moment after it, in the side's own time; `i64::MAX` for the end. Where a clock was set
    /// back, a stretch reaches into the next one.
    pub to_ms: i64,
    /// The side's time minus the reference.
    pub offset_ms: i64,
    /// First byte of the file that belongs to it, where the file's order tells: it decides in the
    /// hour that comes twice.
    pub from_place: Option<u64>,
}

/// How one side's clock goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// In the order of time; empty: it is the reference.
    pub stretches: Vec<Stretch>,
    /// Milliseconds that it gains in a million milliseconds.
    pub drift_ppm: f64,
    /// Where drift is nothing, in the side's own time.
    pub drift_origin_ms: i64,
}

impl Clock {
    /// Whether nothing is to be corrected.
    #[must_use]
    pub fn is_reference(&self) -> bool {
        self.drift_ppm == 0.0 && self.stretches.iter().all(|stretch| stretch.offset_ms == 0)
    }

    fn drift_ms(&self, own_ms: i64) -> i64 {
        if self.drift_ppm == 0.0 {
            return 0;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "milliseconds of a drift"
        )]
        let drift =
            (own_ms.saturating_sub(self.drift_origin_ms) as f64 * self.drift_ppm / 1e6).round() as i64;
        drift
    }

    /// The side's own time as the reference clock has it; `place` decides in an hour that comes twice.
    #[must_use]
    pub fn corrected(&self, own_ms: i64, place: u64) -> i64 {
        let mut offset = self.stretches.first().map_or(0, |stretch| stretch.offset_ms);
        for stretch in self.stretches.iter().skip(1).filter(|stretch| own_ms >= stretch.from_ms) {
            offset = stretch.offset_ms;
        }
        // An hour that comes twice: the former stretch still holds, and the file has not come so far.
        for pair in self.stretches.windows(2) {
            let twice = own_ms >= pair[1].from_ms && own_ms < pair[0].to_ms;
            if twice && pair[1].from_place.is_some_and(|from| place < from) {
                offset = pair[0].offset_ms;
            }
        }
        own_ms.saturating_sub(offset).saturating_sub(self.drift_ms(own_ms))
    }

    /// The other moment that a corrected time may stand for, when its own time came twice.
    #[must_use]
    pub fn other_reading(&self, corrected_ms: i64) -> Option<i64> {
        self.stretches.windows(2).find_map(|pair| {
            let gap = pair[0].offset_ms - pair[1].offset_ms;
            if gap <= 0 {
                return None;
            }
            let twice = |own: i64| own >= pair[1].from_ms && own < pair[0].to_ms;
            // The own times that would have been corrected so, by either stretch.
            let drift = self.drift_ms(corrected_ms + pair[0].offset_ms);
            if twice(corrected_ms + pair[0].offset_ms + drift) {
                Some(corrected_ms + gap)
            } else if twice(corrected_ms + pair[1].offset_ms + drift) {
                Some(corrected_ms - gap)
            } else {
                None
            }
        })
    }

    /// A reference time as this side's own clock showed it.
    #[must_use]
    pub fn own(&self, reference_ms: i64) -> i64 {
        let mut own = reference_ms.saturating_add(self.stretches.first().map_or(0, |first| first.offset_ms));
        for stretch in self.stretches.iter().skip(1) {
            let here = reference_ms.saturating_add(stretch.offset_ms);
            if here >= stretch.from_ms {
                own = here;
            }
        }
        own.saturating_add(self.drift_ms(own))
    }
}

/// What was learned of two files; the same for all partitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Furthest that times of one call lie apart.
    pub tolerance_ms: i64,
    /// Rewrites of numbers to the deck's form, ours and theirs, the first that fits holds.
    pub numbers: [Vec<NumberRule>; 2],
    /// Clocks, ours and theirs.
    pub clocks: [Clock; 2],
    /// The moments that agree, ours and theirs.
    pub basis: [TimeBasis; 2],
    /// Whether a side's time is in truth the call's end, ours and theirs.
    pub time_is_end: [bool; 2],
    /// Whether both sides name calls by the same identities.
    pub call_ids_shared: bool,
    /// Whether the caller's number is often another one on the other side.
    pub callers_unreliable: bool,
    /// Their gateways as ours name them: index of theirs, index of ours.
    pub gateways: Vec<(u16, u16)>,
    /// What period each file holds, where the two are cut by different rules.
    pub periods: [Option<Period>; 2],
    /// Calls that could tell the clocks' offset.
    pub votes: u64,
    /// Of these, calls that agree with what was learned.
    pub agreeing: u64,
    /// The same in words for the report.
    pub findings: Vec<Finding>,
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            tolerance_ms: 2_000,
            numbers: [Vec::new(), Vec::new()],
            clocks: [Clock::default(), Clock::default()],
            basis: [TimeBasis::Start; 2],
            time_is_end: [false; 2],
            call_ids_shared: false,
            callers_unreliable: false,
            gateways: Vec::new(),
            periods: [None, None],
            votes: 0,
            agreeing: 0,
            findings: Vec::new(),
        }
    }
}

impl Learned {
    /// Brings records of a side to the common terms: numbers in the deck's form, times of the
    /// reference clock. Once for each record; [`super::match_partition`] does it itself.
    pub fn prepare(&self, side: Side, records: &mut [Record]) {
        let index = side.index();
        if !self.numbers[index].is_empty() {
            let callers = Rewriter::new(&self.numbers[index], Party::Caller);
            let callees = Rewriter::new(&self.numbers[index], Party::Callee);
            for record in &mut *records {
                record.caller = callers.rewritten(record.caller, record.gateway);
                record.callee = callees.rewritten(record.callee, record.gateway);
            }
        }
        let clock = &self.clocks[index];
        if let ([Stretch { offset_ms, .. }], true) = (&clock.stretches[..], clock.drift_ppm == 0.0) {
            for record in &mut *records {
                record.start_ms = record.start_ms.saturating_sub(*offset_ms);
            }
        } else if !clock.is_reference() {
            for record in &mut *records {
                record.start_ms = clock.corrected(record.start_ms, record.place);
            }
        }
        if self.time_is_end[index] {
            for record in &mut *records {
                record.start_ms = record.start_ms.saturating_sub(i64::from(record.talk_ms));
            }
        }
        // Their time stands for our answer: say so on each record that was answered.
        if self.basis[index] == TimeBasis::Start && self.basis[1 - index] == TimeBasis::Answer {
            for record in records.iter_mut().filter(|record| !record.is(flag::ATTEMPT)) {
                record.flags |= flag::FROM_ANSWER;
            }
        }
    }

    /// Whether [`Learned::prepare`] may change a record of a side.
    pub(super) fn changes(&self, side: Side) -> bool {
        let index = side.index();
        !self.numbers[index].is_empty()
            || !self.clocks[index].is_reference()
            || self.time_is_end[index]
            || self.basis[index] == TimeBasis::Start && self.basis[1 - index] == TimeBasis::Answer
    }

    /// Digits before called numbers of a side that are no part of the number.
    #[must_use]
    pub fn tech_prefixes(&self, side: Side) -> Vec<crate::Number> {
        self.numbers[side.index()]
            .iter()
            .filter(|rule| rule.party == Party::Callee && rule.is_tech_prefix())
            .map(|rule| rule.from)
            .collect()
    }

    /// The moment of a prepared record that agrees with the other side's.
    #[must_use]
    pub fn moment(&self, side: Side, record: &Record) -> i64 {
        moment(self.basis[side.index()], record)
    }
}

/// The moment of a record by a basis; what the file does not give counts as nothing.
#[must_use]
pub(super) fn moment(basis: TimeBasis, record: &Record) -> i64 {
    let ring = if record.ring_ms == crate::record::ABSENT_32 { 0 } else { i64::from(record.ring_ms) };
    match basis {
        TimeBasis::Start => record.start_ms,
        TimeBasis::Answer if record.is(flag::ATTEMPT) => record.start_ms,
        TimeBasis::Answer => record.start_ms.saturating_add(ring),
        TimeBasis::End => end(record),
    }
}

/// When the call ended.
#[must_use]
pub(super) fn end(record: &Record) -> i64 {
    let ring = if record.ring_ms == crate::record::ABSENT_32 { 0 } else { i64::from(record.ring_ms) };
    record.start_ms.saturating_add(ring).saturating_add(i64::from(record.talk_ms))
}
