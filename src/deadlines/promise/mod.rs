//! Promises: every time told to a customer is an obligation (R86, R96).
//!
//! A promise has an owner, is warned of before, and ends kept, renewed with a reason, or broken: it never just
//! goes away. While it is open the customer is contacted at four points (R96): when the cause is found, when
//! the promised time comes, when a measure is available, when it is solved. As clocks, promises are computed
//! from what happened, and what must be done is asked for once.
//!
//! [`Promise`] is one told time and what became of it; [`action`] holds what must be done now; [`rate`] the
//! figures of a month.

pub mod action;
pub mod rate;
pub mod renew;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use action::{Duty, PromiseAction, PromiseCall, due_actions, duties};
pub use rate::Tally;
pub use renew::{renewals, renewals_by_carrier};

/// Whose word it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Our own.
    Own,
    /// A carrier's time for its repair; a new one renews the promise ([`renewals_by_carrier`]).
    CarrierEta,
    /// The end of announced work; another end renews it, and service that is not back then breaks it.
    AnnouncedWork,
}

/// A time told to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Its name within the ticket.
    pub id: String,
    /// What was promised.
    pub text: String,
    /// When it was told.
    pub made_at: DateTime<Utc>,
    /// For when.
    pub due_at: DateTime<Utc>,
    /// Who answers for it: the first owner (R96).
    pub owner: String,
    /// Who was told.
    pub made_to: String,
    /// Whose word it rests on.
    pub source: Source,
    /// Why it took the place of an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<Renews>,
}

/// Which promise another takes the place of, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renews {
    /// The earlier one.
    pub id: String,
    /// Why: told to the customer with an apology (R86).
    pub reason: String,
}

/// The points at which the customer is contacted (R96).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// The cause is found.
    CauseFound,
    /// The promised time comes.
    PromiseDue,
    /// A measure is available.
    MeasureAvailable,
    /// It is solved: call back and ask him to test (R97).
    Solved,
}

impl Point {
    /// All four.
    pub const ALL: [Self; 4] = [Self::CauseFound, Self::PromiseDue, Self::MeasureAvailable, Self::Solved];

    /// The name in outputs, and the purpose of the contact in the ticket's contact log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CauseFound => "cause_found",
            Self::PromiseDue => "promise_due",
            Self::MeasureAvailable => "measure_available",
            Self::Solved => "solved",
        }
    }
}

/// What happens around a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PromiseEvent {
    /// It was made, or takes the place of one that stood.
    Made {
        /// The promise.
        promise: Promise,
    },
    /// What was promised has happened: measured, not said.
    Kept {
        /// Which promise.
        id: String,
        /// When.
        at: DateTime<Utc>,
        /// What proves it.
        evidence: String,
    },
    /// It cannot be kept any more, whatever its time: broken.
    Broken {
        /// Which promise.
        id: String,
        /// When that was seen.
        at: DateTime<Utc>,
        /// What shows it.
        reason: String,
    },
    /// One of the points was reached, other than the promised time itself.
    Reached {
        /// Which.
        point: Point,
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer was contacted.
    Contacted {
        /// About which point.
        point: Point,
        /// When.
        at: DateTime<Utc>,
    },
}

impl PromiseEvent {
    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Made { promise } => promise.made_at,
            Self::Kept { at, .. }
            | Self::Broken { at, .. }
            | Self::Reached { at, .. }
            | Self::Contacted { at, .. } => *at,
        }
    }
}

/// What became of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its time has not come.
    Open,
    /// It was kept in time.
    Kept,
    /// A new time with a reason was told before or at its own.
    Renewed,
    /// Its time passed with neither.
    Broken,
}

/// A promise as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The promise.
    pub promise: Promise,
    /// What became of it.
    pub outcome: Outcome,
    /// When that was settled; one that time alone has broken is at its own time.
    pub settled_at: Option<DateTime<Utc>>,
    /// When it was kept after all, if late.
    pub kept_late_at: Option<DateTime<Utc>>,
    /// The one that took its place.
    pub renewed_as: Option<String>,
}

/// Why a promise cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromiseRefusal {
    /// Its time has passed.
    #[error("a promise for {due_at} cannot be made at {made_at}; name a time to come (R86)")]
    Past {
        /// When it would be told.
        made_at: DateTime<Utc>,
        /// For when.
        due_at: DateTime<Utc>,
    },
    /// Nobody answers for it.
    #[error("a promise needs an owner who answers for it; name the first owner (R96)")]
    NoOwner,
    /// A new time without a reason.
    #[error("a new time needs a reason, told to the customer with an apology (R86)")]
    NoReason,
    /// The id is taken.
    #[error("there is a promise `{0}` already; give the new one an id of its own")]
    Taken(String),
    /// There is none to renew or keep.
    #[error("there is no promise `{0}` on this ticket")]
    Unknown(String),
    /// It has been renewed or kept already.
    #[error("promise `{0}` is settled; renew the one that took its place, or make a new one")]
    Settled(String),
}

/// Makes a promise, or renews one: the event to append.
///
/// # Errors
/// When a part of it is missing, or what it renews is not there or settled. A broken one may still be renewed:
/// the customer is told a new time, and the old one stays broken.
pub fn make(log: &[PromiseEvent], promise: Promise) -> Result<PromiseEvent, PromiseRefusal> {
    if promise.due_at <= promise.made_at {
        return Err(PromiseRefusal::Past { made_at: promise.made_at, due_at: promise.due_at });
    }
    if promise.owner.trim().is_empty() {
        return Err(PromiseRefusal::NoOwner);
    }
    let standing = read(log, promise.made_at);
    if standing.iter().any(|known| known.promise.id == promise.id) {
        return Err(PromiseRefusal::Taken(promise.id));
    }
    if let Some(renews) = &promise.renews {
        if renews.reason.trim().is_empty() {
            return Err(PromiseRefusal::NoReason);
        }
        open_or_broken(&standing, &renews.id)?;
    }
    Ok(PromiseEvent::Made { promise })
}

