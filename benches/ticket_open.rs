//! Durable ticket opens a second on SQLite, alone and with 64 callers who share commits.
//!
//! What one costs is bound by the disk's flush; what many cost shows the group commit. Compare
//! runs of one machine only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linesman::clock::SystemClock;
use linesman::diagnosis::{Cause, Class, Fault, FaultState, Severity, Side};
use linesman::inventory::ElementKind;
use linesman::live::Live;
use linesman::locale::Message;
use linesman::store::Store;
use linesman::store::writer::{self, TicketWriter};
use linesman::ticket::wanted::Action;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn open() -> Vec<Action> {
    let began = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let fault = Fault {
        key: format!("fibre/link-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        aliases: Vec::new(),
        class: Class::B,
        cause: Cause::Fibre,
        segment: "link-1".to_owned(),
        segment_kind: ElementKind::Link,
        side: Side::Carrier,
        confidence: 0.97,
        severity: Severity::Major,
        life: FaultState::Raised { at: began },
        began,
        last_seen: began,
        loss_ratio: Some(1.0),
        affected_elements: (1..=8).map(|number| format!("trunk-{number}")).collect(),
        affected_customers: (1..=20).map(|number| format!("customer-{number}")).collect(),
        targets: vec!["link-1/far/icmp".to_owned()],
        steps: Vec::new(),
        headline: Message::new("fault.headline").with("segment", "link-1"),
        reasons: vec![Message::new("reason.loss").with("loss", "100 %")],
        why_not: Vec::new(),
        hops: Vec::new(),
    };
    vec![Action::Open { fault: Box::new(fault), candidate: false, follows: None }]
}

/// Opens `tickets` tickets with so many callers at once; each waits for its acknowledgement.
async fn open_all(writer: &TicketWriter, tickets: u64, callers: u64) -> Duration {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for caller in 0..callers {
        let share = tickets / callers + u64::from(caller < tickets % callers);
        let writer = writer.clone();
        running.spawn(async move {
            for _ in 0..share {
                let opened = writer.carry_out(1, open()).await.expect("opened");
                assert_eq!(opened.len(), 1);
            }
        });
    }
    running.join_all().await;
    begun.elapsed()
}

fn ticket_open(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let mut group = criterion.benchmark_group("ticket_open_sqlite");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(8));
    for callers in [1, 64] {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("linesman.db").display());
        let (writer, queue) = writer::channel();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        runtime.block_on(async {
            let store = Store::open(&url, Arc::new(SystemClock)).await.expect("open");
            let (orders, _) = tokio::sync::mpsc::channel(1);
            let live = Arc::new(Live::default());
            tasks.spawn(writer::run(store, queue, live, orders, stop.clone(), CancellationToken::new()));
        });
        group.bench_function(BenchmarkId::new("callers", callers), |bencher| {
            bencher.iter_custom(|tickets| runtime.block_on(open_all(&writer, tickets, callers)));
        });
        stop.cancel();
        runtime.block_on(tasks.join_next());
        let counters = writer.counters();
        eprintln!("{callers} callers: {} opens in {} commits", counters.events(), counters.commits());
    }
    group.finish();
}

criterion_group!(benches, ticket_open);
criterion_main!(benches);
