//! Who is told of what, and in which words: from an event of a ticket to the bytes that a service takes.
//!
//! PURE: no socket, no clock, no database. A [`Notice`] is what is said of one event, fixed when the event is
//! taken from the outbox; a rule says whether and when a channel tells it; a payload is its form for one service.
//! Personal data of customers are deliberately absent: a notice has how many are affected, never who.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`notice`] | what is said of an event; the one place that reads tickets and events |
//! | [`rule`] | whether and when a channel tells it |
//! | [`text`] | the words, in both languages |
//! | [`payload`], [`syslog`], [`mail`] | the forms of the services |
//! | [`gateway`] | what a gateway for messages gets for a customer without an e-mail address |
//! | [`route`] | the request that stops, diverts or restores a line |
//! | [`sign`] | signatures |
//! | [`retry`] | what an answer means, and how long to wait for the next attempt |
//!
//! To add a kind of channel: its variant and address in [`ChannelKind`](crate::settings::ChannelKind), its form in
//! [`payload`] with the document it follows, what its refusals mean and how often it may be asked in [`retry`], and a
//! line in `each_service_gets_the_form_that_its_documents_ask_for`.

pub mod gateway;
pub mod mail;
pub mod notice;
pub mod payload;
pub mod retry;
pub mod route;
pub mod rule;
pub mod sign;
pub mod syslog;
#[cfg(test)]
mod tests;
pub mod text;

pub use notice::{EventRow, MonthlyDuty, Notice};
pub use retry::Verdict;
pub use rule::{Standing, When};

/// What a channel is to send in one message: one notice, or several that were gathered.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The same at every attempt: whoever gets it twice can tell.
    pub key: String,
    /// At least one.
    pub notices: Vec<Notice>,
}

impl Outgoing {
    /// The message of a channel whose first event is `seq`.
    #[must_use]
    pub fn new(channel: &str, notices: Vec<Notice>) -> Self {
        let first = notices.first();
        // Events that no ticket has are counted apart.
        let seq = first.map_or(0, |notice| notice.seq);
        let seq = if seq < 0 { format!("d{}", seq.unsigned_abs()) } else { seq.to_string() };
        let hash = first.map_or("", |notice| notice.hash.as_str());
        // One event and several that begin with it are different messages.
        let count = if notices.len() > 1 { format!("x{}", notices.len()) } else { String::new() };
        Self { key: format!("lm-{seq}{count}-{hash}-{channel}"), notices }
    }
}
