//! Which rules reproduce what each side shows: deviations are learned from the calls that the contract does not
//! explain, one at a time, two or three together where one does not do, and bound to selectors at the end.

use std::collections::{BTreeMap, HashMap};

use super::bind::bind;
use super::catalogue::{Catalogue, blocks_shown, preference};
use super::deviation::{Deviation, Pricer};
use super::found::{Destinations, Found, Pick};
use super::ledger::LedgerContext;
use super::leg::{Item, Leg, Standing};
use super::quick::Quick;
use super::region::{Census, Region, regions, thinned};
use super::selector::Finder;
use super::solve::solve;
use crate::record::Side;

/// Calls that singles, pairs and triples are tried on.
pub(super) const SAMPLES: [usize; 3] = [600, 60, 24];
/// Fewest calls that make a rule.
pub(super) const LEAST: usize = 4;
/// Odd calls beyond which only rules by ones and twos are tried on each, and sets of more that were seen.
const MANY: usize = 10_000;
/// Rounds of learning.
const ROUNDS: usize = 40;
/// Usual taxes, in per cent.
const TAXES: [u32; 19] = [16, 20, 19, 6, 10, 21, 18, 15, 5, 7, 8, 9, 12, 13, 17, 22, 23, 24, 25];
/// How often the calls that a rule explained by chance are looked at again.
const SECOND_LOOKS: usize = 2;
/// Deviations that triples are made of.
const ACTIVE: usize = 14;

/// Causes of both sides, records and durations aside.
pub(super) fn explain(
    items: &[Item],
    pricer: &Pricer<'_>,
    finder: &Finder<'_>,
    context: &LedgerContext<'_>,
) -> Vec<Found> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        let mut search = Search::new(items, pricer, side, context, finder.destinations);
        search.learn();
        search.prune();
        let mut bound = bind(&search, finder);
        let mut explained = search.explained_by(&bound);
        // A rule that is bound to some of its calls explained the others by chance: what does so in truth is
        // looked for without it.
        for _ in 0..SECOND_LOOKS {
            // A few calls more or less are chance themselves.
            let least = (explained / 50).max(LEAST * 2);
            if search.reopen(&bound) < least {
                break;
            }
            search.learn();
            search.prune();
            let again = bind(&search, finder);
            let more = search.explained_by(&again);
            if more < explained + least {
                break;
            }
            (bound, explained) = (again, more);
        }
        found.extend(bound.into_iter().flat_map(|bound| bound.causes));
    }
    found
}

/// A side's calls and the rules learned so far.
pub(super) struct Search<'s, 'a> {
    pub items: &'s [Item],
    pub pricer: &'s Pricer<'a>,
    pub side: Side,
    catalogue: Catalogue,
    /// Rules, in the order in which they were learned.
    pub pool: Vec<Deviation>,
    /// Items that the contract does not explain; those of the other items that can be judged are in `fitting`.
    pub odd: Vec<usize>,
    pub fitting: Vec<usize>,
    /// For each of `odd`, what explains it.
    pub sets: Vec<Option<Vec<Deviation>>>,
    /// Rules that are known to hold on some calls only.
    pub confined: Vec<(Deviation, Vec<Pick>)>,
    pub destinations: &'s Destinations,
}

/// What a rule, or several, would explain.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub rules: Vec<Deviation>,
    /// Items of the sample that it explains.
    explains: Vec<usize>,
    score: usize,
    against: usize,
}

