//! Where each key of a declaration stands: turns a mistake of the inventory into one of the file.

use std::collections::HashMap;

use super::mistake::At;
use crate::inventory::{Field, Mistake};

/// Places of keys by the first byte of their declaration's span.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<(usize, Field), At>);

impl Places {
    /// Notes where the keys of one declaration stand.
    pub(super) fn note(&mut self, declaration: usize, keys: Vec<(Field, At)>) {
        self.0.extend(keys.into_iter().map(|(field, at)| ((declaration, field), at)));
    }

    /// The nearest known place of a mistake.
    pub(super) fn of(&self, mistake: &Mistake) -> At {
        let start = mistake.span.start;
        let exact = mistake.field.and_then(|field| self.0.get(&(start, field)));
        exact.cloned().unwrap_or_else(|| At::Bytes(mistake.span.clone()))
    }
}
