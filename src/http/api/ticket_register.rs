//! Registering a ticket: the answer tells at once what is known of the customer's path.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use linesman_deadlines::policy::{Caller as CallerKind, Level, Urgency};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnosis::ElementState;
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Speaks};
use crate::http::openapi::{Conflict, NotFound, TakesBody};
use crate::inventory::{ElementKind, Inventory};
use crate::live::Order;
use crate::locale::Language;
use crate::store::process::WantedTicket;
use crate::ticket::registration::{CustomerRef, Nature, Referral, Warranty};
use crate::ticket::{Channel, Intake, Registration, Ticket, TicketId, TicketKind, TicketText};

use super::ticket_clocks::{ClockView, clock_views};
use super::ticket_process::{element_flaw, salted};
use super::tickets::entity_tag;
use super::view::{TicketView, base_url};

/// Longest key of a registration.
const LONGEST_KEY: usize = 200;
/// Targets that a registration has measured at once.
const MOST_TARGETS: usize = 32;

/// What is asked of whoever registers (R25 to R28, R43).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    kind: TicketKind,
    channel: Channel,
    #[serde(default)]
    customer: Option<CustomerRef>,
    /// Who asks: existing, prospect, doubtful or help_seeker (R10).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    caller: Option<CallerKind>,
    /// What of the network he uses, by its name in the inventory.
    #[serde(default)]
    element: Option<String>,
    /// When his contact came in; now unless stated.
    #[serde(default)]
    received_at: Option<DateTime<Utc>>,
    /// urgent, general or routine (R50).
    #[serde(default = "general")]
    #[schema(value_type = String)]
    urgency: Urgency,
    #[serde(default)]
    expected_by: Option<DateTime<Utc>>,
    #[serde(default)]
    nature: Option<Nature>,
    #[serde(default)]
    #[schema(max_length = 200)]
    product_model: Option<String>,
    #[serde(default)]
    purchased_on: Option<NaiveDate>,
    #[serde(default)]
    warranty: Option<Warranty>,
    #[serde(default)]
    referral: Option<Referral>,
    /// The data were read back to the customer (R32).
    #[serde(default)]
    read_back: bool,
    /// His words; kept apart, and never in an event.
    words: TicketText,
    /// Who stays answerable (R96); the caller unless stated.
    #[serde(default)]
    first_owner: Option<String>,
    #[serde(default)]
    department: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    level: Option<Level>,
    /// The ticket above; unless stated that of an open fault on his path.
    #[serde(default)]
    parent: Option<TicketId>,
    /// The closed ticket that this one goes on from (R104).
    #[serde(default)]
    follows: Option<TicketId>,
    /// Never below a ticket of its own accord.
    #[serde(default)]
    stand_alone: bool,
}

const fn general() -> Urgency {
    Urgency::General
}

/// A ticket that explains what the customer sees.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnPath {
    /// Its number.
    pub number: String,
    /// Its id.
    pub id: TicketId,
    /// What is broken and where.
    pub headline: String,
    /// The element.
    pub segment: Option<String>,
    /// Its state.
    pub state: crate::ticket::State,
    /// Expected end: the latest time told of its work, if any was.
    pub expected_end: Option<DateTime<Utc>>,
}

impl OnPath {
    fn of(ticket: &Ticket, language: Language) -> Self {
        let told = |work: &crate::ticket::process::Work| work.etas.last().map(|told| told.eta);
        Self {
            number: ticket.number.to_string(),
            id: ticket.id.clone(),
            headline: ticket.headline().render(language),
            segment: ticket.segment.clone(),
            state: ticket.state,
            expected_end: ticket.process.open_works().filter_map(told).max(),
        }
    }
}

/// An element as it was last measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeasuredElement {
    /// Its name.
    pub element: String,
    /// How it was.
    pub state: ElementState,
}

/// The answer to a registration.
#[derive(Debug, Serialize, ToSchema)]
pub struct Registered {
    /// The ticket.
    pub ticket: TicketView,
    /// It was registered before, by the same key.
    pub repeated: bool,
    /// Elements on his path, nearest first; empty when nothing of the network was named.
    pub path: Vec<String>,
    /// How each of them was when the measurements were last looked at; those that nobody measures are left out.
    pub measured: Vec<MeasuredElement>,
    /// Open tickets of measured faults on his path.
    pub open_on_path: Vec<OnPath>,
    /// Number of targets that are measured now for him.
    pub measuring: usize,
    /// Its deadlines.
    pub clocks: Vec<ClockView>,
}

/// Registers a complaint, fault report, consultation, top-up or follow-up, and answers what is known of the
/// customer's path. Sent again with the same `Idempotency-Key` it answers the same ticket.
#[utoipa::path(post, path = "/api/v1/tickets", operation_id = "registerTicket", tag = "tickets",
    request_body = NewTicket,
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's name for this registration.", max_length = 200)),
    responses(
        (status = 201, description = "Registered.", body = Registered,
            headers(("ETag" = String, description = "Its version, for If-Match."), ("Location" = String, description = "The ticket."))),
        (status = 200, description = "Registered before, by the same key.", body = Registered),
        NotFound, Conflict, TakesBody))]
