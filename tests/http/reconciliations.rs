//! Bills over HTTP: uploads, who sees what, files with their names.

use axum::body::Body;
use linesman::diagnosis::{Cause, Class, Side};
use linesman::store::{ReportFile, Role};
use linesman::ticket::wanted::Action;
use linesman_cdr::outcome::CauseKind;
use serde_json::Value;

use crate::bills::undecided;
use crate::daemon::{Answer, Daemon, fault};

const BOUNDARY: &str = "----linesman";

/// A form: name, name of the file if it is one, content.
fn form(parts: &[(&str, Option<&str>, &str)]) -> String {
    let mut body = String::new();
    for (name, file, content) in parts {
        body.push_str(&format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\""));
        if let Some(file) = file {
            body.push_str(&format!("; filename=\"{file}\"\r\nContent-Type: text/csv"));
        }
        body.push_str(&format!("\r\n\r\n{content}\r\n"));
    }
    format!("{body}--{BOUNDARY}--\r\n")
}

async fn upload(daemon: &Daemon, role: Role, parts: &[(&str, Option<&str>, &str)]) -> Answer {
    let request = daemon
        .by(role, "POST", "/api/v1/reconciliations")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    daemon.send(request, form(parts)).await
}

fn bills(theirs: &str) -> Vec<(&str, Option<&str>, &str)> {
    vec![
        ("party", None, "Acme"),
        ("ours", Some("../../ours.csv"), "a,b\n1,2\n"),
        ("theirs", Some("账单 \"10\".csv"), theirs),
        ("rates", Some("rates.csv"), "prefix,rate\n86,0.01\n"),
        ("contract", Some(""), ""),
        ("theirs-zone", None, "Asia/Shanghai"),
    ]
}

#[tokio::test]
async fn an_upload_is_kept_on_the_disk_and_the_same_again_is_the_same_run() {
    let daemon = Daemon::start().await;
    let first = upload(&daemon, Role::Billing, &bills("x\n")).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let run = first.json();
    let id = run["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/api/v1/reconciliations/{id}"));
    assert_eq!((&run["status"], &run["party"]), (&"queued".into(), &"Acme".into()));
    assert_eq!(run["request"]["options"], serde_json::json!([["theirs-zone", "Asia/Shanghai"]]));
    let inputs = run["request"]["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 3, "a file that nobody chose is none");
    assert_eq!(inputs[0]["name"], "ours.csv", "a stranger's name is no path");
    let kept = daemon.state.store.run(&id).await.unwrap().unwrap();
    for input in &kept.request.inputs {
        let bytes = std::fs::read(daemon.state.bills.vault.input(&id, input)).unwrap();
        assert_eq!(bytes.len() as u64, input.bytes);
    }
    let again = upload(&daemon, Role::Noc, &bills("x\n")).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (202, &Value::String(id.clone())));
    let other = upload(&daemon, Role::Billing, &bills("y\n")).await;
    assert_ne!(other.json()["id"], id.as_str());
    let runs = std::fs::read_dir(daemon.state.bills.vault.root().join("runs")).unwrap().count();
    assert_eq!(runs, 2, "what was known is kept once");
    let listed = daemon.get(Role::Billing, "/api/v1/reconciliations?party=Acme&limit=1").await.json();
    assert_eq!(listed["reconciliations"].as_array().unwrap().len(), 1);
    assert_eq!(listed["next"], listed["reconciliations"][0]["id"]);
    let next = format!("/api/v1/reconciliations?cursor={}", listed["next"].as_str().unwrap());
    let after = daemon.get(Role::Billing, &next).await.json();
    // The clock stands still here: which of the two is the newer is left to chance.
    let mut both =
        [&listed, &after].map(|page| page["reconciliations"][0]["id"].as_str().unwrap().to_owned());
    let mut known = [id, other.json()["id"].as_str().unwrap().to_owned()];
    both.sort();
    known.sort();
    assert_eq!(both, known);
}

#[tokio::test]
async fn an_upload_that_cannot_be_is_refused_with_every_reason_and_nothing_is_kept() {
    let daemon = Daemon::start().await;
    let parts = [
        ("party", None, "../evil"),
        ("period", None, "October"),
        ("ours", Some("o.csv"), ""),
        ("thiers", None, "x"),
        ("ours-format", None, "asterisk"),
        ("theirs-format", None, "/etc/linesman/linesman.toml"),
    ];
    let refused = upload(&daemon, Role::Billing, &parts).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "invalid"));
    let errors = refused.json()["errors"].as_array().unwrap().clone();
    let codes: Vec<&str> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "party_name",
            "period_form",
            "format_name",
            "unknown_field",
            "file_missing",
            "file_missing",
            "file_missing"
        ],
        "a file of the host is no format"
    );
    let twice = [("ours", Some("a"), "x"), ("ours", Some("b"), "y")];
    assert_eq!(upload(&daemon, Role::Billing, &twice).await.status, 422);
    let json = daemon
        .by(Role::Billing, "POST", "/api/v1/reconciliations")
        .header("content-type", "application/json");
    assert_eq!(daemon.send(json, "{}").await.problem(), "unsupported_media_type");
    let broken = daemon
        .by(Role::Billing, "POST", "/api/v1/reconciliations")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    assert_eq!(daemon.send(broken, form(&bills("x"))[..200].to_owned()).await.problem(), "bad_request");
    daemon.settings.send_modify(|settings| {
        let mut with_limit = (**settings).clone();
        with_limit.billing.largest_file = 1000;
        *settings = std::sync::Arc::new(with_limit);
    });
    let large = "x".repeat(2000);
    assert_eq!(upload(&daemon, Role::Billing, &bills(&large)).await.problem(), "too_large");
    let declared = daemon
        .by(Role::Billing, "POST", "/api/v1/reconciliations")
        .header("content-length", "99999999999")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    assert_eq!(daemon.send(declared, Body::empty()).await.problem(), "too_large", "before a byte was read");
    assert!(daemon.state.store.run_ids().await.unwrap().is_empty());
    let incoming = daemon.state.bills.vault.root().join("incoming");
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0, "nothing is left of it");
}

