//! Causes, findings and the verdict in plain words.

use linesman_cdr::format::Rejection;
use linesman_cdr::outcome::{Cause, CauseKind, Fault, Finding, Outcome, Selector};
use linesman_cdr::record::Side;

use super::figures::{self, money};
use super::words::Language;

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
    let key: String = text
        .chars()
        .map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '_' })
        .collect();
    language.known(&format!("shorthand.{key}")).map_or_else(|| text.to_owned(), str::to_owned)
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
        let parts = [("parts", &*parts)];
        (language.say("where.on", &parts), language.say("where.some", &parts))
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
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let list: Vec<String> = finding
        .values
        .iter()
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), text(value)))
        .collect();
    let list = list.join(", ");
    let mut values = vec![("side", side), ("kind", finding.kind.clone()), ("values", list)];
    values.extend(finding.values.iter().map(|(name, value)| (name.as_str(), text(value))));
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let key = format!("finding.{}", finding.kind);
    let said = language.known(&key).map(|_| language.say(&key, &values));
    // A gap that this finding has no value for: better all values as they are.
    said.filter(|said| !said.contains('{')).unwrap_or_else(|| language.say("finding.other", &values))
}

/// Why a line is no record.
pub(crate) fn reason(rejection: &Rejection, language: Language) -> &str {
    match language {
        Language::Chinese if !rejection.reason_zh.is_empty() => &rejection.reason_zh,
        _ => &rejection.reason,
    }
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
