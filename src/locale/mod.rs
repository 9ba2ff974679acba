//! What people read, in English and Simplified Chinese.
//!
//! The pure rooms never make sentences: they make [`Message`]s, a key with arguments, which are
//! stored and rendered for whoever reads them. The two catalogues have the same keys and the
//! same placeholders by test.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

/// How an instant is written within a sentence, in both languages.
pub const INSTANT: &str = "%Y-%m-%d %H:%M:%S UTC";

/// Stands before each of two versions of an argument: a separator that no text of people holds.
const BOTH: char = '\u{1e}';

/// Languages of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The language that a tag as `zh`, `zh-Hans-CN` or `en-GB` asks for.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header (RFC 9110 section 12.5.4) that we speak.
    #[must_use]
    pub fn of_accept_language(header: &str) -> Self {
        let mut wishes: Vec<(f32, Self)> = header
            .split(',')
            .take(16)
            .filter_map(|part| {
                let mut pieces = part.trim().split(';');
                let language = Self::of_tag(pieces.next()?.trim())?;
                let quality =
                    pieces.find_map(|piece| piece.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
                Some((quality, language))
            })
            .collect();
        wishes.sort_by(|a, b| b.0.total_cmp(&a.0));
        wishes.first().map_or(Self::English, |wish| wish.1)
    }
}

impl From<Language> for linesman_process::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::English => Self::English,
            Language::Chinese => Self::Chinese,
        }
    }
}

/// A sentence to be: which one, and what fills its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// Key in the catalogues.
    pub key: String,
    /// Values of `{placeholders}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
}

impl Message {
    /// Without arguments yet.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), args: BTreeMap::new() }
    }

    /// With one more argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.args.insert(name.to_owned(), value.to_string());
        self
    }

    /// With an argument that already stands in both languages, as the texts of an operator's own trees do.
    #[must_use]
    pub fn with_both(self, name: &str, english: &str, chinese: &str) -> Self {
        self.with(name, format!("{BOTH}{english}{BOTH}{chinese}"))
    }

    /// The sentence in a language.
    #[must_use]
    pub fn render(&self, language: Language) -> String {
        render(language, &self.key, &self.args)
    }
}

/// The words of a key in a language, without arguments.
#[must_use]
pub fn words(language: Language, key: &str) -> String {
    render(language, key, &BTreeMap::new())
}

fn render(language: Language, key: &str, args: &BTreeMap<String, String>) -> String {
    let Some(pattern) = catalogue(language).get(key) else {
        // A message stored by a newer program: the key still tells more than nothing.
        return key.to_owned();
    };
    let mut text = String::with_capacity(pattern.len() + 32);
    let mut rest = pattern.as_str();
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        text.push_str(&rest[..open]);
        let name = &rest[open + 1..open + length];
        match args.get(name) {
            Some(value) => text.push_str(&argument(language, value)),
            None => text.push_str(&rest[open..=open + length]),
        }
        rest = &rest[open + length + 1..];
    }
    text.push_str(rest);
    text
}

/// An argument as it is read: it may be the key of a word, as `cause.fibre`, or an instant.
fn argument(language: Language, value: &str) -> Cow<'_, str> {
    if let Some((english, chinese)) = value.strip_prefix(BOTH).and_then(|both| both.split_once(BOTH)) {
        return Cow::Borrowed(if language == Language::English { english } else { chinese });
    }
    if let Some(word) = catalogue(language).get(value) {
        return Cow::Borrowed(word);
    }
    match DateTime::parse_from_rfc3339(value) {
        Ok(instant) => Cow::Owned(instant.to_utc().format(INSTANT).to_string()),
        Err(_) => Cow::Borrowed(value),
    }
}

type Catalogue = BTreeMap<String, String>;

fn catalogue(language: Language) -> &'static Catalogue {
    static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| {
        read(&[
            include_str!("en.toml"),
            include_str!("bills.en.toml"),
            include_str!("process.en.toml"),
            include_str!("customers.en.toml"),
            include_str!("notify.en.toml"),
            include_str!("reports.en.toml"),
            include_str!("knowledge.en.toml"),
            include_str!("voice.en.toml"),
            include_str!("walk.en.toml"),
            include_str!("routes.en.toml"),
            include_str!("desk.en.toml"),
            include_str!("proof.en.toml"),
        ])
    });
    static CHINESE: LazyLock<Catalogue> = LazyLock::new(|| {
        read(&[
            include_str!("zh-CN.toml"),
            include_str!("bills.zh-CN.toml"),
            include_str!("process.zh-CN.toml"),
            include_str!("customers.zh-CN.toml"),
            include_str!("notify.zh-CN.toml"),
            include_str!("reports.zh-CN.toml"),
            include_str!("knowledge.zh-CN.toml"),
            include_str!("voice.zh-CN.toml"),
            include_str!("walk.zh-CN.toml"),
            include_str!("routes.zh-CN.toml"),
            include_str!("desk.zh-CN.toml"),
            include_str!("proof.zh-CN.toml"),
        ])
    });
    match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    }
}

/// Flattens `[section] key = "…"` to `section.key`.
fn read(sources: &[&str]) -> Catalogue {
    let mut flat = Catalogue::new();
    for source in sources {
        let table: toml::Table = source.parse().expect("the catalogues are part of the program and tested");
        flatten("", &table, &mut flat);
    }
    flat
}

fn flatten(prefix: &str, table: &toml::Table, flat: &mut Catalogue) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, flat),
            toml::Value::String(words) => {
                flat.insert(path, words.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn placeholders(pattern: &str) -> BTreeSet<&str> {
        pattern.split('{').skip(1).filter_map(|piece| piece.split('}').next()).collect()
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_gaps() {
        let (english, chinese) = (catalogue(Language::English), catalogue(Language::Chinese));
        let keys = |catalogue: &'static Catalogue| catalogue.keys().collect::<BTreeSet<_>>();
        let only_one: Vec<_> = keys(english).symmetric_difference(&keys(chinese)).copied().collect();
        assert!(only_one.is_empty(), "keys of one language only: {only_one:?}");
        for (key, pattern) in english {
            assert_eq!(placeholders(pattern), placeholders(&chinese[key]), "placeholders of {key}");
        }
    }

    #[test]
    fn the_language_is_the_best_liked_one_that_we_speak() {
        assert_eq!(Language::of_accept_language("fr, zh-CN;q=0.8, en;q=0.9"), Language::English);
        assert_eq!(Language::of_accept_language("zh-Hans-CN,zh;q=0.9,en;q=0.1"), Language::Chinese);
        assert_eq!(Language::of_accept_language(";;;,q=,"), Language::English);
    }

    #[test]
    fn an_instant_is_written_as_people_write_it() {
        let message = Message::new("headline.server_down").with("segment", "sbc-1");
        let english = message.with("since", "2026-11-21T20:02:00Z").render(Language::English);
        assert!(english.contains("2026-11-21 20:02:00 UTC") && !english.contains("T20"), "{english}");
    }

    #[test]
    fn an_unknown_key_is_shown_rather_than_nothing() {
        assert_eq!(Message::new("no.such").render(Language::Chinese), "no.such");
    }
}
