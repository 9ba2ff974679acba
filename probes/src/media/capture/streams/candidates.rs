//! What may become a stream: packets that look like RTP but are not yet believed.
//!
//! Two bounded tables, so that a flood of invented SSRCs costs time but no memory: the first holds one
//! packet of each newcomer as a few bytes, and only a second packet of the same sender, in its neighbourhood,
//! brings it into the second table, where packets are kept to be counted once the stream is believed.
//! Nothing is lost by waiting: the first packets are handed over with the others.
//!
//! What is written of a newcomer is written one after the other, in a ring. A table by hash would be written all over
//! memory, and every packet of a flood would wait for it.

use std::collections::HashMap;

use super::StreamKey;
use super::hashed::{AsHashed, Hashed};
use crate::quality::rtp::Header;

/// Newcomers that are remembered; 58 ms of two million a second.
const NEWCOMERS: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 17;
/// Where they are found: buckets of a cache line.
const BUCKETS: usize = 1 << 14;
const WAYS: usize = 16;
/// Candidates with several packets.
const MAX_CANDIDATES: usize = 1 << 15;
/// A candidate that is silent for so long makes room.
const PATIENCE: i64 = 5_000_000_000;
/// How often room is made.
const PAUSE: i64 = 1_000_000_000;
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

/// The first packet of a newcomer, and the hash of who sent it: 0 where it is taken.
#[derive(Debug, Clone, Copy, Default)]
struct First {
    hash: u64,
    seen: Seen,
}

/// Newcomers of some hashes, the latest first: some bits of the hash, and the place in the ring; 0 where there is none.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket([u32; WAYS]);

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

/// The bucket of a newcomer and its print there, above the place.
const fn place_of(hash: u64) -> (usize, u32) {
    ((hash >> 40) as usize % BUCKETS, (hash as u32 | 1) << PLACE_BITS)
}

/// Both tables.
pub(super) struct Candidates {
    buckets: Vec<Bucket>,
    ring: Vec<First>,
    /// Where the next one is written.
    next: usize,
    candidates: HashMap<Hashed, Candidate, AsHashed>,
    room_made: i64,
    /// Newcomers that made room without ever having had a second packet.
    pub(super) forgotten: u64,
}

impl Candidates {
    pub(super) fn new() -> Self {
        Self {
            buckets: Vec::new(),
            ring: Vec::new(),
            next: 0,
            candidates: HashMap::default(),
            room_made: i64::MIN,
            forgotten: 0,
        }
    }

    /// Takes a packet; hands the candidate out when it is believed.
    pub(super) fn push(&mut self, known: Hashed, seen: Seen) -> Option<Candidate> {
        if let Some(candidate) = self.candidates.get_mut(&known) {
            candidate.push(seen);
            return if candidate.is_evident() { self.candidates.remove(&known) } else { None };
        }
        let first = self.newcomer(known.hash(), seen)?;
        let mut candidate = Candidate::new(known.key, first);
        candidate.push(seen);
        if candidate.is_evident() {
            return Some(candidate);
        }
        if self.candidates.len() >= MAX_CANDIDATES && seen.at.saturating_sub(self.room_made) > PAUSE {
            self.candidates.retain(|_, known| seen.at - known.last < PATIENCE);
            self.room_made = seen.at;
        }
        if self.candidates.len() < MAX_CANDIDATES {
            self.candidates.insert(known, candidate);
        }
        None
    }

    /// A packet of a sender that was announced since: with those that came before it was.
    pub(super) fn announced(&mut self, known: &Hashed, seen: Seen) -> Option<Candidate> {
        let mut candidate = match self.candidates.remove(known) {
            Some(candidate) => candidate,
            None => Candidate::new(known.key, self.first_of(known.hash(), seen)?),
        };
        candidate.push(seen);
        Some(candidate)
    }

    /// The packet of a newcomer, taken out, if this may be its second.
    fn first_of(&mut self, hash: u64, seen: Seen) -> Option<Seen> {
        let (way, place) = self.find(hash)?;
        let first = self.ring[place].seen;
        if !is_near(&first, &seen) {
            return None;
        }
        self.take(hash, way, place);
        Some(first)
    }

    /// The way in its bucket and the place in the ring of a newcomer.
    fn find(&self, hash: u64) -> Option<(usize, usize)> {
        let (number, print) = place_of(hash);
        let ways = &self.buckets.get(number)?.0;
        let is_print = |known: u32| known >> PLACE_BITS == print >> PLACE_BITS;
        // Nearly always none: looked at all at once.
        if !ways.iter().fold(false, |any, known| any | is_print(*known)) {
            return None;
        }
        let places = ways.iter().enumerate().filter(|(_, known)| is_print(**known));
        let mut places = places.map(|(way, known)| (way, *known as usize % NEWCOMERS));
        places.find(|(_, place)| self.ring[*place].hash == hash)
    }

    fn take(&mut self, hash: u64, way: usize, place: usize) {
        self.buckets[place_of(hash).0].0[way] = 0;
        self.ring[place].hash = 0;
    }

    /// What is left at the end: candidates that were never believed.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Candidate> {
        std::mem::take(&mut self.candidates).into_values()
    }

    /// Its first packet, when this is the second; else this one is kept as the first.
    fn newcomer(&mut self, hash: u64, seen: Seen) -> Option<Seen> {
        if self.buckets.is_empty() {
            self.buckets.resize(BUCKETS, Bucket::default());
            self.ring.resize(NEWCOMERS, First::default());
        }
        if let Some((way, place)) = self.find(hash) {
            let first = &mut self.ring[place].seen;
            if !is_near(first, &seen) {
                *first = seen;
                return None;
            }
            let first = *first;
            self.take(hash, way, place);
            return Some(first);
        }
        let (number, print) = place_of(hash);
        let place = self.next;
        self.next = (place + 1) % NEWCOMERS;
        self.forgotten += u64::from(self.ring[place].hash != 0);
        self.ring[place] = First { hash, seen };
        let ways = &mut self.buckets[number].0;
        ways.copy_within(..WAYS - 1, 1);
        ways[0] = print | place as u32;
        None
    }
}

/// Whether the second packet may follow the first.
const fn is_near(first: &Seen, second: &Seen) -> bool {
    second.sequence.wrapping_sub(first.sequence).cast_signed().unsigned_abs() <= NEIGHBOURHOOD
}
