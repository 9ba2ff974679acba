//! Memory for millions of packed records, asked of the system a stretch at a time: a page that is brought only when
//! it is first written to costs more than the records on it.

use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

/// What mappings are multiples of, on the usual processors.
const PAGE: usize = 4 << 10;
/// Most of one stretch. Only what is written of it takes memory.
const LONGEST: usize = 64 << 20;

/// Where records stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    slab: usize,
    from: usize,
    bytes: usize,
}

struct Slab {
    number: usize,
    map: MmapMut,
    /// Bytes that are taken.
    used: usize,
}

impl Slab {
    fn new(number: usize, bytes: usize) -> Option<Self> {
        let map = MmapMut::map_anon(bytes).ok()?;
        Some(Self { number, map, used: 0 })
    }

    /// Has the system bring the pages of a stretch in one go, which costs about two thirds of having each brought
    /// when it is first written to. (Large pages were tried: in a virtual machine they cost between a third and
    /// twice as much, by what memory they happened to get.)
    fn populate(&self, from: usize, bytes: usize) {
        #[cfg(target_os = "linux")]
        {
            let first = from / PAGE * PAGE;
            // Where the system does not know how, pages come one by one.
            let length = from + bytes - first;
            self.map.advise_range(memmap2::Advice::PopulateWrite, first, length).unwrap_or_default();
        }
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.map.len() - self.used >= bytes
    }
}

/// Slabs in the making, filled by all threads.
pub(crate) struct Slabs {
    size: usize,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    count: usize,
    /// Those that no thread writes to now.
    idle: Vec<Slab>,
    full: Vec<Slab>,
}

impl Slabs {
    /// For about so many bytes of records.
    pub(crate) fn new(expected: u64) -> Self {
        let size = usize::try_from(expected).unwrap_or(LONGEST).clamp(PAGE, LONGEST);
        Self { size, made: Mutex::default() }
    }

    /// Has so many bytes written; `None` when the system gives no memory for them.
    pub(crate) fn add(&self, bytes: usize, write: impl FnOnce(&mut [u8])) -> Option<Stretch> {
        let mut slab = self.with_room(bytes)?;
        let from = slab.used;
        slab.populate(from, bytes);
        write(&mut slab.map[from..from + bytes]);
        slab.used += bytes;
        let stretch = Stretch { slab: slab.number, from, bytes };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).idle.push(slab);
        Some(stretch)
    }

    fn with_room(&self, bytes: usize) -> Option<Slab> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(slab) = made.idle.pop() {
            if slab.has_room(bytes) {
                return Some(slab);
            }
            made.full.push(slab);
        }
        let slab = Slab::new(made.count, bytes.max(self.size).next_multiple_of(PAGE))?;
        made.count += 1;
        Some(slab)
    }

    /// No more comes.
    pub(crate) fn finish(self) -> Filled {
        let Made { idle, mut full, .. } = self.made.into_inner().unwrap_or_else(PoisonError::into_inner);
        full.extend(idle);
        full.sort_unstable_by_key(|slab| slab.number);
        Filled(full)
    }
}

/// Slabs that are only read.
pub(crate) struct Filled(Vec<Slab>);

impl Filled {
    /// The bytes of a stretch of these slabs.
    #[inline]
    pub(crate) fn bytes(&self, stretch: &Stretch) -> &[u8] {
        &self.0[stretch.slab].map[stretch.from..stretch.from + stretch.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_keep_what_was_written_though_they_outgrow_a_slab() {
        let slabs = Slabs::new(1);
        let stretches: Vec<Stretch> = (1..200_u8)
            .map(|count| slabs.add(100 * usize::from(count), |bytes| bytes.fill(count)).unwrap())
            .collect();
        let filled = slabs.finish();
        assert!(filled.0.len() > 1);
        for (count, stretch) in (1..200_u8).zip(&stretches) {
            let bytes = filled.bytes(stretch);
            assert_eq!(bytes.len(), 100 * usize::from(count));
            assert!(bytes.iter().all(|byte| *byte == count));
        }
    }
}
