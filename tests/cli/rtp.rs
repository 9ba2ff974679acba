//! `linesman rtp analyze` on captures whose truth is known, and beside tshark on the same ones.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use linesman_media::capture::write::{Leg, Ng, Scene, Talk, Wrap, Written, pcap, pcapng, rtp, sdp, udp};
use linesman_media::quality::generate::Random;
use serde_json::Value;

use super::support::requirement::require;
use super::{ended, folder, json, linesman, run};

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A call of ten seconds; the callee's voice only if `heard`.
fn call(heard: bool) -> Vec<Written> {
    let (caller, callee) = (at("10.0.0.1:4000"), at("10.0.0.2:8000"));
    let leg = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), "call-1", "1001", "1002");
    let pcma = |address| sdp(address, "audio", "RTP/AVP 8", "a=ptime:20");
    let mut scene = Scene::new(Wrap::Ethernet);
    scene.answered_call(0, &leg, 1_000, &pcma(caller), &pcma(callee));
    scene.talk(Talk { lose_every: 50, ..Talk::new(caller, callee, 1_010, 0x58f3_3dea) });
    if heard {
        scene.talk(Talk::new(callee, caller, 1_015, 2));
    }
    scene.bye(11_100, &leg);
    scene.frames()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_capture_is_answered_in_the_words_of_the_contract() {
    let here = folder();
    let name = file(here.path(), "call.pcap", &pcap(1, &call(true)));
    let (code, out, said) = run(here.path(), &["rtp", "analyze", &name, "--json"]);
    let report = json(&out);
    assert_eq!((code, report["packets"].as_u64(), said.as_str()), (1, Some(997), ""), "{out}");
    let stream = &report["streams"][0];
    for (key, value) in [
        ("ssrc", Value::from("0x58f33dea")),
        ("src", "10.0.0.1:4000".into()),
        ("dst", "10.0.0.2:8000".into()),
        ("payload_type", 8.into()),
        ("codec", "PCMA".into()),
        ("clock_rate", 8_000.into()),
        ("first", "2023-11-14T22:13:21.010000Z".into()),
        ("received", 490.into()),
        ("unique", 490.into()),
        ("expected", 499.into()),
        ("lost", 9.into()),
        ("duplicates", 0.into()),
        ("reordered", 0.into()),
        ("segments", 1.into()),
        ("encrypted", false.into()),
        ("call_id", "call-1".into()),
        ("leg", "1".into()),
    ] {
        assert_eq!(stream[key], value, "{key}");
    }
    for key in ["duration_s", "loss_ratio", "max_delta_ms", "jitter_mean_ms", "jitter_max_ms"] {
        assert!(stream[key].is_f64(), "{key}: {}", stream[key]);
    }
    for (object, keys) in [
        ("bursts", &["count", "density", "mean_ms", "burst_r"][..]),
        ("r_factor", &["low", "high"]),
        ("mos", &["low", "high"]),
        ("model", &["name", "ie", "bpl_low", "bpl_high", "ppl", "delay_ms", "not_scorable"]),
    ] {
        for key in keys {
            assert!(stream[object].get(key).is_some(), "{object}.{key}");
        }
    }
    let call = &report["calls"][0];
    assert_eq!(
        (&call["call_id"], &call["state"], &call["setup_ms"]),
        (&"call-1".into(), &"ended".into(), &100.0.into())
    );
    assert_eq!(call["streams"][0], "0x58f33dea@10.0.0.1:4000>10.0.0.2:8000");
    assert_eq!(call["findings"], serde_json::json!(["loss_upstream"]));
    let (_, out, _) = run(here.path(), &["rtp", "analyze", &name, "--json", "--calls"]);
    assert!(json(&out).get("streams").is_none() && json(&out)["calls"].is_array());
}

#[test]
fn a_table_and_csv_are_written_for_people_and_sheets() {
    let here = folder();
    let name = file(here.path(), "call.pcapng", &pcapng(Ng::default(), &call(false)));
    let (code, out, said) = run(here.path(), &["rtp", "analyze", &name]);
    assert_eq!(code, 1, "one-way audio is a problem");
    assert!(
        out.contains("0x58f33dea") && out.contains("PCMA") && out.contains("one_way_audio (leg 1): "),
        "{out}"
    );
    assert!(!out.contains('▁'), "no sparkline off a terminal: {out}");
    assert_eq!(said, "497 packets, 7 SIP messages, 1 streams, 1 calls\n");
    let (_, out, _) = run(here.path(), &["rtp", "analyze", &name, "--csv"]);
    let lines: Vec<_> = out.lines().collect();
    assert!(
        lines[0].starts_with("ssrc,src,dst,") && lines[1].starts_with("0x58f33dea,10.0.0.1:4000,"),
        "{out}"
    );
    let (_, out, _) = run(here.path(), &["rtp", "analyze", &name, "--csv", "--calls"]);
    assert!(out.contains("call-1,1001@a.example,1002@b.example,ended,200,"), "{out}");
}

#[test]
fn a_truncated_file_gives_what_could_be_read_the_packet_where_it_broke_and_1() {
    let here = folder();
    let whole = pcap(1, &call(true));
    let name = file(here.path(), "cut.pcap", &whole[..whole.len() / 2]);
    let (code, out, said) = run(here.path(), &["rtp", "analyze", &name, "--json"]);
    let report = json(&out);
    let packets = report["packets"].as_u64().expect("a number");
    assert!(packets > 400, "{packets}");
    assert_eq!((code, &report["broken"][0]["packet"]), (1, &Value::from(packets + 1)));
    assert!(said.contains(&format!("packet {}: the file ends within it", packets + 1)), "{said}");
    assert_eq!(report["streams"].as_array().map(Vec::len), Some(2));
}

