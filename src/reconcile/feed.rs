//! Hands out both files in pieces that end where a record ends, each piece to one thread.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use linesman_cdr::record::Side;

use crate::error::ReconcileError;

/// A text to read.
pub(crate) struct Text {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Text {
    /// Opens a text.
    pub(crate) fn open(path: &Path) -> Result<Self, ReconcileError> {
        let file = File::open(path).map_err(ReconcileError::io(path))?;
        let length = file.metadata().map_err(ReconcileError::io(path))?.len();
        Ok(Self { path: path.to_owned(), file, length })
    }

    /// Its bytes.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Reads so many bytes from a place on; fewer is an error.
    pub(crate) fn fill(&self, at: u64, into: &mut [u8]) -> Result<(), ReconcileError> {
        self.file.read_exact_at(into, at).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => ReconcileError::Shrunk { path: self.path.clone() },
            _ => ReconcileError::Io { path: self.path.clone(), source },
        })
    }

    /// About how many lines it has, by a few places of it.
    pub(crate) fn about_lines(&self) -> Result<u64, ReconcileError> {
        const PLACES: u64 = 8;
        let mut block = vec![0; 64 << 10];
        let (mut bytes, mut lines) = (0, 0);
        for number in 0..PLACES {
            let at = self.length / PLACES * number;
            let length = block.len().min(usize::try_from(self.length - at).unwrap_or(usize::MAX));
            self.fill(at, &mut block[..length])?;
            bytes += length as u64;
            lines += block[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let lines = u128::from(self.length) * u128::from(lines.max(1)) / u128::from(bytes.max(1));
        Ok(u64::try_from(lines).unwrap_or(u64::MAX))
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
pub(crate) struct Feed<'a, C> {
    texts: [&'a Text; 2],
    size: usize,
    cut: C,
    at: Mutex<At>,
}

/// A record may be longer than a piece by this factor before it is broken up.
const LONGEST: usize = 4;

impl<'a, C: Fn(Side, &[u8]) -> usize> Feed<'a, C> {
    /// In pieces of about `size` bytes; `cut` gives the end of the last whole record of a block of a
    /// side's text, 0 when there is none.
    pub(crate) fn new(texts: [&'a Text; 2], size: usize, cut: C) -> Self {
        let at = Mutex::new(At { side: Side::Ours, number: 0, at: 0 });
        Self { texts, size: size.max(1), cut, at }
    }

    /// The next piece, its bytes into `buffer`; `None` at the end of both.
    pub(crate) fn next(&self, buffer: &mut Vec<u8>) -> Result<Option<Piece>, ReconcileError> {
        // Where a piece begins is known only once the one before it is cut, quotes may hold line
        // ends: so reading and cutting is one thread's at a time. Parsing takes far longer.
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.at >= self.texts[at.side.index()].length {
            if at.side == Side::Theirs {
                return Ok(None);
            }
            *at = At { side: Side::Theirs, number: 0, at: 0 };
            if at.at >= self.texts[1].length {
                return Ok(None);
            }
        }
        let text = self.texts[at.side.index()];
        let mut size = self.size;
        loop {
            let left = usize::try_from(text.length - at.at).unwrap_or(usize::MAX);
            let length = size.min(left);
            if buffer.len() < length {
                buffer.resize(length, 0);
            }
            buffer.truncate(length);
            text.fill(at.at, buffer)?;
            let whole = match (self.cut)(at.side, buffer) {
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

    fn last_line_end(_: Side, block: &[u8]) -> usize {
        block.iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1)
    }

    fn text(folder: &Path, name: &str, bytes: &[u8]) -> Text {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        Text::open(&path).unwrap()
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_file_and_end_where_records_end(
            ours in "([a-z]{0,9}\n){0,30}[a-z]{0,5}", theirs in "([a-z]{0,30}\n){0,30}", size in 1usize..50,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (a, b) = (text(folder.path(), "a", ours.as_bytes()), text(folder.path(), "b", theirs.as_bytes()));
            let feed = Feed::new([&a, &b], size, last_line_end);
            let mut seen = [Vec::new(), Vec::new()];
            let mut buffer = Vec::new();
            while let Some(piece) = feed.next(&mut buffer).unwrap() {
                let seen = &mut seen[piece.side.index()];
                prop_assert_eq!(piece.base, seen.len() as u64);
                prop_assert!(!buffer.is_empty());
                if size > 40 && piece.base + (buffer.len() as u64) < [&a, &b][piece.side.index()].length {
                    prop_assert_eq!(buffer.last(), Some(&b'\n'));
                }
                seen.extend_from_slice(&buffer);
            }
            prop_assert_eq!(seen, [ours.into_bytes(), theirs.into_bytes()]);
        }
    }

    #[test]
    fn lines_are_estimated_from_a_few_places() {
        let folder = tempfile::tempdir().unwrap();
        let lines =
            text(folder.path(), "a", "0123456789abcdef\n".repeat(100_000).as_bytes()).about_lines().unwrap();
        assert!((99_000..101_000).contains(&lines), "{lines}");
        assert!(text(folder.path(), "b", b"").about_lines().unwrap() <= 1);
    }
}
