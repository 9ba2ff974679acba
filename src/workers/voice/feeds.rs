//! What is sent to us: a thread each for UDP ports and TCP connections, one queue to the engine.
//!
//! Used by the daemon and by `linesman rtp listen`. The queue is bounded. When it is full a UDP thread waits,
//! its socket's buffer fills, and the kernel counts what it drops; a TCP sender waits.

use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use linesman_media::capture::file::{Frame, LinkType};
use linesman_media::capture::live::Live;
use linesman_media::feed::{hep, tunnel, vq};
use linesman_probes::wire::clock_watch::wall_ns;
use linesman_probes::wire::packets::UdpFeed;

/// Datagrams that may wait.
const WAITING: usize = 16_384;
/// Connections at once.
const MAX_CONNECTIONS: usize = 64;
/// A connection that says nothing for so long is closed.
const MAX_IDLE: Duration = Duration::from_secs(600);
/// How often a thread looks whether it is still wanted.
const PAUSE: Duration = Duration::from_millis(100);
/// Datagrams that the engine takes before the clock is looked at.
const AT_ONCE: usize = 4_096;

/// Ports that are tried where any will do.
const TRIES: u32 = 32;

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hep,
    Vq,
    Vxlan,
    Tzsp,
}

/// Something for the engine.
enum Item {
    /// A datagram, or one packet of a connection.
    Bytes { kind: Kind, at: i64, bytes: Vec<u8> },
    /// A telephone's report.
    Published { at: i64, from: SocketAddr, report: Box<vq::Report> },
    /// A port is no longer read, and why.
    Ended(String),
}

/// Which ports to open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// HEP3, over UDP and TCP.
    pub hep: Vec<SocketAddr>,
    /// vq-rtcpxr by SIP over UDP.
    pub vq: Vec<SocketAddr>,
    /// Mirrored packets in VXLAN.
    pub vxlan: Vec<SocketAddr>,
    /// Mirrored packets in TZSP.
    pub tzsp: Vec<SocketAddr>,
}

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{name} {address} cannot be listened on: {source}{}", hint(source))]
pub struct FeedError {
    /// What it was for.
    pub name: &'static str,
    /// Which.
    pub address: SocketAddr,
    /// What the operating system said.
    pub source: std::io::Error,
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "; take a port above 1023, or allow it by CAP_NET_BIND_SERVICE",
        ErrorKind::AddrInUse => "; `ss -ltunp` shows who has it",
        ErrorKind::AddrNotAvailable => "; this host has no such address",
        _ => "",
    }
}

