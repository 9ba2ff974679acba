//! One daemon a database: a file lock beside SQLite's file, an advisory lock in PostgreSQL, and
//! in both a fencing number that tells a daemon which slept that another has taken over.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::StoreError;
use super::backend::{Backend, Place};

/// Advisory locks are known by number; this one spells `linesman`.
const ADVISORY_LOCK: i64 = 0x6c69_6e65_736d_616e;

/// How long the lock of a daemon that was killed may outlive it.
const PATIENCE_FOR_THE_DEAD: Duration = Duration::from_secs(3);
const ASK_AGAIN: Duration = Duration::from_millis(100);

const TRY_ADVISORY_LOCK: &str = "SELECT pg_try_advisory_lock($1)";
// A lock of 64 bits is shown in two halves; objsubid 1 says so.
const ADVISORY_LOCK_HOLDERS: &str = "SELECT COUNT(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' \
     AND granted AND objsubid = 1 AND classid::bigint = $1 AND objid::bigint = $2 \
     AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())";

/// Held as long as the daemon lives; the operating system or the server frees it with the process.
pub(super) enum WriterLock {
    /// An exclusive lock on a file of its own: SQLite's own file must not be locked from outside.
    File { _file: File },
    /// A connection that does nothing else.
    Advisory { connection: Mutex<PgConnection>, options: Box<PgConnectOptions>, name: String },
}

impl WriterLock {
    pub(super) async fn take(place: &Place) -> Result<Self, StoreError> {
        match place {
            Place::Sqlite(path) => lock_file(path),
            Place::Postgres(options) => {
                let name = place.name();
                let connection = lock_advisory(options, &name).await?;
                Ok(Self::Advisory { connection: Mutex::new(connection), options: options.clone(), name })
            }
        }
    }

    /// Makes sure that the lock is still held; after a restart of the server it is taken anew.
    pub(super) async fn keep(&self) -> Result<(), StoreError> {
        let Self::Advisory { connection, options, name } = self else { return Ok(()) };
        let mut connection = connection.lock().await;
        if connection.ping().await.is_ok() {
            return Ok(());
        }
        *connection = lock_advisory(options, name).await?;
        Ok(())
    }
}

fn lock_file(database: &Path) -> Result<WriterLock, StoreError> {
    let path = lock_path(database);
    let fail = |operation, source: std::io::Error| StoreError::File {
        operation,
        path: path.clone(),
        source: Arc::new(source),
    };
    super::backend::create_private(&path)?;
    let mut file = File::options().read(true).write(true).open(&path).map_err(|e| fail("open", e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(database, file)),
        Err(TryLockError::Error(error)) => return Err(fail("lock", error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|e| fail("write", e))?;
    Ok(WriterLock::File { _file: file })
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn held(database: &Path, file: File) -> StoreError {
    let mut holder = String::new();
    // Only a courtesy: without it the message is still right.
    let _ = file.take(20).read_to_string(&mut holder);
    let holder = holder.trim().parse::<u32>().map_or(String::new(), |pid| format!(" (process {pid})"));
    StoreError::Locked { object: database.display().to_string(), holder }
}

/// [`StoreError::Locked`] while a daemon has the database. Makes nothing and keeps no lock.
pub(super) async fn holder(backend: &Backend) -> Result<(), StoreError> {
    match backend {
        Backend::Sqlite { path, .. } => {
            // Without the file, or without being allowed to look, nobody is known to hold it.
            let Ok(file) = File::open(lock_path(path)) else { return Ok(()) };
            match file.try_lock_shared() {
                Err(TryLockError::WouldBlock) => Err(held(path, file)),
                _ => Ok(()),
            }
        }
        Backend::Postgres { readers, .. } => {
            let fail = |error| StoreError::of("look for the lock of", backend.name(), error);
            let (high, low) = (ADVISORY_LOCK >> 32, ADVISORY_LOCK & 0xffff_ffff);
            let holders: i64 = sqlx::query_scalar(ADVISORY_LOCK_HOLDERS)
                .bind(high)
                .bind(low)
                .fetch_one(readers)
                .await
                .map_err(fail)?;
            match holders {
                0 => Ok(()),
                _ => Err(StoreError::Locked { object: backend.name(), holder: String::new() }),
            }
        }
    }
}

/// A server learns of a killed client only when it reads from it, so that whoever starts right
/// after a crash finds the lock held by nobody for a moment: it is asked for some time.
async fn lock_advisory(options: &PgConnectOptions, name: &str) -> Result<PgConnection, StoreError> {
    let fail = |error| StoreError::of("lock", name, error);
    let unreachable = |error| StoreError::of("connect", name, error);
    let mut connection = PgConnection::connect_with(options).await.map_err(unreachable)?;
    let deadline = Instant::now() + PATIENCE_FOR_THE_DEAD;
    loop {
        let taken: bool = sqlx::query_scalar(TRY_ADVISORY_LOCK)
            .bind(ADVISORY_LOCK)
            .fetch_one(&mut connection)
            .await
            .map_err(fail)?;
        if taken {
            return Ok(connection);
        }
        if Instant::now() >= deadline {
            return Err(StoreError::Locked { object: name.to_owned(), holder: String::new() });
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
