//! Pages of the service desk: registering a call, filling in a form, who is on duty; without script, in both languages.

use axum::body::Body;
use linesman::store::Role;
use serde_json::json;
use tower::ServiceExt as _;

use crate::daemon::Daemon;

/// A page as a person of this role gets it.
pub(crate) async fn page(
    daemon: &Daemon,
    role: Role,
    method: &str,
    path: &str,
    form: &str,
    language: &str,
) -> (u16, String, String) {
    let router =
        linesman::http::router(daemon.state.clone(), linesman::http::page::router(daemon.state.clone()));
    let mut request = daemon.by(role, method, path).header("accept-language", language);
    if method == "POST" {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let response = router.oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let place = response.headers().get("location").map_or("", |value| value.to_str().unwrap()).to_owned();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, place, String::from_utf8(bytes.to_vec()).unwrap())
}

const CALL: &str = "key=form-1&kind=complaint&channel=phone&urgency=urgent&nature=service&phone=138+0013+8000\
    &name=Li+Na&description=no+calls+since+nine&symptom=silence&element=server-1&read_back=yes&account=&email=";

#[tokio::test]
async fn r27_r29_an_agent_registers_a_call_on_a_page_and_learns_what_is_known() {
    let daemon = Daemon::start().await;
    let fault = daemon.open("link-1").await;
    for (language, word) in [("en", "Register a call"), ("zh-CN", "登记来电")] {
        let (status, _, html) = page(&daemon, Role::Agent, "GET", "/register", "", language).await;
        assert!(status == 200 && html.contains(word), "{html}");
        assert!(!html.contains("page."), "a word is missing: {html}");
    }
    assert_eq!(page(&daemon, Role::Viewer, "GET", "/register", "", "en").await.0, 403);
    assert_eq!(page(&daemon, Role::Viewer, "POST", "/register", CALL, "en").await.0, 403);
    let nobody = "kind=complaint&channel=phone&urgency=urgent&description=it+is+wrong&key=form-2";
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", nobody, "en").await;
    assert!(status == 422 && html.contains("role=\"alert\"") && html.contains("it is wrong"), "{html}");

    let call = CALL.replace("server-1", "link-1");
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &call, "en").await;
    assert_eq!(status, 201, "{html}");
    assert!(html.contains("LM-2026-000002") && html.contains(&fault.number.to_string()), "{html}");
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &call, "en").await;
    assert!(status == 201 && html.contains("registered before"), "sent twice it is one ticket: {html}");
    let shown = daemon.get(Role::Viewer, "/api/v1/tickets/LM-2026-000002").await.json();
    assert_eq!((&shown["kind"], &shown["process"]["first_owner"]), (&"complaint".into(), &"lin".into()));
    assert_eq!(shown["registration"]["read_back"], true);

    let again = call.replace("form-1", "form-3");
    let (_, _, html) = page(&daemon, Role::Agent, "POST", "/register", &again, "zh-CN").await;
    assert!(html.contains("是否为同一事项") && html.contains("LM-2026-000002"), "{html}");
    let into = shown["id"].as_str().unwrap();
    let merge = format!("ticket=LM-2026-000003&into={into}");
    assert_eq!(page(&daemon, Role::Viewer, "POST", "/register/merge", &merge, "en").await.0, 403);
    let (status, place, html) = page(&daemon, Role::Agent, "POST", "/register/merge", &merge, "en").await;
    assert_eq!((status, place.as_str()), (303, "/tickets/LM-2026-000002"), "{html}");
    let merged = daemon.get(Role::Viewer, "/api/v1/tickets/LM-2026-000003").await.json();
    assert_eq!(merged["state"], "cancelled");
}

#[tokio::test]
async fn r31_r86_r96_the_time_that_a_caller_is_told_is_a_promise_from_the_first_minute() {
    let daemon = Daemon::start().await;
    let now = daemon.state.clock.now_utc();
    // As a browser sends it: on the clocks of the office, eight hours ahead.
    let local = |hours: i64| (now + chrono::TimeDelta::hours(8 + hours)).format("%Y-%m-%dT%H:%M").to_string();
    let call = |promise: &str| format!("{CALL}&expected_by={}&promise_by={promise}", local(4));
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &call("tomorrow"), "en").await;
    assert!(status == 422 && html.contains("this is no time") && html.contains("tomorrow"), "{html}");
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &call(&local(-1)), "zh-CN").await;
    assert!(status == 422 && html.contains("R86"), "{html}");
    let alone = format!("{CALL}&promise_text=soon");
    assert_eq!(page(&daemon, Role::Agent, "POST", "/register", &alone, "en").await.0, 422);
    let none = daemon.get(Role::Viewer, "/api/v1/tickets?kind=complaint").await.json();
    assert_eq!(none["tickets"], json!([]), "what is refused is not registered either");

    for language in ["en", "zh-CN"] {
        let (status, _, html) =
            page(&daemon, Role::Agent, "POST", "/register", &call(&local(6)), language).await;
        assert!(status == 201 && html.contains(&local(6).replace('T', " ")), "{html}");
        assert!(html.contains("id=\"promised\"") && !html.contains("page."), "{html}");
    }
    let shown = daemon.get(Role::Viewer, "/api/v1/tickets/LM-2026-000001").await.json();
    let promises = shown["process"]["promises"].as_array().unwrap();
    assert_eq!(promises.len(), 1, "sent twice it is one promise: {shown}");
    let promise = &promises[0]["promise"];
    assert_eq!((&promise["owner"], &promise["text"]), (&"lin".into(), &"Your service is restored.".into()));
    let due: chrono::DateTime<chrono::Utc> = promise["due_at"].as_str().unwrap().parse().unwrap();
    assert!((due - now - chrono::TimeDelta::hours(6)).num_seconds().abs() < 60, "{promise}");
    assert!(shown["registration"]["expected_by"].is_string(), "{shown}");
}

