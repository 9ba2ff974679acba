use axum::body::Body;
use linesman::live::Order;
use linesman::store::Role;
use serde_json::Value;

use crate::daemon::Daemon;

#[tokio::test]
async fn a_list_of_tickets_goes_on_by_its_cursor_and_ends() {
    let daemon = Daemon::start().await;
    for segment in ["link-1", "link-2", "link-3", "link-4", "link-5"] {
        daemon.open(segment).await;
    }
    let mut path = "/api/v1/tickets?open=true&class=B&severity=major,critical&limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = daemon.get(Role::Viewer, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        let tickets = page["tickets"].as_array().unwrap();
        assert!(tickets.len() <= 2);
        seen.extend(tickets.iter().map(|ticket| ticket["segment"].as_str().unwrap().to_owned()));
        let Some(link) = answer.headers.get("link") else {
            assert_eq!(page["next"], Value::Null);
            break;
        };
        let link = link.to_str().unwrap();
        let next = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).unwrap();
        assert!(next.contains("severity=major,critical"), "the next page keeps the filters: {next}");
        path = next.to_owned();
    }
    assert_eq!(
        seen,
        ["link-5", "link-4", "link-3", "link-2", "link-1"],
        "newest first, none twice, none missed"
    );
    for none in [
        "?open=false",
        "?state=closed",
        "?segment=link-9",
        "?class=A",
        "?owner=nora",
        "?to=2020-01-01T00:00:00Z",
    ] {
        let page = daemon.get(Role::Viewer, &format!("/api/v1/tickets{none}")).await.json();
        assert_eq!(page["tickets"], Value::Array(vec![]), "{none}");
    }
}

#[tokio::test]
async fn a_ticket_is_found_by_number_and_by_id_and_not_sent_twice() {
    let daemon = Daemon::start().await;
    let opened = daemon.open("link-1").await;
    let path = format!("/api/v1/tickets/{}", opened.number);
    let answer = daemon.get(Role::Viewer, &path).await;
    assert_eq!(answer.header("etag"), "\"v1\"");
    let ticket = answer.json();
    assert_eq!(ticket["url"], format!("http://127.0.0.1:9470/tickets/{}", opened.number));
    assert_eq!(ticket["path"], serde_json::json!(["B2", "B6"]));
    assert_eq!(ticket["headline"], "a reason is missing (R33)");
    assert_eq!(ticket["fault"]["segment"], "link-1");
    let by_id = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{}", opened.id)).await;
    assert_eq!(by_id.json(), ticket);

    let again = daemon.by(Role::Viewer, "GET", &path).header("if-none-match", "\"v1\"");
    let again = daemon.send(again, Body::empty()).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    for unknown in ["LM-2026-999999", "nonsense", "LM-1", &"x".repeat(500)] {
        let answer = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{unknown}")).await;
        assert_eq!(answer.problem(), "not_found", "{unknown}");
    }
}

#[tokio::test]
async fn a_change_names_the_version_that_was_seen() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let path = format!("/api/v1/tickets/{}/acknowledge", ticket.number);
    let blind = daemon.send(daemon.by(Role::Noc, "POST", &path), Body::empty()).await;
    assert_eq!((blind.status.as_u16(), blind.problem().as_str()), (428, "precondition_required"));

    let taken = daemon.change(Role::Noc, &path, 1, "").await;
    assert_eq!((taken.status.as_u16(), taken.header("etag")), (200, "\"v2\""), "{}", taken.text);
    assert_eq!((&taken.json()["owner"], &taken.json()["state"]), (&"nora".into(), &"in_progress".into()));

    let late = daemon.change(Role::Admin, &path, 1, "").await;
    assert_eq!((late.status.as_u16(), late.problem().as_str()), (412, "precondition_failed"));
    let newer = &late.json()["ticket"];
    assert_eq!(
        (&newer["version"], &newer["owner"]),
        (&2.into(), &"nora".into()),
        "the newer ticket is in the answer"
    );
}

