//! Where rows and fields end: a pass over whole blocks that marks every delimiter and line end,
//! and a patient scanner, row by row, for text whose quotes are not strictly placed.
//!
//! A quote opens only at the beginning of a field. Inside, a doubled quote is one quote, and a quote
//! closes only before a delimiter, a line end or the end of the text; any other is taken as it is.
//! A row over several lines counts only when it then has the right number of fields, and ends within
//! [`MOST_QUOTED`] bytes; otherwise one stray quote would swallow every row after it, so its first line
//! stands alone and reading goes on with the next.

use memchr::{memchr, memchr2, memrchr};
use wide::u8x16;

/// Text that is marked in one go; it and its marks stay in the nearest cache.
pub const BLOCK: usize = 16 * 1024;
/// Bytes after a row's beginning within which an open quote must close.
pub const MOST_QUOTED: usize = 64 * 1024;
/// What some programs put before UTF-8 text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Marks of one block: where fields and rows end, counted from the block's beginning.
#[derive(Debug, Default)]
pub struct Marks {
    ends: Places,
    lines: Places,
    quoted: bool,
}

/// Places in a block, in order.
#[derive(Debug, Default)]
struct Places {
    at: Vec<u32>,
    filled: usize,
}

impl Places {
    /// None, with room for all of a block.
    fn clear(&mut self) {
        self.filled = 0;
        if self.at.is_empty() {
            self.at.resize(BLOCK + 128, 0);
        }
    }

    fn push(&mut self, place: u32) {
        if let Some(slot) = self.at.get_mut(self.filled) {
            *slot = place;
            self.filled += 1;
        }
    }

    /// The places of the bits that are set, counted from `from`, which is a multiple of 64. So many are written
    /// at a time, needed or not: their number is hard to foretell, and a jump for each is dear.
    #[inline(always)]
    fn push_bits<const AT_ONCE: usize>(&mut self, mut bits: u64, from: u32) -> bool {
        let mut at = self.filled;
        self.filled += bits.count_ones() as usize;
        loop {
            let Some(slots) = self.at.get_mut(at..).and_then(<[u32]>::first_chunk_mut::<AT_ONCE>) else {
                return false;
            };
            for slot in slots {
                // Trailing zeros would do, but compilers count those of several numbers at once, in a way
                // that takes longer.
                *slot = (from | 63).wrapping_sub((bits & bits.wrapping_neg()).leading_zeros());
                bits &= bits.wrapping_sub(1);
            }
            at += AT_ONCE;
            if bits == 0 {
                return true;
            }
        }
    }
}

/// What a block is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Its rows are marked.
    Marked,
    /// Quotes stand where they should not, or a row is not whole in it: rows must be scanned one by one.
    Patient,
}

impl Marks {
    /// The byte before the block, ends of all fields, line ends among them; how many of these hold; and ends
    /// of the rows.
    pub fn both(&mut self) -> (&mut [u32], usize, &[u32]) {
        (&mut self.ends.at, self.ends.filled, self.lines.at.get(..self.lines.filled).unwrap_or_default())
    }

    /// End of the last row.
    pub fn last_line(&self) -> Option<u32> {
        self.lines.at.get(self.lines.filled.checked_sub(1)?).copied()
    }

    /// Whether any quote stands in the block.
    pub const fn quoted(&self) -> bool {
        self.quoted
    }

    /// Marks the block of `text` that begins at `from`, which is the beginning of a row.
    pub fn mark(&mut self, text: &[u8], from: usize, delimiter: u8) -> Block {
        self.mark_by(text, from, delimiter, &masks)
    }

    /// As [`Marks::mark`], with a way to find the marks of 64 bytes.
    #[inline(always)]
    pub fn mark_by(
        &mut self,
        text: &[u8],
        from: usize,
        delimiter: u8,
        masks: &impl Fn(&[u8; 64], u8) -> Masks,
    ) -> Block {
        self.ends.clear();
        self.ends.push(u32::MAX);
        self.lines.clear();
        self.quoted = false;
        let rest = text.get(from..).unwrap_or_default();
        let block = rest.get(..BLOCK).unwrap_or(rest);
        let mut quotes = Quotes { inside: 0, follows: 1, closed: 0 };
        let mut at = 0;
        let mut chunks = block.chunks_exact(64);
        for chunk in chunks.by_ref() {
            let Ok(chunk) = <&[u8; 64]>::try_from(chunk) else { return Block::Patient };
            if !self.mark_64(chunk, at, masks(chunk, delimiter), &mut quotes) {
                return Block::Patient;
            }
            at += 64;
        }
        let tail = chunks.remainder();
        if !tail.is_empty() {
            let mut padded = [0_u8; 64];
            for (to, byte) in padded.iter_mut().zip(tail) {
                *to = *byte;
            }
            if tail.last() == Some(&b'"') {
                // The end of the text is as good as a delimiter, which the padding is not.
                return Block::Patient;
            }
            if !self.mark_64(&padded, at, masks(&padded, delimiter), &mut quotes) {
                return Block::Patient;
            }
        }
        if block.len() == rest.len() {
            if quotes.inside != 0 || quotes.closed != 0 {
                return Block::Patient;
            }
            let end = block.len() as u32;
            if block.last().is_some_and(|last| *last != b'\n') {
                self.ends.push(end);
                self.lines.push(end);
            }
        }
        if self.lines.filled == 0 { Block::Patient } else { Block::Marked }
    }

