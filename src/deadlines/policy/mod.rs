//! The table of deadlines: every rule of R67 to R88 and the regulator's clock (mission.md sections 6 and 9).
//!
//! The table is data: [`defaults`] reads the shipped `default.toml`, one entry a rule, and an operator's file
//! in the same form may stand in its place. [`mod@facts`] holds what it speaks of, [`target`] how long and when
//! to warn, [`read`] the reader with its checks.

pub mod facts;
pub mod read;
pub mod target;

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use facts::{Caller, Facts, Kind, Level, Match, Milestone, Purpose, Urgency};
pub use target::{Reminder, Target, TargetError};

use crate::due::Span;

/// Towards whom a deadline binds (tickets.md 7.2, rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Agreement {
    /// Service level, towards the customer.
    #[serde(rename = "SLA")]
    Sla,
    /// Operational level, within the house.
    #[serde(rename = "OLA")]
    Ola,
    /// Underpinning contract, of a carrier or vendor; never pauses what the customer was told.
    #[serde(rename = "UC")]
    Uc,
}

/// What the due time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDue {
    /// It is a deadline: escalate to the supervisor, tell the customer why, apologise (R88).
    #[default]
    Escalate,
    /// It is a trigger: something is begun (R78).
    Trigger,
}

/// States in which a clock can pause: those of tickets.md 4.2.
pub const STATES: [&str; 15] = [
    "registered",
    "classified",
    "assigned",
    "in_progress",
    "pending_customer",
    "held_external",
    "held_planned",
    "verifying",
    "resolved",
    "awaiting_confirmation",
    "reopened",
    "settled",
    "closed",
    "rejected",
    "cancelled",
];

/// One deadline of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub id: String,
    /// Version of the table that it was read from; a clock keeps its own (tickets.md 7.2, rule 5).
    pub version: u32,
    /// The rule of mission.md.
    pub rule: String,
    /// What it says, in English.
    pub title: String,
    /// What it says, in Chinese.
    pub title_zh: String,
    /// Towards whom.
    pub agreement: Agreement,
    /// What for.
    pub purpose: Purpose,
    /// For which tickets.
    pub when: Match,
    /// How long.
    pub target: Target,
    /// Calendar of the windows and of the reminders, by name.
    pub calendar: String,
    /// What starts it.
    pub from: Vec<Milestone>,
    /// What meets it.
    pub to: Vec<Milestone>,
    /// What ends it without meeting or missing it.
    pub void_by: Vec<Milestone>,
    /// What makes a met one run on, the time between left out (R104).
    pub resumed_by: Vec<Milestone>,
    /// Once met it starts anew: news every day.
    pub repeats: bool,
    /// A later start begins it anew: the level has changed, the carrier gave a new time.
    pub restarts: bool,
    /// States in which it stands; `held_planned` only where the work was announced before the fault.
    pub pause_in: Vec<String>,
    /// When to warn.
    pub warn: Vec<Reminder>,
    /// What the due time means.
    pub on_due: OnDue,
}

/// A figure that must be reached (R80, R83 to R85).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Its name.
    pub id: String,
    /// The rule of mission.md.
    pub rule: String,
    /// What it says, in English.
    pub title: String,
    /// What it says, in Chinese.
    pub title_zh: String,
    /// At least so many ...
    pub at_least: u32,
    /// ... of so many.
    pub of: u32,
}

impl Threshold {
    /// Whether `reached` of `all` is enough; `None` when there was nothing to count.
    #[must_use]
    pub fn is_reached(&self, reached: u64, all: u64) -> Option<bool> {
        let enough =
            || u128::from(reached) * u128::from(self.of) >= u128::from(self.at_least) * u128::from(all);
        (all > 0).then(enough)
    }
}

/// What is refunded (R87).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// When: `no_subscription_record` or `tariff_differs`.
    pub when: String,
    /// The rule of mission.md.
    pub rule: String,
    /// How many times the amount.
    pub factor: u32,
}

/// What happens when a deadline passes (R88).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overdue {
    /// The rule of mission.md.
    pub rule: String,
    /// To whom it goes: the supervisor of the ticket's level.
    pub escalate_to: String,
    /// The customer is told why.
    pub tell_customer: bool,
    /// With an apology.
    pub apologise: bool,
}

/// How promises are watched (R86, R96).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseRules {
    /// The rule of mission.md.
    pub rule: String,
    /// How long before the promise its owner is warned.
    pub warn_before: Span,
    /// Within which time of a point of R96 the customer is contacted.
    pub contact_within: Span,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policies {
    /// Counts changes of the table.
    pub version: u32,
    /// It holds for tickets that are registered from then on; the shipped one for those before.
    pub valid_from: Option<DateTime<Utc>>,
    /// Deadlines.
    pub policies: Vec<Policy>,
    /// Figures.
    pub thresholds: Vec<Threshold>,
    /// Refunds.
    pub refunds: Vec<Refund>,
    /// What happens when a deadline passes.
    pub overdue: Overdue,
    /// Promises.
    pub promise: PromiseRules,
}

impl Policies {
    /// The deadlines of a ticket with these facts.
    pub fn applicable<'p>(&'p self, facts: &'p Facts) -> impl Iterator<Item = &'p Policy> {
        self.policies.iter().filter(|policy| policy.when.holds(facts))
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.id == id)
    }
}

/// The shipped table as it is written: what an own one begins with.
pub const SHIPPED: &str = include_str!("default.toml");

static DEFAULTS: LazyLock<Option<Policies>> =
    LazyLock::new(|| read::read("default.toml", SHIPPED, &crate::calendar::official::calendars()).ok());

/// The shipped table; that it can be read is held by a test, so there always is one.
#[must_use]
pub fn defaults() -> Option<&'static Policies> {
    DEFAULTS.as_ref()
}

#[cfg(test)]
mod tests;
