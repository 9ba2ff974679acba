//! What the roster means to a ticket: who supervises it next, whether its owner is there, who has it meanwhile, and in
//! which order work is done (R19, R20, R22, R54, R55, R88, R98, R104). The rules are `linesman_process::people`; here
//! tickets are put before them.
//!
//! People of the roster act under the name of their token (their login): owners and supervisors of tickets are
//! logins. Where the roster knows nobody, nothing is decided by it.

use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::clock::ClockState;
use linesman_deadlines::policy::Level;
use linesman_process::Role;
use linesman_process::people::{Case, Escalation, People, Reason, Work};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::deed::Call;
use super::process::Duty;
use super::{Deed, Event, State, Ticket, TicketKind, clocks};

/// What falls due together is one step up, not several.
const ONE_STEP: TimeDelta = TimeDelta::minutes(15);

/// A step up, as a ticket keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepUp {
    /// Who supervised before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who does now.
    pub to: String,
    /// Why.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whose work it is, for the time of an absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StandIn {
    /// Whose it is, and will be again.
    pub from: String,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// The step up that an event asks for, if it does and somebody is above.
#[must_use]
pub fn escalation(
    before: &Ticket,
    after: &Ticket,
    event: &Event,
    people: &People,
    now: DateTime<Utc>,
) -> Option<Deed> {
    let Event::Deed(deed) = event else { return None };
    let rose = after.process.level > before.process.level;
    let reason = match &**deed {
        Deed::ClockCalled { call: Call::Breach, .. } | Deed::PromiseCalled { call: Call::Breach, .. } => {
            Reason::Overdue
        }
        Deed::LevelChanged { .. } | Deed::Classified { .. } if rose => Reason::LevelRaised,
        Deed::ReopenedByPerson { .. } if before.state == State::Settled => Reason::Recurred,
        Deed::ReopenedByPerson { .. } => Reason::NotSatisfied,
        _ => return None,
    };
    let is_same = |step: &StepUp| step.reason == reason && step.at > now - ONE_STEP;
    if reason == Reason::Overdue && after.process.escalations.last().is_some_and(is_same) {
        return None;
    }
    // The deed that changes a level names the role of the supervisor; who supervised before is asked.
    step_up(after, before.process.supervisor.as_deref(), reason, people, now)
}

/// The next superior of a ticket for a reason.
#[must_use]
pub fn step_up(
    ticket: &Ticket,
    supervisor: Option<&str>,
    reason: Reason,
    people: &People,
    now: DateTime<Utc>,
) -> Option<Deed> {
    let levels = crate::procedure::levels()?;
    let known = |login: Option<&str>| login.and_then(|login| people.by_login(login));
    let owner = known(ticket.owner.as_deref()).or_else(|| known(ticket.process.first_owner.as_deref()))?;
    if known(supervisor).is_none()
        && ticket.kind != TicketKind::Complaint
        && let Some(first) = service_supervisor(people, &owner.id, reason, now)
    {
        let to = people.login_of(&first).to_owned();
        return Some(Deed::Escalated { from: None, to, reason, passed_over: Vec::new() });
    }
    let case = Case {
        level: ticket.process.level.unwrap_or(Level::Blue),
        owner: &owner.id,
        supervisor: known(supervisor).map(|person| person.id.as_str()),
        reason,
        at: now,
    };
    let Escalation { from, to, reason, passed_over } = people.escalate(levels, &case).ok()?;
    let login = |id: &String| people.login_of(id).to_owned();
    // Whoever has it already and is still the one has nothing new to hear.
    let is_news = ticket.process.supervisor.as_deref() != Some(people.login_of(&to));
    is_news.then(|| Deed::Escalated {
        from: from.as_ref().map(login),
        to: login(&to),
        reason,
        passed_over: passed_over.iter().map(login).collect(),
    })
}

