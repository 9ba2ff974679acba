//! What was measured: appended in batches, read by target and time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use linesman_probes::observation::{
    Burst, Detail, Impediment, Measured, Observation, Outcome, RttSummary, Window,
};
use linesman_probes::probe::ProbeKind;
use linesman_probes::units::Rtt;
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;

use super::backend::{on, on_tx};
use super::json::{JsonText, text};
use super::{HourlyPoint, ObservationQuery, Store, StoreError, StoredObservation, Tx};

pub(super) const INSERT_TARGET: &str = "INSERT INTO target (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
pub(super) const TARGET_ID: &str = "SELECT id FROM target WHERE name = $1";
const INSERT_OBSERVATIONS: &str = "INSERT INTO observation (target_id, start_at, end_at, kind, outcome, sent, \
     received, duplicates, rtt_min_ns, rtt_mean_ns, rtt_p50_ns, rtt_p95_ns, rtt_p99_ns, rtt_max_ns, jitter_ns, \
     code, extra) ";
// CROSS JOIN tells SQLite to go from target to target by the key; else it reads every row there is.
const OBSERVATIONS: &str = "SELECT t.name AS target, o.start_at, o.end_at, o.kind, o.outcome, o.sent, \
     o.received, o.duplicates, o.rtt_min_ns, o.rtt_mean_ns, o.rtt_p50_ns, o.rtt_p95_ns, o.rtt_p99_ns, \
     o.rtt_max_ns, o.jitter_ns, o.extra FROM target t CROSS JOIN observation o WHERE o.target_id = t.id \
     AND o.start_at >= ";
pub(super) const LATEST_OBSERVATIONS: &str = "SELECT t.name AS target, o.start_at, o.end_at, o.kind, o.outcome, \
     o.sent, o.received, o.duplicates, o.rtt_min_ns, o.rtt_mean_ns, o.rtt_p50_ns, o.rtt_p95_ns, o.rtt_p99_ns, \
     o.rtt_max_ns, o.jitter_ns, o.extra FROM target t JOIN observation o ON o.target_id = t.id \
     AND o.start_at = (SELECT MAX(n.start_at) FROM observation n WHERE n.target_id = t.id) ORDER BY t.name";
pub(super) const HOURLY: &str = "SELECT h.hour, h.rounds, h.unmeasured, h.sent, h.received, h.rtt_answers, \
     h.rtt_sum_ns, h.rtt_max_ns FROM observation_hourly h JOIN target t ON t.id = h.target_id \
     WHERE t.name = $1 AND h.hour >= $2 AND h.hour < $3 ORDER BY h.hour";

/// Rows in one statement. Longer ones cost more than the calls that they save: the text of every
/// statement is written and looked up anew. 17 values each stay far under what the databases take.
const ROWS_A_STATEMENT: usize = 50;
/// Targets in one statement, for the same reason.
const TARGETS_A_STATEMENT: usize = 10_000;

/// What has no column of its own.
#[derive(Serialize, Deserialize)]
struct Extra {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    impediment: Option<Impediment>,
    #[serde(default, skip_serializing_if = "is_none")]
    detail: Detail,
}

fn is_none(detail: &Detail) -> bool {
    *detail == Detail::None
}

#[derive(Debug, sqlx::FromRow)]
struct ObservationRow {
    target: String,
    start_at: DateTime<Utc>,
    end_at: DateTime<Utc>,
    kind: String,
    outcome: String,
    sent: i64,
    received: i64,
    duplicates: i64,
    rtt_min_ns: Option<i64>,
    rtt_mean_ns: Option<i64>,
    rtt_p50_ns: Option<i64>,
    rtt_p95_ns: Option<i64>,
    rtt_p99_ns: Option<i64>,
    rtt_max_ns: Option<i64>,
    jitter_ns: Option<i64>,
    extra: Option<JsonText>,
}

impl ObservationRow {
    fn understood(self) -> Result<StoredObservation, StoreError> {
        let row = format!("{} {}", self.target, self.start_at);
        let wrong = |column: &str| {
            StoreError::inconsistent("observation", column, &row, "it is outside of what can be measured")
        };
        let count = |column: &str, value: i64| u32::try_from(value).map_err(|_| wrong(column));
        let rtt = |column: &str, value: Option<i64>| {
            value
                .map(|nanos| u64::try_from(nanos).map(Rtt::from_nanos).map_err(|_| wrong(column)))
                .transpose()
        };
        let parts = (
            rtt("rtt_min_ns", self.rtt_min_ns)?,
            rtt("rtt_mean_ns", self.rtt_mean_ns)?,
            rtt("rtt_p50_ns", self.rtt_p50_ns)?,
            rtt("rtt_p95_ns", self.rtt_p95_ns)?,
            rtt("rtt_p99_ns", self.rtt_p99_ns)?,
            rtt("rtt_max_ns", self.rtt_max_ns)?,
        );
        let jitter = rtt("jitter_ns", self.jitter_ns)?;
        let summary = match parts {
            (Some(min), Some(mean), Some(p50), Some(p95), Some(p99), Some(max)) => {
                Some(RttSummary { min, mean, p50, p95, p99, max, jitter })
            }
            (None, None, None, None, None, None) => None,
            _ => return Err(wrong("rtt_mean_ns")),
        };
        let extra = match &self.extra {
            Some(extra) => extra.read("observation", "extra", &row)?,
            None => Extra { impediment: None, detail: Detail::None },
        };
        Ok(Observation {
            kind: ProbeKind::parse(&self.kind).ok_or_else(|| wrong("kind"))?,
            window: Window { start: self.start_at, end: self.end_at },
            measured: Measured {
                outcome: outcome(&self.outcome).ok_or_else(|| wrong("outcome"))?,
                impediment: extra.impediment,
                burst: Burst {
                    sent: count("sent", self.sent)?,
                    received: count("received", self.received)?,
                    duplicates: count("duplicates", self.duplicates)?,
                    rtt: summary,
                },
                detail: extra.detail,
            },
            target: self.target,
        })
    }
}

