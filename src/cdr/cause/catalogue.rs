//! The ways in which systems are known to charge otherwise, tried one by one on a call.

use std::collections::BTreeMap;

use super::deviation::{Deviation, Pricer, Situation};
use super::found::begins;
use super::leg::Leg;
use crate::number::Number;
use crate::rating::{BlockRule, FreeSeconds, Rounding, Subsecond};
use crate::record::{ABSENT, ABSENT_32, Side};

/// Usual blocks, the most common first.
pub(super) const SCHEMES: [(u32, u32); 54] = [
    (1, 1),
    (60, 60),
    (6, 6),
    (30, 6),
    (60, 1),
    (30, 30),
    (60, 6),
    (30, 1),
    (20, 1),
    (10, 10),
    (60, 30),
    (15, 15),
    (12, 12),
    (5, 5),
    (30, 18),
    (90, 60),
    (18, 6),
    (6, 1),
    (120, 60),
    (60, 10),
    (60, 15),
    (60, 20),
    (30, 15),
    (30, 10),
    (20, 20),
    (12, 6),
    (10, 1),
    (180, 60),
    (180, 1),
    (3, 3),
    (2, 2),
    (4, 4),
    (7, 7),
    (8, 8),
    (9, 9),
    (18, 18),
    (24, 24),
    (24, 6),
    (25, 25),
    (36, 6),
    (40, 40),
    (45, 45),
    (45, 15),
    (90, 90),
    (90, 30),
    (120, 120),
    (180, 180),
    (300, 60),
    (300, 300),
    (15, 1),
    (15, 5),
    (12, 1),
    (3, 1),
    (5, 1),
];
const FREE_S: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 20, 25, 30, 60];
const MODES: [Rounding; 4] = [Rounding::HalfUp, Rounding::Up, Rounding::Down, Rounding::HalfEven];

/// Prefixes that are tried one by one.
const FEW: usize = 64;

/// What is tried on every call of a side, whatever it shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    common: Vec<Deviation>,
    /// Prefixes of the deck with their prices.
    prefixes: Vec<(Number, Vec<i64>)>,
    /// Technical prefixes of digits that a side is known by.
    techs: Vec<Number>,
}

impl Catalogue {
    /// For a side; `extra` are blocks that its charged seconds show.
    pub fn new(pricer: &Pricer<'_>, side: Side, techs: [&[String]; 2], extra: &[(u32, u32)]) -> Self {
        let terms = pricer.rater.terms(0);
        let mut common = vec![Deviation::Ring];
        for rule in [Subsecond::Ceil, Subsecond::Nearest, Subsecond::Floor, Subsecond::ThresholdMs(50)] {
            if rule != terms.subsecond {
                common.push(Deviation::Subsecond(rule));
            }
        }
        if pricer.rater.has_bands() {
            for half_hours in (-24..=28).map(|step: i32| step * 1_800) {
                common.push(Deviation::BandOffset(half_hours));
            }
            common.push(Deviation::BandOther);
            common.extend(pricer.band_edges().iter().map(|edge| Deviation::BandAlways(*edge)));
            common.push(Deviation::BandSplit(!pricer.rater.splits()));
        }
        for (initial_s, increment_s) in SCHEMES.iter().chain(extra).copied() {
            common.push(Deviation::Increment { initial_s, increment_s, blocks: BlockRule::Textbook });
            if initial_s != increment_s {
                common.push(Deviation::Increment {
                    initial_s,
                    increment_s,
                    blocks: BlockRule::TotalMultiple,
                });
            }
        }
        for seconds in FREE_S {
            common.push(Deviation::Free { seconds, rule: FreeSeconds::Deducted });
            if seconds > 0 {
                common.push(Deviation::Free { seconds, rule: FreeSeconds::Threshold });
            }
        }
        common.push(Deviation::NoFee);
        common.push(Deviation::Minimum(0));
        common.extend((0..=9).filter(|q| *q != terms.decimals).map(Deviation::Decimals));
        common
            .extend(MODES.iter().filter(|mode| **mode != terms.rounding).map(|mode| Deviation::Mode(*mode)));
        if terms.tax_ppm != 0 {
            common.push(Deviation::Tax { ppm: 0, before_rounding: false });
        }
        if terms.factor_ppm != 1_000_000 && terms.factor_ppm != 0 {
            // The amount in the deck's own currency.
            let back = 1_000_000_000_000 / terms.factor_ppm;
            common.push(Deviation::Factor { ppm: back });
        }
        let techs = techs[side.index()].iter().map(|tech| Number::of(tech)).collect();
        let mut prefixes: BTreeMap<Number, Vec<i64>> = BTreeMap::new();
        for (row, at) in pricer.rater.deck().rows.iter().zip(0u32..) {
            prefixes.entry(Number::of(&row.prefix)).or_default().push(pricer.rater.terms(at).rate);
        }
        Self { common, techs, prefixes: prefixes.into_iter().collect() }
    }

