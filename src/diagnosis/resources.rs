//! A host that starves: judged on its own readings, each limit with its own way back.

use chrono::TimeDelta;
use linesman_probes::host::HostReading;
use linesman_probes::probe::ProbeKind;

use super::finding::Finding;
use super::{Cause, Input, RoundPoint, Series};
use crate::locale::Message;

/// How long a limit must be passed without a break.
const LASTING: TimeDelta = TimeDelta::seconds(30);
/// Readings that must say so.
const READINGS: usize = 3;

struct Limit {
    key: &'static str,
    cause: Cause,
    /// Value of a reading, and what counts as too much of it.
    passes: fn(&HostReading) -> Option<(f64, f64)>,
}

/// The limits. A share of 1 is all there is; rates are a second.
const LIMITS: [Limit; 6] = [
    // Tasks waiting for CPU alone is a busy machine; waiting with none idle is a starving one.
    Limit {
        key: "reason.cpu",
        cause: Cause::ServerResources,
        passes: |host| {
            let pressed = host.pressure_cpu_some?;
            let busy = host.cpu_busy_ratio?;
            Some((if busy > 0.9 { pressed } else { 0.0 }, 0.20))
        },
    },
    Limit {
        key: "reason.memory",
        cause: Cause::ServerResources,
        passes: |host| {
            let (total, available) = (host.memory_total_bytes?, host.memory_available_bytes?);
            (total > 0).then(|| (1.0 - available as f64 / total as f64, 0.95))
        },
    },
    Limit {
        key: "reason.conntrack",
        cause: Cause::ServerResources,
        passes: |host| {
            let (entries, limit) = (host.conntrack_entries?, host.conntrack_limit?);
            (limit > 0).then(|| (entries as f64 / limit as f64, 0.80))
        },
    },
    Limit {
        key: "reason.udp_drops",
        cause: Cause::ServerResources,
        passes: |host| Some((host.udp_receive_buffer_errors_per_s?, 1.0)),
    },
    Limit {
        key: "reason.softnet",
        cause: Cause::ServerResources,
        passes: |host| Some((host.softnet_drops_per_s?, 1.0)),
    },
    Limit {
        key: "reason.disk",
        cause: Cause::ServerState,
        passes: |host| {
            let fullest = host
                .disks
                .iter()
                .filter(|disk| disk.total_bytes > 0)
                .map(|disk| 1.0 - disk.available_bytes as f64 / disk.total_bytes as f64)
                .fold(None, |most: Option<f64>, share| Some(most.map_or(share, |most| most.max(share))))?;
            Some((fullest, 0.97))
        },
    },
];

/// Starving hosts.
#[must_use]
pub fn find(input: &Input) -> Vec<Finding> {
    input
        .series
        .iter()
        .filter(|series| input.inventory.targets()[series.target].spec.kind() == ProbeKind::Host)
        .flat_map(|series| LIMITS.iter().filter_map(|limit| find_in(input, series, limit)))
        .collect()
}

fn find_in(input: &Input, series: &Series, limit: &Limit) -> Option<Finding> {
    let target = &input.inventory.targets()[series.target];
    let run: Vec<(&RoundPoint, f64, f64)> = series
        .rounds
        .iter()
        .rev()
        .map_while(|round| {
            let (value, most) = (limit.passes)(round.host.as_deref()?)?;
            (value > most).then_some((round, value, most))
        })
        .collect();
    let ((newest, value, most), (oldest, ..)) = (run.first()?, run.last()?);
    if run.len() < READINGS || newest.end - oldest.start < LASTING {
        return None;
    }
    let reason = Message::new(limit.key)
        .with("host", &input.inventory.element(target.element).name)
        .with("value", shown(*value, *most))
        .with("most", shown(*most, *most))
        .with("since", super::poller::rfc3339(oldest.start));
    Some(Finding {
        cause: limit.cause,
        segment: target.element,
        began: oldest.start,
        last_seen: newest.start,
        confidence: 0.9,
        loss_ratio: None,
        targets: vec![target.name.clone()],
        verdict: None,
        reasons: vec![reason],
        // A host reads itself: nothing lies between.
        witnessed: true,
        voice: None,
    })
}

fn shown(value: f64, limit: f64) -> String {
    if limit < 1.0 { format!("{:.0} %", value * 100.0) } else { format!("{value:.1}/s") }
}

/// Whether a reading is well clear of every limit that can be read: below four fifths of it, or
/// below it by half of what is left where the limit is nearly all there is.
#[must_use]
pub fn is_well(reading: &HostReading) -> bool {
    LIMITS.iter().all(|limit| match (limit.passes)(reading) {
        Some((value, most)) if most > 0.9 && most < 1.0 => value < most - (1.0 - most) / 2.0,
        Some((value, most)) => value < most * 0.8,
        None => true,
    })
}
