//! A fibre is cut inside announced work and stays cut after its end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use linesman::clock::{Clock as _, SystemClock};
use linesman::sim::Carrier;
use reqwest::Method;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;

/// A debug build beside other tests; on an idle machine each step takes seconds.
const WITHIN: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_work_withholds_the_ticket_and_what_outlives_it_gets_one_with_its_real_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("127.0.0.1:{}", free_port());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(11, &tasks, &stop).await.expect("loopback takes sockets");
    let (daemon, api) = Daemon::start(folder.path(), &address, &carrier.settings_toml(), &[], None).await;
    eventually("all targets measured", WITHIN, async || {
        api.targets().await.iter().all(|target| target["last"].is_object()).then_some(())
    })
    .await;

    // Long enough that the end is not reached before somebody ends it.
    let wanted =
        serde_json::json!({ "elements": ["link-1"], "text": "splice", "ends_at": "2099-01-01T00:00:00Z" });
    let refused =
        api.send(Method::POST, "/api/v1/maintenance", None, Some(&wanted)).await.expect("an answer");
    assert_eq!(refused.status(), 422, "nobody works for 70 years");
    let now = SystemClock.now_utc();
    let wanted = serde_json::json!({
        "elements": ["link-1"], "text": "splice", "ends_at": now + chrono::TimeDelta::hours(1),
    });
    let answer = api.send(Method::POST, "/api/v1/maintenance", None, Some(&wanted)).await.expect("an answer");
    assert_eq!(answer.status(), 201);
    carrier.cut("link-1").expect("the carrier has this link");

    let proven =
        async || {
            let faults = api.get("/api/v1/faults").await;
            faults["faults"].as_array().into_iter().flatten().any(|entry| {
                entry["fault"]["segment"] == "link-1" && entry["fault"]["life"]["state"] == "raised"
            })
        };
    eventually("the fault is proven and waits", WITHIN, async || {
        let windows = api.get("/api/v1/maintenance").await;
        (windows["windows"][0]["withheld"].as_array().is_some_and(|keys| !keys.is_empty()) && proven().await)
            .then_some(())
    })
    .await;
    // Another fibre, cut later, has its ticket: the first would have had one long ago.
    carrier.cut("link-2").expect("the carrier has this link");
    let of =
        async |segment: &str| api.tickets().await.into_iter().find(|ticket| ticket["segment"] == segment);
    eventually("a ticket where nobody works", WITHIN, async || of("link-2").await).await;
    assert!(of("link-1").await.is_none(), "announced work opens no ticket");

    let windows = api.get("/api/v1/maintenance").await;
    let id = windows["windows"][0]["id"].as_str().expect("an identity").to_owned();
    let done = serde_json::json!({ "ends_at": now, "reason": "done" });
    let path = format!("/api/v1/maintenance/{id}/postpone");
    let answer = api.send(Method::POST, &path, None, Some(&done)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let ended = api.get("/api/v1/maintenance").await["windows"][0]["ends_at"].clone();
    let ticket = eventually("the survivor's ticket", WITHIN, async || of("link-1").await).await;
    let time = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
    assert!(time(&ticket["detected_at"]) < time(&ended), "it began inside the window: {ticket}");
    let number = ticket["number"].as_str().expect("a number");
    let why = api.get(&format!("/api/v1/tickets/{number}/explain")).await.to_string();
    assert!(why.contains("announced work"), "{why}");
    assert!(daemon.stop().await.success());
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
