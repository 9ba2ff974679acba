//! Leaves out the calls that do not begin within the period that was asked for, and settles how long a
//! call was in a file that says only when it began, when it ended and what was charged.
//!
//! Files are paired whole and the calls sifted afterwards: a call at the border, which one side's clock
//! puts before it and the other's behind, is in or out with all its records.

use std::collections::HashMap;

use linesman_cdr::Money;
use linesman_cdr::pair::Sink;
use linesman_cdr::record::{ABSENT_32, Record, Side, flag};

/// Records of one side that were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) records: u64,
    pub(crate) talk_ms: u64,
    pub(crate) amount: Money,
}

impl Outside {
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.talk_ms += other.talk_ms;
        self.amount += other.amount;
    }
}

/// Hands on what begins within a period and counts the rest.
pub(crate) struct Within<'a, S> {
    period: Option<[i64; 2]>,
    to: &'a mut S,
    /// Records of theirs whose call, by our moment, is in or out against their own; by their place.
    moved: HashMap<u64, bool>,
    outside: [Outside; 2],
}

impl<'a, S: Sink> Within<'a, S> {
    /// Half-open; none: everything.
    pub(crate) fn new(period: Option<[i64; 2]>, to: &'a mut S) -> Self {
        Self { period, to, moved: HashMap::new(), outside: Default::default() }
    }

    /// What was left out, by [`Side::index`].
    pub(crate) const fn outside(&self) -> [Outside; 2] {
        self.outside
    }

    fn holds(&self, start_ms: i64) -> bool {
        self.period.is_none_or(|[from, to]| (from..to).contains(&start_ms))
    }

    /// Whether a call is in by our moment; that of theirs is remembered where it says otherwise.
    fn has_both(&mut self, our_start_ms: i64, theirs: &[Record]) -> bool {
        let held = self.holds(our_start_ms);
        for record in theirs {
            if self.holds(record.start_ms) != held {
                self.moved.insert(record.place, held);
            }
        }
        held
    }

    /// Whether the call of a record that was paired before, or stands alone, is in.
    fn has_call(&self, side: Side, record: &Record) -> bool {
        let moved = if side == Side::Theirs { self.moved.get(&record.place) } else { None };
        moved.copied().unwrap_or_else(|| self.holds(record.start_ms))
    }

    fn leave(&mut self, side: Side, record: &Record) {
        self.outside[side.index()].add(&Outside {
            records: 1,
            talk_ms: u64::from(record.talk_ms),
            amount: record.money(),
        });
    }
}

impl<S: Sink> Sink for Within<'_, S> {
    #[inline]
    fn pair(&mut self, ours: &Record, theirs: &Record) {
        if (ours.flags | theirs.flags) & flag::MAY_RING == 0 && self.period.is_none() {
            return self.to.pair(ours, theirs);
        }
        let (ours, theirs) = (&without_ring(ours, theirs), &without_ring(theirs, ours));
        if self.period.is_none() || self.has_both(ours.start_ms, std::slice::from_ref(theirs)) {
            return self.to.pair(ours, theirs);
        }
        self.leave(Side::Ours, ours);
        self.leave(Side::Theirs, theirs);
    }

    fn only(&mut self, side: Side, record: &Record) {
        let record = &as_charged(record);
        if self.holds(record.start_ms) {
            return self.to.only(side, record);
        }
        self.leave(side, record);
    }

    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        let (record, of) = (&as_charged(record), &as_charged(of));
        if self.has_call(side, of) {
            return self.to.duplicate(side, record, of);
        }
        self.leave(side, record);
    }

    fn split(&mut self, records: [&[Record]; 2]) {
        let [ours, theirs] = records;
        let begin = ours.iter().map(|part| part.start_ms).min();
        if begin.is_some_and(|begin| self.has_both(begin, theirs)) {
            return self.to.split(records);
        }
        for (side, parts) in Side::BOTH.into_iter().zip(records) {
            parts.iter().for_each(|part| self.leave(side, part));
        }
    }

    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        if self.has_call(side, whole) {
            return self.to.interim(side, record, whole);
        }
        self.leave(side, record);
    }

    fn cut_off(&mut self, side: Side, record: &Record) {
        let record = &as_charged(record);
        if self.holds(record.start_ms) {
            return self.to.cut_off(side, record);
        }
        self.leave(side, record);
    }
}

/// Most milliseconds that a call rings.
const LONGEST_RING_MS: u32 = 180_000;

/// A record whose length may hold the ringing, without it, as far as the other side's record of the
/// same call tells.
fn without_ring(record: &Record, other: &Record) -> Record {
    if !record.is(flag::MAY_RING) || other.is(flag::MAY_RING) {
        return *record;
    }
    if record.is(flag::ATTEMPT) {
        return if was_free(record, other) { answered(record, other) } else { *record };
    }
    let rung = if other.ring_ms == ABSENT_32 {
        let more = record.talk_ms.saturating_sub(other.talk_ms);
        if more <= LONGEST_RING_MS { record.talk_ms - more } else { record.talk_ms }
    } else {
        record.talk_ms.saturating_sub(other.ring_ms)
    };
    // Charged for less than the whole and no less than the conversation: the ringing was left out.
    let charged_ms = record.billed_s.saturating_mul(1_000);
    let left_out = record.billed_s != ABSENT_32
        && charged_ms.saturating_add(1_000) <= record.talk_ms
        && charged_ms.saturating_add(1_000) > rung;
    // Or the other's own times say that its length holds the ringing.
    let rung_there = other.is(flag::TIMES_DISAGREE)
        && other.ring_ms != ABSENT_32
        && other.talk_ms.saturating_sub(other.ring_ms).abs_diff(rung) <= 1_000;
    let left_out = left_out || rung_there;
    let apart = |talk_ms: u32| talk_ms.abs_diff(other.talk_ms);
    let talk_ms = if left_out || apart(rung) < apart(record.talk_ms) { rung } else { record.talk_ms };
    Record { talk_ms, ..*record }
}

