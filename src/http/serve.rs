//! Connections: accepted, bounded in number and in the time they take to say what they want.
//!
//! axum's own server waits for ever for the rest of a request line, so that a handful of silent
//! sockets would use up all that we may have open. Deliberately absent: TLS, which a proxy has.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A client says what it wants within this, also when it comes with another wish on an old
/// connection; else the connection is closed.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Connections at once; more wait in the operating system's queue.
pub const CONNECTIONS: usize = 1024;
/// Connections of one address at once. Loopback is excepted: there the proxy speaks for everybody.
pub const CONNECTIONS_OF_ONE: usize = 64;
/// Bytes read ahead of a connection; more than any request line and headers of an honest client.
const READ_AHEAD: usize = 64 * 1024;
/// When the operating system has no descriptors left, asking at once again helps nobody.
const BREATH: Duration = Duration::from_secs(1);

/// Serves until `closing`, then finishes what was asked for. A client that never finishes its
/// request is waited for `patience` and no longer: it must not make a good stop a bad one.
pub async fn serve(listener: TcpListener, router: Router, closing: CancellationToken, patience: Duration) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let guests = Guests::default();
    // Dropped, when even the grace is over, it ends what is left.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        // Those that are over.
        while connections.try_join_next().is_some() {}
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; is the limit of open files too low?");
                tokio::select! {
                    () = closing.cancelled() => break,
                    () = tokio::time::sleep(BREATH) => continue,
                }
            }
        };
        let Some(guest) = guests.enter(peer.ip()) else {
            tracing::debug!(%peer, most = CONNECTIONS_OF_ONE, "closed: this address has too many connections");
            continue;
        };
        let (router, closing) = (router.clone(), closing.clone());
        connections.spawn(async move {
            talk(stream, peer, router, closing).await;
            drop((place, guest));
        });
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, finished).await.is_err() {
        tracing::info!("connections that were still open are closed");
    }
}

/// The place is taken before the connection is: nobody is let in who cannot be served.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// A client that went before it was let in.
fn is_of_the_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection from its first request to its last.
async fn talk(stream: TcpStream, peer: SocketAddr, router: Router, closing: CancellationToken) {
    // Live events are small and must not wait for each other.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(READ_AHEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

/// How many connections each address has.
#[derive(Debug, Clone, Default)]
struct Guests(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Counted as long as it lives.
#[derive(Debug)]
struct Guest {
    guests: Guests,
    /// `None`: not counted.
    address: Option<IpAddr>,
}

impl Guests {
    fn enter(&self, address: IpAddr) -> Option<Guest> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Some(Guest { guests: self.clone(), address: None });
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= CONNECTIONS_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Guest { guests: self.clone(), address: Some(address) })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut counts = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn one_address_cannot_have_every_connection_and_a_proxy_beside_us_can() {
        let guests = Guests::default();
        let eve: IpAddr = "192.0.2.9".parse().unwrap();
        let eve_mapped: IpAddr = "::ffff:192.0.2.9".parse().unwrap();
        let mut inside: Vec<_> = (0..CONNECTIONS_OF_ONE).map(|_| guests.enter(eve).unwrap()).collect();
        assert!(guests.enter(eve).is_none() && guests.enter(eve_mapped).is_none());
        assert!(guests.enter("192.0.2.10".parse().unwrap()).is_some());
        let proxied: Vec<_> =
            (0..CONNECTIONS).map(|_| guests.enter("127.0.0.1".parse().unwrap()).unwrap()).collect();
        inside.pop();
        assert!(guests.enter(eve_mapped).is_some());
        drop((inside, proxied));
        assert!(guests.0.lock().unwrap().is_empty(), "nobody is remembered who has gone");
    }

    async fn start() -> (SocketAddr, CancellationToken, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let closing = CancellationToken::new();
        let slow = axum::routing::get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            peer.to_string()
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(
            listener,
            Router::new().route("/slow", slow),
            closing.clone(),
            Duration::from_secs(30),
        ));
        (address, closing, tasks)
    }

    async fn send(address: SocketAddr, words: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(words).await.unwrap();
        stream
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_ends_his_request_line_is_shown_out_after_ten_seconds() {
        let (address, _closing, _tasks) = start().await;
        let began = tokio::time::Instant::now();
        for words in [&b"GET /slo"[..], b""] {
            let mut stream = send(address, words).await;
            let mut heard = Vec::new();
            let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut heard)).await;
            ended.expect("closed by the server").unwrap();
            assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_lets_an_answer_under_way_reach_its_client_and_waits_for_no_idle_one() {
        let (address, closing, mut tasks) = start().await;
        let _idle = TcpStream::connect(address).await.unwrap();
        let mut stream = send(address, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        closing.cancel();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("127.0.0.1:"), "{heard}");
        let stopped = tokio::time::timeout(Duration::from_secs(11), tasks.join_next()).await;
        stopped.expect("it stops").unwrap().unwrap();
    }
}
