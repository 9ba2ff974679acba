//! Measurements as charts: points for the script, and a table that needs none.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use linesman_probes::observation::{Observation, Outcome};
use serde::Serialize;

use crate::http::HttpState;
use crate::store::{ObservationQuery, StoreError};
use crate::ticket::{Ticket, TicketNumber};

use super::asker::{Tongue, Viewer};
use super::words::{millis, percent};

/// Most targets in one chart: more lines than this nobody can tell apart.
pub const MOST_TARGETS: usize = 6;
/// Most points of a line; rounds beyond are put together.
const MOST_POINTS: i64 = 360;
/// Most rounds read for one page.
const MOST_ROUNDS: u32 = 30_000;

/// What is to be shown: which targets, from when to when, with which marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Targets, most telling first.
    pub targets: Vec<String>,
    /// From.
    pub from: DateTime<Utc>,
    /// To.
    pub to: DateTime<Utc>,
    /// When the fault began.
    pub began: Option<DateTime<Utc>>,
    /// When service came back.
    pub restored: Option<DateTime<Utc>>,
    /// Whether the fault lasts longer than what is shown.
    pub cut: bool,
}

impl Frame {
    /// Around the fault of a ticket: as long before and after it as it lasts, two to ten minutes.
    #[must_use]
    pub fn of_ticket(ticket: &Ticket, now: DateTime<Utc>) -> Self {
        const SHORTEST: TimeDelta = TimeDelta::minutes(2);
        const AROUND: TimeDelta = TimeDelta::minutes(10);
        const LONGEST: TimeDelta = TimeDelta::minutes(100);
        let lasts = ticket.restored_at.unwrap_or(now) - ticket.detected_at;
        let around = lasts.clamp(SHORTEST, AROUND);
        let from = ticket.detected_at - around;
        let end = ticket.resolved_at.map_or(now, |resolved| (resolved + around).min(now));
        let to = end.min(from + LONGEST);
        let fault = ticket.fault.as_ref();
        let own = fault.map(|fault| format!("{}/", fault.segment)).unwrap_or_default();
        let mut targets = fault.map(|fault| fault.targets.clone()).unwrap_or_default();
        targets.sort_by_key(|target| !target.starts_with(&own));
        targets.truncate(MOST_TARGETS);
        Self {
            targets,
            from,
            to,
            began: Some(ticket.detected_at),
            restored: ticket.restored_at,
            cut: to < end,
        }
    }

    /// The last half hour of some targets.
    #[must_use]
    pub fn lately(mut targets: Vec<String>, now: DateTime<Utc>) -> Self {
        targets.truncate(MOST_TARGETS);
        Self { targets, from: now - TimeDelta::minutes(30), to: now, began: None, restored: None, cut: false }
    }

    /// The rounds of this frame.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&self, state: &HttpState) -> Result<Vec<Observation>, StoreError> {
        if self.targets.is_empty() {
            return Ok(Vec::new());
        }
        let query = ObservationQuery {
            targets: self.targets.clone(),
            from: self.from,
            to: self.to + TimeDelta::seconds(1),
            limit: MOST_ROUNDS,
        };
        state.store.observations(&query).await
    }
}

/// Points of one target; `None` where we could not measure or nothing came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Points {
    name: String,
    t: Vec<f64>,
    /// Percent.
    loss: Vec<Option<f64>>,
    /// Milliseconds.
    delay: Vec<Option<f64>>,
}

/// What the chart script is fed with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    from: i64,
    to: i64,
    began: Option<i64>,
    restored: Option<i64>,
    targets: Vec<Points>,
}

/// Rounds as points of a chart.
#[must_use]
pub fn chart(frame: &Frame, rounds: &[Observation]) -> Chart {
    // Time before the first round would only squeeze what there is to see.
    let first = rounds.iter().map(|round| round.window.start).min().unwrap_or(frame.from);
    let from = frame.from.max(first - (frame.to - first) / 20);
    let width = ((frame.to - from).num_milliseconds() / MOST_POINTS).max(1);
    let mut cells: BTreeMap<(usize, i64), Tally> = BTreeMap::new();
    for round in rounds {
        let Some(target) = frame.targets.iter().position(|target| *target == round.target) else { continue };
        let cell = (round.window.start - from).num_milliseconds() / width;
        cells.entry((target, cell)).or_default().add(round);
    }
    let mut targets: Vec<Points> = frame
        .targets
        .iter()
        .map(|name| Points { name: name.clone(), t: Vec::new(), loss: Vec::new(), delay: Vec::new() })
        .collect();
    for ((target, _), tally) in cells {
        let points = &mut targets[target];
        points.t.push(tally.at);
        points.loss.push(tally.loss().map(|loss| loss * 100.0));
        points.delay.push(tally.delay());
    }
    let unix = |time: DateTime<Utc>| time.timestamp();
    Chart {
        from: unix(from),
        to: unix(frame.to),
        began: frame.began.map(unix),
        restored: frame.restored.map(unix),
        targets,
    }
}

