//! What must hold after every step, whatever the script does.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::FaultState;
use linesman::live::Live;
use linesman::ticket::{Event, State, Ticket, TicketId, apply, open};
use linesman::workers::Book;

/// How long the loops may take to act, in simulated seconds.
const SLACK: i64 = 5;

#[derive(Default)]
pub struct Watch {
    /// Every ticket as its events alone make it.
    replayed: BTreeMap<TicketId, Ticket>,
    read: usize,
    away: bool,
    excused_until: u64,
}

impl Watch {
    pub fn away(&mut self, away: bool, second: u64) {
        self.away = away;
        self.excused_until = second + 10;
    }

    pub fn stepped(&mut self, second: u64) {
        self.excused_until = second + 60;
    }

    pub fn look(&mut self, second: u64, book: &Book, live: &Live, settle: Duration, now: DateTime<Utc>) {
        if book.event_count() != self.read {
            assert_eq!(book.first_broken_link(), None, "the chain verifies; second {second}");
            self.replay(book);
        }
        let tickets = book.tickets();
        for ticket in &tickets {
            let others = tickets.iter().filter(|other| other.id != ticket.id && other.state.is_open());
            if ticket.state.is_open() {
                let twins: Vec<_> = others.filter(|other| other.key == ticket.key).collect();
                assert!(twins.is_empty(), "two open tickets for {}; second {second}", ticket.key);
            }
        }
        if self.away || second < self.excused_until {
            return;
        }
        let Some((_, diagnosis)) = live.diagnosis() else { return };
        let settle = TimeDelta::from_std(settle).expect("small") + TimeDelta::seconds(SLACK);
        for fault in &diagnosis.faults {
            let FaultState::Raised { at } = fault.life else { continue };
            let due = fault.began + settle < now && at + TimeDelta::seconds(SLACK) < now;
            let withdrawn = tickets.iter().any(|t| t.state == State::Cancelled && t.answers_to(&fault.key));
            let open = tickets.iter().filter(|t| t.state.is_open() && t.answers_to(&fault.key)).count();
            if due && !withdrawn {
                assert_eq!(open, 1, "one open ticket for {}; second {second}", fault.key);
            }
        }
    }

    /// Each ticket is what its events make it: one entry a change, by the engine's own rules, in
    /// states that may follow each other, at times that never decrease.
    fn replay(&mut self, book: &Book) {
        let (tickets, events) = (book.tickets(), book.events());
        for recorded in &events[self.read..] {
            if let Event::Opened { fault, candidate, follows } = &recorded.event {
                let number = tickets.iter().find(|t| t.id == recorded.ticket).expect("its ticket").number;
                let (id, fault) = (recorded.ticket.clone(), fault.as_ref().clone());
                let opened = open(id, number, fault, *candidate, follows.clone(), recorded.at).0.ticket;
                let before = self.replayed.insert(recorded.ticket.clone(), opened);
                assert!(before.is_none(), "opened once");
                continue;
            }
            let known = &self.replayed[&recorded.ticket];
            assert!(recorded.at >= known.updated_at, "times never decrease: {recorded:?}");
            let next = apply(known, &recorded.event, &recorded.actor, recorded.at).expect("no guard refuses");
            let next = next.ticket;
            assert!(known.state.may_become(next.state), "{:?} to {:?}", known.state, next.state);
            assert_eq!(next.version, known.version + 1);
            self.replayed.insert(recorded.ticket.clone(), next);
        }
        self.read = events.len();
        for ticket in &tickets {
            assert_eq!(self.replayed.get(&ticket.id), Some(ticket), "a ticket is what its events make it");
        }
    }
}
