//! What happens to the demo's carrier and when, and the telling of it.
//!
//! The script is data: [`STORY`]. The narrator knows of tickets only what every listener of
//! [`Live`] hears and what the store says; lines go into a channel, printing is the command's.

use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Carrier;
use super::bills::{self, Bills};
use super::carrier::CUSTOMERS;
use super::network::UnknownElement;
use crate::live::{Change, Live};
use crate::locale::{Language, Message};
use crate::store::Store;
use crate::ticket::event::{Event, RecordedEvent};
use crate::ticket::{State, Ticket};

/// What is done to an element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// Nothing comes through any more.
    Cut,
    /// Repaired.
    Heal,
    /// Its bill of last month comes in, as it was sent.
    Bill,
    /// The same bill comes in again, corrected.
    CorrectedBill,
}

/// A line of the script.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Act {
    /// When, from the start.
    pub at: Duration,
    /// To which element.
    pub element: &'static str,
    /// What.
    pub deed: Deed,
    /// What is said when it happens.
    pub told: &'static str,
}

/// The demo's script, in order of time: something large, a wrong bill, then two smaller things of other kinds.
pub const STORY: &[Act] = &[
    act(20, "link-1", Deed::Cut, "demo.cut"),
    act(50, "link-1", Deed::Heal, "demo.heal"),
    act(68, bills::PARTY, Deed::Bill, "demo.bill"),
    act(85, "gateway-11", Deed::Cut, "demo.cut_gateway"),
    act(115, "gateway-11", Deed::Heal, "demo.heal"),
    act(130, bills::PARTY, Deed::CorrectedBill, "demo.bill_corrected"),
    act(145, "access-14", Deed::Cut, "demo.cut_access"),
    act(175, "access-14", Deed::Heal, "demo.heal"),
];

const fn act(seconds: u64, element: &'static str, deed: Deed, told: &'static str) -> Act {
    Act { at: Duration::from_secs(seconds), element, deed, told }
}

impl Act {
    /// Does it.
    ///
    /// # Errors
    /// [`ActError`]
    pub fn perform(&self, carrier: &Carrier, bills: &Bills) -> Result<(), ActError> {
        match self.deed {
            Deed::Cut => Ok(carrier.cut(self.element)?),
            Deed::Heal => Ok(carrier.heal(self.element)?),
            Deed::Bill => Ok(bills.put(false)?),
            Deed::CorrectedBill => Ok(bills.put(true)?),
        }
    }

    /// What is said when it happens.
    #[must_use]
    pub fn sentence(&self, bills: &Bills) -> Message {
        Message::new(self.told).with("element", self.element).with("month", bills.month())
    }

    /// What is said before it, as long as nothing else goes on.
    const fn ahead(&self) -> Option<&'static str> {
        match self.deed {
            Deed::Cut => Some("demo.more"),
            Deed::Bill => Some("demo.more_bill"),
            // It is in the middle of something.
            Deed::Heal | Deed::CorrectedBill => None,
        }
    }
}

/// Why a line of the script cannot be performed.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// It names what is not there.
    #[error(transparent)]
    Element(#[from] UnknownElement),
    /// A bill cannot be written.
    #[error("the demo's bill: {0}")]
    Bill(#[from] std::io::Error),
}

/// To whom and how the story is told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Where the pages are, without a slash at the end.
    pub base_url: String,
    /// Language of the listener.
    pub language: Language,
    /// When it began.
    pub start: Instant,
    /// Takes the lines, each with its time from the start.
    pub lines: mpsc::Sender<String>,
}

impl Telling {
    /// Says something; whether anybody still listens.
    pub async fn say(&self, message: &Message) -> bool {
        let passed = self.start.elapsed().as_secs();
        let line = format!("{passed:>4} s  {}", message.render(self.language));
        self.lines.send(line).await.is_ok()
    }
}

