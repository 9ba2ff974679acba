//! Which calls a cause is bound to: the simplest selector under which what it says is seen wherever it could be.

use std::collections::HashMap;

use super::found::{Destinations, Pick};
use super::leg::{Item, Keys};
use crate::number::Number;
use crate::record::NO_NAME;

/// Items that show something, and items that would show it but do not.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub hits: Vec<usize>,
    pub misses: Vec<usize>,
}

impl Evidence {
    pub fn hit(&mut self, at: usize) {
        self.hits.push(at);
    }

    pub fn miss(&mut self, at: usize) {
        self.misses.push(at);
    }
}

/// Finds selectors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finder<'a> {
    pub destinations: &'a Destinations,
}

/// Fewest calls that make a selector.
const LEAST: u64 = 3;
/// Most selectors of one deviation.
const MOST: usize = 24;
/// Digits of called numbers that are tried as prefix where no row has them.
const DIGITS: u32 = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Weighed {
    hits: u64,
    misses: u64,
}

impl Weighed {
    fn precise(self, precision: f64) -> bool {
        self.hits >= LEAST && self.hits as f64 >= precision * (self.hits + self.misses) as f64
    }
}

impl Finder<'_> {
    /// Selectors that hold the hits and hardly a miss; none when there are no such.
    pub fn find(&self, items: &[Item], evidence: &Evidence, precision: f64) -> Vec<Pick> {
        let weigh = |places: &[usize]| places.iter().map(|at| items[*at].weight).sum::<u64>();
        let all = Weighed { hits: weigh(&evidence.hits), misses: weigh(&evidence.misses) };
        if all.hits < LEAST {
            return Vec::new();
        }
        if all.precise(precision) {
            return vec![Pick::default()];
        }
        let rate = all.hits as f64 / (all.hits + all.misses) as f64;
        let mut left = evidence.hits.clone();
        let mut picks = Vec::new();
        let mut covered = 0;
        while !left.is_empty() && picks.len() < MOST {
            let Some((pick, weighed)) = self.best(items, &left, &evidence.misses, precision, rate) else {
                break;
            };
            covered += weighed.hits;
            picks.push(pick);
            left.retain(|at| !pick.includes(&items[*at].keys, self.destinations));
        }
        // Some by chance are among many: what leaves much unexplained is no selector.
        if covered * 10 < all.hits * 7 { Vec::new() } else { picks }
    }

    fn best(
        &self,
        items: &[Item],
        hits: &[usize],
        misses: &[usize],
        precision: f64,
        rate: f64,
    ) -> Option<(Pick, Weighed)> {
        let singles = self.tally(items, hits, misses, |keys| self.singles(keys));
        let total: u64 = hits.iter().map(|at| items[*at].weight).sum();
        let mut ranked: Vec<(Pick, Weighed)> = singles.into_iter().collect();
        ranked.sort_by_key(|(pick, weighed)| (u64::MAX - weighed.hits, preference(pick)));
        let unlikely = |weighed: &Weighed, candidates: usize| {
            weighed.hits as f64 * -rate.ln() > (candidates as f64).ln() + 3.0
        };
        let single = ranked
            .iter()
            .find(|(_, weighed)| weighed.precise(precision) && unlikely(weighed, ranked.len()))
            .copied();
        if let Some(found) = single.filter(|(_, weighed)| weighed.hits * 1_000 >= total * 995) {
            return Some(found);
        }
        // A window over all, or over one of the leading single selectors.
        let whole = (Pick::default(), Weighed { hits: total, misses: u64::MAX });
        let mut bases: Vec<(Pick, Weighed)> = vec![whole];
        bases.extend(ranked.iter().filter(|(_, weighed)| weighed.hits * 5 >= total).take(24));
        let pairs = self.pairs(items, hits, misses, &ranked);
        let mut candidates: Vec<(Pick, Weighed)> = single.into_iter().collect();
        let many = ranked.len() + pairs.len();
        candidates.extend(pairs.iter().filter(|(_, w)| w.precise(precision) && unlikely(w, many)));
        bases.extend(pairs.iter().filter(|(_, weighed)| weighed.hits * 5 >= total).take(24));
        for (base, weighed) in bases {
            let window = self.window(items, hits, misses, &base, precision);
            if let Some((pick, inside)) = window
                && inside.hits * 5 >= weighed.hits * 4
                && unlikely(&inside, many * 8)
            {
                candidates.push((pick, inside));
            }
        }
        // The fewest parts among those that hold nearly as many.
        let most = candidates.iter().map(|(_, weighed)| weighed.hits).max()?;
        candidates
            .into_iter()
            .filter(|(_, weighed)| weighed.hits * 100 >= most * 98)
            .min_by_key(|(pick, weighed)| (pick.parts(), preference(pick), u64::MAX - weighed.hits))
    }

    fn tally(
        &self,
        items: &[Item],
        hits: &[usize],
        misses: &[usize],
        picks: impl Fn(&Keys) -> Vec<Pick>,
    ) -> HashMap<Pick, Weighed> {
        let mut tally: HashMap<Pick, Weighed> = HashMap::new();
        for at in hits {
            for pick in picks(&items[*at].keys) {
                tally.entry(pick).or_default().hits += items[*at].weight;
            }
        }
        for at in misses {
            for pick in picks(&items[*at].keys) {
                if let Some(weighed) = tally.get_mut(&pick) {
                    weighed.misses += items[*at].weight;
                }
            }
        }
        tally
    }

    /// Pairs of the leading single selectors.
    fn pairs(
        &self,
        items: &[Item],
        hits: &[usize],
        misses: &[usize],
        ranked: &[(Pick, Weighed)],
    ) -> Vec<(Pick, Weighed)> {
        let lead: Vec<Pick> = ranked
            .iter()
            .filter(|(_, weighed)| weighed.hits >= LEAST)
            .take(32)
            .map(|(pick, _)| *pick)
            .collect();
        let tally = self.tally(items, hits, misses, |keys| {
            let held: Vec<Pick> = self.singles(keys).into_iter().filter(|pick| lead.contains(pick)).collect();
            let mut both = Vec::new();
            for (at, one) in held.iter().enumerate() {
                both.extend(held[at + 1..].iter().filter_map(|other| one.and(*other)));
            }
            both
        });
        let mut pairs: Vec<(Pick, Weighed)> = tally.into_iter().collect();
        pairs.sort_by_key(|(pick, weighed)| (u64::MAX - weighed.hits, preference(pick)));
        pairs.truncate(64);
        pairs
    }

    /// The window of a selector that holds the most hits for its misses, from its first hit to its last.
    fn window(
        &self,
        items: &[Item],
        hits: &[usize],
        misses: &[usize],
        base: &Pick,
        precision: f64,
    ) -> Option<(Pick, Weighed)> {
        let dear = precision / (1.0 - precision).max(0.001);
        let (from, to, _) = self.densest(items, hits, misses, base, dear)?;
        let pick = Pick { window: Some([from, to]), ..*base };
        let weigh = |places: &[usize]| -> u64 {
            let all = places.iter().map(|at| &items[*at]);
            all.filter(|item| pick.includes(&item.keys, self.destinations)).map(|item| item.weight).sum()
        };
        let weighed = Weighed { hits: weigh(hits), misses: weigh(misses) };
        weighed.precise(precision).then_some((pick, weighed))
    }

    /// The span of time within a selector that has the greatest sum, a hit being worth one and a miss costing
    /// so much.
    fn densest(
        &self,
        items: &[Item],
        hits: &[usize],
        misses: &[usize],
        base: &Pick,
        dear: f64,
    ) -> Option<(i64, i64, f64)> {
        let within = |places: &[usize], hit: bool| -> Vec<(i64, bool, u64)> {
            let all = places.iter().map(|at| &items[*at]);
            all.filter(|item| base.includes(&item.keys, self.destinations))
                .map(|item| (item.keys.at_ms, hit, item.weight))
                .collect()
        };
        let mut line = within(hits, true);
        line.extend(within(misses, false));
        line.sort_unstable();
        let mut best: Option<(i64, i64, f64)> = None;
        let (mut sum, mut from) = (0.0, None);
        for (at_ms, hit, weight) in line {
            if hit {
                let start = *from.get_or_insert(at_ms);
                sum += weight as f64;
                if best.is_none_or(|(_, _, most)| sum > most) {
                    best = Some((start, at_ms, sum));
                }
            } else {
                sum -= weight as f64 * dear;
                if sum <= 0.0 {
                    (sum, from) = (0.0, None);
                }
            }
        }
        best
    }

    /// Dense rectangles of selector and time, for records that are missing or too many: most of a rectangle are
    /// hits. What is left over is scattered.
    pub fn rectangles(&self, items: &[Item], evidence: &Evidence) -> Vec<Pick> {
        let weigh = |places: &[usize]| places.iter().map(|at| items[*at].weight).sum::<u64>() as f64;
        let rate = weigh(&evidence.hits) / (weigh(&evidence.hits) + weigh(&evidence.misses)).max(1.0);
        let mut left = evidence.hits.clone();
        let mut picks = Vec::new();
        while picks.len() < MOST {
            let mut bases = vec![Pick::default()];
            let tally = self.tally(items, &left, &evidence.misses, |keys| self.singles(keys));
            let mut singles: Vec<_> = tally.into_iter().filter(|(_, weighed)| weighed.hits >= 5).collect();
            singles.sort_by_key(|(pick, weighed)| (u64::MAX - weighed.hits, preference(pick)));
            bases.extend(singles.iter().take(48).map(|(pick, _)| *pick));
            let scored = bases.into_iter().filter_map(|base| {
                let (from, to, score) = self.densest(items, &left, &evidence.misses, &base, 1.5)?;
                Some((base, [from, to], score))
            });
            let scored: Vec<_> = scored.collect();
            let Some(most) = scored.iter().map(|(_, _, score)| *score).reduce(f64::max) else { break };
            // As likely by chance as the hits are likely anywhere.
            if most < 6.0 || most * -rate.min(0.5).ln() < 18.0 {
                break;
            }
            let Some((base, window, _)) = scored
                .into_iter()
                .filter(|(_, _, score)| *score >= most * 0.98)
                .min_by_key(|(pick, _, _)| (pick.parts(), preference(pick)))
            else {
                break;
            };
            let windowed = Pick { window: Some(window), ..base };
            let outside = |at: &&usize| {
                let keys = &items[**at].keys;
                base.includes(keys, self.destinations) && !windowed.includes(keys, self.destinations)
            };
            let bound = evidence.misses.iter().any(|at| outside(&at));
            let pick = if bound { windowed } else { base };
            left.retain(|at| !pick.includes(&items[*at].keys, self.destinations));
            picks.push(pick);
        }
        picks
    }

    /// Every selector of one part, time aside, that holds a call.
    fn singles(&self, keys: &Keys) -> Vec<Pick> {
        let mut picks = Vec::with_capacity(14);
        if keys.row.is_some() {
            picks.push(Pick { row_prefix: Some(keys.prefix), ..Pick::default() });
        }
        for side in 0..2u8 {
            let at = usize::from(side);
            if keys.gateways[at] != NO_NAME {
                picks.push(Pick { gateway: Some((side, keys.gateways[at])), ..Pick::default() });
            }
            if keys.accounts[at] != NO_NAME {
                picks.push(Pick { account: Some((side, keys.accounts[at])), ..Pick::default() });
            }
        }
        if let Some(at) = self.destinations.of(keys.row) {
            picks.push(Pick { destination: Some(at), ..Pick::default() });
        }
        for digits in 1..=DIGITS {
            let head = keys.callee.head(digits).and_then(|head| Number::from_digits(head, digits));
            let Some(prefix) = head else { break };
            picks.push(Pick { prefix: Some(prefix), ..Pick::default() });
        }
        picks
    }
}

/// Among selectors that hold the same calls the one that people would name.
fn preference(pick: &Pick) -> (u8, Pick) {
    let rank = |pick: &Pick| {
        if pick.row_prefix.is_some() {
            0
        } else if pick.gateway.is_some() {
            1
        } else if pick.account.is_some() {
            2
        } else if pick.destination.is_some() {
            3
        } else {
            // The longest digits that hold as many say the most.
            14 - u8::try_from(pick.prefix.and_then(Number::digits).map_or(0, |(_, digits)| digits))
                .unwrap_or(0)
        }
    };
    (rank(pick), *pick)
}
