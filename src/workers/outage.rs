//! Brings complaints and what explains them together (tickets.md 5.4): links those that came before their fault was
//! seen, and declares an outage where five customers share an element that nothing measured. What the end of a fault
//! means for each of them is [`super::waiting`]'s.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::policy::Urgency;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::every::Every;
use super::waiting::elements_of;
use crate::clock::SharedClock;
use crate::id::os_random;
use crate::inventory::Inventory;
use crate::live::{Order, Orders};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::process::WantedTicket;
use crate::store::{Store, StoreError, TicketWriter, WriteError};
use crate::ticket::chain::hex;
use crate::ticket::outage::{self, Explainer, Loose, Step};
use crate::ticket::{Actor, Deed, Event, Intake, Registration, Ticket, TicketId, TicketKind, TicketText};

/// How often.
const TICK: Duration = Duration::from_secs(5);
/// Complaints of so long are looked at: what explains one may be seen a while after it.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

/// What the loop works with.
pub struct Outages {
    /// The inventory: paths.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Tickets, to read.
    pub store: Store,
    /// Tickets, to change.
    pub writer: TicketWriter,
    /// Asks for measurements.
    pub orders: Orders,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

impl Outages {
    /// Runs until asked to stop.
    pub async fn run(self) {
        let mut every = Every::new(TICK, &self.soft);
        while every.look().await {
            let now = self.clock.now_utc();
            match self.look(now).await {
                Ok(()) => self.metrics.worker_succeeded("outage", now),
                Err(error) => {
                    tracing::error!(%error, "complaints were not brought in line with faults; trying again");
                }
            }
        }
    }

    /// One look: links, declares, merges.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self, now: DateTime<Utc>) -> Result<(), WriteError> {
        let inventory = self.settings.borrow().inventory.clone();
        let complaints = self.store.loose_complaints(now - LOOK_BACK).await?;
        let mut loose: Vec<Loose> = Vec::new();
        for ticket in complaints.iter().filter(|ticket| may_be_linked(ticket)) {
            let path = inventory.path_to_all(&elements_of(&self.store, ticket).await?);
            if !path.is_empty() {
                loose.push(as_loose(ticket, path));
            }
        }
        let explainers: Vec<Explainer> =
            self.store.explainers().await?.iter().filter_map(as_explainer).collect();
        for step in outage::plan(&loose, &explainers, now) {
            match step {
                Step::Link { child, parent } => {
                    self.let_happen(&child, Deed::Linked { parent: Some(parent) }).await?;
                }
                Step::Merge { outage, into } => self.let_happen(&outage, Deed::Merged { into }).await?,
                Step::Declare { segment, children } => {
                    self.declare(&segment, &children, &inventory, now).await?;
                }
            }
        }
        Ok(())
    }

    /// Lets something happen to a ticket; what stands against it, the next look sees.
    async fn let_happen(&self, ticket: &TicketId, deed: Deed) -> Result<(), WriteError> {
        match self.writer.apply(ticket, None, Event::from(deed), Actor::linesman()).await {
            Ok(_) => Ok(()),
            Err(WriteError::Refused(refusal)) => {
                tracing::debug!(%refusal, %ticket, "not now");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// A ticket for an outage that complaints tell of; registered once for its first complaint.
    async fn declare(
        &self,
        segment: &str,
        children: &[TicketId],
        inventory: &Inventory,
        now: DateTime<Utc>,
    ) -> Result<(), WriteError> {
        let Some(first) = children.first() else { return Ok(()) };
        let chance: [u8; 16] = os_random().map_err(StoreError::from)?;
        let text = TicketText { salt: hex(&chance), ..TicketText::of(&format!("R60: {segment}")) };
        let linesman = Actor::linesman();
        let registration = Registration {
            element: Some(segment.to_owned()),
            ..Registration::automatic(now, Urgency::Urgent)
        };
        let wanted = WantedTicket {
            intake: Intake::automatic(TicketKind::Fault, registration),
            text,
            // After a death between the two the same complaint finds the same ticket.
            key: Some(format!("outage/{first}")),
        };
        let registered = match self.writer.register(wanted, linesman).await {
            Ok(registered) => registered,
            Err(WriteError::Refused(refusal)) => {
                tracing::error!(%refusal, segment, "an outage was not declared");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let id = registered.ticket.id;
        let complaints = u32::try_from(children.len()).unwrap_or(u32::MAX);
        tracing::warn!(number = %registered.ticket.number, segment, complaints, first = %first, "declared an outage");
        self.let_happen(&id, Deed::OutageDeclared { segment: segment.to_owned(), complaints }).await?;
        for child in children {
            self.let_happen(child, Deed::Linked { parent: Some(id.clone()) }).await?;
        }
        // Nothing is hidden behind it before it was looked at itself.
        self.measure(&[segment.to_owned()], inventory);
        Ok(())
    }

    fn measure(&self, elements: &[String], inventory: &Inventory) {
        let indexes = elements.iter().filter_map(|name| inventory.find(name));
        let targets: Vec<String> =
            indexes.flat_map(|index| inventory.targets_of(index)).map(|target| target.name.clone()).collect();
        if !targets.is_empty() {
            // They are measured at their interval anyway.
            let _ = self.orders.try_send(Order::Remeasure(targets));
        }
    }
}

fn may_be_linked(ticket: &Ticket) -> bool {
    !ticket.process.stands_alone && !ticket.process.is_outage
}

fn as_loose(ticket: &Ticket, path: Vec<String>) -> Loose {
    let customer = ticket.registration.as_ref().and_then(|known| known.customer.as_ref());
    Loose {
        id: ticket.id.clone(),
        // Of an unknown caller each ticket counts.
        customer: customer.map_or_else(|| ticket.id.0.clone(), |known| known.customer.clone()),
        registered_at: ticket.registered_at,
        path,
    }
}

fn as_explainer(ticket: &Ticket) -> Option<Explainer> {
    Some(Explainer {
        id: ticket.id.clone(),
        segment: ticket.segment.clone()?,
        measured: ticket.fault.is_some(),
        since: ticket.detected_at,
    })
}
