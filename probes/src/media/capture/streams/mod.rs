//! The RTP among the datagrams: what is believed to be a stream, whose it is, and its way into the engine.
//!
//! A stream is known by source, destination and SSRC. Where a session description announced its address it is
//! believed at once; elsewhere it must show itself: version 2, one SSRC, several packets in sequence.
//! Deliberately absent: every judgement of quality.

mod candidates;
mod control;
mod gaps;
mod owner;
mod reported;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;

use super::net::Endpoint;

pub use control::{FarEnd, Rtcp};
pub use gaps::{GapWatch, Outage};
pub use owner::KnownBy;
pub use reported::{Reported, ReportedRow};
pub use table::{Heard, Streams};

/// What a stream is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// Who sends.
    pub source: Endpoint,
    /// Who receives.
    pub destination: Endpoint,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}@{}>{}", self.ssrc, self.source, self.destination)
    }
}
