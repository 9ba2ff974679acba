//! What the endpoints say (RFC 3550 section 6, RFC 3611): read totally, kept apart from our own measurement.
//!
//! [`parse`] reads a compound packet of any bytes, [`Told`] keeps what endpoints said about a stream, with intervals
//! made from their running totals, and [`RoundTrip`] times a report against the sender report it answers. Nothing
//! here flows into a [`super::report::StreamReport`]: an endpoint's word is evidence of another kind.

mod parse;
mod told;

pub use self::parse::{Compound, Damage, is_rtcp, parse};
pub use self::told::{RoundTrip, Told, ToldInterval, ToldReport, round_trip_s};

use serde::Serialize;

/// One report block of an SR or RR (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReportBlock {
    /// The stream that is reported on.
    pub ssrc: u32,
    /// Loss since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Loss since the beginning: 24 bits, signed, negative with duplicates.
    pub cumulative_lost: i32,
    /// Extended highest sequence number.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last SR's NTP time; 0 for none yet.
    pub last_sr: u32,
    /// Delay since that SR, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// A sender's own account in an SR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SenderInfo {
    /// NTP time: seconds in the upper half, fraction in the lower.
    pub ntp: u64,
    /// The same instant in RTP timestamp units.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Payload octets sent.
    pub octets: u32,
}

/// VoIP metrics block of an XR (RFC 3611 section 4.7); values that mean "unavailable" are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VoipMetrics {
    /// The stream that is reported on.
    pub ssrc: u32,
    /// Lost in the network, 1/256.
    pub loss_rate: u8,
    /// Thrown away by the buffer, 1/256.
    pub discard_rate: u8,
    /// Loss and discard within bursts, 1/256.
    pub burst_density: u8,
    /// Loss and discard within gaps, 1/256.
    pub gap_density: u8,
    /// Mean burst.
    pub burst_duration_ms: u16,
    /// Mean gap.
    pub gap_duration_ms: u16,
    /// Round trip.
    pub round_trip_delay_ms: u16,
    /// End system delay.
    pub end_system_delay_ms: u16,
    /// Speech level.
    pub signal_level_dbm: Option<i8>,
    /// Noise level.
    pub noise_level_dbm: Option<i8>,
    /// Residual echo return loss.
    pub rerl_db: Option<u8>,
    /// The threshold between burst and gap.
    pub gmin: u8,
    /// R factor.
    pub r_factor: Option<u8>,
    /// R of an external segment.
    pub external_r_factor: Option<u8>,
    /// Listening MOS times ten.
    pub mos_lq_tenths: Option<u8>,
    /// Conversational MOS times ten.
    pub mos_cq_tenths: Option<u8>,
    /// Packet loss concealment, buffer kind and rate, as sent.
    pub rx_config: u8,
    /// Nominal buffer delay.
    pub buffer_nominal_ms: u16,
    /// Largest buffer delay now.
    pub buffer_maximum_ms: u16,
    /// Largest buffer delay ever possible.
    pub buffer_absolute_ms: u16,
}

/// One packet of a compound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Packet {
    /// Sender report (200).
    SenderReport {
        /// Who sends it.
        ssrc: u32,
        /// What it sent.
        sender: SenderInfo,
        /// What it receives.
        blocks: Vec<ReportBlock>,
    },
    /// Receiver report (201).
    ReceiverReport {
        /// Who sends it.
        ssrc: u32,
        /// What it receives.
        blocks: Vec<ReportBlock>,
    },
    /// Source description (202).
    SourceDescription {
        /// SSRC and canonical name, where one was stated.
        sources: Vec<(u32, Option<String>)>,
    },
    /// Goodbye (203).
    Bye {
        /// Who leaves.
        sources: Vec<u32>,
        /// Why, where stated.
        reason: Option<String>,
    },
    /// Extended report (207).
    ExtendedReport {
        /// Who sends it.
        ssrc: u32,
        /// The VoIP metrics blocks.
        voip: Vec<VoipMetrics>,
        /// Types of blocks that were skipped.
        skipped_blocks: Vec<u8>,
    },
    /// APP, feedback or anything else, skipped.
    Skipped {
        /// Packet type.
        packet_type: u8,
    },
}

#[cfg(test)]
mod tests;
