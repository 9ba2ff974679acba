//! Learning from a part of the records: first the clocks, by the ends of numbers, then the numbers, by
//! calls at the same moment, then the habits.

use std::borrow::Cow;

use serde_json::json;

use super::clock::{Fit, Tick, fit, fit_sorted, median, sort};
use super::habits;
use super::learned::{LearnContext, Learned, TimeBasis, moment};
use super::number::Party;
use super::period::periods;
use super::rewrite::{DeckPrefixes, Seen, learn_numbers};
use super::votes::{self, Vote};
use super::zone::{self, Known, finding};
use crate::outcome::Finding;
use crate::record::{Record, Side, flag};

const SECOND: i64 = 1_000;
/// Furthest that a tolerance goes.
const WIDEST: i64 = 60 * SECOND;
/// About so many calls are looked at for number rewrites.
const MOST_SEEN: u64 = 20_000;

/// Learns from records of both sides as the files give them: some whole partitions, or all.
#[must_use]
pub fn learn(ours: &[Record], theirs: &[Record], context: &LearnContext<'_>) -> Learned {
    let mut learned = Learned::default();
    let mut votes = votes::by_both(ours, theirs);
    let called = votes::by_called(ours, theirs);
    let fine = Side::BOTH.map(|side| if side == Side::Ours { ours } else { theirs }).map(has_fractions);
    let fine = fine[0] && fine[1];
    let mut found = fit_with_basis(ours, theirs, &votes, fine);
    if found.as_ref().is_none_or(|found| agreeing(&found.1) < 30) {
        votes = votes::together(votes, &called);
        let wider = fit_with_basis(ours, theirs, &votes, fine);
        if wider.as_ref().map(|found| agreeing(&found.1)) > found.as_ref().map(|found| agreeing(&found.1)) {
            found = wider;
        }
    }
    if found.is_none() {
        votes = votes::by_repeated(ours, theirs);
        found = fit_with_basis(ours, theirs, &votes, fine);
    }
    let known = Known {
        zones: [context.sides[0].zone_known, context.sides[1].zone_known],
        fine,
        offset_ms: context.clock_offset_ms,
    };
    if let Some((basis, fit)) = &found {
        learned.votes = fit.ticks.len() as u64;
        learned.agreeing = agreeing(fit) as u64;
        let (clocks, findings) = zone::clocks(fit, known);
        learned.clocks = clocks;
        learned.findings.extend(findings);
        learn_basis(&mut learned, *basis);
        learned.tolerance_ms = tolerance(fit);
    }
    if let Some(tolerance) = context.tolerance_ms {
        learned.tolerance_ms = tolerance;
    }
    votes = votes::together(votes, &called);
    let mut prepared = [Cow::Borrowed(ours), Cow::Borrowed(theirs)];
    prepare(&learned, &mut prepared);
    let pairs: Vec<(&Record, &Record)> =
        of_votes(&votes, &prepared).filter(|(ours, theirs)| at_once(&learned, ours, theirs)).collect();
    learned.numbers = numbers(&pairs, context);
    // With the numbers in one form, what is left tells of callers and names.
    prepare(&Learned { numbers: learned.numbers.clone(), ..Learned::default() }, &mut prepared);
    let same =
        |(ours, theirs): &(&Record, &Record)| ours.callee == theirs.callee && at_once(&learned, ours, theirs);
    let callers_unreliable = callers_unreliable(of_votes(&called, &prepared).filter(same));
    let both: Vec<(&Record, &Record)> = of_votes(&votes, &prepared).filter(same).collect();
    learned.callers_unreliable = callers_unreliable;
    learned.call_ids_shared = habits::call_ids_shared(&both);
    learned.gateways = habits::gateways(&both);
    let coverages = [&context.sides[0].coverage, &context.sides[1].coverage];
    learned.periods = periods(coverages, &learned.clocks);
    let more = more_findings(&learned, ours, theirs, context);
    learned.findings.extend(more);
    learned
}

/// Brings the records of both sides to the common terms; those that stay as they are are not copied.
fn prepare(learned: &Learned, records: &mut [Cow<'_, [Record]>; 2]) {
    for (side, records) in Side::BOTH.into_iter().zip(records).filter(|(side, _)| learned.changes(*side)) {
        learned.prepare(side, records.to_mut());
    }
}

/// The records that votes are of.
fn of_votes<'r>(
    votes: &'r [Vote],
    records: &'r [Cow<'_, [Record]>; 2],
) -> impl Iterator<Item = (&'r Record, &'r Record)> {
    let [ours, theirs] = records;
    votes.iter().filter_map(|vote| Some((ours.get(vote.0 as usize)?, theirs.get(vote.1 as usize)?)))
}

