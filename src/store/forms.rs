//! Forms of tickets as they were filled in, the links by which customers answer without a login, and what follows
//! from both within one transaction (R38 to R47, R80, R103).

use chrono::{DateTime, Utc};
use linesman_process::form::{self, FormId, Values};
use sha2::{Digest as _, Sha256};

use crate::id::{os_random, uuid_v7};
use crate::ticket::chain::hex;
use crate::ticket::event::{Actor, Event};
pub use crate::ticket::process::BY_LINK;
use crate::ticket::process::LinkPurpose;
use crate::ticket::{Deed, Ticket, TicketId, TicketText};

use super::backend::{on, on_tx};
use super::change::Change;
use super::json::{JsonText, text};
use super::{SealedFile, Store, StoreError, WriteError};

pub(super) const INSERT_FORM: &str = "INSERT INTO ticket_form (id, ticket_id, form, count, at, actor, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const COUNT_FORMS: &str =
    "SELECT COALESCE(MAX(count), 0) FROM ticket_form WHERE ticket_id = $1 AND form = $2";
pub(super) const NEWEST_FORM: &str = "SELECT count, at, actor, body FROM ticket_form \
     WHERE ticket_id = $1 AND form = $2 ORDER BY count DESC LIMIT 1";
pub(super) const FORMS: &str = "SELECT form, COUNT(*) FROM ticket_form WHERE ticket_id = $1 GROUP BY form";
pub(super) const INSERT_LINK: &str = "INSERT INTO customer_link \
     (hash, ticket_id, purpose, created_at, actor, expires_at, note) VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const LINK: &str = "SELECT ticket_id, purpose, created_at, actor, expires_at, used_at, note \
     FROM customer_link WHERE hash = $1";
pub(super) const USE_LINK: &str =
    "UPDATE customer_link SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";

const LINK_PREFIX: &str = "lml_";
/// What its signature is for.
const SIGNED_FOR: &str = "link of a customer";
/// What the secret of a link is made of that Linesman sends by itself.
const SECRET_FOR: &str = "secret of a link that is sent";
/// Signs of a secret, and of a signature.
const HEX_LENGTH: usize = 64;

/// A form as it was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledForm {
    /// How often it was filed.
    pub count: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Its fields; of personal ones the hash of the words that are kept apart.
    pub values: Values,
}

/// A form to be filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedForm {
    /// Which.
    pub form: FormId,
    /// Its fields; of personal ones the hash of the words.
    pub values: Values,
    /// Words that are kept apart.
    pub texts: Vec<TicketText>,
    /// Files that come with it, as a drawn signature.
    pub files: Vec<SealedFile>,
    /// What it means to the ticket beside being filed: a record that a guard asks for, a confirmation.
    pub deeds: Vec<Deed>,
    /// The link that it came by: used up with it.
    pub link: Option<String>,
}

/// A link as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerLink {
    /// Of which ticket.
    pub ticket: TicketId,
    /// What for.
    pub purpose: LinkPurpose,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub by: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
    /// Why no article of the knowledge base comes of the ticket (R108).
    pub note: String,
}

type LinkRow = (String, String, DateTime<Utc>, String, DateTime<Utc>, Option<DateTime<Utc>>, String);

fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// What a signature covers: whoever writes into the database cannot make a link of his own, nor a longer one.
fn signed(secret: &str, ticket: &TicketId, purpose: LinkPurpose, expires_at: DateTime<Utc>) -> String {
    format!("{secret} {ticket} {} {}", purpose.name(), expires_at.timestamp())
}

/// Secret and signature of a link as it was sent.
fn parts(link: &str) -> Option<(&str, &str)> {
    let (secret, signature) = link.split_once('.')?;
    let is_hex = |text: &str| {
        text.len() == HEX_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_hex(secret.strip_prefix(LINK_PREFIX)?) && is_hex(signature)).then_some((secret, signature))
}

