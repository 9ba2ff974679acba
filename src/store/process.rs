//! Tickets that people register: registration, their words, repeated registrations, clocks, and the open tickets of
//! a customer's path. What such a ticket may become is decided by [`crate::ticket`].

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::QueryBuilder;

use crate::diagnosis::FaultState;
use crate::id::{os_random, uuid_v7};
use crate::locale::Message;
use crate::ticket::chain::hex;
use crate::ticket::clocks::{self, REOPEN_WINDOW};
use crate::ticket::event::{Actor, Event};
use crate::ticket::registration::CustomerRef;
use crate::ticket::{
    self, Around, Deed, Intake, Refusal, State, Ticket, TicketId, TicketKind, TicketText, waits,
};

use super::backend::{on, on_tx};
use super::change::Change;
use super::customers::{ContactId, CustomerId, has_contact, keep_words, link_ticket, version_of};
use super::json::text;
use super::tickets::{TicketRow, understood};
use super::{Store, StoreError, WriteError};

pub(super) const REGISTERED_BY_KEY: &str =
    "SELECT request, ticket_id FROM ticket_idempotency WHERE actor = $1 AND key = $2";
pub(super) const KEEP_KEY: &str =
    "INSERT INTO ticket_idempotency (actor, key, request, ticket_id, at) VALUES ($1, $2, $3, $4, $5)";
pub(super) const FORGET_CLOCKS: &str = "DELETE FROM ticket_clock WHERE ticket_id = $1";
pub(super) const INSERT_CLOCK: &str = "INSERT INTO ticket_clock (ticket_id, clock, due_at, next_at, state) \
     VALUES ($1, $2, $3, $4, $5)";
pub(super) const DUE_CLOCKS: &str = "SELECT next_at, ticket_id FROM ticket_clock \
     WHERE next_at <= $1 AND (next_at, ticket_id) > ($2, $3) ORDER BY next_at, ticket_id LIMIT $4";
pub(super) const REOPEN_WINDOWS_OVER: &str = "SELECT ticket_id FROM ticket_clock \
     WHERE clock = 'reopen-window' AND due_at <= $1 AND ticket_id > $2 ORDER BY ticket_id LIMIT $3";
pub(super) const WAITING: &str = "SELECT DISTINCT ticket_id FROM ticket_clock \
     WHERE clock IN ('announced-work', 'fault-over') AND ticket_id > $1 ORDER BY ticket_id LIMIT $2";
/// Open complaints and fault reports of late that no ticket explains.
pub(super) const LOOSE_COMPLAINTS: &str = "SELECT id, body FROM ticket WHERE is_open AND reported \
     AND parent_id IS NULL AND kind IN ('complaint', 'fault') AND registered_at >= $1 \
     ORDER BY registered_at, id LIMIT 2000";
/// Open tickets that may explain complaints: measured ones, and outages that were declared.
pub(super) const EXPLAINERS: &str = "SELECT id, body FROM ticket WHERE is_open AND NOT candidate AND segment <> '' \
     AND kind = 'fault' AND parent_id IS NULL ORDER BY registered_at, id LIMIT 2000";
pub(super) const OPEN_CHILDREN: &str = "SELECT id FROM ticket WHERE parent_id = $1 AND is_open ORDER BY id";
pub(super) const FOLLOW_UPS_OF_CUSTOMER: &str = "SELECT id, body FROM ticket WHERE customer = $1 \
     AND registered_at >= $2 AND kind = 'follow_up' AND is_open ORDER BY registered_at, id LIMIT 100";

/// More open tickets on one path are not told.
const MOST_ON_A_PATH: i64 = 20;

/// The key by which the second handling of a ticket is registered once (R80).
#[must_use]
pub fn second_handling_key(ticket: &TicketId) -> String {
    format!("{ticket}/second-handling")
}

/// A ticket to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTicket {
    /// What is registered.
    pub intake: Intake,
    /// The words.
    pub text: TicketText,
    /// The client's name for this registration: sent again it makes no second ticket.
    pub key: Option<String>,
}

