//! Calls as they happen on real wires: whose stream is whose, and what is said against it.

use super::super::testing::{at, names, read, seen, stream};
use super::super::write::{Leg, Scene, Talk, Wrap, sdp};
use crate::capture::findings::Kind;

use proptest::prelude::*;

const CALLER: &str = "10.0.0.1:4000";
const CALLEE: &str = "10.0.0.2:8000";

fn pcma(address: &str) -> String {
    sdp(at(address), "audio", "RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000\r\na=ptime:20")
}

fn leg() -> Leg {
    Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), "call-1", "4930123456", "862155550000")
}

/// A call of ten seconds that nothing is wrong with, up to its media.
fn ordinary() -> Scene {
    let mut scene = Scene::new(Wrap::Vlan(9));
    scene.answered_call(0, &leg(), 2_000, &pcma(CALLER), &pcma(CALLEE));
    scene.bye(12_100, &leg());
    scene
}

fn both(scene: &mut Scene) {
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_010, 1));
    scene.talk(Talk::new(at(CALLEE), at(CALLER), 2_020, 2));
}

#[test]
fn a_good_call_has_two_streams_its_times_and_no_finding() {
    let mut scene = ordinary();
    both(&mut scene);
    let report = seen(scene);
    let [call] = report.calls.as_slice() else { panic!("{}", report.calls.len()) };
    assert_eq!((call.state, call.status, call.hung_up_by), ("ended", Some(200), Some("caller")));
    assert_eq!((call.setup_ms, call.answer_ms, call.talk_s), (Some(100.0), Some(2_000.0), Some(10.1)));
    assert_eq!((call.from.as_str(), call.to.as_str()), ("4930123456@a.example", "862155550000@b.example"));
    assert_eq!(names(call), Vec::<String>::new(), "{:?}", call.details);
    assert_eq!(
        call.streams,
        ["0x00000001@10.0.0.1:4000>10.0.0.2:8000", "0x00000002@10.0.0.2:8000>10.0.0.1:4000"]
    );
    let there = serde_json::to_value(stream(&report, "0x00000001")).unwrap();
    assert_eq!(
        (&there["call_id"], &there["leg"], &there["direction"], &there["dscp"], &there["lost"]),
        (&"call-1".into(), &"1".into(), &"from_caller".into(), &46.into(), &0.into())
    );
    assert!(!report.has_problem());
}

#[test]
fn a_side_that_is_not_heard_is_named_and_a_side_on_hold_is_not() {
    let mut scene = ordinary();
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_010, 1));
    let report = seen(scene);
    assert_eq!(names(&report.calls[0]), ["one_way_audio"], "{:?}", report.calls[0].details);
    assert!(report.calls[0].details[0].evidence.contains("the callee sent no RTP"));
    assert!(report.has_problem());

    let mut scene = Scene::new(Wrap::Ethernet);
    let listens = pcma(CALLEE) + "a=recvonly\r\n";
    scene.answered_call(0, &leg(), 2_000, &(pcma(CALLER) + "a=sendonly\r\n"), &listens);
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_010, 1));
    scene.bye(12_100, &leg());
    assert_eq!(names(&seen(scene).calls[0]), Vec::<String>::new());
}

#[test]
fn signalling_alone_accuses_nobody_of_silence() {
    let report = seen(ordinary());
    assert_eq!((report.calls[0].state, names(&report.calls[0])), ("ended", vec![]));
}

#[test]
fn a_call_without_media_is_only_reported_where_media_of_its_hosts_passes() {
    let mut scene = ordinary();
    scene.talk(Talk::new(at("10.0.0.2:9000"), at("10.0.0.7:9000"), 0, 9));
    assert_eq!(names(&seen(scene).calls[0]), ["no_media"]);
    let mut scene = ordinary();
    scene.talk(Talk::new(at("10.0.0.8:9000"), at("10.0.0.7:9000"), 0, 9));
    assert_eq!(names(&seen(scene).calls[0]), Vec::<String>::new());
}

