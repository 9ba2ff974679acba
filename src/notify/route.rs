//! The request that stops, diverts or restores a line (R63), as it is shown before it is sent and as it is sent.
//!
//! A webhook is a Standard Webhooks message of type `route.stop`, `route.divert` or `route.restore`, signed, under the
//! action's key as `webhook-id`. Kamailio takes JSON-RPC 2.0 (www.kamailio.org/docs/modules/stable/modules/jsonrpcs.html
//! with xhttp); parameters are written as for kamcmd: digits are a number unless `s:` stands before them.
//!
//! Nothing in address and body depends on when it is sent: what was approved after a dry run is what goes out.

use chrono::{DateTime, SecondsFormat, Utc};
use linesman_probes::probe::ProbeSpec;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::payload::Request;
use super::retry::{excerpt, wait_asked_for};
use super::sign;
use crate::locale::Message;
use crate::settings::{HookKind, RouteHook, Settings};
use crate::ticket::Ticket;
use crate::ticket::chain::hex;
use crate::ticket::route::RouteAction;

/// Stands for what must not be shown.
const MASK: &str = "***";

/// A request that can be sent, with how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRequest {
    /// The hook.
    pub hook: RouteHook,
    /// The action's key.
    pub key: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// What an answer says of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteVerdict {
    /// It is done.
    Done(String),
    /// It was certainly not done, and will not be.
    Refused(String),
    /// It was certainly not done; perhaps later, perhaps not before so long.
    NotNow(String, Option<std::time::Duration>),
    /// It may have been done.
    Unknown(String),
}

/// The request of an action by the settings in force.
///
/// # Errors
/// A sentence that names the setting which is missing.
pub fn request(settings: &Settings, ticket: &Ticket, action: &RouteAction) -> Result<RouteRequest, Message> {
    let wanted = action.hook.as_deref().unwrap_or_default();
    let Some(hook) = settings.route_hooks.iter().find(|hook| hook.name == wanted) else {
        return Err(Message::new("guard.route_no_such_hook").with("hook", wanted).with("rule", "R63"));
    };
    let key = action.key(&ticket.id);
    let address = address_of(settings, &action.line);
    let to_address = action.to.as_deref().and_then(|to| address_of(settings, to));
    let document = match hook.kind {
        HookKind::Webhook => webhook(ticket, action, &key, address, to_address),
        HookKind::Kamailio => kamailio(hook, ticket, action, address, to_address)?,
    };
    Ok(RouteRequest { hook: hook.clone(), key, body: document.to_string().into_bytes() })
}

/// Where the line takes SIP, as the inventory states it.
fn address_of(settings: &Settings, line: &str) -> Option<String> {
    let index = settings.inventory.find(line)?;
    settings.inventory.targets().iter().filter(|target| target.element == index).find_map(|target| {
        match &target.spec {
            ProbeSpec::Sip { address, .. } => Some(address.to_string()),
            _ => None,
        }
    })
}

fn webhook(
    ticket: &Ticket,
    action: &RouteAction,
    key: &str,
    address: Option<String>,
    to_address: Option<String>,
) -> Value {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({
        "type": format!("route.{}", action.what.name()),
        "timestamp": time(action.approved.as_ref().map_or(action.asked.at, |approved| approved.at)),
        "data": {
            "key": key,
            "ticket": ticket.number.to_string(),
            "number": action.number,
            "action": action.what.name(),
            "line": action.line,
            "address": address,
            "to": action.to,
            "to_address": to_address,
            "restores": action.restores,
            "reason": action.reason,
            "calls": action.calls,
            "customers": action.customers,
            "asked_by": action.asked.by,
            "approved_by": action.approved.as_ref().map(|approved| approved.by.as_str()),
        },
    })
}

