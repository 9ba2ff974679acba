//! [`Attributor`]: walks each call's difference through the causes; the steps add up to it exactly.

use std::collections::BTreeSet;

use super::case::{Case, Class};
use super::deviation::Deviation;
use super::ledger::{Tallied, clean_pair};
use super::leg::{Item, Leg, Standing};
use super::model::Model;
use super::shares::{MOST, Signatures};
use crate::money::Money;
use crate::number::Number;
use crate::outcome::{CallClass, CallDetail, CauseKind, DetailSink};
use crate::pair::Sink;
use crate::rating::Charge;
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

    fn add(&mut self, calls: u64, share: i128, example: Example) {
        self.calls += calls;
        self.amount += share * i128::from(calls);
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

/// One call's shares.
#[derive(Debug, Clone, Default)]
pub(super) struct Walked {
    /// Cause and share, theirs minus ours.
    pub shares: Vec<(usize, i128)>,
    /// Causes that the call shows, whatever their share.
    pub shown: Vec<usize>,
    pub unexplained: i128,
    pub charged: [i128; 2],
    pub correct: i128,
    pub row: Option<u32>,
    pub right: Option<Charge>,
    /// For the ranges: side, causes, amounts by set.
    pub sets: Vec<(Side, Vec<u16>, Vec<i64>)>,
}

impl Model<'_> {
    /// Walks one call.
    pub(super) fn walk(&self, item: &Item) -> Walked {
        let mut item = item.clone();
        let judged = self.durations.judge(&item, self.pricer.rater, &self.found, &self.destinations);
        let mut talk: [Option<usize>; 2] = [None; 2];
        if let Some(judged) = judged {
            for leg in item.legs.iter_mut().flatten() {
                leg.situation.talk_ms = judged.talk_ms;
            }
            if let Some((at, side)) = judged.cause {
                talk[side.index()] = Some(at);
            }
        }
        let mut walked = Walked { row: item.keys.row, ..Walked::default() };
        let right = item.legs.iter().flatten().find(|leg| !matches!(leg.standing, Standing::Extra(_)));
        if let Some(leg) = right {
            let shown = self.pricer.price(&leg.situation, &[]);
            walked.correct = i128::from(shown.amount);
            walked.right = shown.row.map(|_| Charge { billed_s: shown.billed_s, amount: shown.amount });
        }
        for side in Side::BOTH {
            let Some(leg) = &item.legs[side.index()] else { continue };
            self.walk_leg(&item, leg, side, talk[side.index()], &mut walked);
        }
        walked
    }

    fn walk_leg(&self, item: &Item, leg: &Leg, side: Side, talk: Option<usize>, walked: &mut Walked) {
        let mut causes = self.causes_of(item, leg, side);
        causes.extend(talk);
        causes.sort_by_key(|at| (self.found[*at].deviation.order(), *at));
        causes.dedup();
        causes.truncate(MOST);
        let all: Vec<Deviation> = causes.iter().map(|at| self.found[*at].deviation).collect();
        let sets = 1usize << all.len();
        let of_set = |set: usize| -> Vec<Deviation> {
            let held = all.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0);
            held.map(|(_, deviation)| *deviation).collect()
        };
        let amounts: Vec<i64> = (0..sets).map(|set| leg.amount(&self.pricer, &of_set(set))).collect();
        let sign = if side == Side::Theirs { 1 } else { -1 };
        let full = sets - 1;
        for (bit, at) in causes.iter().enumerate() {
            let (before, after) = ((1 << bit) - 1, (1 << (bit + 1)) - 1);
            let share = sign * (i128::from(amounts[after]) - i128::from(amounts[before]));
            if share != 0 {
                walked.shares.push((*at, share));
            }
            if self.is_shown(leg, &of_set(full), all[bit], amounts[full], amounts[full & !(1 << bit)]) {
                walked.shown.push(*at);
            }
        }
        let charged =
            if leg.has_amounts || leg.standing == Standing::Absent { leg.charged() } else { amounts[full] };
        walked.charged[side.index()] += i128::from(charged);
        walked.unexplained += sign * (i128::from(charged) - i128::from(amounts[full]));
        let names = causes.iter().map(|at| u16::try_from(*at).unwrap_or(u16::MAX)).collect();
        if !causes.is_empty() {
            walked.sets.push((side, names, amounts));
        }
    }

    /// Whether a leg's record shows one of its deviations, be it hidden by rounding.
    fn is_shown(&self, leg: &Leg, all: &[Deviation], one: Deviation, with: i64, without: i64) -> bool {
        if matches!(leg.standing, Standing::Extra(_)) && !matches!(one, Deviation::Extra(_)) {
            // The call is counted by its first record.
            return false;
        }
        let of_records = matches!(one, Deviation::Missing | Deviation::Extra(_) | Deviation::Parts);
        if !leg.situation.answered && !of_records && with == without {
            // Of an attempt only its count tells anything.
            return false;
        }
        match one {
            Deviation::Missing
            | Deviation::Extra(_)
            | Deviation::Parts
            | Deviation::Talk(_)
            | Deviation::Unpriced
            | Deviation::Label => true,
            Deviation::Unrated | Deviation::Decimals(_) | Deviation::Mode(_) => with != without,
            _ if with != without => true,
            _ => {
                let rest: Vec<Deviation> = all.iter().copied().filter(|other| *other != one).collect();
                let (with, without) = (leg.traits(&self.pricer, all), leg.traits(&self.pricer, &rest));
                with != without
            }
        }
    }

    /// Causes beside duration whose deviations a leg shows.
    fn causes_of(&self, item: &Item, leg: &Leg, side: Side) -> Vec<usize> {
        let mut always = Vec::new();
        let mut maybe = Vec::new();
        let mut fixed = Vec::new();
        for (at, found) in self.found.iter().enumerate() {
            if found.side.is_some_and(|whose| whose != side) || matches!(found.deviation, Deviation::Talk(_))
            {
                continue;
            }
            if !found.pick.includes(&item.keys, &self.destinations) {
                continue;
            }
            match found.deviation {
                Deviation::Missing => {
                    let kind = if item.class == Class::CutOff {
                        CauseKind::PeriodCutoff
                    } else {
                        CauseKind::MissingRecords
                    };
                    if leg.standing == Standing::Absent
                        && found.kind == kind
                        && self.counts_missing(item, side)
                    {
                        return vec![at];
                    }
                }
                Deviation::Extra(kind) => {
                    if leg.standing == Standing::Extra(kind) && fixed.is_empty() {
                        fixed.push(at);
                    }
                }
                Deviation::Parts => {
                    if leg.standing == Standing::Parts && fixed.is_empty() {
                        fixed.push(at);
                    }
                }
                _ if found.optional => maybe.push(at),
                _ => always.push(at),
            }
        }
        if leg.standing == Standing::Absent {
            return Vec::new();
        }
        if leg.standing == Standing::Parts {
            return self.causes_of_parts(leg, &always, &maybe);
        }
        if matches!(leg.standing, Standing::Extra(_)) && fixed.is_empty() {
            return Vec::new();
        }
        if let Some(set) = self.explaining(leg, &always, &maybe, &[]) {
            fixed.extend(set);
        } else if item.class == Class::Pair
            && let [Some(ours), Some(theirs)] = &item.legs
        {
            // A duration that is off by a second in the record alone: the amount is of the other's.
            let other_ms = if side == Side::Ours { theirs.situation.own_ms } else { ours.situation.own_ms };
            let near = other_ms.abs_diff(leg.situation.own_ms) <= 2_000;
            let deviations: Vec<Deviation> = always.iter().map(|at| self.found[*at].deviation).collect();
            if near && leg.explained_at(&self.pricer, &deviations, other_ms) {
                fixed.extend(always);
            }
        }
        fixed
    }

    fn causes_of_parts(&self, leg: &Leg, always: &[usize], maybe: &[usize]) -> Vec<usize> {
        let cause = |kind: CauseKind| {
            let mut all = self.found.iter();
            all.position(|found| found.deviation == Deviation::Parts && found.kind == kind)
        };
        let apart = cause(CauseKind::PartialRecordsRecharged);
        let whole = cause(CauseKind::PartialRecords);
        if let Some(at) = apart
            && let Some(mut set) = self.explaining(leg, always, maybe, &[Deviation::Parts])
        {
            set.push(at);
            return set;
        }
        let explained = whole.and_then(|at| Some((at, self.explaining(leg, always, maybe, &[])?)));
        match (explained, apart.or(whole)) {
            (Some((at, set)), _) => set.into_iter().chain([at]).collect(),
            (None, Some(at)) => vec![at],
            (None, None) => Vec::new(),
        }
    }

    /// The causes that together explain a leg: all that are picked; else without as few as will do; else with
    /// as few as will do of those that only hold here and there.
    fn explaining(
        &self,
        leg: &Leg,
        always: &[usize],
        maybe: &[usize],
        with: &[Deviation],
    ) -> Option<Vec<usize>> {
        let explains = |set: &[usize]| {
            let mut deviations: Vec<Deviation> = set.iter().map(|at| self.found[*at].deviation).collect();
            deviations.extend(with);
            leg.explained_by(&self.pricer, &deviations)
        };
        let always = &always[..always.len().min(MOST)];
        if explains(always) {
            return Some(always.to_vec());
        }
        // Those that are here and there may explain it beside the rest: one, then two of them.
        for one in 0..maybe.len() {
            let set: Vec<usize> = always.iter().copied().chain([maybe[one]]).collect();
            if explains(&set) {
                return Some(set);
            }
        }
        for one in 0..maybe.len().min(8) {
            for two in one + 1..maybe.len().min(8) {
                let set: Vec<usize> = always.iter().copied().chain([maybe[one], maybe[two]]).collect();
                if explains(&set) {
                    return Some(set);
                }
            }
        }
        let mut sets: Vec<usize> = (0..1usize << always.len()).collect();
        sets.sort_by_key(|set| usize::MAX - set.count_ones() as usize);
        sets.into_iter()
            .map(|set| {
                let held = always.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0);
                held.map(|(_, at)| *at).collect::<Vec<usize>>()
            })
            .find(|set| explains(set))
    }

    /// Whether a call that is missing on a side counts: an attempt does not where that side has none at all.
    fn counts_missing(&self, item: &Item, side: Side) -> bool {
        let attempt = item.legs.iter().flatten().all(|leg| !leg.situation.answered);
        !attempt || item.class == Class::CutOff || self.records_attempts[side.index()]
    }
}

