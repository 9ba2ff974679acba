//! The report of a month: what is frozen, its hash, and how it differs from another.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use linesman_deadlines::policy::{self, Policies};
use linesman_process::statistics::{Bases, Handling, Period, Report, TicketFacts, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::locale::{Language, Message};
use crate::ticket::chain::hex;
use crate::ticket::{Ticket, TicketId};

use super::Month;
use super::facts::{NOT_NAMED, carrier_at, facts};

/// Version of how the figures are made of tickets; a change of [`super::facts`] or of the counting is another.
const COUNTING: u32 = 3;
/// Of so many tickets on a problem becomes a suggestion ...
const FREQUENT_FROM: u64 = 3;
/// ... where it is one in so many.
const FREQUENT_SHARE: u64 = 5;
/// A suggestion names no more tickets than this.
const MOST_NAMED: usize = 20;

/// A figure with its target and that of the month before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name in outputs.
    pub id: String,
    /// The rule of the procedure.
    pub rule: String,
    /// What it is called, in English.
    pub title: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// How much.
    pub value: Value,
    /// The same of the month before, where that is known.
    pub before: Option<Value>,
    /// At least so many percent.
    pub target_percent: Option<u32>,
    /// Whether the target is reached; `None` without target or where nothing was counted.
    pub is_reached: Option<bool>,
}

impl Row {
    /// What it is called.
    #[must_use]
    pub fn title(&self, language: Language) -> &str {
        match language {
            Language::English => &self.title,
            Language::Chinese => &self.title_zh,
        }
    }
}

/// A ticket of the month, without anybody's words (R119).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number.
    pub ticket: String,
    /// Kind of work.
    pub kind: String,
    /// Class of trouble, by letter.
    pub class: Option<String>,
    /// Its cause, as far as it is known.
    pub problem: Option<String>,
    /// How far it came.
    pub handling: Handling,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// When it was solved.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// The report of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The month, as `2026-10`.
    pub month: String,
    /// Its first instant, and that of the next month.
    pub period: Period,
    /// By which versions of the rules it was counted.
    pub rule_version: String,
    /// With how many it compares.
    pub bases: Bases,
    /// The counts.
    pub report: Report,
    /// The counts of the month before.
    pub before: Option<Report>,
    /// The figures, made of both.
    pub figures: Vec<Row>,
    /// What the management is advised to look at (R118).
    pub suggestions: Vec<Message>,
    /// Every ticket that was counted (R119).
    pub cases: Vec<Case>,
}

/// A report that was kept as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// What was kept.
    pub content: Content,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
    /// SHA-256 of the content.
    pub sha256: String,
}

impl Frozen {
    /// Keeps a report.
    #[must_use]
    pub fn of(content: Content, at: DateTime<Utc>, by: &str) -> Self {
        Self { sha256: content.sha256(), content, at, by: by.to_owned() }
    }

    /// Whether the content is what was kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.content.sha256() == self.sha256
    }
}

/// A figure that is another in two reports of the same month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name in outputs.
    pub id: String,
    /// What it is called, in English.
    pub title: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// As it was frozen; `None` where it was not counted then.
    pub frozen: Option<Value>,
    /// As it is counted now; `None` where it is not counted any more.
    pub now: Option<Value>,
}

/// The versions of the rules that a report made now is counted by.
#[must_use]
pub fn rule_version(month: Month) -> String {
    let table = deadlines(month).map_or(0, |table| table.version);
    format!("counting {COUNTING}, deadlines {table}")
}

/// The table whose figures a month is held against: the one that held when it began.
fn deadlines(month: Month) -> Option<&'static Policies> {
    crate::procedure::deadlines_at(month.period().from)
}

impl Content {
    /// Counts the tickets of a month and of the one before, as they stand at an instant.
    #[must_use]
    pub fn of(
        month: Month,
        tickets: &[Ticket],
        before: Option<Report>,
        bases: Bases,
        at: DateTime<Utc>,
    ) -> Self {
        let period = month.period();
        let by_id: BTreeMap<&TicketId, &Ticket> = tickets.iter().map(|ticket| (&ticket.id, ticket)).collect();
        let mut all: Vec<TicketFacts> = tickets.iter().map(|ticket| counted(ticket, &by_id, at)).collect();
        all.retain(|ticket| period.holds(ticket.registered_at));
        all.sort_by(|a, b| (a.registered_at, &a.ticket).cmp(&(b.registered_at, &b.ticket)));
        let report = Report::of(period, bases, &all);
        let figures = match deadlines(month) {
            Some(table) => report.figures(table, before.as_ref()),
            None => Vec::new(),
        };
        let figures: Vec<Row> = figures
            .into_iter()
            .map(|figure| Row {
                id: figure.id.to_owned(),
                rule: figure.rule.to_owned(),
                title: figure.title.en,
                title_zh: figure.title.zh,
                value: figure.value,
                before: figure.before,
                target_percent: figure.target_percent,
                is_reached: figure.is_reached,
            })
            .collect();
        let suggestions = suggestions(&report, before.as_ref(), &figures, &all);
        let cases = all
            .into_iter()
            .map(|ticket| Case {
                kind: ticket.kind.name().to_owned(),
                ticket: ticket.ticket,
                class: ticket.class,
                problem: ticket.problem,
                handling: ticket.handling,
                registered_at: ticket.registered_at,
                resolved_at: ticket.resolved_at,
            })
            .collect();
        Self {
            month: month.to_string(),
            period,
            rule_version: rule_version(month),
            bases,
            report,
            before,
            figures,
            suggestions,
            cases,
        }
    }

