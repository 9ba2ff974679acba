//! What can go wrong with the database.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Each names the operation and the object, and where there is one, the command that mends it.
/// Cheap to clone: one failed commit is the answer to all who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database that we speak to.
    #[error("database URL not understood: {reason}; write `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
    Url {
        /// What is wrong with it; never the password.
        reason: String,
    },
    /// No answer from the database.
    #[error(
        "{operation}: the database {object} cannot be reached; is it running, and may this host connect?"
    )]
    Unreachable {
        /// What was to be done.
        operation: &'static str,
        /// Which database.
        object: String,
        /// What the driver said.
        source: Arc<sqlx::Error>,
    },
    /// Another daemon writes to it.
    #[error(
        "the database {object} is in use by another daemon{holder}; stop that one first, or give this one another [database] url"
    )]
    Locked {
        /// Which database.
        object: String,
        /// Who has it, as ` (process 123)`, where known.
        holder: String,
    },
    /// Another daemon has taken the database over while this one slept.
    #[error("another daemon has taken this database over; this one must not write any more")]
    Fenced,
    /// A newer program has changed the shape of the database.
    #[error(
        "the database is at migration {found}, this program knows migrations up to {known}; install the newer program, or restore a backup made before the upgrade"
    )]
    NewerThanProgram {
        /// Newest migration applied.
        found: i64,
        /// Newest migration known.
        known: i64,
    },
    /// The database was never opened by a daemon of this version.
    #[error(
        "the database is at migration {found}, this program needs {known}; start `linesman serve` once, it migrates"
    )]
    OlderThanProgram {
        /// Newest migration applied; 0 when none.
        found: i64,
        /// Newest migration known.
        known: i64,
    },
    /// A migration could not be applied.
    #[error(
        "the database could not be migrated; nothing was lost, each migration happens as a whole or not at all"
    )]
    Migration {
        /// What the driver said.
        source: Arc<sqlx::migrate::MigrateError>,
    },
    /// The database does not promise to keep what it acknowledged.
    #[error("the database cannot promise durable commits: {setting} is {value}; set it to {needed}")]
    NotDurable {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What it has to be.
        needed: &'static str,
    },
    /// A stored value is not what this program ever wrote.
    #[error("{table}.{column} of row {row} cannot be understood: {reason}; run `linesman db check`")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: String,
        /// Key of the row.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another program holds the lock of the file for too long.
    #[error("{operation}: another program keeps the database locked; try again in a moment")]
    Busy {
        /// What was to be done.
        operation: &'static str,
    },
    /// No space left; nothing was written, and writing goes on once there is space.
    #[error("{operation}: no space left for the database; free some, nothing that was acknowledged is lost")]
    Full {
        /// What was to be done.
        operation: &'static str,
    },
    /// The database may be read only.
    #[error(
        "{operation}: the database is read-only; look at the file's permissions and how its disk is mounted"
    )]
    ReadOnly {
        /// What was to be done.
        operation: &'static str,
    },
    /// The file is damaged.
    #[error("{operation}: the database file is damaged; run `linesman db check`, then restore a backup")]
    Damaged {
        /// What was to be done.
        operation: &'static str,
        /// What the driver said.
        source: Arc<sqlx::Error>,
    },
    /// The disk failed while writing: nobody knows what it has. Never retried.
    #[error(
        "{operation}: the disk failed while writing; the daemon must stop and start again to see what was kept"
    )]
    DurabilityLost {
        /// What was to be done.
        operation: &'static str,
        /// What the driver said.
        source: Arc<sqlx::Error>,
    },
    /// The connection broke during a commit: it may or may not have happened.
    #[error(
        "the connection to the database broke during the commit; look whether the change is there before doing it again"
    )]
    CommitUnknown {
        /// What the driver said.
        source: Arc<sqlx::Error>,
    },
    /// The writer has stopped, after a failure of the disk or for shutdown.
    #[error("the database is no longer written to because the daemon stops")]
    WriterStopped,
    /// What was asked makes no sense.
    #[error("{operation} refused: {reason}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// Why not.
        reason: String,
    },
    /// This database does it otherwise.
    #[error("{operation} is not for this kind of database; use {instead}")]
    Unsupported {
        /// What was asked.
        operation: &'static str,
        /// The command that does it.
        instead: String,
    },
    /// A file could not be used.
    #[error("{operation} {}{}", path.display(), way_out(path, source))]
    File {
        /// What was to be done.
        operation: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<std::io::Error>,
    },
    /// The operating system gives no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[from] getrandom::Error),
    /// Personal data is asked for and there is no key.
    #[error(
        "personal data cannot be read or kept: the daemon has no key file; its log says why, `[privacy] key_file` names the place"
    )]
    NoKey,
    /// The key file is another one than the database was written with.
    #[error("the database was written with another key file: {reason}; restore the one that belongs to it")]
    WrongKey {
        /// What does not fit; never a key.
        reason: String,
    },
    /// A value could not be sealed.
    #[error("personal data cannot be sealed")]
    Sealing {
        /// Why.
        source: crate::privacy::PrivacyError,
    },
    /// A value could not be written as JSON.
    #[error("{object} cannot be written as JSON")]
    Encode {
        /// What.
        object: &'static str,
        /// Why.
        source: Arc<serde_json::Error>,
    },
    /// Anything else that the database refused.
    #[error("{operation} {object}")]
    Query {
        /// What was to be done.
        operation: &'static str,
        /// With what.
        object: String,
        /// What the driver said.
        source: Arc<sqlx::Error>,
    },
}

