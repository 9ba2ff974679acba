//! `linesman customer`: who the customers are, through the daemon, which alone has the keys and notes
//! every look in clear.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::exit::{Exit, Failure};
use super::remote::{Remote, answered};
use super::{Global, explain, output};
use crate::locale::Language;

/// Arguments of `customer`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: CustomerCommand,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
    /// Language of refusals: en or zh-CN
    #[arg(long, global = true, default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// The daemon; unless stated the address of the settings
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// File that holds a token; unless stated the variable LINESMAN_TOKEN
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What can be done with customers.
#[derive(Debug, Subcommand)]
enum CustomerCommand {
    /// Registered customers, the newest first, masked
    List {
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Look one up, masked; everything stated must fit; exit code 1 when nobody does
    #[command(group = clap::ArgGroup::new("who").required(true).multiple(true))]
    Find {
        /// Telephone number, however it is written
        #[arg(long, group = "who")]
        phone: Option<String>,
        /// E-mail address
        #[arg(long, group = "who")]
        email: Option<String>,
        /// Words of his name or of a contact's
        #[arg(long, group = "who")]
        name: Option<String>,
        /// Name of a [[customer]] in linesman.toml
        #[arg(long, group = "who")]
        inventory: Option<String>,
    },
    /// One customer, in clear as far as the token's role may see him
    Show {
        /// His id
        customer: String,
    },
    /// Register one
    Add(Box<New>),
    /// Note that a contact's data was confirmed with him
    Verify {
        /// Id of the customer
        customer: String,
        /// Id of the contact
        contact: String,
    },
    /// Everything that is kept about a person, as one JSON document
    Export {
        /// His id
        customer: String,
        /// Why, for the trail; without his name, number or address
        #[arg(long)]
        reason: String,
        /// File to write, for its owner alone; standard output unless stated
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Delete everything about a person but that there was one
    Erase {
        /// His id
        customer: String,
        /// Why, for the trail; without his name, number or address
        #[arg(long)]
        reason: String,
        /// In spite of an open ticket or evidence of a bill; for an administrator
        #[arg(long)]
        force: bool,
    },
}

/// A customer to be registered.
#[derive(Debug, clap::Args)]
struct New {
    /// Read the customer as JSON, as the API takes him; - is standard input, which no other process sees
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "kind", "inventory", "segment", "key_account", "started_on", "note",
        "contact", "phone", "email", "address"])]
    from: Option<PathBuf>,
    /// Of the person or company
    #[arg(long, required_unless_present = "from")]
    name: Option<String>,
    /// existing, prospect, third_party, doubtful, help_seeker or unknown
    #[arg(long)]
    kind: Option<String>,
    /// Name of the [[customer]] in linesman.toml that he is
    #[arg(long)]
    inventory: Option<String>,
    /// Segment of the market
    #[arg(long)]
    segment: Option<String>,
    /// Faults of his go first
    #[arg(long)]
    key_account: bool,
    /// Since when he is a customer, as 2026-11-22: a new one is followed up a month later
    #[arg(long, value_name = "DATE")]
    started_on: Option<chrono::NaiveDate>,
    /// Anything else
    #[arg(long)]
    note: Option<String>,
    /// Name of the person who is called
    #[arg(long)]
    contact: Option<String>,
    /// Telephone number, however it is written
    #[arg(long)]
    phone: Option<String>,
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// Postal address
    #[arg(long)]
    address: Option<String>,
}

/// Lists, looks up, registers, takes out and erases customers.
///
/// # Errors
/// When the daemon does not answer or refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let asked = Asked::new(global, &arguments)?;
    match &arguments.command {
        CustomerCommand::List { limit } => {
            let answer = asked.get(&format!("/api/v1/customers?limit={limit}")).await?;
            listed(&answer, arguments.json)?;
            Ok(Exit::Fine)
        }
        CustomerCommand::Find { phone, email, name, inventory } => {
            let wanted =
                stated([("phone", phone), ("email", email), ("name", name), ("inventory", inventory)]);
            let answer = asked.post("/api/v1/customers/lookup", &Value::Object(wanted)).await?;
            Ok(if listed(&answer, arguments.json)? == 0 { Exit::Problem } else { Exit::Fine })
        }
        CustomerCommand::Show { customer } => {
            shown(&asked.get(&of(customer, "")).await?, arguments.json)?;
            Ok(Exit::Fine)
        }
        CustomerCommand::Add(new) => {
            shown(&asked.post("/api/v1/customers", &body(new)?).await?, arguments.json)?;
            Ok(Exit::Fine)
        }
        CustomerCommand::Verify { customer, contact } => {
            let address = of(customer, &format!("/contacts/{}/verify", escaped(contact)));
            shown(&asked.post(&address, &json!({})).await?, arguments.json)?;
            Ok(Exit::Fine)
        }
        CustomerCommand::Export { customer, reason, output: file } => {
            let answer = asked.post(&of(customer, "/export"), &json!({ "reason": reason })).await?;
            match file {
                Some(file) => write_private(file, &answer)?,
                None => output::json(&answer)?,
            }
            Ok(Exit::Fine)
        }
        CustomerCommand::Erase { customer, reason, force } => {
            let wanted = json!({ "reason": reason, "force": force });
            let answer = asked.post(&of(customer, "/erase"), &wanted).await?;
            if arguments.json {
                output::json(&answer)?;
            } else {
                let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
                let (contacts, texts, calls) = (count("contacts"), count("texts"), count("calls"));
                let files = count("files");
                output::line(format!(
                    "erased: {contacts} contacts, {texts} texts, {calls} calls, {files} recordings and signatures"
                ))?;
                for name in answer.get("remaining").and_then(Value::as_array).into_iter().flatten() {
                    output::note(format!(
                        "linesman.toml still names contacts of [[customer]] {name}; take them out there"
                    ));
                }
            }
            Ok(Exit::Fine)
        }
    }
}

