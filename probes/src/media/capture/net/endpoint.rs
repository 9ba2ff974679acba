//! Address and port in a form that is quick to compare and to look up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An IP address with a port. IPv4 is held as an IPv4-mapped IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    high: u64,
    low: u64,
    port: u16,
}

const MAPPED: u64 = 0xffff << 32;

impl Endpoint {
    /// Of an IPv4 address.
    #[must_use]
    pub const fn v4(address: [u8; 4], port: u16) -> Self {
        Self { high: 0, low: MAPPED | u32::from_be_bytes(address) as u64, port }
    }

    /// Of an IPv6 address.
    #[must_use]
    pub const fn v6(address: [u8; 16], port: u16) -> Self {
        let whole = u128::from_be_bytes(address);
        Self { high: (whole >> 64) as u64, low: whole as u64, port }
    }

    /// Of either.
    #[must_use]
    pub const fn new(ip: IpAddr, port: u16) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::v4(ip.octets(), port),
            IpAddr::V6(ip) => Self::v6(ip.octets(), port),
        }
    }

    /// The same address with another port.
    #[must_use]
    pub const fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The port.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.port
    }

    /// The address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        let whole = u128::from(self.high) << 64 | u128::from(self.low);
        if self.high == 0 && self.low >> 32 == 0xffff {
            return Ipv4Addr::from(self.low as u32).into();
        }
        Ipv6Addr::from(whole).into()
    }

    /// The address in two words, the upper one first.
    #[must_use]
    pub(in crate::capture) const fn words(self) -> [u64; 2] {
        [self.high, self.low]
    }

    /// Whether the address (not the port) is the same.
    #[must_use]
    pub const fn same_host(self, other: Self) -> bool {
        self.high == other.high && self.low == other.low
    }

    /// Whether no address is meant: 0.0.0.0 or ::, as SDP writes for a call on hold.
    #[must_use]
    pub fn is_unspecified(self) -> bool {
        self.ip().is_unspecified()
    }

    /// Whether the address is only known behind some address translation: private (RFC 1918), shared
    /// (RFC 6598), link-local or unique local (RFC 4193).
    #[must_use]
    pub fn is_private(self) -> bool {
        match self.ip() {
            IpAddr::V4(ip) => {
                let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
                ip.is_private() || ip.is_link_local() || shared
            }
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip(), self.port).fmt(f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), address.port())
    }
}
