//! One-to-one pairing inside a partition: records are brought together by caller and called number,
//! the plain cases are settled here, the others in [`super::run`], what is left in [`super::rest`].

use super::Sink;
use super::learned::{Learned, TimeBasis, moment};
use super::rest::settle_rest;
use super::run::{Keys, Run, goes_on};
use crate::number::Number;
use crate::record::{Record, Side};

/// Which of `partitions` parts a called number belongs to: by its last eight digits, which no rewrite
/// touches.
#[must_use]
#[inline]
pub fn partition_of(callee: Number, partitions: u32) -> u32 {
    let hash = callee.tail(super::number::KEPT_DIGITS).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (hash ^ hash >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32;
    u32::try_from((mixed * u64::from(partitions)) >> 32).unwrap_or(0)
}

/// What of a record decides where it is sorted.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    time: i64,
    hash: u32,
    index: u32,
}

impl Entry {
    /// What it is sorted by.
    const fn key(&self) -> (u32, i64) {
        (self.hash, self.time)
    }
}

/// Entries of a bucket, more of which are sorted for themselves.
const FEW: u32 = 16;

/// Pairs partition after partition, with memory that is used again.
#[derive(Debug, Default)]
pub struct Matcher {
    unsorted: Vec<Entry>,
    sorted: [Vec<Entry>; 2],
    bounds: [Vec<u32>; 2],
    left: [Vec<u32>; 2],
    run: Run,
}

impl Matcher {
    /// Pairs the records of one partition, as the files give them; everything goes to the sink once.
    pub fn run(
        &mut self,
        ours: &mut [Record],
        theirs: &mut [Record],
        learned: &Learned,
        sink: &mut impl Sink,
    ) {
        let buckets = ((ours.len() + theirs.len()) / 2).next_power_of_two().clamp(2, 1 << 20);
        let bits = buckets.trailing_zeros();
        // Each side in one go, while it is in the processor's cache.
        learned.prepare(Side::Ours, ours);
        self.sort(0, ours, learned.basis[0], bits);
        learned.prepare(Side::Theirs, theirs);
        self.sort(1, theirs, learned.basis[1], bits);
        self.left.iter_mut().for_each(Vec::clear);
        let (mut left, mut right) = (&self.sorted[0][..], &self.sorted[1][..]);
        loop {
            let hash = match (left.first(), right.first()) {
                (Some(one), Some(other)) => one.hash.min(other.hash),
                (Some(one), None) | (None, Some(one)) => one.hash,
                (None, None) => break,
            };
            let (one, others) = cut(left, hash);
            left = others;
            let (other, others) = cut(right, hash);
            right = others;
            if settled(one, other, ours, theirs, learned.tolerance_ms, sink) {
                continue;
            }
            // One record alone is left for later; all others are looked at together.
            match (one, other) {
                ([alone], []) => self.left[0].push(alone.index),
                ([], [alone]) => self.left[1].push(alone.index),
                _ => {
                    let indices = |entries: &[Entry]| entries.iter().map(|entry| entry.index).collect();
                    let lists = [indices(one), indices(other)];
                    let keys = Keys::Both;
                    self.run.settle([ours, theirs], lists, keys, learned, &mut self.left, sink);
                }
            }
        }
        settle_rest(&mut self.run, &mut self.left, ours, theirs, learned, sink);
    }

    /// Sorts a side by key hash and time: scattered into buckets of about one, so that little is left to
    /// move.
    fn sort(&mut self, side: usize, records: &[Record], basis: TimeBasis, bits: u32) {
        let shift = 32 - bits;
        let bounds = &mut self.bounds[side];
        bounds.clear();
        bounds.resize((1 << bits) + 2, 0);
        self.unsorted.clear();
        self.unsorted.reserve(records.len());
        for (index, record) in (0u32..).zip(records) {
            let hash = hash(record.caller, record.callee);
            let time = if basis == TimeBasis::Start { record.start_ms } else { moment(basis, record) };
            bounds[(hash >> shift) as usize + 2] += 1;
            self.unsorted.push(Entry { time, hash, index });
        }
        let mut sum = 0;
        for bound in &mut *bounds {
            sum += *bound;
            *bound = sum;
        }
        let sorted = &mut self.sorted[side];
        sorted.resize(records.len(), Entry::default());
        for entry in &self.unsorted {
            let next = &mut bounds[(entry.hash >> shift) as usize + 1];
            sorted[*next as usize] = *entry;
            *next += 1;
        }
        let buckets = &bounds[..=1 << bits];
        // Buckets stand in order: where none is crowded, one pass over all of them moves each entry a place or two.
        if buckets.array_windows().any(|[from, to]| to - from > FEW) {
            for [from, to] in buckets.array_windows() {
                sorted[*from as usize..*to as usize].sort_unstable_by_key(Entry::key);
            }
        } else {
            settle_in(sorted);
        }
    }
}

