//! A text about a person. It goes to the screen by way of [`super::mask`], and nowhere by accident.

use std::fmt;

/// Personal data in clear. Neither `Display` nor `Serialize`, and `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal(String);

impl Personal {
    /// Trimmed; `None` when nothing is left.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        // PostgreSQL keeps no U+0000; sealed it would, but what is shown again must be what was kept.
        let text = text.trim().replace('\0', "\u{fffd}");
        (!text.is_empty()).then_some(Self(text))
    }

    /// The text itself, for whoever seals it, hashes it, or may show it.
    #[must_use]
    pub fn in_clear(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_personal_is_not_printed_by_accident() {
        let name = Personal::of("  Wang Wei ").unwrap();
        assert_eq!(format!("{name:?} {:?}", Some(&name)), "Personal(…) Some(Personal(…))");
        assert_eq!(name.in_clear(), "Wang Wei");
        assert_eq!(Personal::of(" \n"), None);
    }
}
