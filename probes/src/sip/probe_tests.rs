//! The probe against real sockets on loopback addresses.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::Instant;

use super::{Message, SipProbe, StreamFramer, respond_to};
use crate::observation::{Detail, Impediment, Measured, Outcome};
use crate::probe::{Probe, ProbeSpec, Round, Transport};

const LONG: Duration = Duration::from_secs(5);

fn round(count: u32, spread_ms: u64, timeout: Duration) -> Round {
    Round { count, spread: Duration::from_millis(spread_ms), timeout }
}

fn probe(address: SocketAddr, transport: Transport) -> SipProbe {
    SipProbe::new(&ProbeSpec::Sip { address, transport, uri: Some("ping@example.net".to_owned()) }).unwrap()
}

/// Measures while a peer plays its part; the peer is dropped with the end of the measurement.
async fn measured_beside(probe: SipProbe, round: Round, peer: impl Future<Output = ()>) -> Measured {
    tokio::select! {
        measured = probe.measure(round) => measured,
        () = async { peer.await; std::future::pending().await } => unreachable!("a peer never ends the round"),
    }
}

/// Answers every datagram with what `answers` makes of the request and its number.
async fn over_udp(round: Round, answers: impl Fn(u32, &Message) -> Vec<Vec<u8>>) -> Measured {
    let socket = UdpSocket::bind("127.0.71.1:0").await.unwrap();
    let target = probe(socket.local_addr().unwrap(), Transport::Udp);
    measured_beside(target, round, async {
        let mut datagram = vec![0; 65_536];
        for number in 0.. {
            let (length, peer) = socket.recv_from(&mut datagram).await.unwrap();
            let mut request = Message::parse(&datagram[..length]).unwrap();
            request.note_source(peer);
            for answer in answers(number, &request) {
                socket.send_to(&answer, peer).await.unwrap();
            }
        }
    })
    .await
}

fn sip(measured: &Measured) -> (u16, &str) {
    match &measured.detail {
        Detail::Sip { code, reason } => (*code, reason),
        other => panic!("no SIP answer but {other:?}"),
    }
}

#[tokio::test]
async fn any_final_answer_over_udp_is_an_answer_with_its_code() {
    for (code, reason) in [(200, "OK"), (404, "Not Found"), (503, "Service Unavailable")] {
        let measured =
            over_udp(round(1, 0, LONG), |_, request| vec![respond_to(request, code, reason).to_bytes()])
                .await;
        assert_eq!(measured.outcome, Outcome::Answered);
        assert_eq!(sip(&measured), (code, reason));
        assert_eq!((measured.burst.sent, measured.burst.received), (1, 1));
        assert!(measured.burst.rtt.is_some_and(|rtt| rtt.max.nanos() > 0));
    }
}

#[tokio::test]
async fn a_round_of_three_is_spread_and_measured_each() {
    let began = Instant::now();
    let measured =
        over_udp(round(3, 90, LONG), |_, request| vec![respond_to(request, 200, "OK").to_bytes()]).await;
    assert!(began.elapsed() >= Duration::from_millis(60), "the third leaves after two thirds of the spread");
    assert_eq!((measured.burst.sent, measured.burst.received, measured.burst.duplicates), (3, 3, 0));
    assert!(measured.burst.rtt.is_some_and(|rtt| rtt.jitter.is_some()));
}

#[tokio::test]
async fn trying_then_ok_is_ok_and_copies_are_counted_as_duplicates() {
    let measured = over_udp(round(2, 100, LONG), |_, request| {
        let ok = respond_to(request, 200, "OK").to_bytes();
        vec![respond_to(request, 100, "Trying").to_bytes(), ok.clone(), ok]
    })
    .await;
    assert_eq!(sip(&measured), (200, "OK"));
    assert_eq!(
        (measured.burst.received, measured.burst.duplicates),
        (2, 1),
        "the last copy comes after the round"
    );
}

