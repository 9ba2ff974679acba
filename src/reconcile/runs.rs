//! The records of one side, grouped by partition: each piece of the file leaves one run in which the
//! records of a partition stand together, in memory as long as there is room, else in the spill.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytemuck::Zeroable as _;
use linesman_cdr::Record;

use crate::error::ReconcileError;
use crate::names::Remap;
use crate::spill::{RECORD_BYTES, Spill};

/// Bytes that runs of both sides may hold in memory.
pub(crate) struct Room(AtomicU64);

impl Room {
    /// So many.
    pub(crate) const fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// Takes some of it, if it is there.
    fn take(&self, bytes: u64) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    /// Gives it back.
    fn give(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

enum Place {
    Held(Vec<Record>),
    Spilled(u64),
}

struct Run {
    /// Number of the piece of the file.
    piece: u64,
    /// Where each partition begins, and the end.
    begins: Vec<u32>,
    place: Place,
}

/// Buffers that a thread uses again for each piece.
#[derive(Default)]
pub(crate) struct Scatter {
    /// Of each record of the piece.
    partitions: Vec<u32>,
    /// Records of each partition, one place further on.
    counts: Vec<u32>,
    next: Vec<u32>,
    grouped: Vec<Record>,
}

impl Scatter {
    /// Before the records of a piece are noted.
    pub(crate) fn begin(&mut self, partitions: u32) {
        self.partitions.clear();
        self.counts.clear();
        self.counts.resize(partitions as usize + 1, 0);
    }

    /// Notes the next record's partition, which must be below their count.
    #[inline]
    pub(crate) fn note(&mut self, partition: u32) {
        self.partitions.push(partition);
        self.counts[partition as usize + 1] += 1;
    }
}

/// All runs of one side.
pub(crate) struct Runs {
    partitions: u32,
    runs: Vec<Run>,
    spill: Spill,
}

/// Runs in the making, filled by all threads.
pub(crate) struct Filling<'a> {
    partitions: u32,
    room: &'a Room,
    spill: Spill,
    runs: Mutex<Vec<Run>>,
}

impl<'a> Filling<'a> {
    /// None yet.
    pub(crate) const fn new(partitions: u32, room: &'a Room, spill: Spill) -> Self {
        Self { partitions, room, spill, runs: Mutex::new(Vec::new()) }
    }

    /// Groups the records of one piece, each of which was noted, and keeps them.
    pub(crate) fn add(
        &self,
        piece: u64,
        records: &[Record],
        remap: Option<&Remap>,
        scatter: &mut Scatter,
    ) -> Result<(), ReconcileError> {
        let Scatter { partitions, counts, next, grouped } = scatter;
        let mut begins = counts.clone();
        for index in 1..begins.len() {
            begins[index] += begins[index - 1];
        }
        next.clear();
        next.extend_from_slice(&begins);
        let mut place_into = |target: &mut [Record]| {
            for (record, partition) in records.iter().zip(partitions.iter()) {
                let at = &mut next[*partition as usize];
                let slot = &mut target[*at as usize];
                *slot = *record;
                if let Some(remap) = remap {
                    remap.apply(slot);
                }
                *at += 1;
            }
        };
        let bytes = records.len() as u64 * RECORD_BYTES;
        let place = if self.room.take(bytes) {
            let mut held = bytemuck::allocation::zeroed_vec(records.len());
            place_into(&mut held);
            Place::Held(held)
        } else {
            if grouped.len() < records.len() {
                grouped.resize(records.len(), Record::zeroed());
            }
            place_into(&mut grouped[..records.len()]);
            Place::Spilled(self.spill.append(&grouped[..records.len()])?)
        };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(Run { piece, begins, place });
        Ok(())
    }

    /// No more comes: the runs stand in the order of the file.
    pub(crate) fn finish(self) -> Runs {
        let mut runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        runs.sort_unstable_by_key(|run| run.piece);
        Runs { partitions: self.partitions, runs, spill: self.spill }
    }
}

impl Runs {
    /// How many partitions.
    pub(crate) const fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Records of a partition.
    pub(crate) fn count(&self, partition: u32) -> u64 {
        self.runs.iter().map(|run| u64::from(run.length(partition))).sum()
    }

