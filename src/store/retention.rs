//! Rolling whole hours up, and deleting what is too old in bounded steps so that tickets never
//! wait long for the writer's connection.

use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use super::backend::{on, on_tx};
use super::{Store, StoreError};

/// Rows deleted in one transaction.
const ROWS_A_STEP: i64 = 5_000;
/// Looks at the measurements are kept no longer than this.
const DIAGNOSES_KEPT: TimeDelta = TimeDelta::hours(24);
/// Hours rolled up again each time: a batch may arrive after its hour ended.
const HOURS_AGAIN: TimeDelta = TimeDelta::hours(2);

const ROLLED_UP_TO: &str = "rolled_up_to";

pub(super) const FIRST_OBSERVATION: &str = "SELECT MIN(f.first_at) FROM (SELECT (SELECT MIN(o.start_at) \
     FROM observation o WHERE o.target_id = t.id AND o.start_at >= $1) AS first_at FROM target t) f";
pub(super) const ROLL_UP: &str = "INSERT INTO observation_hourly (target_id, hour, rounds, unmeasured, sent, \
     received, rtt_answers, rtt_sum_ns, rtt_max_ns) \
     SELECT o.target_id, $1, \
     SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0 ELSE 1 END), \
     SUM(CASE WHEN o.outcome = 'unmeasured' THEN 1 ELSE 0 END), \
     CAST(SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0 ELSE o.sent END) AS BIGINT), \
     CAST(SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0 ELSE o.received END) AS BIGINT), \
     CAST(SUM(CASE WHEN o.outcome = 'unmeasured' OR o.rtt_mean_ns IS NULL THEN 0 ELSE o.received END) AS BIGINT), \
     COALESCE(SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0.0 \
     ELSE CAST(o.rtt_mean_ns AS DOUBLE PRECISION) * o.received END), 0.0), \
     MAX(CASE WHEN o.outcome = 'unmeasured' THEN NULL ELSE o.rtt_max_ns END) \
     FROM target t JOIN observation o ON o.target_id = t.id \
     WHERE o.start_at >= $2 AND o.start_at < $3 GROUP BY o.target_id \
     ON CONFLICT (target_id, hour) DO UPDATE SET rounds = excluded.rounds, unmeasured = excluded.unmeasured, \
     sent = excluded.sent, received = excluded.received, rtt_answers = excluded.rtt_answers, \
     rtt_sum_ns = excluded.rtt_sum_ns, rtt_max_ns = excluded.rtt_max_ns";
pub(super) const DELETE_OBSERVATIONS: &str = "DELETE FROM observation WHERE (target_id, start_at) IN \
     (SELECT o.target_id, o.start_at FROM target t JOIN observation o ON o.target_id = t.id \
     WHERE o.start_at < $1 LIMIT $2)";
pub(super) const DELETE_HOURS: &str = "DELETE FROM observation_hourly WHERE (target_id, hour) IN \
     (SELECT h.target_id, h.hour FROM target t JOIN observation_hourly h ON h.target_id = t.id \
     WHERE h.hour < $1 LIMIT $2)";
pub(super) const DELETE_DIAGNOSES: &str = "DELETE FROM diagnosis WHERE generation IN \
     (SELECT d.generation FROM diagnosis d WHERE d.at < $1 \
     AND d.generation < (SELECT MAX(n.generation) FROM diagnosis n) LIMIT $2)";
pub(super) const DELETE_FAULTS: &str = "DELETE FROM fault WHERE (fault_key, began) IN \
     (SELECT f.fault_key, f.began FROM fault f WHERE f.cleared_at < $1 LIMIT $2)";
pub(super) const DELETE_SESSIONS: &str = "DELETE FROM session WHERE hash IN \
     (SELECT s.hash FROM session s WHERE s.created_at < $1 LIMIT $2)";

