//! Announced work: what is broken inside its window is told of afterwards, if it is still broken then.
//!
//! PURE: windows, what they cover, and which faults they withhold from the tickets. A window covers the
//! elements that it names and all that depend on them. Measuring goes on inside it, complaints are taken,
//! tickets that were open before go on, and what ends is let through; only new trouble waits. What outlives
//! its window is let through with the time at which it really began, and says so (R99; U16: survivors must
//! fire at the end, the work on a parent covers its children).
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`window`] | a window, its phases, what people may change |
//! | [`mod@withhold`] | which faults wait, which have outlived their window |

pub mod window;
pub mod withhold;

pub use window::{Change, NewWindow, Phase, Unfit, Window};
pub use withhold::{Withheld, covered, withhold};

#[cfg(test)]
mod tests;
