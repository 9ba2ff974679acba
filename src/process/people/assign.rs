//! Who gets a ticket (R51, R55, R96, R98, R102).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{OnDuty, People, PeopleRefusal, Transfer};
use crate::role::Role;
use linesman_deadlines::policy::Kind;

/// What is to be assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// What kind of work.
    pub kind: Kind,
    /// The department that works on it.
    pub department: &'a str,
    /// What has to be done there.
    pub role: Role,
    /// Who took the customer's first contact.
    pub first_owner: Option<&'a str>,
}

/// What somebody has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Complaints.
    pub complaints: u32,
    /// Everything else.
    pub others: u32,
}

/// Why this person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The first contact can do it and keeps it (R98, R102).
    FirstOwner,
    /// Of those on duty who can, this one has the least.
    LeastWork,
    /// Nobody is on duty who can; the owner replies within 24 hours (R22).
    OffDuty,
}

/// Who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// Who works on it.
    pub owner: String,
    /// Who answers the customer to the end (R96).
    pub first_owner: String,
    /// In place of whom the owner works.
    pub stands_in_for: Option<String>,
    /// Why.
    pub because: Because,
    /// Until when the owner replies, where nobody was on duty.
    pub reply_by: Option<DateTime<Utc>>,
}

impl People {
    /// Chooses who works on a ticket. The first owner never changes; a ticket without one gets the owner as
    /// first owner.
    ///
    /// # Errors
    /// When a department or person is not known, or nobody there has the role.
    pub fn assign(
        &self,
        wanted: &Wanted<'_>,
        loads: &BTreeMap<String, Load>,
        at: DateTime<Utc>,
    ) -> Result<Assignment, PeopleRefusal> {
        if let Some(first) = wanted.first_owner
            && self.person(first).is_none()
        {
            return Err(PeopleRefusal::NoSuchPerson { person: first.to_owned() });
        }
        let off_duty = self.transfer(wanted.department, None, at)?;
        let there = self.on_duty(wanted.department, at);
        let can = |one: &&OnDuty<'_>| one.person.roles.iter().any(|own| own.stands_in_for(wanted.role));
        let made = |owner: &str, stands_in_for: Option<&str>, because, reply_by| Assignment {
            owner: owner.to_owned(),
            first_owner: wanted.first_owner.unwrap_or(owner).to_owned(),
            stands_in_for: stands_in_for.map(str::to_owned),
            because,
            reply_by,
        };
        let is_first = |one: &&OnDuty<'_>| Some(one.person.id.as_str()) == wanted.first_owner;
        if let Some(one) = there.iter().filter(can).find(is_first) {
            return Ok(made(&one.person.id, None, Because::FirstOwner, None));
        }
        let load = |one: &&OnDuty<'_>| {
            let Load { complaints, others } = loads.get(&one.person.id).copied().unwrap_or_default();
            let all = complaints.saturating_add(others);
            // A complaint goes before all other work (R55): only complaints stand in its way.
            let first = if wanted.kind == Kind::Complaint { complaints } else { all };
            (first, all, one.stands_in_for.is_some(), one.person.id.clone())
        };
        if let Some(one) = there.iter().filter(can).min_by_key(load) {
            return Ok(made(&one.person.id, one.stands_in_for, Because::LeastWork, None));
        }
        let can_ever = |owner: &str| {
            self.person(owner)
                .is_some_and(|person| person.roles.iter().any(|own| own.stands_in_for(wanted.role)))
        };
        let (owner, reply_by) = match off_duty {
            Transfer::Record { owner, reply_by, .. } if can_ever(&owner) => (owner, reply_by),
            _ => {
                let member = self.members(wanted.department).find(|member| can_ever(&member.id));
                let owner = member.ok_or_else(|| PeopleRefusal::NobodyHasTheRole {
                    department: wanted.department.to_owned(),
                    role: wanted.role,
                })?;
                match self.transfer(wanted.department, Some(&owner.id), at)? {
                    Transfer::Record { owner, reply_by, .. } => (owner, reply_by),
                    Transfer::To { person, .. } => return Ok(made(&person, None, Because::LeastWork, None)),
                }
            }
        };
        Ok(made(&owner, None, Because::OffDuty, Some(reply_by)))
    }
}
