//! What the measurements say now, and the faults they spoke of.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::diagnosis::{ElementReport, PollerState};
use crate::http::HttpState;
use crate::http::error::{Code, Problem};
use crate::http::extract::{Params, Speaks};
use crate::http::openapi::{BadRequest, Invalid, NotFound};

use super::paging::limit;
use super::view::FaultView;

/// Which faults.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FaultQuery {
    /// Also those that were over at or after this time.
    cleared_since: Option<DateTime<Utc>>,
    /// At most so many; 100 unless stated.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Faults.
#[derive(Serialize, ToSchema)]
pub struct FaultList {
    /// Newest first.
    faults: Vec<FaultView>,
}

/// Faults that are not over, and on request those that are, newest first.
#[utoipa::path(get, path = "/api/v1/faults", operation_id = "listFaults", tag = "network",
    params(FaultQuery),
    responses((status = 200, description = "Faults.", body = FaultList), BadRequest, Invalid))]
pub async fn faults(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    Params(query): Params<FaultQuery>,
) -> Result<Json<FaultList>, Problem> {
    let limit = limit(query.limit, 100, 1000).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let faults = state.store.faults(query.cleared_since, limit).await?;
    Ok(Json(FaultList { faults: faults.into_iter().map(|fault| FaultView::of(fault, language)).collect() }))
}

/// The newest look at the measurements.
#[derive(Serialize, ToSchema)]
pub struct DiagnosisView {
    /// Counts looks.
    generation: i64,
    /// Reference time.
    at: DateTime<Utc>,
    /// Whether we can judge at all.
    poller: PollerState,
    /// Why we cannot, in words; `null` when we can.
    poller_reason: Option<String>,
    /// How every element is.
    elements: Vec<ElementReport>,
    /// Faults suspected, raised, clearing, and those just cleared.
    faults: Vec<FaultView>,
}

/// The newest look at the measurements: our own footing, every element, faults.
#[utoipa::path(get, path = "/api/v1/diagnosis", operation_id = "getDiagnosis", tag = "network",
    responses((status = 200, description = "The newest look.", body = DiagnosisView), NotFound))]
pub async fn latest(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
) -> Result<Json<DiagnosisView>, Problem> {
    let (generation, diagnosis) = match state.live.diagnosis() {
        Some((generation, diagnosis)) => (generation, (*diagnosis).clone()),
        None => {
            let stored = state.store.latest_diagnosis().await?;
            stored.ok_or_else(|| Problem::say(Code::NotFound, "no_diagnosis"))?
        }
    };
    let poller_reason = match &diagnosis.poller {
        PollerState::Sound => None,
        PollerState::Isolated { reason, .. } | PollerState::Blind { reason } => Some(reason.render(language)),
    };
    Ok(Json(DiagnosisView {
        generation,
        at: diagnosis.at,
        poller: diagnosis.poller,
        poller_reason,
        elements: diagnosis.elements,
        faults: diagnosis.faults.into_iter().map(|fault| FaultView::of(fault, language)).collect(),
    }))
}
