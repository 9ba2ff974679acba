//! What every page shares: language, reader, navigation, and how a page becomes a response.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};

use crate::locale::{Language, Message, words};
use crate::store::{Role, StoreError};

use super::asker::{LANGUAGE_COOKIE, Tongue, Viewer};
use super::assets;
use super::words::spoken;

/// The frame around a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Language and address.
    pub tongue: Tongue,
    /// Who reads; nobody on the login page.
    pub viewer: Option<Viewer>,
    /// `<title>`.
    pub title: String,
    /// Which entry of the navigation this is: `overview`, `tickets`, `reconciliations` or nothing.
    pub section: &'static str,
    /// What `/events` is asked for, if the page is live.
    pub topic: Option<String>,
    /// Today, if sentences may leave the date of today's instants out.
    pub today: Option<NaiveDate>,
}

impl Shell {
    /// The frame of a page.
    #[must_use]
    pub fn new(tongue: &Tongue, viewer: Option<&Viewer>, title: String, section: &'static str) -> Self {
        Self { tongue: tongue.clone(), viewer: viewer.cloned(), title, section, topic: None, today: None }
    }

    /// Kept live by what happens to `topic`.
    #[must_use]
    pub fn live(mut self, topic: impl Into<String>) -> Self {
        // Events are told to those who see the network.
        self.topic = Some(topic.into()).filter(|_| self.sees_network());
        self
    }

    /// Read at `now`: instants of the same day are written without their date.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.today = Some(now.date_naive());
        self
    }

    /// A sentence as markup, its instants as times that the script completes.
    #[must_use]
    pub fn spoken(&self, sentence: &str) -> String {
        spoken(sentence, self.today)
    }

    /// The reader's language.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.tongue.language
    }

    /// The words of a key.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        words(self.language(), key)
    }

    /// A sentence in the reader's language.
    #[must_use]
    pub fn say(&self, message: &Message) -> String {
        message.render(self.language())
    }

    /// Address of an embedded file.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// This page in another language.
    #[must_use]
    pub fn in_language(&self, tag: &str) -> String {
        let joint = if self.tongue.here.contains('?') { '&' } else { '?' };
        format!("{}{joint}lang={tag}", self.tongue.here)
    }

    /// Whether the reader sees the network, not bills alone.
    #[must_use]
    pub fn sees_network(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.role.covers(Role::Viewer))
    }

    /// Whether the reader sees reconciliations.
    #[must_use]
    pub fn sees_bills(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.role.covers(Role::Billing))
    }

    /// Whether the reader registers what people call about, and files forms.
    #[must_use]
    pub fn registers(&self) -> bool {
        self.viewer
            .as_ref()
            .is_some_and(|viewer| viewer.role.covers(Role::Agent) || viewer.role == Role::Billing)
    }

    /// The reader's role, in words.
    #[must_use]
    pub fn role(&self) -> String {
        let key = match self.viewer.as_ref().map(|viewer| viewer.role) {
            Some(Role::Admin) => "page.role_admin",
            Some(Role::Noc) => "page.role_noc",
            Some(Role::Billing) => "page.role_billing",
            Some(Role::Technician) => "page.role_technician",
            Some(Role::Agent) => "page.role_agent",
            Some(Role::Manager) => "page.role_manager",
            Some(Role::Viewer) | None => "page.role_viewer",
        };
        self.t(key)
    }

    /// The page as a response, never kept by caches.
    pub fn respond(&self, status: StatusCode, page: &impl Template) -> Response {
        let html = match page.render() {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, "page could not be rendered");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
        if self.tongue.chosen {
            let cookie = format!(
                "{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly",
                self.language().tag()
            );
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                headers.insert(SET_COOKIE, value);
            }
        }
        response
    }
}

/// A page that only says that something is not there or went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    shell: Shell,
    sentence: String,
}

/// Says that what was asked for does not exist.
#[must_use]
pub fn not_found(tongue: &Tongue, viewer: &Viewer, what: &Message) -> Response {
    problem(StatusCode::NOT_FOUND, tongue, viewer, what)
}

/// Says that the reader's role does not suffice.
#[must_use]
pub fn not_yours(tongue: &Tongue, viewer: &Viewer) -> Response {
    problem(StatusCode::FORBIDDEN, tongue, viewer, &Message::new("page.role_too_low"))
}

/// What stands against a request, sentence by sentence.
#[must_use]
pub fn against(problem: &crate::http::error::Problem, tongue: &Tongue) -> Vec<String> {
    let document = problem.document(tongue.language, &tongue.here);
    let sentences: Vec<String> = document.errors.into_iter().map(|error| error.detail).collect();
    if sentences.is_empty() { vec![document.detail] } else { sentences }
}

/// Says that the database did not answer; the cause goes to the log.
#[must_use]
pub fn store_failed(tongue: &Tongue, viewer: &Viewer, error: &StoreError) -> Response {
    tracing::error!(%error, "page could not read the database");
    problem(StatusCode::SERVICE_UNAVAILABLE, tongue, viewer, &Message::new("page.store_failed"))
}

fn problem(status: StatusCode, tongue: &Tongue, viewer: &Viewer, sentence: &Message) -> Response {
    let shell = Shell::new(tongue, Some(viewer), words(tongue.language, "page.problem"), "");
    let sentence = shell.say(sentence);
    let page = Problem { shell: shell.clone(), sentence };
    shell.respond(status, &page)
}
