//! Which calls a cause is bound to: the simplest selector under which what it says is seen wherever it could be.

use std::collections::HashMap;

use super::found::{Destinations, Pick};
use super::leg::Item;
use super::quick::Quick;
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

/// Finds selectors. What a call can be told by is known by small numbers, made once: candidates are counted by
/// them in one pass over the calls.
#[derive(Debug, Clone)]
pub(super) struct Finder<'a> {
    pub destinations: &'a Destinations,
    /// Selectors of one part, time aside, by their numbers.
    singles: Vec<Pick>,
    /// Those that hold each item; [`NO_SINGLE`] ends them.
    held: Vec<[u32; SINGLES]>,
}

/// Fewest calls that make a selector.
const LEAST: u64 = 3;
/// Most selectors of one deviation.
const MOST: usize = 24;
/// Digits of called numbers that are tried as prefix where no row has them.
const DIGITS: u32 = 8;
/// Selectors of one part that can hold one call: its row, destination, gateways, accounts and first digits.
const SINGLES: usize = 6 + DIGITS as usize;
const NO_SINGLE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, Default)]
struct Weighed {
    hits: u64,
    misses: u64,
}

impl Weighed {
    fn precise(self, precision: f64, unit: u64) -> bool {
        self.hits >= LEAST * unit && self.hits as f64 >= precision * (self.hits + self.misses) as f64
    }
}

/// An item of the evidence, in order of time.
#[derive(Debug, Clone, Copy)]
struct Spot {
    at_ms: i64,
    hit: bool,
    weight: u64,
    item: usize,
}

/// The items of the evidence that leading selectors hold.
struct Lead<'l> {
    line: &'l [Spot],
    /// By place in the line: a bit for each leading selector that holds it.
    masks: Vec<u64>,
    /// By leading selector: places in the line.
    places: Vec<Vec<usize>>,
}

impl Lead<'_> {
    /// Items that all of the leading selectors of a mask hold.
    fn within(&self, need: u64) -> impl Iterator<Item = &Spot> + '_ {
        let fewest = (0..self.places.len())
            .filter(|slot| need & 1 << slot != 0)
            .min_by_key(|slot| self.places[*slot].len());
        let all = if fewest.is_none() { self.line } else { &[] };
        let some = fewest.map_or(&[][..], |slot| &self.places[slot]);
        let some = some.iter().filter(move |at| self.masks[**at] & need == need).map(|at| &self.line[*at]);
        all.iter().chain(some)
    }

    /// The span of time within a selector that has the greatest sum, a hit being worth one and a miss costing
    /// so much.
    fn densest(&self, need: u64, dear: f64) -> Option<(i64, i64, f64)> {
        let mut best: Option<(i64, i64, f64)> = None;
        let (mut sum, mut from) = (0.0, None);
        for spot in self.within(need) {
            if spot.hit {
                let start = *from.get_or_insert(spot.at_ms);
                sum += spot.weight as f64;
                if best.is_none_or(|(_, _, most)| sum > most) {
                    best = Some((start, spot.at_ms, sum));
                }
            } else {
                sum -= spot.weight as f64 * dear;
                if sum <= 0.0 {
                    (sum, from) = (0.0, None);
                }
            }
        }
        best
    }

    /// The window of a selector that holds the most hits for its misses, from its first hit to its last.
    fn window(&self, need: u64, precision: f64, unit: u64) -> Option<([i64; 2], Weighed)> {
        let dear = precision / (1.0 - precision).max(0.001);
        let (from, to, _) = self.densest(need, dear)?;
        let mut weighed = Weighed::default();
        for spot in self.within(need).filter(|spot| from <= spot.at_ms && spot.at_ms <= to) {
            *(if spot.hit { &mut weighed.hits } else { &mut weighed.misses }) += spot.weight;
        }
        weighed.precise(precision, unit).then_some(([from, to], weighed))
    }
}

