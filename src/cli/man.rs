//! `linesman man`.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::{CommandLine, Exit, Global, output};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write the pages of all commands into this folder instead
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Writes the manual page in roff to standard output, or all of them into a folder.
///
/// # Errors
/// When they cannot be written.
pub async fn run(_: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let command = CommandLine::command();
    match arguments.folder {
        Some(folder) => clap_mangen::generate_to(command, &folder)
            .with_context(|| format!("cannot write manual pages into {}", folder.display()))?,
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output::raw(&page)?;
        }
    }
    Ok(Exit::Fine)
}
