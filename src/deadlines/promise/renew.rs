//! A new time of whoever a promise rests on renews the promise.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Promise, PromiseEvent, Renews, Source, Standing, make, read};

/// A carrier gave a new time for its repair: the promises that rest on its word are renewed to it, with some
/// time for our own test, unless they already stand for that time or a later one. The events to append; the
/// customers are to be told, which is what [`super::due_actions`] then asks for.
#[must_use]
pub fn renewals_by_carrier(
    log: &[PromiseEvent],
    eta: DateTime<Utc>,
    for_our_test: TimeDelta,
    now: DateTime<Utc>,
    reason: &str,
) -> Vec<PromiseEvent> {
    let due_at = eta.checked_add_signed(for_our_test.max(TimeDelta::zero())).unwrap_or(eta);
    renewals(log, Source::CarrierEta, due_at, now, reason)
}

/// Renews every promise that rests on somebody's word to a new time, unless it already stands for that time or a
/// later one. The events to append.
#[must_use]
pub fn renewals(
    log: &[PromiseEvent],
    source: Source,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
    reason: &str,
) -> Vec<PromiseEvent> {
    let rests_on_it =
        |known: &Standing| known.is_live() && known.promise.source == source && known.promise.due_at < due_at;
    let known = read(log, now);
    let mut appended = log.to_vec();
    let mut events = Vec::new();
    for earlier in known.iter().filter(|known| rests_on_it(known)) {
        let renewed = Promise {
            id: format!("{}+", earlier.promise.id),
            made_at: now,
            due_at,
            renews: Some(Renews { id: earlier.promise.id.clone(), reason: reason.to_owned() }),
            ..earlier.promise.clone()
        };
        if let Ok(event) = make(&appended, renewed) {
            appended.push(event.clone());
            events.push(event);
        }
    }
    events
}
