//! R63: lines that are stopped, diverted and restored, over HTTP and on the ticket's page.

use std::sync::Arc;

use axum::body::Body;
use linesman::settings::{Settings, parse};
use linesman::store::Role;
use serde_json::json;

use crate::daemon::{Answer, Daemon};
use crate::deeds::{does, done};

/// A daemon with pages and a hook that nobody listens at.
async fn daemon() -> Daemon {
    let mut daemon = Daemon::start().await;
    let pages = linesman::http::page::router(daemon.state.clone());
    daemon.router = linesman::http::router(daemon.state.clone(), pages);
    let text = "[[route_hook]]\nname = \"edge\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/route\"\n\
                secret_env = \"EDGE_SECRET\"\n";
    let secret = [("EDGE_SECRET".to_owned(), "open sesame".to_owned())];
    let hooks = parse("linesman.toml", text, secret).unwrap().settings.route_hooks;
    let inventory = daemon.state.settings.borrow().inventory.clone();
    daemon.settings.send_replace(Arc::new(Settings { route_hooks: hooks, inventory, ..Settings::default() }));
    daemon
}

async fn press(daemon: &Daemon, role: Role, number: &str, path: &str, fields: &str) -> Answer {
    let version =
        daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json()["version"].clone();
    let request = daemon
        .by(role, "POST", &format!("/tickets/{number}/{path}"))
        .header("content-type", "application/x-www-form-urlencoded");
    daemon.send(request, Body::from(format!("version={version}&{fields}"))).await
}

async fn page(daemon: &Daemon, role: Role, number: &str, language: &str) -> String {
    let answer = daemon.get(role, &format!("/tickets/{number}?lang={language}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

#[tokio::test]
async fn r63_a_line_is_asked_for_approved_and_rehearsed_by_api_and_the_secret_is_masked() {
    let daemon = daemon().await;
    let number = daemon.open("link-1").await.number.to_string();
    let wanted = json!({ "what": "stop", "line": "link-1", "reason": "noise", "hook": "edge", "calls": 40 });
    let low = does(&daemon, Role::Agent, &number, "routes", wanted.clone()).await;
    assert_eq!(low.problem(), "forbidden");
    let nowhere = json!({ "what": "stop", "line": "link-1", "reason": "noise", "hook": "nowhere" });
    let nowhere = does(&daemon, Role::Technician, &number, "routes", nowhere).await;
    assert_eq!(nowhere.status, 409);
    assert!(nowhere.text.contains("[[route_hook]] nowhere (R63)"), "{}", nowhere.text);
    let asked = done(&daemon, Role::Technician, &number, "routes", wanted).await;
    assert_eq!(asked["process"]["routes"][0]["state"], "asked");
    let below = does(&daemon, Role::Noc, &number, "routes/1/approve", json!({})).await;
    assert!(below.text.contains("R63"), "{}", below.text);
    done(&daemon, Role::Manager, &number, "routes/1/approve", json!({})).await;
    done(&daemon, Role::Technician, &number, "routes/1/rehearse", json!({})).await;
    let list = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/routes")).await;
    let shown = list.json()["routes"][0]["rehearsal"]["request"].as_str().unwrap().to_owned();
    assert!(shown.starts_with("POST http://127.0.0.1:9/route\n"), "{shown}");
    assert!(shown.contains("webhook-signature: v1,***") && !list.text.contains("open sesame"), "{shown}");
    assert!(shown.contains("\"calls\":40") && shown.contains("\"approved_by\":\"mei\""), "{shown}");
    let sent = done(&daemon, Role::Technician, &number, "routes/1/send", json!({})).await;
    assert_eq!(sent["process"]["routes"][0]["state"], "sending", "whatever dies now, it is not lost");
    let waiting = daemon.get(Role::Viewer, "/api/v1/routes?state=sending").await.json();
    assert_eq!(waiting["routes"][0]["ticket"], number.as_str());
    assert_eq!(daemon.get(Role::Viewer, "/api/v1/routes?state=lost").await.problem(), "invalid");
}

#[tokio::test]
async fn r63_the_page_has_each_button_where_it_makes_sense_in_both_languages_and_the_record_is_printed() {
    let daemon = daemon().await;
    let number = daemon.open("link-1").await.number.to_string();
    let viewer = page(&daemon, Role::Viewer, &number, "en").await;
    assert!(!viewer.contains("id=\"route-asking\""), "viewers look on");
    assert!(page(&daemon, Role::Technician, &number, "zh-CN").await.contains("申请停用、切换或恢复线路"));
    let asked = press(
        &daemon,
        Role::Technician,
        &number,
        "routes",
        "what=divert&line=link-1&to=link-2&reason=one-way+audio&hook=",
    )
    .await;
    assert_eq!(
        asked.header("location"),
        format!("/tickets/{number}?done=route_ask#routes"),
        "{}",
        asked.text
    );
    let own = page(&daemon, Role::Technician, &number, "en").await;
    assert!(own.contains("1. move its customers: link-1 → link-2"), "{own}");
    assert!(!own.contains("routes/1/approve"), "who asks does not approve");
    let early = press(&daemon, Role::Technician, &number, "routes/1/done", "text=moved").await;
    assert_eq!(early.status, 422);
    assert!(early.text.contains("it is not approved"), "{}", early.text);
    assert!(page(&daemon, Role::Manager, &number, "en").await.contains("routes/1/approve"));
    press(&daemon, Role::Manager, &number, "routes/1/approve", "").await;
    let by_hand = page(&daemon, Role::Technician, &number, "en").await;
    assert!(by_hand.contains("routes/1/done") && !by_hand.contains("routes/1/rehearse"), "no hook does it");
    press(&daemon, Role::Technician, &number, "routes/1/done", "text=moved+on+the+switch").await;
    let finished = page(&daemon, Role::Technician, &number, "zh-CN").await;
    assert!(finished.contains("已执行") && finished.contains("moved on the switch"), "{finished}");
    assert!(finished.contains("批准线路操作1。"), "it stands in the history");
    let form =
        daemon.get(Role::Technician, &format!("/tickets/{number}/forms/route_action?lang=zh-CN")).await;
    for part in ["线路停用切换恢复审批单", "link-2", "one-way audio", "mei (", "tom (", "moved on the switch"]
    {
        assert!(form.text.contains(part), "{part}: {}", form.text);
    }
}
