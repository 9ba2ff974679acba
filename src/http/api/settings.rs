//! Reading the settings again.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::openapi::Invalid;
use crate::live::Order;
use crate::locale::Message;

/// The settings were read.
#[derive(Serialize, ToSchema)]
pub struct Reloaded {
    /// Always true: mistakes are a problem.
    reloaded: bool,
}

/// Reads the settings again; with a mistake in them nothing changes and all mistakes are listed.
#[utoipa::path(post, path = "/api/v1/reload", operation_id = "reloadSettings", tag = "administration",
    responses((status = 200, description = "The settings are in force.", body = Reloaded), Invalid))]
pub async fn reload(State(state): State<HttpState>, caller: Caller) -> Result<Json<Reloaded>, Problem> {
    let (answer, answered) = oneshot::channel();
    let busy = || Problem::say(Code::Unavailable, "workers_busy").retry_after(1);
    state.orders.try_send(Order::Reload(answer)).map_err(|_| busy())?;
    tracing::info!(name = %caller.actor.0, "asked to read the settings again");
    let mistakes = match answered.await {
        Ok(Ok(())) => return Ok(Json(Reloaded { reloaded: true })),
        Ok(Err(mistakes)) => mistakes,
        // The worker went away without a word: it is stopping.
        Err(_) => return Err(Problem::say(Code::Unavailable, "stopping")),
    };
    let flaw = |mistake: String| Flaw {
        pointer: String::new(),
        code: "settings_mistake".to_owned(),
        detail: Message::new(&mistake),
    };
    Err(Problem::say(Code::SettingsMistakes, "settings_mistakes")
        .flaws(mistakes.into_iter().map(flaw).collect()))
}
