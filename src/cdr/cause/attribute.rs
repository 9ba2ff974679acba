//! [`Attributor`]: walks each call's difference through the causes; the steps add up to it exactly.

use std::collections::{BTreeSet, HashSet};

use super::case::{Case, Class};
use super::ledger::{Tallied, class_of_single, clean_pair, worth_nothing};
use super::leg::Item;
use super::model::Model;
use super::quick::Quick;
use super::shares::Signatures;
use super::walk::Walked;
use crate::money::Money;
use crate::number::Number;
use crate::outcome::{CallClass, CallDetail, DetailSink};
use crate::pair::Sink;
use crate::record::{Record, Side};

/// A call that shows a cause, to be named in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Example {
    /// Negated magnitude of the share, so that the dearest come first.
    pub(super) rank: i128,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who called.
    pub caller: Number,
    /// Who was called.
    pub callee: Number,
    /// Where the line stands in our text and in theirs; [`u64::MAX`] on a side that has none.
    pub places: [u64; 2],
}

/// What a cause came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CauseTally {
    /// Calls that show it.
    pub calls: u64,
    /// Its share of the difference, in billionths.
    pub amount: i128,
    /// First and last call that shows it.
    pub span: Option<[i64; 2]>,
    /// The dearest calls.
    pub examples: BTreeSet<Example>,
}

/// What attribution came to; parts of it may be merged in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counts, and the money of the calls on which nobody deviates.
    pub tallied: Tallied,
    /// Charged on the other calls, by side, in billionths.
    pub charged: [i128; 2],
    /// What those cost by deck and contract.
    pub correct: i128,
    /// By index of the model's causes.
    pub causes: Vec<CauseTally>,
    /// Difference that no cause explains.
    pub unexplained: i128,
    /// For the ranges over orders.
    pub signatures: Signatures,
}

/// Examples that are kept of each cause.
pub(super) const EXAMPLES: usize = 3;

impl CauseTally {
    /// Adds another's.
    pub(super) fn merge(&mut self, more: Self) {
        self.calls += more.calls;
        self.amount += more.amount;
        self.span = match (self.span, more.span) {
            (Some([a, b]), Some([c, d])) => Some([a.min(c), b.max(d)]),
            (one, other) => one.or(other),
        };
        self.examples.extend(more.examples);
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }

    fn add(&mut self, calls: u64, amount: i128, example: Example) {
        self.calls += calls;
        self.amount += amount;
        let [from, to] = self.span.unwrap_or([example.at_ms; 2]);
        self.span = Some([from.min(example.at_ms), to.max(example.at_ms)]);
        self.examples.insert(example);
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

impl Tally {
    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        self.tallied.merge(&other.tallied);
        self.correct += other.correct;
        self.unexplained += other.unexplained;
        for (own, more) in self.charged.iter_mut().zip(other.charged) {
            *own += more;
        }
        self.causes.resize_with(self.causes.len().max(other.causes.len()), CauseTally::default);
        for (own, more) in self.causes.iter_mut().zip(other.causes) {
            own.merge(more);
        }
        self.signatures.merge(&other.signatures);
    }
}

/// Takes the calls a second time, or for the first time where all were kept, and attributes them.
pub struct Attributor<'m, 'a> {
    model: &'m Model<'a>,
    tally: Tally,
    details: Option<&'m mut dyn DetailSink>,
    /// Index of each cause in the details; none: as in the model.
    ranks: Option<Vec<Option<u32>>>,
    /// Calls of which an interim record was seen: whose, and where the final one stands.
    interim: HashSet<(Side, u64), Quick>,
}

impl<'m, 'a> Attributor<'m, 'a> {
    /// Of a model; calls that differ are handed on with the model's indices of causes
    /// ([`Model::ranks`] turns them into those of the outcome).
    #[must_use]
    pub fn new(model: &'m Model<'a>, details: Option<&'m mut dyn DetailSink>) -> Self {
        let causes = vec![CauseTally::default(); model.found.len()];
        Self {
            model,
            tally: Tally { causes, ..Tally::default() },
            details,
            ranks: None,
            interim: HashSet::default(),
        }
    }

    /// With the outcome's indices in the details.
    #[must_use]
    pub fn with_ranks(mut self, ranks: Vec<Option<u32>>) -> Self {
        self.ranks = Some(ranks);
        self
    }

    /// What it came to.
    #[must_use]
    pub fn finish(self) -> Tally {
        self.tally
    }

