//! Calls that were listened to: appended in batches, found by number, address and time, forgotten when their time is
//! over. Numbers are sealed; deliberately absent: who may see them.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use crate::privacy::{CountryCode, Keyring, Personal, Place, Searched, normal};
use crate::voice::call::{Ended, KeptCall};

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError};

pub(super) const CALL: &str = "voice_call";
/// Calls given out at once.
pub const LONGEST_PAGE: u32 = 500;
/// Calls deleted in one transaction, each with its keys.
const A_STEP: i64 = 1_000;
/// A number is no longer than this, whatever a stranger writes into a SIP message.
const LONGEST_NUMBER: usize = 128;

pub(super) const INSERT_CALL: &str = "INSERT INTO voice_call (id, started_at, ended_at, trunk, gateway, customer, \
     is_bad, from_enc, from_hash, to_enc, to_hash, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, ended_at = excluded.ended_at, \
     trunk = excluded.trunk, gateway = excluded.gateway, customer = excluded.customer, is_bad = excluded.is_bad, \
     from_enc = excluded.from_enc, from_hash = excluded.from_hash, to_enc = excluded.to_enc, \
     to_hash = excluded.to_hash, body = excluded.body";
pub(super) const INSERT_CALL_KEY: &str =
    "INSERT INTO voice_call_key (key, call_id) VALUES ($1, $2) ON CONFLICT (key, call_id) DO NOTHING";
pub(super) const CALL_BY_ID: &str = "SELECT id, from_enc, to_enc, body FROM voice_call WHERE id = $1";
pub(super) const CALL_BY_LEG: &str = "SELECT c.id, c.from_enc, c.to_enc, c.body FROM voice_call_key k \
     JOIN voice_call c ON c.id = k.call_id WHERE k.key = $1 ORDER BY c.started_at DESC LIMIT 1";
pub(super) const DELETE_CALLS: &str = "DELETE FROM voice_call WHERE id IN \
     (SELECT v.id FROM voice_call v WHERE v.ended_at < $1 ORDER BY v.ended_at LIMIT $2)";
const CALLS: &str = "SELECT id, from_enc, to_enc, body FROM voice_call WHERE 1 = 1";

/// Every constant statement, for the test that both databases take each of them.
pub(super) const STATEMENTS: &[&str] = &[INSERT_CALL, INSERT_CALL_KEY, CALL_BY_ID, CALL_BY_LEG, DELETE_CALLS];

/// Which calls; everything stated must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Who called or was called, however it is written.
    pub number: Option<String>,
    /// Host of its signalling or media.
    pub address: Option<String>,
    /// Landing trunk.
    pub trunk: Option<String>,
    /// Gateway.
    pub gateway: Option<String>,
    /// Customer.
    pub customer: Option<String>,
    /// Only those with something wrong, or only the others.
    pub is_bad: Option<bool>,
    /// Begun at or after.
    pub from: Option<DateTime<Utc>>,
    /// Begun before.
    pub to: Option<DateTime<Utc>>,
}

/// Where a page of calls ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallCursor {
    /// When its last call began.
    pub started_at: DateTime<Utc>,
    /// Identity of that call.
    pub id: String,
}

/// A call with its numbers, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCall {
    /// The call.
    pub call: KeptCall,
    /// Who called.
    pub from: Option<Personal>,
    /// Who was called.
    pub to: Option<Personal>,
}

#[derive(sqlx::FromRow)]
struct CallRow {
    id: String,
    from_enc: Option<String>,
    to_enc: Option<String>,
    body: JsonText,
}

impl CallRow {
    /// Without keys the call is as good, its numbers are not shown.
    fn understood(self, keys: Option<&Keyring>) -> Result<StoredCall, StoreError> {
        let open = |field: &'static str, sealed: Option<&String>| -> Result<Option<Personal>, StoreError> {
            let (Some(keys), Some(sealed)) = (keys, sealed) else { return Ok(None) };
            let opened = keys.open(Place { table: CALL, row: &self.id, field }, sealed);
            opened.map(Some).map_err(|error| StoreError::inconsistent(CALL, field, &self.id, error))
        };
        Ok(StoredCall {
            from: open("from", self.from_enc.as_ref())?,
            to: open("to", self.to_enc.as_ref())?,
            call: self.body.read(CALL, "body", &self.id)?,
        })
    }
}

/// A number ready to be kept: sealed, and what it is found by.
type Sealed = (Option<String>, Option<String>);

fn seal(
    keys: Option<&Keyring>,
    country: &CountryCode,
    id: &str,
    field: &'static str,
    number: Option<&String>,
) -> Result<Sealed, StoreError> {
    let (Some(keys), Some(number)) = (keys, number) else { return Ok((None, None)) };
    let number: String = number.chars().take(LONGEST_NUMBER).collect();
    let Some(personal) = Personal::of(&number) else { return Ok((None, None)) };
    let sealed = keys.seal(Place { table: CALL, row: id, field }, &personal);
    let sealed = sealed.map_err(|source| StoreError::Sealing { source })?;
    Ok((Some(sealed), Some(digest(keys, country, &number))))
}

/// What a number is found by: its international form, or for what has none (an extension, a name) itself.
fn digest(keys: &Keyring, country: &CountryCode, number: &str) -> String {
    let normal = normal::phone(number, country).unwrap_or_else(|| number.trim().to_lowercase());
    keys.digest(Searched::Phone, &normal)
}

