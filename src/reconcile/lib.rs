//! Runs a reconciliation: opens files, spreads the work over threads within a bound of memory,
//! writes the reports. The thinking is in [`linesman_cdr`].

pub mod job;
pub mod source;

pub use job::{Finished, Input, InputFacts, Job, Progress};
pub use source::{Source, SourceError};
