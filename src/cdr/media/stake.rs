//! What seconds are worth by a record's own amount and rate: exactly, or not at all.

use crate::Money;
use crate::record::{ABSENT, ABSENT_32, Record};

/// All that the record charges.
pub(super) fn whole(record: &Record) -> Option<Money> {
    (record.amount != ABSENT && record.amount != 0).then(|| record.money())
}

/// What so many milliseconds of it are worth by its own rate: only where that rate makes its own amount, and rounded
/// down to whole seconds and to the decimals that the amount is written with.
pub(super) fn part(record: &Record, ms: i64) -> Option<Money> {
    if record.amount == ABSENT || record.rate == ABSENT || record.billed_s == ABSENT_32 || record.rate == 0 {
        return None;
    }
    let rate = i128::from(record.rate);
    let last_decimal = 10_i128.pow(Money::DECIMALS.saturating_sub(record.amount_decimals()));
    let charged = i128::from(record.amount) * 60;
    // Rounded up, down or to the nearest: less than one of the last decimal.
    if (rate * i128::from(record.billed_s) - charged).abs() >= last_decimal * 60 {
        return None;
    }
    let seconds = i128::from(ms / 1_000);
    Some(Money(rate * seconds / 60 / last_decimal * last_decimal))
}

/// As [`part`], of what was charged: never more than all of it.
pub(super) fn charged(record: &Record, ms: i64) -> Option<Money> {
    part(record, ms.min(i64::from(record.billed_s) * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::flag;

    fn record(amount: &str, rate: &str, billed_s: u32) -> Record {
        let money = |text: &str| Money::parse(text).map_or(ABSENT, |money| i64::try_from(money.0).unwrap());
        let decimals = amount.split_once('.').map_or(0, |(_, part)| part.len() as u32);
        Record {
            amount: money(amount),
            rate: money(rate),
            billed_s,
            flags: decimals << flag::DECIMALS_SHIFT,
            ..bytemuck::Zeroable::zeroed()
        }
    }

    #[test]
    fn seconds_are_worth_what_the_records_own_rate_makes_of_them_or_nothing_is_said() {
        let worth = |record: &Record, ms| part(record, ms).map(|money| money.to_string());
        assert_eq!(worth(&record("0.0120", "0.012", 60), 30_500), Some("0.006".to_owned()));
        assert_eq!(worth(&record("0.0012", "0.010", 7), 1_000), Some("0.0001".to_owned()), "rounded down");
        assert_eq!(
            charged(&record("0.0120", "0.012", 60), 540_000),
            Some(Money(12_000_000)),
            "no more than all"
        );
        assert_eq!(charged(&record("0", "0.012", 0), 540_000), Some(Money(0)), "a free call");
        assert_eq!(worth(&record("0.5000", "0.012", 60), 30_000), None, "a fee is in it");
        assert_eq!(worth(&record("0.012", "", 60), 30_000), None, "no rate");
        assert_eq!(whole(&record("0.012", "", 60)), Some(Money(12_000_000)));
        assert_eq!(whole(&record("", "", 60)), None);
    }
}
