//! What must be done about promises now: warn, contact, escalate; each once (R86, R88, R96).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Outcome, Point, PromiseEvent, Standing, read};
use crate::clock::ActionKey;
use crate::policy::PromiseRules;

/// A contact with the customer that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duty {
    /// About which point.
    pub point: Point,
    /// Of a promised time, which promise.
    pub promise: Option<String>,
    /// Since when it is owed.
    pub since: DateTime<Utc>,
    /// By when; a promised time at that time itself, because he is contacted before or at it (R86).
    pub by: DateTime<Utc>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
}

impl Duty {
    /// Whether it was not done in time.
    #[must_use]
    pub fn is_missed(&self, now: DateTime<Utc>) -> bool {
        self.done_at.unwrap_or(now) > self.by
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum PromiseCall {
    /// Warn the owner: the promised time comes.
    Warn,
    /// Contact the customer now about a point.
    Contact {
        /// Which.
        point: Point,
    },
    /// He was not contacted in time: to the supervisor (R88).
    ContactMissed {
        /// Which.
        point: Point,
    },
    /// The promise is broken: to the supervisor; the customer hears why, an apology and a new time (R86, R88).
    Broken,
}

/// Something to be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromiseAction {
    /// To be remembered once done.
    pub key: ActionKey,
    /// What.
    #[serde(flatten)]
    pub call: PromiseCall,
    /// Of which promise; none for a point of the whole ticket.
    pub promise: Option<String>,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Every contact that is owed or was, in the order of time. A point that is reached while a promise has been
/// made to the customer is owed him once; one that nobody was promised anything about is the clocks' matter.
#[must_use]
pub fn duties(log: &[PromiseEvent], rules: &PromiseRules, now: DateTime<Utc>) -> Vec<Duty> {
    let standing = read(log, now);
    let contacts = |point: Point, from: DateTime<Utc>, to: DateTime<Utc>| {
        let told = log.iter().filter_map(move |event| match event {
            PromiseEvent::Contacted { point: about, at } if *about == point => Some(*at),
            // A new time is itself the contact about the old one.
            PromiseEvent::Made { promise } if point == Point::PromiseDue && promise.renews.is_some() => {
                Some(promise.made_at)
            }
            _ => None,
        });
        told.filter(|at| *at >= from && *at <= to.min(now)).min()
    };
    let mut duties = Vec::new();
    for known in &standing {
        let since = warned_at(known, rules);
        let ended = known.settled_at.filter(|_| known.outcome == Outcome::Kept);
        if since > now || ended.is_some_and(|ended| ended < since) {
            continue;
        }
        // A promise that is kept before its time owes the contact of a solved trouble, not of a promise due.
        let done_at = contacts(Point::PromiseDue, known.promise.made_at, DateTime::<Utc>::MAX_UTC).or(ended);
        let (by, promise) = (known.promise.due_at, Some(known.promise.id.clone()));
        duties.push(Duty { point: Point::PromiseDue, promise, since, by, done_at });
    }
    let first_promise = standing.iter().map(|known| known.promise.made_at).min();
    for event in log {
        let PromiseEvent::Reached { point, at } = event else { continue };
        if *at > now || *point == Point::PromiseDue || first_promise.is_none_or(|made| made > *at) {
            continue;
        }
        let by =
            rules.contact_within.length().and_then(|within| at.checked_add_signed(within)).unwrap_or(*at);
        let done_at = contacts(*point, *at, DateTime::<Utc>::MAX_UTC);
        let duty = Duty { point: *point, promise: None, since: *at, by, done_at };
        // The same point noted twice at one instant is one contact.
        if !duties.contains(&duty) {
            duties.push(duty);
        }
    }
    duties.sort_by_key(|duty| (duty.since, duty.point));
    duties
}

/// When the owner is warned: so long before, yet never before the promise was made.
fn warned_at(known: &Standing, rules: &PromiseRules) -> DateTime<Utc> {
    let before =
        rules.warn_before.length().and_then(|before| known.promise.due_at.checked_sub_signed(before));
    before.unwrap_or(known.promise.made_at).max(known.promise.made_at)
}

/// What must be done now and was not yet. Whoever does it remembers the key; asking again gives nothing, and a
/// promise that passes while nobody looks is still called broken.
#[must_use]
pub fn due_actions(
    log: &[PromiseEvent],
    rules: &PromiseRules,
    now: DateTime<Utc>,
    already_fired: &BTreeSet<ActionKey>,
) -> Vec<PromiseAction> {
    let mut actions = Vec::new();
    let mut call = |key: String, call: PromiseCall, promise: Option<String>, at: DateTime<Utc>| {
        let key = ActionKey(key);
        if !already_fired.contains(&key) {
            actions.push(PromiseAction { key, call, promise, at });
        }
    };
    for known in read(log, now) {
        let id = known.promise.id.clone();
        let warned_at = warned_at(&known, rules);
        match known.outcome {
            Outcome::Open if warned_at <= now => {
                call(format!("promise/{id}/warn"), PromiseCall::Warn, Some(id), warned_at);
            }
            Outcome::Broken => {
                let since = known.settled_at.unwrap_or(known.promise.due_at);
                call(format!("promise/{id}/broken"), PromiseCall::Broken, Some(id), since);
            }
            Outcome::Open | Outcome::Kept | Outcome::Renewed => {}
        }
    }
    for duty in duties(log, rules, now) {
        let (point, name) = (duty.point, duty.point.name());
        let of = duty.promise.clone().unwrap_or_else(|| duty.since.timestamp_micros().to_string());
        if duty.is_missed(now) {
            // A broken promise says it all.
            if duty.promise.is_none() {
                let missed = PromiseCall::ContactMissed { point };
                call(format!("contact/{of}/{name}/missed"), missed, duty.promise.clone(), duty.by);
            }
        } else if duty.done_at.is_none() {
            call(format!("contact/{of}/{name}"), PromiseCall::Contact { point }, duty.promise, duty.since);
        }
    }
    actions
}
