//! Reconciliations: kept once by content, taken up one after the other, planned once, forgotten late.

use chrono::TimeDelta;
use linesman::clock::Clock as _;
use linesman::store::{InputRole, RunFilter, RunInput, RunRequest, RunStatus};
use linesman::ticket::{Actor, Event};

use crate::bills::undecided;
use crate::fixture::{Daemon, Database, fault, noon};

crate::on_both! {
    the_same_content_is_one_run_and_another_is_another,
    runs_are_taken_up_in_their_order_and_one_that_was_broken_off_waits_again,
    an_answer_waits_for_its_plan_over_a_restart_and_a_newer_one_is_planned_anew,
    a_run_is_kept_for_its_time_and_longer_while_its_ticket_is_open,
}

pub(crate) fn request(party: &str, theirs: &str) -> RunRequest {
    let input = |role, sha256: &str| RunInput {
        role,
        name: "bill\u{0}.csv".to_owned(),
        bytes: 7,
        sha256: sha256.to_owned(),
    };
    RunRequest {
        party: party.to_owned(),
        period: None,
        inputs: vec![
            input(InputRole::Ours, "a"),
            input(InputRole::Theirs, theirs),
            input(InputRole::Rates, "r"),
        ],
        options: vec![("theirs-zone".to_owned(), "Asia/Shanghai".to_owned())],
    }
}

async fn the_same_content_is_one_run_and_another_is_another(database: Database) {
    let daemon = Daemon::start(&database).await;
    let store = &daemon.store;
    assert_eq!(store.add_run("run-1", &request("Acme", "b"), "bill").await.unwrap(), "run-1");
    assert_eq!(store.add_run("run-2", &request("acme", "b"), "bill").await.unwrap(), "run-1");
    assert_eq!(store.add_run("run-3", &request("Acme", "c"), "bill").await.unwrap(), "run-3");
    let run = store.run("run-1").await.unwrap().unwrap();
    assert_eq!((run.status, run.attempts, run.created_by.as_str()), (RunStatus::Queued, 0, "bill"));
    assert_eq!(run.request.options, request("Acme", "b").options);
    assert_eq!(store.run("run-2").await.unwrap(), None);
    let listed = |filter: RunFilter| async move {
        let runs = store.runs(&filter, 10).await.unwrap();
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(RunFilter::default()).await, ["run-3", "run-1"]);
    let after = RunFilter { after: Some("run-3".to_owned()), ..RunFilter::default() };
    assert_eq!(listed(after).await, ["run-1"]);
    let failed = RunFilter { status: Some(RunStatus::Failed), ..RunFilter::default() };
    assert!(listed(failed).await.is_empty());
    daemon.stop().await.unwrap();
}

async fn runs_are_taken_up_in_their_order_and_one_that_was_broken_off_waits_again(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.store.add_run("run-1", &request("Acme", "b"), "bill").await.unwrap();
    daemon.clock.advance(TimeDelta::seconds(1));
    daemon.store.add_run("run-0", &request("Acme", "c"), "bill").await.unwrap();
    let first = daemon.store.take_run().await.unwrap().unwrap();
    assert_eq!((first.id.as_str(), first.status, first.attempts), ("run-1", RunStatus::Running, 1));
    daemon.stop().await.unwrap();

    let daemon = Daemon::start(&database).await;
    assert_eq!(daemon.store.resume_runs().await.unwrap(), 1);
    let again = daemon.store.take_run().await.unwrap().unwrap();
    assert_eq!((again.id.as_str(), again.attempts), ("run-1", 2), "it counts how often it was begun");
    daemon.store.release_run("run-1").await.unwrap();
    assert_eq!(daemon.store.take_run().await.unwrap().unwrap().attempts, 2, "an orderly stop does not count");
    daemon.store.fail_run("run-1", "line 7\u{0} is none", None, noon()).await.unwrap();
    assert_eq!(daemon.store.take_run().await.unwrap().unwrap().id, "run-0");
    assert_eq!(daemon.store.take_run().await.unwrap(), None);
    let failed = daemon.store.run("run-1").await.unwrap().unwrap();
    assert_eq!((failed.status, failed.error.as_deref()), (RunStatus::Failed, Some("line 7\u{fffd} is none")));
    assert!(daemon.store.rerun("run-1").await.unwrap());
    assert!(!daemon.store.rerun("run-1").await.unwrap(), "it waits already");
    assert_eq!(daemon.store.take_run().await.unwrap().unwrap().error, None);
    daemon.stop().await.unwrap();
}

