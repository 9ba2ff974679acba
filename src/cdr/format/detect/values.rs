//! What a single value looks like: a moment, a length of time, a number. Light readings, for
//! detection alone.

use super::super::field::spelled;
use super::super::{SpanStyle, TimeStyle};

/// Longest value that is looked at.
const LONGEST: usize = 64;
/// Longest moment, in signs of three bytes.
const LONGEST_MOMENT: usize = 120;

/// How the date of a moment is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateForm {
    /// Year, month, day between signs.
    YearFirst,
    /// Two small numbers, then the year, between this sign.
    Small(u8),
    /// Digits without signs.
    Compact,
    /// No date at all.
    Absent,
}

/// A moment, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stamp {
    pub form: DateForm,
    pub year: i64,
    /// Month, or the first of the two small numbers.
    pub first: u32,
    /// Day, or the second of the two small numbers.
    pub second: u32,
    /// Seconds of the day, if a time of day stands there.
    pub of_day: Option<f64>,
    /// Seconds east of UTC, if the value says so.
    pub zone: Option<i32>,
}

impl Stamp {
    /// Seconds since 1970 of its local time.
    pub(super) fn seconds(&self, style: TimeStyle) -> Option<f64> {
        let (month, day) = match (self.form, style) {
            (DateForm::Absent, _) => return None,
            (DateForm::Small(_), TimeStyle::DayFirst) => (self.second, self.first),
            (DateForm::Small(_), TimeStyle::MonthFirst) => (self.first, self.second),
            (DateForm::Small(_), _) => return None,
            (DateForm::YearFirst, TimeStyle::YearFirst) | (DateForm::Compact, TimeStyle::Compact) => {
                (self.first, self.second)
            }
            _ => return None,
        };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let days = days_since_1970(self.year, month, day);
        Some(days as f64 * 86_400.0 + self.of_day.unwrap_or(0.0) - f64::from(self.zone.unwrap_or(0)))
    }
}

