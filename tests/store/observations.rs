//! What was measured: kept once, read as it was, rolled up truly, deleted in time; and diagnoses.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::diagnosis::{Diagnosis, FaultState, PollerState};
use linesman::store::{ObservationQuery, Store};
use linesman_probes::observation::{
    Burst, Detail, Impediment, Measured, Observation, Outcome, RttSummary, Window,
};
use linesman_probes::probe::ProbeKind;
use linesman_probes::units::Rtt;

use crate::fixture::{Daemon, Database, fault, noon};
use crate::on_both;

on_both! {
    a_round_is_read_as_it_was_measured,
    a_round_sent_twice_is_kept_once,
    the_newest_rounds_are_kept_when_more_fit_the_question,
    the_roll_up_says_what_the_rounds_say_however_often_it_runs,
    old_rounds_go_in_steps_and_never_before_their_hour_is_rolled_up,
    a_late_round_still_counts_in_its_hour,
    the_newest_diagnosis_and_its_faults_survive_a_restart,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

/// Round `number` of a target, 10 s apart, every fifth silent, every seventh unmeasured.
pub fn round(target: &str, number: i64) -> Observation {
    let window = Window {
        start: start() + TimeDelta::milliseconds(number * 10_000 + 7),
        end: start() + TimeDelta::milliseconds(number * 10_000 + 2_007),
    };
    let measured = if number % 7 == 6 {
        // A void round: its counts say nothing.
        let burst = Burst { sent: 10, received: 3, ..Burst::default() };
        Measured { burst, ..Measured::unmeasured(Impediment::SocketDrops { drops: 4 }) }
    } else if number % 5 == 4 {
        Measured::silent(10)
    } else {
        let of = |nanos: i64| Rtt::from_nanos(u64::try_from(nanos).unwrap());
        let mean = 1_000_000 + number * 1_001;
        let rtt = RttSummary {
            min: of(mean - 500),
            mean: of(mean),
            p50: of(mean + 1),
            p95: of(mean + 2),
            p99: of(mean + 3),
            max: of(mean + 500),
            jitter: (number % 2 == 0).then(|| of(77)),
        };
        let received = 10 - u32::try_from(number % 3).unwrap();
        Measured {
            outcome: Outcome::Answered,
            impediment: None,
            burst: Burst { sent: 10, received, duplicates: 1, rtt: Some(rtt) },
            detail: Detail::Sip { code: 200, reason: "OK \0 好".to_owned() },
        }
    };
    Observation { target: target.to_owned(), kind: ProbeKind::Sip, window, measured }
}

fn all_of(target: &str) -> ObservationQuery {
    ObservationQuery {
        targets: vec![target.to_owned()],
        from: start(),
        to: start() + TimeDelta::days(40),
        limit: 100_000,
    }
}

/// A round as both databases keep it: without U+0000.
fn kept(mut observation: Observation) -> Observation {
    if let Detail::Sip { reason, .. } = &mut observation.measured.detail {
        *reason = reason.replace('\0', "\u{fffd}");
    }
    observation
}

async fn a_round_is_read_as_it_was_measured(database: Database) {
    let daemon = Daemon::start(&database).await;
    let mut batch: Vec<Observation> =
        (0..1_234).flat_map(|number| [round("a/sip", number), round("b/sip", number)]).collect();
    let mut huge = round("huge/icmp", 0);
    huge.measured.burst = Burst { sent: u32::MAX, received: u32::MAX, duplicates: u32::MAX, rtt: None };
    batch.push(huge.clone());
    daemon.store.append_observations(&batch).await.unwrap();
    let read = daemon.store.observations(&all_of("a/sip")).await.unwrap();
    assert_eq!(read, (0..1_234).map(|number| kept(round("a/sip", number))).collect::<Vec<_>>());
    assert_eq!(daemon.store.observations(&all_of("huge/icmp")).await.unwrap(), [kept(huge)]);
    let every = ObservationQuery { targets: vec![], ..all_of("") };
    assert_eq!(daemon.store.observations(&every).await.unwrap().len(), 2_469);
    assert_eq!(daemon.store.observations(&all_of("c\0")).await.unwrap(), []);
    let latest = daemon.store.latest_observations().await.unwrap();
    let names: Vec<&str> = latest.iter().map(|observation| observation.target.as_str()).collect();
    assert_eq!(names, ["a/sip", "b/sip", "huge/icmp"]);
    assert_eq!(latest[0], kept(round("a/sip", 1_233)));
    daemon.stop().await.unwrap();
}

async fn a_round_sent_twice_is_kept_once(database: Database) {
    let daemon = Daemon::start(&database).await;
    let mut changed = round("a", 0);
    changed.measured.burst.received = 1;
    daemon.store.append_observations(&[]).await.unwrap();
    daemon.store.append_observations(&[round("a", 0), round("a", 0), round("a", 1)]).await.unwrap();
    daemon.store.append_observations(&[changed, round("a", 2)]).await.unwrap();
    let read = daemon.store.observations(&all_of("a")).await.unwrap();
    assert_eq!(read, [0, 1, 2].map(|number| kept(round("a", number))));
    daemon.stop().await.unwrap();
}

async fn the_newest_rounds_are_kept_when_more_fit_the_question(database: Database) {
    let daemon = Daemon::start(&database).await;
    let batch: Vec<Observation> = (0..50).map(|number| round("a", number)).collect();
    daemon.store.append_observations(&batch).await.unwrap();
    let read = daemon.store.observations(&ObservationQuery { limit: 3, ..all_of("a") }).await.unwrap();
    assert_eq!(read, [47, 48, 49].map(|number| kept(round("a", number))));
    let span =
        ObservationQuery { from: round("", 5).window.start, to: round("", 7).window.start, ..all_of("a") };
    assert_eq!(daemon.store.observations(&span).await.unwrap().len(), 2, "the end is not of the span");
    daemon.stop().await.unwrap();
}

/// The roll-up of the rounds of one hour, worked out here.
async fn assert_hours_fit(store: &Store, target: &str, rounds: &[Observation]) {
    let hours = store.hourly(target, start(), start() + TimeDelta::days(2)).await.unwrap();
    assert_eq!(hours.len(), 3);
    for hour in hours {
        let of_hour: Vec<&Measured> = rounds
            .iter()
            .filter(|round| {
                round.window.start >= hour.hour && round.window.start < hour.hour + TimeDelta::hours(1)
            })
            .map(|round| &round.measured)
            .collect();
        let valid: Vec<&&Measured> = of_hour.iter().filter(|m| m.outcome != Outcome::Unmeasured).collect();
        assert_eq!(hour.rounds, valid.len() as i64);
        assert_eq!(hour.unmeasured, (of_hour.len() - valid.len()) as i64);
        assert_eq!(hour.sent, valid.iter().map(|m| i64::from(m.burst.sent)).sum::<i64>());
        assert_eq!(hour.received, valid.iter().map(|m| i64::from(m.burst.received)).sum::<i64>());
        let delays: Vec<(f64, RttSummary)> =
            valid.iter().filter_map(|m| Some((f64::from(m.burst.received), m.burst.rtt?))).collect();
        let answers: f64 = delays.iter().map(|(answers, _)| answers).sum();
        let mean = delays.iter().map(|(answers, rtt)| answers * rtt.mean.millis()).sum::<f64>() / answers;
        assert!((hour.rtt_mean_ms.unwrap() - mean).abs() < 1e-9, "{:?} {mean}", hour.rtt_mean_ms);
        let max = delays.iter().map(|(_, rtt)| rtt.max.millis()).fold(0.0, f64::max);
        assert_eq!(hour.rtt_max_ms, Some(max));
    }
}

async fn the_roll_up_says_what_the_rounds_say_however_often_it_runs(database: Database) {
    let daemon = Daemon::start(&database).await;
    // Three whole hours and a part of the fourth, which is not over.
    let rounds: Vec<Observation> = (0..1_100).map(|number| round("a", number)).collect();
    daemon.store.append_observations(&rounds).await.unwrap();
    let now = start() + TimeDelta::minutes(185);
    for _ in 0..3 {
        assert_eq!(daemon.store.retain(now, 14 * DAY, 700 * DAY).await.unwrap(), 0);
        assert_hours_fit(&daemon.store, "a", &rounds).await;
    }
    let unmeasured: Vec<Observation> = (0..10).map(|number| round("silent", number * 35 + 34)).collect();
    daemon.store.append_observations(&unmeasured).await.unwrap();
    daemon.store.retain(now, 14 * DAY, 700 * DAY).await.unwrap();
    daemon.stop().await.unwrap();
}

async fn a_late_round_still_counts_in_its_hour(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.store.append_observations(&[round("a", 0)]).await.unwrap();
    daemon.store.retain(start() + TimeDelta::minutes(61), 14 * DAY, 700 * DAY).await.unwrap();
    daemon.store.append_observations(&[round("a", 1)]).await.unwrap();
    daemon.store.retain(start() + TimeDelta::minutes(62), 14 * DAY, 700 * DAY).await.unwrap();
    let hours = daemon.store.hourly("a", start(), noon()).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.rounds).collect::<Vec<_>>(), [2]);
    daemon.stop().await.unwrap();
}