const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Silent => "silent",
        Outcome::Refused => "refused",
        Outcome::Unmeasured => "unmeasured",
    }
}

fn outcome(name: &str) -> Option<Outcome> {
    [Outcome::Answered, Outcome::Silent, Outcome::Refused, Outcome::Unmeasured]
        .into_iter()
        .find(|outcome| outcome_name(*outcome) == name)
}

/// A round ready to be bound.
struct Ready<'a> {
    target: i64,
    observation: &'a Observation,
    code: Option<i64>,
    extra: Option<JsonText>,
}

impl<'a> Ready<'a> {
    fn of(target: i64, observation: &'a Observation) -> Result<Self, StoreError> {
        let measured = &observation.measured;
        let code = match &measured.detail {
            Detail::Http { status, .. } => Some(i64::from(*status)),
            Detail::Sip { code, .. } => Some(i64::from(*code)),
            Detail::Call(call) => call.code.map(i64::from),
            _ => None,
        };
        let extra = Extra { impediment: measured.impediment.clone(), detail: measured.detail.clone() };
        let has_extra = extra.impediment.is_some() || !is_none(&extra.detail);
        let extra = if has_extra { Some(JsonText::of("observation", &extra)?) } else { None };
        Ok(Self { target, observation, code, extra })
    }
}

fn nanos(rtt: Option<Rtt>) -> Option<i64> {
    rtt.map(|rtt| i64::try_from(rtt.nanos()).unwrap_or(i64::MAX))
}

