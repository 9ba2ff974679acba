//! Real probes on the simulated carrier, and the diagnosis of what they saw, without root: what
//! the namespaces prove on real packets is proven here for those who cannot make any. Slight loss
//! is left to the namespaces: it must last over half a minute before it is believed.

use std::sync::Arc;
use std::time::Duration;

use linesman::clock::{Clock as _, SystemClock};
use linesman::diagnosis::{Diagnosis, Fault, FaultState, Input, PollerState, RoundPoint, Series, analyse};
use linesman::inventory::Inventory;
use linesman::settings::{DiagnosisSettings, load};
use linesman::sim::Carrier;
use linesman_probes::observation::{Detail, Measured};
use linesman_probes::probe::{Probe, ProbeFactory as _, Round};
use linesman_probes::reach::SocketProbes;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ROUND: Round = Round { count: 1, spread: Duration::ZERO, timeout: Duration::from_millis(300) };
const INTERVAL: Duration = Duration::from_millis(400);
/// Rounds within which a fault must be raised, and within which its end must be proven.
const PATIENCE: usize = 60;

/// The carrier with somebody who measures it round by round and looks at the measurements.
struct Watched {
    carrier: Carrier,
    inventory: Arc<Inventory>,
    probes: Vec<Arc<dyn Probe>>,
    series: Vec<Series>,
    faults: Vec<Fault>,
    settings: DiagnosisSettings,
    _stop: tokio_util::sync::DropGuard,
}

impl Watched {
    async fn new() -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let carrier = Carrier::start(3, &tasks, &stop).await.expect("loopback takes sockets");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("linesman.toml");
        std::fs::write(&file, carrier.settings_toml()).expect("a file");
        let settings = load(&file, []).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let inventory: Arc<Inventory> = settings.inventory;
        let factory = SocketProbes::default();
        let targets = inventory.targets().iter();
        let probes: Vec<Arc<dyn Probe>> = targets
            .map(|target| factory.make(&target.spec).expect("loopback needs no permission").into())
            .collect();
        let series = (0..probes.len()).map(|target| Series { target, rounds: Arc::default() }).collect();
        let settings = DiagnosisSettings {
            hard_window: Duration::from_secs(3),
            verify_for: Duration::from_secs(1),
            ..settings.diagnosis
        };
        Self { carrier, inventory, probes, series, faults: Vec::new(), settings, _stop: stop.drop_guard() }
    }

    /// Measures every target once and looks at it all.
    async fn look(&mut self) -> Diagnosis {
        let next = Instant::now() + INTERVAL;
        let mut rounds = JoinSet::new();
        for (place, probe) in self.probes.iter().cloned().enumerate() {
            rounds.spawn(async move {
                let start = SystemClock.now_utc();
                let measured = probe.measure(ROUND).await;
                (place, start, measured)
            });
        }
        while let Some(round) = rounds.join_next().await {
            let (place, start, measured) = round.expect("a probe does not panic");
            Arc::make_mut(&mut self.series[place].rounds).push_back(point(start, measured));
        }
        sleep_until(next).await;
        let diagnosis = analyse(&Input {
            now: SystemClock.now_utc(),
            inventory: Arc::clone(&self.inventory),
            series: self.series.clone(),
            anchor_answers: Vec::new(),
            voice: Vec::new(),
            faults: std::mem::take(&mut self.faults),
            settings: self.settings.clone(),
        });
        self.faults.clone_from(&diagnosis.faults);
        diagnosis
    }

    /// Looks until a fault is raised, and twice more; what is raised then.
    async fn raised(&mut self) -> Vec<Fault> {
        let is_raised = |fault: &Fault| matches!(fault.life, FaultState::Raised { .. });
        for _ in 0..PATIENCE {
            if self.look().await.faults.iter().any(is_raised) {
                self.look().await;
                return self.look().await.faults.into_iter().filter(is_raised).collect();
            }
        }
        panic!("no fault is raised: {:?}", self.faults);
    }

    /// Looks until every fault is proven to be over.
    async fn cleared(&mut self) {
        for _ in 0..PATIENCE {
            let faults = self.look().await.faults;
            if faults.iter().all(|fault| matches!(fault.life, FaultState::Cleared { .. })) {
                return;
            }
        }
        panic!("not proven to be over: {:?}", self.faults);
    }
}

