//! What a deed changes; its guards have been met.

use chrono::{DateTime, TimeDelta, Utc};
use linesman_deadlines::promise::{self, Promise, PromiseEvent, Source};
use linesman_process::form::FormId;
use linesman_process::tree::Run;

use super::event::Actor;
use super::evidence::Evidence;
use super::outage::CustomerText;
use super::people::{StandIn, StepUp, next_level, supervisor_of};
use super::process::{
    Confirmed, Contact, ContactPurpose, Direction, Liability, Plan, Record, Resolution, ToldTime,
    Verification, Work, WorkKind,
};
use super::{Deed, State, Ticket, TicketKind, route};

/// Our own test after a carrier's repair, before the customer hears (R61, R97).
const OUR_TEST: TimeDelta = TimeDelta::minutes(30);

/// Our own measurement after announced work, before what was promised counts as broken by time alone.
pub const WORK_TEST: TimeDelta = TimeDelta::minutes(15);

/// The promise that a deed makes.
pub(super) fn promise_of(ticket: &Ticket, deed: &Deed, now: DateTime<Utc>) -> Option<Promise> {
    let (id, text, due_at, source, renews) = match deed {
        Deed::Promised { id, text, due_at, source, renews } => {
            (id.clone(), text, *due_at, *source, renews.clone())
        }
        Deed::ToldOfWork { window, ends_at, text } => {
            (format!("work/{window}"), text, after_work(*ends_at), Source::AnnouncedWork, None)
        }
        _ => return None,
    };
    let contact = ticket.registration.as_ref().and_then(|registration| registration.customer.as_ref());
    let made_to = contact.map(|known| known.contact.clone().unwrap_or_else(|| known.customer.clone()));
    Some(Promise {
        id,
        text: text.clone(),
        made_at: now,
        due_at,
        owner: ticket.process.first_owner.clone().unwrap_or_default(),
        made_to: made_to.unwrap_or_default(),
        source,
        renews,
    })
}

/// By when what rests on the end of announced work is to be shown.
pub(super) fn after_work(ends_at: DateTime<Utc>) -> DateTime<Utc> {
    ends_at.checked_add_signed(WORK_TEST).unwrap_or(ends_at)
}

