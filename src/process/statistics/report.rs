//! The counts of a month.

use std::collections::BTreeMap;

use linesman_deadlines::policy::Kind;
use serde::{Deserialize, Serialize};

use super::facts::{Handling, Period, Rating, RegulatorClass, TicketFacts, Word};
use super::rate::{Mean, Rate};

/// How many there are to compare with; `None` where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bases {
    /// Customers (R117).
    pub customers: Option<u64>,
    /// Users, as regulators count them.
    pub users: Option<u64>,
}

/// Promises by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromiseCounts {
    /// Kept in time.
    pub kept: u64,
    /// Renewed with a reason before their time.
    pub renewed: u64,
    /// Broken.
    pub broken: u64,
}

impl PromiseCounts {
    fn add(&mut self, word: Word) {
        match word {
            Word::Kept => self.kept += 1,
            Word::Renewed => self.renewed += 1,
            Word::Broken => self.broken += 1,
        }
    }

    /// Those that were not broken, of all: as the figure of the month counts them.
    #[must_use]
    pub const fn rate(self) -> Rate {
        let reached = self.kept.saturating_add(self.renewed);
        Rate { reached, of: reached.saturating_add(self.broken) }
    }
}

/// How often something is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// What.
    pub name: String,
    /// So many of all.
    pub rate: Rate,
}

/// The counts of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The month.
    pub period: Period,
    /// Tickets registered in it, those withdrawn included.
    pub volume: u64,
    /// By kind.
    pub by_kind: BTreeMap<Kind, u64>,
    /// By class of trouble; "-" where not classified.
    pub by_class: BTreeMap<String, u64>,
    /// Complaints.
    pub complaints: u64,
    /// R83: complaints handled or explained, of those not withdrawn.
    pub handled: Rate,
    /// R84: satisfied or basically so, of those who said.
    pub satisfied: Rate,
    /// R85: problems confirmed rightly, of those judged by a person.
    pub confirmed: Rate,
    /// R116: from registration to solution.
    pub handling_time: Mean,
    /// Deadlines towards customers that were met.
    pub sla_met: Rate,
    /// Promises that were kept.
    pub promises_kept: Rate,
    /// Solved tickets that were reopened.
    pub reopened: Rate,
    /// R122: solved by who accepted them.
    pub first_contact: Rate,
    /// R116: problems, the most frequent first.
    pub problems: Vec<Share>,
    /// R117: complaints by product or service, the most frequent first.
    pub products: Vec<Share>,
    /// R117: complaints for the customers there are.
    pub complaint_share: Option<Rate>,
    /// Appeals to the regulator.
    pub appeals: u64,
    /// Appeals for the users there are.
    pub appeal_rate: Option<Rate>,
    /// Complaints and appeals in the regulator's classes; what is not classified is in none.
    pub regulator: BTreeMap<RegulatorClass, u64>,
    /// Complaints and appeals that are not classified.
    pub unclassified: u64,
    /// R116: answers of the survey: of each item how often each score was given. Absent from months that were
    /// frozen before it was counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub survey: BTreeMap<String, BTreeMap<u64, u64>>,
    /// R86, R96: promises by who answered for them. Absent from months that were frozen before it was counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub promises_by_owner: BTreeMap<String, PromiseCounts>,
    /// R86: promises that rested on a carrier's time, by carrier; likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub promises_by_carrier: BTreeMap<String, PromiseCounts>,
}