#[tokio::test]
async fn what_people_say_of_a_diagnosis_is_kept_with_their_names() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let path = |action: &str| format!("/api/v1/tickets/{}/{action}", ticket.number);
    let confirmed =
        daemon.change(Role::Technician, &path("confirm"), 1, r#"{"note":"saw the cut"}"#).await.json();
    assert_eq!(
        (&confirmed["verdict"]["by"], &confirmed["verdict"]["confirmed"]),
        (&"tom".into(), &true.into())
    );

    let nowhere = r#"{"cause":"server-down","segment":"server-9","side":"company"}"#;
    let nowhere = daemon.change(Role::Technician, &path("correct"), 2, nowhere).await;
    assert_eq!(
        (nowhere.problem().as_str(), &nowhere.json()["errors"][0]["pointer"]),
        ("invalid", &"/segment".into())
    );
    let no_cause = r#"{"cause":"weather","segment":"server-1","side":"company"}"#;
    let no_cause = daemon.change(Role::Technician, &path("correct"), 2, no_cause).await;
    assert_eq!(
        (no_cause.problem().as_str(), &no_cause.json()["errors"][0]["pointer"]),
        ("invalid", &"/cause".into())
    );

    let right = r#"{"cause":"gateway-config","segment":"server-1","side":"company","note":"found it"}"#;
    let corrected = daemon.change(Role::Technician, &path("correct"), 2, right).await.json();
    assert_eq!(
        (&corrected["class"], &corrected["segment"]),
        (&"C".into(), &"server-1".into()),
        "the class follows"
    );

    let noted = daemon.change(Role::Technician, &path("note"), 3, r#"{"text":"on my way"}"#).await;
    assert_eq!(noted.status, 200);
    let events = daemon.get(Role::Viewer, &path("events")).await.json();
    let told: Vec<(&str, &str)> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["event"]["type"].as_str().unwrap(), event["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("opened", "linesman"),
            ("diagnosis_confirmed", "tom"),
            ("diagnosis_corrected", "tom"),
            ("noted", "tom")
        ]
    );
    let first = daemon.get(Role::Viewer, &path("events?limit=3")).await;
    assert!(first.header("link").contains("after=3"), "{}", first.header("link"));
    let rest = daemon.get(Role::Viewer, &path("events?limit=3&after=3")).await.json();
    assert_eq!((rest["events"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
}

#[tokio::test]
async fn a_refused_change_says_which_guard_stands_against_it() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let path = |action: &str| format!("/api/v1/tickets/{}/{action}", ticket.number);
    let approve = daemon.change(Role::Noc, &path("approve"), 1, "").await;
    assert_eq!((approve.status.as_u16(), approve.problem().as_str()), (409, "refused"));
    assert_eq!(approve.json()["errors"][0]["code"], "not_a_candidate");
    let cancelled = daemon.change(Role::Noc, &path("cancel"), 1, r#"{"reason":"a drill"}"#).await;
    assert_eq!(cancelled.json()["state"], "cancelled");
    let dead = daemon.change(Role::Noc, &path("acknowledge"), 2, "").await;
    assert_eq!(dead.json()["errors"][0]["code"], "not_open");
}

#[tokio::test]
async fn evidence_and_reasoning_are_told_in_words() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let ask = |path: &str| {
        let path = format!("/api/v1/tickets/{}/{path}", ticket.number);
        daemon.by(Role::Viewer, "GET", &path).header("accept-language", "zh")
    };
    let explained = daemon.send(ask("explain"), Body::empty()).await.json();
    assert_eq!((&explained["headline"], &explained["path"][1]), (&"缺少原因（R33）".into(), &"B6".into()));
    assert_eq!(
        explained["steps"][0],
        serde_json::json!({"node": "B2", "answer": true, "reason": "备注为空（R23）"})
    );
    assert_eq!(
        (&explained["hops"][0]["at_fault"], &explained["hops"][0]["state"]),
        (&true.into(), &"down".into())
    );
    assert_eq!(explained["why_not"][0], "该工单并不等待批准（R24）");

    let evidence = daemon.send(ask("evidence"), Body::empty()).await.json();
    let first = &evidence["evidence"][0];
    assert_eq!(
        (&first["type"], &first["headline"], &first["seq"]),
        (&"opened".into(), &"缺少原因（R33）".into(), &1.into())
    );
    assert_eq!(first["fault"]["confidence"], 0.98);
}

#[tokio::test]
async fn measuring_again_reaches_the_workers_once() {
    let mut daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let path = format!("/api/v1/tickets/{}/remeasure", ticket.number);
    let answer = daemon.change(Role::Technician, &path, 1, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (202, "\"v2\""), "{}", answer.text);
    let order = daemon.orders.recv().await;
    assert!(
        matches!(&order, Some(Order::Remeasure(targets)) if Some(targets) == ticket.fault.as_ref().map(|fault| &fault.targets)),
        "{order:?}"
    );
    assert!(daemon.orders.try_recv().is_err(), "ordered once");

    // Workers that take nothing any more are said to be busy, and nothing is written down.
    while daemon.state.orders.try_send(Order::Remeasure(vec![])).is_ok() {}
    let busy = daemon.change(Role::Technician, &path, 2, "").await;
    assert_eq!((busy.status.as_u16(), busy.problem().as_str()), (503, "unavailable"));
    let now = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{}", ticket.number)).await;
    assert_eq!(now.header("etag"), "\"v2\"");
}
