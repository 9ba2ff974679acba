//! Captures with a known truth, for `benches/rtp_analyze.sh`.
//!
//! ```text
//! rtp_capture calls FILE TRUTH                 1000 calls of 30 s, eight kinds of trouble, SIP; about 3 million packets
//! rtp_capture flood PACKETS SHARE TRUTH        to standard output: 5,000 streams, SHARE of the packets of invented SSRCs
//! rtp_capture check TRUTH ANALYSIS [LEAST]     whether each stream was counted right, or that share of them at least
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its caller")]

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write, stdout};
use std::net::{Ipv4Addr, SocketAddr};

use linesman_media::capture::write::{Leg, Scene, Wrap, Written, frame, pcap, rtp, sdp, udp};
use linesman_media::quality::generate::{Loss, Plan, Random, Truth};

const CALLS: u16 = 1_000;
const FLOODED: u32 = 5_000;
/// Where scenes begin, in nanoseconds.
const BEGIN: i64 = 1_700_000_000_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["calls", file, truth] => calls(BufWriter::new(File::create(file)?), truth),
        ["flood", packets, share, truth] => flood(packets.parse()?, share.parse()?, truth),
        ["check", truth, analysis] => check(truth, analysis, 1.0),
        ["check", truth, analysis, least] => check(truth, analysis, least.parse()?),
        _ => {
            Err("rtp_capture calls FILE TRUTH | flood PACKETS SHARE TRUTH | check TRUTH ANALYSIS [LEAST]"
                .into())
        }
    }
}

/// What happens to the streams of a call: clean, lossy at random or in bursts, jittery, doubled, late now and then.
fn trouble(call: u16, direction: u16, start_ns: i64) -> Plan {
    let plan = Plan { seed: u64::from(call) * 2 + u64::from(direction) + 1, start_ns, ..Plan::default() };
    match call % 8 {
        1 => Plan { loss: Loss::Random(0.01), ..plan },
        2 => Plan { loss: Loss::Random(0.03), ..plan },
        3 => Plan { loss: Loss::Gilbert { enter: 0.0132, leave: 0.25 }, ..plan },
        4 => Plan { jitter_ms: 30.0, ..plan },
        5 => Plan { jitter_ms: 30.0, loss: Loss::Random(0.01), ..plan },
        6 => Plan { duplicates: 0.005, ..plan },
        7 => Plan { spike: Some((100, 25.0)), ..plan },
        _ => plan,
    }
}

fn address(third: u8, number: u16, port: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(10, third + high, low, 1), port))
}

/// A packet, where it stands in the capture, and how its frame is made: kept small, there are millions.
struct Due {
    at: i64,
    call: u16,
    direction: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
}

fn calls(mut file: impl Write, truth: &str) -> Result<(), Box<dyn Error>> {
    let mut truths = BufWriter::new(File::create(truth)?);
    let (mut due, mut scene) = (Vec::new(), Scene::new(Wrap::Ethernet));
    for call in 0..CALLS {
        let begin_ms = i64::from(call) * 37;
        let [caller, callee] = [address(1, call, 20_000), address(64, call, 30_000)];
        let leg = Leg {
            caller: SocketAddr::new(caller.ip(), 5_060),
            callee: SocketAddr::new(callee.ip(), 5_060),
            call_id: format!("call-{call}@bench"),
            from: format!("8520{call:07}"),
            to: format!("8613{call:09}"),
            branch: call.to_string(),
        };
        let offered = |address| sdp(address, "audio", "RTP/AVP 8", "a=ptime:20");
        scene.answered_call(begin_ms, &leg, 1_000, &offered(caller), &offered(callee));
        scene.bye(begin_ms + 31_500, &leg);
        for direction in 0..2 {
            let start_ns = BEGIN + (begin_ms + 1_010) * 1_000_000 + i64::from(direction) * 3_000;
            let (packets, truth) = trouble(call, direction, start_ns).run();
            write_truth(&mut truths, ssrc_of(call, direction), &truth)?;
            due.extend(packets.into_iter().map(|packet| Due {
                at: packet.arrival.at_ns,
                call,
                direction: direction as u8,
                marker: packet.arrival.marker,
                sequence: packet.arrival.sequence,
                timestamp: packet.arrival.timestamp,
            }));
        }
    }
    due.sort_by_key(|due| due.at);
    file.write_all(&pcap(Wrap::Ethernet.link_type(), &[]))?;
    let mut signalling = scene.frames().into_iter().peekable();
    for due in &due {
        while let Some(frame) = signalling.next_if(|frame| frame.at <= due.at) {
            record(&mut file, &frame)?;
        }
        let (caller, callee) = (address(1, due.call, 20_000), address(64, due.call, 30_000));
        let (source, destination) = if due.direction == 0 { (caller, callee) } else { (callee, caller) };
        let payload = [0x55 ^ due.sequence as u8; 160];
        let ssrc = ssrc_of(due.call, u16::from(due.direction));
        let packet = rtp(8, due.marker, due.sequence, due.timestamp, ssrc, &payload);
        let bytes = frame(Wrap::Ethernet, &udp(source, destination, 46, &packet));
        record(&mut file, &Written { at: due.at, bytes })?;
    }
    signalling.try_for_each(|frame| record(&mut file, &frame))?;
    file.flush()?;
    println!("{} packets of voice", due.len());
    Ok(())
}

