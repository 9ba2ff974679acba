//! TCP back into its order, one direction at a time, as far as SIP needs it.
//!
//! Bounded: so many flows, so many bytes waiting in each. A gap that does not close (the capture lost
//! a segment) is jumped over, and the reader is told that bytes are missing.

use std::collections::{BTreeMap, HashMap};

use super::Endpoint;

/// Flows held at once.
const MAX_FLOWS: usize = 4_096;
/// Bytes of a flow that wait for those before them.
const MAX_WAITING: usize = 256 << 10;
/// Segments of a flow that wait.
const MAX_SEGMENTS: usize = 64;

/// A TCP segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Arrival in nanoseconds since 1970.
    pub at: i64,
    /// Who sent it.
    pub source: Endpoint,
    /// For whom it was.
    pub destination: Endpoint,
    /// Number of its first byte.
    pub sequence: u32,
    /// SYN.
    pub begins: bool,
    /// FIN or RST.
    pub ends: bool,
    /// What was captured of the payload.
    pub payload: &'a [u8],
}

/// What a flow gave in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Ordered<'a> {
    /// The next bytes.
    Bytes(&'a [u8]),
    /// Bytes before what follows are lost, or the flow began anew.
    Gap,
}

#[derive(Default)]
struct Flow<T> {
    /// Number of the next byte in order; unknown before the first segment.
    next: Option<u32>,
    waiting: BTreeMap<u32, Vec<u8>>,
    held: usize,
    last: i64,
    reader: T,
}

/// The flows, each with a reader of its own.
pub struct Flows<T> {
    flows: HashMap<(Endpoint, Endpoint), Flow<T>>,
}

impl<T> Default for Flows<T> {
    fn default() -> Self {
        Self { flows: HashMap::new() }
    }
}

impl<T: Default> Flows<T> {
    /// Takes a segment and hands what is now in order to the reader of its flow.
    ///
    /// `wanted` says whether a flow not yet known is worth following.
    pub fn push(
        &mut self,
        segment: &Segment<'_>,
        wanted: impl FnOnce(&Segment<'_>) -> bool,
        mut read: impl FnMut(&mut T, Ordered<'_>),
    ) {
        let key = (segment.source, segment.destination);
        if !self.flows.contains_key(&key) {
            if !wanted(segment) {
                return;
            }
            self.make_room();
        }
        let flow = self.flows.entry(key).or_insert_with(Flow::default_of);
        flow.last = segment.at;
        if segment.begins {
            flow.restart(segment.sequence.wrapping_add(1));
            read(&mut flow.reader, Ordered::Gap);
        }
        flow.push(segment.sequence.wrapping_add(u32::from(segment.begins)), segment.payload, &mut read);
        if segment.ends && flow.waiting.is_empty() {
            self.flows.remove(&key);
        }
    }

    fn make_room(&mut self) {
        if self.flows.len() < MAX_FLOWS {
            return;
        }
        let oldest = self.flows.iter().min_by_key(|(_, flow)| flow.last).map(|(key, _)| *key);
        if let Some(oldest) = oldest {
            self.flows.remove(&oldest);
        }
    }
}

impl<T: Default> Flow<T> {
    fn default_of() -> Self {
        Self { next: None, waiting: BTreeMap::new(), held: 0, last: 0, reader: T::default() }
    }

    fn restart(&mut self, next: u32) {
        self.next = Some(next);
        self.waiting.clear();
        self.held = 0;
    }

    fn push(&mut self, sequence: u32, payload: &[u8], read: &mut impl FnMut(&mut T, Ordered<'_>)) {
        if payload.is_empty() {
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next).cast_signed();
        if ahead <= 0 {
            self.take(sequence, payload, read);
        } else if ahead as usize > (1 << 24) {
            // Not a gap: another connection on the same ports.
            self.restart(sequence);
            read(&mut self.reader, Ordered::Gap);
            self.take(sequence, payload, read);
        } else {
            let before = self.waiting.insert(sequence, payload.to_vec());
            self.held = self.held + payload.len() - before.map_or(0, |bytes| bytes.len());
        }
        self.drain(read);
        if self.held > MAX_WAITING || self.waiting.len() > MAX_SEGMENTS {
            self.jump(read);
        }
    }

    /// Hands on what of these bytes is new.
    fn take(&mut self, sequence: u32, payload: &[u8], read: &mut impl FnMut(&mut T, Ordered<'_>)) {
        let next = self.next.unwrap_or(sequence);
        let known = next.wrapping_sub(sequence) as usize;
        if let Some(fresh) = payload.get(known..)
            && !fresh.is_empty()
        {
            self.next = Some(next.wrapping_add(fresh.len() as u32));
            read(&mut self.reader, Ordered::Bytes(fresh));
        }
    }

    fn drain(&mut self, read: &mut impl FnMut(&mut T, Ordered<'_>)) {
        while let Some(next) = self.next {
            let reached = |sequence: &u32| next.wrapping_sub(*sequence).cast_signed() >= 0;
            let Some(sequence) = self.waiting.keys().copied().find(|sequence| reached(sequence)) else {
                return;
            };
            let Some(bytes) = self.waiting.remove(&sequence) else { return };
            self.held -= bytes.len();
            self.take(sequence, &bytes, read);
        }
    }

    /// Gives the gap up and goes on behind it.
    fn jump(&mut self, read: &mut impl FnMut(&mut T, Ordered<'_>)) {
        let next = self.next.unwrap_or(0);
        let nearest = self.waiting.keys().copied().min_by_key(|sequence| sequence.wrapping_sub(next));
        if let Some(nearest) = nearest {
            self.next = Some(nearest);
            read(&mut self.reader, Ordered::Gap);
            self.drain(read);
        }
    }
}
