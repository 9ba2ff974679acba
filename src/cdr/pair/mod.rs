//! Which record of ours is which of theirs.
//!
//! First what the two sides call the same number and the same moment is learned from a part of the
//! records ([`Learned`]); then the records of a partition are paired one to one under tolerance, by
//! minimal cost, and everything found goes to a [`Sink`].

mod assign;
mod clock;
mod habits;
mod learn;
mod learned;
mod matching;
mod number;
mod period;
mod rest;
mod rewrite;
mod run;
mod votes;
mod zone;

pub use learn::learn;
pub use learned::{Clock, LearnContext, Learned, SideContext, Stretch, TimeBasis};
pub use matching::{Matcher, match_partition, partition_of};
pub use number::{NumberRule, Party};
pub use period::{Coverage, CutBy, Period};

use crate::record::{Record, Side};

/// What came of pairing, one call after the other; the order is fixed by the records alone.
pub trait Sink {
    /// The same call on both sides. Numbers and times are those of ours' terms; a conversation that only
    /// one side tells stands on both.
    fn pair(&mut self, ours: &Record, theirs: &Record);
    /// A call that the other side has not.
    fn only(&mut self, side: Side, record: &Record);
    /// A second record of a call that is paired already, or that stands alone, on one side.
    fn duplicate(&mut self, side: Side, record: &Record, of: &Record);
    /// One call of which one side, or each, has several parts, in their order: of ours and of theirs, never
    /// none, and together as long.
    fn split(&mut self, records: [&[Record]; 2]);
    /// A record of a part of a call that is paired already with its whole: an interim record beside
    /// its final one.
    fn interim(&mut self, side: Side, record: &Record, whole: &Record);
    /// A call at the file's edge that belongs to the other side's next or former period.
    fn cut_off(&mut self, side: Side, record: &Record);
}

#[cfg(test)]
mod tests;
