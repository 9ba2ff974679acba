//! Decide what should exist, then make it so.
//!
//! [`plan`] compares the faults of a diagnosis with the tickets there are and says what has to
//! happen. It is idempotent: planned again after its actions were done, it plans nothing.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::diagnosis::{Class, Fault, FaultState};
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
    let pairs = pair(faults, tickets, settings, now);
    let mut actions: Vec<Action> = pairs
        .iter()
        .filter_map(|(fault, standing)| for_fault(fault, *standing, tickets, settings, now))
        .collect();
    for action in &mut actions {
        if let Action::Open { fault, .. } = action {
            // A former key that is told of elsewhere is no longer its own.
            fault.aliases.retain(|alias| {
                !pairs.iter().any(|(other, _)| other.key == *alias)
                    && !tickets.iter().any(|ticket| ticket.state.is_open() && ticket.answers_to(alias))
            });
        }
    }
    let held = |ticket: &Ticket| {
        pairs.iter().any(|(fault, standing)| {
            matches!(fault.life, FaultState::Raised { .. })
                && standing.is_some_and(|standing| standing.id == ticket.id)
        })
    };
    actions.extend(
        tickets.iter().filter(|ticket| !held(ticket)).filter_map(|ticket| of_itself(ticket, settings, now)),
    );
    let busy: HashSet<TicketId> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Apply { ticket, .. } => Some(ticket.clone()),
            Action::Open { .. } => None,
        })
        .collect();
    actions.extend(
        tickets.iter().filter(|ticket| !busy.contains(&ticket.id)).filter_map(|ticket| flaps(ticket, now)),
    );
    actions
}

/// Whether a ticket's fault begins or ends to come and go (tickets.md 5.3). A bill neither settles nor flaps.
fn flaps(ticket: &Ticket, now: DateTime<Utc>) -> Option<Action> {
    if ticket.state.is_final() || ticket.is_bill() {
        return None;
    }
    let event = match ticket.flapping.begins(now) {
        Some(turns) => Event::FlappingStarted { turns },
        None if ticket.flapping.ends(now) => {
            let bad_percent = ticket.flapping.bad_percent(now);
            Event::FlappingEnded { turns: ticket.flapping.count, bad_percent }
        }
        None => return None,
    };
    Some(Action::Apply { ticket: ticket.id.clone(), version: ticket.version, event: Box::new(event) })
}

/// The ticket that stands for this fault, once tickets fit it; `None` while something has to happen.
#[must_use]
pub fn met<'a>(
    fault: &Fault,
    tickets: &'a [Ticket],
    settings: &TicketSettings,
    now: DateTime<Utc>,
) -> Option<Option<&'a Ticket>> {
    let faults = std::slice::from_ref(fault);
    let Some((fault, standing)) = pair(faults, tickets, settings, now).pop() else { return Some(None) };
    match for_fault(fault, standing, tickets, settings, now) {
        Some(_) => None,
        None => Some(standing),
    }
}

/// Every fault that may want something, with the ticket that stands for it: one fault a ticket,
/// or two faults would pull one ticket to and fro.
fn pair<'f, 'a>(
    faults: &'f [Fault],
    tickets: &'a [Ticket],
    settings: &TicketSettings,
    now: DateTime<Utc>,
) -> Vec<(&'f Fault, Option<&'a Ticket>)> {
    let mut wanting: Vec<&Fault> = faults.iter().filter(|fault| liveliness(fault) > 0).collect();
    // An older end of a root cause that is back says nothing any more.
    wanting.sort_by_key(|fault| (std::cmp::Reverse(liveliness(fault)), fault.key.as_str()));
    let mut known = BTreeSet::new();
    wanting.retain(|fault| known.insert(fault.key.as_str()));
    let mut taken: BTreeSet<&TicketId> = BTreeSet::new();
    let keys = known;
    // To wake a ticket is to claim its key, which another fault or ticket may have by now.
    let may_wake = |ticket: &Ticket, fault: &Fault| {
        let others = |other: &&Ticket| other.state.is_open() && other.id != ticket.id;
        ticket.key == fault.key
            || (!keys.contains(ticket.key.as_str())
                && !tickets.iter().filter(others).any(|other| other.answers_to(&ticket.key)))
    };
    let mut exact: Vec<Option<&Ticket>> = Vec::with_capacity(wanting.len());
    // A ticket belongs to the fault whose key it bears before any that it was once about.
    for fault in &wanting {
        let ticket = standing(tickets, settings, now, |ticket| ticket.key == fault.key);
        taken.extend(ticket.map(|ticket| &ticket.id));
        exact.push(ticket);
    }
    wanting
        .into_iter()
        .zip(exact)
        .map(|(fault, exact)| {
            if exact.is_some_and(|ticket| ticket.state.is_open()) {
                return (fault, exact);
            }
            let raised = matches!(fault.life, FaultState::Raised { .. });
            let formerly = standing(tickets, settings, now, |ticket| {
                !taken.contains(&ticket.id)
                    && (ticket.state.is_open() || may_wake(ticket, fault))
                    && (fault.aliases.contains(&ticket.key)
                        // The end of what a ticket was once about is not its end.
                        || (raised
                            && (ticket.answers_to(&fault.key)
                                || fault.aliases.iter().any(|alias| ticket.answers_to(alias)))))
            });
            let stands = match (exact, formerly) {
                (Some(_), Some(open)) if open.state.is_open() => formerly,
                (None, _) => formerly,
                (Some(_), _) => exact,
            };
            taken.extend(stands.map(|ticket| &ticket.id));
            (fault, stands)
        })
        .collect()
}

