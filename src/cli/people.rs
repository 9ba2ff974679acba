//! `linesman people`: departments, persons, duty and absence, and the order of work, through the daemon.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::remote::{Remote, answered};
use super::{Global, explain, output};
use crate::http::auth::percent_encode;
use crate::locale::Language;

/// Arguments of `people`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: PeopleCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
    /// Language: en or zh-CN
    #[arg(long, global = true, default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// The daemon; unless stated the address of the settings
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// File that holds a token; unless stated the variable LINESMAN_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What can be done with people.
#[derive(Debug, Subcommand)]
enum PeopleCommand {
    /// Who does what, who is on duty or absent, what everybody has open
    Show,
    /// The roster as it was written, TOML
    Export,
    /// Write the roster whole, from a file, TOML; every mistake with its place
    Import {
        /// The file
        file: PathBuf,
        /// Why it changes
        #[arg(long)]
        note: String,
    },
    /// Check a file without writing it; needs no daemon
    Check {
        /// The file
        file: PathBuf,
    },
    /// Add a stretch of duty
    Duty {
        /// Who, by the name in the roster
        person: String,
        /// Where
        #[arg(long)]
        department: String,
        /// From, as 2026-11-22T09:00:00+08:00
        #[arg(long, value_name = "TIME")]
        from: DateTime<Utc>,
        /// To
        #[arg(long, value_name = "TIME")]
        to: DateTime<Utc>,
        /// Who steps in
        #[arg(long)]
        backup: Option<String>,
    },
    /// Record an absence: open tickets go to whoever has the work meanwhile
    Absent {
        /// Who, by the name in the roster
        person: String,
        /// From
        #[arg(long, value_name = "TIME")]
        from: DateTime<Utc>,
        /// To
        #[arg(long, value_name = "TIME")]
        to: DateTime<Utc>,
        /// Who has the work meanwhile; the backup of the duty or who is above unless stated
        #[arg(long)]
        hand_over_to: Option<String>,
    },
    /// Whether somebody is on duty; if not, who replies within 24 hours
    OnDuty {
        /// The department
        department: String,
        /// The person meant
        #[arg(long)]
        person: Option<String>,
    },
    /// Open work in its order: complaints before every other work
    Queue {
        /// Of this owner, by the name of the token
        #[arg(long)]
        owner: Option<String>,
        /// Only what nobody has
        #[arg(long)]
        unassigned: bool,
    },
}

/// Shows and changes people.
///
/// # Errors
/// When a file cannot be read, or the daemon does not answer or refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    if let PeopleCommand::Check { file } = &arguments.command {
        return check(file, arguments.json);
    }
    let (server, token_file) = (arguments.server.as_deref(), arguments.token_file.as_deref());
    let remote = Remote::new(global, server, token_file, Duration::from_secs(30))?;
    let base = format!("{}/api/v1", remote.base);
    let client = &remote.client;
    let language = arguments.lang;
    let document = match arguments.command {
        PeopleCommand::Show | PeopleCommand::Export => {
            ask(&remote, language, client.get(format!("{base}/people")))
        }
        PeopleCommand::Import { ref file, ref note } => {
            let toml = text_of(file)?;
            let seen = ask(&remote, language, client.get(format!("{base}/people"))).await?;
            let body = json!({ "version": seen["version"], "toml": toml, "note": note });
            ask(&remote, language, client.put(format!("{base}/people")).json(&body))
        }
        PeopleCommand::Duty { ref person, ref department, from, to, ref backup } => {
            let body = json!({ "person": person, "department": department, "from": from, "to": to, "backup": backup });
            ask(&remote, language, client.post(format!("{base}/people/duties")).json(&body))
        }
        PeopleCommand::Absent { ref person, from, to, ref hand_over_to } => {
            let body = json!({ "person": person, "from": from, "to": to, "hand_over_to": hand_over_to });
            ask(&remote, language, client.post(format!("{base}/people/absences")).json(&body))
        }
        PeopleCommand::OnDuty { ref department, ref person } => {
            let person = person.iter().map(|person| format!("&person={}", percent_encode(person)));
            let query = format!("department={}{}", percent_encode(department), person.collect::<String>());
            ask(&remote, language, client.get(format!("{base}/people/on-duty?{query}")))
        }
        PeopleCommand::Queue { ref owner, unassigned } => {
            let owner = owner.iter().map(|owner| format!("&owner={}", percent_encode(owner)));
            let query = format!("unassigned={unassigned}{}", owner.collect::<String>());
            ask(&remote, language, client.get(format!("{base}/queue?{query}")))
        }
        PeopleCommand::Check { .. } => return Ok(Exit::Defect),
    };
    let document = document.await?;
    if matches!(arguments.command, PeopleCommand::Export) && !arguments.json {
        output::line(document["toml"].as_str().unwrap_or_default())?;
        return Ok(Exit::Fine);
    }
    if arguments.json {
        output::json(&document)?;
        return Ok(Exit::Fine);
    }
    match arguments.command {
        PeopleCommand::Queue { .. } => show_queue(&document)?,
        PeopleCommand::OnDuty { .. } => {
            let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
            output::line(match document["on_duty"].as_bool() {
                Some(true) => format!("{} is on duty", text("person")),
                _ => format!("nobody is on duty; {} replies by {} (R22)", text("person"), text("reply_by")),
            })?;
        }
        _ => show(&document)?,
    }
    Ok(Exit::Fine)
}

