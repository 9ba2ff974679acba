//! Reading a rate deck: CSV text with a header in English or Chinese, columns in any order.
//!
//! Rates are read exactly. All mistakes come at once, each with its line and column. Encodings, workbooks and
//! files are absent: whoever opens the file brings text.

use super::contract::{Contract, LastDay};
use super::words::{Column, column, rounding};
use super::zone::Offsets;
use super::{Deck, DeckRow, Rounding, decimal};
use crate::number::{MOST_DIGITS, Number};

/// One mistake in a deck.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct DeckMistake {
    /// Line in the file, from 1.
    pub line: u32,
    /// Column of the table, from 1.
    pub column: u32,
    /// What is wrong and what is expected.
    pub message: String,
}

/// A deck that cannot be used, with all its mistakes up to a thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeckError(pub Vec<DeckMistake>);

impl std::fmt::Display for DeckError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the rate deck cannot be used:")?;
        for mistake in self.0.iter().take(20) {
            write!(f, "\n  {mistake}")?;
        }
        match self.0.len().saturating_sub(20) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for DeckError {}

const MOST_MISTAKES: usize = 1_000;

impl Deck {
    /// Reads a deck under the usual contract: dates without zone are those of the bands' zone, else UTC.
    ///
    /// # Errors
    /// [`DeckError`] with every mistake.
    pub fn read(text: &str) -> Result<Self, DeckError> {
        Self::read_by(text, &Contract::default())
    }

    /// Reads a deck whose dates are to be understood as the contract says.
    ///
    /// # Errors
    /// [`DeckError`] with every mistake.
    pub fn read_by(text: &str, contract: &Contract) -> Result<Self, DeckError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader { deck: Self::default(), mistakes: Vec::new() };
        let delimiter = delimiter(text);
        let mut lines = Lines { rest: text, line: 1, delimiter };
        let header = lines.find(|(_, fields)| fields.iter().any(|field| !field.is_empty()));
        let Some((header_line, header)) = header else {
            return Err(DeckError(vec![mistake(
                1,
                0,
                "the deck is empty; its first line names the columns",
            )]));
        };
        let columns: Vec<Option<Column>> = header.iter().map(|word| column(word)).collect();
        reader.check_header(header_line, &header, &columns);
        if !reader.mistakes.is_empty() {
            return Err(DeckError(reader.mistakes));
        }
        let records: Vec<(u32, Vec<String>)> =
            lines.filter(|(_, fields)| fields.iter().any(|field| !field.is_empty())).collect();
        for (line, fields) in &records {
            reader.whole_deck(*line, &columns, fields);
        }
        let zone = contract.deck_zone.as_deref().or(contract.band_zone.as_deref());
        let zone = zone.or(reader.deck.band_zone.as_deref()).unwrap_or("UTC");
        let zone = Offsets::of(zone).unwrap_or(Offsets::UTC);
        let included = contract.deck_last_day == LastDay::Included;
        for (line, fields) in &records {
            reader.row(*line, &columns, fields, &zone, included);
            if reader.mistakes.len() >= MOST_MISTAKES {
                break;
            }
        }
        if reader.deck.rows.is_empty() && reader.mistakes.is_empty() {
            reader.mistakes.push(mistake(header_line, 0, "the deck has a header and no row"));
        }
        reader.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        if reader.mistakes.is_empty() { Ok(reader.deck) } else { Err(DeckError(reader.mistakes)) }
    }
}

fn mistake(line: u32, column: usize, message: impl Into<String>) -> DeckMistake {
    DeckMistake { line, column: u32::try_from(column + 1).unwrap_or(u32::MAX), message: message.into() }
}

struct Reader {
    deck: Deck,
    mistakes: Vec<DeckMistake>,
}

impl Reader {
    fn wrong(&mut self, line: u32, column: usize, message: impl Into<String>) {
        self.mistakes.push(mistake(line, column, message));
    }

    fn check_header(&mut self, line: u32, words: &[String], columns: &[Option<Column>]) {
        for (at, found) in columns.iter().enumerate() {
            if found.is_some() && columns[..at].contains(found) {
                let first = columns.iter().position(|other| other == found).unwrap_or(0);
                let message =
                    format!("`{}` means the same as `{}`; keep one of them", words[at], words[first]);
                self.wrong(line, at, message);
            }
        }
        let has = |wanted: Column| columns.contains(&Some(wanted));
        if !has(Column::Prefix) {
            let message = format!(
                "no column is named `prefix` (前缀) among {}; the first line names the columns",
                shown(words)
            );
            self.wrong(line, 0, message);
        }
        if !has(Column::RatePerMinute) && !has(Column::RatePerSecond) {
            let message = format!(
                "no column is named `rate_per_min` (费率) among {}; the first line names the columns",
                shown(words)
            );
            self.wrong(line, 0, message);
        }
    }

