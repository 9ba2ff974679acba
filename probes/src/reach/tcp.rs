//! TCP connect: the handshake is the answer, the connection is closed at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::round::{self, Reply};
use crate::observation::{Detail, Measured};
use crate::probe::{Measuring, Probe, ProbeKind, Round};
use crate::units::Rtt;
use crate::wire::Failure;

/// Connects to one address and port.
#[derive(Debug, Clone, Copy)]
pub struct TcpProbe {
    address: SocketAddr,
}

impl TcpProbe {
    /// A probe of this address and port.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    async fn measure_round(&self, round: Round) -> Measured {
        round::fold(round::run(round, |_| self.request(round.timeout)).await)
    }

    async fn request(&self, timeout: Duration) -> Reply {
        let begun = Instant::now();
        match tokio::time::timeout(timeout, TcpStream::connect(self.address)).await {
            Err(_elapsed) => Reply::Silent,
            // A connection to oneself (simultaneous open, RFC 9293 section 3.5) happens when the
            // kernel picks the target's closed local port as our own: nobody listens there.
            Ok(Ok(stream)) if stream.local_addr().ok() == Some(self.address) => Reply::Refused,
            Ok(Ok(_closed_at_once)) => Reply::Answered(Rtt::from_duration(begun.elapsed()), Detail::None),
            Ok(Err(error)) => Failure::of_connected(&error, self.address.ip()).into(),
        }
    }
}

impl Probe for TcpProbe {
    fn kind(&self) -> ProbeKind {
        ProbeKind::Tcp
    }

    fn measure(&self, round: Round) -> Measuring<'_> {
        Box::pin(self.measure_round(round))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::observation::Outcome;

    const ROUND: Round =
        Round { count: 3, spread: Duration::from_millis(30), timeout: Duration::from_secs(5) };

    #[tokio::test]
    async fn a_listening_port_answers_every_request() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let measured = TcpProbe::new(listener.local_addr().unwrap()).measure(ROUND).await;
        assert_eq!(measured.outcome, Outcome::Answered);
        assert_eq!((measured.burst.sent, measured.burst.received), (3, 3));
        assert!(measured.burst.rtt.unwrap().jitter.is_some());
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let measured = TcpProbe::new(address).measure(ROUND).await;
        assert_eq!((measured.outcome, measured.burst.sent), (Outcome::Refused, 3));
    }

    #[tokio::test]
    async fn a_full_backlog_is_silence_and_ends_in_time() {
        // A listener that never accepts, with its queue filled, answers no further handshake.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        while let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
        {
            held.push(stream);
        }
        let round = Round { count: 2, spread: Duration::ZERO, timeout: Duration::from_millis(200) };
        assert_eq!(TcpProbe::new(address).measure(round).await, Measured::silent(2));
    }
}
