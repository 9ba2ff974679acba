//! The agreed deck of a plan: destinations with nested prefixes, a change of rates inside the period, bands.

use super::random::Chance;
use crate::rating::{Deck, DeckRow, Rounding};

/// A destination: prefix, name, digits of its numbers, share of the traffic, price of a minute in billionths,
/// blocks, fee in billionths, whether its price changes inside the period.
type Destination = (&'static str, &'static str, u32, u32, i64, [u32; 2], i64, bool);

pub(super) const DESTINATIONS: &[Destination] = &[
    ("1", "USA", 11, 60, 9_800_000, [6, 6], 0, true),
    ("1212", "USA New York", 11, 20, 8_900_000, [6, 6], 0, false),
    ("1808", "USA Hawaii", 11, 10, 14_500_000, [6, 6], 0, false),
    ("33", "France", 11, 20, 12_400_000, [1, 1], 0, false),
    ("336", "France mobile", 11, 25, 41_200_000, [1, 1], 0, true),
    ("44", "United Kingdom", 12, 40, 11_600_000, [1, 1], 0, true),
    ("4420", "United Kingdom London", 12, 30, 9_100_000, [1, 1], 0, false),
    ("4477", "United Kingdom mobile", 12, 50, 33_500_000, [1, 1], 0, true),
    ("49", "Germany", 12, 30, 10_700_000, [1, 1], 0, false),
    ("4915", "Germany mobile", 13, 30, 52_300_000, [1, 1], 0, false),
    ("52", "Mexico", 12, 25, 17_300_000, [60, 60], 0, false),
    ("521", "Mexico mobile", 13, 25, 31_900_000, [60, 60], 0, true),
    ("7", "Russia", 11, 15, 46_600_000, [1, 1], 5_000_000, false),
    ("81", "Japan", 11, 20, 19_800_000, [30, 6], 0, false),
    ("8190", "Japan mobile", 12, 20, 88_700_000, [30, 6], 10_000_000, false),
    ("85", "East Asia", 11, 10, 39_100_000, [6, 6], 0, false),
    ("852", "Hong Kong", 11, 60, 24_700_000, [6, 6], 0, true),
    ("86", "China", 13, 90, 18_300_000, [6, 6], 0, true),
    ("8610", "China Beijing", 12, 50, 15_900_000, [6, 6], 0, false),
    ("8613", "China mobile", 13, 150, 21_500_000, [6, 6], 0, true),
    ("8615", "China mobile 15", 13, 100, 22_700_000, [6, 6], 0, false),
    ("91", "India", 12, 60, 13_100_000, [1, 1], 0, false),
];

/// Prefixes whose price goes by the time of day when a plan has bands.
const BANDED: &[&str] = &["86", "8613", "44", "4477"];

/// How a plan's deck is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Making {
    pub seed: u64,
    pub begin_ms: i64,
    /// When prices change; none: never.
    pub change_ms: Option<i64>,
    pub bands: bool,
    pub decimals: u8,
    pub rounding: Rounding,
}

/// The deck.
pub(super) fn deck(making: &Making) -> Deck {
    let mut rows = Vec::new();
    for (at, (prefix, name, _, _, rate, blocks, fee, changes)) in DESTINATIONS.iter().enumerate() {
        let mut chance = Chance::of(making.seed ^ 0xdec4, at as u64);
        let amount = |most: u64, chance: &mut Chance| i64::try_from(chance.below(most)).unwrap_or(0);
        // Another deck for every seed, prices to the ten-thousandth.
        let rate = rate + amount(40, &mut chance) * 100_000;
        let row = DeckRow {
            prefix: (*prefix).to_owned(),
            destination: Some((*name).to_owned()),
            rate,
            initial_s: blocks[0],
            increment_s: blocks[1],
            connect_fee: *fee,
            effective_from_ms: Some(making.begin_ms - 90 * 86_400_000),
            effective_to_ms: None,
            band_s: None,
            line: 0,
        };
        let new = rate + 700_000 + amount(30, &mut chance) * 100_000;
        let dated = match making.change_ms.filter(|_| *changes) {
            None => vec![row],
            Some(change) => vec![
                DeckRow { effective_to_ms: Some(change), ..row.clone() },
                DeckRow { effective_from_ms: Some(change), rate: new, ..row },
            ],
        };
        for row in dated {
            if making.bands && BANDED.contains(prefix) {
                let off_peak = row.rate * 6 / 1_000_000 * 100_000;
                rows.push(DeckRow { band_s: Some([28_800, 72_000]), ..row.clone() });
                rows.push(DeckRow { band_s: Some([72_000, 28_800]), rate: off_peak, ..row });
            } else {
                rows.push(row);
            }
        }
    }
    for (at, row) in rows.iter_mut().enumerate() {
        row.line = u32::try_from(at + 2).unwrap_or(u32::MAX);
    }
    Deck {
        rows,
        currency: Some("USD".to_owned()),
        decimals: Some(making.decimals),
        rounding: Some(making.rounding),
        band_zone: making.bands.then(|| "Asia/Shanghai".to_owned()),
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC.
pub(super) fn rfc3339(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |at| at.to_string())
}

/// The deck as CSV text.
pub(super) fn text(deck: &Deck) -> String {
    let mut text = "prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,effective_from,\
                    effective_to,band_from,band_to,band_tz,currency,decimals,rounding\n"
        .to_owned();
    let money = |billionths: i64| crate::Money(i128::from(billionths)).to_string();
    let clock = |second: u32| format!("{:02}:{:02}", second / 3_600, second / 60 % 60);
    for row in &deck.rows {
        let date = |at: Option<i64>| at.map(rfc3339).unwrap_or_default();
        let [from, to] = row.band_s.map_or([String::new(), String::new()], |band| band.map(clock));
        let rounding = match deck.rounding {
            Some(Rounding::Up) => "up",
            Some(Rounding::Down) => "down",
            Some(Rounding::HalfEven) => "half_even",
            Some(Rounding::HalfUp) | None => "half_up",
        };
        text.push_str(&format!(
            "{},{},{},{},{},{},{},{},{from},{to},{},{},{},{rounding}\n",
            row.prefix,
            row.destination.as_deref().unwrap_or_default(),
            money(row.rate),
            row.initial_s,
            row.increment_s,
            money(row.connect_fee),
            date(row.effective_from_ms),
            date(row.effective_to_ms),
            deck.band_zone.as_deref().unwrap_or_default(),
            deck.currency.as_deref().unwrap_or_default(),
            deck.decimals.unwrap_or(6),
        ));
    }
    text
}
