//! What a first walk over all differing calls gives: sums, and the calls that show a cause best.

use std::cmp::Reverse;
use std::io;

use linesman_cdr::Money;
use linesman_cdr::outcome::{CallClass, CallDetail};

use super::figures::Breakdown;
use super::{Calls, order};
use crate::job::Finished;

/// Example calls of a cause.
pub(crate) const EXAMPLES: usize = 3;
/// Causes whose examples are kept.
const MOST_CAUSES: usize = 200;

/// Sums and examples.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    pub(crate) breakdown: Breakdown,
    /// By cause; those worth most first.
    pub(crate) examples: Vec<Vec<CallDetail>>,
    /// Calls with the largest unexplained share.
    pub(crate) unexplained: Vec<CallDetail>,
    /// Calls, by the sheets they belong to.
    pub(crate) counts: SheetCounts,
}

/// How many calls belong to each sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SheetCounts {
    pub(crate) differences: u64,
    pub(crate) only_ours: u64,
    pub(crate) only_theirs: u64,
    pub(crate) duplicates: u64,
}

/// Which sheet a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sheet {
    Differences,
    OnlyOurs,
    OnlyTheirs,
    Duplicates,
}

impl Sheet {
    /// The sheet of a call.
    pub(crate) fn of(detail: &CallDetail) -> Self {
        match (detail.class, detail.ours.is_some()) {
            (CallClass::Paired, _) => Self::Differences,
            (CallClass::Only | CallClass::CutOff, true) => Self::OnlyOurs,
            (CallClass::Only | CallClass::CutOff, false) => Self::OnlyTheirs,
            (CallClass::Duplicate | CallClass::Part | CallClass::Interim, _) => Self::Duplicates,
        }
    }
}

impl Overview {
    /// Walks over all calls.
    pub(crate) fn of(finished: &Finished, calls: &mut Calls<'_>) -> io::Result<Self> {
        let causes = finished.outcome.causes.len().min(MOST_CAUSES);
        let breakdown = Breakdown::of(finished);
        let mut overview = Self { breakdown, examples: vec![Vec::new(); causes], ..Self::default() };
        calls.each(&mut |detail| {
            overview.breakdown.add(detail, finished);
            for (cause, share) in &detail.shares {
                if let Some(best) = overview.examples.get_mut(*cause as usize) {
                    let worth = |detail: &CallDetail| {
                        detail
                            .shares
                            .iter()
                            .find(|(other, _)| other == cause)
                            .map_or(Money::ZERO, |(_, share)| *share)
                    };
                    keep(best, detail, *share, &worth);
                }
            }
            if detail.unexplained.0 != 0 {
                keep(&mut overview.unexplained, detail, detail.unexplained, &|detail| detail.unexplained);
            }
            let counts = &mut overview.counts;
            *match Sheet::of(detail) {
                Sheet::Differences => &mut counts.differences,
                Sheet::OnlyOurs => &mut counts.only_ours,
                Sheet::OnlyTheirs => &mut counts.only_theirs,
                Sheet::Duplicates => &mut counts.duplicates,
            } += 1;
            Ok(())
        })?;
        Ok(overview)
    }
}

fn keep(best: &mut Vec<CallDetail>, detail: &CallDetail, share: Money, worth: &dyn Fn(&CallDetail) -> Money) {
    let rank = |detail: &CallDetail, share: Money| (Reverse(share.abs()), order(detail));
    let mine = rank(detail, share);
    let place = best.partition_point(|other| rank(other, worth(other)) <= mine);
    if place < EXAMPLES {
        best.insert(place, detail.clone());
        best.truncate(EXAMPLES);
    }
}
