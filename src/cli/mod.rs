//! The command line: one file a command.
//!
//! To add a command: a file with `Arguments` and `run(&Global, Arguments) -> anyhow::Result<Exit>`,
//! its `mod` line, and its line in the `commands!` table below.
//! Results go to standard output (with `--json` as one document), messages to standard error.

pub mod audit;
pub mod call;
pub mod cdr;
pub mod completions;
pub mod config;
pub mod customer;
pub mod db;
pub mod deadline;
pub mod demo;
pub mod doctor;
pub mod exit;
pub mod explain;
pub mod given;
pub mod host_facts;
pub mod init;
pub mod knowledge;
pub mod maintenance;
pub mod man;
pub mod notify;
pub mod output;
pub mod people;
pub mod probe;
mod probe_call;
mod remote;
pub mod report;
pub mod rtp;
pub mod serve;
pub mod ticket;
mod ticket_bulk;
mod ticket_files;
mod ticket_route;
mod ticket_verbs;
mod ticket_walk;
pub mod token;
pub mod tree;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser;

pub use exit::{Exit, Failure};
pub use given::Global;

/// Measures voice networks, locates the fault, opens the ticket with its evidence and closes it on proof.
#[derive(Debug, Parser)]
#[command(name = "linesman", version, after_help = exit::EXIT_CODES, arg_required_else_help = true)]
pub struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Declares the commands and hands each its arguments.
macro_rules! commands {
    ($($(#[$help:meta])+ $name:ident => $module:ident),+ $(,)?) => {
        #[derive(Debug, clap::Subcommand)]
        enum Command {
            $($(#[$help])+ $name($module::Arguments),)+
        }

        impl Command {
            async fn run(self, global: &Global) -> anyhow::Result<Exit> {
                match self {
                    $(Self::$name(arguments) => $module::run(global, arguments).await,)+
                }
            }
        }
    };
}

commands! {
    /// The whole story on loopback: a small carrier, faults, tickets; no root, no network, no configuration
    Demo => demo,
    /// The daemon; with no configuration it watches this host, its gateway and its resolvers
    Serve => serve,
    /// Write a commented linesman.toml from what this host has
    Init => init,
    /// Say what is missing, each with the one command that mends it
    Doctor => doctor,
    /// Check the configuration, or show what it comes to
    Config => config,
    /// One measurement now
    Probe => probe,
    /// Voice in captures: streams, calls, their quality and who spoiled it
    Rtp => rtp,
    /// Calls that were listened to: by number, address, time; how they sounded and why
    Call => call,
    /// Call records against call records and the rate deck: causes, fault and money
    Cdr => cdr,
    /// When something is due on a calendar with make-up workdays and pauses, and why
    Deadline => deadline,
    /// Why this class, why this segment, why not its neighbours
    Explain => explain,
    /// List, show and change tickets
    Ticket => ticket,
    /// Look customers up, register them, take a person's data out or erase it
    Customer => customer,
    /// Whether the trails are whole, what retention would delete, which keys are in use
    Audit => audit,
    /// The channels that tell people: how they stand, a test, what was given up
    Notify => notify,
    /// Who does what: departments, persons, duty and absence; the order of work
    People => people,
    /// The decision trees of the complaint-handling procedure: show, check, walk
    Tree => tree,
    /// Announced work: trouble inside it opens no ticket, what outlives it does
    Maintenance => maintenance,
    /// Articles of earlier cases, set phrases: find, draft, publish
    Knowledge => knowledge,
    /// The month's statistics: text, workbook, page
    Report => report,
    /// Who may come in
    Token => token,
    /// Copy the database, or verify it
    Db => db,
    /// Write completions for a shell
    Completions => completions,
    /// Write the manual page
    Man => man,
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    // clap ends the process itself on --help (0) and on what it cannot understand (2).
    let line = CommandLine::parse();
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(line.command.run(&line.global))
    }));
    let exit = match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            output::note(crate::reason::chain(error.as_ref()));
            exit::exit_of(&error)
        }
        // The panic's own message is already on standard error.
        Err(_) => Exit::Defect,
    };
    exit.into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together_and_help_names_the_exit_codes() {
        let mut command = CommandLine::command();
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        for code in [0, 1, 2, 3, 4, 5, 70] {
            assert!(help.contains(&format!("\n  {code} ")), "{code}: {help}");
        }
    }
}
