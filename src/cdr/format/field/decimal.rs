//! Decimals as whole billionths: money, prices, and the numbers of seconds and days.

use super::{POWERS, Wrong, ZEROS, all_digits, bare, eight_digits, is_blank, word};

/// How decimals are written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Decimal sign, ASCII.
    pub point: u8,
    /// Sign between groups of digits.
    pub thousands: Option<char>,
}

/// A decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// In billionths.
    pub value: i64,
    /// Decimals as written; 15 when some were lost in rounding to nine.
    pub decimals: u32,
}

/// The usual: up to sixteen characters, digits and one decimal sign. `None` for anything else.
#[inline(always)]
pub fn plain(text: &[u8], from: usize, to: usize, point: u8) -> Option<Decimal> {
    let negative = *text.get(from)? == b'-';
    let from = from + usize::from(negative);
    let count = to.wrapping_sub(from);
    if count.wrapping_sub(1) >= 16 || to < 16 {
        return None;
    }
    let (value, decimals) = match tail_of_8(text, to, count, point) {
        Some(read) => read,
        None if count > 8 => plain_16(text, from, count, point)?,
        None => return None,
    };
    let value = value.checked_mul(*POWERS.get(9_usize.checked_sub(decimals)?)?)?;
    Some(Decimal { value: if negative { -value } else { value }, decimals: decimals as u32 })
}

/// With the decimal sign, if any, among the last eight characters.
#[inline(always)]
fn tail_of_8(text: &[u8], to: usize, count: usize, point: u8) -> Option<(i64, usize)> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut low = word(text, to - 8)? ^ ZEROS;
    let mut high = 0;
    if count <= 8 {
        low &= u64::MAX << (64 - 8 * count);
    } else {
        high = (word(text, to - 16)? ^ ZEROS) & (u64::MAX << (128 - 8 * count));
        if !all_digits(high) {
            return None;
        }
        high = eight_digits(high);
    }
    let differs = low ^ (ONES * u64::from(point ^ b'0'));
    let found = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
    let (mut scale, mut decimals) = (100_000_000, 0);
    if found != 0 {
        // What stands before the sign moves up into its place.
        let at = found.trailing_zeros() & !7;
        low = (low & (u64::MAX << at << 8)) | ((low & ((1 << at) - 1)) << 8);
        (scale, decimals) = (10_000_000, (56 - at as usize) / 8);
        if count == 1 {
            return None;
        }
    }
    if !all_digits(low) {
        return None;
    }
    Some(((high * scale + eight_digits(low)) as i64, decimals))
}

/// With it anywhere.
#[inline(never)]
fn plain_16(text: &[u8], from: usize, count: usize, point: u8) -> Option<(i64, usize)> {
    const ONES: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
    let bytes = text.get(from..)?.first_chunk::<16>()?;
    let written = u128::from_le_bytes(*bytes) & (u128::MAX >> (128 - 8 * count));
    let differs = written ^ (ONES * u128::from(point));
    let found = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
    let (digits, held, decimals) = if found == 0 {
        (written, count, 0)
    } else {
        let at = (found.trailing_zeros() / 8) as usize;
        let before = (1_u128 << (8 * at)) - 1;
        ((written & before) | ((written >> 8) & !before), count - 1, count - 1 - at)
    };
    let zeros = u128::from(ZEROS) << 64 | u128::from(ZEROS);
    let values = (digits << (128 - 8 * held)) ^ (zeros << (128 - 8 * held));
    let (first, last) = (values as u64, (values >> 64) as u64);
    if !all_digits(first) || !all_digits(last) {
        return None;
    }
    Some(((eight_digits(first) * 100_000_000 + eight_digits(last)) as i64, decimals))
}

/// Any decimal: signs on either side, parentheses, currency signs, groups of digits, an exponent.
/// `Ok(None)` when the field says that there is none.
pub fn any(text: &[u8], style: Style) -> Result<Option<Decimal>, Wrong> {
    let text = bare(text);
    if is_blank(text) {
        return Ok(None);
    }
    let (text, mut negative) = match text.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")) {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let mut text = without_currency(text);
    if let Some(rest) = text.strip_prefix(b"-").or_else(|| text.strip_suffix(b"-")) {
        negative = !negative;
        text = rest;
    } else if let Some(rest) = text.strip_prefix("−".as_bytes()) {
        negative = !negative;
        text = rest;
    } else if let Some(rest) = text.strip_prefix(b"+") {
        text = rest;
    }
    let unsigned = read(without_currency(text), style)?;
    Ok(Some(Decimal { value: if negative { -unsigned.value } else { unsigned.value }, ..unsigned }))
}

