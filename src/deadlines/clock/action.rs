//! What a clock asks for: reminders, a trigger, an escalation; each once (tickets.md 7.2, rule 8; R88).

use std::collections::BTreeSet;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Clock, ClockState, Reading};
use crate::calendar::Opening;
use crate::due::DueError;
use crate::due::trace::Trace;
use crate::policy::{Level, OnDue, Reminder};

/// Names an action of a clock: policy, run and what; never twice for one ticket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionKey(pub String);

impl std::fmt::Display for ActionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Remind whoever has it.
    Remind(Reminder),
    /// It is overdue: escalate, tell the customer why, apologise (R88).
    Breach,
    /// Begin what it triggers (R78).
    Trigger,
}

/// Something that is to be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// To be remembered once done.
    pub key: ActionKey,
    /// What.
    pub call: Call,
    /// Since when it was to be done.
    pub at: DateTime<Utc>,
    /// When the clock is due.
    pub due_at: DateTime<Utc>,
    /// The policy.
    pub policy: String,
    /// The rule of mission.md.
    pub rule: String,
    /// Which run.
    pub run: u32,
    /// Earlier ones that this one makes idle, after a time without looking; to be remembered with it.
    pub overtakes: Vec<ActionKey>,
}

impl Clock<'_> {
    /// What is to be done now and was not yet. Reminders wait for a window of the calendar, except from level
    /// orange on. Whoever does it remembers the key and those it overtakes; asking again gives nothing.
    ///
    /// # Errors
    /// When a due time cannot be computed.
    pub fn due_actions(
        &self,
        now: DateTime<Utc>,
        level: Option<Level>,
        already_fired: &BTreeSet<ActionKey>,
    ) -> Result<Vec<Action>, DueError> {
        let mut actions = Vec::new();
        for reading in self.readings(now)? {
            actions.extend(self.due_action(&reading, now, level, already_fired)?);
        }
        Ok(actions)
    }

    /// When something is to be done next, if nothing happens until then: to sleep until.
    ///
    /// # Errors
    /// When a due time cannot be computed.
    pub fn next_action_at(
        &self,
        now: DateTime<Utc>,
        level: Option<Level>,
        already_fired: &BTreeSet<ActionKey>,
    ) -> Result<Option<DateTime<Utc>>, DueError> {
        let mut next: Option<DateTime<Utc>> = None;
        for reading in self.readings(now)? {
            if reading.state != ClockState::Running && reading.state != ClockState::Breached {
                continue;
            }
            let (ends, _) = self.end_of(&reading);
            if already_fired.contains(&ends) {
                continue;
            }
            let reminders = self.reminders(&reading, level)?;
            let waiting = reminders.into_iter().filter(|(_, key, _)| !already_fired.contains(key));
            let at = waiting.map(|(at, ..)| at).chain([reading.due_at]).filter(|at| *at >= now).min();
            next = [next, Some(at.unwrap_or(now))].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn due_action(
        &self,
        reading: &Reading,
        now: DateTime<Utc>,
        level: Option<Level>,
        already_fired: &BTreeSet<ActionKey>,
    ) -> Result<Option<Action>, DueError> {
        let (ends, call) = self.end_of(reading);
        if reading.state == ClockState::Void || already_fired.contains(&ends) {
            return Ok(None);
        }
        let action = |key, call, at, overtakes| Action {
            key,
            call,
            at,
            due_at: reading.due_at,
            policy: reading.policy.clone(),
            rule: reading.rule.clone(),
            run: reading.run,
            overtakes,
        };
        let waiting = |(_, key, _): &(DateTime<Utc>, ActionKey, Reminder)| !already_fired.contains(key);
        let passed =
            matches!(reading.state, ClockState::Breached | ClockState::MetLate | ClockState::Triggered);
        if passed {
            let reminders = self.reminders(reading, level)?;
            let overtakes = reminders.into_iter().filter(waiting).map(|(_, key, _)| key).collect();
            return Ok(Some(action(ends, call, reading.due_at, overtakes)));
        }
        if reading.state != ClockState::Running {
            return Ok(None);
        }
        let reminders = self.reminders(reading, level)?;
        // A later one that was sent makes the earlier idle, also when the due time has moved since.
        let sent = reminders.iter().rposition(|(_, key, _)| already_fired.contains(key));
        let mut come: Vec<_> = reminders
            .into_iter()
            .skip(sent.map_or(0, |last| last + 1))
            .filter(|(at, ..)| *at <= now)
            .collect();
        let Some((at, key, reminder)) = come.pop() else { return Ok(None) };
        let overtakes = come.into_iter().map(|(_, key, _)| key).collect();
        Ok(Some(action(key, Call::Remind(reminder), at, overtakes)))
    }

    fn end_of(&self, reading: &Reading) -> (ActionKey, Call) {
        match self.policy.on_due {
            OnDue::Escalate => (key(reading, "breach"), Call::Breach),
            OnDue::Trigger => (key(reading, "trigger"), Call::Trigger),
        }
    }

    /// When each reminder is to be sent, in order.
    fn reminders(
        &self,
        reading: &Reading,
        level: Option<Level>,
    ) -> Result<Vec<(DateTime<Utc>, ActionKey, Reminder)>, DueError> {
        let budget = self.budget(reading, &reading.pauses);
        let walk = self.walk(&reading.pauses);
        let mut reminders = Vec::new();
        for reminder in &self.policy.warn {
            let after = |length: TimeDelta| match length > TimeDelta::zero() && length < budget {
                true => {
                    walk.forward(reading.started_at, length, &mut Trace::default()).map(|end| Some(end.at))
                }
                false => Ok(None),
            };
            let at = match reminder {
                Reminder::Share(share) => after(share_of(budget, *share))?,
                Reminder::Before(_) => match reminder.leaves().and_then(|left| budget.checked_sub(&left)) {
                    Some(length) => after(length)?,
                    None => None,
                },
                Reminder::OnDay(day) => {
                    let date = self.calendar.date(reading.started_at);
                    let day = date.checked_add_days(Days::new(u64::from(*day)));
                    day.map(|day| self.calendar.zone().day_begins(day)).filter(|at| *at < reading.due_at)
                }
            };
            let Some(at) = at else { continue };
            let at = match level.is_some_and(Level::knows_no_closing_time) {
                true => at,
                false => self.within_windows(at, reading),
            };
            reminders.push((at, key(reading, &format!("warn {reminder}")), *reminder));
        }
        reminders.sort_by_key(|(at, ..)| *at);
        Ok(reminders)
    }

    /// The next instant at which it is worked; where that would be too late, the last opening before; else as
    /// it is: a reminder after the due time is none.
    fn within_windows(&self, at: DateTime<Utc>, reading: &Reading) -> DateTime<Utc> {
        if let Some(open) = self.calendar.next_open(at).filter(|open| *open < reading.due_at) {
            return open;
        }
        let mut last = None;
        for opening in self.calendar.openings(reading.started_at) {
            match opening {
                Opening::Window { from, .. } if from < at => last = Some(from),
                Opening::Window { .. } => break,
                Opening::Day(day) if self.calendar.zone().day_begins(day.date) > at => break,
                Opening::Day(_) => {}
            }
        }
        last.unwrap_or(at)
    }
}

fn key(reading: &Reading, what: &str) -> ActionKey {
    ActionKey(format!("{}/{}/{what}", reading.policy, reading.run))
}

/// Rounded up to whole seconds.
fn share_of(budget: TimeDelta, share: u8) -> TimeDelta {
    let seconds = budget.num_seconds().saturating_mul(i64::from(share));
    TimeDelta::seconds(seconds.div_euclid(100) + i64::from(seconds.rem_euclid(100) > 0))
}
