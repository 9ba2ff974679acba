//! The ways of a call's voice through our server, as they are kept: what was lost before it, in it and behind it, and
//! whose part that is.

use linesman_media::capture::findings::{Flow, Passage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::place::{Direction, Place};

/// One direction of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeptPassage {
    /// `from_caller` or `from_callee`.
    pub direction: String,
    /// Element that it came in from: a trunk or a gateway; none where it is not known.
    pub from: Option<String>,
    /// Element that it went out to.
    pub to: Option<String>,
    /// Share lost before the first point where it was seen.
    pub loss_upstream: f64,
    /// Share that was already too late for a jitter buffer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_upstream: Option<f64>,
    /// Jitter there, ms.
    pub jitter_in_ms: Option<f64>,
    /// Share lost between both points; none where it was seen only once.
    pub loss_server: Option<f64>,
    /// Share that became too late between both points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_server: Option<f64>,
    /// Jitter that came in between, ms; negative when the server smooths.
    pub jitter_server_ms: Option<f64>,
    /// Share that its receiver reports beyond that; his word.
    pub loss_downstream: Option<f64>,
    /// Share that its receiver discarded beyond that, too late; his word, by XR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_downstream: Option<f64>,
    /// Largest jitter that its receiver reports, ms; his word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_reported_ms: Option<f64>,
    /// What spoiled it most: `upstream`, `server`, `downstream`; none when all is well.
    pub spoiled_by: Option<String>,
    /// The element on that part of the way; none for our own server, or where it is not known.
    pub blamed: Option<String>,
}

/// A passage with the places of the streams where it comes in and where it goes out last.
pub(super) fn kept(passage: &Passage, place: impl Fn(&str) -> Place) -> KeptPassage {
    let element = |place: Place| match place.direction {
        Direction::FromTrunk | Direction::ToTrunk => place.trunk,
        Direction::FromGateway | Direction::ToGateway => place.gateway,
        Direction::Unknown => None,
    };
    let comes_in = place(&passage.stream_in);
    let goes_out = passage.stream_out.as_deref().map(&place);
    // Seen once, a stream goes to us or from us: its one end is what is known.
    let is_inwards = |place: &Place| matches!(place.direction, Direction::FromTrunk | Direction::FromGateway);
    let is_outwards = |place: &Place| matches!(place.direction, Direction::ToTrunk | Direction::ToGateway);
    let from = Some(comes_in.clone()).filter(is_inwards).and_then(element);
    let to = goes_out.or(Some(comes_in)).filter(is_outwards).and_then(element);
    let blamed = match passage.spoiled_by {
        Some("upstream") => from.clone(),
        Some("downstream") => to.clone(),
        _ => None,
    };
    KeptPassage {
        direction: match passage.direction {
            Flow::FromCaller => "from_caller",
            Flow::FromCallee => "from_callee",
        }
        .to_owned(),
        from,
        to,
        loss_upstream: passage.loss_upstream,
        late_upstream: passage.late_upstream,
        jitter_in_ms: passage.jitter_in_ms,
        loss_server: passage.loss_server,
        late_server: passage.late_server,
        jitter_server_ms: passage.jitter_server_ms,
        loss_downstream: passage.loss_downstream,
        late_downstream: passage.late_downstream,
        jitter_reported_ms: passage.jitter_reported_ms,
        spoiled_by: passage.spoiled_by.map(str::to_owned),
        blamed,
    }
}
