//! Streams with known truth through the engine.

use super::super::format::{Format, PayloadFormats};
use super::super::generate::{Change, Loss, Packet, Plan, Truth, Turn};
use super::super::report::{Finding, StreamReport};
use super::super::score::{Assumptions, CodecTable};
use super::{Counts, Settings, Stream, Verdict};

pub(super) fn followed(packets: &[Packet]) -> Stream {
    let mut stream = Stream::new(Settings::default());
    for packet in packets {
        stream.push(&packet.arrival, &packet.format);
    }
    stream
}

pub(super) fn reported(stream: &Stream) -> StreamReport {
    stream.report(&CodecTable::standard(), &Assumptions::default())
}

pub(super) fn report_of(plan: &Plan) -> StreamReport {
    reported(&followed(&plan.run().0))
}

pub(super) fn as_truth(counts: &Counts) -> Truth {
    Truth {
        received: counts.received,
        unique: counts.unique,
        lost: counts.lost,
        expected: counts.expected,
        duplicates: counts.duplicates,
        reordered: counts.reordered,
        segments: counts.segments,
    }
}

#[track_caller]
fn counts_true(plan: &Plan) -> StreamReport {
    let (packets, truth) = plan.run();
    let stream = followed(&packets);
    assert_eq!(as_truth(&stream.counts()), truth, "{plan:?}");
    assert_eq!(stream.counts().strays, 0);
    reported(&stream)
}

fn near(got: f64, want: f64, within: f64) -> bool {
    (got - want).abs() <= within
}

