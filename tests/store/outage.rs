//! Many complaints, one outage; tickets that become one and one that becomes two (tickets.md 5.2 to 5.4).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use linesman::clock::Clock as _;
use linesman::metrics::Metrics;
use linesman::settings::{Settings, parse};
use linesman::store::process::WantedTicket;
use linesman::store::{TicketFilter, WriteError};
use linesman::ticket::registration::CustomerRef;
use linesman::ticket::{
    Actor, Channel, Deed, Event, Intake, Registration, State, Ticket, TicketId, TicketKind, TicketText,
};
use linesman::workers::outage::Outages;
use linesman_deadlines::policy::{Level, Urgency};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Daemon, Database, fault, open_action};
use crate::on_both;

on_both! {
    r29_a_merged_ticket_leaves_its_keys_to_its_successor_so_that_no_second_one_is_opened,
    r29_a_ticket_is_split_into_two_whole_or_not_at_all,
    r60_r99_five_complaints_on_one_element_are_an_outage_that_becomes_the_measured_fault,
    r104_only_a_closed_ticket_is_followed_by_another,
}

const NETWORK: &str = r#"
[[server]]
name = "server-1"
address = "198.51.100.1"

[[device]]
name = "switch-1"
address = "198.51.100.2"

[[access]]
name = "line-1"
device = "switch-1"
address = "198.51.100.11"

[[access]]
name = "line-2"
device = "switch-1"
address = "198.51.100.12"

[[access]]
name = "line-3"
device = "switch-1"
address = "198.51.100.13"

[[access]]
name = "line-4"
device = "switch-1"
address = "198.51.100.14"

[[access]]
name = "line-5"
device = "switch-1"
address = "198.51.100.15"
"#;

fn lin() -> Actor {
    Actor("lin".to_owned())
}

fn complaint(customer: &str, element: Option<&str>, received_at: DateTime<Utc>) -> WantedTicket {
    let text = TicketText { salt: "chance".to_owned(), ..TicketText::of("no calls") };
    WantedTicket {
        intake: Intake {
            kind: TicketKind::Complaint,
            registration: Registration {
                channel: Channel::Phone,
                customer: Some(CustomerRef { customer: customer.to_owned(), contact: None }),
                caller: None,
                element: element.map(str::to_owned),
                received_at,
                urgency: Urgency::General,
                expected_by: None,
                nature: None,
                product_model: None,
                purchased_on: None,
                warranty: None,
                referral: None,
                tags: Vec::new(),
                read_back: true,
                text_sha256: String::new(),
            },
            first_owner: "lin".to_owned(),
            department: None,
            level: Some(Level::Blue),
            parent: None,
            follows: None,
        },
        text,
        key: None,
    }
}

/// A daemon that knows the customers `c-1` to `c-6`.
async fn people(database: &Database) -> Daemon {
    let daemon = Daemon::with_people(database).await;
    for n in 2..=6 {
        let customer = format!(
            "INSERT INTO customer (id, version, kind, key_account, privacy_class, created_at, created_by, updated_at) \
             VALUES ('c-{n}', 1, 'existing', FALSE, 'normal', '2026-11-20T12:00:00Z', 'lin', '2026-11-20T12:00:00Z')"
        );
        database.tamper(&customer).await;
    }
    daemon
}

async fn register(daemon: &Daemon, wanted: WantedTicket) -> Ticket {
    daemon.writer.register(wanted, lin()).await.expect("registered").ticket
}

async fn does(daemon: &Daemon, id: &TicketId, event: impl Into<Event>) -> Ticket {
    daemon.writer.apply(id, None, event.into(), lin()).await.expect("done")
}

async fn now(daemon: &Daemon, id: &TicketId) -> Ticket {
    daemon.store.ticket(id).await.unwrap().expect("there")
}

async fn r29_a_merged_ticket_leaves_its_keys_to_its_successor_so_that_no_second_one_is_opened(
    database: Database,
) {
    let daemon = people(&database).await;
    let (one, other) = (daemon.open("line/1").await, daemon.open("line/2").await);
    let child = register(&daemon, complaint("c-1", None, daemon.clock.now_utc())).await;
    does(&daemon, &child.id, Deed::Linked { parent: Some(one.id.clone()) }).await;
    does(&daemon, &one.id, Deed::Merged { into: other.id.clone() }).await;
    let (merged, successor) = (now(&daemon, &one.id).await, now(&daemon, &other.id).await);
    assert_eq!((merged.state, merged.process.merged_into), (State::Cancelled, Some(other.id.clone())));
    assert!(successor.answers_to("line/1") && successor.answers_to("line/2"));
    assert_eq!(now(&daemon, &child.id).await.process.parent, Some(other.id.clone()));
    let again = daemon.writer.carry_out(2, vec![open_action(fault("line/1"))]).await.unwrap();
    assert!(again.is_empty(), "it is told of already: {again:?}");
    // Not into what is over, not into itself, not a measured one into one that people registered.
    for into in [one.id.clone(), other.id.clone(), child.id.clone()] {
        let merged = Event::from(Deed::Merged { into });
        let refused = daemon.writer.apply(&other.id, None, merged, lin()).await;
        assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    }
    daemon.stop().await.unwrap();
}

