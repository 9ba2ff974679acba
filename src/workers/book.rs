//! A book in memory that keeps what the daemon's loops learn, where time is simulated: a
//! connection pool times out at once when time is paused.
//!
//! It carries plans out by the same rules as the database's writer: one open ticket for a root
//! cause, versions, a refused stale plan, numbers for people, a hash chain over the events.
//! Deliberately absent: roll-up, tokens, and any durability.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Datelike as _;
use linesman_probes::observation::Observation;
use tokio::sync::mpsc;

use super::keeper::{Keeper, Kept};
use crate::clock::SharedClock;
use crate::diagnosis::Diagnosis;
use crate::id::uuid_v7;
use crate::store::{StoreError, WriteError};
use crate::ticket::chain::{GENESIS, Link, hash};
use crate::ticket::event::{Actor, Applied, Effect, Event, RecordedEvent};
use crate::ticket::wanted::Action;
use crate::ticket::{self, Ticket, TicketId, TicketNumber};

/// The book.
pub struct Book {
    clock: SharedClock,
    on_demand: Option<mpsc::Sender<Vec<String>>>,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    tickets: Vec<Ticket>,
    events: Vec<RecordedEvent>,
    numbers: BTreeMap<u16, u32>,
    diagnosis: Option<(i64, Diagnosis)>,
    carried_out: i64,
    observations: u64,
    away: bool,
}

impl Book {
    /// An empty book. Orders to measure again go to `on_demand`.
    #[must_use]
    pub fn new(clock: SharedClock, on_demand: Option<mpsc::Sender<Vec<String>>>) -> Self {
        Self { clock, on_demand, pages: Mutex::default() }
    }

    /// From now on it answers as a database that is not there, or is there again.
    pub fn set_away(&self, away: bool) {
        self.pages().away = away;
    }

    /// All tickets, oldest first.
    #[must_use]
    pub fn tickets(&self) -> Vec<Ticket> {
        self.pages().tickets.clone()
    }

    /// All events in their order.
    #[must_use]
    pub fn events(&self) -> Vec<RecordedEvent> {
        self.pages().events.clone()
    }

    /// How many events there are.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.pages().events.len()
    }

    /// How many observations were kept.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.pages().observations
    }

    /// The newest diagnosis kept, with its generation.
    #[must_use]
    pub fn diagnosis(&self) -> Option<(i64, Diagnosis)> {
        self.pages().diagnosis.clone()
    }

    /// Lets an event happen to a ticket, as a person would.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn apply(
        &self,
        id: &TicketId,
        expected: Option<i64>,
        event: Event,
        actor: Actor,
    ) -> Result<Ticket, WriteError> {
        let (changed, remeasure) = self.there()?.apply(&self.clock, id, expected, event, actor)?;
        self.order(remeasure);
        Ok(changed)
    }

    /// The first place at which the chain does not verify; `None` when it does.
    #[must_use]
    pub fn first_broken_link(&self) -> Option<i64> {
        let pages = self.pages();
        let mut previous = GENESIS.to_owned();
        for (place, recorded) in pages.events.iter().enumerate() {
            let expected = chained(&previous, recorded);
            let in_place = usize::try_from(recorded.seq).ok() == Some(place + 1);
            if !in_place || expected.as_ref() != Some(&recorded.hash) {
                return Some(recorded.seq);
            }
            previous.clone_from(&recorded.hash);
        }
        None
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn there(&self) -> Result<MutexGuard<'_, Pages>, StoreError> {
        let pages = self.pages();
        if pages.away {
            return Err(StoreError::WriterStopped);
        }
        Ok(pages)
    }

    fn order(&self, remeasure: Vec<Vec<String>>) {
        let Some(on_demand) = &self.on_demand else { return };
        for targets in remeasure {
            // They are measured at their interval anyway.
            let _ = on_demand.try_send(targets);
        }
    }

    fn carry_out_now(&self, generation: i64, actions: Vec<Action>) -> Result<Vec<Ticket>, WriteError> {
        let mut pages = self.there()?;
        if generation < pages.carried_out {
            return Err(WriteError::Stale);
        }
        pages.carried_out = generation;
        let (mut changed, mut orders) = (Vec::new(), Vec::new());
        for action in actions {
            match action {
                Action::Open { fault, candidate, follows } => {
                    changed.extend(pages.open(&self.clock, *fault, candidate, follows));
                }
                Action::Apply { ticket, version, event } => {
                    let actor = Actor::linesman();
                    // Whatever stands against it, the next plan sees it.
                    if let Ok((ticket, remeasure)) =
                        pages.apply(&self.clock, &ticket, Some(version), *event, actor)
                    {
                        changed.push(ticket);
                        orders.extend(remeasure);
                    }
                }
            }
        }
        drop(pages);
        self.order(orders);
        Ok(changed)
    }
}

impl Pages {
    fn is_taken(&self, key: &str, besides: Option<&TicketId>) -> Option<&Ticket> {
        self.tickets
            .iter()
            .find(|ticket| ticket.state.is_open() && Some(&ticket.id) != besides && ticket.answers_to(key))
    }

