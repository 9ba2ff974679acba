//! `linesman cdr media`: a file of records beside a capture, the truth of both known.

use std::net::SocketAddr;
use std::path::Path;

use linesman_media::capture::write::{Leg, Scene, Talk, Wrap, Written, pcap, sdp};
use serde_json::Value;

use super::{folder, json, run};

/// The scene begins at 2023-11-14T22:13:20Z.
const HEADER: &str = "call_id,caller,callee,start_time,answer_time,end_time,duration,billed_seconds,rate,amount,\
                      currency,gateway,codec\n";

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// One call: a second of ringing, then ten of talk unless stated.
struct Call {
    number: u16,
    begins_s: i64,
    talk_s: i64,
    /// Packets of each party, and when the callee's begin after the answer.
    caller: u16,
    callee: u16,
    late_ms: i64,
}

impl Call {
    fn of(number: u16, begins_s: i64) -> Self {
        Self { number, begins_s, talk_s: 10, caller: 500, callee: 500, late_ms: 10 }
    }

    fn play(&self, scene: &mut Scene) {
        let port = 4_000 + self.number * 10;
        let (caller, callee) = (at(&format!("10.0.0.1:{port}")), at(&format!("10.0.0.2:{port}")));
        let id = format!("call-{}", self.number);
        let to = format!("86138000000{:02}", self.number);
        let leg = Leg::new(at("10.0.0.1:5060"), at("10.0.0.2:5060"), &id, "85230000001", &to);
        let pcma = |address| sdp(address, "audio", "RTP/AVP 8", "a=ptime:20");
        let begins = self.begins_s * 1_000;
        scene.answered_call(begins, &leg, 1_000, &pcma(caller), &pcma(callee));
        let ssrc = u32::from(self.number) * 16;
        let talk = |from, to, after: i64, packets, ssrc| Talk {
            packets,
            ..Talk::new(from, to, begins + 1_000 + after, ssrc)
        };
        if self.caller > 0 {
            scene.talk(talk(caller, callee, 5, self.caller, ssrc + 1));
        }
        if self.callee > 0 {
            scene.talk(talk(callee, caller, self.late_ms, self.callee, ssrc + 2));
        }
        scene.bye(begins + 1_000 + self.talk_s * 1_000, &leg);
    }
}

/// Eight calls, of which the first three are as they should be.
fn scene() -> Vec<Written> {
    let mut scene = Scene::new(Wrap::Ethernet);
    for call in [
        Call::of(1, 0),
        Call::of(2, 20),
        Call::of(3, 40),
        // Nobody is heard, the callee is not heard, the callee is heard after eight seconds of twenty.
        Call { caller: 0, callee: 0, ..Call::of(4, 60) },
        Call { callee: 0, ..Call::of(5, 80) },
        Call { late_ms: 8_000, talk_s: 20, caller: 1_000, callee: 600, ..Call::of(6, 100) },
        // Billed sixty seconds; billed as G.729; in no record.
        Call::of(7, 140),
        Call::of(8, 160),
        Call::of(9, 180),
        Call::of(10, 240),
    ] {
        call.play(&mut scene);
    }
    scene.frames()
}

/// The records by a clock that is three seconds ahead; `zone` as it stands behind a time.
fn records(with_ids: bool, zone: &str, hours: i64) -> String {
    let mut text = HEADER.to_owned();
    let moment = |second: i64| {
        let at = 1_700_000_000 + second + 3 + hours * 3_600;
        let (day, rest) = (at.div_euclid(86_400) - 1_699_920_000 / 86_400, at.rem_euclid(86_400));
        let (hour, minute) = (rest / 3_600, rest / 60 % 60);
        format!("2023-11-{:02}T{hour:02}:{minute:02}:{:02}{zone}", 14 + day, rest % 60)
    };
    let mut row = |number: u16, begins: i64, talk: i64, codec: &str| {
        let id = if with_ids { format!("call-{number}") } else { String::new() };
        text.push_str(&format!(
            "{id},85230000001,86138000000{number:02},{},{},{},{talk},{talk},0.60,{}.{:02},USD,=gw-1,{codec}\n",
            moment(begins),
            moment(begins + 1),
            moment(begins + 1 + talk),
            talk / 100,
            talk % 100,
        ));
    };
    row(1, 0, 10, "PCMA");
    row(2, 20, 10, "PCMA");
    row(3, 40, 10, "PCMA");
    row(4, 60, 10, "PCMA");
    row(5, 80, 10, "PCMA");
    row(6, 100, 20, "PCMA");
    row(7, 140, 60, "PCMA");
    row(8, 160, 10, "G729");
    // Number 9 is missing; number 11 was never heard, 12 is after the capture.
    row(11, 210, 10, "PCMA");
    row(10, 240, 10, "PCMA");
    row(12, 4_000, 10, "PCMA");
    text
}

