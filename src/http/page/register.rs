//! `GET` and `POST /register`: what somebody calls about becomes a ticket, and the answer says at once what is known:
//! open faults and announced work on his path, tickets that may be the same matter, solved cases, his receipt.
//! `POST /register/merge` lets the other ticket go on in place of the new one.
//!
//! The page asks, the API's own function registers: no rule stands here.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, NaiveDateTime, Utc};
use linesman_deadlines::Zone;
use linesman_deadlines::policy::Urgency;
use linesman_deadlines::promise::PromiseEvent;
use serde_json::{Map, Value, json};

use crate::http::HttpState;
use crate::http::api::ticket_register::{NewTicket, Registered, registered};
use crate::http::auth::Caller;
use crate::id::os_random;
use crate::inventory::ElementKind;
use crate::locale::{INSTANT, Message, words};
use crate::store::Role;
use crate::ticket::chain::hex;
use crate::ticket::clocks::office;
use crate::ticket::registration::{Nature, Warranty};
use crate::ticket::{Actor, Channel, Deed, Event, TicketId, TicketKind, TicketNumber};

use super::action::refused;
use super::asker::{Tongue, Viewer};
use super::shell::{Shell, against, not_yours};
use super::tickets::tags;

/// Longest that is typed into a field.
pub const LONGEST: usize = 10_000;

type Fields = BTreeMap<String, String>;

/// Fields that hold a time on the office's clocks, as a browser sends it.
const TIMES: [&str; 3] = ["expected_by", "promise_by", "referral_due"];
/// Fields of the regulator's case: both or none.
const REFERRED: [&str; 2] = ["referral_case", "referral_due"];

/// A thing to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// What was typed, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(Fields);

impl Given {
    /// What was typed into a field.
    #[must_use]
    pub fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn choices<'n>(
        &self,
        field: &str,
        names: impl Iterator<Item = &'n str>,
        label: impl Fn(&str) -> String,
    ) -> Vec<Choice> {
        let choice = |name: &str| Choice {
            value: name.to_owned(),
            label: label(name),
            chosen: self.of(field) == name,
        };
        names.map(choice).collect()
    }
}

#[derive(Template)]
#[template(path = "register.html")]
struct Page {
    shell: Shell,
    refused: Vec<String>,
    given: Given,
    key: String,
    kinds: Vec<Choice>,
    channels: Vec<Choice>,
    urgencies: Vec<Choice>,
    natures: Vec<Choice>,
    warranties: Vec<Choice>,
    /// Tags of the second level, those of every kind of work.
    tags: Vec<Choice>,
    accounts: Vec<String>,
    elements: Vec<String>,
    /// The zone in which times are typed.
    zone: String,
    /// The regulator's case is asked for at once.
    is_referred: bool,
}

/// A ticket in the answer, with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub(super) number: String,
    pub(super) id: String,
    pub(super) sentence: String,
}

#[derive(Template)]
#[template(path = "registered.html")]
struct Answer {
    shell: Shell,
    number: String,
    sentence: String,
    promised: Option<String>,
    receipt: Vec<String>,
    open: Vec<Other>,
    work: Vec<String>,
    same: Vec<Other>,
    similar: Vec<Other>,
    measuring: Option<String>,
}

fn shell(tongue: &Tongue, viewer: &Viewer) -> Shell {
    Shell::new(tongue, Some(viewer), words(tongue.language, "page.register_title"), "register")
}

fn page(state: &HttpState, viewer: &Viewer, tongue: &Tongue, given: Fields, refused: Vec<String>) -> Page {
    let shell = shell(tongue, viewer);
    let given = Given(given);
    let word = |room: &'static str| {
        let shell = shell.clone();
        move |name: &str| shell.t(&format!("{room}{name}"))
    };
    let kinds = TicketKind::ALL.iter().map(|kind| kind.name());
    let by_people = |channel: &&Channel| **channel != Channel::Automatic;
    let channels = Channel::ALL.iter().filter(by_people).map(|channel| channel.name());
    let inventory = state.settings.borrow().inventory.clone();
    let named = |kinds: &[ElementKind]| -> Vec<String> {
        let wanted = inventory.elements().iter().filter(|element| kinds.contains(&element.kind));
        wanted.map(|element| element.name.clone()).collect()
    };
    let accounts = if shell.sees_network() { named(&[ElementKind::Customer]) } else { Vec::new() };
    let kept = given.of("key").to_owned();
    let chance = os_random::<16>().map(|chance| hex(&chance)).unwrap_or_default();
    Page {
        kinds: given.choices("kind", kinds, word("ticket_kind.")),
        channels: given.choices("channel", channels, word("channel.")),
        urgencies: given.choices("urgency", Urgency::ALL.iter().map(|one| one.name()), word("urgency.")),
        natures: given.choices("nature", Nature::ALL.iter().map(|one| one.name()), word("nature.")),
        warranties: given.choices("warranty", Warranty::ALL.iter().map(|one| one.name()), word("warranty.")),
        tags: tags(&shell, given.of("tag")),
        elements: named(&[ElementKind::Gateway, ElementKind::Access, ElementKind::Trunk]),
        zone: zone().name().to_owned(),
        is_referred: REFERRED.iter().any(|name| !given.of(name).is_empty())
            || given.of("channel") == Channel::Regulator.name(),
        key: if kept.is_empty() { chance } else { kept },
        accounts,
        given,
        refused,
        shell,
    }
}

