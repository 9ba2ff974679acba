//! `linesman audit`: whether the trails are whole, what retention would delete, which keys are in use.
//! Beside a daemon that may be running; nothing is written.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::{Global, output};
use crate::clock::{Clock as _, SystemClock};
use crate::inventory::ElementKind;
use crate::privacy::keyfile;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::retention_count::Terms;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: AuditCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
}

/// What can be audited.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum AuditCommand {
    /// Follow the hash chains over ticket events and over looks at personal data; exit code 1 where one breaks
    Verify,
    /// Count what retention would delete now; nothing is deleted
    Retention,
    /// The names of the keys of personal data, and how much is not sealed with the newest yet
    Keys,
}

/// Runs a command.
///
/// # Errors
/// When the settings cannot be read, the database cannot be opened or does not answer.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let settings = global.settings()?;
    let store = Store::open_reader(&settings.database.url, Arc::new(SystemClock)).await?;
    let done = match arguments.command {
        AuditCommand::Verify => verify(&store, arguments.json).await,
        AuditCommand::Retention => retention(&store, &settings, arguments.json).await,
        AuditCommand::Keys => keys(&store, &settings, arguments.json).await,
    };
    store.close().await;
    done
}

async fn verify(store: &Store, as_json: bool) -> anyhow::Result<Exit> {
    let tickets = store.check().await?;
    let privacy = store.check_privacy_trail().await?;
    let is_sound = tickets.damage.is_empty() && tickets.broken_at.is_none() && privacy.broken_at.is_none();
    if as_json {
        output::json(&json!({ "sound": is_sound, "tickets": tickets, "privacy": privacy }))?;
    } else {
        let mut text = String::new();
        for damage in &tickets.damage {
            let _ = writeln!(text, "damage: {damage}");
        }
        for (trail, events, broken_at, head) in [
            ("ticket events", tickets.events, tickets.broken_at, &tickets.head),
            ("looks at personal data", privacy.events, privacy.broken_at, &privacy.head),
        ] {
            let _ = match broken_at {
                Some(place) => {
                    writeln!(text, "{trail}: the chain is BROKEN at {place}; {events} before it verified")
                }
                None => {
                    writeln!(text, "{trail}: {events} verified, head {}", head.as_deref().unwrap_or("none"))
                }
            };
        }
        output::raw(text.as_bytes())?;
    }
    Ok(if is_sound { Exit::Fine } else { Exit::Problem })
}

async fn retention(store: &Store, settings: &Settings, as_json: bool) -> anyhow::Result<Exit> {
    let terms = Terms {
        observations: settings.retention.observations,
        hourly: settings.retention.hourly,
        bills: settings.billing.keep,
        customers: settings.retention.customers,
        recorded_calls: settings.retention.recorded_calls,
        signatures: settings.retention.signatures,
    };
    let elements = settings.inventory.elements().iter();
    let current = elements.filter(|element| element.kind == ElementKind::Customer);
    let current: Vec<&str> = current.map(|element| element.name.as_str()).collect();
    let now = SystemClock.now_utc();
    let kinds = store.count_retention(now, &terms, &current).await?;
    if as_json {
        output::json(&json!({ "at": now, "kinds": kinds }))?;
        return Ok(Exit::Fine);
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["KIND", "KEPT (DAYS)", "BEFORE (UTC)", "WOULD GO"]);
    for kind in kinds {
        let before = kind.before.format("%Y-%m-%d %H:%M").to_string();
        table.add_row([kind.kind.to_owned(), kind.kept_days.to_string(), before, kind.count.to_string()]);
    }
    output::line(table.to_string())?;
    Ok(Exit::Fine)
}

async fn keys(store: &Store, settings: &Settings, as_json: bool) -> anyhow::Result<Exit> {
    let file = settings.key_file();
    let keys =
        keyfile::read(&file).map_err(|error| Failure::new(Exit::BadConfiguration, error.to_string()))?;
    let names: Vec<&str> = keys.prints().map(|(name, _)| name).collect();
    let others = store.sealed_otherwise(keys.newest()).await?;
    if as_json {
        let document =
            json!({ "file": file, "keys": names, "newest": keys.newest(), "sealed_otherwise": others });
        output::json(&document)?;
    } else {
        output::line(format!("{}: {}; {} seals", file.display(), names.join(", "), keys.newest()))?;
        output::line(match others {
            0 => format!("everything is sealed with {}", keys.newest()),
            count => format!(
                "{count} values are sealed with older keys; the daemon seals them anew after a restart"
            ),
        })?;
    }
    Ok(Exit::Fine)
}
