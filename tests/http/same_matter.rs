//! Somebody calls twice: the second registration names the first, and one command makes one ticket of the two.

use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon};

async fn register(daemon: &Daemon, body: &Value) -> Value {
    let request =
        daemon.by(Role::Agent, "POST", "/api/v1/tickets").header("content-type", "application/json");
    let answer = daemon.send(request, body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn call(kind: &str, phone: &str) -> Value {
    json!({
        "kind": kind, "channel": "phone",
        "who": { "contact": { "name": "Li Na", "phone": phone }, "create": true },
        "words": { "description": "no calls" },
    })
}

/// Numbers that a registration names, each with what is the same.
fn named(registered: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = registered["same_matter"].as_array().unwrap();
    let same = |one: &Value| one["same"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(" ");
    list.iter().map(|one| (text(&one["number"]), same(one))).collect()
}

async fn merge(daemon: &Daemon, role: Role, number: &str, into: &Value) -> Answer {
    daemon
        .change(role, &format!("/api/v1/tickets/{number}/merge"), 1, &json!({ "into": into }).to_string())
        .await
}

async fn calls_twice(daemon: Daemon) {
    let first = register(&daemon, &call("complaint", "138 0013 8000")).await;
    assert_eq!(named(&first), [], "nobody called before");
    daemon.clock.advance(chrono::TimeDelta::minutes(20));
    register(&daemon, &call("complaint", "139 0000 0000")).await;
    register(&daemon, &call("recharge", "138 0013 8000")).await;
    let again = register(&daemon, &call("fault", "+86 138-0013-8000")).await;
    let number = first["ticket"]["number"].as_str().unwrap();
    assert_eq!(named(&again), [(number.to_owned(), "customer".to_owned())], "no stranger and no top-up");

    let own = again["ticket"]["number"].as_str().unwrap();
    let into = &again["same_matter"][0]["id"];
    assert_eq!(merge(&daemon, Role::Viewer, own, into).await.status, 403);
    let merged = merge(&daemon, Role::Agent, own, into).await;
    assert_eq!(
        (merged.status.as_u16(), &merged.json()["state"]),
        (200, &"cancelled".into()),
        "{}",
        merged.text
    );
    let third = register(&daemon, &call("complaint", "138 0013 8000")).await;
    assert_eq!(named(&third).len(), 1, "what was merged is over: {third}");

    // What measurement opened is the NOC's.
    let fault = daemon.open("link-1").await;
    let refused = merge(&daemon, Role::Agent, &fault.number.to_string(), into).await;
    assert_eq!(refused.status, 403, "{}", refused.text);

    // The operator says how long it may be the same: seven days unless stated.
    daemon.clock.advance(chrono::TimeDelta::days(6));
    let days = |days: u64| {
        let mut settings = linesman::settings::Settings::clone(&daemon.settings.borrow());
        settings.tickets.same_matter = std::time::Duration::from_secs(days * 86_400);
        daemon.settings.send(std::sync::Arc::new(settings)).unwrap();
    };
    days(5);
    let after = register(&daemon, &call("complaint", "138 0013 8000")).await;
    assert_eq!(named(&after), [], "five days were set");
    days(0);
    let after = register(&daemon, &call("complaint", "138 0013 8000")).await;
    assert_eq!(named(&after), [], "nobody is asked");
    days(7);
    let after = register(&daemon, &call("complaint", "138 0013 8000")).await;
    assert_eq!(named(&after).len(), 4, "seven days again: {after}");

    daemon.clock.advance(chrono::TimeDelta::days(8));
    let later = register(&daemon, &call("complaint", "138 0013 8000")).await;
    assert_eq!(named(&later), [], "another matter by now");
}

#[tokio::test]
async fn r29_who_calls_twice_is_recognised_and_one_command_makes_one_ticket_of_the_two() {
    calls_twice(Daemon::start().await).await;
}

#[tokio::test]
async fn r29_who_calls_twice_is_recognised_on_postgresql_too() {
    if let Some(daemon) = Daemon::start_on_postgres().await {
        calls_twice(daemon).await;
    }
}
