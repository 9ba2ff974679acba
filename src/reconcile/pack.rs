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
}

/// In which bytes the records of a run differ from its first one. Seen while each is at hand: looking at all of
/// them again costs as much as a tenth of reading them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Differences {
    first: Option<[u64; RECORD / 8]>,
    differs: [u64; RECORD / 8],
}

impl Differences {
    /// Sees one record.
    #[inline(always)]
    pub(crate) fn see(&mut self, record: &Record) {
        let words: &[u64; RECORD / 8] = bytemuck::cast_ref(record);
        let first = self.first.get_or_insert(*words);
        for ((differs, word), first) in self.differs.iter_mut().zip(words).zip(first) {
            *differs |= word ^ *first;
        }
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
        Self { lanes, width: before(RECORD) }
    }

    /// Where a record begins, and how many bytes so many take, the last one's window included.
    pub(crate) const fn place(&self, record: usize) -> usize {
        record * self.width
    }

    /// Bytes of so many records.
    pub(crate) const fn bytes(&self, count: usize) -> usize {
        self.place(count) + WINDOW
    }

    /// Packs the records that `order` names, in that order.
    pub(crate) fn pack(&self, records: &[Record], order: &[u32], into: &mut [u8]) {
        dispatch!(Level::new(), simd => pack(simd, self, records, order, into));
    }

    /// Unpacks as many records as there is room for; `packed` begins with the first and is as long as
    /// [`Shape::bytes`] says.
    pub(crate) fn unpack(&self, packed: &[u8], into: &mut [Record]) {
        dispatch!(Level::new(), simd => unpack(simd, self, packed, into));
    }
}

#[inline(always)]
fn pack<S: Simd>(simd: S, shape: &Shape, records: &[Record], order: &[u32], into: &mut [u8]) {
    let lanes = shape.lanes.map(|lane| (lane.at % (WINDOW - LANE), u8x16::from_slice(simd, &lane.kept)));
    let mut at = 0;
    for index in order {
        let record = bytemuck::bytes_of(&records[*index as usize]);
        let window = &mut into[at..at + WINDOW];
        // What a lane leaves behind its kept bytes is written over by the next one, or by the next record.
        for ((at, kept), begin) in lanes.iter().zip(LANES) {
            let lane = u8x16::from_slice(simd, &record[begin..begin + LANE]);
            lane.swizzle_dyn_precise(*kept).store_slice(&mut window[*at..*at + LANE]);
        }
        at += shape.width;
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
        records.iter().for_each(|record| differences.see(record));
        Shape::of(&differences)
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_the_same_in_the_order_asked_for(
            base in prop::array::uniform9(any::<u64>()),
            masks in prop::array::uniform9(prop_oneof![
                2 => Just(0), 1 => any::<u64>(), 1 => Just(u64::MAX), 2 => Just(0x00ff_0000_00ff_ff00)
            ]),
            values in prop::collection::vec(prop::array::uniform9(any::<u64>()), 0..40),
            from in 0usize..40,
        ) {
            let mut records: Vec<Record> = values
                .iter()
                .map(|words| {
                    let mut record = [0_u64; 9];
                    for (place, word) in words.iter().enumerate() {
                        record[place] = base[place] ^ (word & masks[place]);
                    }
                    bytemuck::cast(record)
                })
                .collect();
            let shape = shape_of(&records);
            let order: Vec<u32> = (0..records.len() as u32).rev().collect();
            let mut packed = vec![0xa5; shape.bytes(records.len())];
            shape.pack(&records, &order, &mut packed);
            let from = from.min(records.len());
            let mut out = vec![Record::zeroed(); records.len() - from];
            shape.unpack(&packed[shape.place(from)..], &mut out);
            records.reverse();
            prop_assert_eq!(&out[..], &records[from..]);
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
