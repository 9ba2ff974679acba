//! [`Deviation`]: one way to charge otherwise than agreed, and what a call costs under a set of them.

use std::collections::HashMap;

use super::quick::Quick;
use crate::number::Number;
use crate::outcome::CauseKind;
use crate::rating::{BlockRule, FreeSeconds, Rater, Rounding, Subsecond, Terms};
use crate::record::{ABSENT_32, Record, flag};

/// Charged otherwise than agreed, in one respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Deviation {
    /// The side has no record of the call.
    Missing,
    /// The side has the record beside another of the same call.
    Extra(CauseKind),
    /// The side has the call in parts, each charged by itself.
    Parts,
    /// The side has the call in parts that are together charged as the whole.
    Together,
    /// The side goes by its own, wrong duration.
    Talk(CauseKind),
    /// Ringing is charged, though the record's duration does not hold it.
    Ring,
    /// Another rule for the part of a second.
    Subsecond(Subsecond),
    /// Calls of a prefix are charged as those of another.
    Prefix { of: Number, used: Number },
    /// The number is looked up with the technical prefix that it came with.
    Tech { digits: Number, marked: bool },
    /// Not charged though the deck has a price.
    Unrated,
    /// Charged at a constant price though the deck has none.
    Unpriced,
    /// The prefix's price of another date.
    Stale { of: Number, from_ms: Option<i64> },
    /// A price of a minute that the deck does not have, in billionths.
    Rate { row: u32, rate: i64 },
    /// All amounts times a factor, in millionths; with the price column or without.
    Factor { ppm: u64 },
    /// Amounts are those agreed, but named in another currency.
    Label,
    /// Bands are read so many seconds east of UTC.
    BandOffset(i32),
    /// Bands are read as if it were always this second of the day.
    BandAlways(u32),
    /// The price of another band of the same prefix and dates.
    BandOther,
    /// Calls are split at a band's edge, or are not, against the contract.
    BandSplit(bool),
    /// Other blocks.
    Increment { initial_s: u32, increment_s: u32, blocks: BlockRule },
    /// Other free seconds.
    Free { seconds: u32, rule: FreeSeconds },
    /// Another least charge, in billionths.
    Minimum(i64),
    /// No fee of an answered call.
    NoFee,
    /// More than the agreed fee, or less, in billionths.
    FeeAdded(i64),
    /// Other decimals of one call's amount.
    Decimals(u8),
    /// Other rounding.
    Mode(Rounding),
    /// Tax on each call, in millionths; on the rounded amount or before rounding.
    Tax { ppm: u32, before_rounding: bool },
}

impl Deviation {
    /// Whether it may bring a call to another row of the deck.
    pub const fn moves(&self) -> bool {
        matches!(
            self,
            Self::Prefix { .. }
                | Self::Tech { .. }
                | Self::Stale { .. }
                | Self::BandOffset(_)
                | Self::BandAlways(_)
                | Self::BandOther
        )
    }

    /// Place in the agreed order of attribution.
    #[must_use]
    pub const fn order(&self) -> u8 {
        match self {
            Self::Missing | Self::Extra(_) | Self::Parts | Self::Together => 0,
            Self::Talk(CauseKind::RingTimeBilled) | Self::Ring => 1,
            Self::Talk(CauseKind::SubsecondRounding) | Self::Subsecond(_) => 2,
            Self::Talk(_) => 3,
            Self::Prefix { .. } => 4,
            Self::Tech { .. } => 5,
            Self::Unrated | Self::Unpriced => 6,
            Self::Stale { .. } => 7,
            Self::Rate { .. } => 8,
            Self::Factor { .. } | Self::Label => 9,
            Self::BandOffset(_) | Self::BandAlways(_) | Self::BandOther | Self::BandSplit(_) => 10,
            Self::Increment { .. } => 11,
            Self::Free { .. } => 12,
            Self::Minimum(_) => 13,
            // The agreed fee may be left out and another one charged at the same time.
            Self::NoFee => 14,
            Self::FeeAdded(_) => 15,
            Self::Decimals(_) => 16,
            Self::Mode(_) => 17,
            Self::Tax { .. } => 18,
        }
    }
}

/// What pricing needs of a call on one side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub callee: Number,
    pub at_ms: i64,
    /// Charged duration by the contract's rule, as this side has it.
    pub own_ms: u32,
    /// The same as it should be.
    pub talk_ms: u32,
    /// By how much ringing, the part of a second, and anything else make this side's longer than that.
    pub by_ms: [i32; 3],
    pub ring_ms: u32,
    pub answered: bool,
    /// Technical prefix before `#` or `*` on this side, digits.
    pub tech: Number,
    /// Begins with a technical prefix of digits on this side, as far as pairing has learned.
    pub unpriced: i64,
}

