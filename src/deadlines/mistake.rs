//! A mistake in a text that somebody wrote, and the place where it stands.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// One mistake, shown as `FILE:LINE:COLUMN: message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file, or what its reader calls it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What happened, why, what mends it.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for Mistake {}

/// Mistakes as they are found; the packages that read files of their own collect them so too.
#[derive(Debug)]
pub struct Mistakes<'t> {
    file: &'t str,
    text: &'t str,
    found: Vec<(usize, String)>,
}

impl<'t> Mistakes<'t> {
    /// None yet, in a text.
    #[must_use]
    pub const fn of(file: &'t str, text: &'t str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// Adds one, at a place of the text.
    pub fn add(&mut self, at: Range<usize>, message: impl fmt::Display) {
        self.found.push((at.start, message.to_string()));
    }

    /// The reader of TOML stops at its first mistake.
    #[must_use]
    pub fn of_toml(mut self, error: &toml::de::Error) -> Vec<Mistake> {
        let at = error.span().unwrap_or(0..0);
        self.add(at, error.message().replace('\n', " "));
        self.in_order()
    }

    /// What was read, unless there are mistakes.
    ///
    /// # Errors
    /// With the mistakes, in the order of the text.
    pub fn or<T>(self, read: T) -> Result<T, Vec<Mistake>> {
        match self.found.is_empty() {
            true => Ok(read),
            false => Err(self.in_order()),
        }
    }

    fn in_order(mut self) -> Vec<Mistake> {
        self.found.sort_by_key(|(at, _)| *at);
        let (file, text) = (self.file, self.text);
        let place = |(at, message): (usize, String)| {
            let before = text.as_bytes().get(..at.min(text.len())).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let begins = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            let column = String::from_utf8_lossy(&before[begins..]).chars().count() + 1;
            Mistake { file: file.to_owned(), line, column, message }
        };
        self.found.into_iter().map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_mistakes_come_in_the_order_of_the_file() {
        let text = "一 = 1\n二 = x\n";
        let mut mistakes = Mistakes::of("own.toml", text);
        mistakes.add(text.find('x').expect("it is there")..text.len(), "second");
        mistakes.add(0..1, "first");
        mistakes.add(9_999..10_000, "beyond");
        let shown: Vec<String> =
            mistakes.or(()).expect_err("mistakes").iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["own.toml:1:1: first", "own.toml:2:5: second", "own.toml:3:1: beyond"]);
    }
}