fn point(start: chrono::DateTime<chrono::Utc>, measured: Measured) -> RoundPoint {
    let code = match measured.detail {
        Detail::Sip { code, .. } => Some(code),
        _ => None,
    };
    RoundPoint {
        start,
        end: SystemClock.now_utc(),
        outcome: measured.outcome,
        sent: measured.burst.sent,
        received: measured.burst.received,
        rtt_mean_ms: None,
        jitter_ms: None,
        code,
        host: None,
    }
}

/// Breaks one thing, expects one fault as `CLASS CAUSE SEGMENT SIDE`, mends it, expects its end.
async fn one_fault(break_it: impl Fn(&Carrier), mend_it: impl Fn(&Carrier), expected: &str) {
    let mut watched = Watched::new().await;
    for _ in 0..3 {
        let faults = watched.look().await.faults;
        assert!(faults.is_empty(), "a fault on a healthy carrier: {faults:?}");
    }
    break_it(&watched.carrier);
    let raised = watched.raised().await;
    let said: Vec<String> = raised
        .iter()
        .map(|fault| {
            let (class, cause, side) = (fault.class.letter(), fault.cause.name(), fault.side.name());
            format!("{class} {cause} {} {side}", fault.segment)
        })
        .collect();
    assert_eq!(said, [expected]);
    mend_it(&watched.carrier);
    watched.cleared().await;
}

fn heal(element: &str) -> impl Fn(&Carrier) {
    move |carrier| carrier.heal(element).expect("the element is there")
}

fn cut(element: &str) -> impl Fn(&Carrier) {
    move |carrier| carrier.cut(element).expect("the element is there")
}

#[tokio::test]
async fn a_cut_link_is_one_fault_of_the_carrier() {
    one_fault(cut("link-1"), heal("link-1"), "B fibre link-1 carrier").await;
}

#[tokio::test]
async fn a_dead_server_is_one_fault_of_the_company() {
    one_fault(cut("server-2"), heal("server-2"), "B server-down server-2 company").await;
}

#[tokio::test]
async fn a_dead_access_line_is_one_fault_of_the_customer() {
    one_fault(cut("access-9"), heal("access-9"), "B customer-access access-9 customer").await;
}

#[tokio::test]
async fn a_dead_gateway_is_one_fault_of_its_owner() {
    one_fault(cut("gateway-4"), heal("gateway-4"), "C gateway-down gateway-4 customer").await;
    one_fault(cut("gateway-17"), heal("gateway-17"), "C gateway-down gateway-17 company").await;
}

#[tokio::test]
async fn a_gateway_that_lost_its_registration_is_one_fault_of_its_owner() {
    let lose = |carrier: &Carrier| carrier.set_registered("gateway-5", false).expect("it is there");
    let regain = |carrier: &Carrier| carrier.set_registered("gateway-5", true).expect("it is there");
    one_fault(lose, regain, "C gateway-unregistered gateway-5 company").await;
}

#[tokio::test]
async fn when_nothing_at_all_answers_nothing_is_said_about_the_network() {
    let mut watched = Watched::new().await;
    watched.look().await;
    watched.carrier.cut("device-1").expect("it is there");
    for _ in 0..PATIENCE {
        let diagnosis = watched.look().await;
        if matches!(diagnosis.poller, PollerState::Isolated { .. }) {
            assert!(diagnosis.faults.is_empty(), "{:?}", diagnosis.faults);
            return;
        }
    }
    panic!("the poller does not know that it is cut off");
}