/// Takes the calls a second time, or for the first time where all were kept, and attributes them.
pub struct Attributor<'m, 'a> {
    model: &'m Model<'a>,
    tally: Tally,
    details: Option<&'m mut dyn DetailSink>,
    /// Index of each cause in the details; none: as in the model.
    ranks: Option<Vec<Option<u32>>>,
}

impl<'m, 'a> Attributor<'m, 'a> {
    /// Of a model; calls that differ are handed on with the model's indices of causes
    /// ([`Model::ranks`] turns them into those of the outcome).
    #[must_use]
    pub fn new(model: &'m Model<'a>, details: Option<&'m mut dyn DetailSink>) -> Self {
        let causes = vec![CauseTally::default(); model.found.len()];
        Self { model, tally: Tally { causes, ..Tally::default() }, details, ranks: None }
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
        let item = self.model.maker.item(case, weight, clean);
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
            self.tally.causes[*at].add(weight, share, example(share));
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
        let parts = case.parts.len();
        self.tally.tallied.count(case.class, case.side, &case.records, parts);
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
            Class::Only => CallClass::Only,
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
        let case = Case::pair(ours, theirs);
        let Some(correct) = clean_pair(&self.model.maker.context, ours, theirs) else {
            return self.counted(&case, false);
        };
        let correct = i128::from(correct);
        self.tally.tallied.clean += 1;
        self.tally.tallied.correct += correct;
        self.tally.tallied.charged[0] += correct;
        self.tally.tallied.charged[1] += correct;
        if self.model.may_hide {
            return self.counted(&case, true);
        }
        self.tally.tallied.count(case.class, case.side, &case.records, 0);
    }

    fn only(&mut self, side: Side, record: &Record) {
        self.counted(&Case::single(Class::Only, side, record, record), false);
    }

    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        self.counted(&Case::single(Class::Duplicate, side, record, of), false);
    }

    fn split(&mut self, side: Side, parts: &[Record], whole: &Record) {
        self.counted(&Case::split(side, parts, whole), false);
    }

    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        self.counted(&Case::single(Class::Interim, side, record, whole), false);
    }

    fn cut_off(&mut self, side: Side, record: &Record) {
        self.counted(&Case::single(Class::CutOff, side, record, record), false);
    }
}
