//! Stretches of ten seconds: when each begins, when it is certain, what it sums.

use std::collections::VecDeque;

use super::settled::{Settled, Sums};

/// A window waits this long after its end for packets that overtook each other.
const GRACE_NS: i64 = 1_000_000_000;
/// A day of windows; a caller that never drains loses the oldest.
const KEPT: usize = 8640;

/// What a window knows while packets still arrive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arrived {
    pub(super) start_ns: i64,
    pub(super) unique: u32,
    pub(super) jitter_max_ms: Option<f32>,
    /// Bits of the audio formats in it.
    pub(super) audio: u8,
    parity: u8,
}

/// A window that is over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) arrived: Arrived,
    pub(super) sums: Sums,
}

/// The windows of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows {
    length_ns: i64,
    running: Arrived,
    waiting: Option<Arrived>,
    pub(super) closed: VecDeque<Window>,
    /// How many were ever closed and kept.
    pub(super) closed_ever: u64,
    /// Sums of all closed windows, drained or not.
    pub(super) closed_sums: Sums,
    look_again_ns: i64,
}

impl Windows {
    pub(super) fn begin(&mut self, at_ns: i64, length_ns: i64) {
        self.length_ns = length_ns.max(GRACE_NS * 2);
        self.running.start_ns = at_ns;
        self.look_again_ns = at_ns.saturating_add(self.length_ns);
    }

    /// When [`Windows::begin_next`] has something to do.
    #[inline]
    pub(super) fn look_again_ns(&self) -> i64 {
        self.look_again_ns
    }

    /// Which of the two open sums is the running window's.
    #[inline]
    pub(super) fn running(&self) -> u8 {
        self.running.parity
    }

    #[inline]
    pub(super) fn jitter(&mut self, jitter_ms: f64) {
        let jitter = jitter_ms as f32;
        if self.running.jitter_max_ms.is_none_or(|most| jitter > most) {
            self.running.jitter_max_ms = Some(jitter);
        }
    }

    #[inline]
    pub(super) fn unique(&mut self, audio: u8) {
        self.running.unique += 1;
        self.running.audio |= audio;
    }

    pub(super) fn waits_for_latecomers(&self) -> bool {
        self.waiting.is_some()
    }

    /// Closes the window that waited; its places are settled by now.
    pub(super) fn close_waiting(&mut self, settled: &mut Settled) {
        let Some(waiting) = self.waiting.take() else { return };
        self.keep(waiting, settled);
        self.look_again_ns = self.running.start_ns.saturating_add(self.length_ns);
    }

    fn keep(&mut self, arrived: Arrived, settled: &mut Settled) {
        let sums = std::mem::take(&mut settled.windows[usize::from(arrived.parity)]);
        self.closed_sums.add(&sums);
        if sums.expected == 0 {
            return;
        }
        if self.closed.len() < 4 {
            // Most streams have few windows and there are many streams.
            self.closed.reserve_exact(1);
        }
        if self.closed.len() >= KEPT {
            self.closed.pop_front();
        }
        self.closed.push_back(Window { arrived, sums });
        self.closed_ever += 1;
    }

    /// Begins the window that `now` lies in, if the running one is over; it then waits for its latecomers.
    pub(super) fn begin_next(&mut self, now_ns: i64) -> bool {
        let passed = now_ns.saturating_sub(self.running.start_ns) / self.length_ns;
        if passed < 1 {
            return false;
        }
        let start_ns = self.running.start_ns.saturating_add(passed.saturating_mul(self.length_ns));
        let next = Arrived { start_ns, parity: self.running.parity ^ 1, ..Arrived::default() };
        self.waiting = Some(std::mem::replace(&mut self.running, next));
        self.look_again_ns = start_ns.saturating_add(GRACE_NS);
        true
    }

    /// Closes everything: the stream is over and all its places are settled.
    pub(super) fn close_all(&mut self, settled: &mut Settled) {
        self.close_waiting(settled);
        self.keep(self.running, settled);
    }
}
