use axum::body::Body;
use axum::http::Request;
use linesman::store::Role;

use crate::daemon::Daemon;

#[tokio::test]
async fn every_error_is_a_problem_whoever_made_it() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let note = format!("/api/v1/tickets/{}/note", ticket.number);

    let nowhere = daemon.send(Request::builder().uri("/nowhere"), Body::empty()).await;
    assert_eq!((nowhere.status.as_u16(), nowhere.problem().as_str()), (404, "not_found"));
    assert_eq!(nowhere.json()["instance"], "/nowhere");

    let method = daemon.send(daemon.by(Role::Admin, "DELETE", "/api/v1/tickets"), Body::empty()).await;
    assert_eq!((method.status.as_u16(), method.problem().as_str()), (405, "method_not_allowed"));
    assert!(method.header("allow").contains("GET"), "{:?}", method.headers);

    let post = |kind: &'static str, body: String| {
        let request =
            daemon.by(Role::Noc, "POST", &note).header("if-match", "\"v1\"").header("content-type", kind);
        daemon.send(request, body)
    };
    let json = "application/json";
    assert_eq!(post("text/plain", "{}".to_owned()).await.problem(), "unsupported_media_type");
    assert_eq!(post(json, "{".to_owned()).await.problem(), "bad_request");
    let huge = format!(r#"{{"text":"{}"}}"#, "x".repeat(1024 * 1024));
    let huge = post(json, huge).await;
    assert_eq!((huge.status.as_u16(), huge.problem().as_str()), (413, "too_large"));
    let long = post(json, format!(r#"{{"text":"{}"}}"#, "x".repeat(10_001))).await;
    assert_eq!((long.status.as_u16(), long.json()["errors"][0]["pointer"].as_str()), (422, Some("/text")));

    for query in ["?limit=0", "?limit=501", "?state=opened", "?class=F", "?severity=bad", "?cursor=x"] {
        let answer = daemon.get(Role::Viewer, &format!("/api/v1/tickets{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"), "{query}");
    }
    for query in ["?stat=open", "?open=maybe", "?from=yesterday"] {
        let answer = daemon.get(Role::Viewer, &format!("/api/v1/tickets{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "bad_request"), "{query}");
    }
}

#[tokio::test]
async fn fields_that_nobody_asked_for_are_refused_and_change_nothing() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let path = format!("/api/v1/tickets/{}/note", ticket.number);
    for body in [
        r#"{"text":"x","actor":"ada"}"#,
        r#"{"text":"x","role":"admin"}"#,
        r#"{"text":"x","state":"closed","version":9}"#,
    ] {
        let answer = daemon.change(Role::Technician, &path, 1, body).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"), "{body}");
    }
    let now = daemon.get(Role::Viewer, &format!("/api/v1/tickets/{}", ticket.number)).await.json();
    assert_eq!(now["version"], 1);
}

/// Values that break readers that trust their input.
const NASTY: [&str; 12] = [
    "",
    "%00",
    "%FF%FE",
    "..%2F..%2Fetc%2Fpasswd",
    "-1",
    "99999999999999999999",
    "1e400",
    "%27%20OR%201%3D1--",
    "%E2%80%AE%E5%85%89",
    "null",
    "LM-9999-4294967296",
    "2026-13-45T99:99:99Z",
];

#[tokio::test]
async fn nonsense_in_any_parameter_or_body_is_the_clients_mistake_and_never_ours() {
    let daemon = Daemon::start().await;
    daemon.open("link-1").await;
    let paths = daemon.description()["paths"].as_object().unwrap().clone();
    let mut asked = 0;
    for (template, item) in &paths {
        // A stream has no end, and nobody answers a reload or sends a test message here.
        let unanswered =
            ["/events", "/api/v1/reload", "/health/ready", "/api/v1/notifications/channels/{name}/test"];
        if unanswered.contains(&template.as_str()) {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for nasty in NASTY {
                let mut path = String::new();
                for part in template.split('/').skip(1) {
                    path.push('/');
                    path.push_str(if part.starts_with('{') && !nasty.is_empty() { nasty } else { part });
                }
                let path = path.replace("{ticket}", "LM-2026-000001").replace(['{', '}'], "");
                let query: Vec<String> = parameters
                    .iter()
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| format!("{}={nasty}", parameter["name"].as_str().unwrap()))
                    .collect();
                let bodies =
                    ["", "{}", "[]", "null", r#"{"text":1,"name":[],"reason":{},"token":null}"#, "\u{0}"];
                for body in bodies {
                    let request = daemon
                        .by(Role::Admin, &method.to_uppercase(), &format!("{path}?{}", query.join("&")))
                        .header("content-type", "application/json")
                        .header("if-match", "\"v0\"")
                        .header("accept-language", nasty);
                    let answer = daemon.send(request, body).await;
                    let is_ours = answer.status.is_server_error() && answer.problem() != "unmeasured";
                    assert!(!is_ours, "{method} {path}?{query:?} {body}: {}", answer.text);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 1000, "{asked}");
}

#[tokio::test]
async fn a_problem_is_told_in_the_language_asked_for() {
    let daemon = Daemon::start().await;
    let request = daemon.by(Role::Viewer, "GET", "/api/v1/tickets/LM-2026-000099");
    let answer = daemon.send(request.header("accept-language", "zh-CN,en;q=0.5"), Body::empty()).await;
    assert_eq!(answer.problem(), "not_found");
    assert_eq!(answer.header("content-language"), "zh-CN");
    assert_eq!(answer.json()["detail"], "没有工单 LM-2026-000099。");
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let daemon = Daemon::start().await;
    for path in ["/api/v1/tickets", "/nowhere", "/health/live"] {
        let answer = daemon.get(Role::Viewer, path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.header("referrer-policy").is_empty(), "{path}");
    }
}
