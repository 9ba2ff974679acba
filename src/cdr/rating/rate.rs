//! [`Rater`]: the deck's row of a call, its terms and its charge.

use super::charge::{SIXTIETHS, unit};
use super::contract::{Bands, Contract, ContractError, SpanRounding};
use super::index::{Entry, Index};
use super::zone::Offsets;
use super::{Charge, Deck, DeckRow, Terms};
use crate::number::Number;
use crate::record::Record;

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A call with its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rated {
    /// Row of the deck, of the reference moment.
    pub row: u32,
    /// Its terms.
    pub terms: Terms,
    /// What it costs. Of a call that is split at a band's edge this is more than `terms` alone say.
    pub charge: Charge,
}

/// Why a call has no price. It is never worth nothing for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unrated {
    /// The called number is no row of digits.
    #[error("the called number is not made of digits")]
    NoNumber,
    /// No prefix of the deck begins the number.
    #[error("no prefix of the deck begins the called number")]
    NoPrefix,
    /// Prefixes do, but none of their rows holds at the moment of the call.
    #[error("no row of the deck for the called number holds at the time of the call")]
    NoDate,
}

/// One span of a call between edges of bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Row of the deck that holds there.
    pub row: u32,
    /// Charged seconds in it.
    pub billed_s: u32,
}

/// Deck and contract, ready to rate.
#[derive(Debug, Clone)]
pub struct Rater {
    deck: Deck,
    contract: Contract,
    index: Index,
    /// Of each row.
    terms: Vec<Terms>,
    base: Terms,
    zone: Offsets,
    /// Edges of bands in seconds of the day, sorted; empty when calls are not split.
    edges: Vec<u32>,
}

impl Rater {
    /// Of a deck under a contract.
    ///
    /// # Errors
    /// [`ContractError`] when the zone of the bands means nothing.
    pub fn new(deck: &Deck, contract: &Contract) -> Result<Self, ContractError> {
        let zone = contract.band_zone.as_deref().or(deck.band_zone.as_deref()).unwrap_or("UTC");
        let base = contract.terms(deck.decimals, deck.rounding);
        let terms = |row: &DeckRow| Terms {
            rate: row.rate,
            initial_s: contract.initial_sec.unwrap_or(row.initial_s),
            increment_s: contract.increment_sec.unwrap_or(row.increment_s),
            // Either the contract's fee stands in the base and the row's is nothing, or the other way round.
            connect_fee: base.connect_fee + contract.connect_fee.map_or(row.connect_fee, |_| 0),
            ..base
        };
        let mut edges = Vec::new();
        if contract.bands == Bands::Split {
            edges.extend(deck.rows.iter().filter_map(|row| row.band_s).flatten().map(|edge| edge % 86_400));
            edges.sort_unstable();
            edges.dedup();
        }
        Ok(Self {
            index: Index::new(&deck.rows),
            terms: deck.rows.iter().map(terms).collect(),
            base,
            zone: Offsets::of(zone)?,
            edges,
            deck: deck.clone(),
            contract: contract.clone(),
        })
    }

    /// The deck.
    #[must_use]
    pub const fn deck(&self) -> &Deck {
        &self.deck
    }

    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Offsets of the bands' zone.
    #[must_use]
    pub const fn band_zone(&self) -> &Offsets {
        &self.zone
    }

    /// Whether any row goes by the time of day.
    #[must_use]
    pub fn has_bands(&self) -> bool {
        self.deck.rows.iter().any(|row| row.band_s.is_some())
    }

