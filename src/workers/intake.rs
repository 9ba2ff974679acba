//! Takes bills out of the watched folder: `FOLDER/PARTY/ours*`, `theirs*`, `rates*`, `contract*`.
//!
//! Files are taken once their sizes have stood still, and stay where they are until their run has an
//! answer: then they go to `done/`, or to `failed/` with `reason.txt` beside them. A death in between
//! changes nothing, because the same content is the same run.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::fs;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bills::{Bills, Draft, SubmitError, submit};
use crate::clock::SharedClock;
use crate::locale::{Language, words};
use crate::metrics::Metrics;
use crate::settings::{BillingSettings, Settings, billing};
use crate::store::{InputRole, RunStatus, Store, StoreError};

/// From look to look.
const TICK: Duration = Duration::from_secs(2);
/// So many looks in a row must see the same sizes and times.
const STILL_LOOKS: u32 = 2;
/// Where files go.
const DONE: &str = "done";
const FAILED: &str = "failed";

/// What the intake works with.
pub struct Intake {
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Runs.
    pub store: Store,
    /// Where their files are kept.
    pub bills: Bills,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// Asks to finish.
    pub soft: CancellationToken,
}

/// The files of a drop with what tells whether they still grow.
type Drop = BTreeMap<InputRole, (PathBuf, u64, Option<SystemTime>)>;

/// A party's folder as it was seen.
#[derive(Debug, Default)]
struct Seen {
    files: Drop,
    looks: u32,
    /// The run that was made of them.
    run: Option<String>,
}