impl<'s, 'a> Search<'s, 'a> {
    fn new(
        items: &'s [Item],
        pricer: &'s Pricer<'a>,
        side: Side,
        context: &LedgerContext<'_>,
        destinations: &'s Destinations,
    ) -> Self {
        let legs = || {
            items.iter().enumerate().filter_map(|(at, item)| Some((at, item.legs[side.index()].as_ref()?)))
        };
        let judged = |leg: &Leg| matches!(leg.standing, Standing::Whole | Standing::Extra(_));
        let (mut odd, mut fitting) = (Vec::new(), Vec::new());
        for (at, leg) in legs().filter(|(_, leg)| judged(leg)) {
            if leg.explained_by(pricer, &[]) || explained_by_other(&items[at], side, pricer, &[]) {
                fitting.push(at);
            } else {
                odd.push(at);
            }
        }
        let extra = blocks_shown(odd.iter().filter_map(|at| items[*at].legs[side.index()].as_ref()));
        let catalogue = Catalogue::new(pricer, side, context.techs, &extra);
        let sets = vec![None; odd.len()];
        let (pool, confined) = (Vec::new(), Vec::new());
        Self { items, pricer, side, catalogue, pool, odd, fitting, sets, confined, destinations }
    }

    pub fn leg(&self, at: usize) -> Option<&'s Leg> {
        self.items[at].legs[self.side.index()].as_ref()
    }

    fn learn(&mut self) {
        for _ in 0..ROUNDS {
            let open = self.unexplained();
            if open.len() < LEAST {
                return;
            }
            let contexts = self.contexts();
            let mut best = self.best(&thinned(&open, SAMPLES[0]), &contexts, true);
            let sampled = open.len().min(SAMPLES[0]);
            if best.as_ref().is_none_or(|best| best.score * 2 < sampled) {
                let sample = thinned(&open, SAMPLES[1]);
                let better = self.several(&sample, &contexts);
                // Two rules must explain far more than one, and three than two.
                let scaled = |candidate: &Candidate| candidate.score * sampled / sample.len().max(1);
                if let Some(better) = better
                    && best.as_ref().is_none_or(|best| scaled(&better) > best.score * 2)
                {
                    best = Some(better);
                }
            }
            let best = best.or_else(|| {
                // Nothing explains any region whole: what explains the most calls here and there.
                let scattered = self.best(&thinned(&open, SAMPLES[0]), &contexts, false);
                scattered.filter(|found| found.score >= 8 && found.score * 12 >= sampled)
            });
            let Some(best) = best.map(|best| self.refined(self.with_tax(best, &open), &open)) else { return };
            let before = self.pool.len();
            for rule in best.rules {
                if !self.pool.contains(&rule) {
                    self.pool.push(rule);
                }
            }
            let open_places: Vec<usize> = (0..self.odd.len()).filter(|at| self.sets[*at].is_none()).collect();
            self.settle(&open_places, before);
            if self.pool.len() == before || self.unexplained().len() == open.len() {
                return;
            }
        }
    }

    /// A constant factor may be of a currency and a tax together. They are told apart by the tax being rounded
    /// by itself, where the two explain more than the one; else the one is the simpler explanation.
    fn with_tax(&self, best: Candidate, open: &[usize]) -> Candidate {
        let taxed = |rules: &[Deviation]| rules.iter().any(|rule| matches!(rule, Deviation::Tax { .. }));
        let factor = best.rules.iter().position(|rule| matches!(rule, Deviation::Factor { .. }));
        let Some(factor) = factor.filter(|_| !taxed(&best.rules)) else { return best };
        if self.pool.iter().any(|rule| matches!(rule, Deviation::Tax { .. })) {
            return best;
        }
        let sample = thinned(open, SAMPLES[0]);
        let legs: Vec<&Leg> = sample.iter().filter_map(|at| self.leg(*at)).collect();
        let explained =
            |rules: &[Deviation]| legs.iter().filter(|leg| leg.explained_by(self.pricer, rules)).count();
        let alone = explained(&best.rules);
        let mut likeliest: Option<(usize, Vec<Deviation>)> = None;
        for percent in TAXES {
            let mut rules = best.rules.clone();
            rules[factor] = Deviation::Tax { ppm: percent * 10_000, before_rounding: false };
            let solved = solve(&legs, self.pricer, &rules);
            let Some(rest) = solved.into_iter().find(|rule| matches!(rule, Deviation::Factor { .. })) else {
                continue;
            };
            rules.push(rest);
            let many = explained(&rules);
            if likeliest.as_ref().is_none_or(|(most, _)| many > *most) {
                likeliest = Some((many, rules));
            }
        }
        match likeliest {
            Some((many, rules)) if many >= alone + (alone / 50).max(3) => Candidate { rules, ..best },
            _ => best,
        }
    }

    fn unexplained(&self) -> Vec<usize> {
        let open = self.odd.iter().zip(&self.sets).filter(|(_, set)| set.is_none());
        open.map(|(at, _)| *at).collect()
    }

    /// Sets of rules that others may act beside: none, and those that explain calls already.
    fn contexts(&self) -> Vec<Vec<Deviation>> {
        let mut often: BTreeMap<Vec<Deviation>, usize> = BTreeMap::new();
        for set in self.sets.iter().flatten() {
            *often.entry(set.clone()).or_default() += 1;
        }
        let mut ranked: Vec<(usize, Vec<Deviation>)> = often.into_iter().map(|(set, n)| (n, set)).collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut contexts = vec![Vec::new()];
        contexts.extend(ranked.into_iter().map(|(_, set)| set).filter(|set| !set.is_empty()).take(6));
        for rule in &self.pool {
            if contexts.len() < 14 && !contexts.contains(&vec![*rule]) {
                contexts.push(vec![*rule]);
            }
        }
        contexts
    }

    /// The rule that explains a region of the open calls, or the most of all when `whole` is not asked for.
    fn best(&self, sample: &[usize], contexts: &[Vec<Deviation>], whole: bool) -> Option<Candidate> {
        let mut votes: HashMap<Vec<Deviation>, Vec<usize>, Quick> = HashMap::default();
        for context in contexts {
            self.vote(sample, context, &mut |rules, at| {
                let voters = votes.entry(rules).or_default();
                if voters.last() != Some(&at) {
                    voters.push(at);
                }
            });
        }
        self.rank(sample, votes, whole)
    }

    fn vote(&self, sample: &[usize], context: &[Deviation], vote: &mut dyn FnMut(Vec<Deviation>, usize)) {
        let legs: Vec<&Leg> = sample.iter().filter_map(|at| self.leg(*at)).collect();
        let mut solved = solve(&legs, self.pricer, context);
        solved.retain(|rule| context.iter().all(|other| other.order() != rule.order()));
        let mut rules = context.to_vec();
        for at in sample {
            let Some(leg) = self.leg(*at) else { continue };
            if !context.iter().all(|rule| self.allowed(*at, rule)) {
                continue;
            }
            let prepared = leg.prepared(self.pricer, context);
            let mut tried = self.catalogue.of(leg, self.pricer, context);
            tried.extend(solved.iter().filter(|rule| match rule {
                Deviation::Rate { row, .. } => self.items[*at].keys.row == Some(*row) || !context.is_empty(),
                _ => true,
            }));
            for rule in tried {
                rules.push(rule);
                // A number that no prefix begins costs nothing, as does a call that was not rated: no proof.
                let found = !matches!(rule, Deviation::Tech { .. })
                    || self.pricer.price(&leg.situation, &rules).row.is_some();
                if found && leg.explained_beside(&prepared, self.pricer, &rules) {
                    // Rules that stand in the pool already are no news.
                    let mut news: Vec<Deviation> =
                        rules.iter().copied().filter(|rule| !self.pool.contains(rule)).collect();
                    news.sort_unstable();
                    if !news.is_empty() {
                        vote(news, *at);
                    }
                }
                rules.pop();
            }
        }
    }

    fn rank(
        &self,
        sample: &[usize],
        votes: HashMap<Vec<Deviation>, Vec<usize>, Quick>,
        whole: bool,
    ) -> Option<Candidate> {
        let mut census = Census::new(sample.iter().map(|at| (*at, &self.items[*at].keys)));
        let mut candidates: Vec<Candidate> = votes
            .into_iter()
            .map(|(rules, mut explains)| {
                explains.sort_unstable();
                explains.dedup();
                let score = if whole { census.purest(&explains) } else { explains.len() };
                Candidate { rules, explains, score, against: 0 }
            })
            .filter(|candidate| candidate.score >= LEAST.min(sample.len()).max(3))
            .filter(|candidate| self.is_factor_proven(candidate))
            .collect();
        let most = candidates.iter().map(|candidate| candidate.score).max()?;
        candidates.retain(|candidate| candidate.score * 20 >= most * 19);
        candidates.sort_by(|a, b| likelier(a).cmp(&likelier(b)).then_with(|| a.rules.cmp(&b.rules)));
        candidates.truncate(40);
        for candidate in &mut candidates {
            candidate.against = self.against(candidate);
        }
        candidates.into_iter().min_by(|a, b| {
            let doubt = |candidate: &Candidate| candidate.against + (most - candidate.score);
            doubt(a)
                .cmp(&doubt(b))
                .then_with(|| likelier(a).cmp(&likelier(b)))
                .then_with(|| a.rules.cmp(&b.rules))
        })
    }

    /// A factor is proven by a currency that is named, or by prices of several rows that it changes alike: on
    /// one price it is but another price.
    fn is_factor_proven(&self, candidate: &Candidate) -> bool {
        if !candidate.rules.iter().any(|rule| matches!(rule, Deviation::Factor { .. })) {
            return true;
        }
        if candidate.explains.iter().any(|at| self.leg(*at).is_some_and(|leg| leg.foreign)) {
            return true;
        }
        let mut prices: BTreeMap<i64, usize> = BTreeMap::new();
        for row in candidate.explains.iter().filter_map(|at| self.items[*at].keys.row) {
            *prices.entry(self.pricer.rater.terms(row).rate).or_default() += 1;
        }
        prices.values().filter(|many| **many >= 2).count() >= 2
    }

    /// Calls like those that a candidate explains on which it would be seen, and is not.
    fn against(&self, candidate: &Candidate) -> usize {
        let mut shared: Option<Vec<Region>> = None;
        for at in &candidate.explains {
            let keys = &self.items[*at].keys;
            match &mut shared {
                None => shared = Some(regions(keys).collect()),
                Some(shared) => shared.retain(|region| region.holds(keys)),
            }
        }
        let shared = shared.unwrap_or_default();
        let near = |at: &&usize| {
            let keys = &self.items[**at].keys;
            shared.iter().all(|region| region.holds(keys))
        };
        let fitting: Vec<usize> = self.fitting.iter().filter(near).copied().collect();
        let sample = thinned(&fitting, 300);
        // Calls that are explained already show a rule beside what explains them.
        let settled: Vec<usize> = (0..self.odd.len())
            .filter(|place| self.sets[*place].is_some() && near(&&self.odd[*place]))
            .collect();
        let beside = |place: &usize| {
            let (Some(leg), Some(set)) = (self.leg(self.odd[*place]), &self.sets[*place]) else {
                return false;
            };
            let with = |rule: &Deviation| -> Vec<Deviation> {
                let others = set.iter().filter(|other| other.order() != rule.order());
                others.copied().chain([*rule]).collect()
            };
            let mut rules = candidate.rules.iter().filter(|rule| !set.contains(rule));
            rules.any(|rule| !leg.explained_by(self.pricer, &with(rule)))
        };
        let denied = thinned(&settled, 300).iter().filter(|place| beside(place)).count();
        let contradicts = |at: &usize| {
            self.leg(*at).is_some_and(|leg| {
                let alone = |rule: &Deviation| !leg.explained_by(self.pricer, &[*rule]);
                candidate.rules.iter().any(alone)
            })
        };
        sample.iter().filter(|at| contradicts(at)).count() + denied
    }

    /// Two rules together, then three of those that were seen to explain anything.
    fn several(&self, sample: &[usize], contexts: &[Vec<Deviation>]) -> Option<Candidate> {
        let mut firsts: Vec<Vec<Deviation>> = Vec::new();
        let legs: Vec<&Leg> = sample.iter().filter_map(|at| self.leg(*at)).collect();
        for leg in legs.iter().take(12) {
            for rule in self.catalogue.of(leg, self.pricer, &[]) {
                // What each call sets anew is looked for last, on top of the others.
                let free = matches!(rule, Deviation::FeeAdded(_))
                    || matches!(rule, Deviation::Minimum(least) if least != 0)
                    || matches!(rule, Deviation::Tax { .. } | Deviation::Unrated | Deviation::Unpriced);
                let rule = vec![rule];
                if !free && !firsts.contains(&rule) {
                    firsts.push(rule);
                }
            }
        }
        let mut best = self.best(sample, &firsts, true);
        if best.as_ref().is_some_and(|best| best.score * 2 >= sample.len()) {
            return best;
        }
        // Three: pairs of the likeliest firsts as what the third acts beside.
        let mut active: Vec<(usize, Vec<Deviation>)> = firsts
            .iter()
            .map(|first| {
                let near = legs.iter().filter(|leg| self.nearer(leg, first)).count();
                (near, first.clone())
            })
            .collect();
        active.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| preference(&a.1[0]).cmp(&preference(&b.1[0]))));
        let mut kept: Vec<Deviation> = Vec::new();
        for (_, first) in active {
            // A few of each kind.
            if kept.len() < ACTIVE
                && kept.iter().filter(|other| other.order() == first[0].order()).count() < 3
            {
                kept.push(first[0]);
            }
        }
        let mut pairs: Vec<Vec<Deviation>> = Vec::new();
        for (at, one) in kept.iter().enumerate() {
            let others = kept[at + 1..].iter().filter(|other| other.order() != one.order());
            pairs.extend(others.map(|other| vec![*one, *other]));
        }
        for context in contexts.iter().filter(|context| !context.is_empty()) {
            for one in &kept {
                if context.iter().all(|other| other.order() != one.order()) {
                    pairs.push(context.iter().copied().chain([*one]).collect());
                }
            }
        }
        let third = self.best(&thinned(sample, SAMPLES[2]), &pairs, true);
        if let Some(third) = third {
            let many = sample.len().min(SAMPLES[2]).max(1);
            let scaled = third.score * sample.len() / many;
            if best.as_ref().is_none_or(|best| scaled > best.score * 2) {
                best = Some(Candidate { score: scaled, ..third });
            }
        }
        best
    }

    /// Whether a rule brings a call's charged seconds or amount nearer to what it shows.
    fn nearer(&self, leg: &Leg, rules: &[Deviation]) -> bool {
        let situation = super::deviation::Situation { talk_ms: leg.situation.own_ms, ..leg.situation };
        let off = |rules: &[Deviation]| {
            let shown = self.pricer.price(&situation, rules);
            let billed = leg.record.billed_s;
            let seconds =
                if billed == crate::record::ABSENT_32 { 0 } else { billed.abs_diff(shown.billed_s) };
            (seconds, leg.record.amount.abs_diff(shown.amount))
        };
        off(rules) < off(&[])
    }

    /// Explains odd calls by as few rules of the pool as will do, one of which is new: learned after the first
    /// so many. What the others do together was seen when the last of them was new.
    fn settle(&mut self, places: &[usize], since: usize) {
        let contexts = self.contexts();
        for place in places {
            self.sets[*place] = self.set_of(self.odd[*place], &contexts, since);
        }
    }

    fn set_of(&self, at: usize, known: &[Vec<Deviation>], since: usize) -> Option<Vec<Deviation>> {
        let news = &self.pool[since.min(self.pool.len())..];
        let leg = self.leg(at)?;
        let explains = |set: &[Deviation]| {
            set.iter().any(|rule| news.contains(rule))
                && (leg.explained_by(self.pricer, set)
                    || explained_by_other(&self.items[at], self.side, self.pricer, set))
        };
        let rules: Vec<Deviation> = self.pool.iter().copied().filter(|rule| self.matters(at, rule)).collect();
        if let Some(rule) = rules.iter().find(|rule| explains(&[**rule])) {
            return Some(vec![*rule]);
        }
        for set in known.iter().filter(|set| set.len() > 1 && set.iter().all(|rule| rules.contains(rule))) {
            if explains(set) {
                return Some(set.clone());
            }
        }
        // Of many calls those that only four rules explain are too dear to look for.
        let most = if self.odd.len() > MANY { 2 } else { 4 };
        for many in 2..=most {
            if let Some(set) = choose(&rules, many, &mut Vec::new(), &explains) {
                return Some(set);
            }
        }
        None
    }

    /// Whether a rule can be seen at all on a call: those of a row only on its calls.
    fn matters(&self, at: usize, rule: &Deviation) -> bool {
        let of_row = match rule {
            Deviation::Stale { of, .. } | Deviation::Prefix { of, .. } => self.items[at].keys.prefix == *of,
            Deviation::Rate { row, .. } => {
                self.pricer.prefix_of(*row) == self.items[at].keys.prefix || self.pool.len() < 8
            }
            _ => true,
        };
        of_row && self.allowed(at, rule)
    }

    /// Drops rules without which nearly as much is explained.
    fn prune(&mut self) {
        let explained = |search: &Self| search.sets.iter().flatten().count();
        let mut place = self.pool.len();
        while place > 0 {
            place -= 1;
            let before = explained(self);
            let (pool, sets) = (self.pool.clone(), self.sets.clone());
            let rule = self.pool.remove(place);
            let held = |at: &usize| sets[*at].as_ref().is_some_and(|set| set.contains(&rule));
            let places: Vec<usize> = (0..self.odd.len()).filter(held).collect();
            places.iter().for_each(|at| self.sets[*at] = None);
            self.settle(&places, 0);
            if explained(self) + LEAST.min(3) <= before {
                (self.pool, self.sets) = (pool, sets);
            }
        }
    }
}

