//! What a record and a call say of each other.

use serde::{Deserialize, Serialize};

use crate::Money;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Billed, and no voice in either direction.
    BilledWithoutMedia,
    /// Billed, and one party was never heard.
    BilledOneWay,
    /// Billed from an answer behind which nobody was yet, or that never was.
    FalseAnswer,
    /// Billed beyond the end of the call, or of its voice.
    BilledLongerThanMedia,
    /// Both parties were heard for longer than is billed.
    BilledShorterThanMedia,
    /// Another codec than the record states.
    CodecDiffers,
    /// Heard, and in no record.
    NotBilled,
    /// Billed, and not heard where it should have been.
    NotHeard,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 8] = [
        Self::BilledWithoutMedia,
        Self::BilledOneWay,
        Self::FalseAnswer,
        Self::BilledLongerThanMedia,
        Self::BilledShorterThanMedia,
        Self::CodecDiffers,
        Self::NotBilled,
        Self::NotHeard,
    ];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BilledWithoutMedia => "billed_without_media",
            Self::BilledOneWay => "billed_one_way",
            Self::FalseAnswer => "false_answer",
            Self::BilledLongerThanMedia => "billed_longer_than_media",
            Self::BilledShorterThanMedia => "billed_shorter_than_media",
            Self::CodecDiffers => "codec_differs",
            Self::NotBilled => "not_billed",
            Self::NotHeard => "not_heard",
        }
    }
}

/// What a difference was measured by, with its figures in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The conversation as recorded; nothing was heard of it.
    Recorded {
        /// Recorded conversation.
        billed_ms: i64,
    },
    /// Answer and end in the signalling.
    Signalling {
        /// Recorded conversation.
        billed_ms: i64,
        /// From answer to end.
        talk_ms: i64,
    },
    /// The last RTP packet of either party.
    LastMedia {
        /// Recorded conversation.
        billed_ms: i64,
        /// From the answer to that packet.
        media_ms: i64,
    },
    /// The time until which both parties were heard.
    BothHeard {
        /// Recorded conversation.
        billed_ms: i64,
        /// From the answer to then.
        media_ms: i64,
    },
    /// The callee's first RTP packet.
    FirstMedia {
        /// Recorded conversation.
        billed_ms: i64,
        /// From the answer to that packet.
        wait_ms: i64,
    },
    /// The final status of an INVITE that nobody answered.
    Refused {
        /// Recorded conversation.
        billed_ms: i64,
        /// It.
        status: u16,
    },
    /// No packet of the caller.
    SilentCaller {
        /// Recorded conversation.
        billed_ms: i64,
        /// What the callee's packets account for.
        other_ms: u64,
    },
    /// No packet of the callee.
    SilentCallee {
        /// Recorded conversation.
        billed_ms: i64,
        /// What the caller's packets account for.
        other_ms: u64,
    },
    /// Names of codecs.
    Codec {
        /// In the record.
        billed: String,
        /// On the wire.
        seen: Vec<String>,
    },
    /// A call without a record.
    Unrecorded {
        /// From answer to end.
        talk_ms: i64,
    },
}

/// How a record and a call were found to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// They have the same Call-ID.
    CallId,
    /// They have the same numbers at the same time, and no other has.
    Numbers,
}

/// One difference; rows are told by their places in what was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub kind: Kind,
    /// Measured by.
    pub basis: Basis,
    /// The record.
    pub record: Option<usize>,
    /// The call.
    pub call: Option<usize>,
    /// How they were found to be one.
    pub matched_by: Option<MatchedBy>,
    /// Seconds that differ, in milliseconds; none of a codec.
    pub differs_ms: Option<i64>,
    /// What they are worth by the record's own amount and rate, rounded down to its decimals; none where the record
    /// does not prove it.
    pub at_stake: Option<Money>,
}

/// Why something was not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// It was not listened to the whole time.
    OutsideCapture,
    /// How far the clocks lie apart is not proven.
    ClockUnproven,
    /// Too few calls of this gateway or path were found on both sides.
    PathUnproven,
    /// The file does not reach so far.
    OutsideFile,
    /// The record says that nobody answered.
    Unanswered,
    /// It may stand in a line that is no record.
    RejectedLine,
    /// Several calls or records fit.
    SeveralFit,
    /// It may be a part of a call that has another record.
    PartOfCall,
    /// An interim record.
    Interim,
    /// The record's only length may hold ringing.
    LengthUnclear,
    /// Our own measuring failed meanwhile.
    MeasurementFault,
    /// The media was agreed on anew: it may have been on hold.
    Renegotiated,
    /// Fax by T.38.
    Fax,
    /// All calls of this path were heard in one direction only: so may the tap be.
    OneSidedTap,
    /// The end of the call was not seen.
    EndNotSeen,
}

impl Undecided {
    /// All.
    pub const ALL: [Self; 15] = [
        Self::OutsideCapture,
        Self::ClockUnproven,
        Self::PathUnproven,
        Self::OutsideFile,
        Self::Unanswered,
        Self::RejectedLine,
        Self::SeveralFit,
        Self::PartOfCall,
        Self::Interim,
        Self::LengthUnclear,
        Self::MeasurementFault,
        Self::Renegotiated,
        Self::Fax,
        Self::OneSidedTap,
        Self::EndNotSeen,
    ];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutsideCapture => "outside_capture",
            Self::ClockUnproven => "clock_unproven",
            Self::PathUnproven => "path_unproven",
            Self::OutsideFile => "outside_file",
            Self::Unanswered => "unanswered",
            Self::RejectedLine => "rejected_line",
            Self::SeveralFit => "several_fit",
            Self::PartOfCall => "part_of_call",
            Self::Interim => "interim",
            Self::LengthUnclear => "length_unclear",
            Self::MeasurementFault => "measurement_fault",
            Self::Renegotiated => "renegotiated",
            Self::Fax => "fax",
            Self::OneSidedTap => "one_sided_tap",
            Self::EndNotSeen => "end_not_seen",
        }
    }
}
