//! A ticket's walk through the decision trees, over HTTP: asked, answered, gone back to, finished.

use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon};
use crate::deeds::{does, done};

async fn registered(daemon: &Daemon, kind: &str, class: Option<&str>) -> String {
    let mut body = json!({
        "kind": kind, "channel": "phone", "urgency": "general",
        "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true }, "words": { "description": "no calls" },
    });
    if kind == "complaint" {
        body["level"] = "blue".into();
    }
    let request =
        daemon.by(Role::Agent, "POST", "/api/v1/tickets").header("content-type", "application/json");
    let answer = daemon.send(request, body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let number = answer.json()["ticket"]["number"].as_str().unwrap().to_owned();
    if let Some(class) = class {
        done(daemon, Role::Agent, &number, "classify", json!({ "class": class, "urgency": "general" })).await;
    }
    number
}

async fn says(daemon: &Daemon, role: Role, number: &str, node: &str, answer: &str, details: Value) -> Value {
    done(daemon, role, number, "tree", json!({ "node": node, "answer": answer, "details": details })).await
}

async fn tree(daemon: &Daemon, role: Role, number: &str) -> Value {
    daemon.get(role, &format!("/api/v1/tickets/{number}/tree")).await.json()
}

#[tokio::test]
async fn r57_r60_a_measured_ticket_asks_only_what_was_not_measured_and_records_who_or_what_answered() {
    let daemon = Daemon::start().await;
    let number = daemon.open("link-1").await.number.to_string();
    let path = format!("/api/v1/tickets/{number}");
    let shown = daemon.get(Role::Viewer, &path).await.json();
    let next = &shown["next_question"];
    assert_eq!(
        (&next["tree"], &next["node"], &next["version"]),
        (&"B".into(), &"B4".into(), &1.into()),
        "{next}"
    );
    let seen = tree(&daemon, Role::Viewer, &number).await;
    assert_eq!((&seen["begun"], &seen["may_answer"]), (&false.into(), &false.into()), "viewers look on");
    assert_eq!(seen["path"][0]["recorded"], false);
    let walked = says(&daemon, Role::Technician, &number, "B4", "done", json!({})).await;
    assert_eq!(walked["next_question"]["node"], "B5");
    let seen = tree(&daemon, Role::Technician, &number).await;
    assert_eq!((&seen["begun"], &seen["may_answer"], &seen["walk"]), (&true.into(), &true.into(), &1.into()));
    let (measured, person) = (&seen["path"][0], &seen["path"][1]);
    assert_eq!(
        (&measured["node"], &measured["answer"], &measured["by"]),
        (&"B2".into(), &"yes".into(), &Value::Null)
    );
    assert!(measured["evidence"].as_str().unwrap().starts_with("diagnosis line/link-1 "), "{measured}");
    assert_eq!(
        (&person["node"], &person["by"], &person["recorded"]),
        (&"B4".into(), &"tom".into(), &true.into())
    );
    let events = daemon.get(Role::Viewer, &format!("{path}/events")).await.json();
    let told: Vec<(&str, &str)> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["event"]["deed"].as_str().unwrap_or("opened"), event["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("opened", "linesman"), ("walk_begun", "tom"), ("walked", "linesman"), ("walked", "tom")]
    );
    let listed = daemon.get(Role::Viewer, "/api/v1/tickets").await.json();
    assert_eq!(listed["tickets"][0]["next_question"]["node"], "B5");
    assert!(listed["tickets"][0]["process"]["walks"].is_null(), "the walk is at /tree");
}

#[tokio::test]
async fn r57_a_question_is_answered_in_its_turn_by_whoever_it_is_for_and_with_all_that_it_asks() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "complaint", Some("B")).await;
    let agent = does(&daemon, Role::Agent, &number, "tree", json!({ "node": "B1", "answer": "done" })).await;
    assert_eq!((agent.status.as_u16(), agent.problem().as_str()), (409, "refused"));
    let why = agent.json()["errors"][0].clone();
    assert!(why["detail"].as_str().unwrap().contains("answered by the Technician"), "{why}");
    assert_eq!(why["rule"], "R57");
    let early =
        does(&daemon, Role::Technician, &number, "tree", json!({ "node": "B9", "answer": "yes" })).await;
    assert!(early.text.contains("B9") && early.text.contains("B1"), "{}", early.text);
    says(&daemon, Role::Technician, &number, "B1", "done", json!({})).await;
    says(&daemon, Role::Technician, &number, "B2", "no", json!({})).await;
    let bare =
        does(&daemon, Role::Technician, &number, "tree", json!({ "node": "B3", "answer": "done" })).await;
    assert!(bare.json()["errors"][0]["detail"].as_str().unwrap().contains("`advice`"), "{}", bare.text);
    let path = format!("/api/v1/tickets/{number}/tree");
    let chinese = daemon.by(Role::Technician, "GET", &path).header("accept-language", "zh-CN");
    let chinese = daemon.send(chinese, axum::body::Body::empty()).await.json();
    assert_eq!(chinese["next"]["text"], "协助客户检查并排除故障，提出网络整改建议");
    assert_eq!(chinese["next"]["role_text"], "技术员");
    let stale = daemon.change(Role::Technician, &path, 1, "{\"node\":\"B3\",\"answer\":\"done\"}").await;
    assert_eq!(stale.status, 412);
    let back = json!({ "node": "B2", "reason": "it was our side" });
    let shown = done(&daemon, Role::Technician, &number, "tree/back", back).await;
    assert_eq!(shown["next_question"]["node"], "B2");
    let seen = tree(&daemon, Role::Technician, &number).await;
    let last = seen["path"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["answer"], &last["text"]), (&Value::Null, &"it was our side".into()));
}

