//! Partition by partition, on all threads: the records of both sides together, ready for pairing.
//!
//! A partition holds all calls to some called numbers. Where that is too much to hold at once (every
//! call goes to one number), it is divided again by the calling number, and where even that is too
//! much, by time.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use linesman_cdr::Record;
use linesman_cdr::record::Side;

use crate::error::ReconcileError;
use crate::job::Progress;
use crate::plan::Plan;
use crate::pool::{Watch, on_threads};
use crate::read::Contents;
use crate::runs::{Filling, Room, Runs, Scatter};
use crate::spill::{RECORD_BYTES, Spill};

/// What a crowded partition is divided by, the first that is not used up yet.
pub(crate) trait Divide: Sync {
    /// Which of so many parts a record goes to; every record of a call on both sides to the same one.
    fn part(&self, step: u32, side: Side, record: &Record, parts: u32) -> u32;
    /// How often a partition can be divided; what is crowded still is paired as it is.
    fn steps(&self) -> u32;
}

/// All records of a run and what is needed to walk them.
pub(crate) struct Walk<'a, D> {
    /// Both files, by [`Side::index`].
    pub(crate) sides: &'a [Contents; 2],
    /// The plan.
    pub(crate) plan: &'a Plan,
    /// Room for records in memory.
    pub(crate) room: &'a Room,
    /// Folder of temporary files.
    pub(crate) folder: &'a Path,
    /// How a crowded partition is divided.
    pub(crate) divide: &'a D,
}

/// Records that are divided at once.
const AT_ONCE: usize = 32 << 10;

