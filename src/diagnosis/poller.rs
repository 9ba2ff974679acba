//! Are *we* cut off? Asked before anything is said about the network.

use chrono::{DateTime, TimeDelta, Utc};

use super::symptom::{Evidence, PathState};
use super::{Input, PollerState};
use crate::locale::Message;

/// How close to a silent round an anchor's answer must be.
const ANCHOR_MEMORY: TimeDelta = TimeDelta::seconds(10);

/// Our own footing, from all paths together.
///
/// Isolated means that nothing at all answers, over at least two elements, and no anchor near us
/// answered while they were silent. One silent element alone may well be the only one there is to blame.
#[must_use]
pub fn footing(input: &Input, paths: &[Evidence]) -> PollerState {
    if paths.is_empty() {
        return PollerState::Sound;
    }
    let known: Vec<&Evidence> = paths.iter().filter(|path| path.state != PathState::Unknown).collect();
    if known.is_empty() {
        let measured_before = input.series.iter().any(|series| !series.rounds.is_empty());
        let key = if measured_before { "poller.nothing_measurable" } else { "poller.nothing_measured_yet" };
        return PollerState::Blind { reason: Message::new(key) };
    }
    if known.iter().any(|path| path.state != PathState::Silent) {
        return PollerState::Sound;
    }
    let Some(since) = known.iter().filter_map(|path| path.since).min() else { return PollerState::Sound };
    let last_onset = known.iter().filter_map(|path| path.since).max().unwrap_or(since);
    let targets = input.inventory.targets();
    let mut elements: Vec<_> = known.iter().map(|path| targets[path.target].element).collect();
    elements.sort_unstable();
    elements.dedup();
    let last_bad = known.iter().filter_map(|path| path.last_bad).max().unwrap_or(last_onset);
    if elements.len() < 2 || anchored(input, last_onset, last_bad) {
        return PollerState::Sound;
    }
    PollerState::Isolated {
        since,
        reason: Message::new("poller.isolated")
            .with("targets", known.len())
            .with("elements", elements.len())
            .with("since", rfc3339(since)),
    }
}

/// Whether an anchor near us answered in the last of the time in which something was silent. An
/// answer from before or after says nothing: we may have been cut off in between.
#[must_use]
pub fn anchored(input: &Input, from: DateTime<Utc>, last_bad: DateTime<Utc>) -> bool {
    let recently = last_bad - ANCHOR_MEMORY;
    input.anchor_answers.iter().any(|at| *at >= from.max(recently) && *at <= last_bad)
}

/// A time for sentences.
#[must_use]
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
