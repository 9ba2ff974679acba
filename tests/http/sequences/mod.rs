//! No sequence of requests passes a guard: random sequences by random roles against the real API, on both databases.
//! A model, written from the procedure and not from the guards, says of each request whether it happens, who may not
//! even ask, and the rule of every condition that is not met; the API has to say the same.

mod model;
mod requests;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::Role;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::deeds::walks_b;
use model::{Answered, Asked, KINDS, Model, Step};
use requests::{asked, happy, request};

/// So long on each database.
const WITHIN: Duration = Duration::from_secs(9);
/// No machine is so slow that it does fewer sequences.
const FEWEST: usize = 3;
async fn registered(daemon: &Daemon, kind: &str) -> String {
    let body = json!({
        "kind": kind, "channel": "phone", "caller": "prospect", "words": { "description": "it is wrong" },
    });
    let request =
        daemon.by(Role::Agent, "POST", "/api/v1/tickets").header("content-type", "application/json");
    let answer = daemon.send(request, body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"]["number"].as_str().unwrap().to_owned()
}

/// Asks, and says what came of it.
async fn asks(daemon: &Daemon, path: &str, asked: &Asked, version: i64, count: usize) -> Answered {
    let (verb, body) = request(&asked.step, daemon.clock.now_utc(), count);
    let seen = if asked.stale { version + 1_000 } else { version };
    let answer = daemon.change(asked.by, &format!("{path}/{verb}"), seen, &body.to_string()).await;
    match answer.status.as_u16() {
        200 => Answered::Done,
        403 => Answered::Forbidden,
        412 => Answered::Stale,
        409 => {
            assert_eq!(answer.problem(), "refused", "{}", answer.text);
            let errors = answer.json()["errors"].as_array().unwrap().clone();
            let rule = |error: &Value| error["rule"].as_str().unwrap_or("no rule").to_owned();
            assert!(errors.iter().all(|error| !error["detail"].as_str().unwrap().is_empty()), "{errors:?}");
            let mut rules: Vec<String> = errors.iter().map(rule).collect();
            rules.sort();
            Answered::Refused(rules)
        }
        other => panic!("{asked:?}: {other}: {}", answer.text),
    }
}

async fn one_sequence(daemon: &Daemon, kind: &'static str, sequence: &[Asked]) {
    let number = registered(daemon, kind).await;
    let path = format!("/api/v1/tickets/{number}");
    let mut model = Model::new(kind, daemon.clock.now_utc());
    for (count, asked) in sequence.iter().enumerate() {
        daemon.clock.advance(TimeDelta::seconds(50));
        let now = daemon.clock.now_utc();
        if asked.step == Step::Walk {
            walks_b(daemon, &number).await;
            model.take(&Step::Walk, now);
            continue;
        }
        let before = daemon.get(Role::Viewer, &path).await.json();
        let version = before["version"].as_i64().unwrap();
        let mut rules: Vec<String> =
            model.against(&asked.step, asked.by, now).into_iter().map(str::to_owned).collect();
        rules.sort();
        let expected = if !asked.by.covers(Model::least(&asked.step)) {
            Answered::Forbidden
        } else if asked.stale {
            Answered::Stale
        } else if rules.is_empty() {
            Answered::Done
        } else {
            Answered::Refused(rules)
        };
        let answered = asks(daemon, &path, asked, version, count).await;
        let told = format!("step {count}, {asked:?}, of {sequence:?}\nby {model:?}");
        assert_eq!(answered, expected, "{told}");
        let after = daemon.get(Role::Viewer, &path).await.json();
        if answered == Answered::Done {
            model.take(&asked.step, now);
        } else {
            assert_eq!(after["version"], version, "what is refused leaves nothing behind: {told}");
        }
        assert_eq!(
            (&after["state"], &after["process"]["level"]),
            (&model.state.into(), &json!(model.level)),
            "{told}"
        );
    }
}

async fn nothing_passes_a_guard(daemon: Daemon) {
    let mut runner = TestRunner::default();
    let strategy = (prop::sample::select(KINDS.to_vec()), 0_usize..14, prop::collection::vec(asked(), 4..24));
    let began = Instant::now();
    let mut sequences = 0;
    while sequences < FEWEST || began.elapsed() < WITHIN {
        let (kind, well, then) = strategy.new_tree(&mut runner).unwrap().current();
        let sequence: Vec<Asked> = happy(kind).into_iter().take(well).chain(then).collect();
        one_sequence(&daemon, kind, &sequence).await;
        sequences += 1;
    }
    let report = daemon.state.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty(), "{report:?}");
}

#[tokio::test]
async fn no_sequence_of_requests_passes_a_guard_and_every_refusal_names_every_rule() {
    nothing_passes_a_guard(Daemon::start().await).await;
}

#[tokio::test]
async fn no_sequence_of_requests_passes_a_guard_on_postgresql_either() {
    if let Some(daemon) = Daemon::start_on_postgres().await {
        nothing_passes_a_guard(daemon).await;
    }
}
