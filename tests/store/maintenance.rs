//! Announced work is kept, and changed by one person at a time.

use chrono::TimeDelta;
use linesman::maintenance::Window;
use linesman::ticket::Actor;

use crate::fixture::{Daemon, Database, noon};

crate::on_both! {
    announced_work_is_kept_and_found_by_its_time,
    of_two_changes_to_the_same_work_the_second_is_refused,
}

fn window(id: &str, from_hours: i64, to_hours: i64) -> Window {
    Window {
        id: id.to_owned(),
        elements: vec!["link-1".to_owned()],
        starts_at: noon() + TimeDelta::hours(from_hours),
        ends_at: noon() + TimeDelta::hours(to_hours),
        text: "光缆割接\u{0}".to_owned(),
        customer_text: None,
        cancelled_at: None,
        version: 1,
        changes: Vec::new(),
    }
}

async fn announced_work_is_kept_and_found_by_its_time(database: Database) {
    let daemon = Daemon::start(&database).await;
    for (id, from, to) in [("past", -5, -3), ("now", -1, 1), ("soon", 2, 3), ("far", 50, 51)] {
        daemon.store.add_window(&window(id, from, to)).await.unwrap();
    }
    let found = |from: i64, to: i64| {
        let (from, to) = (noon() + TimeDelta::hours(from), noon() + TimeDelta::hours(to));
        let store = daemon.store.clone();
        async move {
            let windows = store.windows(from, to).await.unwrap();
            windows.into_iter().map(|window| window.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(found(0, 0).await, ["now"]);
    assert_eq!(found(-24, 24).await, ["soon", "now", "past"]);
    daemon.stop().await.unwrap();
    let daemon = Daemon::start(&database).await;
    let kept = daemon.store.window("now").await.unwrap().expect("kept over a restart");
    assert_eq!(kept.text, "光缆割接\u{fffd}", "a zero byte is what PostgreSQL cannot keep");
    assert_eq!(daemon.store.window("never").await.unwrap(), None);
    daemon.stop().await.unwrap();
}

async fn of_two_changes_to_the_same_work_the_second_is_refused(database: Database) {
    let daemon = Daemon::start(&database).await;
    let seen = window("now", -1, 1);
    daemon.store.add_window(&seen).await.unwrap();
    let off = seen.cancelled("storm".to_owned(), Actor("ada".to_owned()), noon()).unwrap();
    let later = seen.moved(noon() + TimeDelta::hours(2), "rain".to_owned(), Actor("bo".to_owned()), noon());
    assert!(daemon.store.change_window(&off).await.unwrap());
    assert!(!daemon.store.change_window(&later.unwrap()).await.unwrap());
    assert_eq!(
        daemon.store.window("now").await.unwrap(),
        Some(Window { text: "光缆割接\u{fffd}".to_owned(), ..off })
    );
    daemon.stop().await.unwrap();
}
