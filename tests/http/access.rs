use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use linesman::clock::Clock as _;
use linesman::store::{NewToken, Role};
use serde_json::Value;

use crate::daemon::Daemon;

/// Every operation of the description: method, path with its gaps filled, the operation.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let path = path.replace("{ticket}", "LM-2026-000001").replace("{target}", "server-1%2Ficmp");
            let path = path.replace("{name}", "nobody").replace("{run}", "nothing").replace("{folder}", "en");
            let path = path.replace("{customer}", "nobody").replace("{contact}", "c").replace("{asset}", "a");
            let path = path.replace("{window}", "none").replace("{call}", "none");
            let path = path.replace("{article}", "KB-1").replace("{month}", "2026-10");
            let path = path.replace("{form}", "dispatch_order").replace("{route}", "1");
            let path = path.replace("{file}", "none");
            let item = item.as_object().unwrap();
            item.iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

#[tokio::test]
async fn every_route_asks_who_is_there_and_lets_no_lower_role_in() {
    let daemon = Daemon::start().await;
    let mut open = Vec::new();
    let mut guarded = 0;
    for (method, path, operation) in operations(daemon.description()) {
        let Some(needed) = operation["x-linesman-role"].as_str() else {
            open.push(format!("{method} {path}"));
            continue;
        };
        guarded += 1;
        let needed = Role::parse(needed).unwrap();
        let or_billing = operation["x-linesman-also"] == "billing";
        let nobody = daemon.send(Request::builder().method(method.as_str()).uri(&path), Body::empty()).await;
        assert_eq!(
            (nobody.status.as_u16(), nobody.problem().as_str()),
            (401, "unauthorized"),
            "{method} {path}"
        );
        assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"linesman\"");
        let stranger =
            Request::builder().method(method.as_str()).uri(&path).header("authorization", "Bearer lm_x");
        assert_eq!(daemon.send(stranger, Body::empty()).await.status, 401, "{method} {path}");
        for role in Role::ALL {
            let may = role.covers(needed) || (or_billing && role == Role::Billing);
            let endless = ["/events", "/api/v1/reload"].contains(&path.as_str());
            if endless && may {
                // A stream, and a wait for a worker that is not there: other tests go there.
                continue;
            }
            let answer = daemon.send(daemon.by(role, &method, &path), Body::empty()).await;
            let refused = matches!(answer.status.as_u16(), 401 | 403);
            assert_eq!(
                refused,
                !may,
                "{method} {path} as {}: {} {}",
                role.name(),
                answer.status,
                answer.text
            );
        }
    }
    open.sort();
    assert_eq!(open, ["GET /health/live", "GET /health/ready", "POST /login"]);
    assert!(guarded >= 25, "only {guarded} routes are described");
}

#[tokio::test]
async fn the_description_is_complete() {
    let daemon = Daemon::start().await;
    let served = daemon.get(Role::Viewer, "/openapi.json").await.json();
    assert_eq!(&served, daemon.description());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let schemas = served["components"]["schemas"].as_object().unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (method, path, operation) in operations(&served) {
        let id =
            operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
        assert!(ids.insert(id.to_owned()), "{id} names two operations");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{method} {path} {status} has no description");
            if status.as_str() >= "400" {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
            }
        }
    }
    // Every reference leads somewhere.
    let text = served.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "no schema {name}");
    }
}

fn pages() -> Router {
    Router::new()
        .route("/", get(|| async { "overview" }))
        .route("/login", get(|| async { "login" }))
        .route("/form", post(|| async { "done" }))
        .route("/assets/style.css", get(|| async { "css" }))
        .route(
            "/assets/panic",
            get(|| async {
                let nothing: Option<&str> = std::hint::black_box(None);
                nothing.expect("on purpose")
            }),
        )
}