fn days_since_1970(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Whether a value says that there is nothing.
pub(super) fn is_blank(text: &str) -> bool {
    let text = text.trim();
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    text.is_empty()
        || ["-", "--", "null", "\\n", "n/a", "na", "none", "(null)", "nil", "nan"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a moment did not happen: `0`, `0000-00-00 00:00:00`, `1970-01-01 …`.
pub(super) fn is_never(text: &str) -> bool {
    let text = text.trim();
    is_blank(text)
        || text.starts_with("1970-01-01")
        || text.bytes().any(|byte| byte == b'0') && text.bytes().all(|byte| b"0-/:. TZ".contains(&byte))
}

/// Takes a leading row of digits.
fn digits(text: &str) -> Option<(u64, usize, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 || count > 17 {
        return None;
    }
    let value = text.bytes().take(count).fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    Some((value, count, &text[count..]))
}

/// Reads a moment or a time of day; bare epochs and spreadsheet days are numbers, not this.
pub(super) fn stamp(text: &str) -> Option<Stamp> {
    let text = text.trim();
    if text.len() > LONGEST_MOMENT || text.len() < 4 {
        return None;
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(|sign| ('０'..='９').contains(&sign))
    {
        return None;
    }
    let mut room = spelled::ROOM;
    let text = std::str::from_utf8(spelled::plain(text.as_bytes(), &mut room)?).ok()?;
    let text = text.trim_end_matches(':');
    if text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && let Some(stamp) = month_by_name(text)
    {
        return Some(stamp);
    }
    stamp_of(text)
}

/// `03-Apr-2026 00:00:03`, `Apr 3, 2026 12:00:03 AM`: day and month are certain.
fn month_by_name(text: &str) -> Option<Stamp> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let from = text.bytes().position(|byte| byte.is_ascii_alphabetic())?;
    let name: String =
        text[from..].chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let month = MONTHS.iter().position(|month| name.get(..3) == Some(*month) && name.len() <= 9)?;
    let (before, after) = (&text[..from], &text[from + name.len()..]);
    let mut numbers = before.split(|sign: char| !sign.is_ascii_digit()).filter(|part| !part.is_empty());
    let first = numbers.next();
    if numbers.next().is_some() {
        return None;
    }
    let after = after.trim_start_matches(['-', '/', '.', ' ', ',']);
    let (day, rest) = match first {
        Some(day) => (day.parse::<u32>().ok()?, after),
        None => {
            let (day, count, rest) = digits(after)?;
            if count > 2 {
                return None;
            }
            (u32::try_from(day).ok()?, rest.trim_start_matches(['-', '/', '.', ' ', ',']))
        }
    };
    let (year, count, rest) = digits(rest)?;
    let year = i64::try_from(if count == 2 { year + 2000 } else { year }).ok()?;
    if !(1..=31).contains(&day) || !(1990..2100).contains(&year) || count != 2 && count != 4 {
        return None;
    }
    let rest = rest.trim_start_matches([' ', 'T', ',']);
    let (of_day, zone) =
        if rest.is_empty() { (None, None) } else { time_of_day(rest).map(|(at, zone)| (Some(at), zone))? };
    let first = day;
    Some(Stamp {
        form: DateForm::Small(b'a'),
        year,
        first,
        second: u32::try_from(month).ok()? + 1,
        of_day,
        zone,
    })
}

fn stamp_of(text: &str) -> Option<Stamp> {
    let (first, count, rest) = digits(text)?;
    let sign = rest.bytes().next();
    if sign == Some(b':') {
        let (of_day, zone) = time_of_day(text)?;
        return Some(Stamp {
            form: DateForm::Absent,
            year: 0,
            first: 0,
            second: 0,
            of_day: Some(of_day),
            zone,
        });
    }
    if count == 14 || count == 8 {
        return compact(text, count);
    }
    let sign = sign.filter(|sign| b"-/.".contains(sign))?;
    let (second, second_count, rest) = digits(&rest[1..])?;
    if rest.bytes().next() != Some(sign) || second_count > 2 {
        return None;
    }
    let (third, third_count, rest) = digits(&rest[1..])?;
    let (form, year, first, second) = match (count, third_count) {
        (4, 1..=2) => (DateForm::YearFirst, first, second, third),
        (1..=2, 4) => (DateForm::Small(sign), third, first, second),
        (1..=2, 2) => (DateForm::Small(sign), 2000 + third, first, second),
        _ => return None,
    };
    if first == 0 || second == 0 || first > 31 || second > 31 || !(1990..2100).contains(&year) {
        return None;
    }
    if first > 12 && (form == DateForm::YearFirst || second > 12) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', 'T', 't', ',', '_']);
    let (of_day, zone) =
        if rest.is_empty() { (None, None) } else { time_of_day(rest).map(|(at, zone)| (Some(at), zone))? };
    let (first, second) = (u32::try_from(first).ok()?, u32::try_from(second).ok()?);
    Some(Stamp { form, year: i64::try_from(year).ok()?, first, second, of_day, zone })
}

fn compact(text: &str, count: usize) -> Option<Stamp> {
    let part = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    if !(1990..2100).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut stamp = Stamp {
        form: DateForm::Compact,
        year: i64::from(year),
        first: month,
        second: day,
        of_day: None,
        zone: None,
    };
    let clock = if count == 14 { text.get(8..)? } else { text.get(8..)?.trim_start_matches(['T', ' ']) };
    if clock.is_empty() {
        return Some(stamp);
    }
    if clock.as_bytes().get(2) == Some(&b':') {
        let (of_day, zone) = time_of_day(clock)?;
        return Some(Stamp { of_day: Some(of_day), zone, ..stamp });
    }
    let part = |from: usize, to: usize| clock.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (part(0, 2)?, part(2, 4)?, part(4, 6)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, rest) = fraction(clock.get(6..)?);
    stamp.of_day = Some(f64::from(hour * 3600 + minute * 60 + second) + fraction);
    stamp.zone = zone_of(rest)?;
    Some(stamp)
}

fn fraction(text: &str) -> (f64, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (0.0, text) };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    (format!("0.{}", &rest[..count.min(12)]).parse().unwrap_or(0.0), &rest[count..])
}

/// `None` when what follows the time is no zone; `Some(None)` when nothing follows.
fn zone_of(text: &str) -> Option<Option<i32>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    super::super::words::zone_named(text).map(Some)
}

fn time_of_day(text: &str) -> Option<(f64, Option<i32>)> {
    let mut afternoon = None;
    let mut text = text.trim();
    for (word, after) in [("AM ", false), ("PM ", true)] {
        if let Some(rest) = text.strip_prefix(word) {
            (text, afternoon) = (rest.trim_start(), Some(after));
        }
    }
    let (mut hour, count, rest) = digits(text)?;
    let (minute, minute_count, mut rest) = digits(rest.strip_prefix(':')?)?;
    let mut second = 0;
    if let Some(after) = rest.strip_prefix(':') {
        let (read, second_count, after) = digits(after)?;
        if second_count > 2 {
            return None;
        }
        (second, rest) = (read, after);
    }
    let (part, rest) = fraction(rest);
    let mut rest = rest.trim();
    if let Some(head) = rest.get(..2) {
        for (word, after) in [("AM", false), ("PM", true)] {
            if head.eq_ignore_ascii_case(word) {
                (rest, afternoon) = (rest[2..].trim(), Some(after));
                break;
            }
        }
    }
    if count > 2 || minute_count > 2 || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    match afternoon {
        Some(_) if hour > 12 => return None,
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    Some(((hour * 3600 + minute * 60 + second) as f64 + part, zone_of(rest)?))
}

/// Seconds of `m:ss` or `h:mm:ss`, hours beyond a day included, or of counts that name their units.
pub(super) fn colons(text: &str) -> Option<f64> {
    let text = text.trim();
    if is_of_digits(text, b".") {
        return None;
    }
    if let Some(ms) = super::super::field::span::spelled(text.as_bytes()) {
        return Some(ms as f64 / 1e3);
    }
    let mut parts = [0.0; 3];
    let mut count = 0;
    for part in text.split(':') {
        let plain = !part.is_empty()
            && part.len() < 10
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if count == 3 || !plain {
            return None;
        }
        parts[count] = part.parse::<f64>().ok()?;
        count += 1;
    }
    match count {
        2 if parts[1] < 60.0 => Some(parts[0] * 60.0 + parts[1]),
        3 if parts[1] < 60.0 && parts[2] < 60.0 => Some(parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]),
        _ => None,
    }
}

/// Decimal sign and thousands separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberForm {
    pub decimal: char,
    pub thousands: Option<char>,
}

