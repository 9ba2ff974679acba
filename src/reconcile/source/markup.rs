//! XML records and tables of HTML: each record or row becomes a line of a text.
//!
//! Switches write XML (BroadWorks, FreeSWITCH); portals give a page's table the name `.xls`, as do
//! spreadsheets their own XML. The tags are read one after the other, however large the file is; what
//! is not well-formed, as pages are not, is taken as it comes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use tempfile::TempPath;

use super::json::{Row, Table};
use super::{SourceError, temporary_file, write_field};

/// Longest tag or text between two tags.
const LONGEST: u64 = 1024 * 1024;
/// Bytes from which the record's element is chosen.
const LOOKED_AT: u64 = 512 * 1024;
/// Fields of a record, and cells of a row, at most.
const MOST_FIELDS: usize = 1_000;
/// Elements within each other that are followed.
const DEEPEST: usize = 64;

/// What the tags hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Rows of cells.
    Rows,
    /// Records that are elements of this name.
    Records(String),
}

/// What a piece of markup is.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// `<name …>`.
    Open(String),
    /// `</name>`.
    Close(String),
    /// `<name …/>`.
    Empty(String),
    Text(String),
}

/// The first signs of a text, small.
fn head(path: &Path) -> io::Result<String> {
    let mut head = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut head)?;
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    Ok(text.trim_start_matches('\u{feff}').trim_start().to_owned())
}

/// Whether a text is markup.
pub(super) fn is_markup(path: &Path) -> io::Result<bool> {
    let text = head(path)?;
    let Some(tag) = text.strip_prefix('<').and_then(|rest| rest.split('>').next()) else { return Ok(false) };
    if is_surely(path)? {
        return Ok(true);
    }
    let name = tag.split(|sign: char| sign.is_whitespace() || sign == '/').next().unwrap_or_default();
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "_:.-".contains(sign);
    Ok(name.starts_with(|sign: char| sign.is_ascii_alphabetic()) && name.chars().all(fits))
}

/// Whether a text says itself that it is markup; a field in angle brackets may only look so.
pub(super) fn is_surely(path: &Path) -> io::Result<bool> {
    let text = head(path)?;
    Ok(["<?xml", "<!doctype", "<html", "<!--"].iter().any(|begin| text.starts_with(begin)))
}

/// Brings it to a text, with the lines of that before the first record; `None` when there is neither a
/// table nor a record in it.
pub(super) fn to_text(
    given: &Path,
    path: &Path,
    temporary: &Path,
) -> Result<Option<(TempPath, u64)>, SourceError> {
    let open = || -> Result<Pieces<BufReader<File>>, SourceError> {
        let file = File::open(path).map_err(SourceError::io(given))?;
        Ok(Pieces::new(BufReader::with_capacity(256 * 1024, file)))
    };
    let Some(kind) = kind(&mut open()?).map_err(SourceError::io(given))? else { return Ok(None) };
    let out = BufWriter::with_capacity(256 * 1024, temporary_file(given, temporary)?);
    let (out, before) = match kind {
        Kind::Rows => (rows(given, &mut open()?, out)?, 0),
        Kind::Records(name) => {
            let mut table = Table::new(out);
            records(&mut open()?, &name, &mut table).map_err(SourceError::io(given))?;
            (table.finish().map_err(SourceError::temporary(given))?, 1)
        }
    };
    let file = out.into_inner().map_err(|error| SourceError::temporary(given)(error.into_error()))?;
    Ok(Some((file.into_temp_path(), before)))
}

/// Reads markup piece by piece.
struct Pieces<R> {
    reader: R,
    in_text: bool,
    /// The tag that was read last, with its attributes.
    tag: Vec<u8>,
}

impl<R: BufRead> Pieces<R> {
    const fn new(reader: R) -> Self {
        Self { reader, in_text: true, tag: Vec::new() }
    }

    /// A number among the attributes of the last tag.
    fn attribute(&self, name: &str) -> Option<usize> {
        let tag = String::from_utf8_lossy(&self.tag).to_ascii_lowercase();
        let (before, rest) = tag.split_once(&format!("{name}="))?;
        let apart = before.ends_with(|sign: char| sign.is_whitespace() || sign == ':');
        let rest = rest.trim_start_matches(['"', '\'']);
        let digits = rest.len() - rest.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
        rest[..digits].parse().ok().filter(|_| apart)
    }

