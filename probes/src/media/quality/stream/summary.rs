//! From a stream's sums to the record that leaves.

use super::super::format::Format;
use super::super::report::{Finding, FormatUse, StreamReport, WindowReport};
use super::super::score::{Assumptions, CodecTable, Coding, Heard, Losses, Scored, assess};
use super::settled::Sums;
use super::window::Window;
use super::{Counts, Stream};

/// So many packets at least before silence or a mirror is told.
const ENOUGH_PACKETS: u64 = 50;
/// Packets of two senders that alternate before it is a collision and no straggler.
const COLLISION_AFTER: u64 = 8;
/// Clocks of telephones keep within 100 ppm.
const DRIFT_PPM: f64 = 100.0;
/// A drift is told when it is this many standard errors from none.
const DRIFT_ERRORS: f64 = 4.0;
/// A window shorter than this, or with fewer packets due, is reported but is no minimum: one loss weighs too much.
const SHORT_WINDOW_NS: i64 = 2_000_000_000;
const FEW_PACKETS: u64 = 50;

impl Stream {
    /// The record up to now. Losses still within reach of a late packet count as lost.
    pub fn report(&self, codecs: &CodecTable, assumptions: &Assumptions) -> StreamReport {
        let mut done = self.clone();
        done.sequence.settle_all(&mut done.settled);
        done.windows.close_all(&mut done.settled);
        done.summary(codecs, assumptions)
    }

    /// Takes the windows that are over away, scored; a live caller does so after every [`Stream::advance`].
    pub fn drain_windows(&mut self, codecs: &CodecTable, assumptions: &Assumptions) -> Vec<WindowReport> {
        let closed = std::mem::take(&mut self.windows.closed);
        let mut drained = Vec::with_capacity(closed.len());
        for window in &closed {
            let (report, scored) = self.window_report(window, self.settings.window_ns, codecs, assumptions);
            if report.expected >= FEW_PACKETS {
                self.worst_drained.take_in(scored);
            }
            drained.push(report);
        }
        drained
    }

    /// The windows that were closed since `told` of them were, scored, and how many were ever closed. Nothing is taken
    /// away: the final record still has them.
    pub fn windows_since(
        &self,
        told: u64,
        codecs: &CodecTable,
        assumptions: &Assumptions,
    ) -> (Vec<WindowReport>, u64) {
        let ever = self.windows.closed_ever;
        let untold = usize::try_from(ever.saturating_sub(told)).unwrap_or(usize::MAX);
        let skip = self.windows.closed.len().saturating_sub(untold);
        let windows = self.windows.closed.iter().skip(skip);
        let reports = windows.map(|window| {
            let left_ns = self.last_at_ns.saturating_sub(window.arrived.start_ns);
            self.window_report(window, left_ns.clamp(0, self.settings.window_ns), codecs, assumptions).0
        });
        (reports.collect(), ever)
    }

    /// The encoding name of the packets that came most.
    pub fn codec(&self) -> Option<String> {
        self.content.main().and_then(|used| stated(&used.format))
    }

    /// Ends the stream: every window is closed and may be drained. What comes after counts, but late for its place.
    pub fn finish(&mut self) {
        self.sequence.settle_all(&mut self.settled);
        self.windows.close_all(&mut self.settled);
    }

