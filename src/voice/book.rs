//! What was heard of the calls of each trunk of late: the windows that came from it, call by call, bounded; beside
//! them what the receivers of its streams say, which is their word and is never counted as measured.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::place::{Direction, Place};

/// Calls followed at once; of what comes beyond, only that there was more is known.
const MOST_CALLS: usize = 100_000;
/// Windows of one call: an hour and a half of it.
const MOST_WINDOWS: usize = 540;
/// Streams of a call whose ends are remembered.
const MOST_ENDS: usize = 8;
/// Test calls that are remembered at least: those that prove the end of trouble, and a few more.
const KEPT_TEST_CALLS: i32 = 14;
/// Of those that a verdict may need, so many more are remembered.
const SPARE_TEST_CALLS: i32 = 4;
/// In a window with fewer packets one loss weighs too much.
const FEWEST_PACKETS: u64 = 50;

/// A window of a stream, placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Identity of the call, as it is kept.
    pub call: String,
    /// Whose it is.
    pub place: Place,
    /// Encoding name.
    pub codec: Option<String>,
    /// Begin.
    pub start: DateTime<Utc>,
    /// End.
    pub end: DateTime<Utc>,
    /// Packets due.
    pub expected: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that an adaptive buffer would have played too late.
    pub late: u64,
    /// Largest jitter, ms.
    pub jitter_ms: Option<f64>,
    /// MOS, low and high.
    pub mos: Option<(f64, f64)>,
    /// What the receiver of the stream says so far by RTCP: lost, of so many that were due by our count.
    pub told: Option<(u64, u64)>,
    /// Who sends and who receives.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// Our own measuring failed meanwhile.
    pub is_faulty: bool,
    /// A whole call of our own.
    pub is_test: bool,
}

/// What a receiver said last of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    pub(super) lost: u64,
    pub(super) expected: u64,
}

/// A window as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slice {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) expected: u64,
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) jitter_ms: Option<f64>,
    pub(super) mos: Option<(f64, f64)>,
}

/// A call of a trunk.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) gateway: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) codec: Option<String>,
    pub(super) slices: VecDeque<Slice>,
    /// The carrier's side, of what is sent to it.
    pub(super) told_by_carrier: Option<Word>,
    /// Whoever listens to what comes from the trunk.
    pub(super) told_by_listener: Option<Word>,
    pub(super) ends: BTreeSet<(SocketAddr, SocketAddr)>,
    /// A call of our own.
    pub(super) is_test: bool,
}

/// The calls of each trunk of late.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pub(super) trunks: BTreeMap<String, BTreeMap<String, Call>>,
    /// From test call to test call, of the trunks that have them.
    pace: BTreeMap<String, TimeDelta>,
    calls: usize,
    /// Windows that found no room.
    pub refused: u64,
}

impl Book {
    /// Takes in a window, if it says something of a trunk: what came from it, whole and measured well.
    pub fn add(&mut self, heard: &Heard) {
        let Some(trunk) = &heard.place.trunk else { return };
        if heard.place.direction != Direction::FromTrunk || heard.is_faulty || heard.expected < FEWEST_PACKETS
        {
            return self.add_beside(trunk, heard);
        }
        let calls = self.trunks.entry(trunk.clone()).or_default();
        if !calls.contains_key(&heard.call) {
            if self.calls >= MOST_CALLS {
                self.refused += 1;
                return;
            }
            self.calls += 1;
        }
        let call = calls.entry(heard.call.clone()).or_insert_with(|| Call {
            gateway: None,
            customer: None,
            codec: None,
            slices: VecDeque::new(),
            told_by_carrier: None,
            told_by_listener: None,
            ends: BTreeSet::new(),
            is_test: heard.is_test,
        });
        let learn = |known: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                known.clone_from(new);
            }
        };
        learn(&mut call.gateway, &heard.place.gateway);
        learn(&mut call.customer, &heard.place.customer);
        learn(&mut call.codec, &heard.codec);
        if call.slices.len() >= MOST_WINDOWS {
            call.slices.pop_front();
        }
        call.slices.push_back(Slice {
            start: heard.start,
            end: heard.end,
            expected: heard.expected,
            lost: heard.lost.min(heard.expected),
            late: heard.late,
            jitter_ms: heard.jitter_ms,
            mos: heard.mos,
        });
        self.add_beside(trunk, heard);
    }

    /// What belongs to a call that is known, whichever way the stream flows: its ends, and the word of its receiver.
    fn add_beside(&mut self, trunk: &str, heard: &Heard) {
        let Some(call) = self.trunks.get_mut(trunk).and_then(|calls| calls.get_mut(&heard.call)) else {
            return;
        };
        if call.ends.len() < MOST_ENDS {
            call.ends.extend(heard.ends);
        }
        let word = heard.told.map(|(lost, expected)| Word { lost, expected });
        match heard.place.direction {
            Direction::ToTrunk => call.told_by_carrier = word.or(call.told_by_carrier),
            Direction::FromTrunk => call.told_by_listener = word.or(call.told_by_listener),
            Direction::FromGateway | Direction::ToGateway | Direction::Unknown => {}
        }
    }

    /// How often test calls are placed, by trunk. They are few, so that more of the past must count.
    pub fn set_pace(&mut self, pace: BTreeMap<String, TimeDelta>) {
        self.pace = pace;
    }

    /// From test call to test call of a trunk.
    #[must_use]
    pub fn pace(&self, trunk: &str) -> Option<TimeDelta> {
        self.pace.get(trunk).copied()
    }

    /// Whether a call is one of our own: no stranger's voice was listened to in it.
    #[must_use]
    pub fn is_test(&self, trunk: &str, call: &str) -> bool {
        self.trunks.get(trunk).and_then(|calls| calls.get(call)).is_some_and(|call| call.is_test)
    }

    /// Who sends and who receives the streams of a call, as far as they were heard.
    #[must_use]
    pub fn ends(&self, trunk: &str, call: &str) -> Vec<(SocketAddr, SocketAddr)> {
        let call = self.trunks.get(trunk).and_then(|calls| calls.get(call));
        call.map(|call| call.ends.iter().copied().collect()).unwrap_or_default()
    }

    /// A call is over and the whole of it is known: who its customer was, when only another leg shows it.
    pub fn learn(&mut self, call: &str, place: &Place) {
        for calls in self.trunks.values_mut() {
            let Some(call) = calls.get_mut(call) else { continue };
            if call.gateway.is_none() {
                call.gateway.clone_from(&place.gateway);
            }
            if call.customer.is_none() {
                call.customer.clone_from(&place.customer);
            }
        }
    }

    /// Forgets what ended longer than `keep` ago, and test calls beyond the latest of which a verdict may need `tests`.
    pub fn forget(&mut self, now: DateTime<Utc>, keep: TimeDelta, tests: i32) {
        let count = KEPT_TEST_CALLS.max(tests.saturating_add(SPARE_TEST_CALLS));
        for (trunk, calls) in &mut self.trunks {
            let paces = self.pace.get(trunk).and_then(|pace| pace.checked_mul(count));
            let tests = paces.map_or(keep, |paces| keep.max(paces));
            calls.retain(|_, call| {
                let horizon = now - if call.is_test { tests } else { keep };
                while call.slices.front().is_some_and(|slice| slice.end < horizon) {
                    call.slices.pop_front();
                }
                !call.slices.is_empty()
            });
        }
        self.trunks.retain(|_, calls| !calls.is_empty());
        self.calls = self.trunks.values().map(BTreeMap::len).sum();
    }

    /// Calls that are remembered.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.calls
    }
}
