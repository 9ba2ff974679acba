//! From a cut link to a ticket resolved by measurement, on PostgreSQL, with a death in between.

use std::time::Duration;

use linesman::sim::Carrier;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::api::Api;
use crate::support::daemon::{Daemon, free_port};
use crate::support::eventually;

const SEED: u64 = 7;
/// A debug build beside other tests; on an idle machine each step takes seconds.
const WITHIN: Duration = Duration::from_secs(90);

async fn ticket_that(api: &Api, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(what, WITHIN, async || api.tickets().await.into_iter().find(&fits)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_on_postgresql_goes_on_with_its_ticket_until_it_is_resolved() {
    let Some(database) = crate::postgres_server::new_database().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("127.0.0.1:{}", free_port());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
    let settings = format!(
        "[http]\nlisten = \"{address}\"\n\n[database]\nurl = \"{database}\"\n\n{}",
        carrier.settings_toml()
    );
    let start =
        async |token: Option<&str>| Daemon::start_as(folder.path(), &address, &settings, &[], token).await;

    let (daemon, api) = start(None).await;
    let token = api.token().to_owned();
    eventually("all targets measured", WITHIN, async || {
        api.targets().await.iter().all(|target| target["last"].is_object()).then_some(())
    })
    .await;
    carrier.cut("link-1").expect("the carrier has this link");
    let opened = ticket_that(&api, "a ticket about link-1", |ticket| ticket["segment"] == "link-1").await;
    assert_eq!((&opened["class"], &opened["cause"]), (&"B".into(), &"fibre".into()), "{opened}");
    let number = opened["number"].as_str().expect("a number").to_owned();
    assert!(api.note(&number, "on my way").await, "the note was acknowledged");
    daemon.kill();

    let (daemon, api) = start(Some(&token)).await;
    let texts: Vec<Value> =
        api.events(&number).await.into_iter().map(|event| event["event"]["text"].clone()).collect();
    assert!(texts.contains(&"on my way".into()), "acknowledged and lost: {texts:?}");
    carrier.heal("link-1").expect("the carrier has this link");
    let over = |ticket: &Value| {
        ticket["number"] == number.as_str()
            && ["resolved", "settled", "closed"].iter().any(|state| ticket["state"] == *state)
    };
    ticket_that(&api, "the ticket resolved by measurement", over).await;
    assert_eq!(api.tickets().await.len(), 1, "one root cause, one ticket, also over a death");
    assert!(daemon.stop().await.success(), "SIGTERM ends it well");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
