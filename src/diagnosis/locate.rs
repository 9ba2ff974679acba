//! The fewest elements that explain which paths are lossy and which are clean.
//!
//! Greedy maximum a posteriori, after Flock: each suspect gains what the lossy paths through it
//! say for it, loses what the clean ones say against it, and pays for being rare. The best one is
//! taken, the paths it explains are set aside, and so on. Two suspects are no elements: the
//! *responder* of a target (a device that limits its own ICMP answers while it forwards well) and
//! the *service* on a host (which is there while its SIP is not).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use linesman_probes::probe::ProbeKind;

use super::Input;
use super::symptom::{Evidence, LEVELS, PathState, TOTAL};
use crate::inventory::{ElementIndex, ElementKind};

/// What a suspect must gain, in nats, to be believed at first.
const OPEN: f64 = 3.0;
/// Logarithms of the priors 1e-6, 1e-3, 2e-3, 3e-3, 8e-3 and 1e-2.
const LN_1E6: f64 = -13.815_510_557_964_274;
const LN_1E3: f64 = -6.907_755_278_982_137;
const LN_2E3: f64 = -6.214_608_098_422_191;
const LN_3E3: f64 = -5.809_142_990_314_028;
const LN_8E3: f64 = -4.828_313_737_302_301;
const LN_1E2: f64 = -4.605_170_185_988_091;
/// Slight loss must have been seen at so many separate moments, and without the worst of them a
/// third of it must be left: one short outage that many paths share is not the loss of many paths.
const MOMENTS: usize = 3;
/// Requests in a row that no slight loss swallows: half of all lost, it would be one chance in 4,096.
const LASTING: u32 = 12;

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
    /// Silence that may yet turn out to be the slight loss of something nearer to us, which has
    /// not lasted long enough to be believed.
    pub contested: bool,
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

/// How rare a fault of this suspect at this level is, as a natural logarithm.
fn ln_prior(input: &Input, suspect: Suspect, level: usize) -> f64 {
    match suspect {
        // Devices commonly limit their ICMP answers; seldom do they stop answering for good.
        Suspect::Responder(_) if level == TOTAL => LN_1E3,
        Suspect::Responder(_) => LN_1E2,
        Suspect::Service(_) => LN_3E3,
        Suspect::Element(index) => match input.inventory.element(index).kind {
            ElementKind::Gateway => LN_8E3,
            ElementKind::Access | ElementKind::Link => LN_3E3,
            ElementKind::Trunk | ElementKind::Server => LN_2E3,
            ElementKind::Device => LN_1E3,
            ElementKind::Site | ElementKind::Customer => LN_1E6,
        },
    }
}

/// A suspect with what its paths say for it.
struct Standing {
    suspect: Suspect,
    /// Places of the paths through it, ascending.
    through: Vec<usize>,
    /// What the paths not yet explained say at each level.
    sums: [f64; 3],
    /// Counts changes of `sums`: an older entry of the queue is void.
    version: u32,
    /// Found already, or set aside.
    done: bool,
}

/// An entry of the queue: the strongest is taken first, among equals the one farther from us.
struct Claim {
    gain: f64,
    suspect: Suspect,
    id: usize,
    version: u32,
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Claim {}

impl PartialOrd for Claim {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Claim {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(self.suspect.cmp(&other.suspect))
    }
}

struct Ledger<'a> {
    input: &'a Input,
    paths: &'a [Evidence],
    /// For each path: the suspects that lie on it.
    on: Vec<Vec<usize>>,
    suspects: Vec<Standing>,
    claims: BinaryHeap<Claim>,
    covered: Vec<bool>,
}

/// The verdicts, strongest first. `kept` are suspects with an open fault: they are believed on
/// less, so that a fault does not flap at the threshold.
#[must_use]
pub fn locate(input: &Input, paths: &[Evidence], kept: &[Suspect]) -> Vec<Verdict> {
    if !paths.iter().any(Evidence::is_bad) {
        return Vec::new();
    }
    let kept: BTreeSet<Suspect> = kept.iter().copied().collect();
    let mut ledger = Ledger::new(input, paths);
    let contested = ledger.contested();
    let mut verdicts = Vec::new();
    while let Some((id, mut verdict)) = ledger.strongest(&kept) {
        let by_others = |place: &usize| contested[*place].iter().any(|other| *other != id);
        verdict.contested = verdict.is_total() && verdict.explains.iter().any(by_others);
        ledger.cover(id, &verdict);
        verdicts.push(verdict);
    }
    verdicts
}

impl<'a> Ledger<'a> {
    fn new(input: &'a Input, paths: &'a [Evidence]) -> Self {
        let alive = hosts_alive(input, paths);
        let mut ids: BTreeMap<Suspect, usize> = BTreeMap::new();
        let mut suspects: Vec<Standing> = Vec::new();
        let mut on = Vec::with_capacity(paths.len());
        for (place, path) in paths.iter().enumerate() {
            let mut here = Vec::new();
            for suspect in suspects_of(input, path, &alive) {
                let id = *ids.entry(suspect).or_insert(suspects.len());
                if id == suspects.len() {
                    let (through, sums) = (Vec::new(), [0.0; 3]);
                    suspects.push(Standing { suspect, through, sums, version: 0, done: false });
                }
                let standing = &mut suspects[id];
                standing.through.push(place);
                for (sum, nats) in standing.sums.iter_mut().zip(said_of(suspect, path)) {
                    *sum += nats;
                }
                here.push(id);
            }
            on.push(here);
        }
        let covered = vec![false; paths.len()];
        let mut ledger = Self { input, paths, on, suspects, claims: BinaryHeap::new(), covered };
        for id in 0..ledger.suspects.len() {
            ledger.claim(id);
        }
        ledger
    }

