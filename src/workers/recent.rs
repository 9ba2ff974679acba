//! The rounds of the last minutes in memory, by target: what a diagnosis is frozen from.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use linesman_probes::observation::{Detail, Observation};

use crate::diagnosis::{RoundPoint, Series};
use crate::inventory::Inventory;

/// Most rounds kept of one target, however long the window.
const MOST_ROUNDS: usize = 4096;

/// Rounds by target.
#[derive(Debug, Default)]
pub struct Recent {
    rounds: Mutex<HashMap<String, Arc<VecDeque<RoundPoint>>>>,
    anchor_answered: Mutex<Option<DateTime<Utc>>>,
}

impl Recent {
    /// Adds a round and forgets those that ended longer than `keep` before it.
    pub fn add(&self, observation: &Observation, keep: TimeDelta) {
        let point = to_point(observation);
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let series = rounds.entry(observation.target.clone()).or_default();
        // Copies only while a diagnosis still looks at the old state.
        let series = Arc::make_mut(series);
        // What began after a round has ended was dated by a clock that has been set back since.
        while series.back().is_some_and(|newest| newest.start > point.end) {
            series.pop_back();
        }
        let horizon = point.end - keep;
        while series.front().is_some_and(|oldest| oldest.end < horizon || series.len() >= MOST_ROUNDS) {
            series.pop_front();
        }
        // Rounds are in order of their start; one that waited for its deadline may come late.
        let place = series.iter().rposition(|known| known.start <= point.start).map_or(0, |place| place + 1);
        series.insert(place, point);
    }

    /// An anchor near the poller answered a request sent at `at`.
    pub fn anchor_answered(&self, at: DateTime<Utc>) {
        *self.anchor_answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// When an anchor last answered.
    #[must_use]
    pub fn last_anchor_answer(&self) -> Option<DateTime<Utc>> {
        *self.anchor_answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rounds of every target of an inventory, shared.
    #[must_use]
    pub fn freeze(&self, inventory: &Inventory) -> Vec<Series> {
        let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        inventory
            .targets()
            .iter()
            .enumerate()
            .map(|(place, target)| Series {
                target: place,
                rounds: rounds.get(&target.name).cloned().unwrap_or_default(),
            })
            .collect()
    }

    /// Forgets targets that are no longer measured.
    pub fn keep_targets(&self, inventory: &Inventory) {
        let names: std::collections::HashSet<&str> =
            inventory.targets().iter().map(|target| target.name.as_str()).collect();
        self.rounds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|name, _| names.contains(name.as_str()));
    }
}

fn to_point(observation: &Observation) -> RoundPoint {
    let measured = &observation.measured;
    RoundPoint {
        start: observation.window.start,
        end: observation.window.end,
        outcome: measured.outcome,
        sent: measured.burst.sent,
        received: measured.burst.received,
        rtt_mean_ms: measured.burst.rtt.map(|rtt| rtt.mean.millis()),
        jitter_ms: measured.burst.rtt.and_then(|rtt| rtt.jitter).map(|jitter| jitter.millis()),
        code: match &measured.detail {
            Detail::Sip { code, .. } => Some(*code),
            Detail::Http { status, .. } => Some(*status),
            _ => None,
        },
        host: match &measured.detail {
            Detail::Host(reading) => Some(reading.clone()),
            _ => None,
        },
    }
}
