//! Builds every part and hands out the channels: the wiring diagram as code.
//!
//! ```text
//! measure ──observations──▶ record ──nudge──▶ analyse ──nudge──▶ rendezvous
//!    ▲                        │                  │                   │
//!    │on demand               ▼                  ▼                   ▼
//! reload ◀──orders── http    store ◀─────── writer (group commit) ◀──┘
//!                      │      ▲                                      ▲
//!            uploads   ▼      ├──outbox──▶ notify ──▶ people         │
//! intake ──watched──▶ bills ──┴──nudge──▶ reconcile ──nudge──────────┘
//! voice ──observations──▶ record;  voice ──nudge──▶ analyse;  voice ──calls──▶ store
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use linesman_probes::probe::{ProbeFactory, ProbeKind};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::bills::{Bills, Engine, Vault};
use crate::clock::SharedClock;
use crate::http::{self, HttpState, Limits};
use crate::id::os_random;
use crate::lifecycle::{self, Lifecycle};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::privacy::{KeyFileError, keyfile};
use crate::settings::Settings;
use crate::store::{Store, StoreError, writer};
use crate::workers::analyse::{Analyser, is_fresh};
use crate::workers::clocks::Sweep;
use crate::workers::intake::Intake;
use crate::workers::learn::Learner;
use crate::workers::measure::Driver;
use crate::workers::notify::{self, Notifier};
use crate::workers::outage::Outages;
use crate::workers::reconcile::Reconciler;
use crate::workers::record::Recorder;
use crate::workers::reload::{ReadSettings, Reloader};
use crate::workers::rendezvous::Rendezvous;
use crate::workers::routes::{self, Routes};
use crate::workers::voice::Voice;
use crate::workers::waiting::Waiting;
use crate::workers::{Keeper, Recent, StoreKeeper, months, retain, upkeep};

/// Observations that may wait to be recorded.
const OBSERVATIONS: usize = 65_536;
/// Orders of pages that may wait.
const ORDERS: usize = 256;

/// What a daemon is built of.
pub struct Blueprint {
    /// Settings to begin with.
    pub settings: Settings,
    /// How they are read again.
    pub read: ReadSettings,
    /// The file they came from.
    pub file: Option<PathBuf>,
    /// Makes probes: real ones but for tests.
    pub probes: Arc<dyn ProbeFactory>,
    /// Compares bills: the real one but for tests.
    pub engine: Engine,
    /// Wall time.
    pub clock: SharedClock,
}

/// Why a daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; choose another `listen` in [http], or see `linesman doctor`"
    )]
    Listen {
        /// Address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The keys of personal data cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// Personal data is kept, and the keys are gone.
    #[error(
        "the key file {path} is missing, and the database holds personal data that only it opens; restore it from \
         its copy, or name its place by `key_file` in [privacy]",
        path = path.display()
    )]
    KeysLost {
        /// Where they should be.
        path: PathBuf,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StartError {
    /// Whether a permission is what is missing.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        match self {
            Self::Listen { source, .. } => source.kind() == std::io::ErrorKind::PermissionDenied,
            Self::Store(error) => error.is_permission(),
            Self::Keys(_) | Self::KeysLost { .. } => false,
        }
    }
}

/// A daemon that runs.
pub struct App {
    /// Where it listens, with the real port.
    pub address: SocketAddr,
    /// The first admin token, if the database had none: shown once.
    pub first_token: Option<String>,
    /// The live picture.
    pub live: Arc<Live>,
    /// The database.
    pub store: Store,
    /// Owns the loops.
    pub lifecycle: Lifecycle,
    grace: Duration,
    writer_stop: CancellationToken,
    writer_life: Lifecycle,
}

