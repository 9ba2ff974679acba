//! What a month asks of people is told as events of tickets are: once, in each channel's language, at its hours.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::Clock as _;
use linesman::metrics::Metrics;
use linesman::workers::months;

use crate::fixture::{Daemon, Database};
use crate::on_both;
use crate::process::registered;
use crate::receivers::{Http, Reply};
use crate::telling::{FINE, Telling, hook, ids, silent, told};

on_both! {
    r81_a_duty_that_comes_due_and_one_that_is_overdue_are_each_told_once_in_both_languages,
    r81_a_duty_waits_for_the_hours_of_a_channel_and_comes_with_others_in_one_message,
    r81_a_duty_that_nobody_took_is_listed_with_its_month_and_tried_again,
    r81_a_death_between_sending_and_noting_a_duty_sends_it_again_under_the_same_key,
}

/// A month with a ticket, over and frozen: 2026-11, whose summary is due on Friday 4 December, 18:00 in Shanghai.
async fn over(database: &Database) -> Daemon {
    let daemon = Daemon::with_people(database).await;
    registered(&daemon).await;
    go(&daemon, "2026-12-01T00:00:00Z");
    months::freeze(&daemon.store, daemon.clock.now_utc()).await.unwrap();
    daemon
}

fn go(daemon: &Daemon, to: &str) {
    let to: DateTime<Utc> = to.parse().unwrap();
    daemon.clock.advance(to - daemon.clock.now_utc());
}

/// As the worker asks each minute; how many duties were new.
async fn ask(daemon: &Daemon) -> usize {
    months::ask(&daemon.store, &Metrics::new(), daemon.clock.now_utc()).await.unwrap().len()
}

const DUE: &str = "2026-12-04T09:00:00Z";
const OVERDUE: &str = "2026-12-05T09:00:00Z";

