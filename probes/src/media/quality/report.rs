//! The record of a stream as it leaves the engine; its field names are the contract's (section 2).

use serde::Serialize;

use super::burst::{Bursts, RUN_LENGTHS};
use super::format::Kind;
use super::playout::{BUFFERS, Buffer};
use super::score::{Interval, Model};

/// One payload format that a stream used, in the order of first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormatUse {
    /// Payload type.
    pub payload_type: u8,
    /// Encoding name; none when nobody said.
    pub codec: Option<String>,
    /// RTP clock; none when unknown.
    pub clock_rate: Option<u32>,
    /// What it carries.
    pub kind: Kind,
    /// Unique packets.
    pub packets: u64,
}

/// A stretch of one stream, ten seconds unless set otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct WindowReport {
    /// Start, in the clock of the arrivals.
    #[serde(skip)]
    pub start_ns: i64,
    /// Start after the stream's first packet.
    pub start_s: f64,
    /// Length; the last one may be shorter.
    pub duration_s: f64,
    /// Unique packets that arrived in it.
    pub received: u64,
    /// Sequence numbers that were due.
    pub expected: u64,
    /// Of these, the ones that had not come when the window was closed.
    pub lost: u64,
    /// Lost over expected.
    pub loss_ratio: f64,
    /// Received but late for a fixed buffer of 40, 60, 200 ms and for the adaptive one.
    pub late: [u64; BUFFERS],
    /// Largest RFC 3550 jitter in the window.
    pub jitter_max_ms: Option<f64>,
    /// The model of this window's score; a stream may change codec and with it the model.
    pub model: Option<&'static str>,
    /// R as an interval.
    pub r_factor: Option<Interval>,
    /// MOS-CQE as an interval, on the scale of the window's model.
    pub mos: Option<Interval>,
    /// What was wrong with our own measuring meanwhile: such a window accuses no network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measurement_faults: Vec<&'static str>,
}

/// Something worth telling about a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Nothing but comfort noise or digital silence.
    Silent,
    /// Most packets were seen twice within moments: the tap mirrors both sides, the network is not to blame.
    MirroredCapture,
    /// Sender and capture clocks run apart by more than 100 ppm.
    ClockDrift,
    /// Two senders share source address and SSRC at the same time.
    SsrcCollision,
    /// The sequence began anew at least once.
    SequenceRestart,
    /// The codec or its clock changed within the stream.
    CodecChange,
    /// The packet time changed within the stream.
    PtimeChange,
    /// No packet for two seconds or more although the sequence went on.
    Gap,
}

/// Everything known about one stream. Identity (addresses, SSRC, call, leg) is the caller's to add, by
/// `#[serde(flatten)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct StreamReport {
    /// Payload type of most audio packets.
    pub payload_type: u8,
    /// Its encoding name; none when nobody said.
    pub codec: Option<String>,
    /// Its RTP clock; none when unknown.
    pub clock_rate: Option<u32>,
    /// First packet's arrival, in the clock of the arrivals.
    #[serde(skip)]
    pub first_ns: i64,
    /// Last packet's arrival.
    #[serde(skip)]
    pub last_ns: i64,
    /// Last arrival minus first.
    pub duration_s: f64,
    /// Packets seen: unique, duplicates and strays.
    pub received: u64,
    /// Sequence numbers seen, over all segments.
    pub unique: u64,
    /// Sequence numbers due, over all segments: unique plus lost.
    pub expected: u64,
    /// Sequence numbers that never came; never negative.
    pub lost: u64,
    /// Lost over expected.
    pub loss_ratio: f64,
    /// Further copies of a sequence number already seen.
    pub duplicates: u64,
    /// Of the duplicates, those within moments of the first: the tap's doing.
    pub mirrored: u64,
    /// Unique packets that came after a later one.
    pub reordered: u64,
    /// Of the reordered, those so late (128 places) that no buffer would have waited.
    pub late: u64,
    /// Packets whose sequence number fitted nothing before or after.
    pub strays: u64,
    /// Times the sequence began, at least 1.
    pub segments: u64,
    /// RFC 4733 event packets among the unique.
    pub events: u64,
    /// Comfort noise packets among the unique.
    pub comfort_noise: u64,
    /// Talkspurts, by marker.
    pub talkspurts: u64,
    /// Longest time between two packets, talkspurt starts left out.
    pub max_delta_ms: f64,
    /// Mean of RFC 3550 A.8 jitter over the packets; none without a clock.
    pub jitter_mean_ms: Option<f64>,
    /// Largest RFC 3550 A.8 jitter.
    pub jitter_max_ms: Option<f64>,
    /// RFC 3550 A.8 jitter after the last packet, as an RTCP report would say.
    pub jitter_last_ms: Option<f64>,
    /// Packet time most in use.
    pub ptime_ms: Option<f64>,
    /// How often the packet time changed.
    pub ptime_changes: u64,
    /// Payload bytes of most packets.
    pub payload_bytes: u64,
    /// Sender clock against capture clock; none when too short to say.
    pub clock_drift_ppm: Option<f64>,
    /// Silences of two seconds or more in which sequence numbers went missing.
    pub gaps: u64,
    /// The longest of these.
    pub gap_max_ms: Option<f64>,
    /// Bursts of loss.
    pub bursts: Bursts,
    /// Loss runs by length: `[0]` counts runs of one packet, the last counts ten and more.
    pub loss_runs: [u64; RUN_LENGTHS],
    /// Simulated de-jitter buffers; empty without a clock.
    pub playout: Vec<Buffer>,
    /// R as an interval.
    pub r_factor: Option<Interval>,
    /// MOS-CQE as an interval, on the scale of the model.
    pub mos: Option<Interval>,
    /// Worst R of any window; none where windows have different scales.
    pub r_factor_min: Option<Interval>,
    /// Worst MOS of any window.
    pub mos_min: Option<Interval>,
    /// What the score rests on.
    pub model: Model,
    /// All formats that were used.
    pub formats: Vec<FormatUse>,
    /// Windows not yet drained, in order.
    pub windows: Vec<WindowReport>,
    /// What is worth telling.
    pub findings: Vec<Finding>,
}
