//! Lines on a ticket's page (R63): each action with where it stands, what would be sent, what was answered, its
//! buttons; and the form that asks for one. `POST /tickets/{number}/routes` and `.../routes/{route}/{verb}`. No
//! decision is made here: guards belong to the ticket engine.

use std::collections::BTreeMap;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::http::HttpState;
use crate::http::api::ticket_routes::{NewRoute, asking, by_hook};
use crate::locale::Message;
use crate::store::{Role, WriteError};
use crate::ticket::route::{RouteAction, RouteState, RouteStep, RouteWhat, Signed};
use crate::ticket::{Actor, Deed, Event, Ticket, TicketNumber};

use super::action::{Draft, Failure, failed, refused, ticket_of};
use super::asker::{Tongue, Viewer};
use super::shell::Shell;
use super::words::Moment;

/// What can be done on this part, by the names in addresses.
pub const DONE: [&str; 6] =
    ["route_ask", "route_approve", "route_refuse", "route_rehearse", "route_send", "route_done"];

type Fields = BTreeMap<String, String>;

/// Somebody who did something, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub(super) label: String,
    pub(super) by: String,
    pub(super) at: Moment,
}

/// An action as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionView {
    pub(super) number: u32,
    pub(super) headline: String,
    pub(super) state: String,
    pub(super) state_name: &'static str,
    pub(super) reason: String,
    pub(super) concerns: String,
    pub(super) how: String,
    pub(super) proof: Option<String>,
    pub(super) people: Vec<Line>,
    pub(super) request: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) may_approve: bool,
    pub(super) may_refuse: bool,
    pub(super) may_rehearse: bool,
    pub(super) may_send: bool,
    pub(super) may_finish: bool,
}

/// The part of the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    pub(super) actions: Vec<ActionView>,
    pub(super) may_ask: bool,
    pub(super) line: String,
    pub(super) hooks: Vec<String>,
    pub(super) whats: Vec<(&'static str, String)>,
}

impl Part {
    /// Whether there is anything to show.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.may_ask || !self.actions.is_empty()
    }
}

/// The part for a ticket.
#[must_use]
pub fn part(shell: &Shell, ticket: &Ticket, hooks: &[String]) -> Part {
    let viewer = shell.viewer.as_ref();
    let may_change = viewer.is_some_and(|viewer| viewer.role.covers(Role::Technician));
    let name = viewer.map_or("", |viewer| viewer.name.as_str());
    let is_bill = ticket.is_bill();
    let actions = ticket.process.routes.iter().map(|known| action(shell, known, name, may_change)).collect();
    let whats =
        RouteWhat::ALL.iter().map(|what| (what.name(), shell.t(&format!("route_what.{}", what.name()))));
    Part {
        actions,
        may_ask: may_change && !ticket.state.is_final() && !is_bill,
        line: ticket.segment.clone().unwrap_or_default(),
        hooks: hooks.to_vec(),
        whats: whats.collect(),
    }
}

fn action(shell: &Shell, known: &RouteAction, name: &str, may_change: bool) -> ActionView {
    let what = shell.t(&format!("route_what.{}", known.what.name()));
    let mut headline = format!("{}. {what}: {}", known.number, known.line);
    if let Some(to) = &known.to {
        headline.push_str(&format!(" → {to}"));
    }
    let count =
        |count: Option<u32>| count.map_or_else(|| shell.t("page.route_not_counted"), |n| n.to_string());
    let concerns = Message::new("page.route_concerns")
        .with("calls", count(known.calls))
        .with("customers", count(known.customers));
    let how = match &known.hook {
        Some(hook) => shell.say(&Message::new("page.route_by_hook").with("hook", hook)),
        None => shell.t("page.route_by_hand"),
    };
    let people = [
        ("asked", Some(&known.asked)),
        ("approved", known.approved.as_ref()),
        ("rehearsed", known.rehearsal.as_ref().map(|rehearsal| &rehearsal.signed)),
        ("sending", known.ordered.as_ref()),
        ("refused", known.refused.as_ref()),
        ("done", known.done.as_ref()),
    ];
    let line = |(state, signed): (&str, Option<&Signed>)| {
        let signed = signed?;
        let label = shell.t(&format!("route_state.{state}"));
        Some(Line { label, by: signed.by.clone(), at: Moment(signed.at) })
    };
    let mut people: Vec<Line> = people.into_iter().filter_map(line).collect();
    people.extend(known.restored_at.map(|at| Line {
        label: shell.t("route_state.restored"),
        by: String::new(),
        at: Moment(at),
    }));
    let in_state = |among: &[RouteState]| may_change && among.contains(&known.state);
    use RouteState::{Approved, Asked, Failed, Rehearsed, Unclear};
    ActionView {
        number: known.number,
        headline,
        state: shell.t(&format!("route_state.{}", known.state.name())),
        state_name: known.state.name(),
        reason: known.reason.clone(),
        concerns: shell.say(&concerns),
        how,
        proof: known.proof.clone(),
        people,
        request: known.rehearsal.as_ref().map(|rehearsal| rehearsal.request.clone()),
        answer: known.answer.clone(),
        may_approve: in_state(&[Asked]) && known.asked.by != name,
        may_refuse: in_state(&[Asked, Approved, Rehearsed, Failed, Unclear]),
        may_rehearse: in_state(&[Approved, Rehearsed, Failed, Unclear]) && known.hook.is_some(),
        may_send: in_state(&[Rehearsed]),
        may_finish: in_state(&[Failed, Unclear]) || (in_state(&[Approved]) && known.hook.is_none()),
    }
}