fn agreeing(fit: &Fit) -> usize {
    fit.plateaus.iter().map(|plateau| plateau.agreeing).sum()
}

fn has_fractions(records: &[Record]) -> bool {
    let fine = records.iter().filter(|record| record.is(flag::FINE_TIME)).count();
    fine > 0 && fine * 2 >= records.len()
}

/// Prepared records of one call, by their times.
fn at_once(learned: &Learned, ours: &Record, theirs: &Record) -> bool {
    let apart = learned.moment(Side::Ours, ours) - learned.moment(Side::Theirs, theirs);
    if apart.abs() <= learned.tolerance_ms {
        return true;
    }
    let reading = |clock: &super::Clock, record: &Record| clock.other_reading(record.start_ms);
    reading(&learned.clocks[1], theirs)
        .is_some_and(|other| (apart + theirs.start_ms - other).abs() <= learned.tolerance_ms)
        || reading(&learned.clocks[0], ours)
            .is_some_and(|other| (apart - ours.start_ms + other).abs() <= learned.tolerance_ms)
}

/// The moments that agree best, and the clocks by them.
fn fit_with_basis(
    ours: &[Record],
    theirs: &[Record],
    votes: &[Vote],
    fine: bool,
) -> Option<([TimeBasis; 2], Fit)> {
    use TimeBasis::{Answer, End, Start};
    let pairs: Vec<(&Record, &Record)> = votes
        .iter()
        .filter_map(|vote| Some((ours.get(vote.0 as usize)?, theirs.get(vote.1 as usize)?)))
        .collect();
    let tick = |basis: [TimeBasis; 2], (a, b): &(&Record, &Record)| {
        let whole = |time: i64| if fine { time } else { time.div_euclid(SECOND) * SECOND };
        Tick {
            ours: whole(moment(basis[0], a)),
            theirs: whole(moment(basis[1], b)),
            places: [a.place, b.place],
            answered: !a.is(flag::ATTEMPT) && !b.is(flag::ATTEMPT),
        }
    };
    let ticks = |basis: [TimeBasis; 2]| -> Vec<Tick> { pairs.iter().map(|pair| tick(basis, pair)).collect() };
    let only_answered = |mut ticks: Vec<Tick>| {
        ticks.retain(|tick| tick.answered);
        ticks
    };
    let as_written = [Start, Start];
    let mut all = ticks(as_written);
    sort(&mut all);
    let answered = only_answered(all.clone());
    let count = answered.len();
    let close = |fit: &Option<Fit>| {
        fit.as_ref().map_or(0, |fit| {
            (0..fit.ticks.len())
                .filter(|place| fit.residual(*place).is_some_and(|apart| apart.abs() <= 2 * SECOND))
                .count()
        })
    };
    let written = close(&fit_sorted(answered));
    let mut best = (as_written, written);
    if written * 10 < count * 9 && count >= 6 {
        let rings = |side: usize| {
            pairs.iter().any(|pair| {
                let record = if side == 0 { pair.0 } else { pair.1 };
                record.ring_ms != crate::record::ABSENT_32 && record.ring_ms > 0 && !record.is(flag::MAY_RING)
            })
        };
        let rings = [rings(0), rings(1)];
        for basis in
            [[Answer, Start], [Start, Answer], [End, Start], [Start, End], [End, End], [Answer, Answer]]
        {
            let possible = (0..2).all(|side| basis[side] != Answer || rings[side]);
            if !possible {
                continue;
            }
            let agreeing = close(&fit(only_answered(ticks(basis))));
            if agreeing > best.1 + best.1 / 4 + 3 {
                best = (basis, agreeing);
            }
        }
    }
    let fit = if best.0 == as_written { fit_sorted(all) } else { fit(ticks(best.0)) };
    fit.map(|fit| (best.0, fit))
}

fn learn_basis(learned: &mut Learned, basis: [TimeBasis; 2]) {
    use TimeBasis::{Answer, End, Start};
    learned.basis = basis;
    for side in Side::BOTH {
        let (this, other) = (side.index(), side.other().index());
        if basis[this] != Start || basis[other] == Start {
            continue;
        }
        let name = if basis[other] == End { "end" } else { "answer" };
        learned.findings.push(finding("time_basis", Some(side), json!({"basis": name})));
        if basis[other] == End {
            // From its end and its conversation the answer follows, and answers agree.
            learned.time_is_end[this] = true;
            learned.basis[other] = Answer;
        }
    }
}

