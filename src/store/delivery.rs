//! Deliveries: what each channel still has to tell, what came of it, and what it gave up.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use crate::notify::Notice;

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError};

// An event waits while one of the same ticket before it is tried again: nobody hears of the end before the begin.
pub(super) const DUE: &str = "SELECT delivery.seq, delivery.batch, delivery.attempts, delivery.gathered, \
     delivery.tried_at, outbox.notice FROM delivery JOIN outbox ON outbox.seq = delivery.seq \
     WHERE delivery.channel = $1 AND delivery.next_at <= $2 AND delivery.delivered_at IS NULL \
     AND delivery.dead_at IS NULL AND NOT EXISTS (SELECT 1 FROM delivery earlier WHERE earlier.channel = $1 \
     AND earlier.ticket_id = delivery.ticket_id AND earlier.seq < delivery.seq AND earlier.attempts > 0 \
     AND earlier.next_at > $2 AND earlier.delivered_at IS NULL AND earlier.dead_at IS NULL) \
     ORDER BY delivery.next_at, delivery.seq LIMIT $3";
pub(super) const OF_BATCH: &str = "SELECT delivery.seq, delivery.batch, delivery.attempts, delivery.gathered, \
     delivery.tried_at, outbox.notice FROM delivery JOIN outbox ON outbox.seq = delivery.seq \
     WHERE delivery.channel = $1 AND delivery.batch = $2 AND delivery.delivered_at IS NULL \
     AND delivery.dead_at IS NULL ORDER BY delivery.seq";
pub(super) const STANDINGS: &str = "SELECT channel, \
     CAST(SUM(CASE WHEN delivered_at IS NULL AND dead_at IS NULL THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(SUM(CASE WHEN dead_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
     MIN(CASE WHEN delivered_at IS NULL AND dead_at IS NULL THEN COALESCE(tried_at, next_at) END), \
     MIN(CASE WHEN delivered_at IS NULL AND dead_at IS NULL THEN next_at END), \
     MAX(delivered_at) FROM delivery GROUP BY channel ORDER BY channel";
// Two channels that note the same event at once: each would see the other's delivery as open, and nobody would settle
// the event. Whoever holds its row first is waited for.
pub(super) const HOLD_OUTBOX: &str = "UPDATE outbox SET delivered_at = delivered_at WHERE seq = $1";
pub(super) const SETTLE_OUTBOX: &str = "UPDATE outbox SET delivered_at = $2 WHERE seq = $1 AND delivered_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.seq = $1 AND delivery.delivered_at IS NULL)";
pub(super) const DELIVERED: &str = "UPDATE delivery SET delivered_at = $3, dead_at = NULL, attempts = attempts + 1, \
     last_error = NULL WHERE seq = $1 AND channel = $2 AND delivered_at IS NULL";
pub(super) const SEAL: &str =
    "UPDATE delivery SET batch = $3 WHERE seq = $1 AND channel = $2 AND batch IS NULL";
pub(super) const FAILED: &str = "UPDATE delivery SET attempts = attempts + 1, next_at = $3, last_error = $4, \
     tried_at = COALESCE(tried_at, $5) WHERE seq = $1 AND channel = $2 AND delivered_at IS NULL AND dead_at IS NULL";
pub(super) const BURIED: &str = "UPDATE delivery SET attempts = attempts + 1, dead_at = $3, last_error = $4, \
     tried_at = COALESCE(tried_at, $5) WHERE seq = $1 AND channel = $2 AND delivered_at IS NULL AND dead_at IS NULL";
const DEAD: &str = "SELECT delivery.seq, delivery.channel, delivery.attempts, delivery.created_at, \
     delivery.dead_at, delivery.last_error, outbox.notice FROM delivery JOIN outbox ON outbox.seq = delivery.seq \
     WHERE delivery.dead_at IS NOT NULL";
// What rises again waits no more for its digest or calendar, and is given its whole time.
const RAISE: &str =
    "UPDATE delivery SET dead_at = NULL, attempts = 0, tried_at = NULL, batch = NULL, next_at = ";
