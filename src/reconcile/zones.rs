//! The zone that two files have in common and neither names.
//!
//! Pairing tells how the two clocks stand to each other, not to UTC. Where a deck changes at a date or by
//! the time of day, the zone decides which row holds: without it, calls near the change would look
//! wrongly charged. The amounts prove it: under the right zone they are the deck's.

use linesman_cdr::Record;
use linesman_cdr::format::Zone;
use linesman_cdr::format::detect;
use linesman_cdr::outcome::{Cause, CauseKind, Finding};
use linesman_cdr::pair::{Learned, Stretch};
use linesman_cdr::rating::Rater;
use linesman_cdr::record::{ABSENT, Side, flag};
use serde_json::json;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Easternmost and westernmost zones, in hours.
const ZONES: std::ops::RangeInclusive<i64> = -12..=14;
/// Zones that are no whole or half hour, in minutes.
const ODD_ZONES: [i64; 3] = [5 * 60 + 45, 8 * 60 + 45, 12 * 60 + 45];
/// Calls of a side that are enough to tell.
const ENOUGH: usize = 1_000;
/// Farther from a date in the deck no zone and no clock brings a call to its other side.
const NEAR_MS: i64 = 48 * HOUR_MS;

/// A call whose price depends on the zone: what was charged, and whether that is the deck's charge by zone.
struct Sensitive {
    right: Vec<bool>,
}

/// Sets the clocks by the amounts, where they prove a zone other than UTC; `unnamed` are the sides whose zone nothing
/// else tells. Whether it stays open which zone it is, while there are calls whose price depends on it.
pub(crate) fn settle(
    learned: &mut Learned,
    rater: &Rater,
    records: [&[Record]; 2],
    unnamed: [bool; 2],
) -> bool {
    if unnamed == [false; 2] || !rater.has_bands() && !rater.deck().rows.iter().any(is_dated) {
        return false;
    }
    let mut zones: Vec<i64> = ZONES.flat_map(|hour| [hour * HOUR_MS, hour * HOUR_MS + HOUR_MS / 2]).collect();
    zones.extend(ODD_ZONES.map(|minutes| minutes * MINUTE_MS));
    // Whole hours first, near ones before far ones: of zones that fit alike the first is taken.
    zones.sort_by_key(|zone| (zone % HOUR_MS != 0, zone.abs()));
    let calls = Side::BOTH.map(|side| {
        let records = if unnamed[side.index()] { records[side.index()] } else { &[] };
        sensitive(learned, rater, side, records, &zones)
    });
    let right = |side: usize, place: usize| calls[side].iter().filter(|call| call.right[place]).count();
    let now = [right(0, 0), right(1, 0)];
    let best = (0..zones.len())
        .filter(|place| (0..2).all(|side| right(side, *place) >= now[side]))
        .max_by_key(|place| (right(0, *place) + right(1, *place), std::cmp::Reverse(*place)));
    // One side at least must be charged by the deck, or nothing is proved. Calls that are wrong in every zone
    // deviate in something else and tell nothing of it, as long as they are not nearly all. And a zone is proved only
    // between others that fit less: a price that is never the new one fits the farther the better.
    let telling = |side: usize| calls[side].iter().filter(|call| call.right.contains(&true)).count();
    let proves = |side: usize, place: usize| {
        let here = right(side, place);
        let less = |other: usize| right(side, other) < here;
        let between = (0..zones.len()).any(|other| zones[other] < zones[place] && less(other))
            && (0..zones.len()).any(|other| zones[other] > zones[place] && less(other));
        here > 0 && between && here * 5 >= telling(side) * 4 && here * 5 >= calls[side].len()
    };
    let open = || calls.iter().any(|calls| !calls.is_empty()) && !proves(0, 0) && !proves(1, 0);
    let Some(best) = best.filter(|best| right(0, *best) + right(1, *best) > now[0] + now[1]) else {
        return open();
    };
    if !(0..2).any(|side| right(side, best) > now[side] && proves(side, best)) {
        return open();
    }
    // Other zones may fit as well: what is said must not be more than the amounts prove.
    let fits = (0..zones.len()).filter(|place| (0..2).all(|side| right(side, *place) == right(side, best)));
    let all: Vec<i64> = fits.map(|place| zones[place]).collect();
    let range = [all.iter().min(), all.iter().max()].map(|zone| zone.copied().unwrap_or(zones[best]));
    shift(learned, zones[best], range, unnamed);
    false
}

fn is_dated(row: &linesman_cdr::rating::DeckRow) -> bool {
    row.effective_from_ms.is_some() || row.effective_to_ms.is_some()
}

/// Whether a cause may be nothing but the wrong zone.
pub(crate) fn may_make(cause: &Cause, rater: &Rater) -> bool {
    match cause.kind {
        CauseKind::StaleRate | CauseKind::TimeBandTimezone | CauseKind::TimeBandWrong => true,
        // The price of another date or time of day.
        CauseKind::WrongRate => {
            let prefix = cause.selector.prefix.as_deref().unwrap_or_default();
            let rows = rater.deck().rows.iter();
            rater.has_bands() || rows.filter(|row| row.prefix.starts_with(prefix)).any(is_dated)
        }
        _ => false,
    }
}

