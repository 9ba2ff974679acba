//! The way of a call's signalling: a connected UDP socket, or a TCP connection.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::probe::Transport;
use crate::sip::frame::StreamFramer;
use crate::sip::message::{MAX_MESSAGE, Message};

/// What came.
#[derive(Debug)]
pub enum Received {
    /// A message.
    Message(Box<Message>),
    /// Bytes that are none.
    Nonsense,
    /// The connection was closed.
    Closed,
}

/// See the module.
#[derive(Debug)]
pub enum Link {
    /// Datagrams.
    Udp {
        /// Connected, so that refusals are heard and strangers are not.
        socket: UdpSocket,
        /// Our end.
        local: SocketAddr,
        /// Room for one datagram.
        room: Vec<u8>,
    },
    /// A connection.
    Tcp {
        /// The connection.
        stream: TcpStream,
        /// Our end.
        local: SocketAddr,
        /// Messages out of it.
        framer: StreamFramer,
        /// Room for what is read.
        room: Vec<u8>,
    },
}

impl Link {
    /// Opens the way to a peer. Over UDP nothing is sent.
    ///
    /// # Errors
    /// What the operating system or the peer said.
    pub async fn open(peer: SocketAddr, transport: Transport, patience: Duration) -> io::Result<Self> {
        match transport {
            Transport::Udp => {
                let any: SocketAddr = if peer.is_ipv4() {
                    (Ipv4Addr::UNSPECIFIED, 0).into()
                } else {
                    (Ipv6Addr::UNSPECIFIED, 0).into()
                };
                let socket = UdpSocket::bind(any).await?;
                socket.connect(peer).await?;
                let local = socket.local_addr()?;
                Ok(Self::Udp { socket, local, room: vec![0; MAX_MESSAGE] })
            }
            Transport::Tcp => {
                let connecting = timeout(patience, TcpStream::connect(peer)).await;
                let stream = connecting.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                stream.set_nodelay(true)?;
                let local = stream.local_addr()?;
                Ok(Self::Tcp { stream, local, framer: StreamFramer::new(), room: vec![0; 8 * 1024] })
            }
        }
    }

    /// Our end.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        match self {
            Self::Udp { local, .. } | Self::Tcp { local, .. } => *local,
        }
    }

    /// Whether errors while waiting may be those of routers.
    #[must_use]
    pub const fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp { .. })
    }

    /// Sends one message. A connected socket first hands over an error that an earlier datagram met; only the error of
    /// a second try is this one's.
    ///
    /// # Errors
    /// What the operating system said.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp { socket, .. } => match socket.send(bytes).await {
                Ok(_) => Ok(()),
                Err(_) => socket.send(bytes).await.map(drop),
            },
            Self::Tcp { stream, .. } => stream.write_all(bytes).await,
        }
    }

    /// Sends one message without waiting, as far as that goes: for who has no time left.
    pub fn send_now(&self, bytes: &[u8]) {
        let _ = match self {
            Self::Udp { socket, .. } => socket.try_send(bytes),
            Self::Tcp { stream, .. } => stream.try_write(bytes),
        };
    }

    /// The next message. May be dropped at any time without losing anything.
    ///
    /// # Errors
    /// What the operating system said.
    pub async fn receive(&mut self) -> io::Result<Received> {
        match self {
            Self::Udp { socket, room, .. } => {
                let length = socket.recv(room).await?;
                Ok(match Message::parse(room.get(..length).unwrap_or_default()) {
                    Ok(message) => Received::Message(Box::new(message)),
                    Err(_) => Received::Nonsense,
                })
            }
            Self::Tcp { stream, framer, room, .. } => loop {
                match framer.next_message() {
                    Ok(Some(message)) => return Ok(Received::Message(Box::new(message))),
                    Ok(None) => {}
                    // What is not SIP cannot be found its end in.
                    Err(_) => return Ok(Received::Closed),
                }
                let length = stream.read(room).await?;
                if length == 0 {
                    return Ok(Received::Closed);
                }
                if framer.push(room.get(..length).unwrap_or_default()).is_err() {
                    return Ok(Received::Closed);
                }
            },
        }
    }
}
