//! Money in minor units, exactly.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// An amount in the minor units of a currency with two decimals; never a floating-point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub i64);

/// A text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no amount; write it with two decimals at most, as 12.50")]
pub struct MoneyError(String);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads `12`, `12.5`, `12.50`; nothing is rounded.
    ///
    /// # Errors
    /// When it is no such number or too large.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let wrong = || MoneyError(text.chars().take(40).collect::<String>().escape_debug().to_string());
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, part) = digits.split_once('.').map_or((digits, "0"), |(whole, part)| (whole, part));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(part) || part.len() > 2 {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let minor: i64 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
        let all = whole.checked_mul(100).and_then(|all| all.checked_add(minor)).ok_or_else(wrong)?;
        Ok(Self(sign * all))
    }

    /// The sum, unless it is too large.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// So many times, unless it is too large.
    #[must_use]
    pub fn times(self, factor: u64) -> Option<Self> {
        i64::try_from(factor).ok().and_then(|factor| self.0.checked_mul(factor)).map(Self)
    }

    /// The part `of / all`, a half minor unit and more rounded up (the customer's favour); `None` when too large
    /// or `all` is zero.
    #[must_use]
    pub fn share(self, of: u64, all: u64) -> Option<Self> {
        if all == 0 || self.0 < 0 {
            return None;
        }
        let (amount, of, all) = (u128::try_from(self.0).ok()?, u128::from(of), u128::from(all));
        let share = amount.checked_mul(of)?.checked_mul(2)?.checked_add(all)? / (2 * all);
        i64::try_from(share).ok().map(Self)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let minor = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", minor / 100, minor % 100)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, minor) in [("12", 1_200), ("12.5", 1_250), ("-0.05", -5), ("0", 0)] {
            assert_eq!(Money::parse(text), Ok(Money(minor)));
        }
        for text in ["", "1.234", "1,50", ".5", "5.", "1e3", "99999999999999999999", "--1", "+1"] {
            assert!(Money::parse(text).is_err(), "{text}");
        }
        assert_eq!(Money(1).share(1, 2), Some(Money(1)));
        assert_eq!(Money(1).share(1, 0), None);
        assert_eq!(Money(i64::MAX).times(2), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            prop_assert_eq!(Money::parse(&Money(minor).to_string()), Ok(Money(minor)));
        }

        #[test]
        fn a_share_is_never_more_than_the_whole_nor_half_a_unit_off(amount in 0_i64..1_000_000_000, of in 0_u64..1_000, more in 1_u64..1_000) {
            let all = of + more;
            let share = Money(amount).share(of, all).expect("small").0;
            prop_assert!(share <= amount);
            let exact = i128::from(amount) * i128::from(of);
            prop_assert!((i128::from(share) * i128::from(all) - exact).abs() * 2 <= i128::from(all));
        }
    }
}