impl App {
    /// Opens everything and starts every loop.
    ///
    /// # Errors
    /// [`StartError`], with nothing left running.
    pub async fn start(blueprint: Blueprint) -> Result<Self, StartError> {
        let Blueprint { mut settings, read, file, probes, engine, clock } = blueprint;
        let address = settings.http.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let address = listener.local_addr().unwrap_or(address);
        // Links name the port that port 0 became.
        settings.http.listen = address;
        if !crate::procedure::put_in_force(&settings.procedure.tables) {
            tracing::error!(
                "another daemon of this process works by other tables; they hold for this one too"
            );
        }
        let store = Store::open(&settings.database.url, clock.clone()).await?;
        unlock(&store, settings.key_file()).await?;
        let first_token = store.create_first_token().await?;
        let start = match store.latest_diagnosis().await {
            // Written by another version: measurement will say it again within seconds.
            Err(error @ StoreError::Inconsistent { .. }) => {
                tracing::warn!(%error, "the last diagnosis cannot be read; starting without it");
                None
            }
            known => known?,
        };

        let bills = Bills { vault: Vault::of(&settings), nudge: Arc::new(Notify::new()) };
        sweep(&store, &bills.vault).await?;

        let lifecycle = Lifecycle::default();
        let soft = lifecycle.soft().clone();
        let metrics = Arc::new(Metrics::new());
        metrics.set_calendars(&crate::procedure::in_force().calendars);
        let live = Arc::new(Live::default());
        let recent = Arc::new(Recent::default());
        let grace = settings.http.grace;
        let (settings_sender, settings) = watch::channel(Arc::new(settings));
        let (orders, orders_receiver) = mpsc::channel(ORDERS);
        let (observations, observations_receiver) = mpsc::channel(OBSERVATIONS);
        let (on_demand, on_demand_receiver) = mpsc::channel(ORDERS);
        let (analyse, rendezvous) = (Arc::new(Notify::new()), Arc::new(Notify::new()));

        // The writer outlives the other loops: what they still have to write is written.
        let (writer, queue) = writer::channel();
        let (writer_life, writer_stop) = (Lifecycle::default(), CancellationToken::new());
        let hard = lifecycle.hard().clone();
        let writing =
            writer::run(store.clone(), queue, live.clone(), orders.clone(), writer_stop.clone(), hard);
        writer_life.spawn(async move {
            // It has said why, and stopped everything else.
            let _ = writing.await;
        });
        let keeper: Arc<dyn Keeper> = Arc::new(StoreKeeper { store: store.clone(), writer: writer.clone() });

        let voice = Voice {
            settings: settings.clone(),
            store: store.clone(),
            observations: observations.clone(),
            recent: recent.clone(),
            metrics: metrics.clone(),
            analyse: analyse.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("voice", voice.run());
        let driver = Driver {
            settings: settings.clone(),
            probes: probes.clone(),
            clock: clock.clone(),
            observations,
            on_demand: on_demand_receiver,
            recent: recent.clone(),
            metrics: metrics.clone(),
            lifecycle: lifecycle.clone(),
        };
        lifecycle.run("measure", driver.run());
        let recorder = Recorder {
            settings: settings.clone(),
            observations: observations_receiver,
            keeper: keeper.clone(),
            live: live.clone(),
            recent: recent.clone(),
            metrics: metrics.clone(),
            analyse: analyse.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("record", recorder.run());
        let analyser = Analyser {
            settings: settings.clone(),
            recent: recent.clone(),
            keeper: keeper.clone(),
            live: live.clone(),
            metrics: metrics.clone(),
            nudge: analyse,
            rendezvous: rendezvous.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
            start,
        };
        lifecycle.run("analyse", analyser.run());
        let after_bills = rendezvous.clone();
        let meeting = Rendezvous {
            settings: settings.clone(),
            live: live.clone(),
            keeper,
            metrics: metrics.clone(),
            nudge: rendezvous,
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("rendezvous", meeting.run());
        let reconciler = Reconciler {
            settings: settings.clone(),
            store: store.clone(),
            vault: bills.vault.clone(),
            engine,
            live: live.clone(),
            metrics: metrics.clone(),
            nudge: bills.nudge.clone(),
            rendezvous: after_bills,
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("reconcile", reconciler.run());
        let intake = Intake {
            settings: settings.clone(),
            store: store.clone(),
            bills: bills.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("intake", intake.run());
        let (notify_tests, tests) = mpsc::channel(notify::TESTS);
        let notifier = Notifier {
            settings: settings.clone(),
            store: store.clone(),
            writer: writer.clone(),
            live: live.clone(),
            metrics: metrics.clone(),
            tests,
            clock: clock.clone(),
            chance: Arc::new(chance),
            tick: notify::TICK,
            lifecycle: lifecycle.clone(),
        };
        lifecycle.run("notify", notifier.run());
        let routes = Routes {
            store: store.clone(),
            writer: writer.clone(),
            settings: settings.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            tick: routes::TICK,
            soft: soft.clone(),
        };
        lifecycle.run("routes", routes.run());
        let reloader = Reloader {
            read,
            file,
            settings: settings_sender,
            orders: orders_receiver,
            on_demand,
            live: live.clone(),
            recent,
            metrics: metrics.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("reload", reloader.run());
        let outages = Outages {
            settings: settings.clone(),
            store: store.clone(),
            writer: writer.clone(),
            orders: orders.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("outage", outages.run());
        let learner = Learner {
            store: store.clone(),
            writer: writer.clone(),
            settings: settings.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("learn", learner.run());
        let sweep = Sweep {
            store: store.clone(),
            writer: writer.clone(),
            settings: settings.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("clocks", sweep.run());
        let waiting = Waiting {
            store: store.clone(),
            writer: writer.clone(),
            live: live.clone(),
            orders: orders.clone(),
            settings: settings.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            soft: soft.clone(),
        };
        lifecycle.run("waiting", waiting.run());
        let retaining =
            retain::run(store.clone(), settings.clone(), metrics.clone(), clock.clone(), soft.clone());
        lifecycle.run("retain", retaining);
        let keeping =
            upkeep::run(store.clone(), writer.clone(), metrics.clone(), clock.clone(), soft.clone());
        lifecycle.run("upkeep", keeping);
        lifecycle.run("months", months::run(store.clone(), metrics.clone(), clock.clone(), soft.clone()));
        lifecycle.run("watchdog", watchdog(live.clone(), settings.clone(), clock.clone(), soft.clone()));

        let state = HttpState {
            store: store.clone(),
            writer,
            live: live.clone(),
            orders,
            settings,
            metrics,
            probes,
            clock,
            closing: soft.clone(),
            bills,
            limits: Arc::new(Limits::default()),
            notify_tests,
        };
        let router = http::router(state.clone(), http::page::router(state));
        lifecycle.run("http", http::serve(listener, router, soft, grace / 2));
        Ok(Self { address, first_token, live, store, lifecycle, grace, writer_stop, writer_life })
    }

    /// Runs until a signal, then drains; says whether all went well.
    pub async fn run(self) -> bool {
        let in_time = self.lifecycle.until_stopped(self.grace).await;
        self.end(in_time).await
    }

    /// Drains now; says whether all went well.
    pub async fn stop(self) -> bool {
        let in_time = self.lifecycle.stop(self.grace).await;
        self.end(in_time).await
    }

    async fn end(self, in_time: bool) -> bool {
        self.writer_stop.cancel();
        let written = self.writer_life.stop(self.grace).await;
        let failed = self.lifecycle.has_failed();
        self.store.close().await;
        in_time && written && !failed
    }
}

/// Takes the keys of personal data; makes them at the first start. A key file that cannot be made keeps
/// nobody from measuring: only customers cannot be registered until it can.
async fn unlock(store: &Store, path: PathBuf) -> Result<(), StartError> {
    let keys = match keyfile::read(&path) {
        Err(KeyFileError::Missing { .. }) if store.holds_personal_data().await? => {
            return Err(StartError::KeysLost { path });
        }
        Err(KeyFileError::Missing { .. }) => match keyfile::create(&path) {
            Ok(keys) => {
                tracing::info!(file = %path.display(), "made keys for personal data; keep a copy of the file elsewhere");
                keys
            }
            Err(error) => {
                tracing::warn!(%error, "no keys for personal data: customers cannot be registered");
                return Ok(());
            }
        },
        keys => keys?,
    };
    Ok(store.use_keys(keys).await?)
}

/// A number from 0 to 1, another each time; the middle where the operating system has none.
fn chance() -> f64 {
    os_random::<4>().map_or(0.5, |bytes| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}

/// Removes uploads that a death left unacknowledged, before anything new comes in.
async fn sweep(store: &Store, vault: &Vault) -> Result<(), StoreError> {
    let known = store.run_ids().await?.into_iter().collect();
    match vault.sweep(&known).await {
        Ok(0) => {}
        Ok(swept) => tracing::info!(swept, "removed uploads that were never acknowledged"),
        Err(error) => tracing::warn!(%error, directory = %vault.root().display(), "bills cannot be swept"),
    }
    Ok(())
}

/// Tells systemd that we are well, as long as the measurements are looked at.
async fn watchdog(
    live: Arc<Live>,
    settings: watch::Receiver<Arc<Settings>>,
    clock: SharedClock,
    soft: CancellationToken,
) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return soft.cancelled().await };
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = tokio::time::sleep(limit / 3) => {}
        }
        let interval = settings.borrow().diagnosis.interval;
        if live.diagnosis().is_some_and(|(_, diagnosis)| is_fresh(&diagnosis, clock.now_utc(), interval)) {
            lifecycle::tell_systemd(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

/// Whether anything is to be measured by ICMP: then its sockets must be allowed.
#[must_use]
pub fn needs_icmp(settings: &Settings) -> bool {
    settings.inventory.targets().iter().any(|target| target.spec.kind() == ProbeKind::Icmp)
        || !settings.inventory.anchors().is_empty()
}
