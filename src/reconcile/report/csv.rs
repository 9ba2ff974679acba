//! All differing calls, and all kept rejected lines, as CSV for spreadsheets: UTF-8 with BOM, CRLF,
//! and no field that a spreadsheet would take for a formula.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use linesman_cdr::Money;
use linesman_cdr::record::Side;

use super::calls::{COLUMNS, Cell, View};
use super::sentence;
use super::words::Language;
use super::{Calls, figures};

/// Opens a file with the mark of UTF-8 and its header.
fn open(path: &Path, header: &[String]) -> io::Result<csv::Writer<BufWriter<File>>> {
    let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
    file.write_all("\u{feff}".as_bytes())?;
    let mut to = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
    to.write_record(header)?;
    Ok(to)
}

/// Columns under their own names, or in the reader's words where those are not English.
fn header(columns: &[&str], language: Language) -> Vec<String> {
    let name = |column: &&str| match language {
        Language::English => (*column).to_owned(),
        Language::Chinese => language.word(&format!("column.{column}")),
    };
    columns.iter().map(name).collect()
}

/// Writes every differing call.
pub(crate) fn differences(path: &Path, view: &View<'_>, calls: &mut Calls<'_>) -> io::Result<()> {
    let mut to = open(path, &header(&COLUMNS, view.language))?;
    let decimals = figures::decimals(view.finished);
    let mut number = 0;
    calls.each(&mut |detail| {
        number += 1;
        let row = view.row(number, detail);
        to.write_record(row.cells.iter().map(|cell| text(cell, decimals)))?;
        Ok(())
    })?;
    to.flush()
}

/// Writes the lines that are no records; a last row of a side says where not all were kept.
pub(crate) fn rejected(path: &Path, view: &View<'_>) -> io::Result<()> {
    let counts = &view.finished.outcome.counts;
    let all = [counts.rejected_ours, counts.rejected_theirs];
    let columns = ["side", "line", "column", "reason", "text"];
    let mut to = open(path, &header(&columns, view.language))?;
    for side in Side::BOTH {
        let code = sentence::tag(&side);
        let who = if view.codes { code } else { view.language.word(&format!("side.{code}")) };
        for rejection in &view.finished.rejections[side.index()] {
            to.write_record([
                who.clone(),
                rejection.line.to_string(),
                rejection.column.map(|column| column.to_string()).unwrap_or_default(),
                harmless(sentence::reason(rejection, view.language)),
                harmless(&rejection.text),
            ])?;
        }
        let kept = view.finished.rejections[side.index()].len() as u64;
        if kept < all[side.index()] {
            let values = [("count", &*figures::count(kept)), ("all", &*figures::count(all[side.index()]))];
            let said = view.language.say("sheets.rejected_capped", &values);
            to.write_record([who.clone(), String::new(), String::new(), said, String::new()])?;
        }
    }
    to.flush()
}

fn text(cell: &Cell, decimals: u32) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => harmless(text),
        Cell::Count(count) => count.to_string(),
        Cell::Millis(ms) => Money(i128::from(*ms) * 1_000_000).show(0),
        Cell::Instant(ms) => figures::instant(*ms),
        Cell::Money(money) => money.show(decimals),
    }
}

/// A text that no spreadsheet takes for a formula: what begins like one gets an apostrophe, unless
/// it is a plain number. Control characters become spaces.
#[must_use]
pub fn harmless(text: &str) -> String {
    let text: String =
        text.chars().map(|sign| if sign.is_control() && sign != '\t' { ' ' } else { sign }).collect();
    let text = text.as_str();
    let risky = |sign: char| matches!(sign, '=' | '+' | '-' | '@' | '\t' | '＝' | '＋' | '－' | '＠');
    let first = text.trim_start_matches([' ', '\u{a0}', '\u{feff}', '\u{200b}', '"', '\'']).chars().next();
    if text.starts_with(risky) || first.is_some_and(risky) {
        if is_number(text) { text.to_owned() } else { format!("'{text}") }
    } else {
        text.to_owned()
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    plain(whole) && plain(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_disarmed_and_numbers_stay() {
        for formula in ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "-", "+8613#"]
        {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("\r=1\u{1b}[2J"), "' =1 [2J");
        for plain in ["-1.5", "+8613800000001", "", "8613", "a=b", "2026-04-03 00:00:03", "10.0.0.1"] {
            assert_eq!(harmless(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn nothing_leaves_that_begins_like_a_formula(text in "\\PC{0,12}|[=+@\\-\t\r ][ -~]{0,8}") {
            let safe = harmless(&text);
            prop_assert!(is_number(&safe) || !safe.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert!(safe.ends_with(&text.replace('\r', " ")));
        }
    }
}
