//! Everything about a person: taken out, erased, who looked; and what retention would delete today.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::api::paging::limit;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Named, Params};
use crate::http::openapi::{BadRequest, Conflict, Invalid, NotFound, TakesBody};
use crate::privacy::Sight;
use crate::store::Role;
use crate::store::customers::{Customer, Erasure, PrivacyEvent};
use crate::store::retention_count::RetentionCount;
use crate::ticket::{TicketId, TicketText};

use super::view::{CustomerView, TextView};
use super::{declared, find};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// Events of one ticket that are taken out.
const MOST_EVENTS: u32 = 10_000;
/// Entries of the trail that are taken out.
const MOST_LOOKS: u32 = 10_000;

/// Why a person's data is taken out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedExport {
    /// For the trail, which outlives the person's data: without his name, number or address.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Why a person is erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedErasure {
    /// For the trail, which outlives the person's data: without his name, number or address.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// In spite of an open ticket or evidence of a bill; for an administrator.
    #[serde(default)]
    force: bool,
}

/// Everything that is kept about a person.
#[derive(Serialize, ToSchema)]
pub struct Export {
    /// When it was taken out.
    exported_at: DateTime<Utc>,
    /// He himself, in clear.
    customer: CustomerView,
    /// His contacts as they stand in `linesman.toml`.
    declared_contacts: Vec<String>,
    /// What he said.
    texts: Vec<TextView>,
    /// His tickets, each with what happened to it.
    tickets: Vec<ExportedTicket>,
    /// Who looked at his data and what was done with it.
    trail: Vec<PrivacyEvent>,
}

/// A ticket with what happened to it.
#[derive(Serialize, ToSchema)]
pub struct ExportedTicket {
    /// As it is.
    ticket: serde_json::Value,
    /// Oldest first.
    events: serde_json::Value,
    /// What was said or written for it, oldest first.
    words: Vec<TicketText>,
}

/// What went.
#[derive(Serialize, ToSchema)]
pub struct ErasureDone {
    /// How many contacts.
    contacts: usize,
    /// How many texts.
    texts: usize,
    /// How many calls that were listened to: deleted, or without his number now.
    calls: usize,
    /// How many recordings of calls and drawn signatures.
    files: usize,
    /// Where something about him still stands that Linesman does not change: names of [[customer]] in
    /// `linesman.toml` with contacts. Copies of the database made before hold him too, sealed.
    remaining: Vec<String>,
}

/// Which part of the trail.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrailQuery {
    /// Those after this place in the trail; from the first unless stated.
    after: Option<i64>,
    /// At most so many; 100 unless stated.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A part of the trail.
#[derive(Serialize, ToSchema)]
pub struct Trail {
    /// Oldest first.
    events: Vec<PrivacyEvent>,
}

/// What retention would delete.
#[derive(Serialize, ToSchema)]
pub struct RetentionView {
    /// As of when.
    at: DateTime<Utc>,
    /// By kind.
    kinds: Vec<RetentionCount>,
}

fn check(reason: &str) -> Result<(), Problem> {
    let length = reason.chars().count();
    if reason.trim().is_empty() || length > LONGEST_REASON {
        return Err(Problem::invalid(vec![Flaw::at("/reason", "text_length").with("most", LONGEST_REASON)]));
    }
    if reason.contains(char::is_control) {
        return Err(Problem::invalid(vec![Flaw::at("/reason", "control")]));
    }
    Ok(())
}

/// The contacts of a customer in `linesman.toml`.
fn declared_contacts(state: &HttpState, customer: &Customer) -> Vec<String> {
    let settings = state.settings.borrow().clone();
    let element = declared(&settings.inventory)
        .find(|element| Some(&element.name) == customer.data.inventory_name.as_ref())
        .map(|element| element.facts.contacts.clone());
    element.unwrap_or_default()
}

/// Everything that is kept about a person, as one document; who took it out and why is in the trail.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/export", operation_id = "exportCustomer", tag = "customers",
    request_body = WantedExport,
    params(("customer" = String, Path, description = "Id.", max_length = 64)),
    responses((status = 200, description = "Everything.", body = Export), TakesBody, NotFound))]
