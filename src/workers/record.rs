//! Keeps observations: in the live picture at once, in the store by batches.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use linesman_probes::observation::Observation;
use linesman_probes::probe::ProbeKind;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Keeper, Recent};
use crate::clock::SharedClock;
use crate::inventory::ElementKind;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::StoreError;
use crate::voice::test_call;

/// Observations taken in one go.
const BATCH: usize = 2_000;
/// Longest time that an observation waits for its batch.
const LINGER: Duration = Duration::from_millis(500);
/// Observations that may wait while the database is slow.
const MOST_WAITING: usize = 100_000;

/// What the recorder works with.
pub struct Recorder {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// From the driver.
    pub observations: mpsc::Receiver<Observation>,
    /// Where batches go.
    pub keeper: Arc<dyn Keeper>,
    /// The live picture.
    pub live: Arc<Live>,
    /// Rounds for the diagnosis.
    pub recent: Arc<Recent>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Told after each batch.
    pub analyse: Arc<Notify>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

/// A batch on its way to the database: how many, and how it went.
type Keeping = Pin<Box<dyn Future<Output = (usize, Result<(), StoreError>)> + Send>>;

impl Recorder {
    /// Runs until asked to stop, then keeps what has already been measured.
    ///
    /// A database that is slow or gone delays nothing but itself: what arrives is shown, and so
    /// diagnosed, while a batch is on its way.
    pub async fn run(mut self) {
        let mut incoming: Vec<Observation> = Vec::with_capacity(BATCH);
        let mut waiting: VecDeque<Observation> = VecDeque::new();
        let mut keeping: Option<Keeping> = None;
        let mut due = Instant::now();
        loop {
            let may_keep = keeping.is_none() && !waiting.is_empty();
            tokio::select! {
                biased;
                () = self.soft.cancelled() => break,
                (count, kept) = of(&mut keeping), if keeping.is_some() => {
                    keeping = None;
                    self.kept(count, kept);
                }
                () = tokio::time::sleep_until(due), if may_keep => keeping = self.batch(&mut waiting),
                received = self.observations.recv_many(&mut incoming, BATCH) => {
                    if received == 0 {
                        break;
                    }
                    self.show(&incoming);
                    if waiting.is_empty() {
                        due = Instant::now() + LINGER;
                    }
                    waiting.extend(incoming.drain(..));
                    if waiting.len() >= BATCH {
                        due = Instant::now();
                    }
                    self.shed(&mut waiting);
                }
            }
            self.metrics.set_queue_depth("observations", self.observations.len() + waiting.len());
        }
        while let Ok(observation) = self.observations.try_recv() {
            waiting.push_back(observation);
        }
        while keeping.is_some() || !waiting.is_empty() {
            let mut now = keeping.take().or_else(|| self.batch(&mut waiting));
            let (count, kept) = of(&mut now).await;
            self.kept(count, kept);
        }
    }

    /// Sends the oldest of those that wait on their way.
    fn batch(&self, waiting: &mut VecDeque<Observation>) -> Option<Keeping> {
        let batch: Vec<Observation> = waiting.drain(..waiting.len().min(BATCH)).collect();
        let keeper = self.keeper.clone();
        Some(Box::pin(async move { (batch.len(), keeper.append_observations(&batch).await) }))
    }

    /// Measurements are shed before tickets: counted, said, and gone.
    fn kept(&self, count: usize, kept: Result<(), StoreError>) {
        match kept {
            Ok(()) => self.metrics.worker_succeeded("record", self.clock.now_utc()),
            Err(error) => {
                self.metrics.observations_dropped(count as u64);
                tracing::error!(%error, observations = count, "measurements were not kept");
            }
        }
    }

    /// The oldest go when too many wait for the database.
    fn shed(&self, waiting: &mut VecDeque<Observation>) {
        let excess = waiting.len().saturating_sub(MOST_WAITING);
        if excess > 0 {
            waiting.drain(..excess);
            self.metrics.observations_dropped(excess as u64);
        }
    }

    fn show(&self, batch: &[Observation]) {
        let settings = self.settings.borrow().clone();
        let inventory = &settings.inventory;
        // What clears a fault must be remembered as long as what raises one.
        let keep = settings.diagnosis.gray_window + settings.diagnosis.verify_for;
        let keep = TimeDelta::from_std(keep).unwrap_or(TimeDelta::days(1));
        for observation in batch {
            // A round that was under way when a reload took its target away is kept, not shown.
            let Some(target) = inventory.find_target(&observation.target) else { continue };
            // Few rounds an hour: enough of them for a verdict must be remembered.
            let few = TimeDelta::from_std(target.interval * 6).unwrap_or(keep);
            self.recent
                .add(observation, if observation.kind == ProbeKind::Call { keep.max(few) } else { keep });
            let element = inventory.element(target.element);
            if element.kind == ElementKind::Trunk {
                test_call::heard(&element.name, observation)
                    .into_iter()
                    .for_each(|it| self.recent.add_test_call(it));
            }
            let depends = &inventory.element(target.element).depends_on;
            let site = depends.iter().find(|index| inventory.element(**index).kind == ElementKind::Site);
            let site = site.map_or("", |index| inventory.element(*index).name.as_str());
            self.metrics.observe_probe(&observation.target, site, observation);
            self.live.observe(Arc::new(observation.clone()));
        }
        if !batch.is_empty() {
            self.analyse.notify_one();
        }
    }
}

/// What is under way, if anything.
async fn of(keeping: &mut Option<Keeping>) -> (usize, Result<(), StoreError>) {
    match keeping {
        Some(keeping) => keeping.await,
        None => std::future::pending().await,
    }
}
