//! Levels of a complaint: which it has by what is known of it, who supervises, which grade it is (R34, R52 to
//! R54, mission.md section 9).
//!
//! The table is data: [`defaults`] reads the shipped one, [`read`](fn@read) an operator's. Times of each level are
//! those of the table of deadlines ([`Levels::times`]), so that there is one truth of them.
//!
//! Absent on purpose: a way down without a person. A level rises by facts; it is lowered by its supervisor, with
//! a reason.

mod fact;
mod read;

use std::sync::LazyLock;

use serde::Serialize;

pub use fact::{Fact, Facts};
pub use linesman_deadlines::policy::Level;
pub use read::read;

use crate::role::Role;
use crate::text::{Language, Text};
use linesman_deadlines::policy::{Facts as PolicyFacts, Kind, Policies, Purpose, Target};

named! {
    /// The three grades of R53.
    Grade {
        /// 一般.
        General = "general", "General complaint", "一般投诉";
        /// 重要.
        Important = "important", "Important complaint", "重要投诉";
        /// 重大.
        Major = "major", "Major complaint", "重大投诉";
    }
}

/// The name of a level for people, as mission.md section 9 gives it.
#[must_use]
pub const fn level_word(level: Level, language: Language) -> &'static str {
    match (level, language) {
        (Level::Blue, Language::English) => "blue (general)",
        (Level::Blue, Language::Chinese) => "蓝色（一般）",
        (Level::Yellow, Language::English) => "yellow (important)",
        (Level::Yellow, Language::Chinese) => "黄色（重要）",
        (Level::Orange, Language::English) => "orange (serious)",
        (Level::Orange, Language::Chinese) => "橙色（严重）",
        (Level::Red, Language::English) => "red (major)",
        (Level::Red, Language::Chinese) => "红色（重大）",
        (Level::RedPlus, Language::English) => "red+ (especially major)",
        (Level::RedPlus, Language::Chinese) => "红色以上（特别重大）",
    }
}

/// A fact that reaches so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// Of what.
    pub fact: Fact,
    /// How much.
    pub at_least: u64,
}

impl Criterion {
    /// In words.
    #[must_use]
    pub fn say(self, language: Language) -> String {
        let word = self.fact.word(language);
        match (self.fact.is_flag(), language) {
            (true, _) => word.to_owned(),
            (false, Language::English) => format!("{word}: {} or more", self.at_least),
            (false, Language::Chinese) => format!("{word}：{}及以上", self.at_least),
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Which level.
    pub level: Level,
    /// Which grade it is (R53).
    pub grade: Grade,
    /// Who supervises; the specialist leads in every level (R126).
    pub supervisor: Role,
    /// How it is handled (R53).
    pub mode: Text,
    /// What makes it this level; any one suffices.
    pub criteria: Vec<Criterion>,
}

/// Times of a level; `None` where the table of deadlines states none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// First contact.
    pub first_contact: Option<Target>,
    /// News for the customer.
    pub update: Option<Target>,
    /// Resolution; at red a bridge solution suffices.
    pub resolution: Option<Target>,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// Counts its changes (R114).
    pub version: u32,
    /// A claim above it is [`Fact::ClaimAboveLimit`].
    pub claim_limit: crate::money::Money,
    /// In this currency.
    pub currency: String,
    /// What makes a complaint an escalated one (R34).
    pub identification: Vec<Fact>,
    /// The levels, from the mildest.
    pub rules: Vec<Rule>,
}

/// What the facts make of a complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Version of the table.
    pub version: u32,
    /// The level.
    pub level: Level,
    /// Its grade (R53).
    pub grade: Grade,
    /// Who supervises.
    pub supervisor: Role,
    /// Why; empty for the mildest.
    pub reasons: Vec<Criterion>,
    /// What is not known and could raise it.
    pub unknown: Vec<Fact>,
}

/// Why a level is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelRefusal {
    /// Only who supervises the present level lowers it.
    NotTheSupervisor,
    /// Why it is lowered must be said.
    NoReason,
    /// It would not be lower.
    NotLower,
}

impl LevelRefusal {
    /// In words.
    #[must_use]
    pub const fn say(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::NotTheSupervisor, Language::English) => {
                "R54: only the supervisor of the present level lowers it; ask that person"
            }
            (Self::NotTheSupervisor, Language::Chinese) => "R54：只有当前级别的督办人可以降级，请联系督办人",
            (Self::NoReason, Language::English) => "R54: say why it is lowered",
            (Self::NoReason, Language::Chinese) => "R54：请说明降级原因",
            (Self::NotLower, Language::English) => "R54: this is not a lower level; it rises by facts",
            (Self::NotLower, Language::Chinese) => "R54：该级别并不更低；升级依据事实进行",
        }
    }
}

