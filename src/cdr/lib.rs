//! Reconciles two sets of call detail records against a rate deck.
//!
//! PURE: bytes, records and settings come in, findings and money go out. No file, no thread, no
//! clock, no command line; `linesman-reconcile` brings those.
//!
//! The map, in the order in which a record travels:
//!
//! 1. [`mod@format`]: a file's text becomes [`record::Record`]s. What a file looks like is a
//!    [`format::Layout`], found by the detector or named by a preset; a bad line becomes a
//!    [`format::Rejection`].
//! 2. [`pair`]: what the two sides call the same number and the same moment is learned
//!    ([`pair::Learned`]), then records are paired one to one.
//! 3. [`rating`]: what a call costs by deck and contract, exactly, every convention a parameter.
//! 4. [`cause`]: which rules reproduce each side's amounts, who deviates from the contract, and what
//!    each cause is worth; the shares add up to the difference.
//! 5. [`outcome`]: the answer, as people and programs read it.
//!
//! [`generate`] makes pairs of files whose truth is known.

pub mod cause;
pub mod format;
pub mod generate;
pub mod media;
pub mod money;
pub mod number;
pub mod outcome;
pub mod pair;
pub mod rating;
pub mod record;

pub use money::Money;
pub use number::Number;
pub use outcome::Outcome;
pub use record::{Record, Side};