    /// Everything that may be tried on a call on top of other deviations, by what the call shows.
    pub fn of(&self, leg: &Leg, pricer: &Pricer<'_>, with: &[Deviation]) -> Vec<Deviation> {
        let situation = &leg.situation;
        let mut all = Vec::with_capacity(self.common.len() + 16);
        let record = &leg.record;
        all.extend(rows(situation, pricer, &self.techs, with));
        all.extend(self.other_prefixes(leg, pricer, with));
        let shown = pricer.price(&Situation { talk_ms: situation.own_ms, ..*situation }, with);
        let row = shown.row.and_then(|row| pricer.rater.deck_row(row));
        all.extend(self.common.iter().copied().filter(|deviation| match deviation {
            Deviation::Ring => situation.ring_ms > 0,
            Deviation::Subsecond(_) => !situation.own_ms.is_multiple_of(1_000),
            Deviation::BandOffset(_)
            | Deviation::BandAlways(_)
            | Deviation::BandOther
            | Deviation::BandSplit(_) => row.is_some_and(|row| row.band_s.is_some()),
            Deviation::Free { .. }
            | Deviation::Increment { .. }
            | Deviation::Minimum(_)
            | Deviation::NoFee => situation.own_ms > 0,
            _ => true,
        }));
        let terms = shown.row.map(|row| pricer.rater.terms(row));
        if let Some(terms) = terms {
            // The row's own blocks, laid in the other way, or without the first.
            let other = match terms.blocks {
                BlockRule::Textbook => BlockRule::TotalMultiple,
                BlockRule::TotalMultiple => BlockRule::Textbook,
            };
            let (initial_s, increment_s) = (terms.initial_s, terms.increment_s);
            all.push(Deviation::Increment { initial_s, increment_s, blocks: other });
            all.push(Deviation::Increment { initial_s: increment_s, increment_s, blocks: terms.blocks });
        }
        if leg.foreign {
            all.push(Deviation::Label);
        }
        if situation.answered && record.money().0 == 0 && leg.has_amounts && shown.amount != 0 {
            all.push(Deviation::Unrated);
        }
        if with.is_empty() && shown.row.is_none() && record.money().0 != 0 {
            all.push(Deviation::Unpriced);
        }
        if let Some(row) = shown.row
            && record.rate != ABSENT
            && record.rate != shown.rate
            && record.rate != 0
        {
            all.push(Deviation::Rate { row, rate: record.rate });
        }
        if record.amount != ABSENT && record.amount > 0 && shown.row.is_some() {
            all.extend(amounts(leg, &shown.amount, pricer, with));
        }
        let taken = with.iter().fold(0u32, |taken, other| taken | 1 << other.order());
        all.retain(|deviation| taken >> deviation.order() & 1 == 0);
        all
    }
}

