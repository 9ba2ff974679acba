//! One channel's loop: what is due, in its order, one message after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Chance;
use super::receipt::Customers;
use super::send::Sender;
use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::notify::{Outgoing, Verdict, retry};
use crate::settings::{Audience, ChannelSettings, Settings};
use crate::store::{DueDelivery, Store, StoreError, TicketWriter};

/// Deliveries looked at in one round, and most in one message.
const MOST_AT_ONCE: u32 = 50;
/// More that wait for people at once are one message: nobody reads a flood.
const FLOOD: usize = 5;
/// Others of the channel wait no longer than this for one that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After the database did not answer.
const DATABASE_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// How long a message under way may keep a stop waiting; it is sent again at the next start, under its key.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// What a channel's loop works with.
pub(super) struct ChannelLoop {
    pub(super) name: String,
    pub(super) settings: watch::Receiver<Arc<Settings>>,
    pub(super) store: Store,
    pub(super) writer: TicketWriter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SharedClock,
    pub(super) chance: Chance,
    pub(super) tick: Duration,
    pub(super) nudge: Arc<Notify>,
    /// Set when the loop has ended: never two of one name.
    pub(super) ended: Arc<AtomicBool>,
    pub(super) soft: CancellationToken,
}

/// What the channel has seen of its receiver.
#[derive(Default)]
struct Receiver {
    sender: Option<Sender>,
    sent_at: Option<Instant>,
    not_before: Option<DateTime<Utc>>,
}

