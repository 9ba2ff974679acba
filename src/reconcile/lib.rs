//! Runs a reconciliation: opens files, spreads the work over threads within a bound of memory,
//! writes the reports. The thinking is in [`linesman_cdr`].
//!
//! The map, in the order in which bytes travel: a file is opened and its layout found (`source`), cut
//! into pieces (`feed`), parsed and grouped by partition on all threads (`read`, `runs`,
//! kept small (`pack`) in memory (`slab`) or in the `spill` as the `plan` allows), paired partition by partition
//! (`partition`), sifted by the `period` that was asked for, counted into [`sums`], and [`run()`] puts the steps in order.

pub mod book;
mod error;
mod feed;
pub mod job;
mod learning;
pub mod lines;
mod names;
mod pack;
mod partition;
mod period;
mod plan;
mod pool;
mod read;
pub mod report;
mod run;
mod runs;
mod slab;
pub mod source;
mod spill;
pub mod sums;
mod zones;

pub use error::{ReconcileError, zone_flag};
pub use job::{Finished, Input, InputFacts, Job, Progress, period};
pub use plan::LEAST_MEMORY;
pub use run::run;
pub use source::{Source, SourceError};
