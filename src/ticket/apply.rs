//! The engine: one event applied to a ticket, in one place for API, command line, pages and automation.

use chrono::{DateTime, Utc};

use linesman_deadlines::policy::{Level, Urgency};

use crate::diagnosis::{Fault, Severity};
use crate::locale::Message;

use super::deed::Deed;
use super::event::{Actor, Applied, Effect, Event};
use super::guard::{self, Around};
use super::people::supervisor_of;
use super::{
    Channel, Flapping, Process, Proposal, Registration, State, Ticket, TicketId, TicketKind, TicketNumber,
    TicketText, Verdict, act, clocks,
};

/// Why an event may not happen to a ticket: every unmet guard, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} refused: {}", self.text())]
pub struct Refusal {
    /// What was asked.
    pub event: &'static str,
    /// What stands against it.
    pub unmet: Vec<Message>,
}

impl Refusal {
    fn text(&self) -> String {
        let sentences: Vec<String> =
            self.unmet.iter().map(|guard| guard.render(crate::locale::Language::English)).collect();
        sentences.join("; ")
    }
}

/// Longest note that is kept, in characters.
pub const LONGEST_NOTE: usize = 10_000;

/// A new ticket for a fault.
#[must_use]
pub fn open(
    id: TicketId,
    number: TicketNumber,
    fault: Fault,
    candidate: bool,
    follows: Option<TicketId>,
    now: DateTime<Utc>,
) -> (Applied, Event) {
    let event = Event::Opened { fault: Box::new(fault.clone()), candidate, follows: follows.clone() };
    let ticket = Ticket {
        id,
        number,
        version: 1,
        kind: TicketKind::Fault,
        // Registered and classified in one step: the diagnosis names the class.
        state: State::Classified,
        candidate,
        class: Some(fault.class),
        cause: Some(fault.cause),
        segment: Some(fault.segment.clone()),
        side: Some(fault.side),
        severity: fault.severity,
        key: fault.key.clone(),
        aliases: fault.aliases.clone(),
        owner: None,
        detected_at: fault.began,
        registered_at: now,
        updated_at: now,
        restored_at: None,
        resolved_at: None,
        verdict: None,
        reopen_count: 0,
        follows,
        proposal: None,
        fault: Some(fault),
        flapping: Flapping::default(),
        registration: None,
        process: Process::default(),
    };
    (Applied { ticket, effects: vec![Effect::Notify] }, event)
}

/// What is registered, as it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// What kind of work.
    pub kind: TicketKind,
    /// What was told, without the words.
    pub registration: Registration,
    /// Who stays answerable (R96).
    pub first_owner: String,
    /// Whose department.
    pub department: Option<String>,
    /// Level of a complaint, if known already.
    pub level: Option<Level>,
    /// The ticket of the fault that explains it.
    pub parent: Option<TicketId>,
    /// The ticket that it follows up.
    pub follows: Option<TicketId>,
}

impl Intake {
    /// What Linesman registers by itself.
    #[must_use]
    pub fn automatic(kind: TicketKind, registration: Registration) -> Self {
        Self {
            kind,
            registration,
            first_owner: Actor::linesman().0,
            department: None,
            level: None,
            parent: None,
            follows: None,
        }
    }

    /// The follow-up of a registered ticket, for the customer of that (R78, R80); none for a ticket that nobody
    /// registered.
    #[must_use]
    pub fn follow_up(ticket: &Ticket, received_at: DateTime<Utc>, urgency: Urgency) -> Option<Self> {
        let before = ticket.registration.clone()?;
        let registration = Registration {
            channel: Channel::Automatic,
            received_at,
            urgency,
            expected_by: None,
            nature: None,
            referral: None,
            // Tags are those of a kind of work (R49).
            tags: Vec::new(),
            ..before
        };
        Some(Self {
            first_owner: ticket.process.first_owner.clone().unwrap_or_else(|| Actor::linesman().0),
            department: ticket.process.department.clone(),
            follows: Some(ticket.id.clone()),
            ..Self::automatic(TicketKind::FollowUp, registration)
        })
    }
}

