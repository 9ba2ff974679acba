//! The sentences: what is broken and where, why there, and why not at its neighbours.

use linesman_probes::probe::ProbeKind;

use super::finding::Finding;
use super::locate::Suspect;
use super::poller::rfc3339;
use super::symptom::{Evidence, PathState, Paths};
use super::{Cause, ElementReport, ElementState, Hop, Input};
use crate::inventory::{ElementIndex, ElementKind};
use crate::locale::Message;

/// Examples named in a sentence; the rest is counted.
const EXAMPLES: usize = 3;
/// Hops drawn beyond the segment at fault.
const BEYOND: usize = 4;

/// One plain sentence for the top of the ticket.
#[must_use]
pub fn headline(input: &Input, paths: &Paths, finding: &Finding) -> Message {
    if let Some(headline) = super::voice::headline(input, paths, finding) {
        return headline;
    }
    let element = input.inventory.element(finding.segment);
    let gray = finding.verdict.as_ref().is_some_and(|verdict| !verdict.is_total());
    let key = match (finding.cause, gray) {
        (Cause::Fibre, true) => "headline.fibre_lossy".to_owned(),
        (Cause::CustomerAccess, true) => "headline.customer_access_lossy".to_owned(),
        (Cause::NetworkDevice, true) => "headline.network_device_lossy".to_owned(),
        (Cause::LandingTrunk, true) => "headline.landing_trunk_lossy".to_owned(),
        (cause, _) => format!("headline.{}", cause.name().replace('-', "_")),
    };
    let says_line_is_good =
        matches!(finding.cause, Cause::GatewayDown | Cause::GatewayHardware | Cause::LandingTrunk);
    let key = if says_line_is_good && !is_line_good(input, paths, finding) { key + "_alone" } else { key };
    let loss = finding.loss_ratio.map_or_else(|| "term.unknown".to_owned(), percent);
    Message::new(&key)
        .with("segment", &element.name)
        .with("carrier", element.facts.carrier.as_deref().unwrap_or("term.carrier_unnamed"))
        .with("far_end", element.facts.far_end.as_deref().unwrap_or("term.far_end_unnamed"))
        .with("loss", loss)
        .with("since", rfc3339(finding.began))
}

/// Whether the nearest element before the segment that carries packets was measured to be good:
/// by itself, or by something else that is reached over it.
fn is_line_good(input: &Input, paths: &Paths, finding: &Finding) -> bool {
    // A host that answers proves its line.
    if finding.verdict.as_ref().is_none_or(|verdict| matches!(verdict.suspect, Suspect::Service(_))) {
        return true;
    }
    let before = input.inventory.path(finding.segment).iter().rev().find(|index| **index != finding.segment);
    before.is_some_and(|before| paths.clean(*before).len() > paths.clean(finding.segment).len())
}

/// Why this segment.
#[must_use]
pub fn why(input: &Input, paths: &Paths, finding: &Finding) -> Vec<Message> {
    let mut reasons = finding.reasons.clone();
    reasons.extend(super::voice::reasons(finding));
    let Some(verdict) = &finding.verdict else { return reasons };
    let segment = &input.inventory.element(finding.segment).name;
    let key = match (verdict.suspect, verdict.is_total()) {
        (Suspect::Service(_), _) => "reason.service_silent",
        (_, true) => "reason.silent",
        (_, false) => "reason.lossy",
    };
    reasons.push(
        Message::new(key)
            .with("segment", segment)
            .with("bad", verdict.explains.len())
            .with("all", verdict.explains.len() + verdict.clean.len())
            .with("loss", finding.loss_ratio.map_or_else(|| "term.unknown".to_owned(), percent))
            .with("examples", examples(input, paths, &verdict.explains))
            .with("since", rfc3339(verdict.began)),
    );
    let mut kinds: Vec<&str> = verdict
        .explains
        .iter()
        .map(|place| input.inventory.targets()[paths[*place].target].spec.kind().name())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() > 1 {
        reasons.push(Message::new("reason.protocols_agree").with("protocols", kinds.join(", ")));
    }
    let witness =
        paths.answered().iter().find(|place| verdict.explains.binary_search(place).is_err()).and_then(
            |place| Some((paths[*place].answered_at.filter(|at| *at >= verdict.began)?, &paths[*place])),
        );
    if let Some((at, path)) = witness {
        reasons.push(
            Message::new("reason.witness")
                .with("target", &input.inventory.targets()[path.target].name)
                .with("at", rfc3339(at)),
        );
    }
    reasons
}

