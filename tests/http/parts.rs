//! Who does which part along the decision trees (R1 to R9): each answers his own questions, and what belongs to another
//! is refused or handed over. What a token may do is tried in `access.rs`.

use chrono::TimeDelta;
use linesman::store::Role;
use serde_json::json;

use crate::office::{Office, rules};

#[tokio::test]
async fn r1_r7_r13_a_technician_configures_and_repairs_and_business_settles_what_he_could_not_repair() {
    let office = Office::open().await;
    let number = office.complaint("C", "blue", "tech").await;
    let none = || json!({});
    office.is_not_his("agent", &number, "C1", "done", "Technician").await;
    office.is_not_his("product", &number, "C1", "done", "Technician").await;
    office.says("tech", &number, "C1", "done", none()).await;
    office.says("tech", &number, "C2", "yes", none()).await;
    office.says("tech", &number, "C3", "configuration", none()).await;
    office.says("tech", &number, "C4", "yes", none()).await;
    let bare = office.tries("tech", &number, "tree", json!({ "node": "C5", "answer": "no" })).await;
    assert!(bare.text.contains("`consulted`"), "unfamiliar hardware is asked about (R2): {}", bare.text);
    let asked = json!({ "consulted": "techman, new model", "dmz": "enabled" });
    office.says("tech", &number, "C5", "no", asked).await;
    office.says("tech", &number, "C7", "yes", none()).await;
    // An engineer may stand in for a technician.
    office.says("engineer", &number, "C8", "no", none()).await;
    let seen = office.ticket(&number).await;
    assert_eq!(seen["next_question"]["node"], "C9", "what is not repaired goes to the business department");
    office.is_not_his("tech", &number, "C9", "done", "Business department").await;
    let stateless = office.tries("trade", &number, "tree", json!({ "node": "C9", "answer": "done" })).await;
    assert!(stateless.text.contains("`device_state`"), "with its concrete state: {}", stateless.text);
    let settled = json!({ "device_state": "mainboard burnt", "agreement": "exchanged at half the price" });
    office.says("trade", &number, "C9", "done", settled).await;
    let learnt = json!({ "problem": "burnt", "solution": "exchanged" });
    office.says("tech", &number, "C10", "done", learnt).await;
    let walked = office.daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/tree")).await.json();
    assert_eq!(walked["outcome"], "result", "{walked}");
    let by: Vec<&str> =
        walked["path"].as_array().unwrap().iter().filter_map(|step| step["by"].as_str()).collect();
    assert_eq!(by, ["tech", "tech", "tech", "tech", "tech", "tech", "engineer", "trade", "tech"]);
}

#[tokio::test]
async fn r1_r9_a_technician_reports_to_a_carrier_that_holds_its_leg_by_a_clock_of_its_own() {
    let office = Office::open().await;
    let number = office.complaint("B", "blue", "tech").await;
    for (reference, with) in [
        ("NET-1", "network carrier"),
        ("TERM-1", "landing-line carrier"),
        ("HW-1", "provider of the gateway"),
    ] {
        let promise = json!({ "id": reference, "text": "works again", "due_at": office.hours(30), "source": "carrier_eta" });
        office.does("tech", &number, "promise", promise).await;
        let hold =
            json!({ "kind": "carrier_repair", "reference": reference, "with": with, "eta": office.hours(5) });
        office.does("tech", &number, "hold", hold).await;
        let leg = office.clock(&number, &format!("carrier-repair#{reference}")).await;
        assert_eq!((&leg["agreement"], &leg["state"]), (&"UC".into(), &"running".into()), "{leg}");
        let own = office.clock(&number, "complaint-resolution").await;
        assert_eq!(own["state"], "running", "the carrier does not stop what the customer was told: {own}");
    }
    office.daemon.clock.advance(TimeDelta::hours(6));
    let late = office.clock(&number, "carrier-repair#NET-1").await;
    assert_eq!(late["state"], "breached", "{late}");
    let done = json!({ "reference": "NET-1", "result": "spliced" });
    office.does("tech", &number, "work-done", done).await;
    let solved =
        office.tries("tech", &number, "solve", json!({ "root_cause": "cut", "solution": "spliced" }));
    let solved = solved.await;
    let said = solved.text.clone();
    assert!(rules(&solved).contains(&"R105".to_owned()), "{said}");
    assert!(said.contains("TERM-1, HW-1") && !said.contains("NET-1"), "each leg reports back: {said}");
}