#[tokio::test]
async fn answers_of_a_wrong_branch_garbage_and_oversize_are_no_answers() {
    let timeout = Duration::from_millis(200);
    let measured = over_udp(round(1, 0, timeout), |_, request| {
        let branch = request.branch().unwrap().to_owned();
        let good = String::from_utf8(respond_to(request, 200, "OK").to_bytes()).unwrap();
        vec![
            good.replace(&branch, "z9hG4bKother").into_bytes(),
            good.replace("1 OPTIONS", "1 INVITE").into_bytes(),
            good.replace("Call-ID: ", "Call-ID: other").into_bytes(),
            good.replace("Content-Length: 0", "Content-Length: 1").into_bytes(),
            good.replace("SIP/2.0 200", "SIP/2.0 900").into_bytes(),
            good.replace("\r\n\r\n", &format!("\r\n{}\r\n", "a: b\r\n".repeat(300))).into_bytes(),
            request.to_bytes(),
            vec![0xff; 60_000],
            Vec::new(),
        ]
    })
    .await;
    assert_eq!((measured.outcome, measured.burst.sent, measured.burst.received), (Outcome::Silent, 1, 0));
    assert_eq!(measured.detail, Detail::None);
}

#[tokio::test]
async fn a_lost_request_is_repeated_and_its_delay_counts_from_the_first() {
    let measured = over_udp(round(1, 0, LONG), |number, request| match number {
        0 => Vec::new(),
        _ => vec![respond_to(request, 200, "OK").to_bytes()],
    })
    .await;
    assert_eq!((measured.burst.sent, measured.burst.received), (1, 1));
    assert!(measured.burst.rtt.is_some_and(|rtt| rtt.min.millis() >= 500.0));
}

#[tokio::test]
async fn a_silent_peer_ends_the_round_in_time() {
    let began = Instant::now();
    let measured = over_udp(round(2, 100, Duration::from_millis(150)), |_, _| Vec::new()).await;
    assert_eq!((measured.outcome, measured.burst.sent), (Outcome::Silent, 2));
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert!(began.elapsed() < LONG);
}

#[test]
fn a_flood_of_datagrams_cannot_hold_the_round_open() {
    let flood = std::net::UdpSocket::bind("127.0.71.4:0").unwrap();
    let target = probe(flood.local_addr().unwrap(), Transport::Udp);
    let over = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (_, victim) = flood.recv_from(&mut [0; 2000]).unwrap();
            let other =
                Message::response(200, "OK").with("Via", "SIP/2.0/UDP x;branch=z9hG4bKother").to_bytes();
            while !over.load(Ordering::Relaxed) {
                let _ = flood.send_to(&other, victim);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let measured = runtime.block_on(target.measure(round(1, 0, Duration::from_millis(300))));
        over.store(true, Ordering::Relaxed);
        assert_eq!(measured.outcome, Outcome::Silent);
    });
    assert!(began.elapsed() < LONG);
}

#[tokio::test]
async fn a_closed_port_refuses_over_both_transports() {
    let closed_udp = UdpSocket::bind("127.0.71.2:0").await.unwrap().local_addr().unwrap();
    let measured = probe(closed_udp, Transport::Udp).measure(round(2, 20, LONG)).await;
    assert_eq!((measured.outcome, measured.burst.sent, measured.burst.received), (Outcome::Refused, 2, 0));

    let closed_tcp = TcpListener::bind("127.0.71.2:0").await.unwrap().local_addr().unwrap();
    let measured = probe(closed_tcp, Transport::Tcp).measure(round(1, 0, LONG)).await;
    assert_eq!(measured.outcome, Outcome::Refused);
    assert_eq!(measured.burst.loss().map(crate::units::LossRatio::value), Some(1.0));
}

#[tokio::test]
async fn an_address_this_host_cannot_reach_by_any_interface_is_our_own_matter() {
    let link_local = std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let no_such_interface = std::net::SocketAddrV6::new(link_local, 5060, 0, u32::MAX);
    for transport in [Transport::Udp, Transport::Tcp] {
        let target = probe(no_such_interface.into(), transport);
        let measured = target.measure(round(1, 0, Duration::from_millis(200))).await;
        assert_eq!(measured.outcome, Outcome::Unmeasured, "{measured:?}");
        assert!(measured.impediment.is_some());
    }
}

const WITHOUT_ROUTES: &str = "LINESMAN_TEST_IN_EMPTY_NETNS";

