//! One table of the file with the environment above it: reads keys, and knows which were never asked for.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Variable;
use super::keys;
use super::mistake::{At, Mistakes};
use super::value::{Read, Stated, described};
use crate::inventory::{Field, nearest};

/// A section while it is read.
pub(super) struct Section<'d> {
    /// As it is written: `[probes]`, `[[server]]`.
    label: String,
    table: Option<&'d DeTable<'d>>,
    variables: Vec<&'d Variable>,
    span: Range<usize>,
    asked: Vec<&'static str>,
    stated: Vec<(Field, At)>,
}

impl<'d> Section<'d> {
    /// `[name]`, which may be absent.
    pub(super) fn single(
        root: &'d DeTable<'d>,
        variables: &'d [Variable],
        name: &'static str,
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut section = Self {
            label: format!("[{name}]"),
            table: None,
            variables: variables.iter().filter(|variable| variable.section == name).collect(),
            span: 0..0,
            asked: Vec::new(),
            stated: Vec::new(),
        };
        let Some(value) = root.get(name) else { return section };
        section.span = value.span();
        match value.get_ref() {
            DeValue::Table(table) => section.table = Some(table),
            DeValue::Array(_) => {
                mistakes.add(At::Bytes(value.span()), format!("`{name}` is stated once; write [{name}]"));
            }
            other => {
                let found = described(other);
                mistakes.add(
                    At::Bytes(value.span()),
                    format!("`{name}` is a section; write [{name}], found {found}"),
                );
            }
        }
        section
    }

    /// Every `[[name]]`.
    pub(super) fn list(root: &'d DeTable<'d>, name: &'static str, mistakes: &mut Mistakes) -> Vec<Self> {
        let Some(value) = root.get(name) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let found = match value.get_ref() {
                DeValue::Table(table) if name == "server" && table.contains_key("listen") => {
                    "; the section of the web server is [http]".to_owned()
                }
                DeValue::Table(_) => String::new(),
                other => format!(", found {}", described(other)),
            };
            mistakes.add(At::Bytes(value.span()), format!("every {name} is stated as [[{name}]]{found}"));
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(items.len());
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                let found = described(item.get_ref());
                mistakes.add(
                    At::Bytes(item.span()),
                    format!("every {name} is a table [[{name}]], found {found}"),
                );
                continue;
            };
            sections.push(Self {
                label: format!("[[{name}]]"),
                table: Some(table),
                variables: Vec::new(),
                span: item.span(),
                asked: Vec::new(),
                stated: Vec::new(),
            });
        }
        sections
    }

    /// As it is written.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Bytes of its header.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a key stands, once it was read.
    pub(super) fn at(&self, key: &'static str) -> At {
        let stated = self.stated.iter().find(|(field, _)| field.key == key);
        stated.map_or_else(|| At::Bytes(self.span.clone()), |(_, at)| at.clone())
    }

    /// Whether a key was read and stood there.
    pub(super) fn states(&self, key: &'static str) -> bool {
        self.stated.iter().any(|(field, _)| field.key == key)
    }

    fn find(&mut self, key: &'static str) -> Option<Stated<'d>> {
        self.asked.push(key);
        if let Some(variable) = self.variables.iter().find(|variable| variable.key == key) {
            return Some(Stated::Variable(&variable.name, &variable.text));
        }
        self.table?.get(key).map(Stated::File)
    }

    /// Reads a key; a mistake in it is noted, and the key counts as not stated.
    pub(super) fn read<T>(
        &mut self,
        mistakes: &mut Mistakes,
        key: &'static str,
        reader: impl Fn(Stated<'d>) -> Read<T>,
    ) -> Option<T> {
        let stated = self.find(key)?;
        self.stated.push((Field { key, index: 0 }, stated.at()));
        match reader(stated) {
            Ok(value) => Some(value),
            Err(wrong) => {
                mistakes.add(stated.at(), format!("`{key}` in {}: {wrong}", self.label));
                None
            }
        }
    }

    /// Reads a key into its place, if it is stated.
    pub(super) fn set<T>(
        &mut self,
        mistakes: &mut Mistakes,
        key: &'static str,
        place: &mut T,
        reader: impl Fn(Stated<'d>) -> Read<T>,
    ) {
        if let Some(value) = self.read(mistakes, key, reader) {
            *place = value;
        }
    }

    /// Reads a list; in the environment its items are separated by commas.
    pub(super) fn read_list<T>(
        &mut self,
        mistakes: &mut Mistakes,
        key: &'static str,
        reader: impl Fn(Stated<'d>) -> Read<T>,
    ) -> Vec<T> {
        let Some(stated) = self.find(key) else { return Vec::new() };
        let items: Vec<Stated<'d>> = match stated {
            Stated::Variable(name, text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Stated::Variable(name, item))
                .collect(),
            Stated::File(value) => match value.get_ref() {
                DeValue::Array(items) => items.iter().map(Stated::File).collect(),
                other => {
                    let found = described(other);
                    mistakes.add(
                        stated.at(),
                        format!("`{key}` in {}: expected a list [\"…\"], found {found}", self.label),
                    );
                    return Vec::new();
                }
            },
        };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            self.stated.push((Field { key, index }, item.at()));
            match reader(item) {
                Ok(value) => values.push(value),
                Err(wrong) => mistakes.add(item.at(), format!("`{key}` in {}: {wrong}", self.label)),
            }
        }
        values
    }

    /// Reports every key that was never asked for, and gives the places of those that were.
    pub(super) fn finish(self, mistakes: &mut Mistakes) -> Vec<(Field, At)> {
        let known = || self.asked.iter().copied();
        let documented = keys::section(self.label.trim_matches(['[', ']']));
        debug_assert!(
            known().all(|key| documented.is_some_and(|section| section.key(key).is_some())),
            "every key of {} is described in settings::keys",
            self.label
        );
        let unknown = |key: &str| {
            let hint = match nearest(key, known()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; known keys are {}", known().collect::<Vec<_>>().join(", ")),
            };
            format!("unknown key `{}` in {}{hint}", key.escape_debug(), self.label)
        };
        let keys = self.table.into_iter().flat_map(|table| table.keys());
        for key in keys.filter(|key| !known().any(|known| known == key.get_ref().as_ref())) {
            mistakes.add(At::Bytes(Spanned::span(key)), unknown(key.get_ref()));
        }
        for variable in self.variables.iter().filter(|variable| !known().any(|known| known == variable.key)) {
            mistakes.add(At::Variable(variable.name.clone()), unknown(&variable.key));
        }
        self.stated
    }
}
