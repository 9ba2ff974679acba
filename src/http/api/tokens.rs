//! Tokens of people and programs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::Caller;
use crate::http::error::{Code, Flaw, Problem};
use crate::http::extract::{Body, Named};
use crate::http::openapi::{BadRequest, Conflict, NotFound, TakesBody};
use crate::store::{NewToken, Role, TokenInfo};

/// Lives so long unless stated.
const USUAL: TimeDelta = TimeDelta::days(90);
/// Lives no longer.
const LONGEST: TimeDelta = TimeDelta::days(365);

/// All tokens.
#[derive(Serialize, ToSchema)]
pub struct TokenList {
    /// Without their secrets.
    tokens: Vec<TokenInfo>,
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedToken {
    /// Unique name: the actor in the audit trail.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    name: String,
    /// What it may do.
    role: Role,
    /// When it ends, at most 365 days from now; 90 days unless stated.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub struct MadeToken {
    /// The secret, shown this once.
    token: String,
    /// Its name.
    name: String,
    /// What it may do.
    role: Role,
    /// When it ends.
    expires_at: DateTime<Utc>,
}

/// All tokens, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "administration",
    responses((status = 200, description = "Tokens.", body = TokenList)))]
pub async fn list(State(state): State<HttpState>) -> Result<Json<TokenList>, Problem> {
    Ok(Json(TokenList { tokens: state.store.tokens().await? }))
}

/// Makes a token; its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "createToken", tag = "administration",
    request_body = WantedToken,
    responses((status = 201, description = "The token with its secret.", body = MadeToken), TakesBody, Conflict))]
pub async fn create(
    State(state): State<HttpState>,
    caller: Caller,
    Body(wanted): Body<WantedToken>,
) -> Result<Response, Problem> {
    let now = state.clock.now_utc();
    let expires_at = wanted.expires_at.unwrap_or(now + USUAL);
    let mut flaws = Vec::new();
    if !is_name(&wanted.name) {
        flaws.push(Flaw::at("/name", "name_form"));
    }
    if expires_at <= now || expires_at > now + LONGEST {
        flaws.push(Flaw::at("/expires_at", "expiry"));
    }
    if !flaws.is_empty() {
        return Err(Problem::invalid(flaws));
    }
    let taken = state.store.tokens().await?.iter().any(|token| token.name == wanted.name);
    if taken {
        return Err(Problem::say(Code::NameTaken, "name_taken").with("name", wanted.name));
    }
    let WantedToken { name, role, .. } = wanted;
    let token = state.store.create_token(&NewToken { name: name.clone(), role, expires_at }).await?;
    tracing::info!(by = %caller.actor.0, name, role = role.name(), "made a token");
    Ok((StatusCode::CREATED, Json(MadeToken { token, name, role, expires_at })).into_response())
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// Ends a token now, with all sessions made with it.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", operation_id = "revokeToken", tag = "administration",
    params(("name" = String, Path, description = "Name of the token.", max_length = 64)),
    responses((status = 204, description = "Ended."), BadRequest, NotFound))]
pub async fn revoke(
    State(state): State<HttpState>,
    caller: Caller,
    Named(name): Named,
) -> Result<StatusCode, Problem> {
    // The command line gives names that are not taken here, with spaces; whatever has a name can end.
    if state.store.revoke_token(&name).await? {
        tracing::info!(by = %caller.actor.0, name, "revoked a token");
        return Ok(StatusCode::NO_CONTENT);
    }
    let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
    Err(Problem::say(Code::NotFound, "no_token").with("name", shown))
}
