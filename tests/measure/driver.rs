//! When rounds start.

use std::sync::Arc;
use std::time::Duration;

use linesman_probes::observation::{Impediment, Outcome};
use tokio::time::{advance, sleep, timeout};

use super::bench::{Bench, SECOND, Script, settings};

#[tokio::test(start_paused = true)]
async fn targets_are_spread_evenly_over_the_interval_and_keep_their_slots() {
    let bench = Bench::start(settings(5, "5s"), 1000);
    sleep(11 * SECOND).await;
    assert_eq!(bench.begun(1), [0.0, 5.0, 10.0]);
    assert_eq!(bench.begun(2), [1.0, 6.0]);
    assert_eq!(bench.begun(5), [4.0, 9.0]);
}

#[tokio::test(start_paused = true)]
async fn a_reload_every_second_starves_no_target_and_moves_no_slot() {
    let bench = Bench::start(settings(5, "5s"), 1000);
    for _ in 0..11 {
        sleep(SECOND).await;
        bench.settings.send_replace(Arc::new(settings(5, "5s")));
    }
    assert_eq!(bench.begun(2), [1.0, 6.0]);
    assert_eq!(bench.begun(5), [4.0, 9.0]);
    assert_eq!(*bench.script.made.lock().unwrap(), 5, "unchanged targets keep their probes");
}

#[tokio::test(start_paused = true)]
async fn a_reload_measures_what_is_new_and_leaves_what_is_gone() {
    let bench = Bench::start(settings(2, "5s"), 1000);
    sleep(SECOND / 2).await;
    bench.settings.send_replace(Arc::new(settings(3, "5s")));
    sleep(5 * SECOND).await;
    assert_eq!(bench.begun(3).len(), 1);
    bench.settings.send_replace(Arc::new(settings(1, "5s")));
    let before = (bench.begun(2).len(), bench.begun(3).len());
    sleep(10 * SECOND).await;
    assert_eq!((bench.begun(2).len(), bench.begun(3).len()), before);
    assert_eq!(bench.begun(1), [0.0, 5.0, 10.0, 15.0]);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_runs_during_a_reload_is_finished() {
    let mut bench = Bench::start(settings(1, "5s"), 1000);
    *bench.script.takes.lock().unwrap() = 2 * SECOND;
    sleep(SECOND).await;
    bench.settings.send_replace(Arc::new(settings(1, "5s")));
    sleep(3 * SECOND / 2).await;
    let heard = bench.heard();
    assert_eq!(heard.iter().map(|seen| seen.measured.outcome).collect::<Vec<_>>(), [Outcome::Answered]);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_was_held_up_sheds_what_it_missed_and_fires_no_burst() {
    let mut bench = Bench::start(settings(10, "10s"), 1000);
    sleep(SECOND / 2).await;
    bench.heard();
    // As when the process is stopped: time passes at once, and nothing ran meanwhile.
    advance(8 * SECOND).await;
    sleep(Duration::from_millis(1)).await;
    let at_once = bench.heard();
    let shed = at_once.iter().filter(|seen| seen.measured.impediment == Some(Impediment::Shed)).count();
    assert!(at_once.len() - shed <= 1 && shed >= 7, "{shed} of {} shed", at_once.len());
    sleep(12 * SECOND).await;
    for number in 2..=10 {
        let begun = bench.begun(number);
        let slot = f64::from(number - 1);
        assert!(begun.iter().all(|at| (at - slot) % 10.0 < 1.0), "{number}: {begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_long_round_and_reports_nothing_of_it() {
    let mut bench = Bench::start(settings(1, "60s"), 1000);
    *bench.script.takes.lock().unwrap() = 50 * SECOND;
    sleep(SECOND).await;
    let in_time = timeout(SECOND, bench.lifecycle.stop(10 * SECOND)).await;
    assert_eq!(in_time, Ok(true));
    assert!(!bench.lifecycle.has_failed());
    assert!(bench.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn asking_again_while_the_round_runs_sends_nothing_more() {
    let bench = Bench::start(settings(2, "60s"), 1000);
    *bench.script.takes.lock().unwrap() = 2 * SECOND;
    sleep(3 * SECOND).await;
    for _ in 0..5 {
        bench.on_demand.send(vec!["s1/icmp".to_owned(), "nobody/icmp".to_owned()]).await.unwrap();
    }
    sleep(SECOND).await;
    assert_eq!(bench.begun(1), [0.0, 3.0]);
    sleep(3 * SECOND).await;
    bench.on_demand.send(vec!["s1/icmp".to_owned()]).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(bench.begun(1).len(), 3);
    assert!(bench.begun(2).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_measured_is_unmeasured_each_round_and_measured_once_it_may() {
    let script = Arc::new(Script::default());
    *script.refuses.lock().unwrap() = true;
    let mut bench = Bench::with(script, settings(1, "1s"), 1000);
    sleep(5 * SECOND / 2).await;
    let heard = bench.heard();
    assert_eq!(heard.len(), 3);
    assert!(
        heard.iter().all(|seen| matches!(seen.measured.impediment, Some(Impediment::NoPermission { .. })))
    );
    *bench.script.refuses.lock().unwrap() = false;
    sleep(SECOND).await;
    assert_eq!(bench.heard()[0].measured.outcome, Outcome::Answered);
}

#[tokio::test(start_paused = true)]
async fn a_full_channel_drops_and_counts_and_never_holds_the_driver_up() {
    let bench = Bench::start(settings(1, "1s"), 2);
    sleep(19 * SECOND / 2).await;
    assert_eq!(bench.begun(1).len(), 10);
    let dropped = bench.metrics.render();
    let line = dropped.lines().find(|line| !line.starts_with('#') && line.contains("observations_dropped"));
    assert!(line.is_some_and(|line| line.ends_with(" 8")), "{line:?}");
}
