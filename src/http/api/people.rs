//! `/api/v1/people`: departments, persons, the duty roster, absences; who gets a ticket by them, and in which order
//! work is done (R19 to R22, R51, R54, R55, R88, R96, R98, R104).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use linesman_process::people::{
    self, Because, People, PeopleRefusal, Reason, Transfer, Wanted, Work, in_order,
};
use linesman_process::{Mistake, Role as Part};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Params, Speaks};
use crate::http::openapi::{BadRequest, Changes, Conflict, Invalid, NotFound, TakesBody};
use crate::locale::{Language, Message};
use crate::store::people::{FILE, Roster};
use crate::store::{Role, TicketFilter, WriteError};
use crate::ticket::people::{step_up, work};
use crate::ticket::process::Duty;
use crate::ticket::{Deed, Event, Refusal, Ticket, TicketKind};

use super::ticket_changes::{Change, ChangeParams, Changed, check, text_flaws};
use super::tickets::{find_for, show};

/// Longest roster, in bytes.
const LONGEST: usize = 512 * 1024;
/// Work of one queue that is looked at.
const MOST_WORK: u32 = 1_000;
/// Until then an assigned ticket is to be done, unless stated otherwise.
const USUAL_DEADLINE: TimeDelta = TimeDelta::hours(24);

/// A person of the roster.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonView {
    /// Name in the roster.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Name of the token they act with.
    pub login: String,
    /// Where they work.
    pub department: String,
    /// What they do (R1 to R20).
    pub roles: Vec<String>,
    /// The same in words.
    pub roles_text: Vec<String>,
    /// Who is above them.
    pub supervisor: Option<String>,
    /// Whether they are on duty now.
    pub on_duty: bool,
    /// Until when they are absent.
    pub absent_until: Option<DateTime<Utc>>,
    /// Complaints they have open.
    pub complaints: u32,
    /// What else they have open.
    pub others: u32,
}

/// A department of the roster.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentView {
    /// Name in the roster.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who owes the reply when nobody is on duty (R22).
    pub head: Option<String>,
    /// Classes of trouble it works on.
    pub classes: Vec<String>,
    /// Who is on duty there now.
    pub on_duty: Vec<String>,
}

/// The roster.
#[derive(Debug, Serialize, ToSchema)]
pub struct RosterView {
    /// Counts its changes; named when it is changed.
    pub version: i64,
    /// When it was written.
    pub at: Option<DateTime<Utc>>,
    /// Who wrote it.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// Departments.
    pub departments: Vec<DepartmentView>,
    /// Persons.
    pub persons: Vec<PersonView>,
    /// As it was written, TOML.
    pub toml: String,
}

/// A new roster.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoster {
    /// The version that was seen; 0 when there was none.
    version: i64,
    /// The whole roster, TOML.
    toml: String,
    /// Why it changes.
    #[schema(min_length = 1, max_length = 10000)]
    note: String,
}

/// A stretch of duty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDuty {
    /// Where.
    department: String,
    /// Who, by the name in the roster.
    person: String,
    /// From.
    from: DateTime<Utc>,
    /// To.
    to: DateTime<Utc>,
    /// Who steps in.
    #[serde(default)]
    backup: Option<String>,
}

/// A stretch of absence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAbsence {
    /// Who, by the name in the roster.
    person: String,
    /// From.
    from: DateTime<Utc>,
    /// To.
    to: DateTime<Utc>,
    /// Who has their work meanwhile.
    #[serde(default)]
    hand_over_to: Option<String>,
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl NewDuty {
    fn toml(&self) -> String {
        let backup = self.backup.as_ref().map(|backup| format!("backup = {}\n", quoted(backup)));
        format!(
            "\n[[duty]]\ndepartment = {}\nperson = {}\nfrom = \"{}\"\nto = \"{}\"\n{}",
            quoted(&self.department),
            quoted(&self.person),
            self.from.to_rfc3339(),
            self.to.to_rfc3339(),
            backup.unwrap_or_default()
        )
    }
}

