//! Calls that were listened to: found by number, address and time; their windows; what is wrong with them.
//!
//! Numbers are masked in every list. One call is shown with them to the NOC and above, and each such look is in the
//! privacy trail before the answer is. A number in an address stands in the logs of proxies: POST `/calls/lookup`
//! keeps it out of there.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named, Params};
use crate::http::openapi::{BadRequest, Invalid, NotFound, TakesBody};
use crate::privacy::{Sight, mask};
use crate::store::customers::CustomerId;
use crate::store::{CallCursor, CallFilter, Role, StoredCall};
use crate::voice::call::{KeptCall, KeptFinding, KeptStream};
use crate::voice::passage::KeptPassage;
use crate::voice::told::EndpointWord;

use super::paging::{limit, next_link};

/// A call in a list.
#[derive(Serialize, ToSchema)]
pub struct CallView {
    /// Identity.
    pub(in crate::http) id: String,
    /// Whether its numbers are masked.
    pub(in crate::http) masked: bool,
    /// Who called; `null` where nobody said or no key was there.
    pub(in crate::http) from: Option<String>,
    /// Who was called.
    pub(in crate::http) to: Option<String>,
    /// First message or packet.
    pub(in crate::http) started_at: DateTime<Utc>,
    /// Last packet, or the end of the signalling.
    pub(in crate::http) ended_at: DateTime<Utc>,
    /// calling, ringing, answered, ended, cancelled, failed; `media` for media without signalling.
    pub(in crate::http) state: String,
    /// Final status code of the INVITE.
    pub(in crate::http) status: Option<u16>,
    /// Landing trunk.
    pub(in crate::http) trunk: Option<String>,
    /// Gateway.
    pub(in crate::http) gateway: Option<String>,
    /// Customer.
    pub(in crate::http) customer: Option<String>,
    /// Whether something is wrong with its voice.
    pub(in crate::http) bad: bool,
    /// Share lost in its worst stream.
    pub(in crate::http) loss_ratio: Option<f64>,
    /// MOS of its worst stream, low and high.
    pub(in crate::http) mos: Option<(f64, f64)>,
    /// From the answer to the end, s.
    pub(in crate::http) talk_s: Option<f64>,
}

/// A whole call.
#[derive(Serialize, ToSchema)]
pub struct CallDetail {
    #[serde(flatten)]
    pub(in crate::http) call: CallView,
    /// Call-ID of its first dialog; for whoever sees the numbers.
    pub(in crate::http) call_id: Option<String>,
    /// From the INVITE to the answer, ms.
    pub(in crate::http) answer_ms: Option<f64>,
    /// Streams with their windows.
    pub(in crate::http) streams: Vec<KeptStream>,
    /// What was found; for whoever sees the numbers with its evidence.
    pub(in crate::http) findings: Vec<KeptFinding>,
    /// Each direction through our server: what was lost before, in and behind it.
    pub(in crate::http) passages: Vec<KeptPassage>,
    /// What endpoints say of streams that were not seen here: their word, not our measurement.
    pub(in crate::http) told: Vec<EndpointWord>,
    /// Hosts of its signalling and media.
    pub(in crate::http) addresses: Vec<String>,
}

/// A page of calls.
#[derive(Serialize, ToSchema)]
pub struct CallList {
    /// The latest first.
    calls: Vec<CallView>,
    /// `cursor` of the next page; `null` at the end.
    next: Option<String>,
}

/// Which calls; everything stated must fit.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CallQuery {
    /// Who called or was called, however it is written.
    #[param(max_length = 128)]
    #[schema(max_length = 128)]
    number: Option<String>,
    /// Host of its signalling or media, as `192.0.2.1`.
    #[param(max_length = 64)]
    #[schema(max_length = 64)]
    address: Option<String>,
    /// Landing trunk.
    #[param(max_length = 200)]
    #[schema(max_length = 200)]
    trunk: Option<String>,
    /// Gateway.
    #[param(max_length = 200)]
    #[schema(max_length = 200)]
    gateway: Option<String>,
    /// Customer of the inventory.
    #[param(max_length = 200)]
    #[schema(max_length = 200)]
    customer: Option<String>,
    /// Only calls with something wrong, or only the others.
    bad: Option<bool>,
    /// Begun at or after.
    from: Option<DateTime<Utc>>,
    /// Begun before.
    to: Option<DateTime<Utc>>,
    /// At most so many; 50 unless stated.
    #[param(minimum = 1, maximum = 500)]
    #[schema(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    #[schema(max_length = 200)]
    cursor: Option<String>,
}

fn view(stored: &StoredCall, sight: Sight) -> CallView {
    let StoredCall { call, from, to } = stored;
    let number = |number: &Option<crate::privacy::Personal>| number.as_ref().map(|it| mask::phone(it, sight));
    CallView {
        id: call.id.clone(),
        masked: sight == Sight::Masked,
        from: number(from),
        to: number(to),
        started_at: call.started_at,
        ended_at: call.ended_at,
        state: call.state.clone(),
        status: call.status,
        trunk: call.trunk.clone(),
        gateway: call.gateway.clone(),
        customer: call.customer.clone(),
        bad: call.is_bad,
        loss_ratio: call.loss_ratio,
        mos: call.mos,
        talk_s: call.talk_s,
    }
}

