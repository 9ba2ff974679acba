//! What may become a stream: packets that look like RTP but are not yet believed.
//!
//! Two tables of fixed size, so that a flood of invented SSRCs costs time but no memory: the first holds one
//! packet of each newcomer as a few bytes, and only a second packet of the same sender, in its neighbourhood,
//! brings it into the second table, where packets are kept to be counted once the stream is believed.
//! Nothing is lost by waiting: the first packets are handed over with the others.

use std::hash::BuildHasher as _;

use super::StreamKey;
use crate::quality::rtp::Header;

/// Newcomers: buckets of four.
const FIRST_BUCKETS: usize = 1 << 16;
/// Candidates with several packets: buckets of four.
const SECOND_BUCKETS: usize = 1 << 11;
const WAYS: usize = 4;
/// Packets kept of a candidate.
pub(super) const KEPT: usize = 12;
/// How far apart the sequence numbers of neighbours may be.
const NEIGHBOURHOOD: u16 = 32;
/// Largest step of the timestamp between packets in sequence: over a minute at 16 kHz.
const LARGEST_STEP: u32 = 1 << 20;

/// A packet as far as it is needed later.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) at: i64,
    pub(super) timestamp: u32,
    pub(super) payload_bytes: u32,
    pub(super) sequence: u16,
    pub(super) payload_type: u8,
    pub(super) dscp: u8,
    pub(super) marker: bool,
    pub(super) flat: bool,
}

