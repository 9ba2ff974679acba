//! What the procedure says of each request, written from the procedure and not from the guards.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use linesman::store::Role;

pub(super) const LEVELS: [&str; 5] = ["blue", "yellow", "orange", "red", "red_plus"];
pub(super) const KINDS: [&str; 5] = ["complaint", "fault", "consultation", "recharge", "follow_up"];
pub(super) const RECORDS: [&str; 8] = [
    "maintenance_record",
    "test_review",
    "finance_sign_off",
    "accounting_method",
    "finance_outcome",
    "knowledge",
    "comparison",
    "evidence",
];

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Classify { class: &'static str, level: Option<&'static str>, ours: bool, server: bool },
    Assign { late: bool },
    Accept,
    Contact { purpose: &'static str, reached: bool, reply: bool },
    Ask,
    Hold(u8),
    WorkDone(u8),
    Resume,
    Claim,
    Walk,
    Verify(bool),
    Waive,
    Record(&'static str),
    Confirm,
    Solve,
    Report(bool),
    Agree { satisfied: bool, article: bool },
    Unanswered,
    Reopen,
    Level(&'static str),
    Reject,
    Promise(i64),
    Cancel,
}

/// A request: what, by whom, and whether the ticket was seen as it is.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) step: Step,
    pub(super) by: Role,
    pub(super) stale: bool,
}

/// What comes of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Answered {
    Done,
    Forbidden,
    Stale,
    /// The rules of all that is not met, in order.
    Refused(Vec<String>),
}

/// What the model remembers, in its own words.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) kind: &'static str,
    pub(super) state: &'static str,
    pub(super) since: DateTime<Utc>,
    pub(super) class: Option<&'static str>,
    pub(super) level: Option<&'static str>,
    pub(super) server: bool,
    pub(super) unclear: bool,
    pub(super) ours: bool,
    pub(super) owner: Option<Role>,
    pub(super) confirmed: bool,
    pub(super) walked: bool,
    /// Measured, or waived.
    pub(super) proof: Option<bool>,
    /// When, reached, with a time for the reply, purpose.
    pub(super) calls: Vec<(DateTime<Utc>, bool, bool, &'static str)>,
    pub(super) works: Vec<(u8, bool)>,
    pub(super) records: BTreeSet<&'static str>,
    /// Made, due, kept.
    pub(super) promises: Vec<(DateTime<Utc>, DateTime<Utc>, bool)>,
}

pub(super) const WORKED_ON: [&str; 4] = ["in_progress", "pending_customer", "held_external", "held_planned"];
pub(super) const OVER: [&str; 3] = ["closed", "rejected", "cancelled"];
pub(super) const SOLVED: [&str; 3] = ["resolved", "awaiting_confirmation", "settled"];

impl Model {
    pub(super) fn new(kind: &'static str, now: DateTime<Utc>) -> Self {
        Self {
            kind,
            state: "registered",
            since: now,
            class: None,
            level: None,
            server: false,
            unclear: false,
            ours: false,
            owner: None,
            confirmed: false,
            walked: false,
            proof: None,
            calls: Vec::new(),
            works: Vec::new(),
            records: BTreeSet::new(),
            promises: Vec::new(),
        }
    }

    pub(super) fn is_complaint(&self) -> bool {
        self.kind == "complaint"
    }

    /// Something is repaired, not only answered.
    pub(super) fn is_repair(&self) -> bool {
        matches!(self.kind, "complaint" | "fault") && self.class != Some("E")
    }

    pub(super) fn is_final(&self) -> bool {
        OVER.contains(&self.state)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.is_final() && !SOLVED.contains(&self.state)
    }

    pub(super) fn spoke(&self) -> bool {
        self.calls.iter().any(|(_, reached, ..)| *reached)
    }

    pub(super) fn told(&self, purpose: &str) -> bool {
        self.calls.iter().any(|(_, reached, _, of)| *reached && *of == purpose)
    }

    /// The least role that may ask for it.
    pub(super) fn least(step: &Step) -> Role {
        match step {
            Step::Verify(_) | Step::Confirm => Role::Technician,
            Step::Waive | Step::Reject | Step::Record("test_review") => Role::Manager,
            Step::Record("finance_sign_off" | "finance_outcome") => Role::Billing,
            _ => Role::Agent,
        }
    }

