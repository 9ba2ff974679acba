//! Calls over HTTP: found by number, address and time; who sees a number.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use linesman::store::customers::CustomerId;
use linesman::store::{Attachment, Role};
use linesman::voice::call::{Ended, KeptCall, KeptFinding};
use serde_json::json;

use crate::daemon::{Daemon, start_of_time};
use crate::desk::page;

async fn keep(daemon: &Daemon, id: &str, minute: i64, from: &str, host: &str, is_bad: bool) {
    let started_at = start_of_time() + TimeDelta::minutes(minute);
    let call = KeptCall {
        id: id.to_owned(),
        call_id: Some(format!("{id}@host")),
        started_at,
        ended_at: started_at + TimeDelta::seconds(30),
        state: "ended".to_owned(),
        status: Some(200),
        trunk: Some("trunk-1".to_owned()),
        gateway: None,
        customer: Some("customer-1".to_owned()),
        is_bad,
        loss_ratio: Some(0.12),
        mos: Some((2.1, 3.2)),
        answer_ms: Some(900.0),
        talk_s: Some(28.0),
        streams: Vec::new(),
        findings: vec![KeptFinding {
            kind: "poor_quality".to_owned(),
            evidence: format!("{from} heard little"),
            from_caller: None,
        }],
        passages: Vec::new(),
        renegotiated: false,
        fax: false,
        addresses: BTreeSet::from([host.to_owned()]),
        also: BTreeSet::from([format!("{id}-leg")]),
    };
    let ended = Ended { call, from: Some(from.to_owned()), to: Some("1001".to_owned()) };
    let country = daemon.state.settings.borrow().privacy.country_code.clone();
    daemon.state.store.append_calls(&[ended], &country).await.unwrap();
}

