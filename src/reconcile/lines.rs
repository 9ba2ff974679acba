//! Lines of the files as they stand there, for examples and reports, after the run is over.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use linesman_cdr::format::{Role, RowReader};
use linesman_cdr::record::Side;

use crate::job::{Finished, Lines};

/// Longest line that is shown.
const LONGEST: usize = 64 << 10;

/// Both texts. A temporary one is gone from its folder and lives as long as this.
#[derive(Default)]
pub struct Texts([Option<Open>; 2]);

struct Open {
    file: File,
    reader: RowReader,
    /// Column of the call's identity.
    call_id: Option<usize>,
}

impl Texts {
    /// Keeps a side's text.
    pub(crate) fn keep(&mut self, side: Side, file: File, reader: RowReader, columns: &[Role]) {
        let call_id = columns.iter().position(|role| *role == Role::CallId);
        self.0[side.index()] = Some(Open { file, reader, call_id });
    }

    /// The identity of the call whose line begins at `place`.
    #[must_use]
    pub fn call_id(&self, side: Side, place: u64) -> Option<String> {
        let column = self.0[side.index()].as_ref()?.call_id?;
        self.fields(side, place)?.into_iter().nth(column).filter(|id| !id.is_empty())
    }
}

impl Lines for Texts {
    fn fields(&self, side: Side, place: u64) -> Option<Vec<String>> {
        let open = self.0[side.index()].as_ref()?;
        let mut size = 1 << 10;
        loop {
            let mut block = vec![0; size];
            let mut had = 0;
            while had < size {
                match open.file.read_at(&mut block[had..], place.checked_add(had as u64)?) {
                    Ok(0) => break,
                    Ok(count) => had += count,
                    Err(_) => return None,
                }
            }
            let ends = block[..had].contains(&b'\n');
            if had > 0 && (ends || had < size || size >= LONGEST) {
                return Some(open.reader.fields(&block[..had]));
            }
            if had == 0 {
                return None;
            }
            size *= 8;
        }
    }
}

impl Lines for Finished {
    fn fields(&self, side: Side, place: u64) -> Option<Vec<String>> {
        self.texts.fields(side, place)
    }
}
