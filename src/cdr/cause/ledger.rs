//! [`Ledger`]: takes what pairing finds, counts and sums it, and keeps the calls that differ.

use super::case::{Case, Class, Kept, hash_of};
use super::unread::Unread;
use crate::money::Money;
use crate::pair::Sink;
use crate::rating::{Charge, Rater, Unrated};
use crate::record::{ABSENT, ABSENT_32, Names, Record, Side, flag};

/// What a ledger needs to judge calls.
#[derive(Debug, Clone, Copy)]
pub struct LedgerContext<'a> {
    /// Deck and contract.
    pub rater: &'a Rater,
    /// Names of ours' and theirs'.
    pub names: [&'a Names; 2],
    /// Whether the file of each side has amounts at all; one that has none is priced by the contract.
    pub has_amounts: [bool; 2],
    /// Technical prefixes of digits alone that pairing took off each side's called numbers.
    pub techs: [&'a [String]; 2],
    /// Each side's lines that could not be read.
    pub unread: [&'a Unread; 2],
    /// Bytes that kept calls may take; some sixteen million are taken in any case.
    pub capacity: usize,
}

/// Counts and sums of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Records of each side.
    pub records: [u64; 2],
    /// Calls on both sides.
    pub paired: u64,
    /// Pairs of which neither was answered.
    pub paired_attempts: u64,
    /// Calls of one side only.
    pub only: [u64; 2],
    /// Attempts among them.
    pub only_attempts: [u64; 2],
    /// Second records.
    pub duplicates: [u64; 2],
    /// Records of a call beyond its first, interim ones included.
    pub parts: [u64; 2],
    /// Records at the edge of the period.
    pub cut_off: [u64; 2],
    /// Pairs whose amounts differ.
    pub amount_differs: u64,
    /// Calls on which both sides show what the contract gives.
    pub clean: u64,
    /// What each side charged on the clean calls.
    pub charged: [i128; 2],
    /// What the clean calls cost by deck and contract.
    pub correct: i128,
}

impl Tallied {
    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.paired += other.paired;
        self.paired_attempts += other.paired_attempts;
        self.amount_differs += other.amount_differs;
        self.clean += other.clean;
        self.correct += other.correct;
        for side in 0..2 {
            self.records[side] += other.records[side];
            self.only[side] += other.only[side];
            self.only_attempts[side] += other.only_attempts[side];
            self.duplicates[side] += other.duplicates[side];
            self.parts[side] += other.parts[side];
            self.cut_off[side] += other.cut_off[side];
            self.charged[side] += other.charged[side];
        }
    }

    /// Counts a pair that is clean at so much. Its amounts do not differ then.
    #[inline]
    pub(super) fn count_clean(&mut self, ours: &Record, theirs: &Record, correct: i64) {
        self.records[0] += 1;
        self.records[1] += 1;
        self.paired += 1;
        self.paired_attempts += u64::from(ours.flags & theirs.flags & flag::ATTEMPT != 0);
        self.clean += 1;
        let correct = i128::from(correct);
        self.charged[0] += correct;
        self.charged[1] += correct;
        self.correct += correct;
    }

    /// Counts a case by its class, its money aside.
    pub(super) fn count(&mut self, case: &Case) {
        let records = &case.records;
        let own = case.side.index();
        match case.class {
            Class::Pair => {
                self.records[0] += 1;
                self.records[1] += 1;
                self.paired += 1;
                self.paired_attempts +=
                    u64::from(records[0].is(flag::ATTEMPT) && records[1].is(flag::ATTEMPT));
            }
            Class::Split => {
                self.paired += 1;
                for side in Side::BOTH {
                    let many = u64::try_from(case.parts(side).len()).unwrap_or(u64::MAX).max(1);
                    self.records[side.index()] += many;
                    self.parts[side.index()] += many - 1;
                }
            }
            Class::Only | Class::Unread => {
                self.records[own] += 1;
                self.only[own] += 1;
                self.only_attempts[own] += u64::from(records[own].is(flag::ATTEMPT));
            }
            Class::Duplicate => {
                self.records[own] += 1;
                self.duplicates[own] += 1;
            }
            Class::Interim => {
                self.records[own] += 1;
                self.parts[own] += 1;
            }
            Class::CutOff => {
                self.records[own] += 1;
                self.cut_off[own] += 1;
            }
        }
        let amounts = [records[0].amount, records[1].amount];
        if case.two_sided() && amounts[0] != amounts[1] {
            self.amount_differs += u64::from(!amounts.contains(&ABSENT));
        }
    }
}

/// Money, counts and the calls that the analysis looks at.
#[derive(Debug, Clone)]
pub struct Ledger<'a> {
    pub(super) context: LedgerContext<'a>,
    pub(super) tallied: Tallied,
    pub(super) clean: Kept,
    pub(super) residual: Kept,
    /// Attempts of one side alone, which are worth nothing.
    pub(super) attempts: Kept,
}

/// Clean calls that are kept as counter-evidence, whatever memory there is: the causes do not depend on it.
pub(super) const CLEAN_BYTES: usize = 32_768 * size_of::<Case>();
/// Attempts of one side alone, likewise.
pub(super) const ATTEMPT_BYTES: usize = 16_384 * size_of::<Case>();
/// Differing calls that the search looks at and that are kept at least, likewise.
pub(super) const SEARCHED_BYTES: usize = 40_000 * size_of::<Case>();

impl<'a> Ledger<'a> {
    /// Empty.
    #[must_use]
    pub fn new(context: LedgerContext<'a>) -> Self {
        let residual = context.capacity / 8 * 7;
        Self {
            clean: Kept::new(CLEAN_BYTES),
            residual: Kept::new(residual.saturating_sub(CLEAN_BYTES).max(SEARCHED_BYTES)),
            attempts: Kept::new((context.capacity / 8).max(ATTEMPT_BYTES)),
            tallied: Tallied::default(),
            context,
        }
    }

