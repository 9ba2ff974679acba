//! How a demand is taken in and handled (R23, R30, R49, R91, R100, R102, R109, R110, R125): each rule tried where the
//! desk would miss it.

use chrono::TimeDelta;
use linesman::store::Role;
use serde_json::{Value, json};

use crate::desk::page;
use crate::office::{Office, rules};

fn call(purpose: &str, reached: bool) -> Value {
    json!({ "direction": "outbound", "channel": "phone", "purpose": purpose, "reached": reached })
}

#[tokio::test]
async fn r23_every_problem_stands_in_the_complaint_handling_form_without_anybody_typing_it_twice() {
    let office = Office::open().await;
    for (kind, class) in [("complaint", "B"), ("fault", "C"), ("consultation", "E")] {
        let number = office.registers("clerk", kind, json!({})).await;
        let path = format!("/api/v1/tickets/{number}/forms/complaint_handling");
        let early = office.get("agent", &path).await.json();
        let missing = early["missing"].as_array().unwrap().clone();
        assert!(
            missing.contains(&"type".into()) && missing.contains(&"record".into()),
            "{kind}: {missing:?}"
        );
        let mut said = json!({ "class": class, "urgency": "general" });
        if kind == "complaint" {
            said["level"] = "blue".into();
        }
        office.does("special", &number, "classify", said).await;
        let first = office.ticket(&number).await["next_question"]["node"].as_str().unwrap().to_owned();
        office.says("tech", &number, &first, "done", json!({})).await;
        let form = office.get("agent", &path).await.json();
        assert_eq!(form["missing"], json!([]), "{kind}: {form}");
        let value = |id: &str| {
            let fields = form["fields"].as_array().unwrap();
            fields.iter().find(|field| field["id"] == id).unwrap()["value"].as_str().unwrap().to_owned()
        };
        assert_eq!((value("problem"), value("number")), ("it does not work".to_owned(), number.clone()));
        assert!(value("contact").ends_with("8000"), "{}", value("contact"));
        assert!(value("record").contains("tech"), "who did what: {}", value("record"));
    }
}

#[tokio::test]
async fn r30_an_urgent_demand_in_writing_is_confirmed_by_telephone_and_the_registration_has_its_ten_minutes()
{
    let office = Office::open().await;
    let received = office.hours(0);
    office.daemon.clock.advance(TimeDelta::minutes(9));
    let urgent = json!({ "channel": "email", "urgency": "urgent", "received_at": received });
    let number = office.registers("clerk", "fault", urgent).await;
    let registration = office.clock(&number, "registration").await;
    assert_eq!(
        (&registration["state"], &registration["rule"]),
        (&"met".into(), &"R67".into()),
        "{registration}"
    );
    let owed = office.clock(&number, "urgent-phone-confirmation").await;
    assert_eq!((&owed["state"], &owed["rule"]), (&"running".into(), &"R30".into()), "{owed}");

    office.does("chief", &number, "classify", json!({ "class": "B", "urgency": "urgent" })).await;
    let given =
        json!({ "owner": "tech", "deadline": office.hours(20), "target": "works", "duty": "on_duty" });
    office.does("chief", &number, "assign", given).await;
    let by_mail = json!({ "direction": "outbound", "channel": "email", "purpose": "first_response" });
    office.does("agent", &number, "contact", by_mail).await;
    let unheard = office.tries("tech", &number, "accept", json!({})).await;
    assert_eq!(rules(&unheard), ["R30"], "a letter back is no call: {}", unheard.text);
    // Whose telephone is dead is not left alone for it: the call is on record, and stays owed.
    office.does("agent", &number, "contact", call("receipt", false)).await;
    office.does("tech", &number, "accept", json!({})).await;
    assert_eq!(office.clock(&number, "urgent-phone-confirmation").await["state"], "running");
    office.does("agent", &number, "contact", call("receipt", true)).await;
    assert_eq!(office.clock(&number, "urgent-phone-confirmation").await["state"], "met");

    // Ten minutes are over: overdue, though it was registered.
    office.daemon.clock.advance(TimeDelta::minutes(2));
    let late = json!({ "received_at": received, "urgency": "urgent" });
    let late = office.registers("clerk", "fault", late).await;
    let registration = office.clock(&late, "registration").await;
    assert!(!registration["breached_at"].is_null(), "{registration}");
    let clocks = office.get("agent", &format!("/api/v1/tickets/{late}/clocks")).await.text;
    assert!(!clocks.contains("urgent-phone-confirmation"), "who was on the telephone needs no second call");

    // What becomes urgent later is confirmed then.
    let number = office.registers("clerk", "fault", json!({ "channel": "web_form" })).await;
    office.does("chief", &number, "classify", json!({ "class": "B", "urgency": "urgent" })).await;
    assert_eq!(office.clock(&number, "urgent-phone-confirmation").await["state"], "running");
}