/// The sockets of one address: UDP, and for HEP also TCP on the same port.
fn bind(kind: Kind, address: SocketAddr) -> std::io::Result<(UdpFeed, Option<TcpListener>)> {
    let mut tries = if address.port() == 0 { TRIES } else { 1 };
    loop {
        let feed = UdpFeed::bind(address)?;
        if kind != Kind::Hep {
            return Ok((feed, None));
        }
        tries -= 1;
        match TcpListener::bind(feed.address()?) {
            Ok(listener) => return Ok((feed, Some(listener))),
            // Any port will do, and this one was free for UDP alone.
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// All of them.
pub struct Feeds {
    items: Option<Receiver<Item>>,
    stop: Arc<AtomicBool>,
    drops: Vec<Arc<AtomicU64>>,
    /// Where they listen, for the one who started it.
    pub names: Vec<String>,
    /// What came and could not be understood.
    pub refused: u64,
    /// Ports that are no longer read, and why.
    pub ended: Vec<String>,
}

impl Feeds {
    /// Opens every port that was asked for.
    ///
    /// # Errors
    /// The first that cannot be opened; then none is.
    pub fn open(ports: &Ports) -> Result<Self, FeedError> {
        let (sender, items) = sync_channel(WAITING);
        let mut feeds = Self {
            items: None,
            stop: Arc::new(AtomicBool::new(false)),
            drops: Vec::new(),
            names: Vec::new(),
            refused: 0,
            ended: Vec::new(),
        };
        let asked = [
            (Kind::Hep, "hep", &ports.hep),
            (Kind::Vq, "vq", &ports.vq),
            (Kind::Vxlan, "vxlan", &ports.vxlan),
            (Kind::Tzsp, "tzsp", &ports.tzsp),
        ];
        for (kind, name, addresses) in asked {
            for address in addresses {
                let failed = |source| FeedError { name, address: *address, source };
                let (feed, listener) = bind(kind, *address).map_err(failed)?;
                let bound = feed.address().map_err(failed)?;
                feeds.read_datagrams(kind, feed, bound, &sender).map_err(failed)?;
                if let Some(listener) = listener {
                    feeds.read_connections(listener, bound, &sender).map_err(failed)?;
                }
                feeds.names.push(format!("{name} {bound}"));
            }
        }
        feeds.items = (!feeds.names.is_empty()).then_some(items);
        Ok(feeds)
    }

    fn read_datagrams(
        &mut self,
        kind: Kind,
        feed: UdpFeed,
        bound: SocketAddr,
        to: &SyncSender<Item>,
    ) -> std::io::Result<()> {
        let drops = Arc::new(AtomicU64::new(0));
        self.drops.push(Arc::clone(&drops));
        let (to, stop) = (to.clone(), Arc::clone(&self.stop));
        let thread = std::thread::Builder::new().name(format!("feed-{}", bound.port()));
        thread.spawn(move || read_udp(kind, feed, &to, &drops, &stop))?;
        Ok(())
    }

    fn read_connections(
        &self,
        listener: TcpListener,
        bound: SocketAddr,
        to: &SyncSender<Item>,
    ) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let (to, stop) = (to.clone(), Arc::clone(&self.stop));
        let thread = std::thread::Builder::new().name(format!("feed-tcp-{}", bound.port()));
        thread.spawn(move || accept(&listener, &to, &stop))?;
        Ok(())
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Datagrams that the kernel dropped before we read them.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.drops.iter().map(|drops| drops.load(Ordering::Relaxed)).sum()
    }

    /// Hands what has come to the engine; waits for it at most `patience`.
    pub fn receive(&mut self, patience: Duration, live: &mut Live) -> usize {
        let Some(items) = &self.items else { return 0 };
        let mut taken = 0;
        let mut item = match items.recv_timeout(patience) {
            Ok(item) => Some(item),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return 0,
        };
        while let Some(next) = item {
            match next {
                Item::Ended(why) => self.ended.push(why),
                next => {
                    self.refused += u64::from(!feed(next, live));
                    taken += 1;
                }
            }
            item = (taken < AT_ONCE).then(|| items.try_recv().ok()).flatten();
        }
        taken
    }
}

impl Drop for Feeds {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Threads that wait to hand on find nobody there, and end.
        self.items = None;
    }
}

/// Gives one thing to the engine; false when it is not understood.
fn feed(item: Item, live: &mut Live) -> bool {
    match item {
        Item::Published { at, from, report } => {
            live.published(at, from.into(), *report);
            true
        }
        Item::Ended(_) => true,
        Item::Bytes { kind: Kind::Hep, at, bytes } => {
            hep::parse(&bytes).is_ok_and(|packet| live.hep(at, &packet))
        }
        Item::Bytes { kind, at, bytes } => {
            let inner = match kind {
                Kind::Vxlan => tunnel::vxlan(&bytes),
                _ => tunnel::tzsp(&bytes),
            };
            let Some((link, data)) = inner else { return false };
            live.frame(&Frame { number: 0, at, link: LinkType(link.0), data });
            true
        }
    }
}

fn read_udp(kind: Kind, mut feed: UdpFeed, to: &SyncSender<Item>, drops: &AtomicU64, stop: &AtomicBool) {
    let mut gone = false;
    let mut publications = 0_u64;
    while !gone && !stop.load(Ordering::Relaxed) {
        let received = feed.receive(PAUSE, &mut |at, from, bytes| {
            let mut answer = None;
            let item = if kind == Kind::Vq {
                publications += 1;
                let answered = vq::answer(bytes, at.unsigned_abs() ^ publications);
                answer = answered.response;
                answered.report.map(|report| Item::Published { at, from, report: Box::new(report) })
            } else {
                Some(Item::Bytes { kind, at, bytes: bytes.to_vec() })
            };
            gone |= item.is_some_and(|item| to.send(item).is_err());
            answer
        });
        drops.store(feed.drops(), Ordering::Relaxed);
        if let Err(error) = received {
            // Nobody there any more: then nobody asks.
            let _ = to.send(Item::Ended(format!("a feed ended: {error}")));
            return;
        }
    }
}

fn accept(listener: &TcpListener, to: &SyncSender<Item>, stop: &Arc<AtomicBool>) {
    let open = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) if open.load(Ordering::Relaxed) < MAX_CONNECTIONS => {
                open.fetch_add(1, Ordering::Relaxed);
                let (to, stop, open) = (to.clone(), Arc::clone(stop), Arc::clone(&open));
                let thread = std::thread::Builder::new().name("feed-connection".to_owned());
                // Without a thread the connection is closed, and its sender tries again.
                let _ = thread.spawn(move || {
                    read_tcp(stream, &to, &stop);
                    open.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Ok(_) => {}
            Err(_) => std::thread::park_timeout(PAUSE),
        }
    }
}

fn read_tcp(mut stream: TcpStream, to: &mpsc::SyncSender<Item>, stop: &AtomicBool) {
    if stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(Some(PAUSE))).is_err() {
        return;
    }
    let mut framer = hep::Framer::default();
    let mut buffer = vec![0; 1 << 16];
    let mut heard = Instant::now();
    while !stop.load(Ordering::Relaxed) && heard.elapsed() < MAX_IDLE {
        let length = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                continue;
            }
            Err(_) => return,
        };
        heard = Instant::now();
        let mut gone = false;
        let framed = framer.push(&buffer[..length], |bytes| {
            gone |= to.send(Item::Bytes { kind: Kind::Hep, at: wall_ns(), bytes: bytes.to_vec() }).is_err();
        });
        if framed.is_err() || gone {
            return;
        }
    }
}
