//! A call as it is kept: its streams with their windows, whose it is, what is wrong with it. Its numbers stand apart,
//! because they are sealed.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use linesman_media::capture::live::WindowRow;
use linesman_media::capture::report::{CallRow, Report, StreamRow};
use linesman_media::quality::report::WindowReport;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::POOR_MOS;
use super::book::Heard;
use super::cohort::Limits;
use super::passage::{self, KeptPassage};
use super::place::{Atlas, Direction, Ends, Place, Signalling};
use super::told::Told;

/// Windows kept of one stream: six hours.
const MOST_WINDOWS: usize = 2_160;
/// Streams kept of one call.
const MOST_STREAMS: usize = 32;
/// Sentences kept of what was found.
const MOST_FINDINGS: usize = 32;
/// A stream with fewer packets is not judged.
const FEWEST_PACKETS: u64 = 100;
/// The adaptive buffer among the simulated ones.
const ADAPTIVE: usize = 3;

/// Ten seconds of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeptWindow {
    /// Begin, after the stream's first packet.
    pub start_s: f64,
    /// Packets due.
    pub expected: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets too late for an adaptive buffer.
    pub late: u64,
    /// Largest jitter, ms.
    pub jitter_ms: Option<f64>,
    /// MOS, low and high.
    pub mos: Option<(f64, f64)>,
    /// What was wrong with our own measuring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurement_faults: Vec<String>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeptStream {
    /// Synchronisation source.
    pub ssrc: String,
    /// Who sends.
    pub source: String,
    /// Who receives.
    pub destination: String,
    /// Which way it flows.
    pub direction: Direction,
    /// Encoding name.
    pub codec: Option<String>,
    /// First packet.
    pub start: DateTime<Utc>,
    /// Last packet minus first.
    pub duration_s: f64,
    /// Packets due.
    pub expected: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Share lost.
    pub loss_ratio: f64,
    /// The same without windows in which our own measuring failed; none where none failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_ratio_without_faults: Option<f64>,
    /// Largest jitter, ms.
    pub jitter_ms: Option<f64>,
    /// MOS, low and high.
    pub mos: Option<(f64, f64)>,
    /// The model of the score.
    pub model: Option<String>,
    /// Why there is no score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_scorable: Option<String>,
    /// What its receiver says it lost; his word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_lost: Option<i64>,
    /// All that its receiver says of it; his word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// What was wrong with our own measuring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurement_faults: Vec<String>,
    /// Whether it is the caller who speaks; none where nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_caller: Option<bool>,
    /// Seconds that its packets of voice account for, and those of comfort noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_s: Option<(f64, f64)>,
    /// By ten seconds.
    pub windows: Vec<KeptWindow>,
}

/// Something found about a call, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptFinding {
    /// Its name, as of `linesman rtp analyze`.
    pub kind: String,
    /// What was seen.
    pub evidence: String,
    /// Whether it is the caller whose voice it is about; none where it is about both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_caller: Option<bool>,
}

/// What is kept of a call beside its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeptCall {
    /// Identity.
    pub id: String,
    /// Call-ID of its first dialog; none for media without signalling.
    pub call_id: Option<String>,
    /// First message or packet.
    pub started_at: DateTime<Utc>,
    /// Last packet, or the end of the signalling.
    pub ended_at: DateTime<Utc>,
    /// How far it came: calling, ringing, answered, ended, cancelled, failed; media for media without signalling.
    pub state: String,
    /// Final status code of the INVITE.
    pub status: Option<u16>,
    /// Landing trunk.
    pub trunk: Option<String>,
    /// Gateway.
    pub gateway: Option<String>,
    /// Customer.
    pub customer: Option<String>,
    /// Whether something is wrong with its voice.
    pub is_bad: bool,
    /// Share lost in its worst stream.
    pub loss_ratio: Option<f64>,
    /// MOS of its worst stream, low and high.
    pub mos: Option<(f64, f64)>,
    /// From the INVITE to the answer, ms.
    pub answer_ms: Option<f64>,
    /// From the answer to the end, s.
    pub talk_s: Option<f64>,
    /// Streams.
    pub streams: Vec<KeptStream>,
    /// What was found.
    pub findings: Vec<KeptFinding>,
    /// Each direction through our server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<KeptPassage>,
    /// Media was agreed on anew after the answer: it may have been on hold.
    #[serde(default)]
    pub renegotiated: bool,
    /// Fax by T.38 was agreed on.
    #[serde(default)]
    pub fax: bool,
    /// Hosts of its signalling and media: what it is found by.
    #[serde(default)]
    pub addresses: BTreeSet<String>,
    /// Identities that its other dialogs would have, as a ticket or an endpoint may name one of them.
    #[serde(default)]
    pub also: BTreeSet<String>,
}

