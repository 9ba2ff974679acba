//! From a user's file to a text with a [`Layout`].
//!
//! A plain UTF-8 file is used where it is. What is packed, of another encoding, a workbook, JSON or markup
//! is brought to a temporary text with one record a line. Lines are told to people as those of their own
//! file ([`Source::line`]).

mod encoding;
mod gzip;
mod json;
mod markup;
#[cfg(test)]
mod tests;
mod workbook;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use linesman_cdr::format::Layout;
use linesman_cdr::format::detect::{self, BLOCK, DetectError, Detected, Evidence, Hints, Sample};
use linesman_cdr::format::preset::{Preset, PresetError};
use linesman_cdr::outcome::Finding;
use linesman_cdr::record::Side;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use crate::job::Input;

/// Blocks of a second, closer look, and their size.
const CLOSER_BLOCKS: u64 = 192;
const CLOSER_BLOCK: usize = 64 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No room for the temporary text.
    #[error("the text of {} does not fit into the temporary folder: {source}. Name a folder on a larger disk with TMPDIR", path.display())]
    Temporary {
        /// Whose text.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Packed in a way that is not opened here.
    #[error("{}: {what}. {remedy}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What helps.
        remedy: String,
    },
    /// Broken off or damaged.
    #[error("{}: {what} {place}: {cause}. Nothing of it was used; copy or export it again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What kind of file it is.
        what: &'static str,
        /// Where.
        place: String,
        /// Why.
        cause: String,
    },
    /// The format that was asked for cannot be used.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// What it looks like is not certain.
    #[error(transparent)]
    Detect(#[from] DetectError),
}

impl SourceError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    fn temporary(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Temporary { path: path.to_owned(), source }
    }
}

/// A file that is ready to be read.
#[derive(Debug)]
pub struct Source {
    text: Text,
    given: PathBuf,
    bytes: u64,
    detected: Detected,
}

/// Text of a user's file, in place or temporary.
#[derive(Debug)]
struct Text {
    path: PathBuf,
    /// Removes the temporary file.
    _kept: Option<TempPath>,
    /// Lines of the text before the user's first line or record.
    lines_before: u64,
    /// What it was brought from, for the findings.
    was: Vec<(&'static str, String)>,
}

/// A file whose text is ready and whose look is not known yet.
struct Opened {
    text: Text,
    given: PathBuf,
    bytes: u64,
    hints: Hints,
    preset: Option<Preset>,
}

impl Source {
    /// Opens one file; what only the other file could prove is an error that says so.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    pub fn open(input: &Input, side: Side, temporary: &Path) -> Result<Self, SourceError> {
        let opened = Opened::of(input, side, temporary)?;
        let detected = opened.detect(None)?;
        Ok(opened.with(detected))
    }

    /// Opens our file and theirs; what one leaves open the other may prove.
    ///
    /// # Errors
    ///
    /// [`SourceError`].
    pub fn open_pair(ours: &Input, theirs: &Input, temporary: &Path) -> Result<[Self; 2], SourceError> {
        let ours = Opened::of(ours, Side::Ours, temporary)?;
        let theirs = Opened::of(theirs, Side::Theirs, temporary)?;
        let (first, second) = match (ours.detect(None), theirs.detect(None)) {
            (Ok(first), Err(SourceError::Detect(error))) if error.is_open_question() => {
                let second = theirs.detect(Some(&first.evidence))?;
                (first, second)
            }
            (Err(SourceError::Detect(error)), Ok(second)) if error.is_open_question() => {
                (ours.detect(Some(&second.evidence))?, second)
            }
            (first, second) => (first?, second?),
        };
        if let Some(error) = detect::crossed(&first, &second, &theirs.hints) {
            return Err(error.into());
        }
        Ok([ours.with(first), theirs.with(second)])
    }

