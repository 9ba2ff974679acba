//! Sends what was ordered about lines (R63): one after the other, each attempt written down before it is made.
//!
//! A death between the two leaves an attempt without an answer. Where the same request twice does the same as once it
//! is sent again under its key; else nothing is sent any more and a person has to look. Nothing is sent that differs
//! from its dry run.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::locale::{Language, Message};
use crate::metrics::Metrics;
use crate::notify::retry;
use crate::notify::route::{RouteRequest, RouteVerdict, judge, request};
use crate::reason::chain;
use crate::settings::Settings;
use crate::store::{Store, TicketWriter, WriteError};
use crate::ticket::route::{RouteAction, RouteOutcome, RouteState, RouteStep};
use crate::ticket::{Actor, Deed, Event, Ticket, TicketId};

use super::answer::Answer;
use super::every::Every;

/// How often.
pub const TICK: Duration = Duration::from_secs(1);
/// Looked at in one round.
const MOST_AT_ONCE: u32 = 16;
/// First wait after a failure is shorter than that of a message: a bad line costs calls.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What the loop works with.
pub struct Routes {
    /// Tickets, to read.
    pub store: Store,
    /// Tickets, to change.
    pub writer: TicketWriter,
    /// The hooks in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wall time.
    pub clock: SharedClock,
    /// How often it looks: [`TICK`] but for tests.
    pub tick: Duration,
    /// Asks to finish.
    pub soft: CancellationToken,
}

/// What is to be noted of an attempt.
struct Noted {
    outcome: RouteOutcome,
    answer: String,
    uncertain: bool,
    retry_at: Option<DateTime<Utc>>,
}

impl Noted {
    fn ended(outcome: RouteOutcome, answer: String) -> Self {
        Self { outcome, answer, uncertain: outcome == RouteOutcome::Unclear, retry_at: None }
    }
}

impl Routes {
    /// Runs until asked to stop.
    pub async fn run(self) {
        let mut client: Option<reqwest::Client> = None;
        let mut every = Every::new(self.tick, &self.soft);
        while every.look().await {
            match self.round(&mut client).await {
                Ok(()) => self.metrics.worker_succeeded("routes", self.clock.now_utc()),
                Err(error) => tracing::error!(%error, "orders about lines wait; trying again"),
            }
        }
    }

    async fn round(&self, client: &mut Option<reqwest::Client>) -> Result<(), WriteError> {
        let due = self.store.due_routes(self.clock.now_utc(), MOST_AT_ONCE).await?;
        for (id, number) in due {
            if self.soft.is_cancelled() {
                return Ok(());
            }
            let Some(ticket) = self.store.ticket(&id).await? else { continue };
            let action = ticket.process.routes.iter().find(|action| action.number == number);
            let Some(action) = action.filter(|action| action.state == RouteState::Sending) else { continue };
            if let Some(noted) = self.carry_out(client, &ticket, action).await? {
                self.note(&id, number, noted).await?;
            }
        }
        Ok(())
    }

    /// One attempt; `None` when somebody else decided meanwhile.
    async fn carry_out(
        &self,
        client: &mut Option<reqwest::Client>,
        ticket: &Ticket,
        action: &RouteAction,
    ) -> Result<Option<Noted>, WriteError> {
        let settings = self.settings.borrow().clone();
        let is_safe = |known: &RouteRequest| known.hook.idempotent;
        let failed = |why: Message| {
            // Of an attempt without an answer it stays unknown what it did.
            let outcome = if action.uncertain || action.under_way.is_some() {
                RouteOutcome::Unclear
            } else {
                RouteOutcome::Failed
            };
            Ok(Some(Noted::ended(outcome, why.render(Language::English))))
        };
        let known = match request(&settings, ticket, action) {
            Ok(known) => known,
            Err(why) => return failed(why),
        };
        if action.rehearsal.as_ref().is_none_or(|rehearsed| rehearsed.sha256 != known.sha256()) {
            return failed(Message::new("guard.route_not_as_rehearsed").with("rule", "R63"));
        }
        if action.under_way.is_some() && !is_safe(&known) {
            return failed(Message::new("guard.route_unanswered").with("rule", "R63"));
        }
        if ticket.state.is_final() && action.attempts == 0 {
            return failed(Message::new("guard.over_for_good").with("rule", "R63"));
        }
        let client = match client {
            Some(client) => client,
            None => match new_client() {
                Ok(made) => client.insert(made),
                Err(error) => return failed(Message::new(&error)),
            },
        };
        let step = RouteStep::Tried { attempt: action.attempts.saturating_add(1) };
        if !self.step(&ticket.id, action.number, step).await? {
            return Ok(None);
        }
        let verdict = send(client, &known, self.clock.now_utc()).await;
        Ok(Some(self.weigh(action, &known, verdict)))
    }

