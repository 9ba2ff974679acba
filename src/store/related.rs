//! Tickets beside a ticket: those below it, solved ones like it, and open ones that may be the same matter.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use crate::diagnosis::{Cause, Class};
use crate::ticket::{Ticket, TicketId, TicketKind};

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

/// Of a customer, the newest open ones.
pub(super) const OPEN_OF_CUSTOMER: &str = "SELECT id, body FROM ticket WHERE is_open AND reported AND registered_at >= $2 \
     AND id IN (SELECT c.ticket_id FROM customer_ticket c WHERE c.customer_id = $1) \
     ORDER BY registered_at DESC, id DESC LIMIT 20";
/// Of others who have a telephone number of his.
pub(super) const OPEN_OF_NUMBER: &str = "SELECT id, body FROM ticket WHERE is_open AND reported AND registered_at >= $2 \
     AND id IN (SELECT c.ticket_id FROM contact his JOIN contact theirs ON theirs.phone_hash = his.phone_hash \
     JOIN customer_ticket c ON c.customer_id = theirs.customer_id \
     WHERE his.customer_id = $1 AND theirs.customer_id <> $1) ORDER BY registered_at DESC, id DESC LIMIT 20";
/// So many newest are looked through for the element that they name.
pub(super) const OPEN_NEWEST: &str = "SELECT id, body FROM ticket WHERE is_open AND reported AND registered_at >= $1 \
     ORDER BY registered_at DESC, id DESC LIMIT 200";

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

/// In what an open ticket may be the same matter as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// The same customer.
    Customer,
    /// Another customer with the same telephone number.
    Number,
    /// The same gateway or access line.
    Asset,
}

/// An open ticket that may be the same matter.
#[derive(Debug, Clone, PartialEq)]
pub struct MaybeSame {
    /// It.
    pub ticket: Ticket,
    /// In what.
    pub same: BTreeSet<Sameness>,
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

    /// Open tickets registered since that may be the same matter as this one: of its customer, of his telephone
    /// number, at one of these elements; the most alike and newest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn maybe_same_matter(
        &self,
        ticket: &Ticket,
        elements: &[String],
        since: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<MaybeSame>, StoreError> {
        let fail = |error| StoreError::of("look for", "tickets of the same matter", error);
        let mut found: Vec<MaybeSame> = Vec::new();
        let mut take = |rows: Vec<TicketRow>, sameness: Sameness, is_same: &dyn Fn(&Ticket) -> bool| {
            for row in rows {
                let other = understood(row)?;
                if other.id == ticket.id || !is_alike(ticket, &other) || !is_same(&other) {
                    continue;
                }
                match found.iter_mut().find(|known| known.ticket.id == other.id) {
                    Some(known) => {
                        known.same.insert(sameness);
                    }
                    None => found.push(MaybeSame { ticket: other, same: BTreeSet::from([sameness]) }),
                }
            }
            Ok::<(), StoreError>(())
        };
        let customer = ticket.registration.as_ref().and_then(|known| known.customer.as_ref());
        if let Some(customer) = customer {
            for (statement, sameness) in
                [(OPEN_OF_CUSTOMER, Sameness::Customer), (OPEN_OF_NUMBER, Sameness::Number)]
            {
                let rows: Vec<TicketRow> = on!(self, pool => {
                    sqlx::query_as(statement).bind(text(&customer.customer)).bind(since).fetch_all(pool).await
                })
                .map_err(fail)?;
                take(rows, sameness, &|_| true)?;
            }
        }
        if !elements.is_empty() {
            let rows: Vec<TicketRow> =
                on!(self, pool => sqlx::query_as(OPEN_NEWEST).bind(since).fetch_all(pool).await)
                    .map_err(fail)?;
            take(rows, Sameness::Asset, &|other| {
                let named = other.registration.as_ref().and_then(|known| known.element.as_ref());
                named.into_iter().chain(&other.segment).any(|name| elements.contains(name))
            })?;
        }
        found.sort_by_key(|one| {
            (std::cmp::Reverse(one.same.len()), std::cmp::Reverse(one.ticket.registered_at))
        });
        found.truncate(most);
        Ok(found)
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

/// Trouble is told as a fault or as a complaint; a top-up is no double of either.
fn is_alike(one: &Ticket, other: &Ticket) -> bool {
    let is_trouble = |ticket: &Ticket| matches!(ticket.kind, TicketKind::Fault | TicketKind::Complaint);
    one.kind == other.kind || (is_trouble(one) && is_trouble(other))
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