    fn until(&mut self, end: u8) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LONGEST).read_until(end, &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        if bytes.pop_if(|byte| *byte == end).is_none() && read as u64 == LONGEST {
            // No tag and no value is as long: the rest of it says nothing.
            self.reader.skip_until(end)?;
        }
        Ok(Some(bytes))
    }

    fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if self.in_text {
                self.in_text = false;
                match self.until(b'<')? {
                    Some(text) if !text.trim_ascii().is_empty() => {
                        return Ok(Some(Piece::Text(plain(&String::from_utf8_lossy(&text)))));
                    }
                    Some(_) => {}
                    None => return Ok(None),
                }
            }
            let Some(mut tag) = self.until(b'>')? else { return Ok(None) };
            self.in_text = true;
            for (begin, end) in [(b"!--".as_slice(), b"--".as_slice()), (b"![CDATA[", b"]]")] {
                // A `>` within is part of it.
                while tag.starts_with(begin) && !tag.ends_with(end) && (tag.len() as u64) < LONGEST {
                    let Some(more) = self.until(b'>')? else { break };
                    tag.push(b'>');
                    tag.extend(more);
                }
            }
            if let Some(text) = tag.strip_prefix(b"![CDATA[") {
                let text = text.strip_suffix(b"]]").unwrap_or(text);
                return Ok(Some(Piece::Text(String::from_utf8_lossy(text).into_owned())));
            }
            if tag.starts_with(b"!") || tag.starts_with(b"?") {
                continue;
            }
            let (closing, tag) = match tag.strip_prefix(b"/") {
                Some(rest) => (true, rest),
                None => (false, tag.as_slice()),
            };
            let empty = tag.ends_with(b"/");
            let name =
                tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
            // Without the prefix of its namespace.
            let name = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
            let mut name = String::from_utf8_lossy(name).into_owned();
            name.truncate(name.floor_char_boundary(200));
            self.tag = tag.to_vec();
            return Ok(Some(match (closing, empty) {
                (true, _) => Piece::Close(name),
                (false, true) => Piece::Empty(name),
                (false, false) => Piece::Open(name),
            }));
        }
    }
}

