//! The same change to many tickets: each goes the way of one alone, through its role, its guards and its chain.
//!
//! Not all or nothing: what a guard holds up on one ticket does not hold up the others, and each answers for itself.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use axum::body::{Body as Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt as _;
use utoipa::ToSchema;

use crate::http::error::{Flaw, LARGEST_BODY, Problem};
use crate::http::extract::Body;
use crate::http::openapi::{BadRequest, TakesBody};
use crate::ticket::registration::named;

/// Tickets of one request.
const MOST: usize = 100;

/// The routes of one ticket, for those of many.
#[derive(Clone, Default)]
pub struct OneByOne(Arc<OnceLock<Router>>);

impl OneByOne {
    /// Says where changes to one ticket go.
    pub fn set(&self, routes: Router) {
        // Once a router: a second one has its own.
        self.0.set(routes).unwrap_or_default();
    }
}

named! {
    /// What can be done to many tickets at once.
    BulkVerb {
        /// Seen.
        Acknowledge = "acknowledge",
        /// Class and urgency.
        Classify = "classify",
        /// To a person.
        Assign = "assign",
        /// To whoever the roster names.
        AssignByRoster = "assign-by-roster",
        /// Taken over by its owner.
        Accept = "accept",
        /// The customer was spoken to.
        Contact = "contact",
        /// Handed to somebody outside.
        Hold = "hold",
        /// A new time of whoever has the work.
        Eta = "eta",
        /// Work goes on.
        Resume = "resume",
        /// Level of a complaint.
        Level = "level",
        /// A note.
        Note = "note",
        /// A record.
        Record = "record",
        /// A time told to the customer.
        Promise = "promise",
        /// Measured again.
        Remeasure = "remeasure",
        /// The result was told.
        Result = "result",
        /// Part of an outage, or below another ticket.
        Link = "link",
        /// Not ours.
        Reject = "reject",
        /// Withdrawn.
        Cancel = "cancel",
    }
}

/// A change to many tickets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkChange {
    /// What is done: the last part of the path of one ticket.
    verb: BulkVerb,
    /// Numbers or ids, each once.
    #[schema(min_items = 1, max_items = 100, max_length = 64)]
    tickets: Vec<String>,
    /// What the same change to one ticket takes.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    body: Value,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// What came of one ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// As it was named.
    ticket: String,
    /// As the change to it alone would have answered.
    status: u16,
    /// The problem, with every guard that is not met; none where it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
}

/// What came of all.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResults {
    /// Tickets that were changed.
    changed: usize,
    /// One a ticket, in the order asked for.
    results: Vec<BulkResult>,
}

/// Does the same to many tickets, whatever their version; each is changed or refused by itself.
#[utoipa::path(post, path = "/api/v1/tickets/bulk", operation_id = "changeTickets", tag = "tickets",
    request_body = BulkChange,
    responses((status = 200, description = "What came of each.", body = BulkResults), BadRequest, TakesBody))]
pub async fn change(
    Extension(routes): Extension<OneByOne>,
    parts: Parts,
    Body(change): Body<BulkChange>,
) -> Result<Json<BulkResults>, Problem> {
    let given: BTreeSet<&String> = change.tickets.iter().collect();
    let count = change.tickets.len();
    // What is no name is found before anything is changed.
    if !(1..=MOST).contains(&count) || given.len() < count || !given.into_iter().all(|name| is_name(name)) {
        return Err(Problem::invalid(vec![Flaw::at("/tickets", "bulk_tickets").with("most", MOST)]));
    }
    let Some(routes) = routes.0.get() else { return Err(Problem::internal()) };
    let mut results = Vec::with_capacity(change.tickets.len());
    for ticket in change.tickets {
        results.push(one(routes, &parts, change.verb, ticket, &change.body).await?);
    }
    let changed = results.iter().filter(|result| result.problem.is_none()).count();
    Ok(Json(BulkResults { changed, results }))
}

/// A number or an id, and nothing that leads elsewhere.
fn is_name(ticket: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !ticket.is_empty() && ticket.bytes().all(is_of_name)
}

async fn one(
    routes: &Router,
    parts: &Parts,
    verb: BulkVerb,
    ticket: String,
    body: &Value,
) -> Result<BulkResult, Problem> {
    let path = format!("/api/v1/tickets/{ticket}/{}", verb.name());
    let uri = Uri::try_from(path).map_err(|_| Problem::internal())?;
    let mut request = Request::new(Bytes::from(body.to_string()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = parts.headers.clone();
    request.headers_mut().remove(header::CONTENT_LENGTH);
    request.headers_mut().insert(header::IF_MATCH, HeaderValue::from_static("*"));
    let Ok(answer) = routes.clone().oneshot(request).await;
    let status = answer.status();
    if status.is_success() {
        return Ok(BulkResult { ticket, status: status.as_u16(), problem: None });
    }
    let said = to_bytes(answer.into_body(), LARGEST_BODY).await.map_err(|_| Problem::internal())?;
    let problem = serde_json::from_slice(&said).unwrap_or(Value::Null);
    Ok(BulkResult { ticket, status: status.as_u16(), problem: Some(problem) })
}
