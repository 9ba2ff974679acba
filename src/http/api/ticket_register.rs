//! Registering a ticket: the answer tells at once what is known of the customer's path.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use linesman_deadlines::policy::{Caller as CallerKind, Level, Urgency};
use linesman_deadlines::promise::Source;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Flaw, Problem};
use crate::http::extract::{Body, Speaks};
use crate::http::openapi::{Conflict, NotFound, TakesBody};
use crate::live::Order;
use crate::locale::{Language, words};
use crate::settings::{Audience, ChannelKind, ChannelSettings, CustomerMessage};
use crate::store::WriteError;
use crate::store::process::WantedTicket;
use crate::ticket::apply::LONGEST_NOTE;
use crate::ticket::receipt::{Receipt, receipt};
use crate::ticket::registration::{CustomerRef, Nature, Referral, Warranty};
use crate::ticket::{
    Actor, Channel, Deed, Event, Intake, Registration, Ticket, TicketId, TicketKind, TicketText,
};

use super::ticket_clocks::{ClockView, clock_views};
use super::ticket_known::{Known, SameMatter, known, same_matter, targets_of};
use super::ticket_process::{element_flaw, salted};
use super::ticket_who::{Who, named};
use super::tickets::entity_tag;
use super::view::{TicketView, base_url};

/// Longest key of a registration.
const LONGEST_KEY: usize = 200;

/// What is asked of whoever registers (R25 to R28, R43).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    kind: TicketKind,
    channel: Channel,
    #[serde(default)]
    customer: Option<CustomerRef>,
    /// In place of `customer`: who calls, to be looked up and, if asked for, registered.
    #[serde(default)]
    who: Option<Who>,
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
    /// Tags of the second level, of those that the table knows for the kind (R49).
    #[serde(default)]
    tags: Vec<String>,
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
    /// The time that he was told while he was on the telephone: a promise (R86, R96), and part of his receipt.
    #[serde(default)]
    promise: Option<ToldAtOnce>,
}

/// A time told to the customer when he was registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldAtOnce {
    /// For when.
    due_at: DateTime<Utc>,
    /// What is promised; that service is restored unless stated.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: Option<String>,
}

/// The name of that promise within its ticket.
const AT_ONCE: &str = "registration";

const fn general() -> Urgency {
    Urgency::General
}

/// The answer to a registration.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    /// The ticket.
    pub ticket: TicketView,
    /// It was registered before, by the same key.
    pub repeated: bool,
    /// Its customer was registered with it.
    pub new_customer: bool,
    /// What is known at once.
    #[serde(flatten)]
    pub known: Known,
    /// Open tickets that may be the same matter, as when somebody calls twice; `POST .../merge` with the id of one of
    /// them lets it go on in place of this one.
    pub same_matter: Vec<SameMatter>,
    /// Number of targets that are measured now for him.
    pub measuring: usize,
    /// Its deadlines.
    pub clocks: Vec<ClockView>,
    /// His receipt in his language (R31): to be read out to him where `receipt_by` is `null`.
    pub receipt: Option<Receipt>,
    /// The channel of `[[notify]]` that sends it to him.
    pub receipt_by: Option<String>,
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
    let answer = registered(&state, language, caller.actor, key, body).await?;
    let tag = entity_tag(answer.ticket.ticket.version);
    let location = format!("/api/v1/tickets/{}", answer.ticket.ticket.number);
    let status = if answer.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let headers = [
        (header::ETAG, tag),
        (header::LOCATION, location),
        (header::CONTENT_LANGUAGE, language.tag().to_owned()),
    ];
    Ok((status, headers, Json(answer)).into_response())
}

