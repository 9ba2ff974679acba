//! Sheets with one call a row: both sides' values, the correct one, and formulas between them.

use std::io;

use linesman_cdr::Money;
use linesman_cdr::outcome::CallDetail;
use linesman_cdr::rating::{BlockRule, Rounding};
use rust_xlsxwriter::{Url, Workbook, XlsxError};

use super::super::calls::{COLUMNS, Cell, Row, place};
use super::super::overview::Sheet;
use super::super::workings::Working;
use super::super::{Calls, DIFFERENCES, figures};
use super::Book;
use super::sheet::{Page, letters};

/// Rows of calls in one sheet; a spreadsheet ends at 1,048,576.
const MOST_ROWS: u64 = 1_000_000;
/// From so many rows on a sheet is written through to a file.
const BIG: u64 = 1_000;

/// Columns whose sums stand below them.
const SUMMED: [&str; 7] = [
    "amount_ours",
    "amount_theirs",
    "amount_correct",
    "delta_ours",
    "delta_theirs",
    "difference",
    "unexplained",
];

/// Writes the sheet of one kind of calls.
pub(super) fn sheet(
    book: &Book<'_>,
    workbook: &mut Workbook,
    sheet: Sheet,
    calls: &mut Calls<'_>,
) -> Result<(), XlsxError> {
    let counts = book.overview.counts;
    let (key, count) = match sheet {
        Sheet::Differences => ("sheet.differences", counts.differences),
        Sheet::OnlyOurs => ("sheet.only_ours", counts.only_ours),
        Sheet::OnlyTheirs => ("sheet.only_theirs", counts.only_theirs),
        Sheet::Duplicates => ("sheet.duplicates", counts.duplicates),
    };
    let columns = columns(sheet);
    let language = book.view.language;
    let mut page = Page::new(workbook, &book.formats, &language.word(key), count > BIG)?;
    let widths: Vec<f64> = columns.iter().map(|column| width(column)).collect();
    page.widths(&widths)?;
    if count > MOST_ROWS {
        let values =
            [("count", &*figures::count(MOST_ROWS)), ("all", &*figures::count(count)), ("file", DIFFERENCES)];
        let url =
            Url::new(format!("external:{DIFFERENCES}")).set_text(language.say("sheets.capped", &values));
        page.sheet.write_url(page.row, 0, url)?;
        page.row += 1;
    }
    let names: Vec<String> =
        columns.iter().map(|column| language.word(&format!("column.{column}"))).collect();
    let header = page.row;
    page.header(&names)?;
    if count == 0 {
        page.text(0, &language.word("sheets.no_rows"), &book.formats.note)?;
        return Ok(());
    }
    let mut number = 0;
    let mut written = 0;
    let mut sums = [Money::ZERO; SUMMED.len()];
    let mut failed = None;
    calls
        .each(&mut |detail| {
            number += 1;
            if Sheet::of(detail) != sheet || written >= MOST_ROWS {
                return Ok(());
            }
            let row = book.view.row(number, detail);
            for (sum, column) in sums.iter_mut().zip(SUMMED) {
                if let Some(Cell::Money(money)) = row.cells.get(place(column)) {
                    *sum += *money;
                }
            }
            written += 1;
            line(&mut page, &columns, detail, &row).map_err(|error| {
                let said = io::Error::other(error.to_string());
                failed = Some(error);
                said
            })
        })
        .map_err(|error| failed.take().unwrap_or(XlsxError::IoError(error)))?;
    page.filter(header, columns.len())?;
    totals(book, &mut page, &columns, header, &sums)
}

/// Columns that have something to say on a sheet.
fn columns(sheet: Sheet) -> Vec<&'static str> {
    let other = match sheet {
        Sheet::OnlyOurs => "_theirs",
        Sheet::OnlyTheirs => "_ours",
        Sheet::Differences | Sheet::Duplicates => return COLUMNS.to_vec(),
    };
    let of_other = |column: &str| column.ends_with(other) || column.contains(&format!("{other}_"));
    COLUMNS.into_iter().filter(|column| !of_other(column) && *column != "dt_s").collect()
}

fn width(column: &str) -> f64 {
    match column {
        "number" | "dt_s" | "initial" | "increment" | "currency" | "deck_line" => 9.0,
        "causes" | "destination" => 26.0,
        _ if column.starts_with("start") => 20.0,
        _ if column.starts_with("call") || column.contains("gateway") => 18.0,
        _ => 13.0,
    }
}

