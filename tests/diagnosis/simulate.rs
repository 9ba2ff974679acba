//! A network made of numbers: plays a scenario round by round against the real diagnosis.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::{Cause, Class, FaultState, Input, PollerState, Side, analyse};
use linesman::inventory::{ElementIndex, ElementKind, Inventory};
use linesman::settings::{DiagnosisSettings, load};
use linesman::workers::Recent;
use linesman_probes::host::HostReading;
use linesman_probes::observation::{
    Burst, Detail, Impediment, Measured, Observation, Outcome as RoundOutcome, RttSummary, Window,
};
use linesman_probes::probe::ProbeKind;
use linesman_probes::units::Rtt;
use serde::Deserialize;

/// A scenario file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    duration_s: u64,
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    fault: Vec<FaultEntry>,
    #[serde(default)]
    pub expect: Vec<Expected>,
    pub expect_isolated: Option<bool>,
    /// SIP over UDP sends a request again until its time is over (RFC 3261, 17.1.2.2).
    #[serde(default)]
    sip_is_sent_again: bool,
}

/// What happens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultEntry {
    at_s: u64,
    for_s: u64,
    /// Element, or empty for the poller.
    #[serde(default)]
    on: String,
    kind: String,
    #[serde(default)]
    value: f64,
}

/// What must be raised.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub segment: String,
    pub class: Class,
    pub cause: Cause,
    pub side: Side,
    pub path: Vec<String>,
    pub after_s: u64,
    pub within_s: u64,
    pub cleared_within_s: Option<u64>,
    pub affected_customers: Option<usize>,
}

/// What the diagnosis made of it.
#[derive(Debug, Default)]
pub struct Outcome {
    pub raised: Vec<Raised>,
    pub was_isolated: bool,
}

/// A fault that was raised.
#[derive(Debug)]
pub struct Raised {
    pub key: String,
    pub segment: String,
    pub class: Class,
    pub cause: Cause,
    pub side: Side,
    pub path: Vec<String>,
    pub raised_s: u64,
    pub cleared_s: Option<u64>,
    pub affected_customers: usize,
    #[expect(dead_code, reason = "read in the message of a failed assertion")]
    pub reasons: Vec<String>,
}

