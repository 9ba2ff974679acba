//! What a test call speaks: codecs with a static payload type, at their true size on the wire.
//!
//! G.711 carries a real tone with a little noise, so that no silence detector on the way thinks the line dead and no two
//! packets are alike: an echo is recognised by its payload. Of the others only the size and the framing are true; what
//! a decoder would make of them is noise.

use serde::{Deserialize, Serialize};

/// Packet time of every codec here, in milliseconds.
pub const PACKET_MS: u64 = 20;
/// RTP timestamp units of one packet: all clocks here run at 8000 Hz (G.722 by RFC 3551's historical slip).
pub const PACKET_TICKS: u32 = 160;
/// RTP clock of every codec here.
pub const CLOCK: u32 = 8_000;
const TONE_HZ: f64 = 404.0;
/// About −13 dBm0, the level of speech.
const TONE_LEVEL: f64 = 5_000.0;
const NOISE_LEVEL: f64 = 250.0;

/// A codec with a static payload type (RFC 3551 table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum CallCodec {
    /// G.711 µ-law.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.711 A-law.
    #[default]
    #[serde(rename = "PCMA")]
    Pcma,
    /// GSM full rate.
    #[serde(rename = "GSM")]
    Gsm,
    /// G.722 at 64 kbit/s.
    #[serde(rename = "G722")]
    G722,
    /// G.729, 8 kbit/s, without voice activity detection.
    #[serde(rename = "G729")]
    G729,
}

impl CallCodec {
    /// All.
    pub const ALL: [Self; 5] = [Self::Pcma, Self::Pcmu, Self::G729, Self::G722, Self::Gsm];

    /// The encoding name of SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::Gsm => "GSM",
            Self::G722 => "G722",
            Self::G729 => "G729",
        }
    }

    /// The codec of this name, whatever its case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The codec of this static payload type.
    #[must_use]
    pub fn of_payload_type(payload_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.payload_type() == payload_type)
    }

    /// The static payload type.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Gsm => 3,
            Self::Pcma => 8,
            Self::G722 => 9,
            Self::G729 => 18,
        }
    }

    /// Payload bytes of one packet of 20 ms.
    #[must_use]
    pub const fn packet_bytes(self) -> usize {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 160,
            Self::Gsm => 33,
            Self::G729 => 20,
        }
    }

    /// The mode that a score depends on.
    #[must_use]
    pub const fn variant(self) -> Option<&'static str> {
        match self {
            Self::G729 => Some("annexb=no"),
            _ => None,
        }
    }

    /// What the packet of this number says. The same number always says the same, no two numbers do.
    #[must_use]
    pub fn payload(self, number: u32, seed: u64) -> Vec<u8> {
        let mut noise = Noise::new(seed, number);
        match self {
            Self::Pcmu => (0..160).map(|at| ulaw(sample(number, at, &mut noise))).collect(),
            Self::Pcma => (0..160).map(|at| alaw(sample(number, at, &mut noise))).collect(),
            Self::Gsm => {
                let mut frame: Vec<u8> = (0..33).map(|_| noise.byte()).collect();
                // The signature of a full-rate frame (RFC 3551 section 4.5.8.1).
                frame[0] = 0xd0 | frame[0] & 0x0f;
                frame
            }
            Self::G722 | Self::G729 => (0..self.packet_bytes()).map(|_| noise.byte()).collect(),
        }
    }
}

impl std::fmt::Display for CallCodec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// SplitMix64: no secret, only different for each packet.
struct Noise(u64);

impl Noise {
    fn new(seed: u64, number: u32) -> Self {
        Self(seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    /// −1 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn sample(number: u32, at: u32, noise: &mut Noise) -> i16 {
    let place = f64::from(number) * f64::from(PACKET_TICKS) + f64::from(at);
    let tone = (place * TONE_HZ * std::f64::consts::TAU / f64::from(CLOCK)).sin() * TONE_LEVEL;
    (tone + noise.share() * NOISE_LEVEL) as i16
}

/// G.711 A-law.
fn alaw(sample: i16) -> u8 {
    let (sign, level) = if sample >= 0 { (0x80, sample) } else { (0, !sample) };
    let level = level >> 3;
    let exponent = (16 - level.leading_zeros() as i16 - 5).max(0);
    let coded = exponent << 4 | (level >> exponent.max(1)) & 0x0f;
    (sign | coded as u8) ^ 0x55
}

/// G.711 µ-law.
fn ulaw(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    let (sign, level) = if sample < 0 { (0x80_u8, -i32::from(sample)) } else { (0, i32::from(sample)) };
    let level = level.min(32_635) + BIAS;
    let exponent = 24 - level.leading_zeros() as i32;
    let mantissa = (level >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711 table 1: what an A-law byte is worth, of 2¹⁶.
    fn from_alaw(byte: u8) -> i32 {
        let byte = byte ^ 0x55;
        let (exponent, mantissa) = (i32::from(byte >> 4 & 7), i32::from(byte & 0x0f));
        let level =
            if exponent == 0 { (mantissa << 4) + 8 } else { ((mantissa << 4) + 0x108) << (exponent - 1) };
        if byte & 0x80 == 0 { -level } else { level }
    }

    fn from_ulaw(byte: u8) -> i32 {
        let byte = !byte;
        let (exponent, mantissa) = (i32::from(byte >> 4 & 7), i32::from(byte & 0x0f));
        let level = (((mantissa << 3) + 0x84) << exponent) - 0x84;
        if byte & 0x80 == 0 { level } else { -level }
    }

    #[test]
    fn what_is_coded_is_heard_again_within_a_step_of_the_table() {
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            let (is, step) = (i32::from(sample), i32::from(sample).abs() / 16 + 16);
            assert!((from_alaw(alaw(sample)) - is).abs() <= step, "A-law {sample}");
            assert!((from_ulaw(ulaw(sample)) - is).abs() <= step + 132, "µ-law {sample}");
        }
        assert_eq!((alaw(0), ulaw(0)), (0xd5, 0xff), "silence as everybody codes it");
    }

    #[test]
    fn every_packet_has_its_codecs_size_and_none_is_like_another_or_silent() {
        for codec in CallCodec::ALL {
            let mut seen = std::collections::HashSet::new();
            for number in 0..3_000 {
                let payload = codec.payload(number, 7);
                assert_eq!(payload.len(), codec.packet_bytes());
                assert!(payload.iter().any(|byte| *byte != payload[0]), "{codec}: flat");
                assert_eq!(payload, codec.payload(number, 7));
                assert!(seen.insert(payload), "{codec}: packet {number} was there before");
            }
            assert_eq!(CallCodec::parse(&codec.name().to_lowercase()), Some(codec));
            assert_eq!(CallCodec::of_payload_type(codec.payload_type()), Some(codec));
        }
        assert_eq!(CallCodec::parse("opus"), None, "no static payload type");
    }
}
