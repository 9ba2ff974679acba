//! `linesman probe call` and `linesman probe answer`: a call placed by one and answered by the other.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{folder, json, linesman, run};

#[test]
fn a_test_call_is_answered_and_tells_each_way_and_by_what_it_is_known() {
    let here = folder();
    let mut far = linesman(here.path(), &["probe", "answer", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut line = String::new();
    BufReader::new(far.stderr.take().expect("piped")).read_line(&mut line).expect("UTF-8");
    let said = line.trim().strip_prefix("answering test calls at ").unwrap_or_else(|| panic!("{line}"));
    let uri = format!("sip:echo@{}", said.split(' ').next().expect("an address"));
    let (code, out, err) =
        run(here.path(), &["probe", "call", &uri, "--for", "2s", "--codec", "G729", "--json"]);
    far.kill().and_then(|()| far.wait()).expect("our own child");
    let document = json(&out);
    let call = &document["call"];
    assert_eq!((&call["ended"], &call["code"]), (&"completed".into(), &200.into()), "{out}\n{err}");
    assert_eq!((&call["codec"], &call["sent"]), (&"G729".into(), &100.into()), "{out}");
    assert_eq!(call["out"]["known_by"], "rtcp", "the far end reports what it got: {out}");
    // Our own host may be too busy to send in time: then the call accuses nobody, and is no success either.
    let faults = call["measurement_faults"].as_array().expect("a list");
    assert!(code == 0 || !faults.is_empty(), "{code}\n{out}\n{err}");
}

#[test]
fn a_test_call_to_where_nobody_listens_says_so_and_what_to_do() {
    let here = folder();
    // Bound and let go: nobody else takes it so soon.
    let port =
        std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let (code, out, _) = run(here.path(), &["probe", "call", &format!("sip:x@{port}"), "--for", "1s"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("nobody listens at this port") && out.contains("what to do:"), "{out}");
    let (code, _, err) = run(here.path(), &["probe", "call", "sip:x@127.0.0.1:5060", "--codec", "opus"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("G729"), "it names those that it speaks: {err}");
}
