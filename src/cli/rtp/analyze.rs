//! `linesman rtp analyze`: captures in, streams and calls out.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use linesman_media::capture::analysis::Analyzer;
use linesman_media::capture::file::Merge;
use linesman_media::capture::report::{BrokenFile, Report, rfc3339};
use linesman_media::quality::score::{Assumptions, CodecTable};
use linesman_media::quality::stream::Settings;

use super::{csv, table};
use crate::cli::exit::{Exit, Failure};
use crate::cli::{Global, output};

/// Arguments of `rtp analyze`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Captures: pcap or pcapng, also in gzip; `-` is standard input. Several are read as one, in the order of time
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only the streams
    #[arg(long, conflicts_with = "calls")]
    streams: bool,
    /// Only the calls
    #[arg(long)]
    calls: bool,
    /// One JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Lines of comma-separated values with a header: the streams, or with --calls the calls
    #[arg(long)]
    csv: bool,
}

/// Reads the captures and says what was in them.
///
/// # Errors
/// When a file cannot be opened or the result cannot be written.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    if arguments.files.iter().filter(|file| is_standard_input(file)).count() > 1 {
        return Err(Failure::new(Exit::Usage, "standard input can only be read once; name `-` once").into());
    }
    let report = analyze(&arguments.files)?;
    for broken in &report.broken {
        let BrokenFile { file, packet, reason } = broken;
        output::note(format!("{file}: packet {packet}: {reason}; what stands before it was read"));
    }
    show(&arguments, &report)?;
    Ok(if report.has_problem() { Exit::Problem } else { Exit::Fine })
}

fn analyze(files: &[PathBuf]) -> Result<Report, Failure> {
    let sources = files
        .iter()
        .map(|file| Ok::<_, Failure>((file.clone(), open(file)?)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(report(sources))
}

/// Reads captures as one, in the order of time.
pub(in crate::cli) fn report(sources: Vec<(PathBuf, Box<dyn Read>)>) -> Report {
    let (files, sources): (Vec<PathBuf>, Vec<Box<dyn Read>>) = sources.into_iter().unzip();
    let mut merge = Merge::new(sources);
    let mut analyzer = Analyzer::new(Settings::default());
    let mut spans: Vec<Option<[i64; 2]>> = vec![None; files.len()];
    while let Some(frame) = merge.next_frame() {
        let at = frame.at;
        analyzer.frame(&frame);
        if let Some(span) = spans.get_mut(merge.last_file()) {
            *span = Some(span.map_or([at, at], |[first, last]| [first.min(at), last.max(at)]));
        }
    }
    let mut report = Report::of(&analyzer.finish(), &CodecTable::standard(), &Assumptions::default());
    report.broken = merge
        .broken()
        .iter()
        .map(|broken| BrokenFile {
            file: files.get(broken.file).map(|file| file.display().to_string()).unwrap_or_default(),
            packet: broken.error.packet,
            reason: broken.error.cause.to_string(),
        })
        .collect();
    report.captured = joined(spans.into_iter().flatten().collect());
    report
}

/// Files of a ring follow each other at once: their times are one.
fn joined(mut spans: Vec<[i64; 2]>) -> Vec<[String; 2]> {
    const AT_ONCE: i64 = 1_000_000_000;
    spans.sort_unstable();
    let mut joined: Vec<[i64; 2]> = Vec::new();
    for [first, last] in spans {
        match joined.last_mut() {
            Some(before) if first <= before[1].saturating_add(AT_ONCE) => before[1] = before[1].max(last),
            _ => joined.push([first, last]),
        }
    }
    joined.into_iter().map(|span| span.map(rfc3339)).collect()
}

pub(in crate::cli) fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

pub(in crate::cli) fn open(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_standard_input(file) {
        return Ok(Box::new(std::io::stdin()));
    }
    let failed = |error: std::io::Error| {
        let exit = match error.kind() {
            ErrorKind::PermissionDenied => Exit::PermissionMissing,
            _ => Exit::Problem,
        };
        Failure::new(exit, format!("{} cannot be read: {error}", file.display()))
    };
    let opened = File::open(file).map_err(failed)?;
    if opened.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::new(Exit::Problem, format!("{} is a folder; name its files", file.display())));
    }
    Ok(Box::new(opened))
}

fn show(arguments: &Arguments, report: &Report) -> anyhow::Result<()> {
    if arguments.json {
        let mut document = serde_json::to_value(report)?;
        if let Some(fields) = document.as_object_mut() {
            if arguments.streams {
                fields.remove("calls");
            }
            if arguments.calls {
                fields.remove("streams");
            }
        }
        return output::json(&document);
    }
    if arguments.csv {
        return output::raw(&if arguments.calls { csv::calls(report) } else { csv::streams(report) });
    }
    let terminal = std::io::stdout().is_terminal();
    if !arguments.calls {
        output::line(table::streams(report, terminal))?;
    }
    if !arguments.streams && !report.calls.is_empty() {
        output::line(format!("\n{}", table::calls(report)))?;
    } else if arguments.calls {
        output::line("no calls")?;
    }
    output::note(summary(report));
    Ok(())
}

fn summary(report: &Report) -> String {
    let mut text = format!(
        "{} packets, {} SIP messages, {} streams, {} calls",
        report.packets,
        report.sip_messages,
        report.streams.len(),
        report.calls.len()
    );
    // More newcomers than packets of streams: somebody invents SSRCs.
    let in_streams: u64 = report.streams.iter().map(|stream| stream.quality.received).sum();
    if report.single_packets > in_streams.max(10_000) {
        text.push_str(&format!("; {} packets of SSRCs seen once: a flood", report.single_packets));
    }
    text
}
