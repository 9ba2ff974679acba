//! What handlers take from a request; each refusal is a [`Problem`].
//!
//! Unknown members of a body and unknown parameters are refused by `deny_unknown_fields` of the
//! types read here: a misspelt filter must not answer with everything.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::locale::{Language, Message};

use super::error::{Code, Flaw, LARGEST_BODY, Problem, language_of};

/// The language of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Speaks(pub Language);

impl<S: Sync> FromRequestParts<S> for Speaks {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(language_of(&parts.headers)))
    }
}

/// The body, as JSON.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            let problem = Problem::say(Code::UnsupportedMediaType, "unsupported_media_type");
            return Err(problem.with("wanted", "application/json"));
        }
        let bytes = bytes_of(request, state).await?;
        read_json(&bytes).map(Self)
    }
}

/// Whether the body says that it is JSON.
#[must_use]
pub fn is_json(headers: &axum::http::HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The whole body, within the limit.
///
/// # Errors
/// Too large, or broken off.
pub async fn bytes_of<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Problem::say(Code::TooLarge, "too_large").with("most", LARGEST_BODY);
        }
        Problem::bad_request("the body broke off")
    })
}

/// Reads JSON; says where it does not fit.
///
/// # Errors
/// 400 where it is no JSON, 422 with a pointer where it is another shape than wanted.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            let detail = Message::new(&cut(&inner.to_string()));
            let flaw = Flaw { pointer, code: "json_shape".to_owned(), detail };
            return Problem::invalid(vec![flaw]);
        }
        Problem::bad_request(inner)
    })?;
    reader.end().map_err(Problem::bad_request)?;
    Ok(value)
}

/// A parser's message repeats what it was given; not more of it than a person reads.
fn cut(message: &str) -> String {
    message.chars().filter(|character| !character.is_control()).take(300).collect()
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// The parameters behind `?`.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
            Problem::bad_request(cut(reason))
        })
    }
}

/// A name in the path.
#[derive(Debug)]
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::bad_request("the path is no UTF-8"))?;
        Ok(Self(name))
    }
}

/// A comma-separated parameter, each part read by `parse`; `flaw` names what a wrong one is.
///
/// # Errors
/// A flaw for every part that is none.
pub fn listed<T>(
    parameter: &str,
    text: Option<&str>,
    flaw: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Vec<Flaw>> {
    let mut good = Vec::new();
    let mut flaws = Vec::new();
    for part in text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match parse(part) {
            Some(value) => good.push(value),
            None => flaws.push(Flaw::at(parameter, flaw).with("value", cut(part))),
        }
    }
    if flaws.is_empty() { Ok(good) } else { Err(flaws) }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: u32,
    }

    fn errors(body: &str) -> (u16, Vec<String>) {
        let problem = read_json::<Outer>(body.as_bytes()).unwrap_err();
        let document = problem.document(Language::English, "/");
        (document.status, document.errors.into_iter().map(|error| error.pointer).collect())
    }

    #[test]
    fn a_wrong_body_is_told_where_it_is_wrong() {
        assert_eq!(
            errors(r#"{"inner":[{"count":1},{"count":"x"}]}"#),
            (422, vec!["/inner/1/count".to_owned()])
        );
        assert_eq!(errors(r#"{"inner":[],"role":"admin"}"#).0, 422);
        assert_eq!(errors(r#"{"inner":["#).0, 400);
        assert_eq!(errors(r#"{"inner":[]} x"#).0, 400);
        assert_eq!(errors("").0, 400);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_at_all_make_the_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = read_json::<Outer>(&bytes);
        }
    }
}
