//! The latest packets of voice in a memory of fixed size, and a short pcap of those that somebody asks for.
//!
//! As it is meant for a ticket, only headers are kept unless asked otherwise: IP, UDP, RTP, and the reports of RTCP.
//! Deliberately absent whatever is asked: signalling and RTCP's descriptions, which name people, and payloads so short
//! that they may be dialled digits (RFC 4733).

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::file::Frame;
use super::net::{Endpoint, network_layer};
use super::write::udp;

/// Before each packet in the memory: arrival, length on the wire, bytes kept.
const HEAD: usize = 8 + 4 + 2;
/// A packet with more than this is cut.
const LONGEST: usize = 2_048;
/// Digits are of four octets each, comfort noise of a few; no codec's frame of voice is as short.
const MAY_BE_DIGITS: usize = 16;
const RTP_HEADER: usize = 12;
const UDP_HEADER: usize = 8;
/// Link type of a file whose packets begin with IP.
const RAW: u32 = 101;
/// Header of a file, header of a packet in it.
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

/// What is kept of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Headers alone.
    Headers,
    /// Payload too.
    Payload,
}

/// The latest packets.
#[derive(Debug)]
pub struct Recorder {
    keep: Keep,
    most: usize,
    ring: VecDeque<u8>,
}

/// Packets that were asked for, as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// A pcap.
    pub pcap: Vec<u8>,
    /// Packets in it.
    pub packets: u64,
    /// Earlier ones that found no room in it.
    pub left_out: u64,
    /// Arrival of the first, nanoseconds since 1970.
    pub first: i64,
    /// Arrival of the last.
    pub last: i64,
    /// Whether payload is in it.
    pub has_payload: bool,
}

impl Recorder {
    /// One that never holds more than so many bytes.
    #[must_use]
    pub fn new(keep: Keep, most: usize) -> Self {
        Self { keep, most: most.max(HEAD + LONGEST), ring: VecDeque::new() }
    }

    /// Takes a frame, if it carries RTP or a report of RTCP.
    pub fn note(&mut self, frame: &Frame<'_>) {
        let Some(ip) = network_layer(frame.link, frame.data) else { return };
        self.packet(frame.at, ip);
    }

    /// The same of a datagram that somebody handed on: its headers are made again of what he said.
    pub fn note_datagram(&mut self, at: i64, ends: (Endpoint, Endpoint), dscp: u8, payload: &[u8]) {
        let (source, destination) = ends;
        let source = SocketAddr::new(source.ip(), source.port());
        let destination = SocketAddr::new(destination.ip(), destination.port());
        // Both of one family, or there is no packet of both.
        if source.is_ipv4() == destination.is_ipv4() && payload.len() <= LONGEST {
            self.packet(at, &udp(source, destination, dscp, payload));
        }
    }

    fn packet(&mut self, at: i64, ip: &[u8]) {
        let Some(headers) = Headers::read(ip) else { return };
        let Some(kept) = headers.kept(self.keep) else { return };
        let kept = &ip[..kept.min(ip.len()).min(LONGEST)];
        while self.ring.len() + HEAD + kept.len() > self.most {
            let Some((_, _, length)) = self.head(0) else { return self.ring.clear() };
            self.ring.drain(..HEAD + length);
        }
        self.ring.extend(at.to_le_bytes());
        self.ring.extend(headers.wire.to_le_bytes());
        self.ring.extend((kept.len() as u16).to_le_bytes());
        self.ring.extend(kept);
    }

    /// Arrival, length on the wire and bytes kept of the packet that begins here.
    fn head(&self, from: usize) -> Option<(i64, u32, usize)> {
        let mut bytes = [0; HEAD];
        if from + HEAD > self.ring.len() {
            return None;
        }
        for (byte, kept) in bytes.iter_mut().zip(self.ring.range(from..from + HEAD)) {
            *byte = *kept;
        }
        let [a, b, c, d, e, f, g, h, w, x, y, z, low, high] = bytes;
        let length = usize::from(u16::from_le_bytes([low, high]));
        Some((i64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([w, x, y, z]), length))
    }