/// What is present goes before what is being verified, and that before what is over.
const fn liveliness(fault: &Fault) -> u8 {
    match fault.life {
        FaultState::Suspected { .. } => 0,
        FaultState::Cleared { .. } => 1,
        FaultState::Clearing { .. } => 2,
        FaultState::Raised { .. } => 3,
    }
}

/// Of the tickets that fit, an open one first, else the newest whose reopen window runs.
fn standing<'a>(
    tickets: &'a [Ticket],
    settings: &TicketSettings,
    now: DateTime<Utc>,
    fits: impl Fn(&Ticket) -> bool,
) -> Option<&'a Ticket> {
    tickets
        .iter()
        .filter(|ticket| !ticket.state.is_final() && !is_window_over(ticket, settings, now))
        .filter(|ticket| fits(ticket))
        .min_by_key(|ticket| (!ticket.state.is_open(), std::cmp::Reverse(ticket.registered_at)))
}

/// Whether a ticket was resolved so long ago that its root cause comes back as another ticket.
fn is_window_over(ticket: &Ticket, settings: &TicketSettings, now: DateTime<Utc>) -> bool {
    let window = TimeDelta::from_std(settings.reopen_window).unwrap_or(TimeDelta::MAX);
    let resolved_at = ticket.resolved_at.unwrap_or(ticket.updated_at);
    matches!(ticket.state, State::Resolved | State::Settled) && now - resolved_at >= window
}

fn for_fault(
    fault: &Fault,
    standing: Option<&Ticket>,
    tickets: &[Ticket],
    settings: &TicketSettings,
    now: DateTime<Utc>,
) -> Option<Action> {
    let settle = TimeDelta::from_std(settings.settle).unwrap_or(TimeDelta::MAX);
    let apply = |ticket: &Ticket, event: Event| {
        Some(Action::Apply { ticket: ticket.id.clone(), version: ticket.version, event: Box::new(event) })
    };
    // A bill is compared once and differs, or does not: it neither settles nor flaps.
    let is_bill = fault.class == Class::A;
    match (&fault.life, standing) {
        (FaultState::Suspected { .. }, _) => None,
        (FaultState::Raised { .. }, None) => {
            let lasted = is_bill || now - fault.began >= settle;
            if !lasted || dismissed(fault, tickets) || is_told_of(fault, None, tickets) {
                return None;
            }
            let follows = tickets
                .iter()
                .filter(|ticket| ticket.answers_to(&fault.key))
                .filter(|ticket| ticket.state == State::Closed || is_window_over(ticket, settings, now))
                .max_by_key(|ticket| ticket.registered_at)
                .map(|ticket| ticket.id.clone());
            // Money that differs is a fact, however little of it is explained.
            let candidate = !is_bill && fault.confidence < settings.candidate_below;
            Some(Action::Open { fault: Box::new(fault.clone()), candidate, follows })
        }
        (FaultState::Raised { .. }, Some(ticket)) => {
            let fault_box = Box::new(fault.clone());
            match ticket.state {
                State::Verifying => apply(ticket, Event::VerificationFailed { fault: fault_box }),
                state if !state.is_open() => {
                    // What did not last is no ticket, and no reason to wake an old one either.
                    if (!is_bill && now - fault.began < settle)
                        || is_told_of(fault, Some(&ticket.id), tickets)
                    {
                        return None;
                    }
                    apply(ticket, Event::Reopened { fault: fault_box })
                }
                _ if ticket.key != fault.key && !is_told_of(fault, Some(&ticket.id), tickets) => {
                    apply(ticket, Event::Rekeyed { from: ticket.key.clone(), fault: fault_box })
                }
                _ if ticket.fault.as_ref().is_none_or(|known| worth_enriching(known, fault)) => {
                    apply(ticket, Event::Enriched { fault: fault_box })
                }
                _ => None,
            }
        }
        (FaultState::Clearing { .. } | FaultState::Cleared { .. }, Some(ticket)) if is_bill => {
            let whole = fault.billing.as_ref().filter(|billing| billing.is_compared_whole())?;
            let is_proposed = ticket
                .proposal
                .as_ref()
                .is_some_and(|known| known.run == whole.run && known.at == fault.last_seen);
            if !ticket.state.is_open() || is_proposed {
                return None;
            }
            apply(ticket, Event::ResolutionProposed { fault: Box::new(fault.clone()) })
        }
        (FaultState::Clearing { since, .. }, Some(ticket)) => {
            if ticket.state.is_open() && ticket.state != State::Verifying {
                return apply(ticket, Event::VerificationStarted { since: *since });
            }
            None
        }
        (FaultState::Cleared { since, .. }, Some(ticket)) => match ticket.state {
            // What comes and goes is not over because it is good just now.
            State::Verifying if ticket.flapping.is_on() => None,
            State::Verifying => {
                apply(ticket, Event::Resolved { fault: Box::new(fault.clone()), restored_at: *since })
            }
            state if state.is_open() => apply(ticket, Event::VerificationStarted { since: *since }),
            _ => None,
        },
        (FaultState::Clearing { .. } | FaultState::Cleared { .. }, None) => None,
    }
}

