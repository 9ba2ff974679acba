//! Bytes to packets. Total: what cannot be read ends the reading, and what was read before stands.

use serde::Serialize;

use super::{Packet, ReportBlock, SenderInfo, VoipMetrics};

/// A datagram's worth of RTCP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Compound {
    /// The packets in order.
    pub packets: Vec<Packet>,
    /// Why reading ended before the end, if it did. A capture cut by its snap length looks like this.
    pub damage: Option<Damage>,
}

/// Why a compound packet could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Fewer than four bytes where a packet should begin.
    #[error("an RTCP header is cut off")]
    HeaderCut,
    /// Another version than 2: not RTCP, or encrypted.
    #[error("RTCP version {0} is not 2")]
    Version(u8),
    /// A packet is longer than what is left.
    #[error("an RTCP packet of {stated} bytes has {left} left")]
    PacketCut {
        /// What the packet states.
        stated: usize,
        /// What is there.
        left: usize,
    },
    /// A packet is shorter than what it says it holds.
    #[error("RTCP packet type {0} is shorter than its contents")]
    ContentsCut(u8),
    /// The padding does not fit.
    #[error("RTCP padding does not fit")]
    Padding,
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const EXTENDED_REPORT: u8 = 207;
const VOIP_METRICS: u8 = 7;
const CNAME: u8 = 1;

/// Looks like RTCP: version 2 and a packet type that RTP never has (RFC 5761 section 4).
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, kind, _, _, ..] if first >> 6 == 2 && (192..=223).contains(kind))
}

/// Reads a compound packet, or a single one of reduced size (RFC 5506).
pub fn parse(bytes: &[u8]) -> Compound {
    let mut compound = Compound::default();
    let mut left = bytes;
    while !left.is_empty() {
        match next(left) {
            Ok((packet, rest)) => {
                compound.packets.push(packet);
                left = rest;
            }
            Err(damage) => {
                compound.damage = Some(damage);
                break;
            }
        }
    }
    compound
}

fn next(bytes: &[u8]) -> Result<(Packet, &[u8]), Damage> {
    let Some(&[first, kind, high, low]) = bytes.first_chunk::<4>() else {
        return Err(Damage::HeaderCut);
    };
    if first >> 6 != 2 {
        return Err(Damage::Version(first >> 6));
    }
    let stated = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
    let Some((packet, rest)) = bytes.split_at_checked(stated) else {
        return Err(Damage::PacketCut { stated, left: bytes.len() });
    };
    let mut body = &packet[4..];
    if first & 0x20 != 0 {
        let padding = body.last().copied().map_or(0, usize::from);
        let kept = body.len().checked_sub(padding).filter(|_| padding > 0).ok_or(Damage::Padding)?;
        body = &body[..kept];
    }
    let count = usize::from(first & 0x1f);
    let read = match kind {
        SENDER_REPORT => sender_report(body, count),
        RECEIVER_REPORT => receiver_report(body, count),
        SOURCE_DESCRIPTION => source_description(body, count),
        BYE => bye(body, count),
        EXTENDED_REPORT => extended_report(body),
        other => Some(Packet::Skipped { packet_type: other }),
    };
    read.map(|packet| (packet, rest)).ok_or(Damage::ContentsCut(kind))
}

/// Takes big-endian numbers off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn half(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

fn sender_report(body: &[u8], count: usize) -> Option<Packet> {
    let mut reader = Reader(body);
    let ssrc = reader.word()?;
    let sender = SenderInfo {
        ntp: reader.take().map(u64::from_be_bytes)?,
        rtp_timestamp: reader.word()?,
        packets: reader.word()?,
        octets: reader.word()?,
    };
    Some(Packet::SenderReport { ssrc, sender, blocks: report_blocks(&mut reader, count)? })
}

fn receiver_report(body: &[u8], count: usize) -> Option<Packet> {
    let mut reader = Reader(body);
    let ssrc = reader.word()?;
    Some(Packet::ReceiverReport { ssrc, blocks: report_blocks(&mut reader, count)? })
}

fn report_blocks(reader: &mut Reader<'_>, count: usize) -> Option<Vec<ReportBlock>> {
    (0..count).map(|_| report_block(reader)).collect()
}