#[tokio::test]
async fn r49_a_demand_has_a_kind_with_tags_of_the_second_level_and_lists_are_filtered_by_them() {
    let office = Office::open().await;
    let hardware = office.registers("clerk", "fault", json!({ "tags": ["hardware_fault"] })).await;
    office.daemon.clock.advance(TimeDelta::seconds(1));
    let software = office.registers("clerk", "fault", json!({ "tags": ["software_bug"] })).await;
    office.registers("clerk", "consultation", json!({ "tags": ["tariff"] })).await;
    let listed = |tag: &'static str| {
        let office = &office;
        async move {
            let list = office.get("agent", &format!("/api/v1/tickets?tag={tag}")).await.json();
            let numbers = list["tickets"].as_array().unwrap().iter();
            numbers.map(|one| one["number"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("hardware_fault").await, std::slice::from_ref(&hardware));
    assert_eq!(listed("weather").await, Vec::<String>::new());
    let mixed = json!({ "kind": "fault", "channel": "phone", "caller": "prospect", "tags": ["tariff"],
        "words": { "description": "x" } });
    let mixed = office.post("clerk", "/api/v1/tickets", mixed).await;
    assert!(
        mixed.status == 409 && mixed.text.contains("hardware_fault"),
        "what there is, is told: {}",
        mixed.text
    );
    assert_eq!(rules(&mixed), ["R49"], "a question's tag is none of a repair's");

    // Who classifies without a word of tags leaves them; with, they are others.
    let class = |tags: Value| json!({ "class": "C", "urgency": "general", "tags": tags });
    office.does("tech", &hardware, "classify", class(json!([]))).await;
    assert_eq!(listed("hardware_fault").await, std::slice::from_ref(&hardware));
    office.does("tech", &hardware, "classify", class(json!(["software_bug"]))).await;
    assert_eq!(listed("hardware_fault").await, Vec::<String>::new());
    assert_eq!(listed("software_bug").await, [software.clone(), hardware.clone()], "newest first");
    let odd = office.tries("tech", &hardware, "classify", class(json!(["remittance"]))).await;
    assert_eq!(rules(&odd), ["R49"], "{}", odd.text);

    for (language, word) in [("en", "Software bug"), ("zh-CN", "软件缺陷")] {
        let (_, _, form) = page(&office.daemon, Role::Agent, "GET", "/register", "", language).await;
        assert!(form.contains(word) && form.contains("value=\"software_bug\""), "{form}");
        let (_, _, list) =
            page(&office.daemon, Role::Viewer, "GET", "/tickets?tag=software_bug", "", language).await;
        assert!(list.contains(&software) && list.contains(word), "{list}");
        let (_, _, none) =
            page(&office.daemon, Role::Viewer, "GET", "/tickets?tag=tariff", "", language).await;
        assert!(!none.contains(&software), "{none}");
        let path = format!("/tickets/{software}");
        let (_, _, shown) = page(&office.daemon, Role::Viewer, "GET", &path, "", language).await;
        assert!(shown.contains(word), "{shown}");
    }
    let typed = "key=k&kind=fault&channel=phone&urgency=general&name=Li+Na&phone=138+0013+8000&description=x\
        &tag=hardware_fault";
    let (status, _, html) = page(&office.daemon, Role::Agent, "POST", "/register", typed, "en").await;
    assert_eq!(status, 201, "{html}");
    assert_eq!(listed("hardware_fault").await.len(), 1, "from the page too");
}

#[tokio::test]
async fn r91_an_investigation_collects_evidence_of_every_kind_and_asks_the_departments() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({})).await;
    let class = json!({ "class": "E", "urgency": "general", "level": "blue", "liability": "no_fault" });
    office.does("special", &number, "classify", class).await;
    let plain = json!({ "kind": "evidence", "reference": "file 1" });
    let plain = office.tries("special", &number, "record", plain).await;
    assert_eq!(rules(&plain), ["R91"], "of what kind?");
    let strange = json!({ "kind": "evidence", "evidence": "hearsay", "reference": "file 1" });
    assert_eq!(office.tries("special", &number, "record", strange).await.status, 422);
    let kinds =
        ["letter", "call_recording", "sms_record", "order_record", "communication_record", "customers_own"];
    for kind in kinds {
        let evidence =
            json!({ "kind": "evidence", "evidence": kind, "reference": format!("archive {kind}") });
        office.does("special", &number, "record", evidence).await;
    }
    let kept = office.ticket(&number).await["process"]["records"].as_array().unwrap().clone();
    let known: Vec<&str> = kept.iter().map(|record| record["evidence"].as_str().unwrap()).collect();
    assert_eq!(known, kinds, "{kept:?}");
    assert!(kept.iter().all(|record| record["by"] == "special"), "{kept:?}");
    let path = format!("/tickets/{number}");
    let (_, _, shown) = page(&office.daemon, Role::Viewer, "GET", &path, "", "zh-CN").await;
    assert!(shown.contains("通话录音") && shown.contains("archive call_recording"), "{shown}");
    // Only then, and after he was told, is a complaint unfounded.
    let told = office.tries("manager", &number, "reject", json!({ "reason": "his own device" })).await;
    assert_eq!(rules(&told), ["R33"], "he was not told yet: {}", told.text);
    office.does("special", &number, "contact", call("answer", true)).await;
    office.does("manager", &number, "reject", json!({ "reason": "his own device" })).await;
}

