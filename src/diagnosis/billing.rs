//! From a reconciliation's answer to a fault of class A: whose bill deviates, by which cause, what it
//! is worth, and how the five dimensions of a bill compare (R58, R59).
//!
//! PURE, as all of this room. Deliberately absent: telephone numbers. They are in the report files,
//! which have a guard of their own; a ticket is read by more people.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use linesman_cdr::Money;
use linesman_cdr::outcome::{self, CauseKind, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::billed::BilledMedia;
use super::{Cause, Class, Fault, FaultState, Severity, Side, TreeStep};
use crate::locale::Message;
use crate::settings::BillingLimits;

/// A share of our total from which a difference is major, in millionths.
const MAJOR_PPM: i128 = 50_000;
/// Causes that are told of one by one; the report has all.
const MOST_CAUSES: usize = 50;

/// What two bills are compared on (R58).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The price: row of the deck, its prefix, its validity, its currency.
    Rate,
    /// How long people talked.
    Duration,
    /// How seconds become money: blocks, fees, minimum, rounding, tax.
    BillingMethod,
    /// How many records there are.
    RecordCount,
    /// When the calls are said to have been.
    RecordTime,
}

impl Dimension {
    /// All five.
    pub const ALL: [Self; 5] =
        [Self::Rate, Self::Duration, Self::BillingMethod, Self::RecordCount, Self::RecordTime];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Duration => "duration",
            Self::BillingMethod => "billing_method",
            Self::RecordCount => "record_count",
            Self::RecordTime => "record_time",
        }
    }

    /// The dimension that a cause is a difference of.
    #[must_use]
    pub const fn of(kind: CauseKind) -> Self {
        use CauseKind as K;
        match kind {
            K::PrefixMissing
            | K::TechPrefixNotStripped
            | K::WrongPrefix
            | K::StaleRate
            | K::WrongRate
            | K::Currency
            | K::TimeBandWrong
            | K::Unrated => Self::Rate,
            K::RingTimeBilled | K::SubsecondRounding | K::HungCall | K::DurationDiffers => Self::Duration,
            K::Increment
            | K::FreeSeconds
            | K::MinimumCharge
            | K::ConnectFeeMissing
            | K::ConnectFeeAdded
            | K::RoundingDecimals
            | K::RoundingMode
            | K::Tax => Self::BillingMethod,
            K::MissingRecords | K::DuplicateRecords | K::PartialRecords | K::PartialRecordsRecharged => {
                Self::RecordCount
            }
            K::PeriodCutoff | K::TimeBandTimezone => Self::RecordTime,
        }
    }
}

/// How two bills compare on a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Compared, and nothing differs.
    Agrees,
    /// They are written differently, which was converted and costs nobody anything.
    Converted,
    /// Compared, and they differ.
    Differs,
    /// No call is on both sides: nothing could be compared.
    NotCompared,
}

/// One dimension with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// Which.
    pub dimension: Dimension,
    /// How it compares.
    pub result: Agreement,
    /// What that is worth, theirs minus ours; a decimal string.
    pub amount: String,
    /// In words.
    pub sentence: Message,
}

/// Sums of money, decimal strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillTotals {
    /// Charged in our records.
    pub ours: String,
    /// Charged in theirs.
    pub theirs: String,
    /// Theirs minus ours.
    pub difference: String,
    /// By deck and contract.
    pub correct: String,
    /// What we charged beyond that.
    pub ours_minus_correct: String,
    /// What they charged beyond that.
    pub theirs_minus_correct: String,
}

/// One cause with what it is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillCause {
    /// What.
    pub cause: Cause,
    /// Whose.
    pub side: Side,
    /// Its share of the difference, theirs minus ours; a decimal string.
    pub amount: String,
    /// Calls whose record shows it.
    pub calls: u64,
    /// What the contract says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// What was done instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// Calls that it is bound to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// When, from and to; none when it holds over the whole period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[String; 2]>,
    /// In words.
    pub sentence: Message,
}

/// What a reconciliation found, as it stands on a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Billing {
    /// The reconciliation, whose page and files have the rest.
    pub run: String,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Whose bill.
    pub party: String,
    /// Which period, as `2026-10` or `2026-10-05/2026-10-11`.
    pub period: String,
    /// Of all amounts, ISO 4217.
    pub currency: String,
    /// Money.
    pub totals: BillTotals,
    /// Records of ours, of theirs, and calls found on both sides.
    pub records: [u64; 3],
    /// Causes, the dearest first.
    pub causes: Vec<BillCause>,
    /// What no cause explains; a decimal string.
    pub unexplained: String,
    /// Whether the difference is beyond the limits in force.
    pub beyond_limits: bool,
    /// The five dimensions.
    pub dimensions: Vec<Compared>,
    /// The correct calculation of one call, step by step.
    pub example: Vec<Message>,
    /// The correct accounting method: what the contract says.
    pub accounting: Vec<Message>,
    /// What to do.
    pub advice: Message,
    /// Files of the report.
    pub files: Vec<String>,
    /// Each file of records beside the calls that were heard, numbers masked; empty where none were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<BilledMedia>,
}

