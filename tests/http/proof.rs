//! Recorded calls and signatures: put on a ticket, asked for by the guard of the confirmation, read by whoever may.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linesman::store::Role;
use linesman::store::customers::CustomerId;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::daemon::{Answer, Daemon};
use crate::deeds::{does, done};
use crate::desk::page;
use crate::forms::{answered, link};

/// A second of silence, as WAV.
pub fn wave() -> Vec<u8> {
    let mut wave =
        b"RIFF\xa4\x3e\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    wave.extend(16_000_u32.to_le_bytes());
    wave.resize(wave.len() + 16_000, 0);
    wave
}

/// One white pixel, as PNG.
pub fn drawing() -> Vec<u8> {
    const PIXEL: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR4nGP4DwQACfsD/fteaysAAAAASUVORK5CYII=";
    STANDARD.decode(PIXEL).unwrap()
}

async fn attach(daemon: &Daemon, role: Role, number: &str, kind: &str, content: Vec<u8>) -> Answer {
    let path = format!("/api/v1/tickets/{number}/attachments?kind={kind}");
    let request = daemon.by(role, "POST", &path).header("if-match", "*");
    daemon.send(request.header("content-type", "application/octet-stream"), content).await
}

async fn both(test: impl AsyncFn(&Daemon)) {
    test(&Daemon::start().await).await;
    if let Some(daemon) = Daemon::start_on_postgres().await {
        test(&daemon).await;
    }
}

#[tokio::test]
async fn r90_r103_a_confirmation_by_signature_or_call_needs_its_file_or_says_where_it_is() {
    both(async |daemon| {
        for (method, kind, content, media) in [
            ("recorded_call", "recorded_call", wave(), "audio/wav"),
            ("signature", "signature", drawing(), "image/png"),
        ] {
            let number = answered(daemon).await;
            let word = json!({ "rating": "satisfied", "method": method });
            let bare = does(daemon, Role::Agent, &number, "confirm-result", word.clone()).await;
            assert_eq!((bare.status.as_u16(), bare.problem().as_str()), (409, "refused"), "{}", bare.text);
            assert!(bare.text.contains("R103") && bare.text.contains("attach it"), "{}", bare.text);
            let other =
                if kind == "signature" { ("recorded_call", wave()) } else { ("signature", drawing()) };
            assert_eq!(attach(daemon, Role::Agent, &number, other.0, other.1).await.status, 201);
            let still = does(daemon, Role::Agent, &number, "confirm-result", word.clone()).await;
            assert_eq!(still.status, 409, "the other kind proves nothing: {}", still.text);

            let put = attach(daemon, Role::Agent, &number, kind, content.clone()).await;
            assert_eq!(put.status, 201, "{}", put.text);
            let put = put.json();
            assert_eq!((&put["media_type"], &put["by"]), (&media.into(), &"lin".into()));
            let hash = put["sha256"].as_str().unwrap();
            let events = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/events")).await.text;
            assert!(events.contains("evidence_attached") && events.contains(hash), "{events}");
            let twice = attach(daemon, Role::Agent, &number, kind, content).await;
            assert_eq!(twice.status, 409, "the same file once: {}", twice.text);
            let settled = done(daemon, Role::Agent, &number, "confirm-result", word).await;
            assert_eq!(settled["process"]["confirmation"]["method"], method);
        }
        // What lies elsewhere is named.
        let number = answered(daemon).await;
        let paper = json!({ "rating": "satisfied", "method": "signature", "reference": "folder 7, page 3" });
        let settled = done(daemon, Role::Agent, &number, "confirm-result", paper).await;
        assert_eq!(settled["state"], "settled");
        let events = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/events")).await.text;
        assert!(events.contains("folder 7, page 3"), "{events}");
        // Nobody but the customer confirms by his link.
        let number = answered(daemon).await;
        let word = json!({ "rating": "satisfied", "method": "link" });
        let refused = does(daemon, Role::Manager, &number, "confirm-result", word).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
    })
    .await;
}

