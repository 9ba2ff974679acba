//! Causes, findings and the verdict in plain words.

use linesman_cdr::format::Rejection;
use linesman_cdr::outcome::{Cause, CauseKind, Fault, Finding, Outcome, Selector};
use linesman_cdr::record::Side;

use super::figures::{self, money};
use super::words::Language;
use crate::job::Finished;

/// The name of an enum's variant as the JSON has it.
pub(crate) fn tag(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// A kind of cause in a few words.
pub(crate) fn kind(kind: CauseKind, language: Language) -> String {
    language.word(&format!("cause.{}", tag(&kind)))
}

/// Who is at fault, in a word.
pub(crate) fn fault(fault: Fault, language: Language) -> String {
    language.word(&format!("fault.{}", tag(&fault)))
}

/// What is agreed or was done, in the field's shorthand; known phrases in the reader's language.
pub(crate) fn shorthand(text: &str, language: Language) -> String {
    let numeric = |word: &&str| word.starts_with(|sign: char| sign.is_ascii_digit());
    let number = text.split(' ').find(numeric).unwrap_or_default();
    let words = text.replace('-', " ");
    let key = if number.is_empty() { words } else { text.replacen(number, "n", 1) };
    let key = format!("shorthand.{}", key.replace(' ', "_"));
    if language.known(&key).is_some() { language.say(&key, &[("n", number)]) } else { text.to_owned() }
}

/// Which calls a cause is bound to, as it stands within a sentence; empty for all.
fn parts(cause: &Cause, language: Language) -> String {
    let Selector { prefix, gateway, account, destination } = &cause.selector;
    let part = |key: &str, value: &Option<String>| {
        value.as_ref().map(|value| language.say(key, &[("value", value)]))
    };
    let mut all: Vec<String> = [
        part("where.prefix", prefix),
        part("where.destination", destination),
        part("where.gateway", gateway),
        part("where.account", account),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !all.is_empty() && gateway.is_none() && account.is_none() {
        all.push(language.word("where.all_gateways"));
    }
    if let Some([from, to]) = &cause.window {
        let values = [("from", &*figures::rfc3339(from)), ("to", &*figures::rfc3339(to))];
        all.push(language.say("where.window", &values));
    }
    all.join(&language.word("where.join"))
}

/// What a cause is bound to, for a cell of a table.
pub(crate) fn bound(cause: &Cause, language: Language) -> String {
    match parts(cause, language).trim() {
        "" => language.word("where.everywhere"),
        parts => parts.to_owned(),
    }
}

/// A cause as one plain sentence.
pub(crate) fn cause(cause: &Cause, language: Language) -> String {
    let kind = tag(&cause.kind);
    let parts = parts(cause, language);
    let (on, place) = if parts.is_empty() {
        (String::new(), language.word("where.all"))
    } else {
        // Chinese sets a space between a name in Latin letters and its own words.
        let gap = language == Language::Chinese && parts.ends_with(|sign: char| sign.is_ascii_alphanumeric());
        let apart = format!("{parts}{}", if gap { " " } else { "" });
        (language.say("where.on", &[("parts", &*parts)]), language.say("where.some", &[("parts", &*apart)]))
    };
    let who = language.word(&format!("who.{}", tag(&cause.at_fault)));
    let counted = match cause.calls {
        1 => language.word("where.one_call"),
        calls => language.say("where.many_calls", &[("calls", &figures::count(calls))]),
    };
    let short = |text: &Option<String>| text.as_deref().map(|text| shorthand(text, language));
    let (contract, used) = (short(&cause.contract), short(&cause.used));
    let contract_text = contract.as_deref().unwrap_or_default();
    let used_text = used.as_deref().unwrap_or_default();
    let values = [
        ("who", &*who),
        ("on", &*on),
        ("where", &*place),
        ("counted", &*counted),
        ("contract", contract_text),
        ("used", used_text),
    ];
    let plain = || language.say(&format!("sentence.{kind}"), &values);
    let with = |key: &str| {
        let sentence = plain();
        language.say(key, &[("sentence", &*sentence), ("contract", contract_text), ("used", used_text)])
    };
    let exact = format!("terms.{kind}");
    let sentence = match (&contract, &used) {
        (Some(_), Some(_)) if language.known(&exact).is_some() => language.say(&exact, &values),
        (Some(_), Some(_)) => with("terms.other"),
        (None, Some(_)) => with("terms.other_used"),
        (Some(_), None) => with("terms.other_contract"),
        (None, None) => plain(),
    };
    sentence + &language.word("where.stop")
}

/// A neutral finding as one plain sentence.
pub(crate) fn finding(finding: &Finding, language: Language) -> String {
    let side = language.word(match finding.side {
        Some(Side::Ours) => "finding.our_file",
        Some(Side::Theirs) => "finding.their_file",
        None => "finding.both_sides",
    });
    let given = |name: &str| finding.values.get(name).map(|value| valued(name, value, language));
    let list: Vec<String> = finding
        .values
        .iter()
        .map(|(name, value)| format!("{} {}", named(name, language), valued(name, value, language)))
        .collect();
    let place = given("gateway").map(|gateway| language.say("where.gateway", &[("value", &gateway)]));
    let place = match (place, language) {
        (Some(place), Language::Chinese) => format!("，{place}"),
        (place, _) => place.unwrap_or_default(),
    };
    let mut values = vec![
        ("side", side),
        ("kind", finding.kind.replace('_', " ")),
        ("values", list.join(", ")),
        ("where", place),
    ];
    values.extend(finding.values.iter().map(|(name, value)| (name.as_str(), valued(name, value, language))));
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let key = format!("finding.{}", pattern(finding));
    // A gap that this finding has no value for: better all values as they are.
    let is_filled = |pattern: &str| {
        pattern
            .split('{')
            .skip(1)
            .filter_map(|piece| piece.split('}').next())
            .all(|gap| values.iter().any(|(name, _)| *name == gap))
    };
    let key = match language.known(&key) {
        Some(pattern) if is_filled(pattern) => key.as_str(),
        _ => "finding.other",
    };
    language.say(key, &values)
}

/// Which sentence a finding is said with.
fn pattern(finding: &Finding) -> &str {
    let has = |name: &str| finding.values.contains_key(name);
    let is_empty = |name: &str| finding.values.get(name).is_some_and(|value| value == "");
    match finding.kind.as_str() {
        "number_format" if has("written") => "number_written",
        "number_format" if is_empty("from") => "number_added",
        "number_format" if is_empty("to") => "number_removed",
        "number_format" => "number_rewritten",
        "time_format" if has("duration") => "duration_format",
        "clock_offset" if has("from") => "clock_offset_from",
        kind => kind,
    }
}

fn named(name: &str, language: Language) -> String {
    language.known(&format!("value.{name}")).map_or_else(|| name.replace('_', " "), str::to_owned)
}

/// A value of a finding: words of ours in the reader's language, everything else as it is.
fn valued(name: &str, value: &serde_json::Value, language: Language) -> String {
    let ours =
        matches!(name, "amounts" | "header" | "split" | "party" | "basis" | "written" | "ours" | "theirs");
    match value {
        serde_json::Value::String(text) if text == "\t" => language.word("value.tab"),
        serde_json::Value::String(text) if ours => named(text, language),
        serde_json::Value::String(text) if matches!(name, "at" | "from") => figures::rfc3339(text),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Bool(is) => named(if *is { "true" } else { "false" }, language),
        serde_json::Value::Object(map) => {
            let pair = |(name, value): (&String, &serde_json::Value)| {
                format!("{name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            };
            map.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Why a line is no record.
pub(crate) fn reason(rejection: &Rejection, language: Language) -> &str {
    match language {
        Language::Chinese if !rejection.reason_zh.is_empty() => &rejection.reason_zh,
        _ => &rejection.reason,
    }
}

/// Which period was asked for, and how much of the files is outside it; nothing where all was.
pub(crate) fn period(finished: &Finished, language: Language) -> Vec<String> {
    let Some([from, to]) = finished.period else { return Vec::new() };
    let values = [("from", &*figures::instant(from)), ("to", &*figures::instant(to))];
    let key = match (from, to) {
        (i64::MIN, _) => "summary.period_to",
        (_, i64::MAX) => "summary.period_from",
        _ => "summary.period_between",
    };
    let counts = &finished.outcome.counts;
    let outside = [
        ("ours", &*figures::count(counts.outside_ours)),
        ("theirs", &*figures::count(counts.outside_theirs)),
    ];
    vec![language.say(key, &values), language.say("summary.period_outside", &outside)]
}

/// The verdict in plain sentences: who deviates, and what each side charges against the contract.
pub(crate) fn verdict(outcome: &Outcome, decimals: u32, language: Language) -> Vec<String> {
    if figures::agrees(outcome) {
        return vec![language.word("verdict.agree")];
    }
    let mut said = vec![language.word(&format!("verdict.{}", tag(&outcome.verdict)))];
    let sides = [
        ("theirs", money(&outcome.totals.theirs_minus_correct)),
        ("ours", money(&outcome.totals.ours_minus_correct)),
    ];
    for (side, against) in sides {
        let key = match against.0 {
            0 => format!("verdict.same_{side}"),
            1.. => format!("verdict.owed_{side}"),
            _ => format!("verdict.owed_{side}_less"),
        };
        let amount = figures::shown(against.abs(), decimals);
        said.push(language.say(&key, &[("amount", &amount), ("currency", &outcome.currency)]));
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(kind: &str, side: Option<Side>, values: serde_json::Value, language: Language) -> String {
        let serde_json::Value::Object(values) = values else { panic!("an object") };
        finding(&Finding { kind: kind.to_owned(), side, values }, language)
    }

    #[test]
    fn findings_are_sentences_in_both_languages_whatever_they_hold() {
        let theirs = Some(Side::Theirs);
        let all = [
            ("timezone", theirs, json!({"utc_offset": "+08:00"})),
            ("clock_offset", None, json!({"seconds": -3})),
            ("clock_offset", None, json!({"seconds": 2, "from": "2026-04-03T00:00:00Z"})),
            ("clock_drift", theirs, json!({"ppm": 1.5, "ms_per_day": 130.0})),
            ("dst_change", theirs, json!({"at": "2026-03-29T01:00:00Z", "from": "+01:00", "to": "+02:00"})),
            ("time_basis", theirs, json!({"basis": "answer"})),
            ("number_format", theirs, json!({"from": "0086", "to": "86", "party": "callee", "support": 9})),
            (
                "number_format",
                theirs,
                json!({"from": "", "to": "86", "party": "caller", "support": 9, "gateway": "g"}),
            ),
            ("number_format", theirs, json!({"from": "00", "to": "", "party": "callee", "support": 9})),
            ("number_format", theirs, json!({"written": "plus", "example": "+1"})),
            ("tech_prefix", theirs, json!({"prefix": "9913#", "party": "callee", "support": 9})),
            ("time_format", theirs, json!({"style": "day_first", "example": "03.04.2026"})),
            ("time_format", theirs, json!({"column": "len", "duration": "colons", "example": "1:02"})),
            ("csv_dialect", theirs, json!({"delimiter": "\t", "header": false, "format": "asterisk"})),
            ("gateway_names", theirs, json!({"names": {"a": "b"}})),
            ("order", None, json!({"ours": "start_time", "theirs": "end_time_descending"})),
        ];
        for (kind, side, values) in all {
            for language in [Language::English, Language::Chinese] {
                let said = said(kind, side, values.clone(), language);
                assert!(!said.contains(['{', '_', '"']), "{said}");
            }
        }
        let english = said("brand_new", None, json!({"thing": 1}), Language::English);
        assert_eq!(english, "brand new (both files): thing 1.");
    }

    #[test]
    fn shorthand_of_causes_is_translated_where_it_is_words() {
        let of = |text: &str| shorthand(text, Language::Chinese);
        assert_eq!(of("answer to hang-up"), "应答至挂机");
        assert_eq!(of("60/60 of the total"), "60/60（按总时长）");
        assert_eq!(of("always as at 08:00"), "始终按 08:00 的时段");
        assert_eq!(
            [of("60/60"), of("0.0215"), of("half_even")],
            ["60/60", "0.0215", "四舍六入五成双"].map(str::to_owned)
        );
    }
}
