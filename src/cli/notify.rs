//! `linesman notify`: how the channels stand, a real test, what was given up and trying it again.
//!
//! Everything goes through the daemon, which alone holds the channels' secrets and connections: it needs an admin
//! token in `LINESMAN_TOKEN` or in a file.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::remote::{Remote, answered};
use super::{Global, output};

/// A channel may take two minutes for an attempt; the daemon answers within 30 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// Arguments of `notify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: NotifyCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
    /// The daemon; unless stated the address of the settings
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// File that holds an admin's token; unless stated the variable LINESMAN_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What can be done with channels.
#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// The channels of the settings and how they stand
    List,
    /// Send a real test message and say what the receiver answered; exit code 1 when it did not take it
    Test {
        /// The channel's name
        name: String,
    },
    /// What was given up, the newest first
    Dead {
        /// Of this channel only
        name: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Try again what was given up: all of it, of a channel, or of one event
    Retry {
        /// Of this channel only
        name: Option<String>,
        /// Of this event only
        #[arg(long, value_name = "SEQ", allow_negative_numbers = true)]
        event: Option<i64>,
    },
}

/// Asks the daemon.
///
/// # Errors
/// When the daemon does not answer or refuses, or there is no such channel.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let remote = Remote::new(global, arguments.server.as_deref(), arguments.token_file.as_deref(), PATIENCE)?;
    let root = format!("{}/api/v1/notifications", remote.base);
    let post = |url: String, body: Value| remote.client.post(url).json(&body);
    let request = match &arguments.command {
        NotifyCommand::List => remote.client.get(format!("{root}/channels")),
        NotifyCommand::Test { name } => post(format!("{root}/channels/{}/test", segment(name)), json!({})),
        NotifyCommand::Dead { name, limit } => {
            let channel = name.as_ref().map(|name| format!("&channel={}", segment(name))).unwrap_or_default();
            remote.client.get(format!("{root}/dead?limit={limit}{channel}"))
        }
        NotifyCommand::Retry { name, event } => {
            post(format!("{root}/dead/retry"), json!({"channel": name, "seq": event}))
        }
    };
    let sent = request.bearer_auth(&remote.token).send().await;
    let document = answered(sent.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.json {
        output::json(&document)?;
    } else {
        output::raw(told(&arguments.command, &document).as_bytes())?;
    }
    let refused =
        matches!(arguments.command, NotifyCommand::Test { .. }) && document["delivered"] != Value::Bool(true);
    Ok(if refused { Exit::Problem } else { Exit::Fine })
}

/// A name as part of a path; those of channels have nothing to escape, whatever else is typed is not found.
fn segment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

fn told(command: &NotifyCommand, document: &Value) -> String {
    match command {
        NotifyCommand::List => listed(document),
        NotifyCommand::Test { name } => {
            let answer = text(&document["answer"]);
            if document["delivered"] == Value::Bool(true) {
                format!("{name}: delivered; the receiver said: {answer}\n")
            } else {
                format!("{name}: NOT delivered: {answer}\n")
            }
        }
        NotifyCommand::Dead { .. } => {
            let rows = document["dead"].as_array().map(Vec::as_slice).unwrap_or_default();
            if rows.is_empty() {
                return "nothing was given up\n".to_owned();
            }
            let columns = ["seq", "channel", "ticket", "month", "event", "attempts", "dead_at", "error"];
            let head = ["EVENT", "CHANNEL", "TICKET", "MONTH", "WHAT", "TRIED", "GIVEN UP", "WHY"];
            table(&head, &columns, rows)
        }
        NotifyCommand::Retry { .. } => format!("{} tried again\n", text(&document["retried"])),
    }
}

fn listed(document: &Value) -> String {
    let channels = document["channels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut said = if channels.is_empty() {
        "no channels; [[notify]] in linesman.toml makes one\n".to_owned()
    } else {
        let columns = ["name", "kind", "url", "language", "waiting", "dead", "delivered_at"];
        table(&["NAME", "KIND", "TO", "LANGUAGE", "WAITING", "DEAD", "LAST DELIVERED"], &columns, channels)
    };
    for gone in document["gone"].as_array().into_iter().flatten() {
        said.push_str(&format!(
            "{}: no longer in the settings, {} given up\n",
            text(&gone["channel"]),
            text(&gone["dead"])
        ));
    }
    said
}

fn table(head: &[&str], columns: &[&str], rows: &[Value]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(head.to_vec());
    for row in rows {
        table.add_row(columns.iter().map(|column| text(&row[*column])).collect::<Vec<_>>());
    }
    format!("{table}\n")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn r81_what_was_given_up_of_a_month_is_shown_with_the_month_and_tried_again_by_its_number() {
        let dead = json!({ "dead": [
            { "seq": -3, "channel": "office", "ticket": null, "month": "2026-11", "event": "duty_overdue", "attempts": 1,
              "dead_at": "2026-12-07T01:00:00Z", "error": "403" },
            { "seq": 7, "channel": "noc", "ticket": "LM-2026-000001", "month": null, "event": "opened", "attempts": 2,
              "dead_at": "2026-12-07T01:00:00Z", "error": "404" },
        ]});
        let said = told(&NotifyCommand::Dead { name: None, limit: 50 }, &dead);
        let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1][..5], ["-3", "office", "-", "2026-11", "duty_overdue"], "{said}");
        assert_eq!(rows[2][..5], ["7", "noc", "LM-2026-000001", "-", "opened"], "{said}");
        let line = Line::try_parse_from(["notify", "retry", "office", "--event", "-3"]).expect("understood");
        assert!(matches!(line.arguments.command, NotifyCommand::Retry { event: Some(-3), .. }));
    }
}
