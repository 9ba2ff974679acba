//! Parameters that no catalogue has: a constant price or factor that several calls have in common.

use std::collections::BTreeMap;

use super::deviation::{Deviation, Pricer, Situation};
use super::leg::Leg;
use crate::rating::{Rounding, Terms};
use crate::record::ABSENT;

/// Values from which to which one call's amount may come; in the parameter's own whole units.
type Interval = (i128, i128);

const PPM: i128 = 1_000_000;
const HALF_PERCENT: i128 = 5_000;
const MOST_TAX: i128 = 350_000;

/// Fewest calls that prove a parameter.
const LEAST: usize = 4;

/// Constant prices by row, a constant factor or tax, fee or least charge, under other deviations.
pub(super) fn solve(legs: &[&Leg], pricer: &Pricer<'_>, with: &[Deviation]) -> Vec<Deviation> {
    let mut by_row: BTreeMap<u32, Vec<(Interval, u32)>> = BTreeMap::new();
    let (mut factors, mut taxes) = (Vec::new(), Vec::new());
    let (mut fees, mut least) = (Vec::new(), Vec::new());
    for leg in legs {
        if leg.record.amount == ABSENT || leg.record.amount <= 0 {
            continue;
        }
        let situation = Situation { talk_ms: leg.situation.own_ms, ..leg.situation };
        let shown = pricer.price(&situation, with);
        let Some(row) = shown.row.filter(|_| shown.billed_s > 0) else { continue };
        let terms = pricer.rater.terms(row);
        let unit = 10i128.pow(9 - u32::from(decimals(&terms, with)).min(9));
        let amount = i128::from(leg.record.amount);
        let (low, high) = match mode(&terms, with) {
            Rounding::Up => (amount - unit, amount),
            Rounding::Down => (amount, amount + unit),
            Rounding::HalfUp | Rounding::HalfEven => (amount - unit / 2, amount + unit / 2),
        };
        let scale = scale(&terms, with).max(1);
        // Under a tax of its own the amount was rounded before it as well.
        let taxed = taxed(&terms, with);
        let (low, high) = if taxed > 0 {
            let before = unit * (PPM + taxed) / PPM / 2 + 1;
            (low - before, high + before)
        } else {
            (low, high)
        };
        let fee = i128::from(fee(&terms, with));
        let billed = i128::from(shown.billed_s);
        let unscaled = (low * PPM / scale, high * PPM / scale + 1);
        if leg.record.rate == ABSENT {
            let interval = ((unscaled.0 - fee) * 60 / billed, (unscaled.1 - fee) * 60 / billed + 1);
            by_row.entry(row).or_default().push((interval, shown.billed_s));
        }
        let fine: Vec<Deviation> = with.iter().copied().chain([Deviation::Decimals(9)]).collect();
        let raw = i128::from(pricer.price(&situation, &fine).amount);
        if raw <= 0 {
            continue;
        }
        let ratio = |bounds: (i128, i128)| ((bounds.0 * PPM / raw, bounds.1 * PPM / raw + 1), shown.billed_s);
        factors.push(ratio((low, high)));
        // Rounded twice when the tax is rounded by itself, and the first time before the tax was put on top.
        let before = unit * (PPM + MOST_TAX) / PPM / 2;
        taxes.push(ratio((low - before, high + before)));
        let beyond = ((low - raw) * PPM / scale, (high - raw) * PPM / scale + 1);
        fees.push((beyond, shown.billed_s));
        if amount > raw {
            least.push((unscaled, shown.billed_s));
        }
    }
    let mut all = Vec::new();
    for (row, intervals) in by_row {
        let agreed = i128::from(pricer.rater.terms(row).rate);
        if let Some((low, high)) = common(&intervals)
            && !(low..=high).contains(&agreed)
        {
            let rate = simplest(low.max(0), high);
            all.extend(i64::try_from(rate).ok().map(|rate| Deviation::Rate { row, rate }));
        }
    }
    if let Some((low, high)) = common(&factors)
        && !(low..=high).contains(&PPM)
        && low > 0
    {
        all.extend(u64::try_from(simplest(low, high)).ok().map(|ppm| Deviation::Factor { ppm }));
    }
    if let Some((low, high)) = common(&taxes) {
        // Taxes are whole or half per cent.
        let first = (low - PPM + HALF_PERCENT - 1).div_euclid(HALF_PERCENT) * HALF_PERCENT;
        for step in 0..4 {
            let ppm = first + step * HALF_PERCENT;
            if ppm <= high - PPM && (HALF_PERCENT..=MOST_TAX).contains(&ppm) {
                let ppm = u32::try_from(ppm).unwrap_or(0);
                all.extend([false, true].map(|before_rounding| Deviation::Tax { ppm, before_rounding }));
            }
        }
    }
    let whole = |(low, high): Interval| i64::try_from(simplest(low.max(1), high)).ok();
    if let Some((low, high)) = common(&fees).filter(|bounds| bounds.1 > 0) {
        // Calls that show a fee where amounts are rounded coarsely bind it from one end only: the roundest of
        // all, and those near either end, which calls that do not show it tell apart.
        let quarter = (high - low.max(1)) / 4;
        let mut tried: Vec<i64> = [(low, high), (low, low.max(1) + quarter), (high - quarter, high)]
            .into_iter()
            .filter_map(whole)
            .collect();
        tried.dedup();
        all.extend(tried.into_iter().map(Deviation::FeeAdded));
    }
    if let Some(bounds) = common(&least) {
        all.extend(whole(bounds).map(Deviation::Minimum));
    }
    all
}

