//! What a reconciliation found, as people read it: on its own page and on the ticket.

use crate::diagnosis::Billing;
use crate::diagnosis::billed::{self, BilledDifference, BilledMedia};
use crate::diagnosis::billing::Agreement;

use super::shell::Shell;
use super::words::Moment;

/// A sum with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub(super) words: String,
    pub(super) amount: String,
    pub(super) weighs: bool,
}

/// A dimension with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionView {
    pub(super) result: String,
    /// For CSS classes.
    pub(super) name: &'static str,
    pub(super) sentence: String,
}

/// A cause with its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseView {
    pub(super) words: String,
    pub(super) side: String,
    pub(super) contract: String,
    pub(super) used: String,
    pub(super) calls: u64,
    pub(super) amount: String,
    pub(super) bounds: String,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct BillView {
    pub(super) run: String,
    pub(super) at: Moment,
    pub(super) party: String,
    pub(super) period: String,
    pub(super) currency: String,
    pub(super) sums: Vec<Sum>,
    pub(super) records: [u64; 3],
    pub(super) dimensions: Vec<DimensionView>,
    pub(super) causes: Vec<CauseView>,
    pub(super) unexplained: String,
    pub(super) example: Vec<String>,
    pub(super) accounting: Vec<String>,
    pub(super) advice: String,
    pub(super) files: Vec<FileView>,
    pub(super) heard: Vec<HeardView>,
    /// Whether this is the page of the comparison itself.
    pub(super) is_whole: bool,
}

/// A file of records beside the calls that were heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardView {
    /// What it comes to.
    pub(super) sentences: Vec<String>,
    pub(super) rows: Vec<HeardRowView>,
    /// Why something was not judged, and how many.
    pub(super) undecided: Vec<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardRowView {
    pub(super) kind: String,
    pub(super) line: String,
    pub(super) who: String,
    pub(super) evidence: String,
    pub(super) worth: String,
}

/// A file of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileView {
    /// As `en/report.html`.
    pub(super) name: String,
    /// In words.
    pub(super) words: String,
}

/// In the reader's language; of its files those in that language. `is_whole` on the page of the comparison.
#[must_use]
pub fn view(shell: &Shell, billing: &Billing, is_whole: bool) -> BillView {
    let totals = &billing.totals;
    let sum = |key: &str, amount: &String, weighs| Sum {
        words: shell.t(&format!("page.total_{key}")),
        amount: amount.clone(),
        weighs,
    };
    BillView {
        run: billing.run.clone(),
        at: Moment(billing.at),
        party: billing.party.clone(),
        period: billing.period.clone(),
        currency: billing.currency.clone(),
        sums: vec![
            sum("ours", &totals.ours, false),
            sum("theirs", &totals.theirs, false),
            sum("difference", &totals.difference, true),
            sum("correct", &totals.correct, false),
            sum("ours_minus_correct", &totals.ours_minus_correct, false),
            sum("theirs_minus_correct", &totals.theirs_minus_correct, false),
        ],
        records: billing.records,
        dimensions: billing
            .dimensions
            .iter()
            .map(|compared| {
                let (key, name) = match compared.result {
                    Agreement::Agrees => ("agreement_agrees", "ok"),
                    Agreement::Converted => ("agreement_converted", "ok"),
                    Agreement::Differs => ("agreement_differs", "down"),
                    Agreement::NotCompared => ("agreement_not_compared", "unknown"),
                };
                DimensionView {
                    result: shell.t(&format!("page.{key}")),
                    name,
                    sentence: shell.say(&compared.sentence),
                }
            })
            .collect(),
        causes: billing
            .causes
            .iter()
            .map(|cause| {
                let mut bounds: Vec<String> = cause
                    .selector
                    .iter()
                    .map(|(name, value)| if name == "prefix" { format!("{value}…") } else { value.clone() })
                    .collect();
                bounds.extend(cause.window.as_ref().map(|[from, to]| format!("{from} – {to}")));
                CauseView {
                    words: shell.t(&format!("cause.{}", cause.cause.name())),
                    side: shell.t(&format!("side.{}", cause.side.name())),
                    contract: cause.contract.clone().unwrap_or_default(),
                    used: cause.used.clone().unwrap_or_default(),
                    calls: cause.calls,
                    amount: cause.amount.clone(),
                    bounds: bounds.join(", "),
                }
            })
            .collect(),
        unexplained: billing.unexplained.clone(),
        example: billing.example.iter().map(|step| shell.say(step)).collect(),
        accounting: billing.accounting.iter().map(|rule| shell.say(rule)).collect(),
        advice: shell.say(&billing.advice),
        files: files(shell, &billing.files),
        heard: billing.heard.iter().map(|heard| heard_view(shell, heard)).collect(),
        is_whole,
    }
}

fn heard_view(shell: &Shell, heard: &BilledMedia) -> HeardView {
    let language = shell.language();
    let row = |one: &BilledDifference| {
        let currency = one.currency.as_deref().unwrap_or_default();
        let worth = one.at_stake.as_ref().map(|money| format!("{money} {currency}").trim().to_owned());
        let of_record = one.record.as_ref().map(|row| [&row.caller, &row.callee]);
        let parties = of_record.or_else(|| one.call.as_ref().map(|call| [&call.from, &call.to]));
        HeardRowView {
            kind: billed::kind_words(&one.kind, language),
            line: one.record.as_ref().map(|row| row.line.to_string()).unwrap_or_default(),
            who: parties.map(|[from, to]| format!("{from} → {to}")).unwrap_or_default(),
            evidence: shell.say(&one.evidence),
            worth: worth.unwrap_or_default(),
        }
    };
    HeardView {
        sentences: heard.reasons().iter().map(|reason| shell.say(reason)).collect(),
        rows: heard.differences.iter().map(row).collect(),
        undecided: heard
            .undecided
            .iter()
            .map(|(why, count)| format!("{}: {count}", billed::undecided_words(why, language)))
            .collect(),
    }
}

/// The report in the reader's language, what is sent first before what programs read.
fn files(shell: &Shell, names: &[String]) -> Vec<FileView> {
    let own = format!("{}/", shell.language().tag());
    let mut own: Vec<_> = names.iter().filter_map(|name| Some((name, name.strip_prefix(&own)?))).collect();
    let order = ["html", "xlsx", "csv", "json"];
    own.sort_by_key(|(_, short)| order.iter().position(|end| short.ends_with(end)).unwrap_or(order.len()));
    own.into_iter()
        .map(|(name, short)| {
            let key = match short.rsplit('.').next().unwrap_or_default() {
                "html" => "page.file_html",
                "xlsx" => "page.file_xlsx",
                "csv" => "page.file_csv",
                "json" => "page.file_json",
                _ => "page.file_other",
            };
            FileView { name: name.clone(), words: format!("{} · {short}", shell.t(key)) }
        })
        .collect()
}