#[tokio::test]
async fn r2_r8_the_technical_manager_stops_and_reviews_a_line_and_procurement_negotiates_with_its_carrier() {
    let office = Office::open().await;
    let number = office.complaint("D", "blue", "tech").await;
    let none = || json!({});
    office.says("tech", &number, "D1", "done", none()).await;
    office.says("tech", &number, "D2", "done", none()).await;
    office.says("tech", &number, "D3", "line", none()).await;
    office.is_not_his("tech", &number, "D4", "done", "Technical manager").await;
    let moved = json!({ "stopped": "line 7", "moved_to": "line 8" });
    office.says("techman", &number, "D4", "done", moved).await;
    office.is_not_his("tech", &number, "D5", "done", "Technical manager").await;
    office.says("techman", &number, "D5", "done", none()).await;
    office.says("tech", &number, "D6", "done", json!({ "tests": "4 of 10 calls bad" })).await;
    office.is_not_his("tech", &number, "D7", "yes", "Technical manager").await;
    office.says("techman", &number, "D7", "no", none()).await;
    for other in ["techman", "tech", "trade"] {
        office.is_not_his(other, &number, "D7p", "again", "Procurement").await;
    }
    office.says("buyer", &number, "D7p", "again", none()).await;
    let next = office.ticket(&number).await["next_question"]["node"].clone();
    assert_eq!(next, "D6", "the carrier mends it: tested again");
    let review = json!({ "kind": "test_review", "reference": "tests of Monday" });
    assert_eq!(office.tries("tech", &number, "record", review).await.status, 403, "the manager reviews");
}

#[tokio::test]
async fn r2_r5_finance_reconciles_and_dispatches_and_the_technical_manager_compares_and_answers() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({})).await;
    let class = json!({ "class": "A", "urgency": "general", "level": "blue" });
    office.does("special", &number, "classify", class).await;
    let none = || json!({});
    for other in ["agent", "tech", "techman"] {
        office.is_not_his(other, &number, "A1", "done", "Finance").await;
    }
    office.says("money", &number, "A1", "done", none()).await;
    office.says("money", &number, "A2", "yes", none()).await;
    office.says("money", &number, "A4", "done", none()).await;
    let compared = json!({
        "rate": "alike", "call_duration": "ours rounds up", "billing_method": "per minute", "record_count": "alike",
        "record_time": "alike",
    });
    let said = json!({ "node": "A5", "answer": "yes", "details": compared });
    let finance = office.tries("money", &number, "tree", said).await;
    assert!(finance.status == 409 && finance.text.contains("Technical manager"), "{}", finance.text);
    let less = json!({ "rate": "alike" });
    let less =
        office.tries("techman", &number, "tree", json!({ "node": "A5", "answer": "yes", "details": less }));
    assert!(less.await.text.contains("`record_time`"), "all five dimensions");
    office.says("techman", &number, "A5", "yes", compared).await;
    office.says("techman", &number, "A6", "yes", none()).await;
    let method = json!({ "accounting_method": "6 s steps" });
    office.says("techman", &number, "A7", "done", method).await;
    office
        .says("techman", &number, "A8", "done", json!({ "cause": "a table", "advice": "compare monthly" }))
        .await;
    office.is_not_his("techman", &number, "A8f", "done", "Finance").await;
    let sign = json!({ "kind": "finance_sign_off", "reference": "page 3" });
    assert_eq!(office.tries("tech", &number, "record", sign.clone()).await.status, 403, "finance signs");
    office.does("money", &number, "record", sign).await;
}

