//! Clocks: a policy on a ticket's log (tickets.md 7.2, rules 5, 6, 8 and 9).
//!
//! Nothing is counted and stored: [`Clock::readings`] computes everything from the log each time, so a policy
//! that changes keeps the time used and paused, and a late entry puts right what came before it. What must
//! happen is a list of [`Action`]s with keys; whoever carries one out remembers its key, and it is never asked
//! for again, whatever the clock shows afterwards.

pub mod action;
pub mod log;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::Serialize;

pub use action::{Action, ActionKey, Call};
pub use log::{LogEntry, What};

use crate::calendar::Calendar;
use crate::due::trace::{Step, Trace};
use crate::due::walk::{Counts, Walk};
use crate::due::{Due, DueError, Interval, counts, due, joined, monthly_due};
use crate::policy::{Agreement, OnDue, Policy, Purpose, Target};
use log::Run;

/// A policy, its calendar and a ticket's log.
#[derive(Debug, Clone, Copy)]
pub struct Clock<'c> {
    /// The policy, in the version that this clock was started with.
    pub policy: &'c Policy,
    /// The calendar that the policy names.
    pub calendar: &'c Calendar,
    /// What happened.
    pub log: &'c [LogEntry],
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// It runs, and the due time has not come.
    Running,
    /// It stands.
    Paused,
    /// It was met in time.
    Met,
    /// It was met after the due time.
    MetLate,
    /// The due time has passed.
    Breached,
    /// The time of a trigger has come.
    Triggered,
    /// It ended without being met or missed.
    Void,
}

/// What a clock shows at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The policy.
    pub policy: String,
    /// Its version.
    pub policy_version: u32,
    /// The rule of mission.md.
    pub rule: String,
    /// Towards whom.
    pub agreement: Agreement,
    /// What for.
    pub purpose: Purpose,
    /// Which run, from 1: news every day is many.
    pub run: u32,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it is due; of a clock that stands, if it ran on from now.
    pub due_at: DateTime<Utc>,
    /// A day on the way has no official word yet.
    pub provisional: bool,
    /// How it stands.
    pub state: ClockState,
    /// Seconds used, in the time that counts.
    pub used_s: i64,
    /// Seconds left, in the time that counts; below zero, so many over.
    pub remaining_s: i64,
    /// Since when it stands.
    pub paused_since: Option<DateTime<Utc>>,
    /// When it was met.
    pub met_at: Option<DateTime<Utc>>,
    /// The due time that passed.
    pub breached_at: Option<DateTime<Utc>>,
    /// When it stood.
    pub pauses: Vec<Interval>,
    /// Why it is due then.
    pub trace: Vec<Step>,
}

impl Reading {
    /// Whether it waits to be met.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.met_at.is_none() && !matches!(self.state, ClockState::Void)
    }

    /// Keeps a breach that was acted upon: what a customer was told is not taken back when a calendar or a
    /// late entry would move the due time afterwards.
    pub fn keep_breach(&mut self, told_at: DateTime<Utc>) {
        if self.breached_at.is_some() {
            return;
        }
        self.breached_at = Some(told_at);
        self.state = match self.state {
            ClockState::Running | ClockState::Paused => ClockState::Breached,
            ClockState::Met => ClockState::MetLate,
            other => other,
        };
    }
}