impl Billing {
    /// Whether all five dimensions were compared (the guard before a ticket of class A is verified).
    #[must_use]
    pub fn is_compared_whole(&self) -> bool {
        Dimension::ALL.iter().all(|wanted| {
            let found = self.dimensions.iter().find(|compared| compared.dimension == *wanted);
            found.is_some_and(|compared| compared.result != Agreement::NotCompared)
        })
    }
}

/// A reconciliation that has ended, with what an answer alone does not say.
#[derive(Debug, Clone)]
pub struct Bill<'a> {
    /// Identity of the run.
    pub run: &'a str,
    /// Whose bill.
    pub party: &'a str,
    /// Which period.
    pub period: &'a str,
    /// The answer.
    pub outcome: &'a Outcome,
    /// From when on a difference is a ticket's.
    pub limits: &'a BillingLimits,
    /// The correct calculation of one call.
    pub example: Vec<Message>,
    /// What the contract says.
    pub accounting: Vec<Message>,
    /// Files of the report.
    pub files: Vec<String>,
    /// Each file of records beside the calls that were heard, numbers masked.
    pub heard: Vec<BilledMedia>,
    /// Whether the party is a customer of the inventory.
    pub is_customer: bool,
    /// When it ended.
    pub at: DateTime<Utc>,
}

/// Identity of the root cause: one open ticket for a party's bill of a period.
#[must_use]
pub fn key(party: &str, period: &str) -> String {
    format!("A:{}:{period}", party.to_lowercase())
}

/// The fault of a reconciliation: raised when the difference is beyond the limits, clearing when not.
#[must_use]
pub fn fault(bill: &Bill<'_>) -> Fault {
    let outcome = bill.outcome;
    let difference = money(&outcome.totals.difference);
    let of_bills = is_beyond(outcome, bill.limits);
    let of_heard = beyond_what_was_heard(bill);
    let beyond = of_bills || of_heard.is_some();
    let causes: Vec<BillCause> =
        outcome.causes.iter().take(MOST_CAUSES).map(|cause| cause_of(cause, &outcome.currency)).collect();
    let dimensions = compare(outcome);
    let leading = outcome.causes.iter().max_by_key(|cause| money(&cause.amount).abs().0);
    let unexplained = money(&outcome.unexplained);
    let cause = match leading {
        _ if !of_bills && of_heard.is_some() => Cause::BilledMedia,
        Some(leading) if money(&leading.amount).abs() >= unexplained.abs() => Cause::Billing(leading.kind),
        _ => Cause::Unexplained,
    };
    let side = match &of_heard {
        Some((side, _)) if !of_bills => *side,
        _ => Side::from(outcome.verdict),
    };
    let at = bill.at;
    let mut reasons = reasons(&causes, outcome);
    reasons.extend(bill.heard.iter().filter(|heard| !heard.agrees()).flat_map(BilledMedia::reasons));
    let why_not =
        dimensions.iter().filter(|one| one.result != Agreement::Differs).map(|one| one.sentence.clone());
    let why_not = why_not.collect();
    let headline = match &of_heard {
        Some((_, stake)) if !of_bills => headline_of_heard(bill, *stake, cause, side),
        _ => headline(bill, difference, cause, side, beyond),
    };
    let life = if beyond {
        FaultState::Raised { at }
    } else {
        FaultState::Clearing { since: at, raised_at: at, good_rounds: 1 }
    };
    let billing = Billing {
        run: bill.run.to_owned(),
        at,
        party: bill.party.to_owned(),
        period: bill.period.to_owned(),
        currency: outcome.currency.clone(),
        totals: totals(&outcome.totals),
        records: [outcome.counts.ours, outcome.counts.theirs, outcome.counts.paired],
        causes,
        unexplained: outcome.unexplained.clone(),
        beyond_limits: beyond,
        dimensions,
        example: bill.example.clone(),
        accounting: bill.accounting.clone(),
        advice: Message::new(&format!("billing.advice.{}", if beyond { side.name() } else { "clean" })),
        files: bill.files.clone(),
        heard: bill.heard.clone(),
    };
    Fault {
        key: key(bill.party, bill.period),
        aliases: Vec::new(),
        class: Class::A,
        cause,
        segment: bill.party.to_owned(),
        segment_kind: None,
        side,
        confidence: confidence(difference, unexplained),
        severity: severity(outcome, of_heard.map_or(difference, |(_, stake)| stake.max(difference.abs()))),
        life,
        // An episode of a bill begins when it is compared: what a person dismissed before is another.
        began: at,
        last_seen: at,
        loss_ratio: None,
        affected_elements: Vec::new(),
        affected_customers: if bill.is_customer { vec![bill.party.to_owned()] } else { Vec::new() },
        targets: Vec::new(),
        steps: steps(bill.party, side, beyond),
        headline,
        reasons,
        why_not,
        hops: Vec::new(),
        billing: Some(Box::new(billing)),
        voice: None,
    }
}

