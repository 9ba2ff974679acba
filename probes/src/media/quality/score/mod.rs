//! R and MOS by G.107, G.107.1 and G.107.2, as an interval over what is unknown, or the reason why not.
//!
//! [`emodel`] is the arithmetic, [`codec`] the published impairments, [`mod@assess`] puts a stream's losses through every
//! combination of what is unknown and keeps the worst and the best. A score never leaves without its model's name
//! and inputs; what cannot be scored carries the reason and no number.

pub mod assess;
pub mod codec;
pub mod emodel;

use serde::Serialize;

pub use self::assess::{Coding, Heard, Losses, assess};
pub use self::codec::{CodecRow, CodecTable, Evidence, Scale};

/// A value known only between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The worst that the unknown allows.
    pub low: f64,
    /// The best that the unknown allows.
    pub high: f64,
}

impl Interval {
    /// Rounded to a thousandth, which is finer than the model means anything.
    pub(super) fn rounded(self) -> Self {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        Self { low: round(self.low), high: round(self.high) }
    }
}

/// R and MOS-CQE together, on one scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scored {
    /// Model and scale.
    pub scale: Scale,
    /// Transmission rating.
    pub r_factor: Interval,
    /// Estimated conversational opinion.
    pub mos: Interval,
}

impl Scored {
    /// The worse of two on one scale, end by end; of two scales there is none.
    pub fn worse(self, other: Self) -> Option<Self> {
        if self.scale != other.scale {
            return None;
        }
        let least = |mine: Interval, theirs: Interval| Interval {
            low: mine.low.min(theirs.low),
            high: mine.high.min(theirs.high),
        };
        let r_factor = least(self.r_factor, other.r_factor);
        Some(Self { scale: self.scale, r_factor, mos: least(self.mos, other.mos) })
    }
}

/// The model behind a score and everything that went into it.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Model {
    /// `G.107`, `G.107.1`, `G.107.2`, or none where nothing could be scored. Each has its own scale.
    pub name: Option<&'static str>,
    /// Equipment impairment factor at the high end.
    pub ie: Option<f64>,
    /// Equipment impairment factor at the low end.
    pub ie_low_end: Option<f64>,
    /// Packet-loss robustness at the low end.
    pub bpl_low: Option<f64>,
    /// Packet-loss robustness at the high end.
    pub bpl_high: Option<f64>,
    /// Network loss in percent.
    pub ppl: f64,
    /// Loss that a listener hears, late packets included, in percent: `low` behind the longest buffer.
    pub ppl_heard: Option<Interval>,
    /// Burst ratio that entered at the low end; the wideband and fullband models have none.
    pub burst_r: Option<f64>,
    /// One-way network delay where it is known.
    pub delay_ms: Option<f64>,
    /// Mouth-to-ear delay that was taken: with a known network delay packet and buffer are added; else what the
    /// model takes for free.
    pub delay_assumed_ms: Option<Interval>,
    /// Concealment of losses, where known.
    pub plc: Option<bool>,
    /// De-jitter buffers that were considered.
    pub buffers: Vec<&'static str>,
    /// Inputs that lay outside the model's domain and entered at its edge.
    pub clamped: Vec<&'static str>,
    /// The weakest evidence among the rows that were used.
    pub evidence: Option<Evidence>,
    /// Where the impairments are from.
    pub sources: Vec<String>,
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
    /// The receiver's de-jitter buffer where stated; the nearest simulated one stands for it.
    pub buffer_ms: Option<f64>,
    /// The payload is encrypted, so its size gives no mode away.
    pub encrypted: bool,
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vector_tests;