    /// SHA-256 over the report as a document.
    #[must_use]
    pub fn sha256(&self) -> String {
        // A report has no value that cannot be written; if it had, its hash would fit nothing.
        let document = serde_json::to_string(self).unwrap_or_default();
        hex(&Sha256::digest(document.as_bytes()))
    }

    /// Figures that this report, counted now, has otherwise than `frozen`.
    #[must_use]
    pub fn differences(&self, frozen: &Self) -> Vec<Difference> {
        let then: BTreeMap<&str, &Row> = frozen.figures.iter().map(|row| (row.id.as_str(), row)).collect();
        let gone = frozen.figures.iter().filter(|row| !self.figures.iter().any(|now| now.id == row.id));
        let changed = self.figures.iter().filter_map(|row| {
            let known = then.get(row.id.as_str()).map(|known| known.value);
            (known != Some(row.value)).then(|| difference(row, known, Some(row.value)))
        });
        changed.chain(gone.map(|row| difference(row, Some(row.value), None))).collect()
    }

    /// Tickets of the regulator's three classes and what is in none of them, of complaints and appeals.
    #[must_use]
    pub fn unclassified(&self) -> u64 {
        self.report.unclassified
    }
}

/// The facts of a ticket; a carrier that it does not name is that of the ticket above, which has the repair.
fn counted(ticket: &Ticket, by_id: &BTreeMap<&TicketId, &Ticket>, at: DateTime<Utc>) -> TicketFacts {
    let mut known = facts(ticket, at);
    let above = ticket.process.parent.as_ref().and_then(|parent| by_id.get(parent));
    if let Some(carrier) = above.and_then(|above| carrier_at(above, at)) {
        for promise in known.promises.iter_mut().filter(|one| one.carrier.as_deref() == Some(NOT_NAMED)) {
            promise.carrier = Some(carrier.trim().to_owned());
        }
    }
    known
}

fn difference(row: &Row, frozen: Option<Value>, now: Option<Value>) -> Difference {
    Difference { id: row.id.clone(), title: row.title.clone(), title_zh: row.title_zh.clone(), frozen, now }
}

/// What the figures advise (R118, R119): nothing is advised where nothing stands out.
fn suggestions(
    report: &Report,
    before: Option<&Report>,
    figures: &[Row],
    tickets: &[TicketFacts],
) -> Vec<Message> {
    let mut advice = Vec::new();
    let named = |fits: &dyn Fn(&TicketFacts) -> bool| {
        let numbers: Vec<&str> =
            tickets.iter().filter(|ticket| fits(ticket)).map(|ticket| ticket.ticket.as_str()).collect();
        let mut list = numbers[..numbers.len().min(MOST_NAMED)].join(", ");
        if numbers.len() > MOST_NAMED {
            list.push_str(", …");
        }
        (numbers.len(), list)
    };
    let missed = |id: &str| figures.iter().any(|row| row.id == id && row.is_reached == Some(false));
    let is_complaint = |ticket: &TicketFacts| ticket.kind == policy::Kind::Complaint;
    let mut advise = |name: &str, fits: &dyn Fn(&TicketFacts) -> bool| {
        let (count, tickets) = named(fits);
        if count > 0 {
            let message = Message::new(&format!("report.advice_{name}"));
            advice.push(message.with("count", count).with("tickets", tickets));
        }
    };
    if missed("handling-rate") {
        advise("handling", &|ticket| is_complaint(ticket) && ticket.handling == Handling::Open);
    }
    if missed("satisfaction-rate") {
        use linesman_process::statistics::Rating;
        advise("satisfaction", &|ticket| ticket.rating == Some(Rating::Dissatisfied));
    }
    if missed("confirmation-accuracy") {
        advise("confirmation", &|ticket| ticket.confirmed_right == Some(false));
    }
    advise("deadlines", &|ticket| ticket.handling != Handling::Withdrawn && ticket.deadlines_missed > 0);
    advise("promises", &|ticket| ticket.handling != Handling::Withdrawn && ticket.promises_broken > 0);
    advise("reopened", &|ticket| ticket.handling != Handling::Withdrawn && ticket.was_reopened);
    advise("unclassified", &|ticket| {
        is_complaint(ticket) && ticket.handling != Handling::Withdrawn && ticket.class.is_none()
    });
    for share in &report.problems {
        let is_frequent =
            share.rate.reached >= FREQUENT_FROM && share.rate.reached * FREQUENT_SHARE >= share.rate.of;
        let Some((class, problem)) = share.name.split_once(' ').filter(|_| is_frequent) else { continue };
        let was = before.map_or(0, |before| {
            before
                .problems
                .iter()
                .find(|known| known.name == share.name)
                .map_or(0, |known| known.rate.reached)
        });
        let message = Message::new("report.advice_frequent").with("class", class);
        let cause = format!("cause.{problem}");
        let numbers = message.with("count", share.rate.reached).with("of", share.rate.of).with("before", was);
        advice.push(numbers.with("problem", if is_cause(problem) { cause } else { problem.to_owned() }));
    }
    advice
}

fn is_cause(name: &str) -> bool {
    crate::diagnosis::Cause::all().any(|cause| cause.name() == name)
}
