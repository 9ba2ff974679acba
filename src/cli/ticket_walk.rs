//! `linesman ticket tree`, `answer`, `begin-tree`, `tree-back`: the walk of a ticket through the decision trees.

use std::collections::BTreeMap;

use clap::Subcommand;
use linesman_process::tree::Standing;

use super::exit::Exit;
use super::remote::answered;
use super::ticket::{Arguments, remote};
use super::{Global, output};
use crate::clock::{Clock as _, SystemClock};
use crate::locale::Language;
use crate::ticket::walk::measured::of_fault;
use crate::ticket::walk::{self, Evidence};
use crate::ticket::{Ticket, TicketNumber};

/// What can be done with the walk.
#[derive(Debug, Subcommand)]
pub(super) enum WalkVerb {
    /// Answer the question that its decision tree asks now
    Answer {
        /// Its number
        ticket: TicketNumber,
        /// The question, as B6b
        node: String,
        /// The answer; of an action `done`
        #[arg(default_value = "done")]
        answer: String,
        /// What the question asks beside it, as fault="disk full"; may be given again
        #[arg(long = "detail", value_name = "NAME=TEXT", value_parser = detail)]
        details: Vec<(String, String)>,
        /// What was seen, by reference
        #[arg(long)]
        evidence: Option<String>,
    },
    /// Begin a decision tree
    BeginTree {
        /// Its number
        ticket: TicketNumber,
        /// Which; the ticket's own unless stated
        #[arg(long)]
        tree: Option<String>,
        /// Why, when the walk before has not come to its end
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Go back to a question of the decision tree that was answered wrongly
    TreeBack {
        /// Its number
        ticket: TicketNumber,
        /// The question
        node: String,
        /// Why it was wrong
        reason: String,
        /// Its tree; where it was answered last unless stated
        #[arg(long)]
        tree: Option<String>,
    },
}

impl WalkVerb {
    /// Its ticket, the action and the body of the request.
    pub(super) fn request(&self) -> (TicketNumber, &'static str, serde_json::Value) {
        match self {
            Self::Answer { ticket, node, answer, details, evidence } => {
                let details: BTreeMap<&String, &String> =
                    details.iter().map(|(name, told)| (name, told)).collect();
                let body = serde_json::json!({ "node": node, "answer": answer, "details": details, "evidence": evidence });
                (*ticket, "tree", body)
            }
            Self::BeginTree { ticket, tree, reason } => {
                (*ticket, "tree/begin", serde_json::json!({ "tree": tree, "reason": reason }))
            }
            Self::TreeBack { ticket, node, reason, tree } => {
                (*ticket, "tree/back", serde_json::json!({ "node": node, "tree": tree, "reason": reason }))
            }
        }
    }
}

/// `fault=disk full`.
fn detail(text: &str) -> Result<(String, String), String> {
    let (name, told) = text.split_once('=').ok_or("it is written NAME=TEXT, as fault=\"disk full\"")?;
    Ok((name.to_owned(), told.to_owned()))
}

/// Shows the walk as the daemon has it.
pub(super) async fn tree(
    global: &Global,
    arguments: &Arguments,
    number: TicketNumber,
) -> anyhow::Result<Exit> {
    let remote = remote(global, arguments)?;
    let address = format!("{}/api/v1/tickets/{number}/tree", remote.base);
    let request = remote.client.get(address).bearer_auth(&remote.token);
    let request = request.header("accept-language", arguments.lang.tag());
    let walk = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.json {
        output::json(&walk)?;
        return Ok(Exit::Fine);
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for step in walk["path"].as_array().into_iter().flatten() {
        let by = step["by"].as_str().or(step["evidence"].as_str()).unwrap_or_default();
        let (tree, node) = (text(&step["tree"]), text(&step["node"]));
        output::line(format!("  {}  {tree}/{node} {} ({by})", text(&step["at"]), text(&step["text"])))?;
    }
    match &walk["next"] {
        serde_json::Value::Null if walk.is_null() => output::line("this kind of ticket walks no tree")?,
        serde_json::Value::Null => output::line(format!("ended: {}", text(&walk["outcome_text"])))?,
        next => show_question(next)?,
    }
    Ok(Exit::Fine)
}

fn show_question(next: &serde_json::Value) -> anyhow::Result<()> {
    let text = |name: &str| next[name].as_str().unwrap_or_default().to_owned();
    output::line(format!(
        "next question: {}/{} [{}] {} ({})",
        text("tree"),
        text("node"),
        text("role_text"),
        text("text"),
        text("rule")
    ))?;
    let list = |name: &str| next[name].as_array().cloned().unwrap_or_default();
    for answer in list("answers") {
        let (id, words) =
            (answer["id"].as_str().unwrap_or_default(), answer["text"].as_str().unwrap_or_default());
        output::line(format!("    {id}  {words}").trim_end())?;
    }
    for asked in list("asks") {
        let (id, words) =
            (asked["id"].as_str().unwrap_or_default(), asked["text"].as_str().unwrap_or_default());
        output::line(format!("    --detail {id}=…  {words}"))?;
    }
    Ok(())
}

/// The next question as the database has it: what measurements say now is the daemon's to know.
pub(super) fn next_question(ticket: &Ticket, language: Language) -> Option<String> {
    let trees = crate::procedure::trees()?;
    let evidence: Vec<Evidence> = ticket.fault.iter().map(of_fault).collect();
    let preview = walk::preview(ticket, trees, &evidence, SystemClock.now_utc()).ok().flatten()?;
    let spoken = language.into();
    Some(match preview.run.standing(trees).ok()? {
        Standing::Asks(tree, node) => {
            let role = node.role.map(|role| role.word(spoken)).unwrap_or_default();
            let text = node.text.get(spoken);
            format!("next question: {}/{} [{role}] {text} ({})", tree.name, node.id, node.rule)
        }
        Standing::Ended(tree, node, _) => {
            format!("walk ended: {}/{} {}", tree.name, node.id, node.text.get(spoken))
        }
    })
}
