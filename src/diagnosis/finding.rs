//! A cause found by one look, before it is joined with what earlier looks knew.

use chrono::{DateTime, TimeDelta, Utc};

use super::locate::{Suspect, Verdict};
use super::symptom::{Evidence, PathState};
use super::{Cause, Input, Side, poller};
use crate::inventory::{ElementIndex, ElementKind, Owner};
use crate::locale::Message;

/// A cause, where it is, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Cause.
    pub cause: Cause,
    /// Element at fault.
    pub segment: ElementIndex,
    /// First bad round.
    pub began: DateTime<Utc>,
    /// Last bad round.
    pub last_seen: DateTime<Utc>,
    /// 0 to 1.
    pub confidence: f64,
    /// Share lost over the paths it explains.
    pub loss_ratio: Option<f64>,
    /// Targets whose recovery proves its end.
    pub targets: Vec<String>,
    /// The location behind it, for causes that show by loss.
    pub verdict: Option<Verdict>,
    /// What else is to be said for it.
    pub reasons: Vec<Message>,
    /// Whether others answered since it began, so that neither we nor anything on the way is to blame.
    pub witnessed: bool,
}

/// The finding of a verdict; `None` for a responder, which is nobody's trouble.
#[must_use]
pub fn of_verdict(input: &Input, paths: &[Evidence], verdict: Verdict) -> Option<Finding> {
    let (segment, cause) = match verdict.suspect {
        Suspect::Responder(_) => return None,
        Suspect::Element(index) => {
            (index, cause_of_element(input.inventory.element(index).kind, verdict.is_total())?)
        }
        Suspect::Service(index) => (index, cause_of_service(input.inventory.element(index).kind)?),
    };
    let explained = || verdict.explains.iter().map(|place| &paths[*place]);
    let (sent, received) = explained().fold((0_u32, 0_u32), |(sent, received), path| {
        (sent.saturating_add(path.sent), received.saturating_add(path.received))
    });
    let targets = explained().map(|path| input.inventory.targets()[path.target].name.clone()).collect();
    Some(Finding {
        cause,
        segment,
        began: verdict.began,
        last_seen: verdict.last_seen,
        confidence: verdict.confidence(),
        loss_ratio: (sent > 0).then(|| f64::from(sent - received.min(sent)) / f64::from(sent)),
        targets,
        reasons: Vec::new(),
        witnessed: witnessed(input, paths, segment, &verdict),
        verdict: Some(verdict),
    })
}

const fn cause_of_element(kind: ElementKind, total: bool) -> Option<Cause> {
    match (kind, total) {
        (ElementKind::Server, true) => Some(Cause::ServerDown),
        // The way to it is clean by its neighbours: it drops what arrives.
        (ElementKind::Server, false) => Some(Cause::ServerResources),
        (ElementKind::Device, _) => Some(Cause::NetworkDevice),
        (ElementKind::Link, _) => Some(Cause::Fibre),
        (ElementKind::Trunk, _) => Some(Cause::LandingTrunk),
        (ElementKind::Gateway, true) => Some(Cause::GatewayDown),
        (ElementKind::Gateway, false) => Some(Cause::GatewayHardware),
        (ElementKind::Access, _) => Some(Cause::CustomerAccess),
        (ElementKind::Site | ElementKind::Customer, _) => None,
    }
}

const fn cause_of_service(kind: ElementKind) -> Option<Cause> {
    match kind {
        ElementKind::Server => Some(Cause::ServerState),
        ElementKind::Gateway => Some(Cause::GatewayDown),
        ElementKind::Trunk => Some(Cause::LandingTrunk),
        _ => None,
    }
}

/// Whose trouble it is (contract section 5).
#[must_use]
pub fn side_of(input: &Input, cause: Cause, segment: ElementIndex) -> Side {
    let facts = &input.inventory.element(segment).facts;
    match cause {
        Cause::CustomerAccess => Side::Customer,
        Cause::ServerDown | Cause::ServerState | Cause::ServerResources | Cause::NetworkDevice => {
            Side::Company
        }
        Cause::Fibre if facts.carrier.is_none() => Side::Company,
        Cause::Fibre | Cause::LandingTrunk => Side::Carrier,
        Cause::GatewayDown | Cause::GatewayUnregistered | Cause::GatewayConfig | Cause::GatewayHardware => {
            if facts.owner == Some(Owner::Company) {
                Side::Company
            } else {
                Side::Customer
            }
        }
    }
}

/// Whether what lies around the segment has answered while the segment was silent: in a round
/// that began after the first and before the last bad one. Without that a verdict waits, for its
/// neighbours' rounds may simply not have ended yet, neither when the trouble begins nor when it
/// ends.
fn witnessed(input: &Input, paths: &[Evidence], segment: ElementIndex, verdict: &Verdict) -> bool {
    let path_of = |path: &Evidence| input.inventory.path(input.inventory.targets()[path.target].element);
    let is_service = matches!(verdict.suspect, Suspect::Service(_));
    let others: Vec<&Evidence> = paths
        .iter()
        .enumerate()
        .filter(|(place, path)| path.state != PathState::Unknown && !verdict.explains.contains(place))
        .map(|(_, path)| path)
        .filter(|path| is_service || !path_of(path).contains(&segment))
        .collect();
    let testifies = |path: &&&Evidence| answered_within(input, path, verdict);
    let anchored = poller::anchored(input, verdict.began, verdict.last_seen);
    // Where everything lies behind the segment, nothing but an anchor tells its fault from our
    // own isolation; a network of one element has nobody else to blame.
    let explained = super::reason::elements_of(input, paths, &verdict.explains);
    let is_alone = others.is_empty() && explained.len() < 2;
    if !is_alone && !anchored && !others.iter().any(|path| testifies(&path)) {
        return false;
    }
    input.inventory.path(segment).iter().filter(|upstream| **upstream != segment).all(|upstream| {
        let mut beside = others.iter().filter(|path| path_of(path).contains(upstream)).peekable();
        beside.peek().is_none() || beside.any(|path| testifies(&path))
    })
}

fn answered_within(input: &Input, path: &Evidence, verdict: &Verdict) -> bool {
    let targets = input.inventory.targets();
    let Some(series) = input.series.iter().find(|series| series.target == path.target) else { return false };
    // The newest bad round must have its witness too: the trouble may have begun by chance with
    // one lost request and gone on as our own isolation.
    let interval = targets[path.target].interval.max(verdict.interval);
    let recently = verdict.last_seen - TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX);
    let from = verdict.began.max(recently);
    series
        .rounds
        .iter()
        .rev()
        .take_while(|round| round.start >= from)
        // A round with losses of its own may have been answered before or after, nobody knows.
        .any(|round| round.start <= verdict.last_seen && round.received * 5 > round.sent * 4)
}
