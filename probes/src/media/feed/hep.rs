//! HEP3, the protocol of capture agents: a header, then chunks in any order (sipcapture/HEP, revision 37).

use std::borrow::Cow;
use std::io::Read as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::capture::net::Endpoint;

/// Most that a compressed payload may unfold to.
const MAX_UNFOLDED: u64 = 128 << 10;
/// Most chunks that are looked at.
const MAX_CHUNKS: usize = 256;
/// Longest correlation id kept.
const MAX_ID: usize = 512;
const HEAD: usize = 6;

/// What a packet carries (chunk 0x0b).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// SIP.
    Sip,
    /// RTP.
    Rtp,
    /// RTCP as it was on the wire.
    Rtcp,
    /// RTCP as JSON.
    RtcpJson,
    /// Something that is no voice: logs, call records, commands.
    Other(u8),
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hep<'a> {
    /// What it carries.
    pub carries: Carries,
    /// Who sent what is carried.
    pub source: Endpoint,
    /// For whom it was.
    pub destination: Endpoint,
    /// When the agent saw it, in nanoseconds since 1970; none when it does not say.
    pub at: Option<i64>,
    /// The agent's number.
    pub agent: u32,
    /// Mostly the Call-ID.
    pub correlation_id: Option<String>,
    /// Type of service of the packet carried.
    pub tos: u8,
    /// What is carried.
    pub payload: Cow<'a, [u8]>,
}

/// Why bytes are no HEP3 packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotHep {
    /// They begin with something else.
    #[error("does not begin with HEP3")]
    Magic,
    /// The length does not fit.
    #[error("states {stated} bytes and has {there}")]
    Length {
        /// What the header says.
        stated: usize,
        /// What is there.
        there: usize,
    },
    /// A chunk is shorter than its head or longer than what is left.
    #[error("a chunk does not fit into its packet")]
    Chunk,
    /// Addresses or payload are missing.
    #[error("no payload")]
    NoPayload,
}

/// Length of the packet that begins here; `None` when more bytes are needed to know.
///
/// # Errors
/// When no packet begins here.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, NotHep> {
    let magic = b"HEP3";
    if bytes.iter().zip(magic).any(|(byte, wanted)| byte != wanted) {
        return Err(NotHep::Magic);
    }
    let Some(&[_, _, _, _, high, low]) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let stated = usize::from(u16::from_be_bytes([high, low]));
    if stated < HEAD {
        return Err(NotHep::Length { stated, there: bytes.len() });
    }
    Ok(Some(stated))
}

/// Reads a packet.
///
/// # Errors
/// When it is none, or damaged.
pub fn parse(bytes: &[u8]) -> Result<Hep<'_>, NotHep> {
    let there = bytes.len();
    let stated = length(bytes)?.ok_or(NotHep::Length { stated: HEAD, there })?;
    let mut rest = bytes.get(HEAD..stated).ok_or(NotHep::Length { stated, there })?;
    let mut read = Chunks::default();
    for _ in 0..MAX_CHUNKS {
        if rest.is_empty() {
            break;
        }
        let Some(&[vendor, vendor_low, high, kind, long, short]) = rest.first_chunk::<HEAD>() else {
            return Err(NotHep::Chunk);
        };
        let length = usize::from(u16::from_be_bytes([long, short]));
        let body = rest.get(HEAD..length).ok_or(NotHep::Chunk)?;
        // Vendors number their own chunks as they like.
        if (vendor, vendor_low, high) == (0, 0, 0) {
            read.note(kind, body);
        }
        rest = &rest[length..];
    }
    read.finish()
}

#[derive(Default)]
struct Chunks<'a> {
    source: Option<Endpoint>,
    destination: Option<Endpoint>,
    ports: [u16; 2],
    seconds: Option<u32>,
    microseconds: u32,
    protocol: u8,
    agent: u32,
    tos: u8,
    correlation_id: Option<String>,
    payload: Option<Cow<'a, [u8]>>,
}

impl<'a> Chunks<'a> {
    fn note(&mut self, kind: u8, body: &'a [u8]) {
        let number = || body.iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        let address = || -> Option<Endpoint> {
            if let Ok(four) = <[u8; 4]>::try_from(body) {
                return Some(Endpoint::new(Ipv4Addr::from(four).into(), 0));
            }
            <[u8; 16]>::try_from(body).ok().map(|six| Endpoint::new(Ipv6Addr::from(six).into(), 0))
        };
        match kind {
            3 | 5 => self.source = address().or(self.source),
            4 | 6 => self.destination = address().or(self.destination),
            7 => self.ports[0] = number() as u16,
            8 => self.ports[1] = number() as u16,
            9 => self.seconds = Some(number()),
            0x0a => self.microseconds = number(),
            0x0b => self.protocol = number() as u8,
            0x0c => self.agent = number(),
            0x0f => self.payload = Some(Cow::Borrowed(body)),
            0x10 => self.payload = unfolded(body).map(Cow::Owned).or_else(|| self.payload.take()),
            0x11 => {
                let text = String::from_utf8_lossy(&body[..body.len().min(MAX_ID)]);
                let text = text.trim_matches(['\0', ' ']).to_owned();
                self.correlation_id = Some(text).filter(|text| !text.is_empty());
            }
            0x18 => self.tos = number() as u8,
            _ => {}
        }
    }

    fn finish(self) -> Result<Hep<'a>, NotHep> {
        let nowhere = Endpoint::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let payload = self.payload.ok_or(NotHep::NoPayload)?;
        let at = self.seconds.filter(|seconds| *seconds > 0).map(|seconds| {
            i64::from(seconds) * 1_000_000_000 + i64::from(self.microseconds.min(999_999)) * 1_000
        });
        let carries = match self.protocol {
            1 => Carries::Sip,
            4 => Carries::Rtp,
            // Agents call both by the same number: JSON begins with a brace, RTCP with its version.
            5 if payload.first().is_some_and(|first| first >> 6 == 2) => Carries::Rtcp,
            5 => Carries::RtcpJson,
            other => Carries::Other(other),
        };
        Ok(Hep {
            carries,
            source: self.source.unwrap_or(nowhere).with_port(self.ports[0]),
            destination: self.destination.unwrap_or(nowhere).with_port(self.ports[1]),
            at,
            agent: self.agent,
            correlation_id: self.correlation_id,
            tos: self.tos,
            payload,
        })
    }
}

/// A compressed payload, by zlib or gzip.
fn unfolded(body: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if body.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(body).take(MAX_UNFOLDED).read_to_end(&mut bytes)
    } else {
        flate2::read::ZlibDecoder::new(body).take(MAX_UNFOLDED).read_to_end(&mut bytes)
    };
    read.ok().map(|_| bytes)
}

/// Packets out of a TCP connection, where they follow one another.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// Takes what came next and hands out each whole packet.
    ///
    /// # Errors
    /// When what comes is no HEP3: the connection is of no use any more.
    pub fn push(&mut self, bytes: &[u8], mut packet: impl FnMut(&[u8])) -> Result<(), NotHep> {
        self.buffer.extend_from_slice(bytes);
        let mut begin = 0;
        while let Some(stated) = length(&self.buffer[begin..])? {
            let Some(whole) = self.buffer.get(begin..begin + stated) else { break };
            packet(whole);
            begin += stated;
        }
        self.buffer.drain(..begin);
        Ok(())
    }
}
