//! The life of the process: who owns its loops, how it stops, what it tells systemd.
//!
//! Two tokens: *soft* asks every loop to finish what it has; *hard* ends it. A second signal means
//! now. Nothing in this program spawns outside of here.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Owns all loops.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tracker: TaskTracker,
    failed: Arc<AtomicBool>,
}

impl Lifecycle {
    /// Asks to finish.
    #[must_use]
    pub const fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Ends at once.
    #[must_use]
    pub const fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Whether a loop ended that never should.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Runs a short piece of work that is waited for when the process stops.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        drop(self.tracker.spawn(async move {
            tokio::select! {
                () = work => {}
                () = hard.cancelled() => {}
            }
        }));
    }

    /// Runs a loop under its name. A loop that ends before it was asked to stops the process:
    /// a daemon that silently does half of its work is worse than one that is restarted.
    pub fn run(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (soft, hard, failed) = (self.soft.clone(), self.hard.clone(), self.failed.clone());
        drop(self.tracker.spawn(async move {
            let guard = EndGuard { name, soft: soft.clone(), failed };
            tokio::select! {
                () = work => {}
                () = hard.cancelled() => {}
            }
            drop(guard);
        }));
    }

    /// Tells systemd that we are ready, waits for a signal, then for all loops, for `grace` at most;
    /// says whether all ended in time. Ready means that a signal drains from now on.
    pub async fn until_stopped(&self, grace: Duration) -> bool {
        let signal = stop_signal();
        tell_systemd(&[sd_notify::NotifyState::Ready]);
        tokio::select! {
            () = signal => tracing::info!("stopping: finishing what is under way"),
            () = self.soft.cancelled() => {}
            () = self.hard.cancelled() => self.failed.store(true, Ordering::Relaxed),
        }
        tell_systemd(&[sd_notify::NotifyState::Stopping]);
        self.stop(grace).await
    }

    /// Stops all loops; says whether all ended within `grace`.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.soft.cancel();
        self.tracker.close();
        let in_time = tokio::select! {
            () = self.tracker.wait() => true,
            () = tokio::time::sleep(grace) => false,
            () = stop_signal() => false,
        };
        if !in_time {
            tracing::warn!("stopping now: not everything ended in time");
            self.hard.cancel();
            self.tracker.wait().await;
        }
        in_time
    }
}

/// Notices a loop that ended by itself, by return or by panic.
struct EndGuard {
    name: &'static str,
    soft: CancellationToken,
    failed: Arc<AtomicBool>,
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        if !self.soft.is_cancelled() {
            self.failed.store(true, Ordering::Relaxed);
            tracing::error!(worker = self.name, "ended by itself; stopping so that it is restarted");
            self.soft.cancel();
        }
    }
}

/// SIGTERM or SIGINT, listened to from this call on, before the first poll.
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listeners = signal(SignalKind::terminate()).ok().zip(signal(SignalKind::interrupt()).ok());
    async move {
        // Without handlers the default action ends the process, which is a stop as well.
        let Some((mut term, mut int)) = listeners else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}

/// Tells systemd, if it listens.
pub fn tell_systemd(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
