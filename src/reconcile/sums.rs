//! Sums over all calls of a run, clean ones too, by row of the deck, day and gateway: what a report shows as
//! volumes. Taken only where a report is wanted ([`Job::sums`]); a run without one pays nothing for it.
//!
//! Calls and minutes are counted while pairing; so is the money of calls on which nobody deviates. The money of
//! the others is that of their details, in which causes have settled it.
//!
//! [`Job::sums`]: crate::job::Job::sums

use std::collections::{BTreeMap, HashMap};

use linesman_cdr::Money;
use linesman_cdr::cause::{Ledger, LedgerContext};
use linesman_cdr::outcome::{CallClass, CallDetail};
use linesman_cdr::pair::Sink;
use linesman_cdr::rating::{Deck, Rater};
use linesman_cdr::record::{ABSENT, NO_NAME, Names, Record, Side};

const DAY_MS: i64 = 86_400_000;
/// Details after which the judge of clean calls is emptied: it keeps what it has seen.
const JUDGED: usize = 4_096;

/// Sums over calls of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Calls of each side, by [`Side::index`]; second records of a call count too.
    pub calls: [u64; 2],
    /// Their conversation, in milliseconds.
    pub talk_ms: [u64; 2],
    /// What was charged for them.
    pub amount: [Money; 2],
    /// What they cost by deck and contract.
    pub correct: Money,
}

impl Sums {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        for side in 0..2 {
            self.calls[side] += other.calls[side];
            self.talk_ms[side] += other.talk_ms[side];
            self.amount[side] += other.amount[side];
        }
        self.correct += other.correct;
    }

    /// Theirs minus ours.
    #[must_use]
    pub fn difference(&self) -> Money {
        self.amount[1] - self.amount[0]
    }

    /// What a differing call charged and costs; its calls and minutes were counted before.
    fn charge(&mut self, detail: &CallDetail) {
        let charged = charged(detail);
        for (sum, charged) in self.amount.iter_mut().zip(charged) {
            *sum += charged;
        }
        self.correct += correct(detail).unwrap_or_default();
    }

    /// A differing call by itself.
    pub(crate) fn of(detail: &CallDetail) -> Self {
        let mut sums = Self::default();
        if detail.class != CallClass::Interim {
            for (side, record) in Side::BOTH.into_iter().zip([&detail.ours, &detail.theirs]) {
                let Some(record) = record else { continue };
                sums.calls[side.index()] += 1;
                sums.talk_ms[side.index()] += u64::from(record.talk_ms);
            }
        }
        sums.charge(detail);
        sums
    }
}

/// What a call costs by the contract, on the side that it has to be on.
pub(crate) fn correct(detail: &CallDetail) -> Option<Money> {
    detail.correct.map(|charge| Money(i128::from(charge.amount)))
}

/// Theirs minus ours: what the causes and what none explains come to.
pub(crate) fn difference(detail: &CallDetail) -> Money {
    detail.shares.iter().map(|(_, share)| *share).sum::<Money>() + detail.unexplained
}

/// What each side charged for a call, all its records of it together. A record tells, but for that of a call in
/// parts, of which a detail has only the first: the difference tells then; and where a file has no amounts.
pub(crate) fn charged(detail: &CallDetail) -> [Money; 2] {
    let difference = difference(detail);
    let told = |record: &Option<Record>| match record {
        None => Some(Money::ZERO),
        Some(record) if record.amount == ABSENT => None,
        Some(record) => Some(record.money()),
    };
    let mut told = [told(&detail.ours), told(&detail.theirs)];
    if let (CallClass::Part, Some(ours), Some(theirs)) = (detail.class, &detail.ours, &detail.theirs) {
        // A part is shorter than the whole.
        told[usize::from(theirs.talk_ms < ours.talk_ms)] = None;
    }
    match told {
        [Some(ours), Some(theirs)] => [ours, theirs],
        [Some(ours), None] => [ours, ours + difference],
        [None, Some(theirs)] => [theirs - difference, theirs],
        [None, None] => {
            let ours = correct(detail).unwrap_or_default();
            [ours, ours + difference]
        }
    }
}

/// Sums over all calls, by their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// By row of the deck; the last is of calls that no row is for.
    rows: Vec<Sums>,
    /// By days since 1970, in UTC.
    days: HashMap<i64, Sums>,
    /// By index of the gateway's name on either side; the last is of calls without.
    gateways: [Vec<Sums>; 2],
}

impl Breakdown {
    /// Of nothing yet.
    pub(crate) fn new(deck: &Deck, names: [&Names; 2]) -> Self {
        Self {
            rows: vec![Sums::default(); deck.rows.len() + 1],
            days: HashMap::new(),
            gateways: names.map(|names| vec![Sums::default(); names.gateways.len() + 1]),
        }
    }

    fn add(&mut self, rater: &Rater, side: Side, record: &Record, sums: &Sums) {
        let row = rater.row_of(record.callee, rater.contract().facts(record).0);
        let last = self.rows.len().saturating_sub(1);
        let row = row.map_or(last, |row| (row as usize).min(last));
        let gateways = &mut self.gateways[side.index()];
        let last = gateways.len().saturating_sub(1);
        let gateway = if record.gateway == NO_NAME { last } else { usize::from(record.gateway).min(last) };
        let day = self.days.entry(record.start_ms.div_euclid(DAY_MS)).or_default();
        for sum in [self.rows.get_mut(row), gateways.get_mut(gateway), Some(day)].into_iter().flatten() {
            sum.add(sums);
        }
    }

