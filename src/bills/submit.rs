//! From files and fields to a run that is kept: by upload, from the watched folder, from the command line.

use std::collections::BTreeMap;
use std::io;

use chrono::{DateTime, Utc};
use linesman_cdr::format::preset::Preset;

use crate::id::{os_random, uuid_v7};
use crate::settings::{BillingSettings, billing};
use crate::store::{InputRole, ReconcileRun, RunInput, RunRequest, RunStatus, Store, StoreError};

use super::period;
use super::vault::Incoming;

/// Fields besides files, `party` and `period`: answers to what a file does not say, by the names of the
/// flags of `linesman cdr reconcile`.
pub const OPTIONS: [&str; 18] = [
    "ours-format",
    "theirs-format",
    "ours-zone",
    "theirs-zone",
    "ours-date-order",
    "theirs-date-order",
    "ours-decimal",
    "theirs-decimal",
    "ours-delimiter",
    "theirs-delimiter",
    "ours-columns",
    "theirs-columns",
    "ours-duration-unit",
    "theirs-duration-unit",
    "ours-encoding",
    "theirs-encoding",
    "from",
    "to",
];
/// Longest text of a field, in characters.
pub const LONGEST_FIELD: usize = 500;

/// What has come in.
#[derive(Debug)]
pub struct Draft {
    /// The files.
    pub incoming: Incoming,
    /// What they are.
    pub inputs: Vec<RunInput>,
    /// Texts by name; empty ones count as not given.
    pub fields: BTreeMap<String, String>,
}

/// A run that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// As it stands.
    pub run: ReconcileRun,
    /// Whether the same content had been there before.
    pub known: bool,
}

/// Why a run was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Fields are wrong: the name of each, and the last part of its sentence's key under `api.field`.
    #[error("{}", .0.iter().map(|(field, flaw)| format!("{field}: {flaw}")).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<(String, &'static str)>),
    /// The directory of bills.
    #[error("the directory of bills: {0}; `[billing] directory` names it")]
    Files(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps a run durably, or finds the one that is kept of the same content. One that had failed waits again.
///
/// # Errors
/// See [`SubmitError`]; then nothing is kept.
pub async fn submit(
    store: &Store,
    settings: &BillingSettings,
    mut draft: Draft,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Submitted, SubmitError> {
    let mut wrong = Vec::new();
    let mut take = |name: &str| draft.fields.remove(name).filter(|text| !text.trim().is_empty());
    let stated = take("party").unwrap_or_default();
    let party = billing::party(&stated).unwrap_or_else(|| {
        wrong.push(("party".to_owned(), "party_name"));
        String::new()
    });
    // Written as the settings write it.
    let own = settings.party(&party);
    let party = own.map_or(party, |own| own.name.clone());
    let period = take("period").and_then(|text| {
        let period = period::parse(&text);
        if period.is_none() {
            wrong.push(("period".to_owned(), "period_form"));
        }
        period
    });
    let mut options: BTreeMap<String, String> =
        OPTIONS.iter().filter_map(|name| Some(((*name).to_owned(), take(name)?.trim().to_owned()))).collect();
    for (name, value) in &options {
        // A file of this host is named by its settings alone, never by whoever uploads.
        if name.ends_with("-format") && Preset::named(value).is_err() {
            wrong.push((name.clone(), "format_name"));
        }
    }
    let end = |name: &str| options.get(name).map(String::as_str);
    if let Err((name, _)) = linesman_reconcile::period(end("from"), end("to")) {
        wrong.push((name.to_owned(), "moment_form"));
    }
    wrong.extend(draft.fields.keys().map(|name| (name.clone(), "unknown_field")));
    for role in [InputRole::Rates, InputRole::Contract] {
        let kept = own.and_then(|own| match role {
            InputRole::Rates => own.rates.as_ref(),
            _ => own.contract.as_ref(),
        });
        if let Some(file) = kept
            && !draft.inputs.iter().any(|input| input.role == role)
        {
            match draft.incoming.copy(role, file, settings.largest_file).await {
                Ok(input) => draft.inputs.push(input),
                Err(error) => {
                    tracing::error!(%error, file = %file.display(), party, "a party's own file cannot be read");
                    wrong.push((role.name().to_owned(), "party_file"));
                }
            }
        }
    }
    for role in [InputRole::Ours, InputRole::Theirs, InputRole::Rates] {
        let given = draft.inputs.iter().find(|input| input.role == role);
        if given.is_none_or(|input| input.bytes == 0) {
            wrong.push((role.name().to_owned(), "file_missing"));
        }
    }
    if !wrong.is_empty() {
        return Err(SubmitError::Wrong(wrong));
    }
    for (name, preset) in [
        ("ours-format", own.and_then(|own| own.ours_format.as_ref())),
        ("theirs-format", own.and_then(|own| own.theirs_format.as_ref())),
    ] {
        if let Some(preset) = preset {
            options.entry(name.to_owned()).or_insert_with(|| preset.clone());
        }
    }
    draft.inputs.sort_by_key(|input| input.role);
    let request = RunRequest { party, period, inputs: draft.inputs, options: options.into_iter().collect() };
    let (kept, known) = match store.run_of(&request.key()).await? {
        Some(kept) => (kept, true),
        None => {
            let id = uuid_v7(now, os_random().map_err(StoreError::from)?);
            let vault = draft.incoming.vault().clone();
            draft.incoming.keep(&id).await?;
            let kept = store.add_run(&id, &request, by).await?;
            if kept != id {
                // Somebody else brought the same at the same moment.
                vault.remove(&id).await?;
            }
            (kept.clone(), kept != id)
        }
    };
    let run = find(store, &kept).await?;
    if !known || run.status != RunStatus::Failed {
        return Ok(Submitted { run, known });
    }
    // Asked again: perhaps the program has learnt to read it meanwhile.
    store.rerun(&kept).await?;
    Ok(Submitted { run: find(store, &kept).await?, known })
}

async fn find(store: &Store, id: &str) -> Result<ReconcileRun, StoreError> {
    let found = store.run(id).await?;
    found.ok_or_else(|| StoreError::inconsistent("reconcile_run", "id", id, "it was kept and is not there"))
}
