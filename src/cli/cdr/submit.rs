//! `linesman cdr submit`: hands bills to a daemon, which keeps them, compares them and brings what it
//! finds before the tickets.

use std::path::{Path, PathBuf};
use std::time::Duration;

use linesman_cdr::outcome::Outcome;
use linesman_reconcile::report;
use serde::Deserialize as _;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::looks::Looks;
use crate::cli::exit::{Exit, Failure};
use crate::cli::remote::{Remote, answered};
use crate::cli::{Global, explain, output};
use crate::locale::{Language, Message};

/// Read at once.
const PIECE: usize = 256 * 1024;
/// No answer takes longer, the sending of its files included.
const ANSWER_WITHIN: Duration = Duration::from_secs(4 * 3600);
/// How soon the daemon is asked again whether it is done, and how late at most.
const ASKED_AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];

/// Arguments of `cdr submit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Whose bill
    #[arg(long, value_name = "NAME")]
    party: String,
    /// As 2026-10 or 2026-10-05/2026-10-11; found in our records unless stated
    #[arg(long)]
    period: Option<String>,
    /// Our records: CSV, XLSX or JSON, also packed with gzip
    #[arg(long, value_name = "FILE")]
    ours: PathBuf,
    /// The other party's records
    #[arg(long, value_name = "FILE")]
    theirs: PathBuf,
    /// Only calls that begin from this moment on, as 2026-04-01 or 2026-04-01T08:00:00+08:00; UTC unless it says
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only calls that begin before this moment
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The rate deck, unless the daemon's settings name one for the party
    #[arg(long, value_name = "FILE")]
    rates: Option<PathBuf>,
    /// The contract, unless the daemon's settings name one for the party
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    /// The daemon; unless stated the address of the settings
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// File that holds a token; unless stated the variable LINESMAN_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Wait for the answer; then the exit code tells whether the bills agree
    #[arg(long)]
    wait: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// Language of sentences: en or zh-CN
    #[arg(long, default_value = "en", value_parser = explain::language)]
    lang: Language,
    #[command(flatten)]
    looks: Looks,
}

/// Hands the files over; says what the daemon says of them.
///
/// # Errors
/// When a file cannot be read, or the daemon does not answer or refuses.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let parts = parts(&arguments)?;
    let (server, token_file) = (arguments.server.as_deref(), arguments.token_file.as_deref());
    let remote = Remote::new(global, server, token_file, ANSWER_WITHIN)?;
    let runs = format!("{}/api/v1/reconciliations", remote.base);
    // Nobody sends gigabytes to learn that a token is wrong.
    get(&remote, &format!("{runs}?limit=1"), arguments.lang).await?;
    let boundary = format!("linesman-{}", crate::ticket::chain::hex(&crate::id::os_random::<16>()?));
    let request = remote
        .client
        .post(&runs)
        .bearer_auth(&remote.token)
        .header("accept-language", arguments.lang.tag())
        .header("content-type", format!("multipart/form-data; boundary={boundary}"))
        .body(body(parts, boundary));
    let mut run = answered(request.send().await.map_err(|error| remote.unreachable(error))?).await?;
    if arguments.wait {
        let id = text(&run, "id").to_owned();
        let [mut pause, longest] = ASKED_AGAIN;
        while !["done", "failed"].contains(&text(&run, "status")) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
            run = get(&remote, &format!("{runs}/{id}"), arguments.lang).await?;
        }
    }
    if arguments.json {
        output::json(&run)?;
    } else {
        output::line(as_text(&run, arguments.lang))?;
    }
    Ok(exit(&run))
}

async fn get(remote: &Remote, address: &str, language: Language) -> anyhow::Result<Value> {
    let request = remote.client.get(address).bearer_auth(&remote.token);
    let request = request.header("accept-language", language.tag());
    answered(request.send().await.map_err(|error| remote.unreachable(error))?).await
}

fn text<'a>(run: &'a Value, name: &str) -> &'a str {
    run.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn outcome(run: &Value) -> Option<Outcome> {
    serde_json::from_value(run.pointer("/answer/outcome")?.clone()).ok()
}

/// Fine while it waits: whether the bills agree is not known yet.
fn exit(run: &Value) -> Exit {
    match (text(run, "status"), outcome(run)) {
        ("failed", _) => Exit::Problem,
        ("done", Some(outcome)) if !report::agrees(&outcome) => Exit::Problem,
        _ => Exit::Fine,
    }
}