pub(super) fn act(next: &mut Ticket, deed: &Deed, actor: &Actor, now: DateTime<Utc>) {
    match deed {
        // A link changes nothing until it is answered.
        Deed::Registered { .. } | Deed::LinkMade { .. } | Deed::SurveyAnswered { .. } => {}
        Deed::Classified { .. } => classify(next, deed),
        Deed::Assigned { owner, department, deadline, target, duty } => {
            next.owner = Some(owner.clone());
            if department.is_some() {
                next.process.department.clone_from(department);
            }
            next.process.deadline = Some(*deadline);
            next.process.target_text = Some(target.clone());
            next.process.duty = Some(*duty);
            if next.state == State::Classified {
                next.state = State::Assigned;
            }
        }
        Deed::Accepted | Deed::Resumed { .. } => next.state = State::InProgress,
        Deed::Contacted { direction, channel, purpose, reached, reply_by, .. } => {
            let contact = Contact {
                at: now,
                by: actor.0.clone(),
                direction: *direction,
                channel: *channel,
                purpose: *purpose,
                reached: *reached,
                reply_by: *reply_by,
            };
            next.process.contacts.push(contact);
        }
        Deed::AskedCustomer { next_contact_at } => {
            next.state = State::PendingCustomer;
            next.process.next_contact_at = Some(*next_contact_at);
        }
        Deed::HeldExternal { kind, reference, with, eta } => {
            next.state = State::HeldExternal;
            next.process.works.push(work(*kind, reference, with, *eta, now));
        }
        Deed::EtaChanged { reference, eta, reason } => {
            let known = next.process.works.iter_mut().find(|work| work.reference == *reference);
            if let Some(known) = known {
                known.etas.push(ToldTime { told_at: now, eta: *eta });
            }
            let renewed = promise::renewals_by_carrier(&next.process.promises, *eta, OUR_TEST, now, reason);
            next.process.promises.extend(renewed);
        }
        Deed::WorkDone { reference, result } => {
            if let Some(known) = next.process.works.iter_mut().find(|work| work.reference == *reference) {
                known.done_at = Some(now);
                known.result = Some(result.clone());
            }
        }
        Deed::HeldPlanned { window, .. } => {
            next.state = State::HeldPlanned;
            next.process.window = Some(window.clone());
        }
        Deed::RepairClaimed { .. } => {
            next.state = State::Verifying;
            next.process.verification = None;
        }
        Deed::Verified { passed: true, evidence } => {
            next.process.fault_over = None;
            next.process.verification = Some(verification(true, evidence, actor, now));
        }
        Deed::Verified { passed: false, .. } => {
            next.state = State::InProgress;
            next.process.fault_over = None;
            next.process.verification = None;
        }
        Deed::VerificationWaived { reason } => {
            next.process.fault_over = None;
            next.process.verification = Some(verification(false, reason, actor, now));
        }
        Deed::RecordFiled { kind, reference, evidence } => {
            let (by, reference) = (actor.0.clone(), reference.clone());
            next.process.records.push(Record { kind: *kind, evidence: *evidence, reference, by, at: now });
        }
        Deed::SolutionPlanned { remedies, analysis, measures } => {
            let (by, remedies, analysis) = (actor.0.clone(), remedies.clone(), analysis.clone());
            next.process.plans.push(Plan { remedies, analysis, by, at: now });
            let plan = next.process.plans.len();
            for (place, measure) in measures.iter().enumerate() {
                let reference = format!("P{plan}.{}", place + 1);
                let task = work(WorkKind::Task, &reference, &measure.responsible, measure.by, now);
                next.process.works.push(Work { what: Some(measure.what.clone()), ..task });
            }
        }
        Deed::Bridged { .. } => next.process.bridged_at = Some(now),
        Deed::SolutionRecorded { root_cause, solution } => {
            next.process.fault_over = None;
            next.state = State::Resolved;
            next.resolved_at = Some(now);
            next.restored_at = Some(next.process.verification.as_ref().map_or(now, |known| known.at));
            next.process.resolution =
                Some(Resolution { root_cause: root_cause.clone(), solution: solution.clone() });
        }
        Deed::ResultReported { channel, .. } => {
            next.state = State::AwaitingConfirmation;
            next.process.contacts.push(Contact {
                at: now,
                by: actor.0.clone(),
                direction: Direction::Outbound,
                channel: *channel,
                purpose: ContactPurpose::Result,
                reached: true,
                reply_by: None,
            });
        }
        Deed::ConfirmationRecorded { rating, method, .. } => {
            next.state = State::Settled;
            next.process.confirmation =
                Some(Confirmed { rating: Some(*rating), method: Some(*method), at: now });
        }
        Deed::UnansweredRecorded { .. } => {
            next.state = State::Settled;
            next.process.confirmation = Some(Confirmed { rating: None, method: None, at: now });
        }
        Deed::ReopenedByPerson { .. } => reopen(next),
        Deed::LevelChanged { level, supervisor, .. } => {
            next.process.level = Some(*level);
            next.process.supervisor = supervisor.clone().or_else(|| Some(supervisor_of(*level).to_owned()));
        }
        Deed::Rejected { .. } => next.state = State::Rejected,
        Deed::Merged { into } => {
            next.state = State::Cancelled;
            next.process.merged_into = Some(into.clone());
        }
        Deed::Linked { parent } => {
            next.process.parent.clone_from(parent);
            next.process.fault_over = None;
            next.process.stands_alone = parent.is_none();
        }
        Deed::Absorbed { keys, .. } => {
            for key in keys {
                if *key != next.key && !next.aliases.contains(key) {
                    next.aliases.push(key.clone());
                }
            }
        }
        Deed::SplitOff { into } => next.process.split_into.push(into.clone()),
        Deed::SplitFrom { from } => next.process.split_from = Some(from.clone()),
        Deed::OutageDeclared { segment, .. } => {
            next.process.is_outage = true;
            next.segment = Some(segment.clone());
            // Calls fail on a shared element: until it is measured, it is the network (R48, R60).
            next.class = next.class.or(Some(crate::diagnosis::Class::B));
            if next.state == State::Registered {
                next.state = State::Classified;
            }
        }
        Deed::CustomerTextSet { en, zh } => {
            let text = CustomerText { en: en.clone(), zh: zh.clone(), at: now, by: actor.0.clone() };
            next.process.customer_text = Some(text);
        }
        Deed::WorkMoved { ends_at, reason, .. } => {
            let (log, due_at) = (&next.process.promises, after_work(*ends_at));
            let renewed = promise::renewals(log, Source::AnnouncedWork, due_at, now, reason);
            next.process.promises.extend(renewed);
        }
        Deed::WorkOverran { evidence, .. } => {
            for known in promise::read(&next.process.promises, now) {
                let log = &next.process.promises;
                if known.promise.source == Source::AnnouncedWork
                    && let Ok(broken) = promise::fail(log, &known.promise.id, now, evidence)
                {
                    next.process.promises.push(broken);
                }
            }
        }
        Deed::FaultOver { .. } => {
            next.process.fault_over = Some(now);
            // Whoever has not taken it up yet still has to; everybody else waits for the measurement now.
            if !matches!(next.state, State::Registered | State::Classified | State::Assigned) {
                next.state = State::Verifying;
                next.process.verification = None;
            }
        }
        Deed::EtaHeard { eta, reason, .. } => {
            let log = &next.process.promises;
            let renewed = promise::renewals_by_carrier(log, *eta, OUR_TEST, now, reason);
            next.process.promises.extend(renewed);
        }
        Deed::ReceiptSent { .. } => next.process.receipt_sent_at = Some(now),
        Deed::LinkSent { event, .. } => {
            next.process.links_sent.insert(*event);
        }
        Deed::ToldOfWork { window, .. } => {
            next.process.window = Some(window.clone());
            let made = promise_of(next, deed, now);
            next.process.promises.extend(made.map(|promise| PromiseEvent::Made { promise }));
        }
        Deed::Escalated { from, to, reason, .. } => {
            next.process.supervisor = Some(to.clone());
            let (from, to) = (from.clone(), to.clone());
            next.process.escalations.push(StepUp { from, to, reason: *reason, at: now });
        }
        Deed::HandedOver { from, to, until } => {
            next.owner = Some(to.clone());
            // Handed on, it stays whose it was at first.
            let whose = next.process.stands_in.take().map_or_else(|| from.clone(), |known| known.from);
            next.process.stands_in = until.map(|until| StandIn { from: whose, until });
        }
        Deed::FormFiled { form, count, scores, .. } => {
            next.process.forms.insert(*form, *count);
            if *form == FormId::Survey {
                next.process.survey.clone_from(scores);
            }
        }
        Deed::EvidenceAttached { kind, file, sha256, .. } => {
            let (file, sha256) = (file.clone(), sha256.clone());
            next.process.evidence.push(Evidence { kind: *kind, file, sha256, by: actor.0.clone(), at: now });
        }
        Deed::CompensationGranted { grant, .. } => next.process.grants.push(grant.clone()),
        Deed::Routed { number, step } => route::act(&mut next.process.routes, *number, step, actor, now),
        Deed::WalkBegun { from, versions, .. } => {
            next.process.walks.push(Run::begin(versions.clone(), &from.tree, &from.node, now));
        }
        Deed::Walked { step } => {
            if let Some(walk) = next.process.walks.last_mut() {
                walk.take(step.clone());
            }
        }
        Deed::Promised { .. } => {
            let made = promise_of(next, deed, now);
            next.process.promises.extend(made.map(|promise| PromiseEvent::Made { promise }));
        }
        Deed::PromiseKept { id, evidence } => {
            let (id, evidence) = (id.clone(), evidence.clone());
            next.process.promises.push(PromiseEvent::Kept { id, at: now, evidence });
        }
        Deed::ClockCalled { key, overtakes, .. } => {
            next.process.fired.extend(overtakes.iter().cloned().chain([key.clone()]));
        }
        Deed::PromiseCalled { key, .. } => {
            next.process.fired.insert(key.clone());
        }
    }
}

