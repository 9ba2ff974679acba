//! `linesman cdr media`: call records beside calls that were heard in captures.

mod heard;
mod shown;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use linesman_cdr::Side;
use linesman_cdr::media::{Capture, Doubt, Limits, compare};
use linesman_reconcile::book::{self, Records};
use linesman_reconcile::{Input, Progress};

use self::heard::HeardCalls;
use super::looks::Looks;
use crate::bills::billed_rows;
use crate::cli::exit::{Exit, Failure};
use crate::cli::rtp::analyze;
use crate::cli::{Global, explain, output};
use crate::diagnosis::billed::{BilledMedia, Telling};
use crate::locale::{Language, Message};

/// Around the captured time records are read too: clocks differ by so much, and zones that nobody named by more.
const CLOCKS_APART_MS: i64 = 3_600_000;
const ZONES_APART_MS: i64 = 16 * 3_600_000;
/// Records within that time that are compared.
const MOST_RECORDS: usize = 2_000_000;
/// Lines that are no records and are said.
const MOST_REJECTED: usize = 10;

/// Arguments of `cdr media`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("records").required(true).args(["ours", "theirs"])))]
pub struct Arguments {
    /// Our records: CSV, XLSX or JSON, also packed with gzip
    #[arg(long, alias = "cdrs", value_name = "FILE")]
    ours: Option<PathBuf>,
    /// The other party's records, instead of ours
    #[arg(long, value_name = "FILE")]
    theirs: Option<PathBuf>,
    /// Captures (pcap or pcapng, also in gzip), or documents of `rtp analyze --json`; `-` is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// One JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// All differences as comma-separated values with a header
    #[arg(long)]
    csv: bool,
    /// Language of summary and evidence: en or zh-CN
    #[arg(long, default_value = "en", value_parser = explain::language)]
    lang: Language,
    /// Furthest that the times of one call lie apart once the clocks are set, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u16).range(1..=300))]
    tolerance: u16,
    /// By how much billed and heard seconds may differ
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u16).range(0..=600))]
    seconds: u16,
    /// The called party's first RTP later than this after the answer is told as a false answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u16).range(1..=600))]
    late: u16,
    /// Neither party heard for so long before the billed end is told: pauses are shorter
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u16).range(5..=3600))]
    silence: u16,
    #[command(flatten)]
    looks: Looks,
}

/// Compares.
///
/// # Errors
/// When a file cannot be read, or what a file of records looks like cannot be settled.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let standard = |file: &&PathBuf| analyze::is_standard_input(file);
    if arguments.captures.iter().filter(standard).count() > 1 {
        let twice = "standard input can only be read once; name `-` once";
        return Err(Failure::new(Exit::Usage, twice).into());
    }
    let (side, file) = match (&arguments.ours, &arguments.theirs) {
        (Some(file), _) => (Side::Ours, file.clone()),
        (None, Some(file)) => (Side::Theirs, file.clone()),
        (None, None) => return Err(Failure::new(Exit::Usage, "name a file of records with --ours").into()),
    };
    let told = tokio::task::block_in_place(|| told(&arguments, side, &file))?;
    if arguments.json {
        output::json(&billed_rows::document(&told, arguments.lang)?)?;
    } else if arguments.csv {
        output::raw(billed_rows::csv(&told, arguments.lang).as_bytes())?;
    } else {
        output::raw(shown::summary(&told, arguments.lang).as_bytes())?;
    }
    // What was not compared is not in order.
    Ok(if told.agrees() && told.records.matched > 0 { Exit::Fine } else { Exit::Problem })
}