/// The answered and charged calls of a side whose price is not the same under all zones.
fn sensitive(
    learned: &Learned,
    rater: &Rater,
    side: Side,
    records: &[Record],
    zones: &[i64],
) -> Vec<Sensitive> {
    let rows = &rater.deck().rows;
    let mut dates: Vec<i64> =
        rows.iter().flat_map(|row| [row.effective_from_ms, row.effective_to_ms]).flatten().collect();
    dates.sort_unstable();
    dates.dedup();
    let banded = rater.has_bands();
    let mut charged: Vec<Record> = records
        .iter()
        .filter(|record| record.amount != ABSENT && !record.is(flag::ATTEMPT))
        .filter(|record| banded || is_near(&dates, record.start_ms))
        .take(4 * ENOUGH)
        .copied()
        .collect();
    learned.prepare(side, &mut charged);
    let mut calls = Vec::new();
    for record in &charged {
        if calls.len() >= ENOUGH {
            break;
        }
        let (at, talk_ms, answered) = rater.contract().facts(record);
        let decimals = (record.flags >> flag::DECIMALS_SHIFT & 0xf).min(9);
        let slack = 10_i64.pow(9 - decimals) / 2;
        let charge = |zone: &i64| {
            let charge = rater.charge(record.callee, at.saturating_sub(*zone), talk_ms, answered);
            charge.ok().map(|(_, charge)| charge.amount)
        };
        let prices: Vec<Option<i64>> = zones.iter().map(charge).collect();
        if prices.windows(2).any(|pair| pair[0] != pair[1]) {
            let is_right =
                |price: &Option<i64>| price.is_some_and(|price| (price - record.amount).abs() <= slack);
            calls.push(Sensitive { right: prices.iter().map(is_right).collect() });
        }
    }
    calls
}

/// Whether one of the sorted dates is near a moment.
fn is_near(dates: &[i64], at_ms: i64) -> bool {
    let next = dates.partition_point(|date| *date < at_ms.saturating_sub(NEAR_MS));
    dates.get(next).is_some_and(|date| *date <= at_ms.saturating_add(NEAR_MS))
}

/// Puts the clocks so far east of UTC, and says between which zones theirs must be.
fn shift(learned: &mut Learned, zone_ms: i64, range: [i64; 2], unnamed: [bool; 2]) {
    let clocks = learned.clocks.iter_mut().zip(unnamed).filter(|(_, unnamed)| *unnamed);
    for (clock, _) in clocks {
        if clock.stretches.is_empty() {
            let whole = Stretch { from_ms: i64::MIN, to_ms: i64::MAX, offset_ms: 0, from_place: None };
            clock.stretches.push(whole);
        }
        clock.stretches.iter_mut().for_each(|stretch| stretch.offset_ms += zone_ms);
    }
    // What pairing found is what one side is ahead of the other.
    let mut ahead = [0; 2];
    learned.findings.retain(|finding| {
        let offset = finding.values.get("utc_offset").and_then(|value| value.as_str());
        let (Some(side), Some(Zone::Fixed(seconds)), true) =
            (finding.side, offset.and_then(detect::zone), finding.kind == "timezone")
        else {
            return true;
        };
        ahead[side.index()] += i64::from(seconds) * 1000;
        false
    });
    let said = Side::BOTH.into_iter().zip(ahead).filter(|(side, _)| unnamed[side.index()]);
    let said = said.map(|(side, ahead)| {
        let [from, to] = range.map(|zone| offset(zone + ahead));
        let offset = if from == to { from } else { format!("{from} … {to}") };
        let values = json!({"utc_offset": offset, "proved_by": "amounts"});
        let values = values.as_object().cloned().unwrap_or_default();
        Finding { kind: "timezone".to_owned(), side: Some(side), values }
    });
    let said: Vec<Finding> = said.collect();
    learned.findings.splice(0..0, said);
}