/// `POST /tickets/{number}/routes`
pub async fn ask(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path(number): Path<String>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    act(&state, &viewer, &tongue, &number, None, form).await
}

/// `POST /tickets/{number}/routes/{route}/{verb}`
pub async fn step(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path((number, route, verb)): Path<(String, u32, String)>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let verb = format!("route_{verb}");
    match DONE.into_iter().skip(1).find(|known| *known == verb) {
        Some(verb) => act(&state, &viewer, &tongue, &number, Some((route, verb)), form).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn act(
    state: &HttpState,
    viewer: &Viewer,
    tongue: &Tongue,
    number: &str,
    step: Option<(u32, &'static str)>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(fields)) => attempt(state, viewer, number, step, &fields).await,
        Err(rejection) => Err(Failure::new(rejection.status(), Message::new("page.form_unreadable"))),
    };
    let name = step.map_or(DONE[0], |(_, name)| name);
    match done {
        Ok(number) => Redirect::to(&format!("/tickets/{number}?done={name}#routes")).into_response(),
        Err(failure) => failed(state, viewer, tongue, number, failure, Draft::default()).await,
    }
}

async fn attempt(
    state: &HttpState,
    viewer: &Viewer,
    number: &str,
    step: Option<(u32, &'static str)>,
    fields: &Fields,
) -> Result<TicketNumber, Failure> {
    let ticket = ticket_of(state, viewer, number).await?;
    if !viewer.role.covers(Role::Technician) {
        return Err(Failure::new(StatusCode::FORBIDDEN, Message::new("page.role_too_low")));
    }
    let field = |name: &str| fields.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let unreadable = || Failure::new(StatusCode::PRECONDITION_REQUIRED, Message::new("page.form_unreadable"));
    let version: i64 = field("version").parse().map_err(|_| unreadable())?;
    let some = |name: &str| Some(field(name)).filter(|text| !text.is_empty());
    let refuse = |refusal| refused(WriteError::Refused(refusal));
    let deed = match step {
        None => {
            let wanted = NewRoute {
                what: RouteWhat::parse(&field("what")).ok_or_else(unreadable)?,
                line: field("line"),
                to: some("to"),
                reason: field("reason"),
                calls: some("calls").and_then(|calls| calls.parse().ok()),
                customers: some("customers").and_then(|customers| customers.parse().ok()),
                hook: some("hook"),
                restores: None,
                proof: some("proof"),
            };
            asking(state, &ticket, wanted).map_err(refuse)?
        }
        Some((number, verb)) => {
            let step = match verb {
                "route_approve" => RouteStep::Approved,
                "route_refuse" => RouteStep::Refused { reason: field("text") },
                "route_done" => RouteStep::DoneByHand { how: field("text") },
                verb => by_hook(state, &ticket, number, verb == "route_send").map_err(refuse)?,
            };
            Deed::Routed { number, step }
        }
    };
    let actor = Actor(viewer.name.clone());
    state.writer.apply(&ticket.id, Some(version), Event::from(deed), actor).await.map_err(refused)?;
    Ok(ticket.number)
}
