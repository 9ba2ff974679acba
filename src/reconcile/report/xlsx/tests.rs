use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};

use super::super::{Language, Report, sample};

type Book = Xlsx<std::io::BufReader<std::fs::File>>;

fn written(folder: &Path, language: Language) -> Book {
    let finished = sample::finished();
    Report::new(&finished, &sample::SampleLines, language).write(folder).expect("written");
    open_workbook(folder.join("reconciliation.xlsx")).expect("a workbook")
}

fn column(book: &mut Book, sheet: &str, name: &str) -> (usize, Vec<Data>, Vec<String>) {
    let values = book.worksheet_range(sheet).expect("the sheet");
    let formulas = book.worksheet_formula(sheet).expect("its formulas");
    let place = values.rows().next().expect("a header").iter().position(|cell| *cell == name).expect(name);
    let cells = values.rows().skip(1).map(|row| row[place].clone()).collect();
    let last = u32::try_from(values.height()).expect("few");
    let at = u32::try_from(place).expect("few");
    let formulas = (1..last).map(|row| formulas.get_value((row, at)).cloned().unwrap_or_default()).collect();
    (place, cells, formulas)
}

#[test]
fn the_workbook_reads_back_with_its_sums_and_its_formulas() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = written(folder.path(), Language::English);
    let sheets = book.sheet_names();
    let expected = [
        "Summary",
        "Causes",
        "By destination",
        "By day",
        "By gateway",
        "Differences",
        "Only ours",
        "Only theirs",
        "Duplicates",
        "Rejected",
        "Rate deck used",
        "Method and settings",
    ];
    assert_eq!(sheets, expected);

    let (_, amounts, formulas) = column(&mut book, "Causes", "Amount");
    assert_eq!(amounts, [0.034, -0.015, 0.019, 0.015, 0.034].map(Data::Float));
    assert_eq!(&formulas[2..], ["SUM(N2:N3)", "", "ROUND(N4+N5,9)"]);

    let (_, correct, formulas) = column(&mut book, "Differences", "Amount, correct");
    assert_eq!(correct, [0.022, 0.004, 0.04, 0.066].map(Data::Float));
    assert_eq!(formulas[0], "ROUND(Y2*AG2/60+AH2,6)");
    let (_, billed, formulas) = column(&mut book, "Differences", "Billed, correct (s)");
    assert_eq!(&billed[..3], [66.0, 12.0, 120.0].map(Data::Float));
    assert_eq!(formulas[0], "IF(V2<=0,0,W2+CEILING(MAX(0,V2-W2),MAX(1,X2)))");
    let (_, deltas, formulas) = column(&mut book, "Differences", "Theirs minus correct");
    assert_eq!(deltas, [0.018, 0.016, 0.0, 0.034].map(Data::Float));
    assert_eq!((&*formulas[0], &*formulas[3]), ("ROUND(AJ2-AK2,9)", "SUBTOTAL(109,AM2:AM4)"));
}

#[test]
fn phone_numbers_are_text_and_no_text_of_a_file_is_a_formula() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = written(folder.path(), Language::English);
    for name in ["Caller (A)", "Called (B)", "Called as in their file"] {
        let (_, cells, _) = column(&mut book, "Differences", name);
        assert!(cells[..3].iter().all(|cell| matches!(cell, Data::String(_))), "{name}: {cells:?}");
    }
    let (_, ids, formulas) = column(&mut book, "Differences", "Call ID, ours");
    assert_eq!((&ids[1], formulas[1].as_str()), (&Data::String("=1+1".to_owned()), ""));
    let (_, gateways, formulas) = column(&mut book, "Only ours", "Gateway, ours");
    assert_eq!((gateways[0].to_string(), formulas[0].as_str()), ("=cmd|' /C calc'!A0".to_owned(), ""));
}

#[test]
fn the_prefix_that_a_side_rated_by_is_named_where_its_amount_tells() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = written(folder.path(), Language::English);
    // Ours shows the only row's price; theirs, charged in other blocks, tells of none, but by chance in the third.
    let (_, ours, _) = column(&mut book, "Differences", "Prefix, ours (where known)");
    assert_eq!(&ours[..3], ["8613"; 3].map(|prefix| Data::String(prefix.to_owned())));
    let (_, theirs, _) = column(&mut book, "Differences", "Prefix, theirs (where known)");
    assert_eq!(&theirs[..2], [Data::Empty, Data::Empty]);
    let (_, correct, _) = column(&mut book, "Differences", "Prefix, correct");
    assert_eq!(correct[0], Data::String("8613".to_owned()));
}

#[test]
fn sheets_of_sums_say_which_calls_they_are_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = written(folder.path(), Language::English);
    let sheet = book.worksheet_range("By day").expect("the sheet");
    let first = sheet.rows().next().expect("a row")[0].to_string();
    assert!(first.starts_with("Calls that differ"), "this run took no sums: {first}");
}

#[test]
fn the_check_on_the_first_sheet_comes_to_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = written(folder.path(), Language::Chinese);
    let values = book.worksheet_range("汇总").expect("the sheet");
    let formulas = book.worksheet_formula("汇总").expect("its formulas");
    let row = values.rows().position(|row| row[0].to_string().starts_with("校验")).expect("the check");
    assert_eq!(values.rows().nth(row).expect("the row")[2], Data::Float(0.0));
    let formula = formulas.get_value((u32::try_from(row).expect("few"), 2)).expect("a formula");
    assert!(formula.starts_with("ROUND(C") && formula.ends_with(",6)"), "{formula}");
}

#[test]
fn equal_runs_make_equal_files() {
    let [one, other] = std::array::from_fn(|_| {
        let folder = tempfile::tempdir().expect("a folder");
        written(folder.path(), Language::English);
        std::fs::read(folder.path().join("reconciliation.xlsx")).expect("there")
    });
    assert!(one == other);
}

#[test]
fn a_sheet_of_many_calls_is_as_complete_as_a_small_one() {
    let mut finished = sample::finished();
    let one = finished.details[0].clone();
    finished.details = (0..1_500)
        .map(|second| {
            let mut detail = one.clone();
            for record in [&mut detail.ours, &mut detail.theirs].into_iter().flatten() {
                record.start_ms += second * 1000;
            }
            detail
        })
        .collect();
    finished.detail_count = 1_500;
    let folder = tempfile::tempdir().expect("a folder");
    Report::new(&finished, &sample::SampleLines, Language::English).write(folder.path()).expect("written");
    let mut book: Book = open_workbook(folder.path().join("reconciliation.xlsx")).expect("a workbook");
    let (_, deltas, formulas) = column(&mut book, "Differences", "Theirs minus correct");
    assert_eq!(deltas.len(), 1_501);
    assert_eq!((&deltas[1_500], formulas[1_500].as_str()), (&Data::Float(27.0), "SUBTOTAL(109,AM2:AM1501)"));
    let (_, callees, _) = column(&mut book, "Differences", "Called (B)");
    assert_eq!(callees[1_499], Data::String("8613800000001".to_owned()));
}
