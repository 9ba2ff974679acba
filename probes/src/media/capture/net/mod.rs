//! From a frame to what UDP or TCP carried: link headers, IP with its extensions, fragments, TCP order.
//!
//! Headers from IP upwards are read by etherparse, laxly, so that packets cut by the capture's snap length
//! still count. Deliberately absent: checksums (a capture on the sending host shows them unset), tunnels.

mod endpoint;
mod fragments;
mod link;
mod tcp;
#[cfg(test)]
mod tests;

use etherparse::{Ipv4HeaderSlice, LaxIpSlice, TcpSlice, UdpSlice};

pub use endpoint::Endpoint;
pub(in crate::capture) use link::network_layer;
pub use tcp::{Flows, Ordered, Segment};

use super::file::Frame;
use fragments::{Fragment, FragmentKey, Fragments};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A UDP datagram.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    /// Arrival in nanoseconds since 1970.
    pub at: i64,
    /// Who sent it.
    pub source: Endpoint,
    /// For whom it was.
    pub destination: Endpoint,
    /// Differentiated services code point (RFC 2474).
    pub dscp: u8,
    /// What was captured of the payload.
    pub payload: &'a [u8],
    /// How long the payload was on the wire.
    pub length: usize,
}

/// What a frame carried.
#[derive(Debug, Clone, Copy)]
pub enum Packet<'a> {
    /// A whole datagram.
    Udp(Datagram<'a>),
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A part of a datagram whose rest is still to come, or will never.
    Fragment,
    /// Anything else.
    Other,
}

/// Takes the headers off. Holds what is known of unfinished datagrams.
#[derive(Default)]
pub struct Decoder {
    fragments: Fragments,
    whole: Vec<u8>,
}

impl Decoder {
    /// Reads a frame.
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Packet<'a> {
        let Some(ip) = link::network_layer(frame.link, frame.data) else { return Packet::Other };
        let Some(header) = Header::read(ip) else { return Packet::Other };
        let Some(fragment) = header.fragment else {
            return transport(frame.at, &header, header.payload);
        };
        if header.incomplete || !matches!(header.protocol, TCP | UDP) {
            return Packet::Other;
        }
        let key = FragmentKey {
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            identification: fragment.identification,
        };
        if !self.fragments.join(frame.at, key, fragment, header.payload, &mut self.whole) {
            return Packet::Fragment;
        }
        transport(frame.at, &header, &self.whole)
    }
}

/// What is needed of an IP header.
#[derive(Debug, PartialEq, Eq)]
struct Header<'a> {
    source: Endpoint,
    destination: Endpoint,
    dscp: u8,
    protocol: u8,
    incomplete: bool,
    fragment: Option<Fragment>,
    payload: &'a [u8],
}

impl<'a> Header<'a> {
    #[inline]
    fn read(ip: &'a [u8]) -> Option<Self> {
        Self::plain_v4(ip).or_else(|| Self::any(ip))
    }

    /// IPv4 as nearly every packet has it: no options, no extension, and a length that can be true. The reader of any
    /// packet hands its findings over in memory, byte by byte, and every packet waits until they have got there.
    #[inline]
    fn plain_v4(ip: &'a [u8]) -> Option<Self> {
        let (head, rest) = ip.split_first_chunk::<20>()?;
        let (header, protocol) = (Ipv4HeaderSlice::from_slice(head).ok()?, head[9]);
        let length = usize::from(header.total_len()).checked_sub(head.len()).filter(|length| *length > 0)?;
        if !matches!(protocol, TCP | UDP) {
            return None;
        }
        Some(Self {
            source: Endpoint::v4(header.source(), 0),
            destination: Endpoint::v4(header.destination(), 0),
            dscp: header.dcp().value(),
            protocol,
            incomplete: length > rest.len(),
            fragment: header.is_fragmenting_payload().then(|| v4_fragment(&header)),
            payload: rest.get(..length).unwrap_or(rest),
        })
    }

    /// Any IP packet, lengths that are wrong and extensions included.
    fn any(ip: &'a [u8]) -> Option<Self> {
        let (slice, _) = LaxIpSlice::from_slice(ip).ok()?;
        let payload = slice.payload();
        let (protocol, incomplete, bytes) = (payload.ip_number.0, payload.incomplete, payload.payload);
        Some(match &slice {
            LaxIpSlice::Ipv4(v4) => {
                let header = v4.header();
                Self {
                    source: Endpoint::v4(header.source(), 0),
                    destination: Endpoint::v4(header.destination(), 0),
                    dscp: header.dcp().value(),
                    protocol,
                    incomplete,
                    fragment: header.is_fragmenting_payload().then(|| v4_fragment(&header)),
                    payload: bytes,
                }
            }
            LaxIpSlice::Ipv6(v6) => {
                let header = v6.header();
                Self {
                    source: Endpoint::v6(header.source(), 0),
                    destination: Endpoint::v6(header.destination(), 0),
                    dscp: header.dscp().value(),
                    protocol,
                    incomplete,
                    fragment: payload.fragmented.then(|| v6_fragment(v6)).flatten(),
                    payload: bytes,
                }
            }
        })
    }
}

fn v4_fragment(header: &Ipv4HeaderSlice<'_>) -> Fragment {
    Fragment {
        identification: u32::from(header.identification()),
        offset: usize::from(header.fragments_offset().value()) * 8,
        more: header.more_fragments(),
    }
}

fn v6_fragment(slice: &etherparse::LaxIpv6Slice<'_>) -> Option<Fragment> {
    slice.extensions().clone().into_iter().find_map(|extension| match extension {
        etherparse::Ipv6ExtensionSlice::Fragment(header) => Some(Fragment {
            identification: header.identification(),
            offset: usize::from(header.fragment_offset().value()) * 8,
            more: header.more_fragments(),
        }),
        _ => None,
    })
}

fn transport<'a>(at: i64, header: &Header<'_>, bytes: &'a [u8]) -> Packet<'a> {
    match header.protocol {
        UDP => {
            let Ok(udp) = UdpSlice::from_slice_lax(bytes) else { return Packet::Other };
            let payload = udp.payload();
            Packet::Udp(Datagram {
                at,
                source: header.source.with_port(udp.source_port()),
                destination: header.destination.with_port(udp.destination_port()),
                dscp: header.dscp,
                payload,
                length: usize::from(udp.length()).saturating_sub(8).max(payload.len()),
            })
        }
        TCP => {
            let Ok(tcp) = TcpSlice::from_slice(bytes) else { return Packet::Other };
            Packet::Tcp(Segment {
                at,
                source: header.source.with_port(tcp.source_port()),
                destination: header.destination.with_port(tcp.destination_port()),
                sequence: tcp.sequence_number(),
                begins: tcp.syn(),
                ends: tcp.fin() || tcp.rst(),
                payload: tcp.payload(),
            })
        }
        _ => Packet::Other,
    }
}
