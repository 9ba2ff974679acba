//! Bills and the plan: what differs opens or enriches, what agrees proposes, and only a person settles.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{ManualClock, SharedClock};
use linesman::diagnosis::billing::{self, Bill};
use linesman::diagnosis::{Class, Fault, Side};
use linesman::settings::{BillingLimits, TicketSettings};
use linesman::store::WriteError;
use linesman::ticket::wanted::{met, plan};
use linesman::ticket::{Actor, Event, State, Ticket};
use linesman::workers::{Book, Keeper as _};

struct Desk {
    clock: Arc<ManualClock>,
    book: Book,
}

impl Desk {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).expect("a time")));
        let shared: SharedClock = clock.clone();
        Self { clock, book: Book::new(shared, None) }
    }

    fn now(&self) -> DateTime<Utc> {
        linesman::clock::Clock::now_utc(&*self.clock)
    }

    /// A reconciliation ends; the plan is made and made again, and the second time it plans nothing.
    async fn compared(&self, run: &str, difference: &str) -> Ticket {
        let fault = fault(run, difference, self.now());
        let settings = TicketSettings::default();
        for look in 0..2 {
            let tickets = self.book.tickets();
            let actions: Vec<_> = plan(std::slice::from_ref(&fault), &tickets, &settings, self.now());
            let settled = met(&fault, &tickets, &settings, self.now()).is_some();
            assert_eq!(look == 1, actions.is_empty() && settled, "{actions:?}");
            self.book.carry_out(1, actions).await.expect("carried out");
        }
        self.clock.advance(TimeDelta::seconds(1));
        self.ticket()
    }

    fn ticket(&self) -> Ticket {
        self.book.tickets().pop().expect("a ticket")
    }

    fn let_happen(&self, event: Event) -> Result<Ticket, WriteError> {
        self.book.apply(&self.ticket().id, None, event, Actor("bill".to_owned()))
    }
}

fn fault(run: &str, difference: &str, at: DateTime<Utc>) -> Fault {
    let causes = match difference {
        "0" => serde_json::json!([]),
        amount => {
            serde_json::json!([{"kind": "increment", "at_fault": "theirs", "selector": {"prefix": "8613"},
            "contract": "6/6", "used": "60/60", "window": null, "calls": 9, "amount": amount,
            "range": [amount, amount], "mean": amount, "examples": []}])
        }
    };
    let outcome = serde_json::json!({
        "currency": "USD",
        "totals": {"ours": "100", "theirs": "0", "difference": difference, "correct": "100",
            "ours_minus_correct": "0", "theirs_minus_correct": difference},
        "counts": {"ours": 9, "theirs": 9, "paired": 9, "only_ours": 0, "only_theirs": 0, "duplicates_ours": 0,
            "duplicates_theirs": 0, "rejected_ours": 0, "rejected_theirs": 0, "amount_differs": 9,
            "parts_ours": 0, "parts_theirs": 0},
        "findings": [], "causes": causes, "unexplained": "0",
        "verdict": if difference == "0" { "none" } else { "theirs" }});
    billing::fault(&Bill {
        run,
        party: "Acme",
        period: "2026-10",
        outcome: &serde_json::from_value(outcome).expect("an outcome"),
        limits: &BillingLimits::default(),
        example: Vec::new(),
        accounting: Vec::new(),
        files: Vec::new(),
        heard: Vec::new(),
        is_customer: true,
        at,
    })
}

#[tokio::test]
async fn a_difference_opens_one_ticket_at_once_and_a_second_comparison_enriches_it() {
    let desk = Desk::new();
    let opened = desk.compared("run-1", "5").await;
    assert_eq!((opened.class, opened.side, opened.candidate), (Some(Class::A), Some(Side::Theirs), false));
    assert_eq!(opened.key, "A:acme:2026-10");
    let enriched = desk.compared("run-2", "7").await;
    assert_eq!((enriched.id.clone(), enriched.version), (opened.id, 2));
    assert_eq!(enriched.fault.and_then(|fault| fault.billing).expect("evidence").totals.difference, "7");
    assert_eq!(desk.book.tickets().len(), 1);
}

