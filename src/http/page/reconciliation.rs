//! `/reconciliations/{run}`: totals, verdict, causes, findings, files.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use linesman_reconcile::report;

use crate::http::HttpState;
use crate::locale::{Language, Message};
use crate::store::{ReconcileRun, RunStatus};
use crate::ticket::TicketNumber;

use super::asker::{Tongue, Viewer};
use super::bill::{self, BillView};
use super::shell::{Shell, not_found, store_failed};
use super::words::{Moment, size};

/// A file that was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputView {
    role: &'static str,
    words: String,
    name: String,
    size: String,
    sha256: String,
}

/// The page.
#[derive(Template)]
#[template(path = "reconciliation.html")]
pub struct Page {
    shell: Shell,
    id: String,
    party: String,
    period: Option<String>,
    status: String,
    status_name: &'static str,
    waits: bool,
    failure: Option<String>,
    error: Option<String>,
    ticket: Option<String>,
    verdict: Option<String>,
    headline: Option<String>,
    bill: Option<BillView>,
    counts: Vec<(String, u64)>,
    findings: Vec<String>,
    inputs: Vec<InputView>,
    options: Vec<(String, String)>,
    by: String,
    at: Moment,
    engine: String,
    may_rerun: bool,
}

/// `GET /reconciliations/{run}`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path(id): Path<String>,
) -> Response {
    let run = match state.store.run(&id).await {
        Ok(Some(run)) => run,
        Ok(None) => return not_found(&tongue, &viewer, &Message::new("page.no_such_run")),
        Err(error) => return store_failed(&tongue, &viewer, &error),
    };
    let ticket = match &run.ticket {
        None => None,
        Some(ticket) => match state.store.ticket(ticket).await {
            Ok(ticket) => ticket.map(|ticket| ticket.number),
            Err(error) => return store_failed(&tongue, &viewer, &error),
        },
    };
    let shell = Shell::new(&tongue, Some(&viewer), run.party.clone(), "reconciliations");
    let page = page(shell, &run, ticket);
    page.shell.respond(StatusCode::OK, &page)
}

/// `POST /reconciliations/{run}/rerun`
pub async fn rerun(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    Path(id): Path<String>,
) -> Response {
    match state.store.rerun(&id).await {
        Ok(_) => {
            state.bills.nudge.notify_one();
            let id = crate::http::auth::percent_encode(&id);
            Redirect::to(&format!("/reconciliations/{id}")).into_response()
        }
        Err(error) => store_failed(&tongue, &viewer, &error),
    }
}

/// The page of a run.
#[must_use]
pub fn page(shell: Shell, run: &ReconcileRun, ticket: Option<TicketNumber>) -> Page {
    let outcome = run.answer.as_ref().map(|answer| &answer.outcome);
    let count = |key: &str, count: u64| (shell.t(&format!("page.count_{key}")), count);
    let counts = outcome.map(|outcome| {
        let counts = &outcome.counts;
        let mut shown = vec![
            count("ours", counts.ours),
            count("theirs", counts.theirs),
            count("paired", counts.paired),
            count("amount_differs", counts.amount_differs),
            count("only_ours", counts.only_ours),
            count("only_theirs", counts.only_theirs),
            count("duplicates", counts.duplicates_ours + counts.duplicates_theirs),
            count("rejected", counts.rejected_ours + counts.rejected_theirs),
        ];
        let outside = counts.outside_ours + counts.outside_theirs;
        shown.extend((outside > 0).then(|| count("outside", outside)));
        shown
    });
    let spoken = match shell.language() {
        Language::English => report::Language::English,
        Language::Chinese => report::Language::Chinese,
    };
    let findings = outcome
        .map(|outcome| outcome.findings.iter().map(|finding| report::finding(finding, spoken)).collect());
    let fault = run.fault.as_ref();
    let has_failed = run.status == RunStatus::Failed;
    Page {
        id: run.id.clone(),
        party: run.party.clone(),
        period: run.period.clone(),
        status: shell.t(&format!("run.{}", run.status.name())),
        status_name: run.status.name(),
        waits: !run.status.is_over() || (run.status == RunStatus::Done && run.planned_at.is_none()),
        failure: run.failure.as_ref().filter(|_| has_failed).map(|failure| shell.say(failure)),
        error: run.error.clone().filter(|_| has_failed),
        ticket: ticket.map(|number| number.to_string()),
        verdict: outcome.map(|outcome| {
            let side = crate::diagnosis::Side::from(outcome.verdict);
            shell.say(&Message::new("page.at_fault").with("side", format!("side.{}", side.name())))
        }),
        headline: fault.map(|fault| shell.say(&fault.headline)),
        bill: fault.and_then(|fault| Some(bill::view(&shell, fault.billing.as_deref()?, true))),
        counts: counts.unwrap_or_default(),
        findings: findings.unwrap_or_default(),
        inputs: run
            .request
            .inputs
            .iter()
            .map(|input| InputView {
                role: input.role.name(),
                words: shell.t(&format!("page.input_{}", input.role.name())),
                name: input.name.clone(),
                size: size(input.bytes),
                sha256: input.sha256.clone(),
            })
            .collect(),
        options: run.request.options.clone(),
        by: run.created_by.clone(),
        at: Moment(run.finished_at.unwrap_or(run.created_at)),
        engine: run.answer.as_ref().map(|answer| answer.engine.clone()).unwrap_or_default(),
        may_rerun: run.status.is_over(),
        shell,
    }
}
