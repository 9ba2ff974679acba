//! Workbooks: the sheets with calls become one text, row by row, so that a line of the text is a row of
//! the first of them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use calamine::{Data, DataRef, ExcelDateTime, Ods, Reader, Sheets, Xls, Xlsb, Xlsx};
use linesman_cdr::format::words;
use tempfile::TempPath;

use super::{SourceError, temporary_file, write_field};

/// Rows of a sheet among which its header is looked for.
const HEADER_WITHIN: usize = 40;
/// Rows and columns that a sheet may skip; more is a stray cell at the far edge.
const WIDEST: u32 = 1_000;
/// Rows that a sheet can have.
const LONGEST: u32 = 1_048_576;

/// The first sheet with a table of calls, and those with the same header after it; their names, and those
/// of sheets with tables of another kind.
pub(super) fn to_text(
    given: &Path,
    path: &Path,
    temporary: &Path,
) -> Result<(TempPath, String, String), SourceError> {
    let file = File::open(path).map_err(SourceError::io(given))?;
    let damaged = |place: String, cause: String| SourceError::Damaged {
        path: given.to_owned(),
        what: "the workbook cannot be read",
        place,
        cause,
    };
    let mut book = match open(file) {
        Ok(Some(book)) => book,
        Ok(None) => {
            return Err(SourceError::Unusable {
                path: given.to_owned(),
                what: "it is an archive, but no workbook that can be opened".to_owned(),
                remedy: "Unpack it, or save it as XLSX or CSV; a workbook must not have a password"
                    .to_owned(),
            });
        }
        Err(cause) => return Err(damaged("at its beginning".to_owned(), cause)),
    };
    let names = book.sheet_names();
    let mut best: Option<Written> = None;
    let (mut used, mut others): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for name in &names {
        let mut sheet = Sheet::new(given, temporary)?;
        write(&mut book, name, &mut sheet).map_err(|error| match error {
            Failure::Source(error) => error,
            Failure::Book(cause) => damaged(format!("in sheet `{name}` after row {}", sheet.rows), cause),
        })?;
        let sheet = sheet.finish(given)?;
        match &best {
            _ if sheet.score == 0 => {}
            Some(known) if known.is_known() && sheet.header == known.header => {
                known.append(&sheet).map_err(SourceError::temporary(given))?;
                used.push(name);
            }
            Some(known) if known.is_known() || !sheet.is_known() => {
                if sheet.is_known() {
                    others.push(name);
                }
            }
            _ => {
                best = Some(sheet);
                used = vec![name];
            }
        }
    }
    best.map(|sheet| (sheet.text, used.join(", "), others.join(", "))).ok_or_else(|| SourceError::Unusable {
        path: given.to_owned(),
        what: format!("none of its sheets ({}) holds a table of at least four columns", names.join(", ")),
        remedy: "Save the table of calls as the first sheet, or as CSV".to_owned(),
    })
}

