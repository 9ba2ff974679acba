//! Forms of tickets, links for customers, compensation.

use axum::body::Body;
use axum::http::Request;
use linesman::store::Role;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::daemon::{Answer, Daemon};
use crate::deeds::{does, done};

async fn post(daemon: &Daemon, role: Role, path: &str, body: Value) -> Answer {
    let request = daemon.by(role, "POST", path).header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

async fn registered(daemon: &Daemon, kind: &str) -> String {
    let body = json!({
        "kind": kind, "channel": "phone", "urgency": "general",
        "who": { "contact": { "name": "Li Na", "phone": "138 0013 8000" }, "create": true }, "words": { "description": "no calls since nine" },
    });
    let answer = post(daemon, Role::Agent, "/api/v1/tickets", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"]["number"].as_str().unwrap().to_owned()
}

/// Answered, and the customer is asked whether he agrees.
pub(crate) async fn answered(daemon: &Daemon) -> String {
    let number = registered(daemon, "consultation").await;
    let hours = |hours: i64| (crate::daemon::start_of_time() + chrono::TimeDelta::hours(hours)).to_rfc3339();
    let agent = Role::Agent;
    done(daemon, agent, &number, "classify", json!({ "class": "E", "urgency": "general" })).await;
    let owner = json!({ "owner": "lin", "deadline": hours(20), "target": "answer", "duty": "on_duty" });
    done(daemon, agent, &number, "assign", owner).await;
    done(daemon, agent, &number, "accept", json!({})).await;
    let told = json!({ "direction": "outbound", "channel": "phone", "purpose": "answer" });
    done(daemon, agent, &number, "contact", told).await;
    done(daemon, agent, &number, "solve", json!({ "solution": "explained how" })).await;
    done(daemon, agent, &number, "result", json!({ "channel": "phone", "asked_to_test": false })).await;
    number
}

#[tokio::test]
async fn r41_a_server_maintenance_record_is_filled_from_the_ticket_and_filed_for_the_guard_that_asks_for_it()
{
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "complaint").await;
    let path = format!("/api/v1/tickets/{number}/forms");
    let list = daemon.get(Role::Viewer, &path).await.json();
    assert_eq!(list["forms"].as_array().unwrap().len(), 12, "R38 to R47, R63 and R89");
    let form = daemon.get(Role::Technician, &format!("{path}/server_maintenance")).await.json();
    assert_eq!((&form["original_title"], &form["rule"]), (&"服务器维护记录".into(), &"R41".into()));
    assert_eq!(form["fields"][0]["value"], number.as_str());
    assert!(form["missing"].as_array().unwrap().contains(&"correction".into()), "{form}");
    let bare =
        does(&daemon, Role::Technician, &number, "forms/server_maintenance", json!({ "values": {} })).await;
    assert_eq!(bare.status, 422);
    assert!(bare.json()["errors"][0]["detail"].as_str().unwrap().contains("R41"), "{}", bare.text);
    let values = json!({ "values": {
        "server": "server-1", "start": "2026-11-18T09:00:00Z", "end": "2026-11-18T10:00:00Z", "person": "tom",
        "fault": "disk full", "correction": "emptied",
    }});
    let filed = done(&daemon, Role::Technician, &number, "forms/server_maintenance", values).await;
    assert_eq!(filed["process"]["forms"]["server_maintenance"], 1);
    assert_eq!(filed["process"]["records"][0]["kind"], "maintenance_record");
    let form = daemon.get(Role::Technician, &format!("{path}/server_maintenance")).await.json();
    assert_eq!((&form["filed"], &form["missing"]), (&1.into(), &json!([])));
    let none = daemon.get(Role::Technician, &format!("{path}/weather")).await;
    assert_eq!(none.problem(), "not_found");
}

#[tokio::test]
async fn r111_what_a_customer_said_is_not_kept_with_a_form_and_not_shown_to_everybody() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "complaint").await;
    let values = json!({ "values": { "type": "class_b", "nature": "service", "record": "measured" } });
    done(&daemon, Role::Agent, &number, "forms/complaint_handling", values).await;
    let path = format!("/api/v1/tickets/{number}/forms/complaint_handling");
    let own = daemon.get(Role::Agent, &path).await;
    assert!(own.text.contains("no calls since nine"), "{}", own.text);
    let viewer = daemon.get(Role::Viewer, &path).await;
    assert_eq!(viewer.json()["filed"], 1);
    for hidden in ["no calls since nine", "Li Na", "13800138000", "138 0013 8000"] {
        assert!(!viewer.text.contains(hidden), "{hidden}: {}", viewer.text);
    }
    let ticket = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
    let id = linesman::ticket::TicketId(ticket["id"].as_str().unwrap().to_owned());
    let form = linesman_process::form::FormId::ComplaintHandling;
    let kept = daemon.state.store.filed_form(&id, form).await.unwrap().expect("filed");
    let kept = format!("{:?}", kept.values);
    for hidden in ["no calls since nine", "Li Na", "8000"] {
        assert!(!kept.contains(hidden), "{hidden}: {kept}");
    }
}

