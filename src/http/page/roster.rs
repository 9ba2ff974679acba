//! `GET /roster`: who is on duty now, by department, and what everybody has open (R22, R55, R98).

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::HttpState;
use crate::http::api::people::{PersonView, roster_now};
use crate::locale::{Message, words};

use super::asker::{Tongue, Viewer};
use super::shell::Shell;
use super::words::Moment;

/// A department with who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    pub(super) name: String,
    pub(super) classes: String,
    pub(super) there: Vec<String>,
    pub(super) head: Option<String>,
}

/// A person.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub(super) name: String,
    pub(super) department: String,
    pub(super) roles: String,
    pub(super) on_duty: bool,
    pub(super) absent: Option<Moment>,
    pub(super) complaints: u32,
    pub(super) others: u32,
    pub(super) supervisor: String,
}

#[derive(Template)]
#[template(path = "roster.html")]
struct Page {
    shell: Shell,
    departments: Vec<Department>,
    lines: Vec<Line>,
    written: Option<(Moment, String)>,
}

/// `GET /roster`
pub async fn show(State(state): State<HttpState>, viewer: Viewer, tongue: Tongue) -> Response {
    let roster = match roster_now(&state, tongue.language).await {
        Ok(roster) => roster,
        Err(problem) => return problem.into_response(),
    };
    let shell = Shell::new(&tongue, Some(&viewer), words(tongue.language, "page.roster_title"), "roster");
    let named = |id: &String| {
        let known = roster.persons.iter().find(|person| person.id == *id);
        known.map_or_else(|| id.clone(), |person| person.name.clone())
    };
    let departments = roster.departments.iter().map(|department| Department {
        name: department.name.clone(),
        classes: department.classes.join(", "),
        there: department.on_duty.iter().map(named).collect(),
        head: department
            .head
            .as_ref()
            .map(|head| shell.say(&Message::new("page.roster_head").with("name", named(head)))),
    });
    let department_of = |person: &PersonView| {
        let known = roster.departments.iter().find(|one| one.id == person.department);
        known.map_or_else(|| person.department.clone(), |one| one.name.clone())
    };
    let lines = roster.persons.iter().map(|person| Line {
        name: person.name.clone(),
        department: department_of(person),
        roles: person.roles_text.join(", "),
        on_duty: person.on_duty,
        absent: person.absent_until.map(Moment),
        complaints: person.complaints,
        others: person.others,
        supervisor: person.supervisor.as_ref().map(named).unwrap_or_default(),
    });
    let page = Page {
        departments: departments.collect(),
        lines: lines.collect(),
        written: roster.at.map(Moment).zip(roster.by.clone()),
        shell: shell.clone(),
    };
    page.shell.respond(StatusCode::OK, &page)
}
