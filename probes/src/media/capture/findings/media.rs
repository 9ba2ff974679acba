//! Findings of one leg: who was heard, when, in what, and from where.

use super::{Finding, Flow, Kind, seconds};
use crate::capture::call::{By, Leg, Side};
use crate::capture::net::Endpoint;
use crate::capture::sip::{Direction, MediaKind};
use crate::capture::streams::Heard;
use crate::quality::report::{Finding as StreamFinding, StreamReport};

/// Shorter conversations prove nothing about silence.
const SHORTEST_TALK: i64 = 2_000_000_000;
/// Media that begins later than this after the answer cuts off the greeting.
const LATE: i64 = 1_000_000_000;
/// A side is heard with at least this many packets: half a second.
const HEARD: u64 = 25;
/// The callee's media may overtake its answer on the way.
const OVERTAKING: i64 = 200_000_000;
/// Below this even the best assumption means many dissatisfied users (G.109 with G.107 annex B).
const POOR_MOS: f64 = 3.6;

/// A leg with the streams that belong to it; hops that leave the media alone count as one.
pub struct MediaLeg<'a> {
    /// Its number within the call.
    pub name: String,
    /// Its signalling.
    pub leg: &'a Leg,
    /// Who receives, the stream, its record.
    pub streams: Vec<(Side, &'a Heard, &'a StreamReport)>,
}

impl MediaLeg<'_> {
    /// The streams towards a side.
    pub fn towards(&self, side: Side) -> impl Iterator<Item = (&Heard, &StreamReport)> {
        self.streams.iter().filter(move |(to, ..)| *to == side).map(|(_, heard, report)| (*heard, *report))
    }

    /// The stream towards a side that carries most.
    #[must_use]
    pub fn main(&self, side: Side) -> Option<(&Heard, &StreamReport)> {
        self.towards(side).max_by_key(|(heard, _)| heard.packets)
    }

    fn finding(&self, kind: Kind, to: Option<Side>, evidence: String) -> Finding {
        Finding { kind, leg: Some(self.name.clone()), direction: to.map(Flow::towards), evidence }
    }
}

const fn whom(side: Side) -> &'static str {
    match side {
        Side::Caller => "the caller",
        Side::Callee => "the callee",
    }
}

/// All findings of a leg. `last` is the end of the capture; `visible` whether it holds media of a host.
#[must_use]
pub fn media_findings(media: &MediaLeg<'_>, last: i64, visible: impl Fn(Endpoint) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    silence(media, last, visible, &mut found);
    timing(media, &mut found);
    symmetry(media, &mut found);
    for side in [Side::Caller, Side::Callee] {
        address(media, side, &mut found);
        of_streams(media, side, &mut found);
    }
    found
}

/// The time between answer and end, where there was one.
fn talk(leg: &Leg, last: i64) -> Option<(i64, i64)> {
    let answered = leg.answered?;
    Some((answered, leg.ended.unwrap_or(last).max(answered)))
}

/// How long a side was to be heard within a time, by what both had agreed on.
fn agreed(leg: &Leg, to: Side, from: i64, until: i64) -> i64 {
    let mut edges: Vec<i64> = [Side::Caller, Side::Callee]
        .into_iter()
        .flat_map(|side| leg.described(side).iter().map(|said| said.at))
        .filter(|at| (from..until).contains(at))
        .collect();
    edges.extend([from, until]);
    edges.sort_unstable();
    let mut sum = 0;
    for pair in edges.windows(2) {
        let way = |side: Side, test: fn(Direction) -> bool| {
            leg.audio_at(side, pair[0]).is_some_and(|audio| {
                test(audio.direction)
                    && !audio.address.is_some_and(|address| address.is_unspecified() && side == to)
            })
        };
        if way(to.other(), Direction::sends) && way(to, Direction::receives) {
            sum += pair[1] - pair[0];
        }
    }
    sum
}

fn silence(media: &MediaLeg<'_>, last: i64, visible: impl Fn(Endpoint) -> bool, found: &mut Vec<Finding>) {
    let Some((answered, ended)) = talk(media.leg, last) else { return };
    let heard = |to: Side| -> u64 {
        media.towards(to).filter(|(heard, _)| heard.last > answered).map(|(heard, _)| heard.packets).sum()
    };
    let due = |to: Side| agreed(media.leg, to, answered, ended) >= SHORTEST_TALK;
    let (to_caller, to_callee) = (heard(Side::Caller), heard(Side::Callee));
    let length = seconds(ended - answered);
    if to_caller == 0 && to_callee == 0 {
        // Where the media of neither end passes the capture, its absence says nothing.
        let seen = [Side::Caller, Side::Callee].into_iter().any(|side| {
            let audio = media.leg.audio_at(side, answered);
            audio.and_then(|audio| audio.address).is_some_and(&visible)
        });
        if seen && due(Side::Caller) && due(Side::Callee) {
            let evidence = format!("answered for {length:.1} s, and no RTP was seen in either direction");
            found.push(media.finding(Kind::NoMedia, None, evidence));
        }
        return;
    }
    for (to, missing, other) in [(Side::Caller, to_caller, to_callee), (Side::Callee, to_callee, to_caller)] {
        if missing == 0 && other >= HEARD && due(to) {
            let (silent, hearing) = (whom(to.other()), whom(to));
            let evidence = format!(
                "in {length:.1} s of conversation {silent} sent no RTP that was seen, {hearing} sent {other} packets"
            );
            found.push(media.finding(Kind::OneWayAudio, Some(to), evidence));
        }
    }
}