fn host_key(host: &str) -> String {
    format!("host {host}")
}

fn leg_key(id: &str) -> String {
    format!("leg {id}")
}

impl Store {
    /// Keeps calls that are over, in one transaction; one that is there already is replaced. Without keys their
    /// numbers are not kept.
    ///
    /// # Errors
    /// When the database does not answer; then none of them was kept.
    pub async fn append_calls(&self, calls: &[Ended], country: &CountryCode) -> Result<(), StoreError> {
        if calls.is_empty() {
            return Ok(());
        }
        let keys = self.keys().ok();
        let mut tx = self.begin_bulk("keep calls").await?;
        for Ended { call, from, to } in calls {
            let fail = |error| StoreError::of("keep the call", &call.id, error);
            let (from_enc, from_hash) = seal(keys, country, &call.id, "from", from.as_ref())?;
            let (to_enc, to_hash) = seal(keys, country, &call.id, "to", to.as_ref())?;
            let body = JsonText::of("call", call)?;
            on_tx!(tx, connection => {
                sqlx::query(INSERT_CALL)
                    .bind(&call.id)
                    .bind(call.started_at)
                    .bind(call.ended_at)
                    .bind(&call.trunk)
                    .bind(&call.gateway)
                    .bind(&call.customer)
                    .bind(call.is_bad)
                    .bind(&from_enc)
                    .bind(&from_hash)
                    .bind(&to_enc)
                    .bind(&to_hash)
                    .bind(&body)
                    .execute(connection)
                    .await
                    .map(drop)
            })
            .map_err(fail)?;
            let hosts = call.addresses.iter().map(|host| host_key(host));
            for key in hosts.chain(call.also.iter().map(|id| leg_key(id))) {
                on_tx!(tx, connection => {
                    sqlx::query(INSERT_CALL_KEY).bind(text(&key)).bind(&call.id).execute(connection).await.map(drop)
                })
                .map_err(fail)?;
            }
        }
        tx.commit().await
    }

    /// One call, by its own identity or that of one of its legs; `None` is an ordinary answer.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn call(&self, id: &str) -> Result<Option<StoredCall>, StoreError> {
        let fail = |error| StoreError::of("read the call", id, error);
        let by_id: Option<CallRow> =
            on!(self, pool => sqlx::query_as(CALL_BY_ID).bind(text(id)).fetch_optional(pool).await)
                .map_err(fail)?;
        let found = match by_id {
            Some(found) => Some(found),
            None => on!(self, pool => {
                sqlx::query_as(CALL_BY_LEG).bind(text(&leg_key(id))).fetch_optional(pool).await
            })
            .map_err(fail)?,
        };
        found.map(|row: CallRow| row.understood(self.keys().ok())).transpose()
    }

    /// Calls, the latest first, after a place in the list. At most 500 at once.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or a number is looked for and there is no
    /// key.
    pub async fn calls(
        &self,
        filter: &CallFilter,
        country: &CountryCode,
        after: Option<&CallCursor>,
        limit: u32,
    ) -> Result<Vec<StoredCall>, StoreError> {
        let limit = i64::from(limit.clamp(1, LONGEST_PAGE));
        let number = match &filter.number {
            Some(number) => Some(digest(self.keys()?, country, number)),
            None => None,
        };
        let rows: Vec<CallRow> = on!(self, pool => {
            let mut query = QueryBuilder::new(CALLS);
            if let Some(hash) = &number {
                query.push(" AND (from_hash = ").push_bind(hash.clone());
                query.push(" OR to_hash = ").push_bind(hash.clone()).push(")");
            }
            if let Some(address) = &filter.address {
                query.push(" AND id IN (SELECT call_id FROM voice_call_key WHERE key = ");
                query.push_bind(text(&host_key(address)).into_owned()).push(")");
            }
            for (column, wanted) in
                [("trunk", &filter.trunk), ("gateway", &filter.gateway), ("customer", &filter.customer)]
            {
                if let Some(wanted) = wanted {
                    query.push(" AND ").push(column).push(" = ").push_bind(text(wanted).into_owned());
                }
            }
            if let Some(is_bad) = filter.is_bad {
                query.push(" AND is_bad = ").push_bind(is_bad);
            }
            if let Some(from) = filter.from {
                query.push(" AND started_at >= ").push_bind(from);
            }
            if let Some(to) = filter.to {
                query.push(" AND started_at < ").push_bind(to);
            }
            if let Some(after) = after {
                query.push(" AND (started_at < ").push_bind(after.started_at);
                query.push(" OR (started_at = ").push_bind(after.started_at);
                query.push(" AND id < ").push_bind(text(&after.id).into_owned()).push("))");
            }
            query.push(" ORDER BY started_at DESC, id DESC LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("look for", "calls", error))?;
        rows.into_iter().map(|row| row.understood(self.keys().ok())).collect()
    }

    /// Forgets calls that ended before, in bounded steps; says how many.
    ///
    /// # Errors
    /// When the database does not answer; what was done so far stays done.
    pub async fn forget_calls(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let mut tx = self.begin_bulk("forget old calls").await?;
            let rows = on_tx!(tx, connection => {
                sqlx::query(DELETE_CALLS)
                    .bind(before)
                    .bind(A_STEP)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })
            .map_err(|error| StoreError::of("forget calls before", before, error))?;
            tx.commit().await?;
            forgotten += rows;
            if rows < A_STEP.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}
