//! A daemon without sockets: store, writer, router.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use linesman::bills::{Bills, Vault};
use linesman::clock::{Clock, ManualClock, SharedClock};
use linesman::diagnosis::{
    Cause, Class, Diagnosis, ElementReport, ElementState, Fault, FaultState, Hop, PollerState, Severity,
    Side, TreeStep,
};
use linesman::http::{HttpState, Limits};
use linesman::inventory::{
    CustomerDeclaration, Declarations, Declared, ElementKind, Inventory, LinkDeclaration, ServerDeclaration,
};
use linesman::live::{Live, Order};
use linesman::locale::Message;
use linesman::metrics::Metrics;
use linesman::privacy::Keyring;
use linesman::settings::Settings;
use linesman::store::{NewToken, Role, Store, writer};
use linesman::ticket::Ticket;
use linesman::ticket::wanted::Action;
use linesman_probes::observation::{Burst, Detail, Impediment, Measured, Outcome, RttSummary};
use linesman_probes::probe::{Measuring, Probe, ProbeError, ProbeFactory, ProbeKind, ProbeSpec, Round};
use linesman_probes::units::Rtt;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Everything a test needs; dropped at its end.
pub struct Daemon {
    pub router: Router,
    pub state: HttpState,
    pub clock: Arc<ManualClock>,
    pub orders: mpsc::Receiver<Order>,
    pub settings: watch::Sender<Arc<Settings>>,
    secrets: Vec<(Role, String)>,
    description: Value,
    _directory: TempDir,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, which it must be in every respect.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        for member in ["type", "title", "detail", "instance", "code"] {
            let text = problem[member].as_str().unwrap_or_else(|| panic!("{member} in {problem}"));
            assert!(!text.is_empty() && !text.starts_with("api."), "{member} in {problem}");
            assert!(!text.contains('{'), "{member} has a gap in {problem}");
        }
        problem["code"].as_str().unwrap().to_owned()
    }
}

pub fn start_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn declared<T>(name: &str, what: T) -> Declared<T> {
    Declared { span: 0..0, name: name.to_owned(), description: None, what }
}

