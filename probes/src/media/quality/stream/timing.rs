//! When packets came: jitter, gaps between arrivals, packet time, transit, clock drift.

use super::super::format::{Format, Kind};
use super::Arrival;
use super::drift::Drift;
use super::packet_time::PacketTime;

/// Timestamp and arrival apart by more than this, with a timestamp step as large: media time began anew.
const BREAK_MS: f64 = 2_000.0;
/// At a talkspurt's start a step of this size is the sender's pause, not the network's jitter.
const PAUSE_MS: f64 = 1_000.0;
/// A pause between packets worth telling when sequence numbers are missing in it.
const GAP_NS: i64 = 2_000_000_000;

/// The last audio packet.
#[derive(Debug, Clone, Copy)]
struct Last {
    at_ns: i64,
    timestamp: u32,
    clock_rate: u32,
    /// It was the highest in sequence, so the next in order is one packet time on.
    highest: bool,
}

/// A packet's time for the playout simulation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Played {
    pub(super) arrival_ms: f64,
    pub(super) transit_ms: f64,
}

/// Times of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Timing {
    first_at_ns: i64,
    pub(super) last_at_ns: i64,
    packets: u64,
    last: Option<Last>,
    noise_before: bool,
    measured: bool,
    pub(super) jitter_ms: f64,
    pub(super) jitter_max_ms: f64,
    pub(super) jitter_mean_ms: f64,
    pub(super) max_delta_ms: f64,
    /// Media time since the first packet, by timestamps.
    media_ms: f64,
    pub(super) packet_time: PacketTime,
    pub(super) drift: Drift,
    pub(super) gaps: u64,
    pub(super) gap_max_ms: f64,
}

impl Timing {
    /// The first packet of the stream.
    pub(super) fn begin(&mut self, at_ns: i64) {
        self.first_at_ns = at_ns;
        self.last_at_ns = at_ns;
    }

    /// Jitter was measured at least once.
    pub(super) fn jitter_known(&self) -> bool {
        self.measured
    }

    /// Takes every packet that belongs to the running segment, copies included, in the order of arrival.
    ///
    /// `places_ahead` is the distance in sequence from the highest before; `reference_ms` the transit to put a new
    /// beginning of media time at. Returns the jitter where this packet counts for mean and maximum, and the time
    /// for playout where it is audio.
    #[inline]
    pub(super) fn packet(
        &mut self,
        arrival: &Arrival,
        format: &Format,
        places_ahead: i64,
        reference_ms: Option<f64>,
    ) -> (Option<f64>, Option<Played>) {
        let delta_ns = arrival.at_ns.saturating_sub(self.last_at_ns);
        let delta_ms = delta_ns as f64 * 1e-6;
        self.last_at_ns = arrival.at_ns;
        if places_ahead > 1 && delta_ns >= GAP_NS {
            self.gaps += 1;
            self.gap_max_ms = self.gap_max_ms.max(delta_ms);
        }
        let noise = format.kind == Kind::ComfortNoise;
        let before_first = self.before_first(arrival, format);
        let regular = !arrival.marker && !noise && !self.noise_before && !before_first && self.packets > 0;
        self.noise_before = noise;
        if regular && delta_ms > self.max_delta_ms {
            self.max_delta_ms = delta_ms;
        }
        let before = self.packets;
        self.packets += 1;
        if format.clock_rate == 0 || format.kind == Kind::Event {
            return (None, None);
        }
        let last = self.last;
        if !before_first {
            self.last = Some(Last {
                at_ns: arrival.at_ns,
                timestamp: arrival.timestamp,
                clock_rate: format.clock_rate,
                highest: places_ahead > 0,
            });
        }
        let arrival_ms = arrival.at_ns.saturating_sub(self.first_at_ns) as f64 * 1e-6;
        let same_clock = last.filter(|last| last.clock_rate == format.clock_rate);
        let Some(last) = same_clock else {
            self.begin_media_anew(arrival_ms, reference_ms);
            return (None, played(arrival_ms, arrival_ms - self.media_ms, format));
        };
        let ticks = arrival.timestamp.wrapping_sub(last.timestamp).cast_signed();
        let media_step_ms = f64::from(ticks) * 1000.0 / f64::from(format.clock_rate);
        let audio_delta_ms = arrival.at_ns.saturating_sub(last.at_ns) as f64 * 1e-6;
        let difference_ms = (audio_delta_ms - media_step_ms).abs();
        let media_broke = difference_ms > BREAK_MS && media_step_ms.abs() > BREAK_MS;
        let sender_paused = arrival.marker && difference_ms > PAUSE_MS;
        if media_broke || sender_paused {
            self.begin_media_anew(arrival_ms, reference_ms);
            return (None, played(arrival_ms, arrival_ms - self.media_ms, format));
        }
        if places_ahead == 1 && last.highest && format.kind == Kind::Audio && ticks > 0 {
            self.packet_time.step((media_step_ms * 1000.0).round() as u32);
        }
        let transit_ms = arrival_ms - self.media_ms - media_step_ms;
        if before_first {
            return (None, played(arrival_ms, transit_ms, format));
        }
        self.media_ms += media_step_ms;
        // RFC 3550 A.8 in milliseconds.
        self.jitter_ms += (difference_ms - self.jitter_ms) / 16.0;
        self.measured = true;
        if regular {
            self.jitter_max_ms = self.jitter_max_ms.max(self.jitter_ms);
            // Packets left out stand in the mean as the mean itself, as tshark has it.
            self.jitter_mean_ms += (self.jitter_ms - self.jitter_mean_ms) / before as f64;
        }
        (regular.then_some(self.jitter_ms), played(arrival_ms, transit_ms, format))
    }

    /// The packet was sent before the first that arrived. It has no place in mean and maximum and nothing is measured
    /// from it, as tshark has it: the beginning of a stream would else weigh one reordering twice.
    fn before_first(&self, arrival: &Arrival, format: &Format) -> bool {
        self.last.is_some_and(|last| {
            let ticks = arrival.timestamp.wrapping_sub(last.timestamp).cast_signed();
            last.clock_rate == format.clock_rate
                && ticks < 0
                && self.media_ms + f64::from(ticks) * 1000.0 / f64::from(format.clock_rate.max(1)) < 0.0
        })
    }

    /// A packet that has no place in the running segment: it came, and that is all.
    pub(super) fn came(&mut self, arrival: &Arrival) {
        let delta_ms = arrival.at_ns.saturating_sub(self.last_at_ns) as f64 * 1e-6;
        self.last_at_ns = arrival.at_ns;
        self.packets += 1;
        self.noise_before = false;
        if !arrival.marker && delta_ms > self.max_delta_ms {
            self.max_delta_ms = delta_ms;
        }
    }

    /// The sequence began anew: nothing before compares.
    pub(super) fn forget_last(&mut self) {
        self.last = None;
        self.packet_time.break_run();
    }

    #[cold]
    fn begin_media_anew(&mut self, arrival_ms: f64, reference_ms: Option<f64>) {
        self.media_ms = arrival_ms - reference_ms.unwrap_or(0.0);
        self.drift.begin_anew();
    }
}

fn played(arrival_ms: f64, transit_ms: f64, format: &Format) -> Option<Played> {
    (format.kind == Kind::Audio).then_some(Played { arrival_ms, transit_ms })
}
