//! Where a packet belongs in its stream: the running segment, an earlier one, or a new beginning.
//!
//! RFC 3550 appendix A.1 with two changes that a monitor needs: the packets of probation count, and a new beginning
//! opens a segment whose sums are added instead of starting the account at zero.

use super::super::playout::ALL_IN_TIME;
use super::segment::{Arrived, MAX_MISORDER, Place, Segment};
use super::settled::Settled;

/// Where a packet went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    /// Ahead in the running segment by this many places; 1 is in order.
    Ahead(i64),
    /// Behind in the running segment; open while a buffer may have waited.
    Behind {
        /// How far.
        behind: i64,
        /// Its place was still open.
        open: bool,
    },
    /// Seen before.
    Copy,
    /// Fits an earlier segment that still lives.
    Earlier,
    /// Fits nothing yet.
    Unplaced,
    /// Confirms a new beginning; the packet before it is entered too.
    Restart {
        /// Distance of this packet from the segment's highest: 0 when it is the highest itself.
        behind: i64,
    },
}

/// An earlier segment takes latecomers for this long after its last packet.
const EARLIER_LIVES_NS: i64 = 2_000_000_000;

/// The segments of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Sequence {
    pub(super) running: Option<Segment>,
    earlier: Option<Box<Segment>>,
    /// A packet after a jump, waiting for the next to confirm it.
    candidate: Option<Arrived>,
    /// Sums of segments that are over.
    past_unique: u64,
    past_expected: u64,
    pub(super) segments: u64,
    pub(super) strays: u64,
    pub(super) interleaved: u64,
}

impl Sequence {
    /// Unique and expected packets over all segments.
    pub(super) fn unique_and_expected(&self) -> (u64, u64) {
        let living = self.running.iter().chain(self.earlier.as_deref());
        living.fold((self.past_unique, self.past_expected), |(unique, expected), segment| {
            (unique + segment.unique, expected + segment.expected())
        })
    }

    /// A packet that nothing confirmed yet is a stray for now.
    pub(super) fn strays(&self) -> u64 {
        self.strays + u64::from(self.candidate.is_some())
    }

    /// Enters a packet into the window 0 or 1.
    #[inline]
    pub(super) fn enter(&mut self, arrived: Arrived, window: u8, settled: &mut Settled) -> Entered {
        let Some(running) = &mut self.running else {
            let mut first = Segment::begin(&arrived);
            first.enter_ahead(1, window, settled);
            self.running = Some(first);
            self.segments = 1;
            return Entered::Ahead(1);
        };
        let distance = running.distance(arrived.sequence);
        match running.locate(distance, || arrived.clocks_from(running)) {
            Place::Ahead(places) => {
                running.enter_ahead(places, window, settled);
                running.note_highest(&arrived);
                Entered::Ahead(places)
            }
            Place::Behind(behind) => {
                let open = running.enter_behind(behind, window);
                Entered::Behind { behind, open }
            }
            Place::Copy => Entered::Copy,
            Place::Elsewhere => self.enter_elsewhere(arrived, window, settled),
        }
    }

    #[cold]
    fn enter_elsewhere(&mut self, arrived: Arrived, window: u8, settled: &mut Settled) -> Entered {
        if let Some(before) = self.candidate {
            if arrived.sequence == before.sequence && arrived.timestamp == before.timestamp {
                return Entered::Copy;
            }
            if let Some(apart) = arrived.confirms(&before) {
                return self.begin_anew(before, arrived, apart, window, settled);
            }
        }
        if let Some(entered) = self.enter_earlier(arrived, window, settled) {
            return entered;
        }
        if self.candidate.replace(arrived).is_some() {
            self.strays += 1;
        }
        Entered::Unplaced
    }

    /// An earlier segment takes a latecomer, or goes on beside the running one: two senders with one SSRC.
    fn enter_earlier(&mut self, arrived: Arrived, window: u8, settled: &mut Settled) -> Option<Entered> {
        let earlier = self.earlier.as_deref_mut()?;
        let distance = earlier.distance(arrived.sequence);
        if distance.abs() >= MAX_MISORDER || arrived.clocks_from(earlier).far_off(distance) {
            return None;
        }
        let entered = match earlier.locate(distance, || arrived.clocks_from(earlier)) {
            Place::Ahead(places) => {
                earlier.enter_ahead(places, window, settled);
                earlier.note_highest(&arrived);
                earlier.mark(0, ALL_IN_TIME);
                self.interleaved += 1;
                Entered::Earlier
            }
            Place::Behind(behind) => {
                if earlier.enter_behind(behind, window) {
                    earlier.mark(behind, ALL_IN_TIME);
                }
                Entered::Earlier
            }
            Place::Copy => Entered::Copy,
            Place::Elsewhere => return None,
        };
        Some(entered)
    }

    fn begin_anew(
        &mut self,
        before: Arrived,
        arrived: Arrived,
        apart: i64,
        window: u8,
        settled: &mut Settled,
    ) -> Entered {
        self.candidate = None;
        self.retire_earlier(settled);
        let mut segment = Segment::begin(&before);
        segment.enter_ahead(1, window, settled);
        segment.mark(0, ALL_IN_TIME);
        let behind = if apart > 0 {
            segment.enter_ahead(apart, window, settled);
            segment.note_highest(&arrived);
            0
        } else {
            let behind = -apart;
            segment.enter_behind(behind, window);
            behind
        };
        self.earlier = self.running.replace(segment).map(Box::new);
        self.segments += 1;
        Entered::Restart { behind }
    }

    /// Closes the account of the earlier segment.
    pub(super) fn retire_earlier(&mut self, settled: &mut Settled) {
        if let Some(mut earlier) = self.earlier.take() {
            earlier.settle(earlier.highest, settled);
            self.past_unique += earlier.unique;
            self.past_expected += earlier.expected();
        }
    }

    /// Closes the account of an earlier segment that has been quiet.
    #[inline]
    pub(super) fn retire_if_quiet(&mut self, now_ns: i64, settled: &mut Settled) {
        if let Some(earlier) = &self.earlier
            && now_ns.saturating_sub(earlier.highest_at_ns) > EARLIER_LIVES_NS
        {
            self.retire_earlier(settled);
        }
    }

    /// Decides the open places of an earlier segment, which belong to a window that now closes.
    pub(super) fn settle_earlier(&mut self, settled: &mut Settled) {
        if let Some(earlier) = &mut self.earlier {
            earlier.settle(earlier.highest, settled);
        }
    }

    /// Decides every open place: the stream is over.
    pub(super) fn settle_all(&mut self, settled: &mut Settled) {
        self.retire_earlier(settled);
        if let Some(running) = &mut self.running {
            running.settle(running.highest, settled);
        }
    }
}
