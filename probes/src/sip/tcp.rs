//! A round over TCP: one connection, on which all requests of the round are asked.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::frame::StreamFramer;
use super::ledger::{Due, Ledger};
use super::options::Asking;
use crate::observation::{Impediment, Measured, Outcome};
use crate::probe::Round;
use crate::wire::Failure;

pub(super) async fn measure(asking: &Asking, round: Round) -> Measured {
    let begin = Instant::now();
    let mut ledger = Ledger::new(round, false);
    if ledger.next_wake().is_none() {
        return ledger.close();
    }
    let mut stream = match timeout_at(begin + round.timeout, TcpStream::connect(asking.address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return not_connected(asking.address, &error),
        // The attempt stands for the request that could not follow it.
        Err(_elapsed) => return Measured::silent(1),
    };
    let local = match stream.set_nodelay(true).and_then(|()| stream.local_addr()) {
        Ok(local) => local,
        Err(error) => return Measured::unmeasured(Impediment::Local { reason: error.to_string() }),
    };
    match converse(asking, round, begin, &mut stream, local, &mut ledger).await {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            ledger.refused()
        }
        Err(error) => tracing::debug!(peer = %asking.address, %error, "connection lost"),
    }
    ledger.close()
}

/// Asks and listens until the round is over; `Ok` also when the peer hangs up or talks nonsense.
async fn converse(
    asking: &Asking,
    round: Round,
    begin: Instant,
    stream: &mut TcpStream,
    local: SocketAddr,
    ledger: &mut Ledger,
) -> io::Result<()> {
    let end = begin + round.spread.saturating_add(round.timeout);
    let mut framer = StreamFramer::new();
    let mut chunk = vec![0; 8 * 1024];
    loop {
        // Requests whose time passed during the handshake leave now, as one small bunch.
        while let Some(due) = ledger.due(begin.elapsed()) {
            let place = match due {
                Due::First(number) => ledger.begin(&asking.request(number, local), begin.elapsed()),
                Due::Again(place) => place,
            };
            match timeout_at(end, stream.write_all(ledger.wire(place))).await {
                Ok(written) => written?,
                Err(_elapsed) => return Ok(()),
            }
        }
        let Some(wake) = ledger.next_wake() else { return Ok(()) };
        let length = tokio::select! {
            biased;
            read = stream.read(&mut chunk) => read?,
            () = sleep_until(begin + wake) => continue,
        };
        if length == 0 {
            return Ok(());
        }
        let now = begin.elapsed();
        let taken = framer.push(chunk.get(..length).unwrap_or_default());
        if let Err(error) = taken.and_then(|()| drain(&mut framer, ledger, now)) {
            tracing::debug!(peer = %asking.address, %error, "not SIP");
            return Ok(());
        }
    }
}

fn drain(
    framer: &mut StreamFramer,
    ledger: &mut Ledger,
    now: std::time::Duration,
) -> Result<(), super::SipError> {
    while let Some(message) = framer.next_message()? {
        ledger.heard(&message, now);
    }
    Ok(())
}

/// No connection: the target's refusal, its silence, or our own inability.
fn not_connected(address: SocketAddr, error: &io::Error) -> Measured {
    match Failure::of_connected(error, address.ip()) {
        Failure::Refused => Measured { outcome: Outcome::Refused, ..Measured::silent(1) },
        Failure::Silent => Measured::silent(1),
        Failure::Ours(impediment) => Measured::unmeasured(impediment),
    }
}
