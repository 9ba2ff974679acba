//! The one call of `linesman-reconcile`: blocking, on a thread that its caller gives.

use std::path::PathBuf;
use std::sync::Arc;

use linesman_cdr::outcome::{CallDetail, Outcome};
use linesman_cdr::rating::Contract;
use linesman_cdr::{Money, Record, Side};
use linesman_reconcile::report::{self, Heading, Kept, Report};
use linesman_reconcile::{Finished, Input, Job, Progress, ReconcileError};

use crate::locale::{Language, Message, words};
use crate::reason::chain;
use crate::store::{InputRole, ReconcileRun};

use super::failure::{self, Failure};
use super::vault::Vault;

/// One run for the engine.
#[derive(Debug, Clone)]
pub struct Work {
    /// What to compare.
    pub job: Job,
    /// Whose bill, for the head of the report.
    pub party: String,
    /// Where the report goes: a folder that is not there yet.
    pub report: PathBuf,
}

impl Work {
    /// Of a run whose files are in the vault.
    ///
    /// # Errors
    /// When a file that every run needs is not among its inputs.
    pub fn of(run: &ReconcileRun, vault: &Vault, threads: u32, memory: u64) -> Result<Self, EngineError> {
        let path = |role| run.request.input(role).map(|input| vault.input(&run.id, input));
        let needed = |role: InputRole| {
            path(role).ok_or_else(|| {
                let detail = format!("there is no file {}", role.name());
                EngineError::Failed(Failure::new("run.failure.missing", detail))
            })
        };
        let side = |role: InputRole| {
            let option = |name: &str| {
                let wanted = format!("{}-{name}", role.name());
                run.request.options.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
            };
            let prefix = format!("{}-", role.name());
            let hints = run.request.options.iter().filter_map(|(name, value)| {
                let hint = name.strip_prefix(&prefix).filter(|hint| *hint != "format")?;
                Some((hint.to_owned(), value.clone()))
            });
            Ok(Input { path: needed(role)?, format: option("format"), hints: hints.collect() })
        };
        let option = |wanted: &str| {
            run.request.options.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let period = linesman_reconcile::period(option("from"), option("to"))
            .map_err(|(name, why)| Failure::new("run.failure.period", format!("{name}: {why}")))
            .map_err(EngineError::Failed)?;
        let job = Job {
            ours: side(InputRole::Ours)?,
            theirs: side(InputRole::Theirs)?,
            rates: needed(InputRole::Rates)?,
            contract: path(InputRole::Contract),
            threads: threads as usize,
            memory,
            temporary: Some(vault.work(&run.id)),
            hash: true,
            period,
            sums: true,
        };
        Ok(Self { job, party: run.party.clone(), report: vault.report(&run.id).with_extension("new") })
    }
}

/// What the engine gives back; the report's files are where they were wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// As `linesman cdr reconcile --json`.
    pub outcome: Outcome,
    /// SHA-256 of the deck and of the contract.
    pub rates_sha256: String,
    /// As above, where there is one.
    pub contract_sha256: Option<String>,
    /// What our records span, milliseconds since 1970.
    pub period_ms: Option<[i64; 2]>,
    /// The correct calculation of one call.
    pub example: Vec<Message>,
    /// What the contract says.
    pub accounting: Vec<Message>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It was told to stop.
    #[error("stopped")]
    Cancelled,
    /// It says why.
    #[error("{}", .0.detail)]
    Failed(Failure),
}

/// Compares bills, blocking; the real one but for tests.
pub type Engine = Arc<dyn Fn(&Work, &Progress) -> Result<Answer, EngineError> + Send + Sync>;

/// The real one.
#[must_use]
pub fn real() -> Engine {
    Arc::new(compare)
}

