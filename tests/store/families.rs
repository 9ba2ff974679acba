//! Tickets of one fault, and everything that may happen to a ticket in any order: on both databases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock as _, ManualClock};
use linesman::diagnosis::{Class, FaultState};
use linesman::store::WriteError;
use linesman::store::related::{Likeness, SolvedLike};
use linesman::ticket::event::RecordedEvent;
use linesman::ticket::process::{ContactPurpose, Duty, WorkKind};
use linesman::ticket::{
    Actor, Around, Channel, Deed, Event, Intake, State, Ticket, TicketId, apply_in, clocks,
};
use linesman_deadlines::promise::{Outcome, PromiseEvent, Source};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{Daemon, Database, fault, noon};
use crate::on_both;
use crate::process::{calls, classified, does, lin, settled, sweep, told, wanted};

on_both! {
    r61_the_end_of_a_fault_reaches_every_complaint_below_it_in_the_same_transaction,
    r86_a_carriers_new_time_renews_what_the_customers_beside_were_promised,
    r36_solved_cases_are_found_by_element_and_cause,
    whatever_is_done_clocks_fire_once_promises_stay_and_the_events_rebuild_the_ticket,
}

async fn now_of(daemon: &Daemon, ticket: &Ticket) -> Ticket {
    daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket")
}

async fn below(daemon: &Daemon, above: &Ticket) -> Ticket {
    let mut wanted = wanted("no calls", None);
    wanted.intake.parent = Some(above.id.clone());
    daemon.writer.register(wanted, lin()).await.expect("registered").ticket
}

/// Somebody works on it.
async fn worked_on(daemon: &Daemon, ticket: &Ticket) -> Ticket {
    let now = daemon.clock.now_utc();
    does(daemon, ticket, classified()).await;
    let owned = Deed::Assigned {
        owner: "lin".to_owned(),
        department: None,
        deadline: now + TimeDelta::days(1),
        target: "calls again".to_owned(),
        duty: Duty::OnDuty,
    };
    does(daemon, ticket, owned).await;
    does(daemon, ticket, told(ContactPurpose::FirstResponse, Some(now + TimeDelta::hours(1)))).await;
    does(daemon, ticket, Deed::Accepted).await
}

async fn r61_the_end_of_a_fault_reaches_every_complaint_below_it_in_the_same_transaction(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let above = daemon.open("fibre/link-1").await;
    let (first, second) = (below(&daemon, &above).await, below(&daemon, &above).await);
    worked_on(&daemon, &first).await;
    let mut cleared = fault("fibre/link-1");
    cleared.life = FaultState::Cleared { at: noon(), since: noon() };
    let restored_at = noon();
    let started = Event::VerificationStarted { since: noon() };
    daemon.writer.apply(&above.id, None, started, Actor::linesman()).await.expect("verifying");
    let over = Event::Resolved { fault: Box::new(cleared), restored_at };
    daemon.writer.apply(&above.id, None, over, Actor::linesman()).await.expect("resolved");
    let (first, second) = (now_of(&daemon, &first).await, now_of(&daemon, &second).await);
    assert_eq!((first.state, first.process.fault_over.is_some()), (State::Verifying, true));
    assert_eq!((second.state, second.process.fault_over.is_some()), (State::Registered, true));
    let waiting = daemon.store.waiting_tickets(None, 10).await.unwrap();
    let waiting: BTreeSet<TicketId> = waiting.into_iter().collect();
    assert_eq!(waiting, BTreeSet::from([first.id.clone(), second.id.clone()]), "found by their clocks");
    let bad = Deed::Verified { passed: false, evidence: "gateway-1 down".to_owned() };
    daemon.writer.apply(&first.id, None, bad.into(), Actor::linesman()).await.expect("judged");
    assert_eq!(daemon.store.waiting_tickets(None, 10).await.unwrap(), [second.id]);
    let report = daemon.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty(), "{report:?}");
    daemon.stop().await.unwrap();
}

