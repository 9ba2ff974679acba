//! Records beside heard calls as a table for spreadsheets and as a document: what is kept with a run's report, and what
//! `linesman cdr media` writes.

use crate::diagnosis::billed::{BilledDifference, BilledMedia};
use crate::locale::Language;

const COLUMNS: [&str; 34] = [
    "kind",
    "evidence",
    "seconds",
    "at_stake",
    "currency",
    "matched_by",
    "line",
    "call_id",
    "caller",
    "callee",
    "start",
    "talk_s",
    "billed_s",
    "rate",
    "amount",
    "codec",
    "gateway",
    "heard_call_id",
    "from",
    "to",
    "invited",
    "answered",
    "ended",
    "caller_first",
    "caller_last",
    "caller_active_s",
    "caller_packets",
    "caller_codecs",
    "callee_first",
    "callee_last",
    "callee_active_s",
    "callee_packets",
    "callee_codecs",
    "comfort_noise_s",
];

/// All differences, a line each, for a spreadsheet: UTF-8 with its mark, and nothing that is taken for a formula.
#[must_use]
pub fn csv(told: &BilledMedia, language: Language) -> String {
    let mut text = format!("\u{feff}{}\r\n", COLUMNS.join(","));
    for difference in &told.differences {
        let cells: Vec<String> = cells(difference, language).iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A field (RFC 4180).
fn quoted(cell: &str) -> String {
    let safe = linesman_reconcile::report::harmless(cell);
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

fn cells(difference: &BilledDifference, language: Language) -> Vec<String> {
    let or_empty = |text: Option<&String>| text.cloned().unwrap_or_default();
    let mut cells = vec![
        difference.kind.clone(),
        difference.evidence.render(language),
        difference.seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
        or_empty(difference.at_stake.as_ref()),
        or_empty(difference.currency.as_ref()),
        or_empty(difference.matched_by.as_ref()),
    ];
    match &difference.record {
        None => cells.extend(vec![String::new(); 11]),
        Some(row) => cells.extend([
            row.line.to_string(),
            or_empty(row.call_id.as_ref()),
            row.caller.clone(),
            row.callee.clone(),
            row.start.clone(),
            row.talk_s.clone(),
            row.billed_s.map(|seconds| seconds.to_string()).unwrap_or_default(),
            or_empty(row.rate.as_ref()),
            or_empty(row.amount.as_ref()),
            or_empty(row.codec.as_ref()),
            or_empty(row.gateway.as_ref()),
        ]),
    }
    let Some(call) = &difference.call else {
        cells.extend(vec![String::new(); 17]);
        return cells;
    };
    cells.extend([
        or_empty(call.call_id.as_ref()),
        call.from.clone(),
        call.to.clone(),
        or_empty(call.start.as_ref()),
        or_empty(call.answer.as_ref()),
        or_empty(call.end.as_ref()),
    ]);
    let mut noise = 0.0;
    for way in [&call.from_caller, &call.from_callee] {
        match way {
            None => cells.extend(vec![String::new(); 5]),
            Some(way) => {
                noise += way.comfort_noise_s;
                cells.extend([
                    way.first.clone(),
                    way.last.clone(),
                    way.active_s.to_string(),
                    way.packets.to_string(),
                    way.codecs.join(" "),
                ]);
            }
        }
    }
    cells.push(noise.to_string());
    cells
}

/// One JSON document with the evidence in words.
///
/// # Errors
/// When it cannot be written, which is a defect.
pub fn document(told: &BilledMedia, language: Language) -> serde_json::Result<serde_json::Value> {
    let mut document = serde_json::to_value(told)?;
    let rows = document.get_mut("differences").and_then(serde_json::Value::as_array_mut);
    for (row, difference) in rows.into_iter().flatten().zip(&told.differences) {
        row["evidence"] = difference.evidence.render(language).into();
    }
    Ok(document)
}
