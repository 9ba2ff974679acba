//! The same packets through tshark: jitter and deltas agree to its printed digit, losses where it counts right.

use std::io::Write;
use std::process::{Command, Stdio};

use super::super::format::{Format, PayloadFormats};
use super::super::generate::{Change, Loss, Packet, Plan, Turn};
use super::super::report::StreamReport;
use super::super::score::{Assumptions, CodecTable};
use super::{Settings, Stream};

/// A capture of the packets: nanosecond pcap, raw IPv4, UDP port 4000 to 4002.
fn capture(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend(word.to_le_bytes());
    }
    for packet in packets {
        let arrival = &packet.arrival;
        let payload = arrival.payload_bytes as usize;
        let (udp, ip) = ((20 + payload) as u16, (40 + payload) as u16);
        for word in [
            (arrival.at_ns / 1_000_000_000) as u32,
            (arrival.at_ns % 1_000_000_000) as u32,
            u32::from(ip),
            u32::from(ip),
        ] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0x45, 0]);
        file.extend(ip.to_be_bytes());
        file.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        file.extend([0x0f, 0xa0, 0x0f, 0xa2]);
        file.extend(udp.to_be_bytes());
        file.extend([0, 0, 0x80, packet.format.payload_type | u8::from(arrival.marker) << 7]);
        file.extend(arrival.sequence.to_be_bytes());
        file.extend(arrival.timestamp.to_be_bytes());
        file.extend(0x58f3_3dea_u32.to_be_bytes());
        file.extend((0..payload).map(|at| (at * 7) as u8));
    }
    file
}

/// What tshark prints of the only stream: lost, max delta, max jitter, mean jitter.
fn tshark(packets: &[Packet]) -> Option<(i64, [String; 3])> {
    let running = Command::new("tshark")
        .args(["-n", "-q", "-r", "-", "-d", "udp.port==4002,rtp", "-z", "rtp,streams"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut running) = running else {
        let required = std::env::var("LINESMAN_TEST_REQUIRE").is_ok_and(|what| what == "all");
        assert!(!required, "tshark is required and not installed");
        println!("skipped: tshark is not installed");
        return None;
    };
    running.stdin.take().unwrap().write_all(&capture(packets)).unwrap();
    let output = running.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let heading = text.lines().find(|line| line.contains("Max Jitter")).expect(&text);
    let line = text.lines().find(|line| line.contains("0x58F33DEA")).expect(&text);
    let (before, after) = line.split_once("%)").expect(line);
    let lost = before.split(" (").next().unwrap().split_whitespace().last().unwrap().parse().unwrap();
    let columns: Vec<&str> = after.split_whitespace().collect();
    // From 4.0 on: least, mean and largest of both; before: largest delta, largest and mean jitter.
    let wanted = if heading.contains("Min Delta") { [2, 5, 4] } else { [0, 1, 2] };
    Some((lost, wanted.map(|column| columns[column].to_owned())))
}

fn ours(packets: &[Packet]) -> StreamReport {
    let mut stream = Stream::new(Settings::default());
    for packet in packets {
        stream.push(&packet.arrival, &packet.format);
    }
    stream.report(&CodecTable::standard(), &Assumptions::default())
}

#[track_caller]
fn agrees(plan: &Plan, losses_too: bool) {
    let (packets, truth) = plan.run();
    agree_on(&packets, losses_too, plan);
    assert_eq!(ours(&packets).lost, truth.lost);
}

#[track_caller]
fn agree_on(packets: &[Packet], losses_too: bool, plan: &Plan) {
    let Some((lost, [delta, jitter_max, jitter_mean])) = tshark(packets) else { return };
    let report = ours(packets);
    if losses_too {
        assert_eq!(i64::try_from(report.lost).unwrap(), lost);
    }
    let digits = delta.split('.').nth(1).map_or(0, str::len);
    let printed = |value: f64| format!("{value:.digits$}");
    let mine = [Some(report.max_delta_ms), report.jitter_max_ms, report.jitter_mean_ms];
    assert_eq!(mine.map(|value| printed(value.unwrap())), [delta, jitter_max, jitter_mean], "{plan:?}");
}

#[test]
fn jitter_and_deltas_of_lossy_streams_agree_with_tshark() {
    agrees(&Plan { jitter_ms: 15.0, ..Plan::default() }, true);
    agrees(&Plan { jitter_ms: 8.0, loss: Loss::Random(0.03), ..Plan::default() }, true);
    agrees(
        &Plan { jitter_ms: 3.0, loss: Loss::Gilbert { enter: 0.0132, leave: 0.25 }, ..Plan::default() },
        true,
    );
    agrees(&Plan { spike: Some((100, 19.0)), jitter_ms: 0.9, ..Plan::default() }, true);
}

#[test]
fn jitter_of_reordered_and_doubled_packets_agrees_with_tshark() {
    agrees(&Plan { jitter_ms: 30.0, ..Plan::default() }, false);
    for seed in 0..12 {
        agrees(&Plan { seed, jitter_ms: 120.0, loss: Loss::Random(0.01), ..Plan::default() }, false);
    }
    agrees(&Plan { spike: Some((100, 25.0)), jitter_ms: 1.0, ..Plan::default() }, false);
    agrees(&Plan { jitter_ms: 10.0, duplicates: 0.005, ..Plan::default() }, false);
    agrees(&Plan { jitter_ms: 10.0, mirrored: true, ..Plan::default() }, false);
}

#[test]
fn jitter_over_talkspurts_and_packet_times_agrees_with_tshark() {
    let pauses = (1..10).map(|n| Change { at: n * 100, to: Turn::Pause { ms: 700.0 } }).collect();
    agrees(&Plan { jitter_ms: 10.0, changes: pauses, ..Plan::default() }, true);
    let change = Turn::PacketTime { ms: 40.0, ticks: 320 };
    agrees(&Plan { jitter_ms: 10.0, changes: vec![Change { at: 500, to: change }], ..Plan::default() }, true);
}

#[test]
fn other_static_codecs_agree_with_tshark() {
    let g729 = PayloadFormats::new().get(18).clone();
    agrees(
        &Plan { jitter_ms: 10.0, format: g729, payload_bytes: 20, drift_ppm: 80.0, ..Plan::default() },
        true,
    );
    let g723 = Format::new(4, "G723", 8000);
    agrees(
        &Plan {
            jitter_ms: 10.0,
            format: g723,
            payload_bytes: 24,
            ticks: 240,
            packet_time_ms: 30.0,
            ..Plan::default()
        },
        true,
    );
}

#[test]
fn comfort_noise_between_speech_agrees_with_tshark() {
    let plan = Plan { jitter_ms: 10.0, ..Plan::default() };
    let (mut packets, _) = plan.run();
    for packet in packets.iter_mut().filter(|packet| packet.number % 100 > 80) {
        packet.format = PayloadFormats::new().get(13).clone();
        packet.arrival.payload_bytes = 1;
    }
    agree_on(&packets, true, &plan);
}
