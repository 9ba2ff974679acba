//! The operator's decision trees as data (R57 to R66): what is asked, by whom or by which measurement it is
//! answered, where the answers lead.
//!
//! A tree is a TOML file: [`read`](mod@read) reads it, [`check`](mod@check) holds a set of them together, [`run`]
//! walks it. The seven trees of mission.md section 5 are shipped ([`Trees::shipped`]); an operator's file with a
//! higher version takes the place of one for runs that begin from then on.
//!
//! Absent on purpose: what a measurement says. The diagnosis brings answers, [`run::Run::prefill`] takes them.

pub mod check;
pub mod meaning;
pub mod read;
mod refusal;
pub mod run;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use meaning::{Effect, Measurement, NodeKind, Outcome, Source};
pub use read::TreeFile;
pub use run::{Answerer, Follows, Given, Measured, Refusal, Run, Standing, Step, Taken};

use crate::form::FormId;
use crate::role::Role;
use crate::text::Text;
use linesman_deadlines::Mistake;

/// Where an answer leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The tree.
    pub tree: String,
    /// The node in it.
    pub node: String,
}

/// An answer that a node takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Its name.
    pub id: String,
    /// What it says.
    pub text: Text,
    /// Where it leads.
    pub to: Place,
    /// The truth value of a measurement that gives it; none where only a person can.
    pub measured: Option<bool>,
    /// Whether the edge stands in the flow chart.
    pub source: Source,
    /// What the daemon does when it is given.
    pub effects: Vec<Effect>,
}

/// Something that must be told with the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Its name.
    pub id: String,
    /// What is asked.
    pub text: Text,
    /// It may tell of a person: kept apart, where it can be erased (R111).
    pub personal: bool,
}

/// A longest time (R65, R82).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cap {
    /// So many minutes ...
    pub minutes: u32,
    /// ... since this node was entered last.
    pub from: String,
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name in mission.md.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// Who answers; none at an outcome.
    pub role: Option<Role>,
    /// The rule of mission.md.
    pub rule: String,
    /// Whether its text stands in the flow chart.
    pub source: Source,
    /// What is asked or done.
    pub text: Text,
    /// Which measurements can answer it.
    pub measured_by: Vec<Measurement>,
    /// What must be told with the answer.
    pub ask: Vec<Detail>,
    /// The form that is filled in here.
    pub form: Option<FormId>,
    /// What the daemon does when it is answered.
    pub effects: Vec<Effect>,
    /// How long it may take.
    pub cap: Option<Cap>,
    /// How the walk ends here.
    pub outcome: Option<Outcome>,
    /// What can be answered; at an action the one answer `done`.
    pub answers: Vec<Answer>,
}

impl Node {
    /// The answer of a name.
    #[must_use]
    pub fn answer(&self, id: &str) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.id == id)
    }
}

/// A tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// Its name: INTAKE, TOP-UP, A to E.
    pub name: String,
    /// Counts its changes; a run keeps the one it began with.
    pub version: u32,
    /// The rule of mission.md.
    pub rule: String,
    /// What it is called.
    pub title: Text,
    /// Who wrote this version (R114).
    pub author: Option<String>,
    /// What it changes, and why (R114).
    pub change: Option<String>,
    /// Where it begins.
    pub start: String,
    /// Where it begins for a ticket that a measurement opened, when there is no customer to ask first.
    pub measured_start: Option<String>,
    /// Its nodes, in the order of the file.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The node of a name.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}

/// All trees, in all their versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trees {
    trees: BTreeMap<(String, u32), Tree>,
}

/// The names of the shipped trees, in the order of mission.md.
pub const NAMES: [&str; 7] = ["INTAKE", "TOP-UP", "A", "B", "C", "D", "E"];

const SHIPPED: [TreeFile<'static>; 7] = [
    TreeFile { file: "INTAKE.toml", text: include_str!("../trees/INTAKE.toml") },
    TreeFile { file: "TOP-UP.toml", text: include_str!("../trees/TOP-UP.toml") },
    TreeFile { file: "A.toml", text: include_str!("../trees/A.toml") },
    TreeFile { file: "B.toml", text: include_str!("../trees/B.toml") },
    TreeFile { file: "C.toml", text: include_str!("../trees/C.toml") },
    TreeFile { file: "D.toml", text: include_str!("../trees/D.toml") },
    TreeFile { file: "E.toml", text: include_str!("../trees/E.toml") },
];

static READ: LazyLock<Option<Trees>> = LazyLock::new(|| check::read_all(&SHIPPED).ok());

/// A shipped tree as it is written: what an own one begins with.
#[must_use]
pub fn shipped_text(name: &str) -> Option<&'static str> {
    let file = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    SHIPPED.get(file).map(|tree| tree.text)
}

impl Trees {
    /// The shipped trees; that they can be read is held by a test, so there always are some.
    #[must_use]
    pub fn shipped() -> Option<&'static Self> {
        READ.as_ref()
    }

    /// The shipped trees and an operator's own, which take the place of those of their name.
    ///
    /// # Errors
    /// With every mistake of the operator's files at its place.
    pub fn with_own(own: &[TreeFile<'_>]) -> Result<Self, Vec<Mistake>> {
        let all: Vec<TreeFile<'_>> = SHIPPED.iter().chain(own).copied().collect();
        check::read_all(&all)
    }

    /// The tree of a name in its highest version.
    #[must_use]
    pub fn latest(&self, name: &str) -> Option<&Tree> {
        let all = (name.to_owned(), 0)..=(name.to_owned(), u32::MAX);
        self.trees.range(all).next_back().map(|(_, tree)| tree)
    }

    /// The tree of a name in a version.
    #[must_use]
    pub fn version(&self, name: &str, version: u32) -> Option<&Tree> {
        self.trees.get(&(name.to_owned(), version))
    }

    /// The highest version of each tree.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, u32> {
        // Ascending: the last of a name stays.
        self.trees.keys().cloned().collect()
    }

    /// Each tree in its highest version: those of mission.md in its order, then others.
    #[must_use]
    pub fn all_latest(&self) -> Vec<&Tree> {
        let place = |name: &str| NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len());
        let mut latest: Vec<&Tree> = self.versions().keys().filter_map(|name| self.latest(name)).collect();
        latest.sort_by_key(|tree| (place(&tree.name), tree.name.clone()));
        latest
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
