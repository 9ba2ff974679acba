//! What a telephone says of a call without naming it: found with the call, or counted; over UDP, as it is sent.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use reqwest::Method;

use super::call::{GATEWAY, TRUNK, WITHIN, by, network, token};
use super::support::api::Api;
use super::support::daemon::{Daemon, free_port};
use super::support::eventually;
use super::voice_calls::{Call, empty_scene, hand_over, talk};
use super::{folder, json};

/// A report by SIP without a Call-ID, of what one address hears from another.
fn publish(local: SocketAddr, remote: SocketAddr, ssrc: u32) -> String {
    let body = format!(
        "VQSessionReport: CallTerm\r\nLocalAddr: IP={} PORT={}\r\nRemoteAddr: IP={} PORT={} SSRC=0x{ssrc:08x}\r\n\
         LocalMetrics:\r\nPacketLoss:NLR=7.0 JDR=0\r\nQualityEst:MOSLQ=2.9 MOSCQ=2.7\r\n",
        local.ip(),
        local.port(),
        remote.ip(),
        remote.port()
    );
    format!(
        "PUBLISH sip:linesman@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.9.1:5060;branch=z9hG4bK{ssrc}\r\n\
         From: <sip:phone@127.0.9.1>;tag=1\r\nTo: <sip:linesman@127.0.0.1>\r\nCall-ID: of-the-report-{ssrc}\r\n\
         CSeq: 1 PUBLISH\r\nEvent: vq-rtcpxr\r\nContent-Type: application/vq-rtcpxr\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends it, and waits for the answer that it is due.
fn send(report: &str, port: u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    socket.send_to(report.as_bytes(), ("127.0.0.1", port)).expect("sent");
    let mut answer = [0; 2_048];
    let length = socket.recv(&mut answer).expect("an answer");
    assert!(answer[..length].starts_with(b"SIP/2.0 200"), "{}", String::from_utf8_lossy(&answer[..length]));
}

/// A receiver report of RFC 3550 within HEP3, seen a quarter of an hour ago; no Call-ID anywhere.
fn strange_report(port: u16) {
    let seen = linesman::clock::Clock::now_utc(&linesman::clock::SystemClock).timestamp() - 900;
    let rtcp = [[0x81, 201, 0, 7].as_slice(), &[0; 4], &77_u32.to_be_bytes(), &[0; 20]].concat();
    let mut chunks = Vec::new();
    let mut chunk = |number: u16, value: &[u8]| {
        chunks.extend([0_u16, number, value.len() as u16 + 6].iter().flat_map(|it| it.to_be_bytes()));
        chunks.extend(value);
    };
    chunk(1, &[2]);
    chunk(2, &[17]);
    chunk(3, &[192, 0, 2, 1]);
    chunk(4, &[192, 0, 2, 2]);
    chunk(7, &4001_u16.to_be_bytes());
    chunk(8, &8001_u16.to_be_bytes());
    chunk(9, &(seen as u32).to_be_bytes());
    chunk(0x0b, &[5]);
    chunk(0x0f, &rtcp);
    let packet = [b"HEP3".as_slice(), &(chunks.len() as u16 + 6).to_be_bytes(), &chunks].concat();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.send_to(&packet, ("127.0.0.1", port)).expect("sent");
}

async fn counted(api: &Api, kept_by: &str) -> Option<String> {
    let answer = api.send(Method::GET, "/metrics", None, None).await.expect("an answer");
    let text = answer.text().await.expect("text");
    let start = format!("linesman_voice_words_total{{kept_by=\"{kept_by}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_names_no_call_is_shown_with_the_call_of_its_stream_and_a_strangers_is_counted() {
    let here = folder();
    let here = here.path();
    let (address, hep_port, vq_port) = (format!("127.0.0.1:{}", free_port()), free_port(), free_port());
    let network =
        network(hep_port).replace("[voice]", &format!("[voice]\nvq_rtcpxr = [\"127.0.0.1:{vq_port}\"]"));
    let (daemon, api) = Daemon::start(here, &address, &network, &[], None).await;
    let viewer = token(here, "vera", "viewer");
    let (gateway, trunk): (SocketAddr, SocketAddr) =
        (GATEWAY.parse().expect("an address"), TRUNK.parse().expect("an address"));
    let mut scene = empty_scene();
    for number in [1, 2] {
        talk(&mut scene, &Call { number, gateway, trunk, name: "told", lose_every: 0 });
    }
    tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");
    let list = || by(here, &viewer, &["call", "list", "--number", "13800000001", "--json"]).1;
    let id = eventually("the call to be kept", WITHIN, async || {
        json(&list())["calls"][0]["id"].as_str().map(str::to_owned)
    })
    .await;

    // Telephones speak after the call, when it is kept already.
    let (phone, far) = (SocketAddr::new(gateway.ip(), 10_002), SocketAddr::new(trunk.ip(), 30_002));
    tokio::task::spawn_blocking(move || {
        send(&publish(phone, far, 0x2001), vq_port);
        strange_report(hep_port);
    })
    .await
    .expect("sent");
    eventually("the stranger's word to be counted", WITHIN, async || {
        counted(&api, "nothing").await.filter(|count| count == "1")
    })
    .await;
    // A word is kept when no more is said for a minute, or when nobody listens any more.
    assert!(daemon.stop().await.success());
    let (daemon, api) = Daemon::start(here, &address, &network, &[], Some(api.token())).await;
    let call = api.get(&format!("/api/v1/calls/{id}")).await;
    let [told] = call["told"].as_array().expect("words").as_slice() else { panic!("{call:#}") };
    assert_eq!((&told["reporter"], &told["about"]), (&"127.0.9.1:10002".into(), &"127.0.9.2:30002".into()));
    assert_eq!(
        (&told["ssrc"], &told["told"]["loss_ratio"]),
        (&"0x00002001".into(), &0.07.into()),
        "{told:#}"
    );
    let other = api.get("/api/v1/calls?number=13800000002").await["calls"][0]["id"].clone();
    let other = api.get(&format!("/api/v1/calls/{}", other.as_str().expect("an id"))).await;
    assert_eq!(other["told"], serde_json::json!([]), "it is of one call alone");
    let (code, shown, _) = by(here, &viewer, &["call", "show", &id]);
    assert!(code == 0 && shown.contains("127.0.9.1:10002") && shown.contains("7.0 %"), "{shown}");
    assert!(daemon.stop().await.success());
}
