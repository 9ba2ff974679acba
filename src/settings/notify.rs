//! `[[notify]]`: who is told of what, over which channel, when and in which language.
//!
//! Secrets come from a file or a variable of the environment and are never shown. Events, departments and
//! levels are names: what a newer ticket says of itself needs no code here. Deliberately absent: any sending.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use linesman_deadlines::Calendar;
use linesman_deadlines::calendar::{file, official};
use reqwest::Url;
use toml::de::DeTable;

use super::mistake::Mistakes;
use super::section::Section;
use super::value::{self, Read, Stated};
use crate::diagnosis::Severity;
use crate::locale::Language;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Channels that one daemon serves.
const MOST_CHANNELS: usize = 64;

/// Over what people and programs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Mail by SMTP.
    Email,
    /// Signed HTTP after Standard Webhooks.
    Webhook,
    /// Group robot of WeCom.
    Wecom,
    /// Group robot of DingTalk.
    Dingtalk,
    /// Group robot of Feishu and Lark.
    Feishu,
    /// Incoming webhook of Slack.
    Slack,
    /// Bot of Telegram.
    Telegram,
    /// Workflow of Microsoft Teams.
    Teams,
    /// RFC 5424 over UDP or TCP.
    Syslog,
}

impl ChannelKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::Webhook,
        Self::Wecom,
        Self::Dingtalk,
        Self::Feishu,
        Self::Slack,
        Self::Telegram,
        Self::Teams,
        Self::Syslog,
    ];

    /// The name in settings and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Telegram => "telegram",
            Self::Teams => "teams",
            Self::Syslog => "syslog",
        }
    }

    /// Whether a program reads it: then each event stays a message of its own unless a digest is wanted.
    #[must_use]
    pub const fn is_for_programs(self) -> bool {
        matches!(self, Self::Webhook | Self::Syslog)
    }

    const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Email => &["smtps", "smtp+starttls", "smtp"],
            Self::Syslog => &["udp", "tcp"],
            _ => &["https", "http"],
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Email => "smtps://mail.example.net, smtp+starttls://mail.example.net:587",
            Self::Syslog => "udp://192.0.2.9:514, tcp://192.0.2.9:601",
            _ => "https://example.net/hook",
        }
    }
}

/// Whom a channel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Audience {
    /// The operator's people and programs.
    #[default]
    Staff,
    /// Customers, each at his own address: receipts of what they reported (R31).
    Customers,
}

impl Audience {
    /// The name in settings and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Customers => "customers",
        }
    }
}

/// What a customer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CustomerMessage {
    /// The receipt of what he reported (R31).
    Receipt,
    /// The link by which he confirms the result (R103).
    Confirmation,
    /// The link to the survey (R46).
    Survey,
}

impl CustomerMessage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Receipt, Self::Confirmation, Self::Survey];

    /// The name in settings and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Confirmation => "confirmation",
            Self::Survey => "survey",
        }
    }
}

/// What must not be shown; its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Where an address or a secret came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the settings themselves.
    Stated,
    /// From a file.
    File(PathBuf),
    /// From a variable of the environment.
    Variable(String),
}

/// `[[notify]]`
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelSettings {
    /// `name`: unique.
    pub name: String,
    /// `kind`.
    pub kind: ChannelKind,
    /// `audience`: whom it tells.
    pub audience: Audience,
    /// `sends`: what customers are sent; the receipt unless stated.
    pub sends: Vec<CustomerMessage>,
    /// `url`, `url_file`, `url_env`: where to; for many services the key is within it.
    pub url: Secret,
    /// Where the address came from.
    pub url_source: Source,
    /// `secret_file`, `secret_env`: what signs, the bot's token, or the password of `user`.
    pub secret: Option<Secret>,
    /// Where the secret came from.
    pub secret_source: Option<Source>,
    /// `user`: of the mail server.
    pub user: Option<String>,
    /// `from`: of mails.
    pub from: Option<String>,
    /// `to`: of mails.
    pub to: Vec<String>,
    /// `chat`: of Telegram.
    pub chat: Option<String>,
    /// `language` of messages.
    pub language: Language,
    /// `events`: names, `*` stands for any letters; empty is all.
    pub events: Vec<String>,
    /// `minimum_severity`.
    pub minimum_severity: Severity,
    /// `classes`: A to E; empty is all.
    pub classes: Vec<String>,
    /// `segments`: names of elements, `*` stands for any letters; empty is all.
    pub segments: Vec<String>,
    /// `departments`: names, `*` stands for any letters; empty is all.
    pub departments: Vec<String>,
    /// `calendar`: what is not urgent waits until it opens.
    pub calendar: Option<Arc<Calendar>>,
    /// `calendar_file`: where own calendars are.
    pub calendar_file: Option<PathBuf>,
    /// `digest`: what is not urgent is gathered for so long.
    pub digest: Option<Duration>,
    /// `repeat_interval`: a ticket that merely gathers evidence is told of again after it.
    pub repeat_interval: Duration,
    /// `give_up`: a message that could not be sent for so long goes to the dead ones.
    pub give_up: Duration,
    /// `timeout` of one attempt.
    pub timeout: Duration,
}

