//! Freezes what was measured and has it diagnosed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Keeper, Recent};
use crate::clock::SharedClock;
use crate::diagnosis::{Diagnosis, Fault, Input, analyse};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// Two looks are at least so far apart, however many nudges come.
const SHORTEST: Duration = Duration::from_millis(200);

/// What the analyser works with.
pub struct Analyser {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Rounds.
    pub recent: Arc<Recent>,
    /// Where the diagnosis is kept.
    pub keeper: Arc<dyn Keeper>,
    /// Where it is shown.
    pub live: Arc<Live>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Told when there is news.
    pub nudge: Arc<Notify>,
    /// Told after each look.
    pub rendezvous: Arc<Notify>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
    /// Faults and generation that the process before this one left.
    pub start: Option<(i64, Diagnosis)>,
}

impl Analyser {
    /// Runs until asked to stop.
    pub async fn run(mut self) {
        let (mut generation, mut faults) = self
            .start
            .take()
            .map_or((0, Vec::new()), |(generation, diagnosis)| (generation, diagnosis.faults));
        let mut saved: Option<Vec<Fault>> = None;
        loop {
            let settings = self.settings.borrow().clone();
            let input = Input {
                now: self.clock.now_utc(),
                inventory: settings.inventory.clone(),
                series: self.recent.freeze(&settings.inventory),
                anchor_answers: self.recent.anchor_answers(),
                voice: self.recent.voice(),
                faults,
                settings: settings.diagnosis.clone(),
            };
            let diagnosis = analyse(&input);
            faults = diagnosis.faults.clone();
            if saved.as_ref() != Some(&faults) {
                match self.keeper.save_diagnosis(&to_keep(&diagnosis)).await {
                    Ok(new) => {
                        generation = new;
                        saved = Some(faults.clone());
                    }
                    Err(error) => tracing::error!(%error, "the diagnosis was not kept"),
                }
            }
            self.metrics.set_diagnosis(&diagnosis);
            self.metrics.worker_succeeded("analyse", self.clock.now_utc());
            self.live.set_diagnosis(generation, Arc::new(diagnosis));
            self.rendezvous.notify_one();
            if !self.wait(settings.diagnosis.interval).await {
                return;
            }
        }
    }

    /// Until there is news or it is time; `false` when asked to stop.
    async fn wait(&self, interval: Duration) -> bool {
        tokio::select! {
            () = self.soft.cancelled() => return false,
            () = tokio::time::sleep(SHORTEST) => {}
        }
        tokio::select! {
            () = self.soft.cancelled() => false,
            () = self.nudge.notified() => true,
            () = tokio::time::sleep(interval.saturating_sub(SHORTEST)) => true,
        }
    }
}

/// Elements are seen again within a second of the next start: only faults have to survive.
fn to_keep(diagnosis: &Diagnosis) -> Diagnosis {
    Diagnosis { elements: Vec::new(), ..diagnosis.clone() }
}

/// Whether a look is recent enough to be trusted.
#[must_use]
pub fn is_fresh(diagnosis: &Diagnosis, now: DateTime<Utc>, interval: Duration) -> bool {
    let bound = (interval * 5).max(Duration::from_secs(10));
    (now - diagnosis.at).to_std().is_ok_and(|age| age <= bound)
}
