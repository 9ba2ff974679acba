//! [`Model`]: the causes that were found, ready to be applied to any call.

use super::attribute::{Attributor, Tally};
use super::case::{Case, Class};
use super::deviation::{Deviation, Pricer};
use super::duration::Durations;
use super::edge::{Edge, edges};
use super::explain::explain;
use super::found::{Destinations, Found, Pick};
use super::ledger::{ATTEMPT_BYTES, CLEAN_BYTES, Ledger, SEARCHED_BYTES};
use super::leg::{Item, Maker};
use super::records;
use super::selector::Finder;
use crate::outcome::{CauseKind, DetailSink};
use crate::record::{ABSENT, ABSENT_32, Record, Side};

/// What was inferred: causes with parameters and selectors.
#[derive(Debug, Clone)]
pub struct Model<'a> {
    pub(super) maker: Maker<'a>,
    pub(super) pricer: Pricer<'a>,
    pub(super) destinations: Destinations,
    pub(super) durations: Durations,
    pub(super) edges: Vec<Edge>,
    pub(super) found: Vec<Found>,
    /// Whether a side records attempts at all.
    pub(super) records_attempts: [bool; 2],
    /// Whether a cause may hide on calls that look clean.
    pub(super) may_hide: bool,
}

/// Finds the causes.
#[must_use]
pub fn infer<'a>(ledger: &Ledger<'a>) -> Model<'a> {
    let context = ledger.context;
    let maker = Maker { context };
    let pricer = Pricer::new(context.rater);
    let destinations = Destinations::new(&pricer);
    let mut items = items(ledger, &maker);
    let finder = Finder::new(&items, &destinations);
    let (durations, mut found) = Durations::learn(&items, context.rater, &finder);
    let tallied = ledger.tallied();
    let records_attempts = [0, 1].map(|side: usize| {
        let other = 1 - side;
        let attempts = tallied.paired_attempts + tallied.only_attempts[side];
        attempts * 9 >= tallied.only_attempts[other] || tallied.only_attempts[other] < 3
    });
    let edges = edges(&items, records_attempts);
    found.extend(records::find(&items, records_attempts, &edges, &finder));
    // What a side shows is explained by its own seconds; whose are right does not matter for that.
    for item in &mut items {
        if let Some(judged) = durations.judge(item, context.rater, &found, &destinations) {
            judged.put(item);
        }
    }
    found.extend(explain(&items, &pricer, &finder, &context));
    found.extend(records::parts(&items, &pricer, &found, &finder));
    let may_hide = may_hide(&found, &items);
    Model { maker, pricer, destinations, durations, edges, found, records_attempts, may_hide }
}

fn items(ledger: &Ledger<'_>, maker: &Maker<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    let all =
        [(&ledger.residual, SEARCHED_BYTES), (&ledger.attempts, ATTEMPT_BYTES), (&ledger.clean, CLEAN_BYTES)];
    for (kept, bytes) in all {
        let (cases, weight) = kept.sample(bytes);
        items.extend(cases.into_iter().map(|case| maker.item(case, weight)));
    }
    items
}

/// A cause hides where the file lacks the column that would show it.
fn may_hide(found: &[Found], items: &[Item]) -> bool {
    let shown = |side: usize, has: &dyn Fn(&Record) -> bool| {
        let mut legs =
            items.iter().filter_map(|item| item.legs[side].as_ref()).filter(|leg| leg.situation.answered);
        legs.all(|leg| has(&leg.record))
    };
    found.iter().any(|found| {
        let Some(side) = found.side else { return false };
        match found.deviation.order() {
            1 => matches!(found.deviation, Deviation::Ring),
            // The number's own prefix stands in the record, whatever it costs.
            5 => true,
            4..=9 => !shown(side.index(), &|record| record.rate != ABSENT),
            10..=12 => !shown(side.index(), &|record| record.billed_s != ABSENT_32),
            13 | 14 | 15 | 18 => true,
            _ => false,
        }
    })
}

