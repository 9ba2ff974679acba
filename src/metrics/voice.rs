//! Voice that is listened to. Labels are bounded: trunks by the inventory, codecs by a list, no call and no number.

use linesman_media::capture::live::Load;
use linesman_media::capture::streams::KnownBy;

use std::sync::PoisonError;

use super::exemplar::Exemplar;
use super::table::buckets;
use super::{Metrics, NO_LABELS};
use crate::voice::call::{KeptCall, KeptStream, KeptWindow};
use crate::voice::{Heard, Limits, POOR_MOS};

/// Encoding names that have a series of their own (IANA's RTP payload format media types); others are `other`.
const CODECS: [&str; 20] = [
    "PCMU",
    "PCMA",
    "G722",
    "G723",
    "G728",
    "G729",
    "GSM",
    "GSM-EFR",
    "GSM-HR-08",
    "iLBC",
    "speex",
    "opus",
    "AMR",
    "AMR-WB",
    "EVS",
    "G726-16",
    "G726-24",
    "G726-32",
    "G726-40",
    "L16",
];
/// States of a call, as the engine names them.
const STATES: [&str; 7] = ["calling", "ringing", "answered", "ended", "cancelled", "failed", "media"];
/// A call or a window whose trunk is not known.
const NO_TRUNK: &str = "";

fn codec(name: Option<&str>) -> &'static str {
    let Some(name) = name else { return "unknown" };
    CODECS.into_iter().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or("other")
}

impl Metrics {
    /// A window of a stream.
    pub fn voice_window(&self, heard: &Heard, limits: &Limits) {
        let trunk = heard.place.trunk.as_deref().unwrap_or(NO_TRUNK);
        let labels = [trunk, heard.place.direction.name(), codec(heard.codec.as_deref())];
        let [_, direction, codec] = labels;
        let missed = heard.lost.saturating_add(heard.late).min(heard.expected) as f64;
        let is_bad = missed >= limits.bad_loss * heard.expected as f64
            || heard.mos.is_some_and(|(_, high)| high < POOR_MOS);
        let verdict = match (heard.is_faulty, is_bad) {
            (true, _) => "faulty",
            (false, true) => "bad",
            (false, false) => "good",
        };
        self.table.voice_windows_total.with_label_values(&[trunk, direction, codec, verdict]).inc();
        if heard.is_faulty || heard.expected == 0 {
            return;
        }
        self.table.voice_packets_expected_total.with_label_values(&labels).inc_by(heard.expected);
        self.table.voice_packets_lost_total.with_label_values(&labels).inc_by(heard.lost);
        self.table.voice_packets_late_total.with_label_values(&labels).inc_by(heard.late);
        let loss = heard.lost as f64 / heard.expected as f64;
        self.table.voice_window_loss_ratio.with_label_values(&labels).observe(loss);
        if let Some(jitter_ms) = heard.jitter_ms {
            self.table.voice_window_jitter_seconds.with_label_values(&labels).observe(jitter_ms / 1e3);
        }
        if let Some((low, high)) = heard.mos {
            for (bound, mos) in [("low", low), ("high", high)] {
                self.table.voice_window_mos.with_label_values(&[trunk, direction, codec, bound]).observe(mos);
            }
        }
    }

    /// A call is over.
    pub fn voice_call(&self, call: &KeptCall) {
        let trunk = call.trunk.as_deref().unwrap_or(NO_TRUNK);
        let state = STATES.into_iter().find(|state| *state == call.state).unwrap_or("other");
        self.table.voice_calls_total.with_label_values(&[trunk, state]).inc();
        if call.is_bad {
            self.table.voice_calls_bad_total.with_label_values(&[trunk]).inc();
            let exemplar = Exemplar { call: call.id.clone(), value: 1.0, at: call.ended_at };
            let mut exemplars = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
            exemplars.counted("linesman_voice_calls_bad_total", &[("trunk", trunk)], exemplar);
        }
        call.streams.iter().for_each(|stream| self.exemplify(call, trunk, stream));
    }