/// A text with its entities as signs, in one line.
fn plain(text: &str) -> String {
    let text = text.trim();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((name, after)) = rest.split_once(';').filter(|(name, _)| name.len() <= 8) else {
            out.push('&');
            continue;
        };
        let number = name.strip_prefix('#').and_then(|number| {
            match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            }
            .ok()
        });
        let sign = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            _ => number.and_then(char::from_u32),
        };
        if let Some(sign) = sign {
            out.push(sign);
            rest = after;
        } else {
            out.push('&');
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

const ROW: [&str; 2] = ["tr", "row"];
const CELL: [&str; 3] = ["td", "th", "cell"];

fn is(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Rows where there are rows of cells; else the outermost element that comes again and has four values
/// of its own, or the root's child of which there is only one.
fn kind(pieces: &mut Pieces<BufReader<File>>) -> io::Result<Option<Kind>> {
    let mut path: Vec<(String, usize)> = Vec::new();
    // By depth and name: how often, and how many values the fullest has.
    let mut found: BTreeMap<(usize, String), (usize, usize)> = BTreeMap::new();
    let (mut cells, mut seen) = (0, 0_u64);
    while seen < LOOKED_AT {
        let Some(piece) = pieces.next()? else { break };
        seen += 16;
        match piece {
            Piece::Open(name) => {
                cells += usize::from(is(&name, &CELL) && path.iter().any(|(outer, _)| is(outer, &ROW)));
                if cells >= 4 {
                    return Ok(Some(Kind::Rows));
                }
                if path.len() < DEEPEST {
                    path.push((name, 0));
                }
            }
            Piece::Text(text) => {
                seen += text.len() as u64;
                path.iter_mut().for_each(|(_, values)| *values += 1);
            }
            Piece::Close(name) => {
                // What was left open inside ends with it.
                let Some(depth) = path.iter().rposition(|(open, _)| *open == name) else { continue };
                let values = path[depth].1;
                path.truncate(depth);
                let entry = found.entry((depth, name)).or_default();
                *entry = (entry.0 + 1, entry.1.max(values));
            }
            Piece::Empty(_) => {}
        }
    }
    let full = |values: usize| (4..=MOST_FIELDS).contains(&values);
    let again = found.iter().find(|(_, (count, values))| *count > 1 && full(*values));
    let once = || found.iter().find(|(_, (_, values))| full(*values));
    Ok(again.or_else(once).map(|((_, name), _)| Kind::Records(name.clone())))
}

/// Writes the values of each element of a name.
fn records(pieces: &mut Pieces<BufReader<File>>, name: &str, table: &mut Table) -> io::Result<()> {
    // FreeSWITCH writes its values as in a URL.
    let escaped = name == "cdr";
    let mut path: Vec<String> = Vec::new();
    let mut record: Option<BTreeMap<String, String>> = None;
    while let Some(piece) = pieces.next()? {
        if table.has_failed() {
            return Ok(());
        }
        match piece {
            Piece::Open(open) if open == name => {
                path.clear();
                record = Some(BTreeMap::new());
            }
            Piece::Close(close) if close == name => {
                if let Some(record) = record.take() {
                    table.add(Row::Record(record));
                }
            }
            Piece::Open(open) if path.len() < DEEPEST => path.push(open),
            Piece::Close(close) => {
                if let Some(depth) = path.iter().rposition(|open| *open == close) {
                    path.truncate(depth);
                }
            }
            Piece::Text(text) => {
                if let (Some(record), Some(field)) = (&mut record, path.last())
                    && record.len() < MOST_FIELDS
                {
                    record
                        .entry(field.clone())
                        .or_insert_with(|| if escaped { super::json::unescaped(&text) } else { text });
                }
            }
            Piece::Open(_) | Piece::Empty(_) => {}
        }
    }
    // A record that the end of the file breaks off does not vanish.
    if let Some(record) = record {
        let what = record.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let what = format!("(broken off) {}", what.join(" "));
        table.add(Row::Other(what.chars().take(400).collect()));
    }
    Ok(())
}

/// Writes rows of cells, wherever in the page they stand.
fn rows(
    given: &Path,
    pieces: &mut Pieces<BufReader<File>>,
    mut out: BufWriter<tempfile::NamedTempFile>,
) -> Result<BufWriter<tempfile::NamedTempFile>, SourceError> {
    let mut row: Vec<String> = Vec::new();
    let (mut in_cell, mut wide, mut most) = (false, 0, 0);
    loop {
        let piece = pieces.next().map_err(SourceError::io(given))?;
        let ends = match &piece {
            None => true,
            Some(Piece::Open(name) | Piece::Close(name) | Piece::Empty(name)) => is(name, &ROW),
            Some(Piece::Text(_)) => false,
        };
        if ends && !row.is_empty() {
            // A spreadsheet leaves the last cells out when they are empty.
            let full = row.iter().filter(|cell| !cell.is_empty()).count();
            if full > 1 {
                most = most.max(row.len());
                row.resize(most, String::new());
            }
            let mut put = || -> io::Result<()> {
                for (place, cell) in row.drain(..).enumerate() {
                    if place > 0 {
                        out.write_all(b"\t")?;
                    }
                    write_field(&mut out, &cell)?;
                }
                out.write_all(b"\n")
            };
            wide = 0;
            put().map_err(SourceError::temporary(given))?;
        }
        match piece {
            None => return Ok(out),
            Some(Piece::Open(name) | Piece::Empty(name)) if is(&name, &CELL) => {
                // A spreadsheet leaves empty cells out and counts on; a page's cell may be several wide.
                let place = pieces.attribute("index").and_then(|place| place.checked_sub(1));
                let place = place.unwrap_or(row.len() + wide).clamp(row.len(), MOST_FIELDS);
                wide = pieces.attribute("colspan").unwrap_or(1).clamp(1, MOST_FIELDS) - 1;
                in_cell = place < MOST_FIELDS;
                if in_cell {
                    row.resize(place + 1, String::new());
                }
            }
            Some(Piece::Close(name)) if is(&name, &CELL) => in_cell = false,
            Some(Piece::Text(text)) if in_cell => {
                if let Some(cell) = row.last_mut() {
                    cell.push_str(&text);
                }
            }
            Some(_) => in_cell = in_cell && !ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let mut pieces = Pieces::new(text.as_bytes());
        std::iter::from_fn(|| pieces.next().expect("bytes in memory")).collect()
    }

    #[test]
    fn tags_texts_comments_and_entities_are_told_apart() {
        let text = "<?xml version=\"1.0\"?><!-- a > b --><a x=\"1\"><ns:b>1 &amp; 2 &#20803;</ns:b><c/><![CDATA[<d>]]></a>";
        assert_eq!(
            pieces(text),
            [
                Piece::Open("a".to_owned()),
                Piece::Open("b".to_owned()),
                Piece::Text("1 & 2 元".to_owned()),
                Piece::Close("b".to_owned()),
                Piece::Empty("c".to_owned()),
                Piece::Text("<d>".to_owned()),
                Piece::Close("a".to_owned()),
            ]
        );
        assert_eq!(pieces("<a"), [Piece::Open("a".to_owned())]);
        assert_eq!(pieces("x"), [Piece::Text("x".to_owned())]);
    }
}