impl Store {
    /// Rolls whole hours up, then deletes what is too old, in bounded steps; says how many rows went.
    ///
    /// No round is deleted before its hour is rolled up. Done again, it changes nothing.
    ///
    /// # Errors
    /// When the database does not answer; what was done so far stays done.
    pub async fn retain(
        &self,
        now: DateTime<Utc>,
        observations: Duration,
        hourly: Duration,
    ) -> Result<u64, StoreError> {
        let oldest_round = hour_of(before(now, observations));
        let rolled_up_to = self.roll_up(now, oldest_round).await?;
        let oldest_hour = before(now, hourly);
        let mut deleted = 0;
        for (statement, limit) in [
            (DELETE_OBSERVATIONS, oldest_round.min(rolled_up_to)),
            (DELETE_HOURS, oldest_hour),
            (DELETE_FAULTS, oldest_hour),
            (DELETE_DIAGNOSES, now - DIAGNOSES_KEPT),
            (DELETE_SESSIONS, now - super::access::SESSION_LONGEST),
        ] {
            deleted += self.delete_in_steps(statement, limit).await?;
        }
        Ok(deleted)
    }

    /// Rolls up every whole hour since the last time; returns the end of the last one.
    async fn roll_up(
        &self,
        now: DateTime<Utc>,
        oldest_round: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let end = hour_of(now);
        let mut hour = match self.rolled_up_to().await? {
            // What may have been deleted in part must not be rolled up again. A clock that went
            // back does not undo what was rolled up before.
            Some(done) => (done - HOURS_AGAIN).max(oldest_round.min(done)),
            None => DateTime::UNIX_EPOCH,
        };
        while let Some(first) = self.first_observation(hour).await? {
            hour = hour_of(first);
            if hour >= end {
                break;
            }
            self.roll_up_hour(hour).await?;
            hour += TimeDelta::hours(1);
        }
        self.set_rolled_up_to(end).await?;
        Ok(end)
    }

    async fn rolled_up_to(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let value: Option<String> =
            on!(self, pool => sqlx::query_scalar(super::META).bind(ROLLED_UP_TO).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("read meta", ROLLED_UP_TO, error))?;
        let Some(value) = value else { return Ok(None) };
        let parsed = DateTime::parse_from_rfc3339(&value)
            .map_err(|error| StoreError::inconsistent("meta", "value", ROLLED_UP_TO, error))?;
        Ok(Some(parsed.to_utc()))
    }

    async fn set_rolled_up_to(&self, end: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin("note the roll-up").await?;
        tx.set_meta(ROLLED_UP_TO, &end.to_rfc3339()).await?;
        tx.commit().await
    }

    async fn first_observation(&self, from: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        on!(self, pool => sqlx::query_scalar(FIRST_OBSERVATION).bind(from).fetch_one(pool).await)
            .map_err(|error| StoreError::of("read the first observation after", from, error))
    }

    async fn roll_up_hour(&self, hour: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin_bulk("roll an hour up").await?;
        on_tx!(tx, connection => {
            sqlx::query(ROLL_UP)
                .bind(hour)
                .bind(hour)
                .bind(hour + TimeDelta::hours(1))
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("roll up the hour of", hour, error))?;
        tx.commit().await
    }

    async fn delete_in_steps(
        &self,
        statement: &'static str,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let mut tx = self.begin_bulk("delete what is too old").await?;
            let rows = on_tx!(tx, connection => {
                sqlx::query(statement)
                    .bind(before)
                    .bind(ROWS_A_STEP)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })
            .map_err(|error| StoreError::of("delete what is older than", before, error))?;
            if rows == 0 {
                return Ok(deleted);
            }
            tx.commit().await?;
            deleted += rows;
            if rows < ROWS_A_STEP.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }
}

fn before(now: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| now.checked_sub_signed(span))
        .unwrap_or(DateTime::UNIX_EPOCH)
        .max(DateTime::UNIX_EPOCH)
}

fn hour_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::hours(1)).unwrap_or(time)
}