/// Opens a workbook of any kind; `None` for what is none.
fn open(file: File) -> Result<Option<Sheets<BufReader<File>>>, String> {
    let again = || file.try_clone().map(BufReader::new).map_err(|error| error.to_string());
    let mut magic = [0; 4];
    again()?.read_exact(&mut magic).map_err(|error| error.to_string())?;
    let rewound = || -> Result<BufReader<File>, String> {
        let mut reader = again()?;
        reader.rewind().map_err(|error| error.to_string())?;
        Ok(reader)
    };
    if magic != *b"PK\x03\x04" {
        return match Xls::new(rewound()?) {
            Ok(book) => Ok(Some(Sheets::Xls(book))),
            Err(calamine::XlsError::Password) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
    }
    match Xlsx::new(rewound()?) {
        Ok(book) => return Ok(Some(Sheets::Xlsx(book))),
        Err(calamine::XlsxError::FileNotFound(_) | calamine::XlsxError::Password) => {}
        Err(error) => return Err(error.to_string()),
    }
    if let Ok(book) = Xlsb::new(rewound()?) {
        return Ok(Some(Sheets::Xlsb(book)));
    }
    Ok(Ods::new(rewound()?).ok().map(Sheets::Ods))
}

enum Failure {
    Source(SourceError),
    Book(String),
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Sends a sheet's cells, in order.
fn write(book: &mut Sheets<BufReader<File>>, name: &str, sheet: &mut Sheet<'_>) -> Result<(), Failure> {
    if let Sheets::Xlsx(book) = book {
        let mut cells = match book.worksheet_cells_reader(name) {
            Ok(cells) => cells,
            // A chart has no cells.
            Err(calamine::XlsxError::WorksheetNotFound(_) | calamine::XlsxError::NotAWorksheet(_)) => {
                return Ok(());
            }
            Err(error) => return Err(Failure::Book(error.to_string())),
        };
        while let Some(cell) = cells.next_cell().map_err(|error| Failure::Book(error.to_string()))? {
            let (row, column) = cell.get_position();
            let text = match cell.get_value() {
                DataRef::SharedString(text) => (*text).to_owned(),
                other => written(&Data::from(other.clone())),
            };
            sheet.cell(row, column, &text)?;
        }
        return Ok(());
    }
    let range = book.worksheet_range(name).map_err(|error| Failure::Book(error.to_string()))?;
    let (row, column) = range.start().unwrap_or((0, 0));
    for (down, right, value) in range.used_cells() {
        let at = |from: u32, by: usize| from.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
        sheet.cell(at(row, down), at(column, right), &written(value))?;
    }
    Ok(())
}

/// A sheet's text.
struct Written {
    text: TempPath,
    /// How much of a table of calls it is, 0 for none.
    score: usize,
    /// The row with the most names of columns, and where it begins.
    header: String,
    header_at: u64,
}

impl Written {
    const fn is_known(&self) -> bool {
        self.score >= 3
    }

    /// Puts another sheet's header and rows below: the header is passed over where it stands again.
    fn append(&self, other: &Self) -> io::Result<()> {
        let mut from = File::open(&other.text)?;
        from.seek(SeekFrom::Start(other.header_at))?;
        let mut to = OpenOptions::new().append(true).open(&self.text)?;
        io::copy(&mut from, &mut to)?;
        Ok(())
    }
}

/// A sheet's text while it is written.
struct Sheet<'a> {
    given: &'a Path,
    out: BufWriter<tempfile::NamedTempFile>,
    rows: u32,
    columns: u32,
    open: bool,
    words: usize,
    most_words: usize,
    /// Bytes written, where the row began, and its text.
    at: u64,
    row_at: u64,
    row: String,
    header: String,
    header_at: u64,
    /// Columns of the header: rows whose last cells are empty have as many.
    width: u32,
    cells: usize,
    full_rows: usize,
}

impl<'a> Sheet<'a> {
    fn new(given: &'a Path, temporary: &Path) -> Result<Self, SourceError> {
        let out = BufWriter::with_capacity(256 * 1024, temporary_file(given, temporary)?);
        Ok(Self {
            given,
            out,
            rows: 0,
            columns: 0,
            open: false,
            words: 0,
            most_words: 0,
            at: 0,
            row_at: 0,
            row: String::new(),
            header: String::new(),
            header_at: 0,
            width: 0,
            cells: 0,
            full_rows: 0,
        })
    }

    fn cell(&mut self, row: u32, column: u32, text: &str) -> Result<(), SourceError> {
        if column >= WIDEST || row >= LONGEST || text.is_empty() {
            return Ok(());
        }
        while self.rows < row {
            self.end_row()?;
            self.put(b"\n")?;
            self.row_at = self.at;
            self.rows += 1;
        }
        while self.columns < column {
            self.put(b"\t")?;
            self.columns += 1;
        }
        let mut field = Vec::new();
        write_field(&mut field, text).map_err(SourceError::temporary(self.given))?;
        self.put(&field)?;
        self.open = true;
        self.cells += 1;
        if (self.rows as usize) < HEADER_WITHIN {
            self.words += usize::from(!words::heading(text).meanings.is_empty());
            self.row.push_str(text);
            self.row.push('\t');
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes).map_err(SourceError::temporary(self.given))
    }

    fn end_row(&mut self) -> Result<(), SourceError> {
        self.full_rows += usize::from(self.cells >= 4);
        if self.words > self.most_words {
            self.most_words = self.words;
            (self.header, self.header_at) = (std::mem::take(&mut self.row), self.row_at);
            self.width = self.columns;
        }
        while self.cells > 1 && self.columns < self.width {
            self.put(b"\t")?;
            self.columns += 1;
        }
        self.row.clear();
        (self.columns, self.cells, self.words) = (0, 0, 0);
        Ok(())
    }

    fn finish(mut self, given: &Path) -> Result<Written, SourceError> {
        self.end_row()?;
        if self.open {
            self.put(b"\n")?;
        }
        let score = if self.full_rows == 0 { 0 } else { self.most_words.max(1) };
        let file =
            self.out.into_inner().map_err(|error| SourceError::temporary(given)(error.into_error()))?;
        Ok(Written { text: file.into_temp_path(), score, header: self.header, header_at: self.header_at })
    }
}

/// A cell's value as text: dates as ISO, numbers with all their digits.
fn written(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(value) => value.to_string(),
        Data::Float(value) => number(*value),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(value) => moment(value),
        Data::Error(error) => error.to_string(),
    }
}

/// A workbook's numbers have fifteen digits; the noise beyond is left out.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    if value.abs() >= 1e15 {
        // Digits are lost: written so that the reader sees it.
        return format!("{value:E}").replace('E', "E+");
    }
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    format!("{rounded}")
}

fn moment(value: &ExcelDateTime) -> String {
    let days = value.as_f64();
    if value.is_duration() || (0.0..1.0).contains(&days) {
        let millis = (days * 86_400_000.0).round();
        if !(0.0..1e15).contains(&millis) {
            return number(days);
        }
        let (seconds, part) = ((millis / 1_000.0).floor(), millis % 1_000.0);
        let (hours, minutes) = ((seconds / 3_600.0).floor(), (seconds % 3_600.0 / 60.0).floor());
        let clock = format!("{hours:02.0}:{minutes:02.0}:{:02.0}", seconds % 60.0);
        return if part > 0.0 { format!("{clock}.{part:03.0}") } else { clock };
    }
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if milli == 0 { text } else { format!("{text}.{milli:03}") }
}
