//! Who asks, and whether he may.
//!
//! A caller shows a bearer token or a session cookie. Every route is wrapped by [`guard`] when it
//! is added to the router; what runs behind a guard takes the [`Caller`] and never a header.
//! Deliberately absent: tokens in URLs, and a role that a handler could forget to ask for.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::store::{Role, TokenInfo};
use crate::ticket::{Actor, Ticket, TicketKind};

use super::HttpState;
use super::error::{Code, Problem, wants_page};

/// What a caller showed. Its text form never holds the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer lm_…` (RFC 6750).
    Bearer(String),
    /// A session cookie.
    Session(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Session(_) => "Session(…)",
        })
    }
}

/// Who asks: let in by a guard.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Name in the audit trail.
    pub actor: Actor,
    /// What he may do.
    pub role: Role,
    /// What he showed.
    pub credential: Credential,
}

impl Caller {
    /// Refuses those below a role: for a page whose parts need more than the page.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, needed: Role) -> Result<(), Problem> {
        self.meet(needed.into())
    }

    fn meet(&self, needed: Needed) -> Result<(), Problem> {
        if needed.is_met_by(self.role) {
            return Ok(());
        }
        let least = needed.role.name();
        tracing::warn!(name = %self.actor.0, needed = least, "refused for want of a role");
        let problem = Problem::say(Code::Forbidden, "forbidden").with("needed", least);
        Err(problem.with("name", &self.actor.0).with("role", self.role.name()))
    }

    /// Whether this ticket is any of his business: billing sees bills alone.
    #[must_use]
    pub fn sees(&self, ticket: &Ticket) -> bool {
        sees(self.role, ticket)
    }
}

/// Whether a role may see a ticket: billing sees bills and top-ups.
#[must_use]
pub fn sees(role: Role, ticket: &Ticket) -> bool {
    role != Role::Billing || ticket.is_bill() || ticket.kind == TicketKind::Recharge
}

/// What a route asks of whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// At least this role.
    pub role: Role,
    /// Or billing: the handler shows it bills alone.
    pub or_billing: bool,
}

impl Needed {
    /// Whether a role is let in.
    #[must_use]
    pub const fn is_met_by(self, role: Role) -> bool {
        role.covers(self.role) || (self.or_billing && matches!(role, Role::Billing))
    }
}

impl From<Role> for Needed {
    fn from(role: Role) -> Self {
        Self { role, or_billing: false }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        // Without a guard before it nobody is let in.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::say(Code::Unauthorized, "unauthorized"))
    }
}

/// Middleware before a route: lets callers of at least this role in.
pub async fn guard(
    State((state, needed)): State<(HttpState, Needed)>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&state, request.headers(), request.method(), needed).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => turn_away(&problem, &request).unwrap_or_else(|| problem.into_response()),
    }
}

/// Middleware before the pages: all but the login page and the assets need a role; a page that
/// changes something needs more than reading.
pub async fn guard_pages(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Whoever has a link that was sent to a customer is the customer: its secret is looked up by its page.
    if path == "/login" || path.starts_with("/assets/") || path.starts_with("/answer/") {
        return next.run(request).await;
    }
    let needed = page_needs(path, request.method().is_safe());
    guard(State((state, needed)), request, next).await
}

/// What a page asks of its reader.
fn page_needs(path: &str, reads: bool) -> Needed {
    let is_in =
        |room: &str| path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_in("/reconciliations") {
        return Role::Billing.into();
    }
    // Whoever takes the customer's contact in registers it, answers questions of the trees, files forms and what the
    // customer said or signed.
    let ends_as = |start: &str| path.rsplit('/').next().is_some_and(|last| last.starts_with(start));
    let is_his =
        is_in("/tickets") && (ends_as("tree") || path.ends_with("/fill") || path.ends_with("/files"));
    let changes = if is_his || is_in("/register") { Role::Agent } else { Role::Technician };
    // The first page leads billing to its own; measurements are the network's.
    let or_billing = matches!(path, "/" | "/register" | "/roster")
        || (is_in("/tickets") && !path.ends_with("/measurements"));
    Needed { role: if reads { Role::Viewer } else { changes }, or_billing }
}

/// A browser without a session is shown the way to it.
fn turn_away(problem: &Problem, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let is_page =
        request.method() == Method::GET && wants_page(request.headers()) && !path.starts_with("/api/");
    if problem.code() != Code::Unauthorized || !is_page {
        return None;
    }
    Some(see_other(&format!("/login?next={}", percent_encode(path))))
}

