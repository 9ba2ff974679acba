//! The plan by itself: whatever faults do, tickets follow them once and never twice.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock as _, ManualClock};
use linesman::diagnosis::{Cause, Class, Diagnosis, Fault, FaultState, PollerState, Severity, Side};
use linesman::inventory::ElementKind;
use linesman::locale::Message;
use linesman::settings::TicketSettings;
use linesman::ticket::wanted::{Action, plan};
use linesman::ticket::{Actor, Event, State, Ticket};
use linesman::workers::Book;
use linesman::workers::Keeper as _;
use proptest::prelude::*;

const KEYS: [&str; 3] = ["link/link-1", "trunk/trunk-1", "trunk/trunk-2"];

pub fn fault(key: &str) -> Fault {
    let now = DateTime::UNIX_EPOCH;
    Fault {
        key: key.to_owned(),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: segment_of(key),
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
        side: Side::Carrier,
        confidence: 0.9,
        severity: Severity::Major,
        life: FaultState::Suspected { looks: 1 },
        began: now,
        last_seen: now,
        loss_ratio: Some(1.0),
        affected_elements: Vec::new(),
        affected_customers: Vec::new(),
        targets: vec![format!("{key}/icmp")],
        steps: Vec::new(),
        headline: Message::new("headline.fibre"),
        reasons: Vec::new(),
        why_not: Vec::new(),
        hops: Vec::new(),
    }
}

fn segment_of(key: &str) -> String {
    key.split('/').next_back().unwrap_or_default().to_owned()
}

pub fn raised(fault: Fault, at: DateTime<Utc>) -> Fault {
    Fault { life: FaultState::Raised { at }, began: at, last_seen: at, ..fault }
}

/// Faults and the tickets that follow them.
struct Desk {
    clock: Arc<ManualClock>,
    book: Book,
    settings: TicketSettings,
    faults: Vec<Fault>,
    generation: i64,
}

impl Desk {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let book = Book::new(clock.clone(), None);
        let settings = TicketSettings::default();
        Self { clock, book, settings, faults: Vec::new(), generation: 0 }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now_utc()
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    fn plan(&self) -> Vec<Action> {
        let keys: Vec<String> = self
            .faults
            .iter()
            .flat_map(|fault| std::iter::once(&fault.key).chain(&fault.aliases))
            .cloned()
            .collect();
        let tickets = now_or_never(self.book.tickets_for_planning(&keys)).expect("there");
        plan(&self.faults, &tickets, &self.settings, self.now())
    }

    /// Plans and carries out until nothing is left to do.
    fn meet(&mut self) {
        for _ in 0..6 {
            let actions = self.plan();
            if actions.is_empty() {
                return;
            }
            self.generation += 1;
            now_or_never(self.book.carry_out(self.generation, actions)).expect("carried out");
        }
        let actions = self.plan();
        panic!("no end of planning: {actions:?}\n{:#?}", self.book.tickets());
    }

    fn open(&self) -> Vec<Ticket> {
        self.book.tickets().into_iter().filter(|ticket| ticket.state.is_open()).collect()
    }

    fn only(&self) -> Ticket {
        let mut tickets = self.book.tickets();
        assert_eq!(tickets.len(), 1, "{tickets:#?}");
        tickets.remove(0)
    }

    fn raise(&mut self, key: &str) {
        let now = self.now();
        match self.faults.iter_mut().find(|fault| fault.key == key && fault.is_open()) {
            Some(fault) => {
                fault.last_seen = now;
                fault.life = FaultState::Raised { at: fault.began };
            }
            None => {
                self.faults.retain(|fault| fault.key != key);
                self.faults.push(raised(fault(key), now));
            }
        }
    }

    fn fade(&mut self, key: &str) {
        let since = self.now();
        for fault in self.faults.iter_mut().filter(|fault| fault.key == key && fault.is_open()) {
            let raised_at = fault.began;
            fault.life = FaultState::Clearing { since, raised_at, good_rounds: 1 };
        }
    }

    fn clear(&mut self, key: &str) {
        let at = self.now();
        for fault in self.faults.iter_mut().filter(|fault| fault.key == key && fault.is_open()) {
            fault.life = FaultState::Cleared { at, since: at };
        }
    }

    /// A fault is located more closely, as the diagnosis does it: the old key stays as an alias.
    fn relocate(&mut self, from: &str, to: &str) {
        if from == to || self.faults.iter().any(|fault| fault.key == to && fault.is_open()) {
            return;
        }
        self.faults.retain(|fault| fault.key != to);
        for fault in self.faults.iter_mut().filter(|fault| fault.key == from && fault.is_open()) {
            fault.aliases.push(from.to_owned());
            to.clone_into(&mut fault.key);
            fault.segment = segment_of(to);
            fault.aliases.retain(|alias| alias != to);
            fault.life = FaultState::Raised { at: fault.began };
        }
    }
}

