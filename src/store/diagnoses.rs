//! Looks at the measurements, and the faults they found.

use chrono::{DateTime, Utc};

use crate::diagnosis::{Diagnosis, Fault, FaultState};

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError};

/// So many looks are kept; they are for going on after a restart, faults and tickets are the history.
const KEPT: i64 = 1000;

pub(super) const NEWEST_GENERATION: &str = "SELECT COALESCE(MAX(generation), 0) FROM diagnosis";
pub(super) const INSERT_DIAGNOSIS: &str = "INSERT INTO diagnosis (generation, at, body) VALUES ($1, $2, $3)";
pub(super) const DELETE_OLD_DIAGNOSES: &str = "DELETE FROM diagnosis WHERE generation <= $1";
pub(super) const NEWEST_DIAGNOSIS: &str =
    "SELECT generation, body FROM diagnosis ORDER BY generation DESC LIMIT 1";
pub(super) const FORGET_OPEN_FAULTS: &str = "DELETE FROM fault WHERE cleared_at IS NULL";
pub(super) const UPSERT_FAULT: &str = "INSERT INTO fault (fault_key, began, life, cleared_at, body) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fault_key, began) DO UPDATE \
     SET life = excluded.life, cleared_at = excluded.cleared_at, body = excluded.body";
pub(super) const OPEN_FAULTS: &str = "SELECT fault_key, body FROM fault WHERE cleared_at IS NULL \
     ORDER BY began DESC, fault_key LIMIT $1";
pub(super) const FAULTS_SINCE: &str = "SELECT fault_key, body FROM fault \
     WHERE cleared_at IS NULL OR cleared_at >= $2 ORDER BY began DESC, fault_key LIMIT $1";

impl Store {
    /// Keeps a diagnosis with its wanted generation; returns the generation.
    ///
    /// The open faults kept are those of the newest diagnosis; a fault that it calls cleared stays
    /// as history.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn save_diagnosis(&self, diagnosis: &Diagnosis) -> Result<i64, StoreError> {
        let body = JsonText::of("diagnosis", diagnosis)?;
        let fail = |error| StoreError::of("keep", "diagnosis", error);
        let mut tx = self.begin("keep a diagnosis").await?;
        let generation = on_tx!(tx, connection => {
            let newest: i64 =
                sqlx::query_scalar(NEWEST_GENERATION).fetch_one(&mut *connection).await.map_err(fail)?;
            sqlx::query(INSERT_DIAGNOSIS)
                .bind(newest + 1)
                .bind(diagnosis.at)
                .bind(&body)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
            sqlx::query(DELETE_OLD_DIAGNOSES)
                .bind(newest + 1 - KEPT)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
            sqlx::query(FORGET_OPEN_FAULTS).execute(&mut *connection).await.map_err(fail)?;
            for fault in &diagnosis.faults {
                let (life, cleared_at) = life(&fault.life);
                sqlx::query(UPSERT_FAULT)
                    .bind(text(&fault.key))
                    .bind(fault.began)
                    .bind(life)
                    .bind(cleared_at)
                    .bind(JsonText::of("fault", fault)?)
                    .execute(&mut *connection)
                    .await
                    .map_err(|error| StoreError::of("keep fault", &fault.key, error))?;
            }
            newest + 1
        });
        tx.commit().await?;
        Ok(generation)
    }

    /// The newest diagnosis and its generation.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn latest_diagnosis(&self) -> Result<Option<(i64, Diagnosis)>, StoreError> {
        let row: Option<(i64, JsonText)> =
            on!(self, pool => sqlx::query_as(NEWEST_DIAGNOSIS).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("read", "newest diagnosis", error))?;
        let Some((generation, body)) = row else { return Ok(None) };
        Ok(Some((generation, body.read("diagnosis", "body", generation)?)))
    }

    /// Faults, newest first: those that are not over (suspected ones too), and those cleared since.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn faults(
        &self,
        cleared_since: Option<DateTime<Utc>>,
        limit: u32,
    ) -> Result<Vec<Fault>, StoreError> {
        let limit = i64::from(limit);
        let rows: Vec<(String, JsonText)> = on!(self, pool => match cleared_since {
            None => sqlx::query_as(OPEN_FAULTS).bind(limit).fetch_all(pool).await,
            Some(since) => sqlx::query_as(FAULTS_SINCE).bind(limit).bind(since).fetch_all(pool).await,
        })
        .map_err(|error| StoreError::of("list", "faults", error))?;
        rows.into_iter().map(|(key, body)| body.read("fault", "body", key)).collect()
    }
}

/// Name of a fault's life, and when it was over.
const fn life(life: &FaultState) -> (&'static str, Option<DateTime<Utc>>) {
    match life {
        FaultState::Suspected { .. } => ("suspected", None),
        FaultState::Raised { .. } => ("raised", None),
        FaultState::Clearing { .. } => ("clearing", None),
        FaultState::Cleared { at, .. } => ("cleared", Some(*at)),
    }
}
