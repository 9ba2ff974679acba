//! A database, a daemon's share of it, and faults to open tickets for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::ManualClock;
use linesman::diagnosis::{Cause, Class, Fault, FaultState, Severity, Side};
use linesman::inventory::ElementKind;
use linesman::live::{Live, Order};
use linesman::locale::Message;
use linesman::privacy::Keyring;
use linesman::store::writer::{self, TicketWriter};
use linesman::store::{Store, StoreError};
use linesman::ticket::Ticket;
use linesman::ticket::wanted::Action;
use sqlx::Connection as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// An empty database.
pub struct Database {
    pub url: String,
    pub folder: tempfile::TempDir,
    pub is_sqlite: bool,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("linesman.db").display());
        Self { url, folder, is_sqlite: true }
    }

    pub async fn postgres() -> Option<Self> {
        let url = crate::postgres_server::new_database().await?;
        Some(Self { url, folder: tempfile::tempdir().expect("folder"), is_sqlite: false })
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("linesman.db")
    }

    /// Changes the database behind the store's back.
    pub async fn tamper(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if self.is_sqlite {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file()).foreign_keys(false);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("connect");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("tamper");
            connection.close().await.expect("close");
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connect");
            sqlx::raw_sql("SET session_replication_role = replica")
                .execute(&mut connection)
                .await
                .expect("role");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("tamper");
        }
    }

    /// The same, with what hangs on the rows: foreign keys hold.
    pub async fn erase(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if self.is_sqlite {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.expect("connect");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("erase");
            connection.close().await.expect("close");
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connect");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("erase");
        }
    }

    /// A single number from behind the store's back.
    pub async fn count(&self, statement: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if self.is_sqlite {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.expect("connect");
            sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("count")
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connect");
            sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("count")
        }
    }

    /// A column of texts from behind the store's back.
    pub async fn texts(&self, statement: &str) -> Vec<String> {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if self.is_sqlite {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file()).read_only(true);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("connect");
            let texts = sqlx::query_scalar(statement).fetch_all(&mut connection).await.expect("texts");
            connection.close().await.expect("close");
            texts
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connect");
            sqlx::query_scalar(statement).fetch_all(&mut connection).await.expect("texts")
        }
    }

    /// Keeps everybody else from writing sessions until [`Held::let_go`].
    pub async fn hold_sessions(&self) -> Held {
        if self.is_sqlite {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.expect("connect");
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.expect("lock");
            return Held::Sqlite(connection);
        }
        let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connect");
        sqlx::raw_sql("BEGIN; LOCK TABLE session IN EXCLUSIVE MODE")
            .execute(&mut connection)
            .await
            .expect("lock");
        Held::Postgres(connection)
    }

    /// Opens the store as soon as the daemon before has let go: a server learns of a killed
    /// client when it reads its end of the connection.
    pub async fn open_when_free(&self, clock: Arc<ManualClock>) -> Store {
        for _ in 0..500 {
            match Store::open(&self.url, clock.clone()).await {
                Err(StoreError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
                other => return other.expect("open"),
            }
        }
        panic!("the daemon before never let go");
    }
}

/// A lock on the database, held by somebody else than the store.
pub enum Held {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Held {
    pub async fn let_go(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.expect("close"),
            Self::Postgres(connection) => connection.close().await.expect("close"),
        }
    }
}

/// What a daemon has of the store: open, with its writer running.
pub struct Daemon {
    pub store: Store,
    pub writer: TicketWriter,
    pub live: Arc<Live>,
    pub orders: mpsc::Receiver<Order>,
    pub clock: Arc<ManualClock>,
    pub hard: CancellationToken,
    stop: CancellationToken,
    tasks: JoinSet<Result<(), StoreError>>,
}

impl Daemon {
    pub async fn start(database: &Database) -> Self {
        Self::start_at(database, Arc::new(ManualClock::at(noon()))).await
    }

    pub async fn start_at(database: &Database, clock: Arc<ManualClock>) -> Self {
        let store = database.open_when_free(clock.clone()).await;
        let (writer, queue) = writer::channel();
        let live = Arc::new(Live::default());
        let (sender, orders) = mpsc::channel(2);
        let (stop, hard) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(writer::run(store.clone(), queue, live.clone(), sender, stop.clone(), hard.clone()));
        Self { store, writer, live, orders, clock, hard, stop, tasks }
    }

    /// One that tickets are registered with: with keys, and the customer `c-1`.
    pub async fn with_people(database: &Database) -> Self {
        Self::with_people_at(database, Arc::new(ManualClock::at(noon()))).await
    }

    pub async fn with_people_at(database: &Database, clock: Arc<ManualClock>) -> Self {
        let daemon = Self::start_at(database, clock).await;
        daemon.store.use_keys(key(2)).await.expect("the same keys");
        let customer = "INSERT INTO customer (id, version, kind, key_account, privacy_class, created_at, \
            created_by, updated_at) VALUES ('c-1', 1, 'existing', FALSE, 'normal', '2026-11-20T12:00:00Z', 'lin', \
            '2026-11-20T12:00:00Z') ON CONFLICT (id) DO NOTHING";
        database.tamper(customer).await;
        daemon
    }

    /// Stops as a daemon does.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        self.stop.cancel();
        let ended = self.tasks.join_next().await.expect("a writer").expect("no panic");
        self.store.close().await;
        ended
    }

    /// Waits until the writer has given up.
    pub async fn ended(&mut self) -> Result<(), StoreError> {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.tasks.join_next()).await;
        ended.expect("the writer ends").expect("a writer").expect("no panic")
    }

    /// Opens a ticket for a root cause.
    pub async fn open(&self, key: &str) -> Ticket {
        let opened = self.writer.carry_out(1, vec![open_action(fault(key))]).await.expect("open");
        opened.into_iter().next().expect("a ticket")
    }
}

/// Keys that seal with this one.
pub fn key(byte: u8) -> Keyring {
    Keyring::new(&[1; 32], &[("k1".to_owned(), [byte; 32])]).expect("keys")
}

pub fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00.123456Z".parse().expect("a time")
}

pub fn open_action(fault: Fault) -> Action {
    Action::Open { fault: Box::new(fault), candidate: false, follows: None }
}

/// A proven fault of a link.
pub fn fault(key: &str) -> Fault {
    Fault {
        key: key.to_owned(),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-1".to_owned(),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.975,
        severity: Severity::Major,
        life: FaultState::Raised { at: noon() },
        began: noon() - TimeDelta::seconds(40),
        last_seen: noon(),
        loss_ratio: Some(0.1 + 0.2),
        affected_elements: vec!["trunk-1".to_owned()],
        affected_customers: vec!["customer-1".to_owned(), "客户-2".to_owned()],
        targets: vec!["link-1/far/icmp".to_owned()],
        steps: Vec::new(),
        headline: Message::new("fault.headline").with("segment", "link-1"),
        reasons: vec![Message::new("reason.loss").with("loss", "30 %")],
        why_not: Vec::new(),
        hops: Vec::new(),
    }
}
