//! Every error in one shape: problem details (RFC 9457), in the reader's language.
//!
//! Handlers return a [`Problem`]; the middleware [`dress`] knows the request, so it writes the body
//! in the language asked for. It also gives this shape to whatever else answers with an error and
//! without words (no such path, no such method). What the database or the operating system said
//! goes to the log and never to the client.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::locale::{Language, Message, words};
use crate::store::{StoreError, WriteError};
use crate::ticket::Ticket;

/// Largest request body, in bytes.
pub const LARGEST_BODY: usize = 1024 * 1024;

/// What went wrong, for programs: stable, one HTTP status each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Not understood.
    BadRequest,
    /// Nobody, or nobody known.
    Unauthorized,
    /// Somebody without the right.
    Forbidden,
    /// A change that another site's page sent.
    CrossSite,
    /// No such thing.
    NotFound,
    /// The thing takes other methods.
    MethodNotAllowed,
    /// Guards of a ticket are not met.
    Refused,
    /// Something speaks against it for a customer.
    CustomerRefused,
    /// Somebody has this name already.
    NameTaken,
    /// Changed meanwhile.
    PreconditionFailed,
    /// The customer changed meanwhile.
    CustomerChanged,
    /// Too many bytes.
    TooLarge,
    /// Bytes of another kind than can be read.
    UnsupportedMediaType,
    /// Understood, and wrong in some fields.
    Invalid,
    /// The settings could not be taken over.
    SettingsMistakes,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// Slow down.
    TooManyRequests,
    /// A defect of ours.
    Internal,
    /// Later, perhaps.
    Unavailable,
    /// We could not measure.
    Unmeasured,
    /// Took too long.
    Timeout,
}

impl Code {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::CrossSite => "cross_site",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Refused => "refused",
            Self::CustomerRefused => "customer_refused",
            Self::CustomerChanged => "customer_changed",
            Self::NameTaken => "name_taken",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid => "invalid",
            Self::SettingsMistakes => "settings_mistakes",
            Self::PreconditionRequired => "precondition_required",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::Unmeasured => "unmeasured",
            Self::Timeout => "timeout",
        }
    }

    /// Its HTTP status (RFC 9110 section 15, RFC 6585).
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Refused | Self::NameTaken | Self::CustomerRefused => StatusCode::CONFLICT,
            Self::PreconditionFailed | Self::CustomerChanged => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid | Self::SettingsMistakes => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::Unmeasured | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// One thing that is wrong in a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Flaw {
    /// JSON pointer (RFC 6901) into the body, or the name of a parameter behind `?`.
    pub pointer: String,
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: Message,
}

impl Flaw {
    /// Of a member of the body or a parameter; `name` is the last part of a key of `[api.field]`.
    #[must_use]
    pub fn at(pointer: &str, name: &str) -> Self {
        let detail = Message::new(&format!("api.field.{name}"));
        Self { pointer: pointer.to_owned(), code: name.to_owned(), detail }
    }

    /// With one more argument of the sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.detail = self.detail.with(name, value);
        self
    }
}

/// An error on its way to the client. Boxed: it is rare, and results stay small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: Message,
    flaws: Vec<Flaw>,
    ticket: Option<Box<Ticket>>,
    retry_after_s: Option<u64>,
}

impl Problem {
    /// With a sentence of the catalogues.
    #[must_use]
    pub fn new(code: Code, detail: Message) -> Self {
        Self(Box::new(Parts { code, detail, flaws: Vec::new(), ticket: None, retry_after_s: None }))
    }

    /// With the sentence `api.NAME`.
    #[must_use]
    pub fn say(code: Code, name: &str) -> Self {
        Self::new(code, Message::new(&format!("api.{name}")))
    }

    /// Fields that cannot be as they are.
    #[must_use]
    pub fn invalid(flaws: Vec<Flaw>) -> Self {
        Self::say(Code::Invalid, "invalid").flaws(flaws)
    }

