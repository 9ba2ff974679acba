//! Looks at the clocks and promises that have come due, and lets each ask for its thing once (R67 to R88).
//!
//! What is due is read from an index; what is to be done is computed from the ticket itself; done is what the event
//! chain says is done. A death between the two loses nothing and repeats nothing: the key is written with the event.
//! Also closes what was settled longer ago than the reopen window.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use linesman_deadlines::clock::{Call as Asked, Clock, LogEntry};
use linesman_deadlines::policy::{Caller, Milestone, Urgency};
use linesman_process::role::Role;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::procedure;
use crate::settings::Settings;
use crate::store::duties::new_customer_key;
use crate::store::process::{ClockCursor, WantedTicket};
use crate::store::{Store, StoreError, TicketFilter, TicketWriter, WriteError};
use crate::ticket::deed::{Call, Deed};
use crate::ticket::registration::CustomerRef;
use crate::ticket::{Actor, Event, Intake, Registration, Ticket, TicketId, TicketKind, TicketText, clocks};

use super::every::Every;

/// How often.
const TICK: Duration = Duration::from_secs(5);
/// The policy that follows up a new customer (R78).
const NEW_CUSTOMER: &str = "follow-up-new-customer";
/// Whoever became a customer more days ago is not new any more, also where nobody looked in time.
const NEW_FOR: u64 = 92;
/// Rows read at once.
const PAGE: u32 = 256;

/// What the sweep works with.
pub struct Sweep {
    /// Tickets, to read.
    pub store: Store,
    /// Tickets, to change.
    pub writer: TicketWriter,
    /// How long a settled ticket may be reopened.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

impl Sweep {
    /// Runs until asked to stop.
    pub async fn run(self) {
        let mut every = Every::new(TICK, &self.soft);
        while every.look().await {
            let now = self.clock.now_utc();
            match self.sweep(now).await {
                Ok(done) => {
                    self.metrics.worker_succeeded("clocks", now);
                    if done > 0 {
                        tracing::info!(done, "deadlines and promises asked for something");
                    }
                }
                Err(error) => tracing::error!(%error, "deadlines were not looked at; trying again"),
            }
        }
    }

    /// Everything that has come due by an instant; says how many things were asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<usize, WriteError> {
        let mut done = 0;
        let mut after: Option<ClockCursor> = None;
        loop {
            let page = self.store.due_clocks(now, after.as_ref(), PAGE).await?;
            let Some(last) = page.last().cloned() else { break };
            let mut seen: Option<&TicketId> = None;
            for (_, id) in &page {
                if self.soft.is_cancelled() {
                    return Ok(done);
                }
                if seen != Some(id) {
                    done += self.look_at(id, now).await?;
                    seen = Some(id);
                }
            }
            after = Some(last);
        }
        done += self.new_customers(now).await?;
        done += self.hand_over(now).await?;
        self.close(now).await?;
        Ok(done)
    }