#[test]
fn a_server_that_takes_all_its_calls_at_one_port_has_each_stream_in_its_call() {
    let mut scene = Scene::new(Wrap::Ethernet);
    for call in 0..40_u16 {
        let leg = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), &format!("call-{call}"), "1001", "1002");
        let caller = std::net::SocketAddr::new(at(CALLER).ip(), 4_000 + 2 * call);
        let begin = i64::from(call) * 10;
        let description = sdp(caller, "audio", "RTP/AVP 8", "");
        scene.answered_call(begin, &leg, 1_000, &description, &pcma(CALLEE));
        scene.talk(Talk::new(caller, at(CALLEE), begin + 1_010, 1));
        scene.talk(Talk::new(at(CALLEE), caller, begin + 1_020, 1));
        scene.bye(begin + 11_100, &leg);
    }
    let report = seen(scene);
    assert_eq!(report.streams.len(), 80);
    assert!(report.calls.iter().all(|call| call.streams.len() == 2 && call.findings.is_empty()));
}

#[test]
fn comfort_noise_late_media_and_unmarked_packets_are_found() {
    let mut scene = ordinary();
    scene.talk(Talk { flat: Some(0xd5), dscp: 0, ..Talk::new(at(CALLER), at(CALLEE), 2_010, 1) });
    scene.talk(Talk { packets: 300, ..Talk::new(at(CALLEE), at(CALLER), 4_500, 2) });
    let report = seen(scene);
    assert_eq!(
        names(&report.calls[0]),
        ["silent_leg", "late_media", "dscp_missing"],
        "{:?}",
        report.calls[0].details
    );
}

#[test]
fn a_sender_whose_clock_runs_apart_is_named_with_its_direction_and_is_no_problem_by_itself() {
    let mut scene = Scene::new(Wrap::Raw);
    scene.answered_call(0, &leg(), 2_000, &pcma(CALLER), &pcma(CALLEE));
    for (from, to, ssrc) in [(CALLER, CALLEE, 1), (CALLEE, CALLER, 2)] {
        scene.talk(Talk { packets: 3_000, ..Talk::new(at(from), at(to), 2_020, ssrc) });
    }
    scene.bye(62_100, &leg());
    let mut frames = scene.frames();
    let begin = frames[0].at;
    // What the caller says comes ever later: its clock is slow.
    let is_callers = |bytes: &[u8]| bytes[28] >> 6 == 2 && bytes[12..16] == [10, 0, 0, 1];
    for frame in frames.iter_mut().filter(|frame| is_callers(&frame.bytes)) {
        frame.at += (frame.at - begin) / 2_500;
    }
    frames.sort_by_key(|frame| frame.at);
    let report = read(&frames, 101);
    let [found] = report.calls[0].details.as_slice() else { panic!("{:?}", report.calls[0].details) };
    assert_eq!(found.kind, Kind::ClockDrift);
    assert!(found.evidence.starts_with("the caller's clock is -4"), "{}", found.evidence);
    assert!(!report.has_problem());
}

#[test]
fn media_before_the_answer_is_a_finding_unless_it_was_announced() {
    let mut scene = ordinary();
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_010, 1));
    scene.talk(Talk { packets: 600, ..Talk::new(at(CALLEE), at(CALLER), 500, 2) });
    assert_eq!(names(&seen(scene).calls[0]), ["media_before_answer"]);

    let mut scene = Scene::new(Wrap::Ethernet);
    let leg = leg();
    scene.request(0, &leg, "INVITE", 1, false, &pcma(CALLER));
    scene.response(400, &leg, "183 Session Progress", "INVITE", 1, &pcma(CALLEE));
    scene.request(410, &leg, "PRACK", 2, false, "");
    scene.response(420, &leg, "200 OK", "PRACK", 2, "");
    scene.response(2_000, &leg, "200 OK", "INVITE", 1, &pcma(CALLEE));
    scene.request(2_005, &leg, "ACK", 1, false, "");
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_010, 1));
    scene.talk(Talk { packets: 600, ..Talk::new(at(CALLEE), at(CALLER), 500, 2) });
    scene.bye(12_600, &leg);
    let report = seen(scene);
    assert_eq!((names(&report.calls[0]), report.calls[0].legs[0].early_media), (vec![], true));
    assert_eq!(report.calls[0].setup_ms, Some(400.0));
}

#[test]
fn an_offer_in_the_answer_and_an_answer_in_the_acknowledgement_are_understood() {
    let mut scene = Scene::new(Wrap::Ethernet);
    let leg = leg();
    scene.request(0, &leg, "INVITE", 1, false, "");
    scene.response(2_000, &leg, "200 OK", "INVITE", 1, &pcma(CALLEE));
    scene.request(2_005, &leg, "ACK", 1, false, &pcma(CALLER));
    both(&mut scene);
    scene.bye(12_100, &leg);
    let report = seen(scene);
    assert_eq!((names(&report.calls[0]), report.calls[0].streams.len()), (vec![], 2));
}

