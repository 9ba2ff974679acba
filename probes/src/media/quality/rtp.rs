//! Reads one RTP packet (RFC 3550 section 5.1), also when the capture kept only its first bytes.
//!
//! `rtp-rs` reads the fixed header; everything whose length a packet states about itself (CSRC list, extension,
//! padding) is checked here against the length on the wire, because a snap length cuts bytes that the packet had.

use rtp_rs::RtpReader;

/// The fixed RTP header is this long (RFC 3550 section 5.1).
pub const FIXED_HEADER_BYTES: usize = 12;

/// The fields of an RTP header that the engine uses, and where its payload lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// The marker bit: in audio, the first packet of a talkspurt (RFC 3551 section 4.1).
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// How many contributing sources the packet names.
    pub csrc_count: u8,
    /// The extension's profile-defined word, where an extension is present and was captured.
    pub extension_profile: Option<u16>,
    /// Where the payload begins, from the first byte of the RTP header.
    pub payload_offset: usize,
    /// Payload bytes on the wire, padding taken off where its length was captured.
    pub payload_bytes: usize,
    /// The capture kept fewer bytes than the wire carried, so padding or an extension may be unknown.
    pub truncated: bool,
}

/// Why bytes are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRtp {
    /// Fewer than the twelve bytes of the fixed header.
    #[error("shorter than an RTP header: {0} of 12 bytes")]
    Short(usize),
    /// Another version than 2.
    #[error("not RTP version 2 but {0}")]
    Version(u8),
    /// An RTCP packet type stands where RTP has marker and payload type (RFC 5761 section 4).
    #[error("RTCP packet type {0}")]
    Rtcp(u8),
    /// The header says it is longer than the packet.
    #[error("header of {header} bytes in a packet of {wire}")]
    HeaderTooLong {
        /// What the header claims.
        header: usize,
        /// What the wire carried.
        wire: usize,
    },
    /// The padding says it is longer than what follows the header, or zero.
    #[error("padding of {0} bytes does not fit")]
    Padding(u8),
}

/// Reads a packet of which `captured` was kept and that had `wire_bytes` on the wire.
///
/// Total: any bytes give a header or a reason, and no stated length is believed before it is checked.
pub fn parse(captured: &[u8], wire_bytes: usize) -> Result<Header, NotRtp> {
    let wire = wire_bytes.max(captured.len());
    let Some(fixed) = captured.first_chunk::<FIXED_HEADER_BYTES>() else {
        return Err(NotRtp::Short(captured.len()));
    };
    if fixed[0] >> 6 != 2 {
        return Err(NotRtp::Version(fixed[0] >> 6));
    }
    if (192..=223).contains(&fixed[1]) {
        return Err(NotRtp::Rtcp(fixed[1]));
    }
    // The reader judges lengths by the bytes it is given; of a cut packet it would take payload for padding.
    // It therefore gets the fixed header alone, with the bits that announce more cleared.
    let mut bare = *fixed;
    bare[0] &= 0b1100_0000;
    let reader = RtpReader::new(&bare).map_err(|_| NotRtp::Version(fixed[0] >> 6))?;
    let csrc_count = fixed[0] & 0x0f;
    let extended = fixed[0] & 0x10 != 0;
    let padded = fixed[0] & 0x20 != 0;
    let truncated = captured.len() < wire;

    let mut header_bytes = FIXED_HEADER_BYTES + 4 * usize::from(csrc_count);
    let mut extension_profile = None;
    if extended {
        let words = captured.get(header_bytes..header_bytes + 4).map(|at| {
            extension_profile = Some(u16::from_be_bytes([at[0], at[1]]));
            usize::from(u16::from_be_bytes([at[2], at[3]]))
        });
        header_bytes += 4 + 4 * words.unwrap_or(0);
    }
    if header_bytes > wire {
        return Err(NotRtp::HeaderTooLong { header: header_bytes, wire });
    }
    let mut payload_bytes = wire - header_bytes;
    if padded && !truncated {
        let padding = captured.last().copied().unwrap_or(0);
        if padding == 0 || usize::from(padding) > payload_bytes {
            return Err(NotRtp::Padding(padding));
        }
        payload_bytes -= usize::from(padding);
    }
    Ok(Header {
        payload_type: reader.payload_type(),
        marker: reader.mark(),
        sequence: reader.sequence_number().into(),
        timestamp: reader.timestamp(),
        ssrc: reader.ssrc(),
        csrc_count,
        extension_profile,
        payload_offset: header_bytes,
        payload_bytes,
        truncated,
    })
}