/// The customer service supervisor who hears first of what is overdue and has no level, as a complaint has one (R12):
/// the one above the owner, else any who is there.
fn service_supervisor(people: &People, owner: &str, reason: Reason, now: DateTime<Utc>) -> Option<String> {
    let above = people.above(owner).into_iter();
    let mut all = above.chain(people.persons());
    let is_there = |id: &str| id != owner && people.absence(id, now).is_none();
    let is_asked = reason == Reason::Overdue;
    let first = all.find(|person| person.roles.contains(&Role::Supervisor) && is_there(&person.id))?;
    is_asked.then(|| first.id.clone())
}

/// Whether an owner is there, as far as the roster says (R22): of a department without duties it says nothing.
#[must_use]
pub fn duty_of(people: &People, owner: &str, department: Option<&str>, now: DateTime<Utc>) -> Option<Duty> {
    let person = people.by_login(owner)?;
    if people.absence(&person.id, now).is_some() {
        return Some(Duty::OffDuty);
    }
    let department = department.filter(|name| people.department(name).is_some());
    let department = department.unwrap_or(&person.department);
    if !people.has_duties(department) {
        return None;
    }
    let there = people.on_duty(department, now).iter().any(|one| one.person.id == person.id);
    Some(if there { Duty::OnDuty } else { Duty::OffDuty })
}

/// Who has a ticket from now on because its owner is absent, or is back (R98).
#[must_use]
pub fn hand_over(ticket: &Ticket, people: &People, now: DateTime<Utc>) -> Option<Deed> {
    if !ticket.is_reported() || !ticket.state.is_open() {
        return None;
    }
    if let Some(stand_in) = &ticket.process.stands_in {
        let is_back =
            people.by_login(&stand_in.from).is_none_or(|person| people.absence(&person.id, now).is_none());
        if is_back {
            let (from, to) = (ticket.owner.clone().unwrap_or_default(), stand_in.from.clone());
            return Some(Deed::HandedOver { from, to, until: None });
        }
    }
    let owner = people.by_login(ticket.owner.as_deref()?)?;
    let handed = people.hand_over(&owner.id, &[ticket.number.to_string()], now).ok()?;
    let to = people.login_of(&handed.to).to_owned();
    // Handed on and on, it goes back to whom it was first.
    let from = people.login_of(&owner.id).to_owned();
    let is_his_own = ticket.process.stands_in.as_ref().is_some_and(|known| known.from == to);
    (to != from && !is_his_own).then_some(Deed::HandedOver { from, to, until: Some(handed.until) })
}

/// A ticket as far as its place in the queue goes (R55).
#[must_use]
pub fn work(ticket: &Ticket, now: DateTime<Utc>) -> Work {
    let standing = clocks::clocks(ticket, now).standing;
    let running = standing.iter().map(|clock| &clock.reading);
    let runs =
        |state: ClockState| matches!(state, ClockState::Running | ClockState::Paused | ClockState::Breached);
    let running = running.filter(|reading| runs(reading.state));
    Work {
        ticket: ticket.number.to_string(),
        kind: ticket.kind.of_deadlines(),
        level: ticket.process.level,
        urgency: ticket.process.urgency,
        due_at: running.map(|reading| reading.due_at).chain(ticket.process.deadline).min(),
        registered_at: ticket.registered_at,
    }
}

/// Whoever supervises complaints of a level (R19, R20, mission section 9), until a person is named.
#[must_use]
pub const fn supervisor_of(level: Level) -> &'static str {
    match level {
        Level::Blue => "complaint_specialist",
        Level::Yellow => "shift_lead",
        Level::Orange => "quality_manager",
        Level::Red => "customer_service_head",
        Level::RedPlus => "company_management",
    }
}

/// The level above (R104); above red+ there is none.
#[must_use]
pub const fn next_level(level: Level) -> Level {
    match level {
        Level::Blue => Level::Yellow,
        Level::Yellow => Level::Orange,
        Level::Orange => Level::Red,
        Level::Red | Level::RedPlus => Level::RedPlus,
    }
}
