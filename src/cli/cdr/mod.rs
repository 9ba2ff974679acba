//! `linesman cdr`: call records against call records, both against the rate deck, and against what was heard.
//!
//! The comparison itself is `linesman_reconcile`'s and its causes and money `linesman_cdr`'s; here are
//! flags, the bar that shows how far it is, and exit codes.

mod bar;
mod generate;
mod looks;
mod media;
mod presets;
mod rate;
mod reconcile;
mod size;
mod submit;

use clap::Subcommand;

use super::Global;
use super::exit::Exit;

/// Arguments of `cdr`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: CdrCommand,
}

/// What can be done with call records.
#[derive(Debug, Subcommand)]
enum CdrCommand {
    /// Compare our records with theirs, name the causes of every difference and what each is worth
    Reconcile(Box<reconcile::Arguments>),
    /// Compare records with calls that were heard: nobody heard, one-way, false answer, seconds, codec
    Media(Box<media::Arguments>),
    /// Hand files to a running daemon, which keeps them, compares them and tells the tickets
    Submit(Box<submit::Arguments>),
    /// What one call costs by deck and contract, and why
    Rate(rate::Arguments),
    /// A pair of files with deck, contract and the truth about them
    Generate(generate::Arguments),
    /// The formats of files that are known by name
    Presets(presets::Arguments),
}

/// Does it.
///
/// # Errors
/// As the command.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        CdrCommand::Reconcile(arguments) => reconcile::run(global, *arguments).await,
        CdrCommand::Media(arguments) => media::run(global, *arguments).await,
        CdrCommand::Submit(arguments) => submit::run(global, *arguments).await,
        CdrCommand::Rate(arguments) => rate::run(global, arguments).await,
        CdrCommand::Generate(arguments) => generate::run(global, arguments).await,
        CdrCommand::Presets(arguments) => presets::run(global, arguments).await,
    }
}