fn inventory() -> Inventory {
    let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    let declarations = Declarations {
        servers: vec![
            declared("server-1", ServerDeclaration { address: address("127.0.0.1"), ..Default::default() }),
            declared("server-2", ServerDeclaration { address: address("127.0.0.2"), ..Default::default() }),
        ],
        links: vec![declared(
            "link-1",
            LinkDeclaration {
                carrier: Some("Carrier One".to_owned()),
                near: Some("server-1".to_owned()),
                far_address: address("127.0.0.3"),
                ..Default::default()
            },
        )],
        customers: vec![declared(
            "customer-1",
            CustomerDeclaration { contacts: vec!["Li Na +86 10 5555 0101".to_owned()], ..Default::default() },
        )],
        ..Default::default()
    };
    Inventory::build(&declarations).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

impl Daemon {
    pub async fn start() -> Self {
        Self::start_with(Router::new()).await
    }

    pub async fn start_with(pages: Router) -> Self {
        Self::start_on(None, pages).await
    }

    /// On an empty PostgreSQL database; `None` where there is no server.
    pub async fn start_on_postgres() -> Option<Self> {
        let url = crate::postgres_server::new_database().await?;
        Some(Self::start_on(Some(url), Router::new()).await)
    }

    async fn start_on(url: Option<String>, pages: Router) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(start_of_time()));
        let shared: SharedClock = clock.clone();
        let file = directory.path().join("linesman.db");
        let url = url.unwrap_or_else(|| format!("sqlite:{}", file.display()));
        let store = Store::open(&url, shared.clone()).await.unwrap();
        let keys = Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32])]).unwrap();
        store.use_keys(keys).await.unwrap();
        let live = Arc::new(Live::default());
        let (orders, received_orders) = mpsc::channel(8);
        let (writer, queue) = writer::channel();
        let running = writer::run(
            store.clone(),
            queue,
            live.clone(),
            orders.clone(),
            CancellationToken::new(),
            CancellationToken::new(),
        );
        #[expect(clippy::disallowed_methods, reason = "ends with the runtime of its test")]
        tokio::spawn(running);
        let (settings, in_force) =
            watch::channel(Arc::new(Settings { inventory: Arc::new(inventory()), ..Settings::default() }));
        let state = HttpState {
            store,
            writer,
            live,
            orders,
            settings: in_force,
            metrics: Arc::new(Metrics::new()),
            probes: Arc::new(Scripted),
            clock: shared,
            closing: CancellationToken::new(),
            bills: Bills { vault: Vault::at(directory.path().join("bills")), nudge: Arc::new(Notify::new()) },
            limits: Arc::new(Limits::default()),
            notify_tests: mpsc::channel(1).0,
        };
        let mut secrets = Vec::new();
        for (role, name) in [
            (Role::Viewer, "vera"),
            (Role::Agent, "lin"),
            (Role::Technician, "tom"),
            (Role::Billing, "bill"),
            (Role::Noc, "nora"),
            (Role::Manager, "mei"),
            (Role::Admin, "ada"),
        ] {
            let expires_at = start_of_time() + TimeDelta::days(30);
            let token = NewToken { name: name.to_owned(), role, expires_at };
            secrets.push((role, state.store.create_token(&token).await.unwrap()));
        }
        let description = linesman::http::router::description_of(&state);
        Self {
            router: linesman::http::router(state.clone(), pages),
            description: serde_json::to_value(description).unwrap(),
            state,
            clock,
            orders: received_orders,
            settings,
            secrets,
            _directory: directory,
        }
    }

    pub fn description(&self) -> &Value {
        &self.description
    }

    pub fn secret(&self, role: Role) -> &str {
        &self.secrets.iter().find(|secret| secret.0 == role).unwrap().1
    }

    /// A request by a role's token.
    pub fn by(&self, role: Role, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.secret(role)))
    }

    /// Sends; its status must be one that the description names.
    pub async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let request = request.body(body.into()).unwrap();
        let (method, path) = (request.method().as_str().to_lowercase(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let (bytes, text) = (bytes.to_vec(), String::from_utf8_lossy(&bytes).into_owned());
        let answer = Answer { status: parts.status, headers: parts.headers, bytes, text };
        if let Some(operation) = self.operation(&method, &path) {
            let documented = &operation["responses"][answer.status.as_str()];
            assert!(
                documented.is_object(),
                "{method} {path}: {} is not documented\n{}",
                answer.status,
                answer.text
            );
            let kind = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
            if !kind.is_empty() && answer.status != StatusCode::SEE_OTHER {
                assert!(
                    documented["content"][&kind].is_object(),
                    "{method} {path} {}: {kind}",
                    answer.status
                );
            }
        }
        answer
    }

    pub async fn get(&self, role: Role, path: &str) -> Answer {
        self.send(self.by(role, "GET", path), Body::empty()).await
    }

    /// A change of a ticket at a version.
    pub async fn change(&self, role: Role, path: &str, version: i64, body: &str) -> Answer {
        let mut request = self.by(role, "POST", path).header("if-match", format!("\"v{version}\""));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        self.send(request, body.to_owned()).await
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let matches = |template: &str| {
            let (one, other): (Vec<&str>, Vec<&str>) =
                (template.split('/').collect(), path.split('/').collect());
            one.len() == other.len()
                && one.iter().zip(&other).all(|(one, other)| one == other || one.starts_with('{'))
        };
        let paths = self.description["paths"].as_object().unwrap();
        paths.iter().find(|(template, _)| matches(template)).and_then(|(_, item)| item.get(method))
    }

    /// Opens a ticket for a fault of a segment, as the rendezvous does.
    pub async fn open(&self, segment: &str) -> Ticket {
        let fault = fault(segment, self.clock.now_utc());
        let diagnosis = Diagnosis {
            at: self.clock.now_utc(),
            poller: PollerState::Sound,
            faults: vec![fault.clone()],
            elements: vec![ElementReport {
                element: segment.to_owned(),
                kind: ElementKind::Link,
                state: ElementState::Down,
                loss_ratio: Some(1.0),
                rtt_mean_ms: None,
                fault: Some(fault.key.clone()),
            }],
        };
        let generation = self.state.store.save_diagnosis(&diagnosis).await.unwrap();
        self.state.live.set_diagnosis(generation, Arc::new(diagnosis));
        let open = Action::Open { fault: Box::new(fault), candidate: false, follows: None };
        let mut opened = self.state.writer.carry_out(generation, vec![open]).await.unwrap();
        self.clock.advance(TimeDelta::seconds(1));
        opened.pop().unwrap()
    }
}

