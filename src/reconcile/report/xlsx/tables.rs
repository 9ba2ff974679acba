//! The sheets that are not of single calls: summary, causes, sums, rejected lines, deck, method.

use linesman_cdr::Money;
use linesman_cdr::record::Side;
use rust_xlsxwriter::{Workbook, XlsxError};

use super::super::calls::Cell;
use super::super::figures::{self, Breakdown, Sums, money};
use super::super::sentence;
use super::super::settings::settings;
use super::super::workings::clock;
use super::Book;
use super::sheet::{Page, letters};

/// Rows of a table that is no call sheet.
const MOST_ROWS: usize = 1_000_000;
/// From so many rows on a sheet is written through to a file.
const BIG: usize = 1_000;

impl Book<'_> {
    fn word(&self, key: &str) -> String {
        self.view.language.word(key)
    }

    fn columns(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.word(&format!("column.{name}"))).collect()
    }

    fn side(&self, side: Side) -> String {
        self.word(&format!("side.{}", sentence::tag(&side)))
    }

    /// Where the causes' total stands, from another sheet.
    fn causes_total(&self) -> String {
        let row = self.view.finished.outcome.causes.len() + 2;
        format!("'{}'!{}{row}", self.word("sheet.causes"), letters(CAUSES_AMOUNT))
    }
}