/// Registers, for the API and the page alike.
///
/// # Errors
/// Everything that stands against it.
pub(in crate::http) async fn registered(
    state: &HttpState,
    language: Language,
    actor: Actor,
    key: Option<String>,
    mut body: NewTicket,
) -> Result<Registered, Problem> {
    let now = state.clock.now_utc();
    let mut flaws = Vec::new();
    flaws.extend(body.element.as_deref().and_then(|element| element_flaw(state, "/element", element)));
    let promise = body.promise.take();
    flaws.extend(promise.as_ref().map(|told| told.flaws(now)).unwrap_or_default());
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let named = named(state, body.customer.take(), body.who.take(), body.caller, &actor).await?;
    let elements = match (&body.element, named.as_ref().and_then(|named| named.customer.as_ref())) {
        (Some(element), _) => vec![element.clone()],
        (None, Some(customer)) => customer.elements(),
        (None, None) => Vec::new(),
    };
    let known = known(state, &elements, None, language).await?;
    let explains = matches!(body.kind, TicketKind::Fault | TicketKind::Complaint) && !body.stand_alone;
    let above = known.faults.iter().find(|ticket| !ticket.candidate).map(|ticket| ticket.id.clone());
    let parent = body.parent.clone().or(above.filter(|_| explains));
    let new_customer = named.as_ref().is_some_and(|named| named.is_new);

    let customer = named.map(|named| named.reference);
    let stand_alone = body.stand_alone;
    let wanted = wanted(body, customer, parent, actor.0.clone(), key, now)?;
    let mut registered = state.writer.register(wanted, actor.clone()).await?;
    if stand_alone && !registered.repeated {
        let alone = Event::from(Deed::Linked { parent: None });
        registered.ticket = state.writer.apply(&registered.ticket.id, None, alone, actor).await?;
    }
    let inventory = state.settings.borrow().inventory.clone();
    let targets = targets_of(&inventory, &known.path);
    let ordered = !registered.repeated
        && !targets.is_empty()
        && state.orders.try_send(Order::Remeasure(targets.clone())).is_ok();
    let ticket = match promise {
        Some(told) => told.promised(state, registered.ticket, language).await?,
        None => registered.ticket,
    };
    let ticket = tell_of_work(state, ticket, &known, explains).await?;
    let clocks = clock_views(&ticket, now, language);
    let same_matter = same_matter(state, &ticket, &elements, language).await?;
    let recipient = state.store.recipient(&ticket).await?;
    // By mail whoever has an e-mail address; through a gateway for messages whoever has none.
    let kind = match recipient.as_ref().and_then(|recipient| recipient.email.as_ref()) {
        Some(_) => ChannelKind::Email,
        None => ChannelKind::Webhook,
    };
    let sends = |one: &&ChannelSettings| {
        one.audience == Audience::Customers
            && one.kind == kind
            && one.sends.contains(&CustomerMessage::Receipt)
    };
    let tells = state.settings.borrow().notify.iter().find(sends).cloned();
    let his = recipient.as_ref().and_then(|recipient| recipient.language);
    let speaks = his.unwrap_or_else(|| tells.as_ref().map_or(language, |channel| channel.language));
    Ok(Registered {
        receipt: receipt(&ticket, if recipient.is_some() { speaks } else { language }, now),
        receipt_by: recipient.and(tells).map(|channel| channel.name),
        repeated: registered.repeated,
        new_customer,
        same_matter,
        known,
        measuring: if ordered { targets.len() } else { 0 },
        clocks,
        ticket: TicketView::of(ticket, &base_url(state), language),
    })
}

impl ToldAtOnce {
    /// What stands against it: asked before the ticket is registered, so that none is without its promise.
    fn flaws(&self, now: DateTime<Utc>) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.due_at <= now {
            flaws.push(Flaw::at("/promise/due_at", "promise_passed"));
        }
        if self.text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_NOTE) {
            flaws.push(Flaw::at("/promise/text", "text_length").with("most", LONGEST_NOTE));
        }
        flaws
    }

    /// The ticket with the promise, made by whoever stays answerable. A registration that is sent again makes it only
    /// if it was not made.
    async fn promised(
        self,
        state: &HttpState,
        ticket: Ticket,
        language: Language,
    ) -> Result<Ticket, Problem> {
        let own = self.text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let promised = Deed::Promised {
            id: AT_ONCE.to_owned(),
            text: own.unwrap_or_else(|| words(language, "receipt.restored")),
            due_at: self.due_at,
            source: Source::Own,
            renews: None,
        };
        let by = Actor(ticket.process.first_owner.clone().unwrap_or_default());
        match state.writer.apply(&ticket.id, None, promised.into(), by).await {
            Ok(ticket) => Ok(ticket),
            // Made before, by the same key.
            Err(WriteError::Refused(_)) => Ok(ticket),
            Err(error) => Err(error.into()),
        }
    }
}

/// Work that runs on his path and explains what he sees: he is told its end, and that is a promise (R86, R99). A
/// registration that is sent again tells it again only if it was not told.
async fn tell_of_work(
    state: &HttpState,
    ticket: Ticket,
    known: &Known,
    explains: bool,
) -> Result<Ticket, Problem> {
    let Some(window) = known.running.as_ref().filter(|_| explains && ticket.process.window.is_none()) else {
        return Ok(ticket);
    };
    let text = window.customer_text.clone().unwrap_or_else(|| window.text.clone());
    let told = Deed::ToldOfWork { window: window.id.clone(), ends_at: window.ends_at, text };
    let by = Actor(ticket.process.first_owner.clone().unwrap_or_default());
    match state.writer.apply(&ticket.id, None, told.into(), by).await {
        Ok(ticket) => Ok(ticket),
        // It has ended meanwhile, or somebody told him.
        Err(WriteError::Refused(_)) => Ok(ticket),
        Err(error) => Err(error.into()),
    }
}

fn wanted(
    body: NewTicket,
    customer: Option<CustomerRef>,
    parent: Option<TicketId>,
    caller: String,
    key: Option<String>,
    now: DateTime<Utc>,
) -> Result<WantedTicket, Problem> {
    let text = salted(body.words)?;
    let registration = Registration {
        channel: body.channel,
        customer,
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
        tags: body.tags,
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

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
    let wrong = || Problem::invalid(vec![Flaw::at("?Idempotency-Key", "key_form")]);
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}
