//! From declarations to an inventory, or to every mistake in them.

use super::Inventory;
use super::declare::Declarations;

/// What can be wrong with a network as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MistakeKind {
    /// Two elements of one name.
    Duplicate,
    /// A name that nothing has, or that something of the wrong kind has.
    Dangling,
    /// Elements that depend on each other in a circle.
    Cycle,
    /// A value that cannot be meant.
    Value,
}

/// One mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What kind.
    pub kind: MistakeKind,
    /// Bytes of the file.
    pub span: std::ops::Range<usize>,
    /// What happened, why, what mends it.
    pub message: String,
}

impl Inventory {
    /// Checks and connects what was declared.
    ///
    /// # Errors
    /// Every mistake in the declarations, in the order of the file.
    pub fn build(_declarations: &Declarations) -> Result<Self, Vec<Mistake>> {
        Ok(Self::default())
    }
}