    /// The packets between these ends, in their direction, and the reports beside them; the latest where there are too
    /// many for a file of so many bytes. None where there are none.
    #[must_use]
    pub fn cut(&self, ends: &[(SocketAddr, SocketAddr)], most: usize) -> Option<Cut> {
        let ends: Vec<(Endpoint, Endpoint)> =
            ends.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect();
        let mut found = Vec::new();
        let mut from = 0;
        let mut packet = Vec::with_capacity(LONGEST);
        while let Some((at, wire, length)) = self.head(from) {
            packet.clear();
            packet.extend(self.ring.range(from + HEAD..from + HEAD + length));
            if Headers::read(&packet).is_some_and(|headers| ends.iter().any(|pair| headers.is_of(pair))) {
                found.push((at, wire, from + HEAD, length));
            }
            from += HEAD + length;
        }
        let mut room = most.saturating_sub(FILE_HEADER);
        let taken = found.iter().rev().take_while(|(_, _, _, length)| {
            let fits = room >= PACKET_HEADER + length;
            room = room.saturating_sub(PACKET_HEADER + length);
            fits
        });
        let taken = taken.count();
        let (left_out, chosen) = found.split_at(found.len() - taken);
        let ((first, ..), (last, ..)) = (chosen.first()?, chosen.last()?);
        let mut pcap = file_header();
        for (at, wire, begin, length) in chosen {
            let (seconds, rest) = (at.div_euclid(1_000_000_000), at.rem_euclid(1_000_000_000));
            for word in [seconds as u32, rest as u32, *length as u32, *wire] {
                pcap.extend(word.to_le_bytes());
            }
            pcap.extend(self.ring.range(*begin..begin + length));
        }
        Some(Cut {
            pcap,
            packets: chosen.len() as u64,
            left_out: left_out.len() as u64,
            first: *first,
            last: *last,
            has_payload: self.keep == Keep::Payload,
        })
    }
}

/// A classic pcap in nanoseconds, little-endian, its packets cut.
fn file_header() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FILE_HEADER);
    bytes.extend(0xa1b2_3c4d_u32.to_le_bytes());
    bytes.extend(2_u16.to_le_bytes());
    bytes.extend(4_u16.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend((LONGEST as u32).to_le_bytes());
    bytes.extend(RAW.to_le_bytes());
    bytes
}

/// What must be known of a packet of voice.
struct Headers<'a> {
    source: Endpoint,
    destination: Endpoint,
    /// Length of the IP packet on the wire.
    wire: u32,
    /// Where the payload of UDP begins.
    payload_at: usize,
    payload: &'a [u8],
}

impl<'a> Headers<'a> {
    /// None of what is not a whole UDP datagram that looks like RTP or RTCP.
    fn read(ip: &'a [u8]) -> Option<Self> {
        let two = |at: usize| Some(u16::from_be_bytes([*ip.get(at)?, *ip.get(at + 1)?]));
        let (udp_at, wire, from, to) = match ip.first()? >> 4 {
            4 => {
                let is_fragment = two(6)? & 0x3fff != 0;
                if ip.get(9)? != &17 || is_fragment {
                    return None;
                }
                let address = |at: usize| Some(Endpoint::v4(ip.get(at..at + 4)?.try_into().ok()?, 0));
                (usize::from(ip.first()? & 15) * 4, u32::from(two(2)?), address(12)?, address(16)?)
            }
            6 => {
                if ip.get(6)? != &17 {
                    return None;
                }
                let address = |at: usize| Some(Endpoint::v6(ip.get(at..at + 16)?.try_into().ok()?, 0));
                (40, 40 + u32::from(two(4)?), address(8)?, address(24)?)
            }
            _ => return None,
        };
        let payload_at = udp_at + UDP_HEADER;
        let payload = ip.get(payload_at..)?;
        (payload.first()? >> 6 == 2 && payload.len() >= 8).then_some(Self {
            source: from.with_port(two(udp_at)?),
            destination: to.with_port(two(udp_at + 2)?),
            wire,
            payload_at,
            payload,
        })
    }

    /// Bytes of the packet to keep; none of what is not wanted at all.
    fn kept(&self, keep: Keep) -> Option<usize> {
        let [first, kind, high, low, ..] = *self.payload else { return None };
        if (192..=223).contains(&kind) {
            // The reports stand first in RTCP; what people are called follows in packets of its own.
            let is_report = matches!(kind, 200 | 201);
            let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
            return is_report.then_some(self.payload_at + length);
        }
        let header = RTP_HEADER + 4 * usize::from(first & 15);
        let voice = self.payload.len().checked_sub(header)?;
        let whole = keep == Keep::Payload && voice > MAY_BE_DIGITS;
        Some(self.payload_at + if whole { self.payload.len() } else { header })
    }

    /// Whether it goes from one to the other; RTCP is a port above its RTP.
    fn is_of(&self, (from, to): &(Endpoint, Endpoint)) -> bool {
        let same = |here: Endpoint, there: Endpoint| {
            here.same_host(there)
                && (here.port() == there.port() || here.port().checked_sub(1) == Some(there.port()))
        };
        let back = same(self.source, *to) && same(self.destination, *from) && self.is_report();
        (same(self.source, *from) && same(self.destination, *to)) || back
    }