/// Why a drop was not taken.
#[derive(Debug, thiserror::Error)]
enum DropError {
    /// The watched folder.
    #[error("the watched folder: {0}")]
    Folder(#[from] io::Error),
    /// What is in it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Intake {
    /// Runs until asked to stop.
    pub async fn run(self) {
        let mut seen: HashMap<String, Seen> = HashMap::new();
        loop {
            let settings = self.settings.borrow().billing.clone();
            match &settings.folder {
                None => seen.clear(),
                Some(folder) => match self.look(folder, &settings, &mut seen).await {
                    Ok(()) => self.metrics.worker_succeeded("intake", self.clock.now_utc()),
                    Err(error) => {
                        tracing::error!(%error, folder = %folder.display(), "the watched folder cannot be read");
                    }
                },
            }
            tokio::select! {
                () = self.soft.cancelled() => return,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    async fn look(
        &self,
        folder: &Path,
        settings: &BillingSettings,
        seen: &mut HashMap<String, Seen>,
    ) -> io::Result<()> {
        let mut there = Vec::new();
        let mut entries = fs::read_dir(folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if entry.file_type().await?.is_dir() && billing::party(&name).as_deref() == Some(name.as_str()) {
                there.push((name, entry.path()));
            }
        }
        seen.retain(|name, _| there.iter().any(|(known, _)| known == name));
        for (name, place) in there {
            let party = seen.entry(name.clone()).or_default();
            // One party's trouble is not another's.
            if let Err(error) = self.look_at(&name, &place, settings, party).await {
                tracing::error!(%error, party = name, "bills in the watched folder are not taken; trying again");
            }
        }
        Ok(())
    }

    async fn look_at(
        &self,
        party: &str,
        place: &Path,
        settings: &BillingSettings,
        seen: &mut Seen,
    ) -> Result<(), DropError> {
        let files = files_in(place).await?;
        if files != seen.files {
            *seen = Seen { files, looks: 1, run: None };
            return Ok(());
        }
        seen.looks = seen.looks.saturating_add(1);
        let is_whole = is_whole(&seen.files, party, settings);
        if !is_whole || seen.looks < STILL_LOOKS {
            return Ok(());
        }
        let Some(id) = &seen.run else {
            match self.take(party, settings, &seen.files).await {
                Ok(run) => seen.run = Some(run),
                // It will not get better by itself.
                Err(DropError::Submit(SubmitError::Wrong(wrong))) => {
                    let reason: Vec<String> = wrong
                        .iter()
                        .map(|(field, flaw)| {
                            format!("{field}: {}", words(Language::English, &format!("api.field.{flaw}")))
                        })
                        .collect();
                    let folder = place.join(FAILED).join(self.stamp());
                    put_away(&seen.files, &folder, Some(&reason.join("\n"))).await?;
                    *seen = Seen::default();
                }
                Err(error) => return Err(error),
            }
            return Ok(());
        };
        let Some(run) = self.store.run(id).await? else {
            seen.run = None;
            return Ok(());
        };
        if !run.status.is_over() {
            return Ok(());
        }
        let has_failed = run.status == RunStatus::Failed;
        let folder = place.join(if has_failed { FAILED } else { DONE }).join(self.stamp());
        let reason = has_failed.then(|| {
            let sentence = |language| run.failure.as_ref().map(|failure| failure.render(language));
            [run.error.clone(), sentence(Language::Chinese)]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n")
        });
        put_away(&seen.files, &folder, reason.as_deref()).await?;
        tracing::info!(party, run = run.id, folder = %folder.display(), "bills of the watched folder are put away");
        *seen = Seen::default();
        Ok(())
    }

    /// Keeps what is in the folder as a run.
    async fn take(&self, party: &str, settings: &BillingSettings, files: &Drop) -> Result<String, DropError> {
        let incoming = self.bills.vault.incoming().await.map_err(SubmitError::Files)?;
        let mut inputs = Vec::new();
        for (role, (path, ..)) in files {
            match incoming.copy(*role, path, settings.largest_file).await {
                Ok(input) => inputs.push(input),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    let wrong = vec![(role.name().to_owned(), "file_too_large")];
                    return Err(SubmitError::Wrong(wrong).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        let fields = BTreeMap::from([("party".to_owned(), party.to_owned())]);
        let draft = Draft { incoming, inputs, fields };
        let submitted = submit(&self.store, settings, draft, "folder", self.clock.now_utc()).await?;
        self.bills.nudge.notify_one();
        tracing::info!(
            party,
            run = submitted.run.id,
            known = submitted.known,
            "bills of the watched folder taken"
        );
        Ok(submitted.run.id)
    }

    /// A name for a folder that sorts by time.
    fn stamp(&self) -> String {
        self.clock.now_utc().format("%Y%m%dT%H%M%S%6f").to_string()
    }
}

/// The files of a drop, as far as they are there.
async fn files_in(place: &Path) -> io::Result<Drop> {
    let mut files = Drop::new();
    let mut entries = fs::read_dir(place).await?;
    while let Some(entry) = entries.next_entry().await? {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(role) = role_of(&name) else { continue };
        let facts = entry.metadata().await?;
        if !facts.is_file() {
            continue;
        }
        let file = (entry.path(), facts.len(), facts.modified().ok());
        // Two of a kind: the later name, as `ours-2026-10.csv` after `ours-2026-09.csv`, waits for its turn.
        let first = files.entry(role).or_insert_with(|| file.clone());
        if file.0 < first.0 {
            *first = file;
        }
    }
    Ok(files)
}

/// What a file is by the beginning of its name.
fn role_of(name: &str) -> Option<InputRole> {
    let name = name.to_lowercase();
    // What a copying program has not finished yet.
    if [".part", ".tmp", ".filepart", ".crdownload", "~"].iter().any(|end| name.ends_with(end)) {
        return None;
    }
    InputRole::ALL.into_iter().find(|role| name.starts_with(role.name()))
}

fn is_whole(files: &Drop, party: &str, settings: &BillingSettings) -> bool {
    let has = |role| files.contains_key(&role);
    let has_rates = has(InputRole::Rates) || settings.party(party).is_some_and(|own| own.rates.is_some());
    has(InputRole::Ours) && has(InputRole::Theirs) && has_rates
}

/// Moves the files of a drop, and says why if it failed.
async fn put_away(files: &Drop, folder: &Path, reason: Option<&str>) -> io::Result<()> {
    fs::create_dir_all(folder).await?;
    if let Some(reason) = reason {
        fs::write(folder.join("reason.txt"), format!("{reason}\n")).await?;
    }
    for (path, ..) in files.values() {
        let Some(name) = path.file_name() else { continue };
        match fs::rename(path, folder.join(name)).await {
            // Somebody took it away: it is no longer ours to move.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_the_beginning_of_its_name_once_it_is_whole() {
        assert_eq!(role_of("ours-2026-10.csv.gz"), Some(InputRole::Ours));
        assert_eq!(role_of("Theirs.xlsx"), Some(InputRole::Theirs));
        assert_eq!(role_of("contract.toml"), Some(InputRole::Contract));
        for other in ["notes.txt", "ours.csv.part", "theirs.csv.tmp", ".ours.csv", "reason.txt"] {
            assert_eq!(role_of(other), None, "{other}");
        }
    }
}
