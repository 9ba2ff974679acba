//! Every condition of every event, in one place for API, command line, pages, bulk and automation.
//!
//! A refusal lists every condition that is not met, as a sentence in both languages with its rule of the
//! procedure. What a guard needs to know beyond the ticket is in [`Around`]; the store looks it up.
//!
//! | room | what it guards |
//! | --- | --- |
//! | [`automatic`] | what measurement and bills do, and what people say of a diagnosis |
//! | [`intake`] | registration, class, owner, rejection |
//! | [`work`] | contacts, waiting, work given away, promises, clocks |
//! | [`plan`] | how it is to be solved, and what serves meanwhile |
//! | [`resolve`] | repair, proof, solution |
//! | [`people`], [`grant`] | who is there, who supervises, who has it meanwhile; compensation |
//! | [`route`] | stopping, diverting and restoring lines |
//! | [`tree`] | walks through the decision trees |
//! | [`finish`] | result, confirmation, reopening, level, links |

pub mod automatic;
pub mod finish;
pub mod grant;
pub mod intake;
pub mod people;
pub mod plan;
pub mod resolve;
pub mod route;
pub mod tree;
pub mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use linesman_process::people::People;

use crate::locale::Message;

use super::apply::LONGEST_NOTE;
use super::event::{Actor, Event};
use super::walk::Guide;
use super::{Deed, State, Ticket};

/// What stands around a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// Tickets below it that are open.
    pub open_children: u32,
    /// Number of a ticket above it whose fault is still measured.
    pub alarm: Option<String>,
    /// The ticket that an event names is there.
    pub named_exists: bool,
    /// It is over for good.
    pub named_is_over: bool,
    /// It was measured: whether it is about a bill; `None` when people registered it.
    pub named_is_bill: Option<bool>,
    /// It stands below this one.
    pub named_is_below: bool,
    /// The trees, and what whoever acts does in the procedure; looked up for walks alone.
    pub guide: Option<Guide>,
    /// Files of the ticket that are there, by their identity; looked up for confirmations alone.
    pub files: BTreeSet<String>,
    /// The roster; looked up for what it decides alone.
    pub people: Option<Arc<People>>,
}

/// An event that asks to happen.
pub(super) struct Asked<'a> {
    pub ticket: &'a Ticket,
    pub actor: &'a Actor,
    pub around: &'a Around,
    pub now: DateTime<Utc>,
}

/// Conditions that are not met.
#[derive(Debug, Default)]
pub(super) struct Unmet(Vec<Message>);

impl Unmet {
    /// Requires a condition; the sentence is `guard.NAME`, the rule is that of the procedure.
    pub(super) fn require(&mut self, met: bool, rule: &str, name: &str) {
        self.require_said(met, rule, Message::new(&format!("guard.{name}")));
    }

    /// The same with arguments.
    pub(super) fn require_said(&mut self, met: bool, rule: &str, sentence: Message) {
        if !met {
            self.0.push(sentence.with("rule", rule));
        }
    }

    /// Requires one of these states.
    pub(super) fn require_state(&mut self, ticket: &Ticket, among: &[State], rule: &str) {
        let wanted: Vec<String> = among.iter().map(|state| state.name().replace('_', " ")).collect();
        let sentence = Message::new("guard.wrong_state")
            .with("state", format!("state.{}", ticket.state.name()))
            .with("wanted", wanted.join(", "));
        self.require_said(among.contains(&ticket.state), rule, sentence);
    }

    /// Requires words: some, not too many.
    pub(super) fn require_words(&mut self, words: &str, rule: &str, name: &str) {
        let enough = !words.trim().is_empty() && words.chars().count() <= LONGEST_NOTE;
        self.require(enough, rule, name);
    }

    /// Requires that nobody has yet to decide about a line, or to see whether it is stopped (R63).
    pub(super) fn no_route_waits(&mut self, ticket: &Ticket) {
        let waits = super::route::pending(ticket);
        let sentence = Message::new("guard.route_waits").with("routes", waits.join(", "));
        self.require_said(waits.is_empty(), "R63", sentence);
    }

    /// Takes a sentence of a pure room over.
    pub(super) fn refuse(&mut self, sentence: Message, rule: &str) {
        self.require_said(false, rule, sentence);
    }
}

