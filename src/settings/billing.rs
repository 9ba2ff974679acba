//! `[billing]` and every `[[party]]`: whose bills are reconciled, and from when on a difference is a
//! ticket's. Money is exact: a limit is a decimal, never a float.

use std::path::PathBuf;
use std::time::Duration;

use linesman_cdr::Money;
use toml::de::DeTable;

use super::environment::Variable;
use super::mistake::Mistakes;
use super::section::Section;
use super::value::{self, Read, Stated};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Five months at their longest: bills may be appealed against for so long.
pub const LEAST_KEPT: Duration = Duration::from_secs(153 * 24 * 3600);
const MIB: u64 = 1024 * 1024;
/// Kept calls that a bill is laid beside at most: they are held in memory at once.
const MOST_HEARD_CALLS: u32 = 200_000;

/// `[billing]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingSettings {
    /// `folder`: watched for files, a subfolder a party; none unless stated.
    pub folder: Option<PathBuf>,
    /// `directory`: where bills and reports are kept; `bills` beside the database unless stated.
    pub directory: Option<PathBuf>,
    /// `limit_amount`, `limit_ratio`: a difference, a cause or an unexplained rest beyond either is a ticket.
    pub limits: BillingLimits,
    /// `keep`: how long runs, their files and reports are kept.
    pub keep: Duration,
    /// `largest_file`: of an upload, in bytes.
    pub largest_file: u64,
    /// `memory`: bound of a run, in bytes.
    pub memory: u64,
    /// `threads` of a run.
    pub threads: u32,
    /// `heard_calls`: how many kept calls a bill is laid beside, the latest; 0 for none.
    pub heard_calls: u32,
    /// Every `[[party]]`.
    pub parties: Vec<PartySettings>,
}

impl Default for BillingSettings {
    fn default() -> Self {
        Self {
            folder: None,
            directory: None,
            limits: BillingLimits::default(),
            keep: LEAST_KEPT,
            largest_file: 4096 * MIB,
            memory: 1024 * MIB,
            threads: 1,
            heard_calls: 20_000,
            parties: Vec::new(),
        }
    }
}

impl BillingSettings {
    /// What is known of a party, whatever the case of its letters.
    #[must_use]
    pub fn party(&self, name: &str) -> Option<&PartySettings> {
        let wanted = name.to_lowercase();
        self.parties.iter().find(|party| party.name.to_lowercase() == wanted)
    }

    /// The limits in force for a party: its own, each, before the common ones.
    #[must_use]
    pub fn limits_of(&self, name: &str) -> BillingLimits {
        let own = self.party(name);
        BillingLimits {
            amounts: own
                .and_then(|party| party.limit_amount.clone())
                .unwrap_or_else(|| self.limits.amounts.clone()),
            ratio_ppm: own.and_then(|party| party.limit_ratio_ppm).unwrap_or(self.limits.ratio_ppm),
        }
    }
}

/// `[[party]]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartySettings {
    /// `name`: as in uploads, and of its subfolder.
    pub name: String,
    /// `rates`: its deck, where a drop has none.
    pub rates: Option<PathBuf>,
    /// `contract`: its contract, where a drop has none.
    pub contract: Option<PathBuf>,
    /// `ours_format`: preset of our records.
    pub ours_format: Option<String>,
    /// `theirs_format`: preset of theirs.
    pub theirs_format: Option<String>,
    /// `limit_amount`: its own.
    pub limit_amount: Option<Vec<LimitAmount>>,
    /// `limit_ratio`: its own, in millionths.
    pub limit_ratio_ppm: Option<u32>,
}

/// An amount from which on a difference is a ticket's, in one currency or in any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitAmount {
    /// ISO 4217; none: every currency that has no amount of its own.
    pub currency: Option<String>,
    /// How much may differ.
    pub amount: Money,
}

/// From when on a difference is a ticket's: beyond the amount, or beyond the share of our total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingLimits {
    /// By currency; a currency that none fits has no limit by amount.
    pub amounts: Vec<LimitAmount>,
    /// Share of our total, in millionths.
    pub ratio_ppm: u32,
}