fn line(page: &mut Page<'_>, columns: &[&str], detail: &CallDetail, row: &Row) -> Result<(), XlsxError> {
    let at = |name: &str| columns.iter().position(|column| *column == name);
    let reference = |name: &str| at(name).map(|column| format!("{}{}", letters(column), page.row + 1));
    let plain = |working: &&Working| working.is_charged() && working.is_plain();
    let formulas = row.working.as_ref().filter(plain).and_then(|working| correct(working, &reference));
    let minus =
        |whole: &str, part: &str| Some(format!("=ROUND({}-{},9)", reference(whole)?, reference(part)?));
    let differs = match (at("amount_ours").is_some(), at("amount_theirs").is_some()) {
        (true, true) => minus("amount_theirs", "amount_ours"),
        (true, false) => reference("amount_ours").map(|cell| format!("=-{cell}")),
        (false, _) => reference("amount_theirs").map(|cell| format!("={cell}")),
    };
    let (ours, theirs) = (minus("amount_ours", "amount_correct"), minus("amount_theirs", "amount_correct"));
    for (column, name) in columns.iter().enumerate() {
        let Some(cell) = row.cells.get(place(name)) else { continue };
        let formula = match *name {
            "billed_correct" => formulas.as_ref().map(|(billed, _)| billed),
            "amount_correct" => formulas.as_ref().map(|(_, amount)| amount),
            "delta_ours" => ours.as_ref(),
            "delta_theirs" => theirs.as_ref(),
            "difference" if detail.ours.is_some() || detail.theirs.is_some() => differs.as_ref(),
            _ => None,
        };
        match (formula, cell) {
            (Some(formula), Cell::Money(value)) => page.money(column, formula, *value)?,
            (Some(formula), Cell::Count(value)) => {
                page.formula(column, formula, &value.to_string(), &page.formats.count)?;
            }
            _ => page.cell(column, cell)?,
        }
    }
    page.row += 1;
    Ok(())
}

/// Formulas of the charged seconds and the amount, from the cells of talk, blocks, rate and fee.
fn correct(working: &Working, reference: &dyn Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let (talk, initial) = (reference("talk_correct")?, reference("initial")?);
    let (increment, billed) = (reference("increment")?, reference("billed_correct")?);
    let (rate, fee) = (reference("rate_correct")?, reference("fee_correct")?);
    let seconds = match working.terms.blocks {
        BlockRule::Textbook => {
            format!("=IF({talk}<=0,0,{initial}+CEILING(MAX(0,{talk}-{initial}),MAX(1,{increment})))")
        }
        BlockRule::TotalMultiple => {
            format!("=IF({talk}<=0,0,MAX({initial},CEILING({talk},MAX(1,{increment}))))")
        }
    };
    let mut raw = format!("{billed}*{rate}/60+{fee}");
    if working.terms.minimum > 0 {
        raw = format!("MAX({},{raw})", Money(i128::from(working.terms.minimum)).show(0));
    }
    let decimals = working.terms.decimals;
    // Doubles carry dust in their last digits; it must not be rounded up.
    let amount = match working.terms.rounding {
        Rounding::HalfUp => format!("=ROUND({raw},{decimals})"),
        Rounding::Up => format!("=ROUNDUP(ROUND({raw},12),{decimals})"),
        Rounding::Down => format!("=ROUNDDOWN(ROUND({raw},12),{decimals})"),
        Rounding::HalfEven => return None,
    };
    Some((seconds, amount))
}

fn totals(
    book: &Book<'_>,
    page: &mut Page<'_>,
    columns: &[&str],
    header: u32,
    sums: &[Money],
) -> Result<(), XlsxError> {
    let (first, last) = (header + 2, page.row);
    page.text(0, &book.view.language.word("sheets.total"), &book.formats.total)?;
    for (column, name) in columns.iter().enumerate() {
        let Some(sum) = SUMMED.iter().position(|summed| summed == name).and_then(|at| sums.get(at)) else {
            continue;
        };
        let letter = letters(column);
        // Rows that a filter hides do not count.
        let formula = format!("=SUBTOTAL(109,{letter}{first}:{letter}{last})");
        page.formula(column, &formula, &sum.show(0), &book.formats.total_money)?;
    }
    Ok(())
}
