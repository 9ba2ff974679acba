//! Reading tickets. They are changed by the [`writer`](super::writer) alone.

use std::collections::BTreeSet;

use sqlx::QueryBuilder;

use crate::ticket::{Ticket, TicketId, TicketNumber};

use super::backend::on;
use super::json::{JsonText, text};
use super::{Store, StoreError, TicketCursor, TicketFilter, TicketPage};

pub(super) const TICKET_BY_ID: &str = "SELECT id, body FROM ticket WHERE id = $1";
pub(super) const TICKET_BY_NUMBER: &str =
    "SELECT id, body FROM ticket WHERE number_year = $1 AND number_count = $2";
pub(super) const TICKETS_NOT_FINAL: &str = "SELECT id, body FROM ticket \
     WHERE NOT reported AND state NOT IN ('closed', 'rejected', 'cancelled') ORDER BY registered_at, id";
pub(super) const NEWEST_FINAL_TICKET_OF_KEY: &str = "SELECT id, body FROM ticket \
     WHERE state IN ('closed', 'rejected', 'cancelled') \
     AND (dedupe_key = $1 OR id IN (SELECT ticket_id FROM ticket_alias WHERE alias = $1)) \
     ORDER BY registered_at DESC, id DESC LIMIT 1";
const TICKETS: &str = "SELECT id, body FROM ticket WHERE 1 = 1";

/// Longest page that is given out.
const LONGEST_PAGE: u32 = 1000;

pub(super) type TicketRow = (String, JsonText);

pub(super) fn understood((id, body): TicketRow) -> Result<Ticket, StoreError> {
    body.read("ticket", "body", id)
}

/// Leaves a damaged ticket out and says so: it must not hold up the planning of all others, and
/// the unique index still guards its root cause.
fn understood_or_told(row: TicketRow) -> Option<Ticket> {
    understood(row).inspect_err(|error| tracing::error!(%error, "a ticket is left out of planning")).ok()
}