    /// What must be the same on every row: currency, decimals, rounding, the bands' zone.
    fn whole_deck(&mut self, line: u32, columns: &[Option<Column>], fields: &[String]) {
        for (at, field) in fields.iter().enumerate().filter(|(_, field)| !field.is_empty()) {
            let outcome = match columns.get(at).copied().flatten() {
                Some(Column::Currency) => {
                    let code = field.to_ascii_uppercase();
                    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                        agree(&mut self.deck.currency, code, "currency")
                    } else {
                        Err(format!("`{field}` is no currency; write an ISO 4217 code such as USD"))
                    }
                }
                Some(Column::Decimals) => match field.parse::<u8>() {
                    Ok(decimals) if decimals <= 9 => agree(&mut self.deck.decimals, decimals, "decimals"),
                    _ => Err(format!("`{field}` is no count of decimals; write 0 to 9")),
                },
                Some(Column::Rounding) => match rounding(field) {
                    Some(mode) => agree::<Rounding>(&mut self.deck.rounding, mode, "rounding"),
                    None => Err(format!("`{field}` is no rounding; write up, down, half_up or half_even")),
                },
                Some(Column::BandZone) => match Offsets::of(field) {
                    Ok(_) => agree(&mut self.deck.band_zone, field.clone(), "band_tz"),
                    Err(error) => Err(error.to_string()),
                },
                _ => Ok(()),
            };
            if let Err(message) = outcome
                && self.mistakes.len() < MOST_MISTAKES
            {
                self.wrong(line, at, message);
            }
        }
    }

    fn row(
        &mut self,
        line: u32,
        columns: &[Option<Column>],
        fields: &[String],
        zone: &Offsets,
        included: bool,
    ) {
        let mistakes = self.mistakes.len();
        let mut row = DeckRow {
            prefix: String::new(),
            destination: None,
            rate: 0,
            initial_s: 1,
            increment_s: 1,
            connect_fee: 0,
            effective_from_ms: None,
            effective_to_ms: None,
            band_s: None,
            line,
        };
        let mut band: [Option<u32>; 2] = [None, None];
        let mut band_at = 0;
        let mut priced = false;
        if fields.len() > columns.len() {
            let (have, want) = (fields.len(), columns.len());
            let message = format!(
                "{have} fields where the header has {want}; a value with the delimiter in it is quoted"
            );
            self.wrong(line, columns.len(), message);
            return;
        }
        for (at, found) in columns.iter().enumerate() {
            let field = fields.get(at).map_or("", String::as_str);
            let Some(found) = *found else { continue };
            if field.is_empty() && found != Column::Prefix {
                continue;
            }
            let outcome = match found {
                Column::Prefix => prefix(field).map(|prefix| row.prefix = prefix),
                Column::Destination => {
                    row.destination = Some(field.to_owned());
                    Ok(())
                }
                Column::RatePerMinute => amount(field).map(|rate| {
                    row.rate = rate;
                    priced = true;
                }),
                Column::RatePerSecond => amount(field)
                    .and_then(|rate| rate.checked_mul(60).ok_or_else(|| format!("`{field}` is too large")))
                    .map(|rate| {
                        row.rate = rate;
                        priced = true;
                    }),
                Column::Initial => seconds(field).map(|seconds| row.initial_s = seconds),
                Column::Increment => step(field).map(|seconds| row.increment_s = seconds),
                Column::Blocks => blocks(field).map(|[initial, increment]| {
                    row.initial_s = initial;
                    row.increment_s = increment;
                }),
                Column::ConnectFee => amount(field).map(|fee| row.connect_fee = fee),
                Column::From => date_or_moment(field, zone, false).map(|at| row.effective_from_ms = Some(at)),
                Column::To => date_or_moment(field, zone, included).map(|at| row.effective_to_ms = Some(at)),
                Column::BandFrom => clock(field).map(|second| {
                    band[0] = Some(second);
                    band_at = at;
                }),
                Column::BandTo => clock(field).map(|second| {
                    band[1] = Some(second);
                    band_at = at;
                }),
                Column::BandZone | Column::Currency | Column::Decimals | Column::Rounding => Ok(()),
            };
            if let Err(message) = outcome {
                self.wrong(line, at, message);
            }
        }
        if !priced && self.mistakes.len() == mistakes {
            let is_rate =
                |found: &Option<Column>| matches!(found, Some(Column::RatePerMinute | Column::RatePerSecond));
            let at = columns.iter().position(is_rate).unwrap_or(0);
            self.wrong(line, at, "the rate is missing; a free destination has the rate 0");
        }
        match band {
            [None, None] => {}
            [Some(from), Some(to)] if from == to || from == 0 && to == 86_400 => {}
            [Some(from), Some(to)] => row.band_s = Some([from, to]),
            _ => self.wrong(line, band_at, "a band needs both `band_from` and `band_to`"),
        }
        if let (Some(from), Some(to)) = (row.effective_from_ms, row.effective_to_ms)
            && to <= from
        {
            let at = columns.iter().position(|found| *found == Some(Column::To)).unwrap_or(0);
            self.wrong(line, at, "the row ends before it begins, or on the same moment");
        }
        if self.mistakes.len() == mistakes {
            self.deck.rows.push(row);
        }
    }
}