/// Every condition that stands against an event.
#[must_use]
pub fn unmet(
    ticket: &Ticket,
    event: &Event,
    actor: &Actor,
    around: &Around,
    now: DateTime<Utc>,
) -> Vec<Message> {
    let Event::Deed(deed) = event else { return automatic::unmet(ticket, event, around) };
    let asked = Asked { ticket, actor, around, now };
    let mut unmet = Unmet::default();
    // Deeds are those of reported tickets; a measured one has its own way, but for links, merges, trees, forms and words.
    let of_both = matches!(
        **deed,
        Deed::Linked { .. }
            | Deed::Merged { .. }
            | Deed::Absorbed { .. }
            | Deed::CustomerTextSet { .. }
            | Deed::WalkBegun { .. }
            | Deed::Walked { .. }
            | Deed::FormFiled { .. }
            | Deed::Routed { .. }
    );
    let fits = ticket.is_reported() || of_both;
    unmet.require(fits, "R21", "not_reported");
    let by_itself = !deed.is_automatic() || *actor == Actor::linesman();
    unmet.require(by_itself, "R86", "linesman_only");
    match &**deed {
        Deed::Registered { .. } | Deed::Classified { .. } | Deed::Accepted | Deed::Rejected { .. } => {
            intake::check(&asked, deed, &mut unmet)
        }
        Deed::Assigned { .. } => {
            intake::check(&asked, deed, &mut unmet);
            people::check(&asked, deed, &mut unmet);
        }
        Deed::Escalated { .. } | Deed::HandedOver { .. } => people::check(&asked, deed, &mut unmet),
        Deed::CompensationGranted { .. } => grant::check(&asked, deed, &mut unmet),
        Deed::Routed { number, step } => route::check(&asked, *number, step, &mut unmet),
        Deed::Contacted { .. }
        | Deed::AskedCustomer { .. }
        | Deed::HeldExternal { .. }
        | Deed::EtaChanged { .. }
        | Deed::WorkDone { .. }
        | Deed::HeldPlanned { .. }
        | Deed::Resumed { .. }
        | Deed::RecordFiled { .. }
        | Deed::FormFiled { .. }
        | Deed::EvidenceAttached { .. }
        | Deed::LinkMade { .. }
        | Deed::Promised { .. }
        | Deed::ToldOfWork { .. }
        | Deed::WorkMoved { .. }
        | Deed::WorkOverran { .. }
        | Deed::EtaHeard { .. }
        | Deed::ReceiptSent { .. }
        | Deed::LinkSent { .. }
        | Deed::SurveyAnswered { .. }
        | Deed::PromiseKept { .. }
        | Deed::ClockCalled { .. }
        | Deed::PromiseCalled { .. } => work::check(&asked, deed, &mut unmet),
        Deed::SolutionPlanned { .. } | Deed::Bridged { .. } => plan::check(&asked, deed, &mut unmet),
        Deed::WalkBegun { .. } | Deed::Walked { .. } => tree::check(&asked, deed, &mut unmet),
        Deed::RepairClaimed { .. }
        | Deed::Verified { .. }
        | Deed::VerificationWaived { .. }
        | Deed::SolutionRecorded { .. } => resolve::check(&asked, deed, &mut unmet),
        Deed::ResultReported { .. }
        | Deed::ConfirmationRecorded { .. }
        | Deed::UnansweredRecorded { .. }
        | Deed::ReopenedByPerson { .. }
        | Deed::LevelChanged { .. }
        | Deed::Merged { .. }
        | Deed::FaultOver { .. }
        | Deed::Absorbed { .. }
        | Deed::SplitOff { .. }
        | Deed::SplitFrom { .. }
        | Deed::OutageDeclared { .. }
        | Deed::CustomerTextSet { .. }
        | Deed::Linked { .. } => finish::check(&asked, deed, &mut unmet),
    }
    unmet.0
}

/// The same of a registration: there is no ticket yet.
#[must_use]
pub fn unmet_at_registration(
    intake: &super::Intake,
    text: &super::TicketText,
    now: DateTime<Utc>,
) -> Vec<Message> {
    let mut unmet = Unmet::default();
    intake::check_registration(intake, text, now, &mut unmet);
    unmet.0
}
