//! Is the process alive, and does it do its work?

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::locale::Message;

use super::HttpState;
use super::error::{Code, Flaw, Problem};

/// All is well.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`: what is not well is a problem.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", operation_id = "getLiveness", tag = "operation",
    responses((status = 200, description = "Alive.", body = Health), super::openapi::Fails))]
pub async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The process does its work: the database answers and the measurements were looked at lately.
#[utoipa::path(get, path = "/health/ready", operation_id = "getReadiness", tag = "operation",
    responses((status = 200, description = "Ready.", body = Health), super::openapi::Fails))]
pub async fn ready(State(state): State<HttpState>) -> Result<Json<Health>, Problem> {
    let mut flaws = Vec::new();
    let mut flaw = |pointer: &str, code: &str, detail: Message| {
        flaws.push(Flaw { pointer: pointer.to_owned(), code: code.to_owned(), detail });
    };
    if state.closing.is_cancelled() {
        flaw("/process", "stopping", Message::new("api.stopping"));
    }
    if let Err(error) = state.store.ping().await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "not ready: the database does not answer");
        flaw("/database", "database_silent", Message::new("api.database_silent"));
    }
    let (has_targets, interval) = {
        let settings = state.settings.borrow();
        (!settings.inventory.targets().is_empty(), settings.diagnosis.interval)
    };
    if has_targets {
        // A look that missed its time tenfold is not late, it is stuck.
        let most = (interval.as_secs().saturating_mul(10)).max(30);
        match state.live.diagnosis() {
            None => flaw("/diagnosis", "diagnosis_missing", Message::new("api.diagnosis_missing")),
            Some((_, diagnosis)) => {
                let age = (state.clock.now_utc() - diagnosis.at).num_seconds().max(0).unsigned_abs();
                if age > most {
                    let detail = Message::new("api.diagnosis_stale").with("seconds", age).with("most", most);
                    flaw("/diagnosis", "diagnosis_stale", detail);
                }
            }
        }
    }
    if flaws.is_empty() {
        return Ok(Json(Health { status: "ok" }));
    }
    Err(Problem::say(Code::Unavailable, "not_ready").flaws(flaws))
}