fn agree<T: PartialEq>(held: &mut Option<T>, found: T, what: &str) -> Result<(), String> {
    match held {
        Some(before) if *before != found => {
            Err(format!("another {what} than on the rows before; one deck has one, split it into two"))
        }
        _ => {
            *held = Some(found);
            Ok(())
        }
    }
}

fn shown(words: &[String]) -> String {
    let mut text = words.iter().take(12).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    if words.len() > 12 {
        text.push_str(", …");
    }
    text.chars().take(300).collect()
}

fn prefix(field: &str) -> Result<String, String> {
    // A spreadsheet's way to keep a row of digits a text.
    let bare = field.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(field);
    let bare: String = bare.chars().filter(|sign| !matches!(sign, ' ' | '-' | '\'' | '\u{a0}')).collect();
    let digits = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")).unwrap_or(&bare);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{field}` is no prefix; write its digits, such as 8613"));
    }
    if digits.len() > MOST_DIGITS as usize || Number::of(digits).digits().is_none() {
        return Err(format!("the prefix `{field}` has more than {MOST_DIGITS} digits"));
    }
    Ok(digits.to_owned())
}

fn amount(field: &str) -> Result<i64, String> {
    match decimal(field)? {
        negative if negative < 0 => Err(format!("`{field}` is negative; a price is 0 or more")),
        amount => Ok(amount),
    }
}

fn seconds(field: &str) -> Result<u32, String> {
    let bare = field.trim_end_matches(['s', 'S', '秒']).trim_end();
    let whole = bare.strip_suffix(".0").unwrap_or(bare);
    let wrong = || format!("`{field}` is no count of seconds; write it as 60");
    whole.parse::<u32>().ok().filter(|seconds| *seconds <= 86_400).ok_or_else(wrong)
}

fn step(field: &str) -> Result<u32, String> {
    match seconds(field)? {
        0 => Err("an increment of 0 seconds never ends; write 1 or more".to_owned()),
        seconds => Ok(seconds),
    }
}

fn blocks(field: &str) -> Result<[u32; 2], String> {
    let (initial, increment) = field
        .split_once(['/', '+', '-'])
        .ok_or_else(|| format!("`{field}` is no pair of blocks; write it as 60/6"))?;
    Ok([seconds(initial.trim())?, step(increment.trim())?])
}

/// Seconds from midnight of `HH:MM` or `HH:MM:SS`, up to `24:00`.
fn clock(field: &str) -> Result<u32, String> {
    let wrong = || format!("`{field}` is no time of day; write it as 08:00");
    let mut parts = field.split(':');
    let mut next = |most: u32| -> Option<u32> {
        let part = parts.next()?;
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|value| fits && *value <= most)
    };
    let hours = next(24).ok_or_else(wrong)?;
    let minutes = next(59).ok_or_else(wrong)?;
    let seconds = if field.matches(':').count() == 2 { next(59).ok_or_else(wrong)? } else { 0 };
    if field.matches(':').count() > 2 {
        return Err(wrong());
    }
    let second = hours * 3_600 + minutes * 60 + seconds;
    if second > 86_400 { Err(wrong()) } else { Ok(second) }
}

