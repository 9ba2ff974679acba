//! Reads rows: the columns that matter, in one pass, without an allocation for a usual row.
//!
//! A reader is made once from a [`Layout`] and may be used from many threads; each piece of text is read
//! by itself. Files, and cutting them into pieces at [`RowReader::cut`], are the caller's.

use thiserror::Error;

use super::assemble::Given;
use super::field::words::Counted;
use super::field::zone::Clock;
use super::field::{Fault, Wrong, bare, decimal, number, span, time, words};
use super::scan::{self, Block, Marks, Row};
use super::{Layout, Parsed, Rejection, Role, SpanStyle, TimeStyle, Zone};
use crate::Money;
use crate::number::Number;
use crate::record::{ABSENT, ABSENT_32, NO_NAME, Names, Record, flag};

mod complaint;
#[cfg(test)]
mod tests;

/// Rejections of one piece that are kept with their words; more are only counted and summed.
pub const MOST_REJECTIONS: usize = 65_536;
/// Gateways or accounts of one piece; more are left nameless.
const MOST_NAMES: usize = NO_NAME as usize;
/// Currencies or technical prefixes: what eight bits hold beside none.
const MOST_SMALL: usize = 254;
/// Where no column is.
const NOWHERE: u16 = u16::MAX;

/// Why a layout cannot be read by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// No column for something that every call has.
    #[error(
        "no column is known to hold {what}; name it, for instance with --ours-columns or --theirs-columns"
    )]
    Missing {
        /// What.
        what: &'static str,
    },
    /// Two columns for one thing.
    #[error("columns {first} and {second} are both said to hold {role:?}; name one of them `ignored`")]
    Twice {
        /// What.
        role: Role,
        /// The first, from 1.
        first: usize,
        /// The second, from 1.
        second: usize,
    },
    /// A sign that cannot be one.
    #[error("`{sign}` cannot be the {what}; give one plain character that is no digit, quote or line end")]
    Sign {
        /// What for.
        what: &'static str,
        /// The sign.
        sign: char,
    },
    /// Two signs that are the same.
    #[error("`{0}` is said to be both decimal sign and thousands separator; name the right ones")]
    SameSigns(char),
    /// No such place.
    #[error("no time zone is called `{0}`; give a name like Asia/Shanghai or an offset like +08:00")]
    Zone(String),
}

/// Where the columns that matter stand.
#[derive(Debug, Clone, Copy)]
struct Columns {
    call_id: u16,
    caller: u16,
    callee: u16,
    start: u16,
    date: u16,
    time_of_day: u16,
    answer: u16,
    end: u16,
    talk: u16,
    total: u16,
    ring: u16,
    billed: u16,
    rate: u16,
    amount: u16,
    currency: u16,
    gateway: u16,
    account: u16,
    disposition: u16,
    kind: u16,
}

impl Columns {
    fn of(columns: &[Role]) -> Result<Self, LayoutError> {
        let at = |role: Role| -> Result<u16, LayoutError> {
            let mut found = columns.iter().enumerate().filter(|(_, held)| **held == role).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(first), Some(second)) => {
                    Err(LayoutError::Twice { role, first: first + 1, second: second + 1 })
                }
                (Some(at), None) => Ok(u16::try_from(at).unwrap_or(NOWHERE)),
                (None, _) => Ok(NOWHERE),
            }
        };
        let columns = Self {
            call_id: at(Role::CallId)?,
            caller: at(Role::Caller)?,
            callee: at(Role::Callee)?,
            start: at(Role::Start)?,
            date: at(Role::StartDate)?,
            time_of_day: at(Role::StartTimeOfDay)?,
            answer: at(Role::Answer)?,
            end: at(Role::End)?,
            talk: at(Role::Talk)?,
            total: at(Role::Total)?,
            ring: at(Role::Ring)?,
            billed: at(Role::Billed)?,
            rate: at(Role::Rate)?,
            amount: at(Role::Amount)?,
            currency: at(Role::Currency)?,
            gateway: at(Role::Gateway)?,
            account: at(Role::Account)?,
            disposition: at(Role::Disposition)?,
            kind: at(Role::RecordKind)?,
        };
        let has = |column: u16| column != NOWHERE;
        let starts = has(columns.start) || has(columns.date) && has(columns.time_of_day);
        if !has(columns.callee) {
            return Err(LayoutError::Missing { what: "the called number (`callee`)" });
        }
        if !starts && !has(columns.answer) && !has(columns.end) {
            return Err(LayoutError::Missing { what: "a time (`start`, `answer` or `end`)" });
        }
        let lasts = has(columns.talk) || has(columns.total) || has(columns.billed);
        if !lasts && !(has(columns.end) && (starts || has(columns.answer))) {
            return Err(LayoutError::Missing { what: "a duration (`talk`, `total` or `billed`)" });
        }
        Ok(columns)
    }
}

