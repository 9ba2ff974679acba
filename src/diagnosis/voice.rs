//! A trunk that spoils the voice: many of its calls are bad, those of others are good, and the way to it is clean by
//! its own probes. Where something on the way is at fault itself, that is the cause, and the bad calls are its
//! evidence (contract section 5).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::finding::Finding;
use super::poller::rfc3339;
use super::reason::percent;
use super::symptom::{PathState, Paths};
use super::{Cause, Fault, Input};
use crate::inventory::ElementIndex;
use crate::locale::Message;
use crate::voice::Cohort;

/// Never surer than this: a carrier may yet show something else.
const SUREST: f64 = 0.97;
/// So many good test calls prove the end of trouble.
const PROVING_TEST_CALLS: u32 = 10;
/// Where nothing else tells the trunk from the line that carries it.
const UNPROVEN: f64 = 0.65;

/// How the way to a trunk is, by its own probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Measured and clean.
    Clean,
    /// Not measured.
    Unknown,
    /// Something on it loses packets; what, is not yet certain.
    Doubtful,
}

/// Adds trunks that spoil the voice, and the bad calls to what spoils them on the way.
pub fn find(input: &Input, paths: &Paths, findings: &mut Vec<Finding>) {
    let located: BTreeSet<ElementIndex> =
        findings.iter().filter(|finding| finding.verdict.is_some()).map(|finding| finding.segment).collect();
    for voice in &input.voice {
        let Some(cohort) = &voice.cohort else { continue };
        let Some(trunk) = input.inventory.find(&voice.trunk) else { continue };
        let upstream =
            input.inventory.path(trunk).iter().find(|index| **index != trunk && located.contains(index));
        if let Some(cause) = upstream {
            let spoiler = findings.iter_mut().find(|finding| finding.segment == *cause);
            if let Some(finding) = spoiler {
                finding.reasons.push(damage(&voice.trunk, cohort));
                finding.voice.get_or_insert_with(|| Box::new(cohort.clone()));
            }
            continue;
        }
        let way = way_to(input, paths, trunk);
        if way == Way::Doubtful {
            continue;
        }
        findings.push(Finding {
            cause: Cause::LandingTrunk,
            segment: trunk,
            began: cohort.first_seen,
            last_seen: cohort.last_seen,
            confidence: confidence(cohort, way),
            loss_ratio: Some(cohort.loss_ratio),
            targets: Vec::new(),
            verdict: None,
            reasons: Vec::new(),
            // What was heard arrived: neither we nor our capture failed.
            witnessed: true,
            voice: Some(Box::new(cohort.clone())),
        });
    }
}

fn way_to(input: &Input, paths: &Paths, trunk: ElementIndex) -> Way {
    let mut way = Way::Unknown;
    // Nearest to the trunk last: its own line is what must be told from it.
    for index in input.inventory.path(trunk).iter().filter(|index| **index != trunk) {
        way = Way::Unknown;
        for place in paths.own(*index) {
            let path = &paths[*place];
            match path.state {
                PathState::Unknown => {}
                _ if path.is_bad() => return Way::Doubtful,
                PathState::Answering => way = Way::Clean,
                PathState::Silent | PathState::Refusing => return Way::Doubtful,
            }
        }
    }
    way
}

/// By how much the trunk's share of bad calls stands out, each share with one more good and one more bad call.
fn confidence(cohort: &Cohort, way: Way) -> f64 {
    let share = |bad: usize, all: usize| (bad as f64 + 1.0) / (all as f64 + 2.0);
    let own = share(cohort.bad_calls, cohort.calls);
    let contrast = if cohort.elsewhere == 0 {
        // Nothing to compare with but a clean way.
        0.8
    } else {
        1.0 - share(cohort.elsewhere_bad, cohort.elsewhere) / own
    };
    let most = if way == Way::Clean { SUREST } else { UNPROVEN };
    contrast.clamp(0.5, most)
}

/// Whether a finding rests on voice alone.
fn alone(finding: &Finding) -> Option<&Cohort> {
    let cohort = finding.voice.as_deref()?;
    (finding.verdict.is_none() && finding.cause == Cause::LandingTrunk && finding.targets.is_empty())
        .then_some(cohort)
}

/// The plain sentence, where voice alone shows it.
pub(super) fn headline(input: &Input, paths: &Paths, finding: &Finding) -> Option<Message> {
    let cohort = alone(finding)?;
    let element = input.inventory.element(finding.segment);
    let is_clean = way_to(input, paths, finding.segment) == Way::Clean;
    let key = if is_clean { "headline.landing_trunk_voice" } else { "headline.landing_trunk_voice_alone" };
    Some(
        Message::new(key)
            .with("segment", &element.name)
            .with("carrier", element.facts.carrier.as_deref().unwrap_or("term.carrier_unnamed"))
            .with("bad", cohort.bad_calls)
            .with("calls", cohort.calls)
            .with("loss", percent(cohort.loss_ratio))
            .with("since", rfc3339(finding.began)),
    )
}

