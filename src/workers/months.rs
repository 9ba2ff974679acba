//! Freezes the figures of each month that is over (R81, R115): once, whatever happens to its tickets afterwards. Then
//! asks for what the month asks of people, its summary and its improvement plan, until somebody says that it is done:
//! once when it comes due and once when it is overdue, over the channels that tell it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::locale::{INSTANT, Message};
use crate::metrics::Metrics;
use crate::notify::{MonthlyDuty, Notice};
use crate::statistics::duty::{self, Duty, DutyCall, DutyState};
use crate::statistics::{Frozen, Month};
use crate::store::{Store, StoreError};
use crate::ticket::Actor;

use super::every::Every;

/// How often.
const TICK: Duration = Duration::from_secs(60);
/// Months that a daemon which was away makes up for.
const LOOK_BACK: usize = 12;

/// Months whose duties are asked for: of older ones the report tells.
const ASKED_FOR: usize = 2;

/// Runs until asked to stop.
pub async fn run(store: Store, metrics: Arc<Metrics>, clock: SharedClock, soft: CancellationToken) {
    let mut every = Every::new(TICK, &soft);
    while every.look().await {
        let now = clock.now_utc();
        match freeze(&store, now).await {
            Ok(frozen) => {
                metrics.worker_succeeded("months", now);
                for month in frozen {
                    tracing::info!(%month, "froze the figures of a month; `linesman report monthly` shows them");
                }
            }
            Err(error) => tracing::error!(%error, "the figures of a month were not frozen; trying again"),
        }
        match ask(&store, &metrics, now).await {
            Ok(asked) => asked.iter().for_each(|(month, call)| tell(*month, call)),
            Err(error) => tracing::error!(%error, "the duties of a month were not looked at; trying again"),
        }
    }
}

/// Freezes the months that are over and had tickets, or came after one that had; says which.
///
/// # Errors
/// When the database does not answer or holds what cannot be understood.
pub async fn freeze(store: &Store, now: DateTime<Utc>) -> Result<Vec<Month>, StoreError> {
    let Some(began) = store.oldest_ticket().await? else { return Ok(Vec::new()) };
    let first = Month::of(began);
    let last = Month::of(now).before();
    let mut months: Vec<Month> = std::iter::successors(Some(last), |month| Some(month.before()))
        .take(LOOK_BACK)
        .take_while(|month| *month >= first)
        .collect();
    // The oldest first: each stands beside the one before.
    months.reverse();
    let known = store.frozen_months().await?;
    months.retain(|month| !known.iter().any(|known| known.month == month.to_string()));
    let mut frozen = Vec::new();
    for month in months {
        let content = store.count_month(month, now).await?;
        if store.freeze_month(&Frozen::of(content, now, &Actor::linesman().0)).await? {
            frozen.push(month);
        }
    }
    Ok(frozen)
}

/// What the last months ask of people now and did not before, each thing once; counts what is overdue (R81).
///
/// # Errors
/// When the database does not answer or holds what cannot be understood.
pub async fn ask(
    store: &Store,
    metrics: &Metrics,
    now: DateTime<Utc>,
) -> Result<Vec<(Month, DutyCall)>, StoreError> {
    let (mut told, mut overdue) = (Vec::new(), Vec::new());
    for frozen in store.frozen_months().await?.into_iter().take(ASKED_FOR) {
        let Ok(month) = frozen.month.parse::<Month>() else { continue };
        let done = store.done_duties(month).await?;
        let states = duty::duties(month, &done, now);
        overdue.extend(states.iter().filter(|state| state.is_overdue()).cloned());
        let asked = store.month_calls(month).await?;
        for call in duty::calls(month, &done, &asked, now) {
            let keys: Vec<String> =
                std::iter::once(call.key.clone()).chain(call.overtakes.iter().cloned()).collect();
            let Some(state) = states.iter().find(|state| state.duty == call.duty) else { continue };
            if store.keep_month_calls(month, &keys, &notice(month, &call, state, now), now).await? {
                told.push((month, call));
            }
        }
    }
    for duty in Duty::ALL {
        let count = overdue.iter().filter(|state| state.duty == *duty).count();
        metrics.monthly_duties_overdue(duty.name(), count);
    }
    Ok(told)
}

/// What people are told of it.
fn notice(month: Month, call: &DutyCall, state: &DutyState, now: DateTime<Utc>) -> Notice {
    let said = Message::new(if call.is_breach { "notify.duty_overdue" } else { "notify.duty_due" })
        .with_both("title", &state.title, &state.title_zh)
        .with("month", month)
        .with("due", call.due_at.format(INSTANT))
        .with("rule", &state.rule);
    let (month, duty) = (month.to_string(), call.duty.name().to_owned());
    let duty = MonthlyDuty { month, duty, due_at: call.due_at };
    Notice::duty(now, &Actor::linesman().0, duty, call.is_breach, said)
}

fn tell(month: Month, call: &DutyCall) {
    let (duty, due_at) = (call.duty.name(), call.due_at);
    if call.is_breach {
        tracing::warn!(%month, duty, %due_at, "overdue (R81): `linesman report done` says when it is done");
    } else {
        tracing::info!(%month, duty, %due_at, "comes due (R81): `linesman report done` says when it is done");
    }
}
