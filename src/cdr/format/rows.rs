//! Reads rows: the columns that matter, in one pass, without an allocation for a usual row.
//!
//! A reader is made once from a [`Layout`] and may be used from many threads; each piece of text is read
//! by itself. Files, and cutting them into pieces at [`RowReader::cut`], are the caller's.

use super::field::words::Counted;
use super::field::zone::Clock;
use super::field::{Fault, Wrong, bare, decimal, time, words};
use super::scan::{self, Block, Marks, Row};
use super::{Layout, Parsed, Rejection, TimeStyle, Zone};
use crate::Money;
use crate::record::{NO_NAME, Names, Record};
use brisk::Window;
use cells::Cells;
pub use columns::LayoutError;
use columns::{Columns, Spans};

mod brisk;
mod cells;
mod columns;
mod complaint;
mod record;
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
    /// Whether amounts are written as negative ones.
    credits: bool,
    /// Whether rows can be read by the short way, and whether their only moment is the beginning.
    brisk: bool,
    bare: bool,
}

/// What reading one piece remembers from row to row.
struct Memory {
    times: time::Times,
    gateways: Counted,
    accounts: Counted,
    currencies: Counted,
    techs: Counted,
    /// The currency that came last, as it is written, and its number plus one.
    currency: ((u64, usize), u32),
    /// Room for the blocks at the edges of a text.
    space: Vec<u8>,
}

/// What became of a row that is no fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Record,
    Skipped,
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
            |column: u16| layout.spans.get(usize::from(column)).copied().unwrap_or(super::SpanStyle::Seconds);
        let mut reader = Self {
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
            credits: layout.credits,
            brisk: false,
            bare: false,
        };
        (reader.brisk, reader.bare) = (reader.is_brisk(), reader.is_bare());
        Ok(reader)
    }

    /// Reads a piece of text that begins with a row and ends with one. `base` is its place in the whole text:
    /// where that is 0, the piece begins with the lines of the header, all of them.
    #[must_use]
    pub fn read(&self, text: &[u8], base: u64) -> Parsed {
        let mut parsed = Parsed::default();
        self.read_into(text, base, &mut parsed, |_| ());
        parsed
    }

    /// As [`RowReader::read`], into what an earlier piece has left behind, whose memory is used again. All
    /// records are shown once, a block at a time while they are at hand.
    pub fn read_into(&self, text: &[u8], base: u64, parsed: &mut Parsed, seen: impl FnMut(&[Record])) {
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
            currency: ((0, 0), 0),
            space: Vec::new(),
        };
        self.read_rows_fast(text, base, &mut memory, parsed, seen);
        parsed.names = Names {
            gateways: memory.gateways.into_names(),
            accounts: memory.accounts.into_names(),
            currencies: memory.currencies.into_names(),
            techs: memory.techs.into_names(),
        };
    }

    /// [`RowReader::read_rows`], in the instructions of a newer processor where this is one.
    fn read_rows_fast(
        &self,
        text: &[u8],
        base: u64,
        memory: &mut Memory,
        parsed: &mut Parsed,
        seen: impl FnMut(&[Record]),
    ) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
            use fearless_simd::Simd as _;
            avx2.vectorize(
                #[inline(always)]
                || {
                    self.read_rows(text, base, memory, parsed, seen, |chunk, sign| {
                        scan::masks_avx2(avx2, chunk, sign)
                    })
                },
            );
            return;
        }
        self.read_rows(text, base, memory, parsed, seen, scan::masks);
    }

    #[inline(always)]
    fn read_rows(
        &self,
        text: &[u8],
        base: u64,
        memory: &mut Memory,
        parsed: &mut Parsed,
        mut seen: impl FnMut(&[Record]),
        masks: impl Fn(&[u8; 64], u8) -> scan::Masks,
    ) {
        let mut at = if base == 0 { self.after_header(text, parsed) } else { 0 };
        let mut marks = Marks::default();
        let mut ends = Vec::new();
        let mut shown = 0;
        while at < text.len() {
            if marks.mark_by(text, at, self.delimiter, &masks) == Block::Marked {
                at = self.read_marked(text, at, base, &mut marks, memory, parsed);
            } else {
                let stop = at + scan::BLOCK;
                while at < stop.min(text.len()) {
                    let row = scan::patient_row(text, at, self.delimiter, self.width, &mut ends);
                    self.read_patient(text, at, base, row, &mut ends, memory, parsed);
                    at = row.end + 1;
                }
            }
            seen(parsed.records.get(shown..).unwrap_or_default());
            shown = parsed.records.len();
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
        let (ends, filled, lines) = marks.both();
        let mut space = std::mem::take(&mut memory.space);
        let window = if self.brisk { Window::of(text, base, &mut space) } else { None };
        // What is before the first row stands first.
        let (mut first, mut start) = (1, base);
        for line in lines {
            // Whether the row has as many fields as it should: the mark of its end is where it then stands.
            let mut count = self.width;
            if first + count > filled || ends.get(first + count - 1) != Some(line) {
                count = ends.iter().skip(first).take_while(|end| *end < line).count() + 1;
            }
            let end = base + *line as usize;
            let returned = end > start && text.get(end - 1) == Some(&b'\r');
            if returned && let Some(last) = ends.get_mut(first + count - 1) {
                *last -= 1;
            }
            parsed.lines += 1;
            let Some(fields) = ends.get(first..first + count) else { break };
            let cells = Cells { text, base, start, ends: fields, quoted };
            if count == self.width {
                let near = ends.get(first - 1..).and_then(<[u32]>::first_chunk);
                let read = match (window, near) {
                    (Some(window), Some(near)) if quoted => {
                        self.brisk::<true>(&cells, window, near, place, memory, &mut parsed.records)
                    }
                    (Some(window), Some(near)) => {
                        self.brisk::<false>(&cells, window, near, place, memory, &mut parsed.records)
                    }
                    _ => false,
                };
                if !read {
                    self.read_plain(&cells, place, memory, parsed);
                }
            } else {
                self.read_odd(&cells, false, place, memory, parsed);
            }
            if returned && let Some(last) = ends.get_mut(first + count - 1) {
                *last += 1;
            }
            first += count;
            start = end + 1;
        }
        memory.space = space;
        start
    }

    /// A row with the right number of fields that the short way leaves alone.
    #[inline(never)]
    fn read_plain(&self, cells: &Cells<'_>, place: u64, memory: &mut Memory, parsed: &mut Parsed) {
        match self.record(cells, place, memory, &mut parsed.records) {
            Ok(Read::Record) => {}
            Ok(Read::Skipped) => parsed.skipped += 1,
            Err(fault) => self.reject(cells, fault, memory, parsed),
        }
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
