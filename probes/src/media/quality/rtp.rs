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
