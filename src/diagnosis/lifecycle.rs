//! What a new look does to a fault that is already known: suspected, raised, clearing, cleared.
//!
//! Hysteresis lives here and in [`super::locate`]. A fault is raised when two looks see it, its
//! neighbours have been heard since, and it is over only when each of its own targets has
//! answered well for long enough: not seeing it again is not its end.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use linesman_probes::probe::ProbeKind;

use super::registration::is_good_answer;
use super::resources::is_well;
use super::{Class, Fault, FaultState, Input, Series};

/// Looks in a row that must see a fault before it is raised.
const LOOKS: u32 = 2;
/// How long a cleared fault is still told of, so that nobody misses its end.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);

/// First good round after a time and how many follow it without a break until now.
fn good_run(input: &Input, series: &Series, after: DateTime<Utc>) -> Option<(DateTime<Utc>, u32)> {
    let kind = input.inventory.targets()[series.target].spec.kind();
    let mut first = None;
    let mut count = 0_u32;
    let ended = series.rounds.iter().rev().filter(|round| round.end <= input.now);
    for round in ended.take_while(|round| round.start > after) {
        let good = match (kind, &round.host) {
            (ProbeKind::Host, Some(reading)) => is_well(reading),
            (ProbeKind::Host, None) => false,
            _ => is_good_answer(kind, round) && round.is_mostly_answered(),
        };
        if !good {
            break;
        }
        first = Some(round.start);
        count += 1;
    }
    first.map(|first| (first, count))
}

/// Joins what this look found with what earlier looks knew.
#[must_use]
pub fn advance(input: &Input, found: Vec<(Fault, bool)>) -> Vec<Fault> {
    let mut known: Vec<Fault> =
        input.faults.iter().map(|fault| not_after(fault.clone(), input.now)).collect();
    let mut faults = Vec::new();
    let keys: HashSet<String> = found.iter().map(|(fault, _)| fault.key.clone()).collect();
    for (fault, witnessed) in found {
        let place = known
            .iter()
            .position(|old| old.key == fault.key && !matches!(old.life, FaultState::Cleared { .. }));
        let old = place.map(|place| known.remove(place));
        if is_left_over(input, &fault, old.as_ref(), &keys) {
            // Not raised, and no better location either; one that was raised before stays so.
            let life = old.as_ref().map_or(FaultState::Suspected { looks: 0 }, |old| old.life.clone());
            let is_suspected = matches!(life, FaultState::Suspected { .. });
            faults.push(if is_suspected {
                Fault { life, ..fault }
            } else {
                seen(input, fault, old, witnessed)
            });
            continue;
        }
        let old = old.or_else(|| if witnessed { narrowed(input, &fault, &mut known, &keys) } else { None });
        faults.push(seen(input, fault, old, witnessed));
    }
    let series: BTreeMap<&str, &Series> = input
        .series
        .iter()
        .map(|series| (input.inventory.targets()[series.target].name.as_str(), series))
        .collect();
    faults.extend(known.into_iter().filter_map(|old| unseen(input, old, &series)));
    // The end of an earlier episode is no news any more once the fault is back.
    let back: HashSet<String> =
        faults.iter().filter(|fault| fault.is_open()).map(|fault| fault.key.clone()).collect();
    faults.retain(|fault| fault.is_open() || !back.contains(&fault.key));
    // What has become a fault of its own is no former name of another.
    for fault in &mut faults {
        fault.aliases.retain(|alias| !back.contains(alias));
    }
    faults
}

/// Whether a fault is only what another one left behind: all its targets were explained by a fault that this look
/// does not see any more, and none of them has been measured badly again since. A round under way while
/// a link comes back ends badly, and says nothing of the line behind it.
fn is_left_over(input: &Input, fault: &Fault, old: Option<&Fault>, keys: &HashSet<String>) -> bool {
    let explained = |by: &&Fault| {
        by.key != fault.key
            && !keys.contains(&by.key)
            && !matches!(by.life, FaultState::Suspected { .. })
            && by.last_seen >= fault.began
            && fault.targets.iter().all(|target| by.targets.contains(target))
    };
    let until = input.faults.iter().filter(explained).map(|by| by.last_seen).max();
    until.is_some_and(|until| {
        // Two bad rounds after it, as for any other fault: one of them may have been under way.
        let known = old.map_or(until, |old| until.max(old.last_seen));
        fault.last_seen <= known || old.is_none()
    })
}

/// A clock that was set back left times that lie ahead; nothing could come after them for as long.
fn not_after(mut fault: Fault, now: DateTime<Utc>) -> Fault {
    fault.began = fault.began.min(now);
    fault.last_seen = fault.last_seen.min(now);
    fault.life = match fault.life {
        FaultState::Suspected { looks } => FaultState::Suspected { looks },
        FaultState::Raised { at } => FaultState::Raised { at: at.min(now) },
        FaultState::Clearing { since, raised_at, good_rounds } => {
            FaultState::Clearing { since: since.min(now), raised_at: raised_at.min(now), good_rounds }
        }
        FaultState::Cleared { at, since } => FaultState::Cleared { at: at.min(now), since: since.min(now) },
    };
    fault
}

