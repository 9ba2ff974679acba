//! Pairs of files whose truth is known, from a seed.
//!
//! [`Plan`] says how much traffic there is, how each side writes its file and which causes act on which side;
//! [`pair`] makes both files, deck, contract and the truth, [`write()`] the same as a stream of any length in
//! bounded memory, [`records`] the records without text. The truth is computed here, by switching causes on one
//! after the other and rating each call anew: nothing of [`crate::cause`] takes part in it.

mod bill;
mod form;
mod inject;
mod plan;
mod random;
mod stream;
#[cfg(test)]
mod tests;
mod traffic;
mod truth;
mod world;

pub use form::{Form, Header, NumberStyle, Order, SpanForm, TimeForm};
pub use inject::{Injection, InjectionError};
pub use plan::{Plan, PlanError};
pub use stream::{CallRecords, Pair, Recorded, View, pair, records, write};
