//! What tests of tickets over HTTP do again and again.

use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon};

/// Does something to a ticket at its newest version.
pub async fn does(daemon: &Daemon, role: Role, number: &str, verb: &str, body: Value) -> Answer {
    let path = format!("/api/v1/tickets/{number}");
    let version = daemon.get(Role::Viewer, &path).await.json()["version"].as_i64().unwrap();
    daemon.change(role, &format!("{path}/{verb}"), version, &body.to_string()).await
}

/// Likewise where nothing is against it; the ticket afterwards.
pub async fn done(daemon: &Daemon, role: Role, number: &str, verb: &str, body: Value) -> Value {
    let answer = does(daemon, role, number, verb, body).await;
    assert_eq!(answer.status, 200, "{verb}: {}", answer.text);
    answer.json()
}

/// Walks the tree of class B over the fibre to its result.
pub async fn walks_b(daemon: &Daemon, number: &str) {
    let none = || json!({});
    for (node, answer, details) in [
        ("B1", "done", none()),
        ("B2", "yes", none()),
        ("B4", "done", none()),
        ("B5", "no", none()),
        ("B6", "no", none()),
        ("B6b", "no", none()),
        ("B7", "yes", none()),
        ("B7a", "done", json!({ "repair_time": "3 hours", "repair_result": "spliced" })),
        ("B9", "yes", json!({ "proof": "call 3" })),
        ("B10", "done", json!({ "solution": "spliced" })),
    ] {
        let said = json!({ "node": node, "answer": answer, "details": details });
        done(daemon, Role::Technician, number, "tree", said).await;
    }
}