impl Header {
    /// The payload bytes that were captured.
    pub fn payload<'a>(&self, captured: &'a [u8]) -> &'a [u8] {
        let end = self.payload_offset.saturating_add(self.payload_bytes).min(captured.len());
        captured.get(self.payload_offset..end).unwrap_or(&[])
    }

    /// Every captured payload byte is the same, and there are enough of them to mean something: in G.711 that
    /// is digital silence. Encrypted or coded speech never looks like this.
    pub fn flat_payload(&self, captured: &[u8]) -> bool {
        match self.payload(captured) {
            [first, rest @ ..] if rest.len() >= 39 => rest.iter().all(|byte| byte == first),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Version 2, payload type 8 with marker, sequence 0x0102, timestamp 0x03040506, SSRC 0x0708090a.
    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first, 0x88, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        bytes.extend(rest);
        bytes
    }

    fn parsed(bytes: &[u8]) -> Result<Header, NotRtp> {
        parse(bytes, bytes.len())
    }

    #[test]
    fn a_plain_packet_gives_its_fields() {
        let bytes = packet(0x80, &[1; 160]);
        let header = parsed(&bytes).unwrap();
        assert_eq!((header.payload_type, header.marker, header.sequence), (8, true, 0x0102));
        assert_eq!((header.timestamp, header.ssrc), (0x0304_0506, 0x0708_090a));
        assert_eq!((header.payload_offset, header.payload_bytes, header.truncated), (12, 160, false));
        assert!(header.flat_payload(&bytes));
        assert!(!header.flat_payload(&bytes[..20]), "eight bytes are too few to call silence");
    }

    #[test]
    fn csrc_extension_and_padding_are_no_payload() {
        let mut rest = vec![0; 8];
        rest.extend([0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        rest.extend([5; 10]);
        rest.extend([0, 0, 3]);
        let bytes = packet(0xb2, &rest);
        let header = parsed(&bytes).unwrap();
        assert_eq!((header.csrc_count, header.extension_profile), (2, Some(0xbede)));
        assert_eq!((header.payload_offset, header.payload_bytes), (28, 10));
        assert_eq!(header.payload(&bytes), [5; 10]);
    }

    #[test]
    fn a_snap_length_takes_bytes_but_not_the_count_of_them() {
        let full = packet(0xa0, &[7; 160]);
        let header = parse(&full[..20], full.len()).unwrap();
        assert_eq!((header.payload_bytes, header.truncated), (160, true));
        assert_eq!(header.payload(&full[..20]).len(), 8);
        let extended = packet(0x90, &[0xbe, 0xde, 0, 1, 0, 0, 0, 0, 1, 1]);
        let header = parse(&extended[..12], extended.len()).unwrap();
        assert_eq!((header.extension_profile, header.truncated), (None, true));
    }

    #[test]
    fn what_is_not_rtp_says_why() {
        assert_eq!(parsed(&[0x80; 11]), Err(NotRtp::Short(11)));
        assert_eq!(parsed(&packet(0x40, &[])), Err(NotRtp::Version(1)));
        let mut report = packet(0x80, &[]);
        report[1] = 200;
        assert_eq!(parsed(&report), Err(NotRtp::Rtcp(200)));
        assert_eq!(parsed(&packet(0x8f, &[0; 8])), Err(NotRtp::HeaderTooLong { header: 72, wire: 20 }));
        assert_eq!(
            parsed(&packet(0x90, &[0, 0, 0xff, 0xff])),
            Err(NotRtp::HeaderTooLong { header: 16 + 4 * 65_535, wire: 16 })
        );
        assert_eq!(parsed(&packet(0xa0, &[1, 2, 9])), Err(NotRtp::Padding(9)));
        assert_eq!(parsed(&packet(0xa0, &[1, 2, 0])), Err(NotRtp::Padding(0)));
        assert_eq!(parsed(&packet(0xa0, &[])), Err(NotRtp::Padding(10)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_never_overrun(
            mut bytes in prop::collection::vec(any::<u8>(), 0..120),
            wire in 0..2000_usize,
            likely in any::<bool>(),
        ) {
            if likely && let Some(first) = bytes.first_mut() {
                *first = 0x80 | *first & 0x3f;
            }
            if let Ok(header) = parse(&bytes, wire) {
                let end = header.payload_offset + header.payload_bytes;
                prop_assert!(end <= wire.max(bytes.len()));
                prop_assert!(header.payload(&bytes).len() <= header.payload_bytes);
                let _ = header.flat_payload(&bytes);
            }
        }

        #[test]
        fn whole_packets_are_read_as_rtp_rs_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let theirs = RtpReader::new(&bytes).ok().filter(|_| !(192..=223).contains(&bytes[1]));
            if let (Some(theirs), Ok(ours)) = (theirs, parsed(&bytes)) {
                prop_assert_eq!(ours.payload(&bytes), theirs.payload());
            }
        }
    }
}
