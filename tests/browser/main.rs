//! Pages in a real Chromium: phone and desk, both languages, with and without script.
//!
//! The steps are in `run.mjs`. They run against a daemon of this process ([`story`]), or against
//! any other that `LINESMAN_BROWSER_URL` and `LINESMAN_BROWSER_TOKEN` (role noc or admin) name.
//! Node is needed to test, never to build: `npm ci --prefix tests/browser --ignore-scripts`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod story;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use support::eventually;
use support::process::{Process, program};

const CHROMIUM: &str = "/usr/bin/chromium";

/// What is missing to run a browser, with the command that mends it.
async fn missing() -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status().await;
    if !node.is_ok_and(|status| status.success()) {
        return Some("node is missing: apt-get install nodejs npm".to_owned());
    }
    let chromium = std::env::var("LINESMAN_CHROMIUM").unwrap_or_else(|_| CHROMIUM.to_owned());
    if !Path::new(&chromium).exists() {
        return Some(format!("{chromium} is missing: apt-get install chromium fonts-wqy-microhei"));
    }
    if !folder.join("node_modules/playwright-core").exists() || !folder.join("node_modules/axe-core").exists()
    {
        return Some("node modules are missing: npm ci --prefix tests/browser --ignore-scripts".to_owned());
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_the_fault_act_on_it_and_nothing_hostile_runs() {
    if let Some(reason) = missing().await {
        let required = std::env::var("LINESMAN_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "{reason}");
        println!("skipped: {reason}");
        return;
    }
    let given = std::env::var("LINESMAN_BROWSER_URL").ok().zip(std::env::var("LINESMAN_BROWSER_TOKEN").ok());
    let (url, token, _story) = match given {
        Some((url, token)) => (url, token, None),
        None => {
            let story = story::Story::begin().await;
            (story.url.clone(), story.token.clone(), Some(story))
        }
    };
    let status = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/run.mjs"))
        .args([&url, &token])
        .kill_on_drop(true)
        .status()
        .await
        .expect("node starts");
    assert!(status.success(), "the steps in the browser failed; what was seen stands above");
}

/// The real program, its real story, a real phone's browser.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_of_the_demo_confirms_its_first_ticket_on_a_phone() {
    if let Some(reason) = missing().await {
        let required = std::env::var("LINESMAN_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "{reason}");
        println!("skipped: {reason}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Process::spawn(&[program().into_os_string(), "demo".into()], folder.path());
    let login = eventually("the demo to say where to sign in", Duration::from_secs(15), async || {
        let said = demo.said();
        said.iter().find_map(|line| line.split_once("http://").map(|(_, rest)| format!("http://{rest}")))
    })
    .await;
    let steps = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/demo.mjs");
    let status = Command::new("node").args([steps, &login]).kill_on_drop(true).status().await;
    assert!(status.expect("node starts").success(), "the steps in the browser failed; see above");
    assert!(demo.stop(rustix::process::Signal::INT).await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_browser_the_door_the_policy_and_the_forms_hold() {
    // Plain HTTP only, yet the client wants to know who would do TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let story = story::Story::begin().await;
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let page = |path: &str| client.get(format!("{}{path}", story.url)).header("accept", "text/html");
    let nobody = page("/tickets/LM-2026-000001").send().await.unwrap();
    assert_eq!(nobody.status(), 303);
    assert_eq!(nobody.headers()["location"], "/login?next=/tickets/LM-2026-000001");
    let policy = nobody.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");

    let login = client.post(format!("{}/login", story.url)).header("accept", "text/html");
    let login = login.header("content-type", "application/x-www-form-urlencoded");
    let answer = login.body(format!("token={}&next=/", story.token)).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let post = |origin: &str, path: &str, body: &str| {
        let request = client.post(format!("{}{path}", story.url)).header("cookie", &cookie);
        let request = request.header("origin", origin).header("accept", "text/html");
        request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned()).send()
    };
    let number = loop {
        let list = page("/tickets?lang=zh-CN").header("cookie", &cookie).send().await.unwrap();
        assert_eq!(list.headers()["cache-control"], "no-store");
        let html = list.text().await.unwrap();
        match html.split("/tickets/LM-").nth(1) {
            Some(rest) => break format!("/tickets/LM-{}", &rest[..11]),
            None => tokio::task::yield_now().await,
        }
    };
    let foreign = post("https://evil.example", &format!("{number}/confirm"), "version=1").await.unwrap();
    assert_eq!(foreign.status(), 403);
    let stale = post(&story.url, &format!("{number}/confirm"), "version=99").await.unwrap();
    assert_eq!(stale.status(), 409);
    assert!(stale.text().await.unwrap().contains("role=\"alert\""));
    let empty = post(&story.url, &format!("{number}/note"), "version=1&text=+").await.unwrap();
    assert_eq!(empty.status(), 422);
    let unknown =
        post(&story.url, &format!("{number}/correct"), "version=1&segment=no&cause=fibre").await.unwrap();
    assert_eq!(unknown.status(), 422);
    let done = post(&story.url, &format!("{number}/confirm"), "version=1").await.unwrap();
    assert_eq!(
        (done.status().as_u16(), done.headers()["location"].to_str().unwrap()),
        (303, &*format!("{number}?done=confirm"))
    );
    for missing in ["/tickets/LM-2026-999999", "/tickets/x", "/elements/none", "/assets/a/b"] {
        let answer = page(missing).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{missing}");
    }
}
