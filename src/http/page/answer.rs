//! `GET` and `POST /answer/{secret}`: a customer confirms the result or answers the survey, once, by the link that was
//! sent (R45, R46, R77, R80, R103, R104). No login: whoever has the link is the customer.
//!
//! A dissatisfied customer reopens the ticket; a score below the threshold registers a second handling. Nothing is
//! shown but what the customer was told already: the ticket's number and what was done.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use linesman_process::form::{self, FieldKind, FormId, Values, option_word};

use crate::http::HttpState;
use crate::http::api::ticket_forms::second_handling;
use crate::http::api::ticket_process::salted;
use crate::http::walk::APART;
use crate::locale::Message;
use crate::store::forms::{BY_LINK, CustomerLink, WantedForm};
use crate::store::{StoreError, WriteError};
use crate::ticket::process::{LinkPurpose, Method, Rating};
use crate::ticket::{Actor, Deed, Ticket, TicketText};

use super::asker::Tongue;
use super::shell::Shell;
use super::sign;

/// Longest that a customer may write, in characters.
const LONGEST: usize = 4_000;
/// What the customer fills in; the rest is known.
const CONFIRMATION: [&str; 1] = ["rating"];
const SURVEY: [&str; 5] = ["attitude", "competence", "efficiency", "overall", "suggestion"];

/// A field for the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) choices: Vec<(String, String)>,
    pub(super) is_long: bool,
    pub(super) value: String,
}

/// The page.
#[derive(Template)]
#[template(path = "answer.html")]
pub struct Page {
    shell: Shell,
    title: String,
    original: &'static str,
    number: String,
    done: String,
    asked: Vec<Asked>,
    wants_reason: bool,
    /// What he drew before his answer was refused.
    drawn: String,
    sentences: Vec<String>,
    is_over: bool,
}

fn asked(purpose: LinkPurpose, given: &BTreeMap<String, String>, shell: &Shell) -> (FormId, Vec<Asked>) {
    let (id, fields): (FormId, &[&str]) = match purpose {
        LinkPurpose::Confirmation => (FormId::ResultConfirmation, &CONFIRMATION),
        LinkPurpose::Survey => (FormId::Survey, &SURVEY),
    };
    let spoken = shell.language().into();
    let known = form::shipped(id).map(|form| form.fields.as_slice()).unwrap_or_default();
    let asked = known.iter().filter(|field| fields.contains(&field.id.as_str())).map(|field| Asked {
        id: field.id.clone(),
        label: field.label.get(spoken).to_owned(),
        choices: match field.kind {
            FieldKind::Score => (1..=10).map(|score: u8| (score.to_string(), score.to_string())).collect(),
            _ => {
                let word = |option: &String| (option.clone(), option_word(option, spoken).to_owned());
                field.options.iter().map(word).collect()
            }
        },
        is_long: field.kind == FieldKind::Long,
        value: given.get(&field.id).cloned().unwrap_or_default(),
    });
    (id, asked.collect())
}

fn page(
    tongue: &Tongue,
    known: Option<(&CustomerLink, &Ticket)>,
    given: &BTreeMap<String, String>,
    sentences: Vec<Message>,
    is_over: bool,
) -> Page {
    let shell = Shell::new(tongue, None, crate::locale::words(tongue.language, "page.answer_title"), "");
    let purpose = known.map_or(LinkPurpose::Confirmation, |(link, _)| link.purpose);
    let (id, asked) = asked(purpose, given, &shell);
    let done =
        known.and_then(|(_, ticket)| ticket.process.resolution.as_ref()).map(|known| known.solution.clone());
    Page {
        title: id.word(tongue.language.into()).to_owned(),
        original: id.word(linesman_process::Language::Chinese),
        number: known.map(|(_, ticket)| ticket.number.to_string()).unwrap_or_default(),
        done: done.unwrap_or_default(),
        asked: if is_over { Vec::new() } else { asked },
        drawn: given.get(sign::DRAWN).cloned().unwrap_or_default(),
        wants_reason: purpose == LinkPurpose::Confirmation && !is_over,
        sentences: sentences.iter().map(|one| shell.say(one)).collect(),
        is_over,
        shell,
    }
}

