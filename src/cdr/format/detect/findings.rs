//! What of a file is not the plain generic form, and what it proves to its counterpart.

use serde_json::{Map, Value, json};

use super::super::{Layout, Role, SpanStyle, TimeStyle, Zone};
use super::content::tail;
use super::table::Table;
use super::values::{is_of_digits, seconds, stamp};
use super::{Evidence, Hints};
use crate::outcome::Finding;

/// Numbers of a party that are kept for the other file.
const KEPT: usize = 20_000;

pub(super) fn of(table: &Table, hints: &Hints, layout: &Layout) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |kind: &str, values: Value| {
        let values = match values {
            Value::Object(values) => values,
            _ => Map::new(),
        };
        findings.push(Finding { kind: kind.to_owned(), side: hints.side, values });
    };
    let place = |role: Role| layout.columns.iter().position(|known| *known == role);
    let moment = [Role::Start, Role::Answer, Role::End, Role::StartDate].into_iter().find_map(place);
    let example = moment.and_then(|column| table.filled(column).next()).unwrap_or("").to_owned();
    let split = place(Role::StartDate).is_some();
    let fixed = match &layout.zone {
        Zone::Unknown => None,
        Zone::Fixed(seconds) => Some(offset(*seconds)),
        Zone::Named(name) => Some(name.clone()),
    };
    let half_days = [" am", " pm", "上午", "下午"].iter().any(|word| example.to_lowercase().contains(word));
    if layout.time != TimeStyle::YearFirst || split || half_days {
        let mut values = json!({ "style": layout.time, "example": example });
        if split {
            values["split"] = json!(true);
        }
        if let Some(zone) = &fixed {
            values["zone"] = json!(zone);
        }
        say("time_format", values);
    }
    let lengths = [Role::Talk, Role::Total, Role::Billed].into_iter().filter_map(place);
    let other = lengths.into_iter().find(|column| layout.spans[*column] != SpanStyle::Seconds);
    if let Some(column) = other {
        let example = table.filled(column).next().unwrap_or("");
        say(
            "time_format",
            json!({ "column": column_name(table, column), "duration": layout.spans[column], "example": example }),
        );
    }
    let generic = layout.delimiter == ','
        && layout.decimal == '.'
        && layout.thousands.is_none()
        && !table.header.is_empty();
    if !generic || layout.preset != "generic" || layout.credits {
        let mut values = json!({ "delimiter": layout.delimiter, "header": !table.header.is_empty() });
        if layout.preset != "generic" {
            values["format"] = json!(layout.preset);
        }
        if layout.decimal != '.' {
            values["decimal"] = json!(layout.decimal);
        }
        if let Some(thousands) = layout.thousands {
            values["thousands"] = json!(thousands);
        }
        if layout.credits {
            values["amounts"] = json!("negative");
        }
        say("csv_dialect", values);
    }
    for role in [Role::Callee, Role::Caller] {
        let Some((written, example)) = place(role).and_then(|column| unusual_number(table, column)) else {
            continue;
        };
        say("number_format", json!({ "written": written, "example": example }));
        break;
    }
    findings
}

fn column_name(table: &Table, column: usize) -> String {
    table
        .header
        .get(column)
        .filter(|name| !name.is_empty())
        .cloned()
        .unwrap_or_else(|| (column + 1).to_string())
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() % 3600 / 60)
}

/// How numbers are written, when most are no plain digits.
fn unusual_number(table: &Table, column: usize) -> Option<(&'static str, String)> {
    let kind = |text: &str| {
        if is_of_digits(text, b"") {
            return None;
        }
        let lower = text.to_ascii_lowercase();
        if lower.contains("sip:") || lower.contains("tel:") || lower.contains('@') {
            Some("uri")
        } else if lower.starts_with("=\"") {
            Some("spreadsheet_text")
        } else if lower.contains("e+") {
            Some("spreadsheet_exponent")
        } else if lower.starts_with('+') {
            Some("plus")
        } else if lower.contains(['#', '*']) {
            Some("tech_prefix_sign")
        } else if lower.starts_with(|sign: char| sign.is_ascii_digit() || sign == '(')
            && lower.contains(['-', ' ', '.', '(', '/'])
        {
            Some("separators")
        } else {
            None
        }
    };
    let mut counts = std::collections::BTreeMap::<&'static str, (usize, String)>::new();
    let mut all = 0usize;
    for text in table.filled(column) {
        all += 1;
        if let Some(kind) = kind(text) {
            counts.entry(kind).or_insert_with(|| (0, text.to_owned())).0 += 1;
        }
    }
    let (kind, (count, example)) = counts.into_iter().max_by_key(|(_, (count, _))| *count)?;
    (count * 5 >= all).then_some((kind, example))
}

pub(super) fn evidence(table: &Table, layout: &Layout) -> Evidence {
    let place = |role: Role| layout.columns.iter().position(|known| *known == role);
    let mut evidence = Evidence::default();
    let tails = |role: Role| {
        let column = place(role);
        column.into_iter().flat_map(|column| table.filled(column)).filter_map(tail).take(KEPT).collect()
    };
    evidence.callers = tails(Role::Caller);
    evidence.callees = tails(Role::Callee);
    let moment = [Role::Start, Role::Answer, Role::End, Role::StartDate].into_iter().find_map(place);
    for text in moment.into_iter().flat_map(|column| table.filled(column)) {
        let read = seconds(text, layout.time).or_else(|| stamp(text)?.seconds(layout.time));
        let Some(day) = read.map(|at| (at / 86_400.0).floor() as i64) else { continue };
        let [first, last] = evidence.days.unwrap_or([day, day]);
        evidence.days = Some([first.min(day), last.max(day)]);
    }
    evidence
}