#[tokio::test]
async fn r100_r102_the_first_desk_queries_decides_nothing_for_the_customer_refunds_within_its_rights_and_cancels()
 {
    let office = Office::open().await;
    let number =
        office.registers("agent", "complaint", json!({ "tags": ["not_ordered"], "nature": "price" })).await;
    // The phrase: the order record at once, cancelled on request, and who decides.
    let scripts = office.get("agent", "/api/v1/scripts").await.json();
    let phrases = scripts["scripts"].as_array().unwrap();
    let phrase = phrases.iter().find(|phrase| phrase["rule"] == "R100").expect("a phrase for it");
    for (language, gaps) in [("en", ["{record}", "{trial_end}"]), ("zh", ["{record}", "{trial_end}"])] {
        assert!(gaps.iter().all(|gap| phrase[language].as_str().unwrap().contains(gap)), "{phrase}");
    }
    let compute = format!("/api/v1/tickets/{number}/compensation/compute");
    let claim = |charged: &str, found: Value| json!({ "claim": { "claim": "no_order_record", "charged": charged, "record_found": found } });
    let unasked = office.post("agent", &compute, claim("40.00", Value::Null)).await;
    assert_eq!(unasked.status, 409, "the record is looked up first: {}", unasked.text);
    let within = office.post("agent", &compute, claim("40.00", false.into())).await.json();
    assert_eq!(within["amount"], "80.00", "double, for there is no record: {within}");
    let mut grant = claim("40.00", false.into());
    grant["granted"] = "80.00".into();
    let granted = office.does("agent", &number, "compensation", grant).await;
    assert_eq!(granted["process"]["grants"][0]["approver"], "agent", "by the desk itself, at once");

    let above = office.post("agent", &compute, claim("60.00", false.into())).await.json();
    assert_eq!(above["approver"], "Quality monitoring manager", "{above}");
    let mut more = claim("60.00", false.into());
    more["granted"] = "120.00".into();
    assert_eq!(rules(&office.tries("agent", &number, "compensation", more.clone()).await), ["R113"]);
    office.does("quality", &number, "compensation", more).await;

    // Goodwill is the customer's to choose.
    let goodwill = |choice: Value| json!({ "claim": { "claim": "unverifiable", "explained": true, "choice": choice }, "granted": "30.00" });
    let chosen_for = office.tries("agent", &number, "compensation", goodwill(Value::Null)).await;
    assert_eq!(chosen_for.status, 409, "nobody chooses for him: {}", chosen_for.text);
    office.does("agent", &number, "compensation", goodwill("discount".into())).await;

    // The desk that took it in solves it, where it can: no dispatch.
    let wanted = json!({ "target": "refunded", "department": "service", "role": "agent" });
    office
        .does("special", &number, "classify", json!({ "class": "E", "urgency": "general", "level": "blue" }))
        .await;
    let given = office.does("agent", &number, "assign-by-roster", wanted).await;
    assert_eq!(given["owner"], "agent", "the first owner is there and can: {given}");

    // Cancelled on request, without a manager; what measurement opened is not the desk's to cancel.
    let order = office.registers("agent", "fault", json!({})).await;
    let gone =
        office.does("agent", &order, "cancel", json!({ "reason": "the customer wants it no more" })).await;
    assert_eq!(gone["state"], "cancelled");
    let measured = office.daemon.open("link-1").await.number.to_string();
    let refused = office.tries("agent", &measured, "cancel", json!({ "reason": "x" })).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}

