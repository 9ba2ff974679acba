//! Hands out both files in pieces that end where a record ends, each piece to one thread.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use linesman_cdr::record::Side;

use crate::error::ReconcileError;

/// A text to read, from its first record on.
pub(crate) struct Text {
    path: PathBuf,
    file: File,
    /// Byte of the first record.
    begin: u64,
    /// Byte after the last.
    end: u64,
}

impl Text {
    /// Opens a text; its records begin after so many lines, and after a byte order mark.
    pub(crate) fn open(path: &Path, header_lines: u32) -> Result<Self, ReconcileError> {
        let file = File::open(path).map_err(ReconcileError::io(path))?;
        let end = file.metadata().map_err(ReconcileError::io(path))?.len();
        let mut text = Self { path: path.to_owned(), file, begin: 0, end };
        text.begin = text.after_lines(header_lines)?;
        Ok(text)
    }

    /// Bytes from the first record on.
    pub(crate) const fn length(&self) -> u64 {
        self.end - self.begin
    }

    fn after_lines(&self, lines: u32) -> Result<u64, ReconcileError> {
        let mut block = vec![0; 64 << 10];
        let mut at = 0;
        let mut left = lines;
        loop {
            let length = block.len().min(usize::try_from(self.end - at).unwrap_or(usize::MAX));
            let read = &mut block[..length];
            self.fill(at, read)?;
            let mut from = if at == 0 && read.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            while left > 0 {
                match read[from..].iter().position(|byte| *byte == b'\n') {
                    Some(found) => from += found + 1,
                    None => break,
                }
                left -= 1;
            }
            if left == 0 {
                return Ok(at + from as u64);
            }
            if length == 0 {
                return Ok(self.end);
            }
            at += length as u64;
        }
    }

    /// Reads so many bytes from a place on; fewer is an error.
    pub(crate) fn fill(&self, at: u64, into: &mut [u8]) -> Result<(), ReconcileError> {
        self.file.read_exact_at(into, at).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => ReconcileError::Shrunk { path: self.path.clone() },
            _ => ReconcileError::Io { path: self.path.clone(), source },
        })
    }

    /// Up to `most` bytes from a few places over the whole text, for measures; each with its length.
    pub(crate) fn probes(&self, places: u64, most: usize) -> Result<Vec<Vec<u8>>, ReconcileError> {
        let mut probes = Vec::new();
        for number in 0..places {
            let at = self.begin + self.length() / places * number;
            let length = most.min(usize::try_from(self.end - at).unwrap_or(usize::MAX));
            let mut probe = vec![0; length];
            self.fill(at, &mut probe)?;
            probes.push(probe);
        }
        Ok(probes)
    }
}

/// A piece that was handed out; its bytes stand in the buffer of who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Of which file.
    pub(crate) side: Side,
    /// Its number within the file.
    pub(crate) number: u64,
    /// Byte of the text where it begins.
    pub(crate) base: u64,
}

struct At {
    side: Side,
    number: u64,
    at: u64,
}

/// Hands out both texts, ours first.
pub(crate) struct Feed<'a> {
    texts: [&'a Text; 2],
    size: usize,
    cut: fn(&[u8]) -> usize,
    at: Mutex<At>,
}

/// A record may be longer than a piece by this factor before it is broken up.
const LONGEST: usize = 4;

impl<'a> Feed<'a> {
    /// In pieces of about `size` bytes; `cut` gives the end of the last whole record of a block.
    pub(crate) fn new(texts: [&'a Text; 2], size: usize, cut: fn(&[u8]) -> usize) -> Self {
        let at = Mutex::new(At { side: Side::Ours, number: 0, at: texts[0].begin });
        Self { texts, size: size.max(1), cut, at }
    }

    /// The next piece, its bytes into `buffer`; `None` at the end of both.
    pub(crate) fn next(&self, buffer: &mut Vec<u8>) -> Result<Option<Piece>, ReconcileError> {
        // Where a piece begins is known only once the one before it is cut, quotes may hold line
        // ends: so reading and cutting is one thread's at a time. Parsing takes far longer.
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.at >= self.texts[at.side.index()].end {
            if at.side == Side::Theirs {
                return Ok(None);
            }
            *at = At { side: Side::Theirs, number: 0, at: self.texts[1].begin };
            if at.at >= self.texts[1].end {
                return Ok(None);
            }
        }
        let text = self.texts[at.side.index()];
        let mut size = self.size;
        loop {
            let left = usize::try_from(text.end - at.at).unwrap_or(usize::MAX);
            let length = size.min(left);
            if buffer.len() < length {
                buffer.resize(length, 0);
            }
            buffer.truncate(length);
            text.fill(at.at, buffer)?;
            let whole = match (self.cut)(buffer) {
                _ if length == left => length,
                0 if size < self.size.saturating_mul(LONGEST) => {
                    size *= 2;
                    continue;
                }
                // A quote that never ends, or a line without one: what can be told apart still is.
                0 => buffer.iter().rposition(|byte| *byte == b'\n').map_or(length, |found| found + 1),
                whole => whole,
            };
            buffer.truncate(whole);
            let piece = Piece { side: at.side, number: at.number, base: at.at };
            at.number += 1;
            at.at += whole as u64;
            return Ok(Some(piece));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn last_line_end(block: &[u8]) -> usize {
        block.iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1)
    }

    fn text(folder: &Path, name: &str, bytes: &[u8], header: u32) -> Text {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        Text::open(&path, header).unwrap()
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_file_and_end_where_records_end(
            ours in "([a-z]{0,9}\n){0,30}[a-z]{0,5}", theirs in "([a-z]{0,30}\n){0,30}", size in 1usize..50,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (a, b) = (text(folder.path(), "a", ours.as_bytes(), 0), text(folder.path(), "b", theirs.as_bytes(), 0));
            let feed = Feed::new([&a, &b], size, last_line_end);
            let mut seen = [Vec::new(), Vec::new()];
            let mut buffer = Vec::new();
            while let Some(piece) = feed.next(&mut buffer).unwrap() {
                let seen = &mut seen[piece.side.index()];
                prop_assert_eq!(piece.base, seen.len() as u64);
                prop_assert!(!buffer.is_empty());
                if size > 40 && piece.base + (buffer.len() as u64) < [&a, &b][piece.side.index()].end {
                    prop_assert_eq!(buffer.last(), Some(&b'\n'));
                }
                seen.extend_from_slice(&buffer);
            }
            prop_assert_eq!(seen, [ours.into_bytes(), theirs.into_bytes()]);
        }
    }

    #[test]
    fn header_lines_and_a_byte_order_mark_are_no_records() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = b"\xef\xbb\xbfone\ntwo\nthree\n";
        for (header, begin) in [(0, 3), (1, 7), (2, 11), (9, 17)] {
            assert_eq!(text(folder.path(), "a", bytes, header).begin, begin, "{header}");
        }
    }
}