fn ssrc_of(call: u16, direction: u16) -> u32 {
    0x1000_0000 + u32::from(call) * 2 + u32::from(direction)
}

/// Real streams of G.729 at 20 ms that lose each 97th packet, and between their packets those that an attacker sends to
/// the same ports, each with an SSRC of its own.
fn flood(packets: u64, share: f64, truth: &str) -> Result<(), Box<dyn Error>> {
    let mut truths = BufWriter::new(File::create(truth)?);
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    out.write_all(&pcap(Wrap::Ethernet.link_type(), &[]))?;
    let mut random = Random::new(7);
    let each = (packets as f64 * (1.0 - share) / f64::from(FLOODED)) as u32;
    let between = (share / (1.0 - share)).round() as u32;
    let sockets = |stream: u32| {
        let [high, low] = (stream as u16).to_be_bytes();
        let port = 16_384 + 2 * stream as u16;
        (
            SocketAddr::from((Ipv4Addr::new(10, 1 + high, low, 1), port)),
            SocketAddr::from((Ipv4Addr::new(10, 64 + high, low, 1), port)),
        )
    };
    let gap = |stream: u32, number: u32| (number + stream) % 97 == 96 && number > 0 && number + 1 < each;
    let attacker = SocketAddr::from((Ipv4Addr::new(203, 0, 113, 7), 40_000));
    for number in 0..each {
        for stream in 0..FLOODED {
            let at = BEGIN + i64::from(number) * 20_000_000 + i64::from(stream) * 4_000;
            let (source, destination) = sockets(stream);
            if !gap(stream, number) {
                let packet =
                    rtp(18, number == 0, number as u16, number * 160, 0x2000_0000 + stream, &[7; 20]);
                let bytes = frame(Wrap::Ethernet, &udp(source, destination, 46, &packet));
                record(&mut out, &Written { at, bytes })?;
            }
            for place in 0..between {
                let bits = random.bits();
                let packet = rtp(18, false, bits as u16, (bits >> 16) as u32, (bits >> 32) as u32, &[9; 20]);
                let bytes = frame(Wrap::Ethernet, &udp(attacker, destination, 0, &packet));
                record(&mut out, &Written { at: at + i64::from(place), bytes })?;
            }
        }
    }
    out.flush()?;
    for stream in 0..FLOODED {
        let lost = (0..each).filter(|number| gap(stream, *number)).count() as u64;
        let (expected, unique) = (u64::from(each), u64::from(each) - lost);
        let truth = Truth { received: unique, unique, lost, expected, ..Truth::default() };
        write_truth(&mut truths, 0x2000_0000 + stream, &truth)?;
    }
    Ok(())
}

/// A frame of a classic pcap in nanoseconds.
fn record(to: &mut impl Write, frame: &Written) -> std::io::Result<()> {
    let length = frame.bytes.len() as u32;
    let (seconds, rest) = (frame.at / 1_000_000_000, frame.at % 1_000_000_000);
    for word in [seconds as u32, rest as u32, length, length] {
        to.write_all(&word.to_le_bytes())?;
    }
    to.write_all(&frame.bytes)
}

fn write_truth(to: &mut impl Write, ssrc: u32, truth: &Truth) -> std::io::Result<()> {
    let Truth { received, unique, lost, expected, duplicates, reordered, .. } = truth;
    writeln!(to, "{ssrc:#010x},{received},{unique},{lost},{expected},{duplicates},{reordered}")
}

/// Compares an analysis with the truth.
fn check(truth: &str, analysis: &str, least: f64) -> Result<(), Box<dyn Error>> {
    let document: serde_json::Value = serde_json::from_reader(BufReader::new(File::open(analysis)?))?;
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for stream in document["streams"].as_array().into_iter().flatten() {
        let count = |field: &str| stream[field].to_string();
        let counts =
            ["received", "unique", "lost", "expected", "duplicates", "reordered"].map(count).join(",");
        found.entry(stream["ssrc"].as_str().unwrap_or_default().to_owned()).or_default().push(counts);
    }
    let (mut right, mut all) = (0u32, 0u32);
    for line in std::fs::read_to_string(truth)?.lines() {
        let Some((ssrc, counts)) = line.split_once(',') else { continue };
        all += 1;
        match found.remove(ssrc).as_deref() {
            Some([one]) if one == counts => right += 1,
            other => eprintln!("{ssrc}: {counts} in truth, found {other:?}"),
        }
    }
    let more = found.len();
    println!("{right} of {all} streams counted right, {more} others");
    if f64::from(right) < least * f64::from(all) || least >= 1.0 && more > 0 {
        return Err("not what was put in".into());
    }
    Ok(())
}
