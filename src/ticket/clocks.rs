//! A ticket's clocks and promises: what its log is, how they stand, what is to be done next.
//!
//! The log is a projection of the ticket's events, kept beside them on the ticket: everything is computed from it
//! each time, nothing is counted (tickets.md 7.2, rule 5). Only reported tickets have clocks: a ticket that Linesman
//! opened by itself binds nobody towards a customer. Deliberately absent: the clocks of months and of new
//! customers (R81, R78), which belong to no ticket: [`crate::statistics::duty`], [`crate::workers::clocks`].

use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::Calendar;
use linesman_deadlines::clock::{Action, Clock, ClockState, LogEntry, Reading, What};
use linesman_deadlines::policy::{Facts, Milestone, Policies, Policy, Purpose, Urgency};
use linesman_deadlines::promise::{self, Point, PromiseAction, PromiseCall, PromiseEvent, Standing};
use linesman_process::form::FormId;

use super::deed::{Call, Deed};
use super::event::Event;
use super::people::supervisor_of;
use super::process::{ContactPurpose, Duty, Work, WorkKind};
use super::{State, Ticket, TicketKind};
use crate::procedure;

/// The calendar by which offices work.
#[must_use]
pub fn office() -> Option<&'static Calendar> {
    procedure::in_force().calendars.get("cn-office")
}

/// The clock that ends the reopen window of a settled ticket; no policy has this name.
pub const REOPEN_WINDOW: &str = "reopen-window";

/// What an answered survey is to its follow-up (R79): asked and answered, nobody has to call any more.
const SURVEYED: [Milestone; 3] = [Milestone::FirstContact, Milestone::Responded, Milestone::FollowUpDone];

/// One clock of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketClock {
    /// Its name within the ticket: the policy, and of work given away its number.
    pub name: String,
    /// How it stands.
    pub reading: Reading,
    /// What it says, in English.
    pub title: &'static str,
    /// What it says, in Chinese.
    pub title_zh: &'static str,
}

/// What a ticket's clocks come to at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Each that was ever started, as it stands.
    pub standing: Vec<TicketClock>,
    /// When each has something to be done next.
    pub next: Vec<(String, DateTime<Utc>)>,
}

/// What decides which deadlines a ticket has.
#[must_use]
pub fn facts(ticket: &Ticket) -> Facts {
    Facts {
        kind: Some(ticket.kind.of_deadlines()),
        urgency: ticket.process.urgency,
        level: ticket.process.level,
        caller: ticket.registration.as_ref().and_then(|registration| registration.caller),
    }
}

/// A policy of a ticket with its own log: that of the ticket, or of a piece of work.
struct Ruled<'t> {
    name: String,
    policy: &'static Policy,
    calendar: &'static Calendar,
    log: std::borrow::Cow<'t, [LogEntry]>,
}

fn ruled(ticket: &Ticket) -> Vec<Ruled<'_>> {
    let Some(table) = procedure::deadlines_at(ticket.registered_at) else { return Vec::new() };
    let mut all = Vec::new();
    let calendar = |policy: &Policy| procedure::in_force().calendars.get(&policy.calendar);
    let facts = facts(ticket);
    // A follow-up is a ticket of its own: the one that it follows only triggers it.
    let is_follow_up = ticket.kind == TicketKind::FollowUp;
    let is_its = |policy: &&Policy| {
        is_follow_up || !matches!(policy.purpose, Purpose::FollowUp | Purpose::FollowUpSummary)
    };
    for policy in table.policies.iter().filter(|policy| policy.when.holds(&facts)).filter(is_its) {
        let Some(calendar) = calendar(policy) else { continue };
        let (name, log) = (policy.id.clone(), std::borrow::Cow::Borrowed(ticket.process.log.as_slice()));
        all.push(Ruled { name, policy, calendar, log });
    }
    for work in &ticket.process.works {
        let Some(policy) = table.get(policy_of(work)) else { continue };
        let Some(calendar) = calendar(policy) else { continue };
        let name = format!("{}#{}", policy.id, work.reference);
        all.push(Ruled { name, policy, calendar, log: std::borrow::Cow::Owned(log_of(work)) });
    }
    all
}

