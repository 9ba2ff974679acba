//! Announced work.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Params};
use crate::http::openapi::{BadRequest, Conflict, NotFound, TakesBody};
use crate::id::{os_random, uuid_v7};
use crate::maintenance::{NewWindow, Phase, Unfit, Window};

/// Windows that ended so long ago are listed unless stated.
const LOOK_BACK: TimeDelta = TimeDelta::days(7);
/// Windows that begin so late are listed unless stated.
const LOOK_AHEAD: TimeDelta = TimeDelta::days(366);

/// Announced work as it is now.
#[derive(Serialize, ToSchema)]
pub struct WindowView {
    #[serde(flatten)]
    window: Window,
    /// Where it is in its life.
    phase: Phase,
    /// Customers that it covers, by name.
    customers: Vec<String>,
    /// Faults that no ticket is opened for because of it, by key.
    withheld: Vec<String>,
}

/// All that was asked for.
#[derive(Serialize, ToSchema)]
pub struct WindowList {
    /// The last to end first; at most 500.
    windows: Vec<WindowView>,
}

/// What to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// Windows that end after this; seven days ago unless stated.
    from: Option<DateTime<Utc>>,
    /// Windows that begin before this; a year from now unless stated.
    to: Option<DateTime<Utc>>,
}

/// Another end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnd {
    /// When service is back; now, if the work is done.
    ends_at: DateTime<Utc>,
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Why work is called off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallOff {
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

fn view(state: &HttpState, window: Window, now: DateTime<Utc>) -> WindowView {
    let settings = state.settings.borrow().clone();
    let inventory = &settings.inventory;
    let mut customers: Vec<String> = window
        .elements
        .iter()
        .filter_map(|name| inventory.find(name))
        .flat_map(|element| inventory.customers_behind(element))
        .map(str::to_owned)
        .collect();
    customers.sort_unstable();
    customers.dedup();
    let withheld = state
        .live
        .withheld()
        .iter()
        .filter(|withheld| withheld.window == window.id)
        .map(|withheld| withheld.fault.key.clone())
        .collect();
    WindowView { phase: window.phase(now), window, customers, withheld }
}

fn refused(unfit: Vec<Unfit>) -> Problem {
    let flaw = |unfit: Unfit| {
        let flaw = Flaw::at(&unfit.pointer, unfit.code);
        match unfit.argument {
            Some((name, value)) => flaw.with(name, value),
            None => flaw,
        }
    };
    Problem::invalid(unfit.into_iter().map(flaw).collect())
}

async fn find(state: &HttpState, id: &str) -> Result<Window, Problem> {
    let shown: String = id.chars().filter(|character| !character.is_control()).take(64).collect();
    let found = state.store.window(&shown).await?;
    found.ok_or_else(|| Problem::say(Code::NotFound, "no_window").with("id", shown))
}

async fn keep(state: &HttpState, window: Window, now: DateTime<Utc>) -> Result<Json<WindowView>, Problem> {
    if !state.store.change_window(&window).await? {
        return Err(Problem::say(Code::NameTaken, "window_changed"));
    }
    Ok(Json(view(state, window, now)))
}

/// Announced work: what runs, what is planned, what is over, what was called off.
#[utoipa::path(get, path = "/api/v1/maintenance", operation_id = "listMaintenance", tag = "maintenance",
    params(Span), responses((status = 200, description = "Announced work.", body = WindowList), BadRequest))]
pub async fn list(
    State(state): State<HttpState>,
    Params(span): Params<Span>,
) -> Result<Json<WindowList>, Problem> {
    let now = state.clock.now_utc();
    let (from, to) = (span.from.unwrap_or(now - LOOK_BACK), span.to.unwrap_or(now + LOOK_AHEAD));
    let windows = state.store.windows(from, to).await?;
    Ok(Json(WindowList { windows: windows.into_iter().map(|window| view(&state, window, now)).collect() }))
}

/// Announces work: new trouble on what it covers opens no ticket before its end.
#[utoipa::path(post, path = "/api/v1/maintenance", operation_id = "announceMaintenance", tag = "maintenance",
    request_body = NewWindow,
    responses((status = 201, description = "The window.", body = WindowView), TakesBody))]
pub async fn announce(
    State(state): State<HttpState>,
    caller: Caller,
    Body(wanted): Body<NewWindow>,
) -> Result<Response, Problem> {
    let now = state.clock.now_utc();
    let random = os_random().map_err(|_| Problem::internal())?;
    let settings = state.settings.borrow().clone();
    let window =
        wanted.announced(uuid_v7(now, random), &settings.inventory, caller.actor, now).map_err(refused)?;
    state.store.add_window(&window).await?;
    let address = format!("/api/v1/maintenance/{}", window.id);
    let body = Json(view(&state, window, now));
    Ok((StatusCode::CREATED, [(header::LOCATION, address)], body).into_response())
}

/// Gives work another end: later, if it takes longer; now, if it is done.
#[utoipa::path(post, path = "/api/v1/maintenance/{window}/postpone", operation_id = "postponeMaintenance",
    tag = "maintenance", request_body = NewEnd,
    params(("window" = String, Path, description = "Identity of the window.", max_length = 64)),
    responses((status = 200, description = "The window.", body = WindowView), TakesBody, NotFound, Conflict))]
pub async fn postpone(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    Body(wanted): Body<NewEnd>,
) -> Result<Json<WindowView>, Problem> {
    let now = state.clock.now_utc();
    let window = find(&state, &id).await?;
    let window = window.moved(wanted.ends_at.max(now), wanted.reason, caller.actor, now).map_err(refused)?;
    keep(&state, window, now).await
}

/// Calls work off: trouble that it withheld is told of at once.
#[utoipa::path(post, path = "/api/v1/maintenance/{window}/cancel", operation_id = "cancelMaintenance",
    tag = "maintenance", request_body = CallOff,
    params(("window" = String, Path, description = "Identity of the window.", max_length = 64)),
    responses((status = 200, description = "The window.", body = WindowView), TakesBody, NotFound, Conflict))]
pub async fn cancel(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
    Body(wanted): Body<CallOff>,
) -> Result<Json<WindowView>, Problem> {
    let now = state.clock.now_utc();
    let window = find(&state, &id).await?;
    let window = window.cancelled(wanted.reason, caller.actor, now).map_err(refused)?;
    keep(&state, window, now).await
}
