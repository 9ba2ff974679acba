//! The forms of R38 to R47.

mod id;

pub use id::FormId;
