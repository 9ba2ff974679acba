//! scratch
pub mod calendar;
pub mod mistake;
pub mod zone;
pub use mistake::Mistake;
pub use zone::Zone;
