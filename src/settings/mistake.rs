//! A mistake in the settings and the place where it stands.

use std::fmt;
use std::ops::Range;

/// Where something was stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// Bytes of the file.
    Bytes(Range<usize>),
    /// An environment variable.
    Variable(String),
}

/// One mistake, shown as `FILE:LINE:COLUMN: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsMistake {
    /// The file, or the environment variable.
    pub origin: String,
    /// Line and column (in characters), both from 1; `None` for an environment variable and for
    /// a file that cannot be read.
    pub position: Option<(usize, usize)>,
    /// What happened, why, what mends it.
    pub message: String,
}

impl SettingsMistake {
    /// About a whole file or variable.
    pub(super) fn of(origin: &str, message: String) -> Self {
        Self { origin: origin.to_owned(), position: None, message }
    }
}

impl fmt::Display for SettingsMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.origin, self.message),
            None => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

impl std::error::Error for SettingsMistake {}

/// All mistakes, one a line.
#[must_use]
pub fn report(mistakes: &[SettingsMistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Mistakes as they are found.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<(At, String)>);

impl Mistakes {
    pub(super) fn add(&mut self, at: At, message: impl Into<String>) {
        self.0.push((at, message.into()));
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// In the order of the file, those of the environment last.
    pub(super) fn placed(mut self, file: &str, text: &str) -> Vec<SettingsMistake> {
        self.0.sort_by_key(|(at, _)| match at {
            At::Bytes(range) => (0, range.start),
            At::Variable(_) => (1, 0),
        });
        let lines = Lines::of(text);
        let place = |(at, message)| match at {
            At::Bytes(range) => SettingsMistake {
                origin: file.to_owned(),
                position: Some(lines.position(range.start)),
                message,
            },
            At::Variable(variable) => SettingsMistake { origin: variable, position: None, message },
        };
        self.0.into_iter().map(place).collect()
    }
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let after_newlines =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts[line - 1];
        let before = self.text.as_bytes().get(start..byte.min(self.text.len())).unwrap_or_default();
        (line, String::from_utf8_lossy(before).chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let text = "一二 x\nyz";
        let lines = Lines::of(text);
        let at = |what: char| lines.position(text.find(what).expect("present"));
        assert_eq!((at('x'), at('y'), at('z')), ((1, 4), (2, 1), (2, 2)));
        assert_eq!(lines.position(1000), (2, 3));
    }
}