const fn policy_of(work: &Work) -> &'static str {
    match work.kind {
        WorkKind::DispatchOrder | WorkKind::Task => "dispatch-order",
        WorkKind::CarrierRepair => "carrier-repair",
    }
}

fn log_of(work: &Work) -> Vec<LogEntry> {
    let (given, renewed, done) = match work.kind {
        WorkKind::DispatchOrder | WorkKind::Task => {
            (Milestone::Dispatched, Milestone::Dispatched, Milestone::DispatchDone)
        }
        WorkKind::CarrierRepair => {
            (Milestone::CarrierReported, Milestone::CarrierEtaChanged, Milestone::CarrierRepaired)
        }
    };
    let told = work.etas.iter().enumerate();
    let mut log: Vec<LogEntry> = told
        .map(|(place, told)| {
            LogEntry::stated(told.told_at, if place == 0 { given } else { renewed }, told.eta)
        })
        .collect();
    log.extend(work.done_at.map(|at| LogEntry::happened(at, done)));
    log
}

/// Whether clocks still ask for anything.
fn is_watched(ticket: &Ticket) -> bool {
    ticket.is_reported() && !matches!(ticket.state, State::Rejected | State::Cancelled)
}

/// All clocks of a ticket. A due time that cannot be computed leaves its clock out; the table's own test holds
/// that the shipped calendars reach far enough.
#[must_use]
pub fn clocks(ticket: &Ticket, now: DateTime<Utc>) -> Clocks {
    let mut clocks = Clocks::default();
    if !ticket.is_reported() {
        return clocks;
    }
    for Ruled { name, policy, calendar, log } in ruled(ticket) {
        let clock = Clock { policy, calendar, log: &log };
        let Ok(Some(mut reading)) = clock.reading_now(now) else { continue };
        let breach = format!("{}/breach", of_run(&name, reading.run));
        if ticket.process.fired.iter().any(|key| key.0 == breach) && reading.breached_at.is_none() {
            reading.keep_breach(reading.due_at);
        }
        if is_watched(ticket) {
            let (level, fired) = (ticket.process.level, fired_of(ticket, &name));
            // What was met late is still to be called, though its clock runs no more.
            let waits = clock.due_actions(now, level, &fired).is_ok_and(|actions| !actions.is_empty());
            let next = clock.next_action_at(now, level, &fired).ok().flatten();
            clocks.next.extend(if waits { Some(now) } else { next }.map(|at| (name.clone(), at)));
        }
        clocks.standing.push(TicketClock { name, reading, title: &policy.title, title_zh: &policy.title_zh });
    }
    if is_watched(ticket)
        && let Some(at) = next_of_promises(ticket, now)
    {
        clocks.next.push(("promises".to_owned(), at));
    }
    clocks
}

fn of_run(name: &str, run: u32) -> String {
    format!("{name}/{run}")
}

/// Keys that a clock knows: those of a piece of work without its number.
fn fired_of(ticket: &Ticket, name: &str) -> std::collections::BTreeSet<linesman_deadlines::ActionKey> {
    let Some((policy, _)) = name.split_once('#') else { return ticket.process.fired.clone() };
    let keys = ticket.process.fired.iter().filter_map(|key| {
        let rest = key.0.strip_prefix(name)?;
        rest.starts_with('/').then(|| linesman_deadlines::ActionKey(format!("{policy}{rest}")))
    });
    keys.collect()
}

/// What a ticket's clocks and promises ask for now, each as the deed that carries it out; asking again after they
/// were done gives nothing.
#[must_use]
pub fn due_deeds(ticket: &Ticket, now: DateTime<Utc>) -> Vec<Deed> {
    if !is_watched(ticket) {
        return Vec::new();
    }
    let mut deeds = Vec::new();
    for Ruled { name, policy, calendar, log } in ruled(ticket) {
        let clock = Clock { policy, calendar, log: &log };
        let actions = clock.due_actions(now, ticket.process.level, &fired_of(ticket, &name));
        deeds.extend(actions.unwrap_or_default().into_iter().map(|action| of_clock(ticket, &name, action)));
    }
    if let Some(table) = procedure::deadlines_at(ticket.registered_at) {
        let fired = &ticket.process.fired;
        let actions = promise::due_actions(&ticket.process.promises, &table.promise, now, fired);
        deeds.extend(actions.into_iter().map(|action| of_promise(ticket, action)));
    }
    deeds
}

