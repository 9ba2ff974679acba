//! What an analysis says, in the names of the contract.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::analysis::Analysis;
use super::call::{By, Dialog, Leg, Side, State, join};
use super::findings::{FarWord, Finding, Flow, Kind, MediaLeg, Passage, media_findings, passages};
use super::streams::{Heard, ReportedRow, Rtcp, StreamKey};
use crate::quality::report::StreamReport;
use crate::quality::score::{Assumptions, CodecTable};

/// The whole.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Packets read, of any kind.
    pub packets: u64,
    /// SIP messages among them.
    pub sip_messages: u64,
    /// Packets that looked like RTP and were followed by no second one; many are a flood.
    pub single_packets: u64,
    /// Streams, in the order of their first packet.
    pub streams: Vec<StreamRow>,
    /// Calls, in the order of their first INVITE.
    pub calls: Vec<CallRow>,
    /// What endpoints said of streams that were not seen: their word, not our measurement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<ReportedRow>,
    /// Files that could not be read to their end.
    pub broken: Vec<BrokenFile>,
    /// When each file was captured, first and last packet; files that follow each other at once are one. Nothing is
    /// known of any other time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub captured: Vec<[String; 2]>,
}

/// A file that could not be read to its end.
#[derive(Debug, Serialize)]
pub struct BrokenFile {
    /// Its name.
    pub file: String,
    /// Number of the packet where it broke, from 1.
    pub packet: u64,
    /// Why.
    pub reason: String,
}

/// One stream.
#[derive(Debug, Serialize)]
pub struct StreamRow {
    /// `SSRC@source>destination`, unique unless one call after the other used all three again.
    pub id: String,
    /// Synchronisation source.
    pub ssrc: String,
    /// Who sends.
    pub src: String,
    /// Who receives.
    pub dst: String,
    /// First packet.
    pub first: String,
    /// What was measured.
    #[serde(flatten)]
    pub quality: StreamReport,
    /// SRTP.
    pub encrypted: bool,
    /// Differentiated services code point of the latest packet.
    pub dscp: u8,
    /// What its receiver says about it by RTCP; none without a report.
    pub rtcp: Option<Rtcp>,
    /// The dialog that it belongs to.
    pub call_id: Option<String>,
    /// The leg within its call.
    pub leg: Option<String>,
    /// Which way it flows.
    pub direction: Option<Flow>,
    /// How its call is known: `sdp`, or `symmetric` where nobody announced its destination.
    pub attributed_by: Option<&'static str>,
    /// What was wrong with our own measuring meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measurement_faults: Vec<&'static str>,
    /// Loss in the windows without such a fault; none where all have one, or none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_ratio_without_faults: Option<f64>,
}

/// One call, all dialogs that belong to it.
#[derive(Debug, Serialize)]
pub struct CallRow {
    /// Call-ID of the first dialog.
    pub call_id: String,
    /// Call-IDs of all its dialogs.
    pub call_ids: Vec<String>,
    /// Who called.
    pub from: String,
    /// Who was called.
    pub to: String,
    /// How far it came: calling, ringing, answered, ended, cancelled, failed.
    pub state: &'static str,
    /// Final status code of the INVITE.
    pub status: Option<u16>,
    /// First INVITE.
    pub start: Option<String>,
    /// From the INVITE to the first response that tells of progress: the post-dial delay.
    pub setup_ms: Option<f64>,
    /// From the INVITE to the answer.
    pub answer_ms: Option<f64>,
    /// From the answer to the end.
    pub talk_s: Option<f64>,
    /// Who hung up.
    pub hung_up_by: Option<&'static str>,
    /// Identifiers of its streams.
    pub streams: Vec<String>,
    /// Names of what was found.
    pub findings: Vec<Kind>,
    /// The same with its evidence.
    pub details: Vec<Finding>,
    /// Its legs.
    pub legs: Vec<LegRow>,
    /// Each direction through the server, where both sides were seen.
    pub passages: Vec<Passage>,
}

