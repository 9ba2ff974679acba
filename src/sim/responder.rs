//! SIP and TCP peers on loopback that answer as far as the network lets them.
//!
//! A lost exchange is a request that gets no answer. Over UDP that is a datagram not answered. Over
//! TCP the kernel accepts by itself, so a lost connection is made by keeping the listener's queue
//! full: the kernel then drops the SYN in silence, as a cut line does. Between 0 and 1 the listener
//! is shut for that share of short turns. A delay shows on SIP only.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use linesman_probes::sip::{Message, respond_to};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::network::{Network, Place};
use super::random::Random;

/// Where a responder stands and what it knows of the network.
pub(super) struct Stand {
    pub(super) place: Place,
    pub(super) network: watch::Receiver<Network>,
    pub(super) random: Random,
}

/// Answers that may wait at a time; more requests than that are lost.
const MOST_WAITING: usize = 256;

/// Answers SIP requests for as long as it is polled.
pub(super) async fn answer_sip(socket: UdpSocket, mut stand: Stand, is_registrar: bool) {
    let mut buffer = vec![0; 4096];
    let mut waiting = FuturesUnordered::new();
    loop {
        let (length, peer) = tokio::select! {
            Some((answer, peer)) = waiting.next() => {
                let answer: Vec<u8> = answer;
                // A prober that has gone away is no concern of its peer.
                let _ = socket.send_to(&answer, peer).await;
                continue;
            }
            received = socket.recv_from(&mut buffer) => match received {
                Ok(received) => received,
                // An ICMP error to an earlier answer.
                Err(_) => continue,
            },
        };
        let (condition, answer) = {
            let network = stand.network.borrow();
            let answer = answer_to(&buffer[..length], peer, &network, is_registrar);
            (network.condition(stand.place), answer)
        };
        let Some(answer) = answer else { continue };
        if stand.random.chance(condition.loss) || waiting.len() >= MOST_WAITING {
            continue;
        }
        waiting.push(async move {
            if !condition.delay.is_zero() {
                sleep(condition.delay).await;
            }
            (answer, peer)
        });
    }
}

/// The answer to a datagram, if it is a request that gets one.
fn answer_to(bytes: &[u8], peer: SocketAddr, network: &Network, is_registrar: bool) -> Option<Vec<u8>> {
    let mut message = Message::parse(bytes).ok()?;
    let request = message.as_request()?.clone();
    // Nobody answers an ACK (RFC 3261 section 17).
    if request.method == "ACK" {
        return None;
    }
    let names_somebody = request.uri.contains('@');
    let (code, reason) = match network.is_registered(&request.uri) {
        _ if request.method != "OPTIONS" => (405, "Method Not Allowed"),
        Some(true) if is_registrar => (200, "OK"),
        Some(false) if is_registrar => (480, "Temporarily Unavailable"),
        None if is_registrar && names_somebody => (404, "Not Found"),
        _ => (200, "OK"),
    };
    message.note_source(peer);
    let answer = respond_to(&message, code, reason).with("Allow", "OPTIONS").with("Server", "simulated");
    Some(answer.to_bytes())
}

/// Accepts connections, or keeps them from being made, for as long as it is polled.
pub(super) async fn accept_tcp(listener: TcpListener, mut stand: Stand) {
    const TURN: Duration = Duration::from_millis(200);
    loop {
        let loss = stand.network.borrow_and_update().condition(stand.place).loss;
        let shut = stand.random.chance(loss);
        let partial = loss > 0.0 && loss < 1.0;
        tokio::select! {
            changed = stand.network.changed() => if changed.is_err() { return },
            () = sleep(TURN), if partial => {}
            () = stay_open(&listener), if !shut => {}
            () = stay_shut(&listener), if shut => {}
        }
    }
}

async fn stay_open(listener: &TcpListener) {
    loop {
        if listener.accept().await.is_err() {
            // Out of descriptors as a rule: give others time to close theirs.
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Fills the queue of a listener that nobody serves, and holds it full.
async fn stay_shut(listener: &TcpListener) {
    const NO_ANSWER: Duration = Duration::from_millis(20);
    let Ok(address) = listener.local_addr() else { return std::future::pending().await };
    let mut held = Vec::new();
    while let Ok(Ok(stream)) = timeout(NO_ANSWER, TcpStream::connect(address)).await {
        held.push(stream);
    }
    std::future::pending::<()>().await;
    drop(held);
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5060);

    fn ask(network: &Network, method: &str, uri: &str, is_registrar: bool) -> Option<u16> {
        let request = Message::request(method, uri)
            .with("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport")
            .with("From", "<sip:a@b>;tag=1")
            .with("To", "<sip:c@d>")
            .with("Call-ID", "1@b")
            .with("CSeq", &format!("1 {method}"));
        let answer = answer_to(&request.to_bytes(), PEER, network, is_registrar)?;
        Some(Message::parse(&answer).expect("our own answer").as_response().expect("a response").code)
    }

    #[test]
    fn only_a_registrar_speaks_of_registrations() {
        let mut network = Network::default();
        network.bind("sip:1001@demo.example");
        let uri = "sip:1001@demo.example";
        assert_eq!(ask(&network, "OPTIONS", uri, true), Some(200));
        network.set_registered(uri, false).expect("it is bound");
        assert_eq!(ask(&network, "OPTIONS", uri, true), Some(480));
        assert_eq!(ask(&network, "OPTIONS", uri, false), Some(200));
        assert_eq!(ask(&network, "OPTIONS", "sip:9@demo.example", true), Some(404));
        assert_eq!(ask(&network, "OPTIONS", "sip:127.77.1.1:5060", true), Some(200));
    }

    #[test]
    fn strangers_get_the_answer_that_is_due_or_none() {
        let network = Network::default();
        assert_eq!(ask(&network, "INVITE", "sip:x@y", false), Some(405));
        assert_eq!(ask(&network, "ACK", "sip:x@y", false), None);
        assert_eq!(answer_to(b"\0\xff\r\n\r\n", PEER, &network, true), None);
    }
}
