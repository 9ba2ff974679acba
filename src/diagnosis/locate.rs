//! The fewest elements that explain which paths are lossy and which are clean.
//!
//! Greedy maximum a posteriori, after Flock: each suspect gains what the lossy paths through it
//! say for it, loses what the clean ones say against it, and pays for being rare. The best one is
//! taken, the paths it explains are set aside, and so on. Two suspects are no elements: the
//! *responder* of a target (a device that limits its own ICMP answers while it forwards well) and
//! the *service* on a host (which is there while its SIP is not).

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use linesman_probes::probe::ProbeKind;

use super::Input;
use super::symptom::{Evidence, LEVELS, PathState, TOTAL};
use crate::inventory::{ElementIndex, ElementKind};

/// What a suspect must gain, in nats, to be believed at first.
const OPEN: f64 = 3.0;
/// Slight loss must have been seen at so many separate moments, and without the worst of them a
/// third of it must be left: one short outage that many paths share is not the loss of many paths.
const MOMENTS: usize = 3;

/// Something that may be at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspect {
    /// An element of the inventory.
    Element(ElementIndex),
    /// The service on a host that itself is there.
    Service(ElementIndex),
    /// The answering of ICMP by one target alone.
    Responder(usize),
}

/// A suspect found to be at fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Which.
    pub suspect: Suspect,
    /// Place in [`LEVELS`].
    pub level: usize,
    /// What it gains, in nats.
    pub gain: f64,
    /// By how much it beats the best other explanation of the same paths.
    pub margin: f64,
    /// That other explanation.
    pub runner_up: Option<Suspect>,
    /// Places in the evidence of the lossy paths that it explains.
    pub explains: Vec<usize>,
    /// Places in the evidence of the paths through it that are clean.
    pub clean: Vec<usize>,
    /// First bad round.
    pub began: DateTime<Utc>,
    /// Last bad round.
    pub last_seen: DateTime<Utc>,
    /// Longest interval of the targets that it explains.
    pub interval: Duration,
}

impl Verdict {
    /// Whether everything through it is lost.
    #[must_use]
    pub fn is_total(&self) -> bool {
        self.level == TOTAL
    }

    /// 0 to 1: the odds against the best other explanation, never quite sure.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        (1.0 / (1.0 + (-self.margin).exp())).clamp(0.0, 0.99)
    }
}

/// How rare a fault of this suspect at this level is.
fn ln_prior(input: &Input, suspect: Suspect, level: usize) -> f64 {
    let prior: f64 = match suspect {
        // Devices commonly limit their ICMP answers; seldom do they stop answering for good.
        Suspect::Responder(_) if level == TOTAL => 1e-3,
        Suspect::Responder(_) => 1e-2,
        Suspect::Service(_) => 3e-3,
        Suspect::Element(index) => match input.inventory.element(index).kind {
            ElementKind::Gateway => 8e-3,
            ElementKind::Access | ElementKind::Link => 3e-3,
            ElementKind::Trunk | ElementKind::Server => 2e-3,
            ElementKind::Device => 1e-3,
            ElementKind::Site | ElementKind::Customer => 1e-6,
        },
    };
    prior.ln()
}

struct Ledger<'a> {
    input: &'a Input,
    paths: &'a [Evidence],
    /// For each path: the suspects that lie on it.
    on: Vec<Vec<Suspect>>,
    /// For each suspect: the paths through it.
    through: BTreeMap<Suspect, Vec<usize>>,
    /// For each suspect: what its paths say at each level.
    sums: BTreeMap<Suspect, [f64; 3]>,
    covered: Vec<bool>,
}

/// The verdicts, strongest first. `kept` are suspects with an open fault: they are believed on
/// less, so that a fault does not flap at the threshold.
#[must_use]
pub fn locate(input: &Input, paths: &[Evidence], kept: &[Suspect]) -> Vec<Verdict> {
    let mut ledger = Ledger::new(input, paths);
    let mut verdicts = Vec::new();
    while let Some(verdict) = ledger.strongest(kept) {
        ledger.cover(&verdict);
        verdicts.push(verdict);
    }
    verdicts
}

impl<'a> Ledger<'a> {
    fn new(input: &'a Input, paths: &'a [Evidence]) -> Self {
        let alive = hosts_alive(input, paths);
        let mut ledger = Self {
            input,
            paths,
            on: Vec::with_capacity(paths.len()),
            through: BTreeMap::new(),
            sums: BTreeMap::new(),
            covered: vec![false; paths.len()],
        };
        for (place, path) in paths.iter().enumerate() {
            let suspects = suspects_of(input, path, &alive);
            for suspect in &suspects {
                ledger.through.entry(*suspect).or_default().push(place);
                let sums = ledger.sums.entry(*suspect).or_default();
                for (sum, nats) in sums.iter_mut().zip(said_of(*suspect, path)) {
                    *sum += nats;
                }
            }
            ledger.on.push(suspects);
        }
        ledger
    }

