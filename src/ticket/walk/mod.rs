//! A ticket's walks through the decision trees (R57 to R66): which tree it goes through, what the next question is,
//! which deeds an answer comes to. The trees themselves are `linesman_process::tree`.
//!
//! A walk keeps the versions of all trees that it began with, for its life. Each step is an event of the ticket
//! with who or what answered; measurements answer as Linesman, people under their own name and in their own roles.
//! What a measurement says of which question is in [`measured`].
//!
//! Deliberately absent: walks that nobody asked for. The first answer begins the walk, so that the thousands of
//! tickets which come and go by measurement alone carry none.

pub mod measured;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use linesman_process::Role;
use linesman_process::tree::{Answerer, Given, Place, Refusal, Run, Standing, Taken, Trees};

use super::event::Actor;
use super::{Deed, Ticket, TicketKind};
use crate::diagnosis::Class;

pub use measured::Evidence;

/// Longest that somebody may write beside an answer, in characters.
pub const LONGEST_DETAIL: usize = 4_000;

/// What a walk needs to know beyond its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    /// The trees in all their versions.
    pub trees: Arc<Trees>,
    /// What whoever acts does in the procedure (R1 to R20).
    pub roles: Vec<Role>,
}

/// What somebody wants of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A tree from its start: the ticket's own unless named.
    Begin {
        /// Which.
        tree: Option<String>,
        /// Why, when another walk has not come to its end.
        reason: String,
    },
    /// An answer to the question that is asked now.
    Answer {
        /// The question.
        node: String,
        /// The answer's name; `done` for an action.
        answer: String,
        /// What the question asks beside it.
        details: BTreeMap<String, String>,
        /// What was seen, by reference.
        evidence: Option<String>,
    },
    /// Back to a question that was answered wrongly.
    Correct {
        /// Where to.
        to: Place,
        /// Why.
        reason: String,
    },
}

/// The tree that a ticket goes through, and whether it begins where a measurement has asked first.
#[must_use]
pub fn tree_of(ticket: &Ticket) -> Option<(&'static str, bool)> {
    if let (Some(fault), false) = (&ticket.fault, ticket.is_reported()) {
        return Some((ticket.class.unwrap_or(fault.class).letter(), true));
    }
    match (ticket.kind, ticket.class) {
        (TicketKind::FollowUp, _) => None,
        (TicketKind::Recharge, _) => Some(("TOP-UP", false)),
        (_, Some(class)) => Some((class.letter(), false)),
        (_, None) => Some(("INTAKE", false)),
    }
}

/// Whether a ticket is to have walked a tree to its end before it is resolved: what is repaired (R57).
#[must_use]
pub fn is_asked(ticket: &Ticket) -> bool {
    let is_repaired = matches!(ticket.kind, TicketKind::Fault | TicketKind::Complaint);
    ticket.is_reported() && is_repaired && ticket.class != Some(Class::E)
}

/// A walk as it stands, with what measurements answer on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The walk.
    pub run: Run,
    /// Whether it has begun: recorded with the ticket.
    pub begun: bool,
    /// So many of its steps are recorded; those behind them are what measurements say, and are recorded with the
    /// next answer.
    pub recorded: usize,
}

/// The walk of a ticket as it stands, or as it would begin; `None` when its kind has none.
///
/// # Errors
/// When the version that it keeps is no longer there.
pub fn preview(
    ticket: &Ticket,
    trees: &Trees,
    evidence: &[Evidence],
    now: DateTime<Utc>,
) -> Result<Option<Preview>, Refusal> {
    let known = ticket.process.walks.last();
    let mut run = match (known, tree_of(ticket)) {
        (Some(known), _) => known.clone(),
        (None, Some((tree, true))) => Run::start_measured(trees, tree, now)?,
        (None, Some((tree, false))) => Run::start(trees, tree, now)?,
        (None, None) => return Ok(None),
    };
    let recorded = run.path().len();
    if ticket.state.is_open() {
        measure(&mut run, trees, evidence, now)?;
    }
    Ok(Some(Preview { run, begun: known.is_some(), recorded }))
}

