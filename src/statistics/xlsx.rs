//! The report as a workbook: one sheet of figures and suggestions, one of every ticket.

use chrono::Datelike as _;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::Month;
use super::tables::{Cell, Table, Tables};

/// Most characters that a cell takes, with some room.
const MOST_CHARACTERS: usize = 32_000;
/// Most rows of cases; a sheet ends at 1,048,576.
const MOST_ROWS: usize = 1_000_000;

/// How cells look.
struct Formats {
    title: Format,
    note: Format,
    head: Format,
    text: Format,
    count: Format,
    good: Format,
    bad: Format,
    strong: Format,
}

impl Formats {
    fn new() -> Self {
        let text = || Format::new().set_num_format("@").set_text_wrap().set_align(FormatAlign::Top);
        Self {
            title: Format::new().set_bold().set_font_size(14),
            note: Format::new().set_italic().set_font_color(Color::RGB(0x0055_5555)),
            head: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_background_color(Color::RGB(0x00DD_E6F0))
                .set_border_bottom(FormatBorder::Thin),
            text: text(),
            count: Format::new().set_num_format("#,##0").set_align(FormatAlign::Top),
            good: text().set_bold().set_font_color(Color::RGB(0x000B_5D1E)),
            bad: text().set_bold().set_font_color(Color::RGB(0x00A4_0000)),
            strong: Format::new().set_bold(),
        }
    }
}

/// The workbook; equal reports make equal files.
///
/// # Errors
/// When a sheet does not hold what is written.
pub fn workbook(report: &Tables, month: Month) -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut workbook = Workbook::new();
    let begins = month.period().from;
    let dated = ExcelDateTime::from_ymd(
        u16::try_from(begins.year()).unwrap_or(1970),
        u8::try_from(begins.month()).unwrap_or(1),
        1,
    )?;
    workbook.set_properties(&DocProperties::new().set_title(&report.title).set_creation_datetime(&dated));
    let sheet = page(&mut workbook, &report.sheet, &[44.0, 8.0, 24.0, 20.0, 12.0, 10.0])?;
    let mut row = 0;
    sheet.write_string_with_format(row, 0, clean(&report.title), &formats.title)?;
    row += 1;
    for note in &report.notes {
        sheet.write_string_with_format(row, 0, clean(note), &formats.note)?;
        row += 1;
    }
    for each in &report.tables {
        row += 1;
        row = table(sheet, row, each, &report.nothing, &formats)?;
    }
    row += 1;
    sheet.write_string_with_format(row, 0, clean(&report.advice_title), &formats.strong)?;
    for advice in &report.advice {
        row += 1;
        sheet.write_string(row, 0, clean(advice))?;
    }
    let sheet = page(&mut workbook, &report.cases.title, &[18.0, 14.0, 20.0, 34.0, 14.0, 18.0, 18.0])?;
    let last = table(sheet, 0, &report.cases, &report.nothing, &formats)?;
    if !report.cases.rows.is_empty() {
        let columns = u16::try_from(report.cases.columns.len()).unwrap_or(1);
        sheet.autofilter(1, 0, last - 1, columns - 1)?;
        sheet.set_freeze_panes(2, 0)?;
    }
    workbook.save_to_buffer()
}

fn page<'w>(workbook: &'w mut Workbook, name: &str, widths: &[f64]) -> Result<&'w mut Worksheet, XlsxError> {
    let sheet = workbook.add_worksheet();
    sheet.set_name(name)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    for (column, width) in (0_u16..).zip(widths) {
        sheet.set_column_width(column, *width)?;
    }
    Ok(sheet)
}

/// Writes a table with its title from a row on; the row after it.
fn table(
    sheet: &mut Worksheet,
    from: u32,
    table: &Table,
    nothing: &str,
    formats: &Formats,
) -> Result<u32, XlsxError> {
    let mut row = from;
    sheet.write_string_with_format(row, 0, clean(&table.title), &formats.strong)?;
    row += 1;
    for (column, head) in (0_u16..).zip(&table.columns) {
        sheet.write_string_with_format(row, column, clean(head), &formats.head)?;
    }
    row += 1;
    if table.rows.is_empty() {
        sheet.write_string_with_format(row, 0, clean(nothing), &formats.note)?;
        return Ok(row + 1);
    }
    for cells in table.rows.iter().take(MOST_ROWS) {
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                // Counts of a month are far below what a double holds exactly.
                Cell::Count(number) => {
                    sheet.write_number_with_format(row, column, *number as f64, &formats.count)?
                }
                Cell::Text(text) => {
                    sheet.write_string_with_format(row, column, clean(text), &formats.text)?
                }
                Cell::Good(text) => {
                    sheet.write_string_with_format(row, column, clean(text), &formats.good)?
                }
                Cell::Bad(text) => sheet.write_string_with_format(row, column, clean(text), &formats.bad)?,
            };
        }
        row += 1;
    }
    Ok(row)
}

/// What XML cannot hold is left out, what a cell cannot hold is cut.
fn clean(text: &str) -> String {
    let allowed = |sign: &char| !sign.is_control() && !matches!(sign, '\u{fffe}' | '\u{ffff}');
    text.chars().filter(allowed).take(MOST_CHARACTERS).collect()
}
