//! From what stands in the file or the environment to a value, or to what was expected instead.
//!
//! Every reader is total: any bytes give a value or a sentence.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use linesman_probes::probe::{ProbeKind, Transport};
use toml::Spanned;
use toml::de::DeValue;

use super::LogFormat;
use super::mistake::At;
use crate::inventory::{Owner, nearest};

/// A value as stated.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stated<'d> {
    /// In the file.
    File(&'d Spanned<DeValue<'d>>),
    /// By an environment variable: its name, its text.
    Variable(&'d str, &'d str),
}

/// What a reader answers: the value, or what is wrong with it.
pub(super) type Read<T> = Result<T, String>;

impl<'d> Stated<'d> {
    pub(super) fn at(self) -> At {
        match self {
            Self::File(value) => At::Bytes(value.span()),
            Self::Variable(name, _) => At::Variable(name.to_owned()),
        }
    }

    fn text(self, expected: &str) -> Read<&'d str> {
        match self {
            Self::Variable(_, text) => Ok(text),
            Self::File(value) => match value.get_ref() {
                DeValue::String(text) => Ok(text.as_ref()),
                other => Err(format!("expected {expected}, found {}", described(other))),
            },
        }
    }
}

/// What stands there, in words.
pub(super) fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.len() <= 40 => format!("the string {text:?}"),
        DeValue::String(_) => "a long string".to_owned(),
        DeValue::Integer(number) => format!("the integer {number}"),
        DeValue::Float(number) => format!("the float {number}"),
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn text(stated: Stated<'_>) -> Read<String> {
    let text = stated.text("a string")?;
    if text.trim().is_empty() {
        return Err("is empty; state it or take the key out".to_owned());
    }
    if text.chars().any(|c| c.is_control()) {
        return Err("holds a control character".to_owned());
    }
    if text.len() > 4096 {
        return Err("is longer than 4096 bytes".to_owned());
    }
    Ok(text.to_owned())
}

/// The name of another element; whether there is one, the inventory says.
pub(super) fn name(stated: Stated<'_>) -> Read<String> {
    stated.text("the name of an element").map(str::to_owned)
}

pub(super) fn boolean(stated: Stated<'_>) -> Read<bool> {
    match stated {
        Stated::Variable(_, "true") => Ok(true),
        Stated::Variable(_, "false") => Ok(false),
        Stated::Variable(_, other) => Err(format!("expected true or false, found {other:?}")),
        Stated::File(value) => match value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(format!("expected true or false, found {}", described(other))),
        },
    }
}

pub(super) fn whole(range: RangeInclusive<u32>) -> impl Fn(Stated<'_>) -> Read<u32> {
    move |stated| {
        let outside = |shown: &str| format!("{shown} is outside {} to {}", range.start(), range.end());
        let number = match stated {
            Stated::Variable(_, text) => {
                text.trim().parse::<i64>().map_err(|_| format!("expected a whole number, found {text:?}"))?
            }
            Stated::File(value) => match value.get_ref() {
                DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                    .map_err(|_| outside(&number.to_string()))?,
                other => return Err(format!("expected a whole number, found {}", described(other))),
            },
        };
        let fitting = u32::try_from(number).ok().filter(|fitting| range.contains(fitting));
        fitting.ok_or_else(|| outside(&number.to_string()))
    }
}

/// A share from 0 to 1.
pub(super) fn ratio(stated: Stated<'_>) -> Read<f64> {
    let shown = match stated {
        Stated::Variable(_, text) => text.trim().to_owned(),
        Stated::File(value) => match value.get_ref() {
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Integer(number) => number.to_string(),
            other => return Err(format!("expected a number from 0 to 1, found {}", described(other))),
        },
    };
    let number = shown.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    // Negative zero would be shown as such.
    number.map(f64::abs).ok_or_else(|| format!("expected a number from 0 to 1, found {shown}"))
}

pub(super) fn span_of_time(range: RangeInclusive<Duration>) -> impl Fn(Stated<'_>) -> Read<Duration> {
    move |stated| {
        let span = any_span_of_time(stated)?;
        if !range.contains(&span) {
            let (shortest, longest) = (shown(*range.start()), shown(*range.end()));
            return Err(format!("{} is outside {shortest} to {longest}", shown(span)));
        }
        Ok(span)
    }
}

/// A time without bounds of its own; the inventory knows those of probes.
pub(super) fn any_span_of_time(stated: Stated<'_>) -> Read<Duration> {
    const UNITS: [(&str, u64); 5] =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    if let Stated::File(value) = stated
        && let DeValue::Integer(number) = value.get_ref()
    {
        return Err(format!(
            "expected a time with its unit, found the integer {number}; write \"{number}s\""
        ));
    }
    let text = stated.text("a time as \"30s\"")?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("expected a whole number and its unit as \"30s\", found {text:?}"));
    }
    if number.len() > 1 && number.starts_with('0') {
        return Err(format!("{text:?} has a leading zero; write it without"));
    }
    if unit.is_empty() {
        return Err(format!("{text:?} has no unit; write \"{text}s\""));
    }
    let Some((_, factor)) = UNITS.iter().find(|(known, _)| *known == unit) else {
        return Err(format!("{text:?} has the unknown unit {unit:?}; units are ms, s, m, h and d"));
    };
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    milliseconds.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is too long a time"))
}