const ORPHANS: &str = "UPDATE delivery SET dead_at = ";

/// Dead ones listed at once.
const LONGEST_PAGE: u32 = 1_000;

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct DueDelivery {
    /// Of which event.
    pub seq: i64,
    /// With which message it was tried already.
    pub batch: Option<i64>,
    /// How often it was tried.
    pub attempts: i64,
    /// Goes with others that wait.
    pub gathered: bool,
    /// When it was tried first.
    pub tried_at: Option<DateTime<Utc>>,
    /// What is said.
    pub notice: Notice,
}

/// How a channel stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ChannelStanding {
    /// Its name.
    pub channel: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that were given up.
    pub dead: u64,
    /// Since when the oldest is tried or due.
    pub oldest_at: Option<DateTime<Utc>>,
    /// When the next is tried.
    pub next_at: Option<DateTime<Utc>>,
    /// When one was last delivered.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadDelivery {
    /// Of which event.
    pub seq: i64,
    /// Over which channel.
    pub channel: String,
    /// Number of the ticket; none of what no ticket is about.
    pub ticket: Option<String>,
    /// The month whose duty it is, where it is about one.
    pub month: Option<String>,
    /// What happened.
    pub event: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waited.
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    pub dead_at: DateTime<Utc>,
    /// Why.
    pub error: String,
}

