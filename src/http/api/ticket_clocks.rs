//! Deadlines and promises of a ticket, as they stand now, and the words kept of it.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use linesman_deadlines::clock::Reading;
use linesman_deadlines::due::trace::Step;
use linesman_deadlines::due::words;
use linesman_deadlines::promise::{self, Duty, Standing};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::extract::{Named, Speaks};
use crate::http::openapi::{BadRequest, NotFound};
use crate::locale::Language;
use crate::ticket::{Ticket, TicketText, clocks};

use super::tickets::find_for;

/// A deadline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClockView {
    /// Its name within the ticket.
    pub name: String,
    /// What it says, in the language asked for.
    pub title: String,
    /// When it is due, how it stands, what is left, and the steps that led there.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub reading: Reading,
    /// Why it is due then, in words.
    pub why: Vec<String>,
}

/// Deadlines and promises.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deadlines {
    /// As of this instant.
    pub at: DateTime<Utc>,
    /// Each that was ever started.
    pub clocks: Vec<ClockView>,
    /// Promises to the customer, as they stand.
    #[schema(value_type = Vec<Object>)]
    pub promises: Vec<Standing>,
    /// Contacts that are owed or were (R86, R96).
    #[schema(value_type = Vec<Object>)]
    pub duties: Vec<Duty>,
}

/// The clocks of a ticket as they are shown: those that run first, the next due first.
#[must_use]
pub fn clock_views(ticket: &Ticket, now: DateTime<Utc>, language: Language) -> Vec<ClockView> {
    let mut standing = clocks::clocks(ticket, now).standing;
    standing.sort_by_key(|clock| (!clocks::is_running(&clock.reading), clock.reading.due_at));
    standing
        .into_iter()
        .map(|clock| ClockView {
            name: clock.name,
            title: match language {
                Language::English => clock.title,
                Language::Chinese => clock.title_zh,
            }
            .to_owned(),
            why: in_words(&clock.reading.trace, language),
            reading: clock.reading,
        })
        .collect()
}

fn in_words(trace: &[Step], language: Language) -> Vec<String> {
    let Some(calendar) = clocks::office() else { return Vec::new() };
    let language = match language {
        Language::English => words::Language::English,
        Language::Chinese => words::Language::Chinese,
    };
    trace.iter().map(|step| words::sentence(step, calendar.zone(), language)).collect()
}

/// Deadlines and promises of a ticket: due, remaining, and why.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/clocks", operation_id = "listTicketClocks", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "As they stand now.", body = Deadlines), BadRequest, NotFound))]
pub async fn deadlines(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<Deadlines>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let at = state.clock.now_utc();
    let duties = crate::procedure::deadlines_at(ticket.registered_at)
        .map(|table| promise::duties(&ticket.process.promises, &table.promise, at))
        .unwrap_or_default();
    Ok(Json(Deadlines {
        at,
        clocks: clock_views(&ticket, at, language),
        promises: clocks::promises(&ticket, at),
        duties,
    }))
}

/// Words kept of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptWords {
    /// Hash by which events name them.
    pub sha256: String,
    /// The words.
    #[serde(flatten)]
    pub words: TicketText,
}

/// The words of a ticket; erased ones are gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct WordList {
    /// Oldest first.
    pub words: Vec<KeptWords>,
}

/// What people said in their own words: description, contacts. It may name persons, and may have been erased.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/words", operation_id = "listTicketWords", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "What is kept.", body = WordList), BadRequest, NotFound))]
pub async fn texts(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<WordList>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let words = state.store.ticket_texts(&ticket.id).await?;
    let words = words
        .into_iter()
        .map(|(sha256, mut words)| {
            words.salt.clear();
            KeptWords { sha256, words }
        })
        .collect();
    Ok(Json(WordList { words }))
}
