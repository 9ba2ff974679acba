//! `GET /tickets`: all tickets, filtered, page by page.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use linesman_process::tag::Tag;
use serde::Deserialize;

use crate::diagnosis::Class;
use crate::http::HttpState;
use crate::locale::Message;
use crate::store::{Role, TicketCursor, TicketFilter, TicketPage};
use crate::ticket::{State as TicketState, Ticket};

use super::asker::{Tongue, Viewer};
use super::register::Choice;
use super::shell::{Shell, store_failed};
use super::words::{Moment, SeverityMark, span};

/// Tickets on a page.
const PAGE: u32 = 30;

/// A ticket as a line of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Number.
    pub number: String,
    /// What is broken and where.
    pub sentence: String,
    /// Element at fault.
    pub segment: String,
    /// Class, letter and word.
    pub class: String,
    /// State in words.
    pub state: String,
    /// State for CSS classes.
    pub state_name: &'static str,
    /// How bad.
    pub severity: SeverityMark,
    /// First bad round.
    pub since: Moment,
    /// How long it lasts or lasted.
    pub lasts: String,
    /// Customers behind it.
    pub customers: usize,
    /// Waits for approval.
    pub candidate: bool,
    /// Who has it.
    pub owner: Option<String>,
    /// Nobody has said yet whether the diagnosis is right (R85).
    pub unconfirmed: bool,
}

/// Whether nobody has confirmed or corrected the diagnosis yet: such a ticket does not count as
/// confirmed right, even when measurement resolved it. Where nothing was diagnosed there is nothing to confirm.
#[must_use]
pub fn is_unconfirmed(ticket: &Ticket) -> bool {
    ticket.fault.is_some()
        && ticket.verdict.is_none()
        && !matches!(ticket.state, TicketState::Cancelled | TicketState::Rejected)
}

/// Who found another cause or segment than the diagnosis, if anybody did.
#[must_use]
pub fn corrected_by(ticket: &Ticket) -> Option<&str> {
    let fault = ticket.fault.as_ref()?;
    let differs = ticket.segment.as_ref() != Some(&fault.segment) || ticket.cause != Some(fault.cause);
    ticket.verdict.as_ref().filter(|_| differs).map(|verdict| verdict.by.as_str())
}

/// What is broken and where: as a person corrected it, else as it was diagnosed.
#[must_use]
pub fn headline(shell: &Shell, ticket: &Ticket) -> String {
    let Some(by) = corrected_by(ticket) else { return shell.say(&ticket.headline()) };
    let message = Message::new("page.headline_corrected").with("by", by);
    let message = message.with("cause", format!("cause.{}", ticket.cause_name()));
    shell.say(&message.with("segment", ticket.segment_name()))
}

/// A ticket as a line of a list.
#[must_use]
pub fn entry(shell: &Shell, ticket: &Ticket, now: DateTime<Utc>) -> Entry {
    let end = ticket.restored_at.unwrap_or(if ticket.state.is_open() { now } else { ticket.updated_at });
    Entry {
        number: ticket.number.to_string(),
        sentence: headline(shell, ticket),
        segment: ticket.segment_name().to_owned(),
        class: shell.t(&format!("class.{}", ticket.class_name())),
        state: shell.t(&format!("state.{}", ticket.state.name())),
        state_name: ticket.state.name(),
        severity: SeverityMark::of(ticket.severity, shell.language()),
        since: Moment(ticket.detected_at),
        lasts: span(shell.language(), end - ticket.detected_at),
        customers: ticket.fault.as_ref().map_or(0, |fault| fault.affected_customers.len()),
        candidate: ticket.candidate,
        owner: ticket.owner.clone(),
        unconfirmed: is_unconfirmed(ticket),
    }
}

/// What the address asks for; anything not understood is left out.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    /// `all`; open ones else.
    #[serde(default)]
    pub show: String,
    /// A letter.
    #[serde(default)]
    pub class: String,
    /// Name of an element.
    #[serde(default)]
    pub segment: String,
    /// A tag of the second level (R49).
    #[serde(default)]
    pub tag: String,
    /// Place to go on from: time of registration.
    pub before: Option<DateTime<Utc>>,
    /// Place to go on from: identity.
    #[serde(default)]
    pub id: String,
}

