//! What can happen to a ticket, who did it, and what has to follow.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class, Fault, Side};

use super::deed::Deed;
use super::{Ticket, TicketId};

/// Who did something: a person or program by token, or Linesman itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// Linesman by itself.
    #[must_use]
    pub fn linesman() -> Self {
        Self("linesman".to_owned())
    }
}

/// Who may see an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The operator's people.
    #[default]
    Internal,
    /// The customer too.
    Customer,
}

/// What can happen to a ticket after it was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// It came to be, with its first diagnosis as evidence.
    Opened {
        /// The diagnosis.
        fault: Box<Fault>,
        /// Waits for approval.
        candidate: bool,
        /// The closed ticket before it.
        follows: Option<TicketId>,
    },
    /// More was learnt: the diagnosis as it is now. Changes no state.
    Enriched {
        /// The diagnosis.
        fault: Box<Fault>,
    },
    /// The location narrowed; the old key stays as an alias.
    Rekeyed {
        /// Before.
        from: String,
        /// The diagnosis with the new key.
        fault: Box<Fault>,
    },
    /// A person takes it.
    Acknowledged,
    /// A person writes something down.
    Noted {
        /// What.
        text: String,
        /// For whom.
        #[serde(default)]
        visibility: Visibility,
    },
    /// A person confirms class, cause and segment.
    DiagnosisConfirmed {
        /// What he saw.
        note: Option<String>,
    },
    /// A person knows better.
    DiagnosisCorrected {
        /// Cause as he found it.
        cause: Cause,
        /// Its class.
        class: Class,
        /// Element as he found it.
        segment: String,
        /// Whose it is.
        side: Side,
        /// What he saw.
        note: Option<String>,
    },
    /// A person wants to see it measured again, now.
    RemeasureRequested,
    /// A person approves a candidate.
    Approved,
    /// A person dismisses a candidate, or withdraws.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The fault shows no more trace; measurement decides.
    VerificationStarted {
        /// First good round.
        since: DateTime<Utc>,
    },
    /// The fault is back before it was proven over.
    VerificationFailed {
        /// The diagnosis.
        fault: Box<Fault>,
    },
    /// Measured to be over.
    Resolved {
        /// The diagnosis that says so.
        fault: Box<Fault>,
        /// When service came back.
        restored_at: DateTime<Utc>,
    },
    /// Nobody else has to agree; the reopen window runs.
    Settled,
    /// It came back within the reopen window.
    Reopened {
        /// The diagnosis.
        fault: Box<Fault>,
    },
    /// The reopen window is over.
    Closed,
    /// A: the bills agree in a new comparison; a person has to say that this settles it.
    ResolutionProposed {
        /// The comparison on the five dimensions.
        fault: Box<Fault>,
    },
    /// A: a person confirms that it is settled.
    ResolutionConfirmed {
        /// What he adds.
        note: Option<String>,
    },
    /// A: a person does not agree that it is settled.
    ResolutionDeclined {
        /// Why.
        reason: String,
    },
    /// It comes and goes: so many turns in a short time.
    FlappingStarted {
        /// How many.
        turns: u32,
    },
    /// It was quiet for long enough.
    FlappingEnded {
        /// How many turns there were.
        turns: u32,
        /// The share of the time in which it was bad, in percent.
        bad_percent: Option<u8>,
    },
    /// What people do, and what clocks ask for.
    Deed(Box<Deed>),
}

impl From<Deed> for Event {
    fn from(deed: Deed) -> Self {
        Self::Deed(Box::new(deed))
    }
}

impl Event {
    /// The type as stored.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Enriched { .. } => "enriched",
            Self::Rekeyed { .. } => "rekeyed",
            Self::Acknowledged => "acknowledged",
            Self::Noted { .. } => "noted",
            Self::DiagnosisConfirmed { .. } => "diagnosis_confirmed",
            Self::DiagnosisCorrected { .. } => "diagnosis_corrected",
            Self::RemeasureRequested => "remeasure_requested",
            Self::Approved => "approved",
            Self::Cancelled { .. } => "cancelled",
            Self::VerificationStarted { .. } => "verification_started",
            Self::VerificationFailed { .. } => "verification_failed",
            Self::Resolved { .. } => "resolved",
            Self::Settled => "settled",
            Self::Reopened { .. } => "reopened",
            Self::Closed => "closed",
            Self::ResolutionProposed { .. } => "resolution_proposed",
            Self::ResolutionConfirmed { .. } => "resolution_confirmed",
            Self::ResolutionDeclined { .. } => "resolution_declined",
            Self::FlappingStarted { .. } => "flapping_started",
            Self::FlappingEnded { .. } => "flapping_ended",
            Self::Deed(deed) => deed.name(),
        }
    }

    /// Whether others than those who work on it may want to hear of it; who does, `[[notify]]` says.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        matches!(
            self,
            Self::Enriched { .. }
                | Self::Approved
                | Self::Cancelled { .. }
                | Self::VerificationStarted { .. }
                | Self::FlappingStarted { .. }
                | Self::FlappingEnded { .. }
                | Self::Settled
                | Self::Closed
        )
    }

    /// Who may see it.
    #[must_use]
    pub const fn visibility(&self) -> Visibility {
        match self {
            Self::Noted { visibility, .. } => *visibility,
            _ => Visibility::Internal,
        }
    }

    /// Whether it carries a diagnosis that stands as evidence of its own.
    #[must_use]
    pub fn evidence(&self) -> Option<&Fault> {
        match self {
            Self::Opened { fault, .. }
            | Self::Rekeyed { fault, .. }
            | Self::VerificationFailed { fault }
            | Self::Resolved { fault, .. }
            | Self::Reopened { fault }
            | Self::ResolutionProposed { fault }
            | Self::Enriched { fault } => Some(fault),
            _ => None,
        }
    }
}

/// What has to follow an event, done after its transaction by whoever can.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell people: becomes a row of the outbox in the same transaction.
    Notify,
    /// Measure these targets at once.
    Remeasure {
        /// Names of targets.
        targets: Vec<String>,
    },
}

/// An event that came to be, as kept in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordedEvent {
    /// Place in the chain over all tickets, from 1.
    pub seq: i64,
    /// Whose.
    pub ticket: TicketId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
    /// SHA-256 over the event before and this one, hexadecimal.
    pub hash: String,
}

/// A ticket with what has to follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// As it is now.
    pub ticket: Ticket,
    /// What has to follow.
    pub effects: Vec<Effect>,
}