/// One leg.
#[derive(Debug, Serialize)]
pub struct LegRow {
    /// Its number within the call.
    pub leg: String,
    /// Its dialog.
    pub call_id: String,
    /// Where the caller's side signals from.
    pub caller: String,
    /// Where the callee's side is signalled to.
    pub callee: String,
    /// How far it came.
    pub state: &'static str,
    /// Signalling hops that share its media.
    pub hops: usize,
    /// Times that the media was described anew after the answer.
    pub renegotiations: usize,
    /// Fax by T.38 was agreed on.
    pub t38: bool,
    /// Media was announced before the answer.
    pub early_media: bool,
}

impl Report {
    /// What an analysis came to.
    #[must_use]
    pub fn of(analysis: &Analysis, codecs: &CodecTable, assumptions: &Assumptions) -> Self {
        let heard = analysis.streams.heard();
        let away: HashMap<StreamKey, f64> = heard.iter().filter_map(round_trip).collect();
        let reports: Vec<_> = heard
            .iter()
            .map(|one| {
                let network_delay_ms = assumptions.network_delay_ms.or_else(|| delay(one, &away));
                one.stream.report(codecs, &Assumptions { network_delay_ms, ..*assumptions })
            })
            .collect();
        let of_dialog = of_dialog(heard);
        let dialogs = analysis.calls.dialogs();
        let mut hosts: HashSet<IpAddr> =
            heard.iter().flat_map(|heard| [heard.key.source.ip(), heard.key.destination.ip()]).collect();
        hosts.extend(&analysis.hosts);
        let mut named: Vec<Option<String>> = vec![None; heard.len()];
        let mut calls = Vec::new();
        for group in groups(analysis, &of_dialog) {
            let streams = Sources { heard, reports: &reports, of_dialog: &of_dialog, hosts: &hosts };
            calls.extend(call_row(analysis, &group, &streams, &mut named));
        }
        let mut order: Vec<usize> = (0..heard.len()).collect();
        order.sort_by_key(|index| (heard[*index].first, *index));
        let mut reports: Vec<_> = reports.into_iter().map(Some).collect();
        let streams = order
            .into_iter()
            .filter_map(|index| {
                let quality = reports[index].take()?;
                Some(stream_row(&heard[index], quality, dialogs, named[index].take()))
            })
            .collect();
        Self {
            packets: analysis.packets,
            sip_messages: analysis.sip_messages,
            single_packets: analysis.streams.forgotten(),
            streams,
            calls,
            reported: Vec::new(),
            broken: Vec::new(),
            captured: Vec::new(),
        }
    }

    /// Whether anything is wrong: a finding that is a problem, a stream that is bad whatever is assumed, or
    /// a file that broke.
    #[must_use]
    pub fn has_problem(&self) -> bool {
        let bad = |stream: &StreamRow| {
            stream.measurement_faults.is_empty() && stream.quality.mos.is_some_and(|mos| mos.high < 3.6)
        };
        !self.broken.is_empty()
            || self.calls.iter().any(|call| call.findings.iter().any(|kind| kind.is_problem()))
            || self.streams.iter().any(bad)
    }
}

/// Which streams belong to each dialog.
pub(super) fn of_dialog(heard: &[Heard]) -> BTreeMap<u32, Vec<usize>> {
    let mut of_dialog: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, heard) in heard.iter().enumerate() {
        if let Some(attribution) = &heard.attribution {
            of_dialog.entry(attribution.leg.dialog).or_default().push(index);
        }
    }
    of_dialog
}

/// The dialogs of each call.
pub(super) fn groups(analysis: &Analysis, of_dialog: &BTreeMap<u32, Vec<usize>>) -> Vec<Vec<u32>> {
    let (dialogs, heard) = (analysis.calls.dialogs(), analysis.streams.heard());
    let same_media = |one: u32, other: u32| {
        join::share_an_address(&dialogs[one as usize], &dialogs[other as usize])
            || share_an_ssrc(heard, of_dialog.get(&one), of_dialog.get(&other))
    };
    join::join(&analysis.calls, same_media)
}

fn round_trip(heard: &Heard) -> Option<(StreamKey, f64)> {
    // Only where a stream goes matters: that is whose distance its reports tell.
    let key = StreamKey { ssrc: 0, ..heard.key };
    Some((key, heard.far_end.as_ref()?.round_trip_ms()?))
}