/// What the book answers is there at once.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the book waits for nothing"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_interleaving_of_fault_lives_leaves_one_open_ticket_a_root_cause(
        steps in prop::collection::vec((0..8_u8, 0..3_usize, 0..3_usize, 0..200_i64), 1..60),
    ) {
        let mut desk = Desk::new();
        for (what, key, other, seconds) in steps {
            desk.pass(seconds);
            match what {
                0..=2 => desk.raise(KEYS[key]),
                3 => desk.fade(KEYS[key]),
                4 => desk.clear(KEYS[key]),
                5 => desk.relocate(KEYS[key], KEYS[other]),
                6 => {
                    for ticket in desk.open().into_iter().take(1) {
                        let event = Event::Cancelled { reason: "no fault".to_owned() };
                        desk.book.apply(&ticket.id, None, event, Actor("noc".to_owned())).expect("withdrawn");
                    }
                }
                _ => desk.pass(30 * 3600),
            }
            desk.meet();
            let tickets = desk.book.tickets();
            for ticket in desk.open() {
                let twins = tickets.iter().filter(|other| other.state.is_open() && other.key == ticket.key);
                prop_assert_eq!(twins.count(), 1, "{:#?}", tickets);
            }
            for fault in desk.faults.iter().filter(|fault| matches!(fault.life, FaultState::Raised { .. })) {
                let settled = desk.now() - fault.began >= TimeDelta::seconds(30);
                let withdrawn = tickets.iter().any(|ticket| ticket.state == State::Cancelled);
                if settled && !withdrawn {
                    let open = desk.open();
                    // Its own, or one that was once about it and is now about another fault.
                    let told = open.iter().any(|ticket| ticket.answers_to(&fault.key));
                    prop_assert!(told, "{}: {:#?}", fault.key, tickets);
                }
            }
            // No ticket is over while its fault is there.
            for fault in desk.faults.iter().filter(|fault| fault.is_open()) {
                let over = tickets.iter().find(|ticket| {
                    ticket.key == fault.key && ticket.state == State::Resolved && ticket.detected_at == fault.began
                });
                prop_assert!(over.is_none(), "{over:#?}");
            }
        }
        prop_assert_eq!(desk.book.first_broken_link(), None);
    }

    #[test]
    fn faults_in_any_order_are_planned_alike(order in Just(vec![0_usize, 1, 2]).prop_shuffle()) {
        let mut desk = Desk::new();
        for place in &order {
            desk.raise(KEYS[*place]);
        }
        desk.pass(40);
        desk.meet();
        let mut keys: Vec<String> = desk.open().into_iter().map(|ticket| ticket.key).collect();
        keys.sort();
        prop_assert_eq!(keys, KEYS);
    }
}

#[test]
fn a_ticket_is_rekeyed_once_and_answers_to_both_keys() {
    let mut desk = Desk::new();
    desk.raise(KEYS[1]);
    desk.pass(40);
    desk.meet();
    desk.relocate(KEYS[1], KEYS[0]);
    desk.meet();
    let ticket = desk.only();
    assert_eq!(ticket.key, KEYS[0]);
    assert_eq!(ticket.segment.as_deref(), Some("link-1"));
    assert!(ticket.answers_to(KEYS[1]));
    // The old key breaks by itself meanwhile: two faults must not pull one ticket to and fro.
    desk.raise(KEYS[1]);
    desk.pass(40);
    desk.meet();
    assert_eq!(desk.only().key, KEYS[0]);
    desk.clear(KEYS[0]);
    desk.meet();
    assert_eq!(desk.open().len(), 1, "now the other one has its own: {:#?}", desk.book.tickets());
}

#[test]
fn an_older_end_of_a_fault_that_is_back_does_not_resolve_its_ticket() {
    let mut desk = Desk::new();
    desk.raise(KEYS[0]);
    desk.pass(40);
    desk.meet();
    desk.clear(KEYS[0]);
    desk.meet();
    assert_eq!(desk.only().state, State::Settled);
    desk.pass(100);
    // The diagnosis still tells of the end when the fault is back.
    let now = desk.now();
    desk.faults.insert(0, raised(fault(KEYS[0]), now));
    desk.pass(40);
    desk.meet();
    assert_eq!((desk.only().state, desk.only().reopen_count), (State::Reopened, 1));
    desk.faults.reverse();
    desk.meet();
    assert_eq!(desk.only().state, State::Reopened);
}

