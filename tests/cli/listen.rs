//! `linesman rtp listen` where no privilege is needed: what is sent to it, and how it refuses.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::process::Stdio;

use super::{folder, json, linesman, run};

/// A packet of the fuzzers' corpus, which holds good ones too.
fn hep(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fuzz/corpus/hep/{name}", env!("CARGO_MANIFEST_DIR"))).expect("of the corpus")
}

#[test]
fn hep_over_udp_and_tcp_makes_calls_and_keeps_the_endpoints_word_apart() {
    let here = folder();
    let mut child =
        linesman(here.path(), &["rtp", "listen", "--hep", "127.0.0.1:0", "--for", "60s", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("UTF-8");
    let address = line.trim().strip_prefix("listening on hep ").unwrap_or_else(|| panic!("{line}"));
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.send_to(&hep("sip"), address).expect("sent");
    udp.send_to(b"no HEP at all", address).expect("sent");
    let mut tcp = TcpStream::connect(address).expect("it listens");
    let report = hep("rtcp_json");
    let (head, tail) = report.split_at(50);
    tcp.write_all(head).and_then(|()| tcp.write_all(tail)).expect("sent");
    // A connection that speaks nonsense is closed: so we know that what stood before was read.
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    let _ = tcp.read(&mut [0; 1]);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("our own child");
    let mut out = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut out).expect("UTF-8");
    assert_eq!(child.wait().expect("our own child").code(), Some(0));
    let document = json(&out);
    assert_eq!(document["calls"][0]["call_id"], "call-1", "{document:#}");
    assert_eq!(document["listen"]["not_understood"], 1);
    let told = &document["reported"][0];
    assert_eq!((&told["ssrc"], &told["rtcp"]["lost"]), (&"0x22222222".into(), &7.into()), "{told:#}");
    assert_eq!(document["streams"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_listened_on_is_said_with_what_can() {
    let here = folder();
    let (code, _, said) = run(here.path(), &["rtp", "listen"]);
    assert_eq!(code, 2, "{said}");
    let (code, _, said) = run(here.path(), &["rtp", "listen", "lo", "--filter", "ether host x"]);
    assert_eq!(code, 2);
    assert!(said.contains("`ether`") && said.contains("portrange"), "{said}");
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let (code, _, said) = run(here.path(), &["rtp", "listen", "--hep", &address]);
    assert_eq!(code, 1);
    assert!(said.contains(&address) && said.contains("ss -ltunp"), "{said}");
}
