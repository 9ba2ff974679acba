//! A SIP peer that we did not write: sipp, answering OPTIONS.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::namespace::Namespace;

/// A sipp on port 5060 of one address; ends when dropped.
pub struct Peer(Child);

impl Peer {
    /// Starts it. `control` is a port for sipp's own use, another one for each peer of a namespace.
    pub fn start(namespace: &Namespace, address: &str, control: u16) -> Self {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/tests/sipp/options_uas.xml");
        let mut command = Command::new("ip");
        command
            .args(&namespace.wrapper()[1..])
            .args(["sipp", "-sf"])
            .arg(scenario)
            .args(["-i", address, "-p", "5060", "-t", "u1", "-mi", address])
            .args(["-ci", "127.0.0.1", "-cp", &control.to_string(), "-nostdin", "-skip_rlimit"])
            .current_dir(std::env::temp_dir())
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().expect("ip starts sipp"))
    }

    /// Whether it listens on its port, as /proc shows it.
    fn listens(&mut self) -> bool {
        let ended = self.0.try_wait().expect("our own child");
        assert!(ended.is_none(), "sipp ended at once: {ended:?}");
        // Port 5060 in hexadecimal. The file is that of the process's own namespace.
        let sockets = std::fs::read_to_string(format!("/proc/{}/net/udp", self.0.id())).unwrap_or_default();
        let is_sipp = std::fs::read_to_string(format!("/proc/{}/comm", self.0.id()));
        is_sipp.is_ok_and(|name| name.trim() == "sipp") && sockets.contains(":13C4 ")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Ended already when the namespace was taken from under it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until all of them listen.
pub fn wait_for<'a>(peers: impl Iterator<Item = &'a mut Peer>) {
    const PATIENCE: Duration = Duration::from_secs(20);
    const PAUSE: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + PATIENCE;
    for peer in peers {
        while !peer.listens() {
            assert!(Instant::now() < deadline, "sipp does not listen after {PATIENCE:?}");
            std::thread::park_timeout(PAUSE);
        }
    }
}