#[test]
fn a_clean_stream_over_both_wraps_loses_nothing_and_scores_full() {
    let report = counts_true(&Plan::default());
    assert_eq!((report.lost, report.segments, report.reordered), (0, 1, 0));
    assert_eq!((report.ptime_ms, report.clock_rate, report.payload_bytes), (Some(20.0), Some(8000), 160));
    assert_eq!(report.jitter_max_ms, Some(0.0));
    assert_eq!(report.max_delta_ms, 20.0);
    let mos = report.mos.unwrap();
    assert!(near(mos.low, 4.409, 0.001) && mos.low == mos.high, "{mos:?}");
    assert_eq!((report.model.bpl_low, report.model.bpl_high), (Some(4.3), Some(25.1)));
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn every_impairment_class_counts_as_it_was_made() {
    let classes = [
        Plan { loss: Loss::Random(0.01), ..Plan::default() },
        Plan { loss: Loss::Random(0.03), ..Plan::default() },
        Plan { loss: Loss::Gilbert { enter: 0.0132, leave: 0.25 }, ..Plan::default() },
        Plan { jitter_ms: 30.0, ..Plan::default() },
        Plan { jitter_ms: 30.0, loss: Loss::Random(0.01), ..Plan::default() },
        Plan { duplicates: 0.005, ..Plan::default() },
        Plan { spike: Some((100, 25.0)), ..Plan::default() },
        Plan { jitter_ms: 150.0, loss: Loss::Random(0.5), duplicates: 0.2, ..Plan::default() },
    ];
    for class in classes {
        for seed in 0..20 {
            counts_true(&Plan { seed, ..class.clone() });
        }
    }
}

#[test]
fn an_hour_wraps_the_sequence_twice_and_counts_exactly() {
    let plan = Plan { packets: 180_000, loss: Loss::Random(0.02), jitter_ms: 30.0, ..Plan::default() };
    let report = counts_true(&plan);
    assert_eq!((report.segments, report.windows.len()), (1, 360));
}

#[test]
fn a_packet_that_overtakes_the_very_first_is_not_lost_nor_a_restart() {
    let (mut packets, _) = Plan::default().run();
    packets.swap(0, 2);
    let counts = followed(&packets).counts();
    assert_eq!((counts.lost, counts.unique, counts.segments), (0, 1500, 1));
}

#[test]
fn a_restart_opens_a_segment_and_is_no_loss_wherever_it_lands() {
    for sequence in [0_u16, 64_999, 65_100, 65_220, 64_950, 64_700, 65_500, 3000, 40_000, 500] {
        let restart = Turn::Restart { sequence, timestamp: 1_234_567 };
        let plan = Plan { changes: vec![Change { at: 200, to: restart }], ..Plan::default() };
        let report = counts_true(&plan);
        assert_eq!((report.segments, report.lost), (2, 0), "restart at {sequence}");
        assert!(report.findings.contains(&Finding::SequenceRestart));
        assert!(report.jitter_max_ms.unwrap() < 0.001, "restart at {sequence}");
        assert_eq!(report.max_delta_ms, 20.0);
        assert_eq!(report.playout[0].late, 0);
    }
}

#[test]
fn a_restart_after_the_very_first_packet_is_known_by_its_timestamp() {
    for sequence in [65_200_u16, 1000, 30_000] {
        let restart = Turn::Restart { sequence, timestamp: 77 };
        let report = counts_true(&Plan { changes: vec![Change { at: 1, to: restart }], ..Plan::default() });
        assert_eq!((report.lost, report.segments), (0, 2), "{sequence}");
    }
}

#[test]
fn early_loss_is_loss_at_any_packet_time() {
    for (packet_time_ms, ticks) in [(10.0, 80), (20.0, 160), (30.0, 240), (60.0, 480), (120.0, 960)] {
        let lost = (1..150).collect();
        let plan = Plan { packet_time_ms, ticks, loss: Loss::These(lost), ..Plan::default() };
        assert_eq!(counts_true(&plan).lost, 149, "{packet_time_ms}");
    }
}

#[test]
fn bursts_of_loss_in_video_are_loss_though_many_packets_share_a_timestamp() {
    let video = Format::new(99, "H264", 90_000);
    let lost = (300..360).collect();
    let plan =
        Plan { format: video, ticks: 0, packet_time_ms: 0.5, loss: Loss::These(lost), ..Plan::default() };
    assert_eq!(counts_true(&plan).lost, 60);
}

#[test]
fn losses_on_both_sides_of_a_restart_add_up() {
    let restart = Turn::Restart { sequence: 9, timestamp: 99 };
    for seed in 0..50 {
        counts_true(&Plan {
            seed,
            loss: Loss::Gilbert { enter: 0.02, leave: 0.3 },
            changes: vec![Change { at: 700, to: restart.clone() }],
            ..Plan::default()
        });
    }
}

#[test]
fn seventy_seconds_of_outage_are_loss_and_not_a_restart() {
    let lost: Vec<u64> = (500..4000).collect();
    let report = counts_true(&Plan { packets: 5000, loss: Loss::These(lost), ..Plan::default() });
    assert_eq!((report.lost, report.segments, report.gaps), (3500, 1, 1));
    assert_eq!((report.bursts.count, report.bursts.mean_ms), (1, Some(70_000.0)));
    assert_eq!(report.loss_runs[9], 1);
    assert!(report.findings.contains(&Finding::Gap));
}

#[test]
fn a_mirror_port_doubles_packets_without_harm_and_is_named() {
    let report = counts_true(&Plan { mirrored: true, loss: Loss::Random(0.01), ..Plan::default() });
    assert_eq!(report.mirrored, report.duplicates);
    assert_eq!(report.findings, [Finding::MirroredCapture]);
}

#[test]
fn copies_made_by_the_network_are_not_laid_at_the_taps_door() {
    let report = counts_true(&Plan { duplicates: 0.9, ..Plan::default() });
    assert_eq!(report.mirrored, 0);
    assert!(report.findings.is_empty());
}

#[test]
fn two_senders_with_one_ssrc_are_a_collision_and_no_loss() {
    let (mut packets, _) = Plan::default().run();
    let other =
        Plan { first_sequence: 20_000, first_timestamp: 7, start_ns: 1_007_000_000, ..Plan::default() };
    packets.extend(other.run().0);
    packets.sort_by_key(|packet| packet.arrival.at_ns);
    let report = reported(&followed(&packets));
    assert_eq!((report.lost, report.unique), (0, 3000 - report.strays));
    assert!(report.strays <= 4, "{}", report.strays);
    assert!(report.findings.contains(&Finding::SsrcCollision), "{:?}", report.findings);
}

#[test]
fn a_single_foreign_packet_is_a_stray_and_costs_nothing() {
    let (mut packets, truth) = Plan::default().run();
    let mut foreign = packets[700].clone();
    foreign.arrival.sequence = foreign.arrival.sequence.wrapping_add(30_000);
    packets.insert(701, foreign);
    let counts = followed(&packets).counts();
    assert_eq!((counts.strays, counts.unique, counts.lost, counts.segments), (1, truth.unique, 0, 1));
}

#[test]
fn a_codec_switch_with_another_clock_costs_no_jitter_and_no_late_packet() {
    let wide = Format::new(97, "AMR-WB", 16_000);
    let turn = Turn::Format { format: wide, ticks: 320, payload_bytes: 33 };
    let report = counts_true(&Plan { changes: vec![Change { at: 700, to: turn }], ..Plan::default() });
    assert_eq!(report.jitter_max_ms, Some(0.0));
    assert_eq!(report.playout[0].late, 0);
    assert_eq!(report.formats.len(), 2);
    assert!(report.findings.contains(&Finding::CodecChange));
    assert_eq!(report.mos, None);
    assert!(report.model.not_scorable.unwrap().contains("different scales"));
    assert!(report.windows[0].mos.is_some(), "a window in one codec is scored on that codec's scale");
    let last = report.windows.last().unwrap();
    assert_eq!((last.model, report.windows[0].model), (Some("G.107.1"), Some("G.107")));
    assert!(near(last.mos.unwrap().high, 4.337, 0.005), "the mode shows in the payload's size");
    assert_eq!((report.model.name, report.mos_min.is_some()), (None, false));
}

#[test]
fn a_change_of_packet_time_is_told() {
    let turn = Turn::PacketTime { ms: 40.0, ticks: 320 };
    let report = counts_true(&Plan { changes: vec![Change { at: 1000, to: turn }], ..Plan::default() });
    assert_eq!((report.ptime_ms, report.ptime_changes), (Some(20.0), 1));
    assert!(report.findings.contains(&Finding::PtimeChange));
}

#[test]
fn silence_between_talkspurts_is_neither_jitter_nor_gap_nor_late() {
    let pauses = (1..10).map(|n| Change { at: n * 100, to: Turn::Pause { ms: 3000.0 } }).collect();
    let report = counts_true(&Plan { changes: pauses, ..Plan::default() });
    assert_eq!((report.talkspurts, report.gaps, report.max_delta_ms), (10, 0, 20.0));
    assert!(report.jitter_max_ms.unwrap() < 0.2);
    assert_eq!(report.playout.iter().map(|buffer| buffer.late).sum::<u64>(), 0);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn telephone_events_take_part_in_the_count_and_not_in_the_jitter() {
    let (mut packets, _) = Plan::default().run();
    let events = Format::new(101, "telephone-event", 8000);
    let began = packets[500].arrival.timestamp;
    for packet in &mut packets[500..530] {
        packet.format = events.clone();
        packet.arrival.timestamp = began;
    }
    let report = reported(&followed(&packets));
    assert_eq!((report.events, report.lost, report.payload_type), (30, 0, 8));
    assert_eq!(report.jitter_max_ms, Some(0.0));
    assert_eq!(report.playout[0].late, 0);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn comfort_noise_alone_at_full_rate_is_a_silent_stream_without_score() {
    let noise = PayloadFormats::new().get(13).clone();
    let report = counts_true(&Plan { format: noise, payload_bytes: 1, ..Plan::default() });
    assert_eq!(report.comfort_noise, 1500);
    assert_eq!(report.findings, [Finding::Silent]);
    assert_eq!(report.mos, None);
    assert_eq!(report.model.not_scorable.as_deref(), Some("no speech in this stream"));
}

#[test]
fn digital_silence_is_silent_too() {
    let (mut packets, _) = Plan::default().run();
    packets.iter_mut().for_each(|packet| packet.arrival.flat = true);
    assert_eq!(reported(&followed(&packets)).findings, [Finding::Silent]);
}

#[test]
fn a_fast_sender_clock_is_measured_in_ppm_through_jitter() {
    let plan = Plan { packets: 6000, drift_ppm: 300.0, jitter_ms: 15.0, ..Plan::default() };
    let report = report_of(&plan);
    assert!(near(report.clock_drift_ppm.unwrap(), 300.0, 15.0), "{:?}", report.clock_drift_ppm);
    assert_eq!(report.findings, [Finding::ClockDrift]);
    let steady = report_of(&Plan { drift_ppm: 0.0, ..plan });
    assert!(near(steady.clock_drift_ppm.unwrap(), 0.0, 20.0), "{:?}", steady.clock_drift_ppm);
    assert!(steady.findings.is_empty());
}

#[test]
fn one_bad_window_is_the_minimum_though_the_call_is_good() {
    let lost: Vec<u64> = (600..900).step_by(4).collect();
    let report = counts_true(&Plan { packets: 6000, loss: Loss::These(lost), ..Plan::default() });
    let minimum = report.mos_min.unwrap();
    assert!(report.mos.unwrap().low > 3.6 && minimum.low < 2.0, "{:?} {minimum:?}", report.mos);
    let worst = report.windows.iter().filter_map(|window| window.mos).map(|mos| mos.low).fold(5.0, f64::min);
    assert_eq!(worst, minimum.low);
    assert_eq!(report.windows[1].lost, 75);
    assert_eq!(report.windows.iter().map(|window| window.lost).sum::<u64>(), 75);
}

#[test]
fn three_percent_of_g711_allow_2_79_to_4_13() {
    let lost: Vec<u64> = (0..3000).filter(|n| n % 100 == 20 || n % 100 == 53 || n % 100 == 86).collect();
    let report = counts_true(&Plan { packets: 3000, loss: Loss::These(lost), ..Plan::default() });
    let mos = report.mos.unwrap();
    assert!(near(mos.low, 2.79, 0.01) && near(mos.high, 4.13, 0.01), "{mos:?} {:?}", report.model);
    assert_eq!(report.model.delay_ms, None);
}

#[test]
fn jitter_costs_only_the_short_buffer_and_opens_the_interval() {
    let plan = Plan { spike: Some((50, 70.0)), ..Plan::default() };
    let report = report_of(&plan);
    let late: Vec<u64> = report.playout.iter().map(|buffer| buffer.late).collect();
    assert_eq!(late[..3], [30, 30, 0]);
    let mos = report.mos.unwrap();
    assert!(mos.low < 3.5 && mos.high > 4.4, "{mos:?}");
    assert_eq!(report.lost, 0);
    let behind_long = Assumptions { buffer_ms: Some(200.0), ..Assumptions::default() };
    let told = followed(&plan.run().0).report(&CodecTable::standard(), &behind_long);
    assert!(told.mos.unwrap().low > 4.4 && told.model.buffers == ["fixed_200"]);
}

#[test]
fn an_unknown_payload_type_is_counted_but_has_neither_milliseconds_nor_score() {
    let unknown = PayloadFormats::new().get(111).clone();
    let report = counts_true(&Plan { format: unknown, loss: Loss::Random(0.02), ..Plan::default() });
    assert!(report.lost > 0);
    assert_eq!((report.jitter_mean_ms, report.ptime_ms, report.mos), (None, None, None));
    assert!(report.model.not_scorable.is_some() && report.playout.is_empty());
}

#[test]
fn windows_can_be_drained_while_the_stream_goes_on_and_nothing_is_lost_between() {
    let plan = Plan { packets: 6000, loss: Loss::Random(0.05), jitter_ms: 50.0, ..Plan::default() };
    let (packets, truth) = plan.run();
    let (table, nothing) = (CodecTable::standard(), Assumptions::default());
    let mut stream = Stream::new(Settings::default());
    let mut drained = Vec::new();
    for packet in &packets {
        stream.push(&packet.arrival, &packet.format);
        drained.extend(stream.drain_windows(&table, &nothing));
    }
    let undrained = reported(&followed(&packets));
    assert_eq!(undrained.mos_min, reported(&stream).mos_min);
    stream.finish();
    drained.extend(stream.drain_windows(&table, &nothing));
    assert_eq!(drained.len(), 12);
    assert_eq!(drained.iter().map(|window| window.lost).sum::<u64>(), truth.lost);
    assert_eq!(drained.iter().map(|window| window.expected).sum::<u64>(), truth.expected);
    assert_eq!(drained.iter().map(|window| window.received).sum::<u64>(), truth.unique);
}

#[test]
fn a_window_closes_by_the_clock_alone() {
    let mut stream = followed(&Plan { packets: 100, ..Plan::default() }.run().0);
    assert!(stream.drain_windows(&CodecTable::standard(), &Assumptions::default()).is_empty());
    stream.advance(1_000_000_000 + 12_000_000_000);
    let windows = stream.drain_windows(&CodecTable::standard(), &Assumptions::default());
    assert_eq!((windows.len(), windows[0].expected), (1, 100));
}

#[test]
fn a_stream_keeps_within_two_kilobytes() {
    let stream = followed(&Plan { packets: 1600, ..Plan::default() }.run().0);
    let heap = stream.windows.closed.capacity() * size_of_val(&stream.windows.closed[0])
        + stream.content.used.capacity() * size_of_val(&stream.content.used[0]);
    let sizes = [
        size_of_val(&stream.sequence),
        size_of_val(&stream.settled),
        size_of_val(&stream.timing),
        size_of_val(&stream.content),
        size_of_val(&stream.playout),
        size_of_val(&stream.windows),
    ];
    assert!(size_of::<Stream>() + heap <= 2000, "{} bytes and {heap} more: {sizes:?}", size_of::<Stream>());
}

#[test]
fn the_record_has_the_fields_of_the_contract() {
    let report = report_of(&Plan { loss: Loss::Random(0.02), ..Plan::default() });
    let json = serde_json::to_value(&report).unwrap();
    for field in [
        "payload_type",
        "codec",
        "clock_rate",
        "duration_s",
        "received",
        "unique",
        "expected",
        "lost",
        "loss_ratio",
        "duplicates",
        "reordered",
        "segments",
        "max_delta_ms",
        "jitter_mean_ms",
        "jitter_max_ms",
    ] {
        assert!(!json[field].is_null(), "{field}");
    }
    for (outer, inner) in [
        ("bursts", "count"),
        ("bursts", "density"),
        ("bursts", "mean_ms"),
        ("bursts", "burst_r"),
        ("r_factor", "low"),
        ("r_factor", "high"),
        ("mos", "low"),
        ("mos", "high"),
        ("model", "name"),
        ("model", "ie"),
        ("model", "bpl_low"),
        ("model", "bpl_high"),
        ("model", "ppl"),
        ("model", "delay_ms"),
        ("model", "not_scorable"),
    ] {
        assert!(json[outer].get(inner).is_some(), "{outer}.{inner}");
    }
}

#[test]
fn a_verdict_says_what_became_of_each_packet() {
    let (packets, _) = Plan { packets: 6, ..Plan::default() }.run();
    let mut stream = Stream::new(Settings::default());
    let mut verdict = |index: usize| stream.push(&packets[index].arrival, &packets[index].format);
    let verdicts = [verdict(0), verdict(1), verdict(4), verdict(3), verdict(4)];
    use Verdict::{AfterGap, Duplicate, InOrder, Reordered};
    assert_eq!(verdicts, [InOrder, InOrder, AfterGap, Reordered, Duplicate]);
}