#[tokio::test]
async fn bills_that_agree_open_nothing_and_propose_to_settle_what_is_open() {
    let desk = Desk::new();
    let settings = TicketSettings::default();
    assert!(plan(&[fault("run-0", "0", desk.now())], &[], &settings, desk.now()).is_empty());
    desk.compared("run-1", "5").await;
    let proposed = desk.compared("run-2", "0").await;
    assert_eq!(proposed.state, State::Verifying);
    assert!(proposed.awaits_settlement());
    assert_eq!(
        proposed.fault.as_ref().and_then(|fault| fault.billing.as_ref()).expect("evidence").totals.difference,
        "5",
        "what was wrong stays"
    );
    // Whatever time brings, nobody but a person settles it.
    desk.clock.advance(TimeDelta::days(30));
    let clean = fault("run-2", "0", proposed.proposal.as_ref().expect("a proposal").at);
    assert!(plan(&[clean], &desk.book.tickets(), &settings, desk.now()).is_empty());
    let settled = desk.let_happen(Event::ResolutionConfirmed { note: Some("credit note 17".to_owned()) });
    assert_eq!(settled.expect("settled").state, State::Resolved);
    assert!(desk.let_happen(Event::ResolutionConfirmed { note: None }).is_err(), "once");
}

#[tokio::test]
async fn a_proposal_that_is_declined_or_overtaken_leaves_the_work_going_on() {
    let desk = Desk::new();
    desk.compared("run-1", "5").await;
    desk.let_happen(Event::Acknowledged).expect("taken");
    desk.compared("run-2", "0").await;
    assert!(
        desk.let_happen(Event::ResolutionDeclined { reason: " ".to_owned() }).is_err(),
        "a reason is due"
    );
    let declined = desk.let_happen(Event::ResolutionDeclined { reason: "only half of it".to_owned() });
    let declined = declined.expect("declined");
    assert_eq!(declined.state, State::InProgress);
    assert_eq!(declined.proposal.expect("stays visible").declined_by.as_deref(), Some("bill"));
    let again = desk.compared("run-3", "0").await;
    assert!(again.awaits_settlement(), "a later comparison proposes again");
    let overtaken = desk.compared("run-4", "3").await;
    assert_eq!((overtaken.state, overtaken.proposal), (State::InProgress, None));
}

#[tokio::test]
async fn a_settled_bill_that_differs_again_is_reopened_and_a_withdrawn_one_is_another_ticket() {
    let desk = Desk::new();
    desk.compared("run-1", "5").await;
    desk.compared("run-2", "0").await;
    desk.let_happen(Event::ResolutionConfirmed { note: None }).expect("settled");
    let reopened = desk.compared("run-3", "4").await;
    assert_eq!((reopened.state, reopened.reopen_count), (State::Reopened, 1));
    desk.let_happen(Event::Cancelled { reason: "agreed by letter".to_owned() }).expect("withdrawn");
    let another = desk.compared("run-4", "6").await;
    assert_ne!(another.id, reopened.id);
}

#[tokio::test]
async fn no_door_verifies_resolves_or_measures_a_bill_without_a_comparison() {
    let desk = Desk::new();
    let opened = desk.compared("run-1", "5").await;
    let mut half = fault("run-2", "0", desk.now());
    half.billing.as_mut().expect("evidence").dimensions.pop();
    for event in [
        Event::VerificationStarted { since: desk.now() },
        Event::RemeasureRequested,
        Event::ResolutionConfirmed { note: None },
        Event::ResolutionProposed { fault: Box::new(half.clone()) },
    ] {
        assert!(desk.let_happen(event.clone()).is_err(), "{event:?}");
    }
    let settings = TicketSettings::default();
    assert!(plan(&[half], &[opened], &settings, desk.now()).is_empty(), "four dimensions are not five");
    desk.compared("run-3", "0").await;
    let resolved =
        Event::Resolved { fault: Box::new(fault("run-3", "0", desk.now())), restored_at: desk.now() };
    assert!(desk.let_happen(resolved).is_err());
}
