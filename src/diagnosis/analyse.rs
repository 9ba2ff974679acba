//! One look at the measurements, from frozen input to faults.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{self, Finding};
use super::lifecycle;
use super::locate::{Suspect, locate};
use super::symptom::{Evidence, PathState, Paths, weigh};
use super::{
    Cause, Diagnosis, ElementReport, ElementState, Fault, FaultState, Input, PollerState, Severity, poller,
    reason, registration, resources, trees, voice,
};
use crate::inventory::{ElementIndex, ElementKind};

/// Customers behind a fault from which it is critical (mission section 9: red).
const CRITICAL_CUSTOMERS: usize = 100;

/// What is broken, where, and why we think so.
#[must_use]
pub fn analyse(input: &Input) -> Diagnosis {
    let paths = weigh(input);
    let footing = poller::footing(input, &paths);
    if matches!(footing, PollerState::Isolated { .. }) {
        // We cannot judge: nothing is raised, nothing is cleared, nothing is known.
        let faults = input
            .faults
            .iter()
            .filter(|fault| !matches!(fault.life, FaultState::Suspected { .. }))
            .cloned()
            .collect();
        let elements = report(input, None, &BTreeMap::new());
        return Diagnosis { at: input.now, poller: footing, faults, elements };
    }
    let kept = suspects_of_open_faults(input);
    let mut findings: Vec<Finding> = locate(input, &paths, &kept)
        .into_iter()
        .filter_map(|verdict| finding::of_verdict(input, &paths, verdict))
        .collect();
    let down: BTreeSet<ElementIndex> = findings.iter().map(|finding| finding.segment).collect();
    // A gateway behind a fault cannot register: that is explained already.
    findings.extend(
        registration::find(input).into_iter().filter(|told| {
            !input.inventory.path(told.segment).iter().any(|upstream| down.contains(upstream))
        }),
    );
    findings.extend(resources::find(input));
    voice::find(input, &paths, &mut findings);
    let findings = one_each(input, findings);

    let blamed = blame(input, &paths, &findings);
    let elements = report(input, Some(&paths), &blamed);
    let found = findings
        .iter()
        .map(|finding| (to_fault(input, &paths, finding, &elements), finding.witnessed))
        .collect();
    let faults = lifecycle::advance(input, found);
    Diagnosis { at: input.now, poller: footing, faults, elements }
}

/// Identity of a root cause: one element has one trouble at a time.
fn key_of(input: &Input, segment: ElementIndex) -> String {
    let element = input.inventory.element(segment);
    format!("{}/{}", element.kind.name(), element.name)
}

fn suspects_of_open_faults(input: &Input) -> Vec<Suspect> {
    input
        .faults
        .iter()
        .filter(|fault| matches!(fault.life, FaultState::Raised { .. }))
        .filter_map(|fault| input.inventory.find(&fault.segment))
        // One element has one trouble at a time, be it the host's or the service's.
        .flat_map(|index| [Suspect::Element(index), Suspect::Service(index)])
        .collect()
}

/// Joins several findings on one element: the gravest names the cause, all give their reasons.
fn one_each(input: &Input, findings: Vec<Finding>) -> Vec<Finding> {
    let mut each: BTreeMap<String, Finding> = BTreeMap::new();
    for finding in findings {
        let key = key_of(input, finding.segment);
        let Some(other) = each.remove(&key) else {
            each.insert(key, finding);
            continue;
        };
        let (mut main, extra) =
            if rank(&finding) >= rank(&other) { (finding, other) } else { (other, finding) };
        main.began = main.began.min(extra.began);
        main.last_seen = main.last_seen.max(extra.last_seen);
        main.reasons.extend(extra.reasons);
        let known: BTreeSet<String> = main.targets.iter().cloned().collect();
        main.voice = main.voice.or(extra.voice);
        main.loss_ratio = main.loss_ratio.or(extra.loss_ratio);
        main.targets.extend(extra.targets.into_iter().filter(|target| !known.contains(target)));
        each.insert(key, main);
    }
    each.into_values().collect()
}