#[tokio::test]
async fn r5_r6_intake_fills_the_recharge_form_finance_credits_and_intake_tells_the_customer() {
    let office = Office::open().await;
    let number = office.registers("clerk", "recharge", json!({})).await;
    let none = || json!({});
    office.says("clerk", &number, "T1", "done", none()).await;
    let form = json!({ "values": {
        "payer": "Li Na", "account": "a-1", "amount": "100.00", "currency": "CNY", "channel": "bank",
        "remitted_at": "2026-11-18T09:00:00Z",
    }});
    office.does("clerk", &number, "forms/recharge", form).await;
    let filled = office.get("money", &format!("/api/v1/tickets/{number}/forms/recharge")).await.json();
    let value = |id: &str| {
        let fields = filled["fields"].as_array().unwrap();
        fields.iter().find(|field| field["id"] == id).unwrap()["value"].clone()
    };
    assert_eq!(
        (value("amount"), value("requester")),
        (json!("100.00"), json!("clerk")),
        "what finance looks up by"
    );
    office.says("clerk", &number, "T2", "done", none()).await;
    office.is_not_his("clerk", &number, "T3", "yes", "Finance").await;
    office.says("money", &number, "T3", "yes", none()).await;
    office.says("money", &number, "T4", "done", json!({ "amount": "100.00 CNY" })).await;
    let next = office.ticket(&number).await["next_question"].clone();
    assert_eq!((&next["node"], &next["role"]), (&"T4n".into(), &"intake".into()), "back to intake: {next}");
    office.is_not_his("money", &number, "T4n", "done", "Intake").await;
    office.says("clerk", &number, "T4n", "done", none()).await;
    let walked = office.daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/tree")).await.json();
    assert_eq!(walked["outcome"], "credited");
}

#[tokio::test]
async fn r3_r4_both_doors_lead_a_technical_problem_to_technical_staff_who_own_the_figures_of_the_month() {
    let office = Office::open().await;
    let none = || json!({});
    // The other department's door: it must hand over, and may not work on it itself.
    let number = office.registers("clerk", "consultation", json!({})).await;
    office.says("clerk", &number, "I1", "done", none()).await;
    office.says("clerk", &number, "I2", "other", none()).await;
    office.says("clerk", &number, "I4", "yes", none()).await;
    let next = office.ticket(&number).await["next_question"].clone();
    assert_eq!((&next["node"], &next["role"]), (&"I7".into(), &"technician".into()), "{next}");
    for other in ["clerk", "agent", "trade"] {
        office.is_not_his(other, &number, "I7", "done", "Technician").await;
    }
    let class = json!({ "class": "B", "urgency": "general" });
    office.does("clerk", &number, "classify", class).await;
    let given = office.does("clerk", &number, "assign-by-roster", json!({ "target": "answered" })).await;
    assert_eq!(given["process"]["department"], "technology", "the technical department has it: {given}");
    office.says("tech", &number, "I7", "done", none()).await;

    // The technical department's own door.
    let number = office.registers("tech", "consultation", json!({})).await;
    office.says("tech", &number, "I1", "done", none()).await;
    office.says("tech", &number, "I2", "technical", none()).await;
    office.is_not_his("agent", &number, "I3", "yes", "Technician").await;
    office.says("tech", &number, "I3", "yes", none()).await;
    let next = office.ticket(&number).await["next_question"]["node"].clone();
    assert_eq!(next, "I7", "one who took it in goes on with it");

    // Handling and satisfaction of the month are the technical department's to give out.
    let month = "/api/v1/reports/monthly/2026-10";
    assert_eq!(office.post("agent", &format!("{month}/freeze"), none()).await.status, 403);
    let frozen = office.post("techman", &format!("{month}/freeze"), none()).await;
    assert!(frozen.status == 201 && frozen.json()["frozen_by"] == "techman", "{}", frozen.text);
    let report = office.get("agent", month).await.text;
    assert!(report.contains("R83") && report.contains("R84"), "{report}");
}
