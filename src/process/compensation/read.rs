//! Reads a standard from TOML and checks it whole.

use serde::Deserialize;
use toml::Spanned;

use super::{Choice, Exclusion, Limit, Method, Remedy, Rule, Standard};
use crate::money::Money;
use crate::role::Role;
use crate::text::Text;
use linesman_deadlines::Mistake;
use linesman_deadlines::mistake::Mistakes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    currency: Spanned<String>,
    limit: Vec<LimitEntry>,
    rule: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitEntry {
    role: Spanned<Role>,
    amount: Option<Spanned<Money>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    section: String,
    rule: Spanned<String>,
    kind: Spanned<String>,
    title: String,
    title_zh: String,
    urban_hours: Option<u32>,
    rural_hours: Option<u32>,
    per_day: Option<Spanned<Money>>,
    cap: Option<Spanned<Money>>,
    factor: Option<Spanned<u32>>,
    #[serde(default)]
    option: Vec<OptionEntry>,
    #[serde(default)]
    excluded_by: Vec<Exclusion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionEntry {
    id: Spanned<String>,
    remedy: Remedy,
    title: String,
    title_zh: String,
    amount: Spanned<Money>,
}

const KINDS: [&str; 6] =
    ["rent_waived", "per_day", "no_order_record", "tariff_differs", "billing_error", "goodwill"];

/// Reads a standard.
///
/// # Errors
/// Every mistake with its place; of what is not in the form of a standard, the first.
pub fn read(file: &str, text: &str) -> Result<Standard, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let currency = read.currency.get_ref();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        mistakes.add(read.currency.span(), "a currency has three capitals, as CNY");
    }
    let limits = limits(read.limit, &mut mistakes);
    let mut rules: Vec<Rule> = Vec::with_capacity(read.rule.len());
    for entry in read.rule {
        let id = entry.id.get_ref();
        if rules.iter().any(|known| known.id == *id) {
            let id = id.escape_debug();
            mistakes.add(entry.id.span(), format!("`{id}` is there twice; give each an id of its own"));
        }
        let kind = entry.kind.clone();
        if let Some(rule) = rule(entry, &mut mistakes) {
            let is_there =
                |known: &Rule| std::mem::discriminant(&known.method) == std::mem::discriminant(&rule.method);
            if rules.iter().any(is_there) {
                mistakes.add(kind.span(), "there is a rule of this kind already; a claim must have one rule");
            }
            rules.push(rule);
        }
    }
    mistakes.or(Standard { version: read.version, currency: read.currency.into_inner(), limits, rules })
}

fn limits(entries: Vec<LimitEntry>, mistakes: &mut Mistakes<'_>) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::with_capacity(entries.len());
    if entries.is_empty() {
        mistakes.add(0..0, "nobody may grant anything; add a [[limit]]");
    }
    for entry in entries {
        let role = *entry.role.get_ref();
        if limits.iter().any(|known| known.role == role) {
            mistakes.add(entry.role.span(), format!("`{role}` has a limit already"));
        }
        let amount = entry.amount.as_ref().map(|amount| *amount.get_ref());
        let is_above = |before: &Limit| match (before.amount, amount) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(before), Some(this)) => before < this,
        };
        if limits.last().is_some_and(|before| !is_above(before)) {
            mistakes.add(entry.role.span(), "limits stand from the lowest; one without amount comes last");
        }
        limits.push(Limit { role, amount });
    }
    limits
}

fn rule(entry: Entry, mistakes: &mut Mistakes<'_>) -> Option<Rule> {
    let title = Text { en: entry.title, zh: entry.title_zh };
    if let Some(wrong) = title.wrong() {
        mistakes.add(entry.id.span(), wrong.replace("`text", "`title"));
    }
    let number = entry.rule.get_ref().strip_prefix('R').map(str::parse::<u16>);
    if !matches!(number, Some(Ok(_))) {
        mistakes.add(entry.rule.span(), "a rule is named as in mission.md, such as R113");
    }
    for amount in [&entry.per_day, &entry.cap].into_iter().flatten() {
        if *amount.get_ref() < Money::ZERO {
            mistakes.add(amount.span(), "an amount is not below zero");
        }
    }
    let factor = || entry.factor.as_ref().map(|factor| *factor.get_ref());
    let kind = entry.kind.get_ref().as_str();
    let method = match kind {
        "rent_waived" => entry
            .urban_hours
            .zip(entry.rural_hours)
            .map(|(urban_hours, rural_hours)| Method::RentWaived { urban_hours, rural_hours })
            .ok_or("`urban_hours` and `rural_hours`"),
        "per_day" => entry
            .per_day
            .as_ref()
            .zip(entry.cap.as_ref())
            .map(|(per_day, cap)| Method::PerDay { per_day: *per_day.get_ref(), cap: *cap.get_ref() })
            .ok_or("`per_day` and `cap`"),
        "no_order_record" => factor().map(|factor| Method::NoOrderRecord { factor }).ok_or("`factor`"),
        "tariff_differs" => factor().map(|factor| Method::TariffDiffers { factor }).ok_or("`factor`"),
        "billing_error" => factor().map(|factor| Method::BillingError { factor }).ok_or("`factor`"),
        "goodwill" if entry.option.is_empty() => Err("[[rule.option]], what the customer may choose"),
        "goodwill" => Ok(Method::Goodwill { options: options(entry.option, mistakes) }),
        _ => {
            let message = format!("no kind `{}`; known are {}", kind.escape_debug(), KINDS.join(", "));
            mistakes.add(entry.kind.span(), message);
            return None;
        }
    };
    match method {
        Ok(method) => Some(Rule {
            id: entry.id.into_inner(),
            section: entry.section,
            rule: entry.rule.into_inner(),
            title,
            method,
            excluded_by: entry.excluded_by,
        }),
        Err(missing) => {
            mistakes.add(entry.kind.span(), format!("a rule of this kind has {missing}"));
            None
        }
    }
}

fn options(entries: Vec<OptionEntry>, mistakes: &mut Mistakes<'_>) -> Vec<Choice> {
    let mut options: Vec<Choice> = Vec::with_capacity(entries.len());
    for entry in entries {
        let title = Text { en: entry.title, zh: entry.title_zh };
        if let Some(wrong) = title.wrong() {
            mistakes.add(entry.id.span(), wrong.replace("`text", "`title"));
        }
        if options.iter().any(|known| known.id == *entry.id.get_ref()) {
            mistakes.add(entry.id.span(), "this is offered twice; give each option an id of its own");
        }
        if *entry.amount.get_ref() < Money::ZERO {
            mistakes.add(entry.amount.span(), "an amount is not below zero");
        }
        let (id, amount) = (entry.id.into_inner(), entry.amount.into_inner());
        options.push(Choice { id, remedy: entry.remedy, title, amount });
    }
    options
}