impl Asked {
    /// As the store is asked.
    #[must_use]
    pub fn filter(&self) -> TicketFilter {
        let (segment, tag) = (self.segment.trim(), self.tag.trim());
        TicketFilter {
            open: (self.show != "all").then_some(true),
            classes: Class::parse(&self.class).into_iter().collect(),
            segment: (!segment.is_empty()).then(|| segment.chars().take(200).collect()),
            tag: (!tag.is_empty()).then(|| tag.chars().take(40).collect()),
            ..TicketFilter::default()
        }
    }

    /// Where to go on.
    #[must_use]
    pub fn cursor(&self) -> Option<TicketCursor> {
        let registered_at = self.before.filter(|_| !self.id.is_empty())?;
        Some(TicketCursor { registered_at, id: self.id.clone() })
    }
}

/// The page.
#[derive(Template)]
#[template(path = "tickets.html")]
pub struct Page {
    shell: Shell,
    tickets: Vec<Entry>,
    all: bool,
    /// Letter, words, whether it is the one asked for.
    classes: Vec<(&'static str, String, bool)>,
    segment: String,
    segments: Vec<String>,
    tags: Vec<Choice>,
    filtered: bool,
    first: bool,
    next: Option<Next>,
}

/// Where the next page begins: fields of the form that leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    before: String,
    id: String,
}

/// `GET /tickets`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let mut filter = asked.filter();
    filter.bills_only = viewer.role == Role::Billing;
    let found = match state.store.tickets(&filter, asked.cursor().as_ref(), PAGE).await {
        Ok(found) => found,
        Err(error) => return store_failed(&tongue, &viewer, &error),
    };
    let settings = state.settings.borrow().clone();
    // Who sees bills alone is told nothing of the network.
    let most = if viewer.role == Role::Billing { 0 } else { 500 };
    let segments = settings.inventory.elements().iter().take(most).map(|element| element.name.clone());
    let now = state.clock.now_utc();
    let shell =
        Shell::new(&tongue, Some(&viewer), String::new(), "tickets").live("tickets,diagnosis").at(now);
    let page = page(shell, &asked, &found, segments.collect(), now);
    page.shell.respond(StatusCode::OK, &page)
}

/// Tags of the second level to choose from, those of every kind of work (R49).
#[must_use]
pub fn tags(shell: &Shell, chosen: &str) -> Vec<Choice> {
    let known = crate::procedure::tags().map(|table| table.tags.as_slice()).unwrap_or_default();
    let choice = |tag: &Tag| Choice {
        label: tag.text.get(shell.language().into()).to_owned(),
        chosen: tag.id == chosen,
        value: tag.id.clone(),
    };
    known.iter().map(choice).collect()
}

/// Tags of a ticket in words; one that the table does not know any more stands for itself.
#[must_use]
pub fn tag_words(shell: &Shell, ids: &[String]) -> Vec<String> {
    let known = |id: &String| crate::procedure::tags().and_then(|table| table.get(id));
    let word = |id: &String| match known(id) {
        Some(tag) => tag.text.get(shell.language().into()).to_owned(),
        None => id.clone(),
    };
    ids.iter().map(word).collect()
}

/// The page of a part of the list.
#[must_use]
pub fn page(
    mut shell: Shell,
    asked: &Asked,
    found: &TicketPage,
    segments: Vec<String>,
    now: DateTime<Utc>,
) -> Page {
    shell.title = shell.t("page.tickets");
    let wanted = Class::parse(&asked.class);
    let classes = [Class::A, Class::B, Class::C, Class::D, Class::E]
        .into_iter()
        .map(|class| (class.letter(), shell.t(&format!("class.{}", class.letter())), wanted == Some(class)))
        .collect();
    Page {
        tickets: found.tickets.iter().map(|ticket| entry(&shell, ticket, now)).collect(),
        all: asked.show == "all",
        classes,
        segment: asked.segment.trim().to_owned(),
        segments,
        tags: tags(&shell, asked.tag.trim()),
        filtered: asked.filter() != Asked::default().filter(),
        first: asked.cursor().is_none(),
        next: found.next.as_ref().map(|next| Next {
            before: next.registered_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            id: next.id.clone(),
        }),
        shell,
    }
}
