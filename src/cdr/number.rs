//! A party's number in eight bytes: up to eighteen digits as they are, anything else by its hash.

use bytemuck::{Pod, Zeroable};

/// A party number. Digits keep their length, so leading zeros count; what is no row of digits, or
/// longer than eighteen, is a hash that only says equal or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Number(u64);

/// Set on hashes; no row of digits reaches it.
const HASHED: u64 = 1 << 63;
/// Most digits that are held as they are.
pub const MOST_DIGITS: u32 = 18;

/// Powers of ten, up to that of [`MOST_DIGITS`]; a table, since every number of every record needs one.
pub(crate) const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

impl Number {
    /// Nobody: empty, withheld, anonymous.
    pub const NONE: Self = Self(0);

    /// From a value and its count of digits; `None` beyond eighteen digits or when it does not fit.
    ///
    /// The code is `10^digits + value`, so that `0086` and `86` differ.
    #[must_use]
    pub const fn from_digits(value: u64, digits: u32) -> Option<Self> {
        if digits == 0 || digits > MOST_DIGITS || value >= POWERS[digits as usize] {
            return None;
        }
        Some(Self(POWERS[digits as usize] + value))
    }

    /// As [`Number::from_digits`], for a value that is known to be of so many digits.
    #[inline(always)]
    pub(crate) const fn of_digits(value: u64, digits: u32) -> Option<Self> {
        if digits == 0 || digits > MOST_DIGITS {
            return None;
        }
        Some(Self(POWERS[digits as usize] + value))
    }

    /// Of any text that is no plain row of digits (FNV-1a).
    #[must_use]
    pub fn hashed(text: &[u8]) -> Self {
        let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(hash | HASHED)
    }

    /// Of a text, digits or not; empty is [`Number::NONE`]. For decks and tests; files have faster ways.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self::NONE;
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let value =
            if digits && text.len() <= MOST_DIGITS as usize { text.parse::<u64>().ok() } else { None };
        value
            .and_then(|value| Self::from_digits(value, u32::try_from(text.len()).ok()?))
            .unwrap_or_else(|| Self::hashed(text.as_bytes()))
    }

    /// Whether nobody is named.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Value and count of digits, unless it is nobody or a hash.
    #[must_use]
    #[inline]
    pub const fn digits(self) -> Option<(u64, u32)> {
        if self.0 == 0 || self.0 & HASHED != 0 {
            return None;
        }
        let digits = self.0.ilog10();
        Some((self.0 - POWERS[digits as usize], digits))
    }

    /// The first `count` digits; `None` when it has fewer.
    #[must_use]
    pub const fn head(self, count: u32) -> Option<u64> {
        match self.digits() {
            Some((value, digits)) if digits >= count => Some(value / POWERS[(digits - count) as usize]),
            _ => None,
        }
    }

    /// Its last `count` digits, fewer if it has fewer; of a hash, the hash: numbers with equal
    /// tails have equal values here.
    #[must_use]
    #[inline]
    pub const fn tail(self, count: u32) -> u64 {
        // The one before so many digits or more is a multiple of the power: no need to count them.
        if self.0 & HASHED == 0 && count < POWERS.len() as u32 && self.0 >= POWERS[count as usize] {
            return self.0 % POWERS[count as usize];
        }
        match self.digits() {
            Some((value, _)) => value % 10u64.pow(count),
            None => self.0,
        }
    }

    /// Without its first `strip` digits and with `add` before the rest; `None` when it has not more
    /// digits than that, or the new one would be too long.
    #[must_use]
    pub fn rewritten(self, strip: u32, add: Self) -> Option<Self> {
        let (value, digits) = self.digits()?;
        let rest = digits.checked_sub(strip).filter(|rest| *rest > 0)?;
        let kept = value % 10u64.pow(rest);
        match add.digits() {
            None => Self::from_digits(kept, rest),
            Some((_, more)) if more + rest > MOST_DIGITS => None,
            Some((head, more)) => Self::from_digits(head * 10u64.pow(rest) + kept, more + rest),
        }
    }

    /// The bare code, for hashing and sorting.
    #[must_use]
    pub const fn code(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.digits() {
            Some((value, digits)) => f.pad(&format!("{value:0width$}", width = digits as usize)),
            None if self.is_none() => f.pad(""),
            None => f.pad(&format!("~{:x}", self.0 & !HASHED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_keep_their_leading_zeros() {
        let number = Number::of("008613800000001");
        assert_eq!(number.to_string(), "008613800000001");
        assert_ne!(number, Number::of("8613800000001"));
        assert_eq!(number.tail(8), Number::of("8613800000001").tail(8));
        assert_eq!(number.rewritten(2, Number::NONE), Some(Number::of("8613800000001")));
        assert_eq!(
            Number::of("13800000001").rewritten(0, Number::of("86")),
            Some(Number::of("8613800000001"))
        );
        assert_eq!(Number::of("8613800000001").head(4), Some(8613));
    }

    #[test]
    fn a_tail_is_the_last_digits_or_all_of_fewer() {
        for (text, tail) in [
            ("8613800000001", 1),
            ("8613812345678", 12_345_678),
            ("12345678", 12_345_678),
            ("00000000", 0),
            ("1234567", 1_234_567),
            ("001", 1),
            ("0", 0),
        ] {
            assert_eq!(Number::of(text).tail(8), tail, "{text}");
        }
        assert_eq!(Number::of("alice").tail(8), Number::of("alice").code());
    }

    #[test]
    fn what_is_no_row_of_digits_is_told_apart_by_its_hash() {
        assert_eq!(Number::of("alice"), Number::of("alice"));
        assert_ne!(Number::of("alice"), Number::of("bob"));
        assert_eq!(Number::of("alice").digits(), None);
        assert!(Number::of("").is_none());
        assert_eq!(Number::of("1234567890123456789").digits(), None);
    }
}
