//! What Linesman answers to a registration at once, and what it does for those who wait: R86, R92, R96, R99.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::Clock as _;
use linesman::diagnosis::{Diagnosis, ElementReport, ElementState, FaultState, PollerState};
use linesman::inventory::ElementKind;
use linesman::live::Order;
use linesman::store::Role;
use linesman::ticket::{Actor, Deed, Event, State, Ticket, TicketNumber, clocks};
use linesman::workers::waiting::{Memory, Waiting};
use linesman_deadlines::promise::Outcome;
use linesman_probes::observation::{Measured, Observation, Window};
use linesman_probes::probe::ProbeKind;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::daemon::{Answer, Daemon, fault};

/// What speaks for the link.
fn target(daemon: &Daemon) -> String {
    let settings = daemon.state.settings.borrow();
    let link = settings.inventory.find("link-1").unwrap();
    settings.inventory.targets_of(link).next().unwrap().name.clone()
}

async fn post(daemon: &Daemon, role: Role, path: &str, body: &Value) -> Answer {
    let request = daemon.by(role, "POST", path).header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

fn complaint() -> Value {
    json!({
        "kind": "complaint", "channel": "phone", "element": "link-1",
        "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true },
        "words": { "description": "no calls" },
    })
}

async fn registered(daemon: &Daemon) -> Value {
    let answer = post(daemon, Role::Agent, "/api/v1/tickets", &complaint()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

async fn announce(daemon: &Daemon, ends_at: DateTime<Utc>) -> String {
    let wanted = json!({
        "elements": ["link-1"], "ends_at": ends_at, "text": "splice 12-48", "customer_text": "back in two hours",
    });
    let answer = post(daemon, Role::Noc, "/api/v1/maintenance", &wanted).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn waiting(daemon: &Daemon) -> Waiting {
    let state = &daemon.state;
    Waiting {
        store: state.store.clone(),
        writer: state.writer.clone(),
        live: state.live.clone(),
        orders: state.orders.clone(),
        settings: state.settings.clone(),
        metrics: state.metrics.clone(),
        clock: state.clock.clone(),
        soft: CancellationToken::new(),
    }
}

async fn look(daemon: &Daemon) -> usize {
    waiting(daemon).look(daemon.clock.now_utc(), &mut Memory::default()).await.unwrap()
}

/// The link is measured now, and the measurements are looked at.
fn measure(daemon: &Daemon, state: ElementState) {
    daemon.clock.advance(TimeDelta::seconds(2));
    let at = daemon.clock.now_utc();
    let window = Window { start: at, end: at + TimeDelta::milliseconds(200) };
    let round =
        Observation { target: target(daemon), kind: ProbeKind::Icmp, window, measured: Measured::silent(5) };
    daemon.state.live.observe(Arc::new(round));
    daemon.clock.advance(TimeDelta::seconds(2));
    let element = ElementReport {
        element: "link-1".to_owned(),
        kind: ElementKind::Link,
        state,
        loss_ratio: None,
        rtt_mean_ms: None,
        fault: None,
    };
    let diagnosis = Diagnosis {
        at: daemon.clock.now_utc(),
        poller: PollerState::Sound,
        faults: Vec::new(),
        elements: vec![element],
    };
    daemon.state.live.set_diagnosis(9, Arc::new(diagnosis));
}

async fn now_of(daemon: &Daemon, registered: &Value) -> Ticket {
    let number: TicketNumber = registered["ticket"]["number"].as_str().unwrap().parse().unwrap();
    daemon.state.store.ticket_by_number(number).await.unwrap().unwrap()
}

async fn outcomes(daemon: &Daemon, registered: &Value) -> Vec<Outcome> {
    let ticket = now_of(daemon, registered).await;
    clocks::promises(&ticket, daemon.clock.now_utc()).into_iter().map(|known| known.outcome).collect()
}

#[tokio::test]
async fn r92_r99_a_registration_tells_announced_work_and_its_end_which_is_then_promised() {
    let daemon = Daemon::start().await;
    let ends_at = daemon.clock.now_utc() + TimeDelta::hours(2);
    let window = announce(&daemon, ends_at).await;
    let begun = std::time::Instant::now();
    let registered = registered(&daemon).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(1), "it answers while the customer waits");
    let work = &registered["announced"][0];
    assert_eq!((&work["window"], &work["text"]), (&window.as_str().into(), &"back in two hours".into()));
    assert_eq!((&work["phase"], &work["elements"]), (&"running".into(), &json!(["link-1"])));
    assert_eq!(work["expected_end"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), ends_at);
    assert_eq!(registered["ticket"]["process"]["window"], window.as_str());
    assert_eq!(outcomes(&daemon, &registered).await, [Outcome::Open]);
    let number = registered["ticket"]["number"].as_str().unwrap();
    let known = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/known")).await.json();
    assert_eq!((&known["announced"], &known["path"]), (&registered["announced"], &registered["path"]));

    let mut alone = complaint();
    alone["stand_alone"] = true.into();
    let alone = post(&daemon, Role::Agent, "/api/v1/tickets", &alone).await.json();
    assert_eq!(alone["ticket"]["process"].get("window"), None, "what has another reason is not promised");
    assert_eq!(alone["ticket"]["process"]["stands_alone"], true, "and nothing links it later");
}

#[tokio::test]
async fn r86_work_that_is_moved_renews_the_promise_and_good_measurements_after_it_keep_it() {
    let mut daemon = Daemon::start().await;
    let ends_at = daemon.clock.now_utc() + TimeDelta::hours(2);
    let window = announce(&daemon, ends_at).await;
    let registered = registered(&daemon).await;
    while daemon.orders.try_recv().is_ok() {}
    assert_eq!(look(&daemon).await, 0, "the work runs as it was told");
    let later = json!({ "ends_at": ends_at + TimeDelta::hours(1), "reason": "the splice failed" });
    let path = format!("/api/v1/maintenance/{window}/postpone");
    assert_eq!(post(&daemon, Role::Noc, &path, &later).await.status, 200);
    assert_eq!((look(&daemon).await, look(&daemon).await), (1, 0), "once");
    assert_eq!(outcomes(&daemon, &registered).await, [Outcome::Renewed, Outcome::Open]);
    daemon.clock.advance(TimeDelta::hours(3));
    assert_eq!(look(&daemon).await, 0, "not measured is not healthy");
    let ordered = daemon.orders.try_recv();
    assert!(matches!(&ordered, Ok(Order::Remeasure(targets)) if targets.contains(&target(&daemon))));
    measure(&daemon, ElementState::Ok);
    assert_eq!(look(&daemon).await, 1);
    assert_eq!(outcomes(&daemon, &registered).await, [Outcome::Renewed, Outcome::Kept]);
    assert_eq!(look(&daemon).await, 0);
}

#[tokio::test]
async fn r86_r99_an_overrun_breaks_the_promise_of_everybody_who_was_told() {
    let daemon = Daemon::start().await;
    let ends_at = daemon.clock.now_utc() + TimeDelta::hours(2);
    announce(&daemon, ends_at).await;
    let (first, second) = (registered(&daemon).await, registered(&daemon).await);
    daemon.clock.advance(TimeDelta::hours(2));
    measure(&daemon, ElementState::Down);
    assert_eq!(look(&daemon).await, 2);
    for ticket in [&first, &second] {
        assert_eq!(outcomes(&daemon, ticket).await, [Outcome::Broken], "at once, not when its time is over");
    }
    assert_eq!(look(&daemon).await, 0);
}

/// A complaint below an open fault's ticket, worked on; then the fault is over.
async fn after_the_fault(daemon: &Daemon) -> Value {
    let above = daemon.open("link-1").await;
    let registered = registered(daemon).await;
    assert_eq!(registered["ticket"]["process"]["parent"], above.id.to_string());
    let mut over = fault("link-1", daemon.clock.now_utc());
    over.life = FaultState::Cleared { at: daemon.clock.now_utc(), since: daemon.clock.now_utc() };
    let since = daemon.clock.now_utc();
    let writer = &daemon.state.writer;
    let linesman = Actor::linesman;
    writer.apply(&above.id, None, Event::VerificationStarted { since }, linesman()).await.unwrap();
    let over = Event::Resolved { fault: Box::new(over), restored_at: since };
    writer.apply(&above.id, None, over, linesman()).await.unwrap();
    registered
}

#[tokio::test]
async fn r61_a_complaint_below_a_fault_is_proven_or_detached_by_its_own_measurement() {
    let daemon = Daemon::start().await;
    let registered = after_the_fault(&daemon).await;
    let child = now_of(&daemon, &registered).await;
    assert!(child.process.fault_over.is_some() && child.state == State::Registered);
    // Somebody works on it meanwhile, and says that it is repaired.
    let writer = &daemon.state.writer;
    let by = || Actor("lin".to_owned());
    let class = json!({ "class": "B", "urgency": "urgent", "level": "yellow" });
    let number = registered["ticket"]["number"].as_str().unwrap();
    let path = format!("/api/v1/tickets/{number}/classify");
    let version = child.version;
    assert_eq!(daemon.change(Role::Agent, &path, version, &class.to_string()).await.status, 200);
    measure(&daemon, ElementState::Down);
    assert_eq!(look(&daemon).await, 1, "this customer is not well");
    let child = now_of(&daemon, &registered).await;
    assert_eq!((child.process.parent.clone(), child.process.fault_over), (None, None), "he goes on alone");
    assert!(child.process.stands_alone, "and is not linked to it again");
    assert_eq!(look(&daemon).await, 0);
    let noted = writer.apply(&child.id, None, Deed::Linked { parent: None }.into(), by()).await;
    assert!(noted.is_ok(), "{noted:?}");
}

#[tokio::test]
async fn r61_r77_good_measurements_prove_it_and_the_customer_is_still_told_before_it_settles() {
    let daemon = Daemon::start().await;
    let above = daemon.open("link-1").await;
    let registered = registered(&daemon).await;
    let number = registered["ticket"]["number"].as_str().unwrap().to_owned();
    let does = async |role: Role, verb: &str, body: Value| {
        let path = format!("/api/v1/tickets/{number}");
        let version = daemon.get(Role::Viewer, &path).await.json()["version"].as_i64().unwrap();
        let answer = daemon.change(role, &format!("{path}/{verb}"), version, &body.to_string()).await;
        (answer.status.as_u16(), answer.text)
    };
    let hours = |hours: i64| (daemon.clock.now_utc() + TimeDelta::hours(hours)).to_rfc3339();
    let class = json!({ "class": "B", "urgency": "urgent", "level": "yellow", "segment": "link-1" });
    let owner = json!({ "owner": "lin", "deadline": hours(20), "target": "calls again", "duty": "on_duty" });
    let hears = json!({
        "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": hours(4),
    });
    for (verb, body) in [("classify", class), ("assign", owner), ("contact", hears), ("accept", json!({}))] {
        let (status, text) = does(Role::Agent, verb, body).await;
        assert_eq!(status, 200, "{verb}: {text}");
    }
    let since = daemon.clock.now_utc();
    let writer = daemon.state.writer.clone();
    writer.apply(&above.id, None, Event::VerificationStarted { since }, Actor::linesman()).await.unwrap();
    let mut over = fault("link-1", since);
    over.life = FaultState::Cleared { at: since, since };
    let over = Event::Resolved { fault: Box::new(over), restored_at: since };
    writer.apply(&above.id, None, over, Actor::linesman()).await.unwrap();
    assert_eq!(now_of(&daemon, &registered).await.state, State::Verifying);
    measure(&daemon, ElementState::Ok);
    assert_eq!(look(&daemon).await, 1);
    let child = now_of(&daemon, &registered).await;
    let proof = child.process.verification.clone().expect("proven");
    assert!(proof.measured && proof.because.contains("link-1"), "{proof:?}");
    let (early, text) = does(
        Role::Agent,
        "confirm-result",
        json!({ "rating": "satisfied", "method": "signature", "reference": "folder 7" }),
    )
    .await;
    assert_eq!(early, 409, "{text}");
    assert!(text.contains("R77"), "he has not been told: {text}");
    assert_eq!(child.process.parent, Some(above.id));
}
