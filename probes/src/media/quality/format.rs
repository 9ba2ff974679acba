//! What a payload type means: codec name, RTP clock, and whether it is audio, an event or comfort noise.
//!
//! The static assignments are RFC 3551 table 4. Dynamic ones come from SDP and are set by the caller.

use std::sync::{Arc, LazyLock};

use serde::Serialize;

/// What a payload type carries, as far as counting and timing care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Coded speech: takes part in jitter, playout and score.
    Audio,
    /// RFC 4733 telephone events: one timestamp for many packets, so no jitter.
    Event,
    /// Comfort noise (RFC 3389).
    ComfortNoise,
    /// Video, fax over RTP, text, or unknown: counted and timed, never scored.
    Other,
}

/// One payload format, as SDP's `a=rtpmap` and `a=fmtp` state it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Payload type.
    pub payload_type: u8,
    /// Encoding name, such as `PCMA`, `G729`, `AMR-WB`, `opus`; empty when nobody said.
    pub codec: Arc<str>,
    /// RTP clock in Hz; 0 when unknown, and then nothing in milliseconds is computed from timestamps.
    pub clock_rate: u32,
    /// What it carries.
    pub kind: Kind,
    /// A mode that the score depends on and SDP or configuration states, such as `12.65` or `annexb=no`.
    pub variant: Option<Arc<str>>,
}

impl Format {
    /// A format by its SDP encoding name and clock; the kind follows from the name.
    pub fn new(payload_type: u8, codec: &str, clock_rate: u32) -> Self {
        let kind = if codec.eq_ignore_ascii_case("telephone-event") {
            Kind::Event
        } else if codec.eq_ignore_ascii_case("CN") {
            Kind::ComfortNoise
        } else if codec.is_empty() || is_no_speech(codec) {
            Kind::Other
        } else {
            Kind::Audio
        };
        Self { payload_type, codec: codec.into(), clock_rate, kind, variant: None }
    }

    /// Equal, and quickly found so where both are the same statement of the same call.
    #[inline]
    pub fn is(&self, other: &Self) -> bool {
        let same_statement = self.payload_type == other.payload_type
            && self.clock_rate == other.clock_rate
            && self.variant.is_none()
            && other.variant.is_none()
            && Arc::ptr_eq(&self.codec, &other.codec);
        same_statement || self == other
    }

    /// The same format with a stated mode.
    pub fn with_variant(mut self, variant: &str) -> Self {
        self.variant = Some(variant.into());
        self
    }
}

/// Names of RFC 3551 and later that are no speech codec.
fn is_no_speech(codec: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "CelB",
        "JPEG",
        "nv",
        "H261",
        "MPV",
        "MP2T",
        "H263",
        "H263-1998",
        "H264",
        "H265",
        "VP8",
        "t38",
        "t140",
        "red",
    ];
    OTHERS.iter().any(|name| name.eq_ignore_ascii_case(codec))
}

/// The formats of one direction of one call: what SDP said over what RFC 3551 assigns.
#[derive(Debug, Clone, Default)]
pub struct PayloadFormats {
    stated: Vec<Format>,
}

impl PayloadFormats {
    /// Only the static assignments.
    pub fn new() -> Self {
        Self::default()
    }

    /// States a format; a later statement for the same payload type replaces the earlier.
    pub fn set(&mut self, format: Format) {
        self.stated.retain(|known| known.payload_type != format.payload_type);
        self.stated.push(format);
    }

    /// The clock that all stated formats of speech have in common.
    pub fn only_clock(&self) -> Option<u32> {
        let mut clocks = self.stated.iter().map(|format| format.clock_rate).filter(|rate| *rate > 0);
        let first = clocks.next()?;
        clocks.all(|rate| rate == first).then_some(first)
    }

    /// What the payload type means; never fails, since unknown is an answer too.
    pub fn get(&self, payload_type: u8) -> &Format {
        let payload_type = payload_type & 0x7f;
        self.stated
            .iter()
            .find(|format| format.payload_type == payload_type)
            .unwrap_or_else(|| &STATIC[usize::from(payload_type)])
    }
}

/// RFC 3551 table 4 and 5; comfort noise also under its old number 19.
static STATIC: LazyLock<Vec<Format>> = LazyLock::new(|| {
    (0..128_u8)
        .map(|payload_type| {
            let (codec, clock_rate) = match payload_type {
                0 => ("PCMU", 8000),
                3 => ("GSM", 8000),
                4 => ("G723", 8000),
                5 => ("DVI4", 8000),
                6 => ("DVI4", 16000),
                7 => ("LPC", 8000),
                8 => ("PCMA", 8000),
                9 => ("G722", 8000),
                10 | 11 => ("L16", 44100),
                12 => ("QCELP", 8000),
                13 | 19 => ("CN", 8000),
                14 => ("MPA", 90000),
                15 => ("G728", 8000),
                16 => ("DVI4", 11025),
                17 => ("DVI4", 22050),
                18 => ("G729", 8000),
                25 => ("CelB", 90000),
                26 => ("JPEG", 90000),
                28 => ("nv", 90000),
                31 => ("H261", 90000),
                32 => ("MPV", 90000),
                33 => ("MP2T", 90000),
                34 => ("H263", 90000),
                _ => ("", 0),
            };
            Format::new(payload_type, codec, clock_rate)
        })
        .collect()
});
