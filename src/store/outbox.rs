//! From the outbox to deliveries: each event becomes one row a channel that tells it, in one transaction with the
//! mark that it was taken up. What is decided is decided by whoever calls.
//!
//! What no ticket is about, as the duties of a month, stands below zero: what is said of it is fixed when it is written,
//! and its key lets it be told once.

use chrono::{DateTime, Utc};

use crate::id::os_random;
use crate::notify::{EventRow, Notice, Standing, When};
use crate::ticket::chain::hex;

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError, Tx};

pub(super) const TO_EXPAND: &str = "SELECT outbox.seq, ticket_event.hash, ticket_event.ticket_id, ticket_event.at, \
     ticket_event.actor, ticket_event.type, ticket_event.payload, ticket.body \
     FROM outbox JOIN ticket_event ON ticket_event.seq = outbox.event_seq JOIN ticket ON ticket.id = ticket_event.ticket_id \
     WHERE outbox.expanded_at IS NULL ORDER BY outbox.seq LIMIT $1";
pub(super) const DUTIES_TO_EXPAND: &str = "SELECT seq, notice FROM outbox \
     WHERE event_seq IS NULL AND expanded_at IS NULL ORDER BY seq DESC LIMIT $1";
pub(super) const NEXT_DUTY: &str = "SELECT COALESCE(MIN(seq), 0) - 1 FROM outbox WHERE seq < 0";
pub(super) const INSERT_DUTY: &str = "INSERT INTO outbox (seq, key, created_at, notice) VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING";
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
        let duties: Vec<(i64, JsonText)> = on!(self, pool => {
            sqlx::query_as(DUTIES_TO_EXPAND).bind(i64::from(most)).fetch_all(pool).await
        })
        .map_err(fail)?;
        let count = rows.len() + duties.len();
        if count == 0 {
            return Ok(0);
        }
        let mut tx = self.begin("take up events of the outbox").await?;
        let now = self.now();
        for row in rows {
            expand(&mut tx, row.into(), channels, deciding, now).await?;
        }
        for (seq, notice) in duties {
            let notice: Option<Notice> = match notice.read("outbox", "notice", seq) {
                Ok(notice) => Some(notice),
                Err(error) => {
                    tracing::error!(%error, "what a month asks for is left untold");
                    None
                }
            };
            settle(&mut tx, seq, None, notice, channels, deciding, now).await?;
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

impl Tx {
    /// Puts something into the outbox that no ticket is about, under a key that lets it be told once; says whether it
    /// is new.
    pub(super) async fn tell_duty(
        &mut self,
        key: &str,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let fail = |error| StoreError::of("put into the outbox", key, error);
        let seq: i64 = on_tx!(self, connection => sqlx::query_scalar(NEXT_DUTY).fetch_one(connection).await)
            .map_err(fail)?;
        // Tells the duties of two installations apart.
        let hash = hex(&os_random::<6>()?);
        let notice = JsonText::of("notice", &Notice { seq, hash, ..notice.clone() })?;
        let rows = on_tx!(self, connection => {
            sqlx::query(INSERT_DUTY)
                .bind(seq)
                .bind(text(key))
                .bind(now)
                .bind(&notice)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(fail)?;
        Ok(rows == 1)
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
    settle(tx, row.seq, Some(&row.ticket_id), notice, channels, deciding, now).await
}

/// Which channels tell it when; what none of them tells is done with.
async fn settle(
    tx: &mut Tx,
    seq: i64,
    ticket: Option<&str>,
    notice: Option<Notice>,
    channels: &[String],
    deciding: &dyn Deciding,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let fail = |error| StoreError::of("take up event", seq, error);
    let mut told = false;
    if let Some(notice) = &notice {
        for channel in channels {
            let standing = standing(tx, channel, ticket, now).await.map_err(fail)?;
            let Some(when) = deciding.when(channel, notice, standing, now) else { continue };
            told = true;
            on_tx!(tx, connection => {
                sqlx::query(INSERT_DELIVERY)
                    .bind(seq)
                    .bind(channel)
                    .bind(ticket)
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
            .bind(seq)
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
    ticket: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Standing, sqlx::Error> {
    let told_at: Option<DateTime<Utc>> = on_tx!(tx, connection => {
        sqlx::query_scalar(LAST_TOLD).bind(channel).bind(ticket.map(text)).fetch_one(connection).await
    })?;
    let digest_at: Option<DateTime<Utc>> = on_tx!(tx, connection => {
        sqlx::query_scalar(DIGEST_AT).bind(channel).bind(now).fetch_one(connection).await
    })?;
    Ok(Standing { told_at, digest_at })
}
