//! Each fault of the real network gives exactly the expected ticket, or none, and its repair
//! resolves it.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::support::api::Api;
use super::support::daemon::Daemon;
use super::support::requirement::{require, require_root};
use super::support::{eventually, never};
use super::topology::{API, Topology};

/// Quick, so that the tests are: a ticket within some seconds, its proof some seconds later.
pub const QUICK: &str = r#"
[probes]
interval = "1s"
count = 5
timeout = "800ms"

[diagnosis]
interval = "500ms"
hard_window = "6s"
gray_window = "60s"
verify_for = "5s"
verify_rounds = 3

[tickets]
settle = "3s"
reopen_window = "1m"
"#;

/// Slight loss is believed after it was seen in three slots of 10 s, and forgotten after gray_window.
const OPENED_WITHIN: Duration = Duration::from_secs(75);
const RESOLVED_WITHIN: Duration = Duration::from_secs(120);
/// After the first ticket: time enough for a second one to show that it should not be.
const NO_SECOND_FOR: Duration = Duration::from_secs(6);

/// The daemon in the core of a network. What stands first is dropped first.
pub struct Setup {
    pub api: Api,
    _daemon: Daemon,
    pub network: Topology,
    _folder: TempDir,
}

/// Whether namespaces can be had here.
pub fn can_run() -> bool {
    require_root() && ["ip", "nft", "sipp"].into_iter().all(require)
}

impl Setup {
    /// Everything up, and everything seen well at least once.
    pub async fn new(pace: &str) -> Self {
        let network = Topology::build();
        network.core.enter();
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Topology::settings(pace);
        let (daemon, api) = Daemon::start(folder.path(), API, &settings, &network.core.wrapper(), None).await;
        eventually("every target to answer", Duration::from_secs(60), async || {
            let targets = api.targets().await;
            let well = |target: &Value| target["last"]["outcome"] == "answered";
            (!targets.is_empty() && targets.iter().all(well)).then_some(())
        })
        .await;
        assert!(api.tickets().await.is_empty(), "a ticket on a healthy network");
        Self { api, _daemon: daemon, network, _folder: folder }
    }

    async fn only_ticket(&self) -> Value {
        let ticket = eventually("a ticket", OPENED_WITHIN, async || self.api.tickets().await.pop()).await;
        let number = ticket["number"].clone();
        never("a second ticket, or none", NO_SECOND_FOR, async || {
            let numbers: Vec<Value> =
                self.api.tickets().await.iter().map(|ticket| ticket["number"].clone()).collect();
            (numbers != [number.clone()]).then_some(numbers)
        })
        .await;
        self.api.tickets().await.remove(0)
    }

    async fn resolved(&self) -> Value {
        let ticket = eventually("the ticket to be resolved", RESOLVED_WITHIN, async || {
            let tickets = self.api.tickets().await;
            assert_eq!(tickets.len(), 1, "{tickets:?}");
            let state = tickets[0]["state"].as_str().unwrap_or_default();
            ["resolved", "settled", "closed"].contains(&state).then(|| tickets[0].clone())
        })
        .await;
        assert!(ticket["restored_at"].is_string(), "{ticket}");
        ticket
    }
}

/// What a ticket must say.
struct Expected {
    class: &'static str,
    cause: &'static str,
    segment: &'static str,
    side: &'static str,
    path: &'static [&'static str],
    affected: &'static [&'static str],
}

fn assert_says(ticket: &Value, expected: &Expected) {
    let said = ["class", "cause", "segment", "side"].map(|key| ticket[key].as_str().unwrap_or_default());
    assert_eq!(said, [expected.class, expected.cause, expected.segment, expected.side], "{ticket:#}");
    let path = ticket["path"].as_array().cloned().unwrap_or_default();
    let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
    assert_eq!(path, expected.path, "{ticket:#}");
    let affected = ticket["fault"]["affected_customers"].as_array().cloned().unwrap_or_default();
    let affected: Vec<&str> = affected.iter().filter_map(Value::as_str).collect();
    assert_eq!(affected, expected.affected, "{ticket:#}");
    assert_eq!(ticket["candidate"], false, "{ticket:#}");
}

