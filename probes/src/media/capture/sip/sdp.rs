//! Session descriptions (RFC 8866): where each side wants its media, in which formats, in which direction.

use std::net::IpAddr;

use crate::capture::net::Endpoint;
use crate::quality::format::{Format, PayloadFormats};

/// Most media of a session.
const MAX_MEDIA: usize = 16;
/// Most formats of a medium.
const MAX_FORMATS: usize = 64;
/// Most lines that are looked at.
const MAX_LINES: usize = 1_024;

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// Speech.
    Audio,
    /// Pictures in motion.
    Video,
    /// Fax by T.38: no RTP (RFC 4566 `m=image`).
    Fax,
    /// Anything else.
    Other,
}

/// Who sends, as seen from the side that describes (RFC 3264 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only the describing side.
    SendOnly,
    /// Only the other side.
    RecvOnly,
    /// Nobody: on hold.
    Inactive,
}

impl Direction {
    /// Whether the describing side sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the describing side receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// One `m=` section.
#[derive(Debug, Clone)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where this side wants to receive; none where only a name was given.
    pub address: Option<Endpoint>,
    /// The port of the `m=` line.
    pub port: u16,
    /// Whether the port is 0: refused or ended (RFC 3264 section 6).
    pub refused: bool,
    /// Where this side wants RTCP.
    pub rtcp: Option<Endpoint>,
    /// Payload types in order of preference.
    pub payload_types: Vec<u8>,
    /// What the payload types mean.
    pub formats: PayloadFormats,
    /// Packet time asked for, in milliseconds.
    pub ptime_ms: Option<f64>,
    /// Who sends.
    pub direction: Direction,
    /// SRTP by SDES or DTLS.
    pub encrypted: bool,
}

/// A session description.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// User name and identifier of `o=`: the same through some back-to-back user agents.
    pub origin: String,
    /// The media in order.
    pub media: Vec<Media>,
}

impl Session {
    /// Reads a description; what cannot be understood is left out.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut session = Self::default();
        let mut common = Common::default();
        for line in text.lines().take(MAX_LINES) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            match (key.trim(), session.media.last_mut()) {
                ("o", None) => session.origin = value.split(' ').take(2).collect::<Vec<_>>().join(" "),
                ("m", _) => {
                    if session.media.len() >= MAX_MEDIA {
                        break;
                    }
                    session.media.extend(media(value, &common));
                }
                ("c", None) => common.ip = connection(value),
                ("c", Some(media)) => {
                    media.address = connection(value).map(|ip| Endpoint::new(ip, media.port));
                }
                ("a", None) => match value {
                    _ if value.starts_with("fingerprint:") => common.encrypted = true,
                    _ => common.direction = direction(value).unwrap_or(common.direction),
                },
                ("a", Some(media)) => media.attribute(value),
                _ => {}
            }
        }
        for media in &mut session.media {
            media.settle_rtcp();
        }
        session
    }

    /// The first medium of a kind that was not refused.
    #[must_use]
    pub fn first(&self, kind: MediaKind) -> Option<&Media> {
        self.media.iter().find(|media| media.kind == kind && !media.refused)
    }
}

/// What holds for all media unless one says otherwise.
#[derive(Default)]
struct Common {
    ip: Option<IpAddr>,
    direction: Direction,
    encrypted: bool,
}

/// `IN IP4 192.0.2.1/127`.
fn connection(value: &str) -> Option<IpAddr> {
    value.split_ascii_whitespace().nth(2)?.split('/').next()?.parse().ok()
}

