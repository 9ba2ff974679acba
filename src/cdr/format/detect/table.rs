//! A sample cut into header and rows: which sign stands between fields, and where records begin.

use super::super::preset::Preset;
use super::super::words;
use super::values::{bare_number, colons, epoch, is_blank, stamp};
use super::{BLOCK, DetectError, Hints, Sample};

/// Rows of a block that are looked at.
const ROWS_OF_A_BLOCK: usize = 3_000;
/// Lines among which the header is looked for.
const HEADER_WITHIN: usize = 30;
/// Columns that are looked at.
const WIDEST: usize = 400;
/// Signs that may stand between fields.
const DELIMITERS: [char; 4] = [',', ';', '|', '\t'];

/// Header and sampled rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub delimiter: char,
    /// Lines before the first record.
    pub header_lines: u32,
    /// Names of the columns; empty without a header.
    pub header: Vec<String>,
    pub width: usize,
    /// Rows of the usual count of fields.
    pub rows: Vec<Vec<String>>,
}

/// One line (or several, with a quoted field over them) and its fields.
struct Line {
    fields: Vec<String>,
    /// Physical lines up to its end.
    upto: u32,
}

impl Table {
    pub(super) fn read(
        sample: &Sample<'_>,
        hints: &Hints,
        preset: Option<&Preset>,
        known: &[Preset],
    ) -> Result<Self, DetectError> {
        let head = &sample.head[..sample.head.len().min(3 * BLOCK)];
        let whole = sample.whole && head.len() == sample.head.len();
        let head = String::from_utf8_lossy(if whole { head } else { whole_lines(head) });
        let head = head.trim_start_matches('\u{feff}');
        let first = head.lines().find(|line| !line.trim().is_empty());
        let Some(example) = first else { return Err(DetectError::Empty { file: hints.file.clone() }) };
        let said = head
            .lines()
            .next()
            .and_then(|line| line.trim().strip_prefix("sep="))
            .and_then(|sign| sign.chars().next());
        let given = hints.delimiter.or(preset.and_then(|preset| preset.delimiter)).or(said);
        let candidates = given.map_or_else(|| DELIMITERS.to_vec(), |sign| vec![sign]);
        let best = candidates
            .iter()
            .map(|sign| Self::with(head, *sign, preset, known))
            .max_by_key(|(score, table)| (*score, table.width));
        let Some((_, mut table)) = best.filter(|(_, table)| table.width >= 4) else {
            let example = example.chars().take(60).collect();
            return Err(DetectError::NoTable {
                file: hints.file.clone(),
                example,
                flag: hints.flag("delimiter"),
            });
        };
        for block in &sample.later {
            let text = String::from_utf8_lossy(inner_lines(&block[..block.len().min(BLOCK)]));
            let lines = split(&text, table.delimiter, ROWS_OF_A_BLOCK);
            table.take(lines.into_iter().map(|line| line.fields));
        }
        Ok(table)
    }