impl NewAbsence {
    fn toml(&self) -> String {
        let to = self.hand_over_to.as_ref().map(|to| format!("hand_over_to = {}\n", quoted(to)));
        format!(
            "\n[[absence]]\nperson = {}\nfrom = \"{}\"\nto = \"{}\"\n{}",
            quoted(&self.person),
            self.from.to_rfc3339(),
            self.to.to_rfc3339(),
            to.unwrap_or_default()
        )
    }
}

fn mistaken(mistakes: &[Mistake]) -> Problem {
    let flaw = |mistake: &Mistake| {
        let place = format!("{}:{}", mistake.line, mistake.column);
        Flaw::at("/toml", "roster").with("place", place).with("message", &mistake.message)
    };
    Problem::invalid(mistakes.iter().take(50).map(flaw).collect())
}

async fn view(
    state: &HttpState,
    roster: Option<Roster>,
    people: &People,
    language: Language,
) -> Result<RosterView, Problem> {
    let now = state.clock.now_utc();
    let loads = state.store.loads().await?;
    let spoken = language.into();
    let there = |department: &str| -> Vec<String> {
        people.on_duty(department, now).iter().map(|one| one.person.id.clone()).collect()
    };
    let departments: Vec<DepartmentView> = people
        .departments()
        .map(|department| DepartmentView {
            id: department.id.clone(),
            name: department.name.get(spoken).to_owned(),
            head: department.head.clone(),
            classes: department.classes.clone(),
            on_duty: there(&department.id),
        })
        .collect();
    let persons = people.persons().map(|person| {
        let load = loads.get(people.login_of(&person.id)).copied().unwrap_or_default();
        PersonView {
            id: person.id.clone(),
            name: person.name.clone(),
            login: people.login_of(&person.id).to_owned(),
            department: person.department.clone(),
            roles: person.roles.iter().map(|role| role.name().to_owned()).collect(),
            roles_text: person.roles.iter().map(|role| role.word(spoken).to_owned()).collect(),
            supervisor: person.supervisor.clone(),
            on_duty: departments.iter().any(|department| department.on_duty.contains(&person.id)),
            absent_until: people.absence(&person.id, now).map(|absence| absence.to),
            complaints: load.complaints,
            others: load.others,
        }
    });
    Ok(RosterView {
        version: roster.as_ref().map_or(0, |roster| roster.version),
        at: roster.as_ref().map(|roster| roster.at),
        by: roster.as_ref().map(|roster| roster.by.clone()),
        note: roster.as_ref().map(|roster| roster.note.clone()),
        persons: persons.collect(),
        departments,
        toml: roster.map(|roster| roster.toml).unwrap_or_default(),
    })
}

/// The roster: who does what, who is on duty, who is absent, how much everybody has open.
#[utoipa::path(get, path = "/api/v1/people", operation_id = "getPeople", tag = "people",
    responses((status = 200, description = "The roster.", body = RosterView)))]
pub async fn roster(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
) -> Result<Json<RosterView>, Problem> {
    roster_now(&state, language).await.map(Json)
}

/// The roster, for the API and the page alike.
///
/// # Errors
/// When the database does not answer.
pub(in crate::http) async fn roster_now(
    state: &HttpState,
    language: Language,
) -> Result<RosterView, Problem> {
    let (roster, people) = (state.store.roster().await?, state.store.people().await?);
    view(state, roster, &people, language).await
}

async fn write(
    state: &HttpState,
    caller: &Caller,
    language: Language,
    seen: i64,
    toml: &str,
    note: &str,
) -> Result<Json<RosterView>, Problem> {
    if toml.len() > LONGEST {
        return Err(Problem::invalid(vec![Flaw::at("/toml", "text_length").with("most", LONGEST)]));
    }
    let people = people::read(FILE, toml).map_err(|mistakes| mistaken(&mistakes))?;
    let written = state.store.write_roster(seen, toml, note, &caller.actor).await?;
    let Some(roster) = written else { return Err(Problem::say(Code::NameTaken, "roster_changed")) };
    Ok(Json(view(state, Some(roster), &people, language).await?))
}