#[tokio::test]
async fn r25_r26_r28_r34_r43_a_case_of_the_regulator_is_registered_on_a_page_with_its_number_and_date() {
    let daemon = Daemon::start().await;
    let call = CALL.replace("channel=phone", "channel=regulator");
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &call, "en").await;
    assert!(status == 422 && html.contains("R34") && html.contains("id=\"referral\" open"), "{html}");
    let half = format!("{call}&referral_case=MIIT-7");
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &half, "zh-CN").await;
    assert!(status == 422 && html.contains("案件编号与答复时间") && html.contains("MIIT-7"), "{html}");
    let whole = format!("{half}&referral_due=2026-12-01T18:00");
    let (status, _, html) = page(&daemon, Role::Agent, "POST", "/register", &whole, "en").await;
    assert_eq!(status, 201, "{html}");
    let shown = daemon.get(Role::Viewer, "/api/v1/tickets/LM-2026-000001").await.json();
    assert_eq!(shown["registration"]["channel"], "regulator", "R26");
    let referral = &shown["registration"]["referral"];
    assert_eq!((&referral["case"], &referral["due_at"]), (&"MIIT-7".into(), &"2026-12-01T10:00:00Z".into()));
    let clocks = daemon.get(Role::Viewer, "/api/v1/tickets/LM-2026-000001/clocks").await;
    assert!(clocks.text.contains("2026-12-01T10:00:00"), "the letter's date is a deadline: {}", clocks.text);
}

#[tokio::test]
async fn r41_a_form_is_filled_in_on_a_page_and_says_what_is_missing_with_its_rule() {
    let daemon = Daemon::start().await;
    page(&daemon, Role::Agent, "POST", "/register", CALL, "en").await;
    let path = "/tickets/LM-2026-000001/forms/server_maintenance/fill";
    let (status, _, html) = page(&daemon, Role::Technician, "GET", path, "", "en").await;
    assert!(
        status == 200 && html.contains("服务器维护记录") && html.contains("name=\"correction\""),
        "{html}"
    );
    assert_eq!(page(&daemon, Role::Viewer, "GET", path, "", "en").await.0, 403);
    let some = "version=1&server=server-1&fault=disk+full";
    let (status, _, html) = page(&daemon, Role::Technician, "POST", path, some, "zh-CN").await;
    assert!(
        status == 422 && html.contains("R41") && html.contains("disk full"),
        "nothing is typed twice: {html}"
    );
    let all = "version=1&server=server-1&fault=disk+full&correction=emptied&person=tom\
        &start=2026-11-18T09%3A00%3A00Z&end=2026-11-18T10%3A00%3A00Z";
    let (status, place, html) = page(&daemon, Role::Technician, "POST", path, all, "en").await;
    assert_eq!((status, place.as_str()), (303, "/tickets/LM-2026-000001/forms/server_maintenance"), "{html}");
    let shown = daemon.get(Role::Viewer, "/api/v1/tickets/LM-2026-000001").await.json();
    assert_eq!(shown["process"]["records"][0]["kind"], "maintenance_record");
    let (status, ..) = page(&daemon, Role::Technician, "POST", path, all, "en").await;
    assert_eq!(status, 409, "the version was that of before");
    for form in linesman_process::form::defaults() {
        let path = format!("/tickets/LM-2026-000001/forms/{}/fill", form.id.name());
        let (status, _, html) = page(&daemon, Role::Agent, "GET", &path, "", "zh-CN").await;
        assert!(status == 200 && !html.contains("page."), "{path}: {html}");
    }
    assert_eq!(
        page(&daemon, Role::Agent, "GET", "/tickets/LM-2026-000001/forms/weather/fill", "", "en").await.0,
        404
    );
}

#[tokio::test]
async fn r22_who_is_on_duty_stands_on_a_page() {
    let daemon = Daemon::start().await;
    let (status, _, html) = page(&daemon, Role::Viewer, "GET", "/roster", "", "en").await;
    assert!(status == 200 && html.contains("No roster is written yet"), "{html}");
    let body = json!({ "version": 0, "toml": crate::people::roster(), "note": "first" });
    let request =
        daemon.by(Role::Manager, "PUT", "/api/v1/people").header("content-type", "application/json");
    let written = daemon.send(request, body.to_string()).await;
    assert_eq!(written.status, 200, "{}", written.text);
    for person in written.json()["persons"].as_array().unwrap() {
        let name = person["name"].as_str().unwrap();
        for language in ["en", "zh-CN"] {
            let (status, _, html) = page(&daemon, Role::Viewer, "GET", "/roster", "", language).await;
            assert!(status == 200 && html.contains(name) && !html.contains("page."), "{name}: {html}");
        }
    }
}
