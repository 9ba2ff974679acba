//! From residuals to causes, and from causes to money that adds up.
//!
//! A [`Ledger`] takes what pairing finds and keeps the calls on which a side does not show what deck and
//! contract give, with some of the others as counter-evidence. [`infer`] asks of each side which rule
//! reproduces what it shows (deviations, learned from the calls), binds each to the calls that show it and
//! makes a [`Model`]; [`Model::attribute`], or an [`Attributor`] over all calls where not all were kept, walks
//! every call's difference through the causes; [`Model::outcome`] is the answer.
//!
//! What the data cannot tell apart is given the simpler name: one factor rather than a currency and a tax, unless
//! the tax is seen to be rounded by itself; ringing that both sides charge on a call, which differs in nothing,
//! is nobody's; without answer times a side that charges ringing has a duration that differs; an increment that
//! only one prefix of its destination can show is that prefix's; a file that ends hours early lacks calls, one
//! that ends within the length of a call was cut, and so was one that ends at a whole hour or begins as much later.
//!
//! Precision comes before recall: what the data does not prove stays unexplained. There are no probabilities
//! here, and no reading of files.

mod again;
mod answer;
mod attribute;
mod bind;
mod case;
mod catalogue;
mod deviation;
mod duration;
mod edge;
mod explain;
mod found;
mod ledger;
mod leg;
mod model;
mod quick;
mod records;
mod refine;
mod region;
mod selector;
mod shares;
mod solve;
#[cfg(test)]
mod tests;
mod unread;
mod walk;
mod words;

pub use answer::Identify;
pub use attribute::{Attributor, CauseTally, Example, Tally};
pub use ledger::{Ledger, LedgerContext, Tallied};
pub use model::{Model, infer};
pub use shares::{Signatures, Spread};
pub use unread::Unread;
