//! Keeps observations: in the live picture at once, in the store by batches.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use linesman_probes::observation::Observation;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Keeper, Recent};
use crate::clock::SharedClock;
use crate::inventory::ElementKind;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// Observations taken in one go.
const BATCH: usize = 2_000;
/// Longest time that an observation waits for its batch.
const LINGER: Duration = Duration::from_millis(500);

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

impl Recorder {
    /// Runs until asked to stop, then keeps what has already been measured.
    pub async fn run(mut self) {
        let mut batch: Vec<Observation> = Vec::with_capacity(BATCH);
        loop {
            let stopping = tokio::select! {
                biased;
                received = self.observations.recv_many(&mut batch, BATCH) => received == 0,
                () = self.soft.cancelled() => true,
            };
            if !stopping && batch.len() < BATCH {
                self.linger(&mut batch).await;
            }
            if stopping {
                while let Ok(observation) = self.observations.try_recv() {
                    batch.push(observation);
                }
            }
            self.keep(&batch).await;
            batch.clear();
            if stopping {
                return;
            }
        }
    }

    /// Shows what has arrived at once, and waits a moment for more before the database is asked.
    async fn linger(&mut self, batch: &mut Vec<Observation>) {
        let deadline = tokio::time::Instant::now() + LINGER;
        self.show(batch);
        let mut shown = batch.len();
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            match tokio::time::timeout_at(deadline, self.observations.recv_many(batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    self.show(&batch[shown..]);
                    shown = batch.len();
                }
            }
        }
    }

    fn show(&self, batch: &[Observation]) {
        let settings = self.settings.borrow().clone();
        let inventory = &settings.inventory;
        // What clears a fault must be remembered as long as what raises one.
        let keep = settings.diagnosis.gray_window + settings.diagnosis.verify_for;
        let keep = TimeDelta::from_std(keep).unwrap_or(TimeDelta::days(1));
        for observation in batch {
            self.recent.add(observation, keep);
            let site = inventory
                .find_target(&observation.target)
                .and_then(|target| {
                    let depends = &inventory.element(target.element).depends_on;
                    depends.iter().find(|index| inventory.element(**index).kind == ElementKind::Site)
                })
                .map_or("", |index| inventory.element(*index).name.as_str());
            self.metrics.observe_probe(&observation.target, site, observation);
            self.live.observe(Arc::new(observation.clone()));
        }
        if !batch.is_empty() {
            self.analyse.notify_one();
        }
    }

    async fn keep(&self, batch: &[Observation]) {
        self.metrics.set_queue_depth("observations", self.observations.len());
        if batch.is_empty() {
            return;
        }
        match self.keeper.append_observations(batch).await {
            Ok(()) => self.metrics.worker_succeeded("record", self.clock.now_utc()),
            Err(error) => {
                // Measurements are shed before tickets: counted, said, and gone.
                self.metrics.observations_dropped(batch.len() as u64);
                tracing::error!(%error, observations = batch.len(), "measurements were not kept");
            }
        }
    }
}
