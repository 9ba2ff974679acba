//! `rtp listen` on a real interface: real packets through the kernel, against the truth of who sent them.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use linesman_media::capture::write::{Wrap, frame, rtp, udp};
use linesman_media::quality::generate::{Loss, Plan, Truth};
use serde_json::Value;

use super::namespace::Namespace;
use super::scenarios::in_namespace;
use super::support::requirement::require;

/// Two hosts on a wire: `.1` sends, `.2` listens.
struct Wire {
    near: Namespace,
    far: Namespace,
}

const NEAR: &str = "198.18.50.1";
const FAR: &str = "198.18.50.2";

impl Wire {
    fn build() -> Self {
        let (near, far) = (Namespace::new("near"), Namespace::new("far"));
        near.ip(&format!("link add wan type veth peer name wan netns {}", far.name()));
        for (end, address) in [(&near, NEAR), (&far, FAR)] {
            end.ip(&format!("addr add {address}/30 dev wan"));
            end.ip("link set wan up");
        }
        Self { near, far }
    }
}

/// A program in a namespace; ends with the test.
pub struct Running(pub Child);

impl Running {
    /// Starts it and waits for the word on standard error that says it is ready.
    pub fn start(namespace: &Namespace, folder: &Path, words: &[&str], ready: &str) -> Self {
        let mut child = Command::new("ip")
            .args(&namespace.wrapper()[1..])
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ip starts it");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains(ready) {
            line.clear();
            assert!(said.read_line(&mut line).expect("UTF-8") > 0, "{words:?} ended before it was ready");
        }
        // It may say more, and must not wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self(child)
    }

    fn listen(wire: &Wire, folder: &Path, flags: &[&str]) -> Self {
        let mut words = vec![env!("CARGO_BIN_EXE_linesman"), "rtp", "listen", "wan", "--json"];
        words.extend(flags);
        Self::start(&wire.far, folder, &words, "listening on wan")
    }

    /// Interrupts it and reads the document it writes.
    pub fn document(mut self) -> (i32, Value) {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("our own child");
        let out = self.0.stdout.take().expect("piped");
        let document = serde_json::from_reader(out).expect("one JSON document");
        (self.0.wait().expect("our own child").code().expect("an exit code"), document)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends what the plans say, at its time, from sockets of their own; the truths, in the order of the plans.
fn send(plans: &[Plan], paced: bool) -> Vec<Truth> {
    let sockets: Vec<_> = plans.iter().map(|_| UdpSocket::bind((NEAR, 0)).expect("a port")).collect();
    let mut truths = Vec::new();
    let mut packets = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let (arrivals, truth) = plan.run();
        truths.push(truth);
        packets.extend(arrivals.into_iter().map(|packet| (packet.arrival, number)));
    }
    packets.sort_by_key(|(arrival, _)| arrival.at_ns);
    let begin = packets.first().expect("packets").0.at_ns;
    let started = Instant::now();
    for (arrival, number) in packets {
        let due = Duration::from_nanos((arrival.at_ns - begin).unsigned_abs());
        while let Some(early) = due.checked_sub(started.elapsed()).filter(|_| paced) {
            std::thread::park_timeout(early);
        }
        let ssrc = 0x1000 + number as u32;
        let bytes = rtp(8, arrival.marker, arrival.sequence, arrival.timestamp, ssrc, &[0x55; 160]);
        // Nobody listens there; that the far end says so is no error of this packet.
        let _ = sockets[number].send_to(&bytes, SocketAddr::new(FAR.parse().expect("an address"), 20_000));
    }
    truths
}

fn assert_counts(document: &Value, truths: &[Truth]) {
    assert_eq!(document["listen"]["kernel_drops"], 0, "{}", document["listen"]);
    for (number, truth) in truths.iter().enumerate() {
        let ssrc = format!("{:#010x}", 0x1000 + number);
        let streams = document["streams"].as_array().expect("streams");
        let stream = streams.iter().find(|stream| stream["ssrc"] == ssrc.as_str());
        let stream = stream.unwrap_or_else(|| panic!("{ssrc} was not heard"));
        for (key, value) in [
            ("received", truth.received),
            ("unique", truth.unique),
            ("expected", truth.expected),
            ("lost", truth.lost),
            ("duplicates", truth.duplicates),
            ("reordered", truth.reordered),
        ] {
            assert_eq!(stream[key], value, "{ssrc} {key}: {stream:#}");
        }
        assert!(stream.get("measurement_faults").is_none(), "{stream:#}");
    }
}

fn plans() -> Vec<Plan> {
    let plan = |seed| Plan { seed, packets: 200, start_ns: 1_000_000 * seed as i64, ..Plan::default() };
    vec![
        plan(1),
        Plan { loss: Loss::Random(0.05), ..plan(2) },
        Plan { loss: Loss::Gilbert { enter: 0.02, leave: 0.25 }, ..plan(3) },
        Plan { jitter_ms: 50.0, ..plan(4) },
        Plan { duplicates: 0.05, ..plan(5) },
        Plan { first_sequence: 65_500, ..plan(6) },
    ]
}

