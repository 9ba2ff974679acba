//! Learning of number rewrites: of calls that are the same beyond doubt, what stands before the digits
//! that both sides share. What most of them say without contradiction becomes a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::number::{ANY_DIGIT, ANY_LENGTH, KEPT_DIGITS, NumberRule, Party};
use crate::number::Number;

/// One number as both sides write it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Ours, theirs.
    pub numbers: [Number; 2],
    /// Gateways, ours and theirs.
    pub gateways: [u16; 2],
}

/// Most digits of a head.
const MOST_HEAD: u32 = 8;
/// What is dialled before a country code.
const ABROAD: [&str; 5] = ["0011", "000", "00", "011", "810"];

/// Prefixes of the deck, for asking which form of a number it knows.
#[derive(Debug, Default)]
pub(super) struct DeckPrefixes {
    prefixes: BTreeSet<Number>,
    heads: BTreeSet<Number>,
    longest: u32,
}

impl DeckPrefixes {
    pub(super) fn new(prefixes: &[String]) -> Self {
        let mut deck = Self::default();
        for prefix in prefixes {
            let number = Number::of(prefix);
            let Some((_, digits)) = number.digits() else { continue };
            deck.longest = deck.longest.max(digits);
            deck.prefixes.insert(number);
            for count in 1..=digits {
                deck.heads.extend(head(number, count));
            }
        }
        deck
    }

    /// Digits of the longest prefix that a number begins with.
    fn known(&self, number: Number) -> u32 {
        (1..=self.longest)
            .rev()
            .find(|count| head(number, *count).is_some_and(|head| self.prefixes.contains(&head)))
            .unwrap_or(0)
    }
}

fn head(number: Number, count: u32) -> Option<Number> {
    Number::from_digits(number.head(count)?, count)
}

fn begins(number: Number, with: Number) -> bool {
    with.digits().is_none_or(|(value, digits)| number.head(digits) == Some(value))
}

fn length(number: Number) -> u32 {
    number.digits().map_or(0, |(_, digits)| digits)
}

/// What stands before the digits that both numbers share; none when they share too few.
fn heads(numbers: [Number; 2]) -> Option<[Number; 2]> {
    let [(a, a_digits), (b, b_digits)] = [numbers[0].digits()?, numbers[1].digits()?];
    let most = a_digits.min(b_digits);
    let (mut shared, mut one, mut other) = (0, a, b);
    while shared < most && one % 10 == other % 10 {
        (one, other, shared) = (one / 10, other / 10, shared + 1);
    }
    if shared < KEPT_DIGITS {
        return None;
    }
    // A country code that ends in nought runs into the nought of a national number.
    if a_digits != b_digits && shared == most && shared > KEPT_DIGITS {
        let shorter = if a_digits < b_digits { a } else { b };
        shared -= u32::from(shorter / 10u64.pow(shared - 1) == 0);
    }
    let head = |number: Number, digits: u32| {
        let count = digits - shared;
        if count == 0 { Some(Number::NONE) } else { head(number, count) }
    };
    let pair = [head(numbers[0], a_digits)?, head(numbers[1], b_digits)?];
    pair.iter().all(|head| length(*head) <= MOST_HEAD).then_some(pair)
}

/// Without what is dialled before a country code.
fn from_home(head: Number) -> Option<Number> {
    ABROAD.iter().map(|prefix| Number::of(prefix)).find(|prefix| begins(head, *prefix)).and_then(|prefix| {
        if prefix == head { Some(Number::NONE) } else { head.rewritten(length(prefix), Number::NONE) }
    })
}

fn with_head(number: Number, old: Number, new: Number) -> Option<Number> {
    number.rewritten(length(old), new)
}

/// One number of one side, and what it should be.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    number: Number,
    from: Number,
    to: Number,
    want: Number,
    gateway: u16,
}

/// Which head is the deck's, for all numbers with these two heads.
fn canonical(heads: [Number; 2], seen: &[&Seen], deck: &DeckPrefixes) -> Number {
    let candidates: BTreeSet<Number> =
        heads.into_iter().chain(heads.into_iter().filter_map(from_home)).collect();
    let score = |candidate: Number| {
        let known: u32 = seen
            .iter()
            .take(200)
            .filter_map(|seen| with_head(seen.numbers[0], heads[0], candidate))
            .map(|number| deck.known(number))
            .sum();
        let of_a_country = !candidate.is_none() && deck.heads.contains(&candidate);
        let count = u32::try_from(seen.len().min(200)).unwrap_or(0);
        known + if of_a_country { 2 * count } else { 0 }
    };
    let preference = |candidate: Number| {
        let dialled = candidate.head(1) == Some(0) || from_home(candidate).is_some();
        (score(candidate), !dialled, candidate == heads[0], candidate == heads[1], candidate)
    };
    candidates.into_iter().max_by_key(|candidate| preference(*candidate)).unwrap_or(heads[0])
}

