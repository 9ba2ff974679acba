//! Files of tickets: few, small, sealed as personal data are, each kind forgotten after its own term; and the word of
//! endpoints on calls. Deliberately absent: who may see them, and how they are made.
//!
//! A capture is put there by a worker beside the tickets; what proves a customer's word is [`super::evidence`]'s.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::privacy::{Keyring, Personal, Place};
use crate::ticket::chain::hex;
use crate::ticket::evidence::EvidenceKind;
use crate::ticket::registration::named;
use crate::ticket::{Actor, TicketId};
use crate::voice::call::identity;
use crate::voice::told::{CallWord, EndpointWord};

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{Store, StoreError, Tx};

pub(super) const ATTACHMENT: &str = "ticket_attachment";
/// Rows deleted in one transaction.
pub(super) const A_STEP: i64 = 200;
/// Words given out of one call.
const MOST_WORDS: i64 = 64;

pub(super) const COUNT_ATTACHMENTS: &str =
    "SELECT COUNT(*) FROM ticket_attachment WHERE ticket_id = $1 AND kind = 'capture'";
pub(super) const INSERT_ATTACHMENT: &str = "INSERT INTO ticket_attachment \
     (id, ticket_id, at, size, sha256, body, content_enc, kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (id) DO NOTHING";
pub(super) const ATTACHMENTS: &str =
    "SELECT id, body FROM ticket_attachment WHERE ticket_id = $1 ORDER BY at, id";
pub(super) const ATTACHED: &str =
    "SELECT body, sha256, content_enc FROM ticket_attachment WHERE ticket_id = $1 AND id = $2";
pub(super) const DELETE_ATTACHMENTS: &str = "DELETE FROM ticket_attachment WHERE id IN \
     (SELECT a.id FROM ticket_attachment a WHERE a.at < $1 AND a.kind = 'capture' ORDER BY a.at LIMIT $2)";
pub(super) const INSERT_WORD: &str = "INSERT INTO voice_word (id, call_id, said_at, body) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (id) DO UPDATE SET said_at = excluded.said_at, body = excluded.body";
pub(super) const WORDS_OF_CALL: &str =
    "SELECT id, body FROM voice_word WHERE call_id = $1 ORDER BY said_at, id LIMIT $2";
pub(super) const DELETE_WORDS: &str = "DELETE FROM voice_word WHERE id IN \
     (SELECT w.id FROM voice_word w WHERE w.said_at < $1 ORDER BY w.said_at LIMIT $2)";

/// Every constant statement, for the test that both databases take each of them.
pub(super) const STATEMENTS: &[&str] = &[
    COUNT_ATTACHMENTS,
    INSERT_ATTACHMENT,
    ATTACHMENTS,
    ATTACHED,
    DELETE_ATTACHMENTS,
    INSERT_WORD,
    WORDS_OF_CALL,
    DELETE_WORDS,
];

named! {
    /// What a file of a ticket is.
    FileKind {
        /// A capture of a call that was measured.
        Capture = "capture",
        /// The recording of the call in which the customer agreed (R103).
        RecordedCall = "recorded_call",
        /// His drawn signature (R90, R103).
        Signature = "signature",
    }
}

impl FileKind {
    /// What several of them are called.
    #[must_use]
    pub const fn many(self) -> &'static str {
        match self {
            Self::Capture => "captures",
            Self::RecordedCall => "recorded calls",
            Self::Signature => "signatures",
        }
    }

    fn by_itself() -> Self {
        Self::Capture
    }
}

impl From<EvidenceKind> for FileKind {
    fn from(kind: EvidenceKind) -> Self {
        match kind {
            EvidenceKind::RecordedCall => Self::RecordedCall,
            EvidenceKind::Signature => Self::Signature,
        }
    }
}

/// A file of a ticket, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// Identity.
    pub id: String,
    /// What it is.
    #[serde(default = "FileKind::by_itself")]
    pub kind: FileKind,
    /// Name to save it under.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Of a capture the identity of the call that it is of: `linesman call show ID`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// When it was put on the ticket.
    pub at: DateTime<Utc>,
    /// Who put it there: `linesman` where it did so by itself.
    #[serde(default = "by_itself")]
    pub by: String,
    /// Of a capture the arrival of its first packet.
    pub first: DateTime<Utc>,
    /// Of a capture the arrival of its last packet.
    pub last: DateTime<Utc>,
    /// Of a capture the packets in it.
    pub packets: u64,
    /// Earlier packets of the call that found no room in it.
    pub left_out: u64,
    /// Whether what was said is in it; else headers alone.
    pub has_payload: bool,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub sha256: String,
}

fn by_itself() -> String {
    Actor::linesman().0
}

impl Attachment {
    /// A file of a call on a ticket. The same content on the same ticket is the same file.
    #[must_use]
    pub fn new(ticket: &TicketId, call: &str, content: &[u8], at: DateTime<Utc>) -> Self {
        let sha256 = hex(&Sha256::digest(content));
        Self {
            id: identity(&[ticket.0.as_str(), call, &sha256].join(" ")),
            kind: FileKind::Capture,
            name: format!("call-{call}.pcap"),
            media_type: "application/vnd.tcpdump.pcap".to_owned(),
            call: call.to_owned(),
            at,
            by: by_itself(),
            first: at,
            last: at,
            packets: 0,
            left_out: 0,
            has_payload: false,
            size: content.len() as u64,
            sha256,
        }
    }
}

/// Content as it is kept.
pub(super) fn sealed(keys: &Keyring, id: &str, content: &[u8]) -> Result<Option<String>, StoreError> {
    let Some(clear) = Personal::of(&BASE64.encode(content)) else { return Ok(None) };
    let place = Place { table: ATTACHMENT, row: id, field: "content" };
    keys.seal(place, &clear).map(Some).map_err(|source| StoreError::Sealing { source })
}

