//! Files that prove what a customer agreed to: the recording of the call, his drawn signature (R90, R103).
//!
//! PURE: what a file is, is read from its first bytes, never from the name or the type that came with it. Deliberately
//! absent: the bytes beyond that; the store keeps them, sealed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::process::Method;
use super::registration::named;

/// Largest recording: ten minutes of telephone speech as WAV, hours of it compressed.
pub const LARGEST_RECORDING: usize = 16 * 1024 * 1024;
/// Largest drawing of a signature.
pub const LARGEST_SIGNATURE: usize = 256 * 1024;
/// Files of a kind that a ticket takes.
pub const MOST_OF_A_KIND: u32 = 10;
/// A drawing is at most so wide and so high.
const WIDEST: u32 = 4_096;

named! {
    /// What a file of a ticket proves.
    EvidenceKind {
        /// The call in which the customer agreed was recorded.
        RecordedCall = "recorded_call",
        /// He drew his signature.
        Signature = "signature",
    }
}

impl EvidenceKind {
    /// Most bytes of such a file.
    #[must_use]
    pub const fn largest(self) -> usize {
        match self {
            Self::RecordedCall => LARGEST_RECORDING,
            Self::Signature => LARGEST_SIGNATURE,
        }
    }

    /// Whether it proves a confirmation that is said to have come in this way.
    #[must_use]
    pub const fn proves(self, method: Method) -> bool {
        matches!(
            (self, method),
            (Self::RecordedCall, Method::RecordedCall) | (Self::Signature, Method::Signature)
        )
    }

    /// What such a file is, by its bytes; `None` where it is nothing that is taken.
    #[must_use]
    pub fn recognise(self, content: &[u8]) -> Option<Media> {
        let media = match self {
            Self::RecordedCall => audio(content),
            Self::Signature => png(content).then_some(Media::Png),
        };
        media.filter(|_| content.len() <= self.largest())
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// RIFF WAVE.
    Wav,
    /// MPEG audio, layer 3.
    Mp3,
    /// Ogg: Opus, Vorbis or Speex.
    Ogg,
    /// MPEG-4 audio.
    M4a,
    /// A picture.
    Png,
}

impl Media {
    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Ogg => "audio/ogg",
            Self::M4a => "audio/mp4",
            Self::Png => "image/png",
        }
    }

    /// How its name ends.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Ogg => "ogg",
            Self::M4a => "m4a",
            Self::Png => "png",
        }
    }
}

/// A file as the ticket knows it: what it proves, and what it was when it was put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What it proves.
    pub kind: EvidenceKind,
    /// Identity of the file.
    pub file: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Who put it there.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Audio by its first bytes: RFC 2361 and RIFF, RFC 3533, ISO/IEC 14496-12 (`ftyp`), ISO/IEC 11172-3 and ID3v2.
fn audio(content: &[u8]) -> Option<Media> {
    let at = |from: usize, to: usize| content.get(from..to).unwrap_or_default();
    if at(0, 4) == b"RIFF" && at(8, 12) == b"WAVE" && content.len() > 44 {
        return Some(Media::Wav);
    }
    if at(0, 4) == b"OggS" && content.len() > 28 {
        return Some(Media::Ogg);
    }
    let brands: [&[u8]; 6] = [b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"3gp4"];
    if at(4, 8) == b"ftyp" && brands.contains(&at(8, 12)) {
        return Some(Media::M4a);
    }
    let is_frame = matches!(at(0, 3), [0xff, second, third]
        if second & 0xe6 == 0xe2 && third >> 4 != 0x0f && third & 0x0c != 0x0c);
    (is_frame || (at(0, 3) == b"ID3" && content.len() > 10)).then_some(Media::Mp3)
}

/// A whole PNG of a size that a drawing has (RFC 2083: the header first, `IEND` last).
fn png(content: &[u8]) -> bool {
    const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
    let side = |from: usize| -> Option<u32> {
        let bytes = content.get(from..from + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes)).filter(|side| (1..=WIDEST).contains(side))
    };
    content.starts_with(HEAD) && content.ends_with(END) && side(16).is_some() && side(20).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn riff() -> Vec<u8> {
        let mut wave = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
        wave.resize(64, 0);
        wave
    }

    fn drawing(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(height.to_be_bytes());
        png.extend(b"\x08\x06\0\0\0....\0\0\0\0IEND\xae\x42\x60\x82");
        png
    }

    #[test]
    fn r103_a_recording_and_a_drawing_are_known_by_their_bytes_and_not_taken_for_each_other() {
        let (call, signature) = (EvidenceKind::RecordedCall, EvidenceKind::Signature);
        let ogg = [b"OggS".as_slice(), &[0; 40]].concat();
        for (content, media) in [
            (riff(), Media::Wav),
            (ogg, Media::Ogg),
            (b"\0\0\0\x20ftypM4A \0\0\0\0".to_vec(), Media::M4a),
            (b"ID3\x04\0\0\0\0\0\x00\xff\xfb".to_vec(), Media::Mp3),
            (b"\xff\xfb\x90\x64 a frame".to_vec(), Media::Mp3),
        ] {
            assert_eq!(call.recognise(&content), Some(media));
            assert_eq!(signature.recognise(&content), None);
        }
        assert_eq!(signature.recognise(&drawing(600, 200)), Some(Media::Png));
        assert_eq!(call.recognise(&drawing(600, 200)), None);
        for wrong in [drawing(0, 200), drawing(600, 5_000), drawing(600, 200)[..30].to_vec()] {
            assert_eq!(signature.recognise(&wrong), None);
        }
        for wrong in [b"MZ program".to_vec(), b"<svg onload=alert(1)>".to_vec(), Vec::new()] {
            assert_eq!(call.recognise(&wrong), None, "{wrong:?}");
        }
        let mut large = riff();
        large.resize(LARGEST_RECORDING + 1, 0);
        assert_eq!(call.recognise(&large), None, "bounded");
    }

    #[test]
    fn r103_each_kind_proves_its_own_way_of_confirming_alone() {
        assert!(EvidenceKind::Signature.proves(Method::Signature));
        assert!(!EvidenceKind::Signature.proves(Method::RecordedCall));
        assert!(!EvidenceKind::RecordedCall.proves(Method::Link));
    }

    proptest! {
        #[test]
        fn any_bytes_are_something_or_nothing(content in proptest::collection::vec(any::<u8>(), 0..64)) {
            for kind in EvidenceKind::ALL {
                let _ = kind.recognise(&content);
            }
        }
    }
}
