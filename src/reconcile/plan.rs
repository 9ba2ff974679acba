//! How the memory that a run may use is shared out.

use crate::job::{KEPT_DETAILS, KEPT_REJECTIONS};
use crate::spill::RECORD_BYTES;

/// The least that a run gets by with; less is taken as this.
pub const LEAST_MEMORY: u64 = 64 << 20;

/// How a run is cut up. Nothing of it changes the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Threads.
    pub(crate) threads: usize,
    /// Bytes of a piece of a file.
    pub(crate) piece: usize,
    /// Partitions of the records, a power of two.
    pub(crate) partitions: u32,
    /// Bytes of records that may stay in memory while the files are read.
    pub(crate) held: u64,
    /// Records of both sides of a partition that are paired at once; more are divided again.
    pub(crate) together: u64,
    /// Rejected lines of a side that are kept with their text.
    pub(crate) rejections: usize,
    /// Bytes of calls that the analysis keeps.
    pub(crate) ledger: usize,
    /// Differing calls that are kept for the report.
    pub(crate) details: usize,
}

/// Bytes that a usual record takes until it is paired.
const PACKED_BYTES: u64 = 40;
/// Records of a side that make a partition small enough for a core's own cache.
const CACHED: u64 = 10_000;
/// Most partitions for the cache's sake, of what stays in memory and of what does not: beyond, the
/// slices of a piece are too small to be worth a copy or a read.
const MOST_FOR_CACHE: [u64; 2] = [4096, 1024];

impl Plan {
    /// For so much memory and about so many records of the longer and of both sides.
    pub(crate) fn new(memory: u64, threads: usize, longer: u64, both: u64) -> Self {
        let memory = memory.max(LEAST_MEMORY);
        let threads = threads.clamp(1, 256);
        let each = memory / threads as u64;
        // Text, its records and the same grouped: up to six times a piece's text.
        let piece = (each / 48).clamp(64 << 10, 4 << 20);
        // A thread holds a partition's records of both sides, sorts and pairs them.
        let together = (each / 8 / RECORD_BYTES / 3).max(2 * CACHED / 4);
        let held = memory / 16 * 11;
        let spills = both.saturating_mul(PACKED_BYTES) > held;
        let cached = longer.div_ceil(CACHED).min(MOST_FOR_CACHE[usize::from(spills)]);
        let fitting = both.saturating_mul(3).div_ceil(together * 2);
        let partitions = cached.max(fitting).clamp(1, 1 << 20).next_power_of_two();
        Self {
            threads,
            piece: usize::try_from(piece).unwrap_or(usize::MAX),
            partitions: u32::try_from(partitions).unwrap_or(1),
            held,
            together,
            rejections: usize::try_from(memory / 32 / 400).unwrap_or(usize::MAX).min(KEPT_REJECTIONS),
            ledger: usize::try_from(memory / 10).unwrap_or(usize::MAX),
            details: usize::try_from(memory / 8 / 400).unwrap_or(usize::MAX).min(KEPT_DETAILS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_million_records_a_side_get_by_with_a_gibibyte() {
        let plan = Plan::new(1 << 30, 2, 30_000_000, 60_000_000);
        let reading = plan.held + 6 * (plan.threads * plan.piece) as u64;
        let pairing = plan.held + 3 * plan.threads as u64 * plan.together * RECORD_BYTES;
        assert!(reading < 900 << 20 && pairing < 950 << 20, "{plan:?}");
        assert!(u64::from(plan.partitions) * plan.together > 2 * 60_000_000, "{plan:?}");
    }

    #[test]
    fn a_partition_that_stays_in_memory_fits_a_cores_own_cache() {
        let plan = Plan::new(2 << 30, 2, 7_000_000, 14_000_000);
        assert!((7_000_000 / u64::from(plan.partitions)) <= 10_000, "{plan:?}");
        assert_eq!(Plan::new(2 << 30, 2, 900, 1800).partitions, 1);
    }

    #[test]
    fn more_threads_do_not_need_more_memory() {
        for threads in [1, 2, 8, 64] {
            let plan = Plan::new(1 << 30, threads, 30_000_000, 60_000_000);
            let most = plan.held + 3 * threads as u64 * plan.together * RECORD_BYTES;
            assert!(most < 1 << 30, "{plan:?}");
        }
    }
}