#[test]
fn a_changed_codec_keeps_the_stream_and_a_refused_change_leaves_everything_as_it_was() {
    let wide = |address: &str| sdp(at(address), "audio", "RTP/AVP 98", "a=rtpmap:98 AMR-WB/16000");
    let mut scene = ordinary();
    let leg = leg();
    scene.request(5_000, &leg, "INVITE", 2, false, &wide(CALLER));
    scene.response(5_050, &leg, "200 OK", "INVITE", 2, &wide(CALLEE));
    scene.request(8_000, &leg, "UPDATE", 1, true, &pcma("10.9.9.9:7000"));
    scene.response_of_caller(8_010, &leg, "488 Not Acceptable Here", "UPDATE", 1, "");
    for (from, to, ssrc) in [(CALLER, CALLEE, 1), (CALLEE, CALLER, 2)] {
        scene.talk(Talk { packets: 150, ..Talk::new(at(from), at(to), 2_010, ssrc) });
        let changed = Talk { packets: 300, payload_type: 98, ..Talk::new(at(from), at(to), 5_060, ssrc) };
        scene.talk(Talk { sequence: changed.sequence.wrapping_add(150), ..changed });
    }
    let report = seen(scene);
    assert_eq!((report.calls.len(), report.streams.len()), (1, 2));
    let formats: Vec<_> =
        stream(&report, "0x00000001").quality.formats.iter().map(|used| used.codec.clone()).collect();
    assert_eq!(formats, [Some("PCMA".to_owned()), Some("AMR-WB".to_owned())]);
    assert_eq!(names(&report.calls[0]), Vec::<String>::new(), "{:?}", report.calls[0].details);
}

#[test]
fn fax_after_a_switch_to_t38_makes_no_stream_and_no_silence() {
    let fax = |address: &str| sdp(at(address), "image", "udptl t38", "a=T38FaxVersion:0");
    let mut scene = ordinary();
    let leg = leg();
    both(&mut scene);
    scene.request(12_020, &leg, "INVITE", 2, true, &fax(CALLEE));
    scene.response_of_caller(12_040, &leg, "200 OK", "INVITE", 2, &fax(CALLER));
    for index in 0..200_u16 {
        let mut udptl = vec![0x80 | (index >> 8) as u8, index as u8];
        udptl.extend([6, 0, 0xc0, 1, 0x80, 0, 0, 0xff, 0xff, index as u8, 3, 4, 5, 6]);
        scene.datagram(12_050 + i64::from(index), at(CALLER), at(CALLEE), &udptl);
    }
    let report = seen(scene);
    assert_eq!((report.streams.len(), report.calls[0].legs[0].t38), (2, true));
    assert_eq!(names(&report.calls[0]), Vec::<String>::new());
}

#[test]
fn a_private_address_in_the_description_is_a_finding_and_the_learned_one_finds_its_call() {
    let mut scene = Scene::new(Wrap::Ethernet);
    let (outside, server) = ("203.0.113.7:31000", "198.51.100.2:8000");
    let leg = Leg::new(at("203.0.113.7:1024"), at("198.51.100.2:5060"), "nat", "1001", "862155550000");
    scene.answered_call(0, &leg, 2_000, &pcma("192.168.1.20:4000"), &pcma(server));
    scene.talk(Talk::new(at(outside), at(server), 2_010, 1));
    scene.talk(Talk::new(at(server), at(outside), 2_050, 2));
    scene.bye(12_100, &leg);
    let report = seen(scene);
    assert_eq!(names(&report.calls[0]), ["wrong_address"], "{:?}", report.calls[0].details);
    let details = &report.calls[0].details[0].evidence;
    assert!(
        details.contains("announced 192.168.1.20:4000") && details.contains("comes from 203.0.113.7:31000"),
        "{details}"
    );
    assert_eq!(stream(&report, "0x00000002").attributed_by, Some("symmetric"));
}