/// Learns the rewrites of one party's numbers, ours and theirs.
pub(super) fn learn_numbers(seen: &[Seen], party: Party, deck: &DeckPrefixes) -> [Vec<NumberRule>; 2] {
    let mut groups: BTreeMap<[Number; 2], Vec<&Seen>> = BTreeMap::new();
    for pair in seen {
        if let Some(heads) = heads(pair.numbers) {
            groups.entry(heads).or_default().push(pair);
        }
    }
    let least = if seen.len() < 30 { 2 } else { 3 };
    let mut wanted: [Vec<Wanted>; 2] = [Vec::new(), Vec::new()];
    for (heads, pairs) in &groups {
        let distinct: BTreeSet<Number> = pairs.iter().map(|pair| pair.numbers[0]).collect();
        let enough = distinct.len() >= least || heads[0] == heads[1];
        let to = if enough { canonical(*heads, pairs, deck) } else { heads[0] };
        let abroad = if heads[0] == heads[1] { dialled_by_both(pairs, deck) } else { None };
        for pair in pairs {
            for side in 0..2 {
                let number = pair.numbers[side];
                let (from, to) = match abroad.filter(|abroad| begins(number, *abroad)) {
                    Some(abroad) => (abroad, Number::NONE),
                    None if enough => (heads[side], to),
                    // Too few to learn from, still a contradiction to what others say.
                    None => (Number::NONE, Number::NONE),
                };
                if let Some(want) = with_head(number, from, to) {
                    wanted[side].push(Wanted { number, from, to, want, gateway: pair.gateways[side] });
                }
            }
        }
    }
    wanted.map(|wanted| rules(wanted, party, least))
}

/// What both sides dial before numbers that the deck knows without it only.
fn dialled_by_both(pairs: &[&Seen], deck: &DeckPrefixes) -> Option<Number> {
    ABROAD.iter().map(|prefix| Number::of(prefix)).find(|abroad| {
        let (mut all, mut before, mut after) = (0usize, 0usize, 0usize);
        for pair in pairs.iter().filter(|pair| begins(pair.numbers[0], *abroad)) {
            all += 1;
            before += usize::from(deck.known(pair.numbers[0]) > 0);
            let rest = with_head(pair.numbers[0], *abroad, Number::NONE);
            after += usize::from(rest.is_some_and(|rest| deck.known(rest) > 0));
        }
        all >= 3 && before * 10 <= all && after * 10 >= all * 9
    })
}

/// Rules that give what is wanted, the longest head first, each as wide as nothing contradicts.
fn rules(mut wanted: Vec<Wanted>, party: Party, least: usize) -> Vec<NumberRule> {
    let mut kinds: BTreeMap<(Number, Number), usize> = BTreeMap::new();
    for one in wanted.iter().filter(|one| one.from != one.to) {
        *kinds.entry((one.from, one.to)).or_default() += 1;
    }
    let mut kinds: Vec<((Number, Number), usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|((from, to), support)| (std::cmp::Reverse((length(*from), *support)), *from, *to));
    let mut rules = Vec::new();
    for ((from, to), support) in kinds {
        let whole = NumberRule {
            party,
            from,
            to,
            lengths: ANY_LENGTH,
            next_digits: ANY_DIGIT,
            gateway: None,
            support: support as u64,
        };
        for rule in narrowed(&whole, &wanted, least) {
            wanted.retain(|one| !holds_for(&rule, one.number, one.gateway));
            rules.push(rule);
        }
    }
    rules
}

fn next_digit(rule: &NumberRule, number: Number) -> Option<u64> {
    Some(number.head(length(rule.from) + 1)? % 10)
}

fn holds_for(rule: &NumberRule, number: Number, gateway: u16) -> bool {
    let digits = length(number);
    digits >= length(rule.from) + KEPT_DIGITS
        && begins(number, rule.from)
        && rule.lengths >> digits & 1 == 1
        && next_digit(rule, number).is_some_and(|next| rule.next_digits >> next & 1 == 1)
        && rule.gateway.is_none_or(|only| only == gateway)
}

