//! How a demand is solved and told (R93, R94, R95), and by which states it goes (R125).

use chrono::TimeDelta;
use linesman::ticket::{Actor, Event, TicketId};
use serde_json::{Value, json};

use crate::deeds::walks_b;
use crate::office::{Office, rules};

fn analysis() -> Value {
    json!({ "customer": "paid twice", "staff": "the table was old", "company": "refund and renew the table" })
}

fn plan(remedies: &[&str], measures: Value) -> Value {
    json!({ "remedies": remedies, "analysis": analysis(), "measures": measures })
}

#[tokio::test]
async fn r93_a_solution_has_measures_with_time_and_responsible_person_and_waits_for_each_of_them() {
    let office = Office::open().await;
    let number = office.complaint("E", "blue", "special").await;
    let told = json!({ "direction": "outbound", "channel": "phone", "purpose": "plan" });
    let unplanned = office.tries("special", &number, "contact", told.clone()).await;
    assert_eq!(rules(&unplanned), ["R93"], "there is no plan to tell: {}", unplanned.text);

    let measure = |what: &str, by: String, who: &str| json!({ "what": what, "by": by, "responsible": who });
    let (soon, later) = (office.hours(5), office.hours(30));
    for (name, body) in [
        ("no measure", plan(&["apology"], json!([]))),
        ("no time to come", plan(&["apology"], json!([measure("renew", office.hours(-1), "tech")]))),
        ("nobody responsible", plan(&["apology"], json!([measure("renew", soon.clone(), " ")]))),
        ("nothing to do", plan(&["apology"], json!([measure("", soon.clone(), "tech")]))),
        (
            "one view is missing",
            json!({
                "remedies": ["apology"], "analysis": { "customer": "a", "staff": "", "company": "c" },
                "measures": [measure("renew", soon.clone(), "tech")],
            }),
        ),
    ] {
        let refused = office.tries("special", &number, "plan", body).await;
        assert_eq!(rules(&refused), ["R93"], "{name}: {}", refused.text);
    }
    let measures =
        json!([measure("renew the table", soon, "tech"), measure("call him", later.clone(), "agent")]);
    let planned = office.does("special", &number, "plan", plan(&["apology", "correction"], measures)).await;
    let works = planned["process"]["works"].as_array().unwrap().clone();
    let shown: Vec<(&str, &str, &str)> = works
        .iter()
        .map(|work| {
            (
                work["reference"].as_str().unwrap(),
                work["with"].as_str().unwrap(),
                work["what"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(shown, [("P1.1", "tech", "renew the table"), ("P1.2", "agent", "call him")]);
    office.does("special", &number, "contact", told).await;
    assert_eq!(office.clock(&number, "complaint-plan").await["state"], "met", "R74");

    // Each has a clock; what is late comes to the supervisor, and nothing is solved before all are done.
    let first = office.clock(&number, "dispatch-order#P1.1").await;
    assert_eq!((&first["state"], &first["agreement"]), (&"running".into(), &"OLA".into()), "{first}");
    office.daemon.clock.advance(TimeDelta::hours(6));
    let after = office.overdue(&number, "dispatch-order#P1.1").await;
    assert_eq!(last_step(&after)["reason"], "overdue", "{after}");
    let again = plan(&["apology"], json!([measure("other", later, "tech")]));
    let again = office.tries("special", &number, "plan", again).await;
    assert!(rules(&again) == ["R93"] && again.text.contains("P1.1, P1.2"), "{}", again.text);
    let done = |reference: &str| json!({ "reference": reference, "result": "done" });
    office.does("tech", &number, "work-done", done("P1.1")).await;
    let answer = json!({ "direction": "outbound", "channel": "phone", "purpose": "answer" });
    office.does("special", &number, "contact", answer).await;
    let solution = json!({ "root_cause": "old table", "solution": "renewed" });
    let early = office.tries("special", &number, "solve", solution.clone()).await;
    assert!(rules(&early) == ["R105"] && early.text.contains("P1.2"), "{}", early.text);
    office.does("agent", &number, "work-done", done("P1.2")).await;
    office.does("special", &number, "solve", solution).await;
}

#[tokio::test]
async fn r94_a_solution_is_of_named_kinds_and_what_costs_money_is_granted_before_it_counts() {
    let office = Office::open().await;
    let number = office.complaint("E", "blue", "special").await;
    let measures =
        |office: &Office| json!([{ "what": "x", "by": office.hours(5), "responsible": "special" }]);
    let none = office.tries("special", &number, "plan", plan(&[], measures(&office))).await;
    assert_eq!(rules(&none), ["R94"], "{}", none.text);
    let odd = office.tries("special", &number, "plan", plan(&["weather"], measures(&office))).await;
    assert_eq!(odd.status, 422, "{}", odd.text);
    let answer = json!({ "direction": "outbound", "channel": "phone", "purpose": "answer" });
    office.does("special", &number, "contact", answer).await;
    let all = [
        "apology",
        "replacement",
        "correction",
        "service_change",
        "redo_service",
        "extended_warranty",
        "refund",
        "compensation",
        "discount",
        "gift_service",
    ];
    for (place, remedy) in all.iter().enumerate() {
        let planned = office.does("special", &number, "plan", plan(&[remedy], measures(&office))).await;
        assert_eq!(planned["process"]["plans"][place]["remedies"], json!([remedy]));
        let done = json!({ "reference": format!("P{}.1", place + 1), "result": "done" });
        office.does("special", &number, "work-done", done).await;
    }
    let solution = json!({ "root_cause": "x", "solution": "a month free" });
    let ungranted = office.tries("special", &number, "solve", solution.clone()).await;
    assert_eq!(rules(&ungranted), ["R94"], "{}", ungranted.text);
    assert!(ungranted.text.contains("service as a gift"), "{}", ungranted.text);
    let choice = |option: &str, amount: &str| json!({ "claim": { "claim": "unverifiable", "explained": true, "choice": option }, "granted": amount });
    // Another kind than the planned one is not it.
    office.does("quality", &number, "compensation", choice("discount", "30.00")).await;
    assert_eq!(rules(&office.tries("special", &number, "solve", solution.clone()).await), ["R94"]);
    office.does("quality", &number, "compensation", choice("gift", "20.00")).await;
    office.does("special", &number, "solve", solution).await;
}

/// The last step up.
fn last_step(ticket: &Value) -> Value {
    ticket["process"]["escalations"].as_array().and_then(|steps| steps.last()).cloned().unwrap_or_default()
}

/// The notice of a result in a language.
async fn notice(office: &Office, number: &str, language: &str, advice: &str) -> Value {
    let path = format!("/api/v1/tickets/{number}/result-notice{advice}");
    let request = office.daemon.by(linesman::store::Role::Agent, "GET", &path);
    let request = request.header("accept-language", language);
    office.daemon.send(request, axum::body::Body::empty()).await.json()
}

fn holds(notice: &Value, parts: &[&str]) {
    let text = notice["text"].as_str().unwrap_or_else(|| panic!("{notice}"));
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("result.") && !text.contains('{'), "{text}");
}

#[tokio::test]
async fn r95_the_notice_of_a_consultation_has_the_answer_and_a_guide_and_is_what_he_is_told() {
    let office = Office::open().await;
    let number = office.registers("agent", "consultation", json!({})).await;
    office.does("agent", &number, "classify", json!({ "class": "E", "urgency": "general" })).await;
    office.works(&number, "agent").await;
    assert_eq!(notice(&office, &number, "en", "").await, Value::Null, "nothing is solved yet");
    let answer = json!({ "direction": "outbound", "channel": "phone", "purpose": "answer" });
    office.does("agent", &number, "contact", answer).await;
    office.does("agent", &number, "solve", json!({ "solution": "press star five" })).await;
    let usual = notice(&office, &number, "en", "").await;
    holds(&usual, &[&number, "Our answer: press star five", "How to go on:", "Thank you for asking us"]);
    assert!(!usual["text"].as_str().unwrap().contains("apologise"), "there was no trouble: {usual}");
    holds(&notice(&office, &number, "zh-CN", "").await, &["答复：press star five", "操作指引", "感谢"]);
    let own = notice(&office, &number, "en", "?advice=see%20page%2012").await;
    holds(&own, &["How to go on: see page 12"]);
    // Told without words of its own, these are the words that are kept.
    let told = json!({ "channel": "phone", "asked_to_test": false, "advice": "see page 12" });
    office.does("agent", &number, "result", told).await;
    let words = office.get("agent", &format!("/api/v1/tickets/{number}/words")).await.text;
    assert!(words.contains("press star five") && words.contains("see page 12"), "{words}");
}

#[tokio::test]
async fn r95_the_notice_of_a_repair_has_cause_measure_and_care_and_of_a_complaint_solution_and_compensation()
{
    let office = Office::open().await;
    for kind in ["fault", "complaint"] {
        let number = office.registers("clerk", kind, json!({})).await;
        let mut class = json!({ "class": "B", "urgency": "general", "segment": "link-1", "cause": "fibre", "side": "carrier" });
        if kind == "complaint" {
            class["level"] = "blue".into();
        }
        office.does("special", &number, "classify", class).await;
        office.works(&number, "tech").await;
        repaired(&office, &number).await;
        let in_english = notice(&office, &number, "en", "").await;
        holds(&in_english, &[&number, "Cause: dug up", "To keep it well:", "We apologise", "thank you"]);
        let in_chinese = notice(&office, &number, "zh-CN", "").await;
        holds(&in_chinese, &["原因：dug up", "使用与维护建议", "深表歉意", "感谢"]);
        if kind == "fault" {
            holds(&in_english, &["What we did: spliced"]);
            holds(&in_chinese, &["处理措施：spliced"]);
            continue;
        }
        holds(&in_english, &["Our solution: spliced", "No payment"]);
        let claim = json!({
            "claim": { "claim": "promise_missed", "minutes_late": 90, "our_own": true }, "granted": "20.00",
        });
        office.does("agent", &number, "compensation", claim).await;
        holds(&notice(&office, &number, "en", "").await, &["Granted to you: compensation, 20.00 CNY"]);
        holds(&notice(&office, &number, "zh-CN", "").await, &["已为您办理：赔偿，20.00 CNY"]);
    }
}

/// Repaired by a carrier, measured, walked, resolved.
async fn repaired(office: &Office, number: &str) {
    let promise = json!({ "id": "p", "text": "works", "due_at": office.hours(30), "source": "carrier_eta" });
    office.does("tech", number, "promise", promise).await;
    let hold =
        json!({ "kind": "carrier_repair", "reference": "CR-1", "with": "Carrier", "eta": office.hours(5) });
    office.does("tech", number, "hold", hold).await;
    office.does("tech", number, "work-done", json!({ "reference": "CR-1", "result": "spliced" })).await;
    office.does("tech", number, "claim", json!({ "what": "spliced" })).await;
    walks_b(&office.daemon, number).await;
    office.does("tech", number, "verify", json!({ "passed": true, "evidence": "call 3" })).await;
    office.does("tech", number, "confirm", json!({})).await;
    office.does("special", number, "solve", json!({ "root_cause": "dug up", "solution": "spliced" })).await;
}

#[tokio::test]
async fn r125_a_ticket_goes_by_every_state_that_the_documents_name() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({})).await;
    let seen = |wanted: &'static str, status: &'static str| {
        let (office, number) = (&office, number.clone());
        async move {
            let list = office.get("agent", &format!("/api/v1/tickets?state={wanted}")).await.json();
            let found = &list["tickets"][0];
            assert_eq!(found["number"], number.as_str(), "{wanted}: {list}");
            assert_eq!(found["tmf621_status"], status, "{wanted}");
        }
    };
    // Registered, created, recorded; classified; assigned.
    seen("registered", "acknowledged").await;
    let class = json!({
        "class": "B", "urgency": "general", "level": "blue", "segment": "link-1", "cause": "fibre", "side": "carrier",
    });
    office.does("special", &number, "classify", class).await;
    seen("classified", "acknowledged").await;
    let given =
        json!({ "owner": "tech", "deadline": office.hours(20), "target": "works", "duty": "on_duty" });
    office.does("chief", &number, "assign", given).await;
    seen("assigned", "acknowledged").await;
    let heard = json!({
        "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": office.hours(4),
    });
    office.does("agent", &number, "contact", heard).await;
    office.does("tech", &number, "accept", json!({})).await;
    // In process; dispatched, to a department or a carrier.
    seen("in_progress", "inProgress").await;
    let promise = json!({ "id": "d", "text": "works", "due_at": office.hours(90), "source": "carrier_eta" });
    office.does("tech", &number, "promise", promise).await;
    let order =
        json!({ "kind": "dispatch_order", "reference": "DO-1", "with": "noc", "eta": office.hours(2) });
    office.does("tech", &number, "hold", order).await;
    seen("held_external", "held").await;
    // Overdue leads to an escalation.
    office.daemon.clock.advance(TimeDelta::hours(25));
    let overdue = office.overdue(&number, "complaint-plan").await;
    assert_eq!(last_step(&overdue)["reason"], "overdue", "{overdue}");
    // Answered by the department, resolved.
    office.does("member", &number, "work-done", json!({ "reference": "DO-1", "result": "carrier's" })).await;
    repaired(&office, &number).await;
    seen("resolved", "resolved").await;
    // Result fed back; not agreed: not resolved, one level up.
    office.does("special", &number, "result", json!({ "channel": "phone", "asked_to_test": true })).await;
    seen("awaiting_confirmation", "resolved").await;
    let back = office.does("special", &number, "reopen", json!({ "reason": "still silent" })).await;
    assert_eq!(back["process"]["level"], "yellow");
    seen("reopened", "inProgress").await;
    office.does("tech", &number, "accept", json!({})).await;
    office.does("tech", &number, "claim", json!({ "what": "spliced anew" })).await;
    seen("verifying", "inProgress").await;
    office.does("tech", &number, "verify", json!({ "passed": true, "evidence": "call 9" })).await;
    office.does("tech", &number, "confirm", json!({})).await;
    office.does("special", &number, "solve", json!({ "root_cause": "dug up", "solution": "spliced" })).await;
    office.does("special", &number, "result", json!({ "channel": "phone", "asked_to_test": true })).await;
    // Confirmed; followed up; archived, closed.
    let word = json!({ "rating": "satisfied", "method": "recorded_call", "reference": "recording 5",
        "no_article_because": "everyday" });
    office.does("special", &number, "confirm-result", word).await;
    seen("settled", "resolved").await;
    let survey = json!({ "values": {
        "person": "Li Na", "called_at": office.hours(0), "attitude": "9", "competence": "9", "efficiency": "8",
        "overall": "satisfied",
    }});
    let followed = office.does("caller", &number, "forms/survey", survey).await;
    assert_eq!(followed["process"]["survey"]["attitude"], 9, "{followed}");
    let id = TicketId(office.ticket(&number).await["id"].as_str().unwrap().to_owned());
    office.daemon.state.writer.apply(&id, None, Event::Closed, Actor::linesman()).await.unwrap();
    seen("closed", "closed").await;
}