impl NumberForm {
    pub(super) const PLAIN: Self = Self { decimal: '.', thousands: None };

    /// A number's value.
    pub(super) fn read(self, text: &str) -> Option<f64> {
        let text = bare_number(text)?;
        let finite = |value: &f64| value.is_finite();
        if self.decimal == '.' && self.thousands != Some('.') && is_of_digits(text, b".") {
            return text.parse::<f64>().ok().filter(finite);
        }
        let plain: String = text
            .chars()
            .filter(|sign| Some(*sign) != self.thousands && !is_gap(*sign))
            .map(|sign| if sign == self.decimal { '.' } else { sign })
            .collect();
        plain.parse::<f64>().ok().filter(finite)
    }
}

/// Digits and nothing but these signs beside them, as nearly all numbers are: most readings need not look closer.
pub(super) fn is_of_digits(text: &str, signs: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || signs.contains(&byte))
}

fn is_gap(sign: char) -> bool {
    matches!(sign, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’' | '_')
}

/// Signs of currencies.
const CURRENCIES: [char; 9] = ['$', '€', '£', '¥', '￥', '元', '₽', '₹', '₩'];

/// A number's sign, digits and separators, without a currency around it; `None` if it is no number.
pub(super) fn bare_number(text: &str) -> Option<&str> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if is_of_digits(unsigned, b".,") && unsigned.bytes().any(|byte| byte.is_ascii_digit()) {
        return Some(text);
    }
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let mut text = inner;
    loop {
        let before = text.len();
        text = text.trim_start_matches(CURRENCIES).trim_end_matches(CURRENCIES).trim_end_matches('%').trim();
        text = text.trim_start_matches("人民币").trim_end_matches(['美', '港', '日', '欧']);
        let ahead = text.chars().take_while(char::is_ascii_alphabetic).count();
        let behind = text.chars().rev().take_while(char::is_ascii_alphabetic).count();
        if ahead == 3 && ahead < text.len() || (1..=2).contains(&ahead) && text[ahead..].starts_with('$') {
            text = text[ahead..].trim();
        } else if behind == 3 && behind < text.len() {
            text = text[..text.len() - behind].trim();
        } else if behind == 1 && text.ends_with(['s', 'S']) {
            text = &text[..text.len() - 1];
        }
        if text.len() == before {
            break;
        }
    }
    let body = text.trim_start_matches(['-', '+']);
    let first = body.chars().next()?;
    let fits = |sign: char| sign.is_ascii_digit() || sign == '.' || sign == ',' || is_gap(sign);
    let any = body.bytes().any(|byte| byte.is_ascii_digit());
    (any && (first.is_ascii_digit() || first == '.' || first == ',') && body.chars().all(fits))
        .then_some(text)
}

/// A plain number with a point.
pub(super) fn plain(text: &str) -> Option<f64> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.len() < 24 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if fits { text.parse().ok() } else { None }
}

