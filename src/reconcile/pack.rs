//! Records made small for the while between reading and pairing: a byte in which all records of a run agree is
//! kept once for the run. About half of a usual record is left, and memory that is not asked for need not be
//! brought by the system, which costs more than the packing.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u8x16};
use linesman_cdr::Record;

const RECORD: usize = size_of::<Record>();
/// Bytes that are packed in one step.
const LANE: usize = 16;
/// Where the lanes of a record begin; the last one reaches back into the one before it.
const LANES: [usize; 5] = [0, LANE, 2 * LANE, 3 * LANE, RECORD - LANE];
const _: () = assert!(RECORD > 4 * LANE && RECORD <= 5 * LANE);
/// Bytes from the beginning of a packed record that are read or written, whatever its width.
const WINDOW: usize = 5 * LANE;
/// Beyond any lane: no byte.
const NONE: u8 = 0x80;

/// Sixteen bytes of a record.
#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    /// Where its kept bytes begin in a packed record.
    at: usize,
    /// Which bytes are kept, and where each went.
    kept: [u8; LANE],
    back: [u8; LANE],
    /// The others.
    same: [u8; LANE],
}

/// How the records of one run are packed.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    lanes: [Lane; 5],
    width: usize,
    /// Bytes behind a record that are written with it and mean nothing.
    spare: usize,
}

/// In which bytes the records of a run differ from its first one. Seen while each is at hand: looking at all of
/// them again costs as much as a tenth of reading them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Differences {
    first: Option<[u64; RECORD / 8]>,
    differs: [u64; RECORD / 8],
}

impl Differences {
    /// Sees records.
    #[inline(always)]
    pub(crate) fn see(&mut self, records: &[Record]) {
        let Some(first) = records.first() else { return };
        let first = *self.first.get_or_insert(bytemuck::cast(*first));
        let mut differs = self.differs;
        for record in records {
            let words: &[u64; RECORD / 8] = bytemuck::cast_ref(record);
            for ((differs, word), first) in differs.iter_mut().zip(words).zip(first) {
                *differs |= word ^ first;
            }
        }
        self.differs = differs;
    }
}

impl Shape {
    /// Of records that were seen so.
    pub(crate) fn of(differences: &Differences) -> Self {
        let Differences { first, differs } = differences;
        Self::keeping(bytemuck::bytes_of(differs), bytemuck::bytes_of(&first.unwrap_or_default()))
    }

    fn keeping(differs: &[u8], first: &[u8]) -> Self {
        let before = |place: usize| differs.iter().take(place).filter(|byte| **byte != 0).count();
        let lanes = LANES.map(|begin| {
            let none = [NONE; LANE];
            let mut lane = Lane { at: before(begin), kept: none, back: none, same: [0; LANE] };
            let mut rank = 0;
            for (place, (differs, first)) in (0u8..).zip(differs.iter().zip(first).skip(begin).take(LANE)) {
                if *differs == 0 {
                    lane.same[usize::from(place)] = *first;
                } else {
                    lane.kept[usize::from(rank)] = place;
                    lane.back[usize::from(place)] = rank;
                    rank += 1;
                }
            }
            lane
        });
        let width = before(RECORD);
        Self { lanes, width, spare: lanes[LANES.len() - 1].at + LANE - width }
    }

    /// Where a record of a group begins: after so many of its own group and of those before it.
    pub(crate) const fn place(&self, group: usize, record: usize) -> usize {
        record * self.width + group * self.spare
    }

    /// Bytes of so many groups of so many records together, the last one's window included.
    pub(crate) const fn bytes(&self, groups: usize, count: usize) -> usize {
        self.place(groups, count) + WINDOW
    }

    /// Packs records, each behind the others of its group; `next` says where each group's first one goes
    /// ([`Shape::place`]), and then where one more would.
    pub(crate) fn pack(&self, records: &[Record], groups: &[u32], next: &mut [usize], into: &mut [u8]) {
        dispatch!(Level::new(), simd => pack(simd, self, records, groups, next, into));
    }

    /// Unpacks as many records as there is room for; `packed` begins with the first and is as long as
    /// [`Shape::bytes`] says.
    pub(crate) fn unpack(&self, packed: &[u8], into: &mut [Record]) {
        dispatch!(Level::new(), simd => unpack(simd, self, packed, into));
    }
}