    /// Adds another's of the same run.
    pub(crate) fn merge(&mut self, other: &Self) {
        let add = |own: &mut [Sums], other: &[Sums]| {
            own.iter_mut().zip(other).for_each(|(own, other)| own.add(other));
        };
        add(&mut self.rows, &other.rows);
        for (own, other) in self.gateways.iter_mut().zip(&other.gateways) {
            add(own, other);
        }
        for (day, sums) in &other.days {
            self.days.entry(*day).or_default().add(sums);
        }
    }

    /// By the deck's destination and prefix; both empty where it has none.
    pub(crate) fn destinations(&self, deck: &Deck) -> BTreeMap<(String, String), Sums> {
        let mut all: BTreeMap<(String, String), Sums> = BTreeMap::new();
        for (at, sums) in self.rows.iter().enumerate().filter(|(_, sums)| **sums != Sums::default()) {
            let key = deck.rows.get(at).map_or_else(Default::default, |row| {
                (row.destination.clone().unwrap_or_default(), row.prefix.clone())
            });
            all.entry(key).or_default().add(sums);
        }
        all
    }

    /// By day, as milliseconds since 1970.
    pub(crate) fn days(&self) -> impl Iterator<Item = (i64, &Sums)> {
        self.days.iter().map(|(day, sums)| (day.saturating_mul(DAY_MS), sums))
    }

    /// By the gateway's name; empty where none is given.
    pub(crate) fn gateways(&self, names: &[Names; 2]) -> BTreeMap<String, Sums> {
        let mut all: BTreeMap<String, Sums> = BTreeMap::new();
        for (own, names) in self.gateways.iter().zip(names) {
            for (at, sums) in own.iter().enumerate().filter(|(_, sums)| **sums != Sums::default()) {
                all.entry(names.gateways.get(at).cloned().unwrap_or_default()).or_default().add(sums);
            }
        }
        all
    }
}

/// Counts calls on their way into a ledger.
pub(crate) struct Counting<'s, 'l, 'c> {
    pub(crate) rater: &'c Rater,
    pub(crate) sums: &'s mut Breakdown,
    pub(crate) to: &'l mut Ledger<'c>,
}

impl Counting<'_, '_, '_> {
    fn one(&mut self, side: Side, record: &Record) {
        let mut sums = Sums::default();
        sums.calls[side.index()] = 1;
        sums.talk_ms[side.index()] = u64::from(record.talk_ms);
        self.sums.add(self.rater, side, record, &sums);
    }
}

impl Sink for Counting<'_, '_, '_> {
    fn pair(&mut self, ours: &Record, theirs: &Record) {
        let said = |ledger: &Ledger<'_>| {
            let tallied = ledger.tallied();
            (tallied.clean, tallied.charged, tallied.correct)
        };
        let (clean, charged, correct) = said(self.to);
        self.to.pair(ours, theirs);
        let (clean_now, charged_now, correct_now) = said(self.to);
        let talk_ms = [ours, theirs].map(|one| u64::from(one.talk_ms));
        let mut sums = Sums { calls: [1; 2], talk_ms, ..Sums::default() };
        if clean_now > clean {
            sums.amount = [0, 1].map(|side: usize| Money(charged_now[side] - charged[side]));
            sums.correct = Money(correct_now - correct);
        }
        self.sums.add(self.rater, Side::Ours, ours, &sums);
    }

    fn only(&mut self, side: Side, record: &Record) {
        self.one(side, record);
        self.to.only(side, record);
    }

    fn duplicate(&mut self, side: Side, record: &Record, of: &Record) {
        self.one(side, record);
        self.to.duplicate(side, record, of);
    }

    fn split(&mut self, records: [&[Record]; 2]) {
        let talk_ms = records.map(|parts| parts.iter().map(|part| u64::from(part.talk_ms)).sum());
        let sums = Sums { calls: [1; 2], talk_ms, ..Sums::default() };
        if let Some(first) = records[0].first() {
            self.sums.add(self.rater, Side::Ours, first, &sums);
        }
        self.to.split(records);
    }

    fn interim(&mut self, side: Side, record: &Record, whole: &Record) {
        self.to.interim(side, record, whole);
    }

    fn cut_off(&mut self, side: Side, record: &Record) {
        self.one(side, record);
        self.to.cut_off(side, record);
    }
}

/// Adds the money of the calls that differ.
pub(crate) struct Charging<'c> {
    pub(crate) sums: Breakdown,
    context: LedgerContext<'c>,
    judge: Ledger<'c>,
    judged: usize,
}

impl<'c> Charging<'c> {
    pub(crate) fn new(sums: Breakdown, context: LedgerContext<'c>) -> Self {
        let context = LedgerContext { capacity: 0, ..context };
        Self { sums, context, judge: Ledger::new(context), judged: 0 }
    }

    pub(crate) fn call(&mut self, detail: &CallDetail) {
        if self.is_clean(detail) {
            return;
        }
        let side = if detail.ours.is_some() { Side::Ours } else { Side::Theirs };
        let Some(record) = detail.ours.as_ref().or(detail.theirs.as_ref()) else { return };
        let mut sums = Sums::default();
        sums.charge(detail);
        self.sums.add(self.context.rater, side, record, &sums);
    }

    /// Whether its money was counted while pairing: a call that shows a cause which rounding hides.
    fn is_clean(&mut self, detail: &CallDetail) -> bool {
        let (CallClass::Paired, Some(ours), Some(theirs)) = (detail.class, &detail.ours, &detail.theirs)
        else {
            return false;
        };
        if difference(detail).0 != 0 {
            return false;
        }
        self.judged += 1;
        if self.judged.is_multiple_of(JUDGED) {
            self.judge = Ledger::new(self.context);
        }
        let before = self.judge.tallied().clean;
        self.judge.pair(ours, theirs);
        self.judge.tallied().clean > before
    }
}