fn of_clock(ticket: &Ticket, name: &str, action: Action) -> Deed {
    use linesman_deadlines::clock::Call as Asked;
    let renamed = |key: linesman_deadlines::ActionKey| {
        let rest = key.0.strip_prefix(&action.policy).unwrap_or(&key.0).to_owned();
        linesman_deadlines::ActionKey(format!("{name}{rest}"))
    };
    let call = match action.call {
        Asked::Remind(_) => Call::Remind,
        Asked::Breach => Call::Breach,
        Asked::Trigger => Call::Trigger,
    };
    Deed::ClockCalled {
        key: renamed(action.key.clone()),
        overtakes: action.overtakes.iter().cloned().map(renamed).collect(),
        call,
        policy: name.to_owned(),
        rule: action.rule,
        due_at: action.due_at,
        escalated_to: (call == Call::Breach).then(|| supervisor(ticket)),
    }
}

fn of_promise(ticket: &Ticket, action: PromiseAction) -> Deed {
    let (call, point) = match &action.call {
        PromiseCall::Warn => (Call::Remind, None),
        PromiseCall::Contact { point } => (Call::Contact, Some(*point)),
        PromiseCall::ContactMissed { point } => (Call::Breach, Some(*point)),
        PromiseCall::Broken => (Call::Breach, Some(Point::PromiseDue)),
    };
    Deed::PromiseCalled {
        key: action.key,
        call,
        promise: action.promise,
        point: point.map(|point| point.name().to_owned()),
        due_at: action.at,
        escalated_to: (call == Call::Breach).then(|| supervisor(ticket)),
    }
}

/// To whom what is overdue goes (R88): the supervisor; until one is named, of a complaint whoever has the lowest
/// level, of everything else the customer service supervisor (R12).
fn supervisor(ticket: &Ticket) -> String {
    let usual = || match ticket.kind {
        TicketKind::Complaint => supervisor_of(linesman_deadlines::policy::Level::Blue).to_owned(),
        _ => linesman_process::Role::Supervisor.name().to_owned(),
    };
    ticket.process.supervisor.clone().unwrap_or_else(usual)
}

/// When promises ask for something next.
fn next_of_promises(ticket: &Ticket, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let table: &Policies = procedure::deadlines_at(ticket.registered_at)?;
    let (log, rules, fired) = (&ticket.process.promises, &table.promise, &ticket.process.fired);
    if !promise::due_actions(log, rules, now, fired).is_empty() {
        return Some(now);
    }
    let after = |at: DateTime<Utc>| at.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(at);
    let before = rules.warn_before.length().unwrap_or_default();
    let warned = |known: &Standing| known.promise.due_at.checked_sub_signed(before);
    let standing = promise::read(log, now);
    let open = standing.iter().filter(|known| known.outcome == promise::Outcome::Open);
    let times = open.flat_map(|known| warned(known).into_iter().chain([after(known.promise.due_at)]));
    let owed = promise::duties(log, rules, now);
    let owed = owed.iter().filter(|duty| duty.done_at.is_none()).map(|duty| after(duty.by));
    times.chain(owed).filter(|at| *at > now).min()
}

/// Promises as they stand.
#[must_use]
pub fn promises(ticket: &Ticket, now: DateTime<Utc>) -> Vec<Standing> {
    promise::read(&ticket.process.promises, now)
}