async fn ids(daemon: &Daemon, query: &str) -> Vec<String> {
    let answer = daemon.get(Role::Viewer, &format!("/api/v1/calls?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    let calls = answer.json()["calls"].as_array().unwrap().clone();
    calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_call_is_found_by_number_address_and_time_and_shows_its_numbers_to_the_noc_alone() {
    let daemon = Daemon::start().await;
    keep(&daemon, "one", 0, "13812345678", "192.0.2.1", true).await;
    keep(&daemon, "two", 10, "+86 139 0000 0000", "192.0.2.2", false).await;
    assert_eq!(ids(&daemon, "").await, ["two", "one"]);
    assert_eq!(ids(&daemon, "number=%2B8613812345678").await, ["one"], "however it is written");
    assert_eq!(ids(&daemon, "number=1001&address=192.0.2.2").await, ["two"]);
    assert_eq!(ids(&daemon, "bad=true&trunk=trunk-1&customer=customer-1").await, ["one"]);
    let later = (start_of_time() + TimeDelta::minutes(5)).to_rfc3339().replace('+', "%2B");
    assert_eq!(ids(&daemon, &format!("from={later}")).await, ["two"]);
    assert_eq!(ids(&daemon, &format!("to={later}")).await, ["one"]);
    assert!(ids(&daemon, "number=13800000000").await.is_empty());

    let first = daemon.get(Role::Viewer, "/api/v1/calls?limit=1").await;
    let next = first.json()["next"].as_str().unwrap().to_owned();
    assert!(first.header("link").contains(&next), "{}", first.header("link"));
    assert_eq!(ids(&daemon, &format!("limit=1&cursor={next}")).await, ["one"]);

    let request =
        daemon.by(Role::Viewer, "POST", "/api/v1/calls/lookup").header("content-type", "application/json");
    let found = daemon.send(request, json!({"number": "138 1234 5678"}).to_string()).await;
    assert_eq!(found.json()["calls"][0]["from"], "138****5678", "{}", found.text);

    let masked = daemon.get(Role::Technician, "/api/v1/calls/one").await;
    assert_eq!(masked.json()["masked"], true);
    for secret in ["13812345678", "one@host"] {
        assert!(!masked.text.contains(secret), "a technician sees {secret}: {}", masked.text);
    }
    let one = CustomerId("call/one".to_owned());
    let trail = || daemon.state.store.privacy_events(&one, 0, 10);
    assert!(trail().await.unwrap().is_empty(), "masked looks are no looks");
    let clear = daemon.get(Role::Noc, "/api/v1/calls/one-leg").await.json();
    assert_eq!((&clear["id"], &clear["from"]), (&"one".into(), &"13812345678".into()), "{clear}");
    assert_eq!(clear["findings"][0]["evidence"], "13812345678 heard little");
    assert_eq!(trail().await.unwrap()[0].actor, "nora");
}

#[tokio::test]
async fn the_page_of_a_call_masks_its_numbers_but_for_the_noc_whose_look_leaves_a_trace() {
    let daemon = Daemon::start().await;
    keep(&daemon, "one", 0, "13812345678", "192.0.2.1", true).await;
    let one = CustomerId("call/one".to_owned());
    let trail = || daemon.state.store.privacy_events(&one, 0, 10);
    let (status, _, masked) = page(&daemon, Role::Viewer, "GET", "/calls/one", "", "en").await;
    assert_eq!(status, 200, "{masked}");
    assert!(masked.contains("138****5678") && masked.contains("poor_quality"), "{masked}");
    for secret in ["13812345678", "one@host"] {
        assert!(!masked.contains(secret), "a viewer sees {secret}: {masked}");
    }
    assert!(trail().await.unwrap().is_empty(), "masked looks are no looks");
    let (_, _, clear) = page(&daemon, Role::Noc, "GET", "/calls/one-leg", "", "zh-CN").await;
    assert!(
        clear.contains("13812345678 heard little") && clear.contains("落地中继") && clear.contains("已结束"),
        "{clear}"
    );
    assert_eq!(trail().await.unwrap()[0].actor, "nora");
    let (status, _, none) = page(&daemon, Role::Noc, "GET", "/calls/%3Cscript%3E", "", "en").await;
    assert_eq!(status, 404);
    assert!(none.contains("There is no call") && !none.contains("<script>"), "{none}");
}

#[tokio::test]
async fn a_question_that_cannot_be_meant_is_refused_with_its_place() {
    let daemon = Daemon::start().await;
    for (query, pointer) in [("address=host", "?address"), ("limit=0", "?limit"), ("cursor=x", "?cursor")] {
        let refused = daemon.get(Role::Viewer, &format!("/api/v1/calls?{query}")).await;
        assert_eq!(refused.problem(), "invalid", "{query}");
        assert!(
            refused.json()["errors"][0]["pointer"].as_str().unwrap().contains(pointer),
            "{}",
            refused.text
        );
    }
    assert_eq!(daemon.get(Role::Viewer, "/api/v1/calls/nobody").await.problem(), "not_found");
    assert_eq!(daemon.get(Role::Viewer, "/api/v1/calls?numbr=1").await.problem(), "bad_request");
}

#[tokio::test]
async fn a_file_of_a_ticket_is_seen_by_many_and_read_by_the_noc_alone_who_leaves_a_trace() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("trunk-1").await;
    let content = b"a capture of packets";
    let attachment = Attachment::new(&ticket.id, "call-1", content, start_of_time());
    assert!(daemon.state.store.attach(&ticket.id, &attachment, content, 3).await.unwrap());
    let path = format!("/api/v1/tickets/{}/attachments", ticket.number);
    let list = daemon.get(Role::Viewer, &path).await;
    assert_eq!(list.json()["attachments"][0]["call"], "call-1", "{}", list.text);
    let file = format!("{path}/{}", attachment.id);
    for role in [Role::Viewer, Role::Agent, Role::Technician] {
        assert_eq!(daemon.get(role, &file).await.status, 403, "{role:?}");
    }
    assert_eq!(daemon.get(Role::Billing, &file).await.status, 404, "no ticket of billing's");
    let trail = CustomerId("call/call-1".to_owned());
    assert!(daemon.state.store.privacy_events(&trail, 0, 10).await.unwrap().is_empty());
    let read = daemon.get(Role::Noc, &file).await;
    assert_eq!(read.status, 200, "{}", read.text);
    assert_eq!(read.header("content-type"), "application/vnd.tcpdump.pcap");
    assert!(read.header("content-disposition").contains("call-call-1.pcap"));
    assert!(read.text.ends_with(" packets"), "{}", read.text);
    assert_eq!(daemon.state.store.privacy_events(&trail, 0, 10).await.unwrap()[0].actor, "nora");
    assert_eq!(daemon.get(Role::Noc, &format!("{path}/none")).await.problem(), "not_found");
}

#[tokio::test]
async fn the_page_of_a_ticket_lists_its_files_for_all_with_a_link_that_gives_the_bytes_to_those_who_may() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("trunk-1").await;
    let path = format!("/tickets/{}", ticket.number);
    let (_, _, without) = page(&daemon, Role::Noc, "GET", &path, "", "en").await;
    assert!(!without.contains("id=\"files\""), "a ticket without calls says nothing of their files");
    let content = b"a capture of packets";
    let (mut first, mut second) = (
        Attachment::new(&ticket.id, "call-1", content, start_of_time() + TimeDelta::minutes(7)),
        Attachment::new(&ticket.id, "call-2", content, start_of_time() + TimeDelta::minutes(8)),
    );
    (first.packets, first.left_out) = (321, 45);
    (second.has_payload, second.by) = (true, "nora <script>".to_owned());
    for file in [&first, &second] {
        assert!(daemon.state.store.attach(&ticket.id, file, content, 3).await.unwrap());
    }
    let listed = daemon.get(Role::Viewer, &format!("/api/v1{path}/attachments")).await.json();
    assert_eq!(listed["attachments"][0]["by"], "linesman", "{listed}");
    let link = |file: &Attachment| format!("/api/v1{path}/attachments/{}", file.id);
    for (language, by_itself, closed) in
        [("en", "Linesman, by itself", "personal data"), ("zh-CN", "Linesman 自动添加", "个人信息")]
    {
        for role in [Role::Viewer, Role::Agent, Role::Technician, Role::Noc, Role::Manager, Role::Admin] {
            let (status, _, html) = page(&daemon, role, "GET", &path, "", language).await;
            assert_eq!(status, 200);
            let start = html.find("id=\"files\"").unwrap_or_else(|| panic!("{role:?} sees no files"));
            let files = html[start..].split("</section>").next().unwrap();
            for told in
                ["call-call-1.pcap", "call-call-2.pcap", "20 B", "321", "45", by_itself, &first.sha256]
            {
                assert!(files.contains(told), "{role:?} {language} misses {told}: {files}");
            }
            assert!(files.contains("2026-11-18T11:13:40Z"), "when it was put there: {files}");
            assert!(files.contains("nora &#60;script&#62;"), "{files}");
            // The page gives a link to exactly those whom the API gives the file.
            let answer = daemon.get(role, &link(&first)).await;
            assert_eq!(files.contains(&link(&first)), answer.status == 200, "{role:?}");
            assert_eq!(files.contains("files-closed"), answer.status == 403, "{role:?} is told why");
            assert!(files.contains(closed), "{files}");
            if answer.status == 200 {
                assert_eq!(answer.text.as_bytes(), content, "{role:?}");
                assert!(files.contains(&link(&second)), "{files}");
            }
        }
    }
    assert_eq!(page(&daemon, Role::Billing, "GET", &path, "", "en").await.0, 404, "no ticket of billing's");
}
