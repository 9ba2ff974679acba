//! One sheet being written, row by row: cells of every kind, formulas with their values.

use linesman_cdr::Money;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet, XlsxError};

use super::super::calls::Cell;

/// How cells look.
pub(super) struct Formats {
    pub(super) plain: Format,
    pub(super) text: Format,
    pub(super) wrapped: Format,
    pub(super) header: Format,
    pub(super) title: Format,
    pub(super) note: Format,
    pub(super) count: Format,
    pub(super) seconds: Format,
    pub(super) instant: Format,
    pub(super) money: Format,
    pub(super) total: Format,
    pub(super) total_money: Format,
    pub(super) total_count: Format,
}

impl Formats {
    pub(super) fn new(decimals: u32) -> Self {
        let zeros = "0".repeat(decimals as usize);
        let money = if zeros.is_empty() { "#,##0".to_owned() } else { format!("#,##0.{zeros}") };
        let bold = || Format::new().set_bold().set_border_top(FormatBorder::Thin);
        Self {
            plain: Format::new(),
            text: Format::new().set_num_format("@"),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            header: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_background_color(Color::RGB(0x00DD_E6F0))
                .set_border_bottom(FormatBorder::Thin),
            title: Format::new().set_bold().set_font_size(14),
            note: Format::new().set_italic().set_font_color(Color::RGB(0x0055_5555)),
            count: Format::new().set_num_format("#,##0"),
            seconds: Format::new().set_num_format("#,##0.###"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            money: Format::new().set_num_format(&money),
            total: bold(),
            total_money: bold().set_num_format(&money),
            total_count: bold().set_num_format("#,##0"),
        }
    }
}

/// Most characters that a cell of a workbook takes, with some room.
const MOST_CHARACTERS: usize = 32_000;

/// What XML cannot hold is left out, what a cell cannot hold is cut.
fn clean(text: &str) -> String {
    let allowed = |sign: &char| !sign.is_control() && !matches!(sign, '\u{fffe}' | '\u{ffff}');
    text.chars()
        .map(|sign| if sign == '\t' { ' ' } else { sign })
        .filter(allowed)
        .take(MOST_CHARACTERS)
        .collect()
}

/// An amount as a workbook holds it: the nearest double to its decimal.
pub(super) fn double(money: Money) -> f64 {
    money.show(0).parse().unwrap_or(0.0)
}

/// A milliseconds' instant as spreadsheets count.
fn serial(ms: i64) -> f64 {
    ms as f64 / 86_400_000.0 + 25_569.0
}

/// A column's letters.
pub(super) fn letters(column: usize) -> String {
    let mut rest = column;
    let mut text = String::new();
    loop {
        text.insert(0, char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        if rest < 26 {
            return text;
        }
        rest = rest / 26 - 1;
    }
}

/// A sheet and the row that is next.
pub(super) struct Page<'a> {
    pub(super) sheet: &'a mut Worksheet,
    pub(super) formats: &'a Formats,
    pub(super) row: u32,
}

impl<'a> Page<'a> {
    /// A new sheet; a big one is written through to a file row by row.
    pub(super) fn new(
        workbook: &'a mut Workbook,
        formats: &'a Formats,
        name: &str,
        big: bool,
    ) -> Result<Self, XlsxError> {
        let sheet =
            if big { workbook.add_worksheet_with_constant_memory()? } else { workbook.add_worksheet() };
        sheet.set_name(name)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_footer(format!("&L{}&R&P / &N", name.replace('&', "&&")));
        Ok(Self { sheet, formats, row: 0 })
    }

    /// Sets how wide the columns are.
    pub(super) fn widths(&mut self, widths: &[f64]) -> Result<(), XlsxError> {
        for (column, width) in (0u16..).zip(widths) {
            self.sheet.set_column_width(column, *width)?;
        }
        Ok(())
    }

    /// Writes the header of a table, which stays in sight.
    pub(super) fn header(&mut self, names: &[String]) -> Result<(), XlsxError> {
        for (column, name) in (0u16..).zip(names) {
            self.sheet.write_string_with_format(self.row, column, name, &self.formats.header)?;
        }
        self.row += 1;
        self.sheet.set_freeze_panes(self.row, 0)?;
        self.sheet.set_repeat_rows(self.row - 1, self.row - 1)?;
        Ok(())
    }

    /// Puts a filter on the table whose header is at `header`, over the rows until here.
    pub(super) fn filter(&mut self, header: u32, columns: usize) -> Result<(), XlsxError> {
        let last = u16::try_from(columns.saturating_sub(1)).unwrap_or(u16::MAX);
        if self.row > header + 1 {
            self.sheet.autofilter(header, 0, self.row - 1, last)?;
        }
        Ok(())
    }

    /// Writes one value.
    pub(super) fn cell(&mut self, column: usize, cell: &Cell) -> Result<(), XlsxError> {
        let (row, place, formats) = (self.row, u16::try_from(column).unwrap_or(u16::MAX), self.formats);
        match cell {
            Cell::Empty => {}
            Cell::Text(text) => {
                self.sheet.write_string_with_format(row, place, clean(text), &formats.text)?;
            }
            Cell::Count(count) => {
                self.sheet.write_number_with_format(row, place, *count as f64, &formats.count)?;
            }
            Cell::Millis(ms) => {
                self.sheet.write_number_with_format(row, place, *ms as f64 / 1000.0, &formats.seconds)?;
            }
            Cell::Instant(ms) => {
                self.sheet.write_number_with_format(row, place, serial(*ms), &formats.instant)?;
            }
            Cell::Money(money) => {
                self.sheet.write_number_with_format(row, place, double(*money), &formats.money)?;
            }
        }
        Ok(())
    }

    /// Writes text in a format of its own.
    pub(super) fn text(&mut self, column: usize, text: &str, format: &Format) -> Result<(), XlsxError> {
        let place = u16::try_from(column).unwrap_or(u16::MAX);
        self.sheet.write_string_with_format(self.row, place, clean(text), format)?;
        Ok(())
    }

    /// Writes a formula with the value that it has.
    pub(super) fn formula(
        &mut self,
        column: usize,
        formula: &str,
        value: &str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let place = u16::try_from(column).unwrap_or(u16::MAX);
        let formula = Formula::new(formula).set_result(value);
        self.sheet.write_formula_with_format(self.row, place, formula, format)?;
        Ok(())
    }

    /// A formula whose value is an amount.
    pub(super) fn money(&mut self, column: usize, formula: &str, value: Money) -> Result<(), XlsxError> {
        let format = &self.formats.money;
        self.formula(column, formula, &value.show(0), format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_lettered_as_spreadsheets_do() {
        assert_eq!(
            [0, 25, 26, 27, 51, 52, 701, 702].map(letters),
            ["A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]
        );
    }

    #[test]
    fn what_xml_cannot_hold_does_not_reach_it() {
        assert_eq!(clean("a\u{0}b\u{1b}[2Jc\u{ffff}\td"), "ab[2Jc d");
    }
}
