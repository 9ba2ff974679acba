//! scratch
pub mod calendar;
pub mod clock;
pub mod due;
pub mod mistake;
pub mod policy;
pub mod zone;
pub use due::{Due, DueError, Interval, Span, due};
pub use mistake::Mistake;
pub use zone::Zone;