impl WantedTicket {
    /// Covers what was asked for: the same request is the same registration. Chance and the time of reception, which
    /// is that of the request unless stated, are left out.
    fn fingerprint(&self) -> String {
        let words = TicketText { salt: String::new(), ..self.text.clone() };
        let mut hasher = Sha256::new();
        let registration = &self.intake.registration;
        let told = format!(
            "{:?}",
            (
                self.intake.kind,
                registration.channel,
                &registration.customer,
                &registration.element,
                registration.urgency,
                &self.intake.first_owner,
                self.intake.level,
            )
        );
        for field in [told.as_str(), &words.sha256()] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        hex(&hasher.finalize())
    }
}

/// A ticket that was registered.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredTicket {
    /// As it is.
    pub ticket: Ticket,
    /// It was registered before, by the same key.
    pub repeated: bool,
}

impl Change {
    /// Registers a ticket, or answers the one that the same key registered.
    pub(super) async fn register(
        &mut self,
        wanted: &WantedTicket,
        actor: &Actor,
    ) -> Result<Result<RegisteredTicket, WriteError>, StoreError> {
        let request = wanted.fingerprint();
        if let Some(key) = &wanted.key
            && let Some((known, id)) = self.registered_by(actor, key).await?
        {
            let ticket = self.ticket(&TicketId(id)).await?;
            return Ok(match ticket {
                Some(ticket) if known == request => Ok(RegisteredTicket { ticket, repeated: true }),
                _ => Err(WriteError::KeyReused),
            });
        }
        if !self.can_keep_words() {
            return Ok(Err(WriteError::Store(StoreError::NoKey)));
        }
        let customer = wanted.intake.registration.customer.as_ref();
        if let Some(refused) = self.refuse_customer(customer).await? {
            return Ok(Err(refused));
        }
        let id = TicketId(uuid_v7(self.now, os_random()?));
        let number = self.next_number().await?;
        let (mut applied, event) =
            match ticket::register(id, number, wanted.intake.clone(), &wanted.text, self.now) {
                Ok(registered) => registered,
                Err(refusal) => return Ok(Err(WriteError::Refused(refusal))),
            };
        // The event has its actor; forms and lists find the clerk here (R16).
        applied.ticket.process.received_by = Some(actor.0.clone());
        if let Some(parent) = &applied.ticket.process.parent
            && self.ticket(parent).await?.is_none()
        {
            return Ok(Err(WriteError::Unknown(parent.clone())));
        }
        if let Some(follows) = &applied.ticket.follows
            && applied.ticket.kind != TicketKind::FollowUp
        {
            let Some(before) = self.ticket(follows).await? else {
                return Ok(Err(WriteError::Unknown(follows.clone())));
            };
            if !before.state.is_final() {
                let sentence = Message::new("guard.follows_open").with("ticket", before.number);
                let unmet = vec![sentence.with("rule", "R104")];
                return Ok(Err(WriteError::Refused(Refusal { event: "registered", unmet })));
            }
        }
        if !self.insert(&applied.ticket).await? {
            return Err(StoreError::inconsistent("ticket", "number_count", number, "the number is taken"));
        }
        self.newest_numbers.insert(number.year, number.count);
        if !applied.ticket.process.tags.is_empty() {
            self.keep_tags(&applied.ticket).await?;
        }
        self.keep_text(&applied.ticket.id, &wanted.text).await?;
        if let Some(CustomerRef { customer, contact }) = customer {
            let (customer, contact) = (CustomerId(customer.clone()), contact.clone().map(ContactId));
            let (id, now) = (&applied.ticket.id.0, self.now);
            link_ticket(&mut self.tx, id, &customer, contact.as_ref(), now).await?;
        }
        if let Some(key) = &wanted.key {
            self.keep_key(actor, key, &request, &applied.ticket.id).await?;
        }
        let now = self.now;
        self.record(&applied, event, actor.clone(), now).await?;
        Ok(Ok(RegisteredTicket { ticket: applied.ticket, repeated: false }))
    }

