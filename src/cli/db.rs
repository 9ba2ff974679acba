//! `linesman db`: a copy of the database, and whether it is sound.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;

use super::exit::Exit;
use super::{Global, output};
use crate::clock::SystemClock;
use crate::store::{CheckReport, Store, StoreError};

/// Arguments of `db`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: DbCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
}

/// Looks at the database or copies it, beside a daemon that may be running.
///
/// # Errors
/// When the database cannot be opened or does not answer.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let database = global.settings()?.database;
    let answer = answer(arguments.command, &database.url, arguments.json).await?;
    output::raw(answer.output.as_bytes())?;
    Ok(if answer.is_sound { Exit::Fine } else { Exit::Problem })
}

/// What can be done with the database.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum DbCommand {
    /// Write a copy while the daemon goes on (SQLite; for PostgreSQL it names the pg_dump command)
    Backup {
        /// File that must not exist yet
        to: PathBuf,
    },
    /// Verify the file and the hash chain over all ticket events; exit code 1 if anything is wrong
    Check,
}

/// What a command has to say; whoever runs it prints it and maps it to an exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DbAnswer {
    /// For standard output, with its last line end.
    output: String,
    /// Whether all is well (exit code 0) or a problem was found (exit code 1).
    is_sound: bool,
}

/// Runs a command beside a daemon that may be running.
///
/// # Errors
/// When the database cannot be opened or does not answer.
async fn answer(command: DbCommand, database_url: &str, json: bool) -> Result<DbAnswer, StoreError> {
    let store = Store::open_reader(database_url, Arc::new(SystemClock)).await?;
    let answer = match command {
        DbCommand::Backup { to } => store.backup(&to).await.map(|()| {
            let output = if json {
                format!("{}\n", serde_json::json!({ "backup": to.display().to_string() }))
            } else {
                format!("backup written to {}\n", to.display())
            };
            DbAnswer { output, is_sound: true }
        }),
        DbCommand::Check => store.check().await.map(|report| {
            let is_sound = report.damage.is_empty() && report.broken_at.is_none();
            let output = if json { as_json(&report, is_sound) } else { as_text(&report, is_sound) };
            DbAnswer { output, is_sound }
        }),
    };
    store.close().await;
    answer
}

fn as_json(report: &CheckReport, is_sound: bool) -> String {
    let CheckReport { damage, events, broken_at, head } = report;
    let document = serde_json::json!({
        "sound": is_sound, "damage": damage, "events": events, "broken_at": broken_at, "head": head,
    });
    format!("{document}\n")
}

fn as_text(report: &CheckReport, is_sound: bool) -> String {
    let mut text = String::new();
    for damage in &report.damage {
        let _ = writeln!(text, "damage: {damage}");
    }
    if let Some(place) = report.broken_at {
        let _ = writeln!(text, "the chain of events is broken at event {place}");
    }
    let _ = writeln!(text, "{} events verified", report.events);
    if let Some(head) = &report.head {
        let _ = writeln!(text, "head {head}");
    }
    text.push_str(if is_sound { "the database is sound\n" } else { "the database is NOT sound\n" });
    text
}
