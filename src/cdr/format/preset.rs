//! What is known beforehand of the files of a system: a [`Preset`] is a piece of TOML, ours or the
//! user's own. `presets/README.md` documents the form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::squeezed;
use super::{Role, SpanStyle, TimeStyle};

/// The presets that come with the program: name and TOML.
const BUILT_IN: &[(&str, &str)] = &[
    ("generic", include_str!("presets/generic.toml")),
    ("asterisk", include_str!("presets/asterisk.toml")),
    ("freeswitch-csv", include_str!("presets/freeswitch-csv.toml")),
    ("freeswitch-json", include_str!("presets/freeswitch-json.toml")),
    ("kamailio", include_str!("presets/kamailio.toml")),
    ("opensips", include_str!("presets/opensips.toml")),
    ("cisco-cucm", include_str!("presets/cisco-cucm.toml")),
    ("vos3000", include_str!("presets/vos3000.toml")),
    ("broadworks", include_str!("presets/broadworks.toml")),
    ("3cx", include_str!("presets/3cx.toml")),
];

/// What a system's files look like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What `--ours-format` calls it.
    pub name: String,
    /// What it is, for people.
    #[serde(default)]
    pub title: String,
    /// Between fields; found out when absent.
    pub delimiter: Option<char>,
    /// Lines that follow the header and are no records (CUCM's types).
    #[serde(default)]
    pub lines_after_header: u32,
    /// Sets of header words of which one set gives the system away.
    #[serde(default)]
    pub signatures: Vec<Vec<String>>,
    /// Header words of a role, the best first.
    #[serde(default)]
    pub names: BTreeMap<String, Vec<String>>,
    /// Whether header words that the preset does not name are left alone instead of understood.
    #[serde(default)]
    pub only_these_names: bool,
    /// Orders of the columns in files without a header.
    #[serde(default, rename = "order")]
    pub orders: Vec<Order>,
    /// How times are written; found out when absent.
    pub time: Option<TimeStyle>,
    /// `UTC`, `+08:00` or a place (`Asia/Shanghai`); unknown when absent.
    pub zone: Option<String>,
    /// How durations are written, by role; found out when absent.
    #[serde(default)]
    pub spans: BTreeMap<String, SpanStyle>,
    /// Decimal sign; found out when absent.
    pub decimal: Option<char>,
    /// Words of the disposition that mean answered.
    #[serde(default)]
    pub answered: Vec<String>,
    /// Words of the record kind whose records are interim.
    #[serde(default)]
    pub interim: Vec<String>,
    /// Words of the record kind whose records are no calls.
    #[serde(default)]
    pub skipped: Vec<String>,
}

/// An order of the columns in files without a header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Roles from the left, `-` for what does not matter.
    pub columns: Vec<String>,
    /// Counts of columns that such a file may have; none: exactly as many as `columns`.
    #[serde(default)]
    pub counts: Vec<usize>,
    /// Whether more columns may follow, of no interest.
    #[serde(default)]
    pub more: bool,
    /// What must be seen in a file for it to be recognised by itself; none: never.
    #[serde(default)]
    pub marks: Vec<Mark>,
}

/// Something to see in a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Which column, from 1.
    pub column: usize,
    /// Words of which each value is one.
    #[serde(default)]
    pub words: Vec<String>,
    /// `time`, `number`, `span`, `uuid`: what each value is.
    pub is: Option<String>,
}

/// Why a preset cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// There is none of that name.
    #[error(
        "there is no format `{name}`; did you mean `{nearest}`? Known: {known}; or give the path of a TOML file of your own"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest one.
        nearest: String,
        /// All of them.
        known: String,
    },
    /// The user's own is no preset.
    #[error("the format file `{name}` cannot be used: {reason}")]
    Wrong {
        /// Which file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Order {
    /// Whether a file with so many columns may have this order.
    #[must_use]
    pub fn takes(&self, columns: usize) -> bool {
        match (self.more, self.counts.is_empty()) {
            (true, _) => columns >= self.columns.len(),
            (false, true) => columns == self.columns.len(),
            (false, false) => self.counts.contains(&columns),
        }
    }
}