pub async fn register(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<NewTicket>,
) -> Result<Response, Problem> {
    let key = key(&headers)?;
    let now = state.clock.now_utc();
    let flaw = body.element.as_deref().and_then(|element| element_flaw(&state, "/element", element));
    if let Some(flaw) = flaw {
        return Err(Problem::invalid(vec![flaw]));
    }
    let inventory = state.settings.borrow().inventory.clone();
    let named = body.element.clone().or_else(|| body.customer.as_ref().map(|known| known.customer.clone()));
    let path = named.map(|element| path_of(&inventory, &element)).unwrap_or_default();
    let open = state.store.open_tickets_at(&path).await?;
    let open: Vec<Ticket> = open.into_iter().filter(|ticket| ticket.fault.is_some()).collect();
    let explains = matches!(body.kind, TicketKind::Fault | TicketKind::Complaint) && !body.stand_alone;
    let above = open.iter().find(|ticket| !ticket.candidate).map(|ticket| ticket.id.clone());
    let parent = body.parent.clone().or(above.filter(|_| explains));

    let actor = caller.actor.clone();
    let stand_alone = body.stand_alone;
    let wanted = wanted(body, parent, actor.0.clone(), key, now)?;
    let mut registered = state.writer.register(wanted, actor.clone()).await?;
    if stand_alone && !registered.repeated {
        let alone = crate::ticket::Event::from(crate::ticket::Deed::Linked { parent: None });
        registered.ticket = state.writer.apply(&registered.ticket.id, None, alone, actor).await?;
    }
    let targets = targets_of(&inventory, &path);
    let ordered = !registered.repeated
        && !targets.is_empty()
        && state.orders.try_send(Order::Remeasure(targets.clone())).is_ok();
    let ticket = registered.ticket;
    let tag = entity_tag(ticket.version);
    let clocks = clock_views(&ticket, now, language);
    let answer = Registered {
        repeated: registered.repeated,
        measured: measured(&state, &path),
        path,
        open_on_path: open.iter().map(|ticket| OnPath::of(ticket, language)).collect(),
        measuring: if ordered { targets.len() } else { 0 },
        clocks,
        ticket: TicketView::of(ticket, &base_url(&state), language),
    };
    let location = format!("/api/v1/tickets/{}", answer.ticket.ticket.number);
    let status = if answer.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let headers = [
        (header::ETAG, tag),
        (header::LOCATION, location),
        (header::CONTENT_LANGUAGE, language.tag().to_owned()),
    ];
    Ok((status, headers, Json(answer)).into_response())
}

fn wanted(
    body: NewTicket,
    parent: Option<TicketId>,
    caller: String,
    key: Option<String>,
    now: DateTime<Utc>,
) -> Result<WantedTicket, Problem> {
    let text = salted(body.words)?;
    let registration = Registration {
        channel: body.channel,
        customer: body.customer,
        caller: body.caller,
        element: body.element,
        received_at: body.received_at.unwrap_or(now),
        urgency: body.urgency,
        expected_by: body.expected_by,
        nature: body.nature,
        product_model: body.product_model,
        purchased_on: body.purchased_on,
        warranty: body.warranty,
        referral: body.referral,
        read_back: body.read_back,
        text_sha256: text.sha256(),
    };
    let intake = Intake {
        kind: body.kind,
        registration,
        first_owner: body.first_owner.unwrap_or(caller),
        department: body.department,
        level: body.level,
        parent,
        follows: body.follows,
    };
    Ok(WantedTicket { intake, text, key })
}

fn measured(state: &HttpState, path: &[String]) -> Vec<MeasuredElement> {
    let Some((_, diagnosis)) = state.live.diagnosis() else { return Vec::new() };
    let of = |name: &String| {
        let report = diagnosis.elements.iter().find(|report| report.element == *name)?;
        Some(MeasuredElement { element: name.clone(), state: report.state })
    };
    path.iter().filter_map(of).collect()
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
    let wrong = || Problem::invalid(vec![Flaw::at("?Idempotency-Key", "key_form")]);
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}

/// What carries the customer's calls: the path to the element and what it stands on, itself last.
fn path_of(inventory: &Inventory, element: &str) -> Vec<String> {
    let Some(index) = inventory.find(element) else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    let own = &inventory.element(index).depends_on;
    for step in inventory.path(index).iter().chain(own).chain([&index]) {
        let step = inventory.element(*step);
        // Sites and customers carry nothing.
        if step.kind != ElementKind::Site && !names.contains(&step.name) {
            names.push(step.name.clone());
        }
    }
    names
}

/// Targets that speak for the end of the path first: the customer's own.
fn targets_of(inventory: &Inventory, path: &[String]) -> Vec<String> {
    let elements = path.iter().rev().filter_map(|name| inventory.find(name));
    let targets = elements.flat_map(|index| inventory.targets_of(index)).map(|target| target.name.clone());
    targets.take(MOST_TARGETS).collect()
}
