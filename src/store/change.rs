//! One transaction of the writer: commands carried out one after the other. What does not apply
//! writes nothing, so that nobody's refusal spoils another's change.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Datelike as _, Utc};

use crate::diagnosis::{Cause, Class, Fault, Side};
use crate::id::{os_random, uuid_v7};
use crate::privacy::Keyring;
use crate::ticket::chain::{self, GENESIS};
use crate::ticket::event::{Actor, Applied, Effect, Event, RecordedEvent, Visibility};
use crate::ticket::{self, Deed, Ticket, TicketId, TicketNumber};

use super::backend::on_tx;
use super::json::{JsonText, text};
use super::process::{RegisteredTicket, WantedTicket};
use super::tickets::{TICKET_BY_ID, TicketRow, understood};
use super::{Store, StoreError, Tx, WriteError};

pub(super) const OPEN_TICKET_OF_KEY: &str = "SELECT t.id FROM ticket t \
     WHERE t.is_open AND t.id <> $2 AND (t.dedupe_key = $1 \
     OR t.id IN (SELECT a.ticket_id FROM ticket_alias a WHERE a.alias = $1)) \
     ORDER BY t.registered_at, t.id LIMIT 1";
pub(super) const NEWEST_NUMBER: &str =
    "SELECT COALESCE(MAX(number_count), 0) FROM ticket WHERE number_year = $1";
pub(super) const INSERT_TICKET: &str = "INSERT INTO ticket (id, number_year, number_count, version, kind, state, \
     is_open, class, cause, segment, side, severity, dedupe_key, owner, candidate, registered_at, updated_at, \
     body, reported, customer, parent_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
     $16, $17, $18, $19, $20, $21) \
     ON CONFLICT DO NOTHING";
pub(super) const UPDATE_TICKET: &str = "UPDATE ticket SET version = $2, state = $3, is_open = $4, class = $5, \
     cause = $6, segment = $7, side = $8, severity = $9, dedupe_key = $10, owner = $11, candidate = $12, \
     updated_at = $13, body = $14, parent_id = $16 WHERE id = $1 AND version = $15";
pub(super) const INSERT_ALIAS: &str =
    "INSERT INTO ticket_alias (alias, ticket_id) VALUES ($1, $2) ON CONFLICT (alias, ticket_id) DO NOTHING";
pub(super) const FORGET_TAGS: &str = "DELETE FROM ticket_tag WHERE ticket_id = $1";
pub(super) const INSERT_TAG: &str =
    "INSERT INTO ticket_tag (tag, ticket_id) VALUES ($1, $2) ON CONFLICT (tag, ticket_id) DO NOTHING";
pub(super) const CHAIN_HEAD: &str = "SELECT seq, hash FROM ticket_event ORDER BY seq DESC LIMIT 1";
pub(super) const INSERT_EVENT: &str = "INSERT INTO ticket_event (seq, ticket_id, at, actor, type, payload, \
     visibility, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(super) const INSERT_OUTBOX: &str = "INSERT INTO outbox (seq, event_seq, created_at) VALUES ($1, $1, $2)";

const CARRIED_OUT: &str = "carried_out_generation";

/// What a committed transaction leaves to be done.
#[derive(Debug, Default)]
pub(super) struct Committed {
    pub recorded: Vec<RecordedEvent>,
    pub remeasure: Vec<Vec<String>>,
}

/// A transaction with what it has learnt so far.
pub(super) struct Change {
    pub(super) tx: Tx,
    pub(super) now: DateTime<Utc>,
    head: (i64, String),
    generation: i64,
    pub(super) newest_numbers: BTreeMap<u16, u32>,
    committed: Committed,
    pub(super) keys: Arc<OnceLock<Keyring>>,
    pub(super) store: Store,
}

impl Change {
    pub(super) async fn begin(store: &Store) -> Result<Self, StoreError> {
        let mut tx = store.begin("change tickets").await?;
        let head: Option<(i64, String)> =
            on_tx!(tx, connection => sqlx::query_as(CHAIN_HEAD).fetch_optional(connection).await)
                .map_err(|error| StoreError::of("read", "head of the chain", error))?;
        let generation = match tx.meta(CARRIED_OUT).await? {
            None => 0,
            Some(value) => value
                .parse()
                .map_err(|error| StoreError::inconsistent("meta", "value", CARRIED_OUT, error))?,
        };
        Ok(Self {
            tx,
            // The clock is read after the lock was taken: events are dated in their order.
            now: store.now(),
            head: head.unwrap_or_else(|| (0, GENESIS.to_owned())),
            generation,
            newest_numbers: BTreeMap::new(),
            committed: Committed::default(),
            keys: Arc::clone(&store.keys),
            store: store.clone(),
        })
    }

