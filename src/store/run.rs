//! A reconciliation as it is kept: what was asked, what came of it. No SQL here.

use chrono::{DateTime, Utc};
use linesman_cdr::outcome::Outcome;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::diagnosis::Fault;
use crate::diagnosis::billed::BilledMedia;
use crate::locale::Message;
use crate::ticket::TicketId;
use crate::ticket::chain::hex;

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Its files are kept; it waits for its turn.
    Queued,
    /// It is worked on.
    Running,
    /// It has an answer.
    Done,
    /// It has none, and says why.
    Failed,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing more happens to it by itself.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// What a file is to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputRole {
    /// Our server's original bill.
    Ours,
    /// The other party's original bill.
    Theirs,
    /// The rate deck.
    Rates,
    /// The contract.
    Contract,
}

impl InputRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ours, Self::Theirs, Self::Rates, Self::Contract];

    /// The name in outputs, of the field of an upload, and of its file's folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Rates => "rates",
            Self::Contract => "contract",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A file that a run reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunInput {
    /// What it is.
    pub role: InputRole,
    /// Its name as its owner gave it.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunRequest {
    /// Whose bill.
    pub party: String,
    /// The period as given; found in our records unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The files, by role.
    pub inputs: Vec<RunInput>,
    /// Answers to what a file does not say, by the name of the flag (`theirs-date-order` = `dmy`), in
    /// order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
}

impl RunRequest {
    /// Covers all that an answer depends on: the same files and options are the same run.
    #[must_use]
    pub fn key(&self) -> String {
        let mut hasher = Sha256::new();
        let mut add = |field: &str| {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        };
        add(&self.party.to_lowercase());
        add(self.period.as_deref().unwrap_or_default());
        for role in InputRole::ALL {
            add(self.input(role).map_or("", |input| input.sha256.as_str()));
        }
        for (name, value) in &self.options {
            add(name);
            add(value);
        }
        hex(&hasher.finalize())
    }

    /// The file of a role.
    #[must_use]
    pub fn input(&self, role: InputRole) -> Option<&RunInput> {
        self.inputs.iter().find(|input| input.role == role)
    }
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportFile {
    /// Its name, as `en/dispute.html`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunAnswer {
    /// As `linesman cdr reconcile --json`.
    #[schema(value_type = Object)]
    pub outcome: Outcome,
    /// Version of the program that found it.
    pub engine: String,
    /// SHA-256 of the rate deck.
    pub rates_sha256: String,
    /// SHA-256 of the contract, where there is one.
    pub contract_sha256: Option<String>,
    /// The report.
    pub files: Vec<ReportFile>,
    /// How long it took.
    pub seconds: f64,
    /// Each file of records beside the calls that were heard, numbers masked; the report has them in clear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<BilledMedia>,
}

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReconcileRun {
    /// Identity.
    pub id: String,
    /// Covers its files and options.
    pub key: String,
    /// Whose bill.
    pub party: String,
    /// Which period, once known.
    pub period: Option<String>,
    /// Where it is in its life.
    pub status: RunStatus,
    /// How often it was begun since it was asked for.
    pub attempts: i64,
    /// What was asked.
    pub request: RunRequest,
    /// What came of it.
    pub answer: Option<RunAnswer>,
    /// What the ticket is told.
    #[serde(skip)]
    pub fault: Option<Fault>,
    /// Why there is no answer, in full, in English.
    pub error: Option<String>,
    /// The same in a sentence for readers of either language.
    pub failure: Option<Message>,
    /// The ticket that it opened, enriched, or proposed to settle.
    pub ticket: Option<TicketId>,
    /// Who asked.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was last begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was brought before the tickets.
    #[serde(skip)]
    pub planned_at: Option<DateTime<Utc>>,
}

/// Which runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Of this party.
    pub party: Option<String>,
    /// In this status.
    pub status: Option<RunStatus>,
    /// Of this ticket.
    pub ticket: Option<TicketId>,
    /// After this identity, in the order of the list.
    pub after: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(party: &str, theirs: &str) -> RunRequest {
        let input = |role, sha256: &str| RunInput {
            role,
            name: format!("{sha256}.csv"),
            bytes: 1,
            sha256: sha256.to_owned(),
        };
        RunRequest {
            party: party.to_owned(),
            period: None,
            inputs: vec![input(InputRole::Ours, "a"), input(InputRole::Theirs, theirs)],
            options: Vec::new(),
        }
    }

    #[test]
    fn a_run_is_the_same_by_its_content_and_not_by_the_names_of_its_files() {
        let first = request("Acme", "b");
        let mut renamed = request("acme", "b");
        renamed.inputs[1].name = "other.csv".to_owned();
        renamed.inputs.reverse();
        assert_eq!(first.key(), renamed.key());
        let mut with_option = first.clone();
        with_option.options.push(("ours-zone".to_owned(), "UTC".to_owned()));
        let mut of_period = first.clone();
        of_period.period = Some("2026-10".to_owned());
        for other in [request("Acme", "c"), request("Beta", "b"), with_option, of_period] {
            assert_ne!(first.key(), other.key(), "{other:?}");
        }
    }
}
