//! What was measured of one target.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Named, Params, Speaks};
use crate::http::openapi::{BadRequest, Invalid, NotFound};
use crate::store::{HourlyPoint, ObservationQuery};

use super::paging::limit;
use super::view::ObservationView;

/// Which rounds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoundQuery {
    /// Begun at or after; an hour before `to` unless stated.
    from: Option<DateTime<Utc>>,
    /// Begun before; now unless stated.
    to: Option<DateTime<Utc>>,
    /// At most so many, the newest kept; 1000 unless stated.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<u32>,
}

/// Which hours.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HourQuery {
    /// From this hour; a week before `to` unless stated.
    from: Option<DateTime<Utc>>,
    /// Before this hour; now unless stated.
    to: Option<DateTime<Utc>>,
}

/// Rounds of a target.
#[derive(Serialize, ToSchema)]
pub struct RoundList {
    /// Oldest first.
    observations: Vec<ObservationView>,
}

/// Hours of a target.
#[derive(Serialize, ToSchema)]
pub struct HourList {
    /// Oldest first.
    hours: Vec<HourlyPoint>,
}

/// The span asked for, `usual` long unless stated.
fn span(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    usual: TimeDelta,
) -> Result<(DateTime<Utc>, DateTime<Utc>), Flaw> {
    let to = to.unwrap_or(now);
    let from = from.or_else(|| to.checked_sub_signed(usual)).unwrap_or(DateTime::UNIX_EPOCH);
    if from < to { Ok((from, to)) } else { Err(Flaw::at("?from", "span")) }
}

/// Old rounds of a target that is no longer configured are still worth reading; a name that never
/// was one is a mistake.
fn known(state: &HttpState, target: &str, found_nothing: bool) -> Result<(), Problem> {
    let settings = state.settings.borrow();
    let configured = settings.inventory.targets().iter().any(|configured| configured.name == target);
    // What is listened to has no target: any trunk may be heard one day.
    let heard = ["/rtp-in", "/rtp-out"].iter().find_map(|end| target.strip_suffix(end));
    let may_be_heard = heard.is_some_and(|element| settings.inventory.find(element).is_some());
    if configured || may_be_heard || !found_nothing {
        return Ok(());
    }
    Err(unknown_target(target))
}

/// There is no such target.
#[must_use]
pub fn unknown_target(target: &str) -> Problem {
    let shown: String = target.chars().filter(|character| !character.is_control()).take(100).collect();
    Problem::say(Code::NotFound, "no_target").with("target", shown)
}

/// Rounds of a target, oldest first.
#[utoipa::path(get, path = "/api/v1/targets/{target}/observations", operation_id = "listObservations", tag = "network",
    params(("target" = String, Path, description = "Name, percent-encoded: `server-1%2Ficmp`.", max_length = 300), RoundQuery),
    responses((status = 200, description = "Rounds.", body = RoundList), BadRequest, NotFound, Invalid))]
pub async fn rounds(
    State(state): State<HttpState>,
    Speaks(language): Speaks,
    Named(target): Named,
    Params(query): Params<RoundQuery>,
) -> Result<Json<RoundList>, Problem> {
    let limit = limit(query.limit, 1000, 10_000).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let (from, to) = span(query.from, query.to, state.clock.now_utc(), TimeDelta::hours(1))
        .map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let query = ObservationQuery { targets: vec![target.clone()], from, to, limit };
    let found = state.store.observations(&query).await?;
    known(&state, &target, found.is_empty())?;
    let observations = found.iter().map(|round| ObservationView::of(round, language)).collect();
    Ok(Json(RoundList { observations }))
}

/// A target by the hour, oldest first.
#[utoipa::path(get, path = "/api/v1/targets/{target}/hourly", operation_id = "listHours", tag = "network",
    params(("target" = String, Path, description = "Name, percent-encoded: `server-1%2Ficmp`.", max_length = 300), HourQuery),
    responses((status = 200, description = "Hours.", body = HourList), BadRequest, NotFound, Invalid))]
pub async fn hourly(
    State(state): State<HttpState>,
    Named(target): Named,
    Params(query): Params<HourQuery>,
) -> Result<Json<HourList>, Problem> {
    let (from, to) = span(query.from, query.to, state.clock.now_utc(), TimeDelta::days(7))
        .map_err(|flaw| Problem::invalid(vec![flaw]))?;
    let hours = state.store.hourly(&target, from, to).await?;
    known(&state, &target, hours.is_empty())?;
    Ok(Json(HourList { hours }))
}
