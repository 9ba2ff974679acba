//! The engine: guards and changes, in one place for API, command line, pages and automation.

use chrono::{DateTime, Utc};

use crate::diagnosis::{Class, Fault};
use crate::locale::Message;

use super::event::{Actor, Applied, Effect, Event};
use super::{Proposal, State, Ticket, TicketId, TicketKind, TicketNumber, Verdict};

/// Why an event may not happen to a ticket: every unmet guard, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} refused: {}", self.text())]
pub struct Refusal {
    /// What was asked.
    pub event: &'static str,
    /// What stands against it.
    pub unmet: Vec<Message>,
}

impl Refusal {
    fn text(&self) -> String {
        let sentences: Vec<String> =
            self.unmet.iter().map(|guard| guard.render(crate::locale::Language::English)).collect();
        sentences.join("; ")
    }
}

/// Longest note that is kept, in characters.
pub const LONGEST_NOTE: usize = 10_000;

/// A new ticket for a fault.
#[must_use]
pub fn open(
    id: TicketId,
    number: TicketNumber,
    fault: Fault,
    candidate: bool,
    follows: Option<TicketId>,
    now: DateTime<Utc>,
) -> (Applied, Event) {
    let event = Event::Opened { fault: Box::new(fault.clone()), candidate, follows: follows.clone() };
    let ticket = Ticket {
        id,
        number,
        version: 1,
        kind: TicketKind::Fault,
        // Registered and classified in one step: the diagnosis names the class.
        state: State::Classified,
        candidate,
        class: fault.class,
        cause: fault.cause,
        segment: fault.segment.clone(),
        side: fault.side,
        severity: fault.severity,
        key: fault.key.clone(),
        aliases: fault.aliases.clone(),
        owner: None,
        detected_at: fault.began,
        registered_at: now,
        updated_at: now,
        restored_at: None,
        resolved_at: None,
        verdict: None,
        reopen_count: 0,
        follows,
        proposal: None,
        fault,
    };
    (Applied { ticket, effects: vec![Effect::Notify] }, event)
}

/// Applies one event to a ticket.
///
/// # Errors
/// [`Refusal`] with every guard that is not met; the ticket stays as it was.
pub fn apply(ticket: &Ticket, event: &Event, actor: &Actor, now: DateTime<Utc>) -> Result<Applied, Refusal> {
    let unmet = guards(ticket, event);
    if !unmet.is_empty() {
        return Err(Refusal { event: event.name(), unmet });
    }
    let mut next = ticket.clone();
    next.version += 1;
    next.updated_at = now.max(ticket.updated_at);
    let mut effects = Vec::new();
    match event {
        Event::Opened { .. } => {}
        Event::Enriched { fault } => take(&mut next, fault),
        Event::Rekeyed { from, fault } => {
            if !next.aliases.contains(from) {
                next.aliases.push(from.clone());
            }
            fault.key.clone_into(&mut next.key);
            take(&mut next, fault);
            effects.push(Effect::Notify);
        }
        Event::Acknowledged => {
            next.owner = Some(actor.0.clone());
            next.candidate = false;
            if matches!(next.state, State::Registered | State::Classified | State::Assigned | State::Reopened)
            {
                next.state = State::InProgress;
            }
            effects.push(Effect::Notify);
        }
        Event::Noted { .. } => {}
        Event::DiagnosisConfirmed { note } => {
            next.verdict =
                Some(Verdict { by: actor.0.clone(), at: now, confirmed: true, note: note.clone() });
            next.candidate = false;
        }
        Event::DiagnosisCorrected { cause, class, segment, side, note } => {
            next.cause = *cause;
            next.class = *class;
            segment.clone_into(&mut next.segment);
            next.side = *side;
            next.candidate = false;
            next.verdict =
                Some(Verdict { by: actor.0.clone(), at: now, confirmed: false, note: note.clone() });
            effects.push(Effect::Notify);
        }
        Event::RemeasureRequested => effects.push(Effect::Remeasure { targets: next.fault.targets.clone() }),
        Event::Approved => next.candidate = false,
        Event::Cancelled { .. } => next.state = State::Cancelled,
        Event::VerificationStarted { .. } => {
            next.state = State::Verifying;
            effects.push(Effect::Remeasure { targets: next.fault.targets.clone() });
        }
        Event::VerificationFailed { fault } => {
            next.state = worked_on(&next);
            next.proposal = None;
            take(&mut next, fault);
            effects.push(Effect::Notify);
        }
        Event::Resolved { fault, restored_at } => {
            next.state = State::Resolved;
            next.restored_at = Some(*restored_at);
            next.resolved_at = Some(now);
            // The last stragglers of a repair say less of the fault than what stands: evidence stays.
            next.fault.life = fault.life.clone();
            next.fault.last_seen = fault.last_seen;
            next.fault.targets.clone_from(&fault.targets);
            effects.push(Effect::Notify);
        }
        Event::Settled => next.state = State::Settled,
        Event::Reopened { fault } => {
            next.state = State::Reopened;
            next.reopen_count += 1;
            next.restored_at = None;
            next.resolved_at = None;
            next.proposal = None;
            take(&mut next, fault);
            effects.push(Effect::Notify);
        }
        Event::Closed => next.state = State::Closed,
        Event::ResolutionProposed { fault } => {
            next.state = State::Verifying;
            let run = fault.billing.as_ref().map(|billing| billing.run.clone()).unwrap_or_default();
            next.proposal = Some(Proposal { run, at: fault.last_seen, declined_by: None });
            // What was wrong stays its evidence; the comparison that agrees is the event's.
            next.fault.life = fault.life.clone();
            effects.push(Effect::Notify);
        }
        Event::ResolutionConfirmed { .. } => {
            next.state = State::Resolved;
            next.restored_at = next.proposal.as_ref().map(|proposal| proposal.at);
            next.resolved_at = Some(now);
            effects.push(Effect::Notify);
        }
        Event::ResolutionDeclined { .. } => {
            next.state = worked_on(&next);
            if let Some(proposal) = &mut next.proposal {
                proposal.declined_by = Some(actor.0.clone());
            }
            effects.push(Effect::Notify);
        }
    }
    if event.is_news() && !effects.contains(&Effect::Notify) {
        effects.push(Effect::Notify);
    }
    Ok(Applied { ticket: next, effects })
}

