//! A walk through the trees: what is asked now, who or what answered, the path node by node (R57, R64).
//!
//! A run keeps the versions of all trees that it began with, so that a jump into another tree is to the one
//! that was in force then. It is stored as it is, or rebuilt from its steps by [`Run::replay`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use super::refusal::Refusal;
use super::{Effect, Node, Outcome, Place, Tree, Trees};
use crate::form::FormId;
use crate::role::Role;

/// No run is longer; what goes in circles so long wants another decision.
pub const MOST_STEPS: usize = 1_000;

/// Who or what answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Answerer {
    /// A measurement.
    Auto {
        /// Which, by the reference of its evidence.
        evidence: String,
    },
    /// A person.
    Person {
        /// Who.
        name: String,
        /// In which roles.
        roles: Vec<Role>,
        /// What they saw, by reference.
        evidence: Option<String>,
    },
}

/// An answer as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The answer's name; `done` for an action.
    pub answer: String,
    /// Who or what answers.
    pub by: Answerer,
    /// What the node asks beside it, by name.
    pub details: BTreeMap<String, String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a step was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Taken {
    /// An answer was given.
    Answered {
        /// Its name.
        answer: String,
    },
    /// Somebody went back to a node that had been answered wrongly.
    Corrected {
        /// Why.
        reason: String,
    },
}

/// A step of the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The node that was current.
    pub place: Place,
    /// What was done there.
    #[serde(flatten)]
    pub taken: Taken,
    /// Who or what did it.
    pub answerer: Answerer,
    /// What was told with it.
    pub details: BTreeMap<String, String>,
    /// When.
    pub at: DateTime<Utc>,
    /// It took longer than the node may take (R65, R82).
    pub over_cap: bool,
    /// The node that is current after it.
    pub to: Place,
}

/// What a measurement says of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The node.
    pub node: String,
    /// What it says.
    pub answer: bool,
    /// What the node asks beside it, by name.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
}

impl Measured {
    /// Without details.
    #[must_use]
    pub fn new(node: &str, answer: bool) -> Self {
        Self { node: node.to_owned(), answer, details: BTreeMap::new() }
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'t> {
    /// It waits for the answer to a node of a tree.
    Asks(&'t Tree, &'t Node),
    /// It has come to its end.
    Ended(&'t Tree, &'t Node, Outcome),
}

impl<'t> Standing<'t> {
    /// The current node.
    #[must_use]
    pub const fn node(self) -> &'t Node {
        match self {
            Self::Asks(_, node) | Self::Ended(_, node, _) => node,
        }
    }
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Follows {
    /// What the daemon does now.
    pub effects: Vec<Effect>,
    /// The form that belongs to the node.
    pub form: Option<FormId>,
    /// It took longer than it may.
    pub over_cap: bool,
}

/// A walk through the trees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    versions: BTreeMap<String, u32>,
    from: Place,
    started_at: DateTime<Utc>,
    current: Place,
    entered_at: DateTime<Utc>,
    path: Vec<Step>,
}

impl Run {
    /// Begins a tree, in the highest versions there are.
    ///
    /// # Errors
    /// When there is no such tree.
    pub fn start(trees: &Trees, name: &str, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let tree = trees.latest(name).ok_or_else(|| Refusal::NoSuchTree { name: name.to_owned() })?;
        Ok(Self::begin(trees.versions(), name, &tree.start, at))
    }

    /// Begins a tree where a ticket begins that a measurement opened.
    ///
    /// # Errors
    /// When there is no such tree.
    pub fn start_measured(trees: &Trees, name: &str, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let tree = trees.latest(name).ok_or_else(|| Refusal::NoSuchTree { name: name.to_owned() })?;
        let start = tree.measured_start.as_ref().unwrap_or(&tree.start);
        Ok(Self::begin(trees.versions(), name, start, at))
    }

    /// Begins the tree of a class with the path that the diagnosis walked in it.
    ///
    /// # Errors
    /// When there is no such tree.
    pub fn from_path(
        trees: &Trees,
        class: &str,
        path: &[Measured],
        evidence: &str,
        at: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let mut run = Self::start_measured(trees, class, at)?;
        run.prefill(trees, path, evidence, at)?;
        Ok(run)
    }

    /// Rebuilds a run from its steps; each must be one that could be taken.
    ///
    /// # Errors
    /// With the place of the first step that could not.
    pub fn replay(
        trees: &Trees,
        versions: BTreeMap<String, u32>,
        from: &Place,
        started_at: DateTime<Utc>,
        steps: &[Step],
    ) -> Result<Self, (usize, Vec<Refusal>)> {
        let mut run = Self::begin(versions, &from.tree, &from.node, started_at);
        for (place, step) in steps.iter().enumerate() {
            let taken = match &step.taken {
                Taken::Answered { answer } => {
                    let given = Given {
                        answer: answer.clone(),
                        by: step.answerer.clone(),
                        details: step.details.clone(),
                        at: step.at,
                    };
                    run.answer(trees, &step.place.node, given).map(|_| ())
                }
                Taken::Corrected { reason } => {
                    run.correct(trees, &step.to, step.answerer.clone(), reason, step.at)
                }
            };
            taken.map_err(|refused| (place, refused))?;
            if run.path.last() != Some(step) {
                return Err((place, vec![Refusal::NotAsRecorded]));
            }
        }
        Ok(run)
    }