/// Whether an open ticket that is now about another fault was once about this one: the old key
/// stays with it, and a second ticket waits until it is resolved.
fn is_told_of(fault: &Fault, besides: Option<&TicketId>, tickets: &[Ticket]) -> bool {
    tickets
        .iter()
        .filter(|ticket| ticket.state.is_open() && Some(&ticket.id) != besides)
        .any(|ticket| ticket.answers_to(&fault.key))
}

/// Whether a person has withdrawn the ticket of this very episode: it is not opened again. An
/// episode may turn out to have begun earlier than it seemed; a new one begins after the old was seen.
fn dismissed(fault: &Fault, tickets: &[Ticket]) -> bool {
    tickets
        .iter()
        .filter(|ticket| matches!(ticket.state, State::Cancelled | State::Rejected))
        // One that was merged is told of elsewhere, and not dismissed.
        .filter(|ticket| ticket.process.merged_into.is_none())
        .filter(|ticket| ticket.fault.as_ref().is_some_and(|known| fault.began <= known.last_seen))
        .any(|ticket| {
            ticket.answers_to(&fault.key) || fault.aliases.iter().any(|alias| ticket.answers_to(alias))
        })
}

/// What happens to a ticket without its fault: settled after resolve, closed after its window.
fn of_itself(ticket: &Ticket, settings: &TicketSettings, now: DateTime<Utc>) -> Option<Action> {
    let apply = |event: Event| {
        Some(Action::Apply { ticket: ticket.id.clone(), version: ticket.version, event: Box::new(event) })
    };
    match ticket.state {
        // Whoever reported it has to agree: people settle and the clocks' sweep closes.
        _ if ticket.is_reported() => None,
        State::Resolved => apply(Event::Settled),
        State::Settled if is_window_over(ticket, settings, now) => apply(Event::Closed),
        _ => None,
    }
}

/// Whether the diagnosis says something that people should read; values that merely waver are
/// seen in the measurements, not in the ticket's history.
fn worth_enriching(known: &Fault, seen: &Fault) -> bool {
    known.billing != seen.billing
        || known.cause != seen.cause
        || known.segment != seen.segment
        || known.side != seen.side
        || seen.severity > known.severity
        || seen.affected_customers.len() > known.affected_customers.len()
        || knows_more(&known.affected_elements, &seen.affected_elements)
        || spoils_more(known, seen)
        || (seen.confidence - known.confidence).abs() >= 0.1
        || (seen.loss_ratio.unwrap_or(0.0) - known.loss_ratio.unwrap_or(0.0)).abs() >= 0.25
}

/// Whether bad calls are heard where none were, or twice as many.
fn spoils_more(known: &Fault, seen: &Fault) -> bool {
    match (&known.voice, &seen.voice) {
        (Some(known), Some(seen)) => seen.bad_calls >= known.bad_calls.saturating_mul(2),
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// Whether a list names what another does not; both may hold ten thousand.
fn knows_more(known: &[String], seen: &[String]) -> bool {
    if known == seen {
        return false;
    }
    let known: HashSet<&String> = known.iter().collect();
    seen.iter().any(|name| !known.contains(name))
}
