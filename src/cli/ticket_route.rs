//! `linesman ticket route`: stop a line, move its customers, take it into service again (R63).

use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::remote::answered;
use super::ticket::{Arguments, remote};
use super::{Global, output};
use crate::ticket::TicketNumber;

/// What can be done about a line.
#[derive(Debug, Subcommand)]
pub(super) enum RouteVerb {
    /// Ask for it
    Ask {
        /// Number of the ticket
        ticket: TicketNumber,
        /// stop, divert or restore
        what: String,
        /// The line, by its name in the inventory or the carrier's
        line: String,
        /// The line that takes over
        #[arg(long)]
        to: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Calls that it concerns
        #[arg(long)]
        calls: Option<u32>,
        /// Customers that it concerns
        #[arg(long)]
        customers: Option<u32>,
        /// The [[route_hook]] that does it; by hand unless stated
        #[arg(long)]
        hook: Option<String>,
        /// Which tests show that the line may return
        #[arg(long)]
        proof: Option<String>,
    },
    /// Agree, as a second person (technical managers)
    Approve {
        /// Number of the ticket
        ticket: TicketNumber,
        /// Number of the action
        number: u32,
    },
    /// Do not agree, or withdraw it
    Refuse {
        /// Number of the ticket
        ticket: TicketNumber,
        /// Number of the action
        number: u32,
        /// Why
        reason: String,
    },
    /// Show what would be sent, and send nothing
    Rehearse {
        /// Number of the ticket
        ticket: TicketNumber,
        /// Number of the action
        number: u32,
    },
    /// Send it as rehearsed
    Send {
        /// Number of the ticket
        ticket: TicketNumber,
        /// Number of the action
        number: u32,
    },
    /// Say that it is done
    Done {
        /// Number of the ticket
        ticket: TicketNumber,
        /// Number of the action
        number: u32,
        /// How, or what was seen
        how: String,
    },
    /// The actions of a ticket with their answers; without one, lines that are stopped or diverted now
    List {
        /// Number of the ticket
        ticket: Option<TicketNumber>,
        /// Without a ticket: asked, approved, rehearsed, sending, done, restored, failed, unclear or refused
        #[arg(long, default_value = "done", conflicts_with = "ticket")]
        state: String,
    },
}

impl RouteVerb {
    /// Its ticket, the action and the body of the request; `None` for what only reads.
    pub(super) fn request(&self) -> Option<(TicketNumber, String, Value)> {
        let verb = |number: &u32, verb: &str| format!("routes/{number}/{verb}");
        Some(match self {
            Self::Ask { ticket, what, line, to, reason, calls, customers, hook, proof } => {
                let body = json!({
                    "what": what, "line": line, "to": to, "reason": reason, "calls": calls,
                    "customers": customers, "hook": hook, "proof": proof,
                });
                (*ticket, "routes".to_owned(), body)
            }
            Self::Approve { ticket, number } => (*ticket, verb(number, "approve"), json!({})),
            Self::Refuse { ticket, number, reason } => {
                (*ticket, verb(number, "refuse"), json!({ "reason": reason }))
            }
            Self::Rehearse { ticket, number } => (*ticket, verb(number, "rehearse"), json!({})),
            Self::Send { ticket, number } => (*ticket, verb(number, "send"), json!({})),
            Self::Done { ticket, number, how } => (*ticket, verb(number, "done"), json!({ "how": how })),
            Self::List { .. } => return None,
        })
    }

    /// Whether the actions are shown once it is done.
    pub(super) const fn shows(&self) -> Option<TicketNumber> {
        match self {
            Self::Rehearse { ticket, .. } => Some(*ticket),
            _ => None,
        }
    }
}

/// Shows actions: those of a ticket, or of all tickets in a state.
pub(super) async fn list(
    global: &Global,
    arguments: &Arguments,
    ticket: Option<TicketNumber>,
    state: &str,
) -> anyhow::Result<Exit> {
    let remote = remote(global, arguments)?;
    let address = match ticket {
        Some(number) => format!("{}/api/v1/tickets/{number}/routes", remote.base),
        None => format!("{}/api/v1/routes?state={state}", remote.base),
    };
    let request = remote.client.get(address).bearer_auth(&remote.token);
    let request = request.header("accept-language", arguments.lang.tag());
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.json {
        output::json(&answer)?;
        return Ok(Exit::Fine);
    }
    let actions = answer["routes"].as_array().cloned().unwrap_or_default();
    for action in &actions {
        let text = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
        let of = action["ticket"].as_str().map(|ticket| format!("{ticket} ")).unwrap_or_default();
        let to = action["to"].as_str().map(|to| format!(" to {to}")).unwrap_or_default();
        let line =
            format!("{of}{}  {} {}{to}: {}", action["number"], text("what"), text("line"), text("state"));
        output::line(line)?;
        if let Some(shown) = action["rehearsal"]["request"].as_str() {
            shown.lines().try_for_each(|line| output::line(format!("    {line}")))?;
        }
        if let Some(answer) = action["answer"].as_str() {
            output::line(format!("    answer: {answer}"))?;
        }
    }
    if actions.is_empty() {
        output::line("no actions on lines")?;
    }
    Ok(Exit::Fine)
}