/// The deeds that come of what somebody wants, each with who does it, in their order.
///
/// # Errors
/// With everything that stands against it; nothing happens then.
pub fn plan(
    ticket: &Ticket,
    guide: &Guide,
    evidence: &[Evidence],
    wanted: &Wanted,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Vec<(Actor, Deed)>, Vec<Refusal>> {
    let trees = &guide.trees;
    let mut planned = Vec::new();
    let mut run = match (ticket.process.walks.last(), wanted) {
        (Some(known), Wanted::Answer { .. } | Wanted::Correct { .. }) => known.clone(),
        (_, Wanted::Begin { tree: Some(tree), reason }) => {
            let run = Run::start(trees, tree, now).map_err(|refusal| vec![refusal])?;
            planned.push((actor.clone(), begun(&run, reason)));
            run
        }
        (_, other) => {
            let none = || vec![Refusal::NoSuchTree { name: ticket.kind.name().to_owned() }];
            let (tree, is_measured) = tree_of(ticket).ok_or_else(none)?;
            let started = if is_measured {
                Run::start_measured(trees, tree, now)
            } else {
                Run::start(trees, tree, now)
            };
            let run = started.map_err(|refusal| vec![refusal])?;
            let reason = if let Wanted::Begin { reason, .. } = other { reason.as_str() } else { "" };
            planned.push((actor.clone(), begun(&run, reason)));
            run
        }
    };
    let gone = |refusal| vec![refusal];
    let recorded = run.path().len();
    measure(&mut run, trees, evidence, now).map_err(gone)?;
    match wanted {
        Wanted::Begin { .. } => {}
        Wanted::Answer { node, answer, details, evidence } => {
            let by = person(actor, guide, evidence.clone());
            let given = Given { answer: answer.clone(), by, details: details.clone(), at: now };
            run.answer(trees, node, given)?;
        }
        Wanted::Correct { to, reason } => {
            run.correct(trees, to, person(actor, guide, None), reason, now)?;
        }
    }
    measure(&mut run, trees, evidence, now).map_err(gone)?;
    for step in run.path().iter().skip(recorded) {
        let by = match step.answerer {
            Answerer::Auto { .. } => Actor::linesman(),
            Answerer::Person { .. } => actor.clone(),
        };
        planned.push((by, Deed::Walked { step: step.clone() }));
    }
    Ok(planned)
}

fn begun(run: &Run, reason: &str) -> Deed {
    let (from, versions) = (run.from().clone(), run.versions().clone());
    Deed::WalkBegun { from, versions, reason: reason.trim().to_owned() }
}

fn person(actor: &Actor, guide: &Guide, evidence: Option<String>) -> Answerer {
    Answerer::Person { name: actor.0.clone(), roles: guide.roles.clone(), evidence }
}

fn measure(run: &mut Run, trees: &Trees, evidence: &[Evidence], now: DateTime<Utc>) -> Result<(), Refusal> {
    // Where a person has said that it was answered wrongly, a person answers.
    let corrected = |run: &Run, node: &str| {
        let is_it = |step: &linesman_process::tree::Step| {
            matches!(step.taken, Taken::Corrected { .. }) && step.to.node == node
        };
        run.path().iter().any(is_it)
    };
    loop {
        let mut taken = 0;
        for one in evidence {
            let mut says = one.measured.clone();
            says.retain(|known| !corrected(run, &known.node));
            taken += run.prefill(trees, &says, &one.reference, now)?;
        }
        if taken == 0 {
            return Ok(());
        }
    }
}

/// Whether a step may be taken by whoever takes it, and comes to what it says.
///
/// # Errors
/// With everything that stands against it.
pub fn check(
    known: &Run,
    guide: &Guide,
    step: &linesman_process::tree::Step,
    actor: &Actor,
) -> Result<(), Vec<Refusal>> {
    let is_own = match &step.answerer {
        Answerer::Auto { .. } => *actor == Actor::linesman(),
        Answerer::Person { name, roles, .. } => *name == actor.0 && *roles == guide.roles,
    };
    let mut run = known.clone();
    match &step.taken {
        Taken::Answered { answer } => {
            let given = Given {
                answer: answer.clone(),
                by: step.answerer.clone(),
                details: step.details.clone(),
                at: step.at,
            };
            run.answer(&guide.trees, &step.place.node, given).map(drop)?;
        }
        Taken::Corrected { reason } => {
            run.correct(&guide.trees, &step.to, step.answerer.clone(), reason, step.at)?;
        }
    }
    if is_own && run.path().last() == Some(step) { Ok(()) } else { Err(vec![Refusal::NotAsRecorded]) }
}

/// Whether the newest walk has come to an end.
///
/// # Errors
/// When the version that it keeps is no longer there.
pub fn is_finished(ticket: &Ticket, trees: &Trees) -> Result<Option<bool>, Refusal> {
    let Some(run) = ticket.process.walks.last() else { return Ok(None) };
    Ok(Some(matches!(run.standing(trees)?, Standing::Ended(..))))
}

#[cfg(test)]
mod tests;
