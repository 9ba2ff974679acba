//! Reads a table of levels from TOML and checks it whole.

use serde::Deserialize;
use toml::Spanned;

use super::{Criterion, Fact, Grade, Level, Levels, Rule};
use crate::money::Money;
use crate::role::Role;
use crate::text::Text;
use linesman_deadlines::Mistake;
use linesman_deadlines::mistake::Mistakes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    claim_limit: Limit,
    identification: Identification,
    level: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    amount: Spanned<Money>,
    currency: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identification {
    #[serde(rename = "rule")]
    _rule: String,
    facts: Vec<Fact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    level: Spanned<Level>,
    grade: Spanned<Grade>,
    supervisor: Role,
    mode: String,
    mode_zh: String,
    #[serde(default)]
    criterion: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    fact: Spanned<Fact>,
    at_least: Spanned<u64>,
}

/// Reads a table.
///
/// # Errors
/// Every mistake with its place; of what is not in the form of a table, the first.
pub fn read(file: &str, text: &str) -> Result<Levels, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let currency = read.claim_limit.currency.get_ref();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        mistakes.add(read.claim_limit.currency.span(), "a currency has three capitals, as CNY");
    }
    if *read.claim_limit.amount.get_ref() < Money::ZERO {
        mistakes.add(read.claim_limit.amount.span(), "a limit is not below zero");
    }
    if read.level.is_empty() {
        mistakes.add(0..0, "there is no level; a table has one [[level]] at least");
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(read.level.len());
    for entry in read.level {
        if let Some(before) = rules.last() {
            if before.level >= *entry.level.get_ref() {
                mistakes.add(
                    entry.level.span(),
                    "levels stand in order, each once: blue, yellow, orange, red, red_plus",
                );
            }
            if before.grade > *entry.grade.get_ref() {
                mistakes.add(entry.grade.span(), "a graver level has no milder grade");
            }
            if entry.criterion.is_empty() {
                mistakes.add(entry.level.span(), "nothing makes this level; only the first has no criterion");
            }
        }
        let mode = Text { en: entry.mode, zh: entry.mode_zh };
        if let Some(wrong) = mode.wrong() {
            mistakes.add(entry.level.span(), format!("mode: {}", wrong.replace("`text", "`mode")));
        }
        let mut criteria = Vec::with_capacity(entry.criterion.len());
        for row in entry.criterion {
            let (fact, at_least) = (*row.fact.get_ref(), *row.at_least.get_ref());
            if at_least == 0 {
                mistakes.add(row.at_least.span(), "at_least is 1 or more; everything reaches 0");
            } else if fact.is_flag() && at_least > 1 {
                mistakes.add(row.at_least.span(), format!("`{fact}` holds or not; write at_least = 1"));
            }
            criteria.push(Criterion { fact, at_least });
        }
        rules.push(Rule {
            level: entry.level.into_inner(),
            grade: entry.grade.into_inner(),
            supervisor: entry.supervisor,
            mode,
            criteria,
        });
    }
    mistakes.or(Levels {
        version: read.version,
        claim_limit: read.claim_limit.amount.into_inner(),
        currency: read.claim_limit.currency.into_inner(),
        identification: read.identification.facts,
        rules,
    })
}
