//! Reading what happened: the chain over the events of all tickets, and the outbox.

use chrono::{DateTime, Utc};

use crate::ticket::TicketId;
use crate::ticket::chain::{self, GENESIS};
use crate::ticket::event::{Actor, RecordedEvent};

use super::backend::on;
use super::json::text;
use super::{Store, StoreError};

pub(super) const EVENTS_OF_TICKET: &str = "SELECT seq, ticket_id, at, actor, payload, prev_hash, hash \
     FROM ticket_event WHERE ticket_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
pub(super) const EVENTS_AFTER: &str = "SELECT seq, ticket_id, at, actor, payload, prev_hash, hash \
     FROM ticket_event WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(super) const OUTBOX_PENDING: &str =
    "SELECT seq FROM outbox WHERE delivered_at IS NULL ORDER BY seq LIMIT $1";
pub(super) const OUTBOX_DELIVERED: &str =
    "UPDATE outbox SET delivered_at = $2 WHERE seq = $1 AND delivered_at IS NULL";

/// A row of the chain.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct EventRow {
    pub seq: i64,
    pub ticket_id: String,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub payload: String,
    pub prev_hash: String,
    pub hash: String,
}

impl EventRow {
    fn recorded(self) -> Result<RecordedEvent, StoreError> {
        let event = serde_json::from_str(&self.payload)
            .map_err(|error| StoreError::inconsistent("ticket_event", "payload", self.seq, error))?;
        Ok(RecordedEvent {
            seq: self.seq,
            ticket: TicketId(self.ticket_id),
            at: self.at,
            actor: Actor(self.actor),
            event,
            hash: self.hash,
        })
    }
}

/// Walks along the chain and stops at the first event that does not fit.
#[derive(Debug)]
pub(super) struct ChainCheck {
    /// Events that fitted.
    pub seq: i64,
    /// Hash of the last of them.
    pub head: String,
}

impl ChainCheck {
    pub(super) fn new() -> Self {
        Self { seq: 0, head: GENESIS.to_owned() }
    }

    /// Whether the row is the next one and is as it was written; if not, where it breaks.
    pub(super) fn follow(&mut self, row: &EventRow) -> Result<(), i64> {
        let expected = chain::hash(&chain::Link {
            previous: &self.head,
            seq: self.seq + 1,
            ticket: &row.ticket_id,
            at: row.at,
            actor: &row.actor,
            payload: &row.payload,
        });
        if row.seq != self.seq + 1 || row.prev_hash != self.head || row.hash != expected {
            return Err(self.seq + 1);
        }
        self.seq = row.seq;
        self.head = expected;
        Ok(())
    }
}

impl Store {
    /// Oldest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn ticket_events(
        &self,
        id: &TicketId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows: Vec<EventRow> = on!(self, pool => {
            sqlx::query_as(EVENTS_OF_TICKET)
                .bind(text(&id.0))
                .bind(after_seq)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })
        .map_err(|error| StoreError::of("read events of ticket", id, error))?;
        rows.into_iter().map(EventRow::recorded).collect()
    }

    /// Events of all tickets after a place in the chain: what SSE replays by Last-Event-ID.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<RecordedEvent>, StoreError> {
        self.event_rows(seq, limit).await?.into_iter().map(EventRow::recorded).collect()
    }

    pub(super) async fn event_rows(&self, after: i64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        on!(self, pool => {
            sqlx::query_as(EVENTS_AFTER).bind(after).bind(i64::from(limit)).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read events after", after, error))
    }

    /// Events that people still have to be told of, oldest first. The place in the chain is the
    /// idempotency key: a notification sent twice carries the same one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_pending(&self, limit: u32) -> Result<Vec<i64>, StoreError> {
        on!(self, pool => sqlx::query_scalar(OUTBOX_PENDING).bind(i64::from(limit)).fetch_all(pool).await)
            .map_err(|error| StoreError::of("read", "outbox", error))
    }

    /// People were told of this event; says whether that was news.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox_delivered(&self, seq: i64) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.begin("mark as delivered").await?;
        let rows = super::backend::on_tx!(tx, connection => {
            sqlx::query(OUTBOX_DELIVERED)
                .bind(seq)
                .bind(now)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("mark as delivered event", seq, error))?;
        tx.commit().await?;
        Ok(rows > 0)
    }
}
