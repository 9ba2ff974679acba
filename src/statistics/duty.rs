//! What a month that is over still asks of people: its summary and its improvement plan, each by its day (R81).
//!
//! A clock as a ticket has them, with a log of two entries: the month was over, somebody did it. Deliberately
//! absent: who is told; the worker that looks at it says so.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use linesman_deadlines::clock::{Action, ActionKey, Call, Clock, ClockState, LogEntry, Reading};
use linesman_deadlines::policy::{Milestone, Policy};
use linesman_deadlines::{Calendar, Policies};
use serde::Serialize;
use utoipa::ToSchema;

use crate::locale::Message;
use crate::procedure;
use crate::ticket::registration::named;

use super::Month;

/// How an instant stands in a note.
const INSTANT: &str = "%Y-%m-%d %H:%M UTC";

named! {
    /// What a month asks for.
    Duty {
        /// The monthly summary.
        Summary = "summary",
        /// The improvement plan.
        Plan = "plan",
    }
}

impl Duty {
    const fn policy(self) -> &'static str {
        match self {
            Self::Summary => "monthly-summary",
            Self::Plan => "improvement-plan",
        }
    }

    const fn milestone(self) -> Milestone {
        match self {
            Self::Summary => Milestone::MonthlySummaryDone,
            Self::Plan => Milestone::ImprovementPlanDone,
        }
    }
}

/// That somebody did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What.
    pub duty: Duty,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Where it is, in his words.
    pub note: String,
}

/// How what a month asks for stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DutyState {
    /// What.
    pub duty: Duty,
    /// The rule of the procedure.
    pub rule: String,
    /// What it is called, in English.
    pub title: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// By when.
    pub due_at: DateTime<Utc>,
    /// running, met, met_late or breached.
    #[schema(value_type = String)]
    pub state: ClockState,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// By whom.
    pub done_by: Option<String>,
    /// Where it is.
    pub note: Option<String>,
}

impl DutyState {
    /// Whether its time has passed and nobody did it.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.state == ClockState::Breached
    }

    /// In a sentence.
    #[must_use]
    pub fn say(&self) -> Message {
        let key = match (&self.done_at, self.is_overdue()) {
            (Some(_), _) => "report.duty_done",
            (None, true) => "report.duty_overdue",
            (None, false) => "report.duty_open",
        };
        let done_at = self.done_at.map(|at| at.format(INSTANT).to_string()).unwrap_or_default();
        Message::new(key)
            .with_both("title", &self.title, &self.title_zh)
            .with("rule", &self.rule)
            .with("due", self.due_at.format(INSTANT))
            .with("at", done_at)
            .with("by", self.done_by.as_deref().unwrap_or_default())
    }
}

/// What a clock asks for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyCall {
    /// Names it, with its month: asked for once.
    pub key: String,
    /// Names of earlier ones that it makes idle.
    pub overtakes: Vec<String>,
    /// Of what.
    pub duty: Duty,
    /// Its time has passed; else it is reminded of.
    pub is_breach: bool,
    /// When it is or was due.
    pub due_at: DateTime<Utc>,
}

/// The table that holds for what a month asks: the one in force when it was over.
fn ruled(month: Month, duty: Duty) -> Option<(&'static Policy, &'static Calendar)> {
    let table: &'static Policies = procedure::deadlines_at(month.period().to)?;
    let policy = table.get(duty.policy())?;
    Some((policy, procedure::in_force().calendars.get(&policy.calendar)?))
}

fn log(month: Month, duty: Duty, done: &[Done]) -> Vec<LogEntry> {
    let began = LogEntry::happened(month.period().to, Milestone::MonthStarted);
    let done = done.iter().find(|known| known.duty == duty);
    let done = done.map(|known| LogEntry::happened(known.at.max(began.at), duty.milestone()));
    std::iter::once(began).chain(done).collect()
}

fn state(duty: Duty, policy: &Policy, reading: Reading, done: &[Done]) -> DutyState {
    let done = done.iter().find(|known| known.duty == duty);
    DutyState {
        duty,
        rule: policy.rule.clone(),
        title: policy.title.clone(),
        title_zh: policy.title_zh.clone(),
        due_at: reading.due_at,
        state: reading.state,
        done_at: done.map(|known| known.at),
        done_by: done.map(|known| known.by.clone()),
        note: done.map(|known| known.note.clone()).filter(|note| !note.is_empty()),
    }
}

