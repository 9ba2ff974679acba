//! Numbers as the reports show them: money with the contract's decimals, times, sums by destination,
//! day and gateway.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use linesman_cdr::outcome::{CallDetail, Outcome};
use linesman_cdr::record::{NO_NAME, Names, Record, Side};
use linesman_cdr::{Money, Number};

use crate::job::Finished;
pub(crate) use crate::sums::{Sums, charged, correct, difference};

/// An amount of the outcome.
pub(crate) fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_default()
}

/// Decimals that amounts are shown with: those of the deck, more where a total has more.
pub(crate) fn decimals(finished: &Finished) -> u32 {
    let totals = &finished.outcome.totals;
    let agreed = u32::from(finished.deck.decimals.unwrap_or(6)).min(Money::DECIMALS);
    [&totals.ours, &totals.theirs, &totals.correct]
        .into_iter()
        .filter_map(|amount| amount.split_once('.'))
        .map(|(_, part)| u32::try_from(part.trim_end_matches('0').len()).unwrap_or(0))
        .fold(agreed, u32::max)
        .min(Money::DECIMALS)
}

/// With the decimals and thousands kept apart: `1,234.500000`; nothing is `0.000000`.
pub(crate) fn shown(amount: Money, decimals: u32) -> String {
    let text =
        if amount.0 == 0 { format!("0.{}", "0".repeat(decimals as usize)) } else { amount.show(decimals) };
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{part}", thousands(whole))
}

/// As [`shown`], with a sign before what is more than nothing.
pub(crate) fn signed(amount: Money, decimals: u32) -> String {
    let plus = if amount.0 > 0 { "+" } else { "" };
    format!("{plus}{}", shown(amount, decimals))
}

fn thousands(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its thousands kept apart.
pub(crate) fn count(value: u64) -> String {
    thousands(&value.to_string())
}

/// `2026-04-03 00:00:03`, with milliseconds where there are any.
pub(crate) fn instant(ms: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(ms) else { return String::new() };
    let fine = ms.rem_euclid(1000) != 0;
    time.strftime(if fine { "%Y-%m-%d %H:%M:%S%.3f" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}

/// An RFC 3339 instant of the outcome, as [`instant`] writes it.
pub(crate) fn rfc3339(text: &str) -> String {
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |time| instant(time.as_millisecond()))
}

/// `2026-04-03`.
pub(crate) fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// A party's number; empty when it is nobody or only known by its hash.
pub(crate) fn number(number: Number) -> String {
    if number.digits().is_some() { number.to_string() } else { String::new() }
}

/// The name that a record's index stands for.
pub(crate) fn name(names: &[String], index: u16) -> &str {
    if index == NO_NAME { "" } else { names.get(usize::from(index)).map_or("", String::as_str) }
}

/// The record that stands for a call: ours where there is one.
pub(crate) fn either(detail: &CallDetail) -> Option<&Record> {
    detail.ours.as_ref().or(detail.theirs.as_ref())
}

/// Whether nothing differs at all.
pub(crate) fn agrees(outcome: &Outcome) -> bool {
    let counts = &outcome.counts;
    let strays = counts.only_ours
        + counts.only_theirs
        + counts.duplicates_ours
        + counts.duplicates_theirs
        + counts.amount_differs;
    strays == 0 && outcome.causes.is_empty() && money(&outcome.totals.difference).0 == 0
}

/// Sums by destination, day and gateway.
#[derive(Debug, Default)]
pub(crate) struct Breakdown {
    /// By deck row's destination and prefix.
    pub(crate) destinations: BTreeMap<(String, String), Sums>,
    pub(crate) days: BTreeMap<String, Sums>,
    pub(crate) gateways: BTreeMap<String, Sums>,
    /// Whether they are over all calls; else over those that differ alone.
    pub(crate) is_whole: bool,
}

/// Keys that are kept apart; beyond it a report is no longer read by people.
const MOST_KEYS: usize = 50_000;

impl Breakdown {
    /// Over all calls, where the run took their sums.
    pub(crate) fn of(finished: &Finished) -> Self {
        let Some(sums) = &finished.sums else { return Self::default() };
        let mut days: BTreeMap<String, Sums> = BTreeMap::new();
        for (at_ms, sums) in sums.days() {
            days.entry(day(at_ms)).or_default().add(sums);
        }
        Self {
            destinations: sums.destinations(&finished.deck),
            days,
            gateways: sums.gateways(&finished.names),
            is_whole: true,
        }
    }

    /// Adds a differing call, unless all calls are in it.
    pub(crate) fn add(&mut self, detail: &CallDetail, finished: &Finished) {
        if self.is_whole {
            return;
        }
        let Some(record) = either(detail) else { return };
        let side = if detail.ours.is_some() { Side::Ours } else { Side::Theirs };
        let row = detail.row.and_then(|row| finished.deck.rows.get(row as usize));
        let destination = row.map_or_else(Default::default, |row| {
            (row.destination.clone().unwrap_or_default(), row.prefix.clone())
        });
        let names: &Names = &finished.names[side.index()];
        sum(&mut self.destinations, destination, detail);
        sum(&mut self.days, day(record.start_ms), detail);
        sum(&mut self.gateways, name(&names.gateways, record.gateway).to_owned(), detail);
    }

    /// Which calls they are over: a key of the catalogue.
    pub(crate) const fn of_which(&self) -> &'static str {
        if self.is_whole { "sheets.of_all" } else { "sheets.of_differing" }
    }

    /// Keys of a table, the largest difference first, then the largest amount.
    pub(crate) fn dearest<K: Ord>(table: &BTreeMap<K, Sums>) -> Vec<(&K, &Sums)> {
        let mut rows: Vec<_> = table.iter().collect();
        rows.sort_by_key(|(_, sums)| Reverse((sums.difference().abs(), sums.amount[0].abs())));
        rows
    }
}

fn sum<K: Ord>(table: &mut BTreeMap<K, Sums>, key: K, detail: &CallDetail) {
    if table.len() >= MOST_KEYS && !table.contains_key(&key) {
        return;
    }
    table.entry(key).or_default().add(&Sums::of(detail));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_with_its_decimals_and_thousands() {
        assert_eq!(shown(Money(1_234_500_000_000), 6), "1,234.500000");
        assert_eq!(shown(Money(-999_999_999_999_000_000_000), 2), "-999,999,999,999.00");
        assert_eq!(shown(Money(1), 6), "0.000000001");
        assert_eq!(signed(Money::ZERO, 2), "0.00");
        assert_eq!(signed(Money(2_072_600_000), 6), "+2.072600");
    }

    #[test]
    fn instants_are_written_without_a_zone_and_in_utc() {
        assert_eq!(instant(1_775_174_403_000), "2026-04-03 00:00:03");
        assert_eq!(instant(1_775_174_403_120), "2026-04-03 00:00:03.120");
        assert_eq!(rfc3339("2026-04-03T08:00:03+08:00"), "2026-04-03 00:00:03");
    }
}
