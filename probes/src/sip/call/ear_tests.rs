use linesman_media::capture::write::rtp as packet;
use proptest::prelude::*;

use super::*;
use crate::sip::call::control::compound;

const STEP_NS: i64 = 20_000_000;

fn train(count: u32) -> Train {
    let mut train =
        Train::new(CallCodec::Pcmu, std::time::Duration::from_millis(20 * u64::from(count)), [0xfe; 16]);
    train.first_sequence = 65_500;
    train
}

/// A call of which each way loses what it is told to; the echo keeps our numbers or counts by itself.
fn call(out: &[bool], back: &[bool], keeps: bool) -> Ear {
    let train = train(out.len() as u32);
    let mut ear = Ear::new(&train);
    let mut sent_back = 0_u16;
    for number in 0..train.count {
        let ours = train.packet(number);
        let at = i64::from(number) * STEP_NS;
        ear.said(&ours, at);
        if out[number as usize] {
            continue;
        }
        let theirs = if keeps {
            ours.clone()
        } else {
            packet(0, false, 9_u16.wrapping_add(sent_back), train.timestamp(number), 77, &ours[12..])
        };
        sent_back = sent_back.wrapping_add(1);
        if !back[number as usize] {
            ear.hear(&theirs, at + 5_000_000);
        }
    }
    ear
}

proptest! {
    #[test]
    fn an_echo_that_counts_for_itself_tells_the_ways_apart_and_one_that_does_not_never_pretends_to(
        losses in prop::collection::vec((0_u8..100, 0_u8..100), 60..200),
        keeps: bool,
    ) {
        let out: Vec<bool> = losses.iter().map(|(out, _)| *out < 8).collect();
        let back: Vec<bool> = losses.iter().map(|(_, back)| *back < 5).collect();
        let ear = call(&out, &back, keeps);
        let echo = ear.echo().expect("most of it came back");
        let came: Vec<usize> = (0..out.len()).filter(|at| !out[*at] && !back[*at]).collect();
        prop_assert_eq!(echo.returned, came.len() as u64);
        prop_assert_eq!(echo.trip_ns, Some((5_000_000, 5_000_000, 5_000_000)));
        let (first, last) = (came[0], came[came.len() - 1]);
        let truth = out[first..=last].iter().filter(|lost| **lost).count() as u64;
        let behind = back[first..=last].iter().zip(&out[first..=last]).filter(|(back, out)| **back && !**out).count();
        match echo.there {
            Some(there) => {
                prop_assert_eq!(there, Lost { expected: (last - first + 1) as u64, lost: truth });
                prop_assert!(!keeps || (truth == 0 && behind == 0), "kept numbers prove only that nothing was lost");
            }
            None => {
                let in_doubt = if keeps { truth > 0 || behind > 0 } else { truth == 0 && behind > 0 };
                prop_assert!(in_doubt);
            }
        }
    }

    #[test]
    fn any_bytes_may_come(datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
        let mut ear = Ear::new(&train(10));
        for (at, bytes) in datagrams.iter().enumerate() {
            ear.hear(bytes, at as i64 * STEP_NS);
            ear.hear_report(bytes, at as i64 * STEP_NS);
        }
        let _ = (ear.blocks(0), ear.told(), ear.echo(), ear.trip_s());
        prop_assert!(ear.streams() <= MOST_STREAMS);
    }
}

#[test]
fn a_voice_that_is_not_ours_is_no_echo_and_is_counted_all_the_same() {
    let mut ear = Ear::new(&train(50));
    for number in 0..50 {
        ear.hear(
            &packet(0, false, number, u32::from(number) * 160, 5, &[number as u8; 160]),
            i64::from(number) * STEP_NS,
        );
    }
    assert_eq!(ear.echo(), None);
    let (_, report) = ear.main(&CodecTable::standard(), &Assumptions::default()).expect("a stream");
    assert_eq!((report.unique, report.lost), (50, 0));
}

#[test]
fn a_report_is_believed_for_our_stream_only_and_times_the_way() {
    let train = train(100);
    let mut ear = Ear::new(&train);
    for number in 0..100 {
        ear.said(&train.packet(number), i64::from(number) * STEP_NS);
    }
    let block = |ssrc: u32, last: u32| ReportBlock {
        ssrc,
        fraction_lost: 0,
        cumulative_lost: 4,
        highest_sequence: 65_500 + last,
        jitter: 80,
        last_sr: ntp_middle(1_000_000_000),
        delay_since_last_sr: 65_536 / 2,
    };
    ear.hear_report(&compound(9, None, &[block(1, 99)], "x", false), 2_000_000_000);
    assert_eq!((ear.told(), ear.far_reports()), (None, 0), "of somebody else's stream");
    ear.hear_report(&compound(9, None, &[block(train.ssrc, 99)], "x", false), 1_540_000_000);
    let (lost, jitter_ms, _) = ear.told().expect("its word");
    assert_eq!((lost, jitter_ms), (Lost { expected: 100, lost: 4 }, 10.0));
    assert!(ear.trip_s().is_some_and(|trip| (trip - 0.04).abs() < 0.001), "{:?}", ear.trip_s());
    ear.hear_report(&compound(9, None, &[block(train.ssrc, 70_000)], "x", false), 1_600_000_000);
    assert_eq!(ear.told(), None, "more than was ever sent is no count of ours");
}

#[test]
fn a_way_that_dies_in_the_middle_is_no_good_way() {
    let gone: Vec<bool> = (0..500).map(|number| number >= 250).collect();
    let kept = vec![false; 500];
    // The way there died: the far end goes on reporting what it last heard.
    let mut ear = call(&gone, &kept, false);
    let train = train(500);
    let block = ReportBlock {
        ssrc: train.ssrc,
        fraction_lost: 0,
        cumulative_lost: 0,
        highest_sequence: 65_500 + 249,
        jitter: 0,
        last_sr: 0,
        delay_since_last_sr: 0,
    };
    ear.hear_report(&compound(9, None, &[block], "x", false), 500 * STEP_NS);
    let (lost, ..) = ear.told().expect("its word");
    assert_eq!(lost, Lost { expected: 401, lost: 151 }, "all that left two seconds before the report");
    assert!(ear.fell_silent());
    // The way back died, and with it the reports.
    assert!(call(&kept, &gone, true).fell_silent());
    assert!(!call(&kept, &kept, true).fell_silent());
}