#[tokio::test]
async fn a_report_is_taken_by_its_name_as_a_file_to_save_and_nothing_beside_it_is() {
    let daemon = Daemon::start().await;
    let run = upload(&daemon, Role::Billing, &bills("x\n")).await.json();
    let id = run["id"].as_str().unwrap().to_owned();
    let report = daemon.state.bills.vault.report(&id);
    std::fs::create_dir_all(report.join("en")).unwrap();
    std::fs::write(report.join("en/report.html"), "<p>owed</p>").unwrap();
    std::fs::write(report.join("en/secret.txt"), "not named").unwrap();
    let file = ReportFile { name: "en/report.html".to_owned(), bytes: 11, sha256: String::new() };
    let told = fault("link-1", crate::daemon::start_of_time());
    let at = crate::daemon::start_of_time();
    daemon.state.store.finish_run(&id, "2026-10", &undecided(vec![file]), &told, at).await.unwrap();
    let path = |rest: &str| format!("/api/v1/reconciliations/{id}/files/{rest}");
    let taken = daemon.get(Role::Billing, &path("en/report.html")).await;
    assert_eq!((taken.status.as_u16(), taken.text.as_str()), (200, "<p>owed</p>"));
    assert_eq!(taken.header("content-type"), "text/html; charset=utf-8");
    assert!(taken.header("content-disposition").starts_with("attachment; filename=\"Acme-report.html\""));
    assert_eq!(taken.header("x-content-type-options"), "nosniff");
    let input = daemon.get(Role::Billing, &path("inputs/theirs")).await;
    assert_eq!((input.text.as_str(), input.header("content-type")), ("x\n", "application/octet-stream"));
    for nothing in ["en/secret.txt", "en/..%2f..%2finputs", "inputs/contract", "..%2fx/report.html"] {
        assert_eq!(daemon.get(Role::Billing, &path(nothing)).await.status, 404, "{nothing}");
    }
    let done = upload(&daemon, Role::Billing, &bills("x\n")).await;
    assert_eq!((done.status.as_u16(), &done.json()["status"]), (200, &"done".into()), "its answer at once");
    let rerun = daemon
        .send(daemon.by(Role::Billing, "POST", &format!("/api/v1/reconciliations/{id}/rerun")), "")
        .await;
    assert_eq!((rerun.status.as_u16(), &rerun.json()["status"]), (202, &"queued".into()));
}

#[tokio::test]
async fn billing_works_on_tickets_of_bills_and_sees_no_others() {
    let daemon = Daemon::start().await;
    let network = daemon.open("link-1").await;
    let mut bill = fault("Acme", daemon.state.clock.now_utc());
    bill.class = Class::A;
    bill.cause = Cause::Billing(CauseKind::Increment);
    bill.side = Side::Theirs;
    bill.key = "A:acme:2026-10".to_owned();
    bill.segment_kind = None;
    let open = Action::Open { fault: Box::new(bill), candidate: false, follows: None };
    let bill = daemon.state.writer.carry_out(9, vec![open]).await.unwrap().remove(0);
    let listed = daemon.get(Role::Billing, "/api/v1/tickets?class=B,A").await.json();
    let numbers: Vec<&str> = listed["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ticket| ticket["number"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, [bill.number.to_string()]);
    assert_eq!(listed["tickets"][0]["cause"], "increment");
    assert_eq!(listed["tickets"][0]["side"], "theirs");
    for path in ["", "/events", "/evidence", "/explain"] {
        let own = format!("/api/v1/tickets/{}{path}", bill.number);
        assert_eq!(daemon.get(Role::Billing, &own).await.status, 200, "{own}");
        let other = format!("/api/v1/tickets/{}{path}", network.number);
        assert_eq!(daemon.get(Role::Billing, &other).await.status, 404, "{other}");
    }
    let act = |ticket: &linesman::ticket::Ticket, action: &str| {
        format!("/api/v1/tickets/{}/{action}", ticket.number)
    };
    let note = r#"{"text":"asked for their records"}"#;
    assert_eq!(daemon.change(Role::Billing, &act(&network, "note"), 1, note).await.status, 404);
    assert_eq!(daemon.change(Role::Billing, &act(&bill, "note"), 1, note).await.status, 200);
    assert_eq!(daemon.change(Role::Billing, &act(&bill, "acknowledge"), 2, "").await.status, 200);
    let wrong = r#"{"cause":"fibre","segment":"Acme","side":"carrier"}"#;
    assert_eq!(daemon.change(Role::Billing, &act(&bill, "correct"), 3, wrong).await.problem(), "refused");
    let right = r#"{"cause":"stale_rate","segment":"Acme","side":"ours"}"#;
    let corrected = daemon.change(Role::Billing, &act(&bill, "correct"), 3, right).await;
    assert_eq!((corrected.status.as_u16(), &corrected.json()["side"]), (200, &"ours".into()));
    assert_eq!(daemon.change(Role::Billing, &act(&bill, "remeasure"), 4, "").await.problem(), "refused");
    let settle = daemon.change(Role::Billing, &act(&bill, "settle"), 4, "{}").await;
    assert_eq!(settle.problem(), "refused", "nothing was proposed");
    assert_eq!(daemon.change(Role::Technician, &act(&bill, "settle"), 4, "{}").await.status, 403);
}
