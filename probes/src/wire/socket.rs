//! Options of sockets that a library opened for us: receive buffer and inode.
//!
//! Why the buffer: with the kernel's default of 212,992 bytes, 256 replies fit; the rest of a
//! burst is dropped in our own host and looks like loss of the targets.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::sockopt;

/// Receive buffer to ask for: the replies of 10,000 targets in one instant fit.
pub const RECEIVE_BUFFER_BYTES: usize = 16 * 1024 * 1024;

/// Borrows the descriptor of surge-ping's socket, which it gives out only as a number.
pub(crate) fn of_ping_client(socket: &surge_ping::AsyncSocket) -> BorrowedFd<'_> {
    let descriptor = socket.get_native_sock();
    #[expect(unsafe_code, reason = "the library exposes no safe handle of its socket")]
    // SAFETY: the descriptor belongs to `socket`, which this borrow keeps alive, so it stays
    // open, and the same socket, for the life of the returned value.
    unsafe {
        BorrowedFd::borrow_raw(descriptor)
    }
}

/// Asks for a receive buffer of `bytes` and returns what the kernel granted, as the kernel
/// counts it (twice the payload size).
///
/// # Errors
/// What the operating system said when even reading the option back failed.
pub fn grow_receive_buffer(socket: impl AsFd, bytes: usize) -> Result<usize, Errno> {
    let socket = socket.as_fd();
    // The forced option exceeds net.core.rmem_max but needs CAP_NET_ADMIN.
    if sockopt::set_socket_recv_buffer_size_force(socket, bytes).is_err() {
        sockopt::set_socket_recv_buffer_size(socket, bytes)?;
    }
    sockopt::socket_recv_buffer_size(socket)
}

/// The inode by which procfs lists this socket.
///
/// # Errors
/// What the operating system said.
pub fn inode(socket: impl AsFd) -> Result<u64, Errno> {
    Ok(rustix::fs::fstat(socket)?.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_granted_buffer_is_reported_as_the_kernel_counts_it() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let granted = grow_receive_buffer(&socket, 65_536).unwrap();
        assert!(granted >= 65_536, "granted {granted}");
    }

    #[test]
    fn two_sockets_have_two_inodes() {
        let one = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let other = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_ne!(inode(&one).unwrap(), inode(&other).unwrap());
    }
}