async fn r29_a_ticket_is_split_into_two_whole_or_not_at_all(database: Database) {
    let daemon = people(&database).await;
    let ticket = register(&daemon, complaint("c-1", None, daemon.clock.now_utc())).await;
    let part = || complaint("c-1", None, ticket.registered_at);
    let stale = daemon.writer.split(&ticket.id, Some(9), part(), lin()).await;
    assert!(matches!(stale, Err(WriteError::Conflict(_))), "{stale:?}");
    let other = daemon.writer.split(&ticket.id, Some(1), part(), lin()).await.expect("split").ticket;
    assert_eq!(other.process.split_from, Some(ticket.id.clone()));
    assert_eq!(now(&daemon, &ticket.id).await.process.split_into, std::slice::from_ref(&other.id));
    let measured = daemon.open("line/1").await;
    let refused = daemon.writer.split(&measured.id, None, part(), lin()).await;
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    let all = daemon.store.tickets(&TicketFilter::default(), None, 10).await.unwrap().tickets;
    assert_eq!(all.len(), 3, "what was refused left nothing behind");
    daemon.stop().await.unwrap();
}

fn settings() -> Settings {
    parse("test", NETWORK, []).expect("fine").settings
}

fn outages(daemon: &Daemon) -> Outages {
    let (_, settings) = watch::channel(Arc::new(settings()));
    Outages {
        settings,
        store: daemon.store.clone(),
        writer: daemon.writer.clone(),
        orders: mpsc::channel(64).0,
        metrics: Arc::new(Metrics::new()),
        clock: daemon.clock.clone(),
        soft: CancellationToken::new(),
    }
}

async fn five(daemon: &Daemon) -> Vec<Ticket> {
    let mut all = Vec::new();
    for n in 1..=5 {
        let line = format!("line-{n}");
        let wanted = complaint(&format!("c-{n}"), Some(&line), daemon.clock.now_utc());
        all.push(register(daemon, wanted).await);
    }
    all
}

async fn r60_r99_five_complaints_on_one_element_are_an_outage_that_becomes_the_measured_fault(
    database: Database,
) {
    let daemon = people(&database).await;
    let outages = outages(&daemon);
    let children = five(&daemon).await;
    let late = daemon.clock.now_utc();
    for _ in 0..2 {
        outages.look(late).await.unwrap();
    }
    let faults = TicketFilter { kind: Some(TicketKind::Fault), ..TicketFilter::default() };
    let declared = daemon.store.tickets(&faults, None, 10).await.unwrap().tickets;
    assert_eq!(declared.len(), 1, "once: {declared:?}");
    let outage = &declared[0];
    assert!(outage.process.is_outage && outage.segment.as_deref() == Some("switch-1"), "{outage:?}");
    for child in &children {
        let child = now(&daemon, &child.id).await;
        assert_eq!(child.process.parent.as_ref(), Some(&outage.id));
        assert_eq!(child.state, State::Registered, "it keeps its own way");
    }
    // A sixth complaint goes below it, a customer who was taken from it does not.
    let sixth = register(&daemon, complaint("c-6", Some("line-1"), daemon.clock.now_utc())).await;
    does(&daemon, &children[0].id, Deed::Linked { parent: None }).await;
    outages.look(daemon.clock.now_utc()).await.unwrap();
    assert_eq!(now(&daemon, &sixth.id).await.process.parent.as_ref(), Some(&outage.id));
    assert_eq!(now(&daemon, &children[0].id).await.process.parent, None);

    // Then the fault is measured on the same element: one ticket goes on, with the children of both.
    let mut seen = fault("device/switch-1");
    seen.segment = "switch-1".to_owned();
    let measured = daemon.writer.carry_out(2, vec![open_action(seen)]).await.unwrap().remove(0);
    outages.look(daemon.clock.now_utc()).await.unwrap();
    assert_eq!(now(&daemon, &outage.id).await.process.merged_into, Some(measured.id.clone()));
    assert_eq!(now(&daemon, &children[1].id).await.process.parent, Some(measured.id.clone()));
    daemon.stop().await.unwrap();
}

async fn r104_only_a_closed_ticket_is_followed_by_another(database: Database) {
    let daemon = people(&database).await;
    let first = register(&daemon, complaint("c-1", None, daemon.clock.now_utc())).await;
    let mut next = complaint("c-1", None, daemon.clock.now_utc());
    next.intake.follows = Some(first.id.clone());
    let refused = daemon.writer.register(next.clone(), lin()).await;
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    does(&daemon, &first.id, Event::Cancelled { reason: "withdrawn".to_owned() }).await;
    let second = register(&daemon, next).await;
    assert_eq!(second.follows, Some(first.id));
    daemon.stop().await.unwrap();
}
