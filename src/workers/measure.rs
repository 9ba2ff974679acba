//! Calls each probe when it is due.
//!
//! Targets start spread evenly over their interval and every burst is spread over its own, so
//! that packets leave at a steady rate: a fleet that fires on one tick loses its own replies.
//! Each target keeps its own slot, also over a reload and after this process was held up.
//! At most [`MOST_ROUNDS`] rounds run at once; beyond that, or when its slot is long gone, a round
//! is shed and says so. A stop gives up the rounds under way: they say nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::{DateTime, Utc};
use linesman_probes::observation::{Impediment, Measured, Observation, Outcome, Window};
use linesman_probes::probe::{Probe, ProbeError, ProbeFactory, ProbeKind, ProbeSpec, Round};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::Recent;
use crate::clock::SharedClock;
use crate::inventory::Target;
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::voice::test_call::ways;

/// Most rounds under way at once.
pub const MOST_ROUNDS: usize = 32_768;
/// A round that a person asked for takes this long at most, answers not counted.
const ON_DEMAND_SPREAD: Duration = Duration::from_secs(1);
/// How often anchors are asked whether we are cut off.
const ANCHOR_INTERVAL: Duration = Duration::from_secs(2);
/// A round that could not start within this time of its slot is shed: whatever held us up held
/// up all targets, and starting all at once would lose their replies in our own socket.
const LATEST_START: Duration = Duration::from_secs(1);

/// What the driver works with.
pub struct Driver {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Makes probes.
    pub probes: Arc<dyn ProbeFactory>,
    /// Wall time, for windows.
    pub clock: SharedClock,
    /// Where observations go; a full channel drops and counts.
    pub observations: mpsc::Sender<Observation>,
    /// Targets to measure at once.
    pub on_demand: mpsc::Receiver<Vec<String>>,
    /// Where answers of anchors are noted.
    pub recent: Arc<Recent>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Owns the rounds.
    pub lifecycle: Lifecycle,
}

/// A target with its probe; a probe that could not be made is tried again each round.
struct Planned {
    target: Arc<Target>,
    probe: Option<Arc<dyn Probe>>,
    /// When its next round starts.
    due: Instant,
    /// Alive while a round that a person asked for is under way.
    asked: Weak<()>,
}

/// What a running round needs of the driver.
#[derive(Clone)]
struct Out {
    clock: SharedClock,
    observations: mpsc::Sender<Observation>,
    metrics: Arc<Metrics>,
    permits: Arc<Semaphore>,
}

impl Driver {
    /// Runs until asked to stop.
    pub async fn run(mut self) {
        let soft = self.lifecycle.soft().clone();
        let out = Out {
            clock: self.clock.clone(),
            observations: self.observations.clone(),
            metrics: self.metrics.clone(),
            permits: Arc::new(Semaphore::new(MOST_ROUNDS)),
        };
        let mut planned: Vec<Planned> = Vec::new();
        let mut due: BinaryHeap<Reverse<(Instant, usize)>> = BinaryHeap::new();
        let mut anchors: Vec<(IpAddr, Arc<dyn Probe>)> = Vec::new();
        let mut anchor_tick = tokio::time::interval(ANCHOR_INTERVAL);
        anchor_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stale = true;
        loop {
            if stale {
                let settings = self.settings.borrow_and_update().clone();
                planned = self.plan(&settings, planned);
                due = planned
                    .iter()
                    .enumerate()
                    .map(|(place, planned)| Reverse((planned.due, place)))
                    .collect();
                anchors = self.anchors(&settings);
                stale = false;
            }
            let next = due.peek().map(|Reverse((at, _))| *at);
            tokio::select! {
                () = soft.cancelled() => return,
                changed = self.settings.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    stale = true;
                }
                Some(names) = self.on_demand.recv() => self.measure_now(&out, &mut planned, &names),
                _ = anchor_tick.tick(), if !anchors.is_empty() => self.ask_anchors(&anchors),
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let now = Instant::now();
                    while let Some(Reverse((at, place))) = due.peek().copied() {
                        if at > now {
                            break;
                        }
                        due.pop();
                        let Some(planned) = planned.get_mut(place) else { continue };
                        let interval = planned.target.interval;
                        if now.duration_since(at) > LATEST_START {
                            out.shed(&planned.target);
                        } else {
                            start(&self.lifecycle, &*self.probes, &out, planned, interval, None);
                        }
                        planned.due = next_slot(at, interval, now);
                        due.push(Reverse((planned.due, place)));
                    }
                }
            }
        }
    }

    /// The targets of the settings; unchanged ones keep their slot, and their probes what they know.
    fn plan(&self, settings: &Settings, old: Vec<Planned>) -> Vec<Planned> {
        let now = Instant::now();
        let mut known: HashMap<(String, ProbeSpec), Planned> = old
            .into_iter()
            .map(|planned| ((planned.target.name.clone(), planned.target.spec.clone()), planned))
            .collect();
        let targets = settings.inventory.targets();
        let step = 1.0 / targets.len().max(1) as f64;
        targets
            .iter()
            .enumerate()
            .map(|(place, target)| {
                // First rounds are spread evenly over the interval in the order of targets.
                let first = now + target.interval.mul_f64(step * place as f64);
                let (probe, due, asked) = match known.remove(&(target.name.clone(), target.spec.clone())) {
                    Some(old) if old.target.interval == target.interval => (old.probe, old.due, old.asked),
                    Some(old) => (old.probe, first, old.asked),
                    None => (make(&*self.probes, target), first, Weak::new()),
                };
                Planned { target: Arc::new(target.clone()), probe, due, asked }
            })
            .collect()
    }

    /// A person asked for these: once more asked while that round is under way is one round.
    fn measure_now(&self, out: &Out, planned: &mut [Planned], names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        for place in planned.iter_mut().filter(|planned| names.contains(planned.target.name.as_str())) {
            if place.asked.strong_count() > 0 {
                continue;
            }
            let under_way = Arc::new(());
            place.asked = Arc::downgrade(&under_way);
            let spread = ON_DEMAND_SPREAD.min(place.target.interval);
            start(&self.lifecycle, &*self.probes, out, place, spread, Some(under_way));
        }
    }

    fn anchors(&self, settings: &Settings) -> Vec<(IpAddr, Arc<dyn Probe>)> {
        settings
            .inventory
            .anchors()
            .iter()
            .filter_map(|address| {
                let spec = ProbeSpec::Icmp { address: *address, payload: 56 };
                Some((*address, Arc::from(self.probes.make(&spec).ok()?)))
            })
            .collect()
    }

    fn ask_anchors(&self, anchors: &[(IpAddr, Arc<dyn Probe>)]) {
        for (_, probe) in anchors {
            let (probe, clock, recent) = (probe.clone(), self.clock.clone(), self.recent.clone());
            self.lifecycle.spawn(async move {
                let asked_at = clock.now_utc();
                let round = Round { count: 1, spread: Duration::ZERO, timeout: ANCHOR_INTERVAL };
                if probe.measure(round).await.outcome == Outcome::Answered {
                    recent.anchor_answered(asked_at);
                }
            });
        }
    }
}

