//! A call as it was heard: its signalling, who sent RTP when, and what the listener could not see.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Number;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Who called.
    Caller,
    /// Who was called.
    Callee,
}

impl Speaker {
    /// Both, the caller first.
    pub const BOTH: [Self; 2] = [Self::Caller, Self::Callee];

    /// 0 for the caller, 1 for the callee.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What one party sent, over all legs of the call on which it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// First RTP packet, milliseconds since 1970.
    pub first_ms: i64,
    /// Last RTP packet.
    pub last_ms: i64,
    /// Time that packets of voice account for.
    pub active_ms: u64,
    /// Time that packets of comfort noise account for.
    pub comfort_noise_ms: u64,
    /// Packets.
    pub packets: u64,
    /// Encoding names, sorted.
    pub codecs: BTreeSet<String>,
}

impl Way {
    /// With what was seen of the same party on another leg: the widest span, the most activity.
    pub fn merge(&mut self, other: &Self) {
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.active_ms = self.active_ms.max(other.active_ms);
        self.comfort_noise_ms = self.comfort_noise_ms.max(other.comfort_noise_ms);
        self.packets = self.packets.max(other.packets);
        self.codecs.extend(other.codecs.iter().cloned());
    }
}

/// What the listener says of the call as a whole; it looks at what was agreed on and at what the capture
/// could hold before it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Answered, and no RTP in either direction although the capture holds media of an end.
    pub no_media: bool,
    /// Answered, and this party sent no RTP that was seen while the other did.
    pub silent: Option<Speaker>,
    /// The callee's first RTP came late after the answer although it was agreed on.
    pub late_callee: bool,
}

/// Why what was heard proves less than it seems to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Our own measuring failed meanwhile: kernel drops, a broken capture.
    MeasurementFault,
    /// The media was agreed on anew during the call: it may have been on hold.
    Renegotiated,
    /// Fax by T.38: what follows is no RTP.
    Fax,
    /// Which party a stream is of is not known.
    DirectionUnknown,
    /// Only some legs were heard whole: what one lacks another has.
    LegsDiffer,
}

/// One call that was heard. Times are milliseconds since 1970 by the listener's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Call-IDs of all its dialogs; the first names it.
    pub call_ids: Vec<String>,
    /// Who called.
    pub caller: Number,
    /// Who was called.
    pub callee: Number,
    /// First INVITE.
    pub start_ms: Option<i64>,
    /// The answer.
    pub answer_ms: Option<i64>,
    /// The end, where it was seen.
    pub end_ms: Option<i64>,
    /// Final status of an INVITE that nobody answered.
    pub refused: Option<u16>,
    /// What caller and callee sent; none: no packet was seen.
    pub ways: [Option<Way>; 2],
    /// What the listener says.
    pub found: Found,
    /// What takes from its proof.
    pub doubts: BTreeSet<Doubt>,
    /// Between whom it was signalled, or its trunk: calls of one path are seen in one place.
    pub path: Option<String>,
}

impl Heard {
    /// What a party sent.
    #[must_use]
    pub const fn way(&self, speaker: Speaker) -> Option<&Way> {
        self.ways[speaker.index()].as_ref()
    }

    /// From answer to end, where both were seen.
    #[must_use]
    pub fn talk_ms(&self) -> Option<i64> {
        Some((self.end_ms? - self.answer_ms?).max(0))
    }

    /// The first moment that is known of it.
    #[must_use]
    pub fn first_ms(&self) -> Option<i64> {
        self.start_ms.or(self.answer_ms)
    }

    /// The last packet of voice of both parties.
    #[must_use]
    pub fn last_media_ms(&self) -> Option<i64> {
        self.ways.iter().flatten().map(|way| way.last_ms).max()
    }

    /// Until when both parties were heard, where both were.
    #[must_use]
    pub fn both_until_ms(&self) -> Option<i64> {
        let [Some(caller), Some(callee)] = &self.ways else { return None };
        Some(caller.last_ms.min(callee.last_ms))
    }

    /// Whether any of these takes from its proof.
    #[must_use]
    pub fn has(&self, doubts: &[Doubt]) -> bool {
        doubts.iter().any(|doubt| self.doubts.contains(doubt))
    }
}

/// Whether a final status code says that nobody answered at all. After some the call goes on elsewhere: redirection, a
/// challenge (RFC 3261 sections 21.3, 21.4.2), and what a server takes for a reason to try another route (408, 487, 5xx).
#[must_use]
pub const fn is_refusal(status: u16) -> bool {
    matches!(status, 400..=699) && !matches!(status, 401 | 407 | 408 | 487 | 500..=599)
}
