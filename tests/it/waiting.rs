//! R86, R96, R99: what the end of a fault or of announced work means to a ticket, its clocks and its promises.

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::Class;
use linesman::ticket::act::WORK_TEST;
use linesman::ticket::deed::Call;
use linesman::ticket::process::ContactPurpose;
use linesman::ticket::{Channel, Deed, Event, State, Ticket, TicketId, clocks, waits};
use linesman_deadlines::clock::ClockState;
use linesman_deadlines::policy::Level;
use linesman_deadlines::promise::{Outcome, Source};

use crate::case::{Case, assigned, classified, contacted};

fn told_of_work(ends_at: DateTime<Utc>) -> Deed {
    Deed::ToldOfWork { window: "w-1".to_owned(), ends_at, text: "back after the splice".to_owned() }
}

fn moved(ends_at: DateTime<Utc>) -> Deed {
    Deed::WorkMoved { window: "w-1".to_owned(), ends_at, reason: "the splice failed".to_owned() }
}

fn outcomes(case: &Case) -> Vec<Outcome> {
    clocks::promises(&case.ticket, case.now).into_iter().map(|known| known.outcome).collect()
}

impl Case {
    /// What Linesman itself does.
    fn by_itself(&mut self, deed: Deed) -> &mut Self {
        self.ticket = self.tries(deed, "linesman").unwrap_or_else(|unmet| panic!("{unmet:?}"));
        self
    }
}

/// A complaint below a fault's ticket that somebody works on.
fn child() -> Case {
    let mut case = Case::complaint();
    case.ticket.process.parent = Some(TicketId("above".to_owned()));
    let (now, reply_by) = (case.now, case.now + TimeDelta::hours(3));
    case.does(classified(Class::B, Some(Level::Yellow), None))
        .does(assigned(now))
        .does(contacted(ContactPurpose::FirstResponse, true, Some(reply_by)))
        .does(Deed::Accepted);
    case
}

fn over() -> Deed {
    Deed::FaultOver { parent: TicketId("above".to_owned()) }
}

#[test]
fn r86_r99_the_end_of_announced_work_that_was_told_is_a_promise_with_an_owner() {
    let mut case = Case::complaint();
    let ends_at = case.now + TimeDelta::hours(2);
    case.does(told_of_work(ends_at));
    assert_eq!(case.ticket.process.window.as_deref(), Some("w-1"));
    let promises = clocks::promises(&case.ticket, case.now);
    let promise = &promises[0].promise;
    assert_eq!((promise.source, promise.owner.as_str()), (Source::AnnouncedWork, "lin"));
    assert_eq!((promise.due_at, promise.made_to.as_str()), (ends_at + WORK_TEST, "k-1"));
    assert!(waits::rests_on_work(&case.ticket, case.now));
    case.refused_for(told_of_work(ends_at), "R86", "promise_taken");
    let mut late = Case::complaint();
    late.after(1);
    late.refused_for(told_of_work(late.now - TimeDelta::hours(1)), "R86", "promise_past");
}

#[test]
fn r86_work_that_is_moved_renews_what_was_promised_and_an_overrun_breaks_it_at_once() {
    let mut case = Case::complaint();
    let ends_at = case.now + TimeDelta::hours(2);
    case.does(told_of_work(ends_at)).after(60);
    let later = ends_at + TimeDelta::hours(1);
    assert!(
        waits::is_moved(&case.ticket, later, case.now) && !waits::is_moved(&case.ticket, ends_at, case.now)
    );
    case.refused_for(moved(later), "R86", "linesman_only");
    case.by_itself(moved(later));
    assert_eq!(outcomes(&case), [Outcome::Renewed, Outcome::Open]);
    assert!(!waits::is_moved(&case.ticket, later, case.now), "told once");
    case.after(121);
    let overran = Deed::WorkOverran { window: "w-1".to_owned(), evidence: "link-1 down".to_owned() };
    case.by_itself(overran.clone());
    assert_eq!(outcomes(&case), [Outcome::Renewed, Outcome::Broken], "before its time was over");
    let called: Vec<Call> = case.swept_promises();
    assert_eq!(called, [Call::Breach], "it goes to the supervisor once");
    assert!(case.swept_promises().is_empty());
    let again = case.tries(overran, "linesman").expect_err("nothing is left to break");
    assert_eq!(again[0].1, "nothing_promised");
}

impl Case {
    /// What promises ask for now.
    fn swept_promises(&mut self) -> Vec<Call> {
        let mut asked = Vec::new();
        for deed in clocks::due_deeds(&self.ticket, self.now) {
            if let Deed::PromiseCalled { call, .. } = &deed {
                asked.push(*call);
            }
            self.ticket = self.tries(Event::from(deed), "linesman").expect("a clock is let");
        }
        asked
    }
}

