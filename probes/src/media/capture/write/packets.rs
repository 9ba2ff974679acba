//! IP packets and the frames around them.

use std::net::{IpAddr, SocketAddr};

/// What stands around an IP packet on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrap {
    /// Ethernet.
    Ethernet,
    /// Ethernet with one 802.1Q tag.
    Vlan(u16),
    /// Ethernet with two tags (802.1ad).
    QinQ(u16, u16),
    /// Linux cooked capture.
    Sll,
    /// Linux cooked capture, version 2.
    Sll2,
    /// Nothing.
    Raw,
    /// BSD loopback.
    Null,
}

impl Wrap {
    /// Its number in the registry of link types.
    #[must_use]
    pub const fn link_type(self) -> u16 {
        match self {
            Self::Ethernet | Self::Vlan(_) | Self::QinQ(..) => 1,
            Self::Sll => 113,
            Self::Sll2 => 276,
            Self::Raw => 101,
            Self::Null => 0,
        }
    }
}

/// A frame around an IP packet.
#[must_use]
pub fn frame(wrap: Wrap, ip: &[u8]) -> Vec<u8> {
    let v6 = ip.first().is_some_and(|byte| byte >> 4 == 6);
    let kind: [u8; 2] = if v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
    let macs = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    let mut bytes = Vec::with_capacity(ip.len() + 22);
    match wrap {
        Wrap::Ethernet => bytes.extend(macs),
        Wrap::Vlan(tag) => {
            bytes.extend(macs);
            bytes.extend([0x81, 0x00]);
            bytes.extend(tag.to_be_bytes());
        }
        Wrap::QinQ(outer, inner) => {
            bytes.extend(macs);
            bytes.extend([0x88, 0xa8]);
            bytes.extend(outer.to_be_bytes());
            bytes.extend([0x81, 0x00]);
            bytes.extend(inner.to_be_bytes());
        }
        Wrap::Sll => bytes.extend([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]),
        Wrap::Sll2 => {
            bytes.extend(kind);
            bytes.extend([0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        }
        Wrap::Raw => {}
        Wrap::Null => bytes.extend(if v6 { 30_u32 } else { 2 }.to_le_bytes()),
    }
    if !matches!(wrap, Wrap::Sll2 | Wrap::Raw | Wrap::Null) {
        bytes.extend(kind);
    }
    bytes.extend(ip);
    bytes
}

/// An IP packet with a UDP datagram.
#[must_use]
pub fn udp(source: SocketAddr, destination: SocketAddr, dscp: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(payload.len() + 8);
    datagram.extend(source.port().to_be_bytes());
    datagram.extend(destination.port().to_be_bytes());
    datagram.extend(u16::try_from(payload.len() + 8).unwrap_or(u16::MAX).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ip(source.ip(), destination.ip(), dscp, 17, &datagram, None)
}

/// An IP packet with a TCP segment; `flags` as in the header (2 is SYN, 16 ACK, 1 FIN).
#[must_use]
pub fn tcp(source: SocketAddr, destination: SocketAddr, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(payload.len() + 20);
    segment.extend(source.port().to_be_bytes());
    segment.extend(destination.port().to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    ip(source.ip(), destination.ip(), 0, 6, &segment, None)
}

/// The IP packets of a UDP datagram that is sent in pieces of at most `each` bytes (rounded down to eights).
#[must_use]
pub fn fragments(source: SocketAddr, destination: SocketAddr, payload: &[u8], each: usize) -> Vec<Vec<u8>> {
    let whole = udp(source, destination, 0, payload);
    let body = &whole[if source.is_ipv4() { 20 } else { 40 }..];
    let each = (each / 8).max(1) * 8;
    let pieces = body.chunks(each).count();
    body.chunks(each)
        .enumerate()
        .map(|(piece, bytes)| {
            let offset = u16::try_from(piece * each).unwrap_or(0);
            ip(source.ip(), destination.ip(), 0, 17, bytes, Some((offset, piece + 1 < pieces)))
        })
        .collect()
}

/// A packet; with a fragment's offset and whether more follow.
fn ip(
    source: IpAddr,
    destination: IpAddr,
    dscp: u8,
    protocol: u8,
    body: &[u8],
    part: Option<(u16, bool)>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 48);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x45, dscp << 2]);
            bytes.extend(u16::try_from(body.len() + 20).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend([0x12, 0x34]);
            let flags = part.map_or(0x4000, |(offset, more)| (offset / 8) | (u16::from(more) << 13));
            bytes.extend(flags.to_be_bytes());
            bytes.extend([64, protocol, 0, 0]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
            let sum = checksum(&bytes);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (source, destination) => {
            let v6 = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            bytes.extend([0x60 | dscp >> 2, dscp << 6, 0, 0]);
            let length = body.len() + if part.is_some() { 8 } else { 0 };
            bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend([if part.is_some() { 44 } else { protocol }, 64]);
            bytes.extend(v6(source));
            bytes.extend(v6(destination));
            if let Some((offset, more)) = part {
                bytes.extend([protocol, 0]);
                bytes.extend((offset | u16::from(more)).to_be_bytes());
                bytes.extend([0x12, 0x34, 0x56, 0x78]);
            }
        }
    }
    bytes.extend(body);
    bytes
}

fn checksum(header: &[u8]) -> u16 {
    let words =
        header.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], *word.get(1).unwrap_or(&0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An RTP packet.
#[must_use]
pub fn rtp(
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 12);
    bytes.extend([0x80, payload_type & 0x7f | u8::from(marker) << 7]);
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes
}
