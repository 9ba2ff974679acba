//! Times, in all styles.

use crate::format::TimeStyle;

use super::zone::Clock;
use super::{Wrong, ZEROS, bare, decimal, digits, few_digits, is_blank, spelled, word};
use crate::record::ABSENT;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// 1990-01-01 and 2100-01-01.
const RANGE: std::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;

/// Reads the times of one file.
#[derive(Debug, Clone)]
pub struct Times {
    style: TimeStyle,
    clock: Clock,
    /// The date that was read last, as its bytes, and its day.
    last: (u64, u64, i64),
}

impl Times {
    /// For times of `style` by `clock`.
    #[must_use]
    pub const fn new(style: TimeStyle, clock: Clock) -> Self {
        Self { style, clock, last: (0, 0, 0) }
    }

    /// UTC of a field with date and time in milliseconds since 1970; [`ABSENT`] when it says that there
    /// is none.
    #[inline(always)]
    pub fn read(&mut self, text: &[u8], from: usize, to: usize) -> Result<i64, Wrong> {
        if from == to {
            return Ok(ABSENT);
        }
        match self.style {
            TimeStyle::YearFirst | TimeStyle::DayFirst | TimeStyle::MonthFirst if to - from >= 19 => {
                if let Some(local_ms) = self.nineteen(text, from)
                    && RANGE.contains(&local_ms)
                {
                    if to - from == 19 {
                        return Ok(self.clock.utc(local_ms));
                    }
                    if let Some(ms) = self.with_tail(local_ms, text.get(from + 19..to).unwrap_or_default()) {
                        return Ok(ms);
                    }
                }
            }
            TimeStyle::EpochSeconds if to - from == 10 => {
                if let Some(seconds) = digits(text, from, to) {
                    return Ok(seconds as i64 * 1000).and_then(in_range);
                }
            }
            TimeStyle::EpochMillis if to - from == 13 => {
                if let Some(millis) = digits(text, from, to) {
                    return in_range(millis as i64);
                }
            }
            _ => {}
        }
        self.any(text.get(from..to).unwrap_or_default())
    }

    /// UTC of nineteen characters, given as their words from places 0, 8 and 11, when their date is the one
    /// that was read last.
    #[inline(always)]
    pub fn nineteen_known(&mut self, words: [u64; 3]) -> Option<i64> {
        let [date, rest, clock] = words;
        let between = (rest >> 16) as u8;
        let same = date == self.last.0 && rest & 0xffff == self.last.1 && matches!(between, b' ' | b'T');
        if !same {
            return None;
        }
        let local_ms = self.last.2 + clock_8(clock)?;
        if RANGE.contains(&local_ms) { Some(self.clock.utc(local_ms)) } else { None }
    }

    /// `2026-04-03 00:00:03` and its like: ten characters of date, one between, eight of time.
    #[inline(always)]
    fn nineteen(&mut self, text: &[u8], from: usize) -> Option<i64> {
        let (date, rest) = (word(text, from)?, word(text, from + 8)?);
        if !matches!((rest >> 16) as u8, b' ' | b'T') {
            return None;
        }
        let rest = rest & 0xffff;
        let ms = clock_8(word(text, from + 11)?)?;
        if (date, rest) == (self.last.0, self.last.1) {
            return Some(self.last.2 + ms);
        }
        let day_ms = date_of(text.get(from..from + 10)?, self.style)? * DAY_MS;
        self.last = (date, rest, day_ms);
        Some(day_ms + ms)
    }

    /// With the fraction and the zone that follow the seconds.
    fn with_tail(&mut self, local_ms: i64, tail: &[u8]) -> Option<i64> {
        let (fraction_ms, rest) = fraction(tail)?;
        match rest.first() {
            None => Some(self.clock.utc(local_ms + fraction_ms)),
            Some(b'Z' | b'+' | b'-') => Some(local_ms + fraction_ms - zone(rest)?),
            Some(_) => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn any(&mut self, text: &[u8]) -> Result<i64, Wrong> {
        let text = bare(text);
        if is_blank(text) || is_zero(text) {
            return Ok(ABSENT);
        }
        let local_ms = match self.style {
            TimeStyle::EpochSeconds => return epoch(text, 1_000_000),
            TimeStyle::EpochMillis => return epoch(text, 1_000_000_000),
            TimeStyle::EpochMicros => return epoch(text, 1_000_000_000_000),
            TimeStyle::SpreadsheetDays => spreadsheet_days(text)?,
            TimeStyle::Compact | TimeStyle::YearFirst | TimeStyle::DayFirst | TimeStyle::MonthFirst => {
                let mut room = spelled::ROOM;
                let text = spelled::plain(text, &mut room).ok_or(Wrong::Time)?;
                let (day, rest) = split_date(text, self.style).ok_or(Wrong::Time)?;
                let rest = rest.trim_ascii_start();
                let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b"t")).unwrap_or(rest);
                if rest.is_empty() {
                    return Err(Wrong::NoTimeOfDay);
                }
                let (ms, zone) = time_of_day(rest, self.style == TimeStyle::Compact).ok_or(Wrong::Time)?;
                let local_ms = day * DAY_MS + ms;
                if let Some(east_ms) = zone {
                    return in_range(local_ms - east_ms);
                }
                local_ms
            }
        };
        self.utc_of(local_ms)
    }

