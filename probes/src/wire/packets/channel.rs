//! pnet's datalink channel on a socket of our own: its receive buffer, its filter and its time stamps are ours.
//!
//! One system call to wait, one to read and one for the time of each packet; for hosts where a ring is not to be had.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, IntoRawFd as _, RawFd};
use std::time::Duration;

use pnet::datalink::{self, Channel as Opened, Config, DataLinkReceiver, NetworkInterface};

use super::{ANY, CaptureError, Captured, Counters, ETHERNET, Options, PacketSource, Port, sys};
use crate::wire::clock_watch::wall_ns;
use crate::wire::socket::grow_receive_buffer;

/// Receive buffer that is asked for.
pub const CHANNEL_BUFFER_BYTES: usize = 64 << 20;

/// Largest packet: pnet cuts what is longer than its buffer.
const READ_BYTES: usize = 1 << 16;
/// Packets that are read before the caller has its turn again.
const PACKETS_AT_ONCE: usize = 4_096;

/// A channel on one interface.
pub struct Channel {
    receiver: Box<dyn DataLinkReceiver>,
    /// Open as long as `receiver`, which closes it.
    descriptor: RawFd,
    interface: String,
    granted_bytes: usize,
    counters: Counters,
}

fn interface(name: &str) -> Result<NetworkInterface, CaptureError> {
    if name == ANY {
        return Err(CaptureError::Unsupported(
            "pnet captures on one interface at a time; `any` needs the ring",
        ));
    }
    Port::find(name)?;
    let found = datalink::interfaces().into_iter().find(|interface| interface.name == name);
    found.ok_or_else(|| CaptureError::NoInterface { name: name.to_owned(), known: String::new() })
}

impl Channel {
    /// Opens it; packets arrive from now on.
    ///
    /// # Errors
    /// When it is not permitted or the interface is not there.
    pub fn open(options: &Options) -> Result<Self, CaptureError> {
        let name = options.interface.as_str();
        let failed =
            |operation: &'static str| move |error: io::Error| CaptureError::of(operation, name, error);
        let socket = sys::open(false).map_err(failed("opening a packet socket"))?;
        let found = interface(name)?;
        sys::attach(socket.as_fd(), &options.filter.program(false)).map_err(failed("setting the filter"))?;
        let granted_bytes = grow_receive_buffer(&socket, options.buffer_bytes)
            .map_err(|error| failed("growing the receive buffer")(error.into()))?;
        if found.is_loopback() {
            sys::set(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)
                .map_err(failed("leaving out what the loopback sends"))?;
        }
        // Has no answer yet, but from now on every packet is stamped.
        let _ = sys::latest_stamp(socket.as_fd());
        // pnet owns the socket from here on, and closes it also when it fails.
        let descriptor = socket.into_raw_fd();
        let config = Config {
            read_buffer_size: READ_BYTES,
            read_timeout: Some(Duration::ZERO),
            promiscuous: options.promiscuous,
            socket_fd: Some(descriptor),
            ..Config::default()
        };
        let Opened::Ethernet(_, receiver) = datalink::channel(&found, config).map_err(failed("binding"))?
        else {
            return Err(CaptureError::Unsupported("pnet opened another kind of channel than was asked for"));
        };
        let channel = Self {
            receiver,
            descriptor,
            interface: name.to_owned(),
            granted_bytes,
            counters: Counters::default(),
        };
        if let Some(group) = options.fanout {
            sys::fanout(channel.socket(), group, found.is_loopback())
                .map_err(failed("joining a fan-out group"))?;
        }
        Ok(channel)
    }

    /// The receive buffer as the kernel granted it; less than was asked for without CAP_NET_ADMIN.
    #[must_use]
    pub const fn granted_bytes(&self) -> usize {
        self.granted_bytes
    }

    fn socket(&self) -> BorrowedFd<'_> {
        #[expect(unsafe_code, reason = "pnet keeps the descriptor that we gave it, and lends none")]
        // SAFETY: the receiver keeps it open until it is dropped, together with `self`.
        unsafe {
            sys::borrow(self.descriptor)
        }
    }
}

impl PacketSource for Channel {
    fn receive(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<usize, CaptureError> {
        let failed = |name: &str, error| CaptureError::of("waiting for packets", name, error);
        if sys::wait(self.socket(), patience).map_err(|error| failed(&self.interface, error))?
            == sys::Waited::Error
        {
            let _ = rustix::net::sockopt::socket_error(self.socket());
            self.counters.interruptions += 1;
        }
        for packets in 0..PACKETS_AT_ONCE {
            let descriptor = self.descriptor;
            match self.receiver.next() {
                Ok(data) => {
                    #[expect(unsafe_code, reason = "the receiver is borrowed by its packet")]
                    // SAFETY: the receiver, which is alive here, keeps it open.
                    let stamp = sys::latest_stamp(unsafe { sys::borrow(descriptor) });
                    take(Captured { at_ns: stamp.unwrap_or_else(|_| wall_ns()), link: ETHERNET, data });
                }
                Err(error) if is_nothing(&error) => return Ok(packets),
                Err(error) => return Err(failed(&self.interface, error)),
            }
        }
        Ok(PACKETS_AT_ONCE)
    }

    fn counters(&mut self) -> Result<Counters, CaptureError> {
        let (packets, drops) = sys::statistics(self.socket())
            .map_err(|error| CaptureError::of("reading the counters", &self.interface, error))?;
        self.counters.packets += packets;
        self.counters.drops += drops;
        Ok(self.counters)
    }
}

/// Nothing to read, or an interface that has just gone down.
fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
    )
}

/// pnet's channel as it comes, on a socket of its own: no filter, the usual buffer, no counter. Only to be compared
/// with.
pub struct DefaultChannel(Box<dyn DataLinkReceiver>, String);

impl DefaultChannel {
    /// Opens it.
    ///
    /// # Errors
    /// When it is not permitted or the interface is not there.
    pub fn open(options: &Options) -> Result<Self, CaptureError> {
        let name = options.interface.as_str();
        let config = Config { read_timeout: Some(Duration::from_millis(40)), ..Config::default() };
        match datalink::channel(&interface(name)?, config) {
            Ok(Opened::Ethernet(_, receiver)) => Ok(Self(receiver, name.to_owned())),
            Ok(_) => Err(CaptureError::Unsupported("pnet opened another kind of channel than was asked for")),
            Err(error) => Err(CaptureError::of("opening a channel", name, error)),
        }
    }
}

impl PacketSource for DefaultChannel {
    fn receive(&mut self, _: Duration, take: &mut dyn FnMut(Captured<'_>)) -> Result<usize, CaptureError> {
        match self.0.next() {
            Ok(data) => take(Captured { at_ns: wall_ns(), link: ETHERNET, data }),
            Err(error) if is_nothing(&error) => return Ok(0),
            Err(error) => return Err(CaptureError::of("waiting for packets", &self.1, error)),
        }
        Ok(1)
    }

    fn counters(&mut self) -> Result<Counters, CaptureError> {
        Ok(Counters::default())
    }
}
