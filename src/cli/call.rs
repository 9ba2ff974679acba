//! `linesman call`: calls that were listened to, through the daemon, which alone has the keys of their numbers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value};

use super::exit::Exit;
use super::remote::{Remote, answered};
use super::{Global, explain, output};
use crate::locale::Language;

/// Arguments of `call`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: CallCommand,
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

/// What can be asked of calls.
#[derive(Debug, Subcommand)]
enum CallCommand {
    /// Calls, the latest first, numbers masked; everything stated must fit; exit code 1 when there is none
    List(Box<Wanted>),
    /// One call with its streams, windows and findings; numbers as far as the token's role may see them
    Show {
        /// Its id, as in the list or on a ticket
        call: String,
    },
}

/// Which calls.
#[derive(Debug, clap::Args)]
struct Wanted {
    /// Who called or was called, however it is written
    #[arg(long)]
    number: Option<String>,
    /// Host of its signalling or media
    #[arg(long)]
    address: Option<String>,
    /// Landing trunk
    #[arg(long)]
    trunk: Option<String>,
    /// Gateway
    #[arg(long)]
    gateway: Option<String>,
    /// Customer of linesman.toml
    #[arg(long)]
    customer: Option<String>,
    /// Begun at or after, as 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Begun before
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only calls with something wrong
    #[arg(long)]
    bad: bool,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// Lists calls, or shows one.
///
/// # Errors
/// When the daemon does not answer or refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let (server, token) = (arguments.server.as_deref(), arguments.token_file.as_deref());
    let remote = Remote::new(global, server, token, Duration::from_secs(30))?;
    let request = match &arguments.command {
        CallCommand::List(wanted) => {
            remote.client.post(format!("{}/api/v1/calls/lookup", remote.base)).json(&body(wanted))
        }
        CallCommand::Show { call } => {
            let id = crate::http::auth::percent_encode(call).replace('/', "%2F");
            remote.client.get(format!("{}/api/v1/calls/{id}", remote.base))
        }
    };
    let request = request.bearer_auth(&remote.token).header("accept-language", arguments.lang.tag());
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    let none = answer.get("calls").and_then(Value::as_array).is_some_and(Vec::is_empty);
    match &arguments.command {
        _ if arguments.json => output::json(&answer)?,
        CallCommand::List(_) => listed(&answer)?,
        CallCommand::Show { .. } => shown(&answer)?,
    }
    Ok(if none { Exit::Problem } else { Exit::Fine })
}

fn body(wanted: &Wanted) -> Value {
    let stated = [
        ("number", &wanted.number),
        ("address", &wanted.address),
        ("trunk", &wanted.trunk),
        ("gateway", &wanted.gateway),
        ("customer", &wanted.customer),
        ("from", &wanted.from),
        ("to", &wanted.to),
    ];
    let stated =
        stated.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
    let mut body: Map<String, Value> = stated.collect();
    if wanted.bad {
        body.insert("bad".to_owned(), true.into());
    }
    body.insert("limit".to_owned(), wanted.limit.into());
    Value::Object(body)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("-")
}

fn milliseconds(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_f64).map_or_else(|| "-".to_owned(), |it| format!("{it:.1} ms"))
}

fn percent(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_f64)
        .map_or_else(|| "-".to_owned(), |it| format!("{:.1} %", it * 100.0))
}

fn mos(value: &Value) -> String {
    let end = |place: usize| value.pointer(&format!("/mos/{place}")).and_then(Value::as_f64);
    end(0).zip(end(1)).map_or_else(|| "-".to_owned(), |(low, high)| format!("{low:.2}-{high:.2}"))
}

