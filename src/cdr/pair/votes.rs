//! Records that are the same call beyond reasonable doubt: before anything is known of numbers and
//! clocks, by what both sides have once only.

use crate::record::{Record, flag};

use super::number::KEPT_DIGITS;

/// Places of a record of ours and one of theirs.
pub(super) type Vote = (u32, u32);

fn mix(parts: [u64; 3]) -> u64 {
    parts.iter().fold(0x51_7c_c1_b7_27_22_0a_95, |hash, part| {
        (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

/// Both numbers by their ends.
fn by_numbers(record: &Record) -> Option<u64> {
    if record.caller.is_none() || record.callee.is_none() {
        return None;
    }
    Some(mix([record.caller.tail(KEPT_DIGITS), record.callee.tail(KEPT_DIGITS), u64::MAX]))
}

/// Both numbers and the conversation.
fn by_numbers_and_talk(record: &Record) -> Option<u64> {
    if record.caller.is_none() || record.is(flag::ATTEMPT) || record.talk_ms < 3_000 {
        return None;
    }
    let talk = u64::from(record.talk_ms / 1_000);
    Some(mix([record.caller.tail(KEPT_DIGITS), record.callee.tail(KEPT_DIGITS), talk]))
}

/// The called number and the conversation.
fn by_callee_and_talk(record: &Record) -> Option<u64> {
    if record.callee.is_none() || record.is(flag::ATTEMPT) || record.talk_ms < 5_000 {
        return None;
    }
    Some(mix([record.callee.tail(KEPT_DIGITS), u64::from(record.talk_ms / 1_000), 1]))
}

fn sorted(records: &[Record], key: impl Fn(&Record) -> Option<u64>) -> Vec<(u64, u32)> {
    let mut keys: Vec<(u64, u32)> =
        (0u32..).zip(records).filter_map(|(index, record)| Some((key(record)?, index))).collect();
    keys.sort_unstable();
    keys
}

/// No record.
const NONE: u32 = u32::MAX;
/// More than one record.
const MANY: u32 = u32::MAX - 1;

/// A key, and where the one record of each side stands that has it.
#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    places: [u32; 2],
}

/// Pairs of records whose key each side has once, in the order of ours.
fn once(ours: &[Record], theirs: &[Record], key: impl Fn(&Record) -> Option<u64>) -> Vec<Vote> {
    let bits = (ours.len().max(8) * 2).next_power_of_two().trailing_zeros();
    let mut slots = vec![Slot { key: 0, places: [NONE; 2] }; 1 << bits];
    let last = slots.len() - 1;
    // Where the key stands, or the free slot where it would.
    let find = |slots: &[Slot], key: u64| {
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize;
        while slots[at].places[0] != NONE && slots[at].key != key {
            at = (at + 1) & last;
        }
        at
    };
    let another = |place: u32, index: u32| if place == NONE { index } else { MANY };
    for (index, record) in (0..MANY).zip(ours) {
        let Some(key) = key(record) else { continue };
        let slot = find(&slots, key);
        let slot = &mut slots[slot];
        (slot.key, slot.places[0]) = (key, another(slot.places[0], index));
    }
    for (index, record) in (0..MANY).zip(theirs) {
        let Some(key) = key(record) else { continue };
        let slot = find(&slots, key);
        let slot = &mut slots[slot];
        if slot.places[0] != NONE {
            slot.places[1] = another(slot.places[1], index);
        }
    }
    let mut partners = vec![NONE; ours.len()];
    for Slot { places: [ours, theirs], .. } in slots {
        if ours < MANY && theirs < MANY {
            partners[ours as usize] = theirs;
        }
    }
    (0..MANY).zip(partners).filter(|(_, theirs)| *theirs != NONE).collect()
}

/// Votes of several lists, each in order, in order and each once.
pub(super) fn together(mut votes: Vec<Vote>, more: &[Vote]) -> Vec<Vote> {
    votes.extend(more);
    // Made for lists that are sorted in parts.
    votes.sort();
    votes.dedup();
    votes
}

/// Pairs of records whose key each side has at most `most` times.
fn few(ours: &[Record], theirs: &[Record], most: usize, key: impl Fn(&Record) -> Option<u64>) -> Vec<Vote> {
    let (left, right) = (sorted(ours, &key), sorted(theirs, &key));
    let mut votes = Vec::new();
    let mut from = 0;
    for run in left.chunk_by(|a, b| a.0 == b.0) {
        while right.get(from).is_some_and(|entry| entry.0 < run[0].0) {
            from += 1;
        }
        let count = right[from..].iter().take_while(|entry| entry.0 == run[0].0).count();
        if run.len() <= most && count <= most {
            for one in run {
                votes.extend(right[from..from + count].iter().map(|other| (one.1, other.1)));
            }
        }
        from += count;
    }
    votes
}

/// Votes by both numbers' ends.
pub(super) fn by_both(ours: &[Record], theirs: &[Record]) -> Vec<Vote> {
    together(once(ours, theirs, by_numbers), &once(ours, theirs, by_numbers_and_talk))
}

/// Votes by the called number's end and the conversation, for callers that one side does not know.
pub(super) fn by_called(ours: &[Record], theirs: &[Record]) -> Vec<Vote> {
    once(ours, theirs, by_callee_and_talk)
}

/// Votes of numbers that call each other again and again, each call with each.
pub(super) fn by_repeated(ours: &[Record], theirs: &[Record]) -> Vec<Vote> {
    few(ours, theirs, 24, by_numbers)
}
