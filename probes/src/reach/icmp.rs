//! ICMP echo bursts (RFC 792, RFC 4443).
//!
//! Duplicates are not counted: the library hands out the first answer to a request and drops
//! further copies, so `Burst::duplicates` stays 0 here.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use surge_ping::{IcmpPacket, PingIdentifier, SurgeError};

use super::icmp_engine::{IcmpEngine, Lane};
use super::round::{self, Reply};
use crate::observation::{Detail, Impediment, Measured};
use crate::probe::{Measuring, Probe, ProbeError, ProbeKind, Round};
use crate::units::Rtt;
use crate::wire::{DropWatch, Failure};

/// Largest payload of one IPv4 datagram: 65,535 less the headers.
const MOST_PAYLOAD: u16 = 65_507;

/// Draws of a sequence number before giving up; a collision needs 65,536 requests in flight.
const MOST_DRAWS: u32 = 4;

/// Echo bursts to one address.
pub struct IcmpProbe {
    engine: Arc<IcmpEngine>,
    address: IpAddr,
    payload: Vec<u8>,
}

impl IcmpProbe {
    /// A probe of `address` with `payload` bytes after the ICMP header.
    ///
    /// # Errors
    /// When no single host can have this address, when the payload does not fit, or when there
    /// is no socket for the address's protocol.
    pub fn new(engine: Arc<IcmpEngine>, address: IpAddr, payload: u16) -> Result<Self, ProbeError> {
        if let Some(reason) = unusable(address) {
            return Err(ProbeError::Specification {
                field: "address",
                reason: format!("{address} {reason}"),
            });
        }
        if payload > MOST_PAYLOAD {
            let reason = format!("{payload} bytes exceed one datagram; at most {MOST_PAYLOAD}");
            return Err(ProbeError::Specification { field: "payload", reason });
        }
        engine.lane(address)?;
        // Counting up from zero, so that a capture shows at a glance whether bytes were changed.
        let payload = (0..payload).map(|index| index.to_be_bytes()[1]).collect();
        Ok(Self { engine, address, payload })
    }

    async fn measure_round(&self, round: Round) -> Measured {
        let lane = match self.engine.lane(self.address) {
            Ok(lane) => lane,
            Err(error) => return Measured::unmeasured(impediment(&error)),
        };
        let drops_before = lane.drops.recent();
        let identifier = self.engine.identifier();
        let replies = round::run(round, |_| self.request(&lane, identifier, round.timeout)).await;
        let measured = round::fold(replies);
        if !round::has_loss(&measured) {
            return measured;
        }
        let drops_after = lane.drops.after(Instant::now()).await;
        match DropWatch::between(drops_before, drops_after) {
            0 => measured,
            drops => Measured::unmeasured(Impediment::SocketDrops { drops }),
        }
    }

    async fn request(&self, lane: &Lane, identifier: PingIdentifier, timeout: Duration) -> Reply {
        for _ in 0..MOST_DRAWS {
            let mut pinger = lane.client.pinger(self.address, identifier).await;
            pinger.timeout(timeout);
            let (answer, sending) = stamped(pinger.ping(self.engine.sequence(), &self.payload)).await;
            match answer {
                Ok((packet, after_sending)) => {
                    return judge(&packet, self.address, Rtt::from_duration(sending + after_sending));
                }
                Err(SurgeError::IdenticalRequests { .. }) => {}
                Err(error) => return self.judge_error(error),
            }
        }
        let reason = "too many ICMP requests in flight: lower the rate or the timeout".to_owned();
        Reply::NotMeasured(Impediment::Local { reason })
    }

    fn judge_error(&self, error: SurgeError) -> Reply {
        match error {
            SurgeError::Timeout { .. } => Reply::Silent,
            SurgeError::IOError(error) => match Errno::from_io_error(&error) {
                // The socket is not connected: what send returns is our own stack's.
                Some(errno) => Failure::of_send(errno, self.address).into(),
                None => Failure::of_connected(&error, self.address).into(),
            },
            other => Reply::NotMeasured(Impediment::Local { reason: other.to_string() }),
        }
    }
}

impl Probe for IcmpProbe {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Icmp
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(self.measure_round(round))
    }
}

/// Why no single host answers at this address.
fn unusable(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("is no host's address");
    }
    if address.is_multicast() || address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST) {
        return Some("addresses many hosts at once");
    }
    match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            Some("is link-local and says nothing without its interface; use a global or unique local address")
        }
        _ => None,
    }
}

/// Runs a request and measures how long its first step, the sending, took.
///
/// The library starts its delay when the send call has returned; on a fast link the answer may
/// be there by then. Counting from before the call, as ping and fping do, errs by the length of
/// the call (about 4 µs) and never shows a delay of zero.
async fn stamped<Request: Future>(request: Request) -> (Request::Output, Duration) {
    let mut request = std::pin::pin!(request);
    let begun = Instant::now();
    let mut sending = None;
    let output = poll_fn(|context| {
        let progress = request.as_mut().poll(context);
        sending.get_or_insert_with(|| begun.elapsed());
        progress
    })
    .await;
    (output, sending.unwrap_or_default())
}

/// What a packet that the library matched to our request means.
fn judge(packet: &IcmpPacket, target: IpAddr, rtt: Rtt) -> Reply {
    let (meaning, source) = match packet {
        IcmpPacket::V4(packet) => (meaning_v4(packet.get_icmp_type().0), IpAddr::V4(packet.get_source())),
        IcmpPacket::V6(packet) => (meaning_v6(packet.get_icmpv6_type().0), IpAddr::V6(packet.get_source())),
    };
    match meaning {
        Meaning::EchoReply => Reply::Answered(rtt, Detail::None),
        Meaning::Unreachable if source == target => Reply::Refused,
        Meaning::Unreachable | Meaning::Lost => Reply::Silent,
        Meaning::Notice => {
            let reason = format!("a routing notice from {source} took the place of the answer");
            Reply::NotMeasured(Impediment::Local { reason })
        }
    }
}

/// What an ICMP message says of the request it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    EchoReply,
    /// Destination unreachable: from the target itself it is a refusal, from a router silence.
    Unreachable,
    /// Time exceeded, packet too big, parameter problem: the request did not arrive.
    Lost,
    /// Redirect or source quench: the request went on, but the library, having matched the
    /// notice, will not see the answer. Neither lost nor answered.
    Notice,
}

const fn meaning_v4(icmp_type: u8) -> Meaning {
    match icmp_type {
        0 => Meaning::EchoReply,
        3 => Meaning::Unreachable,
        4 | 5 => Meaning::Notice,
        _ => Meaning::Lost,
    }
}

const fn meaning_v6(icmp_type: u8) -> Meaning {
    match icmp_type {
        129 => Meaning::EchoReply,
        1 => Meaning::Unreachable,
        137 => Meaning::Notice,
        _ => Meaning::Lost,
    }
}

fn impediment(error: &ProbeError) -> Impediment {
    match error {
        ProbeError::Permission { hint } => Impediment::NoPermission { hint: hint.clone() },
        other => Impediment::Local { reason: other.to_string() },
    }
}

#[cfg(test)]
#[path = "icmp_tests.rs"]
mod tests;