/// Records are read as they stand and written here and there, not the other way round: a processor waits for what
/// it reads, not for what it writes.
#[inline(always)]
fn pack<S: Simd>(
    simd: S,
    shape: &Shape,
    records: &[Record],
    groups: &[u32],
    next: &mut [usize],
    into: &mut [u8],
) {
    let lanes = shape.lanes.map(|lane| (lane.at % (WINDOW - LANE), u8x16::from_slice(simd, &lane.kept)));
    for (record, group) in records.iter().zip(groups) {
        let at = &mut next[*group as usize];
        let record = bytemuck::bytes_of(record);
        let window = &mut into[*at..*at + WINDOW];
        // What a lane leaves behind its kept bytes is written over by the next one, or by the next record of its
        // group; behind the last one there is room for it.
        for ((at, kept), begin) in lanes.iter().zip(LANES) {
            let lane = u8x16::from_slice(simd, &record[begin..begin + LANE]);
            lane.swizzle_dyn_precise(*kept).store_slice(&mut window[*at..*at + LANE]);
        }
        *at += shape.width;
    }
}

#[inline(always)]
fn unpack<S: Simd>(simd: S, shape: &Shape, packed: &[u8], into: &mut [Record]) {
    let vector = |bytes: &[u8; LANE]| u8x16::from_slice(simd, bytes);
    let lanes = shape.lanes.map(|lane| (lane.at % (WINDOW - LANE), vector(&lane.back), vector(&lane.same)));
    let mut at = 0;
    for record in into {
        let record = bytemuck::bytes_of_mut(record);
        let window = &packed[at..at + WINDOW];
        for ((at, back, same), begin) in lanes.iter().zip(LANES) {
            let lane = u8x16::from_slice(simd, &window[*at..*at + LANE]).swizzle_dyn_precise(*back);
            (lane | *same).store_slice(&mut record[begin..begin + LANE]);
        }
        at += shape.width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable as _;
    use proptest::prelude::*;

    fn shape_of(records: &[Record]) -> Shape {
        let mut differences = Differences::default();
        records.chunks(7).for_each(|records| differences.see(records));
        Shape::of(&differences)
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_the_same_group_by_group(
            base in prop::array::uniform9(any::<u64>()),
            masks in prop::array::uniform9(prop_oneof![
                2 => Just(0), 1 => any::<u64>(), 1 => Just(u64::MAX), 2 => Just(0x00ff_0000_00ff_ff00)
            ]),
            values in prop::collection::vec((prop::array::uniform9(any::<u64>()), 0u32..5), 0..40),
            from in 0usize..40,
        ) {
            let records: Vec<Record> = values
                .iter()
                .map(|(words, _)| {
                    let mut record = [0_u64; 9];
                    for (place, word) in words.iter().enumerate() {
                        record[place] = base[place] ^ (word & masks[place]);
                    }
                    bytemuck::cast(record)
                })
                .collect();
            let groups: Vec<u32> = values.iter().map(|(_, group)| *group).collect();
            let of = |wanted: usize| -> Vec<Record> {
                records.iter().zip(&groups).filter(|(_, group)| **group as usize == wanted).map(|(record, _)| *record).collect()
            };
            let shape = shape_of(&records);
            let (mut next, mut before) = (Vec::new(), 0);
            for group in 0..5 {
                next.push(shape.place(group, before));
                before += of(group).len();
            }
            let begins = next.clone();
            let mut packed = vec![0xa5; shape.bytes(5, records.len())];
            shape.pack(&records, &groups, &mut next, &mut packed);
            for (group, begin) in begins.iter().enumerate() {
                let expected = of(group);
                let from = from.min(expected.len());
                let mut out = vec![Record::zeroed(); expected.len() - from];
                shape.unpack(&packed[begin + shape.place(0, from)..], &mut out);
                prop_assert_eq!(&out[..], &expected[from..]);
            }
        }
    }

    #[test]
    fn a_byte_that_all_records_share_takes_no_room() {
        let records: Vec<Record> =
            (0..200).map(|talk_ms| Record { talk_ms, place: 1 << 40, ..Record::zeroed() }).collect();
        let shape = shape_of(&records);
        assert_eq!(shape.width, 1);
        assert_eq!(shape_of(&records[..1]).width, 0);
    }
}
