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
// CROSS JOIN tells SQLite to go from target to target by the key; else it reads every row there is.
pub(super) const ROLL_UP: &str = "INSERT INTO observation_hourly (target_id, hour, rounds, unmeasured, sent, \
     received, rtt_answers, rtt_sum_ns, rtt_max_ns) \
     SELECT t.id, $1, \
     SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0 ELSE 1 END), \
     SUM(CASE WHEN o.outcome = 'unmeasured' THEN 1 ELSE 0 END), \
     CAST(SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0 ELSE o.sent END) AS BIGINT), \
     CAST(SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0 ELSE o.received END) AS BIGINT), \
     CAST(SUM(CASE WHEN o.outcome = 'unmeasured' OR o.rtt_mean_ns IS NULL THEN 0 ELSE o.received END) AS BIGINT), \
     COALESCE(SUM(CASE WHEN o.outcome = 'unmeasured' THEN 0.0 \
     ELSE CAST(o.rtt_mean_ns AS DOUBLE PRECISION) * o.received END), 0.0), \
     MAX(CASE WHEN o.outcome = 'unmeasured' THEN NULL ELSE o.rtt_max_ns END) \
     FROM target t CROSS JOIN observation o WHERE o.target_id = t.id \
     AND o.start_at >= $2 AND o.start_at < $3 GROUP BY t.id \
     ON CONFLICT (target_id, hour) DO UPDATE SET rounds = excluded.rounds, unmeasured = excluded.unmeasured, \
     sent = excluded.sent, received = excluded.received, rtt_answers = excluded.rtt_answers, \
     rtt_sum_ns = excluded.rtt_sum_ns, rtt_max_ns = excluded.rtt_max_ns";
/// How rows of targets are deleted: which targets have some, up to where a step goes, the step.
struct Series {
    targets: &'static str,
    end_of_step: &'static str,
    delete: &'static str,
}

pub(super) const TARGETS_WITH_OLD_ROUNDS: &str = "SELECT t.id FROM target t WHERE EXISTS \
     (SELECT 1 FROM observation o WHERE o.target_id = t.id AND o.start_at < $1) ORDER BY t.id";
pub(super) const END_OF_STEP_ROUNDS: &str = "SELECT o.start_at FROM observation o \
     WHERE o.target_id = $1 AND o.start_at < $2 ORDER BY o.start_at LIMIT 1 OFFSET $3";
pub(super) const DELETE_ROUNDS: &str = "DELETE FROM observation WHERE target_id = $1 AND start_at < $2";
const ROUNDS: Series =
    Series { targets: TARGETS_WITH_OLD_ROUNDS, end_of_step: END_OF_STEP_ROUNDS, delete: DELETE_ROUNDS };

pub(super) const TARGETS_WITH_OLD_HOURS: &str = "SELECT t.id FROM target t WHERE EXISTS \
     (SELECT 1 FROM observation_hourly h WHERE h.target_id = t.id AND h.hour < $1) ORDER BY t.id";
pub(super) const END_OF_STEP_HOURS: &str = "SELECT h.hour FROM observation_hourly h \
     WHERE h.target_id = $1 AND h.hour < $2 ORDER BY h.hour LIMIT 1 OFFSET $3";
pub(super) const DELETE_HOURS: &str = "DELETE FROM observation_hourly WHERE target_id = $1 AND hour < $2";
const HOURS: Series =
    Series { targets: TARGETS_WITH_OLD_HOURS, end_of_step: END_OF_STEP_HOURS, delete: DELETE_HOURS };

pub(super) const DELETE_DIAGNOSES: &str = "DELETE FROM diagnosis WHERE generation IN \
     (SELECT d.generation FROM diagnosis d WHERE d.at < $1 \
     AND d.generation < (SELECT MAX(n.generation) FROM diagnosis n) LIMIT $2)";
pub(super) const DELETE_FAULTS: &str = "DELETE FROM fault WHERE cleared_at < $1 AND fault_key IN \
     (SELECT f.fault_key FROM fault f WHERE f.cleared_at < $1 LIMIT $2)";
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
        let mut deleted = self.delete_series(&ROUNDS, oldest_round.min(rolled_up_to)).await?;
        deleted += self.delete_series(&HOURS, oldest_hour).await?;
        for (statement, limit) in [
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
        let done = self.rolled_up_to().await?;
        let mut hour = match done {
            // What may have been deleted in part must not be rolled up again.
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
        // A clock that went back does not undo what was rolled up before.
        let end = done.map_or(end, |done| done.max(end));
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

    /// Deletes what is older of every target, so many rows in one transaction.
    async fn delete_series(&self, series: &Series, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let fail = |error| StoreError::of("delete what is older than", before, error);
        let targets: Vec<i64> =
            on!(self, pool => sqlx::query_scalar(series.targets).bind(before).fetch_all(pool).await)
                .map_err(fail)?;
        let mut targets = targets.into_iter();
        let mut target = targets.next();
        let mut deleted = 0;
        while target.is_some() {
            let mut tx = self.begin_bulk("delete what is too old").await?;
            let mut room = ROWS_A_STEP;
            while let Some(id) = target
                && room > 0
            {
                let (rows, is_done) = on_tx!(tx, connection => {
                    let end: Option<DateTime<Utc>> = sqlx::query_scalar(series.end_of_step)
                        .bind(id)
                        .bind(before)
                        .bind(room)
                        .fetch_optional(&mut *connection)
                        .await
                        .map_err(fail)?;
                    let done = sqlx::query(series.delete)
                        .bind(id)
                        .bind(end.unwrap_or(before))
                        .execute(&mut *connection)
                        .await
                        .map_err(fail)?;
                    (done.rows_affected(), end.is_none())
                });
                deleted += rows;
                // A target costs something even if another has deleted its rows meanwhile.
                room -= i64::try_from(rows).unwrap_or(i64::MAX).max(1);
                if is_done {
                    target = targets.next();
                }
            }
            tx.commit().await?;
        }
        Ok(deleted)
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