impl Catalogue {
    /// Prefixes that are no beginning of the number: all of a small deck; of a large one those whose price the
    /// record names, or those of the same country.
    fn other_prefixes(&self, leg: &Leg, pricer: &Pricer<'_>, with: &[Deviation]) -> Vec<Deviation> {
        let situation = &leg.situation;
        let Some(own) = pricer.rater.row_of(situation.callee, situation.at_ms) else { return Vec::new() };
        let of = pricer.prefix_of(own);
        let named = (leg.record.rate != ABSENT).then_some(leg.record.rate);
        let few = self.prefixes.len() <= FEW || with.is_empty() && self.prefixes.len() <= 16 * FEW;
        if !few && named.is_none() {
            return Vec::new();
        }
        let candidates = self.prefixes.iter().filter(|(prefix, rates)| {
            let priced = match named {
                Some(rate) => rates.contains(&rate) && (few || prefix.head(1) == of.head(1)),
                None => self.prefixes.len() <= FEW || prefix.head(1) == of.head(1),
            };
            priced && *prefix != of && !begins(situation.callee, *prefix)
        });
        candidates.map(|(used, _)| Deviation::Prefix { of, used: *used }).collect()
    }
}

/// Other rows of the deck that a call may have been charged by.
fn rows(situation: &Situation, pricer: &Pricer<'_>, techs: &[Number], with: &[Deviation]) -> Vec<Deviation> {
    let mut all = Vec::new();
    if with.iter().any(|other| matches!(other, Deviation::Unrated | Deviation::Unpriced)) {
        return all;
    }
    if !situation.tech.is_none() {
        all.push(Deviation::Tech { digits: situation.tech, marked: true });
    }
    all.extend(techs.iter().map(|digits| Deviation::Tech { digits: *digits, marked: false }));
    let rater = pricer.rater;
    let Some(own) = rater.row_of(situation.callee, situation.at_ms) else { return all };
    let of = pricer.prefix_of(own);
    let deck = &rater.deck().rows;
    let from_ms = deck[own as usize].effective_from_ms;
    for row in rater.rows_of_any_date(situation.callee) {
        let prefix = pricer.prefix_of(row);
        let other = if prefix == of {
            let from = deck[row as usize].effective_from_ms;
            (from != from_ms).then_some(Deviation::Stale { of, from_ms: from })
        } else {
            let (own_digits, digits) = (of.digits().map_or(0, |d| d.1), prefix.digits().map_or(0, |d| d.1));
            (digits < own_digits).then_some(Deviation::Prefix { of, used: prefix })
        };
        if let Some(other) = other
            && !all.contains(&other)
        {
            all.push(other);
        }
    }
    all
}

/// Fees, least charges and taxes that would make up for what an amount lacks.
fn amounts(leg: &Leg, predicted: &i64, pricer: &Pricer<'_>, with: &[Deviation]) -> Vec<Deviation> {
    let mut all = Vec::new();
    let record = &leg.record;
    let situation = Situation { talk_ms: leg.situation.own_ms, ..leg.situation };
    let Some(terms) = pricer.price(&situation, with).row.map(|row| pricer.rater.terms(row)) else {
        return all;
    };
    let beyond = record.amount.saturating_sub(*predicted);
    if beyond != 0 && terms.connect_fee.saturating_add(beyond) > 0 {
        all.push(Deviation::FeeAdded(beyond));
    }
    if beyond > 0 {
        all.push(Deviation::Minimum(record.amount));
        // Under a tax the fee and the least charge are taxed as well; a whole or half per cent is looked for.
        let fine: Vec<Deviation> = with.iter().copied().chain([Deviation::Decimals(9)]).collect();
        let raw = pricer.price(&situation, &fine).amount;
        if raw > 0 {
            let ratio = i128::from(beyond) * 1_000_000 / i128::from(raw.max(1));
            let nearest = (ratio + 2_500) / 5_000 * 5_000;
            for ppm in [nearest, nearest - 5_000, nearest + 5_000] {
                if let Ok(ppm) = u32::try_from(ppm)
                    && (5_000..=350_000).contains(&ppm)
                {
                    let ppm = terms.tax_ppm + ppm;
                    all.push(Deviation::Tax { ppm, before_rounding: false });
                    all.push(Deviation::Tax { ppm, before_rounding: true });
                }
            }
        }
    }
    all
}

