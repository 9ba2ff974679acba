//! What is sent to us: known packets, any bytes, and the way of each through the engine.

use std::borrow::Cow;

use proptest::prelude::*;

use super::hep::{Carries, Framer, Hep, NotHep};
use super::*;
use crate::capture::live::{Limits, Live};
use crate::capture::net::Endpoint;
use crate::capture::testing::at;
use crate::capture::write::{Leg, rtp, sdp};
use crate::quality::rtcp::Packet;
use crate::quality::stream::Settings;

fn chunk(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 6).unwrap();
    [&[0, 0], kind.to_be_bytes().as_slice(), &length.to_be_bytes(), body].concat()
}

/// As rtpengine writes it, chunks in its order.
fn packet(protocol: u8, source: &str, destination: &str, seconds: u32, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = (at(source), at(destination));
    let octets = |ip: std::net::IpAddr| match ip {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let (family, from) = if source.is_ipv4() { (2, 3) } else { (10, 5) };
    let chunks = [
        chunk(1, &[family]),
        chunk(2, &[17]),
        chunk(7, &source.port().to_be_bytes()),
        chunk(8, &destination.port().to_be_bytes()),
        chunk(9, &seconds.to_be_bytes()),
        chunk(10, &250_000_u32.to_be_bytes()),
        chunk(11, &[protocol]),
        chunk(12, &2001_u32.to_be_bytes()),
        chunk(from, &octets(source.ip())),
        chunk(from + 1, &octets(destination.ip())),
        chunk(0x11, b"hep-test-1@x"),
        chunk(0x0f, payload),
    ]
    .concat();
    let length = u16::try_from(chunks.len() + 6).unwrap();
    [b"HEP3".as_slice(), &length.to_be_bytes(), &chunks].concat()
}

/// What Debian's rtpengine 10.5.3.5 sent, as `voice.md` notes it.
const RTPENGINE: &str = r#"{ "sender_information":{"ntp_timestamp_sec":4004271505,"ntp_timestamp_usec":2231672832,"octets":16000,"rtp_timestamp":16000, "packets":100},"ssrc":286331153,"type":200,"report_count":1,"report_blocks":[{"source_ssrc":572662306,"highest_seq_no":100,"fraction_lost":5,"ia_jitter":120,"packets_lost":7,"lsr":0,"dlsr":0}],"sdes_report_count":1,"sdes_information":[]}"#;

#[test]
fn a_packet_of_rtpengine_is_read_with_all_it_says() {
    let bytes = packet(5, "10.0.0.1:30001", "10.0.0.2:40001", 1_700_000_000, RTPENGINE.as_bytes());
    let read = hep::parse(&bytes).unwrap();
    assert_eq!(read.carries, Carries::RtcpJson);
    assert_eq!(read.source, Endpoint::from(at("10.0.0.1:30001")));
    assert_eq!(read.destination, Endpoint::from(at("10.0.0.2:40001")));
    assert_eq!(read.at, Some(1_700_000_000_250_000_000));
    assert_eq!((read.agent, read.correlation_id.as_deref()), (2001, Some("hep-test-1@x")));
    let packets = rtcp_json::parse(&read.payload);
    let [Packet::SenderReport { ssrc, sender, blocks }] = packets.as_slice() else { panic!("{packets:?}") };
    assert_eq!((*ssrc, sender.packets, sender.ntp), (0x1111_1111, 100, 4_004_271_505 << 32 | 2_231_672_832));
    assert_eq!((blocks[0].ssrc, blocks[0].cumulative_lost, blocks[0].jitter), (0x2222_2222, 7, 120));
}

#[test]
fn other_writers_of_json_are_understood_too() {
    // Asterisk: strings for the time, a receiver report has no sender; captagent: negative SSRC.
    let asterisk = br#"{"ssrc":1,"type":201,"report_count":1,"report_blocks":[{"source_ssrc":-2,"fraction_lost":0,"packets_lost":16777213,"highest_seq_no":65700,"ia_jitter":3,"lsr":"12","dlsr":"7"}]}"#;
    let packets = rtcp_json::parse(&[asterisk.as_slice(), &[0]].concat());
    let [Packet::ReceiverReport { blocks, .. }] = packets.as_slice() else { panic!("{packets:?}") };
    assert_eq!((blocks[0].ssrc, blocks[0].cumulative_lost, blocks[0].last_sr), (u32::MAX - 1, -3, 12));
    let extended = br#"{"ssrc":5,"type":207,"report_blocks":[],"report_blocks_xr":{"type":7,"id":9,"fraction_lost":13,"fraction_discard":2,"burst_density":128,"round_trip_delay":80,"end_system_delay":60}}"#;
    let packets = rtcp_json::parse(extended);
    let [Packet::ExtendedReport { voip, .. }] = packets.as_slice() else { panic!("{packets:?}") };
    assert_eq!((voip[0].ssrc, voip[0].loss_rate, voip[0].mos_lq_tenths), (9, 13, None));
    assert!(rtcp_json::parse(b"[1]").is_empty() && rtcp_json::parse(b"{}").is_empty());
}

#[test]
fn damaged_packets_say_what_is_wrong() {
    let whole = packet(1, "10.0.0.1:5060", "10.0.0.2:5060", 1, b"x");
    assert_eq!(hep::parse(b"HEP2....").unwrap_err(), NotHep::Magic);
    assert!(matches!(hep::parse(&whole[..whole.len() - 1]), Err(NotHep::Length { .. })));
    let mut short = whole.clone();
    short[11] = 3;
    assert_eq!(hep::parse(&short).unwrap_err(), NotHep::Chunk);
    assert_eq!(hep::parse(b"HEP3\0\x06").unwrap_err(), NotHep::NoPayload);
}

#[test]
fn a_compressed_payload_is_unfolded_within_bounds() {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 4 << 20]).unwrap();
    let bytes = [chunk(11, &[1]), chunk(0x10, &encoder.finish().unwrap())].concat();
    let length = u16::try_from(bytes.len() + 6).unwrap();
    let whole = [b"HEP3".as_slice(), &length.to_be_bytes(), &bytes].concat();
    assert_eq!(hep::parse(&whole).unwrap().payload.len(), 128 << 10);
}