    #[inline(always)]
    fn mark_64(&mut self, chunk: &[u8; 64], at: usize, masks: Masks, quotes: &mut Quotes) -> bool {
        let (mut fields, lines, quote) = masks;
        if quote != 0 || quotes.inside != 0 || quotes.closed != 0 {
            self.quoted = true;
            let returns = mask_of(chunk, b'\r');
            let Some(inside) = quotes.strictly(quote, fields, returns) else { return false };
            if lines & inside != 0 {
                return false;
            }
            fields &= !inside;
        } else {
            quotes.follows = fields >> 63;
        }
        let at = at as u32;
        self.ends.push_bits::<8>(fields, at) && self.lines.push_bits::<2>(lines, at)
    }
}

/// What is known of quotes at the end of a chunk: all ones when inside, 1 when a quote may open next,
/// 1 when a quote closed last.
struct Quotes {
    inside: u64,
    follows: u64,
    closed: u64,
}

impl Quotes {
    /// Which bytes stand inside quotes; `None` when a quote stands where strict text has none.
    fn strictly(&mut self, quote: u64, fields: u64, returns: u64) -> Option<u64> {
        let mut inside = quote;
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.inside;
        let ends = fields & !inside;
        let opened = quote & inside;
        let closed = quote & !inside;
        let may_open = (ends | quote) << 1 | self.follows;
        let must_end = closed << 1 | self.closed;
        if opened & !may_open != 0 || must_end & !(ends | quote | returns) != 0 {
            return None;
        }
        self.follows = (ends | quote) >> 63;
        self.closed = closed >> 63;
        self.inside = if inside >> 63 == 1 { u64::MAX } else { 0 };
        Some(inside)
    }
}

/// Of 64 bytes those that are delimiters or line ends, line ends, and quotes.
pub type Masks = (u64, u64, u64);

/// [`masks`] in the instructions of a newer processor.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn masks_avx2(avx2: fearless_simd::Avx2, chunk: &[u8; 64], delimiter: u8) -> Masks {
    use fearless_simd::prelude::*;
    let (delimiters, ends, quotes) = (
        fearless_simd::u8x32::splat(avx2, delimiter),
        fearless_simd::u8x32::splat(avx2, b'\n'),
        fearless_simd::u8x32::splat(avx2, b'"'),
    );
    let [low, high] = chunk.as_chunks::<32>().0 else { return (0, 0, 0) };
    let half = |bytes: &[u8; 32]| {
        let bytes = fearless_simd::u8x32::from_slice(avx2, bytes);
        let line = bytes.simd_eq(ends);
        let field = bytes.simd_eq(delimiters) | line;
        (field.to_bitmask(), line.to_bitmask(), bytes.simd_eq(quotes).to_bitmask())
    };
    let (low, high) = (half(low), half(high));
    (low.0 | high.0 << 32, low.1 | high.1 << 32, low.2 | high.2 << 32)
}

/// The marks of 64 bytes, on any processor.
#[inline(always)]
pub fn masks(chunk: &[u8; 64], delimiter: u8) -> Masks {
    let (delimiters, ends, quotes) = (u8x16::splat(delimiter), u8x16::splat(b'\n'), u8x16::splat(b'"'));
    let (mut fields, mut lines, mut quoted) = (0_u64, 0_u64, 0_u64);
    for (part, bytes) in chunk.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let line = bytes.simd_eq(ends);
        let field = bytes.simd_eq(delimiters) | line;
        fields |= u64::from(field.to_bitmask()) << (part * 16);
        lines |= u64::from(line.to_bitmask()) << (part * 16);
        quoted |= u64::from(bytes.simd_eq(quotes).to_bitmask()) << (part * 16);
    }
    (fields, lines, quoted)
}

fn mask_of(chunk: &[u8; 64], byte: u8) -> u64 {
    let wanted = u8x16::splat(byte);
    chunk.as_chunks::<16>().0.iter().enumerate().fold(0, |mask, (part, bytes)| {
        mask | u64::from(u8x16::new(*bytes).simd_eq(wanted).to_bitmask()) << (part * 16)
    })
}

