//! Records of one caller and one called number, looked at together: pairs by minimal cost, calls in
//! parts, interim records, duplicates.

mod parts;

pub(super) use parts::goes_on;

use std::cmp::Ordering;

use super::Sink;
use super::assign::{Cost, DEAREST, SCALE, assign};
use super::learned::{Learned, end};
use crate::record::{Record, Side, flag};

/// What the records of a run have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Both numbers.
    Both,
    /// The called number; callers are missing or rewritten.
    Callee,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// With that record of the other side.
    Paired(usize),
    /// A part, or the whole of parts, or an interim record, or a duplicate: settled.
    Settled,
}

/// Memory for one run after another.
#[derive(Debug, Default)]
pub(super) struct Run {
    records: [Vec<(i64, u32, Record)>; 2],
    states: [Vec<State>; 2],
}

const SECOND: i64 = 1_000;

impl Run {
    /// Settles records of one run; what stays open goes to `left`.
    pub(super) fn settle(
        &mut self,
        sides: [&[Record]; 2],
        lists: [Vec<u32>; 2],
        keys: Keys,
        learned: &Learned,
        left: &mut [Vec<u32>; 2],
        sink: &mut impl Sink,
    ) {
        for side in Side::BOTH {
            let here = side.index();
            let records = &mut self.records[here];
            records.clear();
            for index in &lists[here] {
                if let Some(record) = sides[here].get(*index as usize) {
                    records.push((learned.moment(side, record), *index, *record));
                }
            }
            // Numbers with the same hash stand one after the other.
            records.sort_unstable_by(|a, b| {
                key(&a.2, keys).cmp(&key(&b.2, keys)).then_with(|| by_content(a, b))
            });
        }
        let [mut ours, mut theirs] = std::mem::take(&mut self.records);
        let (mut first, mut second) = (0, 0);
        while first < ours.len() || second < theirs.len() {
            let this = match (ours.get(first), theirs.get(second)) {
                (Some(a), Some(b)) => key(&a.2, keys).min(key(&b.2, keys)),
                (Some(a), None) | (None, Some(a)) => key(&a.2, keys),
                (None, None) => break,
            };
            let count = |records: &[(i64, u32, Record)], from: usize| {
                records[from..].iter().take_while(|record| key(&record.2, keys) == this).count()
            };
            let (more, others) = (count(&ours, first), count(&theirs, second));
            let run = [&ours[first..first + more], &theirs[second..second + others]];
            self.settle_key(run, keys, learned, left, sink);
            first += more;
            second += others;
        }
        ours.clear();
        theirs.clear();
        self.records = [ours, theirs];
    }

    fn settle_key(
        &mut self,
        run: [&[(i64, u32, Record)]; 2],
        keys: Keys,
        learned: &Learned,
        left: &mut [Vec<u32>; 2],
        sink: &mut impl Sink,
    ) {
        for (states, records) in self.states.iter_mut().zip(run) {
            states.clear();
            states.resize(records.len(), State::Open);
        }
        self.pair(run, keys, learned);
        self.common_parts(run, sink);
        self.parts(run, learned, sink);
        for (place, state) in self.states[0].iter().enumerate() {
            if let State::Paired(other) = state {
                sink.pair(&run[0][place].2, &run[1][*other].2);
            }
        }
        for side in Side::BOTH {
            self.interims(side, run[side.index()], learned, sink);
            self.duplicates(side, run[side.index()], keys, learned, sink);
        }
        for side in 0..2 {
            for (record, state) in run[side].iter().zip(&self.states[side]) {
                if *state == State::Open {
                    left[side].push(record.1);
                }
            }
        }
    }

