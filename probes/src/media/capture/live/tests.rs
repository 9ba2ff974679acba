//! Scenes played as live traffic: what leaves when, what stays in memory, and what nobody is accused of.

use super::*;
use crate::capture::file::LinkType;
use crate::capture::testing::{at, names, seen};
use crate::capture::write::{Leg, Scene, Talk, Wrap, Written, sdp};

fn pcma(address: &str) -> String {
    sdp(at(address), "audio", "RTP/AVP 8", "a=ptime:20")
}

/// Calls of ten seconds one after the other, each between hosts of its own.
pub(super) fn calls(count: u8, lose_every: u16) -> Scene {
    let mut scene = Scene::new(Wrap::Ethernet);
    for call in 0..count {
        let begin = i64::from(call) * 1_000;
        let (caller, callee) = (format!("10.0.0.{call}:4000"), format!("10.0.1.{call}:8000"));
        let signal = |address: &str| at(&address.replace(":4000", ":5060").replace(":8000", ":5060"));
        let leg =
            Leg::new(signal(&caller), signal(&callee), &format!("call-{call}"), "1001", &format!("10{call}"));
        scene.answered_call(begin, &leg, 1_000, &pcma(&caller), &pcma(&callee));
        let talk = |from: &str, to: &str, ssrc| Talk {
            lose_every,
            ..Talk::new(at(from), at(to), begin + 1_010, ssrc)
        };
        scene.talk(talk(&caller, &callee, u32::from(call) * 2 + 1));
        scene.talk(talk(&callee, &caller, u32::from(call) * 2 + 2));
        scene.bye(begin + 11_100, &leg);
    }
    scene
}

/// Plays frames, with a tick each second; the reports that left, and the engine.
pub(super) fn play(
    frames: &[Written],
    live: &mut Live,
    mut each_second: impl FnMut(&mut Live, i64),
) -> Vec<Report> {
    let mut left = Vec::new();
    let mut next = frames[0].at + SECOND;
    for (number, frame) in (1..).zip(frames) {
        while frame.at >= next {
            each_second(live, next);
            left.extend(live.tick(next));
            next += SECOND;
        }
        live.frame(&Frame { number, at: frame.at, link: LinkType(1), data: &frame.bytes });
    }
    left
}

pub(super) fn live() -> Live {
    Live::new(Settings::default(), Limits::default())
}

#[test]
fn a_call_leaves_after_its_end_with_the_figures_of_the_whole_and_frees_its_place() {
    let scene = calls(40, 0);
    let whole = seen(scene.clone());
    let frames = scene.frames();
    let mut live = live();
    let mut most = 0;
    let mut left = play(&frames, &mut live, |live, _| most = most.max(live.load().streams));
    assert!(most < 40, "{most} streams were held of 80");
    assert_eq!(live.load().packets, whole.packets);
    let now = frames.last().unwrap().at;
    assert!(left.len() > 5);
    left.push(live.finish(now).0);
    let calls: Vec<_> = left.iter().flat_map(|report| &report.calls).collect();
    assert_eq!(calls.len(), 40);
    assert!(
        calls.iter().all(|call| call.state == "ended" && call.streams.len() == 2 && call.findings.is_empty())
    );
    let mut streams: Vec<_> = left.iter().flat_map(|report| &report.streams).collect();
    streams.sort_by_key(|row| row.id.clone());
    let mut expected: Vec<_> = whole.streams.iter().collect();
    expected.sort_by_key(|row| row.id.clone());
    for (live, offline) in streams.iter().zip(&expected) {
        assert_eq!(serde_json::to_value(live).unwrap(), serde_json::to_value(offline).unwrap());
    }
    assert_eq!(streams.len(), expected.len());
}

#[test]
fn a_stream_that_nobody_announced_leaves_after_a_minute_of_silence() {
    let mut scene = Scene::new(Wrap::Ethernet);
    scene.talk(Talk::new(at("10.0.0.1:4000"), at("10.0.0.2:8000"), 0, 7));
    let frames = scene.frames();
    let mut live = live();
    assert!(play(&frames, &mut live, |_, _| ()).is_empty());
    let end = frames.last().unwrap().at;
    assert!(live.tick(end + 59 * SECOND).is_none());
    let left = live.tick(end + 62 * SECOND).expect("silent for more than a minute");
    assert_eq!((left.streams.len(), left.streams[0].quality.received), (1, 500));
    assert_eq!(live.load().streams, 0);
}

#[test]
fn an_answered_call_whose_end_was_missed_leaves_after_a_minute_of_silence() {
    let frames = calls(1, 0).frames();
    let bye = frames[0].at + 11_050_000_000;
    let frames: Vec<_> = frames.into_iter().filter(|frame| frame.at < bye).collect();
    let mut live = live();
    play(&frames, &mut live, |_, _| ());
    assert!(live.tick(bye + 50 * SECOND).is_none());
    let left = live.tick(bye + 70 * SECOND).expect("silent for more than a minute");
    assert_eq!((left.calls[0].state, left.calls[0].streams.len(), live.load().dialogs), ("answered", 2, 0));
}

