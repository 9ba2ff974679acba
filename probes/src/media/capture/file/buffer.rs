//! A window over a source: what is needed next, in one piece.

use std::io::Read;

use super::{Cause, MAX_BLOCK};

/// Read from the source at once.
const CHUNK: usize = 256 << 10;

pub(super) struct Buffer<R> {
    source: R,
    bytes: Vec<u8>,
    /// First byte not yet taken.
    at: usize,
    /// End of what was read.
    filled: usize,
    /// Where the block last taken begins.
    block: usize,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, bytes: vec![0; CHUNK], at: 0, filled: 0, block: 0 }
    }

    /// Whether nothing lies ready.
    pub(super) const fn is_empty(&self) -> bool {
        self.at == self.filled
    }

    /// The next bytes without taking them; `None` when the source ends before.
    pub(super) fn peek(&mut self, length: usize) -> Result<Option<&[u8]>, Cause> {
        if self.filled - self.at < length && !self.fill(length)? {
            return Ok(None);
        }
        Ok(self.bytes.get(self.at..self.at + length))
    }

    /// Takes the next bytes as the current block.
    pub(super) fn take(&mut self, length: usize) -> Result<&[u8], Cause> {
        if self.filled - self.at < length && !self.fill(length)? {
            return Err(Cause::Truncated);
        }
        self.block = self.at;
        self.at += length;
        Ok(&self.bytes[self.block..self.at])
    }

    /// A part of the block last taken.
    pub(super) fn taken(&self, begin: usize, end: usize) -> &[u8] {
        self.bytes.get(self.block + begin..self.block + end).unwrap_or_default()
    }

    /// Brings at least so many bytes together; false when the source ends before.
    fn fill(&mut self, length: usize) -> Result<bool, Cause> {
        if length > MAX_BLOCK {
            return Err(Cause::Damaged("a length beyond all measure"));
        }
        self.bytes.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        self.block = 0;
        while self.filled < length {
            // Grows with what really comes, so that a lying length costs no memory.
            if self.filled == self.bytes.len() {
                self.bytes.resize((2 * self.bytes.len()).min(MAX_BLOCK), 0);
            }
            match self.source.read(&mut self.bytes[self.filled..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // What a cut gzip says in its own words.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}

/// Reads numbers in the byte order of the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    pub(super) swapped: bool,
}

impl Order {
    /// Two bytes at a place; 0 beyond the end.
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let Some(Ok(raw)) = bytes.get(at..at + 2).map(<[u8; 2]>::try_from) else { return 0 };
        if self.swapped { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
    }

    /// Four bytes at a place; 0 beyond the end.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let Some(Ok(raw)) = bytes.get(at..at + 4).map(<[u8; 4]>::try_from) else { return 0 };
        if self.swapped { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
    }
}
