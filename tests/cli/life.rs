//! How `linesman serve` starts, says so, and stops.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{file_with, folder, json, linesman, run};

const PATIENCE: Duration = Duration::from_secs(20);

/// One TCP target, measured once a minute over a minute.
fn settings(folder: &Path) -> String {
    let silent = "[[server]]\nname = \"a\"\nsip = \"127.0.0.1:9\"\nsip_transport = \"udp\"\n";
    let text = format!("[http]\nlisten = \"127.0.0.1:0\"\n[probes]\ninterval = \"60s\"\n{silent}");
    file_with(folder, &text).to_str().expect("UTF-8").to_owned()
}

struct Daemon {
    child: Child,
    notified: UnixDatagram,
}

impl Daemon {
    /// Starts it under a service manager and waits until it is ready.
    fn start(folder: &Path) -> Self {
        let socket = folder.join("notify");
        let notified = UnixDatagram::bind(&socket).expect("a socket");
        notified.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let child = linesman(folder, &["serve", "-c", &settings(folder)])
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "900000")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let daemon = Self { child, notified };
        daemon.hears("READY=1");
        daemon
    }

    fn hears(&self, expected: &str) {
        let mut words = [0; 512];
        loop {
            let count = self.notified.recv(&mut words).unwrap_or_else(|error| panic!("{expected}: {error}"));
            if String::from_utf8_lossy(&words[..count]).lines().any(|word| word == expected) {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    fn ended(self) -> Output {
        self.child.wait_with_output().expect("it ends")
    }
}

#[test]
fn the_daemon_tells_its_service_manager_and_stops_at_once_on_sigterm() {
    let here = folder();
    let daemon = Daemon::start(here.path());
    // A reload that comes right after the start does not end it.
    daemon.signal(Signal::HUP);
    daemon.hears("WATCHDOG=1");
    daemon.signal(Signal::TERM);
    let asked = Instant::now();
    daemon.hears("STOPPING=1");
    let output = daemon.ended();
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_log_is_json_where_no_terminal_is_and_holds_no_token() {
    let here = folder();
    let daemon = Daemon::start(here.path());
    daemon.signal(Signal::TERM);
    let output = daemon.ended();
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    let token = shown.split_whitespace().find(|word| word.starts_with("lm_")).expect("the first token");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(log.contains("Linesman watches") && !log.contains(token), "{log}");
    for line in log.lines() {
        assert!(json(line)["level"].is_string(), "{line}");
    }
}

#[test]
fn a_start_that_cannot_be_says_why_and_what_mends_it() {
    let here = folder();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("its address").port();
    let serve = |listen: &str, database: &str| {
        let text = format!("[http]\nlisten = \"{listen}\"\n[database]\nurl = \"sqlite:{database}\"\n");
        let file = file_with(here.path(), &text);
        let (code, _, said) = run(here.path(), &["serve", "-c", file.to_str().expect("UTF-8")]);
        (code, said)
    };
    let (code, said) = serve(&format!("127.0.0.1:{port}"), "a.db");
    assert!(code == 3 && said.contains("choose another `listen`"), "{code} {said}");
    let (code, said) = serve("127.0.0.1:0", "missing/a.db");
    assert!(code == 3 && said.contains("mkdir -p"), "{code} {said}");
    std::fs::write(here.path().join("diary"), "dear diary, this is no database").expect("written");
    let (code, said) = serve("127.0.0.1:0", "diary");
    assert!(code == 3 && said.contains("not a database"), "{code} {said}");
}