/// Whether any of the difference, its causes and what is left of it is beyond a limit: two causes
/// that happen to cancel are still two.
fn is_beyond(outcome: &Outcome, limits: &BillingLimits) -> bool {
    let ours = money(&outcome.totals.ours);
    let causes = outcome.causes.iter().map(|cause| &cause.amount);
    [&outcome.totals.difference, &outcome.unexplained]
        .into_iter()
        .chain(causes)
        .any(|amount| limits.are_exceeded(money(amount), ours, &outcome.currency))
}

/// Whose records bill beyond a limit what was not borne out by the calls that were heard, and how much of it: only
/// what calls prove that were heard, with money that the records prove.
fn beyond_what_was_heard(bill: &Bill<'_>) -> Option<(Side, Money)> {
    let outcome = bill.outcome;
    let ours = money(&outcome.totals.ours);
    let stakes = bill.heard.iter().map(|heard| (heard.side == "ours", heard.stake_in(&outcome.currency)));
    let beyond = stakes.filter(|(_, stake)| bill.limits.are_exceeded(*stake, ours, &outcome.currency));
    beyond.fold(None, |so_far, (is_ours, stake)| {
        let side = if is_ours { Side::Ours } else { Side::Theirs };
        Some(match so_far {
            // The same calls in both files are the same money.
            Some((_, other)) => (Side::Both, stake.max(other)),
            None => (side, stake),
        })
    })
}

fn headline_of_heard(bill: &Bill<'_>, stake: Money, cause: Cause, side: Side) -> Message {
    Message::new("headline.bill_heard")
        .with("party", bill.party)
        .with("period", bill.period)
        .with("amount", stake)
        .with("currency", &bill.outcome.currency)
        .with("cause", format!("cause.{}", cause.name()))
        .with("side", format!("side.{}", side.name()))
}

/// The share of the difference that causes explain.
fn confidence(difference: Money, unexplained: Money) -> f64 {
    let whole = difference.abs().0.max(unexplained.abs().0);
    if whole == 0 {
        return 1.0;
    }
    // A share for people: the money itself is never a float.
    1.0 - unexplained.abs().0 as f64 / whole as f64
}

fn severity(outcome: &Outcome, difference: Money) -> Severity {
    let ours = money(&outcome.totals.ours).abs().0;
    let is_major = difference.abs().0.saturating_mul(1_000_000) >= ours.saturating_mul(MAJOR_PPM);
    if is_major && difference != Money::ZERO { Severity::Major } else { Severity::Minor }
}

fn headline(bill: &Bill<'_>, difference: Money, cause: Cause, side: Side, beyond: bool) -> Message {
    let key = match (beyond, difference > Money::ZERO, difference == Money::ZERO) {
        (false, ..) => "headline.bill_agrees",
        (true, _, true) => "headline.bill_cancels",
        (true, true, _) => "headline.bill_above",
        (true, false, _) => "headline.bill_below",
    };
    Message::new(key)
        .with("party", bill.party)
        .with("period", bill.period)
        // With the contract's decimals, as the totals beside it.
        .with("amount", bill.outcome.totals.difference.trim_start_matches('-'))
        .with("currency", &bill.outcome.currency)
        .with("cause", format!("cause.{}", cause.name()))
        .with("side", format!("side.{}", side.name()))
}

fn reasons(causes: &[BillCause], outcome: &Outcome) -> Vec<Message> {
    let mut reasons: Vec<Message> = causes.iter().map(|cause| cause.sentence.clone()).collect();
    if money(&outcome.unexplained) != Money::ZERO {
        let left = Message::new("billing.unexplained").with("amount", &outcome.unexplained);
        reasons.push(left.with("currency", &outcome.currency));
    }
    reasons
}

fn totals(totals: &outcome::Totals) -> BillTotals {
    BillTotals {
        ours: totals.ours.clone(),
        theirs: totals.theirs.clone(),
        difference: totals.difference.clone(),
        correct: totals.correct.clone(),
        ours_minus_correct: totals.ours_minus_correct.clone(),
        theirs_minus_correct: totals.theirs_minus_correct.clone(),
    }
}