/// Styles of the columns with durations.
#[derive(Debug, Clone, Copy)]
struct Spans {
    talk: SpanStyle,
    total: SpanStyle,
    ring: SpanStyle,
    billed: SpanStyle,
}

/// Reads the rows of one file.
#[derive(Debug, Clone)]
pub struct RowReader {
    delimiter: u8,
    header_lines: u32,
    width: usize,
    columns: Columns,
    spans: Spans,
    decimals: decimal::Style,
    style: TimeStyle,
    clock: Clock,
    header: Vec<String>,
    answered: Vec<String>,
    interim: Vec<String>,
    skipped: Vec<String>,
}

/// What reading one piece remembers from row to row.
struct Memory {
    times: time::Times,
    gateways: Counted,
    accounts: Counted,
    currencies: Counted,
    techs: Counted,
}

/// The fields of one row.
#[derive(Clone, Copy)]
struct Cells<'a> {
    text: &'a [u8],
    /// What `ends` counts from.
    base: usize,
    /// Where the row begins.
    start: usize,
    ends: &'a [u32],
    /// Whether fields may be quoted.
    quoted: bool,
}

impl<'a> Cells<'a> {
    /// Where a field begins and ends, without its quotes; nothing where there is no such column.
    #[inline(always)]
    fn at(&self, column: u16) -> (usize, usize) {
        let column = usize::from(column);
        let Some(end) = self.ends.get(column) else { return (0, 0) };
        let to = self.base + *end as usize;
        let from = if column == 0 {
            self.start
        } else {
            self.base + self.ends.get(column - 1).map_or(0, |end| *end as usize) + 1
        };
        if self.quoted { self.unquoted(from, to) } else { (from, to) }
    }

    fn unquoted(&self, from: usize, to: usize) -> (usize, usize) {
        let quote = |at: usize| self.text.get(at) == Some(&b'"');
        if to >= from + 2 && quote(from) && quote(to - 1) { (from + 1, to - 1) } else { (from, to) }
    }

    fn get(&self, column: u16) -> &'a [u8] {
        let (from, to) = self.at(column);
        self.text.get(from..to).unwrap_or_default()
    }
}

/// What became of a row that is no fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Record,
    Skipped,
}

const fn fault(wrong: Wrong, column: u16) -> Fault {
    Fault { wrong, column: if column == NOWHERE { None } else { Some(column) } }
}