impl Store {
    /// One transaction for the whole batch. A round that is there already stays as it is.
    ///
    /// # Errors
    /// When the database does not answer; then nothing of the batch was kept.
    pub async fn append_observations(&self, batch: &[Observation]) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_bulk("keep observations").await?;
        let (numbers, learnt) = self.target_numbers(&mut tx, batch).await?;
        for chunk in batch.chunks(ROWS_A_STATEMENT) {
            let ready = chunk
                .iter()
                .filter_map(|observation| {
                    numbers.get(observation.target.as_str()).map(|id| Ready::of(*id, observation))
                })
                .collect::<Result<Vec<Ready<'_>>, _>>()?;
            insert(&mut tx, ready).await?;
        }
        tx.commit().await?;
        // Only now do the new numbers exist for sure.
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).extend(learnt);
        Ok(())
    }

    /// Numbers of the batch's targets, and those of them that were not known before.
    async fn target_numbers<'a>(
        &self,
        tx: &mut Tx,
        batch: &'a [Observation],
    ) -> Result<(BTreeMap<&'a str, i64>, Vec<(String, i64)>), StoreError> {
        let names: BTreeSet<&str> = batch.iter().map(|observation| observation.target.as_str()).collect();
        let mut numbers = BTreeMap::new();
        let mut unknown = Vec::new();
        {
            let known = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
            for name in names {
                match known.get(name) {
                    Some(id) => drop(numbers.insert(name, *id)),
                    None => unknown.push(name),
                }
            }
        }
        let mut learnt = Vec::with_capacity(unknown.len());
        for name in unknown {
            let id = on_tx!(tx, connection => {
                let inserted =
                    sqlx::query(INSERT_TARGET).bind(text(name)).execute(&mut *connection).await.map(drop);
                match inserted {
                    Ok(()) => sqlx::query_scalar(TARGET_ID).bind(text(name)).fetch_one(&mut *connection).await,
                    Err(error) => Err(error),
                }
            })
            .map_err(|error| StoreError::of("keep target", name, error))?;
            numbers.insert(name, id);
            learnt.push((name.to_owned(), id));
        }
        Ok((numbers, learnt))
    }

    /// Rounds of targets in a span, oldest first.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn observations(&self, query: &ObservationQuery) -> Result<Vec<StoredObservation>, StoreError> {
        let mut rows: Vec<ObservationRow> = Vec::new();
        if query.targets.is_empty() {
            rows = self.observation_rows(query, &[]).await?;
        }
        for targets in query.targets.chunks(TARGETS_A_STATEMENT) {
            rows.append(&mut self.observation_rows(query, targets).await?);
        }
        rows.sort_by(|a, b| (a.start_at, &a.target).cmp(&(b.start_at, &b.target)));
        let surplus = rows.len().saturating_sub(query.limit as usize);
        rows.into_iter().skip(surplus).map(ObservationRow::understood).collect()
    }

    async fn observation_rows(
        &self,
        query: &ObservationQuery,
        targets: &[String],
    ) -> Result<Vec<ObservationRow>, StoreError> {
        on!(self, pool => {
            let mut statement = QueryBuilder::new(OBSERVATIONS);
            statement.push_bind(query.from).push(" AND o.start_at < ").push_bind(query.to);
            if !targets.is_empty() {
                statement.push(" AND t.name IN (");
                let mut list = statement.separated(", ");
                for target in targets {
                    list.push_bind(text(target).into_owned());
                }
                statement.push(")");
            }
            statement.push(" ORDER BY o.start_at DESC, t.name DESC LIMIT ").push_bind(i64::from(query.limit));
            statement.build_query_as().persistent(targets.len() <= 1).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read", "observations", error))
    }

    /// Newest round of every target.
    ///
    /// # Errors
    /// When the database does not answer or holds what cannot be understood.
    pub async fn latest_observations(&self) -> Result<Vec<StoredObservation>, StoreError> {
        let rows: Vec<ObservationRow> =
            on!(self, pool => sqlx::query_as(LATEST_OBSERVATIONS).fetch_all(pool).await)
                .map_err(|error| StoreError::of("read", "newest observations", error))?;
        rows.into_iter().map(ObservationRow::understood).collect()
    }

    /// Hourly roll-up of a target, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hourly(
        &self,
        target: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<HourlyPoint>, StoreError> {
        let rows: Vec<HourlyRow> = on!(self, pool => {
            sqlx::query_as(HOURLY).bind(text(target)).bind(from).bind(to).fetch_all(pool).await
        })
        .map_err(|error| StoreError::of("read hours of target", target, error))?;
        Ok(rows.into_iter().map(HourlyPoint::from).collect())
    }
}

async fn insert(tx: &mut Tx, ready: Vec<Ready<'_>>) -> Result<(), StoreError> {
    if ready.is_empty() {
        return Ok(());
    }
    let is_whole = ready.len() == ROWS_A_STATEMENT;
    on_tx!(tx, connection => {
        let mut statement = QueryBuilder::new(INSERT_OBSERVATIONS);
        statement.push_values(ready, |mut row, ready| {
            let Observation { kind, window, measured, .. } = ready.observation;
            let burst = &measured.burst;
            let rtt = burst.rtt;
            row.push_bind(ready.target)
                .push_bind(window.start)
                .push_bind(window.end)
                .push_bind(kind.name())
                .push_bind(outcome_name(measured.outcome))
                .push_bind(i64::from(burst.sent))
                .push_bind(i64::from(burst.received))
                .push_bind(i64::from(burst.duplicates))
                .push_bind(nanos(rtt.map(|rtt| rtt.min)))
                .push_bind(nanos(rtt.map(|rtt| rtt.mean)))
                .push_bind(nanos(rtt.map(|rtt| rtt.p50)))
                .push_bind(nanos(rtt.map(|rtt| rtt.p95)))
                .push_bind(nanos(rtt.map(|rtt| rtt.p99)))
                .push_bind(nanos(rtt.map(|rtt| rtt.max)))
                .push_bind(nanos(rtt.and_then(|rtt| rtt.jitter)))
                .push_bind(ready.code)
                .push_bind(ready.extra);
        });
        statement.push(" ON CONFLICT (target_id, start_at) DO NOTHING");
        // Only the full size comes again; others would crowd the cache of statements.
        statement.build().persistent(is_whole).execute(connection).await.map(drop)
    })
    .map_err(|error| StoreError::of("keep", "observations", error))
}

#[derive(Debug, sqlx::FromRow)]
struct HourlyRow {
    hour: DateTime<Utc>,
    rounds: i64,
    unmeasured: i64,
    sent: i64,
    received: i64,
    rtt_answers: i64,
    rtt_sum_ns: f64,
    rtt_max_ns: Option<i64>,
}

impl From<HourlyRow> for HourlyPoint {
    fn from(row: HourlyRow) -> Self {
        const NANOS_A_MILLI: f64 = 1e6;
        let has_delay = row.rtt_answers > 0;
        Self {
            hour: row.hour,
            rounds: row.rounds,
            unmeasured: row.unmeasured,
            sent: row.sent,
            received: row.received,
            rtt_mean_ms: has_delay.then(|| row.rtt_sum_ns / row.rtt_answers as f64 / NANOS_A_MILLI),
            rtt_max_ms: row.rtt_max_ns.map(|nanos| nanos as f64 / NANOS_A_MILLI),
        }
    }
}
