//! From the outbox to deliveries: each event becomes one row a channel that tells it, in one transaction with the
//! mark that it was taken up. What is decided is decided by whoever calls.

use chrono::{DateTime, Utc};

use crate::notify::{EventRow, Notice, Standing, When};

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError, Tx};

pub(super) const TO_EXPAND: &str = "SELECT outbox.seq, ticket_event.hash, ticket_event.ticket_id, ticket_event.at, \
     ticket_event.actor, ticket_event.type, ticket_event.payload, ticket.body \
     FROM outbox JOIN ticket_event ON ticket_event.seq = outbox.seq JOIN ticket ON ticket.id = ticket_event.ticket_id \
     WHERE outbox.expanded_at IS NULL ORDER BY outbox.seq LIMIT $1";
pub(super) const LAST_NOTICE: &str = "SELECT outbox.seq, outbox.notice FROM ticket_event \
     JOIN outbox ON outbox.seq = ticket_event.seq WHERE ticket_event.ticket_id = $1 AND ticket_event.seq < $2 \
     AND outbox.notice IS NOT NULL ORDER BY ticket_event.seq DESC LIMIT 1";
pub(super) const LAST_TOLD: &str =
    "SELECT MAX(created_at) FROM delivery WHERE channel = $1 AND ticket_id = $2";
pub(super) const DIGEST_AT: &str = "SELECT MIN(next_at) FROM delivery WHERE channel = $1 AND next_at > $2 \
     AND delivered_at IS NULL AND dead_at IS NULL AND gathered AND attempts = 0 AND batch IS NULL";
pub(super) const EXPANDED: &str = "UPDATE outbox SET expanded_at = $2, notice = $3, delivered_at = $4 \
     WHERE seq = $1 AND expanded_at IS NULL";
pub(super) const INSERT_DELIVERY: &str = "INSERT INTO delivery (seq, channel, ticket_id, created_at, next_at, \
     gathered, attempts) VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (seq, channel) DO NOTHING";
pub(super) const FORGET_DELIVERIES: &str = "DELETE FROM delivery WHERE seq IN (SELECT outbox.seq FROM outbox \
     WHERE outbox.delivered_at < $1 ORDER BY outbox.delivered_at LIMIT $2)";
pub(super) const FORGET_OUTBOX: &str = "DELETE FROM outbox WHERE seq IN (SELECT gone.seq FROM outbox gone \
     WHERE gone.delivered_at < $1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.seq = gone.seq) \
     ORDER BY gone.delivered_at LIMIT $2)";

/// Rows forgotten in one transaction.
const A_STEP: i64 = 2_000;

#[derive(Debug, sqlx::FromRow)]
struct Row {
    seq: i64,
    hash: String,
    ticket_id: String,
    at: DateTime<Utc>,
    actor: String,
    r#type: String,
    payload: String,
    body: JsonText,
}

impl From<Row> for EventRow {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            hash: row.hash,
            ticket_id: row.ticket_id,
            at: row.at,
            actor: row.actor,
            event: row.r#type,
            payload: row.payload,
            ticket: row.body.into_text(),
        }
    }
}

/// What is decided about an event: what is said of it, and which channels tell it when. `None`: it cannot be told.
pub trait Deciding: Send + Sync {
    /// What is said of it.
    fn notice(&self, row: &EventRow, previous: Option<&Notice>) -> Option<Notice>;
    /// When this channel tells it, if it does.
    fn when(&self, channel: &str, notice: &Notice, standing: Standing, now: DateTime<Utc>) -> Option<When>;
}

