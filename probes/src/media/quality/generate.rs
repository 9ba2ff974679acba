//! Streams with a known truth, for tests, benches and demonstrations; seeded, without ambient randomness.
