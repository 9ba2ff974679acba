//! What people do to tickets. The guards are those of the ticket engine; here is only who may ask
//! and in what form. Every change names the version that was seen (`If-Match`).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Required, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::diagnosis::{Cause, Side};
use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Speaks};
use crate::http::openapi::{Changes, TakesBody};
use crate::store::{Role, WriteError};
use crate::ticket::apply::LONGEST_NOTE;
use crate::ticket::{Event, Ticket, TicketText, Visibility};

use super::tickets::{find_for, show};

/// What a change needs besides its body.
pub(super) struct Change<'a> {
    pub(super) state: &'a HttpState,
    pub(super) caller: Caller,
    pub(super) name: &'a str,
    pub(super) headers: &'a HeaderMap,
}

impl Change<'_> {
    pub(super) async fn make(self, event: Event) -> Result<Ticket, Problem> {
        self.make_with(event, None).await
    }

    /// The same, keeping words that the event names by their hash.
    pub(super) async fn make_with(self, event: Event, text: Option<TicketText>) -> Result<Ticket, Problem> {
        let expected = if_match(self.headers)?;
        let ticket = find_for(self.state, &self.caller, self.name).await?;
        let seen = expected.map_or_else(|| "*".to_owned(), |version| version.to_string());
        let (writer, actor) = (&self.state.writer, self.caller.actor);
        let done = match text {
            Some(text) => writer.apply_with_text(&ticket.id, expected, event, text, actor).await,
            None => writer.apply(&ticket.id, expected, event, actor).await,
        };
        match done {
            Ok(ticket) => Ok(ticket),
            Err(WriteError::Conflict(newer)) => Err(Problem::changed(seen, newer)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The version that the client saw; `None` for `*`, which waives the question.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Problem::say(Code::PreconditionRequired, "precondition_required"));
    };
    let value = value.to_str().unwrap_or_default().trim();
    if value == "*" {
        return Ok(None);
    }
    let digits = value.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"'));
    let version = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let version = version.and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(|| Problem::say(Code::BadRequest, "if_match_form"))
}

/// A text that people write: some of it, not too much, no control characters but line breaks.
pub(super) fn text_flaws(pointer: &str, text: &str) -> Option<Flaw> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_NOTE {
        return Some(Flaw::at(pointer, "text_length").with("most", LONGEST_NOTE));
    }
    let forbidden = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    text.contains(forbidden).then(|| Flaw::at(pointer, "control"))
}

pub(super) fn check(flaws: impl IntoIterator<Item = Option<Flaw>>) -> Result<(), Problem> {
    let flaws: Vec<Flaw> = flaws.into_iter().flatten().collect();
    if flaws.is_empty() { Ok(()) } else { Err(Problem::invalid(flaws)) }
}

/// A note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// What.
    #[schema(min_length = 1, max_length = 10000)]
    text: String,
    /// For whom; the operator's people unless stated.
    #[serde(default)]
    visibility: Visibility,
}

/// A confirmation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// What was seen.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    note: Option<String>,
}

/// A correction; the class follows from the cause.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Cause as found.
    cause: Cause,
    /// Element as found; one of the inventory.
    #[schema(min_length = 1, max_length = 200)]
    segment: String,
    /// Whose it is.
    side: Side,
    /// What was seen.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    note: Option<String>,
}

/// That agreeing bills do not settle a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disagreement {
    /// Why not.
    #[schema(min_length = 1, max_length = 10000)]
    reason: String,
}

/// A withdrawal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// Why.
    #[schema(min_length = 1, max_length = 10000)]
    reason: String,
}

/// The parameters of every change.
pub(super) struct ChangeParams;

impl IntoParams for ChangeParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = |most, form: Option<&str>| {
            let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(most)).pattern(form);
            Some(schema.build())
        };
        let parameter = |name, place, description, most, form| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(place)
                .required(Required::True)
                .description(Some(description))
                .schema(text(most, form))
                .build()
        };
        let seen = "The ETag that was seen, as `\"v7\"`; `*` waives the comparison.";
        vec![
            parameter("ticket", ParameterIn::Path, "Number or id.", 64, None),
            parameter("If-Match", ParameterIn::Header, seen, 21, Some(r#"^(\*|"v[0-9]{1,18}")$"#)),
        ]
    }
}

/// The answer to every change.
pub(super) struct Changed<const STATUS: u16>;

impl<const STATUS: u16> IntoResponses for Changed<STATUS> {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let schema = Ref::from_schema_name("TicketView");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let mut tag = Header::new(text);
        tag.description = Some("Its version, for the next If-Match.".to_owned());
        let response = ResponseBuilder::new().description("The ticket as it is now.").header("ETag", tag);
        [(STATUS.to_string(), RefOr::T(response.content("application/json", content).build()))].into()
    }
}

/// Takes a ticket over: the caller becomes its owner.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/acknowledge", operation_id = "acknowledgeTicket", tag = "tickets",
    params(ChangeParams), responses(Changed<200>, Changes))]
pub async fn acknowledge(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::Acknowledged).await?;
    Ok(show(&state, ticket, language))
}

