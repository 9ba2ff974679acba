//! `linesman token`: who may come in.

use std::sync::Arc;

use chrono::TimeDelta;
use clap::Subcommand;

use super::exit::Exit;
use super::{Global, output};
use crate::clock::{Clock as _, SystemClock};
use crate::store::{NewToken, Role, Store, StoreError, TokenInfo};

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: TokenCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
}

/// Makes, lists and ends tokens, beside a daemon that may be running.
///
/// # Errors
/// When the database cannot be opened or does not answer, and when what was asked is refused.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let database = global.settings()?.database;
    let answer = answer(arguments.command, &database.url, arguments.json).await?;
    output::raw(answer.output.as_bytes())?;
    Ok(if answer.is_done { Exit::Fine } else { Exit::Problem })
}

/// What can be done with tokens.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum TokenCommand {
    /// Make a token; its secret is shown once and never again
    Create {
        /// Unique name: the actor in the audit trail
        name: String,
        /// What it may do: viewer, technician, noc or admin
        #[arg(long, default_value = "viewer")]
        role: Role,
        /// Days until it ends
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// List all tokens, without secrets
    List,
    /// End a token, and with it its sessions, now
    Revoke {
        /// Its name
        name: String,
    },
}

/// What a command has to say; whoever runs it prints it and maps it to an exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TokenAnswer {
    /// For standard output, with its last line end.
    output: String,
    /// Whether it did what was asked (exit code 0) or found nothing to do it to (exit code 1).
    is_done: bool,
}

/// Runs a command beside a daemon that may be running.
///
/// # Errors
/// When the database cannot be opened or does not answer, and when what was asked is refused.
async fn answer(command: TokenCommand, database_url: &str, json: bool) -> Result<TokenAnswer, StoreError> {
    let store = Store::open_reader(database_url, Arc::new(SystemClock)).await?;
    let answer = carry_out(&store, command, json).await;
    store.close().await;
    answer
}

async fn carry_out(store: &Store, command: TokenCommand, json: bool) -> Result<TokenAnswer, StoreError> {
    let done = |output| TokenAnswer { output, is_done: true };
    match command {
        TokenCommand::Create { name, role, days } => {
            let expires_at = SystemClock.now_utc() + TimeDelta::days(i64::from(days));
            let token = NewToken { name, role, expires_at };
            let secret = store.create_token(&token).await?;
            if !json {
                return Ok(done(format!("{secret}\n")));
            }
            let NewToken { name, role, expires_at } = token;
            let document =
                serde_json::json!({ "name": name, "role": role, "expires_at": expires_at, "secret": secret });
            Ok(done(format!("{document}\n")))
        }
        TokenCommand::List => {
            let tokens = store.tokens().await?;
            if json {
                return Ok(done(format!("{}\n", serde_json::json!({ "tokens": tokens }))));
            }
            Ok(done(table(&tokens)))
        }
        TokenCommand::Revoke { name } => {
            let is_done = store.revoke_token(&name).await?;
            let output = match (json, is_done) {
                (true, _) => format!("{}\n", serde_json::json!({ "name": name, "revoked": is_done })),
                (false, true) => format!("token {name} has ended\n"),
                (false, false) => format!("there is no token {name} that has not ended already\n"),
            };
            Ok(TokenAnswer { output, is_done })
        }
    }
}

fn table(tokens: &[TokenInfo]) -> String {
    const TIME: &str = "%Y-%m-%d %H:%M";
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["NAME", "ROLE", "MADE (UTC)", "ENDS (UTC)", "LAST USE (UTC)", ""]);
    for token in tokens {
        table.add_row([
            token.name.clone(),
            token.role.name().to_owned(),
            token.created_at.format(TIME).to_string(),
            token.expires_at.format(TIME).to_string(),
            token.last_used_at.map_or_else(|| "never".to_owned(), |used| used.format(TIME).to_string()),
            if token.revoked { "ended".to_owned() } else { String::new() },
        ]);
    }
    format!("{table}\n")
}
