//! Who does what in the procedure: the roster, whole and version after version (R114); how much work everybody has;
//! and the steps up that follow an event in its own transaction, so that none is lost and none is made twice.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};
use linesman_process::people::{self, Load, People};
use serde::{Deserialize, Serialize};

use crate::ticket::event::{Actor, Event};
use crate::ticket::{Deed, Ticket, TicketKind};

use super::backend::{on, on_tx};
use super::change::Change;
use super::json::{JsonText, text};
use super::{Store, StoreError};

pub(super) const NEWEST_ROSTER: &str = "SELECT COALESCE(MAX(version), 0) FROM people_roster";
pub(super) const ROSTER: &str = "SELECT version, at, actor, note, body FROM people_roster WHERE version = $1";
pub(super) const ROSTERS: &str =
    "SELECT version, at, actor, note, body FROM people_roster ORDER BY version DESC LIMIT $1";
pub(super) const INSERT_ROSTER: &str = "INSERT INTO people_roster (version, at, actor, note, body) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (version) DO NOTHING";
pub(super) const LOADS: &str = "SELECT owner, kind, COUNT(*) FROM ticket \
     WHERE is_open AND owner IS NOT NULL GROUP BY owner, kind";
pub(super) const OWNERS: &str =
    "SELECT DISTINCT owner FROM ticket WHERE is_open AND owner IS NOT NULL ORDER BY owner";

/// What the file of the roster is called in messages.
pub const FILE: &str = "people.toml";

/// The people of a roster, with its version.
pub(super) type Known = (i64, Arc<People>);

#[derive(Serialize, Deserialize)]
struct Body {
    toml: String,
}

/// A version of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Counts its changes; 0 is the empty one of the beginning.
    pub version: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why.
    pub note: String,
    /// As it was written, TOML.
    pub toml: String,
}

#[derive(sqlx::FromRow)]
struct RosterRow {
    version: i64,
    at: DateTime<Utc>,
    actor: String,
    note: String,
    body: JsonText,
}

impl RosterRow {
    fn understood(self) -> Result<Roster, StoreError> {
        let body: Body = self.body.read("people_roster", "body", self.version)?;
        Ok(Roster { version: self.version, at: self.at, by: self.actor, note: self.note, toml: body.toml })
    }
}

fn read(roster: &Roster) -> Result<People, StoreError> {
    people::read(FILE, &roster.toml).map_err(|mistakes| {
        let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
        StoreError::inconsistent("people_roster", "body", roster.version, first)
    })
}

