//! The real program, started as people start it.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::api::Api;
use super::eventually;

/// A debug build under load takes its time.
const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// What the program has said so far.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn listen(&self, source: impl Read + Send + 'static) {
        let said = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                said.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    said: Said,
    address: String,
}

/// The program under test.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_linesman"))
}

/// A free port of 127.0.0.1. Somebody may take it before we do; then the start fails and says so.
pub fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("it is bound").port()
}

/// Settings of a network with `[http]` and `[database]` of a daemon in `folder` before them.
pub fn settings_in(folder: &Path, address: &str, network: &str) -> String {
    let database = folder.join("linesman.db");
    format!(
        "[http]\nlisten = \"{address}\"\n\n[database]\nurl = \"sqlite:{}\"\n\n{network}",
        database.display()
    )
}

impl Daemon {
    /// Starts `linesman serve` with settings written into `folder`, through `wrapper` if it is not
    /// empty (as `ip netns exec NAME`), without waiting for it.
    pub fn spawn(folder: &Path, address: &str, network: &str, wrapper: &[&str]) -> Self {
        let file = folder.join("linesman.toml");
        std::fs::write(&file, settings_in(folder, address, network)).expect("settings can be written");
        let mut words = wrapper.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
        words.extend([program().into_os_string(), "serve".into(), "--config".into(), file.into_os_string()]);
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let said = Said::default();
        said.listen(child.stdout.take().expect("its output is piped"));
        said.listen(child.stderr.take().expect("its errors are piped"));
        Self { child, said, address: address.to_owned() }
    }

    /// Starts it and waits until it is ready. `token` is known from an earlier start on the same
    /// database; on an empty one the daemon prints its first.
    pub async fn start(
        folder: &Path,
        address: &str,
        network: &str,
        wrapper: &[&str],
        token: Option<&str>,
    ) -> (Self, Api) {
        let mut daemon = Self::spawn(folder, address, network, wrapper);
        let api = daemon.ready(token).await;
        (daemon, api)
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self, token: Option<&str>) -> Api {
        let base = format!("http://{}", self.address);
        let without_token = Api::new(&base, "");
        eventually("the daemon to be ready", READY_WITHIN, async || {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                panic!("the daemon ended with {status}:\n{}", self.said.lines().join("\n"));
            }
            without_token.is_ready().await.then_some(())
        })
        .await;
        let token = match token {
            Some(token) => token.to_owned(),
            None => eventually("the first token", READY_WITHIN, async || self.printed_token()).await,
        };
        Api::new(&base, &token)
    }

    /// The token that it printed, once, on an empty database.
    fn printed_token(&self) -> Option<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        self.said.lines().iter().find_map(|line| {
            let rest = &line[line.find("lm_")?..];
            let token: String = rest.chars().take_while(|c| is_part(*c)).collect();
            // `lm_…` in a sentence is no token.
            (token.len() > 20).then_some(token)
        })
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        self.said.lines().join("\n")
    }

    /// Processor time used so far, user and system.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // Fields 14 and 15 (proc(5)), counted after the name, which may hold blanks.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let waiting = async || self.child.try_wait().expect("it can be waited for");
        eventually("the daemon to stop", STOPPED_WITHIN, waiting).await
    }

    /// SIGKILL: no warning, no last word.
    pub fn kill(mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("our own child takes signals");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the daemon said:\n{}", self.said());
        }
        // Ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
