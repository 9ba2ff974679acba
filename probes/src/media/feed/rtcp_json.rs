//! RTCP reports as JSON, as rtpengine, heplify, captagent and Asterisk write them into HEP.
//!
//! The writers agree on the names and on little else: numbers stand bare or as strings, an SSRC may come as a
//! negative number, and what is called microseconds of NTP is its 32-bit fraction with rtpengine and heplify.

use serde_json::Value;

use crate::quality::rtcp::{Packet, ReportBlock, SenderInfo, VoipMetrics};

/// Longest text that is read.
const MAX_TEXT: usize = 64 << 10;
/// Most report blocks: the header of RTCP counts them in five bits.
const MAX_BLOCKS: usize = 31;
const SENDER_REPORT: u32 = 200;

/// The reports in it; none when it is no such report.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Packet> {
    // Some writers end it with a zero byte.
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    if text.len() > MAX_TEXT {
        return Vec::new();
    }
    let Ok(report) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    if !report.is_object() {
        return Vec::new();
    }
    let mut packets = Vec::new();
    let ssrc = number(&report, "ssrc").or_else(|| number(&report, "sdes_ssrc"));
    let blocks: Vec<ReportBlock> = report["report_blocks"]
        .as_array()
        .map(|blocks| blocks.iter().take(MAX_BLOCKS).filter_map(block).collect())
        .unwrap_or_default();
    if let Some(ssrc) = ssrc {
        let sender = sender(&report["sender_information"]);
        match sender.filter(|_| number(&report, "type").unwrap_or(SENDER_REPORT) == SENDER_REPORT) {
            Some(sender) => packets.push(Packet::SenderReport { ssrc, sender, blocks }),
            None if !blocks.is_empty() => packets.push(Packet::ReceiverReport { ssrc, blocks }),
            None => {}
        }
        if let Some(voip) = voip(&report["report_blocks_xr"]) {
            packets.push(Packet::ExtendedReport { ssrc, voip: vec![voip], skipped_blocks: Vec::new() });
        }
    }
    packets
}

/// A number, bare or as a string; a negative one as the 32 bits that it stands for.
fn number(of: &Value, name: &str) -> Option<u32> {
    let whole = match &of[name] {
        Value::Number(number) => {
            number.as_i64().or_else(|| number.as_f64().filter(|f| f.is_finite()).map(|f| f as i64))?
        }
        Value::String(text) => text.trim().parse::<i64>().ok()?,
        _ => return None,
    };
    (-(1_i64 << 31)..1_i64 << 32).contains(&whole).then_some(whole as u32)
}

fn sender(of: &Value) -> Option<SenderInfo> {
    if !of.is_object() {
        return None;
    }
    let seconds = number(of, "ntp_timestamp_sec").unwrap_or(0);
    let fraction = number(of, "ntp_timestamp_usec").unwrap_or(0);
    Some(SenderInfo {
        ntp: u64::from(seconds) << 32 | u64::from(fraction),
        rtp_timestamp: number(of, "rtp_timestamp").unwrap_or(0),
        packets: number(of, "packets").unwrap_or(0),
        octets: number(of, "octets").unwrap_or(0),
    })
}

fn block(of: &Value) -> Option<ReportBlock> {
    let lost = number(of, "packets_lost").unwrap_or(0);
    Some(ReportBlock {
        ssrc: number(of, "source_ssrc")?,
        fraction_lost: number(of, "fraction_lost").unwrap_or(0).min(255) as u8,
        // 24 bits with a sign on the wire; writers give it with or without.
        cumulative_lost: ((lost << 8).cast_signed()) >> 8,
        highest_sequence: number(of, "highest_seq_no").unwrap_or(0),
        jitter: number(of, "ia_jitter").unwrap_or(0),
        last_sr: number(of, "lsr").unwrap_or(0),
        delay_since_last_sr: number(of, "dlsr").unwrap_or(0),
    })
}

/// The VoIP metrics that heplify adds; it leaves out what RFC 3611 calls unavailable by zero.
fn voip(of: &Value) -> Option<VoipMetrics> {
    if !of.is_object() {
        return None;
    }
    let ssrc = number(of, "id").filter(|ssrc| *ssrc > 0)?;
    let byte = |name: &str| number(of, name).unwrap_or(0).min(255) as u8;
    let half = |name: &str| number(of, name).unwrap_or(0).min(65_535) as u16;
    let known =
        |name: &str| number(of, name).filter(|value| (1..127).contains(value)).map(|value| value as u8);
    Some(VoipMetrics {
        ssrc,
        loss_rate: byte("fraction_lost"),
        discard_rate: byte("fraction_discard"),
        burst_density: byte("burst_density"),
        gap_density: byte("gap_density"),
        burst_duration_ms: half("burst_duration"),
        gap_duration_ms: half("gap_duration"),
        round_trip_delay_ms: half("round_trip_delay"),
        end_system_delay_ms: half("end_system_delay"),
        signal_level_dbm: None,
        noise_level_dbm: None,
        rerl_db: None,
        gmin: 16,
        r_factor: known("r_factor"),
        external_r_factor: None,
        mos_lq_tenths: known("mos_lq"),
        mos_cq_tenths: known("mos_cq"),
        rx_config: 0,
        buffer_nominal_ms: 0,
        buffer_maximum_ms: 0,
        buffer_absolute_ms: 0,
    })
}
