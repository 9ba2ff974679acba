//! A daemon with the real store, writer, router and pages, whose measurements are told, not made:
//! a small carrier whose fibre was cut two minutes ago.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock as _, SharedClock, SystemClock};
use linesman::diagnosis::{
    Cause, Class, Diagnosis, ElementReport, ElementState, Fault, FaultState, Hop, PollerState, Severity,
    Side, TreeStep,
};
use linesman::http::{HttpState, Limits};
use linesman::inventory::{
    AccessDeclaration, CustomerDeclaration, Declarations, Declared, DeviceDeclaration, ElementKind,
    GatewayDeclaration, Inventory, LinkDeclaration, Owner, ServerDeclaration, TrunkDeclaration,
};
use linesman::live::Live;
use linesman::locale::Message;
use linesman::metrics::Metrics;
use linesman::settings::Settings;
use linesman::store::{Attachment, NewToken, Role, Store, writer};
use linesman::ticket::TicketId;
use linesman::ticket::wanted::Action;
use linesman_probes::observation::{Burst, Detail, Measured, Observation, Outcome, RttSummary, Window};
use linesman_probes::probe::{Probe, ProbeError, ProbeFactory, ProbeSpec};
use linesman_probes::units::Rtt;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const CUSTOMERS: u8 = 20;

/// Serves until it is dropped with its runtime.
pub struct Story {
    pub url: String,
    pub token: String,
    _directory: TempDir,
}

impl Story {
    pub async fn begin() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(SystemClock);
        let url = format!("sqlite:{}", directory.path().join("linesman.db").display());
        let store = Store::open(&url, clock.clone()).await.unwrap();
        let keys = linesman::privacy::Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32])]).unwrap();
        store.use_keys(keys).await.unwrap();
        let live = Arc::new(Live::default());
        let (orders, mut wishes) = mpsc::channel(8);
        let (writer, queue) = writer::channel();
        let stop = CancellationToken::new();
        let writing =
            writer::run(store.clone(), queue, live.clone(), orders.clone(), stop.clone(), stop.clone());
        let inventory = inventory();
        let settings = Settings { inventory: std::sync::Arc::new(inventory.clone()), ..Settings::default() };
        // The page's events come from the sender's life, not from its use.
        let (in_force, settings) = watch::channel(Arc::new(settings));
        let state = HttpState {
            store: store.clone(),
            writer: writer.clone(),
            live: live.clone(),
            orders,
            settings,
            metrics: Arc::new(Metrics::new()),
            probes: Arc::new(NoProbes),
            clock,
            closing: stop,
            bills: linesman::bills::Bills {
                vault: linesman::bills::Vault::at(std::env::temp_dir().join("linesman-story-bills")),
                nudge: Arc::default(),
            },
            limits: Arc::new(Limits::default()),
            notify_tests: mpsc::channel(1).0,
        };
        let expires_at = SystemClock.now_utc() + TimeDelta::days(1);
        let token = NewToken { name: "tech-wang".to_owned(), role: Role::Admin, expires_at };
        let token = store.create_token(&token).await.unwrap();
        let began = SystemClock.now_utc() - TimeDelta::seconds(134);
        let telling = async move {
            let _in_force = in_force;
            tell(&store, &writer, &live, &inventory, began).await;
        };
        let router = linesman::http::router(state.clone(), linesman::http::page::router(state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = async move { axum::serve(listener, router).await };
        let measuring = async move { while wishes.recv().await.is_some() {} };
        #[expect(clippy::disallowed_methods, reason = "all end with the runtime of their test")]
        {
            tokio::spawn(writing);
            tokio::spawn(telling);
            tokio::spawn(serving);
            tokio::spawn(measuring);
        }
        Self { url, token, _directory: directory }
    }
}

struct NoProbes;

impl ProbeFactory for NoProbes {
    fn make(&self, _spec: &ProbeSpec) -> Result<Box<dyn Probe>, ProbeError> {
        Err(ProbeError::Specification {
            field: "kind",
            reason: "nothing is measured in this story".to_owned(),
        })
    }
}

