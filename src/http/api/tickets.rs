//! Reading tickets.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::diagnosis::{Class, Severity};
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Named, Params, Speaks, listed};
use crate::http::openapi::{BadRequest, Invalid, NotFound};
use crate::http::walk;
use crate::store::{Role, TicketFilter};
use crate::ticket::event::RecordedEvent;
use crate::ticket::{State as TicketState, Ticket, TicketId, TicketKind};

use super::paging::{limit, next_link, read_cursor, write_cursor};
use super::view::{Evidence, Explanation, TicketView, base_url};

/// Which tickets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketQuery {
    /// States, separated by commas.
    #[param(max_length = 400)]
    state: Option<String>,
    /// Only open ones, or only those that are not.
    open: Option<bool>,
    /// Classes A to E, separated by commas.
    #[param(max_length = 20)]
    class: Option<String>,
    /// Severities, separated by commas.
    #[param(max_length = 100)]
    severity: Option<String>,
    /// Element at fault.
    segment: Option<String>,
    /// Who has it.
    owner: Option<String>,
    /// Identity of a customer.
    #[param(max_length = 64)]
    customer: Option<String>,
    /// Kind of work: fault, complaint, consultation, recharge or follow_up.
    #[param(max_length = 20)]
    kind: Option<String>,
    /// A tag of the second level (R49).
    #[param(max_length = 40)]
    tag: Option<String>,
    /// Id of the ticket above.
    #[param(max_length = 64)]
    parent: Option<String>,
    /// Registered at or after.
    from: Option<DateTime<Utc>>,
    /// Registered before.
    to: Option<DateTime<Utc>>,
    /// At most so many; 50 unless stated.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// A page of tickets.
#[derive(Serialize, ToSchema)]
pub struct TicketList {
    /// Newest first.
    tickets: Vec<TicketView>,
    /// `cursor` of the next page; `null` at the end.
    next: Option<String>,
}

/// Tickets, newest first.
#[utoipa::path(get, path = "/api/v1/tickets", operation_id = "listTickets", tag = "tickets",
    params(TicketQuery),
    responses(
        (status = 200, description = "A page of tickets.", body = TicketList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, Invalid))]
pub async fn list(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    uri: Uri,
    Params(query): Params<TicketQuery>,
) -> Result<Response, Problem> {
    let severities =
        [Severity::Critical, Severity::Major, Severity::Minor, Severity::Warning, Severity::Indeterminate];
    let severity = |name: &str| severities.into_iter().find(|severity| severity.name() == name);
    let mut flaws = Vec::new();
    let mut note = |mut wrong: Vec<Flaw>| flaws.append(&mut wrong);
    let states = listed("?state", query.state.as_deref(), "unknown_state", TicketState::parse);
    let classes = listed("?class", query.class.as_deref(), "unknown_class", Class::parse);
    let severities = listed("?severity", query.severity.as_deref(), "unknown_severity", severity);
    let mut filter = TicketFilter {
        states: states.unwrap_or_else(|wrong| {
            note(wrong);
            Vec::new()
        }),
        open: query.open,
        classes: classes.unwrap_or_else(|wrong| {
            note(wrong);
            Vec::new()
        }),
        severities: severities.unwrap_or_else(|wrong| {
            note(wrong);
            Vec::new()
        }),
        segment: query.segment,
        owner: query.owner,
        customer: query.customer,
        kind: None,
        tag: query.tag,
        parent: query.parent.map(TicketId),
        from: query.from,
        to: query.to,
        bills_only: false,
    };
    if caller.role == Role::Billing {
        filter.bills_only = true;
    }
    let limit = limit(query.limit, 50, 500).unwrap_or_else(|flaw| {
        note(vec![flaw]);
        1
    });
    match query.kind.as_deref().map(TicketKind::parse) {
        Some(None) => note(vec![Flaw::at("?kind", "unknown_kind")]),
        kind => filter.kind = kind.flatten(),
    }
    let cursor = query.cursor.as_deref().map(read_cursor);
    if cursor == Some(None) {
        note(vec![Flaw::at("?cursor", "wrong_cursor")]);
    }
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let page = state.store.tickets(&filter, cursor.flatten().as_ref(), limit).await?;
    let base = base_url(&state);
    let next = page.next.as_ref().map(write_cursor);
    let link = next_link(&uri, "cursor", next.as_deref());
    let view = |ticket: Ticket| {
        let next = walk::next_question(&state, &ticket, None, language);
        TicketView::of(ticket, &base, language).asking(next)
    };
    let tickets = page.tickets.into_iter().map(view).collect();
    Ok((link, Json(TicketList { tickets, next })).into_response())
}

/// The ticket of this number or id.
///
/// # Errors
/// 404, or the database.
pub async fn find(state: &HttpState, name: &str) -> Result<Ticket, Problem> {
    let found = match name.parse() {
        Ok(number) => state.store.ticket_by_number(number).await?,
        Err(_) if name.len() <= 64 => state.store.ticket(&TicketId(name.to_owned())).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| {
        let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
        Problem::say(Code::NotFound, "no_ticket").with("ticket", shown)
    })
}