fn kamailio(
    hook: &RouteHook,
    ticket: &Ticket,
    action: &RouteAction,
    address: Option<String>,
    to_address: Option<String>,
) -> Result<Value, Message> {
    let Some((method, parameters)) = hook.call(action.what).split_first() else {
        let missing = Message::new("guard.route_no_call").with("hook", &hook.name);
        return Err(missing.with("key", action.what.name()).with("rule", "R63"));
    };
    let number = action.number.to_string();
    let ticket_number = ticket.number.to_string();
    let known = |name: &str| match name {
        "line" => Some(action.line.as_str()),
        "address" => address.as_deref(),
        "to" => action.to.as_deref(),
        "to_address" => to_address.as_deref(),
        "ticket" => Some(ticket_number.as_str()),
        "number" => Some(number.as_str()),
        _ => None,
    };
    let mut params = Vec::with_capacity(parameters.len());
    for pattern in parameters {
        params.push(parameter(pattern, &known).map_err(|name| {
            let gap = Message::new("guard.route_gap").with("hook", &hook.name).with("name", name);
            gap.with("line", &action.line).with("rule", "R63")
        })?);
    }
    Ok(json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": action.number }))
}

/// A parameter with its gaps filled; the name of a gap that nothing is known of.
fn parameter<'k>(pattern: &str, known: &dyn Fn(&str) -> Option<&'k str>) -> Result<Value, String> {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        text.push_str(before);
        text.push_str(known(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    text.push_str(rest);
    // As for kamcmd; what a gap was filled with never becomes another type.
    if !pattern.contains('{')
        && let Ok(number) = text.parse::<i64>()
    {
        return Ok(json!(number));
    }
    Ok(json!(pattern.strip_prefix("s:").map_or(text.as_str(), |_| text.trim_start_matches("s:"))))
}

impl RouteRequest {
    /// SHA-256 of address and body.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.hook.url.0.as_bytes());
        hash.update([0]);
        hash.update(&self.body);
        hex(&hash.finalize())
    }

    /// The request as it will be sent, secrets masked.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut lines = vec![format!("POST {}", self.hook.shown_url())];
        lines.push("content-type: application/json; charset=utf-8".to_owned());
        match self.hook.kind {
            HookKind::Webhook => {
                lines.push(format!("webhook-id: {}", self.key));
                lines.push("webhook-timestamp: …".to_owned());
                if self.hook.secret.is_some() {
                    lines.push(format!("webhook-signature: v1,{MASK}"));
                }
            }
            HookKind::Kamailio => {
                lines.push(format!("x-linesman-key: {}", self.key));
                if self.hook.secret.is_some() {
                    lines.push(format!("authorization: Bearer {MASK}"));
                }
            }
        }
        lines.push(String::new());
        lines.push(String::from_utf8_lossy(&self.body).into_owned());
        lines.join("\n")
    }

    /// The request as it is sent now.
    #[must_use]
    pub fn to_send(&self, now: DateTime<Utc>) -> Request {
        let secret = self.hook.secret.as_ref().map(|secret| secret.0.as_str());
        let headers = match self.hook.kind {
            HookKind::Webhook => {
                let timestamp = now.timestamp();
                let mut headers =
                    vec![("webhook-id", self.key.clone()), ("webhook-timestamp", timestamp.to_string())];
                if let Some(secret) = secret {
                    let signature = sign::standard_webhooks(secret, &self.key, timestamp, &self.body);
                    headers.push(("webhook-signature", signature));
                }
                headers
            }
            HookKind::Kamailio => {
                let mut headers = vec![("x-linesman-key", self.key.clone())];
                headers.extend(secret.map(|secret| ("authorization", format!("Bearer {secret}"))));
                headers
            }
        };
        Request { url: self.hook.url.0.clone(), headers, body: self.body.clone() }
    }
}

/// What an HTTP answer says of the line: its status, its `Retry-After`, the begin of its body.
#[must_use]
pub fn judge(
    kind: HookKind,
    status: u16,
    retry_after: Option<&str>,
    body: &str,
    now: DateTime<Utc>,
) -> RouteVerdict {
    let said = format!("{status} {}", excerpt(body)).trim_end().to_owned();
    if kind == HookKind::Kamailio {
        // Kamailio answers an error of RPC with a status of its own; the document says what it is.
        let document: Value = serde_json::from_str(body).unwrap_or_default();
        if document.get("error").is_some_and(|error| !error.is_null()) {
            return RouteVerdict::Refused(said);
        }
        let is_answer = document.get("jsonrpc").is_some();
        if (200..=299).contains(&status) {
            return if is_answer {
                RouteVerdict::Done(said)
            } else {
                RouteVerdict::Unknown(format!("{said}: not an answer of JSON-RPC"))
            };
        }
    }
    match status {
        200..=299 => RouteVerdict::Done(said),
        408 | 425 | 429 | 503 => {
            RouteVerdict::NotNow(said, retry_after.and_then(|text| wait_asked_for(text, now)))
        }
        300..=499 => RouteVerdict::Refused(said),
        _ => RouteVerdict::Unknown(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<&'static str> {
        (name == "line").then_some("42")
    }

    #[test]
    fn parameters_are_written_as_for_kamcmd_r63() {
        assert_eq!(parameter("1", &known), Ok(json!(1)));
        assert_eq!(parameter("s:1", &known), Ok(json!("1")));
        assert_eq!(parameter("{line}", &known), Ok(json!("42")), "a name of digits stays a name");
        assert_eq!(parameter("sip:{line};x", &known), Ok(json!("sip:42;x")));
        assert_eq!(parameter("sip:{address}", &known), Err("address".to_owned()));
    }

    #[test]
    fn what_may_have_had_an_effect_is_never_called_refused_r63() {
        let say = |kind, status, body| judge(kind, status, None, body, DateTime::UNIX_EPOCH);
        let kamailio = HookKind::Kamailio;
        assert!(matches!(say(HookKind::Webhook, 204, ""), RouteVerdict::Done(_)));
        assert!(matches!(say(HookKind::Webhook, 500, "oops"), RouteVerdict::Unknown(_)));
        assert!(matches!(say(HookKind::Webhook, 503, ""), RouteVerdict::NotNow(..)));
        assert!(matches!(say(HookKind::Webhook, 404, ""), RouteVerdict::Refused(_)));
        let done = "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":1}";
        let error = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":500,\"message\":\"no\"},\"id\":1}";
        assert!(matches!(say(kamailio, 200, done), RouteVerdict::Done(_)));
        assert!(matches!(say(kamailio, 500, error), RouteVerdict::Refused(_)));
        assert!(matches!(say(kamailio, 200, "<html>"), RouteVerdict::Unknown(_)));
    }
}