/// As far as residuals reach without a gap, and some more.
fn tolerance(fit: &Fit) -> i64 {
    let mut apart: Vec<i64> =
        (0..fit.ticks.len()).filter_map(|place| fit.residual(place)).map(i64::abs).collect();
    apart.sort_unstable();
    let mad = median(&apart).min(10 * SECOND);
    let mut reach = 0;
    for value in apart {
        if value > reach + 2 * SECOND || value > WIDEST / 2 {
            break;
        }
        reach = value;
    }
    let reach = (reach + SECOND + SECOND / 2) / SECOND * SECOND;
    reach.max(6 * mad).clamp(2 * SECOND, WIDEST)
}

fn numbers(pairs: &[(&Record, &Record)], context: &LearnContext<'_>) -> [Vec<super::NumberRule>; 2] {
    let deck = DeckPrefixes::new(context.deck_prefixes);
    let seen = |party: Party| -> Vec<Seen> {
        let number = |record: &Record| match party {
            Party::Caller => record.caller,
            Party::Callee => record.callee,
        };
        // Enough to see every rule; which ones are looked at depends on the numbers alone.
        let one_in = (pairs.len() as u64).div_ceil(MOST_SEEN).max(1);
        let looked_at = |number: crate::Number| {
            (number.tail(super::number::KEPT_DIGITS).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)
                .is_multiple_of(one_in)
        };
        pairs
            .iter()
            .filter(|(ours, _)| looked_at(ours.callee))
            .map(|(ours, theirs)| Seen {
                numbers: [number(ours), number(theirs)],
                gateways: [ours.gateway, theirs.gateway],
            })
            .collect()
    };
    let mut rules = learn_numbers(&seen(Party::Callee), Party::Callee, &deck);
    let callers = learn_numbers(&seen(Party::Caller), Party::Caller, &deck);
    for (rules, callers) in rules.iter_mut().zip(callers) {
        rules.extend(callers);
    }
    rules
}

/// Whether callers of calls that are the same otherwise differ more than now and then.
fn callers_unreliable<'r>(called: impl Iterator<Item = (&'r Record, &'r Record)>) -> bool {
    let known = called.filter(|(ours, theirs)| !ours.caller.is_none() && !theirs.caller.is_none());
    let (mut all, mut differ) = (0usize, 0usize);
    for (ours, theirs) in known {
        all += 1;
        differ += usize::from(ours.caller != theirs.caller);
    }
    differ >= 3 && differ * 200 >= all
}

fn more_findings(
    learned: &Learned,
    ours: &[Record],
    theirs: &[Record],
    context: &LearnContext<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for side in Side::BOTH {
        let names = context.sides[side.index()].names;
        for rule in &learned.numbers[side.index()] {
            let mut values = if rule.is_tech_prefix() {
                json!({"prefix": rule.from.to_string(), "party": rule.party, "support": rule.support})
            } else {
                json!({"from": rule.from.to_string(), "to": rule.to.to_string(), "party": rule.party, "support": rule.support})
            };
            let gateway = rule.gateway.and_then(|gateway| names.gateways.get(usize::from(gateway)));
            if let (Some(gateway), Some(values)) = (gateway, values.as_object_mut()) {
                values.insert("gateway".to_owned(), json!(gateway));
            }
            let kind = if rule.is_tech_prefix() { "tech_prefix" } else { "number_format" };
            findings.push(finding(kind, Some(side), values));
        }
        let records = if side == Side::Ours { ours } else { theirs };
        for (index, tech) in names.techs.iter().enumerate() {
            let support = records.iter().filter(|record| record.tech() == Some(index)).count();
            if support > 0 {
                let values = json!({"prefix": tech, "party": Party::Callee, "support": support});
                findings.push(finding("tech_prefix", Some(side), values));
            }
        }
    }
    let names = [context.sides[0].names, context.sides[1].names];
    let differ = habits::names_that_differ(&learned.gateways, names);
    if !differ.is_empty() {
        let map: serde_json::Map<String, serde_json::Value> =
            differ.into_iter().map(|(theirs, ours)| (theirs, json!(ours))).collect();
        findings.push(finding("gateway_names", Some(Side::Theirs), json!({"names": map})));
    }
    let orders = [habits::order(ours), habits::order(theirs)];
    if orders[0] != orders[1] && !orders.contains(&"unknown") {
        findings.push(finding("order", None, json!({"ours": orders[0], "theirs": orders[1]})));
    }
    findings
}