    fn utc_of(&mut self, local_ms: i64) -> Result<i64, Wrong> {
        in_range(local_ms).map(|local_ms| if local_ms == ABSENT { ABSENT } else { self.clock.utc(local_ms) })
    }

    /// UTC of a date and a time of day that stand in two fields.
    pub fn split(&mut self, date: &[u8], time: &[u8]) -> Result<i64, Wrong> {
        let (date, time) = (bare(date), bare(time));
        if is_blank(date) && is_blank(time) || is_zero(date) {
            return Ok(ABSENT);
        }
        if self.style == TimeStyle::SpreadsheetDays {
            return self.utc_of(spreadsheet_days(date)? + spreadsheet_time(time)?);
        }
        let (mut room, mut room_of_time) = (spelled::ROOM, spelled::ROOM);
        let date = spelled::plain(date, &mut room).ok_or(Wrong::Time)?;
        let time = spelled::plain(time, &mut room_of_time).ok_or(Wrong::NoTimeOfDay)?;
        let time = time.strip_suffix(b":").unwrap_or(time);
        let compact = date.len() == 8 && few_digits(date).is_some();
        let style = if compact { TimeStyle::Compact } else { self.style };
        let (day, midnight) = split_date(date, style).ok_or(Wrong::Time)?;
        // Databases print a date with a midnight that means nothing.
        if midnight.iter().any(|byte| !matches!(byte, b'0' | b':' | b'.' | b' ' | b'T')) {
            return Err(Wrong::Time);
        }
        let packed = few_digits(time).is_some();
        let (ms, zone) = time_of_day(time, packed).ok_or(Wrong::NoTimeOfDay)?;
        let local_ms = day * DAY_MS + ms;
        match zone {
            Some(east_ms) => in_range(local_ms - east_ms),
            None => self.utc_of(local_ms),
        }
    }
}

/// A time that no call has: what systems write where nothing happened becomes [`ABSENT`].
#[inline(always)]
fn in_range(ms: i64) -> Result<i64, Wrong> {
    if RANGE.contains(&ms) {
        return Ok(ms);
    }
    if (-2 * DAY_MS..2 * DAY_MS).contains(&ms) { Ok(ABSENT) } else { Err(Wrong::TimeRange) }
}

/// `0`, `0000-00-00 00:00:00`, `0.000`.
fn is_zero(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0' | b'-' | b':' | b' ' | b'/' | b'.' | b'T' | b'Z'))
}

/// `hh:mm:ss` in eight bytes, in milliseconds.
#[inline(always)]
const fn clock_8(text: u64) -> Option<i64> {
    const COLONS: u64 = 0x0000_3a00_003a_0000;
    const DIGITS: u64 = 0xffff_00ff_ff00_ffff;
    if text & !DIGITS != COLONS {
        return None;
    }
    let values = (text & DIGITS) ^ (ZEROS & DIGITS);
    if !super::all_digits(values) {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let (hours, minutes, seconds) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(((hours * 60 + minutes) * 60 + seconds) as i64 * 1000)
}

/// Days since 1970 of a date of ten characters.
#[inline(never)]
fn date_of(text: &[u8], style: TimeStyle) -> Option<i64> {
    let number = |from: usize, to: usize| few_digits(text.get(from..to)?);
    let sign = |at: usize| text.get(at).is_some_and(|byte| matches!(byte, b'-' | b'/' | b'.'));
    let (year, month, day, signs) = match style {
        TimeStyle::YearFirst => (number(0, 4)?, number(5, 7)?, number(8, 10)?, sign(4) && sign(7)),
        TimeStyle::DayFirst => (number(6, 10)?, number(3, 5)?, number(0, 2)?, sign(2) && sign(5)),
        TimeStyle::MonthFirst => (number(6, 10)?, number(0, 2)?, number(3, 5)?, sign(2) && sign(5)),
        _ => return None,
    };
    if signs { days(year, month, day) } else { None }
}

/// Days since 1970 of a date of the Gregorian calendar; `None` when there is no such day.
fn days(year: u64, month: u64, day: u64) -> Option<i64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if day == 0 || day > length || !(1..=9999).contains(&year) {
        return None;
    }
    // Counted from March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(days as i64 - 719_468)
}