impl ChannelSettings {
    /// The address as it may be shown: without path and query, for they hold keys.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let Ok(url) = Url::parse(&self.url.0) else { return "***".to_owned() };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let hidden = if matches!(url.path(), "" | "/") && url.query().is_none() { "" } else { "/***" };
        format!("{}://{host}{port}{hidden}", url.scheme())
    }
}

/// What a channel's values are read with.
pub(super) struct Outside<'o> {
    /// Reads a file with a secret.
    pub(super) file: &'o dyn Fn(&Path) -> std::io::Result<String>,
    /// The environment.
    pub(super) environment: &'o [(String, String)],
}

/// Reads every `[[notify]]`.
pub(super) fn read(
    root: &DeTable<'_>,
    outside: &Outside<'_>,
    channels: &mut Vec<ChannelSettings>,
    mistakes: &mut Mistakes,
) {
    for mut section in Section::list(root, "notify", mistakes) {
        let before = mistakes.count();
        let channel = channel(&mut section, outside, mistakes);
        if let Some(channel) = channel {
            if channels.iter().any(|known| known.name == channel.name) {
                let wrong = format!("the channel {:?} is stated twice; give each its own name", channel.name);
                mistakes.add(section.at("name"), wrong);
            } else if channels.len() == MOST_CHANNELS {
                mistakes.add(
                    section.at("name"),
                    format!("more than {MOST_CHANNELS} channels; let a list of people stand behind one"),
                );
            } else if mistakes.count() == before {
                channels.push(channel);
            }
        }
        section.finish(mistakes);
    }
}

fn channel(
    section: &mut Section<'_>,
    outside: &Outside<'_>,
    mistakes: &mut Mistakes,
) -> Option<ChannelSettings> {
    let name = section.read(mistakes, "name", name);
    let kinds = ChannelKind::ALL.map(|kind| (kind.name(), kind));
    let kind = section.read(mistakes, "kind", |stated| value::one_of(stated, &kinds));
    for (key, missing) in [("name", "its messages are found by it"), ("kind", "it says over what to tell")] {
        if !section.states(key) {
            mistakes.add(section.at(key), format!("a [[notify]] has no `{key}`; {missing}"));
        }
    }
    let audiences = [Audience::Staff, Audience::Customers].map(|audience| (audience.name(), audience));
    let audience = section.read(mistakes, "audience", |stated| value::one_of(stated, &audiences));
    let audience = audience.unwrap_or_default();
    let messages = CustomerMessage::ALL.map(|message| (message.name(), message));
    let mut sends = section.read_list(mistakes, "sends", |stated| value::one_of(stated, &messages));
    if sends.is_empty() && audience == Audience::Customers {
        sends.push(CustomerMessage::Receipt);
    }
    let url = from_outside(section, outside, ["url", "url_file", "url_env"], mistakes);
    let secret = from_outside(section, outside, ["", "secret_file", "secret_env"], mistakes);
    let text =
        |section: &mut Section<'_>, mistakes: &mut Mistakes, key| section.read(mistakes, key, value::text);
    let user = text(section, mistakes, "user");
    let from = section.read(mistakes, "from", mailbox);
    let to = section.read_list(mistakes, "to", mailbox);
    let chat = text(section, mistakes, "chat");
    let languages = [("en", Language::English), ("zh", Language::Chinese), ("zh-CN", Language::Chinese)];
    let language = section.read(mistakes, "language", |stated| value::one_of(stated, &languages));
    let severities =
        [Severity::Indeterminate, Severity::Warning, Severity::Minor, Severity::Major, Severity::Critical]
            .map(|severity| (severity.name(), severity));
    let minimum = section.read(mistakes, "minimum_severity", |stated| value::one_of(stated, &severities));
    let events = section.read_list(mistakes, "events", value::text);
    let classes = section.read_list(mistakes, "classes", class);
    let segments = section.read_list(mistakes, "segments", value::text);
    let departments = section.read_list(mistakes, "departments", value::text);
    let (calendar, calendar_file) = calendar(section, outside, mistakes);
    let digest = section.read(mistakes, "digest", value::span_of_time(Duration::from_secs(1)..=DAY));
    let mut repeat_interval = 4 * HOUR;
    section.set(
        mistakes,
        "repeat_interval",
        &mut repeat_interval,
        value::span_of_time(Duration::ZERO..=30 * DAY),
    );
    let mut give_up = DAY;
    section.set(mistakes, "give_up", &mut give_up, value::span_of_time(Duration::from_secs(1)..=30 * DAY));
    let mut timeout = Duration::from_secs(10);
    let range = Duration::from_millis(100)..=Duration::from_secs(120);
    section.set(mistakes, "timeout", &mut timeout, value::span_of_time(range));
    let kind = kind?;
    fits(section, kind, audience, mistakes);
    let (url, url_source) = match url {
        Some((url, source)) => (url, source),
        None if kind == ChannelKind::Telegram
            && !["url", "url_file", "url_env"].iter().any(|key| section.states(key)) =>
        {
            ("https://api.telegram.org".to_owned(), Source::Stated)
        }
        None => {
            if !["url", "url_file", "url_env"].iter().any(|key| section.states(key)) {
                let wrong =
                    format!("a [[notify]] of kind {} has no `url`; write as {}", kind.name(), kind.example());
                mistakes.add(section.at("kind"), wrong);
            }
            return None;
        }
    };
    // A gateway for messages gets numbers of customers.
    let is_personal = kind == ChannelKind::Webhook && audience == Audience::Customers;
    if let Err(wrong) = checked_url(kind, &url, user.is_some() || is_personal) {
        let key =
            ["url", "url_file", "url_env"].into_iter().find(|key| section.states(key)).unwrap_or("kind");
        mistakes.add(section.at(key), format!("`{key}` in [[notify]]: {wrong}"));
    }
    let (secret, secret_source) = secret.map(|(secret, source)| (Secret(secret), source)).unzip();
    Some(ChannelSettings {
        name: name?,
        kind,
        audience,
        sends,
        url: Secret(url),
        url_source,
        secret,
        secret_source,
        user,
        from,
        to,
        chat,
        language: language.unwrap_or_default(),
        events,
        minimum_severity: minimum.unwrap_or(Severity::Indeterminate),
        classes,
        segments,
        departments,
        calendar,
        calendar_file,
        digest,
        repeat_interval,
        give_up,
        timeout,
    })
}

