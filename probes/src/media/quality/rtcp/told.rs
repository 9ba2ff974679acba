//! What endpoints said about one stream over time: intervals from running totals, and round trips.

use std::collections::VecDeque;

use serde::Serialize;

use super::{ReportBlock, VoipMetrics};

/// What one report said about the time since the report before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ToldInterval {
    /// Who said it.
    pub reporter_ssrc: u32,
    /// When its report passed, in the clock of the arrivals.
    #[serde(skip)]
    pub at_ns: i64,
    /// Sequence numbers that the reporter expected since its last report.
    pub expected: u64,
    /// Of these lost; negative when it received duplicates.
    pub lost: i64,
    /// Lost over expected, 0 to 1; none when nothing was expected.
    pub loss_ratio: Option<f64>,
    /// Interarrival jitter now; none without a known clock.
    pub jitter_ms: Option<f64>,
}

/// Sums of what endpoints said about one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct ToldReport {
    /// Report blocks about the stream.
    pub reports: u64,
    /// Lost by the reporter's last total.
    pub lost: Option<i64>,
    /// Worst interval.
    pub loss_ratio_max: Option<f64>,
    /// Largest jitter that was reported, the first report left out: early media often spoils it.
    pub jitter_max_ms: Option<f64>,
    /// The last VoIP metrics block.
    pub voip_metrics: Option<VoipMetrics>,
}

/// The last total of one reporter.
#[derive(Debug, Clone, Copy)]
struct Total {
    reporter_ssrc: u32,
    cumulative_lost: i32,
    highest_sequence: u32,
}

/// More reporters about one stream than this (a conference) are not told apart; the oldest is forgotten.
const REPORTERS: usize = 4;

/// Keeps what endpoints say about one stream.
#[derive(Debug, Clone, Default)]
pub struct Told {
    totals: VecDeque<Total>,
    report: ToldReport,
}

impl Told {
    /// Takes a report block. The first of a reporter gives no interval: nobody knows since when it counts.
    pub fn block(
        &mut self,
        at_ns: i64,
        reporter_ssrc: u32,
        block: &ReportBlock,
        clock_rate: Option<u32>,
    ) -> Option<ToldInterval> {
        self.report.reports += 1;
        self.report.lost = Some(i64::from(block.cumulative_lost));
        let now = Total {
            reporter_ssrc,
            cumulative_lost: block.cumulative_lost,
            highest_sequence: block.highest_sequence,
        };
        let known = self.totals.iter().position(|total| total.reporter_ssrc == reporter_ssrc);
        let before = known.and_then(|index| self.totals.remove(index));
        if self.totals.len() >= REPORTERS {
            self.totals.pop_front();
        }
        self.totals.push_back(now);
        let before = before?;

        let expected = i64::from(now.highest_sequence.wrapping_sub(before.highest_sequence).cast_signed());
        // 24 bits, signed: the difference wraps there too.
        let lost = (now.cumulative_lost.wrapping_sub(before.cumulative_lost) << 8) >> 8;
        let expected = u64::try_from(expected).ok()?;
        let loss_ratio = (expected > 0).then(|| (f64::from(lost) / expected as f64).clamp(0.0, 1.0));
        let jitter_ms = clock_rate
            .filter(|&rate| rate > 0)
            .map(|rate| f64::from(block.jitter) * 1000.0 / f64::from(rate));
        keep_largest(&mut self.report.loss_ratio_max, loss_ratio);
        keep_largest(&mut self.report.jitter_max_ms, jitter_ms);
        Some(ToldInterval { reporter_ssrc, at_ns, expected, lost: i64::from(lost), loss_ratio, jitter_ms })
    }

    /// Takes a VoIP metrics block.
    pub fn voip_metrics(&mut self, metrics: &VoipMetrics) {
        self.report.voip_metrics = Some(*metrics);
    }

    /// The sums.
    pub fn report(&self) -> &ToldReport {
        &self.report
    }
}

fn keep_largest(known: &mut Option<f64>, value: Option<f64>) {
    if let Some(value) = value {
        *known = Some(known.map_or(value, |known| known.max(value)));
    }
}

/// RFC 3550 section 6.4.1: A − LSR − DLSR, all in 1/65536 s modulo 2³². None for "no sender report yet" and for a
/// negative result, which clocks of different pace can give.
pub fn round_trip_s(arrival_ntp_middle: u32, last_sr: u32, delay_since_last_sr: u32) -> Option<f64> {
    if last_sr == 0 {
        return None;
    }
    let ticks = arrival_ntp_middle.wrapping_sub(last_sr).wrapping_sub(delay_since_last_sr).cast_signed();
    (ticks >= 0).then(|| f64::from(ticks) / 65_536.0)
}

/// Sender reports that passed, to be answered.
const REMEMBERED: usize = 8;

/// Times reports against the sender reports they answer, as seen at the point of capture.
///
/// What comes out is the round trip between that point and the reporter, not between the two ends: the part of the
/// path on the reporter's side. The ends of a call have one each, and their sum is the whole.
#[derive(Debug, Clone, Default)]
pub struct RoundTrip {
    passed: VecDeque<(u32, i64)>,
}

impl RoundTrip {
    /// A sender report of the stream passed.
    pub fn sender_report(&mut self, at_ns: i64, ntp: u64) {
        if self.passed.len() >= REMEMBERED {
            self.passed.pop_front();
        }
        self.passed.push_back(((ntp >> 16) as u32, at_ns));
    }

    /// A report block about the stream passed the other way.
    pub fn answered(&self, at_ns: i64, block: &ReportBlock) -> Option<f64> {
        let (_, passed_ns) =
            self.passed.iter().rev().find(|(middle, _)| *middle == block.last_sr && block.last_sr != 0)?;
        let away_s = at_ns.saturating_sub(*passed_ns) as f64 * 1e-9;
        let round_trip_s = away_s - f64::from(block.delay_since_last_sr) / 65_536.0;
        // A reporter's DLSR is coarse: a little below zero is zero, more is a wrong clock.
        (round_trip_s >= -0.002).then_some(round_trip_s.max(0.0))
    }
}