#[test]
fn loss_while_the_kernel_dropped_accuses_nobody() {
    let frames = calls(3, 25).frames();
    let begin = frames[0].at;
    let accused = {
        let mut live = live();
        play(&frames, &mut live, |_, _| ());
        live.finish(frames.last().unwrap().at).0
    };
    let all = |report: &Report| report.calls.iter().flat_map(names).collect::<Vec<_>>();
    assert!(all(&accused).contains(&"loss_upstream".to_owned()), "{:?}", all(&accused));

    let mut live = live();
    let mut left = play(&frames, &mut live, |live, now| {
        live.fault(Fault::new(FaultKind::KernelDrops, now - SECOND, now, 20));
    });
    let (last, ledger) = live.finish(frames.last().unwrap().at);
    left.push(last);
    assert_eq!(ledger.faults().len(), 1, "they go on from one another");
    for report in &left {
        for call in &report.calls {
            assert_eq!(names(call), ["measurement_fault"], "{:?}", call.details);
            assert!(
                call.details[0].evidence.contains("dropped")
                    && call.details[0].evidence.contains("loss_upstream")
            );
            assert!(call.passages.iter().all(|passage| passage.spoiled_by == Some("measurement")));
        }
        for stream in &report.streams {
            assert_eq!(stream.measurement_faults, ["kernel_drops"]);
            assert!(stream.quality.windows.iter().any(|window| !window.measurement_faults.is_empty()));
        }
        assert!(!report.has_problem());
    }
    assert!(ledger.faults()[0].from >= begin);
}

#[test]
fn loss_outside_of_a_fault_is_still_held_against_the_network() {
    let mut scene = Scene::new(Wrap::Ethernet);
    let leg = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), "long", "1001", "1002");
    scene.answered_call(0, &leg, 1_000, &pcma("10.0.0.1:4000"), &pcma("10.0.0.2:8000"));
    for (from, to, ssrc) in [("10.0.0.1:4000", "10.0.0.2:8000", 1), ("10.0.0.2:8000", "10.0.0.1:4000", 2)] {
        scene.talk(Talk { packets: 3_000, lose_every: 25, ..Talk::new(at(from), at(to), 1_010, ssrc) });
    }
    scene.bye(61_100, &leg);
    let frames = scene.frames();
    let mut live = live();
    play(&frames, &mut live, |_, _| ());
    let begin = frames[0].at + 20 * SECOND;
    live.fault(Fault::new(FaultKind::KernelDrops, begin, begin + SECOND, 3));
    let (report, _) = live.finish(frames.last().unwrap().at);
    assert!(names(&report.calls[0]).contains(&"loss_upstream".to_owned()), "{:?}", report.calls[0].details);
    let stream = &report.streams[0];
    assert!(stream.loss_ratio_without_faults.is_some_and(|loss| (loss - 0.04).abs() < 0.005));
    let marked = stream.quality.windows.iter().filter(|window| !window.measurement_faults.is_empty()).count();
    assert!((1..=2).contains(&marked), "{marked}");
}

#[test]
fn a_moment_that_all_unrelated_streams_miss_is_found_without_being_told() {
    let mut scene = Scene::new(Wrap::Ethernet);
    for pair in 0..12_u32 {
        let (from, to) = (format!("10.0.0.{pair}:4000"), format!("10.0.1.{pair}:8000"));
        scene.talk(Talk::new(at(&from), at(&to), i64::from(pair), pair + 1));
    }
    let mut frames = scene.frames();
    let begin = frames[0].at;
    frames.retain(|frame| !(5_000_000_000..5_400_000_000).contains(&(frame.at - begin)));
    let mut live = live();
    play(&frames, &mut live, |_, _| ());
    let (report, ledger) = live.finish(frames.last().unwrap().at);
    let [fault] = ledger.faults() else { panic!("{:?}", ledger.faults()) };
    assert_eq!((fault.kind, fault.amount), (FaultKind::SimultaneousGaps, 12));
    assert!(fault.from - begin < 5_000_000_000 && fault.until - begin > 5_390_000_000);
    assert!(report.streams.iter().all(|stream| stream.measurement_faults == ["simultaneous_gaps"]));
}

#[test]
fn streams_beyond_the_bound_are_counted_and_old_ones_make_room_sooner() {
    let mut live = Live::new(Settings::default(), Limits { streams: 8, dialogs: 8 });
    let mut scene = Scene::new(Wrap::Ethernet);
    for sender in 0..12_u32 {
        let from = format!("10.0.0.{sender}:4000");
        scene.talk(Talk { packets: 50, ..Talk::new(at(&from), at("10.0.9.9:8000"), 0, sender + 1) });
    }
    scene.talk(Talk { packets: 50, ..Talk::new(at("10.0.0.99:4000"), at("10.0.9.9:8000"), 20_000, 99) });
    let frames = scene.frames();
    let left = play(&frames, &mut live, |_, _| ());
    let load = live.load();
    assert!(load.refused > 0 && load.streams == 1, "{load:?}");
    assert_eq!(left.iter().map(|report| report.streams.len()).sum::<usize>(), 8);
}