    pub(super) async fn commit(self) -> Result<Committed, StoreError> {
        self.tx.commit().await?;
        Ok(self.committed)
    }

    /// Takes up the plan of a diagnosis, unless a newer one was carried out already.
    pub(super) async fn take_up(&mut self, generation: i64) -> Result<bool, StoreError> {
        if generation < self.generation {
            return Ok(false);
        }
        if generation > self.generation {
            self.tx.set_meta(CARRIED_OUT, &generation.to_string()).await?;
            self.generation = generation;
        }
        Ok(true)
    }

    /// Opens a ticket; `None` when one is open for the root cause already.
    pub(super) async fn open(
        &mut self,
        fault: &Fault,
        candidate: bool,
        follows: Option<&TicketId>,
    ) -> Result<Option<Ticket>, StoreError> {
        for key in std::iter::once(&fault.key).chain(&fault.aliases) {
            if self.open_ticket_of(key, None).await?.is_some() {
                return Ok(None);
            }
        }
        let id = TicketId(uuid_v7(self.now, os_random()?));
        let number = self.next_number().await?;
        let (applied, event) = ticket::open(id, number, fault.clone(), candidate, follows.cloned(), self.now);
        if !self.insert(&applied.ticket).await? {
            return Ok(None);
        }
        self.newest_numbers.insert(number.year, number.count);
        self.add_aliases(&applied.ticket).await?;
        self.record(&applied, event, Actor::linesman(), self.now).await?;
        Ok(Some(applied.ticket))
    }

    /// Lets an event happen to a ticket, with what it means for the tickets below it.
    pub(super) async fn apply(
        &mut self,
        id: &TicketId,
        expected: Option<i64>,
        event: &Event,
        actor: &Actor,
    ) -> Result<Result<Ticket, WriteError>, StoreError> {
        let before = if super::people::may_escalate(event) { self.ticket(id).await? } else { None };
        let done = self.apply_one(id, expected, event, actor).await?;
        let done = match (done, before) {
            (Ok(after), Some(before)) => Ok(self.escalate_after(&before, after, event).await?),
            (done, _) => done,
        };
        if let Ok(ticket) = &done {
            self.follow(ticket, event, actor).await?;
        }
        Ok(done)
    }

    /// Lets part of a ticket go on as one of its own; nothing happens unless all of it can.
    pub(super) async fn split(
        &mut self,
        id: &TicketId,
        expected: Option<i64>,
        wanted: &WantedTicket,
        actor: &Actor,
    ) -> Result<Result<RegisteredTicket, WriteError>, StoreError> {
        let Some(known) = self.ticket(id).await? else {
            return Ok(Err(WriteError::Unknown(id.clone())));
        };
        if expected.is_some_and(|expected| expected != known.version) {
            return Ok(Err(WriteError::Conflict(Box::new(known))));
        }
        let off = |into: TicketId| Event::from(Deed::SplitOff { into });
        let tried = off(TicketId(String::new()));
        if let Err(refusal) = ticket::apply(&known, &tried, actor, self.now.max(known.updated_at)) {
            return Ok(Err(WriteError::Refused(refusal)));
        }
        let mut registered = match self.register(wanted, actor).await? {
            Ok(registered) => registered,
            Err(error) => return Ok(Err(error)),
        };
        let part = registered.ticket.id.clone();
        if let Err(error) = self.apply_one(id, None, &off(part.clone()), actor).await? {
            return Err(StoreError::inconsistent("ticket", "version", id, error));
        }
        let from = Event::from(Deed::SplitFrom { from: id.clone() });
        match self.apply_one(&part, None, &from, actor).await? {
            Ok(ticket) => registered.ticket = ticket,
            Err(error) => return Err(StoreError::inconsistent("ticket", "version", &part, error)),
        }
        Ok(Ok(registered))
    }

