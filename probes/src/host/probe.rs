//! The probe of this host.
//!
//! It keeps the counters of the reading before, because a rate needs two readings; that is no state
//! *of the target* in the sense of the contract, and the first reading has no rates. The interval of a
//! rate is monotonic time between the readings, whatever the caller's schedule says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::counters::{Counters, reading};
use super::read::{self, Roots};
use super::{DiskReading, HostReading};
use crate::observation::{Burst, Detail, Impediment, Measured, Outcome};
use crate::probe::{Measuring, Probe, ProbeKind, Round};

/// Reads the resources of this host; see the module.
#[derive(Debug, Default)]
pub struct HostProbe {
    roots: Roots,
    before: Mutex<Option<(Instant, Counters)>>,
    texts: Reader,
    disks: Reader,
}

impl HostProbe {
    /// A probe of `/proc` and `/sys`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A probe of texts elsewhere, as a test has them. File systems are asked at the paths that its
    /// `mounts` names.
    #[must_use]
    pub fn of(roots: Roots) -> Self {
        Self { roots, ..Self::default() }
    }

    async fn read(&self, timeout: Duration) -> Result<HostReading, Impediment> {
        let deadline = Instant::now() + timeout;
        let roots = self.roots.clone();
        let texts = self.texts.run(deadline, move || (read::texts(&roots), Instant::now()));
        let roots = self.roots.clone();
        let disks = self.disks.run(deadline, move || read::disks(&roots));
        // A disk that hangs must not hide the CPU: each has a thread of its own.
        let (texts, disks) = tokio::join!(texts, disks);
        let (texts, at) = texts.map_err(|reason| Impediment::Local { reason: reason.to_owned() })?;
        let disks: Vec<DiskReading> = disks.unwrap_or_default();

        let now = Counters::of(&texts);
        let nothing = now == Counters::default();
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let since = before.as_ref().map(|(then, counters)| (counters, at.saturating_duration_since(*then)));
        let reading = HostReading { disks, ..reading(&texts, &now, since) };
        *before = Some((at, now));
        if nothing && reading == HostReading::default() {
            let reason =
                format!("nothing can be read below {}: mount procfs there", self.roots.proc.display());
            return Err(Impediment::Local { reason });
        }
        Ok(reading)
    }
}

impl Probe for HostProbe {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Host
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(async move {
            match self.read(round.timeout).await {
                Ok(reading) => Measured {
                    outcome: Outcome::Answered,
                    impediment: None,
                    burst: Burst { sent: 1, received: 1, ..Burst::default() },
                    detail: Detail::Host(Box::new(reading)),
                },
                Err(impediment) => Measured::unmeasured(impediment),
            }
        })
    }
}

/// Runs one blocking reading at a time: a disk that hangs costs one thread, not one a round.
#[derive(Debug, Default)]
struct Reader {
    busy: Arc<AtomicBool>,
}

/// Frees the reader also when the reading panics or its future is dropped.
struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Reader {
    async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        reading: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, &'static str> {
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err("a reading begun before has not ended");
        }
        let busy = Busy(Arc::clone(&self.busy));
        let task = tokio::task::spawn_blocking(move || {
            let _busy = busy;
            reading()
        });
        match timeout_at(deadline, task).await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(_ended)) => Err("the reading was cut off"),
            Err(_elapsed) => Err("the reading did not end in time"),
        }
    }
}
