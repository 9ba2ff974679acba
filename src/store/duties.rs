//! What months ask of people, as it was done and asked for (R81); customers whose first month is over (R78).

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use crate::notify::Notice;
use crate::statistics::Month;
use crate::statistics::duty::{Done, Duty};
use crate::ticket::Actor;

use super::backend::{on, on_tx};
use super::json::text;
use super::{Store, StoreError};

pub(super) const DONE: &str =
    "SELECT duty, done_at, done_by, note FROM monthly_duty WHERE month = $1 ORDER BY duty";
pub(super) const DO: &str = "INSERT INTO monthly_duty (month, duty, done_at, done_by, note) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (month, duty) DO NOTHING";
pub(super) const ASKED: &str = "SELECT key FROM monthly_call WHERE month = $1 ORDER BY key";
pub(super) const ASK: &str =
    "INSERT INTO monthly_call (key, month, at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING";
/// Who became a customer in a stretch of time and was not followed up for it yet.
pub(super) const NEW_CUSTOMERS: &str = "SELECT c.id, c.started_on FROM customer c \
     WHERE c.erased_at IS NULL AND c.kind = 'existing' AND c.started_on >= $1 AND c.started_on <= $2 AND c.id > $3 \
     AND NOT EXISTS (SELECT 1 FROM ticket_idempotency k \
         WHERE k.actor = 'linesman' AND k.key = 'customer/' || c.id || '/follow-up-new-customer') \
     ORDER BY c.id LIMIT $4";

/// The key by which a new customer is followed up once (R78).
#[must_use]
pub fn new_customer_key(customer: &str) -> String {
    format!("customer/{customer}/follow-up-new-customer")
}

impl Store {
    /// What of a month's duties was done.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn done_duties(&self, month: Month) -> Result<Vec<Done>, StoreError> {
        let rows: Vec<(String, DateTime<Utc>, String, String)> =
            on!(self, pool => sqlx::query_as(DONE).bind(month.to_string()).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read the duties of", month, error))?;
        let understood = |(name, at, by, note): (String, DateTime<Utc>, String, String)| {
            let wrong = || StoreError::inconsistent("monthly_duty", "duty", month, "there is no such duty");
            Ok(Done { duty: Duty::parse(&name).ok_or_else(wrong)?, at, by, note })
        };
        rows.into_iter().map(understood).collect()
    }

    /// Keeps that somebody did what a month asks for; `false` when it was done before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn do_duty(&self, month: Month, done: &Done) -> Result<bool, StoreError> {
        let mut tx = self.begin("keep a duty of a month").await?;
        let rows = on_tx!(tx, connection => {
            sqlx::query(DO)
                .bind(month.to_string())
                .bind(done.duty.name())
                .bind(done.at)
                .bind(text(&done.by))
                .bind(text(&done.note))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("keep a duty of", month, error))?;
        tx.commit().await?;
        Ok(rows == 1)
    }

    /// What was asked for of a month.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn month_calls(&self, month: Month) -> Result<BTreeSet<String>, StoreError> {
        let keys: Vec<String> =
            on!(self, pool => sqlx::query_scalar(ASKED).bind(month.to_string()).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read what was asked of", month, error))?;
        Ok(keys.into_iter().collect())
    }

    /// Keeps what is asked for of a month; says whether the first of the keys is new. Then people are told of it, in the
    /// same transaction.
    ///
    /// # Errors
    /// When the database does not answer; then nothing of it is kept.
    pub async fn keep_month_calls(
        &self,
        month: Month,
        keys: &[String],
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin("keep what a month asks for").await?;
        let mut is_new = false;
        for (place, key) in keys.iter().enumerate() {
            let rows = on_tx!(tx, connection => {
                sqlx::query(ASK)
                    .bind(text(key))
                    .bind(month.to_string())
                    .bind(now)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })
            .map_err(|error| StoreError::of("keep what is asked of", month, error))?;
            is_new |= place == 0 && rows == 1;
        }
        if is_new && let Some(duty) = &notice.duty {
            let key = format!("{}/{}/{}", duty.month, duty.duty, notice.event);
            tx.tell_duty(&key, notice, now).await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }

    /// Who became a customer between two days, both included, and was not followed up for it (R78); go on after the
    /// last one.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn new_customers(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, NaiveDate)>, StoreError> {
        let rows: Vec<(String, String)> = on!(self, pool => {
            sqlx::query_as(NEW_CUSTOMERS)
                .bind(from.to_string())
                .bind(to.to_string())
                .bind(text(after))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })
        .map_err(|error| StoreError::of("read", "new customers", error))?;
        let understood = |(id, started): (String, String)| match started.parse() {
            Ok(date) => Ok((id, date)),
            Err(error) => Err(StoreError::inconsistent("customer", "started_on", id, error)),
        };
        rows.into_iter().map(understood).collect()
    }

    /// Says that an actor did what a month asks for, at an instant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn duty_done(
        &self,
        month: Month,
        duty: Duty,
        actor: &Actor,
        note: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = Done { duty, at: now, by: actor.0.clone(), note: note.to_owned() };
        self.do_duty(month, &done).await
    }
}
