//! Months of tickets: counted, frozen once, kept as they were.

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::Clock as _;
use linesman::metrics::Metrics;
use linesman::statistics::duty::{self, Done, Duty};
use linesman::statistics::{Frozen, Month};
use linesman::store::StoreError;
use linesman::ticket::Actor;
use linesman::workers::months;
use linesman_deadlines::ClockState;
use linesman_process::statistics::Value;

use crate::fixture::{Daemon, Database};
use crate::on_both;
use crate::process::registered;

on_both! {
    r81_what_a_month_asks_of_people_is_asked_for_once_and_done_once,
    r81_r115_a_month_that_is_over_is_frozen_once_and_stays_as_it_was,
    r115_a_frozen_month_that_somebody_changed_is_refused,
    r81_a_daemon_that_was_away_makes_up_for_the_months_it_missed_oldest_first,
}

fn volume(frozen: &Frozen) -> Value {
    frozen.content.figures.iter().find(|row| row.id == "volume").expect("a figure").value
}

async fn r81_r115_a_month_that_is_over_is_frozen_once_and_stays_as_it_was(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.open("server-1").await;
    let now = daemon.clock.now_utc();
    let month = Month::of(now);
    assert!(months::freeze(&daemon.store, now).await.unwrap().is_empty(), "the month runs");
    let over = month.period().to;
    assert_eq!(months::freeze(&daemon.store, over).await.unwrap(), [month]);
    assert!(months::freeze(&daemon.store, over).await.unwrap().is_empty(), "once");
    let frozen = daemon.store.frozen_month(month).await.unwrap().expect("frozen");
    assert_eq!((volume(&frozen), frozen.by.as_str()), (Value::Count { number: 1 }, "linesman"));

    // What happens afterwards changes the count, and not what was frozen.
    daemon.open("server-2").await;
    let again = daemon.store.count_month(month, over).await.unwrap();
    let differences = again.differences(&frozen.content);
    assert_eq!(differences[0].id, "volume");
    assert_eq!(differences[0].now, Some(Value::Count { number: 2 }));
    assert!(!daemon.store.freeze_month(&Frozen::of(again, over, "wu")).await.unwrap(), "it stays");
    assert_eq!(daemon.store.frozen_month(month).await.unwrap(), Some(frozen.clone()));
    let list = daemon.store.frozen_months().await.unwrap();
    assert_eq!((list.len(), &list[0].sha256), (1, &frozen.sha256));
    daemon.stop().await.unwrap();
}

async fn r115_a_frozen_month_that_somebody_changed_is_refused(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.open("server-1").await;
    let month = Month::of(daemon.clock.now_utc());
    months::freeze(&daemon.store, month.period().to).await.unwrap();
    database.tamper("UPDATE monthly_report SET sha256 = 'other'").await;
    let read = daemon.store.frozen_month(month).await;
    assert!(matches!(read, Err(StoreError::Inconsistent { .. })), "{read:?}");
    daemon.stop().await.unwrap();
}

async fn r81_a_daemon_that_was_away_makes_up_for_the_months_it_missed_oldest_first(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.open("server-1").await;
    let first = Month::of(daemon.clock.now_utc());
    let back: DateTime<Utc> = first.after().after().period().from + TimeDelta::hours(1);
    assert_eq!(months::freeze(&daemon.store, back).await.unwrap(), [first, first.after()]);
    let second = daemon.store.frozen_month(first.after()).await.unwrap().expect("frozen");
    let before = second.content.before.as_ref().expect("the month before");
    assert_eq!((before.volume, second.content.report.volume), (1, 0));
    assert_eq!(Actor::linesman().0, second.by);
    daemon.stop().await.unwrap();
}

async fn r81_what_a_month_asks_of_people_is_asked_for_once_and_done_once(database: Database) {
    let daemon = Daemon::with_people(&database).await;
    registered(&daemon).await;
    let month = Month::of(daemon.clock.now_utc());
    let over = month.period().to;
    daemon.clock.advance(over - daemon.clock.now_utc());
    months::freeze(&daemon.store, daemon.clock.now_utc()).await.unwrap();
    let metrics = Metrics::new();
    let ask = async |days: i64| -> Vec<(Duty, bool)> {
        let asked = months::ask(&daemon.store, &metrics, over + TimeDelta::days(days)).await.unwrap();
        asked.into_iter().map(|(_, call)| (call.duty, call.is_breach)).collect()
    };
    assert_eq!(ask(0).await, []);
    let states = duty::duties(month, &daemon.store.done_duties(month).await.unwrap(), over);
    assert!(states.iter().all(|state| state.done_at.is_none() && state.due_at > over), "{states:?}");
    let done = |duty| Done { duty, at: over + TimeDelta::days(2), by: "wu".to_owned(), note: String::new() };
    assert!(daemon.store.do_duty(month, &done(Duty::Summary)).await.unwrap());
    assert!(!daemon.store.do_duty(month, &done(Duty::Summary)).await.unwrap(), "once");
    assert_eq!(ask(20).await, [(Duty::Plan, true)], "what was done is not asked for");
    assert_eq!(ask(20).await, [], "and nothing twice, also after a death");
    let states =
        duty::duties(month, &daemon.store.done_duties(month).await.unwrap(), over + TimeDelta::days(20));
    assert_eq!((states[0].state, states[1].is_overdue()), (ClockState::Met, true));
    daemon.stop().await.unwrap();
}
