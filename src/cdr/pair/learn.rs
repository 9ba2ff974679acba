//! Learning from a part of the records.

use super::learned::{LearnContext, Learned};
use crate::record::Record;

/// Learns from records of both sides as the files give them: some whole partitions, or all.
#[must_use]
pub fn learn(_ours: &[Record], _theirs: &[Record], context: &LearnContext<'_>) -> Learned {
    let mut learned = Learned::default();
    if let Some(tolerance) = context.tolerance_ms {
        learned.tolerance_ms = tolerance;
    }
    learned
}
