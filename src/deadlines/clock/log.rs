//! What a clock is computed from: what happened to a ticket, in order (tickets.md 7.2, rule 5).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::due::Interval;
use crate::policy::{Milestone, Policy, Target};

/// One entry of a ticket's event log, as far as clocks know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The ticket entered a state of tickets.md 4.2.
    Entered {
        /// Its name.
        state: String,
        /// Of `held_planned`: the work was announced before the fault, so the customer knew.
        #[serde(default)]
        announced: bool,
    },
    /// Something happened that starts, stops or voids clocks.
    Happened {
        /// What.
        milestone: Milestone,
        /// The time stated with it: a letter's date, a carrier's time, an order's deadline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<DateTime<Utc>>,
    },
}

impl LogEntry {
    /// Something happened.
    #[must_use]
    pub const fn happened(at: DateTime<Utc>, milestone: Milestone) -> Self {
        Self { at, what: What::Happened { milestone, due: None } }
    }

    /// Something happened with a time stated.
    #[must_use]
    pub const fn stated(at: DateTime<Utc>, milestone: Milestone, due: DateTime<Utc>) -> Self {
        Self { at, what: What::Happened { milestone, due: Some(due) } }
    }

    /// A state was entered.
    #[must_use]
    pub fn entered(at: DateTime<Utc>, state: &str) -> Self {
        Self { at, what: What::Entered { state: state.to_owned(), announced: false } }
    }

    /// `held_planned` was entered for work that was announced before the fault.
    #[must_use]
    pub fn held_for_announced_work(at: DateTime<Utc>) -> Self {
        Self { at, what: What::Entered { state: "held_planned".to_owned(), announced: true } }
    }
}

/// One run of a clock, from its start to whatever ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub started_at: DateTime<Utc>,
    pub stated: Option<DateTime<Utc>>,
    pub met_at: Option<DateTime<Utc>>,
    pub void_at: Option<DateTime<Utc>>,
    /// Between having been met and having come back.
    pub gaps: Vec<Interval>,
}

impl Run {
    const fn of(started_at: DateTime<Utc>, stated: Option<DateTime<Utc>>) -> Self {
        Self { started_at, stated, met_at: None, void_at: None, gaps: Vec::new() }
    }

    pub(crate) fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.met_at.or(self.void_at)
    }
}

/// The entries up to an instant, in order of time; those of one instant in the order of the log.
pub(crate) fn until(log: &[LogEntry], now: DateTime<Utc>) -> Vec<&LogEntry> {
    let mut seen: Vec<&LogEntry> = log.iter().filter(|entry| entry.at <= now).collect();
    seen.sort_by_key(|entry| entry.at);
    seen
}

/// The runs that a policy has in a log.
pub(crate) fn runs(policy: &Policy, log: &[&LogEntry]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for entry in log {
        let What::Happened { milestone, due } = &entry.what else { continue };
        let starts = policy.from.contains(milestone) && (due.is_some() || policy.target != Target::Stated);
        let meets = policy.to.contains(milestone);
        let at = entry.at;
        let Some(run) = runs.last_mut() else {
            runs.extend(starts.then(|| Run::of(at, *due)));
            continue;
        };
        match (run.met_at, run.void_at) {
            (None, None) if meets => {
                run.met_at = Some(at);
                if policy.repeats {
                    runs.push(Run::of(at, None));
                }
            }
            (None, None) if policy.void_by.contains(milestone) => run.void_at = Some(at),
            (None, None) if starts && policy.restarts => {
                run.void_at = Some(at);
                runs.push(Run::of(at, *due));
            }
            (Some(met_at), None) if policy.resumed_by.contains(milestone) => {
                run.gaps.extend(Interval::new(met_at, at).ok());
                run.met_at = None;
            }
            (Some(_), _) | (_, Some(_)) if starts && (policy.restarts || policy.repeats) => {
                runs.push(Run::of(at, *due));
            }
            _ => {}
        }
    }
    runs
}

/// When the policy's clocks stood; a pause that has not ended is cut at `now`. Second: since when, if they
/// stand now.
pub(crate) fn pauses(
    policy: &Policy,
    log: &[&LogEntry],
    now: DateTime<Utc>,
) -> (Vec<Interval>, Option<DateTime<Utc>>) {
    let mut pauses = Vec::new();
    let mut since: Option<DateTime<Utc>> = None;
    for entry in log {
        let What::Entered { state, announced } = &entry.what else { continue };
        let knew = state != "held_planned" || *announced;
        let stands = knew && policy.pause_in.contains(state);
        match (since, stands) {
            (None, true) => since = Some(entry.at),
            (Some(from), false) => {
                pauses.extend(Interval::new(from, entry.at).ok());
                since = None;
            }
            _ => {}
        }
    }
    if let Some(from) = since {
        pauses.extend(Interval::new(from, now).ok());
    }
    (pauses, since)
}
