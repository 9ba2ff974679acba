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
        SpanStyle::Colons => colons(text)?,
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
