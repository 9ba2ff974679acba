//! What is a stream, and what only looks like one.

use super::super::testing::{at, read, seen, stream};
use super::super::write::{Scene, Talk, Wrap, rtp, sdp};
use crate::capture::write::Leg;
use crate::quality::generate::Random;

fn scene() -> Scene {
    Scene::new(Wrap::Ethernet)
}

#[test]
fn without_any_signalling_rtp_shows_itself_and_counts_from_its_first_packet() {
    let mut scene = scene();
    scene
        .talk(Talk { lose_every: 10, ..Talk::new(at("10.0.0.1:4000"), at("10.0.0.2:8000"), 0, 0x58f3_3dea) });
    scene.talk(Talk {
        payload_type: 97,
        ..Talk::new(at("[2001:db8::1]:4000"), at("[2001:db8::2]:8000"), 7, 2)
    });
    let report = seen(scene);
    let [first, second] = report.streams.as_slice() else { panic!("{:?}", report.streams.len()) };
    assert_eq!(first.id, "0x58f33dea@10.0.0.1:4000>10.0.0.2:8000");
    assert_eq!(
        (first.quality.received, first.quality.lost, first.quality.codec.as_deref()),
        (450, 49, Some("PCMA"))
    );
    assert_eq!((second.quality.received, second.quality.codec.as_deref()), (500, None));
    assert!(second.quality.mos.is_none() && second.quality.model.not_scorable.is_some());
    assert!(report.calls.is_empty());
}

#[test]
fn dns_stun_quic_and_noise_are_no_streams() {
    let mut scene = scene();
    let mut random = Random::new(7);
    let (here, there) = (at("10.0.0.1:40000"), at("10.0.0.2:50000"));
    for index in 0..2_000_u16 {
        let time = i64::from(index) * 20;
        // DNS whose identifiers happen to read as version 2: counters, and the same flags and zeros behind.
        let mut dns = vec![0x80 | (index >> 8) as u8 & 0x3f, index as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        dns.extend(b"\x07example\x03com\0\0\x01\0\x01");
        scene.datagram(time, here, at("10.0.0.53:53"), &dns);
        scene.datagram(time, at("10.0.0.1:5353"), at("224.0.0.251:5353"), &dns);
        // The same on ports that say nothing.
        scene.datagram(time, here, there, &dns);
        // STUN: two zero bits, a type, a length, the cookie.
        let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.extend(random.bits().to_be_bytes());
        scene.datagram(time, here, at("10.0.0.3:6000"), &stun);
        // Encrypted tunnels: all random, or random behind a constant head that reads as version 2.
        let noise: Vec<u8> = (0..40).map(|_| random.bits() as u8).collect();
        scene.datagram(time, here, at("10.0.0.4:6000"), &noise);
        let mut headed = noise.clone();
        headed[..4].copy_from_slice(&[0x90, 0x11, 0x22, 0x33]);
        scene.datagram(time, here, at("10.0.0.5:6000"), &headed);
        let mut esp = noise;
        esp[..4].copy_from_slice(&[0x81, 8, 0x22, 0x33]);
        esp[4..8].copy_from_slice(&u32::from(index).to_be_bytes());
        scene.datagram(time, at("10.0.0.1:4500"), at("10.0.0.2:4500"), &esp);
    }
    let report = seen(scene);
    assert_eq!(report.streams.iter().map(|stream| &stream.id).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(!report.has_problem());
}

#[test]
fn a_flood_of_invented_ssrcs_makes_no_stream_and_hides_none() {
    let mut scene = scene();
    let mut random = Random::new(3);
    for index in 0..60_000_i64 {
        let (sequence, ssrc) = (random.bits() as u16, random.bits() as u32);
        let bytes = rtp(0, false, sequence, random.bits() as u32, ssrc, &[0; 20]);
        scene.datagram(index / 6, at("10.0.0.9:4000"), at("10.0.0.2:8000"), &bytes);
    }
    for ssrc in 1..=20 {
        let port = 9_000 + 2 * u16::try_from(ssrc).unwrap();
        let destination = std::net::SocketAddr::new(at("10.0.0.2:0").ip(), port);
        scene.talk(Talk::new(at("10.0.0.1:4000"), destination, i64::from(ssrc), ssrc));
    }
    let report = seen(scene);
    assert_eq!(report.streams.len(), 20);
    assert!(report.streams.iter().all(|stream| stream.quality.received == 500 && stream.quality.lost == 0));
}

#[test]
fn an_announced_stream_of_a_single_packet_counts() {
    let mut scene = scene();
    let leg = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), "short", "1001", "1002");
    let (caller, callee) = (at("10.0.0.1:4000"), at("10.0.0.2:8000"));
    scene.answered_call(
        0,
        &leg,
        500,
        &sdp(caller, "audio", "RTP/AVP 8", ""),
        &sdp(callee, "audio", "RTP/AVP 8", ""),
    );
    scene.talk(Talk { packets: 1, ..Talk::new(caller, callee, 600, 1) });
    scene.talk(Talk { packets: 2, ..Talk::new(callee, caller, 600, 2) });
    let report = seen(scene);
    assert_eq!(stream(&report, "0x00000001").quality.received, 1);
    assert_eq!(stream(&report, "0x00000002").quality.received, 2);
}

#[test]
fn packets_cut_by_the_snap_length_count_like_whole_ones() {
    let mut scene = scene();
    scene.talk(Talk::new(at("10.0.0.1:4000"), at("10.0.0.2:8000"), 0, 5));
    let mut frames = scene.frames();
    for frame in &mut frames {
        frame.bytes.truncate(14 + 20 + 8 + 12);
    }
    let report = read(&frames, 1);
    let quality = &stream(&report, "0x00000005").quality;
    assert_eq!((quality.received, quality.payload_bytes), (500, 160));
}

#[test]
fn packets_that_overtake_the_answer_are_counted_with_their_stream_and_their_call() {
    let mut scene = scene();
    let (caller, server) = (at("10.0.0.1:5060"), at("10.0.0.2:5060"));
    let (ours, describe) = (at("10.0.0.1:4000"), |address| sdp(address, "audio", "RTP/AVP 8", ""));
    for number in 0..2_u16 {
        let begin = i64::from(number) * 2_000;
        let theirs = std::net::SocketAddr::new(at("10.0.0.2:0").ip(), 30_000 + 20 * number);
        let leg = Leg::new(caller, server, &format!("call-{number}"), "1001", "1002");
        scene.answered_call(begin, &leg, 200, &describe(ours), &describe(theirs));
        // The callee's media, and what the caller sends without waiting, are there 10 ms before the answer.
        for (source, destination, ssrc) in [(theirs, ours, 100), (ours, theirs, 200)] {
            let packets = 60;
            scene.talk(Talk {
                packets,
                ..Talk::new(source, destination, begin + 190, ssrc + u32::from(number))
            });
        }
        scene.bye(begin + 1_500, &leg);
    }
    let report = seen(scene);
    assert_eq!(
        report.streams.len(),
        4,
        "{:#?}",
        report.streams.iter().map(|one| &one.id).collect::<Vec<_>>()
    );
    for stream in &report.streams {
        assert_eq!((stream.quality.received, stream.quality.lost), (60, 0), "{}", stream.id);
        let number = if stream.ssrc.ends_with('5') || stream.ssrc.ends_with('9') { 1 } else { 0 };
        assert_eq!(stream.call_id, Some(format!("call-{number}")), "{}", stream.id);
    }
}