/// What a call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shown {
    pub row: Option<u32>,
    pub rate: i64,
    pub billed_s: u32,
    pub amount: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    /// By how much the side's own duration is longer than it should be, as far as it is at fault.
    talk_by: i64,
    ring: bool,
    unrated: bool,
    unpriced: bool,
    prefix: Option<(Number, Number)>,
    tech: Option<(Number, bool)>,
    stale: Option<(Number, Option<i64>)>,
    rate: Option<(u32, i64)>,
    band_offset: Option<i32>,
    band_always: Option<u32>,
    band_other: bool,
    band_split: Option<bool>,
}

impl Changes {
    fn of(situation: &Situation, deviations: &[Deviation]) -> Self {
        let mut changes = Self::default();
        for deviation in deviations {
            match *deviation {
                Deviation::Talk(_) => {
                    let place = usize::from(deviation.order()).saturating_sub(1);
                    changes.talk_by += situation.by_ms.get(place).map_or(0, |by| i64::from(*by));
                }
                Deviation::Ring => changes.ring = true,
                Deviation::Unrated => changes.unrated = true,
                Deviation::Unpriced => changes.unpriced = true,
                Deviation::Prefix { of, used } => changes.prefix = Some((of, used)),
                Deviation::Tech { digits, marked } => changes.tech = Some((digits, marked)),
                Deviation::Stale { of, from_ms } => changes.stale = Some((of, from_ms)),
                Deviation::Rate { row, rate } => changes.rate = Some((row, rate)),
                Deviation::BandOffset(offset) => changes.band_offset = Some(offset),
                Deviation::BandAlways(second) => changes.band_always = Some(second),
                Deviation::BandOther => changes.band_other = true,
                Deviation::BandSplit(split) => changes.band_split = Some(split),
                _ => {}
            }
        }
        changes
    }

    fn talk_ms(&self, situation: &Situation) -> u32 {
        let talk_ms = i64::from(situation.talk_ms).saturating_add(self.talk_by);
        let talk_ms = u32::try_from(talk_ms).unwrap_or(0);
        if self.ring { talk_ms.saturating_add(situation.ring_ms) } else { talk_ms }
    }
}

/// A call under some deviations, ready for one more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prepared {
    /// The row that it goes by.
    pub row: Option<u32>,
    terms: Option<Terms>,
    talk_ms: u32,
    ring_ms: u32,
    answered: bool,
}

impl Prepared {
    /// Charged seconds under one more deviation, where that does not take the whole price to say.
    pub fn billed_s(&self, deviation: &Deviation) -> Option<u32> {
        let mut terms = self.terms?;
        let mut talk_ms = self.talk_ms;
        match deviation {
            Deviation::Subsecond(_) | Deviation::Increment { .. } | Deviation::Free { .. } => {
                apply(deviation, &mut terms);
            }
            Deviation::Ring => talk_ms = talk_ms.saturating_add(self.ring_ms),
            Deviation::Rate { .. }
            | Deviation::Factor { .. }
            | Deviation::Label
            | Deviation::Minimum(_)
            | Deviation::NoFee
            | Deviation::FeeAdded(_)
            | Deviation::Decimals(_)
            | Deviation::Mode(_)
            | Deviation::Tax { .. } => {}
            _ => return None,
        }
        Some(if self.answered { terms.billed_s(terms.subsecond.seconds(talk_ms)) } else { 0 })
    }
}

/// Prices calls under deviations. Slower than [`Rater::rate`], and agrees with it when there are none.
#[derive(Debug, Clone)]
pub(super) struct Pricer<'a> {
    pub rater: &'a Rater,
    rows: HashMap<Number, Vec<u32>, Quick>,
    /// Of each row.
    prefixes: Vec<Number>,
    edges: Vec<u32>,
}

const DAY_S: i64 = 86_400;

impl<'a> Pricer<'a> {
    pub fn new(rater: &'a Rater) -> Self {
        let mut rows: HashMap<Number, Vec<u32>, Quick> = HashMap::default();
        let (mut prefixes, mut edges) = (Vec::new(), Vec::new());
        for (at, row) in (0u32..).zip(&rater.deck().rows) {
            let prefix = Number::of(&row.prefix);
            rows.entry(prefix).or_default().push(at);
            prefixes.push(prefix);
            edges.extend(row.band_s.into_iter().flatten().map(|edge| edge % 86_400));
        }
        edges.sort_unstable();
        edges.dedup();
        Self { rater, rows, prefixes, edges }
    }

