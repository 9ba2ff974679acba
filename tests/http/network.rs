use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::live::Order;
use linesman::store::Role;
use linesman_probes::observation::{Impediment, Measured, Observation, Window};
use linesman_probes::probe::ProbeKind;

use crate::daemon::Daemon;

#[tokio::test]
async fn the_inventory_shows_contacts_only_to_those_who_need_them() {
    let daemon = Daemon::start().await;
    for (role, sees) in
        [(Role::Viewer, false), (Role::Technician, false), (Role::Noc, true), (Role::Admin, true)]
    {
        let answer = daemon.get(role, "/api/v1/inventory").await;
        assert_eq!(answer.text.contains("Li Na"), sees, "{role:?}");
    }
    let inventory = daemon.get(Role::Viewer, "/api/v1/inventory").await.json();
    let link =
        inventory["elements"].as_array().unwrap().iter().find(|element| element["name"] == "link-1").unwrap();
    assert_eq!(link["depends_on"], serde_json::json!(["server-1"]));
    assert_eq!((&link["kind"], &link["facts"]["carrier"]), (&"link".into(), &"Carrier One".into()));
}

fn observation(daemon: &Daemon, target: &str, measured: Measured) -> Observation {
    let start = daemon.clock.now_utc();
    let window = Window { start, end: start + TimeDelta::milliseconds(200) };
    Observation { target: target.to_owned(), kind: ProbeKind::Icmp, window, measured }
}