impl Tx {
    pub(super) async fn insert_file(
        &mut self,
        ticket: &TicketId,
        attachment: &Attachment,
        sealed: &str,
    ) -> Result<bool, StoreError> {
        let body = JsonText::of("attachment", attachment)?;
        let size = i64::try_from(attachment.size).unwrap_or(i64::MAX);
        let rows = on_tx!(self, connection => {
            sqlx::query(INSERT_ATTACHMENT)
                .bind(&attachment.id)
                .bind(text(&ticket.0))
                .bind(attachment.at)
                .bind(size)
                .bind(&attachment.sha256)
                .bind(&body)
                .bind(sealed)
                .bind(attachment.kind.name())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("attach a file to ticket", ticket, error))?;
        Ok(rows > 0)
    }
}

impl Store {
    /// Puts a file on a ticket, unless it has so many already; says whether it did.
    ///
    /// # Errors
    /// When there is no key to seal it with, or the database does not answer.
    pub async fn attach(
        &self,
        ticket: &TicketId,
        attachment: &Attachment,
        content: &[u8],
        most: u32,
    ) -> Result<bool, StoreError> {
        let fail = |error| StoreError::of("attach a file to ticket", ticket, error);
        let Some(sealed) = sealed(self.keys()?, &attachment.id, content)? else { return Ok(false) };
        let mut tx = self.begin_bulk("attach a file").await?;
        let there: i64 = on_tx!(tx, connection => {
            sqlx::query_scalar(COUNT_ATTACHMENTS).bind(text(&ticket.0)).fetch_one(connection).await
        })
        .map_err(fail)?;
        if there >= i64::from(most) {
            return Ok(false);
        }
        let is_new = tx.insert_file(ticket, attachment, &sealed).await?;
        tx.commit().await?;
        Ok(is_new)
    }

    /// The files of a ticket, oldest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn attachments(&self, ticket: &TicketId) -> Result<Vec<Attachment>, StoreError> {
        let rows: Vec<(String, JsonText)> = on!(self, pool => {
            sqlx::query_as(ATTACHMENTS).bind(text(&ticket.0)).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read the files of ticket", ticket, error))?;
        rows.into_iter().map(|(id, body)| body.read(ATTACHMENT, "body", id)).collect()
    }

    /// One file of a ticket with its content; `None` is an ordinary answer.
    ///
    /// # Errors
    /// When the database does not answer, or the content cannot be opened or is not what was attached.
    pub async fn attachment(
        &self,
        ticket: &TicketId,
        id: &str,
    ) -> Result<Option<(Attachment, Vec<u8>)>, StoreError> {
        let row: Option<(JsonText, String, String)> = on!(self, pool => {
            sqlx::query_as(ATTACHED).bind(text(&ticket.0)).bind(text(id)).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("read the file", id, error))?;
        let Some((body, sha256, sealed)) = row else { return Ok(None) };
        let wrong = |error: &dyn std::fmt::Display| {
            StoreError::inconsistent(ATTACHMENT, "content_enc", id, error.to_string())
        };
        let place = Place { table: ATTACHMENT, row: id, field: "content" };
        let opened = self.keys()?.open(place, &sealed).map_err(|error| wrong(&error))?;
        let content = BASE64.decode(opened.in_clear()).map_err(|error| wrong(&error))?;
        if hex(&Sha256::digest(&content)) != sha256 {
            return Err(wrong(&"it is not what was attached"));
        }
        Ok(Some((body.read(ATTACHMENT, "body", id)?, content)))
    }

    /// Keeps what endpoints said of calls; a later word on the same stream takes the place of the earlier.
    ///
    /// # Errors
    /// When the database does not answer; then none of them was kept.
    pub async fn append_words(&self, words: &[CallWord]) -> Result<(), StoreError> {
        if words.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_bulk("keep the word of endpoints").await?;
        for word in words {
            let (id, body) = (word.id(), JsonText::of("word", &word.word)?);
            on_tx!(tx, connection => {
                sqlx::query(INSERT_WORD)
                    .bind(&id)
                    .bind(&word.call)
                    .bind(word.word.last)
                    .bind(&body)
                    .execute(connection)
                    .await
                    .map(drop)
            })
            .map_err(|error| StoreError::of("keep the word on call", &word.call, error))?;
        }
        tx.commit().await
    }

    /// What endpoints said of a call, by its identity and those of its legs.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn words_of(&self, calls: &[String]) -> Result<Vec<EndpointWord>, StoreError> {
        let mut words = Vec::new();
        for call in calls {
            let rows: Vec<(String, JsonText)> = on!(self, pool => {
                sqlx::query_as(WORDS_OF_CALL).bind(text(call)).bind(MOST_WORDS).fetch_all(pool).await
            })
            .map_err(|error| StoreError::of("read what was said of call", call, error))?;
            for (id, body) in rows {
                words.push(body.read("voice_word", "body", id)?);
            }
        }
        Ok(words)
    }

    /// Forgets captures and words from before, in bounded steps; says how many.
    ///
    /// # Errors
    /// When the database does not answer; what was done so far stays done.
    pub async fn forget_voice_evidence(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        for statement in [DELETE_ATTACHMENTS, DELETE_WORDS] {
            loop {
                let mut tx = self.begin_bulk("forget old evidence").await?;
                let rows = on_tx!(tx, connection => {
                    sqlx::query(statement)
                        .bind(before)
                        .bind(A_STEP)
                        .execute(connection)
                        .await
                        .map(|done| done.rows_affected())
                })
                .map_err(|error| StoreError::of("forget evidence before", before, error))?;
                tx.commit().await?;
                forgotten += rows;
                if rows < A_STEP.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(forgotten)
    }
}
