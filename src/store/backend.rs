//! Two databases behind one enum: how they are opened, what they must promise, how a
//! transaction begins and ends. A body is written once and compiled for both by `on!`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::StoreError;

/// How long a statement waits for another program's lock, or for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A batch of rounds touches a page a target: 32 MiB (SQLite counts KiB below zero) hold those of
/// 8,000 targets, so that they are not read again for each batch.
const WRITER_CACHE: &str = "-32768";

/// Runs one expression on whichever pool of readers there is.
macro_rules! on {
    ($store:expr, $pool:ident => $run:expr) => {
        match &$store.backend {
            $crate::store::backend::Backend::Sqlite { readers: $pool, .. } => $run,
            $crate::store::backend::Backend::Postgres { readers: $pool, .. } => $run,
        }
    };
}

/// Runs one expression on the connection of a transaction.
macro_rules! on_tx {
    ($tx:expr, $connection:ident => $run:expr) => {
        match &mut $tx.open {
            $crate::store::backend::OpenTx::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $run
            }
            $crate::store::backend::OpenTx::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $run
            }
        }
    };
}

pub(super) use {on, on_tx};

/// Pools: one connection writes tickets, the others read. In SQLite it is the only one that
/// writes at all; in PostgreSQL observations are written beside it.
#[derive(Clone)]
pub(super) enum Backend {
    /// A file.
    Sqlite { writer: SqlitePool, readers: SqlitePool, path: PathBuf },
    /// A server.
    Postgres { writer: PgPool, readers: PgPool, options: Box<PgConnectOptions> },
}

/// What a database URL names.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl Place {
    /// Reads `sqlite:PATH` or `postgres://…`; a password in it never reaches a message.
    pub(super) fn of(url: &str) -> Result<Self, StoreError> {
        let refuse = |reason: &str| StoreError::Url { reason: reason.to_owned() };
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path == ":memory:" {
                return Err(refuse("a database in memory would lose its tickets; name a file"));
            }
            if path.contains('?') {
                return Err(refuse("options after `?` are not taken"));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)
                .map_err(|_| refuse("the PostgreSQL address has a part that cannot be read"))?;
            return Ok(Self::Postgres(Box::new(options.application_name("linesman"))));
        }
        Err(refuse("it begins with neither `sqlite:` nor `postgres://`"))
    }

    /// For messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(options) => postgres_name(options),
        }
    }

    /// Connects once and closes: a pool tries again for seconds and then knows no reason.
    pub(super) async fn reach(&self) -> Result<(), StoreError> {
        let Self::Postgres(options) = self else { return Ok(()) };
        let fail = |error| StoreError::of("connect", self.name(), error);
        PgConnection::connect_with(options).await.map_err(fail)?.close().await.map_err(fail)
    }

    /// Opens the pools; with `create`, a missing SQLite file is made.
    pub(super) async fn connect(&self, create: bool) -> Result<Backend, StoreError> {
        match self {
            Self::Sqlite(path) => connect_sqlite(path, create).await,
            Self::Postgres(options) => connect_postgres(options).await,
        }
    }
}

fn postgres_name(options: &PgConnectOptions) -> String {
    format!(
        "{} at {}:{}",
        options.get_database().unwrap_or_else(|| options.get_username()),
        options.get_host(),
        options.get_port()
    )
}

async fn connect_sqlite(path: &Path, create: bool) -> Result<Backend, StoreError> {
    let fail = |error| refused_file(path).unwrap_or_else(|| StoreError::of("open", path.display(), error));
    if create {
        create_private(path)?;
    } else if let Err(error) = std::fs::metadata(path) {
        return Err(StoreError::File {
            operation: "the database does not exist yet (`linesman serve` makes it):",
            path: path.to_owned(),
            source: Arc::new(error),
        });
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE);
    // A connection to a file has nothing that ages, and asking it whether it lives costs a hop.
    let pool = |most: u32| {
        SqlitePoolOptions::new()
            .max_connections(most)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let writing = options.clone().pragma("cache_size", WRITER_CACHE);
    let writer = pool(1).connect_with(writing).await.map_err(fail)?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&writer).await.map_err(fail)?;
    if synchronous < 2 {
        return Err(StoreError::NotDurable {
            setting: "PRAGMA synchronous",
            value: synchronous.to_string(),
            needed: "FULL",
        });
    }
    let readers = pool(4).connect_with(options.pragma("query_only", "ON")).await.map_err(fail)?;
    Ok(Backend::Sqlite { writer, readers, path: path.to_owned() })
}

/// Why the operating system refuses a file, in better words than SQLite has. Only after a failure:
/// to close a file ends the locks that this process holds on it.
fn refused_file(path: &Path) -> Option<StoreError> {
    let refused = std::fs::OpenOptions::new().read(true).write(true).open(path).err()?;
    Some(StoreError::File { operation: "open", path: path.to_owned(), source: Arc::new(refused) })
}

