//! Erasing a person, on request or because his time is over, and counting beforehand what would go.
//!
//! The customer's row stays, empty, so that tickets and statistics still know that there was one; the
//! chain of ticket events is not touched, because nothing personal is in it: it names words by their hash alone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::locale::Message;
use crate::ticket::event::Actor;

use super::super::backend::{Backend, on, on_tx};
use super::super::json::text;
use super::super::{Store, StoreError, Tx};
use super::audit::record;
use super::model::{CustomerId, PrivacyAction};
use super::write::{CustomerError, FORGET_WORDS, version_of};

pub(in crate::store) const OPEN_TICKETS_OF_CUSTOMER: &str = "SELECT COUNT(*) FROM customer_ticket ct JOIN ticket t \
     ON t.id = ct.ticket_id WHERE ct.customer_id = $1 AND t.state NOT IN ('closed', 'rejected', 'cancelled')";
pub(in crate::store) const RUNS_OF_CUSTOMER: &str = "SELECT COUNT(*) FROM reconcile_run r WHERE r.party = \
     (SELECT c.inventory_name FROM customer c WHERE c.id = $1) \
     OR r.ticket_id IN (SELECT ct.ticket_id FROM customer_ticket ct WHERE ct.customer_id = $1)";
pub(in crate::store) const ERASE_CUSTOMER: &str = "UPDATE customer SET name_enc = NULL, note_enc = NULL, segment = NULL, \
     inventory_name = NULL, version = version + 1, updated_at = $2, erased_at = $2 WHERE id = $1";
pub(in crate::store) const ERASE_CONTACTS: &str = "DELETE FROM contact WHERE customer_id = $1";
pub(in crate::store) const ERASE_TEXTS: &str = "DELETE FROM customer_text WHERE customer_id = $1";
// What was written for a ticket may name whoever it is linked to.
pub(in crate::store) const ERASE_WORDS: &str = "DELETE FROM ticket_text WHERE ticket_id IN \
     (SELECT ticket_id FROM customer_ticket WHERE customer_id = $1)";
// What he signed or said goes whole; that it was there, and its hash, stands in the chain of events.
pub(in crate::store) const ERASE_FILES: &str = "DELETE FROM ticket_attachment WHERE kind <> 'capture' AND ticket_id IN \
     (SELECT ticket_id FROM customer_ticket WHERE customer_id = $1)";
// A request's fingerprint has no chance in it: the words could be guessed from it. Those of Linesman itself hold none.
pub(in crate::store) const FORGET_REQUESTS: &str = "UPDATE ticket_idempotency SET request = '' WHERE actor <> 'linesman' \
     AND ticket_id IN (SELECT ticket_id FROM customer_ticket WHERE customer_id = $1)";
pub(in crate::store) const ERASE_ASSETS: &str =
    "UPDATE service_asset SET serial_enc = NULL, element = NULL WHERE customer_id = $1";
pub(in crate::store) const ERASE_LINKS: &str =
    "UPDATE customer_ticket SET contact_id = NULL WHERE customer_id = $1";
// Calls that were listened to: his own go, and of others' his number, whoever dialled it.
pub(in crate::store) const ERASE_CALLS: &str = "DELETE FROM voice_call WHERE customer = \
     (SELECT c.inventory_name FROM customer c WHERE c.id = $1)";
pub(in crate::store) const FORGET_CALLING: &str = "UPDATE voice_call SET from_enc = NULL, from_hash = NULL \
     WHERE from_hash IN (SELECT phone_hash FROM contact WHERE customer_id = $1 AND phone_hash IS NOT NULL)";
pub(in crate::store) const FORGET_CALLED: &str = "UPDATE voice_call SET to_enc = NULL, to_hash = NULL \
     WHERE to_hash IN (SELECT phone_hash FROM contact WHERE customer_id = $1 AND phone_hash IS NOT NULL)";
pub(in crate::store) const EXPIRED_CUSTOMERS: &str = "SELECT c.id, c.inventory_name FROM customer c \
     WHERE c.erased_at IS NULL AND c.updated_at < $1 AND NOT EXISTS \
     (SELECT 1 FROM customer_ticket ct JOIN ticket t ON t.id = ct.ticket_id WHERE ct.customer_id = c.id \
     AND (t.updated_at >= $1 OR t.state NOT IN ('closed', 'rejected', 'cancelled'))) \
     AND NOT EXISTS (SELECT 1 FROM reconcile_run r WHERE r.party = c.inventory_name OR r.ticket_id IN \
     (SELECT l.ticket_id FROM customer_ticket l WHERE l.customer_id = c.id)) ORDER BY c.updated_at, c.id";
