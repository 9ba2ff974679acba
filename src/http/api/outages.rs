//! Tickets below a ticket, what their customers are told, a ticket that becomes two, and two that become one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Named, Speaks};
use crate::http::openapi::{BadRequest, Changes, NotFound, TakesBody};
use crate::locale::Language;
use crate::store::process::WantedTicket;
use crate::store::{Role, TicketFilter, WriteError};
use crate::ticket::process::Direction;
use crate::ticket::{
    Deed, Event, Intake, Registration, State as TicketState, Ticket, TicketId, TicketKind, TicketText,
};

use super::ticket_changes::{Change, ChangeParams, Changed, check, if_match, text_flaws};
use super::ticket_process::salted;
use super::tickets::{entity_tag, find_for, show};
use super::view::{TicketView, base_url};

/// A ticket below another.
#[derive(Debug, Serialize, ToSchema)]
pub struct Child {
    /// Its number.
    number: String,
    /// Its id.
    id: TicketId,
    /// Where in its life it is.
    state: TicketState,
    /// Who stays answerable to the customer (R96).
    first_owner: Option<String>,
}

/// A customer of the tickets below.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChildCustomer {
    /// Identity; `null` of callers that nobody knows.
    customer: Option<String>,
    /// He was spoken to since the text was written: he is not told again.
    told: bool,
    /// His tickets.
    tickets: Vec<Child>,
}

/// The tickets below a ticket, customer by customer: each is told once.
#[derive(Debug, Serialize, ToSchema)]
pub struct Children {
    /// What they are told, in the language asked for; `null` until somebody writes it.
    customer_text: Option<String>,
    /// The customers, those that are still to be told first.
    customers: Vec<ChildCustomer>,
    /// How many are still to be told.
    to_tell: usize,
}

/// What customers of an outage are told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomerText {
    /// In English.
    #[schema(min_length = 1, max_length = 10000)]
    en: String,
    /// In Chinese.
    #[schema(min_length = 1, max_length = 10000)]
    zh: String,
}

/// What becomes a ticket of its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPart {
    /// What it is about; kept apart, and never in an event.
    #[schema(min_length = 1, max_length = 10000)]
    description: String,
    /// Kind of work; as the ticket's unless stated.
    #[serde(default)]
    kind: Option<TicketKind>,
}

/// At most so many tickets below one are shown.
const MOST_CHILDREN: usize = 5_000;

/// The tickets below a ticket, customer by customer, and who of them has been told.
#[utoipa::path(get, path = "/api/v1/tickets/{ticket}/children", operation_id = "listChildren", tag = "tickets",
    params(("ticket" = String, Path, description = "Number or id.", max_length = 64)),
    responses((status = 200, description = "The customers below.", body = Children), BadRequest, NotFound))]
pub async fn children(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<Children>, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    let filter = TicketFilter { parent: Some(ticket.id.clone()), ..TicketFilter::default() };
    let (mut below, mut cursor) = (Vec::new(), None);
    while below.len() < MOST_CHILDREN {
        let page = state.store.tickets(&filter, cursor.as_ref(), 1_000).await?;
        below.extend(page.tickets.into_iter().filter(|child| caller.sees(child)));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let written = ticket.process.customer_text.as_ref();
    // Unknown callers are customers of their own.
    let mut by_customer: BTreeMap<(Option<String>, String), Vec<Ticket>> = BTreeMap::new();
    for child in below {
        let customer = child.registration.as_ref().and_then(|known| known.customer.as_ref());
        let customer = customer.map(|known| known.customer.clone());
        let own = if customer.is_some() { String::new() } else { child.id.0.clone() };
        by_customer.entry((customer, own)).or_default().push(child);
    }
    let told = |child: &Ticket| {
        let since = written.map(|text| text.at);
        let mut contacts = child.process.contacts.iter();
        contacts.any(|contact| {
            contact.direction == Direction::Outbound
                && contact.told()
                && since.is_some_and(|since| contact.at >= since)
        })
    };
    let mut customers: Vec<ChildCustomer> = by_customer
        .into_iter()
        .map(|((customer, _), tickets)| ChildCustomer {
            customer,
            told: tickets.iter().any(told),
            tickets: tickets
                .into_iter()
                .map(|child| Child {
                    number: child.number.to_string(),
                    id: child.id,
                    state: child.state,
                    first_owner: child.process.first_owner,
                })
                .collect(),
        })
        .collect();
    customers.sort_by_key(|customer| customer.told);
    let text = written.map(|text| match language {
        Language::English => text.en.clone(),
        Language::Chinese => text.zh.clone(),
    });
    let to_tell = customers.iter().filter(|customer| !customer.told).count();
    Ok(Json(Children { customer_text: text, customers, to_tell }))
}

/// Writes what the customers of an outage are told; a new text is told anew.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/customer-text", operation_id = "setCustomerText", tag = "tickets",
    request_body = NewCustomerText, params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn customer_text(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewCustomerText>,
) -> Result<Response, Problem> {
    check([text_flaws("/en", &body.en), text_flaws("/zh", &body.zh)])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::from(Deed::CustomerTextSet { en: body.en, zh: body.zh })).await?;
    Ok(show(&state, ticket, language))
}

