//! Tickets: one a root cause, changed one at a time, read page by page.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{Datelike as _, TimeDelta};
use linesman::clock::ManualClock;
use linesman::diagnosis::{Cause, Class, FaultState, Severity, Side};
use linesman::live::{Change, Order};
use linesman::settings::TicketSettings;
use linesman::store::{TicketFilter, WriteError};
use linesman::ticket::event::{Actor, Event, Visibility};
use linesman::ticket::wanted::{Action, plan};
use linesman::ticket::{State, TicketId};
use tokio::task::JoinSet;

use crate::fixture::{Daemon, Database, fault, noon, open_action};
use crate::on_both;

on_both! {
    a_ticket_is_read_as_it_was_written,
    fifty_opens_at_once_for_one_root_cause_make_one_ticket,
    a_root_cause_known_by_another_name_gets_no_second_ticket,
    numbers_count_from_one_in_every_year,
    of_two_who_saw_the_same_version_one_is_told_of_the_conflict,
    a_refusal_spoils_nobody_elses_change,
    an_older_plan_than_one_carried_out_is_stale_even_after_a_restart,
    a_reopened_or_rekeyed_ticket_never_stands_beside_an_open_one,
    who_listens_and_who_measures_hears_after_the_commit,
    pages_are_stable_while_tickets_are_opened,
    lists_are_filtered_by_every_field,
    planning_sees_unfinished_tickets_and_the_newest_final_one_of_each_key,
    a_plan_carried_out_twice_changes_nothing_the_second_time,
    text_that_a_database_cannot_keep_does_not_stop_anybody,
    one_damaged_ticket_does_not_hold_up_the_others,
    times_of_a_ticket_never_go_back_when_the_clock_does,
}

fn noted(text: &str) -> Event {
    Event::Noted { text: text.to_owned(), visibility: Visibility::Customer }
}

fn ada() -> Actor {
    Actor("ada".to_owned())
}