/// The next slot of a target after `now`: missed ones are left out, none is moved.
fn next_slot(at: Instant, interval: Duration, now: Instant) -> Instant {
    let following = at + interval;
    if following > now {
        return following;
    }
    let missed = now.duration_since(at).as_nanos() / interval.as_nanos().max(1);
    at + interval.saturating_mul(u32::try_from(missed + 1).unwrap_or(u32::MAX))
}

/// A probe, or a line in the log why there is none; its rounds say so too.
fn make(probes: &dyn ProbeFactory, target: &Target) -> Option<Arc<dyn Probe>> {
    match probes.make(&target.spec) {
        Ok(probe) => Some(Arc::from(probe)),
        Err(error) => {
            tracing::warn!(target = %target.name, %error, "cannot be measured");
            None
        }
    }
}

/// Starts one round of a target.
fn start(
    lifecycle: &Lifecycle,
    probes: &dyn ProbeFactory,
    out: &Out,
    planned: &mut Planned,
    spread: Duration,
    asked: Option<Arc<()>>,
) {
    let target = planned.target.clone();
    let probe = match &planned.probe {
        Some(probe) => probe.clone(),
        None => match probes.make(&target.spec).map(Arc::<dyn Probe>::from) {
            Ok(probe) => {
                planned.probe = Some(probe.clone());
                probe
            }
            Err(error) => {
                let now = out.clock.now_utc();
                out.send(&target, now, Measured::unmeasured(why_not_made(&error)));
                return;
            }
        },
    };
    let Ok(permit) = out.permits.clone().try_acquire_owned() else {
        out.shed(&target);
        return;
    };
    let out = out.clone();
    let soft = lifecycle.soft().clone();
    lifecycle.spawn(async move {
        let started = out.clock.now_utc();
        let round = Round {
            count: target.count,
            spread: if target.count > 1 { spread } else { Duration::ZERO },
            timeout: target.timeout,
        };
        // The contract bounds a round; a probe that breaks it must not hold its permit for ever.
        let bound = round.spread + round.timeout + Duration::from_secs(5);
        let measured = tokio::select! {
            // A round may take longer than a stop should: it is given up and says nothing.
            () = soft.cancelled() => return,
            measured = tokio::time::timeout(bound, probe.measure(round)) => measured,
        };
        let measured = measured.unwrap_or_else(|_| {
            let reason = format!("the {} probe did not end within {bound:?}", target.spec.kind());
            Measured::unmeasured(Impediment::Local { reason })
        });
        drop((permit, asked));
        out.send(&target, started, measured);
    });
}

impl Out {
    /// A round that was not even begun.
    fn shed(&self, target: &Target) {
        self.send(target, self.clock.now_utc(), Measured::unmeasured(Impediment::Shed));
    }

    fn send(&self, target: &Target, start: DateTime<Utc>, measured: Measured) {
        let window = Window { start, end: self.clock.now_utc().max(start) };
        let kind: ProbeKind = target.spec.kind();
        let observation = Observation { target: target.name.clone(), kind, window, measured };
        let ways = ways(&observation);
        for told in std::iter::once(observation).chain(ways) {
            if self.observations.try_send(told).is_err() {
                self.metrics.observations_dropped(1);
            }
        }
    }
}

fn why_not_made(error: &ProbeError) -> Impediment {
    match error {
        ProbeError::Permission { hint } => Impediment::NoPermission { hint: hint.clone() },
        other => Impediment::Local { reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_target_that_was_held_up_goes_on_in_its_own_slot() {
        let (at, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(next_slot(at, 5 * second, at + second / 2), at + 5 * second);
        assert_eq!(next_slot(at, 5 * second, at + 5 * second), at + 10 * second);
        assert_eq!(next_slot(at, 5 * second, at + 12 * second), at + 15 * second);
    }
}