async fn r86_a_carriers_new_time_renews_what_the_customers_beside_were_promised(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let above = daemon.open("fibre/link-1").await;
    let (held, beside) = (below(&daemon, &above).await, below(&daemon, &above).await);
    let stranger = daemon.writer.register(wanted("other", None), lin()).await.unwrap().ticket;
    let now = daemon.clock.now_utc();
    let promise = || Deed::Promised {
        id: "p1".to_owned(),
        text: "calls again".to_owned(),
        due_at: now + TimeDelta::hours(6),
        source: Source::CarrierEta,
        renews: None,
    };
    worked_on(&daemon, &held).await;
    for ticket in [&held, &beside, &stranger] {
        does(&daemon, ticket, promise()).await;
    }
    let repair = Deed::HeldExternal {
        kind: WorkKind::CarrierRepair,
        reference: "CR-1".to_owned(),
        with: "Carrier One".to_owned(),
        eta: now + TimeDelta::hours(5),
    };
    does(&daemon, &held, repair).await;
    let later = Deed::EtaChanged {
        reference: "CR-1".to_owned(),
        eta: now + TimeDelta::hours(9),
        reason: "waits for a splice".to_owned(),
    };
    does(&daemon, &held, later).await;
    let outcomes = async |ticket: &Ticket| {
        let ticket = now_of(&daemon, ticket).await;
        let standing = clocks::promises(&ticket, now).into_iter();
        standing.map(|known| known.outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&held).await, [Outcome::Renewed, Outcome::Open]);
    assert_eq!(outcomes(&beside).await, [Outcome::Renewed, Outcome::Open], "she waits for the same splice");
    assert_eq!(outcomes(&stranger).await, [Outcome::Open], "another fault");
    daemon.stop().await.unwrap();
}

fn of_any_kind(_: &str) -> bool {
    true
}

async fn r36_solved_cases_are_found_by_element_and_cause(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = daemon.writer.register(wanted("how do I dial", None), lin()).await.unwrap().ticket;
    settled(&daemon, &ticket).await;
    let open = daemon.open("fibre/link-1").await;
    let of = |segments: &[&str], classes: &[Class]| SolvedLike {
        segments: segments.iter().map(|&name| name.to_owned()).collect(),
        causes: open.class.zip(open.cause).into_iter().collect(),
        classes: classes.to_vec(),
        is_of_kind: &of_any_kind,
        except: None,
    };
    let found = daemon.store.solved_tickets_like(&of(&["link-1"], &[Class::B]), 5).await.unwrap();
    assert!(found.is_empty(), "what is open is no solved case: {found:?}");
    let set = format!("UPDATE ticket SET state = 'closed', is_open = FALSE WHERE id = '{}'", open.id);
    database.tamper(&set).await;
    let found = daemon.store.solved_tickets_like(&of(&["link-1"], &[Class::B]), 5).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].ticket.id, found[0].likeness), (&open.id, Likeness::SameElementAndCause));
    let elsewhere = daemon.store.solved_tickets_like(&of(&["link-9"], &[]), 5).await.unwrap();
    assert_eq!(elsewhere[0].likeness, Likeness::SameCause);
    let itself = SolvedLike { except: Some(open.id.clone()), ..of(&["link-1"], &[Class::B]) };
    assert!(daemon.store.solved_tickets_like(&itself, 5).await.unwrap().is_empty());
    daemon.stop().await.unwrap();
}

/// Something that somebody tries.
#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Sweep,
    Promise(i64, bool),
    Renew(i64),
    Keep,
    Hold,
    Eta(i64),
    WorkDone,
    Call(ContactPurpose),
    Work(i64),
    Level(usize),
    Claim,
    Verify(bool),
    Resume,
    Solve,
    Report,
    Agree,
    Reopen,
    Close,
    Imposter,
}

fn step() -> impl Strategy<Value = Step> {
    let purpose = prop::sample::select(ContactPurpose::ALL.to_vec());
    prop_oneof![
        4 => (1_i64..3_000).prop_map(Step::Wait),
        4 => Just(Step::Sweep),
        3 => ((1_i64..40), any::<bool>()).prop_map(|(hours, carrier)| Step::Promise(hours, carrier)),
        2 => (1_i64..60).prop_map(Step::Renew),
        1 => Just(Step::Keep),
        2 => Just(Step::Hold),
        2 => (1_i64..60).prop_map(Step::Eta),
        1 => Just(Step::WorkDone),
        2 => purpose.prop_map(Step::Call),
        2 => (1_i64..40).prop_map(Step::Work),
        1 => (0_usize..5).prop_map(Step::Level),
        2 => Just(Step::Claim),
        2 => any::<bool>().prop_map(Step::Verify),
        2 => Just(Step::Resume),
        2 => Just(Step::Solve),
        1 => Just(Step::Report),
        1 => Just(Step::Agree),
        1 => Just(Step::Reopen),
        1 => Just(Step::Close),
        1 => Just(Step::Imposter),
    ]
}

