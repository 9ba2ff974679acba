//! Regions: groups of calls of which a rule may explain all.

use super::leg::Keys;
use crate::record::NO_NAME;

/// What calls have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Region {
    All,
    Row(crate::Number),
    Gateway(usize, u16),
    Account(usize, u16),
}

pub(super) fn regions(keys: &Keys) -> Vec<Region> {
    let mut all = vec![Region::All];
    if keys.row.is_some() {
        all.push(Region::Row(keys.prefix));
    }
    for side in 0..2 {
        if keys.gateways[side] != NO_NAME {
            all.push(Region::Gateway(side, keys.gateways[side]));
        }
        if keys.accounts[side] != NO_NAME {
            all.push(Region::Account(side, keys.accounts[side]));
        }
    }
    all
}

/// Evenly every so many-th.
pub(super) fn thinned(places: &[usize], most: usize) -> Vec<usize> {
    let step = places.len().div_ceil(most.max(1)).max(1);
    places.iter().step_by(step).copied().collect()
}
