//! A cause found by one look, before it is joined with what earlier looks knew.

use chrono::{DateTime, TimeDelta, Utc};

use super::locate::{Suspect, Verdict};
use super::symptom::{Evidence, PathState, Paths};
use super::{Cause, Input, Side, poller};
use crate::inventory::{ElementIndex, ElementKind, Owner};
use crate::locale::Message;
use crate::voice::Cohort;

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
    /// Bad calls that were listened to.
    pub voice: Option<Box<Cohort>>,
}

/// The finding of a verdict; `None` for a responder, which is nobody's trouble.
#[must_use]
pub fn of_verdict(input: &Input, paths: &Paths, verdict: Verdict) -> Option<Finding> {
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
        witnessed: !verdict.contested && witnessed(input, paths, segment, &verdict),
        verdict: Some(verdict),
        voice: None,
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
        // No probe finds a bill's cause.
        Cause::Billing(_) | Cause::Unexplained | Cause::BilledMedia => Side::Undecided,
        Cause::GatewayDown | Cause::GatewayUnregistered | Cause::GatewayConfig | Cause::GatewayHardware => {
            if facts.owner == Some(Owner::Company) {
                Side::Company
            } else {
                Side::Customer
            }
        }
    }
}

/// Whether what lies around the segment has answered while the segment was silent. Without that
/// a verdict waits, for its neighbours' rounds may simply not have ended yet, neither when the
/// trouble begins nor when it ends.
///
/// Both the oldest and the newest of the bad rounds that the paths showed last need a witness: a
/// fault that lasts must not vouch for silence that was our own isolation and is only not yet
/// measured again.
fn witnessed(input: &Input, paths: &Paths, segment: ElementIndex, verdict: &Verdict) -> bool {
    let oldest = verdict.explains.iter().filter_map(|place| paths[*place].last_bad).min();
    let mut involved = vec![false; paths.len()];
    let is_service = matches!(verdict.suspect, Suspect::Service(_));
    let through: &[usize] = if is_service { &[] } else { paths.through(segment) };
    for place in verdict.explains.iter().chain(through) {
        involved[*place] = true;
    }
    let is_other = |place: &usize| !involved[*place] && paths[*place].state != PathState::Unknown;
    let moments = [oldest.unwrap_or(verdict.last_seen), verdict.last_seen];
    moments.into_iter().all(|moment| {
        let testifies = |place: &usize| answered_before(input, &paths[*place], verdict, moment);
        let anchored = poller::anchored(input, verdict.began, moment);
        // Where everything lies behind the segment, nothing but an anchor tells its fault from our
        // own isolation; a network of one element has nobody else to blame.
        let explained = super::reason::elements_of(input, paths, &verdict.explains);
        let is_alone = explained.len() < 2 && !(0..paths.len()).any(|place| is_other(&place));
        // Whoever answered last is asked first.
        if !is_alone && !anchored && !paths.answered().iter().filter(|place| is_other(place)).any(testifies) {
            let silent = (0..paths.len()).filter(|place| paths[*place].state != PathState::Answering);
            if !silent.filter(is_other).any(|place| testifies(&place)) {
                return false;
            }
        }
        input.inventory.path(segment).iter().filter(|upstream| **upstream != segment).all(|upstream| {
            let mut beside = paths.through(*upstream).iter().filter(|place| is_other(place)).peekable();
            beside.peek().is_none() || beside.any(testifies)
        })
    })
}

/// Whether a path answered in a round that began after the trouble and shortly before a moment of it.
fn answered_before(input: &Input, path: &Evidence, verdict: &Verdict, moment: DateTime<Utc>) -> bool {
    let series = &input.series[path.series];
    // Not since the beginning alone: the trouble may have begun by chance with one lost request
    // and gone on as our own isolation.
    let interval = input.inventory.targets()[path.target].interval.max(verdict.interval);
    let recently = moment - TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX);
    let from = verdict.began.max(recently);
    series
        .rounds
        .iter()
        .rev()
        .filter(|round| round.end <= input.now)
        .take_while(|round| round.start >= from)
        // A round with losses of its own may have been answered before or after, nobody knows.
        .any(|round| round.start <= moment && round.is_mostly_answered())
}
