//! Has bills compared, one run at a time, on a thread of its own that gives way to everything else.
//!
//! A run that was acknowledged is never lost: it waits in the database until it has an answer or a
//! reason, over any death of the process. What came of it is kept first and then brought before the
//! tickets by the rendezvous.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use linesman_reconcile::Progress;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::billed;
use crate::bills::engine::EngineError;
use crate::bills::failure::Failure;
use crate::bills::{Answer, Engine, Vault, Work, period};
use crate::clock::SharedClock;
use crate::diagnosis::billed::BilledMedia;
use crate::diagnosis::billing::{self, Bill};
use crate::inventory::ElementKind;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::{ReconcileRun, ReportFile, RunAnswer, Store, StoreError};
use crate::ticket::chain::hex;

/// Looked for at least so often.
const TICK: Duration = Duration::from_secs(5);
/// Old runs are looked for so often.
const FORGET_EVERY: TimeDelta = TimeDelta::hours(1);
/// A run that ends the process is not begun for ever.
const MOST_ATTEMPTS: i64 = 3;
/// The thread gives way (nice(2)).
pub(super) const NICE: i32 = 10;

/// What the reconciler works with.
pub struct Reconciler {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Runs.
    pub store: Store,
    /// Their files.
    pub vault: Vault,
    /// Compares them.
    pub engine: Engine,
    /// Where faults of bills wait for the rendezvous.
    pub live: Arc<Live>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Told when a run waits.
    pub nudge: Arc<Notify>,
    /// Told when one has ended.
    pub rendezvous: Arc<Notify>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

impl Reconciler {
    /// Runs until asked to stop; a run under way is broken off and waits for the next start.
    pub async fn run(self) {
        let mut is_begun = false;
        let mut forgotten_at: Option<DateTime<Utc>> = None;
        while !self.soft.is_cancelled() {
            let now = self.clock.now_utc();
            let went_well = async {
                if !is_begun {
                    self.begin().await?;
                    is_begun = true;
                }
                while let Some(run) = self.store.take_run().await? {
                    self.work(run).await?;
                    if self.soft.is_cancelled() {
                        return Ok(());
                    }
                }
                if forgotten_at.is_none_or(|at| now - at >= FORGET_EVERY) {
                    self.forget(now).await?;
                    forgotten_at = Some(now);
                }
                self.metrics.set_queue_depth(
                    "reconcile",
                    usize::try_from(self.store.runs_waiting().await?).unwrap_or(0),
                );
                Ok::<(), StoreError>(())
            }
            .await;
            match went_well {
                Ok(()) => self.metrics.worker_succeeded("reconcile", self.clock.now_utc()),
                Err(error) => tracing::error!(%error, "bills are not compared; trying again"),
            }
            tokio::select! {
                () = self.soft.cancelled() => return,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// What the process before this one left: runs in the middle, answers that no ticket knows yet.
    async fn begin(&self) -> Result<(), StoreError> {
        let resumed = self.store.resume_runs().await?;
        if resumed > 0 {
            tracing::info!(runs = resumed, "runs that a stop broke off are begun again");
        }
        for (run, fault) in self.store.runs_to_plan().await? {
            self.hand_over(run, fault).await?;
        }
        self.rendezvous.notify_one();
        Ok(())
    }

    /// To the rendezvous; an older answer for the same bill has nothing more to say.
    async fn hand_over(&self, run: String, fault: crate::diagnosis::Fault) -> Result<(), StoreError> {
        if let Some((older, fault)) = self.live.set_bill(run.clone(), fault)
            && older != run
        {
            self.store.run_planned(&older, fault.last_seen, None).await?;
        }
        Ok(())
    }

    async fn work(&self, run: ReconcileRun) -> Result<(), StoreError> {
        let settings = self.settings.borrow().clone();
        if run.attempts > MOST_ATTEMPTS {
            let reason = format!(
                "it was begun {MOST_ATTEMPTS} times and the process ended each time; see the log, \
                 and give it more memory or smaller files"
            );
            return self.fail(&run, &Failure::new("run.failure.ended", reason)).await;
        }
        tracing::info!(run = run.id, party = run.party, "comparing bills");
        let began = Instant::now();
        let work = Work::of(&run, &self.vault, settings.billing.threads, settings.billing.memory);
        let answered = match work {
            Ok(work) => match self.compare(&run.id, work.clone()).await {
                Ok(answer) => {
                    let heard = self.beside(&settings, &run, &work, &answer).await;
                    let heard = heard.unwrap_or_else(|error| {
                        tracing::warn!(%error, run = run.id, "the bill is not laid beside the calls that were heard");
                        Vec::new()
                    });
                    Ok((heard, answer))
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = remove(&self.vault.work(&run.id)).await {
            tracing::warn!(%error, "temporary files of a run are left");
        }
        match answered {
            Ok((heard, answer)) => {
                if self.soft.is_cancelled() {
                    // What was broken off may be told whole at the next start.
                    return self.store.release_run(&run.id).await;
                }
                let seconds = began.elapsed().as_secs_f64();
                self.finish(&settings, &run, answer, heard, seconds).await
            }
            Err(EngineError::Cancelled) => {
                tracing::info!(run = run.id, "broken off; it is begun again at the next start");
                self.store.release_run(&run.id).await
            }
            Err(EngineError::Failed(reason)) => self.fail(&run, &reason).await,
        }
    }

    /// On a thread of its own, until it has an answer or we are asked to stop.
    async fn compare(&self, id: &str, work: Work) -> Result<Answer, EngineError> {
        let failed = |error: std::io::Error| {
            EngineError::Failed(Failure::new(
                "run.failure.system",
                format!("the directory of bills: {error}"),
            ))
        };
        let scratch = self.vault.work(id);
        for leftover in [&scratch, &work.report] {
            remove(leftover).await.map_err(failed)?;
        }
        tokio::fs::create_dir_all(&scratch).await.map_err(failed)?;
        let progress = Arc::new(Progress::default());
        let (engine, seen) = (self.engine.clone(), progress.clone());
        let (reply, mut answer) = oneshot::channel();
        let thread = std::thread::Builder::new().name("reconcile".to_owned()).spawn(move || {
            // Of this thread alone, and of those it makes; measuring and tickets go first.
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::debug!(%error, "comparing bills does not give way to the rest");
            }
            let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine(&work, &seen)));
            let compared = compared.unwrap_or_else(|_| {
                Err(EngineError::Failed(Failure::new(
                    "run.failure.defect",
                    "a defect in Linesman; the log has its place".to_owned(),
                )))
            });
            // Nobody waits any more when the process ends hard.
            let _ = reply.send(compared);
        });
        if let Err(error) = thread {
            return Err(EngineError::Failed(Failure::new(
                "run.failure.system",
                format!("no thread could be had: {error}"),
            )));
        }
        let compared = tokio::select! {
            compared = &mut answer => compared,
            () = self.soft.cancelled() => {
                progress.cancel.store(true, Ordering::Relaxed);
                let compared = answer.await;
                // Whatever it says now: it was asked to stop.
                drop(compared);
                Ok(Err(EngineError::Cancelled))
            }
        };
        compared.unwrap_or(Err(EngineError::Cancelled))
    }

    /// The bill's records beside the calls that were heard in its time.
    async fn beside(
        &self,
        settings: &Settings,
        run: &ReconcileRun,
        work: &Work,
        answer: &Answer,
    ) -> Result<Vec<BilledMedia>, StoreError> {
        billed::beside(&self.store, settings, &run.party, work, answer.period_ms, &self.soft).await
    }

    async fn finish(
        &self,
        settings: &Settings,
        run: &ReconcileRun,
        answer: Answer,
        heard: Vec<BilledMedia>,
        seconds: f64,
    ) -> Result<(), StoreError> {
        let files = match self.keep_report(&run.id).await {
            Ok(files) => files,
            Err(error) => {
                let failure =
                    Failure::new("run.failure.system", format!("the report cannot be kept: {error}"));
                return self.fail(run, &failure).await;
            }
        };
        let period = run.request.period.clone().unwrap_or_else(|| period::name(answer.period_ms));
        let at = self.clock.now_utc();
        let is_customer = settings
            .inventory
            .find(&run.party)
            .is_some_and(|index| settings.inventory.element(index).kind == ElementKind::Customer);
        let limits = settings.billing.limits_of(&run.party);
        let fault = billing::fault(&Bill {
            run: &run.id,
            party: &run.party,
            period: &period,
            outcome: &answer.outcome,
            limits: &limits,
            example: answer.example,
            accounting: answer.accounting,
            files: files.iter().map(|file| file.name.clone()).collect(),
            heard: heard.clone(),
            is_customer,
            at,
        });
        let is_known = is_customer || settings.billing.party(&run.party).is_some();
        self.metrics.reconciled(&run.party, is_known, &answer.outcome, seconds);
        tracing::info!(
            run = run.id,
            party = run.party,
            period,
            difference = answer.outcome.totals.difference,
            currency = answer.outcome.currency,
            "bills compared"
        );
        let kept = RunAnswer {
            outcome: answer.outcome,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            rates_sha256: answer.rates_sha256,
            contract_sha256: answer.contract_sha256,
            files,
            seconds,
            heard,
        };
        self.store.finish_run(&run.id, &period, &kept, &fault, at).await?;
        self.hand_over(run.id.clone(), fault).await?;
        self.rendezvous.notify_one();
        Ok(())
    }

    async fn fail(&self, run: &ReconcileRun, failure: &Failure) -> Result<(), StoreError> {
        let reason = &failure.detail;
        tracing::warn!(run = run.id, party = run.party, reason, "bills could not be compared");
        self.metrics.reconcile_failed();
        self.store.fail_run(&run.id, reason, Some(&failure.sentence), self.clock.now_utc()).await
    }

    /// The new report takes the place of the one before.
    async fn keep_report(&self, id: &str) -> std::io::Result<Vec<ReportFile>> {
        let (place, new) = (self.vault.report(id), self.vault.report(id).with_extension("new"));
        remove(&place).await?;
        if !tokio::fs::try_exists(&new).await? {
            return Ok(Vec::new());
        }
        tokio::fs::rename(&new, &place).await?;
        let mut files = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let mut entries = tokio::fs::read_dir(place.join(&folder)).await?;
            while let Some(entry) = entries.next_entry().await? {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if entry.file_type().await?.is_dir() {
                    folders.push(name);
                } else {
                    let (bytes, sha256) = digest(&entry.path()).await?;
                    files.push(ReportFile { name, bytes, sha256 });
                }
            }
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    /// Forgets what was kept long enough and what no open ticket rests on.
    async fn forget(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let keep = TimeDelta::from_std(self.settings.borrow().billing.keep).unwrap_or(TimeDelta::MAX);
        let Some(before) = now.checked_sub_signed(keep) else { return Ok(()) };
        loop {
            let old = self.store.old_runs(before).await?;
            if old.is_empty() {
                return Ok(());
            }
            for id in old {
                self.store.forget_run(&id).await?;
                if let Err(error) = self.vault.remove(&id).await {
                    // Swept at the next start.
                    tracing::warn!(%error, run = id, "files of an old run could not be removed");
                }
            }
        }
    }
}

/// Size and SHA-256 of a file.
async fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    use tokio::io::AsyncReadExt as _;
    let mut file = tokio::fs::File::open(path).await?;
    let (mut hasher, mut bytes, mut piece) = (Sha256::new(), 0_u64, vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Ok((bytes, hex(&hasher.finalize())));
        }
        hasher.update(&piece[..read]);
        bytes += read as u64;
    }
}

/// Removes a folder, if it is there.
async fn remove(folder: &Path) -> std::io::Result<()> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