/// Numbers that a rule holds for: how many, how many come out as wanted, how many different ones.
fn tried(rule: &NumberRule, wanted: &[Wanted]) -> (usize, usize, usize) {
    let mut different = BTreeSet::new();
    let (mut all, mut right) = (0, 0);
    for one in wanted.iter().filter(|one| holds_for(rule, one.number, one.gateway)) {
        all += 1;
        if with_head(one.number, rule.from, rule.to) == Some(one.want) {
            right += 1;
            different.insert(one.number);
        }
    }
    (all, right, different.len())
}

/// The rule, or the parts of it that nothing contradicts: by count of digits, by the next digit, by
/// gateway.
fn narrowed(whole: &NumberRule, wanted: &[Wanted], least: usize) -> Vec<NumberRule> {
    let pure = |rule: &NumberRule| {
        let (all, right, different) = tried(rule, wanted);
        right * 100 >= all * 99 && different >= least
    };
    let fitting = |rule: &NumberRule| {
        let (all, right, _) = tried(rule, wanted);
        right > 0 && right * 100 >= all * 99
    };
    let counted = |mut rule: NumberRule| {
        rule.support = tried(&rule, wanted).1 as u64;
        rule
    };
    if pure(whole) {
        return vec![counted(whole.clone())];
    }
    let mut by_length = NumberRule { lengths: 0, ..whole.clone() };
    for digits in 0..32 {
        let one = NumberRule { lengths: 1 << digits, ..whole.clone() };
        if fitting(&one) {
            by_length.lengths |= one.lengths;
        }
    }
    let mut found = Vec::new();
    if by_length.lengths != 0 && pure(&by_length) {
        found.push(counted(by_length.clone()));
    }
    // Lengths with both kinds: told apart by the next digit, or by the one after it.
    for digits in (0..32).filter(|digits| by_length.lengths >> digits & 1 == 0) {
        let one = NumberRule { lengths: 1 << digits, ..whole.clone() };
        if tried(&one, wanted).1 >= least {
            found.extend(by_next_digit(&one, wanted, least, 3));
        }
    }
    found
}

