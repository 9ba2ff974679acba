//! Words of a ticket, which may name a person: sealed, and apart from the chain of events, which holds their hash.
//!
//! What an older program left in clear is read as it is, and sealed by [`Store::seal_anew`] at the first start.

use chrono::{DateTime, Utc};

use crate::privacy::{Keyring, Personal};
use crate::ticket::{TicketId, TicketText};

use super::super::backend::{Backend, on, on_tx};
use super::super::json::{JsonText, text};
use super::super::{Store, StoreError, Tx};
use super::row::{TICKET_TEXT, open, seal};

pub(in crate::store) const INSERT_WORDS: &str = "INSERT INTO ticket_text (id, ticket_id, sha256, at, body_enc) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
pub(in crate::store) const WORDS: &str =
    "SELECT id, sha256, body, body_enc FROM ticket_text WHERE ticket_id = $1 ORDER BY at, sha256";
pub(in crate::store) const DELETE_WORDS: &str = "DELETE FROM ticket_text WHERE ticket_id = $1";
pub(in crate::store) const WORDS_IN_CLEAR: &str =
    "SELECT id, body FROM ticket_text WHERE body IS NOT NULL ORDER BY id LIMIT $1";
pub(in crate::store) const SEAL_WORDS: &str =
    "UPDATE ticket_text SET body = NULL, body_enc = $2 WHERE id = $1 AND body IS NOT NULL";

const FIELD: &str = "body";
/// Rows sealed in one transaction.
const A_STEP: i64 = 200;

type WordsRow = (String, String, Option<JsonText>, Option<String>);

/// Keeps words that an event of the ticket names by their hash, in the transaction of the event.
pub(in crate::store) async fn keep_words(
    tx: &mut Tx,
    keys: &Keyring,
    ticket: &TicketId,
    words: &TicketText,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sha256 = words.sha256();
    let id = format!("{ticket}/{sha256}");
    let body = sealed(keys, &id, &encoded(words)?)?;
    on_tx!(tx, connection => {
        sqlx::query(INSERT_WORDS)
            .bind(&id)
            .bind(&ticket.0)
            .bind(&sha256)
            .bind(now)
            .bind(&body)
            .execute(connection)
            .await
            .map(drop)
    })
    .map_err(|error| StoreError::of("keep the words of ticket", ticket, error))
}

fn encoded(words: &TicketText) -> Result<String, StoreError> {
    serde_json::to_string(words)
        .map_err(|source| StoreError::Encode { object: "words", source: std::sync::Arc::new(source) })
}

fn sealed(keys: &Keyring, id: &str, body: &str) -> Result<Option<String>, StoreError> {
    seal(keys, (TICKET_TEXT, id, FIELD), Personal::of(body).as_ref())
}

impl Store {
    /// The words kept of a ticket, oldest first, each with the hash by which events name it.
    ///
    /// # Errors
    /// When the database does not answer, holds what cannot be understood, or there is no key.
    pub async fn ticket_texts(&self, id: &TicketId) -> Result<Vec<(String, TicketText)>, StoreError> {
        let rows: Vec<WordsRow> =
            on!(self, pool => sqlx::query_as(WORDS).bind(text(&id.0)).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read the words of ticket", id, error))?;
        rows.into_iter().map(|row| self.understood_words(row)).collect()
    }

    fn understood_words(
        &self,
        (id, sha256, clear, sealed): WordsRow,
    ) -> Result<(String, TicketText), StoreError> {
        if let Some(clear) = clear {
            return Ok((sha256, clear.read(TICKET_TEXT, FIELD, &id)?));
        }
        let opened = open(self.keys()?, (TICKET_TEXT, &id, FIELD), sealed.as_deref())?;
        let opened =
            opened.ok_or_else(|| StoreError::inconsistent(TICKET_TEXT, FIELD, &id, "it is empty"))?;
        let words = serde_json::from_str(opened.in_clear())
            .map_err(|error| StoreError::inconsistent(TICKET_TEXT, FIELD, &id, error))?;
        Ok((sha256, words))
    }

    /// Erases the words kept of a ticket; its events and their hashes stay. Says how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn erase_ticket_texts(&self, id: &TicketId) -> Result<u64, StoreError> {
        let mut tx = self.begin("erase words").await?;
        let erased = on_tx!(tx, connection => {
            sqlx::query(DELETE_WORDS)
                .bind(text(&id.0))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("erase the words of ticket", id, error))?;
        tx.commit().await?;
        Ok(erased)
    }

    /// Seals words that an older program kept in clear, in bounded steps; says how many.
    pub(super) async fn seal_what_is_clear(&self, keys: &Keyring) -> Result<u64, StoreError> {
        let fail = |error| StoreError::of("seal", "words of tickets", error);
        let is_sqlite = matches!(self.backend, Backend::Sqlite { .. });
        let mut done = 0;
        loop {
            let rows: Vec<(String, JsonText)> =
                on!(self, pool => sqlx::query_as(WORDS_IN_CLEAR).bind(A_STEP).fetch_all(pool).await)
                    .map_err(fail)?;
            if rows.is_empty() {
                return Ok(done);
            }
            let mut bodies = Vec::with_capacity(rows.len());
            for (id, clear) in rows {
                let body = sealed(keys, &id, &clear.into_text())?;
                bodies.push((id, body));
            }
            let mut tx = self.begin("seal words of tickets").await?;
            on_tx!(tx, connection => {
                // What is replaced is overwritten: nothing in clear stays in pages that are free.
                if is_sqlite {
                    sqlx::query(super::erase::OVERWRITE).execute(&mut *connection).await.map_err(fail)?;
                }
                for (id, body) in &bodies {
                    sqlx::query(SEAL_WORDS).bind(id).bind(body).execute(&mut *connection).await.map_err(fail)?;
                }
                if is_sqlite {
                    sqlx::query(super::erase::OVERWRITE_NO_MORE).execute(&mut *connection).await.map_err(fail)?;
                }
            });
            tx.commit().await?;
            done += bodies.len() as u64;
        }
    }
}
