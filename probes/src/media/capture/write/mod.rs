//! Captures written: packets built from what they carry, and files of them.
//!
//! For evidence files, for the packets of test calls, and for tests that need captures whose truth is known.
//! Deliberately absent: TCP options, IP options, anything that only other protocols need.

mod files;
mod packets;
mod scene;

pub use files::{Ng, pcap, pcap_swapped, pcapng};
pub use packets::{Wrap, fragments, frame, rtp, tcp, udp};
pub use scene::{Leg, Scene, Talk, sdp};

/// A frame with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Nanoseconds since 1970.
    pub at: i64,
    /// All its bytes.
    pub bytes: Vec<u8>,
}