/// Writes something down.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/note", operation_id = "noteOnTicket", tag = "tickets",
    request_body = NewNote,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn note(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<NewNote>,
) -> Result<Response, Problem> {
    check([text_flaws("/text", &body.text)])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let event = Event::Noted { text: body.text, visibility: body.visibility };
    let ticket = change.make(event).await?;
    Ok(show(&state, ticket, language))
}

/// Confirms class, cause and segment of the diagnosis.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/confirm", operation_id = "confirmDiagnosis", tag = "tickets",
    request_body = Confirmation,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn confirm(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<Confirmation>,
) -> Result<Response, Problem> {
    check([body.note.as_deref().and_then(|note| text_flaws("/note", note))])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::DiagnosisConfirmed { note: body.note }).await?;
    Ok(show(&state, ticket, language))
}

/// Corrects the diagnosis; the class follows from the cause.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/correct", operation_id = "correctDiagnosis", tag = "tickets",
    request_body = Correction,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn correct(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<Correction>,
) -> Result<Response, Problem> {
    let ticket = find_for(&state, &caller, &name).await?;
    // The party of a bill is no element.
    let is_known = ticket.segment.as_ref() == Some(&body.segment)
        || state.settings.borrow().inventory.find(&body.segment).is_some();
    let shown: String = body.segment.chars().filter(|character| !character.is_control()).take(64).collect();
    let unknown = (!is_known).then(|| Flaw::at("/segment", "unknown_segment").with("value", shown));
    check([unknown, body.note.as_deref().and_then(|note| text_flaws("/note", note))])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let Correction { cause, segment, side, note } = body;
    let event = Event::DiagnosisCorrected { cause, class: cause.class(), segment, side, note };
    let ticket = change.make(event).await?;
    Ok(show(&state, ticket, language))
}

/// Approves a candidate: a ticket that low confidence opened.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/approve", operation_id = "approveTicket", tag = "tickets",
    params(ChangeParams), responses(Changed<200>, Changes))]
pub async fn approve(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::Approved).await?;
    Ok(show(&state, ticket, language))
}

/// Dismisses a candidate, or withdraws a ticket: what people registered the first desk withdraws when the customer
/// wants it (R100), what measurement opened is the NOC's.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/cancel", operation_id = "cancelTicket", tag = "tickets",
    request_body = Cancellation,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn cancel(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<Cancellation>,
) -> Result<Response, Problem> {
    check([text_flaws("/reason", &body.reason)])?;
    if caller.role != Role::Billing && !find_for(&state, &caller, &name).await?.is_reported() {
        caller.require(Role::Noc)?;
    }
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::Cancelled { reason: body.reason }).await?;
    Ok(show(&state, ticket, language))
}

/// Confirms that bills which agree in a new comparison settle a ticket of class A.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/settle", operation_id = "settleTicket", tag = "tickets",
    request_body = Confirmation,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn settle(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<Confirmation>,
) -> Result<Response, Problem> {
    check([body.note.as_deref().and_then(|note| text_flaws("/note", note))])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::ResolutionConfirmed { note: body.note }).await?;
    Ok(show(&state, ticket, language))
}

/// Does not agree that a new comparison settles a ticket of class A: it is worked on again.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/decline", operation_id = "declineSettlement", tag = "tickets",
    request_body = Disagreement,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn decline(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<Disagreement>,
) -> Result<Response, Problem> {
    check([text_flaws("/reason", &body.reason)])?;
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::ResolutionDeclined { reason: body.reason }).await?;
    Ok(show(&state, ticket, language))
}

/// Asks for the targets of a ticket to be measured now.
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/remeasure", operation_id = "remeasureTicket", tag = "tickets",
    params(ChangeParams), responses(Changed<202>, Changes))]
pub async fn remeasure(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    // The writer passes the order on after its commit; where there is no room it is better not written.
    if state.orders.capacity() == 0 {
        return Err(Problem::say(Code::Unavailable, "workers_busy").retry_after(1));
    }
    let ticket = change.make(Event::RemeasureRequested).await?;
    Ok((StatusCode::ACCEPTED, show(&state, ticket, language)).into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn matching(value: &'static str) -> Result<Option<i64>, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        if_match(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn a_change_names_one_version_that_was_seen() {
        assert_eq!(
            if_match(&HeaderMap::new()).map_err(|problem| problem.code()),
            Err(Code::PreconditionRequired)
        );
        assert_eq!(matching("\"v7\""), Ok(Some(7)));
        assert_eq!(matching("*"), Ok(None));
        for wrong in
            ["v7", "\"7\"", "\"v\"", "\"v+7\"", "W/\"v7\"", "\"v1\", \"v2\"", "\"v99999999999999999999\""]
        {
            assert_eq!(matching(wrong), Err(Code::BadRequest), "{wrong}");
        }
    }

    #[test]
    fn a_note_has_words_and_no_control_characters() {
        assert!(text_flaws("/text", "looked at it\nfibre is cut").is_none());
        assert!(text_flaws("/text", "光纤中断").is_none());
        for wrong in ["", " \n", "a\u{0}b", "a\u{1b}[31m"] {
            assert!(text_flaws("/text", wrong).is_some(), "{wrong:?}");
        }
        assert!(text_flaws("/text", &"x".repeat(LONGEST_NOTE + 1)).is_some());
    }
}
