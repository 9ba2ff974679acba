//! Who asks, and in which language.
//!
//! The guard before the pages lets nobody in without a session; here its verdict becomes a name
//! and a role.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::locale::Language;
use crate::store::Role;

/// Cookie that remembers a language chosen by hand.
pub const LANGUAGE_COOKIE: &str = "linesman_lang";

/// A person with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Name of the token: the actor in the audit trail.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// How a page is to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tongue {
    /// In this language.
    pub language: Language,
    /// Chosen by `?lang=` in this very request: to be remembered.
    pub chosen: bool,
    /// Path and query of the page without `lang`, for the language switch.
    pub here: String,
}

impl FromRequestParts<HttpState> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { name: caller.actor.0, role: caller.role })
    }
}

impl FromRequestParts<HttpState> for Tongue {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &HttpState) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.uri))
    }
}

impl Tongue {
    /// `?lang=`, else the cookie, else `Accept-Language`.
    #[must_use]
    pub fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let wish = query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::of_tag);
        let language = wish.or_else(|| cookie(headers, LANGUAGE_COOKIE).and_then(Language::of_tag));
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let rest: Vec<&str> =
            query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang=")).collect();
        let here = match rest.is_empty() {
            true => uri.path().to_owned(),
            false => format!("{}?{}", uri.path(), rest.join("&")),
        };
        Self {
            language: language
                .unwrap_or_else(|| accepted.map(Language::of_accept_language).unwrap_or_default()),
            chosen: wish.is_some(),
            here,
        }
    }
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tongue(uri: &str, headers: &[(&'static str, &'static str)]) -> Tongue {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Tongue::of(&map, &uri.parse().unwrap())
    }

    #[test]
    fn the_wish_in_the_address_beats_the_cookie_and_the_cookie_beats_the_browser() {
        let both = [("cookie", "a=b; linesman_lang=zh-CN"), ("accept-language", "en")];
        assert_eq!(tongue("/?lang=en", &both).language, Language::English);
        assert_eq!(tongue("/", &both).language, Language::Chinese);
        assert_eq!(tongue("/", &[("accept-language", "zh")]).language, Language::Chinese);
        assert_eq!(tongue("/?lang=xx", &[]).language, Language::English);
    }

    #[test]
    fn the_language_switch_keeps_the_rest_of_the_address() {
        let tongue = tongue("/tickets?class=B&lang=zh&open=all", &[]);
        assert!(tongue.chosen);
        assert_eq!(tongue.here, "/tickets?class=B&open=all");
    }
}
