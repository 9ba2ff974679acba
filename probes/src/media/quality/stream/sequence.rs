//! Where a packet belongs in its stream: extended sequence numbers, copies, latecomers, and new beginnings.
//!
//! RFC 3550 appendix A.1 with three changes that a monitor needs: the packets of probation count; a new beginning
//! opens a segment whose sums are added, instead of starting the account at zero; and whether a jump is loss or a
//! new beginning is decided by timestamp and arrival time as well, since real loss moves all three alike.

use super::super::playout::ALL_IN_TIME;
use super::settled::Settled;

/// Places behind the highest that a packet may fill before its place is taken for good; then it is `late`.
pub(super) const OPEN_PLACES: i64 = 128;
/// Places behind the highest for which it is known whether they were seen.
const REMEMBERED: i64 = 1024;
/// RFC 3550 appendix A.1.
const MAX_DROPOUT: i64 = 3000;
const MAX_MISORDER: i64 = 100;
/// A shorter jump is loss whatever the clocks say.
const JUMP_IN_DOUBT: i64 = 16;
/// Two packets after a jump may be apart by this much and still confirm each other.
const CONFIRMING: i16 = 3;

/// Bits of a place that is still open: received, in time for each buffer, and the window it belongs to.
pub(super) const RECEIVED: u8 = 1;
pub(super) const WINDOW_SHIFT: u32 = 5;

/// Where a place lies in the ring of open ones; the ring's size is a power of two.
#[inline]
fn slot(place: i64) -> usize {
    (place & (OPEN_PLACES - 1)) as usize
}

/// What the clocks say about a packet, measured from the segment's highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    /// Timestamp difference in packets, where packet time is known.
    pub(super) by_timestamp: Option<f64>,
    /// Arrival difference in packets, where packet time is known.
    pub(super) by_arrival: Option<f64>,
    /// A tenth of a second in packets.
    pub(super) slack: f64,
}

/// How fast the stream runs, where known, and the packet that is to be placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrived {
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) at_ns: i64,
    pub(super) packet_ticks: Option<u32>,
    pub(super) clock_rate: u32,
}

impl Arrived {
    /// Compares this packet with an earlier one by timestamp and arrival.
    fn clocks(&self, timestamp: u32, at_ns: i64) -> Clocks {
        let Some(ticks) = self.packet_ticks.filter(|_| self.clock_rate > 0) else {
            return Clocks { by_timestamp: None, by_arrival: None, slack: 0.0 };
        };
        let (ticks, rate) = (f64::from(ticks), f64::from(self.clock_rate));
        let media = f64::from(self.timestamp.wrapping_sub(timestamp).cast_signed());
        let arrival_s = self.at_ns.saturating_sub(at_ns) as f64 * 1e-9;
        Clocks {
            by_timestamp: Some(media / ticks),
            by_arrival: Some(arrival_s * rate / ticks),
            slack: rate / 10.0 / ticks,
        }
    }

    fn clocks_from(&self, segment: &Segment) -> Clocks {
        self.clocks(segment.highest_timestamp, segment.highest_at_ns)
    }

    /// Two packets in a row after a jump belong together: close in sequence, or apart as their timestamps say.
    fn confirms(&self, before: &Self) -> Option<i64> {
        let apart = self.sequence.wrapping_sub(before.sequence).cast_signed();
        if apart == 0 {
            return None;
        }
        let close = (-CONFIRMING..=CONFIRMING).contains(&apart);
        let apart = i64::from(apart);
        let in_step = apart.abs() < MAX_MISORDER
            && self
                .clocks(before.timestamp, before.at_ns)
                .by_timestamp
                .is_some_and(|packets| (packets - apart as f64).abs() < 0.5);
        (close || in_step).then_some(apart)
    }
}

impl Clocks {
    fn timestamp_agrees(&self, places: i64) -> Option<bool> {
        let places = places as f64;
        self.by_timestamp.map(|packets| (packets - places).abs() <= 0.5 * places.abs() + self.slack)
    }

    fn arrival_agrees(&self, places: i64) -> bool {
        self.by_arrival.is_some_and(|packets| packets >= 0.5 * places as f64)
    }

    /// The timestamp is more than ten seconds from where the sequence number would have it.
    fn far_off(&self, places: i64) -> bool {
        self.by_timestamp.is_some_and(|packets| (packets - places as f64).abs() > 100.0 * self.slack)
    }
}

/// Where a packet belongs within a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// This many places ahead of the highest.
    Ahead(i64),
    /// This far behind the highest and not seen before.
    Behind(i64),
    /// Seen before.
    Copy,
    /// Too late to know whether it was seen, or implausible.
    Elsewhere,
}

/// One run of sequence numbers without a new beginning.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    base: i64,
    pub(super) highest: i64,
    /// Arrival and timestamp of the highest.
    pub(super) highest_at_ns: i64,
    pub(super) highest_timestamp: u32,
    pub(super) unique: u64,
    /// First place that is still open.
    first_open: i64,
    /// Highest place when the running window began.
    window_boundary: i64,
    seen: [u64; (REMEMBERED / 64) as usize],
    open: [u8; OPEN_PLACES as usize],
}

