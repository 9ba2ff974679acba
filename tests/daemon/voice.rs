//! From bad calls on one landing trunk to exactly one ticket of class D, resolved when calls are heard to be good; calls
//! handed over as HEP, as servers do, so no privilege is needed.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use linesman::clock::{Clock as _, SystemClock};
use linesman::sim::Carrier;
use linesman_media::capture::write::{Leg, Scene, Talk, Wrap, sdp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::daemon::{Daemon, free_port, settings_in};
use crate::support::eventually;

const SEED: u64 = 11;
/// A debug build beside other tests.
const WITHIN: Duration = Duration::from_secs(120);
/// When scenes of the library begin.
const SCENE_BEGIN_NS: i64 = 1_700_000_000_000_000_000;

/// An IPv4 packet of a scene as HEP3, `shift` later than it was written.
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
fn sip_of(settings: &str, name: &str) -> SocketAddr {
    let after = settings.split(&format!("name = \"{name}\"")).nth(1).expect("the carrier has it");
    let stated = after.split("sip = \"").nth(1).and_then(|rest| rest.split('"').next());
    stated.and_then(|text| text.parse().ok()).expect("it has SIP")
}

/// One call of so many seconds from a gateway over a trunk: who it is between, and what of the carrier's voice is lost.
struct Call<'a> {
    number: u16,
    gateway: SocketAddr,
    trunk: SocketAddr,
    name: &'a str,
    lose_every: u16,
}

const SECONDS: i64 = 22;