/// Milliseconds since 1970 of a moment as decks write it: `2026-04-01T08:00:00+08:00`, or without zone in the one
/// given, or a date alone.
///
/// # Errors
/// A sentence that says how it is written.
pub fn moment(text: &str, zone: &Offsets) -> Result<i64, String> {
    date_or_moment(text.trim(), zone, false)
}

/// As [`moment`]; a date that is the last day means the midnight after it.
fn date_or_moment(field: &str, zone: &Offsets, last_day: bool) -> Result<i64, String> {
    let wrong = || {
        format!(
            "`{field}` is no date; write it as 2026-04-01, 2026-04-01 08:00:00 or 2026-04-01T08:00:00+08:00"
        )
    };
    if let Ok(at) = field.parse::<jiff::Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let plain = year_first(field).ok_or_else(wrong)?;
    let (date, time) = plain.split_once(['T', ' ']).map_or((plain.as_str(), None), |(d, t)| (d, Some(t)));
    let date: jiff::civil::Date = date.parse().map_err(|_| wrong())?;
    let time = match time.map(str::trim).filter(|time| !time.is_empty()) {
        Some(time) => {
            Some(time.parse::<jiff::civil::Time>().map_err(|_| wrong())?).filter(|_| !time.ends_with('Z'))
        }
        None => None,
    };
    let date = if last_day && time.is_none() { date.tomorrow().map_err(|_| wrong())? } else { date };
    let local = date.to_datetime(time.unwrap_or_default()).to_zoned(jiff::tz::TimeZone::UTC);
    let local = local.map_err(|_| wrong())?.timestamp().as_millisecond();
    Ok(zone.to_utc(local))
}

/// `2026/4/1` and `01.04.2026` as `2026-04-01`; what begins with the day and has slashes is ambiguous.
fn year_first(field: &str) -> Option<String> {
    let (date, time) = match field.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (field, None),
    };
    let sign = date.chars().find(|sign| !sign.is_ascii_digit())?;
    let parts: Vec<&str> = date.split(sign).collect();
    let [first, middle, last] = parts[..] else { return None };
    let (year, month, day) = match sign {
        '-' | '/' if first.len() == 4 => (first, middle, last),
        '.' if last.len() == 4 => (last, middle, first),
        '.' if first.len() == 4 => (first, middle, last),
        _ => return None,
    };
    let (month, day): (u8, u8) = (month.parse().ok()?, day.parse().ok()?);
    let time = time.map(|time| format!(" {time}")).unwrap_or_default();
    Some(format!("{year}-{month:02}-{day:02}{time}"))
}

/// The delimiter under which most words of the first line mean something.
fn delimiter(text: &str) -> char {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let known = |sign: char| line.split(sign).filter(|word| column(word).is_some()).count();
    let mut best = ',';
    for sign in [';', '\t', '|'] {
        if known(sign) > known(best) {
            best = sign;
        }
    }
    best
}

/// Lines of a table with their numbers; a quoted field may hold delimiters, quotes and line ends.
struct Lines<'a> {
    rest: &'a str,
    line: u32,
    delimiter: char,
}

impl Iterator for Lines<'_> {
    type Item = (u32, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (first, mut fields, mut field, mut quoted) = (self.line, Vec::new(), String::new(), false);
        let mut signs = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' if quoted && signs.peek().is_some_and(|(_, next)| *next == '"') => {
                    field.push('"');
                    signs.next();
                }
                '"' if quoted => quoted = false,
                '"' if field.trim().is_empty() => {
                    field.clear();
                    quoted = true;
                }
                '\n' => {
                    self.line = self.line.saturating_add(1);
                    if !quoted {
                        end = at + 1;
                        break;
                    }
                    field.push(sign);
                }
                _ if sign == self.delimiter && !quoted => fields.push(trimmed(&mut field)),
                _ => field.push(sign),
            }
        }
        fields.push(trimmed(&mut field));
        self.rest = &self.rest[end..];
        // Delimiters behind the last column say nothing.
        while fields.len() > 1 && fields.last().is_some_and(String::is_empty) {
            fields.pop();
        }
        Some((first, fields))
    }
}

fn trimmed(field: &mut String) -> String {
    let bare = field.trim().to_owned();
    field.clear();
    bare
}

#[cfg(test)]
mod tests;
