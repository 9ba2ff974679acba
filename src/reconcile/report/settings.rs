//! What was read and by which settings: hashes, layouts, contract, version.

use linesman_cdr::format::Zone;
use linesman_cdr::record::Side;

use super::figures::{count, instant};
use super::sentence::tag;
use super::words::Language;
use crate::job::Finished;

/// Name and value of each setting, in order.
pub(crate) fn settings(finished: &Finished, language: Language) -> Vec<(String, String)> {
    let mut rows = vec![
        (language.word("method.program"), env!("CARGO_PKG_VERSION").to_owned()),
        (language.word("method.currency"), finished.outcome.currency.clone()),
        (language.word("method.rates_sha256"), finished.rates_sha256.clone()),
    ];
    match &finished.contract_sha256 {
        Some(hash) => rows.push((language.word("method.contract_sha256"), hash.clone())),
        None => rows.push((language.word("method.contract"), language.word("report.contract_none"))),
    }
    for (name, value) in contract(finished) {
        rows.push((format!("{}: {name}", language.word("method.contract")), value));
    }
    if let Some([from, to]) = finished.period {
        for (key, edge) in [("method.asked_from", from), ("method.asked_to", to)] {
            if edge != i64::MIN && edge != i64::MAX {
                rows.push((language.word(key), instant(edge)));
            }
        }
    }
    for side in Side::BOTH {
        let facts = &finished.inputs[side.index()];
        let layout = &facts.layout;
        let who = language.word(&format!("side.{}", tag(&side)));
        let counts = &finished.outcome.counts;
        let (records, rejected) = match side {
            Side::Ours => (counts.ours, counts.rejected_ours),
            Side::Theirs => (counts.theirs, counts.rejected_theirs),
        };
        let zone = match &layout.zone {
            Zone::Unknown => language.word("method.zone_unknown"),
            Zone::Fixed(seconds) => offset(*seconds),
            Zone::Named(name) => name.clone(),
        };
        let delimiter = match layout.delimiter {
            '\t' => language.word("method.tab"),
            other => other.to_string(),
        };
        let columns: Vec<String> = layout
            .columns
            .iter()
            .enumerate()
            .map(|(place, role)| match layout.header.get(place) {
                Some(name) => format!("{name} = {}", tag(role)),
                None => format!("{} = {}", place + 1, tag(role)),
            })
            .collect();
        let period = facts
            .period_ms
            .map_or_else(String::new, |[from, to]| format!("{} – {}", instant(from), instant(to)));
        let mut push = |key: &str, value: String| rows.push((language.say(key, &[("side", &who)]), value));
        push("method.file", facts.name.clone());
        if !facts.sha256.is_empty() {
            push("method.sha256", facts.sha256.clone());
        }
        push("method.bytes", count(facts.bytes));
        push("method.records", count(records));
        push("method.rejected", count(rejected));
        if finished.period.is_some() {
            push("method.outside", count(facts.tally.outside));
        }
        push("method.period", period);
        push("method.preset", layout.preset.clone());
        push("method.delimiter", delimiter);
        push("method.columns", columns.join(", "));
        push("method.time", tag(&layout.time));
        push("method.zone", zone);
        push("method.decimal", layout.decimal.to_string());
    }
    rows
}

/// The contract's keys with their values, as its file has them.
fn contract(finished: &Finished) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    if let Ok(serde_json::Value::Object(keys)) = serde_json::to_value(&finished.contract) {
        for (name, value) in keys {
            match value {
                serde_json::Value::Null => {}
                serde_json::Value::String(text) => rows.push((name, text)),
                other => rows.push((name, other.to_string())),
            }
        }
    }
    rows
}

/// `+08:00`.
pub(crate) fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