fn what_was_sent_is_what_is_counted(flags: &'static [&'static str]) {
    in_namespace(async move || {
        let wire = Wire::build();
        let folder = tempfile::tempdir().expect("a folder");
        let listen = Running::listen(&wire, folder.path(), flags);
        wire.near.enter();
        let truths = send(&plans(), true);
        let (_, document) = listen.document();
        assert_counts(&document, &truths);
    });
}

#[test]
fn a_ring_counts_exactly_what_was_sent() {
    what_was_sent_is_what_is_counted(&[]);
}

#[test]
fn two_workers_count_together_exactly_what_was_sent() {
    what_was_sent_is_what_is_counted(&["--workers", "2"]);
}

#[test]
fn pnet_with_a_large_buffer_counts_exactly_what_was_sent() {
    what_was_sent_is_what_is_counted(&["--source", "pnet"]);
}

#[test]
fn what_a_tiny_ring_drops_is_a_measurement_fault_and_accuses_nobody() {
    in_namespace(async || {
        let wire = Wire::build();
        let folder = tempfile::tempdir().expect("a folder");
        let listen = Running::listen(&wire, folder.path(), &["--buffer-kib", "32"]);
        wire.near.enter();
        let plans: Vec<_> = (0..8).map(|seed| Plan { seed, packets: 20_000, ..Plan::default() }).collect();
        send(&plans, false);
        let (code, document) = listen.document();
        let listened = &document["listen"];
        assert!(listened["kernel_drops"].as_u64().is_some_and(|drops| drops > 0), "{listened:#}");
        let faults = listened["measurement_faults"].as_array().expect("faults");
        assert!(faults.iter().any(|fault| fault["kind"] == "kernel_drops"), "{listened:#}");
        let streams = document["streams"].as_array().expect("streams");
        let lossy: Vec<_> = streams.iter().filter(|stream| stream["lost"].as_u64() > Some(0)).collect();
        assert!(!lossy.is_empty());
        for stream in lossy {
            assert!(stream["measurement_faults"].as_array().is_some(), "{stream:#}");
        }
        assert_eq!(code, 0, "our own loss is no problem of the network");
    });
}

#[test]
fn calls_of_sipp_with_real_voice_are_heard_as_the_capture_of_the_same_wire_says() {
    if !require("tcpdump") {
        return;
    }
    in_namespace(async || {
        let wire = Wire::build();
        let here = tempfile::tempdir().expect("a folder");
        let folder = here.path();
        // Three seconds of a tone that is not flat.
        let voice: Vec<u8> = (0..24_000_u32).map(|at| (at * 7 % 251) as u8).collect();
        std::fs::write(folder.join("voice.alaw"), voice).expect("written");
        let capture =
            ["tcpdump", "-i", "wan", "-w", "wire.pcap", "-U", "--immediate-mode", "-B", "8192", "udp"];
        let tcpdump = Running::start(&wire.far, folder, &capture, "listening on");
        let listen = Running::listen(&wire, folder, &[]);
        let answers = ["sipp", "-sn", "uas", "-i", FAR, "-p", "5060", "-nostdin", "-skip_rlimit", "-m", "2"];
        let _callee = sipp(&wire.far, folder, &answers);
        await_port(&wire.far, "5060");
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/netns/sipp/uac_rtp_stream.xml");
        let scenario = scenario.to_str().expect("UTF-8");
        let calls = ["sipp", "-sf", scenario, "-i", NEAR, "-mi", NEAR, "-s", "1002", "-m", "2", "-r", "2"];
        let calls: Vec<_> =
            calls.into_iter().chain(["-nostdin", "-skip_rlimit", "198.18.50.2:5060"]).collect();
        let mut caller = sipp(&wire.near, folder, &calls);
        let ended = caller.0.wait().expect("our own child");
        let (_, heard) = listen.document();
        drop(tcpdump);
        assert!(ended.success(), "sipp: {ended:?}");
        let read = Command::new(env!("CARGO_BIN_EXE_linesman"))
            .args(["rtp", "analyze", "wire.pcap", "--json"])
            .current_dir(folder)
            .output()
            .expect("the program runs");
        let read: Value = serde_json::from_slice(&read.stdout).expect("JSON");
        let figures = |document: &Value| -> Vec<Vec<Value>> {
            let streams = document["streams"].as_array().expect("streams").iter();
            let keys = ["id", "codec", "received", "lost", "duplicates", "reordered", "call_id", "direction"];
            let mut rows: Vec<Vec<Value>> =
                streams.map(|stream| keys.iter().map(|key| stream[key].clone()).collect()).collect();
            rows.sort_by_key(|row| row[0].to_string());
            rows
        };
        assert_eq!(figures(&heard), figures(&read));
        assert_eq!(heard["streams"].as_array().map(Vec::len), Some(2), "{:#}", heard["streams"]);
        let calls = heard["calls"].as_array().expect("calls");
        assert_eq!(calls.len(), 2);
        for call in calls {
            assert_eq!(call["state"], "ended", "{call:#}");
            // The callee of sipp's own scenario answers and is silent.
            assert_eq!(call["findings"], serde_json::json!(["one_way_audio", "dscp_missing"]), "{call:#}");
        }
    });
}