/// `audio 4000/2 RTP/AVP 0 8 101`.
fn media(value: &str, common: &Common) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let kind = match words.next()?.to_ascii_lowercase().as_str() {
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "image" => MediaKind::Fax,
        _ => MediaKind::Other,
    };
    let port: u16 = words.next()?.split('/').next()?.parse().ok()?;
    let protocol = words.next()?.to_ascii_uppercase();
    let payload_types = words.take(MAX_FORMATS).filter_map(|word| word.parse().ok());
    Some(Media {
        kind,
        port,
        address: common.ip.map(|ip| Endpoint::new(ip, port)),
        refused: port == 0,
        rtcp: None,
        payload_types: payload_types.filter(|payload_type| *payload_type < 128).collect(),
        formats: PayloadFormats::new(),
        ptime_ms: None,
        direction: common.direction,
        encrypted: common.encrypted || protocol.contains("SAVP"),
    })
}

fn direction(value: &str) -> Option<Direction> {
    match value {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

impl Media {
    fn attribute(&mut self, value: &str) {
        let (name, rest) = value.split_once(':').unwrap_or((value, ""));
        match name {
            "rtpmap" => self.map(rest),
            "fmtp" => self.parameters(rest),
            "ptime" => {
                self.ptime_ms = rest.trim().parse().ok().filter(|ptime| (1.0..=1_000.0).contains(ptime))
            }
            "crypto" | "fingerprint" => self.encrypted = true,
            "rtcp-mux" => self.rtcp = self.address,
            "rtcp" => self.rtcp = self.stated_rtcp(rest),
            _ => self.direction = direction(value).unwrap_or(self.direction),
        }
    }

    /// `8 PCMA/8000/1`.
    fn map(&mut self, value: &str) {
        let Some((payload_type, format)) = value.trim().split_once(' ') else { return };
        let mut parts = format.trim().split('/');
        let (Ok(payload_type), Some(name), Some(Ok(clock))) =
            (payload_type.parse::<u8>(), parts.next(), parts.next().map(|clock| clock.trim().parse::<u32>()))
        else {
            return;
        };
        if payload_type < 128 && self.payload_types.contains(&payload_type) {
            self.formats.set(Format::new(payload_type, name, clock));
        }
    }

    /// `18 annexb=no`: what a score depends on.
    fn parameters(&mut self, value: &str) {
        let Some((payload_type, parameters)) = value.trim().split_once(' ') else { return };
        let Ok(payload_type) = payload_type.parse::<u8>() else { return };
        if payload_type > 127 || !self.payload_types.contains(&payload_type) {
            return;
        }
        let format = self.formats.get(payload_type).clone();
        if let Some(variant) = variant(&format.codec, parameters) {
            self.formats.set(format.with_variant(&variant));
        }
    }

    /// `53020 IN IP4 126.16.64.4` (RFC 3605).
    fn stated_rtcp(&self, value: &str) -> Option<Endpoint> {
        let mut words = value.split_ascii_whitespace();
        let port: u16 = words.next()?.parse().ok()?;
        match words.nth(2).and_then(|word| word.parse::<IpAddr>().ok()) {
            Some(ip) => Some(Endpoint::new(ip, port)),
            None => Some(self.address?.with_port(port)),
        }
    }

    /// Without a word about it RTCP goes to the next port (RFC 3550 section 11).
    fn settle_rtcp(&mut self) {
        if self.rtcp.is_none() {
            self.rtcp = self.address.map(|address| address.with_port(address.port().wrapping_add(1)));
        }
    }
}

fn variant(codec: &str, parameters: &str) -> Option<String> {
    const AMR_WB: [&str; 9] = ["6.6", "8.85", "12.65", "14.25", "15.85", "18.25", "19.85", "23.05", "23.85"];
    let find = |name: &str| {
        parameters.split(';').find_map(|piece| {
            let (key, value) = piece.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
        })
    };
    match codec.to_ascii_uppercase().as_str() {
        "G729" => find("annexb").map(|value| format!("annexb={value}")),
        "G723" => find("annexa").map(|value| format!("annexa={value}")),
        "ILBC" => find("mode").map(|value| format!("mode={value}")),
        // Only a set of one mode says which it is.
        "AMR-WB" => AMR_WB.get(find("mode-set")?.parse::<usize>().ok()?).map(|mode| (*mode).to_owned()),
        _ => None,
    }
}
