//! `linesman rtp`: voice on the wire.
//!
//! Reading and judging is `linesman_media`'s; here are flags, files, tables and exit codes.

pub(in crate::cli) mod analyze;
mod csv;
mod listen;
mod sparkline;
mod table;

use clap::Subcommand;
pub(super) use listen::span;

use super::Global;
use super::exit::Exit;

/// Arguments of `rtp`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: RtpCommand,
}

/// What can be done with voice on the wire.
#[derive(Debug, Subcommand)]
enum RtpCommand {
    /// Read capture files: every stream and call in them, how good it was, and what was wrong
    Analyze(analyze::Arguments),
    /// Listen on an interface: a live table of streams, worst first, and what became of each
    Listen(Box<listen::Arguments>),
}

/// Does it.
///
/// # Errors
/// As the command.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        RtpCommand::Analyze(arguments) => analyze::run(global, arguments).await,
        RtpCommand::Listen(arguments) => listen::run(*arguments).await,
    }
}
