//! Whether a channel tells an event, and when.

use chrono::{DateTime, TimeDelta, Utc};

use super::notice::{ENRICHED, Notice};
use crate::settings::{Audience, ChannelSettings, CustomerMessage};

/// Of this the customer gets a receipt.
const REGISTERED: &str = "registered";
/// Of this he is asked to confirm.
const REPORTED: &str = "result_reported";
/// A follow-up is ours: he did not ask for it.
const FOLLOW_UP: &str = "follow_up";

/// What is known of a channel when an event comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was last given something of this ticket to tell.
    pub told_at: Option<DateTime<Utc>>,
    /// When the digest goes out that gathers now.
    pub digest_at: Option<DateTime<Utc>>,
}

/// When an event is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Not before.
    pub at: DateTime<Utc>,
    /// With others that wait, in one message.
    pub gathered: bool,
}

/// When this channel tells the event; `None` when it does not.
#[must_use]
pub fn when(
    channel: &ChannelSettings,
    notice: &Notice,
    standing: Standing,
    now: DateTime<Utc>,
) -> Option<When> {
    if channel.audience == Audience::Customers {
        // Each customer hears of his own ticket alone, and at once.
        let is_his = message_of(notice).is_some_and(|message| channel.sends.contains(&message));
        return is_his.then_some(When { at: now, gathered: false });
    }
    if !is_wanted(channel, notice) || is_mere_repetition(channel, notice, standing, now) {
        return None;
    }
    if notice.is_urgent() {
        return Some(When { at: now, gathered: false });
    }
    let (mut at, mut gathered) = (now, false);
    if let Some(digest) = channel.digest.and_then(|digest| TimeDelta::from_std(digest).ok()) {
        at = standing.digest_at.unwrap_or(now + digest).min(now + digest);
        gathered = true;
    }
    if let Some(calendar) = &channel.calendar
        && !calendar.is_open(at)
        // A calendar that never opens again would swallow everything.
        && let Some(opens) = calendar.next_open(at)
    {
        at = opens;
        gathered = true;
    }
    Some(When { at, gathered })
}

/// What an event means to its customer: the receipt (R31), the link to confirm (R103), the survey when its time has
/// come (R46, R78).
#[must_use]
pub fn message_of(notice: &Notice) -> Option<CustomerMessage> {
    match notice.event.as_str() {
        REGISTERED if notice.kind == FOLLOW_UP => Some(CustomerMessage::Survey),
        REGISTERED => Some(CustomerMessage::Receipt),
        REPORTED => Some(CustomerMessage::Confirmation),
        _ => None,
    }
}

fn is_wanted(channel: &ChannelSettings, notice: &Notice) -> bool {
    let named = |patterns: &[String], name: Option<&str>| {
        patterns.is_empty() || patterns.iter().any(|pattern| name.is_some_and(|name| fits(pattern, name)))
    };
    if notice.duty.is_some() && !channel.events.is_empty() {
        // A duty is of no class and nowhere: who asks for it by its name gets it.
        return named(&channel.events, Some(&notice.event));
    }
    notice.severity >= channel.minimum_severity
        && named(&channel.events, Some(&notice.event))
        && named(&channel.classes, notice.class.as_deref())
        && named(&channel.segments, notice.segment.as_deref())
        && named(&channel.departments, notice.department.as_deref())
}

/// More evidence of what is known already is no news before `repeat_interval`.
fn is_mere_repetition(
    channel: &ChannelSettings,
    notice: &Notice,
    standing: Standing,
    now: DateTime<Utc>,
) -> bool {
    let Ok(interval) = TimeDelta::from_std(channel.repeat_interval) else { return false };
    notice.event == ENRICHED && standing.told_at.is_some_and(|told_at| now - told_at < interval)
}

/// Whether a name fits a pattern in which `*` stands for any letters, none included.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last)
}