#[test]
fn asymmetric_codecs_and_packet_times_are_told() {
    let two = |address: &str| sdp(at(address), "audio", "RTP/AVP 8 0", "");
    let mut scene = Scene::new(Wrap::Ethernet);
    scene.answered_call(0, &leg(), 2_000, &two(CALLER), &two(CALLEE));
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_010, 1));
    scene.talk(Talk {
        payload_type: 0,
        ptime_ms: 30,
        packets: 330,
        ..Talk::new(at(CALLEE), at(CALLER), 2_020, 2)
    });
    scene.bye(12_100, &leg());
    let report = seen(scene);
    assert_eq!(names(&report.calls[0]), ["codec_asymmetry", "ptime_asymmetry"]);
    assert!(!report.has_problem());
}

/// Through a server with a media relay: phone, server, carrier; `second` is the leg behind the server.
fn relayed(second: &Leg, lose_before: u16, lose_after: u16) -> Scene {
    relayed_with(second, |before| before.lose_every = lose_before, |after| after.lose_every = lose_after)
}

/// The same, with something done to what the caller says, before the server and behind it.
fn relayed_with(second: &Leg, before: impl FnOnce(&mut Talk), after: impl FnOnce(&mut Talk)) -> Scene {
    let (phone, inside, outside, carrier) =
        ("10.0.0.1:4000", "10.0.0.5:6000", "10.0.0.5:6002", "10.0.0.9:9000");
    let first = Leg::new(at("10.0.0.1:5060"), at("10.0.0.5:5060"), "call-1", "4930123456", "862155550000");
    let mut scene = Scene::new(Wrap::Ethernet);
    scene.answered_call(0, &first, 2_020, &pcma(phone), &pcma(inside));
    scene.answered_call(10, second, 2_000, &pcma(outside), &pcma(carrier));
    let (mut comes, mut goes) =
        (Talk::new(at(phone), at(inside), 2_040, 1), Talk::new(at(outside), at(carrier), 2_041, 1));
    before(&mut comes);
    after(&mut goes);
    scene.talk(comes);
    scene.talk(goes);
    scene.talk(Talk::new(at(carrier), at(outside), 2_040, 2));
    scene.talk(Talk::new(at(inside), at(phone), 2_041, 2));
    scene.bye(12_100, &first);
    scene.bye(12_110, second);
    scene
}

#[test]
fn a_proxy_with_a_media_relay_makes_one_call_of_two_legs() {
    let second = Leg::new(at("10.0.0.5:5060"), at("10.0.0.9:5060"), "call-1", "4930123456", "862155550000");
    let report = seen(relayed(&second, 0, 0));
    let [call] = report.calls.as_slice() else { panic!("{}", report.calls.len()) };
    assert_eq!((call.legs.len(), call.streams.len(), names(call)), (2, 4, vec![]), "{:?}", call.details);
    let legs: Vec<_> = report.streams.iter().map(|stream| stream.leg.clone().unwrap()).collect();
    assert_eq!(legs, ["1", "2", "2", "1"]);
    assert!(call.passages.iter().all(|passage| passage.passed_through == Some(true)));
}

#[test]
fn dialogs_that_a_back_to_back_user_agent_ties_together_are_one_call_and_its_loss_has_its_place() {
    let second =
        Leg::new(at("10.0.0.5:5060"), at("10.0.0.9:5060"), "other@b2bua", "0123456", "0062155550000");
    let report = seen(relayed(&second, 20, 20));
    let [call] = report.calls.as_slice() else { panic!("{}", report.calls.len()) };
    assert_eq!((call.call_id.as_str(), call.legs[1].call_id.as_str()), ("call-1", "other@b2bua"));
    assert_eq!(call.findings, [Kind::LossUpstream], "{:?}", call.details);
    assert_eq!(call.passages[0].spoiled_by, Some("upstream"));

    let report = seen(relayed(&second, 0, 20));
    assert_eq!(report.calls[0].findings, [Kind::LossAtServer], "{:?}", report.calls[0].details);
    let passage = &report.calls[0].passages[0];
    assert_eq!(
        (passage.spoiled_by, passage.leg_in.as_str(), passage.leg_out.as_deref()),
        (Some("server"), "1", Some("2"))
    );
}

