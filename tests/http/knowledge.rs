//! Articles, set phrases, suggestions beside a ticket, and tickets of an outage, over HTTP.

use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon};

async fn post(daemon: &Daemon, role: Role, path: &str, body: Value) -> Answer {
    let request = daemon.by(role, "POST", path).header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

async fn complaint(daemon: &Daemon, phone: &str, description: &str) -> Value {
    let body = json!({
        "kind": "complaint", "channel": "phone", "level": "blue", "element": "link-1",
        "who": { "contact": { "name": "Li Na", "phone": phone }, "create": true }, "words": { "description": description },
    });
    let answer = post(daemon, Role::Agent, "/api/v1/tickets", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"].clone()
}

#[tokio::test]
async fn r107_r108_an_article_is_drafted_read_by_another_published_and_suggested_beside_a_ticket() {
    let daemon = Daemon::start().await;
    let content = json!({
        "signature": { "class": "B", "cause": "fibre", "segment_kind": "link" },
        "zh": { "title": "光缆中断", "solution": "联系运营商熔接光缆。" },
    });
    let draft = post(&daemon, Role::Agent, "/api/v1/knowledge", json!({ "content": content })).await;
    assert_eq!((draft.status.as_u16(), draft.header("location")), (201, "/api/v1/knowledge/KB-1"));
    let version = draft.json()["version"].clone();
    let step = |to: &str, version: &Value| json!({ "version": version, "to": to });
    let by_agent = post(&daemon, Role::Agent, "/api/v1/knowledge/KB-1/move", step("publish", &version)).await;
    assert_eq!(by_agent.status, 403);
    let submitted = post(&daemon, Role::Agent, "/api/v1/knowledge/KB-1/move", step("submit", &version)).await;
    assert_eq!(submitted.json()["review"], "in_review", "{}", submitted.text);
    let stale = post(&daemon, Role::Noc, "/api/v1/knowledge/KB-1/move", step("publish", &version)).await;
    assert_eq!((stale.status.as_u16(), stale.problem().as_str()), (409, "name_taken"));
    let version = submitted.json()["version"].clone();
    let published = post(&daemon, Role::Noc, "/api/v1/knowledge/KB-1/move", step("publish", &version)).await;
    assert_eq!(published.json()["review"], "published", "{}", published.text);

    let fault = daemon.open("link-1").await;
    let ticket = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{}", fault.number)).await.json();
    assert_eq!(ticket["knowledge"][0]["name"], "KB-1");
    assert_eq!(ticket["knowledge"][0]["solution"], "联系运营商熔接光缆。");
    let mine = complaint(&daemon, "138 0013 8000", "光缆好像断了，打不通").await;
    let path = format!("/api/v1/tickets/{}/knowledge", mine["number"].as_str().unwrap());
    let known = daemon.get(Role::Viewer, &path).await.json();
    assert_eq!(
        known["suggestions"][0]["by_text"], true,
        "an unclassified one is found by its words: {known}"
    );
    assert!(known["own"].is_null());
    let found = daemon.get(Role::Viewer, "/api/v1/knowledge?q=%E5%85%89%E7%BC%86").await.json();
    assert_eq!(found["articles"][0]["name"], "KB-1");
    let wrong = daemon.get(Role::Viewer, "/api/v1/knowledge?review=read&class=X").await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["errors"].as_array().unwrap().len()), (422, 2));
    let used = json!({ "ticket": fault.number.to_string(), "helped": true });
    let used = post(&daemon, Role::Agent, "/api/v1/knowledge/KB-1/use", used).await;
    assert_eq!(used.json()["helped"], 1, "{}", used.text);
    let open = json!({ "ticket": fault.number.to_string() });
    let open = post(&daemon, Role::Agent, "/api/v1/knowledge", open).await;
    assert_eq!((open.status.as_u16(), open.json()["errors"][0]["pointer"].as_str()), (422, Some("/ticket")));
}