/// Which keys go with which kind: what is needed and what would have no effect.
fn fits(section: &Section<'_>, kind: ChannelKind, audience: Audience, mistakes: &mut Mistakes) {
    if audience == Audience::Customers {
        if !matches!(kind, ChannelKind::Email | ChannelKind::Webhook) {
            let wrong = format!(
                "`audience` in [[notify]]: customers are written to by email, or by webhook to a gateway for \
                 messages, not by {}",
                kind.name()
            );
            mistakes.add(section.at("audience"), wrong);
        }
        for key in
            ["to", "events", "minimum_severity", "classes", "segments", "departments", "calendar", "digest"]
        {
            if section.states(key) {
                let wrong = format!(
                    "`{key}` in [[notify]] has no effect for customers: each gets his receipt, once; take it out"
                );
                mistakes.add(section.at(key), wrong);
            }
        }
    }
    if audience == Audience::Staff && section.states("sends") {
        let wrong = "`sends` in [[notify]] is for customers; write audience = \"customers\", or take it out";
        mistakes.add(section.at("sends"), wrong);
    }
    let has_secret = section.states("secret_file") || section.states("secret_env");
    let needed: &[&'static str] = match kind {
        ChannelKind::Email if audience == Audience::Customers => &["from"],
        ChannelKind::Email => &["from", "to"],
        ChannelKind::Telegram => &["chat"],
        _ => &[],
    };
    for key in needed.iter().filter(|key| !section.states(key)) {
        mistakes.add(section.at("kind"), format!("a [[notify]] of kind {} has no `{key}`", kind.name()));
    }
    for (key, of) in [
        ("from", ChannelKind::Email),
        ("to", ChannelKind::Email),
        ("user", ChannelKind::Email),
        ("chat", ChannelKind::Telegram),
    ] {
        if section.states(key) && kind != of {
            let wrong = format!(
                "`{key}` in [[notify]] is for {} and not for {}; take it out",
                of.name(),
                kind.name()
            );
            mistakes.add(section.at(key), wrong);
        }
    }
    let secret = if section.states("secret_env") { "secret_env" } else { "secret_file" };
    match kind {
        ChannelKind::Telegram if !has_secret => mistakes.add(
            section.at("kind"),
            "a [[notify]] of kind telegram has no `secret_file` or `secret_env` with the bot's token",
        ),
        ChannelKind::Wecom | ChannelKind::Slack | ChannelKind::Teams | ChannelKind::Syslog if has_secret => {
            let wrong = format!("`{secret}` in [[notify]]: {} takes none; take it out", kind.name());
            mistakes.add(section.at(secret), wrong);
        }
        ChannelKind::Email if has_secret != section.states("user") => mistakes.add(
            section.at(if has_secret { secret } else { "user" }),
            "[[notify]]: `user` and its password by `secret_file` or `secret_env` go together",
        ),
        _ => {}
    }
}