fn told(arguments: &Arguments, side: Side, file: &Path) -> anyhow::Result<BilledMedia> {
    let heard = listen(&arguments.captures)?;
    let records = read(arguments, side, file, &heard)?;
    for refused in records.refused.iter().take(MOST_REJECTED) {
        let reason = if arguments.lang == Language::Chinese && !refused.reason_zh.is_empty() {
            &refused.reason_zh
        } else {
            &refused.reason
        };
        let said = Message::new("billed.rejected").with("file", file.display()).with("line", refused.line);
        output::note(said.with("reason", reason).render(arguments.lang));
    }
    if records.beyond > 0 {
        let beyond = records.beyond;
        output::note(format!(
            "{}: {beyond} records of the captured time are beyond the {MOST_RECORDS} that are compared; name \
             captures of a shorter time",
            file.display()
        ));
    }
    let limits = Limits {
        tolerance_ms: i64::from(arguments.tolerance) * 1_000,
        seconds_ms: i64::from(arguments.seconds) * 1_000,
        late_ms: i64::from(arguments.late) * 1_000,
        silence_ms: i64::from(arguments.silence) * 1_000,
    };
    let book = records.book();
    let comparison = compare(&book, &heard.calls, &Capture::of(heard.spans.clone()), &limits);
    Ok(BilledMedia::of(
        &comparison,
        &Telling {
            side,
            book,
            left_out: records.outside + records.beyond,
            heard: &heard.calls,
            number: &str::to_owned,
            heard_number: &str::to_owned,
            call_ids: [true; 2],
            most: usize::MAX,
        },
    ))
}

/// All captures as one, and every document beside them.
fn listen(files: &[PathBuf]) -> Result<HeardCalls, Failure> {
    let mut all = HeardCalls::default();
    let mut captures = Vec::new();
    for file in files {
        let mut opened = BufReader::with_capacity(1 << 16, analyze::open(file)?);
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Problem, format!("{} cannot be read: {error}", file.display()))
        };
        let head = opened.fill_buf().map_err(failed)?;
        let is_document = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        if !is_document {
            captures.push((file.clone(), Box::new(opened) as Box<dyn std::io::Read>));
            continue;
        }
        let mut text = String::new();
        opened.read_to_string(&mut text).map_err(failed)?;
        let document: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            let place = format!("{}:{}:{}", file.display(), error.line(), error.column());
            Failure::new(
                Exit::Usage,
                format!("{place}: no document of `linesman rtp analyze --json`: {error}"),
            )
        })?;
        let Some(heard) = heard::calls(&document) else {
            let wrong = format!(
                "{}: no document of `linesman rtp analyze --json`: it needs `streams` and `calls`; write it without \
                 --streams and --calls",
                file.display()
            );
            return Err(Failure::new(Exit::Usage, wrong));
        };
        all.add(heard);
    }
    if !captures.is_empty() {
        let report = analyze::report(captures);
        for broken in &report.broken {
            let (file, packet, reason) = (&broken.file, broken.packet, &broken.reason);
            output::note(format!("{file}: packet {packet}: {reason}; what stands before it was read"));
        }
        let document = serde_json::to_value(&report)
            .map_err(|error| Failure::new(Exit::Defect, format!("the report cannot be told: {error}")))?;
        all.add(heard::calls(&document).unwrap_or_default());
    }
    Ok(all)
}

impl HeardCalls {
    fn add(&mut self, mut more: Self) {
        if more.is_broken {
            // Where a file broke off, what was not seen proves nothing.
            for call in &mut more.calls {
                call.doubts.insert(Doubt::MeasurementFault);
            }
        }
        self.calls.append(&mut more.calls);
        self.spans.append(&mut more.spans);
    }
}

/// The records around the captured time.
fn read(arguments: &Arguments, side: Side, file: &Path, heard: &HeardCalls) -> Result<Records, Failure> {
    if let Err(error) = std::fs::File::open(file) {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::PermissionMissing,
            _ => Exit::Usage,
        };
        return Err(Failure::new(exit, format!("{}: {error}", file.display())));
    }
    let [ours, theirs] = arguments.looks.hints();
    let (format, hints) = match side {
        Side::Ours => (arguments.looks.ours_format.clone(), ours),
        Side::Theirs => (arguments.looks.theirs_format.clone(), theirs),
    };
    let times =
        heard.calls.iter().filter_map(|call| Some([call.first_ms()?, call.end_ms.or(call.first_ms())?]));
    let times: Vec<[i64; 2]> = times.chain(heard.spans.iter().copied()).collect();
    let first = times.iter().map(|span| span[0]).min().unwrap_or(0);
    let last = times.iter().map(|span| span[1]).max().unwrap_or(0);
    let around = |zone_known: bool| {
        let apart = if zone_known { CLOCKS_APART_MS } else { ZONES_APART_MS };
        [first.saturating_sub(apart), last.saturating_add(apart)]
    };
    let input = Input { path: file.to_owned(), format, hints };
    book::records(&input, side, None, around, MOST_RECORDS, &Progress::default())
        .map_err(super::reconcile::failure)
}