const fn rank(finding: &Finding) -> u8 {
    match finding.cause {
        Cause::ServerDown
        | Cause::GatewayDown
        | Cause::NetworkDevice
        | Cause::Fibre
        | Cause::CustomerAccess => 3,
        Cause::ServerState | Cause::GatewayHardware | Cause::LandingTrunk => 2,
        Cause::ServerResources
        | Cause::GatewayUnregistered
        | Cause::GatewayConfig
        | Cause::Billing(_)
        | Cause::Unexplained
        | Cause::BilledMedia => 1,
    }
}

/// Which element's fault each element suffers from, its own or a nearer one's, and whether totally.
type Blame = BTreeMap<ElementIndex, (ElementIndex, bool)>;

fn blame(input: &Input, paths: &Paths, findings: &[Finding]) -> Blame {
    let mut blamed = Blame::new();
    for finding in findings {
        let total = match &finding.verdict {
            Some(verdict) => verdict.is_total(),
            None => finding.voice.is_none(),
        };
        if finding.verdict.is_some() {
            for dependent in input.inventory.dependents(finding.segment) {
                blamed.entry(*dependent).or_insert((finding.segment, total));
            }
        }
        for element in reason::explained_elements(input, paths, finding) {
            blamed.insert(element, (finding.segment, total));
        }
    }
    blamed
}

/// One report an element, in their order.
fn report(input: &Input, paths: Option<&Paths>, blamed: &Blame) -> Vec<ElementReport> {
    let mut own: BTreeMap<ElementIndex, Vec<&Evidence>> = BTreeMap::new();
    for path in paths.iter().flat_map(|paths| paths.iter()).filter(|path| path.state != PathState::Unknown) {
        own.entry(input.inventory.targets()[path.target].element).or_default().push(path);
    }
    let none = Vec::new();
    input
        .inventory
        .elements()
        .iter()
        .enumerate()
        .map(|(place, element)| {
            let index = ElementIndex(place);
            let mine = own.get(&index).unwrap_or(&none);
            let fault = blamed.get(&index);
            let is_own = fault.is_some_and(|(segment, _)| *segment == index);
            let state = match (fault, is_own) {
                (Some((_, true)), true) => ElementState::Down,
                (Some((_, false)), true) => ElementState::Degraded,
                (Some(_), false)
                    if mine.iter().all(|path| path.is_bad() || path.state != PathState::Answering) =>
                {
                    ElementState::Hidden
                }
                _ if mine.is_empty() && is_read(input, index) => ElementState::Ok,
                _ if mine.is_empty() => carried(input, index, &own),
                _ if mine.iter().all(|path| path.state == PathState::Silent) => ElementState::Down,
                _ if mine.iter().any(|path| path.is_bad()) => ElementState::Degraded,
                _ => ElementState::Ok,
            };
            let (sent, received) = mine.iter().fold((0_u32, 0_u32), |(sent, received), path| {
                (sent.saturating_add(path.sent), received.saturating_add(path.received))
            });
            let delays: Vec<f64> = mine.iter().filter_map(|path| path.rtt_mean_ms).collect();
            ElementReport {
                element: element.name.clone(),
                kind: element.kind,
                state,
                loss_ratio: (sent > 0).then(|| f64::from(sent - received.min(sent)) / f64::from(sent)),
                rtt_mean_ms: (!delays.is_empty()).then(|| delays.iter().sum::<f64>() / delays.len() as f64),
                fault: fault.map(|(segment, _)| key_of(input, *segment)),
            }
        })
        .collect()
}

/// Whether the resources of a host were read lately; what is short there is a fault, told elsewhere.
fn is_read(input: &Input, index: ElementIndex) -> bool {
    let read = |series: &crate::diagnosis::Series| {
        let target = &input.inventory.targets()[series.target];
        let longest = chrono::TimeDelta::from_std(target.interval * 3).unwrap_or(chrono::TimeDelta::MAX);
        target.element == index
            && series
                .rounds
                .back()
                .is_some_and(|round| round.host.is_some() && input.now - round.end <= longest)
    };
    input.series.iter().any(read)
}