#[tokio::test]
async fn r104_what_was_signed_before_a_ticket_was_reopened_proves_nothing_of_the_result_after() {
    both(async |daemon| {
        let number = answered(daemon).await;
        assert_eq!(attach(daemon, Role::Agent, &number, "signature", drawing()).await.status, 201);
        done(daemon, Role::Agent, &number, "reopen", json!({ "reason": "it came back" })).await;
        let ticket = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
        assert!(ticket["process"]["evidence"].is_null(), "{ticket}");
        let files = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/attachments")).await.json();
        assert_eq!(files["attachments"].as_array().unwrap().len(), 1, "the file stays");
    })
    .await;
}

#[tokio::test]
async fn r103_what_is_no_recording_or_drawing_is_refused_by_its_bytes_and_what_is_too_large_by_its_size() {
    let daemon = Daemon::start().await;
    let number = answered(&daemon).await;
    let agent = Role::Agent;
    for (kind, content, code, said) in [
        ("recorded_call", drawing(), 422, "WAV, MP3, OGG or M4A"),
        ("signature", wave(), 422, "PNG"),
        ("signature", b"<svg onload=alert(1)>".to_vec(), 422, "PNG"),
        ("signature", Vec::new(), 422, "PNG"),
        ("photo", drawing(), 422, "recorded_call and signature"),
        ("signature", [drawing(), vec![0; 256 * 1024]].concat(), 413, "256 KiB"),
        ("recorded_call", [wave(), vec![0; 16 * 1024 * 1024]].concat(), 413, "16384 KiB"),
        ("recorded_call", vec![0; 17 * 1024 * 1024], 413, "16384 KiB"),
    ] {
        let refused = attach(&daemon, agent, &number, kind, content).await;
        assert_eq!(refused.status.as_u16(), code, "{kind}: {}", refused.text);
        assert!(refused.text.contains(said), "{kind}: {}", refused.text);
    }
    assert_eq!(attach(&daemon, Role::Viewer, &number, "signature", drawing()).await.status, 403);
    let path = format!("/api/v1/tickets/{number}/attachments?kind=signature");
    let blind = daemon.send(daemon.by(agent, "POST", &path), drawing()).await;
    assert_eq!(blind.status, 428, "a change names the version that was seen");
    let stale = daemon.by(agent, "POST", &path).header("if-match", "\"v1\"");
    assert_eq!(daemon.send(stale, drawing()).await.status, 412);
    let files = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}/attachments")).await.json();
    assert_eq!(files["attachments"], json!([]), "nothing of it was kept");
}

#[tokio::test]
async fn r111_what_a_customer_signed_is_read_by_the_noc_and_whoever_has_his_ticket_and_leaves_a_trace() {
    both(async |daemon| {
        let number = answered(daemon).await;
        let put = attach(daemon, Role::Agent, &number, "signature", drawing()).await.json();
        let file = format!("/api/v1/tickets/{number}/attachments/{}", put["id"].as_str().unwrap());
        for (role, status) in
            [(Role::Viewer, 403), (Role::Technician, 403), (Role::Agent, 200), (Role::Noc, 200)]
        {
            let read = daemon.get(role, &file).await;
            assert_eq!(read.status.as_u16(), status, "{role:?}: {}", read.text);
            if status == 200 {
                assert_eq!((read.header("content-type"), &read.bytes), ("image/png", &drawing()));
            }
            let list = daemon.get(role, &format!("/api/v1/tickets/{number}/attachments")).await;
            assert!(list.text.contains("signature-"), "that it is there is seen by all: {}", list.text);
            let (_, _, html) = page(daemon, role, "GET", &format!("/tickets/{number}"), "", "en").await;
            assert_eq!(html.contains(&file), status == 200, "{role:?} is given a link to what he may read");
        }
        let ticket = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{number}")).await.json();
        let customer = ticket["registration"]["customer"]["customer"].as_str().unwrap().to_owned();
        let trail = daemon.state.store.privacy_events(&CustomerId(customer), 0, 50).await.unwrap();
        let looked: Vec<&str> = trail
            .iter()
            .filter(|event| format!("{event:?}").contains("signature"))
            .map(|event| event.actor.as_str())
            .collect();
        assert_eq!(looked, ["lin", "nora"]);
    })
    .await;
}