/// The first sheet: what it comes to, and whether it adds up.
pub(super) fn summary(book: &Book<'_>, workbook: &mut Workbook) -> Result<(), XlsxError> {
    let finished = book.view.finished;
    let outcome = &finished.outcome;
    let (totals, counts) = (&outcome.totals, &outcome.counts);
    let language = book.view.language;
    let mut page = Page::new(workbook, &book.formats, &book.word("sheet.summary"), false)?;
    page.widths(&[44.0, 22.0, 22.0, 22.0, 60.0])?;
    page.text(0, &book.word("title.report"), &book.formats.title)?;
    page.row += 1;
    for sentence in sentence::period(finished, language) {
        page.text(0, &sentence, &book.formats.note)?;
        page.row += 1;
    }
    for sentence in sentence::verdict(outcome, book.decimals, language) {
        page.text(0, &sentence, &book.formats.plain)?;
        page.row += 1;
    }
    page.row += 1;
    let heads = ["summary.totals", "summary.records", "summary.amount", "summary.difference_to_contract"];
    for (column, key) in heads.into_iter().enumerate() {
        let text =
            if column == 2 { format!("{} ({})", book.word(key), outcome.currency) } else { book.word(key) };
        page.text(column, &text, &book.formats.header)?;
    }
    page.row += 1;
    let first = page.row + 1;
    let (ours, theirs, correct) = (format!("C{first}"), format!("C{}", first + 1), format!("C{}", first + 2));
    let rows = [
        ("summary.ours", Some(counts.ours), &totals.ours, Some((&ours, &totals.ours_minus_correct))),
        (
            "summary.theirs",
            Some(counts.theirs),
            &totals.theirs,
            Some((&theirs, &totals.theirs_minus_correct)),
        ),
        ("summary.correct", None, &totals.correct, None),
    ];
    for (key, records, amount, against) in rows {
        page.text(0, &book.word(key), &book.formats.plain)?;
        if let Some(records) = records {
            page.cell(1, &Cell::Count(i64::try_from(records).unwrap_or(i64::MAX)))?;
        }
        page.cell(2, &Cell::Money(money(amount)))?;
        if let Some((cell, value)) = against {
            page.money(3, &format!("=ROUND({cell}-{correct},9)"), money(value))?;
        }
        page.row += 1;
    }
    let difference = format!("C{}", page.row + 1);
    page.text(0, &book.word("summary.difference"), &book.formats.total)?;
    page.formula(2, &format!("=ROUND({theirs}-{ours},9)"), &totals.difference, &book.formats.total_money)?;
    page.row += 2;

    let shares: Money = outcome.causes.iter().map(|cause| money(&cause.amount)).sum();
    let unexplained = money(&outcome.unexplained);
    page.text(0, &book.word("summary.sum_of_causes"), &book.formats.plain)?;
    let causes = format!("C{}", page.row + 1);
    page.money(2, &format!("={}", book.causes_total()), shares)?;
    page.row += 1;
    page.text(0, &book.word("summary.unexplained"), &book.formats.plain)?;
    let rest = format!("C{}", page.row + 1);
    page.cell(2, &Cell::Money(unexplained))?;
    page.row += 1;
    page.text(0, &book.word("sheets.check"), &book.formats.total)?;
    let check = shares + unexplained - money(&totals.difference);
    let formula = format!("=ROUND({causes}+{rest}-{difference},{})", book.decimals);
    page.formula(2, &formula, &check.show(0), &book.formats.total_money)?;
    page.text(3, &book.word("sheets.check_ok"), &book.formats.note)?;
    page.row += 2;

    let said = [
        ("class.paired", counts.paired, 0),
        ("summary.differs", counts.amount_differs, 0),
        ("class.only_ours", counts.only_ours, 0),
        ("class.only_theirs", counts.only_theirs, 0),
        ("class.duplicate", counts.duplicates_ours, counts.duplicates_theirs),
        ("class.part", counts.parts_ours, counts.parts_theirs),
        ("sheet.rejected", counts.rejected_ours, counts.rejected_theirs),
    ];
    for (column, key) in ["summary.calls", "summary.ours", "summary.theirs"].into_iter().enumerate() {
        page.text(column, &book.word(key), &book.formats.header)?;
    }
    page.row += 1;
    for (row, (key, ours, theirs)) in said.into_iter().enumerate() {
        page.text(0, &book.word(key), &book.formats.plain)?;
        // The first four are of calls, the others of each side's records.
        let (ours, theirs) = match row {
            0 | 1 => (Some(ours), None),
            2 => (Some(ours), None),
            3 => (None, Some(ours)),
            _ => (Some(ours), Some(theirs)),
        };
        for (column, value) in [(1, ours), (2, theirs)] {
            if let Some(value) = value {
                page.cell(column, &Cell::Count(i64::try_from(value).unwrap_or(i64::MAX)))?;
            }
        }
        page.row += 1;
    }
    page.row += 1;
    if !outcome.findings.is_empty() {
        page.text(0, &book.word("summary.findings"), &book.formats.header)?;
        page.row += 1;
        for finding in &outcome.findings {
            page.text(0, &sentence::finding(finding, language), &book.formats.plain)?;
            page.row += 1;
        }
    }
    Ok(())
}

const CAUSES: [&str; 18] = [
    "number",
    "cause",
    "sentence",
    "fault",
    "prefix_bound",
    "gateway_bound",
    "account_bound",
    "destination",
    "contract",
    "used",
    "from",
    "to",
    "calls",
    "amount",
    "lowest",
    "highest",
    "mean",
    "examples",
];
/// Where the amount of a cause stands.
const CAUSES_AMOUNT: usize = 13;