/// A fault seen by this look.
fn seen(input: &Input, mut fault: Fault, old: Option<Fault>, witnessed: bool) -> Fault {
    let Some(old) = old else {
        fault.life = FaultState::Suspected { looks: 1 };
        return fault;
    };
    fault.began = fault.began.min(old.began);
    fault.last_seen = fault.last_seen.max(old.last_seen);
    fault.aliases = old.aliases.clone();
    // What was only suspected has no ticket, and may yet break by itself.
    if old.is_open() && old.key != fault.key && !fault.aliases.contains(&old.key) {
        fault.aliases.push(old.key.clone());
    }
    fault.targets = union(&old.targets, &fault.targets);
    // Its end must be heard, whatever else shows it meanwhile.
    fault.voice = fault.voice.or(old.voice);
    fault.life = match old.life {
        FaultState::Suspected { looks } if looks + 1 >= LOOKS && witnessed => {
            FaultState::Raised { at: input.now }
        }
        FaultState::Suspected { looks } => FaultState::Suspected { looks: looks.saturating_add(1) },
        FaultState::Raised { at } => FaultState::Raised { at },
        FaultState::Clearing { raised_at, .. } => FaultState::Raised { at: raised_at },
        FaultState::Cleared { .. } => FaultState::Suspected { looks: 1 },
    };
    fault
}

fn union(old: &[String], new: &[String]) -> Vec<String> {
    let mut all = old.to_vec();
    if old == new {
        return all;
    }
    let known: HashSet<&String> = old.iter().collect();
    all.extend(new.iter().filter(|name| !known.contains(name)).cloned());
    all
}

/// The open fault that the new one is the better location of: its targets are now explained by
/// the new one, it is not found any more itself, and both began together.
fn narrowed(input: &Input, fault: &Fault, known: &mut Vec<Fault>, keys: &HashSet<String>) -> Option<Fault> {
    if known.is_empty() {
        return None;
    }
    let targets: HashSet<&String> = fault.targets.iter().collect();
    let together = TimeDelta::from_std(input.settings.hard_window * 2).unwrap_or(TimeDelta::MAX);
    let is_same = |old: &Fault| {
        !keys.contains(&old.key)
            && !matches!(old.life, FaultState::Cleared { .. })
            && (old.began - fault.began).abs() <= together
            && old.targets.iter().any(|target| targets.contains(target))
    };
    // The one that people may have a ticket of goes on.
    let first = known
        .iter()
        .position(|old| old.is_open() && is_same(old))
        .or_else(|| known.iter().position(is_same))?;
    let kept = known.remove(first);
    // Several leaves may have been suspected before their common cause was seen: one goes on as
    // the cause, the others were never faults of their own.
    known.retain(|old| !(is_same(old) && matches!(old.life, FaultState::Suspected { .. })));
    Some(kept)
}

/// A fault that this look did not see.
fn unseen(input: &Input, mut old: Fault, series: &BTreeMap<&str, &Series>) -> Option<Fault> {
    // What is no longer in the inventory cannot be measured to its end; its ticket stays with people.
    input.inventory.find(&old.segment)?;
    let raised_at = match old.life {
        FaultState::Suspected { .. } => return None,
        FaultState::Cleared { at, .. } => return (input.now - at < REMEMBERED).then_some(old),
        FaultState::Raised { at } => at,
        FaultState::Clearing { raised_at, .. } => raised_at,
    };
    // What was heard to be bad is over when it is heard to be good.
    let is_heard = old.class == Class::D && old.voice.is_some();
    if !matches!(old.life, FaultState::Cleared { .. })
        && !is_heard
        && !old.targets.iter().any(|name| series.contains_key(name.as_str()))
    {
        return None;
    }
    let measured: Vec<&&Series> = old.targets.iter().filter_map(|name| series.get(name.as_str())).collect();
    let mut runs: Vec<(DateTime<Utc>, u32)> =
        measured.iter().filter_map(|series| good_run(input, series, old.last_seen)).collect();
    if is_heard {
        runs.extend(super::voice::good_run(input, &old));
    }
    if runs.is_empty() || runs.len() < measured.len() + usize::from(is_heard) {
        if let FaultState::Clearing { since, raised_at, .. } = old.life {
            old.life = FaultState::Clearing { since, raised_at, good_rounds: 0 };
        }
        return Some(old);
    }
    let since = runs.iter().map(|(since, _)| *since).max()?;
    let good_rounds = runs.iter().map(|(_, rounds)| *rounds).min()?;
    let verify_for = TimeDelta::from_std(input.settings.verify_for).unwrap_or(TimeDelta::MAX);
    let proven = good_rounds >= input.settings.verify_rounds && input.now - since >= verify_for;
    old.life = if proven {
        FaultState::Cleared { at: input.now, since }
    } else {
        FaultState::Clearing { since, raised_at, good_rounds }
    };
    Some(old)
}