fn event(step: &Step, ticket: &Ticket, now: DateTime<Utc>, count: usize) -> Option<Event> {
    let why = || "because".to_owned();
    let hours = |hours: i64| now + TimeDelta::hours(hours);
    let last = ticket.process.promises.iter().rev().find_map(|event| match event {
        PromiseEvent::Made { promise } => Some(promise.id.clone()),
        _ => None,
    });
    let promised = |due: i64, source, renews: Option<String>| Deed::Promised {
        id: format!("p{count}"),
        text: "calls again".to_owned(),
        due_at: hours(due),
        source,
        renews: renews.map(|id| linesman_deadlines::promise::Renews { id, reason: why() }),
    };
    let deed = match step {
        Step::Wait(_) | Step::Sweep => return None,
        Step::Promise(due, carrier) => {
            promised(*due, if *carrier { Source::CarrierEta } else { Source::Own }, None)
        }
        Step::Renew(due) => promised(*due, Source::Own, last),
        Step::Keep => Deed::PromiseKept { id: last.unwrap_or_default(), evidence: why() },
        Step::Hold => Deed::HeldExternal {
            kind: WorkKind::CarrierRepair,
            reference: "CR-1".to_owned(),
            with: "Carrier One".to_owned(),
            eta: hours(5),
        },
        Step::Eta(eta) => Deed::EtaChanged { reference: "CR-1".to_owned(), eta: hours(*eta), reason: why() },
        Step::WorkDone => Deed::WorkDone { reference: "CR-1".to_owned(), result: why() },
        Step::Call(purpose) => told(*purpose, Some(hours(3))),
        Step::Work(ends) => {
            Deed::ToldOfWork { window: format!("w-{count}"), ends_at: hours(*ends), text: why() }
        }
        Step::Level(place) => Deed::LevelChanged {
            level: linesman_deadlines::policy::Level::ALL[*place],
            reason: why(),
            supervisor: None,
        },
        Step::Claim => Deed::RepairClaimed { what: why() },
        Step::Verify(passed) => Deed::Verified { passed: *passed, evidence: why() },
        Step::Resume => Deed::Resumed { reason: why() },
        Step::Solve => Deed::SolutionRecorded { root_cause: why(), solution: why() },
        Step::Report => {
            Deed::ResultReported { channel: Channel::Phone, asked_to_test: true, text_sha256: None }
        }
        Step::Agree => Deed::ConfirmationRecorded {
            rating: linesman::ticket::process::Rating::Satisfied,
            method: linesman::ticket::process::Method::Signature,
            reference: Some(why()),
            no_article_because: Some(why()),
        },
        Step::Reopen => Deed::ReopenedByPerson { reason: why() },
        Step::Close => return Some(Event::Closed),
        Step::Imposter => Deed::EtaHeard { from: ticket.id.clone(), eta: hours(9), reason: why() },
    };
    Some(deed.into())
}

/// The ticket as its events alone make it.
fn rebuilt(known: &Ticket, words: &linesman::ticket::TicketText, events: &[RecordedEvent]) -> Ticket {
    let (first, rest) = events.split_first().expect("its registration");
    let Event::Deed(deed) = &first.event else { panic!("{first:?}") };
    let Deed::Registered { kind, registration, first_owner, department, level, parent, follows } =
        *deed.clone()
    else {
        panic!("{first:?}")
    };
    let intake = Intake { kind, registration, first_owner, department, level, parent, follows };
    let made = linesman::ticket::register(known.id.clone(), known.number, intake, words, first.at);
    let around = Around { named_exists: true, ..Around::default() };
    let mut made = made.expect("again").0.ticket;
    // Who took it in is the actor of that event (R16).
    made.process.received_by = Some(first.actor.0.clone());
    rest.iter().fold(made, |ticket, recorded| {
        apply_in(&ticket, &recorded.event, &recorded.actor, &around, recorded.at).expect("again").ticket
    })
}

/// Promises that were ever made, and how each of them stood when it was last looked at.
type Seen = BTreeMap<String, Outcome>;

