//! Compensation by the operator's standard: which rule, how much to the minor unit, who may grant it (R87, R94,
//! R101, R113, mission.md section 9 a to g).
//!
//! The standard is data: [`defaults`] reads the shipped one, [`read`](fn@read) an operator's. A claim that a rule
//! does not cover is refused with every condition that is not met; what is not known does not count as met.

mod claim;
mod compute;
mod read;
mod unmet;

use std::sync::LazyLock;

use serde::Serialize;

pub use claim::{Area, Claim, Exclusion, Remedy};
pub use compute::{Computation, Grant};
pub use read::read;
pub use unmet::Unmet;

use crate::money::Money;
use crate::role::Role;
use crate::text::Text;

/// What somebody may grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Who.
    pub role: Role,
    /// At most; any amount without.
    pub amount: Option<Money>,
}

/// What a customer may choose (R101).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Its name.
    pub id: String,
    /// What kind of solution it is (R94).
    pub remedy: Remedy,
    /// What it says.
    pub title: Text,
    /// What it is worth.
    pub amount: Money,
}

/// How a rule computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Method {
    /// a: rent for each started day beyond so many hours.
    RentWaived {
        /// In a town.
        urban_hours: u32,
        /// In the country.
        rural_hours: u32,
    },
    /// b: an amount for each started day, capped.
    PerDay {
        /// A day.
        per_day: Money,
        /// At most.
        cap: Money,
    },
    /// c: what was charged, so many times.
    NoOrderRecord {
        /// So many times.
        factor: u32,
    },
    /// d: what was charged beyond what was notified, so many times.
    TariffDiffers {
        /// So many times.
        factor: u32,
    },
    /// e: what the reconciliation proves.
    BillingError {
        /// So many times.
        factor: u32,
    },
    /// f: what the customer chooses.
    Goodwill {
        /// Of these.
        options: Vec<Choice>,
    },
}

/// A rule of the standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Its letter in mission.md section 9.
    pub section: String,
    /// The rule of mission.md.
    pub rule: String,
    /// What it says.
    pub title: Text,
    /// How it computes.
    pub method: Method,
    /// g: what excludes it.
    pub excluded_by: Vec<Exclusion>,
}

/// The standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standard {
    /// Counts its changes; a grant names it (R113, R114).
    pub version: u32,
    /// Of all its amounts.
    pub currency: String,
    /// From the lowest.
    pub limits: Vec<Limit>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// The shipped table as it is written: what an own one begins with.
pub const SHIPPED: &str = include_str!("default.toml");

static DEFAULTS: LazyLock<Option<Standard>> = LazyLock::new(|| read("compensation.toml", SHIPPED).ok());

/// The shipped standard; that it can be read is held by a test, so there always is one.
#[must_use]
pub fn defaults() -> Option<&'static Standard> {
    DEFAULTS.as_ref()
}

#[cfg(test)]
mod tests;
