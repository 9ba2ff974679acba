//! `linesman cdr rate`: what one call costs by deck and contract, and why.

use std::path::{Path, PathBuf};

use linesman_cdr::Number;
use linesman_cdr::rating::{Contract, Deck, Explanation, Rater, decimal, moment};
use linesman_reconcile::report;

use crate::cli::exit::{Exit, Failure};
use crate::cli::{Global, output};
use crate::locale::Language;

/// Arguments of `cdr rate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The rate deck, CSV with a header in English or Chinese
    #[arg(long, value_name = "FILE")]
    rates: PathBuf,
    /// The contract, TOML; without it the deck alone holds, answer to hang-up in whole seconds
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    /// Called number with its country code
    #[arg(long, value_name = "NUMBER")]
    callee: String,
    /// When the call began, as 2026-04-03T20:00:00+08:00; without zone in that of the contract's bands
    #[arg(long, value_name = "TIME")]
    start: String,
    /// Conversation in seconds, a fraction included; 0 for an attempt
    #[arg(long, value_name = "SECONDS", value_parser = milliseconds)]
    talk: u32,
    /// Ringing in seconds, for contracts that go by the answer or charge it
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = milliseconds)]
    ring: u32,
    /// The calculation, step by step
    #[arg(long)]
    explain: bool,
    /// Language of the steps: en or zh-CN
    #[arg(long, default_value = "en", value_parser = crate::cli::explain::language)]
    lang: Language,
    /// One JSON document, steps included
    #[arg(long)]
    json: bool,
}

/// Milliseconds of seconds as people write them.
fn milliseconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no count of seconds; write it as 61 or 60.2");
    let billionths = decimal(text).map_err(|_| wrong())?;
    u32::try_from(billionths / 1_000_000).map_err(|_| wrong())
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::new(Exit::Problem, format!("{} cannot be read: {error}", file.display()));
    std::fs::read_to_string(file).map_err(failed)
}

/// Rates one call.
///
/// # Errors
/// When deck or contract cannot be used, or the deck has no price for the call.
pub async fn run(_global: &Global, arguments: Arguments) -> anyhow::Result<Exit> {
    let named = |file: &Path, error: &dyn std::fmt::Display| {
        Failure::new(Exit::BadConfiguration, format!("{}: {error}", file.display()))
    };
    let contract = match &arguments.contract {
        Some(file) => Contract::read(&read(file)?).map_err(|error| named(file, &error))?,
        None => Contract::default(),
    };
    let rates = &arguments.rates;
    let deck = Deck::read_by(&read(rates)?, &contract).map_err(|error| named(rates, &error))?;
    for issue in deck.issues() {
        output::note(format!("{}: {issue}", rates.display()));
    }
    let rater = Rater::new(&deck, &contract).map_err(|error| named(rates, &error))?;
    let start = moment(&arguments.start, rater.band_zone())
        .map_err(|error| Failure::new(Exit::Usage, format!("--start: {error}")))?;
    let (at, talk) = contract.facts_of(start, arguments.ring, arguments.talk);
    let explained =
        rater.explain(callee(&arguments.callee), at, talk, arguments.talk > 0).map_err(|error| {
            Failure::new(Exit::Problem, format!("{} has no price: {error}", arguments.callee))
        })?;
    if arguments.json {
        output::json(&explained)?;
    } else {
        output::raw(as_text(&explained, &arguments, u32::from(rater.terms(0).decimals)).as_bytes())?;
    }
    Ok(Exit::Fine)
}

/// Digits of a number as it is dialled or written.
fn callee(text: &str) -> Number {
    let bare: String = text.chars().filter(|sign| !matches!(sign, ' ' | '-' | '(' | ')' | '.')).collect();
    Number::of(bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")).unwrap_or(&bare))
}

fn as_text(explained: &Explanation, arguments: &Arguments, decimals: u32) -> String {
    let mut text = String::new();
    if arguments.explain {
        let language = match arguments.lang {
            Language::English => report::Language::English,
            Language::Chinese => report::Language::Chinese,
        };
        for step in report::steps(explained, language) {
            text.push_str(&step);
            text.push('\n');
        }
        return text;
    }
    let currency = explained.currency.as_deref().unwrap_or_default();
    text.push_str(format!("{} {currency}", explained.amount.show(decimals)).trim_end());
    text.push_str(&format!("  {} s\n", explained.billed_s));
    text
}