fn report_block(reader: &mut Reader<'_>) -> Option<ReportBlock> {
    let ssrc = reader.word()?;
    let [fraction_lost, high, middle, low] = reader.take()?;
    // Into the upper three bytes, then down again, so that the sign comes along.
    let cumulative_lost = i32::from_be_bytes([high, middle, low, 0]) >> 8;
    Some(ReportBlock {
        ssrc,
        fraction_lost,
        cumulative_lost,
        highest_sequence: reader.word()?,
        jitter: reader.word()?,
        last_sr: reader.word()?,
        delay_since_last_sr: reader.word()?,
    })
}

fn source_description(body: &[u8], count: usize) -> Option<Packet> {
    let mut reader = Reader(body);
    let mut sources = Vec::new();
    for _ in 0..count {
        let ssrc = reader.word()?;
        let mut name = None;
        let mut item_bytes = 0;
        loop {
            let kind = reader.byte()?;
            item_bytes += 1;
            if kind == 0 {
                break;
            }
            let length = usize::from(reader.byte()?);
            let text = reader.bytes(length)?;
            item_bytes += 1 + length;
            if kind == CNAME {
                name = Some(String::from_utf8_lossy(text).into_owned());
            }
        }
        // A chunk ends on a word's boundary; the last one may have had its padding cut by a lax sender.
        let fill = item_bytes.next_multiple_of(4) - item_bytes;
        reader.bytes(fill.min(reader.0.len()))?;
        sources.push((ssrc, name));
    }
    Some(Packet::SourceDescription { sources })
}

fn bye(body: &[u8], count: usize) -> Option<Packet> {
    let mut reader = Reader(body);
    let sources = (0..count).map(|_| reader.word()).collect::<Option<Vec<u32>>>()?;
    let reason = reader
        .byte()
        .and_then(|length| reader.bytes(usize::from(length)))
        .filter(|text| !text.is_empty())
        .map(|text| String::from_utf8_lossy(text).into_owned());
    Some(Packet::Bye { sources, reason })
}

fn extended_report(body: &[u8]) -> Option<Packet> {
    let mut reader = Reader(body);
    let ssrc = reader.word()?;
    let (mut voip, mut skipped_blocks) = (Vec::new(), Vec::new());
    while !reader.0.is_empty() {
        let [kind, _] = reader.take()?;
        let words = usize::from(reader.half()?);
        let block = reader.bytes(4 * words)?;
        match kind {
            VOIP_METRICS => voip.push(voip_metrics(block)?),
            other => skipped_blocks.push(other),
        }
    }
    Some(Packet::ExtendedReport { ssrc, voip, skipped_blocks })
}

/// RFC 3611 section 4.7; 127 stands for "unavailable" in levels, R and MOS.
fn voip_metrics(block: &[u8]) -> Option<VoipMetrics> {
    let mut reader = Reader(block);
    let available = |value: u8| (value != 127).then_some(value);
    let level = |value: u8| (value != 127).then_some(value.cast_signed());
    let ssrc = reader.word()?;
    let [loss_rate, discard_rate, burst_density, gap_density] = reader.take()?;
    let (burst_duration_ms, gap_duration_ms) = (reader.half()?, reader.half()?);
    let (round_trip_delay_ms, end_system_delay_ms) = (reader.half()?, reader.half()?);
    let [signal, noise, rerl, gmin] = reader.take()?;
    let [r_factor, external, mos_lq, mos_cq] = reader.take()?;
    let [rx_config, _] = reader.take()?;
    Some(VoipMetrics {
        ssrc,
        loss_rate,
        discard_rate,
        burst_density,
        gap_density,
        burst_duration_ms,
        gap_duration_ms,
        round_trip_delay_ms,
        end_system_delay_ms,
        signal_level_dbm: level(signal),
        noise_level_dbm: level(noise),
        rerl_db: available(rerl),
        gmin,
        r_factor: available(r_factor),
        external_r_factor: available(external),
        mos_lq_tenths: available(mos_lq),
        mos_cq_tenths: available(mos_cq),
        rx_config,
        buffer_nominal_ms: reader.half()?,
        buffer_maximum_ms: reader.half()?,
        buffer_absolute_ms: reader.half()?,
    })
}
