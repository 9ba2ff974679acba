//! Calls between peers that we did not write, through servers that we did not write: sipp, Kamailio, rtpengine (in user
//! space), baresip. One hop at a time loses packets; the leg that spoiled the call is named, and every count is that of
//! tshark on the same wire.
//!
//! ```text
//!  caller ── hop-a ── access [server: Kamailio, rtpengine, we] trunk ── hop-b ── carrier
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::listen::{Running, await_port, sipp};
use super::namespace::{Namespace, run};
use super::support::daemon::Daemon;
use super::support::eventually;
use super::support::requirement::require;
use super::topology::API;

const CALLER: &str = "198.18.62.2";
const ACCESS: &str = "198.18.60.2";
const TRUNK: &str = "198.18.61.2";
pub const CARRIER: &str = "198.18.63.2";
const HEP: &str = "127.0.0.1:9060";
/// What the caller says: ten seconds, so that the far end reports twice (every five seconds, RFC 3550 section 6.2).
const VOICE_MS: &str = "10300";
const PACKETS: u64 = 500;
/// One packet in so many is lost; only voice is (160 octets of PCMA, 12 of RTP, 8 of UDP).
const ONE_IN: u64 = 20;
const LOSES: &str = "udp length 180 numgen inc mod 20 == 7 counter drop";

/// Whether everything that is needed is here.
pub fn can_run() -> bool {
    ["kamailio", "rtpengine", "baresip", "tshark", "tcpdump"].into_iter().all(require)
}

/// A server that is asked to end, and waited for, because it has children of its own.
struct Server(Child);

