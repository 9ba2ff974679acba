//! Reconciliations: kept before they are acknowledged, taken up one after the other, brought before the
//! tickets, and forgotten when they are old and no open ticket rests on them.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use crate::diagnosis::Fault;
use crate::locale::Message;
use crate::ticket::TicketId;

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::run::{ReconcileRun, RunAnswer, RunFilter, RunRequest, RunStatus};
use super::{Store, StoreError};

const COLUMNS: &str = "SELECT id, run_key, party, period, status, attempts, request, answer, fault, error, \
     ticket_id, created_by, created_at, started_at, finished_at, planned_at FROM reconcile_run WHERE 1 = 1";

pub(super) const INSERT_RUN: &str = "INSERT INTO reconcile_run (id, run_key, party, period, status, attempts, \
     request, created_by, created_at) VALUES ($1, $2, $3, $4, 'queued', 0, $5, $6, $7) \
     ON CONFLICT (run_key) DO NOTHING";
pub(super) const RUN_BY_KEY: &str = "SELECT id FROM reconcile_run WHERE run_key = $1";
pub(super) const NEXT_RUN: &str =
    "SELECT id FROM reconcile_run WHERE status = 'queued' ORDER BY created_at, id LIMIT 1";
pub(super) const TAKE_RUN: &str = "UPDATE reconcile_run SET status = 'running', started_at = $2, \
     attempts = attempts + 1, error = NULL WHERE id = $1 AND status = 'queued'";
pub(super) const RESUME_RUNS: &str = "UPDATE reconcile_run SET status = 'queued' WHERE status = 'running'";
pub(super) const RELEASE_RUN: &str = "UPDATE reconcile_run SET status = 'queued', attempts = attempts - 1 WHERE id = $1 AND status = 'running'";
pub(super) const FINISH_RUN: &str = "UPDATE reconcile_run SET status = 'done', period = $2, answer = $3, \
     fault = $4, finished_at = $5, planned_at = NULL, error = NULL WHERE id = $1";
pub(super) const FAIL_RUN: &str =
    "UPDATE reconcile_run SET status = 'failed', error = $2, finished_at = $3 WHERE id = $1";
pub(super) const RERUN: &str = "UPDATE reconcile_run SET status = 'queued', attempts = 0 \
     WHERE id = $1 AND status IN ('done', 'failed')";
pub(super) const RUNS_TO_PLAN: &str = "SELECT id, fault FROM reconcile_run WHERE planned_at IS NULL \
     AND fault IS NOT NULL AND status = 'done' ORDER BY finished_at, id";
pub(super) const PLANNED_RUN: &str = "UPDATE reconcile_run SET planned_at = $2, \
     ticket_id = COALESCE($3, ticket_id) WHERE id = $1 AND status = 'done' AND finished_at = $4";
pub(super) const RUN_IDS: &str = "SELECT id FROM reconcile_run";
pub(super) const RUNS_WAITING: &str =
    "SELECT COUNT(*) FROM reconcile_run WHERE status IN ('queued', 'running')";
pub(super) const OLD_RUNS: &str = "SELECT r.id FROM reconcile_run r WHERE r.status IN ('done', 'failed') \
     AND COALESCE(r.finished_at, r.created_at) < $1 AND NOT EXISTS \
     (SELECT 1 FROM ticket t WHERE t.id = r.ticket_id AND t.state NOT IN ('closed', 'rejected', 'cancelled')) \
     ORDER BY r.id LIMIT $2";
pub(super) const DELETE_RUN: &str =
    "DELETE FROM reconcile_run WHERE id = $1 AND status IN ('done', 'failed')";

/// Runs listed at once.
const LONGEST_PAGE: u32 = 500;
/// Runs forgotten at once.
const A_STEP: i64 = 200;

#[derive(Debug, sqlx::FromRow)]
struct RunRow {
    id: String,
    run_key: String,
    party: String,
    period: Option<String>,
    status: String,
    attempts: i64,
    request: JsonText,
    answer: Option<JsonText>,
    fault: Option<JsonText>,
    error: Option<String>,
    ticket_id: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    planned_at: Option<DateTime<Utc>>,
}

/// A run's column `error`: the text alone, or with its sentence as JSON.
fn reason(kept: String) -> (String, Option<Message>) {
    #[derive(serde::Deserialize)]
    struct Told {
        error: String,
        failure: Message,
    }
    match serde_json::from_str::<Told>(&kept) {
        Ok(told) => (told.error, Some(told.failure)),
        Err(_) => (kept, None),
    }
}