#[tokio::test]
async fn r57_r108_a_repair_is_resolved_only_after_its_walk_came_to_a_result() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "complaint", Some("B")).await;
    let solution = json!({ "root_cause": "dug up", "solution": "spliced" });
    let refused = does(&daemon, Role::Agent, &number, "solve", solution.clone()).await;
    let rules = |answer: &Answer| -> Vec<String> {
        let answer = answer.json();
        let errors = answer["errors"].as_array().unwrap().iter();
        errors.map(|error| error["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert!(rules(&refused).contains(&"R57".to_owned()), "{}", refused.text);
    let tom = Role::Technician;
    for (node, answer, details) in [
        ("B1", "done", json!({})),
        ("B2", "yes", json!({})),
        ("B4", "done", json!({})),
        ("B5", "yes", json!({})),
        ("B8", "done", json!({ "fault": "disk full", "correction": "disk emptied" })),
        ("B9", "yes", json!({ "proof": "call 3" })),
        ("B10", "done", json!({ "solution": "watch the disk" })),
    ] {
        says(&daemon, tom, &number, node, answer, details).await;
    }
    let seen = tree(&daemon, tom, &number).await;
    assert_eq!((&seen["next"], &seen["outcome"]), (&Value::Null, &"result".into()));
    let refused = does(&daemon, Role::Agent, &number, "solve", solution).await;
    assert!(!rules(&refused).contains(&"R57".to_owned()), "{}", refused.text);
    let over = does(&daemon, tom, &number, "tree", json!({ "node": "B1", "answer": "done" })).await;
    assert_eq!(over.status, 409);
}

#[tokio::test]
async fn r22_r111_the_problem_and_contact_of_somebody_off_duty_are_kept_apart_from_the_events() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "consultation", None).await;
    let shown = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
    assert_eq!(shown["next_question"]["node"], "I1", "what is not classified begins at the intake");
    let manager = Role::Manager;
    for (node, answer) in [("I1", "done"), ("I2", "other"), ("I4", "no"), ("I5", "no")] {
        says(&daemon, manager, &number, node, answer, json!({})).await;
    }
    let told = json!({ "problem": "the bill of Li Na", "contact": "138 0013 8000" });
    says(&daemon, manager, &number, "I5r", "done", told).await;
    let events = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/events")).await.text;
    assert!(!events.contains("138 0013") && !events.contains("Li Na"), "{events}");
    let texts = daemon.get(Role::Agent, &format!("/api/v1/tickets/{number}/words")).await.text;
    assert!(texts.contains("138 0013 8000") && texts.contains("the bill of Li Na"), "{texts}");
    let seen = tree(&daemon, manager, &number).await;
    assert_eq!(
        (&seen["outcome"], &seen["path"][4]["details"][0]["apart"]),
        (&"owner_replies".into(), &true.into())
    );
}

#[tokio::test]
async fn r66_a_follow_up_walks_no_tree_and_a_top_up_walks_its_own() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "recharge", None).await;
    let shown = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
    assert_eq!(shown["next_question"]["tree"], "TOP-UP");
    let number = registered(&daemon, "follow_up", None).await;
    assert_eq!(tree(&daemon, Role::Viewer, &number).await, Value::Null);
    let none = does(&daemon, Role::Agent, &number, "tree", json!({ "node": "I1", "answer": "done" })).await;
    assert_eq!(none.status, 409, "{}", none.text);
}
