//! `linesman maintenance`: announced work, through the daemon.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::remote::{Remote, answered};
use super::{Global, explain, output};
use crate::clock::{Clock as _, SystemClock};
use crate::locale::Language;

/// Arguments of `maintenance`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: MaintenanceCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
    /// Language of refusals: en or zh-CN
    #[arg(long, global = true, default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// The daemon; unless stated the address of the settings
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// File that holds a token; unless stated the variable LINESMAN_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What can be done with announced work.
#[derive(Debug, Subcommand)]
enum MaintenanceCommand {
    /// What runs, what is planned, what ended within a week
    List,
    /// Announce work: new trouble on it and on what depends on it opens no ticket before its end
    Announce {
        /// Elements of the inventory that are worked on
        #[arg(required = true)]
        elements: Vec<String>,
        /// What is done
        #[arg(long)]
        text: String,
        /// What customers are told, if something else
        #[arg(long)]
        customer_text: Option<String>,
        /// When it begins, as 2026-11-22T01:00:00+08:00; now unless stated
        #[arg(long, value_name = "TIME")]
        from: Option<DateTime<Utc>>,
        /// When service is back
        #[arg(
            long,
            value_name = "TIME",
            required_unless_present = "for_minutes",
            conflicts_with = "for_minutes"
        )]
        to: Option<DateTime<Utc>>,
        /// The same as minutes after its beginning
        #[arg(long = "for", value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=44_640))]
        for_minutes: Option<u32>,
    },
    /// Give it another end
    Postpone {
        /// Its identity, as `maintenance list` shows it
        id: String,
        /// When service is back
        #[arg(long, value_name = "TIME")]
        to: DateTime<Utc>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// It is done: what is broken now is told of at once
    Finish {
        /// Its identity
        id: String,
        /// What was done
        #[arg(long, default_value = "done")]
        reason: String,
    },
    /// Call it off
    Cancel {
        /// Its identity
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// Lists, announces and changes announced work.
///
/// # Errors
/// When the daemon does not answer or refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let remote = Remote::new(
        global,
        arguments.server.as_deref(),
        arguments.token_file.as_deref(),
        Duration::from_secs(30),
    )?;
    let base = format!("{}/api/v1/maintenance", remote.base);
    let now = SystemClock.now_utc();
    let (address, body) = match arguments.command {
        MaintenanceCommand::List => {
            let request = remote.client.get(&base);
            let document = ask(&remote, arguments.lang, request).await?;
            return show(&document, arguments.json);
        }
        MaintenanceCommand::Announce { elements, text, customer_text, from, to, for_minutes } => {
            let lasts = TimeDelta::minutes(i64::from(for_minutes.unwrap_or_default()));
            let ends_at = to.unwrap_or(from.unwrap_or(now) + lasts);
            let body = json!({
                "elements": elements, "starts_at": from, "ends_at": ends_at,
                "text": text, "customer_text": customer_text,
            });
            (base, body)
        }
        MaintenanceCommand::Postpone { id, to, reason } => {
            (format!("{base}/{id}/postpone"), json!({ "ends_at": to, "reason": reason }))
        }
        MaintenanceCommand::Finish { id, reason } => {
            (format!("{base}/{id}/postpone"), json!({ "ends_at": now, "reason": reason }))
        }
        MaintenanceCommand::Cancel { id, reason } => {
            (format!("{base}/{id}/cancel"), json!({ "reason": reason }))
        }
    };
    let document = ask(&remote, arguments.lang, remote.client.post(&address).json(&body)).await?;
    if arguments.json {
        output::json(&document)?;
    } else {
        output::line(line_of(&document))?;
    }
    Ok(Exit::Fine)
}

async fn ask(remote: &Remote, language: Language, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let request = request.bearer_auth(&remote.token).header("accept-language", language.tag());
    answered(request.send().await.map_err(|error| remote.unreachable(error))?).await
}

fn show(document: &Value, as_json: bool) -> anyhow::Result<Exit> {
    if as_json {
        output::json(document)?;
        return Ok(Exit::Fine);
    }
    let windows = document["windows"].as_array().map(Vec::as_slice).unwrap_or_default();
    if windows.is_empty() {
        output::line("no announced work")?;
    }
    for window in windows {
        output::line(line_of(window))?;
    }
    Ok(Exit::Fine)
}

fn line_of(window: &Value) -> String {
    let text = |name: &str| window[name].as_str().unwrap_or("-").to_owned();
    let list = |name: &str| {
        let items = window[name].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut line = format!(
        "{}  {:<9}  {} to {}  {}: {}",
        text("id"),
        text("phase"),
        text("starts_at"),
        text("ends_at"),
        list("elements"),
        text("text")
    );
    let withheld = list("withheld");
    if !withheld.is_empty() {
        line.push_str(&format!("\n  no ticket before its end for {withheld}"));
    }
    line
}