#[test]
fn a_connection_gives_each_packet_however_it_is_cut() {
    let one = packet(1, "10.0.0.1:5060", "10.0.0.2:5060", 1, b"one");
    let two = packet(1, "[2001:db8::1]:5060", "[2001:db8::2]:5060", 1, b"two");
    let all = [one.as_slice(), &two].concat();
    for cut in 0..all.len() {
        let mut framer = Framer::default();
        let mut seen = Vec::new();
        for part in [&all[..cut], &all[cut..]] {
            framer.push(part, |bytes| seen.push(hep::parse(bytes).unwrap().payload.into_owned())).unwrap();
        }
        assert_eq!(seen, [b"one".to_vec(), b"two".to_vec()], "cut at {cut}");
    }
    assert!(Framer::default().push(b"GET / HTTP/1.1", |_| ()).is_err());
}

fn live() -> Live {
    Live::new(Settings::default(), Limits::default())
}

#[test]
fn a_call_that_only_reaches_us_by_hep_is_a_call_with_its_media_and_the_endpoints_word() {
    let mut live = live();
    let (caller, callee) = ("10.0.0.1:4000", "10.0.0.2:8000");
    let leg = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), "hep-test-1@x", "1001", "1002");
    let pcma = |address: &str| sdp(at(address), "audio", "RTP/AVP 8", "a=ptime:20");
    let mut take = |protocol, from: &str, to: &str, second, payload: &[u8]| {
        let bytes = packet(protocol, from, to, second, payload);
        assert!(live.hep(0, &hep::parse(&bytes).unwrap()));
    };
    take(1, "10.0.0.1:5060", "10.0.0.2:5060", 100, leg.request("INVITE", 1, false, &pcma(caller)).as_bytes());
    let answer = leg.request("INVITE", 1, true, &pcma(callee));
    let answer = answer.replacen(answer.lines().next().unwrap(), "SIP/2.0 200 OK", 1);
    let answer =
        answer.replace(";tag=theirs", "").replace("<sip:1002@b.example>", "<sip:1002@b.example>;tag=theirs");
    take(1, "10.0.0.2:5060", "10.0.0.1:5060", 101, answer.as_bytes());
    for number in 0..100_u16 {
        let bytes = rtp(8, number == 0, number, u32::from(number) * 160, 7, &[number as u8; 160]);
        take(4, caller, callee, 102, &bytes);
    }
    // About the stream that was seen, and about one that was not.
    let about = |ssrc: u32, lost: u32| {
        format!(
            r#"{{"ssrc":9,"type":201,"report_blocks":[{{"source_ssrc":{ssrc},"fraction_lost":0,"packets_lost":{lost},"highest_seq_no":99,"ia_jitter":80}}]}}"#
        )
    };
    take(5, "10.0.0.2:8001", "10.0.0.1:4001", 103, about(7, 3).as_bytes());
    take(5, "10.0.0.1:4001", "10.0.0.2:8001", 104, about(8, 5).as_bytes());
    take(5, "10.0.0.1:4001", "10.0.0.2:8001", 109, about(8, 6).as_bytes());
    let (report, _) = live.finish(110_000_000_000);
    assert_eq!((report.calls.len(), report.streams.len(), report.reported.len()), (1, 1, 1));
    assert_eq!(report.streams[0].quality.lost, 0, "an endpoint's word is not our count");
    assert_eq!(report.streams[0].rtcp.as_ref().unwrap().told.lost, Some(3));
    assert_eq!(report.streams[0].call_id.as_deref(), Some("hep-test-1@x"));
    let said = &report.reported[0];
    assert_eq!((said.ssrc.as_deref(), said.call_id.as_deref()), (Some("0x00000008"), Some("hep-test-1@x")));
    let told = &said.rtcp.as_ref().unwrap().told;
    assert_eq!((told.reports, told.lost, told.jitter_max_ms), (2, Some(6), Some(10.0)));
}