    fn gain(&self, suspect: Suspect) -> (usize, f64) {
        let sums = self.sums.get(&suspect).copied().unwrap_or_default();
        (0..LEVELS.len())
            .map(|level| (level, sums[level] + ln_prior(self.input, suspect, level)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((TOTAL, f64::NEG_INFINITY))
    }

    /// The strongest suspect that stands; one that rests on too few moments is set aside.
    fn strongest(&mut self, kept: &[Suspect]) -> Option<Verdict> {
        loop {
            let verdict = self.leader(kept)?;
            if verdict.is_total() || self.lasts(&verdict) {
                return Some(verdict);
            }
            self.sums.remove(&verdict.suspect);
        }
    }

    fn lasts(&self, verdict: &Verdict) -> bool {
        let mut lost: BTreeMap<i64, u32> = BTreeMap::new();
        for (slot, count) in verdict.explains.iter().flat_map(|place| &self.paths[*place].losses) {
            *lost.entry(*slot).or_default() += count;
        }
        let all: u32 = lost.values().sum();
        let worst = lost.values().max().copied().unwrap_or(0);
        lost.len() >= MOMENTS && (all - worst) * 3 >= all
    }

    fn leader(&self, kept: &[Suspect]) -> Option<Verdict> {
        let (suspect, level, gain) = self
            .sums
            .keys()
            .map(|suspect| {
                let (level, gain) = self.gain(*suspect);
                (*suspect, level, gain)
            })
            .filter(|(suspect, _, gain)| *gain >= if kept.contains(suspect) { 0.0 } else { OPEN })
            .max_by(|a, b| a.2.total_cmp(&b.2))?;
        let through = &self.through[&suspect];
        let explains: Vec<usize> = through
            .iter()
            .copied()
            .filter(|place| !self.covered[*place] && said_of(suspect, &self.paths[*place])[level] > 0.0)
            .collect();
        let began = explains.iter().filter_map(|place| self.paths[*place].since).min()?;
        let last_seen = explains.iter().filter_map(|place| self.paths[*place].last_bad).max()?;
        let targets = self.input.inventory.targets();
        let interval = explains.iter().map(|place| targets[self.paths[*place].target].interval).max()?;
        let clean = through
            .iter()
            .copied()
            .filter(|place| self.paths[*place].state == PathState::Answering && !self.paths[*place].is_bad())
            .collect();
        let (runner_up, margin) = self.runner_up(suspect, level, &explains);
        Some(Verdict { suspect, level, gain, margin, runner_up, explains, clean, began, last_seen, interval })
    }

    /// The best other single explanation of the same paths; what it leaves unexplained must be
    /// explained by each path's own nearest suspect, which costs.
    fn runner_up(&self, best: Suspect, level: usize, explains: &[usize]) -> (Option<Suspect>, f64) {
        let own = self.gain(best).1;
        let mut others: BTreeMap<Suspect, usize> = BTreeMap::new();
        for place in explains {
            for suspect in &self.on[*place] {
                if *suspect != best {
                    *others.entry(*suspect).or_default() += 1;
                }
            }
        }
        let rival = others
            .into_iter()
            .map(|(suspect, explained)| {
                let left = explains.len() - explained;
                let rest = left as f64 * -ln_prior(self.input, Suspect::Responder(0), level);
                (suspect, self.gain(suspect).1 - rest)
            })
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match rival {
            Some((suspect, gain)) => (Some(suspect), own - gain),
            None => (None, own.max(0.0)),
        }
    }

    fn cover(&mut self, verdict: &Verdict) {
        for place in &verdict.explains {
            self.covered[*place] = true;
            for suspect in &self.on[*place] {
                let Some(sums) = self.sums.get_mut(suspect) else { continue };
                for (sum, nats) in sums.iter_mut().zip(said_of(*suspect, &self.paths[*place])) {
                    *sum -= nats;
                }
            }
        }
        // A suspect is found once.
        self.sums.remove(&verdict.suspect);
    }
}

/// What a path says of a suspect on it. A refusal proves that everything up to the host works.
fn said_of(suspect: Suspect, path: &Evidence) -> [f64; 3] {
    match (suspect, path.state) {
        (Suspect::Service(_), _) => path.llr,
        (_, PathState::Refusing) => path.llr.map(|nats| -nats),
        _ => path.llr,
    }
}

/// Hosts that prove to be there while something on them may not answer.
fn hosts_alive(input: &Input, paths: &[Evidence]) -> Vec<bool> {
    let mut alive = vec![false; input.inventory.elements().len()];
    for path in paths {
        let target = &input.inventory.targets()[path.target];
        let icmp_answers = target.spec.kind() == ProbeKind::Icmp && path.state == PathState::Answering;
        if icmp_answers || path.state == PathState::Refusing {
            alive[target.element.0] = true;
        }
    }
    alive
}

fn suspects_of(input: &Input, path: &Evidence, alive: &[bool]) -> Vec<Suspect> {
    let target = &input.inventory.targets()[path.target];
    let mut suspects: Vec<Suspect> =
        input.inventory.path(target.element).iter().map(|index| Suspect::Element(*index)).collect();
    if target.spec.kind() == ProbeKind::Icmp {
        suspects.push(Suspect::Responder(path.target));
        return suspects;
    }
    let kind = input.inventory.element(target.element).kind;
    let has_services = matches!(kind, ElementKind::Server | ElementKind::Gateway | ElementKind::Trunk);
    if has_services && alive[target.element.0] {
        suspects.push(Suspect::Service(target.element));
    }
    suspects
}
