//! To whom it goes when it is overdue, graver, or not good enough; and who has the work of the absent (R54, R88,
//! R98, R104, R109).

use chrono::{DateTime, Utc};
use linesman_deadlines::policy::Level;
use serde::Serialize;

use super::{People, PeopleRefusal, Person};
use crate::level::Levels;
use crate::text::Language;

named! {
    /// Why something is escalated.
    Reason {
        /// A deadline passed (R88).
        Overdue = "overdue", "overdue (R88)", "超期（R88）";
        /// The level rose (R54).
        LevelRaised = "level_raised", "the level rose (R54)", "级别上调（R54）";
        /// The customer is not satisfied, or it is not solved (R104).
        NotSatisfied = "not_satisfied", "not solved or not satisfied (R104)", "未解决或不满意（R104）";
        /// It came back (R104).
        Recurred = "recurred", "it came back (R104)", "问题重现（R104）";
        /// Who has it has not answered (R109).
        NoAnswer = "no_answer", "no answer (R109)", "无响应（R109）";
    }
}

/// What is escalated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case<'a> {
    /// The level it has now.
    pub level: Level,
    /// Who works on it.
    pub owner: &'a str,
    /// Who supervises it so far.
    pub supervisor: Option<&'a str>,
    /// Why.
    pub reason: Reason,
    /// When.
    pub at: DateTime<Utc>,
}

/// A step up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Escalation {
    /// Who supervised before.
    pub from: Option<String>,
    /// Who does now.
    pub to: String,
    /// Why.
    pub reason: Reason,
    /// Who would have been next but is absent.
    pub passed_over: Vec<String>,
}

impl Escalation {
    /// In words, with the names of people.
    #[must_use]
    pub fn say(&self, people: &People, language: Language) -> String {
        let name = |id: &String| people.person(id).map_or(id.clone(), |person| person.name.clone());
        let (to, why) = (name(&self.to), self.reason.word(language));
        let absent: Vec<String> = self.passed_over.iter().map(name).collect();
        match (language, absent.is_empty()) {
            (Language::English, true) => format!("{to} supervises: {why}"),
            (Language::English, false) => format!("{to} supervises: {why}; absent: {}", absent.join(", ")),
            (Language::Chinese, true) => format!("由{to}督办：{why}"),
            (Language::Chinese, false) => format!("由{to}督办：{why}；不在岗：{}", absent.join("、")),
        }
    }
}

/// What the absent had goes to one person, so that each customer is answered by the same one (R98).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandOver {
    /// Whose work.
    pub from: String,
    /// Who has it meanwhile; who was first owner stays it.
    pub to: String,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Which tickets, as they were given.
    pub tickets: Vec<String>,
}

impl People {
    /// Who supervises next. The first supervisor, and the one after the level rose, is who has the level's role:
    /// above the owner where there is one, else the first by name. From then on it goes up step by step.
    ///
    /// # Errors
    /// When a person is not known or nobody is above.
    pub fn escalate(&self, levels: &Levels, case: &Case<'_>) -> Result<Escalation, PeopleRefusal> {
        for person in std::iter::once(case.owner).chain(case.supervisor) {
            if self.person(person).is_none() {
                return Err(PeopleRefusal::NoSuchPerson { person: person.to_owned() });
            }
        }
        let present = case.supervisor;
        let supervises = |person: &Person| levels.may_supervise(case.level, &person.roles);
        let has_role = |person: &&Person| person.roles.contains(&levels.supervisor(case.level));
        let is_enough = present.and_then(|id| self.person(id)).is_some_and(supervises);
        let candidates: Vec<&Person> = match present {
            Some(present) if is_enough && case.reason == Reason::LevelRaised => {
                self.person(present).into_iter().collect()
            }
            Some(present) if is_enough => self.above(present),
            // Who has the role above the owner, then anywhere, then who supervises graver levels, then who is above.
            _ => {
                let above = self.above(present.unwrap_or(case.owner));
                let with_role = above.iter().copied().filter(has_role).chain(self.persons().filter(has_role));
                let graver = above.iter().copied().filter(|person| supervises(person));
                with_role.chain(graver).chain(above.iter().copied()).collect()
            }
        };
        let mut passed_over: Vec<String> = Vec::new();
        for candidate in candidates {
            if candidate.id == case.owner || passed_over.contains(&candidate.id) {
                continue;
            }
            let is_there = self.absence(&candidate.id, case.at).is_none();
            let to = match is_there {
                true => Some(candidate),
                false => self.available(&candidate.id, case.at).filter(|person| person.id != case.owner),
            };
            if !is_there {
                passed_over.push(candidate.id.clone());
            }
            if let Some(to) = to {
                let from = present.map(str::to_owned);
                return Ok(Escalation { from, to: to.id.clone(), reason: case.reason, passed_over });
            }
        }
        let person = present.unwrap_or(case.owner).to_owned();
        Err(PeopleRefusal::NobodyAbove { person, passed_over })
    }

    /// Those above a person, step by step.
    #[must_use]
    pub fn above(&self, person: &str) -> Vec<&Person> {
        let mut above: Vec<&Person> = Vec::new();
        let mut next = self.person(person).and_then(|person| person.supervisor.as_deref());
        while let Some(person) = next.and_then(|id| self.person(id)) {
            if above.iter().any(|known| known.id == person.id) {
                break;
            }
            above.push(person);
            next = person.supervisor.as_deref();
        }
        above
    }

    /// Who has the work of somebody absent: whom the absence names, else the backup of their duty, else who is
    /// above them.
    ///
    /// # Errors
    /// When the person is not known or not absent, or nobody is there.
    pub fn hand_over(
        &self,
        person: &str,
        tickets: &[String],
        at: DateTime<Utc>,
    ) -> Result<HandOver, PeopleRefusal> {
        if self.person(person).is_none() {
            return Err(PeopleRefusal::NoSuchPerson { person: person.to_owned() });
        }
        let absence =
            self.absence(person, at).ok_or_else(|| PeopleRefusal::NotAbsent { person: person.to_owned() })?;
        let is_theirs = |duty: &&super::Duty| duty.person == person && duty.from < absence.to && duty.to > at;
        let backups = self.duties.iter().filter(is_theirs).filter_map(|duty| duty.backup.as_deref());
        let above = self.above(person).into_iter().map(|above| above.id.as_str());
        let mut in_turn = absence.hand_over_to.as_deref().into_iter().chain(backups).chain(above);
        let to = in_turn.find_map(|next| self.available(next, at).filter(|to| to.id != person)).ok_or_else(
            || PeopleRefusal::NobodyAbove { person: person.to_owned(), passed_over: Vec::new() },
        )?;
        let (from, to) = (person.to_owned(), to.id.clone());
        Ok(HandOver { from, to, until: absence.to, tickets: tickets.to_vec() })
    }
}
