//! One stream: packets and their arrival times in, sums out, in bounded memory.

use super::format::Format;
use super::report::{StreamReport, WindowReport};
use super::rtp::Header;
use super::score::{Assumptions, CodecTable};

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

/// The state of one stream (source, destination, SSRC).
#[derive(Debug, Clone)]
pub struct Stream {
    settings: Settings,
}

impl Stream {
    /// A stream that has seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Takes a packet with what its payload type means.
    pub fn push(&mut self, _arrival: &Arrival, _format: &Format) -> Verdict {
        let _ = self.settings;
        Verdict::InOrder
    }

    /// Tells the stream that time went on without a packet; closes windows that are over.
    pub fn advance(&mut self, _now_ns: i64) {}

    /// The record up to now. Losses still within reach of a late packet count as lost.
    pub fn report(&self, _codecs: &CodecTable, _assumptions: &Assumptions) -> StreamReport {
        StreamReport::default()
    }

    /// Takes the windows that are over away, scored; a live caller does so after every [`Stream::advance`].
    pub fn drain_windows(&mut self, _codecs: &CodecTable, _assumptions: &Assumptions) -> Vec<WindowReport> {
        Vec::new()
    }
}
