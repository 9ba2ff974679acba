//! `GET /tickets/{number}/forms/{form}`: a form of R38 to R47 with what is known of the ticket, to be read, printed
//! and signed. The page needs nothing else: its style stands in it, its script nowhere. [`lines`] is the list of
//! them on the ticket's page.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use linesman_process::form::{self, Heading};

use crate::http::HttpState;
use crate::http::api::ticket_forms::{filled, known};
use crate::http::api::tickets::find_for;
use crate::http::auth::Caller;
use crate::locale::{INSTANT, Language, Message};
use crate::ticket::Ticket;

use super::asker::{Tongue, Viewer};
use super::shell::not_found;

/// Nothing of elsewhere is loaded, no script runs; the page's own style may.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
);

/// A form in the list of a ticket's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormLine {
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) filed: bool,
}

/// All forms, those of the ticket that were filed marked.
#[must_use]
pub fn lines(ticket: &Ticket, language: Language) -> Vec<FormLine> {
    let line = |form: &form::Form| FormLine {
        name: form.id.name(),
        title: form.id.word(language.into()).to_owned(),
        filed: ticket.process.forms.contains_key(&form.id),
    };
    form::defaults().iter().map(line).collect()
}

/// `GET /tickets/{number}/forms/{form}`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    Path((number, name)): Path<(String, String)>,
) -> Response {
    let unknown = || {
        let shown: String = number.chars().take(40).collect();
        not_found(&tongue, &viewer, &Message::new("page.no_such_ticket").with("number", shown))
    };
    let Ok(ticket) = find_for(&state, &caller, &number).await else { return unknown() };
    let Ok(form) = known(&name) else { return unknown() };
    let filled = match filled(&state, &caller, &ticket, form, tongue.language).await {
        Ok(filled) => filled,
        Err(problem) => return problem.into_response(),
    };
    let heading = Heading {
        operator: None,
        printed_at: Some(state.clock.now_utc().format(INSTANT).to_string()),
        mask_personal: filled.masked,
    };
    let html = form::page(form, &filled.values, &heading, tongue.language.into());
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::OK, headers, Html(html)).into_response()
}
