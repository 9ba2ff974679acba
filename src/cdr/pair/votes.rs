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

/// Pairs of records whose key each side has at most `most` times.
fn once(ours: &[Record], theirs: &[Record], most: usize, key: impl Fn(&Record) -> Option<u64>) -> Vec<Vote> {
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
    let mut votes = once(ours, theirs, 1, by_numbers);
    votes.extend(once(ours, theirs, 1, by_numbers_and_talk));
    votes.sort_unstable();
    votes.dedup();
    votes
}

/// Votes by the called number's end and the conversation, for callers that one side does not know.
pub(super) fn by_called(ours: &[Record], theirs: &[Record]) -> Vec<Vote> {
    once(ours, theirs, 1, by_callee_and_talk)
}

/// Votes of numbers that call each other again and again, each call with each.
pub(super) fn by_repeated(ours: &[Record], theirs: &[Record]) -> Vec<Vote> {
    once(ours, theirs, 24, by_numbers)
}