    /// The head, read with one sign, and how well that fits.
    fn with(head: &str, delimiter: char, preset: Option<&Preset>, known: &[Preset]) -> (usize, Self) {
        let lines = split(head, delimiter, ROWS_OF_A_BLOCK * 3);
        let width = usual_width(&lines);
        let mut table = Self { delimiter, width, ..Self::default() };
        let mut words = 0;
        let skip;
        let header = lines
            .iter()
            .take(HEADER_WITHIN)
            .enumerate()
            .map(|(at, line)| (header_words(&line.fields, preset, known), at))
            .max_by_key(|(score, at)| (*score, usize::MAX - at));
        let unknown_words = || {
            lines.iter().position(|line| line.fields.len() > 1).filter(|at| is_foreign_header(&lines, *at))
        };
        let header = header.filter(|(score, _)| *score >= 2).or_else(|| unknown_words().map(|at| (0, at)));
        if let Some((score, at)) = header {
            let named = lines[at].fields.iter().map(|name| name.trim().to_owned());
            table.header = named.take(WIDEST).collect();
            while table.header.len() > table.width && table.header.last().is_some_and(String::is_empty) {
                table.header.pop();
            }
            words = score;
            let mut below = at + 1;
            let types = lines.get(below).is_some_and(|line| is_types(&line.fields));
            let more = preset.map_or(0, |preset| preset.lines_after_header as usize);
            below += more.max(usize::from(types));
            skip = below;
            // Names beyond the rows' last field name nothing, unless some row has as many.
            if lines.iter().skip(below).any(|line| line.fields.len() >= table.header.len()) {
                table.width = table.width.max(table.header.len());
            } else if lines.len() > below {
                table.header.truncate(table.width);
            } else {
                table.width = table.header.len();
            }
        } else {
            // Comments and other lines that stand above the records and are none.
            let is_preamble = |line: &Line| {
                let text = line.fields.first().map_or("", |field| field.trim_start());
                line.fields.iter().all(|field| field.trim().is_empty())
                    || text.starts_with('#')
                    || text.starts_with("sep=")
                    || line.fields.len() == 1 && width > 1
            };
            skip = lines.iter().take(HEADER_WITHIN).take_while(|line| is_preamble(line)).count();
        }
        table.width = table.width.min(WIDEST);
        table.header_lines = skip.checked_sub(1).and_then(|at| lines.get(at)).map_or(0, |line| line.upto);
        table.take(lines.into_iter().skip(skip).map(|line| line.fields));
        let typed = (0..table.width).filter(|column| table.is_typed(*column)).count();
        (words * 3 + typed, table)
    }

    /// Keeps the rows that have about the usual count of fields.
    fn take(&mut self, rows: impl Iterator<Item = Vec<String>>) {
        for row in rows {
            // The marks that spreadsheets and scripts leave around a value are not its own.
            let mut row: Vec<String> = row.into_iter().map(without_marks).collect();
            while row.len() > self.width && row.last().is_some_and(|field| field.trim().is_empty()) {
                row.pop();
            }
            let blank = row.iter().all(|field| field.trim().is_empty());
            let comment = row.first().is_some_and(|field| field.trim_start().starts_with('#'));
            let fits = row.len() <= self.width && row.len() * 2 >= self.width && row.len() > 1;
            if !blank && !comment && fits {
                row.resize(self.width, String::new());
                self.rows.push(row);
            }
        }
    }

    /// Values of a column that say something.
    pub(super) fn filled(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .filter_map(move |row| row.get(column))
            .map(|text| text.trim())
            .filter(|text| !is_blank(text))
    }

    /// Name of a column for people: its header, or its number.
    pub(super) fn name(&self, column: usize) -> String {
        match self.header.get(column).filter(|name| !name.is_empty()) {
            Some(name) => format!("`{name}`"),
            None => format!("{}", column + 1),
        }
    }

    /// Two different values of a column.
    pub(super) fn examples(&self, column: usize) -> [String; 2] {
        let mut values = self.filled(column);
        let first = values.next().unwrap_or("").to_owned();
        let second = values.find(|value| *value != first).unwrap_or(&first).to_owned();
        [shorten(&first), shorten(&second)]
    }

    /// Whether nearly all its values are of one kind that records are made of.
    fn is_typed(&self, column: usize) -> bool {
        let (mut all, mut numbers, mut times) = (0usize, 0usize, 0usize);
        for text in self.filled(column).take(500) {
            all += 1;
            let is_time = stamp(text).is_some() || colons(text).is_some() || epoch(text).is_some();
            times += usize::from(is_time);
            let phone = text.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
            numbers += usize::from(!is_time && (bare_number(text).is_some() || phone));
        }
        all > 0 && (times * 5 >= all * 4 || numbers * 5 >= all * 4)
    }
}

