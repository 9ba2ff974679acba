//! The one writer of SQL.
//!
//! Statements are constants that SQLite and PostgreSQL both take; methods speak domain types.
//! Tickets are committed durably (SQLite `synchronous=FULL`, PostgreSQL `synchronous_commit=on`)
//! by one group-commit [`writer`]. No HTTP status here, and no decision: the pure rooms decide.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`writer`] | changes of tickets: one task, one transaction for all that wait |
//! | `change` | what one such transaction does |
//! | `tickets`, `events` | reading tickets and their chain |
//! | [`process`] | tickets that people register: words, repeated registrations, clocks, the path's tickets |
//! | [`walks`] | walks of tickets through the decision trees, and who may answer what |
//! | [`people`] | the roster, version after version; the steps up that follow an event |
//! | [`forms`] | forms as they were filed, and the links by which customers answer |
//! | `diagnoses` | looks at the measurements, and faults |
//! | `observations`, `retention` | what was measured: appended, read, rolled up, deleted |
//! | [`retention_count`] | what would be deleted, counted |
//! | [`run`], `runs` | reconciliations: what was asked, what came of it, what is still to be planned |
//! | `outbox`, `delivery` | events that are told: one delivery a channel, what came of it |
//! | `access` | tokens and sessions |
//! | [`customers`] | who the customers are, sealed, and the trail of who looked |
//! | `statistics` | the months' figures, frozen |
//! | [`knowledge`], `knowledge_text` | articles; the databases' full text index, by which their words find them |
//! | `calls` | calls that were listened to, their numbers sealed |
//! | `attachments`, `evidence` | files of tickets, sealed; the word of endpoints on calls; proofs of a customer's word |
//! | `check` | integrity, backup, liveness |
//! | `backend`, `lock`, `migrate`, `json` | how the two databases are opened and spoken to |
//! | [`statements`] | every constant statement, for the test that both databases take it |

mod access;
mod attachments;
mod backend;
mod calls;
mod change;
mod check;
pub mod customers;
mod delivery;
mod diagnoses;
pub mod duties;
pub mod error;
mod events;
mod evidence;
mod follow;
pub mod forms;
mod json;
pub mod knowledge;
mod knowledge_text;
mod lock;
mod maintenance;
pub mod migrate;
pub mod model;
mod observations;
mod outbox;
pub mod people;
pub mod process;
pub mod related;
mod retention;
pub mod retention_count;
pub mod routes;
pub mod run;
mod runs;
pub mod statements;
mod statistics;
mod tickets;
pub mod walks;
pub mod writer;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::privacy::Keyring;

use backend::{Backend, OpenTx, Place, on_tx};
use lock::WriterLock;

pub use attachments::{Attachment, FileKind};
pub use calls::{CallCursor, CallFilter, StoredCall};
pub use delivery::{ChannelStanding, DeadDelivery, DueDelivery};
pub use error::StoreError;
pub use evidence::SealedFile;
pub use model::{
    CheckReport, HourlyPoint, NewToken, ObservationQuery, Role, StoredObservation, TicketCursor,
    TicketFilter, TicketPage, TokenInfo,
};
pub use outbox::Deciding;
pub use run::{InputRole, ReconcileRun, ReportFile, RunAnswer, RunFilter, RunInput, RunRequest, RunStatus};
pub use statistics::FrozenMonth;
pub use writer::{TicketWriter, WriteError};

pub(crate) const FENCE: &str = "SELECT value FROM meta WHERE name = 'fence'";
// PostgreSQL: whoever takes over waits for the transaction that read it.
const FENCE_POSTGRES: &str = "SELECT value FROM meta WHERE name = 'fence' FOR SHARE";
pub(crate) const SET_META: &str =
    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
pub(crate) const META: &str = "SELECT value FROM meta WHERE name = $1";

/// An open database, with this process as its only writer. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    clock: SharedClock,
    /// `None`: opened beside a daemon.
    duty: Option<Arc<Duty>>,
    /// Cancelled when the disk failed while writing or another daemon took over.
    failed: CancellationToken,
    /// Numbers of targets by name.
    targets: Arc<Mutex<HashMap<String, i64>>>,
    /// When the use of a token was last written down.
    uses: Arc<Mutex<HashMap<String, DateTime<Utc>>>>,
    /// Uses of sessions that the database has not been told of.
    session_uses: Arc<Mutex<HashMap<String, DateTime<Utc>>>>,
    /// What opens personal data; none until [`Store::use_keys`].
    keys: Arc<OnceLock<Keyring>>,
    /// Held while a caller is looked for and registered, so that he is not registered twice.
    registering: Arc<tokio::sync::Mutex<()>>,
    /// The people of the roster as they were read last, with its version.
    people: Arc<Mutex<Option<people::Known>>>,
    /// SQLite's log may still hold what was erased or sealed; at a start nobody knows what was left there.
    log_holds_erased: Arc<AtomicBool>,
}

/// What makes a store the daemon's.
struct Duty {
    lock: WriterLock,
    fence: i64,
}