fn detail(stored: StoredCall, told: Vec<EndpointWord>, sight: Sight) -> CallDetail {
    let view = view(&stored, sight);
    let KeptCall { call_id, answer_ms, streams, findings, passages, addresses, .. } = stored.call;
    let is_clear = sight == Sight::Clear;
    CallDetail {
        call: view,
        // Some servers write numbers into it.
        call_id: call_id.filter(|_| is_clear),
        answer_ms,
        streams,
        findings: findings
            .into_iter()
            .map(|found| if is_clear { found } else { KeptFinding { evidence: String::new(), ..found } })
            .collect(),
        passages,
        told,
        addresses: addresses.into_iter().collect(),
    }
}

fn write_cursor(call: &KeptCall) -> String {
    format!("{:x}.{}", call.started_at.timestamp_micros(), call.id)
}

fn read_cursor(text: &str) -> Option<CallCursor> {
    let (micros, id) = text.split_once('.')?;
    let started_at = DateTime::from_timestamp_micros(i64::from_str_radix(micros, 16).ok()?)?;
    let sound = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then(|| CallCursor { started_at, id: id.to_owned() })
}

async fn page(state: &HttpState, query: CallQuery) -> Result<CallList, Problem> {
    let mut flaws = Vec::new();
    let most = limit(query.limit, 50, 500).unwrap_or_else(|flaw| {
        flaws.push(flaw);
        50
    });
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        flaws.push(Flaw::at("?from", "span"));
    }
    let address = match query.address.as_deref().map(|address| address.trim().parse::<std::net::IpAddr>()) {
        None => None,
        Some(Ok(address)) => Some(address.to_canonical().to_string()),
        Some(Err(_)) => {
            flaws.push(Flaw::at("?address", "host_address"));
            None
        }
    };
    let after = query.cursor.as_deref().map(read_cursor);
    if after == Some(None) {
        flaws.push(Flaw::at("?cursor", "wrong_cursor"));
    }
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let after = after.flatten();
    let filter = CallFilter {
        number: query.number,
        address,
        trunk: query.trunk,
        gateway: query.gateway,
        customer: query.customer,
        is_bad: query.bad,
        from: query.from,
        to: query.to,
    };
    let country = state.settings.borrow().privacy.country_code.clone();
    let found = state.store.calls(&filter, &country, after.as_ref(), most).await?;
    // A full page may be the last one: then the next is empty.
    let next = found.last().filter(|_| found.len() >= most as usize).map(|last| write_cursor(&last.call));
    Ok(CallList { calls: found.iter().map(|stored| view(stored, Sight::Masked)).collect(), next })
}

/// Calls that were listened to, the latest first, numbers masked. Everything stated must fit.
#[utoipa::path(get, path = "/api/v1/calls", operation_id = "listCalls", tag = "calls",
    params(CallQuery),
    responses(
        (status = 200, description = "A page of calls.", body = CallList,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`; absent at the end."))),
        BadRequest, Invalid))]
pub async fn list(
    State(state): State<HttpState>,
    uri: Uri,
    Params(query): Params<CallQuery>,
) -> Result<Response, Problem> {
    let list = page(&state, query).await?;
    let link = next_link(&uri, "cursor", list.next.as_deref());
    Ok((link, Json(list)).into_response())
}

/// The same with the question in the body, so that a number stands in no log of a proxy.
#[utoipa::path(post, path = "/api/v1/calls/lookup", operation_id = "lookUpCalls", tag = "calls",
    request_body = CallQuery,
    responses((status = 200, description = "A page of calls.", body = CallList), TakesBody))]
pub async fn lookup(
    State(state): State<HttpState>,
    Body(query): Body<CallQuery>,
) -> Result<Json<CallList>, Problem> {
    Ok(Json(page(&state, query).await?))
}

/// One call with its streams and windows; by its own identity or that of one of its legs, as a ticket names it. Its
/// numbers in clear for the NOC and above.
#[utoipa::path(get, path = "/api/v1/calls/{call}", operation_id = "getCall", tag = "calls",
    params(("call" = String, Path, description = "Identity.", max_length = 64)),
    responses((status = 200, description = "The call.", body = CallDetail), BadRequest, NotFound))]
pub async fn one(
    State(state): State<HttpState>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<CallDetail>, Problem> {
    find_for(&state, &caller, &id).await.map(Json)
}

/// A call as its reader may see it; that he saw its numbers is in the privacy trail before he does.
pub(in crate::http) async fn find_for(
    state: &HttpState,
    caller: &Caller,
    id: &str,
) -> Result<CallDetail, Problem> {
    let shown: String = id.chars().filter(|character| !character.is_control()).take(64).collect();
    let found = state.store.call(&shown).await?;
    let stored = found.ok_or_else(|| Problem::say(Code::NotFound, "no_call").with("call", shown))?;
    let sight = if caller.role.covers(Role::Noc) { Sight::Clear } else { Sight::Masked };
    if sight == Sight::Clear && (stored.from.is_some() || stored.to.is_some()) {
        let trail = CustomerId(format!("call/{}", stored.call.id));
        state.store.note_read(&trail, &caller.actor, "call").await?;
    }
    let ids: Vec<String> = std::iter::once(&stored.call.id).chain(&stored.call.also).cloned().collect();
    let told = state.store.words_of(&ids).await?;
    Ok(detail(stored, told, sight))
}
