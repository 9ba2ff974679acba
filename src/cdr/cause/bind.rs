//! From rules to causes: which calls each is bound to, and what it is called.

use std::collections::BTreeMap;

use super::deviation::Deviation;
use super::explain::{LEAST, Search, explained_by_other};
use super::found::{Destinations, Found, Pick};
use super::leg::Leg;
use super::selector::{Evidence, Finder};
use crate::number::Number;
use crate::outcome::CauseKind;
use crate::record::{ABSENT, ABSENT_32};

/// A rule and what it was bound to; nothing, where its calls prove no cause.
pub(super) struct Bound {
    pub rule: Deviation,
    pub causes: Vec<Found>,
}

/// Causes of the rules that a search has learned.
pub(super) fn bind(search: &Search<'_, '_>, finder: &Finder<'_>) -> Vec<Bound> {
    let one = |rule: &Deviation| Bound { rule: *rule, causes: causes_of(search, finder, *rule) };
    let mut all: Vec<Bound> = search.pool.iter().map(one).collect();
    let mut causes: Vec<Found> = all.iter().flat_map(|bound| &bound.causes).cloned().collect();
    without_chance(&mut causes);
    for bound in &mut all {
        bound.causes.retain(|cause| causes.contains(cause));
    }
    all
}

fn causes_of(search: &Search<'_, '_>, finder: &Finder<'_>, rule: Deviation) -> Vec<Found> {
    let evidence = evidence(search, rule);
    let hits = evidence.hits.len();
    if hits < LEAST.min(3) {
        return Vec::new();
    }
    let deviation = renamed(search, rule);
    let kind = kind(deviation);
    let picks = finder.find(search.items, &evidence, 0.995);
    let bound = |pick: Pick| {
        // How amounts are written is a matter of the whole system, whichever rows let it be seen.
        let of_all = matches!(deviation, Deviation::Decimals(_) | Deviation::Mode(_));
        let pick = if of_all { pick } else { only_row(search, &evidence, finder.destinations, pick) };
        Found::on(search.side, deviation, kind, with_row(search, deviation, pick))
    };
    if !picks.is_empty() {
        return picks.into_iter().map(bound).collect();
    }
    // Seen here and there, on no calls in particular: proven by number, where the record names what was used or
    // hardly a call is left that nothing explains.
    let open = search.sets.iter().filter(|set| set.is_none()).count();
    let named = evidence.hits.iter().all(|at| search.leg(*at).is_some_and(|leg| names(leg, deviation)));
    if hits >= 6 && (named || open * 4 <= hits) {
        return vec![Found { optional: true, ..bound(Pick::default()) }];
    }
    Vec::new()
}

/// Leaves out scattered rules that only differ in their number, one for some calls and another for others: so
/// many numbers explain anything.
fn without_chance(causes: &mut Vec<Found>) {
    const MOST: usize = 2;
    let is_scattered = |found: &Found| found.optional && found.deviation.order() >= 11;
    let mut scattered: BTreeMap<u8, usize> = BTreeMap::new();
    for found in causes.iter().filter(|found| is_scattered(found)) {
        *scattered.entry(found.deviation.order()).or_default() += 1;
    }
    causes.retain(|found| {
        !is_scattered(found) || scattered.get(&found.deviation.order()).is_none_or(|many| *many <= MOST)
    });
}

/// Whether a record names what a rule changes, so that it cannot explain it by chance.
fn names(leg: &Leg, deviation: Deviation) -> bool {
    match deviation.order() {
        4 | 5 | 7 | 8 | 10 => leg.record.rate != ABSENT,
        6 => true,
        11 | 12 => leg.record.billed_s != ABSENT_32,
        _ => false,
    }
}

/// Calls that a rule explains, alone or beside others, and calls on which it would be seen and is not.
fn evidence(search: &Search<'_, '_>, rule: Deviation) -> Evidence {
    let mut evidence = Evidence::default();
    let together = together(search, rule);
    let without = |at: usize, set: &[Deviation]| {
        let Some(leg) = search.leg(at) else { return false };
        if matches!(rule, Deviation::Tech { digits, marked: true } if leg.situation.tech != digits) {
            // The number came without it: those that came with it are told from these.
            return leg.situation.answered;
        }
        let mut with = set.to_vec();
        with.retain(|other| other.order() != rule.order());
        with.push(rule);
        // Where it changes nothing that is shown, it says nothing.
        let hidden = leg.explained_by(search.pricer, &with)
            || explained_by_other(&search.items[at], search.side, search.pricer, &with);
        // Nor where it makes no difference beside another rule with which it was seen.
        !hidden && !together.iter().any(|set| leg.explained_by(search.pricer, set))
    };
    for (at, set) in search.odd.iter().zip(&search.sets) {
        match set {
            Some(set) if set.contains(&rule) => evidence.hit(*at),
            // Where no fee is charged at all, one that is added cannot be seen.
            Some(set) if matches!(rule, Deviation::FeeAdded(_)) && set.contains(&Deviation::NoFee) => {}
            Some(set) if concerns(search, *at, rule) && without(*at, set) => evidence.miss(*at),
            _ => {}
        }
    }
    for at in &search.fitting {
        if concerns(search, *at, rule) && without(*at, &[]) {
            evidence.miss(*at);
        }
    }
    evidence
}