/// A value without the marks around it; those around bare digits stay: they are told of.
fn without_marks(field: String) -> String {
    let [first, last] = [field.as_bytes().first(), field.as_bytes().last()];
    if first.is_none_or(u8::is_ascii_alphanumeric) && last.is_none_or(u8::is_ascii_alphanumeric) {
        return field;
    }
    let inner = field.trim().strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+')) {
        return field;
    }
    let bare = super::super::field::bare(field.as_bytes());
    if bare.len() == field.len() { field } else { String::from_utf8_lossy(bare).into_owned() }
}

pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}

/// Up to the end of the last whole line.
fn whole_lines(block: &[u8]) -> &[u8] {
    let end = block.iter().rposition(|byte| *byte == b'\n').map_or(block.len(), |at| at + 1);
    &block[..end]
}

/// From the first line that begins in it to the last one that ends in it.
fn inner_lines(block: &[u8]) -> &[u8] {
    let begin = block.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    whole_lines(&block[begin..])
}

/// Cuts a text into records and fields; quotes hide delimiters and line ends, doubled ones stand for one.
fn split(text: &str, delimiter: char, most: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut physical, mut rest) = (0, text);
    let mut width = 0;
    while !rest.is_empty() && lines.len() < most {
        let (fields, used) = plain_record(rest, delimiter, width).unwrap_or_else(|| record(rest, delimiter));
        width = fields.len();
        physical += u32::try_from(rest[..used].bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(0);
        let unfinished = used == rest.len() && !rest.ends_with('\n');
        lines.push(Line { fields, upto: physical + u32::from(unfinished) });
        rest = &rest[used..];
    }
    lines
}

/// The first line as a record of about so many fields, where no quote is in it.
fn plain_record(text: &str, delimiter: char, width: usize) -> Option<(Vec<String>, usize)> {
    let (line, used) = text.split_once('\n').map_or((text, text.len()), |(line, _)| (line, line.len() + 1));
    if line.contains('"') || ['\n', '"'].contains(&delimiter) {
        return None;
    }
    let mut fields = Vec::with_capacity(width);
    fields.extend(line.split(delimiter).take(WIDEST * 2 + 1).map(str::to_owned));
    if let Some(last) = fields.last_mut().filter(|last| last.ends_with('\r')) {
        last.pop();
    }
    (fields.len() <= WIDEST * 2).then_some((fields, used.max(1)))
}

fn record(text: &str, delimiter: char) -> (Vec<String>, usize) {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut signs = text.char_indices().peekable();
    let (mut quoted, mut used, mut newlines) = (false, text.len(), 0);
    while let Some((at, sign)) = signs.next() {
        if quoted {
            match sign {
                '"' if signs.peek().is_some_and(|(_, next)| *next == '"') => {
                    field.push('"');
                    signs.next();
                }
                '"' => quoted = false,
                // An unpaired quote must not swallow the rest: a record has few lines.
                '\n' if newlines == 8 => {
                    used = at + 1;
                    break;
                }
                '\n' => {
                    newlines += 1;
                    field.push(' ');
                }
                _ => field.push(sign),
            }
        } else if sign == '"' && field.trim().is_empty() {
            (quoted, field) = (true, String::new());
        } else if sign == delimiter {
            fields.push(std::mem::take(&mut field));
            if fields.len() >= WIDEST * 2 {
                used = text[at..].find('\n').map_or(text.len(), |more| at + more + 1);
                break;
            }
        } else if sign == '\n' {
            used = at + 1;
            break;
        } else {
            field.push(sign);
        }
    }
    if newlines > 0 && quoted {
        // The quote never closed: take the first line alone.
        let end = text.find('\n').map_or(text.len(), |at| at + 1);
        let plain = text[..end].trim_end_matches(['\n', '\r']);
        return (plain.split(delimiter).map(|field| field.replace('"', "")).take(WIDEST * 2).collect(), end);
    }
    if field.ends_with('\r') {
        field.pop();
    }
    fields.push(field);
    (fields, used.max(1))
}

