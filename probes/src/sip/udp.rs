//! A round over UDP: one connected socket, so that the kernel tells us of refusals (ICMP port
//! unreachable) and strangers' datagrams never reach us. A peer that answers from another port than it
//! was asked at is not heard; so it would not be through address translation either.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

use super::ledger::{Due, Ledger};
use super::message::{MAX_MESSAGE, Message};
use super::options::Asking;
use crate::observation::{Impediment, Measured};
use crate::probe::Round;
use crate::wire::Failure;

pub(super) async fn measure(asking: &Asking, round: Round) -> Measured {
    let begin = Instant::now();
    let (socket, local) = match connected(asking.address).await {
        Ok(connected) => connected,
        Err(error) => return Measured::unmeasured(ours(&error, asking.address)),
    };
    let mut ledger = Ledger::new(round, true);
    let mut datagram = vec![0; MAX_MESSAGE];
    loop {
        let now = begin.elapsed();
        while let Some(due) = ledger.due(now) {
            let place = match due {
                Due::First(number) => ledger.begin(&asking.request(number, local), begin.elapsed()),
                Due::Again(place) => place,
            };
            if let Err(error) = send(&socket, &mut ledger, place).await
                && let Failure::Ours(impediment) = Failure::of_connected(&error, asking.address.ip())
            {
                return Measured::unmeasured(impediment);
            }
        }
        let Some(wake) = ledger.next_wake() else { return ledger.close() };
        tokio::select! {
            // Answers first: one that is here must not lose against a timer that is due as well.
            biased;
            received = socket.recv(&mut datagram) => match received {
                Ok(length) => {
                    let now = begin.elapsed();
                    match Message::parse(datagram.get(..length).unwrap_or_default()) {
                        Ok(message) => ledger.heard(&message, now),
                        Err(error) => tracing::debug!(peer = %asking.address, %error, "not a SIP message"),
                    }
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => ledger.refused(),
                // Errors that routers on the way report say no more than silence does.
                Err(error) => tracing::debug!(peer = %asking.address, %error, "error while waiting"),
            },
            () = sleep_until(begin + wake) => {}
        }
    }
}

/// Sends one datagram. A connected socket first hands over an error that an *earlier* datagram met;
/// that one is booked, and only an error of the second try is our own.
async fn send(socket: &UdpSocket, ledger: &mut Ledger, place: usize) -> io::Result<()> {
    let Err(error) = socket.send(ledger.wire(place)).await else { return Ok(()) };
    let second = socket.send(ledger.wire(place)).await;
    if error.kind() == ErrorKind::ConnectionRefused {
        ledger.refused_but(Some(place));
    }
    match second {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            ledger.refused();
            Ok(())
        }
        other => other.map(drop),
    }
}

/// A socket that talks to this peer only, and our address towards it. Sends nothing: the kernel only
/// looks the route up.
async fn connected(peer: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let any: SocketAddr =
        if peer.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(peer).await?;
    let local = socket.local_addr()?;
    Ok((socket, local))
}

/// Why we have no way to the peer: nothing was sent, so nobody else can have said so.
fn ours(error: &io::Error, peer: SocketAddr) -> Impediment {
    match Failure::of_connected(error, peer.ip()) {
        Failure::Ours(impediment) => impediment,
        Failure::Silent | Failure::Refused => Impediment::Local { reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn our_own_inability_is_named() {
        let peer: SocketAddr = "127.0.0.5:5060".parse().expect("an address");
        for errno in [Errno::PERM, Errno::ACCESS] {
            assert!(matches!(ours(&errno.into(), peer), Impediment::NoPermission { .. }));
        }
        for errno in [Errno::MFILE, Errno::TIMEDOUT] {
            assert!(matches!(ours(&errno.into(), peer), Impediment::Local { .. }));
        }
    }
}
