//! Calls between a gateway and a trunk of the simulated network, handed over as HEP, as servers do.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use linesman::clock::{Clock as _, SystemClock};
use linesman_media::capture::write::{Leg, Scene, Talk, Wrap, sdp};

/// When scenes of the library begin.
const SCENE_BEGIN_NS: i64 = 1_700_000_000_000_000_000;

/// An IPv4 packet of a scene as HEP3.
fn hep(frame: &[u8], at_ns: i64) -> Vec<u8> {
    let address = |from: usize| Ipv4Addr::new(frame[from], frame[from + 1], frame[from + 2], frame[from + 3]);
    let port = |from: usize| [frame[from], frame[from + 1]];
    let payload = &frame[28..];
    let kind = if payload[0].is_ascii_uppercase() { 1 } else { 4 };
    let mut chunks = Vec::with_capacity(payload.len() + 128);
    let mut chunk = |number: u16, value: &[u8]| {
        chunks.extend(0_u16.to_be_bytes());
        chunks.extend(number.to_be_bytes());
        chunks.extend((value.len() as u16 + 6).to_be_bytes());
        chunks.extend(value);
    };
    chunk(1, &[2]);
    chunk(2, &[17]);
    chunk(3, &address(12).octets());
    chunk(4, &address(16).octets());
    chunk(7, &port(20));
    chunk(8, &port(22));
    chunk(9, &((at_ns / 1_000_000_000) as u32).to_be_bytes());
    chunk(0x0a, &((at_ns % 1_000_000_000 / 1_000) as u32).to_be_bytes());
    chunk(0x0b, &[kind]);
    chunk(0x0c, &7_u32.to_be_bytes());
    chunk(0x0f, payload);
    let mut packet = b"HEP3".to_vec();
    packet.extend((chunks.len() as u16 + 6).to_be_bytes());
    packet.extend(chunks);
    packet
}

/// The port and host of a key as `sip = "127.77.3.1:4711"` under `name = "trunk-1"`.
pub fn sip_of(settings: &str, name: &str) -> SocketAddr {
    let after = settings.split(&format!("name = \"{name}\"")).nth(1).expect("the carrier has it");
    let stated = after.split("sip = \"").nth(1).and_then(|rest| rest.split('"').next());
    stated.and_then(|text| text.parse().ok()).expect("it has SIP")
}

/// One call of so many seconds from a gateway over a trunk: who it is between, and what of the carrier's voice is lost.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub number: u16,
    pub gateway: SocketAddr,
    pub trunk: SocketAddr,
    pub name: &'a str,
    pub lose_every: u16,
}

/// How long each lasts.
pub const SECONDS: i64 = 22;

/// Puts a call into a scene.
pub fn talk(scene: &mut Scene, call: &Call<'_>) {
    let media = |host: IpAddr, port: u16| SocketAddr::new(host, port);
    let (ours, theirs) = (
        media(call.gateway.ip(), 10_000 + 2 * call.number),
        media(call.trunk.ip(), 30_000 + 2 * call.number),
    );
    let from = format!("1380000{:04}", call.number);
    let leg =
        Leg::new(call.gateway, call.trunk, &format!("{}-{}", call.name, call.number), &from, "8613912345678");
    let describe = |address| sdp(address, "audio", "RTP/AVP 8", "a=ptime:20");
    scene.answered_call(0, &leg, 200, &describe(ours), &describe(theirs));
    let whole = |source, destination, ssrc| Talk {
        packets: (SECONDS * 50) as u16,
        ..Talk::new(source, destination, 250, ssrc)
    };
    scene.talk(whole(ours, theirs, 0x1000 + u32::from(call.number)));
    let lossy = Talk { lose_every: call.lose_every, ..whole(theirs, ours, 0x2000 + u32::from(call.number)) };
    scene.talk(lossy);
    scene.bye(SECONDS * 1_000 + 400, &leg);
}

/// Everything of a scene, as if it had just ended, over a connection: nothing is lost on it.
pub fn hand_over(scene: Scene, port: u16) {
    let now = SystemClock.now_utc().timestamp_nanos_opt().expect("this century");
    let shift = now - SECONDS * 1_000_000_000 - 500_000_000 - SCENE_BEGIN_NS;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens for HEP");
    let packets: Vec<u8> =
        scene.frames().iter().flat_map(|frame| hep(&frame.bytes, frame.at + shift)).collect();
    stream.write_all(&packets).expect("it reads");
}

/// A scene without anything in it, for calls.
pub fn empty_scene() -> Scene {
    Scene::new(Wrap::Raw)
}
