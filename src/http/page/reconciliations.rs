//! `/reconciliations`: bills that were compared, and the form that takes two more.

use askama::Template;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::http::HttpState;
use crate::http::api::reconciliation_upload::receive;
use crate::http::auth::Caller;
use crate::store::{ReconcileRun, RunFilter, RunStatus};

use super::asker::{Tongue, Viewer};
use super::shell::{Shell, store_failed};
use super::words::Moment;

/// Runs on a page.
const PAGE: u32 = 30;

/// A run as a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    id: String,
    party: String,
    period: String,
    status: String,
    status_name: &'static str,
    difference: String,
    verdict: String,
    by: String,
    at: Moment,
}

/// The page.
#[derive(Template)]
#[template(path = "reconciliations.html")]
pub struct Page {
    shell: Shell,
    lines: Vec<Line>,
    next: Option<String>,
    parties: Vec<String>,
    waits: bool,
    folder: Option<String>,
    most: u64,
    refused: Vec<String>,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    /// Where to go on.
    #[serde(default)]
    pub after: String,
}

/// `GET /reconciliations`
pub async fn show(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    respond(&state, &viewer, &tongue, &asked, StatusCode::OK, Vec::new()).await
}

/// `POST /reconciliations`: the form.
pub async fn upload(
    State(state): State<HttpState>,
    viewer: Viewer,
    tongue: Tongue,
    caller: Caller,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    match receive(&state, &caller, &headers, form).await {
        Ok(submitted) => Redirect::to(&format!("/reconciliations/{}", submitted.run.id)).into_response(),
        Err(problem) => {
            let document = problem.document(tongue.language, "/reconciliations");
            let mut refused = vec![document.detail];
            refused.extend(
                document
                    .errors
                    .into_iter()
                    .map(|flaw| format!("{}: {}", flaw.pointer.trim_start_matches('/'), flaw.detail)),
            );
            let status = problem.code().status();
            respond(&state, &viewer, &tongue, &Asked::default(), status, refused).await
        }
    }
}

async fn respond(
    state: &HttpState,
    viewer: &Viewer,
    tongue: &Tongue,
    asked: &Asked,
    status: StatusCode,
    refused: Vec<String>,
) -> Response {
    let after = (!asked.after.is_empty()).then(|| asked.after.clone());
    let filter = RunFilter { after, ..RunFilter::default() };
    let mut runs = match state.store.runs(&filter, PAGE + 1).await {
        Ok(runs) => runs,
        Err(error) => return store_failed(tongue, viewer, &error),
    };
    let settings = state.settings.borrow().billing.clone();
    let goes_on = runs.len() > PAGE as usize;
    runs.truncate(PAGE as usize);
    let mut shell = Shell::new(tongue, Some(viewer), String::new(), "reconciliations");
    shell.title = shell.t("page.bills");
    let page = Page {
        next: runs.last().filter(|_| goes_on).map(|run| run.id.clone()),
        waits: runs.iter().any(|run| !run.status.is_over()),
        lines: runs.iter().map(|run| line(&shell, run)).collect(),
        parties: settings.parties.iter().map(|party| party.name.clone()).collect(),
        folder: settings.folder.as_ref().map(|folder| folder.display().to_string()),
        most: settings.largest_file / (1024 * 1024),
        refused,
        shell,
    };
    page.shell.respond(status, &page)
}

fn line(shell: &Shell, run: &ReconcileRun) -> Line {
    let outcome = run.answer.as_ref().filter(|_| run.status == RunStatus::Done).map(|answer| &answer.outcome);
    Line {
        id: run.id.clone(),
        party: run.party.clone(),
        period: run.period.clone().unwrap_or_else(|| "–".to_owned()),
        status: shell.t(&format!("run.{}", run.status.name())),
        status_name: run.status.name(),
        difference: outcome
            .map(|outcome| format!("{} {}", outcome.totals.difference, outcome.currency))
            .unwrap_or_default(),
        verdict: outcome
            .map(|outcome| {
                let side = crate::diagnosis::Side::from(outcome.verdict);
                shell.t(&format!("side.{}", side.name()))
            })
            .unwrap_or_default(),
        by: run.created_by.clone(),
        at: Moment(run.finished_at.unwrap_or(run.created_at)),
    }
}