type DueRow = (i64, Option<i64>, i64, bool, Option<DateTime<Utc>>, JsonText);
type StandingRow = (String, i64, i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
type DeadRow = (i64, String, i64, DateTime<Utc>, DateTime<Utc>, Option<String>, JsonText);

fn due((seq, batch, attempts, gathered, tried_at, notice): DueRow) -> Result<DueDelivery, StoreError> {
    let notice = notice.read("outbox", "notice", seq)?;
    Ok(DueDelivery { seq, batch, attempts, gathered, tried_at, notice })
}

impl Store {
    /// What a channel is to tell by now, the longest due first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn due_deliveries(&self, channel: &str, most: u32) -> Result<Vec<DueDelivery>, StoreError> {
        let now = self.now();
        let rows: Vec<DueRow> = on!(self, pool => {
            sqlx::query_as(DUE).bind(text(channel)).bind(now).bind(i64::from(most)).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read deliveries of", channel, error))?;
        rows.into_iter().map(due).collect()
    }

    /// What waits of a message that was gathered, whether it is due or not.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn batch_deliveries(&self, channel: &str, batch: i64) -> Result<Vec<DueDelivery>, StoreError> {
        let rows: Vec<DueRow> = on!(self, pool => {
            sqlx::query_as(OF_BATCH).bind(text(channel)).bind(batch).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read deliveries of", channel, error))?;
        rows.into_iter().map(due).collect()
    }

    /// Fixes which events go in one message, before it is sent for the first time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seal_deliveries(&self, channel: &str, seqs: &[i64]) -> Result<(), StoreError> {
        let Some(batch) = seqs.iter().min() else { return Ok(()) };
        let mut tx = self.begin_bulk("gather a message").await?;
        for seq in seqs {
            on_tx!(tx, connection => {
                sqlx::query(SEAL)
                    .bind(seq)
                    .bind(text(channel))
                    .bind(batch)
                    .execute(connection)
                    .await
                    .map(drop)
            })
            .map_err(|error| StoreError::of("gather deliveries of", channel, error))?;
        }
        tx.commit().await
    }

    /// The receiver has them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delivered(&self, channel: &str, seqs: &[i64]) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin_bulk("note a delivery").await?;
        for seq in seqs {
            on_tx!(tx, connection => {
                async {
                    sqlx::query(HOLD_OUTBOX).bind(seq).execute(&mut *connection).await?;
                    let noted = sqlx::query(DELIVERED).bind(seq).bind(text(channel)).bind(now);
                    noted.execute(&mut *connection).await?;
                    sqlx::query(SETTLE_OUTBOX).bind(seq).bind(now).execute(&mut *connection).await?;
                    Ok(())
                }
                .await
            })
            .map_err(|error| StoreError::of("note the delivery of event", seq, error))?;
        }
        tx.commit().await
    }

    /// They are tried again then; with `None`, never.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn not_delivered(
        &self,
        channel: &str,
        seqs: &[i64],
        next_at: Option<DateTime<Utc>>,
        error: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let (statement, at) = match next_at {
            Some(next_at) => (FAILED, next_at),
            None => (BURIED, now),
        };
        let mut tx = self.begin_bulk("note a failed delivery").await?;
        for seq in seqs {
            on_tx!(tx, connection => {
                sqlx::query(statement)
                    .bind(seq)
                    .bind(text(channel))
                    .bind(at)
                    .bind(text(error))
                    .bind(now)
                    .execute(connection)
                    .await
                    .map(drop)
            })
            .map_err(|error| StoreError::of("note the failed delivery of event", seq, error))?;
        }
        tx.commit().await
    }

    /// How every channel stands that has or had something to tell.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn channel_standings(&self) -> Result<Vec<ChannelStanding>, StoreError> {
        let rows: Vec<StandingRow> = on!(self, pool => sqlx::query_as(STANDINGS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("read", "deliveries", error))?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        let standing = |(channel, waiting, dead, oldest_at, next_at, delivered_at): StandingRow| {
            let (waiting, dead) = (count(waiting), count(dead));
            ChannelStanding { channel, waiting, dead, oldest_at, next_at, delivered_at }
        };
        Ok(rows.into_iter().map(standing).collect())
    }

    /// What was given up, the newest event first. At most 1,000 at once.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn dead_deliveries(
        &self,
        channel: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadDelivery>, StoreError> {
        let limit = i64::from(limit.clamp(1, LONGEST_PAGE));
        let rows: Vec<DeadRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(DEAD);
            if let Some(channel) = channel {
                query.push(" AND delivery.channel = ").push_bind(text(channel).into_owned());
            }
            query.push(" ORDER BY delivery.created_at DESC, delivery.seq DESC, delivery.channel LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("list", "dead deliveries", error))?;
        let understood = |(seq, channel, attempts, created_at, dead_at, error, notice): DeadRow| {
            let notice: Notice = notice.read("outbox", "notice", seq)?;
            let (event, error) = (notice.event, error.unwrap_or_default());
            let ticket = Some(notice.number).filter(|number| !number.is_empty());
            let month = notice.duty.map(|duty| duty.month);
            Ok(DeadDelivery { seq, channel, ticket, month, event, attempts, created_at, dead_at, error })
        };
        rows.into_iter().map(understood).collect()
    }

    /// Tries again what was given up, of one channel, of one event, or all of it; says how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retry_dead(&self, channel: Option<&str>, seq: Option<i64>) -> Result<u64, StoreError> {
        let now = self.now();
        let mut tx = self.begin("try dead deliveries again").await?;
        let rows = on_tx!(tx, connection => {
            let mut query = QueryBuilder::new(RAISE);
            query.push_bind(now).push(" WHERE dead_at IS NOT NULL");
            if let Some(channel) = channel {
                query.push(" AND channel = ").push_bind(text(channel).into_owned());
            }
            if let Some(seq) = seq {
                query.push(" AND seq = ").push_bind(seq);
            }
            query.build().execute(connection).await.map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("try again", "dead deliveries", error))?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Gives up what waits for channels that are no more; says how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bury_orphans(&self, channels: &[String], reason: &str) -> Result<u64, StoreError> {
        let now = self.now();
        let mut tx = self.begin("give up what no channel tells").await?;
        let rows = on_tx!(tx, connection => {
            let mut query = QueryBuilder::new(ORPHANS);
            query.push_bind(now).push(", last_error = ").push_bind(text(reason).into_owned());
            query.push(" WHERE delivered_at IS NULL AND dead_at IS NULL");
            if !channels.is_empty() {
                query.push(" AND channel NOT IN (");
                let mut list = query.separated(", ");
                for channel in channels {
                    list.push_bind(text(channel).into_owned());
                }
                query.push(")");
            }
            query.build().execute(connection).await.map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("give up", "deliveries without a channel", error))?;
        tx.commit().await?;
        Ok(rows)
    }
}