impl Server {
    fn start(namespace: &Namespace, folder: &Path, words: &[&str]) -> Self {
        let log = std::fs::File::create(folder.join(format!("{}.log", words[0]))).expect("a log");
        let child = Command::new("ip")
            .args(&namespace.wrapper()[1..])
            .args(words)
            .current_dir(folder)
            .env("HOME", folder)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("ip starts it");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let patience = Instant::now() + Duration::from_secs(10);
        while self.0.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < patience {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// On the customer's line, towards us.
    Customer,
    /// In our own server, behind rtpengine.
    Server,
    /// On the way from us to the carrier.
    Onward,
    /// At the carrier, towards us.
    Carrier,
}

/// Everything between a caller and a carrier. What stands first is dropped first.
pub struct Exchange {
    _servers: Vec<Server>,
    pub server: Namespace,
    caller: Namespace,
    hop_a: Namespace,
    hop_b: Namespace,
    _carrier: Namespace,
    folder: PathBuf,
}

impl Exchange {
    /// Builds it and waits until everybody listens.
    pub fn build(folder: &Path) -> Self {
        let [caller, hop_a, server, hop_b, carrier] =
            ["caller", "hop-a", "server", "hop-b", "carrier"].map(Namespace::new);
        line(&hop_a, "in", "198.18.62.1", &caller, "wan", CALLER);
        line(&hop_a, "out", "198.18.60.1", &server, "access", ACCESS);
        line(&hop_b, "in", "198.18.61.1", &server, "trunk", TRUNK);
        line(&hop_b, "out", "198.18.63.1", &carrier, "wan", CARRIER);
        caller.ip("route add default via 198.18.62.1");
        carrier.ip("route add default via 198.18.63.1");
        hop_a.ip("route add default via 198.18.60.2");
        hop_b.ip("route add default via 198.18.61.2");
        server.ip("route add 198.18.62.0/30 via 198.18.60.1");
        server.ip("route add 198.18.63.0/30 via 198.18.61.1");
        for hop in [&hop_a, &hop_b] {
            hop.shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
        }
        let voice: Vec<u8> = (0..PACKETS * 160).map(|at| (at * 7 % 251) as u8).collect();
        std::fs::write(folder.join("voice.alaw"), voice).expect("written");
        let servers = servers(folder, &server, &carrier);
        await_port(&carrier, "5060");
        Self { _servers: servers, server, caller, hop_a, hop_b, _carrier: carrier, folder: folder.to_owned() }
    }

    /// A hop loses voice from now on; the packet that is lost first is never the first of a stream.
    pub fn lossy(&self, hop: Hop) {
        let (namespace, chain) = match hop {
            Hop::Customer => (&self.hop_a, ingress("in")),
            Hop::Onward => (&self.hop_b, ingress("in")),
            Hop::Carrier => (&self.hop_b, ingress("out")),
            Hop::Server => {
                let chain = format!(
                    "table inet loss {{\n chain out {{\n type filter hook output priority 0;\n oifname \"trunk\" {LOSES}\n }}\n}}"
                );
                (&self.server, chain)
            }
        };
        namespace.shell(&format!("nft -f - <<'RULES'\n{chain}\nRULES"));
    }

    /// No more loss; how many were lost.
    pub fn clean(&self, hop: Hop) -> u64 {
        let (namespace, family) = match hop {
            Hop::Customer => (&self.hop_a, "netdev"),
            Hop::Onward | Hop::Carrier => (&self.hop_b, "netdev"),
            Hop::Server => (&self.server, "inet"),
        };
        let nft = |verb: &str| {
            let [ip, netns, exec, name] = namespace.wrapper();
            run(&[ip, netns, exec, name, "nft", verb, "table", family, "loss"])
        };
        let told = String::from_utf8(nft("list").stdout).expect("nft writes UTF-8");
        nft("delete");
        let count = told.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).expect("nft counts")
    }

    /// A call of ten seconds from the caller through the servers to the carrier.
    pub fn call(&self) {
        let scenario =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/netns/sipp/uac_rtp_stream_proxied.xml");
        let scenario = scenario.to_str().expect("UTF-8");
        let words = ["sipp", "-sf", scenario, "-i", CALLER, "-mi", CALLER, "-s", "1002", "-d", VOICE_MS];
        let more = ["-m", "1", "-nostdin", "-skip_rlimit", "198.18.60.2:5060"];
        let mut caller = sipp(&self.caller, &self.folder, &[&words[..], &more].concat());
        let ended = caller.0.wait().expect("our own child");
        assert!(ended.success(), "sipp: {ended:?}\n{}", self.logs());
    }

    fn logs(&self) -> String {
        let log = |name| std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        ["kamailio", "rtpengine", "baresip"].map(log).join("\n---\n")
    }
}

fn servers(folder: &Path, server: &Namespace, carrier: &Namespace) -> Vec<Server> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/netns/peers");
    let baresip = folder.join("telephone");
    std::fs::create_dir(&baresip).expect("a folder");
    std::fs::copy(own.join("baresip.config"), baresip.join("config")).expect("copied");
    let account = format!("<sip:1002@{CARRIER}>;regint=0;answermode=auto;audio_codecs=PCMA/8000/1\n");
    std::fs::write(baresip.join("accounts"), account).expect("written");
    std::fs::write(baresip.join("contacts"), "").expect("written");
    let rtpengine = [
        "rtpengine",
        "--config-file=none",
        "--foreground",
        "--log-stderr",
        "--table=-1",
        "--interface=access/198.18.60.2",
        "--interface=trunk/198.18.61.2",
        "--listen-ng=127.0.0.1:2223",
        "--port-min=30000",
        "--port-max=30100",
        &format!("--homer={HEP}"),
        "--homer-protocol=udp",
        "--homer-id=2001",
    ];
    let rtpengine = Server::start(server, folder, &rtpengine);
    await_port(server, "2223");
    let settings = own.join("kamailio.cfg");
    let (settings, folder_name) =
        (settings.to_str().expect("UTF-8"), folder.to_str().expect("a folder's name is UTF-8"));
    let kamailio = [
        "kamailio",
        "-f",
        settings,
        "-DD",
        "-E",
        "-Y",
        folder_name,
        "-w",
        folder_name,
        "-m",
        "32",
        "-M",
        "4",
    ];
    let kamailio = Server::start(server, folder, &kamailio);
    let telephone = Server::start(carrier, folder, &["baresip", "-f", "telephone"]);
    await_port(server, "5060");
    vec![kamailio, rtpengine, telephone]
}

fn ingress(device: &str) -> String {
    format!(
        "table netdev loss {{\n chain in {{\n type filter hook ingress device \"{device}\" priority 0;\n {LOSES}\n }}\n}}"
    )
}

/// A line between two namespaces, a /30.
fn line(one: &Namespace, port: &str, address: &str, other: &Namespace, far_port: &str, far: &str) {
    one.ip(&format!("link add {port} type veth peer name {far_port} netns {}", other.name()));
    one.ip(&format!("addr add {address}/30 dev {port}"));
    one.ip(&format!("link set {port} up"));
    other.ip(&format!("addr add {far}/30 dev {far_port}"));
    other.ip(&format!("link set {far_port} up"));
}

/// Starts our own program beside the servers.
pub fn ours(exchange: &Exchange, folder: &Path, words: &[&str], ready: &str) -> Running {
    let words: Vec<&str> = [env!("CARGO_BIN_EXE_linesman")].iter().chain(words).copied().collect();
    Running::start(&exchange.server, folder, &words, ready)
}

/// What tshark says of a stream: packets, lost, mean and largest jitter as printed.
type Figures = (u64, i64, String, String);