async fn ask(remote: &Remote, language: Language, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let request = request.bearer_auth(&remote.token).header("accept-language", language.tag());
    answered(request.send().await.map_err(|error| remote.unreachable(error))?).await
}

fn text_of(file: &PathBuf) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))
}

fn check(file: &PathBuf, as_json: bool) -> anyhow::Result<Exit> {
    let text = text_of(file)?;
    let mistakes =
        linesman_process::people::read(&file.display().to_string(), &text).err().unwrap_or_default();
    if as_json {
        output::json(&json!({ "valid": mistakes.is_empty(), "mistakes": mistakes }))?;
    } else if mistakes.is_empty() {
        output::line(format!("{} is a roster", file.display()))?;
    } else {
        for mistake in &mistakes {
            output::line(mistake.to_string())?;
        }
    }
    Ok(if mistakes.is_empty() { Exit::Fine } else { Exit::BadConfiguration })
}

fn show(document: &Value) -> anyhow::Result<()> {
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    output::line(format!("roster, version {}", document["version"]))?;
    for department in list("departments") {
        let names = department["on_duty"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        let there = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        let text = |name: &str| department[name].as_str().unwrap_or_default().to_owned();
        output::line(format!("{:<16} {}; on duty: {there}", text("id"), text("name")))?;
    }
    for person in list("persons") {
        let text = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
        let roles: Vec<&str> =
            person["roles_text"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let absent = person["absent_until"].as_str().map(|until| format!("; absent until {until}"));
        output::line(format!(
            "  {:<14} {} ({}), {}: {}; open: {} complaints, {} others{}",
            text("id"),
            text("name"),
            text("login"),
            text("department"),
            roles.join(", "),
            person["complaints"],
            person["others"],
            absent.unwrap_or_default()
        ))?;
    }
    Ok(())
}

fn show_queue(document: &Value) -> anyhow::Result<()> {
    let tickets = document["tickets"].as_array().cloned().unwrap_or_default();
    if tickets.is_empty() {
        output::line("nothing waits")?;
    }
    for (place, ticket) in tickets.iter().enumerate() {
        let text = |name: &str| ticket[name].as_str().unwrap_or("-").to_owned();
        output::line(format!(
            "{:>3}  {}  {:<12} {:<8} {:<8} due {:<25} {}",
            place + 1,
            text("number"),
            text("kind"),
            text("level"),
            text("urgency"),
            text("due_at"),
            text("owner")
        ))?;
    }
    Ok(())
}
