//! [`Found`]: a cause with its parameters and the calls that it is bound to.

use super::deviation::{Deviation, Pricer};
use super::ledger::LedgerContext;
use super::leg::Keys;
use crate::number::Number;
use crate::outcome::{CauseKind, Fault, Selector};
use crate::record::Side;

/// Calls that a cause is bound to; every given part must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pick {
    /// Prefix of the deck's row.
    pub row_prefix: Option<Number>,
    /// First digits of the called number, where they are no row's prefix.
    pub prefix: Option<Number>,
    /// By index into [`Destinations`].
    pub destination: Option<u32>,
    /// Whose names, and which.
    pub gateway: Option<(u8, u16)>,
    /// Whose names, and which.
    pub account: Option<(u8, u16)>,
    /// From and to, both included, in milliseconds.
    pub window: Option<[i64; 2]>,
}

impl Pick {
    /// Whether a call is among them.
    pub fn includes(&self, keys: &Keys, destinations: &Destinations) -> bool {
        self.row_prefix.is_none_or(|prefix| keys.prefix == prefix)
            && self.prefix.is_none_or(|prefix| begins(keys.callee, prefix))
            && self.destination.is_none_or(|at| destinations.of(keys.row) == Some(at))
            && self.gateway.is_none_or(|(side, at)| keys.gateways[side as usize] == at)
            && self.account.is_none_or(|(side, at)| keys.accounts[side as usize] == at)
            && self.window.is_none_or(|[from, to]| from <= keys.at_ms && keys.at_ms <= to)
    }

    /// How much it says.
    pub fn parts(&self) -> usize {
        usize::from(self.row_prefix.is_some() || self.prefix.is_some())
            + usize::from(self.destination.is_some())
            + usize::from(self.gateway.is_some())
            + usize::from(self.account.is_some())
            + usize::from(self.window.is_some())
    }

    /// Both together; `None` when they are about the same key.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            row_prefix: self.row_prefix.or(other.row_prefix),
            prefix: self.prefix.or(other.prefix),
            destination: self.destination.or(other.destination),
            gateway: self.gateway.or(other.gateway),
            account: self.account.or(other.account),
            window: self.window.or(other.window),
        };
        (both.parts() == self.parts() + other.parts()).then_some(both)
    }

    /// As people read it.
    pub fn selector(&self, context: &LedgerContext<'_>, destinations: &Destinations) -> Selector {
        let name = |names: &[String], at: u16| names.get(usize::from(at)).cloned().unwrap_or_default();
        Selector {
            prefix: self.prefix.or(self.row_prefix).map(|prefix| prefix.to_string()),
            gateway: self.gateway.map(|(side, at)| name(&context.names[side as usize].gateways, at)),
            account: self.account.map(|(side, at)| name(&context.names[side as usize].accounts, at)),
            destination: self.destination.and_then(|at| destinations.names.get(at as usize).cloned()),
        }
    }
}

/// Whether a number begins with digits.
pub(super) fn begins(number: Number, prefix: Number) -> bool {
    match prefix.digits() {
        Some((value, digits)) => number.head(digits) == Some(value),
        None => false,
    }
}

/// Names of the deck's destinations.
#[derive(Debug, Clone, Default)]
pub(super) struct Destinations {
    pub names: Vec<String>,
    of_row: Vec<u32>,
}

impl Destinations {
    pub fn new(pricer: &Pricer<'_>) -> Self {
        let mut index = std::collections::HashMap::new();
        let mut all = Self::default();
        for row in &pricer.rater.deck().rows {
            let next = u32::try_from(all.names.len()).unwrap_or(u32::MAX);
            let Some(name) = &row.destination else {
                all.of_row.push(u32::MAX);
                continue;
            };
            let at = *index.entry(name.clone()).or_insert_with(|| {
                all.names.push(name.clone());
                next
            });
            all.of_row.push(at);
        }
        all
    }

    pub fn of(&self, row: Option<u32>) -> Option<u32> {
        self.of_row.get(row? as usize).copied().filter(|at| *at != u32::MAX)
    }
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub kind: CauseKind,
    pub at_fault: Fault,
    /// Whose records show it; none: either's.
    pub side: Option<Side>,
    pub deviation: Deviation,
    pub pick: Pick,
    /// It does not hold on each of the picked calls, only where it explains them.
    pub optional: bool,
}

impl Found {
    pub fn on(side: Side, deviation: Deviation, kind: CauseKind, pick: Pick) -> Self {
        Self { kind, at_fault: side.into(), side: Some(side), deviation, pick, optional: false }
    }
}