/// One way between the ends: half of the round trips from the point of capture to both of them.
fn delay(one: &Heard, away: &HashMap<StreamKey, f64>) -> Option<f64> {
    let there = StreamKey { ssrc: 0, ..one.key };
    let back = StreamKey { source: there.destination, destination: there.source, ssrc: 0 };
    Some((away.get(&there)? + away.get(&back)?) / 2.0)
}

/// What a stream's receiver says: the loss that it counts of what was seen to be due, else that of its XR block, else
/// that of its telephone's own report.
fn far_word(heard: &Heard, report: &StreamReport) -> FarWord {
    let Some(far_end) = heard.far_end.as_ref() else { return FarWord::default() };
    let told = far_end.report().map(|rtcp| rtcp.told);
    let (told, published) = (told.as_ref(), far_end.published());
    let xr = told.and_then(|told| told.voip_metrics.as_ref());
    let counted = told.and_then(|told| told.lost).filter(|_| report.expected > 0);
    let loss = counted.map(|lost| (lost as f64 / report.expected as f64).clamp(0.0, 1.0));
    let share = |of_256: u8| f64::from(of_256) / 256.0;
    let jitters = [told.and_then(|told| told.jitter_max_ms), published.and_then(|said| said.jitter_ms)];
    FarWord {
        loss: loss
            .or(xr.map(|metrics| share(metrics.loss_rate)))
            .or(published.and_then(|said| said.loss_ratio)),
        discarded: xr
            .map(|metrics| share(metrics.discard_rate))
            .or(published.and_then(|said| said.discard_ratio)),
        jitter_ms: jitters.into_iter().flatten().reduce(f64::max),
    }
}

/// The streams with their records, by dialog.
struct Sources<'a> {
    heard: &'a [Heard],
    reports: &'a [StreamReport],
    of_dialog: &'a BTreeMap<u32, Vec<usize>>,
    /// Whose media the capture holds.
    hosts: &'a HashSet<IpAddr>,
}

fn share_an_ssrc(heard: &[Heard], one: Option<&Vec<usize>>, other: Option<&Vec<usize>>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one.iter().any(|index| other.iter().any(|other| heard[*index].key.ssrc == heard[*other].key.ssrc))
}

/// A leg of a call with the hops that only hand its media on.
struct Hops<'a> {
    dialog: u32,
    leg: &'a Leg,
    places: Vec<(u32, u8)>,
}

/// The legs of a call in order; those that describe the same media as an earlier one count as its hops.
fn legs_of<'a>(dialogs: &'a [Dialog], group: &[u32]) -> Vec<Hops<'a>> {
    let mut legs: Vec<Hops<'a>> = Vec::new();
    for dialog in group {
        for (place, leg) in (0_u8..).zip(&dialogs[*dialog as usize].legs) {
            match legs.iter_mut().find(|known| known.leg.same_media(leg)) {
                Some(known) => known.places.push((*dialog, place)),
                None => legs.push(Hops { dialog: *dialog, leg, places: vec![(*dialog, place)] }),
            }
        }
    }
    legs
}