    /// Prefix of a row.
    pub fn prefix_of(&self, row: u32) -> Number {
        self.prefixes.get(row as usize).copied().unwrap_or(Number::NONE)
    }

    /// Rows of exactly this prefix.
    pub fn rows(&self, prefix: Number) -> &[u32] {
        self.rows.get(&prefix).map_or(&[], Vec::as_slice)
    }

    /// Beginnings and ends of bands, in seconds of the day.
    pub fn band_edges(&self) -> &[u32] {
        &self.edges
    }

    /// Second of the day in the bands' zone.
    pub fn second_of_day(&self, at_ms: i64) -> u32 {
        let local = at_ms.div_euclid(1_000) + i64::from(self.rater.band_zone().at(at_ms));
        u32::try_from(local.rem_euclid(DAY_S)).unwrap_or(0)
    }

    fn row(&self, callee: Number, at_ms: i64, now_ms: i64, changes: &Changes) -> Option<u32> {
        // The band goes by `now_ms`, the dates by `at_ms`.
        let utc_second = now_ms.div_euclid(1_000).rem_euclid(DAY_S);
        let agreed = i64::from(self.second_of_day(now_ms));
        let second = if let Some(second) = changes.band_always {
            i64::from(second)
        } else if let Some(offset) = changes.band_offset {
            (utc_second + i64::from(offset)).rem_euclid(DAY_S)
        } else {
            agreed
        };
        // An offset that shows the wanted second at the moment that the dates go by.
        let dated_second = at_ms.div_euclid(1_000).rem_euclid(DAY_S);
        let offset = i32::try_from(second - dated_second).unwrap_or(0);
        self.rater.row_of_banded(callee, at_ms, offset)
    }

    fn placed(&self, situation: &Situation, now_ms: i64, changes: &Changes) -> Option<u32> {
        let Situation { callee, at_ms, .. } = *situation;
        let mut dialled = callee;
        if let Some((digits, marked)) = changes.tech
            && (!marked || situation.tech == digits)
        {
            dialled = callee.rewritten(0, digits).unwrap_or(callee);
        }
        let mut row = self.row(dialled, at_ms, now_ms, changes)?;
        if let Some((of, used)) = changes.prefix
            && self.prefix_of(row) == of
        {
            let other = self.row(used, at_ms, now_ms, changes).or_else(|| self.rows(used).first().copied());
            row = other.filter(|other| self.prefix_of(*other) == used).unwrap_or(row);
        }
        if let Some((of, from_ms)) = changes.stale
            && self.prefix_of(row) == of
        {
            let deck = &self.rater.deck().rows;
            let band = deck[row as usize].band_s;
            let dated = |at: &&u32| deck[**at as usize].effective_from_ms == from_ms;
            let mut rows = self.rows(of).iter().filter(dated);
            let same = self.rows(of).iter().filter(dated).find(|at| deck[**at as usize].band_s == band);
            row = same.or_else(|| rows.next()).copied().unwrap_or(row);
        }
        if changes.band_other {
            row = self.rater.other_bands(row).next().unwrap_or(row);
        }
        Some(row)
    }

    /// What the call comes to under deviations, in whatever order they are given.
    pub fn price(&self, situation: &Situation, deviations: &[Deviation]) -> Shown {
        self.price_on(None, situation, deviations)
    }

    /// A call under deviations, ready for one more.
    pub fn prepared(&self, situation: &Situation, deviations: &[Deviation]) -> Prepared {
        let changes = Changes::of(situation, deviations);
        let row = self.placed(situation, situation.at_ms, &changes);
        let priced = row.filter(|_| !changes.unrated);
        let terms = priced.map(|row| self.terms_under(row, &changes, deviations));
        let Situation { answered, ring_ms, .. } = *situation;
        Prepared { row, terms, talk_ms: changes.talk_ms(situation), ring_ms, answered }
    }

    fn terms_under(&self, row: u32, changes: &Changes, deviations: &[Deviation]) -> Terms {
        let mut terms = self.rater.terms(row);
        terms.rate = self.with_rate(row, changes);
        if deviations.contains(&Deviation::NoFee) {
            terms.connect_fee = 0;
        }
        for deviation in deviations {
            apply(deviation, &mut terms);
        }
        terms
    }

