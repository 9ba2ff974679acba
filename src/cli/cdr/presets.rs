//! `linesman cdr presets`: the formats of files that are known by name.

use linesman_cdr::format::preset::Preset;

use crate::cli::exit::Exit;
use crate::cli::{Global, output};

/// Arguments of `cdr presets`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Lists them.
///
/// # Errors
/// When standard output cannot be written.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let presets = Preset::all();
    if arguments.json {
        let all: Vec<_> = presets
            .iter()
            .map(|preset| serde_json::json!({ "name": preset.name, "title": preset.title }))
            .collect();
        output::json(&all)?;
    } else {
        let width = presets.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
        for preset in &presets {
            output::line(format!("{:width$}  {}", preset.name, preset.title).trim_end())?;
        }
    }
    Ok(Exit::Fine)
}
