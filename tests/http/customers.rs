//! Customers over the API: who sees what, who may do what, and that every look is in the trail.

use axum::body::Body;
use linesman::store::Role;
use linesman::store::customers::{CustomerId, TextKind};
use linesman::ticket::Event;
use linesman::ticket::event::Actor;
use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon};

async fn send(daemon: &Daemon, role: Role, method: &str, path: &str, body: &Value) -> Answer {
    let request = daemon.by(role, method, path).header("content-type", "application/json");
    daemon.send(request, body.to_string()).await
}

async fn change(daemon: &Daemon, role: Role, method: &str, path: &str, version: i64, body: &Value) -> Answer {
    let request = daemon.by(role, method, path).header("content-type", "application/json");
    daemon.send(request.header("if-match", format!("\"v{version}\"")), body.to_string()).await
}

fn wang_wei() -> Value {
    json!({
        "name": "Wang Wei", "segment": "retail", "note": "prefers mornings",
        "contacts": [{"role": "himself", "title": "mr", "name": "Wang Wei", "phone": "138 1234 5678",
            "email": "Wang.Wei@Example.com", "address": "1 Example Road", "preferred_channel": "phone", "consent": "service"}],
        "assets": [{"kind": "gateway", "company_supplied": true, "model": "RB4011", "serial": "SN-1",
            "bought_on": "2025-03-01", "warranty_until": "2027-02-28"}],
    })
}

/// Registers him; his id.
async fn registered(daemon: &Daemon) -> String {
    let made = send(daemon, Role::Noc, "POST", "/api/v1/customers", &wang_wei()).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"v1\""), "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/api/v1/customers/{id}"));
    id
}