impl<'a> Finder<'a> {
    /// For items; their keys must not change.
    pub fn new(items: &[Item], destinations: &'a Destinations) -> Self {
        let mut singles: Vec<Pick> = Vec::new();
        let mut names: HashMap<(u8, u64), u32, Quick> = HashMap::default();
        let mut heads: HashMap<u64, [u32; DIGITS as usize], Quick> = HashMap::default();
        let mut number = |kind: u8, value: u64, pick: &dyn Fn() -> Pick| -> u32 {
            *names.entry((kind, value)).or_insert_with(|| {
                singles.push(pick());
                u32::try_from(singles.len() - 1).unwrap_or(NO_SINGLE)
            })
        };
        let mut held = Vec::with_capacity(items.len());
        for Item { keys, .. } in items {
            let mut own = [NO_SINGLE; SINGLES];
            let mut many = 0;
            let mut add = |single: u32| {
                own[many] = single;
                many += 1;
            };
            if keys.row.is_some() {
                let pick = || Pick { row_prefix: Some(keys.prefix), ..Pick::default() };
                add(number(0, keys.prefix.code(), &pick));
            }
            for side in 0..2u8 {
                let (gateway, account) = (keys.gateways[side as usize], keys.accounts[side as usize]);
                if gateway != NO_NAME {
                    let pick = || Pick { gateway: Some((side, gateway)), ..Pick::default() };
                    add(number(1 + side, gateway.into(), &pick));
                }
                if account != NO_NAME {
                    let pick = || Pick { account: Some((side, account)), ..Pick::default() };
                    add(number(3 + side, account.into(), &pick));
                }
            }
            if let Some(at) = destinations.of(keys.row) {
                add(number(5, at.into(), &|| Pick { destination: Some(at), ..Pick::default() }));
            }
            if let Some((_, digits)) = keys.callee.digits() {
                let longest = digits.min(DIGITS);
                let head = |digits: u32| Number::from_digits(keys.callee.head(digits)?, digits);
                let of_head = heads.entry(head(longest).unwrap_or_default().code()).or_insert_with(|| {
                    let mut all = [NO_SINGLE; DIGITS as usize];
                    for (place, prefix) in all.iter_mut().zip((1..=longest).map_while(head)) {
                        let pick = || Pick { prefix: Some(prefix), ..Pick::default() };
                        *place = number(6, prefix.code(), &pick);
                    }
                    all
                });
                of_head.iter().take_while(|single| **single != NO_SINGLE).for_each(|single| add(*single));
            }
            held.push(own);
        }
        Self { destinations, singles, held }
    }