impl RowReader {
    /// A reader of files that look so.
    pub fn new(layout: &Layout) -> Result<Self, LayoutError> {
        let sign = |what: &'static str, sign: char| {
            let plain =
                sign.is_ascii() && !sign.is_ascii_digit() && !matches!(sign, '"' | '\n' | '\r' | '-' | '+');
            if plain { Ok(sign as u8) } else { Err(LayoutError::Sign { what, sign }) }
        };
        let point = sign("decimal sign", layout.decimal)?;
        if layout.thousands == Some(layout.decimal) {
            return Err(LayoutError::SameSigns(layout.decimal));
        }
        let columns = Columns::of(&layout.columns)?;
        let clock = Clock::of(&layout.zone).ok_or_else(|| {
            LayoutError::Zone(match &layout.zone {
                Zone::Named(name) => name.clone(),
                Zone::Unknown | Zone::Fixed(_) => String::new(),
            })
        })?;
        let style =
            |column: u16| layout.spans.get(usize::from(column)).copied().unwrap_or(SpanStyle::Seconds);
        Ok(Self {
            delimiter: sign("delimiter", layout.delimiter)?,
            header_lines: layout.header_lines,
            width: layout.columns.len(),
            columns,
            spans: Spans {
                talk: style(columns.talk),
                total: style(columns.total),
                ring: style(columns.ring),
                billed: style(columns.billed),
            },
            decimals: decimal::Style { point, thousands: layout.thousands },
            style: layout.time,
            clock,
            header: layout.header.clone(),
            answered: layout.answered.clone(),
            interim: layout.interim.clone(),
            skipped: layout.skipped.clone(),
        })
    }

    /// Reads a piece of text that begins with a row and ends with one. `base` is its place in the whole text:
    /// where that is 0, the piece begins with the lines of the header, all of them.
    #[must_use]
    pub fn read(&self, text: &[u8], base: u64) -> Parsed {
        let mut parsed = Parsed::default();
        self.read_into(text, base, &mut parsed);
        parsed
    }

    /// As [`RowReader::read`], into what an earlier piece has left behind, whose memory is used again.
    pub fn read_into(&self, text: &[u8], base: u64, parsed: &mut Parsed) {
        let mut records = std::mem::take(&mut parsed.records);
        records.clear();
        *parsed = Parsed { records, ..Parsed::default() };
        parsed.records.reserve(self.estimate(text));
        let mut memory = Memory {
            times: time::Times::new(self.style, self.clock.clone()),
            gateways: Counted::new(MOST_NAMES),
            accounts: Counted::new(MOST_NAMES),
            currencies: Counted::new(MOST_SMALL),
            techs: Counted::new(MOST_SMALL),
        };
        self.read_rows_fast(text, base, &mut memory, parsed);
        parsed.names = Names {
            gateways: memory.gateways.into_names(),
            accounts: memory.accounts.into_names(),
            currencies: memory.currencies.into_names(),
            techs: memory.techs.into_names(),
        };
    }

    /// [`RowReader::read_rows`], in the instructions of a newer processor where this is one.
    fn read_rows_fast(&self, text: &[u8], base: u64, memory: &mut Memory, parsed: &mut Parsed) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
            use fearless_simd::Simd as _;
            avx2.vectorize(
                #[inline(always)]
                || self.read_rows(text, base, memory, parsed),
            );
            return;
        }
        self.read_rows(text, base, memory, parsed);
    }

    #[inline(always)]
    fn read_rows(&self, text: &[u8], base: u64, memory: &mut Memory, parsed: &mut Parsed) {
        let mut at = if base == 0 { self.after_header(text, parsed) } else { 0 };
        let mut marks = Marks::default();
        let mut ends = Vec::new();
        while at < text.len() {
            if marks.mark(text, at, self.delimiter) == Block::Marked {
                at = self.read_marked(text, at, base, &mut marks, memory, parsed);
                continue;
            }
            let stop = at + scan::BLOCK;
            while at < stop.min(text.len()) {
                let row = scan::patient_row(text, at, self.delimiter, self.width, &mut ends);
                self.read_patient(text, at, base, row, &mut ends, memory, parsed);
                at = row.end + 1;
            }
        }
    }

    /// The end of the last whole row of a block that begins with a row: where to cut it. 0 when it has
    /// none, and more must be read. What is left at the end of a file is whole as it is.
    #[must_use]
    pub fn cut(&self, text: &[u8]) -> usize {
        scan::last_row_end(text, self.delimiter, self.width)
    }

    /// The fields of one row as they read, to show them.
    #[must_use]
    pub fn fields(&self, line: &[u8]) -> Vec<String> {
        let mut ends = Vec::new();
        let row = scan::patient_row(line, 0, self.delimiter, self.width, &mut ends);
        let ends = without_return(line, 0, row.end, &mut ends);
        let cells = Cells { text: line, base: 0, start: 0, ends, quoted: true };
        (0..ends.len())
            .map(|column| {
                let field = cells.get(u16::try_from(column).unwrap_or(NOWHERE));
                String::from_utf8_lossy(&words::unquoted(field)).into_owned()
            })
            .collect()
    }

    /// About how many rows a text has, by its first ones.
    fn estimate(&self, text: &[u8]) -> usize {
        let head = text.get(..4096).unwrap_or(text);
        let lines = memchr::memchr_iter(b'\n', head).count().max(1);
        (text.len() * lines / head.len().max(1)).min(text.len() / (2 * self.width).max(1)) + 16
    }

    fn after_header(&self, text: &[u8], parsed: &mut Parsed) -> usize {
        let mut at = if text.starts_with(scan::BYTE_ORDER_MARK) { scan::BYTE_ORDER_MARK.len() } else { 0 };
        for _ in 0..self.header_lines {
            if at >= text.len() {
                break;
            }
            let rest = text.get(at..).unwrap_or_default();
            at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            parsed.header += 1;
            parsed.lines += 1;
        }
        at
    }

    /// Reads the rows of a block that has been marked; gives the place after them.
    #[inline(always)]
    fn read_marked(
        &self,
        text: &[u8],
        base: usize,
        place: u64,
        marks: &mut Marks,
        memory: &mut Memory,
        parsed: &mut Parsed,
    ) -> usize {
        let quoted = marks.quoted();
        let (ends, lines) = marks.both();
        let (mut first, mut start) = (0, base);
        for line in lines {
            // Whether the row has as many fields as it should: the mark of its end is where it then stands.
            let mut count = self.width;
            if ends.get(first + count - 1) != Some(line) {
                count = ends.iter().skip(first).take_while(|end| *end < line).count() + 1;
            }
            let Some(fields) = ends.get_mut(first..first + count) else { break };
            let end = base + *line as usize;
            if end > start
                && text.get(end - 1) == Some(&b'\r')
                && let Some(last) = fields.last_mut()
            {
                *last -= 1;
            }
            parsed.lines += 1;
            let cells = Cells { text, base, start, ends: fields, quoted };
            if count == self.width {
                match self.record(&cells, place, memory, &mut parsed.records) {
                    Ok(Read::Record) => {}
                    Ok(Read::Skipped) => parsed.skipped += 1,
                    Err(fault) => self.reject(&cells, fault, memory, parsed),
                }
            } else {
                self.read_odd(&cells, false, place, memory, parsed);
            }
            first += count;
            start = end + 1;
        }
        start
    }

    #[expect(clippy::too_many_arguments, reason = "the state of one loop, handed on")]
    fn read_patient(
        &self,
        text: &[u8],
        start: usize,
        place: u64,
        row: Row,
        ends: &mut [u32],
        memory: &mut Memory,
        parsed: &mut Parsed,
    ) {
        parsed.lines += u64::from(row.lines);
        let continued = u64::from(row.lines) - 1;
        let ends = without_return(text, start, row.end, ends);
        let cells = Cells { text, base: start, start, ends, quoted: true };
        if ends.len() == self.width {
            match self.record(&cells, place, memory, &mut parsed.records) {
                Ok(Read::Record) => {}
                Ok(Read::Skipped) => parsed.skipped += 1,
                Err(fault) => {
                    // The row is named by its first line.
                    parsed.lines -= continued;
                    self.reject(&cells, fault, memory, parsed);
                    parsed.lines += continued;
                }
            }
        } else {
            self.read_odd(&cells, row.open, place, memory, parsed);
        }
        parsed.continued += continued;
    }

    /// A row with another number of fields: empty ones at its end do no harm.
    #[cold]
    fn read_odd(&self, cells: &Cells<'_>, open: bool, place: u64, memory: &mut Memory, parsed: &mut Parsed) {
        let fits = cells.ends.len() > self.width
            && (self.width..cells.ends.len())
                .all(|column| bare(cells.get(u16::try_from(column).unwrap_or(NOWHERE))).is_empty());
        let wrong = if open { Wrong::OpenQuote } else { Wrong::Columns };
        let ends = cells.ends.get(..self.width).filter(|_| fits);
        let read = match ends {
            Some(ends) => self.record(&Cells { ends, ..*cells }, place, memory, &mut parsed.records),
            None => Err(Fault { wrong, column: None }),
        };
        match read {
            Ok(Read::Record) => {}
            Ok(Read::Skipped) => parsed.skipped += 1,
            Err(fault) => self.reject(cells, fault, memory, parsed),
        }
    }

    /// Puts the record of one row to the others.
    #[inline(always)]
    fn record(
        &self,
        cells: &Cells<'_>,
        place: u64,
        memory: &mut Memory,
        records: &mut Vec<Record>,
    ) -> Result<Read, Fault> {
        let columns = &self.columns;
        let mut flags = 0;
        if columns.kind != NOWHERE {
            let kind = bare(cells.get(columns.kind));
            if words::is_one_of(kind, &self.skipped) {
                return Ok(Read::Skipped);
            }
            if words::is_one_of(kind, &self.interim) {
                flags |= flag::INTERIM;
            }
        }
        let given = Given {
            start: self.start(cells, memory)?,
            answer: self.other_time(cells, columns.answer, memory)?,
            end: self.other_time(cells, columns.end, memory)?,
            talk: self.span(cells, columns.talk, self.spans.talk)?,
            total: self.other_span(cells, columns.total, self.spans.total)?,
            ring: self.other_span(cells, columns.ring, self.spans.ring)?,
            billed: self.span(cells, columns.billed, self.spans.billed)?,
            answered: if columns.disposition == NOWHERE {
                None
            } else {
                words::answered(cells.get(columns.disposition), &self.answered)
            },
            says_answer: columns.answer != NOWHERE,
        };
        let meant = match given.meant() {
            // A mark that the call goes on, as BroadWorks writes it: without an end, so without a length.
            Err(Wrong::NoSpan) if flags & flag::INTERIM != 0 => return Ok(Read::Skipped),
            meant => meant.map_err(|wrong| self.blame(wrong))?,
        };
        flags |= meant.flags;
        // What stood before the caller's digits says nothing.
        let caller = self.party(cells, columns.caller, None)?;
        let callee = self.party(cells, columns.callee, Some((&mut memory.techs, &mut flags)))?;
        if callee.is_none() && flags & flag::ATTEMPT == 0 {
            return Err(fault(Wrong::NoCallee, columns.callee));
        }
        let amount = self.decimal(cells, columns.amount)?;
        flags |= amount.decimals << flag::DECIMALS_SHIFT;
        let rate = self.decimal(cells, columns.rate)?;
        if columns.currency != NOWHERE {
            flags |= self.currency(cells, memory)? << flag::CURRENCY_SHIFT;
        }
        let (id_from, id_to) = cells.at(columns.call_id);
        records.push(Record {
            caller,
            callee,
            start_ms: meant.start_ms,
            amount: amount.value,
            rate: rate.value,
            place: place + cells.start as u64,
            talk_ms: meant.talk_ms,
            billed_s: if given.billed == ABSENT_32 { ABSENT_32 } else { (given.billed + 500) / 1000 },
            ring_ms: meant.ring_ms,
            call_id: if id_from == id_to { 0 } else { words::identity(cells.text, id_from, id_to) },
            flags,
            gateway: name(cells, columns.gateway, &mut memory.gateways),
            account: name(cells, columns.account, &mut memory.accounts),
        });
        Ok(Read::Record)
    }

    #[inline(always)]
    fn start(&self, cells: &Cells<'_>, memory: &mut Memory) -> Result<i64, Fault> {
        let columns = &self.columns;
        if columns.start == NOWHERE && columns.date != NOWHERE {
            let read = memory.times.split(cells.get(columns.date), cells.get(columns.time_of_day));
            return read.map_err(|wrong| {
                fault(wrong, if wrong == Wrong::NoTimeOfDay { columns.time_of_day } else { columns.date })
            });
        }
        self.time(cells, columns.start, memory)
    }

    #[inline(always)]
    fn time(&self, cells: &Cells<'_>, column: u16, memory: &mut Memory) -> Result<i64, Fault> {
        if column == NOWHERE {
            return Ok(ABSENT);
        }
        let (from, to) = cells.at(column);
        memory.times.read(cells.text, from, to).map_err(|wrong| fault(wrong, column))
    }

    #[inline(always)]
    fn span(&self, cells: &Cells<'_>, column: u16, style: SpanStyle) -> Result<u32, Fault> {
        if column == NOWHERE {
            return Ok(ABSENT_32);
        }
        let (from, to) = cells.at(column);
        span::read(cells.text, from, to, style, self.decimals).map_err(|wrong| fault(wrong, column))
    }

    /// As [`RowReader::time`], for columns that most files have not: their code stays out of the way.
    #[inline(always)]
    fn other_time(&self, cells: &Cells<'_>, column: u16, memory: &mut Memory) -> Result<i64, Fault> {
        #[inline(never)]
        fn read(
            reader: &RowReader,
            cells: &Cells<'_>,
            column: u16,
            memory: &mut Memory,
        ) -> Result<i64, Fault> {
            reader.time(cells, column, memory)
        }
        if column == NOWHERE { Ok(ABSENT) } else { read(self, cells, column, memory) }
    }

    /// As [`RowReader::span`], likewise.
    #[inline(always)]
    fn other_span(&self, cells: &Cells<'_>, column: u16, style: SpanStyle) -> Result<u32, Fault> {
        #[inline(never)]
        fn read(reader: &RowReader, cells: &Cells<'_>, column: u16, style: SpanStyle) -> Result<u32, Fault> {
            reader.span(cells, column, style)
        }
        if column == NOWHERE { Ok(ABSENT_32) } else { read(self, cells, column, style) }
    }

    #[inline(always)]
    fn party(
        &self,
        cells: &Cells<'_>,
        column: u16,
        techs: Option<(&mut Counted, &mut u32)>,
    ) -> Result<Number, Fault> {
        let (from, to) = cells.at(column);
        if from == to {
            return Ok(Number::NONE);
        }
        if let Some(number) = number::plain(cells.text, from, to) {
            return Ok(number);
        }
        let raw = cells.text.get(from..to).unwrap_or_default();
        any_party(raw, techs).map_err(|wrong| fault(wrong, column))
    }

    #[inline(always)]
    fn decimal(&self, cells: &Cells<'_>, column: u16) -> Result<decimal::Decimal, Fault> {
        const NONE: decimal::Decimal = decimal::Decimal { value: ABSENT, decimals: 0 };
        let (from, to) = cells.at(column);
        if from == to {
            return Ok(NONE);
        }
        if let Some(read) = decimal::plain(cells.text, from, to, self.decimals.point) {
            return Ok(read);
        }
        let read = decimal::any(cells.text.get(from..to).unwrap_or_default(), self.decimals);
        read.map(|read| read.unwrap_or(NONE)).map_err(|wrong| fault(wrong, column))
    }

    /// Its number plus one; 0 for none.
    fn currency(&self, cells: &Cells<'_>, memory: &mut Memory) -> Result<u32, Fault> {
        let (from, to) = cells.at(self.columns.currency);
        if from == to {
            return Ok(0);
        }
        let raw = cells.text.get(from..to).unwrap_or_default();
        if let Some(number) = memory.currencies.known(raw) {
            return Ok(u32::from(number) + 1);
        }
        let name = words::currency(raw);
        if name.is_empty() || super::field::is_blank(name.as_bytes()) {
            return Ok(0);
        }
        match memory.currencies.named(raw, &name) {
            Some(number) => Ok(u32::from(number) + 1),
            None => Err(fault(Wrong::Currencies, self.columns.currency)),
        }
    }

    /// The column that is to blame where it took several to find out.
    fn blame(&self, wrong: Wrong) -> Fault {
        let column = match wrong {
            Wrong::EndBeforeAnswer | Wrong::LongSpan => self.columns.end,
            _ => NOWHERE,
        };
        fault(wrong, column)
    }
}

#[cold]
#[inline(never)]
fn any_party(raw: &[u8], techs: Option<(&mut Counted, &mut u32)>) -> Result<Number, Wrong> {
    let party = number::any(&words::unquoted(raw))?;
    if !party.tech.is_empty()
        && let Some((techs, flags)) = techs
        && let Some(number) = techs.number(&party.tech, 0, party.tech.len())
    {
        *flags |= (u32::from(number) + 1) << flag::TECH_SHIFT;
    }
    Ok(party.number)
}

#[inline(always)]
fn name(cells: &Cells<'_>, column: u16, names: &mut Counted) -> u16 {
    let (from, to) = cells.at(column);
    if from == to { NO_NAME } else { names.number(cells.text, from, to).unwrap_or(NO_NAME) }
}

/// The ends of a row's fields without the carriage return before its line end.
fn without_return<'a>(text: &[u8], start: usize, end: usize, ends: &'a mut [u32]) -> &'a [u32] {
    if end > start
        && text.get(end - 1) == Some(&b'\r')
        && let Some(last) = ends.last_mut()
    {
        *last -= 1;
    }
    ends
}
