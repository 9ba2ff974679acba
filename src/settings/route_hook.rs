//! `[[route_hook]]`: what stops, diverts and restores lines (R63): a signed HTTP call, or Kamailio's JSON-RPC.
//!
//! A ticket's action names the hook; only what was approved and rehearsed is sent, by the daemon and without any
//! program of its own. Deliberately absent: any sending.

use std::time::Duration;

use reqwest::Url;
use toml::de::DeTable;

use super::mistake::Mistakes;
use super::notify::{Outside, Secret, Source, from_outside};
use super::section::Section;
use super::value::{self, Read};
use crate::ticket::route::RouteWhat;

/// Hooks that one daemon serves.
const MOST_HOOKS: usize = 32;
/// Of a method with its parameters.
const LONGEST_CALL: usize = 32;

/// What is spoken to a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookKind {
    /// Signed HTTP after Standard Webhooks.
    Webhook,
    /// JSON-RPC 2.0 over HTTP, as Kamailio's jsonrpcs with xhttp takes it.
    Kamailio,
}

impl HookKind {
    /// The name in settings and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Kamailio => "kamailio",
        }
    }
}

/// `[[route_hook]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteHook {
    /// `name`: unique.
    pub name: String,
    /// `kind`.
    pub kind: HookKind,
    /// `url`, `url_file`, `url_env`: where to.
    pub url: Secret,
    /// Where the address came from.
    pub url_source: Source,
    /// `secret_file`, `secret_env`: signs a webhook; to Kamailio it is shown as a bearer token.
    pub secret: Option<Secret>,
    /// Where the secret came from.
    pub secret_source: Option<Source>,
    /// `stop`: method and parameters.
    pub stop: Vec<String>,
    /// `divert`: method and parameters.
    pub divert: Vec<String>,
    /// `restore`: method and parameters.
    pub restore: Vec<String>,
    /// `idempotent`: the same request twice does the same as once.
    pub idempotent: bool,
    /// `give_up`: it is tried for so long.
    pub give_up: Duration,
    /// `timeout` of one attempt.
    pub timeout: Duration,
}

impl RouteHook {
    /// Method and parameters for an action; empty when the settings state none.
    #[must_use]
    pub fn call(&self, what: RouteWhat) -> &[String] {
        match what {
            RouteWhat::Stop => &self.stop,
            RouteWhat::Divert => &self.divert,
            RouteWhat::Restore => &self.restore,
        }
    }