/// The same, as far as the caller may see it: what he may not see is not there.
///
/// # Errors
/// 404, or the database.
pub async fn find_for(state: &HttpState, caller: &Caller, name: &str) -> Result<Ticket, Problem> {
    let ticket = find(state, name).await?;
    if caller.sees(&ticket) {
        return Ok(ticket);
    }
    let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
    Err(Problem::say(Code::NotFound, "no_ticket").with("ticket", shown))
}

/// The entity tag of a version.
#[must_use]
pub fn entity_tag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// A ticket with its entity tag.
#[must_use]
pub fn show(state: &HttpState, ticket: Ticket, language: crate::locale::Language) -> Response {
    show_below(state, ticket, None, language)
}

/// The same, of a ticket below another whose diagnosis answers questions of its tree.
fn show_below(
    state: &HttpState,
    ticket: Ticket,
    above: Option<&Ticket>,
    language: crate::locale::Language,
) -> Response {
    let tag = entity_tag(ticket.version);
    let next = walk::next_question(state, &ticket, above, language);
    let body = Json(TicketView::of(ticket, &base_url(state), language).asking(next));
    ([(header::ETAG, tag), (header::CONTENT_LANGUAGE, language.tag().to_owned())], body).into_response()
}

/// One ticket, by number (`LM-2026-000123`) or id.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}", operation_id = "getTicket", tag = "tickets",
    params(
        ("ticket" = String, Path, description = "Number or id.", max_length = 64),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has.")),
    responses(
        (status = 200, description = "The ticket.", body = TicketView,
            headers(("ETag" = String, description = "Its version, for If-Match."))),
        (status = 304, description = "Unchanged since."),
        BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let tag = entity_tag(ticket.version);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| holds(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let above = walk::above(&state, &ticket).await?;
    let knowledge = super::knowledge::suggested(&state, &ticket, language).await?;
    let next = walk::next_question(&state, &ticket, above.as_ref(), language);
    let mut view = TicketView::of(ticket, &base_url(&state), language).asking(next);
    view.knowledge = Some(knowledge);
    Ok(([(header::ETAG, tag), (header::CONTENT_LANGUAGE, language.tag().to_owned())], Json(view))
        .into_response())
}

/// Whether a list of entity tags holds this one, weakly compared (RFC 9110 section 13.1.2).
fn holds(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Those after this place in the chain; from the first unless stated.
    after: Option<i64>,
    /// At most so many; 100 unless stated.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct EventList {
    /// Oldest first.
    events: Vec<RecordedEvent>,
    /// `after` of the next page; `null` at the end.
    next: Option<i64>,
}

/// A page of evidence.
#[derive(Serialize, ToSchema)]
pub struct EvidenceList {
    /// Oldest first.
    evidence: Vec<Evidence>,
    /// `after` of the next page; `null` at the end.
    next: Option<i64>,
}

async fn page_of_events(
    state: &HttpState,
    caller: &Caller,
    name: &str,
    query: &EventQuery,
) -> Result<(Vec<RecordedEvent>, Option<i64>), Problem> {
    let limit = limit(query.limit, 100, 1000).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let ticket = find_for(state, caller, name).await?;
    let mut events = state.store.ticket_events(&ticket.id, query.after.unwrap_or(0), limit + 1).await?;
    let goes_on = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next = events.last().filter(|_| goes_on).map(|event| event.seq);
    Ok((events, next))
}

/// What happened to a ticket, oldest first, each event chained to the one before by its hash.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/events", operation_id = "listTicketEvents", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64), EventQuery),
    responses((status = 200, description = "A page of events.", body = EventList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, NotFound, Invalid))]
pub async fn events(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
    uri: Uri,
    Params(query): Params<EventQuery>,
) -> Result<Response, Problem> {
    let (events, next) = page_of_events(&state, &caller, &name, &query).await?;
    let link = next_link(&uri, "after", next.map(|seq| seq.to_string()).as_deref());
    Ok((link, Json(EventList { events, next })).into_response())
}

/// The diagnoses that a ticket holds as evidence, oldest first, in words and as they were.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/evidence", operation_id = "listTicketEvidence", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64), EventQuery),
    responses((status = 200, description = "Evidence among a page of events.", body = EvidenceList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, NotFound, Invalid))]
pub async fn evidence(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    uri: Uri,
    Params(query): Params<EventQuery>,
) -> Result<Response, Problem> {
    let (events, next) = page_of_events(&state, &caller, &name, &query).await?;
    let link = next_link(&uri, "after", next.map(|seq| seq.to_string()).as_deref());
    let evidence = events.iter().filter_map(|event| Evidence::of(event, language)).collect();
    Ok((link, Json(EvidenceList { evidence, next })).into_response())
}

/// Why this class, why this segment, why not its neighbours.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/explain", operation_id = "explainTicket", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The reasoning in words.", body = Explanation), BadRequest, NotFound))]
pub async fn explain(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<Explanation>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    Ok(Json(Explanation::of(&ticket, language)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_found_among_those_that_the_client_has() {
        let holds = |known: &str| holds(&HeaderValue::from_str(known).unwrap(), "\"v7\"");
        assert!(holds("\"v6\", \"v7\"") && holds("W/\"v7\"") && holds("*"));
        assert!(!holds("\"v77\"") && !holds("v7") && !holds(""));
    }
}