/// A new ticket that a person registers (R21 to R35). The hash of the words is put in here.
///
/// # Errors
/// [`Refusal`] with every guard that is not met.
pub fn register(
    id: TicketId,
    number: TicketNumber,
    intake: Intake,
    text: &TicketText,
    now: DateTime<Utc>,
) -> Result<(Applied, Event), Refusal> {
    let unmet = guard::unmet_at_registration(&intake, text, now);
    if !unmet.is_empty() {
        return Err(Refusal { event: "registered", unmet });
    }
    let Intake { kind, mut registration, first_owner, department, level, parent, follows } = intake;
    registration.text_sha256 = text.sha256();
    // What comes by the regulator, or in person, has the least level of its channel from the first minute (R34, R54).
    let least = registration.channel.least_level();
    let level = level.or((kind == TicketKind::Complaint && least > Level::Blue).then_some(least));
    let ticket = Ticket {
        key: format!("ticket/{id}"),
        id,
        number,
        version: 1,
        kind,
        state: State::Registered,
        candidate: false,
        class: None,
        cause: None,
        segment: None,
        side: None,
        // Nobody measured how bad it is; urgency and level are what people say.
        severity: Severity::Indeterminate,
        aliases: Vec::new(),
        fault: None,
        flapping: Flapping::default(),
        owner: None,
        detected_at: registration.received_at,
        registered_at: now,
        updated_at: now,
        restored_at: None,
        resolved_at: None,
        verdict: None,
        reopen_count: 0,
        follows: follows.clone(),
        proposal: None,
        process: Process {
            first_owner: Some(first_owner.clone()),
            department: department.clone(),
            urgency: Some(registration.urgency),
            tags: registration.tags.clone(),
            level,
            supervisor: level.map(|level| supervisor_of(level).to_owned()),
            state_since: Some(now),
            parent: parent.clone(),
            ..Process::default()
        },
        registration: Some(registration.clone()),
    };
    let deed = Deed::Registered { kind, registration, first_owner, department, level, parent, follows };
    let event = Event::from(deed);
    let mut ticket = ticket;
    clocks::keep_log(None, &mut ticket, &event, now);
    Ok((Applied { ticket, effects: vec![Effect::Notify] }, event))
}

/// Applies one event to a ticket that nothing stands around: no ticket above or below it.
///
/// # Errors
/// [`Refusal`] with every guard that is not met; the ticket stays as it was.
pub fn apply(ticket: &Ticket, event: &Event, actor: &Actor, now: DateTime<Utc>) -> Result<Applied, Refusal> {
    apply_in(ticket, event, actor, &Around::default(), now)
}

