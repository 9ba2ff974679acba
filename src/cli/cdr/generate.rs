//! `linesman cdr generate`: a pair of files with deck, contract and the truth about them.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use linesman_cdr::generate::{Form, Injection, Plan, write};

use crate::cli::exit::{Exit, Failure};
use crate::cli::{Global, output};

/// Arguments of `cdr generate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The same seed makes the same files
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// True calls
    #[arg(long, default_value_t = 10_000)]
    calls: u64,
    /// Days of the period, which begins on 2026-04-01
    #[arg(long)]
    days: Option<u32>,
    /// What deviates, any number of times: KIND[@ours|theirs][:prefix=P,gateway=G,account=A,from=T,to=T,share=S,used=V], as increment@theirs:prefix=8613,used=60/60
    #[arg(long = "cause", value_name = "CAUSE")]
    causes: Vec<Injection>,
    /// Some prices go by the time of day in Shanghai
    #[arg(long)]
    bands: bool,
    /// Their file's zone, clock, styles and order of columns by chance from this seed
    #[arg(long, value_name = "SEED")]
    their_form: Option<u64>,
    /// Zone of their times, as +08:00 or Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    their_zone: Option<String>,
    /// Seconds that their clock is ahead
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    their_clock: Option<i64>,
    /// Share of their calls whose times are a second off
    #[arg(long, value_name = "SHARE", value_parser = share)]
    their_noise: Option<u32>,
    /// The data of the speed measurements: nine columns, 31 days, half a per cent of deviations
    #[arg(long, conflicts_with_all = ["causes", "bands", "their_form"])]
    bench: bool,
    /// Folder for ours.csv, theirs.csv, rates.csv, contract.toml and truth.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn share(text: &str) -> Result<u32, String> {
    let billionths = linesman_cdr::rating::decimal(text)?;
    let share = u32::try_from(billionths / 1_000).ok().filter(|share| *share <= 1_000_000);
    share.ok_or_else(|| format!("`{text}` is no share; write 0 to 1, as 0.1"))
}

/// Writes the files.
///
/// # Errors
/// When the plan cannot be carried out or the folder cannot be written.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let plan = plan(&arguments);
    let (rates, contract) = plan.agreement().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let folder = &arguments.out;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let create = |name: &str| create(folder, name);
    let (mut ours, mut theirs) = (create("ours.csv")?, create("theirs.csv")?);
    let truth = write(&plan, &mut ours, &mut theirs)?;
    create("rates.csv")?.write_all(rates.as_bytes())?;
    create("contract.toml")?.write_all(contract.as_bytes())?;
    let mut file = create("truth.json")?;
    serde_json::to_writer_pretty(&mut file, &truth)?;
    file.flush()?;
    output::line(format!(
        "{}: {} records of ours, {} of theirs, {} causes, difference {} {}",
        folder.display(),
        truth.counts.ours,
        truth.counts.theirs,
        truth.causes.len(),
        truth.totals.difference,
        truth.currency
    ))?;
    Ok(Exit::Fine)
}

fn create(folder: &Path, name: &str) -> anyhow::Result<BufWriter<File>> {
    let path = folder.join(name);
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

fn plan(arguments: &Arguments) -> Plan {
    let mut plan = if arguments.bench {
        Plan::bench(arguments.seed, arguments.calls)
    } else {
        Plan::new(arguments.seed, arguments.calls)
    };
    plan.causes.extend(arguments.causes.iter().cloned());
    plan.bands |= arguments.bands;
    plan.days = arguments.days.unwrap_or(plan.days);
    if let Some(seed) = arguments.their_form {
        plan.theirs = Form::by_chance(seed);
    }
    let theirs = &mut plan.theirs;
    if let Some(zone) = &arguments.their_zone {
        theirs.zone.clone_from(zone);
    }
    if let Some(seconds) = arguments.their_clock {
        theirs.clock_offset_ms = seconds.saturating_mul(1_000);
    }
    if let Some(share) = arguments.their_noise {
        theirs.jitter_ppm = share;
    }
    plan
}