impl Clock<'_> {
    /// What it shows at an instant, run by run; the last one is the one that counts. Entries after the instant
    /// are not known yet.
    ///
    /// # Errors
    /// When a due time cannot be computed.
    pub fn readings(&self, now: DateTime<Utc>) -> Result<Vec<Reading>, DueError> {
        let log = log::until(self.log, now);
        let (pauses, since) = log::pauses(self.policy, &log, now);
        let runs = log::runs(self.policy, &log);
        let reading = |(index, run)| self.reading(index, run, &pauses, since, now);
        runs.iter().enumerate().map(reading).collect()
    }

    /// The run that counts, if it started.
    ///
    /// # Errors
    /// When a due time cannot be computed.
    pub fn reading_now(&self, now: DateTime<Utc>) -> Result<Option<Reading>, DueError> {
        Ok(self.readings(now)?.pop())
    }

    fn reading(
        &self,
        index: usize,
        run: &Run,
        pauses: &[Interval],
        since: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Reading, DueError> {
        let mut pauses = pauses.to_vec();
        pauses.extend(&run.gaps);
        let pauses = joined(&pauses);
        let Due { due: due_at, provisional, trace } = self.due(run, &pauses)?;

        let end = run.ended_at().unwrap_or(now);
        let walk = self.walk(&pauses);
        let used = walk.counted(run.started_at, end);
        let remaining = match end <= due_at {
            true => walk.counted(end, due_at),
            false => -walk.counted(due_at, end),
        };
        let is_trigger = self.policy.on_due == OnDue::Trigger;
        let passed = end > due_at || (is_trigger && end == due_at);
        let paused_since = since.filter(|_| run.ended_at().is_none()).map(|from| from.max(run.started_at));
        let state = match (run.met_at, run.void_at) {
            (_, Some(_)) => ClockState::Void,
            (Some(_), None) if passed && !is_trigger => ClockState::MetLate,
            (Some(_), None) => ClockState::Met,
            (None, None) if passed && is_trigger => ClockState::Triggered,
            (None, None) if passed => ClockState::Breached,
            (None, None) if paused_since.is_some() => ClockState::Paused,
            (None, None) => ClockState::Running,
        };
        let whole = Interval::new(run.started_at, end).ok();
        Ok(Reading {
            policy: self.policy.id.clone(),
            policy_version: self.policy.version,
            rule: self.policy.rule.clone(),
            agreement: self.policy.agreement,
            purpose: self.policy.purpose,
            run: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
            started_at: run.started_at,
            due_at,
            provisional,
            state,
            used_s: used.num_seconds(),
            remaining_s: remaining.num_seconds(),
            paused_since,
            met_at: run.met_at,
            breached_at: (passed && !is_trigger).then_some(due_at),
            pauses: pauses.iter().filter_map(|pause| pause.within(whole?)).collect(),
            trace,
        })
    }

    fn due(&self, run: &Run, pauses: &[Interval]) -> Result<Due, DueError> {
        let stated = |at| {
            let mut trace = Trace::default();
            trace.add(run.started_at, Step::Started { at: run.started_at });
            trace.add(run.started_at, Step::Stated { at });
            Due { due: at, provisional: false, trace: trace.ended(at) }
        };
        if let Some(at) = run.stated {
            return Ok(stated(at));
        }
        match self.policy.target {
            Target::Within(span) => due(self.calendar, run.started_at, span, pauses),
            Target::ByDayOfMonth(day) => {
                let first = self.calendar.date(run.started_at);
                let monthly = monthly_due(self.calendar, first.year(), first.month(), day)?;
                // No working day lies between: nobody can have done it before the month began, so the day itself
                // counts to its end.
                let by = first.with_day(day).and_then(|date| date.succ_opt());
                let at = match by.filter(|_| monthly.before_generation) {
                    Some(after) => self.calendar.zone().day_begins(after),
                    None => monthly.due,
                };
                Ok(Due { provisional: monthly.provisional, ..stated(at) })
            }
            // Without a stated time no run begins.
            Target::Stated => Ok(stated(run.started_at)),
        }
    }

    fn walk<'w>(&'w self, pauses: &'w [Interval]) -> Walk<'w> {
        let counts = match self.policy.target {
            Target::Within(span) => counts(span.basis()),
            Target::ByDayOfMonth(_) | Target::Stated => Counts::Everything,
        };
        Walk { calendar: self.calendar, counts, pauses }
    }

    /// The time that counts between a reading's start and its due time.
    fn budget(&self, reading: &Reading, pauses: &[Interval]) -> TimeDelta {
        self.walk(pauses).counted(reading.started_at, reading.due_at)
    }
}

/// Of readings for one purpose the strictest: the one that is due first; readings that are void or met do not
/// stand in the way of one that is open.
#[must_use]
pub fn strictest(readings: &[Reading], purpose: Purpose) -> Option<&Reading> {
    let of_purpose = readings.iter().filter(|reading| reading.purpose == purpose);
    of_purpose.min_by_key(|reading| (!reading.is_open(), reading.due_at))
}

/// Clocks of carriers and departments that end after the one towards the customer in which they are nested: what
/// was agreed below does not carry what was told above (tickets.md 7.2, rule 9).
pub fn outlasting<'r>(
    towards_the_customer: &Reading,
    readings: &'r [Reading],
) -> impl Iterator<Item = &'r Reading> {
    let due_at = towards_the_customer.due_at;
    let below = |reading: &&Reading| reading.agreement != Agreement::Sla && reading.is_open();
    readings.iter().filter(below).filter(move |reading| reading.due_at > due_at)
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;

#[cfg(test)]
mod property_tests;
