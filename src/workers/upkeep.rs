//! Small regular duties: is the database there, how long is the writer's queue.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::store::{Store, TicketWriter};

use super::every::Every;

/// How often.
const TICK: Duration = Duration::from_secs(10);

/// Runs until asked to stop.
pub async fn run(
    store: Store,
    writer: TicketWriter,
    metrics: Arc<Metrics>,
    clock: SharedClock,
    soft: CancellationToken,
) {
    let mut every = Every::new(TICK, &soft);
    while every.look().await {
        metrics.set_queue_depth("writer", writer.waiting());
        // After a restart of PostgreSQL this also takes the writer's lock again.
        match store.ping().await {
            Ok(()) => metrics.worker_succeeded("upkeep", clock.now_utc()),
            Err(error) => tracing::warn!(%error, "the database does not answer"),
        }
    }
}
