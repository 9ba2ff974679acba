//! `linesman report`: the month's statistics, read from the database beside a daemon that may be running.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::exit::{Exit, Failure};
use super::remote::{Remote, answered};
use super::{Global, explain, output};
use crate::clock::{Clock as _, SystemClock};
use crate::locale::Language;
use crate::statistics::duty;
use crate::statistics::{self, Month, Shown, tables};
use crate::store::Store;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: ReportCommand,
}

/// Reports that there are.
#[derive(Debug, Subcommand)]
enum ReportCommand {
    /// Complaint handling of a month: as it was frozen on the first of the next, else as the tickets stand
    Monthly(Monthly),
    /// Say that the summary or the improvement plan of a month is done, through the daemon
    Done(DutyDone),
    /// Months whose figures are frozen
    Months {
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
}

/// What was done of a month.
#[derive(Debug, clap::Args)]
struct DutyDone {
    /// summary or plan
    duty: String,
    /// The month, as 2026-10; the last one that is over unless stated
    #[arg(long)]
    month: Option<Month>,
    /// Where it is, who was there
    #[arg(long, default_value = "")]
    note: String,
    /// The daemon; unless stated the address of the settings
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// File that holds a token; unless stated the variable LINESMAN_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What is asked of a month.
#[derive(Debug, clap::Args)]
struct Monthly {
    /// The month, as 2026-10; the last one that is over unless stated
    #[arg(long)]
    month: Option<Month>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language: en or zh-CN
    #[arg(long, default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// Where it is written; unless stated standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Count the tickets as they stand now, and show what differs from the frozen figures
    #[arg(long)]
    recompute: bool,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for the terminal
    Text,
    /// A workbook
    Xlsx,
    /// A page to print
    Html,
    /// A document for programs
    Json,
}

/// Shows or writes a report.
///
/// # Errors
/// When the database cannot be read or the file cannot be written.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    if let ReportCommand::Done(wanted) = &arguments.command {
        return done(global, wanted).await;
    }
    let store = Store::open_reader(&global.settings()?.database.url, Arc::new(SystemClock)).await?;
    let done = match &arguments.command {
        ReportCommand::Monthly(wanted) => monthly(&store, wanted).await,
        ReportCommand::Months { json } => months(&store, *json).await,
        ReportCommand::Done(_) => Ok(Exit::Defect),
    };
    store.close().await;
    done
}

async fn done(global: &Global, wanted: &DutyDone) -> anyhow::Result<Exit> {
    let (server, token_file) = (wanted.server.as_deref(), wanted.token_file.as_deref());
    let remote = Remote::new(global, server, token_file, Duration::from_secs(30))?;
    let month = wanted.month.unwrap_or_else(|| Month::of(SystemClock.now_utc()).before());
    let body = serde_json::json!({ "duty": wanted.duty, "note": wanted.note });
    let request = remote.client.post(format!("{}/api/v1/reports/monthly/{month}/done", remote.base));
    let request = request.bearer_auth(&remote.token).json(&body);
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    for duty in answer["duties"].as_array().into_iter().flatten() {
        let text = |name: &str| duty[name].as_str().unwrap_or("-").to_owned();
        output::line(format!("{month}  {:<8} due {}  {}", text("duty"), text("due_at"), text("state")))?;
    }
    Ok(Exit::Fine)
}

async fn months(store: &Store, as_json: bool) -> anyhow::Result<Exit> {
    let months = store.frozen_months().await?;
    if as_json {
        let months: Vec<serde_json::Value> = months
            .iter()
            .map(|known| {
                serde_json::json!({
                    "month": known.month, "frozen_at": known.frozen_at, "frozen_by": known.frozen_by,
                    "rule_version": known.rule_version, "sha256": known.sha256,
                })
            })
            .collect();
        output::json(&serde_json::json!({ "months": months }))?;
        return Ok(Exit::Fine);
    }
    if months.is_empty() {
        output::line("no month is frozen yet; the daemon freezes each on the first of the next")?;
    }
    for known in months {
        output::line(format!(
            "{}  {}  {}  {}",
            known.month,
            known.frozen_at.format("%Y-%m-%d %H:%M:%S"),
            known.frozen_by,
            known.sha256
        ))?;
    }
    Ok(Exit::Fine)
}

async fn monthly(store: &Store, wanted: &Monthly) -> anyhow::Result<Exit> {
    let now = SystemClock.now_utc();
    let month = wanted.month.unwrap_or_else(|| Month::of(now).before());
    let frozen = store.frozen_month(month).await?;
    let (content, frozen, differences) = match frozen {
        Some(frozen) if !wanted.recompute => (frozen.content.clone(), Some(frozen), None),
        frozen => {
            let content = store.count_month(month, now).await?;
            let differences = frozen.as_ref().map(|frozen| content.differences(&frozen.content));
            if wanted.recompute && frozen.is_none() {
                output::note(format!("{month} is not frozen: there is nothing to compare with"));
            }
            (content, None, differences)
        }
    };
    let duties = duty::duties(month, &store.done_duties(month).await?, now);
    let shown = Shown {
        content: &content,
        frozen: frozen.as_ref(),
        differences: differences.as_deref(),
        duties: &duties,
        at: now,
    };
    let report = tables(&shown, wanted.lang);
    let bytes = match wanted.format {
        Format::Text => statistics::plain::plain(&report).into_bytes(),
        Format::Html => statistics::html::page(&report).into_bytes(),
        Format::Xlsx => statistics::xlsx::workbook(&report, month)?,
        Format::Json => {
            let mark = frozen.as_ref().map(
                |frozen| serde_json::json!({ "at": frozen.at, "by": frozen.by, "sha256": frozen.sha256 }),
            );
            let document = serde_json::json!({
                "frozen": mark, "differences": differences, "duties": duties, "content": content, "suggestions": report.advice,
            });
            let mut text = serde_json::to_vec_pretty(&document)?;
            text.push(b'\n');
            text
        }
    };
    write(wanted, month, &bytes)?;
    Ok(Exit::Fine)
}

fn write(wanted: &Monthly, month: Month, bytes: &[u8]) -> anyhow::Result<()> {
    let Some(file) = &wanted.output else {
        if wanted.format == Format::Xlsx && std::io::stdout().is_terminal() {
            let message = format!("a workbook is no text for a terminal; add -o linesman-{month}.xlsx");
            return Err(Failure::new(Exit::Usage, message).into());
        }
        return output::raw(bytes);
    };
    keep(file, bytes)?;
    output::note(format!("{} written", file.display()));
    Ok(())
}

/// Whole or not at all: a report that is cut off looks like one.
fn keep(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fail = |error: std::io::Error| {
        Failure::new(Exit::Problem, format!("{} cannot be written: {error}", file.display()))
    };
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    std::fs::write(&name, bytes).map_err(fail)?;
    std::fs::rename(&name, file).map_err(fail)?;
    Ok(())
}