#[test]
fn a_proxy_that_leaves_the_media_alone_makes_one_leg_of_two_hops() {
    let mut scene = Scene::new(Wrap::Ethernet);
    let first = Leg::new(at("10.0.0.1:5060"), at("10.0.0.5:5060"), "call-1", "1001", "1002");
    let second = Leg::new(at("10.0.0.5:5060"), at("10.0.0.2:5060"), "call-1", "1001", "1002");
    scene.answered_call(0, &first, 2_010, &pcma(CALLER), &pcma(CALLEE));
    scene.answered_call(1, &second, 2_000, &pcma(CALLER), &pcma(CALLEE));
    both(&mut scene);
    scene.bye(12_100, &first);
    scene.bye(12_101, &second);
    let report = seen(scene);
    let [call] = report.calls.as_slice() else { panic!("{}", report.calls.len()) };
    assert_eq!((call.legs.len(), call.legs[0].hops, call.streams.len(), names(call)), (1, 2, 2, vec![]));
}

#[test]
fn a_server_that_leaves_the_media_alone_makes_one_call_of_two_call_ids_and_names_both() {
    let mut scene = Scene::new(Wrap::Ethernet);
    let first = Leg::new(at("10.0.0.1:5060"), at("10.0.0.5:5060"), "call-1", "1001", "1002");
    let second = Leg::new(at("10.0.0.5:5060"), at("10.0.0.2:5060"), "call-2", "1001", "1002");
    scene.answered_call(0, &first, 2_010, &pcma(CALLER), &pcma(CALLEE));
    scene.answered_call(1, &second, 2_000, &pcma(CALLER), &pcma(CALLEE));
    both(&mut scene);
    scene.bye(12_100, &first);
    scene.bye(12_101, &second);
    let report = seen(scene);
    let [call] = report.calls.as_slice() else { panic!("{}", report.calls.len()) };
    assert_eq!((call.legs.len(), call.legs[0].hops, call.streams.len()), (1, 2, 2));
    assert_eq!(call.call_ids, ["call-1", "call-2"], "a word may name either");
}

#[test]
fn unrelated_calls_between_the_same_hosts_stay_apart_though_their_numbers_are_alike() {
    let mut scene = Scene::new(Wrap::Raw);
    for call in 0..5_u16 {
        let leg = Leg::new(
            at("127.0.0.1:5060"),
            at("127.0.0.1:5070"),
            &format!("{call}-1@127.0.0.1"),
            "sipp",
            "service",
        );
        scene.answered_call(i64::from(call) * 300, &leg, 100, &pcma(CALLER), &pcma(CALLEE));
    }
    assert_eq!(super::super::testing::read(&scene.frames(), 101).calls.len(), 5);
}

#[test]
fn a_port_and_an_ssrc_used_again_by_the_next_call_belong_to_that_call() {
    let mut scene = ordinary();
    both(&mut scene);
    let next = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), "call-2", "1001", "1002");
    scene.answered_call(20_000, &next, 1_000, &pcma(CALLER), &pcma(CALLEE));
    scene.talk(Talk { sequence: 7, ..Talk::new(at(CALLER), at(CALLEE), 21_010, 1) });
    scene.talk(Talk { sequence: 7, ..Talk::new(at(CALLEE), at(CALLER), 21_020, 2) });
    scene.bye(31_100, &next);
    let report = seen(scene);
    assert_eq!(report.calls.iter().map(|call| call.streams.len()).collect::<Vec<_>>(), [2, 2]);
    assert!(report.streams.iter().all(|stream| stream.quality.received == 500 && stream.quality.lost == 0));
    assert!(report.calls.iter().all(|call| names(call).is_empty()));
}

#[test]
fn refused_cancelled_and_challenged_calls_are_told_apart() {
    let mut scene = Scene::new(Wrap::Ethernet);
    let leg = |id: &str| Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), id, "1001", "1002");
    let busy = leg("busy");
    scene.request(0, &busy, "INVITE", 1, false, &pcma(CALLER));
    scene.response(60, &busy, "486 Busy Here", "INVITE", 1, "");
    let given_up = leg("given-up");
    scene.request(1_000, &given_up, "INVITE", 1, false, &pcma(CALLER));
    scene.response(1_090, &given_up, "180 Ringing", "INVITE", 1, "");
    scene.request(5_000, &given_up, "CANCEL", 1, false, "");
    scene.response(5_010, &given_up, "487 Request Terminated", "INVITE", 1, "");
    let challenged = leg("challenged");
    scene.request(6_000, &challenged, "INVITE", 1, false, &pcma(CALLER));
    scene.response(6_010, &challenged, "407 Proxy Authentication Required", "INVITE", 1, "");
    let again = challenged.request("INVITE", 2, false, &pcma(CALLER)).replace(";tag=theirs", "");
    scene.datagram(6_020, challenged.caller, challenged.callee, again.as_bytes());
    scene.response(6_100, &challenged, "180 Ringing", "INVITE", 2, "");
    scene.response(7_000, &challenged, "200 OK", "INVITE", 2, &pcma(CALLEE));
    let report = seen(scene);
    let states: Vec<_> = report.calls.iter().map(|call| (call.state, call.status, call.setup_ms)).collect();
    assert_eq!(
        states,
        [
            ("failed", Some(486), Some(60.0)),
            ("cancelled", Some(487), Some(90.0)),
            ("answered", Some(200), Some(100.0))
        ]
    );
}