/// A form as a browser sends it.
fn fields(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

const VISIT: [(&str, &str); 7] = [
    ("mode", "on_site"),
    ("service_type", "repair"),
    ("executor", "tom"),
    ("service_time", "2026-11-18T09:00:00Z"),
    ("place", "on site"),
    ("findings", "a worn plug"),
    ("measures", "replaced"),
];

#[tokio::test]
async fn r44_r90_a_signature_drawn_into_the_record_of_a_visit_is_filed_with_it_as_a_file_of_the_ticket() {
    both(async |daemon| {
        let number = answered(daemon).await;
        let prepared = json!({ "values": {
            "mode": "on_site", "agreed_at": "2026-11-18T09:00:00Z", "executor": "tom", "model": "GW-8",
            "symptom": "no tone", "spares": "a plug", "guides": "the manual", "departments": "none asked"
        } });
        done(daemon, Role::Technician, &number, "forms/service_preparation", prepared).await;
        let fill = format!("/tickets/{number}/forms/service_process/fill");
        for (language, word) in [("en", "Sign in the white field"), ("zh-CN", "白色区域内签名")] {
            let (status, _, html) = page(daemon, Role::Technician, "GET", &fill, "", language).await;
            assert!(status == 200 && html.contains(word) && html.contains("<canvas"), "{html}");
            assert!(html.contains("sign.js") && !html.contains("page."), "{html}");
        }
        let drawn = format!("data:image/png;base64,{}", STANDARD.encode(drawing()));
        let mut wrong = VISIT.to_vec();
        wrong.push(("signature.png", "data:image/png;base64,bm90IGEgcG5n"));
        let (status, _, html) = page(daemon, Role::Technician, "POST", &fill, &fields(&wrong), "en").await;
        assert!(status == 422 && html.contains("role=\"alert\"") && html.contains("no PNG"), "{html}");
        let mut bare = VISIT[..5].to_vec();
        bare.push(("signature.png", &drawn));
        let (status, _, html) = page(daemon, Role::Technician, "POST", &fill, &fields(&bare), "en").await;
        assert_eq!(status, 422, "{html}");
        let again = drawn.replace('+', "&#43;");
        assert!(html.contains(&drawn) || html.contains(&again), "nobody signs twice: {html}");
        let files = format!("/api/v1/tickets/{number}/attachments");
        assert_eq!(daemon.get(Role::Noc, &files).await.json()["attachments"], json!([]), "nothing was kept");

        let mut whole = VISIT.to_vec();
        whole.push(("signature.png", &drawn));
        let (status, place, html) =
            page(daemon, Role::Technician, "POST", &fill, &fields(&whole), "en").await;
        assert_eq!((status, place.as_str()), (303, &fill[..fill.len() - 5]), "{html}");
        let kept = daemon.get(Role::Noc, &files).await.json()["attachments"][0].clone();
        assert_eq!((&kept["kind"], &kept["by"]), (&"signature".into(), &"tom".into()));
        let form =
            daemon.get(Role::Noc, &format!("/api/v1/tickets/{number}/forms/service_process")).await.text;
        assert!(form.contains(kept["sha256"].as_str().unwrap()), "the form names the file: {form}");
        let read = daemon.get(Role::Noc, &format!("{files}/{}", kept["id"].as_str().unwrap())).await;
        assert_eq!(read.bytes, drawing());
        // The signed visit carries the confirmation.
        let word = json!({ "rating": "satisfied", "method": "signature" });
        assert_eq!(done(daemon, Role::Agent, &number, "confirm-result", word).await["state"], "settled");
    })
    .await;
}

#[tokio::test]
async fn r45_r103_a_customer_may_sign_on_the_page_of_his_link() {
    both(async |daemon| {
        let number = answered(daemon).await;
        let path = link(daemon, &number, "confirmation").await;
        let drawn = format!("data:image/png;base64,{}", STANDARD.encode(drawing()));
        let send = async |fields: String| {
            let pages = linesman::http::page::router(daemon.state.clone());
            let router = linesman::http::router(daemon.state.clone(), pages);
            let request = Request::builder().method("POST").uri(&path);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let response = router.oneshot(request.body(Body::from(fields)).unwrap()).await.unwrap();
            response.status().as_u16()
        };
        assert_eq!(
            send(fields(&[("rating", "satisfied"), ("signature.png", "data:text/html,x")])).await,
            422
        );
        assert_eq!(send(fields(&[("rating", "satisfied"), ("signature.png", &drawn)])).await, 200);
        let files = daemon.get(Role::Noc, &format!("/api/v1/tickets/{number}/attachments")).await.json();
        assert_eq!(files["attachments"][0]["by"], "customer by link", "{files}");
        let ticket = daemon.get(Role::Noc, &format!("/api/v1/tickets/{number}")).await.json();
        assert_eq!(
            (&ticket["state"], &ticket["process"]["confirmation"]["method"]),
            (&"settled".into(), &"link".into())
        );
    })
    .await;
}

#[tokio::test]
async fn r91_r103_a_recorded_call_is_put_on_the_ticket_by_its_page_in_both_languages() {
    let daemon = Daemon::start().await;
    let number = answered(&daemon).await;
    let path = format!("/tickets/{number}");
    let version = |ticket: &Value| ticket["version"].as_i64().unwrap();
    let router = || {
        let pages = linesman::http::page::router(daemon.state.clone());
        linesman::http::router(daemon.state.clone(), pages)
    };
    let send = async |role: Role, language: &str, version: i64, kind: &str, content: &[u8]| {
        let mut body = Vec::new();
        for (name, value) in [("version", version.to_string()), ("kind", kind.to_owned())] {
            body.extend(
                format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        body.extend(
            b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../../x.wav\"\r\n\r\n",
        );
        body.extend(content);
        body.extend(b"\r\n--b--\r\n");
        let request = daemon.by(role, "POST", &format!("{path}/files")).header("accept-language", language);
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        let response = router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (status, place) = (response.status().as_u16(), response.headers().get("location").cloned());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, place, String::from_utf8_lossy(&bytes).into_owned())
    };
    let ticket = daemon.get(Role::Viewer, &format!("/api/v1{path}")).await.json();
    for (language, attach, refusal) in [
        ("en", "Attach a recorded call or a signature", "WAV, MP3, OGG or M4A"),
        ("zh-CN", "添加通话录音或签名", "WAV、MP3、OGG"),
    ] {
        let (_, _, html) = page(&daemon, Role::Agent, "GET", &path, "", language).await;
        assert!(html.contains(attach) && !html.contains("page."), "{html}");
        let (_, _, html) = page(&daemon, Role::Viewer, "GET", &path, "", language).await;
        assert!(!html.contains(attach), "a viewer puts nothing there");
        let (status, _, html) = send(Role::Agent, language, version(&ticket), "recorded_call", b"MZ").await;
        assert!(
            status == 422 && html.contains("role=\"alert\"") && html.contains(refusal),
            "{status}: {html}"
        );
    }
    let (status, place, html) = send(Role::Agent, "en", version(&ticket), "recorded_call", &wave()).await;
    assert_eq!(status, 303, "{html}");
    assert_eq!(place.unwrap(), format!("{path}?done=files").as_str());
    let stale = send(Role::Agent, "en", version(&ticket), "signature", &drawing()).await;
    assert_eq!(stale.0, 412, "{}", stale.2);
    for (language, done, what) in
        [("en", "The file is on the ticket.", "Recorded call"), ("zh-CN", "文件已添加到工单。", "通话录音")]
    {
        let (_, _, html) =
            page(&daemon, Role::Agent, "GET", &format!("{path}?done=files"), "", language).await;
        assert!(html.contains(done) && html.contains(what), "{html}");
    }
    let files = daemon.get(Role::Viewer, &format!("/api/v1{path}/attachments")).await.json();
    let name = files["attachments"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("recorded-call-") && name.ends_with(".wav"), "the name is ours: {name}");
}