    /// Gives open tickets of whoever is absent to whoever has the work meanwhile, and back (R98).
    async fn hand_over(&self, now: DateTime<Utc>) -> Result<usize, WriteError> {
        let people = self.store.people().await?;
        let mut done = 0;
        if people.persons().next().is_none() {
            return Ok(done);
        }
        for owner in self.store.owners().await? {
            let filter = TicketFilter { open: Some(true), owner: Some(owner), ..TicketFilter::default() };
            let mut after = None;
            loop {
                let page = self.store.tickets(&filter, after.as_ref(), PAGE).await?;
                for ticket in &page.tickets {
                    let Some(deed) = crate::ticket::people::hand_over(ticket, &people, now) else { continue };
                    match self.writer.apply(&ticket.id, None, Event::from(deed), Actor::linesman()).await {
                        Ok(_) => done += 1,
                        Err(WriteError::Refused(refusal)) => {
                            tracing::debug!(%refusal, "handed over meanwhile")
                        }
                        Err(error) => return Err(error),
                    }
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(done)
    }

    async fn look_at(&self, id: &TicketId, now: DateTime<Utc>) -> Result<usize, WriteError> {
        let ticket = match self.store.ticket(id).await {
            Ok(Some(ticket)) => ticket,
            Ok(None) => return Ok(0),
            // One damaged ticket must not hold up the others.
            Err(error @ StoreError::Inconsistent { .. }) => {
                tracing::error!(%error, "the deadlines of a ticket are left out");
                return Ok(0);
            }
            Err(error) => return Err(error.into()),
        };
        let mut done = 0;
        for deed in clocks::due_deeds(&ticket, now) {
            if let Deed::ClockCalled { call: Call::Trigger, key, .. } = &deed {
                // Registered before the call is written, by a key of its own: a death between makes no second one.
                self.follow_up(&ticket, &key.0, now).await?;
            }
            // The guard knows what was asked for before; whatever else changed meanwhile does not matter.
            match self.writer.apply(id, None, Event::from(deed), Actor::linesman()).await {
                Ok(_) => done += 1,
                Err(WriteError::Refused(refusal)) => tracing::debug!(%refusal, "asked for meanwhile"),
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Registers the follow-up that a deadline triggers (R78, R123).
    async fn follow_up(&self, ticket: &Ticket, key: &str, now: DateTime<Utc>) -> Result<(), WriteError> {
        let Some(intake) = Intake::follow_up(ticket, now, Urgency::Routine) else { return Ok(()) };
        let wanted = WantedTicket {
            intake,
            text: TicketText::of(&format!("{}: R78", ticket.number)),
            key: Some(format!("{}/{key}", ticket.id)),
        };
        self.registered(wanted).await
    }

    async fn registered(&self, wanted: WantedTicket) -> Result<(), WriteError> {
        match self.writer.register(wanted, Actor::linesman()).await {
            Ok(_) => Ok(()),
            Err(WriteError::Refused(refusal)) => {
                tracing::error!(%refusal, "a follow-up was not registered");
                Ok(())
            }
            // Nobody is there to be called any more.
            Err(WriteError::NoCustomer(_) | WriteError::NoContact(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Registers the follow-up of everybody whose first month as a customer is over (R78), once; says how many.
    async fn new_customers(&self, now: DateTime<Utc>) -> Result<usize, WriteError> {
        let policy = procedure::deadlines_at(now).and_then(|table| table.get(NEW_CUSTOMER));
        let Some(policy) = policy else { return Ok(0) };
        let Some(calendar) = procedure::in_force().calendars.get(&policy.calendar) else { return Ok(0) };
        let today = calendar.date(now);
        let back = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let (mut done, mut after) = (0, String::new());
        loop {
            let page = self.store.new_customers(back(NEW_FOR), today, &after, PAGE).await?;
            let Some((last, _)) = page.last().cloned() else { return Ok(done) };
            for (customer, started_on) in page {
                let began = calendar.zone().day_begins(started_on);
                let log = [LogEntry::happened(began, Milestone::CustomerStarted)];
                let clock = Clock { policy, calendar, log: &log };
                let actions = clock.due_actions(now, None, &BTreeSet::new()).unwrap_or_default();
                if actions.iter().any(|action| action.call == Asked::Trigger) {
                    self.follow_up_new(&customer, &policy.rule, now).await?;
                    done += 1;
                }
            }
            after = last;
        }
    }

    async fn follow_up_new(&self, customer: &str, rule: &str, now: DateTime<Utc>) -> Result<(), WriteError> {
        let people = self.store.people().await?;
        let does_it = |role| people.persons().find(|person| person.roles.contains(&role));
        let owner = does_it(Role::FollowUpAgent).or_else(|| does_it(Role::ServiceManager));
        let text = TicketText::of(&format!("{rule}: {customer}"));
        let registration = Registration {
            customer: Some(CustomerRef { customer: customer.to_owned(), contact: None }),
            caller: Some(Caller::Existing),
            ..Registration::automatic(now, Urgency::Routine)
        };
        let first_owner =
            owner.map_or_else(|| Actor::linesman().0, |person| people.login_of(&person.id).to_owned());
        let department = owner.map(|person| person.department.clone());
        let intake =
            Intake { first_owner, department, ..Intake::automatic(TicketKind::FollowUp, registration) };
        self.registered(WantedTicket { intake, text, key: Some(new_customer_key(customer)) }).await
    }

    /// Closes what nobody reopened in time.
    async fn close(&self, now: DateTime<Utc>) -> Result<(), WriteError> {
        let window = self.settings.borrow().tickets.reopen_window;
        let window = TimeDelta::from_std(window).unwrap_or(TimeDelta::MAX);
        let mut after: Option<TicketId> = None;
        loop {
            let ids = self.store.reopen_windows_over(now, window, after.as_ref(), PAGE).await?;
            let Some(last) = ids.last().cloned() else { return Ok(()) };
            for id in &ids {
                match self.writer.apply(id, None, Event::Closed, Actor::linesman()).await {
                    // With open tickets below it stays, and is looked at again.
                    Ok(_) | Err(WriteError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            after = Some(last);
        }
    }
}