#[test]
fn signalling_over_tcp_in_pieces_and_over_fragments_is_understood() {
    let leg = leg();
    let mut scene = Scene::new(Wrap::QinQ(3, 4));
    let invite = leg.request("INVITE", 1, false, &pcma(CALLER));
    let (head, tail) = invite.as_bytes().split_at(100);
    scene.segment(0, leg.caller, leg.callee, 1_000, head);
    scene.segment(2, leg.caller, leg.callee, 1_000, head);
    scene.segment(3, leg.caller, leg.callee, 1_100, tail);
    let long = pcma(CALLEE) + &"a=x-filler:1234567890\r\n".repeat(100);
    let mut whole = Scene::new(Wrap::Raw);
    whole.response(2_000, &leg, "200 OK", "INVITE", 1, &long);
    let ip = whole.frames().remove(0).bytes;
    for part in super::super::write::fragments(leg.callee, leg.caller, &ip[28..], 1_400) {
        scene.packet(2_000, &part);
    }
    both(&mut scene);
    let report = seen(scene);
    assert_eq!((report.calls[0].state, report.calls[0].streams.len()), ("answered", 2));
}

/// A compound of one sender report with one block, as endpoints send it.
fn sender_report(
    ssrc: u32,
    ntp: u64,
    about: u32,
    lost: u32,
    highest: u32,
    last_sr: u32,
    delay: u32,
) -> Vec<u8> {
    let mut bytes = vec![0x81, 200, 0, 12];
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(ntp.to_be_bytes());
    for word in [0, 100, 16_000, about, lost & 0x00ff_ffff, highest, 40, last_sr, delay] {
        bytes.extend(u32::to_be_bytes(word));
    }
    bytes
}

#[test]
fn what_the_receiver_reports_places_the_loss_behind_us_and_tells_the_delay() {
    let rtcp = |address: &str| at(&address.replace("4000", "4001").replace("8000", "8001"));
    let mut scene = ordinary();
    both(&mut scene);
    let ntp = |seconds: u64| seconds << 32;
    let middle = |seconds: u64| (ntp(seconds) >> 16) as u32;
    for (time, lost) in [(5, 0_u32), (10, 40)] {
        let at_ms = i64::try_from(time).unwrap() * 1_000;
        scene.datagram(at_ms, rtcp(CALLER), rtcp(CALLEE), &sender_report(1, ntp(time), 2, 0, 70_000, 0, 0));
        // The callee answers 60 ms later, 20 ms of them in its own hands.
        let answer = sender_report(2, ntp(time) + 1, 1, lost, 65_700, middle(time), 65_536 / 50);
        scene.datagram(at_ms + 60, rtcp(CALLEE), rtcp(CALLER), &answer);
        let back = sender_report(1, ntp(time) + 2, 2, 0, 70_000, ((ntp(time) + 1) >> 16) as u32, 0);
        scene.datagram(at_ms + 70, rtcp(CALLER), rtcp(CALLEE), &back);
    }
    let report = seen(scene);
    let heard = stream(&report, "0x00000001");
    let told = heard.rtcp.as_ref().expect("reports");
    assert_eq!((told.told.reports, told.told.lost), (2, Some(40)));
    assert!((told.round_trip_ms.unwrap() - 40.0).abs() < 0.1, "{:?}", told.round_trip_ms);
    assert!((heard.quality.model.delay_ms.unwrap() - 25.0).abs() < 0.1, "{:?}", heard.quality.model);
    assert_eq!(names(&report.calls[0]), ["loss_downstream"], "{:?}", report.calls[0].details);
    let passage = &report.calls[0].passages[0];
    assert_eq!(passage.spoiled_by, Some("downstream"));
    assert_eq!(passage.jitter_reported_ms, told.told.jitter_max_ms);
    assert!(passage.jitter_reported_ms.is_some(), "{passage:?}");
    assert_eq!(report.streams.len(), 2);
}