async fn a_ticket_is_read_as_it_was_written(database: Database) {
    let daemon = Daemon::start(&database).await;
    let opened = daemon.open("fibre/link-1").await;
    let read = daemon.store.ticket(&opened.id).await.unwrap().expect("the ticket");
    assert_eq!(read, opened);
    assert_eq!(daemon.store.ticket_by_number(opened.number).await.unwrap(), Some(opened.clone()));
    assert_eq!(opened.number.to_string(), "LM-2026-000001");
    assert_eq!(daemon.store.ticket(&TicketId("nobody\0".to_owned())).await.unwrap(), None);
    let noted = daemon.writer.apply(&opened.id, None, noted("dug up 光缆"), ada()).await.unwrap();
    let events = daemon.store.ticket_events(&opened.id, 0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
    assert!(
        matches!(&events[0].event, Event::Opened { fault: first, .. } if **first == fault("fibre/link-1"))
    );
    assert_eq!(events[1].actor, ada());
    assert_eq!(events[1].at, noon());
    assert_eq!(daemon.store.ticket(&opened.id).await.unwrap(), Some(noted));
    assert_eq!(daemon.store.ticket_events(&opened.id, 1, 10).await.unwrap().len(), 1);
    assert_eq!(daemon.store.events_after(1, 10).await.unwrap().len(), 1);
    daemon.stop().await.unwrap();
}

async fn fifty_opens_at_once_for_one_root_cause_make_one_ticket(database: Database) {
    let daemon = Daemon::start(&database).await;
    let mut callers = JoinSet::new();
    for caller in 0..50 {
        let writer = daemon.writer.clone();
        // Half of them also open one of their own, so that transactions are mixed.
        let own = (caller % 2 == 0).then(|| open_action(fault(&format!("own/{caller}"))));
        callers.spawn(async move {
            let actions = own.into_iter().chain([open_action(fault("fibre/link-1"))]).collect();
            writer.carry_out(1, actions).await.expect("carried out")
        });
    }
    let changed: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(changed.iter().filter(|ticket| ticket.key == "fibre/link-1").count(), 1);
    assert_eq!(changed.len(), 26);
    let numbers: BTreeSet<u32> = changed.iter().map(|ticket| ticket.number.count).collect();
    assert_eq!(numbers, (1..=26).collect());
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket").await, 26);
    daemon.stop().await.unwrap();
}

async fn a_root_cause_known_by_another_name_gets_no_second_ticket(database: Database) {
    let daemon = Daemon::start(&database).await;
    let mut first = fault("fibre/link-1");
    first.aliases = vec!["loss/site-1".to_owned()];
    assert_eq!(daemon.writer.carry_out(1, vec![open_action(first)]).await.unwrap().len(), 1);
    let mut by_alias = fault("something/else");
    by_alias.aliases = vec!["fibre/link-1".to_owned()];
    let same = vec![open_action(fault("loss/site-1")), open_action(by_alias)];
    assert_eq!(daemon.writer.carry_out(1, same).await.unwrap(), []);
    daemon.stop().await.unwrap();
}

async fn numbers_count_from_one_in_every_year(database: Database) {
    let clock = Arc::new(ManualClock::at("2026-12-31T23:59:59Z".parse().unwrap()));
    let daemon = Daemon::start_at(&database, clock).await;
    assert_eq!(daemon.open("a").await.number.to_string(), "LM-2026-000001");
    assert_eq!(daemon.open("b").await.number.to_string(), "LM-2026-000002");
    daemon.clock.advance(TimeDelta::seconds(1));
    assert_eq!(daemon.open("c").await.number.to_string(), "LM-2027-000001");
    assert_eq!(
        daemon.store.ticket_by_number("LM-2026-000002".parse().unwrap()).await.unwrap().unwrap().key,
        "b"
    );
    assert_eq!(noon().year(), 2026);
    daemon.stop().await.unwrap();
}

async fn of_two_who_saw_the_same_version_one_is_told_of_the_conflict(database: Database) {
    let daemon = Daemon::start(&database).await;
    let ticket = daemon.open("fibre/link-1").await;
    let apply = |text: &str| daemon.writer.apply(&ticket.id, Some(1), noted(text), ada());
    let (one, two) = tokio::join!(apply("one"), apply("two"));
    let (winner, loser) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(winner.unwrap().version, 2);
    match loser {
        Err(WriteError::Conflict(now)) => assert_eq!((now.id, now.version), (ticket.id.clone(), 2)),
        other => panic!("{other:?}"),
    }
    let unknown = daemon.writer.apply(&TicketId("nobody".to_owned()), None, noted("x"), ada()).await;
    assert!(matches!(unknown, Err(WriteError::Unknown(_))), "{unknown:?}");
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_event").await, 2);
    daemon.stop().await.unwrap();
}

async fn a_refusal_spoils_nobody_elses_change(database: Database) {
    let daemon = Daemon::start(&database).await;
    let ticket = daemon.open("fibre/link-1").await;
    let mut callers = JoinSet::new();
    for caller in 0..40 {
        let (writer, id) = (daemon.writer.clone(), ticket.id.clone());
        callers.spawn(async move {
            // An empty note is refused, and so is approving what is no candidate.
            let event = match caller % 4 {
                0 => noted(" "),
                1 => Event::Approved,
                _ => noted("seen"),
            };
            writer.apply(&id, None, event, ada()).await
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
    assert_eq!(answers.iter().filter(|a| matches!(a, Err(WriteError::Refused(_)))).count(), 20);
    let ticket = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    assert_eq!(ticket.version, 21);
    let report = daemon.store.check().await.unwrap();
    assert_eq!((report.events, report.broken_at, report.damage), (21, None, vec![]));
    daemon.stop().await.unwrap();
}

async fn an_older_plan_than_one_carried_out_is_stale_even_after_a_restart(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.writer.carry_out(7, vec![open_action(fault("a"))]).await.unwrap();
    daemon.writer.carry_out(7, vec![open_action(fault("b"))]).await.unwrap();
    let stale = daemon.writer.carry_out(6, vec![open_action(fault("c"))]).await;
    assert!(matches!(stale, Err(WriteError::Stale)), "{stale:?}");
    daemon.stop().await.unwrap();
    let daemon = Daemon::start(&database).await;
    let stale = daemon.writer.carry_out(6, vec![open_action(fault("c"))]).await;
    assert!(matches!(stale, Err(WriteError::Stale)), "{stale:?}");
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket").await, 2);
    daemon.stop().await.unwrap();
}

fn planned(ticket: &linesman::ticket::Ticket, event: Event) -> Action {
    Action::Apply { ticket: ticket.id.clone(), version: ticket.version, event: Box::new(event) }
}

async fn a_reopened_or_rekeyed_ticket_never_stands_beside_an_open_one(database: Database) {
    let daemon = Daemon::start(&database).await;
    let first = daemon.open("fibre/link-1").await;
    let verifying = planned(&first, Event::VerificationStarted { since: noon() });
    let first = daemon.writer.carry_out(1, vec![verifying]).await.unwrap().remove(0);
    let boxed = || Box::new(fault("fibre/link-1"));
    let resolved = planned(&first, Event::Resolved { fault: boxed(), restored_at: noon() });
    let first = daemon.writer.carry_out(1, vec![resolved]).await.unwrap().remove(0);
    assert_eq!(first.state, State::Resolved);
    let second = daemon.open("fibre/link-1").await;
    let other = daemon.open("loss/site-1").await;
    let both = vec![
        planned(&first, Event::Reopened { fault: boxed() }),
        planned(&other, Event::Rekeyed { from: "loss/site-1".to_owned(), fault: boxed() }),
    ];
    assert_eq!(
        daemon.writer.carry_out(1, both).await.unwrap(),
        [],
        "both would claim the open ticket's cause"
    );
    assert_eq!(daemon.store.ticket(&second.id).await.unwrap().unwrap().state, State::Classified);

    let narrowed = Box::new(fault("fibre/link-2"));
    let rekeyed = planned(&other, Event::Rekeyed { from: "loss/site-1".to_owned(), fault: narrowed });
    let other = daemon.writer.carry_out(1, vec![rekeyed]).await.unwrap().remove(0);
    assert!(other.answers_to("loss/site-1") && other.answers_to("fibre/link-2"));
    let again = vec![open_action(fault("loss/site-1")), open_action(fault("fibre/link-2"))];
    assert_eq!(daemon.writer.carry_out(1, again).await.unwrap(), [], "the old key stays as an alias");
    daemon.stop().await.unwrap();
}

async fn who_listens_and_who_measures_hears_after_the_commit(database: Database) {
    let mut daemon = Daemon::start(&database).await;
    let mut changes = daemon.live.subscribe();
    let ticket = daemon.open("fibre/link-1").await;
    match changes.recv().await.unwrap() {
        Change::Ticket(event) => assert_eq!((event.seq, &event.ticket), (1, &ticket.id)),
        other => panic!("{other:?}"),
    }
    daemon.writer.apply(&ticket.id, None, noted("not for the outbox"), ada()).await.unwrap();
    for _ in 0..3 {
        daemon.writer.apply(&ticket.id, None, Event::RemeasureRequested, ada()).await.unwrap();
    }
    match daemon.orders.recv().await.unwrap() {
        Order::Remeasure(targets) => assert_eq!(targets, ["link-1/far/icmp"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(daemon.writer.counters().dropped_orders(), 1, "the channel holds two");
    assert_eq!(daemon.writer.counters().events(), 5);
    assert_eq!(daemon.store.outbox_pending(10).await.unwrap(), [1], "opening is told, a note is not");
    assert!(daemon.store.outbox_delivered(1).await.unwrap());
    assert!(!daemon.store.outbox_delivered(1).await.unwrap(), "told once");
    assert_eq!(daemon.store.outbox_pending(10).await.unwrap(), Vec::<i64>::new());
    daemon.stop().await.unwrap();
}

async fn pages_are_stable_while_tickets_are_opened(database: Database) {
    let daemon = Daemon::start(&database).await;
    let mut keys = Vec::new();
    for number in 0..25 {
        keys.push(format!("k{number}"));
        daemon.open(&keys[number]).await;
        // Some share their time of registration; and times of different length must sort right.
        daemon.clock.advance(TimeDelta::microseconds([0, 0, 544, 400_000, 1_000_000][number % 5]));
    }
    let filter = TicketFilter::default();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = daemon.store.tickets(&filter, cursor.as_ref(), 4).await.unwrap();
        assert!(page.tickets.len() <= 4);
        seen.extend(page.tickets.into_iter().map(|ticket| ticket.key));
        daemon.open(&format!("late {}", seen.len())).await;
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    keys.sort();
    assert_eq!(sorted, keys, "each of the first 25 once, none of the late ones");
    assert_eq!(seen.first().map(String::as_str), Some("k24"), "newest first");
    daemon.stop().await.unwrap();
}

async fn lists_are_filtered_by_every_field(database: Database) {
    let daemon = Daemon::start(&database).await;
    let first = daemon.open("a").await;
    daemon.clock.advance(TimeDelta::seconds(10));
    let mut other = fault("b");
    other.class = Class::C;
    other.cause = Cause::GatewayDown;
    other.segment = "gateway-7".to_owned();
    other.severity = Severity::Minor;
    daemon.writer.carry_out(1, vec![open_action(other)]).await.unwrap();
    daemon.writer.apply(&first.id, None, Event::Acknowledged, ada()).await.unwrap();
    let later = noon() + TimeDelta::seconds(5);
    let cases = [
        (
            TicketFilter { states: vec![State::InProgress, State::Closed], ..TicketFilter::default() },
            vec!["a"],
        ),
        (TicketFilter { open: Some(true), ..TicketFilter::default() }, vec!["b", "a"]),
        (TicketFilter { open: Some(false), ..TicketFilter::default() }, vec![]),
        (TicketFilter { classes: vec![Class::C], ..TicketFilter::default() }, vec!["b"]),
        (TicketFilter { severities: vec![Severity::Major], ..TicketFilter::default() }, vec!["a"]),
        (TicketFilter { segment: Some("gateway-7".to_owned()), ..TicketFilter::default() }, vec!["b"]),
        (TicketFilter { segment: Some("' OR 1=1 --\0".to_owned()), ..TicketFilter::default() }, vec![]),
        (TicketFilter { owner: Some("ada".to_owned()), ..TicketFilter::default() }, vec!["a"]),
        (TicketFilter { from: Some(later), ..TicketFilter::default() }, vec!["b"]),
        (TicketFilter { to: Some(later), ..TicketFilter::default() }, vec!["a"]),
    ];
    for (filter, expected) in cases {
        let page = daemon.store.tickets(&filter, None, 50).await.unwrap();
        let keys: Vec<&str> = page.tickets.iter().map(|ticket| ticket.key.as_str()).collect();
        assert_eq!(keys, expected, "{filter:?}");
        assert_eq!(page.next, None);
    }
    daemon.stop().await.unwrap();
}

async fn planning_sees_unfinished_tickets_and_the_newest_final_one_of_each_key(database: Database) {
    let daemon = Daemon::start(&database).await;
    let cancel = || Event::Cancelled { reason: "drill".to_owned() };
    for round in 0..3 {
        let ticket = daemon.open("again").await;
        daemon.clock.advance(TimeDelta::seconds(round + 1));
        daemon.writer.apply(&ticket.id, None, cancel(), ada()).await.unwrap();
    }
    let forgotten = daemon.open("forgotten").await;
    daemon.writer.apply(&forgotten.id, None, cancel(), ada()).await.unwrap();
    daemon.open("open").await;
    let keys = ["again".to_owned(), "open".to_owned(), "never".to_owned()];
    let tickets = daemon.store.tickets_for_planning(&keys).await.unwrap();
    let seen: Vec<(&str, u32)> =
        tickets.iter().map(|ticket| (ticket.key.as_str(), ticket.number.count)).collect();
    assert_eq!(seen, [("open", 5), ("again", 3)]);
    daemon.stop().await.unwrap();
}

async fn a_plan_carried_out_twice_changes_nothing_the_second_time(database: Database) {
    let daemon = Daemon::start(&database).await;
    let settings = TicketSettings::default();
    let mut seen = fault("fibre/link-1");
    let keys = [seen.key.clone()];
    let lives = [
        FaultState::Raised { at: noon() },
        FaultState::Clearing { since: noon(), raised_at: noon(), good_rounds: 1 },
        FaultState::Cleared { at: noon(), since: noon() },
    ];
    for (generation, life) in (1..).zip(lives) {
        seen.life = life;
        let tickets = daemon.store.tickets_for_planning(&keys).await.unwrap();
        let actions = plan(std::slice::from_ref(&seen), &tickets, &settings, noon());
        assert!(!actions.is_empty());
        assert_eq!(daemon.writer.carry_out(generation, actions.clone()).await.unwrap().len(), 1);
        assert_eq!(daemon.writer.carry_out(generation, actions).await.unwrap(), []);
    }
    assert_eq!(database.count("SELECT COUNT(*) FROM ticket_event").await, 3);
    daemon.stop().await.unwrap();
}

async fn text_that_a_database_cannot_keep_does_not_stop_anybody(database: Database) {
    let daemon = Daemon::start(&database).await;
    let ticket = daemon.open("fibre/link-1\0").await;
    let other = daemon.open("other").await;
    let strange = "a\0b\u{1}\u{ffff}'\"\\u0000".to_owned();
    let correction = Event::DiagnosisCorrected {
        cause: Cause::Fibre,
        class: Class::B,
        segment: strange.clone(),
        side: Side::Carrier,
        note: Some(strange.clone()),
    };
    let corrected = daemon.writer.apply(&ticket.id, None, correction.clone(), Actor(strange));
    let (corrected, beside) =
        tokio::join!(corrected, daemon.writer.apply(&other.id, None, noted("beside"), ada()));
    assert_eq!(corrected.unwrap().version, 2);
    beside.unwrap();
    let read = daemon.store.ticket(&ticket.id).await.unwrap().unwrap();
    assert_eq!(read.segment.as_deref(), Some("a\u{fffd}b\u{1}\u{ffff}'\"\\u0000"));
    let events = daemon.store.ticket_events(&ticket.id, 0, 10).await.unwrap();
    assert_eq!(events[1].event, correction, "the payload is kept byte for byte");
    assert_eq!(daemon.store.check().await.unwrap().broken_at, None);
    daemon.stop().await.unwrap();
}

async fn one_damaged_ticket_does_not_hold_up_the_others(database: Database) {
    let daemon = Daemon::start(&database).await;
    let damaged = daemon.open("damaged").await;
    let sound = daemon.open("sound").await;
    database.tamper("UPDATE ticket SET body = '{}' WHERE dedupe_key = 'damaged'").await;
    let told = daemon.store.ticket(&damaged.id).await.unwrap_err().to_string();
    assert!(told.contains("ticket.body") && told.contains(&damaged.id.0), "{told}");
    let actions = vec![
        planned(&damaged, noted("x")),
        planned(&sound, noted("y")),
        open_action(fault("damaged")),
        open_action(fault("new")),
    ];
    let changed = daemon.writer.carry_out(1, actions).await.unwrap();
    assert_eq!(changed.iter().map(|ticket| ticket.key.as_str()).collect::<Vec<_>>(), ["sound", "new"]);
    let alone = daemon.writer.apply(&damaged.id, None, noted("z"), ada()).await;
    assert!(matches!(alone, Err(WriteError::Store(_))), "{alone:?}");
    assert_eq!(daemon.store.tickets_for_planning(&[]).await.unwrap().len(), 2);
    daemon.stop().await.unwrap();
}

async fn times_of_a_ticket_never_go_back_when_the_clock_does(database: Database) {
    let daemon = Daemon::start(&database).await;
    let ticket = daemon.open("fibre/link-1").await;
    daemon.clock.advance(TimeDelta::hours(-1));
    daemon.writer.apply(&ticket.id, None, noted("later"), ada()).await.unwrap();
    let events = daemon.store.ticket_events(&ticket.id, 0, 10).await.unwrap();
    assert!(events[1].at >= events[0].at);
    daemon.stop().await.unwrap();
}
