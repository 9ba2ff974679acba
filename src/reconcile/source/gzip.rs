//! Gzip, also of several members, to a temporary file.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use tempfile::TempPath;

use super::{SourceError, temporary_file};

/// No file of records packs better than this; one that seems to is made to fill a disk.
const MOST_TIMES: u64 = 300;
/// Text that any file may unpack to.
const ALWAYS_ALLOWED: u64 = 256 * 1024 * 1024;

/// Counts the packed bytes, to say where damage is.
struct Counting {
    file: File,
    count: Rc<Cell<u64>>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// Unpacks a file whole; one that is broken off or damaged is an error, however much of it is sound.
pub(super) fn unpack(given: &Path, path: &Path, temporary: &Path) -> Result<TempPath, SourceError> {
    let file = File::open(path).map_err(SourceError::io(given))?;
    let packed = file.metadata().map_err(SourceError::io(given))?.len();
    let count = Rc::new(Cell::new(0));
    let counting = Counting { file, count: Rc::clone(&count) };
    let mut packed_bytes = io::BufReader::with_capacity(256 * 1024, counting);
    let mut member = GzDecoder::new(&mut packed_bytes);
    let mut out = temporary_file(given, temporary)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut written = 0_u64;
    loop {
        let read = match member.read(&mut buffer) {
            Ok(0) => {
                drop(member);
                if !another(&mut packed_bytes).map_err(SourceError::io(given))? {
                    break;
                }
                member = GzDecoder::new(&mut packed_bytes);
                continue;
            }
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(given, &error, written, count.get(), packed)),
        };
        written += read as u64;
        if written > ALWAYS_ALLOWED && written / MOST_TIMES > packed {
            return Err(SourceError::Unusable {
                path: given.to_owned(),
                what: format!(
                    "it unpacks to more than {MOST_TIMES} times its size, as no file of call records does"
                ),
                remedy: "If it is what it should be, unpack it yourself and give the unpacked file"
                    .to_owned(),
            });
        }
        out.write_all(&buffer[..read]).map_err(SourceError::temporary(given))?;
    }
    out.flush().map_err(SourceError::temporary(given))?;
    Ok(out.into_temp_path())
}

/// Whether another member follows; tapes and some copies fill a file up with zeros, which are none.
fn another(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = packed.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        if zeros < bytes.len() || bytes.is_empty() {
            return Ok(!bytes.is_empty());
        }
        packed.consume(zeros);
    }
}

fn damaged(given: &Path, error: &io::Error, written: u64, at: u64, packed: u64) -> SourceError {
    let early = error.kind() == io::ErrorKind::UnexpectedEof;
    SourceError::Damaged {
        path: given.to_owned(),
        what: if early { "the gzip file ends too early" } else { "the gzip file is damaged" },
        place: format!("after {written} bytes of text (near byte {} of {packed})", at.min(packed)),
        cause: if early { "its last part is missing".to_owned() } else { error.to_string() },
    }
}
