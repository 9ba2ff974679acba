//! `linesman cdr reconcile`: our call records, theirs and the rate deck; causes, fault and money.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use linesman_cdr::outcome::DetailSink;
use linesman_cdr::rating::{Contract, Deck, Rater};
use linesman_reconcile::report::{self, Dropped, Heading, Kept, Report};
use linesman_reconcile::{Finished, Input, Job, LEAST_MEMORY, Progress, ReconcileError, SourceError};

use super::bar::Bar;
use super::looks::Looks;
use super::size;
use crate::cli::exit::{Exit, Failure};
use crate::cli::{Global, explain, output};
use crate::locale::Language;
use crate::reason::chain;

/// Issues of a deck that are said.
const MOST_ISSUES: usize = 10;
/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// Arguments of `cdr reconcile`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Our records: CSV, XLSX or JSON, also packed with gzip
    #[arg(long, value_name = "FILE")]
    ours: PathBuf,
    /// The other party's records
    #[arg(long, value_name = "FILE")]
    theirs: PathBuf,
    /// The rate deck
    #[arg(long, value_name = "FILE")]
    rates: PathBuf,
    /// The contract; without it the deck alone holds, answer to hang-up in whole seconds, by start time
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    /// Write workbook, page, CSV and JSON into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// Language of summary and report: en or zh-CN
    #[arg(long, default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// Threads; unless stated, as many as there are processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Bound of memory, as 512M or 4GiB
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size::bytes)]
    memory: u64,
    /// Only calls that begin from this moment on, as 2026-04-01 or 2026-04-01T08:00:00+08:00; UTC unless it says
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only calls that begin before this moment
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    looks: Looks,
    #[command(flatten)]
    heading: HeadingArguments,
}

/// What stands at the head of the report.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "At the head of the report")]
struct HeadingArguments {
    /// Our name
    #[arg(long, value_name = "NAME")]
    our_name: Option<String>,
    /// The other party's name
    #[arg(long, value_name = "NAME")]
    party: Option<String>,
    /// The account in question
    #[arg(long)]
    account: Option<String>,
    /// The invoice in question
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// Traffic direction
    #[arg(long)]
    direction: Option<String>,
    /// Who answers questions
    #[arg(long)]
    contact: Option<String>,
    /// Until when an answer is asked for
    #[arg(long, value_name = "DATE")]
    deadline: Option<String>,
}

/// Compares two files of records.
///
/// # Errors
/// When a file, the deck or the contract cannot be used, or a file's look has to be asked for.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let job = job(&arguments)?;
    check_agreement(&job)?;
    let progress = Arc::new(Progress::default());
    let shared = Arc::clone(&progress);
    let wanted = arguments.report.as_deref().map(|folder| (folder.to_owned(), arguments.heading.given()));
    let language = spoken(arguments.lang);
    // Listened for before the first temporary file is made.
    let told = told_to_stop();
    // The work takes all its threads for minutes; the runtime's own stay free for the bar and signals.
    let work = tokio::task::spawn_blocking(move || reconcile(&job, wanted, language, &shared));
    let (finished, files) = watched(work, &progress, told).await??;
    if arguments.json {
        output::json(&finished.outcome)?;
    } else {
        output::raw(as_text(&finished, arguments.report.as_deref(), language).as_bytes())?;
    }
    for file in &files {
        output::note(file.display().to_string());
    }
    Ok(if report::agrees(&finished.outcome) { Exit::Fine } else { Exit::Problem })
}

fn spoken(language: Language) -> report::Language {
    match language {
        Language::English => report::Language::English,
        Language::Chinese => report::Language::Chinese,
    }
}

fn job(arguments: &Arguments) -> Result<Job, Failure> {
    let Arguments { ours, theirs, rates, contract, .. } = arguments;
    for (flag, file) in [
        ("--ours", Some(ours)),
        ("--theirs", Some(theirs)),
        ("--rates", Some(rates)),
        ("--contract", contract.as_ref()),
    ] {
        let Some(file) = file else { continue };
        if let Err(error) = std::fs::File::open(file) {
            let exit = match error.kind() {
                std::io::ErrorKind::PermissionDenied => Exit::PermissionMissing,
                _ => Exit::Usage,
            };
            return Err(Failure::new(exit, format!("{flag} {}: {error}", file.display())));
        }
    }
    if arguments.memory < LEAST_MEMORY {
        let least = LEAST_MEMORY >> 20;
        return Err(Failure::new(Exit::Usage, format!("--memory: at least {least}M are needed")));
    }
    let threads = arguments
        .threads
        .map(usize::from)
        .or_else(|| std::thread::available_parallelism().ok().map(std::num::NonZero::get));
    let [ours_hints, theirs_hints] = arguments.looks.hints();
    let (ours_format, theirs_format) =
        (arguments.looks.ours_format.clone(), arguments.looks.theirs_format.clone());
    let period = linesman_reconcile::period(arguments.from.as_deref(), arguments.to.as_deref())
        .map_err(|(flag, why)| Failure::new(Exit::Usage, format!("--{flag}: {why}")))?;
    Ok(Job {
        ours: Input { path: ours.clone(), format: ours_format, hints: ours_hints },
        theirs: Input { path: theirs.clone(), format: theirs_format, hints: theirs_hints },
        rates: rates.clone(),
        contract: contract.clone(),
        threads: threads.unwrap_or(1),
        memory: arguments.memory,
        temporary: None,
        hash: arguments.report.is_some(),
        period,
        sums: arguments.report.is_some(),
    })
}

