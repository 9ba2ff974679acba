//! Files of frames.

use super::Written;

/// A classic pcap in nanoseconds, little-endian.
#[must_use]
pub fn pcap(link_type: u16, frames: &[Written]) -> Vec<u8> {
    classic(0xa1b2_3c4d_u32.to_le_bytes(), 1, link_type, frames, u32::to_le_bytes, u16::to_le_bytes)
}

/// A classic pcap in microseconds, big-endian.
#[must_use]
pub fn pcap_swapped(link_type: u16, frames: &[Written]) -> Vec<u8> {
    classic(0xa1b2_c3d4_u32.to_be_bytes(), 1_000, link_type, frames, u32::to_be_bytes, u16::to_be_bytes)
}

fn classic(
    magic: [u8; 4],
    tick: i64,
    link_type: u16,
    frames: &[Written],
    four: fn(u32) -> [u8; 4],
    two: fn(u16) -> [u8; 2],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24 + frames.iter().map(|frame| frame.bytes.len() + 16).sum::<usize>());
    bytes.extend(magic);
    bytes.extend(two(2));
    bytes.extend(two(4));
    bytes.extend([0; 8]);
    bytes.extend(four(262_144));
    bytes.extend(four(u32::from(link_type)));
    for frame in frames {
        let (seconds, rest) = (frame.at.div_euclid(1_000_000_000), frame.at.rem_euclid(1_000_000_000));
        let length = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        for word in
            [u32::try_from(seconds).unwrap_or(0), u32::try_from(rest / tick).unwrap_or(0), length, length]
        {
            bytes.extend(four(word));
        }
        bytes.extend(&frame.bytes);
    }
    bytes
}

/// How a pcapng is written.
#[derive(Debug, Clone, Copy)]
pub struct Ng {
    /// Link type of each interface; frames go to them in turn.
    pub interfaces: &'static [u16],
    /// Ticks of a second as a power of ten.
    pub resolution: u8,
    /// Seconds that the interfaces' offset adds.
    pub offset: i64,
    /// Big-endian.
    pub swapped: bool,
}

impl Default for Ng {
    fn default() -> Self {
        Self { interfaces: &[1], resolution: 9, offset: 0, swapped: false }
    }
}

/// One section of a pcapng; sections may follow each other in a file.
#[must_use]
pub fn pcapng(how: Ng, frames: &[Written]) -> Vec<u8> {
    let four = |word: u32| if how.swapped { word.to_be_bytes() } else { word.to_le_bytes() };
    let two = |word: u16| if how.swapped { word.to_be_bytes() } else { word.to_le_bytes() };
    let mut file = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let length = u32::try_from(padded + 12).unwrap_or(u32::MAX);
        file.extend(four(kind));
        file.extend(four(length));
        file.extend(body);
        file.extend(std::iter::repeat_n(0, padded - body.len()));
        file.extend(four(length));
    };
    let mut section = Vec::new();
    section.extend(four(0x1a2b_3c4d));
    section.extend(two(1));
    section.extend(two(0));
    section.extend([0xff; 8]);
    block(0x0a0d_0d0a, &section);
    for link_type in how.interfaces {
        let mut interface = Vec::new();
        interface.extend(two(*link_type));
        interface.extend(two(0));
        interface.extend(four(0));
        interface.extend(two(9));
        interface.extend(two(1));
        interface.extend([how.resolution, 0, 0, 0]);
        interface.extend(two(14));
        interface.extend(two(8));
        interface.extend(if how.swapped { how.offset.to_be_bytes() } else { how.offset.to_le_bytes() });
        interface.extend([0; 4]);
        block(1, &interface);
    }
    for (index, frame) in frames.iter().enumerate() {
        let nanoseconds = u64::try_from(frame.at - how.offset * 1_000_000_000).unwrap_or(0);
        let ticks = if how.resolution <= 9 {
            nanoseconds / 10_u64.pow(u32::from(9 - how.resolution))
        } else {
            nanoseconds * 10_u64.pow(u32::from(how.resolution.min(12) - 9))
        };
        let length = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        let interface = u32::try_from(index % how.interfaces.len().max(1)).unwrap_or(0);
        let mut packet = Vec::with_capacity(frame.bytes.len() + 20);
        for word in [interface, (ticks >> 32) as u32, ticks as u32, length, length] {
            packet.extend(four(word));
        }
        packet.extend(&frame.bytes);
        block(6, &packet);
    }
    file
}
