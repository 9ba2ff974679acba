//! Packets of an interface, with the time at which the kernel saw them.
//!
//! Behind one [`PacketSource`]: a TPACKET_V3 ring ([`Ring`], the default: the kernel writes into memory that we read,
//! 0.03 µs a packet), and pnet's channel on a socket of our own ([`Channel`]), whose receive buffer we set, because
//! its default one holds 2.5 ms of 100,000 packets a second and loses the rest. [`Workers`] read several rings of one
//! fan-out group side by side. What the kernel had to drop is counted and told, so that nobody takes it for loss of a
//! network. [`UdpFeed`] takes what others send us over UDP. Deliberately absent: what the packets mean.

mod channel;
mod feed;
pub mod filter;
mod ring;
mod sys;
mod workers;

use std::io;
use std::time::Duration;

pub use channel::{CHANNEL_BUFFER_BYTES, Channel, DefaultChannel};
pub use feed::UdpFeed;
pub use filter::{Filter, FilterError};
pub use ring::{RING_BYTES, Ring};
pub use workers::Workers;

use super::permission;

/// The name that stands for all interfaces.
pub const ANY: &str = "any";

/// Link type of Ethernet in the registry of tcpdump.
pub const ETHERNET: u32 = 1;
/// Link type of packets that begin with their IP header.
pub const RAW_IP: u32 = 101;

/// One packet.
#[derive(Debug, Clone, Copy)]
pub struct Captured<'a> {
    /// When the kernel saw it: nanoseconds since 1970.
    pub at_ns: i64,
    /// What the bytes begin with, as in the registry of tcpdump.
    pub link: u32,
    /// The bytes.
    pub data: &'a [u8],
}

/// What a source counted since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets that passed the filter, also those dropped.
    pub packets: u64,
    /// Of these, packets that the kernel dropped because we did not keep up: our own loss.
    pub drops: u64,
    /// Times the interface went down.
    pub interruptions: u64,
}

impl Counters {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            drops: self.drops + other.drops,
            interruptions: self.interruptions + other.interruptions,
        }
    }
}

/// Where packets come from.
pub trait PacketSource: Send {
    /// Hands out what has come; waits for it at most `patience`. Returns how many packets that were.
    ///
    /// # Errors
    /// When nothing will come any more.
    fn receive(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<usize, CaptureError>;

    /// The counts up to now.
    ///
    /// # Errors
    /// When the kernel does not tell.
    fn counters(&mut self) -> Result<Counters, CaptureError>;
}

/// What to capture.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the interface, or [`ANY`].
    pub interface: String,
    /// What passes, judged in the kernel.
    pub filter: Filter,
    /// Memory for packets that wait to be read.
    pub buffer_bytes: usize,
    /// Also packets that are not addressed to this host: needed on a mirror port.
    pub promiscuous: bool,
    /// Group of sources that share the interface's flows between them.
    pub fanout: Option<u16>,
}

impl Options {
    /// Everything that may be voice on this interface.
    #[must_use]
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            filter: Filter::default(),
            buffer_bytes: RING_BYTES,
            promiscuous: true,
            fanout: None,
        }
    }
}

/// Why there are no packets.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system does not permit it.
    #[error("{hint}")]
    NoPermission {
        /// What mends it.
        hint: String,
    },
    /// No such interface.
    #[error("there is no interface `{name}`; there are: {known}")]
    NoInterface {
        /// What was asked for.
        name: String,
        /// What is there.
        known: String,
    },
    /// The source cannot do this.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The operating system refused something else.
    #[error("{operation} on `{interface}` failed: {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// Where.
        interface: String,
        /// What it said.
        source: io::Error,
    },
}

impl CaptureError {
    /// Names what was tried; a refusal becomes the hint that mends it.
    fn of(operation: &'static str, interface: &str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            let hint = permission::capture().err();
            return Self::NoPermission { hint: hint.unwrap_or_else(|| format!("{operation}: {source}")) };
        }
        Self::System { operation, interface: interface.to_owned(), source }
    }
}

/// An interface as a source needs it.
struct Port {
    index: u32,
    loopback: bool,
}

impl Port {
    fn find(name: &str) -> Result<Self, CaptureError> {
        if name == ANY {
            return Ok(Self { index: 0, loopback: false });
        }
        let all = pnet::datalink::interfaces();
        all.iter()
            .find(|interface| interface.name == name)
            .map(|interface| Self { index: interface.index, loopback: interface.is_loopback() })
            .ok_or_else(|| {
                let known: Vec<_> = all.iter().map(|interface| interface.name.as_str()).collect();
                CaptureError::NoInterface { name: name.to_owned(), known: known.join(", ") }
            })
    }
}

/// A number for a fan-out group that no other capture of this host is likely to have.
#[must_use]
pub fn fanout_group() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    (std::process::id() as u16) ^ NEXT.fetch_add(1, Ordering::Relaxed).rotate_left(12)
}

#[cfg(test)]
mod tests;
