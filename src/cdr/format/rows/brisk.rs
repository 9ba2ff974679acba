//! The short way from a row to its record, for rows as nearly all are: the right number of fields, none of
//! them odd. It reads from a window of fixed size around the block, so that no load has to be checked against
//! the end of the text; whatever it does not expect it leaves to the patient way, which must come to the same.

use super::cells::Cells;
use super::scan::BLOCK;
use super::{Memory, NOWHERE, RowReader};
use crate::format::SpanStyle;
use crate::format::assemble::{Given, Meant};
use crate::format::field::words::Counted;
use crate::format::field::{POWERS, ZEROS, all_digits, decimal, eight_digits, span, words};
use crate::number::Number;
use crate::record::{ABSENT, ABSENT_32, NO_NAME, Record, flag};

#[cfg(test)]
mod tests;

/// Bytes of the window before the block and after its last place.
const AROUND: usize = 16;
/// Places of a block, its end among them, as a power of two.
const PLACES: usize = 2 * BLOCK;
/// Bytes of a window.
const WINDOW: usize = AROUND + PLACES + AROUND;
/// Ends of fields that are looked at, a power of two: the one before the row and those of its columns.
pub(super) const ENDS: usize = 32;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Of sixteen bytes, those that hold the last so many.
const LAST: [[u8; 16]; 17] = {
    let mut masks = [[0; 16]; 17];
    let mut count = 1;
    while count <= 16 {
        let mut at = 16 - count;
        while at < 16 {
            masks[count][at] = 0xff;
            at += 1;
        }
        count += 1;
    }
    masks
};

/// A block with what stands around it, so that a load from any place in it ends inside. Places count from the
/// block's beginning.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    bytes: &'a [u8; WINDOW],
    /// The text, and where in it the block begins.
    text: &'a [u8],
    base: usize,
}

impl<'a> Window<'a> {
    /// Of the block that begins at `base`; at the edges of the text a copy in `space` stands for it.
    pub(super) fn of(text: &'a [u8], base: usize, space: &'a mut Vec<u8>) -> Option<Self> {
        let around = base.checked_sub(AROUND).and_then(|from| text.get(from..)?.first_chunk());
        if let Some(bytes) = around {
            return Some(Self { bytes, text, base });
        }
        space.resize(WINDOW, 0);
        let block = text.get(base..)?;
        let block = block.get(..BLOCK).unwrap_or(block);
        space.get_mut(AROUND..AROUND + block.len())?.copy_from_slice(block);
        Some(Self { bytes: space.first_chunk()?, text, base })
    }
}

/// A row within its window.
#[derive(Clone, Copy)]
struct Row<'a, const QUOTED: bool> {
    window: Window<'a>,
    /// Ends of its fields, the one of the row before first; one more than a column can name, so that the end
    /// behind any is there.
    ends: &'a [u32; ENDS + 1],
}

