//! Bills that were compared: reading runs and reports, running again.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use utoipa::{IntoParams, ToSchema};

use crate::bills::vault::below;
use crate::http::HttpState;
use crate::http::auth::{Caller, percent_encode};
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Named, Params};
use crate::http::openapi::{BadRequest, Invalid, NotFound};
use crate::store::{ReconcileRun, RunFilter, RunStatus};

use super::paging::{limit, next_link};

/// Read at once when a file is sent.
const PIECE: usize = 64 * 1024;

/// A run with where it is to be found.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunView {
    /// As it stands.
    #[serde(flatten)]
    pub run: ReconcileRun,
    /// Number of its ticket.
    pub ticket_number: Option<String>,
    /// Its page.
    pub url: String,
}

impl RunView {
    /// Of a run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(state: &HttpState, run: ReconcileRun) -> Result<Self, Problem> {
        let ticket = match &run.ticket {
            Some(id) => state.store.ticket(id).await?,
            None => None,
        };
        let url = format!("{}/reconciliations/{}", super::view::base_url(state), run.id);
        Ok(Self { ticket_number: ticket.map(|ticket| ticket.number.to_string()), url, run })
    }
}

/// Which runs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Of this party.
    #[param(max_length = 64)]
    party: Option<String>,
    /// `queued`, `running`, `done` or `failed`.
    #[param(max_length = 20)]
    status: Option<String>,
    /// At most so many; 50 unless stated.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the page before ended.
    #[param(max_length = 64)]
    cursor: Option<String>,
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub struct RunList {
    /// Newest first.
    reconciliations: Vec<RunView>,
    /// `cursor` of the next page; `null` at the end.
    next: Option<String>,
}

/// Reconciliations, newest first.
#[utoipa::path(get, path = "/api/v1/reconciliations", operation_id = "listReconciliations", tag = "reconciliations",
    params(RunQuery),
    responses((status = 200, description = "A page of reconciliations.", body = RunList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, Invalid))]
pub async fn list(
    State(state): State<HttpState>,
    uri: Uri,
    Params(query): Params<RunQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit, 50, 200).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let status = match query.status.as_deref() {
        None => None,
        Some(name) => Some(RunStatus::parse(name).ok_or_else(|| {
            let shown: String = name.chars().filter(|character| !character.is_control()).take(20).collect();
            Problem::invalid(vec![Flaw::at("?status", "unknown_run_status").with("value", shown)])
        })?),
    };
    let filter = RunFilter { party: query.party, status, ticket: None, after: query.cursor };
    let mut runs = state.store.runs(&filter, limit + 1).await?;
    let goes_on = runs.len() > limit as usize;
    runs.truncate(limit as usize);
    let next = runs.last().filter(|_| goes_on).map(|run| run.id.clone());
    let link = next_link(&uri, "cursor", next.as_deref());
    let mut reconciliations = Vec::with_capacity(runs.len());
    for run in runs {
        reconciliations.push(RunView::of(&state, run).await?);
    }
    Ok((link, Json(RunList { reconciliations, next })).into_response())
}

/// The run of this identity.
///
/// # Errors
/// 404, or the database.
pub async fn find(state: &HttpState, id: &str) -> Result<ReconcileRun, Problem> {
    let found = if id.len() <= 64 { state.store.run(id).await? } else { None };
    found.ok_or_else(|| {
        let shown: String = id.chars().filter(|character| !character.is_control()).take(64).collect();
        Problem::say(Code::NotFound, "no_run").with("run", shown)
    })
}

/// One reconciliation with its answer.
#[utoipa::path(get, path = "/api/v1/reconciliations/{run}", operation_id = "getReconciliation", tag = "reconciliations",
    params(("run" = String, Path, description = "Its identity.", max_length = 64)),
    responses((status = 200, description = "The reconciliation.", body = RunView), BadRequest, NotFound))]
pub async fn one(State(state): State<HttpState>, Named(id): Named) -> Result<Json<RunView>, Problem> {
    let run = find(&state, &id).await?;
    Ok(Json(RunView::of(&state, run).await?))
}

/// Compares the same bills again, as after an update of Linesman.
#[utoipa::path(post, path = "/api/v1/reconciliations/{run}/rerun", operation_id = "rerunReconciliation",
    tag = "reconciliations",
    params(("run" = String, Path, description = "Its identity.", max_length = 64)),
    responses((status = 202, description = "It waits for its turn; the answer before stands until then.",
            body = RunView), BadRequest, NotFound))]
pub async fn rerun(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
) -> Result<Response, Problem> {
    let run = find(&state, &id).await?;
    state.store.rerun(&run.id).await?;
    state.bills.nudge.notify_one();
    tracing::info!(by = %caller.actor.0, run = run.id, "asked to compare bills again");
    let run = find(&state, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(RunView::of(&state, run).await?)).into_response())
}

/// A file of a report, or of the bills compared.
#[utoipa::path(get, path = "/api/v1/reconciliations/{run}/files/{folder}/{name}", operation_id = "getReportFile",
    tag = "reconciliations",
    params(("run" = String, Path, description = "Identity of the reconciliation.", max_length = 64),
        ("folder" = String, Path, description = "`en`, `zh-CN`; or `inputs`.", max_length = 20),
        ("name" = String, Path, description = "Name of the file; of inputs `ours`, `theirs`, `rates`, `contract`.",
            max_length = 200)),
    responses((status = 200, description = "The file.", content((Vec<u8> = "application/octet-stream"),
            (String = "text/html"), (String = "text/csv"), (String = "application/json"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        BadRequest, NotFound))]
pub async fn report(
    State(state): State<HttpState>,
    caller: Caller,
    path: Result<Path<(String, String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let Path((id, folder, name)) = path.map_err(|_| Problem::bad_request("the path is no UTF-8"))?;
    let run = find(&state, &id).await?;
    let missing = || {
        let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
        Problem::say(Code::NotFound, "no_report").with("name", shown)
    };
    let vault = &state.bills.vault;
    let (place, shown, kind) = if folder == "inputs" {
        let input = run.request.inputs.iter().find(|input| input.role.name() == name).ok_or_else(missing)?;
        // Whatever a stranger named it: never shown by the browser.
        (vault.input(&run.id, input), input.name.clone(), "application/octet-stream")
    } else {
        let wanted = format!("{folder}/{name}");
        let files = run.answer.as_ref().map(|answer| answer.files.as_slice()).unwrap_or_default();
        let file = files.iter().find(|file| file.name == wanted).ok_or_else(missing)?;
        let place = below(&vault.report(&run.id), &file.name).ok_or_else(missing)?;
        (place, format!("{}-{name}", run.party), content_type(&name))
    };
    let file = tokio::fs::File::open(&place).await.map_err(|error| {
        tracing::error!(%error, file = %place.display(), "a file of a reconciliation cannot be read");
        missing()
    })?;
    let length = file.metadata().await.map_err(|_| missing())?.len();
    tracing::info!(by = %caller.actor.0, run = run.id, file = name, "took a file of a reconciliation");
    let stream = futures_util::stream::unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(piece), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, disposition(&shown)),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// By the ending that we gave it.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

/// To be saved under this name (RFC 6266): nothing in it can leave the header.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", percent_encode(name).replace('/', "%2F"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        let header = disposition("Acme\"; evil=1\r\n账单/x.csv");
        assert!(
            !header.contains('\r') && !header.contains('\n') && header.matches('"').count() == 2,
            "{header}"
        );
        assert!(header.contains("%E8%B4%A6") && header.contains("%2Fx.csv"), "{header}");
    }
}
