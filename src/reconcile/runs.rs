//! The records of one side, grouped by partition: each piece of the file leaves one run in which the
//! records of a partition stand together, in memory as long as there is room, else in the spill.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytemuck::Zeroable as _;
use linesman_cdr::Record;

use crate::error::ReconcileError;
use crate::names::Remap;
use crate::pack::{Differences, Shape};
use crate::slab::{Filled, Slabs, Stretch};
use crate::spill::Spill;

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
    Held(Stretch),
    Spilled(u64),
}

struct Run {
    /// Number of the piece of the file.
    piece: u64,
    /// Where each partition begins, and the end.
    begins: Vec<u32>,
    /// How its records are packed.
    shape: Shape,
    /// Brings the names of its records to those of all; nothing where they have them.
    remap: Option<Remap>,
    place: Place,
}

/// Buffers that a thread uses again for each piece.
#[derive(Default)]
pub(crate) struct Scatter {
    /// Of each record of the piece.
    partitions: Vec<u32>,
    /// Records of each partition, one place further on.
    counts: Vec<u32>,
    /// Where the next record of each partition goes.
    next: Vec<usize>,
    differences: Differences,
    packed: Vec<u8>,
}

impl Scatter {
    /// Before the records of a piece are noted.
    pub(crate) fn begin(&mut self, partitions: u32) {
        self.partitions.clear();
        self.counts.clear();
        self.counts.resize(partitions as usize + 1, 0);
        self.differences = Differences::default();
    }

    /// Notes the next records and the partition of each, which must be below their count.
    #[inline(always)]
    pub(crate) fn note(&mut self, records: &[Record], partition: impl Fn(&Record) -> u32) {
        self.differences.see(records);
        let first = self.partitions.len();
        self.partitions.extend(records.iter().map(partition));
        for partition in &self.partitions[first..] {
            self.counts[*partition as usize + 1] += 1;
        }
    }
}

/// All runs of one side.
pub(crate) struct Runs {
    partitions: u32,
    runs: Vec<Run>,
    slabs: Filled,
    spill: Spill,
}

/// Runs in the making, filled by all threads.
pub(crate) struct Filling<'a> {
    partitions: u32,
    room: &'a Room,
    slabs: Slabs,
    spill: Spill,
    runs: Mutex<Vec<Run>>,
}

impl<'a> Filling<'a> {
    /// None yet, of about so many bytes to come.
    pub(crate) fn new(partitions: u32, room: &'a Room, expected: u64, spill: Spill) -> Self {
        Self { partitions, room, slabs: Slabs::new(expected), spill, runs: Mutex::new(Vec::new()) }
    }

    /// Groups the records of one piece, each of which was noted, and keeps them; their names are to be renumbered
    /// so.
    pub(crate) fn add(
        &self,
        piece: u64,
        records: &[Record],
        remap: Option<Remap>,
        scatter: &mut Scatter,
    ) -> Result<(), ReconcileError> {
        let Scatter { partitions, counts, next, differences, packed } = scatter;
        let shape = Shape::of(differences);
        let mut begins = counts.clone();
        for index in 1..begins.len() {
            begins[index] += begins[index - 1];
        }
        next.clear();
        next.extend(
            begins.iter().enumerate().map(|(partition, begin)| shape.place(partition, *begin as usize)),
        );
        let bytes = shape.bytes(self.partitions as usize, records.len());
        let tables = remap.as_ref().map_or(0, Remap::bytes) as u64;
        let fits = self.room.take(bytes as u64 + tables);
        let held = if fits {
            self.slabs.add(bytes, |into| shape.pack(records, partitions, next, into))
        } else {
            None
        };
        let place = if let Some(stretch) = held {
            Place::Held(stretch)
        } else {
            if fits {
                self.room.give(bytes as u64 + tables);
            }
            packed.resize(packed.len().max(bytes), 0);
            shape.pack(records, partitions, next, packed);
            Place::Spilled(self.spill.append(&packed[..bytes])?)
        };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(Run {
            piece,
            begins,
            shape,
            remap,
            place,
        });
        Ok(())
    }

    /// No more comes: the runs stand in the order of the file.
    pub(crate) fn finish(self) -> Runs {
        let mut runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        runs.sort_unstable_by_key(|run| run.piece);
        Runs { partitions: self.partitions, runs, slabs: self.slabs.finish(), spill: self.spill }
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
        into.resize(usize::try_from(self.count(partition)).unwrap_or(usize::MAX), Record::zeroed());
        let mut left = &mut into[..];
        let mut packed = Vec::new();
        for run in &self.runs {
            let (from, to) = run.bounds(partition);
            if from < to {
                let (here, rest) = std::mem::take(&mut left).split_at_mut((to - from) as usize);
                self.unpack(run, partition, from as usize, here, &mut packed)?;
                left = rest;
            }
        }
        Ok(())
    }

    /// Unpacks the records of a partition of a run from one on.
    fn unpack(
        &self,
        run: &Run,
        partition: u32,
        from: usize,
        into: &mut [Record],
        buffer: &mut Vec<u8>,
    ) -> Result<(), ReconcileError> {
        let place = run.shape.place(partition as usize, from);
        match &run.place {
            Place::Held(stretch) => run.shape.unpack(&self.slabs.bytes(stretch)[place..], into),
            Place::Spilled(at) => {
                buffer.resize(run.shape.bytes(0, into.len()), 0);
                self.spill.read(at + place as u64, buffer)?;
                run.shape.unpack(buffer, into);
            }
        }
        if let Some(remap) = &run.remap {
            remap.renumber(into);
        }
        Ok(())
    }

    /// Says what the numbers of names became that were given by the end of the file.
    pub(crate) fn rename(&mut self, last: &Remap) {
        for run in &mut self.runs {
            run.remap = run.remap.take().map(|remap| remap.then(last));
        }
    }

    /// Gives the records of a partition a run at a time, at most `most` at once, with a number that
    /// counts up.
    pub(crate) fn each_piece(
        &self,
        partition: u32,
        most: usize,
        mut take: impl FnMut(u64, &mut [Record]) -> Result<(), ReconcileError>,
    ) -> Result<(), ReconcileError> {
        let mut number = 0;
        let (mut records, mut packed) = (Vec::new(), Vec::new());
        for run in &self.runs {
            let (from, to) = run.bounds(partition);
            for from in (from as usize..to as usize).step_by(most) {
                records.resize(most.min(to as usize - from), Record::zeroed());
                self.unpack(run, partition, from, &mut records, &mut packed)?;
                take(number, &mut records)?;
                number += 1;
            }
        }
        Ok(())
    }

    /// Bytes that its runs hold in memory.
    pub(crate) fn held(&self) -> u64 {
        let held = |run: &Run| match &run.place {
            Place::Held(stretch) => {
                self.slabs.bytes(stretch).len() as u64 + run.remap.as_ref().map_or(0, Remap::bytes) as u64
            }
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
            let filling = Filling::new(partitions, &room, 4096, Spill::new(folder.path()).unwrap());
            let mut scatter = Scatter::default();
            let part = |record: &Record| (record.place % u64::from(partitions)) as u32;
            // Threads finish pieces in any order; the last one first here.
            for (number, piece) in pieces.iter().enumerate().rev() {
                let records: Vec<Record> = piece.iter().map(|place| record(*place)).collect();
                scatter.begin(partitions);
                scatter.note(&records, part);
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
