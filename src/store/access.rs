//! Tokens and browser sessions. A secret is shown once; the database knows its SHA-256 only, and
//! finds it by that, so that comparing takes no time that depends on it.

use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use crate::id::os_random;
use crate::ticket::chain::hex;
use crate::ticket::event::Actor;

use super::backend::{on, on_tx};
use super::{NewToken, Role, Store, StoreError, TokenInfo, Tx};

/// A session ends after so long without use.
pub const SESSION_IDLE: TimeDelta = TimeDelta::minutes(30);
/// A session ends after so long, whatever its use.
pub const SESSION_LONGEST: TimeDelta = TimeDelta::hours(12);
/// A token ends after a year at most.
pub const TOKEN_LONGEST: TimeDelta = TimeDelta::days(366);

/// Scanners for leaked secrets know a token by this.
const TOKEN_PREFIX: &str = "lm_";
const SESSION_PREFIX: &str = "lms_";
const CHECKSUM_LENGTH: usize = 8;
/// Noting a use must never make a reader wait: a full or locked disk still lets people in.
const PATIENCE_FOR_NOTES: Duration = Duration::from_millis(250);
const LONGEST_NAME: usize = 64;

pub(super) const INSERT_TOKEN: &str = "INSERT INTO api_token (name, hash, role, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING";
pub(super) const COUNT_TOKENS: &str = "SELECT COUNT(*) FROM api_token";
pub(super) const TOKEN_BY_HASH: &str = "SELECT name, role, created_at, expires_at, last_used_at, revoked_at \
     FROM api_token WHERE hash = $1";
pub(super) const TOKENS: &str = "SELECT name, role, created_at, expires_at, last_used_at, revoked_at \
     FROM api_token ORDER BY created_at, name";
pub(super) const USE_TOKEN: &str = "UPDATE api_token SET last_used_at = $2 WHERE name = $1";
pub(super) const REVOKE_TOKEN: &str =
    "UPDATE api_token SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL";
pub(super) const INSERT_SESSION: &str = "INSERT INTO session (hash, token_name, created_at, last_used_at) \
     VALUES ($1, $2, $3, $3)";
pub(super) const SESSION: &str = "SELECT t.name, t.role, t.created_at, t.expires_at, t.last_used_at, \
     t.revoked_at, s.created_at AS session_created_at, s.last_used_at AS session_last_used_at \
     FROM session s JOIN api_token t ON t.name = s.token_name WHERE s.hash = $1";
pub(super) const USE_SESSION: &str = "UPDATE session SET last_used_at = $2 WHERE hash = $1";
pub(super) const END_SESSION: &str = "DELETE FROM session WHERE hash = $1";
pub(super) const END_OLD_SESSIONS: &str = "DELETE FROM session WHERE created_at < $1 OR last_used_at < $2";