    /// Rules of all that stands against it, once for each condition.
    pub(super) fn against(&self, step: &Step, by: Role, now: DateTime<Utc>) -> Vec<&'static str> {
        let mut rules = Vec::new();
        let mut need = |met: bool, rule: &'static str| {
            if !met {
                rules.push(rule);
            }
        };
        let among = |states: &[&str]| states.contains(&self.state);
        match step {
            Step::Classify { class, level, ours, server } => {
                need(
                    among(&["registered", "classified", "assigned", "in_progress", "reopened", "verifying"]),
                    "R64",
                );
                need(!*server || *class == "B", "R48");
                let graded =
                    if self.is_complaint() { level.or(self.level).is_some() } else { level.is_none() };
                need(graded, "R54");
                // Whose fault it is and how grave is judged by who leads complaints, not by who repairs.
                let judged = *ours && !self.ours;
                let regraded = level.is_some() && *level != self.level;
                need(by != Role::Technician || !self.is_complaint() || !(judged || regraded), "R17");
            }
            Step::Assign { late } => {
                let at_hand = among(&["classified", "assigned", "reopened"]) || among(&WORKED_ON);
                need(at_hand, "R51");
                need(!late, "R51");
            }
            Step::Accept => {
                need(among(&["assigned", "reopened"]), "R96");
                need(self.owner == Some(by), "R96");
                let heard = self.calls.iter().any(|(_, reached, reply, _)| *reached && *reply);
                need(!self.is_complaint() || heard, "R37");
            }
            Step::Contact { purpose, reply, .. } => {
                need(!among(&["rejected", "cancelled"]), "R92");
                need(*purpose != "first_response" || !self.is_complaint() || *reply, "R37");
            }
            Step::Ask => {
                need(among(&WORKED_ON), "R92");
                need(self.calls.iter().any(|(at, reached, ..)| *reached && *at >= self.since), "R92");
            }
            Step::Hold(work) => {
                need(among(&WORKED_ON), "R42");
                need(self.works.iter().all(|(known, _)| known != work), "R42");
                need(self.promises.iter().any(|(_, due, kept)| !kept && now <= *due), "R86");
            }
            Step::WorkDone(work) => {
                need(!self.is_final(), "R42");
                need(self.works.contains(&(*work, false)), "R42");
            }
            Step::Resume => {
                need(among(&["pending_customer", "held_external", "held_planned", "reopened"]), "R92");
            }
            Step::Claim => {
                need(among(&["in_progress", "held_external", "held_planned", "reopened"]), "R61");
                need(self.class.is_some(), "R48");
                need(self.class != Some("A") || self.records.contains("comparison"), "R58");
            }
            Step::Walk | Step::Promise(1..) => need(!self.is_final(), "R86"),
            Step::Promise(_) => {
                need(!self.is_final(), "R86");
                need(false, "R86");
            }
            Step::Verify(_) | Step::Waive => need(self.state == "verifying", "R61"),
            Step::Record(_) => need(!self.is_final(), "R107"),
            Step::Confirm => {
                need(!self.is_final(), "R24");
                need(self.class.is_some(), "R48");
            }
            Step::Solve if self.is_repair() => {
                need(self.walked, "R57");
                need(self.state == "verifying", "R61");
                need(self.proof.is_some(), "R61");
                need(self.confirmed && self.class.is_some(), "R24");
                let is_somewhere = matches!(self.class, Some("B" | "C" | "D"));
                need(self.server || !is_somewhere, "R24");
                need(!self.server || self.records.contains("maintenance_record"), "R41");
                need(self.class != Some("D") || self.records.contains("test_review"), "R63");
                need(self.class != Some("A") || self.records.contains("finance_sign_off"), "R59");
                need(self.class != Some("A") || self.records.contains("accounting_method"), "R59");
                need(self.works.iter().all(|(_, done)| *done), "R105");
            }
            Step::Solve => {
                need(among(&["in_progress", "verifying"]), "R95");
                match self.kind {
                    "recharge" => {
                        need(self.records.contains("finance_outcome"), "R66");
                        need(self.told("recharge_notice"), "R66");
                    }
                    "follow_up" => need(self.spoke(), "R106"),
                    _ => need(self.told("answer"), "R65"),
                }
            }
            Step::Report(asked) => {
                need(self.state == "resolved", "R76");
                need(*asked || !self.is_repair(), "R97");
            }
            Step::Agree { satisfied, article } => {
                need(self.state == "awaiting_confirmation", "R77");
                need(*satisfied, "R104");
                let wants = self.is_repair() && matches!(self.class, Some("B" | "C" | "D"));
                need(!wants || *article || self.records.contains("knowledge"), "R108");
            }
            // All happens within a day: nobody was tried on three.
            Step::Unanswered => {
                need(self.state == "awaiting_confirmation", "R77");
                need(false, "R77");
            }
            Step::Reopen => need(among(&SOLVED), "R104"),
            Step::Level(level) => {
                need(!self.is_final(), "R54");
                need(self.is_complaint(), "R54");
                need(self.level != Some(*level), "R54");
                need(by != Role::Technician || !self.is_complaint(), "R17");
            }
            Step::Reject => {
                need(among(&["registered", "classified"]), "R33");
                need(self.spoke(), "R33");
                need(!self.unclear, "R35");
                need(!self.is_complaint() || self.records.contains("evidence"), "R33");
            }
            Step::Cancel => {
                need(self.is_open(), "R33");
                let last = self.promises.iter().map(|(made, ..)| *made).max();
                let spoke = last
                    .is_none_or(|last| self.calls.iter().any(|(at, reached, ..)| *reached && *at >= last));
                need(spoke, "R86");
            }
        }
        rules
    }

    /// What a request that happens changes.
    pub(super) fn take(&mut self, step: &Step, now: DateTime<Utc>) {
        let before = self.state;
        match step {
            Step::Classify { class, level, ours, server } => {
                self.class = Some(class);
                self.level = level.or(self.level);
                self.server = *server;
                // That it is not clear takes no judgement back.
                self.ours |= *ours;
                self.unclear = !self.ours;
                self.confirmed = false;
                if self.state == "registered" {
                    self.state = "classified";
                }
            }
            Step::Assign { .. } => {
                self.owner = Some(Role::Technician);
                if self.state == "classified" {
                    self.state = "assigned";
                }
            }
            Step::Accept | Step::Resume => self.state = "in_progress",
            Step::Contact { purpose, reached, reply } => self.calls.push((now, *reached, *reply, purpose)),
            Step::Ask => self.state = "pending_customer",
            Step::Hold(work) => {
                self.works.push((*work, false));
                self.state = "held_external";
            }
            Step::WorkDone(work) => {
                self.works.iter_mut().filter(|(known, _)| known == work).for_each(|known| known.1 = true);
            }
            Step::Claim => {
                self.state = "verifying";
                self.proof = None;
            }
            Step::Walk => self.walked = true,
            Step::Verify(passed) => {
                self.proof = passed.then_some(true);
                if !passed {
                    self.state = "in_progress";
                }
            }
            Step::Waive => self.proof = Some(false),
            Step::Record(kind) => drop(self.records.insert(kind)),
            Step::Confirm => self.confirmed = true,
            Step::Solve => {
                self.state = "resolved";
                if self.proof == Some(true) {
                    self.promises.iter_mut().for_each(|known| known.2 = true);
                }
            }
            Step::Report(_) => {
                self.state = "awaiting_confirmation";
                self.calls.push((now, true, false, "result"));
            }
            Step::Agree { .. } | Step::Unanswered => self.state = "settled",
            Step::Reopen => {
                self.state = "reopened";
                self.proof = None;
                if self.is_complaint() {
                    let place = self.level.and_then(|level| LEVELS.iter().position(|known| *known == level));
                    self.level = place.map(|place| LEVELS[(place + 1).min(LEVELS.len() - 1)]);
                }
            }
            Step::Level(level) => self.level = Some(level),
            Step::Reject => self.state = "rejected",
            Step::Promise(hours) => self.promises.push((now, now + TimeDelta::hours(*hours), false)),
            Step::Cancel => self.state = "cancelled",
        }
        if self.state != before {
            self.since = now;
        }
    }
}
