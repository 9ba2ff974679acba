//! A call that was kept, as the comparison with records takes it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use linesman_cdr::Number;
use linesman_cdr::media::{Doubt, Found, Heard, Speaker, Way, is_refusal};

use super::call::{KeptCall, KeptStream};

/// Of a kept call with its numbers in clear; `path` says where its like are heard.
#[must_use]
pub fn heard(call: &KeptCall, from: Option<&str>, to: Option<&str>, path: Option<String>) -> Heard {
    let answer = call.answer_ms.map(|after| call.started_at + milliseconds(after));
    let end = answer.zip(call.talk_s).map(|(answer, talk)| answer + milliseconds(talk * 1e3));
    let mut ways: [Option<Way>; 2] = [None, None];
    let mut doubts: BTreeSet<Doubt> = BTreeSet::new();
    for stream in &call.streams {
        if !stream.measurement_faults.is_empty() {
            doubts.insert(Doubt::MeasurementFault);
        }
        let Some(speaker) = stream.from_caller.map(speaker) else {
            doubts.insert(Doubt::DirectionUnknown);
            continue;
        };
        let way = way(stream);
        match &mut ways[speaker.index()] {
            Some(known) => known.merge(&way),
            unknown => *unknown = Some(way),
        }
    }
    let answer_ms = answer.map(|answer| answer.timestamp_millis());
    let was_heard = |speaker: Speaker| {
        ways[speaker.index()].as_ref().is_some_and(|way| answer_ms.is_none_or(|answer| way.last_ms > answer))
    };
    let mut found = Found::default();
    for finding in &call.findings {
        match (&*finding.kind, finding.from_caller.map(speaker)) {
            ("no_media", _) => {
                found.no_media = Speaker::BOTH.into_iter().all(|speaker| !was_heard(speaker));
            }
            ("one_way_audio", Some(silent)) if was_heard(silent) => {
                doubts.insert(Doubt::LegsDiffer);
            }
            ("one_way_audio", Some(silent)) => found.silent = Some(silent),
            ("late_media", Some(Speaker::Callee)) => found.late_callee = true,
            ("measurement_fault", _) => {
                doubts.insert(Doubt::MeasurementFault);
            }
            _ => {}
        }
    }
    if call.renegotiated {
        doubts.insert(Doubt::Renegotiated);
    }
    if call.fax {
        doubts.insert(Doubt::Fax);
    }
    if !call.also.is_empty() && answer.is_none() {
        // Another route may have been answered.
        doubts.insert(Doubt::LegsDiffer);
    }
    let is_refused = matches!(&*call.state, "failed" | "cancelled");
    Heard {
        call_ids: call.call_id.iter().cloned().collect(),
        caller: from.map_or(Number::NONE, number),
        callee: to.map_or(Number::NONE, number),
        start_ms: Some(call.started_at.timestamp_millis()),
        answer_ms,
        end_ms: end.map(|end| end.timestamp_millis()),
        refused: call.status.filter(|status| is_refused && is_refusal(*status)),
        ways,
        found,
        doubts,
        path,
    }
}

/// The number of an address of SIP or of a person's hand, as records write it.
#[must_use]
pub fn number(user: &str) -> Number {
    let user = user.split(';').next().unwrap_or_default();
    let user: String = user.chars().filter(|sign| !matches!(sign, ' ' | '-' | '.' | '(' | ')')).collect();
    if user.is_empty() || user.eq_ignore_ascii_case("anonymous") {
        return Number::NONE;
    }
    // What stood before the number as a technical prefix is none of it.
    let after = user.rsplit(['#', '*']).next().unwrap_or_default();
    let bare = after.strip_prefix('+').unwrap_or(after);
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    Number::of(if is_number { bare } else { &user })
}

const fn speaker(from_caller: bool) -> Speaker {
    if from_caller { Speaker::Caller } else { Speaker::Callee }
}

fn way(stream: &KeptStream) -> Way {
    let first = stream.start;
    let last: DateTime<Utc> = first + milliseconds(stream.duration_s * 1e3);
    let (voice, noise) = stream.voice_s.unwrap_or((stream.duration_s, 0.0));
    Way {
        first_ms: first.timestamp_millis(),
        last_ms: last.timestamp_millis(),
        active_ms: (voice * 1e3) as u64,
        comfort_noise_ms: (noise * 1e3) as u64,
        packets: stream.expected.saturating_sub(stream.lost),
        codecs: [stream.codec.clone().unwrap_or_else(|| "unknown".to_owned())].into(),
    }
}

fn milliseconds(count: f64) -> TimeDelta {
    TimeDelta::milliseconds(count as i64)
}
