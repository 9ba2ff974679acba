//! Calls are kept with their numbers sealed, found, replaced and forgotten, on both databases.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use linesman::privacy::{CountryCode, Keyring};
use linesman::store::{CallFilter, Store};
use linesman::voice::call::{Ended, KeptCall};

use crate::fixture::{Daemon, Database, noon};

crate::on_both! {
    numbers_of_calls_are_sealed_and_still_found,
    a_call_that_ended_long_ago_is_forgotten_with_all_it_is_found_by,
    without_keys_a_call_is_kept_without_its_numbers,
}

pub fn ended(id: &str, hours: i64, from: &str) -> Ended {
    let started_at = noon() + TimeDelta::hours(hours);
    let call = KeptCall {
        id: id.to_owned(),
        call_id: Some(format!("{id}\u{0}@host")),
        started_at,
        ended_at: started_at + TimeDelta::minutes(1),
        state: "ended".to_owned(),
        status: None,
        trunk: Some("trunk-1".to_owned()),
        gateway: None,
        customer: None,
        is_bad: hours % 2 == 0,
        loss_ratio: None,
        mos: Some((3.5, 4.25)),
        answer_ms: None,
        talk_s: Some(60.0),
        streams: Vec::new(),
        findings: Vec::new(),
        addresses: BTreeSet::from(["192.0.2.1".to_owned()]),
        also: BTreeSet::from([format!("{id}-leg")]),
    };
    Ended { call, from: Some(from.to_owned()), to: Some("4711".to_owned()) }
}

async fn found(store: &Store, filter: &CallFilter) -> Vec<String> {
    let calls = store.calls(filter, &CountryCode::default(), None, 100).await.unwrap();
    calls.into_iter().map(|stored| stored.call.id).collect()
}

fn by_number(number: &str) -> CallFilter {
    CallFilter { number: Some(number.to_owned()), ..CallFilter::default() }
}

async fn keep(store: &Store, calls: &[Ended]) {
    store.append_calls(calls, &CountryCode::default()).await.unwrap();
}

fn keys() -> Keyring {
    Keyring::new(&[1; 32], &[("k1".to_owned(), [2; 32])]).unwrap()
}

async fn numbers_of_calls_are_sealed_and_still_found(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.store.use_keys(keys()).await.unwrap();
    keep(&daemon.store, &[ended("one", 0, "138 1234 5678"), ended("two", 1, "+8613900000000")]).await;
    let clear =
        "SELECT COUNT(*) FROM voice_call WHERE from_enc LIKE '%1234%' OR from_hash LIKE '%1234%5678%'";
    assert_eq!(database.count(clear).await, 0);
    assert_eq!(found(&daemon.store, &by_number("+86 138-1234-5678")).await, ["one"]);
    assert_eq!(found(&daemon.store, &by_number("4711")).await, ["two", "one"]);
    let bad = CallFilter { is_bad: Some(true), trunk: Some("trunk-1".to_owned()), ..CallFilter::default() };
    assert_eq!(found(&daemon.store, &bad).await, ["one"]);
    let host = CallFilter { address: Some("192.0.2.1".to_owned()), ..CallFilter::default() };
    assert_eq!(found(&daemon.store, &host).await.len(), 2);
    // More of the same call came: it takes the place of what there was.
    keep(&daemon.store, &[ended("one", 0, "4712")]).await;
    let stored = daemon.store.call("one-leg").await.unwrap().expect("found by a leg");
    assert_eq!(stored.from.unwrap().in_clear(), "4712");
    assert_eq!(stored.call.call_id.as_deref(), Some("one\u{fffd}@host"));
    assert_eq!(daemon.store.call("never").await.unwrap(), None);
    daemon.stop().await.unwrap();
}

async fn a_call_that_ended_long_ago_is_forgotten_with_all_it_is_found_by(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.store.use_keys(keys()).await.unwrap();
    keep(&daemon.store, &[ended("old", -50, "1"), ended("new", 0, "2")]).await;
    assert_eq!(daemon.store.forget_calls(noon() - TimeDelta::hours(1)).await.unwrap(), 1);
    assert_eq!(found(&daemon.store, &CallFilter::default()).await, ["new"]);
    assert_eq!(
        database.count("SELECT COUNT(*) FROM voice_call_key").await,
        2,
        "a host and a leg of the new one"
    );
    daemon.stop().await.unwrap();
}

async fn without_keys_a_call_is_kept_without_its_numbers(database: Database) {
    let daemon = Daemon::start(&database).await;
    keep(&daemon.store, &[ended("one", 0, "138 1234 5678")]).await;
    let stored = daemon.store.call("one").await.unwrap().expect("kept");
    assert_eq!((stored.from, stored.to), (None, None));
    assert!(!daemon.store.holds_personal_data().await.unwrap());
    daemon.stop().await.unwrap();
}
