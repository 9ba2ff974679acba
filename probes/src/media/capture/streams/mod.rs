//! The RTP among the datagrams: what is believed to be a stream, whose it is, and its way into the engine.
//!
//! A stream is known by source, destination and SSRC. Where a session description announced its address it is
//! believed at once; elsewhere it must show itself: version 2, one SSRC, several packets in sequence.
//! Deliberately absent: every judgement of quality.

mod candidates;
mod control;
mod gaps;
mod hashed;
mod owner;
mod reported;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{Hash, Hasher};

use super::net::Endpoint;

pub use control::{FarEnd, Rtcp};
pub use gaps::{GapWatch, Outage};
pub use owner::KnownBy;
pub use reported::{Reported, ReportedRow};
pub use table::{Heard, Streams};

/// What a stream is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamKey {
    /// Who sends.
    pub source: Endpoint,
    /// Who receives.
    pub destination: Endpoint,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl Hash for StreamKey {
    /// In few words: of IPv4 addresses the upper halves are all alike.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ([upper, source], [other_upper, destination]) = (self.source.words(), self.destination.words());
        let ports = u64::from(self.source.port()) << 16 | u64::from(self.destination.port());
        state.write_u64(source);
        state.write_u64(destination);
        state.write_u64(ports << 32 | u64::from(self.ssrc));
        if upper | other_upper != 0 {
            state.write_u64(upper);
            state.write_u64(other_upper);
        }
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}@{}>{}", self.ssrc, self.source, self.destination)
    }
}