async fn r81_a_duty_that_comes_due_and_one_that_is_overdue_are_each_told_once_in_both_languages(
    database: Database,
) {
    let daemon = over(&database).await;
    let (english, others) = (Http::start(FINE).await, Http::start(FINE).await);
    let chinese = Http::start(Reply::Http(200, &[], r#"{"errcode":0,"errmsg":"ok"}"#)).await;
    let text = hook("office", &english, "events = [\"duty_*\"]\nminimum_severity = \"critical\"")
        + &format!(
            "[[notify]]\nname = \"group\"\nkind = \"wecom\"\nurl = \"{}/send?key=k\"\nlanguage = \"zh\"\n\
             events = [\"duty_due\", \"duty_overdue\"]\n",
            chinese.url
        )
        + &hook("noc", &others, "events = [\"opened\", \"*breach*\"]")
        + &hook("grave", &others, "minimum_severity = \"major\"")
        + &hook("class-a", &others, "classes = [\"A\"]");
    let telling = Telling::beside(&daemon, &text);
    go(&daemon, DUE);
    assert_eq!(ask(&daemon).await, 1);
    let due = english.wait_for(1).await.remove(0);
    let said = due.json();
    assert_eq!((&said["type"], &said["data"]["kind"]), (&"duty.due".into(), &"duty".into()));
    assert_eq!(
        (&said["data"]["duty"]["month"], &said["data"]["duty"]["duty"]),
        (&"2026-11".into(), &"summary".into())
    );
    let sentence = said["data"]["headline"].as_str().unwrap();
    assert!(
        sentence.contains("2026-11") && sentence.contains("2026-12-04 10:00") && sentence.contains("R81"),
        "{sentence}"
    );
    let got = chinese.wait_for(1).await.remove(0);
    let words = got.json()["markdown"]["content"].as_str().unwrap().to_owned();
    assert!(
        words.contains("2026-11") && words.contains("月度工作即将到期") && !words.contains('{'),
        "{words}"
    );
    told(&daemon, "office").await;
    telling.stop().await;

    // A new start, and the same minute again, tell nothing again.
    let telling = Telling::beside(&daemon, &text);
    assert_eq!(ask(&daemon).await, 0);
    go(&daemon, OVERDUE);
    assert_eq!(ask(&daemon).await, 1);
    let got = english.wait_for(2).await;
    assert_eq!(got[1].json()["type"], "duty.overdue");
    assert_ne!(ids(&got)[0], ids(&got)[1]);
    let got = chinese.wait_for(2).await.remove(1);
    assert!(got.json()["markdown"]["content"].as_str().unwrap().contains("逾期"));
    assert_eq!(ask(&daemon).await, 0);
    for channel in ["office", "group"] {
        told(&daemon, channel).await;
    }
    assert_eq!(
        (english.got().len(), chinese.got().len(), others.got().len()),
        (2, 2, 0),
        "who asks for it alone"
    );
    assert_eq!(
        database.count("SELECT COUNT(*) FROM outbox WHERE event_seq IS NULL AND delivered_at IS NULL").await,
        0
    );

    // What was told is forgotten, and is not asked for anew.
    daemon.clock.advance(TimeDelta::days(3));
    assert!(daemon.store.forget_told(daemon.clock.now_utc()).await.unwrap() >= 2);
    assert_eq!(database.count("SELECT COUNT(*) FROM outbox WHERE event_seq IS NULL").await, 0);
    assert_eq!(ask(&daemon).await, 0);
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn r81_a_duty_waits_for_the_hours_of_a_channel_and_comes_with_others_in_one_message(
    database: Database,
) {
    let daemon = over(&database).await;
    let http = Http::start(FINE).await;
    let telling =
        Telling::beside(&daemon, &hook("office", &http, "events = [\"duty_*\"]\ncalendar = \"cn-office\""));
    // Saturday: overdue since Friday evening.
    go(&daemon, OVERDUE);
    assert_eq!(ask(&daemon).await, 1);
    let waits = "SELECT COUNT(*) FROM delivery WHERE ticket_id IS NULL AND gathered";
    for _ in 0..1_000 {
        if database.count(waits).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.clock.advance(TimeDelta::hours(30));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(http.got().len(), 0, "it is Sunday");
    // Monday, 09:00 in Shanghai.
    go(&daemon, "2026-12-07T01:00:01Z");
    assert_eq!(http.wait_for(1).await[0].json()["type"], "duty.overdue");
    told(&daemon, "office").await;
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn r81_a_duty_that_nobody_took_is_listed_with_its_month_and_tried_again(database: Database) {
    let daemon = over(&database).await;
    let http = Http::start(FINE).await;
    http.answer([Reply::Http(403, &[], "who are you?")]);
    let telling = Telling::beside(&daemon, &hook("office", &http, "events = [\"duty_*\"]"));
    go(&daemon, DUE);
    ask(&daemon).await;
    http.wait_for(1).await;
    silent(&daemon, "office").await;
    let dead = daemon.store.dead_deliveries(None, 10).await.unwrap().remove(0);
    assert_eq!((dead.ticket.as_deref(), dead.month.as_deref()), (None, Some("2026-11")));
    assert!(dead.seq < 0 && dead.event == "duty_due", "{dead:?}");
    assert_eq!(daemon.store.retry_dead(Some("office"), Some(dead.seq)).await.unwrap(), 1);
    let got = http.wait_for(2).await;
    assert_eq!(ids(&got)[0], ids(&got)[1], "under the same key");
    told(&daemon, "office").await;
    telling.stop().await;
    daemon.stop().await.unwrap();
}

async fn r81_a_death_between_sending_and_noting_a_duty_sends_it_again_under_the_same_key(database: Database) {
    let daemon = over(&database).await;
    let http = Http::start(FINE).await;
    http.answer([Reply::Hang]);
    let text = hook("office", &http, "events = [\"duty_*\"]");
    let telling = Telling::beside(&daemon, &text);
    go(&daemon, DUE);
    ask(&daemon).await;
    http.wait_for(1).await;
    telling.kill().await;
    let clock: Arc<_> = daemon.clock.clone();
    daemon.stop().await.unwrap();
    let daemon = Daemon::start_at(&database, clock).await;
    assert_eq!(ask(&daemon).await, 0, "it was asked for");
    let telling = Telling::beside(&daemon, &text);
    let got = http.wait_for(2).await;
    assert_eq!((ids(&got)[0], &got[0].body), (ids(&got)[1], &got[1].body));
    told(&daemon, "office").await;
    telling.stop().await;
    daemon.stop().await.unwrap();
}
