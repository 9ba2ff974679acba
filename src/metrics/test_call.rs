//! Test calls. Labels are bounded: targets by the inventory, endings by the engine's list.

use linesman_probes::observation::CallDetail;
use linesman_probes::sip::call::Ended;

use super::Metrics;

const ENDINGS: [Ended; 8] = [
    Ended::Completed,
    Ended::FarHungUp,
    Ended::NoMedia,
    Ended::Refused,
    Ended::Unanswered,
    Ended::Silent,
    Ended::Unreachable,
    Ended::NotMeasured,
];

impl Metrics {
    /// A test call is over. What our own measuring spoiled counts as a call, not as its quality.
    pub(super) fn test_call(&self, target: &str, call: &CallDetail) {
        let ended = ENDINGS.into_iter().map(Ended::name).find(|name| *name == call.ended).unwrap_or("other");
        self.table.test_calls_total.with_label_values(&[target, ended]).inc();
        if !call.faults.is_empty() {
            return;
        }
        // A refusal is an answer of the signalling alone.
        if let Some(setup_ms) = call.setup_ms.filter(|_| call.code == Some(200)) {
            self.table.test_call_setup_seconds.with_label_values(&[target]).observe(setup_ms / 1e3);
        }
        for (direction, way) in [("in", &call.inward), ("out", &call.out)] {
            let Some(way) = way.as_ref().filter(|way| way.expected > 0) else { continue };
            let loss = way.lost as f64 / way.expected as f64;
            self.table.test_call_loss_ratio.with_label_values(&[target, direction]).observe(loss);
            if let Some(jitter_ms) = way.jitter_ms {
                let jitter = &self.table.test_call_jitter_seconds;
                jitter.with_label_values(&[target, direction]).observe(jitter_ms / 1e3);
            }
            for (bound, mos) in [("low", way.mos_low), ("high", way.mos_high)] {
                let Some(mos) = mos else { continue };
                self.table.test_call_mos.with_label_values(&[target, direction, bound]).observe(mos);
            }
        }
    }

    /// Forgets the test calls of a target that is no longer measured.
    pub(super) fn forget_test_calls(&self, target: &str) {
        for ended in ENDINGS.into_iter().map(Ended::name).chain(["other"]) {
            let _ = self.table.test_calls_total.remove_label_values(&[target, ended]);
        }
        let _ = self.table.test_call_setup_seconds.remove_label_values(&[target]);
        for direction in ["in", "out"] {
            let _ = self.table.test_call_loss_ratio.remove_label_values(&[target, direction]);
            let _ = self.table.test_call_jitter_seconds.remove_label_values(&[target, direction]);
            for bound in ["low", "high"] {
                let _ = self.table.test_call_mos.remove_label_values(&[target, direction, bound]);
            }
        }
    }
}