#[test]
fn r86_what_rests_on_work_breaks_by_time_when_nobody_can_measure_and_is_kept_when_it_is_measured() {
    let mut case = Case::complaint();
    let ends_at = case.now + TimeDelta::hours(2);
    case.does(told_of_work(ends_at));
    let mut silent = Case::complaint();
    silent.does(told_of_work(ends_at)).after(2 * 60 + 16);
    assert_eq!(outcomes(&silent), [Outcome::Broken]);
    case.after(2 * 60 + 5);
    let kept = Deed::PromiseKept { id: "work/w-1".to_owned(), evidence: "link-1 good".to_owned() };
    case.by_itself(kept);
    assert_eq!(outcomes(&case), [Outcome::Kept]);
    assert!(!waits::rests_on_work(&case.ticket, case.now));
}

#[test]
fn r61_r96_when_the_fault_is_over_each_customer_is_measured_for_himself() {
    let mut case = child();
    case.refused_for(over(), "R86", "linesman_only");
    case.by_itself(over());
    assert_eq!((case.ticket.state, case.ticket.process.fault_over), (State::Verifying, Some(case.now)));
    let again = case.tries(over(), "linesman").expect_err("once");
    assert_eq!(again[0].1, "called_already");
    let mut bad = child();
    bad.by_itself(over());
    bad.by_itself(Deed::Verified { passed: false, evidence: "gateway-1 down".to_owned() });
    assert_eq!((bad.ticket.state, bad.ticket.process.fault_over), (State::InProgress, None));
    case.by_itself(Deed::Verified { passed: true, evidence: "gateway-1 good".to_owned() });
    assert!(case.ticket.process.verification.as_ref().is_some_and(|proof| proof.measured));
    assert_eq!(case.ticket.state, State::Verifying, "a person confirms, solves and tells the customer");
    let settled = case.refused(Event::Settled);
    assert!(settled.iter().any(|(rule, _)| rule == "R77"), "never settled behind his back: {settled:?}");

    let mut early = Case::complaint();
    early.ticket.process.parent = Some(TicketId("above".to_owned()));
    early.by_itself(over());
    assert_eq!(early.ticket.state, State::Registered, "nobody has taken it up: it is not skipped");
    let mut other = child();
    other.ticket.process.parent = None;
    assert!(other.tries(over(), "linesman").is_err(), "not below this fault");
}

#[test]
fn r86_a_carriers_new_time_that_is_heard_from_another_ticket_renews_what_rests_on_it_alone() {
    let mut case = Case::complaint();
    let due_at = case.now + TimeDelta::hours(4);
    let promise = |id: &str, source| Deed::Promised {
        id: id.to_owned(),
        text: "calls again".to_owned(),
        due_at,
        source,
        renews: None,
    };
    case.does(promise("own", Source::Own)).does(promise("carrier", Source::CarrierEta)).after(10);
    let eta = case.now + TimeDelta::hours(9);
    let heard = Deed::EtaHeard { from: TicketId("other".to_owned()), eta, reason: "a splice".to_owned() };
    case.refused_for(heard.clone(), "R86", "linesman_only");
    case.by_itself(heard);
    assert_eq!(outcomes(&case), [Outcome::Open, Outcome::Renewed, Outcome::Open]);
}

fn clock_state(ticket: &Ticket, rule: &str, now: DateTime<Utc>) -> Vec<(String, ClockState)> {
    let standing = clocks::clocks(ticket, now).standing.into_iter();
    let of_rule = standing.filter(|clock| clock.reading.rule == rule);
    of_rule.map(|clock| (clock.name, clock.reading.state)).collect()
}

#[test]
fn r31_r70_a_receipt_that_linesman_sends_meets_its_clock_and_stands_for_no_word_of_a_person() {
    let mut case = Case::complaint();
    let receipt = || Deed::ReceiptSent { channel: Channel::Email };
    case.refused_for(receipt(), "R86", "linesman_only");
    case.after(1).by_itself(receipt());
    assert_eq!(case.ticket.process.receipt_sent_at, Some(case.now));
    assert!(case.ticket.process.contacts.is_empty(), "nobody has spoken to him");
    let of_r70 = clock_state(&case.ticket, "R70", case.now);
    assert!(of_r70.iter().any(|(_, state)| *state == ClockState::Met), "{of_r70:?}");
    let of_r74 = clock_state(&case.ticket, "R74", case.now);
    assert!(of_r74.iter().all(|(_, state)| *state != ClockState::Met), "{of_r74:?}");
    case.refused_for(Deed::Rejected { reason: "no case".to_owned() }, "R33", "customer_not_told");
    let twice = case.tries(receipt(), "linesman").expect_err("once");
    assert_eq!(twice[0].1, "receipt_sent_already");
}
