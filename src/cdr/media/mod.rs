//! Call records against calls that were heard: what was billed beside what was on the wire.
//!
//! PURE: records as the reader gives them and calls as the listener tells them come in, differences
//! with both rows come out. What a capture does not prove is not said: a record outside the captured
//! time, over another path, or one of two that fit equally well is counted by its reason
//! ([`Comparison`]), and accuses nobody.
//!
//! In order: whether two numbers are one ([`party`]), how far the clocks lie apart ([`Offset`]), which
//! record is which call (`pair`), what the two say of each other (`judge`), what that is worth
//! (`stake`), and [`compare`] puts it together.

mod book;
mod call;
pub mod codec;
mod compare;
mod difference;
mod judge;
mod offset;
mod pair;
pub mod party;
mod stake;
#[cfg(test)]
mod tests;

pub use book::{BilledCall, Book, Capture, Limits};
pub use call::{Doubt, Found, Heard, Speaker, Way, is_refusal};
pub use compare::{CallCounts, Comparison, RecordCounts, compare};
pub use difference::{Basis, Difference, Kind, MatchedBy, Undecided};
pub use offset::{Offset, Proof};