/// One row, found patiently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Where its line end stands, or the end of the text.
    pub end: usize,
    /// Lines it takes.
    pub lines: u32,
    /// A quote is opened in it and not closed.
    pub open: bool,
    /// More text could change what it is.
    pub undecided: bool,
}

/// Scans the row of `text` that begins at `start`, and leaves the ends of its fields, counted from
/// `start`, in `ends`.
pub fn patient_row(text: &[u8], start: usize, delimiter: u8, columns: usize, ends: &mut Vec<u32>) -> Row {
    let rest = text.get(start..).unwrap_or_default();
    let bounded = rest.get(..MOST_QUOTED).unwrap_or(rest);
    let at_end = bounded.len() == rest.len();
    let line = memchr(b'\n', rest).unwrap_or(rest.len());
    let line_open = line == rest.len();
    if memchr(b'"', rest.get(..line).unwrap_or_default()).is_none() {
        fields_of_line(rest, line, delimiter, ends);
        return Row { end: start + line, lines: 1, open: false, undecided: line_open };
    }
    let mut undecided = line_open;
    let closed = quoted_fields(bounded, delimiter, ends, None);
    if let Some(end) = closed.filter(|end| at_end || *end < bounded.len()) {
        let lines = 1 + memchr::memchr_iter(b'\n', rest.get(..end).unwrap_or_default()).count();
        // A closing quote at the end of the text may turn out to be the first of two.
        undecided |= at_end && end == rest.len();
        if lines == 1 || ends.len() == columns {
            return Row {
                end: start + end,
                lines: u32::try_from(lines).unwrap_or(u32::MAX),
                open: false,
                undecided,
            };
        }
    } else {
        undecided |= at_end;
    }
    let open = quoted_fields(rest, delimiter, ends, Some(line)).is_none();
    Row { end: start + line, lines: 1, open, undecided }
}

fn fields_of_line(rest: &[u8], line: usize, delimiter: u8, ends: &mut Vec<u32>) {
    ends.clear();
    let within = rest.get(..line).unwrap_or_default();
    ends.extend(memchr::memchr_iter(delimiter, within).map(|end| end as u32));
    ends.push(line as u32);
}

/// Fields of a row that may have quotes; `None` when one stays open. With `line`, nothing beyond that end
/// counts, and an open quote is taken as it is: the fields are there all the same.
fn quoted_fields(rest: &[u8], delimiter: u8, ends: &mut Vec<u32>, line: Option<usize>) -> Option<usize> {
    ends.clear();
    let text = rest.get(..line.unwrap_or(rest.len())).unwrap_or_default();
    let mut at = 0;
    let mut open = false;
    loop {
        let mut from = at;
        if text.get(at) == Some(&b'"') {
            match closing_quote(text, at, delimiter) {
                Some(close) => from = close + 1,
                None if line.is_none() => return None,
                None => open = true,
            }
        }
        let tail = text.get(from..).unwrap_or_default();
        let Some(next) = memchr2(delimiter, b'\n', tail).map(|next| from + next) else {
            ends.push(text.len() as u32);
            return if open { None } else { Some(text.len()) };
        };
        ends.push(next as u32);
        if text.get(next) == Some(&b'\n') {
            return if open { None } else { Some(next) };
        }
        at = next + 1;
    }
}

/// The quote that closes the one at `open`.
fn closing_quote(text: &[u8], open: usize, delimiter: u8) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let quote = at + memchr(b'"', text.get(at..)?)?;
        match text.get(quote + 1) {
            Some(b'"') => at = quote + 2,
            None | Some(b'\n' | b'\r') => return Some(quote),
            Some(next) if *next == delimiter => return Some(quote),
            Some(_) => at = quote + 1,
        }
    }
}

/// Where the last whole row of `text`, which begins with a row, ends (after its line end); 0 when
/// it holds none.
pub fn last_row_end(text: &[u8], delimiter: u8, columns: usize) -> usize {
    // Without quotes it is the last line end, and that is all there is to it for most files.
    let Some(first_quote) = memchr(b'"', text) else {
        return memrchr(b'\n', text).map_or(0, |end| end + 1);
    };
    let marked = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let before = memrchr(b'\n', text.get(..first_quote).unwrap_or_default());
    let mut last = before.map_or(0, |end| end + 1);
    let mut at = last.max(marked);
    let mut marks = Marks::default();
    let mut ends = Vec::new();
    while at < text.len() {
        // A block that reaches the end of the text ends with a row that more text could change.
        if text.len() - at > BLOCK && marks.mark(text, at, delimiter) == Block::Marked {
            let Some(end) = marks.last_line() else { break };
            at += end as usize + 1;
            last = at;
            continue;
        }
        let stop = at + BLOCK;
        while at < stop.min(text.len()) {
            let row = patient_row(text, at, delimiter, columns, &mut ends);
            if row.undecided {
                return last;
            }
            at = row.end + 1;
            last = at;
        }
    }
    last
}