    /// A run as it began, of what was recorded of it; [`Run::take`] adds its steps.
    #[must_use]
    pub fn begin(versions: BTreeMap<String, u32>, tree: &str, node: &str, at: DateTime<Utc>) -> Self {
        let from = Place { tree: tree.to_owned(), node: node.to_owned() };
        Self { versions, current: from.clone(), from, started_at: at, entered_at: at, path: Vec::new() }
    }

    /// Adds a recorded step, which was checked when it was taken.
    pub fn take(&mut self, step: Step) {
        self.current = step.to.clone();
        self.entered_at = step.at;
        self.path.push(step);
    }

    /// The versions that it keeps, by tree.
    #[must_use]
    pub const fn versions(&self) -> &BTreeMap<String, u32> {
        &self.versions
    }

    /// Where it began.
    #[must_use]
    pub const fn from(&self) -> &Place {
        &self.from
    }

    /// When it began.
    #[must_use]
    pub const fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// Where it is.
    #[must_use]
    pub const fn current(&self) -> &Place {
        &self.current
    }

    /// The path so far.
    #[must_use]
    pub fn path(&self) -> &[Step] {
        &self.path
    }

    /// The nodes answered so far, and the current one, in the order of the walk.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        let answered = self.path.iter().map(|step| step.place.node.as_str());
        answered.chain(std::iter::once(self.current.node.as_str())).collect()
    }

    /// The trees it went through, each once, in the order of the walk (R64).
    #[must_use]
    pub fn visited(&self) -> Vec<&str> {
        let mut visited: Vec<&str> = Vec::new();
        let places = self.path.iter().map(|step| &step.place).chain(std::iter::once(&self.current));
        for place in places {
            if !visited.contains(&place.tree.as_str()) {
                visited.push(&place.tree);
            }
        }
        visited
    }

    /// What is asked now.
    ///
    /// # Errors
    /// When the version it keeps is no longer there.
    pub fn standing<'t>(&self, trees: &'t Trees) -> Result<Standing<'t>, Refusal> {
        let Place { tree, node } = &self.current;
        let version = self.versions.get(tree).copied().unwrap_or_default();
        let gone = || Refusal::VersionGone { tree: tree.clone(), version };
        let tree = trees.version(tree, version).ok_or_else(gone)?;
        let node = tree.node(node).ok_or_else(gone)?;
        Ok(node.outcome.map_or(Standing::Asks(tree, node), |outcome| Standing::Ended(tree, node, outcome)))
    }

    /// Until when the current node is to be answered, where it is capped (R65, R82).
    ///
    /// # Errors
    /// When the version it keeps is no longer there.
    pub fn cap_ends(&self, trees: &Trees) -> Result<Option<DateTime<Utc>>, Refusal> {
        Ok(self.cap_of(self.standing(trees)?.node()))
    }

    fn cap_of(&self, node: &Node) -> Option<DateTime<Utc>> {
        let cap = node.cap.as_ref()?;
        let since = match cap.from == node.id {
            true => self.entered_at,
            false => self.entered(&cap.from).unwrap_or(self.entered_at),
        };
        since.checked_add_signed(TimeDelta::minutes(i64::from(cap.minutes)))
    }

    /// When a node of the current tree was entered last.
    fn entered(&self, node: &str) -> Option<DateTime<Utc>> {
        let is_it = |place: &Place| place.tree == self.current.tree && place.node == node;
        let step = self.path.iter().rev().find(|step| is_it(&step.to)).map(|step| step.at);
        step.or_else(|| is_it(&self.from).then_some(self.started_at))
    }

    /// Answers the current node.
    ///
    /// # Errors
    /// With everything that stands against it; the run is as before then.
    pub fn answer(&mut self, trees: &Trees, node: &str, given: Given) -> Result<Follows, Vec<Refusal>> {
        let current = match self.standing(trees).map_err(|gone| vec![gone])? {
            Standing::Asks(_, current) => current,
            Standing::Ended(_, ended, _) => return Err(vec![Refusal::Ended { at: ended.id.clone() }]),
        };
        if current.id != node {
            let (asked, current) = (node.to_owned(), current.id.clone());
            return Err(vec![Refusal::NotCurrent { asked, current }]);
        }
        let against = self.against(current, &given);
        let answer = match current.answer(&given.answer) {
            Some(answer) if against.is_empty() => answer,
            _ => return Err(against),
        };
        let over_cap = self.cap_of(current).is_some_and(|ends| given.at > ends);
        let effects = current.effects.iter().chain(&answer.effects).copied().collect();
        let Given { answer: name, by, details, at } = given;
        self.step(Taken::Answered { answer: name }, by, details, at, over_cap, answer.to.clone());
        Ok(Follows { effects, form: current.form, over_cap })
    }

    fn against(&self, node: &Node, given: &Given) -> Vec<Refusal> {
        let mut against = Vec::new();
        if self.path.len() >= MOST_STEPS {
            against.push(Refusal::TooLong);
        }
        let answer = node.answer(&given.answer);
        if answer.is_none() {
            let known = node.answers.iter().map(|answer| answer.id.clone()).collect();
            let answer = given.answer.clone();
            against.push(Refusal::NoSuchAnswer { node: node.id.clone(), answer, known });
        }
        match &given.by {
            Answerer::Auto { .. } => {
                if answer.is_some_and(|answer| answer.measured.is_none()) {
                    let (node, answer) = (node.id.clone(), given.answer.clone());
                    against.push(Refusal::NotMeasurable { node, answer });
                }
            }
            Answerer::Person { name, roles, .. } => {
                against.extend(not_theirs(node, name, roles));
            }
        }
        for detail in &node.ask {
            if given.details.get(&detail.id).is_none_or(|told| told.trim().is_empty()) {
                let node = (node.id.clone(), node.rule.clone());
                against.push(Refusal::Missing {
                    node: node.0,
                    rule: node.1,
                    detail: Box::new(detail.clone()),
                });
            }
        }
        against
    }

    /// Goes back to a node of the path that was answered wrongly; what was answered stays in the path.
    ///
    /// # Errors
    /// When the node is not in the path or for others to answer, no reason is given, or the version it keeps is no
    /// longer there.
    pub fn correct(
        &mut self,
        trees: &Trees,
        to: &Place,
        by: Answerer,
        reason: &str,
        at: DateTime<Utc>,
    ) -> Result<(), Vec<Refusal>> {
        self.standing(trees).map_err(|gone| vec![gone])?;
        let mut against = Vec::new();
        if !self.path.iter().any(|step| step.place == *to) {
            against.push(Refusal::NotInPath { node: to.node.clone() });
        }
        if reason.trim().is_empty() {
            against.push(Refusal::NoReason);
        }
        match &by {
            Answerer::Auto { .. } => {
                against.push(Refusal::NotMeasurable { node: to.node.clone(), answer: "back".to_owned() });
            }
            Answerer::Person { name, roles, .. } => {
                let version = self.versions.get(&to.tree).copied().unwrap_or_default();
                let node = trees.version(&to.tree, version).and_then(|tree| tree.node(&to.node));
                against.extend(node.and_then(|node| not_theirs(node, name, roles)));
            }
        }
        if self.path.len() >= MOST_STEPS {
            against.push(Refusal::TooLong);
        }
        if !against.is_empty() {
            return Err(against);
        }
        let taken = Taken::Corrected { reason: reason.to_owned() };
        self.step(taken, by, BTreeMap::new(), at, false, to.clone());
        Ok(())
    }

    fn step(
        &mut self,
        taken: Taken,
        answerer: Answerer,
        details: BTreeMap<String, String>,
        at: DateTime<Utc>,
        over_cap: bool,
        to: Place,
    ) {
        let place = self.current.clone();
        self.take(Step { place, taken, answerer, details, at, over_cap, to });
    }

    /// Answers with what was measured as long as the current node is one that it speaks of, and says how many
    /// it answered. To be called again after a person has answered one on the way.
    ///
    /// A node that was answered by this evidence is not answered by it again: after a repair that did not help
    /// it must be measured anew.
    ///
    /// # Errors
    /// When the version it keeps is no longer there.
    pub fn prefill(
        &mut self,
        trees: &Trees,
        measured: &[Measured],
        evidence: &str,
        at: DateTime<Utc>,
    ) -> Result<usize, Refusal> {
        let before = self.path.len();
        while let Standing::Asks(_, node) = self.standing(trees)? {
            let used = Answerer::Auto { evidence: evidence.to_owned() };
            let is_used = self.path.iter().any(|step| step.place == self.current && step.answerer == used);
            let Some(said) = measured.iter().find(|said| said.node == node.id && !is_used) else { break };
            let answer = node.answers.iter().find(|answer| answer.measured == Some(said.answer));
            let Some(answer) = answer else { break };
            let details = said.details.clone();
            let given = Given { answer: answer.id.clone(), by: used, details, at };
            if self.answer(trees, &said.node, given).is_err() {
                break;
            }
        }
        Ok(self.path.len() - before)
    }
}

/// Somebody else answers the node.
fn not_theirs(node: &Node, name: &str, roles: &[Role]) -> Option<Refusal> {
    let role = node.role.filter(|role| !roles.iter().any(|own| own.stands_in_for(*role)))?;
    Some(Refusal::NotYours { node: node.id.clone(), role, name: name.to_owned() })
}