fn compare(work: &Work, progress: &Progress) -> Result<Answer, EngineError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        EngineError::Failed(Failure::new("run.failure.system", format!("{what}: {error}")))
    };
    let mut kept = Kept::new(work.job.temporary.as_deref())
        .map_err(|error| failed("no temporary file can be made", &error))?;
    let finished = linesman_reconcile::run(&work.job, progress, &mut kept).map_err(|error| match error {
        ReconcileError::Cancelled => EngineError::Cancelled,
        other => {
            let detail = without_folders(&chain(&other), &work.job);
            EngineError::Failed(Failure { sentence: failure::sentence(&other), detail })
        }
    })?;
    for language in [Language::English, Language::Chinese] {
        if progress.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let spoken = match language {
            Language::English => report::Language::English,
            Language::Chinese => report::Language::Chinese,
        };
        let heading = Heading { theirs: Some(work.party.clone()), ..Heading::default() };
        Report::new(&finished, &finished, spoken)
            .kept(&mut kept)
            .heading(heading)
            .write(&work.report.join(language.tag()))
            .map_err(|error| failed("the report cannot be written", &error))?;
    }
    Ok(Answer {
        period_ms: period(finished.inputs[Side::Ours.index()].period_ms, finished.period),
        example: example(&finished),
        accounting: accounting(&finished),
        rates_sha256: finished.rates_sha256,
        contract_sha256: finished.contract_sha256,
        outcome: finished.outcome,
    })
}

/// What our records span, or what was asked of them: an answer for two days is none for the month.
fn period(span_ms: Option<[i64; 2]>, asked_ms: Option<[i64; 2]>) -> Option<[i64; 2]> {
    let Some([from, to]) = asked_ms else { return span_ms };
    let [first, last] = span_ms.unwrap_or([from, to]);
    let from = if from == i64::MIN { first.min(to) } else { from };
    let to = if to == i64::MAX { last.max(from) } else { to };
    (from != i64::MIN && to != i64::MAX).then_some([from, to])
}

/// A reason without the folders in which bills are kept: they are nobody's business who uploads.
fn without_folders(text: &str, job: &Job) -> String {
    let files = [&job.ours.path, &job.theirs.path, &job.rates].into_iter().chain(&job.contract);
    let folders = files.filter_map(|file| file.parent()).map(|folder| format!("{}/", folder.display()));
    folders.fold(text.to_owned(), |text, folder| text.replace(&folder, ""))
}

/// The correct calculation of the call on which most money differs, without any telephone number.
fn example(finished: &Finished) -> Vec<Message> {
    let weight =
        |detail: &CallDetail| detail.shares.iter().map(|(_, share)| share.abs().0).max().unwrap_or(0);
    let shown = finished.details.iter().filter(|detail| detail.correct.is_some() && detail.row.is_some());
    // Both sides first, then the dearest, then the earliest in the file: the same every time.
    let chosen = shown.max_by_key(|detail| {
        let place = detail.ours.or(detail.theirs).map_or(0, |record| record.place);
        (detail.ours.is_some() && detail.theirs.is_some(), weight(detail), std::cmp::Reverse(place))
    });
    let Some(detail) = chosen else { return Vec::new() };
    let Some(charge) = detail.correct else { return Vec::new() };
    let row = detail.row.and_then(|row| finished.deck.rows.get(row as usize));
    let Some((row, record)) = row.zip(detail.ours.or(detail.theirs)) else { return Vec::new() };
    let money = |billionths: i64| Money(i128::from(billionths));
    // As on the bill: an amount keeps the decimals that were agreed.
    let agreed = finished.contract.decimals.or(finished.deck.decimals).unwrap_or(6);
    let amount = |amount: Money| report::shown(amount, u32::from(agreed));
    let written = |record: Option<Record>| match record {
        Some(record) => amount(record.money()),
        None => "–".to_owned(),
    };
    let talk = Money(i128::from(record.talk_ms) * (Money::UNIT / 1000));
    vec![
        Message::new("billing.step.row")
            .with("prefix", &row.prefix)
            .with("destination", row.destination.as_deref().unwrap_or("–"))
            .with("rate", money(row.rate))
            .with("blocks", format!("{}/{}", row.initial_s, row.increment_s))
            .with("fee", money(row.connect_fee)),
        Message::new("billing.step.seconds").with("talk", talk).with("billed", charge.billed_s),
        Message::new("billing.step.amount")
            .with("amount", amount(money(charge.amount)))
            .with("currency", &finished.outcome.currency),
        Message::new("billing.step.charged")
            .with("ours", written(detail.ours))
            .with("theirs", written(detail.theirs)),
    ]
}