/// Blocks beyond the usual ones that charged seconds show: their least value, and the greatest step that
/// divides what is above it.
pub(super) fn blocks_shown<'l>(legs: impl Iterator<Item = &'l Leg>) -> Vec<(u32, u32)> {
    let mut least = u32::MAX;
    let mut seen: Vec<u32> = Vec::new();
    for leg in legs {
        let billed = leg.record.billed_s;
        if billed != ABSENT_32 && billed > 0 {
            least = least.min(billed);
            seen.push(billed);
        }
    }
    let step = seen.iter().fold(0, |step, billed| gcd(step, billed - least));
    if seen.len() < 4 || step == 0 || SCHEMES.contains(&(least, step)) {
        return Vec::new();
    }
    vec![(least, step), (step, step)]
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Digits of a price without the zeros at its end.
fn significant(mut rate: i64) -> u64 {
    while rate != 0 && rate % 10 == 0 {
        rate /= 10;
    }
    u64::from(rate.unsigned_abs().max(1).ilog10()) + 1
}

/// Among deviations that explain the same calls, the one that is likelier.
pub(super) fn preference(deviation: &Deviation) -> (u8, u64) {
    let place = |(initial_s, increment_s): (u32, u32)| {
        let usual = SCHEMES.iter().position(|scheme| *scheme == (initial_s, increment_s));
        usual.map_or(100 + u64::from(initial_s), |at| at as u64)
    };
    match *deviation {
        Deviation::Missing
        | Deviation::Extra(_)
        | Deviation::Parts
        | Deviation::Together
        | Deviation::Talk(_) => (0, 0),
        Deviation::Label => (0, 1),
        Deviation::Unpriced => (0, 2),
        Deviation::Unrated => (7, 1),
        Deviation::Tech { marked, .. } => (1, u64::from(!marked)),
        Deviation::Stale { .. } => (2, 0),
        Deviation::Prefix { of, used } => {
            let digits = used.digits().map_or(0, |digits| digits.1);
            let shared = (1..=digits).take_while(|n| of.head(*n) == used.head(*n)).count() as u64;
            // A beginning of the number, the longest; else the nearest other.
            (3, if begins(of, used) { 20 - u64::from(digits) } else { 200 - shared })
        }
        Deviation::BandOffset(seconds) => {
            let hours = u64::from(seconds.unsigned_abs() / 3_600);
            (4, hours + if seconds % 3_600 == 0 { 0 } else { 50 })
        }
        Deviation::BandAlways(second) => (3, 100 + u64::from(second)),
        Deviation::BandSplit(_) => (4, 200),
        Deviation::BandOther => (3, 150),
        Deviation::Increment { initial_s, increment_s, blocks } => {
            (5, place((initial_s, increment_s)) * 2 + u64::from(blocks == BlockRule::TotalMultiple))
        }
        Deviation::Subsecond(_) => (6, 0),
        Deviation::Ring => (6, 1),
        Deviation::NoFee | Deviation::Minimum(0) => (7, 0),
        Deviation::Decimals(decimals) => (7, 2 + u64::from(decimals)),
        Deviation::Mode(_) => (7, 20),
        Deviation::Free { seconds, rule } => {
            (6, 10 + u64::from(seconds) * 2 + u64::from(rule == FreeSeconds::Threshold))
        }
        Deviation::Tax { before_rounding, .. } => (9, u64::from(before_rounding)),
        Deviation::Factor { .. } => (10, 0),
        Deviation::FeeAdded(fee) => (11, significant(fee)),
        Deviation::Minimum(_) => (12, 0),
        // The rounder price, since prices are agreed by people.
        Deviation::Rate { rate, .. } => (4, 400 + significant(rate)),
    }
}
