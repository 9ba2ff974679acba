//! What a gateway for messages (SMS, messengers) gets for a customer who has no e-mail address: to whom, in which
//! language, the words; signed after Standard Webhooks under the message's key.
//!
//! The only message that carries an address of a customer: it goes to whom the settings name, and to nobody else.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::payload::Request;
use super::sign;
use crate::settings::{ChannelSettings, CustomerMessage};
use crate::ticket::receipt::Receipt;

/// Where a customer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached<'a> {
    /// `sms` or `im`.
    pub channel: &'static str,
    /// Number or handle.
    pub to: &'a str,
}

/// The request to the gateway.
#[must_use]
pub fn request(
    channel: &ChannelSettings,
    key: &str,
    number: &str,
    message: CustomerMessage,
    reached: Reached<'_>,
    words: &Receipt,
    now: DateTime<Utc>,
) -> Request {
    let document = json!({
        "type": format!("customer.{}", message.name()),
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Micros, true),
        "data": {
            "key": key,
            "ticket": number,
            "channel": reached.channel,
            "to": reached.to,
            "language": words.language,
            "title": words.title,
            "text": words.text,
        },
    });
    let body = document.to_string().into_bytes();
    let timestamp = now.timestamp();
    let mut headers = vec![("webhook-id", key.to_owned()), ("webhook-timestamp", timestamp.to_string())];
    if let Some(secret) = &channel.secret {
        headers.push(("webhook-signature", sign::standard_webhooks(&secret.0, key, timestamp, &body)));
    }
    Request { url: channel.url.0.clone(), headers, body }
}