    /// As [`Pricer::price`]; the row is looked up unless it is known.
    pub fn price_on(
        &self,
        row: Option<Option<u32>>,
        situation: &Situation,
        deviations: &[Deviation],
    ) -> Shown {
        let changes = Changes::of(situation, deviations);
        if changes.unrated {
            return Shown::default();
        }
        let row = row.unwrap_or_else(|| self.placed(situation, situation.at_ms, &changes));
        let Some(row) = row else {
            let unknown = || self.rater.row_of(situation.callee, situation.at_ms).is_none();
            let amount = if changes.unpriced && unknown() { situation.unpriced } else { 0 };
            return Shown { amount, ..Shown::default() };
        };
        let terms = self.terms_under(row, &changes, deviations);
        let talk_ms = changes.talk_ms(situation);
        let charge = if changes.band_split.unwrap_or_else(|| self.rater.splits()) && situation.answered {
            self.split(situation, &changes, row, &terms, talk_ms)
        } else {
            terms.charge(talk_ms, situation.answered)
        };
        Shown { row: Some(row), rate: terms.rate, billed_s: charge.billed_s, amount: charge.amount }
    }

    fn with_rate(&self, row: u32, changes: &Changes) -> i64 {
        match changes.rate {
            Some((of, rate)) if of == row => rate,
            _ => self.rater.terms(row).rate,
        }
    }

    /// A call split where bands change: each charged second at the price of its own moment.
    fn split(
        &self,
        situation: &Situation,
        changes: &Changes,
        row: u32,
        terms: &Terms,
        talk_ms: u32,
    ) -> crate::rating::Charge {
        let seconds = terms.subsecond.seconds(talk_ms);
        let billed_s = terms.billed_s(seconds);
        let mut left = billed_s;
        let free = seconds - terms.after_free(seconds).min(seconds);
        let mut now_ms = situation.at_ms + i64::from(free) * 1_000;
        let mut price = 0i128;
        while left > 0 {
            let here = self.placed(situation, now_ms, changes).unwrap_or(row);
            let span = self.until_edge(now_ms).min(left);
            price += i128::from(self.with_rate(here, changes)) * i128::from(span);
            left -= span;
            now_ms += i64::from(span) * 1_000;
        }
        // One second at the price of all of them, so that fee, rounding and tax are those of any call.
        let whole = Terms {
            rate: i64::try_from(price).unwrap_or(i64::MAX),
            initial_s: 1,
            increment_s: 1,
            free_s: 0,
            ..*terms
        };
        let amount = whole.charge(if billed_s == 0 { 0 } else { 1_000 }, true).amount;
        crate::rating::Charge { billed_s, amount }
    }

    fn until_edge(&self, at_ms: i64) -> u32 {
        let second = self.second_of_day(at_ms);
        let next = self.edges.iter().find(|edge| **edge > second);
        match (next, self.edges.first()) {
            (Some(edge), _) => edge - second,
            (None, Some(first)) => 86_400 - second + first,
            (None, None) => u32::MAX,
        }
    }
}

fn apply(deviation: &Deviation, terms: &mut Terms) {
    match *deviation {
        Deviation::Subsecond(rule) => terms.subsecond = rule,
        Deviation::Factor { ppm } => {
            terms.factor_ppm = times(terms.factor_ppm, ppm);
        }
        Deviation::Increment { initial_s, increment_s, blocks } => {
            (terms.initial_s, terms.increment_s, terms.blocks) = (initial_s, increment_s, blocks);
        }
        Deviation::Free { seconds, rule } => (terms.free_s, terms.free) = (seconds, rule),
        Deviation::Minimum(least) => terms.minimum = least,
        Deviation::FeeAdded(fee) => terms.connect_fee = terms.connect_fee.saturating_add(fee),
        Deviation::Decimals(decimals) => terms.decimals = decimals,
        Deviation::Mode(mode) => terms.rounding = mode,
        Deviation::Tax { ppm, before_rounding: false } => terms.tax_ppm = ppm,
        Deviation::Tax { ppm, before_rounding: true } => {
            terms.tax_ppm = 0;
            terms.factor_ppm = times(terms.factor_ppm, 1_000_000 + u64::from(ppm));
        }
        _ => {}
    }
}

fn times(left: u64, right: u64) -> u64 {
    u64::try_from(u128::from(left) * u128::from(right) / 1_000_000).unwrap_or(u64::MAX)
}

/// Ringing of a call, from whichever record has it.
pub(super) fn ring_ms(records: [&Record; 2]) -> u32 {
    let known = records.iter().find(|record| record.ring_ms != ABSENT_32);
    known.map_or(0, |record| record.ring_ms)
}

/// Whether a record is answered.
pub(super) fn answered(record: &Record) -> bool {
    !record.is(flag::ATTEMPT)
}