fn write(here: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(here.join(name), bytes).expect("written");
}

fn kinds(report: &Value) -> Vec<(String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let differences = report["differences"].as_array().expect("differences");
    let row = |one: &Value| {
        let number = one["record"]["callee"].as_str().or(one["call"]["to"].as_str()).unwrap_or_default();
        (text(&one["kind"]), number[11..].to_owned(), one["at_stake"].as_str().map(str::to_owned))
    };
    differences.iter().map(row).collect()
}

/// What is wrong with the eight, by kind.
fn truth() -> Vec<(String, String, Option<String>)> {
    [
        ("billed_without_media", "04", Some("0.1")),
        ("billed_one_way", "05", Some("0.1")),
        // Eight seconds at 0.60 a minute.
        ("false_answer", "06", Some("0.08")),
        // Fifty seconds more than the signalling shows, one of them perhaps rounding.
        ("billed_longer_than_media", "07", Some("0.49")),
        ("codec_differs", "08", None),
        ("not_billed", "09", None),
        ("not_heard", "11", Some("0.1")),
    ]
    .map(|(kind, number, stake)| (kind.to_owned(), number.to_owned(), stake.map(str::to_owned)))
    .to_vec()
}

#[test]
fn every_planted_difference_is_found_with_both_rows_and_nothing_else_is_said_r58() {
    let here = folder();
    write(here.path(), "voice.pcap", pcap(1, &scene()));
    for (with_ids, zone, hours) in [(true, "Z", 0), (false, "Z", 0), (false, "", 8), (true, "+08:00", 8)] {
        write(here.path(), "ours.csv", records(with_ids, zone, hours));
        let (code, out, said) =
            run(here.path(), &["cdr", "media", "--ours", "ours.csv", "voice.pcap", "--json"]);
        assert_eq!(code, 1, "{said}");
        let report = json(&out);
        assert_eq!(kinds(&report), truth(), "{with_ids} {zone} {hours}: {out}");
        let of = &report["records"];
        let (all, matched) = (of["all"].as_u64(), of["matched"].as_u64());
        assert_eq!((all, matched, of["not_heard"].as_u64()), (Some(11), Some(9), Some(1)), "{of}");
        assert_eq!((of["not_covered"].as_u64(), of["ambiguous"].as_u64()), (Some(1), Some(0)), "{of}");
        assert_eq!(report["undecided"]["outside_capture"], 1, "{out}");
        let zones = if zone.is_empty() { hours * 3_600 } else { 0 };
        assert_eq!(report["clock_offset"]["seconds"].as_f64(), Some((zones + 3) as f64), "{out}");
        assert_eq!(report["at_stake"]["USD"], "0.87", "each record once");
        let hung = &report["differences"][3];
        assert_eq!(
            (&hung["record"]["line"], &hung["record"]["billed_s"], &hung["seconds"]),
            (&8.into(), &60.into(), &50.0.into())
        );
        assert_eq!(hung["call"]["from_callee"]["codecs"], serde_json::json!(["PCMA"]));
        assert_eq!(report["differences"][0]["call"]["from_caller"], Value::Null);
    }
}

#[test]
fn a_report_of_rtp_analyze_and_a_capture_on_standard_input_say_the_same() {
    use std::io::Write as _;
    let here = folder();
    write(here.path(), "voice.pcap", pcap(1, &scene()));
    write(here.path(), "ours.csv", records(true, "Z", 0));
    let (_, document, _) = run(here.path(), &["rtp", "analyze", "voice.pcap", "--json"]);
    assert_eq!(json(&document)["captured"].as_array().map(Vec::len), Some(1));
    write(here.path(), "voice.json", &document);
    let (code, out, _) = run(here.path(), &["cdr", "media", "--cdrs", "ours.csv", "voice.json", "--json"]);
    assert_eq!((code, kinds(&json(&out))), (1, truth()));
    let mut command = super::linesman(here.path(), &["cdr", "media", "--theirs", "ours.csv", "-", "--json"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(&pcap(1, &scene())).expect("taken");
    let (code, out, _) = super::ended(child.wait_with_output().expect("an end"));
    assert_eq!((code, kinds(&json(&out)), &json(&out)["side"]), (1, truth(), &Value::from("theirs")));
}

#[test]
fn people_read_it_in_both_languages_and_a_spreadsheet_takes_nothing_for_a_formula() {
    let here = folder();
    write(here.path(), "voice.pcap", pcap(1, &scene()));
    write(here.path(), "ours.csv", records(true, "Z", 0) + "=x,1,2,not a time,,,,,,,,,\n");
    let files = ["cdr", "media", "--ours", "ours.csv", "voice.pcap"];
    let (code, out, said) = run(here.path(), &files);
    assert_eq!(code, 1);
    for words in [
        "billed without media [0.1 USD]: answered for 10 s and billed for 10 s, and no RTP was seen",
        "record, line 5: 85230000001 > 8613800000004",
        "the called party's first RTP came 8 s after it",
        "by the Call-IDs of",
        "at stake by the records' own amounts: 0.87 USD",
        "not listened to the whole time",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(said.contains("ours.csv:13: "), "{said}");
    let (_, out, said) = run(here.path(), &[&files[..], &["--lang", "zh-CN"]].concat());
    assert!(out.contains("虚假应答") && out.contains("计费但无媒体") && !out.contains("billed"), "{out}");
    assert!(said.contains("ours.csv:13："), "{said}");
    let (_, out, _) = run(here.path(), &[&files[..], &["--csv"]].concat());
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].trim_start_matches('\u{feff}').starts_with("kind,evidence,seconds,at_stake,"), "{out}");
    assert_eq!(lines.len(), 1 + truth().len(), "{out}");
    assert!(lines[1].contains(",'=gw-1,"), "{out}");
    let fields = lines[0].split(',').count();
    let mut reader = csv_fields(lines[1]);
    assert_eq!(reader.len(), fields, "{:?}", reader.pop());
}

/// Fields of a line, quotes held together.
fn csv_fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for sign in line.chars() {
        match sign {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("one").push(sign),
        }
    }
    fields
}