/// A transaction that writes.
pub(crate) struct Tx {
    open: OpenTx,
    operation: &'static str,
    failed: CancellationToken,
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let committed = self.open.commit(self.operation).await;
        if committed.as_ref().is_err_and(StoreError::is_fatal) {
            self.failed.cancel();
        }
        committed
    }
}

impl Store {
    /// Opens (creating if needed), takes the writer's lock, applies migrations.
    ///
    /// # Errors
    /// When the database cannot be reached, is newer than the program, is locked by another
    /// daemon, or cannot promise durability.
    pub async fn open(url: &str, clock: SharedClock) -> Result<Self, StoreError> {
        let place = Place::of(url)?;
        let lock = WriterLock::take(&place).await?;
        let backend = place.connect(true).await?;
        migrate::apply(&backend).await?;
        let mut store = Self::around(backend, clock);
        let fence = store.take_over().await?;
        store.duty = Some(Arc::new(Duty { lock, fence }));
        store.index_articles().await?;
        Ok(store)
    }

    /// Opens beside a daemon that may be running, for commands: takes no lock, never migrates, and
    /// writes nothing but tokens.
    ///
    /// # Errors
    /// When the database cannot be reached, does not exist, or has another shape than this
    /// program's.
    pub async fn open_reader(url: &str, clock: SharedClock) -> Result<Self, StoreError> {
        let place = Place::of(url)?;
        place.reach().await?;
        let backend = place.connect(false).await?;
        migrate::refuse_older(&backend).await?;
        Ok(Self::around(backend, clock))
    }

    /// Whether no daemon has this database; looks without taking anything.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when one has, or when the database does not answer.
    pub async fn is_free(&self) -> Result<(), StoreError> {
        lock::holder(&self.backend).await
    }

    fn around(backend: Backend, clock: SharedClock) -> Self {
        Self {
            backend,
            clock,
            duty: None,
            failed: CancellationToken::new(),
            targets: Arc::default(),
            uses: Arc::default(),
            session_uses: Arc::default(),
            keys: Arc::default(),
            registering: Arc::default(),
            people: Arc::default(),
            log_holds_erased: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Takes the next fencing number: whoever has a smaller one must not write any more.
    async fn take_over(&self) -> Result<i64, StoreError> {
        let mut tx = self.begin("take the database over").await?;
        let fence = tx.number(FENCE, "fence").await? + 1;
        tx.set_meta("fence", &fence.to_string()).await?;
        tx.commit().await?;
        Ok(fence)
    }

    /// Begins to write, provided that this process still may.
    pub(crate) async fn begin(&self, operation: &'static str) -> Result<Tx, StoreError> {
        self.refuse_after_failure()?;
        let open = self.backend.begin().await?;
        self.guarded(open, operation).await
    }

    /// The same, where the database can beside the tickets.
    pub(crate) async fn begin_bulk(&self, operation: &'static str) -> Result<Tx, StoreError> {
        self.refuse_after_failure()?;
        let open = self.backend.begin_bulk().await?;
        self.guarded(open, operation).await
    }

    fn refuse_after_failure(&self) -> Result<(), StoreError> {
        if self.failed.is_cancelled() { Err(StoreError::WriterStopped) } else { Ok(()) }
    }

    async fn guarded(&self, open: OpenTx, operation: &'static str) -> Result<Tx, StoreError> {
        let mut tx = Tx { open, operation, failed: self.failed.clone() };
        let Some(duty) = &self.duty else { return Ok(tx) };
        let statement = if self.backend.is_sqlite() { FENCE } else { FENCE_POSTGRES };
        if tx.number(statement, "fence").await? == duty.fence {
            return Ok(tx);
        }
        self.failed.cancel();
        Err(StoreError::Fenced)
    }

    /// Cancelled when nothing may be written any more: the daemon has to stop.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.failed.clone()
    }

    /// Waits for what runs and closes.
    pub async fn close(self) {
        self.backend.close().await;
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now_utc()
    }
}

impl Tx {
    /// A number kept in `meta`.
    async fn number(&mut self, statement: &'static str, name: &str) -> Result<i64, StoreError> {
        let value: String = on_tx!(self, connection => {
            sqlx::query_scalar(statement).fetch_one(connection).await
        })
        .map_err(|error| StoreError::of("read meta", name, error))?;
        value.parse().map_err(|error| StoreError::inconsistent("meta", "value", name, error))
    }

    /// What is kept in `meta` under a name.
    async fn meta(&mut self, name: &'static str) -> Result<Option<String>, StoreError> {
        on_tx!(self, connection => sqlx::query_scalar(META).bind(name).fetch_optional(connection).await)
            .map_err(|error| StoreError::of("read meta", name, error))
    }

    /// Keeps something in `meta` under a name.
    async fn set_meta(&mut self, name: &'static str, value: &str) -> Result<(), StoreError> {
        on_tx!(self, connection => sqlx::query(SET_META).bind(name).bind(value).execute(connection).await.map(drop))
            .map_err(|error| StoreError::of("write meta", name, error))
    }
}
