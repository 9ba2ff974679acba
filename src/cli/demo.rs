//! `linesman demo`: the whole story on loopback, with the unchanged daemon.

use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use anyhow::Context as _;
use linesman_probes::reach::SocketProbes;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exit::{Exit, Failure};
use super::{Global, output, serve};
use crate::app::{App, Blueprint};
use crate::clock::{Clock as _, SystemClock};
use crate::locale::{Language, Message};
use crate::settings::{LogFormat, LogSettings, parse};
use crate::sim::Bills;
use crate::sim::carrier::Carrier;
use crate::sim::desk;
use crate::sim::story::{self, Telling};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Port of the pages; any free one unless stated
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Chance of the demo: the same seed loses the same packets
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Language of what is said here: en or zh-CN
    #[arg(long, default_value = "en", value_parser = super::explain::language)]
    lang: Language,
    /// Show the daemon's own log too
    #[arg(long)]
    log: bool,
}

/// Starts the carrier and the daemon that watches it, and tells what happens until Ctrl-C.
///
/// # Errors
/// When loopback sockets or a temporary folder cannot be had.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    if arguments.log {
        serve::start_log(&LogSettings { level: None, format: Some(LogFormat::Text) });
    }
    let folder = TemporaryFolder::new()?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let carrier = Carrier::start(arguments.seed, &tasks, &stop).await?;
    let watched = folder.0.join("incoming-bills");
    let bills = Bills::new(&watched, arguments.seed, SystemClock.now_utc())
        .with_context(|| format!("no folder for the demo's bills can be made in {}", folder.0.display()))?;
    let text = format!(
        "{}\n[http]\nlisten = \"127.0.0.1:{}\"\n\n[database]\nurl = \"sqlite:{}\"\n\n[billing]\nfolder = \"{}\"\n",
        carrier.settings_toml(),
        arguments.port,
        folder.0.join("demo.db").display(),
        watched.display()
    );
    let loaded = parse("demo", &text, []).map_err(Failure::from)?;
    let again = loaded.settings.clone();
    let blueprint = Blueprint {
        settings: loaded.settings,
        read: Arc::new(move || Ok(again.clone())),
        file: None,
        probes: Arc::new(SocketProbes::default()),
        engine: crate::bills::engine::real(),
        clock: Arc::new(SystemClock),
    };
    let app = App::start(blueprint).await.map_err(serve::failure)?;
    let base_url = format!("http://{}", app.address);
    let token = app.first_token.clone().unwrap_or_default();
    let door = Message::new("demo.door").with("url", format!("{base_url}/login#{token}"));
    output::line(door.render(arguments.lang))?;

    let (lines, mut heard) = mpsc::channel(64);
    let telling = Telling { base_url, language: arguments.lang, start: Instant::now(), lines };
    let (people, leave) = (telling.clone(), app.lifecycle.soft().clone());
    tasks.spawn(async move { desk::run(&token, &people, &leave).await });
    let (live, store, soft) = (app.live.clone(), app.store.clone(), app.lifecycle.soft().clone());
    tasks.spawn(async move { story::run(&carrier, &bills, &live, &store, &telling, &soft).await });
    let end = app.lifecycle.soft().clone();
    tasks.spawn(async move {
        while let Some(line) = heard.recv().await {
            if output::line(line).is_err() {
                // Nobody reads any more: the demo is for nobody else.
                end.cancel();
                return;
            }
        }
    });
    tasks.spawn(stop.clone().run_until_cancelled_owned(end_with_terminal(app.lifecycle.soft().clone())));
    let went_well = app.run().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(if went_well { Exit::Fine } else { Exit::Problem })
}

/// A terminal that is closed takes its demo with it; the daemon by itself would only reload.
async fn end_with_terminal(end: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return };
    if hang_up.recv().await.is_some() {
        end.cancel();
    }
}

/// A folder of our own that is gone when the demo is.
struct TemporaryFolder(std::path::PathBuf);

impl TemporaryFolder {
    fn new() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        let chance = u64::from_ne_bytes(crate::id::os_random()?);
        let path = parent.join(format!("linesman-demo-{chance:016x}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| {
            format!(
                "no folder for the demo's database can be made in {}; name another: TMPDIR=…",
                parent.display()
            )
        })?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            output::note(format!("{} was not removed: {error}", self.0.display()));
        }
    }
}
