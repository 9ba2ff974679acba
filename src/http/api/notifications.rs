//! Channels that tell people and programs: how they stand, a test, what was given up.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::{Body, Named, Params};
use crate::http::openapi::{BadRequest, NotFound, TakesBody};
use crate::live::{NotifyTest, NotifyTested};
use crate::settings::ChannelSettings;
use crate::store::{ChannelStanding, DeadDelivery};

/// Dead ones listed unless stated.
const USUAL: u32 = 100;

/// A channel of the settings and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelView {
    /// Its name.
    name: String,
    /// Over what it tells.
    kind: String,
    /// Where to, without what holds keys.
    url: String,
    /// Language of its messages.
    language: String,
    /// What it tells; empty is everything.
    events: Vec<String>,
    /// From which severity on.
    minimum_severity: String,
    /// What is not urgent waits until it opens.
    calendar: Option<String>,
    /// Seconds that are gathered into one message.
    digest_seconds: Option<u64>,
    /// How it stands.
    #[serde(flatten)]
    standing: ChannelStanding,
}

impl ChannelView {
    fn of(channel: &ChannelSettings, standings: &[ChannelStanding]) -> Self {
        let standing = standings.iter().find(|standing| standing.channel == channel.name).cloned();
        Self {
            name: channel.name.clone(),
            kind: channel.kind.name().to_owned(),
            url: channel.shown_url(),
            language: channel.language.tag().to_owned(),
            events: channel.events.clone(),
            minimum_severity: channel.minimum_severity.name().to_owned(),
            calendar: channel.calendar.as_ref().map(|calendar| calendar.name().to_owned()),
            digest_seconds: channel.digest.map(|digest| digest.as_secs()),
            standing: standing
                .unwrap_or_else(|| ChannelStanding { channel: channel.name.clone(), ..Default::default() }),
        }
    }
}

/// All channels.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelList {
    /// Those of the settings, in their order.
    channels: Vec<ChannelView>,
    /// Those that the settings no longer have, with what was given up.
    gone: Vec<ChannelStanding>,
}

/// What was given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadList {
    /// The newest event first.
    dead: Vec<DeadDelivery>,
}

/// Which dead ones are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DeadParams {
    /// Of this channel only.
    channel: Option<String>,
    /// At most so many, 1 to 1000.
    limit: Option<u32>,
}

/// What is tried again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedRetry {
    /// Of this channel only.
    #[serde(default)]
    channel: Option<String>,
    /// Of this event only.
    #[serde(default)]
    seq: Option<i64>,
}

/// What was asked to be tried again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retried {
    /// So many messages.
    retried: u64,
}

/// The channels of the settings and how they stand.
#[utoipa::path(get, path = "/api/v1/notifications/channels", operation_id = "listChannels", tag = "administration",
    responses((status = 200, description = "Channels.", body = ChannelList)))]
pub async fn channels(State(state): State<HttpState>) -> Result<Json<ChannelList>, Problem> {
    let standings = state.store.channel_standings().await?;
    let settings = state.settings.borrow().clone();
    let channels: Vec<ChannelView> =
        settings.notify.iter().map(|channel| ChannelView::of(channel, &standings)).collect();
    let is_known =
        |standing: &ChannelStanding| settings.notify.iter().any(|known| known.name == standing.channel);
    let gone = standings.into_iter().filter(|standing| !is_known(standing) && standing.dead > 0).collect();
    Ok(Json(ChannelList { channels, gone }))
}

/// Sends a real test message over a channel and says what its receiver answered.
#[utoipa::path(post, path = "/api/v1/notifications/channels/{name}/test", operation_id = "testChannel",
    tag = "administration",
    params(("name" = String, Path, description = "Name of the channel.", max_length = 64)),
    responses((status = 200, description = "What came of it.", body = NotifyTested), BadRequest, NotFound))]
pub async fn test(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
) -> Result<Json<NotifyTested>, Problem> {
    let (reply, answer) = oneshot::channel();
    tracing::info!(by = %caller.actor.0, channel = name, "asked for a test message");
    let order = NotifyTest { channel: name.clone(), by: caller.actor.0.clone(), reply };
    let busy = || Problem::say(Code::Unavailable, "workers_busy").retry_after(1);
    state.notify_tests.try_send(order).map_err(|_| busy())?;
    match answer.await {
        Ok(Some(tested)) => Ok(Json(tested)),
        Ok(None) => {
            let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
            Err(Problem::say(Code::NotFound, "no_channel").with("name", shown))
        }
        // The worker went away without a word: it is stopping.
        Err(_) => Err(Problem::say(Code::Unavailable, "stopping")),
    }
}

/// Messages that were given up, with the reason.
#[utoipa::path(get, path = "/api/v1/notifications/dead", operation_id = "listDeadNotifications",
    tag = "administration", params(DeadParams),
    responses((status = 200, description = "Messages that were given up.", body = DeadList), BadRequest))]
pub async fn dead(
    State(state): State<HttpState>,
    Params(wanted): Params<DeadParams>,
) -> Result<Json<DeadList>, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL);
    Ok(Json(DeadList { dead: state.store.dead_deliveries(wanted.channel.as_deref(), limit).await? }))
}

/// Tries again what was given up: all of it, of one channel, or of one event.
#[utoipa::path(post, path = "/api/v1/notifications/dead/retry", operation_id = "retryDeadNotifications",
    tag = "administration", request_body = WantedRetry,
    responses((status = 200, description = "How many are tried again.", body = Retried), TakesBody))]
pub async fn retry(
    State(state): State<HttpState>,
    caller: Caller,
    Body(wanted): Body<WantedRetry>,
) -> Result<Json<Retried>, Problem> {
    let retried = state.store.retry_dead(wanted.channel.as_deref(), wanted.seq).await?;
    tracing::info!(by = %caller.actor.0, retried, "asked to try dead messages again");
    Ok(Json(Retried { retried }))
}
