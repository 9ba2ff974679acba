//! `linesman serve`, started as people start it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use super::api::Api;
use super::eventually;
use super::process::{Process, program};

/// A debug build under load takes its time.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running daemon; killed when dropped.
pub struct Daemon {
    process: Process,
    address: String,
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
    /// empty (as `ip netns exec NAME`), and waits until it is ready. `token` is known from an
    /// earlier start on the same database; on an empty one the daemon prints its first.
    pub async fn start(
        folder: &Path,
        address: &str,
        network: &str,
        wrapper: &[&str],
        token: Option<&str>,
    ) -> (Self, Api) {
        Self::start_as(folder, address, &settings_in(folder, address, network), wrapper, token).await
    }

    /// The same with whole settings, which name the address and any database.
    pub async fn start_as(
        folder: &Path,
        address: &str,
        settings: &str,
        wrapper: &[&str],
        token: Option<&str>,
    ) -> (Self, Api) {
        let file = folder.join("linesman.toml");
        std::fs::write(&file, settings).expect("settings can be written");
        let mut words: Vec<OsString> = wrapper.iter().map(OsString::from).collect();
        words.extend([program().into_os_string(), "serve".into(), "--config".into(), file.into_os_string()]);
        let mut daemon = Self { process: Process::spawn(&words, folder), address: address.to_owned() };
        let api = daemon.ready(token).await;
        (daemon, api)
    }

    async fn ready(&mut self, token: Option<&str>) -> Api {
        let base = format!("http://{}", self.address);
        let without_token = Api::new(&base, "");
        eventually("the daemon to be ready", READY_WITHIN, async || {
            if let Some(status) = self.process.ended() {
                panic!("the daemon ended with {status}");
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
        self.process.said().iter().find_map(|line| {
            let rest = &line[line.find("lm_")?..];
            let token: String = rest.chars().take_while(|c| is_part(*c)).collect();
            // `lm_…` in a sentence is no token.
            (token.len() > 20).then_some(token)
        })
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.process.stop(Signal::TERM).await
    }

    /// SIGKILL: no warning, no last word.
    pub fn kill(self) {
        self.process.kill();
    }
}