#[tokio::test]
async fn r36_r112_set_phrases_are_shipped_and_an_operators_own_takes_their_place() {
    let daemon = Daemon::start().await;
    let scripts = daemon.get(Role::Viewer, "/api/v1/scripts").await.json();
    let apology = |scripts: &Value| {
        let all = scripts["scripts"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["purpose"] == "apology").unwrap()
    };
    assert!(apology(&scripts)["article"].is_null());
    let content = json!({ "purpose": "apology", "en": { "title": "Apology", "solution": "We are sorry." } });
    let wrong = json!({ "kind": "script", "content": { "purpose": "shouting" } });
    assert_eq!(post(&daemon, Role::Noc, "/api/v1/knowledge", wrong).await.status, 422);
    let draft =
        post(&daemon, Role::Noc, "/api/v1/knowledge", json!({ "kind": "script", "content": content })).await;
    let own = json!({ "version": draft.json()["version"], "to": "publish" });
    let path = format!("/api/v1/knowledge/{}/move", draft.json()["name"].as_str().unwrap());
    let refused = post(&daemon, Role::Noc, &path, own.clone()).await;
    assert_eq!(refused.json()["errors"][0]["code"], "article_own", "{}", refused.text);
    assert_eq!(post(&daemon, Role::Manager, &path, own).await.status, 200);
    let scripts = daemon.get(Role::Viewer, "/api/v1/scripts").await.json();
    assert_eq!(apology(&scripts)["text"], "We are sorry.");
}

#[tokio::test]
async fn r99_customers_of_an_outage_are_told_one_text_once_each() {
    let daemon = Daemon::start().await;
    let fault = daemon.open("link-1").await;
    let path = format!("/api/v1/tickets/{}", fault.number);
    let first = complaint(&daemon, "138 0013 8000", "no calls").await;
    complaint(&daemon, "138 0013 8000", "still no calls").await;
    complaint(&daemon, "138 0013 8001", "no calls either").await;
    let children = daemon.get(Role::Agent, &format!("{path}/children")).await.json();
    assert_eq!((&children["to_tell"], &children["customer_text"]), (&2.into(), &Value::Null));
    let version = daemon.get(Role::Viewer, &path).await.json()["version"].as_i64().unwrap();
    let text = json!({ "en": "Repaired by noon.", "zh": "中午前修复。" });
    let done = daemon.change(Role::Agent, &format!("{path}/customer-text"), version, &text.to_string()).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let number = first["number"].as_str().unwrap();
    let version =
        daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json()["version"].as_i64();
    let told = json!({ "purpose": "progress", "channel": "phone", "direction": "outbound" });
    let told = daemon
        .change(
            Role::Agent,
            &format!("/api/v1/tickets/{number}/contact"),
            version.unwrap(),
            &told.to_string(),
        )
        .await;
    assert_eq!(told.status, 200, "{}", told.text);
    let request =
        daemon.by(Role::Agent, "GET", &format!("{path}/children")).header("accept-language", "zh-CN");
    let children = daemon.send(request, "").await.json();
    assert_eq!((&children["to_tell"], &children["customer_text"]), (&1.into(), &"中午前修复。".into()));
    assert_eq!(children["customers"][1]["tickets"].as_array().unwrap().len(), 2, "one line a customer");
}

#[tokio::test]
async fn r29_a_ticket_is_split_over_http_and_a_measured_one_is_not() {
    let daemon = Daemon::start().await;
    let ticket = complaint(&daemon, "138 0013 8000", "no calls, and the bill is wrong").await;
    let path = format!("/api/v1/tickets/{}/split", ticket["number"].as_str().unwrap());
    let body = json!({ "description": "the bill is wrong" }).to_string();
    let part = daemon.change(Role::Agent, &path, 1, &body).await;
    assert_eq!(part.status, 201, "{}", part.text);
    assert_eq!(part.json()["process"]["split_from"], ticket["id"]);
    let again = daemon.change(Role::Agent, &path, 1, &body).await;
    assert_eq!(again.status, 412);
    let fault = daemon.open("link-1").await;
    let measured =
        daemon.change(Role::Agent, &format!("/api/v1/tickets/{}/split", fault.number), 1, &body).await;
    assert_eq!(measured.status, 422, "{}", measured.text);
}
