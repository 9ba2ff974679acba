//! Chance from a seed: SplitMix64 (Steele, Lea, Flood 2014), whole numbers only, the same on every machine.

/// A row of chance.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The row of a seed and a place in it; rows of other places have nothing in common.
    pub fn of(seed: u64, place: u64) -> Self {
        let mut chance = Self(seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        chance.next();
        chance
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to `most`, not included; 0 when there is nothing to choose.
    pub fn below(&mut self, most: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(most)) >> 64).unwrap_or(0)
    }

    /// True for so many of a million.
    pub fn happens(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// An index by weight.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.below(weights.clone().map(u64::from).sum());
        for (at, weight) in weights.enumerate() {
            match left.checked_sub(u64::from(weight)) {
                Some(rest) => left = rest,
                None => return at,
            }
        }
        0
    }

    /// Spread like a bell around 0 with a deviation of 65,536 (twelve even ones summed).
    pub fn bell(&mut self) -> i64 {
        let sum: i64 = (0..12).map(|_| i64::try_from(self.next() >> 48).unwrap_or(0)).sum();
        sum - 6 * 65_536
    }
}