impl Report {
    /// Counts the tickets that were registered in a period.
    #[must_use]
    pub fn of(period: Period, bases: Bases, tickets: &[TicketFacts]) -> Self {
        let own: Vec<&TicketFacts> =
            tickets.iter().filter(|ticket| period.holds(ticket.registered_at)).collect();
        let mut report = Self::empty(period);
        let (mut problems, mut products) = (BTreeMap::new(), BTreeMap::new());
        for ticket in &own {
            report.add(ticket);
            if ticket.handling == Handling::Withdrawn {
                continue;
            }
            if let Some(problem) = &ticket.problem {
                let class = ticket.class.as_deref().unwrap_or("-");
                *problems.entry(format!("{class} {problem}")).or_default() += 1;
            }
            if let Some(product) = ticket.product.as_ref().filter(|_| ticket.kind == Kind::Complaint) {
                *products.entry(product.clone()).or_default() += 1;
            }
        }
        report.problems = shares(problems);
        report.products = shares(products);
        let for_all = |reached: u64, of: Option<u64>| of.map(|of| Rate { reached, of });
        report.complaint_share = for_all(report.complaints, bases.customers);
        report.appeal_rate = for_all(report.appeals, bases.users);
        report
    }

    fn empty(period: Period) -> Self {
        Self {
            period,
            volume: 0,
            by_kind: BTreeMap::new(),
            by_class: BTreeMap::new(),
            complaints: 0,
            handled: Rate::default(),
            satisfied: Rate::default(),
            confirmed: Rate::default(),
            handling_time: Mean::default(),
            sla_met: Rate::default(),
            promises_kept: Rate::default(),
            reopened: Rate::default(),
            first_contact: Rate::default(),
            problems: Vec::new(),
            products: Vec::new(),
            complaint_share: None,
            appeals: 0,
            appeal_rate: None,
            regulator: BTreeMap::new(),
            unclassified: 0,
            survey: BTreeMap::new(),
            promises_by_owner: BTreeMap::new(),
            promises_by_carrier: BTreeMap::new(),
        }
    }

    fn add(&mut self, ticket: &TicketFacts) {
        self.volume += 1;
        *self.by_kind.entry(ticket.kind).or_default() += 1;
        if ticket.handling == Handling::Withdrawn {
            return;
        }
        let class = ticket.class.clone().unwrap_or_else(|| "-".to_owned());
        *self.by_class.entry(class).or_default() += 1;
        let is_complaint = ticket.kind == Kind::Complaint;
        if is_complaint {
            self.complaints += 1;
            self.handled.add(ticket.handling != Handling::Open);
        }
        self.appeals += u64::from(ticket.is_appeal);
        if is_complaint || ticket.is_appeal {
            match RegulatorClass::of(ticket.class.as_deref(), ticket.is_conduct) {
                Some(class) => *self.regulator.entry(class).or_default() += 1,
                None => self.unclassified += 1,
            }
        }
        if let Some(rating) = ticket.rating {
            self.satisfied.add(rating != Rating::Dissatisfied);
        }
        for (item, score) in &ticket.survey {
            *self.survey.entry(item.clone()).or_default().entry(*score).or_default() += 1;
        }
        if let Some(is_right) = ticket.confirmed_right {
            self.confirmed.add(is_right);
        }
        if let Some(resolved_at) = ticket.resolved_at {
            self.handling_time.add(resolved_at.signed_duration_since(ticket.registered_at));
            self.reopened.add(ticket.was_reopened);
        }
        if let Some(is_solved) = ticket.solved_at_first_contact {
            self.first_contact.add(is_solved);
        }
        let sum = |rate: &mut Rate, reached: u64, missed: u64| {
            rate.reached = rate.reached.saturating_add(reached);
            rate.of = rate.of.saturating_add(reached).saturating_add(missed);
        };
        sum(&mut self.sla_met, ticket.deadlines_met, ticket.deadlines_missed);
        sum(&mut self.promises_kept, ticket.promises_kept, ticket.promises_broken);
        for promise in &ticket.promises {
            self.promises_by_owner.entry(promise.owner.clone()).or_default().add(promise.word);
            if let Some(carrier) = &promise.carrier {
                self.promises_by_carrier.entry(carrier.clone()).or_default().add(promise.word);
            }
        }
    }
}

/// The most frequent first, of equal ones by name.
fn shares(counts: BTreeMap<String, u64>) -> Vec<Share> {
    let of = counts.values().sum();
    let share = |(name, reached)| Share { name, rate: Rate { reached, of } };
    let mut shares: Vec<Share> = counts.into_iter().map(share).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.rate.reached));
    shares
}