/// The parts of a rule of one length that nothing contradicts, by the digits after the head, else by
/// gateway.
fn by_next_digit(one: &NumberRule, wanted: &[Wanted], least: usize, deep: u32) -> Vec<NumberRule> {
    let mut found = Vec::new();
    let mut by_digit = NumberRule { next_digits: 0, ..one.clone() };
    let mut mixed = Vec::new();
    for digit in 0..10 {
        let next = NumberRule { next_digits: 1 << digit, ..one.clone() };
        let (all, right, _) = tried(&next, wanted);
        if right > 0 && right * 100 >= all * 99 {
            by_digit.next_digits |= next.next_digits;
        } else if right >= least {
            mixed.push(digit);
        }
    }
    let (_, right, different) = tried(&by_digit, wanted);
    if by_digit.next_digits != 0 && different >= least {
        by_digit.support = right as u64;
        found.push(by_digit);
    }
    for digit in mixed {
        let with = |head: Number| {
            let (value, digits) = head.digits().unwrap_or((0, 0));
            Number::from_digits(value * 10 + digit, digits + 1)
        };
        let (Some(from), Some(to)) = (with(one.from), with(one.to)) else { continue };
        if deep > 0 && length(from) <= MOST_HEAD {
            let longer = NumberRule { from, to, next_digits: ANY_DIGIT, ..one.clone() };
            found.extend(by_next_digit(&longer, wanted, least, deep - 1));
        }
    }
    if !found.is_empty() {
        return found;
    }
    let gateways: BTreeSet<u16> =
        wanted.iter().map(|one| one.gateway).filter(|gateway| *gateway != crate::record::NO_NAME).collect();
    for gateway in gateways {
        let mut bound = NumberRule { gateway: Some(gateway), ..one.clone() };
        let (all, right, different) = tried(&bound, wanted);
        if different >= least && right * 100 >= all * 99 {
            bound.support = right as u64;
            found.push(bound);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::number::Rewriter;
    use super::*;

    fn seen(pairs: impl Iterator<Item = (String, String)>) -> Vec<Seen> {
        pairs
            .map(|(ours, theirs)| Seen {
                numbers: [Number::of(&ours), Number::of(&theirs)],
                gateways: [0, 0],
            })
            .collect()
    }

    fn deck() -> DeckPrefixes {
        DeckPrefixes::new(&["8613", "861", "86", "44", "4420", "90", "1"].map(str::to_owned))
    }

    fn learned(pairs: Vec<Seen>, check: &[(usize, &str, &str)]) -> [Vec<NumberRule>; 2] {
        let rules = learn_numbers(&pairs, Party::Callee, &deck());
        for (side, from, to) in check {
            let rewriter = Rewriter::new(&rules[*side], Party::Callee);
            assert_eq!(rewriter.rewritten(Number::of(from), 0), Number::of(to), "{from}: {rules:?}");
        }
        rules
    }

    #[test]
    fn what_is_dialled_abroad_at_home_and_before_a_carrier_is_taken_off_theirs() {
        let mut pairs = seen((0..40).map(|i| (format!("861380000{i:04}"), format!("01380000{i:04}"))));
        pairs.extend(seen((0..40).map(|i| (format!("442079460{i:03}"), format!("00442079460{i:03}")))));
        pairs.extend(seen((0..40).map(|i| (format!("905321230{i:03}"), format!("99913905321230{i:03}")))));
        pairs.extend(seen((0..10).map(|i| (format!("1000{i}"), format!("1000{i}")))));
        let rules = learned(
            pairs,
            &[
                (1, "013812345678", "8613812345678"),
                (1, "00442079461111", "442079461111"),
                (1, "99913905399999999", "905399999999"),
                (1, "10001", "10001"),
                (0, "8613812345678", "8613812345678"),
            ],
        );
        assert!(rules[0].is_empty());
        assert!(rules[1].iter().any(NumberRule::is_tech_prefix));
    }

    #[test]
    fn the_deck_says_which_side_has_the_full_number() {
        let pairs = seen((0..40).map(|i| (format!("1380000{i:04}"), format!("861380000{i:04}"))));
        let rules =
            learned(pairs, &[(0, "13899999999", "8613899999999"), (1, "8613899999999", "8613899999999")]);
        assert!(rules[1].is_empty());
        // Neither form is the deck's: each gets its own rewrite.
        let pairs = seen((0..40).map(|i| (format!("01380000{i:04}"), format!("00861380000{i:04}"))));
        learned(pairs, &[(0, "013899999999", "8613899999999"), (1, "008613899999999", "8613899999999")]);
        // Both write the same, and the deck knows it without only.
        let pairs = seen((0..40).map(|i| (format!("00861380000{i:04}"), format!("00861380000{i:04}"))));
        learned(pairs, &[(0, "008613899999999", "8613899999999"), (1, "008613899999999", "8613899999999")]);
    }

    #[test]
    fn a_country_code_that_ends_in_nought_is_not_halved() {
        let pairs = seen((0..40).map(|i| (format!("905321230{i:03}"), format!("05321230{i:03}"))));
        let rules = learned(pairs, &[(1, "05329999999", "905329999999")]);
        assert_eq!(rules[1][0].from, Number::of("0"));
        assert_eq!(rules[1][0].to, Number::of("90"));
    }

    #[test]
    fn home_numbers_without_a_nought_are_told_from_foreign_ones() {
        let mut pairs = seen((0..40).map(|i| (format!("861380000{i:04}"), format!("1380000{i:04}"))));
        pairs.extend(seen((0..40).map(|i| (format!("442079460{i:03}"), format!("442079460{i:03}")))));
        pairs.extend(seen((0..40).map(|i| (format!("12025550{i:03}"), format!("12025550{i:03}")))));
        learned(pairs, &[(1, "13899999999", "8613899999999"), (1, "442079461111", "442079461111")]);
    }

    #[test]
    fn what_only_a_gateway_tells_is_bound_to_it() {
        let mut pairs = seen((0..40).map(|i| (format!("8613800{i:06}"), format!("13800{i:06}"))));
        let mut others = seen((0..40).map(|i| (format!("4413801{i:06}"), format!("13801{i:06}"))));
        others.extend(seen((0..40).map(|i| (format!("4413800{i:06}"), format!("13800{i:06}")))));
        others.iter_mut().for_each(|seen| seen.gateways = [7, 3]);
        pairs.extend(others);
        let rules = learn_numbers(&pairs, Party::Callee, &deck());
        let rewriter = Rewriter::new(&rules[1], Party::Callee);
        assert_eq!(
            rewriter.rewritten(Number::of("13800000001"), 0),
            Number::of("8613800000001"),
            "{rules:?}"
        );
        assert_eq!(rewriter.rewritten(Number::of("13800000001"), 3), Number::of("4413800000001"));
    }

    #[test]
    fn equal_numbers_and_single_strays_give_no_rule() {
        let mut pairs = seen((0..400).map(|i| (format!("861380000{i:04}"), format!("861380000{i:04}"))));
        pairs.extend(seen([("8613800000001".to_owned(), "0013800000001".to_owned())].into_iter()));
        let rules = learned(pairs, &[]);
        assert!(rules[0].is_empty() && rules[1].is_empty(), "{rules:?}");
    }
}
