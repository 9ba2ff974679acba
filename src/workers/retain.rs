//! Rolls measurements up by the hour and forgets what is too old: measurements, and customers whose
//! time is over. After a start it seals anew what an older key has sealed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::inventory::ElementKind;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{Store, StoreError};
use crate::ticket::evidence::EvidenceKind;

use super::every::Every;

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
    let mut every = Every::new(TICK, &soft);
    let mut sealed_anew = false;
    while every.look().await {
        let in_force = settings.borrow().clone();
        let retention = &in_force.retention;
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
        forget_calls(&store, &in_force, now).await;
        forget_evidence(&store, &in_force, now).await;
        forget_customers(&store, &in_force, now).await;
        if !sealed_anew {
            sealed_anew = seal_anew(&store).await;
        }
        // What an erasure or a killed daemon before this one has left there.
        match store.empty_log().await {
            Ok(true) => {}
            Ok(false) => tracing::debug!("the log of the database is still read; emptied later"),
            Err(error) => {
                tracing::error!(%error, "the log of the database was not emptied; trying again later")
            }
        }
    }
}

/// Forgets calls that were kept long enough, with their files on tickets and what endpoints said of them.
async fn forget_calls(store: &Store, settings: &Settings, now: DateTime<Utc>) {
    let keep = chrono::TimeDelta::from_std(settings.voice.keep).unwrap_or(chrono::TimeDelta::MAX);
    let Some(before) = now.checked_sub_signed(keep) else { return };
    match store.forget_calls(before).await {
        Ok(0) => {}
        Ok(gone) => tracing::debug!(calls = gone, "forgot old calls"),
        Err(error) => tracing::error!(%error, "old calls were not forgotten; trying again later"),
    }
    match store.forget_voice_evidence(before).await {
        Ok(0) => {}
        Ok(gone) => tracing::debug!(rows = gone, "forgot old files of tickets and words of endpoints"),
        Err(error) => tracing::error!(%error, "old evidence was not forgotten; trying again later"),
    }
}

/// Forgets recordings of calls and drawn signatures, each kind after its own term.
async fn forget_evidence(store: &Store, settings: &Settings, now: DateTime<Utc>) {
    let retention = &settings.retention;
    for (kind, kept) in [
        (EvidenceKind::RecordedCall, retention.recorded_calls),
        (EvidenceKind::Signature, retention.signatures),
    ] {
        let kept = chrono::TimeDelta::from_std(kept).unwrap_or(chrono::TimeDelta::MAX);
        let Some(before) = now.checked_sub_signed(kept) else { continue };
        match store.forget_evidence(kind, before).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(files = gone, kind = kind.name(), "forgot old evidence of tickets"),
            Err(error) => tracing::error!(%error, "old evidence was not forgotten; trying again later"),
        }
    }
}

/// Erases customers without a ticket for longer than the term.
async fn forget_customers(store: &Store, settings: &Settings, now: DateTime<Utc>) {
    let current =
        settings.inventory.elements().iter().filter(|element| element.kind == ElementKind::Customer);
    let current: Vec<&str> = current.map(|element| element.name.as_str()).collect();
    match store.retain_customers(now, settings.retention.customers, &current).await {
        Ok(0) => {}
        Ok(gone) => tracing::info!(customers = gone, "erased customers whose time is over"),
        Err(error) => {
            tracing::error!(%error, "customers whose time is over were not erased; trying again later")
        }
    }
}

/// Seals with the newest key whatever an older one has sealed; says whether that is done.
async fn seal_anew(store: &Store) -> bool {
    let done = async {
        let values = store.seal_anew().await?;
        store.forget_old_keys().await?;
        Ok::<u64, StoreError>(values)
    };
    match done.await {
        Ok(values) => {
            if values > 0 {
                tracing::info!(values, "sealed personal data anew with the newest key");
            }
            true
        }
        Err(error) => {
            tracing::error!(%error, "personal data was not sealed anew; trying again later");
            false
        }
    }
}