/// xorshift64*: small, seeded, good enough for losses.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Scenario {
    pub fn read(text: &str) -> Self {
        toml::from_str(text).expect("the scenario is well formed")
    }

    pub fn play(&self, seed: u64) -> Outcome {
        let network = self.network.as_deref().unwrap_or(include_str!("network.toml"));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("network.toml");
        std::fs::write(&file, network).expect("written");
        let settings = load(&file, []).expect("the network is well formed");
        let inventory = settings.inventory.clone();
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let targets = inventory.targets();
        let count = targets.len() as u64;
        let recent = Recent::default();
        // As much as the daemon remembers.
        let diagnosis_settings =
            DiagnosisSettings { verify_for: Duration::from_secs(30), ..settings.diagnosis.clone() };
        let keep = diagnosis_settings.gray_window + diagnosis_settings.verify_for;
        let keep = TimeDelta::from_std(keep).expect("small");
        // Rounds under way, by the second in which they end.
        let mut ending: BTreeMap<u64, Vec<Observation>> = BTreeMap::new();
        let mut outcome = Outcome::default();
        let mut faults = Vec::new();
        for second in 0..self.duration_s {
            for (place, target) in targets.iter().enumerate() {
                let interval = target.interval.as_secs().max(1);
                // Spread over the interval, as the driver does.
                let is_due = second % interval == place as u64 * interval / count;
                let is_held_up = self
                    .on(&inventory, target.element)
                    .any(|held| held.kind == "held-up" && held.is_on(second));
                if is_due && !is_held_up {
                    let (length, observation) = self.round(&inventory, place, second, &mut chance);
                    let ends = second + length.as_secs() + u64::from(length.subsec_nanos() > 0);
                    ending.entry(ends).or_default().push(observation);
                }
            }
            for observation in ending.remove(&second).unwrap_or_default() {
                recent.add(&observation, keep);
            }
            let input = Input {
                now: self.wall(second),
                inventory: inventory.clone(),
                series: recent.freeze(&inventory),
                anchor_answers: Vec::new(),
                voice: Vec::new(),
                faults,
                settings: diagnosis_settings.clone(),
            };
            let diagnosis = analyse(&input);
            if second % 29 == 0 {
                assert_eq!(diagnosis, analyse(&input), "one input, one answer");
            }
            outcome.was_isolated |= matches!(diagnosis.poller, PollerState::Isolated { .. });
            outcome.note(second, &diagnosis.faults);
            faults = diagnosis.faults;
        }
        outcome
    }

    /// What our clock says in a second of the scenario.
    fn wall(&self, second: u64) -> DateTime<Utc> {
        let steps = self.fault.iter().filter(|fault| fault.kind == "clock-step" && fault.at_s <= second);
        let stepped: f64 = steps.map(|fault| fault.value).sum();
        let second = TimeDelta::seconds(i64::try_from(second).expect("small"));
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + second + TimeDelta::seconds(stepped as i64)
    }

    fn round(
        &self,
        inventory: &Inventory,
        place: usize,
        second: u64,
        chance: &mut Chance,
    ) -> (Duration, Observation) {
        let target = &inventory.targets()[place];
        let kind = target.spec.kind();
        let sent = target.count;
        let mut received = 0;
        let mut refused = false;
        for request in 0..sent {
            let at = second + u64::from(request) * target.interval.as_secs() / u64::from(sent);
            let is_sent_again = self.sip_is_sent_again && kind == ProbeKind::Sip;
            let patience = if is_sent_again { target.timeout.as_secs() } else { 0 };
            if let Some(refuses) =
                (at..=at + patience).find_map(|at| self.request(inventory, place, at, chance))
            {
                received += 1;
                refused |= refuses;
            }
        }
        let active = |kind: &str| self.fault.iter().any(|fault| fault.kind == kind && fault.is_on(second));
        let begun = self.wall(second);
        let length = if sent > 1 { target.interval * (sent - 1) / sent } else { Duration::ZERO };
        let length = length + if received < sent { target.timeout } else { Duration::from_millis(20) };
        let outcome = match (received, refused) {
            _ if active("unmeasured") => RoundOutcome::Unmeasured,
            (0, _) => RoundOutcome::Silent,
            (_, true) => RoundOutcome::Refused,
            _ => RoundOutcome::Answered,
        };
        let unregistered = self
            .on(inventory, target.element)
            .any(|fault| fault.kind == "unregistered" && fault.is_on(second));
        let starved =
            self.on(inventory, target.element).any(|fault| fault.kind == "starved" && fault.is_on(second));
        let unmeasured = outcome == RoundOutcome::Unmeasured;
        let delay = Rtt::from_duration(Duration::from_millis(3));
        let rtt = (received > 0).then_some(RttSummary {
            min: delay,
            mean: delay,
            p50: delay,
            p95: delay,
            p99: delay,
            max: delay,
            jitter: None,
        });
        let detail = match kind {
            ProbeKind::Host => Detail::Host(Box::new(host(starved))),
            ProbeKind::Registration if unregistered => sip(480),
            ProbeKind::Sip | ProbeKind::Registration if received > 0 => sip(200),
            _ => Detail::None,
        };
        let burst = Burst {
            sent: if unmeasured { 0 } else { sent },
            received: if outcome == RoundOutcome::Answered { received } else { 0 },
            duplicates: 0,
            rtt,
        };
        let measured =
            Measured { outcome, impediment: unmeasured.then_some(Impediment::NoRoute), burst, detail };
        let window = Window { start: begun, end: begun + length };
        (length, Observation { target: target.name.clone(), kind, window, measured })
    }

    /// Whether a request is answered, and if so whether by a refusal.
    fn request(&self, inventory: &Inventory, place: usize, second: u64, chance: &mut Chance) -> Option<bool> {
        let target = &inventory.targets()[place];
        let kind = target.spec.kind();
        if kind == ProbeKind::Host {
            return Some(false);
        }
        let mut survives = 0.9995;
        let mut refused = false;
        for fault in self.fault.iter().filter(|fault| fault.is_on(second)) {
            let at = inventory.find(&fault.on);
            // The registrar is asked, wherever the gateway is.
            let path: Vec<ElementIndex> = if kind == ProbeKind::Registration {
                Vec::new()
            } else {
                inventory.path(target.element).to_vec()
            };
            let crosses = at.is_some_and(|at| path.contains(&at));
            match fault.kind.as_str() {
                "cut" if crosses => survives = 0.0,
                "loss" if crosses => survives *= 1.0 - fault.value,
                "flap"
                    if crosses && (second - fault.at_s) % (2 * fault.value as u64) < fault.value as u64 =>
                {
                    survives = 0.0;
                }
                "loss" if fault.on.is_empty() => survives *= 1.0 - fault.value,
                "isolated" => survives = 0.0,
                "icmp-limited" if at == Some(target.element) && kind == ProbeKind::Icmp => {
                    survives *= 1.0 - fault.value
                }
                "service-down" if at == Some(target.element) && kind != ProbeKind::Icmp => refused = true,
                _ => {}
            }
        }
        (chance.next() < survives).then_some(refused)
    }

    fn on(&self, inventory: &Inventory, element: ElementIndex) -> impl Iterator<Item = &FaultEntry> {
        let name = inventory.element(element).name.clone();
        self.fault.iter().filter(move |fault| fault.on == name)
    }
}