/// A link that is good now, with its ticket; a sentence where it is not.
async fn good(
    state: &HttpState,
    secret: &str,
) -> Result<Result<(CustomerLink, Ticket), Message>, StoreError> {
    let Some(link) = state.store.link(secret).await? else {
        return Ok(Err(Message::new("page.answer_unknown")));
    };
    if link.used_at.is_some() {
        return Ok(Err(Message::new("page.answer_used")));
    }
    if link.expires_at <= state.clock.now_utc() {
        return Ok(Err(Message::new("page.answer_over")));
    }
    let ticket = state.store.ticket(&link.ticket).await?;
    Ok(ticket.map(|ticket| (link, ticket)).ok_or_else(|| Message::new("page.answer_unknown")))
}

fn say(tongue: &Tongue, status: StatusCode, sentence: Message) -> Response {
    let page = page(tongue, None, &BTreeMap::new(), vec![sentence], true);
    page.shell.respond(status, &page)
}

fn failed(tongue: &Tongue, error: &StoreError) -> Response {
    tracing::error!(%error, "a customer's link was not looked up");
    say(tongue, StatusCode::SERVICE_UNAVAILABLE, Message::new("page.store_failed"))
}

/// `GET /answer/{secret}`
pub async fn show(State(state): State<HttpState>, tongue: Tongue, Path(secret): Path<String>) -> Response {
    match good(&state, &secret).await {
        Err(error) => failed(&tongue, &error),
        Ok(Err(why)) => say(&tongue, StatusCode::GONE, why),
        Ok(Ok((link, ticket))) => {
            let page = page(&tongue, Some((&link, &ticket)), &BTreeMap::new(), Vec::new(), false);
            page.shell.respond(StatusCode::OK, &page)
        }
    }
}

/// `POST /answer/{secret}`
pub async fn answer(
    State(state): State<HttpState>,
    tongue: Tongue,
    Path(secret): Path<String>,
    form: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> Response {
    let given = match form {
        Ok(Form(given)) => given,
        Err(rejection) => return say(&tongue, rejection.status(), Message::new("page.form_unreadable")),
    };
    let (link, ticket) = match good(&state, &secret).await {
        Err(error) => return failed(&tongue, &error),
        Ok(Err(why)) => return say(&tongue, StatusCode::GONE, why),
        Ok(Ok(known)) => known,
    };
    let refuse = |status: StatusCode, why: Vec<Message>| {
        let page = page(&tongue, Some((&link, &ticket)), &given, why, false);
        page.shell.respond(status, &page)
    };
    let is_long = |(name, value): (&String, &String)| name != sign::DRAWN && value.chars().count() > LONGEST;
    if given.iter().any(is_long) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, vec![Message::new("page.answer_too_long")]);
    }
    let wanted = match wanted(&state, &link, &ticket, &given, secret) {
        Ok(wanted) => wanted,
        Err(why) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, why),
    };
    // First what follows of it: an answer that was thanked for is never without its second handling, and after a
    // death between the two he answers again and finds the one that is there.
    if let Err(error) = second_handling(&state, &ticket, &wanted).await {
        tracing::error!(%error, number = %ticket.number, "a second handling was not registered");
        return refuse(StatusCode::SERVICE_UNAVAILABLE, vec![Message::new("page.store_failed")]);
    }
    let actor = Actor(BY_LINK.to_owned());
    match state.writer.file(&ticket.id, None, wanted, actor).await {
        Ok(_) => {}
        Err(WriteError::Refused(refusal)) => return refuse(StatusCode::CONFLICT, refusal.unmet),
        Err(error) => {
            tracing::error!(%error, number = %ticket.number, "a customer's answer was not kept");
            return refuse(StatusCode::SERVICE_UNAVAILABLE, vec![Message::new("page.store_failed")]);
        }
    }
    say(&tongue, StatusCode::OK, Message::new("page.answer_thanks").with("number", ticket.number))
}

