//! From the bytes of a capture to packets, calls and who belongs to whom.
//!
//! In the order in which a packet passes: [`file`] reads capture files, [`net`] takes off the headers and
//! joins fragments and TCP segments.
//!
//! Everything here reads bytes of strangers: total, bounded, never a panic.

pub mod file;
pub mod net;
