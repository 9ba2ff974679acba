//! Set phrases: what is said in which situation, politely and without jargon, in both languages (R36, R112).
//!
//! The shipped ones are data; a published article of kind `script` takes the place of the one of its purpose.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Situations that there are phrases for.
pub const PURPOSES: [&str; 13] = [
    "receipt",
    "first_response",
    "no_action_needed",
    "outage_known",
    "announced_work",
    "promise_late",
    "cause_found",
    "ask_to_test",
    "result",
    "apology",
    "unverifiable",
    "secrecy",
    "unwanted_service",
];

/// A set phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// In which situation.
    pub purpose: String,
    /// The rule of the procedure.
    pub rule: String,
    /// In English; `{…}` is filled in by who says it.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    script: Vec<Script>,
}

static SHIPPED: LazyLock<Vec<Script>> = LazyLock::new(|| {
    let read: Result<Shipped, _> = toml::from_str(include_str!("scripts.toml"));
    read.map(|shipped| shipped.script).unwrap_or_default()
});

/// The shipped phrases; that they can be read is held by a test.
#[must_use]
pub fn shipped() -> &'static [Script] {
    &SHIPPED
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn gaps(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|piece| piece.split('}').next()).collect()
    }

    #[test]
    fn r36_r112_there_is_a_phrase_for_every_situation_with_the_same_gaps_in_both_languages() {
        let purposes: Vec<&str> = shipped().iter().map(|script| script.purpose.as_str()).collect();
        assert_eq!(purposes, PURPOSES);
        for script in shipped() {
            assert!(
                script.zh.chars().any(|sign| sign >= '\u{4e00}') && script.en.is_ascii(),
                "{}",
                script.purpose
            );
            assert_eq!(gaps(&script.en), gaps(&script.zh), "{}", script.purpose);
            assert!(
                script.rule.starts_with('R') && !script.en.contains("RTP"),
                "{}: no jargon",
                script.purpose
            );
        }
    }
}
