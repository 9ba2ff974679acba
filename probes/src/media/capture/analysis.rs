//! Frames in, streams and calls out: the way of each packet through the parts.

use std::collections::HashSet;
use std::net::IpAddr;

use super::call::{Book, Calls};
use super::file::Frame;
use super::net::{Datagram, Decoder, Flows, Packet, Segment};
use super::sip::{Framer, Message, looks_like_sip};
use super::streams::Streams;
use crate::feed::hep::{Carries, Hep};
use crate::feed::rtcp_json;
use crate::quality::rtp;
use crate::quality::stream::Settings;

/// Reads frames in the order of time and keeps what they tell.
pub struct Analyzer {
    decoder: Decoder,
    flows: Flows<Framer>,
    book: Book,
    seen: Analysis,
}

impl Analyzer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with(Calls::default(), Streams::new(settings))
    }

    /// One for traffic without an end: never more than so many streams and dialogs at once.
    #[must_use]
    pub fn live(settings: Settings, streams: usize, dialogs: usize) -> Self {
        Self::with(Calls::at_most(dialogs), Streams::live(settings, streams))
    }

    fn with(calls: Calls, streams: Streams) -> Self {
        Self {
            decoder: Decoder::default(),
            flows: Flows::default(),
            book: Book::default(),
            seen: Analysis {
                packets: 0,
                sip_messages: 0,
                last: i64::MIN,
                calls,
                streams,
                hosts: HashSet::new(),
            },
        }
    }

    /// What was seen so far.
    #[must_use]
    pub const fn seen(&self) -> &Analysis {
        &self.seen
    }

    /// Takes a frame.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        self.seen.packets += 1;
        self.seen.last = self.seen.last.max(frame.at);
        let mut rest = Rest { seen: &mut self.seen, book: &mut self.book };
        match self.decoder.decode(frame) {
            Packet::Udp(datagram) => rest.datagram(&datagram),
            Packet::Tcp(segment) => {
                self.flows.push(&segment, may_carry_sip, |framer, ordered| {
                    framer.push(ordered, |bytes| rest.message(&segment, bytes));
                });
            }
            Packet::Fragment | Packet::Other => {}
        }
    }

    /// Takes a datagram that somebody handed on.
    pub fn datagram(&mut self, datagram: &Datagram<'_>) {
        self.seen.packets += 1;
        self.seen.last = self.seen.last.max(datagram.at);
        Rest { seen: &mut self.seen, book: &mut self.book }.datagram(datagram);
    }

    /// Takes a HEP packet that arrived at this time: SIP and RTP as if they had been seen here, reports as the word of
    /// who sent them. False when it carries nothing of voice.
    pub fn hep(&mut self, arrived: i64, hep: &Hep<'_>) -> bool {
        let at = hep.at.unwrap_or(arrived);
        let (source, destination, payload) = (hep.source, hep.destination, hep.payload.as_ref());
        match hep.carries {
            Carries::Sip | Carries::Rtp | Carries::Rtcp => {
                let (dscp, length) = (hep.tos >> 2, payload.len());
                self.datagram(&Datagram { at, source, destination, dscp, payload, length });
                true
            }
            Carries::RtcpJson => {
                self.seen.packets += 1;
                self.seen.last = self.seen.last.max(at);
                let packets = rtcp_json::parse(payload);
                let Analysis { streams, calls, .. } = &mut self.seen;
                let call_id = hep.correlation_id.as_deref();
                streams.handed_on(at, source, destination, call_id, &packets, calls, &self.book);
                !packets.is_empty()
            }
            Carries::Other(_) => false,
        }
    }

    /// Everything read is over: what was still open is settled.
    #[must_use]
    pub fn finish(mut self) -> Analysis {
        self.seen.streams.finish(&self.seen.calls, &self.book);
        self.seen
    }

    /// Takes out what is gone, as an analysis of its own: dialogs and streams by their places.
    pub(super) fn split(&mut self, gone_dialogs: &[bool], gone_streams: &[bool]) -> Analysis {
        let (mut places, mut gone_places) = (Vec::new(), Vec::new());
        let (mut kept, mut left) = (0, 0);
        for gone in gone_dialogs {
            places.push((!gone).then_some(kept));
            gone_places.push(left);
            if *gone { left += 1 } else { kept += 1 }
        }
        let seen = &mut self.seen;
        let hosts =
            seen.streams.heard().iter().flat_map(|heard| [heard.key.source.ip(), heard.key.destination.ip()]);
        let hosts = hosts.collect();
        self.book.split(&places);
        Analysis {
            packets: 0,
            sip_messages: 0,
            last: seen.last,
            calls: seen.calls.split(&places),
            streams: seen.streams.split(gone_streams, &places, &gone_places),
            hosts,
        }
    }

    /// For what is kept beside the analysis.
    pub(super) fn seen_mut(&mut self) -> (&mut Analysis, &Book) {
        (&mut self.seen, &self.book)
    }
}

