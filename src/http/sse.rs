//! Live events (server-sent events, WHATWG HTML section 9.2).
//!
//! An event's id is its place in the chain of ticket events, so a client that comes back with
//! `Last-Event-ID` misses nothing. What a client could not follow is told by `reset`: read again.
//! The data is small; who wants more asks the API. A stream ends when its token or session does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use utoipa::{IntoParams, ToSchema};

use crate::live::Change;
use crate::ticket::event::RecordedEvent;
use crate::ticket::{TicketId, TicketNumber};

use super::HttpState;
use super::api::tickets::find;
use super::auth::{self, Caller, Credential};
use super::error::Problem;
use super::extract::{Params, listed};
use super::openapi::{BadRequest, Invalid, NotFound};

/// Browsers come back after this.
const RETRY: Duration = Duration::from_secs(3);
/// A proxy sees that the stream lives.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// How long a revoked token may still listen.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// More than this is not replayed: reading again is cheaper.
const MOST_REPLAYED: u32 = 1000;

/// What to listen to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TopicQuery {
    /// `tickets`, `diagnosis`, `ticket:LM-…`, separated by commas; `tickets,diagnosis` unless stated.
    #[param(max_length = 400)]
    topic: Option<String>,
}

/// Data of an event named `ticket`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketChanged {
    /// What happened, as in the events of the ticket.
    r#type: String,
    /// Number of the ticket.
    ticket: String,
    /// Its state now.
    state: String,
    /// Its version now.
    version: i64,
    /// Place in the chain; also the id of the event.
    seq: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Tickets,
    Diagnosis,
    Ticket(TicketNumber),
}

impl Topic {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "tickets" => Some(Self::Tickets),
            "diagnosis" => Some(Self::Diagnosis),
            _ => text.strip_prefix("ticket:")?.parse().ok().map(Self::Ticket),
        }
    }
}

/// Which changes a stream passes on.
#[derive(Debug, Default)]
struct Wanted {
    all_tickets: bool,
    diagnosis: bool,
    tickets: Vec<TicketId>,
}

impl Wanted {
    fn wants(&self, ticket: &TicketId) -> bool {
        self.all_tickets || self.tickets.contains(ticket)
    }
}

/// Live events: `ticket` (data as below, id to come back with), `diagnosis`, `settings`, and `reset`: read everything again.
#[utoipa::path(get, path = "/events", operation_id = "listen", tag = "operation",
    params(TopicQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen.")),
    responses(
        (status = 200, description = "A stream of events, until the token ends.",
            body = TicketChanged, content_type = "text/event-stream"),
        BadRequest, NotFound, Invalid))]
pub async fn events(
    State(state): State<HttpState>,
    caller: Caller,
    headers: HeaderMap,
    Params(query): Params<TopicQuery>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let topics =
        listed("?topic", query.topic.as_deref(), "unknown_topic", Topic::parse).map_err(Problem::invalid)?;
    let mut wanted =
        Wanted { all_tickets: topics.is_empty(), diagnosis: topics.is_empty(), tickets: Vec::new() };
    for topic in topics {
        match topic {
            Topic::Tickets => wanted.all_tickets = true,
            Topic::Diagnosis => wanted.diagnosis = true,
            Topic::Ticket(number) => wanted.tickets.push(find(&state, &number.to_string()).await?.id),
        }
    }
    // Listening begins before the replay: what comes between is held, not missed.
    let changes = state.live.subscribe();
    let mut pending = VecDeque::from([Sent::default().retry(RETRY)]);
    let mut last_seq = 0;
    if let Some(seen) = headers.get("last-event-id") {
        let seen = seen.to_str().ok().and_then(|seen| seen.trim().parse::<i64>().ok()).filter(|seq| *seq > 0);
        match missed(&state, seen).await? {
            Some(missed) => {
                last_seq = missed.last().map_or(0, |event| event.seq);
                for event in missed.iter().skip(1).filter(|event| wanted.wants(&event.ticket)) {
                    pending.extend(told(&state, event).await);
                }
            }
            None => pending.push_back(reset()),
        }
    }
    let mut check = tokio::time::interval_at(Instant::now() + CHECK_EVERY, CHECK_EVERY);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener =
        Listener { state, credential: caller.credential, wanted, changes, pending, last_seq, check };
    let stream = futures_util::stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(COMMENT_EVERY).text("")))
}

