//! RTCP that we send: what we sent, what we hear, who we are, that we leave (RFC 3550 section 6).

use linesman_media::quality::rtcp::{ReportBlock, SenderInfo};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// A compound packet: a sender report, or without `sender` a receiver report; then the canonical name that every
/// compound must hold (section 6.1), and a goodbye at the end of the stream.
#[must_use]
pub fn compound(
    ssrc: u32,
    sender: Option<&SenderInfo>,
    heard: &[ReportBlock],
    name: &str,
    leaves: bool,
) -> Vec<u8> {
    let mut body = ssrc.to_be_bytes().to_vec();
    if let Some(sender) = sender {
        body.extend(sender.ntp.to_be_bytes());
        body.extend(sender.rtp_timestamp.to_be_bytes());
        body.extend(sender.packets.to_be_bytes());
        body.extend(sender.octets.to_be_bytes());
    }
    let heard = &heard[..heard.len().min(31)];
    for block in heard {
        body.extend(block.ssrc.to_be_bytes());
        let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
        body.extend([block.fraction_lost, lost[1], lost[2], lost[3]]);
        body.extend(block.highest_sequence.to_be_bytes());
        body.extend(block.jitter.to_be_bytes());
        body.extend(block.last_sr.to_be_bytes());
        body.extend(block.delay_since_last_sr.to_be_bytes());
    }
    let kind = if sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
    let mut packet = Vec::new();
    append(&mut packet, kind, heard.len() as u8, &body);

    let name = &name.as_bytes()[..name.len().min(255)];
    let mut chunk = ssrc.to_be_bytes().to_vec();
    chunk.extend([1, name.len() as u8]);
    chunk.extend(name);
    // One null ends the list, more fill the word.
    chunk.push(0);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    append(&mut packet, SOURCE_DESCRIPTION, 1, &chunk);
    if leaves {
        append(&mut packet, BYE, 1, &ssrc.to_be_bytes());
    }
    packet
}

/// `body` is a whole number of words.
fn append(packet: &mut Vec<u8>, kind: u8, count: u8, body: &[u8]) {
    let words = u16::try_from(body.len() / 4).unwrap_or(u16::MAX);
    packet.extend([0x80 | count & 0x1f, kind]);
    packet.extend(words.to_be_bytes());
    packet.extend(body);
}

#[cfg(test)]
mod tests {
    use linesman_media::quality::rtcp::{Packet, parse};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_reported_is_read_again_as_it_was_meant(
            ssrc: u32, ntp: u64, rtp_timestamp: u32, packets: u32, octets: u32, sends: bool, leaves: bool,
            fraction_lost: u8, lost in -0x80_0000..0x80_0000_i32, highest: u32, jitter: u32, last_sr: u32, delay: u32,
            name in "[a-z@.]{0,300}",
        ) {
            let sender = SenderInfo { ntp, rtp_timestamp, packets, octets };
            let block = ReportBlock {
                ssrc: !ssrc, fraction_lost, cumulative_lost: lost, highest_sequence: highest, jitter, last_sr,
                delay_since_last_sr: delay,
            };
            let bytes = compound(ssrc, sends.then_some(&sender), &[block], &name, leaves);
            let read = parse(&bytes);
            prop_assert_eq!(read.damage, None);
            prop_assert_eq!(read.packets.len(), 2 + usize::from(leaves));
            match &read.packets[0] {
                Packet::SenderReport { ssrc: from, sender: told, blocks } => {
                    prop_assert!(sends);
                    prop_assert_eq!((*from, told, &blocks[..]), (ssrc, &sender, &[block][..]));
                }
                Packet::ReceiverReport { ssrc: from, blocks } => {
                    prop_assert!(!sends);
                    prop_assert_eq!((*from, &blocks[..]), (ssrc, &[block][..]));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
