//! The ICMP sockets that all targets of the daemon share: one for each protocol.
//!
//! One socket, not one a target: with a socket each, every socket sees every reply, and the work
//! grows with the square of the targets. An unprivileged datagram socket is tried first, a raw
//! one next.
//!
//! Identifiers: on a raw socket each round takes a new one, because firewalls remember a
//! long-lived identifier and can keep a target dark until the prober restarts. On a datagram
//! socket the kernel owns the identifier, so the socket itself is renewed every
//! [`RENEW_AFTER`]. Sequence numbers are drawn from one counter of the whole engine, so that two
//! probes of one address never wait for the same (address, sequence).

use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use surge_ping::{Client, Config, ICMP, PingIdentifier, PingSequence};

use crate::probe::ProbeError;
use crate::wire::permission::{IcmpSocketKind, icmp_hint};
use crate::wire::socket::{self, RECEIVE_BUFFER_BYTES};
use crate::wire::{DropWatch, SocketTable};

/// How long a datagram socket, and with it its identifier, is used for new rounds.
pub const RENEW_AFTER: Duration = Duration::from_secs(600);

/// How the engine's sockets are to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpSettings {
    /// Receive buffer to ask for, in bytes.
    pub receive_buffer: usize,
}

impl Default for IcmpSettings {
    fn default() -> Self {
        Self { receive_buffer: RECEIVE_BUFFER_BYTES }
    }
}

/// Both sockets; see the module.
pub struct IcmpEngine {
    settings: IcmpSettings,
    v4: Result<Family, ProbeError>,
    v6: Result<Family, ProbeError>,
    rounds: AtomicU32,
    next_sequence: AtomicU16,
}

/// What was opened for one protocol, for the log and for a check of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Which kind of socket.
    pub kind: IcmpSocketKind,
    /// Receive buffer granted, as the kernel counts it; `None` when it does not tell.
    pub receive_buffer: Option<usize>,
    /// Whether drops of this socket can be seen; without, our own drops would look like loss.
    pub drops_visible: bool,
}

/// One protocol: its present socket.
struct Family {
    protocol: ICMP,
    lane: RwLock<Arc<Lane>>,
}

/// One socket and its drop counter; a round keeps the lane it started with.
pub(crate) struct Lane {
    pub(crate) client: Client,
    pub(crate) drops: DropWatch,
    opened: Opened,
    since: Instant,
}

impl IcmpEngine {
    /// Opens the sockets. Must be called within a tokio runtime, which receives the replies.
    ///
    /// # Errors
    /// When neither protocol has a socket: [`ProbeError::Permission`] with both mends, or what
    /// the operating system said. One protocol without a socket does not break the other.
    pub fn new(settings: IcmpSettings) -> Result<Arc<Self>, ProbeError> {
        let v4 = Family::open(ICMP::V4, settings);
        let v6 = Family::open(ICMP::V6, settings);
        if let (Err(_), Err(_)) = (&v4, &v6) {
            return Err(v4.err().or(v6.err()).unwrap_or_else(no_permission));
        }
        for (protocol, family) in [("IPv4", &v4), ("IPv6", &v6)] {
            report(protocol, family);
        }
        Ok(Arc::new(Self {
            settings,
            v4,
            v6,
            rounds: AtomicU32::new(random_start()?),
            next_sequence: AtomicU16::new(scattered(random_start()?)),
        }))
    }

    /// What was opened for the protocol of `target`.
    ///
    /// # Errors
    /// Why there is no socket for it.
    pub fn opened(&self, target: IpAddr) -> Result<Opened, ProbeError> {
        Ok(self.lane(target)?.opened)
    }

    /// The socket for a new round to `target`.
    pub(crate) fn lane(&self, target: IpAddr) -> Result<Arc<Lane>, ProbeError> {
        let family = match target {
            IpAddr::V4(_) => &self.v4,
            IpAddr::V6(_) => &self.v6,
        };
        match family {
            Ok(family) => Ok(family.lane(self.settings)),
            Err(error) => Err(again(error)),
        }
    }

    /// The identifier of a new round.
    pub(crate) fn identifier(&self) -> PingIdentifier {
        PingIdentifier(scattered(self.rounds.fetch_add(1, Ordering::Relaxed)))
    }

    /// A sequence number that no other request uses until 65,535 more were sent.
    pub(crate) fn sequence(&self) -> PingSequence {
        PingSequence(self.next_sequence.fetch_add(1, Ordering::Relaxed))
    }
}

impl Family {
    fn open(protocol: ICMP, settings: IcmpSettings) -> Result<Self, ProbeError> {
        Ok(Self { protocol, lane: RwLock::new(Arc::new(Lane::open(protocol, settings)?)) })
    }

    fn lane(&self, settings: IcmpSettings) -> Arc<Lane> {
        let lane = Arc::clone(&self.lane.read().unwrap_or_else(PoisonError::into_inner));
        if lane.opened.kind == IcmpSocketKind::Raw || lane.since.elapsed() < RENEW_AFTER {
            return lane;
        }
        self.renewed(settings)
    }

