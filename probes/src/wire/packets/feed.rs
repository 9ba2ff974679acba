//! What is sent to us over UDP: mirrored packets and reports. No privilege needed.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::time::Duration;

use super::sys;
use crate::wire::clock_watch::wall_ns;
use crate::wire::drops::{DropWatch, SocketTable};
use crate::wire::socket::{RECEIVE_BUFFER_BYTES, grow_receive_buffer, inode};

/// Datagrams that are read before the caller has its turn again.
const AT_ONCE: usize = 1_024;

/// Takes a datagram: when the kernel saw it, who sent it, its bytes. What it returns is sent back.
pub type Taker<'a> = dyn FnMut(i64, SocketAddr, &[u8]) -> Option<String> + 'a;

/// A UDP port that others send to.
pub struct UdpFeed {
    socket: UdpSocket,
    drops: Option<DropWatch>,
    buffer: Box<[u8; 1 << 16]>,
}

impl UdpFeed {
    /// Binds it, with a large receive buffer as far as the system grants one.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        grow_receive_buffer(&socket, RECEIVE_BUFFER_BYTES)?;
        // Has no answer yet, but from now on every packet is stamped.
        let _ = sys::latest_stamp(socket.as_fd());
        let table = if address.is_ipv4() { SocketTable::Udp } else { SocketTable::Udp6 };
        let drops = inode(&socket).ok().map(|inode| DropWatch::new(table, inode));
        Ok(Self { socket, drops, buffer: Box::new([0; 1 << 16]) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Hands out what has come, with the time at which the kernel saw it and who sent it; waits for it at most
    /// `patience`.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn receive(&mut self, patience: Duration, take: &mut Taker<'_>) -> io::Result<usize> {
        sys::wait(self.socket.as_fd(), patience)?;
        for received in 0..AT_ONCE {
            match self.socket.recv_from(self.buffer.as_mut_slice()) {
                Ok((length, from)) => {
                    let at = sys::latest_stamp(self.socket.as_fd()).unwrap_or_else(|_| wall_ns());
                    if let Some(answer) = take(at, from, &self.buffer[..length]) {
                        // Whoever is gone gets no answer.
                        let _ = self.socket.send_to(answer.as_bytes(), from);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(received),
                // An earlier answer could not be delivered: that is about its receiver, not about this socket.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(AT_ONCE)
    }

    /// Datagrams that the kernel dropped because we did not keep up; none where it does not tell.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.drops.as_ref().and_then(DropWatch::recent).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_arrives_with_its_time_and_its_answer_goes_back() {
        let mut feed = UdpFeed::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"hello", feed.address().unwrap()).unwrap();
        let begun = wall_ns();
        let mut seen = Vec::new();
        while seen.is_empty() {
            feed.receive(Duration::from_secs(5), &mut |at, from, bytes| {
                seen.push((at, from, bytes.to_vec()));
                Some("answer".to_owned())
            })
            .unwrap();
        }
        let (at, from, bytes) = seen.remove(0);
        assert!((at - begun).abs() < 10_000_000_000, "{at} {begun}");
        assert_eq!(
            (from, bytes.as_slice(), feed.drops()),
            (sender.local_addr().unwrap(), b"hello".as_slice(), 0)
        );
        let mut answer = [0; 16];
        let length = sender.recv(&mut answer).unwrap();
        assert_eq!(&answer[..length], b"answer");
    }
}