impl Default for BillingLimits {
    fn default() -> Self {
        Self { amounts: vec![LimitAmount { currency: None, amount: Money(Money::UNIT) }], ratio_ppm: 10_000 }
    }
}

impl BillingLimits {
    /// Whether an amount is beyond what may differ, where our bill is `ours`.
    #[must_use]
    pub fn are_exceeded(&self, amount: Money, ours: Money, currency: &str) -> bool {
        if amount == Money::ZERO {
            return false;
        }
        let of_currency = self.amounts.iter().find(|limit| limit.currency.as_deref() == Some(currency));
        let limit = of_currency.or_else(|| self.amounts.iter().find(|limit| limit.currency.is_none()));
        let beyond_amount = limit.is_some_and(|limit| amount.abs() > limit.amount);
        let share = amount.abs().0.saturating_mul(1_000_000);
        beyond_amount || share > ours.abs().0.saturating_mul(i128::from(self.ratio_ppm))
    }
}

/// Amounts as they are written in the file.
#[must_use]
pub(super) fn amounts_shown(amounts: &[LimitAmount]) -> String {
    let shown = amounts.iter().map(|limit| match &limit.currency {
        Some(currency) => format!("{} {currency}", limit.amount),
        None => limit.amount.to_string(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// A share as it is written in the file.
#[must_use]
pub(super) fn ratio_shown(ppm: u32) -> f64 {
    f64::from(ppm) / 1e6
}

/// A size as it is written in the file.
#[must_use]
pub(super) fn size_shown(bytes: u64) -> String {
    const GIB: u64 = 1024 * MIB;
    if bytes.is_multiple_of(GIB) { format!("{}GiB", bytes / GIB) } else { format!("{}MiB", bytes / MIB) }
}

pub(super) fn read(
    root: &DeTable<'_>,
    variables: &[Variable],
    settings: &mut BillingSettings,
    mistakes: &mut Mistakes,
) {
    let mut section = Section::single(root, variables, "billing", mistakes);
    settings.folder = section.read(mistakes, "folder", value::text).map(PathBuf::from);
    settings.directory = section.read(mistakes, "directory", value::text).map(PathBuf::from);
    section.set(mistakes, "limit_amount", &mut settings.limits.amounts, amounts);
    section.set(mistakes, "limit_ratio", &mut settings.limits.ratio_ppm, ratio_ppm);
    section.set(mistakes, "keep", &mut settings.keep, value::span_of_time(LEAST_KEPT..=3_650 * DAY));
    section.set(mistakes, "largest_file", &mut settings.largest_file, size);
    section.set(mistakes, "memory", &mut settings.memory, size);
    section.set(mistakes, "threads", &mut settings.threads, value::whole(1..=64));
    section.set(mistakes, "heard_calls", &mut settings.heard_calls, value::whole(0..=MOST_HEARD_CALLS));
    section.finish(mistakes);

    for mut section in Section::list(root, "party", mistakes) {
        let party = PartySettings {
            name: section.read(mistakes, "name", party_name).unwrap_or_default(),
            rates: section.read(mistakes, "rates", value::text).map(PathBuf::from),
            contract: section.read(mistakes, "contract", value::text).map(PathBuf::from),
            ours_format: section.read(mistakes, "ours_format", value::text),
            theirs_format: section.read(mistakes, "theirs_format", value::text),
            limit_amount: section.read(mistakes, "limit_amount", amounts),
            limit_ratio_ppm: section.read(mistakes, "limit_ratio", ratio_ppm),
        };
        if !section.states("name") {
            mistakes.add(section.at("name"), "a [[party]] has no `name`; its uploads are found by it");
        } else if settings.party(&party.name).is_some() {
            let wrong = format!("the party {:?} is stated twice; take one [[party]] out", party.name);
            mistakes.add(section.at("name"), wrong);
        }
        section.finish(mistakes);
        settings.parties.push(party);
    }
}

/// Longest name of a party, in characters.
pub const LONGEST_PARTY: usize = 64;

/// The name of a party as it is kept, if it is one: the name of a folder too, so no path.
#[must_use]
pub fn party(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let name = words.join(" ");
    let is_fit = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    let fits = name.chars().all(is_fit) && (1..=LONGEST_PARTY).contains(&name.chars().count());
    (fits && !name.starts_with('.')).then_some(name)
}

fn party_name(stated: Stated<'_>) -> Read<String> {
    let text = value::text(stated)?;
    party(&text).ok_or_else(|| {
        format!("{text:?} is no name of a party: 1 to {LONGEST_PARTY} characters, no slash, no dot first")
    })
}

/// `"1"`, `"5 USD"`, `"1, 100 JPY"`.
fn amounts(stated: Stated<'_>) -> Read<Vec<LimitAmount>> {
    let text = value::text(stated)?;
    let expected = || format!("expected an amount as \"1\", \"5 USD\" or \"1, 100 JPY\", found {text:?}");
    let mut limits: Vec<LimitAmount> = Vec::new();
    for part in text.split(',') {
        let mut words = part.split_whitespace();
        let amount = words.next().and_then(Money::parse).filter(|amount| *amount >= Money::ZERO);
        let amount = amount.ok_or_else(expected)?;
        let currency = words.next().map(str::to_owned);
        let is_code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if words.next().is_some() || !currency.as_ref().is_none_or(is_code) {
            return Err(expected());
        }
        if limits.iter().any(|limit| limit.currency == currency) {
            return Err(format!("states an amount twice for the same currency: {text:?}"));
        }
        limits.push(LimitAmount { currency, amount });
    }
    Ok(limits)
}

fn ratio_ppm(stated: Stated<'_>) -> Read<u32> {
    // From 0 to 1: it fits.
    value::ratio(stated).map(|ratio| (ratio * 1e6).round() as u32)
}

/// `"64MiB"`, `"4GiB"`.
fn size(stated: Stated<'_>) -> Read<u64> {
    let text = value::text(stated)?;
    let units = [("MiB", MIB), ("GiB", 1024 * MIB)];
    let parsed = units.iter().find_map(|(unit, factor)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*factor)
    });
    let fits = parsed.filter(|bytes| (16 * MIB..=1024 * 1024 * MIB).contains(bytes));
    fits.ok_or_else(|| format!("expected a size from \"16MiB\" to \"1024GiB\", found {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_limit_makes_a_ticket_and_neither_makes_none() {
        let limits = BillingLimits {
            amounts: vec![
                LimitAmount { currency: None, amount: Money(Money::UNIT) },
                LimitAmount { currency: Some("JPY".to_owned()), amount: Money(100 * Money::UNIT) },
            ],
            ratio_ppm: 10_000,
        };
        let money = |text| Money::parse(text).unwrap();
        let exceeded = |amount, ours, currency| limits.are_exceeded(money(amount), money(ours), currency);
        assert!(!exceeded("1", "100", "USD"), "at the limit is not beyond it");
        assert!(exceeded("1.000001", "1000000", "USD"), "beyond the amount");
        assert!(exceeded("-0.02", "1", "USD"), "beyond the share, whatever the sign");
        assert!(!exceeded("99", "10000", "JPY"), "a currency has its own amount");
        assert!(exceeded("0.1", "0", "USD"), "something where we charged nothing");
        assert!(!exceeded("0", "0", "USD"));
    }

    #[test]
    fn a_party_is_no_path() {
        assert_eq!(party("  Acme   Telecom "), Some("Acme Telecom".to_owned()));
        assert_eq!(party("客户-2"), Some("客户-2".to_owned()));
        for wrong in ["", " ", "..", ".hidden", "a/b", "a\\b", "a\u{0}b", &"x".repeat(65)] {
            assert_eq!(party(wrong), None, "{wrong:?}");
        }
    }
}
