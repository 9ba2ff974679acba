//! Both files to records, on all threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use linesman_cdr::format::{Parsed, Rejection, RowReader};
use linesman_cdr::pair::{Coverage, partition_of};
use linesman_cdr::record::{ABSENT, Names, Record};

use crate::error::ReconcileError;
use crate::feed::{Feed, Text};
use crate::job::{Progress, Tally};
use crate::names::{NameBook, Remap};
use crate::plan::Plan;
use crate::pool::on_threads;
use crate::runs::{Filling, Room, Runs, Scatter};
use crate::spill::Spill;

/// What one file came to.
pub(crate) struct Contents {
    /// Its records, grouped by partition.
    pub(crate) runs: Runs,
    /// The names that they refer to.
    pub(crate) names: Names,
    /// Its first rejected lines, by their line in the text.
    pub(crate) rejections: Vec<Rejection>,
    /// What its lines came to.
    pub(crate) tally: Tally,
    /// First and last moments, as written.
    pub(crate) coverage: Coverage,
}

/// Reads both files.
pub(crate) fn read(
    texts: [&Text; 2],
    readers: [&RowReader; 2],
    plan: &Plan,
    room: &Room,
    folder: &Path,
    progress: &Progress,
) -> Result<[Contents; 2], ReconcileError> {
    let feed = Feed::new(texts, plan.piece, |side, block: &[u8]| readers[side.index()].cut(block));
    // A record takes about as much as its line.
    let filling = |text: &Text| {
        let spill = Spill::new(folder)?;
        Ok::<_, ReconcileError>(Filling::new(plan.partitions, room, text.length(), spill))
    };
    let fillings = [filling(texts[0])?, filling(texts[1])?];
    let gathered = [(); 2].map(|()| Mutex::new(Gathered::default()));
    on_threads(plan.threads, progress, |_, watch| {
        let mut buffer = Vec::new();
        let mut scatter = Scatter::default();
        let mut parsed = Parsed::default();
        while !watch.stopped() {
            let Some(piece) = feed.next(&mut buffer)? else { break };
            let index = piece.side.index();
            scatter.begin(plan.partitions);
            let (mut tally, mut coverage) = (Tally::default(), Coverage::default());
            readers[index].read_into(
                &buffer,
                piece.base,
                &mut parsed,
                #[inline(always)]
                |records| {
                    records.iter().for_each(|record| tally.count(record));
                    records.iter().for_each(|record| coverage.add(record));
                    scatter.note(records, |record| partition_of(record.callee, plan.partitions));
                },
            );
            tally.add(&Tally::of(&parsed));
            let remap = lock(&gathered[index]).names(&parsed.names);
            fillings[index].add(piece.number, &parsed.records, Some(remap), &mut scatter)?;
            let rejections = std::mem::take(&mut parsed.rejections);
            lock(&gathered[index]).take(piece.number, &tally, &coverage, rejections, plan.rejections);
            progress.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    })?;
    let [ours, theirs] = gathered.map(|side| side.into_inner().unwrap_or_else(PoisonError::into_inner));
    let [our_runs, their_runs] = fillings.map(Filling::finish);
    Ok([ours.finish(our_runs, plan.rejections), theirs.finish(their_runs, plan.rejections)])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    /// What a piece's lines came to, but for its records.
    fn of(parsed: &Parsed) -> Self {
        Self {
            lines: parsed.lines,
            rejected: parsed.rejected,
            rejected_talk_ms: parsed.rejected_talk_ms,
            rejected_amount: parsed.rejected_amount,
            skipped: parsed.skipped,
            bare: parsed.header + parsed.blank + parsed.continued,
            ..Self::default()
        }
    }

    /// Counts a record.
    #[inline]
    fn count(&mut self, record: &Record) {
        self.records += 1;
        self.talk_ms += u64::from(record.talk_ms);
        self.priced += u64::from(record.amount != ABSENT);
        self.amount += record.money();
    }

    /// Adds another piece's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.records += other.records;
        self.priced += other.priced;
        self.talk_ms += other.talk_ms;
        self.amount += other.amount;
        self.rejected += other.rejected;
        self.rejected_talk_ms += other.rejected_talk_ms;
        self.rejected_amount += other.rejected_amount;
        self.skipped += other.skipped;
        self.bare += other.bare;
    }
}

/// What is gathered from the pieces of one file, in whatever order they come.
#[derive(Default)]
struct Gathered {
    book: NameBook,
    tally: Tally,
    coverage: Coverage,
    lines: Vec<(u64, u64)>,
    rejections: BTreeMap<u64, Vec<Rejection>>,
    kept: usize,
}

impl Gathered {
    fn names(&mut self, names: &Names) -> Remap {
        self.book.intern(names)
    }

    fn take(
        &mut self,
        piece: u64,
        tally: &Tally,
        coverage: &Coverage,
        mut rejections: Vec<Rejection>,
        most: usize,
    ) {
        self.tally.add(tally);
        self.coverage.merge(coverage);
        self.lines.push((piece, tally.lines));
        rejections.truncate(most);
        if !rejections.is_empty() {
            self.kept += rejections.len();
            self.rejections.insert(piece, rejections);
        }
        // The first ones of the file are kept, whichever piece is ready first.
        while let Some(last) = self.rejections.last_entry()
            && self.kept - last.get().len() >= most
        {
            self.kept -= last.remove().len();
        }
    }

    fn finish(mut self, mut runs: Runs, most: usize) -> Contents {
        self.lines.sort_unstable();
        let mut rejections = Vec::with_capacity(self.kept.min(most));
        let mut before = 0;
        for (piece, lines) in self.lines {
            for mut rejection in self.rejections.remove(&piece).unwrap_or_default() {
                rejection.line += before;
                rejections.push(rejection);
            }
            before += lines;
        }
        rejections.truncate(most);
        let (names, remap) = self.book.finish();
        runs.rename(&remap);
        Contents { runs, names, rejections, tally: self.tally, coverage: self.coverage }
    }
}