const STANDARD: &str = "VQSessionReport: CallTerm\r\nCallID: 12345678@192.0.2.1\r\nLocalID: Alice <sip:alice@example.org>\r\n\
RemoteID: <sip:bill@example.net>\r\nOrigID: <sip:alice@example.org>\r\nLocalAddr: IP=10.10.1.100 PORT=5000 SSRC=1a3b5c7d\r\n\
RemoteAddr: IP=11.1.1.150 PORT=5002 SSRC=0x2468abcd\r\nLocalMetrics:\r\nTimestamps:START=2004-10-10T18:23:43Z STOP=2004-10-01T18:26:02Z\r\n\
SessionDesc:PT=18 PD=G729 SR=8000 FD=20 FO=20 FPP=2 PPS=50 PLC=3 SSUP=on\r\nPacketLoss:NLR=5.0 JDR=2.0\r\n\
BurstGapLoss:BLD=0.7 BD=60 GLD=0.0 GD=30000 GMIN=16\r\nDelay:RTD=200 ESD=177 SOWD=88 IAJ=2\r\nSignal:SL=-21 NL=-64 RERL=127\r\n\
QualityEst:RLQ=90 RCQ=92 EXTRI=127 MOSLQ=3.8 MOSCQ=127\r\nRemoteMetrics:\r\nPacketLoss:NLR=1.0 JDR=0\r\nDialogID:1@x\r\n";

