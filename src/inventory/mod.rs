//! The network as a typed graph: what there is, what depends on what, what is measured where.
//!
//! PURE: no files, no clock, no sockets. [`build`](Inventory::build) is given declarations (from
//! settings, or made by the simulator) and either returns an inventory that cannot be wrong (no
//! duplicate, no dangling name, no cycle) or every mistake in it at once.
//!
//! A dependency is stated by the one that depends: a trunk names its link, a gateway its access
//! and site, a server its site and device (contract section 4).

mod build;
mod check;
mod declare;
mod graph;
mod names;
mod order;
mod targets;
mod test_call;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use linesman_probes::probe::ProbeSpec;
use serde::{Deserialize, Serialize};

pub use test_call::TestCallDeclaration;

pub use build::{Field, Mistake, MistakeKind};
pub use declare::{
    AccessDeclaration, CustomerDeclaration, Declarations, Declared, DeviceDeclaration, GatewayDeclaration,
    LinkDeclaration, PollerDeclaration, ProbeDefaults, ProbeOverride, ServerDeclaration, SiteDeclaration,
    TrunkDeclaration,
};
pub(crate) use names::nearest;

/// Kinds of element (contract section 4).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ElementKind {
    /// A place.
    Site,
    /// A softswitch, SBC, media relay or billing host of the operator.
    Server,
    /// A router or switch.
    Device,
    /// A fibre or other line, to a carrier's machine room as a rule.
    Link,
    /// A landing line: termination trunk to a carrier.
    Trunk,
    /// The device that turns voice into packets.
    Gateway,
    /// A customer's access line.
    Access,
    /// A customer.
    Customer,
}

impl ElementKind {
    /// The name in settings and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Server => "server",
            Self::Device => "device",
            Self::Link => "link",
            Self::Trunk => "trunk",
            Self::Gateway => "gateway",
            Self::Access => "access",
            Self::Customer => "customer",
        }
    }

    /// Whether packets to what lies behind pass through it. Sites and customers carry none.
    #[must_use]
    pub const fn carries_packets(self) -> bool {
        !matches!(self, Self::Site | Self::Customer)
    }
}

/// Place of an element in [`Inventory::elements`]; valid for that inventory only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementIndex(pub usize);

/// Who owns a gateway: decides the side of its faults (contract section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Supplied by the operator (R62).
    Company,
    /// The customer's own.
    #[default]
    Customer,
}

/// What is known of an element beyond its name and dependencies; empty where not stated.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Facts {
    /// Words for people: what and where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Carrier of a link or trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's name for the circuit of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit: Option<String>,
    /// Where a link ends: the carrier's machine room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub far_end: Option<String>,
    /// Model of a gateway or device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Owner of a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Number prefixes of a trunk.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// Contacts of a customer: personal data, masked where the role does not need it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Whether a customer is a key account.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub key_account: bool,
}

/// One element of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Unique over all kinds.
    pub name: String,
    /// Its kind.
    pub kind: ElementKind,
    /// What it depends on directly, nearer to the poller.
    pub depends_on: Vec<ElementIndex>,
    /// What else is known.
    pub facts: Facts,
}

/// One address or port that a probe addresses, with how it is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// `ELEMENT/PROBE`, as `gateway-7/sip`; with `far` between for a link's far end.
    pub name: String,
    /// The element that the answer speaks for.
    pub element: ElementIndex,
    /// What is sent where.
    pub spec: ProbeSpec,
    /// From the start of a round to the start of the next.
    pub interval: Duration,
    /// Requests a round.
    pub count: u32,
    /// Longest wait for one answer.
    pub timeout: Duration,
}

/// The whole network. Elements stand in an order in which nobody stands before what it depends on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    elements: Vec<Element>,
    by_name: BTreeMap<String, ElementIndex>,
    targets: Vec<Target>,
    /// The element that this poller runs on or hangs at, if stated.
    poller: Option<ElementIndex>,
    /// Addresses near the poller that are no part of the measured network.
    anchors: Vec<IpAddr>,
    /// For each element: where its targets begin in `targets`.
    first_target: Vec<usize>,
    /// For each element: the server that knows its registration.
    registrars: Vec<Option<ElementIndex>>,
    /// For each element: what lies between the poller and it, nearest first, itself last.
    paths: Vec<Vec<ElementIndex>>,
    /// For each element: everything that depends on it, directly or not.
    dependents: Vec<Vec<ElementIndex>>,
}