    pub(super) async fn apply_one(
        &mut self,
        id: &TicketId,
        expected: Option<i64>,
        event: &Event,
        actor: &Actor,
    ) -> Result<Result<Ticket, WriteError>, StoreError> {
        let Some(known) = self.ticket(id).await? else {
            return Ok(Err(WriteError::Unknown(id.clone())));
        };
        if expected.is_some_and(|expected| expected != known.version) {
            return Ok(Err(WriteError::Conflict(Box::new(known))));
        }
        // Times never go back along one ticket's history, whatever the clock does.
        let now = self.now.max(known.updated_at);
        let around = self.around(&known, event, actor).await?;
        let applied = match ticket::apply_in(&known, event, actor, &around, now) {
            Ok(applied) => applied,
            Err(refusal) => return Ok(Err(WriteError::Refused(refusal))),
        };
        let next = &applied.ticket;
        let is_claim = next.state.is_open() && (!known.state.is_open() || next.key != known.key);
        if is_claim
            && let Some(other) = self.open_ticket_of(&next.key, Some(id)).await?
            && let Some(other) = self.ticket(&other).await?
        {
            return Ok(Err(WriteError::Conflict(Box::new(other))));
        }
        self.update(next, known.version).await?;
        if next.aliases != known.aliases {
            self.add_aliases(next).await?;
        }
        if next.process.tags != known.process.tags {
            self.keep_tags(next).await?;
        }
        self.record(&applied, event.clone(), actor.clone(), now).await?;
        Ok(Ok(applied.ticket))
    }

    pub(super) async fn ticket(&mut self, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
        let row: Option<TicketRow> = on_tx!(self.tx, connection => {
            sqlx::query_as(TICKET_BY_ID).bind(text(&id.0)).fetch_optional(connection).await
        })
        .map_err(|error| StoreError::of("read ticket", id, error))?;
        row.map(understood).transpose()
    }

    async fn open_ticket_of(
        &mut self,
        key: &str,
        besides: Option<&TicketId>,
    ) -> Result<Option<TicketId>, StoreError> {
        let besides = besides.map_or("", |id| id.0.as_str());
        let id: Option<String> = on_tx!(self.tx, connection => {
            sqlx::query_scalar(OPEN_TICKET_OF_KEY)
                .bind(text(key))
                .bind(besides)
                .fetch_optional(connection)
                .await
        })
        .map_err(|error| StoreError::of("look for the open ticket of", key, error))?;
        Ok(id.map(TicketId))
    }

    pub(super) async fn next_number(&mut self) -> Result<TicketNumber, StoreError> {
        let year = u16::try_from(self.now.year()).unwrap_or(0);
        let newest = match self.newest_numbers.get(&year) {
            Some(newest) => *newest,
            None => {
                let newest: i64 = on_tx!(self.tx, connection => {
                    sqlx::query_scalar(NEWEST_NUMBER).bind(i64::from(year)).fetch_one(connection).await
                })
                .map_err(|error| StoreError::of("read the newest number of", year, error))?;
                u32::try_from(newest)
                    .map_err(|error| StoreError::inconsistent("ticket", "number_count", year, error))?
            }
        };
        Ok(TicketNumber { year, count: newest + 1 })
    }

