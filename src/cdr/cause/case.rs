//! [`Case`]: what came of pairing, kept for the analysis; [`Kept`] holds as many as fit.

use crate::record::{ABSENT, ABSENT_32, Record, Side};

/// What a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    Pair,
    Only,
    /// Of one side alone, because the other's line could not be read.
    Unread,
    Duplicate,
    Split,
    Interim,
    CutOff,
}

/// One call with its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub class: Class,
    /// Whose record it is; ours for what both sides have.
    pub side: Side,
    /// How many of the parts are ours.
    ours: u32,
    /// Ours and theirs, parts added up to the call. Of a case of one side the other place holds what it refers
    /// to (the first record of a duplicate, the whole of an interim record), else the same record again.
    pub records: [Record; 2],
    /// The parts of a split call, ours before theirs.
    parts: Box<[Record]>,
    /// Of its content, the same when the sides are swapped.
    pub hash: u64,
}

impl Case {
    pub fn pair(ours: &Record, theirs: &Record) -> Self {
        Self::of(Class::Pair, Side::Ours, [*ours, *theirs])
    }

    pub fn single(class: Class, side: Side, record: &Record, other: &Record) -> Self {
        let records = if side == Side::Ours { [*record, *other] } else { [*other, *record] };
        Self::of(class, side, records)
    }

    /// `None` without a record of both.
    pub fn split(records: [&[Record]; 2]) -> Option<Self> {
        let [ours, theirs] = records.map(|parts| if parts.len() > 1 { parts } else { &[] });
        let whole = Self::of(Class::Split, Side::Ours, [together(records[0])?, together(records[1])?]);
        let own = u32::try_from(ours.len()).unwrap_or(u32::MAX);
        Some(Self { ours: own, parts: [ours, theirs].concat().into(), ..whole })
    }

    fn of(class: Class, side: Side, records: [Record; 2]) -> Self {
        let hash = hash_of([&records[0], &records[1]]);
        Self { class, side, ours: 0, records, parts: Box::default(), hash }
    }

    /// The parts that a side has of a split call; none where it has the whole.
    pub fn parts(&self, side: Side) -> &[Record] {
        let (ours, theirs) = self.parts.split_at((self.ours as usize).min(self.parts.len()));
        if side == Side::Ours { ours } else { theirs }
    }

    /// Whether both sides have the call.
    pub fn two_sided(&self) -> bool {
        matches!(self.class, Class::Pair | Class::Split)
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.parts)
    }
}

/// One record of a call in parts: it begins as the first and is as long and as dear as all of them.
fn together(parts: &[Record]) -> Option<Record> {
    let (first, more) = parts.split_first()?;
    let mut whole = *first;
    for part in more {
        whole.talk_ms = whole.talk_ms.saturating_add(part.talk_ms);
        whole.amount = match (whole.amount, part.amount) {
            (sum, ABSENT) | (ABSENT, sum) => sum,
            (sum, more) => sum.saturating_add(more),
        };
        whole.billed_s = match (whole.billed_s, part.billed_s) {
            (sum, ABSENT_32) | (ABSENT_32, sum) => sum,
            (sum, more) => sum.saturating_add(more),
        };
        if whole.rate == ABSENT {
            whole.rate = part.rate;
        }
    }
    Some(whole)
}

/// Of the content of two records, the same when the sides are swapped.
#[inline]
pub(super) fn hash_of(records: [&Record; 2]) -> u64 {
    let state = hash(records[0]).wrapping_add(hash(records[1]));
    let state = (state ^ state >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^ state >> 32
}

/// Of what a record says, not of where it stands.
#[inline]
fn hash(record: &Record) -> u64 {
    // Every call is hashed: multiplications that do not wait for one another.
    let talk = u64::from(record.talk_ms) << 32 | u64::from(record.call_id);
    let state = record.caller.code().wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ record.callee.code().wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(13)
        ^ record.start_ms.cast_unsigned().wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(26)
        ^ talk.wrapping_mul(0xc4ce_b9fe_1a85_ec53).rotate_left(39)
        ^ record.amount.cast_unsigned().wrapping_mul(0x1656_67b1_9e37_79f9).rotate_left(52);
    (state ^ state >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// Cases up to a number of bytes. When they do not fit, half of them by their hash are left out, and again:
/// which ones stay depends on the cases alone, not on their order.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub cases: Vec<Case>,
    /// One of `2^level` is kept.
    pub level: u32,
    bytes: usize,
    capacity: usize,
}

impl Kept {
    pub fn new(capacity: usize) -> Self {
        Self { cases: Vec::new(), level: 0, bytes: 0, capacity }
    }

    /// Another one without cases that keeps what this one would.
    pub fn emptied(&self) -> Self {
        Self { level: self.level, ..Self::new(self.capacity) }
    }

    /// Bytes of the cases.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many cases each kept one stands for.
    pub fn weight(&self) -> u64 {
        1 << self.level.min(63)
    }

    /// Whether a case with this hash would be kept for now.
    #[inline]
    pub fn admits(&self, hash: u64) -> bool {
        self.level == 0 || hash.trailing_zeros() >= self.level
    }

    /// Keeps a case, if its hash says so.
    pub fn push(&mut self, case: Case) {
        if !self.admits(case.hash) {
            return;
        }
        self.bytes += case.bytes();
        self.cases.push(case);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.bytes > self.capacity && self.level < 63 {
            self.level += 1;
            let level = self.level;
            self.cases.retain(|case| case.hash.trailing_zeros() >= level);
            self.bytes = self.cases.iter().map(Case::bytes).sum();
        }
    }

    /// Takes over another's; the result is the same whoever takes whose.
    pub fn merge(&mut self, mut other: Self) {
        let level = self.level.max(other.level);
        for kept in [&mut *self, &mut other] {
            if kept.level < level {
                kept.level = level;
                kept.cases.retain(|case| case.hash.trailing_zeros() >= level);
                kept.bytes = kept.cases.iter().map(Case::bytes).sum();
            }
        }
        self.bytes += other.bytes;
        self.cases.append(&mut other.cases);
        self.shrink();
    }

    /// The cases that would be kept in so many bytes, in an order that depends on them alone, and how many each
    /// stands for.
    pub fn sample(&self, bytes: usize) -> (Vec<&Case>, u64) {
        let mut level = self.level;
        let mut cases: Vec<&Case> = self.cases.iter().collect();
        let mut taken = self.bytes;
        while taken > bytes && level < 63 {
            level += 1;
            cases.retain(|case| case.hash.trailing_zeros() >= level);
            taken = cases.iter().map(|case| case.bytes()).sum();
        }
        cases.sort_by_cached_key(|case| {
            let start = case.records[0].start_ms.min(case.records[1].start_ms);
            (start, case.hash, case.class, case.side, case.records[0].place, case.records[1].place)
        });
        (cases, 1 << level.min(40))
    }

    /// All of them, in an order that depends on them alone.
    pub fn sorted(&self) -> Vec<&Case> {
        self.sample(usize::MAX).0
    }
}
