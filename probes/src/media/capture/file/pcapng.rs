//! pcapng (draft-ietf-opsawg-pcapng): sections in either byte order, interfaces with their clock and link
//! type; enhanced, simple and the obsolete packet blocks. What else there is is skipped by its length.

use std::io::Read;

use super::buffer::{Buffer, Order};
use super::{Cause, LinkType, MAX_BLOCK, Raw};

/// More interfaces than any capture has; each costs a few bytes.
const MAX_INTERFACES: usize = 65_536;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: LinkType,
    snap_length: usize,
    clock: Clock,
    /// Seconds to add.
    offset: i64,
}

/// What a tick of a packet's time is.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// Nanoseconds a tick.
    Coarse(i64),
    /// Ticks a nanosecond.
    Fine(u64),
    /// A second is two to this power of ticks.
    Binary(u32),
}

impl Clock {
    fn of(resolution: u8) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return Self::Binary(exponent.min(63));
        }
        match exponent {
            0..=9 => Self::Coarse(10_i64.pow(9 - exponent)),
            _ => Self::Fine(10_u64.pow((exponent - 9).min(19))),
        }
    }

    fn nanoseconds(self, ticks: u64) -> i64 {
        match self {
            Self::Coarse(each) => i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(each),
            Self::Fine(each) => i64::try_from(ticks / each).unwrap_or(i64::MAX),
            Self::Binary(power) => {
                let nanoseconds = (u128::from(ticks) * 1_000_000_000) >> power;
                i64::try_from(nanoseconds).unwrap_or(i64::MAX)
            }
        }
    }
}

#[derive(Default)]
pub(super) struct PcapNg {
    order: Order,
    interfaces: Vec<Interface>,
    /// Simple packets have no time: they take that of the packet before.
    last: i64,
    /// Whether a section header was seen.
    begun: bool,
}

impl PcapNg {
    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<Option<Raw>, Cause> {
        loop {
            let Some(head) = buffer.peek(8)? else {
                return if buffer.is_empty() { Ok(None) } else { Err(Cause::Truncated) };
            };
            let section = head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
            if section {
                self.begin_section(buffer)?;
            } else if !self.begun {
                return Err(Cause::NotACapture);
            }
            let Some(head) = buffer.peek(8)? else { return Err(Cause::Truncated) };
            let kind = if section { SECTION } else { self.order.u32(head, 0) };
            let length = self.order.u32(head, 4) as usize;
            if length < 12 || !length.is_multiple_of(4) || length > MAX_BLOCK {
                return Err(Cause::Damaged("the length of a block cannot be"));
            }
            let block = buffer.take(length)?;
            if self.order.u32(block, length - 4) as usize != length {
                return Err(Cause::Damaged("the two lengths of a block differ"));
            }
            let found = match kind {
                INTERFACE => self.describe(block)?,
                ENHANCED_PACKET => Some(self.packet(block, u32::MAX)?),
                OBSOLETE_PACKET => {
                    let interface = self.order.u16(block, 8);
                    Some(self.packet(block, u32::from(interface))?)
                }
                SIMPLE_PACKET => Some(self.simple(block)?),
                _ => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Byte order first: without it not even the length can be read.
    fn begin_section<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<(), Cause> {
        let Some(head) = buffer.peek(12)? else { return Err(Cause::Truncated) };
        self.order.swapped = match head[8..12] {
            [0x4d, 0x3c, 0x2b, 0x1a] => false,
            [0x1a, 0x2b, 0x3c, 0x4d] => true,
            _ => return Err(Cause::Damaged("a section without its byte order")),
        };
        self.interfaces.clear();
        self.begun = true;
        Ok(())
    }

    fn describe(&mut self, block: &[u8]) -> Result<Option<Raw>, Cause> {
        if block.len() < 20 {
            return Err(Cause::Damaged("an interface without its fields"));
        }
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(Cause::Damaged("more interfaces than there can be"));
        }
        let mut interface = Interface {
            link: LinkType(u32::from(self.order.u16(block, 8))),
            snap_length: self.order.u32(block, 12) as usize,
            clock: Clock::of(6),
            offset: 0,
        };
        let mut at = 16;
        while at + 4 <= block.len() - 4 {
            let (code, length) = (self.order.u16(block, at), usize::from(self.order.u16(block, at + 2)));
            let value = block.get(at + 4..at + 4 + length);
            match (code, value) {
                (0, _) | (_, None) => break,
                (IF_TSRESOL, Some([resolution])) => interface.clock = Clock::of(*resolution),
                (IF_TSOFFSET, Some(value)) if length == 8 => {
                    let (first, second) = (self.order.u32(value, 0), self.order.u32(value, 4));
                    let (high, low) = if self.order.swapped { (first, second) } else { (second, first) };
                    interface.offset = (u64::from(high) << 32 | u64::from(low)).cast_signed();
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        self.interfaces.push(interface);
        Ok(None)
    }

    fn packet(&mut self, block: &[u8], obsolete: u32) -> Result<Raw, Cause> {
        const DATA: usize = 28;
        if block.len() < DATA + 4 {
            return Err(Cause::Damaged("a packet without its fields"));
        }
        let index = if obsolete == u32::MAX { self.order.u32(block, 8) } else { obsolete };
        let Some(interface) = self.interfaces.get(index as usize) else {
            return Err(Cause::Damaged("a packet of an interface that was never described"));
        };
        let kept = self.order.u32(block, 20) as usize;
        if kept > block.len() - DATA - 4 {
            return Err(Cause::Damaged("a packet longer than its block"));
        }
        let ticks = u64::from(self.order.u32(block, 12)) << 32 | u64::from(self.order.u32(block, 16));
        let offset = interface.offset.saturating_mul(1_000_000_000);
        let at = interface.clock.nanoseconds(ticks).saturating_add(offset);
        self.last = at;
        Ok(Raw { at, link: interface.link, begin: DATA, end: DATA + kept })
    }

    fn simple(&self, block: &[u8]) -> Result<Raw, Cause> {
        const DATA: usize = 12;
        let Some(interface) = self.interfaces.first() else {
            return Err(Cause::Damaged("a packet of an interface that was never described"));
        };
        if block.len() < DATA + 4 {
            return Err(Cause::Damaged("a packet without its fields"));
        }
        let original = self.order.u32(block, 8) as usize;
        let limit = if interface.snap_length == 0 { usize::MAX } else { interface.snap_length };
        let kept = original.min(limit);
        if kept > block.len() - DATA - 4 {
            return Err(Cause::Damaged("a packet longer than its block"));
        }
        Ok(Raw { at: self.last, link: interface.link, begin: DATA, end: DATA + kept })
    }
}