#[tokio::test]
async fn r5_r39_r66_what_came_of_a_remittance_is_finances_word() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "recharge").await;
    let mut values = json!({
        "payer": "Li Na", "account": "a-1", "amount": "100.00", "currency": "CNY", "channel": "bank",
        "remitted_at": "2026-11-18T09:00:00Z", "requester": "lin",
    });
    done(&daemon, Role::Agent, &number, "forms/recharge", json!({ "values": values })).await;
    values["result"] = "credited".into();
    let agent = does(&daemon, Role::Agent, &number, "forms/recharge", json!({ "values": values })).await;
    assert_eq!(agent.status, 403, "{}", agent.text);
    let filed = done(&daemon, Role::Billing, &number, "forms/recharge", json!({ "values": values })).await;
    assert_eq!(filed["process"]["records"][0]["kind"], "finance_outcome");
}

#[tokio::test]
async fn r45_r103_a_customer_confirms_by_a_link_once_and_without_a_login() {
    let daemon = Daemon::start().await;
    let number = answered(&daemon).await;
    let path = link(&daemon, &number, "confirmation").await;
    let (status, html) = page(&daemon, "GET", &path, None).await;
    assert!(status == 200 && html.contains(&number) && html.contains("explained how"), "{html}");
    assert!(!html.contains("Li Na") && !html.contains("8000"), "nothing else of the ticket is shown");
    let forged = format!("{}{}", &path[..path.len() - 1], if path.ends_with('0') { '1' } else { '0' });
    assert_eq!(page(&daemon, "GET", &forged, None).await.0, 410, "it is signed");
    let made = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/events")).await.text;
    assert!(made.contains("link_made"), "who made it is in the trail: {made}");
    assert!(!made.contains(&path["/answer/".len()..]), "its secret is not");
    let (status, html) = page(&daemon, "POST", &path, Some("reason=x")).await;
    assert!(status == 422 && html.contains("role=\"alert\""), "{html}");
    let (status, html) = page(&daemon, "POST", &path, Some("rating=basically")).await;
    assert_eq!(status, 200, "{html}");
    let shown = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
    assert_eq!(
        (&shown["state"], &shown["process"]["confirmation"]["method"]),
        (&"settled".into(), &"link".into())
    );
    assert_eq!(page(&daemon, "POST", &path, Some("rating=satisfied")).await.0, 410, "once");
    assert_eq!(page(&daemon, "GET", "/answer/lml_0000", None).await.0, 410);
    let links = format!("/api/v1/tickets/{number}/links");
    assert_eq!(post(&daemon, Role::Viewer, &links, json!({ "purpose": "survey" })).await.status, 403);
    let far = json!({ "purpose": "survey", "expires_at": "2030-01-01T00:00:00Z" });
    assert_eq!(post(&daemon, Role::Agent, &links, far).await.status, 422);
}

