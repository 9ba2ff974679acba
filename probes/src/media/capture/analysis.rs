//! Frames in, streams and calls out: the way of each packet through the parts.

use super::call::{Book, Calls};
use super::file::Frame;
use super::net::{Datagram, Decoder, Flows, Packet, Segment};
use super::sip::{Framer, Message, looks_like_sip};
use super::streams::Streams;
use crate::quality::rtp;
use crate::quality::stream::Settings;

/// Reads frames in the order of time and keeps what they tell.
pub struct Analyzer {
    decoder: Decoder,
    flows: Flows<Framer>,
    calls: Calls,
    book: Book,
    streams: Streams,
    packets: u64,
    sip_messages: u64,
    last: i64,
}

impl Analyzer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            decoder: Decoder::default(),
            flows: Flows::default(),
            calls: Calls::default(),
            book: Book::default(),
            streams: Streams::new(settings),
            packets: 0,
            sip_messages: 0,
            last: i64::MIN,
        }
    }

    /// Takes a frame.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        self.packets += 1;
        self.last = self.last.max(frame.at);
        match self.decoder.decode(frame) {
            Packet::Udp(datagram) => {
                let mut rest = Rest {
                    calls: &mut self.calls,
                    book: &mut self.book,
                    streams: &mut self.streams,
                    sip_messages: &mut self.sip_messages,
                };
                rest.datagram(&datagram);
            }
            Packet::Tcp(segment) => {
                let mut rest = Rest {
                    calls: &mut self.calls,
                    book: &mut self.book,
                    streams: &mut self.streams,
                    sip_messages: &mut self.sip_messages,
                };
                self.flows.push(&segment, may_carry_sip, |framer, ordered| {
                    framer.push(ordered, |bytes| rest.message(&segment, bytes));
                });
            }
            Packet::Fragment | Packet::Other => {}
        }
    }

    /// Everything read is over: what was still open is settled.
    #[must_use]
    pub fn finish(mut self) -> Analysis {
        self.streams.finish(&self.calls, &self.book);
        Analysis {
            packets: self.packets,
            sip_messages: self.sip_messages,
            last: self.last,
            calls: self.calls,
            streams: self.streams,
        }
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
}

/// The parts behind the decoder, apart from it because it lends out its packet.
struct Rest<'a> {
    calls: &'a mut Calls,
    book: &'a mut Book,
    streams: &'a mut Streams,
    sip_messages: &'a mut u64,
}

impl Rest<'_> {
    fn datagram(&mut self, datagram: &Datagram<'_>) {
        let Some(first) = datagram.payload.first() else { return };
        match first {
            // Version 2: RTP or RTCP (RFC 7983 section 7 gives the ranges).
            128..=191 => match rtp::parse(datagram.payload, datagram.length) {
                Ok(header) => self.streams.push(datagram, &header, self.calls, self.book),
                Err(rtp::NotRtp::Rtcp(_)) => self.streams.control(datagram, self.book),
                Err(_) => {}
            },
            20..=63 if is_dtls(datagram.payload) => {
                self.streams.note_dtls(datagram.source, datagram.destination);
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
        *self.sip_messages += 1;
        let touched = self.calls.note(from.at, from.source, from.destination, &message, self.book);
        for address in touched {
            self.streams.announced(from.at, address, self.calls, self.book);
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
