//! Lines that are stopped, diverted or restored (R63), as lists see them: which waits for a program, which for
//! people, which line is stopped now. What is true stands in the ticket; these rows follow it in its transaction.

use chrono::{DateTime, Utc};

use crate::ticket::{Ticket, TicketId, TicketNumber};

use super::backend::{on, on_tx};
use super::change::Change;
use super::json::text;
use super::{Store, StoreError};

pub(super) const KEEP_ROUTE: &str = "INSERT INTO route_action (ticket_id, number, line, action, state, asked_at, \
     next_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (ticket_id, number) DO UPDATE SET state = excluded.state, next_at = excluded.next_at";
pub(super) const DUE_ROUTES: &str = "SELECT ticket_id, number FROM route_action \
     WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, ticket_id, number LIMIT $2";
pub(super) const ROUTES: &str = "SELECT ticket.number_year, ticket.number_count, route_action.number, \
     route_action.line, route_action.action, route_action.state, route_action.asked_at FROM route_action \
     JOIN ticket ON ticket.id = route_action.ticket_id \
     WHERE route_action.state = $1 AND (route_action.action <> 'restore' OR route_action.state <> 'done') \
     ORDER BY route_action.asked_at DESC, route_action.ticket_id LIMIT $2";

/// An action in a list over all tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    /// Of which ticket.
    pub ticket: TicketNumber,
    /// Its number within the ticket.
    pub number: i64,
    /// The line.
    pub line: String,
    /// What is done to it.
    pub action: String,
    /// Where it stands.
    pub state: String,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
}

type Row = (i64, i64, i64, String, String, String, DateTime<Utc>);

impl Store {
    /// Actions that a program has to look at by now, the first due first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_routes(
        &self,
        now: DateTime<Utc>,
        most: u32,
    ) -> Result<Vec<(TicketId, u32)>, StoreError> {
        let rows: Vec<(String, i64)> = on!(self, pool => {
            sqlx::query_as(DUE_ROUTES).bind(now).bind(i64::from(most)).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read", "lines to be stopped", error))?;
        let known = |(id, number): (String, i64)| Some((TicketId(id), u32::try_from(number).ok()?));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// Actions of all tickets in a state, the newest first. What was restored is no line that is stopped.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn routes_in(&self, state: &str, most: u32) -> Result<Vec<RouteRow>, StoreError> {
        let rows: Vec<Row> = on!(self, pool => {
            sqlx::query_as(ROUTES).bind(text(state)).bind(i64::from(most)).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("list", "lines that are stopped", error))?;
        let row = |(year, count, number, line, action, state, asked_at): Row| {
            let (year, count) = (u16::try_from(year).ok()?, u32::try_from(count).ok()?);
            Some(RouteRow { ticket: TicketNumber { year, count }, number, line, action, state, asked_at })
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }
}

impl Change {
    /// Writes anew where the actions of a ticket stand, in the transaction of the event that moved one. A restored
    /// line moves the action that it takes back too.
    pub(super) async fn keep_routes(&mut self, ticket: &Ticket, number: u32) -> Result<(), StoreError> {
        let routes = &ticket.process.routes;
        let moved = routes.iter().find(|action| action.number == number);
        let taken_back = moved.and_then(|action| action.restores);
        for action in
            routes.iter().filter(|action| action.number == number || Some(action.number) == taken_back)
        {
            on_tx!(self.tx, connection => {
                sqlx::query(KEEP_ROUTE)
                    .bind(&ticket.id.0)
                    .bind(i64::from(action.number))
                    .bind(text(&action.line))
                    .bind(action.what.name())
                    .bind(action.state.name())
                    .bind(action.asked.at)
                    .bind(action.due_at())
                    .execute(connection)
                    .await
                    .map(drop)
            })
            .map_err(|error| StoreError::of("keep a line's action of ticket", ticket.number, error))?;
        }
        Ok(())
    }
}
