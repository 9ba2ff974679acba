//! Takes new settings, on SIGHUP or by API, and passes orders of the pages on to the driver.
//!
//! Settings with a mistake change nothing. Tickets, faults and running rounds are not touched by
//! a reload; only what listens and where tickets are kept needs a restart, and that is said.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Recent;
use crate::clock::SharedClock;
use crate::live::{Change, Live, Order};
use crate::metrics::Metrics;
use crate::settings::Settings;

/// Reads the settings again: from the file that the process was started with, or from the host.
pub type ReadSettings = Arc<dyn Fn() -> Result<Settings, Vec<String>> + Send + Sync>;

/// What the reloader works with.
pub struct Reloader {
    /// How to read them.
    pub read: ReadSettings,
    /// Name of the file for messages, if there is one.
    pub file: Option<PathBuf>,
    /// Where new settings are published.
    pub settings: watch::Sender<Arc<Settings>>,
    /// From the pages and the API.
    pub orders: mpsc::Receiver<Order>,
    /// To the driver.
    pub on_demand: mpsc::Sender<Vec<String>>,
    /// The live picture.
    pub live: Arc<Live>,
    /// Rounds.
    pub recent: Arc<Recent>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

impl Reloader {
    /// Runs until asked to stop. SIGHUP is listened to from this call on, before the first poll:
    /// a reload that comes right after the start must not end the process.
    pub fn run(self) -> impl Future<Output = ()> + Send {
        let hangups = signal(SignalKind::hangup()).ok();
        self.follow(hangups)
    }

    async fn follow(mut self, mut hangups: Option<Signal>) {
        loop {
            let hangup = async {
                match hangups.as_mut() {
                    Some(hangups) => hangups.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.soft.cancelled() => return,
                _ = hangup => {
                    // The mistakes are in the log; the old settings stay.
                    let _ = self.reload();
                }
                order = self.orders.recv() => match order {
                    None => return,
                    Some(Order::Remeasure(targets)) => {
                        if self.on_demand.try_send(targets).is_err() {
                            tracing::warn!("too many requests to measure again at once; one was dropped");
                        }
                    }
                    Some(Order::Reload(answer)) => {
                        // Whoever asked may have gone.
                        let _ = answer.send(self.reload());
                    }
                },
            }
        }
    }

    fn reload(&self) -> Result<(), Vec<String>> {
        let file =
            self.file.as_ref().map_or_else(|| "this host".to_owned(), |file| file.display().to_string());
        let new = match (self.read)() {
            Ok(new) => new,
            Err(mistakes) => {
                self.metrics.reloaded(false, self.clock.now_utc());
                for mistake in &mistakes {
                    tracing::error!("{mistake}");
                }
                tracing::error!(file, mistakes = mistakes.len(), "settings not reloaded; the old ones stay");
                return Err(mistakes);
            }
        };
        let old = self.settings.borrow().clone();
        if old.http != new.http || old.database != new.database || old.log != new.log {
            tracing::warn!("[http], [database] and [log] take effect at the next start");
        }
        if old.procedure != new.procedure {
            tracing::warn!(
                "[procedure] takes effect at the next start: no ticket changes its rules on its way"
            );
        }
        if old.key_file() != new.key_file() {
            tracing::warn!("`key_file` in [privacy] takes effect at the next start");
        }
        // Published first: what arrives from now on is judged by the new settings, so that nothing
        // brings back what is forgotten next.
        let new = Arc::new(new);
        self.settings.send_replace(new.clone());
        self.recent.keep_targets(&old.inventory, &new.inventory);
        let keep = |target: &str| new.inventory.find_target(target).is_some();
        self.live.keep_targets(keep);
        self.metrics.keep_targets(keep);
        tracing::info!(file, targets = new.inventory.targets().len(), "settings reloaded");
        self.metrics.reloaded(true, self.clock.now_utc());
        self.live.tell(Change::Settings);
        Ok(())
    }
}