    /// Whether words can be sealed: nothing of a person is kept in clear.
    pub(super) fn can_keep_words(&self) -> bool {
        self.keys.get().is_some()
    }

    /// Why nobody can be answered by this reference: he is not known, or not any more.
    async fn refuse_customer(
        &mut self,
        named: Option<&CustomerRef>,
    ) -> Result<Option<WriteError>, StoreError> {
        let Some(CustomerRef { customer, contact }) = named else { return Ok(None) };
        let id = CustomerId(customer.clone());
        if version_of(&mut self.tx, &id).await?.is_none() {
            return Ok(Some(WriteError::NoCustomer(customer.clone())));
        }
        match contact {
            Some(contact) if !has_contact(&mut self.tx, &id, contact).await? => {
                Ok(Some(WriteError::NoContact(contact.clone())))
            }
            _ => Ok(None),
        }
    }

    /// Open follow-ups of a ticket that its survey is the call of: a second handling waits for a person (R79, R80).
    pub(super) async fn follow_ups_to_meet(&mut self, ticket: &Ticket) -> Result<Vec<TicketId>, StoreError> {
        let known = ticket.registration.as_ref().and_then(|registration| registration.customer.as_ref());
        let Some(customer) = known.map(|known| known.customer.clone()) else { return Ok(Vec::new()) };
        let since = ticket.registered_at;
        let rows: Vec<TicketRow> = on_tx!(self.tx, connection => {
            sqlx::query_as(FOLLOW_UPS_OF_CUSTOMER)
                .bind(text(&customer))
                .bind(since)
                .fetch_all(connection)
                .await
        })
        .map_err(|error| StoreError::of("read the follow-ups of ticket", &ticket.id, error))?;
        let second = self.registered_by(&Actor::linesman(), &second_handling_key(&ticket.id)).await?;
        let second = second.map(|(_, id)| id);
        let mut ids = Vec::new();
        for row in rows {
            let other = understood(row)?;
            if other.follows.as_ref() == Some(&ticket.id) && second.as_ref() != Some(&other.id.0) {
                ids.push(other.id);
            }
        }
        Ok(ids)
    }

    async fn registered_by(
        &mut self,
        actor: &Actor,
        key: &str,
    ) -> Result<Option<(String, String)>, StoreError> {
        on_tx!(self.tx, connection => {
            sqlx::query_as(REGISTERED_BY_KEY)
                .bind(text(&actor.0))
                .bind(text(key))
                .fetch_optional(connection)
                .await
        })
        .map_err(|error| StoreError::of("look for the registration of", "a key", error))
    }

    async fn keep_key(
        &mut self,
        actor: &Actor,
        key: &str,
        request: &str,
        ticket: &TicketId,
    ) -> Result<(), StoreError> {
        let now = self.now;
        on_tx!(self.tx, connection => {
            sqlx::query(KEEP_KEY)
                .bind(text(&actor.0))
                .bind(text(key))
                .bind(request)
                .bind(&ticket.0)
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })
        .map_err(|error| StoreError::of("keep the key of ticket", ticket, error))
    }

    /// Keeps words that an event of the ticket names by their hash.
    pub(super) async fn keep_text(&mut self, id: &TicketId, words: &TicketText) -> Result<(), StoreError> {
        let keys = std::sync::Arc::clone(&self.keys);
        let keys = keys.get().ok_or(StoreError::NoKey)?;
        keep_words(&mut self.tx, keys, id, words, self.now).await
    }