fn listed(answer: &Value) -> anyhow::Result<()> {
    let calls = answer.get("calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if calls.is_empty() {
        return output::line("no calls");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ID", "BEGIN", "FROM", "TO", "STATE", "TRUNK", "GATEWAY", "LOST", "MOS", ""]);
    for call in calls {
        let bad = if call.get("bad") == Some(&Value::Bool(true)) { "bad" } else { "" };
        table.add_row([
            text(call, "id"),
            text(call, "started_at"),
            text(call, "from"),
            text(call, "to"),
            text(call, "state"),
            text(call, "trunk"),
            text(call, "gateway"),
            &percent(call, "loss_ratio"),
            &mos(call),
            bad,
        ]);
    }
    output::line(table.to_string())?;
    if answer.get("next").is_some_and(Value::is_string) {
        output::note("there are more; --limit shows more");
    }
    Ok(())
}

fn shown(call: &Value) -> anyhow::Result<()> {
    let masked = if call.get("masked") == Some(&Value::Bool(true)) { " (masked)" } else { "" };
    output::line(format!("{}  {} -> {}{masked}", text(call, "id"), text(call, "from"), text(call, "to")))?;
    output::line(format!(
        "{}, {} to {}",
        text(call, "state"),
        text(call, "started_at"),
        text(call, "ended_at")
    ))?;
    let (trunk, gateway) = (text(call, "trunk"), text(call, "gateway"));
    output::line(format!("trunk {trunk}, gateway {gateway}, customer {}", text(call, "customer")))?;
    let all = |name: &str| call.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for stream in all("streams") {
        output::line(format!(
            "  {}  {} > {}  {}  lost {}  MOS {}",
            text(&stream, "direction"),
            text(&stream, "source"),
            text(&stream, "destination"),
            text(&stream, "codec"),
            percent(&stream, "loss_ratio"),
            mos(&stream),
        ))?;
        for window in stream.get("windows").and_then(Value::as_array).into_iter().flatten() {
            let count = |name: &str| window.get(name).and_then(Value::as_u64).unwrap_or(0);
            let start = window.get("start_s").and_then(Value::as_f64).unwrap_or(0.0);
            let faults = window.get("measurement_faults").and_then(Value::as_array);
            let faults = if faults.is_some_and(|faults| !faults.is_empty()) {
                "  our own measuring failed"
            } else {
                ""
            };
            output::line(format!(
                "    {start:>6.0} s  {:>5} due  {:>4} lost  {:>4} late  MOS {}{faults}",
                count("expected"),
                count("lost"),
                count("late"),
                mos(window),
            ))?;
        }
    }
    for passage in all("passages") {
        let spoiled = match passage.get("spoiled_by").and_then(Value::as_str) {
            None => "well".to_owned(),
            Some("server") => "spoiled in our server".to_owned(),
            Some(by) => format!("spoiled {by}, {}", text(&passage, "blamed")),
        };
        output::line(format!(
            "  {}: lost before us {}, in our server {}, behind us {} (as reported); too late {}, {}, {}; jitter {} came \
             in, {} more in our server, {} at the far end (as reported); {spoiled}",
            text(&passage, "direction"),
            percent(&passage, "loss_upstream"),
            percent(&passage, "loss_server"),
            percent(&passage, "loss_downstream"),
            percent(&passage, "late_upstream"),
            percent(&passage, "late_server"),
            percent(&passage, "late_downstream"),
            milliseconds(&passage, "jitter_in_ms"),
            milliseconds(&passage, "jitter_server_ms"),
            milliseconds(&passage, "jitter_reported_ms"),
        ))?;
    }
    for word in all("told") {
        let told = word.get("told").cloned().unwrap_or_default();
        let lost =
            told.get("lost").and_then(Value::as_i64).map_or_else(|| "-".to_owned(), |it| it.to_string());
        output::line(format!(
            "  {} says of {}: lost {lost} packets, {} of the whole, {} at worst; its word, not measured here",
            text(&word, "reporter"),
            text(&word, "about"),
            percent(&told, "loss_ratio"),
            percent(&told, "worst_loss_ratio"),
        ))?;
    }
    for finding in all("findings") {
        output::line(format!("  {}: {}", text(&finding, "kind"), text(&finding, "evidence")))?;
    }
    Ok(())
}