fn talk(scene: &mut Scene, call: &Call<'_>) {
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
fn hand_over(scene: Scene, port: u16) {
    let now = SystemClock.now_utc().timestamp_nanos_opt().expect("this century");
    let shift = now - SECONDS * 1_000_000_000 - 500_000_000 - SCENE_BEGIN_NS;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens for HEP");
    let packets: Vec<u8> =
        scene.frames().iter().flat_map(|frame| hep(&frame.bytes, frame.at + shift)).collect();
    stream.write_all(&packets).expect("it reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_calls_of_one_trunk_open_one_ticket_of_class_d_and_a_single_bad_call_opens_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, hep_port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(SEED, &tasks, &stop).await.expect("loopback takes sockets");
    let network = format!(
        "{}\n[voice]\nhep = [\"127.0.0.1:{hep_port}\"]\nlook_back = \"1m\"\n",
        carrier.settings_toml()
    );
    let (daemon, api) = Daemon::start(folder.path(), &address, &network, &[], None).await;
    eventually("all targets measured", WITHIN, async || {
        api.targets().await.iter().all(|target| target["last"].is_object()).then_some(())
    })
    .await;

    let settings = settings_in(folder.path(), &address, &network);
    let trunks = ["trunk-1", "trunk-2", "trunk-3"].map(|name| sip_of(&settings, name));
    let gateway = |number: u16| sip_of(&settings, &format!("gateway-{number}"));
    let mut scene = Scene::new(Wrap::Raw);
    for number in 1..=20 {
        let (trunk, lose_every) = match number {
            // Six of seven calls of the first trunk, each with losses of its own.
            1..=6 => (0, 9 + number),
            // A single bad call on the second.
            7 => (1, 8),
            8 => (0, 0),
            number => (1 + usize::from(number % 2), 0),
        };
        let call = Call { number, gateway: gateway(number), trunk: trunks[trunk], name: "first", lose_every };
        talk(&mut scene, &call);
    }
    tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");

    let opened: Value = eventually("a ticket about trunk-1", WITHIN, async || {
        api.tickets().await.into_iter().find(|ticket| ticket["segment"] == "trunk-1")
    })
    .await;
    assert_eq!((&opened["class"], &opened["cause"]), (&"D".into(), &"landing-trunk".into()), "{opened}");
    let number = opened["number"].as_str().expect("a number");
    let calls: Value = eventually("the calls to be kept", WITHIN, async || {
        let kept = api.get("/api/v1/calls?bad=true&trunk=trunk-1").await;
        (kept["calls"].as_array().is_some_and(|calls| calls.len() >= 6)).then_some(kept)
    })
    .await;
    assert_eq!(api.tickets().await.len(), 1, "one root cause, one ticket; one bad call, none");

    let voice: Value = eventually("all bad calls on the ticket", WITHIN, async || {
        let evidence = api.get(&format!("/api/v1/tickets/{number}/evidence")).await;
        let all = evidence["evidence"]
            .as_array()?
            .iter()
            .map(|one| one["fault"]["voice"].clone())
            .collect::<Vec<_>>();
        all.into_iter().find(|voice| voice["bad_calls"] == 6)
    })
    .await;
    assert_eq!(voice["worst"].as_array().map(Vec::len), Some(3), "{voice:#}");
    assert_eq!(voice["customers"].as_array().map(Vec::len), Some(6), "{voice:#}");
    assert!(voice["elsewhere_bad"].as_u64().is_some_and(|bad| bad <= 1), "{voice:#}");
    let worst = voice["worst"][0]["call"].as_str().expect("an id");
    let call = api.get(&format!("/api/v1/calls/{worst}")).await;
    assert_eq!((&call["trunk"], &call["gateway"]), (&"trunk-1".into(), &"gateway-1".into()), "{call:#}");
    assert!(!call["streams"][0]["windows"].as_array().expect("windows").is_empty());
    assert_eq!(calls["calls"][0]["masked"], true);
    assert!(calls["calls"][0]["from"].as_str().is_some_and(|from| from.contains("****")), "{calls:#}");
    let explained = api.get(&format!("/api/v1/tickets/{number}/explain")).await;
    let said = explained.to_string();
    assert!(said.contains("6 of ") && said.contains("trunk-1"), "{explained:#}");
    for secret in ["13800000001", "8613912345678"] {
        assert!(
            !said.contains(secret) && !voice.to_string().contains(secret),
            "a number stands on the ticket"
        );
    }

    let rounds = eventually("the trunk's voice as observations", WITHIN, async || {
        let rounds = api.get("/api/v1/targets/trunk-1%2Frtp-in/observations").await;
        rounds["observations"].as_array().is_some_and(|rounds| !rounds.is_empty()).then_some(rounds)
    })
    .await;
    assert_eq!(rounds["observations"][0]["outcome"], "answered", "{rounds:#}");

    // Calls of half a minute later are heard to be good: they prove the end.
    let last_bad: DateTime<Utc> = serde_json::from_value(voice["last_seen"].clone()).expect("a time");
    let (until, clock) = (last_bad + TimeDelta::seconds(SECONDS + 12), SystemClock);
    eventually("half a minute to have passed", WITHIN, async || (clock.now_utc() > until).then_some(()))
        .await;
    let is_over = |ticket: &Value| {
        ticket["number"] == number
            && ["resolved", "settled", "closed"].iter().any(|state| ticket["state"] == *state)
    };
    // And calls go on, as they do: on a busy machine the first may be too old before they are looked at.
    let (mut later, mut next) = (30_u16, Instant::now());
    eventually("the ticket resolved by what is heard", WITHIN, async || {
        if api.tickets().await.iter().any(is_over) {
            return Some(());
        }
        if Instant::now() >= next {
            let mut scene = Scene::new(Wrap::Raw);
            for number in 1..=8 {
                let gateway = gateway(number);
                let call =
                    Call { number: later + number, gateway, trunk: trunks[0], name: "later", lose_every: 0 };
                talk(&mut scene, &call);
            }
            tokio::task::spawn_blocking(move || hand_over(scene, hep_port)).await.expect("handed over");
            (later, next) = (later + 8, Instant::now() + Duration::from_secs(20));
        }
        None
    })
    .await;
    assert!(daemon.stop().await.success(), "SIGTERM ends it well");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
