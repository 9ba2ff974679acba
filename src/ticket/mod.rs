//! A ticket: the work item that a fault opens or a person registers, and that only proof closes.
//!
//! A fault opens one with its diagnosis, and only a measurement closes it. A person registers one without: class,
//! cause, segment and side are unknown until somebody says them, and unknown is shown as unknown.
//!
//! PURE: the engine is `(ticket, event, now) -> (ticket, effects)`; the store applies both in one
//! transaction with the event's row in the hash chain. No clock, no SQL, no HTTP status.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`registration`] | what is asked of whoever registers one; words that can be erased |
//! | [`receipt`] | what a customer is sent when his ticket is registered |
//! | [`result_notice`] | what he is told when it is solved |
//! | [`process`] | what people have done: owner, contacts, work given away, promises, proof |
//! | [`evidence`] | files that prove what the customer agreed to: recorded calls, drawn signatures |
//! | [`state`] | the states, their TMF621 status, which may follow which |
//! | [`deed`] | what people do, and what clocks ask for |
//! | [`guard`] | every condition of every event, in one place, each with its rule |
//! | [`act`] | what a deed changes |
//! | [`clocks`] | a ticket's clocks and promises, computed from its log |
//! | [`waits`] | the end of the fault above, or of announced work, that its customer waits for |
//! | [`people`] | who supervises it next, who has it meanwhile, its place in the queue |
//! | [`route`] | lines stopped, diverted, restored: asked, approved, rehearsed, done |
//! | [`form`] | its forms, filled from what is known of it |
//! | [`walk`] | its walks through the decision trees |
//! | [`event`] | what can happen to a ticket, and to what end |
//! | [`mod@apply`] | one event applied to a ticket, for API, CLI, pages and automation alike |
//! | [`flapping`] | a fault that comes and goes |
//! | [`outage`] | many complaints, one outage: which ticket explains which |
//! | [`wanted`] | what the diagnosis wants, and the idempotent plan that makes it so |
//! | [`chain`] | the hash chain over events |

pub mod act;
pub mod apply;
pub mod chain;
pub mod clocks;
pub mod deed;
pub mod event;
pub mod evidence;
pub mod flapping;
pub mod form;
pub mod guard;
pub mod outage;
pub mod people;
pub mod process;
pub mod receipt;
pub mod registration;
pub mod result_notice;
pub mod route;
pub mod state;
pub mod waits;
pub mod walk;
pub mod wanted;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class, Fault, Severity, Side};
use crate::locale::Message;

pub use apply::{Intake, Refusal, apply, apply_in, open, register};
pub use deed::Deed;
pub use event::{Actor, Effect, Event, Visibility};
pub use flapping::Flapping;
pub use guard::Around;
pub use process::Process;
pub use registration::{Channel, Registration, TicketText};
pub use state::State;

/// The class of a ticket that nobody has classified, in outputs.
pub const UNCLASSIFIED: &str = "unclassified";
/// A cause or side that nobody knows, in outputs.
pub const UNKNOWN: &str = "unknown";

/// Identity of a ticket, for programs; people use [`TicketNumber`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct TicketId(pub String);

impl std::fmt::Display for TicketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// Number of a ticket, for people: `LM-2026-000123` (R29).
///
/// ```
/// use linesman::ticket::TicketNumber;
///
/// let number: TicketNumber = "LM-2026-000123".parse()?;
/// assert_eq!((number.year, number.count), (2026, 123));
/// assert_eq!(number.to_string(), "LM-2026-000123");
/// # Ok::<(), linesman::ticket::NotATicketNumber>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketNumber {
    /// Year of registration, UTC.
    pub year: u16,
    /// Count within the year, from 1.
    pub count: u32,
}

impl std::fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("LM-{:04}-{:06}", self.year, self.count))
    }
}

impl std::str::FromStr for TicketNumber {
    type Err = NotATicketNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotATicketNumber(text.chars().take(40).collect());
        let rest = text.strip_prefix("LM-").ok_or_else(refuse)?;
        let (year, count) = rest.split_once('-').ok_or_else(refuse)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || count.len() < 6 || !digits(year) || !digits(count) {
            return Err(refuse());
        }
        Ok(Self { year: year.parse().map_err(|_| refuse())?, count: count.parse().map_err(|_| refuse())? })
    }
}

impl Serialize for TicketNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TicketNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is no ticket number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ticket number; one looks like LM-2026-000123")]
pub struct NotATicketNumber(pub String);

registration::named! {
    /// What kind of work a ticket is (R49).
    TicketKind {
        /// A fault, found by measurement or reported for repair.
        Fault = "fault",
        /// A customer's complaint.
        Complaint = "complaint",
        /// A question.
        Consultation = "consultation",
        /// A top-up (R66).
        Recharge = "recharge",
        /// A follow-up (R78, R123).
        FollowUp = "follow_up",
    }
}

impl TicketKind {
    /// As the table of deadlines knows it.
    #[must_use]
    pub const fn of_deadlines(self) -> linesman_deadlines::policy::Kind {
        use linesman_deadlines::policy::Kind;
        match self {
            Self::Fault => Kind::Fault,
            Self::Complaint => Kind::Complaint,
            Self::Consultation => Kind::Consultation,
            Self::Recharge => Kind::Recharge,
            Self::FollowUp => Kind::FollowUp,
        }
    }
}

