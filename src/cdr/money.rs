//! Money as whole billionths of a currency unit: exact to add, never a float.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Billionths of a currency unit.
///
/// ```
/// use linesman_cdr::Money;
///
/// let sum: Money = ["0.1", "0.2"].iter().filter_map(|text| Money::parse(text)).sum();
/// assert_eq!(sum, Money(300_000_000));
/// assert_eq!(sum.to_string(), "0.3");
/// assert_eq!(sum.show(6), "0.300000");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i128);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Billionths in one unit.
    pub const UNIT: i128 = 1_000_000_000;
    /// Decimals that it holds.
    pub const DECIMALS: u32 = 9;

    /// Reads a plain decimal with a point; `None` when it is none, or has more than nine decimals
    /// that count.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && part.is_empty() || whole.len() > 18 || !plain(whole) || !plain(part) {
            return None;
        }
        let (kept, rest) = part.split_at(part.len().min(9));
        if rest.bytes().any(|byte| byte != b'0') {
            return None;
        }
        let mut value: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        value *= Self::UNIT;
        if !kept.is_empty() {
            let scale = 10i128.pow(9 - u32::try_from(kept.len()).ok()?);
            value += kept.parse::<i128>().ok()? * scale;
        }
        Some(Self(if negative { -value } else { value }))
    }

    /// With at least so many decimals, more where the value has them; nothing is a bare `0`.
    #[must_use]
    pub fn show(self, decimals: u32) -> String {
        if self.0 == 0 {
            return "0".to_owned();
        }
        let magnitude = self.0.unsigned_abs();
        let unit = Self::UNIT.unsigned_abs();
        let mut part = format!("{:09}", magnitude % unit);
        let least = decimals.min(Self::DECIMALS) as usize;
        while part.len() > least && part.ends_with('0') {
            part.pop();
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let point = if part.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{part}", magnitude / unit)
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.show(0))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, Add::add)
    }
}

impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no amount")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_back_the_same() {
        for value in [0, 1, -1, 999_999_999, 1_000_000_000, -2_072_600_000, i128::from(i64::MAX)] {
            assert_eq!(Money::parse(&Money(value).to_string()), Some(Money(value)), "{value}");
        }
    }

    #[test]
    fn what_is_no_decimal_or_too_fine_is_refused() {
        for wrong in ["", ".", "-", "1,5", "1e3", "0.0000000001", "12 ", "--1", "1.-5"] {
            assert_eq!(Money::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Money::parse(".5"), Some(Money(500_000_000)));
        assert_eq!(Money::parse("2."), Some(Money(2_000_000_000)));
    }
}