impl StoreError {
    /// Whether the daemon must not write on: its disk failed or another daemon has taken over.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::DurabilityLost { .. } | Self::Fenced | Self::WriterStopped)
    }

    /// Whether the same may succeed a little later without anybody doing anything (HTTP 503).
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. } | Self::CommitUnknown { .. })
    }

    /// Whether the operating system or the database refused for want of a permission.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        match self {
            Self::File { source, .. } => source.kind() == ErrorKind::PermissionDenied,
            Self::ReadOnly { .. } => true,
            _ => false,
        }
    }

    /// What the driver's error means, for `operation` on `object`.
    pub(crate) fn of(operation: &'static str, object: impl std::fmt::Display, error: sqlx::Error) -> Self {
        match Trouble::of(&error) {
            Trouble::Connection => {
                Self::Unreachable { operation, object: object.to_string(), source: Arc::new(error) }
            }
            Trouble::Busy => Self::Busy { operation },
            Trouble::Full => Self::Full { operation },
            Trouble::ReadOnly => Self::ReadOnly { operation },
            Trouble::Damaged => Self::Damaged { operation, source: Arc::new(error) },
            Trouble::Disk => Self::DurabilityLost { operation, source: Arc::new(error) },
            Trouble::Other => Self::Query { operation, object: object.to_string(), source: Arc::new(error) },
        }
    }

    /// What a failed commit means. SQLite rolls back when it is busy or full and says so; any
    /// other failure leaves open what the disk has. PostgreSQL stops itself on a failed fsync, so
    /// a broken connection is all that we see of it, and the database is right after its recovery.
    pub(crate) fn of_commit(operation: &'static str, is_sqlite: bool, error: sqlx::Error) -> Self {
        match Trouble::of(&error) {
            Trouble::Busy => Self::Busy { operation },
            Trouble::Full => Self::Full { operation },
            Trouble::Connection if !is_sqlite => Self::CommitUnknown { source: Arc::new(error) },
            _ if is_sqlite => Self::DurabilityLost { operation, source: Arc::new(error) },
            _ => Self::of(operation, "transaction", error),
        }
    }

    /// A stored value that cannot be understood.
    pub(crate) fn inconsistent(
        table: &'static str,
        column: &str,
        row: impl std::fmt::Display,
        reason: impl std::fmt::Display,
    ) -> Self {
        Self::Inconsistent {
            table,
            column: column.to_owned(),
            row: row.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// How to get a file that cannot be used.
fn way_out(path: &Path, error: &std::io::Error) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (error.kind(), folder) {
        (ErrorKind::NotFound, Some(folder)) if !folder.exists() => {
            format!(" (its folder is missing: `mkdir -p {}`)", folder.display())
        }
        (ErrorKind::PermissionDenied, _) => {
            " (not permitted to this user; `linesman doctor` names the command that mends it)".to_owned()
        }
        _ => String::new(),
    }
}

/// What kind of trouble a driver's error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Connection,
    Busy,
    Full,
    ReadOnly,
    Damaged,
    Disk,
    Other,
}

impl Trouble {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::Protocol(_) => Self::Connection,
            sqlx::Error::Database(inner) => {
                let code = inner.code().unwrap_or_default();
                if inner.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                    return Self::of_sqlstate(&code);
                }
                code.parse::<i32>().map_or(Self::Other, Self::of_sqlite)
            }
            _ => Self::Other,
        }
    }

    /// Result codes of SQLite; the low byte is the primary one.
    const fn of_sqlite(code: i32) -> Self {
        match code & 0xff {
            5 | 6 => Self::Busy,
            8 => Self::ReadOnly,
            10 => Self::Disk,
            11 | 26 => Self::Damaged,
            13 => Self::Full,
            14 => Self::Connection,
            _ => Self::Other,
        }
    }

    /// Appendix A of PostgreSQL's manual.
    fn of_sqlstate(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            "25006" => Self::ReadOnly,
            "55P03" | "40P01" | "40001" => Self::Busy,
            "XX001" | "XX002" => Self::Damaged,
            "57P01" | "57P02" | "57P03" | "57P05" | "53300" => Self::Connection,
            other if other.starts_with("08") => Self::Connection,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, kind: ErrorKind) -> StoreError {
        StoreError::File { operation: "create", path: path.into(), source: Arc::new(kind.into()) }
    }

    #[test]
    fn a_file_that_cannot_be_used_comes_with_what_mends_it() {
        let missing = file("/missing/folder/linesman.db", ErrorKind::NotFound);
        assert!(missing.to_string().contains("mkdir -p /missing/folder"), "{missing}");
        assert!(!missing.is_permission());
        let refused = file("linesman.db", ErrorKind::PermissionDenied);
        assert!(refused.to_string().contains("linesman doctor") && refused.is_permission(), "{refused}");
    }
}