async fn actions(daemon: &Daemon, id: &str) -> Vec<String> {
    let trail = daemon.get(Role::Admin, &format!("/api/v1/customers/{id}/trail")).await.json();
    let events = trail["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| {
            format!("{} {}", event["actor"].as_str().unwrap(), event["action"]["action"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_role_sees_of_a_person_what_it_needs_and_each_look_in_clear_is_in_the_trail() {
    let daemon = Daemon::start().await;
    let id = registered(&daemon).await;
    let path = format!("/api/v1/customers/{id}");
    for role in [Role::Viewer, Role::Technician, Role::Billing] {
        let seen = daemon.get(role, &path).await;
        let person = seen.json();
        assert_eq!(person["masked"], true, "{}", role.name());
        assert_eq!(person["name"], "W*** W***");
        assert_eq!(person["contacts"][0]["phone"], "+86138****5678");
        assert_eq!(person["contacts"][0]["email"], "w***@example.com");
        for secret in ["12345678", "Wang", "wang.wei", "Example Road", "SN-1", "mornings"] {
            assert!(!seen.text.contains(secret), "{} sees {secret}: {}", role.name(), seen.text);
        }
    }
    assert_eq!(actions(&daemon, &id).await, ["nora created", "nora read"], "masked looks are no looks");
    let clear = daemon.get(Role::Noc, &path).await.json();
    assert_eq!(clear["masked"], false);
    assert_eq!(clear["contacts"][0]["phone"], "+8613812345678");
    assert_eq!(clear["assets"][0]["serial"], "SN-1");
    assert_eq!(actions(&daemon, &id).await.last().unwrap(), "nora read");
    assert_eq!(daemon.get(Role::Noc, "/api/v1/customers/nobody").await.problem(), "not_found");
}

#[tokio::test]
async fn a_technician_sees_the_number_of_the_customer_whose_ticket_he_has_as_long_as_he_has_it() {
    let daemon = Daemon::start().await;
    let id = registered(&daemon).await;
    let path = format!("/api/v1/customers/{id}");
    let ticket = daemon.open("link-1").await;
    let customer = CustomerId(id.clone());
    daemon.state.store.link_ticket_to_customer(&ticket.id.0, &customer, None).await.unwrap();
    assert_eq!(
        daemon.get(Role::Technician, &path).await.json()["masked"],
        true,
        "the ticket is nobody's yet"
    );
    let tom = Actor("tom".to_owned());
    daemon.state.writer.apply(&ticket.id, None, Event::Acknowledged, tom).await.unwrap();
    let seen = daemon.get(Role::Technician, &path).await.json();
    assert_eq!(seen["contacts"][0]["phone"], "+8613812345678");
    assert_eq!(seen["tickets"][0]["owner"], "tom");
    assert_eq!(actions(&daemon, &id).await.last().unwrap(), "tom read");
    assert_eq!(daemon.get(Role::Viewer, &path).await.json()["masked"], true, "a viewer has no tickets");
    let withdrawn = Event::Cancelled { reason: "no fault of ours".to_owned() };
    let tom = Actor("tom".to_owned());
    daemon.state.writer.apply(&ticket.id, None, withdrawn, tom).await.unwrap();
    assert_eq!(daemon.get(Role::Technician, &path).await.json()["masked"], true, "his ticket is over");
    // Somebody to be careful with is for the NOC alone.
    let careful = json!({"privacy_class": "restricted"});
    assert_eq!(change(&daemon, Role::Noc, "PATCH", &path, 1, &careful).await.status, 200);
    assert_eq!(daemon.get(Role::Technician, &path).await.json()["masked"], true);
}

#[tokio::test]
async fn a_customer_of_the_inventory_and_a_registered_one_are_one_to_look_up() {
    let daemon = Daemon::start().await;
    let find = async |body: Value| {
        let found = send(&daemon, Role::Viewer, "POST", "/api/v1/customers/lookup", &body).await;
        assert_eq!(found.status, 200, "{}", found.text);
        found.json()["customers"].as_array().unwrap().clone()
    };
    // The inventory's customer-1 has the contact "Li Na +86 10 5555 0101".
    for body in
        [json!({"phone": "010 5555 0101"}), json!({"inventory": "customer-1"}), json!({"name": "li na"})]
    {
        let found = find(body.clone()).await;
        assert_eq!(found.len(), 1, "{body}");
        assert_eq!(
            (&found[0]["registered"], &found[0]["inventory_name"]),
            (&json!(false), &json!("customer-1"))
        );
        assert_eq!(found[0]["contacts"][0]["name"], "***");
    }
    let mut linked = wang_wei();
    linked["inventory_name"] = json!("customer-1");
    let made = send(&daemon, Role::Noc, "POST", "/api/v1/customers", &linked).await.json();
    for body in [
        json!({"phone": "+86 10 5555 0101"}),
        json!({"inventory": "customer-1"}),
        json!({"phone": "0086-138-1234-5678"}),
        json!({"email": "wang.wei@EXAMPLE.com"}),
        json!({"name": "wei"}),
    ] {
        let found = find(body.clone()).await;
        assert_eq!(found.len(), 1, "{body}: {found:?}");
        assert_eq!((&found[0]["id"], &found[0]["masked"]), (&made["id"], &json!(true)), "{body}");
    }
    assert!(find(json!({"name": "wei", "phone": "13900000000"})).await.is_empty());
    let twice = send(&daemon, Role::Noc, "POST", "/api/v1/customers", &linked).await;
    assert_eq!((twice.status.as_u16(), twice.problem().as_str()), (409, "customer_refused"));
    assert!(twice.json()["errors"][0]["detail"].as_str().unwrap().contains("customer-1"), "{}", twice.text);
    let listed = daemon.get(Role::Viewer, "/api/v1/customers?inventory=customer-1").await.json();
    assert_eq!(listed["customers"][0]["id"], made["id"]);
}

#[tokio::test]
async fn lists_go_on_and_show_nobody_in_clear() {
    let daemon = Daemon::start().await;
    for name in ["One", "Two", "Three"] {
        let body = json!({"name": name});
        assert_eq!(send(&daemon, Role::Noc, "POST", "/api/v1/customers", &body).await.status, 201);
        daemon.clock.advance(chrono::TimeDelta::milliseconds(5));
    }
    let first = daemon.get(Role::Admin, "/api/v1/customers?limit=2").await;
    let names = |answer: &Answer| {
        let list = answer.json()["customers"].as_array().unwrap().clone();
        list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["T***", "T***"]);
    let next = first.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let second = daemon.get(Role::Admin, &next).await;
    assert_eq!(names(&second), ["O***"]);
    assert_eq!(second.json()["next"], Value::Null);
    assert_eq!(daemon.get(Role::Admin, "/api/v1/customers?limit=0").await.problem(), "invalid");
    assert_eq!(daemon.get(Role::Admin, "/api/v1/customers?phone=1").await.problem(), "bad_request");
}

#[tokio::test]
async fn a_change_names_the_version_that_was_seen_and_says_every_flaw() {
    let daemon = Daemon::start().await;
    let id = registered(&daemon).await;
    let path = format!("/api/v1/customers/{id}");
    let read = daemon.get(Role::Noc, &path).await.json();
    let contact = format!("{path}/contacts/{}", read["contacts"][0]["id"].as_str().unwrap());
    let without = daemon.by(Role::Noc, "PATCH", &path).header("content-type", "application/json");
    assert_eq!(daemon.send(without, "{}").await.problem(), "precondition_required");
    let renamed =
        change(&daemon, Role::Noc, "PATCH", &path, 1, &json!({"name": "Wang Da", "segment": null})).await;
    let (person, tag) = (renamed.json(), renamed.header("etag").to_owned());
    assert_eq!(
        (&person["name"], &person["segment"], tag.as_str()),
        (&json!("Wang Da"), &Value::Null, "\"v2\"")
    );
    assert_eq!(person["note"], "prefers mornings", "what is not named stays");
    let late = change(&daemon, Role::Noc, "PATCH", &path, 1, &json!({"name": "x"})).await;
    assert_eq!((late.status.as_u16(), late.problem().as_str()), (412, "customer_changed"));
    let confirmed =
        change(&daemon, Role::Noc, "POST", &format!("{contact}/verify"), 2, &json!({})).await.json();
    assert_eq!(confirmed["contacts"][0]["verified_by"], "nora");
    let moved =
        change(&daemon, Role::Noc, "PATCH", &contact, 3, &json!({"phone": "+49 30 1234567"})).await.json();
    let now = &moved["contacts"][0];
    assert_eq!((&now["phone"], &now["email"]), (&json!("+49301234567"), &json!("wang.wei@example.com")));
    assert_eq!(now["verified_at"], Value::Null, "another number has to be confirmed");
    let masked = change(&daemon, Role::Technician, "POST", &format!("{contact}/verify"), 4, &json!({})).await;
    assert_eq!(masked.problem(), "forbidden");
    let wrong = json!({"name": "x\u{7}", "contacts": [{"phone": "call me", "email": "nowhere"}, {}],
        "inventory_name": "link-1", "assets": [{"element": "gateway-9"}]});
    let refused = send(&daemon, Role::Noc, "POST", "/api/v1/customers", &wrong).await;
    assert_eq!(refused.problem(), "invalid");
    let refused = refused.json();
    let pointers: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    for pointer in [
        "/name",
        "/inventory_name",
        "/contacts/0/phone",
        "/contacts/0/email",
        "/contacts/1",
        "/assets/0/element",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    let asset = format!("{path}/assets/{}", moved["assets"][0]["id"].as_str().unwrap());
    let meets =
        change(&daemon, Role::Noc, "PATCH", &asset, 4, &json!({"meets_standard": false})).await.json();
    assert_eq!(
        (&meets["assets"][0]["meets_standard"], &meets["assets"][0]["model"]),
        (&json!(false), &json!("RB4011"))
    );
    assert_eq!(change(&daemon, Role::Noc, "DELETE", &asset, 5, &json!({})).await.json()["assets"], json!([]));
    assert_eq!(
        change(&daemon, Role::Noc, "DELETE", &contact, 6, &json!({})).await.json()["contacts"],
        json!([])
    );
    assert_eq!(change(&daemon, Role::Noc, "DELETE", &contact, 7, &json!({})).await.problem(), "not_found");
    for (add, body) in [("contacts", json!({"name": "Li Na"})), ("assets", json!({"kind": "trunk"}))] {
        let request = daemon.by(Role::Noc, "POST", &format!("{path}/{add}")).header("if-match", "*");
        let added = daemon.send(request.header("content-type", "application/json"), body.to_string()).await;
        assert_eq!(added.json()[add].as_array().unwrap().len(), 1, "{}", added.text);
    }
}

#[tokio::test]
async fn a_person_is_taken_out_whole_and_erased_with_the_reason_in_the_trail() {
    let daemon = Daemon::start().await;
    let id = registered(&daemon).await;
    let path = format!("/api/v1/customers/{id}");
    let (store, customer) = (&daemon.state.store, CustomerId(id.clone()));
    let ticket = daemon.open("link-1").await;
    store.link_ticket_to_customer(&ticket.id.0, &customer, None).await.unwrap();
    let words = linesman::privacy::Personal::of("it crackles, says Wang Wei").unwrap();
    let nora = Actor("nora".to_owned());
    store.keep_text(&customer, Some(&ticket.id.0), TextKind::Description, &words, &nora).await.unwrap();

    let why = json!({"reason": "right of access"});
    let export = send(&daemon, Role::Noc, "POST", &format!("{path}/export"), &why).await.json();
    assert_eq!(export["customer"]["contacts"][0]["phone"], "+8613812345678");
    assert_eq!(export["texts"][0]["text"], "it crackles, says Wang Wei");
    assert_eq!(export["tickets"][0]["ticket"]["id"], ticket.id.0.as_str());
    assert_eq!(export["tickets"][0]["events"][0]["event"]["type"], "opened");
    assert_eq!(export["trail"].as_array().unwrap().last().unwrap()["action"]["reason"], "right of access");

    let erase = format!("{path}/erase");
    let named = json!({"reason": "Wang Wei wrote a letter"});
    assert_eq!(send(&daemon, Role::Noc, "POST", &erase, &named).await.problem(), "customer_refused");
    let why = json!({"reason": "asked for it by letter"});
    let open = send(&daemon, Role::Noc, "POST", &erase, &why).await;
    assert_eq!((open.status.as_u16(), open.problem().as_str()), (409, "customer_refused"));
    assert_eq!(open.json()["errors"][0]["code"], "open_tickets");
    let force = json!({"reason": "asked for it by letter", "force": true});
    assert_eq!(send(&daemon, Role::Noc, "POST", &erase, &force).await.problem(), "forbidden");
    let done = send(&daemon, Role::Admin, "POST", &erase, &force).await.json();
    assert_eq!((&done["contacts"], &done["texts"], &done["remaining"]), (&json!(1), &json!(1), &json!([])));
    let left = daemon.get(Role::Noc, &path).await;
    assert!(left.json()["erased_at"].is_string() && !left.text.contains("Wang"), "{}", left.text);
    assert_eq!(
        change(&daemon, Role::Noc, "PATCH", &path, 2, &json!({"name": "x"})).await.problem(),
        "not_found"
    );
    assert_eq!(actions(&daemon, &id).await, ["nora created", "nora read", "nora exported", "ada erased"]);
    let report = store.check().await.unwrap();
    assert!(report.broken_at.is_none() && report.damage.is_empty());
    assert_eq!(store.check_privacy_trail().await.unwrap().broken_at, None);
}

#[tokio::test]
async fn what_retention_would_delete_is_counted_by_kind() {
    let daemon = Daemon::start().await;
    registered(&daemon).await;
    let count = async |kind: &str| {
        let secret = daemon.get(Role::Admin, "/api/v1/retention").await.json();
        let kinds = secret["kinds"].as_array().unwrap().clone();
        let of = kinds.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("{kind}")).clone();
        (of["count"].as_u64().unwrap(), of["kept_days"].as_u64().unwrap())
    };
    for (kind, days) in
        [("observations", 14), ("hourly", 730), ("faults", 730), ("bills", 153), ("customers", 730)]
    {
        assert_eq!(count(kind).await, (0, days), "{kind}");
    }
    let asked = daemon.send(daemon.by(Role::Noc, "GET", "/api/v1/retention"), Body::empty()).await;
    assert_eq!(asked.problem(), "forbidden");
}

#[tokio::test]
async fn refusals_are_in_the_readers_language() {
    let daemon = Daemon::start().await;
    let request = daemon.by(Role::Noc, "GET", "/api/v1/customers/nobody").header("accept-language", "zh-CN");
    let answer = daemon.send(request, Body::empty()).await;
    assert!(answer.json()["detail"].as_str().unwrap().contains("没有客户 nobody"), "{}", answer.text);
}
