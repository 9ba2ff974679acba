//! Result, confirmation, reopening, level, links (R54, R76, R77, R86, R97, R103, R104, R107, R108).

use std::collections::BTreeSet;

use crate::diagnosis::Class;
use crate::ticket::clocks;
use crate::ticket::process::{BY_LINK, Direction, Method, Rating, RecordKind};
use crate::ticket::{Deed, State, Ticket, TicketKind};

use super::automatic::promises_are_told;
use super::intake::{judges, level_fits};
use super::resolve::is_repaired;
use super::{Asked, Unmet};

/// So often an unanswered customer is tried, each time on another working day (R77).
pub const ATTEMPTS: usize = 3;

pub(super) fn check(asked: &Asked<'_>, deed: &Deed, unmet: &mut Unmet) {
    let Asked { ticket, around, .. } = asked;
    match deed {
        Deed::ResultReported { asked_to_test, .. } => {
            unmet.require_state(ticket, &[State::Resolved], "R76");
            unmet.require(*asked_to_test || !is_repaired(ticket), "R97", "not_asked_to_test");
        }
        Deed::ConfirmationRecorded { rating, method, reference, no_article_because } => {
            unmet.require_state(ticket, &[State::AwaitingConfirmation], "R77");
            unmet.require(*rating != Rating::Dissatisfied, "R104", "dissatisfied_reopens");
            is_proven(asked, *method, reference.as_deref(), unmet);
            solution_is_kept(ticket, no_article_because.as_deref(), unmet);
        }
        Deed::UnansweredRecorded { no_article_because } => {
            unmet.require_state(ticket, &[State::AwaitingConfirmation], "R77");
            unmet.require(attempts(ticket) >= ATTEMPTS, "R77", "too_few_attempts");
            solution_is_kept(ticket, no_article_because.as_deref(), unmet);
        }
        Deed::ReopenedByPerson { reason } => {
            let among = [State::Resolved, State::AwaitingConfirmation, State::Settled];
            unmet.require_state(ticket, &among, "R104");
            unmet.require_words(reason, "R104", "no_reason");
        }
        Deed::LevelChanged { level, reason, .. } => {
            unmet.require(!ticket.state.is_final(), "R54", "over_for_good");
            unmet.require(ticket.kind == TicketKind::Complaint, "R54", "level_of_a_complaint_only");
            unmet.require(ticket.process.level != Some(*level), "R54", "same_level");
            unmet.require_words(reason, "R54", "no_reason");
            if ticket.kind == TicketKind::Complaint {
                level_fits(ticket, Some(*level), unmet);
                judges(asked, unmet);
            }
        }
        Deed::Merged { into } => {
            unmet.require(ticket.state.is_open(), "R29", "not_open_any_more");
            unmet.require(*into != ticket.id && around.named_exists, "R29", "no_other_ticket");
            unmet.require(promises_are_told(ticket), "R86", "promise_would_be_lost");
            unmet.no_route_waits(ticket);
            unmet.require(!around.named_is_over, "R29", "merge_into_over");
            unmet.require(!around.named_is_below, "R29", "merge_circle");
            // A measured ticket's key goes with it, to one that measurements feed too.
            let alike = ticket.is_reported() || around.named_is_bill == Some(ticket.is_bill());
            unmet.require(alike || !around.named_exists, "R29", "merge_alike");
        }
        Deed::Absorbed { from, .. } => {
            unmet.require(!ticket.state.is_final(), "R29", "merge_into_over");
            unmet.require(*from != ticket.id, "R29", "no_other_ticket");
        }
        Deed::SplitOff { into } => {
            unmet.require(ticket.state.is_open(), "R29", "not_open_any_more");
            unmet.require(*into != ticket.id, "R29", "split_itself");
        }
        Deed::SplitFrom { from } => unmet.require(*from != ticket.id, "R29", "split_itself"),
        Deed::OutageDeclared { segment, .. } => {
            unmet.require(ticket.state.is_open(), "R107", "not_open_any_more");
            unmet.require_words(segment, "R60", "no_outage_segment");
        }
        Deed::CustomerTextSet { en, zh } => {
            unmet.require(!ticket.state.is_final(), "R99", "over_for_good");
            unmet.require_words(en, "R99", "no_customer_text");
            unmet.require_words(zh, "R99", "no_customer_text");
        }
        Deed::FaultOver { parent } => {
            unmet.require(ticket.state.is_open(), "R61", "not_open_any_more");
            unmet.require(ticket.process.parent.as_ref() == Some(parent), "R61", "no_other_ticket");
            unmet.require(ticket.process.fault_over.is_none(), "R61", "called_already");
        }
        Deed::Linked { parent } => {
            unmet.require(!ticket.state.is_final(), "R99", "over_for_good");
            let fits = parent.as_ref().is_none_or(|parent| *parent != ticket.id && around.named_exists);
            unmet.require(fits, "R99", "no_other_ticket");
        }
        _ => {}
    }
}

/// His word came by the link that he was sent, or what he signed or said is there or has a place (R90, R103).
fn is_proven(asked: &Asked<'_>, method: Method, reference: Option<&str>, unmet: &mut Unmet) {
    let Asked { ticket, actor, around, .. } = asked;
    if method == Method::Link {
        unmet.require(actor.0 == BY_LINK, "R103", "not_by_the_link");
        return;
    }
    let is_there = ticket.process.proofs_of(method).any(|known| around.files.contains(&known.file));
    let name = if method == Method::Signature { "no_signature" } else { "no_recorded_call" };
    match reference.filter(|_| !is_there) {
        Some(reference) => unmet.require_words(reference, "R103", name),
        None => unmet.require(is_there, "R103", name),
    }
}

/// Of B, C and D the solution is recorded for later use, or it is said why not (R108).
fn solution_is_kept(ticket: &Ticket, no_article_because: Option<&str>, unmet: &mut Unmet) {
    let is_asked = is_repaired(ticket) && matches!(ticket.class, Some(Class::B | Class::C | Class::D));
    let said = no_article_because.is_some_and(|why| !why.trim().is_empty());
    unmet.require(!is_asked || said || ticket.process.has(RecordKind::Knowledge), "R108", "no_article");
}

/// On how many working days the customer was tried and not reached since the result was reported.
fn attempts(ticket: &Ticket) -> usize {
    let since = ticket.process.state_since.unwrap_or(ticket.registered_at);
    let calendar = clocks::office();
    let days: BTreeSet<_> = ticket
        .process
        .contacts
        .iter()
        .filter(|contact| contact.at >= since && contact.direction == Direction::Outbound && !contact.reached)
        .filter_map(|contact| {
            let Some(calendar) = calendar else { return Some(contact.at.date_naive()) };
            let date = calendar.date(contact.at);
            (!calendar.day(date).windows.is_empty()).then_some(date)
        })
        .collect();
    days.len()
}