/// Keeps a promise: the event to append. One that is broken can be kept late; it stays broken.
///
/// # Errors
/// When it is not there, or settled.
pub fn keep(
    log: &[PromiseEvent],
    id: &str,
    at: DateTime<Utc>,
    evidence: &str,
) -> Result<PromiseEvent, PromiseRefusal> {
    open_or_broken(&read(log, at), id)?;
    Ok(PromiseEvent::Kept { id: id.to_owned(), at, evidence: evidence.to_owned() })
}

/// Breaks a promise before its time: the event to append.
///
/// # Errors
/// When it is not there, or not open any more.
pub fn fail(
    log: &[PromiseEvent],
    id: &str,
    at: DateTime<Utc>,
    reason: &str,
) -> Result<PromiseEvent, PromiseRefusal> {
    let standing = read(log, at);
    let known = standing.iter().find(|known| known.promise.id == id);
    match known.ok_or_else(|| PromiseRefusal::Unknown(id.to_owned()))?.outcome {
        Outcome::Open => Ok(PromiseEvent::Broken { id: id.to_owned(), at, reason: reason.to_owned() }),
        _ => Err(PromiseRefusal::Settled(id.to_owned())),
    }
}

fn open_or_broken(standing: &[Standing], id: &str) -> Result<(), PromiseRefusal> {
    let known = standing.iter().find(|known| known.promise.id == id);
    match known.ok_or_else(|| PromiseRefusal::Unknown(id.to_owned()))? {
        Standing { outcome: Outcome::Open, .. } => Ok(()),
        Standing { outcome: Outcome::Broken, kept_late_at: None, renewed_as: None, .. } => Ok(()),
        _ => Err(PromiseRefusal::Settled(id.to_owned())),
    }
}

/// All promises of a ticket's log as they stand at an instant, in the order in which they were made. Events
/// after it are not known yet; those of one instant count in the order of the log.
#[must_use]
pub fn read(log: &[PromiseEvent], now: DateTime<Utc>) -> Vec<Standing> {
    let mut standing: Vec<Standing> = Vec::new();
    let mut known: Vec<&PromiseEvent> = log.iter().filter(|event| event.at() <= now).collect();
    known.sort_by_key(|event| event.at());
    for event in known {
        match event {
            PromiseEvent::Made { promise } => {
                if let Some(renews) = &promise.renews
                    && let Some(earlier) = find(&mut standing, &renews.id)
                {
                    earlier.renew(promise);
                }
                standing.push(Standing::of(promise.clone()));
            }
            PromiseEvent::Kept { id, at, .. } => {
                if let Some(kept) = find(&mut standing, id) {
                    kept.keep(*at);
                }
            }
            PromiseEvent::Broken { id, at, .. } => {
                if let Some(broken) = find(&mut standing, id) {
                    broken.fail(*at);
                }
            }
            PromiseEvent::Reached { .. } | PromiseEvent::Contacted { .. } => {}
        }
    }
    for promise in &mut standing {
        promise.pass(now);
    }
    standing
}

fn find<'s>(standing: &'s mut [Standing], id: &str) -> Option<&'s mut Standing> {
    standing.iter_mut().find(|known| known.promise.id == id)
}

impl Standing {
    const fn of(promise: Promise) -> Self {
        Self { promise, outcome: Outcome::Open, settled_at: None, kept_late_at: None, renewed_as: None }
    }

    fn keep(&mut self, at: DateTime<Utc>) {
        self.pass(at);
        match self.outcome {
            Outcome::Open => (self.outcome, self.settled_at) = (Outcome::Kept, Some(at)),
            Outcome::Broken => self.kept_late_at = self.kept_late_at.or(Some(at)),
            Outcome::Kept | Outcome::Renewed => {}
        }
    }

    fn fail(&mut self, at: DateTime<Utc>) {
        self.pass(at);
        if matches!(self.outcome, Outcome::Open) {
            (self.outcome, self.settled_at) = (Outcome::Broken, Some(at));
        }
    }

    fn renew(&mut self, by: &Promise) {
        self.pass(by.made_at);
        if matches!(self.outcome, Outcome::Open) {
            (self.outcome, self.settled_at) = (Outcome::Renewed, Some(by.made_at));
        }
        if !matches!(self.outcome, Outcome::Kept) && self.renewed_as.is_none() {
            self.renewed_as = Some(by.id.clone());
        }
    }

    /// Time alone breaks a promise: at its time it may still be kept, after it no more.
    fn pass(&mut self, now: DateTime<Utc>) {
        if matches!(self.outcome, Outcome::Open) && now > self.promise.due_at {
            (self.outcome, self.settled_at) = (Outcome::Broken, Some(self.promise.due_at));
        }
    }

    /// Whether somebody still has to do something about it: open, or broken and neither renewed nor kept late.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        match self.outcome {
            Outcome::Open => true,
            Outcome::Broken => self.kept_late_at.is_none() && self.renewed_as.is_none(),
            Outcome::Kept | Outcome::Renewed => false,
        }
    }
}

#[cfg(test)]
mod tests;