/// An element without targets of its own is well when something beyond it answers; customers and
/// sites are as well as what is theirs.
fn carried(input: &Input, index: ElementIndex, own: &BTreeMap<ElementIndex, Vec<&Evidence>>) -> ElementState {
    let answers = |element: &ElementIndex| {
        own.get(element).is_some_and(|paths| paths.iter().any(|path| path.state == PathState::Answering))
    };
    let element = input.inventory.element(index);
    let others = match element.kind {
        ElementKind::Customer => &element.depends_on,
        _ => input.inventory.dependents(index),
    };
    // A landing line that answers says nothing of the customers who call out by it.
    let own_line = |other: &&ElementIndex| {
        element.kind != ElementKind::Customer || input.inventory.element(**other).kind != ElementKind::Trunk
    };
    if others.iter().filter(own_line).any(answers) { ElementState::Ok } else { ElementState::Unknown }
}

fn to_fault(input: &Input, paths: &Paths, finding: &Finding, elements: &[ElementReport]) -> Fault {
    let inventory = &input.inventory;
    let segment = inventory.element(finding.segment);
    let mut affected: Vec<ElementIndex> = reason::explained_elements(input, paths, finding);
    if finding.verdict.is_some() {
        affected.extend(inventory.dependents(finding.segment));
        affected.sort_unstable();
        affected.dedup();
    }
    let customers = match &finding.voice {
        // Voice alone shows who suffers; the others behind the trunk may call out by another.
        Some(cohort) if finding.verdict.is_none() && !cohort.customers.is_empty() => cohort.customers.clone(),
        _ => inventory.customers_behind(finding.segment).into_iter().map(str::to_owned).collect(),
    };
    Fault {
        key: key_of(input, finding.segment),
        aliases: Vec::new(),
        class: finding.cause.class(),
        cause: finding.cause,
        segment: segment.name.clone(),
        segment_kind: Some(segment.kind),
        billing: None,
        voice: finding.voice.clone(),
        side: finding::side_of(input, finding.cause, finding.segment),
        confidence: finding.confidence,
        severity: severity(input, finding, &customers),
        life: FaultState::Suspected { looks: 1 },
        began: finding.began,
        last_seen: finding.last_seen,
        loss_ratio: finding.loss_ratio,
        affected_elements: affected
            .into_iter()
            .filter(|index| *index != finding.segment)
            .map(|index| inventory.element(index))
            .filter(|element| element.kind != ElementKind::Customer)
            .map(|element| element.name.clone())
            .collect(),
        affected_customers: customers,
        targets: finding.targets.clone(),
        steps: trees::walk(input, finding),
        headline: reason::headline(input, paths, finding),
        reasons: reason::why(input, paths, finding),
        why_not: reason::why_not(input, paths, finding),
        hops: reason::hops(input, finding, elements, paths),
    }
}

fn severity(input: &Input, finding: &Finding, customers: &[String]) -> Severity {
    let key_account = customers
        .iter()
        .filter_map(|name| input.inventory.find(name))
        .any(|index| input.inventory.element(index).facts.key_account);
    let shared =
        matches!(finding.cause, Cause::Fibre | Cause::NetworkDevice | Cause::ServerDown | Cause::ServerState);
    let total = finding.verdict.as_ref().is_none_or(super::locate::Verdict::is_total);
    match (shared, total) {
        _ if customers.len() >= CRITICAL_CUSTOMERS => Severity::Critical,
        (true, true) => Severity::Critical,
        (true, false) => Severity::Major,
        (false, _) if key_account || customers.len() >= 10 => Severity::Major,
        (false, _) if finding.cause == Cause::LandingTrunk => Severity::Major,
        (false, _) => Severity::Minor,
    }
}
