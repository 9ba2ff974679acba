//! One-to-one pairing inside a partition.

use super::learned::Learned;
use super::Sink;
use crate::number::Number;
use crate::record::{Record, Side};

/// Which of `partitions` parts a called number belongs to: by its last eight digits, which no rewrite
/// touches.
#[must_use]
pub fn partition_of(callee: Number, partitions: u32) -> u32 {
    let hash = callee.tail(super::number::KEPT_DIGITS).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (hash ^ hash >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32;
    u32::try_from(mixed * u64::from(partitions) >> 32).unwrap_or(0)
}

/// Pairs partition after partition, with memory that is used again.
#[derive(Debug, Default)]
pub struct Matcher {}

impl Matcher {
    /// Pairs the records of one partition, as the files give them; everything goes to the sink once.
    pub fn run(
        &mut self,
        ours: &mut [Record],
        theirs: &mut [Record],
        learned: &Learned,
        sink: &mut impl Sink,
    ) {
        learned.prepare(Side::Ours, ours);
        learned.prepare(Side::Theirs, theirs);
        for record in ours {
            sink.only(Side::Ours, record);
        }
        for record in theirs {
            sink.only(Side::Theirs, record);
        }
    }
}

/// Pairs the records of one partition, as the files give them; everything goes to the sink once.
pub fn match_partition(mut ours: Vec<Record>, mut theirs: Vec<Record>, learned: &Learned, sink: &mut impl Sink) {
    Matcher::default().run(&mut ours, &mut theirs, learned, sink);
}
