use linesman_probes::sip::Message;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);
/// Long enough for an answer on loopback, short beside the SYN's first repetition after 1 s.
const SILENCE: Duration = Duration::from_millis(400);

async fn carrier() -> (Carrier, CancellationToken) {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(7, &tasks, &stop).await.expect("loopback takes sockets");
    (carrier, stop)
}

async fn options(address: SocketAddr, uri: &str, patience: Duration) -> Option<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    socket.connect(address).await.expect("an address");
    let request = Message::request("OPTIONS", uri)
        .with("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKtest;rport")
        .with("From", "<sip:test@127.0.0.1>;tag=1")
        .with("To", "<sip:test@127.0.0.1>")
        .with("Call-ID", "1@127.0.0.1")
        .with("CSeq", "1 OPTIONS");
    socket.send(&request.to_bytes()).await.expect("loopback takes a datagram");
    let mut buffer = [0; 2048];
    let length = timeout(patience, socket.recv(&mut buffer)).await.ok()?.ok()?;
    Message::parse(&buffer[..length]).ok()?.as_response().map(|response| response.code)
}

async fn connects(address: SocketAddr) -> bool {
    timeout(SILENCE, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok())
}

/// Waits until connecting to an address does, or does not, succeed.
async fn eventually_connects(address: SocketAddr, wanted: bool) {
    let waiting = async { while connects(address).await != wanted {} };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{address} never came to {wanted}"));
}

#[tokio::test]
async fn a_cut_link_silences_its_far_end_its_trunks_and_its_customers_only() {
    let (carrier, _stop) = carrier().await;
    let at = &carrier.addresses;
    assert_eq!(options(at.trunk[0], "sip:a", PATIENCE).await, Some(200));
    carrier.cut("link-1").expect("there is a link-1");
    eventually_connects(at.link[0], false).await;
    eventually_connects(at.access[0], false).await;
    assert_eq!(options(at.trunk[0], "sip:a", SILENCE).await, None);
    assert_eq!(options(at.gateway[7], "sip:a", SILENCE).await, None);
    assert_eq!(options(at.trunk[2], "sip:a", PATIENCE).await, Some(200));
    assert_eq!(options(at.gateway[8], "sip:a", PATIENCE).await, Some(200));
    eventually_connects(at.device[0], true).await;

    carrier.heal("link-1").expect("there is a link-1");
    eventually_connects(at.link[0], true).await;
    eventually_connects(at.access[0], true).await;
    assert_eq!(options(at.trunk[0], "sip:a", PATIENCE).await, Some(200));
}

#[tokio::test]
async fn a_gateway_may_live_and_yet_not_be_registered() {
    let (carrier, _stop) = carrier().await;
    carrier.set_registered("gateway-3", false).expect("there is a gateway-3");
    let at = &carrier.addresses;
    assert_eq!(options(at.server_sip[0], &aor(3), PATIENCE).await, Some(480));
    assert_eq!(options(at.server_sip[0], &aor(4), PATIENCE).await, Some(200));
    assert_eq!(options(at.gateway[2], &aor(3), PATIENCE).await, Some(200));
    assert!(carrier.set_registered("gateway-21", false).is_err());
}

#[tokio::test]
async fn a_lossy_element_loses_its_share_and_a_slow_one_delays() {
    let (carrier, _stop) = carrier().await;
    let at = &carrier.addresses;
    carrier.lossy("gateway-1", 0.5).expect("there is one");
    let mut answered = 0;
    for _ in 0..40 {
        let answer = options(at.gateway[0], "sip:a", Duration::from_millis(50)).await;
        answered += u32::from(answer.is_some());
    }
    assert!((8..=32).contains(&answered), "{answered} of 40 came through 50 % loss");
    carrier.heal("gateway-1").expect("there is one");
    carrier.delay("access-1", Duration::from_millis(120)).expect("there is one");
    let before = tokio::time::Instant::now();
    assert_eq!(options(at.gateway[0], "sip:a", PATIENCE).await, Some(200));
    assert!(before.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn two_carriers_live_side_by_side() {
    let (one, _stop) = carrier().await;
    let (two, _stop) = carrier().await;
    one.cut("device-1").expect("there is one");
    assert_eq!(options(two.addresses.gateway[0], "sip:a", PATIENCE).await, Some(200));
    assert_eq!(options(one.addresses.gateway[0], "sip:a", SILENCE).await, None);
}

#[tokio::test]
async fn the_settings_are_accepted_and_name_the_whole_network() {
    let (carrier, _stop) = carrier().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("linesman.toml");
    std::fs::write(&file, carrier.settings_toml()).expect("a file");
    let settings = crate::settings::load(&file, []).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let inventory = &settings.inventory;
    // Device, far ends, trunks; two for a server; modem, SIP and registration for a customer.
    assert_eq!(inventory.targets().len(), 1 + 2 + 3 + 2 * 2 + 3 * CUSTOMERS);
    let link = inventory.find("link-1").expect("there is a link-1");
    assert_eq!(inventory.customers_behind(link).len(), 12);
}