#[test]
fn standard_input_is_read_also_when_packed_and_a_good_capture_ends_with_0() {
    let here = folder();
    let mut scene = Scene::new(Wrap::Sll2);
    scene.talk(Talk::new(at("[2001:db8::1]:4000"), at("[2001:db8::2]:8000"), 0, 7));
    let capture = pcap(276, &scene.frames());
    let mut command = linesman(here.path(), &["rtp", "analyze", "-", "--json"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(&capture).expect("taken");
    let (code, out, said) = ended(child.wait_with_output().expect("it ends"));
    assert_eq!((code, said.as_str(), json(&out)["streams"][0]["received"].as_u64()), (0, "", Some(500)));
}

#[test]
fn what_cannot_be_understood_is_said_with_the_right_code() {
    let here = folder();
    assert_eq!(run(here.path(), &["rtp", "analyze"]).0, 2);
    assert_eq!(run(here.path(), &["rtp", "analyze", "-", "-"]).0, 2);
    let (code, _, said) = run(here.path(), &["rtp", "analyze", "nowhere.pcap"]);
    assert_eq!(code, 1);
    assert!(said.contains("nowhere.pcap cannot be read"), "{said}");
    let text = file(here.path(), "notes.txt", b"no capture at all");
    let (code, _, said) = run(here.path(), &["rtp", "analyze", &text]);
    assert_eq!(code, 1);
    assert!(said.contains("neither pcap nor pcapng"), "{said}");
}

/// What tshark prints of a stream: packets, lost, largest delta, mean and largest jitter.
fn tshark(capture: &str) -> Vec<(String, [String; 5])> {
    let arguments = ["--enable-heuristic", "rtp_udp", "-n", "-q", "-z", "rtp,streams", "-r", capture];
    let output = Command::new("tshark").args(arguments).output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let ssrc = words.iter().position(|word| word.starts_with("0x"))?;
            let end = words.iter().rposition(|word| word.contains('.'))?;
            let word = |at: usize| words[at].to_owned();
            let lost = words.iter().position(|word| word.starts_with('('))? - 1;
            Some((
                word(ssrc).to_lowercase(),
                [word(lost - 1), word(lost), word(end - 3), word(end - 1), word(end)],
            ))
        })
        .collect()
}

fn agree(here: &Path, capture: &str) -> usize {
    let theirs = tshark(capture);
    let (_, out, _) = run(here, &["rtp", "analyze", capture, "--json", "--streams"]);
    let report = json(&out);
    for (ssrc, figures) in &theirs {
        let streams = report["streams"].as_array().expect("streams");
        let ours =
            streams.iter().find(|stream| stream["ssrc"] == ssrc.as_str()).expect("the stream is found");
        let milliseconds = |key: &str| format!("{:.3}", ours[key].as_f64().expect("a number"));
        let ours = [
            ours["received"].to_string(),
            ours["lost"].to_string(),
            milliseconds("max_delta_ms"),
            milliseconds("jitter_mean_ms"),
            milliseconds("jitter_max_ms"),
        ];
        assert_eq!(&ours, figures, "{ssrc} in {capture}");
    }
    theirs.len()
}

#[test]
fn counts_and_jitter_agree_with_tshark_to_its_printed_digits_where_tshark_is_right() {
    if !require("tshark") {
        return;
    }
    let here = folder();
    let mut random = Random::new(11);
    let mut frames = Vec::new();
    for (stream, loss) in [0.0, 0.01, 0.1].into_iter().enumerate() {
        let port = 4_000 + 2 * u16::try_from(stream).expect("small");
        let (source, destination) = (SocketAddr::new(at("10.0.0.1:0").ip(), port), at("10.0.0.2:8000"));
        for index in 0..1_500_u16 {
            if index > 10 && index < 1_490 && random.chance(loss) {
                continue;
            }
            let ssrc = 0x1000 + u32::try_from(stream).expect("small");
            let payload: Vec<u8> = (0..20).map(|_| random.bits() as u8).collect();
            let timestamp = u32::from(index).wrapping_mul(160).wrapping_sub(100_000);
            let packet = rtp(8, index == 0, index.wrapping_sub(700), timestamp, ssrc, &payload);
            // Up to 15 ms late: never out of order.
            let late = (random.unit() * 15e6) as i64;
            let bytes =
                linesman_media::capture::write::frame(Wrap::Ethernet, &udp(source, destination, 46, &packet));
            frames.push(Written {
                at: 1_700_000_000_000_000_000 + i64::from(index) * 20_000_000 + late,
                bytes,
            });
        }
    }
    frames.sort_by_key(|frame| frame.at);
    let made = file(here.path(), "made.pcap", &pcap(1, &frames));
    assert_eq!(agree(here.path(), &made), 3);
}

#[test]
fn a_real_recording_agrees_with_tshark() {
    let real = "/usr/share/sip-tester/g711a.pcap";
    if !require("tshark") || !require("sipp") || !Path::new(real).is_file() {
        return;
    }
    assert_eq!(agree(folder().path(), real), 1);
}