async fn old_rounds_go_in_steps_and_never_before_their_hour_is_rolled_up(database: Database) {
    let daemon = Daemon::start(&database).await;
    // More than one step holds.
    for target in 0..12 {
        let rounds: Vec<Observation> =
            (0..1_000).map(|number| round(&format!("target-{target}"), number)).collect();
        daemon.store.append_observations(&rounds).await.unwrap();
    }
    let now = start() + TimeDelta::minutes(150);
    let deleted = daemon.store.retain(now, Duration::from_secs(1), 700 * DAY).await.unwrap();
    assert_eq!(deleted, 12 * 720, "two whole hours are over, the third is not");
    assert_eq!(database.count("SELECT COUNT(*) FROM observation").await, 12 * 280);
    assert_eq!(
        database
            .count("SELECT SUM(rounds + unmeasured) FROM observation_hourly WHERE rounds > 0")
            .await
            .min(i64::MAX),
        12 * 720
    );
    assert_eq!(daemon.store.retain(now, Duration::from_secs(1), 700 * DAY).await.unwrap(), 0);
    let hours = daemon.store.hourly("target-3", start(), noon()).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.rounds + hour.unmeasured).collect::<Vec<_>>(), [360, 360]);
    let much_later = start() + TimeDelta::days(30);
    let deleted = daemon.store.retain(much_later, DAY, 10 * DAY).await.unwrap();
    assert_eq!(deleted, 12 * 280 + 12 * 3, "the rest of the rounds, and hours older than ten days");
    daemon.stop().await.unwrap();
}