/// Streams of a capture by tshark, by source, destination and SSRC.
fn tshark_streams(folder: &Path, file: &str) -> BTreeMap<(String, String, String), Figures> {
    let said = tshark(folder, &["-r", file, "-q", "-z", "rtp,streams"]);
    let rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(6).is_some_and(|ssrc| ssrc.starts_with("0x")))
        .map(|row| {
            let end = |at: usize| format!("{}:{}", row[at], row[at + 1]);
            let count = |at: usize| row[at].parse::<i64>().expect("a count");
            let figures = (count(8).unsigned_abs(), count(9), row[15].to_owned(), row[16].to_owned());
            ((end(2), end(4), row[6].to_lowercase()), figures)
        })
        .collect()
}

fn tshark(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("tshark").args(words).current_dir(folder).output().expect("tshark runs");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("tshark writes UTF-8")
}

/// The same by us.
fn our_streams(folder: &Path, file: &str) -> BTreeMap<(String, String, String), Figures> {
    let document = analyzed(folder, &[file]);
    let text = |stream: &Value, key: &str| stream[key].as_str().unwrap_or_default().to_owned();
    let number = |stream: &Value, key: &str| format!("{:.3}", stream[key].as_f64().unwrap_or(-1.0));
    let streams = document["streams"].as_array().expect("streams").iter();
    streams
        .map(|stream| {
            let key = (text(stream, "src"), text(stream, "dst"), text(stream, "ssrc"));
            let lost = stream["lost"].as_i64().expect("a count");
            let received = stream["received"].as_u64().expect("a count");
            (key, (received, lost, number(stream, "jitter_mean_ms"), number(stream, "jitter_max_ms")))
        })
        .collect()
}

fn analyzed(folder: &Path, files: &[&str]) -> Value {
    let read = Command::new(env!("CARGO_BIN_EXE_linesman"))
        .args(["rtp", "analyze", "--json"])
        .args(files)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    serde_json::from_slice(&read.stdout).expect("JSON")
}

/// A loss that the carrier's telephone reported: from which of its ports, when, how many packets.
struct Reported {
    port: u16,
    at_s: f64,
    lost: i64,
}

/// Every loss that the carrier's telephone reported, as tshark reads it.
fn reported_by_carrier(folder: &Path) -> Vec<Reported> {
    let filter = format!("rtcp.ssrc.cum_nr && ip.src == {CARRIER}");
    let fields = ["-T", "fields", "-e", "udp.srcport", "-e", "frame.time_epoch", "-e", "rtcp.ssrc.cum_nr"];
    let said = tshark(folder, &[&["-r", "trunk.pcap", "-Y", filter.as_str()], &fields[..]].concat());
    said.lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            // RTCP is one port above its RTP.
            let port = fields.next()?.parse::<u16>().ok()? - 1;
            Some(Reported { port, at_s: fields.next()?.parse().ok()?, lost: fields.next()?.parse().ok()? })
        })
        .collect()
}

/// Each hop in its turn: what was lost there, and the passage that must name it.
const HOPS: [(Hop, &str, &str, &str); 4] = [
    (Hop::Customer, "from_caller", "upstream", "loss_upstream"),
    (Hop::Server, "from_caller", "server", "loss_at_server"),
    (Hop::Onward, "from_caller", "downstream", "loss_downstream"),
    (Hop::Carrier, "from_callee", "upstream", "loss_upstream"),
];

