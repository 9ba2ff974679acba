//! Records that do not fit into memory, in a file without a name: the system removes it however
//! the program ends.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use linesman_cdr::Record;

use crate::error::ReconcileError;

/// Bytes of one record as it is paired.
pub(crate) const RECORD_BYTES: u64 = size_of::<Record>() as u64;

/// A file of packed records, written at its end by any thread and read anywhere.
pub(crate) struct Spill {
    folder: PathBuf,
    file: File,
    end: AtomicU64,
}

impl Spill {
    /// Makes one in a folder.
    pub(crate) fn new(folder: &Path) -> Result<Self, ReconcileError> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|source| ReconcileError::Temporary { folder: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned(), file, end: AtomicU64::new(0) })
    }

    /// Appends bytes; where they stand.
    pub(crate) fn append(&self, bytes: &[u8]) -> Result<u64, ReconcileError> {
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, at).map_err(|source| self.failed(source))?;
        Ok(at)
    }

    /// Reads the bytes that stand there.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<(), ReconcileError> {
        self.file.read_exact_at(into, at).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> ReconcileError {
        ReconcileError::Temporary { folder: self.folder.clone(), source }
    }
}
