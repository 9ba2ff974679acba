//! 100,000 open tickets: how long one registration, one page of a filtered list and one sweep of the deadlines take,
//! on SQLite and (where Debian's programs are) PostgreSQL.
//!
//! `cargo bench --bench ticket_load` prints median, 99th percentile and worst; `cargo bench --bench ticket_load -- 10000`
//! takes fewer tickets. The bound of the project is 50 ms at the 99th percentile. Registrations are durable: the
//! disk's flush is in them. Compare runs of one machine only.
#![expect(clippy::print_stdout, reason = "its result")]
#![allow(missing_docs, reason = "a bench")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock, ManualClock};
use linesman::diagnosis::{Class, Severity};
use linesman::live::Live;
use linesman::metrics::Metrics;
use linesman::privacy::Keyring;
use linesman::settings::Settings;
use linesman::store::Store;
use linesman::store::model::TicketFilter;
use linesman::store::process::WantedTicket;
use linesman::store::writer::{self, TicketWriter};
use linesman::ticket::deed::Deed;
use linesman::ticket::process::Liability;
use linesman::ticket::{Actor, Channel, Event, Intake, Registration, State, TicketKind, TicketText};
use linesman::workers::clocks::Sweep;
use linesman_deadlines::policy::{Caller, Level, Urgency};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/support/postgres.rs"]
mod postgres;

const TICKETS: u64 = 100_000;
const CALLERS: u64 = 64;
const LOOKS: usize = 500;

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_454) + TimeDelta::hours(4)
}

fn lin() -> Actor {
    Actor("lin".to_owned())
}

fn wanted(number: u64, received_at: DateTime<Utc>) -> WantedTicket {
    let description =
        format!("Complaint {number}: calls abroad break off after a minute, mostly in the morning.");
    let kinds = [TicketKind::Complaint, TicketKind::Consultation, TicketKind::Recharge];
    let kind = kinds[usize::try_from(number % 3).unwrap_or(0)];
    WantedTicket {
        intake: Intake {
            kind,
            registration: Registration {
                channel: Channel::Phone,
                caller: Some(Caller::Prospect),
                ..Registration::automatic(
                    received_at,
                    [Urgency::Urgent, Urgency::General][usize::from(number.is_multiple_of(2))],
                )
            },
            first_owner: format!("agent-{}", number % 40),
            department: None,
            level: None,
            parent: None,
            follows: None,
        },
        text: TicketText { salt: number.to_string(), ..TicketText::of(&description) },
        key: None,
    }
}

/// Every second one is classified too: two events, more clocks.
async fn fill(writer: &TicketWriter, tickets: u64) {
    let mut running = JoinSet::new();
    for caller in 0..CALLERS {
        let writer = writer.clone();
        running.spawn(async move {
            for number in (caller..tickets).step_by(usize::try_from(CALLERS).unwrap_or(1)) {
                let ticket = writer.register(wanted(number, noon()), lin()).await.expect("registered").ticket;
                if number.is_multiple_of(2) {
                    let deed = Deed::Classified {
                        class: [Class::B, Class::C, Class::D, Class::E]
                            [usize::try_from(number / 2 % 4).unwrap_or(0)],
                        urgency: Urgency::General,
                        level: (ticket.kind == TicketKind::Complaint).then_some(Level::Yellow),
                        supervisor: None,
                        liability: Liability::Ours,
                        tags: Vec::new(),
                        cause: None,
                        segment: None,
                        side: None,
                    };
                    writer.apply(&ticket.id, None, Event::from(deed), lin()).await.expect("classified");
                }
            }
        });
    }
    running.join_all().await;
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    println!(
        "  {what:<46} median {:>7.2} ms   p99 {:>7.2} ms   worst {:>7.2} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

async fn measure(name: &str, url: &str, tickets: u64) {
    let clock = Arc::new(ManualClock::at(noon()));
    let store = Store::open(url, clock.clone()).await.expect("open");
    // What people say is sealed.
    let keys = Keyring::new(&[1; 32], &[("first".to_owned(), [2; 32])]).expect("keys");
    store.use_keys(keys).await.expect("its first");
    let (writer, queue) = writer::channel();
    let (orders, _taken) = tokio::sync::mpsc::channel(1);
    let stop = CancellationToken::new();
    let live = Arc::new(Live::default());
    let mut tasks = JoinSet::new();
    tasks.spawn(writer::run(store.clone(), queue, live, orders, stop.clone(), CancellationToken::new()));
    let begun = Instant::now();
    fill(&writer, tickets).await;
    println!(
        "{name}: {tickets} open tickets, made in {:.0} s by {CALLERS} callers",
        begun.elapsed().as_secs_f64()
    );

    let mut took = Vec::new();
    for number in 0..LOOKS as u64 {
        let begun = Instant::now();
        writer.register(wanted(number, noon()), lin()).await.expect("registered");
        took.push(begun.elapsed());
    }
    report("registration, one caller", took);

    let filters = [
        ("list, newest", TicketFilter::default()),
        (
            "list, open of class B",
            TicketFilter { open: Some(true), classes: vec![Class::B], ..TicketFilter::default() },
        ),
        ("list, one owner's", TicketFilter { owner: Some("agent-7".to_owned()), ..TicketFilter::default() }),
        (
            "list, registered complaints",
            TicketFilter {
                states: vec![State::Registered],
                kind: Some(TicketKind::Complaint),
                ..TicketFilter::default()
            },
        ),
        (
            "list, what few have and no index picks",
            TicketFilter { severities: vec![Severity::Critical], ..TicketFilter::default() },
        ),
        (
            "list, what there is none of",
            TicketFilter {
                states: vec![State::Verifying],
                segment: Some("link-1".to_owned()),
                ..TicketFilter::default()
            },
        ),
    ];
    for (what, filter) in filters {
        let mut took = Vec::new();
        for _ in 0..LOOKS {
            let begun = Instant::now();
            store.tickets(&filter, None, 50).await.expect("a page");
            took.push(begun.elapsed());
        }
        report(what, took);
    }

    let (_, settings) = watch::channel(Arc::new(Settings::default()));
    let sweep = Sweep {
        store: store.clone(),
        writer: writer.clone(),
        settings,
        metrics: Arc::new(Metrics::new()),
        clock: clock.clone(),
        soft: CancellationToken::new(),
    };
    let mut took = Vec::new();
    for _ in 0..LOOKS {
        let begun = Instant::now();
        assert_eq!(sweep.sweep(clock.now_utc()).await.expect("a sweep"), 0);
        took.push(begun.elapsed());
    }
    report("sweep of the deadlines, nothing due", took);
    stop.cancel();
    tasks.join_all().await.into_iter().for_each(|ended| ended.expect("written"));
}

#[tokio::main]
async fn main() {
    let tickets = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(TICKETS);
    let folder = tempfile::tempdir().expect("a folder");
    measure("SQLite", &format!("sqlite:{}", folder.path().join("linesman.db").display()), tickets).await;
    if let Some(url) = postgres::new_database().await {
        measure("PostgreSQL", &url, tickets).await;
    }
}
