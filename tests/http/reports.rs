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

/// Tells whatever there is over one channel, at once.
struct Everything;

impl linesman::store::Deciding for Everything {
    fn notice(
        &self,
        _: &linesman::notify::EventRow,
        _: Option<&linesman::notify::Notice>,
    ) -> Option<linesman::notify::Notice> {
        None
    }

    fn when(
        &self,
        _: &str,
        _: &linesman::notify::Notice,
        _: linesman::notify::Standing,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Option<linesman::notify::When> {
        Some(linesman::notify::When { at: now, gathered: false })
    }
}

async fn r81_a_duty_that_no_channel_could_tell_is_listed_and_tried_again(daemon: &Daemon) {
    let store = &daemon.state.store;
    daemon.open("link-1").await;
    let month = Month::of(start_of_time());
    daemon.clock.advance(month.period().to - start_of_time() + TimeDelta::days(12));
    let now = daemon.state.clock.now_utc();
    linesman::workers::months::freeze(store, now).await.unwrap();
    let asked = linesman::workers::months::ask(store, &daemon.state.metrics, now).await.unwrap();
    assert_eq!(asked.len(), 2, "summary and plan are overdue");
    let channels = ["office".to_owned()];
    assert_eq!(store.expand_outbox(&channels, 16, &Everything).await.unwrap(), 3);
    let due = store.due_deliveries("office", 16).await.unwrap();
    let seqs: Vec<i64> = due.iter().map(|one| one.seq).collect();
    assert_eq!(due.len(), 2, "the ticket's event was told nobody: {due:?}");
    store.not_delivered("office", &seqs, None, "403 who are you?").await.unwrap();

    let standings = daemon.get(Role::Admin, "/api/v1/notifications/channels").await.json();
    assert_eq!(standings["gone"][0]["dead"], 2, "{standings}");
    let dead = daemon.get(Role::Admin, "/api/v1/notifications/dead?channel=office").await.json();
    for one in dead["dead"].as_array().unwrap() {
        assert_eq!((&one["event"], &one["month"]), (&"duty_overdue".into(), &month.to_string().into()));
        assert!(one["ticket"].is_null() && one["seq"].as_i64().unwrap() < 0, "{one}");
    }
    let retry = serde_json::json!({ "channel": "office", "seq": seqs[0] }).to_string();
    let request = daemon.by(Role::Admin, "POST", "/api/v1/notifications/dead/retry");
    let retried = daemon.send(request.header("content-type", "application/json"), retry).await.json();
    assert_eq!(retried["retried"], 1, "{retried}");
    assert_eq!(daemon.get(Role::Noc, "/api/v1/notifications/dead").await.status, 403);
}

#[tokio::test]
async fn r81_a_duty_that_no_channel_could_tell_is_listed_and_tried_again_on_both_databases() {
    r81_a_duty_that_no_channel_could_tell_is_listed_and_tried_again(&Daemon::start().await).await;
    if let Some(daemon) = Daemon::start_on_postgres().await {
        r81_a_duty_that_no_channel_could_tell_is_listed_and_tried_again(&daemon).await;
    }
}
