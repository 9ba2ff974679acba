//! Classic pcap: microseconds or nanoseconds, either byte order; also the modified form with eight more bytes.

use std::io::Read;

use super::buffer::{Buffer, Order};
use super::{Cause, LinkType, MAX_BLOCK, Raw};

pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds a tick of the fraction.
    tick: i64,
    link: LinkType,
    header: usize,
}

impl Pcap {
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, Cause> {
        let Some(magic) = buffer.peek(4)? else { return Err(Cause::NotACapture) };
        let (swapped, tick, header) = match *magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, 1_000, 16),
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, 1_000, 16),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, 1, 16),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, 1, 16),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, 1_000, 24),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, 1_000, 24),
            _ => return Err(Cause::NotACapture),
        };
        let order = Order { swapped };
        let head = buffer.take(24)?;
        // The upper bits of the field say how long a checksum follows; they are no part of the type.
        let link = LinkType(order.u32(head, 20) & 0xffff);
        Ok(Self { order, tick, link, header })
    }

    #[inline]
    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<Option<Raw>, Cause> {
        let Some(head) = buffer.peek(self.header)? else {
            return if buffer.is_empty() { Ok(None) } else { Err(Cause::Truncated) };
        };
        let seconds = i64::from(self.order.u32(head, 0));
        let fraction = i64::from(self.order.u32(head, 4));
        let kept = self.order.u32(head, 8) as usize;
        if kept > MAX_BLOCK / 2 {
            return Err(Cause::Damaged("a packet length beyond all measure"));
        }
        buffer.take(self.header + kept)?;
        let at = seconds * 1_000_000_000 + fraction * self.tick;
        Ok(Some(Raw { at, link: self.link, begin: self.header, end: self.header + kept }))
    }
}
