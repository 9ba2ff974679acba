//! Announced work over HTTP: who may announce it, what is refused, what a window says.

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::Role;

use crate::daemon::{Answer, Daemon};

async fn post(daemon: &Daemon, role: Role, path: &str, body: serde_json::Value) -> Answer {
    let request = daemon.by(role, "POST", path).header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

#[tokio::test]
async fn the_noc_announces_work_moves_its_end_and_calls_it_off_and_a_viewer_looks_on() {
    let daemon = Daemon::start().await;
    let now = daemon.clock.now_utc();
    let wanted = serde_json::json!({
        "elements": ["server-1", "server-1"], "ends_at": now + TimeDelta::hours(2), "text": "new blades",
        "customer_text": "short breaks until 14:00",
    });
    let refused = post(&daemon, Role::Technician, "/api/v1/maintenance", wanted.clone()).await;
    assert_eq!(refused.problem(), "forbidden");
    let answer = post(&daemon, Role::Noc, "/api/v1/maintenance", wanted).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let window = answer.json();
    let id = window["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/v1/maintenance/{id}"));
    assert_eq!(
        (&window["phase"], &window["elements"]),
        (&"running".into(), &serde_json::json!(["server-1"]))
    );
    assert_eq!(window["changes"][0]["by"], "nora");

    let end = now + TimeDelta::hours(3);
    let later = serde_json::json!({ "ends_at": end, "reason": "a blade was wrong" });
    let path = format!("/api/v1/maintenance/{id}/postpone");
    let moved = post(&daemon, Role::Noc, &path, later).await.json();
    assert_eq!((&moved["version"], &moved["changes"][1]["reason"]), (&2.into(), &"a blade was wrong".into()));

    let off = serde_json::json!({ "reason": "not today" });
    let cancel = format!("/api/v1/maintenance/{id}/cancel");
    assert_eq!(post(&daemon, Role::Noc, &cancel, off.clone()).await.json()["phase"], "cancelled");
    assert_eq!(post(&daemon, Role::Noc, &cancel, off).await.json()["errors"][0]["code"], "window_is_over");
    let listed = daemon.get(Role::Viewer, "/api/v1/maintenance").await.json();
    assert_eq!((&listed["windows"][0]["id"], listed["windows"].as_array().unwrap().len()), (&id.into(), 1));
}

#[tokio::test]
async fn work_that_hides_what_has_happened_or_names_nothing_is_refused_field_by_field() {
    let daemon = Daemon::start().await;
    let now = daemon.clock.now_utc();
    let wanted = serde_json::json!({
        "elements": ["server-7"], "starts_at": now - TimeDelta::hours(1),
        "ends_at": now + TimeDelta::days(40), "text": "",
    });
    let refused = post(&daemon, Role::Noc, "/api/v1/maintenance", wanted).await;
    assert_eq!(refused.problem(), "invalid");
    let codes: Vec<_> =
        refused.json()["errors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
    assert_eq!(codes, ["unknown_segment", "window_after_the_fact", "window_end", "text_length"]);
    let off = serde_json::json!({ "reason": "x" });
    let missing = post(&daemon, Role::Noc, "/api/v1/maintenance/none/cancel", off).await;
    assert_eq!(missing.problem(), "not_found");
}