fn call_row(
    analysis: &Analysis,
    group: &[u32],
    sources: &Sources<'_>,
    named: &mut [Option<String>],
) -> Option<CallRow> {
    let dialogs = analysis.calls.dialogs();
    let first = &dialogs[*group.first()? as usize];
    let head = first.legs.first()?;
    let legs = legs_of(dialogs, group);
    let mut media = Vec::with_capacity(legs.len());
    let mut rows = Vec::with_capacity(legs.len());
    let mut all_streams = Vec::new();
    for (number, hops) in (1..).zip(&legs) {
        let name = number.to_string();
        let mut leg = MediaLeg { name: name.clone(), leg: hops.leg, streams: Vec::new() };
        for (dialog, place) in &hops.places {
            for index in sources.of_dialog.get(dialog).into_iter().flatten() {
                let heard = &sources.heard[*index];
                let Some(attribution) = heard.attribution.as_ref().filter(|found| found.leg.leg == *place)
                else {
                    continue;
                };
                leg.streams.push((attribution.to, heard, &sources.reports[*index]));
                named[*index] = Some(name.clone());
                all_streams.push((heard.first, heard.key.to_string()));
            }
        }
        rows.push(leg_row(name, dialogs, hops));
        media.push(leg);
    }
    let mut details: Vec<Finding> = media
        .iter()
        .flat_map(|leg| media_findings(leg, analysis.last, |address| sources.hosts.contains(&address.ip())))
        .collect();
    let passages = passages(&media, far_word);
    details.extend(passages.iter().flat_map(Passage::findings));
    let mut findings: Vec<_> = details.iter().map(|finding| finding.kind).collect();
    findings.sort_unstable();
    findings.dedup();
    all_streams.sort();
    let state = head.state();
    Some(CallRow {
        call_id: first.call_id.clone(),
        call_ids: group.iter().map(|dialog| dialogs[*dialog as usize].call_id.clone()).collect(),
        from: first.from.address(),
        to: first.to.address(),
        state: state.name(),
        status: (head.status != 0).then_some(head.status),
        start: head.invited.map(rfc3339),
        setup_ms: span_ms(head.invited, head.progress),
        answer_ms: span_ms(head.invited, head.answered),
        talk_s: span_ms(head.answered, head.ended).map(|milliseconds| milliseconds / 1e3),
        hung_up_by: match (state, head.hung_up) {
            (State::Ended, Some(Side::Caller)) => Some("caller"),
            (State::Ended, Some(Side::Callee)) => Some("callee"),
            _ => None,
        },
        streams: all_streams.into_iter().map(|(_, id)| id).collect(),
        findings,
        details,
        legs: rows,
        passages,
    })
}

fn leg_row(leg: String, dialogs: &[Dialog], hops: &Hops<'_>) -> LegRow {
    let of = hops.leg;
    let said = || [Side::Caller, Side::Callee].into_iter().flat_map(|side| of.described(side));
    LegRow {
        leg,
        call_id: dialogs[hops.dialog as usize].call_id.clone(),
        caller: of.caller.to_string(),
        callee: of.callee.to_string(),
        state: of.state().name(),
        hops: hops.places.len(),
        renegotiations: of
            .answered
            .map_or(0, |answered| of.described(Side::Caller).iter().filter(|said| said.at > answered).count())
            .max(of.answered.map_or(0, |answered| {
                of.described(Side::Callee).iter().filter(|said| said.at > answered).count()
            })),
        t38: said().any(|said| said.session.first(super::sip::MediaKind::Fax).is_some()),
        early_media: of.early_media.is_some(),
    }
}

fn stream_row(heard: &Heard, quality: StreamReport, dialogs: &[Dialog], leg: Option<String>) -> StreamRow {
    let attribution = heard.attribution.as_ref();
    StreamRow {
        id: heard.key.to_string(),
        ssrc: format!("{:#010x}", heard.key.ssrc),
        src: heard.key.source.to_string(),
        dst: heard.key.destination.to_string(),
        first: rfc3339(heard.first),
        quality,
        encrypted: heard.encrypted,
        dscp: heard.dscp,
        rtcp: heard.far_end.as_ref().and_then(|far_end| far_end.report()),
        call_id: attribution
            .and_then(|of| dialogs.get(of.leg.dialog as usize))
            .map(|dialog| dialog.call_id.clone()),
        leg,
        direction: attribution.map(|of| Flow::towards(of.to)),
        attributed_by: attribution.map(|of| match of.by {
            By::Destination => "sdp",
            By::Source => "symmetric",
        }),
        measurement_faults: Vec::new(),
        loss_ratio_without_faults: None,
    }
}

fn span_ms(from: Option<i64>, until: Option<i64>) -> Option<f64> {
    // Microseconds are as exact as any capture, and print short.
    from.zip(until).map(|(from, until)| ((until - from) / 1_000) as f64 / 1e3)
}

/// A moment as reports write it.
#[must_use]
pub fn rfc3339(at: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(at).to_rfc3339_opts(SecondsFormat::Micros, true)
}
