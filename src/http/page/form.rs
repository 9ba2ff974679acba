//! `GET /tickets/{number}/forms/{form}`: a form of R38 to R47 with what is known of the ticket, to be read, printed
//! and signed. The page needs nothing else: its style stands in it, its script nowhere. [`lines`] is the list of
//! them on the ticket's page.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use linesman_process::form::{self, Heading};

use crate::http::HttpState;
use crate::http::api::ticket_forms::{Filled, filled, known};
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

/// Who asks for which form of which ticket.
pub(super) struct Asks<'a> {
    pub(super) state: &'a HttpState,
    pub(super) viewer: &'a Viewer,
    pub(super) caller: &'a Caller,
    pub(super) tongue: &'a Tongue,
    pub(super) number: &'a str,
}

impl Asks<'_> {
    /// The ticket, and the form of this name filled from what is known of it; else the page that says what is amiss.
    pub(super) async fn filled(&self, name: &str) -> Result<(Ticket, Filled), Box<Response>> {
        let unknown = |_| {
            let shown: String = self.number.chars().take(40).collect();
            let sentence = Message::new("page.no_such_ticket").with("number", shown);
            Box::new(not_found(self.tongue, self.viewer, &sentence))
        };
        let ticket = find_for(self.state, self.caller, self.number).await.map_err(unknown)?;
        let form = known(name).map_err(unknown)?;
        let filled = filled(self.state, self.caller, &ticket, form, self.tongue.language).await;
        Ok((ticket, filled.map_err(|problem| Box::new(problem.into_response()))?))
    }
}

/// `GET /tickets/{number}/forms/{form}`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    Path((number, name)): Path<(String, String)>,
) -> Response {
    let asks = Asks { state: &state, viewer: &viewer, caller: &caller, tongue: &tongue, number: &number };
    let filled = match asks.filled(&name).await {
        Ok((_, filled)) => filled,
        Err(amiss) => return *amiss,
    };
    let heading = Heading {
        operator: None,
        printed_at: Some(state.clock.now_utc().format(INSTANT).to_string()),
        mask_personal: filled.masked,
    };
    let html = form::page(filled.form, &filled.values, &heading, tongue.language.into());
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::OK, headers, Html(html)).into_response()
}
