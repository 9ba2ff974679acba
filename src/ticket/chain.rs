//! The chain over events: each hash covers the one before, so that a changed, removed, swapped
//! or inserted event is found.

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

/// Hash before the first event.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an event's hash covers.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// Hash of the event before.
    pub previous: &'a str,
    /// Place in the chain.
    pub seq: i64,
    /// Ticket.
    pub ticket: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: &'a str,
    /// The event as stored, byte for byte.
    pub payload: &'a str,
}

/// SHA-256 over all fields, each with its length before it so that no two events look alike.
#[must_use]
pub fn hash(link: &Link<'_>) -> String {
    let mut hasher = Sha256::new();
    let seq = link.seq.to_string();
    let at = link.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    for field in [link.previous, &seq, link.ticket, &at, link.actor, link.payload] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Hexadecimal, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_counts() {
        let at = DateTime::UNIX_EPOCH;
        let link = Link { previous: GENESIS, seq: 1, ticket: "t", at, actor: "a", payload: "{}" };
        let others = [
            Link { previous: "1", ..link },
            Link { seq: 2, ..link },
            Link { ticket: "u", ..link },
            Link { at: at + chrono::TimeDelta::microseconds(1), ..link },
            Link { actor: "b", ..link },
            Link { payload: "{ }", ..link },
            // A field's end may not wander into its neighbour.
            Link { ticket: "ta", actor: "", ..link },
        ];
        for other in others {
            assert_ne!(hash(&other), hash(&link), "{other:?}");
        }
    }
}
