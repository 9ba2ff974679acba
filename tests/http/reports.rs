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
