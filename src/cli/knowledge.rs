//! `linesman knowledge`: what was learnt of earlier cases, and set phrases, through the daemon.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::remote::{Remote, answered};
use super::{Global, explain, output};
use crate::locale::Language;
use crate::ticket::TicketNumber;

/// Arguments of `knowledge`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: KnowledgeCommand,
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

/// What can be done with articles.
#[derive(Debug, Subcommand)]
enum KnowledgeCommand {
    /// Articles, the newest first
    List {
        /// draft, in_review, published or retired
        #[arg(long)]
        review: Option<String>,
        /// A to E
        #[arg(long)]
        class: Option<String>,
    },
    /// One article
    Show {
        /// Its number, as KB-12
        article: String,
    },
    /// Published articles that words find, in either language
    Search {
        /// Words
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Articles for a ticket: by class, segment kind and features, then by its words
    Suggest {
        /// Its number
        ticket: TicketNumber,
    },
    /// Draft an article: of a solved ticket, or from what is written
    Draft {
        /// Number of the ticket
        #[arg(long)]
        ticket: Option<TicketNumber>,
        #[command(flatten)]
        words: Words,
    },
    /// Change what an article says
    Edit {
        /// Its number
        article: String,
        #[command(flatten)]
        words: Words,
    },
    /// Give a draft to be read
    Submit {
        /// Its number
        article: String,
    },
    /// Publish it: from now on it is suggested
    Publish {
        /// Its number
        article: String,
    },
    /// Suggest it no more
    Retire {
        /// Its number
        article: String,
    },
    /// Say whether it helped with a ticket
    Used {
        /// Its number
        article: String,
        /// Number of the ticket
        #[arg(long)]
        ticket: TicketNumber,
        /// It did not help
        #[arg(long)]
        failed: bool,
    },
    /// Set phrases for each situation
    Scripts,
}

/// What an article says, in the language of --lang.
#[derive(Debug, clap::Args)]
struct Words {
    /// In one line
    #[arg(long)]
    title: Option<String>,
    /// How it shows
    #[arg(long)]
    symptom: Option<String>,
    /// What it was
    #[arg(long)]
    cause: Option<String>,
    /// What helps; of a script what is said
    #[arg(long)]
    solution: Option<String>,
    /// Class of the cases: A to E
    #[arg(long)]
    class: Option<String>,
    /// A set phrase for this situation, as apology
    #[arg(long)]
    purpose: Option<String>,
}

impl Words {
    /// What is sent: what is not stated stays as `known` has it.
    fn content(&self, language: Language, known: &Value) -> Value {
        let tongue = match language {
            Language::English => "en",
            Language::Chinese => "zh",
        };
        let stated = [
            ("title", &self.title),
            ("symptom", &self.symptom),
            ("cause", &self.cause),
            ("solution", &self.solution),
        ];
        let mut content = json!({});
        if stated.iter().any(|(_, text)| text.is_some()) {
            let mut words = json!({});
            for (name, text) in stated {
                let text = text.clone().or_else(|| known[tongue][name].as_str().map(str::to_owned));
                words[name] = text.unwrap_or_default().into();
            }
            content[tongue] = words;
        }
        if let Some(class) = &self.class {
            let mut signature =
                if known["signature"].is_object() { known["signature"].clone() } else { json!({}) };
            signature["class"] = class.as_str().into();
            content["signature"] = signature;
        }
        if let Some(purpose) = &self.purpose {
            content["purpose"] = purpose.as_str().into();
        }
        content
    }
}

/// Lists, shows, finds and changes articles.
///
/// # Errors
/// When the daemon does not answer or refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let (server, token) = (arguments.server.as_deref(), arguments.token_file.as_deref());
    let remote = Remote::new(global, server, token, Duration::from_secs(30))?;
    let desk = Desk { remote, language: arguments.lang, as_json: arguments.json };
    match &arguments.command {
        KnowledgeCommand::List { review, class } => {
            let mut query = vec![("limit", "500".to_owned())];
            query.extend(review.clone().map(|review| ("review", review)));
            query.extend(class.clone().map(|class| ("class", class)));
            desk.list(&query).await
        }
        KnowledgeCommand::Search { words } => desk.list(&[("q", words.join(" "))]).await,
        KnowledgeCommand::Show { article } => {
            let known = desk.article(article).await?;
            desk.show(&known)
        }
        KnowledgeCommand::Suggest { ticket } => desk.suggest(*ticket).await,
        KnowledgeCommand::Draft { ticket, words } => {
            let kind = words.purpose.as_ref().map_or("case", |_| "script");
            let body = json!({
                "ticket": ticket.map(|number| number.to_string()), "kind": kind,
                "content": words.content(desk.language, &Value::Null),
            });
            desk.change("", &body).await
        }
        KnowledgeCommand::Edit { article, words } => {
            let known = desk.article(article).await?;
            let body =
                json!({ "version": known["version"], "content": words.content(desk.language, &known) });
            desk.change(&format!("/{article}/edit"), &body).await
        }
        KnowledgeCommand::Submit { article } => desk.step(article, "submit").await,
        KnowledgeCommand::Publish { article } => desk.step(article, "publish").await,
        KnowledgeCommand::Retire { article } => desk.step(article, "retire").await,
        KnowledgeCommand::Used { article, ticket, failed } => {
            let body = json!({ "ticket": ticket.to_string(), "helped": !failed });
            let said = desk.post(&format!("/{article}/use"), &body).await?;
            desk.print(&said, || format!("{article}: helped {}, did not {}", said["helped"], said["failed"]))
        }
        KnowledgeCommand::Scripts => desk.scripts().await,
    }
}