/// Whether a side shows what the other's duration gives: its own was off by a second in the record alone.
pub(super) fn explained_by_other(item: &Item, side: Side, pricer: &Pricer<'_>, set: &[Deviation]) -> bool {
    let [Some(ours), Some(theirs)] = &item.legs else { return false };
    let (own, other) = if side == Side::Ours { (ours, theirs) } else { (theirs, ours) };
    let apart = own.situation.own_ms.abs_diff(other.situation.own_ms);
    apart > 0
        && apart <= 2_000
        && other.standing == Standing::Whole
        && own.explained_at(pricer, set, other.situation.own_ms)
}

/// The first set of so many rules of different kinds that explains.
fn choose(
    rules: &[Deviation],
    many: usize,
    set: &mut Vec<Deviation>,
    explains: &dyn Fn(&[Deviation]) -> bool,
) -> Option<Vec<Deviation>> {
    if many == 0 {
        return explains(set).then(|| set.clone());
    }
    for (at, rule) in rules.iter().enumerate() {
        if set.iter().any(|other| other.order() == rule.order()) {
            continue;
        }
        set.push(*rule);
        let chosen = choose(&rules[at + 1..], many - 1, set, explains);
        set.pop();
        if chosen.is_some() {
            return chosen;
        }
    }
    None
}

/// Fewer rules, then likelier ones.
fn likelier(candidate: &Candidate) -> (usize, u64) {
    let sum: u64 =
        candidate.rules.iter().map(|rule| u64::from(preference(rule).0) * 1_000 + preference(rule).1).sum();
    (candidate.rules.len(), sum)
}