    /// Takes over another's calls; the order of merging does not matter.
    pub fn merge(&mut self, other: Self) {
        self.tallied.merge(&other.tallied);
        self.clean.merge(other.clean);
        self.residual.merge(other.residual);
        self.attempts.merge(other.attempts);
    }

    /// One without calls that keeps what this one would: filled and merged again and again, a ledger of
    /// each thread needs little memory, and what is kept in the end is the same.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            context: self.context,
            tallied: Tallied::default(),
            clean: self.clean.emptied(),
            residual: self.residual.emptied(),
            attempts: self.attempts.emptied(),
        }
    }

    /// Bytes of the kept calls.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.clean.bytes() + self.residual.bytes() + self.attempts.bytes()
    }

    /// What was counted.
    #[must_use]
    pub const fn tallied(&self) -> &Tallied {
        &self.tallied
    }

    /// Whether every call that differs was kept.
    #[must_use]
    pub const fn kept_all(&self) -> bool {
        self.residual.level == 0
    }

    #[cold]
    fn differing_pair(&mut self, ours: &Record, theirs: &Record) {
        self.residual(Case::pair(ours, theirs));
    }

    fn residual(&mut self, case: Case) {
        self.tallied.count(&case);
        self.residual.push(case);
    }
}

/// Whether a record is an attempt that nothing was charged for, as agreed.
pub(super) fn worth_nothing(context: &LedgerContext<'_>, record: &Record) -> bool {
    record.is(flag::ATTEMPT) && record.money() == Money::ZERO && context.rater.terms(0).unanswered == 0
}

/// What a record that stands alone is.
pub(super) fn class_of_single(context: &LedgerContext<'_>, side: Side, record: &Record) -> Class {
    if context.unread[side.other().index()].holds(record) { Class::Unread } else { Class::Only }
}

/// What a record shows of a call that was rated so, as far as it shows it.
#[inline]
pub(super) fn shows(record: &Record, rate: i64, charge: &Charge, has_amounts: bool) -> bool {
    if record.amount != charge.amount && (record.amount != ABSENT || has_amounts && charge.amount != 0) {
        return false;
    }
    if record.billed_s != charge.billed_s && record.billed_s != ABSENT_32 {
        return false;
    }
    // The price named on an attempt charges nothing, and says nothing.
    record.rate == rate
        || record.rate == ABSENT
        || record.is(flag::ATTEMPT)
        || record.rate == 0 && charge.billed_s == 0
}

/// Whether both sides show what the contract gives, and what that is. What each side charged is returned with
/// it, since a side without amounts counts as having charged that.
#[inline]
pub(super) fn clean_pair(context: &LedgerContext<'_>, ours: &Record, theirs: &Record) -> Option<i64> {
    let contract = context.rater.contract();
    let (at_ours, talk_ours, answered_ours) = contract.facts(ours);
    let (at_theirs, talk_theirs, answered_theirs) = contract.facts(theirs);
    if answered_ours != answered_theirs || ours.currency().is_some() || theirs.currency().is_some() {
        let foreign = |record: &Record, side: usize| {
            let name = record.currency().and_then(|at| context.names[side].currencies.get(at));
            let agreed = context.rater.currency();
            name.is_some_and(|name| agreed.is_some_and(|agreed| !agreed.eq_ignore_ascii_case(name)))
        };
        if answered_ours != answered_theirs || foreign(ours, 0) || foreign(theirs, 1) {
            return None;
        }
    }
    let rated = context.rater.charge(ours.callee, at_ours.min(at_theirs), talk_ours, answered_ours);
    let Ok((row, charge)) = rated else {
        return matches!(rated, Err(Unrated::NoNumber | Unrated::NoPrefix | Unrated::NoDate))
            .then(|| [ours, theirs].iter().all(|record| record.amount == 0 || record.amount == ABSENT))
            .filter(|free| *free)
            .map(|_| 0);
    };
    let terms = context.rater.terms_of(row);
    let same_talk = talk_ours == talk_theirs
        || talk_ours.abs_diff(talk_theirs) < 1_000
            && terms.subsecond.seconds(talk_ours) == terms.subsecond.seconds(talk_theirs);
    (same_talk
        && shows(ours, terms.rate, &charge, context.has_amounts[0])
        && shows(theirs, terms.rate, &charge, context.has_amounts[1]))
    .then_some(charge.amount)
}

impl Sink for Ledger<'_> {
    #[inline]
    fn pair(&mut self, ours: &Record, theirs: &Record) {
        let Some(correct) = clean_pair(&self.context, ours, theirs) else {
            return self.differing_pair(ours, theirs);
        };
        self.tallied.count_clean(ours, theirs, correct);
        if self.clean.admits(hash_of([ours, theirs])) {
            self.clean.push(Case::pair(ours, theirs));
        }
    }

    fn only(&mut self, side: Side, record: &Record) {
        let class = class_of_single(&self.context, side, record);
        if class == Class::Only && worth_nothing(&self.context, record) {
            let case = Case::single(Class::Only, side, record, record);
            self.tallied.count(&case);
            self.attempts.push(case);
            return;
        }
        self.residual(Case::single(class, side, record, record));
    }

    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        self.residual(Case::single(Class::Duplicate, side, record, of));
    }

    fn split(&mut self, records: [&[Record]; 2]) {
        if let Some(case) = Case::split(records) {
            self.residual(case);
        }
    }

    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        self.residual(Case::single(Class::Interim, side, record, whole));
    }

    fn cut_off(&mut self, side: Side, record: &Record) {
        self.residual(Case::single(Class::CutOff, side, record, record));
    }
}