/// A sipp that says nothing.
pub fn sipp(namespace: &Namespace, folder: &Path, words: &[&str]) -> Running {
    let child = Command::new("ip")
        .args(&namespace.wrapper()[1..])
        .args(words)
        .current_dir(folder)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ip starts sipp");
    Running(child)
}

/// A program that starts answers nobody before it has its port.
pub fn await_port(namespace: &Namespace, port: &str) {
    let began = Instant::now();
    loop {
        let asked = Command::new("ip")
            .args(&namespace.wrapper()[1..])
            .args(["ss", "-lunH", "sport", "=", &format!(":{port}")])
            .output()
            .expect("ip starts ss");
        if !asked.stdout.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "nobody listens on port {port}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// What a telephone publishes at the end of its call.
const PUBLISH: &str = "PUBLISH sip:collector@198.18.50.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.50.1:5060;branch=z9hG4bK1\r\n\
From: <sip:1001@x>;tag=1\r\nTo: <sip:collector@x>\r\nCall-ID: publication-1\r\nCSeq: 1 PUBLISH\r\nEvent: vq-rtcpxr\r\n\
Content-Type: application/vq-rtcpxr\r\nContent-Length: 174\r\n\r\nVQSessionReport: CallTerm\r\nCallID: call-9\r\n\
LocalAddr: IP=198.18.50.1 PORT=4000 SSRC=1\r\nRemoteAddr: IP=198.18.9.9 PORT=4002 SSRC=2\r\nLocalMetrics:\r\nPacketLoss:NLR=5.0 JDR=2.0\r\n";

#[test]
fn mirrored_packets_and_reports_over_udp_are_heard_without_any_privilege() {
    in_namespace(async || {
        let wire = Wire::build();
        let here = tempfile::tempdir().expect("a folder");
        // Nobody (65534) without capabilities.
        let listen = [
            "setpriv",
            "--reuid",
            "65534",
            "--clear-groups",
            "--inh-caps=-all",
            env!("CARGO_BIN_EXE_linesman"),
            "rtp",
            "listen",
            "--json",
            "--vxlan",
            "198.18.50.2:4789",
            "--hep",
            "198.18.50.2:9060",
            "--vq",
            "198.18.50.2:5060",
        ];
        if !require("setpriv") {
            return;
        }
        let listen = Running::start(&wire.far, here.path(), &listen, "listening on vxlan");
        wire.near.enter();
        let socket = UdpSocket::bind((NEAR, 5_060)).expect("a port");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time");
        let (arrivals, truth) = Plan {
            loss: Loss::Random(0.05),
            packets: 300,
            packet_time_ms: 2.0,
            ticks: 16,
            ..Plan::default()
        }
        .run();
        let begin = arrivals[0].arrival.at_ns;
        let started = Instant::now();
        let (from, to) = ("10.0.0.1:4000".parse().expect("one"), "10.0.0.2:8000".parse().expect("another"));
        for packet in &arrivals {
            let arrival = packet.arrival;
            let due = Duration::from_nanos((arrival.at_ns - begin).unsigned_abs());
            while let Some(early) = due.checked_sub(started.elapsed()) {
                std::thread::park_timeout(early);
            }
            let bytes = rtp(8, arrival.marker, arrival.sequence, arrival.timestamp, 7, &[0x55; 160]);
            let inner = frame(Wrap::Ethernet, &udp(from, to, 46, &bytes));
            let outer = [[8, 0, 0, 0, 0, 0, 42, 0].as_slice(), &inner].concat();
            socket.send_to(&outer, (FAR, 4_789)).expect("sent");
        }
        socket.send_to(PUBLISH.as_bytes(), (FAR, 5_060)).expect("sent");
        let mut answer = [0; 2_048];
        let length = socket.recv(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("SIP/2.0 200 OK\r\n") && answer.contains("SIP-ETag: "), "{answer}");
        let (_, document) = listen.document();
        let stream = &document["streams"][0];
        for (key, value) in [("received", truth.received), ("lost", truth.lost), ("expected", truth.expected)]
        {
            assert_eq!(stream[key], value, "{key}: {stream:#}");
        }
        assert_eq!((&stream["src"], &stream["dscp"]), (&"10.0.0.1:4000".into(), &46.into()));
        let said = &document["reported"][0];
        assert_eq!((&said["call_id"], &said["ssrc"]), (&"call-9".into(), &"0x00000002".into()), "{said:#}");
        assert_eq!(said["vq"]["receives"]["loss_ratio"], 0.05);
    });
}
