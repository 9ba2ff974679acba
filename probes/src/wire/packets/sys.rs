//! The calls that no library wraps: packet sockets, their options, and a ring that is shared with the kernel.

#![expect(unsafe_code, reason = "packet rings have no safe interface; every block says why it holds")]

use std::ffi::{c_int, c_uint, c_void};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::filter::Instruction;

/// Opens a packet socket that is bound to nothing yet, so that nothing arrives before its filter stands.
/// `cooked` ones see packets without their link header.
pub(super) fn open(cooked: bool) -> io::Result<OwnedFd> {
    let kind = if cooked { SocketType::DGRAM } else { SocketType::RAW };
    Ok(socket_with(AddressFamily::PACKET, kind, SocketFlags::CLOEXEC, None)?)
}

/// Sets an option to a plain value.
pub(super) fn set<T: Copy>(socket: BorrowedFd<'_>, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `value`, which lives for the call; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, std::ptr::from_ref(value).cast::<c_void>(), length)
    };
    checked(result)
}

fn checked(result: c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives the kernel the program that says what passes.
pub(super) fn attach(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // The kernel copies the program and does not write to it.
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Binds to an interface (0 for all) for all protocols.
pub(super) fn bind(socket: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    // SAFETY: an all-zero address of this kind is a valid value: it has only numbers in it.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index as c_int;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: pointer and length describe `address`, which lives for the call.
    let result = unsafe {
        libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast::<libc::sockaddr>(), length)
    };
    checked(result)
}

/// Sees also what is addressed to others.
pub(super) fn promiscuous(socket: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    let request = libc::packet_mreq {
        mr_ifindex: index as c_int,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    set(socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
}

/// Shares the interface's flows with the other sockets of the group, whole datagrams each. What each socket said of
/// outgoing packets no longer counts: the group has to.
pub(super) fn fanout(socket: BorrowedFd<'_>, group: u16, ignore_outgoing: bool) -> io::Result<()> {
    let mut kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
    if ignore_outgoing {
        kind |= libc::PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
    }
    set(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &(c_uint::from(group) | kind << 16))
}

/// Packets and drops since the last time this was asked.
pub(super) fn statistics(socket: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    // The third version has one more number behind these two, which only rings know.
    let mut counts = [0 as c_uint; 3];
    let mut length = size_of_val(&counts) as libc::socklen_t;
    // SAFETY: the pointer and the length describe `counts`; the kernel writes no more than the length says.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            counts.as_mut_ptr().cast::<c_void>(),
            &raw mut length,
        )
    };
    checked(result).map(|()| (u64::from(counts[0]), u64::from(counts[1])))
}

/// `SIOCGSTAMPNS` of `asm-generic/sockios.h`.
const LATEST_STAMP: libc::Ioctl = 0x8907;

/// When the packet that was read last had arrived, in nanoseconds since 1970. The first question switches
/// stamping on and may have no answer.
pub(super) fn latest_stamp(socket: BorrowedFd<'_>) -> io::Result<i64> {
    let mut stamp = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: this request writes one `timespec` to the pointer, which is valid for the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), LATEST_STAMP, &raw mut stamp) };
    checked(result)?;
    Ok(stamp.tv_sec.saturating_mul(1_000_000_000).saturating_add(stamp.tv_nsec))
}

/// Borrows the descriptor that a library keeps open for us.
///
/// # Safety
/// The descriptor must stay open for the life of the returned value.
pub(super) unsafe fn borrow<'a>(descriptor: c_int) -> BorrowedFd<'a> {
    // SAFETY: the caller's promise.
    unsafe { BorrowedFd::borrow_raw(descriptor) }
}

/// What waiting for a socket ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// Something is there, or time is up.
    Over,
    /// The socket has an error to tell: its interface went down.
    Error,
}

/// Waits until there is something to read.
pub(super) fn wait(socket: BorrowedFd<'_>, patience: Duration) -> io::Result<Waited> {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: one valid entry, which lives for the call.
    let result = unsafe { libc::poll(&raw mut poll, 1, milliseconds) };
    match checked(result.min(0)) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        Ok(()) if poll.revents & libc::POLLERR != 0 => Ok(Waited::Error),
        _ => Ok(Waited::Over),
    }
}

/// The memory of a ring: blocks that belong to the kernel or to us, each by its status word.
pub(super) struct Blocks {
    memory: NonNull<u8>,
    block_bytes: usize,
    count: usize,
}

// SAFETY: the mapping belongs to this value alone, and nothing in it is tied to the thread that made it.
unsafe impl Send for Blocks {}

/// Place of the status word in a block (`struct tpacket_block_desc`).
const STATUS: usize = 8;

impl Blocks {
    /// Makes the ring of a socket, as large as `count` blocks.
    pub(super) fn map(socket: BorrowedFd<'_>, block_bytes: usize, count: usize) -> io::Result<Self> {
        let length = block_bytes * count;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice; it fails when the socket has no such ring.
        let memory = unsafe {
            libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, socket.as_raw_fd(), 0)
        };
        match NonNull::new(memory.cast::<u8>()) {
            Some(memory) if memory.as_ptr().cast() != libc::MAP_FAILED => {
                Ok(Self { memory, block_bytes, count })
            }
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn status(&self, index: usize) -> &AtomicU32 {
        let place = (index % self.count) * self.block_bytes + STATUS;
        // SAFETY: within the mapping, which lives as long as `self`; blocks begin on page boundaries, so the word is
        // aligned; both sides access it as a whole word only.
        unsafe { AtomicU32::from_ptr(self.memory.as_ptr().add(place).cast::<u32>()) }
    }

    /// A block, if the kernel has handed it over.
    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        if self.status(index).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: within the mapping. The kernel does not write to a block that it has handed over until
        // `give_back`, which needs `&mut self` and so ends this borrow.
        Some(unsafe {
            std::slice::from_raw_parts(
                self.memory.as_ptr().add((index % self.count) * self.block_bytes),
                self.block_bytes,
            )
        })
    }

    /// Lets the kernel have a block again.
    pub(super) fn give_back(&mut self, index: usize) {
        self.status(index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `map` made; no borrow of it outlives `self`.
        unsafe {
            libc::munmap(self.memory.as_ptr().cast::<c_void>(), self.block_bytes * self.count);
        }
    }
}