/// How the daemon is asked and its answer shown.
struct Desk {
    remote: Remote,
    language: Language,
    as_json: bool,
}

impl Desk {
    async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let request = request.bearer_auth(&self.remote.token).header("accept-language", self.language.tag());
        answered(request.send().await.map_err(|error| self.remote.unreachable(error))?).await
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/knowledge{path}", self.remote.base)
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(self.remote.client.post(self.address(path)).json(body)).await
    }

    async fn article(&self, name: &str) -> anyhow::Result<Value> {
        self.ask(self.remote.client.get(self.address(&format!("/{name}")))).await
    }

    async fn change(&self, path: &str, body: &Value) -> anyhow::Result<Exit> {
        let article = self.post(path, body).await?;
        self.print(&article, || line_of(&article))
    }

    async fn step(&self, name: &str, to: &str) -> anyhow::Result<Exit> {
        let known = self.article(name).await?;
        self.change(&format!("/{name}/move"), &json!({ "version": known["version"], "to": to })).await
    }

    fn print(&self, document: &Value, line: impl FnOnce() -> String) -> anyhow::Result<Exit> {
        if self.as_json {
            output::json(document)?;
        } else {
            output::line(line())?;
        }
        Ok(Exit::Fine)
    }

    async fn list(&self, query: &[(&str, String)]) -> anyhow::Result<Exit> {
        let address = reqwest::Url::parse_with_params(&self.address(""), query)?;
        let found = self.ask(self.remote.client.get(address)).await?;
        let articles = found["articles"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.print(&found, || match articles {
            [] => "no articles".to_owned(),
            some => some.iter().map(line_of).collect::<Vec<_>>().join("\n"),
        })
    }

    async fn suggest(&self, ticket: TicketNumber) -> anyhow::Result<Exit> {
        let address = format!("{}/api/v1/tickets/{ticket}/knowledge", self.remote.base);
        let found = self.ask(self.remote.client.get(address)).await?;
        let articles = found["suggestions"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.print(&found, || match articles {
            [] => "nothing alike is known".to_owned(),
            some => some.iter().map(suggestion_line).collect::<Vec<_>>().join("\n"),
        })
    }

    fn show(&self, article: &Value) -> anyhow::Result<Exit> {
        self.print(article, || {
            let tongues = match self.language {
                Language::English => ["en", "zh"],
                Language::Chinese => ["zh", "en"],
            };
            let is_empty = article[tongues[0]]["title"].as_str().is_none_or(str::is_empty);
            let words = &article[tongues[usize::from(is_empty)]];
            let mut text = line_of(article);
            for field in ["symptom", "cause", "solution"] {
                let words = words[field].as_str().unwrap_or_default();
                if !words.is_empty() {
                    text.push_str(&format!("\n{field}:\n  {}", words.replace('\n', "\n  ")));
                }
            }
            for change in article["changes"].as_array().into_iter().flatten() {
                let part = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
                text.push_str(&format!("\n  {}  {:<9} {}", part("at"), part("what"), part("by")));
            }
            text
        })
    }

    async fn scripts(&self) -> anyhow::Result<Exit> {
        let address = format!("{}/api/v1/scripts", self.remote.base);
        let found = self.ask(self.remote.client.get(address)).await?;
        let scripts = found["scripts"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.print(&found, || {
            let part = |script: &Value, name: &str| script[name].as_str().unwrap_or_default().to_owned();
            let lines = scripts.iter().map(|script| {
                format!(
                    "{:<18} {:<5} {}",
                    part(script, "purpose"),
                    part(script, "rule"),
                    part(script, "text")
                )
            });
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}

fn line_of(article: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!(
        "{:<7} {:<10} {:<6} {:<2} {}",
        text(&article["name"]),
        text(&article["review"]),
        text(&article["kind"]),
        text(&article["signature"]["class"]),
        text(&article["title"])
    )
}

/// One suggestion as a line.
pub(super) fn suggestion_line(one: &Value) -> String {
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let percent = (one["likeness"].as_f64().unwrap_or(0.0) * 100.0).round();
    let how = if percent > 0.0 { format!("{percent} % alike") } else { "by its words".to_owned() };
    format!("{:<7} {:<12} {}: {}", text("name"), how, text("title"), text("solution").replace('\n', " "))
}