// What is deleted is overwritten: nothing of it stays in pages that are free.
pub(super) const OVERWRITE: &str = "PRAGMA secure_delete = ON";
pub(super) const OVERWRITE_NO_MORE: &str = "PRAGMA secure_delete = OFF";

/// Why a person is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// For the trail; it must not name the person.
    pub reason: String,
    /// In spite of an open ticket or evidence of a bill.
    pub force: bool,
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// How many contacts.
    pub contacts: usize,
    /// How many texts.
    pub texts: usize,
    /// How many calls that were listened to: deleted, or without his number now.
    pub calls: usize,
    /// How many recordings of calls and drawn signatures.
    pub files: usize,
}

impl Store {
    /// Deletes everything about a person but that there was one.
    ///
    /// # Errors
    /// When there is none, a ticket of his is not over or evidence of a bill is kept (unless forced),
    /// the reason names him, or the database does not answer.
    pub async fn erase_customer(
        &self,
        id: &CustomerId,
        erasure: &Erasure,
        by: &Actor,
    ) -> Result<Erased, CustomerError> {
        let erased = self.erase_rows(id, erasure, by).await?;
        self.leave_nothing_in_the_log().await;
        Ok(erased)
    }

    /// Empties SQLite's log where what was erased or sealed may still stand in it; `false`: a reader still needs it,
    /// ask again later.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        if !self.log_holds_erased.swap(false, Ordering::AcqRel) {
            return Ok(true);
        }
        let emptied = self.backend.empty_log().await;
        if !matches!(emptied, Ok(true)) {
            self.log_holds_erased.store(true, Ordering::Release);
        }
        emptied
    }

    /// After something was erased or sealed. What cannot be done now is done with the next look at what is too old.
    pub(super) async fn leave_nothing_in_the_log(&self) {
        self.log_holds_erased.store(true, Ordering::Release);
        match self.empty_log().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("a reader still needs the log that holds what was erased; emptied later")
            }
            Err(error) => tracing::error!(%error, "the log holds what was erased until it is emptied later"),
        }
    }

    async fn erase_rows(
        &self,
        id: &CustomerId,
        erasure: &Erasure,
        by: &Actor,
    ) -> Result<Erased, CustomerError> {
        let unknown = || CustomerError::Unknown(id.clone());
        let before =
            self.customer(id).await?.filter(|before| before.erased_at.is_none()).ok_or_else(unknown)?;
        if names_the_person(&before, &erasure.reason) {
            return Err(CustomerError::Refused(vec![Message::new("customer.refused.reason_names_person")]));
        }
        let affected = match &before.data.inventory_name {
            Some(name) => self.measured_tickets_of(name).await?,
            None => 0,
        };
        let now = self.now();
        let mut tx = self.begin("erase a customer").await?;
        version_of(&mut tx, id).await?.ok_or_else(unknown)?;
        let open = count(&mut tx, OPEN_TICKETS_OF_CUSTOMER, id).await? + affected;
        let runs = count(&mut tx, RUNS_OF_CUSTOMER, id).await?;
        let mut against = Vec::new();
        if open > 0 {
            against.push(Message::new("customer.refused.open_tickets").with("count", open));
        }
        if runs > 0 {
            against.push(Message::new("customer.refused.bill_evidence").with("count", runs));
        }
        if !against.is_empty() && !erasure.force {
            return Err(CustomerError::Refused(against));
        }
        let erased = self.wipe(&mut tx, id, now).await?;
        let Erased { contacts, texts, calls, files } = erased;
        let action = PrivacyAction::Erased {
            reason: erasure.reason.clone(),
            forced: !against.is_empty(),
            contacts,
            texts,
            calls,
            files,
        };
        record(&mut tx, now, by, id, &action).await?;
        tx.commit().await?;
        Ok(erased)
    }

    async fn wipe(&self, tx: &mut Tx, id: &CustomerId, now: DateTime<Utc>) -> Result<Erased, StoreError> {
        let fail = |error| StoreError::of("erase customer", id, error);
        let is_sqlite = matches!(self.backend, Backend::Sqlite { .. });
        let erased = on_tx!(tx, connection => {
            if is_sqlite {
                sqlx::query(OVERWRITE).execute(&mut *connection).await.map_err(fail)?;
            }
            let mut calls = 0;
            for statement in [ERASE_CALLS, FORGET_CALLING, FORGET_CALLED] {
                let done = sqlx::query(statement).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
                calls += done.rows_affected();
            }
            let contacts = sqlx::query(ERASE_CONTACTS).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
            let texts = sqlx::query(ERASE_TEXTS).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
            let words = sqlx::query(ERASE_WORDS).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
            let files = sqlx::query(ERASE_FILES).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
            for statement in [FORGET_WORDS, FORGET_REQUESTS, ERASE_ASSETS, ERASE_LINKS] {
                sqlx::query(statement).bind(&id.0).execute(&mut *connection).await.map_err(fail)?;
            }
            sqlx::query(ERASE_CUSTOMER).bind(&id.0).bind(now).execute(&mut *connection).await.map_err(fail)?;
            if is_sqlite {
                sqlx::query(OVERWRITE_NO_MORE).execute(&mut *connection).await.map_err(fail)?;
            }
            let texts = texts.rows_affected() + words.rows_affected();
            (contacts.rows_affected(), texts, calls, files.rows_affected())
        });
        let whole = |rows| usize::try_from(rows).unwrap_or(usize::MAX);
        let (contacts, texts) = (whole(erased.0), whole(erased.1));
        Ok(Erased { contacts, texts, calls: whole(erased.2), files: whole(erased.3) })
    }

    /// Tickets that measurement opened, are not over and affect a customer of the inventory.
    async fn measured_tickets_of(&self, inventory_name: &str) -> Result<i64, StoreError> {
        let tickets = self.tickets_for_planning(&[]).await?;
        let affected = tickets
            .iter()
            .filter_map(|ticket| ticket.fault.as_ref())
            .filter(|fault| fault.affected_customers.iter().any(|name| name == inventory_name));
        Ok(i64::try_from(affected.count()).unwrap_or(i64::MAX))
    }

    /// Customers without a change or a ticket for so long, without an open ticket and without evidence of
    /// a bill. Those of `current`, who stand in `linesman.toml`, are customers still.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expired_customers(
        &self,
        now: DateTime<Utc>,
        kept: Duration,
        current: &[&str],
    ) -> Result<Vec<CustomerId>, StoreError> {
        let kept = TimeDelta::from_std(kept).unwrap_or(TimeDelta::MAX);
        let Some(before) = now.checked_sub_signed(kept) else { return Ok(Vec::new()) };
        let rows: Vec<(String, Option<String>)> =
            on!(self, pool => sqlx::query_as(EXPIRED_CUSTOMERS).bind(before).fetch_all(pool).await)
                .map_err(|error| StoreError::of("look for", "customers whose time is over", error))?;
        let is_current = |name: &Option<String>| name.as_deref().is_some_and(|name| current.contains(&name));
        Ok(rows.into_iter().filter(|(_, name)| !is_current(name)).map(|(id, _)| CustomerId(id)).collect())
    }

    /// Erases the customers whose time is over; says how many went. One that got a ticket meanwhile stays.
    ///
    /// # Errors
    /// When the database does not answer; what was done so far stays done.
    pub async fn retain_customers(
        &self,
        now: DateTime<Utc>,
        kept: Duration,
        current: &[&str],
    ) -> Result<u64, StoreError> {
        if self.keys.get().is_none() {
            return Ok(0);
        }
        let mut gone = 0;
        for id in self.expired_customers(now, kept, current).await? {
            let erasure = Erasure { reason: "retention".to_owned(), force: false };
            match self.erase_rows(&id, &erasure, &Actor::linesman()).await {
                Ok(_) => gone += 1,
                Err(CustomerError::Store(error)) => {
                    self.log_holds_erased.store(true, Ordering::Release);
                    return Err(error);
                }
                Err(refused) => tracing::debug!(%refused, customer = %id, "a customer is kept on"),
            }
        }
        if gone > 0 {
            self.leave_nothing_in_the_log().await;
        }
        Ok(gone)
    }
}

/// Whether a reason, which outlives the person's data, holds some of it.
pub(super) fn names_the_person(customer: &super::model::Customer, reason: &str) -> bool {
    let reason = reason.to_lowercase();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let reason_digits = digits(&reason);
    let names =
        customer.data.name.iter().chain(customer.contacts.iter().filter_map(|it| it.data.name.as_ref()));
    let emails = customer.contacts.iter().filter_map(|contact| contact.data.email.as_ref());
    let phones = customer.contacts.iter().filter_map(|contact| contact.data.phone.as_ref());
    names.chain(emails).any(|it| reason.contains(&it.in_clear().to_lowercase()))
        || phones.map(|phone| digits(phone.in_clear())).any(|phone| {
            let tail = &phone[phone.len().saturating_sub(8)..];
            tail.len() >= 5 && reason_digits.contains(tail)
        })
}

async fn count(tx: &mut Tx, statement: &'static str, id: &CustomerId) -> Result<i64, StoreError> {
    on_tx!(tx, connection => {
        sqlx::query_scalar(statement).bind(text(&id.0)).fetch_one(connection).await
    })
    .map_err(|error| StoreError::of("count what is kept of customer", id, error))
}