    fn held(&self, item: usize) -> impl Iterator<Item = usize> + '_ {
        self.held[item].iter().take_while(|single| **single != NO_SINGLE).map(|single| *single as usize)
    }

    /// The evidence in order of time; at the same moment misses first.
    fn line(items: &[Item], evidence: &Evidence) -> Vec<Spot> {
        let spot = |at: &usize, hit: bool| {
            let item = &items[*at];
            Spot { at_ms: item.keys.at_ms, hit, weight: item.weight, item: *at }
        };
        let mut line = Vec::with_capacity(evidence.hits.len() + evidence.misses.len());
        line.extend(evidence.hits.iter().map(|at| spot(at, true)));
        line.extend(evidence.misses.iter().map(|at| spot(at, false)));
        line.sort_by_key(|spot| (spot.at_ms, spot.hit, spot.weight));
        line
    }

    /// Selectors that hold the hits and hardly a miss; none when there are no such.
    pub fn find(&self, items: &[Item], evidence: &Evidence, precision: f64) -> Vec<Pick> {
        let weigh = |places: &[usize]| places.iter().map(|at| items[*at].weight).sum::<u64>();
        let all = Weighed { hits: weigh(&evidence.hits), misses: weigh(&evidence.misses) };
        let unit = unit(items, evidence);
        if all.hits < LEAST * unit {
            return Vec::new();
        }
        if all.precise(precision, unit) {
            return vec![Pick::default()];
        }
        let rate = rate(items, evidence);
        let mut line = Self::line(items, evidence);
        let mut picks = Vec::new();
        let (mut covered, mut left) = (0, evidence.hits.len());
        while left > 0 && picks.len() < MOST {
            let Some((pick, weighed)) = self.best(&line, precision, rate, unit) else { break };
            covered += weighed.hits;
            picks.push(pick);
            line.retain(|spot| !spot.hit || !pick.includes(&items[spot.item].keys, self.destinations));
            left = line.iter().filter(|spot| spot.hit).count();
        }
        // Some by chance are among many: what leaves much unexplained is no selector.
        if covered * 10 < all.hits * 7 { Vec::new() } else { picks }
    }

    fn best(&self, line: &[Spot], precision: f64, rate: f64, unit: u64) -> Option<(Pick, Weighed)> {
        let (ranked, many_singles) = self.ranked(line, LEAST * unit);
        let total: u64 = line.iter().filter(|spot| spot.hit).map(|spot| spot.weight).sum();
        let unlikely = |weighed: &Weighed, candidates: usize| {
            (weighed.hits / unit) as f64 * -rate.ln() > (candidates as f64).ln() + 3.0
        };
        let single = ranked
            .iter()
            .find(|(_, weighed)| weighed.precise(precision, unit) && unlikely(weighed, many_singles))
            .map(|(single, weighed)| (self.singles[*single], *weighed));
        if let Some(found) = single.filter(|(_, weighed)| weighed.hits * 1_000 >= total * 995) {
            return Some(found);
        }
        let slots: Vec<usize> = ranked.iter().take(32).map(|(single, _)| *single).collect();
        let lead = self.lead(line, &slots);
        // A window over all, or over one of the leading single selectors.
        let whole = (Pick::default(), 0, Weighed { hits: total, misses: u64::MAX });
        let mut bases: Vec<(Pick, u64, Weighed)> = vec![whole];
        let leading = ranked.iter().enumerate().filter(|(_, (_, weighed))| weighed.hits * 5 >= total);
        let leading =
            leading.take(24).map(|(slot, (single, weighed))| (self.singles[*single], 1 << slot, *weighed));
        bases.extend(leading);
        let (pairs, many_pairs) = self.pairs(&lead, &slots);
        let mut candidates: Vec<(Pick, Weighed)> = single.into_iter().collect();
        let many = many_singles + many_pairs;
        let likely = pairs.iter().filter(|(_, _, w)| w.precise(precision, unit) && unlikely(w, many));
        candidates.extend(likely.map(|(pick, _, weighed)| (*pick, *weighed)));
        bases.extend(pairs.iter().filter(|(_, _, weighed)| weighed.hits * 5 >= total).take(24));
        for (base, need, weighed) in bases {
            if let Some((window, inside)) = lead.window(need, precision, unit)
                && inside.hits * 5 >= weighed.hits * 4
                && unlikely(&inside, many * 8)
            {
                candidates.push((Pick { window: Some(window), ..base }, inside));
            }
        }
        // The fewest parts among those that hold nearly as many.
        let most = candidates.iter().map(|(_, weighed)| weighed.hits).max()?;
        candidates
            .into_iter()
            .filter(|(_, weighed)| weighed.hits * 100 >= most * 98)
            .min_by_key(|(pick, weighed)| (pick.parts(), preference(pick), u64::MAX - weighed.hits))
    }

    /// Single selectors with so many hits, those with the most first; and how many there are with any.
    fn ranked(&self, line: &[Spot], least: u64) -> (Vec<(usize, Weighed)>, usize) {
        let mut tally = vec![Weighed::default(); self.singles.len()];
        let mut seen: Vec<usize> = Vec::new();
        for spot in line.iter().filter(|spot| spot.hit) {
            for single in self.held(spot.item) {
                if tally[single].hits == 0 {
                    seen.push(single);
                }
                tally[single].hits += spot.weight;
            }
        }
        for spot in line.iter().filter(|spot| !spot.hit) {
            for single in self.held(spot.item) {
                tally[single].misses += spot.weight;
            }
        }
        let all = seen.iter().map(|single| (*single, tally[*single]));
        let mut ranked: Vec<(usize, Weighed)> = all.filter(|(_, weighed)| weighed.hits >= least).collect();
        ranked.sort_by_cached_key(|(single, weighed)| {
            (u64::MAX - weighed.hits, preference(&self.singles[*single]))
        });
        (ranked, seen.len())
    }

    /// Which items some selectors hold; at most 64 of them.
    fn lead<'l>(&self, line: &'l [Spot], leading: &[usize]) -> Lead<'l> {
        let mut slots = vec![u8::MAX; self.singles.len()];
        for (slot, single) in (0..64).zip(leading) {
            slots[*single] = slot;
        }
        let mut places = vec![Vec::new(); leading.len()];
        let of_spot = |(at, spot): (usize, &Spot)| {
            self.held(spot.item).map(|single| slots[single]).filter(|slot| *slot < 64).fold(
                0,
                |mask, slot| {
                    places[usize::from(slot)].push(at);
                    mask | 1u64 << slot
                },
            )
        };
        let masks = line.iter().enumerate().map(of_spot).collect();
        Lead { line, masks, places }
    }

    /// Pairs of the leading single selectors, and how many there are with any hit.
    fn pairs(&self, lead: &Lead<'_>, leading: &[usize]) -> (Vec<(Pick, u64, Weighed)>, usize) {
        let many = leading.len();
        let mut tally = vec![Weighed::default(); many * many];
        for (spot, mask) in lead.line.iter().zip(&lead.masks) {
            let mut firsts = *mask;
            while firsts != 0 {
                let first = firsts.trailing_zeros() as usize;
                firsts &= firsts - 1;
                let mut seconds = firsts;
                while seconds != 0 {
                    let weighed = &mut tally[first * many + seconds.trailing_zeros() as usize];
                    *(if spot.hit { &mut weighed.hits } else { &mut weighed.misses }) += spot.weight;
                    seconds &= seconds - 1;
                }
            }
        }
        let hit = tally.iter().enumerate().filter(|(_, weighed)| weighed.hits > 0);
        let mut pairs: Vec<(Pick, u64, Weighed)> = hit
            .filter_map(|(at, weighed)| {
                let (first, second) = (at / many, at % many);
                let both = self.singles[leading[first]].and(self.singles[leading[second]])?;
                Some((both, 1 << first | 1 << second, *weighed))
            })
            .collect();
        pairs.sort_by_cached_key(|(pick, _, weighed)| (u64::MAX - weighed.hits, preference(pick)));
        // Beyond these none is looked at, nor counted as one that was.
        pairs.truncate(64);
        let many = pairs.len();
        (pairs, many)
    }

    /// Dense rectangles of selector and time, for records that are missing or too many: most of a rectangle are
    /// hits. What is left over is scattered.
    pub fn rectangles(&self, items: &[Item], evidence: &Evidence) -> Vec<Pick> {
        let rate = rate(items, evidence);
        let unit = unit(items, evidence);
        let mut line = Self::line(items, evidence);
        let mut picks = Vec::new();
        while picks.len() < MOST {
            let (mut ranked, _) = self.ranked(&line, 5 * unit);
            ranked.truncate(48);
            let slots: Vec<usize> = ranked.iter().map(|(single, _)| *single).collect();
            let lead = self.lead(&line, &slots);
            let mut bases = vec![(Pick::default(), 0)];
            bases
                .extend(slots.iter().enumerate().map(|(slot, single)| (self.singles[*single], 1u64 << slot)));
            let scored: Vec<_> = bases
                .into_iter()
                .filter_map(|(base, need)| {
                    let (from, to, score) = lead.densest(need, 1.5)?;
                    Some((base, need, [from, to], score))
                })
                .collect();
            let Some(most) = scored.iter().map(|(.., score)| *score).reduce(f64::max) else { break };
            // As likely by chance as the hits are likely anywhere.
            let many = most / unit as f64;
            if many < 6.0 || many * -rate.min(0.5).ln() < 18.0 {
                break;
            }
            let Some((base, need, window, _)) = scored
                .into_iter()
                .filter(|(.., score)| *score >= most * 0.98)
                .min_by_key(|(pick, ..)| (pick.parts(), preference(pick)))
            else {
                break;
            };
            let inside = |spot: &Spot| window[0] <= spot.at_ms && spot.at_ms <= window[1];
            let bound = lead.within(need).any(|spot| !spot.hit && !inside(spot));
            let pick = if bound { Pick { window: Some(window), ..base } } else { base };
            line.retain(|spot| !spot.hit || !pick.includes(&items[spot.item].keys, self.destinations));
            picks.push(pick);
        }
        picks
    }
}

/// How likely a call of the evidence is a hit. Where misses are a thinner sample than hits, as likely as it seems
/// there: many hits in a row without a miss are no wonder then.
fn rate(items: &[Item], evidence: &Evidence) -> f64 {
    let weigh = |places: &[usize]| places.iter().map(|at| items[*at].weight).sum::<u64>() as f64;
    let share = |hits: f64, misses: f64| hits / (hits + misses).max(1.0);
    let seen = share(evidence.hits.len() as f64, evidence.misses.len() as f64);
    seen.max(share(weigh(&evidence.hits), weigh(&evidence.misses)))
}

/// What one call of the evidence weighs at most: one of a sample that stands for many proves no more than one.
fn unit(items: &[Item], evidence: &Evidence) -> u64 {
    evidence.hits.iter().map(|at| items[*at].weight).max().unwrap_or(1).max(1)
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
