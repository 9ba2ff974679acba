//! Durations, in all styles, in milliseconds.

use crate::format::SpanStyle;
use crate::record::ABSENT_32;

use super::{Wrong, bare, decimal, digits, few_digits, is_blank};

/// No conversation is longer: 40 days.
pub const LONGEST_MS: u32 = 40 * 86_400_000;

/// A duration; [`ABSENT_32`] when the field says that there is none.
#[inline(always)]
pub fn read(
    text: &[u8],
    from: usize,
    to: usize,
    style: SpanStyle,
    decimals: decimal::Style,
) -> Result<u32, Wrong> {
    if from == to {
        return Ok(ABSENT_32);
    }
    if matches!(style, SpanStyle::Seconds | SpanStyle::Millis) && to - from <= 8 {
        let unit = if matches!(style, SpanStyle::Seconds) { 1000 } else { 1 };
        if let Some(count) = digits(text, from, to) {
            return within(count as i64 * unit);
        }
    }
    any(text.get(from..to).unwrap_or_default(), style, decimals)
}

#[inline(always)]
fn within(ms: i64) -> Result<u32, Wrong> {
    match u32::try_from(ms) {
        Ok(ms) if ms <= LONGEST_MS => Ok(ms),
        Ok(_) => Err(Wrong::LongSpan),
        Err(_) if ms < 0 => Err(Wrong::NegativeSpan),
        Err(_) => Err(Wrong::LongSpan),
    }
}

#[cold]
#[inline(never)]
fn any(text: &[u8], style: SpanStyle, decimals: decimal::Style) -> Result<u32, Wrong> {
    let text = bare(text);
    if is_blank(text) {
        return Ok(ABSENT_32);
    }
    let ms = match style {
        SpanStyle::Colons => spelled(text).map_or_else(|| colons(text), Ok)?,
        SpanStyle::Seconds => number(without_unit(text), decimals)?.value / 1_000_000,
        SpanStyle::Millis => number(text, decimals)?.value / 1_000_000_000,
        SpanStyle::Micros => micros(text, decimals)?,
        SpanStyle::Minutes => minutes(number(text, decimals)?),
    };
    within(ms)
}

fn number(text: &[u8], decimals: decimal::Style) -> Result<decimal::Decimal, Wrong> {
    // Seconds with a point are seen in files whose amounts have a comma.
    let point =
        if text.contains(&decimals.point) || decimals.thousands == Some('.') { decimals.point } else { b'.' };
    match decimal::any(text, decimal::Style { point, ..decimals }) {
        Ok(Some(read)) if read.value < 0 => Err(Wrong::NegativeSpan),
        Ok(Some(read)) => Ok(read),
        Err(Wrong::Large) => Err(Wrong::LongSpan),
        Ok(None) | Err(_) => Err(Wrong::Span),
    }
}

fn without_unit(text: &[u8]) -> &[u8] {
    for unit in ["seconds", "sec", "s", "秒"] {
        if let Some(rest) = text.strip_suffix(unit.as_bytes()) {
            return rest.trim_ascii_end();
        }
    }
    text
}

/// Microseconds beyond 9 s do not fit as billionths with every fraction; the fraction does not count.
fn micros(text: &[u8], decimals: decimal::Style) -> Result<i64, Wrong> {
    match few_digits(text) {
        Some(micros) => Ok(micros as i64 / 1000),
        None => Ok(number(text, decimals)?.value / 1_000_000_000 / 1000),
    }
}

/// Minutes with decimals that are a whole number of seconds, as far as they are written, are one.
fn minutes(written: decimal::Decimal) -> i64 {
    let ms = (i128::from(written.value) * 60_000 + 500_000_000) / 1_000_000_000;
    let nearest = (ms + 500) / 1000 * 1000;
    let finest = 60_000 / 10_i128.pow(written.decimals.min(9));
    (if (ms - nearest).abs() * 2 <= finest + 1 { nearest } else { ms }) as i64
}

/// Units by their words, the longer before the shorter that begins it, with the milliseconds they have.
const UNITS: [(&str, i64); 35] = [
    ("milliseconds", 1),
    ("msecs", 1),
    ("msec", 1),
    ("ms", 1),
    ("毫秒", 1),
    ("minutes", 60_000),
    ("minute", 60_000),
    ("mins", 60_000),
    ("min", 60_000),
    ("m", 60_000),
    ("'", 60_000),
    ("分钟", 60_000),
    ("分鐘", 60_000),
    ("分", 60_000),
    ("hours", 3_600_000),
    ("hour", 3_600_000),
    ("hrs", 3_600_000),
    ("hr", 3_600_000),
    ("h", 3_600_000),
    ("小时", 3_600_000),
    ("小時", 3_600_000),
    ("时", 3_600_000),
    ("時", 3_600_000),
    ("seconds", 1_000),
    ("second", 1_000),
    ("secs", 1_000),
    ("sec", 1_000),
    ("s", 1_000),
    ("\"", 1_000),
    ("秒钟", 1_000),
    ("秒", 1_000),
    ("days", 86_400_000),
    ("day", 86_400_000),
    ("d", 86_400_000),
    ("天", 86_400_000),
];

