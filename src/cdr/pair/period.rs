//! Which period a file holds, and by which moment of a call it was cut.
//!
//! A call near midnight is in one side's file and not in the other's when one cuts by start and the
//! other by end, or each at its own midnight. That is proved from the first and last moments of the
//! whole files, never from the call alone.

use serde::{Deserialize, Serialize};

use super::learned::{Clock, end};
use crate::record::Record;

/// First and last moments of a whole file, in its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Records.
    pub records: u64,
    /// Earliest start.
    pub first_start_ms: i64,
    /// Latest start.
    pub last_start_ms: i64,
    /// Earliest end.
    pub first_end_ms: i64,
    /// Latest end.
    pub last_end_ms: i64,
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            records: 0,
            first_start_ms: i64::MAX,
            last_start_ms: i64::MIN,
            first_end_ms: i64::MAX,
            last_end_ms: i64::MIN,
        }
    }
}

impl Coverage {
    /// Of records as the file gives them.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let mut coverage = Self::default();
        for record in records {
            coverage.add(record);
        }
        coverage
    }

    /// Counts one record in, as the file gives it.
    #[inline]
    pub fn add(&mut self, record: &Record) {
        let end = end(record);
        self.records += 1;
        self.first_start_ms = self.first_start_ms.min(record.start_ms);
        self.last_start_ms = self.last_start_ms.max(record.start_ms);
        self.first_end_ms = self.first_end_ms.min(end);
        self.last_end_ms = self.last_end_ms.max(end);
    }

    /// Counts another part of the same file in.
    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.first_start_ms = self.first_start_ms.min(other.first_start_ms);
        self.last_start_ms = self.last_start_ms.max(other.last_start_ms);
        self.first_end_ms = self.first_end_ms.min(other.first_end_ms);
        self.last_end_ms = self.last_end_ms.max(other.last_end_ms);
    }
}

/// The moment of a call that decides into which period it falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutBy {
    /// When it began.
    Start,
    /// When it ended.
    End,
}

/// What period a file holds, in its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// By which moment.
    pub cut_by: CutBy,
    /// First moment.
    pub from_ms: i64,
    /// First moment after it.
    pub to_ms: i64,
}

impl Period {
    /// Whether a call of the other side, in reference terms, is outside by this file's clock.
    #[must_use]
    pub fn excludes(&self, clock: &Clock, record: &Record) -> bool {
        let moment = match self.cut_by {
            CutBy::Start => record.start_ms,
            CutBy::End => end(record),
        };
        let own = clock.own(moment);
        own < self.from_ms || own >= self.to_ms
    }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The periods of both files, when they are proved to be cut by different rules; else none: then a
/// call that one side lacks is missing, also at the edge.
#[must_use]
pub(super) fn periods(coverages: [&Coverage; 2], clocks: &[Clock; 2]) -> [Option<Period>; 2] {
    let none = [None, None];
    let (Some(ours), Some(theirs)) = (period(coverages[0]), period(coverages[1])) else { return none };
    // A file that lacks its last hours is a file with missing calls.
    if ours.to_ms - ours.from_ms != theirs.to_ms - theirs.from_ms {
        return none;
    }
    let from_apart = clocks[0].corrected(ours.from_ms, 0) - clocks[1].corrected(theirs.from_ms, 0);
    let to_apart = clocks[0].corrected(ours.to_ms, u64::MAX) - clocks[1].corrected(theirs.to_ms, u64::MAX);
    if ours.cut_by == theirs.cut_by && from_apart == 0 && to_apart == 0 {
        return none;
    }
    [Some(ours), Some(theirs)]
}

/// The whole hours or days that a file fills to the brim by start or by end.
fn period(coverage: &Coverage) -> Option<Period> {
    if coverage.records < 20 {
        return None;
    }
    let records = i64::try_from(coverage.records).ok()?;
    let apart = (coverage.last_start_ms - coverage.first_start_ms) / records;
    let fits = |cut_by, first: i64, last: i64, unit: i64, slack: i64| {
        let from_ms = first.div_euclid(unit) * unit;
        let to_ms = (last.div_euclid(unit) + 1) * unit;
        let gap = (first - from_ms).max(to_ms - last);
        (gap <= slack).then_some((gap, Period { cut_by, from_ms, to_ms }))
    };
    [(DAY_MS, (apart * 20).clamp(60_000, HOUR_MS)), (HOUR_MS, (apart * 6).clamp(10_000, HOUR_MS / 6))]
        .into_iter()
        .find_map(|(unit, slack)| {
            let by_start = fits(CutBy::Start, coverage.first_start_ms, coverage.last_start_ms, unit, slack);
            let by_end = fits(CutBy::End, coverage.first_end_ms, coverage.last_end_ms, unit, slack);
            match (by_start, by_end) {
                // No call crosses an edge: both rules give the same file.
                (Some((_, start)), Some((_, end)))
                    if start.from_ms == end.from_ms && start.to_ms == end.to_ms =>
                {
                    Some(start)
                }
                (Some((start_gap, start)), Some((end_gap, end))) => {
                    Some(if start_gap <= end_gap { start } else { end })
                }
                (start, end) => start.or(end).map(|(_, period)| period),
            }
        })
}
