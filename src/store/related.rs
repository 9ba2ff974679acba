//! Tickets beside a ticket: those below it, and solved ones like it.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class};
use crate::ticket::{Ticket, TicketId};

use super::backend::on;
use super::json::text;
use super::tickets::{TicketRow, understood};
use super::{Store, StoreError};

/// Of a class, so many newest are looked through for elements of the same kind.
pub(super) const SOLVED_OF_CLASS: &str = "SELECT id, body FROM ticket WHERE id IN (SELECT id FROM ticket WHERE class = $1 \
     AND state IN ('resolved', 'awaiting_confirmation', 'settled', 'closed') ORDER BY updated_at DESC LIMIT 100) \
     ORDER BY updated_at DESC";
pub(super) const SOLVED_OF_CAUSE: &str = "SELECT id, body FROM ticket WHERE class = $1 AND cause = $2 \
     AND state IN ('resolved', 'awaiting_confirmation', 'settled', 'closed') ORDER BY updated_at DESC LIMIT $3";
const SOLVED_AT: &str = "SELECT id, body FROM ticket \
     WHERE state IN ('resolved', 'awaiting_confirmation', 'settled', 'closed') AND segment IN (";

/// More open tickets below others are not told.
const MOST_BELOW: i64 = 500;

/// In what a solved ticket is like another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The same cause at the same element.
    SameElementAndCause,
    /// The same cause, elsewhere.
    SameCause,
    /// The same element.
    SameElement,
    /// The same class, at an element of the same kind.
    SameClassAndKind,
}

/// A solved ticket that is like another.
#[derive(Debug, Clone, PartialEq)]
pub struct SolvedTicket {
    /// It.
    pub ticket: Ticket,
    /// In what.
    pub likeness: Likeness,
}

/// What a solved ticket is to be like.
pub struct SolvedLike<'a> {
    /// Elements.
    pub segments: Vec<String>,
    /// Causes with their class.
    pub causes: Vec<(Class, Cause)>,
    /// Classes, where the element is of the same kind.
    pub classes: Vec<Class>,
    /// Whether an element is of the same kind.
    pub is_of_kind: &'a (dyn Fn(&str) -> bool + Send + Sync),
    /// Not this one.
    pub except: Option<TicketId>,
}

impl Store {
    /// Open tickets below these, the newest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn open_tickets_below(&self, above: &[Ticket]) -> Result<Vec<Ticket>, StoreError> {
        if above.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<TicketRow> = on!(self, pool => {
            let mut query = QueryBuilder::new("SELECT id, body FROM ticket WHERE is_open AND parent_id IN (");
            let mut list = query.separated(", ");
            for ticket in above {
                list.push_bind(ticket.id.0.clone());
            }
            query.push(") ORDER BY registered_at DESC, id DESC LIMIT ").push_bind(MOST_BELOW);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read", "tickets below others", error))?;
        rows.into_iter().map(understood).collect()
    }

    /// Solved tickets like what is wanted, the most alike and newest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn solved_tickets_like(
        &self,
        wanted: &SolvedLike<'_>,
        most: usize,
    ) -> Result<Vec<SolvedTicket>, StoreError> {
        let fail = |error| StoreError::of("look for", "solved tickets", error);
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows: Vec<TicketRow> = Vec::new();
        for (class, cause) in &wanted.causes {
            let of_cause: Vec<TicketRow> = on!(self, pool => {
                sqlx::query_as(SOLVED_OF_CAUSE)
                    .bind(class.letter())
                    .bind(cause.name())
                    .bind(limit)
                    .fetch_all(pool)
                    .await
            })
            .map_err(fail)?;
            rows.extend(of_cause);
        }
        if !wanted.segments.is_empty() {
            let there: Vec<TicketRow> = on!(self, pool => {
                let mut query = QueryBuilder::new(SOLVED_AT);
                let mut list = query.separated(", ");
                for segment in &wanted.segments {
                    list.push_bind(text(segment).into_owned());
                }
                query.push(") ORDER BY updated_at DESC LIMIT ").push_bind(limit);
                query.build_query_as().fetch_all(pool).await
            })
            .map_err(fail)?;
            rows.extend(there);
        }
        let mut found = judged(rows, wanted, BTreeSet::new())?;
        if found.len() < most {
            let mut rows: Vec<TicketRow> = Vec::new();
            for class in &wanted.classes {
                let of_class: Vec<TicketRow> =
                    on!(self, pool => sqlx::query_as(SOLVED_OF_CLASS).bind(class.letter()).fetch_all(pool).await)
                        .map_err(fail)?;
                rows.extend(of_class);
            }
            let seen = found.iter().map(|solved| solved.ticket.id.clone()).collect();
            found.extend(judged(rows, wanted, seen)?);
        }
        found.sort_by_key(|solved| (solved.likeness, std::cmp::Reverse(solved.ticket.updated_at)));
        found.truncate(most);
        Ok(found)
    }
}

fn judged(
    rows: Vec<TicketRow>,
    wanted: &SolvedLike<'_>,
    mut seen: BTreeSet<TicketId>,
) -> Result<Vec<SolvedTicket>, StoreError> {
    seen.extend(wanted.except.clone());
    let mut found = Vec::new();
    for row in rows {
        let ticket = understood(row)?;
        let Some(likeness) = likeness(&ticket, wanted) else { continue };
        if seen.insert(ticket.id.clone()) {
            found.push(SolvedTicket { ticket, likeness });
        }
    }
    Ok(found)
}

fn likeness(ticket: &Ticket, wanted: &SolvedLike<'_>) -> Option<Likeness> {
    let same_cause = ticket.class.zip(ticket.cause).is_some_and(|pair| wanted.causes.contains(&pair));
    let same_element = ticket.segment.as_ref().is_some_and(|segment| wanted.segments.contains(segment));
    let same_class = ticket.class.is_some_and(|class| wanted.classes.contains(&class));
    let same_kind = ticket.segment.as_deref().is_some_and(wanted.is_of_kind);
    match (same_cause, same_element) {
        (true, true) => Some(Likeness::SameElementAndCause),
        (true, false) => Some(Likeness::SameCause),
        (false, true) => Some(Likeness::SameElement),
        (false, false) => (same_class && same_kind).then_some(Likeness::SameClassAndKind),
    }
}
