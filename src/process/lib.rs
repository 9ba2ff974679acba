//! The complaint-handling procedure, as far as it needs no database: R1 to R126 of mission.md where they decide,
//! compute or define.
//!
//! PURE: facts, tables and an instant come in; next questions, choices, amounts and pages go out. No clock, no
//! database, no file, no thread; tables come as text, with every mistake at its place.
//!
//! The map, in the order in which a complaint meets it:
//!
//! 1. [`tree`]: the decision trees as data, walked node by node, answered by measurements and people.
//! 2. [`level`]: how grave it is, who supervises, whether it is an escalated complaint.
//! 3. [`people`]: who is on duty, who gets it, to whom it goes next.
//! 4. [`compensation`]: what the customer is given, how it was computed, who may grant it.
//! 5. [`statistics`]: the month in exact counts, with its targets.
//! 6. [`form`]: the forms with every field, what is missing in one, and a page to print.

#[macro_use]
mod named;
pub mod compensation;
pub mod form;
pub mod level;
pub mod money;
pub mod people;
pub mod role;
pub mod statistics;
pub mod text;
pub mod tree;

pub use linesman_deadlines::Mistake;
pub use money::Money;
pub use role::Role;
pub use text::{Language, Text};
