//! Causes of records: missing, doubled, in parts, at the edge of the period.

use super::case::Class;
use super::deviation::{Deviation, Pricer};
use super::edge::Edge;
use super::found::{Found, Pick};
use super::leg::{Item, Leg, Standing};
use super::selector::{Evidence, Finder};
use crate::outcome::{CauseKind, Fault};
use crate::record::Side;

/// Everything but calls in parts, which need what else is known of their side.
pub(super) fn find(
    items: &[Item],
    records_attempts: [bool; 2],
    edges: &[Edge],
    finder: &Finder<'_>,
) -> Vec<Found> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        let mut missing = Evidence::default();
        let mut doubled = Evidence::default();
        let (mut cut_off, mut interim) = (false, [false; 2]);
        for (at, item) in items.iter().enumerate() {
            let here = item.side == side;
            match item.class {
                Class::Only if !here && edges.iter().any(|edge| edge.side == side && edge.cuts_off(item)) => {
                    cut_off = true;
                }
                Class::Only if !here => {
                    let attempt = item.legs.iter().flatten().all(|leg| !leg.situation.answered);
                    if !attempt || records_attempts[side.index()] {
                        missing.hit(at);
                    }
                }
                Class::Duplicate if here => doubled.hit(at),
                Class::CutOff if !here => cut_off = true,
                Class::Interim if here => {
                    let charged = item.legs[side.index()].as_ref().is_some_and(|leg| leg.charged() != 0);
                    interim[usize::from(charged)] = true;
                }
                Class::Pair => {
                    missing.miss(at);
                    doubled.miss(at);
                }
                _ => {}
            }
        }
        found.extend(bound(items, &missing, side, Deviation::Missing, CauseKind::MissingRecords, finder));
        let kind = CauseKind::DuplicateRecords;
        found.extend(bound(items, &doubled, side, Deviation::Extra(kind), kind, finder));
        if cut_off {
            let kind = CauseKind::PeriodCutoff;
            let cause = Found::on(side, Deviation::Missing, kind, Pick::default());
            found.push(Found { at_fault: Fault::None, ..cause });
        }
        for (seen, kind) in
            interim.into_iter().zip([CauseKind::PartialRecords, CauseKind::PartialRecordsRecharged])
        {
            if seen {
                found.push(Found::on(side, Deviation::Extra(kind), kind, Pick::default()));
            }
        }
    }
    found
}

/// One cause for each dense rectangle, one for what is scattered.
fn bound(
    items: &[Item],
    evidence: &Evidence,
    side: Side,
    deviation: Deviation,
    kind: CauseKind,
    finder: &Finder<'_>,
) -> Vec<Found> {
    if evidence.hits.is_empty() {
        return Vec::new();
    }
    let mut picks = finder.rectangles(items, evidence);
    let scattered = |at: &&usize| {
        let keys = &items[**at].keys;
        !picks.iter().any(|pick| pick.includes(keys, finder.destinations))
    };
    if evidence.hits.iter().any(|at| scattered(&at)) {
        picks.push(Pick::default());
    }
    picks.into_iter().map(|pick| Found::on(side, deviation, kind, pick)).collect()
}

/// Causes of calls in parts: charged together as the whole, or each by itself; bound to the calls that come in
/// parts, where others that last as long do not.
pub(super) fn parts(items: &[Item], pricer: &Pricer<'_>, found: &[Found], finder: &Finder<'_>) -> Vec<Found> {
    let mut causes = Vec::new();
    for side in Side::BOTH {
        let (mut recharged, mut together, mut either) = (Vec::new(), Vec::new(), Vec::new());
        // A call is cut where a part is full: those longer than the longest part would have been.
        let mut longest = 0;
        for (at, item) in items.iter().enumerate() {
            let Some(leg) = item.legs[side.index()].as_ref().filter(|leg| leg.standing == Standing::Parts)
            else {
                continue;
            };
            let picked = found.iter().filter(|found| {
                found.side == Some(side)
                    && found.deviation.order() >= 4
                    && !found.optional
                    && found.pick.includes(&item.keys, finder.destinations)
            });
            let rules: Vec<Deviation> = picked.map(|found| found.deviation).collect();
            let (apart, whole) = charged_as(leg, pricer, &rules);
            match (apart, whole) {
                (true, false) => recharged.push(at),
                (false, true) => together.push(at),
                (true, true) => either.push(at),
                // Neither: the amounts together are not those of the whole.
                (false, false) => recharged.push(at),
            }
            let parts = leg.parts.iter().map(|(_, situation)| situation.own_ms);
            longest = longest.max(parts.max().unwrap_or(0));
        }
        let long = |item: &Item| {
            let leg = item.legs[side.index()].as_ref();
            leg.is_some_and(|leg| leg.standing == Standing::Whole && leg.situation.own_ms > longest)
                && item.class == Class::Pair
        };
        let whole: Vec<usize> = (0..items.len()).filter(|at| long(&items[*at])).collect();
        let mut push = |deviation: Deviation, kind: CauseKind, hits: Vec<usize>| {
            let evidence = Evidence { hits, misses: whole.clone() };
            let mut picks = finder.find(items, &evidence, 0.995);
            let missed =
                |at: &usize| !picks.iter().any(|p| p.includes(&items[*at].keys, finder.destinations));
            if picks.is_empty() || evidence.hits.iter().any(missed) {
                picks = vec![Pick::default()];
            }
            causes.extend(picks.into_iter().map(|pick| Found::on(side, deviation, kind, pick)));
        };
        if recharged.is_empty() {
            together.append(&mut either);
        } else {
            recharged.append(&mut either);
        }
        if !recharged.is_empty() {
            push(Deviation::Parts, CauseKind::PartialRecordsRecharged, recharged);
        }
        if !together.is_empty() {
            push(Deviation::Together, CauseKind::PartialRecords, together);
        }
    }
    causes
}

/// Whether parts are charged each by itself, and whether together as the whole.
fn charged_as(leg: &Leg, pricer: &Pricer<'_>, rules: &[Deviation]) -> (bool, bool) {
    let apart: Vec<Deviation> = rules.iter().copied().chain([Deviation::Parts]).collect();
    let mut as_parts = leg.explained_by(pricer, &apart);
    let mut as_whole = leg.explained_by(pricer, rules);
    if !as_parts && !as_whole {
        as_parts = leg.explained_by(pricer, &[Deviation::Parts]);
        as_whole = leg.explained_by(pricer, &[]);
    }
    (as_parts, as_whole)
}