/// 303 to a path of ours.
#[must_use]
pub fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (axum::http::StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// RFC 3986: everything but unreserved characters and the slash.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

async fn admit(
    state: &HttpState,
    headers: &HeaderMap,
    method: &Method,
    needed: Needed,
) -> Result<Caller, Problem> {
    let credential = shown(headers, is_https(state));
    let credential = credential.ok_or_else(|| Problem::say(Code::Unauthorized, "unauthorized"))?;
    let token = recognise(state, &credential).await?;
    let token = token.ok_or_else(|| Problem::say(Code::Unauthorized, "wrong_token"))?;
    let by_cookie = matches!(credential, Credential::Session(_));
    if by_cookie && !method.is_safe() && !is_same_origin(headers) {
        tracing::warn!(name = token.name, "refused a change that another site sent");
        return Err(Problem::say(Code::CrossSite, "cross_site"));
    }
    let caller = Caller { actor: Actor(token.name), role: token.role, credential };
    caller.meet(needed)?;
    Ok(caller)
}

/// Whose credential this is, if it is good now.
///
/// # Errors
/// When the database fails.
pub async fn recognise(state: &HttpState, credential: &Credential) -> Result<Option<TokenInfo>, Problem> {
    Ok(match credential {
        Credential::Bearer(secret) => state.store.authenticate(secret).await?,
        Credential::Session(secret) => state.store.session(secret).await?,
    })
}

/// Whether a credential is still good; asking is no use of it, so that a page left open signs nobody
/// in for longer.
///
/// # Errors
/// When the database fails.
pub async fn is_still_good(state: &HttpState, credential: &Credential) -> Result<bool, Problem> {
    let token = match credential {
        Credential::Bearer(secret) => state.store.authenticate(secret).await?,
        Credential::Session(secret) => state.store.peek_session(secret).await?,
    };
    Ok(token.is_some())
}

/// What the headers show; a bearer token goes before a cookie.
fn shown(headers: &HeaderMap, https: bool) -> Option<Credential> {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let (scheme, secret) = authorization.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Credential::Bearer(secret.trim().to_owned()));
    }
    session_cookie(headers, https).map(Credential::Session)
}

/// The session's secret in the cookies (RFC 6265 section 4.2).
#[must_use]
pub fn session_cookie(headers: &HeaderMap, https: bool) -> Option<String> {
    let name = cookie_name(https);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, secret)| secret.to_owned())
}

/// Whether browsers reach us over TLS: then cookies are bound to it.
#[must_use]
pub fn is_https(state: &HttpState) -> bool {
    let settings = state.settings.borrow();
    settings.http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
}

/// `__Host-` needs TLS; on a loopback address without it another name is used.
#[must_use]
pub const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-linesman" } else { "linesman_session" }
}

/// The header that sets a session, or ends it when `secret` is `None`.
#[must_use]
pub fn set_cookie(secret: Option<&str>, https: bool) -> String {
    let name = cookie_name(https);
    let secure = if https { "; Secure" } else { "" };
    // The server ends a session after 12 hours at the latest; the browser need not keep it longer.
    let age = if secret.is_some() { 12 * 3600 } else { 0 };
    let value = secret.unwrap_or_default();
    format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether a change was sent by a page of ours: by fetch metadata, else by the Origin header.
#[must_use]
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else { return false };
    origin.split_once("://").is_some_and(|(_, origin_host)| origin_host.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_change_counts_as_ours_only_when_the_browser_says_so() {
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(is_same_origin(&headers(&[("origin", "http://127.0.0.1:9470"), ("host", "127.0.0.1:9470")])));
        for foreign in [
            &[("sec-fetch-site", "same-site")][..],
            &[("sec-fetch-site", "none")],
            // Fetch metadata goes first: a forged Origin does not help.
            &[("sec-fetch-site", "cross-site"), ("origin", "http://h"), ("host", "h")],
            &[("origin", "null"), ("host", "h")],
            &[("origin", "http://h:1"), ("host", "h:2")],
            &[("host", "h")],
            &[],
        ] {
            assert!(!is_same_origin(&headers(foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn a_bearer_token_goes_before_a_cookie_and_its_absence_is_nobody() {
        let both = headers(&[("authorization", "Bearer lm_a"), ("cookie", "linesman_session=s")]);
        assert_eq!(shown(&both, false), Some(Credential::Bearer("lm_a".to_owned())));
        let cookie = headers(&[("cookie", "a=b; linesman_session=s; c=d")]);
        assert_eq!(shown(&cookie, false), Some(Credential::Session("s".to_owned())));
        assert_eq!(shown(&cookie, true), None, "over TLS only the bound cookie counts");
        // Whoever shows a wrong scheme is not let in by a cookie that his browser adds.
        let basic = headers(&[("authorization", "Basic eA=="), ("cookie", "linesman_session=s")]);
        assert_eq!(shown(&basic, false), None);
    }

    #[test]
    fn a_credential_is_never_printed() {
        assert!(!format!("{:?}", Credential::Bearer("lm_secret".to_owned())).contains("secret"));
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = set_cookie(Some("s"), true);
        for part in ["__Host-linesman=s", "Path=/", "HttpOnly", "SameSite=Strict", "Secure"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(set_cookie(None, false).contains("Max-Age=0"));
    }
}
