//! Rolls measurements up by the hour and forgets what is too old.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::Store;

/// How often.
const TICK: Duration = Duration::from_secs(600);

/// Runs until asked to stop.
pub async fn run(
    store: Store,
    settings: watch::Receiver<Arc<Settings>>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
    soft: CancellationToken,
) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            _ = tick.tick() => {}
        }
        let retention = settings.borrow().retention.clone();
        let now = clock.now_utc();
        match store.retain(now, retention.observations, retention.hourly).await {
            Ok(gone) => {
                metrics.worker_succeeded("retain", now);
                if gone > 0 {
                    tracing::debug!(rows = gone, "forgot old measurements");
                }
            }
            Err(error) => tracing::error!(%error, "old measurements were not rolled up; trying again later"),
        }
    }
}