pub fn fault(segment: &str, now: DateTime<Utc>) -> Fault {
    Fault {
        key: format!("line/{segment}"),
        aliases: vec![],
        class: Class::B,
        cause: Cause::Fibre,
        segment: segment.to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.98,
        severity: Severity::Major,
        life: FaultState::Raised { at: now },
        began: now,
        last_seen: now,
        loss_ratio: Some(1.0),
        affected_elements: vec![segment.to_owned()],
        affected_customers: vec![],
        targets: vec!["link-1/far/icmp".to_owned()],
        steps: vec![
            TreeStep {
                node: "B2".to_owned(),
                answer: true,
                reason: Message::new("guard.note_empty").with("rule", "R23"),
            },
            TreeStep {
                node: "B6".to_owned(),
                answer: false,
                reason: Message::new("guard.note_empty").with("rule", "R23"),
            },
        ],
        headline: Message::new("guard.reason_missing").with("rule", "R33"),
        reasons: vec![Message::new("guard.note_empty").with("rule", "R23")],
        why_not: vec![Message::new("guard.not_a_candidate").with("rule", "R24")],
        hops: vec![Hop {
            element: segment.to_owned(),
            kind: ElementKind::Link,
            state: ElementState::Down,
            at_fault: true,
            evidence: Message::new("guard.note_empty").with("rule", "R23"),
        }],
    }
}

/// 127.0.0.1 answers, 127.0.0.2 is silent, 127.0.0.3 cannot be reached from here.
struct Scripted;

struct ScriptedProbe(ProbeKind, IpAddr);

impl ProbeFactory for Scripted {
    fn make(&self, spec: &ProbeSpec) -> Result<Box<dyn Probe>, ProbeError> {
        match spec {
            ProbeSpec::Icmp { address, .. } => Ok(Box::new(ScriptedProbe(spec.kind(), *address))),
            _ => Err(ProbeError::Permission { hint: "scripted".to_owned() }),
        }
    }
}

impl Probe for ScriptedProbe {
    fn kind(&self) -> ProbeKind {
        self.0
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        assert!(round.spread + round.timeout < Duration::from_secs(25));
        let rtt = Rtt::from_nanos(4_000_000);
        let rtt = RttSummary { min: rtt, mean: rtt, p50: rtt, p95: rtt, p99: rtt, max: rtt, jitter: None };
        let answered = Measured {
            outcome: Outcome::Answered,
            impediment: None,
            burst: Burst { sent: round.count, received: round.count, duplicates: 0, rtt: Some(rtt) },
            detail: Detail::None,
        };
        let measured = match self.1 {
            IpAddr::V4(v4) if v4.octets()[3] == 1 => answered,
            IpAddr::V4(v4) if v4.octets()[3] == 2 => Measured::silent(round.count),
            _ => Measured::unmeasured(Impediment::NoRoute),
        };
        Box::pin(async move { measured })
    }
}
