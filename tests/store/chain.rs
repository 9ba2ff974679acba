//! The chain over events: whatever is done to it behind the store's back is found.

use linesman::store::CheckReport;
use linesman::ticket::event::{Actor, Event, Visibility};

use crate::fixture::{Daemon, Database};
use crate::on_both;

on_both! {
    a_sound_database_is_called_sound,
    every_kind_of_tampering_is_found_where_it_was_done,
}

async fn with_ten_events(database: &Database) -> Daemon {
    let daemon = Daemon::start(database).await;
    let first = daemon.open("a").await;
    let second = daemon.open("b").await;
    for number in 0..8 {
        let id = if number % 2 == 0 { &first.id } else { &second.id };
        let note = Event::Noted { text: format!("note {number}"), visibility: Visibility::Internal };
        daemon.writer.apply(id, None, note, Actor("ada".to_owned())).await.expect("noted");
    }
    daemon
}

async fn a_sound_database_is_called_sound(database: Database) {
    let daemon = Daemon::start(&database).await;
    let empty = CheckReport { damage: vec![], events: 0, broken_at: None, head: None };
    assert_eq!(daemon.store.check().await.unwrap(), empty);
    daemon.stop().await.unwrap();
    let daemon = with_ten_events(&database).await;
    let report = daemon.store.check().await.unwrap();
    let last = daemon.store.events_after(9, 10).await.unwrap().remove(0);
    let sound = CheckReport { damage: vec![], events: 10, broken_at: None, head: Some(last.hash) };
    assert_eq!(report, sound);
    daemon.stop().await.unwrap();
}

async fn every_kind_of_tampering_is_found_where_it_was_done(database: Database) {
    let daemon = with_ten_events(&database).await;
    let swap = |column: &str| {
        format!(
            "UPDATE ticket_event SET {column} = (SELECT o.{column} FROM ticket_event o WHERE o.seq = 11 - ticket_event.seq) \
             WHERE seq IN (5, 6)"
        )
    };
    let cases = [
        (
            "UPDATE ticket_event SET payload = REPLACE(payload, 'note 2', 'note 3') WHERE seq = 5".to_owned(),
            5,
        ),
        ("UPDATE ticket_event SET actor = 'eve' WHERE seq = 7".to_owned(), 7),
        ("UPDATE ticket_event SET ticket_id = 'another' WHERE seq = 3".to_owned(), 3),
        ("UPDATE ticket_event SET at = '2026-11-20T12:00:00.123457+00:00' WHERE seq = 4".to_owned(), 4),
        ("UPDATE ticket_event SET hash = prev_hash WHERE seq = 6".to_owned(), 6),
        ("DELETE FROM ticket_event WHERE seq = 1".to_owned(), 1),
        ("DELETE FROM ticket_event WHERE seq = 8".to_owned(), 8),
        (swap("payload"), 5),
    ];
    database.tamper("CREATE TABLE kept AS SELECT * FROM ticket_event").await;
    for (tampering, place) in cases {
        database.tamper(&tampering).await;
        let report = daemon.store.check().await.unwrap();
        assert_eq!((report.broken_at, report.events), (Some(place), place - 1), "{tampering}");
        database.tamper("DELETE FROM ticket_event; INSERT INTO ticket_event SELECT * FROM kept").await;
        assert_eq!(daemon.store.check().await.unwrap().broken_at, None);
    }
    database.tamper("DELETE FROM ticket_event WHERE seq = 10").await;
    let report = daemon.store.check().await.unwrap();
    assert!(
        report.damage.iter().any(|word| word.contains("another version than it has events")),
        "an end cut off shows at its ticket: {report:?}"
    );
    daemon.stop().await.unwrap();
}