impl Seen {
    pub(super) fn new(at: i64, header: &Header, dscp: u8, flat: bool) -> Self {
        Self {
            at,
            timestamp: header.timestamp,
            payload_bytes: header.payload_bytes as u32,
            sequence: header.sequence,
            payload_type: header.payload_type,
            dscp,
            marker: header.marker,
            flat,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Newcomer {
    print: u64,
    seen: Seen,
}

/// A sender with several packets in a row.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) key: StreamKey,
    packets: [Seen; KEPT],
    kept: usize,
    /// Pairs of packets that follow each other as RTP does.
    steps: usize,
    last: i64,
}

impl Candidate {
    fn new(key: StreamKey, first: Seen) -> Self {
        let mut candidate = Self { key, packets: [Seen::default(); KEPT], kept: 0, steps: 0, last: first.at };
        candidate.push(first);
        candidate
    }

    fn push(&mut self, seen: Seen) {
        if let Some(before) = self.kept.checked_sub(1).map(|last| self.packets[last]) {
            let distance = seen.sequence.wrapping_sub(before.sequence).cast_signed();
            if distance.unsigned_abs() > NEIGHBOURHOOD {
                (self.kept, self.steps) = (0, 0);
            } else if distance == 1 && seen.timestamp.wrapping_sub(before.timestamp) < LARGEST_STEP {
                self.steps += 1;
            }
        }
        if self.kept == KEPT {
            self.packets.copy_within(1.., 0);
            self.kept -= 1;
        }
        self.packets[self.kept] = seen;
        self.kept += 1;
        self.last = seen.at;
    }

    pub(super) fn packets(&self) -> &[Seen] {
        &self.packets[..self.kept]
    }

    /// Whether it is believed, where nothing but itself speaks for it.
    fn is_evident(&self) -> bool {
        let payload_type = self.packets().last().map_or(0, |seen| seen.payload_type);
        let mut needed = match payload_type {
            // What RFC 3551 assigns.
            0 | 3..=18 | 25 | 26 | 28 | 31..=34 => 2,
            35..=63 | 96..=127 => 3,
            _ => 6,
        };
        // RTP has even ports (RFC 3550 section 11), and an SSRC is seldom 0: zeros mean other protocols.
        needed += 3 * usize::from(self.key.destination.port() % 2 == 1 && self.key.source.port() % 2 == 1);
        needed += 5 * usize::from(self.key.ssrc == 0);
        self.steps >= needed.min(KEPT - 1) && !is_service(&self.key)
    }
}

/// Ports of protocols that are never RTP.
fn is_service(key: &StreamKey) -> bool {
    let service = |port: u16| matches!(port, 0..=1023 | 1900 | 3478 | 4500 | 4789 | 5060 | 5353 | 5355);
    service(key.source.port()) || service(key.destination.port())
}

/// Both tables.
pub(super) struct Candidates {
    newcomers: Vec<Newcomer>,
    candidates: Vec<Option<Box<Candidate>>>,
    hasher: foldhash::fast::RandomState,
    /// Newcomers that made room without ever having had a second packet.
    pub(super) forgotten: u64,
}

impl Candidates {
    pub(super) fn new() -> Self {
        Self {
            newcomers: Vec::new(),
            candidates: Vec::new(),
            hasher: foldhash::fast::RandomState::default(),
            forgotten: 0,
        }
    }

    /// Takes a packet; hands the candidate out when it is believed. One whose address was `announced` in a
    /// session description is believed at its second packet.
    pub(super) fn push(&mut self, key: StreamKey, seen: Seen, announced: bool) -> Option<Box<Candidate>> {
        let print = self.hasher.hash_one(key) | 1;
        let slot = self.slot(print, &key);
        if let Some(slot) = slot {
            let place = &mut self.candidates[slot];
            let candidate = place.as_mut()?;
            candidate.push(seen);
            return if (announced && candidate.kept >= 2) || candidate.is_evident() {
                place.take()
            } else {
                None
            };
        }
        if announced {
            self.admit(print, Candidate::new(key, seen));
            return None;
        }
        let first = self.newcomer(print, seen)?;
        let mut candidate = Candidate::new(key, first);
        candidate.push(seen);
        self.admit(print, candidate);
        None
    }

    /// Puts back one that is not to be believed yet.
    pub(super) fn restore(&mut self, candidate: Box<Candidate>) {
        let print = self.hasher.hash_one(candidate.key) | 1;
        self.admit(print, *candidate);
    }

    /// What is left at the end: candidates that were never believed.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Candidate> {
        std::mem::take(&mut self.candidates).into_iter().flatten().map(|candidate| *candidate)
    }

    fn slot(&self, print: u64, key: &StreamKey) -> Option<usize> {
        let begin = bucket(print, SECOND_BUCKETS);
        let ways = self.candidates.get(begin..begin + WAYS)?;
        let found =
            ways.iter().position(|place| place.as_ref().is_some_and(|candidate| candidate.key == *key))?;
        Some(begin + found)
    }

    fn admit(&mut self, print: u64, candidate: Candidate) {
        if self.candidates.is_empty() {
            self.candidates.resize_with(SECOND_BUCKETS * WAYS, || None);
        }
        let begin = bucket(print, SECOND_BUCKETS);
        let ways = &mut self.candidates[begin..begin + WAYS];
        let oldest = ways.iter_mut().min_by_key(|place| place.as_ref().map_or(i64::MIN, |known| known.last));
        if let Some(place) = oldest {
            *place = Some(Box::new(candidate));
        }
    }

    /// Its first packet, when this is the second; else this one is kept as the first.
    fn newcomer(&mut self, print: u64, seen: Seen) -> Option<Seen> {
        if self.newcomers.is_empty() {
            self.newcomers.resize(FIRST_BUCKETS * WAYS, Newcomer::default());
        }
        let begin = bucket(print, FIRST_BUCKETS);
        let ways = &mut self.newcomers[begin..begin + WAYS];
        if let Some(known) = ways.iter_mut().find(|newcomer| newcomer.print == print) {
            let first = known.seen;
            let distance = seen.sequence.wrapping_sub(first.sequence).cast_signed();
            if distance.unsigned_abs() > NEIGHBOURHOOD {
                known.seen = seen;
                return None;
            }
            *known = Newcomer::default();
            return Some(first);
        }
        let oldest =
            ways.iter_mut().min_by_key(|known| if known.print == 0 { i64::MIN } else { known.seen.at })?;
        self.forgotten += u64::from(oldest.print != 0);
        *oldest = Newcomer { print, seen };
        None
    }
}

fn bucket(print: u64, buckets: usize) -> usize {
    (print >> 32) as usize % buckets * WAYS
}
