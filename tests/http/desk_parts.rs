//! Who does which part at the service desk and in the departments (R11 to R18, R56, R89, R90).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::office::{Office, rules};

#[tokio::test]
async fn r11_the_agent_registers_tells_progress_every_working_day_feeds_back_and_the_ticket_is_archived() {
    let office = Office::open().await;
    let number = office.registers("agent", "consultation", json!({})).await;
    let class = json!({ "class": "E", "urgency": "general" });
    office.does("agent", &number, "classify", class).await;
    office.works(&number, "agent").await;
    let daily = office.clock(&number, "progress").await;
    assert_eq!((&daily["rule"], &daily["state"]), (&"R75".into(), &"running".into()), "{daily}");
    let told = |purpose: &str| json!({ "direction": "outbound", "channel": "phone", "purpose": purpose });
    office.daemon.clock.advance(TimeDelta::hours(20));
    office.does("agent", &number, "contact", told("progress")).await;
    let next = office.clock(&number, "progress").await;
    assert!(next["due_at"].as_str() > daily["due_at"].as_str(), "it runs again: {next}");
    office.does("agent", &number, "contact", told("answer")).await;
    office.does("agent", &number, "solve", json!({ "solution": "explained" })).await;
    let feedback = office.clock(&number, "result-feedback").await;
    assert_eq!((&feedback["rule"], &feedback["state"]), (&"R76".into(), &"running".into()));
    let result = json!({ "channel": "phone", "asked_to_test": false });
    office.does("agent", &number, "result", result).await;
    let word = json!({ "rating": "satisfied", "method": "recorded_call", "reference": "recording 4" });
    office.does("agent", &number, "confirm-result", word).await;
    assert_eq!(office.clock(&number, "result-feedback").await["state"], "met");
    let id = linesman::ticket::TicketId(office.ticket(&number).await["id"].as_str().unwrap().to_owned());
    let closed = linesman::ticket::Event::Closed;
    let linesman = linesman::ticket::Actor::linesman();
    office.daemon.state.writer.apply(&id, None, closed, linesman).await.unwrap();
    let customer = office.ticket(&number).await["registration"]["customer"]["customer"].clone();
    let file = format!("/api/v1/tickets?customer={}&state=closed", customer.as_str().unwrap());
    let file = office.get("agent", &file).await.json();
    assert_eq!(file["tickets"][0]["number"], number.as_str(), "in the customer's file: {file}");
    let history = office.get("agent", &format!("/api/v1/tickets/{number}/events")).await.json();
    assert!(history["events"].as_array().unwrap().len() > 8, "with all that happened");
}

#[tokio::test]
async fn r12_the_supervisor_classifies_assigns_and_hears_of_what_is_overdue() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({})).await;
    let class = json!({ "class": "B", "urgency": "general", "level": "blue", "supervisor": "chief" });
    office.does("chief", &number, "classify", class).await;
    let given = office.does("chief", &number, "assign-by-roster", json!({ "target": "works again" })).await;
    assert_eq!(given["process"]["supervisor"], "chief", "{given}");
    // Departments are co-ordinated by orders: each with a time, each to be answered.
    office.daemon.clock.advance(TimeDelta::hours(25));
    let after = office.overdue(&number, "complaint-plan").await;
    let history = office.get("chief", &format!("/api/v1/tickets/{number}/events")).await.json();
    let called =
        history["events"].as_array().unwrap().iter().find(|event| event["event"]["deed"] == "clock_called");
    assert_eq!(called.unwrap()["event"]["escalated_to"], "chief", "who supervises hears of it");
    let step = &after["process"]["escalations"][0];
    assert_eq!((&step["from"], &step["reason"]), (&"chief".into(), &"overdue".into()), "{after}");

    // What is no complaint has no level: what is overdue of it comes to the supervisor first.
    let number = office.registers("clerk", "fault", json!({})).await;
    office.does("chief", &number, "classify", json!({ "class": "B", "urgency": "general" })).await;
    office.does("chief", &number, "assign-by-roster", json!({ "target": "works again" })).await;
    office.daemon.clock.advance(TimeDelta::hours(25));
    let after = office.overdue(&number, "general-response").await;
    assert_eq!(after["process"]["supervisor"], "chief", "{after}");
}