fn classify(next: &mut Ticket, deed: &Deed) {
    let Deed::Classified { class, urgency, level, supervisor, liability, tags, cause, segment, side } = deed
    else {
        return;
    };
    next.class = Some(*class);
    next.cause = *cause;
    next.segment.clone_from(segment);
    next.side = *side;
    // Another class is another diagnosis: whoever confirmed the old one did not confirm this (R24).
    next.verdict = None;
    if next.state == State::Registered {
        next.state = State::Classified;
    }
    let process = &mut next.process;
    process.urgency = Some(*urgency);
    // That it is not clear takes no judgement back (R17, R35).
    if *liability != Liability::Unclear || process.liability.is_none() {
        process.liability = Some(*liability);
    }
    // Who says nothing of them leaves those of the registration.
    if !tags.is_empty() {
        process.tags.clone_from(tags);
    }
    if let Some(level) = level {
        process.level = Some(*level);
    }
    if supervisor.is_some() {
        process.supervisor.clone_from(supervisor);
    } else if let Some(level) = level {
        process.supervisor = Some(supervisor_of(*level).to_owned());
    }
}

fn reopen(next: &mut Ticket) {
    next.state = State::Reopened;
    next.reopen_count += 1;
    next.restored_at = None;
    next.resolved_at = None;
    let process = &mut next.process;
    process.verification = None;
    process.bridged_at = None;
    process.resolution = None;
    process.confirmation = None;
    // What he signed or said was of the result before.
    process.evidence.clear();
    // Who is not satisfied is heard one level higher (R104).
    if next.kind == TicketKind::Complaint
        && let Some(level) = process.level
    {
        let above = next_level(level);
        process.level = Some(above);
        if above != level {
            process.supervisor = Some(supervisor_of(above).to_owned());
        }
    }
}

/// Work as it is given away.
fn work(kind: WorkKind, reference: &str, with: &str, eta: DateTime<Utc>, at: DateTime<Utc>) -> Work {
    Work {
        kind,
        reference: reference.to_owned(),
        with: with.to_owned(),
        what: None,
        given_at: at,
        etas: vec![ToldTime { told_at: at, eta }],
        done_at: None,
        result: None,
    }
}

fn verification(measured: bool, because: &str, actor: &Actor, now: DateTime<Utc>) -> Verification {
    Verification { measured, because: because.to_owned(), by: actor.0.clone(), at: now }
}
