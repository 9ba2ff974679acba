//! Migrations: forward only, applied when the daemon starts, refused when the database is newer.

use std::sync::Arc;

use sqlx::migrate::Migrator;

use super::StoreError;
use super::backend::Backend;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const HAS_MIGRATIONS_SQLITE: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
const HAS_MIGRATIONS_POSTGRES: &str =
    "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('_sqlx_migrations')";
const NEWEST_APPLIED: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";

/// Newest migration that this program knows.
#[must_use]
pub fn newest_known() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Newest migration applied; 0 when none.
async fn newest_applied(backend: &Backend) -> Result<i64, StoreError> {
    let fail = |error| StoreError::of("read migrations of", backend.name(), error);
    let applied = match backend {
        Backend::Sqlite { writer, .. } => {
            let tables: i64 =
                sqlx::query_scalar(HAS_MIGRATIONS_SQLITE).fetch_one(writer).await.map_err(fail)?;
            if tables == 0 {
                return Ok(0);
            }
            sqlx::query_scalar(NEWEST_APPLIED).fetch_one(writer).await
        }
        Backend::Postgres { writer, .. } => {
            let tables: i64 =
                sqlx::query_scalar(HAS_MIGRATIONS_POSTGRES).fetch_one(writer).await.map_err(fail)?;
            if tables == 0 {
                return Ok(0);
            }
            sqlx::query_scalar(NEWEST_APPLIED).fetch_one(writer).await
        }
    };
    applied.map_err(fail)
}

/// Refuses a database that a newer program has shaped.
pub(super) async fn refuse_newer(backend: &Backend) -> Result<i64, StoreError> {
    let (found, known) = (newest_applied(backend).await?, newest_known());
    if found > known { Err(StoreError::NewerThanProgram { found, known }) } else { Ok(found) }
}

/// Applies what is missing.
pub(super) async fn apply(backend: &Backend) -> Result<(), StoreError> {
    refuse_newer(backend).await?;
    let migrated = match backend {
        Backend::Sqlite { writer, .. } => SQLITE.run(writer).await,
        Backend::Postgres { writer, .. } => POSTGRES.run(writer).await,
    };
    migrated.map_err(|source| StoreError::Migration { source: Arc::new(source) })
}

/// Refuses a database that needs a migration: commands beside the daemon never migrate.
pub(super) async fn refuse_older(backend: &Backend) -> Result<(), StoreError> {
    let (found, known) = (refuse_newer(backend).await?, newest_known());
    if found < known { Err(StoreError::OlderThanProgram { found, known }) } else { Ok(()) }
}
