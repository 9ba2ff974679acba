//! Takes events out of the outbox, decides with the rules who is told, and keeps a loop a channel that tells them.
//!
//! The queue is the database: an event that was committed is told after any death of the process, at least once, and
//! under one key however often it is sent. A channel that is slow or away holds up neither another nor the tickets.

mod channel;
mod receipt;
mod send;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast, mpsc, watch};

use crate::clock::SharedClock;
use crate::lifecycle::Lifecycle;
use crate::live::{Change, Live, NotifyTest, NotifyTested};
use crate::metrics::Metrics;
use crate::notify::{EventRow, Notice, Outgoing, Standing, Verdict, When, rule};
use crate::settings::{ChannelSettings, Settings};
use crate::store::{Deciding, Store, StoreError, TicketWriter};

use channel::{ChannelLoop, last_chance};
use send::Sender;

/// Looked for at least so often.
pub const TICK: Duration = Duration::from_secs(2);
/// Events taken up in one transaction: tickets never wait long for it.
const MOST_AT_ONCE: u32 = 16;
/// How often the standings are shown.
const SHOW_EVERY: TimeDelta = TimeDelta::seconds(10);
/// How often what is old is forgotten.
const FORGET_EVERY: TimeDelta = TimeDelta::hours(1);
/// How long what was told is kept; what was given up stays until it is tried again.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Tests that may wait.
pub const TESTS: usize = 8;

/// A number from 0 to 1 that keeps those who failed together apart.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// What the notifier works with.
pub struct Notifier {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Outbox and deliveries.
    pub store: Store,
    /// Notes on a ticket that its customer has his receipt.
    pub writer: TicketWriter,
    /// Tells of new events.
    pub live: Arc<Live>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Tests that are asked for.
    pub tests: mpsc::Receiver<NotifyTest>,
    /// Wall time.
    pub clock: SharedClock,
    /// Jitter.
    pub chance: Chance,
    /// Looked for at least so often: [`TICK`] but for tests.
    pub tick: Duration,
    /// Owns the loops of the channels.
    pub lifecycle: Lifecycle,
}

/// A channel's loop as the notifier knows it.
struct Running {
    nudge: Arc<Notify>,
    ended: Arc<AtomicBool>,
}

impl Notifier {
    /// Runs until asked to stop.
    pub async fn run(mut self) {
        let soft = self.lifecycle.soft().clone();
        let mut changes = self.live.subscribe();
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        let (mut shown_at, mut forgotten_at) = (None, None);
        let mut known: Option<Arc<Settings>> = None;
        while !soft.is_cancelled() {
            let settings = self.settings.borrow_and_update().clone();
            let now = self.clock.now_utc();
            let went_well = async {
                if known.as_ref().is_none_or(|known| known.notify != settings.notify) {
                    self.take_over(&settings, known.as_deref()).await?;
                    known = Some(settings.clone());
                }
                self.start_channels(&settings, &mut running);
                while self.expand(&settings, &running).await? && !soft.is_cancelled() {}
                if is_time(&mut shown_at, now, SHOW_EVERY) {
                    self.show(&settings, now).await?;
                }
                if is_time(&mut forgotten_at, now, FORGET_EVERY) {
                    self.store.forget_told(now - KEPT).await?;
                }
                Ok::<(), StoreError>(())
            }
            .await;
            match went_well {
                Ok(()) => self.metrics.worker_succeeded("notify", self.clock.now_utc()),
                Err(error) => tracing::error!(%error, "events are not told; trying again"),
            }
            tokio::select! {
                () = soft.cancelled() => return,
                () = something_happened(&mut changes) => {}
                Ok(()) = self.settings.changed() => {}
                Some(test) = self.tests.recv() => self.test(test),
                () = tokio::time::sleep(self.tick) => {}
            }
        }
    }

    /// New settings: what waits for a channel that is no more goes to the dead ones.
    async fn take_over(&self, settings: &Settings, known: Option<&Settings>) -> Result<(), StoreError> {
        let names = names(settings);
        let reason = "the settings have no such channel any more";
        let buried = self.store.bury_orphans(&names, reason).await?;
        if buried > 0 {
            tracing::warn!(
                messages = buried,
                "gave up messages of channels that the settings no longer have"
            );
        }
        for gone in known.iter().flat_map(|known| &known.notify).filter(|old| !names.contains(&old.name)) {
            self.metrics.forget_channel(&gone.name);
        }
        Ok(())
    }