    /// Puts the records of a partition behind one another, in the order of the file.
    pub(crate) fn gather(&self, partition: u32, into: &mut Vec<Record>) -> Result<(), ReconcileError> {
        into.clear();
        into.reserve(usize::try_from(self.count(partition)).unwrap_or(usize::MAX));
        for run in &self.runs {
            let (from, to) = run.bounds(partition);
            match &run.place {
                Place::Held(records) => into.extend_from_slice(&records[from as usize..to as usize]),
                Place::Spilled(_) if from == to => {}
                Place::Spilled(at) => {
                    let had = into.len();
                    into.resize(had + (to - from) as usize, Record::zeroed());
                    self.spill.read(at + u64::from(from) * RECORD_BYTES, &mut into[had..])?;
                }
            }
        }
        Ok(())
    }

    /// Gives the records of a partition a run at a time, at most `most` at once, with a number that
    /// counts up.
    pub(crate) fn each_piece(
        &self,
        partition: u32,
        most: usize,
        mut take: impl FnMut(u64, &[Record]) -> Result<(), ReconcileError>,
    ) -> Result<(), ReconcileError> {
        let mut number = 0;
        let mut buffer = Vec::new();
        for run in &self.runs {
            let (mut from, to) = run.bounds(partition);
            while from < to {
                let count = most.min((to - from) as usize);
                let piece = match &run.place {
                    Place::Held(records) => &records[from as usize..from as usize + count],
                    Place::Spilled(at) => {
                        buffer.resize(count, Record::zeroed());
                        self.spill.read(at + u64::from(from) * RECORD_BYTES, &mut buffer)?;
                        &buffer[..]
                    }
                };
                take(number, piece)?;
                number += 1;
                from += u32::try_from(count).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }

    /// Bytes that its runs hold in memory.
    pub(crate) fn held(&self) -> u64 {
        let held = |run: &Run| match &run.place {
            Place::Held(records) => records.len() as u64 * RECORD_BYTES,
            Place::Spilled(_) => 0,
        };
        self.runs.iter().map(held).sum()
    }

    /// Lets go of them.
    pub(crate) fn release(self, room: &Room) {
        room.give(self.held());
    }
}

impl Run {
    fn bounds(&self, partition: u32) -> (u32, u32) {
        (self.begins[partition as usize], self.begins[partition as usize + 1])
    }

    fn length(&self, partition: u32) -> u32 {
        let (from, to) = self.bounds(partition);
        to - from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(place: u64) -> Record {
        Record { place, ..Record::zeroed() }
    }

    proptest! {
        #[test]
        fn what_is_gathered_is_what_came_in_whatever_fits_into_memory(
            pieces in proptest::collection::vec(proptest::collection::vec(0u64..1000, 0..40), 0..8),
            partitions in 1u32..9,
            room in 0u64..6000,
            most in 1usize..9,
        ) {
            let room = Room::new(room);
            let folder = tempfile::tempdir().unwrap();
            let filling = Filling::new(partitions, &room, Spill::new(folder.path()).unwrap());
            let mut scatter = Scatter::default();
            let part = |record: &Record| (record.place % u64::from(partitions)) as u32;
            // Threads finish pieces in any order; the last one first here.
            for (number, piece) in pieces.iter().enumerate().rev() {
                let records: Vec<Record> = piece.iter().map(|place| record(*place)).collect();
                scatter.begin(partitions);
                records.iter().for_each(|record| scatter.note(part(record)));
                filling.add(number as u64, &records, None, &mut scatter).unwrap();
            }
            let runs = filling.finish();
            let mut out = Vec::new();
            for partition in 0..partitions {
                let expected: Vec<u64> =
                    pieces.iter().flatten().copied().filter(|place| part(&record(*place)) == partition).collect();
                runs.gather(partition, &mut out).unwrap();
                let seen: Vec<u64> = out.iter().map(|record| record.place).collect();
                prop_assert_eq!(&seen, &expected);
                prop_assert_eq!(runs.count(partition), expected.len() as u64);
                let mut piecewise = Vec::new();
                runs.each_piece(partition, most, |_, piece| {
                    assert!(piece.len() <= most);
                    piecewise.extend(piece.iter().map(|record| record.place));
                    Ok(())
                }).unwrap();
                prop_assert_eq!(&piecewise, &expected);
            }
        }
    }
}
