//! Windows of all streams of an element and direction, ten seconds each, as one observation: what pages, roll-ups and
//! retention already know how to handle.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use linesman_probes::observation::{Burst, Detail, Impediment, Measured, Observation, Outcome, Window};
use linesman_probes::probe::ProbeKind;

use crate::voice::{Direction, Heard, POOR_MOS};

/// Length of a slot.
const SLOT_S: i64 = 10;
/// A slot waits so long after its end for windows that began in it.
const GRACE: TimeDelta = TimeDelta::seconds(25);
/// Slots at once: elements times directions times the few that wait.
const MOST: usize = 200_000;

#[derive(Debug, Default)]
struct Sums {
    calls: BTreeSet<String>,
    expected: u64,
    lost: u64,
    late: u64,
    poor: u32,
    faulty: u32,
    jitter_ms: Option<f64>,
    mos_low: Option<f64>,
    mos_high: Option<f64>,
}

/// Slots that are still open.
#[derive(Debug, Default)]
pub struct Series {
    slots: BTreeMap<(i64, String), Sums>,
    /// Slots before this one are told.
    told: i64,
    /// Windows that came too late or found no room.
    pub left_out: u64,
}

/// The target that an element's voice is kept under: `in` comes from it, `out` goes to it.
fn targets(heard: &Heard) -> Vec<String> {
    let place = &heard.place;
    let named =
        |element: &Option<String>, way: &str| element.as_ref().map(|element| format!("{element}/rtp-{way}"));
    let target = match place.direction {
        Direction::FromTrunk => named(&place.trunk, "in"),
        Direction::ToTrunk => named(&place.trunk, "out"),
        Direction::FromGateway => named(&place.gateway, "in"),
        Direction::ToGateway => named(&place.gateway, "out"),
        Direction::Unknown => None,
    };
    target.into_iter().collect()
}

impl Series {
    /// Takes in a window.
    pub fn add(&mut self, heard: &Heard) {
        let slot = heard.start.timestamp().div_euclid(SLOT_S);
        for target in targets(heard) {
            if slot < self.told || self.slots.len() >= MOST {
                self.left_out += 1;
                continue;
            }
            let sums = self.slots.entry((slot, target)).or_default();
            if heard.is_faulty {
                sums.faulty += 1;
                continue;
            }
            sums.calls.insert(heard.call.clone());
            sums.expected += heard.expected;
            sums.lost += heard.lost.min(heard.expected);
            sums.late += heard.late;
            sums.jitter_ms = sums.jitter_ms.into_iter().chain(heard.jitter_ms).reduce(f64::max);
            if let Some((low, high)) = heard.mos {
                sums.mos_low = sums.mos_low.into_iter().chain([low]).reduce(f64::min);
                sums.mos_high = sums.mos_high.into_iter().chain([high]).reduce(f64::min);
                sums.poor += u32::from(high < POOR_MOS);
            }
        }
    }

    /// Slots that are over.
    pub fn take(&mut self, now: DateTime<Utc>) -> Vec<Observation> {
        let horizon = (now - GRACE).timestamp().div_euclid(SLOT_S);
        let rest = self.slots.split_off(&(horizon, String::new()));
        self.told = self.told.max(horizon);
        std::mem::replace(&mut self.slots, rest)
            .into_iter()
            .filter_map(|((slot, target), sums)| observation(slot, target, &sums))
            .collect()
    }
}

fn observation(slot: i64, target: String, sums: &Sums) -> Option<Observation> {
    let start = DateTime::from_timestamp(slot * SLOT_S, 0)?;
    let window = Window { start, end: start + TimeDelta::seconds(SLOT_S) };
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let measured = if sums.expected == 0 {
        Measured::unmeasured(Impediment::Local {
            reason: format!("our own capture missed packets in all {} windows", sums.faulty),
        })
    } else {
        let (sent, received) = (narrow(sums.expected), narrow(sums.expected - sums.lost));
        Measured {
            outcome: if received == 0 { Outcome::Silent } else { Outcome::Answered },
            impediment: None,
            burst: Burst { sent, received, duplicates: 0, rtt: None },
            detail: Detail::Rtp {
                calls: narrow(sums.calls.len() as u64),
                late: narrow(sums.late),
                poor: sums.poor,
                faulty: sums.faulty,
                jitter_ms: sums.jitter_ms,
                mos_low: sums.mos_low,
                mos_high: sums.mos_high,
            },
        }
    };
    Some(Observation { target, kind: ProbeKind::Rtp, window, measured })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::Place;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    fn heard(call: &str, second: i64, lost: u64, is_faulty: bool) -> Heard {
        let place = Place {
            trunk: Some("trunk-1".to_owned()),
            gateway: Some("gateway-1".to_owned()),
            customer: None,
            direction: Direction::FromTrunk,
        };
        Heard {
            call: call.to_owned(),
            place,
            codec: None,
            start: at(second),
            end: at(second + 10),
            expected: 500,
            lost,
            late: 1,
            jitter_ms: Some(lost as f64),
            mos: Some((3.0, 3.5)),
            told: None,
            ends: None,
            is_faulty,
            is_test: false,
        }
    }

    #[test]
    fn windows_of_many_streams_become_one_observation_of_their_element() {
        let mut series = Series::default();
        for (call, second, lost, faulty) in
            [("a", 0, 10, false), ("b", 9, 30, false), ("b", 3, 400, true), ("a", 10, 0, false)]
        {
            series.add(&heard(call, second, lost, faulty));
        }
        assert_eq!(series.take(at(30)), [], "windows that began in it may still come");
        let told = series.take(at(36));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].target.as_str(), told[0].window.start), ("trunk-1/rtp-in", at(0)));
        let burst = &told[0].measured.burst;
        assert_eq!((burst.sent, burst.received), (1000, 960), "what we missed ourselves is not counted");
        let Detail::Rtp { calls, faulty, jitter_ms, .. } = told[0].measured.detail else {
            panic!("{told:?}")
        };
        assert_eq!((calls, faulty, jitter_ms), (2, 1, Some(30.0)));
        series.add(&heard("c", 5, 0, false));
        assert_eq!(series.left_out, 1, "a slot is told once");
    }

    #[test]
    fn where_our_own_measuring_failed_throughout_nothing_is_said_of_the_element() {
        let mut series = Series::default();
        series.add(&heard("a", 0, 400, true));
        let told = series.take(at(100));
        assert_eq!(told[0].measured.outcome, Outcome::Unmeasured);
    }
}