/// The run in a few lines.
fn as_text(run: &Value, language: Language) -> String {
    let say = |key: &str| Message::new(key).render(language);
    let line = |key: &str, value: &str| format!("{}: {value}", say(key));
    let mut lines = vec![
        line("page.run_status", &say(&format!("run.{}", text(run, "status")))),
        line("page.party", text(run, "party")),
    ];
    for (key, name) in [("page.period", "period"), ("page.ticket_number", "ticket_number")] {
        let value = text(run, name);
        lines.extend((!value.is_empty()).then(|| line(key, value)));
    }
    let failure = run.get("failure").and_then(|failure| Message::deserialize(failure).ok());
    lines.extend(failure.map(|failure| failure.render(language)));
    lines.extend(Some(text(run, "error")).filter(|error| !error.is_empty()).map(str::to_owned));
    if let Some(outcome) = outcome(run).filter(|_| text(run, "status") == "done") {
        let difference = format!("{} {}", outcome.totals.difference, outcome.currency);
        lines.push(line("page.total_difference", &difference));
        let side = format!("side.{}", crate::diagnosis::Side::from(outcome.verdict).name());
        lines.push(Message::new("page.at_fault").with("side", side).render(language));
    }
    lines.push(text(run, "url").to_owned());
    lines.join("\n")
}

/// The form, once every file can be opened.
fn parts(arguments: &Arguments) -> Result<Vec<Part>, Failure> {
    let mut parts = vec![Part::text("party", &arguments.party)];
    parts.extend(arguments.period.as_ref().map(|period| Part::text("period", period)));
    linesman_reconcile::period(arguments.from.as_deref(), arguments.to.as_deref())
        .map_err(|(flag, why)| Failure::new(Exit::Usage, format!("--{flag}: {why}")))?;
    for (name, moment) in [("from", &arguments.from), ("to", &arguments.to)] {
        parts.extend(moment.as_ref().map(|moment| Part::text(name, moment)));
    }
    let looks = &arguments.looks;
    for (side, format, hints) in
        [("ours", &looks.ours_format, &looks.hints()[0]), ("theirs", &looks.theirs_format, &looks.hints()[1])]
    {
        parts.extend(format.as_ref().map(|format| Part::text(&format!("{side}-format"), format)));
        parts.extend(hints.iter().map(|(name, value)| Part::text(&format!("{side}-{name}"), value)));
    }
    for (name, file) in [
        ("ours", Some(&arguments.ours)),
        ("theirs", Some(&arguments.theirs)),
        ("rates", arguments.rates.as_ref()),
        ("contract", arguments.contract.as_ref()),
    ] {
        let Some(file) = file else { continue };
        if let Err(error) = std::fs::File::open(file) {
            let exit = match error.kind() {
                std::io::ErrorKind::PermissionDenied => Exit::PermissionMissing,
                _ => Exit::Usage,
            };
            return Err(Failure::new(exit, format!("--{name} {}: {error}", file.display())));
        }
        parts.push(Part { name: name.to_owned(), content: Content::File(file.clone()) });
    }
    Ok(parts)
}

/// A field of the form.
struct Part {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    File(PathBuf),
}

impl Part {
    fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), content: Content::Text(text.to_owned()) }
    }

    /// What stands before its content (RFC 7578).
    fn head(&self, boundary: &str) -> String {
        let plain = |text: &str| text.replace(['"', '\r', '\n'], "_");
        let file = match &self.content {
            Content::Text(_) => String::new(),
            Content::File(path) => format!("; filename=\"{}\"", plain(&name_of(path))),
        };
        let name = plain(&self.name);
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The form as a stream: files of gigabytes never stand in memory.
fn body(parts: Vec<Part>, boundary: String) -> reqwest::Body {
    struct State {
        parts: std::vec::IntoIter<Part>,
        file: Option<tokio::fs::File>,
        boundary: String,
        is_over: bool,
    }
    let begin = State { parts: parts.into_iter(), file: None, boundary, is_over: false };
    let stream = futures_util::stream::unfold(begin, |mut state| async move {
        if let Some(file) = &mut state.file {
            let mut piece = vec![0; PIECE];
            return match file.read(&mut piece).await {
                Ok(0) => {
                    state.file = None;
                    Some((Ok(b"\r\n".to_vec()), state))
                }
                Ok(read) => {
                    piece.truncate(read);
                    Some((Ok(piece), state))
                }
                Err(error) => {
                    state.is_over = true;
                    state.file = None;
                    Some((Err(error), state))
                }
            };
        }
        if state.is_over {
            return None;
        }
        let Some(part) = state.parts.next() else {
            state.is_over = true;
            return Some((Ok(format!("--{}--\r\n", state.boundary).into_bytes()), state));
        };
        let mut head = part.head(&state.boundary).into_bytes();
        match part.content {
            Content::Text(text) => {
                head.extend_from_slice(text.as_bytes());
                head.extend_from_slice(b"\r\n");
            }
            Content::File(path) => match tokio::fs::File::open(&path).await {
                Ok(file) => state.file = Some(file),
                Err(error) => {
                    state.is_over = true;
                    return Some((Err(error), state));
                }
            },
        }
        Some((Ok(head), state))
    });
    reqwest::Body::wrap_stream(stream)
}