impl Store {
    /// Which forms of a ticket were filed, each with how often.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn filed_forms(&self, id: &TicketId) -> Result<Vec<(String, i64)>, StoreError> {
        on!(self, pool => sqlx::query_as(FORMS).bind(text(&id.0)).fetch_all(pool).await)
            .map_err(|error| StoreError::of("list the forms of ticket", id, error))
    }

    /// A form of a ticket as it was filed last.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn filed_form(&self, id: &TicketId, form: FormId) -> Result<Option<FiledForm>, StoreError> {
        let row: Option<(i64, DateTime<Utc>, String, JsonText)> = on!(self, pool => {
            sqlx::query_as(NEWEST_FORM).bind(text(&id.0)).bind(form.name()).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("read a form of ticket", id, error))?;
        row.map(|(count, at, by, body)| {
            let values = body.read("ticket_form", "body", id)?;
            Ok(FiledForm { count, at, by, values })
        })
        .transpose()
    }

    /// A new link: its secret, signed, and the deed that makes it. Only the secret's hash is kept.
    ///
    /// # Errors
    /// When there is no key to sign with, or the system gives no chance.
    pub fn new_link(
        &self,
        ticket: &TicketId,
        purpose: LinkPurpose,
        expires_at: DateTime<Utc>,
        note: &str,
    ) -> Result<(String, Deed), StoreError> {
        let secret = format!("{LINK_PREFIX}{}", hex(&os_random::<32>()?));
        let signature = self.keys()?.sign(SIGNED_FOR, &signed(&secret, ticket, purpose, expires_at));
        let deed = Deed::LinkMade {
            purpose,
            expires_at,
            no_article_because: text(note).into_owned(),
            sha256: hash(&secret),
        };
        Ok((format!("{secret}.{signature}"), deed))
    }

    /// The link that is sent to the customer for an event: the same however often it is asked for, so that a death
    /// between making and sending it makes no second one. The deed makes it; `None` when it is made already.
    ///
    /// # Errors
    /// When the database does not answer, or there is no key to sign with.
    pub async fn link_for_event(
        &self,
        ticket: &TicketId,
        purpose: LinkPurpose,
        event: i64,
        expires_at: DateTime<Utc>,
        note: &str,
    ) -> Result<(String, Option<Deed>), StoreError> {
        let keys = self.keys()?;
        let chance = keys.sign(SECRET_FOR, &format!("{ticket} {} {event}", purpose.name()));
        let secret = format!("{LINK_PREFIX}{chance}");
        let signature = keys.sign(SIGNED_FOR, &signed(&secret, ticket, purpose, expires_at));
        let sha256 = hash(&secret);
        let sent = format!("{secret}.{signature}");
        if self.link(&sent).await?.is_some() {
            return Ok((sent, None));
        }
        let note = text(note).into_owned();
        Ok((sent, Some(Deed::LinkMade { purpose, expires_at, no_article_because: note, sha256 })))
    }

    /// The link that was sent, used or over as it may be; a wrong one is no error.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood, or there is no key.
    pub async fn link(&self, sent: &str) -> Result<Option<CustomerLink>, StoreError> {
        let Some((secret, signature)) = parts(sent) else { return Ok(None) };
        let row: Option<LinkRow> =
            on!(self, pool => sqlx::query_as(LINK).bind(hash(secret)).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("look up", "a link", error))?;
        let Some((ticket, purpose, created_at, by, expires_at, used_at, note)) = row else { return Ok(None) };
        let Some(purpose) = LinkPurpose::parse(&purpose) else {
            return Err(StoreError::inconsistent(
                "customer_link",
                "purpose",
                purpose,
                "there is no such purpose",
            ));
        };
        let ticket = TicketId(ticket);
        let covered = signed(secret, &ticket, purpose, expires_at);
        if !self.keys()?.is_signed(SIGNED_FOR, &covered, signature) {
            tracing::warn!(%ticket, "a link of a customer is not signed as it is kept");
            return Ok(None);
        }
        Ok(Some(CustomerLink { ticket, purpose, created_at, by, expires_at, used_at, note }))
    }
}