#[test]
fn what_was_not_listened_to_is_no_claim_and_what_agrees_ends_with_0() {
    let here = folder();
    let mut scene = Scene::new(Wrap::Ethernet);
    for number in 1..=3 {
        Call::of(number, i64::from(number - 1) * 20).play(&mut scene);
    }
    write(here.path(), "voice.pcap", pcap(1, &scene.frames()));
    let all = records(true, "Z", 0);
    let head: Vec<&str> = all.lines().take(4).collect();
    write(here.path(), "ours.csv", head.join("\n") + "\n");
    let (code, out, _) = run(here.path(), &["cdr", "media", "--ours", "ours.csv", "voice.pcap"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("nothing differs among the calls that were found on both sides"), "{out}");
    // All other records are of a time in which nobody listened.
    write(here.path(), "ours.csv", &all);
    let (code, out, _) = run(here.path(), &["cdr", "media", "--ours", "ours.csv", "voice.pcap", "--json"]);
    let report = json(&out);
    assert_eq!((code, report["differences"].as_array().map(Vec::len)), (0, Some(0)), "{out}");
    assert_eq!(report["records"]["not_covered"], 8);
    // Of another day altogether: nothing was compared, which is not in order.
    write(here.path(), "ours.csv", all.replace("2023-11-14", "2023-10-14"));
    let (code, out, _) = run(here.path(), &["cdr", "media", "--ours", "ours.csv", "voice.pcap"]);
    assert_eq!(code, 1);
    assert!(out.contains("no record was found among the calls: nothing was compared"), "{out}");
}

#[test]
fn a_broken_capture_accuses_nobody_and_wrong_files_are_named() {
    let here = folder();
    let whole = pcap(1, &scene());
    write(here.path(), "cut.pcap", &whole[..whole.len() - 7]);
    write(here.path(), "ours.csv", records(true, "Z", 0));
    let (_, out, said) = run(here.path(), &["cdr", "media", "--ours", "ours.csv", "cut.pcap", "--json"]);
    assert!(said.contains("cut.pcap: packet "), "{said}");
    let found: Vec<String> = kinds(&json(&out)).into_iter().map(|(kind, ..)| kind).collect();
    assert!(
        !found
            .iter()
            .any(|kind| matches!(&**kind, "billed_without_media" | "billed_one_way" | "false_answer")),
        "{found:?}"
    );
    write(here.path(), "wrong.json", "{\n\"streams\": [,\n");
    for (arguments, code, words) in [
        (&["--ours", "ours.csv", "wrong.json"][..], 2, "wrong.json:2:13: no document of"),
        (&["--ours", "none.csv", "cut.pcap"], 2, "none.csv: No such file"),
        (&["--ours", "ours.csv", "none.pcap"], 1, "none.pcap cannot be read"),
        (&["cut.pcap"], 2, "--ours"),
        (&["--ours", "ours.csv", "-", "-"], 2, "name `-` once"),
        (&["--ours", "ours.csv", "--ours-zone", "nowhere", "cut.pcap"], 2, "nowhere"),
    ] {
        let all: Vec<&str> = ["cdr", "media"].iter().chain(arguments).copied().collect();
        let (ended, _, said) = run(here.path(), &all);
        assert_eq!(ended, code, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
