//! Whom a ticket's customer waits for beside us: the end of the fault above, the end of announced work.

use chrono::{DateTime, Utc};
use linesman_deadlines::promise::{self, Source};

use super::Ticket;
use super::act::after_work;
use super::clocks::promises;

/// Promises that rest on announced work and of which nobody knows yet whether they are kept, by id.
#[must_use]
pub fn promises_of_work(ticket: &Ticket, now: DateTime<Utc>) -> Vec<String> {
    let standing = promises(ticket, now).into_iter();
    let open = standing.filter(|known| {
        known.promise.source == Source::AnnouncedWork && known.outcome == promise::Outcome::Open
    });
    open.map(|known| known.promise.id).collect()
}

/// Whether something promised rests on announced work, and is neither kept nor broken.
#[must_use]
pub fn rests_on_work(ticket: &Ticket, now: DateTime<Utc>) -> bool {
    ticket.process.window.is_some() && !promises_of_work(ticket, now).is_empty()
}

/// Whether announced work ends later than the customer was told.
#[must_use]
pub fn is_moved(ticket: &Ticket, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let told =
        promises(ticket, now).into_iter().filter(|known| known.promise.source == Source::AnnouncedWork);
    let told = told.map(|known| known.promise.due_at).max();
    told.is_some_and(|told| told < after_work(ends_at))
}

/// The clock of a ticket whose fault above is over, until a measurement says what that means; no policy has this name.
pub const FAULT_OVER: &str = "fault-over";
/// The clock of a ticket with a promise that rests on announced work; no policy has this name.
pub const ANNOUNCED_WORK: &str = "announced-work";
