//! Windows of announced work.

use chrono::{DateTime, Utc};

use crate::maintenance::Window;

use super::backend::{on, on_tx};
use super::json::JsonText;
use super::{Store, StoreError};

pub(super) const INSERT_WINDOW: &str = "INSERT INTO maintenance_window (id, version, starts_at, ends_at, body) \
     VALUES ($1, $2, $3, $4, $5)";
pub(super) const UPDATE_WINDOW: &str = "UPDATE maintenance_window SET version = $2, starts_at = $3, \
     ends_at = $4, body = $5 WHERE id = $1 AND version = $6";
pub(super) const WINDOW_BY_ID: &str = "SELECT id, body FROM maintenance_window WHERE id = $1";
/// At most so many at once; those that run come before those that are over.
pub(super) const WINDOWS: &str = "SELECT id, body FROM maintenance_window WHERE ends_at >= $1 \
     AND starts_at <= $2 ORDER BY ends_at DESC, id DESC LIMIT 500";

#[derive(sqlx::FromRow)]
struct WindowRow {
    id: String,
    body: JsonText,
}

impl WindowRow {
    fn understood(self) -> Result<Window, StoreError> {
        self.body.read("maintenance_window", "body", &self.id)
    }
}

impl Store {
    /// Keeps a window that was announced.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_window(&self, window: &Window) -> Result<(), StoreError> {
        let body = JsonText::of("announced work", window)?;
        let mut tx = self.begin("announce work").await?;
        on_tx!(tx, connection => {
            sqlx::query(INSERT_WINDOW)
                .bind(&window.id)
                .bind(window.version)
                .bind(window.starts_at)
                .bind(window.ends_at)
                .bind(&body)
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("keep announced work", &window.id, error))?;
        tx.commit().await
    }

    /// Takes over a changed window; `false` when somebody changed it first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_window(&self, window: &Window) -> Result<bool, StoreError> {
        let body = JsonText::of("announced work", window)?;
        let mut tx = self.begin("change announced work").await?;
        let changed = on_tx!(tx, connection => {
            sqlx::query(UPDATE_WINDOW)
                .bind(&window.id)
                .bind(window.version)
                .bind(window.starts_at)
                .bind(window.ends_at)
                .bind(&body)
                .bind(window.version - 1)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("change announced work", &window.id, error))?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// One window; `None` is an ordinary answer.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn window(&self, id: &str) -> Result<Option<Window>, StoreError> {
        let row: Option<WindowRow> =
            on!(self, pool => sqlx::query_as(WINDOW_BY_ID).bind(id).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("read announced work", id, error))?;
        row.map(WindowRow::understood).transpose()
    }

    /// Windows that touch a time from `since` until `until`, the last to end first; called-off ones
    /// among them. At most 500.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn windows(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Window>, StoreError> {
        let rows: Vec<WindowRow> =
            on!(self, pool => sqlx::query_as(WINDOWS).bind(since).bind(until).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read", "announced work", error))?;
        rows.into_iter().map(WindowRow::understood).collect()
    }
}
