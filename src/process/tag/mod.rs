//! Tags of the second level below the kinds of work: hardware fault, software bug and the like (R49).
//!
//! The table is data: [`defaults`] reads the shipped one, [`read`] an operator's. What a ticket was given stays its
//! own when the table changes.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::text::Text;
use linesman_deadlines::Mistake;
use linesman_deadlines::mistake::Mistakes;
use linesman_deadlines::policy::Kind;

/// Longest name of a tag, in characters.
const LONGEST: usize = 40;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// Its name in files and outputs.
    pub id: String,
    /// The kinds of work that it is for.
    pub kinds: Vec<Kind>,
    /// What people read.
    pub text: Text,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tags {
    /// Counts its changes (R114).
    pub version: u32,
    /// In the order in which they are offered.
    pub tags: Vec<Tag>,
}

impl Tags {
    /// The tag of a name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.id == id)
    }

    /// Those of a kind of work.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(move |tag| tag.kinds.contains(&kind))
    }

    /// The first of these that is none of the kind's.
    #[must_use]
    pub fn stranger<'t>(&self, kind: Kind, given: &'t [String]) -> Option<&'t str> {
        let known = |id: &str| self.of(kind).any(|tag| tag.id == id);
        given.iter().map(String::as_str).find(|id| !known(id))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    tag: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    kinds: Spanned<Vec<Kind>>,
    text: String,
    text_zh: String,
}

/// Reads a table.
///
/// # Errors
/// Every mistake with its place; of what is not in its form, the first.
pub fn read(file: &str, text: &str) -> Result<Tags, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file, text);
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => return Err(mistakes.of_toml(&error)),
    };
    let mut tags: Vec<Tag> = Vec::with_capacity(read.tag.len());
    for entry in read.tag {
        let id = entry.id.get_ref();
        let is_word = |id: &str| {
            let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            !id.is_empty() && id.len() <= LONGEST && id.bytes().all(sign)
        };
        if !is_word(id) {
            let message = "an id has 1 to 40 lower-case letters, digits and underscores";
            mistakes.add(entry.id.span(), message);
        }
        if tags.iter().any(|known| known.id == *id) {
            mistakes.add(
                entry.id.span(),
                format!("`{}` is there twice; give each an id of its own", id.escape_debug()),
            );
        }
        if entry.kinds.get_ref().is_empty() {
            mistakes.add(entry.kinds.span(), "say for which kinds of work it is, as kinds = [\"fault\"]");
        }
        let words = Text { en: entry.text, zh: entry.text_zh };
        if let Some(wrong) = words.wrong() {
            mistakes.add(entry.id.span(), wrong);
        }
        tags.push(Tag { id: entry.id.into_inner(), kinds: entry.kinds.into_inner(), text: words });
    }
    mistakes.or(Tags { version: read.version, tags })
}

/// The shipped table as it is written: what an own one begins with.
pub const SHIPPED: &str = include_str!("default.toml");

static DEFAULTS: LazyLock<Option<Tags>> = LazyLock::new(|| read("tags.toml", SHIPPED).ok());

/// The shipped table; that it can be read is held by a test, so there always is one.
#[must_use]
pub fn defaults() -> Option<&'static Tags> {
    DEFAULTS.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_demand_has_tags_of_its_own_r49() {
        let tags = defaults().expect("the shipped table can be read");
        for kind in Kind::ALL {
            assert!(tags.of(*kind).next().is_some(), "{kind} has no tag");
        }
        let given = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(tags.stranger(Kind::Fault, &given(&["hardware_fault", "software_bug"])), None);
        let mixed = given(&["hardware_fault", "tariff"]);
        assert_eq!(tags.stranger(Kind::Fault, &mixed), Some("tariff"), "that is a question's");
    }

    #[test]
    fn every_mistake_of_an_own_table_is_named_at_its_place_r49() {
        let text = "version = 2\n[[tag]]\nid = \"a b\"\nkinds = []\ntext = \"A\"\ntext_zh = \"甲\"\n\
                    [[tag]]\nid = \"a b\"\nkinds = [\"fault\"]\ntext = \"\"\ntext_zh = \"乙\"\n";
        let mistakes = read("own.toml", text).expect_err("wrong");
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        for part in ["own.toml:3:", "own.toml:4:", "twice", "own.toml:8:"] {
            assert!(said.iter().any(|one| one.contains(part)), "{part} in {said:?}");
        }
    }
}