impl<const QUOTED: bool> Row<'_, QUOTED> {
    /// Where a field begins and ends, without its quotes.
    #[inline(always)]
    fn field(&self, column: u16) -> (usize, usize) {
        let column = usize::from(column) % ENDS;
        let from = self.ends[column].wrapping_add(1) as usize;
        let to = self.ends[column + 1] as usize;
        if QUOTED && to >= from + 2 && self.byte(from) == b'"' && self.byte(to - 1) == b'"' {
            return (from + 1, to - 1);
        }
        (from, to)
    }

    /// A field in the text itself, for the patient ways.
    #[inline(always)]
    fn place(&self, (from, to): (usize, usize)) -> (usize, usize) {
        (self.window.base + from, self.window.base + to)
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.window.bytes[at % PLACES + AROUND]
    }

    /// The eight bytes from a place on.
    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        let at = at % PLACES + AROUND;
        self.window.bytes[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// The last of the eight bytes before a place that belong to a field of one to eight, as digits less
    /// their zeros.
    #[inline(always)]
    fn eight_before(&self, to: usize, count: usize) -> u64 {
        let at = to % PLACES + AROUND - 8;
        let word = self.window.bytes[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        (word ^ ZEROS) & (u64::MAX << ((64 - 8 * count) % 64))
    }

    /// The value of up to sixteen digits before a place; `None` when anything else stands there.
    #[inline(always)]
    fn digits_before(&self, to: usize, count: usize) -> Option<u64> {
        use wide::{i16x8, u8x16};
        let mask = LAST.get(count)?;
        let at = to % PLACES;
        let bytes = self.window.bytes[at..at + 16].first_chunk::<16>()?;
        let nine = u8x16::splat(9);
        let values = (u8x16::new(*bytes) ^ u8x16::splat(b'0')) & u8x16::new(*mask);
        if values.max(nine).simd_eq(nine).to_bitmask() != 0xffff {
            return None;
        }
        // Pairs, then fours, then eights of digits, the first in the lowest place.
        let values: i16x8 = bytemuck::cast(values);
        let pairs: i16x8 = (values & i16x8::splat(0xff)) * i16x8::splat(10) + (values >> 8_i32);
        let fours = pairs.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1]));
        let [high, low]: [u64; 2] = bytemuck::cast(fours);
        let eight = |fours: u64| fours.wrapping_mul(1 + (10_000 << 32)) >> 32;
        Some(eight(high) * 100_000_000 + eight(low))
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
        let count = to - from - usize::from(self.byte(from) == b'+');
        Number::of_digits(self.digits_before(to, count)?, count as u32)
    }

    /// Digits with the decimal sign, if any, among the last eight characters.
    #[inline(always)]
    fn decimal(&self, column: u16, point: u8) -> Option<decimal::Decimal> {
        const NONE: decimal::Decimal = decimal::Decimal { value: ABSENT, decimals: 0 };
        if column == NOWHERE {
            return Some(NONE);
        }
        let (from, to) = self.field(column);
        let count = to - from;
        if count == 0 {
            return Some(NONE);
        }
        let mut low = self.eight_before(to, count.min(8));
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
            if count > 16 {
                return None;
            }
            let high = self.eight_before(to - 8, count - 8);
            if !all_digits(high) {
                return None;
            }
            value += eight_digits(high) * scale;
        }
        let value = (value as i64).checked_mul(POWERS[9 - decimals])?;
        Some(decimal::Decimal { value, decimals: decimals as u32 })
    }

    /// Whole units of up to eight digits.
    #[inline(always)]
    fn units(&self, (from, to): (usize, usize)) -> Option<u64> {
        let count = to - from;
        if count > 8 {
            return None;
        }
        let digits = self.eight_before(to, count);
        if all_digits(digits) { Some(eight_digits(digits)) } else { None }
    }

    /// The first and the last eight bytes of a field of at most sixteen; of one of up to eight, its own alone.
    #[inline(always)]
    fn ends_of(&self, (from, to): (usize, usize)) -> (u64, u64) {
        let count = to - from;
        if count > 8 { (self.word(from), self.word(to - 8)) } else { (first(self.word(from), count), 0) }
    }

    #[inline(always)]
    fn name(&self, column: u16, names: &mut Counted) -> u16 {
        if column == NOWHERE {
            return NO_NAME;
        }
        let field = self.field(column);
        let count = field.1 - field.0;
        if count == 0 {
            return NO_NAME;
        }
        let known = if count <= 16 { names.known_by(self.ends_of(field), count) } else { None };
        if let Some(number) = known {
            return number;
        }
        let (from, to) = self.place(field);
        names.number(self.window.text, from, to).unwrap_or(NO_NAME)
    }
}

