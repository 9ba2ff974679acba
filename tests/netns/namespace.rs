//! Network namespaces that end with the test.

use std::os::fd::AsFd as _;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A namespace; deleted when dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one with loopback up. `what` ends its name.
    pub fn new(what: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lm{}-{count}-{what}", std::process::id());
        run(&["ip", "netns", "add", &name]);
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip` with these words in it; fails the test when `ip` does.
    pub fn ip(&self, words: &str) {
        let mut command = vec!["ip", "-n", &self.name];
        command.extend(words.split_ascii_whitespace());
        run(&command);
    }

    /// A shell command in it.
    pub fn shell(&self, script: &str) {
        run(&["ip", "netns", "exec", &self.name, "sh", "-ec", script]);
    }

    /// The words that start a program in it.
    pub fn wrapper(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    /// Moves this thread into it: sockets that the thread opens from now on are the namespace's.
    pub fn enter(&self) {
        let handle = std::fs::File::open(format!("/run/netns/{}", self.name)).expect("it was just made");
        move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("root may move its own thread");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = Command::new("ip").args(["netns", "del", &self.name]).output();
        if !deleted.is_ok_and(|output| output.status.success()) {
            eprintln!("namespace {} is left behind: ip netns del {0}", self.name);
        }
    }
}

/// Runs a command to its end; fails the test with what it said when it fails.
pub fn run(words: &[&str]) -> Output {
    let output = Command::new(words[0])
        .args(&words[1..])
        .output()
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