    fn is_report(&self) -> bool {
        self.payload.get(1).is_some_and(|kind| (200..=201).contains(kind))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capture::file::LinkType;
    use crate::capture::write::{Wrap, frame, rtp};

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn voice(recorder: &mut Recorder, from: &str, to: &str, sequence: u16, payload: &[u8]) {
        let bytes = rtp(8, false, sequence, u32::from(sequence) * 160, 7, payload);
        let bytes = frame(Wrap::Ethernet, &udp(at(from), at(to), 46, &bytes));
        let time = i64::from(sequence) * 20_000_000;
        recorder.note(&Frame { number: 0, at: time, link: LinkType(1), data: &bytes });
    }

    const ONE: &str = "192.0.2.1:4000";
    const OTHER: &str = "[2001:db8::1]:4000";

    #[test]
    fn headers_are_kept_and_what_was_said_is_not() {
        let mut recorder = Recorder::new(Keep::Headers, 1 << 20);
        for sequence in 0..100 {
            voice(&mut recorder, ONE, "192.0.2.2:5000", sequence, &[0xd5; 160]);
            voice(&mut recorder, OTHER, "[2001:db8::2]:5000", sequence, &[0xd5; 160]);
        }
        let cut = recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], 1 << 20).expect("packets");
        assert_eq!((cut.packets, cut.left_out, cut.first, cut.last), (100, 0, 0, 99 * 20_000_000));
        assert_eq!(cut.pcap.len(), 24 + 100 * (16 + 20 + 8 + 12));
        assert!(!cut.pcap.windows(8).any(|bytes| bytes == [0xd5; 8]) && !cut.has_payload);
        assert_eq!(recorder.cut(&[(at("192.0.2.2:5000"), at(ONE))], 1 << 20), None, "nobody speaks that way");
    }

    #[test]
    fn where_payload_is_wanted_digits_are_still_left_out() {
        let mut recorder = Recorder::new(Keep::Payload, 1 << 20);
        voice(&mut recorder, ONE, "192.0.2.2:5000", 1, &[0xd5; 160]);
        voice(&mut recorder, ONE, "192.0.2.2:5000", 2, &[5, 0x8a, 3, 0x20]);
        let cut = recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], 1 << 20).expect("packets");
        assert_eq!(cut.pcap.len(), 24 + (16 + 20 + 8 + 172) + (16 + 20 + 8 + 12));
        assert!(cut.has_payload);
    }

    #[test]
    fn reports_are_kept_both_ways_and_names_are_not() {
        let mut recorder = Recorder::new(Keep::Payload, 1 << 20);
        let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
        report.extend([0; 24]);
        report.extend([0x81, 202, 0, 4, 0, 0, 0, 9, 1, 8]);
        report.extend(b"13800138");
        for (from, to) in [("192.0.2.2:5001", "192.0.2.1:4001"), ("192.0.2.3:5001", "192.0.2.1:4001")] {
            recorder.note_datagram(1, (at(from).into(), at(to).into()), 0, &report);
        }
        let cut = recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], 1 << 20).expect("a report");
        assert_eq!((cut.packets, cut.pcap.len()), (1, 24 + 16 + 20 + 8 + 32));
        assert!(!cut.pcap.windows(8).any(|bytes| bytes == b"13800138"));
    }

    #[test]
    fn signalling_is_never_in_a_file() {
        let mut recorder = Recorder::new(Keep::Payload, 1 << 20);
        let ends = (at(ONE).into(), at("192.0.2.2:5000").into());
        recorder.note_datagram(1, ends, 0, b"INVITE sip:13800138000@host SIP/2.0\r\n\r\n");
        assert_eq!(recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], 1 << 20), None);
    }

    #[test]
    fn the_latest_packets_stay_in_the_memory_and_in_the_file() {
        let mut recorder = Recorder::new(Keep::Headers, 4_096);
        for sequence in 0..1_000 {
            voice(&mut recorder, ONE, "192.0.2.2:5000", sequence, &[0xd5; 160]);
            assert!(recorder.ring.len() <= 4_096);
        }
        let all = recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], 1 << 20).expect("packets");
        assert_eq!((all.packets, all.last), (4_096 / (14 + 40), 999 * 20_000_000));
        let short = recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], 24 + 10 * 56 + 55).expect("packets");
        assert_eq!((short.packets, short.left_out, short.last), (10, all.packets - 10, all.last));
    }

    proptest! {
        #[test]
        fn whatever_comes_it_stays_within_its_memory(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..200),
            most in 0_usize..8_192,
        ) {
            let mut recorder = Recorder::new(Keep::Payload, most);
            for data in &frames {
                recorder.note(&Frame { number: 0, at: 1, link: LinkType(101), data });
            }
            prop_assert!(recorder.ring.len() <= recorder.most);
            let _ = recorder.cut(&[(at(ONE), at("192.0.2.2:5000"))], most);
        }
    }
}