/// Writes into the ticket's log, and to its promises, what an event means to its clocks.
pub(super) fn keep_log(before: Option<&Ticket>, next: &mut Ticket, event: &Event, now: DateTime<Utc>) {
    if before.is_none_or(|before| before.state != next.state) {
        next.process.state_since = Some(now);
        let entry = match event {
            Event::Deed(deed) if matches!(**deed, Deed::HeldPlanned { announced: true, .. }) => {
                LogEntry::held_for_announced_work(now)
            }
            _ => LogEntry::entered(now, next.state.name()),
        };
        next.process.log.push(entry);
    }
    match event {
        Event::Deed(deed) => of_deed(before, next, deed, now),
        Event::Cancelled { .. } => happened(next, now, &[Milestone::Cancelled]),
        Event::DiagnosisConfirmed { .. } | Event::DiagnosisCorrected { .. } => {
            reached(next, Point::CauseFound, now);
        }
        _ => {}
    }
}

fn happened(next: &mut Ticket, now: DateTime<Utc>, milestones: &[Milestone]) {
    next.process.log.extend(milestones.iter().map(|milestone| LogEntry::happened(now, *milestone)));
}

fn reached(next: &mut Ticket, point: Point, at: DateTime<Utc>) {
    next.process.promises.push(PromiseEvent::Reached { point, at });
}

fn of_deed(before: Option<&Ticket>, next: &mut Ticket, deed: &Deed, now: DateTime<Utc>) {
    let level = before.and_then(|before| before.process.level);
    if next.process.level.is_some() && next.process.level != level {
        happened(next, now, &[Milestone::LevelSet]);
    }
    match deed {
        Deed::Registered { kind, registration, .. } => {
            next.process.log.insert(0, LogEntry::happened(registration.received_at, Milestone::Received));
            happened(next, now, &[Milestone::Registered]);
            if *kind == TicketKind::Consultation {
                happened(next, now, &[Milestone::ConsultationStarted]);
            }
            if let Some(referral) = &registration.referral {
                let referred = LogEntry::stated(now, Milestone::RegulatorReferred, referral.due_at);
                next.process.log.push(referred);
            }
            if *kind == TicketKind::FollowUp {
                happened(next, now, &[Milestone::FollowUpTriggered]);
            }
            owe_a_call(None, next, now);
        }
        Deed::Classified { .. } => owe_a_call(before, next, now),
        Deed::Bridged { .. } => happened(next, now, &[Milestone::BridgeInPlace]),
        Deed::Assigned { duty, .. } => {
            happened(next, now, &[Milestone::Assigned]);
            if *duty == Duty::OffDuty {
                happened(next, now, &[Milestone::OffDutyRecorded]);
            }
        }
        Deed::Contacted { purpose, .. } => contacted(next, *purpose, now),
        Deed::ResultReported { .. } => contacted(next, ContactPurpose::Result, now),
        Deed::RepairClaimed { .. } | Deed::FaultOver { .. } => reached(next, Point::MeasureAvailable, now),
        Deed::ReceiptSent { .. } => happened(next, now, &[Milestone::ReceiptSent]),
        Deed::SolutionRecorded { .. } => {
            happened(next, now, &[Milestone::Resolved]);
            reached(next, Point::Solved, now);
            keep_promises(next, now);
        }
        Deed::ConfirmationRecorded { .. } | Deed::UnansweredRecorded { .. } => {
            happened(next, now, &[Milestone::Confirmed]);
            if next.kind == TicketKind::FollowUp {
                happened(next, now, &[Milestone::FollowUpSummarised]);
            }
        }
        Deed::SurveyAnswered { .. } => happened(next, now, &SURVEYED),
        Deed::FormFiled { form: FormId::Survey, .. } if next.kind == TicketKind::FollowUp => {
            happened(next, now, &SURVEYED);
        }
        // Who has answered before the day on which he would be called is not called any more (R78).
        Deed::FormFiled { form: FormId::Survey, .. } => happened(next, now, &[Milestone::FollowUpTriggered]),
        Deed::ReopenedByPerson { .. } => happened(next, now, &[Milestone::Reopened]),
        Deed::Rejected { .. } => happened(next, now, &[Milestone::Rejected]),
        Deed::Merged { .. } => happened(next, now, &[Milestone::Cancelled]),
        Deed::ClockCalled { call: Call::Trigger, .. } => happened(next, now, &[Milestone::FollowUpTriggered]),
        _ => {}
    }
}

