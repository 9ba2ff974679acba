//! One stream: packets and their arrival times in, sums out, in bounded memory.
//!
//! A [`Stream`] takes each [`Arrival`] in the order of arrival and never looks back further than 1024 sequence
//! numbers. Its parts: `sequence` and `segment` place packets, `settled` holds places whose fate is known, `timing` follows
//! jitter and clocks, `content` what was carried, `window` the ten-second stretches, `summary` makes the record.

mod content;
mod drift;
mod packet_time;
mod segment;
mod sequence;
mod settled;
mod summary;
mod timing;
mod window;

use std::fmt;

use self::content::Content;
use self::segment::Arrived;
use self::sequence::{Entered, Sequence};
use self::settled::Settled;
use self::summary::Worst;
use self::timing::Timing;
use self::window::Windows;
use super::format::{Format, Kind};
use super::playout::{ALL_IN_TIME, Playout};
use super::rtp::Header;

/// One packet of a stream as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Arrival in nanoseconds of any one clock; only differences are used.
    pub at_ns: i64,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Payload bytes on the wire.
    pub payload_bytes: u32,
    /// All payload bytes are equal ([`Header::flat_payload`]); false when not looked at.
    pub flat: bool,
}

impl Arrival {
    /// The arrival of a packet with this header.
    pub fn new(at_ns: i64, header: &Header) -> Self {
        Self {
            at_ns,
            sequence: header.sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            payload_bytes: u32::try_from(header.payload_bytes).unwrap_or(u32::MAX),
            flat: false,
        }
    }
}

/// What a packet turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The next in order, or the first.
    InOrder,
    /// Later than expected in sequence: what lies between is missing for now.
    AfterGap,
    /// Unique, after a later one.
    Reordered,
    /// Seen before.
    Duplicate,
    /// Fits nothing known; the next packet decides whether the sequence began anew.
    Unplaced,
    /// Confirmed that the sequence began anew with the packet before.
    Restart,
}

/// How a stream is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Length of a window.
    pub window_ns: i64,
    /// Simulate de-jitter buffers.
    pub playout: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_ns: 10_000_000_000, playout: true }
    }
}

/// Counts of a stream, without score; cheap at any time. Units are packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Everything seen: unique, duplicates and strays.
    pub received: u64,
    /// Sequence numbers seen.
    pub unique: u64,
    /// Sequence numbers due.
    pub expected: u64,
    /// Sequence numbers that never came.
    pub lost: u64,
    /// Copies.
    pub duplicates: u64,
    /// Copies within moments of the first.
    pub mirrored: u64,
    /// Unique, after a later one.
    pub reordered: u64,
    /// Of the reordered, those that no buffer would have waited for.
    pub late: u64,
    /// Fit nothing.
    pub strays: u64,
    /// Beginnings of the sequence.
    pub segments: u64,
}

/// Packet time of speech until two packets in sequence showed another.
const ASSUMED_PACKET_US: u32 = 20_000;

/// A copy within this time of the packet before is the tap's.
const MIRROR_NS: i64 = 2_000_000;