/// What was heard, worst calls by name.
pub(super) fn reasons(finding: &Finding) -> Vec<Message> {
    let Some(cohort) = finding.voice.as_deref().filter(|_| finding.cause == Cause::LandingTrunk) else {
        return Vec::new();
    };
    let mut reasons = vec![
        Message::new("reason.voice_cohort")
            .with("bad", cohort.bad_calls)
            .with("calls", cohort.calls)
            .with("loss", percent(cohort.loss_ratio))
            .with("jitter", milliseconds(cohort.jitter_ms))
            .with("mos", interval(cohort.mos))
            .with("codecs", or_unknown(cohort.codecs.join(", ")))
            .with("first", rfc3339(cohort.first_seen))
            .with("last", rfc3339(cohort.last_seen)),
    ];
    if cohort.bad_test_calls > 0 {
        reasons.push(
            Message::new("reason.voice_test_calls")
                .with("count", cohort.bad_test_calls)
                .with("bad", cohort.bad_calls),
        );
    }
    if !cohort.customers.is_empty() {
        reasons.push(
            Message::new("reason.voice_customers")
                .with("count", cohort.customers.len())
                .with("examples", some(&cohort.customers)),
        );
    }
    for (key, word) in [
        ("reason.voice_told_by_listener", &cohort.told_by_listener),
        ("reason.voice_told_by_carrier", &cohort.told_by_carrier),
    ] {
        let Some(word) = word else { continue };
        reasons.push(
            Message::new(key)
                .with("calls", word.calls)
                .with("bad", cohort.bad_calls)
                .with("loss", percent(word.loss_ratio)),
        );
    }
    reasons.extend(cohort.worst.iter().map(|worst| {
        Message::new("reason.voice_worst")
            .with("call", &worst.call)
            .with("since", rfc3339(worst.since))
            .with("loss", percent(worst.loss_ratio))
            .with("jitter", milliseconds(worst.jitter_ms))
            .with("mos", interval(worst.mos))
    }));
    reasons
}

/// Why not the line before it, nor the calls themselves.
pub(super) fn why_not(input: &Input, paths: &Paths, finding: &Finding) -> Vec<Message> {
    let Some(cohort) = alone(finding) else { return Vec::new() };
    let segment = &input.inventory.element(finding.segment).name;
    let mut sentences = Vec::new();
    for index in input.inventory.path(finding.segment).iter().filter(|index| **index != finding.segment) {
        let own =
            paths.own(*index).iter().filter(|place| paths[**place].state == PathState::Answering).count();
        let key = if own > 0 { "why_not.voice_way_clean" } else { "why_not.cannot_tell" };
        let neighbour = &input.inventory.element(*index).name;
        sentences
            .push(Message::new(key).with("neighbour", neighbour).with("segment", segment).with("count", own));
    }
    let key =
        if cohort.elsewhere > 0 { "why_not.voice_elsewhere" } else { "why_not.voice_nothing_elsewhere" };
    sentences.push(
        Message::new(key)
            .with("bad", cohort.elsewhere_bad)
            .with("calls", cohort.elsewhere)
            .with("segment", segment),
    );
    sentences.push(Message::new("why_not.voice_ours").with("segment", segment));
    sentences
}

/// What a fault on the way does to the voice of a trunk.
fn damage(trunk: &str, cohort: &Cohort) -> Message {
    Message::new("reason.voice_damage")
        .with("trunk", trunk)
        .with("bad", cohort.bad_calls)
        .with("calls", cohort.calls)
        .with("loss", percent(cohort.loss_ratio))
        .with("since", rfc3339(cohort.first_seen))
}

/// Since when the calls of a trunk are heard to be good after its trouble.
pub(super) fn good_run(input: &Input, fault: &Fault) -> Option<(DateTime<Utc>, u32)> {
    let run = input.voice.iter().find(|voice| voice.trunk == fault.segment)?.good_since(fault.last_seen)?;
    // Live calls prove it as any measurement does; of our own calls it takes ten (tickets.md 5.5).
    let rounds =
        if run.tests >= PROVING_TEST_CALLS { run.live.max(input.settings.verify_rounds) } else { run.live };
    Some((run.since, rounds))
}

fn milliseconds(value: Option<f64>) -> String {
    value.map_or_else(|| "term.unknown".to_owned(), |value| format!("{value:.0} ms"))
}

fn interval(mos: Option<(f64, f64)>) -> String {
    mos.map_or_else(|| "term.unknown".to_owned(), |(low, high)| format!("{low:.1}–{high:.1}"))
}

fn or_unknown(text: String) -> String {
    if text.is_empty() { "term.unknown".to_owned() } else { text }
}

fn some(names: &[String]) -> String {
    const EXAMPLES: usize = 3;
    let mut text = names.iter().take(EXAMPLES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > EXAMPLES {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
#[path = "voice_tests.rs"]
mod tests;
