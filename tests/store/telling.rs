//! A notifier that runs, what it is given to tell, and how a test waits until it has told it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linesman::clock::ManualClock;
use linesman::diagnosis::{Fault, Severity};
use linesman::lifecycle::Lifecycle;
use linesman::live::{Live, NotifyTest};
use linesman::metrics::Metrics;
use linesman::settings::{Settings, parse};
use linesman::store::{Store, TicketWriter};
use linesman::ticket::wanted::Action;
use linesman::ticket::{Actor, Event, Ticket};
use linesman::workers::notify::Notifier;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};

use crate::fixture::{Daemon, fault};
use crate::receivers::{Got, Http, Reply};

pub const FINE: Reply = Reply::Http(200, &[], "ok");

/// A notifier that runs.
pub struct Telling {
    lifecycle: Lifecycle,
    pub tests: mpsc::Sender<NotifyTest>,
    pub settings: watch::Sender<Arc<Settings>>,
    pub metrics: Arc<Metrics>,
}

pub fn settings(text: &str) -> Settings {
    let secrets = [("HOOK_SECRET".to_owned(), format!("whsec_{}", STANDARD.encode(b"a secret of ours")))];
    parse("linesman.toml", text, secrets).unwrap_or_else(|wrong| panic!("{wrong:?}")).settings
}

pub fn hook(name: &str, http: &Http, more: &str) -> String {
    format!("[[notify]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"{}/hook\"\n{more}\n", http.url)
}

impl Telling {
    pub fn start(
        store: &Store,
        writer: &TicketWriter,
        live: &Arc<Live>,
        clock: &Arc<ManualClock>,
        text: &str,
    ) -> Self {
        let lifecycle = Lifecycle::default();
        let metrics = Arc::new(Metrics::new());
        let (tests, received) = mpsc::channel(4);
        let (settings, in_force) = watch::channel(Arc::new(settings(text)));
        let notifier = Notifier {
            settings: in_force,
            store: store.clone(),
            writer: writer.clone(),
            live: live.clone(),
            metrics: metrics.clone(),
            tests: received,
            clock: clock.clone(),
            chance: Arc::new(|| 1.0),
            tick: Duration::from_millis(20),
            lifecycle: lifecycle.clone(),
        };
        lifecycle.run("notify", notifier.run());
        Self { lifecycle, tests, settings, metrics }
    }

    pub fn beside(daemon: &Daemon, text: &str) -> Self {
        Self::start(&daemon.store, &daemon.writer, &daemon.live, &daemon.clock, text)
    }

    /// In the middle of whatever it does.
    pub async fn kill(self) {
        self.lifecycle.hard().cancel();
        self.lifecycle.stop(Duration::from_secs(5)).await;
    }

    pub async fn stop(self) {
        assert!(self.lifecycle.stop(Duration::from_secs(10)).await, "its loops end");
        drop(self.settings);
    }
}

pub fn severe(key: &str, severity: Severity) -> Fault {
    Fault { severity, ..fault(key) }
}

pub async fn open(daemon: &Daemon, fault: Fault) -> Ticket {
    let action = Action::Open { fault: Box::new(fault), candidate: false, follows: None };
    daemon.writer.carry_out(1, vec![action]).await.unwrap().remove(0)
}

pub async fn enrich(daemon: &Daemon, ticket: &Ticket, fault: Fault) {
    let event = Event::Enriched { fault: Box::new(fault) };
    daemon.writer.apply(&ticket.id, None, event, Actor::linesman()).await.unwrap();
}

/// Waits until nothing waits for this channel any more.
pub async fn told(daemon: &Daemon, channel: &str) {
    for _ in 0..6_000 {
        let standings = daemon.store.channel_standings().await.unwrap();
        let expanded = daemon.store.outbox_pending(10).await.unwrap().is_empty();
        if expanded && standings.iter().all(|standing| standing.channel != channel || standing.waiting == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{channel} still has something to tell");
}

/// Waits until nothing waits for this channel, whatever the others have or this one gave up.
pub async fn silent(daemon: &Daemon, channel: &str) {
    for _ in 0..6_000 {
        let standings = daemon.store.channel_standings().await.unwrap();
        if standings.iter().any(|standing| standing.channel == channel && standing.waiting == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{channel} still has something to tell");
}

/// HMAC-SHA256 by its definition (RFC 2104), of other code than signs.
pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

pub fn ids(got: &[Got]) -> Vec<&str> {
    got.iter().map(|got| got.header("webhook-id")).collect()
}