/// Plays the story and follows the tickets until `until`; afterwards the carrier stays as it is.
pub async fn run(
    carrier: &Carrier,
    bills: &Bills,
    live: &Live,
    store: &Store,
    telling: &Telling,
    until: &CancellationToken,
) {
    let mut changes = live.subscribe();
    let narrator = Narrator { telling };
    let mut acts = STORY.iter();
    let mut next = acts.next();
    if !narrator.begin().await {
        return;
    }
    loop {
        let due = next.map_or_else(Instant::now, |act| telling.start + act.at);
        let heard = tokio::select! {
            () = until.cancelled() => return,
            () = sleep_until(due), if next.is_some() => {
                let Some(act) = next else { continue };
                next = acts.next();
                if let Err(error) = act.perform(carrier, bills) {
                    tracing::error!(%error, "a line of the demo's script cannot be performed");
                }
                narrator.say(&act.sentence(bills)).await
            }
            change = changes.recv() => match change {
                Ok(Change::Ticket(event)) => narrator.tell(&event, store, next).await,
                // What was missed can be read on the page.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => true,
                Err(broadcast::error::RecvError::Closed) => return,
            },
        };
        if !heard {
            return;
        }
    }
}

struct Narrator<'a> {
    telling: &'a Telling,
}

impl Narrator<'_> {
    async fn begin(&self) -> bool {
        let first = STORY.first().map_or(0, |act| act.at.as_secs());
        let opening = Message::new("demo.begin").with("customers", CUSTOMERS).with("seconds", first);
        self.say(&opening).await
    }

    async fn say(&self, message: &Message) -> bool {
        self.telling.say(message).await
    }

    async fn tell(&self, event: &RecordedEvent, store: &Store, next: Option<&Act>) -> bool {
        let ticket = match store.ticket(&event.ticket).await {
            Ok(Some(ticket)) => ticket,
            Ok(None) => return true,
            Err(error) => {
                tracing::warn!(%error, ticket = %event.ticket, "the demo cannot read a ticket");
                return true;
            }
        };
        let Some(sentence) = sentence_of(event, &ticket, self.telling) else { return true };
        if !self.say(&sentence).await {
            return false;
        }
        let is_over = matches!(ticket.state, State::Resolved | State::Settled);
        if !is_over || !matches!(event.event, Event::Resolved { .. }) {
            return true;
        }
        match next {
            None => self.say(&Message::new("demo.end").with("url", &self.telling.base_url)).await,
            // Where the proof took longer than the script allows for, the next fault is there already.
            Some(act) => match act.ahead() {
                None => true,
                Some(key) => {
                    let left = act.at.saturating_sub(self.telling.start.elapsed()).as_secs();
                    self.say(&Message::new(key).with("seconds", left)).await
                }
            },
        }
    }
}

/// What is said of an event; `None` for what is worth no line.
fn sentence_of(event: &RecordedEvent, ticket: &Ticket, telling: &Telling) -> Option<Message> {
    let key = match event.event {
        Event::Opened { .. } => "demo.opened",
        Event::Rekeyed { .. } => "demo.rekeyed",
        Event::Acknowledged => "demo.acknowledged",
        Event::Noted { .. } => "demo.noted",
        Event::DiagnosisConfirmed { .. } => "demo.confirmed",
        Event::DiagnosisCorrected { .. } => "demo.corrected",
        Event::RemeasureRequested => "demo.remeasured",
        Event::VerificationStarted { .. } => "demo.verifying",
        Event::VerificationFailed { .. } => "demo.verification_failed",
        Event::Resolved { .. } => "demo.resolved",
        Event::Reopened { .. } => "demo.reopened",
        Event::Cancelled { .. } => "demo.cancelled",
        Event::ResolutionProposed { .. } => "demo.proposed",
        Event::ResolutionConfirmed { .. } => "demo.settled",
        Event::ResolutionDeclined { .. } => "demo.declined",
        Event::Enriched { .. }
        | Event::Approved
        | Event::Settled
        | Event::Closed
        | Event::FlappingStarted { .. }
        | Event::FlappingEnded { .. }
        | Event::Deed(_) => return None,
    };
    let outage = ticket.restored_at.map(|restored| (restored - ticket.detected_at).num_seconds().max(0));
    let seconds = outage.map_or_else(|| "?".to_owned(), |seconds| seconds.to_string());
    let sentence = Message::new(key)
        .with("number", ticket.number)
        .with("headline", ticket.headline().render(telling.language))
        .with("url", format!("{}/tickets/{}", telling.base_url, ticket.number))
        .with("who", &event.actor.0)
        .with("seconds", seconds);
    Some(sentence)
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
