//! Is the database sound, does it answer, and a copy of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{Connection as _, SqlitePool};

use super::backend::{Backend, create_private, on};
use super::events::ChainCheck;
use super::{CheckReport, Store, StoreError};

/// Events read at once while the chain is verified.
const EVENTS_A_PAGE: u32 = 1000;

const INTEGRITY_CHECK: &str = "PRAGMA integrity_check(100)";
const FOREIGN_KEY_CHECK: &str = "SELECT COUNT(*) FROM pragma_foreign_key_check";
const VACUUM_INTO: &str = "VACUUM INTO $1";
pub(super) const PING: &str = "SELECT COALESCE(MAX(seq), 0) FROM ticket_event";
/// A ticket's version counts its events: an event cut off the end of the chain shows here.
pub(super) const TICKETS_WITHOUT_THEIR_EVENTS: &str = "SELECT t.id FROM ticket t WHERE t.version <> \
     (SELECT COUNT(*) FROM ticket_event e WHERE e.ticket_id = t.id) ORDER BY t.id LIMIT 100";

impl Store {
    /// An online copy while writing goes on (SQLite `VACUUM INTO`; PostgreSQL: says to use pg_dump).
    ///
    /// The copy appears under its name only when it is whole and on disk.
    ///
    /// # Errors
    /// When there is a file already, when it cannot be written, and on PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (writer, database) = match &self.backend {
            Backend::Sqlite { writer, path, .. } => (writer, path),
            Backend::Postgres { options, .. } => {
                let database = options.get_database().unwrap_or_else(|| options.get_username());
                return Err(StoreError::Unsupported {
                    operation: "db backup",
                    instead: format!(
                        "pg_dump --format=custom --host={} --port={} --username={} --file={} {database}",
                        options.get_host(),
                        options.get_port(),
                        options.get_username(),
                        to.display(),
                    ),
                });
            }
        };
        let fail = |operation, path: &Path, source: std::io::Error| StoreError::File {
            operation,
            path: path.to_owned(),
            source: Arc::new(source),
        };
        if to.symlink_metadata().is_ok() {
            let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(fail("backup never overwrites; name another file than", to, exists));
        }
        let mut partial: OsString = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        // What an interrupted backup left behind is worth nothing.
        let _ = std::fs::remove_file(&partial);
        create_private(&partial)?;
        let copied = copy(writer, database, &partial).await;
        let finished = copied.and_then(|()| {
            std::fs::File::open(&partial)
                .and_then(|file| file.sync_all())
                .map_err(|e| fail("flush", &partial, e))?;
            // A hard link, unlike a rename, never takes the place of a file that came meanwhile.
            std::fs::hard_link(&partial, to).map_err(|e| fail("name the backup", to, e))?;
            let folder = to.parent().filter(|parent| !parent.as_os_str().is_empty());
            let folder = folder.unwrap_or_else(|| Path::new("."));
            std::fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|e| fail("flush", folder, e))
        });
        let _ = std::fs::remove_file(&partial);
        finished
    }

    /// Integrity of the file and of the hash chain over events.
    ///
    /// # Errors
    /// When the database does not answer; damage is no error but in the report.
    pub async fn check(&self) -> Result<CheckReport, StoreError> {
        let mut damage = match self.own_word().await {
            Ok(damage) => damage,
            Err(StoreError::Damaged { source, .. }) => vec![source.to_string()],
            Err(other) => return Err(other),
        };
        let mut chain = ChainCheck::new();
        let broken_at = match self.follow(&mut chain).await {
            Ok(broken_at) => broken_at,
            // A page that cannot be read, or a time that is none: the chain ends before it.
            Err(StoreError::Damaged { source, .. } | StoreError::Query { source, .. }) => {
                damage.push(source.to_string());
                Some(chain.seq + 1)
            }
            Err(other) => return Err(other),
        };
        let orphans: Result<Vec<String>, sqlx::Error> =
            on!(self, pool => sqlx::query_scalar(TICKETS_WITHOUT_THEIR_EVENTS).fetch_all(pool).await);
        match orphans {
            Ok(ids) => damage.extend(
                ids.into_iter().map(|id| format!("ticket {id} has another version than it has events")),
            ),
            Err(error) => match StoreError::of("compare", "tickets with their events", error) {
                StoreError::Damaged { source, .. } => damage.push(source.to_string()),
                other => return Err(other),
            },
        }
        let head = (chain.seq > 0).then_some(chain.head);
        Ok(CheckReport { damage, events: chain.seq, broken_at, head })
    }

    /// What the database says of itself. PostgreSQL checks its pages as it reads them.
    async fn own_word(&self) -> Result<Vec<String>, StoreError> {
        let Backend::Sqlite { readers, .. } = &self.backend else { return Ok(Vec::new()) };
        let fail = |error| StoreError::of("check", self.backend.name(), error);
        let mut damage: Vec<String> =
            sqlx::query_scalar(INTEGRITY_CHECK).fetch_all(readers).await.map_err(fail)?;
        damage.retain(|word| word != "ok");
        let dangling: i64 = sqlx::query_scalar(FOREIGN_KEY_CHECK).fetch_one(readers).await.map_err(fail)?;
        if dangling > 0 {
            damage.push(format!("{dangling} rows refer to rows that are gone"));
        }
        Ok(damage)
    }

    /// Follows the chain to its end or its first break.
    async fn follow(&self, chain: &mut ChainCheck) -> Result<Option<i64>, StoreError> {
        loop {
            let page = self.event_rows(chain.seq, EVENTS_A_PAGE).await?;
            if page.is_empty() {
                return Ok(None);
            }
            for row in &page {
                if let Err(broken_at) = chain.follow(row) {
                    return Ok(Some(broken_at));
                }
            }
        }
    }

    /// Whether the database answers, and still obeys this daemon.
    ///
    /// # Errors
    /// When it does not answer, another daemon has taken it over, or its disk has failed.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.refuse_after_failure()?;
        let _: i64 = on!(self, pool => sqlx::query_scalar(PING).fetch_one(pool).await)
            .map_err(|error| StoreError::of("ping", self.backend.name(), error))?;
        match &self.duty {
            Some(duty) => duty.lock.keep().await,
            None => Ok(()),
        }
    }
}

/// Copies on a connection of its own: readers may not write anything, the writer has other work.
async fn copy(writer: &SqlitePool, database: &Path, to: &Path) -> Result<(), StoreError> {
    let fail = |error| StoreError::of("copy", database.display(), error);
    let Some(name) = to.to_str() else {
        return Err(StoreError::Refused {
            operation: "db backup",
            reason: "the path is not UTF-8".to_owned(),
        });
    };
    let mut connection =
        sqlx::SqliteConnection::connect_with(&writer.connect_options()).await.map_err(fail)?;
    let copied = sqlx::query(VACUUM_INTO).bind(name).execute(&mut connection).await.map(drop);
    let closed = connection.close().await;
    copied.and(closed).map_err(fail)
}