    fn gain(&self, id: usize) -> (usize, f64) {
        let standing = &self.suspects[id];
        (0..LEVELS.len())
            .map(|level| (level, standing.sums[level] + ln_prior(self.input, standing.suspect, level)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((TOTAL, f64::NEG_INFINITY))
    }

    /// Puts a suspect into the queue as it stands now, if it may be believed at all.
    fn claim(&mut self, id: usize) {
        let Standing { suspect, version, done, .. } = self.suspects[id];
        let (_, gain) = self.gain(id);
        if !done && gain >= 0.0 {
            self.claims.push(Claim { gain, suspect, id, version });
        }
    }

    /// The strongest suspect that stands; one that rests on too few moments is set aside.
    fn strongest(&mut self, kept: &BTreeSet<Suspect>) -> Option<(usize, Verdict)> {
        while let Some(claim) = self.claims.pop() {
            let standing = &self.suspects[claim.id];
            let needed = if kept.contains(&claim.suspect) { 0.0 } else { OPEN };
            if standing.done || standing.version != claim.version || claim.gain < needed {
                continue;
            }
            match self.verdict(claim.id) {
                Some(verdict) if verdict.is_total() || self.lasts(&verdict) => {
                    return Some((claim.id, verdict));
                }
                _ => self.suspects[claim.id].done = true,
            }
        }
        None
    }

    /// For each path the elements on it whose slight loss would explain it, but has been seen for
    /// too short a time. On a lossy line a single request is soon lost three times in a row.
    fn contested(&self) -> Vec<Vec<usize>> {
        let mut contested = vec![Vec::new(); self.paths.len()];
        for id in 0..self.suspects.len() {
            let standing = &self.suspects[id];
            let slight = (0..TOTAL)
                .map(|level| (level, standing.sums[level] + ln_prior(self.input, standing.suspect, level)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .filter(|(_, gain)| *gain >= OPEN && matches!(standing.suspect, Suspect::Element(_)));
            let Some((level, _)) = slight else { continue };
            let speaks = |place: &&usize| said_of(standing.suspect, &self.paths[**place])[level] > 0.0;
            let loses = |place: &usize| self.paths[*place].state == PathState::Answering;
            let may_be_chance = |place: &&usize| self.paths[**place].sent < LASTING;
            // Only silence on all paths is no slight loss.
            if standing.through.iter().filter(speaks).any(loses) {
                for place in standing.through.iter().filter(speaks).filter(may_be_chance) {
                    contested[*place].push(id);
                }
            }
        }
        contested
    }

    fn lasts(&self, verdict: &Verdict) -> bool {
        let mut lost: BTreeMap<i64, u32> = BTreeMap::new();
        for (slot, count) in verdict.explains.iter().flat_map(|place| &self.paths[*place].losses) {
            let sum = lost.entry(*slot).or_default();
            *sum = sum.saturating_add(*count);
        }
        let all: u64 = lost.values().map(|count| u64::from(*count)).sum();
        let worst = u64::from(lost.values().max().copied().unwrap_or(0));
        lost.len() >= MOMENTS && (all - worst) * 3 >= all
    }

    fn verdict(&self, id: usize) -> Option<Verdict> {
        let Standing { suspect, through, .. } = &self.suspects[id];
        let (level, gain) = self.gain(id);
        let explains: Vec<usize> = through
            .iter()
            .copied()
            .filter(|place| !self.covered[*place] && said_of(*suspect, &self.paths[*place])[level] > 0.0)
            .collect();
        let began = explains.iter().filter_map(|place| self.paths[*place].since).min()?;
        let last_seen = explains.iter().filter_map(|place| self.paths[*place].last_bad).max()?;
        let targets = self.input.inventory.targets();
        let interval = explains.iter().map(|place| targets[self.paths[*place].target].interval).max()?;
        let clean = through.iter().copied().filter(|place| self.paths[*place].is_clean()).collect();
        let (runner_up, margin) = self.runner_up(id, level, &explains);
        let suspect = *suspect;
        Some(Verdict {
            suspect,
            level,
            gain,
            margin,
            runner_up,
            explains,
            clean,
            began,
            last_seen,
            interval,
            contested: false,
        })
    }

    /// The best other single explanation of the same paths; what it leaves unexplained must be
    /// explained by each path's own nearest suspect, which costs.
    fn runner_up(&self, best: usize, level: usize, explains: &[usize]) -> (Option<Suspect>, f64) {
        let own = self.gain(best).1;
        let mut others: HashMap<usize, usize> = HashMap::new();
        for id in explains.iter().flat_map(|place| &self.on[*place]).filter(|id| **id != best) {
            *others.entry(*id).or_default() += 1;
        }
        let cost = -ln_prior(self.input, Suspect::Responder(0), level);
        let rival = others
            .into_iter()
            .filter(|(id, _)| !self.suspects[*id].done)
            .map(|(id, explained)| {
                let left = explains.len() - explained;
                (self.suspects[id].suspect, self.gain(id).1 - left as f64 * cost)
            })
            .max_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        match rival {
            Some((suspect, gain)) => (Some(suspect), own - gain),
            None => (None, own.max(0.0)),
        }
    }

    fn cover(&mut self, id: usize, verdict: &Verdict) {
        // A suspect is found once.
        self.suspects[id].done = true;
        let mut touched = BTreeSet::new();
        for place in &verdict.explains {
            self.covered[*place] = true;
            for other in &self.on[*place] {
                let standing = &mut self.suspects[*other];
                for (sum, nats) in
                    standing.sums.iter_mut().zip(said_of(standing.suspect, &self.paths[*place]))
                {
                    *sum -= nats;
                }
                touched.insert(*other);
            }
        }
        for other in touched {
            self.suspects[other].version += 1;
            self.claim(other);
        }
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
