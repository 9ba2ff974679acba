//! From the bytes of a capture to packets, calls and who belongs to whom.
//!
//! In the order in which a packet passes: [`mod@file`] reads capture files, [`net`] takes off the headers and
//! joins fragments and TCP segments, [`sip`] reads what calls are announced by, [`call`] keeps dialogs and whose media belongs where,
//! [`streams`] finds the RTP and hands it to the quality engine. [`analysis`] drives them all, and [`report`]
//! says what came of it, with what [`findings`] makes of each call. [`live`] does the same for traffic without an end.
//!
//! [`evidence`] keeps the latest packets of voice for a short file. [`mod@write`] makes captures, for evidence and for tests.
//!
//! Everything here reads bytes of strangers: total, bounded, never a panic.

pub mod analysis;
pub mod call;
pub mod evidence;
pub mod file;
pub mod findings;
pub mod live;
pub mod net;
pub mod report;
pub mod sip;
pub mod streams;
#[cfg(test)]
pub(crate) mod testing;
pub mod write;
