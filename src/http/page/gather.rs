//! What pages read, in one place: the live picture first, the store for what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnosis::Diagnosis;
use crate::http::HttpState;
use crate::store::{StoreError, TicketFilter};
use crate::ticket::Ticket;

/// Most open tickets that the overview lists; the list page goes on from there.
pub const MOST_OPEN: u32 = 50;

/// The newest look at the measurements: the live one, else the last one kept.
///
/// # Errors
/// When the database does not answer.
pub async fn diagnosis(state: &HttpState) -> Result<Option<Arc<Diagnosis>>, StoreError> {
    if let Some((_, diagnosis)) = state.live.diagnosis() {
        return Ok(Some(diagnosis));
    }
    Ok(state.store.latest_diagnosis().await?.map(|(_, diagnosis)| Arc::new(diagnosis)))
}

/// Open tickets, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn open_tickets(state: &HttpState) -> Result<Vec<Ticket>, StoreError> {
    let filter = TicketFilter { open: Some(true), ..TicketFilter::default() };
    Ok(state.store.tickets(&filter, None, MOST_OPEN).await?.tickets)
}

/// Number of the open ticket for each element that one stands for, hides or explains.
#[must_use]
pub fn tickets_by_element(tickets: &[Ticket]) -> BTreeMap<String, String> {
    let mut numbers = BTreeMap::new();
    for ticket in tickets {
        for element in ticket.fault.iter().flat_map(|fault| &fault.affected_elements) {
            numbers.entry(element.clone()).or_insert_with(|| ticket.number.to_string());
        }
    }
    // Standing for an element beats explaining it.
    for ticket in tickets {
        if let Some(segment) = &ticket.segment {
            numbers.insert(segment.clone(), ticket.number.to_string());
        }
    }
    numbers
}
