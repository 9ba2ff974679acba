//! Shapes that the store speaks besides the domain's own.

use chrono::{DateTime, Utc};
use linesman_probes::observation::Observation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnosis::{Class, Severity};
use crate::ticket::{State, Ticket, TicketId, TicketKind};

/// What a token may do (design: roles by table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads, personal data masked.
    Viewer,
    /// What a viewer may; registers tickets, speaks to customers, and logs it (R11, R17).
    Agent,
    /// What an agent may; confirms and corrects diagnoses, measures again, notes.
    Technician,
    /// Reconciles bills and works on tickets of class A; of the network it sees nothing.
    Billing,
    /// What a technician and billing may, and every ticket action but those of managers.
    Noc,
    /// What the NOC may; rejects, waives a measurement, changes levels (R2, R12, R19, R20).
    Manager,
    /// Everything, tokens and configuration included.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] =
        [Self::Viewer, Self::Agent, Self::Technician, Self::Billing, Self::Noc, Self::Manager, Self::Admin];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Technician => "technician",
            Self::Billing => "billing",
            Self::Noc => "noc",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// Whether it may whatever `needed` may. Billing stands beside the ladder: who watches the network
    /// sees no bills, and who reconciles bills sees no network.
    #[must_use]
    pub const fn covers(self, needed: Self) -> bool {
        const fn rung(role: Role) -> u8 {
            match role {
                Role::Viewer => 0,
                Role::Agent => 1,
                Role::Technician => 2,
                Role::Billing | Role::Noc => 3,
                Role::Manager => 4,
                Role::Admin => 5,
            }
        }
        match (self, needed) {
            (Self::Billing, Self::Billing) => true,
            (Self::Billing, _) => false,
            _ => rung(self) >= rung(needed),
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let all = Self::ALL.map(Self::name).join(", ");
        Self::parse(name).ok_or_else(|| format!("there is no such role; roles are {all}"))
    }
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Unique name: the actor in the audit trail.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it ends; at most a year.
    pub expires_at: DateTime<Utc>,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenInfo {
    /// Unique name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Made.
    pub created_at: DateTime<Utc>,
    /// Ends.
    pub expires_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Ended before its time.
    pub revoked: bool,
}

/// Which tickets; empty lists match all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TicketFilter {
    /// Any of these states.
    pub states: Vec<State>,
    /// Only open (`true`) or only not open (`false`).
    pub open: Option<bool>,
    /// Any of these classes.
    pub classes: Vec<Class>,
    /// Any of these severities.
    pub severities: Vec<Severity>,
    /// This segment.
    pub segment: Option<String>,
    /// This owner.
    pub owner: Option<String>,
    /// This customer.
    pub customer: Option<String>,
    /// This kind of work.
    pub kind: Option<TicketKind>,
    /// With this tag of the second level.
    pub tag: Option<String>,
    /// Below this ticket.
    pub parent: Option<TicketId>,
    /// Registered at or after.
    pub from: Option<DateTime<Utc>>,
    /// Registered before.
    pub to: Option<DateTime<Utc>>,
    /// Only those of bills, whatever the classes asked for.
    pub bills_only: bool,
}

/// Place in a list of tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCursor {
    /// Of the last ticket seen.
    pub registered_at: DateTime<Utc>,
    /// Of the last ticket seen.
    pub id: String,
}

/// A part of a list of tickets.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketPage {
    /// Newest first.
    pub tickets: Vec<Ticket>,
    /// Where to go on; `None` at the end.
    pub next: Option<TicketCursor>,
}

/// Which observations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationQuery {
    /// Of these targets; all when empty.
    pub targets: Vec<String>,
    /// From this round's start.
    pub from: DateTime<Utc>,
    /// Before this round's start.
    pub to: DateTime<Utc>,
    /// At most so many, the newest kept.
    pub limit: u32,
}

/// An observation as kept.
pub type StoredObservation = Observation;

/// One hour of one target.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HourlyPoint {
    /// Start of the hour.
    pub hour: DateTime<Utc>,
    /// Rounds measured.
    pub rounds: i64,
    /// Rounds that could not be measured.
    pub unmeasured: i64,
    /// Requests sent.
    pub sent: i64,
    /// Answers.
    pub received: i64,
    /// Mean delay over answers, ms.
    pub rtt_mean_ms: Option<f64>,
    /// Largest delay, ms.
    pub rtt_max_ms: Option<f64>,
}

/// What `db check` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// What the database says of itself: empty when sound.
    pub damage: Vec<String>,
    /// Events verified.
    pub events: i64,
    /// First event whose hash does not fit, if any.
    pub broken_at: Option<i64>,
    /// Hash of the last event: the head to keep elsewhere.
    pub head: Option<String>,
}
