//! Freezes the figures of each month that is over (R81, R115): once, whatever happens to its tickets afterwards.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::statistics::{Frozen, Month};
use crate::store::{Store, StoreError};
use crate::ticket::Actor;

/// How often.
const TICK: Duration = Duration::from_secs(300);
/// Months that a daemon which was away makes up for.
const LOOK_BACK: usize = 12;

/// Runs until asked to stop.
pub async fn run(store: Store, metrics: Arc<Metrics>, clock: SharedClock, soft: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            _ = tick.tick() => {}
        }
        let now = clock.now_utc();
        match freeze(&store, now).await {
            Ok(frozen) => {
                metrics.worker_succeeded("months", now);
                for month in frozen {
                    tracing::info!(%month, "froze the figures of a month; `linesman report monthly` shows them");
                }
            }
            Err(error) => tracing::error!(%error, "the figures of a month were not frozen; trying again"),
        }
    }
}

/// Freezes the months that are over and had tickets, or came after one that had; says which.
///
/// # Errors
/// When the database does not answer or holds what cannot be understood.
pub async fn freeze(store: &Store, now: DateTime<Utc>) -> Result<Vec<Month>, StoreError> {
    let Some(began) = store.oldest_ticket().await? else { return Ok(Vec::new()) };
    let first = Month::of(began);
    let last = Month::of(now).before();
    let mut months: Vec<Month> = std::iter::successors(Some(last), |month| Some(month.before()))
        .take(LOOK_BACK)
        .take_while(|month| *month >= first)
        .collect();
    // The oldest first: each stands beside the one before.
    months.reverse();
    let known = store.frozen_months().await?;
    months.retain(|month| !known.iter().any(|known| known.month == month.to_string()));
    let mut frozen = Vec::new();
    for month in months {
        let content = store.count_month(month, now).await?;
        if store.freeze_month(&Frozen::of(content, now, &Actor::linesman().0)).await? {
            frozen.push(month);
        }
    }
    Ok(frozen)
}