fn cause_of(cause: &outcome::Cause, currency: &str) -> BillCause {
    let selector = &cause.selector;
    let parts = [
        ("prefix", &selector.prefix),
        ("gateway", &selector.gateway),
        ("account", &selector.account),
        ("destination", &selector.destination),
    ];
    let selector: BTreeMap<String, String> =
        parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
    let name = Cause::Billing(cause.kind);
    let side = Side::from(cause.at_fault);
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let sentence = Message::new(&format!("billing.cause.{}", name.name()))
        .with("who", format!("who.{}", side.name()))
        .with("used", or_dash(&cause.used))
        .with("contract", or_dash(&cause.contract))
        .with("where", bounds(&selector, cause.window.as_ref()))
        .with("calls", cause.calls)
        .with("amount", &cause.amount)
        .with("currency", currency);
    BillCause {
        cause: name,
        side,
        amount: cause.amount.clone(),
        calls: cause.calls,
        contract: cause.contract.clone(),
        used: cause.used.clone(),
        selector,
        window: cause.window.clone(),
        sentence,
    }
}

/// What a cause is bound to, in signs that need no language: ` [8613…, gw-1, 2026-10-01 – 2026-10-05]`.
fn bounds(selector: &BTreeMap<String, String>, window: Option<&[String; 2]>) -> String {
    let mut parts: Vec<String> = selector
        .iter()
        .map(|(name, value)| if name == "prefix" { format!("{value}…") } else { value.clone() })
        .collect();
    if let Some([from, to]) = window {
        parts.push(format!("{from} – {to}"));
    }
    if parts.is_empty() { String::new() } else { format!(" [{}]", parts.join(", ")) }
}

/// Each of the five dimensions with its result.
fn compare(outcome: &Outcome) -> Vec<Compared> {
    const OF_TIME: [&str; 5] = ["timezone", "clock_offset", "clock_drift", "dst_change", "time_basis"];
    Dimension::ALL
        .into_iter()
        .map(|dimension| {
            let causes = || outcome.causes.iter().filter(|cause| Dimension::of(cause.kind) == dimension);
            let amount: Money = causes().map(|cause| money(&cause.amount)).sum();
            // With the decimals of the bill, as each cause has them.
            let amount = amount.show(causes().map(|cause| decimals(&cause.amount)).max().unwrap_or(0));
            let calls: u64 = causes().map(|cause| cause.calls).sum();
            let needs_pairs = dimension != Dimension::RecordCount;
            let was_converted = dimension == Dimension::RecordTime
                && outcome.findings.iter().any(|finding| OF_TIME.contains(&finding.kind.as_str()));
            let result = if causes().next().is_some() {
                Agreement::Differs
            } else if needs_pairs && outcome.counts.paired == 0 {
                Agreement::NotCompared
            } else if was_converted {
                Agreement::Converted
            } else {
                Agreement::Agrees
            };
            let word = match result {
                Agreement::Differs => "differs",
                Agreement::NotCompared => "not_compared",
                Agreement::Converted => "converted",
                Agreement::Agrees => "agrees",
            };
            let sentence = Message::new(&format!("billing.{word}"))
                .with("dimension", format!("dimension.{}", dimension.name()))
                .with("calls", if result == Agreement::Differs { calls } else { outcome.counts.paired })
                .with("amount", &amount)
                .with("currency", &outcome.currency);
            Compared { dimension, result, amount, sentence }
        })
        .collect()
}

/// The walk through tree A (R57): what a comparison answers by itself. A2 and A4 are the operator's.
fn steps(party: &str, side: Side, beyond: bool) -> Vec<TreeStep> {
    let step = |node: &str, answer: bool| TreeStep {
        node: node.to_owned(),
        answer,
        reason: Message::new(&format!("tree.{node}.{}", if answer { "yes" } else { "no" }))
            .with("segment", party),
    };
    let mut steps = vec![step("A1", true)];
    let is_technical = beyond && matches!(side, Side::Ours | Side::Theirs | Side::Both);
    steps.push(step("A5", is_technical));
    if is_technical {
        let is_ours = side != Side::Theirs;
        steps.push(step("A6", is_ours));
        if is_ours {
            steps.push(step("A7", true));
        }
        steps.push(step("A8", true));
    }
    steps
}

/// Decimals that an amount is written with.
fn decimals(text: &str) -> u32 {
    text.split_once('.').map_or(0, |(_, part)| u32::try_from(part.len()).unwrap_or(Money::DECIMALS))
}

/// An amount of an answer; they are made by us, and a wrong one counts as nothing.
fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_default()
}

#[cfg(test)]
#[path = "billing_tests.rs"]
mod tests;