    /// A request that cannot be understood; `reason` is the parser's sentence.
    #[must_use]
    pub fn bad_request(reason: impl std::fmt::Display) -> Self {
        // Parsers end their sentences as they like; ours puts the full stop.
        let reason = reason.to_string();
        Self::new(
            Code::BadRequest,
            Message::new("api.bad_request").with("reason", reason.trim_end_matches('.')),
        )
    }

    /// Somebody changed the ticket that the client saw at version `seen`; here it is now.
    #[must_use]
    pub fn changed(seen: impl std::fmt::Display, ticket: Box<Ticket>) -> Self {
        let problem = Self::say(Code::PreconditionFailed, "changed").with("seen", seen);
        let mut problem = problem.with("version", ticket.version);
        problem.0.ticket = Some(ticket);
        problem
    }

    /// A defect, already logged.
    #[must_use]
    pub fn internal() -> Self {
        Self::say(Code::Internal, "internal")
    }

    /// With one more argument of the sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.0.detail = self.0.detail.with(name, value);
        self
    }

    /// With what is wrong in detail.
    #[must_use]
    pub fn flaws(mut self, flaws: Vec<Flaw>) -> Self {
        self.0.flaws = flaws;
        self
    }

    /// With the time after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence, for pages that show it themselves.
    #[must_use]
    pub fn detail(&self) -> &Message {
        &self.0.detail
    }

    /// The document in a language; `instance` is the path asked for.
    #[must_use]
    pub fn document(&self, language: Language, instance: &str) -> ProblemDocument {
        let Parts { code, detail, flaws, ticket, .. } = &*self.0;
        ProblemDocument {
            r#type: format!("urn:linesman:problem:{}", code.name()),
            title: words(language, &format!("api.title.{}", code.name())),
            status: code.status().as_u16(),
            detail: detail.render(language),
            instance: instance.to_owned(),
            code: code.name().to_owned(),
            errors: flaws
                .iter()
                .map(|flaw| ProblemError {
                    pointer: flaw.pointer.clone(),
                    code: flaw.code.clone(),
                    detail: flaw.detail.render(language),
                    rule: flaw.detail.args.get("rule").cloned(),
                })
                .collect(),
            ticket: ticket.clone(),
        }
    }

    fn of_bare_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::say(Code::NotFound, "nothing_here"),
            StatusCode::METHOD_NOT_ALLOWED => Self::say(Code::MethodNotAllowed, "method_not_allowed"),
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::say(Code::TooLarge, "too_large").with("most", LARGEST_BODY)
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::say(Code::UnsupportedMediaType, "unsupported_media_type")
                    .with("wanted", "application/json")
            }
            other if other.is_server_error() => Self::internal(),
            other => Self::bad_request(other.canonical_reason().unwrap_or("refused")),
        }
    }
}

/// What a client reads (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Identifies the kind of problem.
    pub r#type: String,
    /// The kind of problem in a few words, in the language asked for.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, why, and what mends it, in the language asked for.
    pub detail: String,
    /// The path asked for.
    pub instance: String,
    /// The kind of problem, for programs.
    pub code: String,
    /// What is wrong in detail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemError>,
    /// With `precondition_failed`: the ticket as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Box<Ticket>>,
}

/// One thing that is wrong in a request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProblemError {
    /// JSON pointer (RFC 6901) into the body, `?name` for a parameter, empty for the whole.
    pub pointer: String,
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The rule of the complaint-handling procedure that asks for it, as `R51`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        let headers = response.headers_mut();
        if self.0.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"linesman\""));
        }
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The language that a request asks for.
#[must_use]
pub fn language_of(headers: &HeaderMap) -> Language {
    let wish = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wish.map_or(Language::English, Language::of_accept_language)
}

/// Whether a browser asks for a page, rather than a program for data.
#[must_use]
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Middleware: writes the body of every error that has none yet.
pub async fn dress(request: Request, next: Next) -> Response {
    let language = language_of(request.headers());
    let instance = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = match problem {
        Some(problem) => problem,
        None if (status.is_client_error() || status.is_server_error()) && !has_own_words(&response) => {
            Problem::of_bare_status(status)
        }
        None => return response,
    };
    let document = problem.document(language, &instance);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut headers = std::mem::take(response.headers_mut());
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    (problem.code().status(), headers, body).into_response()
}

