//! Files that prove a customer's word (R90, R103): sealed before they wait for the writer, kept in the transaction of
//! their event or not at all, forgotten by kind once the ticket is over. The rows are those of `attachments`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::ticket::evidence::{EvidenceKind, Media};
use crate::ticket::{Actor, Deed, TicketId};
use crate::voice::call::identity;

use super::attachments::{A_STEP, Attachment, FileKind, sealed};
use super::backend::on_tx;
use super::change::Change;
use super::json::text;
use super::{Store, StoreError};

pub(super) const FILES: &str = "SELECT id FROM ticket_attachment WHERE ticket_id = $1";
// While a ticket is not over for good, what proves its confirmation stays.
pub(super) const DELETE_EVIDENCE: &str = "DELETE FROM ticket_attachment WHERE id IN \
     (SELECT a.id FROM ticket_attachment a JOIN ticket t ON t.id = a.ticket_id WHERE a.at < $1 AND a.kind = $3 \
     AND t.state IN ('closed', 'rejected', 'cancelled') ORDER BY a.at LIMIT $2)";
pub(super) const OLD_EVIDENCE: &str = "SELECT COUNT(*) FROM ticket_attachment a JOIN ticket t ON t.id = a.ticket_id \
     WHERE a.at < $1 AND a.kind = $2 AND t.state IN ('closed', 'rejected', 'cancelled')";

/// Every constant statement, for the test that both databases take each of them.
pub(super) const STATEMENTS: &[&str] = &[FILES, DELETE_EVIDENCE, OLD_EVIDENCE];

/// A file that proves what a customer agreed to: sealed, on its way to its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    /// What it proves.
    pub kind: EvidenceKind,
    /// What is said of it.
    pub attachment: Attachment,
    content: String,
}

impl SealedFile {
    /// The event that puts it on its ticket.
    #[must_use]
    pub fn deed(&self) -> Deed {
        let Attachment { id, sha256, size, media_type, .. } = self.attachment.clone();
        Deed::EvidenceAttached { kind: self.kind, file: id, sha256, size, media_type }
    }
}

impl Attachment {
    /// A file that proves what the customer agreed to. The same content on the same ticket is the same file.
    fn proof(
        ticket: &TicketId,
        kind: EvidenceKind,
        media: Media,
        content: &[u8],
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Self {
        let known = Self::new(ticket, "", content, at);
        let called = kind.name().replace('_', "-");
        Self {
            id: identity(&[ticket.0.as_str(), kind.name(), &known.sha256].join(" ")),
            name: format!("{called}-{}.{}", known.sha256.get(..8).unwrap_or_default(), media.ending()),
            kind: kind.into(),
            media_type: media.media_type().to_owned(),
            by: by.0.clone(),
            has_payload: true,
            ..known
        }
    }
}

impl Change {
    /// Keeps a file whose event was applied.
    pub(super) async fn keep_file(&mut self, id: &TicketId, file: &SealedFile) -> Result<(), StoreError> {
        self.tx.insert_file(id, &file.attachment, &file.content).await.map(drop)
    }

    /// The files of a ticket that are there, by their identity.
    pub(super) async fn files(&mut self, id: &TicketId) -> Result<BTreeSet<String>, StoreError> {
        let ids: Vec<String> = on_tx!(self.tx, connection => {
            sqlx::query_scalar(FILES).bind(text(&id.0)).fetch_all(connection).await
        })
        .map_err(|error| StoreError::of("look for the files of ticket", id, error))?;
        Ok(ids.into_iter().collect())
    }
}

impl Store {
    /// Seals a file that proves what a customer agreed to; `None` where its bytes are no such file, or too many.
    ///
    /// # Errors
    /// When there is no key to seal it with.
    pub fn sealed_evidence(
        &self,
        ticket: &TicketId,
        kind: EvidenceKind,
        content: &[u8],
        by: &Actor,
    ) -> Result<Option<SealedFile>, StoreError> {
        let Some(media) = kind.recognise(content) else { return Ok(None) };
        let attachment = Attachment::proof(ticket, kind, media, content, by, self.now());
        let sealed = sealed(self.keys()?, &attachment.id, content)?;
        Ok(sealed.map(|content| SealedFile { kind, attachment, content }))
    }

    /// Forgets files of a kind from before, of tickets that are over, in bounded steps; says how many.
    ///
    /// # Errors
    /// When the database does not answer; what was done so far stays done.
    pub async fn forget_evidence(
        &self,
        kind: EvidenceKind,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let mut tx = self.begin_bulk("forget old evidence").await?;
            let rows = on_tx!(tx, connection => {
                sqlx::query(DELETE_EVIDENCE)
                    .bind(before)
                    .bind(A_STEP)
                    .bind(FileKind::from(kind).name())
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })
            .map_err(|error| StoreError::of("forget evidence before", before, error))?;
            tx.commit().await?;
            forgotten += rows;
            if rows < A_STEP.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}
