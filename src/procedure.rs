//! The tables that tickets run by: calendars, deadlines, decision trees, levels, compensation, tags.
//!
//! A process works by one set of them, fixed before the first ticket is looked at: those shipped, or the
//! operator's own in their place (`[procedure]`). A ticket keeps the rules that it began with (tickets.md 7.2,
//! rule 5): on its way through a tree the version of the tree, of deadlines the table that held when it was
//! registered; so the files of older versions stay named. Reading them is the settings' work.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use linesman_deadlines::Calendars;
use linesman_deadlines::calendar::official;
use linesman_deadlines::policy::{self, Policies};
use linesman_process::compensation::{self, Standard};
use linesman_process::level::{self, Levels};
use linesman_process::tag::{self, Tags};
use linesman_process::tree::Trees;

/// All of them. What is shipped can be read, as tests of its packages hold: there always is some.
#[derive(Debug, Clone, PartialEq)]
pub struct Procedure {
    /// When it is worked.
    pub calendars: Calendars,
    /// What is due when (R67 to R88): the shipped table, then own ones by when they begin to hold.
    pub deadlines: Vec<Policies>,
    /// The classes A to E, intake and top-up, question by question.
    pub trees: Option<Arc<Trees>>,
    /// The levels of complaints, and who stands above whom.
    pub levels: Option<Levels>,
    /// What is granted for what (R113, R114).
    pub compensation: Option<Standard>,
    /// Tags of the second level, by kind of work (R49).
    pub tags: Option<Tags>,
}

impl Default for Procedure {
    fn default() -> Self {
        Self {
            calendars: official::calendars(),
            deadlines: policy::defaults().cloned().into_iter().collect(),
            trees: Trees::shipped().cloned().map(Arc::new),
            levels: level::defaults().cloned(),
            compensation: compensation::defaults().cloned(),
            tags: tag::defaults().cloned(),
        }
    }
}

static IN_FORCE: OnceLock<Procedure> = OnceLock::new();

/// The tables of this process; the shipped ones unless others were put in force before the first look.
#[must_use]
pub fn in_force() -> &'static Procedure {
    IN_FORCE.get_or_init(Procedure::default)
}

/// Has this process work by these tables from now on; `false` when it already works by others.
pub fn put_in_force(procedure: &Procedure) -> bool {
    IN_FORCE.get_or_init(|| procedure.clone()) == procedure
}

impl Procedure {
    /// The deadlines of what begins at an instant.
    #[must_use]
    pub fn deadlines_at(&self, at: DateTime<Utc>) -> Option<&Policies> {
        self.deadlines.iter().rev().find(|table| table.valid_from.is_none_or(|from| from <= at))
    }
}

/// The deadlines in force of what begins at an instant.
#[must_use]
pub fn deadlines_at(at: DateTime<Utc>) -> Option<&'static Policies> {
    in_force().deadlines_at(at)
}

/// The decision trees in force.
#[must_use]
pub fn trees() -> Option<&'static Arc<Trees>> {
    in_force().trees.as_ref()
}

/// The levels in force.
#[must_use]
pub fn levels() -> Option<&'static Levels> {
    in_force().levels.as_ref()
}

/// The standard of compensation in force.
#[must_use]
pub fn compensation() -> Option<&'static Standard> {
    in_force().compensation.as_ref()
}

/// The tags in force.
#[must_use]
pub fn tags() -> Option<&'static Tags> {
    in_force().tags.as_ref()
}