fn is_against(rating: &str) -> bool {
    rating == Rating::Dissatisfied.name()
}

/// What is filed of an answer, and what it means to the ticket.
fn wanted(
    state: &HttpState,
    link: &CustomerLink,
    ticket: &Ticket,
    given: &BTreeMap<String, String>,
    secret: String,
) -> Result<WantedForm, Vec<Message>> {
    let now = state.clock.now_utc();
    let field = |id: &str| given.get(id).map(|value| value.trim().to_owned()).unwrap_or_default();
    let mut values = Values::new();
    values.insert("number".to_owned(), ticket.number.to_string());
    let (id, asked): (FormId, &[&str]) = match link.purpose {
        LinkPurpose::Confirmation => (FormId::ResultConfirmation, &CONFIRMATION),
        LinkPurpose::Survey => (FormId::Survey, &SURVEY),
    };
    for id in asked {
        values.insert((*id).to_owned(), field(id));
    }
    let Some(form) = form::shipped(id) else { return Err(vec![Message::new("page.store_failed")]) };
    // Scores and choices stand for themselves; who answers is whoever the link was sent to.
    let wrong = form.mistakes(&values).into_iter().any(|mistake| match mistake {
        form::FieldMistake::Missing { field, .. } | form::FieldMistake::DoesNotFit { field } => {
            asked.contains(&field.id.as_str())
        }
        form::FieldMistake::NoSuchField { .. } => true,
    });
    if wrong {
        return Err(vec![Message::new("page.answer_incomplete")]);
    }
    let (mut texts, mut deeds) = (Vec::new(), Vec::new());
    let reason = field("reason");
    match link.purpose {
        LinkPurpose::Confirmation => {
            values.insert("confirmed_at".to_owned(), now.to_rfc3339());
            values.insert("signature".to_owned(), Method::Link.name().to_owned());
            let rating = Rating::parse(&field("rating")).unwrap_or(Rating::Dissatisfied);
            deeds.push(if rating == Rating::Dissatisfied {
                if reason.is_empty() {
                    return Err(vec![Message::new("page.answer_why")]);
                }
                // His words are kept apart; the event says that he is not satisfied (R111).
                let words =
                    salted(TicketText::of(&reason)).map_err(|_| vec![Message::new("page.store_failed")])?;
                let said = format!("{} ({APART}{})", Rating::Dissatisfied.name(), words.sha256());
                texts.push(words);
                Deed::ReopenedByPerson { reason: said }
            } else {
                let no_article_because = Some(link.note.clone()).filter(|note| !note.trim().is_empty());
                Deed::ConfirmationRecorded {
                    rating,
                    method: Method::Link,
                    reference: None,
                    no_article_because,
                }
            });
        }
        LinkPurpose::Survey => {
            values.insert("called_at".to_owned(), now.to_rfc3339());
            let suggestion = values.remove("suggestion").filter(|words| !words.is_empty());
            if let Some(suggestion) = suggestion {
                let words = salted(TicketText::of(&suggestion))
                    .map_err(|_| vec![Message::new("page.store_failed")])?;
                values.insert("suggestion".to_owned(), format!("{APART}{}", words.sha256()));
                texts.push(words);
            }
        }
    }
    let files = match link.purpose {
        // Who does not agree has signed nothing.
        LinkPurpose::Confirmation if values.get("rating").is_some_and(|said| !is_against(said)) => {
            let file =
                sign::sealed(state, ticket, given, &Actor(BY_LINK.to_owned())).map_err(|why| vec![why])?;
            if let Some(file) = &file {
                values.insert(sign::SAID.to_owned(), sign::said(file));
            }
            file.into_iter().collect()
        }
        LinkPurpose::Confirmation | LinkPurpose::Survey => Vec::new(),
    };
    Ok(WantedForm { form: id, values, texts, files, deeds, link: Some(secret) })
}
