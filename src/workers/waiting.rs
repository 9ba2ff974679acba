//! Customers who wait for the end of a fault or of announced work: measured anew when it comes, each for himself.
//!
//! A complaint below a fault's ticket is not over because the fault is (tickets.md 5.4): the path of its customer is
//! measured again; good measurements prove it, bad ones take the ticket off the fault's. A promise that rests on
//! announced work is renewed when the work is moved, kept when the path is measured good after it, and broken when it
//! is measured bad (5.6, R86). What cannot be measured is left to people: not measured is never healthy.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use linesman_probes::observation::Outcome;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::diagnosis::{Diagnosis, ElementState, PollerState};
use crate::inventory::Inventory;
use crate::live::{Live, Order, Orders};
use crate::maintenance::{Change, Phase, Window};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::customers::CustomerId;
use crate::store::{Store, StoreError, TicketWriter, WriteError};
use crate::ticket::{Actor, Deed, Event, State, Ticket, TicketId, waits};

use super::every::Every;

/// How often.
const TICK: Duration = Duration::from_secs(5);
/// Rows read at once.
const PAGE: u32 = 256;
/// A path is ordered to be measured again no sooner than this.
const ORDER_AGAIN: TimeDelta = TimeDelta::seconds(30);
/// Targets of one path that are ordered.
const MOST_TARGETS: usize = 32;

/// What it works with.
pub struct Waiting {
    /// Tickets and announced work, to read.
    pub store: Store,
    /// Tickets, to change.
    pub writer: TicketWriter,
    /// What was measured last.
    pub live: Arc<Live>,
    /// Asks for measurements.
    pub orders: Orders,
    /// The inventory.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

/// What the measurements since then say of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Everything that is measured is good: what it was, element by element.
    Good(String),
    /// Something is bad.
    Bad(String),
    /// It cannot be told yet.
    Unknown,
}

/// What a path's measurements since an instant say; `measured_since` says whether a target was.
#[must_use]
pub fn health(
    inventory: &Inventory,
    diagnosis: &Diagnosis,
    path: &[String],
    since: DateTime<Utc>,
    measured_since: impl Fn(&str) -> bool,
) -> Health {
    if diagnosis.at < since || !matches!(diagnosis.poller, PollerState::Sound) {
        return Health::Unknown;
    }
    let (mut good, mut bad, mut open) = (Vec::new(), Vec::new(), false);
    for name in path {
        let Some(index) = inventory.find(name) else { continue };
        let targets: Vec<&str> = inventory.targets_of(index).map(|target| target.name.as_str()).collect();
        let Some(report) = diagnosis.elements.iter().find(|report| report.element == *name) else { continue };
        let is_new = !targets.is_empty() && targets.iter().any(|target| measured_since(target));
        match report.state {
            ElementState::Ok if is_new => good.push(name.as_str()),
            ElementState::Degraded | ElementState::Down if is_new => bad.push(name.as_str()),
            // Measured before, and not since: it may have changed.
            ElementState::Ok | ElementState::Degraded | ElementState::Down => open |= !targets.is_empty(),
            ElementState::Hidden => open = true,
            ElementState::Unknown => {}
        }
    }
    let at = diagnosis.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if !bad.is_empty() {
        return Health::Bad(format!("measured bad at {at}: {}", bad.join(", ")));
    }
    if open || good.is_empty() {
        return Health::Unknown;
    }
    Health::Good(format!("measured good at {at}: {}", good.join(", ")))
}

/// What one look remembers for the next.
#[derive(Debug, Default)]
pub struct Memory {
    ordered: HashMap<TicketId, DateTime<Utc>>,
}

impl Waiting {
    /// Runs until asked to stop.
    pub async fn run(self) {
        let mut every = Every::new(TICK, &self.soft);
        let mut memory = Memory::default();
        while every.look().await {
            let now = self.clock.now_utc();
            match self.look(now, &mut memory).await {
                Ok(done) => {
                    self.metrics.worker_succeeded("waiting", now);
                    if done > 0 {
                        tracing::info!(
                            done,
                            "told tickets what the end of a fault or of announced work means"
                        );
                    }
                }
                Err(error) => tracing::error!(%error, "those who wait were not looked at; trying again"),
            }
        }
    }

