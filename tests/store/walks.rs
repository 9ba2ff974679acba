//! Walks through the decision trees on both databases: recorded step by step, whole or not at all, and read back.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::walks::WantedWalk;
use linesman::store::{NewToken, Role, WriteError};
use linesman::ticket::walk::{Evidence, Wanted};
use linesman::ticket::{Actor, Event, Ticket};
use linesman_process::tree::Measured;

use crate::fixture::{Daemon, Database};
use crate::on_both;

on_both! {
    r57_an_answer_is_recorded_with_what_measurements_say_and_the_walk_is_read_back,
    r57_a_refused_answer_leaves_no_step_of_its_measurements_behind,
    r57_two_who_answer_at_once_do_not_answer_twice,
}

async fn technician(daemon: &Daemon) -> Actor {
    let expires_at = daemon.clock.now_utc() + TimeDelta::days(9);
    let token = NewToken { name: "tom".to_owned(), role: Role::Technician, expires_at };
    daemon.store.create_token(&token).await.expect("a token");
    Actor("tom".to_owned())
}

fn answer(node: &str, answer: &str, details: &[&str]) -> WantedWalk {
    let details: BTreeMap<String, String> =
        details.iter().map(|name| ((*name).to_owned(), "said".to_owned())).collect();
    let measured =
        [("B2", true), ("B4", true), ("B5", true)].map(|(node, answer)| Measured::new(node, answer));
    WantedWalk {
        wanted: Wanted::Answer { node: node.to_owned(), answer: answer.to_owned(), details, evidence: None },
        evidence: vec![Evidence { reference: "look 1".to_owned(), measured: measured.to_vec() }],
        texts: Vec::new(),
    }
}

async fn opened(daemon: &Daemon) -> Ticket {
    let ticket = daemon.open("server-1").await;
    assert!(ticket.process.walks.is_empty(), "nobody has asked for a walk");
    ticket
}

async fn r57_an_answer_is_recorded_with_what_measurements_say_and_the_walk_is_read_back(database: Database) {
    let daemon = Daemon::start(&database).await;
    let (tom, ticket) = (technician(&daemon).await, opened(&daemon).await);
    let wanted = answer("B8", "done", &["fault", "correction"]);
    let walked = daemon.writer.walk(&ticket.id, Some(ticket.version), wanted, tom).await.expect("walked");
    let run = &walked.process.walks[0];
    assert_eq!(run.nodes(), ["B2", "B4", "B5", "B8", "B9"]);
    assert_eq!(daemon.store.ticket(&ticket.id).await.unwrap().as_ref(), Some(&walked));
    let events = daemon.store.ticket_events(&ticket.id, 0, 100).await.unwrap();
    let told: Vec<(&str, &str)> =
        events.iter().map(|event| (event.event.name(), event.actor.0.as_str())).collect();
    let step = |who| ("walked", who);
    let all = [
        ("opened", "linesman"),
        ("walk_begun", "tom"),
        step("linesman"),
        step("linesman"),
        step("linesman"),
        step("tom"),
    ];
    assert_eq!(told, all);
    let report = daemon.store.check().await.unwrap();
    assert_eq!((report.broken_at, report.damage), (None, Vec::new()));
    daemon.stop().await.unwrap();
    // As after a death: versions and path are those of the database.
    let daemon = Daemon::start(&database).await;
    let known = daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket");
    assert_eq!(known.process.walks, walked.process.walks);
    assert_eq!(known.process.walks[0].versions().len(), 7, "it keeps the versions of all trees (R114)");
    daemon.stop().await.unwrap();
}

async fn r57_a_refused_answer_leaves_no_step_of_its_measurements_behind(database: Database) {
    let daemon = Daemon::start(&database).await;
    let (tom, ticket) = (technician(&daemon).await, opened(&daemon).await);
    for (wanted, by) in [
        (answer("B8", "done", &[]), tom.clone()),
        (answer("B9", "yes", &["proof"]), tom.clone()),
        (answer("B8", "done", &["fault", "correction"]), Actor("nobody".to_owned())),
    ] {
        let refused = daemon.writer.walk(&ticket.id, None, wanted, by).await;
        assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    }
    assert_eq!(daemon.store.ticket(&ticket.id).await.unwrap(), Some(ticket.clone()));
    // A step that somebody makes by hand is checked like any other.
    let walked = daemon
        .writer
        .walk(&ticket.id, None, answer("B8", "done", &["fault", "correction"]), tom.clone())
        .await
        .expect("walked");
    let mut step = walked.process.walks[0].path()[3].clone();
    step.at += TimeDelta::seconds(1);
    let forged = Event::from(linesman::ticket::Deed::Walked { step });
    let refused = daemon.writer.apply(&ticket.id, None, forged, tom).await;
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    daemon.stop().await.unwrap();
}

async fn r57_two_who_answer_at_once_do_not_answer_twice(database: Database) {
    let daemon = Daemon::start(&database).await;
    let (tom, ticket) = (technician(&daemon).await, opened(&daemon).await);
    let one =
        || daemon.writer.walk(&ticket.id, None, answer("B8", "done", &["fault", "correction"]), tom.clone());
    let (first, second) = tokio::join!(one(), one());
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "{first:?} {second:?}");
    let known = daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket");
    assert_eq!(known.process.walks[0].nodes(), ["B2", "B4", "B5", "B8", "B9"]);
    daemon.stop().await.unwrap();
}
