//! `linesman completions SHELL`.

use clap::CommandFactory;

use super::{CommandLine, Exit, Global, output};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

/// Writes the completions to standard output.
///
/// # Errors
/// When standard output cannot be written.
pub async fn run(_: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut CommandLine::command(), "linesman", &mut script);
    output::raw(&script)?;
    Ok(Exit::Fine)
}
