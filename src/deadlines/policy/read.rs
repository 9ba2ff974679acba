//! Reads a table of deadlines from TOML and checks it whole.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use toml::Spanned;

use super::facts::{Match, Milestone, Purpose};
use super::{Agreement, OnDue, Overdue, Policies, Policy, PromiseRules, Refund, STATES, Threshold};
use super::{Reminder, Target};
use crate::calendar::Calendars;
use crate::due::Basis;
use crate::mistake::{Mistake, Mistakes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    valid_from: Option<DateTime<Utc>>,
    policy: Vec<Entry>,
    #[serde(default)]
    threshold: Vec<Threshold>,
    #[serde(default)]
    refund: Vec<Refund>,
    overdue: Overdue,
    promise: PromiseRules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    rule: Spanned<String>,
    title: String,
    title_zh: String,
    agreement: Agreement,
    purpose: Purpose,
    #[serde(default)]
    when: Match,
    target: Spanned<String>,
    basis: Spanned<Basis>,
    calendar: Spanned<String>,
    from: Spanned<Vec<Milestone>>,
    to: Spanned<Vec<Milestone>>,
    #[serde(default = "withdrawn")]
    void_by: Vec<Milestone>,
    #[serde(default)]
    resumed_by: Vec<Milestone>,
    #[serde(default)]
    repeats: bool,
    #[serde(default)]
    restarts: bool,
    #[serde(default)]
    pause_in: Vec<Spanned<String>>,
    #[serde(default)]
    warn: Vec<Spanned<String>>,
    #[serde(default)]
    on_due: OnDue,
}

fn withdrawn() -> Vec<Milestone> {
    vec![Milestone::Cancelled, Milestone::Rejected]
}

/// Reads a table; its calendars must be known.
///
/// # Errors
/// Every mistake with its place; of what is not in the form of a table, the first.
pub fn read(file: &str, text: &str, calendars: &Calendars) -> Result<Policies, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let mut policies: Vec<Policy> = Vec::with_capacity(read.policy.len());
    for entry in read.policy {
        if policies.iter().any(|known| known.id == *entry.id.get_ref()) {
            mistakes.add(
                entry.id.span(),
                format!("`{}` is there twice; give each an id of its own", entry.id.get_ref().escape_debug()),
            );
        }
        policies.extend(policy(entry, read.version, calendars, &mut mistakes));
    }
    mistakes.or(Policies {
        version: read.version,
        valid_from: read.valid_from,
        policies,
        thresholds: read.threshold,
        refunds: read.refund,
        overdue: read.overdue,
        promise: read.promise,
    })
}

fn policy(entry: Entry, version: u32, calendars: &Calendars, mistakes: &mut Mistakes<'_>) -> Option<Policy> {
    let id = entry.id.get_ref();
    if id.is_empty()
        || !id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        mistakes.add(entry.id.span(), "an id has lower-case letters, digits and hyphens");
    }
    let rule = entry.rule.get_ref();
    let number = rule.strip_prefix('R').or_else(|| rule.strip_prefix("section "));
    if number.is_none_or(|number| number.parse::<u16>().is_err()) {
        mistakes.add(entry.rule.span(), "a rule is named as in mission.md, such as R67 or section 9");
    }
    if calendars.get(entry.calendar.get_ref()).is_none() {
        let known: Vec<&str> = calendars.names().collect();
        let name = entry.calendar.get_ref().escape_debug();
        mistakes.add(entry.calendar.span(), format!("no calendar `{name}`; known are {}", known.join(", ")));
    }
    for list in [&entry.from, &entry.to] {
        if list.get_ref().is_empty() {
            mistakes
                .add(list.span(), "name at least one event; without one the clock never runs or never ends");
        }
    }
    for state in &entry.pause_in {
        let name = state.get_ref().as_str();
        if !STATES.contains(&name) {
            let message = format!("no state `{}`; known are {}", name.escape_debug(), STATES.join(", "));
            mistakes.add(state.span(), message);
        }
        if name == "held_external" && entry.agreement == Agreement::Sla {
            let message = "waiting for a carrier does not pause what the customer was told; take held_external out, \
                           or make it agreement = \"OLA\"";
            mistakes.add(state.span(), message);
        }
    }
    let target: Target = match entry.target.get_ref().parse() {
        Ok(target) => target,
        Err(wrong) => {
            mistakes.add(entry.target.span(), wrong);
            return None;
        }
    };
    if target.basis() != *entry.basis.get_ref() {
        let message = format!("a target of {target} has another basis: {}", basis_name(target.basis()));
        mistakes.add(entry.basis.span(), message);
    }
    let warn = reminders(&entry.warn, target, mistakes);
    Some(Policy {
        id: entry.id.into_inner(),
        version,
        rule: entry.rule.into_inner(),
        title: entry.title,
        title_zh: entry.title_zh,
        agreement: entry.agreement,
        purpose: entry.purpose,
        when: entry.when,
        target,
        calendar: entry.calendar.into_inner(),
        from: entry.from.into_inner(),
        to: entry.to.into_inner(),
        void_by: entry.void_by,
        resumed_by: entry.resumed_by,
        repeats: entry.repeats,
        restarts: entry.restarts,
        pause_in: entry.pause_in.into_iter().map(Spanned::into_inner).collect(),
        warn,
        on_due: entry.on_due,
    })
}

fn reminders(texts: &[Spanned<String>], target: Target, mistakes: &mut Mistakes<'_>) -> Vec<Reminder> {
    let mut reminders = Vec::new();
    for text in texts {
        let reminder: Reminder = match text.get_ref().parse() {
            Ok(reminder) => reminder,
            Err(wrong) => {
                mistakes.add(text.span(), wrong);
                continue;
            }
        };
        let whole = match target {
            Target::Within(span) => span.length(),
            Target::ByDayOfMonth(_) | Target::Stated => None,
        };
        if let (Some(leaves), Some(whole)) = (reminder.leaves(), whole)
            && leaves >= whole
        {
            mistakes
                .add(text.span(), format!("it would come before the clock starts: the target is {target}"));
        }
        if matches!(reminder, Reminder::OnDay(_)) && target.basis() != Basis::CalendarDays {
            mistakes.add(
                text.span(),
                "a day is counted only towards calendar days; write `80 %` or `2 hours before`",
            );
        }
        reminders.push(reminder);
    }
    reminders
}

const fn basis_name(basis: Basis) -> &'static str {
    match basis {
        Basis::Elapsed => "elapsed",
        Basis::BusinessMinutes => "business_minutes",
        Basis::WorkingDays => "working_days",
        Basis::CalendarDays => "calendar_days",
    }
}