fn publish(method: &str, event: &str, kind: &str, body: &str) -> String {
    format!(
        "{method} sip:collector@example.org SIP/2.0\r\nVia: SIP/2.0/UDP pc22.example.org;branch=z9hG4bK3343d7\r\n\
         v: SIP/2.0/UDP second\r\nMax-Forwards: 70\r\nTo: <sip:proxy@example.org>\r\nFrom: Alice <sip:alice@example.org>;tag=a3343df32\r\n\
         Call-ID: k3l43id034kevnx7334s\r\nCSeq: 4 {method}\r\nContact: <sip:alice@pc22.example.org>\r\nEvent: {event}\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_published_report_is_read_and_answered() {
    let answered =
        vq::answer(publish("PUBLISH", "vq-rtcpxr", "application/vq-rtcpxr", STANDARD).as_bytes(), 0xabc);
    let report = answered.report.expect("a report");
    assert_eq!((report.kind, report.call_id.as_deref()), (vq::Kind::Session, Some("12345678@192.0.2.1")));
    assert_eq!((report.remote_ssrc, report.local), (Some(0x2468_abcd), Some(at("10.10.1.100:5000").into())));
    let receives = report.receives.unwrap();
    assert_eq!((receives.loss_ratio, receives.discard_ratio), (Some(0.05), Some(0.02)));
    assert_eq!((receives.mos_lq, receives.mos_cq, receives.r_factor), (Some(3.8), None, Some(92.0)));
    assert_eq!((receives.round_trip_ms, receives.codec.as_deref()), (Some(200.0), Some("G729")));
    assert_eq!(report.other_receives.unwrap().loss_ratio, Some(0.01));
    let response = answered.response.expect("an answer");
    assert_eq!(
        response,
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP pc22.example.org;branch=z9hG4bK3343d7\r\nVia: SIP/2.0/UDP second\r\n\
         From: Alice <sip:alice@example.org>;tag=a3343df32\r\nTo: <sip:proxy@example.org>;tag=lmabc\r\n\
         Call-ID: k3l43id034kevnx7334s\r\nCSeq: 4 PUBLISH\r\nSIP-ETag: abc\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn the_older_dialect_of_poly_is_read_too() {
    let poly = "VQSessionReport\r\nLocalMetrics:\r\nTimeStamps:START=2011-05-31T08:31:15Z STOP=2011-05-31T08:31:21Z\r\n\
        SessionDesc:PT=0 PD=PCMU SR=8000 FD=20 FPP=1 PPS=50 PLC=3 SSUP=off\r\nCallID:dfb8e3a@10.1.1.7\r\n\
        FromID:<sip:401@10.1.1.2>;tag=1\r\nToID:<sip:402@10.1.1.2>;tag=2\r\nLocalAddr:IP=10.1.1.7 PORT=2240 SSRC=3\r\n\
        RemoteAddr:IP=10.1.1.2 PORT=12300 SSRC=4\r\nPacketLoss:NLR=0.0 JDR=0.4\r\nQualityEst:MOSLQ=0 MOSCQ=4.0\r\n";
    let report = vq::parse(poly.as_bytes()).unwrap();
    assert_eq!((report.call_id.as_deref(), report.remote_ssrc), (Some("dfb8e3a@10.1.1.7"), Some(4)));
    let receives = report.receives.unwrap();
    assert_eq!((receives.discard_ratio, receives.mos_lq, receives.mos_cq), (Some(0.004), None, Some(4.0)));
}

#[test]
fn what_is_no_report_is_refused_with_what_would_be_one() {
    let status = |method: &str, event: &str, kind: &str, body: &str| {
        let answered = vq::answer(publish(method, event, kind, body).as_bytes(), 1);
        assert!(answered.report.is_none());
        answered.response.unwrap().lines().next().unwrap()[8..11].to_owned()
    };
    assert_eq!(status("PUBLISH", "presence", "application/pidf+xml", ""), "489");
    assert_eq!(status("PUBLISH", "vq-rtcpxr", "text/plain", STANDARD), "415");
    assert_eq!(status("PUBLISH", "vq-rtcpxr", "application/vq-rtcpxr", "hello"), "400");
    assert_eq!(status("INVITE", "vq-rtcpxr", "application/sdp", ""), "405");
    assert_eq!(status("OPTIONS", "", "", ""), "200");
    assert_eq!(vq::answer(publish("ACK", "", "", "").as_bytes(), 1).response, None);
    assert_eq!(vq::answer(b"SIP/2.0 200 OK\r\n\r\n", 1).response, None);
}

#[test]
fn a_published_report_stands_as_the_telephones_word() {
    let mut live = live();
    live.published(5_000_000_000, at("10.10.1.100:5060").into(), vq::parse(STANDARD.as_bytes()).unwrap());
    let (report, _) = live.finish(6_000_000_000);
    let [row] = report.reported.as_slice() else { panic!("{:?}", report.reported) };
    assert_eq!((row.reporter.as_str(), row.about.as_str()), ("10.10.1.100:5000", "11.1.1.150:5002"));
    assert!(row.vq.is_some() && report.streams.is_empty());
}

#[test]
fn mirrored_frames_are_taken_out_of_their_tunnels() {
    let frame = [9_u8; 60];
    let vxlan = [[8, 0, 0, 0, 0, 0, 42, 0].as_slice(), &frame].concat();
    assert_eq!(tunnel::vxlan(&vxlan).unwrap().1, frame);
    assert_eq!(tunnel::vxlan(&[0; 60]), None);
    let tzsp = [[1, 0, 0, 1, 0, 10, 2, 7, 7, 1].as_slice(), &frame].concat();
    assert_eq!(tunnel::tzsp(&tzsp).unwrap().1, frame);
    assert_eq!(tunnel::tzsp(&[1, 0, 0, 1, 10, 200, 1]), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = hep::parse(&bytes);
        let _ = hep::parse(&[b"HEP3".as_slice(), &bytes].concat());
        let _ = rtcp_json::parse(&bytes);
        let _ = vq::parse(&bytes);
        let _ = vq::answer(&bytes, 1);
        let _ = tunnel::vxlan(&bytes);
        let _ = tunnel::tzsp(&bytes);
    }

    #[test]
    fn damage_to_good_packets_is_survived_by_the_whole_engine(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        protocol in 0..6_u8,
    ) {
        let mut bytes = packet(protocol, "10.0.0.1:30001", "10.0.0.2:40001", 7, RTPENGINE.as_bytes());
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut live = live();
        if let Ok(read) = hep::parse(&bytes) {
            live.hep(0, &read);
        }
        let _ = live.finish(0);
    }

    #[test]
    fn damage_to_good_reports_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..6),
    ) {
        let mut text: Vec<char> = publish("PUBLISH", "vq-rtcpxr", "application/vq-rtcpxr", STANDARD).chars().collect();
        for (place, value) in changes {
            let place = place.index(text.len());
            text[place] = value;
        }
        let text: String = text.into_iter().collect();
        let _ = vq::answer(text.as_bytes(), 7);
    }
}

#[test]
fn a_hep_packet_without_a_time_takes_that_of_its_arrival() {
    let nowhere = Endpoint::from(at("10.0.0.1:4000"));
    let bytes = rtp(8, false, 1, 160, 7, &[1; 160]);
    let hep = Hep {
        carries: Carries::Rtp,
        source: nowhere,
        destination: Endpoint::from(at("10.0.0.2:8000")),
        at: None,
        agent: 0,
        correlation_id: None,
        tos: 0,
        payload: Cow::Borrowed(&bytes),
    };
    let mut live = live();
    assert!(live.hep(123, &hep));
    assert_eq!(live.load().packets, 1);
}
