use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::observation::Outcome;

const ROUND: Round = Round { count: 2, spread: Duration::from_millis(20), timeout: Duration::from_secs(5) };

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Measures `url` against a server that reads a request and writes `response`, then closes;
/// returns the number of connections as well.
async fn measured_against(scheme: &str, round: Round, response: &[u8]) -> (Measured, u32) {
    let (listener, address) = listener().await;
    let probe = HttpProbe::new(&HttpClients::default(), &format!("{scheme}://{address}/health")).unwrap();
    let mut connections = 0;
    let serve = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections += 1;
            let mut request = [0_u8; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(response).await;
        }
    };
    let measured = tokio::select! {
        never = serve => never,
        measured = probe.measure(round) => measured,
    };
    (measured, connections)
}

#[tokio::test]
async fn any_status_is_an_answer_on_a_fresh_connection_each() {
    let response = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
    let (measured, connections) = measured_against("http", ROUND, response).await;
    assert_eq!((measured.outcome, measured.burst.received, connections), (Outcome::Answered, 2, 2));
    assert_eq!(measured.detail, Detail::Http { status: 503, version: "1.1".to_owned(), tls: false });
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let response = b"HTTP/1.0 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (measured, _) = measured_against("http", ROUND, response).await;
    assert_eq!(measured.detail, Detail::Http { status: 302, version: "1.0".to_owned(), tls: false });
}

#[tokio::test]
async fn an_endless_body_does_not_hold_the_round() {
    let mut response = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    response.resize(1_000_000, b'x');
    let (measured, _) = measured_against("http", ROUND, &response).await;
    assert_eq!(measured.burst.received, 2);
}

#[tokio::test]
async fn what_is_not_http_refuses() {
    let (measured, _) = measured_against("http", ROUND, b"SSH-2.0-OpenSSH_9.2\r\n").await;
    assert_eq!(measured.outcome, Outcome::Refused);
    let (measured, _) = measured_against("http", ROUND, b"").await;
    assert_eq!(measured.outcome, Outcome::Refused, "closed without a word");
}

#[tokio::test]
async fn a_server_without_tls_refuses_https() {
    if let Err(error) = HttpProbe::new(&HttpClients::default(), "https://127.0.0.1/") {
        assert_ne!(std::env::var("LINESMAN_TEST_REQUIRE").as_deref(), Ok("all"), "{error}");
        println!("skipped: {error}");
        return;
    }
    let (measured, _) = measured_against("https", ROUND, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(measured.outcome, Outcome::Refused);
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let (listener, address) = listener().await;
    drop(listener);
    let probe = HttpProbe::new(&HttpClients::default(), &format!("http://{address}/")).unwrap();
    let measured = probe.measure(ROUND).await;
    assert_eq!((measured.outcome, measured.burst.sent), (Outcome::Refused, 2));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_silent_in_time() {
    let (listener, address) = listener().await;
    let probe = HttpProbe::new(&HttpClients::default(), &format!("http://{address}/")).unwrap();
    let round = Round { count: 2, spread: Duration::ZERO, timeout: Duration::from_millis(200) };
    assert_eq!(probe.measure(round).await, Measured::silent(2));
    drop(listener);
}

#[tokio::test]
async fn a_name_that_resolves_reaches_its_address() {
    let (listener, address) = listener().await;
    let probe =
        HttpProbe::new(&HttpClients::default(), &format!("http://localhost:{}/", address.port())).unwrap();
    let serve = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0_u8; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    };
    let measured = tokio::select! {
        never = serve => never,
        measured = probe.measure(ROUND) => measured,
    };
    assert_eq!(measured.burst.received, 2, "{measured:?}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_our_finding_and_not_silence() {
    // A label of 64 octets cannot be asked for: no resolver is needed to refuse it.
    let name = "x".repeat(64);
    let probe = HttpProbe::new(&HttpClients::default(), &format!("http://{name}/")).unwrap();
    let measured = probe.measure(ROUND).await;
    assert_eq!(measured.outcome, Outcome::Unmeasured);
    let Some(Impediment::Unresolved { name: told, .. }) = measured.impediment else {
        panic!("{:?}", measured.impediment)
    };
    assert_eq!(told, name);
}
