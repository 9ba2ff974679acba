//! The requests that the services take over HTTP.
//!
//! Shapes by the vendors' documents: Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks,
//! spec/standard-webhooks.md: headers `webhook-id`, `webhook-timestamp`, `webhook-signature`; body `type`,
//! `timestamp`, `data`); WeCom developer.work.weixin.qq.com/document/path/91770 (`markdown`, 4096 bytes of UTF-8);
//! DingTalk open.dingtalk.com custom-robot-access (`markdown`, `timestamp` and `sign` in the URL); Feishu
//! open.feishu.cn custom-bot guide (`msg_type` `post`, `timestamp` and `sign` in the body, 20 KB); Slack
//! api.slack.com/messaging/webhooks (`text`, `&`, `<` and `>` escaped); Telegram core.telegram.org/bots/api#sendmessage
//! (`chat_id`, `text` of 4096 characters); Teams learn.microsoft.com "Create incoming webhooks with Workflows"
//! (`message` with an attachment `application/vnd.microsoft.card.adaptive`, 28 KB).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::text::{Part, Text, text, within};
use super::{Notice, Outgoing, sign};
use crate::locale::{Language, words};
use crate::settings::{ChannelKind, ChannelSettings};

const WECOM_BYTES: usize = 4096;
const DINGTALK_BYTES: usize = 18_000;
const FEISHU_BYTES: usize = 15_000;
const SLACK_BYTES: usize = 30_000;
const TELEGRAM_UNITS: usize = 4096;
const TEAMS_PARTS: usize = 20;

/// A request to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// Besides `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
}

/// The request of a channel that speaks HTTP; `None` for the others.
#[must_use]
pub fn request(
    channel: &ChannelSettings,
    outgoing: &Outgoing,
    public_url: Option<&str>,
    now: DateTime<Utc>,
) -> Option<Request> {
    let text = text(outgoing, channel.language, public_url);
    let secret = channel.secret.as_ref().map(|secret| secret.0.as_str());
    let mut url = channel.url.0.clone();
    let mut headers = vec![("x-linesman-key", outgoing.key.clone())];
    let document = match channel.kind {
        ChannelKind::Email | ChannelKind::Syslog => return None,
        ChannelKind::Webhook => {
            let document = webhook(outgoing, &text);
            let body = document.to_string().into_bytes();
            let timestamp = now.timestamp();
            headers =
                vec![("webhook-id", outgoing.key.clone()), ("webhook-timestamp", timestamp.to_string())];
            if let Some(secret) = secret {
                let signature = sign::standard_webhooks(secret, &outgoing.key, timestamp, &body);
                headers.push(("webhook-signature", signature));
            }
            return Some(Request { url, headers, body });
        }
        ChannelKind::Wecom => {
            json!({"msgtype": "markdown", "markdown": {"content": within(&markdown(&text, channel.language), WECOM_BYTES)}})
        }
        ChannelKind::Dingtalk => {
            if let Some(secret) = secret {
                let millis = now.timestamp_millis();
                url = with_query(
                    &url,
                    &[("timestamp", &millis.to_string()), ("sign", &sign::dingtalk(secret, millis))],
                );
            }
            let body = within(&markdown(&text, channel.language), DINGTALK_BYTES);
            json!({"msgtype": "markdown", "markdown": {"title": text.title, "text": body}})
        }
        ChannelKind::Feishu => {
            let mut document = feishu(&text, channel.language);
            if let Some(secret) = secret {
                let seconds = now.timestamp();
                document["timestamp"] = json!(seconds.to_string());
                document["sign"] = json!(sign::feishu(secret, seconds));
            }
            document
        }
        ChannelKind::Slack => json!({"text": within(&slack(&text, channel.language), SLACK_BYTES)}),
        ChannelKind::Telegram => {
            let token = secret.unwrap_or_default();
            url = format!("{}/bot{token}/sendMessage", url.trim_end_matches('/'));
            json!({
                "chat_id": channel.chat,
                "text": within_units(&text.plain(), TELEGRAM_UNITS),
                "link_preview_options": {"is_disabled": true},
            })
        }
        ChannelKind::Teams => teams(&text, channel.language),
    };
    Some(Request { url, headers, body: document.to_string().into_bytes() })
}

fn webhook(outgoing: &Outgoing, text: &Text) -> Value {
    let told = |notice: &Notice, part: &Part| {
        json!({
            "seq": notice.seq,
            "event": notice.event,
            "at": notice.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "by": notice.by,
            "ticket": notice.number,
            "kind": notice.kind,
            "state": notice.state,
            "class": notice.class,
            "cause": notice.cause,
            "segment": notice.segment.as_deref().filter(|segment| !segment.starts_with("notify.")),
            "side": notice.side,
            "severity": notice.severity.name(),
            "level": notice.level,
            "department": notice.department,
            "since": notice.since.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            "restored_at": notice.restored_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            "affected_customers": notice.customers,
            "duty": notice.duty,
            "headline": part.sentence,
            "url": part.link,
        })
    };
    let at = outgoing.notices.iter().map(|notice| notice.at).max();
    let timestamp = at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
    match (outgoing.notices.as_slice(), text.parts.as_slice()) {
        ([notice], [part]) => {
            json!({"type": topic(notice), "timestamp": timestamp, "data": told(notice, part)})
        }
        (notices, parts) => {
            let events: Vec<Value> =
                notices.iter().zip(parts).map(|(notice, part)| told(notice, part)).collect();
            json!({"type": "ticket.digest", "timestamp": timestamp, "data": {"events": events}})
        }
    }
}

