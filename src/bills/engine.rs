//! The one call of `linesman-reconcile`: blocking, on a thread that its caller gives.

use std::path::PathBuf;
use std::sync::Arc;

use linesman_cdr::outcome::Outcome;
use linesman_reconcile::{Input, Job, Progress};

use crate::locale::Message;
use crate::store::{InputRole, ReconcileRun};

use super::vault::Vault;

/// One run for the engine.
#[derive(Debug, Clone)]
pub struct Work {
    /// What to compare.
    pub job: Job,
    /// Whose bill, for the head of the report.
    pub party: String,
    /// Where the report goes: a folder that is not there yet.
    pub report: PathBuf,
}

impl Work {
    /// Of a run whose files are in the vault.
    ///
    /// # Errors
    /// When a file that every run needs is not among its inputs.
    pub fn of(run: &ReconcileRun, vault: &Vault, threads: u32, memory: u64) -> Result<Self, EngineError> {
        let path = |role| run.request.input(role).map(|input| vault.input(&run.id, input));
        let needed = |role: InputRole| {
            path(role).ok_or_else(|| EngineError::Failed(format!("there is no file {}", role.name())))
        };
        let side = |role: InputRole| {
            let option = |name: &str| {
                let wanted = format!("{}-{name}", role.name());
                run.request.options.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
            };
            let prefix = format!("{}-", role.name());
            let hints = run.request.options.iter().filter_map(|(name, value)| {
                let hint = name.strip_prefix(&prefix).filter(|hint| *hint != "format")?;
                Some((hint.to_owned(), value.clone()))
            });
            Ok(Input { path: needed(role)?, format: option("format"), hints: hints.collect() })
        };
        let job = Job {
            ours: side(InputRole::Ours)?,
            theirs: side(InputRole::Theirs)?,
            rates: needed(InputRole::Rates)?,
            contract: path(InputRole::Contract),
            threads: threads as usize,
            memory,
            temporary: Some(vault.work(&run.id)),
        };
        Ok(Self { job, party: run.party.clone(), report: vault.report(&run.id).with_extension("new") })
    }
}

/// What the engine gives back; the report's files are where they were wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// As `linesman cdr reconcile --json`.
    pub outcome: Outcome,
    /// SHA-256 of the deck and of the contract.
    pub rates_sha256: String,
    /// As above, where there is one.
    pub contract_sha256: Option<String>,
    /// What our records span, milliseconds since 1970.
    pub period_ms: Option<[i64; 2]>,
    /// The correct calculation of one call.
    pub example: Vec<Message>,
    /// What the contract says.
    pub accounting: Vec<Message>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It was told to stop.
    #[error("stopped")]
    Cancelled,
    /// It says why.
    #[error("{0}")]
    Failed(String),
}

/// Compares bills, blocking; the real one but for tests.
pub type Engine = Arc<dyn Fn(&Work, &Progress) -> Result<Answer, EngineError> + Send + Sync>;

/// The real one.
#[must_use]
pub fn real() -> Engine {
    Arc::new(|work, _progress| Err(EngineError::Failed(format!("{}: not joined yet", work.party))))
}
