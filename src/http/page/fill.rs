//! `GET` and `POST /tickets/{number}/forms/{form}/fill`: a form of R38 to R47 is filled in and filed. What is known
//! of the ticket stands in it already; what is missing is said with its rule.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use linesman_process::form::option_word;

use crate::http::HttpState;
use crate::http::api::ticket_forms::{Filled, prepared, second_handling, view};
use crate::http::auth::Caller;
use crate::store::WriteError;
use crate::ticket::Ticket;

use super::asker::{Tongue, Viewer};
use super::form::Asks;
use super::register::Choice;
use super::shell::{Shell, against, not_yours};
use super::sign;

type Fields = BTreeMap<String, String>;

/// A field to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) choices: Vec<Choice>,
    pub(super) is_long: bool,
    pub(super) is_signature: bool,
    pub(super) mandatory: bool,
    pub(super) hint: String,
}

#[derive(Template)]
#[template(path = "fill.html")]
struct Page {
    shell: Shell,
    number: String,
    name: String,
    version: i64,
    original: String,
    refused: Vec<String>,
    fields: Vec<Field>,
    /// What was drawn before the form was refused: nobody signs twice.
    drawn: String,
}

impl Asks<'_> {
    fn page(&self, ticket: &Ticket, filled: &Filled, given: Option<&Fields>, refused: Vec<String>) -> Page {
        let form = view(self.state, ticket, filled, self.tongue.language);
        let shell = Shell::new(self.tongue, Some(self.viewer), form.title.clone(), "tickets");
        let spoken = self.tongue.language.into();
        let fields = form.fields.into_iter().map(|field| {
            // What is masked for this reader is not his to write over unseen.
            let known = field.value.filter(|_| !(field.personal && filled.masked)).unwrap_or_default();
            let value = given.and_then(|given| given.get(&field.id).cloned()).unwrap_or(known);
            let options: Vec<String> = match field.kind.as_str() {
                "score" => (1..=10).map(|score: u8| score.to_string()).collect(),
                _ => field.options,
            };
            let choice = |option: String| Choice {
                label: if field.kind == "score" {
                    option.clone()
                } else {
                    option_word(&option, spoken).to_owned()
                },
                chosen: option == value,
                value: option,
            };
            Field {
                choices: options.into_iter().map(choice).collect(),
                is_long: field.kind == "long",
                is_signature: field.kind == "signature",
                hint: if field.kind == "time" {
                    "2026-11-22T09:00:00+08:00".to_owned()
                } else {
                    String::new()
                },
                mandatory: field.mandatory,
                label: field.label,
                id: field.id,
                value,
            }
        });
        Page {
            number: ticket.number.to_string(),
            name: form.form,
            version: ticket.version,
            original: form.original_title,
            fields: fields.collect(),
            drawn: given.and_then(|given| given.get(sign::DRAWN).cloned()).unwrap_or_default(),
            refused,
            shell,
        }
    }
}

/// `GET /tickets/{number}/forms/{form}/fill`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    Path((number, name)): Path<(String, String)>,
) -> Response {
    let asks = Asks { state: &state, viewer: &viewer, caller: &caller, tongue: &tongue, number: &number };
    let (ticket, filled) = match asks.filled(&name).await {
        Ok(found) => found,
        Err(amiss) => return *amiss,
    };
    let page = asks.page(&ticket, &filled, None, Vec::new());
    if !page.shell.registers() {
        return not_yours(&tongue, &viewer);
    }
    page.shell.respond(StatusCode::OK, &page)
}

/// `POST /tickets/{number}/forms/{form}/fill`
pub async fn file(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    Path((number, name)): Path<(String, String)>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let asks = Asks { state: &state, viewer: &viewer, caller: &caller, tongue: &tongue, number: &number };
    let Ok(Form(given)) = form else { return StatusCode::BAD_REQUEST.into_response() };
    let (ticket, filled) = match asks.filled(&name).await {
        Ok(found) => found,
        Err(amiss) => return *amiss,
    };
    let form = filled.form;
    let shown = asks.page(&ticket, &filled, Some(&given), Vec::new());
    if !shown.shell.registers() {
        return not_yours(&tongue, &viewer);
    }
    // Only what was typed: what stands in the ticket stays there, and what a person said is not copied.
    let mut typed: Fields = given
        .iter()
        .filter(|(id, value)| form.field(id).is_some() && !value.trim().is_empty())
        .filter(|(id, value)| filled.values.get(*id).is_none_or(|known| known != value.trim()))
        .map(|(id, value)| (id.clone(), value.trim().to_owned()))
        .collect();
    let version = given.get("version").and_then(|version| version.parse::<i64>().ok());
    let refuse = |sentences: Vec<String>, status: StatusCode| {
        let page = Page { refused: sentences, ..shown };
        page.shell.respond(status, &page)
    };
    let signature = match sign::sealed(&state, &ticket, &given, &caller.actor) {
        Ok(signature) => signature.filter(|_| form.field(sign::SAID).is_some()),
        Err(why) => return refuse(vec![why.render(tongue.language)], StatusCode::UNPROCESSABLE_ENTITY),
    };
    if let Some(file) = &signature {
        typed.insert(sign::SAID.to_owned(), sign::said(file));
    }
    let mut wanted = match prepared(Some(caller.role), &ticket, filled, typed) {
        Ok(wanted) => wanted,
        Err(problem) => return refuse(against(&problem, &tongue), StatusCode::UNPROCESSABLE_ENTITY),
    };
    wanted.files.extend(signature);
    if version.is_none_or(|version| version == ticket.version)
        && let Err(error) = second_handling(&state, &ticket, &wanted).await
    {
        let failure = super::action::refused(error);
        let sentences = failure.why.iter().map(|why| why.render(tongue.language)).collect();
        return refuse(sentences, failure.status);
    }
    match state.writer.file(&ticket.id, version, wanted, caller.actor).await {
        Ok(_) => Redirect::to(&format!("/tickets/{number}/forms/{name}")).into_response(),
        Err(WriteError::Store(error)) => super::shell::store_failed(&tongue, &viewer, &error),
        Err(error) => {
            let failure = super::action::refused(error);
            let sentences = failure.why.iter().map(|why| why.render(tongue.language)).collect();
            refuse(sentences, failure.status)
        }
    }
}
