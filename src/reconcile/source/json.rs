//! JSON records: one object a line, an array, or one object after the other; each becomes a line of a
//! text whose columns are the fields that say something of a call.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use linesman_cdr::format::preset::Preset;
use linesman_cdr::format::words::{self, squeezed};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tempfile::TempPath;

use super::{SourceError, temporary_file, write_field};

/// Records whose fields decide the columns.
const LOOKED_AT: usize = 1_000;
/// Columns that are kept whatever they are called.
const FEW: usize = 40;
/// Columns at most.
const MOST: usize = 300;
/// Depth to which objects are opened.
const DEEPEST: usize = 6;
/// Longest line that is one record.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// Whether a text is JSON: objects, or an array of them.
pub(super) fn is_json(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut head)?;
    let text = String::from_utf8_lossy(&head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let Some(inner) = text.strip_prefix('{') else {
        let inner = text.strip_prefix('[').map(str::trim_start);
        return Ok(inner.is_some_and(|inner| inner.starts_with('{') || inner.starts_with(']')));
    };
    let inner = inner.trim_start();
    Ok(inner.starts_with('"') || inner.starts_with('}'))
}

/// Brings JSON to a text with a header.
pub(super) fn to_text(given: &Path, path: &Path, temporary: &Path) -> Result<TempPath, SourceError> {
    let mut table = Table::new(BufWriter::with_capacity(256 * 1024, temporary_file(given, temporary)?));
    let damaged = |records: u64, cause: String| SourceError::Damaged {
        path: given.to_owned(),
        what: "the JSON cannot be read",
        place: format!("after {records} records"),
        cause,
    };
    let open = || -> Result<BufReader<File>, SourceError> {
        let mut reader =
            BufReader::with_capacity(256 * 1024, File::open(path).map_err(SourceError::io(given))?);
        if reader.fill_buf().map_err(SourceError::io(given))?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        Ok(reader)
    };
    if is_one_a_line(&mut open()?).map_err(SourceError::io(given))? {
        by_line(&mut open()?, &mut table).map_err(SourceError::io(given))?;
    } else {
        let mut reader = serde_json::Deserializer::from_reader(open()?);
        let mut first = open()?;
        let array =
            first.fill_buf().map_err(SourceError::io(given))?.iter().find(|byte| !byte.is_ascii_whitespace())
                == Some(&b'[');
        let outcome = if array {
            reader.deserialize_seq(Records(&mut table)).and_then(|()| reader.end())
        } else {
            let mut each = reader.into_iter::<Value>();
            each.try_for_each(|value| value.map(|value| table.wrapped(value)))
        };
        if let Err(error) = outcome {
            let records = table.records;
            return Err(table
                .failed
                .map_or_else(|| damaged(records, error.to_string()), SourceError::temporary(given)));
        }
    }
    let out = table.finish().map_err(SourceError::temporary(given))?;
    let file = out.into_inner().map_err(|error| SourceError::temporary(given)(error.into_error()))?;
    Ok(file.into_temp_path())
}

fn is_one_a_line(reader: &mut impl BufRead) -> io::Result<bool> {
    let mut whole = 0;
    for _ in 0..3 {
        let mut line = Vec::new();
        reader.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.trim_ascii().is_empty() {
            break;
        }
        if !serde_json::from_slice::<Map<String, Value>>(&line)
            .is_ok_and(|object| list_inside(&object).is_none())
        {
            return Ok(false);
        }
        whole += 1;
    }
    Ok(whole > 0)
}

/// A line that is no object stays what it is: the reader of the rows refuses it with its number.
fn by_line(reader: &mut impl BufRead, table: &mut Table) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        match serde_json::from_slice::<Map<String, Value>>(&line) {
            Ok(object) => table.add(Row::Record(flat(&object))),
            Err(_) => {
                table.add(Row::Other(String::from_utf8_lossy(&line).trim().chars().take(400).collect()))
            }
        }
    }
}

/// The list of objects within a wrapper such as `{"cdrs": [...]}`.
fn list_inside(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    let mut lists = object.values().filter_map(Value::as_array);
    let list = lists.next().filter(|list| !list.is_empty() && list.iter().all(Value::is_object))?;
    let scalars = object.values().filter(|value| !value.is_array()).count();
    (lists.next().is_none() && scalars <= 6 && !object.contains_key("variables")).then_some(list)
}

/// A record, or what stands in a record's place.
pub(super) enum Row {
    Record(BTreeMap<String, String>),
    Other(String),
}