/// Which ticket goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Merger {
    /// Id of the other ticket.
    into: TicketId,
}

/// Lets another ticket go on in its place; tickets below it go with it. What measurement opened is merged by the NOC.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/merge", operation_id = "mergeTicket", tag = "tickets",
    request_body = Merger, params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn merge(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<Merger>,
) -> Result<Response, Problem> {
    if !find_for(&state, &caller, &name).await?.is_reported() {
        caller.require(Role::Noc)?;
    }
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::from(Deed::Merged { into: body.into })).await?;
    Ok(show(&state, ticket, language))
}

/// Lets part of a ticket go on as one of its own, with the same customer; answers the new one.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/split", operation_id = "splitTicket", tag = "tickets",
    request_body = NewPart, params(ChangeParams),
    responses((status = 201, description = "The new ticket.", body = TicketView,
        headers(("ETag" = String, description = "Its version, for If-Match."), ("Location" = String, description = "The ticket."))),
        Changes, TakesBody))]
pub async fn split(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewPart>,
) -> Result<Response, Problem> {
    check([text_flaws("/description", &body.description)])?;
    let expected = if_match(&headers)?;
    let ticket = find_for(&state, &caller, &name).await?;
    let Some(registration) = ticket.registration.clone() else {
        return Err(Problem::invalid(vec![Flaw::at("/ticket", "split_measured")]));
    };
    let text = salted(TicketText::of(&body.description))?;
    let kind = body.kind.unwrap_or(ticket.kind);
    let is_complaint = kind == TicketKind::Complaint;
    let wanted = WantedTicket {
        intake: Intake {
            kind,
            registration: Registration {
                text_sha256: text.sha256(),
                nature: registration.nature.filter(|_| is_complaint),
                // Tags are those of a kind of work (R49).
                tags: if kind == ticket.kind { registration.tags.clone() } else { Vec::new() },
                ..registration
            },
            first_owner: ticket.process.first_owner.clone().unwrap_or_else(|| caller.actor.0.clone()),
            department: ticket.process.department.clone(),
            level: ticket.process.level.filter(|_| is_complaint),
            parent: None,
            follows: None,
        },
        text,
        key: None,
    };
    let seen = expected.map_or_else(|| "*".to_owned(), |version| version.to_string());
    let part = match state.writer.split(&ticket.id, expected, wanted, caller.actor).await {
        Ok(registered) => registered.ticket,
        Err(WriteError::Conflict(newer)) => return Err(Problem::changed(seen, newer)),
        Err(error) => return Err(error.into()),
    };
    let location = format!("/api/v1/tickets/{}", part.number);
    let head = [(header::ETAG, entity_tag(part.version)), (header::LOCATION, location)];
    let view = Json(TicketView::of(part, &base_url(&state), language));
    Ok((StatusCode::CREATED, head, view).into_response())
}