    /// Pairs within each stretch of records that follow each other within tolerance.
    fn pair(&mut self, run: [&[(i64, u32, Record)]; 2], keys: Keys, learned: &Learned) {
        let [ours, theirs] = run;
        let tolerance = learned.tolerance_ms;
        let (mut first, mut second) = (0, 0);
        while first < ours.len() && second < theirs.len() {
            let (mut last, mut last_other) = (first, second);
            let mut until = ours[first].0.min(theirs[second].0).saturating_add(tolerance);
            loop {
                if last < ours.len() && ours[last].0 <= until {
                    until = until.max(ours[last].0.saturating_add(tolerance));
                    last += 1;
                } else if last_other < theirs.len() && theirs[last_other].0 <= until {
                    until = until.max(theirs[last_other].0.saturating_add(tolerance));
                    last_other += 1;
                } else {
                    break;
                }
            }
            let (left, right) = (&ours[first..last], &theirs[second..last_other]);
            let alone = left.len() == 1 && right.len() == 1;
            let pairs = assign(left.len(), right.len(), |row, column| {
                let cost = cost(&left[row], &right[column], keys, alone, learned)?;
                let ties = i64::try_from((row + column).min(1 << 14)).unwrap_or(0) << 8;
                Some((cost << SCALE) + ties + tie(&left[row].2, &right[column].2))
            });
            for (row, column) in pairs.into_iter().enumerate() {
                if let Some(column) = column {
                    self.states[0][first + row] = State::Paired(second + column);
                    self.states[1][second + column] = State::Paired(first + row);
                }
            }
            (first, second) = (last, last_other);
        }
    }

    /// Open records that lie within a paired record of the same side, from its beginning or one after
    /// the other: interim records beside the final one.
    fn interims(
        &mut self,
        side: Side,
        records: &[(i64, u32, Record)],
        learned: &Learned,
        sink: &mut impl Sink,
    ) {
        let states = &mut self.states[side.index()];
        if !states.contains(&State::Open) {
            return;
        }
        let slack = learned.tolerance_ms.clamp(2 * SECOND, 10 * SECOND);
        // The longest is the final one.
        let mut wholes: Vec<usize> = (0..records.len()).collect();
        wholes.sort_by_key(|place| {
            (states[*place] == State::Open, std::cmp::Reverse(records[*place].2.talk_ms))
        });
        for whole in wholes {
            let final_one = &records[whole].2;
            if states[whole] == State::Settled || final_one.is(flag::ATTEMPT) || final_one.is(flag::INTERIM) {
                continue;
            }
            let mut edges = vec![final_one.start_ms, answer(final_one)];
            for place in 0..records.len() {
                let record = &records[place].2;
                let inside = record.start_ms >= final_one.start_ms - slack
                    && end(record) <= end(final_one) + slack
                    && record.talk_ms < final_one.talk_ms;
                let apart = record.is(flag::ATTEMPT) || record.caller != final_one.caller;
                if states[place] != State::Open || apart || !inside {
                    continue;
                }
                let joins = edges.iter().any(|edge| {
                    (record.start_ms - edge).abs() <= slack || (answer(record) - edge).abs() <= slack
                });
                let same = record.call_id != 0 && record.call_id == final_one.call_id;
                if joins || same || record.is(flag::INTERIM) {
                    states[place] = State::Settled;
                    edges.push(end(record));
                    sink.interim(side, record, final_one);
                }
            }
        }
    }

    /// Open records that say the same as another record of their side.
    fn duplicates(
        &mut self,
        side: Side,
        records: &[(i64, u32, Record)],
        keys: Keys,
        learned: &Learned,
        sink: &mut impl Sink,
    ) {
        let states = &mut self.states[side.index()];
        // Whoever calls is not known: who is on the other side comes first.
        let unknown = keys == Keys::Both && records.first().is_some_and(|record| record.2.caller.is_none());
        if records.len() < 2 || unknown {
            return;
        }
        let mut doubled = vec![false; records.len()];
        for place in 0..records.len() {
            if states[place] != State::Open {
                continue;
            }
            let same = (0..records.len()).find(|other| {
                // What stays open is kept once: the first of its kind.
                let kept = states[*other] != State::Open || *other < place;
                *other != place
                    && kept
                    && !doubled[*other]
                    && is_duplicate(&records[place], &records[*other], learned)
            });
            if let Some(of) = same {
                doubled[place] = true;
                sink.duplicate(side, &records[place].2, &records[of].2);
            }
        }
        for (state, doubled) in states.iter_mut().zip(doubled) {
            if doubled {
                *state = State::Settled;
            }
        }
    }
}

fn key(record: &Record, keys: Keys) -> (u64, u64) {
    match keys {
        Keys::Both => (record.callee.code(), record.caller.code()),
        Keys::Callee => (record.callee.code(), 0),
    }
}