/// The digits at the beginning of `text`, at most `most`, with their value and what follows.
fn leading(text: &[u8], most: usize) -> Option<(u64, usize, &[u8])> {
    let count = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let (head, rest) = text.split_at_checked(count)?;
    Some((few_digits(head)?, count, rest))
}

/// A day or month by its digits, or a month by its English name.
fn part(text: &[u8]) -> Option<(u64, bool, &[u8])> {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    if let Some((value, _, rest)) = leading(text, 4) {
        return Some((value, false, rest));
    }
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, rest) = text.split_at_checked(letters)?;
    let month = MONTHS.iter().position(|month| {
        name.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(month)) && name.len() <= 9
    })?;
    Some((month as u64 + 1, true, rest))
}

/// The day of a date at the beginning of `text`, and what follows it.
fn split_date(text: &[u8], style: TimeStyle) -> Option<(i64, &[u8])> {
    if style == TimeStyle::Compact {
        let (date, rest) = text.split_at_checked(8)?;
        let date = few_digits(date)?;
        return Some((days(date / 10_000, date / 100 % 100, date % 100)?, rest));
    }
    let sign = |text: &[u8]| -> Option<usize> {
        let count = text.iter().take_while(|byte| matches!(byte, b'-' | b'/' | b'.' | b' ' | b',')).count();
        (1..=2).contains(&count).then_some(count)
    };
    let year_digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (first, first_named, rest) = part(text)?;
    let (second, second_named, rest) = part(rest.get(sign(rest)?..)?)?;
    let rest = rest.get(sign(rest)?..)?;
    let (third, third_digits, rest) = leading(rest, 4)?;
    // A month by name says itself which part it is.
    let (year, year_digits, month, day) = match style {
        TimeStyle::YearFirst if !first_named => (first, year_digits, second, third),
        TimeStyle::DayFirst | TimeStyle::MonthFirst if first_named && !second_named => {
            (third, third_digits, first, second)
        }
        TimeStyle::DayFirst | TimeStyle::MonthFirst if second_named && !first_named => {
            (third, third_digits, second, first)
        }
        TimeStyle::DayFirst if !first_named => (third, third_digits, second, first),
        TimeStyle::MonthFirst if !second_named => (third, third_digits, first, second),
        _ => return None,
    };
    let year = match year_digits {
        4 => year,
        2 => 2000 + year,
        _ => return None,
    };
    let ends = rest.first().is_none_or(|next| matches!(next, b' ' | b'T' | b't' | b','));
    if !ends {
        return None;
    }
    Some((days(year, month, day)?, rest.strip_prefix(b",").unwrap_or(rest)))
}

/// Milliseconds since midnight, and milliseconds east of UTC where the text names its zone.
fn time_of_day(text: &[u8], packed: bool) -> Option<(i64, Option<i64>)> {
    let (ahead, text) = half_of_day(text);
    let (hours, minutes, seconds, rest) = if packed {
        let (value, count, rest) = leading(text, 6)?;
        let value = if count == 4 && rest.first() != Some(&b'.') { value * 100 } else { value };
        (value / 10_000, value / 100 % 100, value % 100, rest)
    } else {
        let (hours, _, rest) = leading(text, 2)?;
        let (minutes, 2, rest) = leading(rest.strip_prefix(b":")?, 2)? else { return None };
        match rest.strip_prefix(b":").map(|rest| leading(rest, 2)) {
            Some(Some((seconds, 2, rest))) => (hours, minutes, seconds, rest),
            Some(Some(_)) => return None,
            _ => (hours, minutes, 0, rest.strip_prefix(b":").unwrap_or(rest)),
        }
    };
    let (fraction_ms, rest) = fraction(rest)?;
    let (behind, rest) = half_of_day(rest.trim_ascii_start());
    let zone = match rest.trim_ascii() {
        b"" => None,
        rest => Some(zone(rest)?),
    };
    let hours = match ahead.or(behind) {
        Some(afternoon) if (1..=12).contains(&hours) => hours % 12 + if afternoon { 12 } else { 0 },
        // `下午 15:04` is seen; a morning of more than twelve hours is none.
        Some(true) if hours < 24 => hours,
        Some(false) if hours == 0 => hours,
        Some(_) => return None,
        None => hours,
    };
    let midnight = hours == 24 && minutes == 0 && seconds == 0;
    // A leap second counts as the one before it.
    let seconds = if seconds == 60 { 59 } else { seconds };
    if hours > 23 && !midnight || minutes > 59 || seconds > 59 {
        return None;
    }
    Some((((hours * 60 + minutes) * 60 + seconds) as i64 * 1000 + fraction_ms, zone))
}