/// One row a cause; their sum, and what is left, stand below.
pub(super) fn causes(book: &Book<'_>, workbook: &mut Workbook) -> Result<(), XlsxError> {
    let outcome = &book.view.finished.outcome;
    let language = book.view.language;
    let mut page = Page::new(workbook, &book.formats, &book.word("sheet.causes"), false)?;
    page.widths(&[
        6.0, 26.0, 60.0, 11.0, 12.0, 16.0, 16.0, 20.0, 14.0, 14.0, 20.0, 20.0, 10.0, 16.0, 16.0, 16.0, 16.0,
        40.0,
    ])?;
    page.header(&book.columns(&CAUSES))?;
    for (number, cause) in (1..).zip(&outcome.causes) {
        let selector = &cause.selector;
        let text = |text: &Option<String>| Cell::text(text.as_deref().unwrap_or_default());
        let short = |text: &Option<String>| {
            Cell::text(text.as_deref().map(|text| sentence::shorthand(text, language)).unwrap_or_default())
        };
        let edge = |place: usize| {
            Cell::text(
                cause.window.as_ref().map(|window| figures::rfc3339(&window[place])).unwrap_or_default(),
            )
        };
        page.cell(0, &Cell::Count(number))?;
        page.cell(1, &Cell::Text(sentence::kind(cause.kind, language)))?;
        page.text(2, &sentence::cause(cause, language), &book.formats.wrapped)?;
        let cells = [
            Cell::Text(sentence::fault(cause.at_fault, language)),
            text(&selector.prefix),
            text(&selector.gateway),
            text(&selector.account),
            text(&selector.destination),
            short(&cause.contract),
            short(&cause.used),
            edge(0),
            edge(1),
            Cell::Count(i64::try_from(cause.calls).unwrap_or(i64::MAX)),
            Cell::Money(money(&cause.amount)),
            Cell::Money(money(&cause.range[0])),
            Cell::Money(money(&cause.range[1])),
            Cell::Money(money(&cause.mean)),
            Cell::text(cause.examples.join("; ")),
        ];
        for (column, cell) in (3..).zip(&cells) {
            page.cell(column, cell)?;
        }
        page.row += 1;
    }
    page.filter(0, CAUSES.len())?;
    let (letter, last) = (letters(CAUSES_AMOUNT), page.row);
    let shares: Money = outcome.causes.iter().map(|cause| money(&cause.amount)).sum();
    let unexplained = money(&outcome.unexplained);
    page.text(1, &book.word("summary.sum_of_causes"), &book.formats.total)?;
    let sum =
        if outcome.causes.is_empty() { "=0".to_owned() } else { format!("=SUM({letter}2:{letter}{last})") };
    page.formula(CAUSES_AMOUNT, &sum, &shares.show(0), &book.formats.total_money)?;
    page.row += 1;
    page.text(1, &book.word("summary.unexplained"), &book.formats.plain)?;
    page.cell(CAUSES_AMOUNT, &Cell::Money(unexplained))?;
    page.row += 1;
    page.text(1, &book.word("summary.difference"), &book.formats.total)?;
    let formula = format!("=ROUND({letter}{}+{letter}{},9)", page.row - 1, page.row);
    page.formula(CAUSES_AMOUNT, &formula, &(shares + unexplained).show(0), &book.formats.total_money)
}

/// Sums by destination, day and gateway.
pub(super) fn breakdowns(book: &Book<'_>, workbook: &mut Workbook) -> Result<(), XlsxError> {
    let breakdown = &book.overview.breakdown;
    let or = |text: &str, key: &str| if text.is_empty() { book.word(key) } else { text.to_owned() };
    let rows: Vec<_> = Breakdown::dearest(&breakdown.destinations)
        .into_iter()
        .map(|((name, prefix), sums)| {
            let name = if prefix.is_empty() { or(name, "sheets.no_destination") } else { name.clone() };
            (vec![name, prefix.clone()], *sums)
        })
        .collect();
    sums(book, workbook, "sheet.destinations", &["destination", "prefix"], &rows)?;
    let rows: Vec<_> = breakdown.days.iter().map(|(day, sums)| (vec![day.clone()], *sums)).collect();
    sums(book, workbook, "sheet.days", &["day"], &rows)?;
    let rows: Vec<_> = Breakdown::dearest(&breakdown.gateways)
        .into_iter()
        .map(|(name, sums)| (vec![or(name, "sheets.no_gateway")], *sums))
        .collect();
    sums(book, workbook, "sheet.gateways", &["gateway"], &rows)
}