/// The last event that a client saw, and what came after it. `None` when that is too much, or when
/// there is no such event: the client knows another chain, as after a backup was put back, and
/// must not wait until this one has grown as long.
async fn missed(state: &HttpState, seen: Option<i64>) -> Result<Option<Vec<RecordedEvent>>, Problem> {
    let Some(seen) = seen else { return Ok(None) };
    let events = state.store.events_after(seen - 1, MOST_REPLAYED + 2).await?;
    let is_known = events.first().is_some_and(|event| event.seq == seen);
    Ok(Some(events).filter(|events| is_known && events.len() <= MOST_REPLAYED as usize + 1))
}

struct Listener {
    state: HttpState,
    credential: Credential,
    wanted: Wanted,
    changes: broadcast::Receiver<Change>,
    pending: VecDeque<Sent>,
    last_seq: i64,
    check: Interval,
}

impl Listener {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = self.state.closing.cancelled() => return None,
                _ = self.check.tick() => self.still_allowed().await.then_some(())?,
                change = self.changes.recv() => match change {
                    Ok(change) => self.take(change).await,
                    Err(RecvError::Lagged(_)) => self.pending.push_back(reset()),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// A database that does not answer ends no stream; a token that does not count any more does.
    async fn still_allowed(&self) -> bool {
        !matches!(auth::is_still_good(&self.state, &self.credential).await, Ok(false))
    }

    async fn take(&mut self, change: Change) {
        match change {
            Change::Ticket(event) => self.take_ticket(event).await,
            Change::Diagnosis(generation) if self.wanted.diagnosis => {
                let data = format!("{{\"type\":\"diagnosis\",\"generation\":{generation}}}");
                self.pending.push_back(Sent::default().event("diagnosis").data(data));
            }
            Change::Diagnosis(_) => {}
            Change::Settings => {
                self.pending.push_back(Sent::default().event("settings").data("{\"type\":\"settings\"}"));
            }
        }
    }

    async fn take_ticket(&mut self, event: Arc<RecordedEvent>) {
        // Replayed already.
        if event.seq <= self.last_seq || !self.wanted.wants(&event.ticket) {
            return;
        }
        let told = told(&self.state, &event).await;
        self.pending.extend(told);
    }
}

fn reset() -> Sent {
    Sent::default().event("reset").data("{\"type\":\"reset\"}")
}

/// An event in few words; nothing when its ticket cannot be read, which the log tells.
async fn told(state: &HttpState, event: &RecordedEvent) -> Option<Sent> {
    let ticket = match state.store.ticket(&event.ticket).await {
        Ok(ticket) => ticket?,
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, seq = event.seq, "a live event could not be told");
            return Some(reset());
        }
    };
    let data = TicketChanged {
        r#type: event.event.name().to_owned(),
        ticket: ticket.number.to_string(),
        state: ticket.state.name().to_owned(),
        version: ticket.version,
        seq: event.seq,
    };
    Sent::default().id(event.seq.to_string()).event("ticket").json_data(data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_they_are_documented() {
        assert_eq!(Topic::parse("tickets"), Some(Topic::Tickets));
        let number = TicketNumber { year: 2026, count: 7 };
        assert_eq!(Topic::parse("ticket:LM-2026-000007"), Some(Topic::Ticket(number)));
        for wrong in ["", "ticket", "ticket:", "ticket:7", "Tickets"] {
            assert_eq!(Topic::parse(wrong), None, "{wrong}");
        }
    }
}