/// `AM` or `PM` at the beginning: whether it is the afternoon.
fn half_of_day(text: &[u8]) -> (Option<bool>, &[u8]) {
    for (words, afternoon) in [([b"am".as_slice(), b"a.m."], false), ([b"pm", b"p.m."], true)] {
        for word in words {
            if text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
                return (Some(afternoon), text.get(word.len()..).unwrap_or_default().trim_ascii_start());
            }
        }
    }
    (None, text)
}

/// Milliseconds of a fraction, finer ones cut off.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some((0, text));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (written, rest) = rest.split_at_checked(count)?;
    let mut ms = 0;
    for at in 0..3 {
        ms = ms * 10 + written.get(at).map_or(0, |byte| i64::from(byte - b'0'));
    }
    (count > 0).then_some((ms, rest))
}

/// `Z`, `UTC`, `GMT`, `+08:00`, `+0800`, `+08`, `UTC+8`, in milliseconds east.
fn zone(text: &[u8]) -> Option<i64> {
    let mut rest = text;
    for word in [b"utc".as_slice(), b"gmt", b"z"] {
        if rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
            rest = rest.get(word.len()..)?;
            break;
        }
    }
    if rest.is_empty() {
        return Some(0);
    }
    let (east, rest) = match rest.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes, rest) = match leading(rest, 4)? {
        (value, 4, rest) => (value / 100, value % 100, rest),
        (hours, 1 | 2, rest) => match rest.strip_prefix(b":") {
            Some(rest) => {
                let (minutes, 2, rest) = leading(rest, 2)? else { return None };
                (hours, minutes, rest)
            }
            None => (hours, 0, rest),
        },
        _ => return None,
    };
    if hours > 15 || minutes > 59 || !rest.is_empty() {
        return None;
    }
    Some(east * (hours * 60 + minutes) as i64 * 60_000)
}

/// A decimal with either sign, in billionths.
fn number(text: &[u8]) -> Result<i64, Wrong> {
    let point = if text.contains(&b'.') { b'.' } else { b',' };
    let style = decimal::Style { point, thousands: None };
    match decimal::any(text, style) {
        Ok(Some(decimal)) if decimal.value >= 0 => Ok(decimal.value),
        _ => Err(Wrong::Time),
    }
}

/// Since 1970 in some unit, of which `per_ms` billionths are a millisecond.
fn epoch(text: &[u8], per_ms: i64) -> Result<i64, Wrong> {
    // Microseconds of today do not fit as billionths; they have no fraction that counts.
    let whole = text.split(|byte| matches!(byte, b'.' | b',')).next().unwrap_or_default();
    let ms = match per_ms {
        1_000_000_000_000 => few_digits(whole).map(|value| value as i64 / 1000).ok_or(Wrong::Time)?,
        1_000_000_000 => few_digits(whole).map(|value| value as i64).ok_or(Wrong::Time)?,
        _ => match few_digits(text) {
            Some(seconds) => (seconds as i64).checked_mul(1000).ok_or(Wrong::TimeRange)?,
            None => number(text)? / per_ms,
        },
    };
    in_range(ms)
}

fn spreadsheet_days(text: &[u8]) -> Result<i64, Wrong> {
    const DAYS_TO_1970: i64 = 25_569;
    Ok(day_fraction(number(text)?) - DAYS_TO_1970 * DAY_MS)
}

fn spreadsheet_time(text: &[u8]) -> Result<i64, Wrong> {
    if let Some((ms, None)) = time_of_day(text, false) {
        return Ok(ms);
    }
    Ok(day_fraction(number(text).map_err(|_| Wrong::NoTimeOfDay)?))
}

/// Milliseconds of days in billionths; a whole second that the fraction only just misses is one.
fn day_fraction(billionths: i64) -> i64 {
    let ms = ((i128::from(billionths) * i128::from(DAY_MS) + 500_000_000) / 1_000_000_000) as i64;
    match ms % 1000 {
        1 => ms - 1,
        999 => ms + 1,
        _ => ms,
    }
}