    pub(super) fn take(&mut self, case: &Case, weight: u64, clean: bool) {
        let item = self.model.maker.item(case, weight);
        let walked = self.model.walk(&item);
        let example = |share: i128| Example {
            rank: -share.abs(),
            at_ms: item.keys.at_ms,
            caller: case.records[case.side.index()].caller,
            callee: item.keys.callee,
            places: Side::BOTH.map(|side| {
                let has = case.two_sided() || case.side == side;
                if has { case.records[side.index()].place } else { u64::MAX }
            }),
        };
        let scale = i128::from(weight);
        // Interim records of one call are one call.
        let whole = (case.side, case.records[case.side.other().index()].place);
        let again = case.class == Class::Interim && !self.interim.insert(whole);
        if !clean {
            for side in 0..2 {
                self.tally.charged[side] += walked.charged[side] * scale;
            }
            self.tally.correct += walked.correct * scale;
            self.tally.unexplained += walked.unexplained * scale;
        }
        for (at, share) in &walked.shares {
            if !walked.shown.contains(at) {
                self.tally.causes[*at].amount += share * scale;
            }
        }
        for at in &walked.shown {
            let share = walked.shares.iter().filter(|(other, _)| other == at).map(|(_, share)| share).sum();
            self.tally.causes[*at].add(if again { 0 } else { weight }, share * scale, example(share));
        }
        for (side, causes, amounts) in &walked.sets {
            self.tally.signatures.add(*side, causes, amounts, weight);
        }
        if let Some(details) = &mut self.details
            && (!clean || !walked.shown.is_empty())
        {
            let ranks = self.ranks.as_deref();
            details.call(&detail(case, &item, &walked, ranks));
        }
    }

    fn counted(&mut self, case: &Case, clean: bool) {
        self.tally.tallied.count(case);
        self.take(case, 1, clean);
    }
}

fn detail(case: &Case, item: &Item, walked: &Walked, ranks: Option<&[Option<u32>]>) -> CallDetail {
    let place = |side: Side| {
        let has = case.two_sided() || case.side == side;
        has.then(|| case.records[side.index()])
    };
    let index = |at: usize| match ranks {
        Some(ranks) => ranks.get(at).copied().flatten(),
        None => u32::try_from(at).ok(),
    };
    let mut shares: Vec<(u32, Money)> = Vec::new();
    let share_of = |at: usize| walked.shares.iter().filter(|(o, _)| *o == at).map(|(_, s)| s).sum::<i128>();
    let mut named: Vec<usize> = walked.shown.clone();
    named.extend(walked.shares.iter().map(|(at, _)| *at));
    named.sort_unstable();
    named.dedup();
    for at in named {
        let Some(index) = index(at) else { continue };
        match shares.iter_mut().find(|(other, _)| *other == index) {
            Some((_, share)) => *share += Money(share_of(at)),
            None => shares.push((index, Money(share_of(at)))),
        }
    }
    CallDetail {
        class: match case.class {
            Class::Pair => CallClass::Paired,
            Class::Only | Class::Unread => CallClass::Only,
            Class::Duplicate => CallClass::Duplicate,
            Class::Split => CallClass::Part,
            Class::Interim => CallClass::Interim,
            Class::CutOff => CallClass::CutOff,
        },
        ours: place(Side::Ours),
        theirs: place(Side::Theirs),
        correct: walked.right,
        row: item.keys.row,
        shares,
        unexplained: Money(walked.unexplained),
    }
}

impl Sink for Attributor<'_, '_> {
    fn pair(&mut self, ours: &Record, theirs: &Record) {
        let Some(correct) = clean_pair(&self.model.maker.context, ours, theirs) else {
            return self.counted(&Case::pair(ours, theirs), false);
        };
        self.tally.tallied.count_clean(ours, theirs, correct);
        if self.model.may_hide {
            self.take(&Case::pair(ours, theirs), 1, true);
        }
    }

    fn only(&mut self, side: Side, record: &Record) {
        let context = &self.model.maker.context;
        let class = class_of_single(context, side, record);
        let nothing = class == Class::Only && worth_nothing(context, record);
        self.counted(&Case::single(class, side, record, record), nothing);
    }

    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        self.counted(&Case::single(Class::Duplicate, side, record, of), false);
    }

    fn split(&mut self, records: [&[Record]; 2]) {
        if let Some(case) = Case::split(records) {
            self.counted(&case, false);
        }
    }

    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        self.counted(&Case::single(Class::Interim, side, record, whole), false);
    }

    fn cut_off(&mut self, side: Side, record: &Record) {
        self.counted(&Case::single(Class::CutOff, side, record, record), false);
    }
}