/// `+08:00`.
fn offset(zone_ms: i64) -> String {
    let minutes = zone_ms.abs() / MINUTE_MS;
    format!("{}{:02}:{:02}", if zone_ms < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use linesman_cdr::Number;
    use linesman_cdr::rating::{Contract, Deck};
    use linesman_cdr::record::{ABSENT_32, NO_NAME};

    use super::*;

    const MIDNIGHT: i64 = 1_775_174_400_000;

    fn rater() -> Rater {
        let contract = Contract::default();
        let deck = "prefix,rate_per_min,effective_from,effective_to\n\
                    852,0.06,,2026-04-03T00:00:00Z\n852,0.12,2026-04-03T00:00:00Z,\n";
        Rater::new(&Deck::read_by(deck, &contract).expect("a deck"), &contract).expect("a rater")
    }

    /// A call of a minute every hour of two days around the change, by a clock so many hours east of UTC.
    fn records(east: i64, turn: i64) -> Vec<Record> {
        (-24..24)
            .map(|hour| Record {
                caller: Number::of("85231000001"),
                callee: Number::of("85223456789"),
                start_ms: MIDNIGHT + (hour + east) * HOUR_MS + 1_800_000,
                amount: if hour < turn { 60_000_000 } else { 120_000_000 },
                rate: ABSENT,
                place: 0,
                talk_ms: 60_000,
                billed_s: ABSENT_32,
                ring_ms: ABSENT_32,
                call_id: 0,
                flags: 6 << flag::DECIMALS_SHIFT,
                gateway: NO_NAME,
                account: NO_NAME,
            })
            .collect()
    }

    fn zone(ours: &[Record], theirs: &[Record]) -> i64 {
        let mut learned = Learned::default();
        settle(&mut learned, &rater(), [ours, theirs], [true; 2]);
        let zones = learned.clocks.map(|clock| clock.stretches.first().map_or(0, |first| first.offset_ms));
        assert_eq!(zones[0], zones[1]);
        zones[0] / HOUR_MS
    }

    #[test]
    fn the_amounts_prove_the_zone_that_both_files_have_and_neither_names() {
        let (utc, china) = (records(0, 0), records(8, 0));
        assert_eq!(zone(&china, &china), 8);
        assert_eq!(zone(&records(-5, 0), &records(-5, 0)), -5);
        assert_eq!(zone(&utc, &utc), 0);
        // One side's amounts are enough.
        let silent: Vec<Record> = china.iter().map(|call| Record { amount: ABSENT, ..*call }).collect();
        assert_eq!(zone(&silent, &china), 8);
    }

    #[test]
    fn calls_that_are_charged_wrongly_in_every_zone_do_not_keep_the_others_from_proving_it() {
        let mut theirs = records(8, 0);
        theirs.iter_mut().step_by(2).for_each(|call| call.amount += 7_000_000);
        assert_eq!(zone(&[], &theirs), 8);
        theirs.iter_mut().take(44).for_each(|call| call.amount = 7_000_000);
        assert_eq!(zone(&[], &theirs), 0, "too few are left");
    }

    #[test]
    fn a_zone_that_is_not_the_only_one_to_fit_is_told_as_a_range() {
        let said = |records: &[Record]| {
            let mut learned = Learned::default();
            settle(&mut learned, &rater(), [records, records], [true; 2]);
            learned
                .findings
                .iter()
                .map(|finding| finding.values["utc_offset"].to_string())
                .collect::<Vec<_>>()
        };
        // A call at half past every hour: what is between two of them is not told apart.
        let many = said(&records(8, 0));
        assert!(
            many[0].contains("+08:00") && !many[0].contains("+07") && !many[0].contains("+09"),
            "{many:?}"
        );
        let few: Vec<Record> = records(8, 0).into_iter().step_by(6).collect();
        let few = said(&few);
        assert!(few[0].contains(" … "), "{few:?}");
        assert!(said(&records(0, 0)).is_empty());
    }

    #[test]
    fn a_side_that_charges_by_the_wrong_row_for_some_hours_moves_no_clock() {
        assert_eq!(zone(&records(0, 0), &records(0, 8)), 0);
        assert_eq!(zone(&records(0, 8), &records(0, 0)), 0);
    }

    #[test]
    fn a_zone_that_no_amount_proves_stays_open_and_moves_no_clock() {
        let open = |ours: &[Record], theirs: &[Record]| {
            let mut learned = Learned::default();
            let open = settle(&mut learned, &rater(), [ours, theirs], [true; 2]);
            assert!(learned.findings.is_empty() && learned.clocks[0].stretches.is_empty());
            open
        };
        assert!(!open(&records(0, 0), &[]));
        // Never the new price: as good as any zone far enough in the east.
        let stale = records(0, 24);
        assert!(open(&stale, &stale));
        assert!(!open(&records(0, 0), &stale), "one side proves it");
        let none: Vec<Record> = stale.iter().map(|call| Record { amount: 1, ..*call }).collect();
        assert!(open(&none, &none), "nothing fits in any zone");
        let far: Vec<Record> = stale.iter().map(|call| Record { start_ms: 0, ..*call }).collect();
        assert!(!open(&far, &far), "no call is near the date");
    }

    #[test]
    fn the_zone_of_a_file_that_stands_alone_is_its_own() {
        let mut learned = Learned::default();
        let alone = [&[][..], &records(8, 0)];
        assert!(!settle(&mut learned, &rater(), alone, [false, true]));
        assert!(learned.clocks[0].stretches.is_empty());
        assert_eq!(learned.clocks[1].stretches[0].offset_ms, 8 * HOUR_MS);
        assert_eq!(learned.findings.len(), 1);
    }
}
