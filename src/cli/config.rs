//! `linesman config check|show|table`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::exit::{Exit, Failure};
use super::{Global, output};
use crate::inventory::Inventory;
use crate::settings::{Loaded, SettingsMistake, effective, to_toml};

/// Series that one target has on `/metrics`: success, last run, and a histogram of at most
/// twelve buckets with its bound, sum and count.
const SERIES_PER_TARGET: usize = 17;
/// Series that do not depend on the number of targets, tickets at their limit of 500 among them.
const OTHER_SERIES: usize = 700;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Tell every mistake at once with its file, line and column; exit code 3 when there is one
    Check(Which),
    /// Show the effective values as TOML, secrets hidden
    Show(Which),
    /// Print a table that tickets run by as it is shipped, for an own one to begin with ([procedure])
    Table {
        /// calendars, deadlines, levels, compensation, tags, or a tree: INTAKE, TOP-UP, A, B, C, D, E
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The configuration, as --config
    file: Option<PathBuf>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Checks or shows.
///
/// # Errors
/// Two different files named, mistakes in the configuration (`show`), unwritable output.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let which = match &arguments.action {
        Action::Check(which) | Action::Show(which) => which,
        Action::Table { name } => return table(name),
    };
    let chosen = match (&which.file, &global.config) {
        (Some(file), Some(config)) if file != config => {
            let both = format!("{} and --config {} are named; name one", file.display(), config.display());
            return Err(Failure::new(Exit::Usage, both).into());
        }
        (Some(file), _) => Global { config: Some(file.clone()) },
        (None, _) => global.clone(),
    };
    match &arguments.action {
        Action::Check(which) => check(&chosen, which.json),
        Action::Show(_) | Action::Table { .. } => show(&chosen, which.json),
    }
}

fn table(name: &str) -> anyhow::Result<Exit> {
    let text = match name.to_lowercase().as_str() {
        "calendars" => Some(linesman_deadlines::calendar::official::CALENDARS_TEXT),
        "deadlines" => Some(linesman_deadlines::policy::SHIPPED),
        "levels" => Some(linesman_process::level::SHIPPED),
        "compensation" => Some(linesman_process::compensation::SHIPPED),
        "tags" => Some(linesman_process::tag::SHIPPED),
        _ => linesman_process::tree::shipped_text(name),
    };
    let Some(text) = text else {
        let known = "calendars, deadlines, levels, compensation, tags, INTAKE, TOP-UP, A, B, C, D, E";
        let message = format!("there is no table `{}`; known are {known}", name.escape_debug());
        return Err(Failure::new(Exit::Usage, message).into());
    };
    output::line(text.trim_end())?;
    Ok(Exit::Fine)
}

/// What `config check --json` says.
#[derive(Debug, Serialize)]
struct Checked {
    file: Option<PathBuf>,
    valid: bool,
    #[serde(flatten)]
    size: Option<Size>,
    mistakes: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    origin: String,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

impl From<&SettingsMistake> for Told {
    fn from(mistake: &SettingsMistake) -> Self {
        let (line, column) = mistake.position.unzip();
        Self { origin: mistake.origin.clone(), line, column, message: mistake.message.clone() }
    }
}

/// How large the network is and what watching it costs.
#[derive(Debug, Serialize)]
struct Size {
    elements: usize,
    elements_by_kind: BTreeMap<&'static str, usize>,
    targets: usize,
    packets_per_second: f64,
    prometheus_series: usize,
}

impl Size {
    fn of(inventory: &Inventory) -> Self {
        let mut elements_by_kind = BTreeMap::new();
        for element in inventory.elements() {
            *elements_by_kind.entry(element.kind.name()).or_default() += 1;
        }
        Self {
            elements: inventory.elements().len(),
            elements_by_kind,
            targets: inventory.targets().len(),
            packets_per_second: inventory.requests_per_second(),
            prometheus_series: inventory.targets().len() * SERIES_PER_TARGET + OTHER_SERIES,
        }
    }
}

fn check(chosen: &Global, json: bool) -> anyhow::Result<Exit> {
    let file = chosen.file();
    let name =
        file.as_deref().map_or("no file, this host", |file| file.to_str().unwrap_or("the file")).to_owned();
    match chosen.loaded() {
        Ok((loaded, _)) => {
            let size = Size::of(&loaded.settings.inventory);
            if json {
                output::json(&Checked { file, valid: true, size: Some(size), mistakes: Vec::new() })?;
            } else {
                output::line(format!("{name}: fine"))?;
                output::line(said(&size))?;
            }
            Ok(Exit::Fine)
        }
        Err(mistakes) => {
            if json {
                let told = mistakes.iter().map(Told::from).collect();
                output::json(&Checked { file, valid: false, size: None, mistakes: told })?;
            } else {
                for mistake in &mistakes {
                    output::line(mistake.to_string())?;
                }
                let count = mistakes.len();
                output::note(format!("{name}: {count} mistake{}", if count == 1 { "" } else { "s" }));
            }
            Ok(Exit::BadConfiguration)
        }
    }
}

fn said(size: &Size) -> String {
    let kinds: Vec<String> =
        size.elements_by_kind.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    format!(
        "{} elements ({}), {} targets, {:.1} packets/s sent, about {} Prometheus series",
        size.elements,
        if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") },
        size.targets,
        // The sum of nothing is a negative zero.
        size.packets_per_second.abs(),
        size.prometheus_series
    )
}

fn show(chosen: &Global, json: bool) -> anyhow::Result<Exit> {
    let (loaded, file) = chosen.loaded().map_err(Failure::from)?;
    if json {
        output::json(&effective(&loaded))?;
    } else {
        output::raw(text(&loaded, file.as_deref())?.as_bytes())?;
    }
    Ok(Exit::Fine)
}

fn text(loaded: &Loaded, file: Option<&Path>) -> anyhow::Result<String> {
    let origin =
        file.map_or_else(|| "this host, without a file".to_owned(), |file| file.display().to_string());
    Ok(format!("# Effective settings of {origin}; secrets are hidden.\n\n{}", to_toml(loaded)?))
}
