//! The receipt that a customer gets (R31): the number, when his contact came in, who answers him, and what is known of
//! the end. No word of his own is in it, and no time that nobody promised.

use chrono::{DateTime, Utc};
use linesman_deadlines::promise::{Outcome, Source};
use serde::Serialize;
use utoipa::ToSchema;

use crate::locale::{INSTANT, Language, Message};

use super::act::WORK_TEST;
use super::{Ticket, clocks};

/// A receipt in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// Its language: `en` or `zh-CN`.
    pub language: &'static str,
    /// One line.
    pub title: String,
    /// Sentences.
    pub text: String,
}

/// The receipt of a ticket that people registered; others have none.
#[must_use]
pub fn receipt(ticket: &Ticket, language: Language, now: DateTime<Utc>) -> Option<Receipt> {
    let registration = ticket.registration.as_ref()?;
    let number = ticket.number.to_string();
    let title = Message::new("receipt.title").with("number", &number).render(language);
    let kind = format!("ticket_kind.{}", ticket.kind.name());
    let received = registration.received_at.format(INSTANT).to_string();
    let mut lines = vec![
        Message::new("receipt.registered")
            .with("number", &number)
            .with("kind", kind)
            .with("received", received)
            .render(language),
    ];
    if let Some(owner) = &ticket.process.first_owner {
        let sentence = match &ticket.process.department {
            Some(department) => Message::new("receipt.owner_of").with("department", department),
            None => Message::new("receipt.owner"),
        };
        lines.push(sentence.with("owner", owner).render(language));
    }
    for known in clocks::promises(ticket, now).iter().filter(|known| known.outcome == Outcome::Open) {
        let told = match known.promise.source {
            // What he is told is the end of the work; the time to measure it after is ours.
            Source::AnnouncedWork => known.promise.due_at - WORK_TEST,
            Source::Own | Source::CarrierEta => known.promise.due_at,
        };
        let promised = Message::new("receipt.promised").with("text", &known.promise.text);
        lines.push(promised.with("time", told.format(INSTANT)).render(language));
    }
    lines.push(Message::new("receipt.thanks").render(language));
    Some(Receipt { language: language.tag(), title, text: lines.join("\n") })
}
