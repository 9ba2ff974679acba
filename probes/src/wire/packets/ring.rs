//! TPACKET_V3: the kernel writes packets into blocks of shared memory, and we read whole blocks.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use super::sys::{self, Blocks, Waited};
use super::{ANY, CaptureError, Captured, Counters, ETHERNET, Options, PacketSource, Port, RAW_IP};

/// Memory of a ring: two seconds of 100,000 voice packets a second.
pub const RING_BYTES: usize = 64 << 20;

/// One block. The kernel hands it over when it is full or its time is up.
const BLOCK_BYTES: usize = 1 << 20;
/// How long a packet may wait for others in its block.
const BLOCK_PATIENCE_MS: u32 = 40;
/// Blocks that are read before the caller has its turn again.
const BLOCKS_AT_ONCE: usize = 8;
/// Nominal size of a frame, which the kernel wants to be told and does not use in this version.
const FRAME_BYTES: usize = 2048;

/// A ring on one interface, or on all.
pub struct Ring {
    // Before the socket, so that it is unmapped first.
    blocks: Blocks,
    socket: OwnedFd,
    next: usize,
    link: u32,
    interface: String,
    counters: Counters,
}

impl Ring {
    /// Opens it; packets arrive from now on.
    ///
    /// # Errors
    /// When it is not permitted, the interface is not there, or the kernel refuses the memory.
    pub fn open(options: &Options) -> Result<Self, CaptureError> {
        let name = options.interface.as_str();
        let failed = |operation: &'static str| move |error| CaptureError::of(operation, name, error);
        let any = name == ANY;
        let socket = sys::open(any).map_err(failed("opening a packet socket"))?;
        let port = Port::find(name)?;
        let descriptor = socket.as_fd();
        sys::attach(descriptor, &options.filter.program(any)).map_err(failed("setting the filter"))?;
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        sys::set(descriptor, libc::SOL_PACKET, libc::PACKET_VERSION, &version)
            .map_err(failed("asking for TPACKET_V3"))?;
        let block_bytes = BLOCK_BYTES.min(options.buffer_bytes.next_power_of_two()).max(1 << 14);
        let count = (options.buffer_bytes / block_bytes).max(2);
        let request = libc::tpacket_req3 {
            tp_block_size: block_bytes as u32,
            tp_block_nr: count as u32,
            tp_frame_size: FRAME_BYTES as u32,
            tp_frame_nr: (block_bytes / FRAME_BYTES * count) as u32,
            tp_retire_blk_tov: BLOCK_PATIENCE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        sys::set(descriptor, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)
            .map_err(failed("reserving the ring's memory"))?;
        let blocks = Blocks::map(descriptor, block_bytes, count).map_err(failed("mapping the ring"))?;
        if port.loopback {
            sys::set(descriptor, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)
                .map_err(failed("leaving out what the loopback sends"))?;
        }
        if options.promiscuous && !any {
            sys::promiscuous(descriptor, port.index).map_err(failed("promiscuous mode"))?;
        }
        sys::bind(descriptor, port.index).map_err(failed("binding"))?;
        if let Some(group) = options.fanout {
            sys::fanout(descriptor, group, port.loopback).map_err(failed("joining a fan-out group"))?;
        }
        let link = if any { RAW_IP } else { ETHERNET };
        let interface = name.to_owned();
        Ok(Self { blocks, socket, next: 0, link, interface, counters: Counters::default() })
    }

    /// Reads blocks that are ours, at most so many.
    fn read(&mut self, take: &mut dyn FnMut(Captured<'_>)) -> usize {
        let mut packets = 0;
        for _ in 0..BLOCKS_AT_ONCE {
            let Some(block) = self.blocks.get(self.next) else { break };
            packets += read_block(block, self.link, take);
            self.blocks.give_back(self.next);
            self.next = self.next.wrapping_add(1);
        }
        packets
    }
}

/// Hands out the packets of a block (`struct tpacket_block_desc`, `struct tpacket3_hdr`).
fn read_block(block: &[u8], link: u32, take: &mut dyn FnMut(Captured<'_>)) -> usize {
    let packets = word(block, 12).unwrap_or(0) as usize;
    let mut place = word(block, 16).unwrap_or(0) as usize;
    for read in 0..packets {
        let Some(packet) = block.get(place..) else { return read };
        let Some([next, seconds, nanoseconds, captured]) = words(packet) else { return read };
        let begin = usize::from(half(packet, 24).unwrap_or(0));
        if let Some(data) = packet.get(begin..begin.saturating_add(captured as usize)) {
            let at_ns = i64::from(seconds) * 1_000_000_000 + i64::from(nanoseconds);
            take(Captured { at_ns, link, data });
        }
        place += next as usize;
    }
    packets
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn words(bytes: &[u8]) -> Option<[u32; 4]> {
    Some([word(bytes, 0)?, word(bytes, 4)?, word(bytes, 8)?, word(bytes, 12)?])
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

impl PacketSource for Ring {
    fn receive(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<usize, CaptureError> {
        let packets = self.read(take);
        if packets > 0 {
            return Ok(packets);
        }
        let waited = sys::wait(self.socket.as_fd(), patience)
            .map_err(|error| CaptureError::of("waiting for packets", &self.interface, error))?;
        if waited == Waited::Error {
            // Reading the error takes it away; the ring goes on when the interface does.
            let _ = rustix::net::sockopt::socket_error(&self.socket);
            self.counters.interruptions += 1;
            return Ok(self.read(take));
        }
        Ok(self.read(take))
    }

    fn counters(&mut self) -> Result<Counters, CaptureError> {
        let (packets, drops) = sys::statistics(self.socket.as_fd())
            .map_err(|error| CaptureError::of("reading the counters", &self.interface, error))?;
        self.counters.packets += packets;
        self.counters.drops += drops;
        Ok(self.counters)
    }
}
