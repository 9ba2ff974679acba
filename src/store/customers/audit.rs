//! The trail of personal data: who read, changed, took out or erased it. Append only and chained as
//! ticket events are. It outlives the person's data, so it holds none.

use chrono::{DateTime, Utc};

use crate::locale::Message;
use crate::ticket::chain::{self, GENESIS};
use crate::ticket::event::Actor;

use super::super::backend::{on, on_tx};
use super::super::json::text;
use super::super::{Store, StoreError, Tx};
use super::erase::names_the_person;
use super::model::{Customer, CustomerId, PrivacyAction, PrivacyEvent};
use super::write::CustomerError;

const A_PAGE: i64 = 1_000;

pub(in crate::store) const PRIVACY_HEAD: &str =
    "SELECT seq, hash FROM privacy_event ORDER BY seq DESC LIMIT 1";
pub(in crate::store) const INSERT_PRIVACY_EVENT: &str = "INSERT INTO privacy_event (seq, customer_id, at, actor, payload, prev_hash, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(in crate::store) const PRIVACY_EVENTS_AFTER: &str = "SELECT seq, customer_id, at, actor, payload, prev_hash, hash \
     FROM privacy_event WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(in crate::store) const PRIVACY_EVENTS_OF: &str = "SELECT seq, customer_id, at, actor, payload, prev_hash, hash \
     FROM privacy_event WHERE customer_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// A row of the trail.
#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    customer_id: String,
    at: DateTime<Utc>,
    actor: String,
    payload: String,
    prev_hash: String,
    hash: String,
}

impl Row {
    fn understood(self) -> Result<PrivacyEvent, StoreError> {
        let action = serde_json::from_str(&self.payload)
            .map_err(|error| StoreError::inconsistent("privacy_event", "payload", self.seq, error))?;
        Ok(PrivacyEvent {
            seq: self.seq,
            customer: CustomerId(self.customer_id),
            at: self.at,
            actor: self.actor,
            action,
            hash: self.hash,
        })
    }
}

/// What following the trail came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PrivacyTrail {
    /// Events that fitted.
    pub events: i64,
    /// First event whose hash does not fit, if any.
    pub broken_at: Option<i64>,
    /// Hash of the last event that fitted: the head to keep elsewhere.
    pub head: Option<String>,
}

/// Adds to the trail within a transaction: what is not in the trail did not happen.
pub(super) async fn record(
    tx: &mut Tx,
    at: DateTime<Utc>,
    actor: &Actor,
    customer: &CustomerId,
    action: &PrivacyAction,
) -> Result<(), StoreError> {
    let fail = |error| StoreError::of("write the privacy trail of", customer, error);
    let encoded = serde_json::to_string(action).map_err(|source| StoreError::Encode {
        object: "privacy event",
        source: std::sync::Arc::new(source),
    })?;
    // A reason may hold anything; PostgreSQL keeps no U+0000 and the hash covers what is kept.
    let payload = encoded.replace("\\u0000", "\\ufffd");
    let actor = text(&actor.0);
    let (newest, head): (i64, String) = on_tx!(tx, connection => {
        sqlx::query_as(PRIVACY_HEAD).fetch_optional(connection).await
    })
    .map_err(fail)?
    .unwrap_or_else(|| (0, GENESIS.to_owned()));
    let link = chain::Link {
        previous: &head,
        seq: newest + 1,
        ticket: &customer.0,
        at,
        actor: &actor,
        payload: &payload,
    };
    let hash = chain::hash(&link);
    on_tx!(tx, connection => {
        sqlx::query(INSERT_PRIVACY_EVENT)
            .bind(newest + 1)
            .bind(&customer.0)
            .bind(at)
            .bind(&*actor)
            .bind(&payload)
            .bind(&head)
            .bind(&hash)
            .execute(connection)
            .await
            .map(drop)
    })
    .map_err(fail)
}

impl Store {
    /// Writes down that somebody reads a customer in clear, before he is shown anything.
    ///
    /// # Errors
    /// When the database does not answer: then nothing may be shown.
    pub async fn note_read(
        &self,
        customer: &CustomerId,
        by: &Actor,
        purpose: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin("note that personal data is read").await?;
        let action = PrivacyAction::Read { purpose: purpose.to_owned() };
        record(&mut tx, self.now(), by, customer, &action).await?;
        tx.commit().await
    }

    /// Writes down that everything about a person is taken out, before it is.
    ///
    /// # Errors
    /// When the reason names the person, or the database does not answer: then nothing may be shown.
    pub async fn note_export(
        &self,
        customer: &Customer,
        reason: &str,
        by: &Actor,
    ) -> Result<(), CustomerError> {
        if names_the_person(customer, reason) {
            return Err(CustomerError::Refused(vec![Message::new("customer.refused.reason_names_person")]));
        }
        let mut tx = self.begin("note that personal data is taken out").await?;
        let action = PrivacyAction::Exported { reason: reason.to_owned() };
        record(&mut tx, self.now(), by, &customer.id, &action).await?;
        Ok(tx.commit().await?)
    }

    /// The trail of one customer, oldest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn privacy_events(
        &self,
        customer: &CustomerId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PrivacyEvent>, StoreError> {
        let rows: Vec<Row> = on!(self, pool => {
            sqlx::query_as(PRIVACY_EVENTS_OF)
                .bind(text(&customer.0))
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })
        .map_err(|error| StoreError::of("read the privacy trail of", customer, error))?;
        rows.into_iter().map(Row::understood).collect()
    }

    /// Follows the whole trail to its end or its first break. An event cut off its end shows in the
    /// head alone: keep that elsewhere.
    ///
    /// # Errors
    /// When the database does not answer; a break is no error but in the answer.
    pub async fn check_privacy_trail(&self) -> Result<PrivacyTrail, StoreError> {
        let mut trail = PrivacyTrail { events: 0, broken_at: None, head: None };
        let mut head = GENESIS.to_owned();
        loop {
            let page: Vec<Row> = on!(self, pool => {
                sqlx::query_as(PRIVACY_EVENTS_AFTER).bind(trail.events).bind(A_PAGE).fetch_all(pool).await
            })
            .map_err(|error| StoreError::of("read", "the privacy trail", error))?;
            if page.is_empty() {
                return Ok(trail);
            }
            for row in page {
                let link = chain::Link {
                    previous: &head,
                    seq: trail.events + 1,
                    ticket: &row.customer_id,
                    at: row.at,
                    actor: &row.actor,
                    payload: &row.payload,
                };
                let expected = chain::hash(&link);
                if row.seq != trail.events + 1 || row.prev_hash != head || row.hash != expected {
                    trail.broken_at = Some(trail.events + 1);
                    return Ok(trail);
                }
                trail.events = row.seq;
                trail.head = Some(expected.clone());
                head = expected;
            }
        }
    }
}
