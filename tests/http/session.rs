use axum::body::Body;
use axum::http::Request;
use linesman::store::Role;

use crate::daemon::{Answer, Daemon};

async fn log_in(daemon: &Daemon, role: Role) -> String {
    let request = Request::post("/login").header("content-type", "application/json");
    let answer = daemon.send(request, format!(r#"{{"token":"{}"}}"#, daemon.secret(role))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    cookie_of(&answer)
}

fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_reads_everywhere_and_changes_only_from_our_own_pages() {
    let daemon = Daemon::start().await;
    let ticket = daemon.open("link-1").await;
    let cookie = log_in(&daemon, Role::Noc).await;
    assert!(cookie.starts_with("linesman_session="), "{cookie}");
    assert!(!cookie.contains(daemon.secret(Role::Noc)), "the cookie is not the token");
    let read = Request::get("/api/v1/tickets").header("cookie", &cookie);
    assert_eq!(daemon.send(read, Body::empty()).await.status, 200);

    let path = format!("/api/v1/tickets/{}/acknowledge", ticket.number);
    let change = || Request::post(&path).header("cookie", &cookie).header("if-match", "\"v1\"");
    for (name, value) in [
        ("accept", "*/*"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
    ] {
        let request = change().header("host", "127.0.0.1:9470").header(name, value);
        let answer = daemon.send(request, Body::empty()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (403, "cross_site"),
            "{name}: {value}"
        );
    }
    let own = daemon.send(change().header("sec-fetch-site", "same-origin"), Body::empty()).await;
    assert_eq!((own.status.as_u16(), &own.json()["owner"]), (200, &"nora".into()));
}

#[tokio::test]
async fn a_session_ends_by_logout_by_idleness_and_with_its_token() {
    let daemon = Daemon::start().await;
    let alive = async |cookie: &str| {
        let read = Request::get("/api/v1/tickets").header("cookie", cookie);
        daemon.send(read, Body::empty()).await.status == 200
    };
    let cookie = log_in(&daemon, Role::Viewer).await;
    assert!(alive(&cookie).await);
    let out = Request::post("/logout").header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    let out = daemon.send(out, Body::empty()).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert!(!alive(&cookie).await, "the session ends at the server, not only in the browser");

    let idle = log_in(&daemon, Role::Viewer).await;
    daemon.clock.advance(chrono::TimeDelta::minutes(31));
    assert!(!alive(&idle).await, "an idle session ends");

    let orphan = log_in(&daemon, Role::Viewer).await;
    let revoke = daemon.by(Role::Admin, "DELETE", "/api/v1/tokens/vera");
    assert_eq!(daemon.send(revoke, Body::empty()).await.status, 204);
    assert!(!alive(&orphan).await, "a session does not outlive its token");
}

#[tokio::test]
async fn a_form_signs_in_and_goes_where_it_came_from() {
    let daemon = Daemon::start().await;
    let post = |token: &str, next: &str| {
        let request = Request::post("/login")
            .header("accept", "text/html")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        daemon.send(request, format!("token={token}&next={next}"))
    };
    let good = post(daemon.secret(Role::Viewer), "/tickets/LM-2026-000001").await;
    assert_eq!((good.status.as_u16(), good.header("location")), (303, "/tickets/LM-2026-000001"));
    cookie_of(&good);
    let evil = post(daemon.secret(Role::Viewer), "//evil.example/").await;
    assert_eq!(evil.header("location"), "/");
    let wrong = post("lm_wrong", "/x").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("location")), (303, "/login?failed=1&next=/x"));
    assert!(wrong.header("set-cookie").is_empty());
    let foreign = Request::post("/login")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(daemon.send(foreign, "token=x").await.problem(), "cross_site");
}

#[tokio::test]
async fn guessing_tokens_is_slowed_down() {
    let daemon = Daemon::start().await;
    let guess = || {
        let request = Request::post("/login").header("content-type", "application/json");
        daemon.send(request, r#"{"token":"lm_guess"}"#)
    };
    for _ in 0..10 {
        assert_eq!(guess().await.problem(), "unauthorized");
    }
    let slowed = guess().await;
    assert_eq!((slowed.status.as_u16(), slowed.problem().as_str()), (429, "too_many_requests"));
    assert_eq!(slowed.header("retry-after"), "6");
    // Nobody can shut out another by guessing, not even from the same address.
    log_in(&daemon, Role::Noc).await;
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host() {
    let daemon = Daemon::start().await;
    daemon.settings.send_modify(|settings| {
        let mut changed = (**settings).clone();
        changed.http.public_url = Some("https://linesman.example".to_owned());
        *settings = std::sync::Arc::new(changed);
    });
    let request = Request::post("/login").header("content-type", "application/json");
    let answer = daemon.send(request, format!(r#"{{"token":"{}"}}"#, daemon.secret(Role::Viewer))).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-linesman=") && cookie.contains("; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").contains("max-age=31536000"));
}
