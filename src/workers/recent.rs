//! The rounds of the last minutes in memory, by target: what a diagnosis is frozen from.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use linesman_probes::observation::{Detail, Observation};

use crate::diagnosis::{RoundPoint, Series};
use crate::inventory::Inventory;
use crate::voice::{Heard, TrunkVoice};

/// Most rounds kept of one target, however long the window.
const MOST_ROUNDS: usize = 4096;
/// Ends of rounds that arrive together may be out of order by so much.
const SKEW: TimeDelta = TimeDelta::seconds(2);

/// Test calls that wait to be judged: ten seconds of them.
const MOST_TEST_CALLS: usize = 10_000;
/// Answers of anchors that are kept: minutes of a few anchors.
const MOST_ANSWERS: usize = 256;

/// Rounds by target.
#[derive(Debug, Default)]
pub struct Recent {
    rounds: Mutex<HashMap<String, Arc<VecDeque<RoundPoint>>>>,
    anchor_answers: Mutex<VecDeque<DateTime<Utc>>>,
    voice: Mutex<Vec<TrunkVoice>>,
    test_calls: Mutex<VecDeque<Heard>>,
}

impl Recent {
    /// Adds a round and forgets those that ended longer than `keep` before it.
    pub fn add(&self, observation: &Observation, keep: TimeDelta) {
        let point = to_point(observation);
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let series = rounds.entry(observation.target.clone()).or_default();
        // Copies only while a diagnosis still looks at the old state.
        let series = Arc::make_mut(series);
        // Rounds arrive in the order of their ends: what ended after this one was dated by a clock
        // that has been set back since, and would stand in the future for as long.
        while series.back().is_some_and(|newest| newest.end > point.end + SKEW) {
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
        let mut answers = self.anchor_answers.lock().unwrap_or_else(PoisonError::into_inner);
        while answers.len() >= MOST_ANSWERS {
            answers.pop_front();
        }
        answers.push_back(at);
    }

    /// When anchors answered of late, oldest first.
    #[must_use]
    pub fn anchor_answers(&self) -> Vec<DateTime<Utc>> {
        self.anchor_answers.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// A test call of a trunk was judged; it waits for the worker that judges all voice.
    pub fn add_test_call(&self, heard: Heard) {
        let mut waiting = self.test_calls.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.len() >= MOST_TEST_CALLS {
            waiting.pop_front();
        }
        waiting.push_back(heard);
    }

    /// Takes the test calls that wait.
    #[must_use]
    pub fn take_test_calls(&self) -> Vec<Heard> {
        self.test_calls.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    /// What is heard from the trunks now.
    pub fn set_voice(&self, voice: Vec<TrunkVoice>) {
        *self.voice.lock().unwrap_or_else(PoisonError::into_inner) = voice;
    }

    /// What was heard from the trunks at last.
    #[must_use]
    pub fn voice(&self) -> Vec<TrunkVoice> {
        self.voice.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Forgets targets that are no longer measured, and those that are now another address: what
    /// the old one answered says nothing of the new one.
    pub fn keep_targets(&self, old: &Inventory, new: &Inventory) {
        let spec_of =
            |inventory: &Inventory, name: &str| inventory.find_target(name).map(|target| target.spec.clone());
        self.rounds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|name, _| spec_of(new, name).is_some_and(|spec| spec_of(old, name) == Some(spec)));
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
            Detail::Call(call) => call.code,
            _ => None,
        },
        host: match &measured.detail {
            Detail::Host(reading) => Some(reading.clone()),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use linesman_probes::observation::{Impediment, Measured, Window};
    use linesman_probes::probe::ProbeKind;

    use super::*;
    use crate::settings::parse;

    const KEEP: TimeDelta = TimeDelta::minutes(10);

    fn inventory(address: &str) -> Arc<Inventory> {
        let text = format!("[[server]]\nname = \"a\"\naddress = \"{address}\"\n");
        parse("test", &text, []).expect("fine").settings.inventory
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    fn add(recent: &Recent, second: i64) {
        recent.add(
            &Observation {
                target: "a/icmp".to_owned(),
                kind: ProbeKind::Icmp,
                window: Window { start: at(second), end: at(second + 1) },
                measured: Measured::unmeasured(Impediment::Shed),
            },
            KEEP,
        );
    }

    fn starts(recent: &Recent, inventory: &Inventory) -> Vec<i64> {
        let of = |point: &RoundPoint| point.start.timestamp() - 1_800_000_000;
        recent.freeze(inventory)[0].rounds.iter().map(of).collect()
    }

    #[test]
    fn rounds_dated_by_a_clock_that_was_set_back_do_not_stand_in_the_future() {
        let (recent, inventory) = (Recent::default(), inventory("192.0.2.1"));
        for second in [0, 3600, 3605, 10, 15, 14] {
            add(&recent, second);
        }
        assert_eq!(starts(&recent, &inventory), [10, 14, 15]);
    }

    #[test]
    fn what_the_old_address_answered_says_nothing_of_the_new_one() {
        let recent = Recent::default();
        let (old, same, other) = (inventory("192.0.2.1"), inventory("192.0.2.1"), inventory("192.0.2.2"));
        add(&recent, 0);
        recent.keep_targets(&old, &same);
        assert_eq!(starts(&recent, &same), [0]);
        recent.keep_targets(&same, &other);
        assert!(starts(&recent, &other).is_empty());
    }
}