    fn start_channels(&self, settings: &Settings, running: &mut BTreeMap<String, Running>) {
        running.retain(|_, running| !running.ended.load(Ordering::Acquire));
        for channel in &settings.notify {
            if running.contains_key(&channel.name) {
                continue;
            }
            let begun = Running { nudge: Arc::default(), ended: Arc::default() };
            let looping = ChannelLoop {
                name: channel.name.clone(),
                settings: self.settings.clone(),
                store: self.store.clone(),
                writer: self.writer.clone(),
                metrics: self.metrics.clone(),
                clock: self.clock.clone(),
                chance: self.chance.clone(),
                tick: self.tick,
                nudge: begun.nudge.clone(),
                ended: begun.ended.clone(),
                soft: self.lifecycle.soft().clone(),
            };
            self.lifecycle.spawn(looping.run());
            running.insert(channel.name.clone(), begun);
        }
    }

    /// Takes events up; whether there may be more.
    async fn expand(
        &self,
        settings: &Settings,
        running: &BTreeMap<String, Running>,
    ) -> Result<bool, StoreError> {
        let rules = Rules { channels: &settings.notify };
        let taken = self.store.expand_outbox(&names(settings), MOST_AT_ONCE, &rules).await?;
        if taken > 0 {
            running.values().for_each(|running| running.nudge.notify_one());
        }
        Ok(taken >= MOST_AT_ONCE as usize)
    }

    async fn show(&self, settings: &Settings, now: DateTime<Utc>) -> Result<(), StoreError> {
        let standings = self.store.channel_standings().await?;
        for channel in &settings.notify {
            let standing = standings.iter().find(|standing| standing.channel == channel.name);
            let (waiting, dead) = standing.map_or((0, 0), |standing| (standing.waiting, standing.dead));
            let oldest = standing.and_then(|standing| standing.oldest_at);
            let overdue = oldest.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or_default();
            self.metrics.set_channel(&channel.name, waiting, dead, overdue);
        }
        Ok(())
    }

    /// Sends a test beside everything else.
    fn test(&self, test: NotifyTest) {
        let settings = self.settings.borrow().clone();
        let Some(channel) = settings.notify.iter().find(|channel| channel.name == test.channel).cloned()
        else {
            // Whoever asked may be gone.
            let _ = test.reply.send(None);
            return;
        };
        let (clock, soft) = (self.clock.clone(), self.lifecycle.soft().clone());
        self.lifecycle.spawn(async move {
            let notice = Notice::test(clock.now_utc(), &test.by);
            let outgoing = Outgoing::new(&channel.name, vec![notice]);
            let public_url = settings.http.public_url.as_deref();
            let sender = Sender::new();
            let verdict = tokio::select! {
                verdict = sender.send(&channel, &outgoing, public_url, clock.now_utc()) => verdict,
                () = last_chance(&soft) => return,
            };
            let (delivered, answer) = match verdict {
                Verdict::Delivered(answer) => (true, answer),
                Verdict::Later(answer, _) | Verdict::Never(answer) => (false, answer),
            };
            let _ = test.reply.send(Some(NotifyTested { delivered, answer }));
        });
    }
}

fn names(settings: &Settings) -> Vec<String> {
    settings.notify.iter().map(|channel| channel.name.clone()).collect()
}

fn is_time(last: &mut Option<DateTime<Utc>>, now: DateTime<Utc>, every: TimeDelta) -> bool {
    // A clock that went back does not stop it for ever.
    let due = last.is_none_or(|last| now - last >= every || now < last);
    if due {
        *last = Some(now);
    }
    due
}

/// Waits for an event of a ticket; whoever lags looks at everything.
async fn something_happened(changes: &mut broadcast::Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Ticket(_)) | Err(RecvError::Lagged(_)) => return,
            Ok(Change::Diagnosis(_) | Change::Settings) => {}
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
}

/// The rules of the settings, as the store asks them.
struct Rules<'s> {
    channels: &'s [ChannelSettings],
}

impl Deciding for Rules<'_> {
    fn notice(&self, row: &EventRow, previous: Option<&Notice>) -> Option<Notice> {
        match Notice::of(row, previous) {
            Ok(notice) => Some(notice),
            Err(error) => {
                tracing::error!(%error, "an event is left untold; run `linesman db check`");
                None
            }
        }
    }

    fn when(&self, channel: &str, notice: &Notice, standing: Standing, now: DateTime<Utc>) -> Option<When> {
        let channel = self.channels.iter().find(|known| known.name == channel)?;
        rule::when(channel, notice, standing, now)
    }
}
