//! The ticket engine by itself: no event leads out of the table of states, and what is out of
//! place is refused with its guard.

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::{Cause, Class, Side};
use linesman::ticket::{Actor, Event, State, Ticket, TicketId, TicketNumber, Visibility, apply, open};
use proptest::prelude::*;

use super::plan::{fault, raised};

fn new_ticket(candidate: bool) -> Ticket {
    let number = TicketNumber { year: 2026, count: 1 };
    let fault = raised(fault("link/link-1"), at(0));
    open(TicketId("1".to_owned()), number, fault, candidate, None, at(0)).0.ticket
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn every_event() -> Vec<Event> {
    let fault = || Box::new(raised(fault("link/link-1"), at(0)));
    vec![
        Event::Opened { fault: fault(), candidate: false, follows: None },
        Event::Enriched { fault: fault() },
        Event::Rekeyed { from: "link/link-1".to_owned(), fault: fault() },
        Event::Acknowledged,
        Event::Noted { text: "seen".to_owned(), visibility: Visibility::Internal },
        Event::Noted { text: " ".to_owned(), visibility: Visibility::Internal },
        Event::DiagnosisConfirmed { note: None },
        Event::DiagnosisCorrected {
            cause: Cause::GatewayDown,
            class: Class::C,
            segment: "gateway-1".to_owned(),
            side: Side::Customer,
            note: None,
        },
        Event::RemeasureRequested,
        Event::Approved,
        Event::Cancelled { reason: "no fault".to_owned() },
        Event::Cancelled { reason: String::new() },
        Event::VerificationStarted { since: at(0) },
        Event::VerificationFailed { fault: fault() },
        Event::Resolved { fault: fault(), restored_at: at(0) },
        Event::Settled,
        Event::Reopened { fault: fault() },
        Event::Closed,
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_events_leaves_the_table_of_states(
        candidate: bool,
        events in prop::collection::vec((0..18_usize, -100..100_i64), 0..60),
    ) {
        let all = every_event();
        let mut ticket = new_ticket(candidate);
        for (place, seconds) in events {
            let before = ticket.clone();
            match apply(&ticket, &all[place], &Actor("noc".to_owned()), at(seconds)) {
                Ok(applied) => {
                    ticket = applied.ticket;
                    prop_assert!(before.state.may_become(ticket.state), "{before:?} to {ticket:?}");
                    prop_assert_eq!(ticket.version, before.version + 1);
                    prop_assert!(ticket.updated_at >= before.updated_at);
                    prop_assert_eq!(&ticket.id, &before.id);
                    prop_assert!(ticket.reopen_count >= before.reopen_count);
                    prop_assert_eq!(ticket.resolved_at.is_some(), matches!(
                        ticket.state, State::Resolved | State::Settled | State::Closed
                    ));
                }
                Err(refusal) => {
                    prop_assert!(!refusal.unmet.is_empty());
                    prop_assert!(!refusal.to_string().contains("guard."), "{refusal}");
                }
            }
        }
    }
}

#[test]
fn every_event_out_of_place_is_refused_by_its_guard() {
    use State::{Cancelled, Classified, Closed, InProgress, Reopened, Resolved, Settled, Verifying};
    let open = [Classified, InProgress, Verifying, Reopened];
    let ended = [Resolved, Settled];
    let final_ = [Closed, Cancelled];
    // What each event needs, and the guard that says so.
    let allowed: [(&str, &[State], &str); 12] = [
        ("enriched", &open, "guard.not_open"),
        ("rekeyed", &open, "guard.not_open"),
        ("acknowledged", &open, "guard.not_open"),
        ("remeasure_requested", &open, "guard.not_open"),
        ("verification_started", &[Classified, InProgress, Reopened], "guard.not_open"),
        ("verification_failed", &[Verifying], "guard.not_verifying"),
        ("resolved", &[Verifying], "guard.not_verifying"),
        ("settled", &[Resolved], "guard.not_resolved"),
        ("reopened", &ended, "guard.not_reopenable"),
        ("closed", &[Settled], "guard.not_settled"),
        ("opened", &[], "guard.opened_once"),
        ("approved", &[Classified, InProgress, Verifying, Reopened, Resolved, Settled], "guard.final"),
    ];
    for state in open.into_iter().chain(ended).chain(final_) {
        let ticket = Ticket { state, candidate: true, ..new_ticket(true) };
        for event in every_event() {
            let Some((name, states, guard)) = allowed.iter().find(|(name, ..)| *name == event.name()) else {
                continue;
            };
            match apply(&ticket, &event, &Actor::linesman(), at(1)) {
                Ok(_) => assert!(states.contains(&state), "{name} happened to a ticket {state:?}"),
                Err(refusal) => {
                    assert!(!states.contains(&state), "{name} refused in {state:?}: {refusal}");
                    assert_eq!(refusal.unmet[0].key, *guard, "{name} in {state:?}");
                }
            }
        }
    }
}

#[test]
fn a_cancelled_candidate_cannot_be_approved_afterwards() {
    let cancel = Event::Cancelled { reason: "no fault".to_owned() };
    let ticket =
        apply(&new_ticket(true), &cancel, &Actor("noc".to_owned()), at(1)).expect("withdrawn").ticket;
    assert!(apply(&ticket, &Event::Approved, &Actor("noc".to_owned()), at(2)).is_err());
}
