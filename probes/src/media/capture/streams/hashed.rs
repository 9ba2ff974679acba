//! [`Hashed`]: a stream's key with its hash, which is worked out once a packet for all tables.

use std::hash::{BuildHasher, Hash, Hasher};

use super::StreamKey;

/// A key and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hashed {
    hash: u64,
    pub(super) key: StreamKey,
}

/// Hashes keys, other ones in every process: nobody can know which collide.
#[derive(Debug, Default)]
pub(super) struct KeyHasher(foldhash::fast::RandomState);

impl KeyHasher {
    #[inline]
    pub(super) fn hashed(&self, key: StreamKey) -> Hashed {
        Hashed { hash: self.0.hash_one(key), key }
    }
}

impl Hashed {
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }
}

impl Hash for Hashed {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Takes the hash that a key brings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AsHashed(u64);

impl BuildHasher for AsHashed {
    type Hasher = Self;

    #[inline]
    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for AsHashed {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
