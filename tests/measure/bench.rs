//! A driver on the bench: settings from text, probes that write down when they are called.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linesman::clock::ManualClock;
use linesman::lifecycle::Lifecycle;
use linesman::metrics::Metrics;
use linesman::settings::{Settings, parse};
use linesman::workers::Recent;
use linesman::workers::measure::Driver;
use linesman_probes::observation::{Burst, Detail, Measured, Observation, Outcome};
use linesman_probes::probe::{Measuring, Probe, ProbeError, ProbeFactory, ProbeKind, ProbeSpec, Round};
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration as Span, Instant, sleep};

/// What the scripted wire does and has seen.
#[derive(Debug, Default)]
pub struct Script {
    /// How long a round takes, besides nothing.
    pub takes: Mutex<Span>,
    /// Whether probes are refused to be made.
    pub refuses: Mutex<bool>,
    /// When rounds began, by address, since the start.
    pub begun: Mutex<BTreeMap<String, Vec<Span>>>,
    /// Probes made.
    pub made: Mutex<usize>,
}

pub struct Factory(pub Arc<Script>, pub Instant);

struct Scripted {
    address: String,
    script: Arc<Script>,
    start: Instant,
}

impl ProbeFactory for Factory {
    fn make(&self, spec: &ProbeSpec) -> Result<Box<dyn Probe>, ProbeError> {
        if *self.0.refuses.lock().unwrap() {
            return Err(ProbeError::Permission { hint: "allow it".to_owned() });
        }
        *self.0.made.lock().unwrap() += 1;
        let ProbeSpec::Icmp { address, .. } = spec else { panic!("{spec:?} is not in the script") };
        Ok(Box::new(Scripted { address: address.to_string(), script: self.0.clone(), start: self.1 }))
    }
}

impl Probe for Scripted {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Icmp
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(async move {
            let begun = self.start.elapsed();
            self.script.begun.lock().unwrap().entry(self.address.clone()).or_default().push(begun);
            let takes = *self.script.takes.lock().unwrap();
            sleep(takes).await;
            answered(round.count)
        })
    }
}

pub fn answered(count: u32) -> Measured {
    let burst = Burst { sent: count, received: count, ..Burst::default() };
    Measured { outcome: Outcome::Answered, impediment: None, burst, detail: Detail::None }
}

/// Settings with servers at 192.0.2.1 and on, every interval as stated.
pub fn settings(servers: u32, interval: &str) -> Settings {
    let mut text = format!("[probes]\ninterval = \"{interval}\"\ntimeout = \"200ms\"\ncount = 1\n");
    for number in 1..=servers {
        text.push_str(&format!("[[server]]\nname = \"s{number}\"\naddress = \"192.0.2.{number}\"\n"));
    }
    parse("test", &text, []).unwrap().settings
}

/// A driver that runs.
pub struct Bench {
    pub script: Arc<Script>,
    pub settings: watch::Sender<Arc<Settings>>,
    pub on_demand: mpsc::Sender<Vec<String>>,
    pub observations: mpsc::Receiver<Observation>,
    pub metrics: Arc<Metrics>,
    pub lifecycle: Lifecycle,
}

impl Bench {
    pub fn start(settings: Settings, room: usize) -> Self {
        Self::with(Arc::default(), settings, room)
    }

    pub fn with(script: Arc<Script>, settings: Settings, room: usize) -> Self {
        let (settings, watched) = watch::channel(Arc::new(settings));
        let (on_demand, asked) = mpsc::channel(16);
        let (sender, observations) = mpsc::channel(room);
        let (lifecycle, metrics) = (Lifecycle::default(), Arc::new(Metrics::new()));
        let driver = Driver {
            settings: watched,
            probes: Arc::new(Factory(script.clone(), Instant::now())),
            clock: Arc::new(ManualClock::at(chrono::DateTime::UNIX_EPOCH)),
            observations: sender,
            on_demand: asked,
            recent: Arc::new(Recent::default()),
            metrics: metrics.clone(),
            lifecycle: lifecycle.clone(),
        };
        lifecycle.run("measure", driver.run());
        Self { script, settings, on_demand, observations, metrics, lifecycle }
    }

    /// Seconds at which rounds to 192.0.2.NUMBER began.
    pub fn begun(&self, number: u32) -> Vec<f64> {
        let begun = self.script.begun.lock().unwrap();
        let of = begun.get(&format!("192.0.2.{number}"));
        of.map(|all| all.iter().map(|at| (at.as_secs_f64() * 10.0).round() / 10.0).collect())
            .unwrap_or_default()
    }

    pub fn heard(&mut self) -> Vec<Observation> {
        std::iter::from_fn(|| self.observations.try_recv().ok()).collect()
    }
}

pub const SECOND: Duration = Duration::from_secs(1);
