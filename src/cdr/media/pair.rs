//! Which record is which call: one to one, or said to be ambiguous.

use std::collections::{BTreeMap, BTreeSet};

use super::book::{Book, Limits};
use super::call::Heard;
use super::difference::MatchedBy;
use super::offset::{Offset, Pairs, apart};
use crate::record::flag;

/// A call is paired with the nearest of several records only if the next one is further off by this.
const CLEARLY_NEARER_MS: i64 = 2_000;
/// A Call-ID may be used again, but hardly within this.
const SAME_CALL_MS: i64 = 60_000;
/// Calls and records of equal numbers this near each other may be one, whatever their clocks say.
const NEAR_MS: i64 = 120_000;
/// Chains of redials that each round decides a link of; what is left is ambiguous.
const MOST_ROUNDS: usize = 32;

/// What came of pairing.
#[derive(Debug, Default)]
pub(super) struct Paired {
    /// Heard, record, and how.
    pub(super) pairs: Vec<(usize, usize, MatchedBy)>,
    /// Calls of which several records may be.
    pub(super) unclear_calls: BTreeSet<usize>,
    /// Records that several calls may be, or that share a call with another.
    pub(super) unclear_records: BTreeSet<usize>,
}

/// The smallest two of what touches a call or a record.
#[derive(Debug, Clone, Copy)]
struct Nearest {
    best: i64,
    next: i64,
    count: usize,
}

impl Nearest {
    const NOTHING: Self = Self { best: i64::MAX, next: i64::MAX, count: 0 };

    fn add(&mut self, off: i64) {
        if off < self.best {
            (self.best, self.next) = (off, self.best);
        } else {
            self.next = self.next.min(off);
        }
        self.count += 1;
    }

    /// Whether this is the nearest, and clearly.
    fn is_clearly(&self, off: i64) -> bool {
        off == self.best && (self.count == 1 || self.next >= off.saturating_add(CLEARLY_NEARER_MS))
    }
}

/// Pairs by Call-ID first and by numbers and time then.
pub(super) fn pair(
    book: &Book<'_>,
    heard: &[Heard],
    (same_id, same_numbers): (&Pairs, &Pairs),
    offset: &Offset,
    limits: &Limits,
) -> Paired {
    let mut paired = Paired::default();
    let is_interim = |place: usize| book.records[place].record.is(flag::INTERIM);
    let off = |call: usize, place: usize| {
        apart(&book.records[place], &heard[call], offset.time_is_answer).map(|ms| (ms - offset.ms).abs())
    };

    // Times that cannot be compared do not speak against a Call-ID.
    let of_id: Vec<(usize, usize)> = same_id
        .iter()
        .copied()
        .filter(|(call, place)| {
            !is_interim(*place) && off(*call, *place).is_none_or(|off| off <= SAME_CALL_MS)
        })
        .collect();
    let (mut calls, mut places) = (BTreeMap::<usize, usize>::new(), BTreeMap::<usize, usize>::new());
    for (call, place) in &of_id {
        *calls.entry(*call).or_default() += 1;
        *places.entry(*place).or_default() += 1;
    }
    let (mut used_calls, mut used_places) = (BTreeSet::new(), BTreeSet::new());
    for (call, place) in of_id {
        used_calls.insert(call);
        used_places.insert(place);
        if calls.get(&call) == Some(&1) && places.get(&place) == Some(&1) {
            paired.pairs.push((call, place, MatchedBy::CallId));
        } else {
            paired.unclear_calls.insert(call);
            paired.unclear_records.insert(place);
        }
    }

    let mut left: Vec<(usize, usize, i64)> = same_numbers
        .iter()
        .copied()
        .filter(|(call, place)| {
            !is_interim(*place) && !used_calls.contains(call) && !used_places.contains(place)
        })
        .filter_map(|(call, place)| Some((call, place, off(call, place)?)))
        .filter(|(.., off)| *off <= limits.tolerance_ms)
        .collect();
    // Each round pairs what is nearest on both sides and clearly so; that may decide others.
    for _ in 0..MOST_ROUNDS {
        let (mut calls, mut places) = (BTreeMap::new(), BTreeMap::new());
        for (call, place, off) in &left {
            calls.entry(*call).or_insert(Nearest::NOTHING).add(*off);
            places.entry(*place).or_insert(Nearest::NOTHING).add(*off);
        }
        let is_clear = |(call, place, off): &(usize, usize, i64)| {
            calls.get(call).is_some_and(|near| near.is_clearly(*off))
                && places.get(place).is_some_and(|near| near.is_clearly(*off))
        };
        let before = paired.pairs.len();
        for one in left.iter().filter(|one| is_clear(one)) {
            used_calls.insert(one.0);
            used_places.insert(one.1);
            paired.pairs.push((one.0, one.1, MatchedBy::Numbers));
        }
        if paired.pairs.len() == before {
            break;
        }
        left.retain(|(call, place, _)| !used_calls.contains(call) && !used_places.contains(place));
    }
    for (call, place, _) in left {
        paired.unclear_calls.insert(call);
        paired.unclear_records.insert(place);
    }
    near(book, heard, same_numbers, offset, (&used_calls, &used_places), &mut paired);
    paired.pairs.sort_unstable();
    paired
}

/// Unmatched calls and records with one of equal numbers near them: another leg of a call that was heard on both sides
/// of a server, a redial, a record of a part. Nobody can say that they are missing.
fn near(
    book: &Book<'_>,
    heard: &[Heard],
    same_numbers: &Pairs,
    offset: &Offset,
    (used_calls, used_places): (&BTreeSet<usize>, &BTreeSet<usize>),
    paired: &mut Paired,
) {
    for (call, place) in same_numbers {
        let (Some(first), record) = (heard[*call].first_ms(), &book.records[*place].record) else { continue };
        let begins = record.start_ms.saturating_sub(offset.ms);
        if record.is(flag::INTERIM) || (begins - first).abs() > NEAR_MS {
            continue;
        }
        if !used_calls.contains(call) {
            paired.unclear_calls.insert(*call);
        }
        if !used_places.contains(place) {
            paired.unclear_records.insert(*place);
        }
    }
}