impl Segment {
    /// A segment that begins with this packet, which is yet to be entered.
    fn begin(arrived: &Arrived) -> Self {
        // Room below for packets that overtook each other at the beginning.
        let first = i64::from(arrived.sequence) + 65_536;
        Self {
            base: first,
            highest: first - 1,
            highest_at_ns: arrived.at_ns,
            highest_timestamp: arrived.timestamp,
            unique: 0,
            first_open: first,
            window_boundary: first - 1,
            seen: [0; (REMEMBERED / 64) as usize],
            open: [0; OPEN_PLACES as usize],
        }
    }

    fn note_highest(&mut self, arrived: &Arrived) {
        self.highest_at_ns = arrived.at_ns;
        self.highest_timestamp = arrived.timestamp;
    }

    /// Sequence numbers due so far.
    pub(super) fn expected(&self) -> u64 {
        u64::try_from(self.highest + 1 - self.base).unwrap_or(0)
    }

    /// Signed distance from the highest.
    pub(super) fn distance(&self, sequence: u16) -> i64 {
        i64::from(sequence.wrapping_sub(self.highest as u16).cast_signed())
    }

    /// Where a packet at this distance belongs.
    #[inline]
    pub(super) fn locate(&self, distance: i64, clocks: impl FnOnce() -> Clocks) -> Place {
        if distance == 1 {
            return Place::Ahead(1);
        }
        let clocks = clocks();
        if distance > 0 {
            let believed = if distance < JUMP_IN_DOUBT {
                true
            } else if distance < MAX_DROPOUT {
                clocks.timestamp_agrees(distance).unwrap_or(true) || clocks.arrival_agrees(distance)
            } else {
                clocks.timestamp_agrees(distance) == Some(true) && clocks.arrival_agrees(distance)
            };
            return if believed { Place::Ahead(distance) } else { Place::Elsewhere };
        }
        let behind = -distance;
        let believed = if behind < MAX_MISORDER {
            !clocks.far_off(distance)
        } else {
            behind < REMEMBERED && clocks.timestamp_agrees(distance) == Some(true)
        };
        let place = self.highest - behind;
        if !believed {
            Place::Elsewhere
        } else if place >= self.base {
            if self.was_seen(place) { Place::Copy } else { Place::Behind(behind) }
        } else if self.first_open == self.base && behind < OPEN_PLACES {
            Place::Behind(behind)
        } else {
            Place::Elsewhere
        }
    }

    fn was_seen(&self, place: i64) -> bool {
        let slot = (place & (REMEMBERED - 1)) as usize;
        self.seen[slot / 64] & (1 << (slot % 64)) != 0
    }

    fn note_seen(&mut self, place: i64, seen: bool) {
        let slot = (place & (REMEMBERED - 1)) as usize;
        let bit = 1 << (slot % 64);
        if seen {
            self.seen[slot / 64] |= bit;
        } else {
            self.seen[slot / 64] &= !bit;
        }
    }

    /// Enters a packet ahead of the highest; what lies between is open, lost for now. `window` is 0 or 1.
    #[inline]
    pub(super) fn enter_ahead(&mut self, places: i64, window: u8, settled: &mut Settled) {
        let new = self.highest + places;
        self.settle(new - OPEN_PLACES, settled);
        if new - OPEN_PLACES > self.highest {
            // A gap wider than what is kept open: its beginning is lost for good.
            let lost = new - OPEN_PLACES - self.highest;
            settled.lost(window, lost.unsigned_abs());
            self.first_open = new - OPEN_PLACES + 1;
        }
        for place in (self.highest + 1).max(new - REMEMBERED + 1)..new {
            self.note_seen(place, false);
            if place >= self.first_open {
                self.open[slot(place)] = window << WINDOW_SHIFT;
            }
        }
        self.open[slot(new)] = window << WINDOW_SHIFT;
        self.note_seen(new, true);
        self.highest = new;
        self.unique += 1;
    }

    /// Enters a packet behind the highest. Returns whether its place was still open.
    pub(super) fn enter_behind(&mut self, behind: i64, window: u8) -> bool {
        let place = self.highest - behind;
        if place < self.base {
            for earlier in place..self.base {
                self.open[slot(earlier)] = window << WINDOW_SHIFT;
                self.note_seen(earlier, false);
            }
            self.base = place;
            self.first_open = place;
        }
        self.note_seen(place, true);
        self.unique += 1;
        place >= self.first_open
    }

    /// Says of an open place that its packet came, and for which buffers in time.
    #[inline]
    pub(super) fn mark(&mut self, behind: i64, in_time: u8) {
        self.open[slot(self.highest - behind)] |= RECEIVED | in_time << 1;
    }

    /// Decides all open places up to this one.
    #[inline]
    pub(super) fn settle(&mut self, up_to: i64, settled: &mut Settled) {
        let last = up_to.min(self.highest);
        while self.first_open <= last {
            settled.place(self.open[slot(self.first_open)]);
            self.first_open += 1;
        }
    }

    /// Decides all places of windows before the running one.
    pub(super) fn settle_before_window(&mut self, settled: &mut Settled) {
        self.settle(self.window_boundary, settled);
    }

    /// A new window begins after the highest.
    pub(super) fn begin_window(&mut self) {
        self.window_boundary = self.highest;
    }
}

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