impl Change {
    /// Files a form with all that it means, or nothing of it.
    pub(super) async fn file(
        &mut self,
        id: &TicketId,
        expected: Option<i64>,
        wanted: &WantedForm,
        actor: &Actor,
    ) -> Result<Result<Ticket, WriteError>, StoreError> {
        let Some(known) = self.ticket(id).await? else {
            return Ok(Err(WriteError::Unknown(id.clone())));
        };
        if expected.is_some_and(|expected| expected != known.version) {
            return Ok(Err(WriteError::Conflict(Box::new(known))));
        }
        let count = 1 + self.count_forms(id, wanted.form).await?;
        let body = JsonText::of("form", &wanted.values)?;
        let sha256 = hex(&Sha256::digest(body.clone().into_text().as_bytes()));
        let filed = Deed::FormFiled {
            form: wanted.form,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            sha256,
            scores: form::shipped(wanted.form).map(|form| form.scores(&wanted.values)).unwrap_or_default(),
        };
        let deeds: Vec<Deed> = std::iter::once(filed)
            .chain(wanted.files.iter().map(SealedFile::deed))
            .chain(wanted.deeds.iter().cloned())
            .collect();
        // Tried on a copy first: of several events none may be refused after another was written.
        let now = self.now.max(known.updated_at);
        let mut tried = known.clone();
        for deed in &deeds {
            let event = Event::from(deed.clone());
            let around = self.around(&tried, &event, actor).await?;
            match crate::ticket::apply_in(&tried, &event, actor, &around, now) {
                Ok(applied) => tried = applied.ticket,
                Err(refusal) => return Ok(Err(WriteError::Refused(refusal))),
            }
        }
        if let Some(secret) = &wanted.link
            && !self.use_link(secret).await?
        {
            let unmet = vec![crate::locale::Message::new("guard.link_used").with("rule", "R103")];
            return Ok(Err(WriteError::Refused(crate::ticket::Refusal { event: "form_filed", unmet })));
        }
        self.insert_form(id, wanted.form, count, &body, actor).await?;
        for words in &wanted.texts {
            self.keep_text(id, words).await?;
        }
        for file in &wanted.files {
            self.keep_file(id, file).await?;
        }
        let mut ticket = known;
        for deed in deeds {
            match self.apply(id, None, &Event::from(deed), actor).await? {
                Ok(next) => ticket = next,
                Err(error) => {
                    // What was written of it goes with the transaction.
                    let reason = format!("what was tried before was refused: {error}");
                    return Err(StoreError::Refused { operation: "filing a form", reason });
                }
            }
        }
        Ok(Ok(ticket))
    }

    async fn count_forms(&mut self, id: &TicketId, form: FormId) -> Result<i64, StoreError> {
        on_tx!(self.tx, connection => {
            sqlx::query_scalar(COUNT_FORMS).bind(text(&id.0)).bind(form.name()).fetch_one(connection).await
        })
        .map_err(|error| StoreError::of("count the forms of ticket", id, error))
    }

    /// Keeps a link in the transaction of the event that makes it.
    pub(super) async fn keep_link(
        &mut self,
        ticket: &TicketId,
        deed: &Deed,
        by: &Actor,
    ) -> Result<(), StoreError> {
        let Deed::LinkMade { purpose, expires_at, no_article_because, sha256 } = deed else { return Ok(()) };
        let now = self.now;
        on_tx!(self.tx, connection => {
            sqlx::query(INSERT_LINK)
                .bind(sha256)
                .bind(&ticket.0)
                .bind(purpose.name())
                .bind(now)
                .bind(text(&by.0))
                .bind(*expires_at)
                .bind(text(no_article_because))
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("keep a link of ticket", ticket, error))
    }

    async fn use_link(&mut self, sent: &str) -> Result<bool, StoreError> {
        let Some((secret, _)) = parts(sent) else { return Ok(false) };
        let now = self.now;
        let used = on_tx!(self.tx, connection => {
            sqlx::query(USE_LINK)
                .bind(hash(secret))
                .bind(now)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("use", "a link", error))?;
        Ok(used == 1)
    }

    async fn insert_form(
        &mut self,
        id: &TicketId,
        form: FormId,
        count: i64,
        body: &JsonText,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let now = self.now;
        let form_id = uuid_v7(now, os_random()?);
        on_tx!(self.tx, connection => {
            sqlx::query(INSERT_FORM)
                .bind(&form_id)
                .bind(&id.0)
                .bind(form.name())
                .bind(count)
                .bind(now)
                .bind(text(&actor.0))
                .bind(body)
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("keep a form of ticket", id, error))
    }
}