impl Store {
    /// Takes events up in their order, `most` at once, in one transaction; says how many.
    ///
    /// # Errors
    /// When the database does not answer; then nothing of it has happened.
    pub async fn expand_outbox(
        &self,
        channels: &[String],
        most: u32,
        deciding: &dyn Deciding,
    ) -> Result<usize, StoreError> {
        let fail = |error| StoreError::of("read", "outbox", error);
        // Nothing to do is the ordinary case and takes no lock.
        let rows: Vec<Row> = on!(self, pool => {
            sqlx::query_as(TO_EXPAND).bind(i64::from(most)).fetch_all(pool).await
        })
        .map_err(fail)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let count = rows.len();
        let mut tx = self.begin("take up events of the outbox").await?;
        let now = self.now();
        for row in rows {
            expand(&mut tx, row.into(), channels, deciding, now).await?;
        }
        tx.commit().await?;
        Ok(count)
    }

    /// Forgets what was told before then; says how many events.
    ///
    /// # Errors
    /// When the database does not answer; what was done so far stays done.
    pub async fn forget_told(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let mut tx = self.begin("forget what was told").await?;
            let rows = on_tx!(tx, connection => {
                let gone = sqlx::query(FORGET_DELIVERIES)
                    .bind(before)
                    .bind(A_STEP)
                    .execute(&mut *connection)
                    .await;
                match gone {
                    Ok(_) => sqlx::query(FORGET_OUTBOX)
                        .bind(before)
                        .bind(A_STEP)
                        .execute(&mut *connection)
                        .await
                        .map(|done| done.rows_affected()),
                    Err(error) => Err(error),
                }
            })
            .map_err(|error| StoreError::of("forget what was told before", before, error))?;
            tx.commit().await?;
            forgotten += rows;
            if rows < A_STEP.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

async fn expand(
    tx: &mut Tx,
    row: EventRow,
    channels: &[String],
    deciding: &dyn Deciding,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let fail = |error| StoreError::of("take up event", row.seq, error);
    let previous: Option<(i64, JsonText)> = on_tx!(tx, connection => {
        sqlx::query_as(LAST_NOTICE).bind(&row.ticket_id).bind(row.seq).fetch_optional(connection).await
    })
    .map_err(fail)?;
    // One that an older program wrote otherwise is as good as none.
    let previous: Option<Notice> =
        previous.and_then(|(seq, notice)| notice.read("outbox", "notice", seq).ok());
    let notice = deciding.notice(&row, previous.as_ref());
    let mut told = false;
    if let Some(notice) = &notice {
        for channel in channels {
            let standing = standing(tx, channel, &row.ticket_id, now).await.map_err(fail)?;
            let Some(when) = deciding.when(channel, notice, standing, now) else { continue };
            told = true;
            on_tx!(tx, connection => {
                sqlx::query(INSERT_DELIVERY)
                    .bind(row.seq)
                    .bind(channel)
                    .bind(&row.ticket_id)
                    .bind(now)
                    .bind(when.at)
                    .bind(when.gathered)
                    .execute(connection)
                    .await
                    .map(drop)
            })
            .map_err(fail)?;
        }
    }
    let notice = notice.map(|notice| JsonText::of("notice", &notice)).transpose()?;
    // What nobody is told of is done with.
    let delivered_at = (!told).then_some(now);
    on_tx!(tx, connection => {
        sqlx::query(EXPANDED)
            .bind(row.seq)
            .bind(now)
            .bind(notice)
            .bind(delivered_at)
            .execute(connection)
            .await
            .map(drop)
    })
    .map_err(fail)
}

async fn standing(
    tx: &mut Tx,
    channel: &str,
    ticket: &str,
    now: DateTime<Utc>,
) -> Result<Standing, sqlx::Error> {
    let told_at: Option<DateTime<Utc>> = on_tx!(tx, connection => {
        sqlx::query_scalar(LAST_TOLD).bind(channel).bind(text(ticket)).fetch_one(connection).await
    })?;
    let digest_at: Option<DateTime<Utc>> = on_tx!(tx, connection => {
        sqlx::query_scalar(DIGEST_AT).bind(channel).bind(now).fetch_one(connection).await
    })?;
    Ok(Standing { told_at, digest_at })
}