/// The type of a single event, as `ticket.opened` or `duty.overdue`.
fn topic(notice: &Notice) -> String {
    match &notice.duty {
        Some(_) => notice.event.replacen('_', ".", 1),
        None => format!("ticket.{}", notice.event),
    }
}

/// What WeCom and DingTalk both understand; a `<` would begin a tag.
fn markdown(text: &Text, language: Language) -> String {
    let clean = |text: &str| text.replace('<', "＜");
    let mut blocks = Vec::new();
    if text.parts.len() > 1 {
        blocks.push(format!("**{}**", clean(&text.title)));
    }
    for part in &text.parts {
        let mut lines = vec![format!("**{}**", clean(&part.heading))];
        if !part.sentence.is_empty() {
            lines.push(clean(&part.sentence));
        }
        lines.extend(part.facts.iter().map(|(label, value)| format!("> {}: {}", clean(label), clean(value))));
        lines.extend(part.link.as_ref().map(|link| format!("[{}]({link})", words(language, "notify.open"))));
        blocks.push(lines.join("\n\n"));
    }
    blocks.join("\n\n")
}

fn feishu(text: &Text, language: Language) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for part in &text.parts {
        let mut lines = vec![part.heading.clone(), part.sentence.clone()];
        lines.extend(part.facts.iter().map(|(label, value)| format!("{label}: {value}")));
        lines.retain(|line| !line.is_empty());
        all.extend(lines.iter().map(|line| json!([{"tag": "text", "text": line}])));
        if let Some(link) = &part.link {
            all.push(json!([{"tag": "a", "text": words(language, "notify.open"), "href": link}]));
        }
    }
    let mut room = FEISHU_BYTES;
    let fits = |row: &Value| {
        let left = room.checked_sub(row.to_string().len() + 1);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let total = all.len();
    let mut rows: Vec<Value> = all.into_iter().take_while(fits).collect();
    if rows.len() < total {
        rows.push(json!([{"tag": "text", "text": "…"}]));
    }
    let tag = match language {
        Language::English => "en_us",
        Language::Chinese => "zh_cn",
    };
    json!({"msg_type": "post", "content": {"post": {tag: {"title": text.title, "content": rows}}}})
}

fn slack(text: &Text, language: Language) -> String {
    let clean = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut blocks = Vec::new();
    if text.parts.len() > 1 {
        blocks.push(format!("*{}*", clean(&text.title)));
    }
    for part in &text.parts {
        let mut lines = vec![format!("*{}*", clean(&part.heading))];
        if !part.sentence.is_empty() {
            lines.push(clean(&part.sentence));
        }
        lines.extend(part.facts.iter().map(|(label, value)| format!("{}: {}", clean(label), clean(value))));
        lines.extend(
            part.link.as_ref().map(|link| format!("<{}|{}>", clean(link), words(language, "notify.open"))),
        );
        blocks.push(lines.join("\n"));
    }
    blocks.join("\n\n")
}

fn teams(text: &Text, language: Language) -> Value {
    let mut body = Vec::new();
    let mut actions = Vec::new();
    if text.parts.len() > 1 {
        body.push(json!({"type": "TextBlock", "text": text.title, "weight": "Bolder", "wrap": true}));
    }
    for part in text.parts.iter().take(TEAMS_PARTS) {
        body.push(json!({"type": "TextBlock", "text": part.heading, "weight": "Bolder", "wrap": true}));
        if !part.sentence.is_empty() {
            body.push(json!({"type": "TextBlock", "text": part.sentence, "wrap": true}));
        }
        let facts: Vec<Value> =
            part.facts.iter().map(|(label, value)| json!({"title": label, "value": value})).collect();
        if !facts.is_empty() {
            body.push(json!({"type": "FactSet", "facts": facts}));
        }
        // A card has room for few buttons.
        if let Some(link) = part.link.as_ref().filter(|_| actions.len() < 5) {
            let title = words(language, "notify.open");
            let title = if text.parts.len() > 1 { part.heading.clone() } else { title };
            actions.push(json!({"type": "Action.OpenUrl", "title": title, "url": link}));
        }
    }
    let left = text.parts.len().saturating_sub(TEAMS_PARTS);
    if left > 0 {
        body.push(json!({"type": "TextBlock", "text": format!("… +{left}"), "wrap": true}));
    }
    json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": body,
            "actions": actions,
        },
    }]})
}

/// The begin of a text within so many UTF-16 units, which Telegram counts.
fn within_units(text: &str, most: usize) -> String {
    let mut units = 0;
    let mut cut = String::new();
    for c in text.chars() {
        units += c.len_utf16();
        if units > most {
            // Room for the mark.
            cut.pop();
            cut.push('…');
            return cut;
        }
        cut.push(c);
    }
    cut
}

fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut url) => {
            url.query_pairs_mut().extend_pairs(pairs);
            url.to_string()
        }
        // The settings take no such address.
        Err(_) => url.to_owned(),
    }
}
