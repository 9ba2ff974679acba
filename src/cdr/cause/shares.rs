//! Shares that telescope, and what they would be in any other order.

use std::collections::BTreeMap;

use crate::record::Side;

/// Most causes on one leg whose every order is followed.
pub(super) const MOST: usize = 6;
/// Most other causes over whose sets the range is exact.
const EXACT: usize = 12;
/// 6!, by which every mean over orders of up to six causes is whole.
const ORDERS: i128 = 720;

/// Sums over all legs with the same causes: for each set of them, what the legs cost under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures {
    sums: BTreeMap<(Side, Vec<u16>), Vec<i128>>,
}

/// Smallest and largest share over all orders, and the mean of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// Smallest.
    pub least: i128,
    /// Largest.
    pub most: i128,
    /// Mean over all orders (Shapley), rounded to the billionth.
    pub mean: i128,
}

impl Signatures {
    /// Adds a leg: its causes, and its amounts by set of causes, the first cause being the lowest bit.
    pub(super) fn add(&mut self, side: Side, causes: &[u16], amounts: &[i64], weight: u64) {
        let sums = self.sums.entry((side, causes.to_vec())).or_insert_with(|| vec![0; amounts.len()]);
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum += i128::from(*amount) * i128::from(weight);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, amounts) in &other.sums {
            let sums = self.sums.entry(key.clone()).or_insert_with(|| vec![0; amounts.len()]);
            for (sum, amount) in sums.iter_mut().zip(amounts) {
                *sum += amount;
            }
        }
    }

    /// How the share of a cause depends on the order.
    pub(super) fn spread(&self, cause: u16) -> Spread {
        let holding: Vec<_> = self
            .sums
            .iter()
            .filter_map(|((side, causes), sums)| {
                let at = causes.iter().position(|other| *other == cause)?;
                let sign = if *side == Side::Theirs { 1 } else { -1 };
                Some((causes, at, sums, sign))
            })
            .collect();
        let mut others: Vec<u16> = holding.iter().flat_map(|(causes, ..)| causes.iter().copied()).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != cause);
        let step = |sums: &[i128], at: usize, before: usize| sums[before | 1 << at] - sums[before];
        let mut numerator = 0;
        for (causes, at, sums, sign) in &holding {
            let many = causes.len();
            for before in (0..sums.len()).filter(|set| set & 1 << at == 0) {
                numerator += sign * step(sums, *at, before) * chance(before.count_ones() as usize, many);
            }
        }
        let half = if numerator < 0 { -ORDERS / 2 } else { ORDERS / 2 };
        let mean = (numerator + half) / ORDERS;
        let (mut least, mut most) = (i128::MAX, i128::MIN);
        if others.len() <= EXACT {
            for chosen in 0..1usize << others.len() {
                let before = |causes: &[u16]| -> usize {
                    causes.iter().enumerate().fold(0, |set, (bit, other)| {
                        let at = others.binary_search(other);
                        set | usize::from(at.is_ok_and(|at| chosen & 1 << at != 0)) << bit
                    })
                };
                let share: i128 = holding
                    .iter()
                    .map(|(causes, at, sums, sign)| sign * step(sums, *at, before(causes)))
                    .sum();
                (least, most) = (least.min(share), most.max(share));
            }
        } else {
            // Too many to follow each: bounds that hold for sure.
            (least, most) = (0, 0);
            for (_, at, sums, sign) in &holding {
                let steps = || (0..sums.len()).filter(|set| set & 1 << at == 0);
                least += steps().map(|set| sign * step(sums, *at, set)).min().unwrap_or(0);
                most += steps().map(|set| sign * step(sums, *at, set)).max().unwrap_or(0);
            }
        }
        if holding.is_empty() {
            return Spread::default();
        }
        Spread { least, most, mean: mean.clamp(least, most) }
    }
}

/// Share of all orders, in 720ths, in which a given set of so many causes of `many` comes before one.
fn chance(before: usize, many: usize) -> i128 {
    let factorial = |of: usize| (1..=of as i128).product::<i128>();
    ORDERS * factorial(before) * factorial(many - before - 1) / factorial(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_cause_has_one_share_whatever_the_order() {
        let mut signatures = Signatures::default();
        signatures.add(Side::Theirs, &[3], &[100, 140], 2);
        assert_eq!(signatures.spread(3), Spread { least: 80, most: 80, mean: 80 });
        assert_eq!(signatures.spread(4), Spread::default());
    }

    #[test]
    fn two_causes_that_meet_share_what_is_of_both() {
        let mut signatures = Signatures::default();
        // 100 alone, 150 with the first, 120 with the second, 180 with both.
        signatures.add(Side::Ours, &[0, 1], &[100, 150, 120, 180], 1);
        assert_eq!(signatures.spread(0), Spread { least: -60, most: -50, mean: -55 });
        assert_eq!(signatures.spread(1), Spread { least: -30, most: -20, mean: -25 });
    }
}