/// Makes an empty file that only its owner may read, unless there is one.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::File { operation: "create", path: path.to_owned(), source: Arc::new(error) })
        }
        _ => Ok(()),
    }
}

async fn connect_postgres(options: &PgConnectOptions) -> Result<Backend, StoreError> {
    let name = postgres_name(options);
    let pool = |most: u32| {
        PgPoolOptions::new().max_connections(most).acquire_timeout(PATIENCE).after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET synchronous_commit = on").execute(&mut *connection).await?;
                sqlx::query("SET TIME ZONE 'UTC'").execute(&mut *connection).await?;
                Ok(())
            })
        })
    };
    let fail = |error| StoreError::of("connect", &name, error);
    let writer = pool(1).connect_with(options.clone()).await.map_err(fail)?;
    for (setting, statement) in [("synchronous_commit", "SHOW synchronous_commit"), ("fsync", "SHOW fsync")] {
        let value: String = sqlx::query_scalar(statement).fetch_one(&writer).await.map_err(fail)?;
        if value != "on" {
            return Err(StoreError::NotDurable { setting, value, needed: "on" });
        }
    }
    let readers = pool(6).connect_with(options.clone()).await.map_err(fail)?;
    Ok(Backend::Postgres { writer, readers, options: Box::new(options.clone()) })
}

impl Backend {
    pub(super) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// For messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Sqlite { path, .. } => path.display().to_string(),
            Self::Postgres { options, .. } => postgres_name(options),
        }
    }

    /// Begins to write: SQLite takes its lock now rather than fail halfway through.
    pub(super) async fn begin(&self) -> Result<OpenTx, StoreError> {
        let fail = |error| StoreError::of("begin", self.name(), error);
        Ok(match self {
            Self::Sqlite { writer, .. } => match begin_immediate(writer).await {
                Err(sqlx::Error::PoolTimedOut) => return Err(StoreError::Busy { operation: "begin" }),
                begun => OpenTx::Sqlite(begun.map_err(fail)?),
            },
            Self::Postgres { writer, .. } => OpenTx::Postgres(writer.begin().await.map_err(fail)?),
        })
    }

    /// Begins to write measurements: where the database can, beside the tickets.
    pub(super) async fn begin_bulk(&self) -> Result<OpenTx, StoreError> {
        match self {
            Self::Sqlite { .. } => self.begin().await,
            Self::Postgres { readers, .. } => {
                let begun = readers.begin().await;
                Ok(OpenTx::Postgres(begun.map_err(|error| StoreError::of("begin", self.name(), error))?))
            }
        }
    }

    /// Writes what SQLite's log holds into the file and empties it; `false` where a reader still needs it after as
    /// long as a statement waits for a lock.
    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        let Self::Sqlite { writer, .. } = self else { return Ok(true) };
        let (is_busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(writer)
            .await
            .map_err(|error| StoreError::of("empty the log of", self.name(), error))?;
        Ok(is_busy == 0)
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// SQLite ends a transaction by itself when the disk is full. The driver does not learn of it,
/// takes the connection for one within a transaction for ever, and refuses to begin: such a
/// connection is replaced.
async fn begin_immediate(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    const BEGIN: &str = "BEGIN IMMEDIATE";
    match writer.begin_with(BEGIN).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {}
        begun => return begun,
    }
    // Whatever closing it says, the pool makes a new one.
    let _ = writer.acquire().await?.close().await;
    writer.begin_with(BEGIN).await
}

/// A transaction of either database.
pub(super) enum OpenTx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl OpenTx {
    pub(super) async fn commit(self, operation: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => {
                transaction.commit().await.map_err(|error| StoreError::of_commit(operation, true, error))
            }
            Self::Postgres(transaction) => {
                transaction.commit().await.map_err(|error| StoreError::of_commit(operation, false, error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_not_understood_is_refused_without_its_password() {
        for wrong in
            ["", "mysql://u:geheim@h/d", "sqlite::memory:", "sqlite:", "postgres://u:geheim@h:99999/d"]
        {
            let refused = Place::of(wrong).unwrap_err().to_string();
            assert!(!refused.contains("geheim"), "{refused}");
            assert!(refused.contains("sqlite:PATH"), "{refused}");
        }
    }

    #[test]
    fn the_name_of_a_database_tells_where_it_is_and_hides_the_password() {
        let name = |url| Place::of(url).unwrap().name();
        assert_eq!(name("sqlite:/var/lib/linesman/linesman.db"), "/var/lib/linesman/linesman.db");
        assert_eq!(name("sqlite:linesman.db"), "linesman.db");
        assert_eq!(name("postgres://u:geheim@db.example:5433/noc"), "noc at db.example:5433");
    }
}
