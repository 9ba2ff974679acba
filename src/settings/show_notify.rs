//! `[[notify]]` and `[[route_hook]]` as they are shown: no secret, and of an address what holds no key.

use toml::{Table, Value};

use super::notify::{Audience, ChannelSettings, Source};
use super::route_hook::{HookKind, RouteHook};
use super::show::Keys;
use crate::diagnosis::Severity;
use crate::locale::Language;

/// Every channel as a table of the file.
pub(super) fn channels(channels: &[ChannelSettings], root: &mut Table) {
    let tables: Vec<Value> = channels.iter().map(|channel| Value::Table(keys(channel).0)).collect();
    if !tables.is_empty() {
        root.insert("notify".to_owned(), tables.into());
    }
}

/// Every hook as a table of the file.
pub(super) fn hooks(hooks: &[RouteHook], root: &mut Table) {
    let tables: Vec<Value> = hooks.iter().map(|hook| Value::Table(hook_keys(hook).0)).collect();
    if !tables.is_empty() {
        root.insert("route_hook".to_owned(), tables.into());
    }
}

fn hook_keys(hook: &RouteHook) -> Keys {
    let mut keys = Keys::default().put("name", hook.name.as_str()).put("kind", hook.kind.name());
    keys = match &hook.url_source {
        Source::Stated => keys.put("url", hook.shown_url()),
        Source::File(path) => keys.put("url_file", path.display().to_string()),
        Source::Variable(name) => keys.put("url_env", name.as_str()),
    };
    keys = match &hook.secret_source {
        Some(Source::File(path)) => keys.put("secret_file", path.display().to_string()),
        Some(Source::Variable(name)) => keys.put("secret_env", name.as_str()),
        Some(Source::Stated) | None => keys,
    };
    if hook.kind == HookKind::Kamailio {
        keys = keys.list("stop", &hook.stop).list("divert", &hook.divert).list("restore", &hook.restore);
    }
    keys.put("idempotent", hook.idempotent).time("give_up", hook.give_up).time("timeout", hook.timeout)
}

fn keys(channel: &ChannelSettings) -> Keys {
    let language = match channel.language {
        Language::English => "en",
        Language::Chinese => "zh",
    };
    let mut keys = Keys::default().put("name", channel.name.as_str()).put("kind", channel.kind.name());
    keys = match &channel.url_source {
        Source::Stated => keys.put("url", channel.shown_url()),
        Source::File(path) => keys.put("url_file", path.display().to_string()),
        Source::Variable(name) => keys.put("url_env", name.as_str()),
    };
    keys = match &channel.secret_source {
        Some(Source::File(path)) => keys.put("secret_file", path.display().to_string()),
        Some(Source::Variable(name)) => keys.put("secret_env", name.as_str()),
        Some(Source::Stated) | None => keys,
    };
    if channel.audience != Audience::default() {
        let sends: Vec<&str> = channel.sends.iter().map(|message| message.name()).collect();
        keys = keys.put("audience", channel.audience.name()).list("sends", &sends);
    }
    keys = keys
        .text("user", channel.user.as_ref())
        .text("from", channel.from.as_ref())
        .list("to", &channel.to)
        .text("chat", channel.chat.as_ref())
        .put("language", language)
        .list("events", &channel.events);
    if channel.minimum_severity != Severity::Indeterminate {
        keys = keys.put("minimum_severity", channel.minimum_severity.name());
    }
    keys = keys
        .list("classes", &channel.classes)
        .list("segments", &channel.segments)
        .list("departments", &channel.departments)
        .text("calendar", channel.calendar.as_ref().map(|calendar| calendar.name()))
        .text("calendar_file", channel.calendar_file.as_ref().map(|path| path.display().to_string()));
    if let Some(digest) = channel.digest {
        keys = keys.time("digest", digest);
    }
    keys.time("repeat_interval", channel.repeat_interval)
        .time("give_up", channel.give_up)
        .time("timeout", channel.timeout)
}
