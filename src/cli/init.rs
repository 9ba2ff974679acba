//! `linesman init`: a commented file from what this host has. It never overwrites.

use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::{Global, given, host_facts, output};
use crate::settings::{HostFacts, parse, report, template};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = given::USUAL_FILE)]
    output: PathBuf,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// One JSON document of what was found and written
    #[arg(long)]
    json: bool,
}

/// What `init --json` says.
#[derive(Debug, Serialize)]
struct Written<'f> {
    file: &'f Path,
    interfaces: &'f [String],
    default_gateway: Option<std::net::IpAddr>,
    resolvers: &'f [std::net::IpAddr],
}

/// Finds, asks, writes.
///
/// # Errors
/// The file exists or cannot be written.
pub async fn run(_: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let file = arguments.output.as_path();
    // Asked here only to spare the question; the write below is what never overwrites.
    if file.symlink_metadata().is_ok() {
        return Err(exists(file).into());
    }
    let facts = host_facts::gather();
    for line in found(&facts) {
        output::note(line);
    }
    let text = template(&facts);
    if let Err(mistakes) = parse(&file.display().to_string(), &text, []) {
        return Err(
            Failure::new(Exit::Defect, format!("the file would not pass:\n{}", report(&mistakes))).into()
        );
    }
    if !arguments.yes && std::io::stdin().is_terminal() && !agreed(file)? {
        output::note("nothing was written");
        return Ok(Exit::Problem);
    }
    write_new(file, &text)?;
    if arguments.json {
        let HostFacts { interfaces, default_gateway, resolvers, .. } = &facts;
        output::json(&Written { file, interfaces, default_gateway: *default_gateway, resolvers })?;
    } else {
        output::line(format!("wrote {}", file.display()))?;
        output::note(format!("next: linesman doctor -c {0}, then linesman serve -c {0}", file.display()));
    }
    Ok(Exit::Fine)
}

fn exists(file: &Path) -> Failure {
    let name = file.display();
    let message = format!(
        "{name} exists and is left as it is; write elsewhere with --output FILE, or put it aside: mv {name} {name}.old"
    );
    Failure::new(Exit::Problem, message)
}

fn found(facts: &HostFacts) -> [String; 3] {
    let none = || "none found".to_owned();
    let resolvers: Vec<String> = facts.resolvers.iter().map(ToString::to_string).collect();
    let list = |items: &[String]| if items.is_empty() { none() } else { items.join(", ") };
    [
        format!("interfaces       {}", list(&facts.interfaces)),
        format!(
            "default gateway  {}",
            facts.default_gateway.map_or_else(none, |address| address.to_string())
        ),
        format!("resolvers        {}", list(&resolvers)),
    ]
}

fn agreed(file: &Path) -> anyhow::Result<bool> {
    output::note(format!("write {}? [Y/n]", file.display()));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut handle = match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(handle) => handle,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(file).into()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let message =
                format!("cannot write {}: {error}; write elsewhere with --output FILE", file.display());
            return Err(Failure::new(Exit::PermissionMissing, message).into());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", file.display())),
    };
    handle
        .write_all(text.as_bytes())
        .and_then(|()| handle.sync_all())
        .with_context(|| format!("cannot write {}", file.display()))
}