/// Why not the neighbours: what lies nearer to us, and the best other explanation.
#[must_use]
pub fn why_not(input: &Input, paths: &Paths, finding: &Finding) -> Vec<Message> {
    let Some(verdict) = &finding.verdict else { return super::voice::why_not(input, paths, finding) };
    let inventory = &input.inventory;
    let segment = inventory.element(finding.segment);
    let mut sentences = Vec::new();
    for upstream in inventory.path(finding.segment).iter().filter(|upstream| **upstream != finding.segment) {
        // Whatever passes the segment passes all that lies before it.
        let (before, behind) = (paths.clean(*upstream), paths.clean(finding.segment));
        let count = before.len() - behind.len();
        let beside: Vec<usize> = before
            .iter()
            .filter(|place| behind.binary_search(place).is_err())
            .take(EXAMPLES + 1)
            .copied()
            .collect();
        let key = if count == 0 { "why_not.cannot_tell" } else { "why_not.others_answer" };
        sentences.push(
            Message::new(key)
                .with("neighbour", &inventory.element(*upstream).name)
                .with("segment", &segment.name)
                .with("count", count)
                .with("examples", examples(input, paths, &beside)),
        );
    }
    if matches!(verdict.suspect, Suspect::Service(_)) {
        sentences.push(Message::new("why_not.host_answers").with("segment", &segment.name));
    }
    let downstream: Vec<&str> = explained_elements(input, paths, finding)
        .into_iter()
        .filter(|index| *index != finding.segment)
        .map(|index| inventory.element(index).name.as_str())
        .collect();
    if downstream.len() > 1 {
        sentences.push(
            Message::new("why_not.many_at_once")
                .with("count", downstream.len())
                .with("examples", listed(&downstream))
                .with("segment", &segment.name),
        );
    }
    if let Some(Suspect::Element(rival)) = verdict.runner_up
        && verdict.margin < 3.0
    {
        sentences.push(
            Message::new("why_not.close_rival")
                .with("rival", &inventory.element(rival).name)
                .with("confidence", percent(finding.confidence)),
        );
    }
    sentences
}

/// Elements whose own targets the finding explains.
#[must_use]
pub fn explained_elements(input: &Input, paths: &Paths, finding: &Finding) -> Vec<ElementIndex> {
    let Some(verdict) = &finding.verdict else { return vec![finding.segment] };
    let mut elements = elements_of(input, paths, &verdict.explains);
    if let Err(place) = elements.binary_search(&finding.segment) {
        elements.insert(place, finding.segment);
    }
    elements
}

/// The elements that some of the paths lead to, each once, in order.
#[must_use]
pub fn elements_of(input: &Input, paths: &Paths, places: &[usize]) -> Vec<ElementIndex> {
    let mut elements: Vec<ElementIndex> =
        places.iter().map(|place| input.inventory.targets()[paths[*place].target].element).collect();
    elements.sort_unstable();
    elements.dedup();
    elements
}

/// The path from us through the segment to some of what lies beyond it.
#[must_use]
pub fn hops(input: &Input, finding: &Finding, reports: &[ElementReport], paths: &Paths) -> Vec<Hop> {
    let inventory = &input.inventory;
    let mut elements: Vec<ElementIndex> = inventory.path(finding.segment).to_vec();
    if elements.is_empty() {
        elements.push(finding.segment);
    }
    let beyond = inventory
        .dependents(finding.segment)
        .iter()
        .filter(|index| !matches!(inventory.element(**index).kind, ElementKind::Site | ElementKind::Customer))
        .take(BEYOND);
    elements.extend(beyond);
    elements
        .into_iter()
        .map(|index| {
            let element = inventory.element(index);
            Hop {
                element: element.name.clone(),
                kind: element.kind,
                // One report an element, in their order.
                state: reports.get(index.0).map_or(ElementState::Unknown, |report| report.state),
                at_fault: index == finding.segment,
                evidence: hop_evidence(input, index, paths),
            }
        })
        .collect()
}

fn hop_evidence(input: &Input, element: ElementIndex, paths: &Paths) -> Message {
    let own: Vec<&Evidence> = paths
        .own(element)
        .iter()
        .map(|place| &paths[*place])
        .filter(|path| path.state != PathState::Unknown)
        .collect();
    if own.is_empty() {
        return Message::new("hop.not_measured");
    }
    let names: Vec<&str> = own
        .iter()
        .map(|path| input.inventory.targets()[path.target].spec.kind())
        .map(ProbeKind::name)
        .collect();
    let silent = own.iter().filter(|path| path.state == PathState::Silent).count();
    let refusing = own.iter().any(|path| path.state == PathState::Refusing);
    let since = own.iter().filter_map(|path| path.since).min();
    if silent == own.len() {
        return Message::new("hop.silent")
            .with("probes", names.join(", "))
            .with("since", since.map_or_else(|| "term.unknown".to_owned(), rfc3339));
    }
    if refusing && silent == 0 {
        return Message::new("hop.refusing").with("probes", names.join(", "));
    }
    if silent > 0 {
        return Message::new("hop.partly").with("silent", silent).with("probes", names.join(", "));
    }
    let loss = own.iter().filter_map(|path| path.loss_ratio()).fold(0.0_f64, f64::max);
    let delays: Vec<f64> = own.iter().filter_map(|path| path.rtt_mean_ms).collect();
    let delay = if delays.is_empty() {
        "term.unknown".to_owned()
    } else {
        format!("{:.1} ms", delays.iter().sum::<f64>() / delays.len() as f64)
    };
    Message::new("hop.answers")
        .with("probes", names.join(", "))
        .with("loss", percent(loss))
        .with("delay", delay)
}

fn examples(input: &Input, paths: &Paths, places: &[usize]) -> String {
    let names: Vec<&str> =
        places.iter().map(|place| input.inventory.targets()[paths[*place].target].name.as_str()).collect();
    listed(&names)
}

fn listed(names: &[&str]) -> String {
    let mut text = names.iter().take(EXAMPLES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > EXAMPLES {
        text.push_str(", …");
    }
    text
}

/// A share for people: `3.1 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}