/// The tax that is rounded by itself, in millionths.
fn taxed(terms: &Terms, with: &[Deviation]) -> i128 {
    let other = with.iter().find_map(|deviation| match deviation {
        Deviation::Tax { ppm, before_rounding } => Some(if *before_rounding { 0 } else { i128::from(*ppm) }),
        _ => None,
    });
    other.unwrap_or_else(|| i128::from(terms.tax_ppm))
}

/// Currency and tax together, in millionths.
fn scale(terms: &Terms, with: &[Deviation]) -> i128 {
    let mut tax = i128::from(terms.tax_ppm);
    let mut scale = i128::from(terms.factor_ppm);
    for deviation in with {
        match deviation {
            Deviation::Tax { ppm, .. } => tax = i128::from(*ppm),
            Deviation::Factor { ppm } => scale = scale * i128::from(*ppm) / PPM,
            _ => {}
        }
    }
    scale * (PPM + tax) / PPM
}

fn decimals(terms: &Terms, with: &[Deviation]) -> u8 {
    let other = with.iter().find_map(|deviation| match deviation {
        Deviation::Decimals(decimals) => Some(*decimals),
        _ => None,
    });
    other.unwrap_or(terms.decimals)
}

fn mode(terms: &Terms, with: &[Deviation]) -> Rounding {
    let other = with.iter().find_map(|deviation| match deviation {
        Deviation::Mode(mode) => Some(*mode),
        _ => None,
    });
    other.unwrap_or(terms.rounding)
}

fn fee(terms: &Terms, with: &[Deviation]) -> i64 {
    let other = with.iter().find_map(|deviation| match deviation {
        Deviation::NoFee => Some(0),
        Deviation::FeeAdded(fee) => Some(terms.connect_fee + fee),
        _ => None,
    });
    other.unwrap_or(terms.connect_fee)
}

/// Where the most intervals overlap, if several calls of different length do.
fn common(intervals: &[(Interval, u32)]) -> Option<Interval> {
    if intervals.len() < LEAST {
        return None;
    }
    let mut edges: Vec<(i128, bool)> = Vec::with_capacity(intervals.len() * 2);
    for ((low, high), _) in intervals {
        edges.push((*low, false));
        edges.push((*high, true));
    }
    edges.sort_unstable();
    let (mut open, mut most, mut best) = (0usize, 0usize, None);
    for (at, (value, closes)) in edges.iter().enumerate() {
        if *closes {
            open -= 1;
            continue;
        }
        open += 1;
        if open > most {
            most = open;
            best = edges.get(at + 1).map(|(next, _)| (*value, *next));
        }
    }
    let (low, high) = best?;
    let mut lengths: Vec<u32> = intervals
        .iter()
        .filter(|((from, to), _)| *from <= low && high <= *to)
        .map(|(_, length)| *length)
        .collect();
    let many = lengths.len();
    lengths.sort_unstable();
    lengths.dedup();
    (many >= LEAST && lengths.len() >= 3).then_some((low, high))
}

/// The number with the most zeros at its end within bounds.
fn simplest(low: i128, high: i128) -> i128 {
    let mut step = 1_000_000_000_000i128;
    while step > 1 {
        let next = (low + step - 1).div_euclid(step) * step;
        if next <= high && next >= low && next > 0 {
            return next;
        }
        step /= 10;
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roundest_number_within_bounds_is_taken() {
        assert_eq!(simplest(21_499_100, 21_500_900), 21_500_000);
        assert_eq!(simplest(7, 9), 7);
        assert_eq!(simplest(5, 105), 100);
    }

    #[test]
    fn few_calls_or_calls_of_one_length_prove_nothing() {
        assert_eq!(common(&[((1, 9), 6), ((2, 8), 12), ((3, 7), 18)]), None);
        assert_eq!(common(&[((1, 9), 6), ((2, 8), 6), ((3, 7), 6), ((4, 6), 6)]), None);
        assert_eq!(common(&[((1, 9), 6), ((2, 8), 12), ((3, 7), 18), ((4, 6), 6)]), Some((4, 6)));
        assert_eq!(common(&[((1, 2), 6), ((3, 4), 12), ((5, 6), 18), ((7, 8), 6)]), None);
    }
}