#[test]
fn what_comes_too_late_spoils_a_call_as_loss_does_and_has_its_place() {
    let second =
        Leg::new(at("10.0.0.5:5060"), at("10.0.0.9:5060"), "other@b2bua", "0123456", "0062155550000");
    let late = |talk: &mut Talk| talk.delay_every = (40, 400);
    let fine = |_: &mut Talk| {};
    let upstream = seen(relayed_with(&second, late, late));
    let server = seen(relayed_with(&second, fine, late));
    for (report, kind, place) in
        [(upstream, "late_upstream", "upstream"), (server, "late_at_server", "server")]
    {
        let call = &report.calls[0];
        assert_eq!(names(call), [kind], "{:?}", call.details);
        assert_eq!(call.passages[0].spoiled_by, Some(place), "{:?}", call.passages[0]);
        assert_eq!(call.passages[1].spoiled_by, None, "the other direction is well");
    }
    let played = seen(relayed_with(&second, fine, |talk| talk.delay_every = (10, 150)));
    assert_eq!(names(&played.calls[0]), [""; 0], "an adaptive buffer waits for so much");
}

#[test]
fn a_telephone_that_discards_what_comes_late_to_it_places_that_behind_us() {
    let mut scene = ordinary();
    both(&mut scene);
    // One VoIP metrics block (RFC 3611 section 4.7): nothing lost, 64 of 256 discarded.
    let block = [&[0x80, 207, 0, 10, 0, 0, 0, 2, 7, 0, 0, 8, 0, 0, 0, 1, 0, 64, 0, 0][..], &[0; 24]].concat();
    scene.datagram(11_000, at("10.0.0.2:8001"), at("10.0.0.1:4001"), &block);
    let report = seen(scene);
    assert_eq!(names(&report.calls[0]), ["late_downstream"], "{:?}", report.calls[0].details);
    assert_eq!(report.calls[0].passages[0].spoiled_by, Some("downstream"));
}

#[test]
fn a_telephone_that_reports_by_xr_alone_places_the_loss_behind_us_too() {
    let mut scene = ordinary();
    both(&mut scene);
    // One VoIP metrics block (RFC 3611 section 4.7): 32 of 256 lost, the rest not said.
    let block = [&[0x80, 207, 0, 10, 0, 0, 0, 2, 7, 0, 0, 8, 0, 0, 0, 1, 32, 0, 0, 0][..], &[0; 24]].concat();
    scene.datagram(11_000, at("10.0.0.2:8001"), at("10.0.0.1:4001"), &block);
    let report = seen(scene);
    assert_eq!(names(&report.calls[0]), ["loss_downstream"], "{:?}", report.calls[0].details);
    assert_eq!(report.calls[0].passages[0].loss_downstream, Some(0.125));
}

/// A file of everything that the other tests build, small enough to be damaged often.
fn everything() -> Vec<u8> {
    let second =
        Leg::new(at("10.0.0.5:5060"), at("10.0.0.9:5060"), "other@b2bua", "0123456", "0062155550000");
    let mut frames = relayed(&second, 3, 0).frames();
    frames.retain({
        let mut place = 0;
        move |frame| {
            place += 1;
            frame.bytes.len() > 250 || place % 20 < 4
        }
    });
    super::super::write::pcap(1, &frames)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_capture_of_calls_is_read_and_reported_without_a_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..200),
    ) {
        use crate::capture::analysis::Analyzer;
        use crate::capture::file::Merge;
        use crate::capture::report::Report;

        let mut bytes = everything();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut merge = Merge::new(vec![bytes.as_slice()]);
        let mut analyzer = Analyzer::new(crate::quality::stream::Settings::default());
        while let Some(frame) = merge.next_frame() {
            analyzer.frame(&frame);
        }
        let analysis = analyzer.finish();
        let report = Report::of(&analysis, &crate::quality::score::CodecTable::standard(), &Default::default());
        prop_assert!(serde_json::to_string(&report).is_ok());
        for stream in &report.streams {
            prop_assert_eq!(stream.quality.unique + stream.quality.lost, stream.quality.expected);
        }
    }
}