    /// The address as it may be shown: one that was kept out of the settings is a secret but for its host.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let Ok(url) = Url::parse(&self.url.0) else { return "***".to_owned() };
        if self.url_source == Source::Stated && url.query().is_none() {
            return url.to_string();
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}/***", url.scheme())
    }
}

/// Reads every `[[route_hook]]`.
pub(super) fn read(
    root: &DeTable<'_>,
    outside: &Outside<'_>,
    hooks: &mut Vec<RouteHook>,
    mistakes: &mut Mistakes,
) {
    for mut section in Section::list(root, "route_hook", mistakes) {
        let before = mistakes.count();
        if let Some(hook) = hook(&mut section, outside, mistakes) {
            if hooks.iter().any(|known| known.name == hook.name) {
                let wrong = format!("the hook {:?} is stated twice; give each its own name", hook.name);
                mistakes.add(section.at("name"), wrong);
            } else if hooks.len() == MOST_HOOKS {
                mistakes.add(section.at("name"), format!("more than {MOST_HOOKS} hooks"));
            } else if mistakes.count() == before {
                hooks.push(hook);
            }
        }
        section.finish(mistakes);
    }
}

fn hook(section: &mut Section<'_>, outside: &Outside<'_>, mistakes: &mut Mistakes) -> Option<RouteHook> {
    let name = section.read(mistakes, "name", super::notify::name);
    let kinds = [HookKind::Webhook, HookKind::Kamailio].map(|kind| (kind.name(), kind));
    let kind = section.read(mistakes, "kind", |stated| value::one_of(stated, &kinds));
    for (key, missing) in [("name", "tickets name it"), ("kind", "it says what to speak")] {
        if !section.states(key) {
            mistakes.add(section.at(key), format!("a [[route_hook]] has no `{key}`; {missing}"));
        }
    }
    let url = from_outside(section, outside, ["url", "url_file", "url_env"], mistakes);
    let secret = from_outside(section, outside, ["", "secret_file", "secret_env"], mistakes);
    let stop = section.read_list(mistakes, "stop", value::text);
    let divert = section.read_list(mistakes, "divert", value::text);
    let restore = section.read_list(mistakes, "restore", value::text);
    let idempotent = section.read(mistakes, "idempotent", value::boolean);
    let mut give_up = Duration::from_secs(300);
    let range = Duration::from_secs(1)..=Duration::from_secs(86_400);
    section.set(mistakes, "give_up", &mut give_up, value::span_of_time(range));
    let mut timeout = Duration::from_secs(10);
    let range = Duration::from_millis(100)..=Duration::from_secs(120);
    section.set(mistakes, "timeout", &mut timeout, value::span_of_time(range));
    let kind = kind?;
    let calls = [("stop", &stop), ("divert", &divert), ("restore", &restore)];
    for (key, call) in calls {
        if kind == HookKind::Webhook && section.states(key) {
            let wrong = format!("`{key}` in [[route_hook]] is for kamailio and not for webhook; take it out");
            mistakes.add(section.at(key), wrong);
        } else if call.len() > LONGEST_CALL {
            mistakes.add(section.at(key), format!("`{key}` in [[route_hook]] has too many parameters"));
        } else if let Err(wrong) = placeholders(call) {
            mistakes.add(section.at(key), format!("`{key}` in [[route_hook]]: {wrong}"));
        }
    }
    if kind == HookKind::Kamailio && calls.iter().all(|(_, call)| call.is_empty()) {
        mistakes.add(
            section.at("kind"),
            "a [[route_hook]] of kind kamailio calls nothing; write as \
             stop = [\"dispatcher.set_state\", \"d\", \"1\", \"sip:{address}\"]",
        );
    }
    let Some((url, url_source)) = url else {
        if !["url", "url_file", "url_env"].iter().any(|key| section.states(key)) {
            mistakes
                .add(section.at("kind"), "a [[route_hook]] has no `url`; write as http://127.0.0.1:5060/RPC");
        }
        return None;
    };
    if let Err(wrong) = checked_url(kind, &url, secret.is_some()) {
        let key = ["url", "url_file", "url_env"].into_iter().find(|key| section.states(key));
        mistakes.add(section.at(key.unwrap_or("kind")), format!("`url` in [[route_hook]]: {wrong}"));
    }
    let (secret, secret_source) = secret.map(|(secret, source)| (Secret(secret), source)).unzip();
    // Setting a state twice sets it once; of other methods only the operator knows. A webhook has its key.
    let sets_states = [&stop, &divert, &restore]
        .into_iter()
        .filter_map(|call| call.first())
        .all(|method| method == "dispatcher.set_state" || method == "htable.sets");
    Some(RouteHook {
        name: name?,
        kind,
        url: Secret(url),
        url_source,
        secret,
        secret_source,
        stop,
        divert,
        restore,
        idempotent: idempotent.unwrap_or(kind == HookKind::Webhook || sets_states),
        give_up,
        timeout,
    })
}

/// What may stand in braces.
pub const PLACEHOLDERS: [&str; 6] = ["line", "address", "to", "to_address", "ticket", "number"];

fn placeholders(call: &[String]) -> Read<()> {
    for text in call {
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!("{text:?} opens a brace and does not close it"));
            };
            if !PLACEHOLDERS.contains(&name) {
                let known = PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
                return Err(format!("there is no {{{name}}}; known are {known}"));
            }
            rest = after;
        }
    }
    Ok(())
}

fn checked_url(kind: HookKind, text: &str, has_secret: bool) -> Read<()> {
    // The address may hold a key: no message repeats it.
    let wrong = || "no address of HTTP; write as http://127.0.0.1:5060/RPC".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback());
    let reveals = kind == HookKind::Kamailio && has_secret && url.scheme() == "http";
    if reveals && !loopback {
        return Err("the token would be readable on the way; use https".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_placeholders_stand_in_a_call() {
        let call = |text: &str| placeholders(&[text.to_owned()]);
        assert_eq!(call("sip:{address};transport=udp"), Ok(()));
        assert!(call("{adress}").is_err() && call("{address").is_err());
    }
}