    /// Replaces a socket whose identifier is old; rounds under way keep theirs.
    fn renewed(&self, settings: IcmpSettings) -> Arc<Lane> {
        let mut present = self.lane.write().unwrap_or_else(PoisonError::into_inner);
        if present.since.elapsed() < RENEW_AFTER {
            return Arc::clone(&present); // another round was faster
        }
        match Lane::open(self.protocol, settings) {
            Ok(lane) => *present = Arc::new(lane),
            Err(error) => tracing::warn!(%error, "the ICMP socket could not be renewed and stays in use"),
        }
        Arc::clone(&present)
    }
}

impl Lane {
    fn open(protocol: ICMP, settings: IcmpSettings) -> Result<Self, ProbeError> {
        // The configuration's default is the unprivileged kind; the library falls back to raw.
        let config = Config::builder().kind(protocol).build();
        let unprivileged = config.sock_type_hint;
        let client = Client::new(&config).map_err(|error| refused(protocol, error))?;
        let socket = client.get_socket();
        let descriptor = socket::of_ping_client(&socket);
        let receive_buffer = socket::grow_receive_buffer(descriptor, settings.receive_buffer).ok();
        let inode = socket::inode(descriptor).map_err(|errno| ProbeError::Socket {
            operation: "read the inode of the ICMP socket",
            source: errno.into(),
        })?;
        let kind =
            if socket.get_type() == unprivileged { IcmpSocketKind::Datagram } else { IcmpSocketKind::Raw };
        let drops = DropWatch::new(table(protocol, kind), inode);
        let opened = Opened { kind, receive_buffer, drops_visible: drops.is_visible() };
        Ok(Self { client, drops, opened, since: Instant::now() })
    }
}

const fn table(protocol: ICMP, kind: IcmpSocketKind) -> SocketTable {
    match (protocol, kind) {
        (ICMP::V4, IcmpSocketKind::Datagram) => SocketTable::Icmp,
        (ICMP::V4, IcmpSocketKind::Raw) => SocketTable::Raw,
        (ICMP::V6, IcmpSocketKind::Datagram) => SocketTable::Icmp6,
        (ICMP::V6, IcmpSocketKind::Raw) => SocketTable::Raw6,
    }
}

fn refused(protocol: ICMP, source: std::io::Error) -> ProbeError {
    if source.kind() == std::io::ErrorKind::PermissionDenied {
        return no_permission();
    }
    let operation = match protocol {
        ICMP::V4 => "open an ICMP socket for IPv4",
        ICMP::V6 => "open an ICMP socket for IPv6",
    };
    ProbeError::Socket { operation, source }
}

fn no_permission() -> ProbeError {
    ProbeError::Permission { hint: icmp_hint() }
}

/// The same error for another asker: an I/O error cannot be copied, so its words are.
fn again(error: &ProbeError) -> ProbeError {
    match error {
        ProbeError::Permission { hint } => ProbeError::Permission { hint: hint.clone() },
        ProbeError::Specification { field, reason } => {
            ProbeError::Specification { field, reason: reason.clone() }
        }
        ProbeError::Socket { operation, source } => {
            ProbeError::Socket { operation, source: std::io::Error::new(source.kind(), source.to_string()) }
        }
    }
}

fn report(protocol: &str, family: &Result<Family, ProbeError>) {
    let lane = match family {
        Ok(family) => family.lane.read().unwrap_or_else(PoisonError::into_inner),
        Err(error) => {
            tracing::info!(protocol, %error, "no ICMP for this protocol");
            return;
        }
    };
    let Opened { kind, receive_buffer, drops_visible } = lane.opened;
    tracing::info!(protocol, kind = kind.name(), receive_buffer, "ICMP socket opened");
    if receive_buffer.is_none_or(|granted| granted < RECEIVE_BUFFER_BYTES) {
        tracing::warn!(
            protocol,
            receive_buffer,
            "the ICMP receive buffer is small, large fleets may void rounds; allow more with \
             `sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES}`"
        );
    }
    if !drops_visible {
        tracing::warn!(
            protocol,
            "procfs does not show drops of the ICMP socket: our own drops would look like loss"
        );
    }
}

fn random_start() -> Result<u32, ProbeError> {
    getrandom::u32().map_err(|error| ProbeError::Socket {
        operation: "draw the first ICMP identifier",
        source: std::io::Error::other(error.to_string()),
    })
}

/// Sixteen bits that move with the count, but not in step with a second counter of sixteen bits:
/// in step, a fleet of 65,536 targets would give each target the same pair in every round, and
/// take a very late answer for a new one. (Multiplicative hashing by the golden ratio.)
const fn scattered(count: u32) -> u16 {
    let [high, low, ..] = count.wrapping_mul(0x9E37_79B1).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::scattered;

    #[test]
    fn a_target_that_meets_the_same_sequence_again_gets_another_identifier() {
        for start in [0_u32, 1, 77_777, u32::MAX - 5] {
            let met: std::collections::HashSet<u16> =
                (0..1_000_u32).map(|cycle| scattered(start.wrapping_add(cycle * 65_536))).collect();
            assert_eq!(met.len(), 1_000);
        }
    }
}
