//! Monthly statistics over HTTP: as tickets stand, frozen, counted again, as page and workbook.

use chrono::TimeDelta;
use linesman::statistics::Month;
use linesman::store::Role;

use crate::daemon::{Daemon, start_of_time};

#[tokio::test]
async fn r115_r116_a_month_is_shown_as_it_stands_frozen_and_counted_again() {
    let daemon = Daemon::start().await;
    daemon.open("link-1").await;
    let month = Month::of(start_of_time());
    let path = format!("/api/v1/reports/monthly/{month}");
    let live = daemon.get(Role::Viewer, &path).await.json();
    assert!(live["frozen"].is_null() && live["differences"].is_null(), "{live}");
    assert_eq!(live["content"]["report"]["volume"], 1);
    let runs = daemon.send(daemon.by(Role::Manager, "POST", &format!("{path}/freeze")), "").await;
    assert_eq!((runs.status.as_u16(), runs.problem().as_str()), (422, "invalid"));

    daemon.clock.advance(month.period().to + TimeDelta::hours(1) - start_of_time());
    let by_viewer = daemon.send(daemon.by(Role::Viewer, "POST", &format!("{path}/freeze")), "").await;
    assert_eq!(by_viewer.status, 403);
    let frozen = daemon.send(daemon.by(Role::Manager, "POST", &format!("{path}/freeze")), "").await;
    assert_eq!((frozen.status.as_u16(), &frozen.json()["frozen_by"]), (201, &"mei".into()));
    let twice = daemon.send(daemon.by(Role::Manager, "POST", &format!("{path}/freeze")), "").await;
    assert_eq!((twice.status.as_u16(), twice.problem().as_str()), (409, "name_taken"));
    let list = daemon.get(Role::Viewer, "/api/v1/reports/monthly").await.json();
    assert_eq!(list["months"][0]["month"], month.to_string());

    let kept = daemon.get(Role::Viewer, &path).await.json();
    assert_eq!(kept["frozen"]["by"], "mei");
    let again = daemon.get(Role::Viewer, &format!("{path}?recompute=true")).await.json();
    assert!(again["frozen"].is_null() && again["differences"].as_array().unwrap().is_empty(), "{again}");

    let page =
        daemon.by(Role::Viewer, "GET", &format!("{path}?format=html")).header("accept-language", "zh-CN");
    let page = daemon.send(page, "").await;
    assert!(
        page.header("content-type").starts_with("text/html") && page.text.contains("收费争议"),
        "{}",
        page.text
    );
    let wrong = daemon.get(Role::Viewer, "/api/v1/reports/monthly/october").await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["errors"][0]["pointer"].as_str()), (422, Some("/month")));
}

#[tokio::test]
async fn r81_the_summary_of_a_month_is_noted_once_by_a_manager_and_not_before_the_month_is_over() {
    let daemon = Daemon::start().await;
    let month = linesman::statistics::Month::of(daemon.state.clock.now_utc());
    let done = async |role: Role, month: String, duty: &str| {
        let path = format!("/api/v1/reports/monthly/{month}/done");
        let request = daemon.by(role, "POST", &path).header("content-type", "application/json");
        daemon.send(request, serde_json::json!({ "duty": duty, "note": "minutes" }).to_string()).await
    };
    assert_eq!(done(Role::Manager, month.to_string(), "summary").await.status, 422, "it runs");
    let last = month.before().to_string();
    assert_eq!(done(Role::Agent, last.clone(), "summary").await.status, 403);
    assert_eq!(done(Role::Manager, last.clone(), "dance").await.status, 422);
    let noted = done(Role::Manager, last.clone(), "summary").await;
    assert_eq!(noted.status, 201, "{}", noted.text);
    assert_eq!(done(Role::Manager, last.clone(), "summary").await.status, 409, "once");
    let report = daemon.get(Role::Viewer, &format!("/api/v1/reports/monthly/{last}")).await.json();
    let duties = report["duties"].as_array().unwrap();
    assert_eq!((duties.len(), &duties[0]["rule"]), (2, &"R81".into()), "{report}");
    assert!(duties[0]["done_by"].is_string() && duties[1]["done_by"].is_null(), "{report}");
    let page = daemon.get(Role::Viewer, &format!("/api/v1/reports/monthly/{last}?format=html")).await.text;
    assert!(page.contains("Monthly summary: due by") && page.contains("Improvement plan: "), "{page}");
}