/// The sets of several rules, one of them this, that explain the most calls.
fn together(search: &Search<'_, '_>, rule: Deviation) -> Vec<Vec<Deviation>> {
    let mut often: BTreeMap<&[Deviation], usize> = BTreeMap::new();
    for set in search.sets.iter().flatten().filter(|set| set.len() > 1 && set.contains(&rule)) {
        *often.entry(set).or_default() += 1;
    }
    let mut ranked: Vec<(&[Deviation], usize)> =
        often.into_iter().filter(|(_, many)| *many >= LEAST).collect();
    ranked.sort_by_key(|(_, many)| usize::MAX - many);
    ranked.into_iter().take(4).map(|(set, _)| set.to_vec()).collect()
}

/// What is seen on the calls of one row only, where other rows have calls as well, is known of that row alone.
fn only_row(search: &Search<'_, '_>, evidence: &Evidence, destinations: &Destinations, pick: Pick) -> Pick {
    if pick.row_prefix.is_some() || pick.prefix.is_some() || pick.destination.is_some() {
        return pick;
    }
    let prefixes = |places: &[usize]| -> Vec<Number> {
        let picked = places.iter().map(|at| &search.items[*at].keys);
        let picked = picked.filter(|keys| keys.row.is_some() && pick.includes(keys, destinations));
        let mut all: Vec<Number> = picked.map(|keys| keys.prefix).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let talked: Vec<usize> = search.odd.iter().chain(&search.fitting).copied().collect();
    match prefixes(&evidence.hits).as_slice() {
        [one] if prefixes(&talked).len() > 1 => Pick { row_prefix: Some(*one), ..pick },
        _ => pick,
    }
}

/// Whether a rule can be seen on a call at all.
fn concerns(search: &Search<'_, '_>, at: usize, rule: Deviation) -> bool {
    let keys = &search.items[at].keys;
    match rule {
        Deviation::Rate { row, .. } => keys.row == Some(row),
        Deviation::Stale { of, .. } | Deviation::Prefix { of, .. } => keys.prefix == of,
        _ => true,
    }
}

/// A constant price that is another prefix's of the deck is that prefix's.
fn renamed(search: &Search<'_, '_>, rule: Deviation) -> Deviation {
    let Deviation::Rate { row, rate } = rule else { return rule };
    let rater = search.pricer.rater;
    let of = search.pricer.prefix_of(row);
    let own = rater.terms(row);
    let deck = &rater.deck().rows;
    // Of another date of its own prefix: a stale one.
    let past = search.pricer.rows(of).iter().copied().find(|other| {
        let terms = rater.terms(*other);
        let dates = |row: u32| deck[row as usize].effective_from_ms;
        (terms.rate, terms.initial_s, terms.increment_s, terms.connect_fee)
            == (rate, own.initial_s, own.increment_s, own.connect_fee)
            && dates(*other) != dates(row)
    });
    if let Some(past) = past {
        return Deviation::Stale { of, from_ms: deck[past as usize].effective_from_ms };
    }
    let at_ms = search.odd.iter().find_map(|at| {
        let keys = &search.items[*at].keys;
        (keys.prefix == of).then_some(keys.at_ms)
    });
    let dated = |row: u32| {
        let row = &deck[row as usize];
        at_ms.is_some_and(|at_ms| {
            row.effective_from_ms.is_none_or(|from| from <= at_ms)
                && row.effective_to_ms.is_none_or(|to| at_ms < to)
        })
    };
    let shared = |other: Number| {
        (1..=8).take_while(|n| of.head(*n).is_some() && of.head(*n) == other.head(*n)).count()
    };
    let many = deck.len();
    let rows = (0u32..).zip(deck).map(|(at, _)| at).filter(|at| {
        let terms = rater.terms(*at);
        let alike = terms.initial_s == own.initial_s
            && terms.increment_s == own.increment_s
            && terms.connect_fee == own.connect_fee;
        let prefix = search.pricer.prefix_of(*at);
        // In a large deck some price is equal by chance.
        terms.rate == rate && alike && prefix != of && dated(*at) && (many <= 400 || shared(prefix) > 0)
    });
    let used = rows
        .map(|at| search.pricer.prefix_of(at))
        .max_by_key(|prefix| (shared(*prefix), u64::MAX - prefix.code()));
    used.map_or(rule, |used| Deviation::Prefix { of, used })
}

/// Rules of a row are bound to its prefix.
fn with_row(search: &Search<'_, '_>, deviation: Deviation, pick: Pick) -> Pick {
    let row_prefix = match deviation {
        Deviation::Prefix { of, .. } | Deviation::Stale { of, .. } => Some(of),
        Deviation::Rate { row, .. } => Some(search.pricer.prefix_of(row)),
        _ => None,
    };
    match row_prefix {
        None => pick,
        Some(_) => Pick { row_prefix, prefix: None, destination: None, ..pick },
    }
}

fn kind(deviation: Deviation) -> CauseKind {
    match deviation {
        Deviation::Missing => CauseKind::MissingRecords,
        Deviation::Extra(kind) | Deviation::Talk(kind) => kind,
        Deviation::Parts => CauseKind::PartialRecordsRecharged,
        Deviation::Together => CauseKind::PartialRecords,
        Deviation::Ring => CauseKind::RingTimeBilled,
        Deviation::Subsecond(_) => CauseKind::SubsecondRounding,
        Deviation::Prefix { of, used } => {
            let longer = of.digits().map_or(0, |digits| digits.1);
            let shorter = used.digits().map_or(0, |digits| digits.1);
            if shorter < longer && of.head(shorter) == used.digits().map(|digits| digits.0) {
                CauseKind::PrefixMissing
            } else {
                CauseKind::WrongPrefix
            }
        }
        Deviation::Tech { .. } => CauseKind::TechPrefixNotStripped,
        Deviation::Unrated | Deviation::Unpriced => CauseKind::Unrated,
        Deviation::Stale { .. } => CauseKind::StaleRate,
        Deviation::Rate { .. } => CauseKind::WrongRate,
        Deviation::Factor { .. } | Deviation::Label => CauseKind::Currency,
        Deviation::BandOffset(_) => CauseKind::TimeBandTimezone,
        Deviation::BandAlways(_) | Deviation::BandOther | Deviation::BandSplit(_) => CauseKind::TimeBandWrong,
        Deviation::Increment { .. } => CauseKind::Increment,
        Deviation::Free { .. } => CauseKind::FreeSeconds,
        Deviation::Minimum(_) => CauseKind::MinimumCharge,
        // A lower fee than agreed lacks some of it.
        Deviation::FeeAdded(fee) if fee < 0 => CauseKind::ConnectFeeMissing,
        Deviation::NoFee => CauseKind::ConnectFeeMissing,
        Deviation::FeeAdded(_) => CauseKind::ConnectFeeAdded,
        Deviation::Decimals(_) => CauseKind::RoundingDecimals,
        Deviation::Mode(_) => CauseKind::RoundingMode,
        Deviation::Tax { .. } => CauseKind::Tax,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Side;

    fn blocks(seconds: u32, optional: bool) -> Found {
        let rule = Deviation::Increment {
            initial_s: seconds,
            increment_s: seconds,
            blocks: crate::rating::BlockRule::Textbook,
        };
        Found { optional, ..Found::on(Side::Ours, rule, CauseKind::Increment, Pick::default()) }
    }

    fn fee(billionths: i64) -> Found {
        let rule = Deviation::FeeAdded(billionths);
        Found { optional: true, ..Found::on(Side::Ours, rule, CauseKind::ConnectFeeAdded, Pick::default()) }
    }

    #[test]
    fn scattered_rules_that_differ_in_their_number_alone_are_left_out_from_three_on() {
        let mut causes = vec![blocks(7, true), blocks(8, true), blocks(9, true), fee(1)];
        without_chance(&mut causes);
        assert_eq!(causes, [fee(1)], "so many numbers explain anything; those of another kind stay");
    }

    #[test]
    fn two_scattered_rules_of_a_kind_may_both_be_true() {
        let two = vec![blocks(7, true), blocks(8, true), fee(1), fee(2)];
        let mut causes = two.clone();
        without_chance(&mut causes);
        assert_eq!(causes, two);
    }

    #[test]
    fn rules_that_are_bound_to_their_calls_are_not_by_chance_however_many() {
        let bound = vec![blocks(7, false), blocks(8, false), blocks(9, false)];
        let mut causes = bound.iter().cloned().chain([blocks(10, true)]).collect::<Vec<_>>();
        without_chance(&mut causes);
        assert_eq!(causes.len(), 4, "{bound:?} stand by their selectors, and one more is no crowd");
    }

    #[test]
    fn scattered_prices_name_what_they_are_and_may_be_many() {
        let price = |row: u32| {
            let rule = Deviation::Rate { row, rate: i64::from(row) };
            Found { optional: true, ..Found::on(Side::Ours, rule, CauseKind::WrongRate, Pick::default()) }
        };
        let mut causes: Vec<Found> = (0..5).map(price).collect();
        without_chance(&mut causes);
        assert_eq!(causes.len(), 5);
    }
}