impl Levels {
    /// The row of a level.
    #[must_use]
    pub fn rule(&self, level: Level) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.level == level)
    }

    /// Who supervises a level; above the table's gravest, that one's.
    #[must_use]
    pub fn supervisor(&self, level: Level) -> Role {
        self.rule(level).or(self.rules.last()).map_or(Role::Management, |rule| rule.supervisor)
    }

    /// The level of a complaint by what is known of it.
    #[must_use]
    pub fn judge(&self, facts: &Facts) -> Judgement {
        let met = |rule: &Rule| -> Vec<Criterion> {
            let is_met = |criterion: &&Criterion| {
                facts.get(criterion.fact).is_some_and(|known| known >= criterion.at_least)
            };
            rule.criteria.iter().filter(is_met).copied().collect()
        };
        let (place, reasons) = self
            .rules
            .iter()
            .enumerate()
            .rev()
            .map(|(place, rule)| (place, met(rule)))
            .find(|(_, reasons)| !reasons.is_empty())
            .unwrap_or_default();
        let above = self.rules.iter().skip(place + 1).flat_map(|rule| &rule.criteria);
        let mut unknown: Vec<Fact> = Vec::new();
        for criterion in above {
            if facts.get(criterion.fact).is_none() && !unknown.contains(&criterion.fact) {
                unknown.push(criterion.fact);
            }
        }
        let rule = self.rules.get(place);
        Judgement {
            version: self.version,
            level: rule.map_or(Level::Blue, |rule| rule.level),
            grade: rule.map_or(Grade::General, |rule| rule.grade),
            supervisor: rule.map_or(Role::ComplaintSpecialist, |rule| rule.supervisor),
            reasons,
            unknown,
        }
    }

    /// The level that a ticket has after new facts: never lower than it had.
    #[must_use]
    pub fn raised(&self, present: Level, facts: &Facts) -> Level {
        present.max(self.judge(facts).level)
    }

    /// The next level, as after a customer who is not satisfied (R104); the gravest stays.
    #[must_use]
    pub fn next(&self, present: Level) -> Level {
        self.rules.iter().map(|rule| rule.level).find(|level| *level > present).unwrap_or(present)
    }

    /// Lowers a level.
    ///
    /// # Errors
    /// With everything that stands against it.
    pub fn lower(
        &self,
        present: Level,
        to: Level,
        by: &[Role],
        reason: &str,
    ) -> Result<Level, Vec<LevelRefusal>> {
        let mut against = Vec::new();
        if to >= present {
            against.push(LevelRefusal::NotLower);
        }
        if !self.may_supervise(present, by) {
            against.push(LevelRefusal::NotTheSupervisor);
        }
        if reason.trim().is_empty() {
            against.push(LevelRefusal::NoReason);
        }
        if against.is_empty() { Ok(to) } else { Err(against) }
    }

    /// Whether one of these roles supervises the level, or a graver one.
    #[must_use]
    pub fn may_supervise(&self, level: Level, roles: &[Role]) -> bool {
        let from = self.rules.iter().filter(|rule| rule.level >= level);
        roles.iter().any(|role| from.clone().any(|rule| rule.supervisor == *role))
    }

    /// Why a complaint is an escalated one (R34); empty when it is not.
    #[must_use]
    pub fn escalated_by(&self, facts: &Facts) -> Vec<Fact> {
        let holds = |fact: &&Fact| facts.get(**fact).is_some_and(|known| known > 0);
        self.identification.iter().filter(holds).copied().collect()
    }

    /// The times of a level by the table of deadlines.
    #[must_use]
    pub fn times(level: Level, table: &Policies) -> Times {
        let of = |purpose: Purpose| {
            let facts =
                PolicyFacts { kind: Some(Kind::Complaint), level: Some(level), ..PolicyFacts::default() };
            let asks_level = |policy: &&linesman_deadlines::Policy| {
                policy.purpose == purpose && policy.when.level.contains(&level) && policy.when.holds(&facts)
            };
            table.policies.iter().find(asks_level).map(|policy| policy.target)
        };
        Times {
            first_contact: of(Purpose::FirstContact),
            update: of(Purpose::Update),
            resolution: of(Purpose::Resolution),
        }
    }
}

/// The shipped table as it is written: what an own one begins with.
pub const SHIPPED: &str = include_str!("default.toml");

static DEFAULTS: LazyLock<Option<Levels>> = LazyLock::new(|| read("level.toml", SHIPPED).ok());

/// The shipped table; that it can be read is held by a test, so there always is one.
#[must_use]
pub fn defaults() -> Option<&'static Levels> {
    DEFAULTS.as_ref()
}

#[cfg(test)]
mod tests;