#[tokio::test]
async fn r104_a_dissatisfied_customer_reopens_his_ticket_and_his_words_are_kept_apart() {
    let daemon = Daemon::start().await;
    let number = answered(&daemon).await;
    let path = link(&daemon, &number, "confirmation").await;
    assert_eq!(page(&daemon, "POST", &path, Some("rating=dissatisfied")).await.0, 422, "he says why");
    let why = "rating=dissatisfied&reason=Li+Na+still+hears+nothing";
    assert_eq!(page(&daemon, "POST", &path, Some(why)).await.0, 200);
    let shown = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
    assert_eq!(shown["state"], "reopened");
    let events = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/events")).await.text;
    assert!(!events.contains("Li Na") && events.contains("customer by link"), "{events}");
    let words = daemon.get(Role::Agent, &format!("/api/v1/tickets/{number}/words")).await.text;
    assert!(words.contains("Li Na still hears nothing"), "{words}");
}

#[tokio::test]
async fn r46_r80_r121_a_survey_by_link_with_a_score_below_seven_is_handled_a_second_time() {
    let daemon = Daemon::start().await;
    for (scores, follow_ups) in
        [("attitude=9&competence=7&efficiency=8", 0), ("attitude=9&competence=6&efficiency=8", 1)]
    {
        let number = answered(&daemon).await;
        let path = link(&daemon, &number, "survey").await;
        let (status, html) =
            page(&daemon, "POST", &path, Some(&format!("{scores}&overall=satisfied&suggestion=faster")))
                .await;
        assert!(status == 200 && html.contains("Thank you"), "{html}");
        let words = daemon.get(Role::Agent, &format!("/api/v1/tickets/{number}/words")).await.text;
        assert!(words.contains("faster"), "what he suggests is read: {words}");
        let list = daemon.get(Role::Viewer, "/api/v1/tickets?kind=follow_up").await.json();
        assert_eq!(list["tickets"].as_array().unwrap().len(), follow_ups, "{list}");
        let form = daemon.get(Role::Agent, &format!("/api/v1/tickets/{number}/forms/survey")).await.json();
        assert_eq!(form["filed"], 1);
    }
    // The month counts what was given (R116).
    let month = linesman::statistics::Month::of(daemon.state.clock.now_utc());
    let month = daemon.get(Role::Viewer, &format!("/api/v1/reports/monthly/{month}")).await.json();
    let survey = &month["content"]["report"]["survey"];
    assert_eq!(survey["attitude"], json!({ "9": 2 }), "{month}");
    assert_eq!(survey["competence"], json!({ "6": 1, "7": 1 }));

    let number = answered(&daemon).await;
    let path = link(&daemon, &number, "survey").await;
    assert_eq!(
        page(&daemon, "POST", &path, Some("attitude=11&competence=6&efficiency=8&overall=satisfied")).await.0,
        422
    );
}

#[tokio::test]
async fn r80_a_low_score_that_an_agent_took_down_is_handled_a_second_time_once() {
    let daemon = Daemon::start().await;
    let number = answered(&daemon).await;
    let filed = |score: &str| {
        json!({ "values": {
            "person": "lin", "called_at": "2026-11-18T09:00:00Z", "attitude": "9", "competence": score,
            "efficiency": "8", "overall": "satisfied",
        }})
    };
    let count = async || {
        let list = daemon.get(Role::Viewer, "/api/v1/tickets?kind=follow_up").await.json();
        list["tickets"].as_array().unwrap().len()
    };
    done(&daemon, Role::Agent, &number, "forms/survey", filed("7")).await;
    assert_eq!(count().await, 0);
    done(&daemon, Role::Agent, &number, "forms/survey", filed("6")).await;
    assert_eq!(count().await, 1);
    // The customer answers too, by the link and otherwise: it is one second handling, and he is thanked.
    let path = link(&daemon, &number, "survey").await;
    let said = "attitude=2&competence=3&efficiency=4&overall=dissatisfied";
    let (status, html) = page(&daemon, "POST", &path, Some(said)).await;
    assert_eq!((status, count().await), (200, 1), "{html}");
}

