//! Reads people from TOML and checks that what refers to another is there.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use toml::Spanned;

use super::{Absence, Department, Duty, People, Person};
use crate::role::Role;
use crate::text::Text;
use linesman_deadlines::Mistake;
use linesman_deadlines::mistake::Mistakes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    department: Vec<DepartmentEntry>,
    #[serde(default)]
    person: Vec<PersonEntry>,
    #[serde(default)]
    duty: Vec<DutyEntry>,
    #[serde(default)]
    absence: Vec<AbsenceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DepartmentEntry {
    id: Spanned<String>,
    name: String,
    name_zh: String,
    head: Option<Spanned<String>>,
    #[serde(default)]
    classes: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonEntry {
    id: Spanned<String>,
    login: Option<Spanned<String>>,
    name: Spanned<String>,
    department: Spanned<String>,
    #[serde(default)]
    roles: Vec<Role>,
    supervisor: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DutyEntry {
    department: Spanned<String>,
    person: Spanned<String>,
    from: Spanned<String>,
    to: Spanned<String>,
    backup: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsenceEntry {
    person: Spanned<String>,
    from: Spanned<String>,
    to: Spanned<String>,
    hand_over_to: Option<Spanned<String>>,
}

/// Reads people.
///
/// # Errors
/// Every mistake with its place; of what is not in the form of such a file, the first.
pub fn read(file: &str, text: &str) -> Result<People, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let mut people = People::default();
    let departments: Vec<&Spanned<String>> = read.department.iter().map(|one| &one.id).collect();
    let persons: Vec<&Spanned<String>> = read.person.iter().map(|one| &one.id).collect();
    once("department", &departments, &mut mistakes);
    once("person", &persons, &mut mistakes);
    let known = Known { departments: names(&departments), persons: names(&persons) };
    for entry in &read.department {
        known.person(entry.head.as_ref(), &mut mistakes);
        let name = Text::new(&entry.name, &entry.name_zh);
        if let Some(wrong) = name.wrong() {
            mistakes.add(entry.id.span(), wrong.replace("`text", "`name"));
        }
        for class in &entry.classes {
            if !["A", "B", "C", "D", "E"].contains(&class.get_ref().as_str()) {
                mistakes.add(class.span(), "a class is A, B, C, D or E (R48)");
            }
        }
    }
    let mut logins: Vec<&str> = Vec::new();
    for entry in &read.person {
        let login =
            entry.login.as_ref().map_or(entry.id.get_ref().as_str(), |login| login.get_ref().as_str());
        if logins.contains(&login) || login.trim() != login || login.is_empty() {
            let at = entry.login.as_ref().map_or(entry.id.span(), Spanned::span);
            mistakes.add(
                at,
                "somebody else signs in under this name, or it is none; give each a `login` of their own",
            );
        }
        logins.push(login);
        known.department(&entry.department, &mut mistakes);
        known.person(entry.supervisor.as_ref(), &mut mistakes);
        if entry.name.get_ref().trim().is_empty() {
            mistakes.add(entry.name.span(), "a person has a name");
        }
    }
    for entry in &read.person {
        let is_circle = is_above_itself(entry.id.get_ref(), &read.person);
        if let Some(supervisor) = entry.supervisor.as_ref().filter(|_| is_circle) {
            mistakes
                .add(supervisor.span(), "this person would be above themselves; escalation would never end");
        }
    }
    for entry in read.duty {
        known.department(&entry.department, &mut mistakes);
        known.person(Some(&entry.person), &mut mistakes);
        known.person(entry.backup.as_ref(), &mut mistakes);
        if let Some(backup) =
            entry.backup.as_ref().filter(|backup| backup.get_ref() == entry.person.get_ref())
        {
            mistakes.add(backup.span(), "nobody is their own backup");
        }
        if let Some((from, to)) = stretch(&entry.from, &entry.to, &mut mistakes) {
            let department = entry.department.get_ref().clone();
            let person = entry.person.get_ref().clone();
            let overlaps = |other: &Duty| {
                other.department == department && other.person == person && other.from < to && from < other.to
            };
            if people.duties.iter().any(overlaps) {
                mistakes.add(entry.from.span(), "this person is on duty there already at that time");
            }
            let backup = entry.backup.map(Spanned::into_inner);
            people.duties.push(Duty { department, person, from, to, backup });
        }
    }
    for entry in read.absence {
        known.person(Some(&entry.person), &mut mistakes);
        known.person(entry.hand_over_to.as_ref(), &mut mistakes);
        if let Some(to) = entry.hand_over_to.as_ref().filter(|to| to.get_ref() == entry.person.get_ref()) {
            mistakes.add(to.span(), "nobody has the work of their own absence");
        }
        if let Some((from, to)) = stretch(&entry.from, &entry.to, &mut mistakes) {
            let hand_over_to = entry.hand_over_to.map(Spanned::into_inner);
            people.absences.push(Absence { person: entry.person.into_inner(), from, to, hand_over_to });
        }
    }
    people.departments = read.department.into_iter().map(department).collect();
    people.persons = read.person.into_iter().map(person).collect();
    mistakes.or(people)
}

fn department(entry: DepartmentEntry) -> (String, Department) {
    let id = entry.id.into_inner();
    let department = Department {
        id: id.clone(),
        name: Text { en: entry.name, zh: entry.name_zh },
        head: entry.head.map(Spanned::into_inner),
        classes: entry.classes.into_iter().map(Spanned::into_inner).collect(),
    };
    (id, department)
}

fn person(entry: PersonEntry) -> (String, Person) {
    let id = entry.id.into_inner();
    let person = Person {
        id: id.clone(),
        login: entry.login.map(Spanned::into_inner),
        name: entry.name.into_inner(),
        department: entry.department.into_inner(),
        roles: entry.roles,
        supervisor: entry.supervisor.map(Spanned::into_inner),
    };
    (id, person)
}

fn names(all: &[&Spanned<String>]) -> Vec<String> {
    all.iter().map(|name| name.get_ref().clone()).collect()
}

fn once(what: &str, all: &[&Spanned<String>], mistakes: &mut Mistakes<'_>) {
    for (place, id) in all.iter().enumerate() {
        let name = id.get_ref();
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            mistakes.add(id.span(), "an id has lower-case letters, digits, hyphens, points, underscores");
        }
        if all[..place].iter().any(|known| known.get_ref() == name) {
            let name = name.escape_debug();
            mistakes.add(id.span(), format!("{what} `{name}` is there twice; give each an id of its own"));
        }
    }
}

struct Known {
    departments: Vec<String>,
    persons: Vec<String>,
}

impl Known {
    fn department(&self, id: &Spanned<String>, mistakes: &mut Mistakes<'_>) {
        if !self.departments.contains(id.get_ref()) {
            let known = self.departments.join(", ");
            mistakes.add(
                id.span(),
                format!("no department `{}`; known are {known}", id.get_ref().escape_debug()),
            );
        }
    }

    fn person(&self, id: Option<&Spanned<String>>, mistakes: &mut Mistakes<'_>) {
        if let Some(id) = id.filter(|id| !self.persons.contains(id.get_ref())) {
            mistakes.add(id.span(), format!("no person `{}` in this file", id.get_ref().escape_debug()));
        }
    }
}

fn is_above_itself(id: &str, all: &[PersonEntry]) -> bool {
    let mut next = id;
    for _ in 0..all.len() {
        let above = all.iter().find(|one| one.id.get_ref() == next).and_then(|one| one.supervisor.as_ref());
        match above {
            None => return false,
            Some(above) if above.get_ref() == id => return true,
            Some(above) => next = above.get_ref(),
        }
    }
    false
}

fn stretch(
    from: &Spanned<String>,
    to: &Spanned<String>,
    mistakes: &mut Mistakes<'_>,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let mut time = |text: &Spanned<String>| match DateTime::parse_from_rfc3339(text.get_ref()) {
        Ok(time) => Some(time.to_utc()),
        Err(_) => {
            mistakes.add(text.span(), "a time has its offset, as 2026-03-02T09:00:00+08:00");
            None
        }
    };
    let (begins, ends) = (time(from), time(to));
    let (begins, ends) = (begins?, ends?);
    if begins >= ends {
        mistakes.add(to.span(), "it ends before it begins");
        return None;
    }
    Some((begins, ends))
}