/// Records whose names become the columns of a text.
pub(super) struct Table {
    out: BufWriter<tempfile::NamedTempFile>,
    columns: Vec<String>,
    waiting: Vec<Row>,
    records: u64,
    failed: Option<io::Error>,
}

impl Table {
    pub(super) const fn new(out: BufWriter<tempfile::NamedTempFile>) -> Self {
        Self { out, columns: Vec::new(), waiting: Vec::new(), records: 0, failed: None }
    }

    /// Whether the text could not be written.
    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The text, with what still waited in it.
    pub(super) fn finish(mut self) -> io::Result<BufWriter<tempfile::NamedTempFile>> {
        self.settle();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn wrapped(&mut self, value: Value) {
        match value {
            Value::Object(object) => match list_inside(&object) {
                Some(list) => list.iter().for_each(|value| self.value(value)),
                None => self.add(Row::Record(flat(&object))),
            },
            other => self.value(&other),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(object) => self.add(Row::Record(flat(object))),
            other => self.add(Row::Other(other.to_string().chars().take(400).collect())),
        }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.records += 1;
        if self.columns.is_empty() {
            self.waiting.push(row);
            if self.waiting.len() >= LOOKED_AT {
                self.settle();
            }
            return;
        }
        self.write(&row);
    }

    /// Chooses the columns and writes what waited for them.
    fn settle(&mut self) {
        if !self.columns.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut names: Vec<&String> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for row in &waiting {
            if let Row::Record(record) = row {
                names.extend(record.keys().filter(|name| seen.insert(name.as_str())));
            }
        }
        let presets: std::collections::BTreeSet<String> = Preset::all()
            .iter()
            .flat_map(|preset| preset.names.values().flatten())
            .map(|name| squeezed(name))
            .collect();
        let many = names.len() > FEW;
        let says = |name: &&String| {
            !many || presets.contains(&squeezed(name)) || !words::heading(name).meanings.is_empty()
        };
        self.columns = names.into_iter().filter(says).take(MOST).cloned().collect();
        if self.columns.is_empty() {
            self.columns.push("record".to_owned());
        }
        let header: BTreeMap<String, String> =
            self.columns.iter().map(|name| (name.clone(), name.clone())).collect();
        self.write(&Row::Record(header));
        for row in &waiting {
            self.write(row);
        }
    }

    fn write(&mut self, row: &Row) {
        if self.failed.is_some() {
            return;
        }
        let mut put = || -> io::Result<()> {
            match row {
                Row::Record(record) => {
                    for (place, column) in self.columns.iter().enumerate() {
                        if place > 0 {
                            self.out.write_all(b"\t")?;
                        }
                        write_field(&mut self.out, record.get(column).map_or("", String::as_str))?;
                    }
                }
                Row::Other(text) => {
                    write_field(&mut self.out, if text.is_empty() { "(empty)" } else { text })?
                }
            }
            self.out.write_all(b"\n")
        };
        if let Err(error) = put() {
            self.failed = Some(error);
        }
    }
}

/// Elements of an array, one after the other.
struct Records<'a>(&'a mut Table);

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(One(&mut *self.0))?.is_some() {
            if self.0.failed.is_some() {
                return Err(serde::de::Error::custom("the text cannot be written"));
            }
        }
        Ok(())
    }
}

struct One<'a>(&'a mut Table);

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value: Value = serde::Deserialize::deserialize(deserializer)?;
        self.0.value(&value);
        Ok(())
    }
}

/// An object's fields under their own names; those of `variables` first, then the outer ones.
fn flat(object: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let variables = object.get("variables").and_then(Value::as_object);
    let escaped = variables.is_some();
    if let Some(variables) = variables {
        spread(variables, escaped, 0, &mut fields);
    }
    spread(object, escaped, 0, &mut fields);
    fields
}

fn spread(object: &Map<String, Value>, escaped: bool, depth: usize, fields: &mut BTreeMap<String, String>) {
    let mut inner = Vec::new();
    for (name, value) in object {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) if escaped => unescaped(text),
            Value::String(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Object(object) => {
                inner.push(object);
                continue;
            }
            Value::Array(values) => {
                inner.extend(values.first().and_then(Value::as_object));
                continue;
            }
        };
        if fields.len() < 4 * MOST {
            fields.entry(name.clone()).or_insert(text);
        }
    }
    for object in inner.into_iter().filter(|_| depth < DEEPEST) {
        spread(object, escaped, depth + 1, fields);
    }
}

/// FreeSWITCH may write its variables as in a URL (`%2B86…`).
pub(super) fn unescaped(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = &after[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
