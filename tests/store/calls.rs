//! Calls are kept with their numbers sealed, found, replaced and forgotten, on both databases.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use linesman::privacy::{CountryCode, Keyring};
use linesman::store::{Attachment, CallFilter, Store, StoreError};
use linesman::voice::call::{Ended, KeptCall};
use linesman::voice::told::{CallWord, EndpointWord, Told};

use crate::fixture::{Daemon, Database, noon};

crate::on_both! {
    numbers_of_calls_are_sealed_and_still_found,
    a_call_that_ended_long_ago_is_forgotten_with_all_it_is_found_by,
    without_keys_a_call_is_kept_without_its_numbers,
    what_endpoints_say_stands_beside_the_call_and_a_later_word_replaces_the_earlier,
    a_file_of_a_ticket_is_sealed_bounded_in_number_and_forgotten_with_the_calls,
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
        passages: Vec::new(),
        renegotiated: false,
        fax: false,
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

fn word(call: &str, hours: i64, lost: i64) -> CallWord {
    let at = noon() + TimeDelta::hours(hours);
    let word = EndpointWord {
        reporter: "192.0.2.9:4001".to_owned(),
        about: "192.0.2.1:4000".to_owned(),
        ssrc: Some("0x00000007".to_owned()),
        first: at,
        last: at,
        told: Told { reports: 1, lost: Some(lost), ..Told::default() },
    };
    CallWord { call: call.to_owned(), word }
}

async fn what_endpoints_say_stands_beside_the_call_and_a_later_word_replaces_the_earlier(database: Database) {
    let daemon = Daemon::start(&database).await;
    let store = &daemon.store;
    store.append_words(&[word("one", 0, 3), word("two", 0, 1), word("one-leg", 1, 8)]).await.unwrap();
    store.append_words(&[word("one", 2, 5)]).await.unwrap();
    let lost = async |calls: &[&str]| -> Vec<Option<i64>> {
        let calls: Vec<String> = calls.iter().map(|call| (*call).to_owned()).collect();
        let words = store.words_of(&calls).await.unwrap();
        words.into_iter().map(|word| word.told.lost).collect()
    };
    assert_eq!(lost(&["one", "one-leg"]).await, [Some(5), Some(8)]);
    assert_eq!(store.forget_voice_evidence(noon() + TimeDelta::minutes(90)).await.unwrap(), 2);
    assert_eq!(lost(&["one", "one-leg", "two"]).await, [Some(5)]);
    daemon.stop().await.unwrap();
}

async fn a_file_of_a_ticket_is_sealed_bounded_in_number_and_forgotten_with_the_calls(database: Database) {
    let daemon = Daemon::start(&database).await;
    let ticket = daemon.open("trunk-1").await;
    let file = |call: &str, hours: i64, content: &[u8]| {
        Attachment::new(&ticket.id, call, content, noon() + TimeDelta::hours(hours))
    };
    let content = b"\xd4\xc3\xb2\xa1 capture of a call";
    let first = file("one", 0, content);
    let refused = daemon.store.attach(&ticket.id, &first, content, 2).await;
    assert!(matches!(refused, Err(StoreError::NoKey)), "without a key nothing is kept: {refused:?}");
    daemon.store.use_keys(keys()).await.unwrap();
    assert!(daemon.store.attach(&ticket.id, &first, content, 2).await.unwrap());
    assert!(!daemon.store.attach(&ticket.id, &first, content, 2).await.unwrap(), "the same once");
    let second = file("two", 5, b"another");
    assert!(daemon.store.attach(&ticket.id, &second, b"another", 2).await.unwrap());
    assert!(
        !daemon.store.attach(&ticket.id, &file("three", 6, b"x"), b"x", 2).await.unwrap(),
        "two are enough"
    );
    let clear = "SELECT COUNT(*) FROM ticket_attachment WHERE content_enc LIKE '%capture%' \
                 OR content_enc LIKE '%1MOyoSBjYXB0dXJl%'";
    assert_eq!(database.count(clear).await, 0);
    assert_eq!(daemon.store.attachments(&ticket.id).await.unwrap(), [first.clone(), second.clone()]);
    let read = daemon.store.attachment(&ticket.id, &first.id).await.unwrap().expect("there");
    assert_eq!(read, (first.clone(), content.to_vec()));
    let stranger = linesman::ticket::TicketId("another".to_owned());
    assert_eq!(daemon.store.attachment(&stranger, &first.id).await.unwrap(), None, "of its own ticket alone");
    assert!(daemon.store.holds_personal_data().await.unwrap());
    assert_eq!(daemon.store.forget_voice_evidence(noon() + TimeDelta::hours(1)).await.unwrap(), 1);
    assert_eq!(daemon.store.attachments(&ticket.id).await.unwrap(), [second]);
    daemon.stop().await.unwrap();
}