/// The count of fields that most lines have.
fn usual_width(lines: &[Line]) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for line in lines {
        *counts.entry(line.fields.len()).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(width, _)| *width > 1)
        .max_by_key(|(width, count)| (*count, *width))
        .map_or(1, |(width, _)| width)
}

/// How many names of columns a line holds; 0 when something in it is no name.
fn header_words(fields: &[String], preset: Option<&Preset>, known: &[Preset]) -> usize {
    if fields.len() < 3 || fields.iter().any(|field| is_value(field)) {
        return 0;
    }
    let own = |field: &String| {
        let word = words::squeezed(field);
        preset.is_some_and(|preset| preset.names.values().flatten().any(|name| words::squeezed(name) == word))
    };
    let count = fields
        .iter()
        .take(WIDEST)
        .filter(|field| {
            !field.trim().is_empty() && (own(field) || !words::heading(field).meanings.is_empty())
        })
        .count();
    let signed = known.iter().chain(preset).any(|preset| preset.knows_header(fields));
    count + if signed { 4 } else { 0 }
}

/// Whether a field is a value of a record rather than a name.
fn is_value(field: &str) -> bool {
    let field = field.trim();
    let digits = field.bytes().filter(u8::is_ascii_digit).count();
    stamp(field).is_some() || digits >= 5 && digits * 2 >= field.len() || bare_number(field).is_some()
}

/// Whether a line is a header in words that are not understood: no value in it, many below it.
fn is_foreign_header(lines: &[Line], at: usize) -> bool {
    let fields = &lines[at].fields;
    let named = fields.iter().filter(|field| !field.trim().is_empty()).count();
    if fields.len() < 4 || named + 1 < fields.len() || fields.iter().any(|field| is_value(field)) {
        return false;
    }
    let distinct: std::collections::BTreeSet<&str> = fields.iter().map(|field| field.trim()).collect();
    let below = lines.iter().skip(at + 1).filter(|line| line.fields.len() + 1 >= fields.len()).take(20);
    let (mut rows, mut values) = (0, 0);
    for line in below {
        rows += 1;
        values += usize::from(
            line.fields.iter().filter(|field| is_value(field)).count() * 5 >= line.fields.len() * 2,
        );
    }
    distinct.len() + 1 >= fields.len() && rows > 0 && values * 5 >= rows * 4
}

/// Whether a line names SQL types (CUCM's second line).
fn is_types(fields: &[String]) -> bool {
    fields.len() >= 4 && fields.iter().all(|field| words::is_type_name(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Table {
        let hints = Hints { file: "f".to_owned(), ..Hints::default() };
        Table::read(&Sample::of(text.as_bytes()), &hints, None, &Preset::all()).expect("a table")
    }

    #[test]
    fn a_decimal_comma_does_not_hide_the_semicolon() {
        let rows: String = (0..9)
            .map(|at| {
                format!("8613800000001;8522100000{at};03.04.2026 00:00:0{at};6{at};0,021{at};1,2{at}\n")
            })
            .collect();
        let table = read(&rows);
        assert_eq!((table.delimiter, table.width, table.header_lines, table.rows.len()), (';', 6, 0, 9));
    }

    #[test]
    fn lines_above_the_header_count_as_header_lines() {
        let table = read(
            "sep=;\nExport of April\n\ncaller;callee;start time;duration\n1001;86138;2026-04-03 00:00:00;5\n",
        );
        assert_eq!((table.delimiter, table.header_lines, table.rows.len()), (';', 4, 1));
        assert_eq!(table.header, ["caller", "callee", "start time", "duration"]);
    }

    #[test]
    fn a_quoted_field_may_hold_delimiters_quotes_and_line_ends() {
        let table = read(
            "\"a, \"\"b\"\"\",\"86138\",\"2026-04-03 00:00:00\",\"x\ny\"\n1,86139,2026-04-03 00:00:01,z\n",
        );
        assert_eq!(table.rows[0], ["a, \"b\"", "86138", "2026-04-03 00:00:00", "x y"]);
        assert_eq!(table.rows.len(), 2);
    }
}