async fn an_answer_waits_for_its_plan_over_a_restart_and_a_newer_one_is_planned_anew(database: Database) {
    let daemon = Daemon::start(&database).await;
    daemon.store.add_run("run-1", &request("Acme", "b"), "bill").await.unwrap();
    daemon.store.take_run().await.unwrap().unwrap();
    let told = fault("A:acme:2026-10");
    daemon.store.finish_run("run-1", "2026-10", &undecided(Vec::new()), &told, noon()).await.unwrap();
    daemon.stop().await.unwrap();

    let daemon = Daemon::start(&database).await;
    assert_eq!(daemon.store.runs_to_plan().await.unwrap(), [("run-1".to_owned(), told.clone())]);
    let ticket = daemon.open("A:acme:2026-10").await;
    // Planned upon what has been replaced meanwhile: it stays to be planned.
    daemon.store.run_planned("run-1", noon() - TimeDelta::seconds(1), Some(&ticket.id)).await.unwrap();
    assert_eq!(daemon.store.runs_to_plan().await.unwrap().len(), 1);
    daemon.store.run_planned("run-1", noon(), Some(&ticket.id)).await.unwrap();
    assert!(daemon.store.runs_to_plan().await.unwrap().is_empty());
    let run = daemon.store.run("run-1").await.unwrap().unwrap();
    assert_eq!((run.period.as_deref(), run.ticket.as_ref()), (Some("2026-10"), Some(&ticket.id)));
    assert_eq!(run.answer, Some(undecided(Vec::new())));
    let of_ticket = RunFilter { ticket: Some(ticket.id.clone()), ..RunFilter::default() };
    assert_eq!(daemon.store.runs(&of_ticket, 10).await.unwrap().len(), 1);
    daemon.store.rerun("run-1").await.unwrap();
    daemon.store.take_run().await.unwrap().unwrap();
    let later = noon() + TimeDelta::seconds(9);
    daemon.store.finish_run("run-1", "2026-10", &undecided(Vec::new()), &told, later).await.unwrap();
    assert_eq!(daemon.store.runs_to_plan().await.unwrap().len(), 1);
    let kept = daemon.store.run("run-1").await.unwrap().unwrap();
    assert_eq!(kept.ticket, Some(ticket.id), "until then it has its ticket");
    daemon.stop().await.unwrap();
}

async fn a_run_is_kept_for_its_time_and_longer_while_its_ticket_is_open(database: Database) {
    let daemon = Daemon::start(&database).await;
    let store = &daemon.store;
    for (id, theirs) in [("run-1", "b"), ("run-2", "c"), ("run-3", "d")] {
        store.add_run(id, &request("Acme", theirs), "bill").await.unwrap();
    }
    let ticket = daemon.open("A:acme:2026-10").await;
    for id in ["run-1", "run-2"] {
        store
            .finish_run(id, "2026-10", &undecided(Vec::new()), &fault("A:acme:2026-10"), noon())
            .await
            .unwrap();
    }
    store.run_planned("run-1", noon(), Some(&ticket.id)).await.unwrap();
    assert!(store.old_runs(noon()).await.unwrap().is_empty(), "what ended at the edge stays");
    let later = noon() + TimeDelta::days(153);
    assert_eq!(store.old_runs(later).await.unwrap(), ["run-2"], "what waits or has an open ticket stays");
    store.forget_run("run-2").await.unwrap();
    store.forget_run("run-3").await.unwrap();
    let ids = store.run_ids().await.unwrap();
    assert_eq!(ids.len(), 2, "what still waits is never forgotten: {ids:?}");
    let cancelled = Event::Cancelled { reason: "settled by letter".to_owned() };
    daemon.writer.apply(&ticket.id, None, cancelled, Actor("bill".to_owned())).await.unwrap();
    assert_eq!(store.old_runs(later).await.unwrap(), ["run-1"]);
    assert!(daemon.clock.now_utc() < later);
    daemon.stop().await.unwrap();
}
