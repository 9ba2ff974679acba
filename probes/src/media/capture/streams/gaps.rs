//! Gaps that many unrelated streams have at the same moment: the tap's doing, or ours, and no network's.
//!
//! A network that fails cuts the streams that pass it. Where nearly all streams that are seen miss packets within a
//! moment, whoever sends and whoever receives them, what they have in common is the place where they are watched.

use std::collections::{HashSet, VecDeque};

use super::StreamKey;

/// Gaps that end within this time ended together.
const TOGETHER: i64 = 100_000_000;
/// Fewer streams with a gap prove nothing.
const FEWEST: usize = 10;
/// Hosts that must be among the senders, and among the receivers.
const HOSTS: usize = 3;
/// Share of the active streams, in per cent.
const NEARLY_ALL: usize = 80;
/// Gaps that are looked at together.
const MOST: usize = 16_384;
/// Outages kept until somebody takes them.
const MAX_OUTAGES: usize = 256;

/// A time in which nearly all streams missed packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When the first of them had its last packet before.
    pub from: i64,
    /// When they went on.
    pub until: i64,
    /// How many.
    pub streams: usize,
    /// Of how many.
    pub active: usize,
}

/// The watch.
#[derive(Debug, Default)]
pub struct GapWatch {
    active: usize,
    recent: VecDeque<(i64, i64, StreamKey)>,
    outages: Vec<Outage>,
}

impl GapWatch {
    /// Says how many streams send at the moment; without that nothing is found.
    pub fn active(&mut self, streams: usize) {
        self.active = streams;
    }

    /// Takes what was found.
    pub fn take(&mut self) -> Vec<Outage> {
        std::mem::take(&mut self.outages)
    }

    /// A stream went on at `at` with packets missing; its packet before was at `before`.
    pub(super) fn note(&mut self, at: i64, before: i64, key: StreamKey) {
        while self.recent.front().is_some_and(|(first, ..)| at - first > TOGETHER)
            || self.recent.len() >= MOST
        {
            self.recent.pop_front();
        }
        self.recent.push_back((at, before, key));
        let needed = FEWEST.max((self.active * NEARLY_ALL).div_ceil(100));
        if self.active == 0 || self.recent.len() < needed {
            return;
        }
        let Some(instant) = self.fullest_instant() else { return };
        let missing = || self.recent.iter().filter(|(at, before, _)| *before < instant && instant <= *at);
        let streams: HashSet<StreamKey> = missing().map(|(.., key)| *key).collect();
        let hosts = |end: fn(&StreamKey) -> std::net::IpAddr| streams.iter().map(end).collect::<HashSet<_>>();
        if streams.len() < needed
            || hosts(|key| key.source.ip()).len() < HOSTS
            || hosts(|key| key.destination.ip()).len() < HOSTS
        {
            return;
        }
        let from = missing().map(|(_, before, _)| *before).min().unwrap_or(at);
        let found = Outage { from, until: at, streams: streams.len(), active: self.active };
        if let Some(known) = self.outages.last_mut().filter(|known| found.from <= known.until + TOGETHER) {
            (known.until, known.streams) = (at, known.streams.max(found.streams));
        } else if self.outages.len() < MAX_OUTAGES {
            self.outages.push(found);
        }
    }

    /// The moment in which most of the streams missed packets: of many gaps only those that overlap are one event.
    fn fullest_instant(&self) -> Option<i64> {
        let mut edges: Vec<(i64, bool)> =
            self.recent.iter().flat_map(|(at, before, _)| [(*before, false), (*at, true)]).collect();
        edges.sort_unstable();
        let (mut open, mut most, mut instant) = (0_i64, 0, None);
        for (at, ends) in edges {
            if ends && open > most {
                (most, instant) = (open, Some(at));
            }
            open += if ends { -1 } else { 1 };
        }
        instant
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::net::Endpoint;

    fn key(from: u8, to: u8) -> StreamKey {
        StreamKey {
            source: Endpoint::v4([10, 0, 0, from], 4_000),
            destination: Endpoint::v4([10, 0, 1, to], 4_000),
            ssrc: u32::from(from) << 8 | u32::from(to),
        }
    }

    fn watch(gaps: impl Iterator<Item = (u8, u8)>, active: usize) -> Vec<Outage> {
        let mut watch = GapWatch::default();
        watch.active(active);
        for (number, (from, to)) in (0..).zip(gaps) {
            watch.note(1_000_000_000 + number * 2_000_000, 700_000_000, key(from, to));
        }
        watch.take()
    }

    #[test]
    fn a_gap_of_nearly_all_unrelated_streams_is_an_outage_of_the_watch() {
        let found = watch((0..11).map(|n| (n, n)), 12);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from, found[0].streams), (700_000_000, 11));
    }

    #[test]
    fn gaps_that_only_follow_each_other_are_many_losses_and_no_outage() {
        let mut watch = GapWatch::default();
        watch.active(12);
        for number in 0..24_u8 {
            let at = 1_000_000_000 + i64::from(number) * 4_000_000;
            watch.note(at, at - 8_000_000, key(number % 12, number % 12));
        }
        assert_eq!(watch.take(), []);
    }

    #[test]
    fn what_one_host_or_a_part_of_the_streams_misses_is_the_networks() {
        assert_eq!(watch((0..12).map(|n| (n, 0)), 12), [], "all go to one host");
        assert_eq!(watch((0..12).map(|n| (0, n)), 12), [], "all come from one host");
        assert_eq!(watch((0..11).map(|n| (n, n)), 15), [], "eleven of fifteen");
        assert_eq!(watch((0..12).map(|_| (1, 1)), 12), [], "one stream again and again");
    }
}