    /// The text: UTF-8, one record a line.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.text.path
    }

    /// The user's own file.
    #[must_use]
    pub fn given(&self) -> &Path {
        &self.given
    }

    /// Size of the user's own file.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the text looks like.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.detected.layout
    }

    /// What of the file is not the plain generic form.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.detected.findings
    }

    /// The line of the user's file, row of the sheet or number of the JSON record that a line of the
    /// text (from 1, header lines counted) stands for.
    #[must_use]
    pub const fn line(&self, text_line: u64) -> u64 {
        text_line.saturating_sub(self.text.lines_before)
    }

    /// SHA-256 of the user's own file in hexadecimal; reads the whole file.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn sha256(&self) -> io::Result<String> {
        let mut file = File::open(&self.given)?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Opened {
    fn of(input: &Input, side: Side, temporary: &Path) -> Result<Self, SourceError> {
        let path = &input.path;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let hints = Hints::read(Some(side), &name, &input.hints)?;
        let preset = input.format.as_deref().map(preset).transpose()?;
        let file = File::open(path).map_err(SourceError::io(path))?;
        let about = file.metadata().map_err(SourceError::io(path))?;
        if about.is_dir() {
            return Err(SourceError::Io {
                path: path.clone(),
                source: io::Error::from(io::ErrorKind::IsADirectory),
            });
        }
        let encoding =
            input.hints.iter().find(|(name, _)| name.ends_with("encoding")).map(|(_, value)| value.as_str());
        let encoding = encoding.map(|name| encoding::named(name, &hints.flag("encoding"))).transpose()?;
        let text = text(path, path, temporary, encoding, Vec::new())?;
        Ok(Self { text, given: path.clone(), bytes: about.len(), hints, preset })
    }

    /// Head, middle and tail first; a closer look, then the other file, where that leaves a question.
    fn detect(&self, other: Option<&Evidence>) -> Result<Detected, SourceError> {
        let hints = Hints { other: other.cloned(), ..self.hints.clone() };
        let mut detected = None;
        for closer in [false, true] {
            let blocks = blocks(&self.text.path, closer).map_err(SourceError::io(&self.given))?;
            let whole = blocks.len() == 1;
            let later = blocks.iter().skip(1).map(Vec::as_slice).collect();
            let sample = Sample { head: blocks.first().map_or(&[], Vec::as_slice), later, whole };
            let found = detect::detect(&sample, &hints, self.preset.as_ref());
            let open = found.as_ref().is_err_and(DetectError::is_open_question);
            detected = Some(found);
            if !open || whole {
                break;
            }
        }
        let mut detected =
            detected.unwrap_or_else(|| Err(DetectError::Empty { file: self.hints.file.clone() }))?;
        if !self.text.was.is_empty() {
            let values = self
                .text
                .was
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
                .collect();
            detected.findings.push(Finding { kind: "csv_dialect".to_owned(), side: self.hints.side, values });
        }
        Ok(detected)
    }

    fn with(self, detected: Detected) -> Source {
        Source { text: self.text, given: self.given, bytes: self.bytes, detected }
    }
}

/// A preset by name, or by the path of a TOML file.
fn preset(name: &str) -> Result<Preset, SourceError> {
    let path = Path::new(name);
    let is_path =
        name.to_ascii_lowercase().ends_with(".toml") || name.contains(['/', '\\']) || path.is_file();
    if !is_path {
        return Ok(Preset::named(name)?);
    }
    let text = std::fs::read_to_string(path).map_err(SourceError::io(path))?;
    Ok(Preset::read(name, &text)?)
}