/// A page or a document of its own is left alone; axum's own refusals are bare or plain text.
fn has_own_words(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| !kind.starts_with("text/plain"))
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::Refused { reason, .. } = error {
            return Self::say(Code::Refused, "store_refused").with("reason", reason);
        }
        let problem = match error {
            StoreError::WriterStopped | StoreError::Fenced => Self::say(Code::Unavailable, "stopping"),
            // Ours to mend, and no waiting helps.
            StoreError::NoKey => Self::say(Code::Unavailable, "no_key"),
            StoreError::Inconsistent { .. } | StoreError::Encode { .. } | StoreError::Query { .. } => {
                Self::internal()
            }
            _ => Self::say(Code::Unavailable, "database").retry_after(5),
        };
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the database failed a request");
        problem
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unknown(ticket) => Self::say(Code::NotFound, "no_ticket").with("ticket", ticket),
            WriteError::Conflict(ticket) => Self::changed("*", ticket),
            WriteError::Refused(refusal) => {
                let flaws = refusal
                    .unmet
                    .into_iter()
                    .map(|guard| Flaw {
                        pointer: String::new(),
                        code: guard.key.trim_start_matches("guard.").to_owned(),
                        detail: guard,
                    })
                    .collect();
                Self::say(Code::Refused, "refused").flaws(flaws)
            }
            WriteError::KeyReused => Self::invalid(vec![Flaw::at("?Idempotency-Key", "key_reused")]),
            WriteError::NoCustomer(customer) => Self::invalid(vec![
                Flaw::at("/customer/customer", "no_such_customer").with("value", customer),
            ]),
            WriteError::NoContact(contact) => {
                Self::invalid(vec![Flaw::at("/customer/contact", "no_such_contact").with("value", contact)])
            }
            WriteError::Busy => Self::say(Code::Unavailable, "busy").retry_after(1),
            WriteError::Stale => {
                tracing::error!("a person's change was refused as a stale plan");
                Self::internal()
            }
            WriteError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_speaks_the_readers_language_and_keeps_its_code() {
        let problem = Problem::say(Code::NotFound, "no_ticket").with("ticket", "LM-2026-000001");
        let english = problem.document(Language::English, "/api/v1/tickets/LM-2026-000001");
        let chinese = problem.document(Language::Chinese, "/api/v1/tickets/LM-2026-000001");
        assert_eq!(english.detail, "There is no ticket LM-2026-000001.");
        assert_eq!(chinese.detail, "没有工单 LM-2026-000001。");
        assert_eq!((english.code.as_str(), english.status), ("not_found", 404));
        assert_eq!(english.r#type, chinese.r#type);
    }

    #[test]
    fn every_code_has_a_title_in_both_languages() {
        let all = [
            Code::BadRequest,
            Code::Unauthorized,
            Code::Forbidden,
            Code::CrossSite,
            Code::NotFound,
            Code::MethodNotAllowed,
            Code::Refused,
            Code::NameTaken,
            Code::PreconditionFailed,
            Code::TooLarge,
            Code::UnsupportedMediaType,
            Code::Invalid,
            Code::SettingsMistakes,
            Code::PreconditionRequired,
            Code::TooManyRequests,
            Code::Internal,
            Code::Unavailable,
            Code::Unmeasured,
            Code::Timeout,
        ];
        for code in all {
            let key = format!("api.title.{}", code.name());
            for language in [Language::English, Language::Chinese] {
                assert_ne!(words(language, &key), key, "{code:?} in {}", language.tag());
            }
        }
    }

    #[test]
    fn a_refusal_names_every_guard_that_is_not_met() {
        let unmet = vec![Message::new("guard.note_empty"), Message::new("guard.reason_missing")];
        let refusal = crate::ticket::Refusal { event: "noted", unmet };
        let document = Problem::from(WriteError::Refused(refusal)).document(Language::English, "/x");
        assert_eq!(document.status, 409);
        let codes: Vec<&str> = document.errors.iter().map(|error| error.code.as_str()).collect();
        assert_eq!(codes, ["note_empty", "reason_missing"]);
    }
}