const SUMS: [&str; 10] = [
    "calls_ours",
    "calls_theirs",
    "minutes_ours",
    "minutes_theirs",
    "amount_ours",
    "amount_theirs",
    "amount_correct",
    "delta_ours",
    "delta_theirs",
    "difference",
];

fn sums(
    book: &Book<'_>,
    workbook: &mut Workbook,
    name: &str,
    keys: &[&str],
    rows: &[(Vec<String>, Sums)],
) -> Result<(), XlsxError> {
    let mut page = Page::new(workbook, &book.formats, &book.word(name), false)?;
    let mut widths = vec![28.0];
    widths.resize(keys.len(), 14.0);
    widths.extend([16.0; SUMS.len()]);
    page.widths(&widths)?;
    page.text(0, &book.word(book.overview.breakdown.of_which()), &book.formats.note)?;
    page.row += 1;
    let header = page.row;
    page.header(&book.columns(&[keys, &SUMS].concat()))?;
    let base = keys.len();
    let column = |place: usize| letters(base + place);
    let mut total = Sums::default();
    let mut thousandths = [0; 2];
    for (key, sums) in rows {
        for (place, text) in key.iter().enumerate() {
            page.cell(place, &Cell::text(text.as_str()))?;
        }
        let [ours, theirs] = sums.amount;
        let cells = [
            Cell::Count(i64::try_from(sums.calls[0]).unwrap_or(i64::MAX)),
            Cell::Count(i64::try_from(sums.calls[1]).unwrap_or(i64::MAX)),
            minutes(sums.talk_ms[0]),
            minutes(sums.talk_ms[1]),
            Cell::Money(ours),
            Cell::Money(theirs),
            Cell::Money(sums.correct),
        ];
        for (place, cell) in (base..).zip(&cells) {
            page.cell(place, cell)?;
        }
        let row = page.row + 1;
        let minus =
            |whole: usize, part: usize| format!("=ROUND({}{row}-{}{row},9)", column(whole), column(part));
        page.money(base + 7, &minus(4, 6), ours - sums.correct)?;
        page.money(base + 8, &minus(5, 6), theirs - sums.correct)?;
        page.money(base + 9, &minus(5, 4), theirs - ours)?;
        page.row += 1;
        for (side, thousandths) in thousandths.iter_mut().enumerate() {
            total.calls[side] += sums.calls[side];
            *thousandths += sums.talk_ms[side] / 60;
            total.amount[side] += sums.amount[side];
        }
        total.correct += sums.correct;
    }
    page.filter(header, base + SUMS.len())?;
    if rows.is_empty() {
        return page.text(0, &book.word("sheets.no_rows"), &book.formats.note);
    }
    let (first, last) = (header + 2, page.row);
    page.text(0, &book.word("sheets.total"), &book.formats.total)?;
    let [ours, theirs] = total.amount;
    let minutes = |thousandths: u64| Money(i128::from(thousandths) * 1_000_000).show(0);
    let values = [
        total.calls[0].to_string(),
        total.calls[1].to_string(),
        minutes(thousandths[0]),
        minutes(thousandths[1]),
        ours.show(0),
        theirs.show(0),
        total.correct.show(0),
        (ours - total.correct).show(0),
        (theirs - total.correct).show(0),
        (theirs - ours).show(0),
    ];
    for (place, value) in values.iter().enumerate() {
        let letter = column(place);
        let format = if place < 4 { &book.formats.total_count } else { &book.formats.total_money };
        page.formula(base + place, &format!("=SUBTOTAL(109,{letter}{first}:{letter}{last})"), value, format)?;
    }
    Ok(())
}

/// Minutes, written as a number with its part.
fn minutes(ms: u64) -> Cell {
    // A minute's thousandth is enough for a sum.
    Cell::Millis(i64::try_from(ms / 60).unwrap_or(i64::MAX))
}