/// Writes the roster whole; every mistake is named at its place.
#[utoipa::path(put, path = "/api/v1/people", operation_id = "putPeople", tag = "people", request_body = NewRoster,
    responses((status = 200, description = "The roster.", body = RosterView), TakesBody, Conflict))]
pub async fn replace(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Body(body): Body<NewRoster>,
) -> Result<Json<RosterView>, Problem> {
    check([text_flaws("/note", &body.note)])?;
    write(&state, &caller, language, body.version, &body.toml, &body.note).await
}

async fn append(
    state: &HttpState,
    caller: &Caller,
    language: Language,
    entry: &str,
    note: &str,
) -> Result<Json<RosterView>, Problem> {
    let roster = state.store.roster().await?;
    let (seen, toml) = roster.map(|roster| (roster.version, roster.toml)).unwrap_or_default();
    write(state, caller, language, seen, &format!("{toml}{entry}"), note).await
}

/// Adds a stretch of duty to the roster.
#[utoipa::path(post, path = "/api/v1/people/duties", operation_id = "addDuty", tag = "people",
    request_body = NewDuty,
    responses((status = 200, description = "The roster.", body = RosterView), TakesBody, Conflict))]
pub async fn duty(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Body(body): Body<NewDuty>,
) -> Result<Json<RosterView>, Problem> {
    let note = format!("duty of {} from {}", body.person, body.from.to_rfc3339());
    append(&state, &caller, language, &body.toml(), &note).await
}

/// Records an absence; open tickets go to who has the work meanwhile, and come back afterwards (R98).
#[utoipa::path(post, path = "/api/v1/people/absences", operation_id = "addAbsence", tag = "people",
    request_body = NewAbsence,
    responses((status = 200, description = "The roster.", body = RosterView), TakesBody, Conflict))]
pub async fn absence(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Body(body): Body<NewAbsence>,
) -> Result<Json<RosterView>, Problem> {
    let people = state.store.people().await?;
    // Of others it is the supervisors' to say.
    if people.person(&body.person).is_some_and(|_| people.login_of(&body.person) != caller.actor.0) {
        caller.require(Role::Noc)?;
    }
    let note = format!("absence of {} from {}", body.person, body.from.to_rfc3339());
    append(&state, &caller, language, &body.toml(), &note).await
}

/// Whose work.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// Of this owner, by the name of the token; everybody's unless stated.
    #[param(max_length = 64)]
    owner: Option<String>,
    /// Nobody has it yet.
    #[serde(default)]
    unassigned: bool,
}

/// A ticket in its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedTicket {
    /// Its number.
    number: String,
    /// What kind of work.
    kind: String,
    /// Level of a complaint.
    level: Option<String>,
    /// How urgent.
    urgency: Option<String>,
    /// Its next deadline.
    due_at: Option<DateTime<Utc>>,
    /// Who has it.
    owner: Option<String>,
    /// Where in its life it is.
    state: String,
    /// What it is about.
    headline: String,
}

/// Work in its order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// What is to be done first comes first.
    tickets: Vec<QueuedTicket>,
    /// There is more than is looked at.
    more: bool,
}

/// Open work in the order in which it is done: complaints before every other work, among them the graver, then the
/// more urgent, then what is due sooner (R52, R55).
#[utoipa::path(get, path = "/api/v1/queue", operation_id = "getQueue", tag = "people", params(QueueQuery),
    responses((status = 200, description = "Work in its order.", body = Queue), BadRequest, Invalid))]
