//! `linesman serve`: the daemon.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use linesman_probes::reach::SocketProbes;
use linesman_probes::wire::permission;

use super::exit::{Exit, Failure};
use super::given::{Global, environment};
use super::host_facts;
use super::output;
use crate::app::{App, Blueprint, StartError, needs_icmp};
use crate::clock::SystemClock;
use crate::reason::chain;
use crate::settings::{LogFormat, LogSettings, Settings, load};
use crate::workers::reload::ReadSettings;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Starts the daemon and runs until it is told to stop.
///
/// # Errors
/// When it cannot start: bad configuration, missing permission, unusable database.
pub async fn run(global: &Global, _arguments: Arguments) -> anyhow::Result<Exit> {
    let file = global.file();
    let settings = global.settings()?;
    let format = start_log(&settings.log);
    if needs_icmp(&settings)
        && let Err(hint) = permission::icmp()
    {
        let message = format!("targets are measured by ICMP, which is not permitted: {hint}");
        // Without a file nobody asked for ICMP: the rest is still worth watching.
        if file.is_some() {
            return Err(Failure::new(Exit::PermissionMissing, message).into());
        }
        tracing::warn!("{message}");
    }
    let named = file.clone();
    let read: ReadSettings = Arc::new(move || {
        let read = match &named {
            Some(file) => load(file, environment()),
            None => Settings::without_file(&host_facts::gather(), environment()),
        };
        read.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    });
    let targets = settings.inventory.targets().len();
    let blueprint = Blueprint {
        settings,
        read,
        file: file.clone(),
        probes: Arc::new(SocketProbes::default()),
        engine: crate::bills::engine::real(),
        clock: Arc::new(SystemClock),
    };
    let app = App::start(blueprint).await.map_err(failure)?;
    announce(&app, file.as_deref(), targets, format)?;
    Ok(if app.run().await { Exit::Fine } else { Exit::Problem })
}

/// Says where it is to be found: to a person in words, to a program that reads the log as a line
/// of it. The first token is shown once, on standard output: never in the log.
fn announce(app: &App, file: Option<&Path>, targets: usize, format: LogFormat) -> anyhow::Result<()> {
    let base = format!("http://{}", app.address);
    let watched = match file {
        Some(file) => format!("{targets} targets of {}", file.display()),
        None => format!("this host, its gateway and its resolvers ({targets} targets)"),
    };
    match format {
        LogFormat::Json => tracing::info!(url = format!("{base}/"), targets, "Linesman watches {watched}"),
        LogFormat::Text => {
            output::note(format!("Linesman watches {watched}: {base}/"));
            if file.is_none() {
                output::note("`linesman init` writes a linesman.toml for your own network.");
            }
        }
    }
    match &app.first_token {
        Some(token) => output::line(format!(
            "The first admin token, shown only now: {token}\n\
             Sign in at {base}/login#{token}\n\
             More: linesman token create NAME --role viewer"
        )),
        None => Ok(()),
    }
}

/// How a failed start ends the command.
pub(super) fn failure(error: StartError) -> Failure {
    let exit = if error.is_permission() { Exit::PermissionMissing } else { Exit::BadConfiguration };
    Failure::new(exit, chain(&error))
}

/// Text on a terminal, JSON else, unless the settings say otherwise; to standard error.
pub(super) fn start_log(log: &LogSettings) -> LogFormat {
    let level = log.level.as_deref().unwrap_or("info");
    let filter = tracing_subscriber::EnvFilter::try_new(level).unwrap_or_default();
    let format =
        log.format.unwrap_or(if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first log.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    format
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_start_that_lacks_a_permission_ends_with_four_and_any_other_with_three() {
        let database = |kind: std::io::ErrorKind| {
            let source = Arc::new(std::io::Error::from(kind));
            StartError::Store(StoreError::File { operation: "create", path: "x.db.lock".into(), source })
        };
        assert_eq!(failure(database(std::io::ErrorKind::PermissionDenied)).exit, Exit::PermissionMissing);
        assert_eq!(failure(database(std::io::ErrorKind::NotFound)).exit, Exit::BadConfiguration);
        let newer = StoreError::NewerThanProgram { found: 9, known: 1 };
        assert_eq!(failure(newer.into()).exit, Exit::BadConfiguration);
    }
}
