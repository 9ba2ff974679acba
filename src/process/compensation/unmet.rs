//! Conditions that are not met, in words.

use std::fmt;

use serde::Serialize;

use super::claim::Exclusion;
use crate::money::Money;
use crate::role::Role;
use crate::text::Language;

/// A condition that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "unmet", rename_all = "snake_case")]
pub enum Unmet {
    /// The standard has no rule for such a claim.
    NoRule,
    /// The cause excludes it (section 9 g).
    Excluded {
        /// Which.
        cause: Exclusion,
    },
    /// Something has to be known first.
    NotKnown {
        /// What.
        what: &'static str,
        /// What, in Chinese.
        what_zh: &'static str,
    },
    /// Something is not so.
    NotSo {
        /// What should be.
        what: &'static str,
        /// What should be, in Chinese.
        what_zh: &'static str,
    },
    /// It was not out for long enough.
    TooShort {
        /// For so long it must be.
        hours: u32,
    },
    /// It comes to nothing.
    NothingOwed,
    /// A number is too large or not possible.
    NotComputable,
    /// The customer chose what is not offered.
    NoSuchChoice {
        /// What is.
        offered: Vec<String>,
    },
    /// More than the rule gives.
    MoreThanComputed {
        /// What it gives.
        computed: Money,
    },
    /// More than this approver may grant.
    AboveLimit {
        /// What the approver may grant; nothing when they may not at all.
        limit: Option<Money>,
        /// Who may.
        may: Role,
    },
    /// It was computed by another version than is in force.
    OtherVersion {
        /// By which.
        computed: u32,
        /// Which is in force.
        present: u32,
    },
}

impl Unmet {
    /// In words.
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Chinese => self.chinese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NoRule => "R113: the standard has no rule for this; add one or decline".to_owned(),
            Self::Excluded { cause } => {
                format!("R113: excluded by its cause: {}", cause.word(Language::English))
            }
            Self::NotKnown { what, .. } => format!("R113: not known yet: {what}; find it out first"),
            Self::NotSo { what, .. } => format!("R113: this does not hold: {what}"),
            Self::TooShort { hours } => format!("R113: it was not out for more than {hours} hours"),
            Self::NothingOwed => "R113: it comes to nothing".to_owned(),
            Self::NotComputable => {
                "R113: these numbers cannot be computed with; look at them again".to_owned()
            }
            Self::NoSuchChoice { offered } => {
                format!("R101: the customer chooses one of {}", offered.join(", "))
            }
            Self::MoreThanComputed { computed } => {
                format!("R113: the rule gives {computed} at most; more needs another rule")
            }
            Self::AboveLimit { limit, may } => {
                let may = may.word(Language::English);
                match limit {
                    Some(limit) => format!("R113: this approver grants up to {limit}; ask the {may}"),
                    None => format!("R113: this approver grants nothing; ask the {may}"),
                }
            }
            Self::OtherVersion { computed, present } => {
                format!(
                    "R114: computed by version {computed}, version {present} is in force; compute it again"
                )
            }
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::NoRule => "R113：赔偿标准中没有对应规则；请补充规则或予以拒绝".to_owned(),
            Self::Excluded { cause } => format!("R113：属免责情形：{}", cause.word(Language::Chinese)),
            Self::NotKnown { what_zh, .. } => format!("R113：尚不清楚：{what_zh}；请先核实"),
            Self::NotSo { what_zh, .. } => format!("R113：不成立：{what_zh}"),
            Self::TooShort { hours } => format!("R113：中断未超过{hours}小时"),
            Self::NothingOwed => "R113：应赔金额为零".to_owned(),
            Self::NotComputable => "R113：数值无法计算，请核对".to_owned(),
            Self::NoSuchChoice { offered } => format!("R101：请客户在以下方案中选择：{}", offered.join("、")),
            Self::MoreThanComputed { computed } => format!("R113：按规则最多{computed}；超出须另有规则"),
            Self::AboveLimit { limit, may } => {
                let may = may.word(Language::Chinese);
                match limit {
                    Some(limit) => format!("R113：审批人权限上限为{limit}；请由{may}审批"),
                    None => format!("R113：审批人无审批权限；请由{may}审批"),
                }
            }
            Self::OtherVersion { computed, present } => {
                format!("R114：按第{computed}版计算，现行为第{present}版；请重新计算")
            }
        }
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

impl std::error::Error for Unmet {}