impl Store {
    /// The newest version of the roster; `None` when nobody has written one.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn roster(&self) -> Result<Option<Roster>, StoreError> {
        Ok(self.rosters(1).await?.pop())
    }

    /// The newest versions of the roster, the newest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn rosters(&self, limit: u32) -> Result<Vec<Roster>, StoreError> {
        let rows: Vec<RosterRow> =
            on!(self, pool => sqlx::query_as(ROSTERS).bind(i64::from(limit)).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read", "the roster", error))?;
        rows.into_iter().map(RosterRow::understood).collect()
    }

    /// The people of the newest roster; nobody when there is none.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn people(&self) -> Result<Arc<People>, StoreError> {
        let newest: i64 = on!(self, pool => sqlx::query_scalar(NEWEST_ROSTER).fetch_one(pool).await)
            .map_err(|error| StoreError::of("read", "the version of the roster", error))?;
        if let Some(known) = self.known_people(newest) {
            return Ok(known);
        }
        let row: Option<RosterRow> =
            on!(self, pool => sqlx::query_as(ROSTER).bind(newest).fetch_optional(pool).await)
                .map_err(|error| StoreError::of("read", "the roster", error))?;
        self.keep_people(newest, row)
    }

    pub(super) fn known_people(&self, version: i64) -> Option<Arc<People>> {
        let known = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(known, _)| *known == version).map(|(_, people)| Arc::clone(people))
    }

    fn keep_people(&self, version: i64, row: Option<RosterRow>) -> Result<Arc<People>, StoreError> {
        let people = match row {
            Some(row) => read(&row.understood()?)?,
            None => People::default(),
        };
        let people = Arc::new(people);
        *self.people.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, Arc::clone(&people)));
        Ok(people)
    }

    /// Keeps a roster as the next version after the one that was seen; `None` when somebody has written one
    /// meanwhile. Its text was read without mistakes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn write_roster(
        &self,
        seen: i64,
        toml: &str,
        note: &str,
        by: &Actor,
    ) -> Result<Option<Roster>, StoreError> {
        let roster = Roster {
            version: seen + 1,
            at: self.now(),
            by: by.0.clone(),
            note: text(note).into_owned(),
            toml: text(toml).into_owned(),
        };
        let body = JsonText::of("roster", &Body { toml: roster.toml.clone() })?;
        let mut tx = self.begin("write the roster").await?;
        let newest: i64 =
            on_tx!(tx, connection => sqlx::query_scalar(NEWEST_ROSTER).fetch_one(connection).await)
                .map_err(|error| StoreError::of("read", "the version of the roster", error))?;
        if newest != seen {
            return Ok(None);
        }
        let written = on_tx!(tx, connection => {
            sqlx::query(INSERT_ROSTER)
                .bind(roster.version)
                .bind(roster.at)
                .bind(text(&roster.by))
                .bind(&roster.note)
                .bind(&body)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::of("write", "the roster", error))?;
        tx.commit().await?;
        Ok((written == 1).then_some(roster))
    }

    /// What everybody has open, by login.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn loads(&self) -> Result<BTreeMap<String, Load>, StoreError> {
        let rows: Vec<(String, String, i64)> = on!(self, pool => sqlx::query_as(LOADS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("count", "open tickets by owner", error))?;
        let mut loads: BTreeMap<String, Load> = BTreeMap::new();
        for (owner, kind, count) in rows {
            let load = loads.entry(owner).or_default();
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            match TicketKind::parse(&kind) {
                Some(TicketKind::Complaint) => load.complaints = load.complaints.saturating_add(count),
                _ => load.others = load.others.saturating_add(count),
            }
        }
        Ok(loads)
    }

    /// Everybody who has an open ticket.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owners(&self) -> Result<Vec<String>, StoreError> {
        on!(self, pool => sqlx::query_scalar(OWNERS).fetch_all(pool).await)
            .map_err(|error| StoreError::of("list", "owners of open tickets", error))
    }
}

/// Whether a step up may follow an event at all.
pub(super) const fn may_escalate(event: &Event) -> bool {
    let Event::Deed(deed) = event else { return false };
    matches!(
        **deed,
        Deed::ClockCalled { .. }
            | Deed::PromiseCalled { .. }
            | Deed::LevelChanged { .. }
            | Deed::Classified { .. }
            | Deed::ReopenedByPerson { .. }
    )
}

impl Change {
    /// The people of the newest roster, within the transaction.
    pub(super) async fn people(&mut self) -> Result<Arc<People>, StoreError> {
        let newest: i64 =
            on_tx!(self.tx, connection => sqlx::query_scalar(NEWEST_ROSTER).fetch_one(connection).await)
                .map_err(|error| StoreError::of("read", "the version of the roster", error))?;
        if let Some(known) = self.store.known_people(newest) {
            return Ok(known);
        }
        let row: Option<RosterRow> = on_tx!(self.tx, connection => {
            sqlx::query_as(ROSTER).bind(newest).fetch_optional(connection).await
        })
        .map_err(|error| StoreError::of("read", "the roster", error))?;
        self.store.keep_people(newest, row)
    }

    /// The step up that an event asks for, in the same transaction (R54, R88, R104).
    pub(super) async fn escalate_after(
        &mut self,
        before: &Ticket,
        after: Ticket,
        event: &Event,
    ) -> Result<Ticket, StoreError> {
        let people = self.people().await?;
        let now = self.now.max(after.updated_at);
        let Some(deed) = crate::ticket::people::escalation(before, &after, event, &people, now) else {
            return Ok(after);
        };
        match self.apply_one(&after.id, None, &Event::from(deed), &Actor::linesman()).await? {
            Ok(ticket) => Ok(ticket),
            Err(error) => {
                tracing::error!(%error, number = %after.number, "a step up was refused");
                Ok(after)
            }
        }
    }
}
