//! What measurement and bills do to a ticket, what people say of a diagnosis, and the ends of its life.

use linesman_deadlines::promise::PromiseEvent;

use crate::diagnosis::Class;
use crate::locale::Message;
use crate::ticket::apply::LONGEST_NOTE;
use crate::ticket::event::Event;
use crate::ticket::{State, Ticket};

use super::Around;

pub(super) fn unmet(ticket: &Ticket, event: &Event, around: &Around) -> Vec<Message> {
    let mut unmet = Vec::new();
    let mut require = |met: bool, message: Message| {
        if !met {
            unmet.push(message);
        }
    };
    let by_people = |name: &str, rule: &str| Message::new(&format!("guard.{name}")).with("rule", rule);
    let state = ticket.state;
    let is_bill = ticket.is_bill();
    let in_state = |name: &str, rule: &str| {
        Message::new(name).with("state", format!("state.{}", state.name())).with("rule", rule)
    };
    match event {
        Event::Opened { .. } => require(false, by_people("opened_once", "R29")),
        Event::Enriched { .. } | Event::Rekeyed { .. } => {
            require(state.is_open(), in_state("guard.not_open", "R29"));
        }
        Event::Acknowledged => {
            require(state.is_open(), in_state("guard.not_open", "R51"));
            require(!ticket.is_reported(), by_people("people_assign", "R51"));
        }
        Event::RemeasureRequested => {
            require(state.is_open(), in_state("guard.not_open", "R60"));
            // A bill is compared again by a reconciliation, not by a probe.
            require(!is_bill, by_people("bill_is_not_measured", "R60"));
            require(ticket.fault.is_some() || is_bill, by_people("nothing_to_measure", "R60"));
        }
        Event::Noted { text, .. } => {
            require(!text.trim().is_empty(), by_people("note_empty", "R23"));
            require(
                text.chars().count() <= LONGEST_NOTE,
                by_people("note_too_long", "R23").with("most", LONGEST_NOTE),
            );
        }
        // A verdict is worth having after the repair too, until the ticket is closed.
        Event::DiagnosisConfirmed { .. } => {
            require(!state.is_final(), in_state("guard.final", "R24"));
            require(ticket.class.is_some(), by_people("not_classified", "R48"));
        }
        Event::DiagnosisCorrected { class, side, .. } => {
            require(!state.is_final(), in_state("guard.final", "R24"));
            require(side.fits(*class), by_people("side_of_another_class", "R24"));
            // Its key and evidence are those of a bill, or of the network: another ticket's matter.
            let stays = ticket.fault.is_none() || (*class == Class::A) == is_bill;
            require(stays, by_people("bill_stays_bill", "R24"));
        }
        Event::Approved => {
            require(!state.is_final(), in_state("guard.final", "R24"));
            require(ticket.candidate, by_people("not_a_candidate", "R24"));
        }
        Event::Cancelled { reason } => {
            require(state.is_open(), in_state("guard.not_open", "R33"));
            require(!reason.trim().is_empty(), by_people("reason_missing", "R33"));
            require(promises_are_told(ticket), by_people("promise_would_be_lost", "R86"));
            let waits = crate::ticket::route::pending(ticket);
            require(waits.is_empty(), by_people("route_waits", "R63").with("routes", waits.join(", ")));
        }
        Event::VerificationStarted { .. } => {
            require(state.is_open() && state != State::Verifying, in_state("guard.not_open", "R61"));
            require(!is_bill, by_people("not_compared", "R61"));
        }
        Event::VerificationFailed { .. } => {
            require(state == State::Verifying, in_state("guard.not_verifying", "R61"));
        }
        Event::Resolved { .. } => {
            require(state == State::Verifying, in_state("guard.not_verifying", "R61"));
            require(!ticket.flapping.is_on(), by_people("flapping", "R61"));
            require(!is_bill, by_people("person_settles", "R61"));
        }
        Event::ResolutionProposed { fault } => {
            require(is_bill, by_people("no_bill", "R58"));
            require(state.is_open(), in_state("guard.not_open", "R58"));
            let is_whole = fault.billing.as_ref().is_some_and(|billing| billing.is_compared_whole());
            require(is_whole, by_people("not_compared", "R58"));
        }
        Event::ResolutionConfirmed { .. } => {
            require(is_bill, by_people("no_bill", "R58"));
            require(ticket.awaits_settlement(), by_people("nothing_proposed", "R58"));
        }
        Event::ResolutionDeclined { reason } => {
            require(is_bill, by_people("no_bill", "R58"));
            require(ticket.awaits_settlement(), by_people("nothing_proposed", "R58"));
            require(!reason.trim().is_empty(), by_people("reason_missing", "R58"));
        }
        Event::Settled => {
            require(state == State::Resolved, in_state("guard.not_resolved", "R77"));
            require(!ticket.is_reported(), by_people("customer_confirms", "R77"));
        }
        Event::Reopened { .. } => require(
            matches!(state, State::Resolved | State::AwaitingConfirmation | State::Settled),
            in_state("guard.not_reopenable", "R104"),
        ),
        Event::Closed => {
            require(state == State::Settled, in_state("guard.not_settled", "R107"));
            require(around.open_children == 0, by_people("children_are_open", "R107"));
        }
        Event::FlappingStarted { .. } => {
            require(!state.is_final(), in_state("guard.final", "R61"));
            require(!ticket.flapping.is_on(), by_people("flapping_already", "R61"));
        }
        Event::FlappingEnded { .. } => {
            require(ticket.flapping.is_on(), by_people("not_flapping", "R61"));
        }
        // Guarded by the other rooms.
        Event::Deed(_) => {}
    }
    unmet
}

/// No promise is lost with its ticket: the customer was spoken to after the last one was made (R86).
pub(super) fn promises_are_told(ticket: &Ticket) -> bool {
    let made = ticket.process.promises.iter().filter_map(|event| match event {
        PromiseEvent::Made { promise } => Some(promise.made_at),
        _ => None,
    });
    let Some(last) = made.max() else { return true };
    ticket.process.contacts.iter().any(|contact| contact.told() && contact.at >= last)
}