/// Deck and contract are small and looked at first: a mistake in them is not found after minutes.
fn check_agreement(job: &Job) -> anyhow::Result<()> {
    let read = |file: &Path| {
        std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
    };
    let unusable = |file: &Path, error: &dyn std::fmt::Display| {
        Failure::new(Exit::BadConfiguration, format!("{}: {error}", file.display()))
    };
    let contract = match &job.contract {
        Some(file) => Contract::read(&read(file)?).map_err(|error| unusable(file, &error))?,
        None => Contract::default(),
    };
    let deck = Deck::read_by(&read(&job.rates)?, &contract).map_err(|error| unusable(&job.rates, &error))?;
    Rater::new(&deck, &contract).map_err(|error| unusable(&job.rates, &error))?;
    let issues = deck.issues();
    for issue in issues.iter().take(MOST_ISSUES) {
        output::note(format!("{}: {issue}", job.rates.display()));
    }
    if issues.len() > MOST_ISSUES {
        output::note(format!("{}: and {} more", job.rates.display(), issues.len() - MOST_ISSUES));
    }
    Ok(())
}

/// Runs, and writes the report where one is wanted; blocking.
fn reconcile(
    job: &Job,
    wanted: Option<(PathBuf, Heading)>,
    language: report::Language,
    progress: &Progress,
) -> anyhow::Result<(Finished, Vec<PathBuf>)> {
    let run = |sink: &mut dyn DetailSink| linesman_reconcile::run(job, progress, sink).map_err(failure);
    let Some((folder, heading)) = wanted else { return Ok((run(&mut Dropped)?, Vec::new())) };
    let mut kept =
        Kept::new(job.temporary.as_deref()).context("no temporary file can be made for the report")?;
    let finished = run(&mut kept)?;
    let files = Report::new(&finished, &finished, language)
        .kept(&mut kept)
        .heading(heading)
        .write(&folder)
        .with_context(|| format!("the report cannot be written to {}", folder.display()))?;
    Ok((finished, files))
}

/// Deck, contract and the files' being there were looked at before: what is left are looks of a file
/// that have to be asked for, the system, and defects.
pub(super) fn failure(error: ReconcileError) -> Failure {
    let exit = match &error {
        ReconcileError::DoesNotAddUp(_) => Exit::Defect,
        ReconcileError::Cancelled
        | ReconcileError::Io { .. }
        | ReconcileError::Temporary { .. }
        | ReconcileError::Shrunk { .. }
        | ReconcileError::Source(
            SourceError::Io { .. } | SourceError::Temporary { .. } | SourceError::Damaged { .. },
        ) => Exit::Problem,
        ReconcileError::Deck { .. } | ReconcileError::Contract { .. } => Exit::BadConfiguration,
        _ => Exit::Usage,
    };
    Failure::new(exit, chain(&error))
}

/// Waits for the work, shows how far it is, and tells it to stop when we are told to.
async fn watched<T>(
    work: tokio::task::JoinHandle<T>,
    progress: &Progress,
    told: impl Future<Output = ()>,
) -> Result<T, tokio::task::JoinError> {
    let bar = Bar::new();
    let mut ticks = tokio::time::interval(TICK);
    let mut stop = std::pin::pin!(told);
    let mut stopping = false;
    let mut work = work;
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = &mut stop, if !stopping => {
                stopping = true;
                progress.cancel.store(true, Ordering::Relaxed);
            }
            _ = ticks.tick() => bar.show(progress),
        }
    };
    bar.gone();
    ended
}

/// Ends at the first signal to stop from now on, not from when it is waited for.
fn told_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listeners = signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok());
    async move {
        let Some((mut interrupt, mut terminate)) = listeners else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

fn as_text(finished: &Finished, folder: Option<&Path>, language: report::Language) -> String {
    let terminal = std::io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let width = comfy_table::Table::new().width().filter(|_| terminal).map_or(100, usize::from);
    match folder {
        Some(folder) => {
            report::summary_with(finished, &folder.display().to_string(), language, width, colour)
        }
        None => report::summary(finished, language, width, colour),
    }
}

impl HeadingArguments {
    fn given(&self) -> Heading {
        let Self { our_name, party, account, invoice, direction, contact, deadline } = self;
        Heading {
            ours: our_name.clone(),
            theirs: party.clone(),
            account: account.clone(),
            invoice: invoice.clone(),
            direction: direction.clone(),
            contact: contact.clone(),
            deadline: deadline.clone(),
        }
    }
}