    fn codings(&self, formats: u8) -> Vec<Coding<'_>> {
        let used = self.content.used.iter().enumerate();
        let chosen = used.filter(|(index, _)| formats & 1 << index != 0).map(|(_, used)| used);
        chosen
            .map(|used| Coding {
                codec: &used.format.codec,
                variant: used.format.variant.as_deref(),
                payload_bytes: used.typical_bytes(),
                packet_time_ms: self.packet_time_ms(),
            })
            .collect()
    }

    fn packet_time_ms(&self) -> Option<f64> {
        self.timing.packet_time.most_us().map(|packet_us| f64::from(packet_us) / 1000.0)
    }

    fn losses(&self, sums: &Sums, lost: u64) -> Losses {
        let buffers = self.playout.buffers(u64::from(sums.expected));
        Losses {
            expected: u64::from(sums.expected),
            lost,
            runs: u64::from(sums.runs),
            heard: buffers
                .iter()
                .zip(&sums.heard)
                .map(|(buffer, heard)| Heard {
                    buffer: buffer.name,
                    delay_ms: buffer.delay_ms,
                    bad: u64::from(heard.bad),
                    runs: u64::from(heard.runs),
                })
                .collect(),
        }
    }

    fn window_report(
        &self,
        window: &Window,
        length_ns: i64,
        codecs: &CodecTable,
        assumptions: &Assumptions,
    ) -> (WindowReport, Option<Scored>) {
        let sums = &window.sums;
        let lost = u64::from(sums.lost);
        let (scored, _) =
            assess(&self.losses(sums, lost), &self.codings(window.arrived.audio), codecs, assumptions);
        let late = sums.heard.map(|heard| u64::from(heard.bad.saturating_sub(sums.lost)));
        let report = WindowReport {
            start_ns: window.arrived.start_ns,
            start_s: seconds(window.arrived.start_ns.saturating_sub(self.first_at_ns)),
            duration_s: seconds(length_ns),
            received: u64::from(window.arrived.unique),
            expected: u64::from(sums.expected),
            lost,
            loss_ratio: ratio(lost, u64::from(sums.expected)),
            late,
            jitter_max_ms: window.arrived.jitter_max_ms.map(f64::from),
            model: scored.map(|scored| scored.scale.model()),
            r_factor: scored.map(|scored| scored.r_factor.rounded()),
            mos: scored.map(|scored| scored.mos.rounded()),
            measurement_faults: Vec::new(),
        };
        (report, scored)
    }

    fn summary(&self, codecs: &CodecTable, assumptions: &Assumptions) -> StreamReport {
        let counts = self.counts();
        let main = self.content.main();
        let format = main.map_or_else(|| Format::new(0, "", 0), |used| used.format.clone());
        let packet_time_ms = self.packet_time_ms();
        // Losses that came so late that their place was decided are lost to a listener, not to the count.
        let losses = self.losses(&self.windows.closed_sums, counts.lost);
        let (scored, mut model) =
            assess(&losses, &self.codings(self.content.audio_mask()), codecs, assumptions);
        model.ppl = counts.loss_ratio() * 100.0;
        let (windows, worst) = self.window_reports(codecs, assumptions);
        let jitter = |value: f64| self.timing.jitter_known().then(|| micro(value));
        StreamReport {
            payload_type: format.payload_type,
            codec: stated(&format),
            clock_rate: (format.clock_rate > 0).then_some(format.clock_rate),
            first_ns: self.first_at_ns,
            last_ns: self.last_at_ns,
            duration_s: seconds(self.last_at_ns.saturating_sub(self.first_at_ns)),
            received: counts.received,
            unique: counts.unique,
            expected: counts.expected,
            lost: counts.lost,
            loss_ratio: counts.loss_ratio(),
            duplicates: counts.duplicates,
            mirrored: counts.mirrored,
            reordered: counts.reordered,
            late: counts.late,
            strays: counts.strays,
            segments: counts.segments,
            events: self.content.events,
            comfort_noise: self.content.comfort_noise,
            talkspurts: self.content.talkspurts,
            max_delta_ms: micro(self.timing.max_delta_ms),
            jitter_mean_ms: jitter(self.timing.jitter_mean_ms),
            jitter_max_ms: jitter(self.timing.jitter_max_ms),
            jitter_last_ms: jitter(self.timing.jitter_ms),
            ptime_ms: packet_time_ms,
            ptime_changes: u64::from(self.timing.packet_time.changes()),
            payload_bytes: main.map_or(0, |used| u64::from(used.typical_bytes())),
            clock_drift_ppm: self.timing.drift.ppm().map(|(ppm, _)| (ppm * 10.0).round() / 10.0),
            gaps: self.timing.gaps,
            gap_max_ms: (self.timing.gaps > 0).then(|| micro(self.timing.gap_max_ms)),
            bursts: self.settled.bursts.bursts(packet_time_ms),
            loss_runs: self.settled.bursts.run_lengths(),
            playout: self.playout.buffers(counts.expected),
            r_factor: scored.map(|scored| scored.r_factor.rounded()),
            mos: scored.map(|scored| scored.mos.rounded()),
            r_factor_min: worst.map(|worst| worst.r_factor.rounded()),
            mos_min: worst.map(|worst| worst.mos.rounded()),
            model,
            formats: self.format_uses(),
            windows,
            findings: self.findings(&counts),
        }
    }

    fn window_reports(
        &self,
        codecs: &CodecTable,
        assumptions: &Assumptions,
    ) -> (Vec<WindowReport>, Option<Scored>) {
        let mut worst = self.worst_drained;
        let mut worst_short = Worst::default();
        let mut reports = Vec::with_capacity(self.windows.closed.len());
        for window in &self.windows.closed {
            let left_ns = self.last_at_ns.saturating_sub(window.arrived.start_ns);
            let length_ns = left_ns.min(self.settings.window_ns);
            let (report, scored) = self.window_report(window, length_ns, codecs, assumptions);
            if length_ns < SHORT_WINDOW_NS || report.expected < FEW_PACKETS {
                worst_short.take_in(scored);
            } else {
                worst.take_in(scored);
            }
            reports.push(report);
        }
        let none_long = worst == Worst::default();
        (reports, if none_long { worst_short.scored } else { worst.scored })
    }

    fn format_uses(&self) -> Vec<FormatUse> {
        let uses = self.content.used.iter().map(|used| FormatUse {
            payload_type: used.format.payload_type,
            codec: stated(&used.format),
            clock_rate: (used.format.clock_rate > 0).then_some(used.format.clock_rate),
            kind: used.format.kind,
            packets: used.packets,
        });
        uses.collect()
    }

    fn findings(&self, counts: &Counts) -> Vec<Finding> {
        let speech = counts.unique.saturating_sub(self.content.events);
        let quiet = self.content.flat + self.content.comfort_noise;
        let silent = speech >= ENOUGH_PACKETS && quiet * 100 >= speech * 99;
        let mirrored = counts.unique >= ENOUGH_PACKETS && counts.mirrored * 2 >= counts.unique;
        let drifts = self
            .timing
            .drift
            .ppm()
            .is_some_and(|(ppm, error)| ppm.abs() > DRIFT_PPM && ppm.abs() > DRIFT_ERRORS * error);
        let told = [
            (silent, Finding::Silent),
            (mirrored, Finding::MirroredCapture),
            (drifts, Finding::ClockDrift),
            (self.sequence.interleaved >= COLLISION_AFTER, Finding::SsrcCollision),
            (counts.segments > 1, Finding::SequenceRestart),
            (self.content.codec_changes > 0, Finding::CodecChange),
            (self.timing.packet_time.changes() > 0, Finding::PtimeChange),
            (self.timing.gaps > 0, Finding::Gap),
        ];
        told.into_iter().filter_map(|(holds, finding)| holds.then_some(finding)).collect()
    }
}

impl Counts {
    /// Lost over expected.
    pub fn loss_ratio(&self) -> f64 {
        ratio(self.lost, self.expected)
    }
}

/// The worst of several windows, as long as they share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Worst {
    scored: Option<Scored>,
    mixed: bool,
}

impl Worst {
    fn take_in(&mut self, other: Option<Scored>) {
        let Some(other) = other.filter(|_| !self.mixed) else { return };
        self.scored = match self.scored {
            None => Some(other),
            Some(known) => {
                let worse = known.worse(other);
                self.mixed = worse.is_none();
                worse
            }
        };
    }
}

fn stated(format: &Format) -> Option<String> {
    (!format.codec.is_empty()).then(|| format.codec.to_string())
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn seconds(ns: i64) -> f64 {
    ns as f64 * 1e-9
}

/// Rounded to a nanosecond, so that a record does not show the noise of binary fractions.
fn micro(ms: f64) -> f64 {
    (ms * 1e6).round() / 1e6
}
