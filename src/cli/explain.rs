//! `linesman explain`: why this class, why this segment, why not its neighbours.

use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::{Global, output};
use crate::clock::SystemClock;
use crate::diagnosis::{Billing, ElementState, Hop};
use crate::locale::{Language, Message, words};
use crate::store::Store;
use crate::ticket::{Ticket, TicketNumber};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Number of the ticket, as LM-2026-000123
    ticket: TicketNumber,
    /// Language: en or zh-CN
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Reads a language from the command line.
pub(super) fn language(tag: &str) -> Result<Language, String> {
    Language::of_tag(tag).ok_or_else(|| format!("`{tag}` is not spoken here; en and zh-CN are"))
}

/// Prints the reasons of a ticket's diagnosis, read beside a daemon that may be running.
///
/// # Errors
/// When there is no such ticket or the database cannot be read.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let ticket = find(global, arguments.ticket).await?;
    if arguments.json {
        output::json(&as_json(&ticket, arguments.lang))?;
    } else {
        output::raw(as_text(&ticket, arguments.lang).as_bytes())?;
    }
    Ok(Exit::Fine)
}

/// The ticket of a number, from the database of the settings.
pub(super) async fn find(global: &Global, number: TicketNumber) -> anyhow::Result<Ticket> {
    let url = global.settings()?.database.url;
    let store = Store::open_reader(&url, Arc::new(SystemClock)).await?;
    let found = store.ticket_by_number(number).await;
    store.close().await;
    let missing = || {
        Failure::new(Exit::Problem, format!("there is no ticket {number}; `linesman ticket list` shows them"))
    };
    Ok(found?.ok_or_else(missing)?)
}

fn as_json(ticket: &Ticket, language: Language) -> serde_json::Value {
    let Some(fault) = &ticket.fault else { return undiagnosed(ticket, language) };
    let say =
        |messages: &[Message]| messages.iter().map(|message| message.render(language)).collect::<Vec<_>>();
    serde_json::json!({
        "number": ticket.number,
        "state": ticket.state,
        "class": ticket.class,
        "cause": ticket.cause,
        "segment": ticket.segment,
        "side": ticket.side,
        "confidence": fault.confidence,
        "affected_customers": fault.affected_customers.len(),
        "path": fault.path(),
        "headline": fault.headline.render(language),
        "reasons": say(&fault.reasons),
        "why_not": say(&fault.why_not),
        "steps": fault.steps.iter().map(|step| serde_json::json!({
            "node": step.node, "answer": step.answer, "reason": step.reason.render(language),
        })).collect::<Vec<_>>(),
        "hops": fault.hops.iter().map(|hop| serde_json::json!({
            "element": hop.element, "kind": hop.kind, "state": hop.state, "at_fault": hop.at_fault,
            "evidence": hop.evidence.render(language),
        })).collect::<Vec<_>>(),
        "billing": fault.billing,
    })
}

/// Of a ticket without diagnosis: what is known, and that there is no reasoning.
fn undiagnosed(ticket: &Ticket, language: Language) -> serde_json::Value {
    serde_json::json!({
        "number": ticket.number,
        "state": ticket.state,
        "class": ticket.class,
        "cause": ticket.cause,
        "segment": ticket.segment,
        "side": ticket.side,
        "headline": ticket.headline().render(language),
        "reasons": [words(language, "explain.reported")],
    })
}

fn as_text(ticket: &Ticket, language: Language) -> String {
    let Some(fault) = &ticket.fault else {
        let nothing = words(language, "explain.reported");
        return format!("{}  {}\n{nothing}\n", ticket.number, ticket.headline().render(language));
    };
    let mut text = format!("{}  {}\n", ticket.number, fault.headline.render(language));
    let verdict = Message::new("explain.verdict")
        .with("class", ticket.class_name())
        .with("cause", ticket.cause_name())
        .with("segment", ticket.segment_name())
        .with("side", format!("side.{}", ticket.side_name()))
        .with("confidence", crate::diagnosis::reason::percent(fault.confidence))
        .with("customers", fault.affected_customers.len());
    text.push_str(&format!("{}\n", verdict.render(language)));
    let (why, why_not) = match fault.billing {
        Some(_) => ("page.why_bill", "page.why_not_bill"),
        None => ("explain.why", "explain.why_not"),
    };
    section(&mut text, language, why, fault.reasons.iter().map(|reason| reason.render(language)));
    section(&mut text, language, why_not, fault.why_not.iter().map(|reason| reason.render(language)));
    if let Some(billing) = &fault.billing {
        bill(&mut text, language, billing);
    }
    section(&mut text, language, "explain.hops", fault.hops.iter().map(|hop| hop_line(hop, language)));
    let steps = fault.steps.iter().map(|step| format!("{:<4} {}", step.node, step.reason.render(language)));
    section(&mut text, language, "explain.steps", steps);
    text
}

/// What a reconciliation found besides its causes.
fn bill(text: &mut String, language: Language, billing: &Billing) {
    let totals = &billing.totals;
    let sums = [
        ("page.total_ours", &totals.ours),
        ("page.total_theirs", &totals.theirs),
        ("page.total_difference", &totals.difference),
        ("page.total_correct", &totals.correct),
    ];
    let sums = sums
        .into_iter()
        .map(|(key, amount)| format!("{}: {amount} {}", words(language, key), billing.currency));
    section(text, language, "page.bill", sums);
    let dimensions = billing.dimensions.iter().map(|compared| compared.sentence.render(language));
    section(text, language, "page.dimensions", dimensions);
    section(text, language, "page.example", billing.example.iter().map(|step| step.render(language)));
    section(text, language, "page.accounting", billing.accounting.iter().map(|rule| rule.render(language)));
    section(text, language, "page.advice", std::iter::once(billing.advice.render(language)));
    let files =
        billing.files.iter().map(|file| format!("/api/v1/reconciliations/{}/files/{file}", billing.run));
    section(text, language, "page.files", files);
}

fn section(text: &mut String, language: Language, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    text.push_str(&format!("\n{}\n", words(language, title)));
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
}

fn hop_line(hop: &Hop, language: Language) -> String {
    // A mark besides the words, for eyes that skim.
    let mark = match (hop.at_fault, hop.state) {
        (true, _) => ">>",
        (false, ElementState::Ok) => "ok",
        (false, ElementState::Hidden) => "..",
        (false, ElementState::Unknown) => "??",
        (false, ElementState::Down | ElementState::Degraded) => "!!",
    };
    format!("{mark} {:<16} {}", hop.element, hop.evidence.render(language))
}