/// What a whole capture came to.
pub struct Analysis {
    /// Frames read.
    pub packets: u64,
    /// SIP messages among them.
    pub sip_messages: u64,
    /// When the latest frame arrived.
    pub last: i64,
    /// The calls.
    pub calls: Calls,
    /// The streams.
    pub streams: Streams,
    /// Hosts whose media was seen elsewhere, for what was taken out of a whole.
    pub hosts: HashSet<IpAddr>,
}

/// The parts behind the decoder, apart from it because it lends out its packet.
struct Rest<'a> {
    seen: &'a mut Analysis,
    book: &'a mut Book,
}

impl Rest<'_> {
    fn datagram(&mut self, datagram: &Datagram<'_>) {
        let Some(first) = datagram.payload.first() else { return };
        match first {
            // Version 2: RTP or RTCP (RFC 7983 section 7 gives the ranges).
            128..=191 => match rtp::parse(datagram.payload, datagram.length) {
                Ok(header) => self.seen.streams.push(datagram, &header, &self.seen.calls, self.book),
                Err(rtp::NotRtp::Rtcp(_)) => self.seen.streams.control(datagram, &self.seen.calls, self.book),
                Err(_) => {}
            },
            20..=63 if is_dtls(datagram.payload) => {
                self.seen.streams.note_dtls(datagram.source, datagram.destination);
            }
            b'A'..=b'Z' | b'\r' | b'\n' => {
                let begin = datagram.payload.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if looks_like_sip(&datagram.payload[begin..]) {
                    let Datagram { at, source, destination, payload, .. } = *datagram;
                    self.message(
                        &Segment {
                            at,
                            source,
                            destination,
                            sequence: 0,
                            begins: false,
                            ends: false,
                            payload,
                        },
                        payload,
                    );
                }
            }
            _ => {}
        }
    }

    fn message(&mut self, from: &Segment<'_>, bytes: &[u8]) {
        let Some(message) = Message::parse(bytes) else { return };
        self.seen.sip_messages += 1;
        let touched = self.seen.calls.note(from.at, from.source, from.destination, &message, self.book);
        for address in touched {
            self.seen.streams.announced(from.at, address, &self.seen.calls, self.book);
        }
    }
}

/// A DTLS record of version 1.0 or 1.2: content type, then 0xfe and its version.
fn is_dtls(payload: &[u8]) -> bool {
    matches!(payload, [20..=25, 0xfe, 0xfd | 0xff, ..])
}

/// Whether a TCP flow is worth following: it speaks SIP, or begins on the port of SIP.
fn may_carry_sip(segment: &Segment<'_>) -> bool {
    let port = |port: u16| (5060..=5090).contains(&port);
    let known = port(segment.source.port()) || port(segment.destination.port());
    (known && segment.begins) || looks_like_sip(segment.payload)
}
