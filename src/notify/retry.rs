//! What a receiver's answer means, and how long to wait for the next attempt.
//!
//! Sources for the codes of services that answer 200 to a refusal: WeCom 90313 (global error codes: 45009 and 45033
//! calls limited, -1 busy), DingTalk custom robot (130101 and 660026 sent too fast, -1 busy, 20 a minute), Feishu custom
//! robot guide (9499 and 11232 too many, 100 a minute, 5 a second), Telegram Bot API (`parameters.retry_after`).

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::settings::ChannelKind;

/// First wait after a failure; each next one is twice as long.
const FIRST: Duration = Duration::from_secs(5);
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(3_600);
/// What a service that says only "too fast" is given.
const BREATHER: Duration = Duration::from_secs(60);

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it; what it said.
    Delivered(String),
    /// Not now; perhaps not before so long.
    Later(String, Option<Duration>),
    /// Never, however often it is tried.
    Never(String),
}

/// What an HTTP answer means: its status, its `Retry-After`, the begin of its body.
#[must_use]
pub fn judge(
    kind: ChannelKind,
    status: u16,
    retry_after: Option<&str>,
    body: &str,
    now: DateTime<Utc>,
) -> Verdict {
    let asked = retry_after.and_then(|text| wait_asked_for(text, now));
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let asked = asked.or_else(|| {
        document.pointer("/parameters/retry_after").and_then(Value::as_u64).map(Duration::from_secs)
    });
    let said = format!("{status} {}", excerpt(body)).trim_end().to_owned();
    match status {
        200..=299 => of_document(kind, &document, said),
        408 | 425 | 429 => Verdict::Later(said, asked.or((status == 429).then_some(BREATHER))),
        300..=399 => Verdict::Never(format!("{said}: it has moved; name its new address")),
        400..=499 => Verdict::Never(said),
        _ => Verdict::Later(said, asked),
    }
}

/// Services that answer 200 whatever they make of it.
fn of_document(kind: ChannelKind, document: &Value, said: String) -> Verdict {
    let (field, busy): (&str, &[i64]) = match kind {
        ChannelKind::Wecom => ("errcode", &[-1, 45_009, 45_033]),
        ChannelKind::Dingtalk => ("errcode", &[-1, 130_101, 660_026]),
        ChannelKind::Feishu => ("code", &[9_499, 11_232, 11_233, 11_247]),
        ChannelKind::Telegram => {
            return match document.get("ok").and_then(Value::as_bool) {
                Some(true) => Verdict::Delivered(said),
                _ => Verdict::Never(said),
            };
        }
        _ => return Verdict::Delivered(said),
    };
    // Feishu's older answers name it otherwise.
    let code = document.get(field).or_else(|| document.get("StatusCode")).and_then(Value::as_i64);
    match code {
        Some(0) => Verdict::Delivered(said),
        Some(code) if busy.contains(&code) => Verdict::Later(said, Some(BREATHER)),
        Some(_) => Verdict::Never(said),
        // Somebody else answers there: a captive portal, a proxy.
        None => Verdict::Later(format!("{said}: not an answer of {}", kind.name()), None),
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), an hour at most.
pub(super) fn wait_asked_for(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(text).ok()?;
            (date.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(asked.min(LONGEST))
}

/// How long to wait after so many attempts; `chance` from 0 to 1 keeps those who failed together apart.
#[must_use]
pub fn backoff(attempts: u32, chance: f64, asked: Option<Duration>) -> Duration {
    let doublings = attempts.saturating_sub(1).min(20);
    let whole = FIRST.saturating_mul(1_u32 << doublings).min(LONGEST);
    let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 0.5 };
    // Half of it at least: who was asked to wait is not asked again at once.
    let jittered = whole.mul_f64(0.5 + chance / 2.0);
    asked.map_or(jittered, |asked| asked.min(LONGEST).max(jittered))
}

/// Least time between two messages, by what the services allow: WeCom and DingTalk 20 a minute, Telegram 20 a
/// minute in a group, Feishu 100 a minute, Slack 1 a second, Teams 4 a second.
#[must_use]
pub const fn least_pause(kind: ChannelKind) -> Duration {
    match kind {
        ChannelKind::Wecom | ChannelKind::Dingtalk | ChannelKind::Telegram => Duration::from_millis(3_000),
        ChannelKind::Feishu => Duration::from_millis(600),
        ChannelKind::Slack => Duration::from_millis(1_000),
        ChannelKind::Teams => Duration::from_millis(250),
        ChannelKind::Email | ChannelKind::Webhook | ChannelKind::Syslog => Duration::ZERO,
    }
}

/// The begin of what a stranger said, in one line.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let words: Vec<String> = clean.collect::<String>().split_whitespace().map(str::to_owned).collect();
    words.join(" ").chars().take(200).collect()
}
