//! What several tests of real calls need: sipp, free ports, a relay that loses what it is told to.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: what fails here is to fail loudly"
)]

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};

pub mod relay;

/// A sipp that ends with the test, also when the test fails.
pub struct Sipp(pub Child);

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn sipp_is_missing() -> bool {
    let found = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if found {
        return false;
    }
    let reason = "sipp is missing: apt install sip-tester";
    assert_ne!(std::env::var("LINESMAN_TEST_REQUIRE").as_deref(), Ok("all"), "{reason}");
    println!("skipped: {reason}");
    true
}

/// A port of this address that is free for both transports.
pub fn free_port(host: &str) -> SocketAddr {
    for _ in 0..50 {
        let udp = UdpSocket::bind((host, 0)).unwrap();
        let address = udp.local_addr().unwrap();
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port of {host} is free for both UDP and TCP");
}

/// A sipp that answers here; `how` names its scenario.
pub fn start_sipp(address: SocketAddr, mode: &str, how: &[&str]) -> Sipp {
    let host = address.ip().to_string();
    let control = free_port(&host).port().to_string();
    let child = Command::new("sipp")
        .args(how)
        .args(["-i", &host, "-p", &address.port().to_string(), "-t", mode])
        .args(["-ci", &host, "-cp", &control, "-mi", &host])
        .args(["-nostdin", "-skip_rlimit"])
        .current_dir(std::env::temp_dir())
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Sipp(child)
}
