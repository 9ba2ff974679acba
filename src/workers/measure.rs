//! Calls each probe when it is due.
//!
//! Targets start spread evenly over their interval and every burst is spread over its own, so
//! that packets leave at a steady rate: a fleet that fires on one tick loses its own replies.
//! At most [`MOST_ROUNDS`] rounds run at once; beyond that a round is shed and says so.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use linesman_probes::observation::{Impediment, Measured, Observation, Outcome, Window};
use linesman_probes::probe::{Probe, ProbeError, ProbeFactory, ProbeKind, ProbeSpec, Round};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::Recent;
use crate::clock::SharedClock;
use crate::inventory::Target;
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// Most rounds under way at once.
pub const MOST_ROUNDS: usize = 32_768;
/// A round that a person asked for takes this long at most, answers not counted.
const ON_DEMAND_SPREAD: Duration = Duration::from_secs(1);
/// How often anchors are asked whether we are cut off.
const ANCHOR_INTERVAL: Duration = Duration::from_secs(2);

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
        let mut stale = true;
        loop {
            if stale {
                let settings = self.settings.borrow_and_update().clone();
                planned = self.plan(&settings, planned);
                due = first_rounds(&planned);
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
                Some(names) = self.on_demand.recv() => {
                    for place in planned.iter_mut().filter(|planned| names.contains(&planned.target.name)) {
                        let spread = ON_DEMAND_SPREAD.min(place.target.interval);
                        start(&self.lifecycle, &*self.probes, &out, place, spread);
                    }
                }
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
                        start(&self.lifecycle, &*self.probes, &out, planned, interval);
                        // A driver that was held up does not catch up in a burst.
                        let following = at + interval;
                        due.push(Reverse((if following > now { following } else { now + interval }, place)));
                    }
                }
            }
        }
    }

    /// The targets of the settings; probes of unchanged targets go on with what they know.
    fn plan(&self, settings: &Settings, old: Vec<Planned>) -> Vec<Planned> {
        let mut known: HashMap<(String, ProbeSpec), Arc<dyn Probe>> = old
            .into_iter()
            .filter_map(|planned| Some(((planned.target.name.clone(), planned.target.spec.clone()), planned.probe?)))
            .collect();
        settings
            .inventory
            .targets()
            .iter()
            .map(|target| {
                let probe = known
                    .remove(&(target.name.clone(), target.spec.clone()))
                    .or_else(|| make(&*self.probes, target).ok());
                Planned { target: Arc::new(target.clone()), probe }
            })
            .collect()
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

/// First rounds, spread evenly over the interval in the order of targets.
fn first_rounds(planned: &[Planned]) -> BinaryHeap<Reverse<(Instant, usize)>> {
    let now = Instant::now();
    let count = u32::try_from(planned.len().max(1)).unwrap_or(u32::MAX);
    planned
        .iter()
        .enumerate()
        .map(|(place, planned)| {
            let share = f64::from(u32::try_from(place).unwrap_or(u32::MAX)) / f64::from(count);
            Reverse((now + planned.target.interval.mul_f64(share), place))
        })
        .collect()
}

fn make(probes: &dyn ProbeFactory, target: &Target) -> Result<Arc<dyn Probe>, ProbeError> {
    let made = probes.make(&target.spec).map(Arc::from);
    if let Err(error) = &made {
        tracing::warn!(target = %target.name, %error, "cannot be measured");
    }
    made
}

/// Starts one round of a target.
fn start(lifecycle: &Lifecycle, probes: &dyn ProbeFactory, out: &Out, planned: &mut Planned, spread: Duration) {
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
        let now = out.clock.now_utc();
        out.send(&target, now, Measured::unmeasured(Impediment::Shed));
        return;
    };
    let out = out.clone();
    lifecycle.spawn(async move {
        let started = out.clock.now_utc();
        let round = Round {
            count: target.count,
            spread: if target.count > 1 { spread } else { Duration::ZERO },
            timeout: target.timeout,
        };
        // The contract bounds a round; a probe that breaks it must not hold its permit for ever.
        let bound = round.spread + round.timeout + Duration::from_secs(5);
        let measured = tokio::time::timeout(bound, probe.measure(round)).await.unwrap_or_else(|_| {
            let reason = format!("the {} probe did not end within {bound:?}", target.spec.kind());
            Measured::unmeasured(Impediment::Local { reason })
        });
        drop(permit);
        out.send(&target, started, measured);
    });
}

impl Out {
    fn send(&self, target: &Target, start: DateTime<Utc>, measured: Measured) {
        let window = Window { start, end: self.clock.now_utc().max(start) };
        let kind: ProbeKind = target.spec.kind();
        let observation = Observation { target: target.name.clone(), kind, window, measured };
        if self.observations.try_send(observation).is_err() {
            self.metrics.observations_dropped(1);
        }
    }
}

fn why_not_made(error: &ProbeError) -> Impediment {
    match error {
        ProbeError::Permission { hint } => Impediment::NoPermission { hint: hint.clone() },
        other => Impediment::Local { reason: other.to_string() },
    }
}
