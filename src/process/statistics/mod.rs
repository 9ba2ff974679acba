//! The month's statistics over plain facts of tickets (R81 to R85, R115 to R119).
//!
//! Everything is a count or a sum of whole seconds; rates are kept as fractions and written out last. Where
//! there was nothing to count a figure is "not measured", never 100 %.
//!
//! Absent on purpose: where the facts come from, and when a month is frozen.

mod facts;
mod figure;
mod rate;
mod report;

pub use facts::{Handling, Period, PromiseFact, Rating, RegulatorClass, TicketFacts, Word};
pub use figure::{Figure, Value};
pub use rate::{Mean, Rate};
pub use report::{Bases, PromiseCounts, Report, Share};

#[cfg(test)]
mod tests;