/// Most milliseconds that two clocks differ on what the same call took.
const SLACK_MS: u32 = 2_000;

/// Whether a call of which nothing was charged, and nothing else is said, took the time of one that the
/// other side had answered.
fn was_free(record: &Record, other: &Record) -> bool {
    if other.is(flag::ATTEMPT) || record.ring_ms == ABSENT_32 {
        return false;
    }
    let rung = if other.ring_ms == ABSENT_32 {
        record.ring_ms.saturating_add(SLACK_MS).saturating_sub(other.talk_ms)
    } else {
        record.ring_ms.abs_diff(other.talk_ms.saturating_add(other.ring_ms))
    };
    let most = if other.ring_ms == ABSENT_32 { LONGEST_RING_MS } else { SLACK_MS };
    rung <= most && other.talk_ms <= record.ring_ms.saturating_add(SLACK_MS)
}

/// Such a record with the conversation that the other side tells of.
fn answered(record: &Record, other: &Record) -> Record {
    Record {
        talk_ms: other.talk_ms,
        ring_ms: record.ring_ms.saturating_sub(other.talk_ms),
        flags: record.flags & !flag::ATTEMPT,
        ..*record
    }
}

/// Likewise where no other record tells: what was charged is the best that is known.
fn as_charged(record: &Record) -> Record {
    if record.is(flag::MAY_RING) && record.billed_s != ABSENT_32 {
        return Record { talk_ms: record.billed_s.saturating_mul(1_000).min(record.talk_ms), ..*record };
    }
    *record
}

#[cfg(test)]
mod tests {
    use super::*;
    use linesman_cdr::Number;
    use linesman_cdr::record::{ABSENT, NO_NAME};

    fn record(talk_ms: u32, ring_ms: u32, flags: u32) -> Record {
        Record {
            caller: Number::NONE,
            callee: Number::NONE,
            start_ms: 0,
            amount: ABSENT,
            rate: ABSENT,
            place: 0,
            talk_ms,
            billed_s: 66,
            ring_ms,
            call_id: 0,
            flags,
            gateway: NO_NAME,
            account: NO_NAME,
        }
    }

    #[test]
    fn what_was_charged_tells_of_the_ringing_where_the_other_side_charges_it() {
        let own = Record { billed_s: 48, ..record(63_000, ABSENT_32, flag::MAY_RING) };
        let other = record(63_000, 15_000, 0);
        assert_eq!(without_ring(&own, &other).talk_ms, 48_000);
        let whole = Record { billed_s: 66, ..own };
        assert_eq!(without_ring(&whole, &other).talk_ms, 63_000);
        let contradicted = Record { flags: flag::TIMES_DISAGREE, ..other };
        assert_eq!(without_ring(&whole, &contradicted).talk_ms, 48_000);
    }

    #[test]
    fn a_call_that_was_free_is_told_from_one_that_was_not_answered_by_the_other_side() {
        let free = Record { billed_s: 0, ..record(0, 69_000, flag::ATTEMPT | flag::MAY_RING) };
        let told = without_ring(&free, &record(61_000, 8_000, 0));
        assert_eq!((told.talk_ms, told.ring_ms, told.flags & flag::ATTEMPT), (61_000, 8_000, 0));
        assert_eq!(without_ring(&free, &record(61_000, ABSENT_32, 0)).talk_ms, 61_000);
        assert_eq!(without_ring(&free, &record(30_000, 8_000, 0)), free, "it took another time");
        assert_eq!(without_ring(&free, &record(0, 69_000, flag::ATTEMPT)), free);
    }

    #[test]
    fn a_length_that_may_hold_the_ringing_is_settled_by_the_other_side() {
        let talk = |talk_ms, other_ring_ms| {
            let other = record(61_000, other_ring_ms, 0);
            without_ring(&record(talk_ms, ABSENT_32, flag::MAY_RING), &other).talk_ms
        };
        assert_eq!(talk(69_000, 8_000), 61_000);
        assert_eq!(talk(61_000, 8_000), 61_000);
        assert_eq!(talk(69_000, ABSENT_32), 61_000);
        assert_eq!(talk(7_269_000, ABSENT_32), 7_269_000, "no call rings for two hours");
        assert_eq!(as_charged(&record(69_000, ABSENT_32, flag::MAY_RING)).talk_ms, 66_000);
        let certain = record(69_000, ABSENT_32, 0);
        assert_eq!(without_ring(&certain, &record(61_000, 8_000, 0)), certain);
    }
}