impl Store {
    /// Looks a ticket up; `None` is an ordinary answer, not an error.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
        let row: Option<TicketRow> = on!(self, pool => {
            sqlx::query_as(TICKET_BY_ID).bind(text(&id.0)).fetch_optional(pool).await
        })
        .map_err(|error| StoreError::of("read ticket", id, error))?;
        row.map(understood).transpose()
    }

    /// Looks a ticket up by the number that people use.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn ticket_by_number(&self, number: TicketNumber) -> Result<Option<Ticket>, StoreError> {
        let row: Option<TicketRow> = on!(self, pool => {
            sqlx::query_as(TICKET_BY_NUMBER)
                .bind(i64::from(number.year))
                .bind(i64::from(number.count))
                .fetch_optional(pool)
                .await
        })
        .map_err(|error| StoreError::of("read ticket", number, error))?;
        row.map(understood).transpose()
    }

    /// Newest first by (registered_at, id); keyset cursor. At most 1,000 at once.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn tickets(
        &self,
        filter: &TicketFilter,
        cursor: Option<&TicketCursor>,
        limit: u32,
    ) -> Result<TicketPage, StoreError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        // One more than asked for tells whether there is a next page.
        let rows = self.ticket_rows(filter, cursor, i64::from(limit) + 1).await?;
        let has_more = rows.len() > limit as usize;
        let tickets =
            rows.into_iter().take(limit as usize).map(understood).collect::<Result<Vec<Ticket>, _>>()?;
        let next = tickets
            .last()
            .filter(|_| has_more)
            .map(|last| TicketCursor { registered_at: last.registered_at, id: last.id.0.clone() });
        Ok(TicketPage { tickets, next })
    }

    async fn ticket_rows(
        &self,
        filter: &TicketFilter,
        cursor: Option<&TicketCursor>,
        limit: i64,
    ) -> Result<Vec<TicketRow>, StoreError> {
        let lists: [(&str, Vec<&'static str>); 3] = [
            (" AND state IN (", filter.states.iter().map(|state| state.name()).collect()),
            (" AND class IN (", filter.classes.iter().map(|class| class.letter()).collect()),
            (" AND severity IN (", filter.severities.iter().map(|severity| severity.name()).collect()),
        ];
        on!(self, pool => {
            let mut query = QueryBuilder::new(TICKETS);
            for (condition, values) in lists.iter().filter(|(_, values)| !values.is_empty()) {
                query.push(condition);
                let mut list = query.separated(", ");
                for value in values {
                    list.push_bind(*value);
                }
                query.push(")");
            }
            if filter.bills_only {
                // Bills, and the top-ups that finance checks (R5).
                query.push(" AND (class = ").push_bind("A");
                query.push(" OR kind = ").push_bind("recharge").push(")");
            }
            if let Some(open) = filter.open {
                query.push(if open { " AND is_open" } else { " AND NOT is_open" });
            }
            if let Some(segment) = &filter.segment {
                query.push(" AND segment = ").push_bind(text(segment).into_owned());
            }
            if let Some(owner) = &filter.owner {
                query.push(" AND owner = ").push_bind(text(owner).into_owned());
            }
            if let Some(customer) = &filter.customer {
                query.push(" AND customer = ").push_bind(text(customer).into_owned());
            }
            if let Some(kind) = filter.kind {
                query.push(" AND kind = ").push_bind(kind.name());
            }
            if let Some(tag) = &filter.tag {
                query.push(" AND id IN (SELECT ticket_id FROM ticket_tag WHERE tag = ");
                query.push_bind(text(tag).into_owned()).push(")");
            }
            if let Some(parent) = &filter.parent {
                query.push(" AND parent_id = ").push_bind(text(&parent.0).into_owned());
            }
            if let Some(from) = filter.from {
                query.push(" AND registered_at >= ").push_bind(from);
            }
            if let Some(to) = filter.to {
                query.push(" AND registered_at < ").push_bind(to);
            }
            if let Some(cursor) = cursor {
                query.push(" AND (registered_at, id) < (").push_bind(cursor.registered_at);
                query.push(", ").push_bind(text(&cursor.id).into_owned()).push(")");
            }
            query.push(" ORDER BY registered_at DESC, id DESC LIMIT ").push_bind(limit);
            query.build_query_as().fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("list", "tickets", error))
    }

    /// All tickets of measured faults that are not final, plus the newest final ones of each of these keys. A ticket
    /// that cannot be understood is logged and left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tickets_for_planning(&self, keys: &[String]) -> Result<Vec<Ticket>, StoreError> {
        let fail = |error| StoreError::of("read", "tickets to plan with", error);
        let rows: Vec<TicketRow> =
            on!(self, pool => sqlx::query_as(TICKETS_NOT_FINAL).fetch_all(pool).await).map_err(fail)?;
        let mut tickets: Vec<Ticket> = rows.into_iter().filter_map(understood_or_told).collect();
        let mut seen: BTreeSet<TicketId> = tickets.iter().map(|ticket| ticket.id.clone()).collect();
        let keys: BTreeSet<&String> = keys.iter().collect();
        for key in keys {
            let row: Option<TicketRow> = on!(self, pool => {
                sqlx::query_as(NEWEST_FINAL_TICKET_OF_KEY).bind(text(key)).fetch_optional(pool).await
            })
            .map_err(fail)?;
            let Some(ticket) = row.and_then(understood_or_told) else { continue };
            if seen.insert(ticket.id.clone()) {
                tickets.push(ticket);
            }
        }
        Ok(tickets)
    }
}

#[cfg(test)]
mod tests {
    use crate::ticket::State;

    use super::*;

    #[test]
    fn the_statements_know_the_same_final_states_as_the_engine() {
        let names: Vec<String> = State::ALL
            .into_iter()
            .filter(|state| state.is_final())
            .map(|state| format!("'{}'", state.name()))
            .collect();
        let list = format!("IN ({})", names.join(", "));
        for statement in [TICKETS_NOT_FINAL, NEWEST_FINAL_TICKET_OF_KEY] {
            assert!(statement.contains(&list), "{list} is not in {statement}");
        }
    }
}
