//! What the month's statistics know of a ticket.

use chrono::{DateTime, Utc};
use linesman_deadlines::clock::ClockState;
use linesman_deadlines::policy::Agreement;
use linesman_deadlines::promise::{Outcome, Source, Standing, Tally};
use linesman_process::statistics::{Handling, PromiseFact, Rating, TicketFacts, Word};

use crate::diagnosis::{Cause, Class};
use crate::ticket::process::{Direction, Rating as Said, Work, WorkKind};
use crate::ticket::{Channel, State, Ticket, clocks};

/// The tag of a ticket about how somebody behaved; the regulator counts it as user service.
pub const CONDUCT: &str = "conduct";

/// The facts of a ticket at an instant.
#[must_use]
pub fn facts(ticket: &Ticket, at: DateTime<Utc>) -> TicketFacts {
    let (deadlines_met, deadlines_missed) = deadlines(ticket, at);
    let standing = clocks::promises(ticket, at);
    let promises = Tally::of(&standing);
    let registration = ticket.registration.as_ref();
    TicketFacts {
        ticket: ticket.number.to_string(),
        kind: ticket.kind.of_deadlines(),
        class: ticket.class.map(|class| class.letter().to_owned()),
        problem: problem(ticket),
        product: registration.and_then(|known| known.product_model.clone()),
        is_conduct: ticket.process.tags.iter().any(|tag| tag == CONDUCT),
        registered_at: ticket.registered_at,
        resolved_at: ticket.resolved_at,
        handling: handling(ticket.state),
        rating: rating(ticket),
        confirmed_right: ticket.verdict.as_ref().map(|verdict| verdict.confirmed),
        deadlines_met,
        deadlines_missed,
        promises_kept: promises.kept + promises.renewed,
        promises_broken: promises.broken,
        promises: standing.iter().filter_map(|known| promise(ticket, known)).collect(),
        was_reopened: ticket.reopen_count > 0,
        solved_at_first_contact: solved_at_first_contact(ticket),
        is_appeal: registration
            .is_some_and(|known| known.channel == Channel::Regulator || known.referral.is_some()),
        survey: ticket.process.survey.clone(),
    }
}

/// Stands for whoever is not named.
pub(super) const NOT_NAMED: &str = "-";

/// A promise that came to its end: who answered for it, and on which carrier's time it rested.
fn promise(ticket: &Ticket, known: &Standing) -> Option<PromiseFact> {
    let word = match known.outcome {
        Outcome::Open => return None,
        Outcome::Kept => Word::Kept,
        Outcome::Renewed => Word::Renewed,
        Outcome::Broken => Word::Broken,
    };
    let named = |name: &str| match name.trim() {
        "" => NOT_NAMED.to_owned(),
        name => name.to_owned(),
    };
    let made_at = known.promise.made_at;
    let carrier = || carrier_at(ticket, made_at).unwrap_or(NOT_NAMED).trim().to_owned();
    Some(PromiseFact {
        owner: named(&known.promise.owner),
        carrier: (known.promise.source == Source::CarrierEta).then(carrier),
        word,
    })
}

/// The carrier that had the ticket's repair at an instant: the one that was given it last by then. A promise is made
/// before the repair is given away, so the first one where none was given yet.
pub(super) fn carrier_at(ticket: &Ticket, at: DateTime<Utc>) -> Option<&str> {
    let repairs = || ticket.process.works.iter().filter(|work| work.kind == WorkKind::CarrierRepair);
    let given = |work: &&Work| work.given_at <= at;
    let known = repairs().rfind(given).or_else(|| repairs().next());
    known.map(|work| work.with.as_str()).filter(|with| !with.trim().is_empty())
}

/// What it is about within its class: the cause, else its first tag.
fn problem(ticket: &Ticket) -> Option<String> {
    let cause = ticket.cause.map(Cause::name).map(str::to_owned);
    let tag = || ticket.process.tags.iter().find(|tag| *tag != CONDUCT).cloned();
    cause.or_else(tag).or_else(|| (ticket.class == Some(Class::E)).then(|| "consultation".to_owned()))
}

const fn handling(state: State) -> Handling {
    match state {
        State::Resolved | State::AwaitingConfirmation | State::Settled | State::Closed => Handling::Handled,
        State::Rejected => Handling::Explained,
        State::Cancelled => Handling::Withdrawn,
        _ => Handling::Open,
    }
}

/// What the customer says. Who does not agree has his ticket reopened (R104): until it is confirmed he is not
/// satisfied.
fn rating(ticket: &Ticket) -> Option<Rating> {
    match &ticket.process.confirmation {
        Some(confirmed) => confirmed.rating.map(|rating| match rating {
            Said::Satisfied => Rating::Satisfied,
            Said::Basically => Rating::Basically,
            Said::Dissatisfied => Rating::Dissatisfied,
        }),
        None => {
            let is_back = ticket.is_reported() && ticket.reopen_count > 0;
            (is_back && ticket.state != State::Cancelled).then_some(Rating::Dissatisfied)
        }
    }
}

/// Deadlines towards the customer: met in time, and missed, met late or not yet.
fn deadlines(ticket: &Ticket, at: DateTime<Utc>) -> (u64, u64) {
    let (mut met, mut missed) = (0, 0);
    for clock in clocks::clocks(ticket, at).standing {
        if clock.reading.agreement != Agreement::Sla {
            continue;
        }
        match clock.reading.state {
            ClockState::Met => met += 1,
            ClockState::MetLate | ClockState::Breached => missed += 1,
            ClockState::Running | ClockState::Paused | ClockState::Triggered | ClockState::Void => {}
        }
    }
    (met, missed)
}

/// Whether whoever accepted it solved it: nothing given away, the customer did not have to come again (R122).
fn solved_at_first_contact(ticket: &Ticket) -> Option<bool> {
    if !ticket.is_reported() {
        return None;
    }
    ticket.resolved_at?;
    let process = &ticket.process;
    let came_again = process.contacts.iter().any(|contact| contact.direction == Direction::Inbound);
    let stayed = ticket.owner.is_none() || ticket.owner == process.first_owner;
    Some(process.works.is_empty() && !came_again && stayed && ticket.reopen_count == 0)
}