#[tokio::test]
async fn targets_show_their_newest_round_and_their_past() {
    let daemon = Daemon::start().await;
    let silent = observation(&daemon, "server-1/icmp", Measured::silent(5));
    daemon.state.store.append_observations(std::slice::from_ref(&silent)).await.unwrap();
    daemon.state.live.observe(Arc::new(silent));
    daemon.clock.advance(TimeDelta::seconds(5));
    let void =
        observation(&daemon, "server-1/icmp", Measured::unmeasured(Impediment::SocketDrops { drops: 2 }));
    daemon.state.store.append_observations(&[void]).await.unwrap();
    daemon.clock.advance(TimeDelta::seconds(5));

    let page = daemon.get(Role::Viewer, "/api/v1/targets?limit=1").await;
    let first = page.json();
    assert_eq!(first["targets"].as_array().unwrap().len(), 1);
    let targets = daemon.get(Role::Viewer, "/api/v1/targets?probe=icmp&element=server-1").await.json();
    let target = &targets["targets"][0];
    assert_eq!((&target["name"], &target["address"]), (&"server-1/icmp".into(), &"127.0.0.1".into()));
    assert_eq!((&target["last"]["outcome"], &target["last"]["loss_ratio"]), (&"silent".into(), &1.0.into()));

    let rounds = daemon.get(Role::Viewer, "/api/v1/targets/server-1%2Ficmp/observations").await.json();
    let rounds = rounds["observations"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    assert_eq!((&rounds[0]["success"], &rounds[0]["sent"]), (&false.into(), &5.into()));
    // What we could not measure is neither a loss nor a success.
    assert_eq!(
        (&rounds[1]["success"], &rounds[1]["loss_ratio"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(rounds[1]["unmeasured"]["reason"], "socket_drops");

    assert_eq!(daemon.get(Role::Viewer, "/api/v1/targets/server-1%2Ficmp/hourly").await.status, 200);
    let unknown = daemon.get(Role::Viewer, "/api/v1/targets/server-9%2Ficmp/observations").await;
    assert_eq!(unknown.problem(), "not_found");
    let span =
        "/api/v1/targets/server-1%2Ficmp/observations?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z";
    assert_eq!(daemon.get(Role::Viewer, span).await.problem(), "invalid");
}

#[tokio::test]
async fn faults_and_the_diagnosis_are_shown() {
    let daemon = Daemon::start().await;
    assert_eq!(daemon.get(Role::Viewer, "/api/v1/diagnosis").await.problem(), "not_found");
    daemon.open("link-1").await;
    let faults = daemon.get(Role::Viewer, "/api/v1/faults").await.json();
    assert_eq!(faults["faults"][0]["fault"]["key"], "line/link-1");
    let diagnosis = daemon.get(Role::Viewer, "/api/v1/diagnosis").await.json();
    assert_eq!(
        (&diagnosis["poller"]["state"], &diagnosis["elements"][0]["state"]),
        (&"sound".into(), &"down".into())
    );
}

#[tokio::test]
async fn ready_means_that_the_work_is_done() {
    let daemon = Daemon::start().await;
    let ready = || daemon.send(Request::get("/health/ready"), Body::empty());
    assert_eq!(daemon.send(Request::get("/health/live"), Body::empty()).await.status, 200);
    let blind = ready().await;
    assert_eq!((blind.status.as_u16(), blind.problem().as_str()), (503, "unavailable"));
    assert_eq!(blind.json()["errors"][0]["code"], "diagnosis_missing");
    daemon.open("link-1").await;
    assert_eq!(ready().await.status, 200);
    daemon.clock.advance(TimeDelta::seconds(60));
    assert_eq!(ready().await.json()["errors"][0]["code"], "diagnosis_stale");
}

#[tokio::test]
async fn a_fresh_probe_answers_as_blackbox_exporter_does() {
    let daemon = Daemon::start().await;
    let good = daemon.get(Role::Viewer, "/probe?target=server-1/icmp").await;
    assert_eq!(good.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in
        ["probe_success 1", r#"probe_icmp_duration_seconds{phase="rtt"} 0.004"#, "probe_ip_protocol 4"]
    {
        assert!(good.text.lines().any(|found| found == line), "{line}\nin\n{}", good.text);
    }
    let silent = daemon.get(Role::Viewer, "/probe?target=server-2&module=icmp").await;
    assert!(silent.text.contains("probe_success 0"), "{}", silent.text);
    let debug = daemon.get(Role::Viewer, "/probe?target=server-1&module=icmp&debug=true").await.text;
    assert!(debug.starts_with("Logs for the probe:") && debug.contains("outcome=answered"), "{debug}");

    // What we cannot measure is no failure of the target, nor a success.
    let link = daemon.get(Role::Viewer, "/probe?target=link-1&module=icmp").await;
    assert_eq!((link.status.as_u16(), link.problem().as_str()), (503, "unmeasured"));
    assert!(!link.text.contains("probe_success"));

    for (query, code) in [
        ("?target=8.8.8.8&module=icmp", "not_found"),
        ("?target=server-1&module=http", "not_found"),
        ("?target=server-1/icmp&module=tcp", "not_found"),
        ("?module=icmp", "bad_request"),
        ("", "bad_request"),
    ] {
        assert_eq!(daemon.get(Role::Viewer, &format!("/probe{query}")).await.problem(), code, "{query}");
    }
    let places: Vec<_> = std::iter::from_fn(|| daemon.state.limits.probes.try_acquire().ok()).collect();
    let full = daemon.get(Role::Viewer, "/probe?target=server-1/icmp").await;
    assert_eq!((full.status.as_u16(), full.problem().as_str()), (429, "too_many_requests"));
    drop(places);
    assert_eq!(daemon.get(Role::Viewer, "/probe?target=server-1/icmp").await.status, 200);
}

#[tokio::test]
async fn settings_are_read_again_or_every_mistake_is_told() {
    let mut daemon = Daemon::start().await;
    for (answer, status) in [(Ok(()), 200), (Err(vec!["linesman.toml:3:1: no such key".to_owned()]), 422)] {
        let request = daemon.by(Role::Admin, "POST", "/api/v1/reload").body(Body::empty()).unwrap();
        let asked = tower::ServiceExt::oneshot(daemon.router.clone(), request);
        let worker = async {
            let Some(Order::Reload(reply)) = daemon.orders.recv().await else { panic!("no reload") };
            reply.send(answer).unwrap();
        };
        let (response, ()) = tokio::join!(asked, worker);
        let response = response.unwrap();
        assert_eq!(response.status(), status);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let told = String::from_utf8_lossy(&body).contains("linesman.toml:3:1");
        assert_eq!(told, status == 422);
    }
}