#[tokio::test]
async fn pages_need_a_role_too_and_a_browser_is_led_to_the_login() {
    let daemon = Daemon::start_with(pages()).await;
    let ask = |path: &str| Request::builder().uri(path.to_owned());
    assert_eq!(daemon.send(ask("/"), Body::empty()).await.problem(), "unauthorized");
    let led = daemon.send(ask("/").header("accept", "text/html,*/*"), Body::empty()).await;
    assert_eq!((led.status, led.header("location")), (StatusCode::SEE_OTHER, "/login?next=/"));
    for open in ["/login", "/assets/style.css"] {
        assert_eq!(daemon.send(ask(open), Body::empty()).await.status, 200, "{open}");
    }
    assert_eq!(daemon.get(Role::Viewer, "/").await.text, "overview");
    let viewer = daemon.send(daemon.by(Role::Viewer, "POST", "/form"), Body::empty()).await;
    assert_eq!(viewer.problem(), "forbidden", "a page that changes something needs more than reading");
    assert_eq!(daemon.send(daemon.by(Role::Technician, "POST", "/form"), Body::empty()).await.text, "done");
}

#[tokio::test]
async fn a_panic_is_one_requests_trouble_and_is_counted() {
    let daemon = Daemon::start_with(pages()).await;
    let answer = daemon.send(Request::builder().uri("/assets/panic"), Body::empty()).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (500, "internal"));
    assert!(!answer.text.contains("on purpose"), "the inside is nobody's business");
    let metrics = daemon.get(Role::Viewer, "/metrics").await.text;
    assert!(metrics.contains("linesman_panics_total 1"), "{metrics}");
    assert!(metrics.contains(
        r#"linesman_http_requests_total{method="GET",route="/assets/panic",status_class="5xx"} 1"#
    ));
}

#[tokio::test]
async fn a_token_ends_when_it_is_revoked_or_its_time_is_over() {
    let daemon = Daemon::start().await;
    let create = |body: &str| {
        let request =
            daemon.by(Role::Admin, "POST", "/api/v1/tokens").header("content-type", "application/json");
        daemon.send(request, body.to_owned())
    };
    let made = create(r#"{"name":"grafana","role":"viewer"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json()["token"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("lm_"));
    let ask =
        || Request::builder().uri("/api/v1/tickets").header("authorization", format!("Bearer {secret}"));
    assert_eq!(daemon.send(ask(), Body::empty()).await.status, 200);
    assert_eq!(create(r#"{"name":"grafana","role":"admin"}"#).await.problem(), "name_taken");
    let wrong = create(r#"{"name":"a b","role":"viewer","expires_at":"2036-01-01T00:00:00Z"}"#).await;
    let pointers: Vec<Value> =
        wrong.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!((wrong.status.as_u16(), pointers), (422, vec!["/name".into(), "/expires_at".into()]));
    // Whoever acts is in the audit trail by name; nobody may be Linesman itself.
    assert_eq!(create(r#"{"name":"linesman","role":"viewer"}"#).await.status, 409);
    let listed = daemon.get(Role::Admin, "/api/v1/tokens").await;
    assert!(listed.text.contains("grafana") && !listed.text.contains(&secret));

    let revoke = |name: &str| {
        daemon.send(daemon.by(Role::Admin, "DELETE", &format!("/api/v1/tokens/{name}")), Body::empty())
    };
    assert_eq!(revoke("grafana").await.status, 204);
    assert_eq!(daemon.send(ask(), Body::empty()).await.problem(), "unauthorized");
    assert_eq!(revoke("nobody").await.problem(), "not_found");
    // The command line takes names that are not taken here; here too they can be ended.
    let ends = daemon.clock.now_utc() + chrono::TimeDelta::days(1);
    let token = NewToken { name: "night shift".to_owned(), role: Role::Viewer, expires_at: ends };
    daemon.state.store.create_token(&token).await.unwrap();
    assert_eq!(revoke("night%20shift").await.status, 204);

    daemon.clock.advance(chrono::TimeDelta::days(31));
    assert_eq!(daemon.get(Role::Admin, "/api/v1/tokens").await.status, 401, "tokens end by themselves");
}
