//! What the contract says and what was done instead, in the field's shorthand.

use super::deviation::{Deviation, Pricer};
use super::found::Found;
use crate::money::Money;
use crate::outcome::CauseKind;
use crate::rating::{BlockRule, FreeSeconds, Rounding, Subsecond, Terms};

fn money(billionths: i64) -> String {
    Money(i128::from(billionths)).to_string()
}

fn scheme(initial_s: u32, increment_s: u32, blocks: BlockRule) -> String {
    let total = if blocks == BlockRule::TotalMultiple { " of the total" } else { "" };
    format!("{initial_s}/{increment_s}{total}")
}

fn mode(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Up => "up",
        Rounding::Down => "down",
        Rounding::HalfUp => "half_up",
        Rounding::HalfEven => "half_even",
    }
}

fn subsecond(rule: Subsecond) -> String {
    match rule {
        Subsecond::Floor => "floor".to_owned(),
        Subsecond::Ceil => "ceil".to_owned(),
        Subsecond::Nearest => "nearest".to_owned(),
        Subsecond::ThresholdMs(ms) => format!("threshold {ms} ms"),
    }
}

fn percent(ppm: u32) -> String {
    format!("{} %", Money(i128::from(ppm) * 100_000))
}

fn offset(seconds: i32) -> String {
    let (sign, size) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    format!("{sign}{:02}:{:02}", size / 3_600, size % 3_600 / 60)
}

fn clock(second: u32) -> String {
    format!("{:02}:{:02}", second / 3_600, second % 3_600 / 60)
}

fn free(seconds: u32, rule: FreeSeconds) -> String {
    let rule = if rule == FreeSeconds::Threshold { " threshold" } else { "" };
    format!("{seconds} s{rule}")
}

/// Contract and practice of a cause.
pub(super) fn terms(
    found: &Found,
    pricer: &Pricer<'_>,
    span: Option<[i64; 2]>,
) -> (Option<String>, Option<String>) {
    let rater = pricer.rater;
    // The row of the calls, where they have one in common; else the terms that all rows share.
    let prefix = found.pick.row_prefix.or(found.pick.prefix);
    let row = prefix.and_then(|prefix| rater.row_of(prefix, span.map_or(0, |span| span[0])));
    let agreed: Terms = rater.terms(match found.deviation {
        Deviation::Rate { row, .. } => row,
        _ => row.unwrap_or(0),
    });
    let some = |contract: String, used: String| (Some(contract), Some(used));
    match found.deviation {
        Deviation::Missing | Deviation::Extra(_) | Deviation::Label => (None, None),
        Deviation::Parts => some("one charge a call".to_owned(), "one charge a part".to_owned()),
        Deviation::Together => (None, None),
        Deviation::Talk(CauseKind::RingTimeBilled) | Deviation::Ring => {
            some("answer to hang-up".to_owned(), "start to hang-up".to_owned())
        }
        Deviation::Talk(CauseKind::SubsecondRounding) => (Some(subsecond(agreed.subsecond)), None),
        Deviation::Talk(_) => (None, None),
        Deviation::Subsecond(rule) => some(subsecond(agreed.subsecond), subsecond(rule)),
        Deviation::Prefix { of, used } => some(of.to_string(), used.to_string()),
        Deviation::Tech { digits, .. } => some("stripped".to_owned(), digits.to_string()),
        Deviation::Unrated => (None, Some("0".to_owned())),
        Deviation::Unpriced => (None, None),
        Deviation::Stale { of, from_ms } => {
            let rows = pricer.rows(of).iter();
            let deck = &rater.deck().rows;
            let used = rows.copied().find(|row| deck[*row as usize].effective_from_ms == from_ms);
            (Some(money(agreed.rate)), used.map(|row| money(rater.terms(row).rate)))
        }
        Deviation::Rate { rate, .. } => some(money(agreed.rate), money(rate)),
        Deviation::Factor { ppm } => {
            let factor = |ppm: u64| Money(i128::from(ppm) * 1_000).to_string();
            some(factor(agreed.factor_ppm), factor(agreed.factor_ppm * ppm / 1_000_000))
        }
        Deviation::BandOffset(seconds) => {
            let own = span.map_or(0, |span| rater.band_zone().at(span[0]));
            some(offset(own), offset(seconds))
        }
        Deviation::BandAlways(second) => (None, Some(format!("always as at {}", clock(second)))),
        Deviation::BandOther => (None, Some("another band".to_owned())),
        Deviation::BandSplit(split) => {
            let word = |split: bool| if split { "split" } else { "by_start" }.to_owned();
            some(word(!split), word(split))
        }
        Deviation::Increment { initial_s, increment_s, blocks } => {
            let own = (found.pick.parts() > 0 || same(pricer, |terms| (terms.initial_s, terms.increment_s)))
                .then(|| scheme(agreed.initial_s, agreed.increment_s, agreed.blocks));
            (own, Some(scheme(initial_s, increment_s, blocks)))
        }
        Deviation::Free { seconds, rule } => some(free(agreed.free_s, agreed.free), free(seconds, rule)),
        Deviation::Minimum(least) => some(money(agreed.minimum), money(least)),
        Deviation::NoFee => some(money(agreed.connect_fee), money(0)),
        Deviation::FeeAdded(fee) => some(money(agreed.connect_fee), money(agreed.connect_fee + fee)),
        Deviation::Decimals(decimals) => some(agreed.decimals.to_string(), decimals.to_string()),
        Deviation::Mode(rounding) => some(mode(agreed.rounding).to_owned(), mode(rounding).to_owned()),
        Deviation::Tax { ppm, .. } => some(percent(agreed.tax_ppm), percent(ppm)),
    }
}

/// Whether all rows agree in something.
fn same<T: PartialEq>(pricer: &Pricer<'_>, of: impl Fn(&Terms) -> T) -> bool {
    let rows = u32::try_from(pricer.rater.deck().rows.len()).unwrap_or(u32::MAX);
    let first = of(&pricer.rater.terms(0));
    (0..rows).all(|row| of(&pricer.rater.terms(row)) == first)
}