#[test]
fn a_host_without_a_route_does_not_blame_the_target() {
    if std::env::var_os(WITHOUT_ROUTES).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for transport in [Transport::Udp, Transport::Tcp] {
            let target = probe("192.0.2.1:5060".parse().unwrap(), transport);
            let measured = runtime.block_on(target.measure(round(1, 0, Duration::from_millis(300))));
            assert_eq!(measured, Measured::unmeasured(Impediment::NoRoute), "{transport:?}");
        }
        return;
    }
    // The same test again, in a network namespace of its own that has no routes at all.
    let in_namespace = |program: &std::ffi::OsStr, arguments: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        command
            .args(["--map-root-user", "--net", "--"])
            .arg(program)
            .args(arguments)
            .env(WITHOUT_ROUTES, "1");
        command.output()
    };
    if !in_namespace("true".as_ref(), &[]).is_ok_and(|output| output.status.success()) {
        let reason = "no network namespace may be made here (unshare --map-root-user --net)";
        assert_ne!(std::env::var("LINESMAN_TEST_REQUIRE").as_deref(), Ok("all"), "{reason}");
        println!("skipped: {reason}");
        return;
    }
    let myself = std::env::current_exe().unwrap();
    let name = "sip::probe_tests::a_host_without_a_route_does_not_blame_the_target";
    let output = in_namespace(myself.as_os_str(), &["--exact", name]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Plays the peer of one TCP connection.
async fn over_tcp<F: Future<Output = ()>>(round: Round, peer: impl FnOnce(TcpStream) -> F) -> Measured {
    let listener = TcpListener::bind("127.0.71.3:0").await.unwrap();
    let target = probe(listener.local_addr().unwrap(), Transport::Tcp);
    measured_beside(target, round, async {
        let (stream, _) = listener.accept().await.unwrap();
        peer(stream).await;
    })
    .await
}

async fn next_request(stream: &mut TcpStream, framer: &mut StreamFramer) -> Option<Message> {
    let mut chunk = [0; 1000];
    loop {
        if let Some(request) = framer.next_message().unwrap() {
            return Some(request);
        }
        match stream.read(&mut chunk).await.unwrap() {
            0 => return None,
            length => framer.push(&chunk[..length]).unwrap(),
        }
    }
}

#[tokio::test]
async fn answers_over_tcp_count_however_they_are_cut_into_segments() {
    let measured = over_tcp(round(3, 60, LONG), async |mut stream| {
        let mut framer = StreamFramer::new();
        while let Some(request) = next_request(&mut stream, &mut framer).await {
            let ok =
                respond_to(&request, 200, "OK").with_body("text/plain", b"\r\n\r\nSIP/2.0 200").to_bytes();
            let (first, second) = ok.split_at(ok.len() / 2);
            stream.write_all(b"\r\n\r\n").await.unwrap();
            stream.write_all(&respond_to(&request, 100, "Trying").to_bytes()).await.unwrap();
            stream.write_all(first).await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(second).await.unwrap();
        }
    })
    .await;
    assert_eq!((measured.outcome, measured.burst.sent, measured.burst.received), (Outcome::Answered, 3, 3));
    assert_eq!(sip(&measured), (200, "OK"));
}

#[tokio::test]
async fn a_peer_that_accepts_but_does_not_speak_sip_is_silent() {
    let hangs_up = over_tcp(round(1, 0, LONG), async |stream| {
        let mut framer = StreamFramer::new();
        let mut stream = stream;
        next_request(&mut stream, &mut framer).await;
    })
    .await;
    assert_eq!((hangs_up.outcome, hangs_up.burst.sent), (Outcome::Silent, 1));

    let floods = over_tcp(round(1, 0, LONG), async |mut stream| {
        let mut framer = StreamFramer::new();
        next_request(&mut stream, &mut framer).await;
        let _ = stream.write_all(b"SIP/2.0 200 OK\r\n").await;
        while stream.write_all(&b"a: b\r\n".repeat(1000)).await.is_ok() {}
    })
    .await;
    assert_eq!(floods.outcome, Outcome::Silent);

    let says_nothing = over_tcp(round(1, 0, Duration::from_millis(100)), async |stream| {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert_eq!(says_nothing.outcome, Outcome::Silent);
}

#[tokio::test]
async fn a_connection_reset_before_any_answer_is_a_refusal() {
    let measured = over_tcp(round(1, 0, LONG), async |stream| {
        // Closing with unread bytes in the buffer makes the kernel send a reset.
        stream.peek(&mut [0]).await.unwrap();
        drop(stream);
    })
    .await;
    assert_eq!(measured.outcome, Outcome::Refused);
}
