//! `linesman ticket`: read tickets from the database, change them through the daemon.
//!
//! Reading works beside a stopped daemon too. Changing goes through the API, because the daemon
//! is the only writer: it needs a token in `LINESMAN_TOKEN` or in a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;

use super::exit::{Exit, Failure};
use super::remote::{Remote, answered};
use super::ticket_bulk::{Bulk, bulk};
use super::ticket_files::{attach, files};
use super::ticket_route::{self, RouteVerb};
use super::ticket_verbs::{NewTicket, Verb};
use super::ticket_walk::{WalkVerb, next_question, tree};
use super::{Global, explain, output};
use crate::clock::SystemClock;
use crate::locale::Language;
use crate::store::{Store, TicketFilter};
use crate::ticket::{Ticket, TicketNumber};

/// Arguments of `ticket`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: TicketCommand,
    /// One JSON document
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Language of sentences: en or zh-CN
    #[arg(long, global = true, default_value = "en", value_parser = explain::language)]
    pub(super) lang: Language,
    /// The daemon, for changes; unless stated the address of the settings
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// File that holds a token, for changes; unless stated the variable LINESMAN_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What can be done with tickets.
#[derive(Debug, Subcommand)]
enum TicketCommand {
    /// Register a complaint, fault report, consultation, top-up or follow-up
    Register(Box<NewTicket>),
    /// Its deadlines and promises
    Clocks {
        /// Its number
        ticket: TicketNumber,
    },
    /// Let another ticket go on in its place; those below it go with it
    Merge {
        /// Its number
        ticket: TicketNumber,
        /// Number of the other one
        #[arg(long)]
        into: TicketNumber,
    },
    /// Let part of it go on as a ticket of its own, with the same customer
    Split {
        /// Its number
        ticket: TicketNumber,
        /// What the other one is about
        #[arg(long)]
        description: String,
        /// fault, complaint, consultation or recharge; as this one unless stated
        #[arg(long)]
        kind: Option<String>,
    },
    /// Put it below the ticket that explains it, or take it from there
    Link {
        /// Its number
        ticket: TicketNumber,
        /// Number of the ticket above; without it the link is taken away
        #[arg(long)]
        parent: Option<TicketNumber>,
    },
    /// What customers of an outage are told, once each
    CustomerText {
        /// Its number
        ticket: TicketNumber,
        /// In English
        #[arg(long)]
        en: String,
        /// In Chinese
        #[arg(long)]
        zh: String,
    },
    /// Tickets below it: one line a customer, and whether he was told
    Children {
        /// Its number
        ticket: TicketNumber,
    },
    #[command(flatten)]
    Process(Verb),
    /// Stop a line, move its customers, take it into service again
    #[command(subcommand)]
    Route(RouteVerb),
    /// Open tickets, newest first
    List {
        /// Also those that are over
        #[arg(long)]
        all: bool,
        /// With this tag of the second level
        #[arg(long)]
        tag: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// One ticket with its history
    Show {
        /// Its number, as LM-2026-000123
        ticket: TicketNumber,
    },
    /// Its files: captures of the worst calls, recorded calls and signatures of the customer
    Files {
        /// Its number
        ticket: TicketNumber,
        /// Save them into this folder
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
    /// Put a recorded call or a drawn signature on it
    Attach {
        /// Its number
        ticket: TicketNumber,
        /// WAV, MP3, OGG or M4A of a call; PNG of a signature
        file: PathBuf,
        /// recorded_call or signature
        #[arg(long)]
        kind: String,
    },
    /// Its walk through the decision trees, and the next question
    Tree {
        /// Its number
        ticket: TicketNumber,
    },
    #[command(flatten)]
    Walk(WalkVerb),
    /// Do the same to many; each is checked by itself
    Bulk(Bulk),
    /// Take it
    Acknowledge {
        /// Its number
        ticket: TicketNumber,
    },
    /// Write something down
    Note {
        /// Its number
        ticket: TicketNumber,
        /// What
        text: String,
    },
    /// Confirm class, cause and segment
    Confirm {
        /// Its number
        ticket: TicketNumber,
        /// What was seen
        #[arg(long)]
        note: Option<String>,
    },
    /// Say what it really is
    Correct {
        /// Its number
        ticket: TicketNumber,
        /// The cause, as gateway-down; of a bill as increment
        #[arg(long)]
        cause: String,
        /// The element at fault; of a bill its party
        #[arg(long)]
        segment: String,
        /// Whose it is: customer, company or carrier; of a bill ours, theirs, both, none or undecided
        #[arg(long)]
        side: String,
        /// What was seen
        #[arg(long)]
        note: Option<String>,
    },
    /// Measure its targets again, now
    Remeasure {
        /// Its number
        ticket: TicketNumber,
    },
    /// Approve a candidate
    Approve {
        /// Its number
        ticket: TicketNumber,
    },
    /// Confirm that bills which agree in a new comparison settle it
    Settle {
        /// Its number
        ticket: TicketNumber,
        /// What was agreed
        #[arg(long)]
        note: Option<String>,
    },
    /// Say that bills which agree do not settle it
    Decline {
        /// Its number
        ticket: TicketNumber,
        /// Why
        reason: String,
    },
    /// Withdraw it
    Cancel {
        /// Its number
        ticket: TicketNumber,
        /// Why
        reason: String,
    },
}

/// Lists, shows or changes tickets.
///
/// # Errors
/// When there is no such ticket, the database or the daemon does not answer, or the daemon refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let none = || serde_json::json!({});
    let (number, action, body) = match &arguments.command {
        TicketCommand::List { all, tag, limit } => {
            let filter =
                TicketFilter { open: (!*all).then_some(true), tag: tag.clone(), ..TicketFilter::default() };
            return list(global, &arguments, &filter, *limit).await;
        }
        TicketCommand::Show { ticket } => return show(global, &arguments, *ticket).await,
        TicketCommand::Register(wanted) => return register(global, &arguments, wanted).await,
        TicketCommand::Clocks { ticket } => return clocks(global, &arguments, *ticket).await,
        TicketCommand::Merge { ticket, into } => {
            let into = explain::find(global, *into).await?;
            (*ticket, "merge", serde_json::json!({ "into": into.id }))
        }
        TicketCommand::Link { ticket, parent } => {
            let parent = match parent {
                Some(parent) => Some(explain::find(global, *parent).await?.id),
                None => None,
            };
            (*ticket, "link", serde_json::json!({ "parent": parent }))
        }
        TicketCommand::Split { ticket, description, kind } => {
            let body = serde_json::json!({ "description": description, "kind": kind });
            (*ticket, "split", body)
        }
        TicketCommand::CustomerText { ticket, en, zh } => {
            (*ticket, "customer-text", serde_json::json!({ "en": en, "zh": zh }))
        }
        TicketCommand::Children { ticket } => return children(global, &arguments, *ticket).await,
        TicketCommand::Files { ticket, save } => {
            let remote = remote(global, &arguments)?;
            return files(&remote, *ticket, save.as_deref(), arguments.json).await;
        }
        TicketCommand::Attach { ticket, file, kind } => {
            let remote = remote(global, &arguments)?;
            return attach(&remote, *ticket, file, kind, arguments.json).await;
        }
        TicketCommand::Bulk(wanted) => {
            let remote = remote(global, &arguments)?;
            return bulk(&remote, wanted, arguments.lang.tag(), arguments.json).await;
        }
        TicketCommand::Tree { ticket } => return tree(global, &arguments, *ticket).await,
        TicketCommand::Process(verb) => verb.request(),
        TicketCommand::Route(RouteVerb::List { ticket, state }) => {
            return ticket_route::list(global, &arguments, *ticket, state).await;
        }
        TicketCommand::Route(verb) => return route(global, &arguments, verb).await,
        TicketCommand::Walk(verb) => verb.request(),
        TicketCommand::Acknowledge { ticket } => (*ticket, "acknowledge", none()),
        TicketCommand::Note { ticket, text } => (*ticket, "note", serde_json::json!({ "text": text })),
        TicketCommand::Confirm { ticket, note } => (*ticket, "confirm", serde_json::json!({ "note": note })),
        TicketCommand::Correct { ticket, cause, segment, side, note } => {
            let body = serde_json::json!({ "cause": cause, "segment": segment, "side": side, "note": note });
            (*ticket, "correct", body)
        }
        TicketCommand::Remeasure { ticket } => (*ticket, "remeasure", none()),
        TicketCommand::Approve { ticket } => (*ticket, "approve", none()),
        TicketCommand::Settle { ticket, note } => (*ticket, "settle", serde_json::json!({ "note": note })),
        TicketCommand::Decline { ticket, reason } => {
            (*ticket, "decline", serde_json::json!({ "reason": reason }))
        }
        TicketCommand::Cancel { ticket, reason } => {
            (*ticket, "cancel", serde_json::json!({ "reason": reason }))
        }
    };
    change(global, &arguments, number, action, &body).await
}

/// One step about a line; a dry run is shown.
async fn route(global: &Global, arguments: &Arguments, verb: &RouteVerb) -> anyhow::Result<Exit> {
    let Some((number, action, body)) = verb.request() else { return Ok(Exit::Fine) };
    let done = change(global, arguments, number, &action, &body).await?;
    match verb.shows() {
        Some(ticket) if !arguments.json => ticket_route::list(global, arguments, Some(ticket), "").await,
        _ => Ok(done),
    }
}

async fn list(
    global: &Global,
    arguments: &Arguments,
    filter: &TicketFilter,
    limit: u32,
) -> anyhow::Result<Exit> {
    let store = Store::open_reader(&global.settings()?.database.url, Arc::new(SystemClock)).await?;
    let page = store.tickets(filter, None, limit).await;
    store.close().await;
    let page = page?;
    if arguments.json {
        output::json(&serde_json::json!({ "tickets": page.tickets, "more": page.next.is_some() }))?;
        return Ok(Exit::Fine);
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["NUMBER", "STATE", "SEVERITY", "CLASS", "CAUSE", "SEGMENT", "SINCE (UTC)", "OWNER"]);
    for ticket in &page.tickets {
        table.add_row(row(ticket));
    }
    output::line(if page.tickets.is_empty() { "no tickets".to_owned() } else { table.to_string() })?;
    if page.next.is_some() {
        output::note(format!("there are more; --limit shows more than {limit}"));
    }
    Ok(Exit::Fine)
}

fn row(ticket: &Ticket) -> [String; 8] {
    [
        ticket.number.to_string(),
        ticket.state.name().to_owned(),
        ticket.severity.name().to_owned(),
        ticket.class_name().to_owned(),
        ticket.cause_name().to_owned(),
        ticket.segment.clone().unwrap_or_else(|| "-".to_owned()),
        ticket.detected_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        ticket.owner.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

async fn show(global: &Global, arguments: &Arguments, number: TicketNumber) -> anyhow::Result<Exit> {
    let ticket = explain::find(global, number).await?;
    let store = Store::open_reader(&global.settings()?.database.url, Arc::new(SystemClock)).await?;
    let events = store.ticket_events(&ticket.id, 0, 1_000).await;
    let known = known_cases(&store, &global.settings()?.inventory, &ticket).await;
    store.close().await;
    let (events, known) = (events?, known?);
    if arguments.json {
        let knowledge: Vec<serde_json::Value> = known
            .iter()
            .map(|one| {
                let words = one.article.words(arguments.lang);
                serde_json::json!({
                    "name": one.article.number_text(), "title": words.title, "solution": words.solution,
                    "likeness": f64::from(one.likeness) / 1_000.0,
                })
            })
            .collect();
        let document = serde_json::json!({ "ticket": ticket, "events": events, "knowledge": knowledge });
        output::json(&document)?;
        return Ok(Exit::Fine);
    }
    output::line(format!("{}  {}", ticket.number, ticket.headline().render(arguments.lang)))?;
    let owner = ticket.owner.as_deref().unwrap_or("nobody");
    output::line(format!(
        "{}, severity {}, class {}, cause {}, segment {}, side {}; owner {owner}",
        ticket.state.name(),
        ticket.severity.name(),
        ticket.class_name(),
        ticket.cause_name(),
        ticket.segment.as_deref().unwrap_or("-"),
        ticket.side_name()
    ))?;
    if !ticket.process.tags.is_empty() {
        let named = ticket.process.tags.iter().map(|id| {
            match crate::procedure::tags().and_then(|table| table.get(id)) {
                Some(tag) => tag.text.get(arguments.lang.into()).to_owned(),
                None => id.clone(),
            }
        });
        output::line(format!("tags: {}", named.collect::<Vec<_>>().join(", ")))?;
    }
    if let Some(hint) = crate::http::api::view::unstable(&ticket) {
        output::line(hint.render(arguments.lang))?;
    }
    for one in &known {
        let words = one.article.words(arguments.lang);
        let how = if one.likeness > 0 {
            format!("{} % alike", one.likeness / 10)
        } else {
            "by its words".to_owned()
        };
        output::line(format!("  {} ({how}) {}: {}", one.article.number_text(), words.title, words.solution))?;
    }
    if ticket.state.is_open()
        && let Some(line) = next_question(&ticket, arguments.lang)
    {
        output::line(line)?;
    }
    for event in events {
        let at = event.at.format("%Y-%m-%d %H:%M:%S");
        output::line(format!("  {at}  {:<22} {}", event.event.name(), event.actor.0))?;
    }
    Ok(Exit::Fine)
}

/// Published articles for a ticket, read beside the daemon: by its kind of case alone, for only the daemon opens what
/// the customer said.
async fn known_cases(
    store: &Store,
    inventory: &crate::inventory::Inventory,
    ticket: &Ticket,
) -> Result<Vec<crate::knowledge::Suggestion>, crate::store::StoreError> {
    store.suggestions(&crate::knowledge::Signature::of(ticket, inventory), "", 3).await
}

/// Asks the daemon to register a ticket, and shows what it answers.
async fn register(global: &Global, arguments: &Arguments, wanted: &NewTicket) -> anyhow::Result<Exit> {
    let remote = remote(global, arguments)?;
    let request = remote.client.post(format!("{}/api/v1/tickets", remote.base)).bearer_auth(&remote.token);
    let mut request = request.header("accept-language", arguments.lang.tag()).json(&wanted.body());
    if let Some(key) = &wanted.key {
        request = request.header("idempotency-key", key);
    }
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.json {
        output::json(&answer)?;
        return Ok(Exit::Fine);
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let number = text(&answer["ticket"]["number"]);
    let how = if answer["repeated"] == true { "registered before" } else { "registered" };
    output::line(format!("{number}: {how}"))?;
    for open in answer["open_on_path"].as_array().into_iter().flatten() {
        let end = open["expected_end"].as_str().map(|end| format!("; expected end {end}"));
        let line = format!("  open on this path: {} {}", text(&open["number"]), text(&open["headline"]));
        output::line(line + &end.unwrap_or_default())?;
    }
    for work in answer["announced"].as_array().into_iter().flatten() {
        let (told, end) = (text(&work["text"]), text(&work["expected_end"]));
        output::line(format!("  announced work ({}): {told}; expected end {end}", text(&work["phase"])))?;
    }
    for case in answer["similar"].as_array().into_iter().flatten() {
        let done = case["solution"].as_str().map(|done| format!(": {done}")).unwrap_or_default();
        output::line(format!(
            "  solved before: {} {}{done}",
            text(&case["number"]),
            text(&case["root_cause"])
        ))?;
    }
    for other in answer["same_matter"].as_array().into_iter().flatten() {
        let same: Vec<String> = other["same"].as_array().into_iter().flatten().map(text).collect();
        let (known, headline) = (text(&other["number"]), text(&other["headline"]));
        output::line(format!("  the same matter? {known} (same {}): {headline}", same.join(", ")))?;
        output::line(format!("    then: linesman ticket merge {number} --into {known}"))?;
    }
    let measuring = answer["measuring"].as_u64().unwrap_or(0);
    if measuring > 0 {
        output::line(format!("  measuring {measuring} targets on this path now"))?;
    }
    show_clocks(&answer["clocks"])?;
    Ok(Exit::Fine)
}

/// Shows the customers below a ticket, and who of them has been told.
async fn children(global: &Global, arguments: &Arguments, number: TicketNumber) -> anyhow::Result<Exit> {
    let remote = remote(global, arguments)?;
    let address = format!("{}/api/v1/tickets/{number}/children", remote.base);
    let request = remote.client.get(address).bearer_auth(&remote.token);
    let request = request.header("accept-language", arguments.lang.tag());
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.json {
        output::json(&answer)?;
        return Ok(Exit::Fine);
    }
    if let Some(text) = answer["customer_text"].as_str() {
        output::line(text)?;
    }
    for customer in answer["customers"].as_array().into_iter().flatten() {
        let tickets: Vec<String> = customer["tickets"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                let part = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", part("number"), part("state"))
            })
            .collect();
        let told = if customer["told"] == true { "told" } else { "to be told" };
        let name = customer["customer"].as_str().unwrap_or("-");
        output::line(format!("  {name}  {told}  {}", tickets.join(", ")))?;
    }
    Ok(Exit::Fine)
}

/// Shows deadlines and promises as the daemon computes them.
async fn clocks(global: &Global, arguments: &Arguments, number: TicketNumber) -> anyhow::Result<Exit> {
    let remote = remote(global, arguments)?;
    let address = format!("{}/api/v1/tickets/{number}/clocks", remote.base);
    let request = remote.client.get(address).bearer_auth(&remote.token);
    let request = request.header("accept-language", arguments.lang.tag());
    let answer = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.json {
        output::json(&answer)?;
        return Ok(Exit::Fine);
    }
    show_clocks(&answer["clocks"])?;
    for promise in answer["promises"].as_array().into_iter().flatten() {
        let told = &promise["promise"];
        let outcome = promise["outcome"].as_str().unwrap_or_default();
        output::line(format!("  promise {} for {}: {outcome}", told["id"], told["due_at"]))?;
    }
    Ok(Exit::Fine)
}

fn show_clocks(clocks: &serde_json::Value) -> anyhow::Result<()> {
    for clock in clocks.as_array().into_iter().flatten() {
        let text = |name: &str| clock[name].as_str().unwrap_or_default().to_owned();
        let line =
            format!("  {}  {:<9} {:<5} {}", text("due_at"), text("state"), text("rule"), text("title"));
        output::line(line)?;
    }
    Ok(())
}

pub(super) fn remote(global: &Global, arguments: &Arguments) -> anyhow::Result<Remote> {
    let (server, token_file) = (arguments.server.as_deref(), arguments.token_file.as_deref());
    Remote::new(global, server, token_file, Duration::from_secs(30))
}

/// Asks the daemon to let something happen to the ticket as it is now.
async fn change(
    global: &Global,
    arguments: &Arguments,
    number: TicketNumber,
    action: &str,
    body: &serde_json::Value,
) -> anyhow::Result<Exit> {
    let remote = remote(global, arguments)?;
    let Remote { client, base, token } = &remote;
    let address = format!("{base}/api/v1/tickets/{number}");
    let unreachable = |error| remote.unreachable(error);
    let seen = client.get(&address).bearer_auth(token).send().await.map_err(unreachable)?;
    let version = seen.headers().get("etag").cloned();
    let seen = answered(seen).await?;
    let Some(version) = version else {
        return Err(Failure::new(
            Exit::Problem,
            format!("{address} says no version: is it Linesman? {seen}"),
        )
        .into());
    };
    let request = client.post(format!("{address}/{action}")).bearer_auth(token).header("if-match", version);
    let request = request.header("accept-language", arguments.lang.tag()).json(body);
    let changed = answered(request.send().await.map_err(unreachable)?).await?;
    if arguments.json {
        output::json(&changed)?;
    } else {
        let state = changed.get("state").and_then(serde_json::Value::as_str).unwrap_or("changed");
        output::line(format!("{number}: {action} done; {state}"))?;
    }
    Ok(Exit::Fine)
}
