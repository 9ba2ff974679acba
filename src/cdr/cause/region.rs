//! Regions: groups of calls of which a rule may explain all.

use std::collections::HashMap;

use super::leg::Keys;
use super::quick::Quick;
use crate::record::NO_NAME;

/// What calls have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Region {
    All,
    Row(crate::Number),
    Gateway(usize, u16),
    Account(usize, u16),
}

/// Regions that hold one call, at most.
const MOST: usize = 6;
/// No region.
const NOWHERE: u32 = u32::MAX;

impl Region {
    /// Whether it holds a call.
    pub fn holds(self, keys: &Keys) -> bool {
        match self {
            Self::All => true,
            Self::Row(prefix) => keys.row.is_some() && keys.prefix == prefix,
            Self::Gateway(side, name) => keys.gateways[side] == name,
            Self::Account(side, name) => keys.accounts[side] == name,
        }
    }
}

/// The regions that hold a call.
pub(super) fn regions(keys: &Keys) -> impl Iterator<Item = Region> {
    let named = |name: u16| (name != NO_NAME).then_some(name);
    let of_side = |side: usize| {
        [
            named(keys.gateways[side]).map(|name| Region::Gateway(side, name)),
            named(keys.accounts[side]).map(|name| Region::Account(side, name)),
        ]
    };
    let row = keys.row.is_some().then_some(Region::Row(keys.prefix));
    [Some(Region::All), row].into_iter().chain(of_side(0)).chain(of_side(1)).flatten()
}

/// The calls of a sample by region, for counting others among them: regions have small numbers here.
pub(super) struct Census {
    held: HashMap<usize, [u32; MOST], Quick>,
    all: Vec<u32>,
    /// Nothing but while counting.
    counted: Vec<u32>,
}

impl Census {
    /// Of calls by their place.
    pub fn new<'k>(calls: impl Iterator<Item = (usize, &'k Keys)>) -> Self {
        let mut numbers: HashMap<Region, u32, Quick> = HashMap::default();
        let (mut held, mut all) = (HashMap::<_, _, Quick>::default(), Vec::new());
        for (place, keys) in calls {
            let mut own = [NOWHERE; MOST];
            for (slot, region) in own.iter_mut().zip(regions(keys)) {
                *slot = *numbers.entry(region).or_insert_with(|| {
                    all.push(0);
                    u32::try_from(all.len() - 1).unwrap_or(NOWHERE)
                });
                all[*slot as usize] += 1;
            }
            held.insert(place, own);
        }
        Self { held, counted: vec![0; all.len()], all }
    }

    /// The most of some calls of the sample in a region that holds hardly another.
    pub fn purest(&mut self, places: &[usize]) -> usize {
        let held = &self.held;
        let regions = || places.iter().filter_map(|place| held.get(place)).flatten();
        let numbers = || regions().filter(|number| **number != NOWHERE).map(|number| *number as usize);
        numbers().for_each(|number| self.counted[number] += 1);
        let mut most = 0;
        for number in numbers() {
            let count = std::mem::take(&mut self.counted[number]);
            if u64::from(count) * 10 >= u64::from(self.all[number]) * 9 {
                most = most.max(count);
            }
        }
        most as usize
    }
}

/// Evenly every so many-th.
pub(super) fn thinned(places: &[usize], most: usize) -> Vec<usize> {
    let step = places.len().div_ceil(most.max(1)).max(1);
    places.iter().step_by(step).copied().collect()
}
