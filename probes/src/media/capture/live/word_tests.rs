//! What endpoints say without naming a call: with which it is kept, and that what leads to none is still handed out.

use super::tests::{calls, live, play};
use super::*;
use crate::capture::streams::KnownBy;
use crate::capture::testing::at;
use crate::capture::write::{Scene, Talk, Wrap, Written};

/// The call of `calls`: 10.0.0.0:4000 with SSRC 1 speaks to 10.0.1.0:8000, which answers with SSRC 2.
const CALLER: &str = "10.0.0.0:4000";
const CALLEE: &str = "10.0.1.0:8000";

fn published(call_id: Option<&str>, local: &str, remote: &str, remote_ssrc: Option<u32>) -> vq::Report {
    let call_id = call_id.map_or_else(String::new, |call_id| format!("CallID: {call_id}\r\n"));
    let address = |text: &str| format!("IP={} PORT={}", at(text).ip(), at(text).port());
    let ssrc = remote_ssrc.map_or_else(String::new, |ssrc| format!(" SSRC=0x{ssrc:08x}"));
    let body = format!(
        "VQSessionReport: CallTerm\r\n{call_id}LocalAddr: {}\r\nRemoteAddr: {}{ssrc}\r\nLocalMetrics:\r\n\
         PacketLoss:NLR=5.0 JDR=2.0\r\n",
        address(local),
        address(remote)
    );
    vq::parse(body.as_bytes()).unwrap()
}

/// A receiver report in JSON, as servers hand it on; few of them name the call.
fn report(live: &mut Live, at_ns: i64, from: &str, to: &str, ssrc: u32, named: Option<&str>) {
    let body = format!(
        r#"{{"ssrc":9,"type":201,"report_blocks":[{{"source_ssrc":{ssrc},"fraction_lost":0,"packets_lost":5,"highest_seq_no":99,"ia_jitter":80}}]}}"#
    );
    let hep = Hep {
        carries: Carries::RtcpJson,
        source: at(from).into(),
        destination: at(to).into(),
        at: Some(at_ns),
        agent: 1,
        correlation_id: named.map(str::to_owned),
        tos: 0,
        payload: body.as_bytes().into(),
    };
    assert!(live.hep(at_ns, &hep));
}

/// A call of which only what the caller says was seen.
fn half_a_call() -> (Vec<Written>, i64) {
    let frames = calls(1, 0).frames();
    let callee = [10, 0, 1, 0, 10, 0, 0, 0];
    let rtp = |frame: &Written| frame.bytes[42] >> 6 == 2;
    let frames: Vec<_> =
        frames.into_iter().filter(|frame| !(rtp(frame) && frame.bytes[26..34] == callee)).collect();
    let end = frames.last().unwrap().at;
    (frames, end)
}

/// How the only row is known, and what it belongs to.
fn only(report: Report) -> (Option<KnownBy>, Option<String>) {
    let [row] = report.reported.as_slice() else { panic!("{:?}", report.reported) };
    (row.known_by, row.belongs_to.clone())
}

#[test]
fn a_word_without_a_call_id_goes_to_the_call_of_its_ssrc_or_of_the_addresses_agreed_on() {
    let (frames, end) = half_a_call();
    let during = frames[0].at + 5 * SECOND;
    let told = |tell: &dyn Fn(&mut Live)| {
        let mut live = live();
        let mut telling = Some(tell);
        let left = play(&frames, &mut live, |live, now| {
            if now >= during
                && let Some(tell) = telling.take()
            {
                tell(live);
            }
        });
        assert!(left.is_empty(), "the call is not over before its end");
        let gone = live.tick(end + 8 * SECOND).expect("the call is over");
        assert_eq!((gone.calls.len(), gone.streams.len()), (1, 1));
        only(live.finish(end + 9 * SECOND).0)
    };
    let by = |by: KnownBy| (Some(by), Some("call-0".to_owned()));
    let callee = at("10.0.1.0:5060").into();
    let say = |report: vq::Report| move |live: &mut Live| live.published(during, callee, report.clone());
    assert_eq!(told(&say(published(None, CALLEE, CALLER, Some(1)))), by(KnownBy::Ssrc));
    assert_eq!(told(&say(published(None, CALLEE, CALLER, None))), by(KnownBy::Ssrc), "between these two");
    // Behind address translation the telephone knows its own address otherwise.
    assert_eq!(told(&say(published(None, "192.168.0.9:8000", CALLER, Some(1)))), by(KnownBy::Ssrc));
    let by_rtcp = |ssrc, named: Option<&'static str>| {
        move |live: &mut Live| report(live, during, "10.0.0.0:4001", "10.0.1.0:8001", ssrc, named)
    };
    assert_eq!(told(&by_rtcp(2, None)), by(KnownBy::Addresses), "its stream was never seen");
    assert_eq!(told(&by_rtcp(2, Some("call-0"))), by(KnownBy::CallId));
    // Some servers name a channel of their own there.
    let channel = (Some(KnownBy::CallId), Some("channel-7".to_owned()));
    assert_eq!(told(&by_rtcp(2, Some("channel-7"))), channel, "it may be a call that is seen later");
    assert_eq!(told(&say(published(Some("channel-7"), CALLEE, CALLER, Some(1)))), by(KnownBy::Ssrc));
    let stranger = published(None, "10.7.7.7:4000", "10.8.8.8:4000", Some(1));
    assert_eq!(told(&say(stranger)), (None, None), "one SSRC alone proves nothing");
}

