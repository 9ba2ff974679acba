//! Durable ticket opens a second on SQLite, alone and with 64 callers who share commits; and
//! rounds of measurement kept a second.
//!
//! What one costs is bound by the disk's flush; what many cost shows the group commit. Compare
//! runs of one machine only.
#![expect(clippy::print_stderr, reason = "how many shared a commit is part of the result")]

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
use linesman_probes::observation::{Burst, Detail, Measured, Observation, Outcome, RttSummary, Window};
use linesman_probes::probe::ProbeKind;
use linesman_probes::units::Rtt;
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
        segment_kind: Some(ElementKind::Link),
        billing: None,
        voice: None,
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

fn round(number: i64) -> Observation {
    let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(number / 2_000);
    let of = |more: u64| Rtt::from_nanos(1_000_000 + more);
    let rtt = RttSummary {
        min: of(1),
        mean: of(2),
        p50: of(3),
        p95: of(4),
        p99: of(5),
        max: of(6),
        jitter: Some(of(7)),
    };
    Observation {
        target: format!("gateway-{}/icmp", number % 2_000),
        kind: ProbeKind::Icmp,
        window: Window { start, end: start + TimeDelta::seconds(1) },
        measured: Measured {
            outcome: Outcome::Answered,
            impediment: None,
            burst: Burst { sent: 10, received: 10, duplicates: 0, rtt: Some(rtt) },
            detail: Detail::None,
        },
    }
}

/// Rounds kept a second, 2,000 in a batch: what 10,000 targets with an interval of 5 s make.
fn observations(criterion: &mut Criterion) {
    const BATCH: i64 = 2_000;
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}", folder.path().join("linesman.db").display());
    let store = runtime.block_on(Store::open(&url, Arc::new(SystemClock))).expect("open");
    let mut next = 0;
    let mut group = criterion.benchmark_group("observations_sqlite");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs())).sample_size(20);
    group.bench_function("append_2000", |bencher| {
        bencher.iter_batched(
            || {
                next += BATCH;
                (next - BATCH..next).map(round).collect::<Vec<_>>()
            },
            |batch| runtime.block_on(store.append_observations(&batch)).expect("kept"),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, ticket_open, observations);
criterion_main!(benches);