#[tokio::test]
async fn r109_emotion_first_then_the_matter_and_upwards_step_by_step() {
    let office = Office::open().await;
    let number = office.registers("clerk", "complaint", json!({})).await;
    let class = json!({ "class": "B", "urgency": "general", "level": "yellow", "supervisor": "chief" });
    office.does("special", &number, "classify", class).await;
    let given =
        json!({ "owner": "tech", "deadline": office.hours(20), "target": "works", "duty": "on_duty" });
    office.does("chief", &number, "assign", given).await;
    // Nothing is worked out before he was heard.
    for (verb, body) in [
        ("accept", json!({})),
        ("claim", json!({ "what": "exchanged" })),
        (
            "plan",
            json!({
                "remedies": ["apology"], "analysis": { "customer": "a", "staff": "b", "company": "c" },
                "measures": [{ "what": "exchange", "by": office.hours(5), "responsible": "tech" }],
            }),
        ),
    ] {
        let early = office.tries("tech", &number, verb, body).await;
        assert_eq!(early.status, 409, "{verb}: {}", early.text);
        if verb == "plan" {
            assert!(rules(&early).contains(&"R109".to_owned()), "{}", early.text);
        }
    }
    let scripts = office.get("agent", "/api/v1/scripts").await.json();
    let phrases = scripts["scripts"].as_array().unwrap();
    let first = phrases.iter().find(|phrase| phrase["purpose"] == "first_response").unwrap();
    assert!(first["en"].as_str().unwrap().starts_with("I am sorry"), "soothing comes first: {first}");
    assert!(first["zh"].as_str().unwrap().starts_with("非常抱歉"), "{first}");
    let heard = json!({
        "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": office.hours(4),
    });
    office.does("agent", &number, "contact", heard).await;
    office.does("tech", &number, "accept", json!({})).await;

    // Up, one step at a time, until nobody is above.
    let mut supervisors = Vec::new();
    loop {
        let up = office.tries("tech", &number, "escalate", json!({ "reason": "no_answer" })).await;
        if up.status != 200 {
            assert!(rules(&up).contains(&"R104".to_owned()), "{}", up.text);
            break;
        }
        supervisors.push(up.json()["process"]["supervisor"].as_str().unwrap().to_owned());
        assert!(supervisors.len() < 9, "{supervisors:?}");
    }
    let above = |name: &str| supervisors.iter().position(|known| known == name);
    assert!(
        above("quality") < above("head") && above("head") == Some(supervisors.len() - 1),
        "{supervisors:?}"
    );
    let owner = office.ticket(&number).await["owner"].clone();
    assert_eq!(owner, "tech", "who handles it stays");
}

#[tokio::test]
async fn r110_a_special_emergency_is_red_within_the_hour_with_its_head_and_a_bridge_until_it_is_solved() {
    let office = Office::open().await;
    let referred = json!({
        "channel": "regulator", "referral": { "case": "MIIT-9", "due_at": office.hours(200) },
    });
    let number = office.registers("clerk", "complaint", referred).await;
    // Red from the registration on (R34, R54): no hour is lost until somebody classifies it.
    let ticket = office.ticket(&number).await;
    let process = &ticket["process"];
    assert_eq!((&process["level"], &process["supervisor"]), (&"red".into(), &"customer_service_head".into()));
    let due = |clock: Value| {
        let at: chrono::DateTime<chrono::Utc> = clock["due_at"].as_str().unwrap().parse().unwrap();
        let registered: chrono::DateTime<chrono::Utc> =
            ticket["registered_at"].as_str().unwrap().parse().unwrap();
        (at - registered).num_hours()
    };
    for (name, hours) in
        [("level-red-first-contact", 1), ("level-red-update", 2), ("level-red-resolution", 12)]
    {
        assert_eq!(due(office.clock(&number, name).await), hours, "{name}");
    }
    let class = json!({ "class": "B", "urgency": "urgent" });
    office.does("special", &number, "classify", class).await;
    let heard = json!({
        "direction": "outbound", "channel": "phone", "purpose": "first_response", "reply_by": office.hours(2),
    });
    office.does("special", &number, "contact", heard).await;
    assert_eq!(office.clock(&number, "level-red-first-contact").await["state"], "met");
    let milder = json!({ "level": "orange", "reason": "calmer" });
    assert_eq!(rules(&office.tries("head", &number, "level", milder).await), ["R34"]);
    // A bridge solution meets the twelve hours; the trouble itself goes on until it is proven over.
    let empty = office.tries("tech", &number, "bridge", json!({ "what": " " })).await;
    assert_eq!(rules(&empty), ["R110"]);
    let bridged = office.does("tech", &number, "bridge", json!({ "what": "calls over line 8" })).await;
    assert!(!bridged["process"]["bridged_at"].is_null() && bridged["state"] != "resolved", "{bridged}");
    assert_eq!(office.clock(&number, "level-red-resolution").await["state"], "met");
    assert_eq!(office.clock(&number, "complaint-resolution").await["state"], "running");
    let mild = office.complaint("B", "blue", "tech").await;
    let usual = office.tries("tech", &mild, "bridge", json!({ "what": "calls over line 8" })).await;
    assert_eq!(rules(&usual), ["R110"], "what is not red is solved, not bridged");
}
