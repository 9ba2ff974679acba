//! Places of the sequence whose fate is known: lost, late for which buffer, in which window.

use super::super::burst::BurstTracker;
use super::super::playout::{ALL_IN_TIME, BUFFERS};
use super::segment::{RECEIVED, WINDOW_SHIFT};

/// Losses as one buffer hears them: lost on the way or late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    pub(super) bad: u32,
    pub(super) runs: u32,
}

/// Sums over places, for a window or for the whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) expected: u32,
    pub(super) lost: u32,
    pub(super) runs: u32,
    pub(super) heard: [Heard; BUFFERS],
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        self.expected = self.expected.saturating_add(other.expected);
        self.lost = self.lost.saturating_add(other.lost);
        self.runs = self.runs.saturating_add(other.runs);
        for (mine, theirs) in self.heard.iter_mut().zip(&other.heard) {
            mine.bad = mine.bad.saturating_add(theirs.bad);
            mine.runs = mine.runs.saturating_add(theirs.runs);
        }
    }
}

/// The account of settled places; two windows are open at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled {
    pub(super) bursts: BurstTracker,
    pub(super) windows: [Sums; 2],
    /// Bits of what was bad at the place before, to count runs.
    bad_before: u8,
    bad_before_in: u8,
}

const EVERYTHING: u8 = RECEIVED | ALL_IN_TIME << 1;

impl Settled {
    /// The next place's bits.
    #[inline]
    pub(super) fn place(&mut self, bits: u8) {
        let window = &mut self.windows[usize::from(bits >> WINDOW_SHIFT & 1)];
        window.expected += 1;
        let bad = !bits & EVERYTHING;
        if bad & RECEIVED == 0 {
            self.bursts.received(1);
        }
        if bad == 0 {
            self.bad_before = 0;
            return;
        }
        self.bad_place(bad, usize::from(bits >> WINDOW_SHIFT & 1), 1);
    }

    /// The next `count` places of this window were lost.
    pub(super) fn lost(&mut self, window: u8, count: u64) {
        let window = usize::from(window & 1);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.windows[window].expected = self.windows[window].expected.saturating_add(count);
        self.bad_place(EVERYTHING, window, count);
    }

    fn bad_place(&mut self, bad: u8, window: usize, count: u32) {
        // A run that crosses into the next window is a run of both.
        let same_window = usize::from(self.bad_before_in) == window;
        let begins = if same_window { bad & !self.bad_before } else { bad };
        self.bad_before = bad;
        self.bad_before_in = window as u8;
        let sums = &mut self.windows[window];
        if bad & RECEIVED != 0 {
            self.bursts.lost(u64::from(count));
            sums.lost = sums.lost.saturating_add(count);
            sums.runs += u32::from(begins & RECEIVED != 0);
        }
        for (index, heard) in sums.heard.iter_mut().enumerate() {
            let bit = 2 << index;
            if bad & bit != 0 {
                heard.bad = heard.bad.saturating_add(count);
                heard.runs += u32::from(begins & bit != 0);
            }
        }
    }
}
