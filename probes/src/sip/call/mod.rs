//! A test call: SIP sets it up, a real RTP train flows both ways, the engine of live calls judges what comes back.
//!
//! | file | what it holds |
//! | --- | --- |
//! | [`codec`] | what is spoken, at its true size |
//! | [`train`] | the packets that we send |
//! | [`control`] | the RTCP that we send |
//! | [`digest`] | who we are, if the far end asks |
//! | [`offer`] | the session description, and what was agreed |
//! | [`dialog`] | the signalling, pure |
//! | [`ear`] | what came back and what it says of each direction, pure |
//! | [`report`] | what the call came to |
//! | [`place`](mod@place) | the sockets of a caller |
//! | [`probe`] | one call as a round of a probe |
//! | [`answer`] | the other end: answers, echoes, reports, bounded and safe to leave running |

pub mod answer;
pub mod codec;
pub mod control;
pub mod dialog;
pub mod digest;
pub mod ear;
mod echo;
mod link;
pub mod offer;
pub mod place;
mod ports;
pub mod probe;
pub mod report;
pub mod train;

pub use answer::{Answering, Bounds};
pub use codec::CallCodec;
pub use digest::Credentials;
pub use place::{CallPlan, VOICE_DSCP, credentials, place};
pub use probe::CallProbe;
pub use report::{CallReport, Ended, KnownBy, Way};
