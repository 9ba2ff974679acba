//! Signing in with a token and out again: the one door without a role.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::store::Role;

use super::HttpState;
use super::auth::{self, Caller, Credential, see_other};
use super::error::{Code, Problem, wants_page};
use super::extract::{bytes_of, is_json, read_json};

/// What signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// A token, as `lm_…`.
    #[schema(max_length = 200)]
    token: String,
    /// For forms: the page to go to afterwards.
    #[serde(default)]
    #[schema(max_length = 2000)]
    next: Option<String>,
}

/// Who signed in.
#[derive(Serialize, ToSchema)]
pub struct LoggedIn {
    /// Name in the audit trail.
    name: String,
    /// What he may do.
    role: Role,
}

/// Signs in: trades a token for a session cookie.
#[utoipa::path(post, path = "/login", operation_id = "logIn", tag = "session",
    request_body(content((Login = "application/json"), (Login = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "Signed in; the cookie is set.", body = LoggedIn),
        (status = 303, description = "A form signed in, or has to try again; follow Location."),
        super::openapi::TakesBody,
        super::openapi::Unauthorized,
        super::openapi::Forbidden,
        super::openapi::TooManyRequests,
        super::openapi::Fails,
    ))]
pub async fn log_in(State(state): State<HttpState>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    // Signing a browser in to somebody else's account is an attack too.
    if headers.contains_key("sec-fetch-site") && !auth::is_same_origin(&headers) {
        return Err(Problem::say(Code::CrossSite, "cross_site"));
    }
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(&mut parts, &()).await;
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let login = read(Request::from_parts(parts, body)).await?;
    let Some(token) = state.store.authenticate(login.token.trim()).await? else {
        state.limits.logins.take(address, Instant::now()).map_err(|seconds| {
            let problem = Problem::say(Code::TooManyRequests, "too_many_logins").with("seconds", seconds);
            problem.retry_after(seconds)
        })?;
        tracing::warn!(%address, "a wrong token was shown at login");
        if wants_page(&headers) {
            let next = auth::percent_encode(local(login.next.as_deref()));
            return Ok(see_other(&format!("/login?failed=1&next={next}")));
        }
        return Err(Problem::say(Code::Unauthorized, "wrong_token"));
    };
    let session = state.store.create_session(&token).await?;
    let cookie = auth::set_cookie(Some(&session), auth::is_https(&state));
    let answer = if wants_page(&headers) {
        see_other(local(login.next.as_deref()))
    } else {
        Json(LoggedIn { name: token.name, role: token.role }).into_response()
    };
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}

async fn read(request: Request) -> Result<Login, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if is_json(request.headers()) {
        return read_json(&bytes_of(request, &()).await?);
    }
    if !is_form {
        let wanted = "application/json or application/x-www-form-urlencoded";
        return Err(Problem::say(Code::UnsupportedMediaType, "unsupported_media_type").with("wanted", wanted));
    }
    let bytes = bytes_of(request, &()).await?;
    let request = Request::builder()
        .method("POST")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(bytes))
        .map_err(|_| Problem::internal())?;
    let form = <axum::Form<Login> as axum::extract::FromRequest<()>>::from_request(request, &()).await;
    form.map(|form| form.0).map_err(|_| Problem::bad_request("the form needs the field token"))
}

/// Only a path of ours is gone to after login.
fn local(next: Option<&str>) -> &str {
    let safe = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && !path.chars().any(char::is_control)
    };
    next.filter(safe).unwrap_or("/")
}

/// Signs out: ends the session of the cookie.
#[utoipa::path(post, path = "/logout", operation_id = "logOut", tag = "session",
    responses(
        (status = 204, description = "Signed out."),
        (status = 303, description = "A page signed out; follow Location."),
    ))]
pub async fn log_out(
    State(state): State<HttpState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Credential::Session(secret) = &caller.credential {
        state.store.end_session(secret).await?;
    }
    let cookie = auth::set_cookie(None, auth::is_https(&state));
    let answer =
        if wants_page(&headers) { see_other("/login") } else { StatusCode::NO_CONTENT.into_response() };
    Ok(([(header::SET_COOKIE, cookie)], answer).into_response())
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn login_leads_to_no_other_site() {
        assert_eq!(local(Some("/tickets/LM-2026-000001")), "/tickets/LM-2026-000001");
        for foreign in
            ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/a\r\nb"]
        {
            assert_eq!(local(Some(foreign)), "/", "{foreign}");
        }
        assert_eq!(local(None), "/");
    }
}