fn timing(media: &MediaLeg<'_>, found: &mut Vec<Finding>) {
    let leg = media.leg;
    let Some(answered) = leg.answered else { return };
    for to in [Side::Caller, Side::Callee] {
        let Some(first) = media.towards(to).map(|(heard, _)| heard.first).min() else { continue };
        let wait = first - answered;
        if wait > LATE && agreed(leg, to, answered, first) > LATE {
            let evidence =
                format!("{}'s first RTP came {:.2} s after the answer", whom(to.other()), seconds(wait));
            found.push(media.finding(Kind::LateMedia, Some(to), evidence));
        }
        let announced = leg.early_media.is_some_and(|early| early <= first + OVERTAKING);
        if to == Side::Caller && leg.invited.is_some() && wait < -OVERTAKING && !announced {
            let evidence = format!(
                "the callee's RTP began {:.2} s before the answer, announced by no 18x",
                seconds(-wait)
            );
            found.push(media.finding(Kind::MediaBeforeAnswer, Some(to), evidence));
        }
    }
}

fn symmetry(media: &MediaLeg<'_>, found: &mut Vec<Finding>) {
    let (Some((_, there)), Some((_, back))) = (media.main(Side::Callee), media.main(Side::Caller)) else {
        return;
    };
    if let (Some(one), Some(other)) = (&there.codec, &back.codec)
        && !one.eq_ignore_ascii_case(other)
    {
        let evidence = format!("the caller sends {one}, the callee {other}");
        found.push(media.finding(Kind::CodecAsymmetry, None, evidence));
    }
    if let (Some(one), Some(other)) = (there.ptime_ms, back.ptime_ms)
        && (one - other).abs() >= 1.0
    {
        let evidence = format!("the caller sends every {one:.0} ms, the callee every {other:.0} ms");
        found.push(media.finding(Kind::PtimeAsymmetry, None, evidence));
    }
}

/// Whether a side's media comes from where it asked for it to be sent.
fn address(media: &MediaLeg<'_>, side: Side, found: &mut Vec<Finding>) {
    let Some((sent, _)) = media.main(side.other()) else { return };
    let announced = |at: i64| media.leg.audio_at(side, at).and_then(|audio| audio.address);
    let Some(wanted) = announced(sent.last).filter(|address| !address.is_unspecified()) else { return };
    let real = sent.key.source;
    let named: Vec<Endpoint> = media
        .leg
        .described(side)
        .iter()
        .flat_map(|said| said.session.media.iter())
        .filter(|media| media.kind == MediaKind::Audio)
        .filter_map(|media| media.address)
        .collect();
    if named.iter().any(|named| named.same_host(real)) {
        return;
    }
    let reached = media.towards(side).any(|(heard, _)| heard.key.destination == wanted);
    let learned = sent.attribution.is_some()
        && media.towards(side).any(|(heard, _)| {
            heard.key.destination.same_host(real)
                && heard.attribution.as_ref().is_some_and(|by| by.by == By::Source)
        });
    // Sending from another public address than one receives at is allowed, and heard all the same.
    if !wanted.is_private() && reached && !learned {
        return;
    }
    let cure = if learned { "; the other side answers to where it came from" } else { "" };
    let evidence = format!("{} announced {wanted} but its media comes from {real}{cure}", whom(side));
    found.push(media.finding(Kind::WrongAddress, Some(side.other()), evidence));
}

fn of_streams(media: &MediaLeg<'_>, to: Side, found: &mut Vec<Finding>) {
    let from = whom(to.other());
    let all: Vec<_> = media.towards(to).collect();
    let packets: u64 = all.iter().map(|(heard, _)| heard.packets).sum();
    if packets < HEARD {
        return;
    }
    if all.iter().all(|(_, report)| report.findings.contains(&StreamFinding::Silent)) {
        let evidence = format!("{from} sent {packets} packets, all comfort noise or digital silence");
        found.push(media.finding(Kind::SilentLeg, Some(to), evidence));
    }
    let unmarked: u64 = all.iter().map(|(heard, _)| heard.unmarked).sum();
    if unmarked == packets {
        let evidence =
            format!("all {packets} packets from {from} have code point 0; voice is marked EF (46)");
        found.push(media.finding(Kind::DscpMissing, Some(to), evidence));
    }
    for (heard, report) in all {
        if report.findings.contains(&StreamFinding::ClockDrift)
            && let Some(drift) = report.clock_drift_ppm
        {
            let evidence = format!("{from}'s clock is {drift:+.0} ppm off that of the capture");
            found.push(media.finding(Kind::ClockDrift, Some(to), evidence));
        }
        if let Some(mos) = report.mos
            && heard.packets >= HEARD
            && mos.high < POOR_MOS
        {
            let evidence = format!(
                "what {from} says scores MOS {:.2} to {:.2} ({}), with {:.1} % loss",
                mos.low,
                mos.high,
                report.model.name.unwrap_or("no model"),
                report.loss_ratio * 100.0
            );
            found.push(media.finding(Kind::PoorQuality, Some(to), evidence));
        }
    }
}
