//! Drafts an article of every solved ticket of class B, C or D (R108), and says so on tickets that people confirm.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{Store, StoreError, TicketWriter, WriteError};
use crate::ticket::process::RecordKind;
use crate::ticket::{Actor, Deed, Event};

use super::every::Every;

/// How often.
const TICK: Duration = Duration::from_secs(10);
/// What was solved longer ago leaves no draft any more: nobody remembers it.
const LOOK_BACK: TimeDelta = TimeDelta::days(31);
/// Looks overlap by so much: a ticket is dated before it is committed.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// What the loop works with.
pub struct Learner {
    /// Articles and tickets.
    pub store: Store,
    /// Tickets, to file the article.
    pub writer: TicketWriter,
    /// The inventory: kinds of elements.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

impl Learner {
    /// Runs until asked to stop.
    pub async fn run(self) {
        let mut since = self.clock.now_utc() - LOOK_BACK;
        let mut every = Every::new(TICK, &self.soft);
        while every.look().await {
            let now = self.clock.now_utc();
            match self.learn(since, now).await {
                Ok(drafted) => {
                    if drafted == 0 {
                        since = now - OVERLAP;
                    }
                    self.metrics.worker_succeeded("learn", now);
                    if drafted > 0 {
                        tracing::info!(drafted, "solved tickets left drafts of articles");
                    }
                }
                Err(error) => tracing::error!(%error, "solved tickets left no drafts; trying again"),
            }
        }
    }

    /// Drafts what is due of tickets changed since; says how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn learn(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let inventory = self.settings.borrow().inventory.clone();
        let linesman = Actor::linesman();
        let mut drafted = 0;
        for ticket in self.store.tickets_without_draft(since).await? {
            let article = self.store.draft_article(&ticket, &inventory, &linesman.0, now).await?;
            drafted += 1;
            if !ticket.is_reported() || ticket.process.has(RecordKind::Knowledge) {
                continue;
            }
            let deed = Deed::RecordFiled {
                kind: RecordKind::Knowledge,
                evidence: None,
                reference: article.number_text(),
            };
            match self.writer.apply(&ticket.id, None, Event::from(deed), linesman.clone()).await {
                // What was closed meanwhile has its article all the same.
                Ok(_) | Err(WriteError::Refused(_)) => {}
                Err(WriteError::Store(error)) => return Err(error),
                Err(error) => tracing::warn!(%error, number = %ticket.number, "the article was not filed"),
            }
        }
        Ok(drafted)
    }
}