/// One fault from the healthy network to its proof. The body runs on a thread of its own, which
/// lives in the core's namespace and ends with the test.
fn scenario(
    break_it: impl FnOnce(&mut Topology) + Send + 'static,
    mend_it: impl FnOnce(&mut Topology) + Send + 'static,
    expected: Expected,
) {
    in_namespace(async move || {
        let mut setup = Setup::new(QUICK).await;
        break_it(&mut setup.network);
        assert_says(&setup.only_ticket().await, &expected);
        mend_it(&mut setup.network);
        setup.resolved().await;
    });
}

/// Runs a body where the network may be entered, one at a time, if namespaces can be had.
pub fn in_namespace(body: impl AsyncFnOnce() + Send + 'static) {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    if !can_run() {
        return;
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(body());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

const FIBRE: &[&str] = &["B2", "B4", "B5", "B6", "B6b", "B7"];

#[test]
fn a_cut_link_opens_one_fibre_ticket_for_the_carrier() {
    let expected = Expected {
        class: "B",
        cause: "fibre",
        segment: "link-1",
        side: "carrier",
        path: FIBRE,
        affected: &[],
    };
    scenario(|network| network.cut("carrier-1"), |network| network.mend("carrier-1"), expected);
}

#[test]
fn a_lossy_link_opens_one_fibre_ticket_for_the_carrier() {
    let expected = Expected {
        class: "B",
        cause: "fibre",
        segment: "link-1",
        side: "carrier",
        path: FIBRE,
        affected: &[],
    };
    scenario(|network| network.lossy("carrier-1", 300), |network| network.clean(), expected);
}

#[test]
fn a_dead_server_opens_one_ticket_for_the_company() {
    // The registrar of all gateways: that they cannot be asked for is no fault of theirs.
    let expected = Expected {
        class: "B",
        cause: "server-down",
        segment: "server-1",
        side: "company",
        path: &["B2", "B4", "B5"],
        affected: &[],
    };
    scenario(
        |network| network.kill_server("server-1"),
        |network| network.restart_server("server-1"),
        expected,
    );
}

#[test]
fn a_dead_gateway_opens_one_ticket_for_its_owner() {
    let expected = Expected {
        class: "C",
        cause: "gateway-down",
        segment: "gateway-2",
        side: "customer",
        path: &["C2", "C3", "C7"],
        affected: &["customer-2"],
    };
    scenario(|network| network.kill_gateway("site-2"), |network| network.restart_gateway("site-2"), expected);
}

#[test]
fn a_dead_access_line_opens_one_ticket_and_hides_the_gateway_behind_it() {
    let expected = Expected {
        class: "B",
        cause: "customer-access",
        segment: "access-3",
        side: "customer",
        path: &["B2", "B3"],
        affected: &["customer-3"],
    };
    scenario(|network| network.cut("site-3"), |network| network.mend("site-3"), expected);
}

#[test]
fn a_poller_that_is_cut_off_opens_no_ticket_about_the_network() {
    in_namespace(async || {
        let setup = Setup::new(QUICK).await;
        setup.network.isolate();
        eventually("the poller to know that it is cut off", OPENED_WITHIN, async || {
            setup.api.says_isolated().await.then_some(())
        })
        .await;
        let no_ticket = async || setup.api.tickets().await.pop();
        never("a ticket about a network that cannot be seen", NO_SECOND_FOR, no_ticket).await;
        setup.network.rejoin();
        eventually("the poller to know that it is back", OPENED_WITHIN, async || {
            (!setup.api.says_isolated().await).then_some(())
        })
        .await;
        never("a ticket about what could not be seen", NO_SECOND_FOR, no_ticket).await;
    });
}