pub async fn queue(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Params(query): Params<QueueQuery>,
) -> Result<Json<Queue>, Problem> {
    let now = state.clock.now_utc();
    let filter = TicketFilter {
        open: Some(true),
        owner: query.owner,
        bills_only: caller.role == Role::Billing,
        ..TicketFilter::default()
    };
    let page = state.store.tickets(&filter, None, MOST_WORK).await?;
    let more = page.next.is_some();
    let is_meant = |ticket: &Ticket| !query.unassigned || ticket.owner.is_none();
    let tickets: Vec<Ticket> = page.tickets.into_iter().filter(is_meant).collect();
    let mut works: Vec<Work> = tickets.iter().map(|ticket| work(ticket, now)).collect();
    in_order(&mut works);
    let queued = works.iter().filter_map(|work| {
        let ticket = tickets.iter().find(|ticket| ticket.number.to_string() == work.ticket)?;
        Some(QueuedTicket {
            number: work.ticket.clone(),
            kind: ticket.kind.name().to_owned(),
            level: work.level.map(|level| level.name().to_owned()),
            urgency: work.urgency.map(|urgency| urgency.name().to_owned()),
            due_at: work.due_at,
            owner: ticket.owner.clone(),
            state: ticket.state.name().to_owned(),
            headline: ticket.headline().render(language),
        })
    });
    Ok(Json(Queue { tickets: queued.collect(), more }))
}

/// To whom a ticket goes by the roster.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ByRoster {
    /// The department; that of the ticket's class unless stated.
    #[serde(default)]
    department: Option<String>,
    /// What has to be done there, by the name of the role; that of the ticket's class unless stated.
    #[serde(default)]
    role: Option<String>,
    /// By when; within 24 hours unless stated.
    #[serde(default)]
    deadline: Option<DateTime<Utc>>,
    /// What is to be reached (R51).
    #[schema(min_length = 1, max_length = 10000)]
    target: String,
}

fn refused(event: &'static str, rule: &str, why: &PeopleRefusal) -> Problem {
    let said = Message::new("guard.walk").with("rule", rule).with_both(
        "said",
        &why.say(linesman_process::Language::English),
        &why.say(linesman_process::Language::Chinese),
    );
    WriteError::Refused(Refusal { event, unmet: vec![said] }).into()
}

fn role_for(ticket: &Ticket) -> Part {
    match (ticket.kind, ticket.class_name()) {
        (TicketKind::Recharge, _) | (_, "A") => Part::Finance,
        (TicketKind::FollowUp, _) => Part::FollowUpAgent,
        _ => Part::Technician,
    }
}

/// Gives a ticket to whoever has it by the roster: the first owner if he is on duty and can, else who is on duty and
/// has the least; nobody there, the owner replies within 24 hours (R22, R51, R55, R96, R98, R102).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/assign-by-roster", operation_id = "assignByRoster",
    tag = "people", request_body = ByRoster,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn assign(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<ByRoster>,
) -> Result<Response, Problem> {
    check([text_flaws("/target", &body.target)])?;
    let ticket = find_for(&state, &caller, &name).await?;
    let people = state.store.people().await?;
    let now = state.clock.now_utc();
    let role = match &body.role {
        None => role_for(&ticket),
        Some(role) => {
            let known = Part::parse(role);
            known.ok_or_else(|| Problem::invalid(vec![Flaw::at("/role", "no_such_role")]))?
        }
    };
    let of_class = || people.department_of_class(ticket.class_name()).map(|one| one.id.clone());
    let department = body.department.or_else(of_class).or_else(|| ticket.process.department.clone());
    let department = department.unwrap_or_default();
    let first = ticket.process.first_owner.as_deref().and_then(|login| people.by_login(login));
    let wanted = Wanted {
        kind: ticket.kind.of_deadlines(),
        department: &department,
        role,
        first_owner: first.map(|person| person.id.as_str()),
    };
    let by_login = state.store.loads().await?;
    let loads = people
        .persons()
        .filter_map(|person| Some((person.id.clone(), *by_login.get(people.login_of(&person.id))?)));
    let given =
        people.assign(&wanted, &loads.collect(), now).map_err(|why| refused("assigned", "R51", &why))?;
    let is_off = given.because == Because::OffDuty;
    let usual = now.checked_add_signed(USUAL_DEADLINE).unwrap_or(now);
    let deed = Deed::Assigned {
        owner: people.login_of(&given.owner).to_owned(),
        department: Some(department),
        deadline: given.reply_by.or(body.deadline).unwrap_or(usual),
        target: body.target,
        duty: if is_off { Duty::OffDuty } else { Duty::OnDuty },
    };
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::from(deed)).await?;
    Ok(show(&state, ticket, language))
}