#[test]
fn the_leg_that_spoils_a_call_through_kamailio_and_rtpengine_is_named_and_tshark_counts_the_same() {
    if !can_run() {
        return;
    }
    super::scenarios::in_namespace(async || {
        let here = tempfile::tempdir().expect("a folder");

        let folder = here.path();
        let exchange = Exchange::build(folder);
        let wires: Vec<Running> = ["access", "trunk"]
            .map(|wire| {
                let file = format!("{wire}.pcap");
                let words =
                    ["tcpdump", "-i", wire, "-w", &file, "-U", "--immediate-mode", "-B", "8192", "udp"];
                Running::start(&exchange.server, folder, &words, "listening on")
            })
            .into();
        let heard = ours(&exchange, folder, &["rtp", "listen", "any", "--json"], "listening on any");
        let told = ours(&exchange, folder, &["rtp", "listen", "--hep", HEP, "--json"], "listening on hep");
        let lost = HOPS.map(|(hop, ..)| {
            exchange.lossy(hop);
            exchange.call();
            exchange.clean(hop)
        });
        let (_, heard) = heard.document();
        let (_, told) = told.document();
        drop(wires);
        let calls = heard["calls"].as_array().expect("calls");
        assert_eq!(calls.len(), HOPS.len(), "{calls:#?}");
        let by_carrier = reported_by_carrier(folder);
        for ((call, lost), (hop, direction, spoiled_by, finding)) in calls.iter().zip(lost).zip(HOPS) {
            assert!(lost >= PACKETS / ONE_IN - 1, "{hop:?} lost {lost}");
            assert_names(call, direction, spoiled_by, finding);
            assert_agrees_with_the_truth(&heard, call, hop, lost);
            assert_reports_are_kept_apart(&heard, &told, call, &by_carrier);
        }
        assert_eq!(told["streams"], serde_json::json!([]), "reports are no measurement");
        for file in ["access.pcap", "trunk.pcap"] {
            let (ours, theirs) = (our_streams(folder, file), tshark_streams(folder, file));
            assert_eq!(ours.len(), 2 * HOPS.len(), "{ours:#?}");
            assert_eq!(ours, theirs, "{file}");
        }
        // Live on both interfaces at once, and afterwards from the files of both.
        let read = analyzed(folder, &["access.pcap", "trunk.pcap"]);
        let figures = |document: &Value| -> BTreeMap<String, (Value, Value)> {
            let streams = document["streams"].as_array().expect("streams").iter();
            streams
                .map(|stream| {
                    (stream["id"].to_string(), (stream["received"].clone(), stream["lost"].clone()))
                })
                .collect()
        };
        assert_eq!(figures(&heard), figures(&read));
    });
}

fn assert_names(call: &Value, direction: &str, spoiled_by: &str, finding: &str) {
    let passages = call["passages"].as_array().expect("passages");
    assert_eq!(passages.len(), 2, "{call:#}");
    for passage in passages {
        let expected = if passage["direction"] == direction { spoiled_by.into() } else { Value::Null };
        assert_eq!(passage["spoiled_by"], expected, "{call:#}");
        assert_eq!(passage["passed_through"], true, "{call:#}");
    }
    let losses = call["findings"].as_array().expect("findings").iter();
    let losses: Vec<&Value> =
        losses.filter(|name| name.as_str().is_some_and(|name| name.starts_with("loss_"))).collect();
    assert_eq!(losses, [finding], "{call:#}");
}

/// Which streams of a call miss packets, and that they miss exactly those that the hop lost.
fn assert_agrees_with_the_truth(heard: &Value, call: &Value, hop: Hop, lost: u64) {
    let of_call = |stream: &&Value| stream["call_id"] == call["call_id"];
    for stream in heard["streams"].as_array().expect("streams").iter().filter(of_call) {
        let (source, destination) = (stream["src"].as_str(), stream["dst"].as_str());
        let begins = |end: Option<&str>, host: &str| end.is_some_and(|end| end.starts_with(host));
        let is_from_caller = begins(source, CALLER) || begins(destination, CARRIER);
        let suffers = match hop {
            Hop::Customer => is_from_caller,
            Hop::Server => begins(destination, CARRIER),
            Hop::Onward => false,
            Hop::Carrier => !is_from_caller,
        };
        let missing = stream["lost"].as_u64().expect("a count");
        let expected = if suffers { lost } else { 0 };
        // What is missing after the last packet that came cannot be known.
        assert!(missing == expected || (suffers && missing + 1 == expected), "{hop:?} {lost}: {stream:#}");
    }
}

/// What the carrier's telephone says by RTCP of what it hears: beside the measurement on the wire, and alone where only
/// rtpengine's HEP was listened to.
fn assert_reports_are_kept_apart(heard: &Value, told: &Value, call: &Value, by_carrier: &[Reported]) {
    let of_call = |row: &&Value| row["call_id"] == call["call_id"];
    let streams = heard["streams"].as_array().expect("streams");
    let onward = streams
        .iter()
        .filter(of_call)
        .find(|stream| stream["dst"].as_str().is_some_and(|destination| destination.starts_with(CARRIER)));
    let onward = onward.unwrap_or_else(|| panic!("nothing went to the carrier: {call:#}"));
    let port = onward["dst"].as_str().and_then(|end| end.rsplit(':').next()?.parse::<u16>().ok());
    // The telephone takes its ports again: the last report while this call lasted.
    let first: chrono::DateTime<chrono::Utc> =
        onward["first"].as_str().and_then(|first| first.parse().ok()).expect("a time");
    let begun_s = first.timestamp_micros() as f64 / 1e6;
    let over_s = begun_s + onward["duration_s"].as_f64().expect("seconds") + 1.0;
    let of_port = |report: &&Reported| Some(report.port) == port && (begun_s..over_s).contains(&report.at_s);
    let reported = by_carrier.iter().rfind(of_port).expect("the telephone reports").lost;
    assert_eq!(onward["rtcp"]["lost"], reported, "{onward:#}");
    let rows = told["reported"].as_array().expect("what was reported");
    let word = rows.iter().filter(of_call).find(|row| row["ssrc"] == onward["ssrc"]);
    let word = word.unwrap_or_else(|| panic!("rtpengine handed nothing on: {rows:#?}"));
    assert_eq!(word["rtcp"]["lost"], reported, "{word:#}");
    assert!(word["reporter"].as_str().is_some_and(|by| by.starts_with(CARRIER)), "{word:#}");
}