impl FaultEntry {
    fn is_on(&self, second: u64) -> bool {
        (self.at_s..self.at_s + self.for_s).contains(&second)
    }
}

fn sip(code: u16) -> Detail {
    Detail::Sip { code, reason: String::new() }
}

fn host(starved: bool) -> HostReading {
    HostReading {
        cpu_busy_ratio: Some(if starved { 0.99 } else { 0.3 }),
        pressure_cpu_some: Some(if starved { 0.6 } else { 0.02 }),
        udp_receive_buffer_errors_per_s: Some(0.0),
        ..HostReading::default()
    }
}

impl Outcome {
    fn note(&mut self, second: u64, faults: &[linesman::diagnosis::Fault]) {
        let known: BTreeMap<String, usize> = self
            .raised
            .iter()
            .enumerate()
            .filter(|(_, raised)| raised.cleared_s.is_none())
            .map(|(place, raised)| (raised.key.clone(), place))
            .collect();
        for fault in faults {
            let place = known
                .get(&fault.key)
                .or_else(|| fault.aliases.iter().find_map(|alias| known.get(alias)))
                .copied();
            match (&fault.life, place) {
                (FaultState::Raised { .. }, None) => self.raised.push(raised(second, fault)),
                (FaultState::Raised { .. }, Some(place)) => {
                    let raised_s = self.raised[place].raised_s;
                    self.raised[place] = Raised { raised_s, ..raised(second, fault) };
                }
                (FaultState::Cleared { .. }, Some(place)) => self.raised[place].cleared_s = Some(second),
                _ => {}
            }
            assert_ne!(fault.segment_kind, Some(ElementKind::Customer), "a customer is never at fault");
        }
    }
}

fn raised(second: u64, fault: &linesman::diagnosis::Fault) -> Raised {
    Raised {
        key: fault.key.clone(),
        segment: fault.segment.clone(),
        class: fault.class,
        cause: fault.cause,
        side: fault.side,
        path: fault.path().into_iter().map(str::to_owned).collect(),
        raised_s: second,
        cleared_s: None,
        affected_customers: fault.affected_customers.len(),
        reasons: fault
            .reasons
            .iter()
            .chain(&fault.why_not)
            .chain([&fault.headline])
            .map(|message| message.render(linesman::locale::Language::English))
            .collect(),
    }
}