/// Says that the loop has ended, however it did.
struct End(Arc<AtomicBool>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl ChannelLoop {
    /// Runs until asked to stop, or until the settings have no such channel any more.
    pub(super) async fn run(mut self) {
        let _end = End(self.ended.clone());
        let mut receiver = Receiver::default();
        loop {
            let settings = self.settings.borrow_and_update().clone();
            let Some(channel) = settings.notify.iter().find(|channel| channel.name == self.name) else {
                return;
            };
            let public_url = settings.http.public_url.as_deref();
            if let Err(error) = self.round(channel, public_url, &mut receiver).await {
                // What was sent and could not be noted is not sent again at once.
                receiver.not_before = Some(self.clock.now_utc() + DATABASE_PAUSE);
                tracing::error!(%error, channel = self.name, "deliveries cannot be read or noted; trying again");
            }
            tokio::select! {
                () = self.soft.cancelled() => return,
                () = self.nudge.notified() => {}
                Ok(()) = self.settings.changed() => {}
                () = tokio::time::sleep(self.tick) => {}
            }
        }
    }

    /// Tells what is due, until something fails.
    async fn round(
        &self,
        channel: &ChannelSettings,
        public_url: Option<&str>,
        receiver: &mut Receiver,
    ) -> Result<(), StoreError> {
        loop {
            if receiver.not_before.is_some_and(|not_before| self.clock.now_utc() < not_before) {
                return Ok(());
            }
            let due = self.store.due_deliveries(&self.name, MOST_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for group in groups(channel, due) {
                if self.soft.is_cancelled() {
                    return Ok(());
                }
                let group = self.whole(group).await?;
                if group.is_empty() {
                    continue;
                }
                if !self.tell(channel, public_url, group, receiver).await? {
                    return Ok(());
                }
            }
        }
    }

    /// A message that was tried before is made of the same events; one that is gathered now is fixed first.
    async fn whole(&self, group: Vec<DueDelivery>) -> Result<Vec<DueDelivery>, StoreError> {
        if let Some(batch) = group.first().and_then(|first| first.batch) {
            return self.store.batch_deliveries(&self.name, batch).await;
        }
        if group.len() > 1 {
            self.store.seal_deliveries(&self.name, &seqs(&group)).await?;
        }
        Ok(group)
    }

    /// Sends one message and notes what came of it; whether the next may follow.
    async fn tell(
        &self,
        channel: &ChannelSettings,
        public_url: Option<&str>,
        mut group: Vec<DueDelivery>,
        receiver: &mut Receiver,
    ) -> Result<bool, StoreError> {
        group.sort_by_key(|delivery| delivery.seq);
        let seqs = seqs(&group);
        let attempts = group.iter().map(|delivery| delivery.attempts).max().unwrap_or(0);
        let tried_at = group.iter().filter_map(|delivery| delivery.tried_at).min();
        let outgoing = Outgoing::new(&self.name, group.into_iter().map(|delivery| delivery.notice).collect());
        if let Some(sent_at) = receiver.sent_at {
            let next = sent_at + retry::least_pause(channel.kind);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.soft.cancelled() => return Ok(false),
            }
        }
        let now = self.clock.now_utc();
        let verdict = if channel.audience == Audience::Customers {
            let sender = receiver.sender.get_or_insert_with(Sender::new);
            let (store, writer) = (&self.store, &self.writer);
            // Noted on the ticket as soon as it was handed over: never torn apart.
            Customers { store, writer, channel, public_url, sender }.tell(&outgoing, now).await?
        } else {
            let sender = receiver.sender.get_or_insert_with(Sender::new);
            tokio::select! {
                verdict = sender.send(channel, &outgoing, public_url, now) => verdict,
                () = last_chance(&self.soft) => return Ok(false),
            }
        };
        receiver.sent_at = Some(Instant::now());
        match verdict {
            Verdict::Delivered(_) => {
                self.metrics.notified(&self.name, "delivered");
                receiver.not_before = None;
                self.store.delivered(&self.name, &seqs).await?;
                Ok(true)
            }
            Verdict::Never(error) => {
                self.bury(&seqs, &outgoing.key, &error).await?;
                Ok(true)
            }
            Verdict::Later(error, asked) => {
                let now = self.clock.now_utc();
                let attempts = u32::try_from(attempts + 1).unwrap_or(u32::MAX);
                let wait = retry::backoff(attempts, (self.chance)(), asked);
                let next_at = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
                let give_up = TimeDelta::from_std(channel.give_up).unwrap_or(TimeDelta::days(1));
                // A message that may be tried again must not keep the others waiting as long as itself,
                // unless the receiver asked for it.
                let pause = asked.unwrap_or_default().max(wait.min(LONGEST_PAUSE));
                receiver.not_before = TimeDelta::from_std(pause).ok().map(|pause| now + pause);
                if next_at - tried_at.unwrap_or(now) > give_up {
                    self.bury(&seqs, &outgoing.key, &error).await?;
                } else {
                    self.metrics.notified(&self.name, "failed");
                    tracing::warn!(
                        channel = self.name,
                        key = outgoing.key,
                        error,
                        attempts,
                        "not told; trying again"
                    );
                    self.store.not_delivered(&self.name, &seqs, Some(next_at), &error).await?;
                }
                Ok(false)
            }
        }
    }

    async fn bury(&self, seqs: &[i64], key: &str, error: &str) -> Result<(), StoreError> {
        self.metrics.notified(&self.name, "dead");
        tracing::error!(
            channel = self.name,
            key,
            error,
            "given up; `linesman notify dead` shows it, `linesman notify retry` tries it again"
        );
        self.store.not_delivered(&self.name, seqs, None, error).await
    }
}

/// Passes a moment after a stop was asked for.
pub(super) async fn last_chance(soft: &CancellationToken) {
    soft.cancelled().await;
    tokio::time::sleep(LAST_CHANCE).await;
}

fn seqs(group: &[DueDelivery]) -> Vec<i64> {
    group.iter().map(|delivery| delivery.seq).collect()
}

/// What goes in one message: what was tried together, what was gathered, and a flood; every other by itself.
fn groups(channel: &ChannelSettings, due: Vec<DueDelivery>) -> Vec<Vec<DueDelivery>> {
    let fresh = due.iter().filter(|delivery| delivery.batch.is_none() && delivery.attempts == 0).count();
    let is_alone = channel.kind.is_for_programs() || channel.audience == Audience::Customers;
    let is_flood = fresh > FLOOD && !is_alone;
    let mut seen = BTreeSet::new();
    let mut gathered: Option<usize> = None;
    let mut groups: Vec<Vec<DueDelivery>> = Vec::new();
    for delivery in due {
        if let Some(batch) = delivery.batch {
            if seen.insert(batch) {
                groups.push(vec![delivery]);
            }
            continue;
        }
        // What was tried alone keeps its key.
        let joins = delivery.attempts == 0 && (delivery.gathered || is_flood);
        match gathered {
            Some(place) if joins => groups[place].push(delivery),
            _ => {
                if joins {
                    gathered = Some(groups.len());
                }
                groups.push(vec![delivery]);
            }
        }
    }
    groups
}
