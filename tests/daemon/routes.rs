//! R63 over `kill -9`: an order about a line that was acknowledged is carried out by the next start, and what was sent
//! already is not done twice.

use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::receivers::{Http, Reply};
use crate::support::api::Api;
use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;
use crate::support::process::program;

const WITHIN: Duration = Duration::from_secs(60);

async fn posts(api: &Api, path: &str, body: &Value) -> Value {
    let answer = api.send(Method::POST, path, Some("*"), Some(body)).await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn reaches(api: &Api, number: &str, state: &str) -> Value {
    let path = format!("/api/v1/tickets/{number}/routes");
    eventually(state, WITHIN, async || {
        let action = api.get(&path).await["routes"][0].clone();
        (action["state"] == state).then_some(action)
    })
    .await
}

/// Asked for by one, approved by another, rehearsed.
async fn rehearsed(api: &Api, second: &Api) -> String {
    let body = json!({
        "kind": "fault", "channel": "phone", "urgency": "urgent",
        "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true },
        "words": { "description": "one-way audio" },
    });
    let ticket = posts(api, "/api/v1/tickets", &body).await;
    let number = ticket["ticket"]["number"].as_str().expect("a number").to_owned();
    let path = format!("/api/v1/tickets/{number}/routes");
    let stop = json!({ "what": "stop", "line": "trunk-1", "reason": "one-way audio", "hook": "edge" });
    posts(api, &path, &stop).await;
    posts(second, &format!("{path}/1/approve"), &json!({})).await;
    posts(api, &format!("{path}/1/rehearse"), &json!({})).await;
    number
}

#[tokio::test(flavor = "multi_thread")]
async fn r63_kill_9_between_asking_and_done_loses_no_order_and_does_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let http = Http::start(Reply::Http(200, &[], "ok")).await;
    let address = format!("127.0.0.1:{}", free_port());
    let hook = |more: &str| {
        format!("[[route_hook]]\nname = \"edge\"\nkind = \"webhook\"\nurl = \"{}/route\"\n{more}\n", http.url)
    };
    let (daemon, api) = Daemon::start(folder.path(), &address, &hook(""), &[], None).await;
    let token = api.token().to_owned();
    let wanted = json!({ "name": "mei", "role": "manager" });
    let made = posts(&api, "/api/v1/tokens", &wanted).await;
    let second = Api::new(&format!("http://{address}"), made["token"].as_str().expect("a token"));

    // Killed while the receiver has it and has not answered: sent again under the same key.
    let number = rehearsed(&api, &second).await;
    http.answer([Reply::Hang]);
    posts(&api, &format!("/api/v1/tickets/{number}/routes/1/send"), &json!({})).await;
    http.wait_for(1).await;
    daemon.kill();
    let (daemon, api) = Daemon::start(folder.path(), &address, &hook(""), &[], Some(&token)).await;
    let done = reaches(&api, &number, "done").await;
    assert_eq!((&done["attempts"], &done["answer"]), (&2.into(), &"200 ok".into()));
    let got = http.got();
    let keys: Vec<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!((keys.len(), keys[0], &got[0].body), (2, keys[1], &got[1].body), "whoever has it knows it");

    // Killed right after the order was acknowledged.
    let number = rehearsed(&api, &second).await;
    posts(&api, &format!("/api/v1/tickets/{number}/routes/1/send"), &json!({})).await;
    daemon.kill();
    let (daemon, api) = Daemon::start(folder.path(), &address, &hook(""), &[], Some(&token)).await;
    reaches(&api, &number, "done").await;
    let keys: std::collections::BTreeSet<String> =
        http.got().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!(keys.len(), 2, "one key an order");
    daemon.kill();

    // Where twice is not the same as once, it is not sent again: somebody has to look.
    let once = hook("idempotent = false");
    let (daemon, api) = Daemon::start(folder.path(), &address, &once, &[], Some(&token)).await;
    let number = rehearsed(&api, &second).await;
    let before = http.got().len();
    http.answer([Reply::Hang]);
    posts(&api, &format!("/api/v1/tickets/{number}/routes/1/send"), &json!({})).await;
    http.wait_for(before + 1).await;
    daemon.kill();
    let (daemon, api) = Daemon::start(folder.path(), &address, &once, &[], Some(&token)).await;
    reaches(&api, &number, "unclear").await;
    assert_eq!(http.got().len(), before + 1, "not sent again");

    let listed = Command::new(program())
        .args(["ticket", "route", "list", &number, "--config"])
        .arg(folder.path().join("linesman.toml"))
        .env("LINESMAN_TOKEN", &token)
        .output();
    let listed = tokio::task::block_in_place(|| listed).expect("the program runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("1  stop trunk-1: unclear") && listed.contains("webhook-id: "), "{listed}");
    assert!(daemon.stop().await.success());
}
