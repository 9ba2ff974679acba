//! Who is on duty, and what happens when nobody is (R22).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{Duty, People, PeopleRefusal, Person};

/// Within this time the owner replies who was not on duty (R22, R69).
const OWNER_REPLIES_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Somebody on duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OnDuty<'p> {
    /// Who.
    pub person: &'p Person,
    /// In place of whom, where it is another's duty.
    pub stands_in_for: Option<&'p str>,
}

/// What becomes of a problem that is another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "transfer", rename_all = "snake_case")]
pub enum Transfer {
    /// It goes to who is on duty.
    To {
        /// Who.
        person: String,
        /// In place of whom.
        stands_in_for: Option<String>,
    },
    /// Nobody is: problem and contact are recorded, the owner replies.
    Record {
        /// Who replies.
        owner: String,
        /// Until when.
        reply_by: DateTime<Utc>,
        /// When somebody is on duty next, where the roster says so.
        next_duty: Option<DateTime<Utc>>,
    },
}

impl People {
    /// Who is on duty in a department: who stands in the roster, or in their absence the backup of that duty or
    /// who has their work; each once, by name.
    #[must_use]
    pub fn on_duty(&self, department: &str, at: DateTime<Utc>) -> Vec<OnDuty<'_>> {
        let now = |duty: &&Duty| duty.department == department && duty.from <= at && at < duty.to;
        let mut there: Vec<OnDuty<'_>> =
            self.duties.iter().filter(now).filter_map(|duty| self.serves(duty, at)).collect();
        // Who has their own duty comes before who only stands in.
        there.sort_by_key(|one| (one.person.id.as_str(), one.stands_in_for));
        there.dedup_by_key(|one| one.person.id.as_str());
        there
    }

    fn serves<'p>(&'p self, duty: &'p Duty, at: DateTime<Utc>) -> Option<OnDuty<'p>> {
        if self.absence(&duty.person, at).is_none() {
            return self.person(&duty.person).map(|person| OnDuty { person, stands_in_for: None });
        }
        let backup = duty.backup.as_deref().and_then(|backup| self.available(backup, at));
        let person = backup.or_else(|| self.available(&duty.person, at))?;
        Some(OnDuty { person, stands_in_for: Some(&duty.person) })
    }

    /// Whether the right department, or person in it, is on duty, and what to do if not (R22).
    ///
    /// # Errors
    /// When there is no such department or person, or nobody who could own it.
    pub fn transfer(
        &self,
        department: &str,
        person: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Transfer, PeopleRefusal> {
        let known = self
            .department(department)
            .ok_or_else(|| PeopleRefusal::NoSuchDepartment { department: department.to_owned() })?;
        if let Some(person) = person
            && self.person(person).is_none()
        {
            return Err(PeopleRefusal::NoSuchPerson { person: person.to_owned() });
        }
        let there = self.on_duty(department, at);
        let is_meant = |one: &&OnDuty<'_>| {
            person.is_none_or(|meant| one.person.id == meant || one.stands_in_for == Some(meant))
        };
        if let Some(one) = there.iter().find(is_meant) {
            let stands_in_for = one.stands_in_for.map(str::to_owned);
            return Ok(Transfer::To { person: one.person.id.clone(), stands_in_for });
        }
        let is_theirs = |duty: &&Duty| {
            duty.department == department && duty.from > at && person.is_none_or(|meant| duty.person == meant)
        };
        let next = self.duties.iter().filter(is_theirs).min_by_key(|duty| duty.from);
        let owner = person
            .or(known.head.as_deref())
            .or(next.map(|duty| duty.person.as_str()))
            .or_else(|| self.members(department).next().map(|member| member.id.as_str()))
            .ok_or_else(|| PeopleRefusal::EmptyDepartment { department: department.to_owned() })?;
        let reply_by = at.checked_add_signed(OWNER_REPLIES_WITHIN).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Ok(Transfer::Record { owner: owner.to_owned(), reply_by, next_duty: next.map(|duty| duty.from) })
    }
}