/// Rounds put together.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Start of the first of them, seconds since 1970.
    at: f64,
    rounds: u32,
    sent: u32,
    received: u32,
    delay_ms: f64,
    delays: f64,
}

impl Tally {
    fn add(&mut self, round: &Observation) {
        if self.rounds == 0 {
            self.at = round.window.start.timestamp_millis() as f64 / 1000.0;
        }
        self.rounds += 1;
        let measured = &round.measured;
        if measured.outcome == Outcome::Unmeasured {
            return;
        }
        self.sent = self.sent.saturating_add(measured.burst.sent);
        self.received = self.received.saturating_add(measured.burst.received.min(measured.burst.sent));
        if let Some(rtt) = measured.burst.rtt {
            let weight = f64::from(measured.burst.received.max(1));
            self.delay_ms += rtt.mean.millis() * weight;
            self.delays += weight;
        }
    }

    /// `None` when nothing was measured: not the same as no loss.
    fn loss(&self) -> Option<f64> {
        (self.sent > 0).then(|| 1.0 - f64::from(self.received) / f64::from(self.sent))
    }

    fn delay(&self) -> Option<f64> {
        (self.delays > 0.0).then(|| self.delay_ms / self.delays)
    }

    fn words(&self) -> String {
        match (self.loss(), self.delay()) {
            (None, _) => "–".to_owned(),
            (Some(loss), None) => percent(loss),
            (Some(loss), Some(delay)) => format!("{} · {}", percent(loss), millis(delay)),
        }
    }
}

/// A target in the table beside the chart: loss and mean delay before, during and after the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Name of the target.
    pub target: String,
    /// Before the fault began.
    pub before: String,
    /// While it lasted.
    pub during: String,
    /// Since service came back.
    pub after: String,
    /// Rounds that we could not measure.
    pub unmeasured: usize,
}

/// The same measurements as a table.
#[must_use]
pub fn table(frame: &Frame, rounds: &[Observation]) -> Vec<Row> {
    let row = |name: &String| {
        let (mut before, mut during, mut after) = (Tally::default(), Tally::default(), Tally::default());
        let mut unmeasured = 0;
        for round in rounds.iter().filter(|round| round.target == *name) {
            let start = round.window.start;
            unmeasured += usize::from(round.measured.outcome == Outcome::Unmeasured);
            match (frame.began, frame.restored) {
                (Some(began), _) if start < began => before.add(round),
                (_, Some(restored)) if start >= restored => after.add(round),
                _ => during.add(round),
            }
        }
        Row {
            target: name.clone(),
            before: before.words(),
            during: during.words(),
            after: after.words(),
            unmeasured,
        }
    };
    frame.targets.iter().map(row).collect()
}

/// `GET /tickets/{number}/measurements`
pub async fn of_ticket(
    State(state): State<HttpState>,
    _viewer: Viewer,
    _tongue: Tongue,
    Path(number): Path<String>,
) -> Response {
    let Ok(number) = number.parse::<TicketNumber>() else { return StatusCode::NOT_FOUND.into_response() };
    match state.store.ticket_by_number(number).await {
        Ok(Some(ticket)) => answer(&state, &Frame::of_ticket(&ticket, state.clock.now_utc())).await,
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

/// `GET /elements/{name}/measurements`
pub async fn of_element(
    State(state): State<HttpState>,
    _viewer: Viewer,
    Path(name): Path<String>,
) -> Response {
    let settings = state.settings.borrow().clone();
    let Some(index) = settings.inventory.find(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let targets = settings.inventory.targets_of(index).map(|target| target.name.clone()).collect();
    answer(&state, &Frame::lately(targets, state.clock.now_utc())).await
}

async fn answer(state: &HttpState, frame: &Frame) -> Response {
    match frame.read(state).await {
        Ok(rounds) => ([(CACHE_CONTROL, "no-store")], Json(chart(frame, &rounds))).into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &StoreError) -> Response {
    tracing::error!(%error, "measurements could not be read");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