    /// What follows from a verdict.
    fn weigh(&self, action: &RouteAction, known: &RouteRequest, verdict: RouteVerdict) -> Noted {
        let now = self.clock.now_utc();
        let ordered_at = action.ordered.as_ref().map_or(now, |ordered| ordered.at);
        let give_up = TimeDelta::from_std(known.hook.give_up).unwrap_or(TimeDelta::minutes(5));
        let again = |answer: String, asked: Option<Duration>, uncertain: bool| {
            let wait = retry::backoff(action.attempts.saturating_add(1), 1.0, None).min(LONGEST_WAIT);
            let wait = TimeDelta::from_std(asked.unwrap_or(wait)).unwrap_or(TimeDelta::seconds(30));
            if now + wait - ordered_at <= give_up {
                return Noted { outcome: RouteOutcome::Later, answer, uncertain, retry_at: Some(now + wait) };
            }
            let unclear = uncertain || action.uncertain;
            Noted::ended(if unclear { RouteOutcome::Unclear } else { RouteOutcome::Failed }, answer)
        };
        match verdict {
            RouteVerdict::Done(answer) => Noted::ended(RouteOutcome::Done, answer),
            // An earlier attempt may have been taken: a later refusal does not undo it.
            RouteVerdict::Refused(answer) if action.uncertain || action.under_way.is_some() => {
                Noted::ended(RouteOutcome::Unclear, answer)
            }
            RouteVerdict::Refused(answer) => Noted::ended(RouteOutcome::Failed, answer),
            RouteVerdict::NotNow(answer, asked) => again(answer, asked, action.under_way.is_some()),
            RouteVerdict::Unknown(answer) if known.hook.idempotent => again(answer, None, true),
            RouteVerdict::Unknown(answer) => Noted::ended(RouteOutcome::Unclear, answer),
        }
    }

    async fn note(&self, ticket: &TicketId, number: u32, noted: Noted) -> Result<(), WriteError> {
        let Noted { outcome, answer, uncertain, retry_at } = noted;
        tracing::info!(%ticket, number, outcome = outcome.name(), answer, "a line's action was tried");
        self.step(ticket, number, RouteStep::Answered { outcome, answer, uncertain, retry_at }).await?;
        Ok(())
    }

    /// Writes a step down; whether it could happen.
    async fn step(&self, ticket: &TicketId, number: u32, step: RouteStep) -> Result<bool, WriteError> {
        let event = Event::from(Deed::Routed { number, step });
        match self.writer.apply(ticket, None, event, Actor::linesman()).await {
            Ok(_) => Ok(true),
            Err(error @ (WriteError::Store(_) | WriteError::Busy)) => Err(error),
            Err(error) => {
                tracing::warn!(%error, %ticket, number, "a step about a line is refused");
                Ok(false)
            }
        }
    }
}

fn new_client() -> Result<reqwest::Client, String> {
    // TLS works with a provider of our own choice; one that is set already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        // What was rehearsed goes where it was said to go, and nowhere else.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // A connection that was closed meanwhile would be tried again behind our back.
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never())
        .user_agent(concat!("linesman/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| error.to_string())
}

async fn send(client: &reqwest::Client, known: &RouteRequest, now: DateTime<Utc>) -> RouteVerdict {
    match tokio::time::timeout(known.hook.timeout, post(client, known, now)).await {
        Ok(verdict) => verdict,
        Err(_) => RouteVerdict::Unknown(format!("no answer within {:?}", known.hook.timeout)),
    }
}

async fn post(client: &reqwest::Client, known: &RouteRequest, now: DateTime<Utc>) -> RouteVerdict {
    let to_send = known.to_send(now);
    let mut post =
        client.post(to_send.url).header("content-type", "application/json; charset=utf-8").body(to_send.body);
    for (name, value) in to_send.headers {
        post = post.header(name, value);
    }
    let answer = match post.send().await {
        Ok(response) => Answer::read(response).await,
        Err(error) => {
            // The address may hold a key.
            let (is_connect, is_builder) = (error.is_connect(), error.is_builder());
            let said = retry::excerpt(&chain(&error.without_url()));
            return match (is_builder, is_connect) {
                (true, _) => RouteVerdict::Refused(said),
                (_, true) => RouteVerdict::NotNow(said, None),
                _ => RouteVerdict::Unknown(said),
            };
        }
    };
    match &answer.broke_off {
        Some(why) if answer.is_success() => {
            RouteVerdict::Unknown(format!("{}, and it broke off: {}", answer.status, retry::excerpt(why)))
        }
        _ => judge(known.hook.kind, answer.status, answer.retry_after.as_deref(), &answer.body, now),
    }
}