impl<'a> Model<'a> {
    /// How many causes were found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether none was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether the ledger kept too little for [`Model::attribute`]: then every call is to be matched again into
    /// an [`Attributor`].
    #[must_use]
    pub fn needs_second_pass(&self, ledger: &Ledger<'_>) -> bool {
        let bound = Side::BOTH.into_iter().any(|side| {
            let attempts = ledger.tallied().only_attempts[side.other().index()];
            attempts > 0 && self.records_attempts[side.index()] && self.missing_everywhere(side).is_none()
        });
        !ledger.kept_all()
            || self.may_hide && ledger.clean.level > 0
            || bound && self.counts_attempts() && ledger.attempts.level > 0
    }

    /// Whether attempts that one side lacks are counted by a cause.
    fn counts_attempts(&self) -> bool {
        self.found.iter().any(|found| {
            let side = found.side.filter(|side| {
                found.kind == CauseKind::MissingRecords || self.edges.iter().any(|edge| edge.side == *side)
            });
            side.is_some_and(|side| self.records_attempts[side.index()])
        })
    }

    /// For a second pass over the calls.
    #[must_use]
    pub fn attributor<'m>(&'m self, details: Option<&'m mut dyn DetailSink>) -> Attributor<'m, 'a> {
        Attributor::new(self, details)
    }

    /// Attributes the calls that the ledger kept.
    #[must_use]
    pub fn attribute(&self, ledger: &Ledger<'_>) -> Tally {
        let mut attributor = self.attributor(None);
        self.replay(ledger, &mut attributor);
        let mut tally = Tally { tallied: *ledger.tallied(), ..attributor.finish() };
        if ledger.attempts.level > 0 {
            self.count_attempts(ledger, &mut tally);
        }
        tally
    }

    /// The cause of the calls that a side lacks, where it is one for all of them.
    fn missing_everywhere(&self, side: Side) -> Option<usize> {
        let of_side = |found: &Found| found.side == Some(side) && found.kind == CauseKind::MissingRecords;
        let mut all = self.found.iter().enumerate().filter(|(_, found)| of_side(found));
        match (all.next(), all.next()) {
            (Some((at, found)), None)
                if found.pick == Pick::default() && self.edges.iter().all(|edge| edge.side != side) =>
            {
                Some(at)
            }
            _ => None,
        }
    }

    /// Attempts that one side lacks are kept as a sample; how many there are was counted.
    fn count_attempts(&self, ledger: &Ledger<'_>, tally: &mut Tally) {
        for side in Side::BOTH.into_iter().filter(|side| self.records_attempts[side.index()]) {
            let Some(at) = self.missing_everywhere(side) else { continue };
            let own = side.other();
            let attempts = |case: &&Case| {
                matches!(case.class, Class::Only | Class::Unread)
                    && case.side == own
                    && case.records[own.index()].is(crate::record::flag::ATTEMPT)
            };
            let count = |cases: &[Case]| cases.iter().filter(attempts).count() as u64;
            let exact =
                ledger.tallied().only_attempts[own.index()].saturating_sub(count(&ledger.residual.cases));
            let sampled = count(&ledger.attempts.cases) * ledger.attempts.weight();
            let calls = &mut tally.causes[at].calls;
            *calls = (*calls + exact).saturating_sub(sampled);
        }
    }

    /// Hands on the kept calls that differ, with the outcome's indices of causes, earliest first.
    pub fn details(&self, ledger: &Ledger<'_>, tally: &Tally, details: &mut dyn DetailSink) {
        let mut attributor = self.attributor(Some(details)).with_ranks(self.ranks(tally));
        self.replay(ledger, &mut attributor);
    }

    fn replay(&self, ledger: &Ledger<'_>, attributor: &mut Attributor<'_, '_>) {
        for case in ledger.residual.sorted() {
            attributor.take(case, ledger.residual.weight(), false);
        }
        if self.counts_attempts() {
            for case in ledger.attempts.sorted() {
                attributor.take(case, ledger.attempts.weight(), true);
            }
        }
        if self.may_hide {
            for case in ledger.clean.sorted() {
                attributor.take(case, ledger.clean.weight(), true);
            }
        }
    }
}