/// The state of work that goes on.
const fn worked_on(ticket: &Ticket) -> State {
    if ticket.owner.is_some() { State::InProgress } else { State::Classified }
}

/// Takes over what the diagnosis now says. What a person corrected stays corrected: there the
/// ticket says something else than the diagnosis that it had.
fn take(ticket: &mut Ticket, fault: &Fault) {
    let corrected = ticket.verdict.is_some()
        && (ticket.cause != ticket.fault.cause
            || ticket.segment != ticket.fault.segment
            || ticket.side != ticket.fault.side);
    if !corrected {
        ticket.class = fault.class;
        ticket.cause = fault.cause;
        fault.segment.clone_into(&mut ticket.segment);
        ticket.side = fault.side;
    }
    ticket.severity = ticket.severity.max(fault.severity);
    ticket.fault = fault.clone();
}

fn guards(ticket: &Ticket, event: &Event) -> Vec<Message> {
    let mut unmet = Vec::new();
    let mut require = |met: bool, message: Message| {
        if !met {
            unmet.push(message);
        }
    };
    let state = ticket.state;
    let is_bill = ticket.fault.class == Class::A;
    let in_state = |name: &str| Message::new(name).with("state", format!("state.{}", state.name()));
    match event {
        Event::Opened { .. } => require(false, Message::new("guard.opened_once")),
        Event::Enriched { .. } | Event::Rekeyed { .. } | Event::Acknowledged => {
            require(state.is_open(), in_state("guard.not_open"));
        }
        Event::RemeasureRequested => {
            require(state.is_open(), in_state("guard.not_open"));
            // A bill is compared again by a reconciliation, not by a probe.
            require(!is_bill, Message::new("guard.bill_is_not_measured"));
        }
        Event::Noted { text, .. } => {
            require(!text.trim().is_empty(), Message::new("guard.note_empty"));
            require(
                text.chars().count() <= LONGEST_NOTE,
                Message::new("guard.note_too_long").with("most", LONGEST_NOTE),
            );
        }
        // A verdict is worth having after the repair too, until the ticket is closed.
        Event::DiagnosisConfirmed { .. } => require(!state.is_final(), in_state("guard.final")),
        Event::DiagnosisCorrected { class, side, .. } => {
            require(!state.is_final(), in_state("guard.final"));
            require(side.fits(*class), Message::new("guard.side_of_another_class"));
            // Its key and evidence are those of a bill, or of the network: another ticket's matter.
            require((*class == Class::A) == is_bill, Message::new("guard.bill_stays_bill"));
        }
        Event::Approved => {
            require(!state.is_final(), in_state("guard.final"));
            require(ticket.candidate, Message::new("guard.not_a_candidate"));
        }
        Event::Cancelled { reason } => {
            require(state.is_open(), in_state("guard.not_open"));
            require(!reason.trim().is_empty(), Message::new("guard.reason_missing"));
        }
        Event::VerificationStarted { .. } => {
            require(state.is_open() && state != State::Verifying, in_state("guard.not_open"));
            require(!is_bill, Message::new("guard.not_compared"));
        }
        Event::VerificationFailed { .. } => {
            require(state == State::Verifying, in_state("guard.not_verifying"));
        }
        Event::Resolved { .. } => {
            require(state == State::Verifying, in_state("guard.not_verifying"));
            require(!is_bill, Message::new("guard.person_settles"));
        }
        Event::ResolutionProposed { fault } => {
            require(is_bill, Message::new("guard.no_bill"));
            require(state.is_open(), in_state("guard.not_open"));
            let is_whole = fault.billing.as_ref().is_some_and(|billing| billing.is_compared_whole());
            require(is_whole, Message::new("guard.not_compared"));
        }
        Event::ResolutionConfirmed { .. } => {
            require(is_bill, Message::new("guard.no_bill"));
            require(ticket.awaits_settlement(), Message::new("guard.nothing_proposed"));
        }
        Event::ResolutionDeclined { reason } => {
            require(is_bill, Message::new("guard.no_bill"));
            require(ticket.awaits_settlement(), Message::new("guard.nothing_proposed"));
            require(!reason.trim().is_empty(), Message::new("guard.reason_missing"));
        }
        Event::Settled => require(state == State::Resolved, in_state("guard.not_resolved")),
        Event::Reopened { .. } => require(
            matches!(state, State::Resolved | State::AwaitingConfirmation | State::Settled),
            in_state("guard.not_reopenable"),
        ),
        Event::Closed => require(state == State::Settled, in_state("guard.not_settled")),
    }
    unmet
}
