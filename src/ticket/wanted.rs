//! Decide what should exist, then make it so.
//!
//! [`plan`] compares the faults of a diagnosis with the tickets there are and says what has to
//! happen. It is idempotent: planned again after its actions were done, it plans nothing.

use chrono::{DateTime, TimeDelta, Utc};

use crate::diagnosis::{Fault, FaultState};
use crate::settings::TicketSettings;

use super::{Event, State, Ticket, TicketId};

/// One thing to do, to be done by the store's writer.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Open a ticket for this fault, unless one is open for its key by then.
    Open {
        /// The fault.
        fault: Box<Fault>,
        /// Low confidence: a person has to approve.
        candidate: bool,
        /// The closed ticket of the same root cause.
        follows: Option<TicketId>,
    },
    /// Let this happen to a ticket, provided it still has this version.
    Apply {
        /// Which.
        ticket: TicketId,
        /// As planned upon.
        version: i64,
        /// What.
        event: Box<Event>,
    },
}

/// What has to happen so that tickets fit the faults.
///
/// `tickets` are all that are not final, and the newest final one of each key of `faults`.
#[must_use]
pub fn plan(
    faults: &[Fault],
    tickets: &[Ticket],
    settings: &TicketSettings,
    now: DateTime<Utc>,
) -> Vec<Action> {
    let mut actions: Vec<Action> =
        faults.iter().filter_map(|fault| for_fault(fault, tickets, settings, now)).collect();
    actions.extend(tickets.iter().filter_map(|ticket| of_itself(ticket, faults, settings, now)));
    actions
}

/// The ticket that stands for a fault: an open one first, else one whose reopen window runs.
fn standing<'a>(fault: &Fault, tickets: &'a [Ticket]) -> Option<&'a Ticket> {
    let mut own: Vec<&Ticket> = tickets
        .iter()
        .filter(|ticket| !ticket.state.is_final())
        .filter(|ticket| {
            ticket.answers_to(&fault.key) || fault.aliases.iter().any(|alias| ticket.answers_to(alias))
        })
        .collect();
    own.sort_by_key(|ticket| (!ticket.state.is_open(), std::cmp::Reverse(ticket.registered_at)));
    own.first().copied()
}

fn for_fault(
    fault: &Fault,
    tickets: &[Ticket],
    settings: &TicketSettings,
    now: DateTime<Utc>,
) -> Option<Action> {
    let settle = TimeDelta::from_std(settings.settle).unwrap_or(TimeDelta::MAX);
    let ticket = standing(fault, tickets);
    let apply = |ticket: &Ticket, event: Event| {
        Some(Action::Apply { ticket: ticket.id.clone(), version: ticket.version, event: Box::new(event) })
    };
    match (&fault.life, ticket) {
        (FaultState::Suspected { .. }, _) => None,
        (FaultState::Raised { .. }, None) => {
            if now - fault.began < settle {
                return None;
            }
            if dismissed(fault, tickets) {
                return None;
            }
            let follows = tickets
                .iter()
                .filter(|ticket| ticket.state == State::Closed && ticket.answers_to(&fault.key))
                .max_by_key(|ticket| ticket.registered_at)
                .map(|ticket| ticket.id.clone());
            let candidate = fault.confidence < settings.candidate_below;
            Some(Action::Open { fault: Box::new(fault.clone()), candidate, follows })
        }
        (FaultState::Raised { .. }, Some(ticket)) => {
            let fault_box = Box::new(fault.clone());
            match ticket.state {
                State::Verifying => apply(ticket, Event::VerificationFailed { fault: fault_box }),
                state if !state.is_open() => apply(ticket, Event::Reopened { fault: fault_box }),
                _ if ticket.key != fault.key => {
                    apply(ticket, Event::Rekeyed { from: ticket.key.clone(), fault: fault_box })
                }
                _ if worth_enriching(&ticket.fault, fault) => {
                    apply(ticket, Event::Enriched { fault: fault_box })
                }
                _ => None,
            }
        }
        (FaultState::Clearing { since, .. }, Some(ticket)) => {
            if ticket.state.is_open() && ticket.state != State::Verifying {
                return apply(ticket, Event::VerificationStarted { since: *since });
            }
            None
        }
        (FaultState::Cleared { since, .. }, Some(ticket)) => match ticket.state {
            State::Verifying => {
                apply(ticket, Event::Resolved { fault: Box::new(fault.clone()), restored_at: *since })
            }
            state if state.is_open() => apply(ticket, Event::VerificationStarted { since: *since }),
            _ => None,
        },
        (FaultState::Clearing { .. } | FaultState::Cleared { .. }, None) => None,
    }
}

/// Whether a person has withdrawn the ticket of this very episode: it is not opened again.
fn dismissed(fault: &Fault, tickets: &[Ticket]) -> bool {
    tickets
        .iter()
        .filter(|ticket| matches!(ticket.state, State::Cancelled | State::Rejected))
        .any(|ticket| ticket.answers_to(&fault.key) && ticket.detected_at == fault.began)
}

/// What happens to a ticket without its fault: settled after resolve, closed after its window.
fn of_itself(
    ticket: &Ticket,
    faults: &[Fault],
    settings: &TicketSettings,
    now: DateTime<Utc>,
) -> Option<Action> {
    let apply = |event: Event| {
        Some(Action::Apply { ticket: ticket.id.clone(), version: ticket.version, event: Box::new(event) })
    };
    let back = faults
        .iter()
        .any(|fault| matches!(fault.life, FaultState::Raised { .. }) && ticket.answers_to(&fault.key));
    if back {
        return None;
    }
    match ticket.state {
        State::Resolved => apply(Event::Settled),
        State::Settled => {
            let window = TimeDelta::from_std(settings.reopen_window).unwrap_or(TimeDelta::MAX);
            let resolved_at = ticket.resolved_at.unwrap_or(ticket.updated_at);
            if now - resolved_at < window { None } else { apply(Event::Closed) }
        }
        _ => None,
    }
}

/// Whether the diagnosis says something that people should read; values that merely waver are
/// seen in the measurements, not in the ticket's history.
fn worth_enriching(known: &Fault, seen: &Fault) -> bool {
    known.cause != seen.cause
        || known.segment != seen.segment
        || known.side != seen.side
        || seen.severity > known.severity
        || seen.affected_customers.len() > known.affected_customers.len()
        || seen.affected_elements.iter().any(|element| !known.affected_elements.contains(element))
        || (seen.confidence - known.confidence).abs() >= 0.1
        || (seen.loss_ratio.unwrap_or(0.0) - known.loss_ratio.unwrap_or(0.0)).abs() >= 0.25
}
