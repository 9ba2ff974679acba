//! Calls as their signalling tells them: dialogs, the hops they pass, and which address is whose media.
//!
//! A *dialog* is everything with one Call-ID. Each hop of its signalling (phone to proxy, proxy to gateway)
//! is a *leg* with a caller's and a callee's side, because a proxy with a media relay rewrites the session
//! description on each hop. [`join`] makes one call of the dialogs that a back-to-back user agent ties together.

mod book;
mod dialog;
pub mod join;
mod table;
#[cfg(test)]
mod tests;

pub use book::{Attribution, Book, By};
pub use dialog::{Described, Dialog, Leg, State};
pub use table::Calls;

/// Who of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who sent the first INVITE of this leg.
    Caller,
    /// Who was invited.
    Callee,
}

impl Side {
    /// The one at the other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }

    /// As a place in a pair: caller first.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Caller => 0,
            Self::Callee => 1,
        }
    }
}

/// A leg by the place of its dialog and its own within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegRef {
    /// Which dialog.
    pub dialog: u32,
    /// Which of its legs.
    pub leg: u8,
}
