//! Losses in order: bursts and gaps by RFC 3611's definition, burst ratio, and run lengths.

use serde::Serialize;

/// Burst figures of a stream, by the definition of RFC 3611 section 4.7.2 with Gmin 16.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Bursts {
    /// Number of bursts.
    pub count: u64,
    /// Share of the packets inside bursts that were lost, 0 to 1; none without a burst.
    pub density: Option<f64>,
    /// Mean length of a burst; none without one or without a known packet time.
    pub mean_ms: Option<f64>,
    /// Share of the packets outside bursts that were lost, 0 to 1.
    pub gap_density: Option<f64>,
    /// Mean loss run over what random loss of the same rate would give (G.107 clause 7.5), at least 1.
    pub burst_r: f64,
}