impl Preset {
    /// The names of the presets that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The one of a name.
    ///
    /// # Errors
    ///
    /// [`PresetError::Unknown`] with the nearest name.
    pub fn named(name: &str) -> Result<Self, PresetError> {
        let asked = name.trim().to_lowercase().replace('_', "-");
        if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == asked) {
            return Self::read(name, text);
        }
        let nearest = Self::names().min_by_key(|known| {
            if known.contains(&asked) || asked.contains(known) { 0 } else { 1 + edits(known, &asked) }
        });
        Err(PresetError::Unknown {
            name: name.to_owned(),
            nearest: nearest.unwrap_or("generic").to_owned(),
            known: Self::names().collect::<Vec<_>>().join(", "),
        })
    }

    /// Every preset that comes with the program.
    #[must_use]
    pub fn all() -> Vec<Self> {
        BUILT_IN.iter().filter_map(|(name, text)| Self::read(name, text).ok()).collect()
    }

    /// From TOML; `file` names it in errors.
    ///
    /// # Errors
    ///
    /// [`PresetError::Wrong`] with the place of the mistake.
    pub fn read(file: &str, text: &str) -> Result<Self, PresetError> {
        let wrong = |reason: String| PresetError::Wrong { name: file.to_owned(), reason };
        let preset: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for role in preset.names.keys().chain(preset.spans.keys()) {
            role_of(role).ok_or_else(|| wrong(unknown_role(role)))?;
        }
        for order in &preset.orders {
            for role in &order.columns {
                role_of(role).ok_or_else(|| wrong(unknown_role(role)))?;
            }
            if let Some(count) = order.counts.iter().find(|count| **count > order.columns.len()) {
                let have = order.columns.len();
                return Err(wrong(format!("an order counts {count} columns but names only {have}")));
            }
            if order.marks.iter().any(|mark| mark.column == 0) {
                return Err(wrong("columns of marks count from 1".to_owned()));
            }
        }
        if let Some(zone) = &preset.zone {
            super::detect::zone(zone).ok_or_else(|| {
                wrong(format!("`{zone}` is no zone; write UTC, an offset such as +08:00, or a place such as Asia/Shanghai"))
            })?;
        }
        Ok(preset)
    }

    /// Whether a header is that of this system.
    #[must_use]
    pub fn knows_header(&self, header: &[String]) -> bool {
        let words: Vec<String> = header.iter().map(|name| squeezed(name)).collect();
        self.signatures.iter().any(|signature| {
            !signature.is_empty() && signature.iter().all(|word| words.contains(&squeezed(word)))
        })
    }

    /// The roles of a header's columns; `filled` says whether a column holds anything.
    #[must_use]
    pub fn roles_of_header(&self, header: &[String], filled: &dyn Fn(usize) -> bool) -> Vec<Role> {
        let words: Vec<String> = header.iter().map(|name| squeezed(name)).collect();
        let mut roles = vec![Role::Ignored; header.len()];
        for (role, names) in &self.names {
            let Some(role) = role_of(role) else { continue };
            let places: Vec<usize> = names
                .iter()
                .filter_map(|name| words.iter().position(|word| *word == squeezed(name)))
                .filter(|place| roles[*place] == Role::Ignored)
                .collect();
            let place = places.iter().find(|place| filled(**place)).or(places.first());
            if let Some(place) = place {
                roles[*place] = role;
            }
        }
        roles
    }

    /// How durations of a role are written, if the preset says so.
    #[must_use]
    pub fn span(&self, role: Role) -> Option<SpanStyle> {
        self.spans.iter().find(|(name, _)| role_of(name) == Some(role)).map(|(_, style)| *style)
    }
}

/// The role that a preset calls so.
#[must_use]
pub fn role_of(name: &str) -> Option<Role> {
    if name == "-" {
        return Some(Role::Ignored);
    }
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn unknown_role(name: &str) -> String {
    format!(
        "`{name}` is no role; roles are -, call_id, caller, callee, start, start_date, start_time_of_day, answer, end, \
         talk, total, ring, billed, rate, amount, currency, gateway, account, disposition, record_kind"
    )
}

/// Levenshtein distance of two short words.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, sign) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (place, other) in right.iter().enumerate() {
            let replaced = corner + usize::from(sign != *other);
            corner = row[place + 1];
            row[place + 1] = replaced.min(corner + 1).min(row[place] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_that_comes_with_the_program_can_be_read_and_bears_its_name() {
        for (name, text) in BUILT_IN {
            let preset = Preset::read(name, text).expect(name);
            assert_eq!(preset.name, *name);
            assert!(!preset.title.is_empty());
        }
    }

    #[test]
    fn an_unknown_preset_is_answered_with_the_nearest_and_with_all_names() {
        let error = Preset::named("asterix").expect_err("no such preset").to_string();
        assert!(error.contains("`asterisk`") && error.contains("vos3000, broadworks"), "{error}");
        let error = Preset::named("VOS").expect_err("no such preset").to_string();
        assert!(error.contains("did you mean `vos3000`"), "{error}");
        assert_eq!(Preset::named("Cisco_CUCM").expect("known").name, "cisco-cucm");
    }

    #[test]
    fn a_preset_of_ones_own_that_is_wrong_says_where() {
        let error =
            Preset::read("my.toml", "name = \"x\"\n[names]\nkaller = [\"a\"]\n").expect_err("wrong role");
        assert!(error.to_string().contains("`kaller` is no role"), "{error}");
        let error = Preset::read("my.toml", "name = \"x\"\nzone = \"Mars/Base\"\n").expect_err("wrong zone");
        assert!(error.to_string().contains("Mars/Base"), "{error}");
        assert!(Preset::read("my.toml", "nam = 1").is_err());
    }
}
