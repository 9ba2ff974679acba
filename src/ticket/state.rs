//! States of a ticket and which may follow which (design: one table, read by every door).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where in its life a ticket is. Reopening is an event, not a state of TMF621; here it is kept
/// apart because people must see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Has a number.
    Registered,
    /// Has a class.
    Classified,
    /// Has an owner.
    Assigned,
    /// Is worked on.
    InProgress,
    /// Waits for the customer.
    PendingCustomer,
    /// Waits for a carrier or vendor.
    HeldExternal,
    /// Waits for announced work.
    HeldPlanned,
    /// The fault is gone; measurement decides.
    Verifying,
    /// Measured to be over.
    Resolved,
    /// The customer is asked.
    AwaitingConfirmation,
    /// Came back.
    Reopened,
    /// Over; the reopen window runs.
    Settled,
    /// Over for good.
    Closed,
    /// Not ours, or no trouble.
    Rejected,
    /// Withdrawn or merged.
    Cancelled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 15] = [
        Self::Registered,
        Self::Classified,
        Self::Assigned,
        Self::InProgress,
        Self::PendingCustomer,
        Self::HeldExternal,
        Self::HeldPlanned,
        Self::Verifying,
        Self::Resolved,
        Self::AwaitingConfirmation,
        Self::Reopened,
        Self::Settled,
        Self::Closed,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Classified => "classified",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::PendingCustomer => "pending_customer",
            Self::HeldExternal => "held_external",
            Self::HeldPlanned => "held_planned",
            Self::Verifying => "verifying",
            Self::Resolved => "resolved",
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::Reopened => "reopened",
            Self::Settled => "settled",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The status that TMF621 knows for it.
    #[must_use]
    pub const fn tmf621(self) -> &'static str {
        match self {
            Self::Registered | Self::Classified | Self::Assigned => "acknowledged",
            Self::InProgress | Self::Verifying | Self::Reopened => "inProgress",
            Self::PendingCustomer => "pending",
            Self::HeldExternal | Self::HeldPlanned => "held",
            Self::Resolved | Self::AwaitingConfirmation | Self::Settled => "resolved",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the trouble is still worked on: one ticket in such a state for each root cause.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(
            self,
            Self::Resolved
                | Self::AwaitingConfirmation
                | Self::Settled
                | Self::Closed
                | Self::Rejected
                | Self::Cancelled
        )
    }

    /// Whether an event may lead from this state to `next`; staying is always allowed.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Registered => matches!(self, Self::Registered),
            Self::Classified => {
                matches!(self, Self::Registered | Self::Classified | Self::Verifying)
            }
            Self::Assigned => matches!(self, Self::Classified | Self::Assigned),
            Self::InProgress => self.is_open(),
            Self::PendingCustomer | Self::HeldExternal | Self::HeldPlanned => {
                matches!(
                    self,
                    Self::InProgress | Self::PendingCustomer | Self::HeldExternal | Self::HeldPlanned
                )
            }
            Self::Verifying => self.is_open(),
            Self::Cancelled => self.is_open() || matches!(self, Self::Cancelled),
            // A consultation or top-up is answered, not repaired: it needs no measurement.
            Self::Resolved => matches!(self, Self::Verifying | Self::InProgress | Self::Resolved),
            Self::AwaitingConfirmation => matches!(self, Self::Resolved | Self::AwaitingConfirmation),
            Self::Reopened => {
                matches!(self, Self::Resolved | Self::AwaitingConfirmation | Self::Settled | Self::Reopened)
            }
            Self::Settled => {
                matches!(self, Self::Resolved | Self::AwaitingConfirmation | Self::Settled)
            }
            Self::Closed => matches!(self, Self::Settled | Self::Closed),
            Self::Rejected => matches!(self, Self::Registered | Self::Classified | Self::Rejected),
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Rejected | Self::Cancelled)
    }
}
