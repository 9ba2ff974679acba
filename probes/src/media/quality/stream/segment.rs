//! One run of sequence numbers: extended numbers, copies, latecomers, and which places are still open.
//!
//! RFC 3550 appendix A.1, except that timestamp and arrival time have a say in whether a jump is loss: real loss
//! moves sequence, timestamp and arrival alike, a new beginning does not.

use super::settled::Settled;

/// Places behind the highest that a packet may fill before its place is taken for good; then it is `late`.
pub(super) const OPEN_PLACES: i64 = 128;
/// Places behind the highest for which it is known whether they were seen.
const REMEMBERED: i64 = 1024;
/// RFC 3550 appendix A.1.
const MAX_DROPOUT: i64 = 3000;
pub(super) const MAX_MISORDER: i64 = 100;
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
    /// Packet time, where there is a clock to tell it by.
    pub(super) packet_us: Option<u32>,
    pub(super) clock_rate: u32,
}

impl Arrived {
    /// Compares this packet with an earlier one by timestamp and arrival.
    fn clocks(&self, timestamp: u32, at_ns: i64) -> Clocks {
        let Some(packet_us) = self.packet_us.filter(|_| self.clock_rate > 0) else {
            return Clocks { by_timestamp: None, by_arrival: None, slack: 0.0 };
        };
        let packet_us = f64::from(packet_us);
        let ticks = f64::from(self.timestamp.wrapping_sub(timestamp).cast_signed());
        Clocks {
            by_timestamp: Some(ticks * 1e6 / f64::from(self.clock_rate) / packet_us),
            by_arrival: Some(self.at_ns.saturating_sub(at_ns) as f64 * 1e-3 / packet_us),
            slack: 1e5 / packet_us,
        }
    }

    pub(super) fn clocks_from(&self, segment: &Segment) -> Clocks {
        self.clocks(segment.highest_timestamp, segment.highest_at_ns)
    }

    /// Two packets in a row after a jump belong together: close in sequence, or apart as their timestamps say.
    pub(super) fn confirms(&self, before: &Self) -> Option<i64> {
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

    /// The timestamp cannot be that of a packet this far behind: it is newer than that by a second, or older by ten
    /// (a silence may lie between two packets in sequence). A copy of the highest has its timestamp.
    pub(super) fn far_off(&self, places: i64) -> bool {
        let second = 10.0 * self.slack;
        self.by_timestamp.is_some_and(|packets| {
            let newer = packets - places as f64;
            newer > second || newer < -(if places == 0 { second } else { 10.0 * second })
        })
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
    pub(super) fn begin(arrived: &Arrived) -> Self {
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

    pub(super) fn note_highest(&mut self, arrived: &Arrived) {
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
