//! Whose voice it is, and which landing trunk spoils it.
//!
//! PURE: no socket, no clock, no database. In the order in which a window of ten seconds passes:
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`place`] | from addresses, signalling and the inventory to trunk, gateway, customer and direction |
//! | [`billed`] | a kept call as the comparison with call records takes it |
//! | [`book`] | what was heard of the calls of each trunk of late |
//! | [`cohort`] | many bad calls on one trunk, good ones elsewhere: the trunk's trouble; one bad call: nobody's |
//! | [`call`] | a call as it is kept: its streams, their windows, what is wrong with it |
//! | [`passage`] | what of a call was lost before our server, in it and behind it, and whose part that is |
//! | [`test_call`] | calls of our own, as voice that was heard |
//! | [`told`] | what endpoints say of streams: their word, apart from what was measured |
//!
//! What counts against a trunk is what was missing on the way *from* it to us; what was missing on the way to it was
//! lost on our side of the capture. A window in which our own measuring failed counts for and against nobody.

pub mod billed;
pub mod book;
pub mod call;
pub mod cohort;
pub mod passage;
pub mod place;
pub mod test_call;
pub mod told;

pub use book::{Book, Heard};
pub use cohort::{Cohort, Limits, TheirWord, TrunkVoice, WorstCall};
pub use place::{Atlas, Direction, Ends, Place};

/// Below this a MOS is bad whatever is assumed of what is not known (G.109: many dissatisfied).
pub const POOR_MOS: f64 = 3.6;