/// `GET /register`
pub async fn show(State(state): State<HttpState>, viewer: Viewer, tongue: Tongue) -> Response {
    let page = page(&state, &viewer, &tongue, first_choices(), Vec::new());
    if !page.shell.registers() {
        return not_yours(&tongue, &viewer);
    }
    page.shell.respond(StatusCode::OK, &page)
}

/// What most calls are.
fn first_choices() -> Fields {
    let usual = [("kind", "complaint"), ("channel", "phone"), ("urgency", "general")];
    usual.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `POST /register`
pub async fn register(
    State(state): State<HttpState>,
    viewer: Viewer,
    caller: Caller,
    tongue: Tongue,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    if !shell(&tongue, &viewer).registers() {
        return not_yours(&tongue, &viewer);
    }
    let refuse = |given: Fields, why: Vec<String>, status: StatusCode| {
        let page = page(&state, &viewer, &tongue, given, why);
        page.shell.respond(status, &page)
    };
    let unreadable = |given: Fields, status: StatusCode| {
        refuse(given, vec![words(tongue.language, "page.form_unreadable")], status)
    };
    let fields = match form {
        Ok(Form(fields)) => fields,
        Err(rejection) => return unreadable(first_choices(), rejection.status()),
    };
    let wrong = mistyped(&fields);
    if !wrong.is_empty() {
        let why = wrong.iter().map(|message| message.render(tongue.language)).collect();
        return refuse(fields, why, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let Ok(wanted) = serde_json::from_value::<NewTicket>(body(&fields)) else {
        return unreadable(fields, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let key = fields.get("key").filter(|key| (1..=64).contains(&key.len())).cloned();
    match registered(&state, tongue.language, caller.actor, key, wanted).await {
        Ok(done) => {
            let answer = answer(&tongue, &viewer, done);
            answer.shell.respond(StatusCode::CREATED, &answer)
        }
        Err(problem) => refuse(fields, against(&problem, &tongue), StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// The zone of the office's clocks.
fn zone() -> Zone {
    office().map_or_else(Zone::utc, |calendar| calendar.zone().clone())
}

fn typed<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// A time as a browser sends it, on the office's clocks; with an offset it stands for itself.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let known = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
    let local = known.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(zone().instant(local).earliest())
}

/// What cannot be a time, and a case of the regulator of which half is missing.
fn mistyped(fields: &Fields) -> Vec<Message> {
    let is_wrong = |name: &&&str| typed(fields, name).is_some_and(|text| instant(text).is_none());
    let wrong = TIMES.iter().filter(is_wrong);
    let mut all: Vec<Message> = wrong
        .map(|name| Message::new("page.time_unreadable").with("field", format!("page.field_{name}")))
        .collect();
    if REFERRED.iter().filter(|name| typed(fields, name).is_some()).count() == 1 {
        all.push(Message::new("page.referral_in_part"));
    }
    if typed(fields, "promise_text").is_some() && typed(fields, "promise_by").is_none() {
        all.push(Message::new("page.promise_without_time"));
    }
    all
}

/// What was typed, as the API takes it.
fn body(fields: &Fields) -> Value {
    let typed = |name: &str| typed(fields, name);
    let time = |name: &str| typed(name).and_then(instant).map(|at| at.to_rfc3339());
    let take = |names: &[&str]| -> Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), Value::from(typed(name)?)))).collect()
    };
    let mut body =
        take(&["kind", "channel", "urgency", "element", "product_model", "purchased_on", "warranty"]);
    if typed("kind") == Some("complaint") {
        body.extend(take(&["nature"]));
    }
    if let Some(tag) = typed("tag") {
        body.insert("tags".to_owned(), json!([tag]));
    }
    if let Some(at) = time("expected_by") {
        body.insert("expected_by".to_owned(), at.into());
    }
    if let Some(at) = time("promise_by") {
        body.insert("promise".to_owned(), json!({ "due_at": at, "text": typed("promise_text") }));
    }
    if let (Some(case), Some(at)) = (typed("referral_case"), time("referral_due")) {
        body.insert("referral".to_owned(), json!({ "case": case, "due_at": at }));
    }
    let mut who = take(&["account", "name"]);
    who.insert("create".to_owned(), true.into());
    let contact = take(&["name", "phone", "email", "address"]);
    if !contact.is_empty() {
        who.insert("contact".to_owned(), contact.into());
    }
    let mut words = take(&["symptom", "frequency", "tried", "place", "persons"]);
    words.insert("description".to_owned(), typed("description").unwrap_or_default().into());
    body.insert("who".to_owned(), who.into());
    body.insert("words".to_owned(), words.into());
    body.insert("caller".to_owned(), json!("existing"));
    body.insert("read_back".to_owned(), typed("read_back").is_some().into());
    body.into()
}

fn answer(tongue: &Tongue, viewer: &Viewer, done: Registered) -> Answer {
    let shell = shell(tongue, viewer);
    let number = done.ticket.ticket.number.to_string();
    let key = if done.repeated { "page.registered_before" } else { "page.registered" };
    let open = done.known.open_on_path.into_iter().map(|fault| {
        let sentence = match fault.expected_end {
            Some(end) => {
                let until = Message::new("page.known_until").with("headline", &fault.headline);
                shell.say(&until.with("end", end.format(INSTANT)))
            }
            None => fault.headline,
        };
        Other { number: fault.number, id: fault.id.0, sentence }
    });
    let work = done.known.announced.into_iter().map(|work| {
        let told = Message::new("page.known_work").with("text", work.text);
        shell.say(
            &told.with("from", work.starts_at.format(INSTANT)).with("end", work.expected_end.format(INSTANT)),
        )
    });
    let same = done.same_matter.into_iter().map(|other| {
        let same: Vec<String> = other
            .same
            .iter()
            .filter_map(|same| {
                serde_json::to_value(same).ok()?.as_str().map(|name| shell.t(&format!("page.same_{name}")))
            })
            .collect();
        let told =
            Message::new("page.same_told").with("headline", &other.headline).with("same", same.join(", "));
        Other { number: other.number, id: other.id.0, sentence: shell.say(&told) }
    });
    let similar = done.known.similar.into_iter().map(|case| Other {
        number: case.number,
        id: String::new(),
        sentence: case
            .solution
            .map_or(case.root_cause.clone(), |done| format!("{}: {done}", case.root_cause)),
    });
    let measuring = Message::new("page.measuring_path").with("targets", done.measuring);
    let promised = done.ticket.ticket.process.promises.iter().find_map(|event| match event {
        PromiseEvent::Made { promise } => Some(promise),
        _ => None,
    });
    Answer {
        promised: promised.map(|promise| {
            let local = zone().local(promise.due_at).format("%Y-%m-%d %H:%M");
            let told = Message::new("page.promised_for").with("until", local).with("zone", zone().name());
            shell.say(&told.with("text", &promise.text))
        }),
        sentence: shell.say(&Message::new(key).with("number", &number)),
        receipt: done
            .receipt
            .map(|receipt| receipt.text.lines().map(str::to_owned).collect())
            .unwrap_or_default(),
        open: open.collect(),
        work: work.collect(),
        same: same.collect(),
        similar: similar.collect(),
        measuring: (done.measuring > 0).then(|| shell.say(&measuring)),
        number,
        shell,
    }
}

/// `POST /register/merge`: the ticket `into` goes on in place of `ticket`, which was registered a moment ago.
pub async fn merge(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let Ok(Form(fields)) = form else { return StatusCode::BAD_REQUEST.into_response() };
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let (number, into) = (field("ticket"), TicketId(field("into")));
    if !viewer.role.covers(Role::Agent) {
        return not_yours(&tongue, &viewer);
    }
    let Ok(number) = number.parse::<TicketNumber>() else { return StatusCode::BAD_REQUEST.into_response() };
    let known = async {
        let ticket = state.store.ticket_by_number(number).await?;
        Ok::<_, crate::store::StoreError>((ticket, state.store.ticket(&into).await?))
    };
    let (Some(ticket), Some(other)) = (match known.await {
        Ok(found) => found,
        Err(error) => return super::shell::store_failed(&tongue, &viewer, &error),
    }) else {
        let why = Message::new("page.no_such_ticket").with("number", number);
        return super::shell::not_found(&tongue, &viewer, &why);
    };
    if !ticket.is_reported() && !viewer.role.covers(Role::Noc) {
        return not_yours(&tongue, &viewer);
    }
    let merged = Event::from(Deed::Merged { into: other.id.clone() });
    match state.writer.apply(&ticket.id, None, merged, Actor(viewer.name.clone())).await {
        Ok(_) => Redirect::to(&format!("/tickets/{}", other.number)).into_response(),
        Err(error) => {
            let failure = refused(error);
            let number = number.to_string();
            super::action::failed(&state, &viewer, &tongue, &number, failure, super::action::Draft::default())
                .await
        }
    }
}