    /// Writes anew when each clock of a ticket is due and has something to be done.
    pub(super) async fn keep_clocks(&mut self, ticket: &Ticket, at: DateTime<Utc>) -> Result<(), StoreError> {
        /// Name, when it is due, when something is to be done next, state.
        type Row = (String, DateTime<Utc>, Option<DateTime<Utc>>, &'static str);
        let mut rows: Vec<Row> = Vec::new();
        if !matches!(ticket.state, State::Rejected | State::Cancelled) {
            let known = clocks::clocks(ticket, at);
            let next = |name: &str| known.next.iter().find(|(of, _)| of == name).map(|(_, at)| *at);
            for clock in &known.standing {
                let state = if clocks::is_running(&clock.reading) { "open" } else { "over" };
                rows.push((clock.name.clone(), clock.reading.due_at, next(&clock.name), state));
            }
            if let Some(at) = next("promises") {
                rows.push(("promises".to_owned(), at, Some(at), "open"));
            }
            if let Some(at) = ticket.process.fault_over.filter(|_| ticket.state.is_open()) {
                rows.push((waits::FAULT_OVER.to_owned(), at, None, "open"));
            }
            if waits::rests_on_work(ticket, at) {
                rows.push((waits::ANNOUNCED_WORK.to_owned(), at, None, "open"));
            }
            if ticket.state == State::Settled {
                let since = ticket.process.state_since.unwrap_or(at);
                rows.push((REOPEN_WINDOW.to_owned(), since, None, "open"));
            }
        }
        let id = &ticket.id.0;
        on_tx!(self.tx, connection => {
            let forgotten = sqlx::query(FORGET_CLOCKS).bind(id).execute(&mut *connection).await;
            let mut done = forgotten.map(drop);
            for (name, due_at, next_at, state) in &rows {
                if done.is_err() {
                    break;
                }
                done = sqlx::query(INSERT_CLOCK)
                    .bind(id)
                    .bind(text(name))
                    .bind(*due_at)
                    .bind(*next_at)
                    .bind(*state)
                    .execute(&mut *connection)
                    .await
                    .map(drop);
            }
            done
        })
        .map_err(|error| StoreError::of("keep the clocks of ticket", &ticket.id, error))
    }

    /// What stands around a ticket, as far as the guards of an event ask.
    pub(super) async fn around(
        &mut self,
        ticket: &Ticket,
        event: &Event,
        actor: &Actor,
    ) -> Result<Around, StoreError> {
        let mut around = Around::default();
        match event {
            Event::Closed => {
                let open = self.open_children(&ticket.id).await?.len();
                around.open_children = u32::try_from(open).unwrap_or(u32::MAX);
            }
            Event::Deed(deed) => match &**deed {
                Deed::Assigned { .. } | Deed::Escalated { .. } | Deed::HandedOver { .. } => {
                    around.people = Some(self.people().await?);
                }
                Deed::ConfirmationRecorded { .. } => around.files = self.files(&ticket.id).await?,
                Deed::WalkBegun { .. }
                | Deed::Walked { .. }
                | Deed::Classified { .. }
                | Deed::LevelChanged { .. }
                | Deed::CompensationGranted { .. }
                | Deed::Routed { .. } => around.guide = self.guide(actor).await?,
                Deed::SolutionRecorded { .. } => {
                    around.guide = self.guide(actor).await?;
                    if let Some(parent) = &ticket.process.parent
                        && let Some(parent) = self.ticket(parent).await?
                        && parent.state.is_open()
                        && (parent.flapping.is_on()
                            || parent
                                .fault
                                .as_ref()
                                .is_some_and(|fault| matches!(fault.life, FaultState::Raised { .. })))
                    {
                        around.alarm = Some(parent.number.to_string());
                    }
                }
                Deed::Merged { into: other } | Deed::Linked { parent: Some(other) } => {
                    if let Some(other) = self.ticket(other).await? {
                        around.named_exists = true;
                        around.named_is_over = other.state.is_final();
                        around.named_is_bill = (!other.is_reported()).then(|| other.is_bill());
                        around.named_is_below = other.process.parent.as_ref() == Some(&ticket.id);
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(around)
    }

    /// Open tickets below a ticket.
    pub(super) async fn open_children(&mut self, id: &TicketId) -> Result<Vec<TicketId>, StoreError> {
        let ids: Vec<String> = on_tx!(self.tx, connection => {
            sqlx::query_scalar(OPEN_CHILDREN).bind(text(&id.0)).fetch_all(connection).await
        })
        .map_err(|error| StoreError::of("read the tickets below", id, error))?;
        Ok(ids.into_iter().map(TicketId).collect())
    }
}

/// A place in the list of clocks that have something to be done.
pub type ClockCursor = (DateTime<Utc>, TicketId);

impl Store {
    /// Open complaints and fault reports registered since, that no ticket explains; at most 2,000.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn loose_complaints(&self, since: DateTime<Utc>) -> Result<Vec<Ticket>, StoreError> {
        let rows: Vec<TicketRow> =
            on!(self, pool => sqlx::query_as(LOOSE_COMPLAINTS).bind(since).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read", "complaints that nothing explains", error))?;
        rows.into_iter().map(understood).collect()
    }

    /// Open tickets that may explain complaints: measured ones, and outages that were declared; at most 2,000.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn explainers(&self) -> Result<Vec<Ticket>, StoreError> {
        let rows: Vec<TicketRow> = on!(self, pool => sqlx::query_as(EXPLAINERS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("read", "tickets that may explain complaints", error))?;
        let tickets = rows.into_iter().map(understood).collect::<Result<Vec<Ticket>, _>>()?;
        let explains = |ticket: &Ticket| !ticket.is_reported() || ticket.process.is_outage;
        Ok(tickets.into_iter().filter(explains).collect())
    }

    /// Tickets of which a clock or promise has something to be done, by when; go on after the last one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_clocks(
        &self,
        now: DateTime<Utc>,
        after: Option<&ClockCursor>,
        limit: u32,
    ) -> Result<Vec<ClockCursor>, StoreError> {
        let (at, id) = after.map_or((DateTime::UNIX_EPOCH, ""), |(at, id)| (*at, id.0.as_str()));
        let rows: Vec<(DateTime<Utc>, String)> = on!(self, pool => {
            sqlx::query_as(DUE_CLOCKS)
                .bind(now)
                .bind(at)
                .bind(text(id))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })
        .map_err(|error| StoreError::of("read", "clocks that are due", error))?;
        Ok(rows.into_iter().map(|(at, id)| (at, TicketId(id))).collect())
    }

    /// Tickets that wait for the end of the fault above them or of announced work; go on after the last one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting_tickets(
        &self,
        after: Option<&TicketId>,
        limit: u32,
    ) -> Result<Vec<TicketId>, StoreError> {
        let ids: Vec<String> = on!(self, pool => {
            sqlx::query_scalar(WAITING)
                .bind(after.map_or("", |id| id.0.as_str()))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })
        .map_err(|error| StoreError::of("read", "tickets that wait", error))?;
        Ok(ids.into_iter().map(TicketId).collect())
    }

    /// Tickets settled so long ago that they may be closed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reopen_windows_over(
        &self,
        now: DateTime<Utc>,
        window: TimeDelta,
        after: Option<&TicketId>,
        limit: u32,
    ) -> Result<Vec<TicketId>, StoreError> {
        let settled_by = now.checked_sub_signed(window).unwrap_or(DateTime::UNIX_EPOCH);
        let ids: Vec<String> = on!(self, pool => {
            sqlx::query_scalar(REOPEN_WINDOWS_OVER)
                .bind(settled_by)
                .bind(after.map_or("", |id| id.0.as_str()))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })
        .map_err(|error| StoreError::of("read", "reopen windows that are over", error))?;
        Ok(ids.into_iter().map(TicketId).collect())
    }

    /// Open tickets of these elements, worst and newest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn open_tickets_at(&self, elements: &[String]) -> Result<Vec<Ticket>, StoreError> {
        if elements.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<TicketRow> = on!(self, pool => {
            let mut query = QueryBuilder::new("SELECT id, body FROM ticket WHERE is_open AND segment IN (");
            let mut list = query.separated(", ");
            for element in elements {
                list.push_bind(text(element).into_owned());
            }
            query.push(") ORDER BY registered_at DESC, id DESC LIMIT ").push_bind(MOST_ON_A_PATH);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read", "open tickets of a path", error))?;
        let mut tickets = rows.into_iter().map(understood).collect::<Result<Vec<Ticket>, _>>()?;
        tickets.sort_by_key(|ticket| std::cmp::Reverse((ticket.severity, ticket.registered_at)));
        Ok(tickets)
    }
}