#[derive(Debug, sqlx::FromRow)]
struct TokenRow {
    name: String,
    role: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TokenRow {
    fn understood(self) -> Result<TokenInfo, StoreError> {
        let role = Role::parse(&self.role).ok_or_else(|| {
            StoreError::inconsistent("api_token", "role", &self.name, "there is no such role")
        })?;
        Ok(TokenInfo {
            name: self.name,
            role,
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            revoked: self.revoked_at.is_some(),
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
struct SessionRow {
    #[sqlx(flatten)]
    token: TokenRow,
    session_created_at: DateTime<Utc>,
    session_last_used_at: DateTime<Utc>,
}

/// A new secret: prefix, 32 random bytes, and a checksum by which a mistyped one is known.
fn new_secret(prefix: &str) -> Result<String, StoreError> {
    let body = hex(&os_random::<32>()?);
    let checksum = checksum(&body);
    Ok(format!("{prefix}{body}{checksum}"))
}

fn checksum(body: &str) -> String {
    let mut sum = hash(body);
    sum.truncate(CHECKSUM_LENGTH);
    sum
}

/// Whether it can be one of our secrets at all; the database is not asked about anything else.
fn is_well_formed(prefix: &str, secret: &str) -> bool {
    let Some(rest) = secret.strip_prefix(prefix) else { return false };
    let is_hex = rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    rest.len() == 64 + CHECKSUM_LENGTH && is_hex && checksum(&rest[..64]) == rest[64..]
}

fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

fn refuse_name(name: &str) -> Result<(), StoreError> {
    let refuse = |reason: &str| {
        Err(StoreError::Refused { operation: "making a token", reason: format!("the name {reason}") })
    };
    if name.trim().is_empty() || name.trim() != name {
        return refuse("is empty, or begins or ends with a space");
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return refuse("is longer than 64 characters, or has a control character");
    }
    if name == Actor::linesman().0 {
        return refuse("stands for Linesman itself in the audit trail; take another");
    }
    Ok(())
}

impl Store {
    /// Makes a token; the secret is returned once and only its SHA-256 kept.
    ///
    /// # Errors
    /// When the name is taken (also by a token that has ended) or unfit, when the token would end
    /// in the past or after more than a year, or when the database does not answer.
    pub async fn create_token(&self, token: &NewToken) -> Result<String, StoreError> {
        let refuse = |reason: String| StoreError::Refused { operation: "making a token", reason };
        let now = self.now();
        refuse_name(&token.name)?;
        if token.expires_at <= now || token.expires_at > now + TOKEN_LONGEST {
            return Err(refuse("it must end in the future, and within a year".to_owned()));
        }
        let mut tx = self.begin("make a token").await?;
        let Some(secret) = insert_token(&mut tx, token, now).await? else {
            return Err(refuse(format!(
                "there is or was a token named {}; names are never given twice, take another",
                token.name
            )));
        };
        tx.commit().await?;
        Ok(secret)
    }

    /// Makes the first admin token if there is no token at all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_first_token(&self) -> Result<Option<String>, StoreError> {
        let now = self.now();
        let mut tx = self.begin("make the first token").await?;
        let tokens: i64 =
            on_tx!(tx, connection => sqlx::query_scalar(COUNT_TOKENS).fetch_one(connection).await)
                .map_err(|error| StoreError::of("count", "tokens", error))?;
        if tokens > 0 {
            return Ok(None);
        }
        let first = NewToken { name: "admin".to_owned(), role: Role::Admin, expires_at: now + TOKEN_LONGEST };
        let secret = insert_token(&mut tx, &first, now).await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// Whose token this is, if it is valid now.
    ///
    /// # Errors
    /// When the database does not answer; a wrong secret is no error.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<TokenInfo>, StoreError> {
        if !is_well_formed(TOKEN_PREFIX, secret) {
            return Ok(None);
        }
        let now = self.now();
        let row: Option<TokenRow> = on!(self, pool => {
            sqlx::query_as(TOKEN_BY_HASH).bind(hash(secret)).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("look up", "token", error))?;
        let Some(token) = row.map(TokenRow::understood).transpose()? else { return Ok(None) };
        if !is_valid(&token, now) {
            return Ok(None);
        }
        let minute = minute_of(now);
        if token.last_used_at.is_none_or(|used| used < minute) && self.is_first_use(&token.name, minute) {
            self.note_use(USE_TOKEN, &token.name, minute).await;
        }
        Ok(Some(token))
    }

    /// All tokens, without secrets.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, StoreError> {
        let rows: Vec<TokenRow> = on!(self, pool => sqlx::query_as(TOKENS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("list", "tokens", error))?;
        rows.into_iter().map(TokenRow::understood).collect()
    }

    /// Ends a token now, and with it its sessions; says whether there was one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.begin("end a token").await?;
        let rows = on_tx!(tx, connection => {
            sqlx::query(REVOKE_TOKEN)
                .bind(super::json::text(name))
                .bind(now)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("end token", name, error))?;
        tx.commit().await?;
        Ok(rows > 0)
    }

    /// A browser session for a token: its secret goes into the cookie; idle 30 min, absolute 12 h.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_session(&self, token: &TokenInfo) -> Result<String, StoreError> {
        let now = self.now();
        let secret = new_secret(SESSION_PREFIX)?;
        let fail = |error| StoreError::of("begin session of", &token.name, error);
        let mut tx = self.begin("begin a session").await?;
        on_tx!(tx, connection => {
            sqlx::query(END_OLD_SESSIONS)
                .bind(now - SESSION_LONGEST)
                .bind(now - SESSION_IDLE)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
            sqlx::query(INSERT_SESSION)
                .bind(hash(&secret))
                .bind(&token.name)
                .bind(now)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
        });
        tx.commit().await?;
        Ok(secret)
    }

    /// Whose session this is, if valid now; a use prolongs it.
    ///
    /// # Errors
    /// When the database does not answer; a wrong secret is no error.
    pub async fn session(&self, secret: &str) -> Result<Option<TokenInfo>, StoreError> {
        let Some((token, hash, used_at)) = self.valid_session(secret).await? else { return Ok(None) };
        let now = self.now();
        if now - used_at >= TimeDelta::minutes(1) {
            let noted = self.note_use(USE_SESSION, &hash, now).await;
            self.remember_session_use(hash, now, noted);
        }
        Ok(Some(token))
    }

    /// The same without being a use: a page that only lies open prolongs nothing.
    ///
    /// # Errors
    /// When the database does not answer; a wrong secret is no error.
    pub async fn peek_session(&self, secret: &str) -> Result<Option<TokenInfo>, StoreError> {
        Ok(self.valid_session(secret).await?.map(|(token, ..)| token))
    }

    /// The token of a session that is valid now, the session's hash and its last use.
    async fn valid_session(
        &self,
        secret: &str,
    ) -> Result<Option<(TokenInfo, String, DateTime<Utc>)>, StoreError> {
        if !is_well_formed(SESSION_PREFIX, secret) {
            return Ok(None);
        }
        let now = self.now();
        let hash = hash(secret);
        let row: Option<SessionRow> =
            on!(self, pool => sqlx::query_as(SESSION).bind(&hash).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("look up", "session", error))?;
        let Some(row) = row else { return Ok(None) };
        let used_at = row.session_last_used_at.max(self.remembered_session_use(&hash));
        let is_over = now >= row.session_created_at + SESSION_LONGEST || now >= used_at + SESSION_IDLE;
        let token = row.token.understood()?;
        if is_over || !is_valid(&token, now) {
            return Ok(None);
        }
        Ok(Some((token, hash, used_at)))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_session(&self, secret: &str) -> Result<(), StoreError> {
        let mut tx = self.begin("end a session").await?;
        on_tx!(tx, connection => {
            sqlx::query(END_SESSION).bind(hash(secret)).execute(connection).await.map(drop)
        })
        .map_err(|error| StoreError::of("end", "session", error))?;
        tx.commit().await
    }

    /// Whether this is the first use of a token in a minute, as far as this process knows.
    fn is_first_use(&self, name: &str, minute: DateTime<Utc>) -> bool {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.insert(name.to_owned(), minute) != Some(minute)
    }

    /// Keeps in memory that a session was used where the database could not be told: a busy disk
    /// logs nobody out. Uses too old to prolong anything are let go, so that this stays small.
    fn remember_session_use(&self, hash: String, at: DateTime<Utc>, noted: bool) {
        let mut uses = self.session_uses.lock().unwrap_or_else(PoisonError::into_inner);
        if noted {
            uses.remove(&hash);
            return;
        }
        uses.retain(|_, used_at| at - *used_at < SESSION_IDLE);
        uses.insert(hash, at);
    }

    fn remembered_session_use(&self, hash: &str) -> DateTime<Utc> {
        let uses = self.session_uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.get(hash).copied().unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Writes a use down if that is possible right now, and says whether it was.
    async fn note_use(&self, statement: &'static str, key: &str, at: DateTime<Utc>) -> bool {
        let write = async {
            let mut tx = self.begin("note a use").await?;
            on_tx!(tx, connection => {
                sqlx::query(statement).bind(key).bind(at).execute(connection).await.map(drop)
            })
            .map_err(|error| StoreError::of("note", "use", error))?;
            tx.commit().await
        };
        match tokio::time::timeout(PATIENCE_FOR_NOTES, write).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::debug!(%error, "the use of a token or session was not noted"),
            Err(_) => tracing::debug!("the use of a token or session was not noted: the writer is busy"),
        }
        false
    }
}

async fn insert_token(
    tx: &mut Tx,
    token: &NewToken,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let secret = new_secret(TOKEN_PREFIX)?;
    let rows = on_tx!(tx, connection => {
        sqlx::query(INSERT_TOKEN)
            .bind(&token.name)
            .bind(hash(&secret))
            .bind(token.role.name())
            .bind(now)
            .bind(crate::clock::to_micros(token.expires_at))
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })
    .map_err(|error| StoreError::of("keep token", &token.name, error))?;
    Ok((rows == 1).then_some(secret))
}

fn is_valid(token: &TokenInfo, now: DateTime<Utc>) -> bool {
    !token.revoked && now < token.expires_at
}

fn minute_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::minutes(1)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_secret_is_known_without_asking_the_database() {
        let secret = new_secret(TOKEN_PREFIX).unwrap();
        assert!(is_well_formed(TOKEN_PREFIX, &secret));
        assert!(!is_well_formed(SESSION_PREFIX, &secret), "a token is no session");
        for place in 3..secret.len() {
            let mut other = secret.clone().into_bytes();
            other[place] = if other[place] == b'0' { b'1' } else { b'0' };
            assert!(!is_well_formed(TOKEN_PREFIX, &String::from_utf8(other).unwrap()), "place {place}");
        }
        for wrong in ["", "lm_", "lm_é", &secret[..secret.len() - 1], &format!("{secret}0")] {
            assert!(!is_well_formed(TOKEN_PREFIX, wrong), "{wrong}");
        }
    }
}
