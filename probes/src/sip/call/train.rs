//! The packets that we speak: an RTP train with a random beginning, one packet each 20 ms on absolute deadlines.

use std::time::Duration;

use linesman_media::capture::write::rtp;

use super::codec::{CallCodec, PACKET_MS, PACKET_TICKS};

/// A stream that we send.
#[derive(Debug, Clone)]
pub struct Train {
    /// Synchronisation source.
    pub ssrc: u32,
    /// Sequence number of the first packet.
    pub first_sequence: u16,
    /// Timestamp of the first packet.
    pub first_timestamp: u32,
    /// What is spoken.
    pub codec: CallCodec,
    /// Payload type that was agreed.
    pub payload_type: u8,
    /// Makes payloads of different calls differ.
    pub seed: u64,
    /// How many packets.
    pub count: u32,
}

impl Train {
    /// A train of random identity (RFC 3550 section 5.1) that lasts as long.
    #[must_use]
    pub fn new(codec: CallCodec, length: Duration, random: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, seed @ ..] = random;
        let [k, l, m, n, o, p] = seed;
        Self {
            ssrc: u32::from_be_bytes([a, b, c, d]),
            first_sequence: u16::from_be_bytes([e, f]),
            first_timestamp: u32::from_be_bytes([g, h, i, j]),
            codec,
            payload_type: codec.payload_type(),
            seed: u64::from_be_bytes([0, 0, k, l, m, n, o, p]),
            count: u32::try_from(length.as_millis() / u128::from(PACKET_MS)).unwrap_or(u32::MAX).max(1),
        }
    }

    /// When the packet of this number is to leave, after the first.
    #[must_use]
    pub fn due(&self, number: u32) -> Duration {
        Duration::from_millis(PACKET_MS * u64::from(number))
    }

    /// The timestamp of the packet of this number.
    #[must_use]
    pub fn timestamp(&self, number: u32) -> u32 {
        self.first_timestamp.wrapping_add(number.wrapping_mul(PACKET_TICKS))
    }

    /// The packet of this number; the first begins a talkspurt.
    #[must_use]
    pub fn packet(&self, number: u32) -> Vec<u8> {
        let payload = self.codec.payload(number, self.seed);
        let sequence = self.first_sequence.wrapping_add(number as u16);
        rtp(self.payload_type, number == 0, sequence, self.timestamp(number), self.ssrc, &payload)
    }
}

#[cfg(test)]
mod tests {
    use linesman_media::quality::rtp;

    use super::*;

    #[test]
    fn packets_count_on_over_the_wrap_and_are_read_as_they_were_meant() {
        let mut train = Train::new(CallCodec::G729, Duration::from_secs(10), [0xff; 16]);
        train.payload_type = 18;
        assert_eq!(train.count, 500);
        assert_eq!(train.due(499), Duration::from_millis(9_980));
        let bytes = train.packet(1);
        let header = rtp::parse(&bytes, bytes.len()).expect("an RTP packet");
        assert_eq!((header.sequence, header.timestamp), (0, 159), "both wrapped");
        assert_eq!((header.payload_type, header.payload_bytes, header.marker), (18, 20, false));
        assert!(rtp::parse(&train.packet(0), 32).expect("an RTP packet").marker);
    }
}