/// Applies one event to a ticket.
///
/// # Errors
/// [`Refusal`] with every guard that is not met; the ticket stays as it was.
pub fn apply_in(
    ticket: &Ticket,
    event: &Event,
    actor: &Actor,
    around: &Around,
    now: DateTime<Utc>,
) -> Result<Applied, Refusal> {
    let unmet = guard::unmet(ticket, event, actor, around, now);
    if !unmet.is_empty() {
        return Err(Refusal { event: event.name(), unmet });
    }
    let mut next = ticket.clone();
    next.version += 1;
    next.updated_at = now.max(ticket.updated_at);
    let mut effects = Vec::new();
    match event {
        Event::Opened { .. } => {}
        Event::Enriched { fault } => take(&mut next, fault),
        Event::Rekeyed { from, fault } => {
            if !next.aliases.contains(from) {
                next.aliases.push(from.clone());
            }
            fault.key.clone_into(&mut next.key);
            take(&mut next, fault);
            effects.push(Effect::Notify);
        }
        Event::Acknowledged => {
            next.owner = Some(actor.0.clone());
            next.candidate = false;
            if matches!(next.state, State::Registered | State::Classified | State::Assigned | State::Reopened)
            {
                next.state = State::InProgress;
            }
            effects.push(Effect::Notify);
        }
        Event::Noted { .. } => {}
        Event::DiagnosisConfirmed { note } => {
            next.verdict =
                Some(Verdict { by: actor.0.clone(), at: now, confirmed: true, note: note.clone() });
            next.candidate = false;
        }
        Event::DiagnosisCorrected { cause, class, segment, side, note } => {
            next.cause = Some(*cause);
            next.class = Some(*class);
            next.segment = Some(segment.clone());
            next.side = Some(*side);
            next.candidate = false;
            next.verdict =
                Some(Verdict { by: actor.0.clone(), at: now, confirmed: false, note: note.clone() });
            effects.push(Effect::Notify);
        }
        Event::RemeasureRequested => effects.push(Effect::Remeasure { targets: targets(&next) }),
        Event::Approved => next.candidate = false,
        Event::Cancelled { .. } => next.state = State::Cancelled,
        Event::VerificationStarted { .. } => {
            next.state = State::Verifying;
            next.flapping.turn(now, true);
            effects.push(Effect::Remeasure { targets: targets(&next) });
        }
        Event::VerificationFailed { fault } => {
            next.state = worked_on(&next);
            next.flapping.turn(now, false);
            next.proposal = None;
            take(&mut next, fault);
            effects.push(Effect::Notify);
        }
        Event::Resolved { fault, restored_at } => {
            next.state = State::Resolved;
            next.restored_at = Some(*restored_at);
            next.resolved_at = Some(now);
            // The last stragglers of a repair say less of the fault than what stands: evidence stays.
            if let Some(known) = &mut next.fault {
                known.life = fault.life.clone();
                known.last_seen = fault.last_seen;
                known.targets.clone_from(&fault.targets);
            }
            effects.push(Effect::Notify);
        }
        Event::Settled => next.state = State::Settled,
        Event::Reopened { fault } => {
            next.state = State::Reopened;
            next.flapping.turn(now, false);
            next.reopen_count += 1;
            next.restored_at = None;
            next.resolved_at = None;
            next.proposal = None;
            take(&mut next, fault);
            effects.push(Effect::Notify);
        }
        Event::Closed => next.state = State::Closed,
        Event::ResolutionProposed { fault } => {
            next.state = State::Verifying;
            let run = fault.billing.as_ref().map(|billing| billing.run.clone()).unwrap_or_default();
            next.proposal = Some(Proposal { run, at: fault.last_seen, declined_by: None });
            // What was wrong stays its evidence; the comparison that agrees is the event's.
            if let Some(known) = &mut next.fault {
                known.life = fault.life.clone();
            }
            effects.push(Effect::Notify);
        }
        Event::ResolutionConfirmed { .. } => {
            next.state = State::Resolved;
            next.restored_at = next.proposal.as_ref().map(|proposal| proposal.at);
            next.resolved_at = Some(now);
            effects.push(Effect::Notify);
        }
        Event::ResolutionDeclined { .. } => {
            next.state = worked_on(&next);
            if let Some(proposal) = &mut next.proposal {
                proposal.declined_by = Some(actor.0.clone());
            }
            effects.push(Effect::Notify);
        }
        Event::FlappingStarted { turns } => next.flapping.start(*turns, now),
        Event::FlappingEnded { .. } => next.flapping.stop(),
        Event::Deed(deed) => {
            act::act(&mut next, deed, actor, now);
            if deed.is_news() {
                effects.push(Effect::Notify);
            }
        }
    }
    if next.is_reported() {
        clocks::keep_log(Some(ticket), &mut next, event, now);
    }
    if event.is_news() && !effects.contains(&Effect::Notify) {
        effects.push(Effect::Notify);
    }
    // While it comes and goes, nobody is told of each turn: that it does was told, and its end will be.
    if next.flapping.is_on()
        && matches!(event, Event::VerificationStarted { .. } | Event::VerificationFailed { .. })
    {
        effects.retain(|effect| *effect != Effect::Notify);
    }
    Ok(Applied { ticket: next, effects })
}

/// The state of work that goes on.
const fn worked_on(ticket: &Ticket) -> State {
    if ticket.owner.is_some() { State::InProgress } else { State::Classified }
}

/// Takes over what the diagnosis now says. What a person corrected stays corrected: there the
/// ticket says something else than the diagnosis that it had.
fn take(ticket: &mut Ticket, fault: &Fault) {
    let corrected = ticket.verdict.is_some()
        && ticket.fault.as_ref().is_none_or(|known| {
            ticket.cause != Some(known.cause)
                || ticket.segment.as_deref() != Some(&known.segment)
                || ticket.side != Some(known.side)
        });
    if !corrected {
        ticket.class = Some(fault.class);
        ticket.cause = Some(fault.cause);
        ticket.segment = Some(fault.segment.clone());
        ticket.side = Some(fault.side);
    }
    ticket.severity = ticket.severity.max(fault.severity);
    ticket.fault = Some(fault.clone());
}

/// What its diagnosis was made from.
fn targets(ticket: &Ticket) -> Vec<String> {
    ticket.fault.as_ref().map(|fault| fault.targets.clone()).unwrap_or_default()
}
