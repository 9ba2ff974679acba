//! What the statistics know of a ticket.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use linesman_deadlines::policy::Kind;
use serde::{Deserialize, Serialize};

named! {
    /// How far a ticket came.
    Handling {
        /// It is worked on.
        Open = "open", "open", "处理中";
        /// It is solved, confirmed or not, or closed.
        Handled = "handled", "handled", "已处理";
        /// It was unfounded or not ours, and that was explained with evidence (R33, R36).
        Explained = "explained", "explained", "已解释";
        /// The customer took it back, or it was merged into another: no case of its own.
        Withdrawn = "withdrawn", "withdrawn", "已撤销";
    }
}

named! {
    /// What the customer says of the result (R45).
    Rating {
        /// 满意.
        Satisfied = "satisfied", "satisfied", "满意";
        /// 基本满意.
        Basically = "basically", "basically satisfied", "基本满意";
        /// 不满意.
        Dissatisfied = "dissatisfied", "dissatisfied", "不满意";
    }
}

named! {
    /// The three classes in which regulators publish appeals (mission.md section 9).
    RegulatorClass {
        /// Class E and conduct.
        UserService = "user_service", "User service", "用户服务";
        /// Classes B, C and D.
        NetworkQuality = "network_quality", "Network quality", "网络质量";
        /// Class A.
        ChargeDispute = "charge_dispute", "Charge dispute", "收费争议";
    }
}

impl RegulatorClass {
    /// The class of a ticket; `None` where it is not classified yet.
    #[must_use]
    pub fn of(letter: Option<&str>, is_conduct: bool) -> Option<Self> {
        if is_conduct {
            return Some(Self::UserService);
        }
        match letter? {
            "A" => Some(Self::ChargeDispute),
            "B" | "C" | "D" => Some(Self::NetworkQuality),
            "E" => Some(Self::UserService),
            _ => None,
        }
    }
}

/// A stretch of time, half open: a calendar month, its bounds given on the clocks of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// From.
    pub from: DateTime<Utc>,
    /// To, which does not belong to it.
    pub to: DateTime<Utc>,
}

impl Period {
    /// Whether an instant belongs to it.
    #[must_use]
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.to
    }
}

/// What became of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Kept in time.
    Kept,
    /// Renewed with a reason before its time.
    Renewed,
    /// Broken.
    Broken,
}

/// A promise that came to its end (R86).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseFact {
    /// Who answered for it (R96).
    pub owner: String,
    /// On whose time it rested, of a carrier's time alone; "-" where the carrier is not named.
    pub carrier: Option<String>,
    /// What became of it.
    pub word: Word,
}

/// What the statistics know of a ticket; `None` is not known or has not happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketFacts {
    /// Its number.
    pub ticket: String,
    /// What kind of work.
    pub kind: Kind,
    /// Class of trouble, by letter (R48).
    pub class: Option<String>,
    /// What it is about, within the class: a cause or a tag (R49).
    pub problem: Option<String>,
    /// The product or service it concerns (R117).
    pub product: Option<String>,
    /// It is about how somebody behaved.
    pub is_conduct: bool,
    /// When it came in; the month it belongs to.
    pub registered_at: DateTime<Utc>,
    /// When it was solved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How far it came.
    pub handling: Handling,
    /// What the customer says.
    pub rating: Option<Rating>,
    /// Whether the confirmed problem was right (R24, R85); `None` until a person has judged it.
    pub confirmed_right: Option<bool>,
    /// Deadlines towards the customer that were met.
    pub deadlines_met: u64,
    /// And that were missed.
    pub deadlines_missed: u64,
    /// Promises that were kept, in time or renewed before they fell due.
    pub promises_kept: u64,
    /// And that were broken.
    pub promises_broken: u64,
    /// Each of these with who answered for it.
    #[serde(default)]
    pub promises: Vec<PromiseFact>,
    /// It was reopened at least once.
    pub was_reopened: bool,
    /// Who accepted it solved it, without dispatch or second contact (R122).
    pub solved_at_first_contact: Option<bool>,
    /// The user appealed to the regulator.
    pub is_appeal: bool,
    /// What the customer gave in the survey, by item, 1 to 10 (R46).
    #[serde(default)]
    pub survey: BTreeMap<String, u64>,
}
