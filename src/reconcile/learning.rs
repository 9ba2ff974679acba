//! Which records the two sides' ways of writing are learned from, and how a crowded partition is
//! divided by what was learned.

use linesman_cdr::Record;
use linesman_cdr::pair::{Learned, partition_of};
use linesman_cdr::record::Side;

use crate::error::ReconcileError;
use crate::partition::Divide;
use crate::read::Contents;

/// Records of the longer side that are enough to learn from.
const ENOUGH: u64 = 100_000;
/// Called numbers fall into so many classes for this, however many partitions there are: so that what
/// is learned does not depend on them.
const CLASSES: u32 = 1 << 16;
/// Records that are looked at together.
const AT_ONCE: usize = 32 << 10;

/// All records of both sides to some called numbers; all records of small files.
pub(crate) fn sample(sides: &[Contents; 2]) -> Result<[Vec<Record>; 2], ReconcileError> {
    let longer = sides[0].tally.records.max(sides[1].tally.records);
    let share = u64::from(CLASSES) * ENOUGH / longer.max(1);
    let mut classes = u32::try_from(share.max(1)).unwrap_or(CLASSES).min(CLASSES);
    loop {
        let sample = of_classes(sides, classes)?;
        let found = sample[0].len().max(sample[1].len()) as u64;
        // Few called numbers may leave the classes empty.
        if classes == CLASSES || found >= ENOUGH / 4 {
            return Ok(sample);
        }
        classes = classes.saturating_mul(4).min(CLASSES);
    }
}

/// The records whose called number is in one of the first `classes`. When that is too many, as when all
/// calls go to one number, those of a part of the callers.
fn of_classes(sides: &[Contents; 2], classes: u32) -> Result<[Vec<Record>; 2], ReconcileError> {
    let most = usize::try_from(ENOUGH * 3 / 2).unwrap_or(usize::MAX);
    // A little more than usual: growing would mean to copy.
    let usual = |side: &Contents| side.tally.records.min(ENOUGH + ENOUGH / 8);
    let mut sample =
        [0, 1].map(|side: usize| Vec::with_capacity(usize::try_from(usual(&sides[side])).unwrap_or(0)));
    let mut callers = CLASSES;
    let wanted =
        |record: &Record, callers: u32| callers == CLASSES || partition_of(record.caller, CLASSES) < callers;
    for side in 0..2 {
        let runs = &sides[side].runs;
        // Partitions are consecutive classes.
        let partitions = u64::from(runs.partitions());
        let end = (u64::from(classes) * partitions).div_ceil(u64::from(CLASSES)).min(partitions);
        for partition in 0..u32::try_from(end).unwrap_or(0) {
            runs.each_piece(partition, AT_ONCE, |_, records| {
                let wanted = |record: &&Record| {
                    partition_of(record.callee, CLASSES) < classes && wanted(record, callers)
                };
                sample[side].extend(records.iter().filter(wanted).copied());
                while sample[side].len() > most && callers > 1 {
                    callers /= 2;
                    for records in &mut sample {
                        records.retain(|record| partition_of(record.caller, CLASSES) < callers);
                    }
                }
                sample[side].truncate(most);
                Ok(())
            })?;
        }
    }
    Ok(sample)
}

/// Divides by the calling number, unless the sides do not agree on it, then by the hour.
pub(crate) struct ByCallerThenHour<'a>(pub(crate) &'a Learned);

const HOUR_MS: i64 = 3_600_000;

impl Divide for ByCallerThenHour<'_> {
    fn part(&self, step: u32, side: Side, record: &Record, parts: u32) -> u32 {
        if step == 0 && !self.0.callers_unreliable {
            return partition_of(record.caller, parts);
        }
        let mut prepared = *record;
        prepared.start_ms = self.0.clocks[side.index()].corrected(record.start_ms, record.place);
        let hour = self.0.moment(side, &prepared).div_euclid(HOUR_MS).rem_euclid(i64::from(parts));
        u32::try_from(hour).unwrap_or(0)
    }

    fn steps(&self) -> u32 {
        if self.0.callers_unreliable { 1 } else { 2 }
    }
}