/// The state of one stream (source, destination, SSRC).
#[derive(Clone)]
pub struct Stream {
    settings: Settings,
    first_at_ns: i64,
    last_at_ns: i64,
    received: u64,
    duplicates: u64,
    mirrored: u64,
    reordered: u64,
    late: u64,
    /// Sequence and timestamp of the packet before, for telling a mirror's copy.
    before: Option<(u16, u32)>,
    sequence: Sequence,
    settled: Settled,
    timing: Timing,
    content: Content,
    playout: Playout,
    windows: Windows,
    /// Worst of the windows that were drained.
    worst_drained: Worst,
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stream").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Stream {
    /// A stream that has seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            first_at_ns: 0,
            last_at_ns: 0,
            received: 0,
            duplicates: 0,
            mirrored: 0,
            reordered: 0,
            late: 0,
            before: None,
            sequence: Sequence::default(),
            settled: Settled::default(),
            timing: Timing::default(),
            content: Content::default(),
            playout: Playout::default(),
            windows: Windows::default(),
            worst_drained: Worst::default(),
        }
    }

    /// Takes a packet with what its payload type means. Packets come in the order of arrival.
    pub fn push(&mut self, arrival: &Arrival, format: &Format) -> Verdict {
        let at_ns = arrival.at_ns;
        if self.received == 0 {
            self.first_at_ns = at_ns;
            self.last_at_ns = at_ns;
            self.timing.begin(at_ns);
            self.windows.begin(at_ns, self.settings.window_ns);
        } else if at_ns >= self.windows.look_again_ns() {
            self.roll_windows(at_ns);
        }
        self.received += 1;
        self.last_at_ns = self.last_at_ns.max(at_ns);
        let since_before_ns = at_ns.saturating_sub(self.timing.last_at_ns);
        let same_as_before = self.before == Some((arrival.sequence, arrival.timestamp));
        self.before = Some((arrival.sequence, arrival.timestamp));

        // Video sends many packets a frame, so only speech may be assumed to have a packet time before it is seen.
        let assumed_us = (format.kind == Kind::Audio).then_some(ASSUMED_PACKET_US);
        let arrived = Arrived {
            sequence: arrival.sequence,
            timestamp: arrival.timestamp,
            at_ns,
            packet_us: self.timing.packet_time.running_us().or(assumed_us),
            clock_rate: format.clock_rate,
        };
        let entered = self.sequence.enter(arrived, self.windows.running(), &mut self.settled);
        match entered {
            Entered::Ahead(places) => {
                let in_time = self.timed(arrival, format, places);
                self.unique(arrival, format);
                if let Some(running) = &mut self.sequence.running {
                    running.mark(0, in_time);
                }
                if places == 1 { Verdict::InOrder } else { Verdict::AfterGap }
            }
            Entered::Behind { behind, open } => {
                let in_time = self.timed(arrival, format, -behind);
                self.unique(arrival, format);
                self.reordered += 1;
                self.late += u64::from(!open);
                if let Some(running) = self.sequence.running.as_mut().filter(|_| open) {
                    running.mark(behind, in_time);
                }
                Verdict::Reordered
            }
            Entered::Copy => {
                self.duplicates += 1;
                self.mirrored += u64::from(same_as_before && since_before_ns <= MIRROR_NS);
                self.timing.packet(arrival, format, 0, None);
                Verdict::Duplicate
            }
            Entered::Earlier => {
                self.timing.came(arrival);
                self.unique(arrival, format);
                self.reordered += 1;
                Verdict::Reordered
            }
            Entered::Unplaced => {
                self.timing.came(arrival);
                Verdict::Unplaced
            }
            Entered::Restart { behind } => {
                self.timing.forget_last();
                let in_time = self.timed(arrival, format, 0);
                // The packet that waited for this one is entered too, as of the same format.
                self.unique(arrival, format);
                self.unique(arrival, format);
                self.reordered += u64::from(behind > 0);
                if let Some(running) = &mut self.sequence.running {
                    running.mark(behind, in_time);
                }
                Verdict::Restart
            }
        }
    }

    /// Times a packet and asks the buffers; returns for which of them it came in time.
    #[inline]
    fn timed(&mut self, arrival: &Arrival, format: &Format, places: i64) -> u8 {
        let reference = self.playout.reference_ms();
        let (jitter_ms, played) = self.timing.packet(arrival, format, places, reference);
        if let Some(jitter_ms) = jitter_ms {
            self.windows.jitter(jitter_ms);
        }
        let Some(played) = played else { return ALL_IN_TIME };
        self.timing.drift.packet(played.arrival_ms, played.transit_ms);
        if !self.settings.playout {
            return ALL_IN_TIME;
        }
        self.playout.judge(played.arrival_ms, played.transit_ms)
    }

    #[inline]
    fn unique(&mut self, arrival: &Arrival, format: &Format) {
        let audio = self.content.packet(arrival, format);
        self.windows.unique(audio);
    }

    /// Tells the stream that time went on without a packet; closes windows that are over.
    pub fn advance(&mut self, now_ns: i64) {
        // Twice: a window that ends first waits for its latecomers, then is closed.
        for _ in 0..2 {
            if self.received > 0 && now_ns >= self.windows.look_again_ns() {
                self.roll_windows(now_ns);
            }
        }
    }

    #[cold]
    fn roll_windows(&mut self, now_ns: i64) {
        self.sequence.retire_if_quiet(now_ns, &mut self.settled);
        if self.windows.waits_for_latecomers() {
            self.sequence.settle_earlier(&mut self.settled);
            if let Some(running) = &mut self.sequence.running {
                running.settle_before_window(&mut self.settled);
            }
            self.windows.close_waiting(&mut self.settled);
        }
        if self.windows.begin_next(now_ns)
            && let Some(running) = &mut self.sequence.running
        {
            running.begin_window();
        }
    }

    /// The counts up to now. Places that a late packet may still fill count as lost.
    pub fn counts(&self) -> Counts {
        let (unique, expected) = self.sequence.unique_and_expected();
        Counts {
            received: self.received,
            unique,
            expected,
            lost: expected.saturating_sub(unique),
            duplicates: self.duplicates,
            mirrored: self.mirrored,
            reordered: self.reordered,
            late: self.late,
            strays: self.sequence.strays(),
            segments: self.sequence.segments,
        }
    }

    /// Arrival of the first and the last packet.
    pub fn span_ns(&self) -> (i64, i64) {
        (self.first_at_ns, self.last_at_ns)
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tshark_tests;
