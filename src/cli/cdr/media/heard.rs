//! From a report of `rtp analyze`, fresh or as its JSON document, to calls that were heard.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use linesman_cdr::Number;
use linesman_cdr::media::{Doubt, Found, Heard, Speaker, Way, is_refusal};
use serde_json::Value;

use crate::voice::billed::number as number_of;

/// What a report holds of it.
#[derive(Default)]
pub(super) struct HeardCalls {
    /// Calls with signalling.
    pub(super) calls: Vec<Heard>,
    /// When it was captured.
    pub(super) spans: Vec<[i64; 2]>,
    /// Whether a file broke off: then our measuring failed.
    pub(super) is_broken: bool,
}

/// The calls of a report; none where it is no such document.
pub(super) fn calls(report: &Value) -> Option<HeardCalls> {
    let streams: BTreeMap<&str, &Value> =
        array(report, "streams")?.iter().filter_map(|stream| Some((text(stream, "id")?, stream))).collect();
    let calls = array(report, "calls")?.iter().map(|call| heard(call, &streams)).collect();
    let spans = array(report, "captured").into_iter().flatten().filter_map(|span| {
        let moment = |at: usize| millis(span.get(at)?.as_str()?);
        Some([moment(0)?, moment(1)?])
    });
    let is_broken = array(report, "broken").is_some_and(|broken| !broken.is_empty());
    Some(HeardCalls { calls, spans: spans.collect(), is_broken })
}

fn heard(call: &Value, streams: &BTreeMap<&str, &Value>) -> Heard {
    let start_ms = text(call, "start").and_then(millis);
    let answer_ms = start_ms.zip(number(call, "answer_ms")).map(|(start, after)| start + after as i64);
    let end_ms = answer_ms.zip(number(call, "talk_s")).map(|(answer, talk)| answer + (talk * 1e3) as i64);
    let own = array(call, "streams").into_iter().flatten();
    let own: Vec<&Value> = own.filter_map(|id| streams.get(id.as_str()?).copied()).collect();
    let mut ways: [Option<Way>; 2] = [None, None];
    let mut doubts: BTreeSet<Doubt> = BTreeSet::new();
    for stream in &own {
        if array(stream, "measurement_faults").is_some_and(|faults| !faults.is_empty()) {
            doubts.insert(Doubt::MeasurementFault);
        }
        let Some(speaker) = speaker(stream) else {
            doubts.insert(Doubt::DirectionUnknown);
            continue;
        };
        if let Some(way) = way(stream) {
            match &mut ways[speaker.index()] {
                Some(known) => known.merge(&way),
                unknown => *unknown = Some(way),
            }
        }
    }
    let legs: &[Value] = array(call, "legs").map_or(&[], Vec::as_slice);
    if legs.iter().any(|leg| number(leg, "renegotiations").is_some_and(|count| count > 0.0)) {
        doubts.insert(Doubt::Renegotiated);
    }
    if legs.iter().any(|leg| leg.get("t38") == Some(&Value::Bool(true))) {
        doubts.insert(Doubt::Fax);
    }
    let details: &[Value] = array(call, "details").map_or(&[], Vec::as_slice);
    let all =
        |kind: &str| details.iter().filter(|found| text(found, "kind") == Some(kind)).collect::<Vec<_>>();
    if !all("measurement_fault").is_empty() {
        doubts.insert(Doubt::MeasurementFault);
    }
    let was_heard = |speaker: Speaker| {
        ways[speaker.index()].as_ref().is_some_and(|way| answer_ms.is_none_or(|answer| way.last_ms > answer))
    };
    let mut found = Found {
        late_callee: all("late_media").iter().any(|late| speaker(late) == Some(Speaker::Callee)),
        ..Found::default()
    };
    if !all("no_media").is_empty() {
        found.no_media = Speaker::BOTH.into_iter().all(|speaker| !was_heard(speaker));
    }
    for one_way in all("one_way_audio") {
        match speaker(one_way) {
            // What one leg lacks another has: it was lost in between, or not seen.
            Some(silent) if was_heard(silent) => {
                doubts.insert(Doubt::LegsDiffer);
            }
            Some(silent) => found.silent = Some(silent),
            None => {}
        }
    }
    if legs.len() > 1 && answer_ms.is_none() {
        // Another route may have been answered.
        doubts.insert(Doubt::LegsDiffer);
    }
    let is_refused = matches!(text(call, "state"), Some("failed" | "cancelled"));
    let status = number(call, "status").map(|status| status as u16);
    let ids = array(call, "call_ids").into_iter().flatten().filter_map(Value::as_str);
    Heard {
        call_ids: ids.map(str::to_owned).collect(),
        caller: party(text(call, "from").unwrap_or_default()),
        callee: party(text(call, "to").unwrap_or_default()),
        start_ms,
        answer_ms,
        end_ms,
        refused: status.filter(|status| is_refused && is_refusal(*status)),
        ways,
        found,
        doubts,
        path: legs.first().and_then(|leg| Some(format!("{}>{}", host(leg, "caller")?, host(leg, "callee")?))),
    }
}

/// Who speaks in a stream, or whom a finding is about.
fn speaker(of: &Value) -> Option<Speaker> {
    match text(of, "direction")? {
        "from_caller" => Some(Speaker::Caller),
        "from_callee" => Some(Speaker::Callee),
        _ => None,
    }
}

fn way(stream: &Value) -> Option<Way> {
    let first_ms = millis(text(stream, "first")?)?;
    let length_ms = (number(stream, "duration_s")? * 1e3) as i64;
    let packets = number(stream, "unique")? as u64;
    let noise = number(stream, "comfort_noise").unwrap_or(0.0) as u64;
    let events = number(stream, "events").unwrap_or(0.0) as u64;
    let ptime = number(stream, "ptime_ms");
    let lasting = |packets: u64| ptime.map_or(0, |ptime| (packets as f64 * ptime) as u64);
    let formats = array(stream, "formats").into_iter().flatten();
    let voice = formats.filter(|format| matches!(text(format, "kind"), Some("audio" | "other")));
    let codecs = voice.map(|format| text(format, "codec").unwrap_or("unknown").to_owned());
    Some(Way {
        first_ms,
        last_ms: first_ms + length_ms,
        active_ms: lasting(packets.saturating_sub(noise + events)),
        comfort_noise_ms: lasting(noise),
        packets,
        codecs: codecs.collect(),
    })
}

/// The number in an address of SIP, as records write it.
fn party(address: &str) -> Number {
    number_of(address.split_once('@').map_or(address, |(user, _)| user))
}

fn host(leg: &Value, end: &str) -> Option<String> {
    let socket: std::net::SocketAddr = text(leg, end)?.parse().ok()?;
    Some(socket.ip().to_canonical().to_string())
}

fn millis(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis())
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str()
}

fn number(of: &Value, name: &str) -> Option<f64> {
    of.get(name)?.as_f64()
}

fn array<'a>(of: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    of.get(name)?.as_array()
}
