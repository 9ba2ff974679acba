//! Names: who has which, which may be given, and which was probably meant.

use std::collections::HashMap;

use super::ElementKind;

/// Longest name in characters.
const LONGEST: usize = 64;

/// Why a name may not be given to an element.
pub(super) fn objection(name: &str) -> Option<String> {
    let Some(first) = name.chars().next() else {
        return Some("a name must not be empty".to_owned());
    };
    let length = name.chars().count();
    if length > LONGEST {
        return Some(format!("a name has at most {LONGEST} characters, this one has {length}"));
    }
    if !first.is_alphanumeric() {
        return Some(format!("a name starts with a letter or digit, `{}` does not", name.escape_debug()));
    }
    let stray = name.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))?;
    Some(format!(
        "a name holds letters, digits, `.`, `_` and `-` only; `{}` has `{}`",
        name.escape_debug(),
        stray.escape_debug()
    ))
}

/// All declared names.
pub(super) struct Names<'a> {
    /// Kind and number of declaration.
    known: HashMap<&'a str, (ElementKind, usize)>,
    /// Suggestions still to be made: looking for one reads all names.
    suggestions_left: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { known: HashMap::with_capacity(capacity), suggestions_left: 32 }
    }

    /// Gives a name away; answers who has it already.
    pub(super) fn give(&mut self, name: &'a str, kind: ElementKind, number: usize) -> Option<ElementKind> {
        if let Some((earlier, _)) = self.known.get(name) {
            return Some(*earlier);
        }
        self.known.insert(name, (kind, number));
        None
    }

    pub(super) fn get(&self, name: &str) -> Option<(ElementKind, usize)> {
        self.known.get(name).copied()
    }

    /// `; did you mean X?`, or what is known of such elements, or nothing.
    pub(super) fn suggestion(&mut self, name: &str, wanted: &[ElementKind]) -> String {
        if self.suggestions_left == 0 {
            return String::new();
        }
        self.suggestions_left -= 1;
        let fitting = self.known.iter().filter(|(_, (kind, _))| wanted.contains(kind)).map(|(name, _)| *name);
        match nearest(name, fitting) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        }
    }
}

/// The known word that was probably meant; of two as near the first by alphabet.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let tolerated = (length / 3).clamp(1, 3);
    let lower = word.to_lowercase();
    known
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * tolerated)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_alphabet_is_taken_and_a_space_or_slash_is_not() {
        for good in ["server-1", "网关7", "a.b_c-d", &"x".repeat(64)] {
            assert_eq!(objection(good), None, "{good}");
        }
        for bad in ["", "a b", "a/b", "-a", ".", "a\nb", &"x".repeat(65)] {
            assert!(objection(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn the_word_that_was_probably_meant_is_named_and_a_far_one_is_not() {
        let known = ["interval", "count", "timeout"];
        assert_eq!(nearest("intervall", known.into_iter()), Some("interval"));
        assert_eq!(nearest("tiemout", known.into_iter()), Some("timeout"));
        assert_eq!(nearest("Count", known.into_iter()), Some("count"));
        assert_eq!(nearest("colour", known.into_iter()), None);
    }
}
