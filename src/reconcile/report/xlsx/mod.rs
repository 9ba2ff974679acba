//! The workbook: sums that the reader can check by its own formulas, then the proof call by call.
//!
//! Every formula is written with its value, so that what does not calculate shows it too. Phone
//! numbers are text, amounts are numbers with the contract's decimals. Text of the files is written
//! as text, never as a formula.

mod calls;
mod sheet;
mod tables;

use std::io;
use std::path::Path;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::calls::View;
use super::overview::{Overview, Sheet};
use super::{Calls, figures};
use sheet::Formats;

/// What all sheets are written from.
pub(crate) struct Book<'a> {
    view: &'a View<'a>,
    overview: &'a Overview,
    formats: Formats,
    decimals: u32,
}

/// Writes the workbook.
pub(crate) fn write(
    path: &Path,
    view: &View<'_>,
    overview: &Overview,
    calls: &mut Calls<'_>,
) -> io::Result<()> {
    fill(view, overview, calls, |book| book.save(path)).map_err(io::Error::other)
}

fn fill(
    view: &View<'_>,
    overview: &Overview,
    calls: &mut Calls<'_>,
    save: impl FnOnce(&mut Workbook) -> Result<(), XlsxError>,
) -> Result<(), XlsxError> {
    let decimals = figures::decimals(view.finished);
    let book = Book { view, overview, formats: Formats::new(decimals), decimals };
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(view)?);
    tables::summary(&book, &mut workbook)?;
    tables::causes(&book, &mut workbook)?;
    tables::breakdowns(&book, &mut workbook)?;
    for sheet in [Sheet::Differences, Sheet::OnlyOurs, Sheet::OnlyTheirs, Sheet::Duplicates] {
        calls::sheet(&book, &mut workbook, sheet, calls)?;
    }
    tables::rejected(&book, &mut workbook)?;
    tables::deck(&book, &mut workbook)?;
    tables::method(&book, &mut workbook)?;
    save(&mut workbook)
}

/// The document's own facts; its date is the end of the period, so that equal runs make equal files.
fn properties(view: &View<'_>) -> Result<DocProperties, XlsxError> {
    let ends = view.finished.inputs.iter().filter_map(|input| input.period_ms.map(|[_, end]| end));
    let end_s = ends.max().unwrap_or(0).clamp(0, 253_402_300_799_000) / 1000;
    Ok(DocProperties::new()
        .set_title(view.language.word("title.report"))
        .set_author("Linesman")
        .set_creation_datetime(&ExcelDateTime::from_timestamp(end_s)?))
}

#[cfg(test)]
mod tests;