#[test]
fn what_a_telephone_publishes_of_a_call_that_was_seen_says_what_was_lost_behind_the_capture() {
    let frames = calls(1, 0).frames();
    let end = frames.last().unwrap().at;
    let spoiled = |local: &str, remote: &str, ssrc: Option<u32>| {
        let mut live = live();
        let left = play(&frames, &mut live, |_, _| ());
        assert!(left.is_empty(), "the call is not over before its end");
        // As telephones do: at the end of the call, one second after its last packet.
        live.published(end + SECOND, at("10.0.1.0:5060").into(), published(None, local, remote, ssrc));
        let gone = live.tick(end + 8 * SECOND).expect("the call is over");
        let passages = gone.calls[0].passages.iter();
        passages.map(|it| (it.loss_downstream, it.late_downstream, it.spoiled_by)).collect::<Vec<_>>()
    };
    let (nothing, told) = ((None, None, None), (Some(0.05), Some(0.02), Some("downstream")));
    assert_eq!(
        spoiled(CALLEE, CALLER, Some(1)),
        [told, nothing],
        "the callee says what it got of the caller"
    );
    assert_eq!(spoiled(CALLER, CALLEE, None), [nothing, told], "by both addresses, without an SSRC");
    assert_eq!(spoiled("10.7.7.7:4000", "10.8.8.8:4000", Some(1)), [nothing, nothing], "a stranger's word");
}

#[test]
fn a_word_that_comes_when_its_call_has_left_still_finds_it_and_is_a_strangers_minutes_later() {
    let (frames, end) = half_a_call();
    let mut live = live();
    play(&frames, &mut live, |_, _| ());
    assert_eq!(live.tick(end + 8 * SECOND).expect("the call is over").calls.len(), 1);
    let callee = at("10.0.1.0:5060").into();
    live.published(end + 30 * SECOND, callee, published(None, CALLEE, CALLER, Some(1)));
    let row = only(live.tick(end + 95 * SECOND).expect("nobody spoke for a minute"));
    assert_eq!(row, (Some(KnownBy::Ssrc), Some("call-0".to_owned())));
    // Another stream leaves, so that what is long gone is forgotten.
    let mut other = Scene::new(Wrap::Ethernet);
    let later = (end - frames[0].at) / 1_000_000 + 400_000;
    other.talk(Talk::new(at("10.0.0.9:4000"), at("10.0.1.9:8000"), later, 9));
    let frames = other.frames();
    play(&frames, &mut live, |_, _| ());
    let end = frames.last().unwrap().at;
    assert_eq!(live.tick(end + 70 * SECOND).expect("it left").streams.len(), 1);
    live.published(end + 71 * SECOND, callee, published(None, CALLEE, CALLER, Some(1)));
    assert_eq!(only(live.finish(end + 72 * SECOND).0), (None, None));
}

#[test]
fn a_word_before_its_stream_and_media_without_signalling_come_together_at_last() {
    let mut scene = Scene::new(Wrap::Ethernet);
    scene.talk(Talk::new(at(CALLER), at(CALLEE), 2_000, 7));
    let frames = scene.frames();
    let (begin, end) = (frames[0].at, frames.last().unwrap().at);
    let mut live = live();
    live.published(begin - SECOND, at(CALLEE).into(), published(None, CALLEE, CALLER, Some(7)));
    play(&frames, &mut live, |_, _| ());
    let report = live.finish(end + SECOND).0;
    let id = report.streams[0].id.clone();
    assert_eq!(only(report), (Some(KnownBy::Ssrc), Some(id)));
}

#[test]
fn words_beyond_the_bound_are_counted() {
    let mut live = live();
    for ssrc in 0..20_100 {
        let (from, to) = ("10.0.0.1:4001", "10.0.0.2:4001");
        report(&mut live, i64::from(ssrc) * 1_000_000, from, to, ssrc + 1, None);
    }
    let load = live.load();
    let handed_out = live.finish(30 * SECOND).0.reported.len() as u64;
    assert!(load.forgotten_words > 0, "{load:?}");
    assert_eq!(handed_out + load.forgotten_words, 20_100, "none is lost without a trace");
}