/// The epoch's unit by a number's size, for moments from 2000 to 2100.
pub(super) fn epoch(text: &str) -> Option<TimeStyle> {
    let value = plain(text)?;
    let seconds = 946_684_800.0..4_102_444_800.0;
    if seconds.contains(&value) {
        Some(TimeStyle::EpochSeconds)
    } else if seconds.contains(&(value / 1e3)) {
        Some(TimeStyle::EpochMillis)
    } else if seconds.contains(&(value / 1e6)) {
        Some(TimeStyle::EpochMicros)
    } else if (36_526.0..73_050.0).contains(&value) && text.contains('.') {
        Some(TimeStyle::SpreadsheetDays)
    } else {
        None
    }
}

/// Seconds since 1970 of a moment in a known style.
pub(super) fn seconds(text: &str, style: TimeStyle) -> Option<f64> {
    if is_never(text) {
        return None;
    }
    match style {
        TimeStyle::EpochSeconds => plain(text),
        TimeStyle::EpochMillis => plain(text).map(|value| value / 1e3),
        TimeStyle::EpochMicros => plain(text).map(|value| value / 1e6),
        TimeStyle::SpreadsheetDays => plain(text).map(|value| (value - 25_569.0) * 86_400.0),
        _ => stamp(text)?.seconds(style),
    }
}

/// Seconds of a length of time.
pub(super) fn span(text: &str, style: SpanStyle, form: NumberForm) -> Option<f64> {
    match style {
        SpanStyle::Colons => colons(text),
        SpanStyle::Seconds => form.read(text),
        SpanStyle::Millis => form.read(text).map(|value| value / 1e3),
        SpanStyle::Micros => form.read(text).map(|value| value / 1e6),
        SpanStyle::Minutes => form.read(text).map(|value| value * 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_every_style_are_the_same_moment() {
        let at = 1_775_174_403.0;
        for (text, style) in [
            ("2026-04-03T00:00:03", TimeStyle::YearFirst),
            ("2026-04-03 08:00:03+08:00", TimeStyle::YearFirst),
            ("2026/4/3 0:00:03", TimeStyle::YearFirst),
            ("2026-04-03T00:00:03.000Z", TimeStyle::YearFirst),
            ("03.04.2026 00:00:03", TimeStyle::DayFirst),
            ("03/04/26 00:00:03", TimeStyle::DayFirst),
            ("04/03/2026 12:00:03 AM", TimeStyle::MonthFirst),
            ("20260403000003.000", TimeStyle::Compact),
            ("20260403T000003Z", TimeStyle::Compact),
            ("03-Apr-2026 00:00:03", TimeStyle::DayFirst),
            ("Apr 3, 2026 12:00:03 AM", TimeStyle::DayFirst),
            ("2026年4月3日 0时00分03秒", TimeStyle::YearFirst),
            ("2026/4/3 上午12:00:03", TimeStyle::YearFirst),
            ("1775174403", TimeStyle::EpochSeconds),
            ("1775174403000", TimeStyle::EpochMillis),
            ("1775174403000000", TimeStyle::EpochMicros),
        ] {
            assert_eq!(seconds(text, style), Some(at), "{text}");
        }
        assert_eq!(seconds("0", TimeStyle::EpochSeconds), None);
        assert_eq!(seconds("0000-00-00 00:00:00", TimeStyle::YearFirst), None);
        let days = seconds("46115.00003472", TimeStyle::SpreadsheetDays).expect("days");
        assert!((days - at).abs() < 1.0, "{days}");
    }

    #[test]
    fn what_is_no_moment_is_not_read_as_one() {
        for text in
            ["", "61", "1:75", "10.0.0.1", "2026-13-01 00:00:00", "8613800000001", "25:99:00 x", "0,0215"]
        {
            assert_eq!(stamp(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_and_numbers_keep_their_value() {
        assert_eq!(colons("1:01"), Some(61.0));
        assert_eq!(colons("100:00:01"), Some(360_001.0));
        assert_eq!(colons("1:61"), None);
        let european = NumberForm { decimal: ',', thousands: Some('.') };
        assert_eq!(european.read("1.234,50 €"), Some(1234.5));
        assert_eq!(NumberForm::PLAIN.read("$0.0215"), Some(0.0215));
        assert_eq!(NumberForm::PLAIN.read("0.5 USD"), Some(0.5));
        assert_eq!(NumberForm::PLAIN.read("alice"), None);
    }
}
