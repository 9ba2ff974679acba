//! The short way from a row to its record, for rows as nearly all are: the right number of fields, none of
//! them odd. It reads from a window of fixed size around the row, so that no load has to be checked against
//! the end of the text; whatever it does not expect it leaves to the patient way, which must come to the same.

use super::cells::Cells;
use super::record::name;
use super::{Memory, NOWHERE, RowReader};
use crate::format::SpanStyle;
use crate::format::assemble::{Given, Meant};
use crate::format::field::{POWERS, ZEROS, all_digits, decimal, eight_digits, span, words};
use crate::number::Number;
use crate::record::{ABSENT, ABSENT_32, Record, flag};

#[cfg(test)]
mod tests;

/// Longest row that is read so; a load from any place in it ends inside the window.
const LONGEST: usize = 1000;
/// Places of a row within the window, a power of two.
const PLACES: usize = 1024;
/// Bytes of the window before the row and after its last place.
const AROUND: usize = 16;
/// Bytes of a window.
const WINDOW: usize = AROUND + PLACES + AROUND;
/// Ends of fields that are looked at, a power of two: the one before the row and those of its columns.
pub(super) const ENDS: usize = 32;

/// Of sixteen bytes in two words, those that hold the last so many.
const LAST: [(u64, u64); 17] = {
    let mut masks = [(0, 0); 17];
    let mut count = 1;
    while count <= 16 {
        masks[count] = if count <= 8 {
            (0, u64::MAX << (64 - 8 * count))
        } else {
            (u64::MAX << (128 - 8 * count), u64::MAX)
        };
        count += 1;
    }
    masks
};

/// A row with what stands around it. Places count from the row's beginning.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8; WINDOW],
    ends: &'a [u32; ENDS],
    /// Where the row begins, as `ends` count.
    origin: u32,
    quoted: bool,
}

impl Window<'_> {
    /// Where a field begins and ends, without its quotes.
    #[inline(always)]
    fn field(&self, column: u16) -> (usize, usize) {
        let column = usize::from(column);
        let from = self.ends[column % ENDS].wrapping_add(1).wrapping_sub(self.origin) as usize;
        let to = self.ends[(column + 1) % ENDS].wrapping_sub(self.origin) as usize;
        if self.quoted && to >= from + 2 && self.byte(from) == b'"' && self.byte(to - 1) == b'"' {
            return (from + 1, to - 1);
        }
        (from, to)
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.bytes[at % PLACES + AROUND]
    }

    /// The eight bytes from a place on.
    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        let at = at % PLACES + AROUND;
        self.bytes[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// The last of the sixteen bytes before a place that belong to a field of `count` bytes, as digits less
    /// their zeros; `None` when it is longer.
    #[inline(always)]
    fn before(&self, to: usize, count: usize) -> Option<(u64, u64)> {
        let (high_mask, low_mask) = *LAST.get(count)?;
        let at = to % PLACES;
        let high = self.bytes[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let low = self.bytes[at + 8..at + 16].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Some(((high ^ ZEROS) & high_mask, (low ^ ZEROS) & low_mask))
    }

    #[inline(always)]
    fn party(&self, column: u16) -> Option<Number> {
        if column == NOWHERE {
            return Some(Number::NONE);
        }
        let (from, to) = self.field(column);
        if from == to {
            return Some(Number::NONE);
        }
        let from = from + usize::from(self.byte(from) == b'+');
        let count = to - from;
        let (high, low) = self.before(to, count)?;
        if !all_digits(high) | !all_digits(low) {
            return None;
        }
        Number::from_digits(eight_digits(high) * 100_000_000 + eight_digits(low), count as u32)
    }

    /// Digits with the decimal sign, if any, among the last eight characters.
    #[inline(always)]
    fn decimal(&self, column: u16, point: u8) -> Option<decimal::Decimal> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const NONE: decimal::Decimal = decimal::Decimal { value: ABSENT, decimals: 0 };
        if column == NOWHERE {
            return Some(NONE);
        }
        let (from, to) = self.field(column);
        let count = to - from;
        if count == 0 {
            return Some(NONE);
        }
        let (high, mut low) = self.before(to, count)?;
        let differs = low ^ (ONES * u64::from(point ^ b'0'));
        let found = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
        let (mut scale, mut decimals) = (100_000_000, 0);
        if found != 0 {
            if count == 1 {
                return None;
            }
            // What stands before the sign moves up into its place.
            let at = found.trailing_zeros() & !7;
            low = (low & (u64::MAX << at << 8)) | ((low & ((1 << at) - 1)) << 8);
            (scale, decimals) = (10_000_000, (56 - at as usize) / 8);
        }
        if !all_digits(low) {
            return None;
        }
        let mut value = eight_digits(low);
        if count > 8 {
            if !all_digits(high) {
                return None;
            }
            value += eight_digits(high) * scale;
        }
        let value = (value as i64).checked_mul(POWERS[9 - decimals])?;
        Some(decimal::Decimal { value, decimals: decimals as u32 })
    }
}

impl RowReader {
    /// Whether rows of this layout can be read so.
    pub(super) const fn is_brisk(&self) -> bool {
        let columns = &self.columns;
        self.width < ENDS && columns.kind == NOWHERE && columns.start != NOWHERE
    }

    /// Whether the only moment is the beginning, and the conversation is given.
    pub(super) const fn is_bare(&self) -> bool {
        let columns = &self.columns;
        columns.talk != NOWHERE
            && columns.answer == NOWHERE
            && columns.end == NOWHERE
            && columns.total == NOWHERE
            && columns.ring == NOWHERE
            && columns.disposition == NOWHERE
    }