    /// Whether it went in: the unique index is the last guard.
    pub(super) async fn insert(&mut self, ticket: &Ticket) -> Result<bool, StoreError> {
        let body = JsonText::of("ticket", ticket)?;
        let rows = on_tx!(self.tx, connection => {
            sqlx::query(INSERT_TICKET)
                .bind(&ticket.id.0)
                .bind(i64::from(ticket.number.year))
                .bind(i64::from(ticket.number.count))
                .bind(ticket.version)
                .bind(ticket.kind.name())
                .bind(ticket.state.name())
                .bind(ticket.state.is_open())
                .bind(ticket.class.map_or("", Class::letter))
                .bind(ticket.cause.map_or("", Cause::name))
                .bind(text(ticket.segment_name()))
                .bind(ticket.side.map_or("", Side::name))
                .bind(ticket.severity.name())
                .bind(text(&ticket.key))
                .bind(ticket.owner.as_deref().map(text))
                .bind(ticket.candidate)
                .bind(ticket.registered_at)
                .bind(ticket.updated_at)
                .bind(body)
                .bind(ticket.is_reported())
                .bind(customer_of(ticket).map(text))
                .bind(ticket.process.parent.as_ref().map(|parent| text(&parent.0)))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("keep ticket", ticket.number, error))?;
        Ok(rows == 1)
    }

    async fn update(&mut self, ticket: &Ticket, known_version: i64) -> Result<(), StoreError> {
        let body = JsonText::of("ticket", ticket)?;
        let rows = on_tx!(self.tx, connection => {
            sqlx::query(UPDATE_TICKET)
                .bind(&ticket.id.0)
                .bind(ticket.version)
                .bind(ticket.state.name())
                .bind(ticket.state.is_open())
                .bind(ticket.class.map_or("", Class::letter))
                .bind(ticket.cause.map_or("", Cause::name))
                .bind(text(ticket.segment_name()))
                .bind(ticket.side.map_or("", Side::name))
                .bind(ticket.severity.name())
                .bind(text(&ticket.key))
                .bind(ticket.owner.as_deref().map(text))
                .bind(ticket.candidate)
                .bind(ticket.updated_at)
                .bind(body)
                .bind(known_version)
                .bind(ticket.process.parent.as_ref().map(|parent| text(&parent.0)))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("keep ticket", ticket.number, error))?;
        if rows == 1 {
            return Ok(());
        }
        // Within the writer's transaction nobody else changes tickets: the row contradicts itself.
        Err(StoreError::inconsistent(
            "ticket",
            "version",
            &ticket.id,
            "it differs from the version in its body",
        ))
    }

    async fn add_aliases(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        for alias in &ticket.aliases {
            on_tx!(self.tx, connection => {
                sqlx::query(INSERT_ALIAS).bind(text(alias)).bind(&ticket.id.0).execute(connection).await.map(drop)
            })
            .map_err(|error| StoreError::of("keep alias", alias, error))?;
        }
        Ok(())
    }

    /// Keeps the tags by which lists are filtered (R49).
    pub(super) async fn keep_tags(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        let fail = |error| StoreError::of("keep the tags of ticket", ticket.number, error);
        on_tx!(self.tx, connection => {
            sqlx::query(FORGET_TAGS).bind(&ticket.id.0).execute(connection).await.map(drop)
        })
        .map_err(fail)?;
        for tag in &ticket.process.tags {
            on_tx!(self.tx, connection => {
                sqlx::query(INSERT_TAG).bind(text(tag)).bind(&ticket.id.0).execute(connection).await.map(drop)
            })
            .map_err(fail)?;
        }
        Ok(())
    }

    /// Adds the event to the chain, and to the outbox if people are to be told.
    pub(super) async fn record(
        &mut self,
        applied: &Applied,
        event: Event,
        actor: Actor,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let id = &applied.ticket.id;
        let payload = serde_json::to_string(&event)
            .map_err(|source| StoreError::Encode { object: "event", source: std::sync::Arc::new(source) })?;
        let actor = Actor(text(&actor.0).into_owned());
        let (newest, previous) = &self.head;
        let seq = newest + 1;
        let hash = chain::hash(&chain::Link {
            previous,
            seq,
            ticket: &id.0,
            at,
            actor: &actor.0,
            payload: &payload,
        });
        let is_notice = applied.effects.contains(&Effect::Notify);
        on_tx!(self.tx, connection => {
            let inserted = sqlx::query(INSERT_EVENT)
                .bind(seq)
                .bind(&id.0)
                .bind(at)
                .bind(&actor.0)
                .bind(event.name())
                .bind(&payload)
                .bind(visibility_name(event.visibility()))
                .bind(previous)
                .bind(&hash)
                .execute(&mut *connection)
                .await
                .map(drop);
            match inserted {
                Ok(()) if is_notice => {
                    sqlx::query(INSERT_OUTBOX).bind(seq).bind(at).execute(&mut *connection).await.map(drop)
                }
                other => other,
            }
        })
        .map_err(|error| StoreError::of("keep event", seq, error))?;
        if applied.ticket.is_reported() {
            self.keep_clocks(&applied.ticket, at).await?;
        }
        self.head = (seq, hash.clone());
        self.committed.recorded.push(RecordedEvent { seq, ticket: id.clone(), at, actor, event, hash });
        for effect in &applied.effects {
            if let Effect::Remeasure { targets } = effect {
                self.committed.remeasure.push(targets.clone());
            }
        }
        Ok(())
    }
}

/// Whose it is, for the column that lists are filtered by.
fn customer_of(ticket: &Ticket) -> Option<&str> {
    let customer = ticket.registration.as_ref()?.customer.as_ref()?;
    Some(&customer.customer)
}

const fn visibility_name(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Internal => "internal",
        Visibility::Customer => "customer",
    }
}