/// The text of a file, by what its first bytes show it to be.
fn text(
    given: &Path,
    path: &Path,
    temporary: &Path,
    wanted: Option<&'static encoding_rs::Encoding>,
    mut was: Vec<(&'static str, String)>,
) -> Result<Text, SourceError> {
    let blocks = blocks(path, false).map_err(SourceError::io(given))?;
    let head = blocks.first().map_or(&[][..], Vec::as_slice);
    let unusable = |what: &str, remedy: &str| SourceError::Unusable {
        path: given.to_owned(),
        what: what.to_owned(),
        remedy: remedy.to_owned(),
    };
    if head.starts_with(&[0x1f, 0x8b]) {
        if was.iter().any(|(_, value)| value == "gzip") {
            return Err(unusable("it is gzip within gzip", "Unpack it once"));
        }
        was.push(("packed", "gzip".to_owned()));
        let unpacked = gzip::unpack(given, path, temporary)?;
        let inner = text(given, &unpacked, temporary, wanted, was)?;
        // What was used in place is the unpacked text itself: it must stay.
        return Ok(if inner._kept.is_none() { Text { _kept: Some(unpacked), ..inner } } else { inner });
    }
    for (magic, name) in [
        (&b"BZh"[..], "bzip2"),
        (b"\xfd7zXZ", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf", "7-Zip"),
        (b"Rar!", "RAR"),
        (b"%PDF", "PDF"),
    ] {
        if head.starts_with(magic) && head.iter().take(200).any(|byte| !byte.is_ascii_graphic()) {
            return Err(unusable(
                &format!("it is a {name} file"),
                "Unpack or export it as CSV, CSV.gz, XLSX or JSON",
            ));
        }
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        was.push(("packed", "workbook".to_owned()));
        let (kept, sheet, others) = workbook::to_text(given, path, temporary)?;
        was.push(("sheet", sheet));
        if !others.is_empty() {
            was.push(("sheets_left_out", others));
        }
        return Ok(Text { path: kept.to_path_buf(), _kept: Some(kept), lines_before: 0, was });
    }
    let found = match wanted {
        Some(encoding) => Some(encoding),
        None => encoding::of(&blocks).map_err(|what| unusable(what, "Export it as CSV, XLSX or JSON"))?,
    };
    let old_lines = encoding::has_bare_returns(head);
    let mut path_now = path.to_owned();
    let mut kept = None;
    let odd = encoding::has_odd_signs(&blocks);
    if found.is_some_and(|encoding| encoding != encoding_rs::UTF_8) || old_lines || odd {
        let encoding = found.unwrap_or(encoding_rs::UTF_8);
        if encoding != encoding_rs::UTF_8 {
            was.push(("encoding", encoding.name().to_owned()));
        }
        let text = encoding::to_utf8(given, path, temporary, encoding, old_lines)?;
        path_now = text.to_path_buf();
        kept = Some(text);
    }
    if json::is_json(&path_now).map_err(SourceError::io(given))? {
        was.push(("packed", "json".to_owned()));
        let text = json::to_text(given, &path_now, temporary)?;
        return Ok(Text { path: text.to_path_buf(), _kept: Some(text), lines_before: 1, was });
    }
    if markup::is_markup(&path_now).map_err(SourceError::io(given))? {
        if let Some((text, lines_before)) = markup::to_text(given, &path_now, temporary)? {
            was.push(("packed", "xml".to_owned()));
            return Ok(Text { path: text.to_path_buf(), _kept: Some(text), lines_before, was });
        }
        if markup::is_surely(&path_now).map_err(SourceError::io(given))? {
            return Err(unusable(
                "it is XML or HTML in which no table and no records were found",
                "Export it as CSV, XLSX or JSON",
            ));
        }
    }
    Ok(Text { path: path_now, _kept: kept, lines_before: 0, was })
}

/// A new temporary text.
fn temporary_file(given: &Path, temporary: &Path) -> Result<NamedTempFile, SourceError> {
    tempfile::Builder::new()
        .prefix("text-")
        .suffix(".csv")
        .tempfile_in(temporary)
        .map_err(SourceError::temporary(given))
}

/// One field of a temporary text, quoted where it must be.
fn write_field(out: &mut impl Write, text: &str) -> io::Result<()> {
    if !text.contains(['"', '\t', '\n', '\r']) {
        return out.write_all(text.as_bytes());
    }
    let text = text.replace(['\t', '\n', '\r'], " ");
    if text.contains('"') {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

/// The whole of a small text; else its head, middle and tail, or blocks from all over it.
fn blocks(path: &Path, closer: bool) -> io::Result<Vec<Vec<u8>>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let block = BLOCK as u64;
    let mut take = |from: u64, count: u64| -> io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut file).take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    if length <= 3 * block {
        return Ok(vec![take(0, 3 * block)?]);
    }
    let mut blocks = vec![take(0, block)?];
    if closer {
        let step = (length - block) / CLOSER_BLOCKS;
        for number in 0..CLOSER_BLOCKS {
            blocks.push(take(block + number * step, CLOSER_BLOCK as u64)?);
        }
    } else {
        blocks.push(take(length / 2, block)?);
    }
    blocks.push(take(length - block, block)?);
    Ok(blocks)
}