/// Whether somebody is on duty.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DutyQuery {
    /// The department.
    #[param(max_length = 64)]
    department: String,
    /// The person meant, by the name in the roster.
    #[param(max_length = 64)]
    person: Option<String>,
    /// When; now unless stated.
    at: Option<DateTime<Utc>>,
}

/// What becomes of a problem that is another's (R22).
#[derive(Debug, Serialize, ToSchema)]
pub struct OnDutyView {
    /// Whether somebody is there.
    on_duty: bool,
    /// Who takes it, or who owes the reply.
    person: String,
    /// In place of whom.
    stands_in_for: Option<String>,
    /// Until when the owner replies, when nobody is there.
    reply_by: Option<DateTime<Utc>>,
    /// When somebody is on duty next.
    next_duty: Option<DateTime<Utc>>,
}

/// Whether the right department or person is on duty; if not, who replies within 24 hours (R22).
#[utoipa::path(get, path = "/api/v1/people/on-duty", operation_id = "getOnDuty", tag = "people", params(DutyQuery),
    responses((status = 200, description = "Who takes it.", body = OnDutyView), BadRequest, NotFound, Conflict))]
pub async fn on_duty(
    State(state): State<HttpState>,
    Params(query): Params<DutyQuery>,
) -> Result<Response, Problem> {
    let people = state.store.people().await?;
    let at = query.at.unwrap_or_else(|| state.clock.now_utc());
    let known = people.transfer(&query.department, query.person.as_deref(), at);
    let view = match known.map_err(|why| refused("transferred", "R22", &why))? {
        Transfer::To { person, stands_in_for } => {
            OnDutyView { on_duty: true, person, stands_in_for, reply_by: None, next_duty: None }
        }
        Transfer::Record { owner, reply_by, next_duty } => OnDutyView {
            on_duty: false,
            person: owner,
            stands_in_for: None,
            reply_by: Some(reply_by),
            next_duty,
        },
    };
    Ok(Json(view).into_response())
}

/// Why it goes up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoUp {
    /// `not_satisfied`, `recurred` or `no_answer`.
    reason: String,
}

/// Brings a ticket before the next superior (R104, R109).
#[utoipa::path(post, path = "/api/v1/tickets/{ticket}/escalate", operation_id = "escalateTicket", tag = "people",
    request_body = GoUp,
    params(ChangeParams), responses(Changed<200>, Changes, TakesBody))]
pub async fn escalate(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
    Body(body): Body<GoUp>,
) -> Result<Response, Problem> {
    let known = [Reason::NotSatisfied, Reason::Recurred, Reason::NoAnswer];
    let reason = known.into_iter().find(|reason| reason.name() == body.reason);
    let reason = reason.ok_or_else(|| Problem::invalid(vec![Flaw::at("/reason", "no_such_reason")]))?;
    let ticket = find_for(&state, &caller, &name).await?;
    let people = state.store.people().await?;
    let now = state.clock.now_utc();
    let supervisor = ticket.process.supervisor.as_deref();
    let Some(deed) = step_up(&ticket, supervisor, reason, &people, now) else {
        let why = PeopleRefusal::NobodyAbove {
            person: supervisor.or(ticket.owner.as_deref()).unwrap_or("nobody").to_owned(),
            passed_over: Vec::new(),
        };
        return Err(refused("escalated", "R104", &why));
    };
    let change = Change { state: &state, caller, name: &name, headers: &headers };
    let ticket = change.make(Event::from(deed)).await?;
    Ok(show(&state, ticket, language))
}
