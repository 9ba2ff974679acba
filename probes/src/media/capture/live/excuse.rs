//! What fell into a fault of our own measuring is marked, and what only such a time speaks for is withdrawn.

use std::collections::HashMap;

use super::faults::{Fault, Ledger};
use crate::capture::findings::{Finding, Kind};
use crate::capture::report::{CallRow, Report, StreamRow};
use crate::quality::report::WindowReport;

/// Loss that is worth a word, as for findings.
const NOTABLE: f64 = 0.01;
/// Fewer packets tell no ratio.
const ENOUGH: u64 = 100;
/// Below this a score is bad whatever is assumed.
const POOR: f64 = 3.6;

/// What the windows without a fault still prove.
#[derive(Debug, Clone, Copy, Default)]
struct Clean {
    touched: bool,
    loss: bool,
    poor: bool,
    /// Seconds that were heard in such windows, and in all.
    heard_s: f64,
    whole_s: f64,
}

/// Marks streams and windows, and withdraws findings that rest on what we may have missed ourselves.
pub(super) fn excuse(report: &mut Report, ledger: &Ledger) {
    if ledger.faults().is_empty() {
        return;
    }
    let mut known: HashMap<String, Clean> = HashMap::new();
    for stream in &mut report.streams {
        let clean = mark(stream, ledger);
        if clean.touched {
            known.insert(stream.id.clone(), clean);
        }
    }
    for call in &mut report.calls {
        let of: Vec<Clean> = call.streams.iter().filter_map(|id| known.get(id).copied()).collect();
        let faults: Vec<&Fault> = during_call(call, ledger).collect();
        if !of.is_empty() || (!faults.is_empty() && call.findings.contains(&Kind::NoMedia)) {
            withdraw(call, &of, &faults);
        }
    }
}

fn mark(stream: &mut StreamRow, ledger: &Ledger) -> Clean {
    let quality = &mut stream.quality;
    stream.measurement_faults = names(ledger.during(quality.first_ns, quality.last_ns));
    let mut clean = Clean { touched: !stream.measurement_faults.is_empty(), ..Clean::default() };
    if !clean.touched {
        return clean;
    }
    let (mut expected, mut lost) = (0, 0);
    for window in &mut quality.windows {
        mark_window(window, ledger);
        clean.whole_s += window.duration_s;
        if window.measurement_faults.is_empty() {
            expected += window.expected;
            lost += window.lost;
            clean.heard_s += window.duration_s;
            clean.poor |= window.expected >= ENOUGH && window.mos.is_some_and(|mos| mos.high < POOR);
        }
    }
    let ratio = lost as f64 / expected.max(1) as f64;
    stream.loss_ratio_without_faults = (expected > 0).then_some(ratio);
    clean.loss = expected >= ENOUGH && ratio >= NOTABLE;
    clean
}

/// Writes on a window what was wrong with our own measuring meanwhile.
pub(super) fn mark_window(window: &mut WindowReport, ledger: &Ledger) {
    let until = window.start_ns.saturating_add((window.duration_s * 1e9) as i64);
    window.measurement_faults = names(ledger.during(window.start_ns, until));
}

fn names<'a>(faults: impl Iterator<Item = &'a Fault>) -> Vec<&'static str> {
    let mut names: Vec<_> = faults.map(|fault| fault.kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Faults between a call's begin and its end; those of all times where its begin was not seen.
fn during_call<'a>(call: &CallRow, ledger: &'a Ledger) -> impl Iterator<Item = &'a Fault> {
    let begin = call.start.as_deref().and_then(|start| chrono::DateTime::parse_from_rfc3339(start).ok());
    let begin = begin.and_then(|begin| begin.timestamp_nanos_opt()).unwrap_or(0);
    let spans = call.answer_ms.unwrap_or(0.0) * 1e6 + call.talk_s.map_or(f64::MAX, |talk| talk * 1e9);
    ledger.during(begin, begin.saturating_add(spans as i64))
}

fn withdraw(call: &mut CallRow, of: &[Clean], faults: &[&Fault]) {
    let loss = of.iter().any(|clean| clean.loss);
    let poor = of.iter().any(|clean| clean.poor);
    let mostly_heard = of.iter().any(|clean| clean.heard_s * 2.0 > clean.whole_s);
    let stands = |kind: Kind| match kind {
        Kind::LossUpstream | Kind::LossAtServer | Kind::LossDownstream => loss,
        Kind::PoorQuality => poor,
        Kind::OneWayAudio | Kind::SilentLeg => mostly_heard,
        Kind::NoMedia | Kind::LateMedia | Kind::ClockDrift => false,
        Kind::LateUpstream | Kind::LateAtServer | Kind::LateDownstream => false,
        _ => true,
    };
    let before = call.details.len();
    let withdrawn: Vec<Kind> =
        call.details.iter().map(|finding| finding.kind).filter(|kind| !stands(*kind)).collect();
    call.details.retain(|finding| stands(finding.kind));
    for passage in &mut call.passages {
        // Without lateness: a clock that stepped, or we who looked away, make packets late.
        let spoiler = passage.spoiler(false).filter(|_| loss);
        passage.spoiled_by = passage.spoiled_by.map(|_| spoiler.unwrap_or("measurement"));
    }
    if call.details.len() < before {
        let why: Vec<_> = faults.iter().take(3).map(|fault| fault.evidence()).collect();
        let evidence = format!(
            "{}; so this is not held against anybody: {}",
            why.join(", "),
            withdrawn.iter().map(|kind| name(*kind)).collect::<Vec<_>>().join(", ")
        );
        call.details.push(Finding { kind: Kind::MeasurementFault, leg: None, direction: None, evidence });
    }
    call.findings = call.details.iter().map(|finding| finding.kind).collect();
    call.findings.sort_unstable();
    call.findings.dedup();
}

fn name(kind: Kind) -> String {
    let value = serde_json::to_value(kind).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