impl RowReader {
    /// Whether rows of this layout can be read so.
    pub(super) const fn is_brisk(&self) -> bool {
        let columns = &self.columns;
        self.width < ENDS && !self.credits && columns.kind == NOWHERE && columns.start != NOWHERE
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
    pub(super) fn brisk<const QUOTED: bool>(
        &self,
        cells: &Cells<'_>,
        window: Window<'_>,
        ends: &[u32; ENDS + 1],
        place: u64,
        memory: &mut Memory,
        records: &mut Vec<Record>,
    ) -> bool {
        match self.brisk_record(cells, &Row::<QUOTED> { window, ends }, place, memory) {
            Some(record) => {
                records.push(record);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn brisk_record<const QUOTED: bool>(
        &self,
        cells: &Cells<'_>,
        row: &Row<'_, QUOTED>,
        place: u64,
        memory: &mut Memory,
    ) -> Option<Record> {
        let columns = &self.columns;
        let start = self.brisk_time(row, columns.start, memory)?;
        let talk = self.brisk_span(row, columns.talk, self.spans.talk)?;
        let billed = self.brisk_billed(row)?;
        let meant = if self.bare && start != ABSENT && talk != ABSENT_32 {
            let attempt = u32::from(talk == 0) * flag::ATTEMPT;
            let fine = (u32::from(talk % 1000 != 0) * flag::FINE_TALK)
                | (u32::from(start % 1000 != 0) * flag::FINE_TIME);
            Meant { start_ms: start, talk_ms: talk, ring_ms: ABSENT_32, flags: attempt | fine }
        } else {
            self.brisk_meaning(cells, row, start, talk, memory)?
        };
        let mut flags = meant.flags;
        let caller = row.party(columns.caller)?;
        let callee = row.party(columns.callee)?;
        if callee.is_none() && flags & flag::ATTEMPT == 0 {
            return None;
        }
        let amount = row.decimal(columns.amount, self.decimals.point)?;
        flags |= amount.decimals << flag::DECIMALS_SHIFT;
        let rate = row.decimal(columns.rate, self.decimals.point)?;
        if columns.currency != NOWHERE {
            flags |= self.brisk_currency(cells, row, memory)? << flag::CURRENCY_SHIFT;
        }
        Some(Record {
            caller,
            callee,
            start_ms: meant.start_ms,
            amount: amount.value,
            rate: rate.value,
            place: place + cells.start as u64,
            talk_ms: meant.talk_ms,
            billed_s: billed,
            ring_ms: meant.ring_ms,
            call_id: brisk_identity(row, columns.call_id),
            flags,
            gateway: row.name(columns.gateway, &mut memory.gateways),
            account: row.name(columns.account, &mut memory.accounts),
        })
    }

    /// What several times and durations of one row mean together.
    #[inline(never)]
    fn brisk_meaning<const QUOTED: bool>(
        &self,
        cells: &Cells<'_>,
        row: &Row<'_, QUOTED>,
        start: i64,
        talk: u32,
        memory: &mut Memory,
    ) -> Option<Meant> {
        let columns = &self.columns;
        let given = Given {
            start,
            answer: self.brisk_time(row, columns.answer, memory)?,
            end: self.brisk_time(row, columns.end, memory)?,
            talk,
            total: self.brisk_span(row, columns.total, self.spans.total)?,
            ring: self.brisk_span(row, columns.ring, self.spans.ring)?,
            billed: self.brisk_span(row, columns.billed, self.spans.billed)?,
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
    fn brisk_time<const QUOTED: bool>(
        &self,
        row: &Row<'_, QUOTED>,
        column: u16,
        memory: &mut Memory,
    ) -> Option<i64> {
        if column == NOWHERE {
            return Some(ABSENT);
        }
        let field = row.field(column);
        let (from, to) = field;
        if to - from == 19 {
            let words = [row.word(from), row.word(from + 8), row.word(from + 11)];
            if let Some(ms) = memory.times.nineteen_known(words) {
                return Some(ms);
            }
        }
        let (from, to) = row.place(field);
        memory.times.read(row.window.text, from, to).ok()
    }

    #[inline(always)]
    fn brisk_span<const QUOTED: bool>(
        &self,
        row: &Row<'_, QUOTED>,
        column: u16,
        style: SpanStyle,
    ) -> Option<u32> {
        if column == NOWHERE {
            return Some(ABSENT_32);
        }
        let field = row.field(column);
        if field.0 == field.1 {
            return Some(ABSENT_32);
        }
        if matches!(style, SpanStyle::Seconds | SpanStyle::Millis)
            && let Some(units) = row.units(field)
        {
            let ms = units * if matches!(style, SpanStyle::Seconds) { 1000 } else { 1 };
            return if ms <= u64::from(span::LONGEST_MS) { Some(ms as u32) } else { None };
        }
        let (from, to) = row.place(field);
        span::read(row.window.text, from, to, style, self.decimals).ok()
    }

    /// Charged seconds.
    #[inline(always)]
    fn brisk_billed<const QUOTED: bool>(&self, row: &Row<'_, QUOTED>) -> Option<u32> {
        let column = self.columns.billed;
        if column == NOWHERE {
            return Some(ABSENT_32);
        }
        let field = row.field(column);
        if matches!(self.spans.billed, SpanStyle::Seconds)
            && field.0 != field.1
            && let Some(seconds) = row.units(field)
        {
            return if seconds <= u64::from(span::LONGEST_MS / 1000) { Some(seconds as u32) } else { None };
        }
        let ms = self.brisk_span(row, column, self.spans.billed)?;
        Some(if ms == ABSENT_32 { ABSENT_32 } else { (ms + 500) / 1000 })
    }

    #[inline(always)]
    fn brisk_currency<const QUOTED: bool>(
        &self,
        cells: &Cells<'_>,
        row: &Row<'_, QUOTED>,
        memory: &mut Memory,
    ) -> Option<u32> {
        let field = row.field(self.columns.currency);
        let count = field.1 - field.0;
        if count <= 8 && count > 0 && memory.currency.0 == (row.ends_of(field).0, count) {
            return Some(memory.currency.1);
        }
        let number = self.currency(cells, memory).ok()?;
        if count <= 8 && count > 0 {
            memory.currency = ((row.ends_of(field).0, count), number);
        }
        Some(number)
    }
}

#[inline(always)]
fn brisk_identity<const QUOTED: bool>(row: &Row<'_, QUOTED>, column: u16) -> u32 {
    if column == NOWHERE {
        return 0;
    }
    let field = row.field(column);
    let (from, to) = field;
    match to - from {
        0 => 0,
        length @ 8..=16 => words::short_identity(row.word(from), row.word(to - 8), length),
        _ => {
            let (from, to) = row.place(field);
            words::identity(row.window.text, from, to)
        }
    }
}

/// The first so many bytes of eight, at least one.
#[inline(always)]
const fn first(word: u64, count: usize) -> u64 {
    word & (u64::MAX >> ((64 - 8 * count) % 64))
}
