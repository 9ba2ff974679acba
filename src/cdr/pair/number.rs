//! Rewrites of numbers: how a side's form of a number becomes the deck's.
//!
//! Short numbers, and what is no row of digits, are left alone. A rewrite changes only what stands
//! before the last eight digits, so that a number stays in its partition.

use serde::{Deserialize, Serialize};

use crate::number::{MOST_DIGITS, Number};

/// Which party's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Calling.
    Caller,
    /// Called.
    Callee,
}

/// One rewrite of a side's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberRule {
    /// Whose number.
    pub party: Party,
    /// Digits that the number begins with and loses; [`Number::NONE`] for none.
    #[serde(with = "digits")]
    pub from: Number,
    /// Digits that it gets instead; [`Number::NONE`] for none.
    #[serde(with = "digits")]
    pub to: Number,
    /// Counts of digits that it holds for, bit by bit.
    pub lengths: u32,
    /// First digit after `from` that it holds for, bit by bit.
    pub next_digits: u16,
    /// Gateway of that side that it is bound to.
    pub gateway: Option<u16>,
    /// Calls that show it.
    pub support: u64,
}

/// All counts of digits.
pub const ANY_LENGTH: u32 = u32::MAX;
/// All digits.
pub const ANY_DIGIT: u16 = 0x3ff;
/// Digits at a number's end that no rewrite touches.
pub const KEPT_DIGITS: u32 = 8;

impl NumberRule {
    /// Whether it takes something off that is no part of any way of writing a number.
    #[must_use]
    pub fn is_tech_prefix(&self) -> bool {
        self.to.is_none() && !self.from.is_none() && !is_dialling_prefix(self.from)
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.from != self.to
    }
}

/// Whether it is a way to dial abroad or to another town.
#[must_use]
pub(super) fn is_dialling_prefix(head: Number) -> bool {
    ["0", "00", "000", "011", "810", "0011", "010"].iter().any(|prefix| head == Number::of(prefix))
}

mod digits {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::number::Number;

    pub(super) fn serialize<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        Ok(Number::of(&String::deserialize(deserializer)?))
    }
}

/// A rule for numbers of one length: codes from `low` to before `high` change by `change`.
#[derive(Debug, Clone, Copy)]
struct Span {
    low: u64,
    high: u64,
    change: u64,
    gateway: Option<u16>,
}

/// Rules made fast: by count of digits, the spans of codes that change.
#[derive(Debug, Clone)]
pub(super) struct Rewriter {
    by_length: Vec<Vec<Span>>,
}

impl Rewriter {
    pub(super) fn new(rules: &[NumberRule], party: Party) -> Self {
        let mut by_length: Vec<Vec<Span>> = vec![Vec::new(); MOST_DIGITS as usize + 1];
        for rule in rules.iter().filter(|rule| rule.party == party) {
            let (from, strip) = rule.from.digits().unwrap_or((0, 0));
            for length in KEPT_DIGITS.max(strip + 1)..=MOST_DIGITS {
                if rule.lengths >> length & 1 == 0 || length < strip + KEPT_DIGITS {
                    continue;
                }
                let rest = length - strip;
                for next in (0..10u64).filter(|next| rule.next_digits >> next & 1 == 1) {
                    let step = 10u64.pow(rest - 1);
                    let value = (from * 10 + next) * step;
                    let Some(low) = Number::from_digits(value, length) else { continue };
                    // Too long to hold: the number is left as it is.
                    let Some(new) = low.rewritten(strip, rule.to) else { continue };
                    by_length[length as usize].push(Span {
                        low: low.code(),
                        high: low.code() + step,
                        change: new.code().wrapping_sub(low.code()),
                        gateway: rule.gateway,
                    });
                }
            }
        }
        for spans in &mut by_length {
            // Neighbours that change alike are one span; the first that fits holds, so order stays.
            spans.dedup_by(|next, kept| {
                let joins =
                    kept.high == next.low && kept.change == next.change && kept.gateway == next.gateway;
                if joins {
                    kept.high = next.high;
                }
                joins
            });
        }
        Self { by_length }
    }

    pub(super) fn rewritten(&self, number: Number, gateway: u16) -> Number {
        let Some((value, length)) = number.digits() else { return number };
        let code = number.code();
        for span in &self.by_length[length as usize] {
            if (span.low..span.high).contains(&code) && span.gateway.is_none_or(|only| only == gateway) {
                // The new code is the old one plus a constant, so the rest of the digits is kept.
                let new = code.wrapping_add(span.change);
                let digits = new.ilog10();
                debug_assert!(value % 100_000_000 == new % 100_000_000);
                return Number::from_digits(new - 10u64.pow(digits), digits).unwrap_or(number);
            }
        }
        number
    }
}