/// Ten minutes of past, the ticket, then a round and a look every second.
async fn tell(
    store: &Store,
    writer: &linesman::store::TicketWriter,
    live: &Live,
    inventory: &Inventory,
    began: DateTime<Utc>,
) {
    let mut at = began - TimeDelta::minutes(10);
    let mut past = Vec::new();
    while at < SystemClock.now_utc() {
        past.extend(round(inventory, at, began));
        at += TimeDelta::seconds(5);
    }
    store.append_observations(&past).await.unwrap();
    let first = diagnosis(inventory, began);
    let generation = store.save_diagnosis(&first).await.unwrap();
    let open = Action::Open { fault: Box::new(fault(began)), candidate: false, follows: None };
    let opened = writer.carry_out(generation, vec![open]).await.unwrap();
    attach(store, &opened[0].id, began).await;
    live.set_diagnosis(generation, Arc::new(first));
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    for generation in generation + 1.. {
        tick.tick().await;
        let rounds = round(inventory, SystemClock.now_utc(), began);
        store.append_observations(&rounds).await.unwrap();
        rounds.into_iter().for_each(|round| live.observe(Arc::new(round)));
        live.set_diagnosis(generation, Arc::new(diagnosis(inventory, began)));
    }
}

/// Two files of calls: a person's steps read them as bytes, so any bytes do.
async fn attach(store: &Store, ticket: &TicketId, began: DateTime<Utc>) {
    for (call, has_payload) in [("5f0c7a1be2d94c31a3", false), ("91ab33c07de54e02b6", true)] {
        let content: Vec<u8> = (0..3_000_u32).map(|place| place.wrapping_mul(0x9E37_79B1) as u8).collect();
        let file = Attachment {
            first: began,
            last: began + TimeDelta::seconds(61),
            packets: 3_050,
            left_out: 120,
            has_payload,
            ..Attachment::new(ticket, call, &content, began + TimeDelta::seconds(90))
        };
        assert!(store.attach(ticket, &file, &content, 3).await.unwrap());
    }
}

fn round(inventory: &Inventory, at: DateTime<Utc>, began: DateTime<Utc>) -> Vec<Observation> {
    let cut = |name: &str| ["link-east/", "trunk-1/", "trunk-2/"].iter().any(|start| name.starts_with(start));
    let waver = (at.timestamp() % 11) as f64 / 20.0;
    let targets = inventory.targets().iter().filter(|target| !target.name.starts_with("access-9/"));
    targets
        .enumerate()
        .map(|(place, target)| {
            let silent = at >= began && cut(&target.name);
            let received = match target.name.starts_with("gateway-7/") {
                true => 4,
                false if silent => 0,
                false => 5,
            };
            let delay = Rtt::from_nanos(((1.0 + (place % 7) as f64 * 1.3 + waver) * 1e6) as u64);
            let summary = RttSummary {
                min: delay,
                mean: delay,
                p50: delay,
                p95: delay,
                p99: delay,
                max: delay,
                jitter: None,
            };
            let start = at + TimeDelta::milliseconds(place as i64 * 7);
            Observation {
                target: target.name.clone(),
                kind: target.spec.kind(),
                window: Window { start, end: start + TimeDelta::milliseconds(400) },
                measured: Measured {
                    outcome: if received == 0 { Outcome::Silent } else { Outcome::Answered },
                    impediment: None,
                    burst: Burst { sent: 5, received, duplicates: 0, rtt: (received > 0).then_some(summary) },
                    detail: Detail::None,
                },
            }
        })
        .collect()
}

fn diagnosis(inventory: &Inventory, began: DateTime<Utc>) -> Diagnosis {
    let carries = |kind| !matches!(kind, ElementKind::Customer | ElementKind::Site);
    let elements = inventory.elements().iter().filter(|element| carries(element.kind)).map(|element| {
        let (state, loss_ratio, rtt_mean_ms) = match element.name.as_str() {
            "link-east" => (ElementState::Down, Some(1.0), None),
            "trunk-1" | "trunk-2" => (ElementState::Hidden, Some(1.0), None),
            "gateway-7" => (ElementState::Degraded, Some(0.2), Some(38.4)),
            "access-9" => (ElementState::Unknown, None, None),
            _ => (ElementState::Ok, Some(0.0), Some(2.3)),
        };
        ElementReport {
            element: element.name.clone(),
            kind: element.kind,
            state,
            loss_ratio,
            rtt_mean_ms,
            fault: None,
        }
    });
    Diagnosis {
        at: SystemClock.now_utc(),
        poller: PollerState::Sound,
        faults: vec![fault(began)],
        elements: elements.collect(),
    }
}

