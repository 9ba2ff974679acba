//! Causes of records: missing, doubled, in parts, at the edge of the period.

use super::case::Class;
use super::deviation::{Deviation, Pricer};
use super::found::{Destinations, Found, Pick};
use super::leg::{Item, Leg, Standing};
use super::selector::{Evidence, Finder};
use crate::outcome::{CauseKind, Fault};
use crate::record::Side;

/// Everything but calls in parts, which need what else is known of their side.
pub(super) fn find(items: &[Item], records_attempts: [bool; 2], finder: &Finder<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        let mut missing = Evidence::default();
        let mut doubled = Evidence::default();
        let (mut cut_off, mut interim) = (false, [false; 2]);
        for (at, item) in items.iter().enumerate() {
            let here = item.side == side;
            match item.class {
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

/// Causes of calls in parts: charged together as the whole, or each by itself.
pub(super) fn parts(
    items: &[Item],
    pricer: &Pricer<'_>,
    found: &[Found],
    destinations: &Destinations,
) -> Vec<Found> {
    let mut causes = Vec::new();
    for side in Side::BOTH {
        let (mut recharged, mut together, mut either) = (false, false, false);
        for item in items {
            let Some(leg) = item.legs[side.index()].as_ref().filter(|leg| leg.standing == Standing::Parts)
            else {
                continue;
            };
            let picked = found.iter().filter(|found| {
                found.side == Some(side)
                    && found.deviation.order() >= 4
                    && !found.optional
                    && found.pick.includes(&item.keys, destinations)
            });
            let rules: Vec<Deviation> = picked.map(|found| found.deviation).collect();
            let (apart, whole) = charged_as(leg, pricer, &rules);
            match (apart, whole) {
                (true, false) => recharged = true,
                (false, true) => together = true,
                (true, true) => either = true,
                // Neither: the amounts together are not those of the whole.
                (false, false) => recharged = true,
            }
        }
        let mut push = |kind: CauseKind| {
            causes.push(Found::on(side, Deviation::Parts, kind, Pick::default()));
        };
        if recharged {
            push(CauseKind::PartialRecordsRecharged);
        }
        if together || either && !recharged {
            push(CauseKind::PartialRecords);
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
