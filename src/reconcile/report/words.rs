//! What the reports say, in English and Simplified Chinese: two catalogues with the same keys and
//! the same gaps, by test. A key that is unknown is shown rather than nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Languages of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

type Catalogue = BTreeMap<String, String>;

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("words/en.toml")));
static CHINESE: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("words/zh-CN.toml")));

impl Language {
    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }

    /// The words of a key, if there are any.
    pub(crate) fn known(self, key: &str) -> Option<&'static str> {
        self.catalogue().get(key).map(String::as_str)
    }

    /// The words of a key.
    pub(crate) fn word(self, key: &str) -> String {
        self.known(key).unwrap_or(key).to_owned()
    }

    /// The sentence of a key with its gaps filled; values are put in as they are.
    pub(crate) fn say(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut rest = self.known(key).unwrap_or(key);
        let mut text = String::with_capacity(rest.len() + 32);
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else { break };
            text.push_str(&rest[..open]);
            let name = &rest[open + 1..open + length];
            match values.iter().find(|(given, _)| *given == name) {
                Some((_, value)) => text.push_str(value),
                None => text.push_str(&rest[open..=open + length]),
            }
            rest = &rest[open + length + 1..];
        }
        text.push_str(rest);
        text
    }
}

/// Flattens `[section] key = "…"` to `section.key`.
fn read(source: &str) -> Catalogue {
    let table: toml::Table = source.parse().expect("the catalogues are part of the program and tested");
    let mut flat = Catalogue::new();
    for (section, entries) in &table {
        let Some(entries) = entries.as_table() else { continue };
        for (key, words) in entries {
            flat.insert(format!("{section}.{key}"), words.as_str().unwrap_or_default().to_owned());
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn gaps(pattern: &str) -> BTreeSet<&str> {
        pattern.split('{').skip(1).filter_map(|piece| piece.split('}').next()).collect()
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_gaps() {
        let keys = |catalogue: &'static Catalogue| catalogue.keys().collect::<BTreeSet<_>>();
        let only_one: Vec<_> = keys(&ENGLISH).symmetric_difference(&keys(&CHINESE)).copied().collect();
        assert!(only_one.is_empty(), "keys of one language only: {only_one:?}");
        for (key, pattern) in &*ENGLISH {
            assert_eq!(gaps(pattern), gaps(&CHINESE[key]), "gaps of {key}");
        }
    }

    /// Every file of this room, with its text.
    fn sources(folder: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the room").filter_map(Result::ok);
        let read = |path: std::path::PathBuf| match path.is_dir() {
            true => sources(&path),
            false if path.extension().is_some_and(|end| end == "rs") => {
                vec![std::fs::read_to_string(path).expect("a source")]
            }
            false => Vec::new(),
        };
        entries.flat_map(|entry| read(entry.path())).collect()
    }

    #[test]
    fn every_key_that_is_asked_for_has_its_words() {
        let sections: BTreeSet<&str> = ENGLISH.keys().filter_map(|key| key.split('.').next()).collect();
        let is_key = |text: &&str| {
            let plain =
                |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "_.".contains(sign);
            text.split_once('.').is_some_and(|(section, key)| {
                sections.contains(section) && !key.is_empty() && text.chars().all(plain)
            })
        };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("report");
        let (mut asked, mut missing) = (0, Vec::new());
        for source in sources(&folder) {
            for key in
                source.split('"').filter(is_key).filter(|key| !key.ends_with('.') && !key.ends_with(".html"))
            {
                asked += 1;
                if !ENGLISH.contains_key(key) {
                    missing.push(key.to_owned());
                }
            }
        }
        assert!(asked > 100 && missing.is_empty(), "{asked} asked, without words: {missing:?}");
    }

    #[test]
    fn every_kind_of_cause_has_a_name_and_a_sentence() {
        let kinds = "missing_records duplicate_records period_cutoff partial_records partial_records_recharged \
                     ring_time_billed subsecond_rounding hung_call duration_differs prefix_missing \
                     tech_prefix_not_stripped wrong_prefix stale_rate wrong_rate time_band_timezone time_band_wrong \
                     increment minimum_charge free_seconds connect_fee_missing connect_fee_added rounding_decimals \
                     rounding_mode tax currency unrated";
        for kind in kinds.split_whitespace() {
            for section in ["cause", "sentence"] {
                assert!(ENGLISH.contains_key(&format!("{section}.{kind}")), "{section}.{kind}");
            }
            let tag: Result<linesman_cdr::outcome::CauseKind, _> = serde_json::from_value(kind.into());
            assert!(tag.is_ok(), "{kind}");
        }
    }

    #[test]
    fn a_value_with_braces_is_put_in_as_it_is() {
        let said = Language::English.say("where.gateway", &[("value", "{value} {x}")]);
        assert_eq!(said, " through gateway {value} {x}");
        assert_eq!(Language::Chinese.say("no.such", &[]), "no.such");
    }
}