/// A call with its numbers, as the signalling has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The call.
    pub call: KeptCall,
    /// Who called.
    pub from: Option<String>,
    /// Who was called.
    pub to: Option<String>,
}

/// Identity of a call by its Call-ID, or of a stream without one by its own name.
#[must_use]
pub fn identity(call_id: &str) -> String {
    let digest = Sha256::digest(call_id.as_bytes());
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// A window that somebody was told of, placed.
#[must_use]
pub fn heard(row: &WindowRow, atlas: &Atlas) -> Heard {
    let call = row.call.as_ref().map(|call| Signalling {
        caller: call.caller,
        callee: call.callee,
        from_caller: is_from_caller(call.direction),
        called: &call.called,
        legs: &call.ends,
    });
    let place = atlas.place(&Ends { source: row.source, destination: row.destination, call });
    let start = instant(row.window.start_ns);
    let length = chrono::TimeDelta::milliseconds((row.window.duration_s * 1e3) as i64);
    Heard {
        call: identity(row.call.as_ref().map_or(row.stream.as_str(), |call| call.call_id.as_str())),
        place,
        codec: row.codec.clone(),
        start,
        end: start + length,
        expected: row.window.expected,
        lost: row.window.lost,
        late: row.window.late.get(ADAPTIVE).copied().unwrap_or(0),
        jitter_ms: row.window.jitter_max_ms,
        mos: row.window.mos.map(|mos| (mos.low, mos.high)),
        told: row.told,
        ends: Some((row.source, row.destination)),
        is_faulty: !row.window.measurement_faults.is_empty(),
        is_test: false,
    }
}

fn is_from_caller(flow: linesman_media::capture::findings::Flow) -> bool {
    flow == linesman_media::capture::findings::Flow::FromCaller
}

/// Calls that are over, and media without signalling that is.
#[must_use]
pub fn ended(report: &Report, atlas: &Atlas, limits: &Limits) -> Vec<Ended> {
    let of_call = |call: &CallRow| -> Vec<&StreamRow> {
        let wanted: BTreeSet<&String> = call.streams.iter().collect();
        report.streams.iter().filter(|stream| wanted.contains(&stream.id)).take(MOST_STREAMS).collect()
    };
    let calls = report.calls.iter().map(|call| of_signalling(call, &of_call(call), atlas, limits));
    let alone = report.streams.iter().filter(|stream| stream.call_id.is_none());
    calls.chain(alone.map(|stream| of_media(stream, atlas, limits))).collect()
}

fn of_signalling(call: &CallRow, streams: &[&StreamRow], atlas: &Atlas, limits: &Limits) -> Ended {
    let legs: Vec<(SocketAddr, SocketAddr)> = call
        .legs
        .iter()
        .filter_map(|leg| Some((leg.caller.parse().ok()?, leg.callee.parse().ok()?)))
        .collect();
    let called = user(&call.to).unwrap_or_default();
    let mut place = Place::UNKNOWN;
    let mut kept = Vec::with_capacity(streams.len());
    let mut places: HashMap<&str, Place> = HashMap::with_capacity(streams.len());
    for stream in streams {
        let leg = call.legs.iter().find(|leg| Some(&leg.leg) == stream.leg.as_ref());
        let ends = leg.and_then(|leg| Some((leg.caller.parse().ok()?, leg.callee.parse().ok()?)));
        let signalling = ends.zip(stream.direction).map(|((caller, callee), flow)| Signalling {
            caller,
            callee,
            from_caller: is_from_caller(flow),
            called,
            legs: &legs,
        });
        let own = place_of(stream, signalling, atlas);
        kept.push(kept_stream(stream, own.direction));
        places.insert(&stream.id, own.clone());
        merge(&mut place, own);
    }
    // A call without media still has ends.
    for (caller, callee) in &legs {
        let signalling =
            Signalling { caller: *caller, callee: *callee, from_caller: true, called, legs: &legs };
        merge(
            &mut place,
            atlas.place(&Ends { source: *caller, destination: *callee, call: Some(signalling) }),
        );
    }
    let last = kept.iter().map(end_of).max();
    let started_at = call
        .start
        .as_deref()
        .and_then(|start| DateTime::parse_from_rfc3339(start).ok())
        .map(|start| start.to_utc())
        .or_else(|| kept.iter().map(|stream| stream.start).min())
        .unwrap_or_default();
    let spans = call.answer_ms.unwrap_or(0.0) + call.talk_s.unwrap_or(0.0) * 1e3;
    let ended_at =
        (started_at + chrono::TimeDelta::milliseconds(spans as i64)).max(last.unwrap_or(started_at));
    let also = call.call_ids.iter().map(|call_id| identity(call_id));
    let addresses = legs.iter().flat_map(|(caller, callee)| [caller.ip(), callee.ip()]);
    let addresses = addresses.map(|host| host.to_string()).chain(hosts(&kept)).collect();
    let findings = call.details.iter().take(MOST_FINDINGS).map(|finding| KeptFinding {
        kind: name_of(&finding.kind),
        evidence: finding.evidence.clone(),
        from_caller: finding.direction.map(is_from_caller),
    });
    let place_by_id = |id: &str| places.get(id).cloned().unwrap_or(Place::UNKNOWN);
    let passages = call.passages.iter().map(|it| passage::kept(it, place_by_id)).collect();
    let has_problem = call.findings.iter().any(|kind| kind.is_problem());
    Ended {
        call: finished(
            KeptCall {
                id: identity(&call.call_id),
                call_id: Some(call.call_id.clone()),
                started_at,
                ended_at,
                state: call.state.to_owned(),
                status: call.status,
                answer_ms: call.answer_ms,
                talk_s: call.talk_s,
                findings: findings.collect(),
                renegotiated: call.legs.iter().any(|leg| leg.renegotiations > 0),
                fax: call.legs.iter().any(|leg| leg.t38),
                passages,
                addresses,
                also: also.collect(),
                is_bad: has_problem,
                ..empty()
            },
            place,
            kept,
            limits,
        ),
        from: user(&call.from).map(str::to_owned),
        to: user(&call.to).map(str::to_owned),
    }
}

fn of_media(stream: &StreamRow, atlas: &Atlas, limits: &Limits) -> Ended {
    let place = place_of(stream, None, atlas);
    let kept = kept_stream(stream, place.direction);
    let call = KeptCall {
        id: identity(&stream.id),
        started_at: kept.start,
        ended_at: end_of(&kept),
        state: "media".to_owned(),
        addresses: hosts(std::slice::from_ref(&kept)).collect(),
        ..empty()
    };
    Ended { call: finished(call, place, vec![kept], limits), from: None, to: None }
}

fn empty() -> KeptCall {
    KeptCall {
        id: String::new(),
        call_id: None,
        started_at: DateTime::UNIX_EPOCH,
        ended_at: DateTime::UNIX_EPOCH,
        state: String::new(),
        status: None,
        trunk: None,
        gateway: None,
        customer: None,
        is_bad: false,
        loss_ratio: None,
        mos: None,
        answer_ms: None,
        talk_s: None,
        streams: Vec::new(),
        findings: Vec::new(),
        passages: Vec::new(),
        renegotiated: false,
        fax: false,
        addresses: BTreeSet::new(),
        also: BTreeSet::new(),
    }
}

/// With its streams and what is worst of them.
fn finished(mut call: KeptCall, place: Place, streams: Vec<KeptStream>, limits: &Limits) -> KeptCall {
    call.also.remove(&call.id);
    let judged = || streams.iter().filter(|stream| stream.expected >= FEWEST_PACKETS);
    let loss = |stream: &KeptStream| stream.loss_ratio_without_faults.unwrap_or(stream.loss_ratio);
    let is_poor = |stream: &KeptStream| {
        stream.measurement_faults.is_empty() && stream.mos.is_some_and(|(_, high)| high < POOR_MOS)
    };
    call.is_bad |= judged().any(|stream| loss(stream) >= limits.bad_loss || is_poor(stream));
    call.loss_ratio = judged().map(loss).reduce(f64::max);
    call.mos = judged().filter_map(|stream| stream.mos).min_by(|one, other| one.0.total_cmp(&other.0));
    call.trunk = place.trunk;
    call.gateway = place.gateway;
    call.customer = place.customer;
    call.streams = streams;
    call
}

fn merge(known: &mut Place, more: Place) {
    known.trunk = known.trunk.take().or(more.trunk);
    known.gateway = known.gateway.take().or(more.gateway);
    known.customer = known.customer.take().or(more.customer);
}

fn place_of(stream: &StreamRow, call: Option<Signalling<'_>>, atlas: &Atlas) -> Place {
    let (Ok(source), Ok(destination)) = (stream.src.parse(), stream.dst.parse()) else {
        return Place::UNKNOWN;
    };
    atlas.place(&Ends { source, destination, call })
}

fn kept_stream(stream: &StreamRow, direction: Direction) -> KeptStream {
    let quality = &stream.quality;
    KeptStream {
        ssrc: stream.ssrc.clone(),
        source: stream.src.clone(),
        destination: stream.dst.clone(),
        direction,
        codec: quality.codec.clone(),
        start: instant(quality.first_ns),
        duration_s: quality.duration_s,
        expected: quality.expected,
        lost: quality.lost,
        loss_ratio: quality.loss_ratio,
        loss_ratio_without_faults: stream.loss_ratio_without_faults,
        jitter_ms: quality.jitter_max_ms,
        mos: quality.mos.map(|mos| (mos.low, mos.high)),
        model: quality.model.name.map(str::to_owned),
        not_scorable: quality.model.not_scorable.clone(),
        told_lost: stream.rtcp.as_ref().and_then(|rtcp| rtcp.told.lost),
        told: stream.rtcp.as_ref().map(Told::of),
        measurement_faults: owned(&stream.measurement_faults),
        from_caller: stream.direction.map(is_from_caller),
        voice_s: quality.ptime_ms.map(|ptime_ms| {
            let lasting = |packets: u64| packets as f64 * ptime_ms / 1e3;
            let voice = quality.unique.saturating_sub(quality.comfort_noise + quality.events);
            (lasting(voice), lasting(quality.comfort_noise))
        }),
        windows: quality.windows.iter().take(MOST_WINDOWS).map(kept_window).collect(),
    }
}

fn kept_window(window: &WindowReport) -> KeptWindow {
    KeptWindow {
        start_s: window.start_s,
        expected: window.expected,
        lost: window.lost,
        late: window.late.get(ADAPTIVE).copied().unwrap_or(0),
        jitter_ms: window.jitter_max_ms,
        mos: window.mos.map(|mos| (mos.low, mos.high)),
        measurement_faults: owned(&window.measurement_faults),
    }
}

fn owned(names: &[&'static str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The name that a finding has in outputs.
fn name_of(kind: &linesman_media::capture::findings::Kind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn end_of(stream: &KeptStream) -> DateTime<Utc> {
    stream.start + chrono::TimeDelta::milliseconds((stream.duration_s * 1e3) as i64)
}

fn hosts(streams: &[KeptStream]) -> impl Iterator<Item = String> + '_ {
    let ends = streams.iter().flat_map(|stream| [&stream.source, &stream.destination]);
    ends.filter_map(|end| end.parse::<SocketAddr>().ok()).map(|end| end.ip().to_canonical().to_string())
}

/// The user part of `user@host`: mostly a number.
fn user(party: &str) -> Option<&str> {
    let (user, _) = party.split_once('@')?;
    Some(user).filter(|user| !user.is_empty())
}

fn instant(nanoseconds: i64) -> DateTime<Utc> {
    // Microseconds are what both databases keep.
    DateTime::from_timestamp_micros(nanoseconds.div_euclid(1_000)).unwrap_or_default()
}
