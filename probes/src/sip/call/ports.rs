//! Two neighbouring ports, the even one for voice, the odd one for its reports (RFC 3550 section 11).

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

use crate::wire::socket::{grow_receive_buffer, inode};
use crate::wire::{DropWatch, SocketTable};

/// Pairs that are tried before there is none to be had.
const TRIES: usize = 100;
/// Receive buffer of voice: seconds of it.
const BUFFER: usize = 256 * 1024;

/// The ports of one call.
#[derive(Debug)]
pub struct MediaPorts {
    /// RTP.
    pub voice: UdpSocket,
    /// RTCP.
    pub control: UdpSocket,
    /// Address of the former.
    pub address: SocketAddr,
}

impl MediaPorts {
    /// Opens a pair at an own address.
    ///
    /// # Errors
    /// What the operating system said last.
    pub async fn open(ip: IpAddr) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            let voice = UdpSocket::bind((ip, 0)).await?;
            let address = voice.local_addr()?;
            if address.port() % 2 == 1 {
                continue;
            }
            match UdpSocket::bind((ip, address.port() + 1)).await {
                Ok(control) => {
                    let _ = grow_receive_buffer(&voice, BUFFER);
                    return Ok(Self { voice, control, address });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Marks what leaves with this DSCP, and returns it if the system let us.
    #[must_use]
    pub fn mark(&self, dscp: u8) -> Option<u8> {
        let octet = u32::from(dscp) << 2;
        let set = |socket: &UdpSocket| match self.address {
            SocketAddr::V4(_) => socket.set_tos_v4(octet),
            SocketAddr::V6(_) => socket.set_tclass_v6(octet),
        };
        (set(&self.voice).is_ok() && set(&self.control).is_ok()).then_some(dscp)
    }
}

/// Watches the drops of a socket, where its number is to be had.
#[must_use]
pub fn drops_of(socket: &UdpSocket) -> Option<DropWatch> {
    let table = if socket.local_addr().ok()?.is_ipv4() { SocketTable::Udp } else { SocketTable::Udp6 };
    Some(DropWatch::new(table, inode(socket).ok()?))
}