/// What people said of the diagnosis (R24).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether the diagnosis stood; if not, class, cause and segment of the ticket are the corrected ones.
    pub confirmed: bool,
    /// What he saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a comparison in which the bills agree makes of a ticket of class A: nothing closes it but a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// The reconciliation in which they agree.
    pub run: String,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who did not agree, if anybody; a later comparison may propose again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined_by: Option<String>,
}

/// A ticket as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// For programs.
    pub id: TicketId,
    /// For people.
    #[schema(value_type = String)]
    pub number: TicketNumber,
    /// Counts changes; the entity tag over HTTP.
    pub version: i64,
    /// Kind of work.
    pub kind: TicketKind,
    /// Where in its life it is.
    pub state: State,
    /// Opened with low confidence: waits for a person to approve or dismiss it.
    pub candidate: bool,
    /// Class, corrected by people if they did; `None` when nobody has classified it yet.
    pub class: Option<Class>,
    /// Cause; `None` when it is not known.
    pub cause: Option<Cause>,
    /// Element at fault; `None` when it is not located.
    pub segment: Option<String>,
    /// Whose; `None` when it is not known.
    pub side: Option<Side>,
    /// How bad.
    pub severity: Severity,
    /// Key of the root cause; one open ticket for each.
    pub key: String,
    /// Keys it had before.
    pub aliases: Vec<String>,
    /// The diagnosis at its last enrichment; `None` when nothing was diagnosed.
    pub fault: Option<Fault>,
    /// Who has it.
    pub owner: Option<String>,
    /// First bad round.
    pub detected_at: DateTime<Utc>,
    /// Opened.
    pub registered_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// When service came back, once verified.
    pub restored_at: Option<DateTime<Utc>>,
    /// When verified.
    pub resolved_at: Option<DateTime<Utc>>,
    /// What people said of the diagnosis.
    pub verdict: Option<Verdict>,
    /// How often it came back.
    pub reopen_count: u32,
    /// The closed ticket of the same root cause before it.
    pub follows: Option<TicketId>,
    /// Of class A: that a new comparison found the bills to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// How its fault comes and goes.
    #[serde(default, skip_serializing_if = "Flapping::is_steady")]
    pub flapping: Flapping,
    /// What was registered; `None` when Linesman opened it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// What people have done about it.
    #[serde(default, skip_serializing_if = "Process::is_untouched")]
    pub process: Process,
}

impl Ticket {
    /// Whether a person registered it: then it has a customer to answer, clocks, and the guards of people.
    #[must_use]
    pub const fn is_reported(&self) -> bool {
        self.registration.is_some()
    }

    /// Whether it is about a bill: by its diagnosis, else by its class.
    #[must_use]
    pub fn is_bill(&self) -> bool {
        match &self.fault {
            Some(fault) => fault.class == Class::A,
            None => self.class == Some(Class::A),
        }
    }

    /// The class as outputs name it: a letter, or `unclassified`.
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        self.class.map_or(UNCLASSIFIED, Class::letter)
    }

    /// The cause as outputs name it, or `unknown`.
    #[must_use]
    pub fn cause_name(&self) -> &'static str {
        self.cause.map_or(UNKNOWN, Cause::name)
    }

    /// Whose it is as outputs name it, or `unknown`.
    #[must_use]
    pub fn side_name(&self) -> &'static str {
        self.side.map_or(UNKNOWN, Side::name)
    }

    /// The element at fault as outputs name it; empty when it is not located.
    #[must_use]
    pub fn segment_name(&self) -> &str {
        self.segment.as_deref().unwrap_or_default()
    }

    /// What is broken and where; of a ticket without diagnosis what kind of work it is.
    #[must_use]
    pub fn headline(&self) -> Message {
        match &self.fault {
            Some(fault) => fault.headline.clone(),
            None => Message::new("headline.reported")
                .with("kind", format!("ticket_kind.{}", self.kind.name()))
                .with("class", format!("class.{}", self.class_name())),
        }
    }

    /// Resolved without anybody having confirmed the diagnosis: left out of the accuracy figure (R85).
    #[must_use]
    pub const fn is_unconfirmed(&self) -> bool {
        self.verdict.is_none()
    }

    /// Whether it waits for a person to say that agreeing bills settle it.
    #[must_use]
    pub fn awaits_settlement(&self) -> bool {
        self.state == State::Verifying
            && self.proposal.as_ref().is_some_and(|proposal| proposal.declined_by.is_none())
    }

    /// Whether `key` names its root cause, now or before.
    #[must_use]
    pub fn answers_to(&self, key: &str) -> bool {
        self.key == key || self.aliases.iter().any(|alias| alias == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_number_is_read_as_it_is_written() {
        let number = TicketNumber { year: 2026, count: 123 };
        assert_eq!(number.to_string(), "LM-2026-000123");
        assert_eq!("LM-2026-000123".parse(), Ok(number));
        for wrong in ["", "LM-2026-1", "lm-2026-000123", "LM-2026-0001x3", "LM--000123", "LM-+026-000123"] {
            assert!(wrong.parse::<TicketNumber>().is_err(), "{wrong}");
        }
    }
}