    fn open(
        &mut self,
        clock: &SharedClock,
        fault: crate::diagnosis::Fault,
        candidate: bool,
        follows: Option<TicketId>,
    ) -> Option<Ticket> {
        if std::iter::once(&fault.key).chain(&fault.aliases).any(|key| self.is_taken(key, None).is_some()) {
            return None;
        }
        let now = clock.now_utc();
        let year = u16::try_from(now.year()).unwrap_or(0);
        let count = self.numbers.entry(year).or_default();
        *count += 1;
        let mut random = [0_u8; 10];
        random[2..].copy_from_slice(&(self.tickets.len() as u64).to_be_bytes());
        let id = TicketId(uuid_v7(now, random));
        let number = TicketNumber { year, count: *count };
        let (applied, event) = ticket::open(id, number, fault, candidate, follows, now);
        self.record(&applied, event, Actor::linesman());
        self.tickets.push(applied.ticket.clone());
        Some(applied.ticket)
    }

    fn apply(
        &mut self,
        clock: &SharedClock,
        id: &TicketId,
        expected: Option<i64>,
        event: Event,
        actor: Actor,
    ) -> Result<(Ticket, Vec<Vec<String>>), WriteError> {
        let place = self.tickets.iter().position(|ticket| ticket.id == *id);
        let place = place.ok_or_else(|| WriteError::Unknown(id.clone()))?;
        let known = &self.tickets[place];
        if expected.is_some_and(|expected| expected != known.version) {
            return Err(WriteError::Conflict(Box::new(known.clone())));
        }
        // Times never go back along one ticket's history, whatever the clock does.
        let now = clock.now_utc().max(known.updated_at);
        let applied = ticket::apply(known, &event, &actor, now)?;
        let next = &applied.ticket;
        let is_claim = next.state.is_open() && (!known.state.is_open() || next.key != known.key);
        if is_claim && let Some(other) = self.is_taken(&next.key, Some(id)) {
            return Err(WriteError::Conflict(Box::new(other.clone())));
        }
        self.record(&applied, event, actor);
        self.tickets[place] = applied.ticket.clone();
        let remeasure = applied.effects.into_iter().filter_map(|effect| match effect {
            Effect::Remeasure { targets } => Some(targets),
            Effect::Notify => None,
        });
        Ok((applied.ticket, remeasure.collect()))
    }

    fn record(&mut self, applied: &Applied, event: Event, actor: Actor) {
        let previous = self.events.last().map_or(GENESIS, |newest| newest.hash.as_str()).to_owned();
        let seq = i64::try_from(self.events.len()).unwrap_or(i64::MAX).saturating_add(1);
        let (ticket, at) = (applied.ticket.id.clone(), applied.ticket.updated_at);
        let mut recorded = RecordedEvent { seq, ticket, at, actor, event, hash: String::new() };
        recorded.hash = chained(&previous, &recorded).unwrap_or_default();
        self.events.push(recorded);
    }
}

/// The hash that an event should have; `None` when it cannot be written down.
fn chained(previous: &str, recorded: &RecordedEvent) -> Option<String> {
    let payload = serde_json::to_string(&recorded.event).ok()?;
    let RecordedEvent { seq, ticket, at, actor, .. } = recorded;
    let (ticket, actor, payload) = (ticket.0.as_str(), actor.0.as_str(), payload.as_str());
    Some(hash(&Link { previous, seq: *seq, ticket, at: *at, actor, payload }))
}

impl Keeper for Book {
    fn append_observations<'a>(&'a self, batch: &'a [Observation]) -> Kept<'a, ()> {
        let done = self.there().map(|mut pages| pages.observations += batch.len() as u64);
        Box::pin(ready(done))
    }

    fn save_diagnosis<'a>(&'a self, diagnosis: &'a Diagnosis) -> Kept<'a, i64> {
        let done = self.there().map(|mut pages| {
            let generation = pages.diagnosis.as_ref().map_or(1, |(newest, _)| newest + 1);
            pages.diagnosis = Some((generation, diagnosis.clone()));
            generation
        });
        Box::pin(ready(done))
    }

    fn tickets_for_planning<'a>(&'a self, keys: &'a [String]) -> Kept<'a, Vec<Ticket>> {
        let done = self.there().map(|pages| {
            let not_final = pages.tickets.iter().filter(|ticket| !ticket.state.is_final());
            let mut found: Vec<Ticket> = not_final.cloned().collect();
            for key in keys {
                let of_key = pages.tickets.iter().rev().filter(|ticket| ticket.state.is_final());
                let newest = of_key.filter(|ticket| ticket.answers_to(key)).max_by_key(|t| t.registered_at);
                if let Some(newest) = newest
                    && !found.iter().any(|ticket| ticket.id == newest.id)
                {
                    found.push(newest.clone());
                }
            }
            found
        });
        Box::pin(ready(done))
    }

    fn carry_out(&self, generation: i64, actions: Vec<Action>) -> Kept<'_, Vec<Ticket>, WriteError> {
        Box::pin(ready(self.carry_out_now(generation, actions)))
    }
}
