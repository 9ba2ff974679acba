//! `linesman tree`: the decision trees, shown, checked and walked. Needs no configuration and no daemon.

mod show;
mod walk;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use linesman_process::tree::{TreeFile, Trees};

use super::exit::{Exit, Failure};
use super::{Global, output};
use crate::locale::Language;

/// No tree's file is larger.
const LONGEST: u64 = 1024 * 1024;

/// Arguments of `tree`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: TreeCommand,
    /// An own tree, TOML, that takes the place of the shipped one of its name; may be given again
    #[arg(long, global = true, value_name = "FILE")]
    own: Vec<PathBuf>,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
    /// Language: en or zh-CN
    #[arg(long, global = true, default_value = "en", value_parser = super::explain::language)]
    lang: Language,
}

/// What can be done with trees.
#[derive(Debug, Subcommand)]
enum TreeCommand {
    /// A tree with its questions, who answers them and where the answers lead; without a name, all by name
    Show {
        /// INTAKE, TOP-UP, A, B, C, D, E, or an own one
        name: Option<String>,
    },
    /// Check own trees together with the shipped ones; every mistake with its place
    Check {
        /// Files, TOML
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Walk a tree by answers on standard input, a line each; the path is the result
    Walk {
        /// Where to begin
        name: String,
        /// What a measurement says of a node, as B5=no; begins where a measured ticket does; may be given again
        #[arg(long = "measured", value_name = "NODE=yes|no", value_parser = walk::measured)]
        measured: Vec<linesman_process::tree::Measured>,
    },
}

/// Shows, checks or walks.
///
/// # Errors
/// When a file or an argument cannot be used.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let language = match arguments.lang {
        Language::English => linesman_process::Language::English,
        Language::Chinese => linesman_process::Language::Chinese,
    };
    match arguments.command {
        TreeCommand::Show { name } => {
            let trees = trees(&arguments.own)?;
            show::show(&trees, name.as_deref(), language, arguments.json)?;
            Ok(Exit::Fine)
        }
        TreeCommand::Check { files } => {
            let all: Vec<PathBuf> = arguments.own.iter().chain(&files).cloned().collect();
            check(&all, arguments.json)
        }
        TreeCommand::Walk { name, measured } => {
            let trees = trees(&arguments.own)?;
            walk::walk(&trees, &name, &measured, language, arguments.json)
        }
    }
}

fn check(files: &[PathBuf], json: bool) -> anyhow::Result<Exit> {
    let read = texts(files)?;
    let mistakes = Trees::with_own(&as_files(&read)).err().unwrap_or_default();
    if json {
        output::json(&serde_json::json!({ "valid": mistakes.is_empty(), "mistakes": mistakes }))?;
    } else if mistakes.is_empty() {
        output::line(format!("{} fits the shipped trees", read_names(&read)))?;
    } else {
        for mistake in &mistakes {
            output::line(mistake.to_string())?;
        }
    }
    Ok(if mistakes.is_empty() { Exit::Fine } else { Exit::BadConfiguration })
}

fn read_names(read: &[(String, String)]) -> String {
    read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

fn trees(own: &[PathBuf]) -> Result<Trees, Failure> {
    let read = texts(own)?;
    Trees::with_own(&as_files(&read)).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        Failure::new(Exit::BadConfiguration, lines.join("\n"))
    })
}

fn as_files(read: &[(String, String)]) -> Vec<TreeFile<'_>> {
    read.iter().map(|(file, text)| TreeFile { file, text }).collect()
}

fn texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    files.iter().map(|path| Ok((path.display().to_string(), text_of(path)?))).collect()
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(Failure::new(Exit::Usage, format!("{shown}: {error}; name a file that can be read")));
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(Failure::new(Exit::BadConfiguration, format!("{shown}: longer than 1 MiB; no tree is")));
    }
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(Exit::BadConfiguration, format!("{shown}: not UTF-8; save the file in that encoding"))
    })
}
