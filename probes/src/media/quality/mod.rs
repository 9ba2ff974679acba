//! From the packets of one stream to counts, jitter, bursts, playout and scores.
//!
//! In the order of use: [`rtp`] reads a datagram, [`mod@format`] says what a payload type means, [`stream`] takes
//! each [`stream::Arrival`] and keeps sums, [`burst`] and [`playout`] follow losses and late packets, [`score`]
//! turns the sums into R and MOS as an interval, [`report`] is the record that leaves. [`rtcp`] reads what the
//! endpoints say, kept apart from what was measured. [`generate`] makes streams whose truth is known.
//!
//! Deliberately absent: sockets, clocks, files, SIP, and audio: nothing here decodes a payload.

pub mod burst;
pub mod format;
pub mod generate;
pub mod playout;
pub mod report;
pub mod rtcp;
pub mod rtp;
pub mod score;
pub mod stream;
