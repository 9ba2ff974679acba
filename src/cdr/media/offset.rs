//! How far the clock of the records lies from that of the listener, and which moment their time is.

use std::collections::BTreeMap;

use super::book::{BilledCall, Book, Limits};
use super::call::Heard;
use super::party::{Likeness, likeness};

/// Clocks of one zone are not further apart.
const CLOCKS_APART_MS: i64 = 10 * 60 * 1_000;
/// Nor are two zones.
const ZONES_APART_MS: i64 = 15 * 3_600 * 1_000;
/// Fewer calls prove no offset.
const FEWEST: usize = 3;
/// Pairs of equal numbers that are looked at.
pub(super) const MOST_PAIRS: usize = 2_000_000;

/// What proves an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing: the clocks are taken to agree.
    None,
    /// Calls with equal numbers that lie equally far apart.
    Numbers,
    /// Calls with the same Call-ID.
    CallId,
}

/// Records minus listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// By so much the records' clock is ahead, zone included.
    pub ms: i64,
    /// What proves it.
    pub proof: Proof,
    /// Calls that agree with it.
    pub calls: usize,
    /// Whether the only time of a record is that of the answer, although the file does not say so.
    pub time_is_answer: bool,
}

/// Record minus listener for one pair; with `is_answer` a record's only time is taken for its answer.
pub(super) fn apart(billed: &BilledCall, heard: &Heard, is_answer: bool) -> Option<i64> {
    if let (Some(billed), Some(heard)) = (billed.answer_ms(), heard.answer_ms) {
        return Some(billed - heard);
    }
    let start = billed.record.start_ms;
    if is_answer && billed.is_answered() && billed.answer_ms().is_none() {
        return Some(start - heard.answer_ms?);
    }
    let is_late = billed.record.is(crate::record::flag::FROM_ANSWER);
    if is_late { None } else { Some(start - heard.start_ms?) }
}

/// Pairs that may be one call by their numbers: heard, record.
pub(super) type Pairs = Vec<(usize, usize)>;

/// All pairs with the same Call-ID, and all others with the same numbers.
pub(super) fn pairs(book: &Book<'_>, heard: &[Heard]) -> (Pairs, Pairs) {
    let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_callee: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (place, billed) in book.records.iter().enumerate() {
        if let Some(id) = &billed.call_id {
            by_id.entry(id).or_default().push(place);
        }
        by_callee.entry(super::party::key(billed.record.callee)).or_default().push(place);
    }
    let (mut same_id, mut same_numbers) = (Vec::new(), Vec::new());
    for (call, one) in heard.iter().enumerate() {
        let of_id = one.call_ids.iter().filter_map(|id| by_id.get(id.as_str())).flatten();
        same_id.extend(of_id.map(|place| (call, *place)));
        if same_numbers.len() >= MOST_PAIRS || one.callee.is_none() {
            continue;
        }
        for place in by_callee.get(&super::party::key(one.callee)).into_iter().flatten() {
            let record = &book.records[*place].record;
            let fits = likeness(record.callee, one.callee) == Likeness::Same
                && likeness(record.caller, one.caller) != Likeness::Different;
            if fits {
                same_numbers.push((call, *place));
            }
        }
    }
    same_id.sort_unstable();
    same_id.dedup();
    (same_id, same_numbers)
}

/// Learns it.
pub(super) fn learn(
    book: &Book<'_>,
    heard: &[Heard],
    same_id: &[(usize, usize)],
    same_numbers: &[(usize, usize)],
    limits: &Limits,
) -> Offset {
    let none = Offset { ms: 0, proof: Proof::None, calls: 0, time_is_answer: false };
    let by_id = best(book, heard, same_id, limits, i64::MAX);
    if let Some(found) = by_id {
        return Offset { proof: Proof::CallId, ..found.0 };
    }
    let reach = if book.zone_known { CLOCKS_APART_MS } else { ZONES_APART_MS };
    let Some((found, second)) = best(book, heard, same_numbers, limits, reach) else { return none };
    let is_small = book.zone_known && found.ms.abs() <= limits.tolerance_ms;
    let is_proven = found.calls >= FEWEST && found.calls >= second * 2;
    if is_small || is_proven { Offset { proof: Proof::Numbers, ..found } } else { none }
}

/// The offset on which most calls agree, under the better reading of the records' time; and how many agree on the next
/// one that is another.
fn best(
    book: &Book<'_>,
    heard: &[Heard],
    pairs: &[(usize, usize)],
    limits: &Limits,
    reach: i64,
) -> Option<(Offset, usize)> {
    let reading = |time_is_answer: bool| {
        let mut apart: Vec<(i64, usize)> = pairs
            .iter()
            .filter_map(|(call, place)| {
                let ms = apart(&book.records[*place], &heard[*call], time_is_answer)?;
                (ms.abs() <= reach).then_some((ms, *call))
            })
            .collect();
        apart.sort_unstable();
        let first = densest(&apart, limits.tolerance_ms, None)?;
        let second = densest(&apart, limits.tolerance_ms, Some(first.ms)).map_or(0, |second| second.calls);
        let offset = Offset { ms: first.ms, proof: Proof::None, calls: first.calls, time_is_answer };
        Some((offset, second, first.spread))
    };
    // As the file says it, unless the other reading agrees with more calls, or with as many more closely.
    let all = [reading(false), reading(true)].into_iter().flatten();
    all.min_by_key(|(offset, _, spread)| (std::cmp::Reverse(offset.calls), *spread, offset.time_is_answer))
        .map(|(offset, second, _)| (offset, second))
}

/// Calls that lie equally far apart.
struct Cluster {
    ms: i64,
    calls: usize,
    spread: i64,
}

/// The window of the tolerance's width with most different calls in it, away from another.
fn densest(apart: &[(i64, usize)], tolerance_ms: i64, away_from: Option<i64>) -> Option<Cluster> {
    let is_other = |ms: i64| away_from.is_none_or(|other| (ms - other).abs() > 2 * tolerance_ms);
    let mut inside: BTreeMap<usize, usize> = BTreeMap::new();
    let mut from = 0;
    let mut best: Option<(usize, i64, usize, usize)> = None;
    for to in 0..apart.len() {
        *inside.entry(apart[to].1).or_default() += 1;
        while apart[to].0 - apart[from].0 > tolerance_ms {
            if let Some(count) = inside.get_mut(&apart[from].1) {
                *count -= 1;
                if *count == 0 {
                    inside.remove(&apart[from].1);
                }
            }
            from += 1;
        }
        let middle = apart[from + (to - from) / 2].0;
        let (calls, width) = (inside.len(), apart[to].0 - apart[from].0);
        let is_better = best.is_none_or(|(most, narrow, ..)| calls > most || calls == most && width < narrow);
        if is_better && is_other(middle) {
            best = Some((calls, width, from, to));
        }
    }
    let (calls, spread, from, to) = best?;
    Some(Cluster { ms: apart[from + (to - from) / 2].0, calls, spread })
}
