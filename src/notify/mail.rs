//! A mail: plain text, with an identity that is the same at every attempt, in the thread of its ticket.
//!
//! `Message-ID` is made of the message's key (RFC 5322 section 3.6.4), `References` of the ticket's number, and
//! `Auto-Submitted` keeps holiday answers away (RFC 3834).

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};

use super::Outgoing;
use super::text::{text, within};
use crate::settings::ChannelSettings;
use crate::ticket::receipt::Receipt;

/// The receipt of a customer, to him alone (R31), or what is wrong with an address.
///
/// # Errors
/// When an address is none.
pub fn receipt(
    channel: &ChannelSettings,
    key: &str,
    number: &str,
    receipt: &Receipt,
    to: &str,
    now: DateTime<Utc>,
) -> Result<Message, String> {
    let from = mailbox(channel.from.as_deref().unwrap_or_default())?;
    let domain = from.email.domain().to_owned();
    // The address is his: it stands in no error that is kept.
    let to = to.parse::<Mailbox>().map_err(|_| "the customer's address is no mail address".to_owned())?;
    let thread = format!("<{number}@{domain}>");
    let mut builder: MessageBuilder = Message::builder()
        .from(from)
        .to(to)
        .date(now.into())
        .message_id(Some(format!("<{key}@{domain}>")))
        .references(thread.clone())
        .in_reply_to(thread)
        .subject(within(&receipt.title, 200))
        .header(ContentType::TEXT_PLAIN);
    for (name, value) in [
        ("Auto-Submitted", "auto-generated"),
        ("X-Linesman-Key", key),
        ("Content-Language", receipt.language),
    ] {
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    builder.body(receipt.text.clone() + "\n").map_err(|error| error.to_string())
}

fn mailbox(address: &str) -> Result<Mailbox, String> {
    address.parse::<Mailbox>().map_err(|error| format!("{address} is no mail address: {error}"))
}

/// The mail of a channel, or what is wrong with its settings.
///
/// # Errors
/// When an address is none, which the settings have checked.
pub fn mail(
    channel: &ChannelSettings,
    outgoing: &Outgoing,
    public_url: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Message, String> {
    let text = text(outgoing, channel.language, public_url);
    let from = mailbox(channel.from.as_deref().unwrap_or_default())?;
    let domain = from.email.domain().to_owned();
    let thread = match outgoing.notices.as_slice() {
        [only] if !only.number.is_empty() => Some(format!("<{}@{domain}>", only.number)),
        _ => None,
    };
    let mut builder: MessageBuilder = Message::builder()
        .from(from)
        .date(now.into())
        .message_id(Some(format!("<{}@{domain}>", outgoing.key)))
        .subject(format!("[Linesman] {}", within(&text.title, 200)))
        .header(ContentType::TEXT_PLAIN);
    for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Linesman-Key", outgoing.key.as_str())] {
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    if let Some(thread) = thread {
        builder = builder.references(thread.clone()).in_reply_to(thread);
    }
    for address in &channel.to {
        builder = builder.to(mailbox(address)?);
    }
    builder.body(text.plain() + "\n").map_err(|error| error.to_string())
}