/// Lines that are no records.
pub(super) fn rejected(book: &Book<'_>, workbook: &mut Workbook) -> Result<(), XlsxError> {
    let finished = book.view.finished;
    let kept: usize = finished.rejections.iter().map(Vec::len).sum();
    let all = finished.outcome.counts.rejected_ours + finished.outcome.counts.rejected_theirs;
    let mut page = Page::new(workbook, &book.formats, &book.word("sheet.rejected"), kept > BIG)?;
    page.widths(&[11.0, 10.0, 9.0, 70.0, 90.0])?;
    if all > kept as u64 {
        let values = [("count", &*figures::count(kept as u64)), ("all", &*figures::count(all))];
        let said = book.view.language.say("sheets.rejected_capped", &values);
        page.text(0, &said, &book.formats.note)?;
        page.row += 1;
    }
    let header = page.row;
    let columns = ["side", "line", "column", "reason", "text"];
    page.header(&book.columns(&columns))?;
    for side in Side::BOTH {
        for rejection in finished.rejections[side.index()].iter().take(MOST_ROWS / 2) {
            page.cell(0, &Cell::Text(book.side(side)))?;
            page.cell(1, &Cell::Count(i64::try_from(rejection.line).unwrap_or(i64::MAX)))?;
            if let Some(column) = rejection.column {
                page.cell(2, &Cell::Count(i64::from(column)))?;
            }
            page.cell(3, &Cell::text(sentence::reason(rejection, book.view.language)))?;
            page.cell(4, &Cell::text(rejection.text.as_str()))?;
            page.row += 1;
        }
    }
    if kept == 0 {
        page.text(0, &book.word("sheets.no_rows"), &book.formats.note)?;
    }
    page.filter(header, columns.len())
}

/// The rate deck that was used.
pub(super) fn deck(book: &Book<'_>, workbook: &mut Workbook) -> Result<(), XlsxError> {
    let deck = &book.view.finished.deck;
    let mut page = Page::new(workbook, &book.formats, &book.word("sheet.deck"), deck.rows.len() > BIG)?;
    page.widths(&[9.0, 16.0, 30.0, 14.0, 12.0, 12.0, 14.0, 20.0, 20.0, 16.0])?;
    let columns =
        ["deck_line", "prefix", "destination", "rate", "initial", "increment", "fee", "from", "to", "band"];
    page.header(&book.columns(&columns))?;
    for row in deck.rows.iter().take(MOST_ROWS) {
        let instant = |ms: Option<i64>| ms.map_or(Cell::Empty, Cell::Instant);
        let cells = [
            Cell::Count(i64::from(row.line)),
            Cell::text(row.prefix.as_str()),
            Cell::text(row.destination.as_deref().unwrap_or_default()),
            Cell::Money(Money(i128::from(row.rate))),
            Cell::Count(i64::from(row.initial_s)),
            Cell::Count(i64::from(row.increment_s)),
            Cell::Money(Money(i128::from(row.connect_fee))),
            instant(row.effective_from_ms),
            instant(row.effective_to_ms),
            Cell::text(
                row.band_s.map(|[from, to]| format!("{}–{}", clock(from), clock(to))).unwrap_or_default(),
            ),
        ];
        for (column, cell) in cells.iter().enumerate() {
            page.cell(column, cell)?;
        }
        page.row += 1;
    }
    page.filter(0, columns.len())
}

/// What was read, and how.
pub(super) fn method(book: &Book<'_>, workbook: &mut Workbook) -> Result<(), XlsxError> {
    let mut page = Page::new(workbook, &book.formats, &book.word("sheet.method"), false)?;
    page.widths(&[34.0, 100.0])?;
    page.header(&book.columns(&["setting", "value"]))?;
    for (setting, value) in settings(book.view.finished, book.view.language) {
        page.cell(0, &Cell::Text(setting))?;
        page.text(1, &value, &book.formats.wrapped)?;
        page.row += 1;
    }
    page.row += 1;
    page.text(1, &book.word("report.method_text"), &book.formats.wrapped)
}