/// `1h 2m 3s`, `62 sec`, `1.03 min`, `1小时2分3秒`, `PT1M2S`: milliseconds of counts that name their
/// units, from the largest to the smallest. `None` for everything else, a number without its unit too.
#[must_use]
pub fn spelled(text: &[u8]) -> Option<i64> {
    let mut rest = text.strip_prefix(b"P").unwrap_or(text);
    let (mut sum, mut last_unit, mut exact) = (0_i64, i64::MAX, true);
    while !rest.is_empty() {
        rest = rest.strip_prefix(b"T").unwrap_or(rest).trim_ascii_start();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (whole, after) = rest.split_at_checked(count)?;
        let whole = few_digits(whole).filter(|_| count <= 9 && exact)? as i64;
        let mut part = <&[u8]>::default();
        rest = after;
        if let Some(after) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
            let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (part, rest) = after.split_at_checked(count).filter(|_| (1..=9).contains(&count))?;
            // Only the smallest unit may have a fraction.
            exact = false;
        }
        rest = rest.trim_ascii_start();
        // What stands in moments begins no unit.
        if rest.first().is_none_or(|sign| b"-/:".contains(sign)) {
            return None;
        }
        let named = |word: &str| {
            let head = rest.get(..word.len())?;
            head.eq_ignore_ascii_case(word.as_bytes()).then(|| rest.get(word.len()..))?
        };
        let (unit, after) = UNITS.iter().find_map(|(word, unit)| Some((*unit, named(word)?)))?;
        if unit >= last_unit {
            return None;
        }
        let billionths = i128::from(whole) * 1_000_000_000
            + i128::from(few_digits(part).unwrap_or(0)) * 10_i128.pow(9 - u32::try_from(part.len()).ok()?);
        let ms = (billionths * i128::from(unit) + 500_000_000) / 1_000_000_000;
        let mut ms = i64::try_from(ms).ok()?;
        if unit == 60_000 && !part.is_empty() {
            let value = i64::try_from(billionths).ok()?;
            ms = minutes(decimal::Decimal { value, decimals: part.len() as u32 });
        }
        sum = sum.checked_add(ms)?;
        last_unit = unit;
        rest = after.trim_ascii_start();
    }
    (last_unit != i64::MAX).then_some(sum)
}

/// `m:ss`, `h:mm:ss`, with or without a fraction.
fn colons(text: &[u8]) -> Result<i64, Wrong> {
    if text.starts_with(b"-") {
        return Err(Wrong::NegativeSpan);
    }
    if text.iter().all(|byte| *byte == b'0') {
        return Ok(0);
    }
    let mut parts = text.rsplit(|byte| *byte == b':');
    let last = parts.next().unwrap_or_default();
    let (seconds, fraction) = match last.iter().position(|byte| matches!(byte, b'.' | b',')) {
        Some(at) => (last.get(..at).unwrap_or_default(), last.get(at + 1..).unwrap_or_default()),
        None => (last, <&[u8]>::default()),
    };
    if seconds.len() != 2 || !fraction.iter().all(u8::is_ascii_digit) {
        return Err(Wrong::Span);
    }
    let below_60 = |text: &[u8]| few_digits(text).filter(|value| *value < 60).ok_or(Wrong::Span);
    let mut ms = below_60(seconds)? as i64 * 1000;
    for (at, unit) in [100, 10, 1].into_iter().enumerate() {
        ms += fraction.get(at).map_or(0, |digit| i64::from(digit - b'0')) * unit;
    }
    let minutes = parts.next().ok_or(Wrong::Span)?;
    let hours = parts.next();
    if parts.next().is_some() || minutes.len() > 5 || hours.is_some_and(|hours| hours.len() > 5) {
        return Err(Wrong::Span);
    }
    let (hours, minutes) = match hours {
        Some(hours) if minutes.len() == 2 => (few_digits(hours).ok_or(Wrong::Span)?, below_60(minutes)?),
        Some(_) => return Err(Wrong::Span),
        None => (0, few_digits(minutes).ok_or(Wrong::Span)?),
    };
    Ok(ms + (hours * 60 + minutes) as i64 * 60_000)
}

#[cfg(test)]
mod tests {
    use super::spelled;

    #[test]
    fn a_duration_that_names_its_units_is_read_by_them() {
        for (text, ms) in [
            ("62 s", 62_000),
            ("62sec", 62_000),
            ("62 Seconds", 62_000),
            ("1m 02s", 62_000),
            ("1h2m3s", 3_723_000),
            ("1 hour 2 minutes 3 seconds", 3_723_000),
            ("PT1M2S", 62_000),
            ("PT0S", 0),
            ("1分02秒", 62_000),
            ("1小时2分3秒", 3_723_000),
            ("62000 ms", 62_000),
            ("1.03 min", 62_000),
            ("61.5 s", 61_500),
        ] {
            assert_eq!(spelled(text.as_bytes()), Some(ms), "{text}");
        }
        for text in ["", "62", "1:02", "2s 1m", "1.5m 2s", "m", "-5 s", "5 x", "PT", "5 s 5"] {
            assert_eq!(spelled(text.as_bytes()), None, "{text}");
        }
    }
}
