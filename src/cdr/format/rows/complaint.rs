//! What is said about a row that is no record. Seldom needed, so it may take its time.

use super::{Cells, Fault, MOST_REJECTIONS, Memory, Money, NOWHERE, Parsed, Rejection, RowReader, Wrong};
use crate::format::{SpanStyle, TimeStyle};
use crate::record::{ABSENT, ABSENT_32};

use crate::format::field::bare;
use crate::format::field::wrong::Found;

/// Characters of a line that are shown.
const LINE_SHOWN: usize = 240;
/// Characters of a field that are shown.
const FIELD_SHOWN: usize = 60;

impl RowReader {
    /// Counts a row that is no record, and keeps it with the reason; a line without anything in it is
    /// only blank.
    #[cold]
    #[inline(never)]
    pub(super) fn reject(&self, cells: &Cells<'_>, fault: Fault, memory: &mut Memory, parsed: &mut Parsed) {
        let end = cells.ends.last().map_or(cells.start, |end| cells.base + *end as usize);
        let line = cells.text.get(cells.start..end).unwrap_or_default();
        let drawn =
            |byte: &u8| *byte == self.delimiter || byte.is_ascii_whitespace() || b"\"+-=_|".contains(byte);
        if line.iter().all(drawn) {
            parsed.blank += 1;
            return;
        }
        if self.is_header_again(cells) || is_comment(line) {
            parsed.skipped += 1;
            return;
        }
        // What else stands in a row of the wrong width stands in the wrong column.
        let in_place = !matches!(fault.wrong, Wrong::Columns | Wrong::OpenQuote);
        let amount = self.amount(cells).ok().filter(|_| in_place);
        let amount = amount.map(|read| read.value).filter(|value| *value != ABSENT);
        let amount = amount.map(|value| Money(i128::from(value)));
        let talk_ms = self.talk(cells).filter(|_| in_place);
        parsed.rejected += 1;
        parsed.rejected_amount += amount.unwrap_or(Money::ZERO);
        parsed.rejected_talk_ms += u64::from(talk_ms.unwrap_or(0));
        let _ = memory;
        if parsed.rejections.len() >= MOST_REJECTIONS {
            return;
        }
        let field = fault.column.map(|column| shortened(cells.get(column), FIELD_SHOWN)).unwrap_or_default();
        let column = fault.column.map(|column| self.column_name(column)).unwrap_or_default();
        let found = Found {
            field: &field,
            column: &column,
            fields: cells.ends.len(),
            columns: self.width,
            decimal: char::from(self.decimals.point),
            time: time_example(self.style),
            span: span_example(self.span_style(fault.column)),
        };
        parsed.rejections.push(Rejection {
            line: parsed.lines,
            column: fault.column.map(|column| u32::from(column) + 1),
            reason: fault.wrong.in_english(&found),
            reason_zh: fault.wrong.in_chinese(&found),
            text: shortened(line, LINE_SHOWN),
            amount,
            talk_ms,
        });
    }

    /// Whether a row is the header's, as it stands again where daily files were put one after the other,
    /// or CUCM's line of types below it.
    fn is_header_again(&self, cells: &Cells<'_>) -> bool {
        if self.header.len() < 3 || cells.ends.len() < self.header.len() {
            return false;
        }
        let field = |column: usize| bare(cells.get(u16::try_from(column).unwrap_or(NOWHERE)));
        let same = |(column, name): (usize, &String)| field(column) == bare(name.as_bytes());
        let is_type =
            |column: usize| std::str::from_utf8(field(column)).is_ok_and(crate::format::words::is_type_name);
        self.header.iter().enumerate().all(same) || (0..self.header.len()).all(is_type)
    }

    fn talk(&self, cells: &Cells<'_>) -> Option<u32> {
        let columns = &self.columns;
        let read = |column, style| self.span(cells, column, style).ok().filter(|ms| *ms != ABSENT_32);
        read(columns.talk, self.spans.talk)
            .or_else(|| read(columns.total, self.spans.total))
            .or_else(|| read(columns.billed, self.spans.billed))
    }

    fn column_name(&self, column: u16) -> String {
        match self.header.get(usize::from(column)) {
            Some(name) if !name.trim().is_empty() => shortened(name.as_bytes(), FIELD_SHOWN),
            _ => format!("#{}", u32::from(column) + 1),
        }
    }

    fn span_style(&self, column: Option<u16>) -> SpanStyle {
        let (columns, spans) = (&self.columns, &self.spans);
        match column {
            Some(column) if column == columns.total => spans.total,
            Some(column) if column == columns.ring => spans.ring,
            Some(column) if column == columns.billed => spans.billed,
            _ => spans.talk,
        }
    }
}

/// Whether a line that is no record is a remark: `# …`, `// …`, `-- …`.
fn is_comment(line: &[u8]) -> bool {
    let after = [b"#".as_slice(), b"//", b"--"].iter().find_map(|sign| line.trim_ascii().strip_prefix(*sign));
    after.is_some_and(|after| after.first().is_none_or(|byte| *byte == b' ' || byte.is_ascii_alphabetic()))
}

const fn time_example(style: TimeStyle) -> &'static str {
    match style {
        TimeStyle::YearFirst => "2026-04-03 00:00:03",
        TimeStyle::DayFirst => "03.04.2026 00:00:03",
        TimeStyle::MonthFirst => "04/03/2026 12:00:03 AM",
        TimeStyle::Compact => "20260403000003",
        TimeStyle::EpochSeconds => "1775174403",
        TimeStyle::EpochMillis => "1775174403000",
        TimeStyle::EpochMicros => "1775174403000000",
        TimeStyle::SpreadsheetDays => "46115.000035",
    }
}

const fn span_example(style: SpanStyle) -> &'static str {
    match style {
        SpanStyle::Seconds => "61",
        SpanStyle::Colons => "1:01",
        SpanStyle::Millis => "61000",
        SpanStyle::Micros => "61000000",
        SpanStyle::Minutes => "1.02",
    }
}

/// Text to show: at most so many characters, in one line.
fn shortened(text: &[u8], most: usize) -> String {
    let text = text.get(..text.len().min(most * 4)).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let mut shown: String = text
        .chars()
        .map(|sign| if sign.is_control() && sign != '\t' { ' ' } else { sign })
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}