#[tokio::test]
async fn r13_r89_r90_r44_a_service_is_prepared_and_ends_with_a_signature_or_the_whole_dialogue() {
    let office = Office::open().await;
    let number = office.complaint("C", "blue", "engineer").await;
    let visit = |mode: &str| {
        json!({
            "mode": mode, "service_type": "repair", "executor": "engineer", "service_time": office.hours(3),
            "place": "at the customer's", "findings": "fan stands", "measures": "fan exchanged", "parts": "1 fan",
        })
    };
    let filed = |values: Value| json!({ "values": values });
    let mut on_site = visit("on_site");
    on_site["signature"] = "scan 17".into();
    let unprepared = office.tries("engineer", &number, "forms/service_process", filed(on_site.clone())).await;
    assert_eq!(rules(&unprepared), ["R89"], "{}", unprepared.text);

    // Model and symptom, spares and tools, manual and frequent questions, the departments that take part.
    let mut prepared = json!({ "mode": "on_site", "agreed_at": office.hours(3), "executor": "engineer" });
    let bare = office.tries("engineer", &number, "forms/service_preparation", filed(prepared.clone())).await;
    assert_eq!(bare.status, 422);
    let asked: Vec<String> =
        bare.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].to_string()).collect();
    for field in ["model", "spares", "guides", "departments"] {
        assert!(asked.iter().any(|pointer| pointer.contains(field)), "{field} in {asked:?}");
    }
    assert!(
        bare.text.contains("R89") && !bare.text.contains("/values/symptom"),
        "the symptom is known: {}",
        bare.text
    );
    for (field, value) in [
        ("model", "GW-200"),
        ("spares", "fan, screwdriver"),
        ("guides", "manual 3.1, KB-1"),
        ("departments", "product: asked for the fan's type; quality: none"),
    ] {
        prepared[field] = value.into();
    }
    office.does("engineer", &number, "forms/service_preparation", filed(prepared)).await;

    let unsigned = office.tries("engineer", &number, "forms/service_process", filed(visit("on_site"))).await;
    assert_eq!(unsigned.status, 422, "{}", unsigned.text);
    assert!(unsigned.text.contains("R90") && unsigned.text.contains("signature"), "{}", unsigned.text);
    assert!(!unsigned.text.contains("dialogue"), "nobody talks online on site: {}", unsigned.text);
    let done = office.does("engineer", &number, "forms/service_process", filed(on_site)).await;
    assert_eq!(done["process"]["forms"]["service_process"], 1);

    for mode in ["video", "remote"] {
        let silent = office.tries("product", &number, "forms/service_process", filed(visit(mode))).await;
        let wants = silent.status == 422 && silent.text.contains("R90") && silent.text.contains("dialogue");
        assert!(wants, "{mode}: {}", silent.text);
    }
    let mut online = visit("video");
    online["dialogue"] = "recording 2026-11-18/4".into();
    let done = office.does("product", &number, "forms/service_process", filed(online)).await;
    assert_eq!(done["process"]["forms"]["service_process"], 2);
    let page = office.get("engineer", &format!("/api/v1/tickets/{number}/forms/service_process")).await.text;
    assert!(page.contains("recording 2026-11-18/4") && page.contains("R44"), "{page}");
}

#[tokio::test]
async fn r14_the_follow_up_agent_calls_and_the_service_manager_reports_the_month() {
    let office = Office::open().await;
    let number = office.registers("agent", "follow_up", json!({ "urgency": "routine" })).await;
    let class = json!({ "class": "E", "urgency": "routine" });
    office.does("agent", &number, "classify", class).await;
    let wanted = json!({ "target": "ask how it is", "department": "service" });
    let given = office.does("agent", &number, "assign-by-roster", wanted).await;
    assert_eq!(given["owner"], "caller", "of all in the department the follow-up agent: {given}");
    let uncalled = office.does("caller", &number, "accept", json!({})).await;
    assert_eq!(uncalled["state"], "in_progress");
    let early = office.tries("caller", &number, "solve", json!({ "solution": "content" })).await;
    assert_eq!(rules(&early), ["R106"], "who was not called is not followed up");
    let call = json!({ "direction": "outbound", "channel": "phone", "purpose": "progress" });
    office.does("caller", &number, "contact", call).await;
    office.does("caller", &number, "solve", json!({ "solution": "content" })).await;

    // The month's data and what follows from them are the service manager's.
    let path = "/api/v1/reports/monthly/2026-10/done";
    for duty in ["summary", "plan"] {
        let done = json!({ "duty": duty, "note": "meeting of Monday, room 3" });
        let agent = office.post("agent", path, done.clone()).await;
        assert_eq!(agent.status, 403, "{}", agent.text);
        let made = office.post("manager", path, done).await;
        assert!(made.status == 201 && made.text.contains("manager"), "{duty}: {}", made.text);
    }
}

#[tokio::test]
async fn r15_who_took_the_first_contact_stays_answerable_whoever_works_on_it() {
    let office = Office::open().await;
    let number = office.complaint("B", "yellow", "tech").await;
    let given = json!({
        "owner": "tech2", "deadline": office.hours(20), "target": "works again", "duty": "on_duty",
    });
    office.does("chief", &number, "assign", given).await;
    let raised = json!({ "level": "orange", "reason": "ten users" });
    let after = office.does("special", &number, "level", raised).await;
    assert_eq!((&after["owner"], &after["process"]["first_owner"]), (&"tech2".into(), &"clerk".into()));
    let promise = json!({ "id": "p", "text": "works again", "due_at": office.hours(5) });
    let promised = office.does("tech2", &number, "promise", promise).await;
    assert_eq!(
        promised["process"]["promises"][0]["promise"]["owner"], "clerk",
        "answers for what is promised"
    );
}