/// A time as it is written in the file, in the largest unit that divides it.
pub(super) fn shown(span: Duration) -> String {
    let milliseconds = span.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    match units.iter().find(|(_, factor)| milliseconds > 0 && milliseconds.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", milliseconds / factor),
        None if milliseconds == 0 => "0s".to_owned(),
        None => format!("{milliseconds}ms"),
    }
}

pub(super) fn address(stated: Stated<'_>) -> Read<IpAddr> {
    let text = stated.text("an IP address as \"10.0.0.1\"")?;
    text.parse().map_err(|_| match text.parse::<SocketAddr>() {
        Ok(socket) => {
            format!("expected an IP address without a port, found {text:?}; write \"{}\"", socket.ip())
        }
        Err(_) => format!("expected an IP address as \"10.0.0.1\", found {text:?}"),
    })
}

/// An address with a port, or without one where there is a usual port.
pub(super) fn socket(usual_port: Option<u16>) -> impl Fn(Stated<'_>) -> Read<SocketAddr> {
    move |stated| {
        let text = stated.text("an address and port as \"10.0.0.1:5060\"")?;
        if let Ok(socket) = text.parse::<SocketAddr>() {
            let padded = text.rsplit(':').next().is_some_and(|port| port.starts_with('0') && port.len() > 1);
            // A slip of the finger rather than a port.
            return if padded {
                Err(format!("{text:?} has a port with a leading zero; write \"{socket}\""))
            } else {
                Ok(socket)
            };
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        match (bare.parse::<IpAddr>(), usual_port) {
            (Ok(address), Some(port)) => Ok(SocketAddr::new(address, port)),
            (Ok(address), None) => {
                Err(format!("{text:?} has no port; write \"{}\"", SocketAddr::new(address, 443)))
            }
            (Err(_), _) => Err(format!("expected an address and port as \"10.0.0.1:5060\", found {text:?}")),
        }
    }
}

pub(super) fn one_of<T: Copy>(stated: Stated<'_>, known: &[(&'static str, T)]) -> Read<T> {
    let names = || known.iter().map(|(name, _)| *name);
    let list = names().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let text = stated.text(&format!("one of {list}"))?;
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let meant = nearest(text, names()).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    Err(format!("expected one of {list}, found {text:?}{meant}"))
}

pub(super) fn transport(stated: Stated<'_>) -> Read<Transport> {
    one_of(stated, &[("udp", Transport::Udp), ("tcp", Transport::Tcp)])
}

pub(super) fn owner(stated: Stated<'_>) -> Read<Owner> {
    one_of(stated, &[("company", Owner::Company), ("customer", Owner::Customer)])
}

pub(super) fn probe_kind(stated: Stated<'_>) -> Read<ProbeKind> {
    one_of(stated, &ProbeKind::ALL.map(|kind| (kind.name(), kind)))
}

pub(super) fn log_format(stated: Stated<'_>) -> Read<LogFormat> {
    one_of(stated, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

/// Directives as `info` or `linesman=debug,info`. A misspelt level would silently be taken for
/// the name of a module, so only levels may stand alone.
pub(super) fn log_level(stated: Stated<'_>) -> Read<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = stated.text("a level as \"info\"")?;
    for directive in text.split(',') {
        let (target, level) = match directive.rsplit_once('=') {
            Some((target, level)) => (Some(target), level),
            None => (None, directive),
        };
        if !LEVELS.contains(&level) {
            let meant = nearest(level, LEVELS.into_iter()).map(|near| format!("; did you mean {near:?}?"));
            let hint = meant.unwrap_or_else(|| format!("; levels are {}", LEVELS.join(", ")));
            return Err(format!("unknown level {level:?}{hint}"));
        }
        let path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        if target.is_some_and(|target| target.is_empty() || !target.chars().all(path)) {
            return Err(format!("{directive:?} names no module; write MODULE=LEVEL as \"linesman=debug\""));
        }
    }
    Ok(text.to_owned())
}

pub(super) fn database_url(stated: Stated<'_>) -> Read<String> {
    let text = stated.text("a URL as \"sqlite:linesman.db\"")?;
    checked_database_url(text)
}

/// A database URL; the message never repeats it, for it may hold a password.
pub(super) fn checked_database_url(text: &str) -> Read<String> {
    let path = text.strip_prefix("sqlite:").map(|path| path.trim_start_matches('/'));
    let server = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    let clean = !text.chars().any(char::is_control);
    match path.or(server) {
        Some(rest) if clean && !rest.is_empty() => Ok(text.to_owned()),
        _ => Err("expected \"sqlite:PATH\" or \"postgres://USER@HOST/DATABASE\"".to_owned()),
    }
}

pub(super) fn public_url(stated: Stated<'_>) -> Read<String> {
    let text = stated.text("a URL as \"https://linesman.example.net\"")?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fine = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':']));
    let stray = text.contains(['?', '#', '"', '<', '>', '@'])
        || text.chars().any(|c| c.is_whitespace() || c.is_control());
    if !fine || stray {
        return Err(format!("expected a URL as \"https://linesman.example.net\", found {text:?}"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}