/// The daemon beside the servers: what it knows of the network, and what it is handed.
const DAEMON: &str = "[probes]\ninterval = \"60s\"\n\n[voice]\ninterfaces = [\"access\"]\nhep = [\"127.0.0.1:9060\"]\n\n\
    [[device]]\nname = \"router-1\"\naddress = \"198.18.60.2\"\n\n\
    [[link]]\nname = \"link-1\"\ncarrier = \"Carrier A\"\nnear = \"router-1\"\nfar_address = \"198.18.61.1\"\n\n\
    [[trunk]]\nname = \"trunk-1\"\ncarrier = \"Carrier A\"\nlink = \"link-1\"\nsip = \"198.18.63.2:5060\"\n\n\
    [[access]]\nname = \"access-1\"\ndevice = \"router-1\"\naddress = \"198.18.60.1\"\n\n\
    [[gateway]]\nname = \"gateway-1\"\nowner = \"customer\"\naccess = \"access-1\"\nsip = \"198.18.62.2:5060\"\n\n\
    [[customer]]\nname = \"customer-1\"\ngateways = [\"gateway-1\"]\naccess = [\"access-1\"]\n";

/// The capture hears the customer's side alone; what became of the voice at the carrier, only rtpengine's HEP tells.
#[test]
fn what_rtpengine_hands_on_is_stored_with_the_call_as_the_carriers_word_and_not_as_measured() {
    if !can_run() {
        return;
    }
    super::scenarios::in_namespace(async || {
        let here = tempfile::tempdir().expect("a folder");
        let folder = here.path();
        let exchange = Exchange::build(folder);
        exchange.server.enter();
        let wrapper = exchange.server.wrapper();
        let (daemon, api) = Daemon::start(folder, API, DAEMON, &wrapper, None).await;
        eventually("the capture to run", Duration::from_secs(30), async || {
            let metrics =
                api.send(reqwest::Method::GET, "/metrics", None, None).await.ok()?.text().await.ok()?;
            metrics.contains("linesman_voice_capture_up{interface=\"access\"} 1").then_some(())
        })
        .await;
        exchange.lossy(Hop::Onward);
        exchange.call();
        let lost = exchange.clean(Hop::Onward);
        let call = eventually("the call to be kept", Duration::from_secs(60), async || {
            // The call took this thread; a connection that was idle meanwhile may be gone.
            let kept = api.send(reqwest::Method::GET, "/api/v1/calls?gateway=gateway-1", None, None).await;
            let kept: Value = kept.ok()?.json().await.ok()?;
            kept["calls"][0]["id"].as_str().map(str::to_owned)
        })
        .await;
        // A word is complete when nothing was added to it for a minute.
        let call = eventually("the carrier's word", Duration::from_secs(120), async || {
            let call = api.get(&format!("/api/v1/calls/{call}")).await;
            call["told"].as_array().is_some_and(|told| !told.is_empty()).then_some(call)
        })
        .await;
        let streams = call["streams"].as_array().expect("streams");
        assert_eq!(streams.len(), 2, "{call:#}");
        for stream in streams {
            assert_eq!(stream["lost"], 0, "nothing was lost on the customer's side: {stream:#}");
            let ends =
                [&stream["source"], &stream["destination"]].map(|end| end.as_str().unwrap_or_default());
            assert!(ends.iter().all(|end| !end.starts_with(CARRIER)), "{stream:#}");
        }
        let words = call["told"].as_array().expect("words").iter();
        let mut of_carrier = words.filter(|word| {
            word["reporter"].as_str().is_some_and(|by| by.starts_with(CARRIER)) && word["told"]["lost"] != 0
        });
        let word = of_carrier.next().unwrap_or_else(|| panic!("{call:#}"));
        let told = word["told"]["lost"].as_u64().expect("a count");
        assert!((lost.saturating_sub(1)..=lost).contains(&told), "{lost} were lost: {word:#}");
        assert!(daemon.stop().await.success());
    });
}
