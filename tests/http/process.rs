//! Tickets that people register, over HTTP: from a phone call to the customer's word.

use linesman::live::Order;
use linesman::store::Role;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon, start_of_time};
use crate::deeds::{does, done, walks_b};

fn complaint() -> Value {
    json!({
        "kind": "complaint", "channel": "phone", "urgency": "urgent", "nature": "service",
        "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true }, "element": "link-1",
        "words": { "description": "Li Na, 138 0013 8000: no calls", "symptom": "silence" },
    })
}

async fn register(daemon: &Daemon, key: Option<&str>, body: &Value) -> Answer {
    let mut request =
        daemon.by(Role::Agent, "POST", "/api/v1/tickets").header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    daemon.send(request, body.to_string()).await
}

fn hours(hours: i64) -> String {
    (start_of_time() + chrono::TimeDelta::hours(hours)).to_rfc3339()
}

#[tokio::test]
async fn r29_r96_a_registration_answers_number_clocks_and_the_open_fault_on_the_path() {
    let mut daemon = Daemon::start().await;
    let fault = daemon.open("link-1").await;
    let answer = register(&daemon, Some("call-1"), &complaint()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let registered = answer.json();
    let ticket = &registered["ticket"];
    let number = ticket["number"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/tickets/{number}"));
    assert_eq!((answer.header("etag"), &ticket["state"]), ("\"v1\"", &"registered".into()));
    assert_eq!((&ticket["class"], &ticket["fault"]), (&Value::Null, &Value::Null));
    assert_eq!(ticket["process"]["first_owner"], "lin");
    assert!(ticket["headline"].as_str().unwrap().contains("not yet classified"));
    assert_eq!(registered["open_on_path"][0]["number"], fault.number.to_string());
    assert_eq!(ticket["process"]["parent"], fault.id.to_string(), "it becomes a child of the fault's ticket");
    assert!(registered["path"].as_array().unwrap().contains(&"link-1".into()));
    assert!(registered["measuring"].as_u64().unwrap() > 0, "{registered}");
    assert!(matches!(daemon.orders.recv().await, Some(Order::Remeasure(targets)) if !targets.is_empty()));
    let clocks = registered["clocks"].as_array().unwrap();
    let response = clocks.iter().find(|clock| clock["name"] == "urgent-response").unwrap();
    assert_eq!((&response["rule"], &response["state"]), (&"R71".into(), &"running".into()));
    assert_eq!(response["remaining_s"], 7_200);
    assert!(!response["why"].as_array().unwrap().is_empty());

    let again = register(&daemon, Some("call-1"), &complaint()).await;
    assert_eq!((again.status.as_u16(), &again.json()["repeated"]), (200, &true.into()));
    assert_eq!(again.json()["ticket"]["number"], number);
    let mut other = complaint();
    other["kind"] = "fault".into();
    other["nature"] = Value::Null;
    let other = register(&daemon, Some("call-1"), &other).await;
    assert_eq!((other.status.as_u16(), other.problem().as_str()), (422, "invalid"));
    let mut nowhere = complaint();
    nowhere["element"] = "link-99".into();
    let nowhere = register(&daemon, None, &nowhere).await;
    assert_eq!(nowhere.json()["errors"][0]["pointer"], "/element");
}

#[tokio::test]
async fn r111_words_are_in_no_event_and_viewers_do_not_read_them() {
    let daemon = Daemon::start().await;
    let registered = register(&daemon, None, &complaint()).await.json();
    let number = registered["ticket"]["number"].as_str().unwrap().to_owned();
    let said = json!({
        "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": hours(4),
        "text": "call 138 0013 8000 after six",
    });
    done(&daemon, Role::Agent, &number, "contact", said).await;
    let path = |rest: &str| format!("/api/v1/tickets/{number}{rest}");
    for place in ["", "/events", "/clocks", "/explain", "/evidence"] {
        let answer = daemon.get(Role::Viewer, &path(place)).await;
        assert_eq!(answer.status, 200, "{place}");
        assert!(!answer.text.contains("138 0013"), "{place}: {}", answer.text);
    }
    assert_eq!(daemon.get(Role::Viewer, &path("/words")).await.status, 403);
    let words = daemon.get(Role::Agent, &path("/words")).await.json();
    let words = words["words"].as_array().unwrap();
    assert_eq!(words.len(), 2);
    assert!(words.iter().any(|one| one["symptom"] == "silence"));
    assert!(words.iter().all(|one| one.get("salt").is_none()));
}

#[tokio::test]
async fn a_refusal_lists_every_unmet_guard_in_words_with_its_rule_in_both_languages() {
    let daemon = Daemon::start().await;
    let registered = register(&daemon, None, &complaint()).await.json();
    let number = registered["ticket"]["number"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tickets/{number}/reject");
    let request = daemon.by(Role::Manager, "POST", &path).header("if-match", "\"v1\"");
    let request = request.header("content-type", "application/json").header("accept-language", "zh-CN");
    let refused = daemon.send(request, r#"{"reason":"no case"}"#.to_owned()).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (409, "refused"));
    let errors = refused.json()["errors"].as_array().unwrap().clone();
    let rules: Vec<&str> = errors.iter().map(|error| error["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["R33", "R33"]);
    for error in &errors {
        assert!(error["detail"].as_str().unwrap().contains("R33"), "{error}");
    }
    assert!(errors[0]["detail"].as_str().unwrap().contains("客户"), "{errors:?}");
    let agent = does(&daemon, Role::Agent, &number, "reject", json!({ "reason": "x" })).await;
    assert_eq!(agent.status, 403, "only a manager rejects");
    let agent = does(&daemon, Role::Noc, &number, "waive", json!({ "reason": "x" })).await;
    assert_eq!(agent.status, 403, "only a manager waives");
}

#[tokio::test]
async fn a_complaint_goes_from_a_phone_call_to_the_customers_word() {
    let daemon = Daemon::start().await;
    let registered = register(&daemon, None, &complaint()).await.json();
    let number = registered["ticket"]["number"].as_str().unwrap().to_owned();
    let agent = Role::Agent;
    let class = json!({
        "class": "B", "urgency": "urgent", "level": "orange", "cause": "fibre", "segment": "link-1", "side": "carrier",
    });
    let classified = done(&daemon, agent, &number, "classify", class).await;
    assert_eq!(
        (&classified["class"], &classified["process"]["supervisor"]),
        (&"B".into(), &"quality_manager".into())
    );
    let owner = json!({ "owner": "tom", "deadline": hours(20), "target": "calls again", "duty": "on_duty" });
    done(&daemon, agent, &number, "assign", owner).await;
    let hears = json!({
        "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": hours(4),
    });
    done(&daemon, agent, &number, "contact", hears).await;
    assert_eq!(does(&daemon, agent, &number, "accept", json!({})).await.status, 409, "tom is its owner");
    done(&daemon, Role::Technician, &number, "accept", json!({})).await;
    let hold =
        json!({ "kind": "carrier_repair", "reference": "CR-1", "with": "Carrier One", "eta": hours(6) });
    let bare = does(&daemon, agent, &number, "hold", hold.clone()).await.json();
    assert_eq!(bare["errors"][0]["rule"], "R86");
    let told = json!({ "id": "p1", "text": "calls again", "due_at": hours(7), "source": "carrier_eta" });
    done(&daemon, agent, &number, "promise", told).await;
    let held = done(&daemon, agent, &number, "hold", hold).await;
    assert_eq!((&held["state"], &held["tmf621_status"]), (&"held_external".into(), &"held".into()));
    let late = json!({ "reference": "CR-1", "eta": hours(9), "reason": "waits for a splice" });
    done(&daemon, agent, &number, "eta", late).await;
    let deadlines = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/clocks")).await.json();
    let outcomes: Vec<&str> = deadlines["promises"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["renewed", "open"]);
    done(&daemon, agent, &number, "work-done", json!({ "reference": "CR-1", "result": "spliced" })).await;
    done(&daemon, agent, &number, "claim", json!({ "what": "the carrier has spliced the fibre" })).await;
    walks_b(&daemon, &number).await;
    let solution = json!({ "root_cause": "dug up", "solution": "spliced" });
    let early = does(&daemon, agent, &number, "solve", solution.clone()).await.json();
    let rules: Vec<&str> =
        early["errors"].as_array().unwrap().iter().map(|error| error["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["R61", "R24"], "{early}");
    done(&daemon, Role::Technician, &number, "verify", json!({ "passed": true, "evidence": "call 3" })).await;
    done(&daemon, Role::Technician, &number, "confirm", json!({})).await;
    done(&daemon, agent, &number, "record", json!({ "kind": "knowledge", "reference": "kb-1" })).await;
    let review =
        does(&daemon, agent, &number, "record", json!({ "kind": "test_review", "reference": "x" })).await;
    assert_eq!(review.status, 403, "the technical manager reviews");
    done(&daemon, agent, &number, "solve", solution).await;
    done(&daemon, agent, &number, "result", json!({ "channel": "phone", "asked_to_test": true })).await;
    let word =
        json!({ "rating": "satisfied", "method": "recorded_call", "reference": "recorder 2, call 17" });
    let settled = done(&daemon, agent, &number, "confirm-result", word).await;
    assert_eq!((&settled["state"], &settled["tmf621_status"]), (&"settled".into(), &"resolved".into()));
    let customer = registered["ticket"]["registration"]["customer"]["customer"].as_str().unwrap();
    let list = format!("/api/v1/tickets?customer={customer}&kind=complaint");
    let list = daemon.get(Role::Viewer, &list).await.json();
    assert_eq!(list["tickets"].as_array().unwrap().len(), 1);
    let unknown = daemon.get(Role::Viewer, "/api/v1/tickets?kind=weather").await;
    assert_eq!(unknown.problem(), "invalid");
    let chinese = daemon.by(Role::Viewer, "GET", &format!("/api/v1/tickets/{number}/explain"));
    let chinese = daemon.send(chinese.header("accept-language", "zh-CN"), axum::body::Body::empty()).await;
    assert!(chinese.text.contains("人工登记"), "{}", chinese.text);
}

#[tokio::test]
async fn r27_r29_who_calls_is_looked_up_by_his_number_or_registered_with_the_ticket() {
    let daemon = Daemon::start().await;
    let mut call = complaint();
    call["who"] = json!({ "contact": { "phone": "138 0013 8000" } });
    let nobody = register(&daemon, None, &call).await;
    assert_eq!((nobody.status.as_u16(), nobody.problem().as_str()), (404, "not_found"));
    assert!(nobody.json()["detail"].as_str().unwrap().contains("create"), "{}", nobody.text);
    let first = register(&daemon, None, &complaint()).await;
    assert_eq!((first.status.as_u16(), &first.json()["new_customer"]), (201, &true.into()), "{}", first.text);
    let customer = |answer: &Value| answer["ticket"]["registration"]["customer"].clone();
    let who = customer(&first.json());
    assert!(who["contact"].is_string(), "{who}");
    call["who"]["contact"]["phone"] = "+86 138-0013-8000".into();
    let again = register(&daemon, None, &call).await.json();
    assert_eq!((customer(&again), &again["new_customer"]), (who.clone(), &false.into()), "the same person");
    let id = who["customer"].as_str().unwrap();
    let shown = daemon.get(Role::Noc, &format!("/api/v1/customers/{id}")).await.json();
    assert_eq!(shown["tickets"].as_array().unwrap().len(), 2, "{shown}");
    let unsaid = json!({ "kind": "fault", "channel": "phone", "who": {}, "words": { "description": "x" } });
    assert_eq!(register(&daemon, None, &unsaid).await.json()["errors"][0]["code"], "nobody_said");

    // By account: the customer of linesman.toml, with what carries his calls.
    let mut account = complaint();
    account.as_object_mut().unwrap().remove("element");
    account["who"] = json!({ "account": "customer-1", "create": true });
    let account = register(&daemon, None, &account).await;
    assert_eq!(account.status, 201, "{}", account.text);
    assert!(account.json()["path"].as_array().unwrap().contains(&"customer-1".into()), "{}", account.text);
    let mut named = complaint();
    named.as_object_mut().unwrap().remove("who");
    named["customer"] = json!({ "customer": "customer-1" });
    let named = register(&daemon, None, &named).await.json();
    assert_eq!(customer(&named)["customer"], customer(&account.json())["customer"], "by the same name");
}

#[tokio::test]
async fn r27_nobody_is_answered_who_is_not_known_or_was_erased() {
    let daemon = Daemon::start().await;
    let mut strange = complaint();
    strange.as_object_mut().unwrap().remove("who");
    strange["customer"] = json!({ "customer": "c-17" });
    let refused = register(&daemon, None, &strange).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "invalid"));
    let error = refused.json()["errors"][0].clone();
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&"/customer/customer".into(), &"no_such_customer".into())
    );
    assert!(error["detail"].as_str().unwrap().contains("c-17"));

    let registered = register(&daemon, None, &complaint()).await.json();
    assert_eq!(registered["ticket"]["number"], "LM-2026-000001", "what is refused takes no number");
    let id = registered["ticket"]["registration"]["customer"]["customer"].as_str().unwrap().to_owned();
    strange["customer"] = json!({ "customer": id, "contact": "k-4" });
    assert_eq!(register(&daemon, None, &strange).await.json()["errors"][0]["code"], "no_such_contact");

    let export = daemon.by(Role::Noc, "POST", &format!("/api/v1/customers/{id}/export"));
    let export = export.header("content-type", "application/json");
    let export = daemon.send(export, r#"{"reason":"right of access"}"#.to_owned()).await.json();
    let words = &export["tickets"][0]["words"][0];
    assert_eq!((&words["symptom"], words.get("salt")), (&"silence".into(), None), "{export}");
    let erase = daemon.by(Role::Admin, "POST", &format!("/api/v1/customers/{id}/erase"));
    let erase = erase.header("content-type", "application/json");
    let body = r#"{"reason":"asked for it by letter","force":true}"#.to_owned();
    assert_eq!(daemon.send(erase, body).await.json()["texts"], 1, "his words went with him");
    let number = registered["ticket"]["number"].as_str().unwrap();
    let words = daemon.get(Role::Agent, &format!("/api/v1/tickets/{number}/words")).await.json();
    assert_eq!(words["words"], json!([]));
    strange["customer"] = json!({ "customer": id });
    assert_eq!(register(&daemon, None, &strange).await.json()["errors"][0]["code"], "no_such_customer");
    let report = daemon.state.store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty());
}