fn fault(began: DateTime<Utc>) -> Fault {
    let since = began.format("%H:%M:%S UTC").to_string();
    let hop = |element: &str, kind, state, at_fault, evidence| Hop {
        element: element.to_owned(),
        kind,
        state,
        at_fault,
        evidence,
    };
    let step = |node: &str, answer| {
        let key = format!("tree.{node}.{}", if answer { "yes" } else { "no" });
        TreeStep { node: node.to_owned(), answer, reason: Message::new(&key).with("segment", "link-east") }
    };
    let silent = |probes: &str| Message::new("hop.silent").with("probes", probes).with("since", &since);
    let answers = |probes: &str| {
        Message::new("hop.answers").with("probes", probes).with("loss", "0 %").with("delay", "1.4 ms")
    };
    let others = |neighbour: &str, count: usize, examples: &str| {
        let message = Message::new("why_not.others_answer").with("neighbour", neighbour);
        message.with("count", count).with("examples", examples)
    };
    Fault {
        key: "line/link-east".to_owned(),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-east".to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.97,
        severity: Severity::Critical,
        life: FaultState::Raised { at: began + TimeDelta::seconds(15) },
        began,
        last_seen: SystemClock.now_utc(),
        loss_ratio: Some(1.0),
        affected_elements: ["link-east", "trunk-1", "trunk-2"].map(str::to_owned).to_vec(),
        affected_customers: (1..=CUSTOMERS).map(|count| format!("customer-{count}")).collect(),
        targets: ["link-east/icmp", "trunk-1/sip", "trunk-2/sip"].map(str::to_owned).to_vec(),
        steps: vec![
            step("B2", true),
            step("B4", true),
            step("B5", false),
            step("B6b", false),
            step("B7", true),
        ],
        headline: Message::new("headline.fibre")
            .with("segment", "link-east")
            .with("far_end", "A-7")
            .with("carrier", "East Telecom")
            .with("since", &since),
        reasons: vec![
            Message::new("reason.silent")
                .with("bad", 3)
                .with("all", 3)
                .with("segment", "link-east")
                .with("since", &since)
                .with("examples", "link-east/icmp, trunk-1/sip"),
            Message::new("reason.protocols_agree").with("protocols", "ICMP, SIP"),
        ],
        why_not: vec![
            others("router-1", 44, "link-west/icmp"),
            Message::new("why_not.many_at_once")
                .with("count", 2)
                .with("segment", "link-east")
                .with("examples", "trunk-1, trunk-2"),
        ],
        hops: vec![
            hop("router-1", ElementKind::Device, ElementState::Ok, false, answers("icmp")),
            hop("link-east", ElementKind::Link, ElementState::Down, true, silent("icmp")),
            hop("trunk-1", ElementKind::Trunk, ElementState::Hidden, false, silent("sip")),
        ],
    }
}

fn declared<T>(name: &str, what: T) -> Declared<T> {
    Declared { span: 0..0, name: name.to_owned(), description: None, what }
}

fn inventory() -> Inventory {
    let address = |third: u8, fourth: u8| IpAddr::V4(Ipv4Addr::new(127, 0, third, fourth));
    let device = Some("router-1".to_owned());
    let mut network = Declarations::default();
    let router = DeviceDeclaration { address: Some(address(1, 1)), ..Default::default() };
    network.devices.push(declared("router-1", router));
    for count in 1..=2 {
        let server = ServerDeclaration {
            device: device.clone(),
            address: Some(address(2, count)),
            sip: Some((address(2, count), 5060).into()),
            ..Default::default()
        };
        network.servers.push(declared(&format!("sbc-{count}"), server));
    }
    for (name, carrier, far, fourth) in
        [("link-east", "East Telecom", "A-7", 1), ("link-west", "West Mobile", "M-12", 2)]
    {
        let link = LinkDeclaration {
            carrier: Some(carrier.to_owned()),
            circuit: Some("ETH-2041-77".to_owned()),
            near: device.clone(),
            far: Some(far.to_owned()),
            far_address: Some(address(3, fourth)),
            ..Default::default()
        };
        network.links.push(declared(name, link));
    }
    for (count, link) in [(1, "link-east"), (2, "link-east"), (3, "link-west")] {
        let trunk = TrunkDeclaration {
            link: Some(link.to_owned()),
            sip: Some((address(4, count), 5060).into()),
            ..Default::default()
        };
        network.trunks.push(declared(&format!("trunk-{count}"), trunk));
    }
    for count in 1..=CUSTOMERS {
        let (access, gateway) = (format!("access-{count}"), format!("gateway-{count}"));
        let line = AccessDeclaration {
            device: device.clone(),
            address: Some(address(5, count)),
            ..Default::default()
        };
        network.accesses.push(declared(&access, line));
        let owner = if count % 2 == 1 { Owner::Company } else { Owner::Customer };
        let sip = Some((address(6, count), 5060).into());
        let what = GatewayDeclaration { owner, access: Some(access.clone()), sip, ..Default::default() };
        network.gateways.push(declared(&gateway, what));
        let customer =
            CustomerDeclaration { gateways: vec![gateway], access: vec![access], ..Default::default() };
        network.customers.push(declared(&format!("customer-{count}"), customer));
    }
    Inventory::build(&network).expect("the small carrier is well declared")
}
