//! People: departments, persons with their roles, the duty roster, absences (R1 to R22); and what is decided by
//! them: transfer, assignment, escalation, hand-over (R22, R51, R54, R55, R88, R96, R98, R104).
//!
//! Absent on purpose: whether a login is there and what it may do, and contact data (R111).

mod assign;
mod escalate;
mod priority;
mod read;
mod refusal;
mod roster;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use assign::{Assignment, Because, Load, Wanted};
pub use escalate::{Case, Escalation, HandOver, Reason};
pub use priority::{Work, in_order};
pub use read::read;
pub use refusal::PeopleRefusal;
pub use roster::{OnDuty, Transfer};

use crate::role::Role;
use crate::text::Text;

/// A department (R3 to R8, R18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Department {
    /// Its name in files and outputs.
    pub id: String,
    /// What people call it.
    pub name: Text,
    /// Who owes the customer a reply when nobody is on duty (R22).
    pub head: Option<String>,
    /// The classes of trouble it works on, by letter.
    pub classes: Vec<String>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Name in files and outputs.
    pub id: String,
    /// Name that they sign in with, where it is another.
    pub login: Option<String>,
    /// What people call them.
    pub name: String,
    /// Where they work.
    pub department: String,
    /// What they do.
    pub roles: Vec<Role>,
    /// Who is above them.
    pub supervisor: Option<String>,
}

/// A stretch of duty, half open: `from` belongs to it, `to` does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duty {
    /// Where.
    pub department: String,
    /// Who.
    pub person: String,
    /// From.
    pub from: DateTime<Utc>,
    /// To.
    pub to: DateTime<Utc>,
    /// Who steps in.
    pub backup: Option<String>,
}

/// A stretch of absence, half open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absence {
    /// Who.
    pub person: String,
    /// From.
    pub from: DateTime<Utc>,
    /// To.
    pub to: DateTime<Utc>,
    /// Who has their work meanwhile.
    pub hand_over_to: Option<String>,
}

/// All of them; references between them hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct People {
    pub(crate) departments: BTreeMap<String, Department>,
    pub(crate) persons: BTreeMap<String, Person>,
    pub(crate) duties: Vec<Duty>,
    pub(crate) absences: Vec<Absence>,
}

impl People {
    /// A department.
    #[must_use]
    pub fn department(&self, id: &str) -> Option<&Department> {
        self.departments.get(id)
    }

    /// The department that works on a class, the first by name.
    #[must_use]
    pub fn department_of_class(&self, letter: &str) -> Option<&Department> {
        self.departments.values().find(|department| department.classes.iter().any(|class| class == letter))
    }

    /// A person.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.persons.get(id)
    }

    /// The person who signs in under a name: a stated login goes before the name in the roster.
    #[must_use]
    pub fn by_login(&self, login: &str) -> Option<&Person> {
        let stated = self.persons.values().find(|person| person.login.as_deref() == Some(login));
        stated.or_else(|| self.persons.get(login).filter(|person| person.login.is_none()))
    }

    /// The name that a person signs in with; of somebody not known, the name as it is.
    #[must_use]
    pub fn login_of<'p>(&'p self, id: &'p str) -> &'p str {
        self.persons.get(id).and_then(|person| person.login.as_deref()).unwrap_or(id)
    }

    /// Whether the roster has duties of a department at all; if not, it says nothing of who is there.
    #[must_use]
    pub fn has_duties(&self, department: &str) -> bool {
        self.duties.iter().any(|duty| duty.department == department)
    }

    /// Those of a department, by name.
    pub fn members<'p>(&'p self, department: &'p str) -> impl Iterator<Item = &'p Person> {
        self.persons.values().filter(move |person| person.department == department)
    }

    /// All persons, by name.
    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// All departments, by name.
    pub fn departments(&self) -> impl Iterator<Item = &Department> {
        self.departments.values()
    }

    /// The absence of a person at a time.
    #[must_use]
    pub fn absence(&self, person: &str, at: DateTime<Utc>) -> Option<&Absence> {
        self.absences.iter().find(|absence| absence.person == person && absence.from <= at && at < absence.to)
    }

    /// The person, or while they are absent who has their work, and who has that one's.
    #[must_use]
    pub fn available(&self, person: &str, at: DateTime<Utc>) -> Option<&Person> {
        let mut next = person;
        // Absences may name each other in a circle.
        for _ in 0..=self.absences.len() {
            match self.absence(next, at) {
                None => return self.persons.get(next),
                Some(absence) => next = absence.hand_over_to.as_deref()?,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