/// A value stated here, in a file or in a variable of the environment.
pub(super) fn from_outside(
    section: &mut Section<'_>,
    outside: &Outside<'_>,
    [here, in_file, in_variable]: [&'static str; 3],
    mistakes: &mut Mistakes,
) -> Option<(String, Source)> {
    let stated = if here.is_empty() { None } else { section.read(mistakes, here, value::text) }
        .map(|url| (url, Source::Stated));
    let file = section.read(mistakes, in_file, |stated| {
        let path = PathBuf::from(value::text(stated)?);
        let text = (outside.file)(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if text.is_empty() {
            Err(format!("{} is empty", path.display()))
        } else {
            Ok((text, Source::File(path)))
        }
    });
    let variable = section.read(mistakes, in_variable, |stated| {
        let name = value::text(stated)?;
        let found =
            outside.environment.iter().find(|(known, text)| *known == name && !text.trim().is_empty());
        match found {
            Some((_, text)) => Ok((text.trim().to_owned(), Source::Variable(name))),
            None => Err(format!("the environment has no {name}")),
        }
    });
    let mut keys =
        [here, in_file, in_variable].into_iter().filter(|key| !key.is_empty() && section.states(key));
    if let (Some(first), Some(second)) = (keys.next(), keys.next()) {
        let wrong = format!("{} states both `{first}` and `{second}`; take one out", section.label());
        mistakes.add(section.at(second), wrong);
    }
    stated.or(file).or(variable)
}

fn calendar(
    section: &mut Section<'_>,
    outside: &Outside<'_>,
    mistakes: &mut Mistakes,
) -> (Option<Arc<Calendar>>, Option<PathBuf>) {
    let mut calendars = official::calendars();
    let path = section.read(mistakes, "calendar_file", |stated| {
        let path = PathBuf::from(value::text(stated)?);
        let text = (outside.file)(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let read = file::read(&path.display().to_string(), &text, &official::calendars());
        match read {
            Ok(read) => Ok((path, read)),
            Err(wrong) => Err(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    });
    let path = path.map(|(path, read)| {
        calendars = read;
        path
    });
    let calendar = section.read(mistakes, "calendar", |stated| {
        let name = value::text(stated)?;
        let known = || calendars.names().collect::<Vec<_>>().join(", ");
        calendars
            .get(&name)
            .map(|calendar| Arc::new(calendar.clone()))
            .ok_or_else(|| format!("there is no calendar {name:?}; known are {}", known()))
    });
    (calendar, path)
}

fn checked_url(kind: ChannelKind, text: &str, is_private: bool) -> Read<()> {
    // The address may hold a key: no message repeats it.
    let wrong = || format!("no address for {}; write as {}", kind.name(), kind.example());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    if !kind.schemes().contains(&url.scheme()) || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    if kind == ChannelKind::Syslog && url.port().is_none() {
        return Err(wrong());
    }
    let loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback());
    let reveals = match kind {
        ChannelKind::Email => url.scheme() == "smtp" && is_private,
        ChannelKind::Webhook => url.scheme() == "http" && is_private,
        ChannelKind::Syslog => false,
        _ => url.scheme() == "http",
    };
    if reveals && !loopback {
        let instead = if kind == ChannelKind::Email { "smtps or smtp+starttls" } else { "https" };
        let what = if kind == ChannelKind::Webhook { "customers' numbers" } else { "the key or password" };
        return Err(format!("{what} would be readable on the way; use {instead}"));
    }
    Ok(())
}

pub(super) fn name(stated: Stated<'_>) -> Read<String> {
    let text = value::text(stated)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text);
    }
    Err(format!("{text:?} is no name: 1 to 64 of a-z, A-Z, 0-9, \"-\", \"_\", \".\""))
}

fn class(stated: Stated<'_>) -> Read<String> {
    let classes = ["A", "B", "C", "D", "E"].map(|class| (class, class));
    value::one_of(stated, &classes).map(str::to_owned)
}

fn mailbox(stated: Stated<'_>) -> Read<String> {
    let text = value::text(stated)?;
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text),
        Err(_) => Err(format!("{text:?} is no mail address; write as \"noc@example.net\"")),
    }
}