/// An urgent demand that did not come by telephone, or becomes urgent later, is confirmed by it too (R30).
fn owe_a_call(before: Option<&Ticket>, next: &mut Ticket, now: DateTime<Utc>) {
    if phone_confirmation_is_owed(next) && !before.is_some_and(phone_confirmation_is_owed) {
        happened(next, now, &[Milestone::PhoneConfirmationOwed]);
    }
}

/// Whether a ticket is an urgent demand of somebody who was not spoken to on the telephone (R30).
#[must_use]
pub fn phone_confirmation_is_owed(ticket: &Ticket) -> bool {
    let by_phone =
        |contact: &super::process::Contact| contact.reached && contact.channel == super::Channel::Phone;
    let channel = ticket.registration.as_ref().map(|registration| registration.channel);
    let came_otherwise =
        channel.is_some_and(|channel| !channel.is_telephone() && channel != super::Channel::Automatic);
    came_otherwise
        && ticket.process.urgency == Some(Urgency::Urgent)
        && !ticket.process.contacts.iter().any(by_phone)
}

/// A contact in which we spoke to the customer.
fn contacted(next: &mut Ticket, purpose: ContactPurpose, now: DateTime<Utc>) {
    let Some(contact) = next.process.contacts.last().filter(|contact| contact.told()) else { return };
    let by_owner = next.owner.as_deref() == Some(&contact.by);
    let mut all = vec![Milestone::ReceiptSent, Milestone::FirstContact, Milestone::Responded];
    if contact.channel == super::Channel::Phone {
        all.push(Milestone::PhoneConfirmed);
    }
    if by_owner && next.process.duty == Some(Duty::OffDuty) {
        all.push(Milestone::OwnerReplied);
    }
    use ContactPurpose as P;
    match purpose {
        P::Plan => all.extend([Milestone::PlanTold, Milestone::ProgressTold]),
        P::Progress | P::CauseFound | P::PromiseDue | P::MeasureAvailable => {
            all.push(Milestone::ProgressTold)
        }
        P::SolvedTestRequest => all.push(Milestone::ProgressTold),
        P::Result => all.extend([Milestone::ProgressTold, Milestone::ResultTold]),
        P::Answer | P::RechargeNotice => {
            all.push(Milestone::ProgressTold);
            if next.kind == TicketKind::Consultation {
                all.push(Milestone::ConsultationEnded);
            }
        }
        P::RegulatorAnswer => all.extend([Milestone::Answered, Milestone::RegulatorAnswered]),
        P::Receipt | P::FirstResponse | P::Question | P::Apology => {}
    }
    if next.kind == TicketKind::FollowUp {
        all.push(Milestone::FollowUpDone);
    }
    happened(next, now, &all);
    let point = match purpose {
        P::CauseFound => Point::CauseFound,
        P::PromiseDue => Point::PromiseDue,
        P::MeasureAvailable => Point::MeasureAvailable,
        P::SolvedTestRequest | P::Result => Point::Solved,
        _ => return,
    };
    next.process.promises.push(PromiseEvent::Contacted { point, at: now });
}

/// What was promised has happened once it is measured to be over: measured, not said (R86).
fn keep_promises(next: &mut Ticket, now: DateTime<Utc>) {
    let Some(proof) = next.process.verification.clone().filter(|known| known.measured) else { return };
    for known in promise::read(&next.process.promises, now) {
        if let Ok(kept) = promise::keep(&next.process.promises, &known.promise.id, now, &proof.because) {
            next.process.promises.push(kept);
        }
    }
}

/// Whether something happened to a ticket that its clocks know.
#[must_use]
pub fn has_happened(ticket: &Ticket, wanted: Milestone) -> bool {
    let is_it =
        |entry: &LogEntry| matches!(entry.what, What::Happened { milestone, .. } if milestone == wanted);
    ticket.process.log.iter().any(is_it)
}

/// Whether a clock waits to be met.
#[must_use]
pub fn is_running(reading: &Reading) -> bool {
    matches!(reading.state, ClockState::Running | ClockState::Paused | ClockState::Breached)
}
