//! What is wrong with a call, from its signalling and the streams that belong to it.
//!
//! A finding says what was seen, on which leg and in which direction. Absence is only held against a call
//! where it was observable: a capture without any media accuses nobody of silence.

mod legs;
mod media;

use serde::Serialize;

pub use legs::{FarWord, Passage, passages};
pub use media::{MediaLeg, media_findings};

use super::call::Side;

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Answered, one side is heard, the other is not.
    OneWayAudio,
    /// Answered, and neither side is heard although the capture holds media.
    NoMedia,
    /// A side sends nothing but comfort noise or digital silence.
    SilentLeg,
    /// The first packet came long after the answer: the first words are lost.
    LateMedia,
    /// The callee's media came before the answer without early media having been announced.
    MediaBeforeAnswer,
    /// The two directions use different codecs.
    CodecAsymmetry,
    /// The two directions use different packet times.
    PtimeAsymmetry,
    /// A side announced an address that its media does not come from: address translation.
    WrongAddress,
    /// Media without a differentiated services code point.
    DscpMissing,
    /// A sender's clock runs apart from that of the capture.
    ClockDrift,
    /// The score is bad whatever is assumed about what is not known.
    PoorQuality,
    /// Packets were already missing where the stream was first seen.
    LossUpstream,
    /// More packets were missing behind the server than before it.
    LossAtServer,
    /// The receiver reports more loss than there was where the stream was last seen.
    LossDownstream,
    /// Packets were already too late for a jitter buffer where the stream was first seen.
    LateUpstream,
    /// More packets were too late behind the server than before it.
    LateAtServer,
    /// The receiver reports more packets that it had to discard than were late where the stream was last seen.
    LateDownstream,
    /// What was missing, our own measuring may have missed: nobody is accused.
    MeasurementFault,
}

impl Kind {
    /// Whether this is a problem, or only worth knowing.
    #[must_use]
    pub const fn is_problem(self) -> bool {
        !matches!(
            self,
            Self::MediaBeforeAnswer
                | Self::CodecAsymmetry
                | Self::PtimeAsymmetry
                | Self::DscpMissing
                | Self::ClockDrift
                | Self::MeasurementFault
        )
    }
}

/// Which way media flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// What the caller says.
    FromCaller,
    /// What the callee says.
    FromCallee,
}

impl Flow {
    /// By who receives it.
    #[must_use]
    pub const fn towards(side: Side) -> Self {
        match side {
            Side::Caller => Self::FromCallee,
            Side::Callee => Self::FromCaller,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// On which leg, by its number within the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// In which direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Flow>,
    /// What was seen, in a sentence.
    pub evidence: String,
}

/// Seconds of nanoseconds.
pub(super) fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}