#[tokio::test]
async fn r38_r47_every_form_is_a_page_to_print_in_both_languages_with_its_original_title() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "complaint").await;
    let list = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/forms")).await.json();
    for form in list["forms"].as_array().unwrap() {
        let name = form["form"].as_str().unwrap();
        let known = linesman_process::form::FormId::parse(name).unwrap();
        let original = known.word(linesman_process::Language::Chinese);
        for language in ["en", "zh-CN"] {
            let router = linesman::http::router(
                daemon.state.clone(),
                linesman::http::page::router(daemon.state.clone()),
            );
            let path = format!("/tickets/{number}/forms/{name}");
            let request = daemon.by(Role::Technician, "GET", &path).header("accept-language", language);
            let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert!(
                policy.contains("style-src 'unsafe-inline'") && !policy.contains("script-src"),
                "{policy}"
            );
            let html = text(response).await;
            assert!(html.contains(original), "{path}: {html}");
            // A recharge form has no number: it is filled in before there is a ticket.
            assert!(html.contains(&number) || name == "recharge", "{path}: {html}");
            assert!(html.contains("@media print"), "{path} is made to be printed");
        }
    }
}

async fn text(response: axum::response::Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The path of a link that is made for the customer.
pub(crate) async fn link(daemon: &Daemon, number: &str, purpose: &str) -> String {
    let made =
        post(daemon, Role::Agent, &format!("/api/v1/tickets/{number}/links"), json!({ "purpose": purpose }))
            .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let place = url.find("/answer/lml_").unwrap_or_else(|| panic!("{url}"));
    url[place..].to_owned()
}

/// A page as somebody without a login gets it.
async fn page(daemon: &Daemon, method: &str, path: &str, form: Option<&str>) -> (u16, String) {
    let router =
        linesman::http::router(daemon.state.clone(), linesman::http::page::router(daemon.state.clone()));
    let mut request = Request::builder().method(method).uri(path);
    if form.is_some() {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let request = request.body(Body::from(form.unwrap_or_default().to_owned())).unwrap();
    let response = router.oneshot(request).await.unwrap();
    (response.status().as_u16(), text(response).await)
}

#[tokio::test]
async fn r87_r113_a_compensation_names_rule_version_and_approver_and_keeps_within_a_limit() {
    let daemon = Daemon::start().await;
    let number = registered(&daemon, "complaint").await;
    let claim = json!({ "claim": "no_order_record", "charged": "30.00", "record_found": false });
    let path = format!("/api/v1/tickets/{number}/compensation");
    let computed = post(&daemon, Role::Agent, &format!("{path}/compute"), json!({ "claim": claim })).await;
    assert_eq!(
        (computed.status.as_u16(), &computed.json()["amount"]),
        (200, &"60.00".into()),
        "{}",
        computed.text
    );
    let unknown =
        json!({ "claim": { "claim": "no_order_record", "charged": "30.00", "record_found": null } });
    let unknown = post(&daemon, Role::Agent, &format!("{path}/compute"), unknown).await;
    assert!(unknown.status == 409 && unknown.text.contains("not known yet"), "{}", unknown.text);
    let more = json!({ "claim": claim, "granted": "61.00" });
    let more = does(&daemon, Role::Manager, &number, "compensation", more).await;
    assert!(more.status == 409 && more.text.contains("R113"), "{}", more.text);
    let technician = json!({ "claim": claim, "granted": "60.00" });
    let technician = does(&daemon, Role::Technician, &number, "compensation", technician).await;
    assert_eq!(technician.status, 409, "a technician grants nothing: {}", technician.text);
    let granted =
        done(&daemon, Role::Manager, &number, "compensation", json!({ "claim": claim, "granted": "60.00" }))
            .await;
    let grant = &granted["process"]["grants"][0];
    assert_eq!((&grant["approver"], &grant["granted"]), (&"mei".into(), &"60.00".into()));
    assert!(grant["computation"]["version"].is_number(), "{grant}");
}
