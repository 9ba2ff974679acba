//! `GET /login`: a field for a token. The form goes to `POST /login` of the authentication room.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::http::HttpState;
use crate::http::auth::{Credential, is_https, recognise, session_cookie};
use crate::locale::words;

use super::asker::Tongue;
use super::shell::Shell;

/// The page.
#[derive(Template)]
#[template(path = "login.html")]
pub struct Page {
    shell: Shell,
    next: String,
    failed: bool,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    /// Where to go afterwards: a path of our own.
    #[serde(default)]
    pub next: String,
    /// Set when a token was not accepted.
    pub failed: Option<String>,
}

/// `GET /login`
pub async fn show(
    State(state): State<HttpState>,
    tongue: Tongue,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let session = session_cookie(&headers, is_https(&state)).map(Credential::Session);
    let known = match &session {
        Some(session) => matches!(recognise(&state, session).await, Ok(Some(_))),
        None => false,
    };
    if known {
        return Redirect::to(own_path(&asked.next)).into_response();
    }
    let page = page(&tongue, &asked);
    page.shell.respond(StatusCode::OK, &page)
}

/// The page.
#[must_use]
pub fn page(tongue: &Tongue, asked: &Asked) -> Page {
    let shell = Shell::new(tongue, None, words(tongue.language, "page.login"), "");
    Page { shell, next: own_path(&asked.next).to_owned(), failed: asked.failed.is_some() }
}

/// The path if it is one of ours, else the overview: a login must not lead people elsewhere.
#[must_use]
pub fn own_path(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_our_own_only() {
        assert_eq!(own_path("/tickets/LM-2026-000001"), "/tickets/LM-2026-000001");
        for elsewhere in ["", "https://evil", "//evil", "/\\evil", "javascript:a()", "/\tx"] {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere}");
        }
    }
}