/// Without the currency's sign or code on either side: `$`, `US$`, `USD `, `EUR`, `人民币`.
fn without_currency(text: &[u8]) -> &[u8] {
    const SIGNS: [&str; 15] =
        ["$", "¥", "￥", "€", "£", "₹", "₽", "₩", "人民币", "美元", "港元", "港币", "日元", "欧元", "元"];
    let mut text = super::trim(text);
    loop {
        let before = text.len();
        for sign in SIGNS {
            let sign = sign.as_bytes();
            text = super::trim(text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).unwrap_or(text));
        }
        text = without_code(text);
        if text.len() == before {
            return text;
        }
    }
}

/// Without three letters on one side, or one or two before a currency's sign.
fn without_code(text: &[u8]) -> &[u8] {
    let letters =
        |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|b| b.is_ascii_alphabetic()).count();
    let (ahead, behind) = (letters(&mut text.iter()), letters(&mut text.iter().rev()));
    if ahead == text.len() {
        return text;
    }
    let before_sign = (1..=2).contains(&ahead) && text.get(ahead) == Some(&b'$');
    let text = if ahead == 3 || before_sign { text.get(ahead..).unwrap_or_default() } else { text };
    let text = if behind == 3 { text.get(..text.len() - behind).unwrap_or_default() } else { text };
    super::trim(text)
}

fn read(text: &[u8], style: Style) -> Result<Decimal, Wrong> {
    let (text, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at).unwrap_or_default(), exponent(text.get(at + 1..).unwrap_or_default())?),
        None => (text, 0),
    };
    let (whole, part) = match text.iter().position(|byte| *byte == style.point) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, <&[u8]>::default()),
    };
    let mut sum = Sum::default();
    let mut group = None;
    let mut rest = whole;
    let mut buffer = [0; 4];
    let separator = style.thousands.map(|sign| sign.encode_utf8(&mut buffer).as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        if byte.is_ascii_digit() {
            sum.push(byte - b'0')?;
            group = group.map(|digits| digits + 1);
            rest = after;
            continue;
        }
        let stripped = separator.and_then(|sign| rest.strip_prefix(sign)).ok_or(Wrong::Decimal)?;
        // Groups of three, or of two before the last as in India; the first may be shorter.
        if group.is_some_and(|digits| !(2..=3).contains(&digits)) || sum.digits == 0 {
            return Err(Wrong::Decimal);
        }
        group = Some(0);
        rest = stripped;
    }
    if group.is_some_and(|digits| digits != 3) {
        return Err(Wrong::Decimal);
    }
    for byte in part {
        if !byte.is_ascii_digit() {
            return Err(Wrong::Decimal);
        }
        sum.push(byte - b'0')?;
    }
    if sum.digits == 0 {
        return Err(Wrong::Decimal);
    }
    sum.billionths(i32::try_from(part.len()).unwrap_or(i32::MAX).saturating_sub(exponent))
}

fn exponent(text: &[u8]) -> Result<i32, Wrong> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let value = super::few_digits(digits).filter(|value| *value <= 99).ok_or(Wrong::Decimal)? as i32;
    Ok(if negative { -value } else { value })
}

/// Digits as they come.
#[derive(Default)]
struct Sum {
    value: i128,
    digits: u32,
    /// Digits beyond what is kept, and whether any of them counts.
    dropped: i32,
    lost: bool,
}

impl Sum {
    fn push(&mut self, digit: u8) -> Result<(), Wrong> {
        self.digits = self.digits.checked_add(1).ok_or(Wrong::Decimal)?;
        if self.value >= 10_i128.pow(36) {
            self.dropped = self.dropped.checked_add(1).ok_or(Wrong::Decimal)?;
            self.lost |= digit != 0;
        } else {
            self.value = self.value * 10 + i128::from(digit);
        }
        Ok(())
    }

    /// The value with the point before its last `decimals` digits.
    fn billionths(self, decimals: i32) -> Result<Decimal, Wrong> {
        let shift = 9 - (decimals - self.dropped);
        let (value, lost) = if shift >= 0 {
            let scaled = 10_i128.checked_pow(shift as u32).and_then(|power| self.value.checked_mul(power));
            (if self.value == 0 { 0 } else { scaled.ok_or(Wrong::Large)? }, self.lost)
        } else {
            match 10_i128.checked_pow(shift.unsigned_abs()) {
                None => (0, self.value != 0),
                Some(power) => {
                    let (kept, rest) = (self.value / power, self.value % power);
                    (kept + i128::from(rest >= power - rest), rest != 0 || self.lost)
                }
            }
        };
        // Float tails such as 0.30000000000000004 come to their nearest billionth.
        let value = i64::try_from(value).ok().filter(|value| *value != i64::MAX).ok_or(Wrong::Large)?;
        Ok(Decimal { value, decimals: if lost { 15 } else { decimals.clamp(0, 14) as u32 } })
    }
}
