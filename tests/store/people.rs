//! The roster on both databases: version after version, and what follows from it in the events' own transactions.

use std::sync::Arc;

use chrono::TimeDelta;
use linesman::clock::{Clock as _, ManualClock};
use linesman::metrics::Metrics;
use linesman::settings::Settings;
use linesman::store::WriteError;
use linesman::ticket::process::LinkPurpose;
use linesman::ticket::{Actor, Deed, Event};
use linesman::workers::clocks::Sweep;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Daemon, Database, noon};
use crate::on_both;
use crate::process::{classified, does, registered};

on_both! {
    r114_the_roster_is_kept_version_after_version_and_nobody_overwrites_another,
    r88_a_breach_goes_one_step_up_in_its_own_transaction_also_when_several_come_together,
    r98_work_of_the_absent_goes_to_one_person_and_comes_back,
    r103_a_link_is_an_event_of_its_ticket_and_nobody_makes_it_longer_behind_the_stores_back,
}

fn roster(absent: bool) -> String {
    let time = |hours: i64| (noon() + TimeDelta::hours(hours)).to_rfc3339();
    let absence = format!(
        "[[absence]]\nperson = \"lin\"\nfrom = \"{}\"\nto = \"{}\"\nhand_over_to = \"tom\"\n",
        time(0),
        time(10)
    );
    let people = r#"
[[department]]
id = "service"
name = "Service"
name_zh = "客服部"
classes = ["E"]

[[person]]
id = "lin"
name = "Lin"
department = "service"
roles = ["agent", "complaint_specialist"]
supervisor = "mei"

[[person]]
id = "tom"
name = "Tom"
department = "service"
roles = ["agent"]
supervisor = "mei"

[[person]]
id = "mei"
name = "Mei"
department = "service"
roles = ["quality_manager"]
supervisor = "sun"

[[person]]
id = "sun"
name = "Sun"
department = "service"
roles = ["service_head"]
"#;
    if absent { format!("{people}\n{absence}") } else { people.to_owned() }
}

fn sweep(daemon: &Daemon) -> Sweep {
    let (_, settings) = watch::channel(Arc::new(Settings::default()));
    Sweep {
        store: daemon.store.clone(),
        writer: daemon.writer.clone(),
        settings,
        metrics: Arc::new(Metrics::new()),
        clock: daemon.clock.clone(),
        soft: CancellationToken::new(),
    }
}

fn lin() -> Actor {
    Actor("lin".to_owned())
}

async fn r114_the_roster_is_kept_version_after_version_and_nobody_overwrites_another(database: Database) {
    let daemon = Daemon::start(&database).await;
    assert_eq!(daemon.store.roster().await.unwrap(), None);
    assert_eq!(daemon.store.people().await.unwrap().persons().count(), 0);
    let first =
        daemon.store.write_roster(0, &roster(false), "the first", &lin()).await.unwrap().expect("written");
    assert_eq!(daemon.store.write_roster(0, &roster(true), "late", &lin()).await.unwrap(), None);
    assert_eq!(daemon.store.people().await.unwrap().persons().count(), 4);
    let second =
        daemon.store.write_roster(1, &roster(true), "absence", &lin()).await.unwrap().expect("written");
    assert_eq!(daemon.store.rosters(9).await.unwrap(), [second, first]);
    assert!(daemon.store.people().await.unwrap().absence("lin", noon()).is_some());
    daemon.stop().await.unwrap();
}

async fn r88_a_breach_goes_one_step_up_in_its_own_transaction_also_when_several_come_together(
    database: Database,
) {
    let clock = Arc::new(ManualClock::at(noon()));
    let daemon = Daemon::with_people_at(&database, clock.clone()).await;
    daemon.store.write_roster(0, &roster(false), "the first", &lin()).await.unwrap().expect("written");
    let ticket = registered(&daemon).await;
    let ticket = does(&daemon, &ticket, classified()).await;
    assert_eq!(ticket.process.supervisor.as_deref(), Some("mei"), "orange is the quality manager's (R19)");
    clock.advance(TimeDelta::hours(3));
    let called = sweep(&daemon).sweep(clock.now_utc()).await.unwrap();
    assert!(called > 1, "{called}");
    let known = daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket");
    let steps: Vec<(&str, &str)> =
        known.process.escalations.iter().map(|step| (step.to.as_str(), step.reason.name())).collect();
    assert_eq!(steps, [("mei", "level_raised"), ("sun", "overdue")], "one step up, not one a clock");
    assert_eq!(known.process.supervisor.as_deref(), Some("sun"));
    assert_eq!(sweep(&daemon).sweep(clock.now_utc()).await.unwrap(), 0);
    let forged = Deed::Escalated {
        from: None,
        to: "tom".to_owned(),
        reason: linesman_process::people::Reason::Overdue,
        passed_over: Vec::new(),
    };
    let refused = daemon.writer.apply(&ticket.id, None, Event::from(forged), lin()).await;
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    daemon.stop().await.unwrap();
}

async fn r98_work_of_the_absent_goes_to_one_person_and_comes_back(database: Database) {
    let clock = Arc::new(ManualClock::at(noon()));
    let daemon = Daemon::with_people_at(&database, clock.clone()).await;
    let ticket = registered(&daemon).await;
    does(&daemon, &ticket, classified()).await;
    let assigned = Deed::Assigned {
        owner: "lin".to_owned(),
        department: None,
        deadline: noon() + TimeDelta::days(1),
        target: "answered".to_owned(),
        duty: linesman::ticket::process::Duty::OnDuty,
    };
    does(&daemon, &ticket, assigned).await;
    daemon.store.write_roster(0, &roster(true), "absence", &lin()).await.unwrap().expect("written");
    sweep(&daemon).sweep(clock.now_utc()).await.unwrap();
    let known = daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket");
    assert_eq!((known.owner.as_deref(), known.process.first_owner.as_deref()), (Some("tom"), Some("lin")));
    assert_eq!(known.process.stands_in.as_ref().map(|known| known.from.as_str()), Some("lin"));
    sweep(&daemon).sweep(clock.now_utc()).await.unwrap();
    let again = daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket");
    assert_eq!(again.version, known.version, "handed over once");
    clock.advance(TimeDelta::hours(11));
    sweep(&daemon).sweep(clock.now_utc()).await.unwrap();
    let back = daemon.store.ticket(&ticket.id).await.unwrap().expect("a ticket");
    assert_eq!((back.owner.as_deref(), back.process.stands_in), (Some("lin"), None));
    daemon.stop().await.unwrap();
}

async fn r103_a_link_is_an_event_of_its_ticket_and_nobody_makes_it_longer_behind_the_stores_back(
    database: Database,
) {
    let daemon = Daemon::with_people(&database).await;
    let ticket = registered(&daemon).await;
    let ends = noon() + TimeDelta::days(2);
    let (sent, made) = daemon.store.new_link(&ticket.id, LinkPurpose::Survey, ends, "").unwrap();
    assert_eq!(daemon.store.link(&sent).await.unwrap(), None, "it is one when its event is");
    does(&daemon, &ticket, made).await;
    let known = daemon.store.link(&sent).await.unwrap().expect("a link");
    assert_eq!((known.expires_at, known.by.as_str(), known.used_at), (ends, "lin", None));
    database.tamper("UPDATE customer_link SET expires_at = '2036-01-01T00:00:00Z'").await;
    assert_eq!(daemon.store.link(&sent).await.unwrap(), None, "it is signed for its own end");
    daemon.stop().await.unwrap();
}