    /// Keeps a call as the example of the buckets that a stream's worst windows were counted in.
    fn exemplify(&self, call: &KeptCall, trunk: &str, stream: &KeptStream) {
        let labels = [
            ("trunk", trunk),
            ("direction", stream.direction.name()),
            ("codec", codec(stream.codec.as_deref())),
        ];
        let mut exemplars = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keep = |metric: &str, bound: Option<&'static str>, value: Option<f64>| {
            let Some(value) = value else { return };
            let labels: Vec<(&str, &str)> =
                labels.into_iter().chain(bound.map(|bound| ("bound", bound))).collect();
            let exemplar = Exemplar { call: call.id.clone(), value, at: call.ended_at };
            exemplars.observed(metric, &labels, buckets(metric), exemplar);
        };
        // The same windows that are counted: those in which we measured well and packets were due.
        let counted = |window: &&KeptWindow| window.expected > 0 && window.measurement_faults.is_empty();
        let worst = |of: &dyn Fn(&KeptWindow) -> Option<f64>| {
            stream.windows.iter().filter(counted).filter_map(of).max_by(f64::total_cmp)
        };
        let least = |of: &dyn Fn(&KeptWindow) -> Option<f64>| {
            stream.windows.iter().filter(counted).filter_map(of).min_by(f64::total_cmp)
        };
        let loss = worst(&|window| Some(window.lost as f64 / window.expected as f64));
        keep("linesman_voice_window_loss_ratio", None, loss);
        let jitter = worst(&|window| window.jitter_ms.map(|jitter_ms| jitter_ms / 1e3));
        keep("linesman_voice_window_jitter_seconds", None, jitter);
        keep("linesman_voice_window_mos", Some("low"), least(&|window| window.mos.map(|mos| mos.0)));
        keep("linesman_voice_window_mos", Some("high"), least(&|window| window.mos.map(|mos| mos.1)));
    }

    /// Calls could not be kept.
    pub fn voice_calls_dropped(&self, count: u64) {
        self.table.voice_calls_dropped_total.with_label_values(&NO_LABELS).inc_by(count);
    }

    /// What an interface brought since it was told last: packets, and drops of the kernel; none: it is not read.
    pub fn voice_interface(&self, interface: &str, grown: Option<(u64, u64)>) {
        let up = f64::from(u8::from(grown.is_some()));
        self.table.voice_capture_up.with_label_values(&[interface]).set(up);
        let (packets, drops) = grown.unwrap_or_default();
        self.table.voice_capture_packets_total.with_label_values(&[interface]).inc_by(packets);
        self.table.voice_capture_drops_total.with_label_values(&[interface]).inc_by(drops);
    }

    /// What feeds lost and what of them was not understood, since it was told last.
    pub fn voice_feeds(&self, drops: u64, refused: u64) {
        self.table.voice_feed_drops_total.with_label_values(&NO_LABELS).inc_by(drops);
        self.table.voice_feed_refused_total.with_label_values(&NO_LABELS).inc_by(refused);
    }

    /// What the engine holds.
    pub fn voice_load(&self, load: &Load) {
        for (state, count) in [("held", load.streams), ("active", load.active), ("reported", load.reported)] {
            self.table.voice_streams.with_label_values(&[state]).set(count as f64);
        }
        self.table.voice_refused.with_label_values(&NO_LABELS).set(load.refused as f64);
    }

    /// Words of endpoints, by what led to their call.
    pub fn voice_words(&self, by: Option<KnownBy>, count: u64) {
        let name = match by {
            Some(KnownBy::CallId) => "call_id",
            Some(KnownBy::Ssrc) => "ssrc",
            Some(KnownBy::Addresses) => "addresses",
            None => "nothing",
        };
        self.table.voice_words_total.with_label_values(&[name]).inc_by(count);
    }

    /// Words of endpoints that had to make room for others.
    pub fn voice_words_without_room(&self, count: u64) {
        self.table.voice_words_total.with_label_values(&["no_room"]).inc_by(count);
    }

    /// Seconds of listening were dropped on the way to the worker.
    pub fn voice_batches_dropped(&self, count: u64) {
        self.table.voice_batches_dropped_total.with_label_values(&NO_LABELS).inc_by(count);
    }

    /// Our own measuring failed.
    pub fn voice_fault(&self, kind: &'static str) {
        self.table.voice_measurement_faults_total.with_label_values(&[kind]).inc();
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::settings::VoiceSettings;
    use crate::voice::{Direction, Place};

    fn heard(codec: &str, is_faulty: bool) -> Heard {
        Heard {
            call: "8613800138000".to_owned(),
            place: Place {
                trunk: Some("trunk-1".to_owned()),
                gateway: None,
                customer: None,
                direction: Direction::FromTrunk,
            },
            codec: Some(codec.to_owned()),
            start: DateTime::UNIX_EPOCH,
            end: DateTime::UNIX_EPOCH,
            expected: 500,
            lost: 25,
            late: 5,
            jitter_ms: Some(12.0),
            mos: Some((2.1, 3.9)),
            told: None,
            ends: None,
            is_faulty,
            is_test: false,
        }
    }

    #[test]
    fn a_window_is_counted_by_trunk_direction_and_codec_and_names_no_call() {
        let metrics = Metrics::new();
        let limits = Limits::of(&VoiceSettings::default());
        metrics.voice_window(&heard("pcma", false), &limits);
        metrics.voice_window(&heard("PCMA", true), &limits);
        metrics.voice_window(&heard("x-made-up-by-a-stranger", false), &limits);
        let text = metrics.render();
        for line in [
            r#"linesman_voice_windows_total{codec="PCMA",direction="from_trunk",trunk="trunk-1",verdict="bad"} 1"#,
            r#"linesman_voice_windows_total{codec="PCMA",direction="from_trunk",trunk="trunk-1",verdict="faulty"} 1"#,
            r#"linesman_voice_packets_lost_total{codec="PCMA",direction="from_trunk",trunk="trunk-1"} 25"#,
            r#"linesman_voice_packets_lost_total{codec="other",direction="from_trunk",trunk="trunk-1"} 25"#,
            r#"linesman_voice_window_loss_ratio_bucket{codec="PCMA",direction="from_trunk",trunk="trunk-1",le="0.05"} 1"#,
            r#"linesman_voice_window_mos_bucket{bound="low",codec="PCMA",direction="from_trunk",trunk="trunk-1",le="2.58"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
        assert!(!text.contains("8613800138000") && !text.contains("stranger"), "{text}");
    }

    fn kept(id: &str, ended_s: i64, lost: [u64; 2], is_faulty: bool) -> KeptCall {
        let faults = if is_faulty { vec!["kernel_drops".to_owned()] } else { Vec::new() };
        let windows: Vec<serde_json::Value> = lost
            .iter()
            .map(|lost| {
                serde_json::json!({"start_s": 0.0, "expected": 500, "lost": lost, "late": 0, "jitter_ms": 12.0,
                    "mos": [2.1, 3.9], "measurement_faults": faults})
            })
            .collect();
        let ended_at = DateTime::from_timestamp(1_780_000_000 + ended_s, 0).unwrap();
        serde_json::from_value(serde_json::json!({
            "id": id, "call_id": null, "started_at": ended_at, "ended_at": ended_at, "state": "ended", "status": 200,
            "trunk": "trunk-1", "gateway": null, "customer": null, "is_bad": true, "loss_ratio": null, "mos": null,
            "answer_ms": null, "talk_s": null, "findings": [], "hosts": [], "also": [],
            "streams": [{"ssrc": "0x1", "source": "a", "destination": "b", "direction": "from_trunk",
                "codec": "pcma", "start": ended_at, "duration_s": 20.0, "expected": 1000, "lost": 30,
                "loss_ratio": 0.03, "jitter_ms": 12.0, "mos": null, "model": null, "windows": windows}],
        }))
        .unwrap()
    }

    #[test]
    fn an_exemplar_names_the_latest_call_of_a_bucket_and_makes_no_series() {
        let metrics = Metrics::new();
        let limits = Limits::of(&VoiceSettings::default());
        metrics.voice_window(&heard("PCMA", false), &limits);
        let before = metrics.render().lines().count();
        metrics.voice_call(&kept("0a1b", 20, [0, 25], false));
        metrics.voice_call(&kept("older", 10, [0, 25], false));
        metrics.voice_call(&kept("faulty", 30, [0, 499], true));
        let open = metrics.render_in(crate::metrics::Format::OpenMetrics);
        let labels = r#"codec="PCMA",direction="from_trunk",trunk="trunk-1""#;
        let loss = format!("linesman_voice_window_loss_ratio_bucket{{{labels},le=\"0.05\"}} 1");
        for line in [
            format!("{loss} # {{call=\"0a1b\"}} 0.05 1780000020"),
            format!(
                "linesman_voice_window_mos_bucket{{bound=\"low\",{labels},le=\"2.58\"}} 1 \
                 # {{call=\"0a1b\"}} 2.1 1780000020"
            ),
            r#"linesman_voice_calls_bad_total{trunk="trunk-1"} 3 # {call="faulty"} 1 1780000030"#.to_owned(),
        ] {
            assert!(open.lines().any(|found| found == line), "{line}\nin\n{open}");
        }
        assert!(!open.contains("older"), "{open}");
        let text = metrics.render();
        assert!(!text.contains("0a1b"), "{text}");
        // The counters of calls alone are new.
        assert_eq!(text.lines().count(), before + 6, "{text}");
    }
}
