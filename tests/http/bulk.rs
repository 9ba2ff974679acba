//! One change to many tickets: each passes what a change to it alone passes.

use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon};

async fn registers(daemon: &Daemon, kind: &str) -> String {
    let body = json!({
        "kind": kind, "channel": "phone", "caller": "prospect", "words": { "description": "no calls abroad" },
    });
    let request =
        daemon.by(Role::Agent, "POST", "/api/v1/tickets").header("content-type", "application/json");
    let answer = daemon.send(request, body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"]["number"].as_str().unwrap().to_owned()
}

async fn bulk(daemon: &Daemon, role: Role, body: &Value) -> Answer {
    let request = daemon.by(role, "POST", "/api/v1/tickets/bulk").header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

#[tokio::test]
async fn r51_many_tickets_are_changed_at_once_and_each_is_checked_and_recorded_by_itself() {
    let daemon = Daemon::start().await;
    let [first, second, third] = [
        registers(&daemon, "fault").await,
        registers(&daemon, "complaint").await,
        registers(&daemon, "fault").await,
    ];
    let class = json!({
        "verb": "classify", "tickets": [first, second, third],
        "body": { "class": "B", "urgency": "general" },
    });
    assert_eq!(bulk(&daemon, Role::Viewer, &class).await.status, 403);
    let answer = bulk(&daemon, Role::Agent, &class).await;
    let said = answer.json();
    assert_eq!((answer.status.as_u16(), &said["changed"]), (200, &2.into()), "{said}");
    let statuses: Vec<i64> =
        said["results"].as_array().unwrap().iter().map(|one| one["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [200, 409, 200], "a complaint needs its level; the others do not wait for it");
    let held = &said["results"][1];
    assert_eq!((&held["ticket"], &held["problem"]["code"]), (&second.clone().into(), &"refused".into()));
    assert!(held["problem"]["errors"].to_string().contains("R54"), "{held}");
    for (number, state) in [(&first, "classified"), (&second, "registered"), (&third, "classified")] {
        let path = format!("/api/v1/tickets/{number}");
        assert_eq!(daemon.get(Role::Agent, &path).await.json()["state"], state);
        let events = daemon.get(Role::Agent, &format!("{path}/events")).await.text;
        assert_eq!(events.contains("classified"), state == "classified", "{events}");
    }

    // A role that may do it to none, may not do it to many.
    let rejected = json!({ "verb": "reject", "tickets": [first], "body": { "reason": "not ours" } });
    let answer = bulk(&daemon, Role::Agent, &rejected).await.json();
    assert_eq!((&answer["changed"], &answer["results"][0]["status"]), (&0.into(), &403.into()), "{answer}");

    for (tickets, why) in [
        (json!([]), "none"),
        (json!([first, first]), "one twice"),
        (json!(["../tokens"]), "no name"),
        (json!((0..101).map(|number| format!("LM-2026-{number:06}")).collect::<Vec<_>>()), "too many"),
    ] {
        let wrong = json!({ "verb": "accept", "tickets": tickets });
        let answer = bulk(&daemon, Role::Agent, &wrong).await;
        assert!(answer.status == 422 && answer.text.contains("/tickets"), "{why}: {}", answer.text);
    }
    let nobody = json!({ "verb": "acknowledge", "tickets": ["LM-2026-999999"] });
    assert_eq!(bulk(&daemon, Role::Noc, &nobody).await.json()["results"][0]["status"], 404);
}
