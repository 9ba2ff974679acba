//! `linesman demo`: the whole story on loopback, with the unchanged daemon.

use std::sync::Arc;

use linesman_probes::reach::SocketProbes;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::exit::{Exit, Failure};
use super::{Global, output, serve};
use crate::app::{App, Blueprint};
use crate::clock::SystemClock;
use crate::locale::Language;
use crate::settings::{LogFormat, LogSettings, parse};
use crate::sim::carrier::Carrier;
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
    let (tasks, stop) = (TaskTracker::new(), tokio_util::sync::CancellationToken::new());
    let carrier = Carrier::start(arguments.seed, &tasks, &stop).await?;
    let text = format!(
        "{}\n[http]\nlisten = \"127.0.0.1:{}\"\n\n[database]\nurl = \"sqlite:{}\"\n",
        carrier.settings_toml(),
        arguments.port,
        folder.0.join("demo.db").display()
    );
    let loaded = parse("demo", &text, []).map_err(Failure::from)?;
    let again = loaded.settings.clone();
    let blueprint = Blueprint {
        settings: loaded.settings,
        read: Arc::new(move || Ok(again.clone())),
        file: None,
        probes: Arc::new(SocketProbes::default()),
        clock: Arc::new(SystemClock),
    };
    let app = App::start(blueprint).await.map_err(serve::failure)?;
    let base_url = format!("http://{}", app.address);
    let token = app.first_token.clone().unwrap_or_default();
    output::line(format!("Linesman demo: {base_url}/login#{token}"))?;

    let (lines, mut heard) = mpsc::channel(64);
    let telling = Telling { base_url, language: arguments.lang, lines };
    let (live, store, soft) = (app.live.clone(), app.store.clone(), app.lifecycle.soft().clone());
    tasks.spawn(async move { story::run(&carrier, &live, &store, &telling, &soft).await });
    tasks.spawn(async move {
        while let Some(line) = heard.recv().await {
            if output::line(line).is_err() {
                return;
            }
        }
    });
    let went_well = app.run().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(if went_well { Exit::Fine } else { Exit::Problem })
}

/// A folder of our own that is gone when the demo is.
struct TemporaryFolder(std::path::PathBuf);

impl TemporaryFolder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("linesman-demo-{}", std::process::id()));
        std::fs::create_dir(&path)?;
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