    /// ISO 4217: the contract's, else the deck's.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        self.contract.currency.as_deref().or(self.deck.currency.as_deref())
    }

    /// Whether calls may be split at a band's edge, so that [`Rater::terms`] alone do not tell their price.
    #[must_use]
    pub const fn splits(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Row of a called number at a moment: the longest prefix that has one in force.
    #[must_use]
    #[inline]
    pub fn row_of(&self, callee: Number, at_ms: i64) -> Option<u32> {
        self.entry_at(callee, at_ms, at_ms, None).map(|entry| entry.row)
    }

    /// As [`Rater::row_of`], with the bands read in a zone so many seconds east of UTC.
    #[must_use]
    pub fn row_of_banded(&self, callee: Number, at_ms: i64, band_offset_s: i32) -> Option<u32> {
        self.entry_at(callee, at_ms, at_ms, Some(band_offset_s)).map(|entry| entry.row)
    }

    #[inline]
    fn entry_at(&self, callee: Number, dated_ms: i64, at_ms: i64, offset_s: Option<i32>) -> Option<&Entry> {
        let longest = self.index.longest(callee)?;
        // Nearly always a row of the longest prefix holds all day.
        let first = self.index.rows(longest).iter().find(|entry| entry.dated(dated_ms));
        if let Some(entry) = first
            && !entry.banded()
        {
            return Some(entry);
        }
        self.entry_above(longest, dated_ms, at_ms, offset_s)
    }

    /// As [`Rater::entry_at`], of a prefix and all shorter ones.
    fn entry_above(&self, longest: u32, dated_ms: i64, at_ms: i64, offset_s: Option<i32>) -> Option<&Entry> {
        let mut second = None;
        self.index.upward(Some(longest)).find_map(|prefix| {
            self.index.rows(prefix).iter().find(|entry| {
                entry.dated(dated_ms)
                    && (!entry.banded()
                        || entry.holds(*second.get_or_insert_with(|| self.second_of_day(at_ms, offset_s))))
            })
        })
    }

    fn second_of_day(&self, at_ms: i64, offset_s: Option<i32>) -> u32 {
        let offset = offset_s.unwrap_or_else(|| self.zone.at(at_ms));
        let local = at_ms.saturating_add(i64::from(offset) * 1_000);
        u32::try_from(local.rem_euclid(DAY_MS) / 1_000).unwrap_or(0)
    }

    /// Every row that ever prices a called number, any date and band, longest prefix first; within one the row
    /// that wins first.
    pub fn rows_of_any_date(&self, callee: Number) -> impl Iterator<Item = u32> + '_ {
        let prefixes = self.index.upward(self.index.longest(callee));
        prefixes.flat_map(|prefix| self.index.rows(prefix).iter().map(|entry| entry.row))
    }

    /// Rows in force at a moment for a called number, one for each prefix that begins it, longest first: the
    /// first is [`Rater::row_of`], the others what a deck without the longer prefixes would give.
    pub fn rows_of_shorter(&self, callee: Number, at_ms: i64) -> impl Iterator<Item = u32> + '_ {
        let second = self.second_of_day(at_ms, None);
        self.index.upward(self.index.longest(callee)).filter_map(move |prefix| {
            let mut rows = self.index.rows(prefix).iter();
            rows.find(|entry| entry.dated(at_ms) && (!entry.banded() || entry.holds(second)))
                .map(|entry| entry.row)
        })
    }

    /// Rows of the same prefix and dates as a row, with other bands.
    pub fn other_bands(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        let own = &self.deck.rows[row as usize];
        let rows = self.index.longest(Number::of(&own.prefix)).map_or(&[][..], |at| self.index.rows(at));
        rows.iter().map(|entry| entry.row).filter(move |other| {
            let other_row = &self.deck.rows[*other as usize];
            *other != row
                && other_row.band_s != own.band_s
                && other_row.effective_from_ms == own.effective_from_ms
                && other_row.effective_to_ms == own.effective_to_ms
        })
    }

    /// A row of the deck.
    #[must_use]
    pub fn deck_row(&self, row: u32) -> Option<&DeckRow> {
        self.deck.rows.get(row as usize)
    }

    /// Terms of a row under the contract; of a row that is none, those of a price of nothing.
    #[must_use]
    #[inline]
    pub fn terms(&self, row: u32) -> Terms {
        *self.terms_of(row)
    }

    /// As [`Rater::terms`], where they stand.
    #[must_use]
    #[inline]
    pub fn terms_of(&self, row: u32) -> &Terms {
        self.terms.get(row as usize).unwrap_or(&self.base)
    }

    /// Rates a call: the moment that the contract goes by, in UTC, and the conversation.
    ///
    /// # Errors
    /// [`Unrated`] when the deck has no price.
    #[inline]
    pub fn rate(&self, callee: Number, at_ms: i64, talk_ms: u32, answered: bool) -> Result<Rated, Unrated> {
        let (row, charge) = self.charge(callee, at_ms, talk_ms, answered)?;
        Ok(Rated { row, terms: self.terms(row), charge })
    }

    /// As [`Rater::rate`], the row and the charge alone: what every call of a file needs.
    ///
    /// # Errors
    /// [`Unrated`] when the deck has no price.
    #[inline]
    pub fn charge(
        &self,
        callee: Number,
        at_ms: i64,
        talk_ms: u32,
        answered: bool,
    ) -> Result<(u32, Charge), Unrated> {
        let Some(row) = self.row_of(callee, at_ms) else { return Err(self.why_not(callee)) };
        let terms = self.terms_of(row);
        let charge = if self.edges.is_empty() || !answered {
            terms.charge(talk_ms, answered)
        } else {
            self.split_charge(callee, at_ms, talk_ms, row, terms)
        };
        Ok((row, charge))
    }

    /// Rates a record whose times are UTC, by the contract's reference time and duration.
    ///
    /// # Errors
    /// [`Unrated`] when the deck has no price.
    #[inline]
    pub fn rate_record(&self, record: &Record) -> Result<Rated, Unrated> {
        let (at_ms, talk_ms, answered) = self.contract.facts(record);
        self.rate(record.callee, at_ms, talk_ms, answered)
    }

    #[cold]
    fn why_not(&self, callee: Number) -> Unrated {
        if callee.digits().is_none() {
            Unrated::NoNumber
        } else if self.index.longest(callee).is_none() {
            Unrated::NoPrefix
        } else {
            Unrated::NoDate
        }
    }

    /// The charged seconds of a call, cut where bands change, laid end to end from the first second that is
    /// charged. The blocks are those of the first row; the dates those of the reference moment.
    #[must_use]
    pub fn spans(&self, callee: Number, at_ms: i64, talk_ms: u32, row: u32) -> Vec<Span> {
        let terms = self.terms(row);
        let seconds = terms.subsecond.seconds(talk_ms);
        let mut left = terms.billed_s(seconds);
        let mut at = at_ms.saturating_add(i64::from(seconds - terms.after_free(seconds)) * 1_000);
        let mut spans: Vec<Span> = Vec::new();
        while left > 0 {
            let here = self.entry_at(callee, at_ms, at, None).map_or(row, |entry| entry.row);
            let until_edge = self.until_edge(at).min(left);
            match spans.last_mut() {
                Some(last) if last.row == here => last.billed_s += until_edge,
                _ => spans.push(Span { row: here, billed_s: until_edge }),
            }
            left -= until_edge;
            at = at.saturating_add(i64::from(until_edge) * 1_000);
        }
        spans
    }

    /// Seconds until the next edge of a band, at least one.
    fn until_edge(&self, at_ms: i64) -> u32 {
        let second = self.second_of_day(at_ms, None);
        let next = self.edges.partition_point(|edge| *edge <= second);
        match (self.edges.get(next), self.edges.first()) {
            (Some(edge), _) => edge - second,
            (None, Some(first)) => 86_400 - second + first,
            (None, None) => u32::MAX,
        }
    }

    fn split_charge(&self, callee: Number, at_ms: i64, talk_ms: u32, row: u32, terms: &Terms) -> Charge {
        let billed_s = terms.billed_s(terms.subsecond.seconds(talk_ms));
        if i64::from(billed_s) <= i64::from(self.until_edge(at_ms)) - i64::from(terms.free_s) {
            return terms.charge(talk_ms, true);
        }
        let spans = self.spans(callee, at_ms, talk_ms, row);
        if spans.iter().all(|span| span.row == row) {
            return terms.charge(talk_ms, true);
        }
        let blocks = match self.contract.span_rounding {
            SpanRounding::Once => spans.iter().map(|span| self.price_of(span)).sum(),
            SpanRounding::Each => self.rounded_spans(&spans, terms),
        };
        Charge { billed_s, amount: terms.finished(terms.raw(blocks)) }
    }

    /// In sixtieths of a billionth.
    fn price_of(&self, span: &Span) -> i128 {
        i128::from(self.terms(span.row).rate) * i128::from(span.billed_s)
    }

    /// Each span as if it were a call, the fee with the first; without the fee, in sixtieths of a billionth.
    pub(super) fn rounded_spans(&self, spans: &[Span], terms: &Terms) -> i128 {
        let fee = i128::from(terms.connect_fee) * i128::from(SIXTIETHS);
        let unit = i128::from(unit(terms.decimals)) * i128::from(SIXTIETHS);
        let rounded = spans.iter().enumerate().map(|(at, span)| {
            let raw = self.price_of(span) + if at == 0 { fee } else { 0 };
            terms.rounding.divide(raw, unit).saturating_mul(unit)
        });
        rounded.sum::<i128>() - fee
    }
}

#[cfg(test)]
mod tests;