async fn the_newest_diagnosis_and_its_faults_survive_a_restart(database: Database) {
    let daemon = Daemon::start(&database).await;
    assert_eq!(daemon.store.latest_diagnosis().await.unwrap(), None);
    let look = |faults| Diagnosis { at: noon(), poller: PollerState::Sound, faults, elements: vec![] };
    let raised = fault("fibre/link-1");
    let mut suspected = fault("fibre/link-2");
    suspected.life = FaultState::Suspected { looks: 1 };
    let first = daemon.store.save_diagnosis(&look(vec![raised.clone(), suspected])).await.unwrap();
    assert_eq!(daemon.store.faults(None, 10).await.unwrap().len(), 2);
    let mut cleared = raised.clone();
    cleared.life = FaultState::Cleared { at: noon(), since: noon() };
    let newest = look(vec![cleared.clone()]);
    let second = daemon.store.save_diagnosis(&newest).await.unwrap();
    assert_eq!(second, first + 1);
    daemon.stop().await.unwrap();

    let daemon = Daemon::start(&database).await;
    assert_eq!(daemon.store.latest_diagnosis().await.unwrap(), Some((second, newest)));
    assert_eq!(daemon.store.faults(None, 10).await.unwrap(), [], "the suspected one was not seen again");
    assert_eq!(daemon.store.faults(Some(noon()), 10).await.unwrap(), [cleared]);
    assert_eq!(daemon.store.faults(Some(noon() + TimeDelta::seconds(1)), 10).await.unwrap(), []);
    let again = fault("fibre/link-3");
    daemon.store.save_diagnosis(&look(vec![again.clone()])).await.unwrap();
    assert_eq!(daemon.store.faults(None, 10).await.unwrap(), [again]);
    // The newest look stays whatever its age; older ones go.
    let deleted = daemon.store.retain(noon() + TimeDelta::days(2), DAY, 700 * DAY).await.unwrap();
    assert_eq!(deleted, 2);
    assert_eq!(daemon.store.latest_diagnosis().await.unwrap().map(|(generation, _)| generation), Some(3));
    daemon.stop().await.unwrap();
}