#[tokio::test]
async fn r16_the_receiving_clerk_is_recorded_beside_whoever_stays_answerable() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({ "first_owner": "agent" })).await;
    let ticket = office.ticket(&number).await;
    let process = &ticket["process"];
    assert_eq!((&process["received_by"], &process["first_owner"]), (&"clerk".into(), &"agent".into()));
    let form =
        office.get("agent", &format!("/api/v1/tickets/{number}/forms/complaint_handling")).await.json();
    let fields = form["fields"].as_array().unwrap();
    let by = fields.iter().find(|field| field["id"] == "received_by").unwrap();
    assert_eq!(by["value"], "clerk", "on the form too");
}

#[tokio::test]
async fn r17_liability_and_level_of_a_complaint_are_the_specialists_to_judge() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({})).await;
    let graded = |level: &str, liability: &str| json!({ "class": "B", "urgency": "general", "level": level, "liability": liability });
    for other in ["tech", "agent", "clerk", "trade"] {
        let refused = office.tries(other, &number, "classify", graded("blue", "unclear")).await;
        assert_eq!(rules(&refused), ["R17"], "{other}");
    }
    office.does("special", &number, "classify", graded("yellow", "ours")).await;
    // A technician corrects the class; whose fault it is and how grave stays as it was judged.
    office.does("tech", &number, "classify", json!({ "class": "C", "urgency": "general" })).await;
    let class = json!({ "class": "C", "urgency": "general", "liability": "no_fault" });
    assert_eq!(rules(&office.tries("tech", &number, "classify", class).await), ["R17"]);
    let milder = json!({ "level": "blue", "reason": "sounds better" });
    assert_eq!(rules(&office.tries("tech", &number, "level", milder).await), ["R17"]);
    let seen = office.ticket(&number).await;
    let judged = (&seen["process"]["level"], &seen["process"]["liability"]);
    assert_eq!((&seen["class"], judged), (&"C".into(), (&"yellow".into(), &"ours".into())), "{seen}");
}

#[tokio::test]
async fn r18_r56_a_department_reports_back_and_nobody_is_rid_of_an_order_by_passing_it_on() {
    let office = Office::open().await;
    let number = office.complaint("B", "blue", "tech").await;
    let promise = json!({ "id": "p", "text": "works again", "due_at": office.hours(30) });
    office.does("tech", &number, "promise", promise).await;
    let departments = ["noc", "app-support", "cdn", "internet", "content", "value-added"];
    for department in departments {
        let order = json!({
            "kind": "dispatch_order", "reference": department, "with": department, "eta": office.hours(4),
        });
        office.does("agent", &number, "hold", order).await;
        let clock = office.clock(&number, &format!("dispatch-order#{department}")).await;
        assert_eq!((&clock["agreement"], &clock["rule"]), (&"OLA".into(), &"R51".into()), "{clock}");
    }
    // Passed on to another, it is still open with the department that had it.
    let on = json!({
        "owner": "tech2", "deadline": office.hours(20), "target": "works again", "duty": "on_duty",
    });
    office.does("chief", &number, "assign", on).await;
    let mute =
        office.tries("member", &number, "work-done", json!({ "reference": "cdn", "result": " " })).await;
    assert_eq!(rules(&mute), ["R42"], "a report says what came of it");
    for department in &departments[..5] {
        let report = json!({ "reference": department, "result": "looked at: not ours" });
        office.does("member", &number, "work-done", report).await;
    }
    let early = office.tries("tech2", &number, "solve", json!({ "root_cause": "x", "solution": "y" })).await;
    let named = early.text.contains("value-added") && !early.text.contains("app-support");
    assert!(named && rules(&early).contains(&"R105".to_owned()), "{}", early.text);
    office.daemon.clock.advance(TimeDelta::hours(5));
    let late = office.clock(&number, "dispatch-order#value-added").await;
    assert_eq!(late["state"], "breached", "promptly: {late}");
    // That others did not cause it makes it nobody's fault only with evidence.
    let seen = office.ticket(&number).await;
    assert_eq!(seen["process"]["liability"], "unclear", "until it is judged it is ours (R35)");
}

#[tokio::test]
async fn r56_work_is_shared_out_evenly_among_those_on_duty() {
    let office = Office::open().await;
    let mut owners = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..6 {
        let number = office.registers("clerk", "complaint", json!({})).await;
        let class = json!({ "class": "B", "urgency": "general", "level": "blue" });
        office.does("special", &number, "classify", class).await;
        let wanted = json!({ "target": "works again", "role": "technician" });
        let given = office.does("chief", &number, "assign-by-roster", wanted).await;
        *owners.entry(given["owner"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let most = owners.values().max().unwrap();
    let least = owners.values().min().unwrap();
    assert!(owners.len() >= 3 && most - least <= 1, "{owners:?}");
}