/// By what the records say; where they stand comes last.
pub(super) fn by_content(a: &(i64, u32, Record), b: &(i64, u32, Record)) -> Ordering {
    let content = |(time, _, record): &(i64, u32, Record)| {
        (
            (*time, record.talk_ms, record.start_ms, record.amount, record.rate, record.billed_s),
            (record.ring_ms, record.call_id, record.flags, record.gateway, record.account, record.caller),
            record.place,
        )
    };
    content(a).cmp(&content(b))
}

fn answer(record: &Record) -> i64 {
    end(record) - i64::from(record.talk_ms)
}

/// What pairing two records costs, in thousandths.
fn cost(
    ours: &(i64, u32, Record),
    theirs: &(i64, u32, Record),
    keys: Keys,
    alone: bool,
    learned: &Learned,
) -> Cost {
    let tolerance = learned.tolerance_ms.max(1);
    let apart = (ours.0 - theirs.0).abs();
    if apart > tolerance {
        return None;
    }
    let (ours, theirs) = (&ours.2, &theirs.2);
    let longer = (i64::from(ours.talk_ms) - i64::from(theirs.talk_ms)).abs();
    let attempts = (ours.is(flag::ATTEMPT), theirs.is(flag::ATTEMPT));
    if keys == Keys::Callee {
        let known = !ours.caller.is_none() && !theirs.caller.is_none();
        if known && ours.caller != theirs.caller && !learned.callers_unreliable {
            return None;
        }
        // Without the caller, only the conversation tells calls apart.
        let vague = attempts.0 != attempts.1 || longer > 2 * SECOND || attempts.0 && known;
        if !alone && vague {
            return None;
        }
    }
    // Convex, so that records in turn cost less than records crosswise.
    let mut cost = 800 * apart / tolerance + 200 * apart / tolerance * apart / tolerance;
    cost += match attempts {
        (true, true) => 0,
        (false, false) if longer <= 3 * SECOND / 2 => longer / 15,
        (false, false) => 300 + 600 * longer / (longer + 30 * SECOND),
        _ => 990,
    };
    if learned.call_ids_shared && ours.call_id != 0 && theirs.call_id != 0 {
        cost += if ours.call_id == theirs.call_id { -500 } else { 300 };
    }
    if ours.is(flag::INTERIM) != theirs.is(flag::INTERIM) {
        cost += 150;
    }
    let mapped = learned.gateways.iter().find(|gateway| gateway.0 == theirs.gateway);
    if mapped.is_some_and(|gateway| gateway.1 != ours.gateway) {
        cost += 50;
    }
    // Below the dearest, so that ties still count.
    Some(cost.min((DEAREST >> SCALE) - 10))
}

/// Between pairs of the same cost the contents decide, alike whichever side is first.
fn tie(ours: &Record, theirs: &Record) -> i64 {
    let mixed = |record: &Record| {
        (record.amount.cast_unsigned() ^ u64::from(record.talk_ms) << 32 ^ u64::from(record.billed_s))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let sum = mixed(ours).wrapping_add(mixed(theirs)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    i64::try_from(sum >> 56).unwrap_or(0)
}

/// Whether a record says again what another one of its side says, and is no call of its own: a second
/// call cannot begin while the first lasts.
fn is_duplicate(record: &(i64, u32, Record), other: &(i64, u32, Record), learned: &Learned) -> bool {
    let apart = (record.2.start_ms - other.2.start_ms).abs();
    let (record, other) = (&record.2, &other.2);
    if record.talk_ms != other.talk_ms || record.caller != other.caller {
        return false;
    }
    let kind = flag::ATTEMPT | flag::INTERIM;
    if record.flags & kind != other.flags & kind {
        return false;
    }
    let named_alike = record.call_id != 0 && record.call_id == other.call_id;
    let way_alike = (record.gateway, record.account) == (other.gateway, other.account);
    let alike = apart == 0 && record.ring_ms == other.ring_ms && way_alike;
    if record.is(flag::ATTEMPT) {
        // Forks of one call begin together too; only the same record again is a duplicate.
        return alike || named_alike && way_alike && apart <= learned.tolerance_ms;
    }
    if named_alike && apart <= 300 * SECOND {
        return true;
    }
    if record.caller.is_none() {
        return alike;
    }
    apart <= learned.tolerance_ms && apart <= (end(record) - record.start_ms).max(0)
}
