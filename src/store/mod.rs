//! The one writer of SQL.
//!
//! Statements are constants that SQLite and PostgreSQL both take; methods speak domain types.
//! Tickets are committed durably (SQLite `synchronous=FULL`, PostgreSQL `synchronous_commit=on`)
//! by one group-commit [`writer`]. No HTTP status here, and no decision: the pure rooms decide.

pub mod error;
pub mod model;
pub mod writer;

use std::time::Duration;

use chrono::{DateTime, Utc};
use linesman_probes::observation::Observation;

use crate::clock::SharedClock;
use crate::diagnosis::{Diagnosis, Fault};
use crate::ticket::event::RecordedEvent;
use crate::ticket::{Ticket, TicketId, TicketNumber};

pub use error::StoreError;
pub use model::{
    CheckReport, HourlyPoint, NewToken, ObservationQuery, Role, StoredObservation, TicketCursor,
    TicketFilter, TicketPage, TokenInfo,
};
pub use writer::{TicketWriter, WriteError};

/// An open database, with this process as its only writer.
#[derive(Clone)]
pub struct Store {
    _clock: SharedClock,
}

#[allow(clippy::unused_async, unused_variables)]
impl Store {
    /// Opens (creating if needed), takes the writer's lock, applies migrations.
    ///
    /// # Errors
    /// When the database cannot be reached, is newer than the program, is locked by another
    /// daemon, or cannot promise durability.
    pub async fn open(url: &str, clock: SharedClock) -> Result<Self, StoreError> {
        Err(StoreError::Skeleton)
    }

    /// The handle through which tickets are changed; its task is [`writer::run`].
    ///
    /// # Errors
    /// Never for a good database.
    pub async fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// x
    pub async fn ticket_by_number(&self, number: TicketNumber) -> Result<Option<Ticket>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Newest first by (registered_at, id); keyset cursor.
    pub async fn tickets(
        &self,
        filter: &TicketFilter,
        cursor: Option<&TicketCursor>,
        limit: u32,
    ) -> Result<TicketPage, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// All tickets that are not final, plus the newest final ones of each of these keys.
    pub async fn tickets_for_planning(&self, keys: &[String]) -> Result<Vec<Ticket>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Oldest first.
    pub async fn ticket_events(
        &self,
        id: &TicketId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Events of all tickets after a place in the chain: what SSE replays by Last-Event-ID.
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<RecordedEvent>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Keeps a diagnosis with its wanted generation; returns the generation.
    pub async fn save_diagnosis(&self, diagnosis: &Diagnosis) -> Result<i64, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// The newest diagnosis and its generation.
    pub async fn latest_diagnosis(&self) -> Result<Option<(i64, Diagnosis)>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Faults, newest first, open ones and those cleared since.
    pub async fn faults(
        &self,
        cleared_since: Option<DateTime<Utc>>,
        limit: u32,
    ) -> Result<Vec<Fault>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// One transaction for the whole batch.
    pub async fn append_observations(&self, batch: &[Observation]) -> Result<(), StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Rounds of targets in a span, oldest first.
    pub async fn observations(&self, query: &ObservationQuery) -> Result<Vec<StoredObservation>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Newest round of every target.
    pub async fn latest_observations(&self) -> Result<Vec<StoredObservation>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Hourly roll-up of a target, oldest first.
    pub async fn hourly(
        &self,
        target: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<HourlyPoint>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Rolls whole hours up, then deletes what is too old, in bounded steps; says how many rows went.
    pub async fn retain(
        &self,
        now: DateTime<Utc>,
        observations: Duration,
        hourly: Duration,
    ) -> Result<u64, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Makes a token; the secret is returned once and only its SHA-256 kept.
    pub async fn create_token(&self, token: &NewToken) -> Result<String, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Makes the first admin token if there is no token at all.
    pub async fn create_first_token(&self) -> Result<Option<String>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Whose token this is, if it is valid now.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<TokenInfo>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// All tokens, without secrets.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Ends a token now; says whether there was one.
    pub async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// A browser session for a token: its secret goes into the cookie; idle 30 min, absolute 12 h.
    pub async fn create_session(&self, token: &TokenInfo) -> Result<String, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Whose session this is, if valid now; a use prolongs it.
    pub async fn session(&self, secret: &str) -> Result<Option<TokenInfo>, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Ends a session.
    pub async fn end_session(&self, secret: &str) -> Result<(), StoreError> {
        Err(StoreError::Skeleton)
    }
    /// An online copy while writing goes on (SQLite `VACUUM INTO`; PostgreSQL: says to use pg_dump).
    pub async fn backup(&self, to: &std::path::Path) -> Result<(), StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Integrity of the file and of the hash chain over events.
    pub async fn check(&self) -> Result<CheckReport, StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::Skeleton)
    }
    /// Waits for what runs and closes.
    pub async fn close(self) {}
}