pub async fn export(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    Body(wanted): Body<WantedExport>,
) -> Result<Json<Export>, Problem> {
    check(&wanted.reason)?;
    let customer = find(&state, &id).await?;
    let store = &state.store;
    store.note_export(&customer, &wanted.reason, &caller.actor).await?;
    let linked = store.tickets_of_customer(&customer.id).await?;
    let mut tickets = Vec::with_capacity(linked.len());
    for one in &linked {
        let id = TicketId(one.id.clone());
        let Some(ticket) = store.ticket(&id).await? else { continue };
        let events = store.ticket_events(&id, 0, MOST_EVENTS).await?;
        let words = store.ticket_texts(&id).await?.into_iter().map(|(_, words)| TicketText {
            // Chance is no data of his.
            salt: String::new(),
            ..words
        });
        let words = words.collect();
        tickets.push(ExportedTicket { ticket: json(&ticket)?, events: json(&events)?, words });
    }
    let texts = store.texts_of_customer(&customer.id).await?.into_iter().map(TextView::of).collect();
    let trail = store.privacy_events(&customer.id, 0, MOST_LOOKS).await?;
    Ok(Json(Export {
        exported_at: state.clock.now_utc(),
        declared_contacts: declared_contacts(&state, &customer),
        customer: CustomerView::of(&customer, Sight::Clear).with_tickets(linked),
        texts,
        tickets,
        trail,
    }))
}

fn json(value: &impl Serialize) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(value).map_err(|error| {
        tracing::error!(%error, "an export cannot be written");
        Problem::internal()
    })
}

/// Deletes everything about a person but that there was one: contacts, name, notes, what he said. Refused
/// while a ticket of his is not over or evidence of a bill is kept; an administrator can force it.
#[utoipa::path(post, path = "/api/v1/customers/{customer}/erase", operation_id = "eraseCustomer", tag = "customers",
    request_body = WantedErasure,
    params(("customer" = String, Path, description = "Id.", max_length = 64)),
    responses((status = 200, description = "Erased.", body = ErasureDone), TakesBody, NotFound, Conflict))]
pub async fn erase(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    Body(wanted): Body<WantedErasure>,
) -> Result<Json<ErasureDone>, Problem> {
    check(&wanted.reason)?;
    if wanted.force {
        caller.require(Role::Admin)?;
    }
    let customer = find(&state, &id).await?;
    let remaining = if declared_contacts(&state, &customer).is_empty() {
        Vec::new()
    } else {
        customer.data.inventory_name.iter().cloned().collect()
    };
    let erasure = Erasure { reason: wanted.reason, force: wanted.force };
    let erased = state.store.erase_customer(&customer.id, &erasure, &caller.actor).await?;
    tracing::info!(by = %caller.actor.0, customer = %customer.id, forced = wanted.force, "erased a customer");
    let crate::store::customers::Erased { contacts, texts, calls, files } = erased;
    Ok(Json(ErasureDone { contacts, texts, calls, files, remaining }))
}

/// Who read, changed, took out or erased a customer's data, oldest first.
#[utoipa::path(get, path = "/api/v1/customers/{customer}/trail", operation_id = "getCustomerTrail", tag = "customers",
    params(("customer" = String, Path, description = "Id.", max_length = 64), TrailQuery),
    responses((status = 200, description = "A part of the trail.", body = Trail), BadRequest, Invalid, NotFound))]
pub async fn trail(
    State(state): State<HttpState>,
    Named(id): Named,
    Params(query): Params<TrailQuery>,
) -> Result<Json<Trail>, Problem> {
    let limit = limit(query.limit, 100, 1000).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let customer = find(&state, &id).await?;
    let events = state.store.privacy_events(&customer.id, query.after.unwrap_or(0), limit).await?;
    Ok(Json(Trail { events }))
}

/// What retention would delete now, counted and not deleted.
#[utoipa::path(get, path = "/api/v1/retention", operation_id = "previewRetention", tag = "administration",
    responses((status = 200, description = "Counts by kind.", body = RetentionView)))]
pub async fn retention(State(state): State<HttpState>) -> Result<Json<RetentionView>, Problem> {
    let settings = state.settings.borrow().clone();
    let at = state.clock.now_utc();
    let current: Vec<&str> = declared(&settings.inventory).map(|element| element.name.as_str()).collect();
    let terms = crate::store::retention_count::Terms {
        observations: settings.retention.observations,
        hourly: settings.retention.hourly,
        bills: settings.billing.keep,
        customers: settings.retention.customers,
        recorded_calls: settings.retention.recorded_calls,
        signatures: settings.retention.signatures,
    };
    let kinds = state.store.count_retention(at, &terms, &current).await?;
    Ok(Json(RetentionView { at, kinds }))
}
