//! Test calls as voice that was heard: each way as an observation of its own, and the worse of both in the book of the
//! trunk's calls, where it counts beside live calls and under the same guards.

use linesman_probes::observation::{Burst, CallDetail, Detail, Measured, Observation, Outcome, WayDetail};
use linesman_probes::probe::ProbeKind;

use super::POOR_MOS;
use super::book::Heard;
use super::place::{Direction, Place};

/// The ways of a test call that are known, as `TARGET-in` and `TARGET-out`. What is not known gives none.
#[must_use]
pub fn ways(observation: &Observation) -> Vec<Observation> {
    let Some(call) = judged(observation) else { return Vec::new() };
    [("in", &call.inward), ("out", &call.out)]
        .into_iter()
        .filter_map(|(name, way)| {
            let way = way.as_ref().filter(|way| way.expected > 0)?;
            Some(Observation {
                target: format!("{}-{name}", observation.target),
                kind: ProbeKind::Rtp,
                window: observation.window,
                measured: as_voice(way),
            })
        })
        .collect()
}

fn as_voice(way: &WayDetail) -> Measured {
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let received = narrow(way.expected.saturating_sub(way.lost));
    Measured {
        outcome: if received == 0 { Outcome::Silent } else { Outcome::Answered },
        impediment: None,
        burst: Burst { sent: narrow(way.expected), received, duplicates: 0, rtt: None },
        detail: Detail::Rtp {
            calls: 1,
            late: narrow(way.late),
            poor: u32::from(way.mos_high.is_some_and(|high| high < POOR_MOS)),
            faulty: 0,
            jitter_ms: way.jitter_ms,
            mos_low: way.mos_low,
            mos_high: way.mos_high,
        },
    }
}

/// The call, unless our own measuring failed in it.
fn judged(observation: &Observation) -> Option<&CallDetail> {
    match &observation.measured.detail {
        Detail::Call(call) if call.faults.is_empty() => Some(call),
        _ => None,
    }
}

/// A test call of a trunk as one window of voice: its worse way. None where no way is known: such a call speaks neither
/// for the trunk nor against it.
#[must_use]
pub fn heard(trunk: &str, observation: &Observation) -> Option<Heard> {
    let call = judged(observation)?;
    let missed =
        |way: &WayDetail| way.lost.saturating_add(way.late).min(way.expected) as f64 / way.expected as f64;
    let known: Vec<&WayDetail> =
        [&call.inward, &call.out].into_iter().flatten().filter(|way| way.expected > 0).collect();
    let worse = known.iter().max_by(|one, other| missed(one).total_cmp(&missed(other)))?;
    let mos = known.iter().filter_map(|way| way.mos_low.zip(way.mos_high));
    Some(Heard {
        call: format!("test-call {}", call.call_id),
        place: Place {
            trunk: Some(trunk.to_owned()),
            gateway: None,
            customer: None,
            direction: Direction::FromTrunk,
        },
        codec: Some(call.codec.clone()),
        start: observation.window.start,
        end: observation.window.end,
        expected: worse.expected,
        lost: worse.lost,
        late: worse.late,
        jitter_ms: known.iter().filter_map(|way| way.jitter_ms).reduce(f64::max),
        mos: mos.min_by(|one, other| one.1.total_cmp(&other.1)),
        told: None,
        ends: None,
        is_faulty: false,
        is_test: true,
    })
}

#[cfg(test)]
#[path = "test_call_tests.rs"]
mod tests;
