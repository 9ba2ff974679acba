//! What retention would delete now, by kind: counted, and nothing deleted.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::attachments::FileKind;
use super::backend::on;
use super::evidence::OLD_EVIDENCE;
use super::{Store, StoreError};

// CROSS JOIN tells SQLite to go from target to target by the key; else it reads every row there is.
pub(super) const OLD_ROUNDS: &str = "SELECT COUNT(*) FROM target t CROSS JOIN observation o \
     WHERE o.target_id = t.id AND o.start_at < $1";
pub(super) const OLD_HOURS: &str = "SELECT COUNT(*) FROM target t CROSS JOIN observation_hourly h \
     WHERE h.target_id = t.id AND h.hour < $1";
pub(super) const OLD_FAULTS: &str = "SELECT COUNT(*) FROM fault WHERE cleared_at < $1";
pub(super) const OLD_BILLS: &str = "SELECT COUNT(*) FROM reconcile_run r WHERE r.status IN ('done', 'failed') \
     AND COALESCE(r.finished_at, r.created_at) < $1 AND NOT EXISTS \
     (SELECT 1 FROM ticket t WHERE t.id = r.ticket_id AND t.state NOT IN ('closed', 'rejected', 'cancelled'))";

/// How long each kind is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Every round as measured.
    pub observations: Duration,
    /// Rolled up by the hour.
    pub hourly: Duration,
    /// Bills, reports and runs.
    pub bills: Duration,
    /// Who a customer is.
    pub customers: Duration,
    /// Recordings of calls.
    pub recorded_calls: Duration,
    /// Drawn signatures.
    pub signatures: Duration,
}

/// How much of a kind is older than its term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RetentionCount {
    /// What: observations, hourly, faults, bills, recorded calls, signatures, customers.
    pub kind: &'static str,
    /// What is older than this goes, unless something open needs it.
    pub before: DateTime<Utc>,
    /// Days that it is kept.
    pub kept_days: u64,
    /// Rows, runs or persons that would go.
    pub count: u64,
}

impl Store {
    /// Counts what is older than its term and would go; `current` are the names of customers in force.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_retention(
        &self,
        now: DateTime<Utc>,
        terms: &Terms,
        current: &[&str],
    ) -> Result<Vec<RetentionCount>, StoreError> {
        let mut counts = Vec::new();
        for (kind, kept, statement) in [
            ("observations", terms.observations, OLD_ROUNDS),
            ("hourly", terms.hourly, OLD_HOURS),
            ("faults", terms.hourly, OLD_FAULTS),
            ("bills", terms.bills, OLD_BILLS),
        ] {
            let before = before(now, kept);
            let rows: i64 =
                on!(self, pool => sqlx::query_scalar(statement).bind(before).fetch_one(pool).await)
                    .map_err(|error| StoreError::of("count old", kind, error))?;
            counts.push(counted(kind, before, kept, u64::try_from(rows).unwrap_or(0)));
        }
        for (kind, kept) in
            [(FileKind::RecordedCall, terms.recorded_calls), (FileKind::Signature, terms.signatures)]
        {
            let before = before(now, kept);
            let rows: i64 = on!(self, pool => {
                sqlx::query_scalar(OLD_EVIDENCE).bind(before).bind(kind.name()).fetch_one(pool).await
            })
            .map_err(|error| StoreError::of("count old", kind.name(), error))?;
            counts.push(counted(kind.many(), before, kept, u64::try_from(rows).unwrap_or(0)));
        }
        let customers = self.expired_customers(now, terms.customers, current).await?.len() as u64;
        counts.push(counted("customers", before(now, terms.customers), terms.customers, customers));
        Ok(counts)
    }
}

fn counted(kind: &'static str, before: DateTime<Utc>, kept: Duration, count: u64) -> RetentionCount {
    RetentionCount { kind, before, kept_days: kept.as_secs() / 86_400, count }
}

fn before(now: DateTime<Utc>, kept: Duration) -> DateTime<Utc> {
    let kept = TimeDelta::from_std(kept).unwrap_or(TimeDelta::MAX);
    now.checked_sub_signed(kept).unwrap_or(DateTime::UNIX_EPOCH)
}