/// How what a month asks for stands at an instant; nothing before the month is over.
#[must_use]
pub fn duties(month: Month, done: &[Done], now: DateTime<Utc>) -> Vec<DutyState> {
    let of = |duty: &Duty| {
        let (policy, calendar) = ruled(month, *duty)?;
        let log = log(month, *duty, done);
        let reading = Clock { policy, calendar, log: &log }.reading_now(now).ok()??;
        Some(state(*duty, policy, reading, done))
    };
    Duty::ALL.iter().filter_map(of).collect()
}

/// What is to be asked for now and was not; asking again after it was gives nothing.
#[must_use]
pub fn calls(month: Month, done: &[Done], asked: &BTreeSet<String>, now: DateTime<Utc>) -> Vec<DutyCall> {
    let named = |key: &ActionKey| format!("{month}/{}", key.0);
    let known: BTreeSet<ActionKey> = asked
        .iter()
        .filter_map(|key| key.strip_prefix(&format!("{month}/")))
        .map(|key| ActionKey(key.to_owned()))
        .collect();
    let of = |duty: &Duty| {
        let (policy, calendar) = ruled(month, *duty)?;
        let log = log(month, *duty, done);
        let actions = Clock { policy, calendar, log: &log }.due_actions(now, None, &known).ok()?;
        let call = |action: Action| DutyCall {
            key: named(&action.key),
            overtakes: action.overtakes.iter().map(named).collect(),
            duty: *duty,
            is_breach: action.call == Call::Breach,
            due_at: action.due_at,
        };
        Some(actions.into_iter().map(call).collect::<Vec<DutyCall>>())
    };
    Duty::ALL.iter().filter_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Language;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn r81_a_month_asks_for_its_summary_and_plan_by_the_last_working_day_by_the_5th_and_10th() {
        // The 5th of April 2026 is a Sunday, the 3rd a Friday. In October nobody works before the 8th: the 5th itself counts.
        for (month, summary, plan) in [
            ("2026-03", "2026-04-03T10:00:00Z", "2026-04-10T10:00:00Z"),
            ("2026-09", "2026-10-05T16:00:00Z", "2026-10-10T10:00:00Z"),
            ("2026-10", "2026-11-05T10:00:00Z", "2026-11-10T10:00:00Z"),
        ] {
            let month: Month = month.parse().expect("a month");
            let over = month.period().to;
            assert_eq!(duties(month, &[], over - chrono::TimeDelta::seconds(1)), [], "not before it is over");
            let due: Vec<_> = duties(month, &[], over).into_iter().map(|one| one.due_at).collect();
            assert_eq!(due, [at(summary), at(plan)], "{month}");
        }
    }

    #[test]
    fn r81_what_is_done_is_met_what_is_late_is_said_and_each_is_asked_for_once() {
        let month: Month = "2026-10".parse().expect("a month");
        let done = |duty, when: &str| Done { duty, at: at(when), by: "wu".into(), note: "minutes".into() };
        let (in_time, late) = ("2026-11-04T08:00:00Z", "2026-11-06T08:00:00Z");
        let known = [done(Duty::Summary, in_time)];
        let states = duties(month, &known, at(late));
        assert_eq!((states[0].state, states[1].state), (ClockState::Met, ClockState::Running));
        assert_eq!(states[0].done_by.as_deref(), Some("wu"));
        assert_eq!(duties(month, &[done(Duty::Summary, late)], at(late))[0].state, ClockState::MetLate);
        for (language, words) in [(Language::English, "overdue"), (Language::Chinese, "逾期")] {
            let said = duties(month, &[], at(late))[0].say().render(language);
            assert!(said.contains(words) && !said.contains('{'), "{said}");
        }

        let mut asked = BTreeSet::new();
        let mut ask = |now: &str, done: &[Done]| -> Vec<(Duty, bool)> {
            let calls = calls(month, done, &asked, at(now));
            asked.extend(calls.iter().flat_map(|call| {
                call.overtakes.iter().cloned().chain([call.key.clone()]).collect::<Vec<String>>()
            }));
            calls.into_iter().map(|call| (call.duty, call.is_breach)).collect()
        };
        assert_eq!(ask("2026-11-01T00:00:00Z", &[]), []);
        assert_eq!(ask("2026-11-05T09:00:00Z", &[]), [(Duty::Summary, false)], "a reminder");
        assert_eq!(ask("2026-11-05T09:00:00Z", &[]), []);
        assert_eq!(ask("2026-11-06T09:00:00Z", &[]), [(Duty::Summary, true)]);
        assert_eq!(ask("2026-11-07T09:00:00Z", &[]), []);
        let plan = [done(Duty::Plan, "2026-11-08T08:00:00Z")];
        assert_eq!(ask("2026-11-20T09:00:00Z", &plan), [], "what was done in time is not asked for");
    }
}