impl<D: Divide> Walk<'_, D> {
    /// Gives every partition's records of ours and of theirs to `take`, on all threads, each with a
    /// state of its own made by `state`; `done` comes after each partition. The states, by thread.
    pub(crate) fn every<S: Send>(
        &self,
        progress: &Progress,
        state: impl Fn() -> S + Sync,
        take: impl Fn(&mut S, [&mut [Record]; 2]) -> Result<(), ReconcileError> + Sync,
        done: impl Fn(&mut S, u32, &Watch<'_>) + Sync,
    ) -> Result<Vec<S>, ReconcileError> {
        let next = AtomicU32::new(0);
        on_threads(self.plan.threads, progress, |_, watch| {
            let mut state = state();
            let mut buffers = [Vec::new(), Vec::new()];
            while !watch.stopped() {
                let partition = next.fetch_add(1, Ordering::Relaxed);
                if partition >= self.plan.partitions {
                    break;
                }
                let runs = [&self.sides[0].runs, &self.sides[1].runs];
                let mut take = |records: [&mut [Record]; 2]| {
                    if watch.stopped() { Ok(()) } else { take(&mut state, records) }
                };
                self.one(runs, partition, 0, &mut buffers, &mut take)?;
                done(&mut state, partition, watch);
                progress.paired.fetch_add(1, Ordering::Relaxed);
            }
            Ok(state)
        })
    }

    fn one(
        &self,
        runs: [&Runs; 2],
        partition: u32,
        step: u32,
        buffers: &mut [Vec<Record>; 2],
        take: &mut impl FnMut([&mut [Record]; 2]) -> Result<(), ReconcileError>,
    ) -> Result<(), ReconcileError> {
        let count = runs[0].count(partition) + runs[1].count(partition);
        if count == 0 {
            return Ok(());
        }
        if count <= self.plan.together || step >= self.divide.steps() {
            for (side, into) in buffers.iter_mut().enumerate() {
                runs[side].gather(partition, into)?;
            }
            let [ours, theirs] = buffers;
            return take([ours, theirs]);
        }
        let parts = (count.div_ceil(self.plan.together) * 2).clamp(2, 4096);
        let parts = u32::try_from(parts).unwrap_or(4096).next_power_of_two();
        let divided = [
            self.divided(runs[0], Side::Ours, partition, step, parts)?,
            self.divided(runs[1], Side::Theirs, partition, step, parts)?,
        ];
        for part in 0..parts {
            self.one([&divided[0], &divided[1]], part, step + 1, buffers, take)?;
        }
        for runs in divided {
            runs.release(self.room);
        }
        Ok(())
    }

    fn divided(
        &self,
        runs: &Runs,
        side: Side,
        partition: u32,
        step: u32,
        parts: u32,
    ) -> Result<Runs, ReconcileError> {
        let expected = runs.count(partition) * RECORD_BYTES;
        let filling = Filling::new(parts, self.room, expected, Spill::new(self.folder)?);
        let mut scatter = Scatter::default();
        runs.each_piece(partition, AT_ONCE, |number, records| {
            scatter.begin(parts);
            scatter.note(records, |record| self.divide.part(step, side, record, parts));
            filling.add(number, records, None, &mut scatter)
        })?;
        Ok(filling.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Text;
    use crate::read::read;
    use linesman_cdr::format::{Layout, Rejection, Role, RowReader, SpanStyle, TimeStyle, Zone};
    use linesman_cdr::record::Names;
    use std::sync::Mutex;

    type Seen = (Names, Vec<Rejection>, crate::job::Tally);

    fn layout() -> Layout {
        let columns = vec![Role::Caller, Role::Callee, Role::Start, Role::Talk, Role::Gateway];
        Layout {
            preset: "generic".to_owned(),
            delimiter: ',',
            header_lines: 1,
            spans: vec![SpanStyle::Seconds; columns.len()],
            columns,
            header: Vec::new(),
            time: TimeStyle::EpochMillis,
            zone: Zone::Unknown,
            decimal: '.',
            thousands: None,
            credits: false,
            answered: Vec::new(),
            interim: Vec::new(),
            skipped: Vec::new(),
        }
    }

    struct ByCallerThenTime;

    impl Divide for ByCallerThenTime {
        fn part(&self, step: u32, _: Side, record: &Record, parts: u32) -> u32 {
            let key = if step == 0 { record.caller.code() } else { record.start_ms.unsigned_abs() / 1000 };
            u32::try_from(key % u64::from(parts)).unwrap()
        }
        fn steps(&self) -> u32 {
            2
        }
    }

    /// What a run over two texts leaves: per side names, rejections, tally, and all records with
    /// their gateway's name; and the largest number of records that were together.
    fn walk(folder: &Path, texts: [&str; 2], plan: &Plan) -> ([Seen; 2], Vec<String>, usize) {
        let files = [0, 1].map(|index| {
            let path = folder.join(format!("{index}.csv"));
            std::fs::write(&path, texts[index]).unwrap();
            Text::open(&path).unwrap()
        });
        let reader = RowReader::new(&layout()).unwrap();
        let progress = Progress::default();
        let room = Room::new(plan.held);
        let contents = read([&files[0], &files[1]], [&reader; 2], plan, &room, folder, &progress).unwrap();
        let seen = Mutex::new((Vec::new(), 0));
        let walk = Walk { sides: &contents, plan, room: &room, folder, divide: &ByCallerThenTime };
        walk.every(
            &progress,
            || (),
            |(), sides| {
                let mut seen = seen.lock().unwrap();
                seen.1 = seen.1.max(sides[0].len() + sides[1].len());
                for (side, records) in sides.into_iter().enumerate() {
                    for record in records {
                        let gateway = &contents[side].names.gateways[usize::from(record.gateway)];
                        let Record { caller, callee, start_ms, place, .. } = *record;
                        seen.0.push(format!("{side} {caller} {callee} {start_ms} {gateway} {place}"));
                    }
                }
                Ok(())
            },
            |(), _, _| {},
        )
        .unwrap();
        let (mut records, most) = seen.into_inner().unwrap();
        records.sort_unstable();
        (contents.map(|side| (side.names, side.rejections, side.tally)), records, most)
    }

    /// A header line and so many lines, each ninety-seventh of them no record.
    fn texts(calls: u32, callees: u32) -> [String; 2] {
        [0, 7].map(|shift| {
            let lines = (0..calls).map(|call| {
                if call % 97 == shift {
                    return format!("no record line {}\n", call + 2);
                }
                let callee = 861_380_000_000_u64 + u64::from(call % callees);
                let start = 1_777_593_600_000_u64 + u64::from(call * 1000 + shift);
                format!("4420{:07},{callee},{start},{},gw{}\n", call % 13, call % 60, (call + shift) % 11)
            });
            std::iter::once("caller,callee,start,duration,gateway\n".to_owned()).chain(lines).collect()
        })
    }

    const PLAN: Plan = Plan {
        threads: 1,
        piece: 1 << 20,
        partitions: 8,
        held: 1 << 30,
        together: 100_000,
        rejections: 1000,
        ledger: 1 << 20,
        details: 1000,
    };

    #[test]
    fn threads_pieces_partitions_and_spilling_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = texts(3000, 40);
        let run = |plan: Plan| walk(folder.path(), [&ours, &theirs], &plan);
        let (facts, records, _) = run(PLAN);
        assert_eq!(records.len() as u64, facts[0].2.records + facts[1].2.records);
        assert_eq!(facts[0].2.lines, 3001);
        assert_eq!(facts[0].2.records + facts[0].2.rejected, 3000);
        for plan in [
            Plan { threads: 4, ..PLAN },
            Plan { piece: 700, ..PLAN },
            Plan { piece: 50, threads: 3, held: 0, ..PLAN },
            Plan { partitions: 64, held: 0, ..PLAN },
            Plan { partitions: 1, threads: 2, piece: 999, held: 40_000, ..PLAN },
            Plan { together: 20, held: 10_000, threads: 2, ..PLAN },
        ] {
            let (other_facts, other_records, _) = run(plan);
            assert!(other_facts == facts, "{plan:?}");
            assert!(other_records == records, "{plan:?}");
        }
    }

    #[test]
    fn a_rejected_line_keeps_its_number_whichever_piece_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = texts(1500, 10);
        for piece in [60, 333, 1 << 20] {
            let ([facts, _], ..) = walk(folder.path(), [&ours, &theirs], &Plan { piece, threads: 2, ..PLAN });
            assert!(!facts.1.is_empty());
            for rejection in facts.1 {
                assert_eq!(rejection.text, format!("no record line {}", rejection.line));
            }
        }
    }

    #[test]
    fn the_first_rejected_lines_are_kept_and_all_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = texts(3000, 10);
        let plan = Plan { rejections: 5, piece: 200, threads: 3, ..PLAN };
        let ([facts, _], ..) = walk(folder.path(), [&ours, &theirs], &plan);
        let lines: Vec<u64> = facts.1.iter().map(|rejection| rejection.line).collect();
        assert_eq!(lines, [2, 99, 196, 293, 390]);
        assert_eq!(facts.2.rejected, 31);
    }

    #[test]
    fn calls_to_one_number_are_divided_by_who_called_and_when() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = texts(4000, 1);
        for held in [0, 1 << 20] {
            let (_, records, most) =
                walk(folder.path(), [&ours, &theirs], &Plan { together: 200, held, threads: 2, ..PLAN });
            assert_eq!(records.len(), 2 * 4000 - 2 * 42);
            assert!(most <= 200, "{most} records together");
        }
    }
}