/// What deck and contract say, a rule a sentence (R59).
fn accounting(finished: &Finished) -> Vec<Message> {
    let mut rules = vec![Message::new("billing.rule.deck").with("rows", finished.deck.rows.len())];
    rules.extend(contract(&finished.contract));
    rules
}

/// A contract's rules but those that change nothing.
fn contract(contract: &Contract) -> Vec<Message> {
    let Ok(keys) = toml::Table::try_from(contract) else { return Vec::new() };
    let is = |name: &str, value: &str| keys.get(name).and_then(toml::Value::as_str) == Some(value);
    let changes_nothing = |name: &str| match name {
        "free_sec" | "free_rule" => contract.free_sec == 0,
        "minimum_charge" | "unanswered_charge" => is(name, "0"),
        "increment_rounding" => contract.increment_decimals.is_none(),
        "span_rounding" => is("bands", "by_start"),
        "fx_factor" | "fx_decimals_before" | "fx_rounding_before" => is("fx_factor", "1"),
        "tax_percent" | "tax_on" => is("tax_percent", "0"),
        _ => false,
    };
    let said = keys.iter().filter(|(name, _)| !changes_nothing(name));
    said.map(|(name, value)| Message::new(&format!("billing.rule.{name}")).with("value", shown(value)))
        .collect()
}

/// A rule's value: words by their key, what is no word of ours as it is.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => {
            let key = format!("billing.value.{text}");
            if words(Language::English, &key) == key { text.clone() } else { key }
        }
        toml::Value::Table(threshold) => {
            // The only rule with a number beside its name.
            let from = threshold.values().find_map(toml::Value::as_integer).unwrap_or_default();
            format!("≥ {from} ms")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "currency = \"USD\"\nduration_from = \"start\"\nreference_time = \"answer\"\n\
        subsecond = { threshold_ms = 50 }\ninitial_sec = 60\nincrement_sec = 6\n\
        block_rule = \"total_multiple\"\nfree_sec = 3\nfree_rule = \"threshold\"\nconnect_fee = \"0.01\"\n\
        minimum_charge = \"0.02\"\nmaximum_charge = \"9\"\nunanswered_charge = \"0.001\"\ndecimals = 4\n\
        rounding = \"up\"\nincrement_decimals = 3\nincrement_rounding = \"half_even\"\nbands = \"split\"\n\
        span_rounding = \"each\"\nband_zone = \"Asia/Shanghai\"\ndeck_zone = \"+08:00\"\n\
        deck_last_day = \"included\"\nfx_factor = \"7.1\"\nfx_decimals_before = 4\n\
        fx_rounding_before = \"down\"\ntax_percent = \"6\"\ntax_on = \"call\"\nsum_decimals = 2\n\
        sum_rounding = \"half_up\"\n";

    #[test]
    fn a_bill_of_a_period_that_was_asked_for_is_of_that_period() {
        let span = Some([100, 900]);
        assert_eq!(period(span, None), span);
        assert_eq!(period(span, Some([200, 300])), Some([200, 300]));
        assert_eq!(period(span, Some([i64::MIN, 300])), Some([100, 300]));
        assert_eq!(period(span, Some([200, i64::MAX])), Some([200, 900]));
        assert_eq!(period(None, Some([200, i64::MAX])), None);
    }

    #[test]
    fn every_rule_of_a_contract_is_a_sentence_in_both_languages() {
        let whole = contract(&Contract::read(WHOLE).unwrap());
        assert_eq!(whole.len(), WHOLE.lines().count(), "each line of the contract");
        let plain = contract(&Contract::default());
        assert!((3..10).contains(&plain.len()), "what changes nothing is not said: {plain:?}");
        for language in [Language::English, Language::Chinese] {
            for rule in whole.iter().chain(&plain) {
                let said = rule.render(language);
                assert!(!said.contains("billing.") && !said.contains('_') && !said.contains('{'), "{said}");
            }
        }
    }
}
