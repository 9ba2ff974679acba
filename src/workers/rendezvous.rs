//! Makes the tickets that the diagnosis wants. Running it twice changes nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::Keeper;
use crate::clock::SharedClock;
use crate::diagnosis::Fault;
use crate::inventory::ElementKind;
use crate::live::Live;
use crate::locale::Language;
use crate::maintenance::withhold;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::WriteError;
use crate::ticket::wanted::{Action, met, plan};
use crate::ticket::{State, Ticket};

/// Runs at least so often, for what time alone brings: settling and closing.
const TICK: Duration = Duration::from_secs(1);
/// So long after its end, announced work is named on what outlived it.
const OUTLIVED: TimeDelta = TimeDelta::days(7);

/// What the rendezvous works with.
pub struct Rendezvous {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The newest diagnosis.
    pub live: Arc<Live>,
    /// Tickets.
    pub keeper: Arc<dyn Keeper>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Told when there is a new look.
    pub nudge: Arc<Notify>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

impl Rendezvous {
    /// Runs until asked to stop.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.meet().await {
                tracing::error!(%error, "tickets were not brought in line with the faults; trying again");
            }
            tokio::select! {
                () = self.soft.cancelled() => return,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    async fn meet(&self) -> Result<(), WriteError> {
        let Some((generation, diagnosis)) = self.live.diagnosis() else { return Ok(()) };
        let settings = self.settings.borrow().clone();
        let bills = self.live.bills();
        let now = self.clock.now_utc();
        let mut faults = self.told(&settings, diagnosis.faults.clone(), now).await?;
        faults.extend(bills.iter().map(|(_, fault)| fault.as_ref().clone()));
        let keys: Vec<String> = faults
            .iter()
            .flat_map(|fault| std::iter::once(&fault.key).chain(&fault.aliases))
            .cloned()
            .collect();
        let tickets = self.keeper.tickets_for_planning(&keys).await?;
        let actions = plan(&faults, &tickets, &settings.tickets, now);
        let opened = actions.iter().any(|action| matches!(action, Action::Open { .. }));
        let changed =
            if actions.is_empty() { Vec::new() } else { self.keeper.carry_out(generation, actions).await? };
        for ticket in &changed {
            self.announce(ticket);
        }
        let open = if changed.is_empty() && !opened {
            tickets
        } else {
            self.keeper.tickets_for_planning(&keys).await?
        };
        for (run, fault) in &bills {
            let Some(standing) = met(fault, &open, &settings.tickets, now) else { continue };
            let ticket = standing.map(|ticket| &ticket.id);
            self.keeper.bill_planned(run, fault.last_seen, ticket).await?;
            self.live.bill_planned(fault);
        }
        let open: Vec<Ticket> = open.into_iter().filter(|ticket| ticket.state.is_open()).collect();
        let site_of = |segment: &str| {
            let inventory = &settings.inventory;
            let site = inventory.find(segment).and_then(|index| {
                let depends = &inventory.element(index).depends_on;
                depends.iter().find(|parent| inventory.element(**parent).kind == ElementKind::Site)
            });
            site.map(|index| inventory.element(*index).name.clone()).unwrap_or_default()
        };
        self.metrics.set_open_tickets(&open, site_of);
        self.metrics.worker_succeeded("rendezvous", now);
        Ok(())
    }

    /// The faults that tickets are told of; the others wait for the end of announced work.
    async fn told(
        &self,
        settings: &Settings,
        faults: Vec<Fault>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Fault>, WriteError> {
        let early = TimeDelta::from_std(settings.tickets.settle).unwrap_or(TimeDelta::MAX);
        let windows = self.keeper.announced_work(now - OUTLIVED, now + early).await?;
        let (told, withheld) = withhold(faults, &windows, &settings.inventory, early, now);
        self.metrics.set_announced_work(&windows, withheld.len(), now);
        self.live.set_withheld(withheld);
        Ok(told)
    }

    /// One line in the log for what an operator without pages would want to know.
    fn announce(&self, ticket: &Ticket) {
        if ticket.version == 1 {
            self.metrics.opened(ticket.severity, ticket.cause_name());
        }
        let sentence = ticket.headline().render(Language::English);
        let number = ticket.number.to_string();
        match ticket.state {
            State::Classified if ticket.version == 1 => {
                tracing::warn!(
                    number,
                    class = ticket.class_name(),
                    cause = ticket.cause_name(),
                    "opened: {sentence}"
                );
            }
            state => tracing::info!(number, state = state.name(), version = ticket.version, "ticket changed"),
        }
    }
}
