//! Differing calls set aside in a file while a run goes on, to be given back for the reports: their
//! number is bounded by the disk, not by memory. The file has no name and is gone with its handle.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use linesman_cdr::outcome::{CallClass, CallDetail, DetailSink};
use linesman_cdr::rating::Charge;
use linesman_cdr::{Money, Record};

/// Keeps every call that a run hands out.
pub struct Kept {
    file: BufWriter<File>,
    count: u64,
    /// The first thing that went wrong; [`DetailSink::call`] has nobody to tell.
    failed: Option<io::Error>,
}

impl Kept {
    /// Nothing kept yet; the file lies in the folder for temporary files.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn new(folder: Option<&Path>) -> io::Result<Self> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder)?,
            None => tempfile::tempfile()?,
        };
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), count: 0, failed: None })
    }

    /// How many calls are kept.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Gives every call back, in the order in which they came.
    ///
    /// # Errors
    /// When the file could not be written or read, or the taker says so.
    pub fn each(&mut self, take: &mut dyn FnMut(&CallDetail) -> io::Result<()>) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.file.flush()?;
        let mut file = self.file.get_ref();
        file.seek(SeekFrom::Start(0))?;
        let mut from = BufReader::with_capacity(1 << 18, file);
        for _ in 0..self.count {
            take(&read(&mut from)?)?;
        }
        let mut file = self.file.get_ref();
        file.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

impl DetailSink for Kept {
    fn call(&mut self, detail: &CallDetail) {
        if self.failed.is_some() {
            return;
        }
        match write(&mut self.file, detail) {
            Ok(()) => self.count += 1,
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Takes calls and keeps none, for a run whose report nobody asked for.
#[derive(Debug, Default, Clone, Copy)]
pub struct Dropped;

impl DetailSink for Dropped {
    fn call(&mut self, _detail: &CallDetail) {}
}

const CLASSES: [CallClass; 6] = [
    CallClass::Paired,
    CallClass::Only,
    CallClass::Duplicate,
    CallClass::Part,
    CallClass::Interim,
    CallClass::CutOff,
];

fn write(to: &mut impl Write, detail: &CallDetail) -> io::Result<()> {
    let class = CLASSES.iter().position(|class| *class == detail.class).unwrap_or(0);
    let class = u8::try_from(class).unwrap_or(0);
    let given = u8::from(detail.ours.is_some())
        | u8::from(detail.theirs.is_some()) << 1
        | u8::from(detail.correct.is_some()) << 2
        | u8::from(detail.row.is_some()) << 3;
    to.write_all(&[class, given])?;
    for record in [&detail.ours, &detail.theirs].into_iter().flatten() {
        to.write_all(bytemuck::bytes_of(record))?;
    }
    if let Some(charge) = detail.correct {
        to.write_all(&charge.billed_s.to_le_bytes())?;
        to.write_all(&charge.amount.to_le_bytes())?;
    }
    if let Some(row) = detail.row {
        to.write_all(&row.to_le_bytes())?;
    }
    let shares = u32::try_from(detail.shares.len()).map_err(io::Error::other)?;
    to.write_all(&shares.to_le_bytes())?;
    for (cause, share) in &detail.shares {
        to.write_all(&cause.to_le_bytes())?;
        to.write_all(&share.0.to_le_bytes())?;
    }
    to.write_all(&detail.unexplained.0.to_le_bytes())
}

fn bytes<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn record(from: &mut impl Read) -> io::Result<Record> {
    Ok(bytemuck::pod_read_unaligned(&bytes::<{ size_of::<Record>() }>(from)?))
}

fn read(from: &mut impl Read) -> io::Result<CallDetail> {
    let [class, given] = bytes(from)?;
    let has = |bit: u8| given & bit != 0;
    let ours = if has(1) { Some(record(from)?) } else { None };
    let theirs = if has(2) { Some(record(from)?) } else { None };
    let correct = if has(4) {
        Some(Charge { billed_s: u32::from_le_bytes(bytes(from)?), amount: i64::from_le_bytes(bytes(from)?) })
    } else {
        None
    };
    let row = if has(8) { Some(u32::from_le_bytes(bytes(from)?)) } else { None };
    let count = u32::from_le_bytes(bytes(from)?);
    let mut shares = Vec::new();
    for _ in 0..count {
        shares.push((u32::from_le_bytes(bytes(from)?), Money(i128::from_le_bytes(bytes(from)?))));
    }
    let unexplained = Money(i128::from_le_bytes(bytes(from)?));
    let class = CLASSES.get(usize::from(class)).copied().unwrap_or(CallClass::Paired);
    Ok(CallDetail { class, ours, theirs, correct, row, shares, unexplained })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_is_kept_comes_back_the_same_and_twice() {
        let finished = sample::finished();
        let mut kept = Kept::new(None).expect("a temporary file");
        finished.details.iter().for_each(|detail| kept.call(detail));
        for _ in 0..2 {
            let mut back = Vec::new();
            kept.each(&mut |detail| {
                back.push(detail.clone());
                Ok(())
            })
            .expect("read");
            assert_eq!(back, finished.details);
        }
    }
}
