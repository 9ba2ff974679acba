//! Whether two ways of writing a number may mean one party.

use crate::Number;

/// Fewer equal digits at the end do not make two different rows of digits one party.
const FEWEST_DIGITS: u32 = 7;
/// At most so many digits stand before a number: a country code after its exit code, a technical prefix.
const MOST_BEFORE: u32 = 8;

/// What two numbers say of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// They may be one party.
    Same,
    /// They are two parties.
    Different,
    /// One of them names nobody.
    Unknown,
}

/// Compares a number with another system's way of writing it: `+86 138…`, `0138…`, `9913138…`.
#[must_use]
pub fn likeness(one: Number, other: Number) -> Likeness {
    if one.is_none() || other.is_none() {
        return Likeness::Unknown;
    }
    if one == other {
        return Likeness::Same;
    }
    let (Some((_, one_digits)), Some((_, other_digits))) = (bare(one), bare(other)) else {
        return Likeness::Different;
    };
    let shorter = one_digits.min(other_digits);
    let same = shorter >= FEWEST_DIGITS
        && one_digits.abs_diff(other_digits) <= MOST_BEFORE
        && tail(one, shorter) == tail(other, shorter);
    if same { Likeness::Same } else { Likeness::Different }
}

/// What equal numbers, however they are written, have in common; for looking them up.
#[must_use]
pub fn key(number: Number) -> u64 {
    match bare(number) {
        Some((value, digits)) if digits >= FEWEST_DIGITS => value % 10_u64.pow(FEWEST_DIGITS),
        _ => number.code(),
    }
}

/// Without the zeros of trunk and exit codes before it.
fn bare(number: Number) -> Option<(u64, u32)> {
    let (value, _) = number.digits()?;
    Some((value, value.checked_ilog10().map_or(1, |digits| digits + 1)))
}

fn tail(number: Number, digits: u32) -> Option<u64> {
    bare(number).map(|(value, _)| value % 10_u64.pow(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_with_country_code_trunk_zero_or_technical_prefix() {
        let of = Number::of;
        for other in ["8613800000001", "008613800000001", "013800000001", "991313800000001"] {
            assert_eq!(likeness(of("13800000001"), of(other)), Likeness::Same, "{other}");
            assert_eq!(key(of("13800000001")), key(of(other)));
        }
        for other in ["13800000002", "1001", "alice", "00000001"] {
            assert_eq!(likeness(of("13800000001"), of(other)), Likeness::Different, "{other}");
        }
        assert_eq!(likeness(of("1001"), of("1001")), Likeness::Same);
        assert_eq!(likeness(of("1001"), of("21001")), Likeness::Different, "an extension is no tail");
        assert_eq!(likeness(of("alice"), of("bob")), Likeness::Different);
        assert_eq!(likeness(Number::NONE, of("1001")), Likeness::Unknown);
    }
}
