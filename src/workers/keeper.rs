//! Where the loops keep things: the database, or a book in memory for simulated time (a
//! connection pool times out at once when time is paused).

use std::future::Future;
use std::pin::Pin;

use chrono::{DateTime, Utc};
use linesman_probes::observation::Observation;

use crate::diagnosis::Diagnosis;
use crate::maintenance::Window;
use crate::store::{Store, StoreError, TicketWriter, WriteError};
use crate::ticket::wanted::Action;
use crate::ticket::{Ticket, TicketId};

/// A boxed answer.
pub type Kept<'a, T, E = StoreError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Keeps observations, diagnoses and tickets.
pub trait Keeper: Send + Sync {
    /// Keeps a batch of observations.
    fn append_observations<'a>(&'a self, batch: &'a [Observation]) -> Kept<'a, ()>;
    /// Keeps a diagnosis; its generation.
    fn save_diagnosis<'a>(&'a self, diagnosis: &'a Diagnosis) -> Kept<'a, i64>;
    /// Tickets that a plan for these keys must know.
    fn tickets_for_planning<'a>(&'a self, keys: &'a [String]) -> Kept<'a, Vec<Ticket>>;
    /// Announced work that a fault of between these times may have begun in; a book in memory has none.
    fn announced_work(&self, _since: DateTime<Utc>, _until: DateTime<Utc>) -> Kept<'_, Vec<Window>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    /// The tickets fit a run of a bill that ended at `finished_at`; a book in memory has none.
    fn bill_planned<'a>(
        &'a self,
        _run: &'a str,
        _finished_at: DateTime<Utc>,
        _ticket: Option<&'a TicketId>,
    ) -> Kept<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// Does what was planned; the tickets that changed.
    fn carry_out(&self, generation: i64, actions: Vec<Action>) -> Kept<'_, Vec<Ticket>, WriteError>;
}

/// Keeps in the database.
#[derive(Clone)]
pub struct StoreKeeper {
    /// Reads and batches.
    pub store: Store,
    /// Tickets.
    pub writer: TicketWriter,
}

impl Keeper for StoreKeeper {
    fn append_observations<'a>(&'a self, batch: &'a [Observation]) -> Kept<'a, ()> {
        Box::pin(self.store.append_observations(batch))
    }

    fn save_diagnosis<'a>(&'a self, diagnosis: &'a Diagnosis) -> Kept<'a, i64> {
        Box::pin(self.store.save_diagnosis(diagnosis))
    }

    fn tickets_for_planning<'a>(&'a self, keys: &'a [String]) -> Kept<'a, Vec<Ticket>> {
        Box::pin(self.store.tickets_for_planning(keys))
    }

    fn announced_work(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Kept<'_, Vec<Window>> {
        Box::pin(self.store.windows(since, until))
    }

    fn bill_planned<'a>(
        &'a self,
        run: &'a str,
        finished_at: DateTime<Utc>,
        ticket: Option<&'a TicketId>,
    ) -> Kept<'a, ()> {
        Box::pin(self.store.run_planned(run, finished_at, ticket))
    }

    fn carry_out(&self, generation: i64, actions: Vec<Action>) -> Kept<'_, Vec<Ticket>, WriteError> {
        Box::pin(self.writer.carry_out(generation, actions))
    }
}