    /// Puts the record of a row to the others if it is as it should be; `false` leaves it to
    /// [`RowReader::record`]. `ends` begins with the end of the row before.
    #[inline(always)]
    pub(super) fn brisk(
        &self,
        cells: &Cells<'_>,
        ends: &[u32; ENDS],
        end: usize,
        place: u64,
        memory: &mut Memory,
        records: &mut Vec<Record>,
    ) -> bool {
        let Some(bytes) = cells.start.checked_sub(AROUND).and_then(|from| cells.text.get(from..)) else {
            return false;
        };
        let Some(bytes) = bytes.first_chunk::<WINDOW>().filter(|_| end - cells.start <= LONGEST) else {
            return false;
        };
        let origin = (cells.start - cells.base) as u32;
        let window = Window { bytes, ends, origin, quoted: cells.quoted };
        match self.brisk_record(cells, &window, place, memory) {
            Some(record) => {
                records.push(record);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn brisk_record(
        &self,
        cells: &Cells<'_>,
        window: &Window<'_>,
        place: u64,
        memory: &mut Memory,
    ) -> Option<Record> {
        let columns = &self.columns;
        let start = self.brisk_time(cells, window, columns.start, memory)?;
        let talk = self.brisk_span(cells, window, columns.talk, self.spans.talk)?;
        let billed = self.brisk_span(cells, window, columns.billed, self.spans.billed)?;
        let meant = if self.bare && start != ABSENT && talk != ABSENT_32 {
            let attempt = u32::from(talk == 0) * flag::ATTEMPT;
            let fine = (u32::from(talk % 1000 != 0) * flag::FINE_TALK)
                | (u32::from(start % 1000 != 0) * flag::FINE_TIME);
            Meant { start_ms: start, talk_ms: talk, ring_ms: ABSENT_32, flags: attempt | fine }
        } else {
            self.brisk_meaning(cells, window, start, talk, billed, memory)?
        };
        let mut flags = meant.flags;
        let caller = window.party(columns.caller)?;
        let callee = window.party(columns.callee)?;
        if callee.is_none() && flags & flag::ATTEMPT == 0 {
            return None;
        }
        let amount = window.decimal(columns.amount, self.decimals.point)?;
        flags |= amount.decimals << flag::DECIMALS_SHIFT;
        let rate = window.decimal(columns.rate, self.decimals.point)?;
        if columns.currency != NOWHERE {
            flags |= self.currency(cells, memory).ok()? << flag::CURRENCY_SHIFT;
        }
        let call_id = if columns.call_id == NOWHERE {
            0
        } else {
            let (from, to) = window.field(columns.call_id);
            if from == to { 0 } else { words::identity(cells.text, cells.start + from, cells.start + to) }
        };
        Some(Record {
            caller,
            callee,
            start_ms: meant.start_ms,
            amount: amount.value,
            rate: rate.value,
            place: place + cells.start as u64,
            talk_ms: meant.talk_ms,
            billed_s: if billed == ABSENT_32 { ABSENT_32 } else { (billed + 500) / 1000 },
            ring_ms: meant.ring_ms,
            call_id,
            flags,
            gateway: name(cells, columns.gateway, &mut memory.gateways),
            account: name(cells, columns.account, &mut memory.accounts),
        })
    }

    /// What several times and durations of one row mean together.
    #[inline(never)]
    fn brisk_meaning(
        &self,
        cells: &Cells<'_>,
        window: &Window<'_>,
        start: i64,
        talk: u32,
        billed: u32,
        memory: &mut Memory,
    ) -> Option<Meant> {
        let columns = &self.columns;
        let given = Given {
            start,
            answer: self.brisk_time(cells, window, columns.answer, memory)?,
            end: self.brisk_time(cells, window, columns.end, memory)?,
            talk,
            total: self.brisk_span(cells, window, columns.total, self.spans.total)?,
            ring: self.brisk_span(cells, window, columns.ring, self.spans.ring)?,
            billed,
            answered: if columns.disposition == NOWHERE {
                None
            } else {
                words::answered(cells.get(columns.disposition), &self.answered)
            },
            says_answer: columns.answer != NOWHERE,
        };
        given.meant().ok()
    }

    #[inline(always)]
    fn brisk_time(
        &self,
        cells: &Cells<'_>,
        window: &Window<'_>,
        column: u16,
        memory: &mut Memory,
    ) -> Option<i64> {
        if column == NOWHERE {
            return Some(ABSENT);
        }
        let (from, to) = window.field(column);
        if to - from == 19 {
            let words = [window.word(from), window.word(from + 8), window.word(from + 11)];
            if let Some(ms) = memory.times.nineteen_known(words) {
                return Some(ms);
            }
        }
        memory.times.read(cells.text, cells.start + from, cells.start + to).ok()
    }

    #[inline(always)]
    fn brisk_span(
        &self,
        cells: &Cells<'_>,
        window: &Window<'_>,
        column: u16,
        style: SpanStyle,
    ) -> Option<u32> {
        if column == NOWHERE {
            return Some(ABSENT_32);
        }
        let (from, to) = window.field(column);
        let count = to - from;
        if count == 0 {
            return Some(ABSENT_32);
        }
        if count <= 8 && matches!(style, SpanStyle::Seconds | SpanStyle::Millis) {
            let (_, low) = window.before(to, count)?;
            if all_digits(low) {
                let unit = if matches!(style, SpanStyle::Seconds) { 1000 } else { 1 };
                let ms = eight_digits(low) * unit;
                return if ms <= u64::from(span::LONGEST_MS) { Some(ms as u32) } else { None };
            }
        }
        span::read(cells.text, cells.start + from, cells.start + to, style, self.decimals).ok()
    }
}