impl RunRow {
    fn understood(self) -> Result<ReconcileRun, StoreError> {
        let id = self.id;
        let table = "reconcile_run";
        let status = RunStatus::parse(&self.status)
            .ok_or_else(|| StoreError::inconsistent(table, "status", &id, "there is no such status"))?;
        let (error, failure) = self.error.map(reason).unzip();
        Ok(ReconcileRun {
            request: self.request.read(table, "request", &id)?,
            answer: self.answer.map(|answer| answer.read(table, "answer", &id)).transpose()?,
            fault: self.fault.map(|fault| fault.read(table, "fault", &id)).transpose()?,
            id,
            key: self.run_key,
            party: self.party,
            period: self.period,
            status,
            attempts: self.attempts,
            error,
            failure: failure.flatten(),
            ticket: self.ticket_id.map(TicketId),
            created_by: self.created_by,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            planned_at: self.planned_at,
        })
    }
}

impl Store {
    /// Keeps a run that was asked for, unless it is known by its content; the identity of the one that is
    /// kept. Its files must be where they stay, durably, before this is called.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_run(&self, id: &str, request: &RunRequest, by: &str) -> Result<String, StoreError> {
        let (key, now) = (request.key(), self.now());
        let body = JsonText::of("request of a run", request)?;
        let fail = |error| StoreError::of("keep run", id, error);
        let mut tx = self.begin("keep a run").await?;
        let kept = on_tx!(tx, connection => {
            sqlx::query(INSERT_RUN)
                .bind(id)
                .bind(&key)
                .bind(text(&request.party))
                .bind(request.period.as_deref().map(text))
                .bind(&body)
                .bind(text(by))
                .bind(now)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
            sqlx::query_scalar(RUN_BY_KEY).bind(&key).fetch_one(&mut *connection).await.map_err(fail)?
        });
        tx.commit().await?;
        Ok(kept)
    }

    /// The run of this key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_of(&self, key: &str) -> Result<Option<String>, StoreError> {
        on!(self, pool => sqlx::query_scalar(RUN_BY_KEY).bind(key).fetch_optional(pool).await)
            .map_err(|error| StoreError::of("look for the run of", key, error))
    }

    /// One run; `None` is an ordinary answer.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn run(&self, id: &str) -> Result<Option<ReconcileRun>, StoreError> {
        let row: Option<RunRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(COLUMNS);
            query.push(" AND id = ").push_bind(text(id).into_owned());
            query.build_query_as().fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("read run", id, error))?;
        row.map(RunRow::understood).transpose()
    }

    /// Runs, the newest first. At most 500 at once.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<ReconcileRun>, StoreError> {
        let limit = i64::from(limit.clamp(1, LONGEST_PAGE));
        let rows: Vec<RunRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(COLUMNS);
            if let Some(party) = &filter.party {
                query.push(" AND party = ").push_bind(text(party).into_owned());
            }
            if let Some(status) = filter.status {
                query.push(" AND status = ").push_bind(status.name());
            }
            if let Some(ticket) = &filter.ticket {
                query.push(" AND ticket_id = ").push_bind(text(&ticket.0).into_owned());
            }
            if let Some(after) = &filter.after {
                query.push(" AND id < ").push_bind(text(after).into_owned());
            }
            query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("list", "runs", error))?;
        rows.into_iter().map(RunRow::understood).collect()
    }

    /// Takes up the run that has waited longest.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn take_run(&self) -> Result<Option<ReconcileRun>, StoreError> {
        let fail = |error| StoreError::of("take up", "the next run", error);
        // Looked for before anything is locked: mostly there is none.
        let next: Option<String> =
            on!(self, pool => sqlx::query_scalar(NEXT_RUN).fetch_optional(pool).await).map_err(fail)?;
        let Some(id) = next else { return Ok(None) };
        self.change_run(TAKE_RUN, &id, "take a run up").await?;
        Ok(self.run(&id).await?.filter(|run| run.status == RunStatus::Running))
    }

    /// Runs of a process that ended in the middle of them wait again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn resume_runs(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin("resume runs").await?;
        let rows = on_tx!(tx, connection => {
            sqlx::query(RESUME_RUNS).execute(connection).await.map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("resume", "runs", error))?;
        tx.commit().await?;
        Ok(rows)
    }

    /// A run that was broken off because the process ends waits again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_run(&self, id: &str) -> Result<(), StoreError> {
        self.change_run(RELEASE_RUN, id, "release a run").await.map(drop)
    }

    /// Asks for a run that is over once more; says whether it was over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rerun(&self, id: &str) -> Result<bool, StoreError> {
        self.change_run(RERUN, id, "run again").await
    }

    async fn change_run(
        &self,
        statement: &'static str,
        id: &str,
        operation: &'static str,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let takes_time = statement == TAKE_RUN;
        let mut tx = self.begin(operation).await?;
        let rows = on_tx!(tx, connection => {
            let query = sqlx::query(statement).bind(text(id));
            let query = if takes_time { query.bind(now) } else { query };
            query.execute(connection).await.map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of(operation, id, error))?;
        tx.commit().await?;
        Ok(rows > 0)
    }

    /// Keeps what came of a run, and what the ticket is to be told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn finish_run(
        &self,
        id: &str,
        period: &str,
        answer: &RunAnswer,
        fault: &Fault,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (answer, fault) = (JsonText::of("answer of a run", answer)?, JsonText::of("fault", fault)?);
        let mut tx = self.begin("keep the answer of a run").await?;
        on_tx!(tx, connection => {
            sqlx::query(FINISH_RUN)
                .bind(id)
                .bind(text(period))
                .bind(&answer)
                .bind(&fault)
                .bind(at)
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("keep the answer of run", id, error))?;
        tx.commit().await
    }

    /// Keeps why there is no answer: in full and, where there is one, in a sentence.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn fail_run(
        &self,
        id: &str,
        error: &str,
        failure: Option<&Message>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let told = failure.map(|failure| serde_json::json!({"error": error, "failure": failure}).to_string());
        let reason = told.as_deref().unwrap_or(error);
        let mut tx = self.begin("keep the failure of a run").await?;
        on_tx!(tx, connection => {
            sqlx::query(FAIL_RUN).bind(id).bind(text(reason)).bind(at).execute(connection).await.map(drop)
        })
        .map_err(|error| StoreError::of("keep the failure of run", id, error))?;
        tx.commit().await
    }

    /// Faults of runs that were not brought before the tickets yet, oldest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn runs_to_plan(&self) -> Result<Vec<(String, Fault)>, StoreError> {
        let rows: Vec<(String, JsonText)> =
            on!(self, pool => sqlx::query_as(RUNS_TO_PLAN).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read", "runs to plan with", error))?;
        let read = |(id, fault): (String, JsonText)| {
            fault.read("reconcile_run", "fault", &id).map(|fault| (id.clone(), fault))
        };
        rows.into_iter().map(read).collect()
    }

    /// The tickets fit this run, as it ended at `finished_at`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_planned(
        &self,
        id: &str,
        finished_at: DateTime<Utc>,
        ticket: Option<&TicketId>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin("note a planned run").await?;
        on_tx!(tx, connection => {
            sqlx::query(PLANNED_RUN)
                .bind(text(id))
                .bind(now)
                .bind(ticket.map(|ticket| ticket.0.as_str()))
                .bind(finished_at)
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("note planned run", id, error))?;
        tx.commit().await
    }

    /// Runs that wait or are worked on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs_waiting(&self) -> Result<i64, StoreError> {
        on!(self, pool => sqlx::query_scalar(RUNS_WAITING).fetch_one(pool).await)
            .map_err(|error| StoreError::of("count", "runs", error))
    }

    /// Identities of all runs: what is on the disk beside them is nobody's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_ids(&self) -> Result<Vec<String>, StoreError> {
        on!(self, pool => sqlx::query_scalar(RUN_IDS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("list", "runs", error))
    }

    /// Some runs that ended before `before` and on which no ticket rests that is not final.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn old_runs(&self, before: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        on!(self, pool => sqlx::query_scalar(OLD_RUNS).bind(before).bind(A_STEP).fetch_all(pool).await)
            .map_err(|error| StoreError::of("list", "old runs", error))
    }

    /// Forgets a run that is over; its files are the caller's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_run(&self, id: &str) -> Result<(), StoreError> {
        self.change_run(DELETE_RUN, id, "forget a run").await.map(drop)
    }
}
