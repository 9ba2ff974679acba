//! What becomes of observations when the database is slow, gone or fine.

use std::sync::{Arc, Mutex};

use linesman::clock::ManualClock;
use linesman::diagnosis::Diagnosis;
use linesman::lifecycle::Lifecycle;
use linesman::live::Live;
use linesman::metrics::Metrics;
use linesman::store::{StoreError, WriteError};
use linesman::ticket::Ticket;
use linesman::ticket::wanted::Action;
use linesman::workers::Recent;
use linesman::workers::keeper::{Keeper, Kept};
use linesman::workers::record::Recorder;
use linesman_probes::observation::{Observation, Window};
use linesman_probes::probe::ProbeKind;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::bench::{SECOND, answered, settings};

/// A database that answers when it is let.
struct Shelf {
    batches: Mutex<Vec<usize>>,
    lets: Semaphore,
    fails: bool,
}

impl Keeper for Shelf {
    fn append_observations<'a>(&'a self, batch: &'a [Observation]) -> Kept<'a, ()> {
        Box::pin(async move {
            self.lets.acquire().await.unwrap().forget();
            self.batches.lock().unwrap().push(batch.len());
            if self.fails { Err(StoreError::Busy { operation: "append" }) } else { Ok(()) }
        })
    }

    fn save_diagnosis<'a>(&'a self, _: &'a Diagnosis) -> Kept<'a, i64> {
        unreachable!("a recorder keeps observations only")
    }

    fn tickets_for_planning<'a>(&'a self, _: &'a [String]) -> Kept<'a, Vec<Ticket>> {
        unreachable!("a recorder keeps observations only")
    }

    fn carry_out(&self, _: i64, _: Vec<Action>) -> Kept<'_, Vec<Ticket>, WriteError> {
        unreachable!("a recorder keeps observations only")
    }
}

struct Bench {
    sender: mpsc::Sender<Observation>,
    shelf: Arc<Shelf>,
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    nudged: Arc<Notify>,
    lifecycle: Lifecycle,
}

fn start(lets: usize, fails: bool) -> Bench {
    let (sender, observations) = mpsc::channel(1000);
    let shelf = Arc::new(Shelf { batches: Mutex::default(), lets: Semaphore::new(lets), fails });
    let (live, metrics, nudged) =
        (Arc::new(Live::default()), Arc::new(Metrics::new()), Arc::new(Notify::new()));
    let lifecycle = Lifecycle::default();
    let recorder = Recorder {
        settings: watch::channel(Arc::new(settings(1, "1s"))).1,
        observations,
        keeper: shelf.clone(),
        live: live.clone(),
        recent: Arc::new(Recent::default()),
        metrics: metrics.clone(),
        analyse: nudged.clone(),
        clock: Arc::new(ManualClock::at(chrono::DateTime::UNIX_EPOCH)),
        soft: lifecycle.soft().clone(),
    };
    lifecycle.run("record", recorder.run());
    Bench { sender, shelf, live, metrics, nudged, lifecycle }
}

fn observation() -> Observation {
    let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let window = Window { start, end: start };
    Observation { target: "s1/icmp".to_owned(), kind: ProbeKind::Icmp, window, measured: answered(1) }
}

impl Bench {
    fn kept(&self) -> Vec<usize> {
        self.shelf.batches.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_measured_while_the_database_hangs_is_diagnosed_at_once_and_kept_later() {
    let bench = start(0, false);
    bench.sender.send(observation()).await.unwrap();
    bench.nudged.notified().await;
    // Now the first batch hangs.
    sleep(2 * SECOND).await;
    for _ in 0..10 {
        bench.sender.send(observation()).await.unwrap();
        bench.nudged.notified().await;
    }
    assert!(bench.live.latest("s1/icmp").is_some() && bench.kept().is_empty());
    bench.shelf.lets.add_permits(10);
    sleep(SECOND).await;
    assert_eq!(bench.kept(), [1, 10]);
}

#[tokio::test(start_paused = true)]
async fn what_was_measured_before_a_stop_is_kept() {
    let bench = start(10, false);
    for _ in 0..3 {
        bench.sender.send(observation()).await.unwrap();
    }
    assert!(bench.lifecycle.stop(10 * SECOND).await);
    assert_eq!(bench.kept().iter().sum::<usize>(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_the_database_refuses_is_counted_and_the_recorder_goes_on() {
    let bench = start(10, true);
    for _ in 0..2 {
        bench.sender.send(observation()).await.unwrap();
        sleep(SECOND).await;
    }
    assert_eq!(bench.kept(), [1, 1]);
    let shown = bench.metrics.render();
    let line = shown.lines().find(|line| !line.starts_with('#') && line.contains("observations_dropped"));
    assert!(line.is_some_and(|line| line.ends_with(" 2")), "{line:?}");
    assert!(bench.lifecycle.stop(10 * SECOND).await && !bench.lifecycle.has_failed());
}

#[tokio::test(start_paused = true)]
async fn a_round_whose_target_is_gone_is_kept_and_shown_to_nobody() {
    let bench = start(10, false);
    let gone = Observation { target: "gone/icmp".to_owned(), ..observation() };
    bench.sender.send(gone).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(bench.kept(), [1]);
    assert!(bench.live.latest("gone/icmp").is_none() && !bench.metrics.render().contains("gone/icmp"));
}