/// Sorts what is nearly in order.
fn settle_in(entries: &mut [Entry]) {
    for next in 1..entries.len() {
        let entry = entries[next];
        let mut place = next;
        while place > 0 && entries[place - 1].key() > entry.key() {
            entries[place] = entries[place - 1];
            place -= 1;
        }
        if place < next {
            entries[place] = entry;
        }
    }
}

/// Pairs the records of one partition, as the files give them; everything goes to the sink once.
pub fn match_partition(
    mut ours: Vec<Record>,
    mut theirs: Vec<Record>,
    learned: &Learned,
    sink: &mut impl Sink,
) {
    Matcher::default().run(&mut ours, &mut theirs, learned, sink);
}

#[expect(clippy::cast_possible_truncation, reason = "a hash folded to 32 bits")]
fn hash(caller: Number, callee: Number) -> u32 {
    let mixed = (caller.code().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) ^ callee.code())
        .wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 32) as u32 ^ (mixed as u32).rotate_left(7)
}

/// The entries of one hash at the beginning, and the rest.
fn cut(entries: &[Entry], hash: u32) -> (&[Entry], &[Entry]) {
    let mut count = 0;
    while entries.get(count).is_some_and(|entry| entry.hash == hash) {
        count += 1;
    }
    entries.split_at(count)
}

/// Pairs records that stand for each other beyond doubt: as many on one side as on the other, in turn
/// within tolerance, none within tolerance of another one's, and none the next part of the former.
fn settled(
    one: &[Entry],
    other: &[Entry],
    ours: &[Record],
    theirs: &[Record],
    tolerance: i64,
    sink: &mut impl Sink,
) -> bool {
    let within = |a: i64, b: i64| a.abs_diff(b) <= tolerance.unsigned_abs();
    if let ([a], [b]) = (one, other) {
        let (Some(left), Some(right)) = (ours.get(a.index as usize), theirs.get(b.index as usize)) else {
            return false;
        };
        let same = left.caller == right.caller && left.callee == right.callee && within(a.time, b.time);
        if same {
            sink.pair(left, right);
        }
        return same;
    }
    if one.len() != other.len() || one.is_empty() {
        return false;
    }
    let Some(key) = ours.get(one[0].index as usize).map(|record| (record.caller, record.callee)) else {
        return false;
    };
    for (place, (a, b)) in one.iter().zip(other).enumerate() {
        let (Some(left), Some(right)) = (ours.get(a.index as usize), theirs.get(b.index as usize)) else {
            return false;
        };
        // Numbers with the same hash, or a caller that nobody knows.
        if (left.caller, left.callee) != key || (right.caller, right.callee) != key {
            return false;
        }
        if !within(a.time, b.time) {
            return false;
        }
        if place > 0 {
            let (former_a, former_b) = (one[place - 1].time, other[place - 1].time);
            let first = a.time.min(b.time);
            if within(first, former_a.max(former_b)) {
                return false;
            }
            let former = [(ours, one), (theirs, other)]
                .map(|(records, entries)| records.get(entries[place - 1].index as usize));
            // A call that both sides have in parts.
            if former[0].is_some_and(|former| goes_on(former, left))
                && former[1].is_some_and(|former| goes_on(former, right))
            {
                return false;
            }
        }
    }
    for (a, b) in one.iter().zip(other) {
        if let (Some(left), Some(right)) = (ours.get(a.index as usize), theirs.get(b.index as usize)) {
            sink.pair(left, right);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable as _;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_stand_by_key_and_time_whether_few_or_most_calls_are_of_one_key(
            calls in prop::collection::vec((0u32..3000, 0i64..50), 0..400), crowd in 1u32..3000, bits in 1u32..12,
        ) {
            let records: Vec<Record> = calls
                .iter()
                .map(|(callee, start_ms)| Record {
                    callee: Number::of(&(callee % crowd).to_string()),
                    start_ms: *start_ms,
                    ..Record::zeroed()
                })
                .collect();
            let mut matcher = Matcher::default();
            matcher.sort(0, &records, TimeBasis::Start, bits);
            let sorted = &matcher.sorted[0];
            prop_assert!(sorted.is_sorted_by_key(Entry::key));
            let mut indices: Vec<u32> = sorted.iter().map(|entry| entry.index).collect();
            indices.sort_unstable();
            prop_assert!(indices.into_iter().eq(0..records.len() as u32));
        }
    }
}