fn look_at_promises(ticket: &Ticket, now: DateTime<Utc>, seen: &mut Seen) {
    let standing: Seen =
        clocks::promises(ticket, now).into_iter().map(|known| (known.promise.id, known.outcome)).collect();
    for (id, before) in seen.iter() {
        let after = standing.get(id);
        assert!(after.is_some(), "the promise {id} is gone");
        assert!(*before == Outcome::Open || after == Some(before), "{id} was {before:?}, is {after:?}");
    }
    *seen = standing;
}

async fn whatever_is_done_clocks_fire_once_promises_stay_and_the_events_rebuild_the_ticket(
    database: Database,
) {
    let clock = Arc::new(ManualClock::at(noon()));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let scripts = prop::collection::vec(step(), 20..45);
    let mut daemon = Daemon::with_people_at(&database, clock.clone()).await;
    for round in 0..6 {
        let script = scripts.new_tree(&mut runner).expect("a script").current();
        let asked = wanted("no calls", None);
        let words = asked.text.clone();
        let ticket = daemon.writer.register(asked, lin()).await.unwrap().ticket;
        worked_on(&daemon, &ticket).await;
        let mut seen = Seen::new();
        for (count, step) in script.iter().enumerate() {
            let now = daemon.clock.now_utc();
            let known = now_of(&daemon, &ticket).await;
            match step {
                Step::Wait(minutes) => clock.advance(TimeDelta::minutes(*minutes)),
                Step::Sweep => {
                    sweep(&daemon).sweep(now).await.unwrap();
                }
                _ => {}
            }
            if let Some(event) = event(step, &known, now, count) {
                let done = daemon.writer.apply(&ticket.id, Some(known.version), event, lin()).await;
                match done {
                    Ok(next) => assert_eq!(next.version, known.version + 1),
                    Err(WriteError::Refused(refusal)) => {
                        assert!(!refusal.unmet.is_empty(), "{refusal}");
                        assert_eq!(now_of(&daemon, &ticket).await, known, "a refusal changes nothing");
                    }
                    Err(other) => panic!("{step:?}: {other}\n{script:?}"),
                }
                if matches!(step, Step::Imposter) {
                    assert_eq!(
                        now_of(&daemon, &ticket).await.version,
                        known.version,
                        "a person is not Linesman"
                    );
                }
            }
            look_at_promises(&now_of(&daemon, &ticket).await, daemon.clock.now_utc(), &mut seen);
        }
        if round % 3 == 2 {
            // As after a death: nothing is remembered but what the database has.
            daemon.stop().await.unwrap();
            daemon = Daemon::with_people_at(&database, clock.clone()).await;
        }
        let mut asked = 1;
        for _ in 0..5 {
            asked = sweep(&daemon).sweep(daemon.clock.now_utc()).await.unwrap();
        }
        assert_eq!(asked, 0, "asked for once: {script:?}");
        check(&daemon, &ticket.id, &words, &script).await;
        let cancelled = Event::Cancelled { reason: "he withdrew it".to_owned() };
        drop(daemon.writer.apply(&ticket.id, None, cancelled, lin()).await);
    }
    let report = daemon.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty(), "{report:?}");
    daemon.stop().await.unwrap();
}

async fn check(daemon: &Daemon, id: &TicketId, words: &linesman::ticket::TicketText, script: &[Step]) {
    let known = daemon.store.ticket(id).await.unwrap().expect("a ticket");
    let events = daemon.store.ticket_events(id, 0, 1_000).await.unwrap();
    assert!(events.is_sorted_by_key(|event| event.at), "no time goes back: {script:?}");
    let fired = calls(daemon, id).await;
    let once: BTreeSet<&String> = fired.iter().collect();
    assert_eq!(once.len(), fired.len(), "a clock fires once: {fired:?} in {script:?}");
    let broken = clocks::promises(&known, daemon.clock.now_utc()).into_iter();
    let broken: Vec<String> =
        broken.filter(|one| one.outcome == Outcome::Broken).map(|one| one.promise.id).collect();
    if !matches!(known.state, State::Rejected | State::Cancelled) {
        for id in broken {
            let called = format!("promise/{id}/broken");
            assert!(fired.contains(&called), "{id} was broken in silence: {fired:?} in {script:?}");
        }
    }
    assert_eq!(rebuilt(&known, words, &events), known, "the events rebuild it: {script:?}");
}