#[test]
fn a_fault_below_the_limit_of_confidence_is_a_candidate() {
    for (confidence, candidate) in [(0.59, true), (0.6, false)] {
        let mut desk = Desk::new();
        desk.raise(KEYS[0]);
        desk.faults[0].confidence = confidence;
        desk.pass(40);
        desk.meet();
        assert_eq!(desk.only().candidate, candidate);
    }
}

#[test]
fn a_window_that_ran_out_while_nobody_looked_is_over_all_the_same() {
    let mut desk = Desk::new();
    desk.raise(KEYS[0]);
    desk.pass(40);
    desk.meet();
    desk.clear(KEYS[0]);
    desk.meet();
    desk.pass(25 * 3600);
    desk.raise(KEYS[0]);
    desk.pass(40);
    desk.meet();
    let tickets = desk.book.tickets();
    let states: Vec<State> = tickets.iter().map(|ticket| ticket.state).collect();
    assert_eq!(states, [State::Closed, State::Classified]);
    assert_eq!(tickets[1].follows.as_ref(), Some(&tickets[0].id));
}

#[test]
fn an_episode_that_turns_out_to_have_begun_earlier_stays_withdrawn() {
    let mut desk = Desk::new();
    desk.raise(KEYS[0]);
    desk.pass(40);
    desk.meet();
    let event = Event::Cancelled { reason: "known".to_owned() };
    desk.book.apply(&desk.only().id, None, event, Actor("noc".to_owned())).expect("withdrawn");
    desk.faults[0].began -= TimeDelta::seconds(20);
    desk.meet();
    assert_eq!(desk.only().state, State::Cancelled);
    desk.relocate(KEYS[0], KEYS[1]);
    desk.meet();
    assert_eq!(desk.only().state, State::Cancelled, "nor under another key");
}

#[test]
fn a_plan_of_an_older_look_is_refused() {
    let desk = Desk::new();
    let diagnosis =
        Diagnosis { at: desk.now(), poller: PollerState::Sound, faults: Vec::new(), elements: Vec::new() };
    assert_eq!(now_or_never(desk.book.save_diagnosis(&diagnosis)).expect("kept"), 1);
    now_or_never(desk.book.carry_out(2, Vec::new())).expect("carried out");
    assert!(now_or_never(desk.book.carry_out(1, Vec::new())).is_err());
}

/// Tickets.md 5.3.
#[test]
fn a_fault_that_comes_and_goes_is_one_ticket_told_of_once_and_resolved_after_fifteen_quiet_minutes() {
    let mut desk = Desk::new();
    desk.raise(KEYS[0]);
    desk.pass(60);
    desk.meet();
    for _ in 0..3 {
        desk.fade(KEYS[0]);
        desk.pass(60);
        desk.meet();
        desk.raise(KEYS[0]);
        desk.pass(60);
        desk.meet();
    }
    let flapping = desk.only().flapping;
    assert!(flapping.is_on() && flapping.count >= 5, "{flapping:?}");
    desk.clear(KEYS[0]);
    desk.meet();
    desk.pass(10 * 60);
    desk.meet();
    assert_eq!(desk.only().state, State::Verifying, "good just now is not over");
    desk.pass(6 * 60);
    desk.meet();
    let ticket = desk.only();
    assert_eq!((ticket.state, ticket.flapping.is_on()), (State::Settled, false));
    let count = |name: &str| desk.book.events().iter().filter(|one| one.event.name() == name).count();
    assert_eq!((count("flapping_started"), count("flapping_ended"), count("resolved")), (1, 1, 1));
}

#[test]
fn a_flapping_ticket_is_not_resolved_by_anybody_before_it_was_quiet() {
    let mut desk = Desk::new();
    desk.raise(KEYS[0]);
    desk.pass(60);
    desk.meet();
    for _ in 0..2 {
        desk.fade(KEYS[0]);
        desk.pass(30);
        desk.meet();
        desk.raise(KEYS[0]);
        desk.pass(30);
        desk.meet();
    }
    desk.fade(KEYS[0]);
    desk.meet();
    let ticket = desk.only();
    assert!(ticket.flapping.is_on() && ticket.state == State::Verifying, "{ticket:?}");
    let resolved = Event::Resolved { fault: Box::new(desk.faults[0].clone()), restored_at: desk.now() };
    let refused = desk.book.apply(&ticket.id, None, resolved, Actor::linesman()).expect_err("refused");
    assert!(refused.to_string().contains("15 quiet minutes"), "{refused}");
}