/// The daemon, with how it is asked.
struct Asked {
    remote: Remote,
    language: Language,
}

impl Asked {
    fn new(global: &Global, arguments: &Arguments) -> anyhow::Result<Self> {
        let (server, token) = (arguments.server.as_deref(), arguments.token_file.as_deref());
        let remote = Remote::new(global, server, token, Duration::from_secs(30))?;
        Ok(Self { remote, language: arguments.lang })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.remote.client.get(format!("{}{path}", self.remote.base))).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.remote.client.post(format!("{}{path}", self.remote.base)).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        // What is confirmed here is confirmed whatever else changed meanwhile.
        let request = request.bearer_auth(&self.remote.token).header("if-match", "*");
        let request = request.header("accept-language", self.language.tag());
        answered(request.send().await.map_err(|error| self.remote.unreachable(error))?).await
    }
}

fn of(customer: &str, rest: &str) -> String {
    format!("/api/v1/customers/{}{rest}", escaped(customer))
}

/// As one part of a path.
fn escaped(text: &str) -> String {
    crate::http::auth::percent_encode(text).replace('/', "%2F")
}

/// Members of a document for what is stated.
fn stated<const N: usize>(values: [(&str, &Option<String>); N]) -> Map<String, Value> {
    let values =
        values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
    values.collect()
}

fn body(new: &New) -> anyhow::Result<Value> {
    if let Some(file) = &new.from {
        let text = if file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().lock().take(1024 * 1024).read_to_string(&mut text)?;
            text
        } else {
            std::fs::read_to_string(file)
                .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))?
        };
        let read = serde_json::from_str(&text);
        return read
            .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())).into());
    }
    let contact = stated([
        ("name", &new.contact),
        ("phone", &new.phone),
        ("email", &new.email),
        ("address", &new.address),
    ]);
    let mut body = stated([
        ("name", &new.name),
        ("kind", &new.kind),
        ("inventory_name", &new.inventory),
        ("segment", &new.segment),
        ("note", &new.note),
    ]);
    body.insert("key_account".to_owned(), new.key_account.into());
    if let Some(date) = new.started_on {
        body.insert("started_on".to_owned(), date.to_string().into());
    }
    if !contact.is_empty() {
        body.insert("contacts".to_owned(), json!([contact]));
    }
    Ok(Value::Object(body))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("-")
}

/// A table of customers; says how many.
fn listed(answer: &Value, as_json: bool) -> anyhow::Result<usize> {
    let customers = answer.get("customers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if as_json {
        output::json(answer)?;
        return Ok(customers.len());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ID", "NAME", "INVENTORY", "KIND", "CONTACT", "PHONE", "E-MAIL"]);
    for customer in customers {
        let contact = customer.pointer("/contacts/0").unwrap_or(&Value::Null);
        let id = customer.get("id").and_then(Value::as_str).unwrap_or("not registered");
        table.add_row([
            id,
            text(customer, "name"),
            text(customer, "inventory_name"),
            text(customer, "kind"),
            text(contact, "name"),
            text(contact, "phone"),
            text(contact, "email"),
        ]);
    }
    output::line(if customers.is_empty() { "no customers".to_owned() } else { table.to_string() })?;
    if answer.get("next").is_some_and(Value::is_string) {
        output::note("there are more; --limit shows more");
    }
    Ok(customers.len())
}

fn shown(customer: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(customer);
    }
    let masked = if customer.get("masked") == Some(&Value::Bool(true)) { " (masked)" } else { "" };
    output::line(format!("{}  {}{masked}", text(customer, "id"), text(customer, "name")))?;
    let inventory = text(customer, "inventory_name");
    output::line(format!(
        "{}, inventory {inventory}, segment {}",
        text(customer, "kind"),
        text(customer, "segment")
    ))?;
    for contact in customer.get("contacts").and_then(Value::as_array).into_iter().flatten() {
        let verified = contact.get("verified_at").and_then(Value::as_str);
        let verified = verified.map_or_else(|| "not confirmed".to_owned(), |at| format!("confirmed {at}"));
        let (name, phone, email) = (text(contact, "name"), text(contact, "phone"), text(contact, "email"));
        output::line(format!("  contact {}  {name}  {phone}  {email}  {verified}", text(contact, "id")))?;
    }
    for asset in customer.get("assets").and_then(Value::as_array).into_iter().flatten() {
        let (kind, model, element) = (text(asset, "kind"), text(asset, "model"), text(asset, "element"));
        let warranty = text(asset, "warranty_until");
        output::line(format!(
            "  {kind} {}  {model}  {element}  warranty until {warranty}",
            text(asset, "id")
        ))?;
    }
    for ticket in customer.get("tickets").and_then(Value::as_array).into_iter().flatten() {
        output::line(format!("  ticket {}  {}", text(ticket, "id"), text(ticket, "state")))?;
    }
    Ok(())
}

/// Writes a new file that only its owner may read.
fn write_private(file: &Path, document: &Value) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let fail = |error| Failure::new(Exit::Problem, format!("{}: {error}", file.display()));
    let mut opened = options.open(file).map_err(fail)?;
    let text = format!("{}\n", serde_json::to_string_pretty(document)?);
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(fail)?;
    output::line(format!("wrote {}", file.display()))
}