    /// Looks at everybody who waits; says how much was done.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self, now: DateTime<Utc>, memory: &mut Memory) -> Result<usize, WriteError> {
        memory.ordered.retain(|_, at| now - *at < ORDER_AGAIN);
        let mut windows: BTreeMap<String, Option<Window>> = BTreeMap::new();
        let mut done = 0;
        let mut after: Option<TicketId> = None;
        loop {
            let ids = self.store.waiting_tickets(after.as_ref(), PAGE).await?;
            let Some(last) = ids.last().cloned() else { return Ok(done) };
            for id in &ids {
                if self.soft.is_cancelled() {
                    return Ok(done);
                }
                let ticket = match self.store.ticket(id).await {
                    Ok(Some(ticket)) => ticket,
                    Ok(None) => continue,
                    Err(error @ StoreError::Inconsistent { .. }) => {
                        tracing::error!(%error, "a ticket that waits is left out");
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                done += self.fault_over(&ticket, now, memory).await?;
                done += self.announced_work(&ticket, now, memory, &mut windows).await?;
            }
            after = Some(last);
        }
    }

    /// The fault above is over: does this customer's path say so too?
    async fn fault_over(
        &self,
        ticket: &Ticket,
        now: DateTime<Utc>,
        memory: &mut Memory,
    ) -> Result<usize, WriteError> {
        let Some(since) = ticket.process.fault_over else { return Ok(0) };
        let detach = Event::from(Deed::Linked { parent: None });
        match self.judge(ticket, since, now, memory).await? {
            Health::Unknown => Ok(0),
            Health::Good(evidence) if ticket.state == State::Verifying => {
                self.does(ticket, Deed::Verified { passed: true, evidence }.into()).await
            }
            // Nobody works on it yet: people say what it was, with the measurement beside.
            Health::Good(_) => Ok(0),
            Health::Bad(evidence) => {
                let mut done = 0;
                if ticket.state == State::Verifying {
                    done += self.does(ticket, Deed::Verified { passed: false, evidence }.into()).await?;
                }
                Ok(done + self.does(ticket, detach).await?)
            }
        }
    }

    /// The announced work that was told to the customer: moved, over, or over and not good.
    async fn announced_work(
        &self,
        ticket: &Ticket,
        now: DateTime<Utc>,
        memory: &mut Memory,
        windows: &mut BTreeMap<String, Option<Window>>,
    ) -> Result<usize, WriteError> {
        let Some(id) = &ticket.process.window else { return Ok(0) };
        if !waits::rests_on_work(ticket, now) {
            return Ok(0);
        }
        let window = match windows.get(id) {
            Some(known) => known.clone(),
            None => {
                let window = self.store.window(id).await?;
                windows.insert(id.clone(), window.clone());
                window
            }
        };
        let Some(window) = window else { return Ok(0) };
        if window.cancelled_at.is_none() && waits::is_moved(ticket, window.ends_at, now) {
            let reason = window.changes.iter().rev().find_map(|change| match change {
                Change::Moved { reason, .. } => Some(reason.clone()),
                Change::Announced { .. } | Change::Cancelled { .. } => None,
            });
            let moved = Deed::WorkMoved {
                window: id.clone(),
                ends_at: window.ends_at,
                reason: reason.unwrap_or_else(|| window.text.clone()),
            };
            return self.does(ticket, moved.into()).await;
        }
        let over = match window.phase(now) {
            Phase::Ended => window.ends_at,
            Phase::Cancelled => window.cancelled_at.unwrap_or(window.ends_at),
            Phase::Planned | Phase::Running => return Ok(0),
        };
        match self.judge(ticket, over, now, memory).await? {
            Health::Unknown => Ok(0),
            Health::Bad(evidence) => {
                self.does(ticket, Deed::WorkOverran { window: id.clone(), evidence }.into()).await
            }
            Health::Good(evidence) => {
                let mut done = 0;
                for promise in waits::promises_of_work(ticket, now) {
                    let kept = Deed::PromiseKept { id: promise, evidence: evidence.clone() };
                    done += self.does(ticket, kept.into()).await?;
                }
                Ok(done)
            }
        }
    }

    async fn does(&self, ticket: &Ticket, event: Event) -> Result<usize, WriteError> {
        match self.writer.apply(&ticket.id, None, event, Actor::linesman()).await {
            Ok(_) => Ok(1),
            Err(WriteError::Refused(refusal)) => {
                tracing::debug!(%refusal, number = %ticket.number, "somebody was faster");
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// What the path of a ticket's customer says since then; asks for measurements where there are none.
    async fn judge(
        &self,
        ticket: &Ticket,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        memory: &mut Memory,
    ) -> Result<Health, StoreError> {
        let inventory = self.settings.borrow().inventory.clone();
        let path = inventory.path_to_all(&elements_of(&self.store, ticket).await?);
        let measured_since = |target: &str| {
            let seen = self.live.latest(target);
            seen.is_some_and(|seen| {
                seen.window.start >= since && seen.measured.outcome != Outcome::Unmeasured
            })
        };
        let known = self.live.diagnosis().map_or(Health::Unknown, |(_, diagnosis)| {
            health(&inventory, &diagnosis, &path, since, measured_since)
        });
        if known == Health::Unknown && !memory.ordered.contains_key(&ticket.id) {
            let own = path.iter().rev().filter_map(|name| inventory.find(name));
            let stale = own.flat_map(|index| inventory.targets_of(index)).map(|target| target.name.clone());
            let stale: Vec<String> =
                stale.filter(|target| !measured_since(target)).take(MOST_TARGETS).collect();
            if !stale.is_empty() && self.orders.try_send(Order::Remeasure(stale)).is_ok() {
                memory.ordered.insert(ticket.id.clone(), now);
            }
        }
        Ok(known)
    }
}

/// What of the network a ticket is about: what it names, else what its customer has.
pub(super) async fn elements_of(store: &Store, ticket: &Ticket) -> Result<Vec<String>, StoreError> {
    let Some(registration) = &ticket.registration else { return Ok(Vec::new()) };
    if let Some(element) = &registration.element {
        return Ok(vec![element.clone()]);
    }
    let Some(customer) = &registration.customer else { return Ok(Vec::new()) };
    let customer = store.customer(&CustomerId(customer.customer.clone())).await?;
    Ok(customer.map(|customer| customer.elements()).unwrap_or_default())
}
